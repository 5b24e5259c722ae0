"""What a melody shares with the tunes of a style, and how much those tunes share with each other.

    comparison = Comparison(style)
    report = comparison.report(melody)
    report.longest(RunKind.INTERVAL).notes, report.nearest.title, comparison.max_copy

Shared runs are counted as in `runs`. What is usual in the style is the baseline: each of its tunes against
all the others (the idea of a human baseline is from Yin, Reuben, Stepney and Collins, "Measuring when a music
generation algorithm copies too much", SN Computer Science 3:340, 2022).

The search is exact. Building its suffix array takes a moment for a thousand tunes, and comparing a melody a
few milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from studio.errors import Refused
from studio.music.scores.tunes import Tune
from studio.music.styles.alignment import Alignment, align
from studio.music.styles.kept import Arrays, KeptArrays
from studio.music.styles.runs import RunKind, SuffixArray, coded, tokens
from studio.music.styles.style import Style

T = TypeVar("T")

LENGTHS = tuple(range(3, 17))
"""Lengths of runs, in notes, for which the share that occurs in the style is reported."""


@dataclass(frozen=True)
class Run:
    """The longest run a melody shares with a tune.

    notes: its length (0: there is none). start, song_start: number of its first note in the melody and in the
    song, rests not counted. bar, song_bar: the numbers of the bars of these notes. song, title: the song's id
    and title.
    """

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
    """What is usual among the style's own tunes.

    runs: for each tune, the longest run in notes that it shares with another. shares: run length in notes ->
    share 0..1 of a tune's runs of that length that occur in another tune, on average.
    """

    kind: RunKind
    runs: tuple[int, ...]
    shares: dict[int, float]

    def percentile(self, percent: float) -> float:
        """The run length in notes that this percentage of the tunes do not exceed."""
        import numpy as np

        return float(np.percentile(self.runs, percent)) if self.runs else 0.0

    def share_reaching(self, notes: int) -> float:
        """Share 0..1 of the style's own tunes that share a run of at least so many notes with another."""
        return sum(run >= notes for run in self.runs) / len(self.runs) if self.runs else 0.0


