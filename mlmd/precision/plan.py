"""A plan of the precision, kept in the wisdom file under the problem that it was made for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ..backends import default_threads, get
from ..dcmesh.precision import complete
from ..errors import InputError, MlmdError
from ..problem import Problem
from ..tuning.choose import current_mode
from ..tuning.key import build_of, device_of
from ..tuning.wisdom import add, default_path, read

KERNELS = {"kin_prop": "", "loc_prop": "", "nlp_prop": "", "density": "", "current": "", "overlap": ""}


class PlanMissing(MlmdError):
    """The input asks for planned precision, and there is no plan for it here."""


@dataclass(frozen=True)
class Plan:
    """Levels of precision, and how they were judged.

    Attributes
    ----------
    levels : mapping
        Level of each subproblem.
    observable : str
        What the budget is on.
    budget : float
        Largest error allowed at the end of the run.
    error : float
        Error measured when all levels were lowered together, up to the end of the pilot window.
    at_end : float
        The same grown to the end of the run.
    amplification : float
        Error measured there by the sum of the differences that sentinels saw on the way.
    scale : float
        What errors are relative to.
    seconds, fp32_seconds, default_seconds : float
        Time of a step at these levels, in FP32 and in FP64 throughout, from the same interleaved rounds.
    """

    levels: Mapping[str, str]
    observable: str
    budget: float
    error: float
    at_end: float
    amplification: float
    scale: float
    seconds: float
    fp32_seconds: float
    default_seconds: float

    def to_json(self) -> str:
        """As text, for a checkpoint."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Back from text."""
        return cls(**json.loads(text))


def keep_plan(problem: Problem, plan: Plan) -> Path:
    """Put a plan into the wisdom file.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MlmdError
        If it cannot be written.
    """
    rest = asdict(plan)
    fields = _key(problem, plan.observable, plan.budget) | {
        "tuning": rest.pop("levels"),
        "seconds": rest.pop("seconds"),
        "default_seconds": rest.pop("default_seconds"),
        "date": date.today().isoformat(),
    }
    path = default_path()
    add(path, [fields | rest])
    return path


def find_plan(problem: Problem) -> Plan:
    """The plan for a problem and the budget of its input: of those that are not looser, the one nearest to it.

    Raises
    ------
    PlanMissing
        If there is none, with the command that makes it; or only for another machine or another build.
    InputError
        If the input has no budget.
    """
    check_plannable(problem)
    wanted = problem.config.precision
    if wanted.budget is None:
        raise InputError(problem.path, "[precision] budget", "is missing", "give the largest error allowed")
    key = _key(problem, wanted.observable, wanted.budget)
    if current_mode() == "off":
        raise PlanMissing(f"{problem.path}: [dynamics] precision: MLMD_TUNING=off reads no plans; unset it")
    stable = [name for name in key if name != "mode"]
    path, stale = default_path(), set[str]()
    found: list[Plan] = []
    for item in read(path).items:
        if not isinstance(item, dict) or item.get("kernel") != "precision" or item.get("problem") != key["problem"]:
            continue
        if item["observable"] != wanted.observable or item["budget"] > wanted.budget:
            continue
        differing = {name for name in stable if item.get(name) != key[name]}
        if differing:
            stale |= differing
        else:
            found.append(_plan(problem, item))
    if found:
        return max(found, key=lambda plan: plan.budget)
    why = f"those there are of another {', '.join(sorted(stale))}" if stale else f"{path} has none"
    raise PlanMissing(
        f"{problem.path}: [dynamics] precision is 'planned', and there is no plan for this input with an error of "
        f"{wanted.budget:g} in {wanted.observable} ({why}); make one: mlmd precision {problem.path} "
        f"--observable {wanted.observable} --budget {wanted.budget:g}"
    )


def check_plannable(problem: Problem) -> None:
    """Refuse what has nothing to lower, or more than one cell.

    Raises
    ------
    InputError
        For the exact mode, and with ``[maxwell]`` or ``[domains]``.
    """
    for section in ("maxwell", "domains"):
        if getattr(problem.config, section) is not None:
            raise InputError(
                problem.path,
                f"[{section}]",
                "is there, and a plan is for one cell under given light",
                "plan without it, and give the levels as [dynamics] precision",
            )
    if problem.config.dynamics.mode != "shadow":
        raise InputError(
            problem.path, "[dynamics] mode", "is 'exact', of which nothing can be lowered", "plan for mode = 'shadow'"
        )


def levels_of(problem: Problem) -> str | Mapping[str, str]:
    """The precision that a problem asks for: as its input says, or as it was planned."""
    precision = problem.config.dynamics.precision
    return find_plan(problem).levels if precision == "planned" else precision


def _plan(problem: Problem, item: Mapping[str, Any]) -> Plan:
    dynamics = problem.config.dynamics
    numbers = {name: item[name] for name in Plan.__dataclass_fields__ if name != "levels"}
    return Plan(levels=complete(item["tuning"], dynamics.mode, dynamics.hartree), **numbers)


def _key(problem: Problem, observable: str, budget: float) -> dict[str, Any]:
    """The fields of a wisdom entry that say what it holds for."""
    dynamics = problem.config.dynamics
    backend = get(dynamics.backend)
    builds = [build_of(kernel, backend.name, mode) for kernel, mode in KERNELS.items()]
    builds.append(build_of("hartree", backend.name, dynamics.hartree))
    return {
        "kernel": "precision",
        "backend": backend.name,
        "device": device_of(backend),
        "build": _digest(builds),
        "threads": dynamics.threads or default_threads(),
        "dtype": "",
        "mode": f"{observable}:{budget:g}",
        **dict(zip(("nx", "ny", "nz"), problem.shape, strict=True)),
        "norb": 0,
        "rank": 0,
        "problem": problem_hash(problem),
    }


def problem_hash(problem: Problem) -> str:
    """Hash of all that fixes the numbers of the whole run, but for the precision."""
    physics = {section: dict(keys) for section, keys in problem.physics.items()}
    physics["dynamics"].pop("precision")
    return _digest([physics, problem.config.dynamics.n_steps])


def _digest(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
