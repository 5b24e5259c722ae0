"""Renditions of composed works: the notes come from the facts, or from the file where the facts lack them."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pretty_midi
import pytest

from studio.errors import Refused
from studio.making.exporting import in_format
from studio.music.melody import renditions as renditions_module
from studio.music.melody.compose import compose, file_of
from studio.music.melody.recipes import ComposeRecipe
from studio.music.melody.renditions import Renditions, exports, has_notes
from studio.music.reading import readers
from studio.music.reading.readers import read_tunes
from studio.music.scores.tunes import Tune
from studio.music.writing.formats import FORMATS, by_name
from studio.process import finish
from studio.works.gallery import Gallery
from studio.works.ingredient import Ingredient
from studio.works.metadata import embed, extract
from studio.works.recipe import Source
from studio.works.work import Made, Work
from tests.app.tunes import jigs

TUNE = Tune.of(
    [(67, 1), (69, "1/2"), (71, "1/2"), (72, 2), (None, 2), (67, 2)],
    key="G",
    meter="4/4",
    title="Short",
    tempo=120,
)


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery.open(tmp_path) as gallery:
        yield gallery


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each process that was started to read a score."""
    processes: list[str] = []
    usual = readers.subprocess.Popen

    def counted(*given: object, **more: object) -> object:
        processes.append("a reader")
        return usual(*given, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(readers.subprocess, "Popen", counted)
    return processes


def kept(gallery: Gallery, form: str, *, with_tune: bool) -> Work:
    recipe = ComposeRecipe(format=form, seed=len(form))
    found = by_name(form)
    content = embed(file_of(TUNE, recipe), found.suffix, recipe)
    facts = {"tune": json.loads(TUNE.to_json())} if with_tune else {"notes": "5"}
    return gallery.add(Made(recipe, content, found.suffix, found.media_type, b"JPEG", facts=facts))


@pytest.mark.parametrize("form", ["musicxml", "svg", "wav"])
def test_a_work_that_carries_its_tune_needs_no_reader(
    gallery: Gallery, started: list[str], form: str
) -> None:
    work = kept(gallery, form, with_tune=True)
    renditions = Renditions(gallery)
    assert renditions.tune(work) == TUNE
    timing = renditions.timing(work)
    assert [(note["at"], note["for"], note["name"]) for note in timing["notes"]] == [
        (0, 0.5, "G4"),
        (0.5, 0.25, "A4"),
        (0.75, 0.25, "B4"),
        (1, 1, "C5"),
        (3, 1, "G4"),
    ]
    assert (timing["seconds"], timing["bars"], timing["copied"]) == (4, [0, 2], [0, 0])
    assert [[number for _, number in bar] for bar in timing["written"]] == [[0, 1, 2, 3], [None, 4]]
    assert renditions.score(work).read_bytes().count(b'class="note"') == 5
    assert [each.name for each in exports(work)] == list(FORMATS)
    assert renditions.file(work, by_name(form)) == gallery.local_path(work)
    exported = renditions.file(work, by_name("abc")).read_bytes()
    assert read_tunes(exported, "x.abc").tunes[0].notes == TUNE.notes
    assert json.loads(extract(exported) or "{}")["format"] == "abc"
    assert started == []


def test_a_work_of_an_earlier_version_is_read_from_its_file_once(
    gallery: Gallery, started: list[str]
) -> None:
    work = kept(gallery, "musicxml", with_tune=False)
    renditions = Renditions(gallery)
    assert renditions.tune(work).notes == TUNE.notes
    assert Renditions(gallery).timing(work)["notes"][0]["name"] == "G4"
    assert len(started) == 1
    sound = kept(gallery, "wav", with_tune=False)
    assert not has_notes(sound)
    assert exports(sound) == ()
    with pytest.raises(Refused, match="cannot be read back"):
        renditions.tune(sound)


def test_the_cache_forgets_what_was_asked_for_longest_ago(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = kept(gallery, "musicxml", with_tune=True)
    renditions = Renditions(gallery)
    sound = renditions.file(work, by_name("wav"))
    monkeypatch.setattr(renditions_module, "MOST_BYTES", sound.stat().st_size)
    score = renditions.score(work, "narrow")
    assert score.exists()
    assert not sound.exists()
    assert renditions.file(work, by_name("wav")).exists()


def test_whoever_looks_at_the_score_finds_the_sound_ready(gallery: Gallery) -> None:
    work = kept(gallery, "mid", with_tune=True)
    Renditions(gallery).score(work)
    give_up = time.monotonic() + 120
    while not list((gallery.home / "cache" / "music").glob("*as.wav")):
        assert time.monotonic() < give_up, "the sound was not rendered"
        time.sleep(0.02)


def test_the_sound_does_not_wait_for_the_engraving(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is begun with the score, and comes while that is still being engraved."""
    work, engraved = kept(gallery, "musicxml", with_tune=True), threading.Event()

    def engrave(*_: object, **__: object) -> bytes:
        assert engraved.wait(120)
        return b"<svg/>"

    monkeypatch.setattr("studio.music.writing.engraving.engrave", engrave)
    renditions = Renditions(gallery)
    asking = threading.Thread(target=renditions.score, args=(work,))
    asking.start()
    until = time.monotonic() + 120
    while not list((gallery.home / "cache" / "music").glob("*.wav")) and time.monotonic() < until:
        time.sleep(0.01)
    assert asking.is_alive()
    assert renditions.file(work, by_name("wav")).read_bytes()[:4] == b"RIFF"
    engraved.set()
    asking.join(120)
    assert not asking.is_alive()


def test_nothing_waits_for_an_archive(tmp_path: Path) -> None:
    """All stems of a song take half a minute: the score is engraved and heard meanwhile."""
    cache, packing, over = renditions_module._Cache(tmp_path), threading.Event(), threading.Event()

    def pack() -> bytes:
        packing.set()
        assert over.wait(120)
        return b"packed"

    asking = threading.Thread(target=cache.file, args=("stems.zip", pack))
    asking.start()
    assert packing.wait(120)
    for name in ("score.svg", "heard.mp3"):
        assert cache.file(name, lambda: b"made").read_bytes() == b"made"
    over.set()
    asking.join(120)
    assert (tmp_path / "stems.zip").read_bytes() == b"packed"


def test_what_sounds_otherwise_says_so_and_is_made_again_from_what_it_says(gallery: Gallery) -> None:
    tunes = {f"{number:064x}": content for number, content in enumerate(jigs().values())}
    sources = [Source(role="tune", sha256=sha256, name="jig.abc") for sha256 in tunes]

    def materials(source: Source) -> bytes:
        return tunes[source.sha256]

    for sha256, content in tunes.items():
        gallery.keep_ingredient(Ingredient("tune", content, f"{sha256[-1]}.abc"))
    made = finish(
        compose(ComposeRecipe(style="jigs", bars=4, max_copy=12, sources=sources, seed=5), materials)
    )
    renditions, work = Renditions(gallery), gallery.add(made)
    usual = pretty_midi.PrettyMIDI(io.BytesIO(renditions.file(work, by_name("mid")).read_bytes()))
    slower = renditions.file(work, by_name("mid"), tempo=50, instrument="flute").read_bytes()
    heard = pretty_midi.PrettyMIDI(io.BytesIO(slower))
    assert heard.get_tempo_changes()[1] == pytest.approx([50])
    assert heard.instruments[0].program == 73
    assert [note.pitch for note in heard.instruments[0].notes] == [
        note.pitch for note in usual.instruments[0].notes
    ]
    # What is saved says so, and its own recipe makes these very bytes.
    recipe = ComposeRecipe.model_validate_json(extract(slower) or "")
    assert (recipe.tempo, recipe.instrument, recipe.title) == (50, "flute", work.title)
    assert finish(compose(recipe, materials)).content == slower
    assert in_format(work, gallery, by_name("mid"), {"tempo": 50, "instrument": "flute"}) == slower
    for wrong in ({"tempo": 5}, {"instrument": "Kazoo"}, {"bars": 3}):
        with pytest.raises(Refused):
            in_format(work, gallery, by_name("mid"), wrong)
