"""Style transfer: a photo is painted again until a network finds a painting's textures in it, and still the
photo's shapes.

    for progress in paint(recipe, materials):
        show(progress.preview())

Gatys, Ecker and Bethge, "Image style transfer using convolutional neural networks", CVPR 2016 (see
`textures`). Added here: painting from coarse to fine, where each size starts from the mean of the last
pictures of the size before (after Crowson's style-transfer-pytorch); the painting's colours as one more
texture; and for large pictures the exact gradient, tile by tile.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice
from math import inf
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.errors import Missing, Refused
from studio.images.areas import Areas, areas_of, window_of
from studio.images.broad import BroadShapes, broad_shapes
from studio.images.canvas import (
    PREVIEW_SIDE,
    STRIP,
    as_made,
    as_pixels,
    begun_picture,
    fetched,
    mask_at_size,
    own_weights,
    photo_at_size,
    reading_rules,
    strips,
    tensor_of,
    threads_of,
    window,
)
from studio.images.contrasts import Contrasts, contrasts_of, mixed_contrasts, with_contrasts
from studio.images.copies import Copies, digest_of
from studio.images.faces import faces_in, faces_map
from studio.images.kept_textures import kept
from studio.images.lights import hold_lights, sizes_compared
from studio.images.memory import LARGEST_KEPT, SPARING, memory_kept
from studio.images.networks.backbones import DEFAULT, backbone
from studio.images.networks.backbones import layers as layers_of
from studio.images.networks.opening import open_network
from studio.images.networks.prepared import Prepared
from studio.images.palettes import LUMA, as_bright_as, brightness, grey, square_root, with_palette_of
from studio.images.pictures import Pixels, fit_within, read_picture, resize, write_jpeg
from studio.images.planning import (
    PAINTING_BEGINS,
    PAINTING_RULES,
    Size,
    cost_of,
    finer_cost,
    going_on,
    is_curved,
    painting_rules,
    painting_sizes,
    row_of,
    shares,
    sizes_made_finer,
    stopped,
    takes_steps,
    to_its_end,
)
from studio.images.pyramid import PyramidBFGS
from studio.images.recipes import NO_WEIGHT, StyleRecipe
from studio.images.structure import structure_of
from studio.images.textures import (
    FieldAreas,
    Statistics,
    StyleMeasure,
    StyleTarget,
    features_of_field,
    mixed,
    statistics_of,
)
from studio.images.tiles import Field
from studio.images.transport import PUBLISHED, PUBLISHED_SHAPES, Cloud
from studio.learning.descent import DescentOptions, Rule, descend
from studio.learning.quasi_newton import LimitedBFGS
from studio.learning.rules import Adam
from studio.process import EndEarly, meanwhile
from studio.works.recipe import ModelIdentity, Source
from studio.works.work import Making, Materials, Progress

if TYPE_CHECKING:
    from studio.images.instant.painters import Painter
    from studio.images.instant.painting import KnownPictures

TEXTURES = {DEFAULT: ("bn1", "blocks.0", "blocks.1", "blocks.2", "blocks.3", "blocks.4")}
"""The layers whose textures are compared. For other networks, all layers in the table of backbones except the
last, which responds to things rather than strokes.
"""

SHAPES = {DEFAULT: "blocks.2"}
"""The layer whose features are compared place by place. For other networks, the one nearly half way in."""

RATE, BETAS = 0.02, (0.9, 0.99)
"""Of Adam. Black is 0 and white is 1."""

MEAN_OF_LAST = 0.4
"""The result of a size is the mean over this part of its steps: Adam keeps moving, its mean settles."""

_GLASS = "09eb362f3c056c2e7f310cfa0384ca3aceb0f284b93a26d5fe6cfa52a3822feb"
_POINTS = "2de216b8e2f39fb038a4f9582c9d342b8bf2f534ea2274d0a7b7ddd17a89acd9"
_WHIRLS = "c449f53a17fbd2117db2c9c71b394c88e11ba9e9154a7be27ce04af30efef662"
_MARBLING = "e3d3f29e5e4dec6fdb6c3f69bd210a1fa23aa7f3c4ed77c42daa8a5fa6de5f17"
_PLANES = "e4ef504cd42e74ed100bd43f4fb4ae8ec5b3dfc030ff130d68709bd922dd0317"
_WATERCOLOUR = "76c072ba773131e74a9d149c6d02bed2bdd0230aa9466a1ae5dd0cef1fa70a7d"

HELD = 3.0
"""How much more the photo's shapes weigh where it has faces or fine structure, up to half strength. From
there on it is less, and nothing at full strength.
"""

MORE_HELD: dict[int, dict[str, float]] = {
    1: {},
    7: {_GLASS: 9.0, _POINTS: 9.0, _WATERCOLOUR: 9.0},
    10: {_GLASS: 3.5, _POINTS: 9.0, _WATERCOLOUR: 9.0, _PLANES: 9.0},
}
"""The same for what is painted step by step after some paintings, by the rules from which on it is so and
their file's sha256: their panes, dots, washes and discs are as large as eyes, or as pale as what is around
them.
"""

MORE_HELD_AT_ONCE: dict[int, dict[str, float]] = {1: {}, 10: {_MARBLING: 9.0, _PLANES: 4.0}}
"""The same for what is painted at once."""

FACES_HELD, LEFT_IN_FACES = 9.0, 0.05
"""By the tenth rules: how much more at least the photo's shapes weigh in faces that are found; and what is
left there of the networks' share in what is painted at once.
"""

FAINT: dict[int, dict[str, float]] = {1: {}, 10: {_GLASS: 2.5, _PLANES: 2.5}}
FAINT_AT_ONCE: dict[int, dict[str, float]] = {1: {}, 10: {_MARBLING: 2.5, _PLANES: 2.5}}
"""How much more faint structure counts, painted step by step and at once, by the same: what is missing from
full structure is taken to this power. The eyes of a dark animal hardly differ from the fur around them.
"""

NETWORKS_SHARE, HELD_BEFORE = 0.85, 0.7
"""By the fifth rules: the networks' share of what the steps that paint at once begin from, the rest being the
photo; and how much less it is, up to half strength, where the photo has faces or fine structure.
"""

STRONG_BEFORE = 0.6
"""By the eleventh rules: how much less strokes are made stronger where the photo is held."""

LESS_OF_NETWORKS = {
    5: {_GLASS: (0.5, 0.9)},
    6: {_GLASS: (0.7, 0.85)},
    7: {_GLASS: (0.7, 0.85), _POINTS: (0.6, 0.7)},
    10: {_GLASS: (0.7, 0.85), _POINTS: (0.6, 0.7), _MARBLING: (0.85, 0.95), _PLANES: (0.85, 0.95)},
    11: {_POINTS: (0.6, 0.7), _MARBLING: (0.85, 0.95), _PLANES: (0.85, 0.95), _GLASS: (0.92, 0.88)},
}
"""The same for some paintings, by the rules from which on it is so and their file's sha256: the network of
leaded glass gives fur and skin colours that take a face apart. Where lights are given back, it may do more,
and where faces are held too, more than others (rules 11).
The network of dots lays them out in rows; those of marbled paper and planes lay waves and hatching over eyes.
"""

BOUNDED: dict[int, dict[str, float]] = {1: {}, 7: {_POINTS: 1.5}, 8: {_POINTS: 1.5, _WHIRLS: 2.0}}
"""How bright or dark the finest of what some networks paint may be, as a multiple of its root mean square, by
the rules and the painting's sha256: the network of dots makes a few of them shine, and that of whirls ends
its strokes in black specks.
"""

ENOUGH = {6: 0.4, 8: 0.5, 11: 0.6}
"""By the rules from which on it is so: the error of the textures before the last of the steps that paint at
once. What more of them would change is hardly seen.
"""

ENOUGH_AFTER_HALF = 0.6
"""The same of what took its first steps at half the size, by the ninth and tenth rules. It comes as near to
its painting, or nearer.
"""

STRETCH = {1: 1.0, 8: 1.4}
"""By the rules from which on it is so: `LimitedBFGS.stretch` of the steps that paint at once. Nine of them
come as far as ten did.
"""

LIGHTS = 1.5
"""How much of the photo's broad lights is given back, as a multiple of `hold_shapes`, at most all of it."""

