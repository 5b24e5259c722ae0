"""Fitting a network: the same weights as a loop written by hand, correct figures, and resuming as if it had
not been interrupted.
"""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.errors import Missing, Refused
from studio.learning.checkpoints import load_training, save_training
from studio.learning.datasets import Batch, Batches, Examples, Sequences, load
from studio.learning.networks import (
    Convolutional,
    Layered,
    Network,
    Neuron,
    Perceptron,
    Recurrent,
    SequenceNetwork,
)
from studio.learning.training import (
    COSTS,
    METRICS,
    Fitted,
    Plan,
    Report,
    TrainingState,
    evaluate,
    fit,
)
from studio.process import finish


def watch(fitting: Generator[Report, None, Fitted]) -> tuple[list[Report], Fitted]:
    reports: list[Report] = []
    return reports, finish(fitting, reports.append)


def same(one: nn.Module, other: nn.Module) -> bool:
    left, right = one.state_dict(), other.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def blobs(count: int = 103, seed: int = 3) -> Examples:
    """Three overlapping clouds of points."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.arange(count) % 3
    centres = torch.tensor([[0.0, 2.0], [-2.0, -1.0], [2.0, -1.0]])
    return Examples(centres[classes] + torch.randn(count, 2, generator=generator), classes)


SMALL = Perceptron(inputs=2, hidden=(8,), outputs=3, activation="tanh", seed=4)


@pytest.mark.parametrize(
    ("settings", "optimiser"),
    [
        ({"optimiser": "sgd", "rate": 0.1}, lambda weights: torch.optim.SGD(weights, 0.1)),
        (
            {"optimiser": "sgd", "rate": 0.1, "momentum": 0.9},
            lambda weights: torch.optim.SGD(weights, 0.1, momentum=0.9),
        ),
        (
            {"optimiser": "adamw", "rate": 0.01, "weight_decay": 0.1},
            lambda weights: torch.optim.AdamW(weights, 0.01, weight_decay=0.1),
        ),
    ],
)
def test_the_weights_and_losses_are_those_of_a_loop_written_by_hand(
    settings: dict[str, Any], optimiser: Any
) -> None:
    data, plan = blobs(), Plan(epochs=3, batch=20, seed=7, **settings)
    ours = SMALL.build()
    orders: list[Tensor] = []

    class Watched(Examples):
        def batches(
            self, size: int, order: Tensor | None = None, device: torch.device | None = None
        ) -> Iterator[Batch]:
            assert order is not None
            orders.append(order)
            return super().batches(size, order, device)

    reports, fitted = watch(
        fit(ours, cast(Examples, Watched(data.inputs, data.targets)), plan, every_step=True)
    )

    hand = SMALL.build()
    stepper = optimiser(hand.parameters())
    losses, per_epoch = [], []
    for order in orders:
        total = 0.0
        for some in torch.split(order, 20):
            stepper.zero_grad()
            loss = F.cross_entropy(hand(data.inputs[some]), data.targets[some])
            torch.autograd.backward(loss)
            stepper.step()
            losses.append(loss.item())
            total += loss.item() * len(some)  # the last batch holds 3 of 103 and counts as 3
        per_epoch.append(total / len(data))
    assert same(ours, hand)
    assert [report.loss for report in reports] == losses
    assert [figures.loss for figures in fitted.history] == pytest.approx(per_epoch, rel=1e-12)
    assert [sorted(order.tolist()) for order in orders] == [list(range(103))] * 3
    assert len({tuple(order.tolist()) for order in orders}) == 3
    assert fitted.ending.kind == "done"
    assert fitted.steps == len(losses) == 18


def test_it_neither_uses_nor_disturbs_the_callers_dice() -> None:
    config = Perceptron(inputs=2, hidden=(16,), outputs=3, dropout=0.5, seed=1)

    def outcome(seed: int, meddle: bool) -> tuple[nn.Module, list[float]]:
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        network, drawn = config.build(), []
        for _ in fit(network, blobs(), Plan(epochs=2, batch=16), every_step=True):
            if meddle:
                drawn.append(torch.rand(1).item())
                network.eval()  # as a caller does to inspect it
        return network, drawn

    one, _ = outcome(1, meddle=False)
    other, drawn = outcome(2, meddle=True)
    assert same(one, other)
    torch.manual_seed(2)
    assert drawn == [torch.rand(1).item() for _ in drawn]
    different = config.build()
    finish(fit(different, blobs(), Plan(epochs=2, batch=16, seed=1)))
    assert not same(one, different)


def test_validation_is_held_out_and_figures_are_true() -> None:
    data = blobs(150)
    network = SMALL.build()
    plan = Plan(epochs=4, batch=16, rate=0.02, validation_share=0.2, metrics=("accuracy",), seed=5)
    rest, held_out = data.split(0.2, seed=5)
    assert (len(rest), len(held_out)) == (120, 30)
    for report in fit(network, data, plan):
        assert report.figures is not None
        with torch.no_grad():
            outputs = network(held_out.inputs)
        if report.ending is None:
            expected = -F.log_softmax(outputs, 1)[torch.arange(30), held_out.targets].mean().item()
            right = (outputs.argmax(1) == held_out.targets).float().mean().item()
            assert report.figures.validation_loss == pytest.approx(expected, rel=1e-5)
            assert report.figures.validation["accuracy"] == pytest.approx(right)
        assert 0 <= report.figures.metrics["accuracy"] <= 1
    last = evaluate(network, rest, metrics=("accuracy",))
    assert last.metrics["accuracy"] > 0.8


def test_early_stopping_gives_back_the_best_weights() -> None:
    torch.manual_seed(0)
    few = Examples(torch.randn(12, 10), torch.randint(0, 2, (12,)))  # nothing but noise to learn
    others = Examples(torch.randn(40, 10), torch.randint(0, 2, (40,)))
    network = Perceptron(inputs=10, hidden=(32,), outputs=2).build()
    kept: dict[int, list[Tensor]] = {}
    reports, fitted = watch(
        fit(network, few, Plan(epochs=500, batch=4, rate=0.01, patience=5), validation=others)
    )
    losses = [figures.validation_loss for figures in fitted.history]
    best = int(np.argmin(losses))  # type: ignore[arg-type]
    assert fitted.ending.kind == "plateau"
    assert fitted.best is not None
    assert fitted.best.epoch == best + 1
    assert len(losses) == best + 1 + 5 < 500
    assert f"epoch {best + 1}" in fitted.ending.sentence
    assert evaluate(network, others).loss == pytest.approx(losses[best])
    assert reports[-1].ending == fitted.ending

    again = Perceptron(inputs=10, hidden=(32,), outputs=2).build()
    for report in fit(again, few, Plan(epochs=best + 1, batch=4, rate=0.01)):
        kept[report.epoch] = [weight.detach().clone() for weight in again.parameters()]
    assert all(
        torch.equal(one, other) for one, other in zip(network.parameters(), kept[best + 1], strict=True)
    )


def test_a_diverged_fit_ends_with_good_weights_and_says_why() -> None:
    torch.manual_seed(1)
    inputs = torch.randn(200, 5)
    data = Examples(inputs, inputs @ torch.randn(5, 1))
    network = Neuron(inputs=5).build()
    before = evaluate(network, data, "squared").loss
    _, fitted = watch(
        fit(network, data, Plan(cost="squared", optimiser="sgd", rate=3.0, epochs=200, batch=10))
    )
    assert fitted.ending.kind == "diverged"
    assert "learning rate (3)" in fitted.ending.sentence
    assert evaluate(network, data, "squared").loss <= before * 1.001
    assert not network.training


def test_batch_norms_come_back_too_after_a_divergence() -> None:
    torch.manual_seed(1)
    data = Examples(torch.randn(64, 1, 8, 8), torch.arange(64) % 2)
    network = Convolutional(shape=(1, 8, 8), classes=2, channels=(4,), hidden=8).build()
    broken = Examples(
        torch.where(torch.arange(64)[:, None, None, None] > 60, torch.inf, data.inputs), data.targets
    )
    _, fitted = watch(fit(network, broken, Plan(epochs=2, batch=8)))
    assert fitted.ending.kind == "diverged"
    assert all(torch.isfinite(tensor).all() for tensor in network.state_dict().values())
    assert math.isfinite(evaluate(network, data).loss)


def test_with_validation_a_diverged_fit_goes_back_to_the_best_epoch() -> None:
    data = blobs(60)
    network = SMALL.build()
    fitting = fit(network, data, Plan(epochs=50, batch=60, rate=0.02, validation_share=0.2))
    good = evaluate(network, data.split(0.2, 0)[1]).loss
    for report in fitting:
        if report.epoch == 10 and report.ending is None:
            assert report.figures is not None
            assert report.figures.validation_loss is not None
            good = report.figures.validation_loss
            with torch.no_grad():
                next(network.parameters())[0, 0] = math.nan
    assert report.ending is not None
    assert report.ending.kind == "diverged"
    assert "best epoch, 10, were restored" in report.ending.sentence
    assert evaluate(network, data.split(0.2, 0)[1]).loss == pytest.approx(good)


# Saving and resuming

STOCHASTIC: list[tuple[Network, Any, Plan]] = [
    (
        Perceptron(inputs=2, hidden=(12, 6), outputs=3, dropout=0.3).build(),
        blobs(77),
        Plan(
            epochs=4,
            batch=8,
            validation_share=0.2,
            metrics=("accuracy",),
            schedule="cosine",
            warmup=5,
            max_norm=0.5,
            l2=0.001,
        ),
    ),
    (
        Convolutional(shape=(1, 8, 8), classes=3, channels=(4,), hidden=8, dropout=0.5).build(),
        Examples(torch.randn(40, 1, 8, 8, generator=torch.Generator().manual_seed(1)), torch.arange(40) % 3),
        Plan(epochs=3, batch=7, optimiser="sgd", momentum=0.9, rate=0.01, schedule="stall", decay_every=1),
    ),
    (
        Recurrent(tokens=7, embedding=4, hidden=6, layers=2, dropout=0.4, outputs=7).build(),
        Sequences.predicting_next([torch.arange(start, start + 5 + start) % 7 for start in range(14)]),
        Plan(
            epochs=3,
            batch=4,
            optimiser="rmsprop",
            schedule="steps",
            decay_every=2,
            validation_share=0.3,
            patience=2,
        ),
    ),
    (
        Recurrent(inputs=3, hidden=5, input_dropout=0.2, recurrent_dropout=0.4, outputs=3).build(),
        Sequences.predicting_next(
            [
                torch.rand(3 + number * 5 % 13, 3, generator=torch.Generator().manual_seed(number))
                for number in range(18)
            ]
        ),
        Plan(cost="binary cross-entropy", epochs=3, batch=4, group_by_length=True),
    ),
]


@pytest.mark.parametrize(
    "which", range(4), ids=["perceptron", "convolutional", "lstm", "lstm that forgets, by length"]
)
def test_closed_at_random_steps_and_resumed_it_gives_the_same_weights_to_the_bit(
    which: int, tmp_path: Path
) -> None:
    built, data, plan = STOCHASTIC[which]
    config = built.config
    whole = config.build()
    reports, expected = watch(fit(whole, data, plan, every_step=True))
    losses = [report.loss for report in reports]

    chance = random.Random(which)
    state: TrainingState | None = None
    seen: list[float] = []
    ending = None
    while ending is None:
        network = config.build()
        fitting = fit(network, data, plan, every_step=True, resume=state)
        for _ in range(chance.randint(1, 9)):
            report = next(fitting)
            seen.append(report.loss)
            ending = report.ending
            if ending is not None:
                break
        if ending is None:
            state = report.state()
            if chance.random() < 0.5:
                save_training(state, tmp_path / "training.safetensors")
                state = load_training(tmp_path / "training.safetensors")
            fitting.close()
    assert seen == losses
    assert same(network, whole)
    assert finish(fitting) == expected


KILLED = """
import sys
from pathlib import Path
from studio.learning.checkpoints import save_training
from studio.learning.training import fit
from tests.learning.test_training import STOCHASTIC
network, data, plan = STOCHASTIC[0]
for report in fit(network, data, plan, every_step=True):
    save_training(report.state(), Path(sys.argv[1]))
    print(report.step, *{'torch._dynamo', 'sympy'} & set(sys.modules), flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill without warning")
def test_killed_without_warning_it_resumes_to_the_same_weights(tmp_path: Path) -> None:
    built, data, plan = STOCHASTIC[0]
    whole = built.config.build()
    expected = finish(fit(whole, data, plan))
    path = tmp_path / "training.safetensors"
    here = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(here)},
    )
    assert process.stdout is not None
    for line in process.stdout:
        step, *loaded = line.split()
        assert not loaded, "learning takes no compiler, nor the seconds to load one"
        if int(step) >= 11:
            process.kill()  # while it goes on stepping and writing
            break
    process.wait()
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL

    state = load_training(path)
    assert 11 <= state.standing.step < expected.steps
    network = built.config.build()
    assert finish(fit(network, data, plan, resume=state)).history == expected.history
    assert same(network, whole)


