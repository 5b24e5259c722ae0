"""What a painting in a style aims for, and how far a picture is from it: textures as Gram matrices, shapes as
features place by place.

    target = StyleTarget(textures, "blocks.2", shapes, shapes_weight=0.3, smoothness=2.0)
    measure = StyleMeasure(picture, network, target)

Gatys, Ecker and Bethge, "Image style transfer using convolutional neural networks", CVPR 2016. The error of
each layer is divided by its target's own size here, so that one network's weights suit another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from studio.images.broad import BroadShapes
from studio.images.networks.prepared import Prepared
from studio.images.tiles import Field, Tile
from studio.images.transport import Cloud, distance
from studio.learning.descent import Slope

COLOURS_WEIGHT = 0.3
"""Weight of the colours, relative to the textures of one layer."""


@dataclass(frozen=True)
class Statistics:
    """The textures of a picture.

    grams: for each layer the Gram matrix [channels, channels], the mean over all places of feature times
    feature; with a row and a column more where the features' means are wanted too. colours: the same of
    red, green, blue and a constant 1, [4, 4], which thus holds the mean colour too.
    """

    grams: Mapping[str, Tensor]
    colours: Tensor


class FieldAreas:
    """The regions of a field: their shares [1, k, height, width] in 0..1, and how large each is, as a share
    of the field.

    Gatys et al., "Controlling perceptual factors in neural style transfer", CVPR 2017, section 4: every
    region has textures of its own, which its places give by their shares.
    """

    def __init__(self, shares: Tensor) -> None:
        self.sizes: list[float] = shares.mean(dim=(0, 2, 3)).tolist()
        self._by_step = {1: shares}

    def at(self, step: int) -> Tensor:
        """The shares of places `step` pixels apart."""
        if step not in self._by_step:
            self._by_step[step] = torch.nn.functional.avg_pool2d(self._by_step[1], step)
        return self._by_step[step]


@dataclass(frozen=True)
class StyleTarget:
    """What a picture is compared with.

    textures: of the paintings, one for the whole picture, or one for each of its `areas`. shapes: features of
    the photo at `shapes_layer` over the whole field, weighted by `shapes_weight`, and by `held` [1, 1, h, w]
    at every place where there is one. smoothness: weight of the differences between neighbouring pixels
    (total variation). quick: the gradient takes less time, and is rounded otherwise than up to version 0.6.0.
    transport: for each of the textures, what their features are compared with by `transport.distance`, by
    layer; None where Gram matrices are compared. weights: published ones of the layers, which then take the
    place of the studio's. broad: the photo's broad shapes, where they are held.
    """

    textures: tuple[Statistics, ...]
    shapes_layer: str
    shapes: Tensor
    shapes_weight: float
    smoothness: float
    areas: FieldAreas | None = None
    held: Tensor | None = None
    quick: bool = False
    transport: tuple[Mapping[str, Cloud], ...] | None = None
    weights: Mapping[str, float] | None = None
    broad: BroadShapes | None = None

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers whose textures are compared."""
        return tuple(self.textures[0].grams)

    def texture_error(self, found: Sequence[Statistics]) -> Tensor:
        """The sum over layers, and the colours, of the Gram matrix's mean squared error, each divided by its
        target's mean square. A region counts by its size, so that each place pulls as strongly.
        """
        errors = []
        for place, (seen, target) in enumerate(zip(found, self.textures, strict=True)):
            if self.transport is not None:
                grams = list(self._apart(seen, self.transport[place]))
            else:
                grams = [relative_error(seen.grams[layer], gram) for layer, gram in target.grams.items()]
            colours = (COLOURS_WEIGHT if self.weights is None else 0.0) * relative_error(
                seen.colours, target.colours
            )
            error = torch.stack([*grams, colours]).sum()
            errors.append(error if self.areas is None else error * self.areas.sizes[place])
        return errors[0] if len(errors) == 1 else torch.stack(errors).sum()

    def _apart(self, seen: Statistics, wanted: Mapping[str, Cloud]) -> Iterator[Tensor]:
        """Each layer's distance: by the studio's weights as a share of its features' size, by published ones
        as it is.
        """
        for layer, cloud in wanted.items():
            found = distance(seen.grams[layer], cloud)
            yield found / cloud.size if self.weights is None else self.weights[layer] * found

    def shapes_error(self, shapes: Tensor, place: tuple[slice, ...]) -> Tensor:
        """A part's share of the mean squared error of the shapes, divided by their mean square."""
        squares = (shapes - self.shapes[place]).square()
        error = (squares if self.held is None else squares * self.held[place]).sum()
        return error / self.shapes.numel() / self.shapes.square().mean().clamp_min(1e-12)


