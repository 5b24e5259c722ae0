"""Where a photo is held when it is painted, and works of before, which hold nothing."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from studio.images.networks.opening import open_network
from studio.images.pictures import read_picture, write_png
from studio.images.planning import PAINTING_RULES, painting_rules, plan_sizes
from studio.images.recipes import StyleRecipe
from studio.images.structure import structure_of
from studio.images.style import paint
from studio.process import finish
from studio.works.recipe import Setting, Source

BEFORE = Setting(versions={"studio": "0.6.0"})
BY_SECOND = Setting(versions={"studio": "0.7.0", "painting": "2"})


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """A face of a few strokes on the left of an even sky."""
    picture = Image.new("RGB", (192, 128), (120, 160, 210))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((16, 24, 80, 104), fill=(230, 190, 160), outline=(60, 40, 30), width=3)
    for left in (32, 54):
        draw.ellipse((left, 50, left + 10, 58), fill=(20, 20, 30))
    draw.arc((34, 66, 62, 90), 20, 160, fill=(150, 30, 40), width=4)
    return np.asarray(picture)


def test_structure_lies_where_the_photo_has_a_face_and_not_in_the_sky(photo: np.ndarray) -> None:
    network, _ = open_network("efficientnet_lite0", ("blocks.2",))
    found = structure_of(photo, network, "blocks.2")
    assert found.shape == (1, 1, 128, 192)
    face, sky = found[..., 40:90, 24:72].mean(), found[..., 20:110, 130:].mean()
    assert face > 0.5
    assert sky < 0.1


def painted(photo: np.ndarray, setting: Setting | None) -> tuple[np.ndarray, StyleRecipe]:
    down, across = np.mgrid[0:128, 0:128]
    wave = (np.sin((down * 0.8 + across * 1.1) / 3) > 0)[..., None]
    strokes = np.where(wave, (240, 140, 30), (90, 20, 140)).astype(np.uint8)
    contents = {"photo": write_png(photo, None), "style": write_png(strokes, None)}
    sources = tuple(
        Source(sha256=hashlib.sha256(content).hexdigest(), role=role, name=role)
        for role, content in contents.items()
    )
    recipe = StyleRecipe(sources=sources, size=192, steps=12, setting=setting)
    made = finish(paint(recipe, lambda source: contents[source.role]))
    assert isinstance(made.recipe, StyleRecipe)
    return read_picture(made.content).pixels.astype(float), made.recipe


def test_a_face_keeps_its_lights_and_a_work_of_before_is_made_again_by_its_own_rules(
    photo: np.ndarray,
) -> None:
    now, recipe = painted(photo, None)
    before, old = painted(photo, BEFORE)
    again, _ = painted(photo, recipe.setting)
    assert (painting_rules(recipe), painting_rules(old)) == (PAINTING_RULES, 1)
    assert np.array_equal(now, again)
    assert not np.array_equal(now, before)
    face = (slice(40, 92), slice(24, 72))
    light = photo.mean(2)[face].ravel()

    def likeness(picture: np.ndarray) -> float:
        return float(np.corrcoef(light, picture.mean(2)[face].ravel())[0, 1])

    assert likeness(now) > likeness(before)


def test_a_work_of_before_has_its_steps() -> None:
    sizes = plan_sizes(480, 640, StyleRecipe(setting=BEFORE))
    assert [size.steps for size in sizes] == [120, 60, 60, 60, 60]
    sizes = plan_sizes(480, 640, StyleRecipe(setting=BY_SECOND))
    assert [size.steps for size in sizes] == [80, 30, 30, 30, 42]
