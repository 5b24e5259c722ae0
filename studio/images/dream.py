"""Deep dream: gradient ascent on a photo's pixels, from coarse to fine, so that what a network sees in it grows stronger.

    for progress in dream(recipe, materials):
        show(progress.preview())

Mordvintsev, Olah and Tyka, "Inceptionism: Going Deeper into Neural Networks", 2015. Added here: steps made of several scales at
once, whose fine scales carry less colour; a pull back to the photo that keeps colours from burning out; borders continued by
reflection; tiles whose borders wander.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.errors import Refused
from studio.images.backbones import backbone
from studio.images.networks import OwnWeights, fetch, open_network
from studio.images.objectives import Objective, balanced, channel, features_of, layer, towards
from studio.images.pictures import Picture, Pixels, fit_within, read_picture, resize, write_jpeg, write_png
from studio.images.prepared import GRANULE, Prepared
from studio.images.recipes import DreamRecipe, LayerTerm
from studio.learning.descent import Slope, descend
from studio.setting import setting
from studio.works.metadata import embed
from studio.works.recipe import ModelIdentity
from studio.works.work import Made, Making, Materials, Progress

USUAL_SIDE = 768
"""The longer side that a recipe's number of octaves is meant for."""

SMALLEST_OCTAVE = 64
"""No octave's shorter side is smaller, in pixels: networks see little in less."""

SCALES = 4
"""A step is made of the gradient at this many scales: 1, 2, 4 and 8 pixels."""

HALO = 32
"""What a tile sees beyond its own borders, in pixels: where it would otherwise see its neighbour end."""

EDGE = 8
"""What is seen of the picture's reflection beyond its edges, at least: the zeros that networks pad with leave a frame there."""

GUIDE_SIDES = (192, 320)
"""A guide is looked at in these sizes (longer side), so that small and large things of it can be followed."""

PREVIEW_SIDE, THUMBNAIL_SIDE = 768, 512
MOST_THREADS = 256


def dream(recipe: DreamRecipe, materials: Materials) -> Making:
    """Dream on the recipe's photo, yielding after every step.

    Raises `Refused` (no photo, an unknown layer or channel, a picture without extent), `Unreadable` (a source that is no picture, corrupt
    weights), `Missing` (a source or weights that are not at hand). The same recipe gives the same file on the same machine; a recipe that
    records its setting is made with as many threads as then, since their number shows in the last digits, and dreams make much of those.
    """
    with _as_many_threads(recipe):
        return (yield from _dream(recipe, materials))


def _dream(recipe: DreamRecipe, materials: Materials) -> Making:
    photo, alpha, facts = _photo(recipe, materials)
    octaves = plan_octaves(photo.shape[0], photo.shape[1], recipe)
    total = sum(octave.steps for octave in octaves)
    for came in fetch(backbone(recipe.backbone)) if recipe.source("weights") is None else ():
        yield Progress(0, total, f"fetching {recipe.backbone}, {came.done / 1e6:.0f} of {came.total / 1e6:.0f} MB")
    network, identity = _network(recipe, materials)
    objective = _objective(recipe, materials, network, photo)
    mask = _mask(recipe, materials, photo)
    dice = torch.Generator().manual_seed(recipe.seed)

    losses: list[float] = []
    detail: Tensor | None = None
    for number, octave in enumerate(octaves, 1):
        base = _tensor(resize(photo, octave.height, octave.width), network.device)
        picture = base if detail is None else base + _enlarged(detail, octave).to(base)
        picture = picture.clone() if picture is base else picture.clamp_(0, 1)
        measure = Look(picture, network, objective, dice, jitter=recipe.jitter, tile=recipe.tile)
        climb = Climb(recipe, base, None if mask is None else _tensor(resize(mask, octave.height, octave.width)[..., None], network.device))
        for step in descend([picture], measure, climb, steps=octave.steps, raising=True, keep_every=0):
            if step.ending is not None and step.ending.kind == "diverged":
                raise Refused(f"The dream burst ({step.ending.sentence.rstrip('.')}): choose other layers or a smaller step size.")
            losses.append(step.loss)
            yield Progress(len(losses), total, f"octave {number} of {len(octaves)}", step.loss, Preview(picture, base, recipe.strength))
        detail = (picture.sub_(base)).to(torch.float16)
        del measure, climb, picture, step
    assert detail is not None
    return _made(recipe, identity, network, base, detail, alpha, losses, facts)


