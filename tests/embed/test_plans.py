"""The plans of C are those of Python: the same numbers, and errors for what makes no sense."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlmd import kernels

from .plans import TYPES, Domain, HartreeMethod, Measure, Plan, Refused, call, grid, library, options, text

SHAPE, NORB, RANK, SPACING = (9, 8, 7), 5, 3, (0.5, 0.4, 0.6)
DV = SPACING[0] * SPACING[1] * SPACING[2]
BOUNDARIES = [("periodic",) * 3, ("dirichlet",) * 3, ("periodic", "dirichlet", "periodic")]
A = np.array([0.5, -1.0, 2.0])
THREADS = 2


def domain(dtype: str, boundary: tuple[str, ...] = BOUNDARIES[0], norb: int = NORB) -> Domain:
    return Domain(grid(SHAPE, SPACING, boundary), norb, TYPES[dtype])


def waves(rng: np.random.Generator, dtype: str, norb: int = NORB) -> np.ndarray[Any, Any]:
    shape = (*SHAPE, norb)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)


@pytest.fixture(params=["complex64", "complex128"])
def dtype(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_kin_prop(dtype: str, boundary: tuple[str, ...], rng: np.random.Generator) -> None:
    psi, v = waves(rng, dtype), rng.standard_normal(SHAPE)
    theirs = kernels.kin_prop(SHAPE, NORB, SPACING, 0.04, dtype, "cpu", boundary, THREADS)
    ours = Plan("kin_prop", domain(dtype, boundary), 0.04, options(THREADS))
    for a, field in ((None, None), (A, None), (A, v)):
        expected = theirs(psi.copy(), A=(0, 0, 0) if a is None else a, v=field, steps=3)
        found = psi.copy()
        ours(found, a, field, 3)
        assert np.array_equal(found, expected)


def test_packed_kin_prop(dtype: str, rng: np.random.Generator) -> None:
    psi, on = waves(rng, dtype, norb=11), domain(dtype, norb=11)
    theirs = kernels.kin_prop(SHAPE, 11, SPACING, 0.04, dtype, "cpu", threads=THREADS)
    size = library().mlmd_packed_bytes
    size.restype = ctypes.c_int64
    packed = np.full(size(ctypes.byref(on)) // psi.itemsize, 7, dtype)
    call("pack", on, psi, packed, THREADS)
    assert np.array_equal(packed, theirs.pack(psi).ravel())
    Plan("kin_prop", on, 0.04, options(THREADS))(packed, A, None, 2, form="_packed")
    found = np.empty_like(psi)
    call("unpack", on, packed, found, THREADS)
    assert np.array_equal(found, theirs.unpack(theirs(theirs.pack(psi), A=A, steps=2)))


def test_loc_prop(dtype: str, rng: np.random.Generator) -> None:
    psi, v = waves(rng, dtype), rng.standard_normal(SHAPE)
    expected = kernels.loc_prop(SHAPE, NORB, 0.07, dtype, "cpu", THREADS)(psi.copy(), v)
    Plan("loc_prop", domain(dtype), 0.07, options(THREADS))(psi, v)
    assert np.array_equal(psi, expected)


@pytest.mark.parametrize("mode", ["", "bf16x1", "bf16x2", "bf16x3", "fp32", "fp64"])
def test_nlp_prop(dtype: str, mode: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    on, place = domain(dtype), ["", "bf16x1", "bf16x2", "bf16x3", "fp32", "fp64"].index(mode)
    if dtype == "complex128" and mode not in ("", "fp64"):
        with pytest.raises(Refused, match="BAD_ARGUMENT: the mode would lower"):
            Plan("nlp_prop", on, RANK, place, options(THREADS))
        return
    theirs = kernels.nlp_prop(SHAPE, NORB, RANK, DV, dtype, mode or None, "cpu", THREADS)
    ours = Plan("nlp_prop", on, RANK, place, options(THREADS))
    for kind in ("complex64", "complex128"):
        psi, Q, S = waves(rng, dtype), waves(rng, kind, RANK), rng.standard_normal((RANK, RANK)) + 0.5j
        theirs.set(Q, S)
        expected = theirs(psi.copy())
        call("set_nlp_prop", ours.handle, Q, TYPES[kind], S)
        ours(psi)
        assert np.array_equal(psi, expected)
    theirs.set_middle(2 * S)
    expected = theirs(psi.copy())
    call("set_nlp_prop", ours.handle, None, 0, 2 * S)
    ours(psi)
    assert np.array_equal(psi, expected)


def test_overlap(dtype: str, rng: np.random.Generator) -> None:
    psi0, psi, found = waves(rng, dtype, RANK), waves(rng, dtype), np.empty((RANK, NORB), complex)
    Plan("overlap", domain(dtype), RANK, options(THREADS))(psi0, psi, found)
    assert np.array_equal(found, kernels.overlap(SHAPE, NORB, RANK, DV, dtype, "cpu", THREADS)(psi0, psi))


def test_density(dtype: str, rng: np.random.Generator) -> None:
    psi, f, n = waves(rng, dtype), rng.random(NORB), np.empty(SHAPE)
    Plan("density", domain(dtype), options(THREADS))(psi, f, n)
    assert np.array_equal(n, kernels.density(SHAPE, NORB, dtype, "cpu", THREADS)(psi, f))


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_current(dtype: str, boundary: tuple[str, ...], rng: np.random.Generator) -> None:
    psi, f, n, found = waves(rng, dtype), rng.random(NORB), np.empty(SHAPE), Measure()
    ours = Plan("current", domain(dtype, boundary), options(THREADS))
    theirs = kernels.current(SHAPE, NORB, SPACING, dtype, "cpu", boundary, THREADS)
    for a in (None, A):
        density = np.empty(SHAPE)
        expected = theirs.measure(psi, f, (0, 0, 0) if a is None else a, density)
        ours(psi, f, a, n, found)
        assert np.array_equal(n, density)
        np.testing.assert_allclose(found.norm, expected.norm, rtol=1e-15)
        np.testing.assert_allclose(found.kinetic_energy, expected.kinetic_energy, rtol=1e-14)
        np.testing.assert_allclose(found.J, expected.J, rtol=0, atol=1e-14 * np.abs(expected.J).max())


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("shape", [SHAPE, (4, 13, 6), (16, 3, 5)])
def test_hartree(shape: tuple[int, int, int], boundary: tuple[str, ...], rng: np.random.Generator) -> None:
    box, n, v = grid(shape, SPACING, boundary), rng.random(shape), np.full(shape, np.nan)
    frame: dict[str, Any] = {"boundary": boundary, "backend": "cpu", "threads": THREADS}
    theirs = kernels.hartree(shape, SPACING, method="multigrid", tol=1e-9, **frame)
    ours = Plan("hartree", box, HartreeMethod(0, 0, 0, 1e-9), options(THREADS))
    ours(n, None, v)
    expected = theirs(n)
    np.testing.assert_allclose(v, expected, rtol=0, atol=1e-13 * np.abs(expected).max())
    ours(1.1 * n, v, v)  # goes on from there, in place
    np.testing.assert_allclose(v, 1.1 * expected, rtol=0, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("sweeps", [1, 3, 4])
def test_annealing(boundary: tuple[str, ...], sweeps: int, rng: np.random.Generator) -> None:
    n, v, start = rng.random(SHAPE), np.empty(SHAPE), rng.random(SHAPE)
    theirs = kernels.hartree(SHAPE, SPACING, boundary, "dsa", sweeps=sweeps, backend="cpu", threads=THREADS)
    ours = Plan("hartree", grid(SHAPE, SPACING, boundary), HartreeMethod(1, 0, sweeps, 0), options(THREADS))
    for step in range(5):
        first = start if step == 0 else None
        expected = theirs((1 + 0.1 * step) * n, v=first)
        ours((1 + 0.1 * step) * n, first, v)
        np.testing.assert_allclose(v, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_multigrid_that_does_not_converge_says_so(rng: np.random.Generator) -> None:
    ours = Plan("hartree", grid(SHAPE, SPACING, BOUNDARIES[0]), HartreeMethod(0, 1, 0, 1e-12), options())
    with pytest.raises(Refused, match="NOT_CONVERGED: multigrid did not reach tol in 1 cycles"):
        ours(rng.random(SHAPE), None, np.empty(SHAPE))


def test_threads_share_a_plan(rng: np.random.Generator) -> None:
    start, v = waves(rng, "complex128"), rng.standard_normal(SHAPE)
    plan = Plan("kin_prop", domain("complex128"), 0.04, options(1))
    expected, found = start.copy(), [start.copy() for _ in range(4)]
    plan(expected, A, v, 50)
    at_once(lambda psi: plan(psi, A, v, 50), found)
    assert all(np.array_equal(psi, expected) for psi in found)


def test_threads_share_an_operator(rng: np.random.Generator) -> None:
    start, Q, S = waves(rng, "complex64"), waves(rng, "complex64", RANK), rng.standard_normal((RANK, RANK)) + 0j
    plan = Plan("nlp_prop", domain("complex64"), RANK, 2, options(1))
    call("set_nlp_prop", plan.handle, Q, TYPES["complex64"], S)
    expected, found = start.copy(), [start.copy() for _ in range(4)]
    plan(expected)
    at_once(plan, found)
    assert all(np.array_equal(psi, expected) for psi in found)


def test_threads_share_a_solver(rng: np.random.Generator) -> None:
    n, found = rng.random(SHAPE), [np.empty(SHAPE) for _ in range(4)]
    plan = Plan("hartree", grid(SHAPE, SPACING, BOUNDARIES[0]), HartreeMethod(0, 0, 0, 1e-9), options(1))
    at_once(lambda v: plan(n, None, v), found)
    assert all(np.array_equal(v, found[0]) for v in found)


def at_once(work: Callable[[Any], None], items: list[Any]) -> None:
    """Do the work on each item in a thread of its own."""
    threads = [threading.Thread(target=work, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_description() -> None:
    plan = Plan("overlap", domain("complex64"), RANK, options(1))
    device = text(library().mlmd_device)
    expected = f"overlap: 9 x 8 x 7 points, 5 orbitals, complex64, rank 3, 1 thread, {device}; "
    expected += "defaults (no wisdom about this)"
    assert plan.describe() == expected
    short = ctypes.create_string_buffer(b"?" * 9, 9)
    assert library().mlmd_plan_describe(plan.handle, short, ctypes.c_int64(8)) == len(expected)
    assert short.raw == b"overlap\0?"


def with_grid(**changes: Any) -> Domain:
    on = domain("complex64")
    for name, values in changes.items():
        target = on.grid if name in ("n", "h") else on
        setattr(target, name, type(getattr(on.grid, name))(*values) if target is on.grid else values)
    return on


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((None, 0.1, options()), "the domain is null"),
        ((with_grid(n=(9, 8, 1)), 0.1, options()), "an axis with less than 2 points"),
        ((with_grid(n=(9, 2, 7)), 0.1, options()), "a periodic one with less than 3"),
        ((with_grid(n=(2**31, 8, 7)), 0.1, options()), "2\\^31 points or more"),
        ((with_grid(n=(2**30, 2**30, 2**30)), 0.1, options()), "more than any memory holds"),
        ((with_grid(h=(0.5, -0.4, 0.5)), 0.1, options()), "grid spacing is not a finite number above zero"),
        ((with_grid(h=(0.5, np.nan, 0.5)), 0.1, options()), "grid spacing is not a finite number above zero"),
        ((with_grid(norb=0), 0.1, options()), "norb is below 1"),
        ((with_grid(type=7), 0.1, options()), "the type is unknown"),
        ((domain("complex64"), float("nan"), options()), "dt is not finite"),
        ((domain("complex64"), 0.1, options(threads=-1)), "options.threads is below 0"),
        ((domain("complex64"), 0.1, options(effort=9)), "options.effort is unknown"),
        ((domain("complex64"), 0.1, type(options())()), "options.size is not sizeof"),
    ],
)
def test_bad_problems_are_refused(args: tuple[Any, ...], words: str) -> None:
    with pytest.raises(Refused, match=f"BAD_ARGUMENT: .*{words}"):
        Plan("kin_prop", *args)


def test_streams_are_refused_with_the_way_out() -> None:
    with pytest.raises(Refused, match=r"UNSUPPORTED: options.stream is not NULL.*plans of the Python package"):
        Plan("density", domain("complex64"), options(stream=1))


def test_a_refused_plan_is_null_and_may_be_destroyed() -> None:
    handle = ctypes.c_void_p(1)
    with pytest.raises(Refused):
        call("plan_density", with_grid(norb=0), options(), ctypes.byref(handle))
    assert handle.value is None
    library().mlmd_destroy(handle)
    with pytest.raises(Refused, match="no place for the plan"):
        call("plan_density", domain("complex64"), options(), None)


def test_bad_calls_are_refused(rng: np.random.Generator) -> None:
    psi, n = waves(rng, "complex64"), np.empty(SHAPE)
    plan = Plan("density", domain("complex64"), None)
    with pytest.raises(Refused, match="BAD_ARGUMENT: psi is null"):
        plan(None, np.ones(NORB), n)
    with pytest.raises(Refused, match="BAD_ARGUMENT: f or n is null"):
        plan(psi, None, n)
    with pytest.raises(Refused, match="BAD_ARGUMENT: the plan is null, or not one of kin_prop"):
        call("execute_kin_prop", plan.handle, psi, None, None, 1)
    with pytest.raises(Refused, match="not one of density"):
        call("execute_density", None, psi, np.ones(NORB), n)
    with pytest.raises(Refused, match="no operator yet"):
        Plan("nlp_prop", domain("complex64"), RANK, 0, None)(psi)
    with pytest.raises(Refused, match="rank is below 1"):
        Plan("overlap", domain("complex64"), 0, None)
    with pytest.raises(Refused, match="steps is below 0"):
        Plan("kin_prop", domain("complex64"), 0.1, None)(psi, None, None, -1)
    with pytest.raises(Refused, match="psi or packed is null, or they are the same"):
        call("pack", domain("complex64"), psi, psi, 1)
    assert library().mlmd_packed_bytes(ctypes.byref(with_grid(norb=0))) == 0
