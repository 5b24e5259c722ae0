"""Painting rules 11: what is painted at once gets strokes as strong as the painting's before the steps."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_sample_image
from torch import Tensor

from studio.images import contrasts, planning, style
from studio.images.canvas import tensor_of
from studio.images.contrasts import contrasts_of, mixed_contrasts, with_contrasts
from studio.images.instant.painters import painter_path, read_painter
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.pictures import Pixels, read_picture, resize
from studio.images.recipes import StyleRecipe
from studio.images.style import paint_quickly
from studio.process import finish
from studio.works.recipe import Setting, Source
from tests.images.instant.test_instant_painting import texture_error

TENTH = Setting(versions={"painting": "10"})


def laid(pixels: Pixels) -> Tensor:
    return tensor_of(np.ascontiguousarray(pixels), torch.device("cpu")).float() / 255


def painting_of(name: str) -> Pixels:
    return read_picture(PAINTINGS[name].path.read_bytes(), name).pixels


@pytest.fixture(scope="module")
def photo() -> Pixels:
    return resize(load_sample_image("china.jpg"), 128, 192)


def seen(picture: Tensor) -> np.ndarray:
    return picture[0].double().permute(1, 2, 0).numpy()


def test_colours_and_strokes_vary_as_those_of_the_painting(photo: Pixels) -> None:
    """Seen by blurs, which are not the parts that are moved."""
    painting = laid(resize(painting_of("whirls"), 128, 160))
    given, wanted = seen(laid(photo)), seen(painting)
    made = seen(with_contrasts(laid(photo), contrasts_of(painting)))
    assert_allclose(made.mean((0, 1)), wanted.mean((0, 1)), atol=0.05)
    for width in (1, 3, 8):
        fine = [
            float((each - gaussian_filter(each, (width, width, 0))).std()) for each in (given, wanted, made)
        ]
        assert abs(fine[2] - fine[1]) < 0.8 * abs(fine[0] - fine[1])
    lines = [each.mean(2) - gaussian_filter(each.mean(2), 3) for each in (given, made)]
    assert np.corrcoef(*(each.ravel() for each in lines))[0, 1] > 0.8  # the same strokes, but stronger


def test_a_picture_that_is_as_strong_already_stays(photo: Pixels) -> None:
    picture = laid(photo)
    assert_allclose(with_contrasts(picture, contrasts_of(picture)), picture, atol=1e-4)


def test_the_noise_of_an_even_picture_is_not_made_into_strokes() -> None:
    noise = 0.001 * torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    checks = torch.arange(64).add(torch.arange(64)[:, None]).remainder(2).float().expand(1, 3, 64, 64)
    made = with_contrasts(0.5 + noise, contrasts_of(checks))
    assert float(made.std()) < 1.5 * contrasts.MOST * 0.001


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (17, 8)])
def test_pictures_of_any_shape_and_of_one_colour(shape: tuple[int, int]) -> None:
    flat = torch.full((1, 3, *shape), 0.25)
    made = with_contrasts(flat, contrasts_of(laid(painting_of("planes"))))
    assert made.shape == flat.shape
    assert torch.isfinite(made).all()
    assert_allclose(with_contrasts(flat, contrasts_of(flat)), flat, atol=1e-6)


def test_several_paintings_count_by_their_weights(photo: Pixels) -> None:
    """Two halves side by side, which are as strong as what they make together."""
    left, right = laid(photo[:, :96]), laid(photo[:, 96:])
    half = mixed_contrasts([contrasts_of(left), contrasts_of(right)], (1, 1))
    whole = contrasts_of(laid(photo))
    assert_allclose(half.means[-1], whole.means[-1], atol=1e-6)
    assert_allclose(half.spreads[0], whole.spreads[0], rtol=0.05)
    one = mixed_contrasts([contrasts_of(left), contrasts_of(right)], (2, 0))
    assert_allclose(one.spreads[2], contrasts_of(left).spreads[2], atol=1e-9)


def painted(photo: Pixels, name: str, **settings: object) -> tuple[Pixels, int]:
    """What is painted at once, and in how many steps."""
    file, painting = painter_path(name), PAINTINGS[name].path.read_bytes()
    source = Source(sha256=hashlib.sha256(painting).hexdigest(), role="style", name=name)
    recipe = StyleRecipe.model_validate({"painter": "instant", "seed": 0, "sources": (source,)} | settings)
    steps: list[int] = []
    making = paint_quickly(recipe, photo, [painting_of(name)], [read_painter(file.read_bytes(), file.name)])

    def counted():  # type: ignore[no-untyped-def]
        try:
            while True:
                steps.append(next(making).done)
                yield
        except StopIteration as end:
            return end.value

    return finish(counted()), max(steps)


def test_as_many_steps_come_nearer_to_the_painting(photo: Pixels) -> None:
    painting = resize(painting_of("glass"), 142, 192)  # its strokes as large as in the picture
    now, before = (
        texture_error(painted(photo, "glass", stop_after=3, **rules)[0], painting)
        for rules in ({}, {"setting": TENTH})
    )
    assert now < 0.92 * before


def test_fewer_steps_are_taken_and_works_by_the_tenth_rules_stay(
    photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, steps = painted(photo, "glass")
    before, steps_before = painted(photo, "glass", setting=TENTH)
    assert steps < steps_before
    assert not np.array_equal(now, before)
    monkeypatch.setattr(style, "_as_strong", lambda *given: given[2])
    for table in (style.ENOUGH, style.LESS_OF_NETWORKS, style.AT_ONCE_LEVELS, planning.AT_ONCE):
        monkeypatch.delitem(table, 11)
    assert_array_equal(painted(photo, "glass")[0], before)


def test_nothing_is_made_strong_without_strength_and_grey_gets_no_colours(
    photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = photo[::2, ::2].copy()
    with monkeypatch.context() as patched:
        patched.setattr(style, "with_contrasts", lambda *_: pytest.fail("made strong"))
        painted(small, "planes", strength=0.0)
    grey, _ = painted(small, "planes", colour="luminance")
    chroma = [each.astype(int) - each.mean(2, keepdims=True) for each in (grey, small)]
    assert np.corrcoef(*(each.ravel() for each in chroma))[0, 1] > 0.9
