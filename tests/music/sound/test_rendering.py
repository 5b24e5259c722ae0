"""Sound is listened to by measurement, pictures by looking at their pixels."""

from __future__ import annotations

import io
import math
import wave
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from studio.errors import Refused, UnknownName
from studio.music.scores.bars import Repeat
from studio.music.scores.chords import ChordAt
from studio.music.scores.notes import Note
from studio.music.scores.scores import Part, Score
from studio.music.scores.tunes import Tune
from studio.music.sound.rendering import (
    CEILING,
    RATE,
    Sound,
    instruments,
    k_weighting,
    measure_loudness,
    measure_true_peak,
    piano_roll,
    program_of,
    render,
    thumbnail,
)

TUNE = Tune.of(
    [(60, 1), (None, 1), (67, 1), (72, "1/2"), (None, "3/2"), (64, 1), (None, 2)], tempo=120, title="Knocking"
)


def _onsets(samples: np.ndarray) -> list[float]:
    """Seconds where new sound sets in: where the spectrum gains more than a third of the most it ever gains
    from one 23 ms to the next.
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
        again = measure_loudness(played.samples, RATE)
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


# Loudness, against the recommendation itself
# ------------------------------------------------------------------------------------------


def test_the_filters_are_those_of_the_recommendation_at_48_khz() -> None:
    shelf, high_pass = k_weighting(48_000)
    assert shelf[0] == pytest.approx([1.53512485958697, -2.69169618940638, 1.19839281085285], abs=1e-6)
    assert shelf[1] == pytest.approx([1.0, -1.69065929318241, 0.73248077421585], abs=1e-6)
    assert high_pass[1] == pytest.approx([1.0, -1.99004745483398, 0.99007225036621], abs=1e-6)


def _sine(frequency: float, level: float, seconds: float, rate: int = 48_000) -> np.ndarray:
    return 10 ** (level / 20) * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)


def test_loudness_of_known_signals() -> None:
    mono = _sine(997, 0, 5)[:, None]
    assert measure_loudness(mono, 48_000) == pytest.approx(-3.01, abs=0.02), (
        "full scale, one channel (BS.1770, annex 1)"
    )
    both = _sine(997, -23, 20)[:, None].repeat(2, axis=1)
    assert measure_loudness(both, 48_000) == pytest.approx(-23, abs=0.1), "EBU Tech 3341, case 1"
    assert measure_loudness(_sine(997, -23, 20, RATE)[:, None].repeat(2, axis=1), RATE) == pytest.approx(
        -23, abs=0.1
    )
    parts = [_sine(997, level, seconds) for level, seconds in ((-36, 10), (-23, 60), (-36, 10))]
    gated = np.concatenate(parts)[:, None].repeat(2, axis=1)
    assert measure_loudness(gated, 48_000) == pytest.approx(-23, abs=0.1), (
        "EBU Tech 3341, case 3: quiet parts are gated"
    )
    assert measure_loudness(np.zeros((48_000, 2)), 48_000) == -math.inf
    assert math.isfinite(measure_loudness(both[:5000], 48_000))


def test_true_peaks_lie_between_the_samples() -> None:
    # A quarter of the rate, an eighth of a turn off: the samples stand at 0.707 of the peak.
    wave_ = 0.5 * np.sin(2 * np.pi * 0.25 * np.arange(4000) + np.pi / 4) * np.hanning(4000)
    assert np.abs(wave_).max() == pytest.approx(0.3535, abs=1e-3)
    assert measure_true_peak(wave_[:, None]) == pytest.approx(20 * math.log10(0.5), abs=0.2)


# Piano roll
# ------------------------------------------------------------------------------------------------------------


def test_the_roll_shows_each_note_where_and_as_long_as_it_sounds() -> None:
    tune = Tune.of([(60, 4), (72, 4), (None, 4), (66, 4)])
    picture = np.asarray(
        Image.open(io.BytesIO(piano_roll(tune, width=834, height=400, colours={1: "#ff0000"}))).convert("RGB")
    ).astype(int)
    red = np.argwhere((picture[:, :, 0] > 200) & (picture[:, :, 1] < 60) & (picture[:, :, 2] < 60))
    blue = np.argwhere(picture[:, :, 2] > picture[:, :, 0] + 60)
    left, width = 34, (834 - 34 - 2) / 4
    assert red[:, 1].min() == pytest.approx(left + width, abs=3)
    assert red[:, 1].max() == pytest.approx(left + 2 * width, abs=3)
    first = blue[blue[:, 1] < left + width]
    last = blue[blue[:, 1] > left + 2.5 * width]
    assert first[:, 0].mean() > last[:, 0].mean() > red[:, 0].mean(), "higher notes stand higher"
    half = (first[:, 0].mean() + red[:, 0].mean()) / 2
    assert last[:, 0].mean() == pytest.approx(half, abs=3), "a tritone is half way up the octave"
    assert not ((blue[:, 1] > left + 2 * width + 3) & (blue[:, 1] < left + 3 * width - 3)).any(), (
        "a rest is empty"
    )


def test_rolls_of_anything_are_pictures_of_the_size_asked() -> None:
    drums = Score((Part((Note(36, Fraction(0), Fraction(1)),), percussion=True), Part(())))
    for music in (
        TUNE,
        drums,
        Tune.of([(None, 4)]),
        Tune.of([(0, 1), (127, 1)], chords=[(0, "C"), (1, "F#m7b5")]),
    ):
        for width, height in ((64, 64), (700, 200)):
            assert Image.open(io.BytesIO(piano_roll(music, width=width, height=height))).size == (
                width,
                height,
            )
    small = Image.open(io.BytesIO(thumbnail(TUNE)))
    assert (small.format, small.size) == ("JPEG", (512, 320))
    assert piano_roll(TUNE) == piano_roll(TUNE)
    with pytest.raises(Refused):
        piano_roll(TUNE, width=10)
