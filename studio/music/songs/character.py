"""What the melodies of a style's sections are like: how wide they reach, how often a rhythm comes back, where
they peak, and how sections differ from the first of their song. See `harmony.character` for what it is for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
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


@dataclass(frozen=True, eq=False, slots=True)
class ReadBar:
    """What is asked of a bar. key: equal for equal bars. pitches, places: of the notes that are struck in it.
    rhythm: equal for equal rhythms. held: ticks in notes of half a bar or more. heard: (pitch, ticks, place)
    of its events.
    """

    key: Hashable
    pitches: tuple[int, ...]
    places: tuple[int, ...]
    rhythm: tuple[tuple[int, int, bool, bool], ...]
    held: int
    heard: tuple[tuple[int, int, int], ...]

    @classmethod
    def of(cls, bar: Sequence[Event], length: int, key: Hashable | None = None) -> ReadBar:
        """length: ticks a bar. key: None for the events themselves."""
        struck = [event for event in bar if event.pitch >= 0 and not event.carries]
        return cls(
            tuple(bar) if key is None else key,
            tuple(event.pitch for event in struck),
            tuple(event.place for event in struck),
            tuple((event.place, event.ticks, event.pitch < 0, event.carries) for event in bar),
            sum(event.ticks for event in bar if event.pitch >= 0 and event.ticks * 2 >= length),
            tuple((event.pitch, event.ticks, event.place) for event in bar),
        )


def melody_figures(bars: Sequence[ReadBar], length: int) -> list[float]:
    """The figures `MELODY` of a section. length: ticks a bar."""
    pitches = [pitch for bar in bars for pitch in bar.pitches]
    count, notes = len(bars), len(pitches)
    if notes < 2:
        return [0.0] * len(MELODY)
    rises = [b - a for a, b in pairwise(pitches)]
    rhythms = [bar.rhythm for bar in bars]
    half = sum([len(bar.pitches) for bar in bars[: (count + 1) // 2]])
    there, here = pitches[:half], pitches[half:]
    low, high = min(pitches), max(pitches)
    top = next(n for n, bar in enumerate(bars) if high in bar.pitches)
    place = bars[top].places[bars[top].pitches.index(high)]
    parallel = [
        n for n in range(2, count) if rhythms[n] == rhythms[n - 2] or (n > 3 and rhythms[n] == rhythms[n - 4])
    ]
    common = sum(sorted(Counter(pitches).values())[-3:])
    held = sum([bar.held for bar in bars])
    turns = [a == c != b for a, b, c in zip(pitches, pitches[1:], pitches[2:], strict=False)]
    return [
        float(np.log(notes / count)),
        float(high - low),
        float(len(set(pitches))),
        common / notes,
        len(set(rhythms)) / count,
        len({bar.key for bar in bars}) / count,
        sum(turns) / notes,
        rises.count(0) / len(rises),
        len([rise for rise in rises if rise > 4 or rise < -4]) / len(rises),
        (sum(here) / len(here) if here else 0.0) - (sum(there) / len(there) if there else 0.0),
        (top + place / length) / count,
        len(parallel) / max(1, count - 2),
        held / (count * length),
    ]


def steps_over_rests(bars: Sequence[ReadBar]) -> list[int]:
    """Semitones from the last note before each rest to the first one after it."""
    found, before, rested = [], None, False
    for pitch, _, _ in (event for bar in bars for event in bar.heard):
        if pitch < 0:
            rested = before is not None
            continue
        if rested and before is not None:
            found.append(pitch - before)
        before, rested = pitch, False
    return found


def contrast_figures(first: Sequence[ReadBar], other: Sequence[ReadBar]) -> list[float]:
    """The figures `CONTRAST` of a section beside the first one of its song."""

    def told(bars: Sequence[ReadBar]) -> tuple[float, float]:
        pitches = [pitch for bar in bars for pitch in bar.pitches]
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
        read = lru_cache(maxsize=None)(partial(ReadBar.of, length=length))  # songs repeat their bars
        for song in songs:
            sections = [list(map(read, section)) for section in _sections(song.in_bars())]
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
