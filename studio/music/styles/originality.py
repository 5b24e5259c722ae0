"""What a melody shares with the tunes of a style, and how much those share with each other.

    comparison = Comparison(style)
    report = comparison.report(melody)
    report.longest(Kind.INTERVAL).notes, report.nearest.title, comparison.max_copy

A run is counted in notes: eight notes in a row whose seven intervals stand in a tune are a shared run of 8 in
intervals. Rests are passed over, ties are one note, repeats count as written. The scale is the style's own:
each of its tunes against all the others (the idea of a human baseline: Yin, Reuben, Stepney and Collins, SN
Computer Science 3:340, 2022).

Exact, by a suffix array of all the tunes (built by doubling: Manber and Myers, SIAM J. Comput. 22, 1993):
building takes a moment for a thousand tunes, a melody a few milliseconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from studio.errors import Refused
from studio.music.scores.keys import Key, pitch_name
from studio.music.scores.notes import Note
from studio.music.scores.tunes import Tune

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Kind(StrEnum):
    """What counts as the same: the pitches, the intervals (so that a transposed copy is a copy), or the
    intervals with the note lengths.
    """

    PITCH = "pitch"
    INTERVAL = "interval"
    RHYTHM = "interval and duration"


LENGTHS = tuple(range(3, 17))
"""Run lengths, in notes, for which the share that stands in the style is told."""


@dataclass(frozen=True)
class Run:
    """The longest run a melody shares with a tune. notes: how long (0: none). start, song_start: number of
    its first note among the sounding ones, in the melody and the song; bar, song_bar: the bars these stand
    in."""

    kind: Kind
    notes: int
    start: int = 0
    bar: int = 0
    song: str = ""
    title: str = ""
    song_start: int = 0
    song_bar: int = 0


@dataclass(frozen=True)
class Pair:
    """One row of an alignment: a note of the melody beside one of the song; None where one has no
    counterpart.

    same: the pitches agree once the song is transposed; same_length: and the durations agree.
    """

    note: Note | None
    bar: int | None
    song_note: Note | None
    song_bar: int | None
    same: bool
    same_length: bool


@dataclass(frozen=True)
class Alignment:
    """The song that comes nearest, beside the melody. shift: half steps the song was moved by. agreement:
    share 0..1 of the melody's notes that have the same pitch at their place in the song. key: the melody's,
    that notes are named in."""

    song: str
    title: str
    shift: int
    agreement: float
    pairs: tuple[Pair, ...]
    key: Key = field(default_factory=lambda: Key(0))

    def side_by_side(self) -> list[tuple[int, str, str]]:
        """For each bar of the melody: its number, its notes, and the song's notes under them in the melody's
        key; a dot where one has none, an equals sign where pitch and length agree."""
        found: dict[int, list[tuple[str, str]]] = {}
        bar = next((pair.bar for pair in self.pairs if pair.bar is not None), 1)
        for pair in self.pairs:
            bar = bar if pair.bar is None else pair.bar
            mine = "." if pair.note is None else pitch_name(pair.note.pitch or 0, self.key)
            moved = None if pair.song_note is None else (pair.song_note.pitch or 0) + self.shift
            theirs = (
                "."
                if moved is None
                else "="
                if pair.same_length
                else pitch_name(moved, self.key)
                if 0 <= moved <= 127
                else "?"
            )
            found.setdefault(bar, []).append((mine, theirs))
        return [
            (number, *(" ".join(f"{pair[line]:<4}" for pair in pairs).rstrip() for line in (0, 1)))  # type: ignore[misc]
            for number, pairs in found.items()
        ]


@dataclass(frozen=True)
class Scale:
    """Where the style's own tunes lie: each one's longest run shared with another (notes), and the mean share
    of its runs of n notes that stand in another (0..1), by n."""

    kind: Kind
    runs: tuple[int, ...]
    shares: dict[int, float]

    def percentile(self, percent: float) -> float:
        """The run length that so many per cent of the tunes do not exceed."""
        import numpy as np

        return float(np.percentile(self.runs, percent)) if self.runs else 0.0

    def place(self, notes: int) -> float:
        """Share 0..1 of the style's own tunes that borrow at least such a run from another."""
        return sum(run >= notes for run in self.runs) / len(self.runs) if self.runs else 0.0


