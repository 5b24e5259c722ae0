"""Which channels a photo excites more than photos usually do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
import numpy.typing as npt
import torch

from studio.images.canvas import fitting_length, tensor_of, window
from studio.images.channels.atlas import SIDE, Atlas, Channel
from studio.images.networks.backbones import DEFAULT
from studio.images.networks.opening import open_network
from studio.images.pictures import Pixels, fit_within, resize

USUAL = ("blocks.3", "blocks.4", "blocks.5", "classifier")
"""Where is looked if nobody says where: patterns, parts, things, names."""


def strongest_of_all(photo: Pixels, layers: Sequence[str], count: int, atlas: Atlas) -> list[Channel]:
    """Of several layers, `USUAL` if none is named, each layer's strongest in turn. See `strongest`."""
    chosen = layers or USUAL
    each = -(-count // len(chosen))
    found = [strongest(photo, layer, each, atlas) for layer in chosen]
    return [channel for row in zip_longest(*found) for channel in row if channel is not None][:count]


def strongest_among(photo: Pixels, among: Sequence[Channel], count: int, atlas: Atlas) -> list[Channel]:
    """Of these channels those that this photo, uint8 [h, w, 3], excites most beside other photos, the
    strongest first. See `strongest`.
    """
    layers = dict.fromkeys(each.layer for each in among)
    apart = {layer: _apart(photo, layer, atlas) for layer in layers}
    return sorted(among, key=lambda each: -apart[each.layer][each.number])[:count]


def strongest(photo: Pixels, layer: str, count: int, atlas: Atlas) -> list[Channel]:
    """The channels of a layer that this photo, uint8 [h, w, 3], excites most beside other photos, the
    strongest first.

    How much is counted in standard deviations over the photos that come with the studio. Raises `UnknownName`
    for a layer that is not in the atlas.
    """
    best = np.argsort(-_apart(photo, layer, atlas), kind="stable")[:count]
    return [atlas.channel(layer, int(number)) for number in best]


def _apart(photo: Pixels, layer: str, atlas: Atlas) -> npt.NDArray[np.float64]:
    """How much more a photo excites every channel of a layer than others do, in standard deviations."""
    means, spreads = atlas.usual(layer)
    small = resize(photo, *fit_within(photo.shape[0], photo.shape[1], SIDE))
    apart: npt.NDArray[np.float64] = (strengths(small, layer) - means) / (
        spreads + 0.05 * spreads.mean() + 1e-9
    )
    return apart


def strengths(photo: Pixels, layer: str) -> npt.NDArray[np.float64]:
    """How strongly every channel of a layer answers to a photo: the mean over all places of what is above 0,
    [channels].
    """
    network, _ = open_network(DEFAULT, (layer,))
    picture = tensor_of(photo, network.device).float().div_(255)
    whole = window(picture, 0, 0, *(fitting_length(side, network) for side in photo.shape[:2]))
    with torch.no_grad():
        seen = network(whole)[layer][0].clamp_min(0).mean((1, 2))
    return np.asarray(seen.cpu().numpy(), np.float64)
