"""A tune as arrays of numbers, for counting and sampling: see `Tune.events`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


REST = -1
"""The pitch of a rest in arrays."""


@dataclass(frozen=True)
class Events:
    """A tune as arrays of equal length n, times in ticks.

    pitches: int16, REST for a rest. durations, starts: int32. in_bar: int32, the start within its bar (a
    pick-up counts as the end of a full bar). bars: int32, the number of the bar. per_quarter: ticks in a
    quarter note.
    """

    pitches: NDArray[np.int16]
    durations: NDArray[np.int32]
    starts: NDArray[np.int32]
    in_bar: NDArray[np.int32]
    bars: NDArray[np.int32]
    per_quarter: int
