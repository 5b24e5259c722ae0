"""Recordings of performances: loudness, peaks, balance, fonts and files, by other programs' measures."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
import wave
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyloudnorm
import pytest
import soundfile
from scipy.signal import resample_poly

from studio.errors import Missing, Refused, UnknownName, Unreadable
from studio.music.scores.performance import Performance, PlayedNote, PlayedPart
from studio.music.scores.scores import Score
from studio.music.scores.sections import sections_of
from studio.music.sound import fonts, mixing
from studio.music.sound.encoding import to_flac, to_mp3, write_wav
from studio.music.sound.faders import Faders
from studio.music.sound.limiter import CEILING
from studio.music.sound.loudness import integrated_loudness
from studio.music.sound.mixing import Strip, faders_of, mixed, record, recorded_stems, stems
from studio.music.sound.rendering import RATE, Sound, soundfont
from studio.music.sound.soundfont import (
    ATTENUATION,
    DEFAULT_MODULATORS,
    DEFAULTS,
    FILTER_FC,
    Modulator,
    open_soundfont,
)
from studio.music.sound.synthesis import stem
from studio.process import finish


def line(pitches: list[int], velocity: int = 90, length: float = 0.4) -> tuple[PlayedNote, ...]:
    return tuple(PlayedNote(0.1 + n * 0.5, length, pitch, velocity) for n, pitch in enumerate(pitches))


@pytest.fixture(scope="module")
def performance() -> Performance:
    parts = (
        PlayedPart("Flute", line([72, 74, 76, 79, 77, 76, 74, 72]), 73, level=0, pan=0.3),
        PlayedPart("Piano", line([48, 55, 60, 55, 48, 55, 60, 55], 60), 0, level=-6, pan=-0.4),
        PlayedPart("Bass", line([36, 43, 36, 43, 36, 43, 36, 43], 80), 32, level=-6, reverb=0.0),
        PlayedPart("Drums", line([36, 42, 38, 42, 36, 42, 38, 46]), 0, True, level=-8),
    )
    return Performance(Score((), length=Fraction(8)), parts)


@pytest.fixture(scope="module")
def sound(performance: Performance) -> Sound:
    return record(performance)


def lufs(samples: np.ndarray) -> float:
    return float(pyloudnorm.Meter(RATE).integrated_loudness(samples.astype(np.float64)))


def peak(samples: np.ndarray) -> float:
    """True peak in dB, by eight times oversampling."""
    return float(20 * np.log10(np.abs(resample_poly(samples.astype(np.float64), 8, 1, axis=0)).max()))


def test_a_recording_is_as_loud_as_services_play_it_and_does_not_clip(sound: Sound) -> None:
    assert abs(lufs(sound.samples) + 14) < 0.5
    assert abs(sound.loudness - lufs(sound.samples)) < 0.1
    assert peak(sound.samples) <= CEILING
    for coded in (to_flac(sound), to_mp3(sound), sound.to_wav()):
        heard, rate = soundfile.read(io.BytesIO(coded))
        assert rate == RATE
        assert abs(lufs(heard) + 14) < 0.5
        assert peak(heard) <= CEILING


@pytest.mark.parametrize("loudness", [-24.0, -9.0])
def test_other_loudnesses_are_met_by_turning_up_or_limiting(performance, loudness: float) -> None:
    found = record(performance, loudness=loudness)
    assert abs(lufs(found.samples) - loudness) < 0.5
    assert peak(found.samples) <= CEILING


def test_the_same_performance_gives_the_same_bytes(performance, sound: Sound) -> None:
    again = record(performance)
    assert np.array_equal(again.samples, sound.samples)
    assert to_mp3(again) == to_mp3(sound)
    assert to_flac(again) == to_flac(sound)


def test_parts_stand_at_their_levels_whatever_their_instrument_is(performance) -> None:
    measured = {name: lufs(each.samples) for name, each in stems(performance)}
    lead = measured["Flute"]
    for part in performance.parts[1:]:
        assert measured[part.name] - lead == pytest.approx(part.level, abs=2.2)
    sides = {name: (each.samples.astype(float) ** 2).sum(axis=0) for name, each in stems(performance)}
    assert sides["Flute"][1] > 1.5 * sides["Flute"][0]
    assert sides["Piano"][0] > 1.5 * sides["Piano"][1]


def test_the_mixer_turns_parts_up_and_off(performance) -> None:
    alone = mixed(performance, {name: Strip(mute=True) for name in ("Piano", "Bass", "Drums")})
    assert [name for name, _ in stems(alone)] == ["Flute"]
    louder = dict(stems(mixed(performance, {"Bass": Strip(level=0.0)})))
    before = dict(stems(performance))
    assert louder["Bass"].loudness - before["Bass"].loudness == pytest.approx(6, abs=0.1)
    with pytest.raises(UnknownName, match="did you mean 'Bass'"):
        mixed(performance, {"Base": Strip()})
    with pytest.raises(Refused, match="Every part is muted"):
        mixed(performance, {part.name: Strip(mute=True) for part in performance.parts})


def test_a_part_that_would_be_drowned_is_turned_up_and_stems_add_up_to_the_recording(
    performance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The triangle is clear in A, and much softer in B. By pyloudnorm, section by section."""
    sections = sections_of([("A", 1), ("B", 1)])
    score = Score((), length=Fraction(8), sections=sections)
    struck = (
        *line([81] * 4, 90, 0.1),
        *(replace(note, start=note.start + 2) for note in line([81] * 4, 60, 0.1)),
    )
    triangle = PlayedPart("Triangle", struck, 0, True, level=-10)
    soft = Performance(score, (*performance.parts, triangle), lifted=True)
    found = record(soft)
    played: list[str] = []

    def listened(part: PlayedPart, *others: Any) -> Any:
        played.append(part.name)
        return stem(part, *others)

    monkeypatch.setattr(mixing, "stem", listened)
    heard = {name: each.samples for name, each in recorded_stems(soft)}
    assert sorted(played) == sorted(part.name for part in soft.parts), "no part is played twice"
    assert np.allclose(sum(heard.values()), found.samples, atol=1e-5)

    def below(samples: np.ndarray, whole: np.ndarray) -> float:
        later = slice(2 * RATE, 4 * RATE)
        return lufs(samples[later]) - lufs(whole[later])

    assert -18 < below(heard["Triangle"], found.samples) < -15
    unlifted = replace(soft, lifted=False)
    before, plain = dict(stems(unlifted))["Triangle"].samples, record(unlifted)
    assert below(before, sum(each.samples for _, each in stems(unlifted))) < -18
    level = {"Triangle": Strip(level=-10)}  # a person's own choice
    assert np.array_equal(record(mixed(soft, level)).samples, plain.samples)

    faders = faders_of(soft)
    assert Faders.of_json(faders.to_json()) == faders
    in_mixer = sum(each.samples for _, each in stems(soft, rate=24_000, faders=faders))
    assert integrated_loudness(in_mixer, 24_000) == pytest.approx(found.loudness, abs=1)


