"""The CUDA backend: what is said where it does not work, and, with a stand-in for CuPy, what it asks of CuPy."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mlmd import kernels
from mlmd.backends import cuda, get
from mlmd.backends.cuda import CudaDevice
from mlmd.backends.device import DeviceBackend
from mlmd.errors import ArrayError, BackendUnavailable, DeviceMemoryError, PlanError

from ..cuda_on_host import BACKEND as ON_HOST
from ..cuda_on_host import fake_cupy

SHAPE, NORB = (4, 5, 6), 3
NAMES_OF_CUPY = (
    "RawModule",
    "cuda.Device",
    "cuda.Device.cublas_handle",
    "cuda.Event",
    "cuda.ExternalStream",
    "cuda.MemoryPointer",
    "cuda.MemoryPointer.copy_from_device_async",
    "cuda.MemoryPointer.memset_async",
    "cuda.Stream",
    "cuda.Stream.begin_capture",
    "cuda.Stream.end_capture",
    "cuda.Stream.record",
    "cuda.Stream.wait_event",
    "cuda.UnownedMemory",
    "cuda.compiler.CompileException",
    "cuda.driver.CUDADriverError",
    "cuda.get_current_stream",
    "cuda.memory.OutOfMemoryError",
    "cuda.runtime.CUDARuntimeError",
    "cuda.runtime.driverGetVersion",
    "cuda.runtime.getDevice",
    "cuda.runtime.getDeviceCount",
    "cuda.runtime.getDeviceProperties",
    "cuda.runtime.memGetInfo",
    "empty",
    "from_dlpack",
    "get_default_memory_pool",
    "ndarray",
    "ndarray.device",
    "ndarray.get",
    "ndarray.set",
)


@pytest.fixture
def cupy() -> Iterator[fake_cupy.State]:
    """A stand-in for CuPy with two devices."""
    if not ON_HOST.status().works:
        pytest.skip(ON_HOST.status().reason)
    with fake_cupy.installed(devices=2) as state:
        yield state


@pytest.fixture
def backend(cupy: fake_cupy.State) -> DeviceBackend:
    """The CUDA backend on the second device of the stand-in."""
    device = CudaDevice(1)
    return DeviceBackend(**{**vars(cuda.BACKEND), "open": lambda index: device, "index": 1})


def filled(device: Any, array: np.ndarray) -> Any:
    return device.asarray(array)


def psi() -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.normal(size=(*SHAPE, NORB)) + 1j * rng.normal(size=(*SHAPE, NORB))


def make_plan(backend: Any) -> Any:
    return kernels.kin_prop(SHAPE, NORB, 0.4, 0.1, "complex128", backend)


class Exporter:
    """An array of another library."""

    def __init__(self, array: Any, **facts: Any) -> None:
        self.array, self.facts = array, facts

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        a = self.array
        return {
            "shape": a.shape,
            "typestr": a.dtype.str,
            "data": (a.ctypes.data, self.facts.pop("read_only", False)),
            "version": 3,
            **self.facts,
        }


class DlpackExporter:
    """A tensor of another library."""

    def __init__(self, array: Any, kind: int) -> None:
        self.array, self.kind = array, kind

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.kind, 1

    def __dlpack__(self) -> None:
        raise AssertionError

    def exported(self) -> Any:
        return self.array


def test_without_cupy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    status = get("cuda").status()
    assert not status.works
    assert "pip install 'mlmd[cuda]'" in status.reason
    with pytest.raises(BackendUnavailable, match=r"'cuda:1' does not work here: .*pip install"):
        kernels.density(SHAPE, NORB, backend="cuda:1")


def test_without_a_device_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_cupy.installed(devices=0):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        assert "driver is missing or too old" in get("cuda").status().reason
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        assert "CUDA_VISIBLE_DEVICES is empty" in get("cuda").status().reason


def test_a_number_that_is_not_there(cupy: fake_cupy.State) -> None:
    assert get("cuda:1").status().works
    assert "there are 2: numbers 0 to 1" in get("cuda:2").status().reason


def test_the_installed_cupy_has_what_is_used() -> None:
    """Also where no GPU is."""
    cupy = pytest.importorskip("cupy")
    for name in NAMES_OF_CUPY:
        found = cupy
        for part in name.split("."):
            found = getattr(found, part, None) or importlib.import_module(f"cupy.{name.rpartition('.')[0]}")
        assert found is not None, name


@pytest.mark.parametrize(("rank", "expected"), [("0", 0), ("1", 1), ("5", 1)])
def test_each_process_of_a_node_has_its_device(monkeypatch: pytest.MonkeyPatch, rank: str, expected: int) -> None:
    opened: list[int] = []
    backend = DeviceBackend("many", "", "", "", count=lambda: 2, open=lambda index: opened.append(index) or index)  # type: ignore
    monkeypatch.setenv("OMPI_COMM_WORLD_LOCAL_RANK", rank)
    assert backend.arrays() == expected
    assert backend.at(0).arrays() == 0
    assert opened.count(0) == 1


def test_kin_prop(backend: DeviceBackend) -> None:
    device = backend.arrays()
    given = device.asarray(psi())
    result = device.asnumpy(make_plan(backend)(given, (3.0, 4.0, 5.0)))
    assert np.allclose(result, make_plan("reference")(psi(), (3.0, 4.0, 5.0)), rtol=0, atol=1e-12)
    assert device.traffic.to_device >= psi().nbytes
    assert device.traffic.to_host == psi().nbytes


def test_a_graph_does_the_work_again(backend: DeviceBackend, cupy: fake_cupy.State) -> None:
    device, plan = backend.arrays(), make_plan(backend)
    work = device.asarray(psi())
    with pytest.raises(PlanError, match="nothing can be copied to the device while a graph is captured"):
        device.graph(lambda: plan(work))
    plan(work)
    before = len(cupy.launches)
    graph = device.graph(lambda: plan(work))
    assert len(cupy.launches) == before
    graph.launch()
    graph.launch()
    expected = make_plan("reference")(psi(), steps=3)
    assert np.allclose(device.asnumpy(work), expected, rtol=0, atol=1e-12)


def test_arrays_that_do_not_fit(backend: DeviceBackend) -> None:
    device, plan = backend.arrays(), make_plan(backend)
    with pytest.raises(ArrayError, match=r"psi is a numpy\.ndarray; expected an array on cuda:1: use cupy\.asarray"):
        plan(psi())
    with pytest.raises(ArrayError, match="has dtype complex64"):
        plan(device.asarray(psi().astype(np.complex64)))
    with pytest.raises(ArrayError, match="is not C-contiguous"):
        plan(device.asarray(np.zeros((NORB, *SHAPE), complex)).transpose(1, 2, 3, 0))
    with pytest.raises(ArrayError, match="is on cuda:0, the plan on cuda:1"):
        plan(CudaDevice(0).asarray(psi()))
    shifted = device.asarray(np.zeros(psi().size * 2 + 1))[1:].view(complex).reshape(psi().shape)
    with pytest.raises(ArrayError, match="is not aligned"):
        plan(shifted)
    with pytest.raises(ArrayError, match="is read-only"):
        plan(Exporter(device.asarray(psi()), read_only=True))
    with pytest.raises(ArrayError, match=r"cannot be used on cuda:1 without a copy .*has a mask"):
        plan(Exporter(device.asarray(psi()), mask=True))
    with pytest.raises(ArrayError, match="is a list that cannot be used on cuda:1"):
        plan([1.0])
    with pytest.raises(ArrayError, match="in the memory of the host"):
        plan(DlpackExporter(psi(), 1))


@pytest.mark.parametrize("kind", ["interface", "dlpack"])
def test_arrays_of_other_libraries_are_not_copied(backend: DeviceBackend, kind: str, cupy: fake_cupy.State) -> None:
    device = backend.arrays()
    own = device.asarray(psi())
    cupy.home[own.ctypes.data] = 1
    plan = make_plan(backend)
    expected = make_plan("reference")(psi())
    plan(Exporter(own, stream=7) if kind == "interface" else DlpackExporter(own, 2))
    assert np.allclose(device.asnumpy(own), expected, rtol=0, atol=1e-12)
    ours = device.stream.ptr
    if kind == "interface":
        assert (ours, 7) in cupy.waits
        assert (7, ours) in cupy.waits
        assert cupy.waits.index((ours, 7)) < cupy.waits.index((7, ours))
    else:
        assert (-1, ours) in cupy.waits


def test_arrays_of_the_default_stream_need_no_event(backend: DeviceBackend, cupy: fake_cupy.State) -> None:
    device, plan = backend.arrays(), make_plan(backend)
    plan(device.asarray(psi()))
    plan(Exporter(device.asarray(psi()), stream=1))
    assert cupy.waits == []


def test_a_stream_of_the_caller(cupy: fake_cupy.State) -> None:
    backend = cuda.on(SimpleNamespace(cuda_stream=77, device_index=1))
    device = backend.arrays()
    assert (device.number, device.stream.ptr) == (1, 77)
    own = device.asarray(psi())
    cupy.home[own.ctypes.data] = 1
    make_plan(backend)(DlpackExporter(own, 2))
    assert cupy.waits == []
    assert np.allclose(device.asnumpy(own), make_plan("reference")(psi()), rtol=0, atol=1e-12)


def test_too_little_memory(backend: DeviceBackend, cupy: fake_cupy.State) -> None:
    cupy.free = 2**20
    with pytest.raises(DeviceMemoryError, match=r"cuda:1 has not the memory: asked for 8\.00 GiB, 0\.00 GiB are free"):
        backend.arrays().empty((2**30,), np.float64)


def test_kernels_that_are_not_there(backend: DeviceBackend) -> None:
    device = backend.arrays()
    with pytest.raises(BackendUnavailable, match=r"has no kernel 'time_travel' in csrc/cuda/kin_prop\.cu"):
        device.launch("kin_prop:time_travel", (1,), (1,))
    with pytest.raises(BackendUnavailable, match="there are no CUDA kernels 'time_travel'"):
        device.launch("time_travel:f", (1,), (1,))


def test_a_closed_device(backend: DeviceBackend) -> None:
    device, plan = backend.arrays(), make_plan(backend)
    given = device.asarray(psi())
    device.close()
    for call in (lambda: plan(given), lambda: device.empty((1,), float), lambda: device.asnumpy(given)):
        refused(call)


def refused(call: Callable[[], Any]) -> None:
    with pytest.raises(PlanError, match="cuda:1 is closed"):
        call()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize(("adjoint", "beta"), [(False, 0.0), (True, 0.0), (False, -1.5), (True, 1.0)])
def test_gemm(backend: DeviceBackend, dtype: Any, adjoint: bool, beta: float, rng: np.random.Generator) -> None:
    def some(*shape: int) -> np.ndarray:
        numbers = rng.normal(size=shape) + 1j * rng.normal(size=shape)
        return (numbers if np.dtype(dtype).kind == "c" else numbers.real).astype(dtype)

    a, b, c = some(*((5, 3) if adjoint else (3, 5))), some(5, 4), some(3, 4)
    device = backend.arrays()
    there = [device.asarray(x) for x in (a, b, c)]
    first, form = device.adjoint(there[0]) if adjoint else (there[0], "N")
    device.gemm(first, *there[1:], beta=beta, form=form)
    expected = (a.conj().T if adjoint else a) @ b + beta * c
    assert np.allclose(device.asnumpy(there[2]), expected, rtol=1e-5)
