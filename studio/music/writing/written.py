"""Notes as they are written down, and the bars that hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm

from studio.music.scores.bars import Bar
from studio.music.scores.keys import Key
from studio.music.scores.scores import Score

VALUES = {
    Fraction(16): "long",
    Fraction(8): "breve",
    Fraction(4): "whole",
    Fraction(2): "half",
    Fraction(1): "quarter",
    Fraction(1, 2): "eighth",
    Fraction(1, 4): "16th",
    Fraction(1, 8): "32nd",
    Fraction(1, 16): "64th",
    Fraction(1, 32): "128th",
    Fraction(1, 64): "256th",
    Fraction(1, 128): "512th",
    Fraction(1, 256): "1024th",
}
"""Note values: length in quarter notes -> MusicXML's name."""

MOST_TICKS = 32767
"""The finest division of a quarter note that MIDI can count in."""


def common_division(score: Score) -> int:
    """In how many parts a quarter note must be divided so that every moment of a score falls on one."""
    moments = [edge for part in score.parts for note in part.notes for edge in (note.start, note.end)]
    moments += [chord.start for chord in score.chords] + [bar.end for bar in score.bars()] + [score.end]
    moments += [edge for again in score.repeats for edge in again.edges]
    return lcm(1, *(moment.denominator for moment in moments))


@dataclass(frozen=True)
class Written:
    """One note, chord or rest as it is written down.

    pitches: MIDI numbers, lowest first; empty for a rest. spelled: (letter, alteration, octave) of each.
    accidentals: the sign to draw before each, or "" for none.
    value, dots: the note value it is drawn with, in quarter notes, and its dots.
    tuplet: (notes, in the time of), or None. opens, closes: it is the first or last of its tuplet.
    tie_in, tie_out: it is tied to the note before, to the note after. held: the pitches of a chord that are
    tied to the note before where the others are not.
    beams: for each level, from the eighths' beam on: begin, continue, end, forward hook or backward hook.
    whole_bar: a rest that fills its bar.
    indices: the numbers, among the part's notes, of the notes it stands for.
    """

    pitches: tuple[int, ...]
    start: Fraction
    duration: Fraction
    value: Fraction = Fraction(1)
    dots: int = 0
    tuplet: tuple[int, int] | None = None
    opens: bool = False
    closes: bool = False
    tie_in: bool = False
    tie_out: bool = False
    held: frozenset[int] = frozenset()
    spelled: tuple[tuple[str, int, int], ...] = ()
    accidentals: tuple[str, ...] = ()
    beams: tuple[str, ...] = ()
    whole_bar: bool = False
    indices: tuple[int, ...] = ()

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


@dataclass(frozen=True)
class Measure:
    """A written bar, or the piece of one before or after a repeat sign.

    implicit: it is not counted (a pick-up, or the second piece of a bar). voices: the first is the highest.
    """

    bar: Bar
    start: Fraction
    length: Fraction
    implicit: bool
    key: Key
    voices: list[list[Written]] = field(default_factory=list)

    @property
    def end(self) -> Fraction:
        return self.start + self.length

    @property
    def upbeat(self) -> Fraction:
        """How far into a full bar it begins: a pick-up is the end of a bar."""
        return self.bar.meter.bar_length - self.bar.length if self.bar.number == 0 else Fraction(0)
