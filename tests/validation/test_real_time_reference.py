"""Real time against another code: Octopus, same cell, grid spacing, pseudopotentials and kick (shared/reference)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlmd.dcmesh.lfd import LFD
from mlmd.dcmesh.qxmd import ground_state
from mlmd.laser import DeltaKick

from ..dcmesh.conftest import lead_titanate

CURRENT = (
    Path(__file__).resolve().parents[3] / "shared" / "reference" / "realtime" / "PTO_G_30_kick.total_current.txt"
)
KICK = 0.005


@pytest.mark.slow
@pytest.mark.skipif(not CURRENT.is_file(), reason="the reference results (shared/reference) are not there")
def test_current_of_kicked_lead_titanate() -> None:
    """The total current of 34 electrons after a kick of 0.005 follows the reference to 1.5 % of its first value."""
    gs = ground_state(lead_titanate(), (30, 30, 32), extra_bands=8)
    lfd = LFD(gs, 0.04, DeltaKick(KICK, (0, 0, 1)), mode="exact", hartree="fft")
    t, j = np.loadtxt(CURRENT)[:, [0, 3]].T
    for _ in range(20):
        lfd.advance(5)
        ours = lfd.observe()["J"][2] * gs.grid.volume
        assert ours == pytest.approx(np.interp(lfd.time, t, j), abs=0.015 * gs.electrons * KICK)
