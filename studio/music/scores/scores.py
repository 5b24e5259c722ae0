"""Several parts together: a `Part` is one instrument, a `Score` all of them on the same bars."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from studio.music.scores.bars import Bar, Grid, Repeat
from studio.music.scores.chords import ChordAt
from studio.music.scores.keys import Key, KeyAt
from studio.music.scores.notes import Note
from studio.music.scores.sections import Section
from studio.music.scores.words import Syllable


@dataclass(frozen=True)
class Part:
    """One instrument of a score. Its notes may sound together; rests are where none sounds.

    notes: without rests, ordered by start and then pitch. program: General MIDI instrument 0..127 (0 is a
    piano). percussion: the notes are General MIDI drums instead. velocity: loudness, 1..127, of the notes
    that have none of their own. words: what is sung on the notes, ordered by start and then verse.
    """

    notes: tuple[Note, ...]
    name: str = ""
    program: int = 0
    percussion: bool = False
    velocity: int = 90
    words: tuple[Syllable, ...] = ()


@dataclass(frozen=True, slots=True)
class TempoAt:
    """A tempo, in quarter notes a minute, from `start` on."""

    start: Fraction
    tempo: float


@dataclass(frozen=True)
class Score:
    """Several parts on one grid of bars.

    length: in quarter notes; a score never ends before its last note. sections: in order; empty where none
    are marked. tempo_changes: after the beginning, where `tempo` holds, in order. The other fields are those
    of a `Tune`.
    """

    parts: tuple[Part, ...]
    grid: Grid = field(default_factory=Grid)
    keys: tuple[KeyAt, ...] = (KeyAt(Fraction(0), Key(0)),)
    chords: tuple[ChordAt, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    title: str = ""
    composer: str = ""
    tempo: float = 120.0
    length: Fraction = Fraction(0)
    sections: tuple[Section, ...] = ()
    tempo_changes: tuple[TempoAt, ...] = ()

    @property
    def tempi(self) -> tuple[TempoAt, ...]:
        """All tempi, the first at 0."""
        return (TempoAt(Fraction(0), self.tempo), *self.tempo_changes)

    @property
    def end(self) -> Fraction:
        return max([self.length, *(note.end for part in self.parts for note in part.notes)])

    def bars(self) -> tuple[Bar, ...]:
        return tuple(self.grid.bars(self.end))
