"""The works on show are beside a person's own, can be read whole, and never get into their gallery."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import soundfile

from studio.errors import UnknownName
from studio.making.exhibition import (
    EXHIBITS,
    RENDITIONS,
    Exhibit,
    Rendition,
    ingredients_of,
    sample,
    samples_here,
)
from studio.making.kinds import read_recipe
from studio.making.on_show import OnShow, WithShow
from studio.making.remaking import remake
from studio.music.songs.renditions import SongRenditions
from studio.music.writing.formats import by_name
from studio.process import finish
from studio.works.gallery import Gallery
from studio.works.metadata import extract
from studio.works.shipped import shipped


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery.open(tmp_path / "home")


def test_every_work_in_the_table_is_on_show_and_all_it_was_made_from_can_be_read(gallery: Gallery) -> None:
    works = WithShow(gallery)
    shown = works.on_show.works()
    assert len(shown) == len(EXHIBITS) == len({work.id for work in shown})
    for work in shown:
        found = works.get(work.id)
        assert hashlib.sha256(works.read(found)).hexdigest() == found.sha256
        assert works.thumbnail(found)[:2] == b"\xff\xd8", "a JPEG"
        for source in read_recipe(work.recipe_json).sources:
            assert hashlib.sha256(works.read_source(source)).hexdigest() == source.sha256
    assert gallery.count() == 0, "they are beside the gallery, not in it"
    with pytest.raises(UnknownName):
        works.get("0123456789abcdef")
    gallery.close()


def test_the_tune_on_show_knows_where_its_notes_come_from() -> None:
    tune = OnShow().first("compose")
    assert tune is not None
    assert tune.facts["tune"]
    assert tune.title == "The Open Door"
    assert read_recipe(tune.recipe_json).called() == tune.title


def test_kin_on_show_are_known_and_sources_are_kept_only_when_something_is_made_of_them(
    gallery: Gallery,
) -> None:
    works = WithShow(gallery)
    by_title = {work.title: work for work in works.on_show.works()}
    mosaic = by_title["Dunes creatures mosaic"]
    assert [each.title for each in works.parents(mosaic)] == ["Dunes creatures"]
    assert [each.title for each in works.children(mosaic)] == ["Pagoda after the dunes"]
    recipe = read_recipe(mosaic.recipe_json)
    works.keep_sources(recipe)
    assert gallery.read_source(recipe.sources[0]) == works.read(by_title["Dunes creatures"])
    gallery.close()


def test_what_a_work_without_a_recipe_was_made_from_is_what_the_table_says() -> None:
    bare = Exhibit("sources/pagoda.jpg", "dream", {"photo": "dahlia.jpg"})
    assert extract((shipped("gallery") / bare.file).read_bytes()) is None
    assert [each.name for each in ingredients_of(bare)] == ["dahlia.jpg"]


def test_photos_to_try_have_their_credit() -> None:
    names = [each.file for each in samples_here()]
    assert len(names) == 3
    for name in names:
        found = sample(name)
        assert found.author
        assert found.licence
        assert found.content == (shipped("gallery") / "sources" / name).read_bytes()
    with pytest.raises(UnknownName):
        sample("../pyproject.toml")


def test_the_tune_on_show_is_made_again_where_its_style_was_never_read(tmp_path: Path) -> None:
    """A home that is still empty: the style comes with the studio."""
    tune = Path(shipped("gallery")) / "the-open-door.musicxml"
    with Gallery.open(tmp_path) as gallery:
        assert finish(remake(tune.read_bytes(), gallery)).identical


@pytest.mark.parametrize("rendition", RENDITIONS, ids=lambda each: each.file)
def test_a_song_on_show_is_printed_and_played_as_its_lead_sheet_says(rendition: Rendition) -> None:
    """The recipe inside each file is that of the lead sheet, but for what makes it another file."""
    folder = Path(shipped("gallery"))
    whole, own = (
        json.loads(extract((folder / file).read_bytes()) or "") for file in (rendition.of, rendition.file)
    )
    other = {name for name in {*whole, *own} if whole.get(name) != own.get(name)}
    assert other <= {"format", "band", "setting", "model"}
    assert own["words"]
    assert (folder / rendition.file).stat().st_size < 3_000_000


def test_a_song_on_show_is_heard_as_it_was_recorded_and_nothing_is_rendered(gallery: Gallery) -> None:
    """Its player and its mixer go by the band of the recording, and the second of every bar is there."""
    works = WithShow(gallery)
    song = works.on_show.first("song")
    assert song is not None
    music = SongRenditions(works, works.recording)
    heard = music.file(song, by_name("mp3"))
    assert heard == shipped("gallery") / "leave-the-light-on.mp3"
    assert music.in_parts(song)["band"] == "sixties"
    timing = music.timing(song)
    seconds = soundfile.info(str(heard)).duration
    assert 0 < timing["bars"][0] < timing["bars"][-1] < timing["end"] < seconds < timing["seconds"] + 2
    music.begin_sound(song)
    assert list((gallery.home / "cache" / "music").glob("*.mp3")) == []
    gallery.close()
