"""Each band as it is heard: loud enough, without clipping, every part audible in the mix."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pyloudnorm
import pytest
from scipy.signal import resample_poly

from studio.music.bands.arranging import arrange
from studio.music.bands.band import Band, bands
from studio.music.bands.performing import perform
from studio.music.scores.sections import sections_of
from studio.music.songs.playing import PlayedSong
from studio.music.songs.recipes import SongRecipe
from studio.music.sound.loudness import integrated_loudness
from studio.music.sound.mixing import record, stems
from studio.music.sound.rendering import RATE
from studio.works.setting import Setting

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
    heard = dict(stems(performance, rate=RATE // 2))
    assert set(heard) == {player.name for player in band.player}
    mix = integrated_loudness(sum(each.samples for each in heard.values()), RATE // 2)
    below = {name: mix - each.loudness for name, each in heard.items()}
    assert max(below.values()) < QUIETEST, below
    sound = record(performance)
    meter = pyloudnorm.Meter(RATE)
    assert abs(meter.integrated_loudness(sound.samples.astype(np.float64)) + 14) < 0.5
    assert 20 * np.log10(np.abs(resample_poly(sound.samples, 4, 1, axis=0)).max()) <= -1


def test_songs_are_mixed_by_the_rules_that_they_were_made_by(song) -> None:
    tune, sections = song("4/4")
    band = next(each for each in PLAYING if each.name == "singer")
    played = PlayedSong(band, arrange(tune, sections, band, np.random.default_rng(1)), Fraction(0), {}, {})
    wanted = {"": (False, False), "1": (False, False), "2": (True, False), "3": (True, True)}
    for rules, switches in wanted.items():
        made = Setting(versions={"mixing": rules} if rules else {}, device="cpu")
        found = played.performance(SongRecipe(setting=made))
        assert (found.evened, found.lifted) == switches
    today = played.performance(SongRecipe())
    assert (today.evened, today.lifted) == (True, True)


def test_an_intro_in_which_few_play_is_as_loud_as_the_verse(song) -> None:
    tune, _ = song("4/4")
    short = tune.passage(tune.bars()[0].start, tune.bars()[8].start)
    sections = sections_of([("A", 2), ("B", 2), ("C", 2), ("B", 2)])
    band = next(each for each in PLAYING if each.name == "sixties")
    score = arrange(replace(short, tempo=190.0), sections, band, np.random.default_rng(1))
    performance = perform(score, band, np.random.default_rng(1))
    starts = {bar.number: bar.start for bar in score.bars()}
    places = {each.name: starts[each.first_bar] for each in reversed(score.sections)}

    def loud(evened: bool) -> dict[str, float]:
        sound = record(replace(performance, evened=evened)).samples.astype(np.float64)
        meter = pyloudnorm.Meter(RATE)
        found = {}
        for name, place in places.items():
            begin = int((performance.clock.seconds(place) + performance.lead_in + 0.3) * RATE)
            found[name] = meter.integrated_loudness(sound[begin : begin + 2 * RATE])
        return {name: each - found["A"] for name, each in found.items()}

    before, after = loud(evened=False), loud(evened=True)
    assert abs(after["Intro"] + 1) < abs(before["Intro"] + 1)
    assert after["C"] < after["B"]  # the bridge is below the chorus
