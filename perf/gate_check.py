"""Does the gate keep its word?  ``python -m mlmd.perf.gate_check --identical 40 --planted 20 --slowdown 0.08``.

Compares this build with copies of itself, and with copies whose kin_prop takes longer by a given part.  The slowdown is
real time within the timed call: after each call the plan is busy for that part of what the call took.  Each comparison
starts from new copies.  Results go to a JSON file after each; the same command continues an interrupted run.

Exit code 0 if no identical build was called slower and at least 95 % of the planted slowdowns were caught, else 1.
"""

from __future__ import annotations

import json
import math
import platform
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ..backends import MlmdError, describe
from ..backends.atomic import replace_file
from .cli import Threads, calm_threads, wanted_threads
from .compare.builds import Build, find_build, identity_of
from .compare.cases import Case, select
from .compare.cli import duration, fraction
from .compare.gate import QUADS, Comparison, compare
from .compare.intervals import Interval
from .compare.launches import launcher
from .compare.verdict import SLOWER
from .render import rich_table

CAUGHT = 0.95  # part of the planted slowdowns that must be found
DEFAULT_FILE = Path("gate.json")
KERNEL = "kin_prop"
PLANT = '''

def _slower(call, part):
    from time import perf_counter

    def slow(self, *arguments, **named):
        start = perf_counter()
        result = call(self, *arguments, **named)
        now = perf_counter()
        end = now + part * (now - start)
        while perf_counter() < end:
            pass
        return result

    return slow


KinProp.__call__ = _slower(KinProp.__call__, {part})
'''


@dataclass(frozen=True)
class Trial:
    """One comparison of the check.

    Attributes
    ----------
    planted : float
        Part by which kin_prop is slower in HEAD; 0 for identical builds.
    verdict : str
        Of the comparison.
    slower : list of str
        Cases that were called slower.
    ratios : dict
        Case -> median, low end, high end of HEAD over BASE.
    self_checks : dict
        The same of one copy of BASE over the other.
    launches, looks : int
        How long it went on.
    seconds : float
        How long that took.
    """

    planted: float
    verdict: str
    slower: list[str]
    ratios: dict[str, tuple[float, ...]]
    self_checks: dict[str, tuple[float, ...]]
    launches: int
    looks: int
    seconds: float

    @property
    def right(self) -> bool:
        """Whether the gate said what is the case: nothing slower, or kin_prop and nothing else."""
        if not self.planted:
            return not self.slower
        return bool(self.slower) and all(name.startswith(KERNEL) for name in self.slower)


def planted_copy(build: Build, folder: Path, part: float) -> Build:
    """A copy of a build whose kin_prop is slower by a part of its time.

    Parameters
    ----------
    build : Build
        What to copy.
    folder : Path
        The folder to make; it gets all that the kernels need.
    part : float
        Such as 0.08; 0 for a faithful copy.
    """
    skipped = shutil.ignore_patterns("__pycache__", "perf", "dcmesh")
    shutil.copytree(build.folder / "mlmd", folder / "mlmd", ignore=skipped)
    if part:
        with (folder / f"mlmd/kernels/{KERNEL}.py").open("a") as file:
            file.write(PLANT.format(part=part))
    return replace(build, name=folder.name, folder=folder, identity=identity_of(folder))


def run_trial(base: Build, part: float, cases: Sequence[Case], threads: int, tolerance: float, budget: float) -> Trial:
    """Compare a build with a copy of it whose kin_prop is slower by a part."""
    with tempfile.TemporaryDirectory(prefix="mlmd-gate-") as scratch:
        sides = planted_copy(base, Path(scratch, "base"), 0.0), planted_copy(base, Path(scratch, "head"), part)
        return summary(compare(sides, cases, launcher(sides, threads, QUADS), threads, tolerance, budget), part)


def summary(found: Comparison, part: float) -> Trial:
    """What is kept of a comparison."""
    slower = [result.case.name for result in found.results if result.verdict == SLOWER]
    ratios = {result.case.name: _ends(result.ratio) for result in found.results}
    checks = {result.case.name: _ends(result.self_check) for result in found.results}
    return Trial(part, found.verdict, slower, ratios, checks, found.launches, found.looks, found.seconds)


def _ends(interval: Interval | None) -> tuple[float, ...]:
    return () if interval is None else (interval.value, interval.low, interval.high)


def check(
    wanted: dict[float, int],
    settings: dict[str, Any],
    path: Path,
    trial: Callable[[float], Trial],
    tell: Callable[[str], None],
) -> list[Trial]:
    """Make the trials that are still to be made; the two kinds take turns, as the machine has its moods.

    Parameters
    ----------
    wanted : dict
        Planted part -> number of trials.
    settings : dict
        What the trials depend on; a file with others is refused.
    path : Path
        Where the trials are kept.
    trial : callable
        Makes one.
    tell : callable
        Is told the result of each.
    """
    trials = read_trials(path, settings)
    while (part := next_part(wanted, trials)) is not None:
        trials.append(trial(part))
        replace_file(path, (json.dumps(settings | {"trials": list(map(asdict, trials))}, indent=1) + "\n").encode())
        last = trials[-1]
        tell(
            f"{len(trials):3d}  {100 * part:4.1f} % planted: {last.verdict:9s} {'' if last.right else 'WRONG '}"
            f"{last.launches} launches, {last.seconds:.0f} s; {', '.join(last.slower)}"
        )
    return trials


