"""Orbitals that move on a device: the same physics as on the host, and nothing but small things between the two."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlmd.backends import DeviceBackend, get, names
from mlmd.dcmesh.lfd import LFD
from mlmd.dcmesh.qxmd import GroundState, ground_state
from mlmd.errors import PlanError
from mlmd.kernels.constants import SPEED_OF_LIGHT
from mlmd.laser import DeltaKick, SinSquaredPulse

from .conftest import hydrogen

DT = 0.025
PULSE = SinSquaredPulse(photon_energy=0.4, length=20.0, intensity=0.05**2 * SPEED_OF_LIGHT / (8 * np.pi))


@pytest.fixture(params=[name for name in names() if isinstance(get(name), DeviceBackend)])
def device(request: pytest.FixtureRequest) -> str:
    """Name of a device backend that works here."""
    status = get(request.param).status()
    if not status.works:
        pytest.skip(f"backend {request.param}: {status.reason}")
    return request.param


@pytest.fixture(scope="module")
def two_k_points() -> GroundState:
    """H2 at two k-points, with a basis of four states."""
    return ground_state(hydrogen(), (18, 18, 20), extra_bands=3, kpts=(1, 1, 2), kpt_shift=(0, 0, 0.5))


def moved(gs: GroundState, backend: str, precision: str, hartree: str, steps: int = 60) -> dict[str, Any]:
    lfd = LFD(gs, DT, PULSE, precision=precision, backend=backend, hartree=hartree)
    lfd.step_count = 380  # the light is on
    lfd.advance(steps // 2)
    lfd.advance(steps - steps // 2)
    return lfd.observe()


@pytest.mark.parametrize(("precision", "tolerance"), [("fp64", 1e-9), ("fp32", 1e-4)])
@pytest.mark.parametrize("hartree", ["multigrid", "dsa", "fft"])
def test_same_as_on_the_host(
    device: str, two_k_points: GroundState, precision: str, hartree: str, tolerance: float
) -> None:
    there, here = (moved(two_k_points, name, precision, hartree) for name in (device, "cpu"))
    assert here["n_exc"] > 1e-5
    assert there["n_exc"] == pytest.approx(here["n_exc"], rel=tolerance)
    np.testing.assert_allclose(there["f"], here["f"], atol=tolerance)
    np.testing.assert_allclose(there["J"], here["J"], atol=tolerance * np.abs(here["J"]).max())
    for term, energy in here["energy"].items():
        assert there["energy"][term] == pytest.approx(energy, abs=1e-9 if precision == "fp64" else 3e-6), term
    assert abs(there["norm"] - here["norm"]) < 1e-6


def test_the_density_comes_to_the_host(device: str, two_k_points: GroundState) -> None:
    there, here = (LFD(two_k_points, DT, PULSE, backend=name) for name in (device, "cpu"))
    there.advance(2)
    here.advance(2)
    assert type(there.density()) is np.ndarray
    np.testing.assert_allclose(there.density(), here.density(), atol=1e-12)


def test_an_oblique_kick(device: str, two_k_points: GroundState) -> None:
    results = []
    for name in (device, "cpu"):
        lfd = LFD(two_k_points, DT, DeltaKick(0.02, (1.0, 1.0, 0.5)), backend=name)
        lfd.advance(20)
        results.append(lfd.observe())
    assert results[0]["n_exc"] == pytest.approx(results[1]["n_exc"], rel=1e-9)
    np.testing.assert_allclose(results[0]["J"], results[1]["J"], rtol=1e-8)


@pytest.mark.parametrize("hartree", ["dsa", "multigrid"])
def test_only_small_things_go_between_host_and_device(
    device: str, two_k_points: GroundState, hartree: str
) -> None:
    """The bytes of `LFD.traffic`, and psi stays where it is."""
    lfd = LFD(two_k_points, DT, PULSE, backend=device, hartree=hartree)
    lfd.step_count = 380
    lfd.advance(2)
    lfd.observe()
    counted, memory = lfd.arrays.traffic, lfd.psi[0]
    before = (counted.to_device, counted.to_host)
    lfd.advance(30)
    lfd.observe()
    spent = (counted.to_device - before[0], counted.to_host - before[1])
    expected = lfd.traffic(30)
    assert spent[0] == expected.to_device
    if hartree == "dsa":
        assert spent[1] == expected.to_host
    else:  # and the residual of each multigrid cycle
        assert expected.to_host < spent[1] <= expected.to_host + 8 * 31 * 20
    assert lfd.psi[0] is memory
    assert sum(spent) < 0.05 * sum(psi.nbytes for psi in lfd.psi)


def test_of_a_move_one_field_goes_in_and_occupations_come_out(device: str, two_k_points: GroundState) -> None:
    """The shadow's hand-shake: dv_loc to the device, f back, while psi stays; and the same numbers as on the host."""
    here, there = (LFD(two_k_points, DT, PULSE, backend=name) for name in ("cpu", device))
    positions = two_k_points.atoms.positions.copy()
    positions[0, 2] += 0.02
    ions, counted, memory = two_k_points.ions.moved(positions), there.arrays.traffic, there.psi[0]
    there.occupations()
    before = (counted.to_device, counted.to_host)
    there.move(ions)
    assert (counted.to_device - before[0], counted.to_host - before[1]) == (8 * there.grid.size, 0)
    before = (counted.to_device, counted.to_host)
    there.occupations()
    orbitals, bands = (sum(psi.shape[3] for psi in block) for block in (there.psi, two_k_points.psi))
    assert (counted.to_device - before[0], counted.to_host - before[1]) == (8 * orbitals, 8 * (orbitals + bands))
    assert there.psi[0] is memory
    here.move(ions)
    for lfd in (here, there):
        lfd.advance(20)
    assert there.observe()["energy"]["total"] == pytest.approx(here.observe()["energy"]["total"], abs=1e-9)


def test_a_state_goes_on_elsewhere(device: str, two_k_points: GroundState) -> None:
    """A checkpoint of the device is continued bit for bit there, and on the host to rounding."""
    lfd = LFD(two_k_points, DT, PULSE, backend=device, hartree="dsa")
    lfd.step_count = 380
    lfd.advance(10)
    state = lfd.state()
    lfd.advance(10)
    after = lfd.observe()
    for name in (device, "cpu"):
        twin = LFD(two_k_points, DT, PULSE, backend=name, hartree="dsa")
        twin.restore(state)
        twin.advance(10)
        again = twin.observe()
        assert again["n_exc"] == (after["n_exc"] if name == device else pytest.approx(after["n_exc"], rel=1e-9))
    lfd.restore(state)  # whose steps were captured
    lfd.advance(10)
    assert lfd.observe()["n_exc"] == after["n_exc"]


def test_what_does_not_run_there_is_refused(device: str, two_k_points: GroundState) -> None:
    with pytest.raises(PlanError, match=r"mode 'exact' does not run on .*use backend 'cpu'"):
        LFD(two_k_points, DT, PULSE, mode="exact", backend=device)
