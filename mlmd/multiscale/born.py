"""Effective charges: what dipole a cell of a perovskite gets when its ions move."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Charges:
    """Effective charges in e of ABO3: of A, of Ti, of O along its bond with Ti and across.

    The acoustic sum rule A + Ti + O_par + 2 O_perp = 0 is enforced: what it lacks is shared by the five ions.

    Examples
    --------
    >>> z = Charges(2.56, 7.26, -5.73, -2.15)
    >>> round(z.a_site, 3), abs(z.a_site + z.titanium + z.parallel + 2 * z.across) < 1e-12
    (2.602, True)
    """

    a_site: float
    titanium: float
    parallel: float
    across: float

    def __post_init__(self) -> None:
        excess = (self.a_site + self.titanium + self.parallel + 2 * self.across) / 5
        for name in ("a_site", "titanium", "parallel", "across"):
            object.__setattr__(self, name, getattr(self, name) - excess)


BORN = {  # cubic crystals, LDA
    "Pb": Charges(3.90, 7.06, -5.83, -2.56),  # Zhong, King-Smith, Vanderbilt, Phys. Rev. Lett. 72, 3618 (1994)
    "Sr": Charges(2.56, 7.26, -5.73, -2.15),  # Ghosez, Michenaud, Gonze, Phys. Rev. B 58, 6224 (1998)
}
WANNIER = {  # fitted to dipoles of Wannier centres; see mlmd.multiscale.polarisation.fit_charges
    "Pb": Charges(3.615, 5.487, -4.502, -2.300),
}
TABLES = {"born": BORN, "wannier": WANNIER}
