"""What the visitor does in the Playground."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np

from studio.errors import Refused
from studio.lessons.kit.lesson import Action, Handler, dispatch, find_knob, fitting, settings_of
from studio.lessons.kit.saving import lesson_command, pack_network, unpack_network
from studio.lessons.kit.scene import File, written
from studio.lessons.playground.controls import KNOBS
from studio.lessons.playground.data import (
    BLUE,
    FEATURES,
    own_task,
    points_from_file,
    small_picture,
    with_stroke,
    write_points,
)
from studio.lessons.playground.model import (
    MOST_LAYERS,
    MOST_NEURONS,
    NO_POINTS,
    OWN,
    PICTURE,
    PlaygroundState,
    begin_with,
    build_network,
    features_in,
    find_weight,
    layers_in,
    make_task,
    measured,
    resume,
    train,
)

TURN = 0.055
"""Seconds of training between two drawings: as many epochs as fit."""
DATA_KNOBS = ("data", "ratio", "noise", "seed", "points")
NETWORK_KNOBS = ("features", "layers", "activation", "start", "weights")


def act(state: PlaygroundState, action: Action) -> PlaygroundState:
    """Handle an action; "advance" trains for a moment, "step" for one epoch."""
    return dispatch(_HANDLERS, replace(state, files=(), known=state.settings), action)


def _advance(state: PlaygroundState, _: Action) -> PlaygroundState:
    return train(state, seconds=TURN) if state.playing else state


def _step(state: PlaygroundState, _: Action) -> PlaygroundState:
    return replace(train(state, epochs=1), playing=False)


def _play(state: PlaygroundState, _: Action) -> PlaygroundState:
    if state.fitting is None:
        return replace(state, said=NO_POINTS)
    return replace(state, playing=not state.playing, said="", mood="plain")


def _reset(state: PlaygroundState, _: Action) -> PlaygroundState:
    return _restart_with(state, weights=(int(state.settings["weights"]) + 1) % 1000)


def _new_points(state: PlaygroundState, _: Action) -> PlaygroundState:
    return _restart_with(state, seed=(int(state.settings["seed"]) + 1) % 1000)


def _hover(state: PlaygroundState, action: Action) -> PlaygroundState:
    return replace(state, hovered=action.id)


def _link(state: PlaygroundState, action: Action) -> PlaygroundState:
    return replace(state, link="" if state.link == action.id else action.id, playing=False)


def _draw(state: PlaygroundState, action: Action) -> PlaygroundState:
    stroke = action.points or ((action.x, action.y),)
    return _add_stroke(state, stroke, BLUE if action.shift else str(state.settings["brush"]))


def _clear(state: PlaygroundState, _: Action) -> PlaygroundState:
    return _with_points(replace(state, playing=False), "")


def _own_points(state: PlaygroundState, action: Action) -> PlaygroundState:
    return _with_points(state, points_from_file(action.content, action.text or "The file"))


def _painting(state: PlaygroundState, action: Action) -> PlaygroundState:
    picture = small_picture(action.content, action.text or "The picture")
    return _restart_with(replace(state, picture=picture), data=PICTURE)


def _save(state: PlaygroundState, _: Action) -> PlaygroundState:
    said = "The network is saved: its weights and its card in one zip."
    return replace(state, files=(save_network(state),), said=said, mood="good")


def _load(state: PlaygroundState, action: Action) -> PlaygroundState:
    return load_network(state, action.content, action.text or "The file")


def _set(state: PlaygroundState, action: Action) -> PlaygroundState:
    knob, value = action.knob, action.value
    settings = state.settings | {knob: value}
    if knob == "points":
        return _with_points(state, str(value))
    if knob in (*DATA_KNOBS, *NETWORK_KNOBS):
        return _restart_with(state, **{knob: value})
    state = replace(state, settings=settings, said="", mood="plain")
    if knob in ("rate", "batch", "penalty", "penalty_rate", "optimiser"):
        return resume(state, memory=knob != "optimiser")
    if knob == "cost":
        # Another cost, perhaps another output; the weights stay.
        network = build_network(settings, state.task)
        network.load_state_dict(state.network.state_dict())
        return measured(resume(replace(state, network=network, best=None, curve=()), memory=False))
    return state


def _restart_with(state: PlaygroundState, **changes: Any) -> PlaygroundState:
    """Start again with other settings; training goes on if it was running."""
    settings = state.settings | changes
    task = make_task(settings, state.picture) if set(changes) & set(DATA_KNOBS) else state.task
    begun = begin_with(settings, task, build_network(settings, task), state.picture)
    playing = state.playing and begun.fitting is not None
    return replace(
        begun,
        known=state.known,
        playing=playing,
        pinned="" if set(changes) & set(NETWORK_KNOBS) else state.pinned,
        said=task.note,
    )


def _with_points(state: PlaygroundState, text: str) -> PlaygroundState:
    """Other points from the visitor. The network stays as it is and goes on learning with them, if it
    still fits.
    """
    settings = state.settings | {"points": text, "data": OWN}
    task = own_task(text, float(settings["ratio"]), int(settings["seed"]))
    if task.kind != state.task.kind:
        return replace(_restart_with(state, points=text, data=OWN), said=task.note)
    state = replace(
        state,
        settings=settings,
        task=task,
        best=None,
        curve=state.curve if state.settings["data"] == OWN else (),
    )
    state = resume(replace(state, said=task.note))
    return measured(replace(state, playing=state.playing and state.fitting is not None))


def _add_stroke(
    state: PlaygroundState, stroke: tuple[tuple[float, float], ...], brush: str
) -> PlaygroundState:
    """A stroke on the map. In any other task, its points become the visitor's own points first."""
    if state.task.kind == "colours":
        return replace(state, said="This picture is learnt as a whole. To draw points, choose “own points”.")
    task = state.task
    text = str(state.settings["points"])
    if state.settings["data"] != OWN:
        text = write_points(
            np.concatenate([task.points, task.test_points]),
            np.concatenate([task.targets, task.test_targets])[:, 0],
        )
    return _with_points(state, with_stroke(text, stroke, brush))


