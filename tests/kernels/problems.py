"""Random problems for the kernels: small grids, odd and prime sizes, all boundaries, one orbital and more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from mlmd.backends import get

TOLERANCE = {"complex128": 1e-12, "complex64": 2e-6}


@dataclass(frozen=True)
class Problem:
    """A grid, wave functions on it, and a field."""

    shape: tuple[int, int, int]
    boundary: tuple[str, str, str]
    norb: int
    spacing: tuple[float, float, float]
    dtype: str
    A: tuple[float, float, float]
    dt: float
    threads: int
    seed: int

    @property
    def dv(self) -> float:
        return float(np.prod(self.spacing))

    def random(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    def psi(self) -> NDArray[np.complexfloating]:
        return normalised(self.random(), self.shape, self.norb, self.dv).astype(self.dtype)


def normalised(rng: np.random.Generator, shape: tuple[int, int, int], norb: int, dv: float) -> NDArray[np.complex128]:
    """Random orbitals of norm 1."""
    psi = rng.normal(size=(*shape, norb)) + 1j * rng.normal(size=(*shape, norb))
    return psi / np.sqrt(np.sum(np.abs(psi) ** 2, axis=(0, 1, 2)) * dv)


def orthonormal(rng: np.random.Generator, shape: tuple[int, int, int], rank: int, dv: float) -> NDArray[np.complex128]:
    """Random columns, orthonormal under dv."""
    points = int(np.prod(shape))
    columns = rng.normal(size=(points, rank)) + 1j * rng.normal(size=(points, rank))
    return np.linalg.qr(columns)[0].reshape(*shape, rank) / np.sqrt(dv)


def norms(psi: NDArray[np.complexfloating], dv: float) -> NDArray[np.float64]:
    """Norm of each orbital, summed in double precision."""
    return np.sum(np.abs(psi.astype(np.complex128)) ** 2, axis=(0, 1, 2)) * dv


def difference(result: NDArray, expected: NDArray) -> float:
    """Largest difference over the largest number expected."""
    return float(np.max(np.abs(result - expected)) / np.max(np.abs(expected)))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Strategy for problems."""
    boundary = tuple(draw(st.sampled_from(["periodic", "dirichlet"])) for _ in range(3))
    shape = tuple(draw(st.integers(3 if kind == "periodic" else 2, 9)) for kind in boundary)
    vectors = st.sampled_from([(0.0, 0.0, 0.0), (0.0, 0.0, 12.0), (-30.0, 4.0, 200.0)])
    return Problem(
        shape=shape,
        boundary=boundary,
        norb=draw(st.sampled_from([1, 2, 3, 4, 5, 7, 8, 13, 17, 33])),
        spacing=tuple(draw(st.floats(0.2, 1.5)) for _ in range(3)),
        dtype=draw(st.sampled_from(["complex64", "complex128"])),
        A=draw(vectors),
        dt=draw(st.sampled_from([0.04, -0.04, 0.7, 1e-3])),
        threads=draw(st.integers(1, 3)),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


def put(backend: str, array: NDArray) -> Any:
    """The array where the backend works."""
    return get(backend).arrays().asarray(array)


def fetch(backend: str, array: Any) -> NDArray:
    """An array of the backend as a NumPy array."""
    return get(backend).arrays().asnumpy(array)
