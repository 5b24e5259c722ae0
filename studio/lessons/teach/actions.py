"""What the visitor does in Teach by example: show, label, run live, take back, save and load."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import numpy as np

from studio.errors import Refused, Unreadable
from studio.lessons.kit.lesson import Action, Handler, dispatch
from studio.lessons.kit.saving import pack_network, unpack_network
from studio.lessons.kit.scene import Audio, Visit
from studio.lessons.teach.model import (
    CLASSES,
    MOST_EXAMPLES,
    NUMBERS,
    SEEN_SIDE,
    STEPS,
    TILE_ROWS,
    TILES,
    WAYS,
    Example,
    TeachState,
    answer_now,
    colour_at,
    embedding,
    ink,
    mine,
    retrain,
    shown_now,
    train,
)
from studio.lessons.teach.playing import CHORDS, STEPS_LIVE, LiveDream, dream_settings, note


def act(state: TeachState, action: Action) -> TeachState:
    """Show something, say what it is, run live, take back, keep."""
    return dispatch(_HANDLERS, replace(state, sounds=(), files=(), visit=None), action)


def _set(state: TeachState, action: Action) -> TeachState:
    state = replace(state, settings=state.settings | {action.knob: action.value})
    if action.knob in ("way", "answers"):
        return retrain(replace(state, gone=(), said="", mood="plain"))
    return state


# What is shown


def _click_colour(state: TeachState, action: Action) -> TeachState:
    return replace(state, place=(min(max(action.x, 0.0), 1.0), min(max(action.y, 0.0), 1.0)), said="")


def _draw(state: TeachState, action: Action) -> TeachState:
    return (
        replace(state, strokes=(*state.strokes, tuple(action.points))[-40:], said="")
        if action.points
        else state
    )


def _wipe(state: TeachState, _: Action) -> TeachState:
    return replace(state, strokes=(), said="The sheet is clean.", mood="plain")


def _move_sliders(state: TeachState, action: Action) -> TeachState:
    if action.name == "drag" and action.index != 0:
        return state
    one, two = (round(min(max(value, 0.0), 1.0), 2) for value in (action.x, action.y))
    return replace(state, settings=state.settings | {"one": one, "two": two}, said="")


def _show_picture(state: TeachState, action: Action) -> TeachState:
    """A picture from the camera or a file; the pretrained network's answers to it are its features."""
    from studio.images.pictures import read_picture, resize

    pixels = read_picture(action.content, action.text or "The picture").pixels
    side = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    frame = resize(np.ascontiguousarray(pixels[top : top + side, left : left + side]), SEEN_SIDE, SEEN_SIDE)
    if state.settings["way"] != "camera":
        if action.name == "camera" and state.frame is not None:
            return state  # the camera is still on, but something else is being taught
        state = retrain(replace(state, settings=state.settings | {"way": "camera"}))
    return replace(state, frame=frame, seen=embedding(frame), said="" if state.live else state.said)


def _thumbnail(state: TeachState) -> str:
    from studio.lessons.shared.pictures import jpeg_url, png_url

    match state.settings["way"]:
        case "colour":
            return png_url(
                np.full((1, 1, 3), [round(255 * part) for part in colour_at(state.place)], np.uint8)
            )
        case "drawing":
            return png_url(np.repeat((ink(state.strokes) * 255).astype(np.uint8)[..., None], 3, axis=2))
        case "camera":
            assert state.frame is not None
            from studio.images.pictures import resize

            return jpeg_url(resize(state.frame, 48, 48))
    levels = [float(state.settings[name]) for name in ("one", "two", "three")]
    picture = np.full((12, 12, 3), 34, np.uint8)
    for number, level in enumerate(levels):
        picture[11 - round(level * 11) :, number * 4 : number * 4 + 3] = 200
    return png_url(picture)


# Examples


def _give_class(state: TeachState, action: Action) -> TeachState:
    return _give(state, "classes", "abc".index(action.name[-1]))


def _give_numbers(state: TeachState, _: Action) -> TeachState:
    return _give(state, "numbers", tuple(float(state.settings[name]) for name in NUMBERS))


def _give(state: TeachState, answers: str, target: int | tuple[float, ...]) -> TeachState:
    if state.settings["answers"] != answers:
        state = replace(state, settings=state.settings | {"answers": answers})
    features = shown_now(state)
    if features is None:
        nothing = {
            "drawing": "Draw something on the sheet first.",
            "camera": "Turn the camera on first, or choose a picture file.",
        }
        return replace(state, said=nothing[state.settings["way"]], mood="bad")
    if len(state.examples) >= MOST_EXAMPLES:
        raise Refused(f"There are {MOST_EXAMPLES} examples; delete some of them first.")
    way = str(state.settings["way"])
    place = state.place if way == "colour" else (float(state.settings["one"]), float(state.settings["two"]))
    example = Example(way, tuple(features), target, _thumbnail(state), place)
    name = CLASSES[target] if isinstance(target, int) else "these numbers"
    said = f"An example of {name}."
    state = replace(state, examples=(*state.examples, example), strokes=(), gone=(), said=said, mood="plain")
    if isinstance(target, int) and "sound" in state.settings["drives"]:
        state = replace(state, sounds=(Audio(CHORDS[target][0], 0.35),))
    return retrain(state)


def _forget(state: TeachState, _: Action) -> TeachState:
    forgotten = mine(state)
    kept = tuple(example for example in state.examples if example not in forgotten)
    state = replace(state, gone=forgotten, examples=kept, network=None, teaching=None, losses=(), live=False)
    return replace(state, said="All examples are deleted. Take back restores them.", mood="plain")


