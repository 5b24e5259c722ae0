"""Benchmarks: the sets that everybody measures by, a network to choose, and an honest look at its mistakes."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.errors import Missing, Refused
from studio.lessons.benchmarks_data import (
    Bench,
    Fetching,
    Strokes,
    bench,
    drawn_digit,
    most_telling,
    pictures_of_ones_own,
    rounded_share,
    table_of_ones_own,
)
from studio.lessons.kit.keeping import packed
from studio.lessons.kit.lesson import Check, Choice, Event, Lesson, Push, Slide, Upload, Write
from studio.lessons.kit.scene import (
    Bars,
    Button,
    Figure,
    File,
    Heat,
    Line,
    Mark,
    Points,
    Scene,
    Table,
    Words,
    written,
)

if TYPE_CHECKING:
    from studio.learning.networks import Network
    from studio.learning.training import Fitted, Report

SETS = ("iris", "wine", "breast-cancer", "digits", "mnist", "cifar10", "own")
NETWORKS = ("convolutional", "perceptron", "linear")
TURN = 0.06
"""Seconds of training between two drawings."""
WORST = 12
ROWS = 12
MOST_STROKES = 40


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to: shares of right answers, and the mean wrongness, where it was learnt from and
    on what was held out.
    """

    number: int
    loss: float
    right: float
    held_out_loss: float
    held_out_right: float


@dataclass(frozen=True)
class Asked:
    """What the network is asked about: a held-out example by number, the visitor's strokes (then number is
    -1), or a picture of theirs.
    """

    number: int = 0
    strokes: Strokes = ()
    picture: np.ndarray | None = None


@dataclass(frozen=True)
class State:
    """The visitor's place. The network's weights and the running `fitting` change in place; all else is
    replaced.

    bench: None while the set is not on this machine. answers: [held out, classes], probabilities as of the
    last epoch.
    losses: (epochs, wrongness) of the batches, smoothed, as they come. upload: the visitor's own file, for
    other settings. spent: seconds that went into learning.
    """

    settings: dict[str, Any]
    bench: Bench | None
    network: Network | None = None
    fitting: Generator[Report, None, Fitted] | None = None
    epochs: tuple[Epoch, ...] = ()
    losses: tuple[tuple[float, float], ...] = ()
    answers: np.ndarray | None = None
    asked: Asked = Asked()
    playing: bool = False
    done: float = 0.0
    until: int = 0
    said: str = ""
    mood: str = "plain"
    upload: tuple[str, bytes] | None = None
    fetching: Fetching | None = None
    files: tuple[File, ...] = ()
    spent: float = 0.0


def begin(settings: Mapping[str, Any]) -> State:
    """The set, parted, and a network that has seen none of it; or a sentence on how to get the set. Raises
    `Refused`.
    """
    return _begun(dict(settings), None)


def _begun(settings: dict[str, Any], upload: tuple[str, bytes] | None, kept: Bench | None = None) -> State:
    try:
        found = kept or _bench(settings, upload)
    except Missing as missing:
        return State(settings, None, said=_absent(settings, missing), upload=upload)
    network = _network(settings, found)
    state = State(
        settings, found, network, None, answers=_answers(network, found), upload=upload, said=found.note
    )
    return replace(state, until=int(settings["epochs"]))


def _absent(settings: Mapping[str, Any], missing: Missing) -> str:
    if settings["data"] == "own":
        return str(missing)
    return f"{settings['data']} is not on this machine. Press Fetch the set, or put its files into the studio's folder, STUDIO_HOME/datasets."


def _bench(settings: Mapping[str, Any], upload: tuple[str, bytes] | None) -> Bench:
    name, held_out, most, seed = (
        str(settings["data"]),
        int(settings["held_out"]),
        int(settings["most"]),
        int(settings["seed"]),
    )
    if name != "own":
        return bench(name, held_out, most, seed)
    if upload is None:
        raise Missing(
            "Choose a file of your own: a table (CSV) with the class last, or a zip with a folder of pictures for each class."
        )
    file, content = upload
    read = pictures_of_ones_own if content[:4] == b"PK\x03\x04" else table_of_ones_own
    return read(content, file, held_out, most, seed)


