"""Styles of songs that come with the studio: they need no folder, hold no song, and layers can be mixed."""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import studio as library
from studio.errors import Refused, UnknownName
from studio.music.chains.sampling import Requirement, solve
from studio.music.harmony.character import LONG, LONGEST_STAY, Character
from studio.music.harmony.counts import shipped_chords
from studio.music.harmony.laying import in_bars
from studio.music.harmony.symbols import Family
from studio.music.melody.idiom import learn
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune
from studio.music.songs import counted
from studio.music.songs.chording import MAJOR_IN_MINOR, RESTLESS, ChordRequest
from studio.music.songs.counted import CountedStyle, counted_style, melodies_file, pack_melodies
from studio.music.songs.facts import facts_in_words, facts_of_sheet
from studio.music.songs.harmonising import harmonisation_of, rows_of
from studio.music.songs.named import MELODIES, SONG_STYLES
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.rules import DRAWING_RULES
from studio.music.songs.sheet import SongStyles, draw_sheet, plan_of, prepare
from studio.music.songs.sources import default_sources
from studio.music.songs.sung import SungIdiom
from studio.music.styles.runs import RunKind
from studio.music.styles.table import StyleEntry
from studio.process import finish
from studio.works.recipe import Setting
from studio.works.setting import setting
from tests.music.lead_sheets import songs, style

ASKED = {"form": "AABA", "bars": 32, "meter": "4/4", "key": "F"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))


def counts_of(sung: SungIdiom) -> CountedStyle:
    """The style as its file says it."""
    folders: dict[str, dict[str, object]] = {}
    with zipfile.ZipFile(io.BytesIO(pack_melodies(style(), [sung]))) as archive:
        for name in archive.namelist():
            folder, _, file = name.partition("/")
            content = archive.read(name)
            value = json.loads(content) if file.endswith("json") else np.load(io.BytesIO(content))
            folders.setdefault(folder, {})[file.rpartition(".")[0]] = value
    return CountedStyle(StyleEntry("counts", "Counts", "", "", ""), "0" * 64, folders)


@pytest.mark.parametrize("name", [name for name, row in SONG_STYLES.items() if row.counted])
def test_a_counted_style_makes_a_song_in_an_empty_home(name: str) -> None:
    one, other = (
        library.song(style=name, form="AB", bars=16, meter="4/4", key="G", seed=seed, progress=False)
        for seed in (1, 2)
    )
    assert one.tune.notes != other.tune.notes
    assert len([bar for bar in one.tune.bars() if bar.full]) == 16
    assert one.tune.chords[0].start == 0
    (source,) = one.recipe.sources
    assert "Counts from" in source.author
    assert "public domain" in source.licence or "CC0" in source.licence


def test_counts_say_what_the_songs_they_were_counted_in_say() -> None:
    """The chain, the forms and the character, read back, are those learnt from the songs themselves."""
    sung = SungIdiom(learn(style(), Meter.parse("4/4"), Key.parse("C"), longest=3))
    back = counts_of(sung).sung(Meter.parse("4/4"), Key.parse("C"))
    assert back.events == sung.events
    for context in range(0, sung.tree.contexts, 37):
        there, here = sung.chain(1).distribution(context), back.chain(1).distribution(context)
        assert np.allclose(there, here)
    assert np.allclose(back.forms().weights(8), sung.forms().weights(8), atol=0.02)
    assert np.allclose(back.character.alone.mean, sung.character.alone.mean)
    moved = counts_of(sung).sung(Meter.parse("4/4"), Key.parse("F"))
    assert {e.pitch for e in moved.events if e.pitch >= 0} == {
        e.pitch + 5 for e in sung.events if e.pitch >= 0
    }


