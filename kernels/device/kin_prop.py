"""Kinetic propagator on a device: tables of a step, then passes over psi.

GPUs take a pass along each axis, a line of it in the registers of a work item.  Processors take two passes: one over
the planes, y and z together, and one along x; or a single one over psi in blocks of a register's orbitals.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...backends import Device
from .shapes import real_name

AXIS_NUMBERS = 27  # of csrc/include/mlmd/kin_axis.h
TABLE_GROUP, ITEMS = 64, 128
MOST_GROUPS_OF_ROWS = 65535  # CUDA has no more in a dimension that is not the fastest
POINTS_OF_A_TASK = 72
REGISTER, PAGE = 64, 4096  # bytes; lines of whole pages lie on one another in the first-level cache
Wide = np.longdouble


class Part(NamedTuple):
    """A set's share in an axis: tangent of the rest of its angle, quarter turns, square of the norm of a pair."""

    tangent: float
    quarters: int
    square: np.longdouble

    @property
    def angle(self) -> np.longdouble:
        """The angle that the rounded tangent stands for."""
        return np.arctan(Wide(self.tangent)) + self.quarters * QUARTER


QUARTER = np.arctan(Wide(1.0)) * 2


def kin_prop(
    device: Device,
    psi: Any,
    pairs: NDArray[np.int32],
    angles: NDArray[np.float64],
    phase: float,
    bonds: Any,
    v: Any,
    times: NDArray[np.float64],
    steps: int,
    work: Any,
    threads: int,
    form: str = "best",
    task_points: int = POINTS_OF_A_TASK,
    items: int = ITEMS,
) -> None:
    """Raw kernel; arguments as in `mlmd.kernels.kin_prop.reference`, bonds on the host or on the device."""
    real = np.dtype(np.float32 if psi.dtype == np.complex64 else np.float64)
    given = device.constant(tables(pairs.tobytes(), angles.tobytes(), float(phase), tuple(times), real))
    if isinstance(bonds, np.ndarray):
        bonds = device.constant(bonds)
    _, nx, ny, nz, norb = psi.shape
    points, width = nx * ny * nz, 2 * norb
    numbers = work.view(real)
    axes, gauges = numbers[: 3 * AXIS_NUMBERS], numbers[3 * AXIS_NUMBERS + 1 :]
    suffix = real_name(psi)
    n = [np.int32(k) for k in (nx, ny, nz)]
    if device.processor:
        name, size, group = f"kin_tasks_{suffix}:kin_lines_{suffix}", nx, 1
    else:
        name, size, group = f"kin_prop:kin_tables_{suffix}", points, TABLE_GROUP
    device.launch(
        name,
        (size,),
        (group,),
        *(given, bonds, given if v is None else v, axes, gauges, *n, np.int32(v is not None)),
    )
    periodic = joined(pairs.tobytes(), (nx, ny, nz))
    if device.processor:
        grid = (psi, axes, gauges, bonds, np.int32(v is not None), *n, *(np.int32(p) for p in periodic))
        if form == "best" and _fits(device, psi, threads):
            device.launch(
                f"kin_tasks_{suffix}:kin_block_{suffix}", (psi.shape[0],), (1,), *grid, np.int64(width), np.int32(steps)
            )
            return
        _tasks(device, (*grid, np.int64(width)), psi.shape[0], steps, task_points, suffix)
    else:
        for _ in range(steps):
            _items(device, psi, axes, gauges, n, periodic, width, suffix, items)


def _fits(device: Device, psi: Any, threads: int) -> bool:
    """Whether each thread has a block of its own, of registers, of which a plane fits the cache."""
    blocks, _, ny, nz, norb = psi.shape
    line = nz * norb * psi.itemsize
    return blocks >= threads and line == nz * REGISTER and line % PAGE != 0 and ny * line <= device.cache


