"""How far the melody of one song reaches: from its lowest note to its highest, as those of the style do.

    low, high = drawn_span(sung, random)          # of one song of the style, in the key of `sung`
    keeping_within((low, high), sung, bars=8)     # a requirement that leans

The notes of a style reach further than any of its songs: one song lies high, another low. A melody that may
use them all wanders from the one to the other. So one song says how far this one reaches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from studio.music.chains.sampling import Requirement
from studio.music.songs.counted import CountedStyle
from studio.music.songs.habits import shipped_habits

if TYPE_CHECKING:
    from studio.music.songs.sung import SungIdiom

OUTSIDE = 0.9
"""By how much (a logarithm) a note is avoided for each semitone that it lies beyond."""

USUAL = 10, 90
"""Percentiles of the widths between which a song is usual: a jingle of three notes and a show piece of two
octaves are not taken.
"""


def spans_of(sung: SungIdiom) -> list[tuple[int, int]]:
    """(lowest, highest) pitch of each song of usual width."""
    if isinstance(sung.style, CountedStyle):
        mode = "minor" if sung.key.mode == "minor" else "major"
        shift = (sung.key.tonic + 5) % 12 - 5
        known = shipped_habits(sung.style.name).spans.get(f"{sung.meter} {mode}", ())
        found = [(low + shift, high + shift) for low, high in known]
    else:
        lines = [[event.pitch for event in song.events if event.pitch >= 0] for song in sung.songs]
        found = [(min(line), max(line)) for line in lines if line]
    if not found:
        return []
    narrow, wide = np.percentile([high - low for low, high in found], USUAL)
    return [(low, high) for low, high in found if narrow <= high - low <= wide]


def drawn_span(sung: SungIdiom, random: np.random.Generator) -> tuple[int, int] | None:
    """That of one song; None where none is known."""
    spans = spans_of(sung)
    return spans[int(random.integers(len(spans)))] if spans else None


def keeping_within(span: tuple[int, int], sung: SungIdiom, bars: int) -> Requirement:
    """[bars, alphabet]: notes beyond are rarer, the further the more."""
    low, high = span
    beyond = np.maximum(0, np.maximum(low - sung.pitch, sung.pitch - high))
    weight = np.where(sung.sounding, np.exp(-OUTSIDE * beyond), 1.0)
    return Requirement("the reach of one song", weight=np.tile(weight, (bars, 1)))
