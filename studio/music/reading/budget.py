"""What reading one file may cost, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass

from studio.music.scores.scores import Part, ScoreMarks
from studio.music.scores.tunes import Tune


@dataclass(frozen=True)
class ReadingBudget:
    """Limits for one file.

    file, unpacked: bytes. tunes: in one file. events: in a MIDI file. elements: in an XML file. signs: notes
    and other signs in one voice of an ABC tune. quarters: length of the music in quarter notes. seconds,
    memory (bytes): of the process that reads it.
    """

    file: int = 16_000_000
    unpacked: int = 48_000_000
    events: int = 300_000
    elements: int = 500_000
    signs: int = 60_000
    quarters: int = 40_000
    seconds: float = 60.0
    memory: int = 2 << 30
    tunes: int = 20_000


@dataclass(frozen=True)
class Unread:
    """A tune or file that could not be read. reason: one sentence."""

    name: str
    reason: str


class OfMelody(str):
    """A remark on the melody alone: nothing of the kind is lost where all parts of a tune are written."""

    __slots__ = ()


def labelled(remark: str, name: str) -> str:
    """A remark that says which file or tune it is about; one `OfMelody` stays one."""
    return type(remark)(f"{name}: {remark}")


@dataclass(frozen=True)
class Reading:
    """What a file gave.

    remarks: what was chosen, left out or moved, in sentences. unread: tunes of the file that could not be
    read. parts: all parts of each tune, where they were asked for; else empty. marks: what stands over them.
    """

    tunes: tuple[Tune, ...]
    remarks: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()
    parts: tuple[tuple[Part, ...], ...] = ()
    marks: tuple[ScoreMarks, ...] = ()