@dataclass(frozen=True)
class Originality:
    """What `Comparison.report` found.

    style: its title. shares: kind -> run length in notes -> share 0..1 of the melody's runs of that length
    that occur in the style.
    """

    style: str
    runs: dict[RunKind, Run]
    shares: dict[RunKind, dict[int, float]]
    baselines: dict[RunKind, StyleBaseline]
    nearest: Alignment | None

    def longest(self, kind: RunKind = RunKind.INTERVAL) -> Run:
        return self.runs[kind]

    @property
    def most_shared(self) -> int:
        """Notes of the longest run of intervals."""
        return self.longest().notes

    def to_plain(self) -> dict[str, object]:
        """The report as JSON values."""
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
                    "own_tunes_that_share_as_much": round(self.baselines[kind].share_reaching(run.notes), 4),
                    "own_tunes": {
                        f"{percent} %": self.baselines[kind].percentile(percent)
                        for percent in (5, 25, 50, 75, 95)
                    },
                }
                for kind, run in self.runs.items()
            },
            "shares": {
                kind.value: {
                    str(notes): {
                        "melody": round(share, 4),
                        "own_tunes": round(self.baselines[kind].shares.get(notes, 0.0), 4),
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
        sentences = [self._sentence_on(kind) for kind in (RunKind.INTERVAL, RunKind.RHYTHM)]
        if self.nearest:
            sentences.append(
                f"The most similar song is {self.nearest.title}: laid beside its most similar passage, "
                f"{self.nearest.agreement:.0%} of the notes are the same."
            )
        return tuple(sentences)

    def _sentence_on(self, kind: RunKind) -> str:
        run, baseline = self.runs[kind], self.baselines[kind]
        what = "intervals" if kind is RunKind.INTERVAL else "intervals and note lengths"
        if run.notes == 0:
            return f"It shares no run of {what} with {self.style}."
        sentence = (
            f"The longest run of {what} it shares has {run.notes} notes "
            f"(from bar {run.bar}; {run.title or run.song}, from bar {run.song_bar})"
        )
        if baseline.runs:
            sentence += (
                f"; {baseline.share_reaching(run.notes):.0%} of the style's own tunes share a run at least "
                "as long with another"
            )
        return sentence + "."


WORTH_KEEPING = 4_000
"""Notes of a style from which on it takes longer to compare its tunes than to read back what came of it."""


def _suffix_array_from(_kind: RunKind, arrays: Arrays) -> SuffixArray:
    return SuffixArray.from_arrays(arrays["whole"], arrays["starts"], arrays["order"])


def _suffix_arrays(built: SuffixArray) -> Arrays:
    import numpy as np

    return {"whole": np.array(built.whole, np.int64), "starts": built.starts, "order": built.order}


def _baseline_from(kind: RunKind, arrays: Arrays) -> StyleBaseline:
    lengths, shares = arrays["lengths"].tolist(), arrays["shares"].tolist()
    return StyleBaseline(kind, tuple(arrays["runs"].tolist()), dict(zip(lengths, shares, strict=True)))


def _baseline_arrays(baseline: StyleBaseline) -> Arrays:
    import numpy as np

    return {
        "runs": np.array(baseline.runs, np.int64),
        "lengths": np.array(list(baseline.shares), np.int64),
        "shares": np.array(list(baseline.shares.values()), np.float64),
    }


MOST_COPIED = 12
"""The default copy limit is never longer than this many notes. In a collection that holds some tunes twice,
whole strains could otherwise be copied.
"""


class Comparison:
    """A style prepared for comparing melodies with it. Its parts are computed when first needed."""

    def __init__(self, tunes: Sequence[Tune], name: str = "the style") -> None:
        """tunes: a `Style` or any tunes. name: for the report."""
        self.tunes = tunes
        self.name = name
        self._lines: dict[RunKind, SuffixArray] = {}
        self._baselines: dict[RunKind, StyleBaseline] = {}

    def get_ready(self, kind: RunKind = RunKind.INTERVAL) -> None:
        """Do now what `longest_run` and `max_copy` need, and keep it."""
        self._of(kind)
        self.baseline(kind)

    def _of(self, kind: RunKind) -> SuffixArray:
        if kind not in self._lines:
            self._lines[kind] = self._recalled("runs", kind, _suffix_array_from, self._built, _suffix_arrays)
        return self._lines[kind]

    def _built(self, kind: RunKind) -> SuffixArray:
        return SuffixArray(self._tokens(kind))

    def _recalled(
        self,
        what: str,
        kind: RunKind,
        recall: Callable[[RunKind, Arrays], T],
        work_out: Callable[[RunKind], T],
        to_arrays: Callable[[T], Arrays],
    ) -> T:
        """What is kept of a style, or else what is worked out, which is then kept."""
        if not isinstance(self.tunes, Style) or self.tunes.notes < WORTH_KEEPING:
            return work_out(kind)
        kept = KeptArrays.of(what, self.tunes.content, kind.value)
        if (arrays := kept.load()) is not None:
            try:
                return recall(kind, arrays)
            except (KeyError, ValueError, IndexError, TypeError):
                pass  # a damaged file: what it should hold is worked out
        found = work_out(kind)
        kept.save(to_arrays(found))
        return found

    def _tokens(self, kind: RunKind) -> list[list[int]]:
        if isinstance(self.tunes, Style):  # the same from its columns, without building two thousand tunes
            return [
                coded(pitches.tolist(), tops.tolist(), bottoms.tolist(), kind)
                for pitches, tops, bottoms in self.tunes.sounding()
            ]
        return [tokens(tune, kind) for tune in self.tunes]

    def longest_run(
        self, melody: Tune, kind: RunKind = RunKind.INTERVAL, *, leave_out: int | None = None
    ) -> Run:
        """The longest run the melody shares with a tune of the style.

        leave_out: number of a tune that is not compared with.
        """
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
        """Run length in notes (LENGTHS) -> share 0..1 of the melody's runs of that length that occur in the
        style. Lengths beyond the melody's own are left out.
        """
        line = tokens(melody, kind)
        extra = 0 if kind is RunKind.PITCH else 1
        lengths = [length for length, _, _ in self._of(kind).matches(line, leave_out)]
        shares = {}
        for notes in LENGTHS:
            windows = len(line) - (notes - extra) + 1
            if windows > 0:
                shares[notes] = sum(length >= notes - extra for length in lengths[:windows]) / windows
        return shares

    def baseline(self, kind: RunKind = RunKind.INTERVAL) -> StyleBaseline:
        """What is usual in the style: each of its tunes against all the others."""
        if kind not in self._baselines:
            self._baselines[kind] = self._recalled(
                "baseline", kind, _baseline_from, self._baseline, _baseline_arrays
            )
        return self._baselines[kind]

    def _baseline(self, kind: RunKind) -> StyleBaseline:
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
        """The default copy limit, in notes, for runs of intervals.

        It is one less than what 95 % of the style's own tunes share with another, but at least 4 and at most
        `MOST_COPIED`. A style of fewer than two tunes gives 8, the limit of the fiddle tunes.
        """
        baseline = self.baseline(RunKind.INTERVAL)
        return min(MOST_COPIED, max(4, int(baseline.percentile(5)) - 1)) if baseline.runs else 8

    def nearest(self, melody: Tune, *, leave_out: int | None = None) -> Alignment | None:
        """The song that agrees with the melody in most notes, among the twelve that share most runs of five
        notes with it. None when no run of five notes is shared.

        Each song is aligned with the melody by `align`.
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
        """The whole comparison.

        leave_out: number of a tune of the style that is not compared with, such as the melody itself. Raises
        `Refused` for a melody of fewer than two notes.
        """
        if len(melody.sounding) < 2:
            raise Refused("A melody of fewer than two notes has no run to compare; write a longer one.")
        return Originality(
            self.name,
            {kind: self.longest_run(melody, kind, leave_out=leave_out) for kind in RunKind},
            {kind: self.shares(melody, kind, leave_out=leave_out) for kind in RunKind},
            {kind: self.baseline(kind) for kind in RunKind},
            self.nearest(melody, leave_out=leave_out),
        )
