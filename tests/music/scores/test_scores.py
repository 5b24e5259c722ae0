"""Tunes, bars, keys and chord symbols, against what a musician counts by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from random_tunes import random_tune

from studio.errors import Refused, UnknownName, Unreadable
from studio.music.scores.bars import Grid, MeterAt, Repeat
from studio.music.scores.chords import CHORD_KINDS, dialect_of, parse_chord, transpose_symbol
from studio.music.scores.events import REST
from studio.music.scores.keys import MODES, Key, pitch_name, spell
from studio.music.scores.meters import Meter
from studio.music.scores.notes import Note
from studio.music.scores.pitches import parse_pitch
from studio.music.scores.tunes import Tune
from studio.music.scores.words import Syllable

SEEDS = range(40)


def test_bars_are_counted_as_musicians_do() -> None:
    tune = Tune.of([(67, 1), *[(60, 1)] * 7], meter="3/4", pickup=1)
    assert [(bar.number, bar.start, bar.length, bar.full) for bar in tune.bars()] == [
        (0, 0, 1, False),
        (1, 1, 3, True),
        (2, 4, 3, True),
        (3, 7, 1, False),
    ]
    assert [note.start for note in tune.in_bar(2)] == [4, 5, 6]
    with pytest.raises(Refused, match="bars 0 to 3"):
        tune.in_bar(9)


def test_a_short_bar_and_the_next_upbeat_are_one_bar() -> None:
    two = Meter(2, 4)
    grid = Grid.of_bars(
        [
            (Fraction(1, 2), two),
            (Fraction(2), two),
            (Fraction(3, 2), two),
            (Fraction(1, 2), two),
            (Fraction(2), two),
        ]
    )
    assert grid == Grid((MeterAt(Fraction(0), two),), Fraction(1, 2))


def test_a_bar_that_stays_short_cuts_the_grid_and_a_change_of_meter_begins_a_bar() -> None:
    four, three = Meter(4, 4), Meter(3, 4)
    grid = Grid.of_bars(
        [
            (Fraction(4), four),
            (Fraction(3), four),
            (Fraction(4), four),
            (Fraction(3), three),
            (Fraction(3), three),
        ]
    )
    lengths = [(bar.start, bar.length, str(bar.meter)) for bar in grid.bars(Fraction(17))]
    assert lengths == [(0, 4, "4/4"), (4, 3, "4/4"), (7, 4, "4/4"), (11, 3, "3/4"), (14, 3, "3/4")]


@pytest.mark.parametrize("seed", SEEDS)
def test_notes_cut_at_bars_are_the_same_music(seed: int) -> None:
    tune = random_tune(seed)
    pieces = tune.split_at_bars()
    lines = {bar.start for bar in tune.bars()}
    assert not any(piece.start < line < piece.end for piece in pieces for line in lines)
    joined: list[Note] = []
    for place, piece in enumerate(pieces):
        if place and pieces[place - 1].tied:
            assert pieces[place - 1].pitch == piece.pitch
            joined[-1] = Note(piece.pitch, joined[-1].start, joined[-1].duration + piece.duration)
        else:
            joined.append(Note(piece.pitch, piece.start, piece.duration))
    assert [note for note in joined if note.pitch is not None] == list(tune.sounding)


@pytest.mark.parametrize("seed", SEEDS)
def test_ticks_and_json_give_the_tune_back(seed: int) -> None:
    tune = random_tune(seed)
    assert Tune.from_json(tune.to_json()) == tune
    assert tune.fits(240)
    events = tune.events(240)
    for place, note in enumerate(tune.notes):
        bar = tune.bar_at(note.start)
        missing = bar.meter.bar_length - bar.length if bar.number == 0 else 0
        assert events.pitches[place] == (REST if note.pitch is None else note.pitch)
        assert Fraction(int(events.durations[place]), 240) == note.duration
        assert Fraction(int(events.starts[place]), 240) == note.start
        assert Fraction(int(events.in_bar[place]), 240) == note.start - bar.start + missing
        assert events.bars[place] == bar.number


def test_a_note_between_the_ticks_is_refused() -> None:
    tune = Tune.of([(60, "1/5"), (60, "4/5")])
    assert not tune.fits(24)
    with pytest.raises(Refused, match="finer grid"):
        tune.events(24)
    with pytest.raises(Refused, match="1/5 quarter notes"):
        Tune.of([(60, 1)], pickup="1/5").events(24)
    assert np.array_equal(tune.events(20).durations, [4, 16])


def test_repeats_with_two_endings_are_played_out() -> None:
    tune = Tune.of(
        [(pitch, 2) for pitch in (60, 62, 64, 65, 67)],
        meter="2/4",
        chords=[(0, "C"), (4, "F"), (6, "G")],
        repeats=(Repeat(Fraction(0), Fraction(6), Fraction(4)),),
        phrase_ends=(Fraction(4),),
    )
    # C D (first ending: E) C D, then the second ending F and on to G.
    assert [note.pitch for note in tune.unfolded().notes] == [60, 62, 64, 60, 62, 65, 67]
    assert [(chord.start, chord.symbol) for chord in tune.unfolded().chords] == [
        (0, "C"),
        (4, "F"),
        (6, "C"),
        (10, "G"),
    ]
    assert tune.unfolded().phrase_ends == (4, 10)
    three = Tune.of([(60, 2), (62, 2)], meter="2/4", repeats=(Repeat(Fraction(0), Fraction(2), times=3),))
    assert [note.pitch for note in three.unfolded().notes] == [60, 60, 60, 62]


def test_a_repeated_section_with_an_upbeat_keeps_its_bar_lines() -> None:
    tune = Tune.of(
        [(67, "1/2"), (60, 2), (62, "3/2")],
        meter="2/4",
        pickup="1/2",
        repeats=(Repeat(Fraction(0), Fraction(4)),),
    )
    bars = tune.unfolded().bars()
    assert [(bar.start, bar.length) for bar in bars] == [
        (0, Fraction(1, 2)),
        (Fraction(1, 2), 2),
        (Fraction(5, 2), 2),
        (Fraction(9, 2), 2),
        (Fraction(13, 2), Fraction(3, 2)),
    ]


def test_a_passage_is_cut_out_with_its_key_and_chord() -> None:
    tune = Tune.of([(60, 4), (62, 4), (64, 4)], chords=[(0, "C"), (6, "G7")])
    part = tune.passage(Fraction(2), Fraction(7))
    assert [(note.pitch, note.duration) for note in part.notes] == [(60, 2), (62, 3)]
    assert [(chord.start, chord.symbol) for chord in part.chords] == [(0, "C"), (4, "G7")]


def test_keys_know_their_tonic_and_scale() -> None:
    known = {
        "D": (2, 2, [2, 4, 6, 7, 9, 11, 1]),
        "Bm": (2, 11, [11, 1, 2, 4, 6, 7, 9]),
        "Eb minor": (-6, 3, [3, 5, 6, 8, 10, 11, 1]),
        "Ador": (1, 9, [9, 11, 0, 2, 4, 6, 7]),
        "A mixolydian": (2, 9, [9, 11, 1, 2, 4, 6, 7]),
        "F#": (6, 6, [6, 8, 10, 11, 1, 3, 5]),
        "G#": (-4, 8, [8, 10, 0, 1, 3, 5, 7]),
    }
    for name, (fifths, tonic, scale) in known.items():
        key = Key.parse(name)
        assert (key.fifths, key.tonic, list(key.scale)) == (fifths, tonic, scale), name
    for mode in MODES:
        for fifths in range(-7, 8):
            key = Key(fifths, mode)
            assert Key.parse(str(key)) == key
            assert Key.parse(key.short()) == key
    for wrong in ("J", "", "D sharp", "Dx", "12"):
        with pytest.raises(Refused, match="write it like D, Bm"):
            Key.parse(wrong)
    for german in ("H", "Hm", "H dur"):
        with pytest.raises(Refused, match="write B or Bm"):
            Key.parse(german)
    with pytest.raises(UnknownName):
        Key(0, "majr")


def test_tunes_are_transposed_to_a_key_by_the_smallest_step() -> None:
    tune = Tune.of([(62, 1), (66, 1), (69, 2)], key="D", chords=[(0, "D"), (2, "A7/C#")])
    in_c = tune.in_key(Key.parse("C"))
    assert [note.pitch for note in in_c.notes] == [60, 64, 67]
    assert [chord.symbol for chord in in_c.chords] == ["C", "G7/B"]
    assert in_c.in_key(Key.parse("D")) == tune
    for tonic in range(12):
        moved = tune.in_key(Key.of_tonic(tonic))
        assert moved.key.tonic == tonic
        assert -5 <= (moved.notes[0].pitch or 0) - 62 <= 6
    with pytest.raises(Refused, match="leaves the range"):
        tune.transposed(80)


def test_pitches_are_spelled_by_the_key() -> None:
    assert [pitch_name(61, Key.parse(key)) for key in ("D", "F", "Ab", "B")] == ["C#4", "Db4", "Db4", "C#4"]
    assert [pitch_name(pitch, Key.parse("Am")) for pitch in (68, 66)] == ["G#4", "F#4"]
    assert pitch_name(71, Key.parse("Cb")) == "Cb5"
    assert pitch_name(59, Key.parse("Cb")) == "Cb4"
    for mode in MODES:
        for fifths in range(-7, 8):
            key = Key(fifths, mode)
            for pitch in range(128):
                letter, alter, octave = spell(pitch, key)
                assert {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[letter] + alter + 12 * (
                    octave + 1
                ) == pitch
            assert len({spell(60 + degree, key)[0] for degree in key.scale}) == 7, (
                "a scale has one name of each letter"
            )
    for pitch in (0, 21, 60, 127):
        assert parse_pitch(pitch_name(pitch)) == pitch
    for wrong in ("H4", "C", "C#b4", "C99", "200"):
        with pytest.raises(Refused):
            parse_pitch(wrong)


CHORDS = {
    "C": (0, 4, 7),
    "Am7": (9, 0, 4, 7),
    "F#dim": (6, 9, 0),
    "C/E": (4, 0, 7),
    "G7(b9)": (7, 11, 2, 5, 8),
    "Bbmaj7": (10, 2, 5, 9),
    "Cm7b5": (0, 3, 6, 10),
    "D7sus4": (2, 7, 9, 0),
    "C7b9#11": (0, 4, 7, 10, 1, 6),
    "Am(maj7)": (9, 0, 4, 8),
    "Eb7#9": (3, 7, 10, 1, 6),
    "C(add9)": (0, 4, 7, 2),
    "C5": (0, 7),
    "E-7": (4, 7, 11, 2),
    "C7#5": (0, 4, 8, 10),
    "Cno3": (0, 7),
    "C13(b9)": (0, 4, 7, 10, 9, 1),
    "C9(#9)": (0, 4, 7, 10, 3),
    "C13#11": (0, 4, 7, 10, 2, 9, 6),
    "E7alt": (4, 8, 2, 5, 7, 10, 0),
}


def test_chord_symbols_give_their_pitch_classes() -> None:
    for symbol, classes in CHORDS.items():
        chord = parse_chord(symbol)
        assert chord is not None
        assert chord.pitch_classes == classes, symbol
        assert parse_chord(str(chord)) == chord
        for step in (-3, 5):
            moved = parse_chord(transpose_symbol(symbol, step))
            assert moved is not None
            assert moved.pitch_classes == tuple((tone + step) % 12 for tone in classes)
    assert parse_chord("N.C.") is None
    assert transpose_symbol("what?", 3) == "what?"
    for wrong in ("Hello", "Cxyz", "A MINOR", "C/", "7", "C" * 60):
        with pytest.raises(Unreadable, match="not a chord symbol"):
            parse_chord(wrong)


SPELLINGS = {
    # other spellings of the same chord, by the root or the kind
    "C6(add9)": "C6/9 C69 C6add9",
    "C7(sus4)": "C7sus C7/4 C7sus4 C7Sus",
    "C9(sus4)": "C9sus Csus9",
    "C13(sus4)": "C13sus",
    "E7alt": "Ealt E7Alt",
    "Cmmaj7": "Cm/maj7 Cm(maj7) CmM7 C-Δ7 Cm^7 CmMaj7 Cm7M",
    "Fmaj7": "FMa7 FMaj7 F^7 F^ FΔ F∆7 FM7 F7M Fj7 F:maj7",
    "Fmaj9": "FMaj9 F^9 FM9 FΔ9",
    "Cmaj7(#11)": "Cmaj7#11 CMaj7+11 CΔ7(#11)",
    "B7": "H7",
    "F#m7": "f#m7 Fism7 F♯-7 F#mi7 F#Min7",
    "Eb7": "Es7 E♭7",
    "G7": "Sol7 (G7) (G7 G7) [G7] g7",
    "Am": "am Lam A- Ami Aminor",
    "Cm7b5": "Cø Cø7 C-7b5 Cm7-5 Chdim7 Cmin7b5",
    "Cm9(b5)": "Cm9b5 Cø9",
    "Cdim7": "C°7 Co7 Cº7",
    "C7(b9)": "C7-9 C7(-9) C7b9",
    "C7(#9)": "C7+9 C7#9",
    "C9(#5)": "C+9 Caug9 C9#5",
    "C(b5)": "C-5 C(-5) C(b5)",
    "D/F#": "D/f+ D/F# D/Fis D/fa#",
    "Dm7/F": "D:min7/b3 Dm7/F Dmi7/f",
    "D(add9)": "D:maj(9) Dadd9 D/9",
    "C": "c C CM DO",
    "C7(13)": "C7/13",
}


def test_every_way_to_spell_a_chord_is_read() -> None:
    for written, others in SPELLINGS.items():
        for other in others.split():
            assert str(parse_chord(other)) == written, other


def test_a_sheet_has_its_own_dialect() -> None:
    german = dialect_of(["H7", "Em", "B"])
    assert str(parse_chord("B", german)) == "Bb"
    latin = dialect_of(["Do", "Sol7"])
    assert (str(parse_chord("Do", latin)), str(parse_chord("Do"))) == ("C", "Ddim")
    small = dialect_of(["C", "a", "F", "d7"])
    assert [str(parse_chord(each, small)) for each in ("a", "d7", "C")] == ["Am", "Dm7", "C"]
    nottingham = dialect_of(["G", "Dd", "Aa7"])
    assert [str(parse_chord(each, nottingham)) for each in ("Dd", "Aa7", "G")] == ["Ddim", "A7#5", "G"]
    for words in ("Solo", "Coda", "Fine", "Refrain", "bis", "dolce", "Bad", "End"):
        with pytest.raises(Unreadable):
            parse_chord(words)


def test_every_spelling_in_the_table_of_chords_is_read() -> None:
    for kind in CHORD_KINDS:
        for spelling in kind.spellings:
            chord = parse_chord("Eb" + spelling)
            assert chord is not None
            assert (chord.kind, chord.degrees) == (kind, ()), spelling


def test_invalid_tunes_are_not_built() -> None:
    with pytest.raises(Refused):
        Meter.parse("4/5")
    with pytest.raises(Refused):
        Meter.parse("four four")
    with pytest.raises(ValueError, match="does not begin where"):
        Tune((Note(60, Fraction(1), Fraction(1)),))
    with pytest.raises(ValueError, match="not a MIDI pitch"):
        Tune.of([(128, 1)])
    for wrong in (
        b"",
        b"{}",
        b"[]",
        b'{"notes": 3}',
        b"\xff",
        Tune.of([(60, 1)]).to_json().replace('"1"', '"1/0"').encode(),
    ):
        with pytest.raises(Unreadable):
            Tune.from_json(wrong)


def _sung() -> Tune:
    """Two bars of four notes, played twice with a verse each; then two notes with a word."""
    verses = (("Glo", "begin"), ("ri", "middle"), ("a", "end"), ("sing", "single")), (("A", "single"),) * 3
    words = [
        Syllable(Fraction(place), text, syllabic, verse, extends=text == "sing")
        for verse, line in enumerate(verses, 1)
        for place, (text, syllabic) in enumerate(line)
    ]
    words.append(Syllable(Fraction(8), "end"))
    return Tune.of(
        [(pitch, 1) for pitch in (60, 62, 64, 65, 67, 69, 71, 72, 74, 76)],
        repeats=(Repeat(Fraction(0), Fraction(8)),),
        words=tuple(sorted(words, key=lambda word: (word.start, word.verse))),
    )


def test_words_stay_on_their_notes() -> None:
    tune = _sung()
    assert Tune.from_json(tune.to_json()) == tune
    assert tune.transposed(5).words == tune.words
    assert [(word.start, word.text) for word in tune.passage(Fraction(2), Fraction(9)).words] == [
        (0, "a"),
        (0, "A"),
        (1, "sing"),
        (6, "end"),
    ]
    played = tune.unfolded()
    assert [(word.start, word.text, word.verse) for word in played.words] == [
        *((place, text, 1) for place, text in enumerate(("Glo", "ri", "a", "sing"))),
        *((8 + place, text, 1) for place, text in enumerate(("A", "A", "A", "sing"))),
        (16, "end", 1),
    ]
    three = replace(tune, repeats=(Repeat(Fraction(0), Fraction(8), times=3),)).unfolded()
    assert len(three.words) == 3 * 7 + 1, "where verses and times differ, all are kept"
    assert tune.score().parts[0].words == tune.words
    with pytest.raises(ValueError, match="not a syllable"):
        Syllable(Fraction(0), "la", "start")


def test_a_tune_without_words_has_the_json_of_earlier_versions() -> None:
    assert "words" not in Tune.of([(60, 1)]).to_json()
    assert Tune.from_json(Tune.of([(60, 1)]).to_json()).words == ()
    wrong = _sung().to_json().replace('"begin"', '"start"')
    with pytest.raises(Unreadable):
        Tune.from_json(wrong)
