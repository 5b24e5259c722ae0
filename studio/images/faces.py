"""Where a photo shows faces, so that a portrait stays one.

    shown = faces_map(photo)          # float32 [1, 1, h', w'], 1 in faces, 0 elsewhere

A face is found as Viola and Jones find it ("Rapid object detection using a boosted cascade of simple
features", CVPR 2001): a window of 24 x 24 pixels goes over the photo at many sizes, and stage after stage of
tests leaves fewer places. The tests look at local binary patterns of blocks (Liao et al., "Learning
multi-scale block local binary patterns for face recognition", ICB 2007). They were learnt by OpenCV, and
models/faces.json says more. Faces from the side are not found, nor those of animals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from studio.images.pictures import Pixels, fit_within, resize
from studio.works.shipped import shipped

SIDE = 320
"""Longer side, in pixels, of the photo that is looked at: the smallest faces that are found are a thirteenth
of it.
"""

WINDOW, GROWTH = 24, 1.15
"""Side of the window, in pixels, and how much smaller the photo is each time that it goes over it."""

TOGETHER, ALIKE = 0.25, 1.6
"""Finds are of one face whose middles are not farther apart than this share of the larger one's side, and
whose sides differ by no larger factor.
"""

LEAST = 5
"""Finds that make a face. Of 27 photos without one, none has more than four in one place."""

LOWER, WIDE, HIGH = 0.52, 0.5, 0.62
"""Where the middle of a face is below the top of its window, and half of its width and height: as shares of
the window's side, which reaches from the brows to the chin.
"""

INNER, OUTER = 0.8, 1.25
"""All of a face is inside the first of these, nothing outside the second: times its half width and height."""

_BITS = np.array([128, 64, 32, 1, 0, 16, 2, 4, 8], np.uint8)
"""Of a pattern: the bit of each of three by three blocks, row by row, that is not darker than the middle
one.
"""


@dataclass(frozen=True)
class Face:
    """A square from a face's brows to its chin: its left and top corner and its side, as shares of the
    photo's longer side. finds: how often it was found.
    """

    left: float
    top: float
    side: float
    finds: int


@dataclass(frozen=True)
class Cascade:
    """blocks: left, top, width and height of the first of three by three blocks of a test, uint8 [n, 4].
    used: the blocks of each test. scores: of each test, by its pattern, float32 [tests, 256]. ends: of each
    stage, the number of tests up to its last. thresholds: what their scores must add up to.
    """

    blocks: np.ndarray
    used: np.ndarray
    scores: np.ndarray
    ends: np.ndarray
    thresholds: np.ndarray


@cache
def _cascade() -> Cascade:
    from safetensors.numpy import load

    return Cascade(**load((Path(shipped("models")) / "faces.safetensors").read_bytes()))


def faces_in(photo: Pixels) -> list[Face]:
    """The faces in a photo, uint8 [h, w, 3], the largest first. They are found once (50 to 150 ms), and then
    known.
    """
    size = fit_within(photo.shape[0], photo.shape[1], min(SIDE, max(photo.shape[:2])))
    grey = resize(photo, *size).astype(np.float32).mean(2).round().astype(np.uint8)
    return list(_found_in(grey.tobytes(), grey.shape))


@lru_cache(maxsize=64)
def _found_in(content: bytes, size: tuple[int, int]) -> tuple[Face, ...]:
    """The faces in a picture, uint8 of that size. Every other row and column is looked at first, which takes
    a quarter of the time, and then all of them near what was found there.
    """
    views = list(_views(np.frombuffer(content, np.uint8).reshape(size)))
    first = [each for view in views for each in view.passed(view.places(every=2))]
    finds = [each for view in views for each in view.passed(view.near(first))] if first else []
    found = []
    for each in _together(finds):
        left, top, side = (np.mean(each, axis=0) / max(size)).tolist()
        if len(each) >= LEAST:
            found.append(Face(left, top, side, len(each)))
    return tuple(found)


def faces_map(photo: Pixels) -> Tensor:
    """How much every place of a photo, uint8 [h, w, 3], belongs to a face: float32 [1, 1, h', w'] in 0..1, at
    most `SIDE` pixels wide or high.
    """
    height, width = fit_within(photo.shape[0], photo.shape[1], min(SIDE, max(photo.shape[:2])))
    laid = torch.zeros(height, width)
    rows = torch.arange(height, dtype=torch.float32)[:, None] + 0.5
    columns = torch.arange(width, dtype=torch.float32)[None] + 0.5
    for face in faces_in(photo):
        left, top, side = (value * max(height, width) for value in (face.left, face.top, face.side))
        across = (columns - left - side / 2) / (WIDE * side)
        down = (rows - top - LOWER * side) / (HIGH * side)
        inside = ((OUTER - torch.hypot(across, down)) / (OUTER - INNER)).clamp(0, 1)
        laid = torch.maximum(laid, inside.square() * (3 - 2 * inside))
    return laid[None, None]


Found = tuple[float, float, float]
"""Left, top and side of a window that passed all stages, in pixels of the photo that is looked at."""


@dataclass(frozen=True)
class _View:
    """The photo at a smaller size, as the sums of the pixels above and to the left of every corner, int32
    [h + 1, w + 1]. scale: how much smaller it is.
    """

    sums: np.ndarray
    scale: float

    def places(self, every: int = 1) -> np.ndarray:
        """The windows of every so many rows and columns, as places in the flat sums."""
        height, width = (side - WINDOW for side in self.sums.shape)
        lines = np.arange(0, height, every)[:, None] * self.sums.shape[1]
        places: np.ndarray = (lines + np.arange(0, width, every)).ravel()
        return places

    def near(self, found: list[Found]) -> np.ndarray:
        """The windows that are of one face with any that were found."""
        side, places = WINDOW * self.scale, self.places()
        rows, columns = np.divmod(places, self.sums.shape[1])
        down, across = rows * self.scale + side / 2, columns * self.scale + side / 2
        wanted = np.zeros(len(places), bool)
        for left, top, other in found:
            if max(side, other) < ALIKE * min(side, other):
                far = TOGETHER * max(side, other)
                wanted |= (abs(across - left - other / 2) < far) & (abs(down - top - other / 2) < far)
        return places[wanted]

    def passed(self, places: np.ndarray) -> list[Found]:
        """Those of these windows that pass all stages."""
        line, flat, cascade, begin = self.sums.shape[1], self.sums.ravel(), _cascade(), 0
        for end, threshold in zip(cascade.ends.tolist(), cascade.thresholds.tolist(), strict=True):
            corners = np.take(flat, _corners(cascade.blocks[cascade.used[begin:end]], line)[:, None] + places)
            patterns = _patterns(corners.reshape(end - begin, 4, 4, len(places)))
            scores = cascade.scores[np.arange(begin, end)[:, None], patterns].sum(0)
            places = places[scores >= threshold]
            if not len(places):
                return []
            begin = end
        scale = self.scale
        return [(place % line * scale, place // line * scale, WINDOW * scale) for place in places.tolist()]


def _views(grey: np.ndarray) -> Iterator[_View]:
    """A picture, uint8 [h, w], at all sizes at which the window fits into it."""
    scale = 1.0
    while min(grey.shape) / scale >= WINDOW:
        high, wide = (round(side / scale) for side in grey.shape)
        small = resize(grey, high, wide)
        sums = np.zeros((high + 1, wide + 1), np.int32)
        sums[1:, 1:] = small.cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32)
        yield _View(sums, scale)
        scale *= GROWTH


def _corners(blocks: np.ndarray, line: int) -> np.ndarray:
    """Of tests with these first blocks, [n, 4], where the sums are that nine blocks end at: how far beyond a
    window's place, [16 n]. line: sums in a row.
    """
    left, top, wide, high = blocks.astype(np.intp).T[..., None, None]
    down, across = np.arange(4)[:, None], np.arange(4)
    found: np.ndarray = ((top + down * high) * line + left + across * wide).ravel()
    return found


def _patterns(corners: np.ndarray) -> np.ndarray:
    """The patterns, uint8 [tests, n], of the sums up to the corners of three by three blocks,
    [tests, 4, 4, n].
    """
    upper = corners[:, 1:] - corners[:, :-1]
    blocks = upper[:, :, 1:] - upper[:, :, :-1]
    found = np.zeros((len(blocks), blocks.shape[-1]), np.uint8)
    for place, bit in enumerate(_BITS):
        if bit:
            found |= (blocks[:, place // 3, place % 3] >= blocks[:, 1, 1]).view(np.uint8) * bit
    return found


def _together(found: list[Found]) -> list[list[Found]]:
    """Finds, each left, top and side, by the faces that they are of."""
    faces: list[list[Found]] = []
    for left, top, side in sorted(found, key=lambda each: -each[2]):
        for face in faces:
            other_left, other_top, other = np.mean(face, axis=0)
            far = TOGETHER * max(side, other)
            near = abs(left + side / 2 - other_left - other / 2) < far
            level = abs(top + side / 2 - other_top - other / 2) < far
            if near and level and max(side, other) < ALIKE * min(side, other):
                face.append((left, top, side))
                break
        else:
            faces.append([(left, top, side)])
    return faces
