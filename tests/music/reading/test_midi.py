"""MIDI files of other programs give the notes that were written, whatever way they were played or packed."""

from __future__ import annotations

import io
import random
import re
import struct
from dataclasses import replace
from fractions import Fraction
from math import floor
from pathlib import Path

import mido
import pytest
from random_tunes import random_tune

from studio.errors import Unreadable
from studio.music.reading.encodings import decode, guess_encoding
from studio.music.reading.midi import read_midi
from studio.music.reading.readers import read_tunes
from studio.music.scores.tunes import Tune
from studio.music.scores.words import Syllable
from studio.music.styles.table import music21_corpus
from studio.music.writing.midi import write_midi

DATA = Path(__file__).parents[2] / "data" / "midi"


def _shown(tune: Tune) -> list[tuple[int | None, str]]:
    return [(note.pitch, str(note.duration)) for note in tune.notes]


def _midi(
    played: list[tuple[int, float, float]], channel: int = 0, ticks: int = 480, **meta: object
) -> bytes:
    """Written by mido. played: (pitch, start, end) in quarter notes."""
    file = mido.MidiFile(ticks_per_beat=ticks)
    track = mido.MidiTrack()
    file.tracks.append(track)
    for kind, value in meta.items():
        track.append(mido.MetaMessage(kind, **value))  # type: ignore[arg-type]
    moments = [(round(start * ticks), 1, pitch) for pitch, start, _ in played] + [
        (round(end * ticks), 0, pitch) for pitch, _, end in played
    ]
    now = 0
    for tick, on, pitch in sorted(moments):
        track.append(
            mido.Message(
                "note_on" if on else "note_off",
                note=pitch,
                velocity=80 * on,
                time=tick - now,
                channel=channel,
            )
        )
        now = tick
    packed = io.BytesIO()
    file.save(file=packed)
    return packed.getvalue()


def test_midi_of_another_program_is_read_exactly() -> None:
    played = [(60, 0, 1), (64, 1, 4 / 3), (65, 4 / 3, 5 / 3), (67, 5 / 3, 2), (72, 3, 4)]
    content = _midi(
        played,
        time_signature={"numerator": 3, "denominator": 4},
        key_signature={"key": "Bbm"},
        set_tempo={"tempo": 500_000},
        marker={"text": "Bbm7"},
    )
    reading = read_tunes(content, "theirs.mid")
    tune = reading.tunes[0]
    assert _shown(tune) == [(60, "1"), (64, "1/3"), (65, "1/3"), (67, "1/3"), (None, "1"), (72, "1")]
    assert (str(tune.meter), str(tune.key), tune.tempo, tune.chords[0].symbol) == (
        "3/4",
        "Bb minor",
        120,
        "Bbm7",
    )
    assert reading.remarks == ()


def test_played_midi_is_moved_to_a_grid_and_a_remark_says_how_far() -> None:
    rng = random.Random(4)
    written, here = [], Fraction(0)
    for length in (
        [Fraction(1, 2)] * 6
        + [Fraction(1, 4)] * 4
        + [Fraction(1)] * 3
        + [Fraction(1, 2)] * 4
        + [Fraction(1, 3)] * 6
        + [Fraction(2)]
    ):
        written.append((rng.randint(60, 80), here, here + length))
        here += length
    shifts = [rng.uniform(-0.06, 0.06) if start else 0.0 for _, start, _ in written]
    played = [
        (pitch, float(start) + shift, float(end) - 0.03)
        for (pitch, start, end), shift in zip(written, shifts, strict=True)
    ]
    reading = read_tunes(_midi(played, ticks=960), "played.mid")
    tune = reading.tunes[0]
    assert [(note.pitch, note.start) for note in tune.sounding] == [
        (pitch, start) for pitch, start, _ in written
    ]
    assert [note.end for note in tune.sounding][:-1] == [end for _, _, end in written][:-1]
    said = next(remark for remark in reading.remarks if "played, not written" in remark)
    mean, most = (float(number) for number in re.findall(r"by (\d\.\d+) .* and (\d\.\d+)", said)[0])
    assert mean == pytest.approx(
        sum(abs(shift) for shift in shifts if shift) / sum(map(bool, shifts)), abs=2e-3
    )
    assert most == pytest.approx(max(map(abs, shifts)), abs=2e-3)


