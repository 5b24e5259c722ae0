"""How songs of a style end: where their last note begins, how long it is, and on which degree.

    ends = SongEnds.learnt(sung)                    # from songs; of a style of counts: SongEnds.shipped(…)
    for ending in ends.drawn(random):               # as often as the songs have them, each once
        ends.requirement(ending, sung, bars=8)      # the last section of a song ends so

A melody that is drawn section by section closes its last section as any other, often with a quarter note that
another song would have gone on from. So the last note of a song is drawn first, from those that the songs of
the style end on, and the melody leads to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from studio.music.chains.markov import Mask
from studio.music.chains.sampling import Requirement
from studio.music.songs.habits import End, shipped_habits

if TYPE_CHECKING:
    from studio.music.songs.sung import SungIdiom

TRIED = 5
"""Endings that are tried until a melody leads to one."""


@dataclass(frozen=True, slots=True)
class LastNote:
    """The last note of a song. back: bars from the bar it begins in to the one it ends in. place: where it
    begins in its bar. ticks: how long it sounds in the bar it begins in, and `last` in the bar it ends in.
    degree: semitones above the tonic.
    """

    back: int
    place: int
    ticks: int
    last: int
    degree: int


@dataclass(frozen=True)
class SongEnds:
    """Endings, each with how often songs have it."""

    counts: tuple[tuple[LastNote, int], ...]

    @classmethod
    def learnt(cls, sung: SungIdiom) -> SongEnds:
        """From the songs that an idiom was learnt from."""
        found: Counter[LastNote] = Counter()
        for song in sung.songs:
            bars = [bar for bar in song.in_bars() if any(event.pitch >= 0 for event in bar)]
            if not bars:
                continue
            last = next(event for event in reversed(bars[-1]) if event.pitch >= 0)
            first, back = last, 0
            while first.carries and first.place == 0 and back + 1 < len(bars) and bars[-2 - back]:
                first, back = bars[-2 - back][-1], back + 1
            degree = (last.pitch - sung.key.tonic) % 12
            found[LastNote(back, first.place, first.ticks, last.ticks, degree)] += 1
        return cls(tuple(sorted(found.items(), key=lambda each: (-each[1], repr(each[0])))))

    @classmethod
    def shipped(cls, name: str, sung: SungIdiom) -> SongEnds:
        """Those of a style of counts, by the name of its melodies."""
        mode = "minor" if sung.key.mode == "minor" else "major"
        counts = shipped_habits(name).ends.get(f"{sung.meter} {mode}", {})
        return cls(tuple((_in_ticks(end, sung), often) for end, often in sorted(counts.items())))

    def drawn(self, random: np.random.Generator) -> Iterator[LastNote]:
        """Up to `TRIED` endings on the tonic, or on any note where songs do not end there, the likelier the
        oftener songs have them, each once.
        """
        ways = [each for each in self.counts if each[0].degree == 0] or list(self.counts)
        weights = np.array([often for _, often in ways], dtype=np.float64)
        size = min(TRIED, len(ways))
        if size:
            for number in random.choice(len(ways), size=size, replace=False, p=weights / weights.sum()):
                yield ways[int(number)][0]

    def on_strong_beats(self, sung: SungIdiom, random: np.random.Generator) -> Iterator[LastNote]:
        """The same, those alone that begin on the first beat or in the middle of a bar that has a middle.
        Where no melody leads to one of these, a note of the tonic that begins with the last bar and is held
        to its end, or for half of it, or one in the middle of that bar.

        What songs end on beside that depends on a way to go on, or on words: one in seven waltzes of the
        songbook. But ends that are tied over bar lines are the hardest to reach, and so half of the drawn
        waltzes ended on a weak beat.
        """
        middle = sung.bar // 2 if sung.meter.numerator % 2 == 0 else 0
        strong = tuple(each for each in self.counts if each[0].place in (0, middle))
        yield from SongEnds(strong).drawn(random)
        for ticks in (sung.bar, -(-sung.bar * 2 // 3), -(-sung.bar // 2)):
            yield LastNote(0, 0, ticks, ticks, 0)
        if middle:  # where the last chord comes late, nothing else is a tone of it
            for ticks in (sung.bar - middle, (sung.bar - middle) // 2):
                yield LastNote(0, middle, ticks, ticks, 0)

    @staticmethod
    def requirement(ending: LastNote, sung: SungIdiom, bars: int) -> Requirement:
        """[bars, alphabet]: a section of so many bars ends so, and nothing is struck after that note."""
        allowed: Mask = np.ones((bars, sung.alphabet), dtype=bool)
        silent, right = ~sung.struck, sung.degree == ending.degree
        before = (sung.place < ending.place) & (sung.place + sung.ticks <= ending.place)
        here = (sung.place == ending.place) & sung.struck & right
        here &= sung.ticks >= min(ending.ticks, sung.bar - ending.place)
        after = (sung.place > ending.place) & silent
        first = bars - 1 - ending.back
        if first < 0:
            return Requirement("the end of a song")
        allowed[first] = before | here | after
        for bar in range(first + 1, bars):
            held = sung.carries & right & (sung.ticks >= (ending.last if bar == bars - 1 else sung.bar))
            allowed[bar] = ((sung.place == 0) & held) | ((sung.place > 0) & silent)
        return Requirement("the end of a song", allowed=allowed)


def _in_ticks(end: End, sung: SungIdiom) -> LastNote:
    back, place, length, last, degree = end
    return LastNote(back, int(place / sung.tick), int(length / sung.tick), int(last / sung.tick), degree)
