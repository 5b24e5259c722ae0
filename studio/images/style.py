"""Neural-network art: a photo painted anew until a network finds a painting's textures in it, and still the
photo's shapes.

    for progress in paint(recipe, materials):
        show(progress.preview())

Gatys, Ecker and Bethge, "Image style transfer using convolutional neural networks", CVPR 2016: textures are
compared as Gram matrices (which features occur together), shapes as features place by place. Added here:
painting from coarse to fine, each size beginning with the mean of the last pictures of the one before (after
Crowson's style-transfer-pytorch); each layer's error measured against its target's own size, so that one
network's weights do for another; the painting's colours as one more texture; and, for large pictures, the
exact gradient tile by tile: what a loss asks of the whole picture's Gram matrices is worked out first, then
handed to each tile.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.errors import Refused
from studio.images.canvas import (
    PREVIEW_SIDE,
    Size,
    as_made,
    as_many_threads,
    mask_at_size,
    own_weights,
    photo_at_size,
    pixels_of,
    reflected,
    strips,
    tensor_of,
    window,
)
from studio.images.memory import memory_kept
from studio.images.networks.backbones import DEFAULT, backbone
from studio.images.networks.backbones import layers as layers_of
from studio.images.networks.opening import fetch, open_network
from studio.images.networks.prepared import Prepared
from studio.images.pictures import Pixels, fit_within, read_picture, resize, write_jpeg
from studio.images.recipes import StyleRecipe
from studio.learning.descent import DescentOptions, Slope, descend
from studio.learning.rules import Adam
from studio.works.recipe import ModelIdentity, Source
from studio.works.work import Making, Materials, Progress

TEXTURES = {DEFAULT: ("bn1", "blocks.0", "blocks.1", "blocks.2", "blocks.3", "blocks.4")}
"""The layers whose textures are compared. Of other networks: all in the table of backbones but the last,
which sees things, not strokes.
"""

SHAPES = {DEFAULT: "blocks.2"}
"""The layer whose features are compared place by place. Of other networks: the one nearly half way in."""

SMALLEST = 128
"""Longer side, in pixels, of the first and coarsest picture that is painted."""

GROWTH = 1.5
"""How much larger each size is than the one before, at most."""

RATE, MOMENTA = 0.02, (0.9, 0.99)
"""Adam's step, of black to white, and what it remembers of slopes and of their squares."""

MEAN_OF_LAST = 0.4
"""A size's result is the mean of this part of its steps: Adam never rests, its mean does."""

COLOURS_WEIGHT = 0.3
"""How much the colours themselves count beside each layer's textures."""

FIRST_NOISE = 0.04
"""Spread of the noise on the first picture, of black to white: so that another seed paints another picture.
"""

EDGE = 16
"""What is seen of the picture's reflection beyond its edges, at least, in pixels."""

HALO = 96
"""What a tile sees beyond its own borders, in pixels. Of a step's direction, less than a hundredth is lost by
it (see the tests).
"""

LARGEST_WHOLE = 600_000
"""Pixels of the largest picture that is looked at in one piece."""

TILE = 512
"""Pixels along a side of a tile's own part."""


def paint(recipe: StyleRecipe, materials: Materials) -> Making:
    """Paint the recipe's photo in the style of its paintings, yielding after every step.

    Raises `Refused` (no photo, no painting, weights that do not match the paintings), `Unreadable` (a source
    that is no picture), `Missing` (a source or a network's weights that are not at hand). The same recipe
    gives the same file on the same machine.
    """
    with as_many_threads(recipe), memory_kept():
        return (yield from _paint(recipe, materials))


