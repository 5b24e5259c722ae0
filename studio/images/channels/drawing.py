"""Draws what every channel of the usual network sees, and lets the network name it.

    python -m studio.images.channels.drawing [LAYER ...]      # a quarter of an hour on one core

Each picture is grown from grey noise by gradient ascent on one channel, shifted at random before every step
(Olah, Mordvintsev and Schubert, "Feature Visualization", 2017). Its words are the names that the network's
own classifier gives to the picture, and its colours. So the words are guesses of a network, not of a person.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.images.channels.atlas import FOLDER, LAYERS, SIDE, TILE, Atlas, sheet_path
from studio.images.networks.backbones import CLASSES, DEFAULT, layers
from studio.images.networks.opening import open_network
from studio.images.networks.prepared import Prepared
from studio.images.pictures import Pixels, fit_within, read_picture, resize

SIDES, STEPS = (48, 72, 104), (28, 24, 18)
"""The sizes, in pixels, at which a picture grows, and the steps at each."""

SHOWN = 80
"""The middle of the largest, which is kept: at the edges a channel sees less."""

TOGETHER = 16
"""Pictures that grow at once."""

JITTER, STEP = 12, 0.022

SCALES = ((0.35, 0.0), (0.7, 0.4), (1.0, 0.8), (1.2, 1.0), (1.0, 1.0))
"""Weight and colour of each scale of a step, the finest first."""

NAMES = 4
"""Words that the classifier gives each picture."""

QUALITY = 62


def draw(layer: str, channels: Sequence[int]) -> Iterator[Pixels]:
    """The picture of each channel of a layer, uint8 [SHOWN, SHOWN, 3]. The same every time on one machine."""
    network, _ = open_network(DEFAULT, (layer,))
    for first in range(0, len(channels), TOGETHER):
        yield from _grown(network, layer, channels[first : first + TOGETHER])


def _grown(network: Prepared, layer: str, channels: Sequence[int]) -> Iterator[Pixels]:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, 3, SIDES[0], SIDES[0], generator=generator) * 0.08
    pictures = (0.5 + noise).repeat(len(channels), 1, 1, 1)
    for side, steps in zip(SIDES, STEPS, strict=True):
        pictures = F.interpolate(pictures, (side, side), mode="bicubic", align_corners=False, antialias=True)
        for _ in range(steps):
            pictures = _step(network, layer, channels, pictures, generator)
    edge = (SIDES[-1] - SHOWN) // 2
    kept = pictures[..., edge : edge + SHOWN, edge : edge + SHOWN]
    for picture in kept.mul(255).round_().to(torch.uint8):
        yield picture.permute(1, 2, 0).contiguous().numpy()


def _step(
    network: Prepared, layer: str, channels: Sequence[int], pictures: Tensor, generator: torch.Generator
) -> Tensor:
    down, across = (int(torch.randint(JITTER + 1, (), generator=generator)) for _ in range(2))
    shifted = F.pad(pictures, (JITTER,) * 4, mode="reflect").roll((down, across), (2, 3))
    lengths = [-(-side // network.stride) * network.stride for side in shifted.shape[-2:]]
    shown = F.pad(shifted, (0, lengths[1] - shifted.shape[-1], 0, lengths[0] - shifted.shape[-2]), value=0.5)
    shown = shown.requires_grad_()
    seen = network(shown)[layer][torch.arange(len(channels)), list(channels)]
    (slope,) = torch.autograd.grad(seen.mean((1, 2)).sum() + F.relu(seen).square().mean((1, 2)).sum(), shown)
    side = pictures.shape[-1]
    slope = slope[..., JITTER + down : JITTER + down + side, JITTER + across : JITTER + across + side]
    return (pictures + STEP * _even(slope)).lerp(torch.full_like(pictures, 0.5), 0.012).clamp_(0, 1)


def _even(slope: Tensor) -> Tensor:
    """The slope with its scales in balance, each picture's by itself; its mean size is 1. The finest have
    little colour, or they would be hatched in rainbow colours.
    """
    total = torch.zeros_like(slope)
    for scale, (weight, colour) in enumerate(SCALES):
        small = F.avg_pool2d(slope, 2**scale) if scale else slope
        small = small.mean(1, keepdim=True).lerp(small, colour)
        small = small * (weight / small.square().mean((1, 2, 3), keepdim=True).sqrt().clamp_min(1e-12))
        total += F.interpolate(small, slope.shape[-2:], mode="bilinear", align_corners=False)
    return total / total.abs().mean((1, 2, 3), keepdim=True).clamp_min(1e-12)


# --- Words


def class_names() -> list[str]:
    """The thousand names of ImageNet's classes, as torchvision lists them (BSD 3-Clause)."""
    from torchvision.models import MobileNet_V2_Weights  # type: ignore[import-untyped]

    return list(MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"])


def words_of(pictures: Sequence[Pixels]) -> list[list[str]]:
    """What the network calls each picture rather than the others, the surest first; then its colours."""
    network, _ = open_network(DEFAULT, (CLASSES.name,))
    answers = []
    for picture in pictures:
        large = torch.from_numpy(resize(picture, 160, 160).copy()).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            answers.append(network(large)[CLASSES.name].mean((2, 3))[0])
    logits = torch.stack(answers)
    logits -= logits.mean(0)  # grown pictures have textures in common, which are no channel's own
    names = class_names()
    return [
        [*(names[int(place)] for place in row.topk(NAMES).indices), *colours_of(picture)]
        for row, picture in zip(logits, pictures, strict=True)
    ]


HUES = ("red", "orange", "yellow", "green", "turquoise", "blue", "violet", "pink")
HUE_ENDS = (0.04, 0.11, 0.19, 0.43, 0.54, 0.70, 0.80, 0.94, 1.01)


def colours_of(picture: Pixels) -> list[str]:
    """The names of up to two colours that fill at least a sixth of a picture, uint8 [h, w, 3]."""
    from PIL import Image

    hue, saturation, value = np.asarray(Image.fromarray(picture).convert("HSV"), np.float32).reshape(-1, 3).T
    vivid = (saturation > 70) & (value > 60)
    place = np.searchsorted(HUE_ENDS, hue / 255, side="right") % (len(HUES))
    shares = {name: float((vivid & (place == number)).mean()) for number, name in enumerate(HUES)}
    shares["black"] = float((value < 50).mean())
    shares["white"] = float(((value > 215) & (saturation < 40)).mean())
    shares["grey"] = float(((saturation < 40) & (value >= 50) & (value <= 215)).mean())
    return sorted((name for name, share in shares.items() if share >= 1 / 6), key=lambda n: -shares[n])[:2]


# --- What photos usually excite


def usual_strengths(layer: str) -> tuple[list[float], list[float]]:
    """The mean and the spread of every channel's strength over the photos that come with the studio."""
    from studio.images.channels.strongest import strengths
    from studio.images.instant.practice import practice_files

    each = []
    for path in practice_files():
        pixels = read_picture(path.read_bytes(), path.name).pixels
        small = resize(pixels, *fit_within(pixels.shape[0], pixels.shape[1], SIDE))
        each.append(strengths(small, layer))
    found = np.stack(each)
    return [float(f"{mean:.4g}") for mean in found.mean(0)], [float(f"{sd:.4g}") for sd in found.std(0)]


def main() -> None:
    """Draw the channels of these layers, or of all, and write their sheets and words."""
    from studio.images.pictures import write_jpeg

    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / "words.json"
    told: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    counts = {layer.name: layer.channels for layer in layers(DEFAULT)}
    for layer in sys.argv[1:] or LAYERS:
        pictures = list(draw(layer, range(counts[layer])))
        words = words_of(pictures)
        if layer == CLASSES.name:
            words = [[name, *own] for name, own in zip(class_names(), words, strict=True)]
        means, spreads = usual_strengths(layer)
        told[layer] = {
            "words": [list(dict.fromkeys(each)) for each in words],
            "mean": means,
            "spread": spreads,
        }
        sheet_path(layer).write_bytes(write_jpeg(laid_out(pictures), quality=QUALITY))
        path.write_text(json.dumps(told, ensure_ascii=False, indent=None) + "\n", "utf-8")
        print(layer, sheet_path(layer).stat().st_size, flush=True)


def laid_out(pictures: Sequence[Pixels]) -> Pixels:
    """The sheet of a layer: its pictures at TILE pixels, in rows of `Atlas.ACROSS`."""
    down = -(-len(pictures) // Atlas.ACROSS)
    sheet = np.zeros((down * TILE, Atlas.ACROSS * TILE, 3), np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // Atlas.ACROSS * TILE, number % Atlas.ACROSS * TILE
        sheet[top : top + TILE, left : left + TILE] = resize(picture, TILE, TILE)
    return sheet


if __name__ == "__main__":
    main()
