"""The error classes of the kernel library (``mlmd.errors`` re-exports them)."""

from __future__ import annotations


class MlmdError(Exception):
    """Base class of every error that MLMD raises on purpose."""


class BackendUnavailable(MlmdError):
    """A backend, or a kernel of it, is not there on this machine; the message says what to install."""


class ArrayError(MlmdError, ValueError):
    """An array given to a plan has the wrong type, shape or memory layout."""


class PlanError(MlmdError, ValueError):
    """A plan was asked for with parameters that make no sense."""


class DeviceMemoryError(MlmdError, MemoryError):
    """A device has not the memory that an array needs; nothing was made."""

    def __init__(self, device: str, asked: int, free: int | None, total: int) -> None:
        left = f"{free / 2**30:.2f} GiB are free" if free is not None else "it does not say how much is free"
        super().__init__(
            f"{device} has not the memory: asked for {asked / 2**30:.2f} GiB, {left} of {total / 2**30:.2f} GiB; "
            "use fewer orbitals or points, complex64, or another device"
        )
