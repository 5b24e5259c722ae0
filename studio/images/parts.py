"""The parts of a photo that the studio tells apart, shown to somebody who is to choose among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.images.pictures import Pixels, resize, write_jpeg
from studio.images.segments import Segments, segments_of

SHOWN_SIDE = 240
"""Longer side, in pixels, of the picture of a part."""


@dataclass(frozen=True)
class PhotoPart:
    """place: as a recipe writes it. share: of the picture, 0 to 1. where: a few words. jpeg: the photo, dark
    outside this part.
    """

    place: str
    share: float
    where: str
    jpeg: bytes


def parts_shown(photo: Pixels) -> list[PhotoPart]:
    """The segments, the subject and the background of a photo, uint8 [h, w, 3]."""
    return parts_of(segments_of(photo), photo)


def parts_of(found: Segments, photo: Pixels) -> list[PhotoPart]:
    """The same, of segments that were found."""
    places = [f"segment {number + 1}" for number in range(len(found.parts))]
    small = resize(photo, *found.subject.shape)
    parts = []
    for place in (*places, "subject", "background"):
        light = found.light(place)
        shown = (small * (0.2 + 0.8 * light[..., None] / 255)).round().astype(np.uint8)
        share = round(float(light.mean()) / 255, 3)
        parts.append(PhotoPart(place, share, _where(light), write_jpeg(shown, longest_side=SHOWN_SIDE)))
    return parts


def _where(light: Pixels) -> str:
    """Where a part mostly lies, in words."""
    weight = max(1.0, float(light.sum()))
    row = float(light.sum(1) @ np.linspace(0, 1, light.shape[0])) / weight
    column = float(light.sum(0) @ np.linspace(0, 1, light.shape[1])) / weight
    high = "above" if row < 0.4 else "below" if row > 0.6 else ""
    wide = "left" if column < 0.4 else "right" if column > 0.6 else ""
    return ", ".join(filter(None, (high, wide))) or "in the middle"
