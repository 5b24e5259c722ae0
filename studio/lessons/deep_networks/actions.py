"""What the visitor does in the lesson on deep networks."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studio.images.networks.backbones import DEFAULT
from studio.lessons.deep_networks.atlas import ATLAS_COLUMNS, atlas_channels
from studio.lessons.deep_networks.model import (
    ACROSS,
    LAYERS,
    DeepNetworksState,
    begin,
    cut_evenly,
    features,
    grow,
    strongest,
    with_valid_channel,
)
from studio.lessons.kit.lesson import Action
from studio.lessons.kit.scene import (
    Visit,
    written,
)

if TYPE_CHECKING:
    from studio.lessons.shared.small_dream import SmallDream


def act(state: DeepNetworksState, action: Action) -> DeepNetworksState:
    """Choose a layer or a channel, let a picture of it grow, bring a photo, go and dream with it."""
    state = replace(state, shown=True, visit=None)
    match action.name:
        case "set" if action.knob == "photo":
            begun = begin(state.settings | {"photo": action.value})
            return replace(begun, shown=True, said=f"The {action.value}, as every layer sees it.")
        case "set":
            return _stopped(
                replace(state, settings=with_valid_channel(state.settings | {action.knob: action.value}))
            )
        case "click" if action.figure == "layers":
            return _layer(state, _tile(action, len(LAYERS)))
        case "click" if action.figure == "channels":
            found = strongest(state.seen[state.settings["layer"]])
            return _grow(_stopped(_with(state, channel=found[_tile(action, len(found))])))
        case "click" if action.figure == "atlas":
            row = min(int(action.y), len(LAYERS) - 1)
            layer = LAYERS[row]
            channel = atlas_channels(layer)[min(int(action.x), ATLAS_COLUMNS - 1)]
            return _grow(_stopped(_with(state, layer=layer, channel=channel)))
        case "play":
            return replace(state, playing=False) if state.playing else _grow(state)
        case "advance" if state.playing and state.grown is not None:
            return _on(state, state.grown)
        case "deeper":
            return _layer(state, (LAYERS.index(state.settings["layer"]) + 1) % len(LAYERS))
        case "reset":
            return replace(begin(state.settings), shown=True)
        case "own":
            return _own(state, action)
        case "dream_layer":
            return _visit(state, str(state.settings["layer"]))
        case "dream_channel":
            return _visit(state, f"{state.settings['layer']}:{state.settings['channel']}")
    return state


def _tile(action: Action, count: int) -> int:
    """Which of the tiles, ACROSS in a row from the top left, a click is on. y runs upwards from 0."""
    rows = math.ceil(count / ACROSS)
    return min(count - 1, (rows - 1 - min(int(action.y), rows - 1)) * ACROSS + min(int(action.x), ACROSS - 1))


def _with(state: DeepNetworksState, **changes: Any) -> DeepNetworksState:
    return replace(state, settings=with_valid_channel(state.settings | changes))


def _stopped(state: DeepNetworksState) -> DeepNetworksState:
    return replace(state, grown=None, playing=False, said="", mood="plain")


def _layer(state: DeepNetworksState, number: int) -> DeepNetworksState:
    """Another layer, and the channel of it that this photo excites most."""
    layer = LAYERS[number]
    return _stopped(_with(state, layer=layer, channel=strongest(state.seen[layer], 1)[0]))


def _grow(state: DeepNetworksState) -> DeepNetworksState:
    if state.grown is not None and len(state.grown.losses) < state.grown.steps:
        return replace(state, playing=True)
    grown = grow(str(state.settings["layer"]), int(state.settings["channel"]), int(state.settings["seed"]))
    return replace(state, grown=grown, playing=True, said="", mood="plain")


def _on(state: DeepNetworksState, grown: SmallDream) -> DeepNetworksState:
    if not grown.go_on():
        return replace(state, playing=False, said=grown.burst, mood="bad")
    if len(grown.losses) == grown.steps:
        rise = f"from {written(grown.losses[0], 2)} to {written(grown.losses[-1], 2)}"
        name = f"Channel {state.settings['channel']} of {state.settings['layer']}"
        return replace(
            state, playing=False, said=f"{name} went {rise}. This is what it looks for.", mood="good"
        )
    return state


def _own(state: DeepNetworksState, action: Action) -> DeepNetworksState:
    from studio.images.pictures import read_picture

    photo = cut_evenly(read_picture(action.content, action.text or "The picture").pixels)
    state = replace(_stopped(state), photo=photo, seen=features(photo), own=True)
    return replace(state, said=f"{action.text or 'Your picture'}, as every layer sees it. Choose a layer.")


def _visit(state: DeepNetworksState, term: str) -> DeepNetworksState:
    said = f"The Dream tab is asked to dream with {term}."
    return replace(
        state,
        playing=False,
        visit=Visit("Dream", {"layers": [term], "preset": None, "backbone": DEFAULT}),
        said=said,
    )