def next_part(wanted: dict[float, int], trials: Sequence[Trial]) -> float | None:
    """The kind of trial that is furthest behind; None if all are made.

    Examples
    --------
    >>> next_part({0.0: 2, 0.08: 1}, [])
    0.0
    """
    done = {part: sum(trial.planted == part for trial in trials) / count for part, count in wanted.items() if count}
    part = min(done, key=lambda part: done[part], default=None)
    return None if part is None or done[part] >= 1.0 else part


def read_trials(path: Path, settings: dict[str, Any]) -> list[Trial]:
    """Trials of an interrupted run; none if there is no file.

    Raises
    ------
    MlmdError
        If the file is none, or of other settings.
    """
    if not path.exists():
        return []
    try:
        kept = json.loads(path.read_text())
        trials = [Trial(**trial) for trial in kept.pop("trials")]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MlmdError(f"{path} holds no trials of the gate ({error!r}); name another file with --json") from None
    different = [key for key, value in settings.items() if kept.get(key) != value]
    if different:
        raise MlmdError(f"{path} was made with another {', '.join(different)}; remove it, or name another with --json")
    return trials


def report(trials: Sequence[Trial]) -> tuple[list[str], list[list[str]]]:
    """Heads and cells: a row for each kind of trial."""
    cells = []
    for part in sorted({trial.planted for trial in trials}):
        these = [trial for trial in trials if trial.planted == part]
        ratios = [ratio[0] for trial in these for name, ratio in trial.ratios.items() if name.startswith(KERNEL)]
        cells.append(
            [
                f"{100 * part:g} % in {KERNEL}" if part else "identical",
                str(len(these)),
                str(sum(trial.verdict == "passed" for trial in these)),
                str(sum(trial.verdict == "undecided" for trial in these)),
                str(sum(trial.verdict == SLOWER for trial in these)),
                str(sum(not trial.right for trial in these)),
                f"{min(ratios):.3f}-{max(ratios):.3f}",
                f"{sum(trial.seconds for trial in these) / len(these):.0f}",
            ]
        )
    return ["HEAD", "trials", "passed", "undecided", "slower", "wrong", f"ratios of {KERNEL}", "s each"], cells


def keeps_its_word(trials: Sequence[Trial]) -> bool:
    """No identical build called slower, enough of the planted slowdowns caught, nothing else called slower."""
    identical, planted = ([t for t in trials if bool(t.planted) == kind] for kind in (False, True))
    caught = sum(trial.right for trial in planted)
    return all(trial.right for trial in identical) and caught >= math.ceil(CAUGHT * len(planted))


def main(
    identical: Annotated[int, typer.Option(help="Comparisons of identical builds.", min=0)] = 40,
    planted: Annotated[int, typer.Option(help="Comparisons with a planted slowdown.", min=0)] = 20,
    slowdown: Annotated[float, typer.Option(help="Part by which kin_prop is slower.", min=0.001)] = 0.08,
    build: Annotated[str, typer.Option(help="Folder or revision to take.")] = str(Path(__file__).parents[2]),
    threads: Threads = None,
    tolerance: Annotated[str, typer.Option(help="Slowdown that is accepted.")] = "3%",
    budget: Annotated[str, typer.Option(help="Time of each comparison.")] = "12s",
    json: Annotated[Path, typer.Option("--json", help="Where the trials are kept.")] = DEFAULT_FILE,
) -> None:
    """Compare a build with copies of itself, identical ones and slowed down ones, and count the answers."""
    console = Console()

    def tell(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    try:
        calm_threads()
        base, team = find_build(build, "--build", Path(), tell), wanted_threads(threads)
        cases, limit, seconds = select(()), fraction(tolerance), duration(budget)
        machine = asdict(describe()) | {"system": platform.system()}
        settings = {
            "tolerance": limit,
            "budget": seconds,
            "threads": team,
            "build": base.identity,
            "machine": {key: list(value) if isinstance(value, tuple) else value for key, value in machine.items()},
            "cases": [case.name for case in cases],
        }
        trials = check(
            {0.0: identical, slowdown: planted},
            settings,
            json,
            lambda part: run_trial(base, part, cases, team, limit, seconds),
            tell,
        )
    except MlmdError as error:
        tell(f"error: {error}")
        raise typer.Exit(2) from None
    console.print(rich_table(*report(trials)))
    raise typer.Exit(0 if keeps_its_word(trials) else 1)


if __name__ == "__main__":
    typer.run(main)
