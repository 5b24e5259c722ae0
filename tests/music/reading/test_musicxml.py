"""MusicXML of every kind gives the tune it holds, with its chord symbols and words, and says what was left.

The files in `musicxml` were written by hand, each after a report to another program.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from studio.errors import Unreadable
from studio.music.melody.compose import reading_rules
from studio.music.melody.recipes import ComposeRecipe
from studio.music.reading.budget import Reading, ReadingBudget
from studio.music.reading.musicxml import read_musicxml, read_with_music21
from studio.music.reading.readers import read_tunes
from studio.music.scores.bars import Repeat, Volta
from studio.music.scores.tunes import Tune
from studio.music.scores.words import Syllable
from studio.music.styles.sources import style_of
from studio.music.styles.table import music21_corpus
from studio.music.writing.engraving import engrave
from studio.music.writing.musicxml import write_musicxml
from studio.process import finish
from studio.works.recipe import Setting, Source

FILES = Path(__file__).parent / "musicxml"


def _read(content: bytes, name: str = "x.musicxml") -> Reading:
    return read_musicxml(content, name, ReadingBudget())


def _notes(tune: Tune) -> str:
    """The pitches, each with its length where that is not a quarter note: "60 62:1/2 z:4"."""
    return " ".join(
        f"{'z' if note.pitch is None else note.pitch}" + (f":{note.duration}" if note.duration != 1 else "")
        for note in tune.notes
    )


def _score(*measures: str, time: str = "<beats>2</beats><beat-type>4</beat-type>") -> bytes:
    inside = "".join(f'<measure number="{n}">{each}</measure>' for n, each in enumerate(measures, 1))
    opening = f"<attributes><divisions>1</divisions><time>{time}</time></attributes>"
    return (
        '<score-partwise><part-list><score-part id="P1"><part-name/></score-part></part-list><part id="P1">'
        + inside.replace(">", ">" + opening, 1)
        + "</part></score-partwise>"
    ).encode()


def _quarters(steps: str) -> str:
    return "".join(
        f"<note><pitch><step>{step}</step><octave>4</octave></pitch><duration>1</duration></note>"
        for step in steps
    )


def _percent(kind: str, bars: int = 1) -> str:
    sign = f'<measure-repeat type="{kind}">{bars if kind == "start" else ""}</measure-repeat>'
    return f"<attributes><measure-style>{sign}</measure-style></attributes>"


REST = '<note><rest measure="yes"/><duration>2</duration></note>'


def test_percent_bars_play_the_bars_before_again() -> None:
    one = _score(_quarters("CD"), _percent("start") + REST, "", _percent("stop") + _quarters("EF"), REST)
    reading = _read(one)
    assert _notes(reading.tunes[0]) == "60 62 60 62 60 62 64 65 z:2"
    assert "Bars that say that those before are played again, written out: 2." in reading.remarks
    two = _score(_quarters("CD"), _quarters("EF"), _percent("start", 2) + REST, REST, _percent("stop") + REST)
    assert _notes(_read(two).tunes[0]) == "60 62 64 65 60 62 64 65 z:2"
    before = read_musicxml(one, "x", ReadingBudget(), rules="3").tunes[0]
    assert _notes(before) == "60 62 z:4 64 65 z:2", "works made before read as they did"


def test_percent_bars_have_the_chords_of_the_bars_before_and_no_words() -> None:
    harmony = "<harmony><root><root-step>{}</root-step></root><kind>major</kind></harmony>"
    sung = _quarters("C") + _quarters("D").replace("</note>", "<lyric><text>la</text></lyric></note>")
    score = _score(
        harmony.format("C") + sung,
        _percent("start") + REST,
        harmony.format("F") + REST,
        _percent("stop") + _quarters("EF"),
    )
    reading = _read(score)
    (tune,) = reading.tunes
    assert [(str(chord.start), chord.symbol) for chord in tune.chords] == [("0", "C"), ("2", "C"), ("4", "F")]
    assert [(str(word.start), word.text) for word in tune.words] == [("1", "la")]
    told = "Syllables that are not sung again where their bars are played again: 1."
    assert told in reading.remarks
    before = read_musicxml(score, "x", ReadingBudget(), rules="4").tunes[0]
    assert [str(chord.start) for chord in before.chords] == ["0", "4"], "works made before read as they did"


def test_music_without_a_meter_is_said_to_be_read_in_one() -> None:
    reading = _read(_score(_quarters("CDEF"), _quarters("GABA"), time="<senza-misura/>"))
    assert str(reading.tunes[0].meter) == "4/4"
    said = "The music is written without a meter, at least in part; those bars were read in 4/4."
    assert said in reading.remarks
    assert said not in _read(_score(_quarters("CD"))).remarks
    for name, text in (
        ("x.abc", "X:1\nM:none\nL:1/4\nK:C\nCDEF|C4|\n"),
        ("x.krn", "**kern\n*MX\n=1\n4c\n4d\n4e\n4f\n=2\n1e\n==\n*-\n"),
    ):
        assert said in read_tunes(text.encode(), name).remarks


@pytest.mark.parametrize(
    "page", ["<!DOCTYPE html>\n<html></html>", "<html><p>Log in", '<?xml version="1.0"?>\n<!-- x --><HTML/>']
)
def test_a_web_page_is_called_one(page: str) -> None:
    for name in ("score.musicxml", "score.mid", "score.abc"):
        with pytest.raises(Unreadable, match=f"{name} is a web page; download the score itself"):
            read_tunes(page.encode(), name)


EIGHT = "60 62 64 65 67 65 64 62 60 64 67 64 60:4"
CASES = {
    "x01_forward_ends_bar.musicxml": ("60 62 64 65 67 65 z:2 60 64 67 64 60:4", []),
    "x02_nontraditional_key.musicxml": (
        "67 69 70 66 67:4",
        [
            "Key signatures that belong to no key left out: 1.",
            "No key is given; judging by the notes it is G minor.",
        ],
    ),
    "x03_roman_numeral_harmony.musicxml": (
        "67 69 71 74 72:4",
        ["Chord symbols that could not be read and were left out (2): 'V', 'I'."],
    ),
    "x04_chord_note_after_direction.musicxml": (
        "64 62 64 65 67:4",
        ["Chords reduced to their top note: 1.", "Ornaments, dynamics and other marks left out: 1."],
    ),
    "x08_clarinet_in_b_flat.musicxml": (
        "60 62 64 65 60:4",
        [
            "The part is written for a transposing instrument; it was read as it sounds, 2 semitones below "
            "what is written."
        ],
    ),
    "x09_melody_moves_to_voice_2.musicxml": (
        "72 74 76 77 79 77 76 74 72:4",
        ["Bars in which the first voice is silent and another one is the melody: 1."],
    ),
    "x14_chords_over_slashes_only.musicxml": ("z:8", ["There is no melody; this is a sheet of chords."]),
    "x18_timewise.musicxml": ("60 62 64 65 67:4", []),
    "x20_two_rootfiles_pdf_first.mxl": (EIGHT, []),
    "x22_mac_resource_fork.mxl": (EIGHT, []),
    "x26_utf16_declared_but_utf8.musicxml": (EIGHT, []),
    "x35_cue_notes.musicxml": ("60 62 z:2 60:4", ["Cue notes left out: 2."]),
}


@pytest.mark.parametrize("name", CASES)
def test_what_other_programs_were_reported_for(name: str) -> None:
    reading = _read((FILES / name).read_bytes(), name)
    assert (_notes(reading.tunes[0]), list(reading.remarks)) == CASES[name]
    assert [bar.start for bar in reading.tunes[0].bars()] == list(
        range(0, int(reading.tunes[0].end), int(reading.tunes[0].meter.bar_length))
    )


def test_a_transposing_part_gives_its_key_and_chords_as_they_sound() -> None:
    text = (FILES / "x08_clarinet_in_b_flat.musicxml").read_text()
    harmony = "<harmony><root><root-step>B</root-step></root><kind>minor-seventh</kind></harmony><note>"
    (tune,) = _read(text.replace("<note>", harmony, 1).encode()).tunes
    assert (str(tune.key), [chord.symbol for chord in tune.chords]) == ("C major", ["Am7"])
    for octaves, first in (("<octave-change>-1</octave-change>", 48), ("", 60)):
        moved = text.replace("</chromatic>", f"</chromatic>{octaves}")
        assert _read(moved.encode()).tunes[0].notes[0].pitch == first


def test_every_chord_symbol_is_kept_or_told() -> None:
    text = (FILES / "x13_chord_kinds.musicxml").read_text()
    # A kind of its own is read by what is printed, where that is a symbol.
    text = text.replace('<kind text="alt">', '<kind text="?!">')
    reading = _read(text.encode())
    assert [(str(chord.start), chord.symbol) for chord in reading.tunes[0].chords] == [
        *[("0", "C"), ("1", "Am7"), ("2", "Dm7b5"), ("3", "G7(b9)"), ("4", "C/E"), ("6", "F6")],
        *[("8", "N.C."), ("12", "Bbsus4")],
    ]
    assert reading.remarks == ("Chord symbols that could not be read and were left out (1): 'C?!'.",)


def _harmony(root: str, more: str = "") -> str:
    return f"<harmony><root><root-step>{root}</root-step></root><kind>major</kind>{more}</harmony>"


def _bars(*bars: str, before: str = "") -> bytes:
    head = (
        "<attributes><divisions>4</divisions><key><fifths>0</fifths><mode>major</mode></key>"
        "<time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
    )
    inside = "".join(
        f'<measure number="{n}">{head if n == 1 else ""}{bar}</measure>' for n, bar in enumerate(bars, 1)
    )
    listed = '<part-list><score-part id="P1"><part-name/></score-part></part-list>'
    return f'{before}<score-partwise>{listed}<part id="P1">{inside}</part></score-partwise>'.encode()


def _note(step: str, quarters: int = 4, more: str = "", voice: int = 1) -> str:
    return (
        f"<note><pitch><step>{step}</step><octave>4</octave></pitch><duration>{4 * quarters}</duration>"
        f"<voice>{voice}</voice>{more}</note>"
    )


def test_symbols_that_stand_together_are_spread_over_the_note_below_them() -> None:
    four = "".join(_harmony(root) for root in "CFGC")
    reading = _read(
        _bars(four + _note("C"), _harmony("D") * 2 + _harmony("G") + _note("D", 1) + _note("E", 3))
    )
    assert [(str(chord.start), chord.symbol) for chord in reading.tunes[0].chords] == [
        *[("0", "C"), ("1", "F"), ("2", "G"), ("3", "C"), ("4", "D"), ("9/2", "G")]
    ]
    assert reading.remarks == (
        "Chord symbols that stood together and were spread over the note below them: 4.",
        "Equal chord symbols at one place taken as one: 1.",
    )


def _ending(number: str, kind: str, repeat: str = "") -> str:
    side = "left" if kind == "start" else "right"
    sign = f'<repeat direction="{repeat}"/>' if repeat else ""
    return f'<barline location="{side}"><ending number="{number}" type="{kind}"/>{sign}</barline>'


@pytest.mark.parametrize(
    ("times", "played", "told"),
    [
        ("2", 2, 0),
        ("3", 3, 0),
        ("16", 16, 0),
        ("17", 16, 1),
        ("1000000", 2, 1),
        ("many", 2, 0),
        ("9" * 99, 2, 1),
    ],
)
def test_a_repeat_that_is_not_played_as_often_as_the_file_says_is_told(
    times: str, played: int, told: int
) -> None:
    end = f'<barline location="right"><repeat direction="backward" times="{times}"/></barline>'
    reading = _read(_score(_quarters("CD") + end, _quarters("EF")))
    assert len(reading.tunes[0].unfolded().sounding) == 2 * played + 2
    said = [each for each in reading.remarks if each.endswith(f"was read as one of {played} times.")]
    assert len(said) == told
    assert all(f"plays {times[:12]}" in each for each in said)


def test_repeats_and_endings() -> None:
    forward = '<barline location="left"><repeat direction="forward"/></barline>'
    first = _ending("1", "start") + _note("D") + _ending("1", "stop", "backward")
    second = _ending("2", "start") + _note("E") + _ending("2", "stop", "backward")
    third = _ending("3", "start") + _note("F") + _ending("3", "discontinue")
    two = _read(_bars(_note("G"), forward + _note("C"), first, second, _note("A"))).tunes[0]
    assert two.repeats == (Repeat(Fraction(4), Fraction(12), Fraction(8)),)
    assert [note.pitch for note in two.unfolded().notes] == [67, 60, 62, 60, 64, 69]
    reading = _read(_bars(_note("G"), forward + _note("C"), first, second, third))
    assert [note.pitch for note in reading.tunes[0].unfolded().notes] == [67, 60, 62, 60, 64, 60, 65]
    assert reading.tunes[0].repeats[0].written() == tuple(
        Volta(Fraction(place), (number,)) for number, place in enumerate((8, 12, 16), 1)
    )
    assert reading.remarks == ()
    thrice = _ending("1, 2", "start") + _note("D") + _ending("1, 2", "stop", "backward")
    assert _read(_bars(_note("C"), thrice, third)).tunes[0].repeats == (
        Repeat(Fraction(0), Fraction(8), Fraction(4), 3),
    )


def _lyric(text: str, syllabic: str = "single", more: str = "", number: str = "1") -> str:
    return f'<lyric number="{number}"><syllabic>{syllabic}</syllabic><text>{text}</text>{more}</lyric>'


def test_words_stand_under_their_notes() -> None:
    tied_on = '<tie type="stop"/>'
    bars = (
        _note("C", 1, _lyric("Glo", "begin", number="1") + _lyric("All", number="2"))
        + _note("D", 1, _lyric("ri", "middle"))
        + _note("E", 1, _lyric("a", "end", "<extend/>"))
        + _note("F", 1, "<lyric><extend/></lyric>"),
        _note("G", 2, _lyric("de", more="<elision>‿</elision><text>in</text>"))
        + _note("A", 2, '<tie type="start"/>' + _lyric("rid", "begin")),
        _note("A", 4, tied_on + _lyric("ing", "end")),
    )
    reading = _read(_bars(*bars))
    (tune,) = reading.tunes
    assert tune.words == (
        Syllable(Fraction(0), "Glo", "begin"),
        Syllable(Fraction(0), "All", verse=2),
        Syllable(Fraction(1), "ri", "middle"),
        Syllable(Fraction(2), "a", "end", extends=True),
        Syllable(Fraction(4), "de‿in"),
        Syllable(Fraction(6), "riding"),
    )
    assert reading.remarks[0] == "Syllables put together because they stand under one tied note: 1."
    again = _read(write_musicxml(tune)).tunes[0]
    assert (again.words, again.notes) == (tune.words, tune.notes)
    drawn = engrave(tune).decode()
    assert all(f">{text}</tspan>" in drawn for text in ("Glo", "All", "riding"))


def test_notes_and_words_of_other_voices_are_counted() -> None:
    backup = "<backup><duration>16</duration></backup>"
    reading = _read(
        _bars(_note("G") + backup + _note("C", 2, _lyric("la"), 2) + _note("D", 2, _lyric("la"), 2))
    )
    assert reading.remarks == (
        "Notes of other voices left out: 2.",
        "Syllables left out because they stand under no note of the melody: 1.",
    )
    assert [word.start for word in reading.tunes[0].words] == [0]


def test_rounded_lengths_are_what_is_drawn() -> None:
    third = (
        "<type>eighth</type><time-modification><actual-notes>3</actual-notes>"
        "<normal-notes>2</normal-notes></time-modification>"
    )
    notes = "".join(
        f"<note><pitch><step>{step}</step><octave>4</octave></pitch><duration>{ticks}</duration>{third}</note>"
        for step, ticks in (("C", 85), ("D", 85), ("E", 86))
    )
    content = _bars(notes, _note("C")).replace(b"<divisions>4<", b"<divisions>256<")
    assert _notes(_read(content).tunes[0]).startswith("60:1/3 62:1/3 64:1/3")


def test_entities_are_refused_wherever_they_are_defined() -> None:
    doctype = '<!DOCTYPE score-partwise [<!ENTITY a "ha">]>'
    for content in (
        _bars(_note("C"), before=doctype),
        _bars(_note("C"), before=doctype).decode().encode("utf-16"),
    ):
        with pytest.raises(Unreadable, match="defines XML entities"):
            _read(content)
    outside = (
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://x/y.dtd">'
    )
    assert _read(_bars(_note("C"), before=outside)).tunes


def test_it_agrees_with_music21() -> None:
    """The second reader of the tests, on scores by several programs in which it makes no mistake."""
    for inside in ("bach/bwv66.6.mxl", "monteverdi/madrigal.3.1.mxl", "leadSheet/fosterBrownHair.mxl"):
        content = (music21_corpus() / inside).read_bytes()
        ours, theirs = (
            read(content, inside, ReadingBudget()).tunes[0] for read in (read_musicxml, read_with_music21)
        )
        for field in ("notes", "grid", "keys", "repeats", "phrase_ends", "title", "composer"):
            assert getattr(ours, field) == getattr(theirs, field), (inside, field)


def test_earlier_works_read_their_files_as_before() -> None:
    content = (FILES / "x09_melody_moves_to_voice_2.musicxml").read_bytes()
    source = Source(sha256="0" * 64, role="tune", name="x09.musicxml", title="", author="", licence="")
    notes = {}
    for made_by in (None, Setting(versions={"studio": "0.2.1"}), Setting(versions={"reading": "2"})):
        recipe = ComposeRecipe(style="mine", sources=(source,), setting=made_by)
        style = finish(style_of(recipe.sources, lambda _: content, "mine", reading_rules(recipe)))
        notes[made_by and str(made_by.versions)] = _notes(style[0])
    assert list(notes.values()) == [
        "72 74 76 77 79 77 76 74 72:4",
        "72 74 76 77 z:4 72:4",
        "72 74 76 77 79 77 76 74 72:4",
    ]


def test_pitches_that_midi_does_not_have_are_counted() -> None:
    pitch = "<pitch><step>{}</step><alter>{}</alter><octave>{}</octave></pitch>"
    note = f"<note>{pitch}<duration>1</duration></note>"
    notes = "".join(note.format(*each) for each in (("C", 0.5, 4), ("D", 0, 4), ("D", 0, 99), ("H", 0, 4)))
    xml = (
        '<score-partwise><part-list><score-part id="P1"/></part-list><part id="P1"><measure><attributes>'
        f"<divisions>1</divisions></attributes>{notes}</measure></part></score-partwise>"
    )
    remarks = read_tunes(xml.encode(), "odd.musicxml").remarks
    assert "Microtones read as the nearest semitone: 1." in remarks
    assert "Notes whose pitch is none that MIDI has left out: 2." in remarks


def _remarks(*measures: str, staves: str = "") -> tuple[str, ...]:
    inside = "".join(f"<measure>{each}</measure>" for each in measures)
    key = "<key><fifths>0</fifths><mode>major</mode></key>"
    start = f"<attributes><divisions>1</divisions>{key}{staves}</attributes>"
    inside = inside.replace("<measure>", f"<measure>{start}", 1)
    names = '<part-list><score-part id="P1"><part-name>P</part-name></score-part></part-list>'
    score = f'<score-partwise>{names}<part id="P1">{inside}</part></score-partwise>'
    return read_musicxml(score.encode(), "x.musicxml", ReadingBudget()).remarks


def _whole(voice: int, step: str = "C", staff: int = 1) -> str:
    pitch = f"<pitch><step>{step}</step><octave>{6 - staff}</octave></pitch>" if step else "<rest/>"
    return f"<note>{pitch}<duration>4</duration><voice>{voice}</voice><staff>{staff}</staff></note>"


_BACK = "<backup><duration>4</duration></backup>"


def test_tempos_after_the_first_are_said() -> None:
    mark = "<metronome><beat-unit>quarter</beat-unit><per-minute>72</per-minute></metronome>"
    said = ("The tempo changes; only the first one was kept.",)
    begin, note = '<sound tempo="100"/>', _whole(1)
    drawn = f"<direction><direction-type>{mark}</direction-type></direction>"
    assert _remarks(begin + note, '<sound tempo="72"/>' + note) == said
    assert _remarks(begin + note, drawn + note) == said
    assert _remarks(begin + note, begin + note) == ()


def test_every_bar_whose_melody_is_in_another_voice_is_counted() -> None:
    remarks = _remarks(_whole(1), _whole(2), _whole(3), _whole(1, "") + _BACK + _whole(2), _whole(2, ""))
    assert remarks == ("Bars in which the first voice is silent and another one is the melody: 3.",)


def test_the_staff_of_the_melody_is_named() -> None:
    remarks = _remarks(_whole(1) + _BACK + _whole(5, staff=2), staves="<staves>2</staves>")
    assert remarks == ("The melody was taken from 'P', staff 1, one of 2 parts.",)
