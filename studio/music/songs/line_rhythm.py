"""Where in its bars a line of words is sung: a rhythm that its stresses ask for, drawn by seed.

    rhythms = LineRhythms(meter, tick)
    rhythms.places(syllables, begin, end, random)     # the tick at which each syllable is expected to begin
    lead_of(line)                                 # syllables before the first stress, sung before the bar

Songs do not share out a line over its bars. They sing its syllables in about two thirds of the time, the
stressed ones on strong beats and the others between, and hold the last one; and lines of a stanza go alike.
So a rhythm is drawn for each line: a way over half beats that costs something wherever a stress is on a weak
place, a weak syllable on a strong one, a step is much longer or shorter than the line's own pace, or the line
ends late. Ways are drawn in proportion to exp(-cost), by forward sums and backward draws. A line in the same
place with the same stresses has the same rhythm, and one that differs leans towards the rhythm before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from fractions import Fraction
from math import log2

import numpy as np

from studio.music.chains.markov import Floats
from studio.music.scores.meters import Meter
from studio.music.words.laying import SMALL_WORDS
from studio.music.words.lyrics import MARKS, LyricLine, SungSyllable
from studio.music.words.stresses import level_of

HOLD = 0.42
"""The share of its time for which a line's last syllable is held, about."""

WARMTH = 0.4
"""By what costs are divided: how far rhythms vary."""

ALIKE = 0.9
"""What it costs to begin where the line before had no syllable."""

MOST_LEADING = 2
"""Syllables that may come before the first strong beat of a line; of three weak ones the second is strong.
"""

_WEAK = (
    "oh o ah well yes hey now all 'twas 'tis there there's i'll i've i'd you're you'll he's he'll she's "
    "i'm she'll it's it'll we're they're they'll that's will would can could should may might must have "
    "has had do does did not no nor some what how where why just let one two been too till until through upon"
)
WEAK_WORDS = SMALL_WORDS | frozenset(_WEAK.split())
"""Words that lead to a stress when they begin a line."""


class Weight(IntEnum):
    """How a syllable asks to be sung. LIGHT: see `LIGHT_WORDS`."""

    WEAK = 0
    MIDDLE = 1
    STRONG = 2
    LIGHT = 3


AT = {
    Weight.WEAK: (0.0, 0.2, 0.8, 1.5),
    Weight.MIDDLE: (0.7, 0.2, 0.2, 0.5),
    Weight.STRONG: (1.7, 0.6, 0.1, 0.0),
    Weight.LIGHT: (0.0, 0.3, 1.3, 3.0),
}
"""What a syllable costs on places of each strength, see `stresses.level_of`."""


def weight_of(syllable: SungSyllable) -> Weight:
    """How strongly a syllable asks to be sung."""
    if syllable.light:
        return Weight.LIGHT
    if is_small(syllable):
        return Weight.WEAK
    if syllable.stress == 1:
        return Weight.STRONG
    return Weight.WEAK if syllable.stress == 0 else Weight.MIDDLE


def is_small(syllable: SungSyllable) -> bool:
    """Whether it is a word that is seldom stressed."""
    return syllable.syllabic == "single" and syllable.word.lower().strip(",.;:!?'’\"“”") in SMALL_WORDS


def _leads_on(syllable: SungSyllable) -> bool:
    """Whether it leads to a stress at the beginning of a line."""
    word = syllable.word.lower().replace("’", "'").strip(MARKS)
    return syllable.stress == 0 or syllable.light or (syllable.syllabic == "single" and word in WEAK_WORDS)


def lead_of(line: LyricLine) -> int:
    """How many syllables come before the first stress of a line, at most `MOST_LEADING`; 0 where all of it
    is weak.
    """
    for count, each in enumerate(line.syllables):
        if not _leads_on(each):
            return count if count <= MOST_LEADING else 2 - count % 2
        if each.more or not each.text:
            return 0
    return 0


