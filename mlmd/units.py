"""Quantities with units, turned into atomic units.

A plain number is already in atomic units; a string is a number followed by a unit,
such as ``"267 nm"`` or ``"1e12 W/cm2"``. Every kind of quantity has its own table of
units, so that a length given where a time belongs is an error and not a wrong result.
All factors come from :mod:`scipy.constants` (CODATA).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

from scipy import constants as si

_BOHR = si.value("atomic unit of length")
_HARTREE = si.value("atomic unit of energy")
_TIME = si.value("atomic unit of time")
_C = 1.0 / si.fine_structure

# Consistent atomic units: an intensity is energy per area and time. One of them is 6.44e15 W/cm2;
# the 3.51e16 W/cm2 of the literature is the intensity of a *field* of one atomic unit instead.
_INTENSITY = _HARTREE / (_BOHR**2 * _TIME)
_FLUENCE = _HARTREE / _BOHR**2
_MOMENTUM = si.hbar / _BOHR


def _table(base: float, units: Mapping[str, float]) -> Mapping[str, float]:
    """Return the factors to atomic units from SI factors and the SI value of the atomic unit."""
    return MappingProxyType({name: factor / base for name, factor in units.items()})


_LENGTH = _table(
    _BOHR,
    {
        "bohr": _BOHR,
        "angstrom": si.angstrom,
        "Å": si.angstrom,
        "pm": si.pico,
        "nm": si.nano,
        "um": si.micro,
        "µm": si.micro,
        "m": 1.0,
    },
)

KINDS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "length": _LENGTH,
        "wavelength": _LENGTH,
        "energy": _table(
            _HARTREE,
            {
                "hartree": _HARTREE,
                "Ha": _HARTREE,
                "Ry": _HARTREE / 2,
                "eV": si.eV,
                "meV": si.milli * si.eV,
                "K": si.k,
            },
        ),
        "time": _table(
            _TIME,
            {"as": si.atto, "fs": si.femto, "ps": si.pico, "s": 1.0},
        ),
        "intensity": _table(
            _INTENSITY,
            {
                "W/cm2": 1e4,
                "MW/cm2": 1e10,
                "GW/cm2": 1e13,
                "TW/cm2": 1e16,
                "PW/cm2": 1e19,
                "W/m2": 1.0,
            },
        ),
        "fluence": _table(
            _FLUENCE,
            {"uJ/cm2": 1e-2, "mJ/cm2": 10.0, "J/cm2": 1e4, "J/m2": 1.0},
        ),
        # The momentum that a vector potential A gives to an electron, e A (SI), may be given as A.
        "kick strength": _table(
            _MOMENTUM,
            {
                "1/bohr": si.hbar / _BOHR,
                "1/angstrom": si.hbar / si.angstrom,
                "V s/m": si.e,
                "V fs/angstrom": si.e * si.femto / si.angstrom,
            },
        ),
        "angle": MappingProxyType({"rad": 1.0, "deg": si.degree, "pi": math.pi}),
    }
)
"""Factor to atomic units of each unit of each kind of quantity."""

_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*")


def parse(value: object, kind: str) -> float:
    """Return a quantity of the given kind in atomic units.

    Parameters
    ----------
    value : float, int or str
        A number in atomic units, or a string ``"NUMBER UNIT"``; ``"NUMBER au"`` is a number in
        atomic units too. ``^`` and spaces around the unit do not matter (``"1 W/cm^2"``).
    kind : str
        One of :data:`KINDS`, e.g. ``"length"``.

    Returns
    -------
    float
        The quantity in atomic units (angles: radian).

    Raises
    ------
    ValueError
        When the value is not a finite number with a unit of this kind; the message names the
        allowed units.

    Examples
    --------
    >>> parse(0.5, "length")
    0.5
    >>> round(parse("1 angstrom", "length"), 6)
    1.889726
    >>> round(parse("27.211386 eV", "energy"), 6)
    1.0
    >>> parse("3 fs", "length")
    Traceback (most recent call last):
    ...
    ValueError: 'fs' is not a unit of length; use one of: bohr, angstrom, Å, pm, nm, um, µm, m, au
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _finite(float(value), value)
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a {kind}; {_example(kind)}")
    match = _QUANTITY.fullmatch(value)
    if match is None:
        raise ValueError(f"{value!r} is not a {kind}; {_example(kind)}")
    number, unit = match.groups()
    return _finite(float(number) * factor(unit, kind), value)


def factor(unit: str, kind: str) -> float:
    """Return the size of a unit in atomic units.

    Parameters
    ----------
    unit : str
        Name of the unit; ``""`` and ``"au"`` are the atomic unit itself.
    kind : str
        One of :data:`KINDS`.

    Returns
    -------
    float
        How many atomic units one such unit is.

    Raises
    ------
    ValueError
        When the unit is not one of this kind.

    Examples
    --------
    >>> round(factor("nm", "length"), 5)
    18.89726
    """
    units = KINDS[kind]
    name = " ".join(unit.replace("^", "").replace("*", " ").split())
    if name in ("", "au"):
        return 1.0
    if name in units:
        return units[name]
    # Words may be capitalised ("Angstrom"); short symbols may not, since MeV is not meV.
    if len(name) > 3 and name.isalpha() and name.lower() in units:
        return units[name.lower()]
    raise ValueError(f"{unit!r} is not a unit of {kind}; use one of: {', '.join(units)}, au")


def from_atomic(value: float, unit: str, kind: str) -> float:
    """Return a quantity given in atomic units in another unit.

    Parameters
    ----------
    value : float
        Quantity in atomic units.
    unit : str
        Unit of the result.
    kind : str
        One of :data:`KINDS`.

    Returns
    -------
    float
        The quantity in that unit.

    Examples
    --------
    >>> round(from_atomic(1.0, "eV", "energy"), 4)
    27.2114
    """
    return value / factor(unit, kind)


def photon_energy(wavelength: float) -> float:
    """Return the energy of a photon, ``E = 2 pi c / wavelength``, all in atomic units.

    Parameters
    ----------
    wavelength : float
        Vacuum wavelength in bohr, greater than 0.

    Returns
    -------
    float
        Photon energy in hartree.

    Examples
    --------
    >>> energy = photon_energy(parse("267 nm", "wavelength"))
    >>> round(from_atomic(energy, "eV", "energy"), 3)
    4.644
    """
    return 2.0 * math.pi * _C / wavelength


def _finite(number: float, given: object) -> float:
    """Return the number, or raise ValueError when it is NaN or infinite."""
    if not math.isfinite(number):
        raise ValueError(f"{given!r} is not a finite number")
    return number


def _example(kind: str) -> str:
    """Return what a quantity of this kind looks like, for an error message."""
    unit = next(iter(KINDS[kind]))
    return f'write a number in atomic units or a text such as "1.5 {unit}"'
