"""Products and sums on devices: units of processors against the plain path, the middle matrix, small forms, norms."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mlmd import kernels
from mlmd.backends import Device, DeviceBackend, get, names, sycl, units
from mlmd.kernels.device import nlp_prop, nlp_tasks
from mlmd.kernels.device.forms import column_norms, hermitian_form, weighted_squares
from mlmd.kernels.device.nlp_middle import nlp_middle

SIZES = [(1, 1), (7, 5), (3, 19), (24, 24), (64, 33)]  # of rank and orbitals


@pytest.fixture(params=[name for name in names() if isinstance(get(name), DeviceBackend)])
def device(request: pytest.FixtureRequest) -> Device:
    """A device that works here."""
    backend = get(request.param)
    if not backend.status().works:
        pytest.skip(f"backend {request.param}: {backend.status().reason}")
    return backend.arrays()


@pytest.fixture(params=[True, False])
def shaped(request: pytest.FixtureRequest, device: Device) -> Iterator[Device]:
    """A device with the launches that suit it, and a processor with those of a GPU."""
    if not (device.processor or request.param):
        pytest.skip("a GPU has no launches for processors")
    kept, device.processor = device.processor, device.processor and request.param
    yield device
    device.processor = kept


def numbers(rng: np.random.Generator, *shape: int, dtype: str = "complex128") -> np.ndarray:
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)


def sycl_device() -> Device:
    if not get("sycl").status().works:
        pytest.skip(f"backend sycl: {get('sycl').status().reason}")
    return get("sycl").arrays()


def propagated(device: Device, rank: int, norb: int, mode: str, dtype: str = "complex64") -> np.ndarray:
    """A random psi after a random operator."""
    rng, shape = np.random.default_rng(rank + 100 * norb), (9, 11, 13)
    Q, psi = numbers(rng, *shape, rank, dtype=dtype), numbers(rng, *shape, norb, dtype=dtype)
    Q /= np.sqrt(np.sum(np.abs(Q) ** 2, axis=(0, 1, 2)))
    plan = kernels.nlp_prop(shape, norb, rank, 0.7, dtype, mode, "sycl")
    plan.set(device.asarray(Q), numbers(rng, rank, rank) / rank)
    return device.asnumpy(plan(device.asarray(psi)))


@pytest.mark.parametrize("unit", ["amx", "dots"])
@pytest.mark.parametrize(("rank", "norb"), [*SIZES, (40, 300)])
@pytest.mark.parametrize(("mode", "most"), [("bf16x1", 1e-4), ("bf16x2", 1e-6), ("bf16x3", 1e-6)])
def test_units_agree_with_the_plain_path(
    unit: str, rank: int, norb: int, mode: str, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = sycl_device()
    if not getattr(device, unit):
        pytest.skip(f"this processor has no unit for it, or the driver of SYCL makes no code ({unit})")
    by_unit = propagated(device, rank, norb, mode)
    for each in ("amx", "dots"):
        monkeypatch.setattr(device, each, False)
    plain = propagated(device, rank, norb, mode)
    assert np.linalg.norm(by_unit - plain) <= most * np.linalg.norm(plain)


@pytest.mark.parametrize(("rank", "norb"), [(1, 8), (7, 16), (3, 24), (24, 40), (130, 16)])
@pytest.mark.parametrize(("dtype", "mode", "most"), [("complex64", "fp32", 1e-6), ("complex128", "fp64", 1e-13)])
def test_tasks_agree_with_the_library(
    rank: int, norb: int, dtype: str, mode: str, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = sycl_device()
    if not device.processor:
        pytest.skip("a GPU has no tasks")
    by_tasks = propagated(device, rank, norb, mode, dtype)
    monkeypatch.setattr(nlp_tasks, "LARGEST", 0)
    by_library = propagated(device, rank, norb, mode, dtype)
    assert 0 < np.linalg.norm(by_tasks - by_library) <= most * np.linalg.norm(by_library)


@pytest.mark.parametrize("mode", ["fp64", "fp32", "bf16x1", "bf16x3"])
def test_points_in_several_chunks(
    device: Device, mode: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape, norb, rank = (9, 11, 13), 5, 6
    Q, psi = numbers(rng, *shape, rank), numbers(rng, *shape, norb, dtype="complex64")
    S = numbers(rng, rank, rank) / 1287

    def run() -> list[np.ndarray]:
        plan = kernels.nlp_prop(shape, norb, rank, 0.7, "complex64", mode, device.name)
        plan.set(device.asarray(Q), S)
        overlaps = kernels.overlap(shape, norb, rank, 0.7, "complex64", device.name)
        left = [device.asarray(q) for q in (Q, Q.astype("complex64"))]
        right = device.asarray(psi)
        results = [*(overlaps(q, right) for q in left), plan(right)]
        return [device.asnumpy(array) for array in results]

    monkeypatch.setattr(device, "amx", False)
    monkeypatch.setattr(device, "dots", False)
    whole = run()
    monkeypatch.setattr(nlp_prop, "POINTS", 100)
    monkeypatch.setattr(sycl, "PRODUCT_BYTES", 37 * norb * 8)
    for few, expected in zip(run(), whole, strict=True):
        assert np.linalg.norm(few - expected) <= (1e-4 if mode == "bf16x1" else 1e-6) * np.linalg.norm(expected)


@pytest.mark.parametrize("name", list(units.UNITS))
def test_a_driver_that_fails_leaves_the_plain_path(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if not units.processor()[1] >= units.UNITS[name].flags:
        pytest.skip(f"this processor has no {name}")
    monkeypatch.setenv("MLMD_CACHE", str(tmp_path))
    monkeypatch.setattr(units, "CHILD", "import os; os.abort()")
    assert not units.works(name, "a driver")
    monkeypatch.setattr(units, "CHILD", "")
    assert not units.works(name, "a driver")  # the answer was kept
    assert units.works(name, "another driver")


def test_a_processor_without_the_unit_is_not_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLMD_CACHE", str(tmp_path))
    monkeypatch.setattr(units, "processor", lambda: ("a model", frozenset({"sse2"})))
    assert not any(units.works(name, "a driver") for name in units.UNITS)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(
    not units.processor()[1] >= units.UNITS["tiles"].flags, reason="this processor has no matrix tiles"
)
@pytest.mark.parametrize("told", [None, "skx"])
def test_a_driver_that_was_told_too_late_is_left_alone(told: str | None, tmp_path: Path) -> None:
    if not get("sycl").status().works:
        pytest.skip(f"backend sycl: {get('sycl').status().reason}")
    environment = {key: value for key, value in os.environ.items() if key != units.TARGET}
    environment |= {"MLMD_CACHE": str(tmp_path)} | ({units.TARGET: told} if told else {})
    program = """