@dataclass(frozen=True)
class Originality:
    """What `Comparison.report` found. shares: kind -> run length in notes -> share 0..1 of the melody's runs
    that stand in the style.
    """

    style: str
    runs: dict[Kind, Run]
    shares: dict[Kind, dict[int, float]]
    scales: dict[Kind, Scale]
    nearest: Alignment | None

    def longest(self, kind: Kind = Kind.INTERVAL) -> Run:
        return self.runs[kind]

    def keeps_within(self, max_copy: int, kind: Kind = Kind.INTERVAL) -> bool:
        """Whether no shared run is longer than that."""
        return self.runs[kind].notes <= max_copy

    def to_plain(self) -> dict[str, object]:
        """The report as what JSON can say."""
        near = self.nearest
        return {
            "style": self.style,
            "sentences": list(self.sentences),
            "longest": {
                kind.value: {
                    "notes": run.notes,
                    "from_bar": run.bar,
                    "song": run.title,
                    "song_bar": run.song_bar,
                    "own_tunes_that_share_as_much": round(self.scales[kind].place(run.notes), 4),
                    "own_tunes": {
                        f"{percent} %": self.scales[kind].percentile(percent)
                        for percent in (5, 25, 50, 75, 95)
                    },
                }
                for kind, run in self.runs.items()
            },
            "shares": {
                kind.value: {
                    str(notes): {
                        "melody": round(share, 4),
                        "own_tunes": round(self.scales[kind].shares.get(notes, 0.0), 4),
                    }
                    for notes, share in shares.items()
                }
                for kind, shares in self.shares.items()
            },
            "nearest": near
            and {
                "song": near.title,
                "agreement": round(near.agreement, 4),
                "moved_by": near.shift,
                "side_by_side": [
                    {"bar": bar, "melody": mine, "song": theirs} for bar, mine, theirs in near.side_by_side()
                ],
            },
        }

    @property
    def sentences(self) -> tuple[str, ...]:
        """The report in words."""
        said = []
        for kind in (Kind.INTERVAL, Kind.RHYTHM):
            run, scale = self.runs[kind], self.scales[kind]
            what = "intervals" if kind is Kind.INTERVAL else "intervals and note lengths"
            if run.notes == 0:
                said.append(f"Nothing of it stands in {self.style} ({what}).")
                continue
            where = f"from bar {run.bar}; {run.title or run.song}, from bar {run.song_bar}"
            share = (
                f"; {scale.place(run.notes):.0%} of the style's own tunes share at least as much with another"
                if scale.runs
                else ""
            )
            said.append(f"The longest run it shares in {what} has {run.notes} notes ({where}){share}.")
        if self.nearest:
            said.append(
                f"The song that comes nearest is {self.nearest.title}: {self.nearest.agreement:.0%} of the notes agree."
            )
        return tuple(said)


MOST_COPIED = 12
"""The default limit on copying never lets a longer run pass: by a collection that holds tunes twice, whole
strains would be allowed.
"""


