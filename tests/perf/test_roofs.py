"""The roofs are numbers that a machine can have, and the passes compute what they say."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from mlmd.perf.roofs import measure, touched

_cpu = pytest.importorskip("mlmd._cpu")


def test_roofs_are_positive_and_make_sense() -> None:
    roofs = measure(threads=1, nbytes=2**20, rounds=3)
    assert min(roofs.scale, roofs.read, roofs.triad, roofs.fp32, roofs.fp64) > 0
    assert max(roofs.fp32, roofs.fp64) < 2e12  # one core
    assert roofs.bf16 is None or roofs.bf16 > 0
    assert roofs.bf16_unit


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 15, 16, 17, 1000, 4099])
def test_passes(size: int, dtype: type, threads: int) -> None:
    a, b = touched(size, dtype, threads), np.arange(size, dtype=dtype)
    assert np.all(a == 1)
    _cpu.roof_scale(a, -3.0, threads)
    assert np.all(a == -3)
    assert _cpu.roof_read(b, threads) == size * (size - 1) / 2
    _cpu.roof_triad(a, b, b.copy(), -2.0, threads)
    assert np.array_equal(a, -b)


def test_passes_refuse_what_they_cannot_work_on() -> None:
    a = np.ones(8)
    with pytest.raises(ValueError, match="float32 or float64"):
        _cpu.roof_scale(np.ones(8, np.int64), 2.0, 1)
    with pytest.raises(ValueError, match="C-contiguous"):
        _cpu.roof_scale(np.ones(8)[::2], 2.0, 1)
    with pytest.raises(ValueError, match="alike"):
        _cpu.roof_triad(a, np.ones(7), np.ones(8), 2.0, 1)
    with pytest.raises(ValueError, match="threads is below 1"):
        _cpu.roof_scale(a, 2.0, 0)
    with pytest.raises(ValueError, match="rounds is below 1"):
        _cpu.roof_fma(True, 0, 1)


def test_operations_are_counted_for_each_thread() -> None:
    assert _cpu.roof_fma(True, 1000, 2) == 2 * _cpu.roof_fma(True, 1000, 1) == 4 * _cpu.roof_fma(False, 1000, 1)


@pytest.mark.parametrize("isa", ["v2", "v3"])
def test_bf16_units_go_with_the_variant(isa: str) -> None:
    """A variant below v4 has no bf16 unit, and says so."""
    code = "from mlmd import _cpu; print(_cpu.isa(), [_cpu.roof_bf16(tiles, 10, 1) for tiles in (True, False)])"
    environment = os.environ | {"MLMD_ISA": isa}
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    if not answer.stdout.startswith(isa):
        pytest.skip(f"this processor does not run {isa}")
    assert answer.stdout.count("(0.0, 'no A") == 2
