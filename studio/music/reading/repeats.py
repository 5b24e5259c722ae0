"""From repeat signs and endings, in the order they stand, to the repeats of a tune."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from studio.music.scores.bars import Repeat, Volta

MOST_TIMES = 16
"""More passes than this are taken for an error of the file."""


def told_of_times(said: str, read: int) -> str:
    """What is said of a repeat that is not played as often as its file says."""
    said = said if len(said) <= 12 else f"{said[:12]}…"
    return f"A repeat that the file plays {said} times was read as one of {read} times."


@dataclass
class RepeatSigns:
    """Told of every sign from left to right, it collects the repeats.

    A section begins at its start sign, else after the last repeat, ending or double bar; a double bar inside
    a section that has a start sign means nothing (ABC 2.1, section 4.8). An ending is closed by an end sign,
    a double bar or a start sign (section 4.9), so an end sign after the last ending repeats nothing more.

    closed: the last end sign of this section. done: its last ending is closed too. after: the first bar line
    at which the last ending is as long as the first one. goes_back: an end sign after an ending of several
    passes is that ending's own.
    """

    repeats: list[Repeat] = field(default_factory=list)
    opened: Fraction = Fraction(0)
    explicit: bool = False
    endings: list[Volta] = field(default_factory=list)
    closed: Fraction | None = None
    done: bool = False
    after: Fraction | None = None
    times: int = 2
    goes_back: bool = False

    def bar_line(self, place: Fraction) -> None:
        """Any bar line. Call this before what else the bar line says."""
        if self.after is not None or self.closed is None or len(self.endings) < 2:
            return
        if place - max(self.closed, self.endings[-1].start) >= self._first_length:
            self.after = place

    def opens(self, place: Fraction, times: int = 2) -> None:
        """A start sign, |: in ABC. times: how often the section is played, where the sign says so (|::)."""
        self._leave(place)
        self.opened, self.explicit, self.times = place, True, times

    def closes(self, place: Fraction, times: int = 2) -> None:
        """An end sign, :| in ABC. times: how often the section is played."""
        if self.closed is not None:
            if not self.done and self._closes_an_ending(place):
                self.closed, self.done = place, True
                return
            self._leave(self._next_section())
        if self.opened < place:
            self.closed, self.times = place, min(max(times, self.times), MOST_TIMES)
            if not self.endings:
                self._leave(place)

    def ending(self, place: Fraction, passes: tuple[int, ...]) -> None:
        """The sign of an ending, |1 or [1,3 in ABC."""
        passes = tuple(number for number in passes if 1 <= number <= MOST_TIMES)
        if 1 in passes:
            if self.closed is not None:
                # The first ending of the next section, whose beginning nobody marked.
                self._leave(self._next_section())
            self.endings = [Volta(place, passes)]
        elif passes and self.endings:
            self.endings.append(Volta(place, passes))
            self.done, self.after = False, None

    def double_bar(self, place: Fraction, *, final: bool = False) -> None:
        """|| in ABC: ends an ending, and a section that has no start sign.

        final: |], which ends any section.
        """
        over = place > self.closed if self.closed is not None else not self.explicit and not self.endings
        if over or (final and self.closed is None):
            self._leave(place)

    def finish(self, place: Fraction) -> list[Repeat]:
        """The repeats, at the end of the music."""
        self._leave(place)
        return self.repeats

    def _closes_an_ending(self, place: Fraction) -> bool:
        """Whether an end sign only closes the ending before it, and repeats nothing more.

        A stretch of more bars than the first ending is the last ending and the next section.
        """
        last = self.endings[-1] if self.endings else None
        if last is None or len(self.endings) < 2 or (self.closed is not None and last.start < self.closed):
            return False
        if self.goes_back and len(last.passes) > 1:
            return True
        passes = self._passes
        return len(passes) < max(passes) or self.after in (None, place)

    @property
    def _passes(self) -> set[int]:
        return {number for each in self.endings for number in each.passes}

    @property
    def _first_length(self) -> Fraction:
        end = self.endings[1].start if len(self.endings) > 1 else self.closed or self.endings[0].start
        return end - self.endings[0].start

    def _next_section(self) -> Fraction:
        """Where a section begins that follows this one without a sign: after the last ending, which is taken
        to be as long as the first.
        """
        assert self.closed is not None
        return self.closed if self.done or self.after is None else self.after

    def _leave(self, place: Fraction) -> None:
        """The section is over at this place, where the next one may begin."""
        if self.closed is not None and self.opened < self.closed:
            self.repeats.append(self._repeat(self.closed if self.done else place))
        self.opened, self.explicit, self.endings, self.closed = place, False, [], None
        self.done, self.after, self.times = False, None, 2

    def _repeat(self, place: Fraction) -> Repeat:
        """This section. place: where its last ending ends."""
        assert self.closed is not None
        if not self.endings or self.endings[0].start >= self.closed:
            return Repeat(self.opened, self.closed, None, self.times)
        times, inside, end = max(self.times, *self._passes), self.endings, self.closed
        if len(inside) > 1:
            # A last ending that is played once, at the last pass, is what follows the repeat.
            once = inside[-1].passes == (times,)
            inside, end = (inside[:-1], inside[-1].start) if once else (inside, place)
        if len(inside) == 1 and inside[0].passes == tuple(range(1, max(times, 2))):
            return Repeat(self.opened, end, inside[0].start, times)
        return Repeat(self.opened, end, inside[0].start, times, tuple(inside))


def passes_of(text: str) -> tuple[int, ...]:
    """The passes of an ending: "1" is (1,), "1,3" (1, 3), "1-3" (1, 2, 3)."""
    numbers: list[int] = []
    for first, last in re.findall(r"(\d{1,2})(?:\s*-\s*(\d{1,2}))?", text):
        numbers += range(int(first), min(int(last or first), MOST_TIMES) + 1)
    return tuple(dict.fromkeys(numbers))