def test_drums_are_no_melody_and_a_missing_key_is_estimated() -> None:
    scale = [(pitch, place, place + 1) for place, pitch in enumerate([67, 69, 71, 72, 74, 71, 66, 67])]
    reading = read_tunes(
        _midi([(pitch, float(start), float(end)) for pitch, start, end in scale]), "nokey.mid"
    )
    assert str(reading.tunes[0].key) == "G major"
    assert "No key is given; judging by the notes it is G major." in reading.remarks
    with pytest.raises(Unreadable, match="only drums"):
        read_tunes(_midi([(36, 0, 1)], channel=9), "drums.mid")


# Notes as they were written
# ------------------------------------------------------------------------------------------------------------


def _variable(number: int) -> bytes:
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(0x80 | number & 0x7F)
    return bytes(reversed(digits))


def _file(*tracks: bytes, form: int = 1, division: int = 480) -> bytes:
    head = b"MThd" + struct.pack(">IHHH", 6, form, len(tracks), division)
    return head + b"".join(b"MTrk" + struct.pack(">I", len(track)) + track for track in tracks)


def _track(events: list[tuple[int, bytes]], end: int = 0) -> bytes:
    """events: (ticks from the beginning, message)."""
    body, now = b"", 0
    for ticks, message in [*sorted(events, key=lambda event: event[0]), (end, b"\xff\x2f\x00")]:
        body += _variable(max(0, ticks - now)) + message
        now = max(now, ticks)
    return body


def _sound(pitch: int, start: int, end: int, channel: int = 0) -> list[tuple[int, bytes]]:
    return [(start, bytes([0x90 | channel, pitch, 80])), (end, bytes([0x80 | channel, pitch, 64]))]


def _text(kind: int, text: bytes) -> bytes:
    return bytes([0xFF, kind]) + _variable(len(text)) + text


FOUR = [event for place in range(4) for event in _sound(60 + 2 * place, 480 * place, 480 * place + 480)]


def _performed(tune: Tune, division: int, gate: float, blur: float = 0.0, rounding: object = round) -> bytes:
    """A tune as a program plays it. gate: the share of its length for which a note is held. blur: how far
    its start is off, in quarter notes (standard deviation).
    """
    rng = random.Random(division)
    ticks = floor if rounding is floor else round
    events: list[tuple[int, bytes]] = []
    for change in tune.grid.meters:
        start = change.start
        if start == 0 and tune.pickup:
            first = bytes([int(tune.pickup * 4), 4, 24, 8])
            events.append((0, _text(0x58, first)))
            start = tune.pickup
        sign = bytes([change.meter.numerator, change.meter.denominator.bit_length() - 1, 24, 8])
        events.append((ticks(start * division), _text(0x58, sign)))
    offs: list[tuple[int, bytes]] = []
    last = -1
    for note in tune.sounding:
        on = ticks((float(note.start) + (rng.gauss(0, blur) if blur and note.start else 0)) * division)
        last = on = max(on, last + 1)
        off = on + max(1, ticks(float(note.duration) * gate * division))
        assert note.pitch is not None
        events.append((on, bytes([0x90, note.pitch, 80])))
        offs.append((off, bytes([0x80, note.pitch, 64])))
    return _file(_track(offs + events), form=0, division=division)


def _fiddle_tunes() -> list[Tune]:
    files = sorted((music21_corpus() / "ryansMammoth").glob("*.abc"))[3::300]
    return [read_tunes(path.read_bytes(), path.name).tunes[0].unfolded() for path in files]


def _share_of_right_notes(tune: Tune, content: bytes) -> float:
    heard = set(read_midi(content, "played.mid").tunes[0].sounding)
    return sum(note in heard for note in tune.sounding) / len(tune.sounding)


