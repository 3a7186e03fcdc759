"""Who chooses for plans: the configuration of a kernel, and the backend where ``"auto"`` is asked for.

Plans ask here.  The tuner, which they know nothing of, registers itself; without one every knob has its default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from .base import Backend
from .registry import fastest_host

AUTO, ANY = "auto", "auto:any"


@dataclass(frozen=True)
class Question:
    """What a plan is about.

    Attributes
    ----------
    kernel : str
        Its name.
    shape : tuple of 3 int
        Grid points.
    norb : int
        Orbitals; 0 for hartree.
    dtype : str
        Type of the arrays.
    threads : int
        Threads of a call.
    rank : int
        Columns of Q, or orbitals of psi0; 0 for kernels without.
    mode : str
        Arithmetic of nlp_prop, method of hartree, else empty.
    """

    kernel: str
    shape: tuple[int, int, int]
    norb: int
    dtype: str
    threads: int
    rank: int = 0
    mode: str = ""


class Chooser(Protocol):
    """Answers."""

    def tuning(self, question: Question, backend: Backend, effort: str | None) -> Mapping[str, int | str]:
        """Knobs that differ from their default."""

    def backend(self, question: Question, anywhere: bool) -> Backend:
        """The fastest backend that works: on the arrays of the host, or anywhere."""


_make: Callable[[], Chooser] | None = None


def register(make: Callable[[], Chooser] | None) -> None:
    """Let plans ask the chooser that this makes when the first of them asks; None lets them ask nobody."""
    global _make
    _make = None if make is None else cache(make)


def tuning(question: Question, backend: Backend, effort: str | None) -> Mapping[str, int | str]:
    """Knobs that differ from their default for a plan.

    Examples
    --------
    >>> from mlmd.backends import get
    >>> dict(tuning(Question("density", (4, 4, 4), 2, "complex64", 1), get("reference"), None))
    {}
    """
    return {} if _make is None else _make().tuning(question, backend, effort)


def backend(question: Question, anywhere: bool) -> Backend:
    """The fastest backend that works for a plan."""
    return fastest_host() if _make is None else _make().backend(question, anywhere)
