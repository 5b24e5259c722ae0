"""Da capo, dal segno, Fine and Coda are followed as musicians follow them, and kept by every format."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from studio.music.reading.describing import heard_as_plain, heard_in, heard_in_words, not_carried
from studio.music.reading.jumps import jump_in
from studio.music.reading.pieces import by_rules, pieces
from studio.music.reading.readers import read_tunes
from studio.music.scores.tunes import Tune
from studio.music.writing.formats import by_suffix


def _abc(body: str, meter: str = "2/4") -> Tune:
    return read_tunes(f"X:1\nM:{meter}\nL:1/4\nK:C\n{body}\n".encode(), "t.abc").tunes[0]


def _played(tune: Tune) -> str:
    names = {60: "C", 62: "D", 64: "E", 65: "F", 67: "G", 69: "A", 71: "B", 72: "c", 74: "d", 76: "e"}
    return "".join(names[note.pitch or 0] for note in tune.unfolded().sounding)


@pytest.mark.parametrize(
    ("body", "played"),
    [
        ("CD|EF !fine!|GA|Bc !D.C.!|]", "CDEFGABcCDEF"),
        ("CD|EF|GA|Bc !D.C.!|]", "CDEFGABc" * 2),
        ('CD|EF "^Fine"|GA|"_D.C. al Fine"Bc|]', "CDEFGABcCDEF"),  # printed above the last bar
        ("CD|E!fine!F|GA|B!D.C.!c|]", "CDEFGABcCDEF"),  # or above the last note
        # Repeats are taken the first time only, and the second ending after a jump.
        ("|:CD|EF:| !fine! |:GA|Bc:| !D.C.!", "CDEFCDEFGABcGABcCDEF"),
        ("|:CD|1EF:|2GA !fine!|]Bc|de !D.C.!|]", "CDEFCDGABcdeCDGA"),
        ('|:CD|EF!fine!:|GA|Bc "D.C. al Fine con repetizione"|]', "CDEFCDEFGABcCDEFCDEF"),
        ("CD|!segno!EF|GA !fine!|Bc !D.S.!|]", "CDEFGABcEFGA"),
        ("CD|SEF|GA !fine!|Bc +D.S.+|]", "CDEFGABcEFGA"),  # S stands for !segno!
        ("CD|!segno!EF !coda!|GA !D.S.!|!coda!Bc|de|]", "CDEFGAEFBcde"),
        ('CD|EF "To Coda"|GA|"D.C. al Coda"Bc|"Coda"de|]', "CDEFGABcCDEFde"),
        # A rondo whose couplets both end with D.C. has Fine after the last.
        ("CD !fine!|EF !D.C.!|GA !D.C.!|]", "CDEFCDGACD"),
    ],
)
def test_jumps_in_abc(body: str, played: str) -> None:
    assert _played(_abc(body)) == played


def test_a_jump_before_the_pick_up_of_what_follows() -> None:
    tune = _abc("C|DE F|GA !fine!B|cd e|DE !D.C.!C|]", "3/4")
    assert [(mark.start, mark.name) for mark in tune.jumps] == [(6, "Fine"), (12, "D.C.")]
    assert _played(tune) == "CDEFGABcdeDECDEFGA"


def test_letters_a_book_defines_hold_for_all_its_tunes() -> None:
    tune = "X:{}\nM:2/4\nL:1/4\nK:C\nCD|WEF|GA Q|SBc !D.S.!|]\n\n"
    book = "U:W=!segno!\nU: Q = !fine! % the end\nU:S=!>!\n\n" + tune.format(1) + tune.format(2)
    reading = read_tunes(book.encode(), "book.abc")
    assert [_played(each) for each in reading.tunes] == ["CDEFGABcEFGA"] * 2
    assert "book.abc#2: Ornaments, dynamics and other marks left out: 1." in reading.remarks
    for piece in pieces(book.encode(), "book.abc"):
        assert "\x04U:W" in by_rules(piece, "4").text, "by earlier rules it is no definition"
    assert all(not each.jumps for each in read_tunes(book.encode(), "book.abc", rules="4").tunes)


def test_a_sign_that_nothing_leads_to_is_told() -> None:
    reading = read_tunes(b'X:1\nM:2/4\nL:1/4\nK:C\n"Segno"CD|EF "Segno"|]\n', "t.abc")
    assert _played(reading.tunes[0]) == "CDEF"
    assert any("no D.C. or D.S. leads to" in remark for remark in reading.remarks)
    assert not reading.tunes[0].chords


def test_notes_that_the_jumps_never_reach_are_told() -> None:
    reading = read_tunes(b"X:1\nM:2/4\nL:1/4\nK:C\nCD !fine!|EF !D.C.!|GA|]\n", "t.abc")
    played = heard_in([("t.abc", reading)], played=True)
    assert "Notes that are never played, because of the jumps: 2." in played.remarks
    assert not any("never played" in remark for remark in heard_in([("t.abc", reading)]).remarks)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("D.C. al Fine", "D.C. al Fine"),
        ("D. C.", "D.C."),
        ("DC", "D.C."),
        ("(Da Capo al Fine senza repetizione)", "D.C. al Fine"),
        ("Dal Segno al Coda", "D.S. al Coda"),
        ("D.S. \U0001d10b e poi la Coda", "D.S. al Coda"),
        ("FINE", "Fine"),
        ("To Coda", "To Coda"),
        ("Coda", "Coda"),
        ("D.C. with repeats", "D.C. con repetizione"),
        ("Finely", None),
        ("Dsus", None),
        ("fine and dandy", None),
        ("d c b a", None),
        ("", None),
    ],
)
def test_words_that_are_jumps(words: str, name: str | None) -> None:
    found = jump_in(words)
    assert (found and found.name) == name


def _xml(*measures: str) -> bytes:
    inner = "".join(f"<measure number='{n}'>{each}</measure>" for n, each in enumerate(measures, 1))
    return (
        "<score-partwise><part-list><score-part id='P1'><part-name/></score-part></part-list>"
        f"<part id='P1'>{inner}</part></score-partwise>"
    ).encode()


def _notes(names: str) -> str:
    note = "<note><pitch><step>{}</step><octave>{}</octave></pitch><duration>1</duration></note>"
    return "".join(note.format(name.upper(), 4 + name.islower()) for name in names)


TIME = "<time><beats>2</beats><beat-type>4</beat-type></time>"
UNITS = f"<attributes><divisions>1</divisions>{TIME}</attributes>"


def _said(words: str = "", sound: str = "", sign: str = "") -> str:
    drawn = [f"<words>{words}</words>"] if words else []
    types = "".join(f"<direction-type>{each}</direction-type>" for each in [*drawn, *[sign] * bool(sign)])
    return f"<direction>{types}{f'<sound {sound}/>' if sound else ''}</direction>"


@pytest.mark.parametrize(
    ("measures", "played"),
    [
        (
            (
                _notes("CD") + _said("Fine", 'fine="yes"'),
                _notes("EF") + _said("D.C. al Fine", 'dacapo="yes"'),
            ),
            "CDEFCD",
        ),
        ((_said("Fine") + _notes("CD"), _said("D.C. al Fine") + _notes("EF")), "CDEFCD"),  # words alone
        (
            (
                _notes("CD"),
                _said(sign="<segno/>", sound='segno="a"') + _notes("EF"),
                _said(sign="<segno/>", sound='segno="b"') + _notes("GA"),
                _notes("Bc") + _said("D.S.", 'dalsegno="a"'),
            ),
            "CDEFGABcEFGABc",
        ),
        (
            (
                _notes("CD") + _said("To ", sign="<coda/>"),
                _notes("EF") + _said("D.C. al Coda"),
                _said(sign="<coda/>") + _notes("GA"),
            ),
            "CDEFCDGA",
        ),
        (
            (  # a repeat that is not printed
                _notes("CD"),
                "<sound forward-repeat='yes'/>" + _notes("EF"),
                _notes("GA") + "<barline location='right'><repeat direction='backward'/></barline>",
            ),
            "CDEFGAEFGA",
        ),
    ],
)
def test_jumps_in_musicxml(measures: tuple[str, ...], played: str) -> None:
    reading = read_tunes(_xml(UNITS + measures[0], *measures[1:]), "t.musicxml")
    assert _played(reading.tunes[0]) == played
    assert not any("Jump" in remark or "marks left out" in remark for remark in reading.remarks)
    earlier = read_tunes(_xml(UNITS + measures[0], *measures[1:]), "t.musicxml", rules="4").tunes[0]
    assert not earlier.jumps, "works made before read as they did"


WHOLE = "C|DE F|!segno!GA B|:cd !coda!C|1DE F:|2GA !fine!B|cd !D.S.!C|!coda!DE F|]"


WRITTEN = (
    (WHOLE, "3/4", 5),
    ("C/|DE|FG|A !D.C.!C/|]", "2/4", 1),  # before the pick-up, in a last bar that is short
    ("C/|DE|FG!fine!|A|C !D.C.!C/|]", "2/4", 2),  # in a short bar after a short one
    ("C|DE F|G !segno!A|BA !fine!B|c !D.S.!C|]", "3/4", 3),  # a segno in a short bar
    ("C|DE F|G|AB !fine!C|DE F|G !D.C.!C|]", "3/4", 2),  # in a full bar after a short one
    ("C|DE F|G !coda!C|DE F|GA !D.C.!C|!coda!DE F|]", "3/4", 3),
    ("DE F|G[K:Ddor]A !segno!B|cd !fine!e|dc B !D.S.!|]", "3/4", 3),  # in a bar of three pieces
    ("C|DE F|GA !fine!B:|c|dc B|Ad !D.C.!|]", "4/4", 2),  # before a repeat sign in the bar
)


@pytest.mark.parametrize(
    ("body", "meter", "jumps", "suffix"),
    [
        *((*each, suffix) for each in WRITTEN for suffix in (".abc", ".musicxml")),
        (*WRITTEN[0], ".mxl"),  # the same MusicXML, packed
    ],
)
def test_jumps_are_written_back(body: str, meter: str, jumps: int, suffix: str) -> None:
    tune = _abc(body, meter)
    assert len(tune.jumps) == jumps
    again = read_tunes(by_suffix(suffix).to_bytes(tune), f"t{suffix}").tunes[0]
    for what in ("jumps", "repeats", "grid", "keys"):
        assert getattr(again, what) == getattr(tune, what)
    assert _played(again) == _played(tune)
    assert Tune.from_json(tune.to_json()) == tune


def test_jumps_are_shown_and_midi_plays_them_out() -> None:
    reading = read_tunes(b"X:1\nM:2/4\nL:1/4\nK:C\nCD !fine!|EF !D.C.!|]\n", "t.abc")
    heard = heard_in([("t.abc", reading)])
    assert any(line.endswith("E4 F4 (D.C.)") for line in heard_in_words(heard))
    assert heard_as_plain(heard)["tunes"][0]["jumps"][0] == {"start": "2", "sign": "Fine", "kind": "fine"}
    told = not_carried(reading.tunes, Path("t.mid"))
    assert told == ["MIDI has no D.C. or D.S.; jumps played out: 1."]
    (played,) = read_tunes(by_suffix(".mid").to_bytes(reading.tunes[0]), "t.mid").tunes
    assert [note.pitch for note in played.sounding] == [60, 62, 64, 65, 60, 62]


KERN = "**kern\n*M2/4\n*>[{}]\n*>A\n=1\n4c\n4d\n*>B\n=2\n4e\n4f\n*>C\n=3\n4g\n4a\n==\n*-\n"


@pytest.mark.parametrize(
    ("order", "played", "signs"),
    [
        ("A,B,C,A", "CDEFGACD", "Fine, D.C. al Fine"),
        ("A,A,B,B,C,A", "CDCDEFEFGACD", "Fine, D.C. al Fine"),
        ("A,B,C,B,C", "CDEFGAEFGA", None),  # a repeat
        ("A,B,C,B", "CDEFGAEF", "Segno, Fine, D.S. al Fine"),
    ],
)
def test_the_order_of_sections_in_kern(order: str, played: str, signs: str | None) -> None:
    (tune,) = read_tunes(KERN.format(order).encode(), "t.krn").tunes
    assert _played(tune) == played
    assert ", ".join(mark.name for mark in tune.jumps) == (signs or "")


def test_music21_plays_the_same() -> None:
    """Random scores, by the expander of music21 (`music21.repeat`)."""
    from music21 import musicxml, stream

    for seed in range(12):
        part = _random_part(random.Random(seed))
        score = stream.Score([part])
        content = musicxml.m21ToXml.GeneralObjectExporter(score).parse()
        (tune,) = read_tunes(content, "t.musicxml").tunes
        expected = [note.pitch.midi for note in part.expandRepeats().flatten().notes]
        assert [note.pitch for note in tune.unfolded().sounding] == expected, seed


def _random_part(rng: random.Random) -> Any:
    from music21 import bar, meter, note, repeat, stream

    count = rng.randint(6, 9)
    measures = [stream.Measure(number=number + 1) for number in range(count)]
    measures[0].append(meter.TimeSignature("2/4"))
    for number, measure in enumerate(measures):
        measure.append([note.Note(48 + 2 * number), note.Note(49 + 2 * number)])
    to, until = rng.choice(["DaCapo", "DalSegno"]), rng.choice(["", "AlFine", "AlCoda"])
    back = rng.randint(4, count - 2) if until == "AlCoda" else count - 1
    first, last = sorted((rng.randint(0, 2), rng.randint(0, 2)))
    measures[first].leftBarline, measures[last].rightBarline = (bar.Repeat("start"), bar.Repeat("end"))
    if to == "DalSegno":
        measures[rng.randint(0, 2)].insert(0, repeat.Segno())
    if until == "AlFine":
        measures[rng.randint(3, back - 1)].append(repeat.Fine())
    elif until:
        measures[rng.randint(2, back - 1)].append(repeat.Coda())
        measures[back + 1].insert(0, repeat.Coda())
    measures[back].append(getattr(repeat, to + until)())
    return stream.Part(measures)
