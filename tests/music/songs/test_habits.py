"""Bridges in other keys and pick-ups, learnt from songs and read back by another library."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import music21
import pytest

from studio.music.harmony.idiom import learn_harmony
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune
from studio.music.songs.habits import learn_habits, shipped_habits
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.sheet import Sheet, SheetDesk, SongStyles, draw_sheet, prepare
from studio.music.styles.style import Style
from studio.music.writing.musicxml import write_musicxml
from studio.process import finish
from tests.music.lead_sheets import songs

UPBEAT = ((0, Fraction(1, 2)), (0, Fraction(1, 2)))


def modulating(tune: Tune, number: int) -> Tune:
    """The song with its theme as the bridge, a major third lower; every other one has a pick-up."""
    theme = tune.passage(Fraction(0), Fraction(32))
    parts = [theme, theme, theme.transposed(-4), theme]
    notes = [(note.pitch, note.duration) for part in parts for note in part.notes]
    chords = [(chord.start + 32 * n, chord.symbol) for n, part in enumerate(parts) for chord in part.chords]
    lead = [] if number % 2 else [(notes[0][0] + rise, length) for rise, length in UPBEAT]  # type: ignore[operator]
    ahead = sum((length for _, length in lead), Fraction(0))
    return Tune.of(
        [*lead, *notes],
        meter="4/4",
        key=tune.key,
        pickup=ahead,
        chords=[(start + ahead, symbol) for start, symbol in chords],
        title=tune.title,
    )


STYLE = Style.of([modulating(tune, number) for number, tune in enumerate(songs(12))], "modulating songs")


@pytest.fixture(scope="module")
def desk() -> SheetDesk:
    recipe = SongRecipe(
        form="AABA", bars=32, key="F", meter="4/4", max_copy=12, modulation="learnt", pickup="always"
    )
    return finish(prepare(recipe, SongStyles(STYLE)))


@pytest.fixture(scope="module")
def sheet(desk: SheetDesk) -> Sheet:
    return next(found for seed in range(8) if (found := finish(draw_sheet(desk, seed))).pickup)


def test_keys_of_bridges_and_upbeats_are_counted() -> None:
    found = learn_habits(STYLE, learn_harmony(STYLE, Meter.parse("4/4"), "major").lines)
    assert found.songs == 12
    assert found.begun == 6
    assert found.section_keys[8] >= 9
    assert found.upbeats["4/4"][UPBEAT] == 6


def test_a_bridge_goes_where_bridges_of_the_style_go(desk: SheetDesk, sheet: Sheet) -> None:
    assert {part.letter: part.key.short() for part in sheet.plan.sections} == {"A": "F", "B": "Db"}
    assert desk.plan.sections[2].key.short() == "F"  # the request itself leaves it open
    chords = [c.symbol for c in sheet.tune.chords if 64 <= c.start - sheet.tune.pickup < 96]
    own = {"Db", "Ebm", "Fm", "Gb", "Ab", "Bbm"}  # triads of D flat
    inside = [any(symbol.startswith(name) for name in own) for symbol in chords]
    assert sum(inside) / len(inside) > 0.6


def test_a_pick_up_is_one_of_the_style_and_the_rest_stays(
    desk: SheetDesk, sheet: Sheet, tmp_path: Path
) -> None:
    plain = replace(desk, recipe=desk.recipe.model_copy(update={"pickup": "none"}))
    seed = next(seed for seed in range(8) if finish(draw_sheet(desk, seed)).tune == sheet.tune)
    without = finish(draw_sheet(plain, seed)).tune
    assert sheet.pickup == len(UPBEAT)
    assert [n.pitch for n in sheet.tune.notes[sheet.pickup :]] == [n.pitch for n in without.notes]
    path = tmp_path / "song.musicxml"
    path.write_bytes(write_musicxml(sheet.tune))
    measures = list(music21.converter.parse(path).parts[0].getElementsByClass("Measure"))
    assert [measure.number for measure in measures] == list(range(33))
    lead = [(note.pitch.midi, Fraction(note.quarterLength)) for note in measures[0].notes if note.isNote]
    first = next(note for note in measures[1].notes if note.isNote)
    assert tuple((pitch - first.pitch.midi, length) for pitch, length in lead) == UPBEAT
    assert measures[0].paddingLeft == 3


def test_how_often_songs_begin_with_a_pick_up_is_learnt_too(desk: SheetDesk) -> None:
    learnt = replace(desk, recipe=desk.recipe.model_copy(update={"pickup": "learnt"}))
    never = replace(learnt, habits=replace(learnt.habits, begun=0))  # type: ignore[type-var]
    assert finish(draw_sheet(never, 0)).pickup == 0
    always = replace(learnt, habits=replace(learnt.habits, begun=12))  # type: ignore[type-var]
    seeds = [seed for seed in range(3) if finish(draw_sheet(desk, seed)).pickup]
    assert all(finish(draw_sheet(always, seed)).pickup for seed in seeds)


@pytest.mark.parametrize("name", ["songbook-manner", "hymn", "sixties-pop"])
def test_styles_of_counts_have_habits(name: str) -> None:
    found = shipped_habits(name)
    assert found.section_keys[0] > sum(count for step, count in found.section_keys.items() if step)
    assert name == "sixties-pop" or sum(found.upbeats["4/4"].values()) > 20
