"""Classes or numbers: the same fruit, asked “how sweet?” and asked “sweet enough?”."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.lessons.kit.lesson import Action, Check, Lesson, Push, Slide
from studio.lessons.kit.scene import Figure, Line, Mark, Points, Scene, Table, written

if TYPE_CHECKING:
    from torch import Tensor

    from studio.learning.descent import Ending, Step

WEIGHTS = (100.0, 220.0)
"""Grams."""
SWEETNESS = (8.0, 16.0)
"""Degrees Brix: grams of sugar in a hundred of juice."""
MIDDLE, SPREAD = 160.0, 35.0
RATES = (0.1, 0.6)
STEPS_A_TURN = 6
ENOUGH = 900
MOST_FRUIT = 120


@dataclass(frozen=True)
class Learner:
    """A slope and an intercept over the standardised weight of the fruit, and the loop that moves them."""

    weights: Tensor
    descent: Generator[Step, None, Ending]


@dataclass(frozen=True)
class ClassesOrNumbersState:
    """grams, brix: the fruit. line answers with a number, gate with a class."""

    settings: dict[str, Any]
    grams: np.ndarray
    brix: np.ndarray
    line: Learner
    gate: Learner
    steps: int = 0
    playing: bool = False
    said: str = ""


def begin(settings: Mapping[str, Any]) -> ClassesOrNumbersState:
    """Fruit, and two learners that know nothing yet."""
    rng = np.random.default_rng(int(settings["seed"]))
    grams = np.round(rng.uniform(108, 212, int(settings["fruit"])), 0)
    brix = np.clip(
        np.round(11.8 + 0.028 * (grams - MIDDLE) + rng.normal(0, float(settings["noise"]), len(grams)), 1),
        *SWEETNESS,
    )
    return _restarted(dict(settings), grams, brix)


def _restarted(settings: dict[str, Any], grams: np.ndarray, brix: np.ndarray) -> ClassesOrNumbersState:
    return ClassesOrNumbersState(
        settings, grams, brix, _line(grams, brix), _gate(grams, brix >= float(settings["enough"]))
    )


def _inputs(grams: np.ndarray) -> Tensor:
    import torch

    return torch.tensor(np.column_stack([(grams - MIDDLE) / SPREAD, np.ones(len(grams))]))


def _line(grams: np.ndarray, brix: np.ndarray) -> Learner:
    """Regression: the loss is the mean squared error."""
    import torch

    from studio.learning.descent import descend
    from studio.learning.rules import GradientDescent

    weights = torch.tensor([0.0, 10.0], dtype=torch.float64, requires_grad=True)
    inputs, targets = _inputs(grams), torch.tensor(brix)
    return Learner(
        weights,
        descend(
            [weights],
            lambda: ((inputs @ weights - targets) ** 2).mean(),
            GradientDescent(RATES[0]),
            steps=ENOUGH,
        ),
    )


def _gate(grams: np.ndarray, sweet: np.ndarray) -> Learner:
    """Classification: the loss is the cross-entropy, the mean of -log(probability given to the true
    class).
    """
    import torch

    from studio.learning.descent import descend
    from studio.learning.rules import GradientDescent

    weights = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    inputs, targets = _inputs(grams), torch.tensor(sweet, dtype=torch.float64)

    def measure() -> Tensor:
        # A little of the weights' own size is added, or a clean cut would get ever steeper.
        loss = torch.nn.functional.binary_cross_entropy_with_logits(inputs @ weights, targets)
        return loss + 0.002 * (weights**2).sum()

    return Learner(weights, descend([weights], measure, GradientDescent(RATES[1]), steps=ENOUGH))


def act(state: ClassesOrNumbersState, action: Action) -> ClassesOrNumbersState:
    """Learn, add or remove a fruit, or move the limit of sweetness."""
    if action.name == "reset":
        return begin(state.settings)
    if action.name == "play":
        return replace(state, playing=not state.playing and state.steps < ENOUGH)
    if action.name in ("advance", "step"):
        return _learn(state)
    if action.name == "click":
        return _fruit(state, action)
    if action.name == "set":
        settings = state.settings | {action.knob: action.value}
        return replace(
            _restarted(settings, state.grams, state.brix),
            playing=state.playing,
            said="The same fruit, sorted again: only their classes changed.",
        )
    return state


def _fruit(state: ClassesOrNumbersState, action: Action) -> ClassesOrNumbersState:
    if action.shift and len(state.grams) > 3:
        far = ((state.grams - action.x) / np.ptp(WEIGHTS)) ** 2 + (
            (state.brix - action.y) / np.ptp(SWEETNESS)
        ) ** 2
        keep = np.arange(len(state.grams)) != int(np.argmin(far))
        return replace(
            _restarted(state.settings, state.grams[keep], state.brix[keep]),
            said="One fruit removed; both start learning again.",
        )
    if len(state.grams) >= MOST_FRUIT:
        return replace(state, said=f"There is room for {MOST_FRUIT} fruit. Shift-click one to remove it.")
    grams, brix = float(np.clip(action.x, *WEIGHTS)), float(np.clip(action.y, *SWEETNESS))
    return replace(
        _restarted(
            state.settings, np.append(state.grams, round(grams)), np.append(state.brix, round(brix, 1))
        ),
        said="One fruit added; both start learning again.",
    )


def _learn(state: ClassesOrNumbersState) -> ClassesOrNumbersState:
    for _ in range(STEPS_A_TURN):
        one, other = next(state.line.descent, None), next(state.gate.descent, None)
        if one is None or other is None:
            return replace(state, playing=False, said=_verdict(state))
    steps = state.steps + STEPS_A_TURN
    done = steps >= ENOUGH // 2
    now = replace(state, steps=steps, playing=state.playing and not done)
    return replace(
        now,
        said=_verdict(now)
        if done
        else "Both learn from the same fruit: one how sweet, the other whether it is sweet enough.",
    )


def guesses(state: ClassesOrNumbersState, grams: np.ndarray) -> np.ndarray:
    """Sweetness in °Brix, by the line."""
    slope, start = state.line.weights.tolist()
    return np.asarray(slope * (grams - MIDDLE) / SPREAD + start)


def chances(state: ClassesOrNumbersState, grams: np.ndarray) -> np.ndarray:
    """The probability that each is sweet enough, by the gate."""
    slope, start = state.gate.weights.tolist()
    return np.asarray(1 / (1 + np.exp(-(slope * (grams - MIDDLE) / SPREAD + start))))


def boundary(state: ClassesOrNumbersState) -> float | None:
    """The weight in grams at which the gate says one half; None while it has no opinion."""
    slope, start = state.gate.weights.tolist()
    return None if abs(slope) < 1e-3 else MIDDLE - SPREAD * start / slope


def _verdict(state: ClassesOrNumbersState) -> str:
    off = float(np.mean(np.abs(guesses(state, state.grams) - state.brix)))
    right = _right(state)
    edge = boundary(state)
    where = (
        f" The gate switches at {edge:.0f} g." if edge is not None and WEIGHTS[0] < edge < WEIGHTS[1] else ""
    )
    return (
        f"The number is off by {off:.2f} °Brix on average; the class is right for {right} of "
        f"{len(state.grams)}.{where}"
    )


def _right(state: ClassesOrNumbersState) -> int:
    return int(((chances(state, state.grams) > 0.5) == (state.brix >= float(state.settings["enough"]))).sum())


def draw(state: ClassesOrNumbersState) -> Scene:
    """The same fruit twice: with the line through them, and sorted into two classes with the probability
    of each.
    """
    off = float(np.mean(np.abs(guesses(state, state.grams) - state.brix)))
    return Scene(
        figures=(_numbers_figure(state), _classes_figure(state)),
        columns=(1.15, 1),
        numbers={
            "average error": f"{off:.2f} °Brix",
            "correct class": f"{_right(state)} of {len(state.grams)}",
            "steps": str(state.steps),
        },
        says=state.said
        or (
            "Press Learn: a line learns how sweet the fruit are, a gate learns whether they are sweet enough."
        ),
        playing=state.playing,
    )


def _classes(state: ClassesOrNumbersState) -> tuple[list[str], list[str]]:
    sweet = state.brix >= float(state.settings["enough"])
    return ["one" if yes else "two" for yes in sweet], ["circle" if yes else "square" for yes in sweet]


def _numbers_figure(state: ClassesOrNumbersState) -> Figure:
    ends = np.array(WEIGHTS)
    colours, shapes = _classes(state)
    enough = float(state.settings["enough"])
    marks: list[Mark] = [
        Line(ends, (enough, enough), colour="faint", width=1.5, dash=True, name="sweet enough")
    ]
    marks += [
        Line((g, g), (b, y), colour="faint", width=1)
        for g, b, y in zip(state.grams, state.brix, np.clip(guesses(state, state.grams), 0, 30), strict=True)
    ]
    marks += [
        Line(ends, guesses(state, ends), colour="accent", width=3),
        Points(state.grams, state.brix, colour=colours, shape=shapes, size=6),
    ]
    off = float(np.mean(np.abs(guesses(state, state.grams) - state.brix)))
    text = (
        f"The line goes from {guesses(state, ends)[0]:.1f} to {guesses(state, ends)[1]:.1f} °Brix "
        f"and is {off:.2f} off on average."
    )
    return Figure(
        "numbers",
        "A number: how sweet?",
        WEIGHTS,
        SWEETNESS,
        tuple(marks),
        text,
        "grams",
        "°Brix",
        aspect=1.25,
        clicks="Click to add a fruit. Shift-click to remove the nearest one.",
    )


def _classes_figure(state: ClassesOrNumbersState) -> Figure:
    along = np.linspace(*WEIGHTS, 121)
    colours, shapes = _classes(state)
    sweet = (state.brix >= float(state.settings["enough"])).astype(float)
    marks: list[Mark] = [
        Line(along, chances(state, along), colour="accent", width=3, fill=True),
        Points(state.grams, sweet, colour=colours, shape=shapes, size=6),
    ]
    edge = boundary(state)
    text = "It has no opinion yet."
    if edge is not None and WEIGHTS[0] < edge < WEIGHTS[1]:
        marks.append(Line((edge, edge), (-0.1, 1.1), colour="ink", width=1.5, dash=True))
        text = (
            f"The chance passes one half at {edge:.0f} grams; {_right(state)} of {len(state.grams)} "
            "are on the correct side."
        )
    return Figure(
        "classes",
        "A class: sweet enough?",
        WEIGHTS,
        (-0.12, 1.12),
        tuple(marks),
        text,
        "grams",
        "chance",
        aspect=1.25,
    )


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """Every fruit with both answers, after the last step."""
    state = begin(settings)
    while state.steps < ENOUGH // 2:
        state = _learn(state)
    rows = tuple(
        (
            f"{g:.0f}",
            f"{b:.1f}",
            written(float(y), 2),
            "yes" if b >= float(settings["enough"]) else "no",
            f"{c:.2f}",
        )
        for g, b, y, c in zip(
            state.grams, state.brix, guesses(state, state.grams), chances(state, state.grams), strict=True
        )
    )
    yield Table(
        f"After {state.steps} steps", ("grams", "°Brix", "the line says", "sweet enough", "chance"), rows
    )
    yield _verdict(state)


LESSON: Lesson[ClassesOrNumbersState] = Lesson(
    name="classes_or_numbers",
    title="Classes or numbers",
    minutes=6,
    question="What changes when you ask “which kind” instead of “how much”?",
    first="Press Learn. When both have stopped, move “Sweet enough from” and press Learn again.",
    notice=(
        "The line is judged by how far off it is, the gate by how surprised it is.",
        (
            "A person made the classes: move the limit, and the same fruit change class. Their numbers "
            "stay the same."
        ),
        "Near its boundary the gate says one half: it does not know, and admits it.",
        "A class can be right while the number is far off, and the other way round.",
    ),
    checks=(
        Check(
            "What will happen to the line if you move “Sweet enough from”?",
            ("It turns", "Nothing: it never knew about the classes", "It breaks in two"),
            1,
            "The line learns the sweetness itself. The limit only decides how the fruit are sorted.",
        ),
        Check(
            "What will happen to the gate's curve if the noise grows?",
            ("It gets steeper", "It gets flatter", "It moves to the left"),
            1,
            ("The two kinds overlap more. Where both are found, the honest answer lies between 0 and 1."),
        ),
    ),
    formula=(
        "a number:   y = a · x + b\n"
        "            error = mean of (y − t)²\n"
        "a class:    p = 1 / (1 + e^−(a · x + b))\n"
        "            error = mean of −log(chance given to what was true)\n\n"
        "x  grams      t  sweetness      p  chance of “sweet enough”"
    ),
    code="""\
