"""What dreams and paintings share: sources scaled to the result's size, pixels as tensors, reflection beyond
the edges, fetching a network, and the finished file.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.errors import Refused
from studio.images.formats import FORMATS
from studio.images.networks.backbones import backbone
from studio.images.networks.opening import OwnWeights, fetch
from studio.images.pictures import (
    READING_RULES,
    Pixels,
    fit_within,
    read_picture,
    resize,
    resize_cut_out,
    write_jpeg,
)
from studio.images.printing import PrintSize
from studio.images.recipes import DreamRecipe, StyleRecipe
from studio.process import meanwhile
from studio.works.finishing import Result, finish_work
from studio.works.recipe import ModelIdentity, Recipe, Source
from studio.works.setting import setting
from studio.works.work import Made, Materials, Progress

PREVIEW_SIDE, THUMBNAIL_SIDE = 768, 512
"""Longest sides of previews and thumbnails, in pixels."""

STRIP = 256
"""Rows that are worked on at once where a copy of the whole picture would take too much memory."""

MOST_THREADS = 256

WRITTEN_MEANWHILE = 4_000_000
"""Pixels of the largest picture whose file is packed while the rest is got ready: that takes a copy more."""


class StrideGrid(Protocol):
    """A network's grid. stride: pixels between neighbouring places; smallest: the shortest side it
    accepts.
    """

    stride: int
    smallest: int


@contextmanager
def threads_of(recipe: Recipe) -> Iterator[None]:
    """Use as many threads as the recipe records, if it does; afterwards as many as before. Their number
    changes the last digits of a sum, and a dream amplifies those.
    """
    before = torch.get_num_threads()
    recorded = recipe.setting.versions.get("threads", "") if recipe.setting else ""
    if recorded.isdecimal() and 1 <= int(recorded) <= MOST_THREADS:
        torch.set_num_threads(int(recorded))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def reading_rules(recipe: Recipe) -> int:
    """The rules by which a recipe's pictures are read: today's, or those its work was made by."""
    if recipe.setting is None:
        return READING_RULES
    recorded = recipe.setting.versions.get("reading", "1")
    return int(recorded) if recorded in ("1", "2", "3") else READING_RULES


def photo_at_size(
    source: Source, materials: Materials, size: int | None, rules: int = READING_RULES
) -> tuple[Pixels, Pixels | None, dict[str, Any]]:
    """A photo at the result's size (longer side; None keeps its own), its alpha, and facts about how it was
    read.

    Raises `Unreadable` for what is not a picture, `Refused` for one that would be too small.
    """
    picture = read_picture(materials(source), source.name or "The photo", rules=rules)
    height, width = picture.pixels.shape[:2]
    if size is not None:
        height, width = fit_within(height, width, size)
    if min(height, width) < 8:
        raise Refused(
            f"The photo would be {width} x {height} pixels; choose a size "
            "with at least 8 on the shorter side."
        )
    alpha = None if picture.alpha is None else resize(picture.alpha, height, width)
    facts: dict[str, Any] = {"photo": " ".join(picture.notes)} if picture.notes else {}
    if picture.density is not None and rules > 2:
        facts["density"] = picture.density
    if picture.alpha is not None and rules > 1:
        return resize_cut_out(picture.pixels, picture.alpha, height, width), alpha, facts
    return resize(picture.pixels, height, width), alpha, facts


def mask_at_size(
    recipe: DreamRecipe | StyleRecipe, materials: Materials, height: int, width: int
) -> Pixels | None:
    """A recipe's mask at the result's size, uint8 [h, w]; None without one. Its edges are softened over
    `recipe.feather` per cent of the longer side.

    Raises `Refused` for a mask that is completely black.
    """
    source = recipe.source("mask")
    if source is None:
        return None
    light = resize(light_of(source, materials, reading_rules(recipe), "mask"), height, width)
    if not light.any():
        raise Refused(
            "The mask is completely black, so nothing would change: paint "
            "white where the picture should change."
        )
    return softened(light, recipe.feather)


def light_of(source: Source, materials: Materials, rules: int, called: str) -> Pixels:
    """How light a painted mask is, uint8 [h, w]; what is transparent counts as black. called: what it is, for
    a sentence about a file that is no picture.
    """
    from PIL import Image

    painted = read_picture(materials(source), source.name or f"The {called}", rules=rules)
    light = np.asarray(Image.fromarray(painted.pixels).convert("L"))
    if painted.alpha is not None:
        light = (light.astype(np.uint16) * painted.alpha // 255).astype(np.uint8)
    return light


def softened(light: Pixels, feather: float) -> Pixels:
    """A mask with its edges softened over `feather` per cent of its longer side."""
    from PIL import Image, ImageFilter

    radius = feather / 100 * max(light.shape) / 2
    return np.asarray(Image.fromarray(light).filter(ImageFilter.GaussianBlur(radius)))


def begun_picture(recipe: DreamRecipe | StyleRecipe, materials: Materials) -> Pixels | None:
    """The picture to go on from, uint8 [h, w, 3]; None for a work that begins with the photo."""
    source = recipe.source("begun")
    if source is None or not recipe.more:
        return None
    return read_picture(materials(source), source.name or "The picture", rules=reading_rules(recipe)).pixels


def own_weights(recipe: Recipe, materials: Materials) -> OwnWeights | None:
    """The weights file among the recipe's sources, if there is one."""
    source = recipe.source("weights")
    return None if source is None else OwnWeights(materials(source), source.sha256)


