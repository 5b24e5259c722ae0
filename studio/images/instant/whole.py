"""A whole photo painted by a painter, in tiles if it is large.

    for tile in paint_windows(painter, photo, strength=0.5, seed=0, into=painted): ...

A tile is painted as the whole is: the colours are moved by the whole photo's statistics, the noise belongs to
the place, and the network is shown so much around the tile that nothing beyond counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from studio.images.canvas import tensor_of
from studio.images.instant.network import STRIDE, ColourMoments, Noise, moved, noise_for
from studio.images.instant.painters import Painter
from studio.images.instant.pieces import lay_pieces
from studio.images.pictures import Pixels

LARGEST_WHOLE = 1_000_000
"""Pixels of the largest photo that is painted in one piece."""

TILE, HALO = 768, 128
"""Side of a tile, and what the network is shown around it, in pixels: multiples of `STRIDE`."""


@dataclass(frozen=True)
class _Window:
    """Part of a photo: rows and columns that are painted, and those that the network is shown."""

    top: int
    bottom: int
    left: int
    right: int
    shown_top: int
    shown_bottom: int
    shown_left: int
    shown_right: int


def painted_by(painter: Painter, photo: Pixels, strength: float, seed: int = 0) -> Pixels:
    """The photo, uint8 [h, w, 3], as the painter paints it, with pieces if it has them."""
    painted = np.empty_like(photo)
    for _ in paint_windows(painter, photo, strength, seed, painted):
        pass
    if painter.pieces is not None:
        lay_pieces(painter.pieces, photo, painted, strength, seed)
    return painted


def paint_windows(
    painter: Painter, photo: Pixels, strength: float, seed: int, into: Pixels, side: int = TILE
) -> Iterator[tuple[int, int]]:
    """Let the network paint a photo, uint8 [h, w, 3], into another array of its shape, yielding (tiles done,
    tiles in all) after every tile. side: of a tile, in pixels, a multiple of `STRIDE`.
    """
    height, width = photo.shape[:2]
    device = next(painter.network.parameters()).device
    laid = tensor_of(photo, device)
    move = ColourMoments.of(laid.cpu()).move_to(painter.palette)
    # Filled up to whole places of the network by reflection, below and to the right.
    high, wide = (-(-max(side, 2 * STRIDE) // STRIDE) * STRIDE for side in (height, width))
    laid = _filled_up(laid, high, wide)
    noise = noise_for(high, wide, seed)
    windows = list(_windows(high, wide, side))
    for number, window in enumerate(windows, 1):
        rows, columns = (
            slice(window.top, min(window.bottom, height)),
            slice(window.left, min(window.right, width)),
        )
        if rows.start < height and columns.start < width:
            with torch.inference_mode():
                painted = _painted(painter, laid, move, noise, window, strength)
            into[rows, columns] = painted[: rows.stop - rows.start, : columns.stop - columns.start]
        yield number, len(windows)


def _painted(
    painter: Painter,
    laid: torch.Tensor,
    move: tuple[torch.Tensor, torch.Tensor],
    noise: Noise,
    window: _Window,
    strength: float,
) -> Pixels:
    shown = laid[..., window.shown_top : window.shown_bottom, window.shown_left : window.shown_right]
    device = laid.device
    photo = moved(shown.float().div_(255), (move[0].to(device), move[1].to(device)))
    part = (
        noise[0][
            ...,
            window.shown_top // 4 : window.shown_bottom // 4,
            window.shown_left // 4 : window.shown_right // 4,
        ],
        noise[1][
            ...,
            window.shown_top // 8 : window.shown_bottom // 8,
            window.shown_left // 8 : window.shown_right // 8,
        ],
    )
    photo = photo.contiguous(memory_format=torch.channels_last)
    painted = painter.network(photo, strength, (part[0].to(device), part[1].to(device)))
    top, left = window.top - window.shown_top, window.left - window.shown_left
    core = painted[0, :, top : top + window.bottom - window.top, left : left + window.right - window.left]
    pixels: Pixels = core.mul(255).round_().clamp_(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return pixels


def _filled_up(laid: torch.Tensor, height: int, width: int) -> torch.Tensor:
    below, beside = height - laid.shape[-2], width - laid.shape[-1]
    if not below and not beside:
        return laid
    mode = "reflect" if below < laid.shape[-2] and beside < laid.shape[-1] else "replicate"
    return F.pad(laid.float(), (0, beside, 0, below), mode=mode).to(torch.uint8)


def _windows(height: int, width: int, side: int) -> Iterator[_Window]:
    if height * width <= LARGEST_WHOLE:
        yield _Window(0, height, 0, width, 0, height, 0, width)
        return
    for top in range(0, height, side):
        for left in range(0, width, side):
            bottom, right = min(height, top + side), min(width, left + side)
            yield _Window(
                top, bottom, left, right,
                max(0, top - HALO), min(height, bottom + HALO), max(0, left - HALO), min(width, right + HALO),
            )  # fmt: skip
