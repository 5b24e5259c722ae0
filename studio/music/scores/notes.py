"""The note: one sound or one silence."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Note:
    """One sound, or one silence.

    pitch: MIDI number 0..127 (60 is middle C), or None for a rest.
    start, duration: in quarter notes; duration is greater than 0.
    tied: sounds on without a new attack into the next note, which has the same pitch. Never set in a `Tune`,
    whose notes are
        whole; set by `Tune.split_at_bars`.
    """

    pitch: int | None
    start: Fraction
    duration: Fraction
    tied: bool = False

    @property
    def end(self) -> Fraction:
        return self.start + self.duration

    @property
    def is_rest(self) -> bool:
        return self.pitch is None
