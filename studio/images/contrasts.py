"""How strong the strokes of a picture are, coarse and fine ones, in every colour; and a picture whose strokes
are made as strong as those of a painting.

What networks paint has a painting's strokes in the right places, but weaker ones, since a network that is not
sure where a stroke belongs paints the mean of where it may be. Steps put that right slowly. Here the picture
is taken apart by size, and in each part colours are moved linearly, so that they vary as those of the
painting do, and no farther than that takes (Pitié and Kokaram, "The linear Monge-Kantorovitch linear colour
mapping for example-based colour transfer", 2007). Heeger and Bergen, "Pyramid-based texture
analysis/synthesis" (SIGGRAPH 1995), match pictures part by part too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

PARTS = 5
"""Parts of different size, each half as large as the one before; what is broader still is one part more."""

FAINTEST = 1e-6
"""The least variance, of values in 0..1, that is told from none: that of rounding to eight bits."""

MOST = 3.0
"""How much stronger strokes may become, at most: in a blurred photo, what is finest is noise."""


@dataclass(frozen=True)
class Contrasts:
    """Of a picture, from its finest part on: the means [3] and covariances [3, 3] of red, green and blue."""

    means: tuple[Tensor, ...]
    spreads: tuple[Tensor, ...]


def contrasts_of(picture: Tensor) -> Contrasts:
    """How strong the strokes of a picture [1, 3, h, w], 0..1, are."""
    parts = [part[0].flatten(1).double() for part in _parts(picture)]
    return Contrasts(
        tuple(part.mean(1) for part in parts), tuple(torch.cov(part, correction=0) for part in parts)
    )


def mixed_contrasts(contrasts: Sequence[Contrasts], weights: Sequence[float]) -> Contrasts:
    """Those of a picture of which each painting has so much of the area."""
    shares = [weight / sum(weights) for weight in weights]
    means, spreads = [], []
    for place in range(PARTS + 1):
        own = [(each.means[place], each.spreads[place]) for each in contrasts]
        mean = torch.stack([share * of for share, (of, _) in zip(shares, own, strict=True)]).sum(0)
        around = [spread + torch.outer(of - mean, of - mean) for of, spread in own]
        spreads.append(torch.stack([share * of for share, of in zip(shares, around, strict=True)]).sum(0))
        means.append(mean)
    return Contrasts(tuple(means), tuple(spreads))


def with_contrasts(picture: Tensor, wanted: Contrasts) -> Tensor:
    """A picture [1, 3, h, w], 0..1, with those of another; no stroke becomes stronger than `MOST` times what
    it was. float32 of the same shape, from 0 to 1.
    """
    own = contrasts_of(picture)
    moved = []
    for place, part in enumerate(_parts(picture)):
        move = _smallest_move(own.spreads[place], wanted.spreads[place]).float()
        mean, new = own.means[place].float(), wanted.means[place].float()
        colours = torch.addmm((new - move @ mean)[:, None], move, part[0].flatten(1))
        moved.append(colours.view(part.shape))
    whole = moved.pop()
    for part in reversed(moved):
        whole = _as_large_as(part, whole).add_(part)
    return whole.clamp_(0, 1)


def _smallest_move(given: Tensor, wanted: Tensor) -> Tensor:
    """The symmetric matrix [3, 3] that makes colours of one covariance have another."""
    values, axes = torch.linalg.eigh(given)
    root = values.clamp_min(FAINTEST).sqrt()
    there, back = (axes * root) @ axes.T, (axes / root) @ axes.T
    middle, across = torch.linalg.eigh(there @ wanted @ there)
    move = back @ (across * middle.clamp_min(FAINTEST**2).sqrt()) @ across.T @ back
    values, axes = torch.linalg.eigh((move + move.T) / 2)
    limited: Tensor = (axes * values.clamp_max(MOST)) @ axes.T
    return limited


def _parts(picture: Tensor) -> list[Tensor]:
    """The picture's parts, whose sum is the picture: the finest first, each [1, 3, h, w]."""
    parts, now = [], picture.float()
    for _ in range(PARTS):
        half = F.avg_pool2d(now, 2, ceil_mode=True, count_include_pad=False)
        parts.append(now - _as_large_as(now, half))
        now = half
    return [*parts, now]


def _as_large_as(picture: Tensor, smaller: Tensor) -> Tensor:
    return F.interpolate(smaller, picture.shape[-2:], mode="bilinear", align_corners=False)
