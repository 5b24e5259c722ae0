"""The studio's own paintings: each file is what its program paints, and its name is enough to use it as a
style.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.errors import UnknownName
from studio.images.paintings.by_rule import HEIGHT, RULES, SMALL, WIDTH, painted
from studio.images.paintings.catalogue import FOLDER, PAINTINGS, painting
from studio.images.pictures import read_picture
from studio.works.metadata import extract
from tests.conftest import Studio


@pytest.mark.parametrize("name", ["woodcut", "planes", "marbling"])
def test_the_file_is_what_the_rule_paints(name: str) -> None:
    shown = read_picture(PAINTINGS[name].path.read_bytes(), name).pixels
    assert shown.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(shown.astype(int) - painted(name)).mean() < 4  # of 255: a JPEG rounds


@pytest.mark.parametrize("name", RULES)
def test_each_has_a_rule_that_fills_the_sheet_and_a_small_picture(name: str) -> None:
    small = painted(name, 96, 130)
    assert small.shape == (96, 130, 3)
    assert np.array_equal(small, painted(name, 96, 130))
    quarters = [
        half for rows in np.array_split(small.astype(float), 2) for half in np.array_split(rows, 2, axis=1)
    ]
    assert all(quarter.std() > 12 for quarter in quarters), "a corner of it is bare"
    assert Image.open(PAINTINGS[name].thumbnail).size == SMALL
    assert PAINTINGS[name].sentence.endswith(".")


def test_the_table_the_rules_and_the_files_are_the_same() -> None:
    assert {path.stem for path in FOLDER.glob("*.jpg")} == set(RULES)
    assert {each.name for each in PAINTINGS.values() if not each.on_show} == set(RULES)
    for each in PAINTINGS.values():
        assert read_picture(each.path.read_bytes(), each.name).pixels.shape[1] >= 640
        assert Image.open(each.thumbnail).size == SMALL
    with pytest.raises(UnknownName, match="did you mean 'glass'"):
        painting("glas")


def test_a_photo_is_painted_after_them_by_name_and_made_again_elsewhere(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = tmp_path / "photo.png"
    Image.effect_noise((96, 72), 60).convert("RGB").save(photo)
    status, _, err = studio(
        "style", photo, "glass*2", "planes", "-o", "p.png", "--size", "96", "--steps", "2"
    )
    assert (status, "after Leaded glass (2) and Planes (1)" in err) == (0, True)
    recipe = json.loads(extract((tmp_path / "p.png").read_bytes()) or "")
    credits = [
        (each["title"], each["author"], each["licence"][:3])
        for each in recipe["sources"]
        if each["role"] == "style"
    ]
    assert credits == [
        ("Leaded glass", "Derivative Works Studio", "CC0"),
        ("Planes", "Derivative Works Studio", "CC0"),
    ]

    # A batch knows them too, and finds that this work exists already.
    wish = {
        "kind": "style",
        "photo": "photo.png",
        "style": ["glass", "planes"],
        "style_weights": [2, 1],
        "size": 96,
        "steps": 2,
    }
    (tmp_path / "wishes.jsonl").write_text(json.dumps(wish) + "\n")
    status, out, _ = studio("batch", "wishes.jsonl")
    assert (status, "1 there already" in out) == (0, True)

    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "elsewhere"))
    status, out, _ = studio("remake", "p.png", "--source", photo)
    assert (status, "Identical" in out) == (0, True)

    # A file of that name takes precedence; for an unknown name, the nearest is suggested.
    Image.linear_gradient("L").convert("RGB").save(tmp_path / "glass", "PNG")
    status, _, err = studio("style", photo, "glass", "-o", "q.png", "--size", "96", "--steps", "2")
    assert (status, "after glass, " in err) == (0, True)
    status, _, err = studio("style", photo, "plains", "-o", "r.png")
    assert (status, "did you mean 'planes'?" in err) == (2, True)

    status, out, _ = studio("paintings")
    assert [line.split()[0] for line in out.splitlines()] == list(PAINTINGS)
