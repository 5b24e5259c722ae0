"""Quick previews of paintings, while somebody moves a slider: painted at once, kept nowhere.

    glimpses = Glimpses()
    seen = glimpses.paint(recipe, photo, paintings)
    show(seen.jpeg)

A preview has the pixels of the instant painter's work of the same recipe, up to a size of `LARGEST`. While a
slider is held, previews are smaller, and those of the strengths between a few are mixed.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from studio.images.instant.painters import Painter, painter_file_for, read_painter
from studio.images.instant.painting import paint_at_once
from studio.images.memory import SPARING, HeldMemory
from studio.images.pictures import Pixels, fit_within, read_picture, resize, write_jpeg
from studio.images.planning import takes_steps
from studio.images.recipes import StyleRecipe
from studio.images.style import paint_quickly
from studio.process import finish
from studio.works.ingredient import Ingredient
from studio.works.work import Progress

T = TypeVar("T")

LARGEST = 1024
"""Longer side, in pixels, of a preview. A larger work is the same picture, enlarged and made finer."""

HELD_SIDE, HELD_AT = 320, (0.0, 0.5, 1.0)
"""Longer side, in pixels, of a preview while a slider is held; and the strengths that are painted for it. One
between them is mixed from two, which takes a hundredth of the time.
"""

KEPT_PHOTOS, KEPT_PAINTERS, KEPT_PAINTINGS, KEPT_ENDS = 4, 8, 3, 6
"""What is kept in memory: a photo of at most 3 MB, a painter of 2 MB with its pieces of at most 15,
paintings, and small previews at the strengths of `HELD_AT`.
"""


@dataclass(frozen=True)
class Glimpse:
    """jpeg: the preview. seconds: that it took to paint. smaller: whether the work will be larger. held: it
    was painted while a slider was held, and is only nearly what the work will be.
    """

    jpeg: bytes
    seconds: float
    smaller: bool
    held: bool = False


class Overtaken(Exception):
    """The same visitor wants another preview by now."""


class Glimpses:
    """Paints previews one after another, and keeps the photos and painters of the last. Safe to use from many
    threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._photos: OrderedDict[Any, Pixels] = OrderedDict()
        self._painters: OrderedDict[Any, Painter] = OrderedDict()
        self._paintings: OrderedDict[Any, Pixels] = OrderedDict()
        self._ends: OrderedDict[Any, Pixels] = OrderedDict()
        self._wanted: dict[str, object] = {}
        self._memory = HeldMemory(SPARING)

    def paint(
        self,
        recipe: StyleRecipe,
        photo: Ingredient,
        paintings: Sequence[Ingredient],
        *,
        held: bool = False,
        visitor: str = "",
    ) -> Glimpse:
        """The recipe's strength, scale, colours, weights and seed count, and its size up to `LARGEST`.

        held: while a slider is held. visitor: who asks; their preview that is still being painted is given
        up. Raises `Missing` for a painting that no painter has learnt, `Unreadable` for what is no picture,
        `Refused` for strokes that are too broad, `Overtaken` for a preview that was given up.
        """
        turn = self._wanted[visitor] = object()

        def check_wanted(_: object = None) -> None:
            if self._wanted.get(visitor) is not turn:
                raise Overtaken

        try:
            return self._painted(recipe, photo, paintings, held, check_wanted)
        finally:
            if self._wanted.get(visitor) is turn:
                del self._wanted[visitor]

    def _painted(
        self,
        recipe: StyleRecipe,
        photo: Ingredient,
        paintings: Sequence[Ingredient],
        held: bool,
        check_wanted: Callable[[object], None],
    ) -> Glimpse:
        files = [
            painter_file_for(_sha256(each.content), each.title or each.name or "this painting")
            for each in paintings
        ]
        held = held and takes_steps(recipe)
        with self._lock:
            check_wanted(None)
            shown, smaller = self._photo(photo, recipe.size, HELD_SIDE if held else LARGEST)
            painters = [
                self._painter(path, painting if recipe.pieces else None)
                for path, painting in zip(files, paintings, strict=True)
            ]
            pictures = [self._painting(each) for each in paintings]
            self._memory.hold()
            began = time.perf_counter()
            if held:
                same = recipe.model_copy(update={"strength": 0.5}).to_json()
                key = (_sha256(photo.content), *files, same, shown.shape)
                painting = self._held(recipe, shown, pictures, painters, key)
            elif takes_steps(recipe):
                painting = paint_quickly(recipe, shown, pictures, painters)
            else:
                painting = paint_at_once(recipe, shown, painters)
            painted = finish(painting, check_wanted)
            seconds = time.perf_counter() - began
        return Glimpse(write_jpeg(painted, quality=88), seconds, smaller, held)

    def _held(
        self,
        recipe: StyleRecipe,
        shown: Pixels,
        pictures: Sequence[Pixels],
        painters: Sequence[Painter],
        key: Any,
    ) -> Generator[Progress, None, Pixels]:
        """A preview between the two of `HELD_AT` that are nearest in strength."""
        above = next(place for place, each in enumerate(HELD_AT) if each >= recipe.strength and place)
        ends = []
        for strength in HELD_AT[above - 1 : above + 1]:
            if (strength, key) not in self._ends:
                own = recipe.model_copy(update={"strength": strength})
                self._ends[strength, key] = yield from paint_quickly(own, shown, pictures, painters)
            ends.append(_kept(self._ends, (strength, key), KEPT_ENDS, lambda: shown))
        low, high = HELD_AT[above - 1 : above + 1]
        share = np.float32((recipe.strength - low) / (high - low))
        mixed: Pixels = (ends[0] * (1 - share) + ends[1] * share).round().astype(np.uint8)
        return mixed

    def _painter(self, path: Path, painting: Ingredient | None) -> Painter:
        """The painter in that file, with the pieces of its painting."""
        key = (str(path), path.stat().st_mtime_ns, painting is None)  # one that is still learning changes

        def read() -> Painter:
            found = read_painter(path.read_bytes(), path.name)
            if painting is None:
                return found
            return found.with_pieces(read_picture(painting.content, painting.name or "The painting").pixels)

        return _kept(self._painters, key, KEPT_PAINTERS, read)

    def _painting(self, painting: Ingredient) -> Pixels:
        def read() -> Pixels:
            return read_picture(painting.content, painting.name or "The painting").pixels

        return _kept(self._paintings, _sha256(painting.content), KEPT_PAINTINGS, read)

    def _photo(self, photo: Ingredient, size: int | None, largest: int) -> tuple[Pixels, bool]:
        """The photo at the work's size, or at `largest`, and whether the work is larger."""

        def read() -> Pixels:
            pixels = read_picture(photo.content, photo.name or "The photo").pixels
            side = max(pixels.shape[:2])
            height, width = fit_within(pixels.shape[0], pixels.shape[1], min(size or side, largest))
            return resize(pixels, height, width)

        shown = _kept(self._photos, (_sha256(photo.content), size, largest), KEPT_PHOTOS, read)
        return shown, max(shown.shape[:2]) == largest and (size is None or size > largest)


def _kept(kept: OrderedDict[Any, T], key: Any, most: int, read: Callable[[], T]) -> T:
    if key not in kept:
        kept[key] = read()
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
    return kept[key]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
