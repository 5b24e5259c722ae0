"""Painting rules 9: after some paintings, what is painted at once takes its first steps at half the size."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image

from studio.images import planning, style
from studio.images.instant.painters import painter_path, read_painter
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.pictures import Pixels, read_picture, resize
from studio.images.planning import PAINTING_BEGINS, painting_sizes, shares
from studio.images.predictions import predict_painting
from studio.images.recipes import StyleRecipe
from studio.images.style import paint_quickly
from studio.process import EndEarly
from studio.works.recipe import Setting, Source
from studio.works.work import SourceSize


def digest(name: str) -> str:
    return hashlib.sha256(PAINTINGS[name].path.read_bytes()).hexdigest()


POINTS = Source(sha256=digest("points"), role="style", name="points")
AT_ONCE = StyleRecipe(
    painter="instant", seed=0, sources=(POINTS,), setting=Setting(versions={"painting": "9"})
)
BEFORE = AT_ONCE.model_copy(update={"setting": Setting(versions={"painting": "8"})})


def painted(recipe: StyleRecipe, end_at: int = 0) -> tuple[Pixels, list[str], list[float]]:
    """The picture, the stage of every step, and the share of all that is done after it."""
    photo = resize(load_sample_image("china.jpg"), 72, 160)
    path = painter_path("points")
    painting = read_picture(PAINTINGS["points"].path.read_bytes(), "points").pixels
    making = paint_quickly(recipe, photo, [painting], [read_painter(path.read_bytes(), path.name)])
    stages: list[str] = []
    so_far: list[float] = []
    try:
        progress = next(making)
        while True:
            stages.append(progress.stage)
            so_far.append(progress.so_far)
            progress = making.throw(EndEarly()) if len(stages) == end_at else next(making)
    except StopIteration as end:
        return end.value, stages, so_far


def test_half_the_size_comes_first_where_steps_at_the_whole_are_slow() -> None:
    def sizes(height: int, width: int, recipe: StyleRecipe = AT_ONCE) -> list[tuple[int, int, int]]:
        return [(each.height, each.width, each.steps) for each in painting_sizes(height, width, recipe)]

    assert sizes(640, 480) == [(320, 240, 3), (640, 480, 6)]
    assert sizes(300, 449) == [(150, 224, 3), (300, 449, 6)]
    for unchanged in ((300, 448), (768, 1024), (40, 640)):  # quick, painted smaller, narrow
        assert sizes(*unchanged) == sizes(*unchanged, BEFORE)
    assert sizes(480, 640, BEFORE) == [(480, 640, 9)]


def test_after_most_paintings_all_steps_are_taken_at_the_whole_size() -> None:
    def steps(*names: str) -> list[int]:
        known = [digest(name) for name in names]
        sources = tuple(Source(sha256=each, role="style", name="a painting") for each in known)
        recipe = AT_ONCE.model_copy(update={"sources": sources})
        found = [each.steps for each in painting_sizes(480, 640, recipe)]
        assert [each.steps for each in painting_sizes(480, 640, AT_ONCE, known)] == found  # as in a preview
        return found

    assert steps("whirls", "marbling", "mosaic") == steps("glass") == steps("woodcut", "glass") == [9]
    assert steps("woodcut", "points") == steps("points") == [3, 6]


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
    every = list(shares(painting_sizes(72, 160, AT_ONCE), PAINTING_BEGINS))
    assert len(every) == 9
    monkeypatch.setattr(style, "ENOUGH_AFTER_HALF", float("inf"))
    _, stages, so_far = painted(AT_ONCE)
    assert stages == ["painting at 80 px", "painting at 160 px"]
    assert so_far[1] / so_far[0] == pytest.approx(every[3] / every[0])  # what is left out counts as done


@pytest.mark.usefixtures("small")
def test_it_may_be_ended_at_half_the_size_and_is_as_large_all_the_same() -> None:
    made, stages, _ = painted(AT_ONCE, end_at=1)
    assert made.shape == (72, 160, 3)
    assert set(stages) == {"painting at 80 px"}


def test_less_time_is_said_before() -> None:
    photo = [SourceSize("photo", 300_000, 640, 480), SourceSize("style", 300_000, 640, 480)]
    assert predict_painting(AT_ONCE, photo).seconds < predict_painting(BEFORE, photo).seconds


def test_fine_lines_of_a_face_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of one pixel are lost at half the size. Where the photo is held, on the left, some stay."""
    lines = np.zeros((64, 64, 3), np.uint8)
    lines[:, ::2] = 200
    easel = SimpleNamespace(copies=SimpleNamespace(at=lambda *_: lines))
    nothing = torch.zeros(1, 3, 64, 64)
    monkeypatch.setattr(style, "_begun", lambda *_: (nothing, nothing))
    structure = torch.zeros(1, 1, 8, 8)
    structure[..., :4] = 1

    def contrast(strength: float) -> tuple[float, float]:
        recipe = AT_ONCE.model_copy(update={"strength": strength})
        added = style._finest_added(easel, recipe, nothing, structure)  # type: ignore[arg-type]
        assert torch.equal(added[:, 0], added[:, 2])  # light and dark alone
        return float(added[..., 4:24].std()), float(added[..., 40:60].abs().max())

    assert contrast(0.5) == pytest.approx((style.OWN_FINEST * 100 / 255, 0), rel=0.05)
    assert contrast(0.75) == pytest.approx((style.OWN_FINEST * 50 / 255, 0), rel=0.05)