def numbers_in(text: str, what: str, most: int) -> tuple[int, ...]:
    """Whole numbers from a text such as "16, 32". Raises `Refused`."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    numbers = tuple(int(part) if part.isdecimal() and len(part) < 6 else 0 for part in parts)
    if len(numbers) > 4 or not all(1 <= number <= most for number in numbers):
        raise Refused(f"{what} are up to four numbers from 1 to {most}, such as 16, 32.")
    return numbers


def _network(settings: Mapping[str, Any], found: Bench) -> Network:
    from studio.learning.networks import Convolutional, Perceptron

    shape = tuple(found.seen.inputs.shape[1:])
    kind, classes, seed = str(settings["network"]), max(2, len(found.classes)), int(settings["seed"])
    if kind == "convolutional" and found.is_pictures:
        channels = numbers_in(str(settings["channels"]), "Channels", 128) or (16,)
        channels_high_wide: Any = shape
        return Convolutional(
            shape=channels_high_wide,
            classes=classes,
            channels=channels,
            hidden=64,
            dropout=float(settings["dropout"]),
            seed=seed,
        ).build()
    hidden = () if kind == "linear" else numbers_in(str(settings["hidden"]), "Neurons", 512)
    inputs: Any = shape if found.is_pictures else shape[0]
    return Perceptron(
        inputs=inputs, hidden=hidden, outputs=classes, dropout=float(settings["dropout"]), seed=seed
    ).build()


@contextmanager
def _threads(found: Bench) -> Iterator[None]:
    """Small pictures and tables are done sooner by one thread than by several that wait for one another."""
    import torch

    before = torch.get_num_threads()
    if found.seen.inputs[0].numel() < 500:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _answers(network: Network, found: Bench) -> np.ndarray:
    """Probabilities for all that is held out: [n, classes]."""
    import torch

    with torch.no_grad(), _threads(found):
        network.eval()
        parts = [torch.softmax(network(part), dim=1) for part in torch.split(found.held_out.inputs, 512)]
    return np.asarray(torch.cat(parts).numpy())


def act(state: State, event: Event) -> State:
    """Train, draw a digit, ask about another example, choose another set."""
    state = replace(state, files=())
    match event.name:
        case "fetch":
            return _fetch(state)
        case "advance" if state.fetching is not None:
            return _fetched(state)
        case "own":
            settings = state.settings | {"data": "own"}
            return _begun(settings, (event.text or "The file", event.content))
        case "set":
            return _set(state, event.knob, event.value)
    if state.bench is None or state.network is None:
        return state
    match event.name:
        case "advance" if state.playing:
            return train(state, seconds=TURN)
        case "play":
            until = (
                state.until
                if state.done < state.until
                else math.floor(state.done) + int(state.settings["epochs"])
            )
            return replace(state, playing=not state.playing, until=until, said="", mood="plain")
        case "step":
            return replace(train(state, epochs=1), playing=False)
        case "reset":
            return _begun(state.settings | {"seed": (int(state.settings["seed"]) + 1) % 100}, state.upload)
        case "another":
            number = (state.asked.number + 1 + 7 * len(state.epochs)) % len(state.bench.held_out)
            return replace(state, asked=Asked(number), said="")
        case "press" if event.id == "clean":
            return replace(state, asked=Asked(0))
        case "press" if event.id.startswith("worst "):
            return replace(state, asked=Asked(int(event.id.removeprefix("worst "))), said="")
        case "click" if event.figure == "confusion":
            return _one_of(state, event)
        case "click" if event.figure == "plane":
            across, up = most_telling(state.bench)
            places = state.bench.held_out.inputs.numpy()[:, [across, up]]
            return replace(
                state, asked=Asked(int(((places - (event.x, event.y)) ** 2).sum(axis=1).argmin())), said=""
            )
        case "stroke" if event.figure == "sheet" and state.bench.is_drawable:
            strokes = (*state.asked.strokes, tuple(event.points))[-MOST_STROKES:]
            return replace(state, asked=Asked(-1, strokes), said="")
        case "show":
            return _shown(state, event)
        case "save":
            return _saved(state)
    return state


def _set(state: State, knob: str, value: Any) -> State:
    settings = state.settings | {knob: value}
    if knob == "epochs":
        return replace(state, settings=settings, until=math.floor(state.done) + int(value))
    if knob in ("data", "held_out", "most", "seed"):
        return replace(_begun(settings, state.upload), playing=False)
    return replace(
        _begun(settings, state.upload, state.bench),
        playing=state.playing and state.bench is not None,
        asked=state.asked,
    )


def _fetch(state: State) -> State:
    from studio.learning.datasets import KNOWN_SETS

    name = str(state.settings["data"])
    if name == "own" or not KNOWN_SETS[name].needs_download or state.bench is not None:
        return replace(state, said="This set is here already; there is nothing to fetch.")
    if state.fetching is not None:
        return state
    return replace(state, fetching=Fetching.begin(name), playing=True, said=f"Fetching {name} …")


def _fetched(state: State) -> State:
    fetching = state.fetching
    assert fetching is not None
    if not fetching.done:
        time.sleep(0.2)
        return replace(state, said=fetching.sentence)
    if fetching.error:
        return replace(state, fetching=None, playing=False, said=fetching.error, mood="bad")
    return replace(
        _begun(state.settings, state.upload),
        said=f"{fetching.name} is here, and its sums are right.",
        mood="good",
    )


def train(state: State, *, seconds: float = 0.0, epochs: int = 0) -> State:
    """Train for so many seconds, or to the end of the epoch if that comes first; or for so many epochs."""
    from studio.learning.training import Plan, evaluate, fit

    found, network = state.bench, state.network
    assert found is not None
    assert network is not None
    batch = int(state.settings["batch"])
    fitting = state.fitting or fit(
        network,
        found.seen,
        Plan.of(
            metrics=("accuracy",),
            optimiser=state.settings["optimiser"],
            rate=float(state.settings["rate"]),
            batch=batch,
            epochs=10_000,
            seed=int(state.settings["seed"]),
            device="cpu",
        ),
        every_step=True,
    )
    per_epoch = found.seen.batch_count(batch)
    began, losses, done = time.perf_counter(), list(state.losses), state.done
    history, answers = list(state.epochs), state.answers
    ended = 0
    with _threads(found):
        while True:
            report = next(fitting)
            done = len(history) + 1 if report.figures is not None else done + 1 / per_epoch
            if report.ending is not None:
                said = f"{report.ending.sentence}"
                return replace(
                    state,
                    fitting=None,
                    playing=False,
                    said=said,
                    mood="bad",
                    answers=_answers(network, found),
                )
            losses.append((done, report.loss if not losses else 0.9 * losses[-1][1] + 0.1 * report.loss))
            if report.figures is not None:
                judged = evaluate(network, found.held_out, metrics=("accuracy",))
                history.append(
                    Epoch(
                        len(history) + 1,
                        report.figures.loss,
                        report.figures.metrics["accuracy"],
                        judged.loss,
                        judged.metrics["accuracy"],
                    )
                )
                answers = _answers(network, found)
                ended += 1
            if (epochs and ended == epochs) or (seconds and (ended or time.perf_counter() - began > seconds)):
                break
    if len(losses) > 600:
        losses = [*losses[:-1:2], losses[-1]]
    state = replace(
        state,
        fitting=fitting,
        epochs=tuple(history),
        losses=tuple(losses),
        answers=answers,
        done=done,
        said="",
        mood="plain",
        spent=state.spent + time.perf_counter() - began,
    )
    return replace(state, playing=False) if state.playing and len(history) >= state.until else state


def _one_of(state: State, event: Event) -> State:
    """A cell of the confusion matrix was clicked: ask about one of its examples, the next at every click."""
    found, answers = state.bench, state.answers
    assert found is not None
    assert answers is not None
    classes = len(found.classes)
    truth, said = classes - 1 - int(event.y), int(event.x)
    those = np.flatnonzero((found.held_out.targets.numpy() == truth) & (answers.argmax(axis=1) == said))
    if not len(those):
        return replace(state, said="Nothing held out falls into that cell.")
    later = those[those > state.asked.number]
    return replace(state, asked=Asked(int(later[0] if len(later) else those[0])), said="")


def _shown(state: State, event: Event) -> State:
    """A picture of the visitor's own, made as large as those of the set."""
    from PIL import Image

    from studio.images.pictures import read_picture

    found = state.bench
    assert found is not None
    if not found.is_pictures:
        read_picture(event.content, event.text or "The picture")
        return replace(state, said="This set is a table; choose one of pictures to show it a picture.")
    channels, side = found.seen.inputs.shape[1], found.seen.inputs.shape[2]
    picture = Image.fromarray(read_picture(event.content, event.text or "The picture").pixels)
    small = picture.resize((side, side), Image.Resampling.LANCZOS)
    if channels == 1:
        grey = np.asarray(small.convert("L"), dtype=np.float32)[None] / 255
        # The sets of digits are light on dark; a photo of ink on paper is the other way round.
        return replace(state, asked=Asked(-1, picture=1 - grey if grey.mean() > 0.5 else grey), said="")
    return replace(
        state, asked=Asked(-1, picture=np.asarray(small, dtype=np.float32).transpose(2, 0, 1) / 255), said=""
    )


