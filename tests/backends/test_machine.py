"""The description of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from mlmd.backends import default_threads, describe, local_rank
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


RANKS = {
    "OMPI_COMM_WORLD_LOCAL_SIZE": ("4", 4),
    "MPI_LOCALNRANKS": ("8", 8),
    "MV2_COMM_WORLD_LOCAL_SIZE": ("2", 2),
    "SLURM_STEP_TASKS_PER_NODE": ("2(x3),16", 16),
}


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """Sets the processors of the node and those of this process; without a launcher."""
    for name in ("OMP_NUM_THREADS", "SLURM_CPUS_ON_NODE", *RANKS):
        monkeypatch.delenv(name, raising=False)

    def has(processors: int, own: int) -> None:
        bound = {0: set(range(own)), 1: set(range(processors))}
        monkeypatch.setattr(os, "sched_getaffinity", bound.__getitem__, raising=False)

    return has


def test_a_process_on_its_own_takes_its_processors(node: Callable[[int, int], None]) -> None:
    node(64, 64)
    assert default_threads() == 64
    node(64, 8)
    assert default_threads() == 8


@pytest.mark.parametrize("variable", RANKS)
def test_ranks_of_a_node_share_its_processors(
    node: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    text, ranks = RANKS[variable]
    monkeypatch.setenv(variable, text)
    node(64, 64)
    assert default_threads() == 64 // ranks
    node(64, 2)  # bound by the launcher to less than its share
    assert default_threads() == 2
    node(64, 48)  # bound to a part of the node that several ranks share
    assert default_threads() == min(48, 64 // ranks)
    node(1, 1)  # more ranks than processors
    assert default_threads() == 1


def test_processors_set_aside_for_jobs(node: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch) -> None:
    node(2, 62)  # process 1 is kept out of them
    assert default_threads() == 62
    monkeypatch.setenv("MPI_LOCALNRANKS", "4")
    assert default_threads() == 15


def test_ranks_of_a_job_share_what_the_job_has(
    node: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    node(64, 12)
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "12")
    assert default_threads() == 12
    monkeypatch.setenv("OMPI_COMM_WORLD_LOCAL_SIZE", "4")
    assert default_threads() == 3


@pytest.mark.parametrize("text", ["", "many", "0"])
def test_a_launcher_that_tells_no_number_changes_nothing(
    node: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    node(16, 16)
    monkeypatch.setenv("OMPI_COMM_WORLD_LOCAL_SIZE", text)
    assert default_threads() == 16


def test_the_wish_of_the_user_comes_first(node: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch) -> None:
    node(16, 16)
    monkeypatch.setenv("OMPI_COMM_WORLD_LOCAL_SIZE", "4")
    monkeypatch.setenv("OMP_NUM_THREADS", "6")
    assert default_threads() == 6


def test_a_system_that_does_not_tell_counts_its_processors(
    node: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(process: int) -> set[int]:
        raise PermissionError(process)

    monkeypatch.setattr(os, "sched_getaffinity", refuse, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert default_threads() == 6
    monkeypatch.setenv("MPI_LOCALNRANKS", "2")
    assert default_threads() == 3


@pytest.mark.parametrize("name", ["v2", "v3", "v4", "v4bf16", "amx", "no such thing"])
def test_an_instruction_set_can_be_asked_for(name: str) -> None:
    cpu = pytest.importorskip("mlmd._cpu")
    if cpu.isa() == "generic":
        pytest.skip("this processor has one variant only")
    command = [sys.executable, "-c", "import mlmd._cpu; print(mlmd._cpu.isa())"]
    answer = subprocess.run(command, env=os.environ | {"MLMD_ISA": name}, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() in ((cpu.isa(),) if " " in name else (name, cpu.isa()))


LOCAL_RANKS = ("OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "MV2_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID")


@pytest.mark.parametrize("variable", LOCAL_RANKS)
def test_the_number_of_a_process_on_its_node(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    for name in LOCAL_RANKS:
        monkeypatch.delenv(name, raising=False)
    assert local_rank() == 0
    monkeypatch.setenv(variable, "3")
    assert local_rank() == 3
    monkeypatch.setenv(variable, "many")
    assert local_rank() == 0
