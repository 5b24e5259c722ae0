"""How a dream spreads over its photo: larger shapes where the photo is plain, smaller ones in its detail;
less where it has faces and other fine structure; and as much in a bare sky as elsewhere.

    spread = Spread.of(photo, recipe, octaves)
    share = spread.at(octave)                   # by how much each pixel's step is multiplied

All of it follows from the photo alone. A recipe that asks for none of it (all 0) has no spread.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.images.canvas import STRIP, strips
from studio.images.faces import faces_map
from studio.images.pictures import Pixels, fit_within, resize
from studio.images.planning import Size, dreaming_rules
from studio.images.recipes import DreamRecipe
from studio.images.regions import Region

SIDE = 256
"""Longer side, in pixels, at which a photo is looked at."""

NEAR = 5.0
"""How far around a place its detail is looked for: the spread of a Gaussian, in pixels at `SIDE`."""

FAINT = 0.06
"""Mean slope of brightness (black to white is 1, a pixel) that counts as half detailed in any photo."""

WIDTH, WIDTH_BEFORE, LEAST = 0.13, 0.26, 0.03
"""Of a place's own size: how far other sizes may be from it, where 1 is from the coarsest octave to the
finest, by today's rules and by the first; and how much those that are further away still count.
"""

FINEST_SCALE, SCALES, APART = 1.5, 9, 2**0.5
"""The sizes in which a photo's own are looked for: spreads of Gaussians in pixels at `SIDE`, up to 24."""

GREY_LEVEL = 1 / 255
"""Light and dark that differ by less are noise: such a place is plain, and its own size is the largest."""

SHARP = 3.0
"""By which power of its difference a size counts: the one that stands out most counts most."""

MOST = 2.5
"""By how much a step grows at most where few sizes take part, so that as much is dreamt there in all."""

PARTS = 100
"""A share of 1, as it is kept in a byte."""


@dataclass(frozen=True)
class Spread:
    """own: how large shapes are at every place, float32 [1, 1, h, w] from 0, the smallest, to 1; not found
    where no size varies. width: how
    far other sizes may be from that. structure: how much fine structure stands out there. faces: where they
    are. wanted: `vary_size`, `hold_detail` and `hold_faces` of the recipe, or of each of its regions.
    octaves: all that were planned, the coarsest first.
    """

    own: Tensor
    width: float
    structure: Tensor
    faces: Tensor
    wanted: tuple[tuple[float, float, float], ...]
    octaves: tuple[Size, ...]

    @classmethod
    def of(
        cls, photo: Pixels, recipe: DreamRecipe, octaves: Sequence[Size], regions: Sequence[Region] = ()
    ) -> Spread | None:
        """photo: uint8 [h, w, 3]. None for a recipe that leaves sizes and structure alone."""
        usual = (recipe.vary_size, recipe.hold_detail, recipe.hold_faces)
        wanted = tuple(
            (
                region.value("vary_size", usual[0]),
                region.value("hold_detail", usual[1]),
                region.value("hold_faces", usual[2]),
            )
            for region in regions
        )
        wanted = (wanted or (usual,)) if len(set(wanted)) != 1 else wanted[:1]
        if not any(map(any, wanted)):
            return None
        small = resize(photo, *fit_within(photo.shape[0], photo.shape[1], min(SIDE, max(photo.shape[:2]))))
        slopes = _slopes(small)
        faces = torch.zeros_like(slopes)
        if any(hold_faces for _, _, hold_faces in wanted):
            faces = F.interpolate(faces_map(photo), small.shape[:2], mode="bilinear", align_corners=False)
        by_first = dreaming_rules(recipe) == 1
        width = WIDTH_BEFORE if by_first else WIDTH
        own = torch.zeros_like(slopes)
        if any(vary_size for vary_size, _, _ in wanted):
            own = 0.95 * (1 - _detail(slopes)) if by_first else _own_sizes(small)
        return cls(own, width, _structure(slopes), faces, wanted, tuple(octaves))

    def at(self, octave: Size, regions: Tensor | None = None) -> Tensor:
        """By how much each pixel's step is multiplied, in `PARTS`: uint8 [1, 1, height, width]. regions: the
        shares of the regions, uint8 [k, height, width], where they differ in what they want.
        """
        found = [self._large(octave, *each) for each in self.wanted]
        large = found[0]
        if len(found) > 1:
            assert regions is not None
            parts = regions[:, None].float()
            total = parts.sum(0).clamp_min_(1)
            large = sum(each * part for each, part in zip(found, parts, strict=True)) / total
        return large.mul_(PARTS).round_().clamp_(0, 255).to(torch.uint8)

    def _large(self, octave: Size, vary_size: float, hold_detail: float, hold_faces: float) -> Tensor:
        share = (1 - hold_detail * self.structure) * (1 - hold_faces * self.faces)
        if vary_size:
            share = share * (1 + vary_size * (self._sizes(octave) - 1))
        return F.interpolate(share, (octave.height, octave.width), mode="bilinear", align_corners=False)

    def _sizes(self, octave: Size) -> Tensor:
        """How much this octave counts at every place: near the place's own size more than elsewhere."""
        sides = [math.log(each.height * each.width) for each in self.octaves]
        levels = [(sides[-1] - side) / max(1e-9, sides[-1] - sides[0]) for side in sides]
        near = [torch.exp(-(((level - self.own) / self.width) ** 2) / 2) for level in levels]
        counts = [LEAST + (1 - LEAST) * each for each in near]
        side = math.log(octave.height * octave.width)
        place = min(range(len(sides)), key=lambda place: abs(sides[place] - side))
        return (counts[place] * len(counts) / torch.stack(counts).sum(0)).clamp_max(MOST)


