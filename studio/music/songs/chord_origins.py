"""Where the chords of a song come from, and how much of them is as in a song of the style.

A chord's origin is the longest row of chords that ends with it and is also in a song of the style: the same
steps from root to root, the same families, the same lengths. What the style's own songs share with each other
says how much of that is usual. Chords that ship as counts have no songs, so nothing is said of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studio.music.harmony.idiom import HarmonyIdiom

COMPARED = 12
"""Songs of the style, spread over it, that are compared with all others: enough to tell what is usual."""


@dataclass(frozen=True, slots=True)
class ChordOrigin:
    """Of one chord. bar: from 1. chords: how many in a row, with it as the last, a song of the style has too;
    1 where only the chord itself is known. title: that song's, or "".
    """

    bar: int
    chords: int
    title: str


def chord_origins(idiom: HarmonyIdiom, row: Sequence[int]) -> list[ChordOrigin]:
    """Of each chord that begins in a row of symbols, in order; empty where the idiom has no songs."""
    if not idiom.lines or not row:
        return []
    best: list[int] = []
    song: list[int] = []
    for runs, lines in idiom.runs_ending(idiom.letters(row)):
        at = int(runs.argmax())
        best.append(int(runs[at]))
        song.append(int(lines[at]))
    # There is a letter where a chord begins after another, and it says what the other was: a run of letters
    # has one chord more.
    found: list[ChordOrigin] = []
    tick = 0
    for symbol in row:
        if not idiom.events[symbol].carries:
            letter = len(found) - 1
            reached = best[letter] if 0 <= letter < len(best) else 0
            title = idiom.lines[song[letter]].title if reached else ""
            found.append(ChordOrigin(tick // idiom.bar + 1, reached + 1, title))
        tick += idiom.events[symbol].ticks
    return found


def shared_by_songs(idiom: HarmonyIdiom) -> list[int]:
    """The longest row of chords that each of some songs of the style shares with another, in order."""
    return sorted(
        own.longest_run([own.number[event] for event in line.events], without=number)[0]
        for own in idiom.different
        for number, line in list(enumerate(own.lines))[:: max(1, len(own.lines) // COMPARED)][:COMPARED]
    )
