"""Shared fixtures: every test that takes ``backend`` runs on each backend, or is skipped with the reason."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from mlmd.backends import DeviceBackend, get, names

# What the user's own tuning has found must not decide what is tested; tests of it name a file of their own.
os.environ["MLMD_TUNING"] = "off"
os.environ["MLMD_WISDOM"] = "/nonexistent/wisdom.jsonl"

# The first example may compile a kernel, so no single example has a time limit.
settings.register_profile(
    "mlmd",
    deadline=None,
    max_examples=25,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("mlmd")


@pytest.fixture(params=names())
def backend(request: pytest.FixtureRequest) -> str:
    """Name of a backend that works here."""
    status = get(request.param).status()
    if not status.works:
        pytest.skip(f"backend {request.param}: {status.reason}")
    return request.param


@pytest.fixture(params=[name for name in names() if not isinstance(get(name), DeviceBackend)])
def host_backend(request: pytest.FixtureRequest) -> str:
    """Name of a backend that works here on NumPy arrays."""
    status = get(request.param).status()
    if not status.works:
        pytest.skip(f"backend {request.param}: {status.reason}")
    return request.param


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same in each run."""
    return np.random.default_rng(20240607)
