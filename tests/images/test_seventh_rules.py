"""Painting rules 7: faces are held more after some paintings, and no dot of a network shines out of an even
place. Works by the sixth rules stay what they are.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from studio.images import style
from studio.images.networks.opening import open_network
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.pictures import Pixels, read_picture, resize, write_png
from studio.images.planning import Size
from studio.images.pyramid import PyramidBFGS
from studio.images.recipes import StyleRecipe
from studio.process import finish
from studio.works.recipe import Setting, Source

SIXTH = Setting(versions={"painting": "6"})
SEVENTH = Setting(versions={"painting": "7"})


PHOTOS = Path(__file__).parents[2] / "docs" / "catalogue" / "photos"


@pytest.fixture(scope="module")
def raccoon() -> Pixels:
    return resize(read_picture((PHOTOS / "raccoon.jpg").read_bytes()).pixels, 192, 256)


@pytest.fixture(scope="module")
def sky() -> Pixels:
    """An even sky above dark ground."""
    picture = np.full((128, 192, 3), (120, 160, 210), np.uint8)
    picture[100:] = (60, 70, 40)
    return picture


def painted(photo: Pixels, *names: str, **settings: object) -> Pixels:
    contents = {"photo": write_png(photo, None)} | {name: PAINTINGS[name].path.read_bytes() for name in names}
    sources = tuple(
        Source(
            sha256=hashlib.sha256(content).hexdigest(),
            role="photo" if name == "photo" else "style",
            name=name,
        )
        for name, content in contents.items()
    )
    recipe = StyleRecipe.model_validate({"sources": sources, "size": None, "steps": 24} | settings)
    return read_picture(finish(style.paint(recipe, lambda source: contents[source.name])).content).pixels


def face_of(photo: Pixels, made: Pixels) -> float:
    """How alike two pictures are to a layer that is deeper than the one whose shapes are held, where the
    raccoon's face is.
    """
    network, _ = open_network("efficientnet_lite0", ("blocks.3",))
    seen = []
    for pixels in (photo, made):
        shown = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]
        features = network(shown)["blocks.3"][0, :, 3:9, 7:16]
        seen.append((features - features.mean((1, 2), keepdim=True)).flatten())
    return float(torch.cosine_similarity(seen[0], seen[1], dim=0))


def test_a_face_is_held_more_and_works_by_the_sixth_rules_stay(
    raccoon: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    ninth = Setting(versions={"painting": "9"})
    now, before = painted(raccoon, "glass", setting=ninth), painted(raccoon, "glass", setting=SIXTH)
    assert face_of(raccoon, now) > face_of(raccoon, before) + 0.02
    monkeypatch.setattr(style, "MORE_HELD", {1: {}})
    assert np.array_equal(painted(raccoon, "glass", setting=ninth), before)


def test_paintings_that_are_mixed_hold_by_their_weights() -> None:
    sources = [
        Source(sha256=hashlib.sha256(PAINTINGS[name].path.read_bytes()).hexdigest(), role="style", name=name)
        for name in ("glass", "woodcut")
    ]
    recipe = StyleRecipe(sources=tuple(sources))
    assert style._held_in(recipe) == 3.25
    assert style._held_in(recipe.model_copy(update={"style_weights": (1.0, 3.0)})) == 3.125
    assert style._held_in(recipe.model_copy(update={"setting": SEVENTH})) == 6.0
    assert style._held_in(recipe.model_copy(update={"setting": SIXTH})) == style.HELD
    at_once = recipe.model_copy(update={"painter": "instant"})
    assert style._held_in(at_once) == style.HELD


def test_no_dot_shines_and_works_by_the_sixth_rules_stay(
    sky: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shining(made: Pixels) -> float:
        """How far the brightest hundredth of the sky lies above its surroundings, as a share of the sky's
        usual deviation from them.
        """
        light = made[:90].astype(float).max(2)
        fine = light - gaussian_filter(light, 3)
        return float(np.quantile(fine, 0.99) / fine.std())

    at_once = {"painter": "instant", "seed": 1}
    now, before = (painted(sky, "points", setting=rules, **at_once) for rules in (SEVENTH, SIXTH))
    assert shining(now) < shining(before)
    monkeypatch.setattr(style, "BOUNDED", {1: {}})
    monkeypatch.setattr(style, "LESS_OF_NETWORKS", {6: style.LESS_OF_NETWORKS[6]})
    assert np.array_equal(painted(sky, "points", setting=SEVENTH, **at_once), before)


def test_two_steps_have_one_to_learn_from_and_works_by_the_sixth_rules_have_room_for_three() -> None:
    def room(steps: int, setting: Setting | None) -> int:
        rule = style._rule(StyleRecipe(painter="instant", setting=setting), Size(432, 576, steps))
        assert isinstance(rule, PyramidBFGS)
        return rule.memory

    assert [room(steps, None) for steps in (1, 2, 9)] == [1, 1, 3]
    assert [room(steps, SIXTH) for steps in (1, 2, 9)] == [3, 3, 3]
