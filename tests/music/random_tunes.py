"""Random tunes with everything that is hard to notate: tuplets, ties over bar lines, pick-ups, changes of
meter and key.
"""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

from studio.music.scores.bars import Grid, MeterAt
from studio.music.scores.keys import Key, KeyAt
from studio.music.scores.meters import Meter
from studio.music.scores.notes import Note
from studio.music.scores.tunes import Tune

GROUPS = (
    [Fraction(1, 3)] * 3,
    [Fraction(2, 3), Fraction(1, 3)],
    [Fraction(1, 6)] * 6,
    [Fraction(1, 5)] * 5,
    [Fraction(1, 3), Fraction(1, 6), Fraction(1, 6), Fraction(1, 3)],
    [Fraction(1, 6), Fraction(1, 3), Fraction(1, 2)],
    [Fraction(2, 3)] * 3,
)
LENGTHS = tuple(
    Fraction(length) for length in ("1/8", "1/4", "1/2", "3/4", "1", "5/4", "3/2", "2", "3", "7/2")
)
SYMBOLS = ("C", "Am7", "F#dim", "Bb7", "Ebmaj7/G", "G7(b9)", "Dsus4", "N.C.", "Bm7b5", "C(add9)")


def random_tune(seed: int) -> Tune:
    """2 to 8 full bars with rests and chord symbols, sometimes followed by bars in another meter and key."""
    rng = random.Random(seed)
    meter = Meter.parse(rng.choice(["4/4", "3/4", "6/8", "2/4", "2/2", "5/8", "7/8", "9/8", "12/8", "3/8"]))
    pickup = rng.choice([Fraction(0), Fraction(1, 2), Fraction(1)])
    pickup = pickup if pickup < meter.bar_length else Fraction(0)
    key = Key(rng.randint(-6, 6), rng.choice(["major", "minor", "dorian"]))
    meters, keys, total = (
        [MeterAt(Fraction(0), meter)],
        [KeyAt(Fraction(0), key)],
        pickup + rng.randint(2, 8) * meter.bar_length,
    )
    if rng.random() < 0.4:
        other = Meter.parse(rng.choice([each for each in ("3/4", "2/4", "5/8") if each != str(meter)]))
        meters.append(MeterAt(total, other))
        keys.append(KeyAt(total, Key(key.fifths + (1 if key.fifths < 1 else -1))))
        total += rng.randint(1, 3) * other.bar_length
    notes, here = [Note(rng.randint(55, 86), Fraction(0), Fraction(1, 2))], Fraction(1, 2)
    while here < total:
        whole = here.denominator == 1 and total - here >= 2
        for length in rng.choice(GROUPS) if whole and rng.random() < 0.25 else [rng.choice(LENGTHS)]:
            length = min(length, total - here)
            if length > 0:
                rest = rng.random() < 0.15 and notes[-1].pitch is not None
                notes.append(Note(None if rest else rng.randint(55, 86), here, length))
                here += length
    tune = Tune(
        tuple(notes),
        Grid(tuple(meters), pickup),
        tuple(keys),
        title=f"Tune & <{seed}>",
        composer="A. Nonymous",
        tempo=rng.choice([90.0, 120.0, 133.5]),
    )
    starts = sorted(rng.sample([note.start for note in notes], min(4, len(notes))))
    return replace(
        tune, chords=Tune.of([(60, 1)], chords=[(place, rng.choice(SYMBOLS)) for place in starts]).chords
    )