def test_a_tune_played_at_any_gate_in_any_division_is_read_as_it_was_written() -> None:
    for tune in _fiddle_tunes():
        for division in (24, 96, 120, 192, 220, 384, 480, 960):
            for gate in (0.5, 0.6, 0.75, 0.9, 0.95, 0.99, 1.1):
                right = _share_of_right_notes(tune, _performed(tune, division, gate))
                assert right >= (0.98 if division == 24 else 0.995), (tune.id, division, gate)
            assert _share_of_right_notes(tune, _performed(tune, division, 0.8, rounding=floor)) >= 0.98


def test_a_tune_played_a_little_off_the_beat_is_read_as_it_was_written() -> None:
    shares = [_share_of_right_notes(tune, _performed(tune, 480, 0.85, 0.015)) for tune in _fiddle_tunes()]
    assert sum(shares) / len(shares) > 0.99


def test_rests_that_a_player_sees_stay_at_any_gate() -> None:
    tune = Tune.of(
        [
            (60, 1),
            (None, 1),
            (62, "1/2"),
            (64, "1/2"),
            (65, 1),
            (67, "3/2"),
            (None, "1/2"),
            (69, 1),
            (71, 1),
            (72, "1/3"),
            (71, "1/3"),
            (69, "1/3"),
            (67, "1/2"),
            (None, "1/2"),
            (60, 2),
        ]
    )
    for gate in (0.5, 0.75, 0.8, 0.95, 1.0):
        again = read_midi(_performed(tune, 480, gate), "rests.mid").tunes[0]
        assert _shown(again) == _shown(tune), gate


def test_gated_files_are_read_as_quarters_and_eighths() -> None:
    for path in sorted((DATA / "gate80").glob("*.mid")):
        reading = read_midi(path.read_bytes(), path.name)
        (track,) = [each for each in mido.MidiFile(path).tracks if any(m.type == "note_on" for m in each)]
        ticks = [message.time for message in track if message.type == "note_off"]
        written = [Fraction(held * 10, 8 * 480) for held in ticks]  # 80 % was held, of 480 to a quarter note
        assert [note.duration for note in reading.tunes[0].notes] == written
        assert {str(length) for length in written} <= {"1/2", "1", "2"}
        assert any("about 80% of it" in remark for remark in reading.remarks)
    tune = read_midi((DATA / "m33_gate_80_percent.mid").read_bytes(), "m33").tunes[0]
    assert _shown(tune) == [
        (pitch, length)
        for pitch, length in zip(
            [62, 64, 66, 67, 69, 66] * 4, ["1", "1/2", "1/2", "1", "1/2", "1/2"] * 4, strict=True
        )
    ]
    fast = read_midi((DATA / "m17_thirtyseconds_90_percent.mid").read_bytes(), "m17").tunes[0]
    assert [str(note.duration) for note in fast.notes] == (
        ["1/2"] * 2 + ["1/4"] * 4 + ["1/8"] * 8 + ["1"]
    ) * 4


def test_triplets_of_sixteenths_lose_no_note() -> None:
    tune = read_midi((DATA / "m38_played_sixteenth_triplets.mid").read_bytes(), "m38").tunes[0]
    assert [str(note.duration) for note in tune.notes] == [
        "1/2", "1/6", "1/6", "1/6", "1", "1/2", "1/2", "1",
    ] * 8  # fmt: skip


def test_what_the_studio_wrote_comes_back_to_the_tick() -> None:
    staccato = Tune.of([(60, "1/2"), (None, "1/2")] * 8, meter="4/4")
    silence = Tune.of([(60, 1), (62, "15/16"), (None, "1/16"), (64, "1/11"), (None, "241/11")])
    for tune in [staccato, silence, *(random_tune(seed) for seed in range(100, 130))]:
        assert read_midi(write_midi(tune), "ours.mid").tunes[0].notes == tune.notes


# What the specification says, and what is found in files
# ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["m01_running_status_after_meta.mid", "m02_running_status_after_sysex.mid"])
def test_running_status_goes_on_after_meta_and_system_events(name: str) -> None:
    """RP-001 ends it there, but files are found where it goes on."""
    assert _shown(read_midi((DATA / name).read_bytes(), name).tunes[0]) == [(62, "1"), (64, "1"), (66, "2")]