class Comparison:
    """A style made ready to be compared with. Its parts are worked out when first asked for."""

    def __init__(self, tunes: Sequence[Tune], name: str = "the style") -> None:
        """tunes: a `Style` or any tunes."""
        self.tunes = tunes
        self.name = name
        self._lines: dict[Kind, _Lines] = {}

    def _of(self, kind: Kind) -> _Lines:
        if kind not in self._lines:
            self._lines[kind] = _Lines(self._tokens(kind))
        return self._lines[kind]

    def _tokens(self, kind: Kind) -> list[list[int]]:
        from studio.music.styles.corpora import Style

        if isinstance(self.tunes, Style):  # its columns give the same without building two thousand tunes
            return [
                _coded(pitches.tolist(), tops.tolist(), bottoms.tolist(), kind)
                for pitches, tops, bottoms in self.tunes.sounding()
            ]
        return [tokens(tune, kind) for tune in self.tunes]

    def longest_run(self, melody: Tune, kind: Kind = Kind.INTERVAL, *, leave_out: int | None = None) -> Run:
        """The longest run the melody shares with a tune of the style (other than number `leave_out`)."""
        line = tokens(melody, kind)
        found = self._of(kind).matches(line, leave_out)
        extra = 0 if kind is Kind.PITCH else 1
        best = max(range(len(found)), key=lambda place: found[place][0], default=None)
        if best is None or found[best][0] == 0:
            return Run(kind, 0)
        length, song, song_start = found[best]
        tune = self.tunes[song]
        bar = melody.bar_at(melody.sounding[best].start).number
        song_bar = tune.bar_at(tune.sounding[song_start].start).number
        return Run(
            kind, length + extra, best, bar, tune.id or str(song), tune.title or tune.id, song_start, song_bar
        )

    def shares(
        self, melody: Tune, kind: Kind = Kind.INTERVAL, *, leave_out: int | None = None
    ) -> dict[int, float]:
        """Run length in notes (LENGTHS) -> share 0..1 of the melody's runs of that length that stand in the
        style. Lengths beyond the melody's own are left out."""
        line = tokens(melody, kind)
        extra = 0 if kind is Kind.PITCH else 1
        lengths = [length for length, _, _ in self._of(kind).matches(line, leave_out)]
        shares = {}
        for notes in LENGTHS:
            windows = len(line) - (notes - extra) + 1
            if windows > 0:
                shares[notes] = sum(length >= notes - extra for length in lengths[:windows]) / windows
        return shares

    def scale(self, kind: Kind = Kind.INTERVAL) -> Scale:
        """The style's own tunes, each against all the others."""
        return self._scales[kind]

    @cached_property
    def _scales(self) -> dict[Kind, Scale]:
        return {kind: self._scale(kind) for kind in Kind}

    def _scale(self, kind: Kind) -> Scale:
        if len(self.tunes) < 2:
            return Scale(kind, (), {})
        lines = self._of(kind)
        extra = 0 if kind is Kind.PITCH else 1
        own = lines.borrowed()
        runs = tuple(
            int(run) + extra if run else 0 for run in (piece.max() if len(piece) else 0 for piece in own)
        )
        shares = {}
        for notes in LENGTHS:
            parts = [
                float((piece[: len(piece) - (notes - extra) + 1] >= notes - extra).mean())
                for piece in own
                if len(piece) >= notes - extra
            ]
            if parts:
                shares[notes] = sum(parts) / len(parts)
        return Scale(kind, runs, shares)

    @property
    def max_copy(self) -> int:
        """The default limit on copying, in notes by intervals: one below what 95 % of the style's own tunes
        share with another, from 4 to `MOST_COPIED`. A style of fewer than two tunes gives 8, which holds for
        the fiddle tunes."""
        scale = self.scale(Kind.INTERVAL)
        return min(MOST_COPIED, max(4, int(scale.percentile(5)) - 1)) if scale.runs else 8

    def nearest(self, melody: Tune, *, leave_out: int | None = None) -> Alignment | None:
        """The song that agrees with the melody in most notes, found among the twelve that share most runs of
        five notes with it.

        Each is moved so that the tonics meet, and aligned note by note (Needleman and Wunsch, 1970; costs
        after Mongeau and Sankoff,
        1990: what counts is the pitch and then the length). None when nothing of five notes is shared.
        """
        counts = Counter(
            song
            for song in self._of(Kind.INTERVAL).songs_sharing(tokens(melody, Kind.INTERVAL), 4)
            if song != leave_out
        )
        best: Alignment | None = None
        for song, _ in counts.most_common(12):
            found = align(melody, self.tunes[song])
            if best is None or found.agreement > best.agreement:
                best = found
        return best

    def report(self, melody: Tune, *, leave_out: int | None = None) -> Originality:
        """Everything. leave_out: number of a tune of the style that is not compared with, such as the melody
        itself. Raises `Refused` for a melody of fewer than two notes."""
        if len(melody.sounding) < 2:
            raise Refused("A melody of fewer than two notes has no run to compare; write a longer one.")
        return Originality(
            self.name,
            {kind: self.longest_run(melody, kind, leave_out=leave_out) for kind in Kind},
            {kind: self.shares(melody, kind, leave_out=leave_out) for kind in Kind},
            {kind: self.scale(kind) for kind in Kind},
            self.nearest(melody, leave_out=leave_out),
        )


