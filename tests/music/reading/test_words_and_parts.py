"""Words stand under the notes they are printed under, and all parts of a score are kept, in every format."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import mido
import pytest
from click.testing import CliRunner

from benchmarks.round_trips import Tally, compare, read
from studio.cli import commands
from studio.music.reading.budget import Reading
from studio.music.reading.describing import heard_in
from studio.music.reading.readers import read_tunes
from studio.music.scores.notes import Note
from studio.music.scores.performance import Performance, PlayedNote, PlayedPart
from studio.music.scores.scores import ControlAt, Part, Score, TempoAt
from studio.music.scores.sections import Section, sections_of
from studio.music.scores.tunes import Tune
from studio.music.writing.formats import by_suffix
from studio.music.writing.midi import write_midi

FORMATS = ("musicxml", "mxl", "abc", "mid")

HYMN = r"""X:1
T:A hymn
C:One
C:Another
M:3/4
L:1/4
Q:1/4=90
V:S1 name="Soprano" clef=treble
V:A1 name="Alto"
V:T1 name="Tenor" clef=bass
V:B1 name="Bass" clef=bass
K:G
[V:S1] "G"D|:!p!G2 (B/G/)|B2 A|1 "D7"G2-G:|2 d3||
w: 1.~A-|maz- ing *|grace! how sweet |the
w: 2.~'Twas|grace that taught|my heart|_ to|
[V:A1] D|:D3-|[D-G]2 [DF]|1 B,2-B,:|2 B3||
[V:T1] B,|:B,2 B,|G,>F, G,|1 G,2-G,:|2 G,3||
w: *|Bells * and|drums
[V:B1] z|:G,,2 G,,& x2 B,,|(3D,E,F, D,|1 G,,2-G,,:|2 G,,3||
[V:S1] G3|]
w: end
[V:A1] D3|]
[V:T1] B,3|]
[V:B1] G,,3|]
W: 3. Another verse
W:
W: of 100\% caf\'e
"""


def _hymn() -> Reading:
    return read_tunes(HYMN.encode(), "hymn.abc", parts=True)


def _sung(body: str, *lines: str) -> list[str]:
    """place:verse:text of the words under some music in C, with - + _ for the words that go on."""
    text = f"X:1\nM:4/4\nL:1/4\nK:C\n{body}\n" + "".join(f"w:{line}\n" for line in lines)
    marks = {"begin": "-", "middle": "+", "end": "=", "single": ""}
    return [
        f"{word.start}:{word.verse}:{word.text}{marks[word.syllabic]}{'_' * word.extends}"
        for word in read_tunes(text.encode(), "t.abc").tunes[0].words
    ]


@pytest.mark.parametrize(
    ("body", "lines", "words"),
    [
        # ABC 2.1, section 5.1, and its own examples.
        ("CDEF|", ["doh re mi fa"], ["0:1:doh", "1:1:re", "2:1:mi", "3:1:fa"]),
        ("C D E F|", ["syll-a-ble_"], ["0:1:syll-", "1:1:a+", "2:1:ble=_"]),
        ("C D E F|", ["time_ after * day"], ["0:1:time_", "2:1:after"]),
        ("C D E F|", ["syll-a--ble"], ["0:1:syll-", "1:1:a+", "3:1:ble="]),
        ("C D E F|", ["of~the day\\-break \\*a\\_b"], ["0:1:of the", "1:1:day-break", "2:1:*a_b"]),
        # "|" goes on to the next bar, also where the bar is full already.
        ("C D E F|G A B c|", ["a b | c"], ["0:1:a", "1:1:b", "4:1:c"]),
        ("C D E F|G A B c|", ["a b c d | e"], ["0:1:a", "1:1:b", "2:1:c", "3:1:d", "4:1:e"]),
        ("|:C D E F|G A B c:|", ["a | | b"], ["0:1:a"]),
        # Rests and grace notes have no syllable; a tied note is two, a chord is one.
        ("C z {e}E F|", ["a b c"], ["0:1:a", "2:1:b", "3:1:c"]),
        ("C2-|C E [CE]|", ["a * b c"], ["0:1:a", "3:1:b", "4:1:c"]),
        ("C2-|C E|", ["a_ b"], ["0:1:a", "3:1:b"]),
        # Lines one after the other are verses; an empty one counts.
        ("C D|", ["a b", "c d"], ["0:1:a", "0:2:c", "1:1:b", "1:2:d"]),
        ("C D|", ["", "c d"], ["0:2:c", "1:2:d"]),
        # Words go on in the next line, and under several lines of music where one is too short.
        ("C D|\nw: glo- ri-\nE F|", ["a"], ["0:1:glo-", "1:1:ri+", "2:1:a="]),
        ("C D|\nE F|", ["a b c d"], ["0:1:a", "1:1:b", "2:1:c", "3:1:d"]),
        ("C D\\\nE F|", ["a b c d"], ["0:1:a", "1:1:b", "2:1:c", "3:1:d"]),
        ("C D|\n0 E F|", ["a b"], ["2:1:a", "3:1:b"]),
        ("C D E|", ["Glo - ri - a"], ["0:1:Glo-", "1:1:ri+", "2:1:a="]),
        ("C D E|", ["a\n+: b c"], ["0:1:a", "1:1:b", "2:1:c"]),
        ("C D|", ["caf\\'e &eacute; a%b"], ["0:1:café", "1:1:é"]),
    ],
)
def test_words_of_abc(body: str, lines: list[str], words: list[str]) -> None:
    assert _sung(body, *lines) == words


def test_more_words_than_notes_are_counted() -> None:
    reading = read_tunes(b"X:1\nM:4/4\nL:1/4\nK:C\nCD|\nw:a b c d\n", "t.abc")
    assert "Syllables left out because their line has fewer notes: 2." in reading.remarks


def test_four_voices_are_kept_with_their_words() -> None:
    reading = _hymn()
    (tune,), (parts,) = reading.tunes, reading.parts
    assert [part.name for part in parts] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert tune.composer == "One; Another"
    assert tune.text == ("3. Another verse", "", "of 100% café")
    soprano, alto, tenor, bass = parts
    assert soprano.notes == tune.sounding
    assert soprano.words == tune.words
    # The D is held from bar to bar and through two chords.
    held = [(note.pitch, note.start, note.duration) for note in alto.notes[1:4]]
    assert held == [(62, 1, 6), (67, 4, 2), (66, 6, 1)]
    assert [note.duration for note in tenor.notes[3:6]] == [Fraction(3, 2), Fraction(1, 2), 1]
    assert [word.text for word in tenor.words] == ["Bells", "and", "drums"]
    assert [(note.pitch, note.start) for note in bass.notes[:4]] == [(43, 1), (43, 3), (47, 3), (50, 4)]
    assert [word.text for word in tune.words if word.verse == 2][:4] == [
        "2. 'Twas",
        "grace",
        "that",
        "taught",
    ]
    assert "Ornaments, dynamics and other marks left out: 1." in reading.remarks


@pytest.mark.parametrize("format", FORMATS)
def test_a_hymn_comes_back_from_every_format(format: str) -> None:
    tally = Tally()
    compare(_hymn(), format, tally)
    assert (tally.same, tally.shown, tally.refused) == (1, [], {})


def test_repeats_sing_one_verse_each_time() -> None:
    score = _hymn().tunes[0].in_parts(_hymn().parts[0])
    (again,) = read(by_suffix(".mid").to_bytes(score), "h.mid")
    soprano = again.parts[0][0]
    sung = " ".join(word.text for word in soprano.words)
    assert sung.startswith("1. A maz ing grace! how sweet grace that taught")


def test_a_score_is_told_and_converted_with_all_its_parts(tmp_path: Path) -> None:
    hymn = tmp_path / "hymn.abc"
    hymn.write_text(HYMN)

    def told(path: Path, *more: str) -> dict[str, object]:
        result = CliRunner().invoke(commands, ["read", str(path), "--json", *more])
        return dict(json.loads(result.output)["tunes"][0])

    first = told(hymn)
    parts = first["parts"]
    assert isinstance(parts, list)
    assert [(part["name"], len(part["notes"]), len(part["words"])) for part in parts] == [
        ("Soprano", 9, 15),
        ("Alto", 7, 0),
        ("Tenor", 9, 3),
        ("Bass", 10, 0),
    ]
    assert parts[0]["notes"][0] == {"start": "0", "duration": "1", "pitch": 62, "word": "1. A"}
    assert first["text"] == ["3. Another verse", "", "of 100% café"]
    out = tmp_path / "out.musicxml"
    told(hymn, "-o", str(out))
    assert told(out)["parts"] == parts
    converted = CliRunner().invoke(commands, ["read", str(hymn), "-o", str(tmp_path / "out.mid")])
    assert converted.stdout.strip() == str(tmp_path / "out.mid")
    assert converted.stderr.splitlines()[-3:] == [
        "All 4 parts were written.",
        "MIDI holds one verse; syllables of other verses left out: 7.",
        "MIDI has no repeat signs; repeats played out: 1.",
    ]
    played = told(hymn, "--played")["parts"]
    assert isinstance(played, list)
    assert len(played[0]["notes"]) == 14


VOICES = """<score-partwise><part-list><score-part id="P1">
<part-name>Choir</part-name></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>1</divisions><time><beats>2</beats>
<beat-type>4</beat-type></time><staves>2</staves></attributes>
{0}<backup><duration>2</duration></backup>{1}<backup><duration>2</duration></backup>{2}</measure>
<measure number="2">{0}<backup><duration>2</duration></backup>{1}</measure></part></score-partwise>"""


def _note(step: str, voice: int, staff: int, length: int = 2, more: str = "") -> str:
    pitch = f"<pitch><step>{step}</step><octave>4</octave></pitch>"
    lyric = "" if more else f"<lyric><text>{step.lower()}</text></lyric>"
    return (
        f"<note>{more}{pitch}<duration>{length}</duration><voice>{voice}</voice><staff>{staff}</staff>{lyric}"
        "</note>"
    )


def test_voices_and_staves_of_musicxml_are_parts() -> None:
    chord = _note("G", 1, 1) + _note("B", 1, 1, more="<chord/>")
    xml = VOICES.format(chord, _note("E", 2, 1), _note("C", 5, 2, 1) + _note("D", 5, 2, 1))
    reading = read_tunes(xml.encode(), "v.xml", parts=True)
    assert {part.name: [note.pitch for note in part.notes] for part in reading.parts[0]} == {
        "Choir, staff 1 (1)": [67, 71, 67, 71],
        "Choir, staff 1 (2)": [64, 64],
        "Choir, staff 2": [60, 62],
    }
    assert [[word.text for word in part.words] for part in reading.parts[0]] == [
        ["g", "g"],
        ["e", "e"],
        ["c", "d"],
    ]
    for format in FORMATS:
        tally = Tally()
        compare(reading, format, tally)
        assert tally.shown == [], format


def _rest(length: int, voice: int) -> str:
    return f"<note><rest/><duration>{length}</duration><voice>{voice}</voice></note>"


@pytest.mark.parametrize("format", FORMATS)
def test_words_that_go_on_under_a_second_voice_stay_there(format: str) -> None:
    upper = _rest(6, 1) + _note("D", 1, 1, 1) + _rest(1, 1)
    lower = _note("C", 2, 1, 6) + _rest(1, 2) + _note("E", 2, 1, 1)
    whole = _note("G", 1, 1, 8)
    meter = "<time><beats>4</beats><beat-type>4</beat-type></time>"
    attributes = f"<attributes><divisions>2</divisions>{meter}</attributes>"
    parts = {
        "Soprano": [attributes + whole, whole, whole],
        "Tenor": [attributes + whole, whole, f"{upper}<backup><duration>8</duration></backup>{lower}"],
    }
    listed = "".join(f'<score-part id="{name}"><part-name>{name}</part-name></score-part>' for name in parts)
    bodies = "".join(
        f'<part id="{name}">{"".join(f"<measure>{each}</measure>" for each in measures)}</part>'
        for name, measures in parts.items()
    )
    xml = f"<score-partwise><part-list>{listed}</part-list>{bodies}</score-partwise>"
    reading = read_tunes(xml.encode(), "two.xml", parts=True)
    tenor = reading.parts[0][1]
    assert [(word.start, word.text) for word in tenor.words][2:] == [
        (8, "c"),
        (11, "d"),
        (Fraction(23, 2), "e"),
    ]
    tally = Tally()
    compare(reading, format, tally)
    assert tally.shown == []


def test_a_tune_without_parts_is_read_as_before() -> None:
    assert read_tunes(HYMN.encode(), "hymn.abc").parts == ()
    assert read_tunes(HYMN.encode(), "hymn.abc").tunes == _hymn().tunes
    tune = Tune.from_json(_hymn().tunes[0].to_json())
    assert tune == _hymn().tunes[0]


@pytest.mark.parametrize("format", FORMATS)
def test_a_key_that_changes_inside_a_bar_stays_there(format: str) -> None:
    text = "X:1\nM:2/4\nL:1/4\nK:C\nC|DE|F|[K:G]G|AB|c2|]\n"
    tally = Tally()
    compare(read_tunes(text.encode(), "k.abc", parts=True), format, tally)
    assert tally.shown == []


ACCOMPANIED = """X:1
T:Accompanied
M:4/4
L:1/4
V:Piano clef=treble
V:Song clef=treble
V:Drums clef=perc
K:C
[V:Piano] [ceg]2 [cfa]2|[dgb]2 [dgb]2|[ceg]2 [ceg]2|[ceg]4|]
[V:Song] CDEF|G2-G2|EFED|C4|]
w: Who sings here to-day; the ve-ry last time.
[V:Drums] A,,A,,A,,A,,|A,,A,,A,,A,,|A,,A,,A,,A,,|A,,A,,A,,A,,|]
"""


def test_the_melody_is_the_part_that_is_sung() -> None:
    reading = read_tunes(ACCOMPANIED.encode(), "s.abc", parts=True)
    (tune,) = reading.tunes
    assert [note.pitch for note in tune.sounding] == [60, 62, 64, 65, 67, 64, 65, 64, 62, 60]
    assert [part.percussion for part in reading.parts[0]] == [False, False, True]
    for format in FORMATS:
        tally = Tally()
        compare(reading, format, tally)
        assert tally.shown == [], format


def test_a_work_made_before_keeps_the_melody_it_was_made_from() -> None:
    (before,) = read_tunes(ACCOMPANIED.encode(), "s.abc", rules="2").tunes
    assert [note.pitch for note in before.sounding] == [79, 81, 83, 83, 79, 79, 79]


def test_a_soprano_keeps_the_melody_where_the_words_stand_below_the_alto() -> None:
    text = "X:1\nM:4/4\nL:1/4\nK:C\nV:1\ncdef|g4|]\nV:2\nEFGA|B4|]\nw: Sung be-low both staves.\n"
    (tune,) = read_tunes(text.encode(), "h.abc").tunes
    assert [note.pitch for note in tune.sounding] == [72, 74, 76, 77, 79]
    assert [word.text for word in tune.words] == ["Sung", "be", "low", "both", "staves."]


def test_words_of_another_part_come_as_they_are_sung_there() -> None:
    """Two syllables under a tied note of the part that is sung are both in the melody that borrows them."""
    text = (
        "X:1\nM:4/4\nL:1/4\nK:C\nV:1\nc4|d4|e4|f4|g4|a4|b4|c'4|]\nV:2\nC4|D2-D2|\nw: Car-na-tion;\n"
        "V:3\nEFGA|EFGA|EFGA|EFGA|]\n"
    )
    (tune,) = read_tunes(text.encode(), "h.abc").tunes
    assert [(str(word.start), word.text) for word in tune.words] == [("0", "Car"), ("4", "nation;")]


def test_figures_of_a_bass_are_not_sung() -> None:
    text = "X:1\nM:4/4\nL:1/4\nK:C\nV:1\ncdef|g4|]\nV:2\nC,2D,2|E,4|]\nw: 6 6 5\n"
    (tune,) = read_tunes(text.encode(), "f.abc").tunes
    assert tune.sounding[0].pitch == 72


def test_endings_named_in_quotes_and_brackets_that_never_end() -> None:
    """abcm2ps prints ["2-9" as an ending; it is no chord that swallows the rest of the tune."""
    text = 'X:1\nM:4/4\nL:1/4\nK:C\n|:CDEF|["1"G4:|["2-3"A4|c4:|[d2 e2|]\n'
    (tune,) = read_tunes(text.encode(), "e.abc").tunes
    assert [note.pitch for note in tune.sounding] == [60, 62, 64, 65, 67, 69, 72, 74, 76]
    (repeat,) = tune.repeats
    assert [ending.passes for ending in repeat.written()] == [(1,), (2, 3)]
    assert repeat.end == 16


MARKED = """X:1
T:In three parts
M:4/4
L:1/4
Q:1/4=120
K:C
P:Verse one
cdef|gfed|
P:B & C
[Q:1/4=90]cegc|[K:G]d2f2|
[P:Coda]g4|]
"""


@pytest.mark.parametrize("format", FORMATS)
def test_sections_and_tempi_come_back_from_every_format(format: str) -> None:
    reading = read_tunes(MARKED.encode(), "marked.abc", parts=True)
    (score,) = heard_in([("marked.abc", reading)]).scores
    assert score.sections == (Section("Verse one", 1, 2), Section("B & C", 3, 2), Section("Coda", 5, 1))
    assert score.tempo_changes == (TempoAt(Fraction(8), 90.0),)
    tally = Tally()
    compare(reading, format, tally)
    assert (tally.same, tally.shown, tally.refused) == (1, [], {})


def test_sections_are_read_by_others() -> None:
    import music21
    import pretty_midi

    reading = read_tunes(MARKED.encode(), "marked.abc", parts=True)
    (score,) = heard_in([("", reading)]).scores
    read = music21.converter.parseData(by_suffix(".musicxml").to_bytes(score).decode(), format="musicxml")
    marks = [
        (each.content, each.measureNumber) for each in read.recurse().getElementsByClass("RehearsalMark")
    ]
    assert marks == [("Verse one", 1), ("B & C", 3), ("Coda", 5)]
    assert [b for _, _, b in read.metronomeMarkBoundaries()][-1].getQuarterBPM() == 90
    times, tempi = pretty_midi.PrettyMIDI(io.BytesIO(by_suffix(".mid").to_bytes(score))).get_tempo_changes()
    assert (list(times), [round(each) for each in tempi]) == ([0.0, 4.0], [120, 90])


def test_sections_of_repeats_are_played_again() -> None:
    text = "X:1\nM:4/4\nL:1/4\nK:C\nP:A\n|:cdef|P:B\ngfed:|\n".replace("|P:B", "|\nP:B")
    reading = read_tunes(text.encode(), "again.abc", parts=True)
    (played,) = heard_in([("", reading)], played=True).scores
    assert [(each.name, each.first_bar, each.bars) for each in played.sections] == [
        ("A", 1, 1), ("B", 2, 1), ("A", 3, 1), ("B", 4, 1),
    ]  # fmt: skip


def test_rehearsal_letters_of_midi_are_sections() -> None:
    """Markers A, B, C, as sequencers write them."""
    tune = replace(read_tunes(MARKED.encode(), "m.abc").tunes[0], chords=())
    written = by_suffix(".mid").to_bytes(replace(tune.score(), sections=sections_of([("A", 2), ("B", 3)])))
    as_markers = written.replace(b"\xff\x07\x01", b"\xff\x06\x01").replace(b"\x90\x48\x5a", b"\x90\x48\x5b")
    reading = read_tunes(as_markers, "foreign.mid", parts=True)
    (score,) = heard_in([("", reading)]).scores
    assert [(each.name, each.first_bar, each.bars) for each in score.sections] == [("A", 1, 2), ("B", 3, 3)]


def test_velocities_of_midi_are_kept() -> None:
    import pretty_midi

    (tune,) = read_tunes(MARKED.encode(), "m.abc").tunes
    hard = [40 + 3 * number if number % 3 else 90 for number in range(len(tune.sounding))]
    notes = [replace(note, velocity=each) for note, each in zip(tune.sounding, hard, strict=True)]
    score = replace(tune.score(), parts=(Part(tuple(notes), velocity=90),))
    reading = read_tunes(by_suffix(".mid").to_bytes(score), "struck.mid", parts=True)
    (again,) = heard_in([("", reading)]).scores
    assert [note.velocity or again.parts[0].velocity for note in again.parts[0].notes] == hard
    written = pretty_midi.PrettyMIDI(io.BytesIO(by_suffix(".mid").to_bytes(again)))
    assert [note.velocity for note in written.instruments[0].notes] == hard


def _mido_controls(content: bytes) -> dict[int, list[tuple[float, int, int]]]:
    """Channel -> (place in quarter notes, controller, value), as mido reads them; -1 is the program."""
    midi = mido.MidiFile(file=io.BytesIO(content))
    found: dict[int, list[tuple[float, int, int]]] = {}
    for track in midi.tracks:
        now = 0
        for event in track:
            now += event.time
            if event.type == "control_change":
                change = (now / midi.ticks_per_beat, event.control, event.value)
                found.setdefault(event.channel, []).append(change)
            elif event.type == "program_change":
                found.setdefault(event.channel, []).append((now / midi.ticks_per_beat, -1, event.program))
    return found


def _converted(content: bytes, format: str = ".mid") -> bytes:
    heard = heard_in([("a", read_tunes(content, "a", parts=True))])
    return by_suffix(Path(f"x{format}")).to_bytes(heard.whole()[0])


@pytest.mark.parametrize("parts", [1, 2])
def test_controllers_come_back_from_midi(parts: int) -> None:
    midi = mido.MidiFile(ticks_per_beat=96)
    mixer = mido.MidiTrack([mido.Message("control_change", channel=0, control=91, value=33)])
    midi.tracks.append(mixer)
    for channel in range(parts):
        events: list[mido.Message] = [
            mido.Message("control_change", channel=channel, control=0, value=1),
            mido.Message("program_change", channel=channel, program=73),
            mido.Message("control_change", channel=channel, control=7, value=80 + channel),
            mido.Message("control_change", channel=channel, control=10, value=30),
        ]
        for beat in range(8):
            pedal = 127 * (beat % 2)
            events += [
                mido.Message("control_change", channel=channel, control=64, value=pedal),
                mido.Message("note_on", channel=channel, note=72 + beat, velocity=70),
                mido.Message("control_change", channel=channel, control=11, value=90 + beat, time=32),
                mido.Message("note_off", channel=channel, note=72 + beat, time=64),
            ]
        midi.tracks.append(mido.MidiTrack(events))
    saved = io.BytesIO()
    midi.save(file=saved)
    before, after = _mido_controls(saved.getvalue()), _mido_controls(_converted(saved.getvalue()))
    assert {channel: sorted(each) for channel, each in after.items()} == {
        channel: sorted(each) for channel, each in before.items()
    }
    assert [number for _, number, _ in after[0]][:2] == [0, -1]  # the bank before the program
    through = _mido_controls(_converted(_converted(saved.getvalue(), ".musicxml")))
    assert [each for each in through[parts - 1] if each[1] in (-1, 7, 10)] == [
        (0, -1, 73),
        (0, 7, 79 + parts),
        (0, 10, 30),
    ]


def test_pitch_bends_come_back_from_midi() -> None:
    """Read by mido before and after: every bend, and the parameter that says how far it goes, at its tick."""
    midi = mido.MidiFile(ticks_per_beat=960)
    track = mido.MidiTrack([mido.Message("program_change", channel=3, program=26)])
    for number, value in ((101, 0), (100, 0), (6, 12), (38, 0)):
        track.append(mido.Message("control_change", channel=3, control=number, value=value))
    for beat in range(8):
        track += [
            mido.Message("note_on", channel=3, note=60 + beat, velocity=70),
            mido.Message("pitchwheel", channel=3, pitch=977 * beat - 4000, time=317),
            mido.Message("aftertouch", channel=3, value=9 * beat, time=11),
            mido.Message("pitchwheel", channel=3, pitch=8191, time=302),
            mido.Message("pitchwheel", channel=3, pitch=0),
            mido.Message("note_off", channel=3, note=60 + beat, time=330),
        ]
    midi.tracks.append(track)
    saved = io.BytesIO()
    midi.save(file=saved)

    def sent(content: bytes) -> list[tuple[float, str]]:
        read = mido.MidiFile(file=io.BytesIO(content))
        found: list[tuple[float, str]] = []
        for each in read.tracks:
            ticks = 0
            for message in each:
                ticks += message.time
                if message.type in ("pitchwheel", "aftertouch", "control_change"):
                    own = message.copy(channel=0, time=0) if message.type != "note" else message
                    found.append((ticks / read.ticks_per_beat, str(own)))
        return found

    before = sent(saved.getvalue())
    assert len(before) == 4 + 4 * 8
    assert sent(_converted(saved.getvalue())) == before
    (part,) = read_tunes(saved.getvalue(), "bend.mid", parts=True).parts[0]
    assert Part.from_plain(part.to_plain()) == part


def test_the_mix_of_a_band_comes_back() -> None:
    notes = tuple(Note(60 + beat, Fraction(beat), Fraction(1)) for beat in range(8))
    score = Score((Part(notes, "Flute", 73), Part(notes[:4], "Drums", percussion=True)))
    played = [PlayedNote(note.start / 2, 0.5, note.pitch or 0, 80) for note in notes]
    mixed = Performance(
        score,
        (
            PlayedPart("Flute", tuple(played), 73, level=-6, pan=-0.5, reverb=0.4),
            PlayedPart("Drums", tuple(played[:4]), percussion=True, level=3),
        ),
    )
    content = write_midi(mixed)
    assert _mido_controls(content)[0] == _mido_controls(_converted(content))[0]
    assert [each for each in _mido_controls(content)[9] if each[1] != -1] == _mido_controls(
        _converted(content)
    )[9]


def test_controllers_stand_at_a_repeat_as_they_stood_there() -> None:
    changes = (ControlAt(Fraction(0), 7, 80), ControlAt(Fraction(6), 7, 20))
    part = Part((Note(60, Fraction(0), Fraction(8)),), controls=changes)
    bars = [(0, Fraction(0), Fraction(4)), (0, Fraction(4), Fraction(8)), (0, Fraction(4), Fraction(8))]
    assert [(int(each.start), each.value) for each in part.played(bars).controls] == [
        (0, 80),
        (6, 20),
        (8, 80),
        (10, 20),
    ]


TEMPI = r"""X:1
M:4/4
L:1/4
Q:1/4=100
V:1 name="Voice"
V:2 name="Cello" clef=bass
K:C
V:1
C/-[Q:1/4=90]C/|"C"C2-[Q:1/4=96]C"G7"D|\
(3[Q:1/4=84]CD[Q:1/4=80]E [K:D]D-D/-[Q:1/4=60][r:tempo 7/240 of a quarter note later]D/|\
[M:3/4][K:F]_E2-[Q:1/4=72]E|]
w:be *|gin * ning|all o-ver now * *|
V:2
C,|C,3 D,|C,2 [K:D]D,2|[M:3/4][K:F]_E,3|]
"""


@pytest.mark.parametrize("format", FORMATS)
def test_tempi_keys_and_meters_stay_where_they_are_to_the_tick(format: str) -> None:
    reading = read_tunes(TEMPI.encode(), "tempi.abc", parts=True)
    (score,) = heard_in([("tempi.abc", reading)]).scores
    places = ["1/2", "3", "5", "19/3", "2047/240", "11"]
    assert [str(each.start) for each in score.tempo_changes] == places
    tally = Tally()
    compare(reading, format, tally)
    assert (tally.same, tally.shown, tally.refused) == (1, [], {})

    def scores(content: bytes, suffix: str) -> tuple[Score, ...]:
        return heard_in([("", read_tunes(content, f"tempi{suffix}", parts=True))]).scores

    (other,) = scores(by_suffix(f".{format}").to_bytes(score), f".{format}")
    back = by_suffix(".abc").to_bytes(other)
    (again,) = scores(back, ".abc")
    assert [str(each.start) for each in again.tempo_changes] == places
    assert [part.notes for part in again.parts] == [part.notes for part in score.parts]
    assert (again.chords, again.keys, again.grid) == (score.chords, score.keys, score.grid)
    assert [(each.start, each.text) for each in again.parts[0].words] == [
        (each.start, each.text) for each in score.parts[0].words
    ]
    # Other programs know no lengths but halves of halves.
    lengths = re.findall(r"[A-Ga-gz][,']*\d*/(\d+)", back.decode())
    assert {int(each) for each in lengths} <= {2, 4, 8, 16}


def test_a_tempo_in_words_alone_is_told() -> None:
    reading = read_tunes(b'X:1\nQ:"Allegro"\nM:4/4\nL:1/4\nK:C\nCDEF|\n', "a.abc")
    assert reading.tunes[0].tempo == 120
    assert [each for each in reading.remarks if "Allegro" in each] == [
        "The tempo 'Allegro' has no number and was left out; write it like Q:\"Allegro\" 1/4=120."
    ]
