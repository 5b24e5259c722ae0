"""Where each note of a composed melody comes from, and how a work keeps it.

rows = origin_rows(origins)            # JSON values, for the work's facts
origins_of(work.facts)                 # read back
origin_colours(origins)                # for engraving and piano rolls
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class NoteOrigin:
    """Where a note comes from.

    note: its number among the sounding notes. bar: the bar it begins in, from 1. order: how many notes back
    the longest memory reached that knew it. songs: (title, bar as written) that suggested it, the longest
    memory's first. before, after: its probability without and with the constraints. returns: the bar (from 1)
    that it repeats, or None.
    """

    note: int
    bar: int
    order: int
    songs: tuple[tuple[str, int], ...]
    before: float
    after: float
    returns: int | None = None


def origin_rows(origins: Iterable[NoteOrigin]) -> list[list[Any]]:
    """A row for each note: [bar, order, [[title, bar], …], before, after, returns]."""
    return [
        [each.bar, each.order, songs, _short(each.before), _short(each.after), each.returns]
        for each in origins
        for songs in [[list(song) for song in each.songs[:2]]]
    ]


def _short(probability: float) -> float:
    return float(f"{probability:.3g}")


def origins_of(facts: Mapping[str, Any]) -> tuple[NoteOrigin, ...]:
    """Where each note of a work comes from. Empty where its facts do not say."""
    rows = facts.get("origins", [])
    try:
        return tuple(
            NoteOrigin(
                number,
                int(bar),
                int(order),
                tuple((str(title), int(at)) for title, at in songs),
                before,
                after,
                returns,
            )
            for number, (bar, order, songs, before, after, returns) in enumerate(
                json.loads(rows) if isinstance(rows, str) else rows
            )
        )
    except (ValueError, TypeError):
        return ()


ORIGIN_COLOURS = ("#8c8c8c", "#2a9d8f", "#3a6ea5", "#7a4e8a", "#c8553d")
"""By the length of the memory that knew a note, from none to four notes and more."""


def origin_colours(origins: Sequence[NoteOrigin]) -> dict[int, str]:
    """Number of a note -> the colour of the memory that knew it, for engraving and piano rolls."""
    return {each.note: ORIGIN_COLOURS[max(0, min(each.order, len(ORIGIN_COLOURS) - 1))] for each in origins}
