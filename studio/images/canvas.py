"""What makings of pictures share: sources brought to the result's size, pixels as tensors, reflection beyond
the edges, and how many threads a recipe was made with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.errors import Refused
from studio.images.networks.opening import OwnWeights
from studio.images.pictures import Picture, Pixels, fit_within, read_picture, resize, write_jpeg, write_png
from studio.works.finishing import Result, finish_work
from studio.works.recipe import ModelIdentity, Recipe, Source
from studio.works.setting import setting
from studio.works.work import Made, Materials

PREVIEW_SIDE, THUMBNAIL_SIDE = 768, 512
"""Longest sides of previews and thumbnails, in pixels."""

STRIP = 256
"""Rows worked on at once where a whole picture's copy would cost too much memory."""

MOST_THREADS = 256


@dataclass(frozen=True)
class Size:
    """One of the sizes at which a picture is worked on, coarse to fine, in pixels, and how many steps are
    taken there.
    """

    height: int
    width: int
    steps: int


class StrideGrid(Protocol):
    """What matters of a network here: the pixels between two places it looks at, and the least side it can
    bear.
    """

    stride: int
    smallest: int


@contextmanager
def as_many_threads(recipe: Recipe) -> Iterator[None]:
    """Threads as recorded in the recipe, where they are; put back as they were afterwards."""
    found = torch.get_num_threads()
    recorded = recipe.setting.versions.get("threads", "") if recipe.setting else ""
    if recorded.isdecimal() and 1 <= int(recorded) <= MOST_THREADS:
        torch.set_num_threads(int(recorded))
    try:
        yield
    finally:
        torch.set_num_threads(found)


def photo_at_size(
    source: Source, materials: Materials, size: int | None
) -> tuple[Pixels, Pixels | None, dict[str, str]]:
    """A photo at the result's size (longer side; None keeps its own), its alpha, and what is worth telling
    about how it was read.

    Raises `Unreadable` for what is no picture, `Refused` for one without extent.
    """
    picture = read_picture(materials(source), source.name or "The photo")
    height, width = picture.pixels.shape[:2]
    if size is not None:
        height, width = fit_within(height, width, size)
    if min(height, width) < 8:
        raise Refused(
            f"The photo would be {width} x {height} pixels; at least 8 are needed on its shorter side."
        )
    alpha = None if picture.alpha is None else resize(picture.alpha, height, width)
    facts = {"photo": " ".join(picture.notes)} if picture.notes else {}
    return resize(picture.pixels, height, width), alpha, facts


def mask_at_size(
    source: Source | None, materials: Materials, height: int, width: int, feather: float
) -> Pixels | None:
    """A mask at the result's size, uint8 [h, w], its edges feathered by `feather` per cent of the longer
    side; None without a source.

    Raises `Refused` for a mask that is black all over.
    """
    if source is None:
        return None
    from PIL import Image, ImageFilter

    painted: Picture = read_picture(materials(source), source.name or "The mask")
    light = np.asarray(Image.fromarray(painted.pixels).convert("L"))
    if painted.alpha is not None:
        light = (light.astype(np.uint16) * painted.alpha // 255).astype(np.uint8)
    light = resize(light, height, width)
    if not light.any():
        raise Refused(
            "The mask is black all over, so nothing would change: paint light where the picture shall."
        )
    radius = feather / 100 * max(height, width) / 2
    return np.asarray(Image.fromarray(light).filter(ImageFilter.GaussianBlur(radius)))


def own_weights(recipe: Recipe, materials: Materials) -> OwnWeights | None:
    """The weights file that a recipe brings for its network, if it does."""
    source = recipe.source("weights")
    return None if source is None else OwnWeights(materials(source), source.sha256)


def as_made(
    recipe: Recipe,
    identity: ModelIdentity,
    device: torch.device,
    pixels: Pixels,
    alpha: Pixels | None,
    losses: Sequence[float],
    facts: dict[str, str],
) -> Made:
    """A finished picture as a PNG with its recipe inside, completed by the network that took part and what it
    was made on.
    """
    made_on = setting(
        device.type, "torch", "torchvision", "numpy", "pillow", threads=str(torch.get_num_threads())
    )
    height, width = pixels.shape[:2]
    result = Result(
        content=write_png(pixels, alpha),
        suffix=".png",
        media_type="image/png",
        thumbnail=write_jpeg(pixels, longest_side=THUMBNAIL_SIDE),
        losses=losses,
        facts={"size": [width, height], "steps": len(losses)} | facts,
    )
    return finish_work(recipe, result, model=identity, setting=made_on)


# A picture of 4096 x 3072 is 151 MB as float32, so as few as possible of those are alive at once: the photo
# stays in bytes, and what combines it with other pictures goes by strips.


def tensor_of(pixels: Pixels, device: torch.device) -> Tensor:
    """uint8 [h, w, c] -> uint8 [1, c, h, w], each colour in one piece: most of what pictures go through is
    quicker so.
    """
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).to(device)[None]


def pixels_of(laid: Tensor) -> Pixels:
    """uint8 [1, 3, h, w] -> uint8 [h, w, 3]."""
    pixels: Pixels = laid[0].permute(1, 2, 0).contiguous().cpu().numpy()
    return pixels


def strips(picture: Tensor) -> Iterator[slice]:
    """The rows of a picture [..., h, w], some at a time."""
    return (slice(top, top + STRIP) for top in range(0, picture.shape[-2], STRIP))


def taken(length: int, network: StrideGrid) -> int:
    """The least length from `length` on that the network takes evenly."""
    return -(-max(length, network.smallest) // network.stride) * network.stride


def reflected(start: int, length: int, size: int) -> Tensor:
    """Indices start, start + 1, … into a row of `size`, those beyond its ends reflected, as often as needed."""
    period = max(1, 2 * size - 2)
    places = torch.arange(start, start + length).remainder(period)
    return torch.where(places < size, places, period - places)


def window(picture: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """[n, c, h, w] -> a new [n, c, height, width] of it from (top, left) on. Beyond its edges a picture goes
    on as its own reflection.
    """
    high, wide = picture.shape[-2:]
    above, below = max(0, -top), max(0, top + height - high)
    before, after = max(0, -left), max(0, left + width - wide)
    inside = picture[..., max(0, top) : top + height, max(0, left) : left + width]
    if (
        max(above, below) >= inside.shape[-2] or max(before, after) >= inside.shape[-1]
    ):  # reflections reach further than what is seen
        rows, columns = (
            reflected(*stretch).to(picture.device) for stretch in ((top, height, high), (left, width, wide))
        )
        return picture.index_select(2, rows).index_select(3, columns)
    return F.pad(inside, (before, after, above, below), mode="reflect")
