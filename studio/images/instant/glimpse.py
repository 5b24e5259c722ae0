"""Quick previews of paintings, while somebody moves a slider: painted at once, kept nowhere.

    glimpses = Glimpses()
    seen = glimpses.paint(recipe, photo, paintings)
    show(seen.jpeg)

A preview has the pixels of the instant painter's work of the same recipe, up to a size of `LARGEST`.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from studio.images.instant.painters import Painter, painter_file_for, read_painter
from studio.images.instant.painting import paint_at_once
from studio.images.pictures import Pixels, fit_within, read_picture, resize, write_jpeg
from studio.images.planning import takes_steps
from studio.images.recipes import StyleRecipe
from studio.images.style import paint_quickly
from studio.process import finish
from studio.works.ingredient import Ingredient

T = TypeVar("T")

LARGEST = 1024
"""Longer side, in pixels, of a preview. A larger work is the same picture, enlarged."""

KEPT_PHOTOS, KEPT_PAINTERS, KEPT_PAINTINGS = 2, 8, 3
"""What is kept in memory: a photo of at most 3 MB, a painter of 2 MB with its pieces of at most 15, and
paintings.
"""


@dataclass(frozen=True)
class Glimpse:
    """jpeg: the preview. seconds: that it took to paint. smaller: whether the work will be larger."""

    jpeg: bytes
    seconds: float
    smaller: bool


class Glimpses:
    """Paints previews one after another, and keeps the photos and painters of the last. Safe to use from many
    threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._photos: OrderedDict[Any, Pixels] = OrderedDict()
        self._painters: OrderedDict[Any, Painter] = OrderedDict()
        self._paintings: OrderedDict[Any, Pixels] = OrderedDict()

    def paint(self, recipe: StyleRecipe, photo: Ingredient, paintings: Sequence[Ingredient]) -> Glimpse:
        """The recipe's strength, scale, colours, weights and seed count, and its size up to `LARGEST`.

        Raises `Missing` for a painting that no painter has learnt, `Unreadable` for what is no picture,
        `Refused` for strokes that are too broad.
        """
        files = [
            painter_file_for(_sha256(each.content), each.title or each.name or "this painting")
            for each in paintings
        ]
        with self._lock:
            shown, smaller = self._photo(photo, recipe.size)
            painters = [
                self._painter(path, painting if recipe.pieces else None)
                for path, painting in zip(files, paintings, strict=True)
            ]
            pictures = [self._painting(each) for each in paintings]
            began = time.perf_counter()
            if takes_steps(recipe):
                painted = finish(paint_quickly(recipe, shown, pictures, painters))
            else:
                painted = finish(paint_at_once(recipe, shown, painters))
            seconds = time.perf_counter() - began
        return Glimpse(write_jpeg(painted, quality=88), seconds, smaller)

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

    def _photo(self, photo: Ingredient, size: int | None) -> tuple[Pixels, bool]:
        """The photo at the work's size, or at `LARGEST`, and whether the work is larger."""

        def read() -> Pixels:
            pixels = read_picture(photo.content, photo.name or "The photo").pixels
            side = max(pixels.shape[:2])
            height, width = fit_within(pixels.shape[0], pixels.shape[1], min(size or side, LARGEST))
            return resize(pixels, height, width)

        shown = _kept(self._photos, (_sha256(photo.content), size), KEPT_PHOTOS, read)
        return shown, max(shown.shape[:2]) == LARGEST and (size is None or size > LARGEST)


def _kept(kept: OrderedDict[Any, T], key: Any, most: int, read: Callable[[], T]) -> T:
    if key not in kept:
        kept[key] = read()
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
    return kept[key]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
