"""What the sections of a style are like, in a few figures; and draws chosen so that theirs are alike.

    weights = idiom.character.weights(figures)            # [draws]: how often each draw should be taken

A chain knows what follows what. It does not know how long a song stays on a chord at most, or how much of a
section returns, so its draws differ from the style in these. Each section is described by figures (`CHORDS`;
for melodies see `songs.character`). Among many exact draws one is then taken in proportion to p(figures |
style) over p(figures | draws), both multivariate normal: importance resampling. What is taken is distributed
like the style's own sections as the number of draws grows: not duller, and not beyond them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from studio.music.chains.markov import Floats, Mask

if TYPE_CHECKING:
    from studio.music.harmony.idiom import ChordEvent, ChordLine

CHORDS = (
    "chords",  # logarithm of the chords a bar
    "stay",  # the longest stay on a chord, in bars
    "kinds",  # how many different chords
    "home",  # share of the time on the tonic's chord
    "sevenths",  # share of the chords with more than three tones
    "returns",  # share of the bars that are an earlier one
    "beside",  # share of the bars that are the one before
)

FEWEST = 8
"""Sections without which nothing is known of a style's character."""

SHRUNK = 0.12
"""How much of each covariance is its diagonal: forty draws do not tell how thirteen figures go together."""

DEFENCE = 0.3
"""Share of the style itself in what draws are compared with (a defensive mixture: Hesterberg, Technometrics
37:185, 1995): no draw gets more than 1 / 0.3 times the usual weight.
"""

MOST = 6.0
"""Draws whose logarithms of weight are so much below the best are all alike unlikely."""


@dataclass(frozen=True, eq=False)
class Character:
    """The figures of a style's sections. mean: [figures]. covariance: [figures, figures]. None where too few
    are known.
    """

    mean: Floats | None
    covariance: Floats | None

    @classmethod
    def of(cls, figures: Sequence[Sequence[float]]) -> Character:
        if len(figures) < FEWEST:
            return cls(None, None)
        rows = np.array(figures, dtype=np.float64)
        return cls(rows.mean(axis=0), _spread(rows))

    def log_weights(self, figures: Sequence[Sequence[float]]) -> Floats:
        """[draws]: the logarithm of how much more likely such figures are in the style than among these
        draws; 0 is the best.
        """
        if self.mean is None or self.covariance is None or len(figures) < 3:
            return np.zeros(len(figures))
        rows = np.array(figures, dtype=np.float64)
        # What the draws hardly differ in says nothing of which to take.
        floor = np.diag(0.05 * np.diag(self.covariance) + 1e-9)
        wanted = _log_normal(rows, self.mean, self.covariance + floor)
        drawn = _log_normal(rows, rows.mean(axis=0), _spread(rows) + floor)
        # Against a mixture of both, so that the odd draw in the tail of a normal is not taken every time.
        found = wanted - np.logaddexp(np.log(DEFENCE) + wanted, np.log(1 - DEFENCE) + drawn)
        clipped: Floats = np.maximum(found - found.max(), -MOST)
        return clipped

    def stays_long(self, stays: Sequence[float]) -> Mask:
        """[draws]: whether each is a long stay on a chord, see `LONG`. stays: in bars."""
        if self.mean is None or self.covariance is None:
            return np.zeros(len(stays), dtype=bool)
        most = self.mean[LONGEST_STAY] + LONG * np.sqrt(self.covariance[LONGEST_STAY, LONGEST_STAY])
        found: Mask = np.array(stays, dtype=np.float64) > most
        return found

    def weights(self, figures: Sequence[Sequence[float]]) -> Floats:
        """[draws]: the same as weights, the best 1."""
        found: Floats = np.exp(self.log_weights(figures))
        return found


LONGEST_STAY = CHORDS.index("stay")

LONG, DWELLING = 2.0, 4.0
"""A stay on a chord is long that is longer by as many standard deviations than the longest ones of the
style's sections; and by how much (a logarithm) it is avoided, since the normal distributions that are
compared do not know that songs have none.
"""


def longest_stay(events: Iterable[ChordEvent], length: int) -> float:
    """In bars. length: ticks a bar."""
    longest, stay, latest = 0, 0, None
    for event in events:
        stay = stay + event.ticks if event.harmony == latest else event.ticks
        longest, latest = max(longest, stay), event.harmony
    return longest / length


def evenness(lengths: Mapping[int, int]) -> float:
    """How evenly chords share the time: the entropy of their shares, in nats. lengths: chord -> how long it
    sounds.
    """
    shares = np.array(list(lengths.values()), dtype=np.float64)
    shares /= shares.sum()
    return float(-(shares * np.log(shares)).sum())


def _spread(rows: Floats) -> Floats:
    whole = np.atleast_2d(np.cov(rows.T))
    found: Floats = (1 - SHRUNK) * whole + SHRUNK * np.diag(np.diag(whole))
    return found


def _log_normal(rows: Floats, mean: Floats, covariance: Floats) -> Floats:
    apart = rows - mean
    solved = np.linalg.solve(covariance, apart.T).T
    found: Floats = -0.5 * (apart * solved).sum(axis=1) - 0.5 * np.linalg.slogdet(covariance)[1]
    return found


def chord_figures(bars: Sequence[Sequence[ChordEvent]], length: int) -> list[float]:
    """The figures `CHORDS` of a section. length: ticks a bar."""
    count = len(bars)
    stays: list[tuple[object, int]] = []
    plain: list[tuple[object, ...]] = []
    for bar in bars:
        plain.append(tuple((event.harmony, event.place, event.ticks) for event in bar))
        for event in bar:
            if stays and stays[-1][0] == event.harmony:
                stays[-1] = (event.harmony, stays[-1][1] + event.ticks)
            else:
                stays.append((event.harmony, event.ticks))
    events = [event for bar in bars for event in bar]
    total = sum(event.ticks for event in events) or 1
    begun = [event for event in events if not event.carries] or events
    earlier = [n for n in range(1, count) if plain[n] in plain[:n]]
    return [
        float(np.log(len(stays) / count)),
        max(ticks for _, ticks in stays) / length,
        float(len({event.harmony for event in events})),
        sum(event.ticks for event in events if event.harmony.root == 0) / total,
        sum(len(event.harmony.tones) > 3 for event in begun) / len(begun),
        len(earlier) / count,
        sum(a == b for a, b in pairwise(plain)) / count,
    ]


def chord_character(lines: Sequence[ChordLine], length: int, section_bars: int) -> Character:
    """Of the sections of these songs, each different one once a song. length: ticks a bar. section_bars: how
    long sections are.
    """
    figures = []
    for line in lines:
        bars: list[list[ChordEvent]] = [[] for _ in range(line.length)]
        for event, bar in zip(line.events, line.bars, strict=True):
            bars[bar].append(event)
        known: list[list[list[ChordEvent]]] = []
        for start in range(0, line.length - section_bars + 1, section_bars):
            section = bars[start : start + section_bars]
            alike = [sum(a == b for a, b in zip(section, one, strict=True)) for one in known]
            if not any(same * 4 >= 3 * section_bars for same in alike) and all(section):
                known.append(section)
                figures.append(chord_figures(section, length))
    return Character.of(figures)
