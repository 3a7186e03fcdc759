"""The benchmark of a device, at tiny sizes, and the script that runs it where a GPU is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlmd.errors import MlmdError
from mlmd.perf import device_bench
from mlmd.perf.record import from_json

from ..cuda_on_host import BACKEND


def test_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not BACKEND.status().works:
        pytest.skip(BACKEND.status().reason)
    arguments = ["--tiny", "--rounds", "5", "--steps", "2", "--out", str(tmp_path)]
    written = device_bench.main(arguments, BACKEND)
    assert [path.name for path in written] == ["cuda_on_host_6x5x8_4.json", "cuda_on_host_4x4x4_8.json"]
    for path in written:
        record = from_json(path.read_text())
        rows = {row.name: row for row in record.rows}
        kinetic, copy = rows["kin_prop"], rows["copy"]
        assert kinetic.roof == "copy"
        assert kinetic.fraction == pytest.approx((kinetic.gbytes or 0.0) / (copy.gbytes or 1.0))
        assert rows["nlp_prop bf16x1"].roof == "cgemm"
        assert record.extra["steps"]["steps"] == 2
    assert "GB/s" in capsys.readouterr().out


def test_a_host_backend_is_refused() -> None:
    with pytest.raises(MlmdError, match="backend 'reference' is no device"):
        device_bench.main(["--tiny", "--backend", "reference"])


def test_the_script_says_why_there_is_nothing_to_check(pytestconfig: pytest.Config) -> None:
    if shutil.which("sh") is None or shutil.which("nvidia-smi") is not None:
        pytest.skip("this is about a machine with a shell and without a GPU")
    script = pytestconfig.rootpath / "perf/gpu_check.sh"
    answer = subprocess.run(["sh", str(script), sys.executable], capture_output=True, text=True, check=False)
    assert answer.returncode == 2, answer.stderr
    assert answer.stdout.startswith("cuda: ")
