"""Memory that a ground state needs, told before it is computed."""

from __future__ import annotations

from ..backends import launched_ranks, local_ranks, physical_memory
from .errors import GridError, LightError

GIB = 2**30
_FIELDS = 16  # real fields of a domain: potential, its parts, levels of multigrid
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


def domain_memory(points: int, orbitals: int) -> int:
    """Estimate the memory of a domain that shares plans and projections with others.

    Parameters
    ----------
    points, orbitals
        Grid points, and orbitals of all k-points together.

    Returns
    -------
    int
        Bytes: the orbitals, and real fields of the potential and its solver.

    Examples
    --------
    >>> domain_memory(16**3, 16) / 2**20
    1.5
    """
    return points * (16 * orbitals + 8 * _FIELDS)


def check_domains_memory(domains: int, points: int, orbitals: int) -> int:
    """Refuse more domains than this machine can hold; return the bytes of one, as `domain_memory`.

    Of several MPI ranks the machine has its share.

    Raises
    ------
    LightError
        The estimate is above the memory of the machine.
    """
    there, size = physical_memory(), domain_memory(points, orbitals)
    here = domains * size * local_ranks() / launched_ranks()
    if there is not None and here > there:
        raise LightError(
            "[maxwell] domains",
            f"{domains} domains need about {here / GIB:,.1f} GiB here, "
            f"and this machine has {there / GIB:,.1f} GiB: take fewer, a coarser grid or fewer k-points",
        )
    return size
