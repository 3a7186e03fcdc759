"""Packed wave functions: orbitals in blocks of one cache line, each block with the whole grid.

psi[x, y, z, s] is packed[s // lanes, x, y, z, s % lanes]; the last block is filled up with zeros.  A plane of one
block is small enough to stay in a core's cache, whatever the number of orbitals.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..backends import HOST, Arrays
from .plan import Shape, refuse_overlap, target

CACHE_LINE = 64


class Packing:
    """Layout of packed wave functions.

    Parameters
    ----------
    shape : tuple of 3 int
        Grid points.
    norb : int
        Number of orbitals.
    dtype : dtype
        complex64 (8 orbitals in a block) or complex128 (4).
    arrays : Arrays
        Those of the backend.

    Examples
    --------
    >>> import numpy as np
    >>> packing = Packing((2, 3, 4), 10, "complex64")
    >>> packing.packed_shape
    (2, 2, 3, 4, 8)
    >>> psi = np.ones((2, 3, 4, 10), np.complex64)
    >>> bool(np.array_equal(packing.unpack(packing.pack(psi)), psi))
    True
    """

    def __init__(self, shape: Shape, norb: int, dtype: DTypeLike, arrays: Arrays = HOST) -> None:
        self.arrays = arrays
        self.dtype = np.dtype(dtype)
        self.shape, self.norb = shape, norb
        self.lanes = CACHE_LINE // self.dtype.itemsize
        self.packed_shape = (math.ceil(norb / self.lanes), *shape, self.lanes)

    def pack(self, psi: NDArray[Any], out: Any = None) -> NDArray[Any]:
        """Copy wave functions into blocks.

        Parameters
        ----------
        psi : ndarray, (nx, ny, nz, norb), C-contiguous
        out : ndarray, packed_shape, optional

        Returns
        -------
        ndarray, packed_shape

        Raises
        ------
        ArrayError
            If an array does not fit.
        """
        given = self.arrays.checked("psi", psi, (*self.shape, self.norb), self.dtype, False)
        packed = self.arrays.empty(self.packed_shape, self.dtype) if out is None else self.check(out, "out")
        refuse_overlap(self.arrays, given, packed)
        with self.arrays.working():
            for block, part in zip(packed, self._columns(given), strict=True):
                block[..., : part.shape[-1]] = part
                block[..., part.shape[-1] :] = 0.0
        self.arrays.settle()
        return packed if out is None else out

    def unpack(self, packed: NDArray[Any], out: Any = None) -> NDArray[Any]:
        """Copy wave functions out of blocks.

        Parameters
        ----------
        packed : ndarray, packed_shape, C-contiguous
        out : ndarray, (nx, ny, nz, norb), optional

        Returns
        -------
        ndarray, (nx, ny, nz, norb)

        Raises
        ------
        ArrayError
            If an array does not fit.
        """
        given = self.check(packed, "packed", writable=False)
        shape, a = (*self.shape, self.norb), self.arrays
        psi = a.empty(shape, self.dtype) if out is None else a.checked("out", out, shape, self.dtype, True)
        refuse_overlap(a, given, psi)
        with a.working():
            for block, part in zip(given, self._columns(psi), strict=True):
                part[...] = block[..., : part.shape[-1]]
        a.settle()
        return psi if out is None else out

    def check(self, packed: Any, name: str, writable: bool = True) -> Any:
        """The packed wave functions, if they are of this layout."""
        return self.arrays.checked(name, packed, self.packed_shape, self.dtype, writable)

    def target(self, packed: Any, out: Any) -> Any:
        """The array to work on in place: ``packed`` itself, or ``out`` with a copy of it."""
        return target(self.arrays, packed, out, self.check)

    def _columns(self, psi: NDArray[Any]) -> list[NDArray[Any]]:
        return [psi[..., k : k + self.lanes] for k in range(0, self.norb, self.lanes)]
