"""The figures of Teach by example."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studio.lessons.kit.scene import (
    Bars,
    Figure,
    Heat,
    Line,
    Mark,
    PictureView,
    Points,
    Scene,
    Words,
    written,
)
from studio.lessons.teach.model import (
    CLASSES,
    NUMBERS,
    STEPS,
    TILE_ROWS,
    TILES,
    Example,
    TeachState,
    answer,
    answer_now,
    colour_at,
    doubtful,
    mine,
)
from studio.lessons.teach.playing import DREAM_SIDE

COLOURS = ("one", "two", "three")
PAINTS = ((242, 160, 61), (109, 179, 232), (143, 199, 154))
"""The same three as red, green and blue, for maps."""


def draw(state: TeachState) -> Scene:
    """What it is shown, what it answers, what that plays, and the examples it learnt from."""
    examples, now = mine(state), answer_now(state)
    way = str(state.settings["way"])
    doubted = doubtful(state)
    return Scene(
        figures=(
            _INPUTS[way](state, examples),
            _answer_figure(state, now),
            _map_figure(state) if way in ("colour", "sliders") else _curve_figure(state),
            _dream_figure(state),
            _examples_figure(examples, doubted),
        ),
        numbers=_numbers(state, examples, doubted),
        says=state.said if state.said and state.mood == "bad" else _says(state, examples, now, doubted),
        mood=state.mood,
        playing=state.live,
        values={name: state.settings[name] for name in ("way", "answers", "one", "two")},
        away=_away(state),
        sounds=state.sounds,
        files=state.files,
        columns=(1, 1),
        visit=state.visit,
    )


def _away(state: TeachState) -> tuple[str, ...]:
    """The controls that have no use at the moment."""
    way, answers = state.settings["way"], state.settings["answers"]
    groups = (
        ("Sliders to show", way == "sliders"),
        ("Numbers to teach", answers == "numbers"),
        ("Camera", way == "camera"),
    )
    pushes = (("wipe", way == "drawing"), *((f"give_{letter}", answers == "classes") for letter in "abc"))
    return tuple(name for name, wanted in (*groups, *pushes) if not wanted)


def _numbers(state: TeachState, examples: Sequence[Example], doubted: Sequence[int]) -> dict[str, str]:
    numbers = {"examples": str(len(examples))}
    if state.settings["answers"] == "classes":
        numbers |= {
            name: str(sum(example.target == number for example in examples))
            for number, name in enumerate(CLASSES)
        }
    numbers["answered as taught"] = (
        f"{len(examples) - len(doubted)} of {len(examples)}" if state.network is not None else "–"
    )
    numbers["loss"] = written(state.losses[-1]) if state.losses else "–"
    return numbers


def _says(
    state: TeachState, examples: Sequence[Example], now: np.ndarray | None, doubted: Sequence[int]
) -> str:
    said = f"{state.said} " if state.said else ""
    classes = state.settings["answers"] == "classes"
    if state.teaching is not None:
        return f"{said}It goes on answering as before while it learns from {len(examples)} examples."
    if state.network is None:
        need = (
            "Show it something and press one of the letters."
            if classes
            else "Set the three numbers, show it something, and press Record numbers."
        )
        if examples:
            need = (
                "Now show it something else, as another letter."
                if classes
                else "Now show it something else, with other numbers."
            )
        return said + need
    if now is None:
        return f"{said}It has learnt. Show it something new."
    if len(doubted):
        return (
            f"{said}It answers {len(doubted)} of its own examples differently (outlined below). Are "
            "those right? Click one to delete it."
        )
    if classes:
        best = int(now.argmax())
        return f"{said}It takes this for {CLASSES[best]}, {now[best]:.0%} sure."
    return (
        said
        + "It answers "
        + ", ".join(f"{name} {value:.2f}" for name, value in zip(NUMBERS, now, strict=True))
        + "."
    )


ASPECT = 1.85


def _colour_input(state: TeachState, examples: Sequence[Example]) -> Figure:
    across, up = (
        np.linspace(0, 1, 64, endpoint=False) + 1 / 128,
        np.linspace(0, 1, 32, endpoint=False) + 1 / 64,
    )
    plane = np.array([[colour_at((x, y)) for x in across] for y in up])
    marks: list[Mark] = [Heat(plane, (0, 1, 0, 1), scale="colour")]
    marks += _example_dots(examples)
    marks.append(Points([state.place[0]], [state.place[1]], colour="#000000", size=9.5, shape="ring"))
    marks.append(Points([state.place[0]], [state.place[1]], colour="#ffffff", size=8, shape="ring"))
    red, green, blue = (round(255 * part) for part in colour_at(state.place))
    text = f"The colour chosen is red {red}, green {green}, blue {blue}."
    return Figure(
        "colour",
        "Show it a colour",
        (0, 1),
        (0, 1),
        tuple(marks),
        text,
        aspect=ASPECT,
        axes=False,
        clicks="Click a colour.",
    )


def _example_dots(examples: Sequence[Example]) -> list[Mark]:
    if not examples:
        return []
    x, y = [example.place[0] for example in examples], [example.place[1] for example in examples]
    paint = [COLOURS[example.target] if isinstance(example.target, int) else "accent" for example in examples]
    marks: list[Mark] = [Points(x, y, colour="#17161b", size=8.5), Points(x, y, colour=paint, size=7)]
    if isinstance(examples[0].target, int):
        letters = [CLASSES[example.target] for example in examples if isinstance(example.target, int)]
        marks.append(Words(x, y, letters, colour="#17161b", size=10))
    return marks


def _sliders_input(state: TeachState, examples: Sequence[Example]) -> Figure:
    one, two, three = (float(state.settings[name]) for name in ("one", "two", "three"))
    marks: list[Mark] = [
        *_example_dots(examples),
        Points([one], [two], colour="accent", size=9, shape="ring", drag=True),
    ]
    text = f"The sliders are at {one:.2f}, {two:.2f} and {three:.2f}."
    return Figure(
        "sliders",
        "Show it a position of the sliders",
        (0, 1),
        (0, 1),
        tuple(marks),
        text,
        x_label="first slider",
        y_label="second slider",
        aspect=ASPECT,
        clicks="Click, or drag the ring. The third slider is among the controls.",
    )


def _drawing_input(state: TeachState, examples: Sequence[Example]) -> Figure:  # noqa: ARG001
    # The sheet is the whole figure; everything drawn on it counts.
    marks: list[Mark] = [
        Line([x for x, _ in stroke], [y for _, y in stroke], colour="ink", width=9)
        for stroke in state.strokes
    ]
    text = f"{len(state.strokes)} strokes on the sheet." if state.strokes else "The sheet is empty."
    return Figure(
        "drawing",
        "Draw something for it",
        (0, 1),
        (0, 1),
        tuple(marks),
        text,
        aspect=ASPECT,
        axes=False,
        draws=True,
        clicks="Draw here.",
    )


def _camera_input(state: TeachState, examples: Sequence[Example]) -> Figure:  # noqa: ARG001
    from studio.lessons.shared.pictures import jpeg_url

    if state.frame is None:
        words = "Turn the camera on, or choose a picture file."
        marks: tuple[Mark, ...] = (Words([0.5], [0.5], [words], colour="faint"),)
        return Figure("camera", "Show it something", (0, 1), (0, 1), marks, words, aspect=ASPECT, axes=False)
    edge = (1 - 1 / ASPECT) / 2
    marks = (PictureView(jpeg_url(state.frame), (edge, 1 - edge, 0, 1), text="What it is shown"),)
    text = "A picture, as the pretrained network sees it: 320 numbers."
    return Figure("camera", "What it is shown", (0, 1), (0, 1), marks, text, aspect=ASPECT, axes=False)


_INPUTS = {
    "colour": _colour_input,
    "sliders": _sliders_input,
    "drawing": _drawing_input,
    "camera": _camera_input,
}


def _answer_figure(state: TeachState, now: np.ndarray | None) -> Figure:
    classes = state.settings["answers"] == "classes"
    names = CLASSES if classes else NUMBERS
    values = [0.0] * 3 if now is None else [float(value) for value in now]
    marks: list[Mark] = [
        Bars((0, 1, 2), values, colour=COLOURS if classes else "accent", width=0.6, label=names)
    ]
    if now is not None:
        marks.append(
            Words((0, 1, 2), [value + 0.07 for value in values], [f"{value:.2f}" for value in values])
        )
    title = "How sure it is of each" if classes else "The numbers it answers with"
    said = (
        "No answer yet."
        if now is None
        else ", ".join(f"{name} {value:.2f}" for name, value in zip(names, values, strict=True)) + "."
    )
    return Figure("answer", title, (-0.6, 2.6), (0, 1.18), tuple(marks), said, aspect=ASPECT)


def _map_figure(state: TeachState) -> Figure:
    """What it would answer everywhere: the colours of the classes, mixed by how sure it is; or the pitch."""
    way, classes = str(state.settings["way"]), state.settings["answers"] == "classes"
    rows, columns = 24, 44
    middle = "its pitch" if not classes else "A, B or C"
    title = f"Its answer everywhere: {middle}"
    if state.network is None:
        marks: tuple[Mark, ...] = (Words([0.5], [0.5], ["Nothing learnt yet"], colour="faint"),)
        return Figure("map", title, (0, 1), (0, 1), marks, "Nothing learnt yet.", aspect=ASPECT, axes=False)
    places = [
        ((column + 0.5) / columns, (row + 0.5) / rows) for row in range(rows) for column in range(columns)
    ]
    third = float(state.settings["three"])
    shown = (
        [colour_at(place) for place in places] if way == "colour" else [(*place, third) for place in places]
    )
    said = answer(state, np.array(shown))
    if classes:
        painted = (said @ np.array(PAINTS) / 255).reshape(rows, columns, 3)
        marks = (Heat(painted, (0, 1, 0, 1), scale="colour"),)
        shares = np.bincount(said.argmax(axis=1), minlength=3) / len(said)
        text = (
            ", ".join(f"{name} on {share:.0%}" for name, share in zip(CLASSES, shares, strict=True))
            + " of the plane."
        )
    else:
        marks = (Heat((2 * said[:, 0] - 1).reshape(rows, columns), (0, 1, 0, 1)),)
        text = f"The pitch goes from {said[:, 0].min():.2f} to {said[:, 0].max():.2f} over the plane."
    x, y = state.place if way == "colour" else (float(state.settings["one"]), float(state.settings["two"]))
    marks = (*marks, Points([x], [y], colour="#17161b", size=8, shape="ring"))
    return Figure("map", title, (0, 1), (0, 1), marks, text, aspect=ASPECT, axes=False)


def _curve_figure(state: TeachState) -> Figure:
    losses = list(state.losses)
    top = max(0.05, max(losses, default=1.0)) * 1.08
    marks: tuple[Mark, ...] = (Line(range(1, len(losses) + 1), losses, colour="accent", fill=True),)
    text = (
        f"Loss from {written(losses[0])} to {written(losses[-1])} in {len(losses)} steps."
        if losses
        else "Not trained yet."
    )
    return Figure(
        "curve",
        "Loss in the last training",
        (0, STEPS),
        (0, top),
        marks,
        text,
        x_label="step",
        aspect=ASPECT,
    )


def _dream_figure(state: TeachState) -> Figure:
    from studio.lessons.shared.pictures import jpeg_url, sample

    pixels = sample("pagoda", DREAM_SIDE) if state.dream is None else state.dream.pixels()
    edge = (1 - pixels.shape[1] / pixels.shape[0] / ASPECT) / 2
    said = "the photo, while nothing runs" if state.dream is None else "a dream that follows the answer"
    marks = (PictureView(jpeg_url(pixels), (edge, 1 - edge, 0, 1), text=said),)
    kind = "A weaves, B fur, C scenes" if state.settings["answers"] == "classes" else "depth, speed, colour"
    return Figure(
        "dream", f"Dream: {kind}", (0, 1), (0, 1), marks, f"{said.capitalize()}.", aspect=ASPECT, axes=False
    )


def _examples_figure(examples: Sequence[Example], doubted: Sequence[int]) -> Figure:
    shown = examples[-TILES * TILE_ROWS :]
    first = len(examples) - len(shown)
    marks: list[Mark] = []
    for number, example in enumerate(shown):
        x, y = number % TILES, TILE_ROWS - 1 - number // TILES
        marks.append(
            PictureView(
                example.picture, (x + 0.08, x + 0.92, y + 0.26, y + 0.96), pixelated=example.way != "camera"
            )
        )
        if first + number in doubted:
            marks.append(
                Line(
                    (x + 0.06, x + 0.94, x + 0.94, x + 0.06, x + 0.06),
                    (y + 0.24, y + 0.24, y + 0.98, y + 0.98, y + 0.24),
                    colour="bad",
                )
            )
        target = example.target
        name = (
            CLASSES[target] if isinstance(target, int) else " ".join(f"{10 * value:.0f}" for value in target)
        )
        marks.append(
            Words(
                [x + 0.5],
                [y + 0.12],
                [name],
                colour=COLOURS[target] if isinstance(target, int) else "faint",
                size=12,
            )
        )
    if not shown:
        marks.append(Words([TILES / 2], [TILE_ROWS / 2], ["No examples yet"], colour="faint"))
    counts = f"{len(examples)} examples" + (f", the last {len(shown)} shown" if first else "")
    text = f"{counts}. It answers {len(doubted)} of them differently from what it was taught."
    return Figure(
        "examples",
        "The examples it learnt from" + (f" (the last {len(shown)})" if first else ""),
        (0, TILES),
        (0, TILE_ROWS),
        tuple(marks),
        text,
        aspect=TILES / TILE_ROWS * 0.82,
        axes=False,
        clicks="Click an example to delete it.",
        wide=True,
    )