def _saved(state: State) -> State:
    from studio.learning.checkpoints import Card
    from studio.learning.datasets import DataSource

    found, network = state.bench, state.network
    assert found is not None
    assert network is not None
    last = state.epochs[-1] if state.epochs else None
    origin = found.seen.origin or DataSource(
        name="the visitor's own", source="the visitor", licence="the visitor's own"
    )
    wishes = " ".join(
        f"--set '{name}={value}'"
        for name, value in state.settings.items()
        if value != LESSON.settings()[name]
    )
    card = Card(
        name=f"benchmark-{found.name}",
        what=f"tells {', '.join(found.classes)} apart",
        data=(origin,),
        command=f"studio lesson benchmarks {wishes}".strip(),
        figures={"held-out accuracy": last.held_out_right, "epochs": float(last.number)} if last else {},
        scale=found.scale,
        classes=found.classes,
    )
    return replace(
        state,
        files=(packed(network, card),),
        said="The network is saved: a card and its weights in one zip.",
        mood="good",
    )


# What there is to see


def draw(state: State) -> Scene:
    """What is asked and what the network answers, the curve, who is taken for whom, and the worst mistakes."""
    if state.bench is None or state.answers is None:
        return Scene(
            tables=(_card(state),),
            says=state.said,
            mood=state.mood,
            playing=state.playing,
            values={"data": state.settings["data"]},
        )
    found = state.bench
    last = state.epochs[-1] if state.epochs else None
    right = float((state.answers.argmax(axis=1) == found.held_out.targets.numpy()).mean())
    assert state.network is not None
    numbers = {
        "epoch": f"{state.done:.1f} of {state.until}",
        "right, learning": rounded_share(last.right) if last else "–",
        "right, held out": rounded_share(right),
        "learning from": f"{len(found.seen):,}",
        "held out": f"{len(found.held_out):,}",
        "weights": f"{sum(weight.numel() for weight in state.network.parameters()):,}",
    }
    worst = _worst(state, found)
    asked = _sheet(state, found) if found.is_pictures else _plane(state, found)
    figures = [asked, _bars(state, found), _curve(state), _confusion(state, found)]
    tables = [_by_epoch(state), _card(state)]
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


