"""Performed music on a grid, and what was moved to get there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from studio.music.reading.assembling import one_at_a_time
from studio.music.scores.tunes import Tune


@dataclass(frozen=True)
class Quantised:
    """What quantising did. notes: (start, end, pitch, False). moved: how many of `of` notes changed their
    start or end;
    mean, largest: by how much the starts moved, in quarter notes, over the notes that moved."""

    notes: tuple[tuple[Fraction, Fraction, int | None, bool], ...]
    moved: int
    of: int
    mean: float
    largest: float

    @property
    def sentence(self) -> str:
        if not self.moved:
            return "Nothing was moved."
        return (
            f"It was played, not written: {self.moved} of {self.of} notes were moved to a grid of sixteenths and triplets, "
            f"their beginnings by {self.mean:.3f} of a quarter note on average and {self.largest:.3f} at most."
        )


_STRAIGHT = tuple(Fraction(step, 4) for step in range(5))
_TRIPLET = tuple(Fraction(step, 3) for step in range(4))
_WRITTEN = frozenset(
    divisor for whole in (48, 64, 80, 56, 36) for divisor in range(1, whole + 1) if whole % divisor == 0
)


def quantise_line(
    played: Sequence[tuple[Fraction, Fraction, int | None, bool]], *, always: bool = False
) -> Quantised:
    """Move performed notes to the nearest place of a grid: beat by beat sixteenths or triplet eighths,
    whichever is nearer in all.

    A file whose notes begin (at least 95 % of them) and end on simple fractions of a beat was written and is
    left alone, unless `always`. Where only the ends are ragged, only they move. A note held to within a
    quarter of its length of the next sounds until it.
    """
    notes = sorted((start, stop, pitch) for start, stop, pitch, _ in played if pitch is not None)
    whole = tuple((start, stop, pitch, False) for start, stop, pitch in notes)
    if not notes:
        return Quantised(whole, 0, 0, 0.0, 0.0)
    share = sum(start.denominator in _WRITTEN for start, _, _ in notes) / len(notes)
    tidy = sum(stop.denominator in _WRITTEN for _, stop, _ in notes) / len(notes)
    if share >= 0.95 and tidy >= 0.95 and not always:
        return Quantised(whole, 0, len(notes), 0.0, 0.0)
    starts = [start for start, _, _ in notes]
    placed = starts if share >= 0.95 and not always else _to_grid(starts)
    following = dict(pairwise(sorted(set(placed))))
    result, moved, far = [], 0, []
    for (start, stop, pitch), begins in zip(notes, placed, strict=True):
        after: Fraction | None = following.get(begins)
        ends = begins + max(Fraction(1, 4), Fraction(round((stop - start) * 4), 4))
        if after is not None:
            gap = after - begins
            if stop - start >= gap * Fraction(3, 4) or ends > after:
                ends = after
        result.append((begins, ends, pitch, False))
        if begins != start or ends != stop:
            moved += 1
            far.append(abs(float(begins - start)))
    shifts = [shift for shift in far if shift] or [0.0]
    return Quantised(tuple(result), moved, len(notes), sum(shifts) / len(shifts), max(shifts))


def _to_grid(starts: Sequence[Fraction]) -> list[Fraction]:
    by_beat: dict[int, list[int]] = {}
    for place, start in enumerate(starts):
        by_beat.setdefault(int(start), []).append(place)
    placed = list(starts)
    for beat, members in by_beat.items():

        def nearest(
            grid: Sequence[Fraction], beat: int = beat, members: Sequence[int] = members
        ) -> tuple[Fraction, list[Fraction]]:
            found = [min(grid, key=lambda step: abs(starts[member] - beat - step)) for member in members]
            error = sum(
                (abs(starts[member] - beat - step) for member, step in zip(members, found, strict=True)),
                Fraction(0),
            )
            # Notes that would fall together cost as much as a large move: a grid that keeps them apart is
            # better.
            return error + Fraction(len(found) - len(set(found)), 8), found

        straight, triplet = nearest(_STRAIGHT), nearest(_TRIPLET)
        # Triplets must be clearly better: a single note a little off the beat is not one.
        chosen = triplet if triplet[0] + Fraction(1, 24) < straight[0] else straight
        for member, step in zip(members, chosen[1], strict=True):
            placed[member] = beat + step
    return placed


def quantise(tune: Tune) -> tuple[Tune, Quantised]:
    """A tune whose notes were played, on a grid of sixteenths and triplet eighths, and what was moved."""
    moved = quantise_line([(note.start, note.end, note.pitch, False) for note in tune.sounding], always=True)
    notes = one_at_a_time(moved.notes, Fraction(0))
    return replace(tune, notes=tuple(notes), repeats=(), phrase_ends=()), moved
