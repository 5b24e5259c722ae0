"""What each layer says of a photo, and a picture grown from noise to please one channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.images.networks.backbones import DEFAULT, LITE0
from studio.lessons.kit.scene import Visit

if TYPE_CHECKING:
    from studio.images.networks.prepared import Prepared
    from studio.images.pictures import Pixels
    from studio.lessons.shared.small_dream import SmallDream

LAYERS = ("bn1", "blocks.0", "blocks.1", "blocks.2", "blocks.3", "blocks.4", "blocks.5", "blocks.6")
CHANNELS = {layer.name: layer.channels for layer in LITE0}
SHOWS = {layer.name: layer.shows for layer in LITE0}
DEPTHS = ("edges", "edges", "strokes", "weaves", "patterns", "parts", "things", "fragments")
"""In one word, what each of LAYERS is about."""
NAMES = {layer: f"layer {number}" for number, layer in enumerate(LAYERS, 1)}
"""What a person calls each of LAYERS: by its place, counted from the pixels."""

PHOTO_SIDE = 224
"""The size the network was trained on: the photo's longer side, in pixels."""
GRID = 32
"""The network halves a picture five times, so its sides should be multiples of this."""
GROWN_HEIGHT, GROWN_WIDTH = 112, 148
ACROSS, STRONGEST = 4, 8
STEPS_AN_OCTAVE = 26


@dataclass(frozen=True)
class DeepNetworksState:
    """photo: uint8 [h, w, 3].
    seen: each layer's features of it, [channels, h, w].
    grown: the picture growing for a channel.
    shown: whether the page has the atlas already.
    visit: where the visitor is to be taken, once.
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


def begin(settings: Mapping[str, Any]) -> DeepNetworksState:
    """The sample photo, seen by every layer. Raises `Missing` where the network's weights are not
    available.
    """
    from studio.lessons.shared.pictures import sample

    photo = cut_evenly(sample(str(settings["photo"]), 2 * PHOTO_SIDE))
    return DeepNetworksState(with_valid_channel(settings), photo, features(photo))


def cut_evenly(pixels: Pixels) -> Pixels:
    """A picture PHOTO_SIDE long whose sides the network can halve five times, cropped a little where
    needed.
    """
    from studio.images.pictures import fit_within, resize

    height, width = pixels.shape[:2]
    high, wide = (max(GRID, round(side / GRID) * GRID) for side in fit_within(height, width, PHOTO_SIDE))
    scale = max(high / height, wide / width)
    whole = resize(pixels, max(high, round(height * scale)), max(wide, round(width * scale)))
    top, left = (whole.shape[0] - high) // 2, (whole.shape[1] - wide) // 2
    return np.ascontiguousarray(whole[top : top + high, left : left + wide])


def with_valid_channel(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, with a channel number that the layer has."""
    most = CHANNELS[str(settings["layer"])] - 1
    return dict(settings) | {"channel": min(int(settings["channel"]), most)}


def _network(*layers: str) -> Prepared:
    from studio.images.networks.opening import open_network

    return open_network(DEFAULT, layers)[0]


def features(photo: Pixels) -> dict[str, np.ndarray]:
    """What each of LAYERS says about a photo, uint8 [h, w, 3]: float32 [channels, places down, places
    across].
    """
    import torch

    picture = torch.from_numpy(photo.copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        return {name: seen[0].cpu().numpy() for name, seen in _network(*LAYERS)(picture).items()}


def strongest(seen: np.ndarray, count: int = STRONGEST) -> list[int]:
    """The channels with the largest positive answers, averaged over all places: [channels, h, w] ->
    channel numbers, strongest first.
    """
    return [int(number) for number in np.argsort(-excitement(seen), kind="stable")[:count]]


def excitement(seen: np.ndarray) -> np.ndarray:
    """Mean over all places of each channel's answer, negative ones counted as 0: [channels, h, w] ->
    [channels].
    """
    return np.asarray(np.maximum(seen, 0).mean(axis=(1, 2)))


def field_of_view(layer: str) -> int:
    """Side in pixels of the square that one place of the layer can see (its receptive field), from
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


def grow(
    layer: str, channel_number: int, seed: int, height: int = GROWN_HEIGHT, width: int = GROWN_WIDTH
) -> SmallDream:
    """A picture of noise on its way to exciting one channel as much as it can."""
    from studio.images.objectives import channel
    from studio.images.recipes import DreamRecipe
    from studio.lessons.shared.pictures import noise
    from studio.lessons.shared.small_dream import SmallDream

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
