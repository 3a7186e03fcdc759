"""``mlmd sweep``: rows that survive whatever happens to a backend, to the sweep or to its table."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from mlmd.errors import MlmdError
from mlmd.io.input import parse
from mlmd.perf.cases import MODES_OF, RANKED, Problem, dtype_of
from mlmd.perf.sweep.check import TOLERANCE, compared, relative_error
from mlmd.perf.sweep.config import Sweep, jobs
from mlmd.perf.sweep.folder import Folder, difference
from mlmd.perf.sweep.table import COLUMNS, Row, Table, line, read
from mlmd.perf.sweep.worker import Bench, answer_to

from .sweeps import mlmd_command, plant, write_sweep

HOST_BACKEND = """
from mlmd.backends.base import Backend
BACKEND = Backend(name="{0}", summary="planted", module="planted", attribute="{0}")
"""
MISBEHAVIOUR = """
import os, signal, time
from mlmd.kernels.density import reference

def crash(psi, f, n, threads):
    print("about to crash", flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)

def hang(psi, f, n, threads):
    time.sleep(1000)

def wrong(psi, f, n, threads):
    reference(psi, f, n, threads)
    n[0, 0, 0] *= 1.001

def slow(psi, f, n, threads):
    reference(psi, f, n, threads)
    time.sleep(0.02)

calls = 0
def late(psi, f, n, threads):
    global calls
    calls += 1
    reference(psi, f, n, threads)
    if calls == 200:
        os.kill(os.getpid(), signal.SIGKILL)

def greedy(psi, f, n, threads):
    raise MemoryError("no memory left")

def broken(psi, f, n, threads):
    raise ZeroDivisionError("planted")
"""
PROCESSES = ("crash", "hang", "late", "wrong")
WITHIN = ("slow", "greedy", "broken")


def table_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "sweep.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_backend_that_breaks_is_a_row_and_the_sweep_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, tmp_path, MISBEHAVIOUR, {name: HOST_BACKEND.format(name) for name in PROCESSES})
    file = write_sweep(tmp_path, [*PROCESSES, "reference"], prepare=3.0)
    code, text = mlmd_command("sweep", file, "--out", tmp_path / "out")
    assert code == 0, text
    rows = {(row["backend"], row["nx"]): row for row in table_of(tmp_path / "out")}
    assert len(rows) == 2 * (len(PROCESSES) + 1)
    for nx in ("6", "8"):
        found = {name: (rows[name, nx]["status"], rows[name, nx]["reason"]) for name in (*PROCESSES, "reference")}
        assert found["reference"] == ("ok", "")
        assert found["crash"] == ("crash", "the process ended (SIGSEGV): about to crash")
        assert found["hang"] == ("timeout", "no answer within 3 s; the process was ended")
        assert found["late"] == ("crash", "the process ended (SIGKILL, perhaps for lack of memory)")
        assert found["wrong"][0] == "wrong"
        assert "above the 1e-05 of fp32" in found["wrong"][1]
    assert all(row["seconds"] == "" for row in rows.values() if row["status"] != "ok")
    assert "10 rows, 10 of them new; 4 crash, 2 ok, 2 timeout, 2 wrong" in text


def test_errors_within_a_process_are_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, tmp_path, MISBEHAVIOUR, {name: HOST_BACKEND.format(name) for name in WITHIN})
    problem = asdict(Problem("density", (6, 6, 6), 4, "complex64", 1, 0))
    answers = [
        answer_to(Bench(name), {"do": "prepare", "problem": problem, "mode": "fp32", "limit": 0.01}) for name in WITHIN
    ]
    assert [answer["status"] for answer in answers] == ["slow", "memory", "error"]
    assert "more than [limits] call = 0.01 s" in answers[0]["reason"]
    assert [answer["reason"] for answer in answers[1:]] == ["no memory left", "ZeroDivisionError: planted"]
    reference = Bench("reference")
    assert answer_to(reference, {"do": "sample"})["status"] == "error"
    refused = answer_to(reference, {"do": "prepare", "problem": problem | {"norb": 0}, "mode": "fp32", "limit": 1.0})
    assert refused["status"] == "unsupported"
    assert answer_to(Bench("nowhere"), {"do": "hello"})["status"] == "unavailable"


def test_killed_in_the_middle_it_goes_on_without_losing_or_repeating_a_row(tmp_path: Path) -> None:
    modes = '["fp64", "fp32"]'
    file = write_sweep(tmp_path, ["reference", "cpu"], f"kin_prop = {modes}\nloc_prop = {modes}\ndensity = {modes}")
    out = tmp_path / "out"
    program = f"import sys; sys.path[:] = {sys.path!r}; from mlmd.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "sweep", str(file), "--out", str(out)], stderr=subprocess.DEVNULL
    )
    wait_for(lambda: (out / "sweep.csv").exists() and len((out / "sweep.csv").read_bytes().splitlines()) > 6)
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.wait()
    assert workers
    wait_for(lambda: not any(alive(int(worker)) for worker in workers))
    before = (out / "sweep.csv").read_bytes()
    assert len(before.splitlines()) < 25
    assert before.endswith(b"\n")
    (out / "sweep.csv").write_bytes(before + b'density,reference,"AMD')
    code, text = mlmd_command("sweep", file, "--out", out)
    assert code == 0, text
    assert "was cut off; that row is done again" in text
    after = (out / "sweep.csv").read_bytes()
    assert after.startswith(before)
    keys = [row.key for row in read(out / "sweep.csv")]
    assert len(keys) == len(set(keys)) == 24
    code, text = mlmd_command("sweep", file, "--out", out)
    assert "24 rows, 0 of them new" in text
    assert (out / "sweep.csv").read_bytes() == after


def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    file = write_sweep(tmp_path, ["reference"], 'kin_prop = ["fp64", "fp32"]\ncurrent = ["fp64", "fp32"]')
    out = tmp_path / "out"
    program = f"import sys; sys.path[:] = {sys.path!r}; from mlmd.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "sweep", str(file), "--out", str(out)], stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: (out / "sweep.csv").exists() and len((out / "sweep.csv").read_bytes().splitlines()) > 1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "of 8 rows; the same command goes on" in said
    assert (out / "p3.csv").exists()


def wait_for(condition: object, seconds: float = 60.0) -> None:
    """Until it holds, but not for ever."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def alive(process: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Input and folder of a small sweep that is done."""
    folder = tmp_path_factory.mktemp("sweep")
    file = write_sweep(folder, ["reference", "cpu", "cpu:3"], 'nlp_prop = ["fp64", "bf16x2"]\nhartree = ["fft"]')
    code, text = mlmd_command("sweep", file, "--out", folder / "out")
    assert code == 0, text
    return file, folder / "out"


