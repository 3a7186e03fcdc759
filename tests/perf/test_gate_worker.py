"""The worker: builds side by side in one process, the order of the samples, and what happens when it dies."""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import mlmd
from mlmd.errors import MlmdError
from mlmd.perf.compare import launches
from mlmd.perf.compare.builds import Build, find_build
from mlmd.perf.compare.cases import SUITE, Arrays, Case, make_call
from mlmd.perf.compare.gate import compare
from mlmd.perf.compare.launches import launcher
from mlmd.perf.compare.sides import Side, make_twin
from mlmd.perf.compare.verdict import SIDES
from mlmd.perf.compare.worker import MOST_DISTURBED, palindromes, sample
from mlmd.perf.gate_check import planted_copy

ROOT = Path(mlmd.__file__).parents[1]
SMALL = Case("density", (8, 8, 8), 4)


@pytest.fixture
def build() -> Build:
    """This build."""
    pytest.importorskip("mlmd._cpu")
    return find_build(str(ROOT), "BASE", ROOT, print)


def changed(build: Build, folder: Path, file: str, text: str) -> Build:
    """A copy of a build with some lines more in one file."""
    copy = planted_copy(build, folder, 0.0)
    with (folder / "mlmd" / file).open("a") as source:
        source.write(text)
    return copy


def test_orders_are_palindromes_with_abba_in_them() -> None:
    orders = list(palindromes(0, 6))
    assert all(order == order[::-1] and set(order) == set(SIDES) for order in orders)
    abba = ["".join(side[0] for side in order if side != "base again") for order in orders]
    assert Counter(abba) == {"bhhb": 3, "hbbh": 3}
    assert len(set(orders)) == 6
    assert list(palindromes(4, 4)) == [*orders[4:], *orders[:2]]
    for three in (orders[:3], orders[3:]):
        assert all({order[place] for order in three} == set(SIDES) for place in range(3))


def test_every_side_follows_every_other_equally_often() -> None:
    follows = Counter(pair for order in palindromes(0, 6) for pair in itertools.pairwise(order) if len(set(pair)) == 2)
    assert set(follows.values()) == {4}
    assert len(follows) == 6


def test_a_sample_leaves_out_disturbed_calls() -> None:
    now, switches = [0.0], [0]
    seconds = iter([1.0, 50.0, 2.0, 60.0, 3.0])

    def call() -> None:
        spent = next(seconds)
        now[0] += spent
        switches[0] += spent > 10.0

    assert sample(call, 3, lambda: now[0], lambda: switches[0]) == 2.0


def test_a_sample_of_disturbed_calls_only_is_still_one() -> None:
    now, switches = [0.0], [0]

    def call() -> None:
        now[0] += 2.0
        switches[0] += 1

    assert sample(call, 3, lambda: now[0], lambda: switches[0]) == 2.0
    assert switches[0] == MOST_DISTURBED


def test_two_builds_share_a_process(build: Build, tmp_path: Path) -> None:
    sides = [Side(name, make_twin(ROOT, tmp_path / name)) for name in ("one", "two")]
    kernels, results = [], []
    for side in sides:
        with side.current():
            package = side.load()
            arrays = Arrays(SMALL, package, 1)
            make_call(SMALL, package, arrays, 1)()
            results.append(arrays.sums)
            kernels.append((package.kernels, sys.modules["mlmd._cpu"]))
    assert sys.modules["mlmd"] is mlmd
    assert len({id(module) for pair in kernels for module in pair}) == 4
    assert Path(kernels[0][1].__file__).parent == tmp_path / "one/mlmd"
    assert (results[0] == results[1]).all()


def test_each_build_has_its_own_extension(build: Build, tmp_path: Path) -> None:
    """An extension that differs in its text only is not taken for the other, in either order."""
    copies = [planted_copy(build, tmp_path / name, 0.0) for name in ("plain", "changed", "plain again")]
    (file,) = (copies[1].folder / "mlmd").glob("_cpu.*")
    file.write_bytes(file.read_bytes().replace(b"Raw kernels of the cpu", b"New kernels of the cpu"))
    words, raw = [], []
    for copy in copies:
        side = Side(copy.name, copy.folder)
        with side.current():
            plan: Any = side.load().kernels.nlp_prop((8, 8, 8), 4, 4, 1.0, "complex64", "bf16x1", "cpu")
            raw.append(plan.load("nlp_pack"))
            words.append((sys.modules["mlmd._cpu"].__doc__ or "")[:11])
    assert words == ["Raw kernels", "New kernels", "Raw kernels"]
    assert len(set(map(id, raw))) == 3


