"""What a melody shares with the tunes of a style, and how much those share with each other.

    comparison = Comparison(style)
    report = comparison.report(melody)
    report.longest(RunKind.INTERVAL).notes, report.nearest.title, comparison.max_copy

A run is counted in notes: eight notes in a row whose seven intervals stand in a tune are a shared run of 8 in
intervals. Rests are passed over, ties are one note, repeats count as written. The scale is the style's own:
each of its tunes against all the others (the idea of a human baseline: Yin, Reuben, Stepney and Collins, SN
Computer Science 3:340, 2022).

Exact, by a suffix array of all the tunes (built by doubling: Manber and Myers, SIAM J. Comput. 22, 1993):
building takes a moment for a thousand tunes, a melody a few milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from studio.errors import Refused
from studio.music.scores.tunes import Tune
from studio.music.styles.alignment import Alignment, align
from studio.music.styles.runs import RunKind, SuffixArray, coded, tokens
from studio.music.styles.style import Style

LENGTHS = tuple(range(3, 17))
"""Run lengths, in notes, for which the share that stands in the style is told."""


@dataclass(frozen=True)
class Run:
    """The longest run a melody shares with a tune. notes: how long (0: none). start, song_start: number of
    its first note among the sounding ones, in the melody and the song; bar, song_bar: the bars these stand
    in."""

    kind: RunKind
    notes: int
    start: int = 0
    bar: int = 0
    song: str = ""
    title: str = ""
    song_start: int = 0
    song_bar: int = 0


@dataclass(frozen=True)
class StyleBaseline:
    """Where the style's own tunes lie: each one's longest run shared with another (notes), and the mean share
    of its runs of n notes that stand in another (0..1), by n."""

    kind: RunKind
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
    runs: dict[RunKind, Run]
    shares: dict[RunKind, dict[int, float]]
    scales: dict[RunKind, StyleBaseline]
    nearest: Alignment | None

    def longest(self, kind: RunKind = RunKind.INTERVAL) -> Run:
        return self.runs[kind]

    def keeps_within(self, max_copy: int, kind: RunKind = RunKind.INTERVAL) -> bool:
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
        for kind in (RunKind.INTERVAL, RunKind.RHYTHM):
            run, scale = self.runs[kind], self.scales[kind]
            what = "intervals" if kind is RunKind.INTERVAL else "intervals and note lengths"
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
        self._lines: dict[RunKind, SuffixArray] = {}

    def _of(self, kind: RunKind) -> SuffixArray:
        if kind not in self._lines:
            self._lines[kind] = SuffixArray(self._tokens(kind))
        return self._lines[kind]

    def _tokens(self, kind: RunKind) -> list[list[int]]:
        if isinstance(self.tunes, Style):  # its columns give the same without building two thousand tunes
            return [
                coded(pitches.tolist(), tops.tolist(), bottoms.tolist(), kind)
                for pitches, tops, bottoms in self.tunes.sounding()
            ]
        return [tokens(tune, kind) for tune in self.tunes]

    def longest_run(
        self, melody: Tune, kind: RunKind = RunKind.INTERVAL, *, leave_out: int | None = None
    ) -> Run:
        """The longest run the melody shares with a tune of the style (other than number `leave_out`)."""
        line = tokens(melody, kind)
        found = self._of(kind).matches(line, leave_out)
        extra = 0 if kind is RunKind.PITCH else 1
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
        self, melody: Tune, kind: RunKind = RunKind.INTERVAL, *, leave_out: int | None = None
    ) -> dict[int, float]:
        """Run length in notes (LENGTHS) -> share 0..1 of the melody's runs of that length that stand in the
        style. Lengths beyond the melody's own are left out."""
        line = tokens(melody, kind)
        extra = 0 if kind is RunKind.PITCH else 1
        lengths = [length for length, _, _ in self._of(kind).matches(line, leave_out)]
        shares = {}
        for notes in LENGTHS:
            windows = len(line) - (notes - extra) + 1
            if windows > 0:
                shares[notes] = sum(length >= notes - extra for length in lengths[:windows]) / windows
        return shares

    def scale(self, kind: RunKind = RunKind.INTERVAL) -> StyleBaseline:
        """The style's own tunes, each against all the others."""
        return self._scales[kind]

    @cached_property
    def _scales(self) -> dict[RunKind, StyleBaseline]:
        return {kind: self._scale(kind) for kind in RunKind}

    def _scale(self, kind: RunKind) -> StyleBaseline:
        if len(self.tunes) < 2:
            return StyleBaseline(kind, (), {})
        lines = self._of(kind)
        extra = 0 if kind is RunKind.PITCH else 1
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
        return StyleBaseline(kind, runs, shares)

    @property
    def max_copy(self) -> int:
        """The default limit on copying, in notes by intervals: one below what 95 % of the style's own tunes
        share with another, from 4 to `MOST_COPIED`. A style of fewer than two tunes gives 8, which holds for
        the fiddle tunes."""
        scale = self.scale(RunKind.INTERVAL)
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
            for song in self._of(RunKind.INTERVAL).songs_sharing(tokens(melody, RunKind.INTERVAL), 4)
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
            {kind: self.longest_run(melody, kind, leave_out=leave_out) for kind in RunKind},
            {kind: self.shares(melody, kind, leave_out=leave_out) for kind in RunKind},
            {kind: self.scale(kind) for kind in RunKind},
            self.nearest(melody, leave_out=leave_out),
        )