def test_resumed_with_other_settings_it_goes_on_with_those() -> None:
    data = blobs(40)
    network = SMALL.build()
    fitting = fit(network, data, Plan(epochs=2, batch=10, rate=0.01), every_step=True)
    for _ in range(3):
        state = next(fitting).state()
    fitting.close()
    stood = [weight.detach().clone() for weight in network.parameters()]
    reports, fitted = watch(
        fit(network, data, Plan(epochs=3, batch=20, rate=0.0, optimiser="sgd"), resume=state)
    )
    assert [report.figures.epoch for report in reports if report.figures] == [1, 2, 3]
    assert fitted.steps == 3 + 3 * 2  # the interrupted epoch starts over, in batches of 20
    assert all(torch.equal(one, other) for one, other in zip(network.parameters(), stood, strict=True))


def test_a_finished_training_can_be_given_more_epochs() -> None:
    data, network, whole = blobs(50), SMALL.build(), SMALL.build()
    reports, _ = watch(fit(network, data, Plan(epochs=2, validation_share=0.2)))
    finish(fit(network, data, Plan(epochs=5, validation_share=0.2), resume=reports[-1].state()))
    finish(fit(whole, data, Plan(epochs=5, validation_share=0.2)))
    assert same(network, whole)


def test_the_state_of_another_network_is_refused() -> None:
    state = next(fit(SMALL.build(), blobs(), Plan(), every_step=True)).state()
    other = Perceptron(inputs=2, hidden=(9,), outputs=3).build()
    with pytest.raises(Refused, match="another shape"):
        next(fit(other, blobs(), Plan(), resume=state))