PLAIN = {1: 1.0, 4: 0.4, 10: 0.25}
"""How much the photo's shapes weigh where it has no structure, such as in a sky, by the rules from which on
it is so; of what is painted at once, as by the fourth.
"""

QUICK_LEVELS = 5
"""Of the pyramid that steps move by the fourth rules."""

AT_ONCE_LEVELS = {4: 4, 11: 5}
"""The same of the steps that paint at once, by the rules from which on it is so."""

AT_ONCE_MEMORY = 3
"""How many earlier steps those that paint at once learn from: they are too few to make use of more."""

AT_ONCE_FIRST = {4: 0.01, 6: 0.004}
"""By the rules from which on it is so: the root mean square of the first of those steps. A longer one goes
too far from where the networks' picture is, and the second only comes back.
"""

OWN_FINEST = 0.4
"""How much of the photo's finest light and dark is added where it is held, to what was painted at once at
half the size. More keeps whiskers and lashes better, and the painting's textures worse.
"""

OUTSIDE = 10.0
"""How much more the photo's shapes weigh where no region is."""

FINEST_LIGHT = 0.8
"""At strength 0: how much of the photo's light and dark that is finer than the largest size, of what is
painted at once, is added to it.
"""

FIRST_NOISE = 0.04
"""Standard deviation of the noise in the first picture, so that another seed gives another painting."""


def paint(recipe: StyleRecipe, materials: Materials) -> Making:
    """Paint the recipe's photo in the style of its paintings, yielding after every step.

    Raises `Refused` (no photo, no painting, weights that do not match the paintings), `Unreadable` (a source
    that is not a picture), `Missing` (a source or a network's weights that are not available). The same
    recipe gives the same file on the same machine.
    """
    with threads_of(recipe), memory_kept(SPARING if _is_sparing(recipe) else LARGEST_KEPT):
        return (yield from _paint(recipe, materials))


def _paint(recipe: StyleRecipe, materials: Materials) -> Making:
    if not takes_steps(recipe):
        return (yield from _paint_at_once(recipe, materials))
    photo_source, painting_sources = _sources(recipe)
    rules = reading_rules(recipe)
    photo, alpha, facts = photo_at_size(photo_source, materials, recipe.size, rules)
    paintings = [
        read_picture(materials(source), source.name or "The painting", rules=rules).pixels
        for source in painting_sources
    ]
    areas = areas_of(recipe, materials, photo)
    mask = _shown_in(areas, mask_at_size(recipe, materials, photo.shape[0], photo.shape[1]))
    sizes = going_on(painting_sizes(photo.shape[0], photo.shape[1], recipe), recipe)
    total = sum(size.steps for size in stopped(sizes, recipe.stop_after))
    painters: list[Painter] = []
    identity = None
    begun = begun_picture(recipe, materials)
    if begun is None and recipe.painter == "refined" and painting_rules(recipe) < 3:
        begun, _ = yield from _begun_at_once(recipe, materials, photo, painting_sources, total, areas)
    elif begun is None and recipe.painter != "optimised":
        painters, identity = _painters(recipe, materials, painting_sources)
    if recipe.source("weights") is None:
        yield from fetched(recipe.backbone, total)
    prepare = _begin_meanwhile(recipe, photo, paintings, painters, areas, sizes)
    network, own_identity = _network(recipe, materials)
    if painters and recipe.colour != "luminance" and _holds_structure(recipe):
        _structure_in(recipe, photo, network)  # now, while others still prepare
    shown_paintings, known = prepare()
    easel = _Easel(recipe, photo, shown_paintings, network, areas, mask, painters, known)
    recipe, pixels, losses = yield from _painted_in_steps(easel, sizes, begun)
    used = identity if identity is not None and recipe.painter == "instant" else own_identity
    return as_made(recipe, used, network.device, pixels, alpha, losses, facts, _versions(recipe))


def _painters(
    recipe: StyleRecipe, materials: Materials, paintings: list[Source]
) -> tuple[list[Painter], ModelIdentity]:
    from studio.images.instant.painting import open_painters

    return open_painters(recipe, materials, paintings)


def paint_quickly(
    recipe: StyleRecipe, photo: Pixels, paintings: Sequence[Pixels], painters: Sequence[Painter]
) -> Generator[Progress, None, Pixels]:
    """A photo, uint8 [h, w, 3], as the instant painter paints it by today's rules, yielding after every step.
    paintings: with their painters, in the same order.
    """
    with memory_kept(SPARING):
        network, _ = _network(recipe, _no_materials)
        if recipe.source("style") is None:
            sources = [_known_by(each.header.painting) for each in painters]
            recipe = recipe.model_copy(update={"sources": (*recipe.sources, *sources)})
        easel = _Easel(recipe, photo, paintings, network, None, None, painters)
        sizes = painting_sizes(photo.shape[0], photo.shape[1], recipe)
        _, pixels, _ = yield from _painted_in_steps(easel, sizes, None)
        return pixels


