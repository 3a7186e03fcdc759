"""The SYCL backend: finding its device, arrays of others, errors instead of crashes, shipped kernels."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mlmd import kernels
from mlmd.backends import get, spirv
from mlmd.backends.sycl import JOIN_BYTES
from mlmd.errors import ArrayError, BackendUnavailable, DeviceMemoryError, PlanError

pytestmark = pytest.mark.skipif(not get("sycl").status().works, reason=f"sycl: {get('sycl').status().reason}")
SHAPE = (4, 5, 6)


def answer(code: str, **environment: str) -> str:
    """What a fresh process without a driver variable prints."""
    kept = {k: v for k, v in os.environ.items() if k not in ("OCL_ICD_FILENAMES", "ONEAPI_DEVICE_SELECTOR")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=kept | environment, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def device() -> Any:
    """A device on a queue of its own."""
    import dpctl

    from mlmd.backends import sycl

    return sycl.on(dpctl.SyclQueue(sycl.devices()[0], property="in_order"))


def test_the_device_is_found_without_a_variable() -> None:
    assert "Status(works=True" in answer("from mlmd.backends import get; print(get('sycl').status())")


def test_a_driver_that_is_found_too_late_is_explained() -> None:
    said = answer("import dpctl; dpctl.get_devices(); from mlmd.backends import get; print(get('sycl').status())")
    assert "too late" in said or "works=True" in said  # a driver of the system is there from the start
    assert "works=True" in said or "OCL_ICD_FILENAMES=" in said


def test_a_selector_that_hides_the_device_is_named() -> None:
    said = answer("from mlmd.backends import get; print(get('sycl').status())", ONEAPI_DEVICE_SELECTOR="cuda:gpu")
    assert "ONEAPI_DEVICE_SELECTOR=cuda:gpu hides" in said


def test_a_number_too_high_is_refused() -> None:
    with pytest.raises(BackendUnavailable, match=r"sycl:99.*numbers 0 to"):
        kernels.density(SHAPE, 2, backend="sycl:99")
    with pytest.raises(BackendUnavailable, match="write for example 'sycl:0'"):
        get("sycl:first")


def test_numpy_arrays_are_not_copied_behind_the_back() -> None:
    plan = kernels.loc_prop(SHAPE, 2, 0.1, backend="sycl")
    with pytest.raises(ArrayError, match=r"psi is a numpy.ndarray.*use dpnp.asarray\(psi\)"):
        plan(np.ones((*SHAPE, 2), complex), get("sycl").arrays().asarray(np.ones(SHAPE)))


def test_wrong_arrays_are_refused() -> None:
    arrays = get("sycl").arrays()
    plan, v = kernels.loc_prop(SHAPE, 2, 0.1, backend="sycl"), arrays.asarray(np.ones(SHAPE))
    good = np.ones((*SHAPE, 2), complex)
    bad: dict[str, Any] = {
        "dtype complex64": arrays.asarray(good.astype(np.complex64)),
        r"shape \(4, 5, 12\)": arrays.asarray(good.reshape(4, 5, 12)),
        "not C-contiguous": arrays.asarray(np.ones((*SHAPE, 4), complex))[..., ::2],
        "list.*without a copy": good.tolist(),
    }
    for message, psi in bad.items():
        with pytest.raises(ArrayError, match=message):
            plan(psi, v)


def test_an_array_of_another_queue_is_taken(rng: np.random.Generator) -> None:
    import dpnp

    psi, v = rng.normal(size=(*SHAPE, 2)) + 0j, rng.normal(size=SHAPE)
    theirs = dpnp.asarray(psi)
    assert theirs.sycl_queue != get("sycl").arrays().queue
    result = kernels.loc_prop(SHAPE, 2, 0.1, backend="sycl")(theirs, dpnp.asarray(v))
    assert result is theirs
    assert np.allclose(dpnp.asnumpy(theirs), np.exp(-0.1j * v)[..., None] * psi, atol=1e-14)


class Interface:
    """Somebody's array in unified shared memory."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.__sycl_usm_array_interface__ = array.__sycl_usm_array_interface__


