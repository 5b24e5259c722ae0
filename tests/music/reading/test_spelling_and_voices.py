"""A file's own spelling and voices go through every reader and writer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction

import mido
import pytest
from music21 import converter

from benchmarks.round_trips import Tally, compare, read
from studio.music.reading.budget import Reading
from studio.music.reading.readers import read_tunes
from studio.music.scores.chords import ChordAt
from studio.music.scores.keys import name_of
from studio.music.scores.notes import Note
from studio.music.scores.scores import Part, Score
from studio.music.writing.formats import by_name

FORMATS = ("musicxml", "mxl", "abc", "mid")

SIGNS = b"X:1\nT:Signs\nM:4/4\nL:1/4\nK:Bb\n^f _g =e ^^c | [^F^A] B, _d2- | d =d ^c c |]\n"
SPELLED = ["F#5", "Gb5", "E5", "C##5", "A#4", "Bb3", "Db5", "D5", "C#5", "C#5"]


def _names(notes: Sequence[Note]) -> list[str]:
    return [name_of(*note.spelled) for note in notes if note.spelled]


@pytest.mark.parametrize("format", ["abc", "musicxml", "mxl"])
def test_notes_are_spelled_as_the_file_spells_them(format: str) -> None:
    (tune,) = read_tunes(SIGNS, "signs.abc").tunes
    assert _names(tune.notes) == SPELLED
    row = by_name(format)
    (again,) = read_tunes(row.to_bytes(tune), f"again{row.suffix}").tunes
    assert _names(again.notes) == SPELLED


def test_music21_finds_the_same_spelling_in_what_is_written() -> None:
    (tune,) = read_tunes(SIGNS, "signs.abc").tunes
    score = converter.parseData(by_name("musicxml").to_bytes(tune), format="musicxml")
    theirs = [
        note.pitch.nameWithOctave.replace("-", "b")
        for note in score.recurse().notes
        if note.tie is None or note.tie.type == "start"
    ]
    assert theirs == SPELLED


def test_works_made_before_spell_as_they_did_and_styles_keep_their_names() -> None:
    (tune,) = read_tunes(SIGNS, "signs.abc").tunes
    (earlier,) = read_tunes(SIGNS, "signs.abc", rules="3").tunes
    assert earlier == tune
    assert _names(earlier.notes) == []
    assert _names(tune.transposed(2).notes) == []
    assert hashlib.sha256(tune.to_json().encode()) != hashlib.sha256(tune.to_json(spelled=True).encode())
    assert tune.to_json() == earlier.to_json()


def _score(*measures: str) -> bytes:
    """A part on two staves, in quarter notes; each measure is MusicXML."""
    body = "".join(f"<measure>{measure}</measure>" for measure in measures)
    return (
        "<score-partwise><part-list><score-part id='P1'><part-name>Piano</part-name></score-part></part-list>"
        "<part id='P1'>"
        + body.replace(
            "<measure>",
            "<measure><attributes><divisions>2</divisions><key><fifths>0</fifths></key>"
            "<time><beats>4</beats><beat-type>4</beat-type></time></attributes>",
            1,
        )
        + "</part></score-partwise>"
    ).encode()


def _note(name: str, duration: int, voice: int, *, tie: str = "", chord: bool = False) -> str:
    pitch = "<rest/>" if name == "z" else f"<pitch><step>{name[0]}</step><octave>{name[1]}</octave></pitch>"
    ties = "".join(f'<tie type="{each}"/>' for each in tie.split())
    return (
        f"<note>{'<chord/>' * chord}{pitch}<duration>{duration}</duration>{ties}<voice>{voice}</voice></note>"
    )


BACK, LONG_BACK = (f"<backup><duration>{length}</duration></backup>" for length in (8, 10))

VOICES = {
    "the second voice is above the first": (
        [
            _note("C4", 4, 1) + _note("D4", 4, 1) + BACK + _note("G5", 2, 2) + _note("A5", 6, 2),
            _note("E4", 8, 1) + BACK + _note("z", 2, 2) + _note("A5", 6, 2),
            _note("C4", 8, 1),
            _note("D4", 8, 1),
            _note("E4", 8, 1),
        ],
        [(60, 2), (62, 2), (64, 4), (60, 4), (62, 4), (64, 4)],
    ),
    "the melody goes on in the second voice": (
        [
            _note("C5", 8, 1) + BACK + _note("E4", 4, 2) + _note("F4", 4, 2),
            _note("z", 8, 1) + BACK + _note("G4", 4, 2) + _note("A4", 4, 2),
            _note("C5", 8, 1) + BACK + _note("E4", 8, 2),
        ],
        [(72, 4), (67, 2), (69, 2), (72, 4)],
    ),
    "a note is tied to a lower one of the next chord": (
        [
            _note("E4", 4, 1, tie="start")
            + _note("E4", 4, 1, tie="stop")
            + _note("C5", 4, 1, chord=True)
            + BACK
            + _note("G3", 8, 2),
            _note("D4", 8, 1),
            _note("D4", 8, 1),
        ],
        [(64, 2), (72, 2), (62, 4), (62, 4)],
    ),
    "and held on below it": (
        [
            _note("E4", 4, 1, tie="start")
            + _note("D4", 4, 1)
            + "<backup><duration>4</duration></backup>"
            + _note("E4", 2, 2, tie="stop")
            + _note("F4", 2, 2),
            _note("D4", 8, 1),
        ],
        [(64, 2), (62, 2), (62, 4)],
    ),
    "it rests in what a bar has beyond its meter, and the second voice does not": (
        [
            _note("C5", 8, 1) + _note("z", 2, 1) + LONG_BACK + _note("E4", 8, 2) + _note("F4", 2, 2),
            _note("D5", 8, 1),
            _note("C5", 8, 1),
        ],
        [(72, 4), (74, 4), (72, 4)],
    ),
    "the first voice only holds on to the lower note of a chord": (
        [
            _note("A4", 8, 1, tie="start") + _note("A5", 8, 1, tie="start", chord=True),
            _note("A4", 8, 1, tie="stop start") + BACK + _note("A5", 4, 2, tie="stop") + _note("B5", 4, 2),
            _note("A4", 8, 1, tie="stop") + BACK + _note("C5", 8, 2),
            _note("D5", 8, 1),
        ],
        [(81, 6), (83, 2), (72, 4), (74, 4)],
    ),
}


def _same_in(format: str, reading: Reading) -> None:
    tally = Tally()
    compare(reading, format, tally)
    assert (tally.same, tally.shown) == (1, [])


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", VOICES)
def test_the_melody_stays_in_its_voice(name: str, format: str) -> None:
    measures, melody = VOICES[name]
    (reading,) = read(_score(*measures), "voices.musicxml")
    (tune,) = reading.tunes
    assert [(note.pitch, note.duration) for note in tune.sounding] == melody
    _same_in(format, reading)


@pytest.mark.parametrize("format", FORMATS)
def test_a_pitch_that_is_struck_again_while_it_is_held_sounds_on(format: str) -> None:
    top = [Note(72, Fraction(place), Fraction(2)) for place in (0, 2)]
    held = [Note(64, Fraction(place), Fraction(4 - place), voice=1) for place in (0, 2)]
    score = Score((Part((top[0], held[0], held[1], top[1]), "Piano"),))
    (again,) = read(by_name(format).to_bytes(score), f"again.{format}")
    found = [(note.start, note.end) for part in again.parts[0] for note in part.notes if note.pitch == 64]
    assert found == [(0, 4), (2, 4)]


def test_works_made_before_find_their_melody_where_they_did() -> None:
    measures, _ = VOICES["the first voice only holds on to the lower note of a chord"]
    (tune,) = read_tunes(_score(*measures), "voices.musicxml", rules="3").tunes
    assert [(note.pitch, note.duration) for note in tune.sounding] == [(81, 4), (69, 8), (74, 4)]


@pytest.mark.parametrize("format", FORMATS)
def test_an_ending_in_a_short_last_bar_does_not_divide_it(format: str) -> None:
    text = "X:1\nM:6/8\nL:1/8\nK:G\nABc def|gab a2 [1 b:|[2 g:|\nc|ddd e2 [1 ^c:|[2 c=c|]\n"
    (reading,) = read(text.encode(), "short.abc")
    _same_in(format, reading)


@pytest.mark.parametrize("format", FORMATS)
def test_tuplets_of_many_notes(format: str) -> None:
    text = "X:1\nM:4/4\nL:1/8\nK:C\n(13:8:13cdefgabc'bagfe| (11:8:2c3d8|]\n"
    (reading,) = read(text.encode(), "many.abc")
    assert reading.tunes[0].notes[0].duration == Fraction(4, 13)
    assert reading.tunes[0].end == 8
    _same_in(format, reading)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("alone", [True, False])
def test_chords_with_drums_and_no_melody_are_a_sheet_of_chords(alone: bool, format: str) -> None:
    beats = tuple(Note(36 if place % 2 else 38, Fraction(place), Fraction(1)) for place in range(8))
    drums = Part(beats, "Drums", percussion=True)
    chords = (ChordAt(Fraction(0), "C"), ChordAt(Fraction(4), "G7"))
    parts = (drums,) if alone else (Part((), "Chords"), drums)
    row = by_name(format)
    content = row.to_bytes(Score(parts, chords=chords, length=Fraction(8)))
    reading = read_tunes(content, f"drums{row.suffix}", parts=True)
    (tune,), (kept,) = reading.tunes, reading.parts
    assert (tune.sounding, tune.end, tune.chords) == ((), 8, chords)
    assert "There is no melody; this is a sheet of chords." in reading.remarks
    assert [(part.percussion, part.notes) for part in kept] == [(True, beats)]


def test_lyrics_that_are_no_chords_are_counted_on_a_sheet_of_chords(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = mido.MidiFile(ticks_per_beat=96)
    texts = ("C", "Am7", "slowly", "F", "G7")
    file.tracks.append(mido.MidiTrack(mido.MetaMessage("lyrics", text=each, time=96) for each in texts))
    file.save(tmp_path / "lyrics.mid")
    reading = read_tunes((tmp_path / "lyrics.mid").read_bytes(), "lyrics.mid")
    assert [chord.symbol for chord in reading.tunes[0].chords] == ["C", "Am7", "F", "G7"]
    assert "Lyrics that are not chord symbols left out: 1." in reading.remarks
