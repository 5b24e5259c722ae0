"""How loud sound is, by Recommendation ITU-R BS.1770-5 (2023): integrated loudness and true peak."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def integrated_loudness(samples: NDArray[np.floating[Any]], rate: int) -> float:
    """Loudness in LUFS of samples [n, channels]: K-weighted, in blocks of 0.4 s that overlap by three
    quarters, gated at -70 LUFS and at 10 LU below the mean.

    Silence gives -inf. Sound shorter than a block is measured as one block.
    """
    return loudness_of_spans(samples, rate, [(0, len(samples))])[0]


def loudness_of_spans(
    samples: NDArray[np.floating[Any]], rate: int, spans: Sequence[tuple[int, int]]
) -> list[float]:
    """The integrated loudness of each span (first, last) of samples [n, channels], each gated by itself, from
    one pass of the filters. An empty span gives -inf.
    """
    import numpy as np

    if not spans:
        return []
    blocks, starts = [], []
    for first, last in spans:
        block = max(0, min(round(0.4 * rate), last - first))
        blocks.append(block)
        starts.append(np.arange(first, last - block + 1, max(1, block // 4)) if block else np.zeros(0, int))
    pairs = [(at, at + block) for at, block in zip(starts, blocks, strict=True)]
    energy = _energy_before(samples, rate, np.concatenate([places for pair in pairs for places in pair]))
    found, here = [], 0
    for at, block in zip(starts, blocks, strict=True):
        before, after = energy[here : here + len(at)], energy[here + len(at) : here + 2 * len(at)]
        here += 2 * len(at)
        power = (after - before) / max(1, block)
        kept = power[power > 10 ** ((-70 + 0.691) / 10)]
        kept = kept[kept > kept.mean() / 10] if len(kept) else kept
        found.append(float(-0.691 + 10 * math.log10(kept.mean())) if len(kept) else -math.inf)
    return found


STRETCH = 1 << 15
"""Samples that are weighted at once. Arrays as long as a song take longer to be given by the system than to
be computed with.
"""

SHORT = 1 << 11
"""Samples of silence that are looked for."""

DIED_AWAY = 1e-60
"""A filter that is given silence and holds no more than this is done: the square of it adds nothing to any
energy that float64 can tell. It would go on falling to numbers so small that a processor takes twenty times
as long for each, and stay there.
"""


def _apart_from_silence(wave: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Views of the wave [n], one after the other: those of silence apart from those of sound."""
    import numpy as np

    whole = len(wave) - len(wave) % SHORT
    heard = wave[:whole].reshape(-1, SHORT).any(axis=1)
    changes = (np.flatnonzero(np.diff(heard)) + 1) * SHORT
    return np.split(wave, changes) if heard.any() else [wave]


