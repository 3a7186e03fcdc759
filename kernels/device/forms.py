"""Small sums over matrices of a device, in double precision and in a fixed order."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backends import Device
from ...backends.device import items
from .shapes import real_name

SLICES, ROWS, LANES = 256, 32, 64  # of rows at most, rows of one at least, of a row
ROWS_OF_A_TASK = 128  # that a processor keeps in its nearest cache


def hermitian_form(device: Device, O: Any, M: Any, out: Any) -> None:
    """out[s] = Re sum_kl conj(O_ks) M_kl O_ls.

    Parameters
    ----------
    device : Device
    O : (rank, norb) complex128
    M : (rank, rank) complex128
    out : (norb,) float64
    """
    product = device.empty(O.shape, O.dtype)
    device.gemm(M, O, product)
    _column_products(device, O, product, 1.0, out)


def column_norms(device: Device, psi: Any, dv: float, out: Any) -> None:
    """out[s] = sum_r abs(psi[r, s])^2 dv.

    Parameters
    ----------
    device : Device
    psi : (points, norb) complex64 or complex128
    dv : float
    out : (norb,) float64
    """
    _column_products(device, psi, psi, dv, out)


def weighted_squares(device: Device, O: Any, w: Any, out: Any) -> None:
    """out[k] = sum_s w_s abs(O_ks)^2.

    Parameters
    ----------
    device : Device
    O : (rank, norb) complex128
    w : (norb,) float64
    out : (rank,) float64
    """
    rank, width = O.shape[0], 2 * O.shape[1]
    sums = device.empty((LANES, rank), np.float64)
    sizes = np.int64(rank), np.int64(width), np.int64(LANES)
    device.launch("forms:row_squares", (rank, LANES), (4, LANES), O, w, sums, *sizes)
    _sum_slices(device, sums, out, 1.0, LANES, 1)


def _column_products(device: Device, a: Any, b: Any, factor: float, out: Any) -> None:
    """out[s] = factor Re sum_r conj(a[r, s]) b[r, s]."""
    rows, width = a.shape[0], 2 * a.shape[1]
    share = ROWS_OF_A_TASK if device.processor else max(ROWS, -(-rows // SLICES))
    slices = -(-rows // share)
    group = min(256, 1 << (width - 1).bit_length())
    sums = device.empty((slices, width), np.float64)
    name = f"forms:column_products_{real_name(a)}"
    device.launch(name, (slices, width), (1, group), a, b, sums, np.int64(rows), np.int64(width), np.int64(share))
    _sum_slices(device, sums, out, factor, slices, 2)


def _sum_slices(device: Device, sums: Any, out: Any, factor: float, slices: int, each: int) -> None:
    size = out.shape[0]
    numbers = np.float64(factor), np.int64(slices), np.int64(size), np.int32(each)
    device.launch("forms:sum_slices", *items(device, size), sums, out, *numbers)
