"""Deep dream: gradient ascent on a photo's pixels, from coarse to fine, so that what a network sees in it
grows stronger.

    for progress in dream(recipe, materials):
        show(progress.preview())

Mordvintsev, Olah and Tyka, "Inceptionism: Going Deeper into Neural Networks", 2015. Added here: steps made of
several scales at once, whose fine scales carry less colour; a pull back to the photo that keeps colours from
burning out; borders continued by reflection; tiles whose borders wander.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from studio.errors import Refused
from studio.images.canvas import (
    PREVIEW_SIDE,
    Size,
    StrideGrid,
    as_made,
    as_many_threads,
    mask_at_size,
    own_weights,
    photo_at_size,
    pixels_of,
    strips,
    taken,
    tensor_of,
    window,
)
from studio.images.memory import memory_kept
from studio.images.networks.backbones import backbone
from studio.images.networks.opening import fetch, open_network
from studio.images.networks.prepared import LARGEST_STRIDE, Prepared
from studio.images.objectives import Objective, balanced, channel, features_of, layer, towards
from studio.images.pictures import Pixels, fit_within, read_picture, resize, write_jpeg
from studio.images.recipes import DreamRecipe, LayerTerm
from studio.learning.descent import DescentOptions, Slope, descend
from studio.works.recipe import ModelIdentity, Source
from studio.works.work import Making, Materials, Progress

USUAL_SIDE = 768
"""The longer side that a recipe's number of octaves is meant for."""

SMALLEST_OCTAVE = 64
"""No octave's shorter side is smaller, in pixels: networks see little in less."""

SCALES = 4
"""A step is made of the gradient at this many scales: 1, 2, 4 and 8 pixels."""

HALO = 32
"""What a tile sees beyond its own borders, in pixels: where it would otherwise see its neighbour end."""

WANDER = 64
"""How far the borders of tiles wander between steps, in pixels, at least."""

EDGE = 8
"""What is seen of the picture's reflection beyond its edges, at least: the zeros that networks pad with leave
a frame there.
"""

GUIDE_SIDES = (192, 320)
"""A guide is looked at in these sizes (longer side), so that small and large things of it can be followed."""

LARGEST_WHOLE = 3
"""A picture of up to so many tiles' area is looked at whole: 1024 x 768 with the usual tile."""


def dream(recipe: DreamRecipe, materials: Materials) -> Making:
    """Dream on the recipe's photo, yielding after every step.

    Raises `Refused` (no photo, an unknown layer or channel, a picture without extent), `Unreadable` (a source
    that is no picture, corrupt weights), `Missing` (a source or weights that are not at hand). The same
    recipe gives the same file on the same machine; a recipe that records its setting is made with as many
    threads as then, since their number shows in the last digits, and dreams make much of those.
    """
    with as_many_threads(recipe), memory_kept():
        return (yield from _dream(recipe, materials))


def _dream(recipe: DreamRecipe, materials: Materials) -> Making:
    photo, alpha, facts = photo_at_size(_photo(recipe), materials, recipe.size)
    octaves = plan_octaves(photo.shape[0], photo.shape[1], recipe)
    total = sum(octave.steps for octave in octaves)
    for came in fetch(backbone(recipe.backbone)) if recipe.source("weights") is None else ():
        yield Progress(
            0, total, f"fetching {recipe.backbone}, {came.done / 1e6:.0f} of {came.total / 1e6:.0f} MB"
        )
    network, identity = _network(recipe, materials)
    objective = _objective(recipe, materials, network, photo)
    mask = mask_at_size(recipe.source("mask"), materials, photo.shape[0], photo.shape[1], recipe.feather)
    generator = torch.Generator().manual_seed(recipe.seed)

    losses: list[float] = []
    picture: Tensor | None = None
    base = torch.empty(0)
    for number, octave in enumerate(octaves, 1):
        detail = None if picture is None else _detail(picture, base)
        base = tensor_of(resize(photo, octave.height, octave.width), network.device)
        picture = _picture(base, detail)
        measure = DreamMeasure(picture, network, objective, generator, jitter=recipe.jitter, tile=recipe.tile)
        climb = Climb(
            recipe,
            base,
            None
            if mask is None
            else tensor_of(resize(mask, octave.height, octave.width)[..., None], network.device),
        )
        for step in descend(
            [picture], measure, climb, steps=octave.steps, maximize=True, options=DescentOptions(keep_every=0)
        ):
            if step.ending is not None and step.ending.kind == "diverged":
                raise Refused(
                    f"The dream burst ({step.ending.sentence.rstrip('.')}): choose other layers or a smaller step size."
                )
            losses.append(step.loss)
            del step  # it holds a gradient as large as the picture
            yield Progress(
                len(losses),
                total,
                f"octave {number} of {len(octaves)}",
                losses[-1],
                DreamPreview(picture, base, recipe.strength),
            )
        del measure, climb, detail
    assert picture is not None
    return as_made(
        recipe, identity, network.device, _laid_over(base, picture, recipe.strength), alpha, losses, facts
    )


