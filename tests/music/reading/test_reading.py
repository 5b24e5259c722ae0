"""Files of every format, written by other programs or by hand, give the tune they hold."""

from __future__ import annotations

import io
import re
import sys
import zipfile
from fractions import Fraction

import pytest

from studio.errors import Unreadable
from studio.music.reading.budget import ReadingBudget
from studio.music.reading.key_finding import estimate_key
from studio.music.reading.pieces import pieces
from studio.music.reading.readers import Readers, read_tunes
from studio.music.scores.bars import Repeat
from studio.music.scores.keys import Key
from studio.music.scores.tunes import Tune
from studio.music.styles.table import music21_corpus
from studio.music.writing.musicxml import write_musicxml


def _shown(tune: Tune) -> list[tuple[int | None, str]]:
    return [(note.pitch, str(note.duration)) for note in tune.notes]


def _abc(body: str, key: str = "C", meter: str = "4/4", more: str = "") -> Tune:
    (tune,) = read_tunes(
        f"X:1\nT:A tune\n{more}M:{meter}\nL:1/8\nK:{key}\n{body}\n".encode(), "tune.abc"
    ).tunes
    return tune


# ABC
# ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "lengths"),
    [
        ("A2 A A/2 A/ A// A3/2 A4|", "1 1/2 1/4 1/4 1/8 3/4 2"),
        ("A>B A<B A>>B A2>B2|", "3/4 1/4 1/4 3/4 7/8 1/8 3/2 1/2"),
        ("(3ABc (3A2B2c2 (5ABcde (3:2:4ABcd|", "1/3 1/3 1/3 2/3 2/3 2/3 1/5 1/5 1/5 1/5 1/5 1/3 1/3 1/3 1/3"),
        ('(3{d}ABc A>"4"B A"Am">B|', "1/3 1/3 1/3 3/4 1/4 3/4 1/4"),
        ("[ceg]2 z2 x2 A-A|A|", "1 2 1 1/2"),
        ("A2-|A2 A2-|A2-|A2|", "2 3"),
        ("Z2|A8|", "8 4"),
        ("A4 & c4|B4|", "2 2"),
    ],
)
def test_abc_lengths(body: str, lengths: str) -> None:
    assert " ".join(str(note.duration) for note in _abc(body).notes) == lengths


@pytest.mark.parametrize(
    ("body", "key", "pitches"),
    [
        ("C D E c c' C, ^F _B =B", "C", [60, 62, 64, 72, 84, 48, 66, 70, 71]),
        ("F C f | ^G G | G =F F | F", "D", [66, 61, 78, 68, 68, 67, 65, 65, 66]),
        ("F B", "Gm", [65, 70]),
        ("F", "Ador", [66]),
        ("G A", "EM", [67, 69]),
        ("^f4-|f4 f4", "C", [78, 77]),
        ("C [K:A] C [M:3/4] G", "C", [60, 61, 68]),
        ("F", "none", [65]),
        ("F c", "HP", [66, 73]),
        ("__B ^^F", "C", [69, 67]),
    ],
)
def test_abc_pitches(body: str, key: str, pitches: list[int]) -> None:
    assert [note.pitch for note in _abc(body, key).sounding] == pitches


def test_abc_repeats_chords_and_bars() -> None:
    tune = _abc('D|"G"GABc d4|"Am7"e4 d3 D:|"C"c4 "what?"B4|1 "^slow"A4 G4:|2 A4 d4|]', "G")
    assert tune.pickup == Fraction(1, 2)
    assert tune.repeats == (
        Repeat(Fraction(0), Fraction(17, 2)),
        Repeat(Fraction(17, 2), Fraction(33, 2), Fraction(25, 2)),
    )
    assert [(str(chord.start), chord.symbol) for chord in tune.chords] == [
        ("1/2", "G"),
        ("9/2", "Am7"),
        ("17/2", "C"),
    ]
    reading = read_tunes(b'X:1\nK:G\n"what?"GABc "Bad"d4|', "t.abc")
    assert "Chord symbols that could not be read and were left out (1): 'Bad'." in reading.remarks


