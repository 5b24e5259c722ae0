"""What the Songs tab asks for beyond the recipe's own settings: songs built of sections of several songs, and
stems as one download.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import studio as library
from studio.app.desk import Desk
from studio.app.song_desk import SongDesk
from studio.errors import StudioError
from studio.making.asking import ask
from studio.music.songs.song import song
from studio.music.sound.loudness import integrated_loudness
from studio.music.writing.musicxml import write_musicxml
from studio.process import finish
from studio.works.gallery import Gallery
from tests.music.lead_sheets import songs

ASKED = {"form": "AB", "bars": 16, "key": "F", "meter": "4/4", "max_copy": 12}


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    there = tmp_path_factory.mktemp("sheets")
    for number, tune in enumerate(songs(10)):
        (there / f"{number}.musicxml").write_bytes(write_musicxml(tune))
    return there


@pytest.fixture(scope="module")
def made(folder: Path) -> list[Any]:
    return [library.song(style=folder, **ASKED, seed=seed, progress=False) for seed in (1, 2)]


@pytest.fixture
def desk(made: list[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[SongDesk]:
    """Where a request is made at once, and its recipe and work are given in place of the job's id."""
    assert made
    with Gallery.open() as gallery:
        opened = Desk(gallery, jobs=None)  # type: ignore[arg-type]

        def asked(kind: str, fields: Any, ingredients: Any, **_: Any) -> list[Any]:
            recipe: Any = ask(kind, fields, ingredients, gallery)
            return [recipe, finish(song(recipe, gallery.read_source))]

        monkeypatch.setattr(opened, "asked", asked)
        yield SongDesk(opened)


def section(tune: dict[str, Any], first: int, bars: int) -> list[Any]:
    from studio.music.scores.tunes import Tune

    whole = Tune.from_plain(tune)
    here = whole.passage(whole.bars()[first - 1].start, whole.bars()[first + bars - 2].end)
    return [(note.pitch, note.start, note.duration) for note in here.notes]


def test_a_song_is_built_of_sections_of_two_songs(desk: SongDesk, made: list[Any]) -> None:
    one, two = (work.id for work in made)
    recipe, found = desk.build([(one, "A"), (two, "B"), (one, "A"), (one, "B")], seed=9)
    assert (recipe.form, recipe.bars, recipe.key) == ("ABAC", 32, "F")
    assert recipe.keep_sections == ("A=1:A", "B=2:B", "C=1:B")
    tune = found.facts["tune"]
    first, second = (work.facts["tune"] for work in made)
    for begin, origin, there in ((1, first, 1), (9, second, 9), (17, first, 1), (25, first, 9)):
        assert section(tune, begin, 8) == section(origin, there, 8)
    parents = {source.title for source in recipe.sources if source.role == "earlier"}
    assert parents == {work.title for work in made}


@pytest.mark.parametrize("sections", [[], [("", "A")] * 27, [("nobody", "A")]])
def test_what_cannot_be_built_is_refused(desk: SongDesk, sections: list[Any]) -> None:
    with pytest.raises(StudioError):
        desk.build(sections, seed=1)


def test_sections_of_other_lengths_are_refused_by_name(desk: SongDesk, made: list[Any], folder: Path) -> None:
    short = library.song(style=folder, **{**ASKED, "bars": 8}, seed=3, progress=False)
    with pytest.raises(StudioError, match=f"{made[0].title}” has 8 and B of “{short.title}” has 4"):
        desk.build([(made[0].id, "A"), (short.id, "B")], seed=1)


def test_a_section_that_the_song_has_not_is_named(desk: SongDesk, made: list[Any]) -> None:
    with pytest.raises(StudioError, match="section 'C'"):
        desk.build([(made[0].id, "C")], seed=1)


def test_all_stems_are_one_zip_and_add_up_to_the_mix(made: list[Any], folder: Path, tmp_path: Path) -> None:
    lead = made[0]
    with pytest.raises(StudioError, match="lead sheet"):
        lead.save_stems(tmp_path / "none.zip")
    assert not (tmp_path / "none.zip").exists()
    wishes: dict[str, Any] = {"band": "singer", "mix": "Guitar=-12,pan 0.5", "tempo": 240, "format": "wav"}
    played = library.song(style=folder, earlier=lead, keep_parts=["tune", "chords"], progress=False, **wishes)
    with zipfile.ZipFile(played.save_stems(tmp_path / "stems.zip")) as archive:
        names = archive.namelist()
        heard = [soundfile.read(io.BytesIO(archive.read(name)))[0] for name in names]
    assert len(names) == len({name[3:] for name in names}) >= 2
    assert all(name.endswith(".flac") for name in names)
    mix, rate = soundfile.read(io.BytesIO(played.content))
    total = sum(heard)[: len(mix)]
    assert np.abs(total - mix[: len(total)]).max() < 1e-3  # each stem is rounded to 16 bits
    loud = integrated_loudness(mix.astype(np.float32), rate)
    assert loud == pytest.approx(-14, abs=0.5)
