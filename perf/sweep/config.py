"""The file ``sweep.toml`` as checked sections: which backends, kernels, modes and sizes a sweep goes through."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, create_model, model_validator

from ...backends import default_threads, names
from ..cases import MODES_OF, RANKED, Problem, dtype_of
from ..interleave import DEFAULT_ROUNDS, LEAST_ROUNDS

Count = Annotated[int, Strict(), Field(ge=1)]
Points = Annotated[int, Strict(), Field(ge=3)]
Seconds = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """Base of the sections: unknown keys are errors, NaN and infinity too, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _known_backends(given: list[str]) -> list[str]:
    """The backends by name, each once; ``"all"`` stands for all of this installation."""
    known = names()
    for name in given:
        if name.partition(":")[0] not in (*known, "all"):
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise ValueError(f"'{name}' is no backend{hint}; known: all, {', '.join(known)}, and devices as 'cuda:1'")
    return list(dict.fromkeys(name for text in given for name in (known if text == "all" else [text])))


class What(Section):
    """``[sweep]``: backends, rounds and threads."""

    backends: Annotated[list[str], Field(min_length=1), AfterValidator(_known_backends)]
    rounds: Annotated[int, Strict(), Field(ge=LEAST_ROUNDS)] = DEFAULT_ROUNDS
    threads: Count | None = None


class Size(Section):
    """``[[sizes]]``: grid and orbitals; ``rank`` is the number of columns of Q, by default as many as orbitals."""

    shape: tuple[Points, Points, Points]
    norb: Count
    rank: Count | None = None

    @model_validator(mode="after")
    def _check(self) -> Size:
        if (self.rank or self.norb) > math.prod(self.shape):
            raise ValueError("asks for more columns (rank, else norb) than grid points; give fewer")
        return self


class Limits(Section):
    """``[limits]``, seconds: ``prepare`` for compiling, checking and warming up a row, ``call`` for one call of it."""

    prepare: Seconds = 120.0
    call: Seconds = 10.0


_literal: Any = Literal  # of values that are known when this runs
_FIELDS: dict[str, Any] = {kernel: (list.__class_getitem__(_literal[modes]), []) for kernel, modes in MODES_OF.items()}
Kernels: Any = create_model("Kernels", __base__=Section, **_FIELDS)
Kernels.__doc__ = "``[kernels]``: the modes of each kernel that takes part."


class Sweep(Section):
    """A whole ``sweep.toml``.

    Examples
    --------
    >>> sweep = Sweep.model_validate({
    ...     "sweep": {"backends": ["cpu", "numba"]},
    ...     "sizes": [{"shape": [8, 8, 8], "norb": 4}, {"shape": [16, 16, 16], "norb": 4}],
    ...     "kernels": {"density": ["fp32"], "nlp_prop": ["fp32", "bf16x1"]},
    ... })
    >>> [f"{job.problem.kernel} {job.mode}" for job in jobs(sweep)][:3]
    ['nlp_prop fp32', 'nlp_prop bf16x1', 'density fp32']
    """

    title: str = ""
    sweep: What
    sizes: Annotated[list[Size], Field(min_length=1)]
    kernels: Kernels
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _check(self) -> Sweep:
        if not any(modes for _, modes in self.kernels):
            raise ValueError('names no kernel; write for example [kernels] kin_prop = ["fp32"]')
        return self


class Job(Section):
    """One problem in one mode: what all backends compute side by side."""

    problem: Problem
    mode: str

    def __str__(self) -> str:
        p = self.problem
        return f"{p.kernel} {self.mode} {'x'.join(map(str, p.shape))}" + (f" x {p.norb}" if p.norb else "")


def jobs(sweep: Sweep) -> Iterator[Job]:
    """The problems of a sweep, size by size; each once."""
    threads = threads_of(sweep)
    found: dict[Job, None] = {}
    for size in sweep.sizes:
        for kernel, modes in sweep.kernels:
            norb = 0 if kernel == "hartree" else size.norb
            rank = (size.rank or size.norb) if kernel in RANKED else 0
            for mode in modes:
                problem = Problem(kernel, size.shape, norb, dtype_of(mode), threads, rank)
                found[Job(problem=problem, mode=mode)] = None
    yield from found


def threads_of(sweep: Sweep) -> int:
    """Threads of each call on a processor."""
    return sweep.sweep.threads or default_threads()
