"""Runs of notes that tunes share, found by a suffix array.

A run is counted in notes: eight notes in a row whose seven intervals stand in a tune are a shared run of 8 in
intervals. Rests are passed over, ties are one note, repeats count as written.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from studio.music.scores.tunes import Tune

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class RunKind(StrEnum):
    """What counts as the same: the pitches, the intervals (so that a transposed copy is a copy), or the
    intervals with the note lengths.
    """

    PITCH = "pitch"
    INTERVAL = "interval"
    RHYTHM = "interval and duration"


def tokens(tune: Tune, kind: RunKind) -> list[int]:
    """A tune's sounding notes as numbers that are equal exactly where the music is: one a note (pitch) or one
    a step to the next note.
    """
    notes = tune.sounding
    pitches = [note.pitch or 0 for note in notes]
    return coded(
        pitches,
        [note.duration.numerator for note in notes],
        [note.duration.denominator for note in notes],
        kind,
    )


def coded(pitches: list[int], tops: list[int], bottoms: list[int], kind: RunKind) -> list[int]:
    """Pitches, and lengths as tops over bottoms, as tokens."""
    if kind is RunKind.PITCH:
        return pitches
    steps = [after - before + 128 for before, after in pairwise(pitches)]
    if kind is RunKind.INTERVAL:
        return steps
    # A step counts with the length of the note it leaves; the last note of a run may be longer or shorter.
    return [
        step << 40 | (top & 0xFFFFF) << 20 | bottom & 0xFFFFF
        for step, top, bottom in zip(steps, tops, bottoms, strict=False)
    ]


class SuffixArray:
    """Many lines of tokens with their suffix array. Every line ends in a separator of its own, so nothing
    matches across two lines.
    """

    def __init__(self, lines: Sequence[Sequence[int]]) -> None:
        import numpy as np

        self.count = len(lines)
        self.starts = np.zeros(len(lines) + 1, np.int64)
        whole: list[int] = []
        for number, line in enumerate(lines):
            whole += line
            whole.append(-1 - number)
            self.starts[number + 1] = len(whole)
        self.whole = whole
        self.line_of = np.repeat(np.arange(len(lines)), np.diff(self.starts))
        self.ranks = self._double(np.array(whole, np.int64))
        self.order = np.argsort(self.ranks[-1], kind="stable")
        self._order = self.order.tolist()
        self._line_of = self.line_of.tolist()

    @staticmethod
    def _double(whole: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """ranks[k][i]: the place of the 2^k tokens from i on among all such; the last has no two alike."""
        import numpy as np

        n = len(whole)
        if n == 0:
            return [np.zeros(0, np.int64)]
        ranks = [np.unique(whole, return_inverse=True)[1].astype(np.int64)]
        width = 1
        while width < n and ranks[-1].max() < n - 1:
            following = np.zeros(n, np.int64)
            following[: n - width] = ranks[-1][width:] + 1
            ranks.append(np.unique(ranks[-1] * (n + 1) + following, return_inverse=True)[1].astype(np.int64))
            width *= 2
        return ranks

    def common(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many tokens the suffixes at these places have in common, pair by pair."""
        import numpy as np

        n = len(self.whole)
        length = np.zeros(len(one), np.int64)
        for level in range(len(self.ranks) - 1, -1, -1):
            a, b = one + length, other + length
            inside = (a < n) & (b < n)
            same = np.zeros(len(one), bool)
            same[inside] = self.ranks[level][a[inside]] == self.ranks[level][b[inside]]
            length += same.astype(np.int64) << level
        return length

    def borrowed(self) -> list[NDArray[np.int64]]:
        """For every line: at each token, the length of the longest run from there that stands in another
        line.
        """
        import numpy as np

        n = len(self.order)
        if n == 0:
            return []
        lines = self.line_of[self.order]
        change = np.flatnonzero(np.diff(lines)) + 1
        # In the order of the suffixes: the nearest before and after that belong to another line.
        block = np.searchsorted(change, np.arange(n), side="right")
        before = np.concatenate([[-1], change - 1])[block]
        after = np.concatenate([change, [n]])[block]
        best = np.zeros(n, np.int64)
        for neighbour in (before, after):
            there = (neighbour >= 0) & (neighbour < n)
            found = self.common(self.order[there], self.order[neighbour[there]])
            best[there] = np.maximum(best[there], found)
        at = np.zeros(n, np.int64)
        at[self.order] = best
        return [at[self.starts[line] : self.starts[line + 1] - 1] for line in range(self.count)]

    def matches(self, line: Sequence[int], leave_out: int | None = None) -> list[tuple[int, int, int]]:
        """At each token of a line from elsewhere: the longest run from there that stands in a line here:
        (length, line, place in it).
        """
        found = []
        whole, order = self.whole, self._order
        for place in range(len(line)):
            rest = list(line[place:])
            here = bisect_left(order, rest, key=lambda start: whole[start : start + len(rest)])
            best = (0, 0, 0)
            for step in (-1, 1):
                at = here - 1 if step < 0 else here
                while 0 <= at < len(order) and self._line_of[order[at]] == leave_out:
                    at += step
                if 0 <= at < len(order):
                    start = order[at]
                    length = 0
                    while (
                        length < len(rest)
                        and start + length < len(whole)
                        and whole[start + length] == rest[length]
                    ):
                        length += 1
                    if length > best[0]:
                        number = self._line_of[start]
                        best = (length, number, start - int(self.starts[number]))
            found.append(best)
        return found

    def songs_sharing(self, line: Sequence[int], length: int) -> list[int]:
        """The number of every line here that has one of the runs of `length` tokens, once a run."""
        songs: list[int] = []
        whole, order = self.whole, self._order
        for run in {tuple(line[place : place + length]) for place in range(len(line) - length + 1)}:
            wanted = list(run)
            here = bisect_left(order, wanted, key=lambda start: whole[start : start + length])
            those = set()
            while here < len(order) and whole[order[here] : order[here] + length] == wanted:
                those.add(self._line_of[order[here]])
                here += 1
            songs += those
        return songs