def test_abc_voices_and_fields() -> None:
    text = (
        "X:7\nT:Two\nC:Trad.\nQ:3/8=100\nM:C|\nL:1/4\nK:Bb clef=bass\nV:1 name=Bass\nB,,4|\n"
        'V:2 name="Melody"\nB4|\nw:la\n'
    )
    reading = read_tunes(text.encode(), "two.abc")
    tune = reading.tunes[0]
    assert [note.pitch for note in tune.sounding] == [70]
    assert (str(tune.meter), tune.key, tune.tempo, tune.composer) == ("2/2", Key.parse("Bb"), 150, "Trad.")
    assert reading.remarks == ("The melody was taken from 'Melody', one of 2 parts.",)


def test_a_tunebook_gives_all_its_tunes_and_names_what_it_could_not_read(readers: Readers) -> None:
    book = (
        b"M:6/8\nL:1/8\n\nX:1\nT:One\nK:D\nDEF|\n\nX:2\nT:No key\nDEF|\n\n"
        b"X:3\nT:Three\nK:G\nGAB|\n\nX:4\nK:G\nz6|\n"
    )
    reading = readers.read(book, "book.abc")
    assert [(tune.title, tune.id, str(tune.meter)) for tune in reading.tunes] == [
        ("One", "book.abc#1", "6/8"),
        ("Three", "book.abc#3", "6/8"),
    ]
    assert [each.name for each in reading.unread] == ["book.abc#4"]
    assert "no notes" in reading.unread[0].reason


def test_abc_agrees_with_music21_where_that_is_right() -> None:
    """music21 loses lengths around grace notes and quoted text, and forgets accidentals after a dot, so tunes
    without these must agree.
    """
    from music21 import converter

    from studio.music.reading.music21_streams import tunes_of

    plain = []
    for path in sorted((music21_corpus() / "ryansMammoth").glob("*.abc")):
        text = path.read_text("utf-8", "replace")
        body = text.partition("\nK:")[2].partition("\n")[2]
        if not re.search(r'["{!=^_]|\(\d?\(|-|\.|::|[<>][uvT~]', body):
            plain.append((path.name, text))
    assert len(plain) > 30
    for name, text in plain[::6]:
        ours = read_tunes(text.encode(), name).tunes[0]
        theirs = tunes_of(converter.parseData(text, format="abc"), name, ReadingBudget()).tunes[0]
        assert ours.notes == theirs.notes, name
        assert (ours.key, ours.meter, ours.pickup) == (theirs.key, theirs.meter, theirs.pickup), name


# MusicXML
# ------------------------------------------------------------------------------------------------------------


def _note(step: str, octave: int, duration: int, more: str = "", rest: bool = False) -> str:
    pitch = "<rest/>" if rest else f"<pitch><step>{step}</step><octave>{octave}</octave></pitch>"
    return f"<note>{pitch}<duration>{duration}</duration><voice>1</voice>{more}</note>"


def _xml(*parts: tuple[str, str], mode: str = "") -> bytes:
    meter = "<time><beats>4</beats><beat-type>4</beat-type></time>"
    head = f"<attributes><divisions>6</divisions><key><fifths>0</fifths>{mode}</key>{meter}</attributes>"
    listed = "".join(
        f'<score-part id="P{i}"><part-name>{name}</part-name></score-part>'
        for i, (name, _) in enumerate(parts)
    )
    played = "".join(
        f'<part id="P{i}"><measure number="1">{head}{music}</measure></part>'
        for i, (_, music) in enumerate(parts)
    )
    score = f'<score-partwise version="4.0"><part-list>{listed}</part-list>{played}</score-partwise>'
    return f'<?xml version="1.0"?>{score}'.encode()


