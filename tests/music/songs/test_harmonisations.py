"""Several harmonisations of one melody at once: no two the same, read back by another library."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import music21
import numpy as np
import pytest

import studio as library
from studio.errors import Refused
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune
from studio.music.songs.harmonising import distinct, harmonisation_of, rows_of
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.song import style_asked
from studio.music.writing.musicxml import write_musicxml
from studio.process import finish
from studio.works.recipe import Setting
from tests.conftest import Studio
from tests.music.lead_sheets import songs, style

TUNE = songs(1)[0]


def figures(path: Path) -> list[tuple[float, str]]:
    score = music21.converter.parse(path)
    found = score.recurse().getElementsByClass("ChordSymbol")
    return [(float(each.getOffsetInHierarchy(score)), each.figure) for each in found]


def test_the_command_writes_harmonisations_of_which_no_two_are_the_same(
    studio: Studio, tmp_path: Path
) -> None:
    melody = tmp_path / "tune.musicxml"
    melody.write_bytes(write_musicxml(replace(TUNE, title="The Miller's Ladder")))
    asked = ["song", "--style", "songbook-manner", "--melody", str(melody)]
    asked += ["--seed", "4", "--harmonisations", "3"]
    status, _, complained = studio(*asked, "-o", tmp_path / "h.musicxml")
    assert status == 0, complained
    rows = [figures(tmp_path / f"h-{number}.musicxml") for number in (1, 2, 3)]
    assert all(one != other for one, other in combinations(rows, 2))
    other = [*asked, "--harmonisation", "2", "--json", "--bars", "12"]
    status, told, complained = studio(*other, "-o", tmp_path / "second.musicxml")
    assert status == 0, complained
    assert json.loads(told)["title"] == "The Miller's Ladder", "a tune with chords keeps its title"
    bars = len(TUNE.bars())
    said = f"The song is as long as its melody, {bars} bars; 12 were asked for."
    assert said in json.loads(told)["facts"]["remarks"]
    assert figures(tmp_path / "second.musicxml") == rows[1]


def test_rows_differ_though_hardly_any_are_left_and_too_many_are_refused() -> None:
    """All bars but one are given, and that one may have one of a few chords."""
    row = " | ".join(["C"] * 3 + ["?"] + ["C"] * 28)
    recipe = SongRecipe(chords=row, meter="4/4", key="C", chord_changes="1:1")
    asked = harmonisation_of(recipe, style(), TUNE)
    rows = distinct(asked, 3, np.random.default_rng(1))
    assert all(asked.apart(one, other) > 0 for one, other in combinations(rows, 2))
    with pytest.raises(
        Refused, match=r"Only \d+ different harmonisations of this melody could be found, but 16"
    ):
        distinct(asked, 16, np.random.default_rng(1))


def test_several_harmonisations_move_as_one_does() -> None:
    """A melody on two tones lies over one chord for as long as one likes, and by rules 11 it did."""
    notes = [(pitch, Fraction(2)) for _ in range(16) for pitch in (69, 72)]
    tune = Tune.of(notes, meter=Meter.parse("4/4"), key=Key.parse("Am"))
    known = finish(style_asked(SongRecipe(style="songbook-manner"), lambda _: b""))

    def rows(count: int, rules: str) -> list[Any]:
        then = Setting(versions={"drawing": rules}, device="cpu")
        recipe = SongRecipe(style="songbook-manner", seed=1, harmonisations=count, setting=then)
        asked = harmonisation_of(recipe, known, tune)
        return [asked.tune_with(row).chords for row in rows_of(asked, recipe)]

    def stays(chords: Any) -> float:
        starts = [chord.start for chord in chords]
        return float(max(b - a for a, b in pairwise([*starts, tune.end])) / 4)

    now, before = rows(4, "12"), rows(4, "11")
    assert now[0] == rows(1, "12")[0]
    assert max(map(stays, now)) <= 6
    assert min(map(stays, before)) >= 8


def test_several_harmonisations_need_a_melody(studio: Studio, tmp_path: Path) -> None:
    output = tmp_path / "x.musicxml"
    status, _, said = studio("song", "--style", "songbook-manner", "--harmonisations", "2", "-o", output)
    assert status == 2
    assert "no melody was given" in said


def test_a_melody_gets_about_as_many_different_chords_as_songs_of_the_style_have() -> None:
    recipe = SongRecipe(form="AABA", key="C", meter="4/4")
    asked = harmonisation_of(recipe, style(24), replace(TUNE, chords=()))
    own = np.mean([len({event.harmony.triad for event in line.events}) for line in asked.idiom.lines])

    def kinds(rows: list[list[int]]) -> float:
        return float(np.mean([len(asked.idiom.triads_in(row)) for row in rows]))

    now = [asked.draw_alike(np.random.default_rng(seed)) for seed in range(8)]
    before = [asked.draw(1, np.random.default_rng(seed))[0] for seed in range(8)]
    assert abs(kinds(now) - own) < max(0.75, abs(kinds(before) - own))


ENDINGS = {
    "C": "M:4/4\nL:1/4\nK:C\nCDEF|G2E2|A2F2|G4|FFDD|E2C2|DDGF|E4|",
    "E": "M:6/8\nL:1/8\nK:Em\nE2G B2A|G2F E3|A2c B2A|B6|e2d B2A|G2E F3|E2F G2F|E6|",
}


@pytest.mark.parametrize("tonic", ENDINGS)
def test_a_melody_harmonised_as_a_chorale_ends_on_its_tonic_in_root_position(tonic: str) -> None:
    """By rules 11 the chords of chorales ended on Cmaj7/B in C, and on Am in E minor. Those of fiddle tunes
    ended on Cmaj7 by rules 12.
    """
    melody = f"X:1\nT:Tune\n{ENDINGS[tonic]}\n".encode()
    for name in ("chorale", "fiddle"):  # beside a style of counts, so that no tunes need be read
        work = library.song(melody=melody, style="hymn", chords_from=name, seed=2, progress=False)
        score = music21.converter.parseData(work.content.decode(), format="musicxml")
        last = score.recurse().getElementsByClass("ChordSymbol").last()
        assert (last.root().name, last.bass().name, len(last.pitches)) == (tonic, tonic, 3)


def test_what_is_asked_of_a_melody_that_is_given_is_said_to_be_unused() -> None:
    melody = f"X:1\nT:Tune\n{ENDINGS['C']}\n".encode()
    asked = {"melody": melody, "style": "songbook-manner", "progress": False}
    work = library.song(range="C5:C6", pins=["1:1=G4"], max_copy=8, **asked)
    told = "Your melody stays as it is; not used: the range C5:C6, the pin 1:1=G4."
    assert told in work.facts["remarks"]
    assert work.tune.sounding[0].pitch == 60
    assert "remarks" not in library.song(daring=0.5, **asked).facts
    row = " | ".join(["C"] * len(work.tune.bars()))
    given = library.song(daring=0.5, modulation="learnt", chords=row, **asked).facts["remarks"]
    assert "Your melody stays as it is; not used: keys as in the style's songs." in given
    assert "Your chords stay as they are; not used: the daring 0.5." in given


def test_what_is_asked_of_chords_that_are_all_given_or_kept_is_said_to_be_unused() -> None:
    asked: dict[str, Any] = {"style": "songbook-manner", "form": "AB", "bars": 8, "meter": "4/4", "key": "C"}
    wishes: dict[str, Any] = {"daring": 0.8, "max_chord_copy": 16, "progress": False}
    given = library.song(**asked, **wishes, chords="C | F | G7 | C | F | C | G7 | C")
    told = "not used: the daring 0.8, at most 16 chords in a row as in the style."
    assert f"Your chords stay as they are; {told}" in given.facts["remarks"]
    drawn = library.song(**asked, **wishes)
    assert "remarks" not in drawn.facts
    asked |= {"earlier": drawn}
    kept = library.song(**asked, **wishes, keep_parts=["tune", "chords"], band="trio").facts["remarks"]
    assert f"Melody and chords are kept; {told}" in kept
    kept = library.song(**asked, daring=0.8, keep_chords=["1-8"], progress=False).facts["remarks"]
    assert f"All chords are given or kept; {told}" in kept  # the copy limit is the earlier song's
