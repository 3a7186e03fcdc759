"""The packages that models need, told in one sentence where they are missing."""

from __future__ import annotations

import importlib.util

from ..errors import BackendUnavailable

NEEDED = ("torch", "nequip", "allegro", "safetensors")


def require() -> None:
    """Raise unless all packages for models are installed.

    Raises
    ------
    BackendUnavailable
        Naming what is missing and how to install it.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise BackendUnavailable(f"models need {', '.join(missing)}; install with: pip install 'mlmd[nn]'")
