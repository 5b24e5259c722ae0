"""Many tunes as columns of numbers: how a style holds its notes in memory and in its cache."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import TYPE_CHECKING

from studio.music.scores.events import REST
from studio.music.scores.notes import Note
from studio.music.scores.tunes import Tune

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Columns:
    """The notes of many tunes, column by column; lengths as numerator and denominator of quarter notes."""

    pitches: NDArray[np.int16]
    length: NDArray[np.int32]
    length_of: NDArray[np.int32]
    in_bar: NDArray[np.int32]
    in_bar_of: NDArray[np.int32]
    bars: NDArray[np.int32]
    offsets: NDArray[np.int64]


def columns_of(tunes: Sequence[Tune]) -> tuple[Columns, list[dict[str, object]]]:
    import numpy as np

    pitches: list[int] = []
    lengths: list[Fraction] = []
    places: list[Fraction] = []
    numbers: list[int] = []
    offsets = [0]
    about: list[dict[str, object]] = []
    for tune in tunes:
        bars = tune.bars()
        current = 0
        for note in tune.notes:
            while current + 1 < len(bars) and bars[current + 1].start <= note.start:
                current += 1
            bar = bars[current]
            # As in Tune.events: a pick-up stands at the end of the bar it would fill.
            upbeat = bar.meter.bar_length - bar.length if bar.number == 0 else Fraction(0)
            pitches.append(REST if note.pitch is None else note.pitch)
            lengths.append(note.duration)
            places.append(note.start - bar.start + upbeat)
            numbers.append(bar.number)
        offsets.append(len(pitches))
        fields = json.loads(replace(tune, notes=()).to_json())
        del fields["notes"]
        about.append({**fields, "meter": str(tune.meter), "mode": tune.mode, "tonic": tune.key.tonic})

    def column(numbers: Sequence[int]) -> NDArray[np.int32]:
        return np.array(numbers, np.int32)

    return (
        Columns(
            np.array(pitches, np.int16),
            column([length.numerator for length in lengths]),
            column([length.denominator for length in lengths]),
            column([place.numerator for place in places]),
            column([place.denominator for place in places]),
            column(numbers),
            np.array(offsets, np.int64),
        ),
        about,
    )


def tune_at(columns: Columns, about: Sequence[dict[str, object]], number: int) -> Tune:
    start, end = int(columns.offsets[number]), int(columns.offsets[number + 1])
    pitches, tops, bottoms = (
        column[start:end].tolist() for column in (columns.pitches, columns.length, columns.length_of)
    )
    common = lcm(1, *set(bottoms))
    here, notes = 0, []
    for pitch, top, bottom in zip(pitches, tops, bottoms, strict=True):
        notes.append(Note(None if pitch < 0 else pitch, _exact(here, common), _exact(top, bottom)))
        here += top * (common // bottom)
    fields = {key: value for key, value in about[number].items() if key not in ("meter", "mode", "tonic")}
    return replace(Tune.from_json(json.dumps({**fields, "notes": []})), notes=tuple(notes))


@lru_cache(maxsize=1 << 16)
def _exact(top: int, bottom: int) -> Fraction:
    return Fraction(top, bottom)
