"""Moving nuclei against another code: N2 from Octopus, in its discretisation (shared/reference).

    pytest -m slow -s tests/validation/test_ehrenfest_reference.py

takes five minutes on one core.
"""

from __future__ import annotations

import ase
import numpy as np
import pytest
from ase import Atoms
from ase.units import Bohr

from mlmd.dcmesh.lfd import LFD
from mlmd.dcmesh.nuclei import Ehrenfest, MeanField
from mlmd.laser import NoLaser

from .reference_cases import REFERENCE, Array
from .reference_grid import SampledIons, reference_forces, reference_ground_state

NAME, SPACING, POINTS, BOND = "N2_0.3_eh.coordinates.txt", 0.3, 60, 2.068
DT, MD = 0.04, 10  # a.u., steps
ONCE = 10**6  # the corrections stay those of the start: nuclei move by 1e-4 bohr


class ReferenceField(MeanField):
    """The mean field with the forces of the reference."""

    def force(self, atoms: Atoms) -> Array:
        super().force(atoms)
        assert isinstance(self.ions, SampledIons)
        return reference_forces(self.ions, self.electrons.psi[0], self.electrons.weights[0])


def stretch(z: Array) -> Array:
    """Change of the bond length, (nt,), from the places (nt, 2)."""
    return z[:, 1] - z[:, 0] - BOND


@pytest.mark.slow
@pytest.mark.skipif(not (REFERENCE / NAME).is_file(), reason="the reference results (shared/reference) are not there")
def test_bond_of_nitrogen() -> None:
    """Its change over 24 a.u. to 2 % of what it has become, and the first force to 2 %."""
    length = POINTS * SPACING * (1 - 1e-9)
    places = length / 2 + 0.5 * BOND * np.array([[0, 0, -1], [0, 0, 1]])
    atoms = ase.Atoms("N2", places * Bohr, cell=[length * Bohr] * 3, pbc=True)
    gs = reference_ground_state(atoms, (POINTS,) * 3, extra_bands=1, radius=8.0)
    lfd = LFD(gs, DT, NoLaser(), mode="exact", hartree="fft")
    whole = Ehrenfest(lfd, ReferenceField(lfd, basis_every=ONCE), MD)

    table = np.loadtxt(REFERENCE / NAME)
    time, theirs, force = table[:, 1], stretch(table[:, [4, 7]]), table[0, 16]
    first = whole.coupling.force(whole.nuclei.atoms)[0, 2]
    rows, energies = [], []
    for _ in range(12):
        whole.advance(5 * MD)
        seen = whole.observe()
        rows.append([whole.time, stretch(seen["positions"][None, :, 2])[0], np.interp(whole.time, time, theirs)])
        energies.append(seen["energy"]["total"])
        print("t = {:.1f}: stretch {:.4e} bohr, Octopus {:.4e}".format(*rows[-1]), flush=True)
    print(f"first force {first:.6f} Ha/bohr, Octopus {force:.6f}; energy within {np.ptp(energies):.1e} Ha")
    _, ours, reference = np.array(rows).T
    assert first == pytest.approx(force, rel=0.02)
    assert ours == pytest.approx(reference, abs=0.02 * abs(reference[-1]))
