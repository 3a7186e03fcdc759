"""The precision of a propagation, subproblem by subproblem.

Each subproblem has a ladder of levels, the most exact one first:

- ``state``: type of the orbitals, and with it of all that works on them in place: kinetic and local propagator, density
  and current (whose sums are FP64 on either),
- ``nonlocal``: arithmetic of the fixed low-rank correction, which holds the nonlocal pseudopotential,
- ``velocity``: arithmetic of its part that follows the light,
- ``hartree``: residual to which multigrid solves, or number of DSA sweeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from ..tuning.precision import Ladder, Level

Levels: TypeAlias = Mapping[str, str]

STATE = ("fp64", "fp32")
PRODUCTS = ("fp64", "fp32", "bf16x3", "bf16x2", "bf16x1")
BITS = {"fp64": 53, "fp32": 24, "bf16x3": 24, "bf16x2": 17, "bf16x1": 9}  # of a rounded factor
HARTREE = {"multigrid": ("1e-10", "1e-7", "1e-5", "1e-4", "1e-3"), "dsa": ("16", "8", "4", "2"), "fft": ("direct",)}
DEFAULT_HARTREE = {"multigrid": "1e-7", "dsa": "4", "fft": "direct"}  # DSA follows the density to 1e-4 with 4 sweeps


def ladders(mode: str, hartree: str) -> dict[str, tuple[str, ...]]:
    """Levels of each subproblem of a mode, the most exact ones first.

    Parameters
    ----------
    mode
        "shadow" or "exact"; the latter has no products of low rank to lower.
    hartree
        "multigrid", "dsa" or "fft".

    Examples
    --------
    >>> ladders("shadow", "dsa")["hartree"]
    ('16', '8', '4', '2')
    """
    products = PRODUCTS if mode == "shadow" else ("fp64",)
    return {"state": STATE, "nonlocal": products, "velocity": products, "hartree": HARTREE[hartree]}


def complete(precision: str | Levels, mode: str, hartree: str) -> dict[str, str]:
    """Levels of all subproblems.

    Parameters
    ----------
    precision
        "fp64" or "fp32" for the orbitals and all products alike, or levels by subproblem; products that are not named
        are as exact as the orbitals.
    mode, hartree
        As for `ladders`.

    Raises
    ------
    ValueError
        A subproblem or a level is not known, or the products would be less exact than FP64 orbitals.

    Examples
    --------
    >>> complete({"state": "fp32", "velocity": "bf16x1"}, "shadow", "multigrid")
    {'state': 'fp32', 'nonlocal': 'fp32', 'velocity': 'bf16x1', 'hartree': '1e-7'}
    """
    given = {"state": precision} if isinstance(precision, str) else dict(precision)
    state = given.get("state", "fp64")
    products = state if mode == "shadow" else "fp64"
    default = {"state": state, "nonlocal": products, "velocity": products, "hartree": DEFAULT_HARTREE[hartree]}
    levels, known = default | given, ladders(mode, hartree)
    for name, level in levels.items():
        if name not in known:
            raise ValueError(f"precision of '{name}' is not known: use {', '.join(known)}")
        if level not in known[name]:
            what = "precision" if name == "state" else f"{name} precision"
            raise ValueError(f"{what} '{level}' is not known: use {' or '.join(known[name])}")
        if name in ("nonlocal", "velocity") and state == "fp64" and level != "fp64":
            raise ValueError(f"{name} precision '{level}' would lower fp64 orbitals: use it with state = 'fp32'")
    return levels


def label(levels: Levels) -> str:
    """Levels on one line.

    Examples
    --------
    >>> label({"state": "fp32", "velocity": "bf16x1"})
    'state fp32, velocity bf16x1'
    """
    return ", ".join(f"{name} {level}" for name, level in levels.items())


def ladders_of(mode: str, hartree: str) -> tuple[Ladder, ...]:
    """The same as the planner wants them: products below FP64 need FP32 orbitals.

    Examples
    --------
    >>> [ladder.subproblem for ladder in ladders_of("shadow", "fft")]
    ['state', 'nonlocal', 'velocity', 'hartree']
    """

    def needs(name: str, level: str) -> dict[str, str]:
        return {"state": "fp32"} if name in ("nonlocal", "velocity") and level != "fp64" else {}

    return tuple(
        Ladder(name, tuple(Level(level, needs(name, level)) for level in levels))
        for name, levels in ladders(mode, hartree).items()
    )


def unit(subproblem: str, level: str) -> float | None:
    """Relative error that one operation at a level makes; None where it has no number (DSA sweeps).

    Examples
    --------
    >>> unit("velocity", "bf16x1"), unit("hartree", "1e-5"), unit("hartree", "4")
    (0.001953125, 1e-05, None)
    """
    if subproblem != "hartree":
        return 2.0 ** -BITS[level]
    return float(level) if level.startswith("1e") else None
