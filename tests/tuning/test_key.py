"""Keys: what changes a build changes its name, on every backend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import mlmd
from mlmd.backends import get, names
from mlmd.tuning import key
from mlmd.tuning.key import build_of, device_of, make_key
from mlmd.tuning.problem import KERNELS, make_problem


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Nothing is remembered from one test to the next."""
    for remembered in (build_of, key._device, key._processor):
        remembered.cache_clear()
    yield
    build_of.cache_clear()


def test_every_kernel_has_a_key(backend: str) -> None:
    for kernel in KERNELS:
        problem = make_problem(kernel, (8, 8, 9), 4, threads=2)
        made = make_key(problem, backend)
        assert (made.kernel, made.backend, made.threads) == (kernel, backend, 2)
        assert made.size == (8, 8, 9, problem.norb, problem.rank)
        assert made.device
        assert len(made.build) == 16
        assert made == make_key(problem, backend)


def test_kernels_and_methods_have_builds_of_their_own() -> None:
    builds = {build_of(kernel, "cpu") for kernel in KERNELS if kernel != "hartree"}
    builds |= {build_of("hartree", "cpu", method) for method in ("multigrid", "dsa", "fft")}
    assert len(builds) == len(KERNELS) + 2


def test_a_changed_source_is_another_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = {name: build_of("density", name) for name in ("reference", "numba", "sycl", "cuda") if works(name)}
    digest = key.digest
    monkeypatch.setattr(key, "digest", lambda paths: digest([*paths, changed]))
    changed = tmp_path / "density.py"
    changed.write_text("# another line")
    build_of.cache_clear()
    assert all(build_of("density", name) != before[name] for name in before)


def test_a_changed_version_is_another_build(monkeypatch: pytest.MonkeyPatch) -> None:
    before = build_of("density", "numba")
    monkeypatch.setattr(key, "__version__", mlmd.__version__ + ".1")
    build_of.cache_clear()
    assert build_of("density", "numba") != before


@pytest.mark.parametrize(
    ("name", "sources"),
    [
        ("reference", {"kernels/density.py"}),
        ("numba", {"kernels/density.py", "numba/density.py"}),
        ("sycl", {"device/density.py", "sycl/density.cpp", "mlmd/portable.h"}),
        ("cuda", {"device/density.py", "cuda/density.cu", "mlmd/portable.h"}),
    ],
)
def test_sources_of_every_backend_are_looked_at(name: str, sources: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []

    def digest(paths: Iterable[Path]) -> str:
        seen.extend(paths)
        return "hash"

    monkeypatch.setattr(key, "digest", digest)
    assert key.sources_digest("density", name) == "hash"
    assert sources <= {"/".join(path.parts[-2:]) for path in seen}


def test_a_device_is_named_with_its_driver() -> None:
    if not works("sycl"):
        pytest.skip(f"backend sycl: {get('sycl').status().reason}")
    assert "driver" in device_of(get("sycl:0"))
    assert device_of(get("sycl")) == device_of(get("sycl:0"))


def works(name: str) -> bool:
    return name in names() and get(name).status().works
