"""Two runs of the same problem side by side: how far one is from the other, which is the reference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from . import units
from .engine import light
from .errors import InputError
from .io.checkpoint import differences
from .io.record import Record

Array = NDArray[np.float64]
_SAME_PLACE = 1e-5  # bohr
_SAME_LIGHT = 1e-6  # of the largest vector potential
_SAME_TIME = 1e-9  # of the whole time


@dataclass(frozen=True)
class Comparison:
    """Run ``a`` beside the reference ``b``, both at the times of ``a``, atomic units.

    Attributes
    ----------
    a, b : Record
        The runs.
    time : ndarray
        (nt,) common times.
    n_exc_a, n_exc_b : ndarray
        (nt,) excited electrons.
    J_a, J_b : ndarray
        (nt, 3) current densities.
    absorbed_a, absorbed_b : float
        Energy absorbed up to the last common time.
    notes : tuple of str
        How the runs were brought to common times.
    warnings : tuple of str
        What else differs between the runs and may explain a difference.
    """

    a: Record
    b: Record
    time: Array
    n_exc_a: Array
    n_exc_b: Array
    J_a: Array
    J_b: Array
    absorbed_a: float
    absorbed_b: float
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def label_a(self) -> str:
        """Label of the judged run, with its folder where both labels are the same."""
        return self._label(self.a)

    @property
    def label_b(self) -> str:
        """Label of the reference."""
        return self._label(self.b)

    def _label(self, run: Record) -> str:
        return run.label if self.a.label != self.b.label else f"{run.label} ({run.folder.name})"

    @property
    def final_n_exc(self) -> float:
        """Relative difference of the excited electrons at the end."""
        return relative(float(self.n_exc_a[-1] - self.n_exc_b[-1]), float(self.n_exc_b[-1]))

    @property
    def largest_n_exc(self) -> float:
        """Largest difference of n_exc(t) relative to the largest n_exc of the reference."""
        return relative(float(np.abs(self.n_exc_a - self.n_exc_b).max()), float(self.n_exc_b.max()))

    @property
    def current(self) -> float:
        """Norm over time of the difference of the currents relative to that of the reference."""
        return relative(float(np.linalg.norm(self.J_a - self.J_b)), float(np.linalg.norm(self.J_b)))

    @property
    def largest_current(self) -> float:
        """Largest difference of J(t) relative to the largest J of the reference."""
        difference, reference = (np.linalg.norm(J, axis=1).max() for J in (self.J_a - self.J_b, self.J_b))
        return relative(float(difference), float(reference))

    @property
    def absorbed(self) -> float:
        """Relative difference of the absorbed energies."""
        return relative(self.absorbed_a - self.absorbed_b, self.absorbed_b)

    @property
    def seconds(self) -> float:
        """Relative difference of the wall-clock times per electron and step."""
        return relative(self.a.seconds - self.b.seconds, self.b.seconds)


def relative(difference: float, reference: float) -> float:
    """Return a difference relative to a reference.

    Parameters
    ----------
    difference, reference : float
        Of the same unit.

    Returns
    -------
    float
        Their ratio; infinite where only the reference is 0.

    Examples
    --------
    >>> relative(-0.5, 2.0), relative(0.0, 0.0), relative(1.0, 0.0)
    (-0.25, 0.0, inf)
    """
    if reference == 0.0:
        return math.copysign(math.inf, difference) if difference else 0.0
    return difference / reference


def compare(a: Record, b: Record) -> Comparison:
    """Bring two runs to common times.

    Parameters
    ----------
    a : Record
        The run that is judged.
    b : Record
        The reference.

    Returns
    -------
    Comparison
        Both at the sampled times of ``a``, up to the end of the shorter run.

    Raises
    ------
    InputError
        When the runs are of different atoms, cells, electrons or light, or have no times in common.
    """
    _check_same_problem(a, b)
    sampled = a.series["time"]
    time = sampled[sampled <= min(sampled[-1], b.series["time"][-1]) * (1 + _SAME_TIME)]
    if len(time) < 2:
        raise InputError(a.folder, "", f"has fewer than two sampled times in common with {b.folder}", "sample it finer")
    energy_a, energy_b = (_column(run, "energy/total", time) for run in (a, b))
    return Comparison(
        a,
        b,
        time,
        n_exc_a=_column(a, "n_exc", time),
        n_exc_b=_column(b, "n_exc", time),
        J_a=_column(a, "J", time),
        J_b=_column(b, "J", time),
        absorbed_a=float(energy_a[-1] - energy_a[0]),
        absorbed_b=float(energy_b[-1] - energy_b[0]),
        notes=tuple(_notes(a, b, time)),
        warnings=tuple(_warnings(a, b)),
    )


def _column(run: Record, name: str, time: Array) -> Array:
    """Return a column at given times: as it was sampled there, or interpolated."""
    values = run.series[name]
    if _is_sampled(run, time):
        return np.asarray(values[: len(time)])
    return np.asarray(CubicSpline(run.series["time"], values)(time))


def _is_sampled(run: Record, time: Array) -> bool:
    """Return whether a run was sampled at exactly these times."""
    own = run.series["time"][: len(time)]
    return len(own) == len(time) and bool(np.abs(own - time).max() <= _SAME_TIME * time[-1])


def _notes(a: Record, b: Record, time: Array) -> list[str]:
    """Say how the runs were brought to common times."""
    notes = []
    if not _is_sampled(b, time):
        every_a, every_b = (_attoseconds(float(np.median(np.diff(run.series["time"])))) for run in (a, b))
        notes.append(
            f"sampled at different times (A every {every_a}, B every {every_b}): "
            "B is interpolated on the times of A (cubic spline)"
        )
    ends = [float(run.series["time"][-1]) for run in (a, b)]
    if abs(ends[0] - ends[1]) > _SAME_TIME * max(ends):
        shorter = "A" if ends[0] < ends[1] else "B"
        end = units.from_atomic(float(time[-1]), "fs", "time")
        notes.append(f"{shorter} is the shorter run: compared up to {end:.4g} fs")
    return notes


def _attoseconds(time: float) -> str:
    return f"{units.from_atomic(time, 'as', 'time'):.4g} as"


def _warnings(a: Record, b: Record) -> list[str]:
    """Name what differs beside mode, precision, backend and time step, which the labels show."""
    keys = differences(_settings(a), _settings(b))
    return [f"the runs differ also in {', '.join(keys)}"] if keys else []


def _settings(run: Record) -> dict[str, Any]:
    """Return what may differ between two runs that are compared but should not by accident."""
    config = run.config
    return {
        "mlmd": {"version": run.version},
        "grid": {"shape": run.shape},
        "ground_state": config.ground_state.model_dump(),
        "dynamics": {key: getattr(config.dynamics, key) for key in ("hartree", "scissor")},
        "run": {"seed": config.run.seed},
    }


def _check_same_problem(a: Record, b: Record) -> None:
    """Raise unless both runs are of the same atoms, electrons and light."""
    keys = _different_structure(a, b) + _different_light(a, b)
    if keys:
        raise InputError(
            b.folder,
            "",
            f"is of another problem than {a.folder}: it differs in {', '.join(keys)}",
            "compare runs of the same atoms and light",
        )


def _different_structure(a: Record, b: Record) -> list[str]:
    """Return the keys in which the atoms, the cells or the numbers of electrons differ."""
    if not np.array_equal(a.numbers, b.numbers):
        return ["[system] atoms"]
    keys = []
    if np.abs(a.lengths - b.lengths).max() > _SAME_PLACE:
        keys.append("[system] cell")
    apart = a.positions - b.positions
    if np.abs(apart - a.lengths * np.round(apart / a.lengths)).max() > _SAME_PLACE:
        keys.append("[system] positions")
    if abs(a.electrons - b.electrons) > 1e-3:
        keys.append(f"the electrons ({a.electrons:.4g} and {b.electrons:.4g})")
    return keys


def _different_light(a: Record, b: Record) -> list[str]:
    """Return the keys of ``[laser]`` that differ when the vector potentials do."""
    last = max(float(run.series["time"][-1]) for run in (a, b))
    A_a, A_b = (_vector_potential(run, np.linspace(0.0, last, 1000)) for run in (a, b))
    if np.abs(A_a - A_b).max() <= _SAME_LIGHT * np.abs(A_b).max():
        return []
    return differences(*({"laser": run.config.laser.model_dump()} for run in (a, b)))


def _vector_potential(run: Record, times: Array) -> Array:
    pulse = light(run.config.laser)
    return np.array([pulse.A(t) for t in times])
