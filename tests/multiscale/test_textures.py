"""Textures: profiles, periods, walls, and options that make no sense."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from mlmd.multiscale.textures import Texture


def alone(texture: Texture, n: int) -> np.ndarray:
    """A skyrmion by its formula, in the middle of a box."""
    x, y = np.meshgrid(*[np.arange(n) + 0.5 - n / 2] * 2, indexing="ij")
    r, w = np.hypot(x, y), texture.width
    theta = 2 * np.arctan2(np.sinh(texture.radius / w), np.sinh(r / w))
    phi = texture.winding * np.arctan2(y, x) + np.radians(texture.helicity)
    return np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=-1)


@pytest.mark.parametrize("options", [{}, {"helicity": 90.0}, {"winding": 2}, {"winding": -1, "helicity": 30.0}])
def test_skyrmion_far_from_its_images_has_the_profile(options: dict[str, float]) -> None:
    texture = Texture(radius=3.0, width=1.0, **options)
    assert np.abs(texture.field(64, 64) - alone(texture, 64)).max() < 1e-10


def test_skyrmionium_is_up_in_its_core_and_outside_and_down_between() -> None:
    field = Texture(kind="skyrmionium", radius=8.0, inner=3.0, width=0.7).field(41, 41)
    r = np.abs(np.arange(41) - 20)
    row = field[:, 20, 2]
    assert np.all(row[r < 2] > 0.8)
    assert np.all(row[(r > 4) & (r < 7)] < -0.8)
    assert np.all(row[r > 10] > 0.8)


def test_images_make_no_seam() -> None:
    """The lattice has its period, and no bond turns further than in a skyrmion alone."""
    texture = Texture(lattice=(2, 2), radius=3.0, width=1.0, helicity=40.0)
    field = texture.field(24, 20)
    assert np.allclose(np.roll(field, (12, 10), (0, 1)), field, atol=1e-12)
    single = alone(texture, 32)
    for axis in (0, 1):
        bends = [np.linalg.norm(np.roll(f, -1, axis) - f, axis=-1).max() for f in (field, single)]
        assert bends[0] < 1.05 * bends[1]


def test_triangular_lattice_has_its_period() -> None:
    field = Texture(lattice=(2, 1), arrangement="triangular", radius=3.0).field(28, 24)
    assert np.allclose(np.roll(field, (7, 12), (0, 1)), field, atol=1e-12)


def test_walls_of_stripes() -> None:
    w = 1.5
    d = np.arange(64) + 0.5
    for options, sideways in (({}, 0), ({"helicity": 90.0}, 1)):
        field = Texture(kind="stripes", width=w, **options).field(64, 2)
        assert np.abs(field[:8, 0, 2] - np.tanh(d[:8] / w)).max() < 0.01  # |sin kx| / k is x to second order
        assert np.abs(field[:4, 0, sideways] - 1 / np.cosh(d[:4] / w)).max() < 0.02
        assert np.abs(field[:, :, 1 - sideways]).max() < 1e-12
    ising = Texture(kind="ising", width=w).field(64, 2)
    assert np.all(ising[..., :2] == 0)
    assert np.linalg.norm(ising[0, 0]) < 0.5


def test_neighbouring_vortices_turn_opposite_ways() -> None:
    n = 32
    field = Texture(kind="vortex", width=0.5).field(n, n)
    turn = np.gradient(field[..., 1], axis=0) - np.gradient(field[..., 0], axis=1)
    signs = np.sign(turn[n // 4 :: n // 2, n // 4 :: n // 2])
    assert signs.tolist() in ([[1, -1], [-1, 1]], [[-1, 1], [1, -1]])


def test_unit_vectors() -> None:
    for kind in ("uniform", "skyrmion", "skyrmionium", "vortex", "meron", "stripes"):
        length = np.linalg.norm(Texture(kind=kind, lattice=(2, 3)).field(33, 40), axis=-1)
        assert np.abs(length - 1).max() < 1e-12


@pytest.mark.parametrize(
    "options",
    [{"kind": "hopfion"}, {"radius": -1.0}, {"lattice": (0, 1)}, {"winding": 0}, {"polarity": 2}, {"inner": 4.0},
     {"direction": (0.0, 0.0, 0.0)}, {"width": float("nan")}],
)  # fmt: skip
def test_nonsense_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Texture(**options)  # type: ignore[arg-type]
