"""From an exact score to a performance, by a seed."""

from __future__ import annotations

import numpy as np

from studio.music.scores.performance import Clock, Performance, PlayedNote, PlayedPart
from studio.music.scores.scores import Score


def perform(score: Score, band: str, rng: np.random.Generator) -> Performance:
    """The score as the band plays it: in seconds, with a velocity for each note."""
    clock = Clock(score.tempi)
    parts = []
    for part in score.parts:
        notes = [
            PlayedNote(
                clock.seconds(note.start),
                clock.seconds(note.end) - clock.seconds(note.start),
                note.pitch,
                note.velocity or part.velocity,
            )
            for note in part.notes
            if note.pitch is not None
        ]
        parts.append(PlayedPart(part.name, tuple(notes), part.program, part.percussion))
    return Performance(score, tuple(parts), score.tempi)
