"""A picture and its reflection beyond the edges, looked at as a whole or, if it is large, tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from studio.images.canvas import StrideGrid, fitting_length, reflected, window

EDGE = 16
"""Pixels of reflection around the picture, at least."""

HALO = 96
"""Pixels that a tile sees beyond its own borders. Of a step's direction, less than a hundredth is lost by
this limit (see the tests).
"""

LARGEST_WHOLE = 600_000
"""Pixels of the largest field that is looked at in one piece."""

TILE = 512
"""Side of a tile's core, in pixels."""


@dataclass(frozen=True)
class Tile:
    """A part of the field, in pixels: the core, which belongs to this tile alone, and the window around it
    that the network looks at.
    """

    top: int
    left: int
    height: int
    width: int
    window_top: int
    window_left: int
    window_height: int
    window_width: int

    def core_of(self, features: Tensor) -> Tensor:
        """The core's part of the features [n, c, h, w] of the window, at any layer."""
        if (self.height, self.width) == (self.window_height, self.window_width):
            return features  # a slice of all would copy the gradient
        step = self.window_height // features.shape[-2]
        top, left = (self.top - self.window_top) // step, (self.left - self.window_left) // step
        return features[..., top : top + self.height // step, left : left + self.width // step]

    def places(self, step: int) -> tuple[slice, slice, slice, slice]:
        """Where the core lies in features of the whole field, whose places are `step` pixels apart."""
        rows = slice(self.top // step, (self.top + self.height) // step)
        columns = slice(self.left // step, (self.left + self.width) // step)
        return slice(None), slice(None), rows, columns


@dataclass(frozen=True)
class Field:
    """A picture surrounded by its reflection, so that its size is a multiple of the network's stride.

    height, width: in pixels. above, beside: rows and columns of reflection before the picture's first ones.
    rows, columns: for each row and column of the field, the one of the picture that it shows.
    """

    height: int
    width: int
    above: int
    beside: int
    rows: Tensor
    columns: Tensor
    stride: int
    whole: bool

    @classmethod
    def of(cls, picture: Tensor, network: StrideGrid) -> Field:
        high, wide = picture.shape[-2:]
        height, width = (fitting_length(side + 2 * EDGE, network) for side in (high, wide))
        above, beside = (height - high) // 2, (width - wide) // 2
        rows, columns = reflected(-above, height, high), reflected(-beside, width, wide)
        return cls(
            height, width, above, beside, rows, columns, network.stride, height * width <= LARGEST_WHOLE
        )

    def tiles(self) -> Iterator[Tile]:
        """The tiles, whose cores cover the field once: a single one if the field is small enough."""
        if self.whole:
            yield Tile(0, 0, self.height, self.width, 0, 0, self.height, self.width)
            return
        core = max(self.stride, TILE // self.stride * self.stride)
        for top in range(0, self.height, core):
            for left in range(0, self.width, core):
                yield self._tile(top, left, core)

    def _tile(self, top: int, left: int, core: int) -> Tile:
        """The tile whose core begins at (top, left) and is at most `core` pixels long."""
        halo = -(-HALO // self.stride) * self.stride
        height, width = min(core, self.height - top), min(core, self.width - left)
        first_row, first_column = max(0, top - halo), max(0, left - halo)
        last_row = min(self.height, top + height + halo)
        last_column = min(self.width, left + width + halo)
        window = (first_row, first_column, last_row - first_row, last_column - first_column)
        return Tile(top, left, height, width, *window)

    def window(self, picture: Tensor, tile: Tile) -> Tensor:
        """The picture in the tile's window, [n, c, h, w]."""
        return window(
            picture,
            tile.window_top - self.above,
            tile.window_left - self.beside,
            tile.window_height,
            tile.window_width,
        )

    def add_window(self, gradient: Tensor, slope: Tensor, tile: Tile) -> None:
        """Add a window's gradient to the picture's; a reflected pixel's goes to the pixel that it
        reflects.
        """
        rows = self.rows[tile.window_top : tile.window_top + tile.window_height]
        columns = self.columns[tile.window_left : tile.window_left + tile.window_width]
        across = slope.new_zeros(*slope.shape[:-1], gradient.shape[-1]).index_add_(
            3, columns.to(slope.device), slope
        )
        gradient.index_add_(2, rows.to(slope.device), across)

    def step(self, core: Tensor, tile: Tile) -> int:
        """Pixels between neighbouring places of a tile's core at some layer."""
        return tile.height // core.shape[-2]
