"""What `Hartree` does with fields beside solving: in NumPy here, in kernels of their own on a device."""

from __future__ import annotations

import math

import numpy as np

from .multigrid import Field


class Fields:
    """The reference, for all backends that work on NumPy arrays; a device has a class with the same methods."""

    def source(self, n: Field, neutral: bool) -> Field:
        """4 pi n, a new array; with ``neutral``, without the mean of n."""
        rhs = n - (n.mean() if neutral else 0.0)
        rhs *= 4.0 * math.pi
        return rhs

    def vanishes(self, rhs: Field) -> bool:
        """Whether there is nothing to solve; False where the solver finds that out itself."""
        return not rhs.any()

    def centre(self, v: Field) -> None:
        """Take the mean out, in place."""
        v -= v.mean()

    def predict(self, v: Field, before: Field, velocity: Field, acceleration: Field, order: int) -> None:
        """Keep v in ``before``, and let it go on as it moves, to an order of two at most."""
        np.copyto(before, v)
        if order > 0:
            v += velocity
        if order > 1:
            v += acceleration

    def follow(self, v: Field, before: Field, velocity: Field, acceleration: Field) -> None:
        """First and second difference of v from call to call, in place."""
        moved = v - before
        np.subtract(moved, velocity, out=acceleration)
        np.copyto(velocity, moved)


def reference() -> Fields:
    """Raw kernel: the methods that the host has."""
    return Fields()
