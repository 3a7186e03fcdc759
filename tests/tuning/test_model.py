"""The cost model: formulas, and rates that are measured once."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlmd.backends import get
from mlmd.tuning import model
from mlmd.tuning.model import Rates, ensure, known, rates_path, seconds
from mlmd.tuning.problem import KERNELS, make_problem

RATES = Rates(launch=1e-6, read=2e9, scale=1e9, fp32=1e12, fp64=5e11)
POINTS = 16**3


def cost(kernel: str, **options: object) -> float:
    return seconds(make_problem(kernel, (16, 16, 16), 8, threads=2, **options), RATES)  # type: ignore[arg-type]


def test_formulas() -> None:
    psi = POINTS * 8 * 8
    assert cost("density") == pytest.approx(1e-6 + psi / 2e9)
    assert cost("loc_prop") == pytest.approx(1e-6 + 2 * psi / 1e9)
    assert cost("kin_prop") == pytest.approx(1e-6 + 4 * psi / 1e9)
    assert cost("nlp_prop") == pytest.approx(1e-6 + 3 * psi / 2e9 + psi / 1e9)
    assert cost("hartree", mode="fft") == pytest.approx(1e-6 + POINTS * 128 / 2e9)


def test_products_count_where_they_take_longer() -> None:
    slow = Rates(1e-6, 2e9, 1e9, fp32=1e8, fp64=5e7)
    modes = ("bf16x1", "bf16x2", "fp64")
    wide = [seconds(make_problem("nlp_prop", (16, 16, 16), 8, threads=2, mode=mode), slow) for mode in modes]
    flops = 16 * POINTS * 8 * 8
    assert wide == pytest.approx([1e-6 + flops * factor for factor in (1e-8, 3e-8, 2e-8)])


@pytest.mark.parametrize("kernel", KERNELS)
def test_larger_problems_take_longer(kernel: str) -> None:
    sizes = [seconds(make_problem(kernel, (n, n, n), n, threads=2), get("cpu").nominal) for n in (8, 16, 32, 64)]
    assert sizes == sorted(sizes)


def test_rates_are_measured_once_for_each_number_of_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, asked = tmp_path / "wisdom.jsonl", []
    monkeypatch.setattr(model, "measure", lambda backend, threads: asked.append(threads) or RATES)
    assert known(path, get("cpu"), 2) is None
    for _ in range(2):
        ensure(path, "cpu", make_problem("density", (8, 8, 8), threads=4))
    assert asked == [4, 1, 2]
    assert known(path, get("cpu"), 2) == RATES
    assert known(path, get("cpu"), 3) is None
    assert known(path, get("reference"), 2) is None
    assert rates_path(path).exists()
    assert not path.exists()


def test_a_first_plan_is_estimated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many threads are slow to start: small problems get one, large ones all; a direct solver moves fewer bytes."""
    path = tmp_path / "wisdom.jsonl"
    small, large = (make_problem("density", (n, n, n), 8, threads=4) for n in (8, 64))
    field = make_problem("hartree", (64, 64, 64), threads=4)
    assert model.estimate(small, get("cpu"), path) == model.estimate(field, get("cpu"), path) == {}
    made = {n: Rates(1e-4 * (n - 1) + 1e-6, *(rate * n for rate in (1e9, 1e9, 1e10, 1e10))) for n in (1, 2, 4)}
    monkeypatch.setattr(model, "measure", lambda backend, threads: made[threads])
    ensure(path, "cpu", small)
    assert model.estimate(small, get("cpu"), path) == {"threads": 1}
    assert model.estimate(large, get("cpu"), path) == {}
    assert model.estimate(field, get("cpu"), path) == {"solver": "fft"}


def test_rates_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "SHAPE", (8, 8, 8))
    assert min(vars(model.measure("cpu", 1)).values()) > 0.0


def test_every_backend_has_nominal_rates() -> None:
    from mlmd.backends import names

    assert all(min(vars(get(name).nominal).values()) > 0.0 for name in names())
