"""The figures of the lesson on deep networks."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from studio.lessons.deep_networks.atlas import ATLAS, ATLAS_COLUMNS, atlas_channels
from studio.lessons.deep_networks.model import (
    ACROSS,
    DEPTHS,
    GROWN_HEIGHT,
    GROWN_WIDTH,
    LAYERS,
    NAMES,
    SHOWS,
    STEPS_AN_OCTAVE,
    DeepNetworksState,
    excitement,
    field_of_view,
    strongest,
)
from studio.lessons.kit.curves import curve_in_words, loss_curve
from studio.lessons.kit.scene import Figure, Heat, Line, Mark, PictureView, Scene, Words, written

TILES_ASPECT = 2.02


def draw(state: DeepNetworksState) -> Scene:
    """Every layer's view of the photo, the chosen layer's strongest channels, and a picture growing for
    one of them.
    """
    layer, channel = str(state.settings["layer"]), int(state.settings["channel"])
    seen = state.seen[layer]
    return Scene(
        figures=(
            _layers_figure(state),
            _grown_figure(state),
            _channels_figure(state),
            _rise_figure(state),
            _atlas_figure(state),
        ),
        numbers={
            "layer": f"{LAYERS.index(layer) + 1} of {len(LAYERS)}",
            "channels": str(len(seen)),
            "places": f"{seen.shape[2]} × {seen.shape[1]}",
            "one place sees": f"{field_of_view(layer)} px",
            f"channel {channel} in this photo": written(float(excitement(seen)[channel]), 3),
        },
        says=state.said or _says(state),
        mood=state.mood,
        playing=state.playing,
        values={"layer": layer, "channel": channel},
        columns=(3, 2),
        visit=state.visit,
    )


def _says(state: DeepNetworksState) -> str:
    layer, channel = str(state.settings["layer"]), int(state.settings["channel"])
    if state.playing and state.grown is not None:
        return (
            f"Step {len(state.grown.losses)} of {state.grown.steps}: noise, nudged again and again "
            f"so that channel {channel} of {NAMES[layer]} answers more strongly."
        )
    return (
        f"{NAMES[layer].capitalize()} sees {DEPTHS[LAYERS.index(layer)]}. {SHOWS[layer]} Press Grow to see "
        f"what channel "
        f"{channel} looks for."
    )


def _layers_figure(state: DeepNetworksState) -> Figure:
    marks: list[Mark] = []
    chosen = LAYERS.index(state.settings["layer"])
    for number, layer in enumerate(LAYERS):
        x, y = number % ACROSS, 1 - number // ACROSS
        answers = np.abs(state.seen[layer]).mean(axis=0)
        marks.append(Heat(_stretched(answers), _inside(x, y), scale="light", pixelated=True))
        marks += _caption(x, y, NAMES[layer].capitalize(), DEPTHS[number], number == chosen)
    strongest_place = {
        layer: np.unravel_index(np.abs(state.seen[layer]).mean(axis=0).argmax(), state.seen[layer].shape[1:])
        for layer in LAYERS
    }
    text = "The lighter a place, the more it excites the layer. " + " ".join(
        f"{NAMES[layer].capitalize()}: {state.seen[layer].shape[2]} by {state.seen[layer].shape[1]} places, "
        f"most excited {_where(place, state.seen[layer].shape[1:])}."
        for layer, place in strongest_place.items()
    )
    return Figure(
        "layers",
        "Your photo, layer by layer" if state.own else "The photo, layer by layer",
        (0, ACROSS),
        (0, 2),
        tuple(marks),
        text,
        aspect=TILES_ASPECT,
        axes=False,
        clicks="The lighter a place, the more it excites the layer. Click a layer to choose it.",
    )


def _where(place: Any, shape: tuple[int, ...]) -> str:
    down = ("at the top", "in the middle", "at the bottom")[min(2, int(3 * place[0] / shape[0]))]
    across = ("on the left", "", "on the right")[min(2, int(3 * place[1] / shape[1]))]
    return f"{down} {across}".strip()


def _inside(x: float, y: float) -> tuple[float, float, float, float]:
    """A tile's picture, with room for its caption below and a gap around it."""
    return (x + 0.03, x + 0.97, y + 0.34, y + 0.97)


def _caption(x: float, y: float, above: str, below: str, chosen: bool) -> list[Mark]:
    colour = "accent" if chosen else "faint"
    marks: list[Mark] = [
        Words([x + 0.05] * 2, [y + 0.25, y + 0.09], [above, below], colour=colour, size=11, anchor="start")
    ]
    if chosen:
        x0, x1, y0, y1 = _inside(x, y)
        marks.append(Line((x0, x1, x1, x0, x0), (y0, y0, y1, y1, y0), colour="one", width=2.5))
    return marks