def test_before_the_first_tempo_event_the_tempo_is_120() -> None:
    reading = read_midi((DATA / "m09_tempo_not_at_zero.mid").read_bytes(), "m09")
    assert reading.tunes[0].tempo == 120
    assert "The tempo changes; only the first one was kept." in reading.remarks
    assert "Rehearsal letters left out: A." in reading.remarks
    assert reading.tunes[0].chords == ()
    late = _file(_track([(0, b"\xff\x51\x03\x07\xa1\x20"), (240, b"\xff\x51\x03\x0f\x42\x40")]), _track(
        [(ticks + 480, message) for ticks, message in FOUR]
    ))  # fmt: skip
    reading = read_midi(late, "late.mid")
    assert reading.tunes[0].tempo == 60
    assert not any("tempo" in remark for remark in reading.remarks)


def test_silence_after_the_tune_is_left_out() -> None:
    reading = read_midi((DATA / "m23_long_silence_after_tune.mid").read_bytes(), "m23")
    assert reading.tunes[0].end == 8
    assert "The file goes on for 60 bars after the melody; they were left out." in reading.remarks
    short = read_midi(_file(_track(FOUR[:6], end=1921), form=0), "bar.mid").tunes[0]
    assert _shown(short)[-1] == (None, "1")


@pytest.mark.parametrize(
    ("title", "codec", "name"),
    [
        ("Für Elise", "utf-8", "UTF-8"),
        ("Flûte à bec", "latin-1", "Latin-1"),
        ("créée", "latin-1", "Latin-1"),
        ("L’été", "cp1252", "Latin-1"),
        ("桜の歌", "shift_jis", "Shift-JIS"),
        ("ドラえもん", "shift_jis", "Shift-JIS"),
        ("荒城の月", "euc_jp", "EUC-JP"),
        ("茉莉花", "gbk", "GBK"),
        ("月亮代表我的心", "gbk", "GBK"),
        ("望春風", "big5", "Big5"),
        ("Во поле берёза стояла", "cp1251", "Windows-1251"),
        ("도라지 타령", "euc_kr", "EUC-KR"),
        ("Åse’s död", "utf-16", "UTF-16"),
        ("Schön ist die Mühle", "cp850", "code page 850 (DOS)"),
        ("“Für Élise” … l’été — don’t", "cp1252", "Latin-1"),
    ],
)
def test_titles_in_other_encodings(title: str, codec: str, name: str) -> None:
    guess = guess_encoding([title.encode(codec)])
    assert (guess.name, decode(title.encode(codec), guess)) == (name, title)


def test_a_guessed_encoding_is_told() -> None:
    reading = read_midi((DATA / "m14_title_sjis.mid").read_bytes(), "m14")
    assert reading.tunes[0].title == "桜の歌"
    assert "The titles and names are not in UTF-8; they were read as Shift-JIS." in reading.remarks


def test_drums_name_nothing_and_are_never_the_melody() -> None:
    tune = read_midi((DATA / "m13_drum_and_tune.mid").read_bytes(), "m13").tunes[0]
    assert (tune.title, tune.notes[0].pitch) == ("", 62)
    drums = _track([(0, _text(3, b"Melody drums")), *_sound(90, 0, 400, 9), *_sound(91, 500, 900, 9)])
    reading = read_midi(_file(drums, _track([(0, _text(3, b"Violin")), *FOUR])), "drums.mid")
    assert (reading.tunes[0].title, reading.tunes[0].notes[0].pitch) == ("", 60)


def test_type_0_with_several_channels_is_several_parts() -> None:
    low = [(ticks, bytes([message[0] | 1, message[1] - 24, message[2]])) for ticks, message in FOUR]
    packed = _file(_track([(0, _text(3, b"Voices of spring")), *low, *FOUR]), form=0)
    reading = read_midi(packed, "one.mid")
    assert reading.tunes[0].title == "Voices of spring"
    assert [note.pitch for note in reading.tunes[0].notes] == [60, 62, 64, 66]
    assert "The melody was taken from the highest of 2 parts." in reading.remarks
    named = [(0, b"\xff\x20\x01\x01"), (0, _text(4, b"Lead")), *low, *FOUR]
    assert read_midi(_file(_track(named), form=0), "named.mid").tunes[0].notes[0].pitch == 36