def _says(state: State, found: Bench, right: float) -> str:
    if state.said:
        return state.said
    if not state.epochs and not state.playing:
        return f"An untrained network: {rounded_share(right)} right, about as good as guessing among {len(found.classes)}. Press Train."
    if state.playing or not state.epochs:
        return "It learns. The bars show how sure it is of the example beside them; watch them settle."
    wrong = round((1 - right) * len(found.held_out))
    draws = " Draw a digit on the sheet." if found.is_drawable else ""
    return f"{wrong} of {len(found.held_out):,} that it never saw are wrong. Look at them below: would you have known?{draws}"


def _asked(state: State, found: Bench) -> tuple[np.ndarray, str, str]:
    """The input the network is asked about, what it is in truth, and what to call it."""
    asked = state.asked
    if asked.picture is not None:
        return asked.picture, "", "Your picture"
    if asked.strokes:
        side = found.seen.inputs.shape[2]
        return drawn_digit(asked.strokes, side)[None], "", "Your digit"
    number = max(asked.number, 0)
    truth = found.classes[int(found.held_out.targets[number])]
    return found.held_out.inputs[number].numpy(), truth, f"Held-out example {number + 1}: {truth}"


def probabilities(state: State, found: Bench) -> tuple[np.ndarray, str]:
    import torch

    assert state.network is not None
    inputs, truth, _ = _asked(state, found)
    with torch.no_grad(), _threads(found):
        state.network.eval()
        return np.asarray(
            torch.softmax(state.network(torch.from_numpy(np.ascontiguousarray(inputs))[None]), dim=1)[
                0
            ].numpy()
        ), truth


