"""Fourier transforms of fields and orbitals on a grid (SciPy's pocketfft)."""

from __future__ import annotations

from typing import Any

import scipy.fft
from numpy.typing import NDArray

SPACE = (0, 1, 2)


def forward(field: NDArray[Any], workers: int | None = None) -> NDArray[Any]:
    """Transform axes 0-2; the half spectrum along z of a real field, the full one of a complex field."""
    if field.dtype.kind == "c":
        return scipy.fft.fftn(field, axes=SPACE, workers=workers)
    return scipy.fft.rfftn(field, axes=SPACE, workers=workers)


def backward(
    spectrum: NDArray[Any], shape: tuple[int, int, int], real: bool, workers: int | None = None
) -> NDArray[Any]:
    """Inverse of `forward`."""
    if real:
        return scipy.fft.irfftn(spectrum, s=shape, axes=SPACE, workers=workers, overwrite_x=True)
    return scipy.fft.ifftn(spectrum, axes=SPACE, workers=workers, overwrite_x=True)
