"""Which pulse switched a texture: its topological charge before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SWITCHED = 0.5  # change of the charge of each skyrmion
END = 0.1  # of a run, over which its last charge is averaged


@dataclass(frozen=True)
class Verdict:
    """What became of a texture, in the dark or after a pulse.

    Attributes
    ----------
    fluence_mJ_per_cm2 : float
        Of the pulse; 0 in the dark.
    seed : int
        Of velocities and noise.
    electrons, weight : float
        Lifted in a formula unit, and weight of the excited state, means over the crystal when the light has passed.
    charge_before : float
        Topological charge when the run in the dark with this seed begins.
    charge_after : float
        Mean over the last tenth of this run.
    largest_change : float
        Of the charge from ``charge_before``, at any time.
    switched : bool
        Whether the charge ends at least half a unit for each skyrmion from ``charge_before``.
    """

    fluence_mJ_per_cm2: float
    seed: int
    electrons: float
    weight: float
    charge_before: float
    charge_after: float
    largest_change: float
    switched: bool


def judge(
    charges: Sequence[float],
    before: float,
    objects: int = 1,
    fluence: float = 0.0,
    seed: int = 0,
    electrons: float = 0.0,
    weight: float = 0.0,
) -> Verdict:
    """Compare the charges of a run with that before the light.

    Parameters
    ----------
    charges : sequence of float
        Over time.
    before : float
        In the dark.
    objects : int
        Skyrmions in the box.
    fluence, seed, electrons, weight
        See :class:`Verdict`.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> judge([-4.0, -1.0, 0.0], -4.0, objects=4).switched, judge([-4.0, -3.0], -4.0, objects=4).switched
    (True, False)
    """
    last = max(1, round(END * len(charges)))
    after = float(np.mean(charges[-last:]))
    largest = float(np.abs(np.asarray(charges) - before).max())
    switched = abs(after - before) >= SWITCHED * max(1, objects)
    return Verdict(fluence, seed, electrons, weight, before, after, largest, switched)
