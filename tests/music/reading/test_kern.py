"""Humdrum files give what stands beside their notes: words, chord symbols, the order of their sections."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

import pytest

from studio.music.reading.budget import Reading, ReadingBudget
from studio.music.reading.child import read_piece
from studio.music.reading.describing import heard_in
from studio.music.reading.kern import read_kern
from studio.music.reading.pieces import pieces
from studio.music.scores.clefs import Clef, ClefAt
from studio.music.scores.scores import played_spans
from studio.music.writing.formats import by_name


def _kern(*rows: str) -> str:
    return "\n".join(re.sub(r"(?<!:)\|", "\t", row) for row in rows) + "\n"


def _read(*rows: str, rules: str = "4") -> Reading:
    return read_kern(_kern(*rows), "x.krn", ReadingBudget(), rules=rules)


SUNG = (
    "**kern|**text|**mxhm|**dynam",
    "*M4/4|*|*|*",
    "=1|=1|=1|=1",
    "4g|Ky-|G major|p",
    "8qa|.|.|.",
    "4.a|-ri-|.|.",
    "8b|-e|D dominant/F#|.",
    "4r|.|B- minor-seventh|.",
    "=2|=2|=2|=2",
    "1g|son|odd|f",
    "==|==|==|==",
    "*-|*-|*-|*-",
)


def test_words_and_chords_beside_the_notes_are_read_and_the_rest_is_counted() -> None:
    reading = _read(*SUNG)
    (tune,) = reading.tunes
    assert [(str(word.start), word.text, word.syllabic) for word in tune.words] == [
        ("0", "Ky", "begin"),
        ("1", "ri", "middle"),
        ("5/2", "e", "end"),
        ("4", "son", "single"),
    ]
    chords = [(str(chord.start), chord.symbol) for chord in tune.chords]
    assert chords == [("0", "G"), ("5/2", "D7/F#"), ("3", "Bbm7")]
    assert "Columns that are not read, with their signs: **dynam (2)." in reading.remarks
    assert any("'odd'" in remark for remark in reading.remarks)
    assert not any("of several" in remark for remark in reading.remarks), "there is one voice"
    before = _read(*SUNG, rules="3").tunes[0]
    assert (before.words, before.chords) == ((), ()), "works made before read as they did"


def test_words_of_a_column_that_splits_and_of_the_melody_alone() -> None:
    rows = ("**kern|**text|**kern|**text", "*M2/4|*|*M2/4|*", "=1|=1|=1|=1", "2C|low|4c|one", ".|.|4d|two")
    ends = ("==|==|==|==", "*-|*-|*-|*-")
    reading = _read(*rows, *ends)
    assert [word.text for word in reading.tunes[0].words] == ["one", "two"]
    assert "Syllables left out because they stand under no note of the melody: 1." in reading.remarks
    assert any("of several" in remark for remark in reading.remarks)
    both = read_kern(_kern(*rows, *ends), "x.krn", ReadingBudget(), parts=True).parts[0]
    assert [[word.text for word in part.words] for part in both] == [["one", "two"], ["low"]]
    split = (
        "**kern|**text",
        "*M2/4|*",
        "=1|=1",
        "4c|one",
        "*^|*",
        "4d|4B|two",
        "*v|*v|*",
        "=2|=2",
        "2e|three",
    )
    words = _read(*split, "==|==", "*-|*-").tunes[0].words
    assert [(word.start, word.text) for word in words] == [(0, "one"), (1, "two"), (2, "three")]


@pytest.mark.parametrize(
    ("order", "sections", "heard"),
    [
        ("A,A1,A,A2", ["A", "A1", "A2"], "CDCE"),
        ("A,B,A,B,C", ["A", "B", "C"], "CDCDE"),
        ("A,A,B", ["A", "B", "C"], None),
        ("A,B,C,A", ["A", "B", "C"], None),
        ("A,A1,A,A2,B,B", ["A", "A1", "A2", "B"], "CDCEFF"),
        ("A,A1,A,A2,A,A3", ["A", "A1", "A2", "A3"], "CDCECF"),
    ],
)
def test_sections_are_played_in_their_order(order: str, sections: list[str], heard: str | None) -> None:
    rows = ["**kern", "*M4/4", f"*>[{order}]", "*>norep[A]"]
    for number, (name, pitch) in enumerate(zip(sections, "cdef", strict=False), 1):
        rows += [f"*>{name}", f"={number}" if number != 3 else "=3:|!", f"1{pitch}"]
    reading = _read(*rows, "==", "*-")
    (tune,) = reading.tunes
    letters = dict(zip((60, 62, 64, 65), "CDEF", strict=True))
    spans = played_spans(tune.repeats, tune.end, ())
    played = "".join(
        letters[note.pitch or 0]
        for _, start, end in spans
        for note in tune.notes
        if start <= note.start < end
    )
    said = any(order.replace(",", ", ") in remark for remark in reading.remarks)
    assert (played if heard else None, said) == (heard, heard is None)
    if order == "A,A1,A,A2":
        before = _read(*rows, "==", "*-", rules="3").tunes[0]
        assert (before.repeats[0].ending, before.repeats[0].end) == (None, Fraction(8))


def test_absurd_lengths_take_no_time() -> None:
    from studio.music.reading.kern_spines import beside_notes

    found = beside_notes(_kern("**kern|**text", f"{'0' * 100_000}c|a", f"4%{'9' * 100_000}d|b", "*-|*-"))
    assert [lyric.text for lyric in found.lyrics[0]] == ["a", "b"]


@pytest.mark.parametrize("format", ["musicxml", "mxl", "abc", "mid"])
def test_a_melody_that_is_the_top_column_but_not_the_highest_stays_the_melody(format: str) -> None:
    """Two equal voices that cross: nothing else says which of them it is."""
    rows = ("**kern|**kern", "*M2/4|*M2/4", "=1|=1", "4g|4c", "4a|4d", "==|==", "*-|*-")
    reading = read_kern(_kern(*rows), "x.krn", ReadingBudget(), parts=True)
    assert [note.pitch for note in reading.tunes[0].notes] == [60, 62]
    score = heard_in([("", reading)]).whole()[0]
    row = by_name(format)
    (piece,) = pieces(row.to_bytes(score), f"x{row.suffix}")
    again = read_piece(replace(piece, parts=True), ReadingBudget())
    assert [note.pitch for note in again.tunes[0].notes] == [60, 62]
    assert [part.lead for part in again.parts[0]] == [True, False]


SPLIT = (
    "**kern|**kern",
    "*Ibass|*Isoprn",
    "*M2/4|*M2/4",
    "=1|=1",
    "2C|4cc",
    ".|[4gg",
    "=2|=2",
    "*|*^",
    "2GG|4gg]|4cc",
    ".|4cc|4dd",
    "=3|=3|=3",
    "2C|2r|2ee",
    "=4|=4|=4",
    "*|*v|*v",
    "2C|2cc",
    "*-|*-",
)


def test_the_first_sub_spine_is_the_melody_and_the_other_is_counted() -> None:
    for _ in range(5):  # the names of music21's voices are places in memory
        reading = read_kern(_kern(*SPLIT), "x.krn", ReadingBudget(), parts=True)
        melody = [(note.pitch, str(note.duration)) for note in reading.tunes[0].notes]
        assert melody == [(72, "1"), (79, "2"), (72, "1"), (76, "2"), (72, "2")]
        assert "Bars in which the first voice is silent and another one is the melody: 1." in reading.remarks
        assert "Notes of other voices left out: 2." in reading.remarks
        assert [note.pitch for note in reading.parts[0][0].notes if note.voice] == [72, 74]
        assert "Notes of other voices left out: 2." not in heard_in([("x", reading)]).remarks_on_whole()


def test_clefs_that_change_are_kept() -> None:
    kern = "**kern\n*clefF4\n*M4/4\n*C:\n=1\n4C\n4D\n*clefC4\n4e\n4f\n=2\n*clefG2\n1g\n==\n*-\n"
    (part,) = read_kern(kern, "cello.krn", ReadingBudget(), parts=True).parts[0]
    assert part.clef == Clef("F", 4)
    assert part.clef_changes == (ClefAt(Fraction(2), Clef("C", 4)), ClefAt(Fraction(4), Clef("G", 2)))
