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
