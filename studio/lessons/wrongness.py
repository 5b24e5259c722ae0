"""Wrongness: a cost as a landscape, walked down by hand, then along the slope."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.lessons.kit.lesson import Action, Check, Choice, Lesson, Push, Slide
from studio.lessons.kit.scene import Arrow, Figure, Heat, Line, Mark, Points, Scene, Table, written

if TYPE_CHECKING:
    from torch import Tensor

    from studio.learning.descent import Ending, Step

COSTS = ("squared error", "absolute error", "right or wrong")
CLOSE_ENOUGH = 0.4
"""How close counts as right, for the cost that only knows right and wrong."""
SLOPES, STARTS = (-2.0, 3.0), (-2.0, 3.0)
START = (-1.4, 2.4)
GRID = 56
LONGEST_RUN = 2_000
LONGEST_WALK = 500
"""Steps that the terminal takes before it gives up."""


@dataclass(frozen=True)
class WrongnessState:
    """x, y: the points the line should pass through.
    path: every place visited, as (slope, intercept, wrongness).
    """

    settings: dict[str, Any]
    x: np.ndarray
    y: np.ndarray
    weights: Tensor
    descent: Generator[Step, None, Ending]
    path: tuple[tuple[float, float, float], ...]
    playing: bool = False
    said: str = ""
    mood: str = "plain"


def begin(settings: Mapping[str, Any]) -> WrongnessState:
    """New points, and a place on the slope far from the valley."""
    rng = np.random.default_rng(int(settings["seed"]))
    x = np.round(np.linspace(-1.8, 1.8, 9) + rng.normal(0, 0.1, 9), 2)
    y = np.round(0.8 * x + 0.6 + rng.normal(0, 0.35, 9), 2)
    return _at(dict(settings), x, y, START, ())


def _at(
    settings: dict[str, Any],
    x: np.ndarray,
    y: np.ndarray,
    place: tuple[float, float],
    path: tuple[tuple[float, float, float], ...],
) -> WrongnessState:
    """A new descent from a place."""
    import torch

    weights = torch.tensor(place, dtype=torch.float64, requires_grad=True)
    descent = _descent(
        weights, torch.tensor(x), torch.tensor(y), str(settings["cost"]), float(settings["rate"])
    )
    here = (*place, float(costs(np.array(place[0]), np.array(place[1]), x, y, str(settings["cost"]))))
    return WrongnessState(settings, x, y, weights, descent, (*path, here))


def costs(slope: np.ndarray, start: np.ndarray, x: np.ndarray, y: np.ndarray, cost: str) -> np.ndarray:
    """The wrongness of the lines slope · x + start, for arrays of slopes and intercepts of the same
    shape.
    """
    errors = slope[..., None] * x + start[..., None] - y
    if cost == "squared error":
        return np.asarray(np.mean(errors**2, axis=-1))
    if cost == "absolute error":
        return np.asarray(np.mean(np.abs(errors), axis=-1))
    return np.asarray(np.mean(np.abs(errors) > CLOSE_ENOUGH, axis=-1))


def _descent(weights: Tensor, x: Tensor, y: Tensor, cost: str, rate: float) -> Generator[Step, None, Ending]:
    import torch

    from studio.learning.descent import DescentOptions, Slope, descend
    from studio.learning.rules import GradientDescent

    def measure() -> Tensor | Slope:
        errors = weights[0] * x + weights[1] - y
        if cost == "squared error":
            return (errors**2).mean()
        if cost == "absolute error":
            return errors.abs().mean()
        # Nothing changes when the line moves a hair, so there is no slope to follow.
        return Slope(float((errors.abs() > CLOSE_ENOUGH).double().mean()), [torch.zeros_like(weights)])

    return descend(
        [weights], measure, GradientDescent(rate), steps=LONGEST_RUN, options=DescentOptions(keep_every=4)
    )


def act(state: WrongnessState, action: Action) -> WrongnessState:
    """A step by hand, a step along the slope, or a step back."""
    if action.name == "reset":
        return begin(state.settings)
    if action.name == "undo":
        if len(state.path) < 2:
            return replace(state, said="This is where you started.", mood="plain")
        return _at(state.settings, state.x, state.y, state.path[-2][:2], state.path[:-2])
    if action.name == "click":
        place = (float(np.clip(action.x, *SLOPES)), float(np.clip(action.y, *STARTS)))
        moved = _at(state.settings, state.x, state.y, place, state.path)
        return replace(moved, said=_by_hand(moved.path))
    if action.name == "set":
        settings = state.settings | {action.knob: action.value}
        return _at(
            settings, state.x, state.y, state.path[-1][:2], () if action.knob == "cost" else state.path[:-1]
        )
    if action.name == "play":
        return replace(state, playing=not state.playing)
    if action.name in ("step", "advance"):
        return _downhill(state)
    return state


def _by_hand(path: tuple[tuple[float, float, float], ...]) -> str:
    before, now = path[-2][2], path[-1][2]
    if now < before:
        return f"Better: {written(before, 3)} became {written(now, 3)}. Can you find a lower place?"
    return f"Worse: {written(before, 3)} became {written(now, 3)}. Undo, or try another direction."


def _downhill(state: WrongnessState) -> WrongnessState:
    step = next(state.descent, None)
    if step is None or step.ending is not None:
        bad = step is not None and step.ending is not None and step.ending.kind == "diverged"
        sentence = (
            step.ending.sentence
            if step is not None and step.ending is not None
            else "That was the last step; press Start again."
        )
        moved = _at(
            state.settings,
            state.x,
            state.y,
            state.path[0][:2] if bad else state.path[-1][:2],
            state.path[:1] if bad else state.path,
        )
        return replace(moved, said=sentence, mood="bad" if bad else "plain")
    slope, start = state.weights.tolist()
    after = float(costs(np.array(slope), np.array(start), state.x, state.y, str(state.settings["cost"])))
    before = state.path[-1][2]
    path = (*state.path, (slope, start, after))
    if not (abs(slope) < 1e4 and abs(start) < 1e4):
        return replace(
            state,
            path=path,
            playing=False,
            said=(
                "Every step overshoots further: the learning rate is too large. Undo, then try a third of it."
            ),
            mood="bad",
        )
    if step.gradient == 0:
        return replace(
            state,
            playing=False,
            said=(
                "It is flat here: a tiny move changes nothing, so no slope shows the way. Try another cost."
            ),
            mood="bad",
        )
    if step.gradient < 2e-3:
        return replace(
            state,
            path=path,
            playing=False,
            said=f"The ground is level: this is the valley, at a wrongness of {written(after, 3)}.",
            mood="good",
        )
    if after > before:
        return replace(
            state,
            path=path,
            said="Uphill: the step was longer than the valley is wide. A smaller rate would not overshoot.",
            mood="bad",
        )
    return replace(
        state,
        path=path,
        said=f"One step down the steepest way: {written(before, 3)} became {written(after, 3)}.",
        mood="plain",
    )


def draw(state: WrongnessState) -> Scene:
    """The landscape with the path so far, the line among its points, and the wrongness along the path."""
    slope, start, wrong = state.path[-1]
    return Scene(
        figures=(_landscape(state), _line_figure(state), _curve(state)),
        columns=(1.15, 1),
        numbers={
            "slope": written(slope, 3),
            "intercept": written(start, 3),
            "wrongness": written(wrong, 4),
            "steps": str(len(state.path) - 1),
        },
        says=state.said
        or "Bright is wrong, dark is right. You are at the bright dot: click where you think it is lower.",
        mood=state.mood,
        playing=state.playing,
    )


def _landscape(state: WrongnessState) -> Figure:
    cost = str(state.settings["cost"])
    slopes, starts = np.meshgrid(np.linspace(*SLOPES, GRID), np.linspace(*STARTS, GRID))
    heights = costs(slopes, starts, state.x, state.y, cost)
    # The root spreads the valley's floor, where all of the action is.
    shade = np.sqrt((heights - heights.min()) / max(float(np.ptp(heights)), 1e-9))
    bands = np.floor(shade * 14) / 14 * 0.8 + 0.06
    seen = [(np.clip(a, -20, 20), np.clip(b, -20, 20)) for a, b, _ in state.path[-400:]]
    a, b, wrong = state.path[-1]
    marks: list[Mark] = [
        Heat(bands, (*SLOPES, *STARTS), scale="light"),
        Line([p[0] for p in seen], [p[1] for p in seen], colour="one", width=2.5),
        Points([p[0] for p in seen[:-1]], [p[1] for p in seen[:-1]], colour="one", size=3),
    ]
    down = _steepest(state)
    if down is not None and max(abs(a), abs(b)) < 4:
        marks.append(Arrow((a, b), (a + down[0], b + down[1]), colour="two", width=3))
    marks.append(Points([np.clip(a, -20, 20)], [np.clip(b, -20, 20)], colour="accent", size=7))
    text = f"You stand at slope {a:.2f} and intercept {b:.2f}, wrongness {written(wrong, 3)}. "
    text += (
        "It is flat here."
        if down is None
        else (
            f"Steepest way down: slope {'up' if down[0] > 0 else 'down'}, intercept "
            f"{'up' if down[1] > 0 else 'down'}."
        )
    )
    return Figure(
        "landscape",
        f"The landscape of {cost}",
        SLOPES,
        STARTS,
        tuple(marks),
        text,
        "slope of the line",
        "intercept of the line",
        aspect=0.88,
        rows=2,
        clicks="Click to go there by hand. The blue arrow points down the steepest way.",
    )


def _steepest(state: WrongnessState) -> tuple[float, float] | None:
    """The direction of steepest descent, half a unit long; None where it is flat."""
    x, y, cost = state.x, state.y, str(state.settings["cost"])
    a, b, _ = state.path[-1]
    errors = a * x + b - y
    pull = {"squared error": 2 * errors, "absolute error": np.sign(errors)}.get(cost, np.zeros_like(errors))
    da, db = float(np.mean(pull * x)), float(np.mean(pull))
    length = math.hypot(da, db)
    return None if length < 1e-3 or not math.isfinite(length) else (-0.5 * da / length, -0.5 * db / length)


def _line_figure(state: WrongnessState) -> Figure:
    a, b, _ = state.path[-1]
    ends = np.array([-2.2, 2.2])
    line = np.clip(a * ends + b, -60, 60)
    misses = tuple(
        Line((x, x), (y, float(np.clip(a * x + b, -60, 60))), colour="two", width=1.5)
        for x, y in zip(state.x, state.y, strict=True)
    )
    marks: tuple[Mark, ...] = (
        *misses,
        Line(ends, line, colour="one", width=3),
        Points(state.x, state.y, colour="accent", size=5),
    )
    off = float(np.mean(np.abs(a * state.x + b - state.y)))
    return Figure(
        "line",
        "The line at this place",
        (-2.2, 2.2),
        (-3, 4),
        marks,
        f"The points are {written(off, 2)} from the line on average.",
        aspect=1.3,
    )


def _curve(state: WrongnessState) -> Figure:
    wrong = [min(each[2], 1e6) for each in state.path[-120:]]
    first = len(state.path) - len(wrong)
    marks = (Line(list(range(first, first + len(wrong))), wrong, colour="accent", fill=True),)
    text = f"From {written(wrong[0], 3)} to {written(wrong[-1], 3)}."
    return Figure(
        "curve",
        "Wrongness along the path",
        (first, first + max(len(wrong) - 1, 12)),
        (0, max(wrong) * 1.06 + 1e-9),
        marks,
        text,
        "step",
        aspect=1.9,
    )


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """Down the slope to where the ground is level, or nothing shows the way: the first steps one by one,
    then every tenth.
    """
    state = begin(settings)
    while state.mood == "plain" and len(state.path) <= LONGEST_WALK:
        state = _downhill(state)
    last = len(state.path) - 1
    rows = tuple(
        (str(i), written(a), written(b), written(w))
        for i, (a, b, w) in enumerate(state.path)
        if i <= 20 or i % 10 == 0 or i == last
    )
    yield Table(f"Down the slope of {settings['cost']}", ("step", "slope", "intercept", "wrongness"), rows)
    yield state.said


LESSON: Lesson[WrongnessState] = Lesson(
    name="wrongness",
    title="Wrongness",
    minutes=8,
    question="How can a number say how wrong something is, and which way is less wrong?",
    first=(
        "Click on the dark part of the landscape until the wrongness is below 0.2. Then press Step "
        "downhill and let the slope lead."
    ),
    notice=(
        "Every place in the landscape stands for one line; its height is how wrong that line is.",
        "By hand you need to see the whole landscape. Descent needs only the slope where it stands.",
        "The steps get shorter by themselves as the ground levels out.",
        "A cost that only knows right and wrong is a landscape of flat steps: there is no slope to follow.",
    ),
    checks=(
        Check(
            "What will happen if the learning rate is tiny?",
            ("It ends in another valley", "It takes the same path, and takes forever", "It overshoots"),
            1,
            (
                "The directions are the same, but each step is short. There is only one valley here; "
                "it just takes longer to get there."
            ),
        ),
        Check(
            "What will happen if the rate is 0.9 with the squared error?",
            ("It jumps across the valley, higher each time", "It arrives in one step", "It stops"),
            0,
            (
                "Each step is longer than the valley is wide. It lands higher up on the other side, "
                "where the slope is steeper still."
            ),
        ),
    ),
    formula=(
        "C(a, b) = mean of (a · x + b − y)²         the wrongness of the line a · x + b\n"
        "a ← a − ε · ∂C/∂a      b ← b − ε · ∂C/∂b\n\n"
        "∂C/∂a  how fast C rises as a rises: the slope of the ground in that direction\n"
        "ε      learning rate: how far to step for each unit of that slope\n\n"
        "Others call the wrongness a cost, a loss or an error; so do the other lessons."
    ),
    code="""\
