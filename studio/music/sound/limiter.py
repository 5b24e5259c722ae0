"""The last step of a recording: brought to a loudness, its peaks held down by a limiter that looks ahead."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.errors import Refused
from studio.music.sound.loudness import integrated_loudness
from studio.music.sound.rendering import Sound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CEILING = -1.0
"""The highest true peak, in dB relative to full scale."""

AIM = -2.0
"""What the limiter holds peaks to: an MP3 of the recording may rise above it by most of a decibel."""

LOOK_AHEAD = 0.005
"""Seconds before a peak at which the limiter begins to turn down, and after it to turn up."""

PASSES = 5
CLOSE = 0.1
"""LU: near enough to the loudness that is wanted."""

BLOCK = 1 << 14
"""Samples that are oversampled at once."""


@dataclass(frozen=True)
class Mastered:
    """sound: the recording. gains: what each sample of the mix was multiplied by, as long as the recording.
    gain: the same without the limiter, the fade and what was trimmed.
    """

    sound: Sound
    gains: NDArray[np.float32]
    gain: float


def mastered(samples: NDArray[np.float32], rate: int, loudness: float) -> Mastered:
    """Trimmed, faded out, brought to `loudness` (LUFS) and limited. samples: [n, 2].

    Limiting takes loudness away, so gain and limiter are worked out again until the loudness is met. Raises
    `Refused` for silence and for a loudness out of range.
    """
    import numpy as np

    if not -40 <= loudness <= -6:
        raise Refused(f"A loudness of {loudness:g} LUFS is out of range; choose -40 to -6.")
    level = _highest(samples)
    peak = float(level.max(initial=0))
    if peak == 0:
        raise Refused("Nothing is heard: the SoundFont has no sound at these pitches.")
    last = int(np.flatnonzero(level > peak * 10 ** (-66 / 20))[-1])
    samples = np.ascontiguousarray(samples[: min(len(samples), last + rate // 10)])
    fade = min(len(samples), rate // 5)
    fading = np.linspace(1, 0, fade, dtype=np.float32)
    samples[-fade:] *= fading[:, None]
    peaks = peak_levels(samples)
    measured = integrated_loudness(samples, rate)
    gain = used = 10 ** ((loudness - measured) / 20)
    ceiling = 10 ** (AIM / 20)
    limited, scaled = np.empty_like(samples), np.empty_like(peaks)
    for _ in range(PASSES):
        np.multiply(peaks, np.float32(gain), out=scaled)
        reduced = _gains(scaled, ceiling, rate)
        reduced *= np.float32(gain)
        used = gain
        np.multiply(samples, reduced[:, None], out=limited)
        measured = integrated_loudness(limited, rate)
        if abs(measured - loudness) < CLOSE:
            break
        gain *= 10 ** ((loudness - measured) / 20)
    highest = 20 * math.log10(max(float(peak_levels(limited).max()), 1e-9))
    if highest > CEILING:  # between samples, where gains change
        lower = np.float32(10 ** ((CEILING - highest) / 20))
        limited *= lower
        reduced *= lower
        measured, highest = measured + CEILING - highest, CEILING
    reduced[-fade:] *= fading
    return Mastered(Sound(limited, rate, measured, highest), reduced, used)


def peak_levels(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n]: the highest level of either channel at and around each sample of [n, 2], between samples too where
    they come within 6 dB of the highest: by oversampling four times, as BS.1770-5, annex 2 measures true
    peaks.
    """
    import numpy as np
    from scipy.signal import resample_poly

    levels = _highest(samples)
    threshold = float(levels.max(initial=0)) / 2
    margin = 32
    for start in range(0, len(samples), BLOCK):
        stretch = slice(start, min(start + BLOCK, len(samples)))
        if levels[stretch].max() < threshold or threshold == 0:
            continue
        low, high = max(0, start - margin), min(len(samples), stretch.stop + margin)
        left, right = np.abs(resample_poly(np.ascontiguousarray(samples[low:high].T), 4, 1, axis=1))
        fine = np.maximum(left, right)
        around = np.maximum(np.maximum(fine[::4], fine[1::4]), np.maximum(fine[2::4], fine[3::4]))
        around[:-1] = np.maximum(around[:-1], around[1:])  # what lies before a sample counts for it too
        levels[stretch] = np.maximum(
            levels[stretch], around[start - low : start - low + stretch.stop - start]
        )
    return levels


def _highest(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n]: the higher level of two channels. (Reducing an axis of length 2 takes ten times as long.)"""
    import numpy as np

    found: NDArray[np.float32] = np.maximum(np.abs(samples[:, 0]), np.abs(samples[:, 1]))
    return found


def _gains(peaks: NDArray[np.float32], ceiling: float, rate: int) -> NDArray[np.float32]:
    """[n]: what each sample is multiplied by so that no peak is above the ceiling.

    The least gain that is needed anywhere within the look-ahead, and then a mean over as long: each mean is
    of values that are all at most the gain needed there, so it holds the ceiling, and it changes smoothly.
    """
    import numpy as np
    from scipy.ndimage import minimum_filter1d
    from scipy.signal import oaconvolve

    needed = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9)).astype(np.float32)
    if needed.min() == 1.0:
        return needed
    half = max(1, int(LOOK_AHEAD * rate))
    least = minimum_filter1d(needed, 2 * half + 1, mode="nearest")
    window = np.hanning(2 * half + 3)[1:-1]
    padded = np.pad(least, half, mode="edge")
    smooth: NDArray[np.float32] = oaconvolve(padded, window / window.sum(), "valid").astype(np.float32)
    return np.minimum(smooth, 1.0)
