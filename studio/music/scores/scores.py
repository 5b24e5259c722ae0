"""Several parts together: a `Part` is one instrument, a `Score` all of them on the same bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from studio.music.scores.bars import Bar, Grid, Repeat
from studio.music.scores.chords import ChordAt
from studio.music.scores.clefs import Clef, ClefAt, clefs_after, usual_clef
from studio.music.scores.jumps import JumpMark, with_jumps
from studio.music.scores.keys import Key, KeyAt
from studio.music.scores.notes import Note
from studio.music.scores.sections import Section
from studio.music.scores.words import Syllable, hyphenated, plain_words, words_in, words_of_plain


@dataclass(frozen=True)
class Part:
    """One instrument of a score. Its notes may sound together; rests are where none sounds.

    notes: without rests, ordered by start and then pitch. program: General MIDI instrument 0..127 (0 is a
    piano). percussion: the notes are General MIDI drums instead. velocity: loudness, 1..127, of the notes
    that have none of their own. words: what is sung on the notes, ordered by start and then verse. lead: it
    is the melody, which the parts do not show by themselves. controls: ordered by start; those of one place
    in the order in which they are sent. clef: the one with which a file begins it; None for the usual one.
    clef_changes: those of a file after that, in order.
    """

    notes: tuple[Note, ...]
    name: str = ""
    program: int = 0
    percussion: bool = False
    velocity: int = 90
    words: tuple[Syllable, ...] = ()
    lead: bool = False
    controls: tuple[ControlAt, ...] = ()
    clef: Clef | None = None
    clef_changes: tuple[ClefAt, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """Notes with their spelling, voices and velocities, name, instrument and words as JSON values, which
        `from_plain` reads back. Times are fractions as text: "3/2".
        """
        plain = {
            "notes": [
                [note.pitch, str(note.start), str(note.duration), note.alter, note.voice, note.velocity]
                for note in self.notes
            ],
            "name": self.name,
            "program": self.program,
            "percussion": self.percussion,
            "velocity": self.velocity,
            "words": plain_words(self.words),
            "lead": self.lead,
            "controls": [[str(each.start), each.number, each.value] for each in self.controls],
        }
        if self.clef:
            plain["clef"] = self.clef.to_plain()
        if self.clef_changes:
            plain["clef_changes"] = [[str(each.start), *each.clef.to_plain()] for each in self.clef_changes]
        return plain

    @classmethod
    def from_plain(cls, values: Any) -> Part:
        """Raises `KeyError`, `ValueError` or `TypeError` for what `to_plain` did not give."""
        return cls(
            tuple(
                Note(
                    int(pitch),
                    Fraction(start),
                    Fraction(duration),
                    alter=alter,
                    voice=voice,
                    velocity=velocity,
                )
                for pitch, start, duration, alter, voice, velocity in values["notes"]
            ),
            str(values["name"]),
            int(values["program"]),
            bool(values["percussion"]),
            int(values["velocity"]),
            words=words_of_plain(values["words"]),
            lead=bool(values.get("lead")),
            controls=tuple(
                ControlAt(Fraction(start), int(number), int(value))
                for start, number, value in values.get("controls", ())
            ),
            clef=Clef.from_plain(values["clef"]) if values.get("clef") else None,
            clef_changes=tuple(
                ClefAt(Fraction(start), Clef.from_plain(clef))
                for start, *clef in values.get("clef_changes", ())
            ),
        )

    def played(self, spans: Sequence[Span]) -> Part:
        """These spans of it, one after the other. Notes that cross an edge are cut there, and controllers
        and clefs stand at the beginning of a span as they would have stood there.
        """
        notes: list[Note] = []
        controls: list[ControlAt] = []
        words: list[Syllable] = []
        clefs: list[tuple[Fraction, Clef]] = []
        here = Fraction(0)
        for verse, start, end in spans:
            for note in self.notes:
                begins, stops = max(note.start, start), min(note.end, end)
                if begins < stops:
                    notes.append(replace(note, start=begins - start + here, duration=stops - begins))
            words += words_in(self.words, start, end, here - start, verse)
            controls += self._controls_from(start, here, controls)
            controls += [
                replace(each, start=each.start - start + here)
                for each in self.controls
                if start <= each.start < end
            ]
            if self.clef_changes:
                clefs += [(here, self._clef_at(start))]
                clefs += [
                    (each.start - start + here, each.clef)
                    for each in self.clef_changes
                    if start < each.start < end
                ]
            here += end - start
        return replace(
            self,
            notes=tuple(notes),
            words=hyphenated(words),
            controls=tuple(controls),
            clef_changes=clefs_after(self._clef_at(Fraction(0)), clefs) if clefs else (),
        )

    def _clef_at(self, place: Fraction) -> Clef:
        """The clef that holds at a place."""
        before = [each.clef for each in self.clef_changes if each.start <= place]
        if before:
            return before[-1]
        pitches = (note.pitch for note in self.notes if note.pitch is not None)
        return self.clef or usual_clef(pitches, self.program, self.name)

    def _controls_from(self, start: Fraction, here: Fraction, sent: Sequence[ControlAt]) -> list[ControlAt]:
        """What is to be sent at `here` so that the controllers stand as they do before `start`."""
        stands = {each.number: each.value for each in sent}
        before = {each.number: each.value for each in self.controls if each.start < start}
        return [
            ControlAt(here, number, value)
            for number, value in before.items()
            if stands.get(number) != value and number not in PARAMETERS
        ]


@dataclass(frozen=True, slots=True)
class ControlAt:
    """A MIDI control change at a place in quarter notes. number: of the controller, 0..119: 7 is the level,
    10 the pan, 64 the sustain pedal, 91 the reverb; or `BEND` or `PRESSURE`. value: 0..127, of a bend
    0..16383.
    """

    start: Fraction
    number: int
    value: int


BEND, PRESSURE = 128, 129
"""What is kept beside the controllers: the pitch bend, 8192 in the middle, and the pressure on all keys."""

LEVEL, PAN, ROOM = 7, 10, 91
"""Controllers: how loud a part is, where it stands between left (0) and right (127), and its reverb."""

USUAL_MIXER = ((LEVEL, 100), (PAN, 64))
"""(number, value) of controllers where no file sets them (General MIDI Developer Guidelines, 1998)."""

BANKS = (0, 32)
"""Controllers that choose a bank of instruments. They are sent before the program."""

PARAMETERS = (6, 38, 96, 97, 98, 99, 100, 101)
"""Controllers that together set a parameter, such as how far a pitch bends, and mean nothing one by one."""


Span = tuple[int, Fraction, Fraction]
"""A stretch that is played: the verse that is sung, which becomes the first, or 0 for all of them as they
are; its start and its end.
"""


@dataclass(frozen=True, slots=True)
class TempoAt:
    """A tempo, in quarter notes a minute, from `start` on."""

    start: Fraction
    tempo: float


@dataclass(frozen=True)
class ScoreMarks:
    """What stands over a score and is no part of its melody. sections: (place in quarter notes, name) where
    each begins. tempi: the changes after the beginning, in order.
    """

    sections: tuple[tuple[Fraction, str], ...] = ()
    tempi: tuple[TempoAt, ...] = ()


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
    text: tuple[str, ...] = ()
    jumps: tuple[JumpMark, ...] = ()

    @property
    def tempi(self) -> tuple[TempoAt, ...]:
        """All tempi, the first at 0."""
        return (TempoAt(Fraction(0), self.tempo), *self.tempo_changes)

    @property
    def end(self) -> Fraction:
        return max([self.length, *(note.end for part in self.parts for note in part.notes)])

    def bars(self) -> tuple[Bar, ...]:
        return tuple(self.grid.bars(self.end))

    @property
    def names_over_bars(self) -> dict[int, str]:
        """Number of a bar -> the name of the section that begins there."""
        return {each.first_bar: each.name for each in self.sections}

    @property
    def section_marks(self) -> tuple[tuple[Fraction, str], ...]:
        """(place in quarter notes, name) where each section begins."""
        names = self.names_over_bars
        return tuple((bar.start, names[bar.number]) for bar in self.bars() if bar.number in names)

    def spans(self) -> list[Span]:
        """What is played, with every repeat and jump, in order."""
        words = (word for part in self.parts for word in part.words)
        return played_spans(self.repeats, self.end, words, self.jumps)


def played_spans(
    repeats: Iterable[Repeat], end: Fraction, words: Iterable[Syllable], jumps: Sequence[JumpMark] = ()
) -> list[Span]:
    """What is played of music that ends at `end`, with every repeat and jump, in order.

    A repeat with as many verses as it is played sings one verse each time.
    """
    words = tuple(words)
    spans: list[Span] = []
    once: list[Span] = []  # with the last pass of each repeat alone
    here = Fraction(0)
    for repeat in repeats:
        if repeat.start < here or repeat.end > end:
            continue
        sung = {word.verse for word in words if repeat.start <= word.start < repeat.end}
        each_its_own = sung == set(range(1, repeat.times + 1))
        passes = repeat.played()
        between = (0, here, repeat.start)
        spans += [between, *((time if each_its_own else 0, start, stop) for time, start, stop in passes)]
        last = [each for each in passes if each[0] == repeat.times]
        once += [between, *((time if each_its_own else 0, start, stop) for time, start, stop in last)]
        here = repeat.end
    spans, once = ([each for each in [*line, (0, here, end)] if each[1] < each[2]] for line in (spans, once))
    return with_jumps(jumps, spans, once) if jumps else spans