def _picture(pixels: np.ndarray, extent: tuple[float, float, float, float]) -> Heat:
    """pixels [channels, h, w], rows from the top, in 0 … 1. Small ones keep their squares."""
    upright = pixels[:, ::-1]
    if len(upright) == 1:
        return Heat(upright[0], extent, scale="light", pixelated=True)
    return Heat(np.moveaxis(upright, 0, 2), extent, scale="colour", pixelated=True)


def _sheet(state: State, found: Bench) -> Figure:
    inputs, truth, title = _asked(state, found)
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


def _plane(state: State, found: Bench) -> Figure:
    """A table's held-out examples by the two features that tell most; the one asked about is ringed."""
    across, up = most_telling(found)
    inputs, targets = found.held_out.inputs.numpy(), found.held_out.targets.numpy()
    x, y = np.clip(inputs[:, across], -3, 3), np.clip(inputs[:, up], -3, 3)
    colours = [COLOURS[target % len(COLOURS)] for target in targets]
    shapes = [("circle", "square", "ring", "cross")[target % 4] for target in targets]
    number = max(state.asked.number, 0)
    marks = (Points(x, y, colours, 4.5, shapes), Points([x[number]], [y[number]], "accent", 11, "ring"))
    names = [f"{found.seen.features[feature]}, standardised" for feature in (across, up)]
    _, _, title = _asked(state, found)
    legend = ", ".join(
        f"{shape} {name}"
        for shape, name in zip(("dot", "square", "ring", "cross"), found.classes, strict=False)
    )
    text = f"{title}. Shown by the two features that tell the classes apart best. {legend}."
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


def _bars(state: State, found: Bench) -> Figure:
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


def _curve(state: State) -> Figure:
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
            ("learning", "held out"),
            ("ink", "three"),
            12.5,
            "end",
        )
    )
    last = state.epochs[-1] if state.epochs else None
    text = (
        f"After {last.number} epochs {written(last.loss)} learning, {written(last.held_out_loss)} held out."
        if last
        else "Not trained yet."
    )
    return Figure("curve", "Wrongness, epoch by epoch", (0, right), (0, top), tuple(marks), text, aspect=2.3)


def _confusion(state: State, found: Bench) -> Figure:
    """Rows: what it is; columns: what the network said. Orange for right, blue for taken for another."""
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
    clicks = "Rows: what it is. Columns: what it is taken for. Click a cell to see one."
    axes = (left, float(classes)), (-0.08 * classes, float(classes))
    return Figure(
        "confusion", "Who is taken for whom", *axes, marks, text, aspect=1.05, axes=False, clicks=clicks
    )


