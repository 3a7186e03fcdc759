"""Hartree solvers and the local potential on a device, in both shapes: tasks for processors, work items for GPUs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmd import kernels
from mlmd.backends import Device, DeviceBackend, get
from mlmd.dcmesh.qxmd import xc
from mlmd.kernels.device.levels import links_of, shares_of
from mlmd.kernels.device.local_potential import local_energies, local_potential
from mlmd.kernels.multigrid import interpolation

from .problems import Problem, difference, problems

LARGE = [((36, 30, 33), "periodic"), ((41, 26, 38), ("dirichlet", "periodic", "periodic")), ((6, 50, 64), "dirichlet")]


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


def copied(device: Device) -> int:
    """Bytes copied so far, both ways."""
    return device.traffic.to_device + device.traffic.to_host


@given(p=problems(), method=st.sampled_from(["fft", "multigrid", "dsa"]))
def test_hartree(shaped: DeviceBackend, p: Problem, method: str) -> None:
    device, (n, start) = shaped.arrays(), p.random().normal(size=(2, *p.shape))
    make = {"spacing": p.spacing, "boundary": p.boundary, "method": method, "tol": 1e-9}
    plan = kernels.hartree(p.shape, **make, backend=shaped)
    reference = kernels.hartree(p.shape, **make, backend="reference")
    v = device.asnumpy(plan(device.asarray(n), v=device.asarray(start)))
    assert difference(v, reference(n, v=start)) <= 1e-12
    assert plan.last[0] == reference.last[0]


@pytest.mark.parametrize("method", ["multigrid", "dsa"])
@pytest.mark.parametrize(("shape", "boundary"), LARGE)
def test_many_tasks_and_grids(
    shaped: DeviceBackend,
    shape: tuple[int, int, int],
    boundary: str | tuple[str, str, str],
    method: str,
    rng: np.random.Generator,
) -> None:
    device, densities = shaped.arrays(), rng.normal(size=(3, *shape))
    make = {"spacing": (0.3, 0.35, 0.32), "boundary": boundary, "method": method, "tol": 1e-9}
    plan = kernels.hartree(shape, **make, backend=shaped)
    reference = kernels.hartree(shape, **make, backend="reference")
    for n in densities:  # DSA goes on from call to call
        assert difference(device.asnumpy(plan(device.asarray(n))), reference(n)) <= 1e-12
        assert plan.last[0] == reference.last[0]


@pytest.mark.parametrize("sweeps", [1, 2, 3, 5])
def test_any_number_of_sweeps(shaped: DeviceBackend, sweeps: int, rng: np.random.Generator) -> None:
    device, shape, densities = shaped.arrays(), (9, 8, 7), rng.normal(size=(4, 9, 8, 7))
    plan, reference = (
        kernels.hartree(shape, 0.4, method="dsa", sweeps=sweeps, backend=b) for b in (shaped, "reference")
    )
    for n in densities:
        assert difference(device.asnumpy(plan(device.asarray(n))), reference(n)) <= 1e-12


def test_dsa_copies_nothing(shaped: DeviceBackend, rng: np.random.Generator) -> None:
    device, shape = shaped.arrays(), (11, 12, 13)
    n = device.asarray(rng.normal(size=shape))
    plan = kernels.hartree(shape, 0.4, method="dsa", backend=shaped)
    plan(n)
    before = copied(device)
    plan(n, out=device.empty(shape, np.float64))
    assert copied(device) == before


def test_multigrid_reads_eight_bytes_a_cycle(shaped: DeviceBackend, rng: np.random.Generator) -> None:
    device, shape = shaped.arrays(), (11, 12, 13)
    n = device.asarray(rng.normal(size=shape))
    plan = kernels.hartree(shape, 0.4, method="multigrid", backend=shaped)
    plan(n)
    before = copied(device)
    plan(n)
    assert copied(device) == before + 8 * (plan.last[0] + 2)


def test_so_many_cycles_without_reading(shaped: DeviceBackend, rng: np.random.Generator) -> None:
    device, shape = shaped.arrays(), (11, 12, 13)
    n = rng.normal(size=shape)
    on_device = device.asarray(n)
    make = {"method": "multigrid", "tol": 0.0, "max_cycles": 3}
    plan, reference = (kernels.hartree(shape, 0.4, **make, backend=b) for b in (shaped, "reference"))
    plan(on_device)
    before = copied(device)
    v = plan(on_device)
    assert copied(device) == before
    assert difference(device.asnumpy(v), reference(n)) <= 1e-12
    assert plan.last[0] == reference.last[0] == 3


def test_no_charge(shaped: DeviceBackend) -> None:
    device = shaped.arrays()
    plan = kernels.hartree((6, 5, 7), 0.4, "dirichlet", "multigrid", backend=shaped)
    start = device.asarray(np.ones((6, 5, 7)))
    assert not device.asnumpy(plan(device.zeros((6, 5, 7), np.float64), v=start)).any()


@pytest.mark.parametrize("periodic", [0, 1])
def test_links_and_shares_are_the_interpolation(periodic: int) -> None:
    for fine in range(1, 40):
        for coarse in {fine, max(1, (fine + periodic) // 2)}:
            matrix = interpolation(fine, coarse, bool(periodic))
            places, weights = links_of(fine, coarse, periodic)
            by_links, by_shares = np.zeros((2, fine, coarse))
            np.add.at(by_links, (np.arange(fine)[:, None], places), weights)
            places, weights = shares_of(fine, coarse, periodic)
            np.add.at(by_shares, (places % fine, np.arange(coarse)[:, None]), weights)
            assert np.allclose(by_links, matrix, atol=1e-14)
            assert np.allclose(by_shares, matrix, atol=1e-14)


def test_local_potential(shaped: DeviceBackend, rng: np.random.Generator) -> None:
    """From vacuum, and noise below it, to the density of a nucleus."""
    device, shape = shaped.arrays(), (9, 10, 11)
    n = 10.0 ** rng.uniform(-16, 2, size=shape)
    n[0, 0, :2] = 0.0, -1e-3
    base, change, v_ion, n0, v_hartree0 = rng.normal(size=(5, *shape))
    given = {name: device.asarray(field) for name, field in {"n": n, "base": base, "change": change}.items()}
    v = device.empty(shape, np.float64)
    local_potential(device, given["base"], given["change"], given["n"], v)
    assert difference(device.asnumpy(v), base + change + xc.lda_potential(n)) <= 1e-13
    for point in product(range(2), repeat=3):
        one = np.full((1, 1, 1), n[point])
        at = [device.asarray(np.zeros((1, 1, 1))) for _ in range(3)]
        local_potential(device, at[0], at[1], device.asarray(one), at[2])
        assert np.allclose(device.asnumpy(at[2]), xc.lda_potential(one), rtol=1e-13, atol=0)
    fields = [device.asarray(field) for field in (n0, v_ion, v_hartree0)]
    sums = device.asnumpy(local_energies(device, given["n"], *fields, given["change"]))
    inside = np.where(n > xc.DENSITY_FLOOR, n, 0.0)
    rs = xc._rs(np.maximum(n, xc.DENSITY_FLOOR))
    terms = (v_ion * n, (v_hartree0 + 0.5 * change) * (n - n0), inside * xc._slater(rs), inside * xc.pw92(rs)[0])
    for total, term in zip(sums, terms, strict=True):
        assert abs(total - term.sum()) <= 1e-13 * np.abs(term).sum()