def test_musicxml_tuplets_graces_chords_and_ties(readers: Readers) -> None:
    triplet = (
        "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>"
    )
    music = (
        "<harmony><root><root-step>B</root-step><root-alter>-1</root-alter></root><kind>major-seventh</kind>"
        "<bass><bass-step>D</bass-step></bass></harmony>"
        "<note><grace/><pitch><step>B</step><octave>4</octave></pitch><voice>1</voice></note>"
        + _note("C", 5, 2, triplet)
        + _note("D", 5, 2, triplet)
        + _note("E", 5, 2, triplet)
        + _note("F", 4, 6)
        + "<note><chord/><pitch><step>A</step><octave>4</octave></pitch><duration>6</duration>"
        + "<voice>1</voice></note>"
        + _note("G", 4, 6, "").replace("<voice>", '<tie type="start"/><voice>')
        + _note("G", 4, 3, "").replace("<voice>", '<tie type="stop"/><voice>')
        + _note("", 0, 3, rest=True)
    )
    for content in (_xml(("", music)), _mxl(_xml(("", music)))):
        reading = readers.read(content, "x.mxl")
        assert _shown(reading.tunes[0]) == [
            (72, "1/3"),
            (74, "1/3"),
            (76, "1/3"),
            (69, "1"),
            (67, "3/2"),
            (None, "1/2"),
        ]
        assert [chord.symbol for chord in reading.tunes[0].chords] == ["Bbmaj7/D"]
        assert reading.remarks == (
            "Grace notes left out: 1.",
            "Chords reduced to their top note: 1.",
        )


def _mxl(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "META-INF/container.xml",
            '<container><rootfiles><rootfile full-path="in/s.xml"/></rootfiles></container>',
        )
        archive.writestr("in/s.xml", content)
    return packed.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_musicxml_is_read_in_any_encoding(encoding: str, readers: Readers) -> None:
    text = _xml(("Röhrl", _note("C", 4, 24))).decode()
    text = text.replace(
        "?>",
        f' encoding="{encoding.removesuffix("-sig")}"?><work><work-title>Frühling</work-title></work>',
        1,
    )
    text = re.sub(r"(<work>.*?</work>)(<score-partwise[^>]*>)", r"\2\1", text)
    for content in (text.encode(encoding), _mxl(text.encode(encoding))):
        (tune,) = readers.read(content, "spring.xml").tunes
        assert (tune.title, tune.sounding[0].pitch) == ("Frühling", 60)


def test_the_melody_is_the_part_named_like_one_or_else_the_highest(readers: Readers) -> None:
    low, high = "".join(_note("C", 4, 6) for _ in range(4)), "".join(_note("C", 6, 6) for _ in range(4))
    for names, octave in ((("Piano", "Flute"), 84), (("Voice", "Flute"), 60)):
        reading = readers.read(_xml((names[0], low), (names[1], high)), "duo.musicxml")
        assert {note.pitch for note in reading.tunes[0].sounding} == {octave}
        assert reading.remarks[0].endswith("one of 2 parts.")


def test_a_minor_tune_marked_as_major_is_recognised(readers: Readers) -> None:
    pitches = "ABCEACBA"
    music = "".join(_note(step, 4, 3) for step in pitches)
    for mode, expected in (
        ("<mode>major</mode>", "A minor"),
        ("", "A minor"),
        ("<mode>dorian</mode>", "D dorian"),
    ):
        assert str(readers.read(_xml(("", music), mode=mode), "m.xml").tunes[0].key) == expected
    ours = Tune.of([(69, 1), (71, 1), (60, 1), (69, 1)], key="C")
    assert readers.read(write_musicxml(ours), "ours.musicxml").tunes[0].key == Key(0), (
        "what we wrote ourselves is meant"
    )


def test_fermatas_mark_where_phrases_end(readers: Readers) -> None:
    reading = readers.read((music21_corpus() / "bach" / "bwv66.6.mxl").read_bytes(), "bwv66.6.mxl")
    tune = reading.tunes[0]
    assert (tune.pickup, str(tune.key), str(tune.meter)) == (1, "F# minor", "4/4")
    assert [float(place) for place in tune.phrase_ends] == [4, 8, 12, 20, 28, 36] or len(
        tune.phrase_ends
    ) >= 5
    assert all(place in {note.end for note in tune.notes} for place in tune.phrase_ends)


# Humdrum
# ------------------------------------------------------------------------------------------------------------


def test_kern_gives_its_top_voice(readers: Readers) -> None:
    kern = (
        "!!!OTL: Kyrie\n**kern\t**kern\n*Ibass\t*Isoprn\n*M4/4\t*M4/4\n*k[f#]\t*k[f#]\n*G:\t*G:\n=1\t=1\n"
        "1GG\t4g\n.\t8a\n.\t8b\n.\t2dd\n=2\t=2\n1D\t6cc\n.\t6b\n.\t6a\n.\t2r\n==\t==\n*-\t*-\n"
    )
    (tune,) = readers.read(kern.encode(), "kyrie.krn").tunes
    assert _shown(tune) == [
        (67, "1"),
        (69, "1/2"),
        (71, "1/2"),
        (74, "2"),
        (72, "2/3"),
        (71, "2/3"),
        (69, "2/3"),
        (None, "2"),
    ]
    assert (str(tune.meter), tune.key) == ("4/4", Key(1))


