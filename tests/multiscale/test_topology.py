"""Topological charge: integers on any periodic field, signs, and the density of a field that is known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mlmd.errors import MlmdError
from mlmd.multiscale.textures import Texture
from mlmd.multiscale.topology import charge, charge_density

SEEDS = st.integers(0, 2**32 - 1)
TEXTURES = [
    pytest.param(Texture(**options), expected, id=f"{options.get('kind', 'skyrmion')}{k}")
    for k, (options, expected) in enumerate(
        [
            ({}, -1),
            ({"helicity": 90.0}, -1),
            ({"polarity": 1}, 1),
            ({"winding": -1}, 1),
            ({"winding": 2}, -2),
            ({"winding": -2, "radius": 5.0}, 2),
            ({"lattice": (3, 2), "radius": 3.0, "width": 1.0}, -6),
            ({"arrangement": "triangular", "width": 1.0}, -2),
            ({"kind": "skyrmionium", "radius": 7.0}, 0),
            ({"kind": "vortex"}, 0),
            ({"kind": "meron"}, -4),
            ({"kind": "meron", "lattice": (2, 1), "polarity": 1}, 8),
            ({"kind": "stripes", "helicity": 90.0}, 0),
            ({"kind": "uniform", "direction": (1.0, 2.0, 3.0)}, 0),
        ]
    )
]


@pytest.mark.parametrize("shape", [(24, 24), (27, 30)])
@pytest.mark.parametrize(("texture", "expected"), TEXTURES)
def test_charge_is_that_integer(texture: Texture, expected: int, shape: tuple[int, int]) -> None:
    assert texture.charge == expected
    assert charge(texture.field(*shape)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("texture", "expected"), TEXTURES)
def test_noise_does_not_change_it(texture: Texture, expected: int) -> None:
    field = texture.field(32, 32)
    noise = 0.3 * np.random.default_rng(7).standard_normal(field.shape)
    assert charge(field + noise) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_turning_all_vectors_does_not_change_it(seed: int) -> None:
    field = Texture(lattice=(2, 1), radius=3.0, width=1.0).field(24, 12)
    turned = field @ Rotation.random(random_state=seed).as_matrix().T
    assert charge(turned) == pytest.approx(-2, abs=1e-10)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 9), st.integers(1, 9))
def test_any_periodic_field_has_an_integer(seed: int, nx: int, ny: int) -> None:
    field = np.random.default_rng(seed).standard_normal((nx, ny, 3))
    found = charge(field)
    assert found == pytest.approx(round(found), abs=1e-9)
    assert charge(-field) == pytest.approx(-found, abs=1e-9)
    assert charge(7.0 * field) == pytest.approx(found, abs=1e-9)


def test_turned_and_mirrored_lattice() -> None:
    field = Texture(winding=2).field(20, 24)
    quarter = np.rot90(field, axes=(0, 1))
    assert charge(quarter) == pytest.approx(-2, abs=1e-12)
    assert charge(field[::-1]) == pytest.approx(2, abs=1e-12)


def test_noise_that_is_too_strong_breaks_it() -> None:
    field = Texture(lattice=(2, 2), radius=3.0).field(32, 32)
    noise = np.random.default_rng(0).standard_normal((20, *field.shape))
    assert any(abs(charge(field + 0.9 * n) + 4) > 0.5 for n in noise)


def test_triangle_of_an_octant() -> None:
    x, y, z = np.eye(3)
    square = np.array([[x, z], [y, z]])  # triangles x y z and x z z
    assert charge_density(square, periodic=False) == pytest.approx(np.array([[0.5 * np.pi / (4 * np.pi)]]), abs=1e-15)


def test_density_of_belavin_and_polyakov() -> None:
    """W = L / (x - iy) has the density -L^2 / (pi (r^2 + L^2)^2)."""
    L, h = 10.0, 0.5
    x, y = np.meshgrid(*[h * (np.arange(160) - 79.5)] * 2, indexing="ij")
    r2 = x**2 + y**2
    field = np.stack([2 * L * x, 2 * L * y, r2 - L**2], axis=-1)
    middle = (x[:-1, :-1] + h / 2) ** 2 + (y[:-1, :-1] + h / 2) ** 2
    exact = -(L**2) / (np.pi * (middle + L**2) ** 2)
    found = charge_density(field, periodic=False) / h**2
    assert np.abs(found - exact).max() < 3e-3 * np.abs(exact).max()
    assert charge(field, periodic=False) == pytest.approx(exact.sum() * h**2, rel=1e-3)


def test_vectors_without_direction_are_named() -> None:
    field = Texture(kind="uniform").field(4, 4)
    field[2, 3] = 0.0
    with pytest.raises(MlmdError, match=r"site \[2, 3\] is \[0.0, 0.0, 0.0\]"):
        charge(field)
    with pytest.raises(MlmdError, match=r"shape \(4, 4\)"):
        charge(field[..., 0])
