"""A SYCL device of a module's own, made to work in either shape."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlmd.backends import DeviceBackend, get


@pytest.fixture(scope="module")
def own() -> Iterator[DeviceBackend]:
    """A device of this module's own: what it is told about itself is not seen elsewhere."""
    status = get("sycl").status()
    if not status.works:
        pytest.skip(f"backend sycl: {status.reason}")
    import dpctl

    from mlmd.backends import sycl

    backend = sycl.on(dpctl.SyclQueue(sycl.devices()[0], property="in_order"))
    yield backend
    backend.arrays().close()


@pytest.fixture(params=[True, False], ids=["tasks", "items"])
def shaped(own: DeviceBackend, request: pytest.FixtureRequest) -> DeviceBackend:
    """The device, made to work in one of the two shapes."""
    own.arrays().processor = request.param
    return own
