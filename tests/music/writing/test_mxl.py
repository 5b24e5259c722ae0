"""Compressed MusicXML: other programs open it, our reader reads it back, and the recipe is inside."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from music21 import converter
from random_tunes import random_tune

from studio.music.melody.recipes import ComposeRecipe
from studio.music.reading.readers import Readers
from studio.music.writing.formats import by_name
from studio.music.writing.musicxml import write_musicxml, write_mxl
from studio.works.metadata import embed, extract

RECIPE = ComposeRecipe(format="mxl", seed=7)


def test_it_is_a_zip_as_the_standard_describes_it() -> None:
    packed = zipfile.ZipFile(io.BytesIO(write_mxl(random_tune(1))))
    first = packed.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert packed.read("mimetype") == by_name("mxl").media_type.encode()
    assert b'full-path="score.musicxml"' in packed.read("META-INF/container.xml")
    assert packed.read("score.musicxml") == write_musicxml(random_tune(1))


@pytest.mark.parametrize("seed", [1, 5])
def test_music21_and_our_own_reader_read_the_same_tune(seed: int, readers: Readers, tmp_path: Path) -> None:
    tune = random_tune(seed)
    content = embed(write_mxl(tune), ".mxl", RECIPE)
    assert content == embed(write_mxl(tune), ".mxl", RECIPE), "the same tune gives the same bytes"
    assert extract(content) == RECIPE.to_json()
    assert embed(content, ".mxl", RECIPE) == content, "putting the recipe in twice changes nothing"
    (again,) = readers.read(content, "tune.mxl").tunes
    assert (again.notes, again.grid, again.keys, again.chords) == (
        tune.notes,
        tune.grid,
        tune.keys,
        tune.chords,
    )
    path = tmp_path / "tune.mxl"
    path.write_bytes(content)
    score = converter.parse(path, forceSource=True)
    heard = [note.pitch.midi for note in score.flatten().notes if note.isNote and not _tied_on(note)]
    assert heard == [note.pitch for note in tune.sounding]


def _tied_on(note: object) -> bool:
    tie = getattr(note, "tie", None)
    return tie is not None and tie.type in ("stop", "continue")