def _back_to_best(state: PlaygroundState, _: Action) -> PlaygroundState:
    if state.best is None:
        return replace(state, said="There is nothing to go back to yet.")
    moment, weights = state.best
    state.network.load_state_dict(weights)
    said = f"Back to epoch {moment.epoch:.0f}, where the loss was {written(moment.loss)}, the lowest so far."
    return replace(measured(resume(state, memory=False)), said=said, mood="plain")


# Changing the network: features, layers, neurons, weights


def _node(state: PlaygroundState, action: Action) -> PlaygroundState:
    """Switch a feature on or off; pin a neuron's picture to the large map, or release it."""
    name = action.id
    if name.startswith("feature "):
        feature = name.removeprefix("feature ")
        chosen = set(features_in(state.settings)) ^ {feature}
        if not chosen:
            return replace(state, said="The network needs at least one feature to look at.")
        return _restart_with(state, features=", ".join(each for each in FEATURES if each in chosen))
    return replace(state, pinned="" if name in (state.pinned, "out", "out 1", "out 2", "out 3") else name)


def _press(state: PlaygroundState, action: Action) -> PlaygroundState:
    """The small buttons in the drawings: one layer or neuron more or fewer, or another brush."""
    layers = list(layers_in(state.settings))
    what, _, place = action.id.partition(" ")
    if what == "brush":
        return replace(state, settings=state.settings | {"brush": fitting(find_knob(KNOBS, "brush"), place)})
    if what == "layer+" and len(layers) < MOST_LAYERS:
        layers.append(2)
    elif what == "layer-" and layers:
        layers.pop()
    elif place.isdecimal() and 0 < int(place) <= len(layers):
        layers[int(place) - 1] = min(
            MOST_NEURONS, max(1, layers[int(place) - 1] + (1 if what == "neuron+" else -1))
        )
    return _restart_with(state, layers=", ".join(map(str, layers)))


def _edit(state: PlaygroundState, action: Action) -> PlaygroundState:
    """A weight typed in. Training goes on from there."""
    import torch

    value, found = action.value, find_weight(state, action.id)
    if value is None or found is None:
        return replace(state, link="")
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not abs(number) <= 1000:
        raise Refused("A weight is a number from -1000 to 1000.")
    tensor, place = found
    with torch.no_grad():
        tensor[place] = number
    return measured(replace(state, said="", mood="plain"))


# Saving and loading: a card and safetensors, as for every trained network of the studio


def save_network(state: PlaygroundState) -> File:
    """The network as a zip of `playground.safetensors` and its card `playground.json`, with all settings
    in the card's notes.
    """
    from studio.learning.checkpoints import Card
    from studio.learning.datasets import DataSource

    settings = {name: value for name, value in state.settings.items() if name != "brush"}
    last = state.curve[-1]
    figures = {
        "loss": last.loss,
        "test loss": last.test_loss,
        "accuracy": last.right,
        "test accuracy": last.test_right,
    }
    without_points = {name: value for name, value in settings.items() if name != "points"}
    card = Card(
        name="playground",
        what=f"a network of the Playground for the task '{settings['data']}', after {state.epoch:.0f} epochs",
        data=(
            DataSource(
                name=f"Playground, {settings['data']}",
                source="drawn by the studio or the visitor",
                licence="the visitor's own",
            ),
        ),
        command=lesson_command("playground", KNOBS, without_points),
        figures={name: figure for name, figure in figures.items() if math.isfinite(figure)},
        notes=json.dumps({"settings": settings}, ensure_ascii=False)
        if len(str(settings["points"])) < 15_000
        else "",
    )
    return pack_network(state.network, card)


def load_network(state: PlaygroundState, content: bytes, name: str) -> PlaygroundState:
    """A network back from its zip, with its settings.

    Raises `Unreadable` for any other file, and for a network that does not fit its own settings.
    """
    from studio.errors import StudioError, Unreadable

    model = unpack_network(content, "playground", name)
    wrong = f"{name} is not a saved Playground network; choose a zip that the Playground saved."
    try:
        kept = json.loads(model.card.notes)["settings"]
        settings = settings_of(
            KNOBS, {knob: value for knob, value in kept.items() if knob in _defaults()}
        ) | {"brush": state.settings["brush"]}
        task = make_task(settings, state.picture)
        network = build_network(settings, task)
        network.load_state_dict(model.network.state_dict())
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError):
        raise Unreadable(wrong) from None
    except StudioError as error:
        raise Unreadable(f"{name} has settings that do not fit: {error}") from None
    loaded = begin_with(settings, task, network, state.picture)
    said = f"{name} is loaded: {model.card.what}."
    return replace(loaded, known=state.known, said=said, mood="good")


def _defaults() -> dict[str, Any]:
    return settings_of(KNOBS)


_HANDLERS: dict[str, Handler[PlaygroundState]] = {
    "advance": _advance,
    "step": _step,
    "play": _play,
    "reset": _reset,
    "again": _new_points,
    "undo": _back_to_best,
    "set": _set,
    "hover": _hover,
    "node": _node,
    "press": _press,
    "link": _link,
    "edit": _edit,
    "click map": _draw,
    "stroke map": _draw,
    "clear": _clear,
    "own": _own_points,
    "painting": _painting,
    "save": _save,
    "network": _load,
}