def _paint(recipe: StyleRecipe, materials: Materials) -> Making:
    photo_source, painting_sources = _sources(recipe)
    photo, alpha, facts = photo_at_size(photo_source, materials, recipe.size)
    paintings = [
        read_picture(materials(source), source.name or "The painting").pixels for source in painting_sources
    ]
    mask = mask_at_size(recipe.source("mask"), materials, photo.shape[0], photo.shape[1], recipe.feather)
    shown, paintings = _coloured(recipe, photo, paintings)
    sizes = plan_sizes(photo.shape[0], photo.shape[1], recipe)
    steps = sum(size.steps for size in sizes)
    for came in fetch(backbone(recipe.backbone)) if recipe.source("weights") is None else ():
        yield Progress(
            0, steps, f"fetching {recipe.backbone}, {came.done / 1e6:.0f} of {came.total / 1e6:.0f} MB"
        )
    network, identity = _network(recipe, materials)
    weights = recipe.style_weights or (1.0,) * len(paintings)
    generator = torch.Generator().manual_seed(recipe.seed)

    losses: list[float] = []
    painted: Tensor | None = None
    for number, size in enumerate(sizes, 1):
        base = tensor_of(resize(shown, size.height, size.width), network.device).float().div_(255)
        wish = _wished(recipe, network, base, paintings, weights)
        started = (
            _started(base, wish, generator)
            if painted is None
            else _enlarged(painted, size.height, size.width)
        )
        picture = started.requires_grad_()
        del base, started
        mean = _MeanOfLast(picture, size.steps)
        adam = Adam(RATE, MOMENTA)
        for step in descend(
            [picture],
            StyleMeasure(picture, network, wish),
            adam,
            steps=size.steps,
            options=DescentOptions(keep_every=0),
        ):
            if step.ending is not None and step.ending.kind == "diverged":
                raise Refused(
                    f"The painting burst ({step.ending.sentence.rstrip('.')}): choose another strength or network."
                )
            losses.append(step.loss)
            mean.take(picture, step.number)
            del step  # it holds a gradient as large as the picture
            preview = StylePreview(mean, photo, mask, recipe.colour)
            yield Progress(
                len(losses),
                steps,
                f"size {number} of {len(sizes)}, {size.width} x {size.height}",
                losses[-1],
                preview,
            )
        painted = mean.picture()
        del adam, mean, wish, picture
    assert painted is not None
    pixels = _finished(painted, photo, mask, recipe.colour)
    return as_made(recipe, identity, network.device, pixels, alpha, losses, facts)


def _sources(recipe: StyleRecipe) -> tuple[Source, list[Source]]:
    photo = recipe.source("photo")
    if photo is None:
        raise Refused("A painting needs a photo: name one.")
    paintings = [source for source in recipe.sources if source.role == "style"]
    if not paintings:
        raise Refused("Whose style shall it be in? Name at least one painting.")
    if recipe.style_weights and len(recipe.style_weights) != len(paintings):
        raise Refused(
            f"There are {len(paintings)} paintings and {len(recipe.style_weights)} weights: give each painting one, or none."
        )
    if recipe.style_weights and not sum(recipe.style_weights) > 0:
        raise Refused("The paintings' weights are all 0: give at least one of them more.")
    return photo, paintings


def plan_sizes(height: int, width: int, recipe: StyleRecipe) -> list[Size]:
    """The sizes a picture of height x width is painted at, coarsest first.

    The coarsest, where shapes are laid out, takes the recipe's steps; the others half as many, and a quarter
    beyond 1024 pixels.
    """
    longer = max(height, width)
    count = max(0, math.ceil(math.log(longer / SMALLEST) / math.log(GROWTH))) if longer > SMALLEST else 0
    sides = [SMALLEST * (longer / SMALLEST) ** (k / count) for k in range(count)] if count else []
    sizes = []
    for place, side in enumerate([*sides, float(longer)]):
        part = 1.0 if place == 0 else 0.5 if side <= 1024 else 0.25
        sizes.append(Size(*fit_within(height, width, round(side)), max(1, round(recipe.steps * part))))
    return sizes


# --- What is wished for


@dataclass(frozen=True)
class Statistics:
    """A picture's textures: for each layer the mean over all places of feature times feature [channels,
    channels], and the same of its colours with a 1 beside them [4, 4], which holds their means too."""

    grams: Mapping[str, Tensor]
    colours: Tensor


@dataclass(frozen=True)
class StyleTarget:
    """What a painted picture is compared with. shapes: features of the photo over the whole field;
    shapes_weight: how much they count.

    smooth: how much differences between neighbouring pixels count against the picture (total variation).
    """

    textures: Statistics
    shapes_layer: str
    shapes: Tensor
    shapes_weight: float
    smooth: float

    def of_textures(self, found: Statistics) -> Tensor:
        """The sum over layers of the squared error of the Gram matrix, each measured against its target's own
        mean square.
        """
        errors = [_relative(found.grams[layer], target) for layer, target in self.textures.grams.items()]
        return torch.stack([*errors, COLOURS_WEIGHT * _relative(found.colours, self.textures.colours)]).sum()


