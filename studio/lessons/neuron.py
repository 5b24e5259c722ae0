"""The neuron: a weighted sum, a bias and an activation, and what one neuron can and cannot separate."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.lessons.kit.lesson import Action, Check, Choice, Lesson, Push, Slide, Switch
from studio.lessons.kit.scene import (
    Arrow,
    Figure,
    Heat,
    Line,
    Link,
    Mark,
    Node,
    Points,
    Scene,
    Table,
    Words,
    written,
)

if TYPE_CHECKING:
    from torch import Tensor

    from studio.learning.descent import Ending, Step

ACTIVATIONS = ("tanh", "sigmoid", "relu", "linear", "step")
TASKS = ("or", "and", "xor", "two clouds")
WEIGHTS = ("weight_1", "weight_2", "bias")
REACH = 1.6
"""The plane goes from -REACH to REACH both ways."""
GRID = 40
RATE = 0.3
STEPS_A_TURN = 2
ENOUGH = 400
LONGEST_RUN = 5_000


@dataclass(frozen=True)
class NeuronState:
    """points: [cases, 2]; targets: +1 (orange) or -1 (blue).
    weights: w1, w2, b, moved by hand or by `descent`.
    """

    settings: dict[str, Any]
    points: np.ndarray
    targets: np.ndarray
    weights: Tensor
    descent: Generator[Step, None, Ending]
    chosen: int = 0
    steps: int = 0
    playing: bool = False
    said: str = ""


def begin(settings: Mapping[str, Any]) -> NeuronState:
    """The points of a task, and the weights as the sliders say."""
    points, targets = _task(str(settings["task"]), int(settings["seed"]))
    return NeuronState(dict(settings), points, targets, *_loop(settings, points, targets))


def _task(task: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    if task == "two clouds":
        points = np.concatenate(
            [rng.normal((0.7, 0.4), 0.3, (14, 2)), rng.normal((-0.6, -0.3), 0.3, (14, 2))]
        )
        return np.clip(points, -1.5, 1.5).round(3), np.repeat([1.0, -1.0], 14)
    points = np.array([(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)])
    yes = {"or": (0, 1, 1, 1), "and": (0, 0, 0, 1), "xor": (0, 1, 1, 0)}[task]
    return points, np.array(yes) * 2.0 - 1.0


def output(sums: np.ndarray, activation: str) -> np.ndarray:
    """The activation of weighted sums: -1 … 1 for the bounded ones (the sigmoid is stretched, so that all
    compare).
    """
    bounded: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "tanh": np.tanh,
        "sigmoid": lambda z: 2 / (1 + np.exp(-z)) - 1,
        "relu": lambda z: np.maximum(z, 0),
        "linear": lambda z: z,
        "step": lambda z: np.where(z >= 0, 1.0, -1.0),
    }
    return np.asarray(bounded[activation](sums))


def _loop(
    settings: Mapping[str, Any], points: np.ndarray, targets: np.ndarray
) -> tuple[Tensor, Generator[Step, None, Ending]]:
    """The shared loop over w1, w2, b. The loss is the mean squared difference between output and target."""
    import torch

    from studio.learning.descent import Slope, descend
    from studio.learning.rules import GradientDescent

    weights = torch.tensor(
        [float(settings[name]) for name in WEIGHTS], dtype=torch.float64, requires_grad=True
    )
    inputs = torch.tensor(np.column_stack([points, np.ones(len(points))]))
    wanted = torch.tensor(targets)
    activation = str(settings["activation"])

    def measure() -> Tensor | Slope:
        sums = inputs @ weights
        if activation == "step":
            # A step has no slope. This is the perceptron's own rule (Rosenblatt, 1958): learn from what is on
            # the wrong side.
            errors = (torch.sign(sums.detach()) - wanted) / 2
            return Slope(float((errors != 0).double().mean()), [(errors @ inputs) / len(wanted)])
        smooth: dict[str, Callable[[Tensor], Tensor]] = {
            "tanh": torch.tanh,
            "sigmoid": lambda z: 2 * torch.sigmoid(z) - 1,
            "relu": torch.relu,
            "linear": lambda z: z,
        }
        return ((smooth[activation](sums) - wanted) ** 2).mean()

    return weights, descend([weights], measure, GradientDescent(RATE), steps=LONGEST_RUN)


def act(state: NeuronState, action: Action) -> NeuronState:
    """Change a weight, choose a point, or let the neuron learn."""
    if action.name == "set":
        settings = state.settings | {action.knob: action.value}
        if action.knob in (*WEIGHTS, "activation"):
            weights, descent = _loop(settings, state.points, state.targets)
            return replace(
                state, settings=settings, weights=weights, descent=descent, steps=0, said="", playing=False
            )
        return replace(state, settings=settings)
    if action.name == "click":
        nearest = int(np.argmin(((state.points - (action.x, action.y)) ** 2).sum(axis=1)))
        return replace(state, chosen=nearest)
    if action.name == "reset":
        return begin(state.settings | {"weight_1": 0.2, "weight_2": -0.4, "bias": 0.1})
    if action.name == "play":
        return replace(state, playing=not state.playing)
    if action.name in ("advance", "step"):
        return _learn(state)
    return state


def _learn(state: NeuronState) -> NeuronState:
    step = None
    for _ in range(STEPS_A_TURN):
        step = next(state.descent, None)
        if step is None or step.ending is not None:
            break
    learnt = {
        name: round(float(value), 3) for name, value in zip(WEIGHTS, state.weights.tolist(), strict=True)
    }
    now = replace(state, settings=state.settings | learnt, steps=state.steps + STEPS_A_TURN)
    right = _right(now)
    if (
        step is None
        or step.ending is not None
        or now.steps >= ENOUGH
        or (right == len(now.targets) and now.steps > 60)
    ):
        return replace(now, playing=False, said=_verdict(now))
    return replace(
        now, said=f"{right} of {len(now.targets)} on the right side; error {written(step.loss, 3)}."
    )


def _verdict(state: NeuronState) -> str:
    right, of = _right(state), len(state.targets)
    if right == of:
        return f"All {of} are on the right side of one straight line."
    if state.settings["task"] == "xor":
        return (
            f"{right} of {of}. It will get no further: no straight line has both orange corners on "
            "one side. That takes a second layer."
        )
    return (
        f"{right} of {of}, and it gets no further from here. Try another activation, or other "
        "starting weights."
    )


def _sums(state: NeuronState, points: np.ndarray) -> np.ndarray:
    w1, w2, b = state.weights.tolist()
    return np.asarray(points @ np.array([w1, w2]) + b)


def _right(state: NeuronState) -> int:
    outputs = output(_sums(state, state.points), str(state.settings["activation"]))
    sides = (
        np.where(outputs > 0.5, 1, -1)
        if state.settings["activation"] == "relu"
        else np.where(outputs > 0, 1, -1)
    )
    return int((sides == state.targets).sum())


def draw(state: NeuronState) -> Scene:
    """The neuron with the chosen point's numbers on it, the plane it divides, and its activation."""
    wrong = float(
        np.mean((output(_sums(state, state.points), str(state.settings["activation"])) - state.targets) ** 2)
    )
    diagram = _nerve() if state.settings["biology"] else _diagram(state)
    return Scene(
        figures=(_plane(state), diagram, _activation(state)),
        columns=(1, 1.15),
        numbers={
            "right": f"{_right(state)} of {len(state.targets)}",
            "error": written(wrong, 3),
            "steps": str(state.steps),
        },
        says=state.said
        or "Change the weights until the orange points are on orange ground and the blue ones on blue.",
        mood="good" if _right(state) == len(state.targets) else "plain",
        playing=state.playing,
        values={
            name: round(float(value), 3) for name, value in zip(WEIGHTS, state.weights.tolist(), strict=True)
        },
    )