def _worst(state: State, found: Bench) -> list[int]:
    """The held-out examples that were wrong, those it was surest about first."""
    assert state.answers is not None
    targets = found.held_out.targets.numpy()
    wrong = np.flatnonzero(state.answers.argmax(axis=1) != targets)
    return [int(number) for number in wrong[np.argsort(-state.answers[wrong].max(axis=1))][:WORST]]


def _mistakes(state: State, found: Bench, worst: list[int]) -> Figure:
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
    text = f"{mistakes} mistakes; the {len(worst)} it was surest about are shown."
    return Figure(
        "mistakes",
        "The worst mistakes, the surest first",
        (0, 4),
        (0, 3),
        tuple(marks),
        text,
        aspect=1.3,
        axes=False,
    )


def _mistakes_table(state: State, found: Bench, worst: list[int]) -> Table:
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
        "The worst mistakes, the surest first",
        ("example", *(found.seen.features[f] for f in telling), "it is", "it says", "sure"),
        rows,
    )


def _by_epoch(state: State, last: int = ROWS) -> Table:
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
    columns = ("epoch", "wrongness, learning", "right, learning", "wrongness, held out", "right, held out")
    return Table("Epoch by epoch", columns, rows, len(rows) - 1 if rows else None)


@dataclass(frozen=True)
class Known:
    """What a set is known to give. here, time: what this lesson's defaults reached with the dice 1, 2 and 3
    on two cores;
    published: what others did."""

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


def _card(state: State) -> Table:
    from studio.learning.datasets import KNOWN_SETS

    name = str(state.settings["data"])
    rows = [(each, known.here, known.time, known.published) for each, known in KNOWN.items()]
    if name in KNOWN and state.epochs:
        # What this machine has reached just now stands beside it; of the sets that are a download it is all
        # that can be said.
        known, last = KNOWN[name], state.epochs[-1]
        now = f"{rounded_share(last.held_out_right)} here after {last.number} epoch{'s' * (last.number > 1)}"
        took = f"{max(1, round(state.spent))} s here"
        measured = known.time != UNMEASURED.time
        here = (f"{known.here}; {now}", f"{known.time}; {took}") if measured else (now, took)
        rows[list(KNOWN).index(name)] = (name, *here, known.published)
    holds = f"{name}: {KNOWN_SETS[name].sentence} " if name in KNOWN else ""
    chosen = list(KNOWN).index(name) if name in KNOWN else None
    return Table(
        f"{holds}What is reached on what was held out",
        ("set", "reached", "takes", "published"),
        tuple(rows),
        chosen,
    )


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """Shares of right answers, epoch by epoch, and who was taken for whom."""
    state = begin(settings)
    yield _card(state)
    if state.bench is None:
        yield state.said
        return
    for _ in range(int(settings["epochs"])):
        state = train(state, epochs=1)
        if state.mood == "bad":
            yield state.said
            return
    yield replace(
        _by_epoch(state, last=len(state.epochs)), title=f"{settings['data']}, {settings['network']}"
    )
    assert state.bench is not None
    yield _confusion(state, state.bench).text
    if str(settings["data"]) in ("mnist", "cifar10"):
        yield _card(state)


