"""Fast transforms of a device's arrays, by the library that these arrays come from (dpnp, CuPy)."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ...backends import Device


def transforms(device: Device) -> DeviceTransforms:
    """Raw kernel: see `mlmd.kernels.poisson_fft.Transforms`."""
    return DeviceTransforms(device)


class DeviceTransforms:
    """Fourier transforms, and sine transforms as Fourier transforms of the field mirrored with its sign changed."""

    def __init__(self, device: Device) -> None:
        self._device = device

    def sines(self, field: Any, axes: list[int]) -> Any:
        """See `Transforms.sines`."""
        xp = _library(field)
        with self._device.working():
            for axis in axes:
                n = field.shape[axis]
                end = xp.zeros_like(field[_slice(axis, 0, 1)])
                mirrored = xp.concatenate([end, field, end, -xp.flip(field, axis=axis)], axis=axis)
                field = -xp.fft.fft(mirrored, axis=axis).imag[_slice(axis, 1, n + 1)]
            return xp.ascontiguousarray(field)

    def inverse_sines(self, field: Any, axes: list[int]) -> Any:
        """See `Transforms.inverse_sines`."""
        scale = 1.0
        for axis in axes:
            scale /= 2.0 * (field.shape[axis] + 1)
        with self._device.working():
            return self.sines(field, axes) * scale

    def waves(self, field: Any, axes: list[int]) -> Any:
        """See `Transforms.waves`."""
        with self._device.working():
            return _library(field).fft.rfftn(field, axes=axes)

    def inverse_waves(self, waves: Any, shape: list[int], axes: list[int]) -> Any:
        """See `Transforms.inverse_waves`."""
        xp = _library(waves)
        with self._device.working():
            return xp.ascontiguousarray(xp.fft.irfftn(waves, s=shape, axes=axes))


def _library(array: Any) -> Any:
    return import_module(type(array).__module__.partition(".")[0])


def _slice(axis: int, start: int, stop: int) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, slice(start, stop))