def fetched(name: str, total: int) -> Generator[Progress, None, None]:
    """Download a backbone's weights if they are not here yet. total: steps of the whole making, for
    progress.
    """
    for download in fetch(backbone(name)):
        stage = f"fetching {name}, {download.done / 1e6:.0f} of {download.total / 1e6:.0f} MB"
        yield Progress(0, total, stage)


def as_made(
    recipe: Recipe,
    identity: ModelIdentity,
    device: torch.device,
    pixels: Pixels,
    alpha: Pixels | None,
    losses: Sequence[float],
    facts: dict[str, Any],
    versions: Mapping[str, str] | None = None,
) -> Made:
    """A finished picture as a file with its recipe inside, completed by the network and the machine it was
    made with. It has the density of the recipe's print, or else that of the photo. versions: further ones
    for its setting.
    """
    rules = reading_rules(recipe)
    form = FORMATS.by_name(getattr(recipe, "format", "png"))
    if printed := getattr(recipe, "print", ""):
        facts = facts | {"density": PrintSize.read(printed).density}
    if alpha is not None and form.name == "jpg":
        facts = facts | {"background": "white"}
    density = facts.get("density")
    height, width = pixels.shape[:2]
    write = partial(form.to_bytes, pixels, alpha=alpha, density=density)
    written = meanwhile(write) if height * width <= WRITTEN_MEANWHILE else write
    made_on = setting(
        device.type,
        *("torch", "torchvision", "numpy", "pillow"),
        threads=str(torch.get_num_threads()),
        **({"reading": str(rules)} if rules > 1 else {}),
        **(versions or {}),
    )
    thumbnail = write_jpeg(pixels, longest_side=THUMBNAIL_SIDE)
    result = Result(
        content=written(),
        suffix=form.suffix,
        media_type=form.media_type,
        thumbnail=thumbnail,
        losses=losses,
        facts={"size": [width, height], "steps": len(losses)} | facts,
    )
    return finish_work(recipe, result, model=identity, setting=made_on)


# A picture of 4096 x 3072 takes 151 MB as float32, so as few of those as possible exist at once: the photo
# stays uint8, and pictures are combined strip by strip.


def tensor_of(pixels: Pixels, device: torch.device) -> Tensor:
    """uint8 [h, w, c] -> uint8 [1, c, h, w], contiguous, which is faster for most operations on pictures."""
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).to(device)[None]


def pixels_of(laid: Tensor) -> Pixels:
    """uint8 [1, 3, h, w] -> uint8 [h, w, 3]."""
    pixels: Pixels = laid[0].permute(1, 2, 0).contiguous().cpu().numpy()
    return pixels


def as_pixels(picture: Tensor) -> Pixels:
    """A picture [1, 3, h, w], 0..1 or a little outside, as uint8 [h, w, 3], strip by strip."""
    laid = torch.empty_like(picture, dtype=torch.uint8)
    for rows in strips(picture):
        laid[..., rows, :] = picture[..., rows, :].mul(255).round_().clamp_(0, 255).to(torch.uint8)
    return pixels_of(laid)


def strips(picture: Tensor) -> Iterator[slice]:
    """The rows of a picture [..., h, w], `STRIP` at a time."""
    return (slice(top, top + STRIP) for top in range(0, picture.shape[-2], STRIP))


def fitting_length(length: int, network: StrideGrid) -> int:
    """The smallest length from `length` up that is a multiple of the network's stride."""
    return -(-max(length, network.smallest) // network.stride) * network.stride


def reflected(start: int, length: int, size: int) -> Tensor:
    """Indices start, start + 1, … into a row of `size`, reflected at its ends as often as needed."""
    period = max(1, 2 * size - 2)
    places = torch.arange(start, start + length).remainder(period)
    return torch.where(places < size, places, period - places)


def window(picture: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """[n, c, h, w] -> a new [n, c, height, width], from (top, left) on. Beyond its edges the picture
    continues as its own reflection.
    """
    high, wide = picture.shape[-2:]
    above, below = max(0, -top), max(0, top + height - high)
    before, after = max(0, -left), max(0, left + width - wide)
    inside = picture[..., max(0, top) : top + height, max(0, left) : left + width]
    if max(above, below) >= inside.shape[-2] or max(before, after) >= inside.shape[-1]:
        # More is reflected than is inside the window, which F.pad cannot do.
        rows, columns = (
            reflected(*stretch).to(picture.device) for stretch in ((top, height, high), (left, width, wide))
        )
        return picture.index_select(2, rows).index_select(3, columns)
    return F.pad(inside, (before, after, above, below), mode="reflect")