def _slopes(photo: Pixels) -> Tensor:
    """How steep brightness is at every pixel, [1, 1, h, w]; black to white in one pixel is 1."""
    grey = torch.from_numpy(photo.astype(np.float32)).mean(2)[None, None] / 255
    across = F.pad(grey, (1, 1, 0, 0), mode="replicate")
    down = F.pad(grey, (0, 0, 1, 1), mode="replicate")
    return torch.hypot((across[..., 2:] - across[..., :-2]) / 2, (down[..., 2:, :] - down[..., :-2, :]) / 2)


def _detail(slopes: Tensor) -> Tensor:
    """0 where a photo is plain, 1 where it has much detail: half by its rank in this photo, so that every
    photo has both, half by how steep it is.
    """
    around = _blurred(slopes, NEAR)
    ranks = around.flatten().argsort().argsort().float() / max(1, around.numel() - 1)
    return (ranks.view_as(around) + around / (around + FAINT)) / 2


def _own_sizes(photo: Pixels) -> Tensor:
    """How large what the photo shows is at every pixel, [1, 1, h, w]: 0 for the smallest of this photo, 1 for
    the largest and for plain parts. By rank, so that every photo has both.

    It is the size at which the light and dark of a place differ most between two blurs, one a little stronger
    than the other (T. Lindeberg, Feature Detection with Automatic Scale Selection, 1998).
    """
    grey = torch.from_numpy(photo.astype(np.float32)).mean(2)[None, None] / 255
    scales = [FINEST_SCALE * APART**n for n in range(SCALES)]
    blurred = [_blurred(grey, scale) for scale in scales]
    found = torch.zeros_like(grey)
    total = torch.zeros_like(grey)
    for n in range(SCALES - 1):
        stands_out = _blurred((blurred[n] - blurred[n + 1]).abs(), 1.5 * scales[n])
        counts = (stands_out + (GREY_LEVEL if n == SCALES - 2 else 0.0)) ** SHARP
        found += n * counts
        total += counts
    sizes = (_blurred(found / total, 4.0) * 32).round()  # so that a plain sky is of one size, and of one rank
    ranks = sizes.flatten().contiguous()
    order = ranks.sort().values
    below, upto = (torch.searchsorted(order, ranks, right=right) for right in (False, True))
    return ((below + upto).float() / (2 * ranks.numel())).view_as(sizes)


def _structure(slopes: Tensor) -> Tensor:
    """1 at eyes, mouths, letters and edges that stand out of what is around them, 0 in plain parts and in
    even texture.
    """
    near, around = _blurred(slopes, 1.5), _blurred(slopes, 14.0)
    out = near / (around + 0.02) - 0.8
    return _blurred(out.clamp(0, 1), 1.5).clamp(0, 1)


def _blurred(values: Tensor, spread: float) -> Tensor:
    reach = max(0, min(round(3 * spread), min(values.shape[-2:]) - 1))
    places = torch.arange(-reach, reach + 1, dtype=torch.float32)
    weights = torch.exp(-(places**2) / (2 * spread**2))
    weights /= weights.sum()
    padded = F.pad(values, (reach,) * 4, mode="reflect")
    return F.conv2d(F.conv2d(padded, weights.view(1, 1, 1, -1)), weights.view(1, 1, -1, 1))