def test_a_training_that_0_2_1_saved_goes_on(tmp_path: Path) -> None:
    """It called max_norm longest_gradient, and the states of random generators dice."""
    config, plan = Perceptron(inputs=2, hidden=(6,), outputs=3, dropout=0.3), Plan(epochs=3, max_norm=0.2)
    straight, halted, resumed = config.build(), config.build(), config.build()
    finish(fit(straight, blobs(), plan))
    state = next(fit(halted, blobs(), plan)).state()
    old_names = {name.replace("generator/", "dice/"): tensor for name, tensor in state.tensors.items()}
    path = tmp_path / "old.safetensors"
    save_training(TrainingState(state.standing, old_names), path)
    content = path.read_bytes().replace(b'\\"max_norm\\"', b'\\"longest_gradient\\"')
    length = int.from_bytes(content[:8], "little") + len("longest_gradient") - len("max_norm")
    path.write_bytes(length.to_bytes(8, "little") + content[8:])
    assert b"longest_gradient" in path.read_bytes()
    assert b"dice/cpu" in path.read_bytes()

    finish(fit(resumed, blobs(), plan, resume=load_training(path)))
    assert same(straight, resumed)


# What is measured


def test_penalties_pull_weights_but_not_the_reported_loss() -> None:
    data, plain, pulled = blobs(), SMALL.build(), SMALL.build()
    first = next(fit(plain, data, Plan(optimiser="sgd", rate=0.1), every_step=True))
    second = next(fit(pulled, data, Plan(optimiser="sgd", rate=0.1, l1=0.01, l2=0.1), every_step=True))
    assert first.loss == second.loss
    start = SMALL.build()
    for name, weight in start.named_parameters():
        pull = plain.get_parameter(name) - pulled.get_parameter(name)
        expected = (
            0.1 * (0.01 * weight.sign() + 0.1 * weight) if weight.ndim > 1 else torch.zeros_like(weight)
        )
        assert torch.allclose(pull, expected, atol=1e-6)