def _tasks(device: Device, grid: Any, blocks: int, steps: int, points: int, suffix: str) -> None:
    """Two passes: in tasks of a plane, along z and y, then of a part of a line, along x."""
    nx, ny, nz = (int(k) for k in grid[5:8])
    lines = (blocks * ny * -(-nz // points),)
    for _ in range(steps):
        device.launch(f"kin_tasks_{suffix}:kin_plane_{suffix}", (blocks * nx,), (1,), *grid)
        device.launch(f"kin_tasks_{suffix}:kin_planes_{suffix}", lines, (1,), *grid, np.int32(points))


def _items(
    device: Device, psi: Any, axes: Any, gauges: Any, n: Any, periodic: Any, width: int, suffix: str, items: int
) -> None:
    """Passes along z, y and x: the phases of the way in are taken by the first, those of the way out by the last."""
    reals = 4 if suffix == "f32" and width % 4 == 0 else 2  # of a work item
    variant = f"{suffix}{'x2' if reals == 4 else ''}"
    points, total = int(n[0]) * int(n[1]) * int(n[2]), psi.size * 2
    inner = width
    for axis, way in ((2, "enter"), (1, "axis"), (0, "leave")):
        rows, columns = total // (inner * int(n[axis])), inner // reals
        group = min(items, 1 << (columns - 1).bit_length())
        sizes = (np.int64(inner), np.int64(width), np.int64(points), np.int64(rows))
        device.launch(
            f"kin_prop:kin_{way}_{variant}",
            (min(rows, MOST_GROUPS_OF_ROWS * (items // group)), columns),
            (items // group, group),
            *(psi, axes, gauges, np.int32(axis), n[axis], np.int32(periodic[axis]), *sizes),
        )
        inner *= int(n[axis])


@lru_cache(maxsize=256)
def joined(pairs: bytes, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Whether each axis has a pair of its last point and its first."""
    table = np.frombuffer(pairs, np.int32).reshape(-1, 4)
    x, y, z = (int(any(table[table[:, 0] == axis, 3])) for axis in range(3))
    return x, y, z


@lru_cache(maxsize=256)
def tables(pairs: bytes, angles: bytes, phase: float, times: tuple[float, float], real: Any) -> NDArray[np.float64]:
    """What `kin_tables` is given: the numbers of ``Ends``, then those of ``AxisAngles`` for each axis."""
    sweeps = np.frombuffer(pairs, np.int32).reshape(-1, 4)
    numbers: list[float] = []
    scale = Wide(1.0)
    for axis in range(3):
        mine = sweeps[:, 0] == axis
        sets, wraps = _angles_of_sets(sweeps[mine], np.frombuffer(angles)[mine])
        parts = [_part(angle, real) for angle in sets]
        for part in parts:
            scale /= np.sqrt(part.square)
        lone = [_in_two(np.sqrt(part.square), real) for part in parts]
        joints = [_joint(parts[1].angle, parts[1].square), *(_joint(Wide(angle), Wide(1.0)) for angle in wraps)]
        numbers += [part.tangent for part in parts] + [float(part.quarters) for part in parts]
        numbers += [x for pair in lone for x in pair] + [x for joint in joints for x in joint]
    end = scale * np.exp(np.clongdouble(-1j * Wide(phase)))
    return np.array([*times, float(end.real), float(end.imag), *numbers])


def _angles_of_sets(sweeps: NDArray[np.int32], angles: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Angles of E, O, E and of W before and after; zero for a set that the sweeps lack."""
    even, odd, wraps = [0.0, 0.0], 0.0, [0.0, 0.0]
    late = 0
    for (_, start, count, wrap), angle in zip(sweeps, angles, strict=True):
        if count == 0 and wrap:
            wraps[late] += angle
        elif start == 0:
            even[late] += angle
        else:
            odd, late = odd + angle, 1
    return [even[0], odd, even[1]], wraps


def _part(angle: float, real: Any) -> Part:
    """The angle as quarter turns and a rest between -pi/4 and pi/4."""
    quarters = int(np.rint(Wide(angle) / QUARTER))
    tangent = real.type(np.tan(Wide(angle) - quarters * QUARTER))
    return Part(float(tangent), quarters % 4, 1 + Wide(tangent) * Wide(tangent))


def _in_two(x: np.longdouble, real: Any) -> tuple[float, float]:
    high = real.type(x)
    return float(high), float(x - Wide(high))


def _joint(angle: np.longdouble, square: np.longdouble) -> tuple[float, float, float]:
    """Sine and square of the norm of each of the equal parts in which a pair is turned, and how many they are."""
    turned = angle - 4 * QUARTER * np.rint(angle / (4 * QUARTER))
    times = max(1, int(np.ceil(abs(turned) / (QUARTER / 2) - 1e-6)))
    norm = square ** (Wide(1.0) / times)
    return float(np.sin(turned / times) * np.sqrt(norm)), float(norm), float(times)
