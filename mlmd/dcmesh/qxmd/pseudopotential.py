r"""Goedecker-Teter-Hutter pseudopotentials: table, readers and their exact Fourier forms.

The local part is

.. math:: V(r) = -\frac{Z}{r}\,\mathrm{erf}\frac{r}{\sqrt2 r_l}
          + e^{-r^2/2r_l^2} \sum_i C_i (r/r_l)^{2i-2}

and the projectors of angular momentum l are
:math:`p_i^l(r) \propto r^{l+2i-2} e^{-r^2/2r_l^2}`, normalised to one
(Hartwigsen, Goedecker, Hutter, Phys. Rev. B 58, 3641 (1998), eqs. 1-5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import eval_genlaguerre, factorial, gamma

from ..errors import PseudopotentialError

Array = NDArray[np.float64]
FUNCTIONAL_NAMES = {"lda": ("GTH-PADE", "GTH-LDA"), "pbe": ("GTH-PBE",)}


@dataclass(frozen=True)
class Channel:
    """Separable channel of angular momentum l: radius r (bohr) and coupling matrix h (Ha)."""

    l: int
    r: float
    h: Array


@dataclass(frozen=True)
class Pseudopotential:
    """One element's GTH/HGH pseudopotential in atomic units."""

    element: str
    names: tuple[str, ...]
    charge: int
    r_loc: float
    c: tuple[float, ...]
    channels: tuple[Channel, ...]

    @property
    def smallest_radius(self) -> float:
        """Smallest Gaussian radius in bohr: it sets the grid spacing that is needed."""
        return min([self.r_loc, *(channel.r for channel in self.channels)])

    def local(self, g_squared: Array) -> Array:
        """Fourier transform of the local part, Ha bohr^3; at G = 0 without the Coulomb divergence."""
        x2 = g_squared * self.r_loc**2
        gauss = np.exp(-0.5 * x2)
        c1, c2, c3, c4 = (*self.c, 0.0, 0.0, 0.0, 0.0)[:4]
        short = c1 + c2 * (3 - x2) + c3 * (15 - 10 * x2 + x2**2)
        short = short + c4 * (105 - 105 * x2 + 21 * x2**2 - x2**3)
        safe = np.where(g_squared > 0, g_squared, 1.0)
        coulomb = np.where(
            g_squared > 0, -4 * np.pi * self.charge / safe * gauss, 2 * np.pi * self.charge * self.r_loc**2
        )
        return coulomb + np.sqrt(8 * np.pi**3) * self.r_loc**3 * gauss * short

    def radial(self, channel: Channel, i: int, q: Array) -> Array:
        r"""Radial Fourier transform :math:`4\pi\int r^2 p_i^l(r) j_l(qr)\,dr` divided by q^l.

        Uses the closed form of the Hankel transform of a Gaussian times a power
        with an associated Laguerre polynomial; ``i`` counts from 0.
        """
        a, l = channel.r, channel.l
        half = l + 2 * i + 1.5
        norm = np.sqrt(2.0) / (a**half * np.sqrt(gamma(half)))
        x2 = 0.5 * (q * a) ** 2
        power = 2.0**i * factorial(i) * a ** (2 * i + 2 * l + 3)
        return 4 * np.pi * norm * np.sqrt(np.pi / 2) * power * np.exp(-x2) * eval_genlaguerre(i, l + 0.5, x2)


def _entries(text: str) -> Iterator[list[list[str]]]:
    """Split a table in CP2K's form into entries of tokenised lines."""
    entry: list[list[str]] = []
    for line in text.splitlines():
        tokens = line.split("#")[0].split()
        if tokens and tokens[0][0].isalpha():
            if entry:
                yield entry
            entry = []
        if tokens:
            entry.append(tokens)
    if entry:
        yield entry


def _read_cp2k_entry(lines: list[list[str]]) -> Pseudopotential:
    element, *names = lines[0]
    charge = sum(int(token) for token in lines[1])
    r_loc, count = float(lines[2][0]), int(lines[2][1])
    c = tuple(float(token) for token in lines[2][2 : 2 + count])
    numbers = iter([token for line in lines[4:] for token in line])
    channels = []
    for l in range(int(lines[3][0])):
        r, size = float(next(numbers)), int(next(numbers))
        h = np.zeros((size, size))
        for i in range(size):
            for j in range(i, size):
                h[i, j] = h[j, i] = float(next(numbers))
        if size:
            channels.append(Channel(l, r, h))
    return Pseudopotential(element, tuple(names), charge, r_loc, c, tuple(channels))