def tokens(tune: Tune, kind: Kind) -> list[int]:
    """A tune's sounding notes as numbers that are equal exactly where the music is: one a note (pitch) or one
    a step to the next note.
    """
    notes = tune.sounding
    pitches = [note.pitch or 0 for note in notes]
    return _coded(
        pitches,
        [note.duration.numerator for note in notes],
        [note.duration.denominator for note in notes],
        kind,
    )


def _coded(pitches: list[int], tops: list[int], bottoms: list[int], kind: Kind) -> list[int]:
    """Pitches, and lengths as tops over bottoms, as tokens."""
    if kind is Kind.PITCH:
        return pitches
    steps = [after - before + 128 for before, after in pairwise(pitches)]
    if kind is Kind.INTERVAL:
        return steps
    # A step counts with the length of the note it leaves; the last note of a run may be longer or shorter.
    return [
        step << 40 | (top & 0xFFFFF) << 20 | bottom & 0xFFFFF
        for step, top, bottom in zip(steps, tops, bottoms, strict=False)
    ]


class _Lines:
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


def align(melody: Tune, song: Tune) -> Alignment:
    """A melody beside a song moved to its tonic, note by note, with the fewest and smallest differences.

    Costs: 0 for the same pitch and length, 0.2 more for another length, 1 for another pitch, 0.7 for a note
    without counterpart.
    """
    shift = (melody.key.tonic - song.key.tonic + 5) % 12 - 5
    mine, theirs = melody.sounding, song.sounding
    if mine and theirs:
        # Tonics may meet in another octave: take the one in which the lines lie closest.
        apart = sum(note.pitch or 0 for note in mine) / len(mine) - sum(
            (note.pitch or 0) + shift for note in theirs
        ) / len(theirs)
        shift += 12 * round(apart / 12)
    rows, columns = len(mine), len(theirs)
    cost = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for row in range(1, rows + 1):
        cost[row][0] = 0.7 * row
    for column in range(1, columns + 1):
        cost[0][column] = 0.7 * column
    for row in range(1, rows + 1):
        here, above = cost[row], cost[row - 1]
        one = mine[row - 1]
        for column in range(1, columns + 1):
            other = theirs[column - 1]
            change = (0.0 if one.pitch == (other.pitch or 0) + shift else 1.0) + (
                0.0 if one.duration == other.duration else 0.2
            )
            here[column] = min(above[column - 1] + change, above[column] + 0.7, here[column - 1] + 0.7)
    pairs: list[Pair] = []
    row, column = rows, columns
    while row or column:
        one_left, other_left = (mine[row - 1] if row else None), (theirs[column - 1] if column else None)
        if one_left and other_left:
            one, other = one_left, other_left
            same, same_length = one.pitch == (other.pitch or 0) + shift, one.duration == other.duration
            change = (0.0 if same else 1.0) + (0.0 if same_length else 0.2)
            if abs(cost[row][column] - cost[row - 1][column - 1] - change) < 1e-9:
                pairs.append(_pair(melody, one, song, other, same, same_length and same))
                row, column = row - 1, column - 1
                continue
        if one_left and abs(cost[row][column] - cost[row - 1][column] - 0.7) < 1e-9:
            pairs.append(_pair(melody, one_left, song, None, False, False))
            row -= 1
        else:
            pairs.append(_pair(melody, None, song, other_left, False, False))
            column -= 1
    pairs.reverse()
    agreement = sum(pair.same for pair in pairs) / rows if rows else 0.0
    return Alignment(song.id, song.title or song.id, shift, agreement, tuple(pairs), melody.key)


def _pair(
    melody: Tune, note: Note | None, song: Tune, song_note: Note | None, same: bool, same_length: bool
) -> Pair:
    return Pair(
        note,
        melody.bar_at(note.start).number if note else None,
        song_note,
        song.bar_at(song_note.start).number if song_note else None,
        same,
        same_length,
    )
