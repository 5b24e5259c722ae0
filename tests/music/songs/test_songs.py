"""Lead sheets: read back by another library, with every constraint checked on what was written."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import music21
import numpy as np
import pytest

import studio as library
from studio.errors import Contradiction, Refused
from studio.music.chains.trellis import SearchBudget
from studio.music.harmony.counts import chords_file, shipped_chords
from studio.music.harmony.named import CHORD_STYLES
from studio.music.harmony.symbols import Harmony
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune
from studio.music.songs.facts import row_in_words
from studio.music.songs.plan import SheetPlan
from studio.music.songs.recipes import SongRecipe, in_time, read_row
from studio.music.songs.sheet import Sheet, SheetDesk, SongStyles, draw_sheet, prepare
from studio.music.styles.style import Style
from studio.music.writing.musicxml import write_musicxml
from studio.process import finish
from tests.conftest import Studio
from tests.music.lead_sheets import songs, style

STYLE = style()


def desk_of(**settings: object) -> SheetDesk:
    fields = {"bars": 32, "form": "AABA", "key": "F", "meter": "4/4", "max_copy": 12, **settings}
    return finish(prepare(SongRecipe(**fields), SongStyles(STYLE)))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def desk() -> SheetDesk:
    return desk_of()


@pytest.fixture(scope="module")
def sheet(desk: SheetDesk) -> Sheet:
    return finish(draw_sheet(desk, 5))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The style as files."""
    there = tmp_path / "sheets"
    there.mkdir()
    for number, tune in enumerate(songs(12)):
        (there / f"{number}.musicxml").write_bytes(write_musicxml(tune))
    return there


