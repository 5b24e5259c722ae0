"""A preview is what the instant painter's work will be."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from studio.errors import Missing
from studio.images.instant.glimpse import LARGEST, Glimpses
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.pictures import read_picture, write_jpeg
from studio.images.recipes import StyleRecipe
from studio.images.style import paint
from studio.process import finish
from studio.works.ingredient import Ingredient
from studio.works.recipe import Source
from tests.app.photos import picture

PHOTO = Ingredient("photo", picture(), "hills.jpg")


def source(each: Ingredient) -> Source:
    return Source(sha256=hashlib.sha256(each.content).hexdigest(), role=each.role, name=each.name)


@pytest.mark.parametrize("names", [("whirls",), ("glass",), ("whirls", "glass")])
def test_a_preview_has_the_pixels_of_the_work(names: tuple[str, ...]) -> None:
    paintings = [PAINTINGS[name].ingredient() for name in names]
    weights = (0.25, 0.75) if len(names) == 2 else ()
    settings = {"size": 160, "strength": 0.8, "seed": 3, "style_weights": weights, "painter": "instant"}
    settings |= {"pieces": names != ("whirls",)}
    given = {source(each): each.content for each in (PHOTO, *paintings)}
    work = finish(paint(StyleRecipe(sources=tuple(given), **settings), given.__getitem__))
    seen = Glimpses().paint(StyleRecipe(**settings), PHOTO, paintings)
    assert seen.jpeg == write_jpeg(read_picture(work.content).pixels, quality=88)
    assert not seen.smaller


def test_the_slider_changes_the_preview_and_a_large_work_is_previewed_smaller() -> None:
    glimpses, paintings = Glimpses(), [PAINTINGS["woodcut"].ingredient()]
    written = io.BytesIO()
    Image.fromarray(np.zeros((200, 2000, 3), np.uint8)).save(written, "PNG")
    wide = Ingredient("photo", written.getvalue(), "wide.png")
    seen = glimpses.paint(StyleRecipe(size=None), wide, paintings)
    assert seen.smaller
    assert max(read_picture(seen.jpeg).pixels.shape) == LARGEST
    weak, strong = (
        read_picture(glimpses.paint(StyleRecipe(size=160, strength=each), PHOTO, paintings).jpeg).pixels
        for each in (0.0, 1.0)
    )
    assert np.abs(weak.astype(int) - strong).mean() > 3


def test_a_painting_that_nobody_learnt_has_no_preview() -> None:
    with pytest.raises(Missing, match="No painter has learnt"):
        Glimpses().paint(StyleRecipe(size=96), PHOTO, [Ingredient("style", picture(seed=9), "own.jpg")])
