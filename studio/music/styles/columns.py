"""Many tunes as columns of numbers: how a style holds its notes in memory and in its cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import TYPE_CHECKING

from studio.music.scores.events import REST
from studio.music.scores.notes import Note
from studio.music.scores.tunes import Tune, as_canonical_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Columns:
    """The notes of many tunes, one after the other, in columns of equal length n.

    pitches: int16, REST for a rest. length / length_of: the duration in quarter notes, in lowest terms.
    in_bar / in_bar_of: the place in the bar, also in quarter notes and in lowest terms. bars: the bar's
    number. offsets: int64 [tunes + 1]; tune t is [offsets[t], offsets[t + 1]).
    """

    pitches: NDArray[np.int16]
    length: NDArray[np.int32]
    length_of: NDArray[np.int32]
    in_bar: NDArray[np.int32]
    in_bar_of: NDArray[np.int32]
    bars: NDArray[np.int32]
    offsets: NDArray[np.int64]


def columns_of(tunes: Sequence[Tune]) -> tuple[Columns, list[dict[str, object]]]:
    """Tunes as columns, and a dictionary of JSON values about each tune: its fields without the notes, and
    its main meter, mode and tonic.
    """
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
            # As in Tune.events: a pick-up counts as the end of a full bar.
            upbeat = bar.meter.bar_length - bar.length if bar.number == 0 else Fraction(0)
            pitches.append(REST if note.pitch is None else note.pitch)
            lengths.append(note.duration)
            places.append(note.start - bar.start + upbeat)
            numbers.append(bar.number)
        offsets.append(len(pitches))
        fields = replace(tune, notes=()).to_plain()
        del fields["notes"]
        about.append({**fields, "meter": str(tune.meter), "mode": tune.mode, "tonic": tune.key.tonic})

    columns = Columns(
        np.array(pitches, np.int16),
        np.array([length.numerator for length in lengths], np.int32),
        np.array([length.denominator for length in lengths], np.int32),
        np.array([place.numerator for place in places], np.int32),
        np.array([place.denominator for place in places], np.int32),
        np.array(numbers, np.int32),
        np.array(offsets, np.int64),
    )
    return columns, about


def tune_at(columns: Columns, about: Sequence[dict[str, object]], number: int) -> Tune:
    """The tune with that number, built from what `columns_of` gave."""
    start, end = int(columns.offsets[number]), int(columns.offsets[number + 1])
    pitches, tops, bottoms = (
        column[start:end].tolist() for column in (columns.pitches, columns.length, columns.length_of)
    )
    common = lcm(1, *set(bottoms))
    here, notes = 0, []
    for pitch, top, bottom in zip(pitches, tops, bottoms, strict=True):
        notes.append(Note(None if pitch < 0 else pitch, _exact(here, common), _exact(top, bottom)))
        here += top * (common // bottom)
    return replace(outline_of(about[number]), notes=tuple(notes))


def json_at(columns: Columns, about: Sequence[dict[str, object]], number: int) -> str:
    """The same tune as `Tune.to_json` writes it. No tune is built."""
    start, end = int(columns.offsets[number]), int(columns.offsets[number + 1])
    pitches, tops, bottoms = (
        column[start:end].tolist() for column in (columns.pitches, columns.length, columns.length_of)
    )
    notes = [
        [None if pitch < 0 else pitch, str(_exact(top, bottom))]
        for pitch, top, bottom in zip(pitches, tops, bottoms, strict=True)
    ]
    fields = _fields_of(about[number])
    return as_canonical_json({**fields, "tempo": float(str(fields["tempo"])), "notes": notes})


def outline_of(about: dict[str, object]) -> Tune:
    """A tune without its notes."""
    return Tune.from_plain({**_fields_of(about), "notes": []})


def _fields_of(about: dict[str, object]) -> dict[str, object]:
    """What `Tune.to_plain` gave, but for the notes."""
    return {key: value for key, value in about.items() if key not in ("meter", "mode", "tonic")}


@lru_cache(maxsize=1 << 16)
def _exact(top: int, bottom: int) -> Fraction:
    return Fraction(top, bottom)
