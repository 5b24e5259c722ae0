"""Loudness and true peak, against the recommendation itself and the EBU's test signals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import lfilter, resample_poly

from studio.music.sound.loudness import integrated_loudness, k_weighting, loudness_of_spans, true_peak
from studio.music.sound.rendering import RATE


def test_the_filters_are_those_of_the_recommendation_at_48_khz() -> None:
    shelf, high_pass = k_weighting(48_000)
    assert shelf[0] == pytest.approx([1.53512485958697, -2.69169618940638, 1.19839281085285], abs=1e-6)
    assert shelf[1] == pytest.approx([1.0, -1.69065929318241, 0.73248077421585], abs=1e-6)
    assert high_pass[1] == pytest.approx([1.0, -1.99004745483398, 0.99007225036621], abs=1e-6)


def _sine(frequency: float, level: float, seconds: float, rate: int = 48_000) -> np.ndarray:
    return 10 ** (level / 20) * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)


def test_loudness_of_known_signals() -> None:
    mono = _sine(997, 0, 5)[:, None]
    assert integrated_loudness(mono, 48_000) == pytest.approx(-3.01, abs=0.02), (
        "full scale, one channel (BS.1770, annex 1)"
    )
    both = _sine(997, -23, 20)[:, None].repeat(2, axis=1)
    assert integrated_loudness(both, 48_000) == pytest.approx(-23, abs=0.1), "EBU Tech 3341, case 1"
    assert integrated_loudness(_sine(997, -23, 20, RATE)[:, None].repeat(2, axis=1), RATE) == pytest.approx(
        -23, abs=0.1
    )
    parts = [_sine(997, level, seconds) for level, seconds in ((-36, 10), (-23, 60), (-36, 10))]
    gated = np.concatenate(parts)[:, None].repeat(2, axis=1)
    assert integrated_loudness(gated, 48_000) == pytest.approx(-23, abs=0.1), (
        "EBU Tech 3341, case 3: quiet parts are gated"
    )
    assert integrated_loudness(np.zeros((48_000, 2)), 48_000) == -math.inf
    assert math.isfinite(integrated_loudness(both[:5000], 48_000))


def test_true_peaks_lie_between_the_samples() -> None:
    # A quarter of the rate, an eighth of a turn off: the samples stand at 0.707 of the peak.
    wave_ = 0.5 * np.sin(2 * np.pi * 0.25 * np.arange(4000) + np.pi / 4) * np.hanning(4000)
    assert np.abs(wave_).max() == pytest.approx(0.3535, abs=1e-3)
    assert true_peak(wave_[:, None]) == pytest.approx(20 * math.log10(0.5), abs=0.2)


def test_a_true_peak_is_that_of_the_whole_oversampled_to_the_last_digit() -> None:
    """Only a part is looked at; a sound that ends in the middle of a wave too."""
    rng = np.random.default_rng(0)
    for count in (1, 700, 5000):
        noise = rng.normal(size=(count, 2)) * np.exp(-np.arange(count) % 900 / 200)[:, None]
        for sound in (noise.astype(np.float32), np.ones((count, 2))):
            whole = np.abs(resample_poly(np.asarray(sound, np.float64), 4, 1, axis=0)).max()
            assert true_peak(sound) == 20 * math.log10(whole)


def test_rests_change_no_digit_of_the_loudness() -> None:
    """Silence is not filtered for ever; what is told of each passage is as if it were."""
    rng = np.random.default_rng(0)
    sound = np.zeros((RATE * 8, 2), np.float32)
    for first, last in ((3_000, 40_000), (150_000, 150_700), (260_000, 300_000)):
        sound[first:last] = rng.normal(0, 0.1, (last - first, 2))
    spans = [(0, len(sound)), (0, 100_000), (41_000, 140_000), (140_000, 300_000), (310_000, len(sound))]
    weighted = np.asarray(sound, np.float64)
    for numerator, denominator in k_weighting(RATE):
        weighted = lfilter(numerator, denominator, weighted, axis=0)
    power = np.concatenate([[0.0], np.cumsum(np.square(weighted).sum(axis=1))])
    block = round(0.4 * RATE)
    for (first, last), told in zip(spans, loudness_of_spans(sound, RATE, spans), strict=True):
        at = np.arange(first, last - block + 1, block // 4)
        blocks = (power[at + block] - power[at]) / block
        heard = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
        heard = heard[heard > heard.mean() / 10] if len(heard) else heard
        assert told == (
            pytest.approx(-0.691 + 10 * math.log10(heard.mean()), abs=1e-9) if len(heard) else -math.inf
        )