def _relative(found: Tensor, target: Tensor) -> Tensor:
    return (found - target).square().mean() / target.square().mean().clamp_min(1e-12)


def _wished(
    recipe: StyleRecipe,
    network: Prepared,
    base: Tensor,
    paintings: Sequence[Pixels],
    weights: Sequence[float],
) -> StyleTarget:
    textures = _mixed(
        [_of_painting(recipe, network, painting, base.shape[-2:]) for painting in paintings], weights
    )
    layer = shapes_layer(recipe.backbone)
    field = Field.of(base, network)
    shapes: Tensor | None = None
    with torch.no_grad():
        for tile in field.tiles():
            seen = tile.core_of(network(field.window(base, tile))[layer])
            if shapes is None:
                shapes = seen.new_empty(
                    1,
                    seen.shape[1],
                    field.height // field.step(seen, tile),
                    field.width // field.step(seen, tile),
                )
            shapes[tile.places(field.step(seen, tile))] = seen
    assert shapes is not None
    # At half strength a photo's shapes weigh a third of one layer's textures; a quarter more or less is a
    # factor of three.
    return StyleTarget(textures, layer, shapes, 0.3 * 100 ** (0.5 - recipe.strength), recipe.smoothness)


def _of_painting(recipe: StyleRecipe, network: Prepared, painting: Pixels, size: Sequence[int]) -> Statistics:
    """The textures of a painting as large as the picture that is painted, times the recipe's `style_scale`."""
    side = max(48, round(max(size) * recipe.style_scale))
    pixels = resize(painting, *fit_within(painting.shape[0], painting.shape[1], side))
    shown = tensor_of(pixels, network.device).float().div_(255)
    with torch.no_grad():
        return _statistics(shown, network, Field.of(shown, network), texture_layers(recipe.backbone))


def _mixed(all_of: Sequence[Statistics], weights: Sequence[float]) -> Statistics:
    shares = [weight / sum(weights) for weight in weights]
    grams = {
        layer: torch.stack(
            [share * each.grams[layer] for share, each in zip(shares, all_of, strict=True)]
        ).sum(0)
        for layer in all_of[0].grams
    }
    return Statistics(
        grams, torch.stack([share * each.colours for share, each in zip(shares, all_of, strict=True)]).sum(0)
    )


def texture_layers(name: str) -> tuple[str, ...]:
    """The layers of a backbone whose textures are compared. Raises `UnknownName`."""
    known = layers_of(name)
    return TEXTURES.get(name) or tuple(layer.name for layer in known[: max(1, len(known) - 1)])


def shapes_layer(name: str) -> str:
    """The layer of a backbone whose features are compared place by place. Raises `UnknownName`."""
    known = layers_of(name)
    return SHAPES.get(name) or known[round(0.45 * (len(known) - 1))].name


# --- How a picture is looked at


class StyleMeasure:
    """Measures how far the picture is from the wish, and which way it gets nearer: the `measure` of a
    painting.

    A large picture is looked at twice: once to see its textures as a whole, and what the loss asks of them;
    then tile by tile with gradients, each tile doing its part of that. Since textures are sums over places,
    this is the gradient of the whole, at the memory of one tile.
    """

    def __init__(self, picture: Tensor, network: Prepared, wish: StyleTarget) -> None:
        self.picture, self.network, self.wish = picture, network, wish
        self.field = Field.of(picture, network)

    def __call__(self) -> Slope:
        picture, wish, field = self.picture.detach(), self.wish, self.field
        layers = tuple(wish.textures.grams)
        with torch.no_grad():
            found = _statistics(picture, self.network, field, layers) if not field.whole else None
        gradient = torch.zeros_like(picture)
        loss = 0.0
        asked = None
        if found is not None:
            loss, asked = _asked_of(found, wish)
        for tile in field.tiles():
            window = field.window(picture, tile).requires_grad_()
            seen = self.network(window)
            if asked is None:
                value = wish.of_textures(_part(window, seen, field, tile, layers))
            else:
                part = _part(window, seen, field, tile, layers)
                value = torch.stack(
                    [(asked.grams[layer] * part.grams[layer]).sum() for layer in layers]
                ).sum()
                value = value + (asked.colours * part.colours).sum()
            shapes = tile.core_of(seen[wish.shapes_layer])
            target = wish.shapes[tile.places(field.step(shapes, tile))]
            likeness = (
                (shapes - target).square().sum()
                / wish.shapes.numel()
                / wish.shapes.square().mean().clamp_min(1e-12)
            )
            (slope,) = torch.autograd.grad(value + wish.shapes_weight * likeness, window)
            field.add_window(gradient, slope, tile)
            loss += wish.shapes_weight * likeness.item() + (value.item() if asked is None else 0.0)
        return Slope(loss + _smoothed(picture, gradient, wish.smooth), [gradient])


