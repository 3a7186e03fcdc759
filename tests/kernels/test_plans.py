"""What plans refuse, before any memory is touched, and what they say about themselves."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mlmd import kernels
from mlmd.errors import ArrayError, BackendUnavailable, PlanError

SHAPE = (4, 5, 6)


def plans(backend: str) -> dict[str, Callable[[Any], Any]]:
    """Each kernel as a function of psi alone."""
    nonlocal_part = kernels.nlp_prop(SHAPE, 2, 1, 1.0, backend=backend)
    nonlocal_part.set(np.ones((*SHAPE, 1), complex) / np.sqrt(120), np.ones((1, 1), complex))
    f, v = np.ones(2), np.ones(SHAPE)
    density = kernels.density(SHAPE, 2, backend=backend)
    current = kernels.current(SHAPE, 2, 0.4, backend=backend)
    local = kernels.loc_prop(SHAPE, 2, 0.1, backend=backend)
    return {
        "kin_prop": kernels.kin_prop(SHAPE, 2, 0.4, 0.1, backend=backend),
        "loc_prop": lambda psi: local(psi, v),
        "nlp_prop": nonlocal_part,
        "density": lambda psi: density(psi, f),
        "current": lambda psi: current(psi, f),
    }


@pytest.mark.parametrize("kernel", ["kin_prop", "loc_prop", "nlp_prop", "density", "current"])
def test_bad_wave_functions_are_refused(host_backend: str, kernel: str) -> None:
    call = plans(host_backend)[kernel]
    good = np.ones((*SHAPE, 2), complex)
    bad = {
        "numpy.asarray|np.asarray": good.tolist(),
        "complex64.*complex128": good.astype(np.complex64),
        "float64": good.real.copy(),
        r"shape \(4, 5, 6, 3\)": np.ones((*SHAPE, 3), complex),
        r"shape \(4, 5, 12\)": good.reshape(4, 5, 12),
        "ascontiguousarray": np.ones((*SHAPE, 4), complex)[..., ::2],
        "C-contiguous": np.asfortranarray(good),
        "dtype >c16": good.astype(">c16"),
    }
    for message, psi in bad.items():
        with pytest.raises(ArrayError, match=message):
            call(psi)
    call(good)


@pytest.mark.parametrize("kernel", ["kin_prop", "loc_prop", "nlp_prop"])
def test_read_only_wave_functions_are_not_overwritten(host_backend: str, kernel: str) -> None:
    psi = np.ones((*SHAPE, 2), complex)
    psi.flags.writeable = False
    with pytest.raises(ArrayError, match="read-only"):
        plans(host_backend)[kernel](psi)


def test_a_refused_call_changes_nothing(host_backend: str) -> None:
    psi = np.ones((*SHAPE, 2), complex)
    plan = kernels.loc_prop(SHAPE, 2, 0.1, backend=host_backend)
    with pytest.raises(ArrayError, match="v has dtype float32"):
        plan(psi, np.ones(SHAPE, np.float32))
    with pytest.raises(ArrayError, match="overlaps"):
        plan(psi, np.ones(SHAPE), out=psi[:])
    with pytest.raises(ArrayError, match="out has shape"):
        plan(psi, np.ones(SHAPE), out=np.ones((2, 2), complex))
    assert (psi == 1.0).all()


def test_packed_wave_functions_are_checked(host_backend: str) -> None:
    plan = kernels.kin_prop(SHAPE, 6, 0.4, 0.1, backend=host_backend)
    packed = plan.pack(np.ones((*SHAPE, 6), complex))
    bad = {
        r"psi has shape \(1, 4, 5, 6, 4\)": lambda: plan(packed[:1]),
        "psi has dtype complex64": lambda: plan(packed.astype(np.complex64)),
        "out has shape": lambda: plan(packed, out=np.ones((*SHAPE, 6), complex)),
        r"packed has shape \(4, 5, 6, 6\)": lambda: plan.unpack(np.ones((*SHAPE, 6), complex)),
        "v has shape": lambda: plan(packed, v=np.ones((4, 5, 5))),
        "overlaps": lambda: plan(packed, out=packed[:]),
    }
    for message, call in bad.items():
        with pytest.raises(ArrayError, match=message):
            call()
    with pytest.raises(PlanError, match="local is 'middle'"):
        plan(packed, v=np.ones(SHAPE), local="middle")
    with pytest.raises(PlanError, match="steps is -1"):
        plan(packed, steps=-1)
    assert (plan.unpack(packed) == 1.0).all()


def test_bad_fields_and_occupations_are_refused() -> None:
    psi = np.ones((*SHAPE, 2), complex)
    with pytest.raises(ArrayError, match=r"f has shape \(3,\)"):
        kernels.density(SHAPE, 2)(psi, np.ones(3))
    with pytest.raises(ArrayError, match="out is read-only"):
        kernels.density(SHAPE, 2)(psi, np.ones(2), out=_read_only())
    with pytest.raises(ArrayError, match="n has dtype"):
        kernels.hartree(SHAPE, 0.3)(np.ones(SHAPE, np.float32))
    n = np.ones(SHAPE)
    with pytest.raises(ArrayError, match="overlaps"):
        kernels.hartree(SHAPE, 0.3)(n, out=n)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": (1, 5, 6)}, "1 point"),
        ({"shape": (2, 5, 6)}, "joins the same two points twice"),
        ({"shape": (0, 5, 6)}, r"shape\[0\] is 0"),
        ({"shape": (4, 5)}, "three values"),
        ({"shape": (4, 5, 6.5)}, "whole number"),
        ({"shape": "456"}, "three values"),
        ({"norb": 0}, "norb is 0"),
        ({"spacing": -0.3}, "above zero"),
        ({"spacing": (0.3, 0.3, 0.0)}, r"spacing\[2\]"),
        ({"spacing": float("nan")}, "finite"),
        ({"spacing": "wide"}, "real number"),
        ({"dt": float("inf")}, "dt is inf"),
        ({"dt": None}, "dt is None"),
        ({"dtype": "float64"}, "complex64"),
        ({"dtype": "complex-ish"}, "complex64"),
        ({"boundary": "open"}, "periodic"),
        ({"boundary": ("periodic", "periodic")}, "three values"),
        ({"boundary": ("periodic", "periodic", None)}, "periodic"),
        ({"threads": 0}, "threads is 0"),
        ({"threads": 1.5}, "whole number"),
    ],
)
def test_bad_plans_are_refused(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"shape": SHAPE, "norb": 2, "spacing": 0.4, "dt": 0.1}
    with pytest.raises(PlanError, match=message):
        kernels.kin_prop(**(good | change))


@pytest.mark.parametrize(
    "change", [{"method": "magic"}, {"laplacian": "wide"}, {"tol": -1e-9}, {"sweeps": 0}]
)
def test_bad_hartree_plans_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(PlanError):
        kernels.hartree(SHAPE, 0.3, **change)


def test_bad_vectors_are_refused() -> None:
    plan = kernels.kin_prop(SHAPE, 2, 0.4, 0.1)
    psi = np.ones((*SHAPE, 2), complex)
    for A in ((1.0, 2.0), 3.0, (0.0, 0.0, float("nan"))):
        with pytest.raises(PlanError, match="A"):
            plan(psi, A)


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(BackendUnavailable, match=r"'abacus' is not there; known: .*cpu.*pip install"):
        kernels.density(SHAPE, 2, backend="abacus")


def test_flops_and_bytes() -> None:
    points, norb, rank = 120, 2, 3
    psi_bytes = points * norb * 16
    kinetic = kernels.kin_prop(SHAPE, norb, 0.4, 0.1, boundary="dirichlet")
    pairs = (2 * 2 + 1) * 30 + (2 * 2 + 2) * 24 + (2 * 3 + 2) * 20  # E, O, E along each axis
    assert kinetic.flops() == norb * (8 * pairs + 20 * points)
    assert kinetic.bytes() == 2 * psi_bytes
    nonlocal_part = kernels.nlp_prop(SHAPE, norb, rank, 1.0)
    assert nonlocal_part.flops() == 2 * 8 * points * norb * rank + 8 * rank**2 * norb
    assert nonlocal_part.bytes() == 3 * psi_bytes + 2 * points * rank * 16
    assert kernels.density(SHAPE, norb).bytes() == psi_bytes + 8 * points
    for plan in (kernels.loc_prop(SHAPE, norb, 0.1), kernels.current(SHAPE, norb, 0.4), kernels.hartree(SHAPE, 0.4)):
        assert plan.flops() > 0
        assert plan.bytes() > 0


def test_complex64_moves_half_the_bytes() -> None:
    wide, narrow = (kernels.kin_prop(SHAPE, 2, 0.4, 0.1, dtype) for dtype in ("complex128", "complex64"))
    assert wide.bytes() == 2 * narrow.bytes()


def test_plans_say_what_they_are() -> None:
    assert (
        repr(kernels.density(SHAPE, 2, threads=1))
        == "<Density: grid 4x5x6, 2 orbitals, complex128, backend cpu, 1 threads>"
    )
    assert repr(kernels.hartree(SHAPE, 0.4, threads=1)) == "<Hartree: grid 4x5x6, backend cpu, 1 threads>"


def _read_only() -> np.ndarray:
    array = np.ones(SHAPE)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("pairs", "angle"),
    [((0, 0, 2, 1), 0.1), ((0, 1, 2, 1), 0.1), ((3, 0, 1, 0), 0.1), ((0, 0, 3, 0), 0.1), ((0, 0, 2, 0), np.nan)],
)
def test_raw_cpu_kernel_refuses_sweeps_that_make_no_sense(pairs: tuple[int, ...], angle: float) -> None:
    cpu = pytest.importorskip("mlmd._cpu")
    psi = np.ones((1, 5, 4, 3, 2), complex)
    sweep = np.array([pairs], np.int32), np.array([angle]), 0.0, np.zeros(3)
    with pytest.raises(ValueError, match=r"sweep|finite"):
        cpu.kin_prop(psi, *sweep, None, np.zeros(2), 1, np.empty(0, np.uint8), 1)
    assert np.all(psi == 1.0)


def test_raw_cpu_kernel_takes_a_sweep_without_pairs() -> None:
    cpu = pytest.importorskip("mlmd._cpu")
    psi = np.ones((1, 5, 4, 3, 2), complex)
    sweep = np.zeros((1, 4), np.int32), np.ones(1), 0.0, np.zeros(3)
    cpu.kin_prop(psi, *sweep, None, np.zeros(2), 1, np.empty(0, np.uint8), 1)
    assert np.allclose(psi, 1.0, rtol=0, atol=1e-15)


def test_raw_cpu_kernel_refuses_levels_that_leave_one_out() -> None:
    cpu = pytest.importorskip("mlmd._cpu")
    field = np.zeros((8, 8, 8))
    levels = SimpleNamespace(
        shapes=np.array([(8, 8, 8), (1, 1, 1)], np.int32),
        spacings=np.ones((2, 3)),
        weights=np.ones((2, 2)),
        periodic=np.ones(3, np.int32),
    )
    with pytest.raises(ValueError, match="does not fit the one before"):
        cpu.multigrid(field, field.copy(), levels, 1e-8, 10, 1)
