"""What a painting in a style aims for, and how far a picture is from it: textures as Gram matrices, shapes as
features place by place.

    target = StyleTarget(textures, "blocks.2", shapes, shapes_weight=0.3, smoothness=2.0)
    measure = StyleMeasure(picture, network, target)

Gatys, Ecker and Bethge, "Image style transfer using convolutional neural networks", CVPR 2016. The error of
each layer is divided by its target's own size here, so that one network's weights suit another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from studio.images.networks.prepared import Prepared
from studio.images.tiles import Field, Tile
from studio.learning.descent import Slope

COLOURS_WEIGHT = 0.3
"""Weight of the colours, relative to the textures of one layer."""


@dataclass(frozen=True)
class Statistics:
    """The textures of a picture.

    grams: for each layer the Gram matrix [channels, channels], the mean over all places of feature times
    feature. colours: the same of red, green, blue and a constant 1, [4, 4], which thus holds the mean colour
    too.
    """

    grams: Mapping[str, Tensor]
    colours: Tensor


@dataclass(frozen=True)
class StyleTarget:
    """What a picture is compared with.

    textures: of the paintings. shapes: features of the photo at `shapes_layer` over the whole field, weighted
    by `shapes_weight`. smoothness: weight of the differences between neighbouring pixels (total variation).
    """

    textures: Statistics
    shapes_layer: str
    shapes: Tensor
    shapes_weight: float
    smoothness: float

    def texture_error(self, found: Statistics) -> Tensor:
        """The sum over layers, and the colours, of the Gram matrix's mean squared error, each divided by its
        target's mean square.
        """
        errors = [relative_error(found.grams[layer], target) for layer, target in self.textures.grams.items()]
        colours = COLOURS_WEIGHT * relative_error(found.colours, self.textures.colours)
        return torch.stack([*errors, colours]).sum()

    def shapes_error(self, shapes: Tensor, place: tuple[slice, ...]) -> Tensor:
        """A part's share of the mean squared error of the shapes, divided by their mean square."""
        error = (shapes - self.shapes[place]).square().sum()
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

    def __call__(self) -> Slope:
        picture, target, field = self.picture.detach(), self.target, self.field
        layers = tuple(target.textures.grams)
        gradient = torch.zeros_like(picture)
        loss, derivative = 0.0, None
        if not field.whole:
            with torch.no_grad():
                found = statistics_of(picture, self.network, field, layers)
            loss, derivative = _derivative(found, target)
        for tile in field.tiles():
            window = field.window(picture, tile).requires_grad_()
            seen = self.network(window)
            part = _part(window, seen, field, tile, layers)
            error = target.texture_error(part) if derivative is None else _product(derivative, part)
            shapes = tile.core_of(seen[target.shapes_layer])
            shapes_error = target.shapes_error(shapes, tile.places(field.step(shapes, tile)))
            (slope,) = torch.autograd.grad(error + target.shapes_weight * shapes_error, window)
            field.add_window(gradient, slope, tile)
            loss += target.shapes_weight * shapes_error.item()
            if derivative is None:
                loss += error.item()
        return Slope(loss + _smoothed(picture, gradient, target.smoothness), [gradient])


def _derivative(found: Statistics, target: StyleTarget) -> tuple[float, Statistics]:
    """The texture error of a whole picture, and its derivative by each entry of the statistics."""
    grams = {layer: gram.detach().requires_grad_() for layer, gram in found.grams.items()}
    colours = found.colours.detach().requires_grad_()
    error = target.texture_error(Statistics(grams, colours))
    *slopes, colour_slope = torch.autograd.grad(error, [*grams.values(), colours])
    return error.item(), Statistics(dict(zip(grams, slopes, strict=True)), colour_slope)


def _product(derivative: Statistics, part: Statistics) -> Tensor:
    """A scalar whose gradient is the part's contribution to that of the whole, by the chain rule."""
    products = [(slope * part.grams[layer]).sum() for layer, slope in derivative.grams.items()]
    return torch.stack(products).sum() + (derivative.colours * part.colours).sum()


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


def statistics_of(picture: Tensor, network: Prepared, field: Field, layers: Sequence[str]) -> Statistics:
    """The textures of a whole picture [1, 3, h, w], tile by tile."""
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


def features_of_field(picture: Tensor, network: Prepared, field: Field, layer: str) -> Tensor:
    """The features of a whole field at a layer, [1, channels, h, w], tile by tile."""
    whole: Tensor | None = None
    for tile in field.tiles():
        seen = tile.core_of(network(field.window(picture, tile))[layer])
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


def _part(
    window: Tensor, seen: Mapping[str, Tensor], field: Field, tile: Tile, layers: Sequence[str]
) -> Statistics:
    """A tile's part of the field's textures: the parts of all tiles add up to them."""
    grams = {layer: _gram(tile.core_of(seen[layer]), field, tile) for layer in layers}
    colours = tile.core_of(window)
    return Statistics(grams, _gram(torch.cat([colours, torch.ones_like(colours[:, :1])], dim=1), field, tile))


def _gram(features: Tensor, field: Field, tile: Tile) -> Tensor:
    step = field.step(features, tile)
    flat = features.flatten(2)[0]
    return flat @ flat.T / (field.height * field.width / step**2)
