"""Where the regions of a recipe lie in its picture: painted by somebody, or found by the studio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.errors import Refused
from studio.images.canvas import light_of, reading_rules, reflected, softened, strips
from studio.images.pictures import Pixels, resize
from studio.images.planning import Size
from studio.images.recipes import DreamRecipe, StyleRecipe
from studio.images.regions import REST, Region, check_areas, read_regions
from studio.works.work import Materials


@dataclass(frozen=True)
class Areas:
    """The regions of a picture and their shares of every pixel.

    shares: uint8 [k, h, w], one for each of `regions`. Together they are at most 255; where they are less,
    the rest of the pixel belongs to none.
    """

    regions: tuple[Region, ...]
    shares: Pixels

    @property
    def covered(self) -> Pixels:
        """How much of every pixel belongs to any region, uint8 [h, w]."""
        return _sum(self.shares)

    def at(self, height: int, width: int) -> Areas:
        """The same at another size."""
        if self.shares.shape[1:] == (height, width):
            return self
        return Areas(self.regions, np.stack([resize(share, height, width) for share in self.shares]))


def areas_of(recipe: DreamRecipe | StyleRecipe, materials: Materials, photo: Pixels) -> Areas | None:
    """The regions of a recipe in its photo, uint8 [h, w, 3] at the result's size; None without any.

    Edges are softened over `recipe.feather` per cent of the longer side. Where regions overlap they share the
    place in equal parts. Raises `Refused` for a region without a pixel, one whose picture is missing, or a
    segment that there is not.
    """
    regions = tuple(read_regions(recipe.regions))
    pictures = [source for source in recipe.sources if source.role == "region"]
    check_areas(regions, [source.sha256 for source in pictures])
    if not regions:
        return None
    height, width = photo.shape[:2]
    found = None
    lights: list[Pixels | None] = []
    for region in regions:
        if region.area is not None:
            light = light_of(pictures[region.area - 1], materials, reading_rules(recipe), region.place)
        elif region.place == REST:
            lights.append(None)
            continue
        else:
            from studio.images.segments import segments_of

            found = found or segments_of(photo)
            light = found.light(region.place)
        lights.append(softened(resize(light, height, width), recipe.feather))
    shares = _shared(lights, (height, width))
    for region, share in zip(regions, shares, strict=True):
        if share.max() < 8:
            name = pictures[region.area - 1].name if region.area is not None else ""
            raise Refused(_without_pixels(region, name))
    return Areas(regions, shares)


def _without_pixels(region: Region, name: str) -> str:
    """name: of the picture that shows where it is, if there is one."""
    if region.place == REST:
        return "The other regions cover the whole picture, so nothing is left for 'rest': leave it out."
    return (
        f"The region '{name or region.place}' has no pixels, so nothing would change there: paint it, or "
        "leave it out."
    )


def _shared(lights: Sequence[Pixels | None], size: tuple[int, int]) -> Pixels:
    """The lights as shares, uint8 [k, h, w]. The one that is None gets what the others leave."""
    total = np.zeros(size, np.uint16)
    for light in lights:
        if light is not None:
            total += light
    shares = np.empty((len(lights), *size), np.uint8)
    for place, light in enumerate(lights):
        if light is None:
            shares[place] = 255 - np.minimum(total, 255)
        else:
            shares[place] = light * np.uint32(255) // np.maximum(total, 255)
    return shares


def _sum(shares: Pixels) -> Pixels:
    total = np.zeros(shares.shape[1:], np.uint16)
    for share in shares:
        total += share
    covered: Pixels = np.minimum(total, 255).astype(np.uint8)
    return covered


# --- As tensors


@dataclass(frozen=True)
class RegionLooks:
    """The regions of a picture at one size. shares: uint8 [k, h, w]. own_colours: how much of every pixel
    keeps the photo's colours, float32 [1, 1, h, w] in 0..1; None where no region does. shown: how much of
    each region's look shows. regions: with the values that each has for itself.
    """

    shares: Tensor
    own_colours: Tensor | None
    shown: tuple[float, ...]
    regions: tuple[Region, ...]

    @classmethod
    def at(
        cls, size: Size, areas: Areas | None, mask: Pixels | None, device: torch.device
    ) -> RegionLooks | None:
        """None without regions. A mask takes its dark places from all of them."""
        if areas is None:
            return None
        shares = areas.at(size.height, size.width).shares
        if mask is not None:
            light = resize(mask, size.height, size.width).astype(np.uint16)
            shares = (shares * light // 255).astype(np.uint8)
        laid = torch.from_numpy(np.ascontiguousarray(shares)).to(device)
        kept = [float(region.own_colours) for region in areas.regions]
        own = mean_by(laid, kept) if any(kept) else None
        return cls(laid, own, tuple(region.strength for region in areas.regions), areas.regions)

    def value(self, name: str, otherwise: float) -> float | Tensor:
        """One of a dream's `OWN_VALUES`: the same for all regions, or [1, 1, h, w] for every pixel."""
        values = [region.value(name, otherwise) for region in self.regions]
        if len(set(values)) == 1:
            return values[0]
        return mean_by(self.shares, values)

    def scaled(self, values: Tensor, measured: Callable[[Tensor, Tensor], float], to: float = 1.0) -> Tensor:
        """By what values [1, c, h, w] are to be multiplied, [1, 1, h, w], so that each region's own measure
        is `to`: no region outshouts another. Outside all of them it is 0.
        """
        large = self.shares[None].float().div_(255)
        shares = F.adaptive_avg_pool2d(large, (values.shape[-2], values.shape[-1]))
        factor = torch.zeros_like(shares[:, :1])
        for place in range(shares.shape[1]):
            share = shares[:, place : place + 1]
            factor.add_(share, alpha=to / measured(values, share))
        return factor


def window_of(shares: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """uint8 [k, h, w] -> float32 [1, k, height, width] in 0..1, reflected beyond its edges as the picture
    is.
    """
    rows, columns = (
        reflected(*stretch).to(shares.device)
        for stretch in ((top, height, shares.shape[-2]), (left, width, shares.shape[-1]))
    )
    return shares.index_select(1, rows).index_select(2, columns)[None].float().div_(255)


def spread_by(shares: Tensor, values: Sequence[float]) -> Tensor:
    """uint8 [k, h, w] and a number for each region -> float32 [1, 1, h, w]: the sum of share times number."""
    found = torch.zeros(1, 1, *shares.shape[-2:], device=shares.device)
    for rows in strips(found):
        for share, value in zip(shares, values, strict=True):
            found[0, 0, rows].add_(share[rows].float(), alpha=value / 255)
    return found


def mean_by(shares: Tensor, values: Sequence[float]) -> Tensor:
    """The same, divided by the sum of the shares: what the regions at a place have on average. Where none is
    it is 0.
    """
    return spread_by(shares, values).div_(spread_by(shares, [1] * len(values)).clamp_min_(1e-6))