def _known_by(sha256: str) -> Source:
    """A painting of which nothing else is said."""
    return Source(sha256=sha256, role="style", name="", title="", author="", licence="")


def _no_materials(source: Source) -> bytes:
    raise Missing(f"The file {source.name} is not here: give it again.")


@dataclass(frozen=True)
class _Easel:
    """All that a picture is painted with. painters: those whose strokes make it finer, or none. known: what
    their networks painted of the photo already.
    """

    recipe: StyleRecipe
    photo: Pixels
    paintings: Sequence[Pixels]
    network: Prepared
    areas: Areas | None
    mask: Pixels | None
    painters: Sequence[Painter]
    known: KnownPictures | None = None

    @cached_property
    def copies(self) -> Copies:
        """Of the photo, at other sizes."""
        return Copies(self.photo, self.network)


def _painted_in_steps(
    easel: _Easel, sizes: Sequence[Size], begun: Pixels | None
) -> Generator[Progress, None, tuple[StyleRecipe, Pixels, list[float]]]:
    """The recipe, with where it was stopped, the picture, and the loss at every step."""
    recipe, photo, network, areas = easel.recipe, easel.photo, easel.network, easel.areas
    _make_copies(easel, sizes[-1])
    shown, paintings = _coloured(recipe, photo, _as_large_as_used(easel, sizes))
    total = sum(size.steps for size in stopped(sizes, recipe.stop_after))
    painted = None if begun is None else tensor_of(begun, torch.device("cpu")).float().div_(255)
    generator = torch.Generator().manual_seed(recipe.seed)
    structure = _held_structure(recipe, shown, network)
    losses: list[float] = []
    lit = False
    taken = stopped(sizes, recipe.stop_after)
    costs, cost = shares(taken, PAINTING_BEGINS), cost_of(taken, PAINTING_BEGINS)
    stepping = cost / (cost + finer_cost(photo.shape[0], photo.shape[1], recipe))
    for place, size in enumerate(sizes):
        resized = easel.copies.at if shown is photo and easel.painters else partial(resize, shown)
        base = tensor_of(resized(size.height, size.width), network.device).float().div_(255)
        target = _target(recipe, network, base, paintings, areas, structure)
        if painted is None:
            picture = _started(base, target, generator, areas)
        else:
            picture = _enlarged(painted.to(base.device), size)
        add = _added_by(recipe, place, len(sizes) - 1) if easel.painters else None
        if add is not None:
            picture = _with_networks(easel, picture, structure, add)
            if place == 0 and painting_rules(recipe) > 10 and _by_networks(recipe):
                picture = _as_strong(easel, paintings, picture, structure)
        if place + 1 == len(sizes) and _lit_on_the_way(recipe):
            picture, lit = _lit(easel, picture, structure), True
        curved = is_curved(recipe, size)
        mean = _MeanOfLast(picture, size.steps, 0.0 if curved else MEAN_OF_LAST)
        del base
        stage = f"painting at {max(size.height, size.width)} px"
        measure = StyleMeasure(picture, network, target)
        done = iter(list(islice(costs, taken[place].steps)))  # also where fewer are enough
        for loss in _steps(picture, measure, mean, size.steps, _rule(recipe, size)):
            losses.append(loss)
            lights = 0.0 if lit else _lights_held(recipe)
            preview = StylePreview(mean, photo, easel.mask, recipe.colour, lights)
            try:
                yield Progress(len(losses), total, stage, loss, preview, stepping * next(done))
            except EndEarly:
                recipe = recipe.model_copy(update={"stop_after": len(losses)})
            if len(losses) == recipe.stop_after or _is_enough(recipe, measure, halved=len(sizes) > 1):
                break
        painted = mean.picture()
        del mean, target, picture, measure
        if len(losses) == recipe.stop_after:
            break
    assert painted is not None
    finishing = _at_full_size(easel, painted.detach(), structure, lit=lit)
    while True:
        try:
            so_far = next(finishing)
        except StopIteration as end:
            return to_its_end(recipe, sizes), end.value, losses
        with suppress(EndEarly):  # all steps are taken, so the work is as good as done
            share = stepping + (1 - stepping) * so_far
            yield Progress(len(losses), total, "painting finer strokes", None, None, share)


def _begin_meanwhile(
    recipe: StyleRecipe,
    photo: Pixels,
    paintings: Sequence[Pixels],
    painters: Sequence[Painter],
    areas: Areas | None,
    sizes: Sequence[Size],
) -> Callable[[], tuple[Sequence[Pixels], KnownPictures | None]]:
    """Do what painting at once needs and the network does not, while that is opened: preparing it takes one
    core. What is returned waits for it.
    """
    if not (painters and _by_networks(recipe)):
        return lambda: (paintings, None)
    from studio.images.instant.painting import KnownPictures

    known, threads = KnownPictures(), torch.get_num_threads()

    def begin() -> tuple[Sequence[Pixels], KnownPictures]:
        torch.set_num_threads(threads)  # of this thread: sums are rounded by their number
        looks = [(recipe.style_weights, recipe.strength)]
        if areas is not None:
            looks = [(weights, strength) for weights, strength, _ in _looks_in(recipe, areas, len(painters))]
        for weights, strength in looks:
            own = recipe.model_copy(update={"style_weights": weights, "strength": strength})
            known.paint(own, photo, painters)
        if painting_rules(recipe) > 9:
            faces_in(photo)  # which are known then
        return _small_paintings(recipe, paintings, sizes), known

    return meanwhile(begin)


def _make_copies(easel: _Easel, finest: Size) -> None:
    """Make the copies of the photo that finish what is painted at once, while it is painted."""
    recipe, photo = easel.recipe, easel.photo
    if recipe.painter == "instant":
        small, whole = (finest.height, finest.width), (photo.shape[0], photo.shape[1])
        sizes = sizes_compared(*whole) if _lights_held(recipe) else ()
        easel.copies.make_meanwhile(sizes, small if small != whole and recipe.strength < 1 else None)


