"""Broad lights of a photo, given back to a painting that has lost them."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_sample_image
from torch import Tensor

from studio.images import style
from studio.images.lights import hold_lights
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.palettes import LUMA
from studio.images.pictures import Pixels, resize, write_png
from studio.images.planning import plan_sizes
from studio.images.recipes import StyleRecipe
from studio.process import finish
from studio.works.recipe import Setting, Source


@pytest.fixture(scope="module")
def photo() -> Pixels:
    return resize(np.asarray(load_sample_image("china.jpg")), 321, 480)


def pale(photo: Pixels) -> tuple[Tensor, np.ndarray]:
    """The photo with a tenth of its lights, under dots."""
    dots = np.where(np.indices(photo.shape[:2]).sum(0) % 4 < 2, 0.08, -0.08)
    light = (photo @ LUMA / 255).astype(np.float64)
    picture = 0.6 + 0.1 * (light - light.mean()) + dots
    return torch.from_numpy(np.stack([picture] * 3)[None].astype(np.float32)), dots


def broad(picture: Tensor | Pixels) -> np.ndarray:
    """Lights without what is finer than a fiftieth of the picture."""
    array = picture[0].permute(1, 2, 0).numpy() if isinstance(picture, Tensor) else picture / 255
    light: np.ndarray = gaussian_filter(array @ LUMA, 480 / 50)
    return light


def test_lights_come_apart_as_in_the_photo_and_the_brush_stays(photo: Pixels) -> None:
    picture, dots = pale(photo)
    before, aim = broad(picture), broad(photo)
    hold_lights(picture, photo, 0.75)
    after = broad(picture)
    assert before.std() < 0.15 * aim.std()
    assert 0.3 * aim.std() < after.std() < 0.75 * aim.std()
    assert np.corrcoef(after.ravel(), aim.ravel())[0, 1] > 0.95
    assert after.max() < before.max() + 0.01
    fine = picture[0].mean(0).numpy() - gaussian_filter(picture[0].mean(0).numpy(), 3)
    assert np.corrcoef(fine.ravel(), dots.ravel())[0, 1] > 0.9


def test_finer_lights_come_back_only_where_there_is_structure(photo: Pixels) -> None:
    made = []
    for structure in (None, torch.cat([torch.zeros(1, 1, 8, 4), torch.ones(1, 1, 8, 4)], 3)):
        picture, _ = pale(photo)
        hold_lights(picture, photo, 0.75, structure)
        made.append(picture)
    change = (made[1] - made[0]).abs().mean((0, 1, 2))
    assert change[:160].max() < 1e-6 < 0.01 < change[320:].mean()


def test_a_share_of_none_and_a_photo_of_one_colour_change_nothing(photo: Pixels) -> None:
    picture, _ = pale(photo)
    left = picture.clone()
    hold_lights(left, photo, 0.0)
    hold_lights(left, np.full_like(photo, 90), 1.0)
    assert torch.equal(left, picture)


def steps_and_lights(
    photo: Pixels, monkeypatch: pytest.MonkeyPatch, **settings: object
) -> tuple[int, set[float]]:
    """How many steps a painting takes, and which shares of the photo's lights it is given."""
    shares = set()
    monkeypatch.setattr(style, "hold_lights", lambda _picture, _photo, share, *_: shares.add(share))
    contents = {"photo": write_png(photo, None), "style": PAINTINGS["whirls"].path.read_bytes()}
    sources = tuple(
        Source(sha256=hashlib.sha256(content).hexdigest(), role=role, name=role)
        for role, content in contents.items()
    )
    recipe = StyleRecipe.model_validate({"sources": sources, "painter": "instant", "size": None} | settings)
    made = finish(style.paint(recipe, lambda source: contents[source.role]))
    steps = made.facts["steps"]
    assert isinstance(steps, int)
    return steps, shares


def test_painting_at_once_ends_early_and_works_of_before_do_not(
    photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = resize(photo, 128, 192)
    before = Setting(versions={"painting": "5"})
    steps, lights = steps_and_lights(small, monkeypatch)
    assert 1 < steps < 12
    assert lights == {0.75}
    assert steps_and_lights(small, monkeypatch, setting=before) == (12, {0.0})
    assert steps_and_lights(small, monkeypatch, strength=1.0)[1] == {0.0}
    assert steps_and_lights(small, monkeypatch, hold_shapes=0.0)[1] == {0.0}


def test_lights_come_before_the_last_steps_and_by_the_ninth_rules_after_them(
    photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {
        "photo": write_png(resize(photo, 96, 144), None),
        "style": PAINTINGS["whirls"].path.read_bytes(),
    }
    sources = tuple(
        Source(sha256=hashlib.sha256(content).hexdigest(), role=role, name=role)
        for role, content in contents.items()
    )

    def when(setting: Setting | None = None, stop_after: int = 0) -> list[int]:
        """After how many steps lights were given back, and how many steps there were."""
        steps, given = 0, []
        monkeypatch.setattr(style, "hold_lights", lambda *_: given.append(steps))
        recipe = StyleRecipe(sources=sources, size=None, steps=12, setting=setting, stop_after=stop_after)
        for progress in style.paint(recipe, lambda source: contents[source.role]):
            steps = progress.done
        return [*given, steps]

    lit, last = when()
    assert 0 < lit < last
    assert when(Setting(versions={"painting": "9"}))[0] == when(Setting(versions={"painting": "9"}))[1]
    assert when(stop_after=1) == [1, 1]  # they are not left out where it ends sooner


def test_the_largest_size_takes_more_steps_than_by_the_ninth_rules() -> None:
    def steps(setting: Setting | None) -> list[int]:
        return [size.steps for size in plan_sizes(480, 640, StyleRecipe(setting=setting))]

    before = steps(Setting(versions={"painting": "9"}))
    assert steps(None)[:-1] == before[:-1]
    assert (steps(None)[-1], before[-1]) == (27, 22)
