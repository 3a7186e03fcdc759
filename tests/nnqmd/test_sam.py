"""Sharpness-aware minimisation and the measures of sharpness, against what can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'mlmd[nn]'")

from mlmd.nnqmd.sam import SAM  # noqa: E402
from mlmd.nnqmd.sharpness import largest_rise, mean_rise  # noqa: E402


def steps(optimiser, loss, count: int) -> None:  # type: ignore[no-untyped-def]
    def closure():  # type: ignore[no-untyped-def]
        optimiser.zero_grad()
        value = loss()
        value.backward()
        return value

    for _ in range(count):
        optimiser.step(closure)


def test_zero_radius_is_the_base_optimiser() -> None:
    torch.manual_seed(0)
    data, target = torch.randn(20, 5), torch.randn(20, 1)
    layers = [torch.nn.Linear(5, 1) for _ in range(2)]
    layers[1].load_state_dict(layers[0].state_dict())
    for layer, optimiser in zip(
        layers,
        (SAM(layers[0].parameters(), rho=0.0, lr=0.01), torch.optim.Adam(layers[1].parameters(), lr=0.01)),
        strict=True,
    ):
        steps(optimiser, lambda layer=layer: ((layer(data) - target) ** 2).mean(), 30)
    assert torch.equal(layers[0].weight, layers[1].weight)


def test_goes_along_a_valley_to_where_it_is_wide() -> None:
    """(1 + x^2) y^2 / 2 is zero for y = 0 and flattest at x = 0: descent stays where it meets the valley."""
    found = []
    for make in (lambda w: torch.optim.SGD([w], lr=0.05), lambda w: SAM([w], base="SGD", rho=0.3, lr=0.05)):
        w = torch.nn.Parameter(torch.tensor([1.0, 0.1], dtype=torch.float64))
        steps(make(w), lambda w=w: (1 + w[0] ** 2) * w[1] ** 2 / 2, 2000)
        found.append(w[0].item())
    assert found[0] > 0.95
    assert abs(found[1]) < 0.05


@pytest.mark.parametrize("adaptive", [False, True])
def test_second_gradient_is_taken_at_the_worst_weights_within_the_radius(adaptive: bool) -> None:
    start = torch.tensor([0.5, -2.0, 1.0], dtype=torch.float64)
    w, rho = torch.nn.Parameter(start.clone()), 0.1
    seen = []

    def loss():  # type: ignore[no-untyped-def]
        seen.append(w.detach().clone())
        return (w**3).sum() + w[0] * w[1]

    steps(SAM([w], base="SGD", rho=rho, adaptive=adaptive, lr=0.01), loss, 1)
    g = 3 * start**2 + torch.tensor([start[1], start[0], 0.0])
    length = start.abs() if adaptive else torch.ones(3, dtype=torch.float64)
    np.testing.assert_allclose(seen[1] - start, rho * length**2 * g / (length * g).norm(), rtol=1e-12)
    worst = seen[1]
    gradient = 3 * worst**2 + torch.tensor([worst[1], worst[0], 0.0])
    np.testing.assert_allclose(w.detach(), start - 0.01 * gradient, rtol=1e-12)


def test_state_goes_on_where_it_was_saved() -> None:
    torch.manual_seed(1)
    data = torch.randn(30, 4, dtype=torch.float64)

    def train(w, optimiser, count: int) -> None:  # type: ignore[no-untyped-def]
        steps(optimiser, lambda: ((data @ w - 1) ** 2).mean(), count)

    whole = torch.nn.Parameter(torch.zeros(4, dtype=torch.float64))
    train(whole, SAM([whole], rho=0.01, lr=0.1), 20)
    part = torch.nn.Parameter(torch.zeros(4, dtype=torch.float64))
    first = SAM([part], rho=0.01, lr=0.1)
    train(part, first, 8)
    second = SAM([part], rho=0.5, lr=0.7)
    second.load_state_dict(first.state_dict())
    train(part, second, 12)
    assert torch.equal(whole, part)


def test_schedulers_reach_the_base_optimiser() -> None:
    w = torch.nn.Parameter(torch.ones(1))
    optimiser = SAM([w], base="SGD", lr=1.0)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimiser, gamma=0.1)
    steps(optimiser, lambda: (0 * w).sum(), 1)
    scheduler.step()
    assert optimiser.base.param_groups[0]["lr"] == pytest.approx(0.1)


def test_errors() -> None:
    w = torch.nn.Parameter(torch.ones(1))
    with pytest.raises(ValueError, match="rho must be a length"):
        SAM([w], rho=-1.0)
    with pytest.raises(ValueError, match="no optimiser 'Adamm'"):
        SAM([w], base="Adamm")
    with pytest.raises(RuntimeError, match="loss twice"):
        SAM([w]).step()


def test_largest_rise_of_a_quadratic_form_is_that_of_its_worst_direction() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((6, 6))
    matrix = matrix @ matrix.T
    w = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    with torch.no_grad():
        w[:] = torch.from_numpy(1e-6 * rng.standard_normal(6))  # off the minimum, where the gradient vanishes
    before, form = w.detach().clone(), torch.from_numpy(matrix)
    found = largest_rise(lambda: w @ form @ w, [w], rho=0.1, steps=200)
    assert found.rise == pytest.approx(0.01 * np.linalg.eigvalsh(matrix)[-1], rel=1e-3)
    assert torch.equal(w, before)


def test_mean_rise_of_a_quadratic_form_is_its_trace() -> None:
    form = torch.diag(torch.arange(1.0, 7.0, dtype=torch.float64))
    w = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    found = mean_rise(lambda: w @ form @ w, [w], sigma=0.05, draws=2000)
    assert abs(found.rise - 0.05**2 * 21) < 4 * found.error < 0.1 * found.rise
    with pytest.raises(ValueError, match="at least 2 draws"):
        mean_rise(lambda: w @ form @ w, [w], draws=1)