def _energy_before(
    samples: NDArray[np.floating[Any]], rate: int, places: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The K-weighted energy of all channels of [n, channels] before each of these samples, 0..n."""
    import numpy as np
    from scipy.signal import lfilter

    filters = k_weighting(rate)
    channels, times = _different(samples)
    states = [[np.zeros(2) for _ in filters] for _ in channels]
    found, total = np.zeros(len(places)), 0.0
    for begin in range(0, len(samples), STRETCH):
        stretch = samples[begin : begin + STRETCH]
        energy = np.zeros(len(stretch) + 1)
        for channel, its in zip(channels, states, strict=True):
            wave = stretch[:, channel].astype(np.float64)
            for piece in _apart_from_silence(wave):
                silent = not piece.any()
                for stage, (numerator, denominator) in enumerate(filters):
                    if silent and np.abs(its[stage]).max() < DIED_AWAY:
                        its[stage] = np.zeros(2)
                        continue
                    piece[:], its[stage] = lfilter(numerator, denominator, piece, zi=its[stage])
                    silent = False
            np.square(wave, out=wave)
            energy[1:] += wave
        energy[1:] *= times
        energy[0] = total
        np.cumsum(energy, out=energy)
        inside = (places > begin) & (places <= begin + len(stretch))
        found[inside] = energy[places[inside] - begin]
        total = float(energy[-1])
    return found


def _different(samples: NDArray[np.floating[Any]]) -> tuple[list[int], int]:
    """The channels of [n, channels] to look at, and how many each stands for: one instrument in the middle
    sounds alike left and right.
    """
    import numpy as np

    count = samples.shape[1]
    if count == 2 and np.array_equal(samples[:, 0], samples[:, 1]):
        return [0], 2
    return list(range(count)), 1


Filter = tuple[list[float], list[float]]
"""(numerator, denominator) of a digital filter."""


def k_weighting(rate: int) -> tuple[Filter, Filter]:
    """The two filters of BS.1770 at any rate: a shelf for the head and a high pass.

    At 48 kHz they are those that it prints (tables 1 and 2). The analogue prototypes behind them are from
    Brecht De Man, Evaluation of Implementations of the EBU R128 Loudness Measurement, AES 145th Convention,
    2018.
    """
    f0, gain, q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
    k = math.tan(math.pi * f0 / rate)
    high = 10 ** (gain / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = (
        [(high + band * k / q + k * k) / a0, 2 * (k * k - high) / a0, (high - band * k / q + k * k) / a0],
        [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0],
    )
    f0, q = 38.13547087602444, 0.5003270373238773
    k = math.tan(math.pi * f0 / rate)
    a0 = 1 + k / q + k * k
    return shelf, ([1.0, -2.0, 1.0], [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])


def true_peak(samples: NDArray[np.floating[Any]]) -> float:
    """The highest level between the samples [n, channels], in dB relative to full scale, by oversampling four
    times (BS.1770-5, annex 2). Silence gives -inf.

    Only where it may be is looked at (see `_bounds`).
    """
    import numpy as np

    peak = 0.0
    for channel in _different(samples)[0] if len(samples) else ():
        peak = _highest_between(np.asarray(samples[:, channel], np.float64), peak)
    return 20 * math.log10(peak) if peak > 0 else -math.inf


BLOCK, REACH = 512, 24
"""Samples that are oversampled at once, and beyond how many the filter sees nothing."""

LOUDEST = 32
"""Blocks that are looked at first."""


def _highest_between(samples: NDArray[np.float64], peak: float) -> float:
    """The highest absolute value of these samples, oversampled four times, or `peak` where that is higher."""
    import numpy as np
    from scipy.signal import firwin, resample_poly

    # As `resample_poly` makes it.
    taps = firwin(81, 1 / 4, window=("kaiser", 5.0))
    padded = np.pad(samples, (REACH, REACH + -len(samples) % BLOCK))
    blocks = np.lib.stride_tricks.sliding_window_view(padded, BLOCK + 2 * REACH)[::BLOCK]
    most = _bounds(padded, blocks, taps)
    order = np.argsort(-most, kind="stable")
    for some in (order[:LOUDEST], order[LOUDEST:]):
        likely = some[most[some] > peak]
        if len(likely):
            between = resample_poly(blocks[likely], 4, 1, axis=1, window=taps)[:, 4 * REACH : -4 * REACH]
            between[likely == len(blocks) - 1, 4 * (len(samples) - BLOCK * (len(blocks) - 1)) :] = 0
            peak = max(peak, float(np.abs(between).max()))
    return peak


def _bounds(
    padded: NDArray[np.float64], blocks: NDArray[np.float64], taps: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What no level between the samples of each block is above: the lower of two bounds.

    The filter makes each level from the samples around it, so it is at most the highest of those, times the
    sum of the filter's absolute values. And it differs from a straight line between its two neighbours by
    what the filter makes of how the samples bend, their second differences: summed by parts twice, the
    filter less the line has weights for these, and two small remainders, as it passes on a constant and a
    slope not quite whole. Music bends little, so this bound is the closer one.
    """
    import numpy as np

    bends = np.abs(np.diff(padded, 2))
    bend = np.lib.stride_tricks.sliding_window_view(bends, BLOCK + 2 * REACH - 2)[::BLOCK].max(axis=1)
    slope = np.abs(np.diff(padded)).max()
    highest = np.maximum(blocks.max(axis=1), -blocks.min(axis=1))
    whole = 0.0
    rest, lean, weight = 0.0, 0.0, 0.0
    for phase in range(4):
        part = 4 * taps[phase::4]
        whole = max(whole, float(np.abs(part).sum()))
        # Against the line between the two samples that the level lies between: where the filter's middle is.
        place = (40 - phase) / 4
        line = np.zeros(len(part))
        line[int(place)] += 1 - place % 1
        if place % 1:
            line[int(place) + 1] += place % 1
        sums = np.cumsum(part - line)
        twice = np.cumsum(sums)
        rest, lean = max(rest, abs(float(sums[-1]))), max(lean, abs(float(twice[-2])))
        weight = max(weight, float(np.abs(twice).sum()))
    straight = (highest * (1 + rest) + lean * slope + weight * bend) * (1 + 1e-9)
    bounds: NDArray[np.float64] = np.minimum(whole * highest, straight)
    return bounds