def test_costs_are_means_over_places_of_sums_over_outputs() -> None:
    generator = torch.Generator().manual_seed(0)
    y, t = torch.randn(4, 5, 3, generator=generator), torch.rand(4, 5, 3, generator=generator).round()
    classes = torch.randint(0, 3, (4, 5), generator=generator)
    n, s, c = y.double().numpy(), t.double().numpy(), classes.numpy()
    sigmoid = 1 / (1 + np.exp(-n))
    softmax = np.exp(n) / np.exp(n).sum(-1, keepdims=True)
    by_hand = {
        "squared": ((n - s) ** 2).sum(-1).mean(),
        "half squared": ((n - s) ** 2).sum(-1).mean() / 2,
        "absolute": np.abs(n - s).sum(-1).mean(),
        "binary cross-entropy": -(s * np.log(sigmoid) + (1 - s) * np.log(1 - sigmoid)).sum(-1).mean(),
        "cross-entropy": -np.log(np.take_along_axis(softmax, c[..., None], -1)).mean(),
    }
    assert by_hand.keys() == COSTS.keys()
    for name, criterion in COSTS.items():
        assert criterion.mean(y, classes if name == "cross-entropy" else t).item() == pytest.approx(
            by_hand[name], rel=1e-5
        )
    assert METRICS["accuracy"].mean(y, classes).item() == pytest.approx((n.argmax(-1) == c).mean())
    assert METRICS["accuracy"].mean(y, t).item() == pytest.approx(((n > 0) == (s > 0)).mean())
    assert METRICS["mean squared error"].mean(y, t).item() == pytest.approx(((n - s) ** 2).mean(), rel=1e-5)
    assert METRICS["mean absolute error"].mean(y, t).item() == pytest.approx(np.abs(n - s).mean(), rel=1e-5)