def test_the_melodys_column_gives_what_the_whole_file_gives() -> None:
    """Read by the studio, and by music21 with and without the other voices."""
    from music21 import converter

    from studio.music.reading.kern import top_spine
    from studio.music.reading.kern_plain import read_plain
    from studio.music.reading.music21_streams import tunes_of

    for path in sorted((music21_corpus() / "palestrina").glob("*.krn"))[10::600]:
        text = path.read_text("latin-1")
        alone = top_spine(text)
        assert len(alone) < len(text) / 2
        one, whole = (
            tunes_of(converter.parseData(each, format="humdrum"), path.name, ReadingBudget()).tunes[0]
            for each in (alone, text)
        )
        assert (one.notes, one.grid, one.keys) == (whole.notes, whole.grid, whole.keys)
        plain = read_plain(alone, path.name, ReadingBudget())
        assert plain is not None
        assert plain.tunes == (one,)
    assert read_plain(alone.replace("*M4/2", "*M4/2\n*MM120"), "a", ReadingBudget()) is None
    assert read_plain(alone.replace("2d", "3d"), "a", ReadingBudget()) is None, "not plain"
    split = "**kern\t**kern\n4c\t*^\n4d\t4e\t4f\n*-\t*-\t*-\n"
    assert top_spine(split) == split, "columns that split are left alone"


# Keys
# ------------------------------------------------------------------------------------------------------------


def test_keys_are_estimated_from_notes() -> None:
    """Fiddle tunes that are printed in a major or minor key: most are told right, without their signature and
    with it.
    """
    blind = seeing = asked = 0
    for path in sorted((music21_corpus() / "ryansMammoth").glob("*.abc"))[::9]:
        tune = read_tunes(path.read_bytes(), path.name).tunes[0]
        if tune.mode in ("major", "minor"):
            asked += 1
            blind += estimate_key(tune.notes) == tune.key
            seeing += estimate_key(tune.notes, tune.key.fifths) == tune.key
    assert asked > 80
    assert blind / asked > 0.85
    assert seeing / asked > 0.85
    assert estimate_key(()) == Key(0)


# Processes
# ------------------------------------------------------------------------------------------------------------


def test_a_file_that_takes_too_long_is_stopped_and_the_next_is_read() -> None:
    long = _xml(("", _note("C", 4, 24) * 30_000))
    with Readers(1, ReadingBudget(seconds=1.5)) as readers:
        with pytest.raises(Unreadable, match="took longer than 2 seconds"):
            readers.read(long, "long.musicxml", rules="1")  # music21 is slow enough
        readers.budget = ReadingBudget(seconds=60)
        assert len(readers.read(_xml(("", _note("C", 4, 24))), "short.xml").tunes) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its memory limit")
def test_memory_is_bounded() -> None:
    words = (
        "<direction><direction-type><words>" + "la " * 12_000_000 + "</words></direction-type></direction>"
    )
    fat = _mxl(_xml(("", words + _note("C", 4, 24))))
    with Readers(1, ReadingBudget(seconds=60, memory=180 << 20)) as readers:
        with pytest.raises(Unreadable, match="more memory than the 180 MB"):
            readers.read(fat, "fat.mxl")
        assert len(readers.read(_xml(("", _note("C", 4, 24))), "thin.xml").tunes) == 1


def test_several_processes_keep_the_order() -> None:
    todo = [
        piece
        for number in range(12)
        for piece in pieces(f"X:1\nT:{number}\nK:C\n{'C' * (number + 1)}|".encode(), f"{number}.abc")
    ]
    with Readers(2) as readers:
        found = [(piece.name, len(reading.tunes[0].notes)) for piece, reading in readers.read_pieces(todo)]  # type: ignore[union-attr]
    assert found == [(f"{number}.abc", number + 1) for number in range(12)]
