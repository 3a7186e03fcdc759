"""Every instruction-set variant of the C++ module, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

CODE = """
import numpy as np
from mlmd import _cpu, kernels

if _cpu.isa() != "{isa}":
    raise SystemExit(77)
rng = np.random.default_rng(1)
shape, norb, rank = (5, 6, 7), 5, 3
f, v = rng.uniform(size=norb), rng.normal(size=shape)
Q, S = (rng.normal(size=size) + 0j for size in ((*shape, rank), (rank, rank)))
wide = rng.normal(size=(*shape, norb)) + 1j * rng.normal(size=(*shape, norb))
for dtype, tolerance in (("complex128", 1e-12), ("complex64", 2e-6)):
    psi = [wide.astype(dtype), wide.astype(dtype).astype(complex)]
    results = []
    for work, name, kind in ((psi[0], "cpu", dtype), (psi[1], "reference", "complex128")):
        low_rank = kernels.nlp_prop(shape, norb, rank, 0.01, kind, backend=name)
        low_rank.set(Q, S)
        kernels.kin_prop(shape, norb, 0.4, 0.1, kind, name)(work, (1.0, 2.0, 90.0))
        kernels.loc_prop(shape, norb, 0.1, kind, name)(low_rank(work), v)
        n = kernels.density(shape, norb, kind, name)(work, f)
        sums = kernels.current(shape, norb, 0.4, kind, name).sums(work, f)
        potentials = [kernels.hartree(shape, 0.4, method=m, backend=name)(v) for m in ("multigrid", "dsa")]
        results.append([work, n, sums, *potentials])
    for got, expected in zip(*results):
        assert np.max(np.abs(got - expected)) <= tolerance * np.max(np.abs(expected)), (dtype, expected.shape)
"""


@pytest.mark.parametrize("isa", ["v2", "v3", "v4", "v4bf16", "amx"])
def test_variant_agrees_with_the_reference(isa: str) -> None:
    pytest.importorskip("mlmd._cpu")
    environment = os.environ | {"MLMD_ISA": isa, "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(
        [sys.executable, "-c", CODE.replace("{isa}", isa)], env=environment, capture_output=True, text=True, check=False
    )
    if answer.returncode == 77:
        pytest.skip(f"this processor does not run {isa}")
    assert answer.returncode == 0, answer.stderr


BF16 = """
import sys
from pathlib import Path
import numpy as np
from mlmd import _cpu, kernels

if _cpu.isa() != "{isa}":
    raise SystemExit(77)
rng = np.random.default_rng(1)
shape, norb, rank = (15, 14, 13), 19, 21
random = lambda *size: rng.normal(size=size) + 1j * rng.normal(size=size)
Q = np.linalg.qr(random(2730, rank))[0].reshape(*shape, rank)
S, psi = random(rank, rank) / rank, random(*shape, norb).astype("complex64")
results = []
for mode in ("bf16x1", "bf16x2", "bf16x3"):
    plan = kernels.nlp_prop(shape, norb, rank, 1.0, "complex64", mode, threads=2)
    plan.set(Q, S)
    results.append(plan(psi.copy()))
sys.stdout.buffer.write(np.stack(results).tobytes())
"""
AGREEMENT = {"bf16x1": 1e-4, "bf16x2": 1e-6, "bf16x3": 1e-6}


def bf16_results(isa: str) -> np.ndarray | None:
    """Results of the bf16 modes with an instruction set; None where the processor does not run it."""
    environment = os.environ | {"MLMD_ISA": isa}
    command = [sys.executable, "-c", BF16.replace("{isa}", isa)]
    answer = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert answer.returncode in (0, 77), answer.stderr
    return None if answer.returncode else np.frombuffer(answer.stdout, np.complex64).reshape(3, -1)


@pytest.mark.parametrize("isa", ["v3", "v4", "v4bf16", "amx"])
def test_bf16_modes_are_the_same_on_all_instruction_sets(isa: str) -> None:
    pytest.importorskip("mlmd._cpu")
    plain, results = bf16_results("v2"), bf16_results(isa)
    if plain is None or results is None:
        pytest.skip(f"this processor does not run {isa}")
    for (mode, tolerance), got, expected in zip(AGREEMENT.items(), results, plain, strict=True):
        assert np.linalg.norm(got - expected) <= tolerance * np.linalg.norm(expected), mode


@pytest.mark.slow
@pytest.mark.parametrize("isa", ["v2", "v3", "v4", "v4bf16", "amx"])
def test_kernel_tests_pass_on_each_instruction_set(isa: str) -> None:
    native = pytest.importorskip("mlmd._cpu")
    environment = os.environ | {"MLMD_ISA": isa, "OMP_NUM_THREADS": "1"}
    chosen = [sys.executable, "-c", "from mlmd import _cpu; print(_cpu.isa())"]
    if subprocess.run(chosen, env=environment, capture_output=True, text=True, check=True).stdout.strip() != isa:
        pytest.skip(f"this processor does not run {isa}, but {native.isa()}")
    tests = str(Path(__file__).parent)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-k", "cpu", "-p", "no:cacheprovider", tests]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout[-3000:]