def test_hashes_know_the_runs_of_the_songs_and_no_others() -> None:
    """Beside a plain search for the run in the songs' own intervals."""
    sung = SungIdiom(learn(style(), Meter.parse("4/4"), Key.parse("C"), longest=3))
    back = counts_of(sung).sung(Meter.parse("4/4"), Key.parse("C"))
    lines = [[note.pitch for note in tune.sounding if note.pitch is not None] for tune in songs(16)]
    rises = [",".join(str(b - a) for a, b in pairwise(line)) for line in lines]
    solution = finish(_desk(sung))
    refused = 0
    for row in solution.sample(60, 3):
        symbols = [int(s) for s in row if s >= 0]
        pitches = [back.events[s].pitch for s in symbols if back.struck[s]]
        steps = [str(b - a) for a, b in pairwise(pitches)]
        copied = any(
            f",{','.join(steps[at : at + 8])}," in f",{line},"
            for at in range(len(steps) - 7)
            for line in rises
        )
        assert back.keeps(symbols, 8) == (not copied)
        refused += copied
    assert 0 < refused < 60
    with pytest.raises(Refused, match="from 8 notes on"):
        back.copies(RunKind.INTERVAL, 5)


def _desk(sung: SungIdiom):  # type: ignore[no-untyped-def]
    from studio.music.chains.sampling import solve

    yield "solving"
    return solve(sung.trellis(sung.walk(1), ()), 8 * sung.bar, [])