def _at_full_size(
    easel: _Easel, painted: Tensor, structure: Tensor | None, *, lit: bool
) -> Generator[float, None, Pixels]:
    """The finished picture of the photo's size. What was painted at once is finer than its steps where the
    photo is: it has some of the photo's finest light and dark. A large one is painted finer: after every tile
    of that, the share that is done is yielded, 0..1. lit: it has the photo's lights already.
    """
    recipe, photo = easel.recipe, easel.photo
    size = Size(photo.shape[0], photo.shape[1], 0)
    if painted.shape[-2:] == photo.shape[:2]:
        if not lit:
            lights, faces = _lights_held(recipe), _faces_lit(easel)
            hold_lights(painted, photo, lights, structure, easel.copies.at, faces)
        return _finished(painted, photo, easel.mask, recipe.colour)
    small = (painted.shape[-2], painted.shape[-1])
    finer = sizes_made_finer(size.height, size.width, recipe)
    area, done = sum(height * width for height, width in finer), 0
    for height, width in finer[:-1]:
        painted = _enlarged(painted, Size(height, width, 0)).detach()
        for part in _make_finer(easel, painted):
            yield (done + part * height * width) / area
        done += height * width
    painted = _enlarged(painted, size).detach()
    if recipe.painter == "instant" and recipe.strength < 1:
        coarse = easel.copies.without_finest(*small)
        share = FINEST_LIGHT * (1 - recipe.strength)
        for rows in strips(painted):
            fine = photo[rows].astype(np.float32) - coarse[rows]
            light = torch.from_numpy(fine @ LUMA * np.float32(share / 255)).to(painted.device)
            painted[..., rows, :] += light
    hold_lights(painted, photo, _lights_held(recipe), structure, easel.copies.at, _faces_lit(easel))
    if finer:
        for part in _make_finer(easel, painted):
            yield (done + part * size.height * size.width) / area
    return _finished(painted, photo, easel.mask, recipe.colour)


def _make_finer(easel: _Easel, picture: Tensor) -> Iterator[float]:
    """Add the painters' finest strokes to an enlarged picture, in place. Yields the share that is done."""
    from studio.images.instant.finer import FinerPart, make_finer

    recipe = easel.recipe
    usual = recipe.style_weights or (1.0,) * len(easel.painters)
    looks = [FinerPart(usual, recipe.strength)]
    if easel.areas is not None:
        at_size = easel.areas.at(*picture.shape[-2:])
        looks = [FinerPart(*look) for look in _looks_in(recipe, at_size, len(easel.painters))]
    return make_finer(
        picture,
        looks,
        easel.painters,
        breadth=recipe.style_scale,
        colour=recipe.colour,
        photo=easel.photo,
        seed=recipe.seed,
    )


def _is_enough(recipe: StyleRecipe, measure: StyleMeasure, *, halved: bool) -> bool:
    """Whether the steps that paint at once may end; those that somebody asked for are all taken. halved: some
    are taken at half the size.
    """
    rules = painting_rules(recipe)
    at_once = recipe.painter == "instant" and rules > 5 and not recipe.more
    return at_once and measure.textures < (ENOUGH_AFTER_HALF if halved else row_of(ENOUGH, rules))


def _lights_held(recipe: StyleRecipe) -> float:
    """The share of the photo's broad lights that is given back to what is painted: less above half strength,
    and none at full strength or in a published recipe.
    """
    if painting_rules(recipe) < 6 or _published(recipe):
        return 0.0
    return min(1.0, LIGHTS * recipe.hold_shapes) * _held_at(recipe)


def _lit_on_the_way(recipe: StyleRecipe) -> bool:
    """Whether the photo's lights are given back before the steps at the largest size, by the tenth rules of
    what is painted step by step: those make good what that does to textures.
    """
    return recipe.painter != "instant" and painting_rules(recipe) > 9 and bool(_lights_held(recipe))


def _lit(easel: _Easel, picture: Tensor, structure: Tensor | None) -> Tensor:
    now = picture.detach()
    hold_lights(now, easel.photo, _lights_held(easel.recipe), structure, easel.copies.at)
    return now.requires_grad_()


def _faces_lit(easel: _Easel) -> Tensor | None:
    """Where lights are moved farther, by the tenth rules: faces go dark in what is painted at once."""
    at_once = easel.recipe.painter == "instant" and painting_rules(easel.recipe) > 9
    return faces_map(easel.photo) if at_once and _lights_held(easel.recipe) else None


def _held_at(recipe: StyleRecipe) -> float:
    """How much of what is held counts at this strength: all up to half, nothing at full strength."""
    return float(min(1.0, 2 - 2 * recipe.strength) ** 0.5)


_Adding = Callable[["_Easel", StyleRecipe, Tensor, "Tensor | None"], Tensor]


def _added_by(recipe: StyleRecipe, place: int, last: int) -> _Adding | None:
    """What painters' networks add to a picture before the steps at a size, of those from 0 to `last`."""
    if not _by_networks(recipe):
        return _strokes_added if place == last else None
    if place == 0:
        return _networks_added
    return _finest_added if place == last else None


def _with_networks(easel: _Easel, picture: Tensor, structure: Tensor | None, add: _Adding) -> Tensor:
    """The picture with what its painters' networks add to it. structure: see `structure_of`."""
    recipe, areas = easel.recipe, easel.areas
    now = picture.detach().cpu()
    if areas is None:
        added = add(easel, recipe, now, structure)
    else:
        at_size = areas.at(*now.shape[-2:])
        added = torch.zeros_like(now)
        for weights, strength, share in _looks_in(recipe, at_size, len(easel.painters)):
            own = recipe.model_copy(update={"style_weights": weights, "strength": strength})
            added += add(easel, own, now, structure) * torch.from_numpy(share.astype(np.float32) / 255)
    return (picture.detach() + added.to(picture.device)).clamp_(0, 1).requires_grad_()


def _by_networks(recipe: StyleRecipe) -> bool:
    """Whether the steps begin from what the painters' networks paint of the photo."""
    return recipe.painter == "instant" and painting_rules(recipe) > 4


def _strokes_added(easel: _Easel, recipe: StyleRecipe, now: Tensor, _: Tensor | None) -> Tensor:
    from studio.images.instant.painting import strokes_for

    return strokes_for(recipe, now, easel.painters)