@dataclass
class LineRhythms:
    """Draws rhythms of the lines of one section.

    tick: in quarter notes. known: the rhythms so far, by what asks for them.
    """

    meter: Meter
    tick: Fraction
    known: dict[tuple[object, ...], tuple[int, ...]] = field(default_factory=dict)
    before: frozenset[int] = frozenset()

    def places(
        self, syllables: Sequence[SungSyllable], begin: int, end: int, random: np.random.Generator
    ) -> tuple[int, ...]:
        """[syllables]: ticks from the beginning of the section. begin, end: between these the line is sung.
        Shares the time out where it is too short for half beats.
        """
        bar = int(self.meter.bar_length / self.tick)
        parts = 3 if self.meter.beat.numerator % 3 == 0 else 2
        unit = max(1, int(self.meter.beat / self.tick) // parts)
        slots = (end - begin) // unit
        asked = tuple((int(weight_of(each)), each.notes) for each in syllables)
        if slots < sum(each.notes for each in syllables) + 1:
            share = (end - begin) / max(1, len(syllables))
            return tuple(begin + int(number * share) for number in range(len(syllables)))
        key = asked, (begin % bar), end - begin
        home = -(-begin // bar) * bar  # the bar line that an upbeat leads to
        if key not in self.known:
            levels = [level_of((begin + slot * unit) % bar * self.tick, self.meter) for slot in range(slots)]
            offsets = [begin - home + slot * unit for slot in range(slots)]
            strange = np.array([ALIKE * bool(self.before and each not in self.before) for each in offsets])
            way = _way(asked, levels, strange, slots * float(unit * self.tick / self.meter.beat), random)
            self.known[key] = tuple(offsets[slot] for slot in way)
            self.before |= frozenset(self.known[key])
        return tuple(home + offset for offset in self.known[key])


def _way(
    asked: Sequence[tuple[int, int]],
    levels: Sequence[int],
    strange: Floats,
    beats: float,
    random: np.random.Generator,
) -> list[int]:
    """The slot of each syllable. asked: (weight, notes) of each. beats: of the whole line."""
    slots, count = len(levels), len(asked)
    step = beats / slots
    notes = sum(each for _, each in asked)
    pace = max(step, beats * (1 - HOLD) / max(1, notes - 0.5))
    at = np.array([[AT[Weight(weight)][level] for level in levels] for weight, _ in asked])
    at[1:] += strange  # where a line begins is another matter
    at[0] += 0.6 * np.arange(slots) * step
    between = np.full((slots, slots), np.inf)
    for one in range(slots):
        for other in range(one + 1, slots):
            between[one, other] = 0.9 * abs(log2((other - one) * step / pace)) ** 1.5
    left = beats - np.arange(slots) * step
    ends = np.where(left >= max(1.0, HOLD * beats), 0.0, 2.0 * (max(1.0, HOLD * beats) - left))
    into = [np.exp(-at[0] / WARMTH)]
    for number in range(1, count):
        weight, held = asked[number - 1]
        cost = between + (0.35 if weight in (Weight.WEAK, Weight.LIGHT) else 0.0) * (between > 0)
        if held > 1:
            cost = np.where(np.subtract.outer(np.arange(slots), np.arange(slots)) > -held, np.inf, cost)
        into.append((into[-1] @ np.exp(-cost / WARMTH)) * np.exp(-at[number] / WARMTH))
    last = into[-1] * np.exp(-ends / WARMTH)
    if not last.sum() > 0:
        return [int(number * slots / count) for number in range(count)]
    found = [int(random.choice(slots, p=last / last.sum()))]
    for number in range(count - 1, 0, -1):
        ways = into[number - 1] * np.exp(-between[:, found[-1]] / WARMTH)
        ways[max(0, found[-1] - asked[number - 1][1] + 1) :] = 0
        found.append(int(random.choice(slots, p=ways / ways.sum())))
    return found[::-1]
