"""Divided silicon against undivided: energy and forces within the bar at the documented buffer."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from mlmd.domains.study import Report, buffer_errors
from mlmd.problem import read_problem

EXAMPLE = Path(__file__).parents[2] / "examples" / "si_domains.toml"


def silently(_: str) -> AbstractContextManager[Report]:
    def ignore(*_: Any) -> None: ...

    return nullcontext(ignore)


@pytest.mark.slow
@pytest.mark.skipif(not EXAMPLE.is_file(), reason="the examples are not here")
def test_two_domains_of_silicon_are_within_the_bar() -> None:
    """1 mHa/atom and 2e-3 Ha/bohr at the buffer of the example (boxes of four cells), and less than with three."""
    problem = read_problem(EXAMPLE)
    settings = problem.config.domains
    assert settings is not None
    buffers = [settings.buffer / 3, settings.buffer]
    thin, thick = buffer_errors(problem.config, settings, problem.atoms, problem.shape, buffers, silently)
    assert abs(thick.energy_error) < 1e-3
    assert thick.force_error < 2e-3
    assert abs(thick.energy_error) < 0.3 * abs(thin.energy_error)
    assert thick.force_error < 0.6 * thin.force_error and thick.density_error < 0.5 * thin.density_error
