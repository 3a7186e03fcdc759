"""Domains shared out among ranks: the film is the same."""

from __future__ import annotations

import json

import numpy as np

from .launch import mpirun, needs_mpi

pytestmark = needs_mpi


def told(ranks: int) -> list[np.ndarray]:
    """A, currents and excited electrons of the film."""
    answer = mpirun(ranks, "-m", "tests.mpi.domains")
    assert answer.returncode == 0, answer.stderr
    return [np.array(numbers) for numbers in json.loads(answer.stdout.splitlines()[-1])]


def test_domains_on_three_ranks() -> None:
    alone = told(1)
    assert np.abs(alone[1]).max() > 1e-8  # the light moves the electrons
    for got, expected in zip(told(3), alone, strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-10)