import dpctl
dpctl.get_devices()
from mlmd.backends import get, units
print(units.target(), get("sycl").arrays().amx)
"""
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split()[0] == str(told)


@pytest.mark.parametrize(("rank", "norb"), SIZES)
def test_small_forms(shaped: Device, rank: int, norb: int, rng: np.random.Generator) -> None:
    O, M, w = numbers(rng, rank, norb), numbers(rng, rank, rank), rng.normal(size=norb)
    M += M.conj().T
    out, squares = shaped.empty((norb,), np.float64), shaped.empty((rank,), np.float64)
    hermitian_form(shaped, shaped.asarray(O), shaped.asarray(M), out)
    weighted_squares(shaped, shaped.asarray(O), shaped.asarray(w), squares)
    assert np.allclose(shaped.asnumpy(out), np.einsum("ks,kl,ls->s", O.conj(), M, O).real, rtol=1e-12, atol=1e-11)
    assert np.allclose(shaped.asnumpy(squares), np.abs(O) ** 2 @ w, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize(("points", "norb"), [(1, 1), (31, 3), (1000, 64), (9001, 17)])
def test_norms_of_columns(shaped: Device, points: int, norb: int, dtype: str, rng: np.random.Generator) -> None:
    psi = numbers(rng, points, norb, dtype=dtype)
    out, again = (shaped.empty((norb,), np.float64) for _ in range(2))
    column_norms(shaped, shaped.asarray(psi), 0.3, out)
    column_norms(shaped, shaped.asarray(psi), 0.3, again)
    expected = 0.3 * np.sum(np.abs(psi.astype(complex)) ** 2, axis=0)
    assert np.allclose(shaped.asnumpy(out), expected, rtol=1e-13)
    assert shaped.asnumpy(out).tobytes() == shaped.asnumpy(again).tobytes()


def test_middle_of_a_diagonal_sigma(shaped: Device, rng: np.random.Generator) -> None:
    sigma, a = rng.normal(size=13), np.array([3.0, -0.4, 2.0])
    S = shaped.empty((13, 13), np.complex128)
    nlp_middle(shaped, S, shaped.asarray(sigma), shaped.asarray(a)[1:2], 0.01)
    expected = np.diag(np.expm1(0.01j * 0.4 * sigma))
    assert np.max(np.abs(shaped.asnumpy(S) - expected)) <= 1e-17
