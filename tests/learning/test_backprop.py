"""Backpropagation, written out, gives the same numbers as torch's autograd, bit for bit, and declines
networks that it does not know.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from studio.learning.backprop import SLOPES, Backprop
from studio.learning.costs import COSTS
from studio.learning.datasets import Examples
from studio.learning.networks import Convolutional, Layered, Neuron, Perceptron, Recurrent
from studio.learning.training import Plan, fit

CASES = 12


def some_targets(cost: str, outputs: int) -> Tensor:
    if cost == "cross-entropy":
        return torch.randint(outputs, (CASES,))
    if cost == "binary cross-entropy":
        return torch.randint(2, (CASES, outputs)).float()
    return torch.randn(CASES, outputs)


@pytest.mark.parametrize("cost", SLOPES)
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "linear"])
@pytest.mark.parametrize("hidden", [(), (5,), (6, 4, 3)])
@pytest.mark.parametrize("outputs", [1, 3])
def test_the_gradients_are_autograds_to_the_bit(
    cost: Any, activation: Any, hidden: tuple[int, ...], outputs: int
) -> None:
    torch.manual_seed(len(hidden) + outputs)
    squashed = "tanh" if activation == "tanh" and "entropy" not in cost else "linear"
    network = Perceptron(
        inputs=4, hidden=hidden, outputs=outputs, activation=activation, output=squashed, seed=3
    ).build()
    inputs, targets = torch.randn(CASES, 4), some_targets(cost, outputs)
    answers = network(inputs)
    expected = torch.autograd.grad(COSTS[cost].mean(answers, targets), list(network.parameters()))

    backprop = Backprop.of(network, cost)
    assert backprop is not None
    assert torch.equal(backprop.forward(inputs), answers)
    for found, right in zip(backprop.backward(targets), expected, strict=True):
        assert torch.equal(found, right)


def test_by_hand_on_paper() -> None:
    """One tanh neuron, one case: y = tanh(w x + b), cost (y - t)^2 / 2, so dw = (y - t)(1 - y^2) x."""
    neuron = nn.Linear(1, 1)
    nn.init.constant_(neuron.weight, 0.5)
    nn.init.constant_(neuron.bias, 0.0)
    backprop = Backprop.of(Layered(neuron, nn.Tanh()), "half squared")
    assert backprop is not None
    said = backprop.forward(torch.tensor([[2.0]])).item()
    assert said == pytest.approx(0.7615942)
    weight, bias = backprop.backward(torch.tensor([[1.0]]))
    assert bias.item() == pytest.approx((0.7615942 - 1) * (1 - 0.7615942**2), rel=1e-5)
    assert weight.item() == pytest.approx(2 * bias.item(), rel=1e-6)


def test_a_neuron_without_a_bias() -> None:
    network = Neuron(inputs=3, bias=False, weights=(1.0, -2.0, 0.5)).build()
    inputs, targets = torch.randn(CASES, 3), torch.randn(CASES, 1)
    backprop = Backprop.of(network, "squared")
    assert backprop is not None
    backprop.forward(inputs)
    (found,) = backprop.backward(targets)
    (right,) = torch.autograd.grad(
        COSTS["squared"].mean(network(inputs), targets), list(network.parameters())
    )
    assert torch.equal(found, right)


def test_it_sees_weights_change_in_place() -> None:
    network = Perceptron(inputs=2, hidden=(3,), outputs=1, seed=1).build()
    backprop = Backprop.of(network, "squared")
    assert backprop is not None
    inputs = torch.randn(CASES, 2)
    before = backprop.forward(inputs)
    network.load_state_dict(Perceptron(inputs=2, hidden=(3,), outputs=1, seed=2).build().state_dict())
    after = backprop.forward(inputs)
    assert not torch.equal(before, after)
    assert torch.equal(after, network(inputs))


def frozen() -> nn.Module:
    network = Perceptron(inputs=2, hidden=(3,)).build()
    next(network.parameters()).requires_grad_(False)
    return network


@pytest.mark.parametrize(
    "network",
    [
        Perceptron(inputs=2, hidden=(3,), dropout=0.5).build(),
        Perceptron(inputs=(1, 2, 2), hidden=(3,)).build(),
        Convolutional(shape=(1, 8, 8), classes=2).build(),
        Recurrent(inputs=2, outputs=2).build(),
        nn.Sequential(nn.Linear(2, 1)),
        frozen(),
    ],
    ids=["dropout", "pictures", "convolutions", "lstm", "a stranger's", "frozen"],
)
def test_other_networks_are_left_to_autograd(network: nn.Module) -> None:
    assert Backprop.of(network, "squared") is None


def test_a_cost_without_a_slope_is_left_to_autograd() -> None:
    assert Backprop.of(Perceptron(inputs=2).build(), "absolute") is None


@pytest.mark.parametrize("penalty", [{"l1": 0.01}, {"l2": 0.02}, {"l1": 0.003, "l2": 0.01}, {}])
def test_a_fit_is_the_same_with_and_without(
    penalty: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(4)
    inputs = torch.randn(40, 2, generator=generator)
    data = Examples(inputs, torch.randn(40, 1, generator=generator))
    plan = Plan(
        cost="half squared",
        optimiser="sgd",
        rate=0.1,
        batch=8,
        epochs=5,
        metrics=("mean squared error",),
        device="cpu",
        **penalty,
    )
    came = []
    for of in (Backprop.of, lambda _network, _cost: None):
        monkeypatch.setattr("studio.learning.training.Backprop.of", of)
        network = Perceptron(inputs=2, hidden=(4,), activation="tanh", seed=5).build()
        losses = [report.loss for report in fit(network, data, plan, every_step=True)]
        came.append((losses, [weight.detach().clone() for weight in network.parameters()]))
    (losses, weights), (other_losses, other_weights) = came
    assert losses == pytest.approx(other_losses, rel=1e-6)
    for one, other in zip(weights, other_weights, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)
