"""Memorising or learning: a table that stores examples and a line that learns from them, tried on new
canvases.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.lessons.kit.lesson import Action, Check, Lesson, Push, Slide
from studio.lessons.kit.scene import Bars, Figure, Line, Mark, Points, Scene, Table, Words, written

if TYPE_CHECKING:
    from torch import Tensor

    from studio.learning.descent import Ending, Step

WIDTHS = (0.2, 2.2)
"""Canvases, in metres."""
HOURS = (0.0, 26.0)
TRUE_SLOPE, TRUE_START = 9.0, 3.0
RATE = 0.25
STEPS_A_TURN = 4
LONGEST_RUN = 400


@dataclass(frozen=True)
class NewCanvas:
    """A new canvas: its width in metres, the hours it took, and the answers of the table (None: not in
    it) and the line.
    """

    width: float
    hours: float
    table: float | None
    line: float


@dataclass(frozen=True)
class MemorisingState:
    """widths, hours: the examples seen. weights: slope and intercept of the line, moved by `descent`."""

    settings: dict[str, Any]
    widths: np.ndarray
    hours: np.ndarray
    weights: Tensor
    descent: Generator[Step, None, Ending]
    steps: int = 0
    playing: bool = False
    asked: tuple[NewCanvas, ...] = ()
    settled: bool = False


def begin(settings: Mapping[str, Any]) -> MemorisingState:
    """New examples, and a line that has learnt nothing."""
    import torch

    rng = np.random.default_rng(int(settings["seed"]))
    count = int(settings["examples"])
    widths = np.round(np.sort(rng.uniform(*WIDTHS, count)), 2)
    hours = _true_hours(widths, rng, float(settings["noise"]))
    weights = torch.zeros(2, dtype=torch.float64)
    return MemorisingState(dict(settings), widths, hours, weights, _descent(widths, hours, weights))


def _true_hours(widths: np.ndarray, rng: np.random.Generator, noise: float) -> np.ndarray:
    return np.round(TRUE_START + TRUE_SLOPE * widths + rng.normal(0, noise, widths.shape), 1)


def _descent(widths: np.ndarray, hours: np.ndarray, weights: Tensor) -> Generator[Step, None, Ending]:
    """A line fitted by the shared loop. The loss is the mean squared error, in hours²."""
    import torch

    from studio.learning.descent import DescentOptions, Slope, descend
    from studio.learning.rules import GradientDescent, delta_rule

    inputs = torch.tensor(np.stack([widths, np.ones_like(widths)], axis=1))
    targets = torch.tensor(hours)

    def measure() -> Slope:
        slope = delta_rule(weights, inputs, targets)
        return Slope(2 * slope.loss / len(hours), [gradient / len(hours) for gradient in slope.gradients])

    return descend(
        [weights],
        measure,
        GradientDescent(RATE),
        steps=LONGEST_RUN,
        options=DescentOptions(patience=60, tolerance=1e-5),
    )


def act(state: MemorisingState, action: Action) -> MemorisingState:
    """Learn, ask about a random new canvas, or about one of a chosen width."""
    if action.name == "reset":
        return begin(state.settings)
    if action.name == "play":
        return replace(state, playing=not state.playing and not state.settled)
    if action.name in ("advance", "step"):
        step = None
        for _ in range(STEPS_A_TURN):
            step = next(state.descent, None)
            if step is None or step.ending is not None:
                return replace(
                    state, playing=False, settled=True, steps=state.steps if step is None else step.number
                )
        return replace(state, steps=state.steps if step is None else step.number)
    if action.name == "click":
        return _ask(state, action.x)
    if action.name == "ask":
        rng = np.random.default_rng((int(state.settings["seed"]), len(state.asked), 1))
        return _ask(state, float(rng.uniform(*WIDTHS)))
    return (
        replace(state, settings=state.settings | {action.knob: action.value})
        if action.name == "set"
        else state
    )


def _ask(state: MemorisingState, width: float) -> MemorisingState:
    width = round(float(np.clip(width, *WIDTHS)), 2)
    rng = np.random.default_rng((int(state.settings["seed"]), len(state.asked), 2))
    hours = float(_true_hours(np.array([width]), rng, float(state.settings["noise"]))[0])
    remembered = {float(w): float(h) for w, h in zip(state.widths, state.hours, strict=True)}
    return replace(
        state, asked=(*state.asked, NewCanvas(width, hours, remembered.get(width), _line(state, width)))
    )


def _line(state: MemorisingState, width: float) -> float:
    slope, start = state.weights.tolist()
    return float(slope * width + start)


def draw(state: MemorisingState) -> Scene:
    """The examples, the line, the canvases asked about, and the mean errors on seen and on new canvases."""
    errors = _new_errors(state)
    answered = f"{len(_known(state))} of {len(state.asked)} answered" if state.asked else "not asked yet"
    return Scene(
        figures=(_canvases_figure(state), _scores_figure(state)),
        tables=(_asked_table(state),) if state.asked else (),
        columns=(1.15, 1),
        numbers={
            "examples seen": str(len(state.widths)),
            "steps": str(state.steps),
            "table, seen canvases": "0.0 hours off",
            "table, new canvases": answered,
        },
        says=_says(state, errors),
        mood="good" if state.settled and errors and float(np.mean(errors)) < 2 else "plain",
        playing=state.playing,
    )


def _new_errors(state: MemorisingState) -> list[float]:
    """How far the line is from each canvas asked about, in hours."""
    return [abs(_line(state, each.width) - each.hours) for each in state.asked]


def _known(state: MemorisingState) -> list[NewCanvas]:
    """The canvases asked about that happen to be in the table."""
    return [each for each in state.asked if each.table is not None]


def _canvases_figure(state: MemorisingState) -> Figure:
    ends = np.array(WIDTHS)
    errors = _new_errors(state)
    labels = [f"{h:g} hours" for h in state.hours]
    asked_widths = [each.width for each in state.asked]
    asked_hours = [each.hours for each in state.asked]
    marks: tuple[Mark, ...] = (
        Line(ends, np.array([_line(state, w) for w in ends]), colour="one", width=3, name="the line"),
        Points(state.widths, state.hours, colour="two", shape="square", size=6, label=labels),
        Points(asked_widths, asked_hours, colour="accent", shape="ring", size=7),
        *(
            Line((width, width), (hours, _line(state, width)), colour="accent", width=1.5, dash=True)
            for width, hours in zip(asked_widths, asked_hours, strict=True)
        ),
    )
    slope, start = state.weights.tolist()
    text = (
        f"{len(state.widths)} seen canvases as squares. "
        f"The line says {start:.1f} hours plus {slope:.1f} per metre of width."
    )
    if errors:
        far = written(float(np.mean(errors)), 1)
        text += f" {len(errors)} new ones as rings, {far} hours from the line on average."
    return Figure(
        "canvases",
        "Hours it takes to paint a canvas",
        WIDTHS,
        HOURS,
        marks,
        text,
        "width of the canvas in metres",
        "hours",
        clicks="Click anywhere to ask about a canvas of that width.",
    )


def _scores_figure(state: MemorisingState) -> Figure:
    seen = float(np.mean([abs(_line(state, w) - h) for w, h in zip(state.widths, state.hours, strict=True)]))
    errors, known = _new_errors(state), len(_known(state))
    far = float(np.mean(errors)) if errors else 0.0
    high = max(4.0, seen * 1.3, far * 1.3)
    table_new = "?" if not errors else "silent" if not known else f"{known} known"
    text = f"On the seen canvases the table is 0 hours off and the line {seen:.1f}."
    if errors:
        text += (
            f" On new ones the table has an answer for {known} of {len(errors)}, "
            f"and the line is {far:.1f} hours off."
        )
    sides, learners = ("two", "one", "two", "one"), ("table", "line", "table", "line")
    heights = (high * 0.06, seen + high * 0.06, high * 0.06, far + high * 0.06)
    marks = (
        Bars((0, 1, 2, 3), (0.0, seen, 0.0, far), colour=sides, width=0.55, label=learners),
        Words(
            (0.0, 1.0, 2.0, 3.0), heights, ("0", f"{seen:.1f}", table_new, f"{far:.1f}" if errors else "?")
        ),
        Words((0.5, 2.5), (high * 0.94, high * 0.94), ("seen", "new"), colour="faint"),
    )
    title = "Average error in hours"
    return Figure("scores", title, (-0.6, 3.6), (0, high), marks, text, y_label="hours", aspect=1.35)


def _says(state: MemorisingState, new: list[float]) -> str:
    if state.asked and not state.steps:
        return (
            "The table has never seen that canvas, so it has no answer. The line has learnt nothing "
            "yet: press Learn."
        )
    if new:
        return (
            f"You asked about {len(new)} new canvases. The table has no answer for canvases it never "
            f"saw; the line is {np.mean(new):.1f} hours off on average."
        )
    if state.settled:
        return "The line has stopped moving. Now ask both about canvases they have never seen."
    if state.steps:
        return "With every step the line moves a little closer to all the squares at once."
    return "The table knows every square by heart. Press Learn and watch the line find its place."


def _asked_table(state: MemorisingState, last: int = 8) -> Table:
    rows = tuple(
        (
            f"{each.width:.2f} m",
            f"{each.hours:.1f}",
            "—" if each.table is None else f"{each.table:.1f}",
            f"{_line(state, each.width):.1f}",
        )
        for each in state.asked[-last:]
    )
    return Table(
        "New canvases, never seen before",
        ("width", "real hours", "table", "line"),
        rows,
        len(rows) - 1,
    )


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """Learn to the end, then ask about ten new canvases."""
    state = begin(settings)
    rows = tuple((f"{w:.2f} m", f"{h:.1f}") for w, h in zip(state.widths, state.hours, strict=True))
    yield Table("What the table has stored", ("width", "hours"), rows)
    while not state.settled:
        state = act(state, Action("step"))
    slope, start = state.weights.tolist()
    yield f"After {state.steps} steps the line says: hours = {start:.4f} + {slope:.4f} · width"
    for _ in range(10):
        state = act(state, Action("ask"))
    yield _asked_table(state, last=10)
    yield draw(state).says


LESSON: Lesson[MemorisingState] = Lesson(
    name="memorising",
    title="Memorising or learning",
    minutes=6,
    question="If you remember every example, have you learnt anything?",
    first="Press Learn and wait for the line to stop moving. Then press Ask something new a few times.",
    notice=(
        "The table is never wrong about a canvas it has seen, and knows nothing about any other.",
        "The line is a little wrong about every canvas, but does nearly as well on new ones.",
        "The line stores two numbers. The table stores every example.",
        "With more noise the line still runs through the middle: it does not trust any single square.",
    ),
    checks=(
        Check(
            "What will happen if the line sees only two examples?",
            (
                "It passes through both exactly, and may be far off elsewhere",
                "It cannot learn",
                "It does just as well as before",
            ),
            0,
            (
                "A line can pass exactly through any two points, noise included. So it has only "
                "memorised them: right about those two, unreliable about the rest."
            ),
        ),
        Check(
            "What will happen to the table if you give it a thousand examples?",
            (
                "It starts to learn",
                "It has more answers, but still none about anything new",
                "It forgets the first ones",
            ),
            1,
            "The table gets longer, but nothing in it says what lies between its rows.",
        ),
    ),
    formula=(
        "hours = a · width + b\n\n"
        "a  hours per metre, b  hours before the first stroke: the two numbers that are learnt\n"
        "error = mean of (predicted hours − real hours)², over the examples seen"
    ),
    code="""\
