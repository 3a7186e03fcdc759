"""The benchmarks that pytest-benchmark keeps: what they write down beside the times."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlmd.perf import bench_kernels as bench

ROOT = Path(__file__).resolve().parents[2]
WHAT = {"kernel", "variant", "mode", "backend", "device", "build", "threads", "dtype", "shape", "norb", "tuning"}
AMOUNTS = {"gflop_s", "gb_s", "roof", "roof_fraction"}


class Benchmark:
    """Stands for the fixture of pytest-benchmark: every call took a millisecond."""

    def __init__(self) -> None:
        self.extra_info: dict[str, Any] = {}
        self.stats: Any = None

    def pedantic(self, call: Callable[[], Any], rounds: int, iterations: int, warmup_rounds: int) -> None:
        call()
        self.stats = SimpleNamespace(stats=SimpleNamespace(data=[1e-3] * rounds))


def test_a_kernel_is_written_down() -> None:
    compiled = pytest.importorskip("mlmd._cpu")
    benchmark = Benchmark()
    bench.bench_variants(benchmark, "nlp_prop", "bf16x1", "cpu")
    info = benchmark.extra_info
    assert set(info) == WHAT | AMOUNTS | {"wisdom_key"}
    assert (info["kernel"], info["mode"], info["backend"], info["tuning"]) == ("nlp_prop", "bf16x1", "cpu", {})
    assert info["device"] == compiled.device()
    assert info["build"] == {"nlp_prop": compiled.build_id("nlp_prop")}
    key = ("nlp_prop", "cpu", compiled.device(), compiled.build_id("nlp_prop"), info["threads"], "complex64", "bf16x1")
    assert info["wisdom_key"] == (*key, *bench.SHAPE, 17, 32)
    assert info["gflop_s"] > info["gb_s"] > 0
    assert info["roof_fraction"] > 0


def test_a_step_adds_up() -> None:
    pytest.importorskip("mlmd._cpu")
    step, parts = Benchmark(), {kernel: Benchmark() for kernel in ("nlp_prop", "kin_prop", "density")}
    bench.bench_orbitals(step, "step", "complex128", "cpu")
    for kernel, part in parts.items():
        bench.bench_orbitals(part, kernel, "complex128", "cpu")
    gb = {kernel: part.extra_info["gb_s"] for kernel, part in parts.items()}  # of a millisecond each
    assert step.extra_info["gb_s"] == pytest.approx(2 * gb["nlp_prop"] + gb["kin_prop"] + gb["density"])
    assert set(step.extra_info["build"]) == set(parts)
    assert step.extra_info["wisdom_key"] is None


def test_the_build_of_a_hartree_solver_is_that_of_its_method() -> None:
    compiled = pytest.importorskip("mlmd._cpu")
    for method in ("dsa", "multigrid"):
        benchmark = Benchmark()
        bench.bench_hartree(benchmark, method, "cpu")
        assert benchmark.extra_info["build"] == {"hartree": compiled.build_id(method)}


def test_the_packed_variant_is_told_from_the_plain_one() -> None:
    pytest.importorskip("mlmd._cpu")
    packed, plain = Benchmark(), Benchmark()
    bench.bench_variants(packed, "kin_prop", "packed", "cpu")
    bench.bench_orbitals(plain, "kin_prop", "complex64", "cpu")
    assert (packed.extra_info["variant"], plain.extra_info["variant"]) == ("packed", "")


def test_pytest_benchmark_takes_them(tmp_path: Path) -> None:
    """One of them as ``make bench`` runs it, with its history."""
    pytest.importorskip("pytest_benchmark")
    command = [sys.executable, "-m", "pytest", "mlmd/perf/bench_kernels.py", "-q", "-k", "hartree and dsa and cpu"]
    options = ["--benchmark-only", "--benchmark-autosave", f"--benchmark-storage={tmp_path}", "-p", "no:cacheprovider"]
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    answer = subprocess.run([*command, *options], cwd=ROOT, env=alone, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert len(list(tmp_path.rglob("*.json"))) == 1