def relative_error(found: Tensor, target: Tensor) -> Tensor:
    return (found - target).square().mean() / target.square().mean().clamp_min(1e-12)


class StyleMeasure:
    """The loss of a picture and its gradient: the `measure` of a painting.

    A large picture is looked at twice: first as a whole, without gradients, for its textures and the
    derivative of the loss by them; then tile by tile, with gradients, each tile contributing its part. Since
    textures are sums over places, this is the gradient of the whole picture, in the memory of one tile.
    """

    def __init__(self, picture: Tensor, network: Prepared, target: StyleTarget) -> None:
        self.picture, self.network, self.target = picture, network, target
        self.field = Field.of(picture, network)
        self.textures = float("inf")  # the error of the textures when they were measured last

    def __call__(self) -> Slope:
        picture, target, field = self.picture.detach(), self.target, self.field
        layers = target.layers
        gradient = torch.zeros_like(picture)
        wanted = _Wanted(layers, target.areas, target.transport is not None, target.quick)
        loss, derivative = 0.0, None
        if not field.whole:
            with torch.no_grad():
                found = regional_statistics(picture, self.network, field, layers, target.areas, wanted.means)
            loss, derivative = _derivative(found, target)
            self.textures = loss
        for tile in field.tiles():
            window = field.window(picture, tile).requires_grad_()
            part, shapes = self._looked_at(window, tile, wanted)
            error = target.texture_error(part) if derivative is None else _product(derivative, part)
            shapes_error = target.shapes_error(shapes, tile.places(field.step(shapes, tile)))
            (slope,) = torch.autograd.grad(error + target.shapes_weight * shapes_error, window)
            field.add_window(gradient, slope, tile)
            loss += target.shapes_weight * shapes_error.item()
            if derivative is None:
                self.textures = error.item()
                loss += self.textures
        if target.broad is not None:
            loss += target.broad.add(picture, gradient)
        return Slope(loss + _smoothed(picture, gradient, target.smoothness), [gradient])

    def _looked_at(self, window: Tensor, tile: Tile, wanted: _Wanted) -> tuple[list[Statistics], Tensor]:
        """A tile's part of the textures of every region, or of the whole, and its shapes."""
        field, shapes_layer = self.field, self.target.shapes_layer
        if wanted.areas is not None:
            seen = self.network(window)
            return _parts(window, seen, field, tile, wanted), tile.core_of(seen[shapes_layer])
        colours = _gram(_with_ones(tile.core_of(window)), field, tile, None, 0, wanted.quick)

        def gram(features: Tensor) -> Tensor:
            core = tile.core_of(features)
            return _gram(_with_ones(core) if wanted.means else core, field, tile, None, 0, wanted.quick)

        def look(layer: str, features: Tensor) -> Tensor:
            # Three gradients meet at the shapes' layer, and their sum is rounded by their order.
            is_later = layer == shapes_layer or layer not in wanted.layers
            return features if is_later else gram(features)

        found = self.network.looked_at(window, look)
        seen = {
            layer: gram(found[layer]) if layer == shapes_layer else found[layer] for layer in wanted.layers
        }
        return [Statistics(seen, colours)], tile.core_of(found[shapes_layer])


def _derivative(found: Sequence[Statistics], target: StyleTarget) -> tuple[float, list[Statistics]]:
    """The texture error of a whole picture, and its derivative by each entry of the statistics."""
    entries = [
        Statistics(
            {layer: gram.detach().requires_grad_() for layer, gram in each.grams.items()},
            each.colours.detach().requires_grad_(),
        )
        for each in found
    ]
    error = target.texture_error(entries)
    variables = [entry for each in entries for entry in (*each.grams.values(), each.colours)]
    slopes = iter(torch.autograd.grad(error, variables))
    derivatives = [
        Statistics({layer: next(slopes) for layer in each.grams}, next(slopes)) for each in entries
    ]
    return error.item(), derivatives


def _product(derivatives: Sequence[Statistics], parts: Sequence[Statistics]) -> Tensor:
    """A scalar whose gradient is the part's contribution to that of the whole, by the chain rule."""
    sums = []
    for derivative, part in zip(derivatives, parts, strict=True):
        products = [(slope * part.grams[layer]).sum() for layer, slope in derivative.grams.items()]
        sums.append(torch.stack(products).sum() + (derivative.colours * part.colours).sum())
    return sums[0] if len(sums) == 1 else torch.stack(sums).sum()


def _smoothed(picture: Tensor, gradient: Tensor, weight: float) -> float:
    """The mean squared difference between neighbours along each axis, in closed form. Its gradient is added
    to `gradient`.
    """
    if weight == 0:
        return 0.0
    loss = 0.0
    for axis in (2, 3):
        length = picture.shape[axis] - 1
        if length < 1:
            continue
        difference = picture.narrow(axis, 1, length) - picture.narrow(axis, 0, length)
        loss += weight * float(difference.square().mean())
        difference *= 2 * weight / difference.numel()
        gradient.narrow(axis, 1, length).add_(difference)
        gradient.narrow(axis, 0, length).sub_(difference)
    return loss