xs, ys = [-1.5, -0.5, 0.5, 1.5], [-0.7, 0.1, 1.1, 1.7]
a, b, rate = -1.4, 2.4, 0.1
for step in range(100):
    slope_a = slope_b = cost = 0.0
    for x, y in zip(xs, ys):
        error = a * x + b - y
        cost += error**2 / len(xs)
        slope_a += 2 * error * x / len(xs)
        slope_b += 2 * error / len(xs)
    a, b = a - rate * slope_a, b - rate * slope_b
print(a, b, cost)""",
    tab="Dream",
    use=(
        "A dream walks the other way, uphill, in a landscape with one direction for every pixel. Its "
        "height is how strongly the network sees something."
    ),
    knobs=(
        Push("step", "Step downhill", "one step along the slope", key="s", main=True),
        Push("play", "Play", "step after step", key="space"),
        Push("undo", "Undo", "one step back", key="u"),
        Push("reset", "Start again", "", key="r"),
        Slide(
            "rate",
            "Learning rate",
            0.001,
            1.5,
            0.001,
            0.1,
            "How far a step goes where the slope is 1.",
            stops=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 0.9, 1.5),
        ),
        Choice("cost", "Cost", COSTS, COSTS[0], "What counts as wrong, and how much."),
        Slide("seed", "Seed", 0, 99, 1, 0, "A different number gives different points.", restarts=True),
    ),
    begin=begin,
    act=act,
    draw=draw,
    table=table,
)
