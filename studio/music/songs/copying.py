"""The copy limit of a section beside the sections that it is next to.

    limit = CopyLimit(sung, notes, before=…, after=…, itself=…)
    play = limit.player()                       # draws that keep it, see `chains.watched`

A run of notes may begin in one section and end in the next. Draws of a section are therefore watched from the
last notes of those that it follows on, and up to the first notes of those that follow it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from studio.music.chains.sampling import Solution
from studio.music.chains.watched import keeps_watch, sample_watched
from studio.music.melody.takes import Player, by_chain

if TYPE_CHECKING:
    from studio.music.songs.sung import SungIdiom

FEW = 8
"""Melodies that are drawn at least where some of them have to be thrown away."""

ENOUGH = 0.5
"""The part of the melodies asked for that are enough to choose among."""

TOGETHER = 2
"""How many times as many melodies as are asked for grow together."""

Pitches = tuple[int, ...]


@dataclass(frozen=True)
class NotesSoFar:
    """What counts of a melody so far. tails: its latest pitches, after each section that it may follow. head:
    its first ones.
    """

    tails: tuple[Pitches, ...]
    head: Pitches = ()


@dataclass(frozen=True, eq=False)
class CopyLimit:
    """sung: what it is sung by. notes: the longest run that may be as in a song. before, after: the pitches
    of the sections that it follows, and of those that follow it. itself: whether it follows itself. settles:
    it does not leap an octave and at once back.
    """

    sung: SungIdiom
    notes: int
    before: tuple[Pitches, ...] = ()
    after: tuple[Pitches, ...] = ()
    itself: bool = False
    settles: bool = False
    known: dict[tuple[Pitches, Pitches], bool] = field(default_factory=dict)
    """Whether notes may follow others, once it was asked."""

    @classmethod
    def of(
        cls, sung: SungIdiom, notes: int, order: Sequence[str], letter: str, known: Mapping[str, Pitches]
    ) -> CopyLimit:
        """Of a section in a song. order: the letters of all its sections. known: the pitches of those that
        were drawn.
        """
        pairs = dict.fromkeys(pairwise(order))
        before = tuple(known[one] for one, other in pairs if other == letter != one and one in known)
        after = tuple(known[other] for one, other in pairs if one == letter != other and other in known)
        return cls(sung, notes, before, after, (letter, letter) in pairs)

    def start(self) -> NotesSoFar:
        """Before its first note."""
        return NotesSoFar(tuple(dict.fromkeys(line[-self.notes :] for line in self.before)) or ((),))

    def after_symbol(self, heard: NotesSoFar, symbol: int) -> NotesSoFar | None:
        """With one more event."""
        if not self.sung.struck[symbol]:
            return heard
        pitch = (int(self.sung.pitch[symbol]),)
        if not all(self._may_follow(tail, pitch) for tail in heard.tails):
            return None
        tails = tuple(dict.fromkeys((*tail, *pitch)[-self.notes :] for tail in heard.tails))
        head = (*heard.head, *pitch) if len(heard.head) < self.notes else heard.head
        return NotesSoFar(tails, head)

    def may_end(self, heard: NotesSoFar) -> bool:
        """Whether the next section may follow."""
        heads = [line[: self.notes] for line in self.after] + ([heard.head] if self.itself else [])
        return all(self._may_follow(tail, head) for tail in heard.tails for head in heads)

    def player(self) -> Player:
        """Draws melodies that keep the limit; where none of those that were tried does, others, so that it is
        left to the song as a whole. As long as enough of a few draws keep it, each is an exact draw.
        """
        watcher = _Watcher(self)

        def play(solution: Solution, count: int, random: np.random.Generator) -> list[list[int]]:
            least = count if self.sung.keeps_copies else max(count, FEW)
            drawn = by_chain(solution, least, random)
            kept = [row for row in drawn if keeps_watch(watcher, row)]
            if len(kept) >= ENOUGH * count:
                return kept[:count]
            kept += sample_watched(solution, watcher, max(TOGETHER * count, FEW), random)
            several = list(map(list, dict.fromkeys(map(tuple, kept))))
            return several[:count] or drawn[:count]

        return play

    def _may_follow(self, tail: Pitches, pitches: Pitches) -> bool:
        if (tail, pitches) not in self.known:
            line = (*tail, *pitches)
            swings = self.settles and octaves_to_and_fro(line)
            self.known[tail, pitches] = not swings and self.sung.keeps_line(line, self.notes)
        return self.known[tail, pitches]


def octaves_to_and_fro(pitches: Sequence[int]) -> int:
    """How often a melody leaps an octave and at once back again."""
    rises = [b - a for a, b in pairwise(pitches)]
    return sum(abs(one) == 12 and two == -one for one, two in pairwise(rises))


@dataclass(frozen=True)
class _Watcher:
    """A copy limit as `chains.watched` asks it."""

    limit: CopyLimit

    def start(self) -> NotesSoFar:
        return self.limit.start()

    def after(self, state: NotesSoFar, symbol: int) -> NotesSoFar | None:
        return self.limit.after_symbol(state, symbol)

    def may_end(self, state: NotesSoFar) -> bool:
        return self.limit.may_end(state)
