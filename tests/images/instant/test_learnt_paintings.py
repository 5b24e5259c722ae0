"""Paintings that were learnt here are found again with all that was known of them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from studio.errors import Missing, Refused
from studio.images.checks import check_has_strokes, check_paintings
from studio.images.instant.learnt import LearntPainting, free_name, keep_painting, learnt_paintings
from studio.making.batch import _read_line
from studio.works.gallery import Gallery
from studio.works.ingredient import Ingredient
from tests.app.photos import picture


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    return tmp_path


def flat() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (40, 30), (12, 90, 200)).save(written, "PNG")
    return written.getvalue()


def test_a_painting_that_is_kept_is_found_with_its_credit(own_home: Path) -> None:
    name = free_name("Étude en bleu, no. 2")
    about = LearntPainting(name=name, title="Étude", file="étude.jpg", author="Anna", licence="CC0")
    keep_painting(about, picture())
    found = learnt_paintings()[name]
    given = found.ingredient()
    assert (given.content, given.role, given.title, given.author) == (picture(), "style", "Étude", "Anna")
    assert found.thumbnail.read_bytes()[:2] == b"\xff\xd8"
    assert (found.can_paint, found.underway) == (False, False)
    assert free_name("Étude en bleu, no. 2") != name
    (own_home / "models" / f"painter-{name}.painting.json").write_text("{")
    assert learnt_paintings() == {}, "what is damaged is left out"
    with pytest.raises(Missing, match="add it again"):
        LearntPainting(name="gone").ingredient()


def test_a_line_of_a_batch_names_it_as_the_command_does(own_home: Path) -> None:
    keep_painting(LearntPainting(name="etude", title="Étude", file="étude.jpg"), picture())
    (own_home / "photo.jpg").write_bytes(picture(seed=4))
    line = {"kind": "style", "photo": "photo.jpg", "style": ["etude", "glass"]}
    with Gallery.open(own_home / "works") as gallery:
        recipe = _read_line(json.dumps(line), own_home, gallery)
    titles = [source.title for source in recipe.sources if source.role == "style"]
    assert titles == ["Étude", "Leaded glass"]


def test_names_of_the_studios_painters_are_taken() -> None:
    assert free_name("Whirls") == "whirls-2"
    assert free_name("…") == "painting"


def test_a_painting_of_one_colour_and_a_photo_as_its_own_painting_are_refused_in_a_sentence() -> None:
    with pytest.raises(Refused, match=r"^blue\.png has only one colour.*choose another painting\.$"):
        check_has_strokes(flat(), "blue.png")
    check_has_strokes(picture(), "hills.jpg")
    photo, painting = Ingredient("photo", picture(), "a.jpg"), Ingredient("style", picture(), "b.jpg")
    with pytest.raises(Refused, match=r"^b\.jpg is both the photo and the painting"):
        check_paintings([photo, painting])
    check_paintings([photo, Ingredient("style", picture(seed=5), "b.jpg")])