@contextmanager
def _as_many_threads(recipe: DreamRecipe) -> Iterator[None]:
    """Threads as recorded in the recipe, where they are; put back as they were afterwards."""
    found = torch.get_num_threads()
    recorded = recipe.setting.versions.get("threads", "") if recipe.setting else ""
    if recorded.isdecimal() and 1 <= int(recorded) <= MOST_THREADS:
        torch.set_num_threads(int(recorded))
    try:
        yield
    finally:
        torch.set_num_threads(found)


@dataclass(frozen=True)
class Octave:
    """One size the picture is dreamt at, in pixels, and how many steps are taken there."""

    height: int
    width: int
    steps: int


def plan_octaves(height: int, width: int, recipe: DreamRecipe) -> list[Octave]:
    """The sizes a dream of height x width goes through, coarsest first.

    The recipe's octaves are meant for 768 px; a larger picture gets as many more, a smaller one as many fewer, as keep the coarsest one's
    size, and with it the largest shapes. None is smaller than the network can use, and there is at least one.
    """
    more = math.log(max(height, width) / USUAL_SIDE) / math.log(recipe.octave_scale)
    count = max(1, recipe.octaves + round(more))
    factors = [recipe.octave_scale**-k for k in range(count)]
    factors = [factor for factor in factors if factor == 1 or min(height, width) * factor >= SMALLEST_OCTAVE]
    octaves = []
    for k, factor in enumerate(factors):
        lean = 2 * k / (len(factors) - 1) - 1 if len(factors) > 1 else 0.0  # -1 finest … 1 coarsest
        steps = max(1, round(recipe.steps * (1 + recipe.coarse_first * lean)))
        octaves.append(Octave(max(1, round(height * factor)), max(1, round(width * factor)), steps))
    return octaves[::-1]


class Look:
    """Measures how strong the objective is in the picture as it stands, and which way it grows: the `measure` of a dream.

    Small pictures are looked at whole, shifted at random under the network's grid; large ones in tiles whose borders wander from step to
    step, each with a halo of its surroundings. Beyond its edges a picture goes on as its own reflection.
    """

    def __init__(self, picture: Tensor, network: Prepared, objective: Objective, dice: torch.Generator, *, jitter: int, tile: int) -> None:
        self.picture, self.network, self.objective, self.dice = picture, network, objective, dice
        self.jitter, self.tile = jitter, tile
        self.gradient = torch.empty_like(picture)

    def __call__(self) -> Slope:
        height, width = self.picture.shape[-2:]
        loss = 0.0
        rows, columns = (list(cuts(size, self.tile, self.jitter, self.network.smallest, self.dice)) for size in (height, width))
        for row in rows:
            for column in columns:
                share = row.core * column.core / (height * width)
                seen = self._piece(row, column).requires_grad_()
                value = self.objective(self.network(seen))
                (slope,) = torch.autograd.grad(value, seen)
                loss += share * value.item()
                # The objective is a mean over the window: undo that, so that places weigh the same whatever their window's size.
                slope *= row.length * column.length / (height * width)
                self.gradient[..., row.start : row.start + row.core, column.start : column.start + column.core] = slope[
                    ..., row.before : row.before + row.core, column.before : column.before + column.core
                ]
        return Slope(loss, [self.gradient])

    def _piece(self, row: Cut, column: Cut) -> Tensor:
        """The picture from `before` its core on, `length` long, in both directions."""
        rows, columns = (
            _reflected(cut.start - cut.before, cut.length, size).to(self.picture.device)
            for cut, size in zip((row, column), self.picture.shape[-2:], strict=True)
        )
        return self.picture.index_select(2, rows).index_select(3, columns)


@dataclass(frozen=True)
class Cut:
    """A stretch of a side of the picture: `core` pixels from `start`, looked at within a window of `length` that begins `before` it."""

    start: int
    core: int
    before: int
    length: int


