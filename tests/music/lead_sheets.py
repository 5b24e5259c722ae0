"""A small style of lead sheets, made here: common progressions with melodies of chord tones and passing
notes."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np

from studio.music.harmony.symbols import Harmony
from studio.music.scores.chords import ChordAt
from studio.music.scores.keys import Key
from studio.music.scores.tunes import Tune
from studio.music.styles.style import Style

THEMES = (
    "C | Am7 | Dm7 | G7 | C | A7 | Dm7 G7 | C",
    "C | C7 | F | Fm6 | C | A7 | D7 G7 | C",
    "C | G7 | C | C7 | F | C | G7 | C",
    "C Am7 | Dm7 G7 | C Am7 | Dm7 G7 | C7 | F Fm6 | C G7 | C",
    "C | Em7 | Am7 | Dm7 G7 | Em7 | A7 | Dm7 G7 | C",
)
BRIDGES = (
    "F | F | C | C | D7 | D7 | G7 | G7",
    "E7 | E7 | A7 | A7 | D7 | D7 | G7 | G7",
    "Am7 | E7 | Am7 | D7 | Dm7 | G7 | Em7 A7 | Dm7 G7",
)
RHYTHMS = ("1 1 1 1", "2 1 1", "3/2 1/2 1 1", "1 1/2 1/2 2", "2 2", "1/2 1/2 1/2 1/2 1 1", "3 1", "4")


def songs(count: int = 16, seed: int = 1) -> list[Tune]:
    """AABA songs of 32 bars in 4/4, in the keys C, F, G and Bb."""
    return list(_songs(count, seed))


def style(count: int = 16, seed: int = 1) -> Style:
    """The same as a style."""
    return _style(count, seed)


@cache
def _style(count: int, seed: int) -> Style:
    return Style.of(songs(count, seed), "test songs")


@cache
def _songs(count: int, seed: int) -> tuple[Tune, ...]:
    random = np.random.default_rng(seed)
    return tuple(_song(random, number) for number in range(count))


def _song(random: np.random.Generator, number: int) -> Tune:
    theme = _section(random, THEMES[number % len(THEMES)])
    bridge = _section(random, BRIDGES[int(random.integers(len(BRIDGES)))])
    notes: list[tuple[int | None, Fraction]] = []
    chords: list[ChordAt] = []
    for place, (line, row) in enumerate((theme, theme, bridge, theme)):
        notes += line
        chords += [ChordAt(start + 32 * place, symbol) for start, symbol in row]
    shift = (0, 5, 7, 10)[number % 4]
    tune = Tune.of(
        notes, meter="4/4", key="C", chords=[(c.start, c.symbol) for c in chords], title=f"Song {number}"
    )
    return tune.transposed((shift + 5) % 12 - 5)


def _section(
    random: np.random.Generator, row: str
) -> tuple[list[tuple[int | None, Fraction]], list[tuple[Fraction, str]]]:
    notes: list[tuple[int | None, Fraction]] = []
    chords: list[tuple[Fraction, str]] = []
    pitch = 67
    for number, bar in enumerate(row.split("|")):
        names = bar.split()
        chords += [(Fraction(4 * number) + Fraction(4 * n, len(names)), name) for n, name in enumerate(names)]
        last = number == 7
        lengths = ["4"] if last else RHYTHMS[int(random.integers(len(RHYTHMS)))].split()
        here = Fraction(0)
        for length in lengths:
            name = names[min(len(names) - 1, int(here * len(names) / 4))]
            harmony = Harmony.of(name, 0)
            assert harmony is not None
            tones = {(harmony.root + tone) % 12 for tone in harmony.tones}
            near = [p for p in range(pitch - 5, pitch + 6) if 60 <= p <= 77 and p % 12 in tones]
            if here.denominator != 1:
                near = [p for p in (pitch - 2, pitch + 2, pitch - 1, pitch + 1) if p % 12 in Key(0).scale]
            pitch = int(random.choice(near)) if near else 67
            notes.append((72 if last else pitch, Fraction(length)))
            here += Fraction(length)
    return notes, chords
