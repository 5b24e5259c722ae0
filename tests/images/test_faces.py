"""Faces are found, and held in dreams and paintings."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from studio.images import faces, style
from studio.images.faces import WINDOW, faces_in, faces_map
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.pictures import Pixels, read_picture, resize, write_png
from studio.images.planning import plan_octaves
from studio.images.presets import PRESETS
from studio.images.recipes import DreamRecipe, StyleRecipe
from studio.images.spread import PARTS, Spread
from studio.process import finish
from studio.works.recipe import Setting, Source

ROOT = Path(__file__).parents[2]
NINTH = Setting(versions={"painting": "9"})
TENTH = Setting(versions={"painting": "10"})


def read(path: str) -> Pixels:
    return read_picture((ROOT / path).read_bytes(), path).pixels


@pytest.fixture(scope="module")
def portrait() -> Pixels:
    """Eileen Collins's head and collar."""
    return resize(read("docs/catalogue/photos/astronaut.jpg")[:200, 100:300], 128, 128)


def test_a_face_is_found_where_it_is_and_none_where_there_is_none() -> None:
    (collins,) = faces_in(read("docs/catalogue/photos/astronaut.jpg"))
    middle = collins.left + collins.side / 2, collins.top + collins.side / 2
    assert middle == pytest.approx((0.435, 0.225), abs=0.03)  # below her eyes, as looked up
    assert 0.15 < collins.side < 0.25
    (hopper,) = faces_in(read("studio/images/instant/photos/hopper.jpg"))
    assert hopper.left < 0.44 < hopper.left + hopper.side
    for path in ("gallery/sources/pagoda.jpg", "studio/images/instant/photos/cat.jpg"):
        assert not faces_in(read(path))
        assert not faces_map(read(path)).any()


def test_windows_pass_as_they_do_one_by_one(portrait: Pixels) -> None:
    grey = portrait[30:70, 30:75].mean(2).round().astype(np.uint8)
    view = next(iter(faces._views(grey)))
    places = view.places()
    passed = view.passed(places)
    cascade = faces._cascade()

    def passes(shown: np.ndarray) -> bool:
        begin = 0
        for end, threshold in zip(cascade.ends, cascade.thresholds, strict=True):
            total = 0.0
            for test in range(begin, int(end)):
                left, top, wide, high = map(int, cascade.blocks[cascade.used[test]])
                blocks = [
                    int(shown[top + row * high :][:high, left + column * wide :][:, :wide].sum())
                    for row in range(3)
                    for column in range(3)
                ]
                around = [blocks[place] for place in (0, 1, 2, 5, 8, 7, 6, 3)]  # clockwise, as LBP has it
                code = int("".join(str(int(each >= blocks[4])) for each in around), 2)
                total += float(cascade.scores[test][code])
            if total < float(threshold) - 1e-4:
                return False
            begin = int(end)
        return True

    expected = [
        (x, y)
        for y in range(grey.shape[0] - WINDOW + 1)
        for x in range(grey.shape[1] - WINDOW + 1)
        if passes(grey[y : y + WINDOW, x : x + WINDOW].astype(int))
    ]
    assert len(places) == (grey.shape[0] - WINDOW + 1) * (grey.shape[1] - WINDOW + 1)
    assert [(x, y) for x, y, _ in passed] == expected


def test_a_dream_leaves_faces_alone_where_it_is_asked_to(portrait: Pixels) -> None:
    recipe = DreamRecipe(hold_faces=1.0)
    octaves = plan_octaves(128, 128, recipe)
    spread = Spread.of(portrait, recipe, octaves)
    assert spread is not None
    share = spread.at(octaves[-1])[0, 0]
    assert share[50, 64] == 0
    assert share[5, 5] == share[120, 10] == PARTS
    assert Spread.of(portrait, DreamRecipe(), octaves) is None
    assert "hold_faces" not in DreamRecipe().to_json()
    assert all(each.values["hold_faces"] >= 0.6 for each in PRESETS.values())


def painted(photo: Pixels, name: str, **fields: Any) -> Pixels:
    contents = {"photo": write_png(photo), "style": PAINTINGS[name].path.read_bytes()}
    sources = [
        Source(sha256=hashlib.sha256(content).hexdigest(), role=role, name=role)
        for role, content in contents.items()
    ]
    recipe = StyleRecipe(sources=tuple(sources), size=None, seed=1, painter="instant", **fields)
    return read_picture(finish(style.paint(recipe, lambda each: contents[each.role])).content).pixels


def test_a_painted_face_is_nearer_to_the_photo_and_works_by_the_ninth_rules_stay(
    portrait: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(made: Pixels) -> float:
        """How far the face's light and dark is from the photo's, beyond its mean and its range."""
        rows, columns = slice(30, 72), slice(48, 80)
        seen = [each[rows, columns].mean(2).ravel() for each in (portrait, made)]
        return 1 - float(np.corrcoef(*seen)[0, 1])

    now, before = (painted(portrait, "marbling", setting=rules) for rules in (TENTH, NINTH))
    assert away(now) < 0.85 * away(before)
    nowhere = torch.zeros(1, 1, 8, 8)
    monkeypatch.setattr(style, "faces_map", lambda _: nowhere)
    for table in (style.MORE_HELD_AT_ONCE, style.FAINT_AT_ONCE, style.LESS_OF_NETWORKS):
        monkeypatch.delitem(table, 10)
    assert_array_equal(painted(portrait, "marbling", setting=TENTH), before)
