"""Beams: which notes share one, by the beats of the meter (Gould, Behind Bars, 2011, "Beaming")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from studio.music.scores.meters import Meter
from studio.music.writing.written import Measure, Written

_UNEVEN = {5: (3, 2), 7: (2, 2, 3), 8: (3, 3, 2), 10: (3, 2, 3, 2), 11: (3, 3, 3, 2)}
"""Number of eighths in a bar -> the groups they are felt in."""


def beam_groups(meter: Meter) -> tuple[Fraction, ...]:
    """The stretches of a bar, in quarter notes, that beams may span."""
    if meter.compound and meter.denominator >= 8:
        return (meter.beat,) * (meter.numerator // 3)
    if meter.denominator == 8 and meter.numerator in _UNEVEN:
        return tuple(Fraction(count, 2) for count in _UNEVEN[meter.numerator])
    if meter.denominator > 4 and meter.bar_length % 1:
        return (meter.bar_length,)
    unit = max(meter.beat, Fraction(1)) if meter.denominator >= 4 else Fraction(2)
    return (unit,) * int(meter.bar_length // unit)


def beamed(written: Sequence[Written], measure: Measure) -> list[Written]:
    """One voice of a measure with its beams."""
    result = list(written)
    edges, here = [], Fraction(0)
    for stretch in beam_groups(measure.bar.meter):
        edges.append((here, here + stretch))
        here += stretch
    for start, end in _widened(edges, result, measure):
        run: list[int] = []
        for place, note in enumerate(result):
            at = _place(note, measure)
            if start <= at < end and note.pitches and note.value < 1 and at + note.duration <= end:
                run.append(place)
            else:
                _beam_run(result, run)
                run = []
        _beam_run(result, run)
    return result


def _place(note: Written, measure: Measure) -> Fraction:
    """Where it begins in a full bar."""
    return note.start - measure.bar.start + measure.upbeat


def _widened(
    edges: list[tuple[Fraction, Fraction]], written: Sequence[Written], measure: Measure
) -> list[tuple[Fraction, Fraction]]:
    """Two beats (all three in 3/4) of nothing but eighths share a beam."""
    meter = measure.bar.meter
    if meter.compound or meter.denominator != 4:
        return edges
    span = 3 if meter.numerator == 3 else 2
    wide: list[tuple[Fraction, Fraction]] = []
    for first in range(0, len(edges), span):
        together = edges[first : first + span]
        start, end = together[0][0], together[-1][1]
        inside = [note for note in written if start <= _place(note, measure) < end]
        wide += [(start, end)] if inside and all(map(_plain_eighth, inside)) else together
    return wide


def _plain_eighth(note: Written) -> bool:
    return bool(note.pitches) and note.value == Fraction(1, 2) and not note.dots and not note.tuplet


def _beam_run(result: list[Written], run: Sequence[int]) -> None:
    """Put one beam over the notes at these places."""
    if len(run) < 2:
        return
    levels = [0, *(_levels(result[place].value) for place in run), 0]
    for position, place in enumerate(run, 1):
        marks = []
        for level in range(1, levels[position] + 1):
            before, after = levels[position - 1] >= level, levels[position + 1] >= level
            if before and after:
                marks.append("continue")
            elif after:
                marks.append("begin")
            elif before:
                marks.append("end")
            else:
                marks.append("forward hook" if position == 1 else "backward hook")
        result[place] = replace(result[place], beams=tuple(marks))


def _levels(value: Fraction) -> int:
    """How many beams a note value has: 1 for an eighth."""
    levels = 0
    while value < 1:
        value *= 2
        levels += 1
    return levels
