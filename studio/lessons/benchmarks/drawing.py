"""The figures and tables of the lesson on benchmarks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from studio.lessons.benchmarks.data import BenchmarkSet, most_telling, rounded_share
from studio.lessons.benchmarks.model import BenchmarksState, asked_about, probabilities
from studio.lessons.kit.scene import (
    Bars,
    Button,
    Figure,
    Heat,
    Line,
    Mark,
    Points,
    Scene,
    Table,
    Words,
    written,
)

WORST = 12
ROWS = 12


def draw(state: BenchmarksState) -> Scene:
    """What the network is asked and answers, the loss curves, the confusion matrix, and the worst
    mistakes.
    """
    if state.data is None or state.answers is None:
        return Scene(
            tables=(known_table(state),),
            says=state.said,
            mood=state.mood,
            playing=state.playing,
            values={"data": state.settings["data"]},
        )
    found = state.data
    last = state.epochs[-1] if state.epochs else None
    right = float((state.answers.argmax(axis=1) == found.held_out.targets.numpy()).mean())
    assert state.network is not None
    numbers = {
        "epoch": f"{state.done:.1f} of {state.until}",
        "training accuracy": rounded_share(last.right) if last else "–",
        "test accuracy": rounded_share(right),
        "training examples": f"{len(found.seen):,}",
        "test examples": f"{len(found.held_out):,}",
        "weights": f"{sum(weight.numel() for weight in state.network.parameters()):,}",
    }
    worst = _worst(state, found)
    asked = _sheet(state, found) if found.is_pictures else _plane(state, found)
    figures = [asked, _bars(state, found), _curve(state), confusion_figure(state, found)]
    tables = [epoch_table(state), known_table(state)]
    if found.is_pictures:
        figures.append(_mistakes(state, found, worst))
    else:
        tables.insert(0, _mistakes_table(state, found, worst))
    return Scene(
        figures=tuple(figures),
        tables=tuple(tables),
        numbers=numbers,
        says=_says(state, found, right),
        mood=state.mood
        if state.said
        else "good"
        if state.epochs and not state.playing and right >= 0.97
        else "plain",
        playing=state.playing,
        values={"data": state.settings["data"], "seed": state.settings["seed"]},
        files=state.files,
        columns=(1, 1.25),
    )


def _says(state: BenchmarksState, found: BenchmarkSet, right: float) -> str:
    if state.said:
        return state.said
    if not state.epochs and not state.playing:
        return (
            f"An untrained network: {rounded_share(right)} right, about as good as guessing among "
            f"{len(found.classes)}. Press Train."
        )
    if state.playing or not state.epochs:
        return "It is learning. The bars show how sure it is of the example beside them; watch them settle."
    wrong = round((1 - right) * len(found.held_out))
    draws = " Draw a digit on the sheet." if found.is_drawable else ""
    return (
        f"{wrong} of the {len(found.held_out):,} test examples are wrong. Look at them below: would "
        f"you have known?{draws}"
    )


def _picture(pixels: np.ndarray, extent: tuple[float, float, float, float]) -> Heat:
    """pixels: [channels, h, w], rows from the top, in 0 … 1. Small ones are shown as squares."""
    upright = pixels[:, ::-1]
    if len(upright) == 1:
        return Heat(upright[0], extent, scale="light", pixelated=True)
    return Heat(np.moveaxis(upright, 0, 2), extent, scale="colour", pixelated=True)


def _sheet(state: BenchmarksState, found: BenchmarkSet) -> Figure:
    inputs, truth, title = asked_about(state, found)
    strokes = state.asked.strokes
    marks: list[Mark] = []
    if strokes:
        marks += [
            Line([x for x, _ in stroke], [y for _, y in stroke], colour="ink", width=18) for stroke in strokes
        ]
        marks += [
            _picture(inputs, (0.0, 0.26, 0.0, 0.26)),
            Words((0.13,), (0.29,), ("as it sees it",), "faint", 12),
        ]
        marks.append(Button("clean", 0.94, 0.94, "×", "an empty sheet"))
    else:
        marks.append(_picture(inputs, (0.08, 0.92, 0.08, 0.92)))
    clicks = "Draw a digit, as large as you like." if found.is_drawable else ""
    text = f"{title}." + ("" if truth else f" {len(strokes)} strokes.")
    return Figure(
        "sheet",
        title,
        (0, 1),
        (0, 1),
        tuple(marks),
        text,
        aspect=1.0,
        axes=False,
        clicks=clicks,
        draws=found.is_drawable,
        rows=2,
    )


def _plane(state: BenchmarksState, found: BenchmarkSet) -> Figure:
    """A table's test examples by the two most telling features; the one asked about is ringed."""
    across, up = most_telling(found)
    inputs, targets = found.held_out.inputs.numpy(), found.held_out.targets.numpy()
    x, y = np.clip(inputs[:, across], -3, 3), np.clip(inputs[:, up], -3, 3)
    colours = [COLOURS[target % len(COLOURS)] for target in targets]
    shapes = [("circle", "square", "ring", "cross")[target % 4] for target in targets]
    number = max(state.asked.number, 0)
    marks = (Points(x, y, colours, 4.5, shapes), Points([x[number]], [y[number]], "accent", 11, "ring"))
    names = [f"{found.seen.features[feature]}, standardised" for feature in (across, up)]
    _, _, title = asked_about(state, found)
    legend = ", ".join(
        f"{shape} {name}"
        for shape, name in zip(("dot", "square", "ring", "cross"), found.classes, strict=False)
    )
    text = f"{title}. Shown by the two features that separate the classes best. {legend}."
    clicks = f"Click an example. {legend[:1].upper()}{legend[1:]}."
    axes = (-3.2, 3.2)
    return Figure(
        "plane",
        title,
        axes,
        axes,
        marks,
        text,
        x_label=names[0],
        y_label=names[1],
        aspect=0.95,
        clicks=clicks,
        rows=2,
    )


