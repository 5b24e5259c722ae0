"""Painting rules 9: what is painted at once at up to 640 pixels takes its first steps at half the size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from studio.images import planning, style
from studio.images.instant.painters import painter_path, read_painter
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.pictures import Pixels, read_picture, resize
from studio.images.planning import painting_sizes
from studio.images.predictions import predict_painting
from studio.images.recipes import StyleRecipe
from studio.images.style import paint_quickly
from studio.process import EndEarly
from studio.works.recipe import Setting
from studio.works.work import SourceSize

AT_ONCE = StyleRecipe(painter="instant", seed=0)
BEFORE = AT_ONCE.model_copy(update={"setting": Setting(versions={"painting": "8"})})


def painted(recipe: StyleRecipe, end_at: int = 0) -> tuple[Pixels, list[str], list[float]]:
    """The picture, the stage of every step, and the share of all that is done after it."""
    photo = resize(load_sample_image("china.jpg"), 72, 160)
    path = painter_path("points")
    painting = read_picture(PAINTINGS["points"].path.read_bytes(), "points").pixels
    making = paint_quickly(recipe, photo, [painting], [read_painter(path.read_bytes(), path.name)])
    stages: list[str] = []
    shares: list[float] = []
    try:
        progress = next(making)
        while True:
            stages.append(progress.stage)
            shares.append(progress.so_far)
            progress = making.throw(EndEarly()) if len(stages) == end_at else next(making)
    except StopIteration as end:
        return end.value, stages, shares


def test_half_the_size_comes_first_where_steps_at_the_whole_are_slow() -> None:
    def sizes(height: int, width: int, recipe: StyleRecipe = AT_ONCE) -> list[tuple[int, int, int]]:
        return [(each.height, each.width, each.steps) for each in painting_sizes(height, width, recipe)]

    assert sizes(640, 480) == [(320, 240, 3), (640, 480, 6)]
    assert sizes(300, 449) == [(150, 224, 3), (300, 449, 6)]
    for unchanged in ((300, 448), (768, 1024), (40, 640)):  # quick, painted smaller, narrow
        assert sizes(*unchanged) == sizes(*unchanged, BEFORE)
    assert sizes(480, 640, BEFORE) == [(480, 640, 9)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Halves of small pictures too."""
    ninth = planning.AT_ONCE[9]
    monkeypatch.setitem(planning.AT_ONCE, 9, replace(ninth, half=(100, 3, 6)))


@pytest.mark.usefixtures("small")
def test_works_by_the_eighth_rules_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    now, stages, _ = painted(AT_ONCE)
    before, stages_before, _ = painted(BEFORE)
    assert list(dict.fromkeys(stages)) == ["painting at 80 px", "painting at 160 px"]
    assert set(stages_before) == {"painting at 160 px"}
    assert not np.array_equal(now, before)
    monkeypatch.delitem(planning.AT_ONCE, 9)
    assert np.array_equal(painted(AT_ONCE)[0], before)


@pytest.mark.usefixtures("small")
def test_fewer_steps_of_a_size_are_taken_where_they_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    _, every, all_shares = painted(AT_ONCE.model_copy(update={"strength": 0.1}))
    monkeypatch.setattr(style, "ENOUGH", {9: float("inf")})
    _, stages, shares = painted(AT_ONCE)
    assert stages == ["painting at 80 px", "painting at 160 px"]
    assert shares == [all_shares[0], all_shares[every.index("painting at 160 px")]]
    assert all_shares == sorted(all_shares)


@pytest.mark.usefixtures("small")
def test_it_may_be_ended_at_half_the_size_and_is_as_large_all_the_same() -> None:
    made, stages, _ = painted(AT_ONCE, end_at=1)
    assert made.shape == (72, 160, 3)
    assert set(stages) == {"painting at 80 px"}


def test_less_time_is_said_before() -> None:
    photo = [SourceSize("photo", 300_000, 640, 480), SourceSize("style", 300_000, 640, 480)]
    assert predict_painting(AT_ONCE, photo).seconds < predict_painting(BEFORE, photo).seconds
