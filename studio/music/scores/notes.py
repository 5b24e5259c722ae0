"""The note: one sound or one silence."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

HELD_BELOW = -1
"""The voice of a note that begins in the leading one and is held on as a lower note of its next chord."""


@dataclass(frozen=True, slots=True)
class Note:
    """One sound, or one silence.

    pitch: MIDI number 0..127 (60 is middle C), or None for a rest. start, duration: in quarter notes;
    duration is greater than 0. tied: continues into the next note, which has the same pitch, without a new
    attack. The notes of a `Tune` are whole and never tied; `Tune.split_at_bars` gives tied ones. velocity:
    how hard it is played, 1..127; None where its part says so for all of its notes.
    staccato: it is played about half as long as it is written.
    alter: how the file it came from spells it: the semitones (-2..2) by which its sign or signature alters
    its letter, so that 66 with 1 is F# and with -1 Gb. None where nothing is known: it is then spelled by its
    key. voice: of its part as the file has them, from 0 for the one that leads; `HELD_BELOW` for a note that
    leads until the next one begins above it. Notes that differ in these two alone are equal.
    """

    pitch: int | None
    start: Fraction
    duration: Fraction
    tied: bool = False
    velocity: int | None = None
    staccato: bool = False
    alter: int | None = field(default=None, compare=False, repr=False)
    voice: int = field(default=0, compare=False, repr=False)

    @property
    def end(self) -> Fraction:
        return self.start + self.duration

    @property
    def spelled(self) -> tuple[str, int, int] | None:
        """(letter, alteration, octave) as its file spells it, or None where that is not known."""
        if self.pitch is None or self.alter is None:
            return None
        octave, letter = divmod(self.pitch - self.alter, 12)
        return (_LETTERS[letter], self.alter, octave - 1) if letter in _LETTERS else None

    @property
    def is_rest(self) -> bool:
        return self.pitch is None


_LETTERS = {0: "C", 2: "D", 4: "E", 5: "F", 7: "G", 9: "A", 11: "B"}
"""Pitch classes of the letters."""
