"""Finds the places in the beat that performed notes were written at.

Every program rounds to its ticks, and players are never quite on the beat. Each beat is read on one grid:
halves, quarters, thirds and so on. Of all grids the one is taken that is simplest and nearest, where "near"
depends on how exact the whole file is. It is chosen for the file as well: the likelihood of the distances
decides, and a finer grid has to pay for itself (the principle of minimum description length; for rhythm see
Cemgil, Desain and Kappen, "Rhythm quantization for transcription", 2000).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import exp, log

_GRIDS = {1: 0.0, 2: 1.0, 4: 2.0, 3: 3.5, 8: 6.0, 6: 7.0, 12: 10.0, 5: 10.0, 16: 11.0, 7: 12.0}
"""How many places a beat has -> what such a grid costs."""

_RARE_GRIDS = {grid: 14.0 + grid / 8 for grid in (9, 10, 11, 13, 14, 15, 20, 24, 32, 40, 48, 64)}
"""Grids that are tried where no other holds all notes of a beat."""

WHOLE = 64 * 9 * 5 * 7 * 11 * 13
"""Parts of a quarter note in which places are counted: a place of any grid is a whole number of them."""

_MOST = 8.0
"""The cost of a note that is nowhere near the grid."""

_BEFOREHAND = 8.0
"""How many beats of a file outweigh what grids cost at first."""

_BLURS = (0.01, 0.02, 0.03, 0.045)
"""How far players are from the grid, in quarter notes (standard deviation)."""


@dataclass(frozen=True)
class PlacedOnsets:
    """Where the notes of a line begin.

    places: ticks as played -> the place as written, counted in `WHOLE` parts of a quarter note. blur: how far
    they were from there, in quarter notes (standard deviation). merged: how many notes fell together with
    another one that they follow. shifts: by how much they moved, in quarter notes, each.
    """

    places: dict[int, int]
    blur: float
    merged: int
    shifts: tuple[float, ...]


@dataclass(frozen=True)
class _Option:
    """One way to read a beat. places: the number of the place of each note. errors: squared distances."""

    grid: int
    cost: float
    places: tuple[int, ...]
    errors: tuple[float, ...]

    def distance(self, blur: float) -> float:
        """What the distances cost. blur: their standard deviation."""
        return sum([min(_MOST, error / (2 * blur * blur)) for error in self.errors])


Pattern = tuple[tuple[float, bool], ...]
"""The notes of a beat: the place of each from 0 to 1, and whether it must stay apart from the one before."""


def place_onsets(
    onsets: Sequence[int], apart: Sequence[bool], per_quarter: Fraction, bars: Sequence[Fraction] = ()
) -> PlacedOnsets:
    """Where notes were written that are played at `onsets`.

    onsets: in ticks, in order, no two equal. apart: whether each must not fall together with the one before
    it. per_quarter: ticks in a quarter note. bars: bar lines after which beats are counted anew, in quarter
    notes.
    """
    beats = _beats_of(onsets, apart, per_quarter, bars)
    counted = Counter(beats.values())
    tick = 1 / float(per_quarter)
    options = _options(counted, tick)
    blur = _blur_of(counted, options, tick)
    costs = _costs_in(counted, options, blur) if blur > tick else _GRIDS | _RARE_GRIDS
    best = {
        pattern: sorted(found, key=lambda option: costs[option.grid] + option.distance(blur))
        if len(found) > 1
        else found
        for pattern, found in options.items()
    }
    placed: list[int] = []
    for beat, pattern in beats.items():
        placed += _beat_placed(beat, best[pattern], placed[-1] if placed else None)
    merged = _keep_apart(placed, apart)
    part = 1 / WHOLE
    shifts = tuple([abs(place * part - onset * tick) for place, onset in zip(placed, onsets, strict=True)])
    return PlacedOnsets(dict(zip(onsets, placed, strict=True)), blur, merged, shifts)


def _beats_of(
    onsets: Sequence[int], apart: Sequence[bool], per_quarter: Fraction, bars: Sequence[Fraction]
) -> dict[int, Pattern]:
    """The notes of each beat that has some, by the place where it begins. A beat is a quarter note."""
    top, bottom = per_quarter.numerator, per_quarter.denominator
    beats: dict[int, list[tuple[float, bool]]] = {}
    following = [(float(bar * per_quarter) - 1, bar) for bar in reversed(bars) if bar]
    shift, origin = 0.0, 0
    for onset, alone in zip(onsets, apart, strict=True):
        while following and onset >= following[-1][0]:
            bar = following.pop()[1]
            shift, origin = float(bar * top), round(bar * WHOLE)
        beat, within = divmod(onset * bottom - shift, top)
        found = beats.setdefault(origin + int(beat) * WHOLE, [])
        found.append((within / top, alone and bool(found)))
    return {beat: tuple(found) for beat, found in beats.items()}


def _options(counted: Counter[Pattern], tick: float) -> dict[Pattern, list[_Option]]:
    """Ways to read each beat, the simplest first. Rare grids are for beats of exact files."""
    near = (0.75 * tick) ** 2
    options = {pattern: _worth_trying(_fitting(pattern, _GRIDS)) for pattern in counted}
    odd = [
        pattern
        for pattern, found in options.items()
        if not found or min([max(option.errors) for option in found]) > near
    ]
    exact = 2 * sum(counted[pattern] for pattern in odd) <= counted.total()
    for pattern in odd:
        found = options[pattern]
        if exact or not found:
            # A grid about as fine as the ticks fits everything and says nothing.
            finest = 0.3 / tick if found else 64
            rare = {grid: cost for grid, cost in _RARE_GRIDS.items() if grid <= finest}
            options[pattern] = [*found, *_worth_trying(_fitting(pattern, rare))] or [_crowded(pattern)]
    return options


def _worth_trying(options: Iterable[_Option]) -> list[_Option]:
    """The options that are nearer than every simpler one."""
    kept, nearest = [], 1e9
    for option in options:
        error = sum(option.errors)
        if error < nearest:
            nearest = error
            kept.append(option)
    return kept


def _fitting(pattern: Pattern, grids: dict[int, float]) -> Iterator[_Option]:
    """The grids on which notes that must stay apart do."""
    for grid, cost in grids.items():
        places = tuple([int(within * grid + 0.5) for within, _ in pattern])
        if len(set(places)) == len(places) or all(
            after > before
            for before, after, (_, alone) in zip(places, places[1:], pattern[1:], strict=False)
            if alone
        ):
            yield _Option(
                grid,
                cost,
                places,
                tuple(
                    [(within - place / grid) ** 2 for (within, _), place in zip(pattern, places, strict=True)]
                ),
            )


def _crowded(pattern: Pattern) -> _Option:
    """A beat with more notes than any grid holds."""
    places = tuple(int(within * 64 + 0.5) for within, _ in pattern)
    return _Option(64, 0.0, places, (0.0,) * len(pattern))


def _blur_of(counted: Counter[Pattern], options: dict[Pattern, list[_Option]], tick: float) -> float:
    """How exact the file is: the standard deviation, in quarter notes, under which it costs least."""
    exact = 0.4 * tick
    notes = sum(len(pattern) * count for pattern, count in counted.items())

    def cost(blur: float) -> float:
        least = sum(
            count * min([option.cost + option.distance(blur) for option in options[pattern]])
            for pattern, count in counted.items()
        )
        return least + notes * log(blur)

    if all(
        any(option.grid <= 8 and max(option.errors) <= tick * tick / 3 for option in options[pattern])
        for pattern in counted
    ):
        return exact
    blurs = [exact, *(blur for blur in (1.2 * tick, 3 * tick, *_BLURS) if exact < blur <= _BLURS[-1])]
    return min(blurs, key=cost)


def _costs_in(
    counted: Counter[Pattern], options: dict[Pattern, list[_Option]], blur: float
) -> dict[int, float]:
    """What each grid costs in this file: less where many beats use it."""
    costs = _GRIDS | _RARE_GRIDS
    used: Counter[int] = Counter()
    for pattern, count in counted.items():
        best = min(options[pattern], key=lambda option: option.cost + option.distance(blur))
        used[best.grid] += count
    whole = sum(exp(-cost) for cost in costs.values())
    total = sum(used.values()) + _BEFOREHAND
    return {
        grid: -log((used[grid] + _BEFOREHAND * exp(-cost) / whole) / total) for grid, cost in costs.items()
    }


def _beat_placed(beat: int, options: Sequence[_Option], last: int | None) -> list[int]:
    """The places of the notes of a beat. last: of the note before."""
    chosen = options[0]
    if last is not None and last > beat - WHOLE:
        chosen = next(
            (option for option in options if beat + option.places[0] * (WHOLE // option.grid) > last), chosen
        )
    step = WHOLE // chosen.grid
    return [beat + place * step for place in chosen.places]


def _keep_apart(placed: list[int], apart: Sequence[bool]) -> int:
    """Move notes that fell together with one they follow a little forward, where there is room before it.
    Says for how many there was none.
    """
    merged = 0
    for place in range(1, len(placed)):
        if placed[place] > placed[place - 1]:
            continue
        placed[place] = placed[place - 1]
        if not apart[place]:
            continue
        before = placed[place - 2] if place > 1 else -1
        room = (placed[place] - WHOLE // part for part in (8, 16, 32))
        earlier = next((each for each in room if each > before), None)
        if earlier is None:
            merged += 1
        else:
            placed[place - 1] = earlier
    return merged


def must_stay_apart(notes: Sequence[tuple[int, int]], per_quarter: Fraction) -> list[bool]:
    """For each (start, end) in ticks, in order of start, whether it follows the one before, as in a melody.
    Notes that begin nearly together and sound on together are a rolled chord.
    """
    near = float(per_quarter) / 10
    return [
        False,
        *(
            not (after - start < near and end - start > 3 * (after - start))
            for (start, end), (after, _) in pairwise(notes)
        ),
    ]