def test_files_match_their_cards_and_say_where_they_come_from() -> None:
    import hashlib

    for name in MELODIES:
        path = melodies_file(name)
        card = json.loads(Path(f"{path}.json").read_text())
        assert card["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert card["data"][0]["licence"]
        assert counted_style(name).meters
    assert counted.LIMITS[0] == 8


def test_draws_are_taken_as_often_as_the_style_has_their_figures() -> None:
    """Normal draws about 0 and a style about 1: what is taken lies about 1, not beyond."""
    random = np.random.default_rng(1)
    wanted = Character.of(random.normal(1.0, 0.5, (400, 2)).tolist())
    draws = random.normal(0.0, 1.0, (4000, 2))
    weights = wanted.weights(draws.tolist())
    mean = (weights[:, None] * draws).sum(axis=0) / weights.sum()
    spread = np.sqrt((weights[:, None] * (draws - mean) ** 2).sum(axis=0) / weights.sum())
    assert np.all(np.abs(mean - 1.0) < 0.25)
    assert np.all(np.abs(spread - 0.5) < 0.2)
    assert np.all(Character.of([[0.0]] * 3).weights([[1.0]] * 5) == 1.0)


def test_a_blues_has_the_chords_of_its_form_in_every_bar() -> None:
    recipe = SongRecipe(style="songbook-manner", form="blues", meter="4/4", key="F")
    degrees = ({0}, {0, 5}, {0}, {0}, {5}, {5}, {0}, {0, 9}, {7}, {5, 7}, {0}, {0, 5, 7})

    def rows(form: str) -> list[list[set[int]]]:
        made = recipe.model_copy(update={"setting": setting("cpu", drawing=DRAWING_RULES, form=form)})
        plan = plan_of(made, Key.parse("F"))
        idiom = shipped_chords("songbook-manner", Meter.parse("4/4"), "major")
        drawn = ChordRequest.of(made, plan, idiom).rows(3, np.random.default_rng(1)).rows
        found = []
        for row in drawn:
            bars = in_bars(row, idiom.ticks, idiom.bar)
            heard = [[idiom.events[symbol] for symbol in bar] for bar in bars]
            flat = [event for bar in heard for event in bar]
            held = [b.harmony == a.harmony for a, b in pairwise(flat) if b.carries]
            assert all(held) or form == "3", "what is carried on is the chord before it"
            found.append([{event.harmony.root for event in bar} for bar in heard])
        return found

    for bars in rows("4"):
        assert all(heard <= asked for heard, asked in zip(bars, degrees, strict=True))
    # As before, only five of its bars began so.
    assert any(not heard <= asked for bars in rows("3") for heard, asked in zip(bars, degrees, strict=True))


@pytest.mark.parametrize(("key", "less"), [("C", RESTLESS), ("Am", MAJOR_IN_MINOR)])
def test_dominant_sevenths_are_rarer_at_the_end_of_a_song(key: str, less: float) -> None:
    """Exactly: by the mass of all rows with one there, beside that of the others."""

    def odds(rules: str) -> float:
        made = SongRecipe(style="sixties-pop", form="A", bars=4, meter="4/4", key=key)
        made = made.model_copy(update={"setting": setting("cpu", drawing=rules, form="4")})
        asked = Key.parse(key)
        idiom = shipped_chords("sixties-pop", Meter.parse("4/4"), asked.mode)
        request = ChordRequest.of(made, plan_of(made, asked), idiom)
        known, ticks = request.idiom, request.ticks
        dominant = (known.root == 0) & (known.family == Family.DOMINANT)
        last = slice(ticks - known.bar, ticks)
        there = np.ones((2, ticks, known.alphabet), dtype=bool)
        reaches = np.arange(known.bar)[:, None] + known.ticks[None, :] >= known.bar
        for side, wanted in zip(there, (dominant, ~dominant), strict=True):
            side[last] = ~reaches | wanted[None, :]
        trellis = known.trellis(known.walk(0), ())
        masses = [
            solve(trellis, ticks, [*request.hard, *request.usual, Requirement("there", allowed=side)]).log_z
            for side in there
        ]
        return masses[0] - masses[1]

    assert odds("11") == pytest.approx(odds("10") - less, abs=1e-6)


def test_fiddle_tunes_end_and_begin_on_triads() -> None:
    """By the rules of 12 one jig in four ended on Dmaj7, and some began so: by the mass of all rows."""

    def odds(rules: str, tick: int) -> float:
        made = SongRecipe(style="fiddle", form="A", bars=4, meter="6/8", key="D")
        made = made.model_copy(update={"setting": setting("cpu", drawing=rules, form="4")})
        idiom = shipped_chords("fiddle", Meter.parse("6/8"), "major")
        request = ChordRequest.of(made, plan_of(made, Key.parse("D")), idiom)
        known = request.idiom
        triad = np.array([event.harmony.tones == (0, 4, 7) for event in known.events])
        masses = []
        for wanted in (~triad & (known.root == 0), triad & (known.root == 0)):
            there = np.ones((request.ticks, known.alphabet), dtype=bool)
            there[tick * known.bar] = wanted
            there[tick * known.bar + 1 :][: known.bar - 1] &= (known.root != 0) | (known.place != 0)
            asked = [*request.hard, *request.usual, Requirement("there", allowed=there)]
            masses.append(solve(known.trellis(known.walk(0), ()), request.ticks, asked).log_z)
        return masses[0] - masses[1]

    for bar in (0, 3):
        before = odds("12", bar)
        assert before > -3
        assert odds("13", bar) < before - 3


def test_minor_songs_do_not_leap_octaves_to_and_fro() -> None:
    """Six songs teach them, and one that ends so taught every third song to go on so."""

    def swings(rules: str) -> int:
        recipe = SongRecipe(style="songbook-manner", form="AABA", bars=32, meter="4/4", key="Cm", seed=9)
        recipe = recipe.model_copy(update={"setting": setting("cpu", drawing=rules, form="4")})
        melodies = counted_style(SONG_STYLES[recipe.style].melody)
        desk = finish(prepare(recipe, SongStyles.of(recipe, melodies)))
        pitches = [note.pitch or 0 for note in finish(draw_sheet(desk, 9)).tune.sounding]
        rises = [b - a for a, b in pairwise(pitches)]
        return sum(abs(one) == 12 and two == -one for one, two in pairwise(rises))

    assert swings("12") >= 4
    assert swings("13") == 0


def test_a_melody_of_few_tones_is_not_left_on_one_chord() -> None:
    random = np.random.default_rng(3)
    bars = [random.permutation([69, 72, 69, 64, 69]).tolist() for _ in range(16)]
    notes = [(pitch, length) for bar in bars for pitch, length in zip(bar, (1, 0.5, 0.5, 1, 1), strict=True)]
    tune = Tune.of(notes, meter="4/4", key="Am")

    def stays(rules: str) -> list[float]:
        """How long the longest chord is heard, in bars, by its symbols."""
        found = []
        for seed in range(3):
            recipe = SongRecipe(style="songbook-manner", seed=seed)
            made = recipe.model_copy(update={"setting": setting("cpu", drawing=rules)})
            asked = harmonisation_of(made, counted_style("songbook-manner"), tune)
            changes = asked.tune_with(rows_of(asked, made)[0]).chords
            starts = [b.start for a, b in pairwise(changes) if a.symbol != b.symbol]
            found.append(max(float(b - a) for a, b in pairwise([0, *starts, tune.end])) / 4)
        character = asked.idiom.character
        assert character.mean is not None
        assert character.covariance is not None
        spread = np.sqrt(character.covariance[LONGEST_STAY, LONGEST_STAY])
        assert float(character.mean[LONGEST_STAY] + LONG * spread) < 7
        return found

    assert max(stays(DRAWING_RULES)) < 7
    assert max(stays("10")) > 7  # works made before are made so again


def test_every_major_chord_of_a_blues_has_its_seventh() -> None:
    recipe = SongRecipe(style="sixties-pop", form="blues", bars=12, meter="4/4", key="F")
    desk = finish(prepare(recipe, SongStyles.of(recipe, counted_style("songbook-manner"))))
    sheet = finish(draw_sheet(desk, 4))
    from studio.music.harmony.symbols import Family, Harmony

    inside = [Harmony.of(chord.symbol, 5) for chord in sheet.tune.chords if chord.start < 44]
    assert inside
    assert all(each is not None and each.family != Family.MAJOR for each in inside)
    for bar, degree in ((0, 0), (4, 5), (6, 0), (8, 7), (10, 0)):
        symbol = [chord.symbol for chord in sheet.tune.chords if chord.start <= 4 * bar][-1]
        there = Harmony.of(symbol, 5)
        assert there is not None
        assert (there.root, there.family) == (degree, Family.DOMINANT)


def test_layers_come_from_different_styles() -> None:
    """Chords of chart songs, melodies of hymns, and a rhythm that leans towards fiddle tunes."""

    def lengths(**more: str) -> tuple[float, set[str]]:
        found = [
            library.song(
                style="sixties-pop",
                melody_from="hymn",
                form="A",
                bars=8,
                meter="4/4",
                key="C",
                seed=seed,
                progress=False,
                **more,
            )
            for seed in (0, 2)
        ]
        notes = [float(note.duration) for each in found for note in each.tune.sounding]
        return float(np.mean(notes)), {each.facts["chords"]["from"] for each in found}

    plain, chords = lengths()
    quick, _ = lengths(rhythm_from="ryans-mammoth")
    assert chords == {"Sixties pop"}
    assert quick < plain  # hymns go in quarter notes and longer ones


def test_the_styles_of_all_layers_are_credited() -> None:
    """Whose melodies these are, and under which licence, is said in the facts and in the file."""
    work = library.song(
        style="sixties-pop",
        melody_from="hymn",
        rhythm_from="ryans-mammoth",
        form="A",
        bars=8,
        meter="4/4",
        progress=False,
    )
    assert work.facts["style"]["title"] == "Hymns"
    credited = {source.role: source for source in work.recipe.sources}
    assert credited["style"].title == "Sixties pop"
    assert credited["melody style"].title == "Hymn"
    assert "Ryan" in credited["rhythm style"].title
    assert "volunteers" in credited["rhythm style"].licence
    told = work.content.decode()
    assert credited["rhythm style"].licence in html.unescape(told)


def test_a_misspelled_style_of_songs_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'sixties-pop'"):
        default_sources({"style": "sixtys-pop"}, ())
    assert default_sources({"style": "sixties-pop"}, ())


def test_a_song_has_a_name_that_one_remembers_and_an_earlier_one_keeps_its_own() -> None:
    recipe = SongRecipe(style="sixties-pop", form="A", bars=8, key="G", meter="4/4", seed=1)
    plain = counted_style("songbook-manner")
    desk = finish(prepare(recipe, SongStyles.of(recipe, plain)))
    sheet = finish(draw_sheet(desk, 1))
    title = sheet.tune.title
    told = dict(facts_in_words(facts_of_sheet(desk, sheet)))
    assert told["style"].startswith("melody after Songbook manner, chords after Sixties pop (")
    assert told["chord copying"].startswith(
        "at most 12 chords in a row, with their lengths, as in a song of Sixties"
    )
    assert re.fullmatch(r"The \S+ \S+, a Song", title)
    assert title == recipe.called()
    before = recipe.model_copy(update={"setting": Setting(versions={"drawing": "3"}, device="cpu")})
    assert finish(draw_sheet(replace(desk, recipe=before), 1)).tune.title == "After Sixties pop, no. 1"
