"""Networks: the same from the same configuration, and computing what they should, checked by arithmetic done
here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from studio.errors import Unreadable
from studio.learning.networks import (
    Convolutional,
    Layered,
    Neuron,
    Perceptron,
    PictureClassifier,
    Recurrent,
    SequenceNetwork,
    read_config,
)

CONFIGS = [
    Neuron(inputs=3),
    Perceptron(inputs=(1, 8, 8), hidden=(5, 4), outputs=2, activation="sigmoid", dropout=0.1),
    Convolutional(shape=(1, 28, 28), classes=10),
    Convolutional(shape=(3, 5, 7), classes=2, channels=(3, 3, 3, 3), kernel=5, batch_norm=False),
    Recurrent(inputs=6, hidden=4, outputs=6, layers=2, dropout=0.5),
    Recurrent(tokens=12, embedding=3, hidden=4, outputs=12),
]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: str(config.kind))
def test_the_same_configuration_builds_the_same_network_and_leaves_the_dice_alone(config: Any) -> None:
    torch.manual_seed(1)
    first = config.build().state_dict()
    drawn = torch.rand(3)
    back = read_config(config.model_dump(mode="json"))
    assert back == config
    torch.manual_seed(1)
    assert torch.equal(torch.rand(3), drawn)
    second = back.build().state_dict()
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    other = config.model_copy(update={"seed": 1}).build().state_dict()
    assert any(not torch.equal(tensor, other[name]) for name, tensor in first.items())


def test_a_perceptron_is_weighted_sums_and_activations() -> None:
    network = Perceptron(
        inputs=2, hidden=(4, 3), outputs=1, activation="tanh", output="sigmoid", start="playground"
    ).build()
    assert isinstance(network, Layered)
    x = np.array([[0.5, -1.0], [2.0, 0.3]], dtype=np.float32)
    said, expected = network.activations(torch.from_numpy(x)), []
    weights = [weight.detach().numpy() for weight in network.parameters()]
    for number in range(3):
        x = x @ weights[2 * number].T + weights[2 * number + 1]
        x = np.tanh(x) if number < 2 else 1 / (1 + np.exp(-x))
        expected.append(x)
    assert [one.shape for one in said] == [(2, 4), (2, 3), (2, 1)]
    for one, other in zip(said, expected, strict=True):
        assert one.detach().numpy() == pytest.approx(other, abs=1e-6)
    assert torch.equal(network(torch.tensor([[0.5, -1.0], [2.0, 0.3]])), said[-1])
    assert all(np.abs(weight).max() <= 0.5 for weight in weights[::2])
    assert all(bias == pytest.approx(0.1) for bias in weights[1::2])


def test_a_neuron_starts_where_it_is_told() -> None:
    network = Neuron(inputs=3, weights=(1.5, 0.5, 1.0)).build()
    assert network(torch.tensor([[2.0, 5.0, 3.0]])).item() == pytest.approx(8.5)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (2, 1, 9)])
def test_pictures_of_any_size_give_one_answer_a_class(shape: tuple[int, int, int]) -> None:
    network = Convolutional(shape=shape, classes=7, channels=(4, 6, 8)).build()
    assert isinstance(network, PictureClassifier)
    assert network(torch.rand(2, *shape)).shape == (2, 7)
    assert [name for name, _ in network.blocks.named_children()] == ["0", "1", "2"]


def test_an_lstm_hears_frame_by_frame_what_it_hears_at_once() -> None:
    network = Recurrent(inputs=5, hidden=7, layers=2, outputs=3, dropout=0.3).build().eval()
    assert isinstance(network, SequenceNetwork)
    roll = torch.rand(2, 9, 5)
    at_once, memory, said = network(roll), None, []
    for frame in range(9):
        output, memory = network.following(roll[:, frame : frame + 1], memory)
        said.append(output)
    assert torch.allclose(torch.cat(said, 1), at_once, atol=1e-6)
    longer = torch.cat([roll, torch.rand(2, 4, 5)], 1)
    assert torch.allclose(
        network(longer)[:, :9], at_once, atol=1e-6
    )  # what comes later changes nothing before


def test_a_weight_that_recurrent_dropout_forgets_is_forgotten_for_the_whole_batch() -> None:
    network = Recurrent(inputs=5, hidden=20, outputs=3, recurrent_dropout=0.5).build()
    assert isinstance(network, SequenceNetwork)
    roll = torch.rand(4, 30, 5)
    network.train()
    first, second = network(roll), network(roll)
    assert not torch.allclose(first, second)
    assert torch.equal(first[:, 0], second[:, 0]), "at the first frame there is nothing to remember"
    second.sum().backward()
    changes = {name: weight.grad for name, weight in network.lstm.named_parameters()}
    # A weight that mattered at any of the thirty frames would have a gradient.
    assert float((changes["weight_hh_l0"] == 0).float().mean()) == pytest.approx(0.5, abs=0.06)
    assert not (changes["weight_ih_l0"] == 0).any()
    network.eval()
    whole = Recurrent(inputs=5, hidden=20, outputs=3).build().eval()
    assert torch.equal(network(roll), whole(roll)), "once learnt, nothing is forgotten"


def test_the_starts_are_what_their_papers_say() -> None:
    def spread(start: Any) -> float:
        first = next(Perceptron(inputs=400, hidden=(300,), outputs=1, start=start).build().parameters())
        return float(first.detach().std())

    assert spread("he") == pytest.approx((2 / 400) ** 0.5, rel=0.02)
    assert spread("xavier") == pytest.approx((2 / 700) ** 0.5, rel=0.02)
    assert spread("zero") == 0


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kind": "transformer"}, "kind"),
        ({}, "kind"),
        ({"kind": "perceptron", "inputs": 0}, "inputs"),
        ({"kind": "perceptron", "inputs": 2, "activation": "softplus"}, "activation"),
        ({"kind": "perceptron", "inputs": 2, "depth": 3}, "depth"),
        ({"kind": "neuron", "inputs": 2, "weights": [1.0]}, "1 weights for 2 inputs"),
        ({"kind": "lstm", "outputs": 3, "tokens": 3, "inputs": 3}, "either tokens"),
    ],
)
def test_a_description_that_does_not_hold_is_told_by_the_field(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Unreadable, match=sentence):
        read_config(fields)


def test_every_kind_is_a_torch_module_with_its_configuration() -> None:
    for config in CONFIGS:
        network = config.build()
        assert isinstance(network, nn.Module)
        assert network.config == config
