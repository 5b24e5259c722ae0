"""A photo's broad light and dark, and its broad colours, held in a painting, in the painting's own colours.

A painting's textures do not say where things are. Those of a painting with broad bands, such as a sky, ask
for such bands somewhere: over a face, if nothing holds it. What is held here is the mean colour of every cell
of some pixels. Whatever is finer is left to the brush.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from studio.images.palettes import square_root

CELLS = 24
"""How many cells there are along the longer side."""

WEIGHT = 60.0
"""Of the cells' mean squared difference at most, where black is 0 and white is 1."""

COLOUR = 0.3
"""How much a cell's colour weighs beside its light and dark."""


@dataclass(frozen=True)
class BroadShapes:
    """What the cells of a picture are held at. colours: [1, 3, rows, columns] in 0..1. cell: pixels along
    each side of one; those at the end may be smaller.
    """

    colours: Tensor
    cell: int
    weight: float

    def add(self, picture: Tensor, gradient: Tensor) -> float:
        """The loss of a picture [1, 3, h, w]. Its gradient is added to `gradient`."""
        found = cells_of(picture, self.cell).sub_(self.colours)
        light = found.mean(1, keepdim=True)
        found -= light
        loss = float(light.square().mean() + COLOUR * found.square().mean())
        slope = found.mul_(COLOUR).add_(light).mul_(2 * self.weight / found.numel())
        height, width = picture.shape[-2:]
        for row in range(slope.shape[-2]):
            rows = slice(row * self.cell, min(height, (row + 1) * self.cell))
            wide = slope[..., row : row + 1, :].repeat_interleave(self.cell, -1)[..., :width]
            gradient[..., rows, :] += wide / self._pixels(rows, width, slope)
        return self.weight * loss

    def _pixels(self, rows: slice, width: int, like: Tensor) -> Tensor:
        """How many pixels the cell has that each pixel of a row of cells is in."""
        across = torch.arange(width, device=like.device) // self.cell
        wide = torch.where(across == across[-1], width - across[-1] * self.cell, self.cell)
        pixels: Tensor = wide * (rows.stop - rows.start)
        return pixels


def broad_shapes(
    photo: Tensor, textures: Sequence[Tensor], shares: Sequence[Tensor] | None, held: float
) -> BroadShapes:
    """What a painting of a photo, float32 [1, 3, h, w] in 0..1, is held at.

    textures: of each look, the moments of its colours [4, 4], of red, green, blue and 1. shares: of each
    look, where it is, [h, w] in 0..1; None for one look everywhere. held: 0..1.
    """
    cell = max(2, round(max(photo.shape[-2:]) / CELLS))
    cells = cells_of(photo, cell)
    moved = [_moved(cells, photo, moments) for moments in textures]
    laid = moved[0]
    if shares is not None:
        parts = [cells_of(share[None, None], cell) for share in shares]
        laid = cells + sum((each - cells) * part for each, part in zip(moved, parts, strict=True))
    return BroadShapes(laid.clamp(0, 1), cell, WEIGHT * held**2)


def cells_of(picture: Tensor, cell: int) -> Tensor:
    """The mean colours of cells of so many pixels along each side."""
    cells: Tensor = F.avg_pool2d(picture, cell, ceil_mode=True, count_include_pad=False)
    return cells


def _moved(cells: Tensor, photo: Tensor, moments: Tensor) -> Tensor:
    """Cells of a photo moved as its colours must be to have a painting's mean and covariance."""
    flat, known = photo.flatten(2)[0], moments.double().to(cells.device)
    mean, wanted = flat.mean(1).double(), known[:3, 3]
    own = (flat @ flat.T).double() / flat.shape[1] - torch.outer(mean, mean)
    move = square_root(known[:3, :3] - torch.outer(wanted, wanted)) @ torch.linalg.inv(square_root(own))
    moved: Tensor = move @ (cells.flatten(2)[0].double() - mean[:, None]) + wanted[:, None]
    return moved.float().view(cells.shape)
