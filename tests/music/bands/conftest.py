"""A song to arrange, in any meter."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from studio.music.scores.meters import Meter
from studio.music.scores.sections import Section, sections_of
from studio.music.scores.tunes import Tune

SYMBOLS = ("C6", "A7", "Dm7", "G7", "Am", "F", "G7", "C") * 4
HEADS = (64, 69, 65, 62, 72, 69, 71, 67)


def song_in(meter: str) -> tuple[Tune, tuple[Section, ...]]:
    """32 bars, AABA, a chord a bar; the last bar of every eight rests in its second half."""
    length = Meter.parse(meter).bar_length
    notes: list[tuple[int | None, object]] = []
    for bar in range(32):
        head = HEADS[bar % 8]
        notes.append((head, length / 2))
        notes += [(None, length / 2)] if bar % 8 == 7 else [(head + 2, length / 4), (head + 3, length / 4)]
    chords = [(bar * length, symbol) for bar, symbol in enumerate(SYMBOLS)]
    tune = Tune.of(notes, meter=meter, key="C", chords=chords, title="A Song", tempo=120.0)
    return tune, sections_of([("A", 8), ("A", 8), ("B", 8), ("A", 8)])


@pytest.fixture
def song() -> Callable[[str], tuple[Tune, tuple[Section, ...]]]:
    return song_in