def test_type_2_holds_a_tune_in_each_track() -> None:
    patterns = _file(
        _track([(0, _text(3, b"One")), *FOUR]), _track([(0, _text(3, b"Two")), *FOUR[2:]]), _track([]), form=2
    )
    reading = read_midi(patterns, "patterns.mid")
    assert [(tune.title, tune.id) for tune in reading.tunes] == [
        ("One", "patterns.mid#1"),
        ("Two", "patterns.mid#2"),
    ]
    assert "Patterns without a melody left out: 1." in reading.remarks


def test_film_time_is_read_at_its_tempo() -> None:
    """-25 frames of 40 ticks are 1,000 ticks a second, so 500 a quarter note at 120."""
    events = [(ticks * 500 // 480, message) for ticks, message in FOUR]
    reading = read_midi(_file(_track(events), division=0xE728), "film.mid")
    assert [str(note.duration) for note in reading.tunes[0].notes] == ["1"] * 4
    assert any("film frames" in remark and "120 quarter notes" in remark for remark in reading.remarks)


def test_notes_of_no_length() -> None:
    grace = [*FOUR, *_sound(70, 480, 480), *_sound(72, 960, 960)]
    reading = read_midi(_file(_track(grace), form=0), "empty.mid")
    assert [note.pitch for note in reading.tunes[0].notes] == [60, 62, 64, 66]
    assert "Notes of no length left out: 2." in reading.remarks
    alone = [*FOUR[:2], *_sound(62, 480, 480), *FOUR[4:]]
    reading = read_midi(_file(_track(alone), form=0), "alone.mid")
    assert [str(note.duration) for note in reading.tunes[0].notes] == ["1"] * 4
    assert any(remark.startswith("Notes of no length that were read") for remark in reading.remarks)


def test_a_note_on_of_velocity_0_ends_a_note_and_a_track_may_lack_its_end() -> None:
    events = [(ticks, bytes([0x90, message[1], 80 * (message[0] == 0x90)])) for ticks, message in FOUR]
    body = _track(events)[:-4]
    assert _shown(read_midi(_file(body, form=0), "silent.mid").tunes[0]) == [
        (60, "1"), (62, "1"), (64, "1"), (66, "1"),
    ]  # fmt: skip


def test_a_last_track_that_breaks_off_is_read_up_to_there_and_told() -> None:
    whole = _file(_track([(0, _text(3, b"Song"))]), _track(FOUR))
    for cut in (5, 6, 8):
        reading = read_midi(whole[:-cut], "cut.mid")
        assert [note.pitch for note in reading.tunes[0].notes] == [60, 62, 64, 66]
        assert "The file is cut short; what comes before the cut was read." in reading.remarks
    second = whole.rindex(b"MTrk")
    for cut in (16, 30, second, second + 6, second + 9):  # before any note of the melody
        with pytest.raises(Unreadable, match="is cut short before the first note of a melody; copy or"):
            read_midi(whole[:cut], "cut.mid")
    lacking = _file(_track(FOUR), _track(FOUR))
    told = read_midi(lacking[: lacking.rindex(b"MTrk")], "cut.mid").remarks
    assert "The file has fewer tracks than it states; those that are there were read." in told
    damaged = bytearray(whole)
    damaged[25] = 3  # the size of the first track's name: its last letter is read as events
    with pytest.raises(Unreadable):
        read_midi(bytes(damaged), "damaged.mid")


@pytest.mark.parametrize("stated", [0, 10, 47, 60, 1000, 2**32 - 1])
@pytest.mark.parametrize("wrong", [0, 1])
def test_a_track_whose_stated_length_is_wrong_is_read_to_its_end(stated: int, wrong: int) -> None:
    lines = [_track([event for n in range(8) for event in _sound(48 + 7 * voice + n, 480 * n, 480 * n + 480)])
             for voice in range(2)]  # fmt: skip
    whole = _file(*lines)
    place = whole.index(b"MTrk") + 4 if not wrong else whole.rindex(b"MTrk") + 4
    content = whole[:place] + struct.pack(">I", stated) + whole[place + 4 :]
    reading = read_midi(content, "wrong.mid", parts=True)
    assert reading.parts[0] == read_midi(whole, "right.mid", parts=True).parts[0]
    told = "The length that a track states is wrong; it was read to its end."
    assert told in reading.remarks
    assert not any("cut short" in remark for remark in reading.remarks)
    assert told not in read_midi(whole, "right.mid").remarks
    cut = read_midi(whole[:-8], "cut.mid")
    assert told not in cut.remarks


def test_bytes_after_the_end_of_a_track_are_no_wrong_length() -> None:
    padded = _file(_track(FOUR) + b"\0" * 5, _track(FOUR) + b"\0" * 3)
    reading = read_midi(padded, "padded.mid", parts=True)
    assert [len(part.notes) for part in reading.parts[0]] == [4, 4]
    assert not any("wrong" in remark for remark in reading.remarks)


def test_rolled_chords_are_chords_and_crowded_notes_are_counted() -> None:
    rolled = [*_sound(60, 0, 480), *_sound(64, 12, 480), *_sound(67, 24, 480), *FOUR[2:]]
    reading = read_midi(_file(_track(rolled), form=0), "rolled.mid")
    assert [note.pitch for note in reading.tunes[0].notes] == [67, 62, 64, 66]
    assert "Chords reduced to their top note: 1." in reading.remarks
    crowd = [event for place in range(200) for event in _sound(60 + place % 2, 2 * place, 2 * place + 1)]
    reading = read_midi(_file(_track([*crowd, *FOUR[2:]]), form=0), "crowd.mid")
    left = next(remark for remark in reading.remarks if "no grid could keep" in remark)
    assert len(reading.tunes[0].sounding) + int(re.findall(r"\d+", left)[0]) == 203


# Words
# ------------------------------------------------------------------------------------------------------------


def _sung(syllables: list[tuple[int, bytes]], kind: int = 5) -> bytes:
    return _track([*[(ticks, _text(kind, text)) for ticks, text in syllables], *FOUR])


@pytest.mark.parametrize(
    "texts",
    [
        [b"Glo", b"ri", b"a ", b"Lord "],  # RP-017: a space ends a word
        [b"Glo-", b"ri-", b"a", b"Lord"],
        [b"Glo", b"ri", b"a", b" Lord"],
        [b"Glo", b"ri", b"a", b"\\Lord"],
    ],
)
def test_lyric_events_are_the_words(texts: list[bytes]) -> None:
    reading = read_midi(_file(_sung([(480 * place, text) for place, text in enumerate(texts)]), form=0))
    assert [(word.start, word.text, word.syllabic) for word in reading.tunes[0].words] == [
        (0, "Glo", "begin"),
        (1, "ri", "middle"),
        (2, "a", "end"),
        (3, "Lord", "single"),
    ]
    assert not any("yllables" in remark for remark in reading.remarks)


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"/"])
@pytest.mark.parametrize("late", [0, 480])
def test_a_line_end_of_its_own_ends_a_word(end: bytes, late: int) -> None:
    """late: it stands at the next note, or at the note of the syllable before."""
    texts = [(0, b"A"), (480, b"ma"), (960, b"zing "), (1440, b"grace"), (1440 + late, end), (1920, b"how ")]
    five = [*FOUR, *_sound(70, 1920, 2400)]
    events = [*[(ticks, _text(5, text)) for ticks, text in texts], *five]
    content = _file(_track(events), form=0)
    words = [(word.text, word.syllabic) for word in read_midi(content).tunes[0].words]
    assert words == [
        ("A", "begin"),
        ("ma", "middle"),
        ("zing", "end"),
        ("grace", "single"),
        ("how", "single"),
    ]
    before = read_midi(content, rules="5").tunes[0].words
    assert [word.syllabic for word in before][3:] == ["begin", "end"], "works made before read as they did"