LESSON: Lesson[State] = Lesson(
    name="benchmarks",
    title="Benchmarks",
    question="How good is a network really, and what are its mistakes like?",
    first="Press Train. When it rests, draw a digit on the sheet with a finger or the mouse.",
    notice=(
        "Only what was held out counts. On what it learnt from, a large network is nearly always right.",
        "Its mistakes are not spread evenly: who is taken for whom says what the network looks at.",
        "Being sure is not being right. The worst mistakes are those made with confidence.",
        "Your own digit is harder than those of the set: other hand, other pen. A benchmark measures the benchmark.",
    ),
    checks=(
        Check(
            "What will happen if you draw a letter instead of a digit?",
            (
                "It says that it is no digit",
                "It names a digit all the same, often with confidence",
                "All bars are equally high",
            ),
            1,
            "It was only ever asked which of ten. That something may be none of them it has never met.",
        ),
        Check(
            "What will happen if it learns from 500 examples instead of all?",
            (
                "The same in less time",
                "All right on what it learnt from, worse on what was held out",
                "Worse on both",
            ),
            1,
            "Fewer examples are learnt by heart more easily, and say less about those that were not among them.",
        ),
    ),
    formula=(
        "p(class) = exp(y of the class) / Σ exp(y)\n"
        "wrongness = − log p(right class), mean\n\n"
        "y  one output for each class\n"
        "p  how sure the network is, 0 … 1, all together 1\n"
        "share right = how often the largest p is the right class, on what was held out"
    ),
    code="""\
import numpy as np
from sklearn.datasets import load_digits
pictures, digits = load_digits(return_X_y=True)
x, t = pictures / 16, np.eye(10)[digits]
seen, held_out = slice(0, 1300), slice(1300, None)
W, b = np.zeros((64, 10)), np.zeros(10)
for epoch in range(300):
    y = x[seen] @ W + b
    p = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
    blame = (p - t[seen]) / 1300
    W, b = W - 0.5 * x[seen].T @ blame, b - 0.5 * blame.sum(axis=0)
right = (x[held_out] @ W + b).argmax(axis=1) == digits[held_out]
print(right.mean())  # about nine in ten, without a single hidden neuron""",
    tab="Dream",
    use=(
        "The network that dreams was measured like this, on a thousand kinds of photos. "
        "What it tells apart is what it can dream of; what nobody labelled, it has no eye for."
    ),
    credits=(
        "Iris (Fisher), Wine (Aeberhard, Forina), Breast Cancer Wisconsin (Wolberg and others), Digits (Alpaydin, Kaynak): UCI, CC BY 4.0.",
        "MNIST (LeCun, Cortes, Burges): CC BY-SA 3.0. CIFAR-10 (Krizhevsky): for research and teaching.",
    ),
    folded=("Your own",),
    knobs=(
        Push("play", "Train", "epoch after epoch", key="space", main=True),
        Push("step", "One epoch", "every example once", key="s"),
        Push("another", "Ask another", "another held-out example", key="a"),
        Push("reset", "Reset", "another beginning, another part held out", key="r"),
        Choice("data", "Set", SETS, "digits", group="Set"),
        Slide(
            "held_out", "Held out, percent", 10, 50, 5, 25, "MNIST and CIFAR-10 bring their own.", group="Set"
        ),
        Slide(
            "most",
            "Learn from at most",
            100,
            60000,
            100,
            10000,
            stops=(100, 200, 500, 1000, 2000, 5000, 10000, 20000, 60000),
            group="Set",
        ),
        Push("fetch", "Fetch the set", "MNIST (12 MB) or CIFAR-10 (170 MB), once", group="Set"),
        Choice("network", "Network", NETWORKS, "convolutional", group="Network"),
        Write("channels", "Channels of its layers", "16, 32", group="Network"),
        Write("hidden", "Neurons of a perceptron", "64", "Tables take this one.", group="Network"),
        Slide("dropout", "Dropout", 0, 0.8, 0.1, 0, group="Network"),
        Slide("epochs", "Epochs", 1, 100, 1, 12, group="Learning"),
        Slide(
            "rate",
            "Learning rate",
            0.0001,
            1,
            0.0001,
            0.003,
            stops=(0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
            group="Learning",
        ),
        Slide("batch", "Batch size", 8, 256, 8, 16, stops=(8, 16, 32, 64, 128, 256), group="Learning"),
        Choice("optimiser", "Rule", ("adam", "sgd", "rmsprop"), "adam", group="Learning"),
        Slide("seed", "Dice", 0, 99, 1, 1, group="Learning"),
        Upload(
            "own",
            "A table or pictures",
            ".csv,.tsv,.txt,.zip",
            "CSV with the class last, or a zip: a folder for each class.",
            group="Your own",
        ),
        Upload("show", "A picture to be read", "image/*", group="Your own"),
        Push("save", "Save the network", "a card and its weights, as a zip", group="Your own"),
    ),
    begin=begin,
    act=act,
    draw=draw,
    table=table,
)
