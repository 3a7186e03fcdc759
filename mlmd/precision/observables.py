"""The observables that a budget can be on, and what their errors are relative to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NORMS: Mapping[str, str] = {
    "n_exc": "of the largest n_exc(t)",
    "polarization": "of the largest |P(t)|",
    "J": "of the largest |J(t)|",
    "energy": "of the largest energy absorbed",
    "norm": "as it is",
}
"""Observable -> what its error is relative to."""


def value(name: str, seen: Mapping[str, Any]) -> Array:
    """An observable as a vector, from what `LFD.observe` returned.

    Parameters
    ----------
    name : str
        One of `NORMS`.
    seen : mapping
        The observation.

    Examples
    --------
    >>> value("energy", {"energy": {"total": -1.5}})
    array([-1.5])
    """
    found = seen["energy"]["total"] if name == "energy" else seen[name]
    return np.atleast_1d(np.asarray(found, dtype=np.float64))


def scale(name: str, values: Array) -> float:
    """What the errors are divided by: the largest size that the reference reached.

    Parameters
    ----------
    name : str
        One of `NORMS`.
    values : ndarray
        (samples, components) of the reference.

    Examples
    --------
    >>> scale("energy", np.array([[-2.0], [-1.5]])), scale("norm", np.zeros((2, 1)))
    (0.5, 1.0)
    """
    if name == "norm":
        return 1.0
    since = values[0] if name == "energy" else 0.0
    return float(np.linalg.norm(values - since, axis=1).max())
