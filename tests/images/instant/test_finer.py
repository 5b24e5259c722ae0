"""What makes a large picture that was painted at once finer."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from scipy.ndimage import laplace
from sklearn.datasets import load_sample_image

from studio.images import planning, style
from studio.images.canvas import tensor_of
from studio.images.instant import finer
from studio.images.instant.painters import painter_path, read_painter
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.pictures import Pixels, read_picture, resize
from studio.images.planning import finer_cost, sizes_made_finer
from studio.images.predictions import predict_painting
from studio.images.recipes import StyleRecipe
from studio.images.style import paint_quickly
from studio.process import EndEarly
from studio.works.recipe import Setting
from studio.works.work import SourceSize

AT_ONCE = StyleRecipe(painter="instant", seed=0, setting=Setting(versions={"painting": "8"}))
BEFORE = AT_ONCE.model_copy(update={"setting": Setting(versions={"painting": "7"})})


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_large_pictures_are_made_finer_from_half_to_whole() -> None:
    assert sizes_made_finer(768, 1024, AT_ONCE) == []
    assert sizes_made_finer(1536, 2048, AT_ONCE) == [(1536, 2048)]
    assert sizes_made_finer(3072, 4096, AT_ONCE) == [(1536, 2048), (3072, 4096)]
    assert sizes_made_finer(1281, 300, AT_ONCE) == [(1281, 300)]
    for other in (BEFORE, StyleRecipe(), AT_ONCE.model_copy(update={"strength": 0.0})):
        assert sizes_made_finer(3072, 4096, other) == []


def test_it_is_told_before_what_it_takes() -> None:
    photo = [SourceSize("photo", 9_000_000, 4096, 3072), SourceSize("style", 300_000, 640, 480)]
    large = AT_ONCE.model_copy(update={"size": 4096})
    now = predict_painting(large, photo)
    earlier = predict_painting(large.model_copy(update={"setting": BEFORE.setting}), photo)
    assert now.seconds > earlier.seconds + 5
    assert now.bytes > earlier.bytes
    assert finer_cost(3072, 4096, AT_ONCE) == pytest.approx(planning.FINER_COST * (3072 * 4096) * 1.25)


@pytest.mark.parametrize(("height", "width"), [(150, 90), (131, 77), (64, 64)])
def test_strips_become_what_they_would_be_in_the_whole(
    height: int, width: int, random: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, painted = random.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    share = random.integers(0, 256, (height, width), dtype=np.uint8)
    made = []
    for strip in (4096, 32):
        monkeypatch.setattr(finer, "STRIP", strip)
        picture = _laid(seen)
        finer._add(picture, seen, painted, 0.5, share, 4, plain=False)
        made.append(picture)
    torch.testing.assert_close(made[0], made[1], rtol=0, atol=1e-6)
    assert not torch.equal(made[0], _laid(seen))


def test_only_what_is_fine_is_added_and_only_where_strokes_are() -> None:
    """A network that paints stripes and another colour everywhere, over a picture that is half plain."""
    seen = np.full((128, 256, 3), 128, dtype=np.uint8)
    seen[:, 128:] = np.where(np.arange(128) // 6 % 2, 100, 160)[None, :, None]
    painted = (
        np.where(np.arange(128) % 2, 40, 120).astype(np.uint8)[:, None, None].repeat(256, 1).repeat(3, 2)
    )
    picture = _laid(seen)
    finer._add(picture, seen, painted, 0.5, None, 4, plain=False)
    change = (picture - _laid(seen))[0].numpy()
    assert not change[..., :96].any()
    strokes = change[..., 16:-16, 176:-16]
    assert np.abs(strokes).mean() > 0.02
    assert abs(strokes.mean()) < 0.002  # the other colour is not fine


def test_a_large_picture_is_finer_and_older_works_stay_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "MADE_FINER", 640)
    for table in (style.ENOUGH, style.STRETCH, style.BOUNDED):  # what else the eighth rules changed
        monkeypatch.delitem(table, 8)
    now, shares = _painted(AT_ONCE)
    before, _ = _painted(BEFORE)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    assert shares[-2] < 0.9  # what makes it finer counts
    detail, detail_before = (np.abs(laplace(each.mean(axis=2) / 255)).mean() for each in (now, before))
    assert detail > 1.1 * detail_before
    small, small_before = (resize(each, 60, 82).astype(float) for each in (now, before))
    assert np.abs(small - small_before).mean() < 3  # from afar it is the same picture
    stopped, _ = _painted(AT_ONCE, stop_while_finer=True)
    assert np.array_equal(stopped, now)
    monkeypatch.setattr(planning, "MADE_FINER", 10**6)
    enlarged, _ = _painted(AT_ONCE)
    assert np.array_equal(enlarged, before)


def _painted(recipe: StyleRecipe, *, stop_while_finer: bool = False) -> tuple[Pixels, list[float]]:
    photo = resize(load_sample_image("china.jpg"), 480, 656)
    file, painting = painter_path("whirls"), PAINTINGS["whirls"].path.read_bytes()
    assert hashlib.sha256(painting).hexdigest() == read_painter(file.read_bytes(), file.name).header.painting
    painter = read_painter(file.read_bytes(), file.name)
    making = paint_quickly(recipe, photo, [read_picture(painting, "whirls").pixels], [painter])
    shares: list[float] = []
    try:
        progress = next(making)
        while True:
            shares.append(progress.so_far)
            asks = stop_while_finer and progress.stage == "painting finer strokes"
            progress = making.throw(EndEarly()) if asks else next(making)
    except StopIteration as end:
        return end.value, shares


def _laid(pixels: Pixels) -> torch.Tensor:
    return tensor_of(pixels, torch.device("cpu")).float().div_(255)
