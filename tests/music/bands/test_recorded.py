"""Each band as it is heard: loud enough, without clipping, every part audible in the mix."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyloudnorm
import pytest
from scipy.signal import resample_poly

from studio.music.bands.arranging import arrange
from studio.music.bands.band import Band, bands
from studio.music.bands.performing import perform
from studio.music.scores.sections import sections_of
from studio.music.sound.loudness import integrated_loudness
from studio.music.sound.mixing import record, stems
from studio.music.sound.rendering import RATE

QUIETEST = 18.0
"""LU below the mix at which a part is still heard."""

PLAYING = [band for band in bands() if band.pattern]


@pytest.mark.parametrize("band", PLAYING, ids=[band.name for band in PLAYING])
def test_every_part_is_heard_and_nothing_clips(song, band: Band) -> None:
    tune, _ = song(str(band.meters[0]))
    short = tune.passage(tune.bars()[0].start, tune.bars()[4].start)
    sections = sections_of([("A", 1), ("A", 1), ("Chorus", 1), ("B", 1)])
    score = arrange(replace(short, tempo=240.0), sections, band, np.random.default_rng(1))
    performance = perform(score, band, np.random.default_rng(1))
    heard = {name: each.samples for name, each in stems(performance)}
    assert set(heard) == {player.name for player in band.player}
    mix = integrated_loudness(sum(heard.values()), RATE)
    below = {name: mix - integrated_loudness(part, RATE) for name, part in heard.items()}
    assert max(below.values()) < QUIETEST, below
    sound = record(performance)
    meter = pyloudnorm.Meter(RATE)
    assert abs(meter.integrated_loudness(sound.samples.astype(np.float64)) + 14) < 0.5
    assert 20 * np.log10(np.abs(resample_poly(sound.samples, 4, 1, axis=0)).max()) <= -1
