"""A tune as arrays of numbers, for counting and sampling: see `Tune.events`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


REST = -1
"""How a rest's pitch is written in arrays."""


@dataclass(frozen=True)
class Events:
    """A tune as arrays of equal length n, times in ticks.

    pitches: int16, REST for a rest. durations, starts: int32. in_bar: int32, the place of the start in its
    bar (a pick-up counts as the end of a bar). bars: int32, the bar's number as musicians count. per_quarter:
    ticks a quarter note.
    """

    pitches: NDArray[np.int16]
    durations: NDArray[np.int32]
    starts: NDArray[np.int32]
    in_bar: NDArray[np.int32]
    bars: NDArray[np.int32]
    per_quarter: int