def statistics_of(
    picture: Tensor, network: Prepared, field: Field, layers: Sequence[str], means: bool = False
) -> Statistics:
    """The textures of a whole picture [1, 3, h, w], tile by tile. means: with the features' means."""
    return regional_statistics(picture, network, field, layers, None, means)[0]


def regional_statistics(
    picture: Tensor,
    network: Prepared,
    field: Field,
    layers: Sequence[str],
    areas: FieldAreas | None,
    means: bool = False,
) -> list[Statistics]:
    """The textures of each region of a picture [1, 3, h, w], tile by tile; without regions, of the whole."""
    found: list[Statistics] = []
    wanted = _Wanted(layers, areas, means)
    for tile in field.tiles():
        window = field.window(picture, tile)
        parts = _parts(window, network(window), field, tile, wanted)
        found = [_added(each, part) for each, part in zip(found, parts, strict=True)] if found else parts
    return found


def _added(one: Statistics, other: Statistics) -> Statistics:
    grams = {layer: gram + other.grams[layer] for layer, gram in one.grams.items()}
    return Statistics(grams, one.colours + other.colours)


def features_of_field(picture: Tensor, network: Prepared, field: Field, layer: str) -> Tensor:
    """The features of a whole field at a layer, [1, channels, h, w], tile by tile."""
    whole: Tensor | None = None
    for tile in field.tiles():
        seen = tile.core_of(network.at(layer, field.window(picture, tile)))
        step = field.step(seen, tile)
        if whole is None:
            whole = seen.new_empty(1, seen.shape[1], field.height // step, field.width // step)
        whole[tile.places(step)] = seen
    assert whole is not None
    return whole


def mixed(statistics: Sequence[Statistics], weights: Sequence[float]) -> Statistics:
    """The weighted mean of several pictures' textures."""
    shares = [weight / sum(weights) for weight in weights]

    def mean(tensors: Sequence[Tensor]) -> Tensor:
        return torch.stack([share * each for share, each in zip(shares, tensors, strict=True)]).sum(0)

    grams = {layer: mean([each.grams[layer] for each in statistics]) for layer in statistics[0].grams}
    return Statistics(grams, mean([each.colours for each in statistics]))


@dataclass(frozen=True)
class _Wanted:
    """What is asked of a part. means: with the features' means. quick: as of a `StyleTarget`."""

    layers: Sequence[str]
    areas: FieldAreas | None
    means: bool = False
    quick: bool = False


def _parts(
    window: Tensor, seen: Mapping[str, Tensor], field: Field, tile: Tile, wanted: _Wanted
) -> list[Statistics]:
    """A tile's part of the textures of every region, or of the whole: the parts of all tiles add up to
    them.
    """
    areas, quick = wanted.areas, wanted.quick
    known = {layer: tile.core_of(seen[layer]) for layer in wanted.layers}
    if wanted.means:
        known = {layer: _with_ones(features) for layer, features in known.items()}
    coloured = _with_ones(tile.core_of(window))
    return [
        Statistics(
            {layer: _gram(features, field, tile, areas, place, quick) for layer, features in known.items()},
            _gram(coloured, field, tile, areas, place, quick),
        )
        for place in range(1 if areas is None else len(areas.sizes))
    ]


def _with_ones(features: Tensor) -> Tensor:
    """Features [1, c, h, w] and one more that is 1 everywhere."""
    return torch.cat([features, torch.ones_like(features[:, :1])], dim=1)


def _gram(
    features: Tensor, field: Field, tile: Tile, areas: FieldAreas | None, place: int, quick: bool
) -> Tensor:
    step = field.step(features, tile)
    flat = features.flatten(2).squeeze(0)  # whose gradient is a view too, and no copy as that of [0]
    if areas is None:
        product = _Square.apply(flat) if quick else flat @ flat.T
        return product / (field.height * field.width / step**2)
    shares = areas.at(step)[:, place : place + 1]
    count = areas.sizes[place] * field.height * field.width / step**2
    return (flat * shares[tile.places(step)].flatten(2)[0]) @ flat.T / max(count, 1e-6)


class _Square(torch.autograd.Function):
    """rows @ rows.T, [channels, places] -> [channels, channels]. Its gradient takes one product, not two, and
    comes laid out as the features are, channels last.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        return rows @ rows.T

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        (rows,) = ctx.saved_tensors
        (slope,) = slopes
        found: Tensor = (rows.T @ (slope + slope.T)).T
        return found
