"""Lifted electrons in time: heat against the numerical solution, the weight against its promises."""

from __future__ import annotations

import numpy as np
import pytest
from ase.units import kB
from scipy.integrate import quad, solve_ivp

from mlmd.multiscale.carriers import Course, weight


@pytest.mark.parametrize("loss", [200.0, 499.9999999999, 500.0, 1e4])
def test_temperature_solves_the_balance_of_heat(loss: float) -> None:
    course = Course(lifetime=500.0, bath=50.0, heat=0.05, heat_loss=loss)

    def rate(time: float, T: np.ndarray) -> np.ndarray:
        return course.heat * np.exp(-time / 500.0) / 500.0 / (3 * kB) - (T - 50.0) / loss

    times = np.linspace(0, 3000.0, 13)
    solved = solve_ivp(rate, (0, 3000.0), [50.0], t_eval=times, rtol=1e-10, atol=1e-8).y[0]
    assert np.allclose([course.temperature(time) for time in times], solved, atol=1e-5)


def test_without_loss_all_heat_stays() -> None:
    course = Course(lifetime=100.0, bath=0.0, heat=0.05, heat_loss=1e12)
    assert course.temperature(1e4) * 3 * kB == pytest.approx(0.05, rel=1e-6)


def test_fraction_is_the_part_that_has_not_fallen_back() -> None:
    course = Course(lifetime=300.0, bath=0.0)
    fallen, _ = quad(lambda time: course.fraction(time) / 300.0, 0, 600.0)
    assert course.fraction(600.0) == pytest.approx(1 - fallen, rel=1e-9)
    assert course.fraction(300.0 * 4.7) == 0.0


def test_weight_is_linear_bounded_and_smooth() -> None:
    n = np.linspace(0.0, 3.0, 3001)
    w = weight(n, 0.6)
    assert np.abs(w[:301] - n[:301] / 0.6).max() < 3e-4  # up to half of n_XS
    assert w.max() <= 1.0 and np.all(np.diff(w) >= 0)
    slope = np.diff(w) / np.diff(n)
    assert np.abs(np.diff(slope)).max() < 1e-2  # no kink where it bends
