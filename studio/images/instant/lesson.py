"""What a painter learns from: photos, and how far each picture that it paints of one is from the painting's
textures and from the photo's shapes.

The loss is that of an optimised painting (`textures`): the same layers, each relative to its target. A step
looks at a whole small picture, not at a crop of a large one, because textures are statistics of a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.images.instant.network import STRIDE, ColourMoments, PainterNetwork, moved, noise_for
from studio.images.networks.prepared import Prepared
from studio.images.textures import Statistics, relative_error

SIDE = 320
"""Longer side of the pictures it practises on, in pixels."""

PAINTING_SIDE = 640
"""Longer side of the painting whose textures it learns, in pixels: strokes come out as large as there."""

SHAPES_WEIGHT, LIGHT_WEIGHT, SMOOTHNESS, BEYOND_WEIGHT = 0.4, 3.0, 2.0, 10.0
"""At half strength: of the photo's shapes, of its light and dark averaged over `LIGHT_PLACE` pixels, of the
differences between neighbours, and of values that are no colour.
"""

STRENGTH_RANGE = 30.0
"""The shapes weigh so many times as much at strength 0 as at strength 1."""

LIGHT_PLACE = 16


@dataclass(frozen=True)
class Target:
    """What a painter is to learn: the textures and the colours of a painting."""

    textures: Statistics
    palette: ColourMoments


class PaintingLesson(nn.Module):
    """A painter with all that tells it how well it paints.

    As `fit` sees it, it is a network whose outputs are losses, to be brought to 0. Each input row [2] names a
    photo and the seed of what is done with it: which part is shown, whether it is mirrored, the strength and
    the noise. So an example is the same whenever it comes up.
    """

    def __init__(
        self,
        painter: PainterNetwork,
        backbone: Prepared,
        shapes: str,
        photos: Sequence[Tensor],
        target: Target,
    ) -> None:
        super().__init__()
        self.painter = painter
        self._backbone, self._shapes, self._photos, self._target = backbone, shapes, photos, target

    def forward(self, rows: Tensor) -> Tensor:
        """Inputs [n, 2] -> losses [n, 1]."""
        return torch.stack([self._loss(int(photo), int(seed)) for photo, seed in rows.tolist()])[:, None]

    def _loss(self, number: int, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        photo = part_of(self._photos[number], generator)
        strength = _drawn(generator) if _drawn(generator) < 0.6 else 0.5  # the usual one more often
        coloured = moved(photo, ColourMoments.of(photo).move_to(self._target.palette))
        coloured = coloured.contiguous(memory_format=torch.channels_last)
        noise = noise_for(photo.shape[-2], photo.shape[-1], seed)
        painted = self.painter(coloured, strength, noise)
        seen = self._backbone(painted)
        with torch.no_grad():
            meant = self._backbone(photo)[self._shapes]
        textures = [
            relative_error(_gram(seen[layer]), wanted)
            for layer, wanted in self._target.textures.grams.items()
        ]
        shapes = (seen[self._shapes] - meant).square().mean() / meant.square().mean().clamp_min(1e-12)
        light = F.avg_pool2d(painted, LIGHT_PLACE) - F.avg_pool2d(coloured, LIGHT_PLACE)
        held = STRENGTH_RANGE ** (0.5 - strength)
        shapes_weight = SHAPES_WEIGHT * held
        loss = torch.stack(textures).sum() + shapes_weight * shapes
        loss = loss + LIGHT_WEIGHT * held * light.square().mean() + SMOOTHNESS * _roughness(painted)
        loss = loss + BEYOND_WEIGHT * (painted - painted.clamp(0, 1)).square().mean()
        weighed: Tensor = loss / (1 + 0.5 * shapes_weight)  # so that no strength outweighs the others
        return weighed


def part_of(photo: Tensor, generator: torch.Generator) -> Tensor:
    """A part of a photo [1, 3, h, w], at least six tenths of each side, about `SIDE` pixels long, perhaps
    mirrored.
    """
    height, width = photo.shape[-2:]
    share = 0.6 + 0.4 * _drawn(generator)
    high, wide = int(height * share), int(width * share)
    top, left = int(_drawn(generator) * (height - high + 1)), int(_drawn(generator) * (width - wide + 1))
    part = photo[..., top : top + high, left : left + wide]
    factor = SIDE / max(high, wide)
    size = [max(SIDE // 2, round(side * factor) // (2 * STRIDE) * 2 * STRIDE) for side in (high, wide)]
    part = F.interpolate(part, size, mode="bilinear", antialias=True, align_corners=False).clamp_(0, 1)
    return part.flip(3) if _drawn(generator) < 0.5 else part


def examples(photos: int, count: int, seed: int) -> Tensor:
    """Inputs of a lesson, [count, 2]: photos in turn, each with another seed."""
    generator = torch.Generator().manual_seed(seed)
    seeds = torch.randperm(1_000_000, generator=generator)[:count]
    return torch.stack([torch.arange(count) % photos, seeds], 1).float()


def _drawn(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator))


def _gram(features: Tensor) -> Tensor:
    flat = features.flatten(2)[0]
    return flat @ flat.T / flat.shape[1]


def _roughness(picture: Tensor) -> Tensor:
    down = (picture[..., 1:, :] - picture[..., :-1, :]).square().mean()
    return down + (picture[..., 1:] - picture[..., :-1]).square().mean()
