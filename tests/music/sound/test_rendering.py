"""Rendered sound, measured: onsets, pitch, loudness, length."""

from __future__ import annotations

import io
import math
import wave
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from studio.errors import Refused, UnknownName
from studio.music.scores.bars import Repeat
from studio.music.scores.chords import ChordAt
from studio.music.scores.notes import Note
from studio.music.scores.scores import BEND, ControlAt, Part, Score, TempoAt
from studio.music.scores.tunes import Tune
from studio.music.sound.loudness import integrated_loudness
from studio.music.sound.rendering import (
    CEILING,
    RATE,
    Sound,
    instruments,
    program_of,
    render,
)

TUNE = Tune.of(
    [(60, 1), (None, 1), (67, 1), (72, "1/2"), (None, "3/2"), (64, 1), (None, 2)], tempo=120, title="Knocking"
)


def _onsets(samples: np.ndarray) -> list[float]:
    """Seconds at which notes begin: where the spectrum grows by more than a third of the most it ever grows
    from one block of 23 ms to the next.
    """
    size = 1024
    blocks = samples.mean(axis=1)
    blocks = np.concatenate([np.zeros(size), blocks[: len(blocks) // size * size]]).reshape(-1, size)
    spectra = np.abs(np.fft.rfft(blocks * np.hanning(size), axis=1))
    gained = np.maximum(np.diff(spectra, axis=0), 0).sum(axis=1)
    found: list[float] = []
    for place in np.flatnonzero(gained > gained.max() / 3):
        if not found or place * size / RATE - found[-1] > 0.12:
            found.append(float(place * size / RATE))
    return found


def _pitch(samples: np.ndarray, start: float) -> float:
    """The strongest frequency in the third of a second from there, as a MIDI number."""
    piece = samples[int((start + 0.05) * RATE) : int((start + 0.35) * RATE)].mean(axis=1)
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 1 << 17))
    return 69 + 12 * math.log2(np.argmax(spectrum[100:]) + 100) - 12 * math.log2(440 * (1 << 17) / RATE)


@pytest.fixture(scope="module")
def sound() -> Sound:
    return render(TUNE, instrument="Flute")


@pytest.mark.parametrize(
    "instrument", ["acoustic grand piano", "Violin", "Trumpet", "Acoustic Guitar (nylon)", "Clarinet"]
)
def test_notes_begin_where_they_stand_and_have_their_pitch(instrument: str) -> None:
    played = render(TUNE, instrument=instrument)
    starts = [float(note.start) / 2 for note in TUNE.sounding]
    found = _onsets(played.samples)
    assert len(found) == len(starts)
    assert found == pytest.approx(starts, abs=0.04)
    for note, start in zip(TUNE.sounding, starts, strict=True):
        # The strongest partial is one of the first five.
        above = _pitch(played.samples, start) - (note.pitch or 0)
        assert min(abs(above - 12 * math.log2(partial)) for partial in range(1, 6)) < 0.3


def test_rests_are_silent_and_the_end_is_trimmed(sound: Sound) -> None:
    level = np.abs(sound.samples).max(axis=1)
    loudest = level.max()
    rest = level[int(0.85 * RATE) : int(0.98 * RATE)]
    assert rest.max() < 0.1 * loudest
    last = float(TUNE.sounding[-1].end) / 2
    assert last < sound.seconds < last + 1.6, "the last note rings out, and then it ends"
    assert level[-RATE // 50 :].max() < 0.01 * loudest
    assert level[-1] == 0


def test_it_is_as_loud_as_asked_and_never_clips() -> None:
    for loudness in (-16.0, -23.0):
        played = render(TUNE, instrument="Flute", loudness=loudness)
        again = integrated_loudness(played.samples, RATE)
        assert played.loudness == pytest.approx(again)
        assert again == pytest.approx(loudness, abs=0.1) or played.true_peak == pytest.approx(
            CEILING, abs=0.05
        )
        assert played.true_peak <= CEILING + 0.05
    loud = render(TUNE, instrument="Woodblock", loudness=-6)
    assert loud.true_peak == pytest.approx(CEILING, abs=0.05)
    assert np.abs(loud.samples).max() < 1
    assert loud.loudness < -6


def test_tempo_instrument_and_repeats_are_heard(sound: Sound) -> None:
    assert not np.array_equal(render(TUNE, instrument="Violin").samples[:RATE], sound.samples[:RATE])
    slow = render(TUNE, instrument="acoustic grand piano", tempo=60)
    assert _onsets(slow.samples) == pytest.approx([float(note.start) for note in TUNE.sounding], abs=0.04)
    twice = render(replace(TUNE, repeats=(Repeat(Fraction(0), Fraction(8)),)), instrument="Flute")
    assert twice.seconds == pytest.approx(sound.seconds + 4, abs=0.2)


@pytest.mark.parametrize(
    ("controls", "semitones"),
    [
        ([(BEND, 16383)], 2),
        ([(BEND, 0)], -2),
        ([(BEND, 12288)], 1),
        ([(101, 0), (100, 0), (6, 12), (BEND, 12288)], 6),
        ([(101, 0), (100, 1), (6, 12), (BEND, 16383)], 2),  # another parameter
    ],
)
def test_a_pitch_bend_is_heard(controls: list[tuple[int, int]], semitones: int) -> None:
    """The second half of a held note, as the spectrum shows it, and only that."""
    changes = tuple(ControlAt(Fraction(4), number, value) for number, value in controls)
    part = Part((Note(60, Fraction(0), Fraction(8)),), "Flute", 73, controls=changes)
    bent = render(Score((part,), tempo=240.0)).samples
    above = _pitch(bent, 1.4) - _pitch(bent, 0.4)
    assert above == pytest.approx(semitones, abs=0.15)


def test_changes_of_tempo_and_velocities_of_a_score_are_heard() -> None:
    notes = tuple(Note(60, Fraction(beat), Fraction(1), velocity=100 + 27 * (beat == 3)) for beat in range(4))
    score = Score((Part(notes, "Woodblock", 115),), tempo=120.0, tempo_changes=(TempoAt(Fraction(2), 60.0),))
    played = render(score)
    assert _onsets(played.samples) == pytest.approx([0, 0.5, 1, 2], abs=0.04)
    level = np.abs(played.samples).max(axis=1)
    assert level[2 * RATE - 2000 :].max() > 1.4 * level[: 2 * RATE - 2000].max()


def test_chord_symbols_are_heard_unless_not_wanted() -> None:
    tune = replace(
        Tune.of([(84, 1), (None, 7)]), chords=(ChordAt(Fraction(0), "C"), ChordAt(Fraction(4), "what?"))
    )
    with_chords, without = render(tune), render(tune, chords=False)
    assert with_chords.seconds > without.seconds
    piece = with_chords.samples[RATE // 2 : 2 * RATE].mean(axis=1)
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 1 << 17))

    def strength(pitch: int) -> float:
        place = round(440 * 2 ** ((pitch - 69) / 12) * (1 << 17) / RATE)
        return float(spectrum[place - 3 : place + 4].max())

    assert min(strength(60), strength(64), strength(55)) > 3 * max(strength(58), strength(61), strength(66))


def test_wav_files_are_stereo_at_the_rate_and_always_the_same(sound: Sound) -> None:
    content = sound.to_wav()
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 44_100)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2) / 32767
    assert np.abs(samples - sound.samples).max() < 1 / 32767
    assert content == render(TUNE, instrument="Flute").to_wav()


def test_what_cannot_be_heard_is_refused() -> None:
    assert (program_of("violin"), len(instruments())) == (40, 128)
    with pytest.raises(UnknownName, match="did you mean 'Violin'"):
        render(TUNE, instrument="Violine")
    for wrong, why in (({"tempo": 0}, "tempo"), ({"loudness": 3}, "loudness")):
        with pytest.raises(Refused, match=why):
            render(TUNE, **wrong)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="no sound at these pitches"):
        render(Tune.of([(84, 1)]), instrument="Baritone Sax")
    with pytest.raises(Refused, match="no note"):
        render(Tune.of([(None, 4)]))
    with pytest.raises(Refused, match="minutes are too long"):
        render(Tune.of([(60, 5000)]))
