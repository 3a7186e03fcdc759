"""Errors of the electron problem; each says what is wrong and what to do."""

from __future__ import annotations

from ..errors import MlmdError


class PseudopotentialError(MlmdError):
    """An element has no pseudopotential, or its file cannot be read."""


class OccupationError(MlmdError):
    """The electrons cannot be put into the bands."""


class GridError(MlmdError):
    """The cell or the grid does not fit the problem."""


class PartitionError(GridError):
    """Domains do not fit the cell."""


class TimeStepError(MlmdError):
    """The time step is beyond what the propagator can follow."""


class ConvergenceError(MlmdError):
    """An iteration did not reach its tolerance."""


class DecompositionError(MlmdError):
    """The work cannot be shared out among so many MPI ranks."""


class LightError(MlmdError):
    """Light and matter do not fit one another in a run with ``[maxwell]``.

    Parameters
    ----------
    key : str
        The key of the input that is to be changed, such as ``"[maxwell] stride"``.
    problem : str
        What is wrong and what to do.
    """

    def __init__(self, key: str, problem: str) -> None:
        self.key = key
        super().__init__(problem)