def test_what_cannot_be_recorded_is_refused(performance, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no note to hear"):
        record(replace(performance, parts=()))
    text = tmp_path / "font.sf2"
    text.write_bytes(b"RIFF....sfbk and then nothing")
    with pytest.raises(Unreadable, match=r"font\.sf2 is not a SoundFont"):
        record(performance, font=text)


# One note
# ------------------------------------------------------------------------------------------------------------


def tone(program: int, key: int, velocity: int, length: float = 1.0, font: Path | None = None) -> np.ndarray:
    part = PlayedPart("One", (PlayedNote(0.0, length, key, velocity),), program)
    return stem(part, open_soundfont(font or soundfont()), RATE, 2 * RATE)


def test_a_louder_note_is_louder_by_the_square_and_brighter() -> None:
    soft, loud = tone(40, 67, 40), tone(40, 67, 120)
    ratio = np.sqrt((loud**2).mean() / (soft**2).mean())
    assert 20 * np.log10(ratio) == pytest.approx(40 * np.log10(120 / 40), abs=2.5)

    def centre(samples: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(samples.mean(axis=0))) ** 2
        return float((spectrum * np.arange(len(spectrum))).sum() / spectrum.sum())

    assert centre(loud) > 1.05 * centre(soft)


@pytest.mark.parametrize(("program", "key"), [(0, 60), (40, 69), (73, 84), (32, 40), (24, 55)])
def test_notes_are_in_tune(program: int, key: int) -> None:
    samples = tone(program, key, 100)[:, RATE // 10 : RATE].mean(axis=0)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 18))
    hertz = 440 * 2 ** ((key - 69) / 12)
    bins = np.arange(len(spectrum)) * RATE / (1 << 18)
    near = (bins > hertz * 0.97) & (bins < hertz * 1.03)
    found = bins[near][np.argmax(spectrum[near])]
    assert abs(1200 * np.log2(found / hertz)) < 12


def test_a_note_ends_when_it_is_let_go_and_starts_at_once() -> None:
    samples = np.abs(tone(19, 60, 100, 0.5)).max(axis=0)
    assert samples[: RATE // 50].max() > 0
    held = np.sqrt((samples[RATE // 4 : RATE // 2] ** 2).mean())
    assert samples[int(1.4 * RATE) :].max() < held / 20


def test_a_closed_hat_silences_an_open_one() -> None:
    def hats(*notes: PlayedNote) -> np.ndarray:
        part = PlayedPart("Drums", notes, 0, True)
        return stem(part, open_soundfont(soundfont()), RATE, RATE)

    ringing = hats(PlayedNote(0.0, 0.1, 46, 100))
    choked = hats(PlayedNote(0.0, 0.1, 46, 100), PlayedNote(0.2, 0.1, 42, 1))
    late = slice(int(0.4 * RATE), int(0.6 * RATE))
    assert np.abs(choked[:, late]).max() < np.abs(ringing[:, late]).max() / 5


def test_modulators_follow_the_specification() -> None:
    attenuation, filter_cutoff = DEFAULT_MODULATORS
    assert attenuation.destination == ATTENUATION
    # Half of the velocity is 12 dB less: 120 centibels.
    assert attenuation.at(60, 127) == pytest.approx(0, abs=0.01)
    assert attenuation.at(60, 64) == pytest.approx(-400 * np.log10(64 / 127), abs=0.01)
    assert filter_cutoff.destination == FILTER_FC
    assert filter_cutoff.at(60, 127) == 0
    assert filter_cutoff.at(60, 63) == pytest.approx(-1200)
    by_key = Modulator(0x0003, FILTER_FC, 1280, 0)
    assert by_key.at(64, 1) == pytest.approx(640)
    assert by_key.at(64, 127) == by_key.at(64, 1)
    switched = Modulator(0x0C02, FILTER_FC, 500, 0)
    assert (switched.at(60, 63), switched.at(60, 64)) == (0, 500)


def test_a_zone_inherits_and_a_modulator_of_the_file_replaces_the_default() -> None:
    font = open_soundfont(soundfont())
    layers = font.layers(0, 0, 60, 100)
    assert layers
    assert all(set(DEFAULTS) <= set(layer.zone) for layer in layers)
    assert font.layers(0, 127, 60, 100)
    assert font.layers(128, 99, 36, 100)  # a kit that is not there is the standard one


# SF3
# ------------------------------------------------------------------------------------------------------------


def packed(path: Path) -> bytes:
    """TimGM6mb's first preset as SF3, without padding, as MuseScore writes it: recordings are Ogg streams."""
    content = path.read_bytes()
    chunks: dict[bytes, bytes] = {}
    place = 12
    while place < len(content):
        kind, size = struct.unpack_from("<4sI", content, place)
        if kind == b"LIST":
            inner = place + 12
            while inner < place + 8 + size:
                name, length = struct.unpack_from("<4sI", content, inner)
                chunks[name] = content[inner + 8 : inner + 8 + length]
                inner += 8 + length + length % 2
        place += 8 + size + size % 2
    used = {layer.number for key in (60, 96) for layer in open_soundfont(path).layers(0, 0, key, 100)}
    waves, headers = b"", b""
    for number, row in enumerate(struct.iter_unpack("<20s5IBbHH", chunks[b"shdr"])):
        name, start, end, loop_start, loop_end, rate, *rest, kind = row
        if number in used:
            written = io.BytesIO()
            samples = np.frombuffer(chunks[b"smpl"][2 * start : 2 * end], "<i2")
            soundfile.write(written, samples, rate, format="OGG", subtype="VORBIS")
            loop_start, loop_end = loop_start - start, loop_end - start
            start, end = len(waves), len(waves) + len(written.getvalue())
            waves += written.getvalue()
            kind |= 0x10
        else:
            start = end = loop_start = loop_end = 0
        headers += struct.pack("<20s5IBbHH", name, start, end, loop_start, loop_end, rate, *rest, kind)
    chunks[b"shdr"], chunks[b"smpl"] = headers, waves + b"\0" * (1 - len(waves) % 2)
    names = [b"phdr", b"pbag", b"pmod", b"pgen", b"inst", b"ibag", b"imod", b"igen", b"shdr"]

    def chunk(name: bytes, data: bytes) -> bytes:
        return name + struct.pack("<I", len(data)) + data

    body = b"sfbk" + chunk(b"LIST", b"sdta" + chunk(b"smpl", chunks[b"smpl"]))
    body += chunk(b"LIST", b"pdta" + b"".join(chunk(name, chunks[name]) for name in names))
    return chunk(b"RIFF", body)


def test_sf3_is_decoded_when_it_is_used_and_sounds_as_sf2_does(tmp_path: Path) -> None:
    path = tmp_path / "piano.sf3"
    path.write_bytes(packed(soundfont()))
    plain, coded = tone(0, 60, 100), tone(0, 60, 100, font=path)
    assert np.corrcoef(plain[0], coded[0])[0, 1] > 0.99
    opened = open_soundfont(path)
    assert 0 < len(opened._decoded) < sum(header.packed for header in opened.headers)


def test_a_damaged_recording_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "broken.sf3"
    content = packed(soundfont())
    path.write_bytes(content.replace(b"OggS", b"Nono"))
    with pytest.raises(Unreadable, match=r"A recording in broken\.sf3 is damaged"):
        tone(0, 60, 100, font=path)


def test_a_font_of_your_own_is_kept_under_its_name_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    whole = soundfont().read_bytes()
    (tmp_path / "My Piano.SF2").write_bytes(whole)
    assert fonts.add_own_font(tmp_path / "My Piano.SF2", home=tmp_path) == "my-piano"
    assert fonts.chosen_name(tmp_path) == "my-piano"
    recorded = fonts.recorded_name("my-piano", tmp_path)
    assert fonts.named_font(recorded, tmp_path).read_bytes() == whole
    fonts.choose_font("timgm6mb", tmp_path)
    assert fonts.chosen_font(tmp_path) == soundfont()
    with pytest.raises(Missing, match="has changed"):
        fonts.named_font("my-piano 0123456789ab", tmp_path)
    points = whole.index(b"igen") + 8  # the table that says which recordings an instrument has
    recorded = struct.pack("<Hh", 53, -2)
    wrong = whole[:points] + recorded * 2000 + whole[points + 8000 :]
    for name, content in (("cut.sf2", whole[:4_000_000]), ("wrong.sf2", wrong), ("zip.sf3", b"PK\3\4" * 99)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(Unreadable, match=name):
            fonts.add_own_font(tmp_path / name, home=tmp_path)
    assert list(fonts.own_fonts(tmp_path)) == ["my-piano"]


# Fetching
# ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fonts.FontEntry:
    """A font that can be "fetched" from a file."""
    content = soundfont().read_bytes()
    archive = tmp_path / "font.tgz"
    with tarfile.open(archive, "w:gz") as packed_up:
        member = tarfile.TarInfo("package/a.sf2")
        member.size = len(content)
        packed_up.addfile(member, io.BytesIO(content))
    entry = fonts.FontEntry(
        *("small", "A small font", "MIT", "a file", archive.as_uri(), archive.stat().st_size),
        *("package/a.sf2", len(content), hashlib.sha256(content).hexdigest()),
    )
    monkeypatch.setattr(fonts, "FONTS", {"small": entry})
    return entry


@pytest.mark.usefixtures("offered")
def test_a_font_is_fetched_by_its_hash_and_used_from_then_on(tmp_path: Path) -> None:
    assert fonts.chosen_font(tmp_path) == soundfont()
    assert [(each.name, each.ready, each.chosen) for each in fonts.font_states(tmp_path)] == [
        ("small", False, False),
        ("timgm6mb", True, True),
    ]
    with pytest.raises(Missing, match="studio sound add small"):
        fonts.named_font("small", tmp_path)
    path = finish(fonts.add_font("small", tmp_path))
    assert path.read_bytes() == soundfont().read_bytes()
    assert fonts.chosen_font(tmp_path) == path == fonts.named_font("small", tmp_path)
    assert fonts.chosen_name(tmp_path) == "small"
    fonts.remove_font("small", tmp_path)
    assert fonts.chosen_name(tmp_path) == "timgm6mb"


@pytest.mark.usefixtures("offered")
def test_a_file_is_recorded_with_the_font_that_is_named(performance: Performance) -> None:
    assert write_wav(performance, sound="timgm6mb") == record(performance, font=soundfont()).to_wav()
    with pytest.raises(Missing, match="studio sound add small"):
        write_wav(performance, sound="small")


def test_offline_and_another_file_are_one_sentence_and_leave_nothing(
    offered: fonts.FontEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(offered, sha256="0" * 64)
    monkeypatch.setattr(fonts, "FONTS", {"small": other})
    with pytest.raises(Unreadable, match="not the file that was expected"):
        finish(fonts.add_font("small", tmp_path))
    gone = replace(offered, url=(tmp_path / "nowhere.tgz").as_uri())
    monkeypatch.setattr(fonts, "FONTS", {"small": gone})
    with pytest.raises(Missing, match="go online and try again"):
        finish(fonts.add_font("small", tmp_path))
    assert not list((tmp_path / "sounds").glob("*")) if (tmp_path / "sounds").exists() else True
    with pytest.raises(UnknownName, match="did you mean 'small'"):
        finish(fonts.add_font("smal", tmp_path))


def test_a_wav_file_of_a_recording_is_plain_pcm(sound: Sound) -> None:
    with wave.open(io.BytesIO(sound.to_wav())) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, RATE, 2)