def test_rows_hold_what_was_measured(finished: tuple[Path, Path]) -> None:
    pytest.importorskip("mlmd._cpu")
    _, out = finished
    rows = read(out / "sweep.csv")
    assert len(rows) == 18
    machine = json.loads((out / "machine.json").read_text())
    assert machine["roofs"]["fp64"] > 0
    for row in rows:
        if row.backend == "cpu:3":
            assert (row.status, row.seconds) == ("unavailable", None)
            assert "has no device 3" in row.reason
            continue
        assert row.status == "ok", row
        seconds = [float(text) for text in row.samples.split()]
        assert len(seconds) == row.rounds == 5
        assert row.seconds == pytest.approx(sorted(seconds)[2], rel=1e-5)
        assert row.low is not None
        assert row.high is not None
        assert row.low <= row.seconds <= row.high
        assert row.error is not None
        assert row.error <= TOLERANCE[row.mode]
        assert row.platform == machine["platform"]
        assert row.build
        assert row.fraction is not None
        assert row.fraction > 0
        assert row.gflops is not None
    products = next(row for row in rows if row.kernel == "nlp_prop" and row.backend == "cpu")
    flops = 8 * 4 * 4 * (2 * 216 + 4)
    assert products.gflops == pytest.approx(flops / (products.seconds or 0.0) / 1e9, rel=1e-12)
    assert (out / "sweep.toml").read_text() == finished[0].read_text()


