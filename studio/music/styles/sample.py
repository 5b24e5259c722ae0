"""A few bars of a style, to hear what it is like."""

from __future__ import annotations

from studio.errors import Missing, Unreadable
from studio.music.reading.pieces import pieces
from studio.music.reading.readers import Readers
from studio.music.scores.tunes import Tune
from studio.music.sound.rendering import render
from studio.music.styles.opening import ready_style
from studio.music.styles.table import STYLES, StyleEntry, corpus_files

SAMPLE_BARS = 8
"""How many bars are played, besides a pick-up."""

FEWEST_NOTES = 16
"""A tune with fewer notes is not worth playing."""


def sample_of(name: str) -> bytes:
    """The first bars of a tune from the middle of a style, as a WAV file. Raises as `open_style` does."""
    tune = _some_tune(name)
    bars = [bar for bar in tune.bars() if bar.start < tune.end][: SAMPLE_BARS + 1]
    return render(tune.passage(bars[0].start, bars[-1].end)).to_wav()


def _some_tune(name: str) -> Tune:
    entry = STYLES.get(name)
    if entry is None or not entry.files:
        style = ready_style(name)
        return style[len(style) // 2]
    return _from_corpus(entry)


def _from_corpus(entry: StyleEntry) -> Tune:
    """A tune read from its own file, which is faster than reading the whole style."""
    files = corpus_files(entry)
    with Readers(1) as readers:
        for path in files[len(files) // 2 :][:10]:
            some = pieces(path.read_bytes(), path.name)
            for _, reading in readers.read_pieces(some[len(some) // 2 :][:5]):
                if not isinstance(reading, Unreadable) and len(reading.tunes[0].sounding) >= FEWEST_NOTES:
                    return reading.tunes[0]
    raise Missing(f"No tune of {entry.title} could be read; reinstall music21 from its wheel.")