def _stretched(values: np.ndarray) -> np.ndarray:
    """The values scaled to 0 … 1, rows from the bottom up."""
    low, high = float(values.min()), float(values.max())
    return np.asarray((values[::-1] - low) / max(high - low, 1e-9))


def _channels_figure(state: DeepNetworksState) -> Figure:
    layer = str(state.settings["layer"])
    seen, strength = state.seen[layer], excitement(state.seen[layer])
    found = strongest(seen)
    marks: list[Mark] = []
    for number, channel in enumerate(found):
        x, y = number % ACROSS, 1 - number // ACROSS
        marks.append(
            Heat(_stretched(np.maximum(seen[channel], 0)), _inside(x, y), scale="light", pixelated=True)
        )
        marks += _caption(
            x, y, f"channel {channel}", f"{strength[channel]:.2f}", channel == state.settings["channel"]
        )
    text = f"The strongest channels of {NAMES[layer]} in this photo, with their mean answer: " + ", ".join(
        f"{channel}: {strength[channel]:.3f}" for channel in found
    )
    return Figure(
        "channels",
        f"The strongest channels of {NAMES[layer]} in the photo",
        (0, ACROSS),
        (0, 2),
        tuple(marks),
        text + ".",
        aspect=TILES_ASPECT,
        axes=False,
        clicks="Click a channel to grow what it looks for. The number is its mean answer.",
    )


def _grown_figure(state: DeepNetworksState) -> Figure:
    from studio.lessons.shared.pictures import jpeg_url, noise

    layer, channel = NAMES[str(state.settings["layer"])], state.settings["channel"]
    pixels = (
        noise(GROWN_HEIGHT, GROWN_WIDTH, int(state.settings["seed"]))
        if state.grown is None
        else state.grown.pixels()
    )
    said = "noise, before the first step" if state.grown is None else f"after {len(state.grown.losses)} steps"
    picture = PictureView(
        jpeg_url(pixels), (0, 1, 0, 1), text=f"What channel {channel} of {layer} looks for, {said}"
    )
    title = f"What channel {channel} of {layer} looks for"
    return Figure(
        "grown",
        title,
        (0, 1),
        (0, 1),
        (picture,),
        f"A picture grown from noise: {said}.",
        aspect=GROWN_WIDTH / GROWN_HEIGHT,
        axes=False,
    )


def _rise_figure(state: DeepNetworksState) -> Figure:
    losses = [] if state.grown is None else state.grown.losses
    steps = state.grown.steps if state.grown is not None else 2 * STEPS_AN_OCTAVE
    top = max(1.0, max(losses, default=0.0) * 1.08)
    low = min(0.0, min(losses, default=0.0))
    return Figure(
        "rise",
        "How strongly it answers",
        (0, steps),
        (low, top),
        loss_curve(losses),
        curve_in_words(losses, 2),
        x_label="step; it falls where the picture is enlarged",
        aspect=1.4,
    )


def _atlas_figure(state: DeepNetworksState) -> Figure:
    """All layers, twelve channels of each, grown beforehand. The page keeps the picture, so it is sent
    only once.
    """
    url = ""
    if not state.shown and ATLAS.is_file():
        url = "data:image/jpeg;base64," + base64.b64encode(ATLAS.read_bytes()).decode("ascii")
    rows = len(LAYERS)
    marks: list[Mark] = [
        PictureView(
            url,
            (0, ATLAS_COLUMNS, 0, rows),
            text="What twelve channels of every layer look for",
            name="atlas",
        )
    ]
    layer, channel = str(state.settings["layer"]), int(state.settings["channel"])
    row = LAYERS.index(layer)
    if channel in atlas_channels(layer):
        x = atlas_channels(layer).index(channel)
        marks.append(Line((x, x + 1, x + 1, x, x), (row, row, row + 1, row + 1, row), colour="one", width=3))
    text = "A picture for twelve channels of every layer, the first layer at the bottom: " + "; ".join(
        f"{NAMES[layer]} {DEPTHS[number]}" for number, layer in enumerate(LAYERS)
    )
    return Figure(
        "atlas",
        "What twelve channels of every layer look for",
        (0, ATLAS_COLUMNS),
        (0, rows),
        tuple(marks),
        text + ".",
        aspect=ATLAS_COLUMNS / rows,
        axes=False,
        clicks=(
            "The first layer is at the bottom, the last at the top. Click a picture to grow it again, larger."
        ),
        wide=True,
    )