@pytest.mark.parametrize("cost", COSTS)
def test_targets_that_do_not_fit_are_refused_in_a_sentence(cost: Any) -> None:
    network = Perceptron(inputs=2, outputs=3).build()
    targets = torch.full((6,), 5) if cost == "cross-entropy" else torch.zeros(6, 2)
    with pytest.raises(Refused, match="targets"):
        next(fit(network, Examples(torch.zeros(6, 2), targets), Plan(cost=cost)))


def test_inputs_that_do_not_fit_are_refused_in_a_sentence() -> None:
    with pytest.raises(Refused, match="cannot take inputs of 6 x 4 numbers"):
        next(fit(SMALL.build(), Examples(torch.zeros(6, 4), torch.zeros(6, dtype=torch.int64)), Plan()))


def test_one_number_each_is_never_taken_for_all_against_all() -> None:
    x = torch.arange(8.0).unsqueeze(1)
    flat, column = Neuron(inputs=1, weights=(0.5,)).build(), Neuron(inputs=1, weights=(0.5,)).build()
    plan = Plan(cost="squared", optimiser="sgd", rate=0.01, epochs=3, batch=4)
    finish(fit(flat, Examples(x, x.squeeze(1) * 2), plan))
    finish(fit(column, Examples(x, x * 2), plan))
    assert same(flat, column)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"schedule": "linear"}, [1, 0.75, 0.5, 0.25]),
        (
            {"schedule": "cosine"},
            [1, 0.5 + 0.5 * math.cos(math.pi / 4), 0.5, 0.5 - 0.5 * math.cos(math.pi / 4)],
        ),
        ({"schedule": "steps", "decay": 0.5, "decay_every": 2}, [1, 1, 0.5, 0.5]),
        ({"schedule": "stall", "decay": 0.5, "decay_every": 1, "tolerance": 100.0}, [1, 1, 0.5, 0.25]),
        ({"warmup": 3}, [0.25, 0.5, 0.75, 1]),
    ],
)
def test_schedules_set_the_length_of_the_steps(schedule: dict[str, Any], expected: list[float]) -> None:
    """The gradient is always 1, so every step is as long as the rate."""
    neuron = Neuron(inputs=1, bias=False, weights=(0.0,)).build()
    data = Batches((Batch(torch.full((1, 1), -1.0), torch.full((1, 1), 1e4), None, 1),))
    moved, before = [], 0.0
    for _ in fit(
        neuron, data, Plan(cost="absolute", optimiser="sgd", rate=0.5, epochs=4, **schedule), every_step=True
    ):
        now = next(neuron.parameters()).item()
        moved.append(abs(now - before) / 0.5)
        before = now
    assert moved == pytest.approx(expected, rel=1e-5)


# Sequences


