"""A preview is what the instant painter's work will be."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from PIL import Image

from studio.errors import Missing
from studio.images.instant import glimpse
from studio.images.instant.glimpse import HELD_SIDE, LARGEST, Glimpses, Overtaken
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.pictures import Pixels, read_picture, resize, write_jpeg
from studio.images.recipes import StyleRecipe
from studio.images.style import paint
from studio.process import finish
from studio.works.ingredient import Ingredient
from studio.works.recipe import Source
from tests.app.photos import picture

PATIENCE = 120.0

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


def test_the_slider_changes_the_preview() -> None:
    glimpses, paintings = Glimpses(), [PAINTINGS["woodcut"].ingredient()]
    weak, strong = (
        read_picture(
            glimpses.paint(StyleRecipe(size=64, strength=each, painter="instant"), PHOTO, paintings).jpeg
        ).pixels
        for each in (0.0, 1.0)
    )
    assert np.abs(weak.astype(int) - strong).mean() > 3


@pytest.mark.parametrize(("held", "longest"), [(False, LARGEST), (True, HELD_SIDE)])
def test_a_large_work_is_previewed_smaller(held: bool, longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def unpainted(_: StyleRecipe, photo: Pixels, *__: object) -> Generator[None, None, Pixels]:
        yield None
        return photo

    monkeypatch.setattr(glimpse, "paint_quickly", unpainted)  # only how large it is matters here
    written = io.BytesIO()
    Image.fromarray(np.zeros((200, 2000, 3), np.uint8)).save(written, "PNG")
    wide = Ingredient("photo", written.getvalue(), "wide.png")
    seen = Glimpses().paint(StyleRecipe(size=None), wide, [PAINTINGS["woodcut"].ingredient()], held=held)
    assert (seen.held, seen.smaller) == (held, True)
    assert max(read_picture(seen.jpeg).pixels.shape) == longest


def test_while_a_slider_is_held_previews_are_small_and_follow_it() -> None:
    glimpses, paintings = Glimpses(), [PAINTINGS["whirls"].ingredient()]

    def seen(strength: float, *, held: bool) -> Pixels:
        recipe = StyleRecipe(size=64, strength=strength, painter="instant")
        return read_picture(glimpses.paint(recipe, PHOTO, paintings, held=held).jpeg).pixels

    assert np.array_equal(seen(1.0, held=True), seen(1.0, held=False))
    small = [resize(seen(each, held=True), 9, 12).astype(float) for each in (0.75, 0.5, 1.0)]
    assert np.abs(small[0] - (small[1] + small[2]) / 2).mean() < 2  # of JPEG files, so not the pixels


def test_a_preview_is_given_up_for_a_later_one_of_the_same_visitor(monkeypatch: pytest.MonkeyPatch) -> None:
    began = {"a": threading.Event(), "b": threading.Event()}
    recipes = {visitor: StyleRecipe(size=64, seed=seed) for seed, visitor in enumerate(began)}
    painting = [PAINTINGS["whirls"].ingredient()]
    until: dict[str, bool] = {}

    def forever(recipe: StyleRecipe, photo: Pixels, *_: object) -> Generator[None, None, Pixels]:
        visitor = "ab"[recipe.seed]
        began[visitor].set()
        while not until.get(visitor):
            yield None
        return photo

    monkeypatch.setattr(glimpse, "paint_quickly", forever)
    glimpses = Glimpses()
    with ThreadPoolExecutor(3) as threads:
        ask = partial(threads.submit, glimpses.paint, photo=PHOTO, paintings=painting)
        first = ask(recipes["a"], visitor="a")
        assert began["a"].wait(PATIENCE)
        other = ask(recipes["b"], visitor="b")  # waits, and gives up nothing
        second = ask(recipes["a"].model_copy(update={"strength": 0.9}), visitor="a")
        with pytest.raises(Overtaken):
            first.result(PATIENCE)
        until |= {"a": True, "b": True}
        assert second.result(PATIENCE).jpeg == other.result(PATIENCE).jpeg


def test_a_painting_that_nobody_learnt_has_no_preview() -> None:
    with pytest.raises(Missing, match="No painter has learnt"):
        Glimpses().paint(StyleRecipe(size=96), PHOTO, [Ingredient("style", picture(seed=9), "own.jpg")])
