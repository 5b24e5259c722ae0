"""What the visitor does in the lesson on deep networks."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from studio.images.networks.backbones import DEFAULT
from studio.lessons.deep_networks.atlas import ATLAS_COLUMNS, atlas_channels
from studio.lessons.deep_networks.model import (
    ACROSS,
    LAYERS,
    NAMES,
    DeepNetworksState,
    begin,
    cut_evenly,
    features,
    grow,
    strongest,
    with_valid_channel,
)
from studio.lessons.kit.lesson import Action, Handler, dispatch
from studio.lessons.kit.scene import Visit, written


def act(state: DeepNetworksState, action: Action) -> DeepNetworksState:
    """Choose a layer or channel, grow a picture for it, bring a photo, or take the layer to the Dream
    tab.
    """
    return dispatch(_HANDLERS, replace(state, shown=True, visit=None), action)


def _set(state: DeepNetworksState, action: Action) -> DeepNetworksState:
    if action.knob == "photo":
        begun = begin(state.settings | {"photo": action.value})
        return replace(begun, shown=True, said=f"The {action.value}, as every layer sees it.")
    return _stopped(_with_settings(state, **{action.knob: action.value}))


def _click_layer(state: DeepNetworksState, action: Action) -> DeepNetworksState:
    return _choose_layer(state, _tile(action, len(LAYERS)))


def _click_channel(state: DeepNetworksState, action: Action) -> DeepNetworksState:
    found = strongest(state.seen[state.settings["layer"]])
    return _grow(_stopped(_with_settings(state, channel=found[_tile(action, len(found))])))


def _click_atlas(state: DeepNetworksState, action: Action) -> DeepNetworksState:
    layer = LAYERS[min(int(action.y), len(LAYERS) - 1)]
    channel = atlas_channels(layer)[min(int(action.x), ATLAS_COLUMNS - 1)]
    return _grow(_stopped(_with_settings(state, layer=layer, channel=channel)))


def _play(state: DeepNetworksState, _: Action) -> DeepNetworksState:
    return replace(state, playing=False) if state.playing else _grow(state)


def _deeper(state: DeepNetworksState, _: Action) -> DeepNetworksState:
    return _choose_layer(state, (LAYERS.index(state.settings["layer"]) + 1) % len(LAYERS))


def _reset(state: DeepNetworksState, _: Action) -> DeepNetworksState:
    return replace(begin(state.settings), shown=True)


def _dream_layer(state: DeepNetworksState, _: Action) -> DeepNetworksState:
    return _open_dream_tab(state, "layer", str(state.settings["layer"]))


def _dream_channel(state: DeepNetworksState, _: Action) -> DeepNetworksState:
    return _open_dream_tab(state, "channel", f"{state.settings['layer']}:{state.settings['channel']}")


def _tile(action: Action, count: int) -> int:
    """Which tile a click is on; ACROSS tiles in a row, from the top left. y runs upwards from 0."""
    rows = math.ceil(count / ACROSS)
    return min(count - 1, (rows - 1 - min(int(action.y), rows - 1)) * ACROSS + min(int(action.x), ACROSS - 1))


def _with_settings(state: DeepNetworksState, **changes: Any) -> DeepNetworksState:
    return replace(state, settings=with_valid_channel(state.settings | changes))


def _stopped(state: DeepNetworksState) -> DeepNetworksState:
    return replace(state, grown=None, playing=False, said="", mood="plain")


def _choose_layer(state: DeepNetworksState, number: int) -> DeepNetworksState:
    """Another layer, and the channel of it that this photo excites most."""
    layer = LAYERS[number]
    return _stopped(_with_settings(state, layer=layer, channel=strongest(state.seen[layer], 1)[0]))


def _grow(state: DeepNetworksState) -> DeepNetworksState:
    if state.grown is not None and len(state.grown.losses) < state.grown.steps:
        return replace(state, playing=True)
    grown = grow(str(state.settings["layer"]), int(state.settings["channel"]), int(state.settings["seed"]))
    return replace(state, grown=grown, playing=True, said="", mood="plain")


def _advance(state: DeepNetworksState, _: Action) -> DeepNetworksState:
    grown = state.grown
    if not state.playing or grown is None:
        return state
    if not grown.go_on():
        return replace(state, playing=False, said=grown.failure, mood="bad")
    if len(grown.losses) == grown.steps:
        rise = f"from {written(grown.losses[0], 2)} to {written(grown.losses[-1], 2)}"
        name = f"Channel {state.settings['channel']} of {NAMES[str(state.settings['layer'])]}"
        return replace(
            state, playing=False, said=f"{name} went {rise}. This is what it looks for.", mood="good"
        )
    return state


def _own_photo(state: DeepNetworksState, action: Action) -> DeepNetworksState:
    from studio.images.pictures import read_picture

    photo = cut_evenly(read_picture(action.content, action.text or "The picture").pixels)
    state = replace(_stopped(state), photo=photo, seen=features(photo), own=True)
    return replace(state, said=f"{action.text or 'Your picture'}, as every layer sees it. Choose a layer.")


def _open_dream_tab(state: DeepNetworksState, what: str, term: str) -> DeepNetworksState:
    said = f"The Dream tab now dreams with this {what}, which is called {term} there."
    return replace(
        state,
        playing=False,
        visit=Visit("Dream", {"layers": [term], "preset": None, "backbone": DEFAULT}),
        said=said,
    )


_HANDLERS: dict[str, Handler[DeepNetworksState]] = {
    "set": _set,
    "click layers": _click_layer,
    "click channels": _click_channel,
    "click atlas": _click_atlas,
    "play": _play,
    "advance": _advance,
    "deeper": _deeper,
    "reset": _reset,
    "own": _own_photo,
    "dream_layer": _dream_layer,
    "dream_channel": _dream_channel,
}
