"""In ABC, lines of words are words, text is no music, and what is not in the melody is told."""

from __future__ import annotations

from fractions import Fraction

import pytest

from studio.music.reading.describing import heard_in, heard_in_words
from studio.music.reading.readers import read_tunes
from studio.music.writing.formats import by_suffix

HEAD = "X:1\nM:4/4\nL:1/4\nK:C\n"
BARS = "CDEF|GABc|]\n"
NOTES = [60, 62, 64, 65, 67, 69, 71, 72]


def _pitches(text: str, rules: str = "4") -> list[int | None]:
    return [note.pitch for note in read_tunes(text.encode(), "t.abc", rules=rules).tunes[0].sounding]


@pytest.mark.parametrize("line", ["w:| Al-le-lu-ia", "w:|Al-le-lu-ia", " w: | Al-le-lu-ia"])
def test_a_line_of_words_may_begin_with_a_bar_line(line: str) -> None:
    (tune,) = read_tunes(f"{HEAD}{BARS}{line}\n".encode(), "t.abc").tunes
    assert [note.pitch for note in tune.sounding] == NOTES
    assert tune.repeats == ()
    assert [(word.start, word.text) for word in tune.words] == [(4, "Al"), (5, "le"), (6, "lu"), (7, "ia")]


def test_words_that_go_on_may_begin_with_a_bar_line() -> None:
    (tune,) = read_tunes(f"{HEAD}{BARS}w: a b\n+:| c\n".encode(), "t.abc").tunes
    assert [note.pitch for note in tune.sounding] == NOTES
    assert [(word.start, word.text) for word in tune.words] == [(0, "a"), (1, "b"), (4, "c")]


@pytest.mark.parametrize(
    "text",
    [
        "</pre></body></html>",
        "-- Edited by Abe Fag 2003",
        "<p>A bad egg</p>",
        "Source: the big book | page 12 | second edition",
        "Été à la campagne",
    ],
)
def test_a_line_of_text_is_no_music_and_is_told(text: str) -> None:
    reading = read_tunes(f"{HEAD}{BARS}{text}\n".encode(), "t.abc")
    assert [note.pitch for note in reading.tunes[0].sounding] == NOTES
    assert f"1 line that is not music left out: {text!r}." in reading.remarks


def test_lines_behind_text_are_text_until_there_is_a_bar_line() -> None:
    reading = read_tunes(f"{HEAD}{BARS}Edited by\nAbe Fag\nC4|]\n".encode(), "t.abc")
    assert [note.pitch for note in reading.tunes[0].sounding] == [*NOTES, 60]
    assert "2 lines that are not music left out: 'Edited by', 'Abe Fag'." in reading.remarks


@pytest.mark.parametrize(
    "line",
    [
        "CDEF GABc",
        "vTCuDEF !fermata!G+trill+A Bc",
        '"Fmaj7"CD"^slowly, with feeling"EF GABc',
        "[r:some words]CDEF {deg}GABc",
        "kCDEF GABkc",
        "C2>D2 E<F|G/A/ (3Bcd",
    ],
)
def test_music_without_bar_lines_stays_music(line: str) -> None:
    text = f"{HEAD}{line}\n"
    assert _pitches(text) == _pitches(text, "3")
    assert not any("not music" in each for each in read_tunes(text.encode(), "t.abc").remarks)


@pytest.mark.parametrize(
    "line", ["kakA2A kBkc A|kEkA2 kBkdB|kAB", "(uiBc) \\", "vkf2z ukd2z|vcAF F2z|vkf2z ukg2z"]
)
def test_one_letter_that_nobody_defined_is_a_decoration(line: str) -> None:
    """As in Ryan's Mammoth Collection, where a line of music was taken for text."""
    reading = read_tunes(f"{HEAD}{line}\n{BARS}".encode(), "t.abc")
    assert len(reading.tunes[0].sounding) > len(NOTES)
    assert not any("not music" in remark for remark in reading.remarks)
    assert any(
        "not music" in remark for remark in read_tunes(f"{HEAD}{line}\n{BARS}".encode(), rules="4").remarks
    )


def test_signs_that_a_tune_defines_are_music() -> None:
    text = "X:1\nM:4/4\nL:1/4\nU:n=!fermata!\nU:W=!trill!\nm:~ot=CD\nK:C\nWnCWnDWnE\n"
    assert _pitches(text) == [60, 62, 64]


