"""C plans read the tuner's wisdom: what holds is used, what is damaged is told by file and line, nothing crashes."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlmd import _cpu

from .plans import TYPES, Count, Domain, HartreeMethod, Plan, Refused, call, grid, library, options

SHAPE, NORB, THREADS = (8, 8, 8), 4, 2
HEADER = '{"mlmd_wisdom": 1}\n'
ESTIMATE, WISDOM_ONLY, DEFAULTS = range(3)


def entry(kernel: str = "density", **changes: Any) -> dict[str, Any]:
    """The fields of an entry for this machine and build."""
    source = changes.get("mode") if kernel == "hartree" else kernel
    fields: dict[str, Any] = {
        "kernel": kernel,
        "backend": "cpu",
        "device": _cpu.device(),
        "build": _cpu.build_id(source),
        "threads": THREADS,
        "dtype": "complex64",
        "mode": "",
        "nx": 8,
        "ny": 8,
        "nz": 8,
        "norb": NORB,
        "rank": 0,
        "tuning": {"block": 256, "schedule": "dynamic"},
        "seconds": 0.25,
        "default_seconds": 0.5,
        "trials": 9,
        "date": "2026-11-21",
    }
    return fields | changes


def line(fields: dict[str, Any]) -> str:
    """A line of the file."""
    body = json.dumps(fields)[:-1]
    return f'{body}, "crc": "{zlib.crc32(body.encode()):08x}"}}\n'


def imported(path: Path, text: str | bytes) -> Count:
    """How many lines of a file with this text were taken and refused, without an error."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    count = Count()
    call("wisdom_import", str(path).encode(), count)
    return count


