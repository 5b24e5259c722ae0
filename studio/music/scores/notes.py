"""The note: one sound or one silence."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Note:
    """One sound, or one silence.

    pitch: MIDI number 0..127 (60 is middle C), or None for a rest. start, duration: in quarter notes;
    duration is greater than 0. tied: continues into the next note, which has the same pitch, without a new
    attack. The notes of a `Tune` are whole and never tied; `Tune.split_at_bars` gives tied ones. velocity:
    how hard it is played, 1..127; None where its part says so for all of its notes.
    staccato: it is played about half as long as it is written.
    """

    pitch: int | None
    start: Fraction
    duration: Fraction
    tied: bool = False
    velocity: int | None = None
    staccato: bool = False

    @property
    def end(self) -> Fraction:
        return self.start + self.duration

    @property
    def is_rest(self) -> bool:
        return self.pitch is None
