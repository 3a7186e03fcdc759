"""Whether SYCL kernels can use the bf16 units of this processor: matrix tiles (AMX), or dot products (AVX512-BF16).

A driver that does not know the processor's model takes it for one without tiles, unless it is told before it is
loaded; code that needs what the driver does not know then ends the process.  So the driver is told, and a child process
multiplies a tile and builds the kernels first.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import spirv
from .machine import cpuinfo

TARGET = "CL_CONFIG_CPU_TARGET_ARCH"
SECONDS = 120
CHILD = "import sys; sys.path[:] = {path!r}; from mlmd.backends.units import try_unit; try_unit({name!r})"


class Unit(NamedTuple):
    """A unit of some processors: flags of those that have it, and the kernels that are made for it."""

    flags: frozenset[str]
    programs: tuple[str, ...]


UNITS = {
    # of the processors that the driver calls sapphirerapids
    "tiles": Unit(
        frozenset({"amx_tile", "amx_bf16", "avx512_fp16"}),
        ("amx_probe", *(f"nlp_bf16x{parts}" for parts in (1, 2, 3))),
    ),
    "dots": Unit(frozenset({"avx512f", "avx512_bf16"}), tuple(f"nlp_dotx{parts}" for parts in (1, 2, 3))),
}


@cache
def processor() -> tuple[str, frozenset[str]]:
    """Model and flags of the processor."""
    info = cpuinfo()
    return info.get("model name", ""), frozenset(info.get("flags", "").split())


@cache
def target() -> str | None:
    """What the driver of this process makes code for, None if it chooses itself; sets it where that is in time."""
    try:
        late = "libintelocl" in Path("/proc/self/maps").read_text()
        begun = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    if late:
        values = [entry.partition(b"=")[2].decode() for entry in begun if entry.startswith(f"{TARGET}=".encode())]
        return values[0] if values else None
    if processor()[1] >= UNITS["tiles"].flags:
        os.environ.setdefault(TARGET, "sapphirerapids")
    return os.environ.get(TARGET)


def works(name: str, driver: str) -> bool:
    """Whether the kernels for a unit could be built; asked once for an installation, the answer is kept on disk.

    Parameters
    ----------
    name : str
        Of ``UNITS``.
    driver : str
        Version of the driver.
    """
    unit = UNITS[name]
    if not processor()[1] >= unit.flags:
        return False
    binaries = [spirv.load(program) for program in unit.programs]
    what = repr((driver, processor()[0], sorted(processor()[1]), target(), binaries))
    kept = spirv.cache_folder() / f"{name}-{hashlib.sha256(what.encode()).hexdigest()[:16]}"
    try:
        return kept.read_text() == "works"
    except OSError:
        answer = _child_works(name)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text("works" if answer else "fails")
    except OSError:
        return answer  # nothing can be kept here: it is asked again in the next process
    return answer


def _child_works(name: str) -> bool:
    environment = {key: value for key, value in os.environ.items() if key != TARGET}
    if chosen := target():
        environment[TARGET] = chosen
    path = [str(Path(entry).resolve()) for entry in sys.path]
    command = [sys.executable, "-c", CHILD.format(path=path, name=name)]
    try:
        answer = subprocess.run(command, env=environment, capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def try_unit(name: str) -> None:
    """Build the kernels for a unit, multiply a tile if it has tiles, and end the process: with an error if that fails.

    The driver is the parent's and told what the parent's was told, nothing more.
    """
    import dpctl

    from .sycl import SyclDevice

    device: Any = SyclDevice(dpctl.SyclQueue("cpu", property="in_order"), "cpu")
    if name == "tiles":
        one = np.float32(1.0).view(np.uint32) >> np.uint32(16)
        ones, result = device.asarray(np.full(512, one, np.uint16)), device.asarray(np.ones((16, 16), np.float32))
        device.launch("amx_probe:tile_product", (16,), (16,), ones, result)
        if np.any(device.asnumpy(result) != 33.0):
            sys.exit(1)
    for program in UNITS[name].programs:
        device.program(program)
    sys.exit(0)
