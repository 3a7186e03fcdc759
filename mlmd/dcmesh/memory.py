"""Memory that a ground state needs, told before it is computed."""

from __future__ import annotations

from ..backends import physical_memory
from .errors import GridError

GIB = 2**30
_WORKING_COPIES = 24  # of the orbitals of one k-point, at the peak of the eigensolver (measured)


def ground_state_memory(points: int, bands: int, kpoints: int, real: bool) -> int:
    """Estimate the memory of a ground state.

    Parameters
    ----------
    points, bands, kpoints
        Grid points, bands and k-points.
    real
        Whether the orbitals are real (Gamma alone).

    Returns
    -------
    int
        Bytes: the orbitals of all k-points, and the subspace of the eigensolver for one of them.

    Examples
    --------
    >>> round(ground_state_memory(30 * 30 * 32, 32, 1, real=True) / GIB, 2)
    0.17
    """
    return (8 if real else 16) * points * bands * (_WORKING_COPIES + kpoints)


def check_memory(shape: tuple[int, int, int], bands: int, kpoints: int, real: bool) -> None:
    """Refuse a ground state that this machine cannot hold.

    Parameters
    ----------
    shape, bands, kpoints, real
        As for `ground_state_memory`, with the points along each axis.

    Raises
    ------
    GridError
        The estimate is above the memory of the machine.
    """
    there = physical_memory()
    needed = ground_state_memory(shape[0] * shape[1] * shape[2], bands, kpoints, real)
    if there is None or needed <= there:
        return
    at = f" at {kpoints} k-points" if kpoints > 1 else ""
    raise GridError(
        f"the ground state needs about {needed / GIB:,.1f} GiB for {bands} bands on "
        f"{shape[0]} x {shape[1]} x {shape[2]} points{at}, and this machine has {there / GIB:,.1f} GiB: "
        "take a coarser grid, fewer bands or a larger machine"
    )
