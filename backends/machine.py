"""The machine that we run on: processor, instruction sets, threads, GPUs."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .errors import PlanError

_INSTRUCTION_SETS = (
    "sse4_2",
    "avx",
    "avx2",
    "fma",
    "avx512f",
    "avx512_bf16",
    "avx512_fp16",
    "amx_bf16",
    "asimd",
    "sve",
)
# SLURM_NTASKS_PER_NODE is not among them: it is set in a batch script too, where only one process runs.
_LOCAL_RANKS = (
    "OMPI_COMM_WORLD_LOCAL_SIZE",
    "MPI_LOCALNRANKS",
    "MV2_COMM_WORLD_LOCAL_SIZE",
    "SLURM_STEP_TASKS_PER_NODE",
)
# SLURM_NTASKS is not among them, for the same reason.
_ALL_RANKS = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
# SLURM_LOCALID is 0 in a batch script; MPI_LOCALRANKID is that of MPICH and Intel MPI.
_LOCAL_RANK = ("OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "MV2_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID")


@dataclass(frozen=True)
class Machine:
    """What ``mlmd devices`` prints about the hardware.

    Attributes
    ----------
    cpu : str
        Model name.
    instruction_sets : tuple of str
        The ones that matter to the kernels, as the kernel of the operating system names them.
    threads : int
        Threads that this process may use at once.
    gpus : tuple of str
        Names of the GPUs, with their memory; empty if there is none.
    memory : int or None
        Bytes of main memory; None where the system does not tell.
    """

    cpu: str
    instruction_sets: tuple[str, ...]
    threads: int
    gpus: tuple[str, ...]
    memory: int | None


def default_threads() -> int:
    """Threads for a plan that was not told: ``OMP_NUM_THREADS``, else the processors given to this process.

    Processes that an MPI launcher or ``srun`` started on the same node share its processors evenly, so that all of
    them together have no more threads than the node has processors.

    Raises
    ------
    PlanError
        If ``OMP_NUM_THREADS`` is set to something that is not a list of positive numbers.

    Examples
    --------
    >>> default_threads() >= 1
    True
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if not wanted:
        own, ranks = available_threads(), local_ranks()
        return own if ranks == 1 else max(1, min(own, node_threads() // ranks))
    if not wanted.isdigit() or int(wanted) < 1:
        raise PlanError(f"OMP_NUM_THREADS is {wanted!r}; set it to a number above zero or unset it")
    return int(wanted)


def local_ranks() -> int:
    """Processes that an MPI launcher (Open MPI, MPICH, Intel MPI, MVAPICH) or ``srun`` started on this node; else 1.

    The largest node counts where the launcher tells them all, as Slurm does: ``4(x3),2``.
    """
    for variable in _LOCAL_RANKS:
        counts = re.findall(r"(?:^|,)(\d+)", os.environ.get(variable, ""))
        if counts:
            return max(1, *map(int, counts))
    return 1


def launched_ranks() -> int:
    """Processes that an MPI launcher or ``srun`` started on all nodes; else 1.

    Examples
    --------
    >>> launched_ranks() >= local_ranks() or local_ranks() > 1
    True
    """
    given = (os.environ.get(variable, "").strip() for variable in _ALL_RANKS)
    return next((max(1, int(text)) for text in given if text.isdigit()), 1)


def local_rank() -> int:
    """Number of this process among those that an MPI launcher or ``srun`` started on this node; else 0.

    Examples
    --------
    >>> local_rank() >= 0
    True
    """
    given = (os.environ.get(variable, "").strip() for variable in _LOCAL_RANK)
    return next((int(text) for text in given if text.isdigit()), 0)


def available_threads() -> int:
    """Processors that this process may run on."""
    return _bound_to(0) or os.cpu_count() or 1


def node_threads() -> int:
    """Processors of this node (container, Slurm job) that all its processes may run on together.

    A launcher may bind this process to a few of them, but it does not bind process 1; the system may keep process 1
    out of those for jobs.
    """
    allotted = os.environ.get("SLURM_CPUS_ON_NODE", "")
    return int(allotted) if allotted.isdigit() else max(_bound_to(1) or os.cpu_count() or 1, available_threads())


def _bound_to(process: int) -> int | None:
    """Processors that a process may run on (0: this one); None where the system does not tell."""
    try:
        return len(os.sched_getaffinity(process))
    except (AttributeError, OSError):
        return None


def physical_memory() -> int | None:
    """Bytes of main memory of this machine; None where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


@lru_cache(maxsize=1)
def describe() -> Machine:
    """Describe this machine.

    Examples
    --------
    >>> describe().threads >= 1
    True
    """
    info = cpuinfo()
    model = info.get("model name") or platform.processor() or platform.machine()
    flags = set((info.get("flags") or info.get("Features") or "").split())
    return Machine(
        cpu=model,
        instruction_sets=tuple(name for name in _INSTRUCTION_SETS if name in flags),
        threads=available_threads(),
        gpus=_gpus(),
        memory=physical_memory(),
    )


def cpuinfo() -> dict[str, str]:
    """What the system says about the first processor; empty where it does not tell."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    first = path.read_text(errors="replace").split("\n\n")[0]
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def _gpus() -> tuple[str, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    command = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    if answer.returncode != 0:
        return ()
    return tuple(line.strip() for line in answer.stdout.splitlines() if line.strip())