def test_a_style_too_large_to_be_searched_is_learnt_from_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the masses of Palestrina are: songs after them were refused. The song says so, and keeps the copy
    limit of the whole style; where no part is small enough, one sentence says it.
    """
    whole = desk_of()
    assert whole.sung.unheard == 0
    monkeypatch.setattr("studio.music.songs.counted._sung_last", dict)  # nothing is kept
    monkeypatch.setattr("studio.music.songs.sheet.SMALL_BUDGET", SearchBudget(states=300, steps=1200))
    monkeypatch.setattr("studio.music.songs.sheet.PARTS_LEARNT", (400, 200))
    part = desk_of()
    assert 0 < part.sung.song_count < part.sung.song_count + part.sung.unheard == whole.sung.song_count
    assert any(f"learnt from {part.sung.song_count} of the style's" in remark for remark in part.remarks)
    monkeypatch.setattr("studio.music.songs.sheet.SMALL_BUDGET", SearchBudget(states=10, steps=10))
    with pytest.raises(Refused, match=r"too many ways .* or choose another style\.$"):
        desk_of()


def test_a_sheet_has_its_bars_key_chords_and_sections_for_another_reader(sheet: Sheet) -> None:
    part = music21.converter.parseData(write_musicxml(sheet.tune).decode(), format="musicxml").parts[0]
    measures = list(part.getElementsByClass("Measure"))
    assert len(measures) == 32
    assert all(measure.duration.quarterLength == 4 for measure in measures)
    assert [key.sharps for key in part.recurse().getElementsByClass(music21.key.KeySignature)] == [-1]
    chords = list(part.recurse().getElementsByClass(music21.harmony.ChordSymbol))
    assert chords[0].getOffsetInHierarchy(part) == 0
    figures = [(float(each.getOffsetInHierarchy(part)), each.figure) for each in chords]
    notes = [
        (float(each.getOffsetInHierarchy(part)), [p.midi for p in each.pitches], float(each.quarterLength))
        for each in part.recurse().notesAndRests
        if not isinstance(each, music21.harmony.ChordSymbol)
    ]

    def section(number: int, rows: list) -> list:  # type: ignore[type-arg]
        begin = 32 * number
        return [(row[0] - begin, *row[1:]) for row in rows if begin <= row[0] < begin + 32]

    for rows in (figures, notes):
        assert section(0, rows) == section(1, rows) == section(3, rows) != section(2, rows)


def test_a_sheet_copies_no_more_than_allowed(desk: SheetDesk, sheet: Sheet) -> None:
    """By brute force, in notes and in chords."""
    pitches = [note.pitch or 0 for note in sheet.tune.sounding]
    own = [b - a for a, b in pairwise(pitches)]
    for tune in STYLE:
        theirs = [b - a for a, b in pairwise([note.pitch or 0 for note in tune.sounding])]
        runs = {tuple(theirs[n : n + 12]) for n in range(len(theirs) - 11)}
        assert not any(tuple(own[n : n + 12]) in runs for n in range(len(own) - 11))
    assert desk.chords.idiom.longest_run(sheet.row)[0] <= sheet.chord_limit


def test_the_same_seed_gives_the_same_sheet(desk: SheetDesk, sheet: Sheet) -> None:
    assert finish(draw_sheet(desk_of(), 5)).tune == sheet.tune
    assert finish(draw_sheet(desk, 6)).tune != sheet.tune


def dissonances(tune: Tune) -> list[tuple[Fraction, bool]]:
    """Every meeting of a note with a chord it is no tone of, on a beat: where, and whether it is left by
    a step.
    """
    found = []
    chords = [*tune.chords]
    for number, note in enumerate(tune.notes):
        if note.pitch is None:
            continue
        for place, chord in enumerate(chords):
            end = chords[place + 1].start if place + 1 < len(chords) else tune.end
            meets = max(note.start, chord.start)
            harmony = Harmony.of(chord.symbol, 0)
            if meets >= min(note.end, end) or meets.denominator != 1 or harmony is None:
                continue
            if note.pitch % 12 not in {(harmony.root + tone) % 12 for tone in harmony.tones}:
                after = tune.notes[number + 1].pitch if number + 1 < len(tune.notes) else None
                found.append((meets, after is not None and 0 < abs(after - note.pitch) <= 2))
    return found


def test_every_dissonance_on_a_beat_is_resolved(desk: SheetDesk) -> None:
    met = [each for seed in range(2) for each in dissonances(finish(draw_sheet(desk, seed)).tune)]
    assert all(resolved for _, resolved in met)


def test_given_chords_get_a_melody_and_stay_as_they_are() -> None:
    row = "F | Dm7 | Gm7 C7 | F . . C7 | Bb | Bbm6 | G7 C7 | F"
    found = finish(draw_sheet(desk_of(form="A", bars=None, chords=row), 2))
    expected = [
        (4 * bar + start, symbol)
        for bar, words in enumerate(read_row(row))
        for symbol, start, _ in in_time(words or [], STYLE[0].meter)
    ]
    assert [(chord.start, chord.symbol) for chord in found.tune.chords] == expected
    assert len(found.tune.bars()) == 8


def test_open_bars_are_drawn_around_given_ones() -> None:
    found = finish(draw_sheet(desk_of(form="AB", bars=16, chords="F | ? | ? | Bb | ? | ? | ? | C7"), 3)).tune
    assert [found.chord_at(Fraction(4 * bar)) for bar in (0, 3, 7)] == ["F", "Bb", "C7"]


def test_melody_constraints_hold_in_a_song(sheet: Sheet) -> None:
    bridge, theme = (sheet.tune.in_bar(bar)[0].pitch for bar in (17, 2))
    pins = (f"17:1={bridge}", f"2:1={theme}")
    chords = row_in_words(sheet.tune)
    desk = desk_of(chords=chords, pins=pins, range="A3:A5", density="1:6")
    tune = finish(draw_sheet(desk, 1)).tune
    assert tune.in_bar(17)[0].pitch == bridge
    assert [tune.in_bar(bar)[0].pitch for bar in (2, 10, 26)] == [theme] * 3
    assert all(57 <= (note.pitch or 60) <= 81 for note in tune.notes)
    assert tune.in_bar(32)[-1].pitch is not None
    assert all(1 <= len([n for n in tune.in_bar(bar) if n.pitch]) <= 6 for bar in range(1, 33))


def test_a_primed_section_differs_in_its_ending_alone() -> None:
    tune = finish(draw_sheet(desk_of(form="AA'", bars=16), 4)).tune
    first, second = ([(n.pitch, n.start - s) for n in tune.notes if s <= n.start < s + 24] for s in (0, 32))
    assert first == second


def test_a_bridge_may_stand_in_another_key() -> None:
    found = finish(draw_sheet(desk_of(section_keys=("B=Bb",)), 3))
    assert [key.short() for key in found.plan.keys[14:18]] == ["F", "F", "Bb", "Bb"]


def test_a_blues_has_its_chords_in_place() -> None:
    tune = finish(draw_sheet(desk_of(form="blues", bars=12), 3)).tune
    roots = [str(tune.chord_at(Fraction(4 * bar))) for bar in (0, 4, 6, 8)]
    assert [Harmony.of(symbol, 5).root for symbol in roots] == [0, 5, 0, 7]  # type: ignore[union-attr]


def test_chords_that_sing_better_are_chosen_by_the_mass_of_their_melodies() -> None:
    """The mass of one section, against brute force over every melody of one bar."""
    small = desk_of(form="A", bars=1, chords="F", dissonance="free", max_copy=64)
    (row,) = small.chords.rows(1, np.random.default_rng(0)).rows
    (view,) = small.sections(row)
    sung, chain = small.sung, small.compiled.context.walk.chain
    weight = sung.lying_over(small.chords.over(row, sung.tick), small.fit, small.fitting)
    assert small.rhythm is not None  # notes off the beat are favoured
    weight = weight * small.rhythm
    low, high = sung.range

    def mass(context: int, tick: int) -> float:
        if tick == sung.bar:
            return 1.0  # no song of one bar ends there, so its ending gives way
        total = 0.0
        for step in range(int(chain.start[context]), int(chain.start[context + 1])):
            symbol = int(chain.symbol[step])
            pitch = int(sung.pitch[symbol])
            fits = int(sung.place[symbol]) == tick and tick + int(sung.ticks[symbol]) <= sung.bar
            if fits and (pitch < 0 or low <= pitch <= high):
                onward = mass(int(chain.target[step]), tick + int(sung.ticks[symbol]))
                total += float(chain.probability[step]) * float(weight[tick, symbol]) * onward
        return total

    assert np.exp(view.log_z) == pytest.approx(mass(chain.state(), 0), rel=1e-9)


def test_the_command_makes_a_song_and_remakes_it(studio: Studio, folder: Path) -> None:
    asked = ["--form", "AABA", "--bars", "32", "--key", "F", "--seed", "5", "--max-copy", "12"]
    status, out, told = studio("song", "-o", "song.musicxml", "--style", folder, *asked)
    assert (status, out.strip()) == (0, "song.musicxml"), told
    assert "chords" in told
    assert studio("song", "-o", "again.musicxml", "--style", folder, *asked)[0] == 0
    assert Path("song.musicxml").read_bytes() == Path("again.musicxml").read_bytes()
    assert studio("remake", "song.musicxml")[1].strip() == "Identical, to the byte."
    status, out, told = studio(
        "song", "-o", "band.mid", "--style", folder, *asked, "--band", "trio", "--json"
    )
    assert status == 0, told
    assert json.loads(out)["facts"]["sections"][2]["letter"] == "B"
    assert len(music21.converter.parse("band.mid").parts) >= 3


def test_a_melody_is_harmonised_with_its_pickup_kept(studio: Studio, folder: Path) -> None:
    tune = Tune.of([(67, 1), *[(p, 1) for p in (72, 76, 74, 71, 72, 72, 67, 67) * 2], (72, 3)], pickup=1)
    Path("tune.musicxml").write_bytes(write_musicxml(tune))
    status, _, told = studio("song", "-o", "set.musicxml", "--style", folder, "--melody", "tune.musicxml")
    assert status == 0, told
    part = music21.converter.parse("set.musicxml").parts[0]
    first = part.getElementsByClass("Measure")[0]
    assert first.duration.quarterLength == 1
    figures = list(part.recurse().getElementsByClass(music21.harmony.ChordSymbol))
    assert figures[0].getOffsetInHierarchy(part) == 1
    pitches = [note.pitch.midi for note in part.recurse().notes if isinstance(note, music21.note.Note)]
    assert pitches == [note.pitch for note in tune.notes]


def test_python_makes_songs(folder: Path) -> None:
    work = library.song(style=folder, form="AB", bars=16, max_copy=12, seed=1, progress=False)
    assert len(work.tune.bars()) == 16
    assert work.chords.count("|") == 15
    again = library.song(style=folder, form="AB", chords=work.chords, max_copy=12, progress=False)
    assert [c.symbol for c in again.tune.chords] == [c.symbol for c in work.tune.chords]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"chords": "F | Xyz"}, "Xyz"),
        ({"chords": "% | F"}, "first bar"),
        ({"form": "AABA", "bars": 30}, "into the 4 equally long sections"),
        ({"form": "blues", "bars": 16}, "12 bars"),
        ({"section_keys": ("C=Bb",)}, "no section C"),
        ({"section_keys": ("B=Dm",)}, "no songs in 4/4 and minor, and section B"),
        ({"chords": "F C F C F", "form": "A", "bars": 4}, "4 beats"),
        ({"chords": "F | C", "form": "AA", "bars": 2}, "same bar"),
        ({"chord_changes": "3:1"}, "FEWEST:MOST"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises((Refused, ValueError), match=sentence):
        finish(draw_sheet(desk_of(**settings), 0))


def test_what_conflicts_is_named_with_its_data() -> None:
    with pytest.raises(Contradiction) as told:
        finish(draw_sheet(desk_of(chords="F G F G", chord_changes="1:1", form="A", bars=4), 0))
    assert {each.field for each in told.value.conflict} == {"chords", "chord_changes"}
    assert len(told.value.conflict) == 2


def test_a_melody_that_cannot_lie_over_given_chords_names_the_rule() -> None:
    """Two notes as a song in F has them, with a leap between, over a chord without the first of them."""
    tune = next(tune for tune in STYLE if tune.key == Key.parse("F"))
    one, other = next(
        (one, other)
        for one, other in pairwise(tune.notes)
        if (one.start - tune.bar_at(one.start).start) == 0
        and one.duration == 2
        and abs((one.pitch or 0) - (other.pitch or 0)) > 2
    )
    chord = next(c for c in ("F", "Gm", "Am", "Bb", "C") if not _belongs(one.pitch or 0, c))
    pins = (f"1:1={one.pitch}*2", f"1:3={other.pitch}")
    assert finish(draw_sheet(desk_of(form="A", bars=2, pins=pins, dissonance="free"), 0)).tune
    with pytest.raises(Contradiction) as told:
        finish(draw_sheet(desk_of(chords=f"{chord} | F", form="A", bars=2, pins=pins), 0))
    assert {each.field for each in told.value.conflict} == {"chords", "dissonance", "pins"}


def _belongs(pitch: int, chord: str) -> bool:
    harmony = Harmony.of(chord, 0)
    assert harmony is not None
    return pitch % 12 in {(harmony.root + tone) % 12 for tone in harmony.tones}


def test_forms_name_bars_that_return() -> None:
    plan = SheetPlan.of("ABA'B", 16, Key.parse("C"))
    assert plan.returns == {0: [8], 1: [9], 2: [10], 4: [12], 5: [13], 6: [14], 7: [15]}
    assert SheetPlan.of("verse-chorus", None, Key.parse("C")).bars == 48
    twice = SheetPlan.of("AA'BA'", 16, Key.parse("C"))
    assert twice.returns == {0: [4, 12], 1: [5, 13], 2: [6, 14], 7: [15]}
    assert SheetPlan.of("AA'BA'", 16, Key.parse("C"), rules="1").returns == {0: [4], 1: [5], 2: [6], 7: [15]}


@pytest.mark.parametrize("name", ["songbook-manner", "sixties-pop"])
def test_a_style_without_chords_takes_those_that_ship(name: str) -> None:
    """Melodies of one style over the counts of another; the copy limit is kept by hashes of rows."""
    plain = Style.of([replace(tune, chords=()) for tune in songs(16)], "plain")
    recipe = SongRecipe(form="AB", bars=16, key="F", meter="4/4", max_copy=12, chords_from=name)
    styles = SongStyles.of(recipe, plain)
    desk = finish(prepare(recipe, styles))
    sheet = finish(draw_sheet(desk, 1))
    assert len(sheet.tune.chords) > 2
    assert sheet.tune.chord_at(Fraction(0)) is not None
    assert desk.chords.idiom.keeps(sheet.row, sheet.chord_limit)
    assert SongStyles.of(SongRecipe(), plain).chords == "songbook-manner"
    hardly = Style.of([*songs(1), *(replace(tune, chords=()) for tune in songs(16))], "hardly any")
    assert SongStyles.of(SongRecipe(), hardly).chords == "songbook-manner"
    assert SongStyles.of(SongRecipe(), STYLE).chords == ""


def test_shipped_chords_hold_no_song_and_match_their_cards() -> None:
    for name in CHORD_STYLES:
        path = chords_file(name)
        card = json.loads(path.with_name(f"{path.name}.json").read_text("utf-8"))
        assert card["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        idiom = shipped_chords(name, STYLE[0].meter, "major")
        assert idiom.lines == ()
        assert len(idiom.tree.symbols) == 0
        assert np.allclose(idiom.chain(1).distribution(1).sum(), 1)
    with pytest.raises(Refused, match="5/4"):
        shipped_chords("hymn", Meter.parse("5/4"), "minor")
