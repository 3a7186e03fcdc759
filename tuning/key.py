"""What a tuned configuration holds for: kernel, backend, device, build, threads, types and size."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from .. import __version__
from ..backends import Backend, BackendUnavailable, DeviceBackend, describe, get, local_rank
from ..backends.sources import csrc, digest
from .problem import Problem

DIGITS = 16  # of a hash


@dataclass(frozen=True)
class Key:
    """The identity of a wisdom entry.

    Attributes
    ----------
    kernel, backend : str
        Names; the backend without the number of a device.
    device : str
        The processor, or the device with its driver.
    build : str
        Hash of the kernel's sources, of compiler and flags, and of the versions that take part.
    threads : int
        Threads that the plan was asked to use.
    dtype, mode : str
        Type of the arrays; arithmetic of ``nlp_prop``, method of ``hartree``, else empty.
    nx, ny, nz, norb, rank : int
        Size; 0 where the kernel has no such number.
    """

    kernel: str
    backend: str
    device: str
    build: str
    threads: int
    dtype: str
    mode: str
    nx: int
    ny: int
    nz: int
    norb: int
    rank: int

    @property
    def size(self) -> tuple[int, int, int, int, int]:
        """The fields that make the size."""
        return self.nx, self.ny, self.nz, self.norb, self.rank


FIELDS = tuple(Key.__dataclass_fields__)
CONDITIONS = ("device", "build", "threads")  # an entry that differs here is stale
SAME = ("kernel", "backend", "dtype", "mode")  # an entry that differs here is about something else


def make_key(problem: Problem, backend: str | Backend) -> Key:
    """The key of a problem on a backend of this machine.

    Raises
    ------
    BackendUnavailable
        If there is no such backend.

    Examples
    --------
    >>> from mlmd.tuning.problem import make_problem
    >>> key = make_key(make_problem("density", (8, 8, 8), 4, "complex64", threads=2), "reference")
    >>> key.backend, key.threads, key.size
    ('reference', 2, (8, 8, 8, 4, 0))
    """
    there = get(backend)
    return Key(
        problem.kernel,
        there.name,
        device_of(there),
        build_of(problem.kernel, there.name, problem.mode),
        problem.threads,
        problem.dtype,
        problem.mode,
        *problem.shape,
        problem.norb,
        problem.rank,
    )


def device_of(backend: Backend) -> str:
    """The processor, or a device with its driver."""
    if isinstance(backend, DeviceBackend):
        index = local_rank() % max(1, backend.count()) if backend.index is None else backend.index
        return _device(backend.name, index)
    return _processor(backend.name)


@cache
def _device(name: str, index: int) -> str:
    found = get(name)
    assert isinstance(found, DeviceBackend)
    return found.describe(index)


@cache
def _processor(name: str) -> str:
    if name == "cpu" and get("cpu").status().works:
        from .. import _cpu

        return str(_cpu.device())
    return describe().cpu


@cache
def build_of(kernel: str, backend: str, mode: str = "") -> str:
    """Identity of what would run: for the cpu backend as compiled, else a hash of sources and versions.

    The compiled source of hartree is that of its method; transforms are those of SciPy.

    Raises
    ------
    BackendUnavailable
        If the sources are not there.
    """
    source = mode if kernel == "hartree" and mode != "fft" else kernel
    if backend == "cpu" and source != "hartree":
        status = get("cpu").status()
        if not status.works:
            raise BackendUnavailable(f"backend 'cpu' does not work here: {status.reason}")
        from .. import _cpu

        return str(_cpu.build_id(source))
    text = "\n".join([sources_digest(kernel, backend), *versions(backend)])
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def sources_digest(kernel: str, backend: str) -> str:
    """Hash of the sources that a kernel is made of where it is not compiled beforehand."""
    kernels = Path(__file__).resolve().parent.parent / "kernels"
    paths = [kernels / f"{kernel}.py", kernels / "poisson_fft.py"]
    if backend == "numba":
        paths += sorted((kernels / "numba").glob("*.py"))
    elif backend in ("sycl", "cuda"):
        paths += sorted((kernels / "device").glob("*.py"))
        paths += [*sorted((csrc() / "include/mlmd").glob("*.h")), *sorted((csrc() / backend).rglob("*.*"))]
    return digest(path for path in paths if path.is_file())


def versions(backend: str) -> list[str]:
    """Versions of the packages that take part in what runs on a backend."""
    package = get(backend).package
    return [f"mlmd {__version__}", f"{package} {import_module(package).__version__}"]


def differences(here: Key, there: Key) -> dict[str, tuple[object, object]]:
    """Fields in which two keys differ, with both values.

    Examples
    --------
    >>> a = Key("density", "cpu", "EPYC", "1", 2, "complex64", "", 8, 8, 8, 4, 0)
    >>> b = Key("density", "cpu", "EPYC", "1", 4, "complex64", "", 8, 8, 8, 4, 0)
    >>> differences(a, b)
    {'threads': (2, 4)}
    """
    pairs = zip(FIELDS, astuple(here), astuple(there), strict=True)
    return {name: (mine, other) for name, mine, other in pairs if mine != other}
