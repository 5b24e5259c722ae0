"""Deep dream: gradient ascent on a photo's pixels, from coarse to fine, which amplifies what a network sees
in it.

    for progress in dream(recipe, materials):
        show(progress.preview())

Mordvintsev, Olah and Tyka, "Inceptionism: Going Deeper into Neural Networks", 2015. Added here: steps that
combine several scales, the finest with less colour; a pull back to the photo, which keeps colours from
burning out; reflection beyond the edges; tiles whose borders move from step to step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from studio.errors import Refused
from studio.images.areas import RegionLooks, areas_of, spread_by, window_of
from studio.images.canvas import (
    PREVIEW_SIDE,
    STRIP,
    StrideGrid,
    as_made,
    begun_picture,
    fetched,
    fitting_length,
    mask_at_size,
    own_weights,
    photo_at_size,
    pixels_of,
    reading_rules,
    strips,
    tensor_of,
    threads_of,
    window,
)
from studio.images.memory import memory_kept, release_memory
from studio.images.motifs import credit_of, motif
from studio.images.networks.opening import open_network
from studio.images.networks.prepared import LARGEST_STRIDE, Prepared
from studio.images.objectives import (
    Objective,
    RegionalObjective,
    balanced,
    channel,
    features_of,
    layer,
    towards,
)
from studio.images.pictures import Pixels, fit_within, read_picture, resize, write_jpeg
from studio.images.planning import (
    DREAM_BEGINS,
    USUAL_SIDE,
    Size,
    dreaming_rules,
    going_on,
    plan_octaves,
    shares,
    stopped,
    to_its_end,
)
from studio.images.recipes import DreamRecipe, LayerTerm, layer_names, motifs_of
from studio.images.regions import Region
from studio.images.spread import PARTS, Spread, hold_shapes, make_even
from studio.learning.descent import DescentOptions, Slope, descend
from studio.process import EndEarly
from studio.works.recipe import ModelIdentity, Source
from studio.works.work import Making, Materials, Progress

SCALES = 4
"""A step combines the gradient at this many scales: 1, 2, 4 and 8 pixels."""

HALO = 32
"""Pixels that a tile sees beyond its own borders."""

WANDER = 64
"""How far the borders of tiles move between steps, in pixels, at least."""

EDGE = 8
"""Pixels of reflection around the picture, at least: the zeros that networks pad with would leave a frame."""

GUIDE_SIDES = (192, 320)
"""Sizes (longer side) at which the guide is looked at, so that small and large things in it count."""

LARGEST_WHOLE = 3
"""Pictures up to the area of this many tiles are looked at whole: 1024 x 768 with the default tile."""


def dream(recipe: DreamRecipe, materials: Materials) -> Making:
    """Dream on the recipe's photo, yielding after every step.

    Raises `Refused` (no photo, an unknown layer or channel, too small a picture), `Unreadable` (a source that
    is not a picture, corrupt weights), `Missing` (a source or weights that are not available). The same
    recipe gives the same file on the same machine.
    """
    with threads_of(recipe), memory_kept():
        return (yield from _dream(recipe, materials))


def get_ready(recipe: DreamRecipe, materials: Materials) -> None:
    """Open the recipe's network and look at the pictures that it goes towards, as a dream does: the next one
    finds both there. Raises as `dream`.
    """
    with threads_of(recipe), memory_kept():
        network, _ = _network(recipe, materials)
        for term in chosen_terms(recipe, network):
            _of_term(term, network, recipe.even)


def _dream(recipe: DreamRecipe, materials: Materials) -> Making:
    photo, alpha, facts = photo_at_size(_photo(recipe), materials, recipe.size, reading_rules(recipe))
    height, width = photo.shape[:2]
    planned = plan_octaves(height, width, recipe)
    octaves = going_on(planned, recipe)
    total = sum(octave.steps for octave in stopped(octaves, recipe.stop_after))
    if recipe.source("weights") is None:
        yield from fetched(recipe.backbone, total)
    network, identity = _network(recipe, materials)
    objective = _objectives(recipe, materials, network, photo)
    begun = begun_picture(recipe, materials)
    if _has_common_layers(recipe) and any(LayerTerm.read(text).at_random for text in recipe.layers):
        facts = facts | {"layers": " + ".join(map(str, chosen_terms(recipe, network)))}
    if motifs := motifs_of(recipe):
        facts = facts | {"towards": "; ".join(map(credit_of, motifs))}
    mask = mask_at_size(recipe, materials, height, width)
    areas = areas_of(recipe, materials, photo)
    spread = Spread.of(photo, recipe, planned, areas.regions if areas else ())
    generator = torch.Generator().manual_seed(recipe.seed)

    losses: list[float] = []
    picture: Tensor | None = None
    base = torch.empty(0)
    costs = shares(stopped(octaves, recipe.stop_after), DREAM_BEGINS)
    preview = None
    for octave in octaves:
        if preview is not None:
            preview.release()
        detail = None if picture is None else _detail(picture, base)
        base = tensor_of(resize(photo, octave.height, octave.width), network.device)
        picture = _picture(base, detail) if picture is not None or begun is None else _at(begun, octave, base)
        del detail
        regions = RegionLooks.at(octave, areas, mask, network.device)
        measure = DreamMeasure(
            picture, network, objective, generator, jitter=recipe.jitter, tile=recipe.tile, regions=regions
        )
        shares_there = None if regions is None else regions.shares
        share = None if spread is None else spread.at(octave, shares_there).to(network.device)
        if octave.height * octave.width > LARGEST_WHOLE * recipe.tile**2:
            # The smaller pictures of the octave before, and what the share was made of; the tiles need room.
            release_memory()
        climb = Climb(recipe, base, _mask_at(octave, mask, network.device), regions, share)
        stage = f"dreaming at {max(octave.height, octave.width)} px"
        for loss in _steps(picture, measure, climb, octave.steps):
            losses.append(loss)
            preview = DreamPreview(picture, base, _shown(recipe, regions))
            try:
                yield Progress(len(losses), total, stage, loss, preview, next(costs))
            except EndEarly:
                recipe = recipe.model_copy(update={"stop_after": len(losses)})
            if len(losses) == recipe.stop_after:
                break
        del measure, climb, regions, share
        if len(losses) == recipe.stop_after:
            break
    assert picture is not None
    if picture.shape[-2:] != (height, width):
        detail, base = _detail(picture, base), tensor_of(photo, network.device)
        picture = _picture(base, detail)
    recipe = to_its_end(recipe, octaves)
    last = RegionLooks.at(Size(height, width, 0), areas, mask, network.device)
    pixels = _laid_over(base, picture, _shown(recipe, last))
    rules = dreaming_rules(recipe)
    versions = {"dreaming": str(rules)} if rules > 1 else {}
    return as_made(recipe, identity, network.device, pixels, alpha, losses, facts, versions)


def _at(begun: Pixels, octave: Size, base: Tensor) -> Tensor:
    """The picture to go on from, at the size of an octave, float32 in 0..1."""
    shown = tensor_of(resize(begun, octave.height, octave.width), base.device)
    return shown.float().div_(255)


def _steps(picture: Tensor, measure: DreamMeasure, climb: Climb, steps: int) -> Generator[float, None, None]:
    """Dream at one size, yielding the objective at every step."""
    options = DescentOptions(keep_every=0)
    for step in descend([picture], measure, climb, steps=steps, maximize=True, options=options):
        if step.ending is not None and step.ending.kind == "diverged":
            raise Refused(
                f"The dream failed ({step.ending.sentence.rstrip('.')}): choose "
                "other layers or a smaller step size."
            )
        loss = step.loss
        del step  # it holds a gradient as large as the picture
        yield loss


class DreamMeasure:
    """The objective at the current picture and its gradient: the `measure` of a dream.

    Small pictures are looked at whole, shifted at random against the network's grid; large ones in tiles,
    whose borders move from step to step, each with a halo of its surroundings. Beyond its edges the picture
    continues as its own reflection.
    """

    def __init__(
        self,
        picture: Tensor,
        network: Prepared,
        objective: Callable[..., Tensor],
        generator: torch.Generator,
        *,
        jitter: int,
        tile: int,
        regions: RegionLooks | None = None,
    ) -> None:
        self.picture, self.network, self.objective, self.generator = picture, network, objective, generator
        self.jitter, self.regions = jitter, regions
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
                value = self.objective(self.network(seen), *self._shares(row, column))
                (slope,) = torch.autograd.grad(value, seen)
                loss += share * value.item()
                # The objective is a mean over the window. Undo that, so that all places weigh the same.
                slope *= row.length * column.length / (height * width)
                gradient[..., row.start : row.start + row.core, column.start : column.start + column.core] = (
                    slope[
                        ..., row.before : row.before + row.core, column.before : column.before + column.core
                    ]
                )
        if self.tile is not None:
            release_memory()  # the features of a tile; the step that follows needs room for whole pictures
        return Slope(loss, [gradient])

    def _piece(self, row: Cut, column: Cut) -> Tensor:
        """The window of a cut in both directions."""
        return window(
            self.picture, row.start - row.before, column.start - column.before, row.length, column.length
        )

    def _shares(self, row: Cut, column: Cut) -> tuple[Tensor, ...]:
        """What the objective needs beside the features: the regions' shares of that window, if there are
        regions.
        """
        if self.regions is None:
            return ()
        place = (row.start - row.before, column.start - column.before, row.length, column.length)
        return (window_of(self.regions.shares, *place),)


@dataclass(frozen=True)
class Cut:
    """A stretch of one side of the picture: `core` pixels from `start` on, seen in a window of `length`
    pixels that begins `before` pixels earlier.
    """

    start: int
    core: int
    before: int
    length: int


def cuts(
    size: int, tile: int | None, jitter: int, network: StrideGrid, generator: torch.Generator
) -> Iterator[Cut]:
    """Cut a side of `size` pixels into stretches with windows of about `tile` pixels, at different places in
    every call; with None, into a single one.

    All windows of a call have the same length, because a network needs time and memory to prepare for a new
    size. They begin on the network's grid, shifted by the jitter, so a tile sees the same as the whole
    picture would.
    """
    jitter = min(jitter, network.stride - 1)  # a shift by the stride is no shift
    shift = int(torch.randint(jitter + 1, (), generator=generator))
    if tile is None:
        yield Cut(0, size, EDGE + shift, fitting_length(size + jitter + 2 * EDGE, network))
        return
    count = math.ceil((size + WANDER) / (tile - 2 * HALO - LARGEST_STRIDE))
    core = math.ceil((size + WANDER) / count)
    wander = int(torch.randint(core * count - size + 1, (), generator=generator))
    borders = [0, *(number * core - wander for number in range(1, count)), size]
    for start, end in pairwise(borders):
        before = HALO + (start + EDGE + shift) % network.stride
        yield Cut(start, end - start, before, fitting_length(core + 2 * HALO + network.stride - 1, network))


class Climb:
    """Moves the picture up the gradient by `step_size` per pixel on average, whatever the gradient's size:
    the update rule of a dream.

    The gradient is split into scales. Each is normalised, so that broad shapes grow as well as fine detail
    (compare the Laplacian pyramid of TensorFlow's notebook, 2016), and the finest lose some colour; then they
    are added up.
    """

    def __init__(
        self,
        recipe: DreamRecipe,
        base: Tensor,
        mask: Tensor | None,
        regions: RegionLooks | None = None,
        share: Tensor | None = None,
    ) -> None:
        """base: the photo, uint8 [1, 3, h, w]. mask: where to dream, uint8 [1, 1, h, w]. share: by how much
        each pixel's step is multiplied, in `PARTS`, uint8 [1, 1, h, w].
        """
        self.rate, self.hold = recipe.step_size, recipe.hold
        self.base, self.mask = base, None if mask is None else mask.float().div_(255)
        self.regions = regions
        self.weights = [(2 * recipe.smoothing) ** scale if scale else 1.0 for scale in range(SCALES)]
        self.keep_colours = recipe.keep_colours
        colour = 0.0 if recipe.keep_colours else recipe.colour
        finest = recipe.fine_colour
        self.colours = [colour * share for share in (finest, (1 + finest) / 2, 1.0, 1.0)]
        self.hold_dark, self.hold_shapes = recipe.hold_dark, recipe.hold_shapes
        self.even = recipe.even if regions is None else regions.value("even", recipe.even)
        self.shapes_in = self.mask
        if regions is not None:
            kept = [region.value("hold_shapes", recipe.hold_shapes) for region in regions.regions]
            self.hold_shapes = float(any(kept))
            self.shapes_in = spread_by(regions.shares, kept) if any(kept) else None
        self.share = share

    def __call__(self, variables: Sequence[Tensor], gradients: Sequence[Tensor], rate: float) -> None:
        (picture,), (gradient,) = variables, gradients
        direction = self._blended(gradient)
        if isinstance(self.even, Tensor) or self.even:
            make_even(direction, self.even)
        if self.regions is not None:
            direction *= self.regions.scaled(direction, _mean_size)
        else:
            if self.mask is not None:
                direction *= self.mask
            direction /= _mean_size(direction, self.mask)
        with torch.no_grad():
            for rows in strips(picture):
                if self.share is not None:
                    direction[..., rows, :] *= self.share[..., rows, :].float().div_(PARTS)
                self._move(
                    picture[..., rows, :],
                    direction[..., rows, :],
                    self.base[..., rows, :].float().div_(255),
                    rate,
                    self._in_own_colours(rows),
                )
            if self.hold_shapes:
                hold_shapes(picture, self.base, self.hold_shapes, self.shapes_in)

    def _in_own_colours(self, rows: slice) -> bool | Tensor:
        """Where the photo's colours stay: everywhere, nowhere, or by share [1, 1, h, w]."""
        if self.keep_colours or self.regions is None or self.regions.own_colours is None:
            return self.keep_colours
        return self.regions.own_colours[..., rows, :]

    def _move(
        self, picture: Tensor, direction: Tensor, base: Tensor, rate: float, own_colours: bool | Tensor
    ) -> None:
        if self.hold_dark:
            direction = direction * (1 - self.hold_dark * _darkness(base))
        picture.add_(direction, alpha=-self.rate * rate)  # `descend` passes the gradient of what it lowers
        if self.hold:
            picture.lerp_(base, self.hold)
        if own_colours is not False:
            # Red, green and blue move together, until the first of them reaches black or white.
            grey = (picture - base).mean(dim=1, keepdim=True)
            darkest, lightest = base.amin(dim=1, keepdim=True), base.amax(dim=1, keepdim=True)
            kept = base + torch.clamp(grey, min=-darkest, max=1 - lightest)
            picture.copy_(kept if own_colours is True else picture.lerp(kept, own_colours))
        picture.clamp_(0, 1)

    def _blended(self, gradient: Tensor) -> Tensor:
        scales = [gradient]
        while len(scales) < SCALES and min(scales[-1].shape[-2:]) > 2:
            scales.append(_halved(scales[-1]))
        blended: Tensor | None = None
        for scale, weight, colour in reversed(list(zip(scales, self.weights, self.colours, strict=False))):
            if colour < 1:
                for rows in strips(scale):
                    grey = scale[..., rows, :].mean(dim=1, keepdim=True).mul_(1 - colour)
                    scale[..., rows, :].mul_(colour).add_(grey)
            if self.regions is None:
                scale *= weight / _root_mean_square(scale)
            else:
                scale *= self.regions.scaled(scale, _share_of_square, weight)
            if blended is not None:
                _add_enlarged(scale, blended)
            blended = scale
        assert blended is not None
        return blended


def _darkness(base: Tensor) -> Tensor:
    """How dark a photo [1, 3, h, w] in 0..1 is at every pixel, [1, 1, h, w]: 1 black, 0 from a third of white
    on.
    """
    return (1 - 3 * base.amax(dim=1, keepdim=True)).clamp_(0, 1)


def _add_enlarged(values: Tensor, smaller: Tensor) -> None:
    """Add a smaller picture, enlarged to their size, to values [1, c, h, w].

    Where they are large, and exactly twice as large, this happens strip by strip, each with a row more of the
    smaller picture on both sides: the same to the last bit. (PyTorch rounds small pictures differently.)
    """
    height, width = values.shape[-2:]
    twice = (2 * smaller.shape[-2], 2 * smaller.shape[-1]) == (height, width)
    if not twice or min(height, width) < STRIP:
        values += F.interpolate(smaller, (height, width), mode="bilinear", align_corners=False)
        return
    for top in range(0, height, STRIP):
        end = min(height, top + STRIP)
        first, last = max(0, top // 2 - 1), min(height // 2, end // 2 + 1)
        part = smaller[..., first:last, :]
        enlarged = F.interpolate(part, (2 * (last - first), width), mode="bilinear", align_corners=False)
        values[..., top:end, :].add_(enlarged[..., top - 2 * first : end - 2 * first, :])


def _halved(values: Tensor) -> Tensor:
    """The mean of every 2 x 2 pixels; of fewer at an odd edge."""
    height, width = values.shape[-2:]
    if height % 2 or width % 2:
        return F.avg_pool2d(values, 2, ceil_mode=True, count_include_pad=False)
    # Interpolating halfway between pixels gives the same mean in a quarter of the time.
    return F.interpolate(values, (height // 2, width // 2), mode="bilinear", align_corners=False)


def _root_mean_square(values: Tensor) -> float:
    """Row by row: without a copy, and without the rounding of a float32 sum over 37 million numbers."""
    rows = torch.linalg.vector_norm(values, dim=(1, 3)).double()
    return math.sqrt(float(rows.square().sum()) / values.numel()) + 1e-20


def _share_of_square(values: Tensor, share: Tensor) -> float:
    """The root of the mean square of values [1, 3, h, w], each counted by its share [1, 1, h, w]."""
    found = float((values.square().mean(dim=1, keepdim=True) * share).double().sum())
    return math.sqrt(found / max(float(share.double().sum()), 1e-6)) + 1e-20


def _mean_size(values: Tensor, mask: Tensor | None) -> float:
    """Mean of |values| where the mask is light, so that a step is as large with a small mask."""
    share = 1.0 if mask is None else float(mask.mean())
    rows = torch.linalg.vector_norm(values, ord=1, dim=(1, 3)).double()
    return float(rows.sum()) / (values.numel() * max(share, 1e-6)) + 1e-20


def _shown(recipe: DreamRecipe, regions: RegionLooks | None) -> float | Tensor:
    """How much of the dream shows, 0..1: everywhere the same, or [1, 1, h, w] by regions."""
    if regions is None:
        return recipe.strength
    return spread_by(regions.shares, [recipe.strength * shown for shown in regions.shown])


@dataclass
class DreamPreview:
    """JPEG of a dream in progress, until the next step. strength: one for all, or [1, 1, h, w]."""

    picture: Tensor
    base: Tensor
    strength: float | Tensor

    def release(self) -> None:
        """Let go of the pictures: whoever still holds this preview need not hold them."""
        self.picture = self.base = torch.empty(0)

    def __call__(self) -> bytes:
        picture, base, strength = self.picture, self.base, self.strength
        factor = max(picture.shape[-2:]) // PREVIEW_SIDE
        if factor > 1:
            # Reduce roughly first: the preview of twelve megapixels should not take as long as a step.
            picture, base = (
                F.avg_pool2d(picture, factor),
                base[..., factor // 2 :: factor, factor // 2 :: factor],
            )
            base = base[..., : picture.shape[-2], : picture.shape[-1]]
            strength = strength if isinstance(strength, float) else F.avg_pool2d(strength, factor)
        return write_jpeg(_laid_over(base, picture, strength), longest_side=PREVIEW_SIDE)


def _photo(recipe: DreamRecipe) -> Source:
    source = recipe.source("photo")
    if source is None:
        raise Refused("A dream needs a photo: choose one.")
    return source


def _network(recipe: DreamRecipe, materials: Materials) -> tuple[Prepared, ModelIdentity]:
    regions = [Region.read(text) for text in recipe.regions]
    texts = [text for region in regions for text in region.layers or recipe.layers] or recipe.layers
    return open_network(recipe.backbone, layer_names(texts), own_weights(recipe, materials))


def _has_common_layers(recipe: DreamRecipe) -> bool:
    """Whether the recipe's own layers count: not where every region has layers of its own."""
    return not recipe.regions or any(not Region.read(text).layers for text in recipe.regions)


def _objectives(
    recipe: DreamRecipe, materials: Materials, network: Prepared, photo: Pixels
) -> Objective | RegionalObjective:
    """What the whole picture amplifies, or what each of its regions does."""
    terms = chosen_terms(recipe, network) if _has_common_layers(recipe) else []
    if not recipe.regions:
        return _objective(recipe, materials, network, photo, terms, recipe.even)
    found, generator = [], torch.Generator().manual_seed(recipe.seed)
    for region in map(Region.read, recipe.regions):
        own = _chosen([LayerTerm.read(text) for text in region.layers], network, generator)
        even = region.value("even", recipe.even)
        found.append(_objective(recipe, materials, network, photo, own or terms, even))
    return RegionalObjective(tuple(found))


def _objective(
    recipe: DreamRecipe,
    materials: Materials,
    network: Prepared,
    photo: Pixels,
    terms: list[LayerTerm],
    even: float,
) -> Objective:
    """These layers, freely and towards the guide if there is one, balanced on a small copy of the photo."""
    free = _sum([_of_term(term, network, even) * term.weight for term in terms])
    small = _at_side(photo, USUAL_SIDE // 3, network)
    guides = [source for source in recipe.sources if source.role == "guide"]
    weights = guides_weights(recipe, len(guides))
    if not guides or recipe.guide_weight == 0:
        return balanced(free, network, small)
    guided = _sum(
        [
            _towards(guide, materials, recipe, network, terms) * weight
            for guide, weight in zip(guides, weights, strict=True)
            if weight
        ]
    )
    if recipe.guide_weight == 1:
        return balanced(guided, network, small)
    return balanced(free * (1 - recipe.guide_weight) + guided * recipe.guide_weight, network, small)


def _of_term(term: LayerTerm, network: Prepared, even: float) -> Objective:
    if term.motif:
        known = (term.motif, term.name)
        if known not in network.seen:  # it takes as long as a dozen of the first steps
            shown = [
                _part_of(read_picture(each.read(), each.name).pixels, each.part) for each in motif(term.motif)
            ]
            network.seen[known] = _seen_in(shown, network, term.name)
        return towards(term.name, network.seen[known])
    return layer(term.name) if term.channel is None else channel(term.name, term.channel, even)


def _part_of(pixels: Pixels, part: tuple[float, float, float, float]) -> Pixels:
    """A part of a picture, from the left, the top, to the right and the bottom, as shares of its sides."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = part
    return pixels[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]


def _seen_in(pictures: Sequence[Pixels], network: Prepared, name: str) -> Tensor:
    """What a layer sees in pictures, [places, channels], at the sizes at which guides are looked at."""
    views = [_at_side(shown, side, network) for shown in pictures for side in GUIDE_SIDES]
    return features_of(network, views, name)


def chosen_terms(recipe: DreamRecipe, network: Prepared) -> list[LayerTerm]:
    """The recipe's layers; for a channel that is left to chance, the one that the seed chooses."""
    generator = torch.Generator().manual_seed(recipe.seed)
    return _chosen([LayerTerm.read(text) for text in recipe.layers], network, generator)


def _chosen(terms: list[LayerTerm], network: Prepared, generator: torch.Generator) -> list[LayerTerm]:
    for term in terms:
        if term.at_random:
            term.channel = int(torch.randint(network.channels[term.name], (), generator=generator))
            term.at_random = False
    return terms


def _towards(
    guide: Source, materials: Materials, recipe: DreamRecipe, network: Prepared, terms: list[LayerTerm]
) -> Objective:
    shown = read_picture(materials(guide), guide.name or "The guide", rules=reading_rules(recipe)).pixels
    return _sum([towards(term.name, _seen_in([shown], network, term.name)) * term.weight for term in terms])


def guides_weights(recipe: DreamRecipe, count: int) -> tuple[float, ...]:
    """The weight of each of so many guides; their sum is 1. Raises `Refused` for weights that do not fit."""
    weights = recipe.guide_weights or (1.0,) * count
    if count and len(weights) != count:
        given = len(weights)
        raise Refused(
            f"{count} guide{'s' * (count != 1)} and {given} weight{'s' * (given != 1)} were given: give each "
            "guide one weight, or give none."
        )
    if count and not sum(weights) > 0:
        raise Refused("The guides' weights are all 0: give at least one of them more.")
    return tuple(weight / sum(weights) for weight in weights)


def _sum(objectives: list[Objective]) -> Objective:
    return Objective(tuple(term for objective in objectives for term in objective.terms))


def _at_side(pixels: Pixels, side: int, network: Prepared) -> Tensor:
    """A picture with its longer side scaled to `side`, extended by reflection to the network's stride."""
    small_pixels = resize(pixels, *fit_within(pixels.shape[0], pixels.shape[1], side))
    small = tensor_of(small_pixels, network.device).float().div_(255)
    height, width = (fitting_length(side, network) for side in small.shape[-2:])
    return window(small, 0, 0, height, width)


# --- Pixels and tensors


def _mask_at(octave: Size, mask: Pixels | None, device: torch.device) -> Tensor | None:
    if mask is None:
        return None
    return tensor_of(resize(mask, octave.height, octave.width)[..., None], device)


def _picture(base: Tensor, detail: Tensor | None) -> Tensor:
    """The first picture of an octave, float32 in 0..1: the photo plus the dream so far (as in Google's
    notebook).
    """
    if detail is None:
        return base.float().div_(255)
    picture = F.interpolate(detail.float(), base.shape[-2:], mode="bicubic", align_corners=False)
    for rows in strips(picture):
        picture[..., rows, :].add_(base[..., rows, :].float().div_(255)).clamp_(0, 1)
    return picture


def _detail(picture: Tensor, base: Tensor) -> Tensor:
    """What the dream has added to the photo, as float16, which is finer than 1/2000 of black to white."""
    detail = torch.empty_like(picture, dtype=torch.float16)
    for rows in strips(picture):
        detail[..., rows, :] = picture[..., rows, :] - base[..., rows, :].float().div_(255)
    return detail


def _laid_over(base: Tensor, picture: Tensor, strength: float | Tensor) -> Pixels:
    """The dream laid over the photo at a strength, or at one for every pixel [1, 1, h, w]; uint8
    [h, w, 3].
    """
    laid = torch.empty_like(base)
    for rows in strips(picture):
        shown = strength[..., rows, :] if isinstance(strength, Tensor) else strength
        laid[..., rows, :] = (
            base[..., rows, :]
            .float()
            .lerp(picture[..., rows, :] * 255, shown)
            .round_()
            .clamp_(0, 255)
            .to(torch.uint8)
        )
    return pixels_of(laid)


__all__ = ["Climb", "Cut", "DreamMeasure", "DreamPreview", "cuts", "dream", "plan_octaves"]