@pytest.mark.parametrize(
    ("texts", "places"),
    [
        ([b"Ho-", b"ly\r", b"grace", b"Lord"], ["begin", "end", "single", "single"]),
        ([b"how", b"sweet", b"\n", b"the"], ["single"] * 3),
    ],
)
def test_line_ends_alone_join_no_words(texts: list[bytes], places: list[str]) -> None:
    reading = read_midi(_file(_sung([(480 * place, text) for place, text in enumerate(texts)]), form=0))
    assert [word.syllabic for word in reading.tunes[0].words] == places


def test_syllables_without_a_note_are_counted_and_karaoke_texts_are_words() -> None:
    lost = _file(_sung([(0, b"One "), (4, b"two "), (700, b"lost ")]), form=0)
    reading = read_midi(lost, "lost.mid")
    assert [(word.text, word.verse) for word in reading.tunes[0].words] == [("One", 1), ("two", 2)]
    assert "Syllables that are not sung on notes of the melody left out: 1." in reading.remarks
    karaoke = _sung([(0, b"@KMIDI KARAOKE FILE"), (0, b"@TSong"), (0, b"\\Glo"), (480, b"ry")], kind=1)
    tune = read_midi(_file(karaoke, form=0), "song.kar").tunes[0]
    assert tune.title == "Song"
    assert [(word.text, word.syllabic) for word in tune.words] == [("Glo", "begin"), ("ry", "end")]


