"""A photo painted at once, and where an optimised painting can begin from that.

pixels = yield from paint_at_once(recipe, photo, painter)
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from studio.errors import Refused
from studio.images.instant.painters import Painter, mixed, painter_for, read_painter
from studio.images.instant.whole import paint_windows
from studio.images.palettes import as_bright_as, brightness, grey, with_palette_of
from studio.images.pictures import Pixels, resize, write_jpeg
from studio.images.recipes import StyleRecipe
from studio.works.recipe import ModelIdentity, Source
from studio.works.work import Materials, Progress

PREVIEW_SIDE = 768


@dataclass(frozen=True)
class InstantPreview:
    """JPEG of a painting whose tiles are painted one after another."""

    painted: Pixels

    def __call__(self) -> bytes:
        return write_jpeg(self.painted, longest_side=PREVIEW_SIDE)


def open_painters(
    recipe: StyleRecipe, materials: Materials, paintings: list[Source]
) -> tuple[Painter, ModelIdentity]:
    """The painter of a recipe's paintings, mixed by their weights if there are several, and its identity.

    Its file is among the recipe's sources, or else found among the painters of this machine. Raises
    `Missing` for a painting that no painter has learnt, `Refused` for painters that cannot be mixed,
    `Unreadable` for a damaged one.
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
    painter = mixed(found, recipe.style_weights or (1.0,) * len(found))
    names = " and ".join(dict.fromkeys(each.header.name for each in found))
    return painter, ModelIdentity(name=f"the painter {names}"[:500], sha256=painter.sha256)


def paint_at_once(
    recipe: StyleRecipe, photo: Pixels, painter: Painter, later: int = 0
) -> Generator[Progress, None, Pixels]:
    """The photo, uint8 [h, w, 3], as the painter paints it, yielding after every tile.

    later: steps of the same making that follow; the progress then stays at none of them. `style_scale` is
    reached by painting a smaller or larger copy: twice as broad strokes are painted at half
    the size. Raises `Refused` where that copy would be too small.
    """
    height, width = photo.shape[:2]
    high, wide = (max(1, round(side / recipe.style_scale)) for side in (height, width))
    if min(high, wide) < 8:
        raise Refused(
            "The photo is too small for strokes this broad: choose a larger size, or finer strokes."
        )
    shown = photo if (high, wide) == (height, width) else resize(photo, high, wide)
    painted = shown.copy()
    for done, total in paint_windows(painter, shown, recipe.strength, recipe.seed, painted):
        said = "painting at once" if total == 1 else f"tile {done} of {total}"
        yield Progress(0 if later else done, later or total, said, None, InstantPreview(painted))
    if painted.shape != photo.shape:
        painted = resize(painted, height, width)
    return _in_colours(painted, photo, recipe.colour)


def _in_colours(painted: Pixels, photo: Pixels, colour: str) -> Pixels:
    """The painting in the colours that a recipe asks for; for "luminance", its light and dark in grey."""
    match colour:
        case "content":
            return with_palette_of(painted, photo)
        case "luminance":
            light: np.ndarray = as_bright_as(brightness(painted), brightness(photo))
            return grey(light)
        case _:
            return painted