COLOURS = ("one", "two", "three", "four", "five", "six")


def _bars(state: BenchmarksState, found: BenchmarkSet) -> Figure:
    sure, truth = probabilities(state, found)
    best = int(sure.argmax())
    names = [name if len(found.classes) <= 4 else name[:5] for name in found.classes]
    right = truth == found.classes[best]
    colours = ["faint"] * len(sure)
    colours[best] = "accent" if not truth else "good" if right else "bad"
    marks = (
        Bars(range(len(sure)), sure * 100, colours, 0.7, names if len(names) <= 12 else ()),
        Words((best,), (min(float(sure[best]) * 100 + 7, 107),), (f"{sure[best] * 100:.0f} %",), "ink", 13),
    )
    title = f"It says {found.classes[best]}" + (
        "" if not truth else ", which is right" if right else f"; it is {truth}"
    )
    text = (
        ", ".join(f"{found.classes[number]} {sure[number] * 100:.1f} %" for number in np.argsort(-sure)[:3])
        + "."
    )
    return Figure(
        "bars", title, (-0.6, len(sure) - 0.4), (0, 115), marks, text, y_label="percent sure", aspect=2.3
    )


def _curve(state: BenchmarksState) -> Figure:
    right = max(float(state.until), 1.0)
    losses = [loss for _, loss in state.losses]
    top = max(
        0.5,
        math.ceil(max([*losses[:40], *(epoch.held_out_loss for epoch in state.epochs[:2])], default=1.0) * 2)
        / 2,
    )
    marks: list[Mark] = [Line([epoch for epoch, _ in state.losses], np.clip(losses, 0, top), "ink", 1.8)]
    held = [(epoch.number, min(epoch.held_out_loss, top)) for epoch in state.epochs]
    marks += [
        Line([x for x, _ in held], [y for _, y in held], "three", 2),
        Points([x for x, _ in held], [y for _, y in held], "three", 3),
    ]
    marks.append(
        Words(
            (right * 0.98,) * 2,
            (top * 0.92, top * 0.79),
            ("training", "test"),
            ("ink", "three"),
            12.5,
            "end",
        )
    )
    last = state.epochs[-1] if state.epochs else None
    text = (
        (
            f"After {last.number} epochs: {written(last.loss)} on the training set, "
            f"{written(last.held_out_loss)} on the test set."
        )
        if last
        else "Not trained yet."
    )
    return Figure("curve", "Loss, epoch by epoch", (0, right), (0, top), tuple(marks), text, aspect=2.3)


