"""The table of formats: a new format is a new row, and everything that lists formats lists it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.errors import Refused, UnknownName
from studio.music.melody.compose import file_of
from studio.music.melody.recipes import ComposeRecipe
from studio.music.melody.renditions import Renditions, exports
from studio.music.reading.pieces import SUFFIXES
from studio.music.reading.readers import read_tunes
from studio.music.scores.tunes import Tune
from studio.music.writing.formats import FORMATS, by_name, by_suffix, names, suffixes
from studio.works.finishing import Result, finish_work
from studio.works.formats import Format
from studio.works.gallery import Gallery
from studio.works.metadata import can_carry
from studio.works.recipe import Setting, check, controls

TUNE = Tune.of([(60, 1), (62, 1), (64, 2)], title="Toy")

TOY = Format(
    "toy",
    ".toy",
    "application/x-toy",
    "Toy",
    lambda music, *, program: f"{program}: {len(music.notes)} notes".encode(),
    "For toys.",
    options=frozenset({"program"}),
)

FINGERPRINT = "5caf89eb3e7caa171ff620f803bf9b46bf6642bc574e56233967b35f8d0187ab"
"""Of an otherwise empty request for a MIDI file, as version 0.2.1 computed it."""


def choices() -> tuple[str, ...]:
    return next(control.choices for control in controls(ComposeRecipe) if control.name == "format")


def test_a_row_is_all_it_takes_to_add_a_format(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="format is 'toy'; it must be 'mid'"):
        check(ComposeRecipe, {"format": "toy"})
    monkeypatch.setitem(FORMATS, "toy", TOY)
    assert names() == choices() == ("mid", "musicxml", "mxl", "abc", "wav", "flac", "mp3", "svg", "toy")
    assert suffixes()[-1] == ".toy"
    assert by_suffix("a/tune.TOY") is by_name("toy")
    assert check(ComposeRecipe, {"format": "toy"}).format == "toy"
    assert by_name("toy").to_bytes(TUNE, program=40, colours={0: "#ff0000"}) == b"40: 3 notes"


def test_works_are_made_in_a_format_that_is_added_and_saved_in_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(FORMATS, "toy", TOY)
    recipe = ComposeRecipe(format="toy", instrument="Violin")
    content = file_of(TUNE, recipe)
    facts = {"tune": json.loads(TUNE.to_json())}
    result = Result(content, TOY.suffix, TOY.media_type, b"JPEG", facts=facts)
    with Gallery.open(tmp_path) as gallery:
        work = gallery.add(finish_work(recipe, result, model=None, setting=Setting()))
        assert gallery.read(work) == b"40: 3 notes"
        assert gallery.export(work, tmp_path / "tune.toy").read_bytes() == b"40: 3 notes"
        assert [form.label for form in exports(work)][-1] == "Toy"
        renditions = Renditions(gallery)
        midi = renditions.file(work, by_name("mid")).read_bytes()
        assert read_tunes(midi, "tune.mid").tunes[0].sounding == TUNE.sounding
        assert renditions.file(work, TOY).read_bytes() == b"40: 3 notes"


def test_every_format_has_a_writer_and_what_reads_back_is_read_here() -> None:
    for form in FORMATS.values():
        assert form.to_bytes(TUNE, program=40)
        assert form.label
        assert form.description.endswith(".")
        assert not form.reads_back or form.suffix in SUFFIXES
        assert can_carry(form.suffix), "the recipe is in the file"


def test_an_unknown_format_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownName, match="There is no format 'mp4'"):
        by_name("mp4")
    with pytest.raises(Refused, match=r"tune\.doc should end in \.mid, .*\.mp3 or \.svg"):
        by_suffix("tune.doc")
    with pytest.raises(Refused, match=r"For a PDF, print the \.svg"):
        by_suffix("tune.pdf")
    with pytest.raises(Refused, match="The file to write has no name"):
        by_suffix(".")


@pytest.mark.parametrize(
    ("given", "near"), [({"scale": "pentatnic"}, "pentatonic"), ({"form": "lernt"}, "learnt")]
)
def test_a_name_that_is_nearly_one_is_answered_with_it(given: dict[str, str], near: str) -> None:
    with pytest.raises(Refused, match=f"did you mean '{near}'\\?$"):
        check(ComposeRecipe, given)


def test_the_recipe_of_an_earlier_studio_keeps_its_fingerprint() -> None:
    assert check(ComposeRecipe, {"format": "mid"}).fingerprint == FINGERPRINT
