"""What a backend is: a name, a line about it, whether it works here, and where its kernels are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from .arrays import HOST, Arrays
from .errors import BackendUnavailable
from .rates import Rates

PLAIN = Rates(5e-5, 5e8, 5e8, 1e10, 1e10)  # of NumPy, on one thread


@dataclass(frozen=True)
class Status:
    """Whether a backend works on this machine, and if not, why and what to do."""

    works: bool
    reason: str


@dataclass(frozen=True)
class Backend:
    """One way to run the kernels.

    Parameters
    ----------
    name : str
        The name that plans ask for.
    summary : str
        One line for ``mlmd devices``.
    module, attribute : str
        Where the raw implementation of a kernel is; ``{kernel}`` stands for its name.
    requires : tuple of str
        Modules that must be importable.
    install : str
        What to do when they are not.
    package : str
        The package whose version takes part in what runs.
    nominal : Rates
        What it reaches on a usual machine, where nobody has measured it.

    Examples
    --------
    >>> from mlmd.backends import get
    >>> get("reference").status()
    Status(works=True, reason='ready')
    >>> get("reference").load("density").__name__
    'reference'
    """

    name: str
    summary: str
    module: str
    attribute: str
    requires: tuple[str, ...] = ()
    install: str = ""
    package: str = "numpy"
    nominal: Rates = PLAIN

    def status(self) -> Status:
        """Try the imports that this backend needs."""
        try:
            for module in self.requires:
                import_module(module)
        except ImportError as error:
            return Status(False, f"{error}; {self.install}")
        return Status(True, "ready")

    def at(self, index: int) -> Backend:
        """The same backend on another device; the host is one device.

        Raises
        ------
        BackendUnavailable
            If there is none of that number.
        """
        if index != 0:
            raise BackendUnavailable(f"backend '{self.name}' is the host, which has no device {index}")
        return self

    def arrays(self) -> Arrays:
        """The arrays that its kernels take: NumPy's."""
        return HOST

    def launch(self, threads: int, tuning: Mapping[str, Any]) -> Any:
        """What a raw kernel is given as its last argument: on the host the threads, and what it is tuned to."""
        return threads

    def bind(self, kernel: str) -> Callable[..., Callable[[], None]] | None:
        """What makes a call without arguments of a raw kernel and its arguments; None if there is no such thing."""
        return None

    def load(self, kernel: str, tuning: Mapping[str, Any] | None = None) -> Callable[..., Any]:
        """Raw implementation of a kernel, on a device with what it is tuned to.

        Raises
        ------
        BackendUnavailable
            If the backend does not work here, or has no such kernel.
        """
        status = self.status()
        if not status.works:
            raise BackendUnavailable(f"backend '{self.name}' does not work here: {status.reason}")
        path = self.module.format(kernel=kernel)
        try:
            return getattr(import_module(path), self.attribute.format(kernel=kernel))
        except (ModuleNotFoundError, AttributeError) as error:
            raise BackendUnavailable(f"backend '{self.name}' has no kernel '{kernel}' ({error})") from error
