"""Chords that a person gives and a style of counts never had: they stay, and the rest is drawn from there."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from music21 import converter
from music21.harmony import ChordSymbol

import studio as library
from studio.errors import Contradiction
from studio.music.chains.sampling import solve
from studio.music.harmony import counts
from studio.music.harmony.counts import _hashed, shipped_chords, shipped_fit, ships_chords
from studio.music.harmony.harmonise import Harmonisation
from studio.music.harmony.idiom import ChordEvent
from studio.music.harmony.named import CHORD_STYLES
from studio.music.harmony.symbols import Family, Harmony
from studio.music.reading.readers import read_tunes
from studio.music.scores.chords import ChordAt, parse_chord
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.songs.chording import ChordRequest
from studio.music.songs.named import SONG_STYLES
from studio.music.songs.plan import SheetPlan
from studio.music.songs.recipes import SongRecipe, in_time, read_row

ROWS = (
    ("4/4", "C", "C | Am7 D7 | G6"),
    ("4/4", "C", "? | Bdim7 F#m7b5 | E7(b9,#5) | Am6/E | ? | ? | ? | Db6"),
    ("4/4", "G", "C7alt | F#m7b5 | ? | Dbmaj7(#11) | ? | ? | Gsus4 G7 Absus4"),
    ("3/4", "F", "C Am7 Dm9 | G13 | ? | Ebaug | ? | C+ . C6 | % | Absus4/Bb"),
)


def given_in(chords: str, meter: Meter) -> dict[Fraction, str]:
    """Where each chord that is given begins, in quarter notes, and what it is."""
    return {
        number * meter.bar_length + start: word
        for number, words in enumerate(read_row(chords))
        for word, start, _ in (in_time(words, meter) if words else ())
    }


def heard_at(chords: Sequence[ChordAt], place: Fraction) -> Harmony | None:
    return Harmony.of([each.symbol for each in chords if each.start <= place][-1], 0)


@pytest.mark.parametrize("style", [name for name, row in SONG_STYLES.items() if row.counted])
def test_every_style_goes_on_from_chords_it_never_had(style: str) -> None:
    """The first row of the table as a song: what is given is kept where it was given, the rest is drawn."""
    chords = ROWS[0][2]
    asked = {"style": style, "form": "A", "bars": 8, "meter": "4/4", "key": "C", "progress": False}
    tune = library.song(chords=chords, **asked).tune
    begun = {each.start: each.symbol for each in tune.chords}
    given = given_in(chords, tune.meter)
    assert {place: begun[place] for place in given} == given
    assert not [place for place in begun if place < 12 and place not in given]
    assert max(begun) >= 12
    assert tune.end == 32


@pytest.mark.parametrize("name", CHORD_STYLES)
def test_odd_chords_at_odd_places_are_kept_in_every_style(name: str) -> None:
    bars, rows = 16, []
    known = [row for row in ROWS if row[0] == "4/4" or name in ("songbook-manner", "hymn")]
    known = known[list(CHORD_STYLES).index(name) % 2 :: 2] or known  # each row in about half of the styles
    for meter, key, chords in known:
        tonic, four = Key.parse(key), Meter.parse(meter)
        recipe = SongRecipe(form="AB", bars=bars, meter=meter, key=key, chords=chords)
        plan = SheetPlan.of("AB", bars, tonic)
        asked = ChordRequest.of(recipe, plan, shipped_chords(name, four, tonic.mode))
        wanted = {place: Harmony.of(word, 0) for place, word in given_in(chords, four).items()}
        for row in asked.rows(2, np.random.default_rng(1)).rows:
            found = asked.idiom.chords(row, [tonic] * bars, Fraction(0))
            assert {place: heard_at(found, place) for place in wanted} == wanted
            rows.append(tuple(row))
    assert len(set(rows)) > len(known), "the other bars are drawn"


def test_a_chord_never_heard_goes_on_as_what_it_is_taken_for() -> None:
    """Against the counts: after G6 comes what follows G and Gmaj7, and it comes, seldom, where these come."""
    plain = shipped_chords("hymn", Meter.parse("4/4"), "major")
    new = ChordEvent(Harmony(7, "6"), 8, 0)
    assert new not in plain.number
    wider = plain.with_events([[new]])
    kin = [n for n, e in enumerate(plain.events) if (e.harmony.root, e.harmony.family) == (7, Family.MAJOR)]
    kin = [n for n in kin if plain.events[n].harmony.bass == 0]
    for lowest in (0, 1):
        before, after = plain.chain(lowest), wider.chain(lowest)
        for state in range(0, after.contexts - 1, 7):
            told = after.distribution(state)
            assert told.sum() == pytest.approx(1.0 if told.any() else 0.0)
        # Before: the contexts of single chords alone keep their numbers.
        rows = np.array([before.distribution(1 + n) for n in range(plain.alphabet)])
        comes = [n for n in kin if plain.place[n] == 0 and not plain.carries[n]]
        for n in range(0, plain.alphabet, 5):
            told = after.distribution(1 + n)
            assert told[wider.number[new]] == pytest.approx(1e-3 * rows[n, comes].sum(), rel=0.01)
        ends = [n for n in kin if (plain.place[n] + plain.ticks[n]) % plain.bar == 0]
        often = np.array(
            [
                plain.tree.weight[: plain.tree.first[1]][
                    plain.tree.follower[: plain.tree.first[1]] == n
                ].sum()
                for n in ends
            ]
        )
        wanted = (rows[ends] * often[:, None]).sum(axis=0) / often.sum()
        told = after.distribution(1 + wider.number[new])[: plain.alphabet]
        begun = ~plain.carries & (wanted[:-1] > 0)
        share = told[begun] / wanted[:-1][begun]
        assert share == pytest.approx(np.full(len(share), share[0]), rel=1e-6)
        held = [e for e in wider.events if e.harmony == new.harmony and e.carries]
        assert held, "it may be held over the bar line, as G is"


def test_the_melody_lies_over_given_chords() -> None:
    """Over each given chord more notes are tones of it than of the chord a tritone away."""
    asked = {
        "style": "songbook-manner",
        "form": "A",
        "bars": 8,
        "meter": "4/4",
        "key": "C",
        "progress": False,
    }
    chords = "Ebmaj7(#11) | Bdim7 | C7alt | F#m7b5 B7#9 | Db6"
    inside, outside = 0, 0
    for seed in range(1, 9):
        tune = library.song(chords=chords, seed=seed, **asked).tune
        for note in tune.sounding:
            symbol = tune.chord_at(note.start)
            if note.start < 20 and note.pitch is not None and symbol is not None:
                tones = set(parse_chord(symbol).pitch_classes)
                away = {(tone + 6) % 12 for tone in tones}
                inside += note.pitch % 12 in tones - away
                outside += note.pitch % 12 in away - tones
    assert inside > 1.3 * outside


def test_a_conflict_that_is_real_is_one_sentence() -> None:
    asked = {"style": "hymn", "form": "A", "bars": 8, "meter": "4/4", "key": "C", "progress": False}
    with pytest.raises(
        Contradiction, match="cannot satisfy the chords of bar 2 and 1 to 1 chords a bar together"
    ):
        library.song(chords="C6 | Am7 D7 | G6", chord_changes="1:1", **asked)


JIG = (
    "X:1\nT:Jig\nM:6/8\nL:1/8\nK:G\n"
    "GAB dBG|ABc BAG|GAB def|gfe d3|GAB dBG|ABc BAG|FGA DEF|G3 G3|GAB dBG|c2e d2B|ABc BAG|G3 G3|\n"
)


def test_a_jig_changes_chords_on_its_beats_as_reels_do() -> None:
    """What was counted in 2/4 serves 6/8, beat for beat, and copies of its songs are still known."""
    reel, jig = (shipped_chords("fiddle", Meter.parse(name), "major") for name in ("2/4", "6/8"))
    (tune,) = read_tunes(JIG.encode(), "jig.abc").tunes
    asked = Harmonisation.of(tune, jig, shipped_fit("fiddle").fit())
    changes = set()
    for row in asked.many(12, 8, np.random.default_rng(1)):
        chords = asked.tune_with(row).chords
        changes |= {chord.start % 3 for chord in chords}
        letters = reel.letters(row)
        assert len(letters) > 4
        known = {12: frozenset(_hashed(letters, min(4, len(letters))))}
        for idiom in (reel, jig):
            assert idiom.keeps(row, 12)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(counts, "_hashed", lambda row, _: _hashed(row, 4))
                patch.setitem(idiom.__dict__, "_hashes", known)
                assert not idiom.keeps(row, 12)
    assert changes == {0, Fraction(3, 2)}
    assert ships_chords("fiddle", Meter.parse("6/8"), "major")
    assert not ships_chords("fiddle", Meter.parse("6/8"), "major", borrowed="none")
    assert not ships_chords("hymn", Meter.parse("7/8"), "major", borrowed="beats")


WALTZ = (
    "X:1\nT:Minuet\nM:3/4\nL:1/4\nK:Am\nABc|B2E|dcB|c2A|ABc|d2e|dB^G|A3|e2d|c2B|cBA|^G2E|ABc|d2f|ec^G|A3|]\n"
)


def test_chords_of_common_time_serve_meters_without_any() -> None:
    """By whole and half bars, the longer half first; copies of its songs are still known, and it is said."""
    common, waltz = (shipped_chords("songbook-manner", Meter.parse(name), "minor") for name in ("4/4", "3/4"))
    (tune,) = read_tunes(WALTZ.encode(), "waltz.abc").tunes
    asked = Harmonisation.of(tune, waltz, shipped_fit().fit())
    changes = set()
    for row in asked.many(12, 8, np.random.default_rng(1)):
        changes |= {chord.start % 3 for chord in asked.tune_with(row).chords}
        letters = common.letters(row)
        known = {12: frozenset(_hashed(letters, 4))}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(counts, "_hashed", lambda row, _: _hashed(row, 4))
            patch.setitem(waltz.__dict__, "_hashes", known)
            assert not waltz.keeps(row, 12)
    assert changes == {0, 2}
    made = library.song(melody=WALTZ.encode(), style="songbook-manner", progress=False)
    assert any("chords in 4/4 were taken" in remark for remark in made.facts["remarks"])
    heard = converter.parseData(made.content.decode(), format="musicxml")
    figures = heard.recurse().getElementsByClass(ChordSymbol)
    assert str(figures.last().figure) == "Am"
    assert {chord.offset for chord in figures} <= {0, 2}


def test_a_style_without_chords_in_minor_names_those_that_have_some() -> None:
    with pytest.raises(Contradiction, match=r"take chords from .*chorale or fiddle") as found:
        library.song(melody=WALTZ.encode(), style="hymn", progress=False)
    ways = [(way.field, way.value) for way in found.value.ways_out]
    assert ("chords_from", "chorale") in ways
    assert ("chords_from", "hymn") not in ways


@pytest.mark.parametrize(
    ("meter", "places"),
    [("2/4", {0, 1}), ("5/4", {0, 3}), ("6/8", {0, 1.5}), ("9/8", {0, 3}), ("3/2", {0, 4}), ("7/8", {0, 2})],
)
def test_half_bars_end_on_a_beat_of_any_meter(meter: str, places: set[float]) -> None:
    idiom = shipped_chords("sixties-pop", Meter.parse(meter), "minor")
    rows = solve(idiom.trellis(idiom.walk(1)), 16 * idiom.bar, [idiom.playable(16 * idiom.bar)])
    found = set()
    for row in rows.sample(8, np.random.default_rng(2)):
        symbols = [symbol for symbol in row.tolist() if symbol >= 0]
        found |= {idiom.place[symbol] / 2 for symbol in symbols}
        assert sum(idiom.ticks[symbols]) == 16 * idiom.bar
    assert found == places
