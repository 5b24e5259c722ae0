"""Runs of notes that tunes share, found with a suffix array.

A run is counted in notes: eight notes in a row whose seven intervals also occur in another tune are a shared
run of 8 in intervals. Rests are skipped, tied notes are one note, and repeats count as written.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from studio.music.scores.tunes import Tune

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class RunKind(StrEnum):
    """What has to be the same in a run: the pitches, the intervals (a transposed copy is then a copy), or the
    intervals and the note lengths.
    """

    PITCH = "pitch"
    INTERVAL = "interval"
    RHYTHM = "interval and duration"


def tokens(tune: Tune, kind: RunKind) -> list[int]:
    """A tune as numbers that are equal exactly where the music is: one for each note (PITCH) or one for each
    step to the next note. Rests are skipped.
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
    """The tokens of notes with these pitches and the lengths tops / bottoms."""
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
    """Many lines of tokens and their suffix array (Manber and Myers, SIAM J. Comput. 22, 1993).

    whole: all lines one after the other. Every line ends in a separator of its own, so nothing matches across
    two lines. starts: where each line begins in it, int64 [lines + 1]. order: where the suffixes begin, in
    sorted order.
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
        ranks = vars(self)["ranks"] = self._double(np.array(whole, np.int64))
        self._set(whole, np.argsort(ranks[-1], kind="stable"))

    @classmethod
    def from_arrays(
        cls, whole: NDArray[np.int64], starts: NDArray[np.int64], order: NDArray[np.int64]
    ) -> SuffixArray:
        """One that was built before. Raises `ValueError` for arrays that cannot be one's."""
        found = cls.__new__(cls)
        n = len(whole)
        fits = (
            len(order) == n and starts[0] == 0 and starts[-1] == n and bool((starts[1:] > starts[:-1]).all())
        )
        if not fits or (n and not (order.min() == 0 and order.max() == n - 1)):
            raise ValueError("these arrays are no suffix array's")
        found.count, found.starts = len(starts) - 1, starts
        found._set(whole.tolist(), order)
        return found

    def _set(self, whole: list[int], order: NDArray[np.int64]) -> None:
        import numpy as np

        self.whole, self.order = whole, order
        self.line_of = np.repeat(np.arange(self.count), np.diff(self.starts))
        self._order, self._line_of = order.tolist(), self.line_of.tolist()

    @cached_property
    def ranks(self) -> list[NDArray[np.int64]]:
        """See `_double`."""
        import numpy as np

        return self._double(np.array(self.whole, np.int64))

    @staticmethod
    def _double(whole: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """ranks[k][i]: the rank of the 2^k tokens from i on among all such. In the last no two are equal.

        Each round sorts by pairs of the ranks before it, which doubles the length that is compared.
        """
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
        """How many tokens the suffixes at these places have in common, pair by pair, int64 [n]."""
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
        """For every line and each of its tokens: the length of the longest run from there that occurs in
        another line.
        """
        import numpy as np

        n = len(self.order)
        if n == 0:
            return []
        lines = self.line_of[self.order]
        change = np.flatnonzero(np.diff(lines)) + 1
        # The longest match of a suffix is with the nearest before or after it, in sorted order, that belongs
        # to another line.
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
        """For each token of a line from elsewhere, the longest run from there that occurs in a line here, as
        (length, line, place in it). leave_out: number of a line that does not count.
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
        """The number of every line here with one of the other line's runs of `length` tokens, once for each
        run they share.
        """
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
