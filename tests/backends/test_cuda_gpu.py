"""The CUDA backend on a real device: what the stand-in for CuPy cannot show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from mlmd import kernels
from mlmd.backends import cuda, get
from mlmd.backends.cuda import CudaDevice
from mlmd.errors import ArrayError, BackendUnavailable, DeviceMemoryError, PlanError

pytestmark = pytest.mark.gpu

SHAPE, NORB = (6, 5, 8), 4
ATOL = 1e-12


@pytest.fixture
def device() -> Iterator[CudaDevice]:
    """A device with a stream of its own."""
    status = get("cuda").status()
    if not status.works:
        pytest.skip(f"backend cuda: {status.reason}")
    import cupy

    made = cuda.on(cupy.cuda.Stream(non_blocking=True)).arrays()
    assert isinstance(made, CudaDevice)
    yield made
    if not made.closed:
        made.close()


def psi() -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.normal(size=(*SHAPE, NORB)) + 1j * rng.normal(size=(*SHAPE, NORB))


def plan_of(backend: Any) -> Any:
    return kernels.kin_prop(SHAPE, NORB, 0.4, 0.1, "complex128", backend)


def expected(steps: int = 1) -> np.ndarray:
    return plan_of("reference")(psi(), (1.0, 2.0, 3.0), steps=steps)


def test_it_is_described() -> None:
    status = get("cuda").status()
    if not status.works:
        pytest.skip(status.reason)
    assert "compute capability" in cuda.describe(0)


def test_a_stream_that_waits_for_nothing(device: CudaDevice) -> None:
    """CuPy's operators on a stream of their own, our kernel, and again, many times: without order this goes wrong."""
    import cupy

    plan = plan_of("cuda")
    start, result = psi(), expected()
    for _ in range(50):
        with cupy.cuda.Stream(non_blocking=True) as stream:
            given = cupy.asarray(start)
            for _ in range(20):
                given *= 1.0
            plan(given, (1.0, 2.0, 3.0))
            given *= 2.0
            stream.synchronize()
        assert np.allclose(given.get(), 2.0 * result, rtol=0, atol=ATOL)


def test_an_array_interface(device: CudaDevice) -> None:
    import cupy

    class Exporter:
        def __init__(self, array: Any) -> None:
            self.__cuda_array_interface__ = array.__cuda_array_interface__

    given = cupy.asarray(psi())
    plan_of("cuda")(Exporter(given), (1.0, 2.0, 3.0))
    assert np.allclose(given.get(), expected(), rtol=0, atol=ATOL)


def test_tensors_of_pytorch(device: CudaDevice) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("this PyTorch has no CUDA")
    given = torch.from_numpy(psi()).cuda()
    plan_of("cuda")(given, (1.0, 2.0, 3.0))
    assert np.allclose(given.cpu().numpy(), expected(), rtol=0, atol=ATOL)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        given = torch.from_numpy(psi()).cuda()
        plan_of(cuda.on(stream))(given, (1.0, 2.0, 3.0))
        assert np.allclose(given.cpu().numpy(), expected(), rtol=0, atol=ATOL)


def test_a_graph(device: CudaDevice) -> None:
    backend = get("cuda")
    own = backend.arrays()
    plan, work = plan_of(backend), own.asarray(psi())
    with pytest.raises(PlanError, match="while a graph is captured"):
        own.graph(lambda: own.asarray(psi()))
    plan(work, (1.0, 2.0, 3.0))
    graph = own.graph(lambda: plan(work, (1.0, 2.0, 3.0)))
    graph.launch()
    graph.launch()
    assert np.allclose(own.asnumpy(work), expected(steps=3), rtol=0, atol=ATOL)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize(("adjoint", "beta"), [(False, 0.0), (True, 0.0), (False, -1.5), (True, 1.0)])
def test_gemm(device: CudaDevice, dtype: str, adjoint: bool, beta: float, rng: np.random.Generator) -> None:
    def some(*shape: int) -> np.ndarray:
        numbers = rng.normal(size=shape) + 1j * rng.normal(size=shape)
        return (numbers if np.dtype(dtype).kind == "c" else numbers.real).astype(dtype)

    a, b, c = some(*((500, 30) if adjoint else (30, 500))), some(500, 40), some(30, 40)
    there = [device.asarray(x) for x in (a, b, c)]
    first, form = device.adjoint(there[0]) if adjoint else (there[0], "N")
    device.gemm(first, *there[1:], beta=beta, form=form)
    exact = (a.conj().T if adjoint else a).astype(complex) @ b + beta * c
    error = np.abs(device.asnumpy(there[2]) - exact).max() / np.abs(exact).max()
    assert error < 20 * np.finfo(dtype).eps


@pytest.mark.parametrize(("fast", "tolerance"), [("bf16", 2e-2), ("tf32", 3e-3)])
def test_fast_gemm(device: CudaDevice, fast: str, tolerance: float, rng: np.random.Generator) -> None:
    a, b = (rng.normal(size=(256, 256)).astype(np.complex64) for _ in range(2))
    c = device.empty((256, 256), np.complex64)
    device.gemm(device.asarray(a), device.asarray(b), c, fast=fast)
    assert np.abs(device.asnumpy(c) - a @ b).max() < tolerance * np.abs(a @ b).max()


def test_too_little_memory(device: CudaDevice) -> None:
    free, total = device.memory()
    assert free is not None
    assert 0 < free <= total
    with pytest.raises(DeviceMemoryError, match="has not the memory"):
        device.empty((total,), np.float64)
    assert device.asnumpy(device.zeros((5,), np.float64)).tolist() == [0.0] * 5


def test_what_is_refused(device: CudaDevice) -> None:
    import cupy

    plan = plan_of("cuda")
    with pytest.raises(ArrayError, match=r"use cupy\.asarray"):
        plan(psi())
    with pytest.raises(ArrayError, match="C-contiguous"):
        plan(cupy.asarray(psi().transpose(3, 0, 1, 2).copy()).transpose(1, 2, 3, 0))
    with pytest.raises(BackendUnavailable, match="has no kernel 'time_travel'"):
        device.launch("kin_prop:time_travel", (1,), (1,))


def test_a_closed_device(device: CudaDevice) -> None:
    device.close()
    with pytest.raises(PlanError, match="is closed"):
        device.empty((1,), np.float64)
