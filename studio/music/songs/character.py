"""What the melodies of a style's sections are like: how wide they reach, how often a rhythm comes back, where
they peak, and how sections differ from the first of their song. See `harmony.character` for what it is for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from studio.music.harmony.character import Character
from studio.music.harmony.idiom import SECTION
from studio.music.melody.idiom import Event, LearntTune

MELODY = (
    "notes",  # logarithm of the notes a bar
    "range",  # semitones from the lowest to the highest
    "pitches",  # how many different ones
    "three",  # share of the notes that are on the three commonest pitches
    "rhythms",  # different rhythms, as a share of the bars
    "bars",  # different bars, as a share
    "turns",  # share of the notes that go to a neighbour and back (x y x)
    "repeated",  # share of the steps that stay on the pitch
    "leaps",  # share of the steps that are over four semitones
    "rise",  # mean pitch of the second half over that of the first
    "peak",  # where the highest note comes first, 0..1
    "parallel",  # share of the bars with the rhythm of the bar two or four before
    "long",  # share of the time in notes of half a bar or more
)
CONTRAST = ("height", "busier")
"""Of a section beside the first of its song: mean pitch in semitones, logarithm of the notes a bar."""


def melody_figures(bars: Sequence[Sequence[Event]], length: int) -> list[float]:
    """The figures `MELODY` of a section. length: ticks a bar."""
    struck = [(n, e) for n, bar in enumerate(bars) for e in bar if e.pitch >= 0 and not e.carries]
    pitches = [event.pitch for _, event in struck]
    count = len(bars)
    if len(pitches) < 2:
        return [0.0] * len(MELODY)
    rises = [b - a for a, b in pairwise(pitches)]
    rhythms = [tuple((e.place, e.ticks, e.pitch < 0, e.carries) for e in bar) for bar in bars]
    there = [pitch for (bar, _), pitch in zip(struck, pitches, strict=True) if bar * 2 < count]
    here = pitches[len(there) :]
    top = struck[int(np.argmax(pitches))]
    parallel = [
        n for n in range(2, count) if rhythms[n] == rhythms[n - 2] or (n > 3 and rhythms[n] == rhythms[n - 4])
    ]
    common = sum(times for _, times in Counter(pitches).most_common(3))
    held = sum(e.ticks for bar in bars for e in bar if e.pitch >= 0 and e.ticks * 2 >= length)
    return [
        float(np.log(len(pitches) / count)),
        float(max(pitches) - min(pitches)),
        float(len(set(pitches))),
        common / len(pitches),
        len(set(rhythms)) / count,
        len({tuple(bar) for bar in bars}) / count,
        sum(a == c != b for a, b, c in zip(pitches, pitches[1:], pitches[2:], strict=False)) / len(pitches),
        sum(rise == 0 for rise in rises) / len(rises),
        sum(abs(rise) > 4 for rise in rises) / len(rises),
        (sum(here) / len(here) if here else 0.0) - (sum(there) / len(there) if there else 0.0),
        (top[0] + top[1].place / length) / count,
        len(parallel) / max(1, count - 2),
        held / (count * length),
    ]


def contrast_figures(first: Sequence[Sequence[Event]], other: Sequence[Sequence[Event]]) -> list[float]:
    """The figures `CONTRAST` of a section beside the first one of its song."""

    def told(bars: Sequence[Sequence[Event]]) -> tuple[float, float]:
        pitches = [event.pitch for bar in bars for event in bar if event.pitch >= 0 and not event.carries]
        return (sum(pitches) / len(pitches) if pitches else 0.0), float(
            np.log(max(1, len(pitches)) / max(1, len(bars)))
        )

    (height, busy), (its, own) = told(first), told(other)
    return [its - height, own - busy]


@dataclass(frozen=True, eq=False)
class MelodyCharacter:
    """How sections are alone, and beside the first of their song."""

    alone: Character
    beside: Character

    @classmethod
    def of(cls, songs: Sequence[LearntTune], length: int) -> MelodyCharacter:
        """From whole songs. length: ticks a bar."""
        alone: list[list[float]] = []
        beside: list[list[float]] = []
        for song in songs:
            sections = _sections(song.in_bars())
            alone += [melody_figures(section, length) for section in sections]
            beside += [contrast_figures(sections[0], section) for section in sections[1:]]
        return cls(Character.of(alone), Character.of(beside))


def _sections(bars: Sequence[tuple[Event, ...]]) -> list[list[tuple[Event, ...]]]:
    """The different whole sections of `SECTION` bars of a song; one that is mostly an earlier one is none."""
    found: list[list[tuple[Event, ...]]] = []
    for start in range(0, len(bars) - SECTION + 1, SECTION):
        section = list(bars[start : start + SECTION])
        if any(sum(a == b for a, b in zip(section, known, strict=True)) * 2 >= SECTION for known in found):
            continue
        if sum(any(event.pitch >= 0 for event in bar) for bar in section) * 4 >= 3 * SECTION:
            found.append(section)
    return found