class Capsule:
    """Somebody's array that knows DLPack only."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


@pytest.mark.parametrize("kind", [Interface, Capsule])
def test_other_libraries_arrays_are_taken_without_a_copy(kind: type, rng: np.random.Generator) -> None:
    import dpnp

    psi, v = rng.normal(size=(*SHAPE, 2)) + 0j, rng.normal(size=SHAPE)
    theirs = dpnp.asarray(psi)
    given = kind(theirs)
    assert kernels.loc_prop(SHAPE, 2, 0.1, backend="sycl")(given, dpnp.asarray(v)) is given
    assert np.allclose(dpnp.asnumpy(theirs), np.exp(-0.1j * v)[..., None] * psi, atol=1e-14)


def test_out_of_memory_says_how_much(device: Any) -> None:
    arrays = device.arrays()
    with pytest.raises(DeviceMemoryError, match=r"asked for 8192.00 GiB.*of [0-9.]+ GiB"):
        arrays.empty((1 << 40,), np.float64)
    assert arrays.asnumpy(arrays.zeros((3,), np.float64)).tolist() == [0.0, 0.0, 0.0]


def test_a_queue_out_of_order_is_refused() -> None:
    import dpctl

    from mlmd.backends import sycl

    with pytest.raises(PlanError, match="property='in_order'"):
        sycl.on(dpctl.SyclQueue(sycl.devices()[0]))


def test_a_closed_device_is_refused(device: Any) -> None:
    plan = kernels.density(SHAPE, 2, backend=device)
    arrays = device.arrays()
    psi, f = arrays.asarray(np.ones((*SHAPE, 2), complex)), arrays.asarray(np.ones(2))
    plan(psi, f)
    arrays.close()
    with pytest.raises(PlanError, match="is closed"):
        plan(psi, f)


def test_a_kernel_that_is_not_there_is_named(device: Any) -> None:
    with pytest.raises(BackendUnavailable, match=r"has no kernel 'time_travel' in csrc/sycl/fields\.cpp"):
        device.arrays().launch("fields:time_travel", (1,), (1,))
    with pytest.raises(BackendUnavailable, match="no SYCL kernels 'flux'"):
        device.arrays().launch("flux:capacitor", (1,), (1,))


@pytest.mark.parametrize(
    ("processor", "number", "waited"), [(True, JOIN_BYTES, True), (True, 8, False), (False, JOIN_BYTES, False)]
)
def test_a_processor_helps_with_large_work_before_more_is_queued(
    device: Any, processor: bool, number: int, waited: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Running:
        execution_status, waits = SimpleNamespace(name="running"), 0

        def wait(self) -> None:
            self.waits += 1

    arrays, first = device.arrays(), Running()
    monkeypatch.setattr(arrays, "processor", processor)
    arrays._do(lambda: first, (np.zeros(number, np.uint8), np.int64(1)))
    arrays._do(Running, ())
    arrays._running.clear()
    assert first.waits == waited


def test_traffic_is_counted_and_constants_go_once(device: Any) -> None:
    arrays = device.arrays()
    for _ in range(3):
        arrays.constant(np.arange(4.0))
    assert arrays.traffic.to_device == 32
    arrays.asnumpy(arrays.asarray(np.ones(2)))
    assert (arrays.traffic.to_device, arrays.traffic.to_host) == (48, 16)


def test_the_shipped_kernels_are_those_of_the_sources() -> None:
    csrc = spirv.sources()
    shipped = dict(line.split()[::-1] for line in (spirv.SHIPPED / "fingerprints").read_text().splitlines())
    assert shipped == {path.stem: spirv.fingerprint(csrc, path.stem) for path in (csrc / "sycl").glob("*.cpp")}


def test_a_source_compiles_to_what_is_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLMD_CACHE", str(tmp_path))
    try:
        made = spirv.compile_source(spirv.sources(), "fields")
    except BackendUnavailable as error:
        pytest.skip(str(error))
    assert b"__sycl_kernel_combine_f64" in made
    assert made == spirv.load("fields")


def test_a_source_that_does_not_compile_shows_the_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLMD_CACHE", str(tmp_path))
    try:
        spirv.compile_source(spirv.sources(), "fields")
    except BackendUnavailable as error:
        pytest.skip(str(error))
    with pytest.raises(BackendUnavailable, match="unknown_type_of_mine"):
        spirv.compile_source(spirv.sources(), "fields", ("-Ddouble=unknown_type_of_mine",))
