"""Finds the key of notes that come without one."""

from __future__ import annotations

from collections.abc import Sequence

from studio.music.scores.keys import Key
from studio.music.scores.notes import Note

MAJOR_PROFILE = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
MINOR_PROFILE = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)
"""The share of the music on each of the twelve pitch classes, from the tonic up (Albrecht and Shanahan, "The
use of large corpora to train a new type of key-finding algorithm", Music Perception 31, 2013).
"""

TONIC_BONUS = 0.2
"""Added to the correlation of a key whose tonic ends the tune."""


def estimate_key(notes: Sequence[Note], fifths: int | None = None, closing: int | None = None) -> Key:
    """The key of notes, by how well the time spent on each pitch class correlates with the profiles above.

    The ending counts too: `TONIC_BONUS` favours the key on the root of the last chord (closing, a pitch
    class) or else on the last note. fifths: the signature, when it is known; then only the major and the
    minor key with that signature compete, and the dorian and the mixolydian where the tune ends on their
    tonic.
    """
    sounding = [note for note in notes if note.pitch is not None]
    if not sounding:
        return Key(fifths or 0)
    weight = [0.0] * 12
    for note in sounding:
        weight[note.pitch % 12] += float(note.duration)  # type: ignore[operator]
    last = sounding[-1].pitch % 12 if closing is None else closing  # type: ignore[operator]
    if fifths is None:
        candidates = [Key.of_tonic(tonic, mode) for mode in ("major", "minor") for tonic in range(12)]
    else:
        candidates = [Key(fifths, "major"), Key(fifths, "minor")]
        modal = [Key(fifths, "dorian"), Key(fifths, "mixolydian")]
        candidates += [key for key in modal if key.tonic == last]

    def fit(key: Key) -> float:
        profile = MINOR_PROFILE if key.mode in ("minor", "dorian") else MAJOR_PROFILE
        from_tonic = [weight[(key.tonic + degree) % 12] for degree in range(12)]
        return _correlation(from_tonic, profile) + (TONIC_BONUS if key.tonic == last else 0.0)

    return max(candidates, key=fit)


def _correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Pearson's correlation; 0 where either is constant."""
    mean_one, mean_other = sum(one) / len(one), sum(other) / len(other)
    together = sum((a - mean_one) * (b - mean_other) for a, b in zip(one, other, strict=True))
    spread = (sum((a - mean_one) ** 2 for a in one) * sum((b - mean_other) ** 2 for b in other)) ** 0.5
    return together / spread if spread else 0.0
