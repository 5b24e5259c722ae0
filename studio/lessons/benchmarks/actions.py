"""What the visitor does in the lesson on benchmarks."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np

from studio.lessons.benchmarks.controls import KNOBS
from studio.lessons.benchmarks.data import Fetching, most_telling
from studio.lessons.benchmarks.model import TURN, BenchmarksState, Question, begin_with, train
from studio.lessons.kit.lesson import Action, Handler, dispatch
from studio.lessons.kit.saving import lesson_command, pack_network

MOST_STROKES = 40


def act(state: BenchmarksState, action: Action) -> BenchmarksState:
    """Train, draw a digit, ask about another example, choose another set."""
    state = replace(state, files=())
    handlers = _WITHOUT_DATA if state.data is None or state.network is None else _HANDLERS
    return dispatch(handlers, state, action)


def _own(state: BenchmarksState, action: Action) -> BenchmarksState:
    return begin_with(state.settings | {"data": "own"}, (action.text or "The file", action.content))


def _advance(state: BenchmarksState, action: Action) -> BenchmarksState:
    if state.fetching is not None:
        return _check_download(state, action)
    return train(state, seconds=TURN) if state.playing else state


def _play(state: BenchmarksState, _: Action) -> BenchmarksState:
    finished = state.done >= state.until
    until = math.floor(state.done) + int(state.settings["epochs"]) if finished else state.until
    return replace(state, playing=not state.playing, until=until, said="", mood="plain")


def _step(state: BenchmarksState, _: Action) -> BenchmarksState:
    return replace(train(state, epochs=1), playing=False)


def _reset(state: BenchmarksState, _: Action) -> BenchmarksState:
    return begin_with(state.settings | {"seed": (int(state.settings["seed"]) + 1) % 100}, state.upload)


def _another(state: BenchmarksState, _: Action) -> BenchmarksState:
    assert state.data is not None
    number = (state.asked.number + 1 + 7 * len(state.epochs)) % len(state.data.held_out)
    return replace(state, asked=Question(number), said="")


def _press(state: BenchmarksState, action: Action) -> BenchmarksState:
    if action.id == "clean":
        return replace(state, asked=Question(0))
    if action.id.startswith("worst "):
        return replace(state, asked=Question(int(action.id.removeprefix("worst "))), said="")
    return state


def _click_plane(state: BenchmarksState, action: Action) -> BenchmarksState:
    assert state.data is not None
    places = state.data.held_out.inputs.numpy()[:, list(most_telling(state.data))]
    nearest = int(((places - (action.x, action.y)) ** 2).sum(axis=1).argmin())
    return replace(state, asked=Question(nearest), said="")


def _draw_digit(state: BenchmarksState, action: Action) -> BenchmarksState:
    assert state.data is not None
    if not state.data.is_drawable:
        return state
    strokes = (*state.asked.strokes, tuple(action.points))[-MOST_STROKES:]
    return replace(state, asked=Question(-1, strokes), said="")


def _set(state: BenchmarksState, action: Action) -> BenchmarksState:
    knob, value = action.knob, action.value
    settings = state.settings | {knob: value}
    if knob == "epochs":
        return replace(state, settings=settings, until=math.floor(state.done) + int(value))
    if knob in ("data", "held_out", "most", "seed"):
        return replace(begin_with(settings, state.upload), playing=False)
    return replace(
        begin_with(settings, state.upload, state.data),
        playing=state.playing and state.data is not None,
        asked=state.asked,
    )


def _start_download(state: BenchmarksState, _: Action) -> BenchmarksState:
    from studio.learning.datasets import KNOWN_SETS

    name = str(state.settings["data"])
    if name == "own" or not KNOWN_SETS[name].needs_download or state.data is not None:
        return replace(state, said="This set is here already; there is nothing to download.")
    if state.fetching is not None:
        return state
    return replace(state, fetching=Fetching.begin(name), playing=True, said=f"Downloading {name} …")


def _check_download(state: BenchmarksState, _: Action) -> BenchmarksState:
    fetching = state.fetching
    if fetching is None:
        return state
    if not fetching.done:
        time.sleep(0.2)
        return replace(state, said=fetching.sentence)
    if fetching.error:
        return replace(state, fetching=None, playing=False, said=fetching.error, mood="bad")
    return replace(
        begin_with(state.settings, state.upload),
        said=f"{fetching.name} is here, and its checksums are right.",
        mood="good",
    )


def _click_confusion(state: BenchmarksState, action: Action) -> BenchmarksState:
    """A cell of the confusion matrix was clicked: ask about one of its examples, the next one at every
    click.
    """
    found, answers = state.data, state.answers
    assert found is not None
    assert answers is not None
    classes = len(found.classes)
    truth, said = classes - 1 - int(action.y), int(action.x)
    those = np.flatnonzero((found.held_out.targets.numpy() == truth) & (answers.argmax(axis=1) == said))
    if not len(those):
        return replace(state, said="No test example falls into that cell.")
    later = those[those > state.asked.number]
    return replace(state, asked=Question(int(later[0] if len(later) else those[0])), said="")


def _show_picture(state: BenchmarksState, action: Action) -> BenchmarksState:
    """A picture from the visitor, resized to the size of those in the set."""
    from PIL import Image

    from studio.images.pictures import read_picture

    found = state.data
    assert found is not None
    if not found.is_pictures:
        read_picture(action.content, action.text or "The picture")
        return replace(state, said="This set is a table; choose a set of pictures first.")
    channels, side = found.seen.inputs.shape[1], found.seen.inputs.shape[2]
    picture = Image.fromarray(read_picture(action.content, action.text or "The picture").pixels)
    small = picture.resize((side, side), Image.Resampling.LANCZOS)
    if channels == 1:
        grey = np.asarray(small.convert("L"), dtype=np.float32)[None] / 255
        # The sets of digits are light on dark; a photo of ink on paper is the other way round.
        return replace(state, asked=Question(-1, picture=1 - grey if grey.mean() > 0.5 else grey), said="")
    return replace(
        state,
        asked=Question(-1, picture=np.asarray(small, dtype=np.float32).transpose(2, 0, 1) / 255),
        said="",
    )


def _save(state: BenchmarksState, _: Action) -> BenchmarksState:
    from studio.learning.checkpoints import Card
    from studio.learning.datasets import DataSource

    found, network = state.data, state.network
    assert found is not None
    assert network is not None
    last = state.epochs[-1] if state.epochs else None
    origin = found.seen.origin or DataSource(
        name="the visitor's own", source="the visitor", licence="the visitor's own"
    )
    card = Card(
        name=f"benchmark-{found.name}",
        what=f"tells {', '.join(found.classes)} apart",
        data=(origin,),
        command=lesson_command("benchmarks", KNOBS, state.settings),
        figures={"held-out accuracy": last.held_out_right, "epochs": float(last.number)} if last else {},
        scale=found.scale,
        classes=found.classes,
    )
    return replace(
        state,
        files=(pack_network(network, card),),
        said="The network is saved: its weights and its card in one zip.",
        mood="good",
    )


_WITHOUT_DATA: dict[str, Handler[BenchmarksState]] = {
    "fetch": _start_download,
    "advance": _check_download,
    "own": _own,
    "set": _set,
}
_HANDLERS: dict[str, Handler[BenchmarksState]] = _WITHOUT_DATA | {
    "advance": _advance,
    "play": _play,
    "step": _step,
    "reset": _reset,
    "another": _another,
    "press": _press,
    "click confusion": _click_confusion,
    "click plane": _click_plane,
    "stroke sheet": _draw_digit,
    "show": _show_picture,
    "save": _save,
}