def test_texts_at_the_notes_are_words_though_nothing_says_karaoke() -> None:
    texts = [(0, b"\\Glo"), (480, b"ry "), (960, b"/to "), (1440, b"God")]
    words = _track([(ticks, _text(1, text)) for ticks, text in texts])
    content = _file(_track(FOUR), words)
    tune = read_midi(content, "song.kar").tunes[0]
    assert [(word.start, word.text, word.syllabic) for word in tune.words] == [
        (0, "Glo", "begin"),
        (1, "ry", "end"),
        (2, "to", "single"),
        (3, "God", "single"),
    ]
    assert read_midi(content, "song.kar", rules="3").tunes[0].words == (), (
        "works made before read as they did"
    )
    for others in ([(240, b"slowly"), (720, b"now")], [(480 * n, b"Am") for n in range(4)]):
        reading = read_midi(_file(_sung(others, kind=1), form=0), "x.mid")
        assert reading.tunes[0].words == ()
        assert f"Texts left out: {len(others)}." in reading.remarks
    by = read_midi(_file(_sung([(0, b"Made by a program")], kind=1), form=0), "x.mid")
    assert not any("Texts" in remark for remark in by.remarks)


def test_words_are_written_and_read_back() -> None:
    words = (
        Syllable(Fraction(0), "Glo", "begin"),
        Syllable(Fraction(1), "ri", "middle"),
        Syllable(Fraction(2), "a", "end"),
        Syllable(Fraction(3), "für", "single"),
    )
    tune = replace(Tune.of([(60, 1), (62, 1), (64, 1), (65, 1)]), words=words)
    assert read_midi(write_midi(tune), "sung.mid").tunes[0].words == words


def test_a_long_note_before_a_short_rest_keeps_its_length() -> None:
    """99 % of seven quarters is less than a tick's rounding away from a rest for notes of one quarter."""
    tune = Tune.of([(60, 1), (62, 1), (64, 1), (65, 1), *[(67, 7), (None, "1/2"), (65, "1/2")] * 3, (60, 4)])
    for division in (24, 120, 220, 480, 1024):
        for gate in (0.98, 0.99, 1.0):
            again = read_midi(_performed(tune, division, gate), "long.mid").tunes[0]
            assert _shown(again) == _shown(tune), (division, gate)


