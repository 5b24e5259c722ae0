"""What painters' networks paint of a photo: by today's rules what steps begin from, by earlier ones only the
finest strokes of that, or all of the picture.

begun = begun_by(recipe, photo, (height, width), painters)
finer = picture + strokes_for(recipe, picture, painters)
pixels = yield from paint_at_once(recipe, photo, painters)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.errors import Refused
from studio.images.canvas import STRIP, reading_rules, tensor_of
from studio.images.instant.painters import Painter, painter_for, read_painter
from studio.images.instant.pieces import PAINTING_SIDE, lay_pieces
from studio.images.instant.whole import paint_windows
from studio.images.palettes import as_bright_as, brightness, grey, with_palette_of
from studio.images.pictures import Pixels, read_picture, resize, write_jpeg
from studio.images.recipes import StyleRecipe
from studio.works.recipe import ModelIdentity, Source
from studio.works.work import Materials, Progress

PREVIEW_SIDE = 768

FINER = 2.0
"""Pixels: what is finer than these, a network adds everywhere."""


@dataclass(frozen=True)
class InstantPreview:
    """JPEG of a painting whose tiles are painted one after another."""

    painted: Pixels

    def __call__(self) -> bytes:
        return write_jpeg(self.painted, longest_side=PREVIEW_SIDE)


def open_painters(
    recipe: StyleRecipe, materials: Materials, paintings: list[Source]
) -> tuple[list[Painter], ModelIdentity]:
    """The painters of a recipe's paintings, in their order, and their identity.

    Their files are among the recipe's sources, or else found on this machine; where the recipe asks for it,
    they have the pieces of their paintings. Raises `Missing` for a painting that no painter has learnt,
    `Unreadable` for a damaged painter.
    """
    given = [
        read_painter(materials(source), source.name or "The painter")
        for source in recipe.sources
        if source.role == "painter"
    ]
    known = {painter.header.painting: painter for painter in given}
    found = [
        known.get(source.sha256) or painter_for(source.sha256, source.title or source.name or "this painting")
        for source in paintings
    ]
    names = " and ".join(dict.fromkeys(each.header.name for each in found))
    if recipe.pieces:
        rules = reading_rules(recipe)
        pictures = [
            read_picture(materials(each), each.name or "The painting", rules=rules) for each in paintings
        ]
        found = [each.with_pieces(picture.pixels) for each, picture in zip(found, pictures, strict=True)]
    joint = hashlib.sha256("".join(each.sha256 for each in found).encode()).hexdigest()
    sha256 = found[0].sha256 if len(found) == 1 else joint
    return found, ModelIdentity(name=f"the painter {names}"[:500], sha256=sha256)


def paint_at_once(
    recipe: StyleRecipe, photo: Pixels, painters: Sequence[Painter], later: int = 0
) -> Generator[Progress, None, Pixels]:
    """The photo, uint8 [h, w, 3], as the painters paint it, yielding after every tile. Several paint it one
    after the other, and the result is the mean of their pictures by the recipe's weights.

    later: steps of the same making that follow; the progress then stays at none of them. `style_scale` is
    reached by painting a smaller or larger copy: twice as broad strokes are painted at half the size. Raises
    `Refused` where that copy would be too small.
    """
    height, width = photo.shape[:2]
    high, wide = (max(1, round(side / recipe.style_scale)) for side in (height, width))
    if min(high, wide) < 8:
        raise Refused(
            "The photo is too small for strokes this broad: choose a larger size, or finer strokes."
        )
    shown = photo if (high, wide) == (height, width) else resize(photo, high, wide)
    weights = recipe.style_weights or (1.0,) * len(painters)
    mean, so_far = shown.copy(), 0.0
    for place, (painter, weight) in enumerate(zip(painters, weights, strict=True)):
        if not weight:
            continue
        so_far += weight
        painted = mean if so_far == weight else shown.copy()
        for tile, tiles in paint_windows(painter, shown, recipe.strength, recipe.seed, painted):
            done, total = place * tiles + tile, tiles * len(painters)
            said = "painting at once" if total == 1 else f"tile {done} of {total}"
            preview = InstantPreview(painted)
            yield Progress(0 if later else done, later or total, said, None, preview)
        if painter.pieces is not None:
            lay_pieces(painter.pieces, shown, painted, recipe.strength, recipe.seed)
        if painted is not mean:
            _mix_into(mean, painted, weight / so_far)
    if mean.shape != photo.shape:
        mean = resize(mean, height, width)
    return in_colours(mean, photo, recipe.colour)


class KnownPictures:
    """What painters' networks paint of one photo, each time that it is shown, once for every strength. Nobody
    may change the pictures.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, float, tuple[int, ...]], Pixels] = {}

    def of(self, painter: Painter, shown: Pixels, strength: float, seed: int) -> Pixels:
        """The photo `shown`, uint8 [h, w, 3], as the painter's network paints it."""
        key = painter.sha256, strength, shown.shape
        if key not in self._known:
            painted = np.empty_like(shown)
            for _ in paint_windows(painter, shown, strength, seed, painted):
                pass
            self._known[key] = painted
        return self._known[key]

    def paint(self, recipe: StyleRecipe, photo: Pixels, painters: Sequence[Painter]) -> None:
        """Have them paint the photo, uint8 [h, w, 3], as `begun_by` will ask for it."""
        for _ in _as_painted(recipe, photo, painters, None, self):
            pass