def confusion_figure(state: BenchmarksState, found: BenchmarkSet) -> Figure:
    """The confusion matrix. Rows: the true class; columns: the network's answer. Orange is right, blue is
    wrong.
    """
    assert state.answers is not None
    classes, targets, said = len(found.classes), found.held_out.targets.numpy(), state.answers.argmax(axis=1)
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (targets, said), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shade = np.where(np.eye(classes, dtype=bool), shares * 0.6, -np.sqrt(shares) * 0.8)
    truth, guess = np.nonzero(counts)
    size = 13.0 if classes <= 6 else 11.5 if classes <= 12 else 9.0
    short = [name if classes <= 4 else name[:4] for name in found.classes]
    middles = np.arange(classes) + 0.5
    marks: tuple[Mark, ...] = (
        Heat(shade[::-1], (0, classes, 0, classes), pixelated=True),
        Words(guess + 0.5, classes - 0.5 - truth, [str(count) for count in counts[truth, guess]], size=size),
        Words(middles, np.full(classes, -0.35), short, "faint", size),
        Words(np.full(classes, -0.12), classes - middles, short, "faint", size, "end"),
    )
    taken = np.argwhere((counts > 0) & ~np.eye(classes, dtype=bool)).tolist()
    worst = sorted(taken, key=lambda cell: -counts[cell[0], cell[1]])[:3]
    pairs = ", ".join(f"{found.classes[i]} taken for {found.classes[j]} ({counts[i, j]})" for i, j in worst)
    text = f"{int(np.trace(counts))} of {len(targets)} right. " + (
        f"Most often: {pairs}." if pairs else "No mistakes."
    )
    left = -0.16 * classes if classes <= 4 else -0.1 * classes
    clicks = "Rows: what it is. Columns: what the network says. Click a cell to see one."
    axes = (left, float(classes)), (-0.08 * classes, float(classes))
    return Figure(
        "confusion", "Which classes get confused", *axes, marks, text, aspect=1.05, axes=False, clicks=clicks
    )


def _worst(state: BenchmarksState, found: BenchmarkSet) -> list[int]:
    """The test examples that were wrong, those it was surest about first."""
    assert state.answers is not None
    targets = found.held_out.targets.numpy()
    wrong = np.flatnonzero(state.answers.argmax(axis=1) != targets)
    return [int(number) for number in wrong[np.argsort(-state.answers[wrong].max(axis=1))][:WORST]]


def _mistakes(state: BenchmarksState, found: BenchmarkSet, worst: list[int]) -> Figure:
    assert state.answers is not None
    marks: list[Mark] = []
    for place, number in enumerate(worst):
        x, y = place % 4, 2 - place // 4
        said = found.classes[int(state.answers[number].argmax())]
        truth = found.classes[int(found.held_out.targets[number])]
        marks.append(_picture(found.raw[number], (x + 0.14, x + 0.86, y + 0.24, y + 0.96)))
        marks.append(
            Words(
                (x + 0.5,),
                (y + 0.12,),
                (f"{truth[:6]}, not {said[:6]}" if len(truth + said) > 2 else f"{truth}, not {said}",),
                "ink",
                11.5,
            )
        )
        marks.append(Button(f"worst {number}", x + 0.9, y + 0.9, "?", f"ask about example {number + 1}", 8))
    if not worst:
        marks.append(Words((2,), (1.5,), ("no mistakes",), "faint"))
    mistakes = int((state.answers.argmax(axis=1) != found.held_out.targets.numpy()).sum())
    text = f"{mistakes} mistakes; shown are the {len(worst)} it was surest about."
    return Figure(
        "mistakes",
        "The worst mistakes, most confident first",
        (0, 4),
        (0, 3),
        tuple(marks),
        text,
        aspect=1.3,
        axes=False,
    )