def _asked_of(found: Statistics, wish: StyleTarget) -> tuple[float, Statistics]:
    """The loss of a picture's textures, and its gradient with respect to them."""
    grams = {layer: gram.detach().requires_grad_() for layer, gram in found.grams.items()}
    colours = found.colours.detach().requires_grad_()
    value = wish.of_textures(Statistics(grams, colours))
    *slopes, colour_slope = torch.autograd.grad(value, [*grams.values(), colours])
    return value.item(), Statistics(dict(zip(grams, slopes, strict=True)), colour_slope)


def _smoothed(picture: Tensor, gradient: Tensor, weight: float) -> float:
    """The squared differences between neighbours, a mean each way, by their closed form; their slope is added
    to `gradient`.
    """
    if weight == 0:
        return 0.0
    loss = 0.0
    for axis in (2, 3):
        length = picture.shape[axis] - 1
        if length < 1:
            continue
        apart = picture.narrow(axis, 1, length) - picture.narrow(axis, 0, length)
        loss += weight * float(apart.square().mean())
        apart *= 2 * weight / apart.numel()
        gradient.narrow(axis, 1, length).add_(apart)
        gradient.narrow(axis, 0, length).sub_(apart)
    return loss


def _statistics(picture: Tensor, network: Prepared, field: Field, layers: Sequence[str]) -> Statistics:
    """The textures of a whole picture [1, 3, h, w], window by window."""
    grams: dict[str, Tensor] = {}
    colours: Tensor | None = None
    for tile in field.tiles():
        window = field.window(picture, tile)
        part = _part(window, network(window), field, tile, layers)
        colours = part.colours if colours is None else colours + part.colours
        for layer in layers:
            grams[layer] = part.grams[layer] if layer not in grams else grams[layer] + part.grams[layer]
    assert colours is not None
    return Statistics(grams, colours)


def _part(
    window: Tensor, seen: Mapping[str, Tensor], field: Field, tile: Tile, layers: Sequence[str]
) -> Statistics:
    """A tile's part of the whole field's textures: all tiles' parts add up to it."""
    grams = {layer: _gram(tile.core_of(seen[layer]), field, tile) for layer in layers}
    colours = tile.core_of(window)
    return Statistics(grams, _gram(torch.cat([colours, torch.ones_like(colours[:, :1])], dim=1), field, tile))


def _gram(features: Tensor, field: Field, tile: Tile) -> Tensor:
    step = field.step(features, tile)
    flat = features.flatten(2)[0]
    return flat @ flat.T / (field.height * field.width / step**2)