def cuts(size: int, tile: int, jitter: int, smallest: int, dice: torch.Generator) -> Iterator[Cut]:
    """Cut a side of `size` pixels into stretches of about `tile`, whose borders fall elsewhere at every call."""
    count = max(1, math.ceil(size / (tile * 1.25)))
    shift = (float(torch.rand((), generator=dice)) - 0.5) / 2
    borders = [0, *(round((number + shift) * size / count) for number in range(1, count)), size]
    for start, end in pairwise(borders):
        core = end - start
        before = EDGE + int(torch.randint(jitter + 1, (), generator=dice)) if count == 1 else HALO
        length = core + (jitter + 2 * EDGE if count == 1 else 2 * HALO)
        yield Cut(start, core, before, max(-(-length // GRANULE) * GRANULE, smallest))


def _reflected(start: int, length: int, size: int) -> Tensor:
    """Indices start, start + 1, … into a row of `size`, those beyond its ends reflected, as often as needed."""
    period = max(1, 2 * size - 2)
    places = torch.arange(start, start + length).remainder(period)
    return torch.where(places < size, places, period - places)


class Climb:
    """Moves the picture up the gradient by `step_size` per pixel on average, whatever the gradient's size: the update rule of a dream.

    The gradient is taken apart into scales, each of which has its size set to 1, so that broad shapes grow as well as fine detail (compare
    the Laplacian pyramid of TensorFlow's notebook, 2016), with less colour in the finest, and put together again.
    """

    def __init__(self, recipe: DreamRecipe, base: Tensor, mask: Tensor | None) -> None:
        self.rate, self.hold = recipe.step_size, recipe.hold
        self.base, self.mask = base, mask
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
            picture.add_(direction, alpha=-self.rate * rate)  # `descend` hands the slope downwards
            if self.hold:
                picture.lerp_(self.base, self.hold)
            if self.keep_colours:
                # Red, green and blue move together, and only as far as the first of them can.
                grey = (picture - self.base).mean(dim=1, keepdim=True)
                darkest, lightest = self.base.amin(dim=1, keepdim=True), self.base.amax(dim=1, keepdim=True)
                torch.add(self.base, torch.clamp(grey, min=-darkest, max=1 - lightest), out=picture)
            picture.clamp_(0, 1)

    def _blended(self, gradient: Tensor) -> Tensor:
        scales = [gradient]
        while len(scales) < SCALES and min(scales[-1].shape[-2:]) > 2:
            scales.append(F.avg_pool2d(scales[-1], 2, ceil_mode=True, count_include_pad=False))
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


def _root_mean_square(values: Tensor) -> float:
    """Row by row, so that no copy is made and 37 million small numbers do not drown in their sum."""
    rows = torch.linalg.vector_norm(values, dim=(1, 3)).double()
    return math.sqrt(float(rows.square().sum()) / values.numel()) + 1e-20


def _mean_size(values: Tensor, mask: Tensor | None) -> float:
    """Mean of |values| where the mask is light, so that a step means the same however little is to be dreamt on."""
    share = 1.0 if mask is None else float(mask.mean())
    rows = torch.linalg.vector_norm(values, ord=1, dim=(1, 3)).double()
    return float(rows.sum()) / (values.numel() * max(share, 1e-6)) + 1e-20


@dataclass(frozen=True)
class Preview:
    """JPEG of a dream as it stands, until the next step."""

    picture: Tensor
    base: Tensor
    strength: float

    def __call__(self) -> bytes:
        return write_jpeg(_pixels(self.base.lerp(self.picture, self.strength)), longest_side=PREVIEW_SIDE)


def _photo(recipe: DreamRecipe, materials: Materials) -> tuple[Pixels, Pixels | None, dict[str, str]]:
    """The photo at the result's size, its alpha, and what is worth telling about how it was read."""
    source = recipe.source("photo")
    if source is None:
        raise Refused("A dream needs a photo: name one.")
    picture = read_picture(materials(source), source.name or "The photo")
    height, width = picture.pixels.shape[:2]
    if recipe.size is not None:
        height, width = fit_within(height, width, recipe.size)
    if min(height, width) < 8:
        raise Refused(f"The photo would be {width} x {height} pixels; a dream needs at least 8 on its shorter side.")
    alpha = None if picture.alpha is None else resize(picture.alpha, height, width)
    facts = {"photo": " ".join(picture.notes)} if picture.notes else {}
    return resize(picture.pixels, height, width), alpha, facts


def _network(recipe: DreamRecipe, materials: Materials) -> tuple[Prepared, ModelIdentity]:
    names = tuple(sorted({LayerTerm.read(text).name for text in recipe.layers}))
    weights = recipe.source("weights")
    own = None if weights is None else OwnWeights(materials(weights), weights.sha256)
    return open_network(recipe.backbone, names, own)


def _objective(recipe: DreamRecipe, materials: Materials, network: Prepared, photo: Pixels) -> Objective:
    """The recipe's layers, freely and towards the guide where there is one, balanced at a small copy of the photo."""
    terms = [LayerTerm.read(text) for text in recipe.layers]
    free = _sum([(layer(term.name) if term.channel is None else channel(term.name, term.channel)) * term.weight for term in terms])
    small = _at_side(photo, USUAL_SIDE // 3, network)
    guide = recipe.source("guide")
    if guide is None or recipe.guide_weight == 0:
        return balanced(free, network, small)
    shown = read_picture(materials(guide), guide.name or "The guide").pixels
    views = [_at_side(shown, side, network) for side in GUIDE_SIDES]
    guided = _sum([towards(term.name, features_of(network, views, term.name)) * term.weight for term in terms])
    if recipe.guide_weight == 1:
        return balanced(guided, network, small)
    return balanced(free * (1 - recipe.guide_weight) + guided * recipe.guide_weight, network, small)


def _sum(objectives: list[Objective]) -> Objective:
    return Objective(tuple(term for objective in objectives for term in objective.terms))


def _at_side(pixels: Pixels, side: int, network: Prepared) -> Tensor:
    """A picture with its longer side scaled to `side`, continued by reflection to what the network takes."""
    small = _tensor(resize(pixels, *fit_within(pixels.shape[0], pixels.shape[1], side)), network.device)
    rows, columns = (
        _reflected(0, max(-(-size // GRANULE) * GRANULE, network.smallest), size).to(network.device) for size in small.shape[-2:]
    )
    return small.index_select(2, rows).index_select(3, columns)


def _mask(recipe: DreamRecipe, materials: Materials, photo: Pixels) -> Pixels | None:
    """The mask at the result's size, uint8 [h, w], its edges feathered; None where everything is dreamt on."""
    source = recipe.source("mask")
    if source is None:
        return None
    from PIL import Image, ImageFilter

    height, width = photo.shape[:2]
    painted: Picture = read_picture(materials(source), source.name or "The mask")
    light = np.asarray(Image.fromarray(painted.pixels).convert("L"))
    if painted.alpha is not None:
        light = (light.astype(np.uint16) * painted.alpha // 255).astype(np.uint8)
    light = resize(light, height, width)
    if not light.any():
        raise Refused("The mask is black all over, so there is nowhere to dream: paint light where the dream shall be.")
    radius = recipe.feather / 100 * max(height, width) / 2
    return np.asarray(Image.fromarray(light).filter(ImageFilter.GaussianBlur(radius)))


def _made(
    recipe: DreamRecipe,
    identity: ModelIdentity,
    network: Prepared,
    base: Tensor,
    detail: Tensor,
    alpha: Pixels | None,
    losses: list[float],
    facts: dict[str, str],
) -> Made:
    pixels = _pixels(base.add_(detail.to(base), alpha=recipe.strength))
    made_on = setting(network.device.type, "torch", "torchvision", "timm", "numpy", "pillow", threads=str(torch.get_num_threads()))
    complete = recipe.model_copy(update={"model": identity, "setting": made_on})
    height, width = pixels.shape[:2]
    return Made(
        recipe=complete,
        content=embed(write_png(pixels, alpha), ".png", complete),
        suffix=".png",
        media_type="image/png",
        thumbnail=write_jpeg(pixels, longest_side=THUMBNAIL_SIDE),
        losses=tuple(losses),
        facts={"size": f"{width} x {height}", "steps": str(len(losses))} | facts,
    )


def _tensor(pixels: Pixels, device: torch.device) -> Tensor:
    """uint8 [h, w, c] -> float32 [1, c, h, w] in 0..1, channels side by side in memory."""
    return torch.from_numpy(pixels.copy()).to(device).permute(2, 0, 1)[None].float().div_(255)


def _pixels(picture: Tensor) -> Pixels:
    """float [1, 3, h, w] -> uint8 [h, w, 3]."""
    scaled = (picture.detach() * 255).round_().clamp_(0, 255)
    return scaled[0].permute(1, 2, 0).to("cpu", torch.uint8).numpy()


def _enlarged(detail: Tensor, octave: Octave) -> Tensor:
    """The dream so far at the next octave's size (Google's notebook: detail is carried over, the photo stays sharp)."""
    return F.interpolate(detail.float(), (octave.height, octave.width), mode="bicubic", align_corners=False)


__all__ = ["Climb", "Cut", "Look", "Octave", "cuts", "dream", "plan_octaves"]