def begun_by(
    recipe: StyleRecipe,
    photo: Pixels,
    size: tuple[int, int],
    painters: Sequence[Painter],
    bounds: Mapping[str, float],
    copy: Callable[[int, int], Pixels] | None = None,
    known: KnownPictures | None = None,
) -> tuple[Tensor, Tensor] | None:
    """What the painters' networks paint of a photo, uint8 [h, w, 3], and what of that is finer than `FINER`
    pixels, float32 [1, 3, height, width], 0..1: the mean by the recipe's weights, in its colours. None where
    the photo is too small for them. bounds: how far the finest may go, as a multiple of its own root mean
    square, by the sha256 of a painter's painting. copy: what gives the photo at a height and width, if not
    `resize`.
    """
    painted, fine = torch.zeros(1, 3, *size), torch.zeros(1, 3, *size)
    given = None
    for painter, pixels, share in _as_painted(recipe, photo, painters, copy, known):
        laid = tensor_of(resize(in_colours(pixels, photo, recipe.colour), *size), torch.device("cpu"))
        given = laid.float().div_(255)
        finest = finest_of(given, recipe)
        if painter.header.painting in bounds:
            most = bounds[painter.header.painting] * float(finest.square().mean().sqrt())
            beyond = finest - finest.clamp(-most, most)
            given -= beyond
            finest -= beyond
        painted.add_(given, alpha=share)
        fine.add_(finest, alpha=share)
    return None if given is None else (painted, fine)


def strokes_for(recipe: StyleRecipe, picture: Tensor, painters: Sequence[Painter]) -> Tensor:
    """The finest strokes that the painters' networks paint over a picture [1, 3, h, w], 0..1, float32 of the
    same shape: what is finer than `FINER` pixels, weighed by the recipe's weights; nothing where the picture
    is too small for them.
    """
    height, width = picture.shape[-2:]
    added = torch.zeros_like(picture)
    for _, painted, share in _as_painted(recipe, _pixels(picture), painters):
        laid = tensor_of(resize(painted, height, width), torch.device("cpu")).float().div_(255)
        laid -= _without_finest(laid, _finer(recipe))
        added.add_(laid, alpha=share)
    return added.mean(1, keepdim=True).expand_as(added) if recipe.colour == "luminance" else added


def _as_painted(
    recipe: StyleRecipe,
    picture: Pixels,
    painters: Sequence[Painter],
    copy: Callable[[int, int], Pixels] | None = None,
    known: KnownPictures | None = None,
) -> Iterator[tuple[Painter, Pixels, float]]:
    """Each painter, what its network paints of a picture, uint8 [h, w, 3], and its share by the recipe's
    weights; nothing where the copy that is painted would have fewer than 8 pixels on a side.

    Its strokes lie as large in the picture as in the painting, times `style_scale`: the networks paint a copy
    of the size that they know.
    """
    height, width = picture.shape[:2]
    factor = PAINTING_SIDE / recipe.style_scale / max(height, width)
    high, wide = round(height * factor), round(width * factor)
    if min(high, wide) < 8:
        return
    shown = (copy or partial(resize, picture))(high, wide)
    weights = recipe.style_weights or (1.0,) * len(painters)
    for painter, weight in zip(painters, weights, strict=True):
        if not weight:
            continue
        painted = (known or KnownPictures()).of(painter, shown, recipe.strength, recipe.seed)
        yield painter, painted, weight / sum(weights)


def finest_of(picture: Tensor, recipe: StyleRecipe) -> Tensor:
    """What is finer than `FINER` pixels in a picture [n, c, h, w]."""
    return picture - _without_finest(picture, _finer(recipe))


def _finer(recipe: StyleRecipe) -> float:
    return FINER * max(1.0, recipe.style_scale)


def _without_finest(picture: Tensor, pixels: float) -> Tensor:
    """The picture without what is finer than so many pixels."""
    size = [max(1, round(side / pixels)) for side in picture.shape[-2:]]
    small = F.interpolate(picture, size, mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(small, picture.shape[-2:], mode="bicubic", align_corners=False)


def _pixels(picture: Tensor) -> Pixels:
    pixels: Pixels = picture.mul(255).round_().clamp_(0, 255).to(torch.uint8)[0].permute(1, 2, 0).numpy()
    return np.ascontiguousarray(pixels)


def _mix_into(mean: Pixels, painted: Pixels, share: float) -> None:
    """Move a picture towards another by that share, in place."""
    for rows in (slice(top, top + STRIP) for top in range(0, len(mean), STRIP)):
        mixed = mean[rows] * np.float32(1 - share) + painted[rows] * np.float32(share)
        mean[rows] = mixed.round()


def in_colours(painted: Pixels, photo: Pixels, colour: str) -> Pixels:
    """The painting in the colours that a recipe asks for; for "luminance", its light and dark in grey."""
    match colour:
        case "content":
            return with_palette_of(painted, photo)
        case "luminance":
            light: np.ndarray = as_bright_as(brightness(painted), brightness(photo))
            return grey(light)
        case _:
            return painted