import math

grams, sweet = [-1.2, -0.6, -0.1, 0.4, 0.9, 1.3], [0, 0, 1, 0, 1, 1]
a = b = 0.0
for step in range(500):
    da = db = 0.0
    for x, t in zip(grams, sweet):
        p = 1 / (1 + math.exp(-(a * x + b)))
        da += (t - p) * x / len(grams)
        db += (t - p) / len(grams)
    a, b = a + 0.6 * da, b + 0.6 * db
print([round(1 / (1 + math.exp(-(a * x + b))), 2) for x in grams])""",
    tab="Dream",
    use=(
        "The network behind the dreams was trained to name classes. In a dream it is asked for a "
        "number: how much of this do you see?"
    ),
    knobs=(
        Push("play", "Learn", "train both, step by step", key="space", main=True),
        Push("reset", "Start again", "", key="r"),
        Slide(
            "enough",
            "Sweet enough from",
            9,
            15,
            0.1,
            12,
            "In °Brix. A fruit at least this sweet counts as sweet.",
        ),
        Slide("fruit", "Fruit", 6, 80, 1, 32, restarts=True),
        Slide(
            "noise",
            "Noise",
            0,
            2,
            0.1,
            0.8,
            "Fruit of the same weight can differ in sweetness.",
            restarts=True,
        ),
        Slide("seed", "Seed", 0, 99, 1, 0, "A different number gives different fruit.", restarts=True),
    ),
    begin=begin,
    act=act,
    draw=draw,
    table=table,
)