def _plane(state: NeuronState) -> Figure:
    side = np.linspace(-REACH, REACH, GRID)
    across, up = np.meshgrid(side, side)
    ground = output(
        _sums(state, np.column_stack([across.ravel(), up.ravel()])), str(state.settings["activation"])
    ).reshape(GRID, GRID)
    w1, w2, b = state.weights.tolist()
    marks: list[Mark] = [Heat(np.clip(ground, -1, 1) * 0.75, (-REACH, REACH, -REACH, REACH))]
    if abs(w2) > 1e-6:
        ends = np.array([-REACH, REACH])
        marks.append(Line(ends, np.clip(-(w1 * ends + b) / w2, -30, 30), colour="ink", width=2, dash=True))
    colours = ["one" if target > 0 else "two" for target in state.targets]
    shapes = ["circle" if target > 0 else "square" for target in state.targets]
    marks.append(Points(state.points[:, 0], state.points[:, 1], colour=colours, shape=shapes, size=7))
    x, y = state.points[state.chosen]
    marks.append(Points([x], [y], colour="accent", shape="ring", size=12))
    text = (
        f"{_right(state)} of {len(state.targets)} points are on the right side. The line is where "
        f"{w1:.2f} x1 + {w2:.2f} x2 + {b:.2f} is 0."
    )
    return Figure(
        "plane",
        "What it says everywhere",
        (-REACH, REACH),
        (-REACH, REACH),
        tuple(marks),
        text,
        "x1",
        "x2",
        aspect=0.86,
        rows=2,
        clicks="Click a point to send it through the neuron.",
    )