def test_p3_rows(finished: tuple[Path, Path]) -> None:
    _, out = finished
    with (out / "p3.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["problem", "platform", "application", "fom", "date", "arch eff"]
    table = table_of(out)
    assert [row["fom"] for row in rows] == [row["seconds"] for row in table]
    assert rows[0]["problem"] == "nlp_prop fp64 6x6x6 x 4"
    assert all(0.0 <= float(row["arch eff"]) <= 1.0 for row in rows if row["arch eff"])


def test_another_input_machine_or_build_is_refused(finished: tuple[Path, Path], tmp_path: Path) -> None:
    file, out = finished
    before = (out / "sweep.csv").read_bytes()
    other = tmp_path / "other.toml"
    other.write_text(file.read_text().replace("rounds = 5", "rounds = 6"))
    code, text = mlmd_command("sweep", other, "--out", out)
    assert code == 2
    assert "holds another sweep: sweep.sweep.rounds was 5 and is 6; give another --out, or --force" in text
    kept = (out / "machine.json").read_text()
    now = json.loads(kept)
    (out / "machine.json").write_text(json.dumps(now | {"cpu": "Another CPU"}))
    code, text = mlmd_command("sweep", file, "--out", out)
    assert code == 2
    assert 'holds another sweep: cpu was "Another CPU" and is' in text
    builds = now["builds"] | {"reference": now["builds"]["reference"] | {"nlp_prop": "0"}}
    assert difference(now | {"builds": builds}, now).startswith('builds.reference.nlp_prop was "0" and is "')
    assert difference(now | {"date": "then", "title": "other"}, now) == ""
    (out / "machine.json").unlink()
    code, text = mlmd_command("sweep", file, "--out", out)
    assert code == 2
    assert "without its machine.json" in text
    (out / "machine.json").write_text(kept)
    assert (out / "sweep.csv").read_bytes() == before


def test_retry_and_force(finished: tuple[Path, Path], tmp_path: Path) -> None:
    file, out = finished
    before = read(out / "sweep.csv")
    code, text = mlmd_command("sweep", file, "--out", out, "--retry")
    assert code == 0, text
    assert "18 rows, 6 of them new" in text
    after = read(out / "sweep.csv")
    assert [row for row in after if row.status == "ok"] == [row for row in before if row.status == "ok"]
    code, text = mlmd_command("sweep", file, "--out", out, "--retry", "--force")
    assert code == 2
    assert "keep one of the two" in text
    small = write_sweep(tmp_path, ["reference"])
    code, text = mlmd_command("sweep", small, "--out", out, "--force")
    assert code == 0, text
    assert "2 rows, 2 of them new" in text


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("rounds = 5", "runds = 5", "sweep.toml: [sweep] runds: is not a known key; did you mean 'rounds'?"),
        ("rounds = 5", "rounds = 3", "[sweep] rounds: must be 5 or more, got 3"),
        ("norb = 4", "norb = 0", "[[sizes]] number 1 norb: must be 1 or more, got 0"),
        ("norb = 4", "norbs = 4", "[[sizes]] number 1 norbs: is not a known key; did you mean 'norb'?"),
        ("norb = 4", "norb = 999", "more columns (rank, else norb) than grid points"),
        ("shape = [6, 6, 6]", "shape = [6, 6]", "[[sizes]] number 1 shape"),
        ('"reference"', '"refrence"', "'refrence' is no backend; did you mean 'reference'?"),
        ("density =", "densty =", "[kernels] densty: is not a known key; did you mean 'density'?"),
        ('"fp32"', '"fp31"', "[kernels] density[0]: must be 'fp64' or 'fp32', got 'fp31'; did you mean 'fp32'?"),
        ('"fp32"', "", "names no kernel"),
        ("prepare", "prepair", "[limits] prepair: is not a known key; did you mean 'prepare'?"),
        ("[limits]", "[limit]", "limit: is not a known section; did you mean 'limits'?"),
        ("rounds = 5", "rounds = ", "is not valid TOML"),
    ],
)
def test_a_wrong_input_is_explained(tmp_path: Path, old: str, new: str, words: str) -> None:
    file = write_sweep(tmp_path, ["reference"])
    file.write_text(file.read_text().replace(old, new))
    code, text = mlmd_command("sweep", file, "--out", tmp_path / "out")
    assert code == 2
    assert words in text
    assert not (tmp_path / "out").exists()


def test_a_table_that_was_edited_is_refused_with_its_line(tmp_path: Path) -> None:
    row = Row("density", "cpu", "p", "d", "fp32", "complex64", 4, 4, 4, 2, 0, 1, "ok", 'a, "b"', seconds=0.1 + 0.2)
    path = tmp_path / "sweep.csv"
    with Table(path) as table:
        table.append([row])
    assert read(path) == [row]
    text = path.read_text()
    path.write_text(text + "density,cpu\n")
    with pytest.raises(MlmdError, match=r"line 3: 2 cells, not \d+; remove that line"):
        read(path)
    path.write_text(text.replace(",4,4,4,", ",4,four,4,"))
    with pytest.raises(MlmdError, match="line 2: invalid literal"):
        read(path)
    path.write_text("a,b\n")
    with pytest.raises(MlmdError, match="line 1: not the columns"):
        read(path)
    path.write_text(line(COLUMNS) + "density,cpu,")
    assert read(path) == []


