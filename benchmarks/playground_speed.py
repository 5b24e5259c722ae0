"""How fast the Playground learns and draws, compared with a bare PyTorch loop.

    python -m benchmarks.playground_speed [--seconds 4]

Three rows take short turns, so that other load affects all of them: a bare torch loop over the same network
and points (shuffle, forward, backward, step, item); the Playground's training without drawing; and the
Playground as the page uses it, training and drawing in turn, each scene down to its JSON. The network is 4-2
on 250 points in batches of 10. The claims (10 drawn updates and 60 epochs per second while drawing, and the
ratio to the bare loop) are checked in CPU seconds of the one thread, which a busy machine disturbs least;
wall time is shown beside them.

Then each data set as a visitor meets it, drawn at every turn, until 95 % of the test points are right: with
the defaults, and the spiral with waves and Adam. Claimed: 5 seconds each, 10 for the spiral. Exit status 1 if
a claim fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from studio.lessons.kit.lesson import Action
from studio.lessons.playground.lesson import LESSON
from studio.lessons.playground.model import train

DRAWN_A_SECOND, EPOCHS_A_SECOND = 10, 60
SHARE_OF_BARE = 0.8
"""Training without drawing must keep this share of the bare loop's speed: measuring the curve at every turn
is in it.
"""


@dataclass
class Row:
    """turn: does some work and says how many epochs it was."""

    name: str
    turn: Callable[[], float]
    epochs: float = 0.0
    turns: int = 0
    wall: float = 0.0
    cpu: float = 0.0

    def take(self) -> None:
        wall, cpu = time.perf_counter(), time.thread_time()
        epochs = self.turn()
        self.wall += time.perf_counter() - wall
        self.cpu += time.thread_time() - cpu
        self.epochs += epochs
        self.turns += 1


def bare() -> Callable[[], float]:
    """One epoch a turn, as one writes it by hand."""
    state = LESSON.begin(LESSON.settings())
    inputs = torch.tensor(state.task.points, dtype=torch.float32)
    targets = torch.tensor((state.task.targets + 1) / 2, dtype=torch.float32)
    network = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 1))
    rule = torch.optim.SGD(network.parameters(), lr=0.03)

    def turn() -> float:
        order = torch.randperm(len(inputs))
        for start in range(0, len(inputs), 10):
            chosen = order[start : start + 10]
            rule.zero_grad()
            loss = F.binary_cross_entropy_with_logits(network(inputs[chosen]), targets[chosen])
            loss.backward()  # type: ignore[no-untyped-call]
            rule.step()
            loss.item()
        return 1.0

    return turn


def learning() -> Callable[[], float]:
    """Eight epochs a turn and a measurement of the curve, without drawing."""
    state = LESSON.begin(LESSON.settings())

    def turn() -> float:
        nonlocal state
        state = train(state, epochs=8)
        return 8.0

    return turn


def playing() -> Callable[[], float]:
    """A turn as the page asks for it: train for a moment, draw, write the JSON."""
    state = LESSON.act(LESSON.begin(LESSON.settings()), Action("play"))

    def turn() -> float:
        nonlocal state
        before = state.epoch
        state = LESSON.act(state, Action("advance"))
        json.dumps(LESSON.draw(state).to_dict())
        return state.epoch - before

    return turn


SOLVED, GIVEN_UP = 0.95, 60
TO_SOLVE = (
    ("circle", {}, 5.0),
    ("xor", {}, 5.0),
    ("gauss", {}, 5.0),
    ("spiral", {"features": "x, y, sin x, sin y", "layers": "8, 4", "optimiser": "Adam"}, 10.0),
)
"""Data set, settings that are not the defaults, and the seconds promised."""


def solve(data: str, settings: dict[str, str]) -> tuple[float, float, float]:
    """(CPU seconds, epochs, share of test points right) with the page's turns, until it is solved or given
    up.
    """
    state = LESSON.act(LESSON.begin(LESSON.settings({"data": data, **settings})), Action("play"))
    began, right = time.thread_time(), 0.0
    while right < SOLVED and time.thread_time() - began < GIVEN_UP:
        state = LESSON.act(state, Action("advance"))
        json.dumps(LESSON.draw(state).to_dict())
        right = state.curve[-1].test_right
    return time.thread_time() - began, state.epoch, right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=4.0, help="of work for each row")
    seconds: float = parser.parse_args().seconds
    torch.set_num_threads(1)
    rows = [
        Row("bare torch loop", bare()),
        Row("the Playground, learning alone", learning()),
        Row("the Playground, drawing too", playing()),
    ]
    for row in rows:  # the first turns load what loads when it is used
        row.turn()
    while rows[0].wall < seconds:
        for row in rows:
            row.take()
            while row.wall < min(rows[-1].wall, seconds):
                row.take()
    heads = ("epochs a CPU second", "epochs a second", "updates a CPU second", "updates a second")
    print(f"{'':34}" + "".join(f"{head:>23}" for head in heads))
    for row in rows:
        speeds = (row.epochs / row.cpu, row.epochs / row.wall, row.turns / row.cpu, row.turns / row.wall)
        print(f"{row.name:34}" + "".join(f"{speed:23.1f}" for speed in speeds))
    share = (rows[1].epochs / rows[1].cpu) / (rows[0].epochs / rows[0].cpu)
    drawn, epochs = rows[2].turns / rows[2].cpu, rows[2].epochs / rows[2].cpu
    print(f"learning alone keeps {share:.2f} of the bare loop's speed (at least {SHARE_OF_BARE})")
    print(
        f"while drawing: {drawn:.1f} updates (at least {DRAWN_A_SECOND}) and {epochs:.0f} epochs "
        f"(at least {EPOCHS_A_SECOND}) per CPU second"
    )
    late = False
    for data, settings, promised in TO_SOLVE:
        took, after, right = solve(data, settings)
        late |= right < SOLVED or took > promised
        how = ", ".join(f"{name} {value}" for name, value in settings.items()) or "the defaults"
        print(
            f"{data:7} with {how}: {right:.0%} of the test points right after {after:.0f} epochs, "
            f"{took:.1f} s (at most {promised:g})"
        )
    sys.exit(late or share < SHARE_OF_BARE or drawn < DRAWN_A_SECOND or epochs < EPOCHS_A_SECOND)


if __name__ == "__main__":
    main()