@dataclass(frozen=True)
class Tile:
    """A part of the field: `top`, `left`, `height` and `width` of its core, and of the window that is looked
    at around it, in pixels.
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
        """Of what is seen in the window at any layer, [n, c, ...], what lies in the core."""
        step = self.window_height // features.shape[-2]
        top, left = (self.top - self.window_top) // step, (self.left - self.window_left) // step
        return features[..., top : top + self.height // step, left : left + self.width // step]

    def places(self, step: int) -> tuple[slice, slice, slice, slice]:
        """Where the core lies among places `step` pixels apart."""
        rows = slice(self.top // step, (self.top + self.height) // step)
        columns = slice(self.left // step, (self.left + self.width) // step)
        return slice(None), slice(None), rows, columns


@dataclass(frozen=True)
class Field:
    """The picture with its reflection around it, so large that the network takes it evenly: `height` x
    `width`, which begins `above` and `beside` the picture's own first row and column."""

    height: int
    width: int
    above: int
    beside: int
    rows: Tensor
    columns: Tensor
    stride: int
    whole: bool

    @classmethod
    def of(cls, picture: Tensor, network: Prepared) -> Field:
        high, wide = picture.shape[-2:]
        stride = network.stride
        height, width = (
            -(-max(side + 2 * EDGE, network.smallest) // stride) * stride for side in (high, wide)
        )
        above, beside = (height - high) // 2, (width - wide) // 2
        rows, columns = reflected(-above, height, high), reflected(-beside, width, wide)
        return cls(height, width, above, beside, rows, columns, stride, height * width <= LARGEST_WHOLE)

    def tiles(self) -> Iterator[Tile]:
        """The parts it is looked at in, one after the other."""
        if self.whole:
            yield Tile(0, 0, self.height, self.width, 0, 0, self.height, self.width)
            return
        core = max(self.stride, TILE // self.stride * self.stride)
        halo = -(-HALO // self.stride) * self.stride
        for top in range(0, self.height, core):
            for left in range(0, self.width, core):
                high, wide = min(core, self.height - top), min(core, self.width - left)
                first_row, first_column = max(0, top - halo), max(0, left - halo)
                last_row, last_column = (
                    min(self.height, top + high + halo),
                    min(self.width, left + wide + halo),
                )
                yield Tile(
                    top,
                    left,
                    high,
                    wide,
                    first_row,
                    first_column,
                    last_row - first_row,
                    last_column - first_column,
                )

    def window(self, picture: Tensor, tile: Tile) -> Tensor:
        """What is seen of the picture in the tile's window."""
        return window(
            picture,
            tile.window_top - self.above,
            tile.window_left - self.beside,
            tile.window_height,
            tile.window_width,
        )

    def add_window(self, gradient: Tensor, slope: Tensor, tile: Tile) -> None:
        """Add the slope of a window's pixels to that of the picture's, reflected ones to those they reflect."""
        rows = self.rows[tile.window_top : tile.window_top + tile.window_height]
        columns = self.columns[tile.window_left : tile.window_left + tile.window_width]
        across = slope.new_zeros(*slope.shape[:-1], gradient.shape[-1]).index_add_(
            3, columns.to(slope.device), slope
        )
        gradient.index_add_(2, rows.to(slope.device), across)

    def step(self, core: Tensor, tile: Tile) -> int:
        """Pixels between neighbouring places of features seen in a tile's core."""
        return tile.height // core.shape[-2]


# --- Pictures on the way


class _MeanOfLast:
    """Keeps the picture within black and white, and the mean of the last part of its steps."""

    def __init__(self, picture: Tensor, steps: int) -> None:
        self.first = steps - max(1, round(MEAN_OF_LAST * steps)) + 1
        self.taken = 0
        self.now = picture.detach()
        self.mean: Tensor | None = None

    @torch.no_grad()
    def take(self, picture: Tensor, number: int) -> None:
        picture.clamp_(0, 1)
        if number < self.first:
            return
        self.taken += 1
        if self.mean is None:
            self.mean = picture.detach().clone()
        else:
            self.mean.lerp_(picture, 1 / self.taken)

    def picture(self) -> Tensor:
        """The mean so far; before the last part begins, the picture as it stands."""
        return self.now if self.mean is None else self.mean


def _started(base: Tensor, wish: StyleTarget, generator: torch.Generator) -> Tensor:
    """The first picture: the photo with its colours moved to those of the paintings, which single steps are
    slow to do, and some noise.
    """
    photo, moments = base.flatten(2)[0].double().cpu(), wish.textures.colours.double().cpu()
    mean = moments[:3, 3]
    move = _root(moments[:3, :3] - torch.outer(mean, mean)) @ torch.linalg.inv(
        _root(torch.cov(photo, correction=0))
    )
    moved = move @ (photo - photo.mean(dim=1, keepdim=True)) + mean[:, None]
    noise = torch.randn(base.shape, generator=generator)
    started: Tensor = (moved.float().view(base.shape) + FIRST_NOISE * noise).clamp_(0, 1)
    return started.to(base.device)


def _enlarged(painted: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(painted, (height, width), mode="bicubic", align_corners=False).clamp_(0, 1)


@dataclass(frozen=True)
class StylePreview:
    """JPEG of a painting as it stands, until the next step."""

    mean: _MeanOfLast
    photo: Pixels
    mask: Pixels | None
    colour: str

    def __call__(self) -> bytes:
        picture = self.mean.picture()
        factor = max(picture.shape[-2:]) // PREVIEW_SIDE
        if factor > 1:
            picture = F.avg_pool2d(picture, factor)
        height, width = picture.shape[-2:]
        mask = None if self.mask is None else resize(self.mask, height, width)
        return write_jpeg(
            _finished(picture, resize(self.photo, height, width), mask, self.colour),
            longest_side=PREVIEW_SIDE,
        )


def _finished(painted: Tensor, photo: Pixels, mask: Pixels | None, colour: str) -> Pixels:
    """The painting as uint8 [h, w, 3]: with the photo's colours where only light and dark were painted, over
    the photo where masked.
    """
    laid = torch.empty_like(painted, dtype=torch.uint8)
    for rows in strips(painted):
        laid[..., rows, :] = painted[..., rows, :].mul(255).round_().clamp_(0, 255).to(torch.uint8)
    pixels = pixels_of(laid)
    for rows in strips(painted):
        if colour == "luminance":
            light = pixels[rows].astype(np.float32).mean(axis=2, keepdims=True)
            own = photo[rows].astype(np.float32)
            pixels[rows] = np.clip(own + (light - own @ LUMA[:, None]), 0, 255).round()
        if mask is not None:
            share = mask[rows, :, None].astype(np.float32) / 255
            pixels[rows] = (photo[rows] * (1 - share) + pixels[rows] * share).round()
    return pixels


LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""How bright red, green and blue are (Rec. 601): the Y of JPEG's YCbCr, whose Cb and Cr stay the photo's."""


def _coloured(recipe: StyleRecipe, photo: Pixels, paintings: Sequence[Pixels]) -> tuple[Pixels, list[Pixels]]:
    """The photo and the paintings as they are compared, by the recipe's `colour` (Gatys et al., "Preserving
    color in neural artistic style transfer", 2016): as they are; the paintings in the photo's colours; or
    both in light and dark, the paintings as bright as the photo."""
    match recipe.colour:
        case "content":
            return photo, [_in_colours_of(painting, photo) for painting in paintings]
        case "luminance":
            light = _light(photo)
            return _grey(light), [_grey(_as_bright(_light(painting), light)) for painting in paintings]
        case _:
            return photo, list(paintings)


def _in_colours_of(painting: Pixels, photo: Pixels) -> Pixels:
    """The painting's pixels moved so that their mean and covariance are the photo's (section 5.2 there, by
    symmetric square roots).
    """
    given, wanted = (
        torch.from_numpy(pixels.reshape(-1, 3).astype(np.float64) / 255).T for pixels in (painting, photo)
    )
    move = _root(torch.cov(wanted)) @ torch.linalg.inv(_root(torch.cov(given)))
    moved = move @ (given - given.mean(dim=1, keepdim=True)) + wanted.mean(dim=1, keepdim=True)
    return np.asarray(moved.mul(255).clamp(0, 255).round().to(torch.uint8).T.reshape(painting.shape).numpy())


def _root(covariance: Tensor) -> Tensor:
    """The symmetric square root of a covariance [3, 3], whose smallest axes are not taken for nothing."""
    values, axes = torch.linalg.eigh(covariance)
    root: Tensor = (axes * values.clamp_min(1e-5).sqrt()) @ axes.T
    return root


def _light(pixels: Pixels) -> np.ndarray:
    return np.asarray(pixels.astype(np.float32) @ LUMA)


def _as_bright(light: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return np.asarray((light - light.mean()) * (wanted.std() / max(float(light.std()), 1e-3)) + wanted.mean())


def _grey(light: np.ndarray) -> Pixels:
    pixels: Pixels = np.repeat(np.clip(light, 0, 255).round().astype(np.uint8)[..., None], 3, axis=2)
    return pixels


def _network(recipe: StyleRecipe, materials: Materials) -> tuple[Prepared, ModelIdentity]:
    names = tuple(dict.fromkeys([*texture_layers(recipe.backbone), shapes_layer(recipe.backbone)]))
    return open_network(recipe.backbone, names, own_weights(recipe, materials))
