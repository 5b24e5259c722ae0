"""What an earlier song gives to the next: its lead sheet, and what each player of its band played.

    record = SongRecord.of(recipe, tune, facts, earlier)      # of a song that was made
    SongRecord.from_json(record.to_json())                    # the same; this is what goes into the next song

A song's file may be a recording or a full score, from which its lead sheet cannot be read back exactly. So
the record goes into the next song beside the file: the file says what it was made from, the record has the
notes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from studio.errors import Refused, Unreadable
from studio.music.scores.keys import Key
from studio.music.scores.notes import Note
from studio.music.scores.tunes import Tune
from studio.music.songs.recipes import SongRecipe

if TYPE_CHECKING:
    from studio.music.songs.playing import PlayedSong

EARLIER, RECORD = "earlier", "record"
"""Roles of sources: an earlier song's file, and its record."""


@dataclass(frozen=True)
class SongRecord:
    """An earlier song.

    tune: its lead sheet. sections: (letter, first bar from 1, bars) in order; empty where it has none. band:
    the name of its band, or "". shift: quarter notes of intro before the tune. length: of the whole. parts:
    what each player played, by name. seeds: of each part and of the plan. feels: of how each is humanised.
    facts: of the work, without the tune.
    """

    title: str
    tune: Tune
    sections: tuple[tuple[str, int, int], ...] = ()
    band: str = ""
    shift: Fraction = Fraction(0)
    length: Fraction = Fraction(0)
    parts: Mapping[str, tuple[Note, ...]] = field(default_factory=dict)
    seeds: Mapping[str, int] = field(default_factory=dict)
    feels: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, recipe: SongRecipe, title: str, tune: Tune, facts: Mapping[str, Any], played: PlayedSong | None
    ) -> SongRecord:
        """Of a song that was made. played: what its band plays, where it has one."""
        sections = tuple(
            (str(each["letter"]), int(each["first"]), int(each["bars"])) for each in facts.get("sections", ())
        )
        known = {name: value for name, value in facts.items() if name not in ("tune", "band")}
        if played is None:
            return cls(title, tune, sections, facts=known)
        return cls(
            title,
            tune,
            sections,
            recipe.band,
            played.shift,
            played.score.end,
            {part.name: part.notes for part in played.score.parts},
            played.seeds,
            played.feels,
            known,
        )

    @property
    def bars(self) -> int:
        """Full bars of the tune, numbered from 1."""
        return sum(bar.number > 0 for bar in self.tune.bars())

    def bar(self, number: int) -> tuple[Fraction, Fraction]:
        """Where a bar (from 1) begins and ends. Raises `Refused` for one that it has not."""
        for bar in self.tune.bars():
            if bar.number == number:
                return bar.start, bar.end
        raise Refused(f"The earlier song {self.title!r} has no bar {number}; it has bars 1 to {self.bars}.")

    def key_of(self, number: int) -> Key:
        """The key of a bar (from 1): of its section, or what its tune says there."""
        for each in self.facts.get("sections", ()):
            if each["first"] <= number < each["first"] + each["bars"]:
                return Key.parse(each["key"])
        start = max(Fraction(0), self.bar(number)[0])
        return next(change.key for change in reversed(self.tune.keys) if change.start <= start)

    def to_json(self) -> bytes:
        """As JSON, the same bytes each time."""
        plain = {
            "title": self.title,
            "tune": self.tune.to_plain(),
            "sections": [list(each) for each in self.sections],
            "band": self.band,
            "shift": str(self.shift),
            "length": str(self.length),
            "parts": {name: _plain_notes(notes) for name, notes in self.parts.items()},
            "seeds": dict(self.seeds),
            "feels": dict(self.feels),
            "facts": dict(self.facts),
        }
        return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, text: bytes) -> SongRecord:
        """Raises `Unreadable` for what `to_json` did not give."""
        try:
            plain = json.loads(text)
            return cls(
                str(plain["title"]),
                Tune.from_plain(plain["tune"]),
                tuple((str(letter), int(first), int(bars)) for letter, first, bars in plain["sections"]),
                str(plain["band"]),
                Fraction(plain["shift"]),
                Fraction(plain["length"]),
                {str(name): _notes_of(notes) for name, notes in plain["parts"].items()},
                {str(name): int(seed) for name, seed in plain["seeds"].items()},
                {str(name): int(seed) for name, seed in plain["feels"].items()},
                dict(plain["facts"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ZeroDivisionError):
            raise Unreadable(
                "The record of the earlier song is damaged; name the song itself, from the gallery."
            ) from None


def _plain_notes(notes: Sequence[Note]) -> list[list[Any]]:
    return [
        [note.pitch, str(note.start), str(note.duration), note.velocity, int(note.staccato)] for note in notes
    ]


def _notes_of(rows: Sequence[Sequence[Any]]) -> tuple[Note, ...]:
    return tuple(
        Note(
            int(pitch),
            Fraction(start),
            Fraction(duration),
            velocity=None if velocity is None else int(velocity),
            staccato=bool(staccato),
        )
        for pitch, start, duration, velocity, staccato in rows
    )