def test_text_of_note_letters_after_a_blank_line_is_text() -> None:
    """ABC 2.1, section 2.2: a blank line ends a tune, with bar lines or without."""
    for tune in (f"{HEAD}{BARS}", f"{HEAD}CDEF GABc\n"):
        reading = read_tunes(f"{tune}\nAbe Fag\n".encode(), "t.abc")
        assert [note.pitch for note in reading.tunes[0].sounding] == NOTES
        told = "A blank line ends the tune; 1 line of nothing but note letters after it was left out"
        assert any(remark.startswith(told) for remark in reading.remarks)
    assert len(_pitches(f"{HEAD}CDEF GABc\n\nAbe Fag\n", "4")) == 14, "works made before read as they did"
    assert _pitches(f"{HEAD}\n{BARS}") == NOTES, "one before the first note ends nothing"


def test_note_letters_after_the_final_bar_line_are_doubted() -> None:
    remarks = read_tunes(f"{HEAD}{BARS}Abe Fag\n".encode(), "t.abc").remarks
    assert any("were read as music: 'Abe Fag'" in remark for remark in remarks)
    for line in ("C2D2", "cde|", "C D E"):
        assert not read_tunes(f"{HEAD}{BARS}{line}\n".encode(), "t.abc").remarks


def test_works_made_before_are_read_as_before() -> None:
    assert _pitches(f"{HEAD}{BARS}Abe will\n", "3") == [*NOTES, 69, 83, 76]
    (tune,) = read_tunes(f"{HEAD}{BARS}w:| A\n".encode(), "t.abc", rules="3").tunes
    assert len(tune.sounding) == 9


def test_a_voice_laid_over_the_melody_is_kept_and_told() -> None:
    reading = read_tunes(f"{HEAD}CDEF & c4|G4 & [CE]4|]\n".encode(), "t.abc", parts=True)
    (part,) = reading.parts[0]
    assert [note.pitch for note in part.notes if note.start == 0] == [60, 72]
    assert [note.pitch for note in part.notes if note.start == 4] == [60, 64, 67]
    assert "Notes of overlaid voices (&) left out of the melody: 3." in reading.remarks
    assert (
        "Notes of overlaid voices (&) left out of the melody: 3."
        not in heard_in([("t.abc", reading)]).remarks_on_whole()
    )


@pytest.mark.parametrize(("name", "told"), [("", "voice 2 of 2"), (' name="Alto"', "'Alto'")])
def test_words_of_another_voice_are_told(name: str, told: str) -> None:
    text = f"{HEAD}V:1\n{BARS}V:2{name}\nC4|E4|]\nw:one two\n"
    reading = read_tunes(text.encode(), "t.abc")
    assert [(word.start, word.text) for word in reading.tunes[0].words] == [(0, "one"), (Fraction(4), "two")]
    assert f"The melody has no words of its own; those of {told} stand under it: 2." in reading.remarks


def test_verses_below_the_music_and_the_first_meter_are_shown() -> None:
    text = f"{HEAD}CDEF|[M:3/4]GAB|c3|]\nW:2. Another verse\nW:goes here\n"
    lines = list(heard_in_words(heard_in([("t.abc", read_tunes(text.encode(), "t.abc"))])))
    assert lines[1].startswith("  4/4, C major")
    assert lines[2] == "  3/4 from bar 2"
    assert [line.strip() for line in lines[6:8]] == ["2. Another verse", "goes here"]


def test_words_of_another_staff_of_musicxml_are_told() -> None:
    score = read_tunes(f"{HEAD}V:1\n{BARS}V:2\nC4|E4|]\nw:one two\n".encode(), "t.abc", parts=True)
    (whole,) = heard_in([("t.abc", score)]).whole()
    reading = read_tunes(by_suffix(".musicxml").to_bytes(whole), "t.musicxml")
    assert [(word.start, word.text) for word in reading.tunes[0].words] == [(0, "one"), (4, "two")]
    told = "The melody has no words of its own; those of another staff stand under it: 2."
    assert told in reading.remarks


@pytest.mark.parametrize(
    ("codec", "text", "told"),
    [
        ("cp850", "Schöner Müller", "code page 850 (DOS)"),
        ("shift_jis", "桜の歌", "Shift-JIS"),
        ("cp1252", "Don’t — “wait”", ""),
    ],
)
def test_titles_and_words_in_other_encodings(codec: str, text: str, told: str) -> None:
    content = f"X:1\nT:{text}\nM:2/4\nL:1/4\nK:C\nCD|\nw: {text}\n".encode(codec)
    for found in (
        content,
        content.decode("latin-1").encode(),
    ):  # as it is, and taken for Latin-1 by a program
        reading = read_tunes(found, "t.abc")
        (tune,) = reading.tunes
        assert tune.title == text
        assert tune.words[0].text == text.split()[0]
        guessed = [each for each in reading.remarks if "UTF-8" in each]
        assert [each.partition("read as ")[2] for each in guessed] == [f"{told}."] * bool(told)
