"""Finer strokes for a large picture: what was painted at once at a smaller size, and enlarged, is soft. The
painters' networks paint it again at its own size, and what is finest in that is added where strokes are
already. In plain parts nothing is added: there, a network would paint small copies of its motifs.

    for height, width in sizes_made_finer(3072, 4096, recipe):
        picture = enlarged(picture, height, width)
        for share in make_finer(picture, looks, painters, ...):
            ...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.images.canvas import STRIP, as_pixels, tensor_of
from studio.images.instant.painters import Painter
from studio.images.instant.painting import in_colours
from studio.images.instant.whole import paint_windows
from studio.images.memory import memory_kept, release_memory
from studio.images.palettes import LUMA
from studio.images.pictures import Pixels, resize

CELL = 4
"""Pixels: what a network paints that is finer than these is added; times the breadth of strokes."""

SHARE = 0.8
"""How much of it, from half strength on; less below."""

TILE = 1536
"""Side of a tile, in pixels: of twice the usual side, a quarter less is painted around tiles."""

PLAIN, STROKE = 4 / 255, 18 / 255
"""The root mean square of the light that is finer than two cells, where nothing is added, and from where on
all is.
"""


@dataclass(frozen=True)
class FinerPart:
    """How a part of a picture is made finer. weights: of the painters. share: where, uint8 [h, w], or
    everywhere.
    """

    weights: Sequence[float]
    strength: float
    share: Pixels | None = None


def make_finer(
    picture: Tensor,
    looks: Sequence[FinerPart],
    painters: Sequence[Painter],
    *,
    breadth: float = 1.0,
    colour: str = "style",
    photo: Pixels,
    seed: int = 0,
) -> Iterator[float]:
    """Add the finest strokes of the painters to a picture [1, 3, h, w], 0..1, in place. Yields the share that
    is done after every tile, 0..1.

    breadth: of strokes, as `StyleRecipe.style_scale`; narrower than usual ones are taken as usual. colour,
    photo: as the recipe's, whose colours the strokes take. seed: of the noise that the networks are given.
    """
    seen = as_pixels(picture)
    height, width = seen.shape[:2]
    broad = max(1.0, breadth)
    high, wide = max(1, round(height / broad)), max(1, round(width / broad))
    cell = CELL * max(1, round(broad))
    if min(high, wide) < 2 * cell:
        return
    shown = seen if (high, wide) == (height, width) else resize(seen, high, wide)
    amounts = [
        (painter, look, SHARE * min(1.0, 2 * look.strength) * weight / sum(look.weights))
        for look in looks
        for painter, weight in zip(painters, look.weights, strict=True)
        if weight and look.strength
    ]
    for place, (painter, look, amount) in enumerate(amounts):
        painted = np.empty_like(shown)
        release_memory()  # what steps and earlier tiles left; this keeps other blocks
        with memory_kept():
            for tile, tiles in paint_windows(painter, shown, look.strength, seed, painted, TILE):
                yield (place + tile / tiles) / len(amounts)
        painted = in_colours(painted, photo, colour)
        if painted.shape != seen.shape:
            painted = resize(painted, height, width)
        _add(picture, seen, painted, amount, look.share, cell, plain=colour == "luminance")


def _add(
    picture: Tensor,
    seen: Pixels,
    painted: Pixels,
    amount: float,
    share: Pixels | None,
    cell: int,
    *,
    plain: bool,
) -> None:
    """Add what is finest in `painted`, strip by strip. Each strip is shown with so much around it that it
    becomes what it would be in the whole.
    """
    height = len(seen)
    step = 4 * cell  # the coarsest places that are looked at: strips begin and end with them
    rows = max(step, STRIP // step * step)
    for top in range(0, height, rows):
        first, last = max(0, top - 2 * step), min(height, top + rows + 2 * step)
        inner = slice(top - first, top - first + min(rows, height - top))
        fine = _finest(_laid(painted[first:last], step), cell)
        light = _laid(seen[first:last], step).mul_(torch.from_numpy(LUMA).view(1, 3, 1, 1)).sum(1, True)
        fine *= _where_strokes_are(light, cell)
        width = seen.shape[1]
        added = fine[..., inner, :width].mul_(amount)
        if plain:
            added = added.mean(1, keepdim=True)
        if share is not None:
            there = np.ascontiguousarray(share[top : top + rows])
            added = added * torch.from_numpy(there).float().div_(255)
        place = picture[..., top : top + rows, :]
        place.add_(added.to(picture.device)).clamp_(0, 1)


def _laid(pixels: Pixels, step: int) -> Tensor:
    """Pixels as floats in 0..1, [1, 3, h, w], filled up to multiples of `step` below and to the right."""
    laid = tensor_of(np.ascontiguousarray(pixels), torch.device("cpu")).float().div_(255)
    below, beside = -laid.shape[-2] % step, -laid.shape[-1] % step
    return F.pad(laid, (0, beside, 0, below), mode="replicate") if below or beside else laid


def _finest(laid: Tensor, cell: int) -> Tensor:
    """What is finer than a cell."""
    return laid - _larger(F.avg_pool2d(laid, cell), cell)


def _where_strokes_are(light: Tensor, cell: int) -> Tensor:
    """0..1 [1, 1, h, w]: whether there is anything fine already."""
    half = cell // 2
    small = F.avg_pool2d(light, half)
    energy = F.avg_pool2d(_finest(small, 4).square_(), 4).sqrt_()
    return _larger(energy, 4 * half).sub_(PLAIN).div_(STROKE - PLAIN).clamp_(0, 1)


def _larger(values: Tensor, times: int) -> Tensor:
    larger: Tensor = F.interpolate(values, scale_factor=times, mode="bilinear", align_corners=False)
    return larger
