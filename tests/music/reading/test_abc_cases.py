"""ABC files that other programs were reported to misread, each with what a player would play."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import Unreadable
from studio.music.reading.abc import read_abc
from studio.music.reading.budget import ReadingBudget
from studio.music.reading.pieces import READING_RULES
from studio.music.reading.readers import read_tunes
from studio.music.scores.keys import Key, pitch_name
from studio.music.scores.tunes import Tune
from studio.music.writing.formats import by_suffix

FILES = Path(__file__).parent / "abc"

CASES = {
    "a01_double_bar_inside_repeat": "C D E F G A B C5 C5 B A G F E D C C D E F G A B C5 C5 B A G F D C:2",
    "a02_second_ending_closed_by_repeat": "C D E F G F E D C D E F G E C:2 C5 B A G F E D C",
    "a03_three_endings": "C D E F G F E D C D E F G A B C5 C D E F G E C:2",
    "a05_play_three_times": "C D E F G F E D " * 2 + "C D E F G F E D",
    "a07_treble_minus_8": "G3 A3 B3 C D:4",
    "a08_octave_field": "G3 A3 B3 C D:4",
    "a09_key_accidental_no_space": "Bb C5 D5 Gb5 Bb:4",
    "a11_fields_after_key_before_voice": "C D E F:3",
    "a25_title_unicode": "C D E F G:4",
    "a26_old_chord_plus": "G D E F G:4",
    "a52_bare_tempo": "D:1/2 F#:1/2 A:1/2 D5:1/2 A:1/2 F#:1/2 D:3",
    "a54_false_tie_from_chord": "C D E E C:4",
    "c01_chord_inside_held_note": "C:4 D:2 E:2 C:4",
    "k01_clef_word_after_key": "D3 F#3 A3 C# D:4",
    "k03_mode_and_accidental_together": "D F A Db5 D5:4",
}
"""What is played: notes in octave 4, one quarter note long, unless they say otherwise, and spelled as in the
major key of the signature.
"""


def _read(name: str) -> Tune:
    return read_tunes((FILES / f"{name}.abc").read_bytes(), name).tunes[0]


def _played(tune: Tune) -> str:
    key = Key(tune.key.fifths)
    return " ".join(
        pitch_name(note.pitch, key).removesuffix("4") + (f":{note.duration}" if note.duration != 1 else "")
        for note in tune.unfolded().sounding
        if note.pitch is not None
    )


@pytest.mark.parametrize("name", CASES)
def test_what_is_played(name: str) -> None:
    assert _played(_read(name)) == CASES[name]


def test_what_the_fields_say() -> None:
    assert _read("a25_title_unicode").title == 'Éire Öber" na hÉireann'
    assert _read("a52_bare_tempo").tempo == 60  # Q:120 counts eighths, the unit length (section 10)
    assert str(_read("a11_fields_after_key_before_voice").meter) == "3/4"
    assert str(_read("k03_mode_and_accidental_together").key) == "D dorian"


def test_prose_is_no_music() -> None:
    reading = read_tunes((FILES / "a51_prose_between_tunes.abc").read_bytes(), "a51.abc")
    assert [len(tune.sounding) for tune in reading.tunes] == [13, 5]


def test_a_chord_inside_a_held_note_is_written_where_it_is() -> None:
    tune = _read("c01_chord_inside_held_note")
    chords = [(str(chord.start), chord.symbol) for chord in tune.chords]
    assert chords == [("0", "C"), ("2", "Am7"), ("4", "Dm7"), ("6", "G7"), ("8", "C")]
    for suffix in (".abc", ".musicxml", ".mid"):
        (again,) = read_tunes(by_suffix(suffix).to_bytes(tune), "c01" + suffix).tunes
        assert (again.chords, again.notes) == (tune.chords, tune.notes), suffix


@pytest.mark.parametrize("bars", ['"C"z4|"Am"z2"G7"z2|', '"C"x4|"Am"x2"G7"x2|', '"C"Z|"Am"z2"G7"x2|'])
def test_chords_without_a_melody_are_a_sheet_of_chords(bars: str) -> None:
    reading = read_tunes(f"X:1\nT:Chords\nM:4/4\nL:1/4\nK:C\n{bars}\n".encode(), "chords.abc")
    tune = reading.tunes[0]
    assert not tune.sounding
    assert [(str(chord.start), chord.symbol) for chord in tune.chords] == [
        ("0", "C"),
        ("4", "Am"),
        ("6", "G7"),
    ]
    assert "There is no melody; this is a sheet of chords." in reading.remarks
    (again,) = read_tunes(by_suffix(".abc").to_bytes(tune), "again.abc").tunes
    assert (again.chords, again.bars()) == (tune.chords, tune.bars())


def test_chords_above_nothing_are_no_music() -> None:
    with pytest.raises(Unreadable, match="has no notes"):
        read_tunes(b'X:1\nK:C\n"C"|"G7"|\n', "chords.abc")


def test_microtones_and_texts_that_are_no_chords_are_counted() -> None:
    text = 'X:1\nM:4/4\nL:1/4\nK:C\n"Xyz"^/C _/D ^3/2E "C"F|"_slow"G4|]\n'
    reading = read_tunes(text.encode(), "micro.abc")
    assert [chord.symbol for chord in reading.tunes[0].chords] == ["C"]
    assert "Microtones (the quarters of their sharps and flats) left out: 3." in reading.remarks
    assert "Texts above the notes that are not chord symbols left out: 2." in reading.remarks


def test_colon_and_bracket_alone_are_repeat_signs() -> None:
    """ABC 2.1, section 4.8: any sequence of | [ ] : is a bar line."""

    def repeats(music: str, rules: str = READING_RULES) -> list[tuple[int, int, int]]:
        tune = read_abc(f"X:1\nM:4/4\nL:1/4\nK:C\n{music}\n", "x", ReadingBudget(), rules=rules).tunes[0]
        return [(int(each.start), int(each.end), each.times) for each in tune.repeats]

    assert repeats("c4|[:c4|d4:]e4|]") == [(4, 12, 2)]
    assert repeats("c4|[|:c4|d4:|]e4|]") == [(4, 12, 2)]
    assert repeats("c4|[::c4|d4\nd:]e3|]") == [(4, 13, 3)]
    assert repeats("[:[ceg]4:][:c4:]") == [(0, 4, 2), (4, 8, 2)]
    assert repeats("c4|[:c4|d4:]e4|]", rules="5") == [], "works made before read as they did"
