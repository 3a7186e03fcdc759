"""One plan of the cpu backend called from several threads at once; and what is left after a fork."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from mlmd import kernels

from .problems import normalised, orthonormal

SHAPE, NORB, CALLS = (12, 9, 10), 5, 12

Case = tuple[Callable[..., Any], list[tuple[Any, ...]]]


def kinetic() -> Case:
    """Steps with different potentials and vector potentials, in memory that the plan keeps."""
    plan = kernels.kin_prop(SHAPE, NORB, 0.4, 0.1, "complex64", "cpu", threads=2)
    rng = np.random.default_rng(1)
    psi = normalised(rng, SHAPE, NORB, 0.064).astype(np.complex64)
    return lambda A, v: plan(psi.copy(), A, v), [((0.0, 5.0, 3.0 * k), rng.normal(size=SHAPE)) for k in range(CALLS)]


def nonlocal_in(mode: str) -> Case:
    """Different wave functions under one operator."""
    plan = kernels.nlp_prop(SHAPE, NORB, 7, 0.064, "complex64", mode, "cpu", threads=2)
    rng = np.random.default_rng(2)
    plan.set(orthonormal(rng, SHAPE, 7, 0.064), np.diag(np.exp(1j * np.arange(7.0)) - 1.0))
    return lambda psi: plan(psi.copy()), [
        (normalised(rng, SHAPE, NORB, 0.064).astype(np.complex64),) for _ in range(CALLS)
    ]


def observed() -> Case:
    """Norm, bonds and density."""
    plan = kernels.current(SHAPE, NORB, 0.4, "complex128", "cpu", threads=2)
    rng = np.random.default_rng(3)
    f = rng.random(NORB)
    return lambda psi: plan.sums(psi, f), [(normalised(rng, SHAPE, NORB, 0.064),) for _ in range(CALLS)]


CASES = {
    "kin_prop": kinetic,
    "nlp_prop fp32": lambda: nonlocal_in("fp32"),
    "nlp_prop bf16x2": lambda: nonlocal_in("bf16x2"),
    "current": observed,
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_cpu_plan_called_from_several_threads(case: Callable[[], Case]) -> None:
    pytest.importorskip("mlmd._cpu")
    call, arguments = case()
    expected = [call(*each) for each in arguments]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda each: call(*each), arguments))
    for got, alone in zip(results, expected, strict=True):
        assert np.array_equal(got, alone)


FORKED = """
import os, signal
import numpy as np
from mlmd import kernels

def density(threads):
    plan = kernels.density((32, 32, 32), 1, backend="cpu", threads=threads)
    return plan(np.ones((32, 32, 32, 1), complex), np.ones(1))

density(2)
child = os.fork()
if child == 0:
    signal.alarm(20)  # instead of waiting for ever
    assert density(1).sum() == 32**3
    assert not kernels.zeros(1000, threads=1).any()
    for call in (lambda: density(2), lambda: kernels.zeros(1000, threads=2)):
        try:
            call()
        except ValueError as error:
            if "forked" in str(error):
                continue
        os._exit(1)
    os._exit(0)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_forked_process_is_told_that_it_has_no_team() -> None:
    pytest.importorskip("mlmd._cpu")
    answer = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