def test_padding_changes_nothing() -> None:
    """Sequences of different lengths in one batch give the same step as the mean over their frames, one by
    one.
    """
    generator = torch.Generator().manual_seed(2)
    rolls = [(torch.rand(length, 6, generator=generator) < 0.3).float() for length in (5, 9, 3)]
    config = Recurrent(inputs=6, hidden=7, outputs=6, seed=1)
    padded, alone = config.build(), config.build()
    plan = Plan(cost="binary cross-entropy", optimiser="sgd", rate=0.5, batch=3, epochs=1)
    report = next(fit(padded, Sequences.predicting_next(rolls), plan, every_step=True))

    frames = sum(len(roll) - 1 for roll in rolls)
    loss = torch.zeros(())
    for roll in rolls:
        loss = (
            loss
            + F.binary_cross_entropy_with_logits(alone(roll[None, :-1])[0], roll[1:], reduction="sum")
            / frames
        )
    torch.autograd.backward(loss)
    with torch.no_grad():
        for weight in alone.parameters():
            assert weight.grad is not None
            weight.sub_(0.5 * weight.grad)
    assert report.loss == pytest.approx(loss.item(), rel=1e-5)
    for one, other in zip(padded.parameters(), alone.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_masks_given_with_the_examples_are_kept() -> None:
    tokens = torch.tensor([0, 1, 2, 3])
    mask = torch.tensor([True, False, True, True])
    config = Recurrent(tokens=4, embedding=3, hidden=5, outputs=4)
    wrong = tokens.roll(-1).masked_fill(~mask, 0)
    one, other = config.build(), config.build()
    plan = Plan(optimiser="sgd", rate=0.1, epochs=2)
    first = watch(fit(one, [(tokens, tokens.roll(-1), mask), (tokens[:2], tokens[1:3], mask[2:])], plan))[1]
    second = watch(fit(other, [(tokens, wrong, mask), (tokens[:2], tokens[1:3], mask[2:])], plan))[1]
    assert same(one, other)
    assert first.history == second.history


def test_an_lstm_learns_what_a_counter_cannot() -> None:
    """The next symbol depends on the one three steps back: a table of single symbols is right half the time,
    an LSTM always.
    """
    generator = torch.Generator().manual_seed(1)
    sequences = []
    for _ in range(40):
        motif = torch.randint(0, 2, (3,), generator=generator)
        sequences.append(motif.repeat(6)[: 12 + int(torch.randint(0, 6, (1,), generator=generator))])
    data = Sequences.predicting_next(sequences)
    network = Recurrent(tokens=2, embedding=4, hidden=16, outputs=2).build()
    finish(fit(network, data, Plan(epochs=30, batch=10, rate=0.03, max_norm=1.0)))
    assert isinstance(network, SequenceNetwork)
    for tune in ([0, 0, 1], [0, 1, 1], [1, 0, 1]):
        memory, said = None, []
        for symbol in tune * 3:
            output, memory = network.following(torch.tensor([[symbol]]), memory)
            said.append(int(output.argmax()))
        assert said[3:8] == (tune * 3)[4:9]


# The whole


def test_digits_reach_97_percent_on_held_out_data() -> None:
    rest, test = load("digits").split(0.25, seed=0)
    network = Convolutional(shape=(1, 8, 8), classes=10, channels=(16, 32), hidden=64).build()
    finish(fit(network, rest, Plan(epochs=6, batch=64, rate=0.005, schedule="cosine")))
    assert evaluate(network, test, metrics=("accuracy",)).metrics["accuracy"] >= 0.97


def test_a_neuron_finds_the_least_squares_line() -> None:
    generator = torch.Generator().manual_seed(8)
    inputs = torch.randn(90, 3, generator=generator)
    targets = (
        inputs @ torch.tensor([[1.5], [0.5], [1.0]]) + 0.3 + 0.1 * torch.randn(90, 1, generator=generator)
    )
    network = Neuron(inputs=3).build()
    finish(
        fit(
            network,
            Examples(inputs, targets),
            Plan(cost="squared", optimiser="sgd", rate=0.1, epochs=200, batch=90),
        )
    )
    exact = np.linalg.lstsq(np.c_[inputs.numpy(), np.ones(90)], targets.numpy(), rcond=None)[0].ravel()
    found = torch.cat([weight.detach().ravel() for weight in network.parameters()]).numpy()
    assert found == pytest.approx(exact, abs=1e-4)


def test_settings_out_of_range_and_unknown_are_refused_by_name() -> None:
    with pytest.raises(Refused, match="'rate' is -1"):
        Plan.of(rate=-1)
    with pytest.raises(Refused, match="no setting 'learning_rate'"):
        Plan.of(learning_rate=0.1)
    assert Plan.of(rate=0.5) == Plan(rate=0.5)


def test_a_device_that_is_not_there_is_missed() -> None:
    if not torch.cuda.is_available():
        with pytest.raises(Missing, match="no cuda device"):
            next(fit(SMALL.build(), blobs(), Plan(device="cuda")))
    network = SMALL.build()
    finish(fit(network, blobs(), Plan(epochs=1, device="auto")))
    assert isinstance(network, Layered)