def _numbers_through(state: NeuronState) -> tuple[float, float, float, float, float, float, float]:
    x1, x2 = state.points[state.chosen]
    w1, w2, b = state.weights.tolist()
    total = w1 * x1 + w2 * x2 + b
    return (
        float(x1),
        float(x2),
        w1,
        w2,
        b,
        float(total),
        float(output(np.array(total), str(state.settings["activation"]))),
    )


def _diagram(state: NeuronState) -> Figure:
    x1, x2, w1, w2, b, total, out = _numbers_through(state)
    marks: tuple[Mark, ...] = (
        Link("w1", "x1", "sum", w1),
        Link("w2", "x2", "sum", w2),
        Link("b", "one", "sum", b),
        Link("out", "sum", "act", 0.7 if total >= 0 else -0.7),
        Node("x1", 1.4, 5, f"x1 = {x1:.2f}"),
        Node("x2", 1.4, 3, f"x2 = {x2:.2f}"),
        Node("one", 1.4, 1, "always 1"),
        Node("sum", 5.4, 3, chosen=True),
        Node("act", 8.2, 3),
        Words(
            (5.4, 8.2),
            (3, 3),
            (
                "Σ",
                {"tanh": "tanh", "sigmoid": "σ", "relu": "relu", "linear": "lin", "step": "step"}[
                    str(state.settings["activation"])
                ],
            ),
        ),
        Words(
            (3.75, 3.05, 3.75), (4.75, 3.35, 1.25), (f"× {w1:z.2f}", f"× {w2:z.2f}", f"+ {b:z.2f}"), size=12.5
        ),
        Words((5.4, 8.2), (2.1, 2.1), (f"{total:z.3f}", f"{out:z.3f}"), colour="accent", size=14),
    )
    text = (
        f"{x1:.2f} × {w1:.2f} + {x2:.2f} × {w2:.2f} + {b:.2f} = {total:.3f}; through the activation: "
        f"{out:.3f}."
    )
    return Figure(
        "neuron",
        "The ringed point goes through the neuron",
        (-1.9, 9.4),
        (0, 6),
        marks,
        text,
        aspect=1.6,
        axes=False,
    )


def _nerve() -> Figure:
    """The cell that gave the idea, its parts in the same places as in the diagram."""
    angles = np.linspace(0, 2 * np.pi, 40)
    dendrites = [
        ((1.0, 5.3), (3.0, 4.6), (4.7, 3.6)),
        ((1.0, 3.0), (3.0, 3.1), (4.6, 3.0)),
        ((1.0, 0.8), (3.0, 1.6), (4.7, 2.4)),
    ]
    marks: tuple[Mark, ...] = (
        *(Line([x for x, _ in way], [y for _, y in way], colour="two", width=4) for way in dendrites),
        Line(5.4 + 0.9 * np.cos(angles), 3 + 0.9 * np.sin(angles), colour="one", width=4),
        Points([5.4], [3], colour="one", size=9),
        Line((6.3, 8.6), (3, 3), colour="three", width=5),
        Arrow((8.5, 3), (9.1, 3.7), colour="three", width=4),
        Arrow((8.5, 3), (9.1, 2.3), colour="three", width=4),
        Words(
            (0.0, 0.0),
            (5.6, 0.35),
            ("dendrites: the inputs", "synapses: the weights"),
            size=12.5,
            anchor="start",
        ),
        Words((5.4, 8.6), (4.4, 4.4), ("body: adds up", "axon: the output"), size=12.5, anchor="start"),
    )
    text = (
        "Dendrites bring signals in through synapses of different strengths; the cell body adds them "
        "up; the axon fires if the sum is large."
    )
    return Figure(
        "neuron", "The cell the idea came from", (-0.4, 11.4), (0, 6), marks, text, aspect=1.6, axes=False
    )


