"""Comparing the results of two runs."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np


def arrays(file: Path, group: str) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    with h5py.File(file, "r") as opened:
        opened[group].visititems(
            lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
        )
    return found


def assert_same_results(one: Path, other: Path) -> None:
    for group in ("series", "density", "ground_state"):
        here, there = arrays(one / "run.h5", group), arrays(other / "run.h5", group)
        assert here.keys() == there.keys()
        for name in here:
            assert here[name].tobytes() == there[name].tobytes(), name
    here, there = arrays(one / "checkpoint.h5", "state"), arrays(other / "checkpoint.h5", "state")
    assert [value.tobytes() for value in here.values()] == [value.tobytes() for value in there.values()]
