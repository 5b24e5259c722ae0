"""What is written is read back the same, by our reader and by others, and engraved pages look right."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product
from typing import Literal, get_args

import mido
import music21
import pytest
from random_tunes import random_tune

from studio.errors import Refused, Unreadable
from studio.music.reading.describing import heard_in
from studio.music.reading.readers import Readers
from studio.music.scores.bars import Repeat
from studio.music.scores.chords import CHORD_KINDS, ChordAt, parse_chord
from studio.music.scores.clefs import Clef
from studio.music.scores.keys import Key, KeyAt, pitch_name
from studio.music.scores.meters import Meter
from studio.music.scores.notes import Note
from studio.music.scores.scores import Part, Score
from studio.music.scores.tunes import Tune
from studio.music.scores.words import Syllable
from studio.music.writing.abc import write_abc
from studio.music.writing.beams import beam_groups
from studio.music.writing.engraving import (
    Lines,
    engrave,
    engrave_pages,
    line_breaks,
    names_collide,
    words_collide,
)
from studio.music.writing.formats import by_name, by_suffix
from studio.music.writing.midi import write_midi
from studio.music.writing.musicxml import write_musicxml
from studio.music.writing.notation import measures_of
from studio.music.writing.spelling import spell_line


def write(music: Tune | Score, suffix: str) -> bytes:
    return by_suffix(suffix).to_bytes(music)


SCALE = Tune.of(
    [
        (67, "1/2"),
        (69, "1/2"),
        (71, 1),
        (72, "3/2"),
        (74, "1/2"),
        (None, 1),
        (74, 3),
        (67, "1/3"),
        (66, "1/3"),
        (67, "1/3"),
        (67, 3),
    ],
    key="G",
    meter="4/4",
    title="Up & down",
    composer="A. Nonymous",
    chords=[(0, "G"), (4, "D7/F#")],
)


@pytest.mark.parametrize("suffix", [".mid", ".musicxml", ".abc"])
@pytest.mark.parametrize("seed", range(24))
def test_writing_then_reading_gives_the_same_tune(seed: int, suffix: str, readers: Readers) -> None:
    tune = random_tune(seed)
    content = write(tune, suffix)
    assert content == write(tune, suffix), "the same tune gives the same bytes"
    (again,) = readers.read(content, f"tune{suffix}").tunes
    assert again.notes == tune.notes
    assert again.grid == tune.grid
    assert again.chords == tune.chords
    assert (again.title, again.composer) == (tune.title, tune.composer)
    assert again.tempo == pytest.approx(tune.tempo, abs=1e-3)
    if suffix == ".mid":  # which knows signatures, and major and minor, but no other modes
        assert [(change.start, change.key.fifths) for change in again.keys] == [
            (change.start, change.key.fifths) for change in tune.keys
        ]
    else:
        assert again.keys == tune.keys


@pytest.mark.parametrize("suffix", [".musicxml", ".abc"])
def test_repeats_and_endings_come_back(suffix: str, readers: Readers) -> None:
    notes = [(67, "1/2"), *[(pitch, 2) for pitch in (60, 62, 64, 65, 67, 69)], (60, "3/2")]
    first_ending = Repeat(Fraction(1, 2), Fraction(17, 2), Fraction(13, 2))
    for repeats in (
        (first_ending,),
        (Repeat(Fraction(0), Fraction(9, 2)), Repeat(Fraction(9, 2), Fraction(14))),
    ):
        tune = Tune.of(notes, meter="2/4", pickup="1/2", repeats=repeats)
        (again,) = readers.read(write(tune, suffix), f"tune{suffix}").tunes
        assert again.repeats == repeats
        assert again.notes == tune.notes


def test_midi_plays_repeats_out_and_another_library_hears_the_same() -> None:
    tune = replace(SCALE, repeats=(Repeat(Fraction(0), Fraction(4)),))
    file = mido.MidiFile(file=io.BytesIO(write_midi(tune, program=40)))
    heard, now, began = [], 0, {}
    for message in file.tracks[1]:
        now += message.time
        if message.type == "note_on":
            began[message.note] = now
        elif message.type == "note_off":
            start = began.pop(message.note)
            heard.append(
                (
                    message.note,
                    Fraction(start, file.ticks_per_beat),
                    Fraction(now - start, file.ticks_per_beat),
                )
            )
    assert heard == [(note.pitch, note.start, note.duration) for note in tune.unfolded().sounding]
    assert [message.program for message in file.tracks[1] if message.type == "program_change"] == [40]
    meta = {message.type: message for message in file.tracks[0]}
    assert (meta["time_signature"].numerator, meta["time_signature"].denominator) == (4, 4)
    assert meta["key_signature"].key == "G"
    assert mido.tempo2bpm(meta["set_tempo"].tempo) == pytest.approx(120)
    assert file.length == pytest.approx(float(tune.unfolded().end) / 2)


def test_a_struck_again_note_ends_first() -> None:
    file = mido.MidiFile(file=io.BytesIO(write_midi(Tune.of([(60, 1), (60, 1)]))))
    kinds = [message.type for message in file.tracks[1] if message.type.startswith("note_")]
    assert kinds == ["note_on", "note_off", "note_on", "note_off"]


def test_musicxml_measures_are_full_and_values_add_up() -> None:
    for seed in range(24):
        tune = random_tune(seed)
        root = ET.fromstring(write_musicxml(tune))
        divisions = int(root.findtext(".//divisions") or 0)
        lengths = []
        for measure in root.iter("measure"):
            sounding = 0
            for note in measure.iter("note"):
                duration = int(note.findtext("duration") or 0)
                sounding += duration
                kind = note.findtext("type")
                if kind is None:
                    continue  # a rest of a whole bar
                plain = {"breve": 8, "whole": 4, "half": 2, "quarter": 1}.get(kind) or Fraction(
                    8, int(re.sub(r"\D", "", kind) or 8) * 2
                )
                looks = Fraction(plain) * (2 - Fraction(1, 2 ** len(note.findall("dot"))))
                actual, normal = note.findtext(".//actual-notes"), note.findtext(".//normal-notes")
                if actual and normal:
                    looks = looks * int(normal) / int(actual)
                assert looks == Fraction(duration, divisions), (
                    f"a {kind} that lasts {Fraction(duration, divisions)}"
                )
            lengths.append(Fraction(sounding, divisions))
        assert lengths == [bar.length for bar in tune.bars()]


def _look(tune: Tune) -> list[list[str]]:
    """Bars as one would dictate them: r2 is a half rest, c4. a dotted quarter, ~ a tie, (3 a triplet."""
    dictated = []
    for measure in measures_of(tune.score().parts[0], tune.score()):
        bar = []
        for note in measure.voices[0]:
            name = note.spelled[0][0].lower() if note.pitches else "r"
            tuplet = f"({note.tuplet[0]}" if note.tuplet else ""
            bar.append(
                f"{tuplet}{name}{Fraction(4) / note.value}{'.' * note.dots}{'~' if note.tie_out else ''}"
            )
        dictated.append(bar)
    return dictated


def test_notes_are_written_as_readers_expect_them() -> None:
    def look(lengths: list[int | str], meter: str = "4/4") -> list[list[str]]:
        return _look(Tune.of([(60, length) for length in lengths], meter=meter))

    assert look([4]) == [["c1"]]
    assert look(["3/2", "1/2", 2]) == [["c4.", "c8", "c2"]]
    assert look(["1/2", 1, "1/2", 2]) == [["c8", "c4", "c8", "c2"]], "a plain syncopation stays one note"
    assert look(["3/2", 1, "3/2"]) == [["c4.", "c8~", "c8", "c4."]], "the middle of the bar is shown"
    assert look(["5/2", "3/2"]) == [["c2~", "c8", "c4."]]
    assert look([3, 3]) == [["c2.", "c4~"], ["c2"]]
    assert look([3, "3/2", "3/2"], "6/8") == [["c2."], ["c4.", "c4."]]
    assert look([2, 1], "6/8") == [["c4.~", "c8", "c4"]], "the beats of 6/8 are shown"
    assert look(["1/3", "1/3", "1/3", "2/3", "1/3", 2]) == [["(3c8"] * 3 + ["(3c4", "(3c8", "c2"]]
    assert look(["2/3", "2/3", "2/3", 2]) == [["(3c4"] * 3 + ["c2"]]
    rests = Tune.of([(60, 1), (None, 3), (None, 4), (60, "1/2"), (None, "3/2"), (60, 2)])
    assert _look(rests) == [["c4", "r4", "r2"], ["r1"], ["c8", "r8", "r4", "c2"]]


def test_beams_follow_the_beats() -> None:
    def beams(lengths: list[str], meter: str) -> str:
        tune = Tune.of([(72, length) for length in lengths], meter=meter)
        marks = {"begin": "[", "continue": "-", "end": "]"}
        (measure,) = measures_of(tune.score().parts[0], tune.score())
        return "".join(marks[note.beams[0]] if note.beams else "." for note in measure.voices[0])

    assert beams(["1/2"] * 8, "4/4") == "[--][--]"
    assert beams(["1/2"] * 6, "3/4") == "[----]"
    assert beams(["1/2"] * 6, "6/8") == "[-][-]"
    assert beams(["1/4"] * 8, "2/4") == "[--][--]"
    assert beams(["1/2"] * 5, "5/8") == "[-][]"
    assert beams(["1/2"] * 7, "7/8") == "[][][-]"
    assert beams(["1/2", "1", "1/2", "1/2", "1/2", "1"], "4/4") == "...[]."
    for numerator, denominator in (
        (4, 4),
        (3, 4),
        (6, 8),
        (5, 8),
        (7, 8),
        (9, 8),
        (12, 8),
        (2, 2),
        (3, 2),
        (5, 4),
        (3, 8),
    ):
        meter = Meter(numerator, denominator)
        assert sum(beam_groups(meter)) == meter.bar_length


def test_a_line_is_spelled_as_a_musician_would() -> None:
    def names(pitches: list[int], key: str, chords: tuple[str, ...] = (), *, heard: bool = False) -> str:
        from studio.music.scores.chords import parse_chord

        own = [parse_chord(chord) for chord in chords]
        spelled = spell_line(pitches, Key.parse(key), own, heard=heard)
        return " ".join(
            letter + {1: "#", -1: "b", 0: "", 2: "##", -2: "bb"}[alter] for letter, alter, _ in spelled
        )

    assert names([62, 63, 64], "D") == "D D# E"
    assert names([64, 63, 62], "D") == "E Eb D"
    assert names([67, 66, 67], "C") == "G F# G"
    assert names([69, 68, 69], "Am") == "A G# A"
    assert names([60, 61, 60], "F") == "C Db C"
    assert names([67, 65, 66], "G") == "G F F#", "the lowered seventh stays lowered"
    assert names([76, 68, 71], "G", ("E", "E", "E")) == "E G# B", "the third of E is G#"
    # As composers write, in songs since 0.17.0.
    assert names([73, 72], "F", ("A7", "F"), heard=True) == "C# C", (
        "a tone of its chord, though it leads down"
    )
    assert names([76, 75], "Ab", ("C7", "Fm"), heard=True) == "E Eb", "no Fb over C7"
    assert names([71, 70, 71], "C", ("G7",) * 3, heard=True) == "B A# B", "a neighbour below is raised"
    assert names([76, 75, 74], "Am", ("E7",) * 3, heard=True) == "E Eb D", "what passes down is lowered"
    assert names([71, 73, 71], "C", ("E7",) * 3, heard=True) == "B C# B", "the sixth of E7 is C#"
    assert names([72, 71, 70], "F", ("F",) * 3, heard=True) == "C B Bb", "and no Cb"


def test_accidentals_hold_for_their_bar_and_no_longer() -> None:
    tune = Tune.of([(66, 1), (66, 1), (65, 1), (66, 1), (66, 1), (None, 3)], key="C", meter="4/4")
    root = ET.fromstring(write_musicxml(tune))
    signs = [note.findtext("accidental") for note in root.iter("note") if note.find("pitch") is not None]
    assert signs == ["sharp", None, "natural", "sharp", "sharp"]
    tied = Tune.of([(62, 3), (66, 2), (66, 3)], key="C", meter="4/4")
    signs = [note.findtext("accidental") for note in ET.fromstring(write_musicxml(tied)).iter("note")]
    assert signs == [None, "sharp", None, "sharp"], "none on a tied note, but again on the next"


def test_several_parts_and_chords_are_written_and_read(readers: Readers) -> None:
    melody = Part(
        tuple(Note(pitch, Fraction(start), Fraction(1)) for start, pitch in enumerate((72, 74, 76, 77))),
        "Melody",
        40,
    )
    both = Part(
        (
            Note(48, Fraction(0), Fraction(4)),
            Note(55, Fraction(0), Fraction(2)),
            Note(64, Fraction(0), Fraction(2)),
        ),
        "  Left\x07 hand ",
        0,
    )
    drums = Part((Note(36, Fraction(0), Fraction(1)),), "Drums", percussion=True)
    score = Score(
        (melody, both, drums), title="Three", length=Fraction(4), chords=(ChordAt(Fraction(0), "C"),)
    )
    for suffix in (".mid", ".musicxml"):
        reading = readers.read(write(score, suffix), "three" + suffix)
        assert [note.pitch for note in reading.tunes[0].sounding] == [72, 74, 76, 77]
        assert "'Melody'" in reading.remarks[0]
    root = ET.fromstring(write_musicxml(score))
    assert [each.text for each in root.iter("part-name")] == ["Melody", "Left hand", "Drums"]
    file = mido.MidiFile(file=io.BytesIO(write_midi(score)))
    channels = [
        {message.channel for message in track if message.type == "note_on"} for track in file.tracks[1:]
    ]
    assert channels == [{0}, {1}, {9}]
    assert b"<svg" in engrave(score)


def test_abc_is_what_a_player_of_abc_types() -> None:
    lines = write_abc(SCALE).decode().splitlines()
    assert lines[:7] == ["X:1", "T:Up & down", "C:A. Nonymous", "M:4/4", "L:1/8", "Q:1/4=120", "K:G"]
    assert lines[7] == '"G"GA B2 c3 d | "D7/F#"z2 d6 | (3:2:3GFG G6 |]'


@pytest.mark.parametrize("suffix", [".mid", ".musicxml", ".abc"])
def test_chords_that_begin_inside_a_held_note_come_back(suffix: str, readers: Readers) -> None:
    tune = Tune.of(
        [(60, 4), (None, 4), (62, "1/3"), (64, "2/3"), (65, 7)],
        chords=[(0, "C"), (2, "Am7"), (5, "F"), ("17/2", "G7"), (9, "C/E"), (10, "F#dim"), ("25/2", "G7")],
    )
    (again,) = readers.read(write(tune, suffix), f"tune{suffix}").tunes
    assert (again.notes, again.chords) == (tune.notes, tune.chords)


def test_abc_cuts_a_held_note_where_its_chord_begins() -> None:
    tune = Tune.of([(60, 4), (None, 4)], chords=[(0, "C"), (2, "Am7"), (6, "G")])
    assert write_abc(tune).decode().splitlines()[-1] == '"C"C4-"Am7"C4 | z4"G"z4 |]'


@pytest.mark.parametrize("suffix", [".musicxml", ".mxl", ".abc", ".svg"])
@pytest.mark.parametrize("length", ["1/512", "1/2048", "1/1536"])
def test_lengths_no_score_can_show_are_refused_in_a_sentence(length: str, suffix: str) -> None:
    with pytest.raises(Refused, match="shorter than any note a score can show"):
        write(Tune.of([(60, length), (62, 1)]), suffix)


def test_metronome_marks_count_what_musicians_count() -> None:
    for meter, unit, count in (
        ("4/4", "quarter", 120),
        ("6/8", "quarter.", 80),
        ("2/2", "half", 60),
        ("7/8", "eighth", 240),
    ):
        root = ET.fromstring(write_musicxml(Tune.of([(60, 1)], meter=meter, tempo=120)))
        mark = root.find(".//metronome")
        assert mark is not None
        shown = f"{mark.findtext('beat-unit')}{'.' * len(mark.findall('beat-unit-dot'))}"
        assert (shown, float(mark.findtext("per-minute") or 0)) == (unit, count)
        sound = root.find(".//sound")
        assert sound is not None
        assert sound.get("tempo") == "120"


def test_the_engraved_page_shows_every_note_in_its_colour() -> None:
    page = engrave(SCALE, {0: "#c1121f", 9: "#2a9d8f"})
    assert page == engrave(SCALE, {0: "#c1121f", 9: "#2a9d8f"})
    root = ET.fromstring(page)
    notes = [
        element
        for element in root.iter("{http://www.w3.org/2000/svg}g")
        if (element.get("class") or "").split(" ")[0] == "note"
    ]
    assert len(notes) == len([piece for piece in SCALE.split_at_bars() if piece.pitch is not None])
    text = page.decode()
    assert text.count("#c1121f") >= 1
    assert text.count("#2a9d8f") >= 1
    assert "Up &amp; down" in text
    narrow, wide = (
        float(re.search(r'width="(\d+)px"', engrave(SCALE, width=width).decode())[1]) for width in (500, 1500)
    )  # type: ignore[index]
    assert (narrow, wide) == (pytest.approx(500, abs=2), pytest.approx(1500, abs=2))


@pytest.mark.parametrize(("notes", "lines"), [(4, [8, 8]), (16, [4, 4, 4, 4])])
def test_lines_of_the_page_are_whole_phrases(notes: int, lines: list[int]) -> None:
    tune = Tune.of(
        [((60, 62, 64, 65)[place % 4], Fraction(4, notes)) for place in range(16 * notes)],
        meter=Meter.parse("4/4"),
    )
    systems = engrave(tune).decode().split('class="system"')[1:]
    assert [system.count('class="measure"') for system in systems] == lines


def test_no_bar_is_left_alone_on_the_last_line() -> None:
    tune = Tune.of([((60, 62, 64, 65)[place % 4], 1) for place in range(32)], meter=Meter.parse("4/4"))
    for width in range(600, 1300, 100):
        systems = engrave(tune, width=width).decode().split('class="system"')[1:]
        assert systems[-1].count('class="measure"') > 1, width


def test_an_engraved_tempo_is_a_whole_number_where_that_is_asked_for() -> None:
    tune = replace(SCALE, tempo=125 + 1 / 3)
    exactly, rounded = (engrave(tune, whole_tempo=whole).decode() for whole in (False, True))
    assert "125.333" in exactly
    assert "125.333" not in rounded
    assert re.search(r"\b125\b", rounded)


def test_chord_names_are_printed_as_musicians_write_them() -> None:
    """Accidentals are signs of verovio's font, told here by their code points."""
    written = {
        **{"D7sus4": "D7sus4", "G9sus4": "G9sus4", "Dsus4": "Dsus4", "C6/9": "C6/9", "Em(maj7)": "Em(maj7)"},
        **{"F#m7b5": "F♯m7(♭5)", "C7(#9,b13)": "C7(♯9♭13)", "C7#11": "C7(♯11)", "G7b9": "G7(♭9)"},
        **{"Bbmaj7/D": "B♭maj7/D", "Cadd9": "C(add9)", "C7(no3)": "C7(no3)", "Cmaj7": "Cmaj7"},
        **{"Em7b5/A#": "Em7(♭5)/B♭", "C7#11/F#": "C7(♯11)/F♯"},
    }
    chords = [(Fraction(4 * place), symbol) for place, symbol in enumerate(written)]
    tune = Tune.of([(60, 4)] * len(written), meter=Meter.parse("4/4"), chords=chords)
    printed = []
    for name in re.findall(r'class="harm">(.*?)</g>', engrave(tune, names=True).decode(), re.S):
        text = "".join(re.findall(r">([^<>\n]+)<", name))
        printed.append("".join({0xEA64: "♭", 0xEA66: "♯"}.get(ord(sign), sign) for sign in text))
    assert printed == list(written.values())
    assert write_musicxml(tune) == write_musicxml(tune, engraved=False)
    assert b'text="b5"' not in write_musicxml(tune)  # the exact degrees stay in what other programs read


def _is_a_chord(symbol: str) -> bool:
    with suppress(Unreadable):
        return parse_chord(symbol) is not None
    return False


@pytest.mark.parametrize("suffix", [".mid", ".musicxml", ".abc"])
def test_every_kind_of_chord_comes_back_with_every_degree(suffix: str, readers: Readers) -> None:
    """By the pitch classes that sound: a suspension has no third, also beside a seventh."""
    degrees = ("", "no3", "no5", "add2", "add4", "add9", "sus2", "sus4", "b5", "#5", "b9", "#9", "#11", "13")
    spelled = [
        f"C{kind.spellings[0]}{f'({degree})' if degree else ''}/E"
        for kind in CHORD_KINDS
        for degree in degrees
    ]
    symbols = [symbol for symbol in spelled if _is_a_chord(symbol)]
    assert len(symbols) > 200
    chords = [(Fraction(4 * place), symbol) for place, symbol in enumerate(symbols)]
    tune = Tune.of([(60, 4)] * len(symbols), meter=Meter.parse("4/4"), chords=chords)
    (again,) = readers.read(write(tune, suffix), f"tune{suffix}").tunes
    for before, after in zip(symbols, again.chords, strict=True):
        one, other = parse_chord(before), parse_chord(after.symbol)
        assert one is not None
        assert other is not None
        assert set(one.pitch_classes) == set(other.pitch_classes), f"{before} came back as {after.symbol}"


def test_sections_have_their_letter_and_a_double_bar_line() -> None:
    tune = Tune.of([(60, 4)] * 12, meter=Meter.parse("4/4"))
    plain, lettered = (
        engrave(tune, letters=letters).decode() for letters in (None, {1: "A", 5: "B", 9: "A"})
    )
    assert [svg.count('class="reh"') for svg in (plain, lettered)] == [0, 3]

    def doubled(svg: str) -> int:
        return sum(line.count("<path") == 2 for line in re.findall(r'class="barLine">(.*?)</g>', svg, re.S))

    assert doubled(lettered) == doubled(plain) + 2  # before B and before the second A


def test_the_letter_of_a_section_with_a_pickup_stands_above_that() -> None:
    """As those of others stand at the beginning of their lines, before the first chord name."""
    tune = Tune.of([(62, 1)] + [(67, 1)] * 32, pickup=1, chords=[(1, "Em"), (17, "C")])

    def lettered(lines: Literal["heard", "clear"]) -> list[int]:
        svg = engrave(tune, names=True, letters={1: "A", 5: "B"}, lines=lines).decode()
        bars = enumerate(svg.split('class="measure"')[1:])
        return [bar for bar, drawn in bars if re.search(">[AB]<", drawn)]

    assert lettered("heard") == [1, 5]
    assert lettered("clear") == [0, 5]


def test_a_key_with_the_signature_of_the_one_before_is_not_printed_again() -> None:
    def signatures(lines: Literal["heard", "clear"], *keys: str) -> int:
        changes = tuple(KeyAt(Fraction(8 * number), Key.parse(key)) for number, key in enumerate(keys))
        tune = replace(Tune.of([(60, 4)] * 6, meter=Meter.parse("4/4")), keys=changes)
        return engrave(tune, names=True, lines=lines).decode().count('class="keySig"')

    once = signatures("clear", "Cm")
    assert signatures("clear", "Cm", "Eb", "Cm") == once
    assert signatures("heard", "Cm", "Eb", "Cm") > once
    assert signatures("clear", "Cm", "C", "Eb") > once


def test_sections_begin_lines_and_only_crowded_lines_are_halved() -> None:
    words = [Syllable(Fraction(place, 2), "strong", "single") for place in range(16)]
    tune = Tune.of([(60, Fraction(1, 2))] * 16 + [(60, 4)] * 13, meter=Meter.parse("4/4"))
    letters = {1: "A", 6: "A", 11: "B"}
    for width, staff in ((760, 40), (400, 36)):
        sheet = replace(tune, words=tuple(words))
        svg = engrave(sheet, width=width, staff=staff, names=True, letters=letters).decode()
        lines = [line.count('class="measure"') for line in svg.split('class="system"')[1:]]
        begins = [1 + sum(lines[:number]) for number in range(len(lines))]
        assert set(letters) <= set(begins)
        assert sum(lines) == 15
        assert lines[0] == 1  # eight words in a bar
        assert lines[-2:] == [3, 2] if width == 760 else max(lines) >= 2
        assert width == 400 or not words_collide(svg)


def test_lines_are_about_equally_full_and_no_bar_stands_alone() -> None:
    """Four bars of many words and four without, twice: broken alike, with room for the words."""
    words = [
        Syllable(bar * 4 + Fraction(place, 2), text, part)
        for bar in (0, 1, 2, 3, 8, 9, 10, 11)
        for place, (text, part) in enumerate([("mem", "begin"), ("ry,", "end"), ("through", "single")] * 2)
    ]
    busy = [(60, Fraction(1, 2))] * 6 + [(60, 1)]
    tune = replace(Tune.of([*busy * 4, *[(62, 4)] * 4] * 2), words=tuple(words))
    letters = {1: "A", 9: "A"}
    now = engrave(tune, width=760, names=True, letters=letters, lines="printed").decode()

    def lines(svg: str) -> list[int]:
        return [line.count('class="measure"') for line in svg.split('class="system"')[1:]]

    assert lines(now)[: len(lines(now)) // 2] == lines(now)[len(lines(now)) // 2 :]
    assert 1 not in lines(now)
    assert sum(lines(now)) == 16
    assert not words_collide(now)
    printed, shown = (
        engrave(tune, width=400, staff=32, names=True, letters=letters, lines=how).decode()
        for how in ("printed", "shown")
    )
    assert len(lines(shown)) <= len(lines(printed))  # on a phone
    assert sum(lines(shown)) == 16
    assert not words_collide(shown)


def test_lines_are_broken_where_it_costs_least() -> None:
    def least(widths: list[float], room: float) -> float:
        """Of all ways to break them, by brute force: how far the least full line is from full."""
        ways = []
        for breaks in product((False, True), repeat=len(widths) - 1):
            edges = [0, *(n for n, cut in enumerate(breaks, 1) if cut), len(widths)]
            lines = [widths[a:b] for a, b in pairwise(edges)]
            if all(sum(line) <= 0.97 * room and len(line) in (2, 4) for line in lines):
                ways.append(sum(0.3 + 0.1 * (len(w) == 2) + (1 - sum(w) / room) ** 2 for w in lines))
        return min(ways)

    for widths in ([3.0] * 8, [2.0] * 8, [4.0, 2, 2, 2, 4, 1, 1, 1]):
        starts = line_breaks(widths, 10.0, (1,), 4)
        lines = [widths[a - 1 : b - 1] for a, b in pairwise([*starts, len(widths) + 1])]
        assert all(len(line) in (2, 4) for line in lines)
        cost = sum(0.3 + 0.1 * (len(w) == 2) + (1 - sum(w) / 10) ** 2 for w in lines)
        assert cost == pytest.approx(least(widths, 10.0))


def test_notes_have_room_whatever_is_written_above_them() -> None:
    """Sixteen notes a bar under one short chord name; as pictures of 0.9.0 had it, heads touched."""
    tune = Tune.of([(71, Fraction(1, 4))] * 128, chords=list(zip(range(0, 32, 4), "CFGCFGCF", strict=True)))

    def nearest(lines: Lines) -> int:
        page = engrave(tune, width=400, staff=36, names=True, letters={5: "B"}, lines=lines).decode()
        heads = re.findall(r'class="notehead">\s*<use [^>]*translate\((\d+),', page)
        return min(abs(int(b) - int(a)) for a, b in pairwise(heads))

    assert nearest("named") < HEAD < nearest("even")


HEAD = 217 * 1.2
"""About how wide a head is in the engraving's units, and a little."""


def test_pages_to_print_hold_every_bar_and_words_have_room() -> None:
    words = [Syllable(Fraction(place), "strong", "single") for place in range(16)]
    tune = Tune.of([(60, 1)] * 16 + [(60, 4)] * 60, meter=Meter.parse("4/4"))
    pages = [page.decode() for page in engrave_pages(replace(tune, words=tuple(words)))]
    assert len(pages) > 1
    assert sum(page.count('class="measure"') for page in pages) == 64
    assert not any(words_collide(page) for page in pages)
    first, *rest = [line.count('class="measure"') for line in pages[0].split('class="system"')[1:]]
    assert first < 4
    assert 4 in rest
    sung = (Part(tune.notes, "Voice", words=tuple(words)), Part(tune.notes, "Piano"))
    chords = tuple(ChordAt(Fraction(beat), "Dm7") for beat in range(16))
    score = [page.decode() for page in engrave_pages(Score(sung, tune.grid, chords=chords))]
    assert sum(page.count('class="measure"') for page in score) == 64
    assert not any(words_collide(page) or names_collide(page, 0.05) for page in score)


def test_the_tempo_stands_above_the_chord_names_and_a_held_syllable_is_slurred() -> None:
    """As in printed music; pictures by earlier rules stay as they were."""
    held = Syllable(Fraction(0), "love", extends=True)
    tune = Tune.of([(67, 1), (69, 3), (67, 4)], chords=[(0, "G"), (4, "C")])
    tune = replace(tune, words=(held, Syllable(Fraction(4), "me")))

    def looks(lines: Lines) -> tuple[bool, int]:
        svg = engrave(tune, names=True, letters={1: "A"}, lines=lines).decode()
        tempo = re.search(r'<text x="[-\d]+" y="(\d+)"[^>]*>(?:(?!</text>).)*120', svg, re.S)
        chord = re.search(r'class="harm">\s*<text x="[-\d]+" y="(\d+)"', svg)
        assert tempo is not None
        assert chord is not None
        return int(tempo[1]) < int(chord[1]), svg.count('class="slur"')

    assert looks("printed") == (True, 1)
    assert looks("even") == (False, 0)


@pytest.mark.parametrize("read", [False, True])
def test_a_syllable_held_inside_its_word_has_hyphens_and_the_last_an_extender(
    read: bool, readers: Readers
) -> None:
    """Gar-(-)den(_) sings: one extender, after "den", where there were two, and slurs over both. Hyphens fill
    the notes on which "gar" is held, also where the words come from a file. Earlier works stay as they were.
    """
    words = (
        Syllable(Fraction(0), "gar", "begin", extends=True),
        Syllable(Fraction(3), "den", "end", extends=True),
        Syllable(Fraction(5), "sings"),
    )
    tune = replace(Tune.of([(60 + 2 * (n % 3), 1) for n in range(8)]), words=words)
    if read:
        tune = readers.read(write_musicxml(tune), "tune.musicxml").tunes[0]
    xml = ET.fromstring(write_musicxml(tune, slurs=True))
    said = [note.findtext("lyric/text") for note in xml.iter("note") if note.find("lyric/extend") is not None]
    assert said == ["den"]
    assert len(list(xml.iter("slur"))) == 4
    assert b"w: gar- - - den _ sings" in write_abc(tune)
    for lines, hyphens in (("printed", True), ("shown", True), ("slurred", read)):
        gar = re.search(r">gar.*?</g>", engrave(tune, lines=lines).decode(), re.S)  # type: ignore[arg-type]
        assert gar is not None
        drawn = [int(width) for width in re.findall(r'<rect [^>]*width="(\d+)"', gar[0])]
        assert (len(drawn) > 2 and max(drawn) < 150) == hyphens
    if not read:
        assert write_musicxml(tune, hyphens=False).count(b"<extend") == 2
        assert b"w: gar- _ _ den _ sings" in write_abc(tune, hyphens=False)


def test_the_engraver_says_nothing_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """A short score has no line breaks, which Verovio warned of in every way of breaking lines."""
    notes = [(60 + number, Fraction(1)) for number in range(16)]
    tune = Tune.of(notes, meter=Meter.parse("4/4"), key=Key(0), chords=[(Fraction(0), "C")])
    for lines in get_args(Lines):
        engrave(tune, names=True, lines=lines)
    engrave_pages(tune)
    assert capfd.readouterr() == ("", "")


def test_pages_are_engraved_in_any_thread() -> None:
    """A server engraves in any of its threads: fonts are found in all of them, and pages are equal."""
    with ThreadPoolExecutor(1) as elsewhere:
        assert elsewhere.submit(engrave, SCALE).result() == engrave(SCALE)


def test_what_cannot_be_written_is_refused() -> None:
    with pytest.raises(Refused, match="tuplets"):
        write_midi(Tune.of([(60, Fraction(1, length)) for length in (7, 11, 13, 17, 19, 23)]))
    with pytest.raises(Refused, match="pixels wide"):
        engrave(SCALE, width=3)
    assert pitch_name(60) == "C4"


@pytest.mark.parametrize(
    ("name", "program", "pitch", "clef"),
    [
        ("Viola", 41, 55, "AltoClef"),
        ("Violas", 45, 55, "AltoClef"),
        ("Cello", 42, 50, "BassClef"),
        ("Cello", 42, 62, "TenorClef"),
        ("Violin", 40, 56, "TrebleClef"),
        ("Clarinet", 71, 53, "TrebleClef"),
        ("Flute", 73, 58, "TrebleClef"),
        ("Tenor sax", 66, 52, "TrebleClef"),
        ("Bassoon", 70, 50, "BassClef"),
        ("Guitar", 25, 55, "Treble8vbClef"),
        ("Double bass", 43, 33, "Bass8vbClef"),
        ("Piccolo", 72, 90, "Treble8vaClef"),
        ("Tenor", 0, 56, "Treble8vbClef"),
        ("Tenor", 19, 56, "BassClef"),
        ("Left hand", 0, 50, "BassClef"),
    ],
)
def test_instruments_are_written_in_their_clefs(name: str, program: int, pitch: int, clef: str) -> None:
    part = Part((Note(pitch, Fraction(0), Fraction(4)),), name, program)
    score = music21.converter.parseData(write_musicxml(Score((part,))).decode(), format="musicxml")
    (read,) = score.recurse().getElementsByClass("Clef")
    assert type(read).__name__ == clef
    assert score.recurse().notes.first().pitch.midi == pitch


@pytest.mark.parametrize(
    "clef", [Clef("C", 3), Clef("C", 1), Clef("F", 3), Clef("G", 2, -1), Clef("F", 4, -1)]
)
@pytest.mark.parametrize("form", ["musicxml", "mxl", "abc"])
def test_the_clef_of_a_file_is_kept(clef: Clef, form: str, readers: Readers) -> None:
    notes = (Note(60, Fraction(0), Fraction(4)),)
    one, two = (Score((Part(notes, "Line", clef=clef), *more)) for more in ((), (Part(notes, "Other"),)))
    for score in (one, two):
        content = by_name(form).to_bytes(score)
        read = readers.read(content, f"a.{form}", parts=True)
        (whole,) = heard_in([("a", read)]).whole()
        assert isinstance(whole, Score)
        assert whole.parts[0].clef == clef
        assert [note.pitch for note in whole.parts[0].notes] == [60]
        assert Part.from_plain(whole.parts[0].to_plain()) == whole.parts[0]


CELLO = r"""X:1
M:4/4
L:1/4
V:1 name="Cello" clef=bass
K:C
C,D,E,F,|G,A,[K:clef=tenor]Bc|d4-|d2[V:clef=treble]ef|
[V:1 clef=bass]C,4|G,2 z2&E,[K:clef=tenor]F,G,A,|C,4|]
"""


@pytest.mark.parametrize("form", ["musicxml", "mxl", "abc"])
def test_clefs_that_change_inside_a_part_are_kept(form: str, readers: Readers) -> None:
    def part_of(content: bytes, name: str) -> Part:
        (whole,) = heard_in([("a", readers.read(content, name, parts=True))]).whole()
        assert isinstance(whole, Score)
        return whole.parts[0]

    part = part_of(CELLO.encode(), "cello.abc")
    written = by_name(form).to_bytes(Score((part,)))
    again = part_of(written, f"a.{form}")
    assert again.notes == part.notes
    assert (again.clef, again.clef_changes) == (part.clef, part.clef_changes)
    assert Part.from_plain(part.to_plain()) == part
    if form == "musicxml":
        score = music21.converter.parseData(written.decode(), format="musicxml")
        signs = score.recurse().getElementsByClass("Clef")
        assert [(type(each).__name__, each.getOffsetInHierarchy(score)) for each in signs] == [
            ("BassClef", 0), ("TenorClef", 6), ("TrebleClef", 14), ("BassClef", 16), ("TenorClef", 21),
        ]  # fmt: skip
        page = engrave(Score((part,))).decode()
        drawn = re.findall(r'class="clef">\s*<use xlink:href="#(E07\w)', page)
        assert drawn == ["E07B", "E07A", "E07C", "E07B"]  # SMuFL: clefs of C, G, F and C that change


def test_clefs_are_where_they_were_when_repeats_are_played_out(readers: Readers) -> None:
    text = CELLO.replace("C,D,E,F,|G,A,", "|:C,D,E,F,|G,A,").replace("d4-|", "d4:|").replace("|d2[", "|e2[")
    (score,) = heard_in([("a", readers.read(text.encode(), "a.abc", parts=True))], played=True).scores
    changes = [(each.start, each.clef.sign, each.clef.line) for each in score.parts[0].clef_changes]
    assert changes[:3] == [(6, "C", 4), (12, "F", 4), (18, "C", 4)]


def test_chord_names_do_not_run_into_each_other() -> None:
    long = ["F#m7b5", "B7b9", "Emaj7", "Am7b5", "D7sus4", "Gm7/F", "C13b9", "Fmaj7#11"] * 4
    tune = Tune.of([(67, 1)] * 32, key="F", chords=list(enumerate(long)))
    assert not names_collide(engrave(tune).decode())
    for width, lines in ((400, "printed"), (760, "printed"), (400, "shown"), (760, "shown")):
        assert not names_collide(engrave(tune, width=width, staff=36, names=True, lines=lines).decode(), 0.05)
    names = [(beat, ("Cmaj7/B", "Am", "Dm7", "G7")[beat % 4]) for beat in range(32)]
    said = ((0, "Gives"), (2, "thanks"), (3, "for"))
    sung = [Syllable(Fraction(4 * bar + beat), text) for bar in range(8) for beat, text in said]
    held = replace(Tune.of([(67, 2), (65, 1), (67, 1)] * 8, chords=names), words=tuple(sung))
    for how, near in (("printed", True), ("apart", False), ("shown", False)):  # a space is between them
        assert names_collide(engrave(held, names=True, lines=how).decode(), 0.1) == near  # type: ignore[arg-type]
    assert b"sus4(add7)" not in engrave(Tune.of([(67, 4)], chords=[(0, "Dsus4(add7)")]), lines="even")
    assert engrave(tune).count(b'class="system"') > 2
    short = Tune.of([(67, 1)] * 32, key="F", chords=[(bar * 4, "F") for bar in range(8)])
    assert not names_collide(engrave(short).decode())


def test_words_have_room_in_lines_of_at_most_four_bars(readers: Readers) -> None:
    bars = "X: 1\nM: 4/4\nL: 1/4\nK: F\n" + "FGAB|" * 16 + "\n"
    (tune,) = readers.read((bars + "w: " + "gold be-low the " * 16 + "\n").encode(), "sung.abc").tunes
    lines = engrave(tune).split(b'class="system"')[1:]
    assert all(line.count(b'class="measure"') <= 4 for line in lines)
    assert sum(line.count(b'class="measure"') for line in lines) == 16