def _finest_added(easel: _Easel, recipe: StyleRecipe, now: Tensor, structure: Tensor | None) -> Tensor:
    """What is finest and a picture that was painted smaller has not: the networks' strokes and, where the
    photo is held, some of its light and dark, such as the eyes of a face.
    """
    from studio.images.instant.painting import finest_of

    begun = _begun(easel, recipe, now)
    if begun is None or structure is None:
        return torch.zeros_like(now) if begun is None else begun[1]
    size = now.shape[-2], now.shape[-1]
    photo = tensor_of(easel.copies.at(*size), torch.device("cpu")).float().div_(255)
    light = photo.mul_(torch.from_numpy(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return begun[1] + OWN_FINEST * _held_by(recipe, structure, size) * finest_of(light, recipe)


def _held_by(recipe: StyleRecipe, structure: Tensor, size: tuple[int, int], most: float = 1.0) -> Tensor:
    """How much the photo is held at every place of a picture [1, 1, h, w], 0..`most`: less above half
    strength.
    """
    held = F.interpolate(structure.cpu(), size, mode="bilinear", align_corners=False).clamp(max=most)
    return min(1.0, 2 - 2 * recipe.strength) * held


def _begun(easel: _Easel, recipe: StyleRecipe, now: Tensor) -> tuple[Tensor, Tensor] | None:
    from studio.images.instant.painting import begun_by

    bounds, size = row_of(BOUNDED, painting_rules(recipe)), (now.shape[-2], now.shape[-1])
    return begun_by(recipe, easel.photo, size, easel.painters, bounds, easel.copies.at, easel.known)


def _networks_added(easel: _Easel, recipe: StyleRecipe, now: Tensor, structure: Tensor | None) -> Tensor:
    """What makes of the picture the one that the networks paint of the photo; where the photo is held, less
    of that, but all of its finest strokes.
    """
    begun = _begun(easel, recipe, now)
    if begun is None:
        return torch.zeros_like(now)
    painted, fine = begun
    usual, fewer = (NETWORKS_SHARE, HELD_BEFORE), row_of(LESS_OF_NETWORKS, painting_rules(recipe))
    own = [fewer.get(each.header.painting, usual) for each in easel.painters]
    networks, less = np.average(own, axis=0, weights=recipe.style_weights or None)
    share = torch.full_like(now[:, :1], float(networks))
    if structure is not None:
        held = F.interpolate(structure.cpu(), now.shape[-2:], mode="bilinear", align_corners=False)
        less_there = float(less) * min(1.0, 2 - 2 * recipe.strength) * held
        share *= 1 - less_there.clamp(max=1 - LEFT_IN_FACES)
    return (painted - now) * share + fine * (1 - share)


def _as_strong(
    easel: _Easel, paintings: Sequence[Pixels], picture: Tensor, structure: Tensor | None
) -> Tensor:
    """The picture with strokes as strong as those of the paintings, less below half strength and where the
    photo is held: by the eleventh rules, of what is painted at once. paintings: as they are compared.
    """
    recipe, now = easel.recipe, picture.detach().cpu()
    side = _painting_side(recipe, max(now.shape[-2:]))
    known = [_contrasts_of(easel.network, painting, side) for painting in paintings]
    usual = recipe.style_weights or (1.0,) * len(known)
    looks: Iterable[tuple[Sequence[float], float, Pixels | None]] = [(usual, recipe.strength, None)]
    if easel.areas is not None:
        looks = list(_looks_in(recipe, easel.areas.at(*now.shape[-2:]), len(known)))
    moved = now.clone()
    for weights, strength, share in looks:
        if not strength:
            continue
        strong = with_contrasts(now, mixed_contrasts(known, weights)).sub_(now).mul_(min(1.0, 2 * strength))
        if structure is not None:
            held = _held_by(recipe, structure, (now.shape[-2], now.shape[-1]), most=inf)
            strong *= 1 - (STRONG_BEFORE * held).clamp(max=1 - LEFT_IN_FACES)
        moved += strong if share is None else strong * torch.from_numpy(share.astype(np.float32) / 255)
    return moved.clamp_(0, 1).to(picture.device).requires_grad_()


def _contrasts_of(network: Prepared, painting: Pixels, side: int) -> Contrasts:
    def find() -> Contrasts:
        pixels = resize(painting, *fit_within(painting.shape[0], painting.shape[1], side))
        return contrasts_of(tensor_of(pixels, torch.device("cpu")).float().div_(255))

    return network.once(("contrasts", digest_of(painting), side), find)


def _holds_structure(recipe: StyleRecipe) -> bool:
    return painting_rules(recipe) > 1 and recipe.strength < 1


def _structure_in(recipe: StyleRecipe, photo: Pixels, network: Prepared) -> Tensor:
    layer = _shapes_of(recipe)
    return network.once(("structure", digest_of(photo), layer), lambda: structure_of(photo, network, layer))


def _held_structure(recipe: StyleRecipe, photo: Pixels, network: Prepared) -> Tensor | None:
    """Where the photo is held (see `structure_of`), and how much more than 1 in faces, by the tenth rules;
    None where a recipe holds it nowhere.
    """
    if not _holds_structure(recipe):
        return None
    found = _structure_in(recipe, photo, network)
    if painting_rules(recipe) < 10:
        return found
    power = _asked_for(recipe, FAINT_AT_ONCE if recipe.painter == "instant" else FAINT, 1.0)
    if power != 1:
        found = 1 - (1 - found) ** power
    faces = F.interpolate(faces_map(photo), found.shape[-2:], mode="bilinear", align_corners=False)
    faces *= max(1.0, FACES_HELD / _held_in(recipe))
    return torch.maximum(found, faces.to(found.device))


def _versions(recipe: StyleRecipe) -> dict[str, str]:
    """What a painting's setting says of the rules it was painted by."""
    rules = painting_rules(recipe)
    return {"painting": str(rules)} if rules > 1 else {}


def _paint_at_once(recipe: StyleRecipe, materials: Materials) -> Making:
    photo_source, painting_sources = _sources(recipe)
    photo, alpha, facts = photo_at_size(photo_source, materials, recipe.size, reading_rules(recipe))
    areas = areas_of(recipe, materials, photo)
    mask = mask_at_size(recipe, materials, photo.shape[0], photo.shape[1])
    if painting_rules(recipe) == 1:  # then the edges of regions, which are soft already, are softened twice
        mask = _shown_in(areas, mask)
    painted, identity = yield from _begun_at_once(recipe, materials, photo, painting_sources, 0, areas)
    pixels = _laid_over(painted, photo, mask, recipe.colour)
    return as_made(recipe, identity, torch.device("cpu"), pixels, alpha, (), facts, _versions(recipe))


def _begun_at_once(
    recipe: StyleRecipe,
    materials: Materials,
    photo: Pixels,
    paintings: list[Source],
    later: int,
    areas: Areas | None,
) -> Generator[Progress, None, tuple[Pixels, ModelIdentity]]:
    """The photo as the painters of these paintings paint it, and their identity. later: steps that follow."""
    from studio.images.instant.painting import open_painters, paint_at_once

    painters, identity = open_painters(recipe, materials, paintings)
    if areas is None:
        return (yield from paint_at_once(recipe, photo, painters, later)), identity
    laid = photo.astype(np.float32)
    for weights, strength, share in _looks_in(recipe, areas, len(paintings)):
        own = recipe.model_copy(update={"style_weights": weights, "strength": strength})
        painted = yield from paint_at_once(own, photo, painters, later)
        laid += (painted - photo.astype(np.float32)) * (share[..., None] / np.float32(255))
    pixels: Pixels = laid.round().clip(0, 255).astype(np.uint8)
    return pixels, identity


def _looks_in(
    recipe: StyleRecipe, areas: Areas, paintings: int
) -> Iterator[tuple[tuple[float, ...], float, Pixels]]:
    """For each region: the weights of the paintings there, the strength, and its shares, uint8 [h, w]."""
    usual = recipe.style_weights or (1.0,) * paintings
    for region, share in zip(areas.regions, areas.shares, strict=True):
        weights = usual
        if region.look:
            chosen = int(region.look) if region.look.isdecimal() else 0
            if not 1 <= chosen <= paintings:
                raise Refused(
                    f"The region '{region.place}' asks for painting '{region.look}', but there "
                    f"{'is' if paintings == 1 else 'are'} only {paintings}: name one by its number, from 1."
                )
            weights = tuple(float(place + 1 == chosen) for place in range(paintings))
        yield weights, recipe.strength * region.strength, share


def _shown_in(areas: Areas | None, mask: Pixels | None) -> Pixels | None:
    """Where anything is painted: the mask, and of that the regions."""
    if areas is None:
        return mask
    if mask is None:
        return areas.covered
    found: Pixels = (areas.covered.astype(np.uint16) * mask // 255).astype(np.uint8)
    return found


def _steps(
    picture: Tensor, measure: StyleMeasure, mean: _MeanOfLast, steps: int, rule: Rule
) -> Generator[float, None, None]:
    """Paint at one size, yielding the loss at every step."""
    options = DescentOptions(keep_every=0)
    for step in descend([picture], measure, rule, steps=steps, options=options):
        if step.ending is not None and step.ending.kind == "diverged":
            raise Refused(
                f"The painting failed ({step.ending.sentence.rstrip('.')}): "
                "choose another strength or network."
            )
        mean.add(picture, step.number)
        loss = step.loss
        del step  # it holds a gradient as large as the picture
        yield loss


def _rule(recipe: StyleRecipe, size: Size) -> Rule:
    """How the steps at a size move the picture."""
    if not is_curved(recipe, size):
        return Adam(RATE, BETAS)
    rules = painting_rules(recipe)
    if rules > 3:
        if recipe.painter == "instant":
            first = row_of(AT_ONCE_FIRST, rules)
            memory = AT_ONCE_MEMORY if rules < 7 else max(1, min(AT_ONCE_MEMORY, size.steps - 1))
            stretch = row_of(STRETCH, rules)
            levels = row_of(AT_ONCE_LEVELS, rules)
            return PyramidBFGS(levels, quick=True, memory=memory, first=first, stretch=stretch)
        return PyramidBFGS(QUICK_LEVELS, quick=True)
    return LimitedBFGS() if rules < 3 else PyramidBFGS()


def _sources(recipe: StyleRecipe) -> tuple[Source, list[Source]]:
    photo = recipe.source("photo")
    if photo is None:
        raise Refused("A painting needs a photo: choose one.")
    paintings = [source for source in recipe.sources if source.role == "style"]
    if not paintings:
        raise Refused("No painting was given for the photo to be painted like: choose one or more.")
    if recipe.style_weights and len(recipe.style_weights) != len(paintings):
        raise Refused(
            f"{_counted(len(paintings), 'painting')} and {_counted(len(recipe.style_weights), 'weight')} "
            "were given: give each painting one weight, or give none."
        )
    if recipe.style_weights and not sum(recipe.style_weights) > 0:
        raise Refused(NO_WEIGHT)
    return photo, paintings


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _target(
    recipe: StyleRecipe,
    network: Prepared,
    base: Tensor,
    paintings: Sequence[Pixels],
    areas: Areas | None,
    structure: Tensor | None,
) -> StyleTarget:
    """What a picture of the size of `base`, the photo, is compared with. structure: see `structure_of`."""
    side, field = max(base.shape[-2:]), Field.of(base, network)
    layer, quick = _shapes_of(recipe), painting_rules(recipe) > 1
    with torch.no_grad():
        shapes = _shapes_in(recipe, base, network, field)
    if areas is None:
        weights = recipe.style_weights or (1.0,) * len(paintings)
        known = [_textures_of(recipe, network, painting, side) for painting in paintings]
        textures = (mixed(known, weights),)
        weight = _shapes_weight(recipe.strength)
        target = StyleTarget(textures, layer, shapes, weight, recipe.smoothness, quick=quick)
    else:
        target = _regional_target(recipe, network, base, paintings, areas, shapes)
    if by_transport(recipe):
        target = _by_transport(recipe, target)
    target = replace(target, broad=_broad(recipe, base, target.textures, areas))
    if structure is None:
        return target
    plain = row_of(PLAIN, min(painting_rules(recipe), 9 if recipe.painter == "instant" else PAINTING_RULES))
    factor = plain + _held_in(recipe) * min(1.0, 2 - 2 * recipe.strength) * _in_field(
        structure, base, field, shapes
    )
    return replace(target, held=factor if target.held is None else target.held * factor)


def _held_in(recipe: StyleRecipe) -> float:
    """How much more the photo's shapes weigh where it is held: the mean of what its paintings ask for."""
    return _asked_for(recipe, MORE_HELD_AT_ONCE if recipe.painter == "instant" else MORE_HELD, HELD)


def _asked_for(recipe: StyleRecipe, table: Mapping[int, Mapping[str, float]], usual: float) -> float:
    """The mean of what its paintings ask for in a table, by rules and sha256; `usual` for those not there."""
    asked = row_of(table, painting_rules(recipe))
    paintings = [source.sha256 for source in recipe.sources if source.role == "style"]
    if asked.keys().isdisjoint(paintings):
        return usual
    each = [asked.get(painting, usual) for painting in paintings]
    return float(np.average(each, weights=recipe.style_weights or None))


def _broad(
    recipe: StyleRecipe, base: Tensor, textures: Sequence[Statistics], areas: Areas | None
) -> BroadShapes | None:
    """The photo's broad shapes, where a recipe holds them: less above half strength, and not at full
    strength; not in what is painted at once, whose steps are few, nor in a published recipe.
    """
    held = recipe.hold_shapes * _held_at(recipe)
    if not held or painting_rules(recipe) < 5 or recipe.painter == "instant" or _published(recipe):
        return None
    shares = None
    if areas is not None:
        laid = torch.from_numpy(np.ascontiguousarray(areas.at(*base.shape[-2:]).shares))
        shares = list(laid.to(base.device).float().div_(255))
    return broad_shapes(base, [each.colours for each in textures], shares, held)


def _shapes_in(recipe: StyleRecipe, base: Tensor, network: Prepared, field: Field) -> Tensor:
    """The photo's features over the whole field. What is painted at once is often painted again with other
    settings, so they are kept.
    """
    layer = _shapes_of(recipe)
    if recipe.painter != "instant":
        return features_of_field(base, network, field, layer)
    key = "shapes", digest_of(base.cpu().numpy()), layer
    return network.once(key, lambda: features_of_field(base, network, field, layer))


def _in_field(values: Tensor, base: Tensor, field: Field, shapes: Tensor) -> Tensor:
    """Values [1, 1, h, w] of the whole photo at the places of its shapes over the field."""
    large = F.interpolate(values, base.shape[-2:], mode="bilinear", align_corners=False)
    laid = window(large, -field.above, -field.beside, field.height, field.width)
    return F.adaptive_avg_pool2d(laid, (shapes.shape[-2], shapes.shape[-1]))


def _regional_target(
    recipe: StyleRecipe,
    network: Prepared,
    base: Tensor,
    paintings: Sequence[Pixels],
    areas: Areas,
    shapes: Tensor,
) -> StyleTarget:
    side, field = max(base.shape[-2:]), Field.of(base, network)
    at_size = areas.at(*base.shape[-2:])
    textures, strengths = [], []
    for weights, strength, _ in _looks_in(recipe, at_size, len(paintings)):
        used = [(painting, weight) for painting, weight in zip(paintings, weights, strict=True) if weight]
        known = [_textures_of(recipe, network, painting, side) for painting, _ in used]
        textures.append(mixed(known, [weight for _, weight in used]))
        strengths.append(strength)
    laid = torch.from_numpy(np.ascontiguousarray(at_size.shares)).to(base.device)
    shares = window_of(laid, -field.above, -field.beside, field.height, field.width)
    parts = FieldAreas(shares)
    usual = _shapes_weight(recipe.strength)
    # What belongs to no region stays a photo in the end, so it may stay one on the way.
    factors = torch.tensor([_shapes_weight(strength) / usual for strength in strengths]).view(1, -1, 1, 1)
    at_shapes = parts.at(field.height // shapes.shape[-2])
    held = (at_shapes * factors.to(shapes)).sum(1, keepdim=True) + OUTSIDE * (
        1 - at_shapes.sum(1, keepdim=True)
    )
    layer = _shapes_of(recipe)
    return StyleTarget(tuple(textures), layer, shapes, usual, recipe.smoothness, parts, held)


def _shapes_weight(strength: float) -> float:
    """At half strength the photo's shapes weigh a third of one layer's textures; a quarter more or less is a
    factor of about three.
    """
    return float(0.3 * 100 ** (0.5 - strength))


def _textures_of(recipe: StyleRecipe, network: Prepared, painting: Pixels, side: int) -> Statistics:
    """The textures of a painting whose longer side is `side` times the recipe's `style_scale`."""
    side, layers, means = _painting_side(recipe, side), _textures_compared(recipe), by_transport(recipe)

    def find() -> Statistics:
        pixels = resize(painting, *fit_within(painting.shape[0], painting.shape[1], side))
        shown = tensor_of(pixels, network.device).float().div_(255)
        with torch.no_grad():
            return statistics_of(shown, network, Field.of(shown, network), layers, means)

    digest = digest_of(painting)
    own = recipe.source("weights") is not None or network.device.type != "cpu"
    if recipe.painter != "instant" or recipe.colour != "style" or own:  # others are hardly asked for again
        return network.once(("textures", digest, side, layers, means), find)
    weights = backbone(recipe.backbone).weights.sha256
    followed = digest, side, means, recipe.backbone, weights, _is_sparing(recipe)
    return network.once(("textures", digest, side, layers, means), lambda: kept(followed, layers, find))


def _painting_side(recipe: StyleRecipe, side: int) -> int:
    """The longer side, in pixels, of the paintings that a picture is compared with whose longer side is
    that.
    """
    return max(48, round(side * recipe.style_scale))


def texture_layers(name: str) -> tuple[str, ...]:
    """The layers of a backbone whose textures are compared. Raises `UnknownName`."""
    known = layers_of(name)
    return TEXTURES.get(name) or tuple(layer.name for layer in known[: max(1, len(known) - 1)])


def shapes_layer(name: str) -> str:
    """The layer of a backbone whose features are compared place by place. Raises `UnknownName`."""
    known = layers_of(name)
    return SHAPES.get(name) or known[round(0.45 * (len(known) - 1))].name


def by_transport(recipe: StyleRecipe) -> bool:
    """Whether features are compared by what it costs to move them (`transport`), and not by Gram matrices."""
    if recipe.texture_loss == "auto":
        return recipe.backbone in PUBLISHED and painting_rules(recipe) > 3
    return recipe.texture_loss == "transport"


def _published(recipe: StyleRecipe) -> bool:
    return by_transport(recipe) and recipe.backbone in PUBLISHED


def _textures_compared(recipe: StyleRecipe) -> tuple[str, ...]:
    return tuple(PUBLISHED[recipe.backbone]) if _published(recipe) else texture_layers(recipe.backbone)


def _shapes_of(recipe: StyleRecipe) -> str:
    return PUBLISHED_SHAPES[recipe.backbone][0] if _published(recipe) else shapes_layer(recipe.backbone)


def _by_transport(recipe: StyleRecipe, target: StyleTarget) -> StyleTarget:
    """The target whose features are compared by transport; with a published recipe's weights, if there is
    one: there shapes are compared as they are, and here as a share of their size.
    """
    clouds = tuple(
        {layer: Cloud.of(moments) for layer, moments in each.grams.items()} for each in target.textures
    )
    if not _published(recipe):
        return replace(target, transport=clouds)
    published = PUBLISHED_SHAPES[recipe.backbone][1] * float(target.shapes.square().mean())
    weight = target.shapes_weight / _shapes_weight(0.5) * published
    return replace(target, transport=clouds, weights=PUBLISHED[recipe.backbone], shapes_weight=weight)


def _network(recipe: StyleRecipe, materials: Materials) -> tuple[Prepared, ModelIdentity]:
    names = tuple(dict.fromkeys([*_textures_compared(recipe), _shapes_of(recipe)]))
    own = own_weights(recipe, materials)
    return open_network(recipe.backbone, names, own, sparing=_is_sparing(recipe))


def _is_sparing(recipe: StyleRecipe) -> bool:
    """Whether the steps take less memory: by the fifth rules, those that paint at once."""
    return recipe.painter == "instant" and painting_rules(recipe) > 4


# --- Pictures before, between and after the steps


def _as_large_as_used(easel: _Easel, sizes: Sequence[Size]) -> Sequence[Pixels]:
    """The paintings no larger than they are compared at the largest size, which saves time where little is
    taken: by the fourth rules, of what is painted at once.
    """
    recipe = easel.recipe
    if recipe.painter != "instant" or painting_rules(recipe) < 4 or easel.known is not None:
        return easel.paintings  # which are small already where networks have painted meanwhile
    return _small_paintings(recipe, easel.paintings, sizes, easel.network)


def _small_paintings(
    recipe: StyleRecipe, paintings: Sequence[Pixels], sizes: Sequence[Size], network: Prepared | None = None
) -> list[Pixels]:
    """The paintings at the size at which they are compared at the largest of these sizes, or as they are if
    they are smaller. network: what keeps them, if it is there yet.
    """
    side = _painting_side(recipe, max(max(size.height, size.width) for size in sizes))

    def small(painting: Pixels) -> Pixels:
        size = fit_within(painting.shape[0], painting.shape[1], min(side, max(painting.shape[:2])))
        if network is None:
            return resize(painting, *size)
        return network.once(("painting", digest_of(painting), size), lambda: resize(painting, *size))

    return [small(each) for each in paintings]


def _coloured(recipe: StyleRecipe, photo: Pixels, paintings: Sequence[Pixels]) -> tuple[Pixels, list[Pixels]]:
    """The photo and the paintings as they are compared: unchanged; with the paintings in the photo's palette;
    or all in grey, the paintings as bright as the photo.
    """
    match recipe.colour:
        case "content":
            return photo, [with_palette_of(painting, photo) for painting in paintings]
        case "luminance":
            light = brightness(photo)
            return grey(light), [grey(as_bright_as(brightness(painting), light)) for painting in paintings]
        case _:
            return photo, list(paintings)


def _started(base: Tensor, target: StyleTarget, generator: torch.Generator, areas: Areas | None) -> Tensor:
    """The first picture: the photo moved to the paintings' colours, which steps are slow to do, plus
    noise.
    """
    moved = [_recoloured(base, textures) for textures in target.textures]
    laid = moved[0]
    if areas is not None:
        shares = torch.from_numpy(areas.at(*base.shape[-2:]).shares).float().div_(255)
        photo = base.cpu()
        laid = photo + sum((each - photo) * share for each, share in zip(moved, shares, strict=True))
    noise = torch.randn(base.shape, generator=generator)
    started: Tensor = (laid + FIRST_NOISE * noise).clamp_(0, 1)
    return started.to(base.device).requires_grad_()


def _recoloured(base: Tensor, textures: Statistics) -> Tensor:
    """The photo [1, 3, h, w] with the mean and the spread of a painting's colours."""
    photo, moments = base.flatten(2)[0].double().cpu(), textures.colours.double().cpu()
    mean = moments[:3, 3]
    move = square_root(moments[:3, :3] - torch.outer(mean, mean)) @ torch.linalg.inv(
        square_root(torch.cov(photo, correction=0))
    )
    moved = move @ (photo - photo.mean(dim=1, keepdim=True)) + mean[:, None]
    laid: Tensor = moved.float().view(base.shape)
    return laid


def _enlarged(painted: Tensor, size: Size) -> Tensor:
    larger = F.interpolate(painted, (size.height, size.width), mode="bicubic", align_corners=False)
    return larger.clamp_(0, 1).requires_grad_()


class _MeanOfLast:
    """Clamps the picture to black and white, and keeps the mean over the last part of its steps: 0 keeps the
    picture itself.
    """

    def __init__(self, picture: Tensor, steps: int, part: float = MEAN_OF_LAST) -> None:
        self.first = steps - max(1, round(part * steps)) + 1 if part else steps + 1
        self.count = 0
        self.now = picture.detach()
        self.mean: Tensor | None = None

    @torch.no_grad()
    def add(self, picture: Tensor, number: int) -> None:
        picture.clamp_(0, 1)
        if number < self.first:
            return
        self.count += 1
        if self.mean is None:
            self.mean = picture.detach().clone()
        else:
            self.mean.lerp_(picture, 1 / self.count)

    def picture(self) -> Tensor:
        """The mean so far; before the last part begins, the picture itself."""
        return self.now if self.mean is None else self.mean


@dataclass(frozen=True)
class StylePreview:
    """JPEG of a painting in progress, until the next step."""

    mean: _MeanOfLast
    photo: Pixels
    mask: Pixels | None
    colour: str
    lights: float = 0.0

    def __call__(self) -> bytes:
        picture = self.mean.picture()
        factor = max(picture.shape[-2:]) // PREVIEW_SIDE
        if factor > 1:
            picture = F.avg_pool2d(picture, factor)
        height, width = picture.shape[-2:]
        mask = None if self.mask is None else resize(self.mask, height, width)
        photo = resize(self.photo, height, width)
        if self.lights:
            picture = picture.clone()
            hold_lights(picture, photo, self.lights)
        pixels = _finished(picture, photo, mask, self.colour)
        return write_jpeg(pixels, longest_side=PREVIEW_SIDE)


def _finished(painted: Tensor, photo: Pixels, mask: Pixels | None, colour: str) -> Pixels:
    """The painting as uint8 [h, w, 3], with the photo's colours if only brightness was painted, and laid over
    the photo where the mask is light.
    """
    return _laid_over(as_pixels(painted), photo, mask, colour)


def _laid_over(pixels: Pixels, photo: Pixels, mask: Pixels | None, colour: str) -> Pixels:
    """A painting, uint8 [h, w, 3], changed in place: with the photo's colours if only brightness was painted,
    and laid over the photo where the mask is light.
    """
    for rows in (slice(top, top + STRIP) for top in range(0, len(pixels), STRIP)):
        if colour == "luminance":
            light = pixels[rows].astype(np.float32).mean(axis=2, keepdims=True)
            own = photo[rows].astype(np.float32)
            pixels[rows] = np.clip(own + (light - own @ LUMA[:, None]), 0, 255).round()
        if mask is not None:
            share = mask[rows, :, None].astype(np.float32) / 255
            pixels[rows] = (photo[rows] * (1 - share) + pixels[rows] * share).round()
    return pixels