def plan_octaves(height: int, width: int, recipe: DreamRecipe) -> list[Size]:
    """The sizes a dream of height x width goes through, coarsest first.

    The recipe's octaves are meant for 768 px; a larger picture gets as many more, a smaller one as many
    fewer, as keep the coarsest one's size, and with it the largest shapes. None is smaller than the network
    can use, and there is at least one.
    """
    more = math.log(max(height, width) / USUAL_SIDE) / math.log(recipe.octave_scale)
    count = max(1, recipe.octaves + round(more))
    factors = [recipe.octave_scale**-k for k in range(count)]
    factors = [factor for factor in factors if factor == 1 or min(height, width) * factor >= SMALLEST_OCTAVE]
    octaves = []
    for k, factor in enumerate(factors):
        lean = 2 * k / (len(factors) - 1) - 1 if len(factors) > 1 else 0.0  # -1 finest … 1 coarsest
        steps = max(1, round(recipe.steps * (1 + recipe.coarse_first * lean)))
        octaves.append(Size(max(1, round(height * factor)), max(1, round(width * factor)), steps))
    return octaves[::-1]


class DreamMeasure:
    """Measures how strong the objective is in the picture as it stands, and which way it grows: the `measure`
    of a dream.

    Small pictures are looked at whole, shifted at random under the network's grid; large ones in tiles whose
    borders wander from step to step, each with a halo of its surroundings. Beyond its edges a picture goes on
    as its own reflection.
    """

    def __init__(
        self,
        picture: Tensor,
        network: Prepared,
        objective: Callable[[Mapping[str, Tensor]], Tensor],
        generator: torch.Generator,
        *,
        jitter: int,
        tile: int,
    ) -> None:
        self.picture, self.network, self.objective, self.generator = picture, network, objective, generator
        self.jitter = jitter
        height, width = picture.shape[-2:]
        self.tile = None if height * width <= LARGEST_WHOLE * tile**2 else tile

    def __call__(self) -> Slope:
        height, width = self.picture.shape[-2:]
        gradient, loss = torch.empty_like(self.picture), 0.0
        rows, columns = (
            list(cuts(size, self.tile, self.jitter, self.network, self.generator)) for size in (height, width)
        )
        for row in rows:
            for column in columns:
                share = row.core * column.core / (height * width)
                seen = self._piece(row, column).requires_grad_()
                value = self.objective(self.network(seen))
                (slope,) = torch.autograd.grad(value, seen)
                loss += share * value.item()
                # The objective is a mean over the window: undo that, so that places weigh the same whatever
                # their window's size.
                slope *= row.length * column.length / (height * width)
                gradient[..., row.start : row.start + row.core, column.start : column.start + column.core] = (
                    slope[
                        ..., row.before : row.before + row.core, column.before : column.before + column.core
                    ]
                )
        return Slope(loss, [gradient])

    def _piece(self, row: Cut, column: Cut) -> Tensor:
        """The picture from `before` its core on, `length` long, in both directions."""
        return window(
            self.picture, row.start - row.before, column.start - column.before, row.length, column.length
        )


@dataclass(frozen=True)
class Cut:
    """A stretch of a side of the picture: `core` pixels from `start`, looked at within a window of `length`
    that begins `before` it.
    """

    start: int
    core: int
    before: int
    length: int


def cuts(
    size: int, tile: int | None, jitter: int, network: StrideGrid, generator: torch.Generator
) -> Iterator[Cut]:
    """Cut a side of `size` pixels into stretches seen in windows of about `tile`, with other borders at every
    call; None cuts nothing.

    All windows of one call are of one length (networks set themselves up anew, in time and memory, for each
    size they meet) and begin on the network's own grid, which jitter shifts: so every tile sees what the
    whole would show.
    """
    jitter = min(jitter, network.stride - 1)  # a shift by the stride is no shift
    shift = int(torch.randint(jitter + 1, (), generator=generator))
    if tile is None:
        yield Cut(0, size, EDGE + shift, taken(size + jitter + 2 * EDGE, network))
        return
    count = math.ceil((size + WANDER) / (tile - 2 * HALO - LARGEST_STRIDE))
    core = math.ceil((size + WANDER) / count)
    wander = int(torch.randint(core * count - size + 1, (), generator=generator))
    borders = [0, *(number * core - wander for number in range(1, count)), size]
    for start, end in pairwise(borders):
        before = HALO + (start + EDGE + shift) % network.stride
        yield Cut(start, end - start, before, taken(core + 2 * HALO + network.stride - 1, network))


