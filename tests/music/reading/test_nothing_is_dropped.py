"""All of a file is kept or said to be left out, counted by patterns that share nothing with the readers."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.dropped import counted, kept, told
from benchmarks.reading import SONGBOOK
from studio.music.reading.readers import read_tunes

HERE = Path(__file__).parent
CASES = sorted([*(HERE / "abc").iterdir(), *(HERE / "musicxml").iterdir()])


def _unsaid(path: Path) -> list[str]:
    """What was dropped without a word."""
    return [
        f"{name}: {count - kept(reading)[what] - told(reading)[what]} {what}"
        for name, counts, reading in counted(path)
        for what, count in counts.items()
        if count > kept(reading)[what] + told(reading)[what]
    ]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_every_note_chord_and_syllable_of_a_case_is_accounted_for(path: Path) -> None:
    assert _unsaid(path) == []


@pytest.mark.skipif(not SONGBOOK.name, reason="the songbook is not beside the checkout")
def test_so_it_is_with_songs_and_hymns() -> None:
    files = [*sorted(SONGBOOK.glob("*.mxl"))[::35], *sorted((SONGBOOK.parent / "hymns").glob("*.abc"))[::60]]
    assert [each for path in files for each in _unsaid(path)] == []


def test_dynamics_in_the_place_of_chords_are_counted() -> None:
    text = b'X:1\nL:1/4\nM:4/4\nK:C\n"f"C"p"D E"f"F|\n'
    reading = read_tunes(text, "loud.abc")
    assert reading.tunes[0].chords == ()
    assert "Texts above the notes that are not chord symbols left out: 3." in reading.remarks


def test_a_note_that_stands_twice_in_a_chord_is_kept_once_and_told() -> None:
    reading = read_tunes(b"X:1\nL:1/4\nM:4/4\nK:C\n[CC]D E F|\n", "twice.abc", parts=True)
    assert [note.pitch for note in reading.parts[0][0].notes] == [60, 62, 64, 65]
    assert "Notes that stand twice in one voice, kept once: 1." in reading.remarks


def test_a_pitch_in_two_voices_is_kept_in_both() -> None:
    reading = read_tunes(b"X:1\nL:1/4\nM:4/4\nK:C\nC D E F & C4|\n", "both.abc", parts=True)
    notes = reading.parts[0][0].notes
    assert [(note.pitch, note.duration, note.voice) for note in notes if note.pitch == 60] == [
        (60, 4, 1),
        (60, 1, 0),
    ]


def test_jumps_are_kept_and_the_other_marks_told() -> None:
    reading = read_tunes(b"X:1\nL:1/4\nM:4/4\nK:C\nC !p!D E F|G A !fine!B c|!D.C.!G4|\n", "jump.abc")
    assert [(mark.start, mark.name) for mark in reading.tunes[0].jumps] == [(8, "Fine"), (12, "D.C.")]
    assert "Ornaments, dynamics and other marks left out: 1." in reading.remarks


def test_notes_without_a_length_are_told() -> None:
    note = "<note><pitch><step>{}</step><octave>5</octave></pitch><duration>{}</duration></note>"
    text = (
        "<score-partwise><part-list><score-part id='P1'><part-name/></score-part></part-list><part id='P1'>"
        "<measure><attributes><divisions>1</divisions></attributes>"
        f"{note.format('C', 4)}{note.format('D', 'nan')}</measure></part></score-partwise>"
    )
    reading = read_tunes(text.encode(), "nan.musicxml")
    assert [note.pitch for note in reading.tunes[0].sounding] == [72]
    assert "Notes without a length left out: 1." in reading.remarks
