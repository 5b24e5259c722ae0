"""The repeats of MusicXML: which measures are played again, and which endings are written out.

A `Repeat` holds a section with one first ending. Anything richer (three endings, an ending for the first and
third time) is written out measure by measure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

MOST_TIMES = 8


@dataclass
class Marks:
    """What the bar lines of a measure say. times: how often the section that ends here is played, 0 where
    none does. ending: the numbers of the ending that begins here.
    """

    opens: bool = False
    times: int = 0
    ending: tuple[int, ...] = ()
    ending_stops: bool = False


@dataclass
class PlayOrder:
    """The measures in the order in which they are laid out.

    repeats: (first, end, first of the ending or None, times), as numbers of measures. written_out: how many
    repeats became measures.
    """

    measures: list[int] = field(default_factory=list)
    repeats: list[tuple[int, int, int | None, int]] = field(default_factory=list)
    written_out: int = 0


def marks_of(measures: Sequence[Element]) -> list[Marks]:
    """The marks of each measure. A repeat sign may stand at either side of a bar line."""
    marks = [Marks() for _ in range(len(measures) + 1)]
    for number, measure in enumerate(measures):
        for barline in measure.iterfind("barline"):
            left = barline.get("location") == "left"
            repeat, ending = barline.find("repeat"), barline.find("ending")
            if repeat is not None and repeat.get("direction") == "forward":
                marks[number if left else number + 1].opens = True
            elif repeat is not None and repeat.get("direction") == "backward" and (number or not left):
                times = repeat.get("times", "")
                count = int(times) if re.fullmatch(r"\d{1,3}", times) else 2
                marks[number - 1 if left else number].times = max(2, min(count, MOST_TIMES))
            if ending is not None and ending.get("type") == "start":
                numbers = re.findall(r"\d{1,2}", ending.get("number") or "")
                marks[number].ending = tuple(int(each) for each in numbers if int(each)) or (1,)
            elif ending is not None:
                marks[number].ending_stops = True
    return marks[:-1]


@dataclass
class _Ending:
    numbers: tuple[int, ...]
    first: int
    end: int = 0
    times: int = 0


class _Layout:
    """Goes through the marks once, with the section and the endings that are open."""

    def __init__(self, marks: Sequence[Marks]) -> None:
        self.marks = marks
        self.order = PlayOrder()
        self.opened = 0
        self.laid = 0
        self.endings: list[_Ending] = []
        self.current: _Ending | None = None

    def run(self) -> PlayOrder:
        for number, mark in enumerate(self.marks):
            if self.endings and self.current is None and not mark.ending:
                self._finish_endings()
            if mark.opens:
                self._stop_ending(number)
                self._finish_endings()
                self.opened = number
            if mark.ending:
                self._stop_ending(number)
                if 1 in mark.ending:
                    self._finish_endings()
                self.current = _Ending(mark.ending, number)
            if mark.times and self.current is not None:
                self.current.times = mark.times
                self._stop_ending(number + 1)
            elif mark.times:
                self._finish_endings()
                self.order.repeats.append((self.opened, number + 1, None, mark.times))
                self.opened = number + 1
            elif mark.ending_stops:
                self._stop_ending(number + 1)
        self._stop_ending(len(self.marks))
        self._finish_endings()
        self.order.measures += range(self.laid, len(self.marks))
        return self.order

    def _stop_ending(self, end: int) -> None:
        if self.current is not None:
            self.current.end = max(end, self.current.first + 1)
            self.endings.append(self.current)
            self.current = None

    def _finish_endings(self) -> None:
        """What a group of endings means, once it is known to be complete."""
        endings, self.endings = self.endings, []
        if not endings or not endings[0].times:
            return
        first = endings[0]
        count = max(first.numbers)
        simple = first.numbers == tuple(range(1, count + 1))
        if simple and (len(endings) == 1 or (len(endings) == 2 and endings[1].numbers == (count + 1,))):
            times = min(max(count + 1, first.times), MOST_TIMES)
            self.order.repeats.append((self.opened, first.end, first.first, times))
        else:
            self._write_out(endings)
        self.opened = max(each.end for each in endings)

    def _write_out(self, endings: Sequence[_Ending]) -> None:
        self.order.measures += range(self.laid, self.opened)
        last = min(max(max(each.numbers) for each in endings), MOST_TIMES)
        for time in range(1, last + 1):
            played = next((each for each in endings if time in each.numbers), endings[-1])
            self.order.measures += [*range(self.opened, endings[0].first), *range(played.first, played.end)]
        self.laid = max(each.end for each in endings)
        self.order.written_out += 1


def play_order(marks: Sequence[Marks]) -> PlayOrder:
    """How the measures of a piece are laid out, and what is repeated."""
    return _Layout(marks).run()
