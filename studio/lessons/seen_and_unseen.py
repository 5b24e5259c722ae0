"""Train and test: a curve bent to fit every point, and why that is no compliment."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.lessons.kit.lesson import Check, Event, Lesson, Push, Slide, Switch
from studio.lessons.kit.scene import Bars, Figure, Line, Mark, Points, Scene, Table, written

if TYPE_CHECKING:
    from torch import Tensor

    from studio.learning.descent import Ending, Step

X, Y = (-1.0, 1.0), (-2.2, 2.2)
MOST_BENDS = 14
RATE = 0.25
STEPS_A_TURN = 2
STEPS = 60
"""Enough for the loss to come within a millionth of its lowest: (1 - RATE)^(2 · STEPS) of the way is left."""
FOLDS = 5
TEST_SIZE = 60


@dataclass(frozen=True)
class State:
    """Three sets of points (x, y): to learn from, to choose by, and the sealed one. Errors are mean squares,
    by number of bends.
    """

    settings: dict[str, Any]
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    weights: Tensor
    basis: np.ndarray
    descent: Generator[Step, None, Ending]
    steps: int = 0
    playing: bool = False
    tried: dict[int, tuple[float, float]] = field(default_factory=dict)
    crossed: dict[int, float] = field(default_factory=dict)
    crossing: bool = False
    opened: tuple[tuple[int, float], ...] = ()
    said: str = ""


def begin(settings: Mapping[str, Any]) -> State:
    """New points; nothing learnt."""
    dice = np.random.default_rng(int(settings["seed"]))
    noise = float(settings["noise"])
    train, validation, test = (
        _points(dice, count, noise) for count in (int(settings["points"]), 15, TEST_SIZE)
    )
    return State(dict(settings), train, validation, test, *_fresh(train, int(settings["bends"])))


def truth(x: np.ndarray) -> np.ndarray:
    """The curve behind the points."""
    return np.asarray(np.sin(3.4 * x) + 0.5 * x)


def _points(dice: np.random.Generator, count: int, noise: float) -> np.ndarray:
    x = np.sort(dice.uniform(*X, count))
    return np.column_stack([x, truth(x) + dice.normal(0, noise, count)])


def powers(x: np.ndarray, bends: int) -> np.ndarray:
    """Legendre polynomials 0 … bends at x: [points, bends + 1]. The same curves as 1, x, x² …, without their
    huge numbers.
    """
    return np.asarray(np.polynomial.legendre.legvander(x, bends))


def _fresh(train: np.ndarray, bends: int) -> tuple[Tensor, np.ndarray, Generator[Step, None, Ending]]:
    """A flat curve and the loop that will bend it.

    The basis makes the columns seen in training perpendicular (QR), so that one rate suits every direction
    and the walk is short.
    """
    import torch

    from studio.learning.descent import descend
    from studio.learning.rules import GradientDescent

    bends = min(bends, len(train) - 1)
    columns = powers(train[:, 0], bends)
    basis = np.asarray(np.linalg.inv(np.linalg.qr(columns)[1]))
    inputs, targets = torch.tensor(columns @ basis), torch.tensor(train[:, 1])
    weights = torch.zeros(bends + 1, dtype=torch.float64, requires_grad=True)
    return (
        weights,
        basis,
        descend(
            [weights],
            lambda: 0.5 * ((inputs @ weights - targets) ** 2).sum(),
            GradientDescent(RATE),
            steps=STEPS,
        ),
    )


def curve(state: State, x: np.ndarray) -> np.ndarray:
    """What the learner says at x."""
    return _says_at(state.weights, state.basis, x)


def _says_at(weights: Tensor, basis: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.asarray(powers(x, len(basis) - 1) @ basis @ weights.detach().numpy())


def _error(weights: Tensor, basis: np.ndarray, points: np.ndarray) -> float:
    return float(np.mean((_says_at(weights, basis, points[:, 0]) - points[:, 1]) ** 2))


def learnt(train: np.ndarray, bends: int) -> tuple[Tensor, np.ndarray]:
    """The curve after the whole walk."""
    weights, basis, descent = _fresh(train, bends)
    for _ in descent:
        pass
    return weights, basis


def cross_validated(points: np.ndarray, bends: int) -> float:
    """Mean squared error on each fifth, learnt from the other four."""
    folds = [points[fold::FOLDS] for fold in range(FOLDS)]
    errors = []
    for held in range(FOLDS):
        rest = np.concatenate([each for fold, each in enumerate(folds) if fold != held])
        errors.append(_error(*learnt(rest, bends), folds[held]))
    return float(np.mean(errors))


def act(state: State, event: Event) -> State:
    """Learn, bend more, cross-validate, or break the seal."""
    if event.name == "reset":
        return begin(state.settings)
    if event.name == "set":
        settings = state.settings | {event.knob: event.value}
        if event.knob == "bends":
            weights, basis, descent = _fresh(state.train, int(event.value))
            return replace(
                state,
                settings=settings,
                weights=weights,
                basis=basis,
                descent=descent,
                steps=0,
                playing=True,
                crossing=False,
                said="",
            )
        return replace(state, settings=settings)
    if event.name == "play":
        return replace(state, playing=not state.playing, crossing=False)
    if event.name == "cross":
        return replace(
            state,
            playing=True,
            crossing=True,
            crossed={},
            said="Every fifth is held back once; the other four teach.",
        )
    if event.name == "open":
        return _open(state)
    if event.name in ("advance", "step"):
        return _cross(state) if state.crossing else _learn(state)
    return state


def _learn(state: State) -> State:
    for _ in range(STEPS_A_TURN):
        if next(state.descent, None) is None:
            break
    steps = min(state.steps + STEPS_A_TURN, STEPS)
    bends = int(state.settings["bends"])
    errors = (
        _error(state.weights, state.basis, state.train),
        _error(state.weights, state.basis, state.validation),
    )
    done = steps >= STEPS
    now = replace(
        state,
        steps=steps,
        playing=state.playing and not done,
        tried=state.tried | {bends: errors} if done else state.tried,
    )
    return replace(now, said=_verdict(now) if done else "")


def _verdict(state: State) -> str:
    bends = int(state.settings["bends"])
    train, validation = state.tried[bends]
    best = min(state.tried, key=lambda each: state.tried[each][1])
    if bends >= len(state.train) - 1:
        return "It meets every point it learnt from, noise and all. Look what it does between them."
    if validation > 2.5 * train and bends > best:
        return f"Overfitted: {written(train, 3)} on what it learnt from, {written(validation, 3)} on what it did not."
    if bends < best:
        return f"Too stiff: with {best} bends it did better on both."
    return f"{bends} bends: {written(train, 3)} on what it learnt from, {written(validation, 3)} on what it did not. Try more, and fewer."


def _cross(state: State) -> State:
    bends = max(state.crossed, default=0) + 1
    if bends > min(MOST_BENDS, len(state.train) * 4 // 5 - 2):
        best = min(state.crossed, key=lambda each: state.crossed[each])
        wild = max(state.crossed.values()) > 100 * state.crossed[best]
        why = " Its error with many bends is huge because a curve shoots off where the outermost points are the ones held back."
        return replace(
            state,
            playing=False,
            crossing=False,
            said=f"Cross-validation would choose {best} bends, without a single point set aside for good.{why if wild else ''}",
        )
    return replace(state, crossed=state.crossed | {bends: cross_validated(state.train, bends)})


def _open(state: State) -> State:
    bends, error = int(state.settings["bends"]), _error(state.weights, state.basis, state.test)
    opened = (*state.opened, (bends, error))
    if len(opened) == 1:
        said = f"The sealed points say {written(error, 3)}. That figure is honest, once: you chose without having seen them."
    else:
        said = f"{written(error, 3)}. That was look number {len(opened)}: choose by it now, and the test becomes a lesson that flatters."
    return replace(state, opened=opened, said=said, playing=False)


def draw(state: State) -> Scene:
    """The points with the curve, and the error against the number of bends."""
    train, validation = (
        _error(state.weights, state.basis, state.train),
        _error(state.weights, state.basis, state.validation),
    )
    numbers = {
        "on what it learnt from": written(train, 3),
        "on what it did not": written(validation, 3),
        "sealed": written(state.opened[-1][1], 3) if state.opened else "shut",
        "steps": str(state.steps),
    }
    mood = "bad" if "Overfitted" in state.said or len(state.opened) > 1 else "plain"
    return Scene(
        figures=(_curve_figure(state), _errors_figure(state)),
        columns=(1.15, 1),
        numbers=numbers,
        says=state.said or "Press Learn, then give the curve more bends and watch the two errors part.",
        mood=mood,
        playing=state.playing,
    )


def _curve_figure(state: State) -> Figure:
    x = np.linspace(*X, 201)
    y = np.clip(curve(state, x), -9, 9)
    marks: list[Mark] = [Line(x, y, colour="accent", width=3)]
    if state.settings["reveal"]:
        marks.insert(0, Line(x, truth(x), colour="faint", width=2, dash=True))
    marks.append(Points(state.train[:, 0], state.train[:, 1], colour="one", size=6))
    marks.append(Points(state.validation[:, 0], state.validation[:, 1], colour="two", shape="square", size=5))
    if state.opened:
        marks.append(Points(state.test[:, 0], state.test[:, 1], colour="four", shape="cross", size=3.5))
    turns = int(((y[1:-1] - y[:-2]) * (y[2:] - y[1:-1]) < 0).sum())
    text = f"{len(state.train)} orange dots to learn from, {len(state.validation)} blue squares held back; the curve turns {turns} times."
    return Figure("curve", "The curve and the points", X, Y, tuple(marks), text, aspect=1.35)


def _errors_figure(state: State) -> Figure:
    counts = sorted(state.tried)
    top = 1.0
    marks: list[Mark] = []
    if state.crossed:
        marks.append(
            Line(
                list(state.crossed),
                [min(error, 3 * top) for error in state.crossed.values()],
                colour="three",
                width=2,
                dash=True,
            )
        )
        marks.append(
            Points(
                list(state.crossed),
                [min(error, 3 * top) for error in state.crossed.values()],
                colour="three",
                size=3.5,
            )
        )
    marks.append(
        Bars(
            [each - 0.19 for each in counts],
            [min(state.tried[each][0], top) for each in counts],
            colour="one",
            width=0.34,
        )
    )
    marks.append(
        Bars(
            [each + 0.19 for each in counts],
            [min(state.tried[each][1], top) for each in counts],
            colour="two",
            width=0.34,
        )
    )
    said = [
        f"{each} bends: {written(state.tried[each][0], 3)} learnt, {written(state.tried[each][1], 3)} held back"
        for each in counts
    ]
    if state.crossed:
        said.append(
            "cross-validation, dashed: "
            + ", ".join(f"{bends}: {written(error, 2)}" for bends, error in state.crossed.items())
        )
    text = "; ".join(said) + "." if said else "Nothing tried yet."
    return Figure(
        "errors", "Error by number of bends", (0.4, MOST_BENDS + 0.6), (0, top), tuple(marks), text,
        "bends", "mean squared error", aspect=1.35,
    )  # fmt: skip


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """Errors for every number of bends: learnt from, held back, cross-validated, sealed."""
    state = begin(settings)
    rows = []
    for bends in range(1, min(MOST_BENDS, len(state.train) * 4 // 5 - 2) + 1):
        weights, basis = learnt(state.train, bends)
        errors = [_error(weights, basis, points) for points in (state.train, state.validation)]
        rows.append(
            (
                str(bends),
                *(
                    written(error)
                    for error in (
                        *errors,
                        cross_validated(state.train, bends),
                        _error(weights, basis, state.test),
                    )
                ),
            )
        )
    yield Table(
        "Mean squared error", ("bends", "learnt from", "held back", "cross-validated", "sealed"), tuple(rows)
    )


LESSON: Lesson[State] = Lesson(
    name="train_and_test",
    title="Train and test",
    question="How do you know that it learnt, and did not just learn by heart?",
    first="Press Learn. Then move Bends to 12 and compare the two errors.",
    notice=(
        "More bends always make the error on the learnt points smaller.",
        "On the points held back it falls, and then rises again. Between the two lies learning.",
        "Choosing by the blue squares uses them up a little. That is why there are sealed points as well.",
        "Cross-validated errors may run into thousands: beyond the outermost point it learnt from, nothing holds a curve with many bends.",
        "More points tame the curve better than anything else.",
    ),
    checks=(
        Check(
            "What will happen if the curve has as many bends as there are points?",
            ("It meets every point", "It becomes a straight line", "It stops learning"),
            0,
            "With as many numbers to set as points to meet, it can meet them all, and the noise in them too.",
        ),
        Check(
            "Why does the test set stay shut until the end?",
            (
                "To save time",
                "Because choosing by it would make its answer too kind",
                "Because it holds harder points",
            ),
            1,
            "Whatever you choose by is no longer unseen. Its error is then the best of many, and the best of many is partly luck.",
        ),
    ),
    formula=(
        "error on a set = mean of (curve(x) − y)² over its points\n\n"
        "train        bends the curve\n"
        "validation   chooses how many bends\n"
        "test         is asked once\n"
        "\ncross-validation: every fifth of the points is held back once,\n"
        "and the five errors are averaged"
    ),
    code="""\
