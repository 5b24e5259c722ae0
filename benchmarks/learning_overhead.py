"""The overhead of the studio's learning loop over a bare loop written by hand.

    python -m benchmarks.learning_overhead [--rounds 15]

Each row trains the same network from the same weights on the same batches twice, bare and through the studio
with a report after every step, alternating every few milliseconds so that other load affects both. The
weights must be equal bit for bit. The median of the ratios of all pairs must stay within 1.05. CPU time of
the one thread is compared, which other programs disturb least; wall time is shown beside it. Exit status 1 if
a row takes longer or its weights differ.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.learning.datasets import Examples, load
from studio.learning.descent import descend
from studio.learning.networks import NetworkConfig, Perceptron
from studio.learning.rules import GradientDescent
from studio.learning.training import Plan, fit
from studio.process import finish

ALLOWED = 1.05
Slices = Iterator[list[float]]


@dataclass(frozen=True)
class Row:
    """bare and ours each train a network in place; they yield the losses of all steps, an epoch's or so at a
    time.
    """

    name: str
    network: Callable[[], nn.Module]
    bare: Callable[[nn.Module], Slices]
    ours: Callable[[nn.Module], Slices]


def bare_fit(network: nn.Module, data: Examples, plan: Plan) -> Slices:
    """As one writes it: shuffle, batches, zero_grad, forward, loss, backward, step, item."""
    inputs, targets, count = data.inputs, data.targets, len(data)
    if plan.optimiser == "adam":
        optimiser: torch.optim.Optimizer = torch.optim.Adam(network.parameters(), lr=plan.rate)
    else:
        optimiser = torch.optim.SGD(network.parameters(), lr=plan.rate, momentum=plan.momentum)
    cost = F.cross_entropy if plan.cost == "cross-entropy" else half_squared
    network.train()
    for epoch in range(1, plan.epochs + 1):
        losses = []
        order = torch.randperm(count, generator=torch.Generator().manual_seed(plan.seed * 1_000_003 + epoch))
        for start in range(0, count, plan.batch):
            chosen = order[start : start + plan.batch]
            optimiser.zero_grad()
            loss = cost(network(inputs[chosen]), targets[chosen])
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append(loss.item())
        yield losses


def half_squared(outputs: Tensor, targets: Tensor) -> Tensor:
    return 0.5 * F.mse_loss(outputs, targets)


def our_fit(network: nn.Module, data: Examples, plan: Plan) -> Slices:
    losses = []
    for report in fit(network, data, plan, every_step=True):
        losses.append(report.loss)
        if report.figures is not None:
            yield losses
            losses = []


def bare_descent(network: nn.Module, data: Examples, rate: float, steps: int) -> Slices:
    optimiser = torch.optim.SGD(network.parameters(), lr=rate)
    losses = []
    for number in range(1, steps + 1):
        optimiser.zero_grad()
        loss = F.mse_loss(network(data.inputs), data.targets)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
        if number % 25 == 0:
            yield losses
            losses = []


def our_descent(network: nn.Module, data: Examples, rate: float, steps: int) -> Slices:
    def loss() -> Tensor:
        return F.mse_loss(network(data.inputs), data.targets)

    losses = []
    for step in descend(list(network.parameters()), loss, GradientDescent(rate), steps=steps):
        losses.append(step.loss)
        if step.number % 25 == 0:
            yield losses
            losses = []


def rows() -> list[Row]:
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(250, 2, generator=generator) * 10 - 5
    circle = Examples(points, torch.where(points.norm(dim=1, keepdim=True) < 2.5, 1.0, -1.0))
    digits = load("digits")
    digits = Examples(digits.inputs.flatten(1), digits.targets)
    playground = Perceptron(
        inputs=2, hidden=(4, 2), outputs=1, activation="tanh", output="tanh", start="playground"
    )
    reader = Perceptron(inputs=64, hidden=(64,), outputs=10)

    def fitting(name: str, config: NetworkConfig, data: Examples, plan: Plan) -> Row:
        return Row(
            name,
            config.build,
            lambda network: bare_fit(network, data, plan),
            lambda network: our_fit(network, data, plan),
        )

    sgd = Plan(cost="half squared", optimiser="sgd", rate=0.03, batch=10, epochs=40, device="cpu")
    return [
        fitting("fit: playground 2-4-2-1, batch 10, gradient descent", playground, circle, sgd),
        fitting(
            "fit: the same with momentum 0.9", playground, circle, sgd.model_copy(update={"momentum": 0.9})
        ),
        fitting("fit: the same with Adam", playground, circle, sgd.model_copy(update={"optimiser": "adam"})),
        fitting("fit: digits 64-64-10, batch 32, Adam", reader, digits, Plan(epochs=8, device="cpu")),
        Row(
            "descend: playground 2-4-2-1, all 250 points a step",
            playground.build,
            lambda network: bare_descent(network, circle, 0.03, 1000),
            lambda network: our_descent(network, circle, 0.03, 1000),
        ),
    ]


@dataclass
class Spent:
    """What one of the two trainings has cost so far, in seconds, and the losses it went through."""

    cpu: float = 0.0
    wall: float = 0.0
    losses: list[float] = field(default_factory=list)

    def one_slice(self, slices: Slices) -> bool:
        wall, cpu = time.perf_counter(), time.process_time()
        losses = next(slices, None)
        self.cpu += time.process_time() - cpu
        self.wall += time.perf_counter() - wall
        self.losses += losses or []
        return losses is not None


def main() -> int:
    asked = argparse.ArgumentParser(description="The learning layer's overhead over a bare loop.")
    asked.add_argument("--rounds", type=int, default=15)
    rounds = asked.parse_args().rounds
    torch.set_num_threads(1)
    finish(
        fit(
            Perceptron(inputs=1).build(),
            Examples(torch.zeros(2, 1), torch.zeros(2, 1)),
            Plan(cost="squared", epochs=2),
        )
    )

    worst = 0.0
    print(f"{'':58} {'bare':>9} {'studio':>9}   ratio (CPU)                ratio (wall)")
    for row in rows():
        cpu_ratios, wall_ratios, bare_steps, our_steps = [], [], [], []
        for turn in range(rounds):
            networks = row.network(), row.network()
            bare, ours = row.bare(networks[0]), row.ours(networks[1])
            by_hand, by_studio = Spent(), Spent()
            gc.collect()
            pair = [(by_hand, bare), (by_studio, ours)]
            for number in itertools.count(turn):
                went_on = [
                    spent.one_slice(slices) for spent, slices in (pair if number % 2 else reversed(pair))
                ]
                if not any(went_on):
                    break
            equal = all(
                torch.equal(one, other)
                for one, other in zip(networks[0].parameters(), networks[1].parameters(), strict=True)
            )
            if not equal or by_hand.losses != by_studio.losses or not all(map(math.isfinite, by_hand.losses)):
                print(f"{row.name}: the weights or losses are not the same")
                return 1
            cpu_ratios.append(by_studio.cpu / by_hand.cpu)
            wall_ratios.append(by_studio.wall / by_hand.wall)
            bare_steps.append(by_hand.cpu / len(by_hand.losses) * 1e6)
            our_steps.append(by_studio.cpu / len(by_studio.losses) * 1e6)
        cpu, wall = statistics.median(cpu_ratios), statistics.median(wall_ratios)
        worst = max(worst, cpu)
        print(
            f"{row.name:58} {statistics.median(bare_steps):6.0f} us {statistics.median(our_steps):6.0f} us   "
            f"{cpu:.3f} ({min(cpu_ratios):.3f} to {max(cpu_ratios):.3f})   "
            f"{wall:.3f} ({min(wall_ratios):.3f} to {max(wall_ratios):.3f})"
        )
        print(f"{'':60}each pair: {' '.join(f'{ratio:.2f}' for ratio in cpu_ratios)}")
    print(f"weights and losses equal to the bit in every pair; worst median {worst:.3f}, allowed {ALLOWED}")
    return 0 if worst <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