# Ratios h_ij / h_jj of the HGH off-diagonal elements (HGH 1998, eqs. 9-17), per l: (h12/h22, h13/h33, h23/h33).
_HGH_RATIOS = (
    (-0.5 * np.sqrt(3 / 5), 0.5 * np.sqrt(5 / 21), -0.5 * np.sqrt(100 / 63)),
    (-0.5 * np.sqrt(5 / 7), np.sqrt(35 / 11) / 6, -14 / 6 / np.sqrt(11)),
    (-0.5 * np.sqrt(7 / 9), 0.5 * np.sqrt(63 / 143), -9 / np.sqrt(143)),
)


def _read_hgh(text: str, name: str) -> Pseudopotential:
    """Read ABINIT's pspcod 3 form (HGH): diagonal couplings, the others by the fixed ratios."""
    from ase.data import chemical_symbols

    rows = [[float(t) for t in line.split() if _is_number(t)] for line in text.splitlines()]
    element = chemical_symbols[int(rows[1][0])]
    r_loc, c = rows[3][0], tuple(rows[3][1:5])
    channels = []
    row = 4
    for l in range(3):
        if row >= len(rows) or len(rows[row]) < 4:
            break
        r, diagonal = rows[row][0], rows[row][1:4]
        size = max((i + 1 for i in range(3) if diagonal[i] != 0.0), default=0)
        h = np.diag(diagonal)
        r12, r13, r23 = _HGH_RATIOS[l]
        h[0, 1] = h[1, 0] = r12 * diagonal[1]
        h[0, 2] = h[2, 0] = r13 * diagonal[2]
        h[1, 2] = h[2, 1] = r23 * diagonal[2]
        if size:
            channels.append(Channel(l, r, h[:size, :size].copy()))
        row += 1 if l == 0 else 2
    return Pseudopotential(element, (name,), int(rows[1][1]), r_loc, c, tuple(channels))


def _is_number(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True


def read(path: Path | str) -> list[Pseudopotential]:
    """Read all pseudopotentials of a file in CP2K's or ABINIT's pspcod 3 (.hgh) text form.

    Raises
    ------
    PseudopotentialError
        The file cannot be read as one of the two forms.
    """
    path = Path(path)
    try:
        text = path.read_text()
        lines = text.splitlines()
        if len(lines) > 2 and lines[2].split()[:1] == ["3"]:
            return [_read_hgh(text, path.stem)]
        found = [_read_cp2k_entry(entry) for entry in _entries(text)]
    except (OSError, ValueError, IndexError, StopIteration, UnicodeDecodeError) as error:
        raise PseudopotentialError(
            f"pseudopotential file {path}: cannot be read as CP2K's GTH or ABINIT's pspcod-3 text form ({error})"
        ) from error
    if not found:
        raise PseudopotentialError(f"pseudopotential file {path} holds no entry")
    return found


def table() -> list[Pseudopotential]:
    """The published GTH pseudopotentials that the package carries."""
    text = resources.files(__package__).joinpath("gth.dat").read_text()
    return [_read_cp2k_entry(entry) for entry in _entries(text)]


def select(
    elements: Sequence[str], xc: str, choices: Mapping[str, str] | None = None
) -> dict[str, Pseudopotential]:
    """Pick one pseudopotential for each element.

    Parameters
    ----------
    elements
        Chemical symbols.
    xc
        "lda" or "pbe": which family is the default.
    choices
        Element -> name in the table (such as "GTH-PADE-q4") or path of a file.

    Raises
    ------
    PseudopotentialError
        An element is not in the table or a chosen one does not exist.

    Examples
    --------
    >>> select(["O", "Ti"], "lda")["Ti"].charge
    12
    """
    entries = table()
    chosen = {}
    for element in dict.fromkeys(elements):
        wanted = (choices or {}).get(element)
        if wanted is not None and Path(wanted).is_file():
            candidates = [p for p in read(wanted) if p.element == element]
        else:
            names = (wanted,) if wanted else FUNCTIONAL_NAMES[xc]
            candidates = [p for p in entries if p.element == element and set(names) & set(p.names)]
        if not candidates:
            raise PseudopotentialError(_missing(element, wanted, xc, entries))
        chosen[element] = candidates[0]
    return chosen


def _missing(element: str, wanted: str | None, xc: str, entries: list[Pseudopotential]) -> str:
    own = [name for p in entries if p.element == element for name in p.names]
    known = sorted({p.element for p in entries if set(FUNCTIONAL_NAMES[xc]) & set(p.names)})
    if wanted:
        return (
            f"no pseudopotential '{wanted}' for {element}: the table has {own or 'none for it'}, "
            "and no such file exists"
        )
    return (
        f"no {xc.upper()} pseudopotential for element {element} in the table (it has {', '.join(known)}); "
        f"give a GTH or HGH file for it{f', or one of {own}' if own else ''}"
    )
