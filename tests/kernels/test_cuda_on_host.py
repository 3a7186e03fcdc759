"""The CUDA kernels, run on the processor, against the reference: the same tests as for all backends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from mlmd import kernels
from mlmd.backends import DeviceBackend
from mlmd.backends.sources import csrc
from mlmd.errors import ArrayError, BackendUnavailable, PlanError

from ..cuda_on_host import BACKEND
from . import test_agreement
from .problems import Problem, problems

# Sources that each test of agreement needs.
SOURCES = {
    "test_kin_prop": ("kin_prop",),
    "test_kin_prop_with_potential": ("kin_prop",),
    "test_kin_prop_over_several_ranges": ("kin_prop",),
    "test_loc_prop": ("loc_prop",),
    "test_nlp_prop": ("nlp_prop",),
    "test_density": ("density",),
    "test_current": ("current",),
    "test_same_bits_in_each_run": ("loc_prop", "nlp_prop", "density", "current", "multigrid", "dsa", "hartree_fields"),
}


def is_there(names: tuple[str, ...]) -> bool:
    """Whether all of these kernels have sources."""
    return all((csrc() / f"cuda/{name}.cu").exists() for name in names)


globals().update({test: getattr(test_agreement, test) for test, names in SOURCES.items() if is_there(names)})


@pytest.fixture
def backend() -> DeviceBackend:
    """The CUDA kernels on the processor."""
    status = BACKEND.status()
    if not status.works:
        pytest.skip(status.reason)
    return BACKEND


@pytest.mark.parametrize("method", ["multigrid", "dsa"])
@given(p=problems())
def test_hartree(backend: DeviceBackend, method: str, p: Problem) -> None:
    """Not by Fourier transforms: these are CuPy's."""
    test_agreement.test_hartree.hypothesis.inner_test(backend, p=p, method=method)  # type: ignore[attr-defined]


def test_a_kernel_that_is_not_there(backend: DeviceBackend) -> None:
    device = backend.arrays()
    with pytest.raises(BackendUnavailable, match="has no kernel 'kin_time_travel'"):
        device.launch("kin_prop:kin_time_travel", (1,), (1,))
    with pytest.raises(BackendUnavailable, match=r"there is no csrc/cuda/time_travel\.cu"):
        device.launch("time_travel:f", (1,), (1,))


def test_a_launch_that_cuda_cannot_make(backend: DeviceBackend) -> None:
    for size, group in (((65536, 1), (1, 1)), ((1, 2048), (1, 2048))):
        with pytest.raises(PlanError, match="CUDA cannot launch"):
            backend.arrays().launch("kin_prop:kin_axis_f32", size, group)


def test_arguments_of_another_type_are_refused(backend: DeviceBackend) -> None:
    with pytest.raises(TypeError, match="takes"):
        backend.arrays().launch("kin_prop:kin_axis_f32", (1, 1), (1, 1), np.int32(0))


def test_more_rows_than_groups(backend: DeviceBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """A work item takes several rows."""
    monkeypatch.setattr("mlmd.kernels.device.kin_prop.MOST_GROUPS_OF_ROWS", 2)
    test_agreement.test_kin_prop_over_several_ranges(backend, (26, 5, 6), 3, "periodic", np.random.default_rng(1))


def test_arrays_of_the_host_are_refused(backend: DeviceBackend) -> None:
    plan = kernels.kin_prop((4, 4, 4), 2, 0.4, 0.1, "complex64", backend)
    with pytest.raises(ArrayError, match=r"psi is a ndarray; expected an array on cuda_on_host:0"):
        plan(np.ones((4, 4, 4, 2), np.complex64))
