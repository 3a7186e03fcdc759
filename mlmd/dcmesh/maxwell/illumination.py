"""Domains of LFD under light that they change themselves: what a run with ``[maxwell]`` propagates."""

from __future__ import annotations

import warnings
from typing import Any

from ...backends import PlanError
from .bulk import Bulk
from .domains import Domains
from .film import Film

LARGEST_IMBALANCE = 0.01  # of the account of energies; beyond it the user is warned


class LightWarning(UserWarning):
    """The account of energies does not come out even."""


class Illumination:
    """Light and electrons, stepped together; used like an `LFD`.

    Parameters
    ----------
    light : Film or Bulk
        The field, with the domains as its medium.
    domains : Domains
        The same domains.
    shown : int
        The domain whose density is asked for, from 0.
    """

    def __init__(self, light: Film | Bulk, domains: Domains, shown: int = 0) -> None:
        self.light, self.domains, self.shown = light, domains, shown
        self._warned = False

    @property
    def time(self) -> float:
        """Time in a.u."""
        return self.domains.time

    @property
    def step_count(self) -> int:
        """Steps of LFD."""
        return self.domains.step_count

    def advance(self, steps: int) -> None:
        """Propagate by a number of steps of LFD.

        Raises
        ------
        PlanError
            They are no whole number of steps of the wave.
        NumericsError
            The orbitals are no longer finite; names the domain and the step.
        """
        whole, rest = divmod(steps, self.domains.steps)
        if rest:
            raise PlanError(f"{steps} steps are no whole steps of the wave: give a multiple of {self.domains.steps}")
        for _ in range(whole):
            self.light.advance()

    def observe(self) -> dict[str, Any]:
        """Observables now.

        Returns
        -------
        dict
            As `LFD.observe`: ``n_exc`` and ``energy`` of all domains together, ``norm`` of the worst, the others in the
            mean over domains. Besides ``domains``: ``n_exc``, ``A``, ``J`` and ``gained`` (energy per volume,
            Ha/bohr^3) one by one; ``light``: the account of energies, and ``A`` (cells, 3) on all cells.
        """
        now = self.domains.observe()
        gained = self.domains.gained(now["energy"]["total"])
        account = self.light.account(gained)
        self._check(account["imbalance"])
        return {
            "n_exc": float(now["n_exc"].sum()),
            "f": now["f"].mean(axis=0),
            "J": now["J"].mean(axis=0),
            "A": now["A"].mean(axis=0),
            "polarization": now["polarization"].mean(axis=0),
            "energy": {term: float(values.sum()) for term, values in now["energy"].items()},
            "norm": float(now["norm"].max()),
            "domains": {name: now[name] for name in ("n_exc", "A", "J")} | {"gained": gained},
            "light": account | {"A": self.light.A.copy()},
        }

    def _check(self, imbalance: float) -> None:
        """Tell once that the account is off."""
        if self._warned or abs(imbalance) <= LARGEST_IMBALANCE:
            return
        self._warned = True
        warnings.warn(
            f"at step {self.step_count} the account of energies is off by {100 * imbalance:.1f} % of the energy of the "
            "light: take a smaller dt (the error falls as its square), or more k-points if the electrons lose energy",
            LightWarning,
            stacklevel=2,
        )

    def density(self) -> Any:
        """Electron density of the domain that is shown; see `LFD.density`."""
        return self.domains.density(self.shown)

    def state(self) -> dict[str, Any]:
        """Everything that a continued run needs, as arrays and numbers."""
        return {"light": self.light.state(), "domains": self.domains.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` gave, bit for bit."""
        self.light.restore(state["light"])
        self.domains.restore(state["domains"])

    def flops_per_step(self) -> int:
        """Floating-point operations of one step of all domains."""
        return self.domains.flops_per_step()

    def precision(self) -> dict[str, Any]:
        """Levels of precision, the same in all domains."""
        return self.domains.domains[0].precision()