import numpy as np

dice = np.random.default_rng(0)
x = dice.uniform(-1, 1, 30)
y = np.sin(3.4 * x) + dice.normal(0, 0.3, 30)
for bends in (1, 3, 5, 9, 14):
    curve = np.polyfit(x[:15], y[:15], bends)
    seen = np.mean((np.polyval(curve, x[:15]) - y[:15]) ** 2)
    new = np.mean((np.polyval(curve, x[15:]) - y[15:]) ** 2)
    print(bends, round(seen, 3), round(new, 3))""",
    tab="Dream",
    use="A melody model that copies its corpus has learnt by heart. That is why every style here is tried on tunes it has never heard.",
    knobs=(
        Push("play", "Learn", "bend the curve, step after step", key="space", main=True),
        Push("cross", "Cross-validate", "try every number of bends, five ways", key="c"),
        Push("open", "Open the sealed points", "the test set, to be asked once", key="o"),
        Push("reset", "Start again", "", key="r"),
        Slide("bends", "Bends", 1, MOST_BENDS, 1, 3, "How often the curve may turn, and one more."),
        Slide("points", "Points to learn from", 8, 60, 1, 16, restarts=True),
        Slide("noise", "Noise", 0, 0.8, 0.05, 0.3, restarts=True),
        Switch("reveal", "Show the curve behind it all", False),
        Slide("seed", "Dice", 0, 99, 1, 4, "Other points.", restarts=True),
    ),
    begin=begin,
    act=act,
    draw=draw,
    table=table,
)