class Climb:
    """Moves the picture up the gradient by `step_size` per pixel on average, whatever the gradient's size:
    the update rule of a dream.

    The gradient is taken apart into scales, each of which has its size set to 1, so that broad shapes grow as
    well as fine detail (compare the Laplacian pyramid of TensorFlow's notebook, 2016), with less colour in
    the finest, and put together again.
    """

    def __init__(self, recipe: DreamRecipe, base: Tensor, mask: Tensor | None) -> None:
        self.rate, self.hold = recipe.step_size, recipe.hold
        self.base, self.mask = base, None if mask is None else mask.float().div_(255)
        self.weights = [(2 * recipe.smoothing) ** scale if scale else 1.0 for scale in range(SCALES)]
        self.keep_colours = recipe.keep_colours
        colour = 0.0 if recipe.keep_colours else recipe.colour
        self.colours = [colour * share for share in (0.5, 0.75, 1.0, 1.0)]

    def __call__(self, variables: Sequence[Tensor], gradients: Sequence[Tensor], rate: float) -> None:
        (picture,), (gradient,) = variables, gradients
        direction = self._blended(gradient)
        if self.mask is not None:
            direction *= self.mask
        direction /= _mean_size(direction, self.mask)
        with torch.no_grad():
            for rows in strips(picture):
                self._move(
                    picture[..., rows, :],
                    direction[..., rows, :],
                    self.base[..., rows, :].float().div_(255),
                    rate,
                )

    def _move(self, picture: Tensor, direction: Tensor, base: Tensor, rate: float) -> None:
        picture.add_(direction, alpha=-self.rate * rate)  # `descend` hands the slope downwards
        if self.hold:
            picture.lerp_(base, self.hold)
        if self.keep_colours:
            # Red, green and blue move together, and only as far as the first of them can.
            grey = (picture - base).mean(dim=1, keepdim=True)
            darkest, lightest = base.amin(dim=1, keepdim=True), base.amax(dim=1, keepdim=True)
            picture.copy_(base + torch.clamp(grey, min=-darkest, max=1 - lightest))
        picture.clamp_(0, 1)

    def _blended(self, gradient: Tensor) -> Tensor:
        scales = [gradient]
        while len(scales) < SCALES and min(scales[-1].shape[-2:]) > 2:
            scales.append(_halved(scales[-1]))
        blended: Tensor | None = None
        for scale, weight, colour in reversed(list(zip(scales, self.weights, self.colours, strict=False))):
            if colour < 1:
                grey = scale.mean(dim=1, keepdim=True).mul_(1 - colour)
                scale = scale.mul_(colour).add_(grey)
            scale *= weight / _root_mean_square(scale)
            if blended is not None:
                scale += F.interpolate(blended, scale.shape[-2:], mode="bilinear", align_corners=False)
            blended = scale
        assert blended is not None
        return blended