CELL = 8
"""Pixels whose mean stands for them where steps are made equally large everywhere."""

REACH = 24.0
"""How far around a place its steps are compared with those elsewhere: the spread of a Gaussian, in pixels."""

FAINTEST = 0.02
"""A neighbourhood whose steps are weaker than this share of the others' is left as it is below that."""


def make_even(direction: Tensor, even: float | Tensor) -> None:
    """Make a direction [1, 3, h, w] as strong in every neighbourhood as elsewhere. even: 0 leaves it, 1 makes
    every neighbourhood's root mean square the same; one for all places, or [1, 1, h, w].
    """
    height, width = direction.shape[-2:]
    cells = [
        F.avg_pool2d(
            direction[..., rows, :].square().mean(1, keepdim=True),
            CELL,
            ceil_mode=True,
            count_include_pad=False,
        )
        for rows in strips(direction)
    ]
    around = _blurred(torch.cat(cells, 2), max(1.0, REACH / CELL)).sqrt_()
    level = around / around.square().mean().sqrt().clamp_min(1e-20)
    if isinstance(even, Tensor):
        even = F.avg_pool2d(even, CELL, ceil_mode=True, count_include_pad=False)
    factor = level.clamp_min_(FAINTEST).pow_(-even)
    for rows in strips(direction):
        # A strip begins at a cell, and sees a row of cells more on both sides.
        first, last = max(0, rows.start // CELL - 1), min(factor.shape[-2], rows.stop // CELL + 1)
        large = F.interpolate(
            factor[..., first:last, :], scale_factor=float(CELL), mode="bilinear", align_corners=False
        )
        top, end = rows.start - first * CELL, min(height, rows.stop) - first * CELL
        direction[..., rows, :] *= large[..., top:end, :width]


SHAPE, COLOURED = 1 / 40, 1 / 24
"""Of the longer side: what is broad enough in a photo's light and dark, and in its colours, to be one of its
shapes.
"""

COLOUR_HELD = 0.2
"""How much a shape's colours are held, as a share of its light and dark."""


def hold_shapes(picture: Tensor, base: Tensor, share: float, mask: Tensor | None) -> None:
    """Move the broad light and dark of a picture [1, 3, h, w] in 0..1 back to the photo's, by a share, and
    its broad colours by a fifth of that. base: the photo, uint8 [1, 3, h, w]. mask: where, float32
    [1, 1, h, w] in 0..1. What is finer stays.
    """
    longer = max(picture.shape[-2:])
    light, colour = (max(2, round(part * longer)) for part in (SHAPE, COLOURED))
    grey = _broad(picture, base, light).mean(1, keepdim=True)
    _add_cells(picture, grey.mul_(share), light, mask)
    away = _broad(picture, base, colour)
    away -= away.mean(1, keepdim=True)
    _add_cells(picture, away.mul_(share * COLOUR_HELD), colour, mask)
    picture.clamp_(0, 1)


def _broad(picture: Tensor, base: Tensor, cell: int) -> Tensor:
    """How far the photo's broad colours are from the picture's, a number for each cell of so many pixels,
    [1, 3, h', w'].
    """
    parts = []
    step = cell * max(1, STRIP // cell)  # a strip is some rows of cells
    for top in range(0, picture.shape[-2], step):
        rows = slice(top, top + step)
        away = base[..., rows, :].float().div_(255).sub_(picture[..., rows, :])
        parts.append(F.avg_pool2d(away, cell, ceil_mode=True, count_include_pad=False))
    cells = torch.cat(parts, 2)
    return _blurred(cells.transpose(0, 1), 0.7).transpose(0, 1)


def _add_cells(picture: Tensor, cells: Tensor, cell: int, mask: Tensor | None) -> None:
    """Add to a picture what there is for each of its cells, smoothly from one to the next, strip by strip."""
    height, width = picture.shape[-2:]
    for rows in strips(picture):
        first, last = max(0, rows.start // cell - 1), min(cells.shape[-2], rows.stop // cell + 2)
        large = F.interpolate(
            cells[..., first:last, :], scale_factor=float(cell), mode="bilinear", align_corners=False
        )
        top, end = rows.start - first * cell, min(height, rows.stop) - first * cell
        large = large[..., top:end, :width]
        picture[..., rows, :] += large if mask is None else large * mask[..., rows, :]
