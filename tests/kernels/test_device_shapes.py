"""Both shapes of the device kernels, tasks for processors and work items for GPUs, on whatever device there is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given

from mlmd import kernels
from mlmd.backends import get
from mlmd.backends.device import DeviceBackend

from .problems import TOLERANCE, Problem, difference, problems


@pytest.fixture(scope="module")
def own() -> Iterator[DeviceBackend]:
    """A device of this module's own: what it is told about itself is not seen elsewhere."""
    status = get("sycl").status()
    if not status.works:
        pytest.skip(f"backend sycl: {status.reason}")
    import dpctl

    from mlmd.backends import sycl

    backend = sycl.on(dpctl.SyclQueue(sycl.devices()[0], property="in_order"))
    yield backend
    backend.arrays().close()


@pytest.fixture(params=[True, False], ids=["tasks", "items"])
def shaped(own: DeviceBackend, request: pytest.FixtureRequest) -> DeviceBackend:
    """The device, made to work in one of the two shapes."""
    own.arrays().processor = request.param
    return own


@given(p=problems())
def test_kin_prop(shaped: DeviceBackend, p: Problem) -> None:
    device, v = shaped.arrays(), p.random().normal(size=p.shape)
    plan = kernels.kin_prop(p.shape, p.norb, p.spacing, p.dt, p.dtype, shaped, p.boundary)
    reference = kernels.kin_prop(p.shape, p.norb, p.spacing, p.dt, "complex128", "reference", p.boundary)
    result = device.asnumpy(plan(device.asarray(p.psi()), p.A, device.asarray(v)))
    assert difference(result, reference(p.psi().astype(complex), p.A, v)) <= TOLERANCE[p.dtype]


@given(p=problems())
def test_loc_prop(shaped: DeviceBackend, p: Problem) -> None:
    device, v = shaped.arrays(), p.random().normal(size=p.shape)
    plan = kernels.loc_prop(p.shape, p.norb, p.dt, p.dtype, shaped)
    expected = kernels.loc_prop(p.shape, p.norb, p.dt, "complex128", "reference")(p.psi().astype(complex), v)
    result = device.asnumpy(plan(device.asarray(p.psi()), device.asarray(v)))
    assert difference(result, expected) <= TOLERANCE[p.dtype]


def test_loc_prop_by_large_angles(shaped: DeviceBackend, rng: np.random.Generator) -> None:
    """Some beyond what the fast reduction of angles is good for, in more points than are done at once."""
    device, shape = shaped.arrays(), (9, 5, 7)
    psi, v = rng.normal(size=(*shape, 2)) + 0j, rng.normal(size=shape) * 1e6
    expected = kernels.loc_prop(shape, 2, 1.0, backend="reference")(psi.copy(), v)
    result = kernels.loc_prop(shape, 2, 1.0, backend=shaped)(device.asarray(psi), device.asarray(v))
    assert difference(device.asnumpy(result), expected) <= TOLERANCE["complex128"]


@given(p=problems())
def test_density(shaped: DeviceBackend, p: Problem) -> None:
    device, f = shaped.arrays(), p.random().uniform(0.0, 2.0, p.norb)
    plan = kernels.density(p.shape, p.norb, p.dtype, shaped)
    expected = kernels.density(p.shape, p.norb, "complex128", "reference")(p.psi().astype(complex), f)
    result = device.asnumpy(plan(device.asarray(p.psi()), device.asarray(f)))
    assert difference(result, expected) <= TOLERANCE["complex128"]


@given(p=problems())
def test_current_with_density(shaped: DeviceBackend, p: Problem) -> None:
    device, f = shaped.arrays(), p.random().uniform(0.0, 2.0, p.norb)
    plan = kernels.current(p.shape, p.norb, p.spacing, p.dtype, shaped, p.boundary)
    reference = kernels.current(p.shape, p.norb, p.spacing, "complex128", "reference", p.boundary)
    expected_n, n = np.zeros(p.shape), device.asarray(np.zeros(p.shape))
    expected = reference.sums(p.psi().astype(complex), f, expected_n)
    psi, f = device.asarray(p.psi()), device.asarray(f)
    sums = device.asnumpy(plan.sums(psi, f, n))
    assert difference(sums, expected) <= TOLERANCE["complex128"]
    assert difference(device.asnumpy(n), expected_n) <= TOLERANCE["complex128"]
    assert device.asnumpy(plan.sums(psi, f)).tobytes() == sums.tobytes()


def test_many_tasks_and_groups(shaped: DeviceBackend, rng: np.random.Generator) -> None:
    """Grids of more tiles, planes and groups than a task or a group takes at once."""
    device, shape, norb = shaped.arrays(), (37, 19, 23), 65
    psi = (rng.normal(size=(*shape, norb)) + 1j * rng.normal(size=(*shape, norb))).astype(np.complex64)
    f = rng.uniform(size=norb)
    expected_n = np.zeros(shape)
    expected = kernels.current(shape, norb, 0.4, "complex128", "reference").sums(psi.astype(complex), f, expected_n)
    on_device, weights = device.asarray(psi), device.asarray(f)
    n = device.asnumpy(kernels.density(shape, norb, "complex64", shaped)(on_device, weights))
    plan = kernels.current(shape, norb, 0.4, "complex64", shaped)
    assert difference(n, expected_n) <= TOLERANCE["complex128"]
    assert difference(device.asnumpy(plan.sums(on_device, weights)), expected) <= TOLERANCE["complex128"]