def _halved(values: Tensor) -> Tensor:
    """The mean of every 2 x 2; of fewer at an odd end."""
    height, width = values.shape[-2:]
    if height % 2 or width % 2:
        return F.avg_pool2d(values, 2, ceil_mode=True, count_include_pad=False)
    # Halfway between each two: the same mean, in a quarter of the time.
    return F.interpolate(values, (height // 2, width // 2), mode="bilinear", align_corners=False)


def _root_mean_square(values: Tensor) -> float:
    """Row by row, so that no copy is made and 37 million small numbers do not drown in their sum."""
    rows = torch.linalg.vector_norm(values, dim=(1, 3)).double()
    return math.sqrt(float(rows.square().sum()) / values.numel()) + 1e-20


def _mean_size(values: Tensor, mask: Tensor | None) -> float:
    """Mean of |values| where the mask is light, so that a step means the same however little is to be dreamt
    on.
    """
    share = 1.0 if mask is None else float(mask.mean())
    rows = torch.linalg.vector_norm(values, ord=1, dim=(1, 3)).double()
    return float(rows.sum()) / (values.numel() * max(share, 1e-6)) + 1e-20


@dataclass(frozen=True)
class DreamPreview:
    """JPEG of a dream as it stands, until the next step."""

    picture: Tensor
    base: Tensor
    strength: float

    def __call__(self) -> bytes:
        picture, base = self.picture, self.base
        factor = max(picture.shape[-2:]) // PREVIEW_SIDE
        if factor > 1:
            # Roughly made smaller first: a preview of twelve megapixels should not cost as much as a step.
            picture, base = (
                F.avg_pool2d(picture, factor),
                base[..., factor // 2 :: factor, factor // 2 :: factor],
            )
            base = base[..., : picture.shape[-2], : picture.shape[-1]]
        return write_jpeg(_laid_over(base, picture, self.strength), longest_side=PREVIEW_SIDE)


def _photo(recipe: DreamRecipe) -> Source:
    source = recipe.source("photo")
    if source is None:
        raise Refused("A dream needs a photo: name one.")
    return source


def _network(recipe: DreamRecipe, materials: Materials) -> tuple[Prepared, ModelIdentity]:
    names = tuple(sorted({LayerTerm.read(text).name for text in recipe.layers}))
    return open_network(recipe.backbone, names, own_weights(recipe, materials))


def _objective(recipe: DreamRecipe, materials: Materials, network: Prepared, photo: Pixels) -> Objective:
    """The recipe's layers, freely and towards the guide where there is one, balanced at a small copy of the
    photo.
    """
    terms = [LayerTerm.read(text) for text in recipe.layers]
    free = _sum(
        [
            (layer(term.name) if term.channel is None else channel(term.name, term.channel)) * term.weight
            for term in terms
        ]
    )
    small = _at_side(photo, USUAL_SIDE // 3, network)
    guide = recipe.source("guide")
    if guide is None or recipe.guide_weight == 0:
        return balanced(free, network, small)
    shown = read_picture(materials(guide), guide.name or "The guide").pixels
    views = [_at_side(shown, side, network) for side in GUIDE_SIDES]
    guided = _sum(
        [towards(term.name, features_of(network, views, term.name)) * term.weight for term in terms]
    )
    if recipe.guide_weight == 1:
        return balanced(guided, network, small)
    return balanced(free * (1 - recipe.guide_weight) + guided * recipe.guide_weight, network, small)


def _sum(objectives: list[Objective]) -> Objective:
    return Objective(tuple(term for objective in objectives for term in objective.terms))


def _at_side(pixels: Pixels, side: int, network: Prepared) -> Tensor:
    """A picture with its longer side scaled to `side`, continued by reflection to what the network takes."""
    small = (
        tensor_of(resize(pixels, *fit_within(pixels.shape[0], pixels.shape[1], side)), network.device)
        .float()
        .div_(255)
    )
    height, width = (taken(side, network) for side in small.shape[-2:])
    return window(small, 0, 0, height, width)


# --- Pixels and tensors


def _picture(base: Tensor, detail: Tensor | None) -> Tensor:
    """What an octave begins with, float32 in 0..1: the photo, uint8, and on it the dream so far (as in
    Google's notebook).
    """
    if detail is None:
        return base.float().div_(255)
    picture = F.interpolate(detail.float(), base.shape[-2:], mode="bicubic", align_corners=False)
    for rows in strips(picture):
        picture[..., rows, :].add_(base[..., rows, :].float().div_(255)).clamp_(0, 1)
    return picture


def _detail(picture: Tensor, base: Tensor) -> Tensor:
    """What the dream has added to the photo, as float16: finer than a 2000th of black to white."""
    detail = torch.empty_like(picture, dtype=torch.float16)
    for rows in strips(picture):
        detail[..., rows, :] = picture[..., rows, :] - base[..., rows, :].float().div_(255)
    return detail


def _laid_over(base: Tensor, picture: Tensor, strength: float) -> Pixels:
    """The dream over the photo at a strength: uint8 [h, w, 3]."""
    laid = torch.empty_like(base)
    for rows in strips(picture):
        laid[..., rows, :] = (
            base[..., rows, :]
            .float()
            .lerp(picture[..., rows, :] * 255, strength)
            .round_()
            .clamp_(0, 255)
            .to(torch.uint8)
        )
    return pixels_of(laid)


__all__ = ["Climb", "Cut", "DreamMeasure", "DreamPreview", "cuts", "dream", "plan_octaves"]
