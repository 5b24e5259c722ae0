"""The figures of the lesson on training and testing."""

from __future__ import annotations

import numpy as np

from studio.lessons.kit.scene import Bars, Figure, Line, Mark, Points, Scene, written
from studio.lessons.train_and_test.model import MOST_BENDS, TrainAndTestState, X, Y, curve, error_on, truth


def draw(state: TrainAndTestState) -> Scene:
    """The points with the curve, and the errors by number of bends."""
    train, validation = (
        error_on(state.weights, state.basis, state.train),
        error_on(state.weights, state.basis, state.validation),
    )
    numbers = {
        "error on training points": written(train, 3),
        "error on validation points": written(validation, 3),
        "error on test points": written(state.opened[-1][1], 3) if state.opened else "sealed",
        "steps": str(state.steps),
    }
    mood = "bad" if "Overfitted" in state.said or len(state.opened) > 1 else "plain"
    return Scene(
        figures=(_curve_figure(state), _errors_figure(state)),
        columns=(1.15, 1),
        numbers=numbers,
        says=state.said or "Press Learn, then give the curve more bends and watch the two errors move apart.",
        mood=mood,
        playing=state.playing,
    )


def _curve_figure(state: TrainAndTestState) -> Figure:
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
    text = (
        f"{len(state.train)} orange dots to learn from, {len(state.validation)} blue squares for "
        f"validation; the curve turns {turns} times."
    )
    return Figure("curve", "The curve and the points", X, Y, tuple(marks), text, aspect=1.35)


def _errors_figure(state: TrainAndTestState) -> Figure:
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
        (
            f"{each} bends: {written(state.tried[each][0], 3)} on training points, "
            f"{written(state.tried[each][1], 3)} on validation points"
        )
        for each in counts
    ]
    if state.crossed:
        said.append(
            "cross-validation, dashed: "
            + ", ".join(f"{bends}: {written(error, 2)}" for bends, error in state.crossed.items())
        )
    text = "; ".join(said) + "." if said else "Nothing tried yet."
    return Figure(
        "errors",
        "Error by number of bends",
        (0.4, MOST_BENDS + 0.6),
        (0, top),
        tuple(marks),
        text,
        "bends",
        "mean squared error",
        aspect=1.35,
    )
