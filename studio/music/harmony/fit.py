"""How well a melody lies over chords, learnt from songs: which notes sound over which chord, where in the
bar, and how they are left.

    fit = FitCounts.of(tunes).fit()
    fit.of_melody(tune, bars, tonics, bar, tick)    # [ticks, chords]: log-likelihood of what sounds
    fit.ratios(degree, metric, leaves)              # [chords]: beside how likely the note is anyway

A note over a chord is an interval above its root. How often each interval sounds depends on the family of the
chord, on the place (a suspended fourth belongs on a strong beat, a passing note off it), and on how the note
is left: by step, by leap, or by neither. Half of what is learnt is tied over roots; the other half knows
which degree of the key the chord stands on.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import numpy as np

from studio.music.chains.markov import Floats, freeze
from studio.music.harmony.idiom import chord_changes
from studio.music.harmony.local_keys import local_tonics
from studio.music.harmony.symbols import Family, Harmony
from studio.music.scores.meters import Meter
from studio.music.scores.notes import Note
from studio.music.scores.tunes import Tune

FAMILIES = len(Family)
CHORDS = 12 * FAMILIES
"""Chords as fit knows them: root * FAMILIES + family."""

LOWEST, HIGHEST = -4.0, 2.0
"""Between these the logarithms are kept: what was never heard is unlikely, not impossible."""

PRIOR = 0.7
"""Quarter notes for each of the twelve intervals that are added to each table, spread as in the table
behind."""


class Metric(IntEnum):
    """How strong a place in the bar is."""

    STRONG = 0
    """The first beat, and the middle of a bar of four."""
    BEAT = 1
    OFF = 2


class Leaves(IntEnum):
    """How a note is left."""

    STEP = 0
    """By one or two semitones."""
    LEAP = 1
    STAYS = 2
    """The same note again, a rest, or the end."""


def metric_of(place: Fraction, meter: Meter) -> Metric:
    """How strong a place is, in quarter notes from the bar line."""
    bar, beat = meter.bar_length, meter.beat
    place = place % bar
    if place == 0 or (place * 2 == bar and (bar / beat).denominator == 1 and (bar / beat) % 2 == 0):
        return Metric.STRONG
    return Metric.BEAT if (place / beat).denominator == 1 else Metric.OFF


def leaving(notes: Sequence[Note]) -> list[Leaves]:
    """How each note of a line is left; for rests `Leaves.STAYS`."""
    found = [Leaves.STAYS] * len(notes)
    for place, (one, other) in enumerate(pairwise(notes)):
        if one.pitch is None or other.pitch is None or one.pitch == other.pitch:
            continue
        found[place] = Leaves.STEP if abs(one.pitch - other.pitch) <= 2 else Leaves.LEAP
    return found


@dataclass(frozen=True, eq=False)
class Fit:
    """What was learnt. All arrays are logarithms.

    tied: [families, metrics, leaves, 12], how likely an interval above the root sounds. own: [CHORDS, 12],
    how likely a degree of the key sounds over a chord on a degree of the key. degrees: [12], how likely it
    sounds at all.
    """

    tied: Floats
    own: Floats
    degrees: Floats

    def likelihood(self, degree: int, metric: Metric, leaves: Leaves) -> Floats:
        """[CHORDS]: the logarithm of how likely a note on this degree (0..11) is over each chord, half of it
        tied over roots.
        """
        root, family = np.divmod(np.arange(CHORDS), FAMILIES)
        tied = self.tied[family, metric, leaves, (degree - root) % 12]
        found: Floats = np.logaddexp(tied, self.own[:, degree]) - np.log(2)
        return found

    def ratios(self, degree: int, metric: Metric, leaves: Leaves) -> Floats:
        """[CHORDS]: the same beside how likely the note is anyway; between `LOWEST` and `HIGHEST`."""
        found: Floats = np.clip(
            self.likelihood(degree, metric, leaves) - self.degrees[degree], LOWEST, HIGHEST
        )
        return found

    def of_melody(
        self, tune: Tune, spans: Sequence[tuple[Fraction, Fraction]], tonics: Sequence[int], per_bar: int
    ) -> Floats:
        """[bars * per_bar, CHORDS]: at each tick, the likelihoods of what sounds there, times how many
        quarter notes of it do.

        spans: the bars, as (start, end). tonics: the key of each bar, to which chords are relative.
        """
        found = np.zeros((len(spans) * per_bar, CHORDS))
        left = leaving(tune.notes)
        for number, ((start, end), tonic) in enumerate(zip(spans, tonics, strict=True)):
            tick = tune.meter.bar_length / per_bar
            for place, note in enumerate(tune.notes):
                if note.pitch is None or note.end <= start or note.start >= end:
                    continue
                metric = metric_of(max(note.start, start) - start, tune.meter)
                said = self.likelihood((note.pitch - tonic) % 12, metric, left[place])
                first = max(0, int((note.start - start) / tick))
                for at in range(first, per_bar):
                    here = start + at * tick
                    if here >= note.end:
                        break
                    sounds = min(note.end, here + tick) - max(note.start, here)
                    found[number * per_bar + at] += float(sounds) * said
        return found


@dataclass(frozen=True, eq=False)
class FitCounts:
    """How long each note sounds over each chord, in quarter notes; the arrays that `Fit` is made of. roots:
    [families, 12], how long melodies sound over a family on each degree.
    """

    tied: Floats
    own: Floats
    roots: Floats

    @classmethod
    def of(cls, tunes: Iterable[Tune]) -> FitCounts:
        """From tunes; those without chords add nothing."""
        tied = np.zeros((FAMILIES, len(Metric), len(Leaves), 12))
        own = np.zeros((CHORDS, 12))
        roots = np.zeros((FAMILIES, 12))
        for tune in tunes:
            if not tune.chords:
                continue
            for meeting in meetings(tune, local_tonics(tune)):
                chord, degree = meeting.chord, meeting.degree
                tied[chord.family, meeting.metric, meeting.leaves, (degree - chord.root) % 12] += meeting.held
                own[chord.root * FAMILIES + chord.family, degree] += meeting.held
                roots[chord.family, chord.root] += meeting.held
        return cls(tied, own, roots)

    def __add__(self, other: FitCounts) -> FitCounts:
        return FitCounts(self.tied + other.tied, self.own + other.own, self.roots + other.roots)

    def __sub__(self, other: FitCounts) -> FitCounts:
        return FitCounts(self.tied - other.tied, self.own - other.own, self.roots - other.roots)

    def fit(self) -> Fit:
        """From counts to likelihoods. Each table is filled up by the one behind it: how an interval is left
        and placed by the interval alone, a chord on a degree by the chord on any.
        """
        plain = np.maximum(self.tied, 0).sum(axis=(1, 2)) + 0.1
        plain /= plain.sum(axis=1, keepdims=True)
        filled = np.maximum(self.tied, 0) + 12 * PRIOR * plain[:, None, None, :]
        filled /= filled.sum(axis=3, keepdims=True)
        degrees = self.own.sum(axis=0) + 0.5
        degrees /= degrees.sum()
        root, family = np.divmod(np.arange(CHORDS), FAMILIES)
        behind = plain[family[:, None], (np.arange(12)[None, :] - root[:, None]) % 12]
        specific = np.maximum(self.own, 0) + 12 * PRIOR * behind
        specific /= specific.sum(axis=1, keepdims=True)
        fit = Fit(np.log(filled), np.log(specific), np.log(degrees))
        freeze(fit)
        return fit


@dataclass(frozen=True, slots=True)
class Meeting:
    """A stretch in which one note sounds over one chord within a bar. chord: relative to the key of the bar.
    degree: of the note, in semitones above that key. held: how long, in quarter notes.
    """

    chord: Harmony
    degree: int
    metric: Metric
    leaves: Leaves
    held: float


def meetings(tune: Tune, tonics: Sequence[int]) -> Iterator[Meeting]:
    """Every meeting of a note and a chord in a tune with chords. tonics: the key of each of its bars."""
    changes = chord_changes(tune)
    if not changes:
        return
    # In whole ticks, fine enough for what is written: exact fractions would take most of the time.
    bars = [_ticks(bar.start) for bar in tune.bars()]
    pickup = _ticks(tune.pickup)
    starts = [_ticks(place) for place, _ in changes]
    edges = sorted({*starts, *bars})
    metric = _metrics(tune.meter)
    here = 0
    for note, leaves in zip(tune.notes, leaving(tune.notes), strict=True):
        begins, here = here, here + _ticks(note.duration)
        if note.pitch is None:
            continue
        inside = edges[bisect_right(edges, begins) : bisect_left(edges, here)]
        for start, end in pairwise([begins, *inside, here]):
            at = bisect_right(starts, start) - 1
            if at < 0 or end <= start:
                continue
            bar = bisect_right(bars, start) - 1
            tonic = tonics[min(bar, len(tonics) - 1)]
            place = start - bars[bar] if bar or not pickup else start - pickup
            yield Meeting(
                changes[at][1].moved(-tonic),
                (note.pitch - tonic) % 12,
                metric[place % len(metric)],
                leaves,
                (end - start) / PER_QUARTER,
            )


PER_QUARTER = 48
"""Ticks a quarter note in which meetings are counted."""


def _ticks(length: Fraction) -> int:
    return length.numerator * PER_QUARTER // length.denominator


@lru_cache(maxsize=32)
def _metrics(meter: Meter) -> tuple[Metric, ...]:
    """How strong each tick of a bar is."""
    return tuple(metric_of(Fraction(t, PER_QUARTER), meter) for t in range(_ticks(meter.bar_length)))
