"""The repeats of MusicXML: what the bar lines of its measures say of repeats and endings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from xml.etree.ElementTree import Element

from studio.music.reading.repeats import MOST_TIMES, RepeatSigns, passes_of, told_of_times
from studio.music.scores.bars import Repeat, Volta


@dataclass
class Marks:
    """What the bar lines of a measure say. times: how often the section that ends here is played, 0 where
    none does. said: how often it is played in the file, where that is not read so. ending: the numbers of the
    ending that begins here.
    """

    opens: bool = False
    times: int = 0
    said: str = ""
    ending: tuple[int, ...] = ()
    ending_stops: bool = False


def marks_of(measures: Sequence[Element], *, implied: bool = True) -> list[Marks]:
    """The marks of each measure. A repeat sign may stand at either side of a bar line. implied: one that is
    not printed counts (`<sound forward-repeat="yes">`).
    """
    marks = [Marks() for _ in range(len(measures) + 1)]
    for number, measure in enumerate(measures):
        if implied and any(each.get("forward-repeat") == "yes" for each in measure.iter("sound")):
            marks[number].opens = True
        for barline in measure.iterfind("barline"):
            left = barline.get("location") == "left"
            repeat, ending = barline.find("repeat"), barline.find("ending")
            if repeat is not None and repeat.get("direction") == "forward":
                marks[number if left else number + 1].opens = True
            elif repeat is not None and repeat.get("direction") == "backward" and (number or not left):
                times = repeat.get("times", "")
                count = int(times) if re.fullmatch(r"\d{1,3}", times) else 2
                mark = marks[number - 1 if left else number]
                mark.times = max(2, min(count, MOST_TIMES))
                mark.said = times if re.fullmatch(r"\d{2,}", times) and int(times[:9]) > mark.times else ""
            if ending is not None and ending.get("type") == "start":
                passes = passes_of(ending.get("number") or "")
                marks[number].ending = tuple(each for each in passes if each) or (1,)
            elif ending is not None:
                marks[number].ending_stops = True
    return marks[:-1]


def remarks_on_times(marks: Sequence[Marks]) -> list[str]:
    """What is said of repeats that are not played as often as the file says; of the first ones alone."""
    return [told_of_times(mark.said, mark.times) for mark in marks if mark.said][:MOST_TOLD]


MOST_TOLD = 3
"""Repeats of which it is said that they are read otherwise."""


def repeats_of(marks: Sequence[Marks], edges: Sequence[Fraction]) -> list[Repeat]:
    """The repeats of a piece with these marks. edges: where each measure begins, and the end of the last."""
    signs = RepeatSigns()
    for number, mark in enumerate(marks):
        start, end = edges[number], edges[number + 1]
        if mark.opens:
            signs.opens(start)
        if mark.ending:
            signs.ending(start, mark.ending)
        if mark.times:
            signs.closes(end, max(mark.times, _times_by_ending(signs.endings)))
        elif mark.ending_stops:
            signs.double_bar(end)
    return signs.finish(edges[-1])


def _times_by_ending(endings: Sequence[Volta]) -> int:
    """After a first ending for the passes 1 to n there is one pass more, which leaves it out."""
    passes = endings[0].passes if len(endings) == 1 else ()
    return len(passes) + 1 if passes == tuple(range(1, len(passes) + 1)) else 0