def test_a_build_from_elsewhere_is_refused(tmp_path: Path) -> None:
    side = Side("nothing", tmp_path)
    with side.current(), pytest.raises(ImportError, match="not from"):
        side.load()


def test_an_extension_at_work_is_not_loaded_again() -> None:
    pytest.importorskip("mlmd._cpu")
    side = Side("again", ROOT)
    with side.current(), pytest.raises(ImportError, match="loaded already; load a twin of the build"):
        side.load()


@pytest.mark.parametrize("case", SUITE, ids=lambda case: case.name)
def test_every_kernel_keeps_its_numbers_in_range(case: Case) -> None:
    pytest.importorskip("mlmd._cpu")
    small = Case(case.kernel, (8, 8, 8), 4, case.dtype, "cpu", case.mode)
    arrays = Arrays(small, mlmd, 1)
    call = make_call(small, mlmd, arrays, 1)
    for _ in range(30):
        call()
    if arrays.psi is not None:
        assert abs(arrays.psi).max() < 5.0


def test_identical_builds(build: Build) -> None:
    """From two folders to a verdict, nothing simulated."""
    cases = [SMALL, Case("kin_prop", (8, 8, 8), 4)]
    found = compare((build, build), cases, launcher((build, build), 1, 1), 1, budget=0.1)
    assert found.verdict != "slower"
    assert [len(result.launches) for result in found.results] == [8, 8]
    assert not found.notes
    assert all(time > 0 for result in found.results for quad in result.launches[0] for time in quad["head"])


def test_a_build_with_another_set_of_kernels(build: Build, tmp_path: Path) -> None:
    head = changed(build, tmp_path / "head", "kernels/__init__.py", "\ndel Overlap, overlap\n")
    times = launcher((build, head), 1, 1)([SMALL, Case("overlap", (8, 8, 8), 4)], 0)
    assert list(times.quads) == [0]
    assert times.left_out[1].startswith("HEAD cannot: ")
    assert "overlap" in times.left_out[1]


def test_a_worker_that_dies_is_told_with_the_case(build: Build, tmp_path: Path) -> None:
    fatal = "\nimport os\nKinProp.__call__ = lambda *_, **__: os.abort()\n"
    head = changed(build, tmp_path / "head", "kernels/kin_prop.py", fatal)
    kin = Case("kin_prop", (8, 8, 8), 4)
    with pytest.raises(MlmdError, match=r"the worker died \(SIGABRT\) in kin_prop 8x8x8 x 4 complex64, .* HEAD"):
        launcher((build, head), 1, 1)([SMALL, kin], 0)


def test_a_build_that_cannot_be_imported_is_told(build: Build, tmp_path: Path) -> None:
    head = changed(build, tmp_path / "head", "__init__.py", "\nraise RuntimeError('out of order')\n")
    with pytest.raises(MlmdError, match=r"while HEAD was loaded: .*out of order"):
        launcher((build, head), 1, 1)([SMALL], 0)


def test_a_worker_that_hangs_is_stopped(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launches, "LIMIT_SECONDS", 3.0)
    head = changed(build, tmp_path / "head", "__init__.py", "\nimport time\ntime.sleep(600)\n")
    with pytest.raises(MlmdError, match=r"the worker died \(SIGKILL\) .*it was stopped after 3 s"):
        launcher((build, head), 1, 1)([SMALL], 0)


def test_what_builds_print_does_not_disturb(build: Build, tmp_path: Path) -> None:
    head = changed(build, tmp_path / "head", "__init__.py", "\nprint('hello}')\n")
    assert list(launcher((build, head), 1, 1)([SMALL], 0).quads) == [0]


def test_a_planted_slowdown_takes_time_within_the_call(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clock that ticks once whenever it is read: a call of one tick is followed by three of waiting."""
    ticks = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    copy = planted_copy(build, tmp_path / "head", 2.5)
    assert copy.identity != build.identity
    side, kin = Side("head", copy.folder), Case("kin_prop", (8, 8, 8), 4)
    with side.current():
        package: Any = side.load()
        call = make_call(kin, package, Arrays(kin, package, 1), 1)
        before = next(ticks)
        call()
    assert next(ticks) - before - 1 == 5  # start, end, and until 3.5 ticks after the start