def _mistakes_table(state: BenchmarksState, found: BenchmarkSet, worst: list[int]) -> Table:
    assert state.answers is not None
    telling = most_telling(found)
    rows = tuple(
        (
            str(number + 1),
            *(f"{found.raw[number][feature]:.2f}" for feature in telling),
            found.classes[int(found.held_out.targets[number])],
            found.classes[int(state.answers[number].argmax())],
            rounded_share(float(state.answers[number].max())),
        )
        for number in worst[:6]
    )
    return Table(
        "The worst mistakes, most confident first",
        ("example", *(found.seen.features[f] for f in telling), "it is", "it says", "sure"),
        rows,
    )


def epoch_table(state: BenchmarksState, last: int = ROWS) -> Table:
    """Loss and accuracy of the last epochs."""
    rows = tuple(
        (
            str(each.number),
            written(each.loss),
            rounded_share(each.right),
            written(each.held_out_loss),
            rounded_share(each.held_out_right),
        )
        for each in state.epochs[-last:]
    )
    columns = ("epoch", "training loss", "training accuracy", "test loss", "test accuracy")
    return Table("Epoch by epoch", columns, rows, len(rows) - 1 if rows else None)


@dataclass(frozen=True)
class Known:
    """What is known about a set.

    here, time: what this lesson's default settings reached with the seeds 1, 2 and 3 on two cores.
    published: what others reached.
    """

    here: str
    time: str
    published: str


UNMEASURED = Known("not measured: a download", "–", "")

KNOWN = {
    "iris": Known("92 to 100 %", "under 1 s", "98 %, linear discriminant (Fisher, 1936)"),
    "wine": Known("98 to 100 %", "under 1 s", "96 to 100 % (Aeberhard and others, 1992)"),
    "breast-cancer": Known("97 to 99 %", "1 s", "97.5 % (Wolberg and others, 1995)"),
    "digits": Known("98 to 99 %", "5 s", "98 %, nearest neighbour (Alpaydin, Kaynak, 1998)"),
    "mnist": replace(UNMEASURED, published="88 % linear, 99 % convolutional (LeCun, 1998)"),
    "cifar10": replace(UNMEASURED, published="82 % convolutional (Krizhevsky, 2012)"),
}


def known_table(state: BenchmarksState) -> Table:
    """What is known about the sets, with what was reached just now."""
    from studio.learning.datasets import KNOWN_SETS

    name = str(state.settings["data"])
    rows = [(each, known.here, known.time, known.published) for each, known in KNOWN.items()]
    if name in KNOWN and state.epochs:
        # Add what was reached here just now; for sets that must be downloaded, nothing else is known.
        known, last = KNOWN[name], state.epochs[-1]
        now = f"{rounded_share(last.held_out_right)} here after {last.number} epoch{'s' * (last.number > 1)}"
        took = f"{max(1, round(state.spent))} s here"
        measured = known.time != UNMEASURED.time
        here = (f"{known.here}; {now}", f"{known.time}; {took}") if measured else (now, took)
        rows[list(KNOWN).index(name)] = (name, *here, known.published)
    holds = f"{name}: {KNOWN_SETS[name].sentence} " if name in KNOWN else ""
    chosen = list(KNOWN).index(name) if name in KNOWN else None
    return Table(
        f"{holds}Accuracy on the test set",
        ("set", "reached", "takes", "published"),
        tuple(rows),
        chosen,
    )
