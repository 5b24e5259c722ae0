"""What is played, beside what is written: a `Performance` in seconds, made from an exact `Score` by a
seed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from studio.music.scores.scores import Score, TempoAt


@dataclass(frozen=True, slots=True)
class PlayedNote:
    """One note as it is played. start, duration: in seconds. pitch: MIDI number. velocity: 1..127."""

    start: float
    duration: float
    pitch: int
    velocity: int

    @property
    def end(self) -> float:
        return self.start + self.duration


@dataclass(frozen=True)
class PlayedPart:
    """One part of a performance, and where it stands in the mix.

    notes: ordered by start. program: General MIDI instrument 0..127. percussion: General MIDI drums. level:
    in dB, as the mixer is set. chosen: whether a person set it. pan: -1 (left) to 1 (right). reverb:
    how much of it is sent to the room, 0..1.
    """

    name: str
    notes: tuple[PlayedNote, ...]
    program: int = 0
    percussion: bool = False
    level: float = 0.0
    pan: float = 0.0
    reverb: float = 0.2
    chosen: bool = False


@dataclass(frozen=True)
class Performance:
    """A score as it is played. Its parts are in the order of the score's.

    score: what is written; chords, words, sections and bars are there. tempi: quarter notes a minute from a
    place of the score on, the first at 0. lead_in: seconds of silence before the first bar, so that nobody
    can be too early. evened: a recording of it brings its sections to the loudness they should have beside
    each other. lifted: and a part that would hardly be heard in a section is turned up there.
    """

    score: Score
    parts: tuple[PlayedPart, ...]
    tempi: tuple[TempoAt, ...] = field(default_factory=lambda: (TempoAt(Fraction(0), 120.0),))
    lead_in: float = 0.0
    evened: bool = False
    lifted: bool = False

    @property
    def clock(self) -> Clock:
        return Clock(self.tempi)

    @property
    def seconds(self) -> float:
        """How long it lasts, to the end of the last note or the last bar."""
        ends = [note.end for part in self.parts for note in part.notes]
        return max([self.clock.seconds(self.score.end) + self.lead_in, *ends])


class Clock:
    """From places in a score (quarter notes) to seconds, and back."""

    def __init__(self, tempi: Sequence[TempoAt]) -> None:
        if not tempi or tempi[0].start != 0:
            raise ValueError("the first tempo must be at 0")
        self._places = [float(change.start) for change in tempi]
        self._lengths = [60 / change.tempo for change in tempi]
        self._seconds = [0.0]
        for place in range(1, len(tempi)):
            passed = (self._places[place] - self._places[place - 1]) * self._lengths[place - 1]
            self._seconds.append(self._seconds[-1] + passed)

    def seconds(self, place: Fraction | float) -> float:
        """When a place of the score is reached."""
        at = max(0, bisect_right(self._places, float(place)) - 1)
        return self._seconds[at] + (float(place) - self._places[at]) * self._lengths[at]

    def place(self, seconds: float) -> float:
        """The place in the score, in quarter notes, that is reached then."""
        at = max(0, bisect_right(self._seconds, seconds) - 1)
        return self._places[at] + (seconds - self._seconds[at]) / self._lengths[at]