@pytest.mark.parametrize("kind", ["marker", "text", "lyrics"])
@pytest.mark.parametrize("drums", [False, True])
def test_a_sheet_of_chords_is_read_and_said_to_be_one(kind: str, drums: bool) -> None:
    file = mido.MidiFile(ticks_per_beat=96)
    track = mido.MidiTrack([mido.MetaMessage("time_signature", numerator=3, denominator=4)])
    track += [
        mido.MetaMessage(kind, text=symbol, time=3 * 96 if place else 0)
        for place, symbol in enumerate(("C", "Am7", "C/E"))
    ]
    file.tracks.append(track)
    if drums:
        beats = [(on, 96 * (not on)) for _ in range(6) for on in (True, False)]
        file.tracks.append(
            mido.MidiTrack(
                mido.Message("note_on" if on else "note_off", channel=9, note=36, time=time)
                for on, time in beats
            )
        )
    packed = io.BytesIO()
    file.save(file=packed)
    reading = read_tunes(packed.getvalue(), "sheet.mid")
    (tune,) = reading.tunes
    assert "There is no melody; this is a sheet of chords." in reading.remarks
    assert [(str(chord.start), chord.symbol) for chord in tune.chords] == [
        ("0", "C"),
        ("3", "Am7"),
        ("6", "C/E"),
    ]
    assert (tune.sounding, tune.end, str(tune.meter)) == ((), 9, "3/4")
    (again,) = read_tunes(write_midi(tune), "again.mid").tunes
    assert (again.chords, again.end) == (tune.chords, tune.end)


def test_midi_in_riff_is_read() -> None:
    inside = _midi([(60, 0, 1), (62, 1, 2)])
    packed = (
        b"RIFF" + struct.pack("<I", len(inside) + 12) + b"RMIDdata" + struct.pack("<I", len(inside)) + inside
    )
    assert read_tunes(packed, "t.rmi").tunes[0].notes == read_tunes(inside, "t.mid").tunes[0].notes


def test_a_lone_marker_a_is_said_to_be_doubtful() -> None:
    content = _midi([(60, 0, 1), (62, 1, 2)], marker={"text": "A"})
    reading = read_tunes(content, "t.mid")
    assert [chord.symbol for chord in reading.tunes[0].chords] == ["A"]
    assert any("may be a rehearsal letter" in remark for remark in reading.remarks)


@pytest.mark.parametrize("gate", [0.5, 0.66, 0.75, 0.9])
@pytest.mark.parametrize("lengths", ["1 3", "1 1 2", "2 1 1", "3/2 1/2 2", "1 1 1 1 4"])
def test_a_few_notes_of_several_lengths_at_any_gate(lengths: str, gate: float) -> None:
    tune = Tune.of([(60 + 2 * place, length) for place, length in enumerate(lengths.split())])
    (read,) = read_midi(_performed(tune, 480, gate), "few.mid").tunes
    assert [str(note.duration) for note in read.notes] == lengths.split()


def test_a_few_notes_of_one_length_are_doubted() -> None:
    """Nothing tells quarters that are held for a half of their length from eighths with rests."""
    tune = Tune.of([(60, 2), (62, 2)])
    reading = read_midi(_performed(tune, 480, 0.5), "few.mid")
    assert [note.pitch for note in reading.tunes[0].sounding] == [60, 62]
    told = "Its notes are held for about 50% of the time to the next one, and too few to tell short notes"
    assert any(remark.startswith(told) for remark in reading.remarks)
    full = read_midi(_performed(tune, 480, 1.0), "few.mid")
    assert not any("too few" in remark for remark in full.remarks)


@pytest.mark.parametrize("gate", [0.8, 0.9, 0.95])
def test_a_gate_is_found_where_every_note_is_followed_by_a_rest(gate: float) -> None:
    lengths = [1, 1, 2, 1, 1]
    notes = [each for place, length in enumerate(lengths) for each in ((62 + place, length), (None, length))]
    tune = Tune.of([*notes, (62, 4)])
    for division in (96, 480):
        reading = read_midi(_performed(tune, division, gate), "apart.mid")
        assert _shown(reading.tunes[0]) == _shown(tune)
        told = "Notes whose length was read from how long they are held (notes are held for about"
        assert f"{told} {gate:.0%} of it): 6 of 6." in reading.remarks


def test_a_half_note_before_an_eighth_rest_keeps_its_length_at_99_percent() -> None:
    runs = [(60, "1/4")] * 24
    tune = Tune.of([*runs, (67, 2), (None, "1/2"), (65, "1/2"), (64, 1), (None, "1/4"), (65, "3/4"), (60, 4)])
    assert _shown(read_midi(_performed(tune, 96, 0.99), "rest.mid").tunes[0]) == _shown(tune)
