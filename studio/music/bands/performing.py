"""From an exact score to a performance, by a seed.

Players swing, are not quite together, and shape a phrase. How far a player strays from the beat drifts slowly
(x' = 0.7 x + e, as Hennig et al., "The nature and perception of fluctuations in human musical rhythms", PLoS
ONE 6(10), 2011, found for drummers: what is measured is correlated, and white noise sounds careless).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from zlib import crc32

import numpy as np

from studio.music.bands.band import Band, BandPlayer, band_by_name
from studio.music.scores.bars import Bar
from studio.music.scores.notes import Note
from studio.music.scores.performance import Clock, Performance, PlayedNote, PlayedPart
from studio.music.scores.scores import Part, Score

DRIFT = 0.7
"""How much of its lead or lag a player keeps from one note to the next."""

STRAY = 2.5
"""Steps of velocity (standard deviation) by which notes stray."""

ARCH = 6
"""Steps of velocity between the edges of a phrase of four bars and its middle."""

BEFORE = 0.15
"""Seconds of silence before the first beat, so that nobody can be too early."""


def perform(
    score: Score,
    band: Band | str,
    rng: np.random.Generator,
    *,
    feels: Mapping[str, int] | None = None,
) -> Performance:
    """The score as the band plays it: in seconds, with a velocity for each note.

    A part's deviations depend on the seed and its name alone, so that a kept part is played as before. feels:
    part -> a seed instead of the one that `rng` draws.
    """
    band = band_by_name(band) if isinstance(band, str) else band
    clock = Clock(score.tempi)
    bars = score.bars()
    start = int(rng.integers(2**31))
    parts = []
    for part in score.parts:
        player = next((each for each in band.player if each.name == part.name), None)
        feel = (feels or {}).get(part.name, start)
        own = np.random.default_rng(crc32(f"{feel}:{part.name}".encode()))
        parts.append(_played(part, player, band, _Feel(score, bars, clock, band), own))
    return Performance(score, tuple(parts), score.tempi, BEFORE)


class _Feel:
    """Where a place of the score is in time, with swing."""

    def __init__(self, score: Score, bars: tuple[Bar, ...], clock: Clock, band: Band) -> None:
        self.bars, self.clock = bars, clock
        self._starts = [bar.start for bar in bars]
        self._swing = band.swing_at(score.tempo)

    def bar_at(self, place: Fraction) -> Bar:
        from bisect import bisect_right

        return self.bars[max(0, bisect_right(self._starts, place) - 1)]

    def seconds(self, place: Fraction) -> float:
        """Places between beats are stretched so that the half of a beat comes late; thirds stay."""
        bar = self.bar_at(place)
        if self._swing == 0.5 or bar.meter.compound:
            return self.clock.seconds(place)
        beat, within = divmod(place - bar.start, bar.meter.beat)
        part = float(within / bar.meter.beat)
        if within and (within / bar.meter.beat).denominator not in (3, 6):
            s = self._swing
            part = part * 2 * s if part <= 0.5 else s + (part - 0.5) * 2 * (1 - s)
        return self.clock.seconds(float(bar.start + beat * bar.meter.beat) + part * float(bar.meter.beat))

    def arch(self, place: Fraction) -> float:
        """How far into a phrase of four bars a place is: 0 at its edges, 1 in the middle."""
        bar = self.bar_at(place)
        at = (bar.number - 1) % 4 + float((place - bar.start) / bar.meter.bar_length)
        return math.sin(math.pi * min(1.0, max(0.0, at / 4)))


def _played(
    part: Part, player: BandPlayer | None, band: Band, feel: _Feel, rng: np.random.Generator
) -> PlayedPart:
    ahead = (player.ahead if player else 0.0) / 1000
    strum = (player.strum if player else 0.0) / 1000
    spread = band.timing / 1000 * math.sqrt(1 - DRIFT**2)
    notes: list[PlayedNote] = []
    drift, before, string = 0.0, None, 0
    for note in sorted(part.notes, key=_by_place):
        if note.pitch is None:
            continue
        if note.start != before:
            drift = DRIFT * drift + float(rng.normal(0, spread)) if spread else 0.0
            before, string, stray = note.start, 0, float(rng.normal(0, STRAY)) if spread else 0.0
        else:
            string += 1
        off = drift - ahead + string * strum
        start = max(0.0, feel.seconds(note.start) + BEFORE + off)
        until = note.start + note.duration / 2 if note.staccato else note.end
        end = feel.seconds(until) + BEFORE + (drift - ahead if spread else 0.0)
        shaped = (note.velocity or part.velocity) + (ARCH * (feel.arch(note.start) - 0.6) if spread else 0)
        velocity = int(min(127, max(1, round(shaped + stray))))
        notes.append(PlayedNote(start, max(0.02, end - start), note.pitch, velocity))
    notes.sort(key=lambda each: (each.start, each.pitch))
    if player is None:
        return PlayedPart(part.name, tuple(notes), part.program, part.percussion)
    return PlayedPart(
        part.name, tuple(notes), part.program, part.percussion, player.level, player.pan, player.reverb
    )


def _by_place(note: Note) -> tuple[Fraction, int]:
    return note.start, note.pitch or 0
