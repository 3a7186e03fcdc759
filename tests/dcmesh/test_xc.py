"""Exchange and correlation against published numbers and their own derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from mlmd.dcmesh.grid import Grid
from mlmd.dcmesh.qxmd import xc

GRID = Grid((12, 10, 14), (5.0, 4.0, 6.0))


def bumpy_density() -> np.ndarray:
    x, y, z = GRID.points()
    lx, ly, lz = GRID.lengths
    wave = np.cos(2 * np.pi * x / lx) + 0.5 * np.sin(4 * np.pi * y / ly) + 0.7 * np.cos(2 * np.pi * (z / lz + x / lx))
    return 0.05 * np.exp(0.6 * wave)


@pytest.mark.parametrize(
    ("rs", "published"), [(0.5, -0.0766), (1.0, -0.0598), (2.0, -0.0448), (5.0, -0.0282), (10.0, -0.0186)]
)
def test_pw92_correlation_energy(rs: float, published: float) -> None:
    """Ceperley-Alder values of the unpolarised gas (Ha), PRL 45, 566 (1980), as fitted by PW92."""
    assert xc.pw92(np.array(rs))[0] == pytest.approx(published, abs=2e-4)


def test_uniform_gas_exchange() -> None:
    n = np.full(GRID.shape, 0.1)
    expected = -0.75 * (3 / np.pi) ** (1 / 3) * 0.1 ** (4 / 3) * GRID.volume
    assert xc.evaluate("lda", n, GRID).exchange == pytest.approx(expected, rel=1e-12)


def test_pbe_of_a_uniform_gas_is_lda() -> None:
    n = np.full(GRID.shape, 0.07)
    lda, pbe = xc.evaluate("lda", n, GRID), xc.evaluate("pbe", n, GRID)
    assert pbe.exchange == pytest.approx(lda.exchange, rel=1e-12)
    assert pbe.correlation == pytest.approx(lda.correlation, rel=1e-12)
    np.testing.assert_allclose(pbe.potential, lda.potential, rtol=1e-10)


def test_pbe_enhancement_limits() -> None:
    """F_x(s) = 1 + mu s^2 for small s and 1 + kappa for large s (PBE, eq. 14)."""
    n = np.array([0.1])
    kf = (3 * np.pi**2 * n) ** (1 / 3)
    lda = xc._pbe_exchange(n, np.zeros(1))
    for s, expected in [(1e-3, 1 + xc.MU * 1e-6), (1e5, 1 + xc.KAPPA)]:
        sigma = (2 * kf * n * s) ** 2
        assert (xc._pbe_exchange(n, sigma) / lda)[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", xc.FUNCTIONALS)
def test_potential_is_the_derivative_of_the_energy(name: str) -> None:
    n, rng = bumpy_density(), np.random.default_rng(3)
    direction = n * rng.standard_normal(GRID.shape) * 0.1

    def energy(step: float) -> float:
        parts = xc.evaluate(name, n + step * direction, GRID)
        return parts.exchange + parts.correlation

    numerical = (energy(1e-3) - energy(-1e-3)) / 2e-3
    analytic = float(np.sum(xc.evaluate(name, n, GRID).potential * direction) * GRID.dv)
    assert analytic == pytest.approx(numerical, rel=2e-5)


def test_vacuum_is_quiet() -> None:
    n = np.zeros(GRID.shape)
    for name in xc.FUNCTIONALS:
        result = xc.evaluate(name, n, GRID)
        assert result.exchange == 0.0
        assert np.all(np.isfinite(result.potential))