seen = {0.4: 6.5, 0.9: 11.2, 1.3: 14.9, 1.8: 19.0}
a, b = 0.0, 0.0
for step in range(400):
    da = db = 0.0
    for width, hours in seen.items():
        error = hours - (a * width + b)
        da += error * width / len(seen)
        db += error / len(seen)
    a, b = a + 0.25 * da, b + 0.25 * db
print(seen.get(1.0, "not in the table"))
print(a * 1.0 + b)  # the line's answer""",
    tab="Dream",
    use=(
        "The network behind the dreams has seen over a million photos, but never yours. It learnt "
        "what photos are like, so it finds eyes and towers in yours too."
    ),
    knobs=(
        Push("play", "Learn", "move the line, step by step", key="space", main=True),
        Push("ask", "Ask something new", "a canvas neither of them has seen", key="a"),
        Push("reset", "Start again", "with new examples and nothing learnt", key="r"),
        Slide("examples", "Examples seen", 2, 40, 1, 8, restarts=True),
        Slide(
            "noise",
            "Noise",
            0,
            5,
            0.5,
            1.5,
            "Canvases of the same width can take different times.",
            restarts=True,
        ),
        Slide("seed", "Seed", 0, 99, 1, 3, "A different number gives different canvases.", restarts=True),
    ),
    begin=begin,
    act=act,
    draw=draw,
    table=table,
)
