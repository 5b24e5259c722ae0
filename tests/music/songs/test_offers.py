"""What a song offers where something is missing: bars for its words, chords for its style."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import music21
import pytest

from studio.errors import AskedFor, Contradiction
from studio.music.scores.chords import parse_chord
from studio.music.scores.meters import Meter
from studio.music.songs.fitting import ways_for_words
from studio.music.songs.inferring import with_inferred_chords
from studio.music.songs.recipes import SongRecipe
from studio.music.styles.style import Style
from studio.music.words.laying import _Counts, _remarks
from studio.music.words.lyrics import read_lyrics
from studio.music.writing.musicxml import write_musicxml
from tests.conftest import Studio
from tests.music.lead_sheets import songs

LINE = "every wonderful memory over the sea"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    there = tmp_path / "sheets"
    there.mkdir()
    for number, tune in enumerate(songs(8)):
        (there / f"{number}.musicxml").write_bytes(write_musicxml(replace(tune, chords=())))
    return there


def test_words_with_more_syllables_than_notes_get_the_bars_they_need(studio: Studio, folder: Path) -> None:
    words = "\n".join([LINE] * 4)  # 48 syllables, in four bars
    asked = ["--style", folder, "--form", "A", "--bars", "4", "--words", words, "--dissonance", "free"]
    status, _, said = studio("song", "-o", "song.musicxml", *asked, "--max-copy", "16")
    assert status == 2
    assert "48 syllables" in said
    assert "--fit" in said
    status, out, said = studio("song", "-o", "song.musicxml", *asked, "--max-copy", "16", "--fit", "--json")
    assert status == 0, said
    part = music21.converter.parse("song.musicxml").parts[0]
    assert sum(len(note.lyrics) for note in part.recurse().notes if isinstance(note, music21.note.Note)) == 48
    bars = len(part.getElementsByClass("Measure"))
    assert bars in (8, 16)
    told = json.loads(out)
    assert f"{bars} bars instead of 4" in told["facts"]["words"]["fitted"]
    assert told["recipe"]["bars"] == bars


def test_a_style_without_chords_offers_to_infer_them_and_does(studio: Studio, folder: Path) -> None:
    asked = ["--style", folder, "--form", "A", "--bars", "8", "--max-copy", "16", "--json"]
    status, out, said = studio("song", "-o", "usual.musicxml", *asked)
    assert status == 0, said
    facts = json.loads(out)["facts"]
    assert [(each["field"], each["value"]) for each in facts["offers"]] == [("chords_from", "inferred")]
    status, out, said = studio("song", "-o", "own.musicxml", *asked, "--chords-from", "inferred")
    assert status == 0, said
    facts = json.loads(out)["facts"]
    assert "offers" not in facts
    assert "Nobody wrote chords" in facts["remarks"][0]
    assert studio("remake", "own.musicxml")[1].strip() == "Identical, to the byte."


def test_inferred_chords_lie_under_the_melodies_they_are_inferred_from() -> None:
    plain = Style.of([replace(tune, chords=()) for tune in songs(8)], "plain")
    found = with_inferred_chords(plain, Meter.parse("4/4"), "major")
    assert len(found) == 8
    fits = []
    for tune in found:
        for note in tune.sounding:
            chord = parse_chord(tune.chord_at(note.start) or "")
            fits.append(chord is not None and (note.pitch or 0) % 12 in chord.pitch_classes)
    assert sum(fits) > 0.65 * len(fits)


def test_what_is_said_of_one_of_a_kind_and_of_names_makes_sense(studio: Studio) -> None:
    """One bar, one section; a range that would do; every language; bands by their names; and no seventy-five
    verses of four lines.
    """
    _, _, said = studio("song", "-o", "one.mid", "--style", "hymn", "--form", "A", "--bars", "1")
    assert "1 bar in the form A" in said
    status, _, said = studio("song", "-o", "low.mid", "--style", "hymn", "--range", "C3:D3")
    assert status == 2
    found = re.search(
        r"in G major they usually lie in (\w+:\w+), so choose that range, or one with more", said
    )
    assert found is not None
    assert studio("song", "-o", "low.mid", "--style", "hymn", "--range", found[1])[0] == 0
    _, _, said = studio("song", "-o", "a.mid", "--style", "hymn", "--words", "la la", "--language", "xx")
    assert all(f" {code}" in said for code in ("af", "de", "it", "zu"))
    _, _, said = studio("song", "-o", "a.mid", "--style", "hymn", "--band", "nope")
    assert "''" not in said
    assert "'trio'" in said
    many = SongRecipe(words="\n".join(["Over the hills we go"] * 300), form="A", bars=8)
    beyond = Contradiction("No.", [AskedFor("words", "", "words")], [])
    assert not [way for way in ways_for_words(many, beyond) if "verses" in way.label]
    silent = list(_remarks(read_lyrics("la"), _Counts(), ["C", "C"], 0))
    told = "it is for instruments alone, unless you write a stanza below [C]."
    assert silent[0] == f"No words are sung in the section C; {told}"