def _activation(state: NeuronState) -> Figure:
    activation = str(state.settings["activation"])
    sums = np.linspace(-4, 4, 161)
    *_, total, out = _numbers_through(state)
    at = float(np.clip(total, -4, 4))
    marks = (
        Line(sums, output(sums, activation), colour="one", width=3),
        Points([at], [out], colour="accent", size=7),
    )
    return Figure(
        "activation",
        "Its activation",
        (-4, 4),
        (-1.4, 1.4),
        marks,
        f"A sum of {total:.2f} becomes {out:.2f}.",
        "weighted sum",
        "output",
        aspect=2.1,
    )


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """Learn for a hundred steps, then send every case through the neuron."""
    state = begin(settings)
    for _ in range(50):
        state = _learn(state)
    w1, w2, b = state.weights.tolist()
    yield f"After 100 steps: w1 = {w1:.4f}, w2 = {w2:.4f}, bias = {b:.4f}"
    sums = _sums(state, state.points)
    outputs = output(sums, str(settings["activation"]))
    rows = tuple(
        (f"{x1:.2f}", f"{x2:.2f}", written(z), written(o), f"{t:+.0f}")
        for (x1, x2), z, o, t in zip(state.points, sums, outputs, state.targets, strict=True)
    )
    yield Table("Every case", ("x1", "x2", "sum", "output", "target"), rows)
    yield _verdict(state)


LESSON: Lesson[NeuronState] = Lesson(
    name="neuron",
    title="The neuron",
    minutes=8,
    question="What can one artificial nerve cell do, and what can it never do?",
    first=(
        "Drag Weight 1 to the right and watch the boundary turn. Then choose xor and try to get all "
        "four right."
    ),
    notice=(
        "The weights turn the boundary, the bias shifts it, and the activation decides how soft it is.",
        "The boundary is always straight, whatever the weights.",
        (
            "No straight line separates xor. That one fact held the field back for years (Minsky and "
            "Papert, 1969)."
        ),
        "The cells in your head do much more; the drawing keeps only four of their parts.",
    ),
    checks=(
        Check(
            "What will happen if all weights are doubled, and the bias too?",
            ("The boundary moves", "The boundary stays, and gets sharper", "Everything turns orange"),
            1,
            "Where the sum was 0, it is still 0. Everywhere else it is twice as far from 0.",
        ),
        Check(
            "How many of xor's four points can one neuron get right?",
            ("Two", "Three", "Four"),
            1,
            "It can get any three right; the fourth is then on the wrong side.",
        ),
    ),
    formula=(
        "output = f(w1 · x1 + w2 · x2 + b)\n\n"
        "x  inputs      w  weights: how much each input counts, and which way\n"
        "b  bias: shifts the sum, so the neuron fires earlier or later\n"
        "f  activation: tanh, sigmoid, relu, a straight line, or a step"
    ),
    code="""\
import math

def neuron(x1, x2, w1, w2, b):
    return math.tanh(w1 * x1 + w2 * x2 + b)

cases = [(-1, -1, -1), (-1, 1, 1), (1, -1, 1), (1, 1, 1)]  # or
w1, w2, b = 0.2, -0.4, 0.1
for step in range(300):
    for x1, x2, wanted in cases:
        y = neuron(x1, x2, w1, w2, b)
        nudge = 0.1 * (wanted - y) * (1 - y * y)
        w1, w2, b = w1 + nudge * x1, w2 + nudge * x2, b + nudge
print([round(neuron(x1, x2, w1, w2, b), 2) for x1, x2, _ in cases])""",
    tab="Dream",
    use=(
        "The network that dreams is made of such sums, each looking at a small patch. You can dream "
        "with just one of them: give NAME:CHANNEL as a layer."
    ),
    knobs=(
        Push("play", "Learn", "let the neuron find its weights", key="space", main=True),
        Push("reset", "Start again", "", key="r"),
        Choice("task", "Task", TASKS, "or", restarts=True),
        Slide("weight_1", "Weight 1", -6, 6, 0.05, 0.2, "How much x1 counts."),
        Slide("weight_2", "Weight 2", -6, 6, 0.05, -0.4, "How much x2 counts."),
        Slide("bias", "Bias", -6, 6, 0.05, 0.1, "Shifts the boundary."),
        Choice("activation", "Activation", ACTIVATIONS, "tanh", "What is done to the sum."),
        Switch("biology", "Show the living cell", False),
        Slide("seed", "Seed", 0, 99, 1, 1, "A different number gives different clouds.", restarts=True),
    ),
    begin=begin,
    act=act,
    draw=draw,
    table=table,
)