def test_results_go_where_the_command_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    code, text = mlmd_command("sweep", write_sweep(tmp_path, ["reference"]))
    assert code == 0, text
    assert len(read(tmp_path / "here/sweep_out/sweep.csv")) == 2


def test_two_sweeps_do_not_write_to_one_folder(tmp_path: Path) -> None:
    file, out = write_sweep(tmp_path, ["reference"]), tmp_path / "out"
    with Folder(out).held():
        code, text = mlmd_command("sweep", file, "--out", out, "--force")
    assert code == 2
    assert f"another sweep writes to {out}; wait for it" in text
    (tmp_path / "file").write_text("")
    code, text = mlmd_command("sweep", file, "--out", tmp_path / "file")
    assert code == 2
    assert "cannot be written" in text


def test_the_example_is_sound() -> None:
    path = Path(__file__).resolve().parents[2] / "examples" / "sweep.toml"
    sweep = parse(Sweep, path.read_text(), path)
    assert {"reference", "numba", "cpu", "sycl", "cuda"} == set(sweep.sweep.backends)
    assert len(sweep.sizes) == 4
    assert sweep.kernels.nlp_prop == ["fp64", "fp32", "bf16x3", "bf16x2", "bf16x1"]
    assert len(set(map(str, jobs(sweep)))) == len(list(jobs(sweep)))


@pytest.mark.parametrize(("kernel", "mode"), [(kernel, mode) for kernel, modes in MODES_OF.items() for mode in modes])
def test_every_kernel_passes_its_check(kernel: str, mode: str, host_backend: str) -> None:
    norb, rank = (0 if kernel == "hartree" else 5), (4 if kernel in RANKED else 0)
    problem = Problem(kernel, (8, 6, 8), norb, dtype_of(mode), 2, rank)
    assert compared(problem) == problem
    error = relative_error(problem, mode, host_backend)
    assert error <= TOLERANCE[mode]
    if mode == "bf16x1":
        assert error > 1e-4  # it is the products that are compared


def test_a_large_problem_is_compared_on_a_smaller_grid() -> None:
    small = compared(Problem("nlp_prop", (128, 128, 128), 1024, "complex64", 2, 1024))
    assert small.points * small.norb <= 2**21
    assert small.rank <= small.points


GPU = """
from mlmd.backends import sycl
from mlmd.backends.device import DeviceBackend

def open_device(index):
    device = sycl._open(0)
    device.processor, device.name = False, f"gpu:{index}"
    return device

BACKEND = DeviceBackend(**{**vars(sycl.BACKEND), "name": "gpu", "open": open_device,
                           "describe": lambda index: "Planted GPU (no driver), 1.0 GiB"})
"""
SMALL_PEAKS = """
import mlmd.perf.sweep.device_peaks as peaks
peaks.measure_device.__defaults__ = (64,)
"""


def test_a_device_of_its_own_has_its_own_roofs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The processor's SYCL device posing as a GPU: another platform, held against its own copies and products."""
    from mlmd.backends import get

    if not get("sycl").status().works:
        pytest.skip(f"backend sycl: {get('sycl').status().reason}")
    plant(monkeypatch, tmp_path, "", {"gpu": GPU}, SMALL_PEAKS)
    file = write_sweep(tmp_path, ["reference", "gpu"], 'density = ["fp32"]\nnlp_prop = ["fp32"]')
    code, text = mlmd_command("sweep", file, "--out", tmp_path / "out")
    assert code == 0, text
    machine = json.loads((tmp_path / "out/machine.json").read_text())
    assert min(machine["devices"]["gpu"][name] for name in ("memory", "fp32", "fp64", "bf16")) > 0
    rows = [row for row in read(tmp_path / "out/sweep.csv") if row.backend == "gpu"]
    assert {row.platform for row in rows} == {"Planted GPU"}
    assert {(row.kernel, row.status) for row in rows} == {("density", "ok"), ("nlp_prop", "ok")}
    assert {row.roof for row in rows if row.kernel == "density"} == {"copy"}
    assert os.path.exists(tmp_path / "out/p3.csv")