def refusal(path: Path, text: str | bytes) -> tuple[str, Count]:
    """The words about a file of which something is refused, and the count."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    count = Count()
    with pytest.raises(Refused) as error:
        call("wisdom_import", str(path).encode(), count)
    assert error.value.status == "MLMD_BAD_FILE"
    return error.value.words, count


def density(effort: int = ESTIMATE, shape: tuple[int, ...] = SHAPE, threads: int = THREADS) -> str:
    on = Domain(grid(shape, (0.5,) * 3, ("periodic",) * 3), NORB, TYPES["complex64"])
    return Plan("density", on, options(threads, effort)).describe().partition("; ")[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wisdom.jsonl"


def test_an_entry_of_the_problem(path: Path) -> None:
    count = imported(path, HEADER + line(entry()))
    assert (count.taken, count.refused) == (1, 0)
    assert density() == "schedule=dynamic block=256 (tuned on 2026-11-21)"
    assert density(WISDOM_ONLY) == density()
    library().mlmd_wisdom_forget()
    assert density() == "defaults (no wisdom about this)"


def test_the_tuned_plan_computes_the_same(path: Path, rng: np.random.Generator) -> None:
    imported(path, HEADER + line(entry()))
    on = Domain(grid(SHAPE, (0.5,) * 3, ("periodic",) * 3), NORB, TYPES["complex64"])
    psi, f = rng.standard_normal((*SHAPE, NORB)).astype("complex64"), rng.random(NORB)
    n, expected = np.empty(SHAPE), np.einsum("xyzs,s->xyz", np.abs(psi.astype(complex)) ** 2, f)
    Plan("density", on, options(THREADS))(psi, f, n)
    np.testing.assert_allclose(n, expected, rtol=1e-12)


def test_the_nearest_size_within_reason(path: Path) -> None:
    near, far = entry(nx=16), entry(nx=200, ny=200, tuning={"block": 16})
    imported(path, HEADER + line(far) + line(near))
    assert density().endswith("(as tuned for 16x8x8, 4 orbitals, the nearest size)")
    assert density(shape=(200, 180, 8)).startswith("block=16 (as tuned for 200x200x8")
    assert density(shape=(60, 60, 8)) == "defaults (no entry near this size; the nearest is 200x200x8, 4 orbitals)"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"build": "0123456789abcdef"}, "build is {build}, there 0123456789abcdef"),
        ({"device": 'a "fast" \u00b5P'}, 'device is {device}, there a "fast" \u00b5P'),
        ({"threads": 7}, "threads is 2, there 7"),
    ],
)
def test_stale_entries_do_not_run(path: Path, changes: dict[str, Any], words: str) -> None:
    imported(path, HEADER + line(entry(**changes)))
    reason = words.format(build=_cpu.build_id("density"), device=_cpu.device())
    assert density() == f"defaults (the entry of 2026-11-21 for 8x8x8, 4 orbitals is stale: {reason})"
    with pytest.raises(Refused, match=r"NO_WISDOM: no plan of density: the entry of .* is stale"):
        density(WISDOM_ONLY)


@pytest.mark.parametrize(
    "other", [{"backend": "sycl"}, {"dtype": "complex128"}, {"mode": "fp32"}, {"kernel": "current"}]
)
def test_entries_about_something_else(path: Path, other: dict[str, Any]) -> None:
    imported(path, HEADER + line(entry() | other))
    assert density() == "defaults (no wisdom about this)"


def test_defaults_and_tuning_off_do_not_ask(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported(path, HEADER + line(entry()))
    assert density(DEFAULTS) == "defaults (wisdom was not asked)"
    monkeypatch.setenv("MLMD_TUNING", "off")
    assert density() == "defaults (wisdom was not asked)"


@pytest.mark.parametrize(
    ("tuning", "words"),
    [
        ({"warp": 3}, "this library has no knob 'warp'"),
        ({"isa": "v9"}, "'v9' is no value of a knob"),
        ({"isa": 3}, "'3' is no string"),
        ({"block": "many"}, "'many' is no whole number"),
        ({"solver": "fft"}, "its solver, fast transforms, is not in this library"),
    ],
)
def test_knobs_that_are_not_here(path: Path, tuning: dict[str, Any], words: str) -> None:
    imported(path, HEADER + line(entry(tuning=tuning)))
    assert density() == f"defaults (the entry for 8x8x8, 4 orbitals was passed over: {words})"


@pytest.mark.skipif(_cpu.isa() == "generic", reason="this processor has one instruction set")
def test_an_instruction_set(path: Path) -> None:
    imported(path, HEADER + line(entry(tuning={"isa": "v2"})))
    assert density() == "isa=v2 (tuned on 2026-11-21)"


def test_fewer_threads(path: Path) -> None:
    imported(path, HEADER + line(entry(tuning={"threads": 1})))
    on = Domain(grid(SHAPE, (0.5,) * 3, ("periodic",) * 3), NORB, TYPES["complex64"])
    assert ", 1 thread, " in Plan("density", on, options(THREADS)).describe()
    library().mlmd_wisdom_forget()
    imported(path, HEADER + line(entry(nx=16, tuning={"threads": 1, "block": 16})))  # of another size: not its threads
    said = Plan("density", on, options(THREADS)).describe()
    assert ", 2 threads, " in said
    assert "block=16 (as tuned for 16x8x8" in said


def test_hartree_is_known_by_its_method(path: Path) -> None:
    own = {"dtype": "float64", "norb": 0, "tuning": {"block": 512}}
    imported(path, HEADER + line(entry("hartree", mode="dsa", **own)))
    box = grid(SHAPE, (0.5,) * 3, ("periodic",) * 3)
    found = [Plan("hartree", box, HartreeMethod(method), options(THREADS)).describe() for method in (0, 1)]
    assert [text.partition("; ")[2] for text in found] == [
        "defaults (no wisdom about this)",
        "block=512 (tuned on 2026-11-21)",
    ]


def test_a_later_line_and_a_later_file_replace(path: Path) -> None:
    imported(path, HEADER + line(entry()) + line(entry(tuning={"block": 1})))
    assert density().startswith("block=1 ")
    imported(path, HEADER + line(entry(tuning={})))
    assert density() == "defaults (tuned on 2026-11-21)"


def test_damaged_lines_are_refused_and_the_others_hold(path: Path) -> None:
    good, bad = line(entry()), line(entry(nx=16)).replace('"block": 256', '"block": 999')
    cut = line(entry(nx=32))[:100] + "\n"
    words, count = refusal(path, HEADER + bad + "\n" + good + cut + "[1]\n")
    assert words == f"{path}:2: its checksum is not that of its text: it was changed (and 2 more)"
    assert (count.taken, count.refused) == (1, 3)
    assert density().startswith("schedule=dynamic")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kernel": "density"}, "it is no entry: there is no seconds"),
        (entry(nx="8"), "'8' is no whole number"),
        (entry(nx=8.5), "'8.5' is no whole number"),
        (entry(nx=10**30), "is no whole number"),
        (entry(device=3), "'3' is no string"),
        (entry(tuning=3), "tuning is no object"),
        (entry(tuning=[3]), "there is no { where one should be"),
        (entry(seconds=0), "seconds is not above 0"),
        (entry(seconds="fast"), "'fast' is no number"),
        (entry(tuning={"a": [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}), "nested too deeply"),
    ],
)
def test_sound_lines_that_are_no_entries(path: Path, fields: dict[str, Any], words: str) -> None:
    said, count = refusal(path, HEADER + line(fields))
    assert said.startswith(f"{path}:2: ")
    assert words in said
    assert count.refused == 1


def test_entries_of_the_precision_planner_are_passed_over(path: Path) -> None:
    fields = {"kernel": "precision", "plan": {"kinetic": {"mode": "fp32", "errors": [1e-3, None]}}, "crc": 1}
    count = imported(path, HEADER + line(fields))
    assert (count.taken, count.refused) == (1, 0)


def test_another_version_is_refused_as_a_whole(path: Path) -> None:
    words, count = refusal(path, '{"mlmd_wisdom": 2}\n' + line(entry()))
    assert words == f"{path}:1: this is wisdom of version 2; this library reads 1"
    assert count.taken == 0


def test_files_that_are_not_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match=r"BAD_FILE: .*wisdom.jsonl: wisdom cannot be read \(No such file"):
        call("wisdom_import", str(path).encode(), None)
    with pytest.raises(Refused, match=r"BAD_FILE: .*: wisdom cannot be read"):
        call("wisdom_import", str(path.parent).encode(), None)
    monkeypatch.setenv("MLMD_WISDOM", str(path))
    call("wisdom_import", None, None)  # the usual file need not be there


@pytest.mark.parametrize(
    ("variables", "where"),
    [
        ({"MLMD_WISDOM": "{}/own.jsonl", "MLMD_CACHE": "/x"}, "own.jsonl"),
        ({"MLMD_CACHE": "{}/cache", "XDG_CACHE_HOME": "/x"}, "cache/wisdom.jsonl"),
        ({"XDG_CACHE_HOME": "{}/xdg", "HOME": "/x"}, "xdg/mlmd/wisdom.jsonl"),
        ({"HOME": "{}"}, ".cache/mlmd/wisdom.jsonl"),
    ],
)
def test_the_usual_file(variables: dict[str, str], where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLMD_WISDOM", "MLMD_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    file = tmp_path / where
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(HEADER + line(entry()))
    call("wisdom_import", None, None)
    assert density().startswith("schedule=dynamic")


def test_garbage_is_refused_and_does_no_harm(path: Path, rng: np.random.Generator) -> None:
    """Changed, cut, repeated and random lines, some with a right checksum."""
    good = json.dumps(entry())[:-1].encode()
    pieces = [*(bytes([k]) for k in b'{}[]",:- \\\x00\xff'), b"\\u", b"\\ud83d", b"1e999", b"null"]
    lines = []
    for _ in range(3000):
        body = bytearray(good if rng.random() < 0.7 else rng.bytes(int(rng.integers(60))))
        for _ in range(int(rng.integers(1, 5))):
            begin = int(rng.integers(len(body) + 1))
            body[begin : begin + int(rng.integers(4))] = pieces[int(rng.integers(len(pieces)))]
        crc = zlib.crc32(body) if rng.random() < 0.8 else int(rng.integers(2**32))
        text = bytes(body).replace(b"\n", b" ") if rng.random() < 0.9 else bytes(body[: len(body) // 2])
        lines.append(text + f', "crc": "{crc:08x}"}}'.encode())
    _, count = refusal(path, HEADER.encode() + b"\n".join(lines) + b"\n" + line(entry()).encode())
    assert count.refused > 2000
    assert count.taken >= 1
    assert density().startswith("schedule=dynamic")


def test_what_the_tuner_writes(path: Path) -> None:
    wisdom = pytest.importorskip("mlmd.tuning.wisdom", reason="there is no tuner yet")
    key, problem = pytest.importorskip("mlmd.tuning.key"), pytest.importorskip("mlmd.tuning.problem")
    asked = problem.make_problem("density", SHAPE, NORB, "complex64", THREADS)
    there = wisdom.new_entry(key.make_key(asked, "cpu"), {"block": 64}, 0.25, 0.5, 9)
    wisdom.add(path, [there])
    call("wisdom_import", str(path).encode(), None)
    assert density() == f"block=64 (tuned on {there.date})"
