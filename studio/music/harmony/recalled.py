"""The chords of a style that were learnt before, read back from the disk.

    learn_or_recall_harmony(style, meter, mode)      # as `idiom.learn_harmony`, and the same to the last bit
    fit_counts_of(style)                             # as `fit.FitCounts.of`

Finding the keys of a hundred songs, bar by bar, takes most of the time of a first song in their style. What
is kept is plain arrays (see `styles.kept`). Whatever does not fit together is learnt again.
"""

from __future__ import annotations

import numpy as np

from studio.music.harmony.fit import CHORDS, FAMILIES, FitCounts, Leaves, Metric
from studio.music.harmony.idiom import ChordEvent, ChordLine, HarmonyIdiom, learn_harmony
from studio.music.harmony.symbols import Harmony
from studio.music.scores.meters import Meter
from studio.music.styles.kept import (
    WORTH_KEEPING,
    Arrays,
    KeptArrays,
    demand,
    joined,
    parted,
    recalled,
    within,
)
from studio.music.styles.style import Style


def learn_or_recall_harmony(style: Style, meter: Meter, mode: str) -> HarmonyIdiom:
    """`learn_harmony`, or what it gave the last time. Raises what it raises."""
    if style.notes < WORTH_KEEPING:
        return learn_harmony(style, meter, mode)
    return recalled(
        KeptArrays.of("chords", style.content, str(meter), mode),
        lambda arrays: HarmonyIdiom(style.entry.title, meter, mode, _lines_from(arrays, style)),
        lambda: learn_harmony(style, meter, mode),
        lambda idiom: _line_arrays(idiom.lines),
    )


def fit_counts_of(style: Style) -> FitCounts:
    """`FitCounts.of`, or what it gave the last time."""
    if style.notes < WORTH_KEEPING:
        return FitCounts.of(style)
    return recalled(
        KeptArrays.of("fit", style.content),
        _fit_from,
        lambda: FitCounts.of(style),
        lambda counts: {"tied": counts.tied, "own": counts.own, "roots": counts.roots},
    )


def _line_arrays(lines: tuple[ChordLine, ...]) -> Arrays:
    suffixes = sorted({event.harmony.suffix for line in lines for event in line.events})
    number = {suffix: place for place, suffix in enumerate(suffixes)}

    def plain(event: ChordEvent) -> tuple[int, ...]:
        chord = event.harmony
        return chord.root, number[chord.suffix], chord.bass, event.ticks, event.place, int(event.carries)

    return {
        "suffixes": np.array(suffixes, dtype=np.str_),
        "number": np.array([line.number for line in lines]),
        "titles": np.array([line.title for line in lines], dtype=np.str_),
        **joined("events", ([plain(event) for event in line.events] for line in lines), 6),
        **joined("bars", (line.bars for line in lines)),
        **joined("tonics", (line.tonics for line in lines)),
    }


def _lines_from(arrays: Arrays, style: Style) -> list[ChordLine]:
    suffixes = [str(suffix) for suffix in arrays["suffixes"].tolist()]
    titles = [str(title) for title in arrays["titles"].tolist()]
    events, bars, tonics = (parted(arrays, name) for name in ("events", "bars", "tonics"))
    demand(within(arrays["number"], 0, len(style)) and within(arrays["events"][:, 1], 0, len(suffixes)))
    known: dict[tuple[int, ...], ChordEvent] = {}

    def event(row: list[int]) -> ChordEvent:
        key = tuple(row)
        if key not in known:
            root, suffix, bass, ticks, place, carries = row
            known[key] = ChordEvent(Harmony(root, suffixes[suffix], bass), ticks, place, bool(carries))
        return known[key]

    lines = [
        ChordLine(number, title, tuple(map(event, its)), tuple(in_bars), tuple(keys))
        for number, title, its, in_bars, keys in zip(
            arrays["number"].tolist(), titles, events, bars, tonics, strict=True
        )
    ]
    demand(lines)
    demand(all(len(line.events) == len(line.bars) and max(line.bars) < len(line.tonics) for line in lines))
    return lines


def _fit_from(arrays: Arrays) -> FitCounts:
    counts = FitCounts(arrays["tied"], arrays["own"], arrays["roots"])
    demand(counts.tied.shape == (FAMILIES, len(Metric), len(Leaves), 12))
    demand(counts.own.shape == (CHORDS, 12) and counts.roots.shape == (FAMILIES, 12))
    return counts
