"""A melody in seconds, as a page needs it to draw the notes and to follow the sound."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from studio.music.melody.facts import copied_of
from studio.music.melody.origins import NoteOrigin, origins_of
from studio.music.scores.keys import pitch_name
from studio.music.scores.notes import Note
from studio.music.scores.tunes import Tune
from studio.music.writing.notation import measures_of


def timing_of(tune: Tune, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The melody as JSON values; places and lengths are in seconds. facts: those of the work.

    seconds         how long it lasts
    bars            where each bar begins
    meter, key      "4/4", "Bm"
    tempo           quarter notes a minute
    notes           for each sounding note {"at", "for", "pitch" (MIDI), "name", "bar" (from 1)}, and where
                    the facts have it {"order", "songs", "before", "after", "returns"}, see `NoteOrigin`
    copied          [first, end) of the longest run of notes that is also in the style
    written         for each bar of the score, from left to right, [where a written note or rest begins,
                    number of the note it is or belongs to; None for a rest]
    """
    second = 60 / tune.tempo
    starts = [bar.start for bar in tune.bars()]
    known = {origin.note: origin for origin in origins_of(facts)}
    return {
        "seconds": float(tune.end) * second,
        "bars": [float(start) * second for start in starts],
        "meter": str(tune.meter),
        "key": tune.key.short(),
        "tempo": tune.tempo,
        "notes": [_note(note, tune, starts, known.get(number)) for number, note in enumerate(tune.sounding)],
        "copied": list(copied_of(facts)),
        "written": _written(tune),
    }


def _note(note: Note, tune: Tune, starts: Sequence[Fraction], origin: NoteOrigin | None) -> dict[str, Any]:
    second, pitch = 60 / tune.tempo, note.pitch or 0
    data = {
        "at": float(note.start) * second,
        "for": float(note.duration) * second,
        "pitch": pitch,
        "name": pitch_name(pitch, tune.key),
        "bar": max(1, bisect_right(starts, note.start)),
    }
    if origin is None:
        return data
    where = ("order", "songs", "before", "after", "returns")
    return data | {name: getattr(origin, name) for name in where}


def _written(tune: Tune) -> list[list[list[Any]]]:
    second, score = 60 / tune.tempo, tune.score()
    return [
        [
            [float(each.start) * second, each.indices[0] if each.indices else None]
            for each in measure.voices[0]
        ]
        for measure in measures_of(score.parts[0], score)
    ]
