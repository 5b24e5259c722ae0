"""Small made-up styles: tunes that walk up and down the scale, in several keys."""

from __future__ import annotations

import random
from fractions import Fraction

from studio.music.scores.keys import Key
from studio.music.scores.tunes import Tune
from studio.music.styles.style import Style

RHYTHMS = ("1 1 1 1", "1 1/2 1/2 1 1", "1/2 1/2 1 2", "3/2 1/2 1 1", "1 1 2")
MAJOR = (0, 2, 4, 5, 7, 9, 11)


def walking_tune(seed: int, key: str, bars: int = 8) -> Tune:
    """In 4/4, by steps and thirds, ending with a long tonic; the second half begins as the first."""
    generator = random.Random(seed)
    tonic = Key.parse(key).tonic
    step, first = 0, 0
    notes: list[tuple[int, Fraction]] = []
    for bar in range(bars - 1):
        if bar == bars // 2:
            notes += notes[:first]
            continue
        rhythm = generator.choice(RHYTHMS).split()
        for length in rhythm:
            notes.append((60 + tonic + MAJOR[step % 7] + 12 * (step // 7), Fraction(length)))
            step = min(8, max(-3, step + generator.choice((-2, -1, -1, 1, 1, 2))))
        if bar == 0:
            first = len(rhythm)
    return Tune.of([*notes, (60 + tonic, Fraction(4))], key=key, title=f"Walk {seed} in {key}", id=f"{seed}")


def walking_tunes(count: int = 24) -> Style:
    return Style.of([walking_tune(seed, ("C", "D", "G")[seed % 3]) for seed in range(count)], "walks")
