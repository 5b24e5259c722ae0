"""What can be told of pictures before anything is made from them. Loads no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from studio.errors import Refused
from studio.images.pictures import read_picture

if TYPE_CHECKING:
    from studio.works.ingredient import Ingredient

FLAT = 2 / 255
"""A picture whose colours all deviate less than this from their mean, 0..1, is of one colour."""


def check_has_strokes(content: bytes, name: str) -> None:
    """Raises `Refused` for a painting of one colour, `Unreadable` for what is no picture."""
    if _is_flat(content, name or "The painting"):
        raise Refused(
            f"{name or 'The painting'} has only one colour, so there are no strokes to learn: choose another "
            "painting."
        )


def check_guides(ingredients: Sequence[Ingredient]) -> None:
    """Raises `Refused` for a guide of one colour, `Unreadable` for one that is no picture."""
    for each in ingredients:
        if each.role == "guide" and _is_flat(each.content, each.name or "The guide"):
            raise Refused(
                f"{each.name or 'The guide'} has only one colour, so there is nothing to dream towards: "
                "choose another guide."
            )


def _is_flat(content: bytes, name: str) -> bool:
    pixels = read_picture(content, name).pixels
    return float(pixels.reshape(-1, 3).std(axis=0, dtype=np.float64).max()) < 255 * FLAT


def check_paintings(ingredients: Sequence[Ingredient]) -> None:
    """Raises `Refused` for a photo that is to be its own painting, and for a painting of one colour."""
    paintings = [each for each in ingredients if each.role == "style"]
    photos = {hashlib.sha256(each.content).digest(): each for each in ingredients if each.role == "photo"}
    for each in paintings:
        if hashlib.sha256(each.content).digest() in photos:
            raise Refused(
                f"{each.name or 'The photo'} is both the photo and the painting, so nothing would change: "
                "choose another painting."
            )
    for each in paintings:
        check_has_strokes(each.content, each.name)