def _delete(state: TeachState, action: Action) -> TeachState:
    shown = mine(state)[-TILES * TILE_ROWS :]
    number = (TILE_ROWS - 1 - min(int(action.y), TILE_ROWS - 1)) * TILES + min(int(action.x), TILES - 1)
    if number >= len(shown):
        return state
    gone = shown[number]
    kept = tuple(example for example in state.examples if example is not gone)
    return retrain(
        replace(state, examples=kept, gone=(gone,), said="Deleted. Take back restores it.", mood="plain")
    )


def _put_back(state: TeachState, _: Action) -> TeachState:
    if not state.gone:
        if not mine(state):
            return replace(state, said="There is no example to take back yet.")
        last = mine(state)[-1]
        kept = tuple(example for example in state.examples if example is not last)
        return retrain(
            replace(
                state,
                examples=kept,
                gone=(last,),
                said="The last example is taken back. Press again to restore it.",
            )
        )
    return retrain(
        replace(state, examples=(*state.examples, *state.gone), gone=(), said="Restored.", mood="plain")
    )


# Running live


def _play(state: TeachState, _: Action) -> TeachState:
    if state.live:
        return train(replace(state, live=False, said=""), STEPS)
    if state.network is None:
        kinds = "of two classes" if state.settings["answers"] == "classes" else "with different numbers"
        return replace(state, said=f"Give it at least two examples {kinds} first.", mood="bad")
    return replace(state, live=True, beat=(0, time.monotonic()), said="", mood="plain")


def _advance(state: TeachState, _: Action) -> TeachState:
    """Some training steps, one step of the dream, and a note when it is due."""
    state = train(state, STEPS_LIVE)
    if not state.live or state.network is None:
        return state
    now = answer_now(state)
    if now is None:
        return state
    drives = str(state.settings["drives"])
    if "dream" in drives:
        dream = state.dream or LiveDream()
        dream.follow(now, str(state.settings["answers"]))
        state = replace(state, dream=dream)
    number, due = state.beat
    if "sound" in drives and time.monotonic() >= due:
        sound, seconds = note(now, str(state.settings["answers"]), number)
        state = replace(
            state, sounds=(sound,), beat=(number + 1, max(due, time.monotonic() - seconds) + seconds)
        )
    return state


def _open_dream_tab(state: TeachState, _: Action) -> TeachState:
    now = answer_now(state)
    if now is None:
        return replace(state, said="Teach it first: its answer shapes the dream.", mood="bad")
    wanted = dream_settings(now, str(state.settings["answers"]))
    return replace(
        state,
        live=False,
        visit=Visit("Dream", wanted),
        said=f"The Dream tab is set to {' + '.join(wanted['layers'])}.",
    )


# Keeping


def _save(state: TeachState, _: Action) -> TeachState:
    from studio.learning.checkpoints import Card
    from studio.learning.datasets import DataSource, Scale

    if state.network is None:
        return replace(state, said="There is nothing to save yet: give it examples first.", mood="bad")
    way, answers = WAYS[str(state.settings["way"])], str(state.settings["answers"])
    card = Card(
        name="taught",
        what=f"Answers with {answers} to what it is shown by {way.name}.",
        data=(
            DataSource(
                name=f"{len(mine(state))} examples",
                source="given by hand in the lesson Teach by example",
                licence="their maker's",
            ),
        ),
        command="Teach it again in the lesson Teach by example.",
        figures={"examples": float(len(mine(state))), "loss": state.losses[-1] if state.losses else 0.0},
        scale=Scale(mean=(way.mean,) * way.features, deviation=(way.deviation,) * way.features),
        classes=CLASSES if answers == "classes" else NUMBERS,
        notes=json.dumps({"way": way.name, "answers": answers}),
    )
    return replace(
        state,
        files=(pack_network(state.network, card),),
        said="Saved as taught.zip: its weights and its card.",
        mood="good",
    )


def _load(state: TeachState, action: Action) -> TeachState:
    name = action.text or "The file"
    model = unpack_network(action.content, "taught", name)
    try:
        notes = json.loads(model.card.notes)
        way, answers = WAYS[notes["way"]], str(notes["answers"])
        outputs = {"classes": len(CLASSES), "numbers": len(NUMBERS)}[answers]
    except (ValueError, KeyError, TypeError):
        raise Unreadable(
            f"{name} does not say how it was taught; choose a zip that this lesson saved."
        ) from None
    config: Any = model.network.config
    if config.kind != "perceptron" or config.inputs != way.features or config.outputs != outputs:
        raise Unreadable(f"{name} has a network for something else; choose a zip that this lesson saved.")
    settings = state.settings | {"way": way.name, "answers": answers}
    said = (
        f"{name} is loaded: it answers with {answers}, by {way.name}. Examples you add now train a new "
        "network."
    )
    return replace(
        state,
        settings=settings,
        network=model.network,
        teaching=None,
        losses=(),
        live=False,
        said=said,
        mood="good",
    )


_HANDLERS: dict[str, Handler[TeachState]] = {
    "set": _set,
    "click colour": _click_colour,
    "drag sliders": _move_sliders,
    "click sliders": _move_sliders,
    "stroke drawing": _draw,
    "wipe": _wipe,
    "camera": _show_picture,
    "frame": _show_picture,
    "give_a": _give_class,
    "give_b": _give_class,
    "give_c": _give_class,
    "give": _give_numbers,
    "click examples": _delete,
    "back": _put_back,
    "forget": _forget,
    "play": _play,
    "advance": _advance,
    "dream": _open_dream_tab,
    "save": _save,
    "load": _load,
}
