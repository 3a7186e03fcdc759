"""Look-up: exact, else nearest, else nothing, each with its reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlmd.tuning.lookup import look_up

from .fakes import KEY, entry


def test_the_exact_entry_comes_first() -> None:
    found = look_up(KEY, [entry(replace(KEY, nx=33), {"block": 1}), entry()])
    assert (found.how, found.entry) == ("exact", entry())


def test_the_nearest_size_in_points_and_orbitals() -> None:
    sizes = [replace(KEY, nx=64), replace(KEY, norb=24), replace(KEY, nx=40, norb=20), replace(KEY, nx=128)]
    found = look_up(KEY, [entry(key, {"block": n}) for n, key in enumerate(sizes, 1)])
    assert found.how == "nearest"
    assert found.entry is not None
    assert found.entry.tuning == {"block": 2}
    assert found.reason == "no entry for 32x32x32, 16 orbitals; that of 32x32x32, 24 orbitals is nearest"


def test_threads_are_not_taken_from_another_size() -> None:
    knobs = {"threads": 1, "block": 4}
    assert look_up(KEY, [entry(KEY, knobs)]).tuning == knobs
    assert look_up(KEY, [entry(replace(KEY, nx=40), knobs)]).tuning == {"block": 4}
    assert look_up(KEY, []).tuning == {}


def test_a_size_that_is_far_off_does_not_count() -> None:
    found = look_up(KEY, [entry(replace(KEY, nx=300))])
    assert found.entry is None
    assert found.reason == "no entry near 32x32x32, 16 orbitals; the nearest is 300x32x32, 16 orbitals"


@pytest.mark.parametrize(
    ("field", "value"), [("kernel", "current"), ("backend", "sycl"), ("dtype", "complex128"), ("mode", "fp32")]
)
def test_entries_about_something_else_do_not_count(field: str, value: str) -> None:
    found = look_up(KEY, [entry(replace(KEY, **{field: value}))])
    assert found.entry is None
    assert found.reason == "no wisdom about density on cpu, complex64"


@pytest.mark.parametrize(("field", "value"), [("build", "b2"), ("device", "Xeon"), ("threads", 4)])
def test_stale_entries_do_not_count_and_the_reason_says_what_differs(field: str, value: object) -> None:
    found = look_up(KEY, [entry(replace(KEY, **{field: value}))])
    assert (found.entry, found.how) == (None, "none")
    assert f"is stale: {field} is {getattr(KEY, field)}, there {value}" in found.reason


def test_a_live_neighbour_is_taken_before_a_stale_entry_of_the_same_size() -> None:
    near = entry(replace(KEY, nx=40))
    assert look_up(KEY, [entry(replace(KEY, build="b2")), near]).entry == near
