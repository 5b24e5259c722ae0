"""How the chords of a style's songs go round: which bars of a section are as an earlier one, and how many
different chords a song has.

    loops = ChordLoops.of(shipped_habits("sixties-pop"), "4/4 major")     # None where nothing is known
    loops.returns(plan, random)          # bar -> later bars with the same chords, in and between sections
    loops.kinds_of_a_song(plan, random)  # different triads, as a song of about that length has

A chain of chords wanders: it goes from chord to chord as songs do, and never comes back to a bar on purpose.
Chart songs go round in loops of one, two or four bars. So what goes round is drawn first, one pattern a
section, as often as the songs have it, and the chain fills the bars that are new.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from studio.music.songs.habits import SongHabits
from studio.music.songs.plan import SheetPlan

Pattern = tuple[int, ...]
"""For each bar of a section, the first bar (from 0) that is like it: (0, 1, 0, 1) is a loop of two bars."""

FEWEST = 12
"""Songs or sections of about a length without which nothing is known of it."""


def pattern_of(bars: Sequence[Hashable]) -> Pattern:
    """Which bars are equal."""
    first: dict[Hashable, int] = {}
    return tuple(first.setdefault(bar, number) for number, bar in enumerate(bars))


@dataclass(frozen=True)
class ChordLoops:
    """patterns: bars of a section -> pattern -> how often. kinds: (bars, different triads) of the first two
    and the first three different sections of each song.
    """

    patterns: Mapping[int, Mapping[Pattern, int]]
    kinds: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, habits: SongHabits, name: str) -> ChordLoops | None:
        """name: meter and mode."""
        if not habits.loops:
            return None
        return cls(habits.loops, tuple(habits.kinds.get(name, ())))

    def returns(self, plan: SheetPlan, random: np.random.Generator) -> dict[int, list[int]]:
        """`plan.returns`, and what goes round within its sections. The last bar of the song is as no other,
        for it has to end.
        """
        found = {bar: set(copies) for bar, copies in plan.returns.items()}
        copied = {copy for copies in found.values() for copy in copies}
        for part in plan.sections:
            if part.first in copied or plan.anchors:
                continue  # the same section again, or a form that says its chords
            last = part.letter == plan.sections[-1].letter
            for bar, of in enumerate(self._drawn(part.bars, random)):
                here, there = part.first + bar, part.first + of
                if of == bar or here in copied or (last and bar == part.bars - 1):
                    continue
                found.setdefault(there, set()).update({here}, found.pop(here, set()))
                copied |= found[there]
        return {bar: sorted(copies) for bar, copies in sorted(found.items())}

    def _drawn(self, bars: int, random: np.random.Generator) -> Pattern:
        """A pattern for so many bars: two halves where only half of it is known; nothing returns where that
        is not either.
        """
        known = self.patterns.get(bars, {})
        if sum(known.values()) >= FEWEST:
            ways = sorted(known)
            counts = np.array([known[way] for way in ways], dtype=np.float64)
            return ways[int(random.choice(len(ways), p=counts / counts.sum()))]
        if bars % 2 or bars < 4:
            return tuple(range(bars))
        half = bars // 2
        return (*self._drawn(half, random), *(half + bar for bar in self._drawn(half, random)))

    def kinds_of_a_song(self, plan: SheetPlan, random: np.random.Generator) -> int | None:
        """How many different triads a song has whose different sections are about as long: one such song is
        drawn; None where few are known.
        """
        bars = sum({part.letter.rstrip("'"): part.bars for part in plan.sections}.values())
        like = [kinds for length, kinds in self.kinds if bars * 2 <= length * 3 <= bars * 5]
        return like[int(random.integers(len(like)))] if len(like) >= FEWEST else None
