"""Moves performed music to a grid, and says how much was moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from studio.music.reading.assembling import FoundNote


@dataclass(frozen=True)
class _Quantised:
    """What quantising did.

    moved: how many of `of` notes changed their start or end. mean, largest: by how much the starts moved, in
    quarter notes; the mean is over the notes whose start moved.
    """

    notes: tuple[FoundNote, ...]
    moved: int
    of: int
    mean: float
    largest: float

    @property
    def sentence(self) -> str:
        if not self.moved:
            return "Nothing was moved."
        return (
            f"This was played, not written: {self.moved} of {self.of} notes were moved to a grid of "
            f"sixteenths and triplets, their starts by {self.mean:.3f} quarter notes on average and "
            f"{self.largest:.3f} at most."
        )


_STRAIGHT = tuple(Fraction(step, 4) for step in range(5))
_TRIPLET = tuple(Fraction(step, 3) for step in range(4))
_WRITTEN = frozenset(
    divisor for whole in (48, 64, 80, 56, 36) for divisor in range(1, whole + 1) if whole % divisor == 0
)
"""Denominators, in quarter notes, of the places where written notes begin and end."""


def quantise_line(played: Sequence[FoundNote]) -> _Quantised:
    """Move performed notes to the nearest place of a grid.

    The grid is chosen for each beat: sixteenths or triplet eighths, whichever lie nearer on the whole. A file
    in which at least 95 % of the notes begin on simple fractions of a beat, and 95 % end on them, was written
    and is left alone. Where only the ends are ragged, only they move. A note that is held
    for at least three quarters of the time to the next one sounds until it.
    """
    notes = sorted(note for note in played if note.pitch is not None)
    whole = tuple(note._replace(tied=False) for note in notes)
    if not notes:
        return _Quantised(whole, 0, 0, 0.0, 0.0)
    clean_starts = sum(note.start.denominator in _WRITTEN for note in notes) / len(notes)
    clean_ends = sum(note.end.denominator in _WRITTEN for note in notes) / len(notes)
    if clean_starts >= 0.95 and clean_ends >= 0.95:
        return _Quantised(whole, 0, len(notes), 0.0, 0.0)
    starts = [note.start for note in notes]
    placed = starts if clean_starts >= 0.95 else _to_grid(starts)
    following = dict(pairwise(sorted(set(placed))))
    result = [_placed(note, start, following.get(start)) for note, start in zip(notes, placed, strict=True)]
    moved = sum((new.start, new.end) != (old.start, old.end) for new, old in zip(result, notes, strict=True))
    shifts = [abs(float(new.start - old.start)) for new, old in zip(result, notes, strict=True)]
    shifts = [shift for shift in shifts if shift] or [0.0]
    return _Quantised(tuple(result), moved, len(notes), sum(shifts) / len(shifts), max(shifts))


def _placed(note: FoundNote, start: Fraction, following: Fraction | None) -> FoundNote:
    """A note that now begins at `start`, with its end moved too. following: where the next note begins."""
    held = note.end - note.start
    end = start + max(Fraction(1, 4), Fraction(round(held * 4), 4))
    if following is not None and (held >= (following - start) * Fraction(3, 4) or end > following):
        end = following
    return FoundNote(start, end, note.pitch, False)


def _to_grid(starts: Sequence[Fraction]) -> list[Fraction]:
    by_beat: dict[int, list[int]] = {}
    for place, start in enumerate(starts):
        by_beat.setdefault(int(start), []).append(place)
    placed = list(starts)
    for beat, members in by_beat.items():
        within = [starts[member] - beat for member in members]
        straight, triplet = _nearest(within, _STRAIGHT), _nearest(within, _TRIPLET)
        # Triplets must be clearly better: a single note a little off the beat is not one.
        _, chosen = triplet if triplet[0] + Fraction(1, 24) < straight[0] else straight
        for member, step in zip(members, chosen, strict=True):
            placed[member] = beat + step
    return placed


def _nearest(within: Sequence[Fraction], grid: Sequence[Fraction]) -> tuple[Fraction, list[Fraction]]:
    """How badly the starts within a beat fit a grid, and the nearest place for each."""
    found = [min(grid, key=lambda step: abs(start - step)) for start in within]
    error = sum((abs(start - step) for start, step in zip(within, found, strict=True)), Fraction(0))
    # Notes that would fall together cost as much as a large move: a grid that keeps them apart is better.
    return error + Fraction(len(found) - len(set(found)), 8), found
