"""The description of the machine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mlmd.backends import default_threads, describe
from mlmd.errors import PlanError


def test_description() -> None:
    machine = describe()
    assert machine.cpu
    assert machine.threads >= 1
    assert all(isinstance(name, str) for name in (*machine.instruction_sets, *machine.gpus))


@pytest.mark.parametrize(("value", "expected"), [("3", 3), ("2,1", 2), (" 4 ", 4)])
def test_threads_follow_the_environment(monkeypatch: pytest.MonkeyPatch, value: str, expected: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert default_threads() == expected


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_wrong_thread_count_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    with pytest.raises(PlanError, match="OMP_NUM_THREADS"):
        default_threads()


@pytest.mark.parametrize("name", ["v2", "v3", "v4", "v4bf16", "amx", "no such thing"])
def test_an_instruction_set_can_be_asked_for(name: str) -> None:
    cpu = pytest.importorskip("mlmd._cpu")
    if cpu.isa() == "generic":
        pytest.skip("this processor has one variant only")
    command = [sys.executable, "-c", "import mlmd._cpu; print(mlmd._cpu.isa())"]
    answer = subprocess.run(command, env=os.environ | {"MLMD_ISA": name}, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() in ((cpu.isa(),) if " " in name else (name, cpu.isa()))
