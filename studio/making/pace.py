"""How much longer a making will take."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from studio.works.work import Prediction


@dataclass(frozen=True)
class Milestone:
    """How far a work was. at: seconds. cost: how much is done, counted by what it costs, 0..1. steps: the
    same, counted by steps.
    """

    at: float
    cost: float
    steps: float


class Pace:
    """Estimates the time left from how much of the work is done, and from what was expected of it.

    before, steps: seconds that were expected before the first step and for all steps; None where nothing was.
    even, unsure: as in `Prediction`.

    The share that is done counts by what it costs (see `Progress.share`), so that a dream's small sizes and
    large ones go at the same pace. On a busy computer every step takes something that does not go by its
    size, so a part of the time is taken to go by steps: as large a part as makes the pace seen so far most
    even, a small one being likelier beforehand (`PARTS`). What was expected counts at first, and the measured
    pace more and more, as each is to be trusted (see `_weighed`): small sizes say little of large ones. Of a
    work whose parts are of different kinds, the measured pace counts alone from two thirds on. The latest
    half of the time counts more than all of it: a computer may get busier. Between two notes the
    estimate runs down with the clock; where all of it has passed without a note, nothing is said until the
    next one, by whose pace what was expected is corrected. Otherwise, whatever comes, what is said does not
    rise by more than a third from one look to the next, nor within `CALM` seconds; only below `SHORT` seconds
    it may. What was expected before and after the steps and did not come before them is expected after them,
    such as keeping the work, though at most a `LAST_PART` of its steps.

    How far off that may be, `most_left` says: little where the pace is known and even, and much on a computer
    whose other work comes and goes, which no past tells.
    """

    CALM, SHORT, LATE = 0.5, 1.0, 3.0
    UNEVEN_FROM = 0.66
    SURE, FAR, DOUBT = 0.6, 0.35, 3.0
    """By how much, as a natural logarithm, what is expected and a pace measured at the beginning are usually
    wrong; and how much less sure what is expected is where the two are far apart.
    """
    RECENT, RECENT_COUNTS = 0.5, 0.15
    LAST_PART = 0.12
    PARTS = ((0.0, 2.0), (0.15, 1.0), (0.3, 0.5), (0.45, 0.25), (0.6, 0.1), (0.75, 0.05))
    """Parts of the time that may go by steps, and how likely each is beforehand."""
    STRETCHES = 40
    """The notes are looked at in so many stretches of time at most."""
    AT_FIRST, OFTEN, MOST_OFF = 0.4, 1.3, 1.0
    """How far off, as a natural logarithm, what is said may be before there is anything to measure; how many
    standard deviations are allowed for; and the furthest that is said.
    """
    BLOCKS, CHANGES, UNKNOWN = 8, 1.5, 0.45
    """Into how many parts the time is divided to see how even the pace is, how much its changes count, and
    how unsure the rest of a work is whose parts differ.
    """
    EVIDENCE = 24
    """Stretches beyond so many say nothing new of the part: neighbours are alike."""

    def __init__(
        self, before: float = 0.0, steps: float | None = None, *, even: bool = True, unsure: float = 0.0
    ) -> None:
        self._before, self._expected, self._unsure = before, steps, unsure
        self._even = even
        self._notes: list[Milestone] = []
        self._left: tuple[float, float] | None = None
        self._said: tuple[float, float] | None = None
        self._began: float | None = None
        self._off, self._waited, self._late = self.AT_FIRST + unsure, 0.0, False

    @classmethod
    def of(cls, expected: Prediction) -> Pace:
        """The pace of a work that is expected to take this."""
        before = expected.before if expected.even else 0.0  # where parts differ, all of them count as steps
        return cls(before, expected.seconds - before, even=expected.even, unsure=expected.unsure)

    def whole(self, ended: float) -> float | None:
        """Seconds of a work that ended at that moment; None where nobody began."""
        return None if self._began is None else max(0.0, ended - self._began)

    def begin(self, at: float) -> None:
        """Someone began to make it. at: seconds on a clock that never goes back."""
        self._began = at
        if self._expected is not None:
            self._left = (at, self._before + self._expected)
            self.seconds_left(at)

    def note(self, share: float, at: float, steps: float | None = None) -> None:
        """share: how much is done, 0..1. steps: the share of the steps, where it is another."""
        if not 0 < share <= 1 or (self._notes and share <= self._notes[-1].cost):
            return
        self._notes.append(Milestone(at, share, share if steps is None else steps))
        if self._late and self._expected is not None and self._began is not None:
            self._expected = (at - self._began) / share
        self._late = False
        guess = self._guess()
        if guess is not None:
            self._left = (at, guess)
            self._off = min(self._off + self.AT_FIRST / 4, self._may_be_off(share))
            self.seconds_left(at)

    def most_left(self) -> float | None:
        """What may be left at most of what was last said; the least is as many times less. None while nothing
        is known. What is left comes to lie between the two about nine times of ten while what else the
        computer does stays the same, and seven times of ten beside many works that come and go.
        """
        if self._said is None:
            return None
        return self._said[1] * math.exp(min(self.MOST_OFF, self._off + self.AT_FIRST * self._waited))

    def seconds_left(self, at: float | None = None) -> float | None:
        """Seconds until all is done, at that moment; without one, as they were last said. None while nothing
        is known, or no longer.
        """
        if self._left is None or (at is None and self._said is None):
            return None
        if at is not None:
            passed = at - self._left[0]
            if passed > max(self._left[1], self.LATE):
                self._said, self._late = None, True
                return None
            left = _run_down(self._left[1], passed)
            self._waited = max(0.0, passed) / max(self._left[1], self.LATE)
            if self._said is not None:
                when, before = self._said
                rise = (4 / 3) ** min(1.0, max(0.0, at - when) / self.CALM)
                left = min(left, max(before * rise, self.SHORT))
            self._said = (at, left)
        assert self._said is not None
        return self._said[1]

    def spent(self, ended: float) -> tuple[float, float] | None:
        """Of a work that ended at that moment: the seconds before and after its steps, and those of all its
        steps. None where too little of it was seen, or its parts differ.
        """
        if len(self._notes) < 2 or self._began is None or not self._even:
            return None
        first, last = self._notes[0], self._notes[-1]
        if last.cost - first.cost < 0.5:
            return None
        whole = max(0.0, ended - self._began)
        steps = min(whole, (last.at - first.at) / (last.cost - first.cost))
        return whole - steps, steps

    def _guess(self) -> float | None:
        share, measured = self._notes[-1].cost, self._measured()
        if self._expected is None:
            return measured
        if measured is None:
            return self._expected * (1 - share) + self._after(self._expected)
        left = self._weighed(measured, self._expected * (1 - share), share)
        whole = self._notes[-1].at - self._notes[0].at + left
        return left + self._after(whole)

    def _weighed(self, measured: float, expected: float, share: float) -> float:
        """Seconds left, from those at the measured pace and those expected, as logarithms weighed by how
        surely each is known (inverse variances). The pace is the surer the more is done. The further it is
        from what was expected, the less sure that was.
        """
        if not self._even or min(measured, expected) <= 0:
            trust = min(1.0, share / self.UNEVEN_FROM) if not self._even else 1.0
            return trust * measured + (1 - trust) * expected
        apart = math.log(measured / expected)
        doubt, unsure = (self.FAR * (1 - share)) ** 2, self.SURE**2 + self.DOUBT * apart**2
        return float(expected * math.exp(apart * unsure / (unsure + doubt)))

    def _may_be_off(self, share: float) -> float:
        """By how much what is said now may be off, as a natural logarithm."""
        pace = self.FAR if self._even else self.UNKNOWN
        measured = (pace * (1 - share)) ** -2 if share < 1 else math.inf
        known = self.SURE**-2 if self._expected is not None else 0.0
        changes = max(self.CHANGES * self._unevenness(), self._unsure * (1 - share))
        off = self.OFTEN * math.hypot((known + measured) ** -0.5, changes)
        return min(off, self.MOST_OFF)

    def _unevenness(self) -> float:
        """How much the pace changed so far, as the standard deviation of its natural logarithm."""
        stretches = self._stretches() if len(self._notes) > 2 * self.BLOCKS else []
        if not stretches:
            return 0.0
        every = -(-len(stretches) // self.BLOCKS)
        found = []
        for part, _ in self.PARTS:
            paces = [
                math.log(
                    max(1e-6, sum(seconds for seconds, _, _ in block))
                    / max(1e-9, sum(part * steps + (1 - part) * cost for _, cost, steps in block))
                )
                for block in (stretches[at : at + every] for at in range(0, len(stretches), every))
            ]
            found.append(statistics.pstdev(paces))
        return min(found)

    def _after(self, steps: float) -> float:
        """Seconds expected after the steps, which take so many."""
        if self._began is None:
            return 0.0
        return min(max(0.0, self._before - (self._notes[0].at - self._began)), self.LAST_PART * steps)

    def _measured(self) -> float | None:
        """Seconds left at the measured pace. None until there are three notes, and a second of them where
        nothing was expected.
        """
        first, last = self._notes[0], self._notes[-1]
        if len(self._notes) < 3 or last.at <= first.at or (self._expected is None and last.at - first.at < 1):
            return None
        stretches = self._stretches()
        weights: list[float] = []
        left: list[float] = []
        for part, likely in self.PARTS:
            done = [part * steps + (1 - part) * cost for _, cost, steps in stretches]
            pace, uneven = self._pace(stretches, done)
            weights.append(likely * (uneven + 1e-3) ** (-min(len(done), self.EVIDENCE) / 2))
            left.append(pace * (part * (1 - last.steps) + (1 - part) * (1 - last.cost)))
        return sum(weight * each for weight, each in zip(weights, left, strict=True)) / sum(weights)

    def _stretches(self) -> list[tuple[float, float, float]]:
        """(seconds, cost, steps) between notes, those next to each other together where there are many."""
        every = -(-(len(self._notes) - 1) // self.STRETCHES)
        marks = [*self._notes[:-1:every], self._notes[-1]]
        return [
            (later.at - one.at, later.cost - one.cost, later.steps - one.steps)
            for one, later in pairwise(marks)
        ]

    def _pace(
        self, stretches: Sequence[tuple[float, float, float]], done: Sequence[float]
    ) -> tuple[float, float]:
        """Seconds for the whole, where so much was done in each stretch, and how uneven that is: the mean
        square by which stretches differ from it, beside what is done in them.
        """
        seconds = [each[0] for each in stretches]
        took, so_far = sum(seconds), sum(done)
        whole = took / so_far
        recently, at = took * (1 - self.RECENT), 0.0
        late, much = 0.0, 0.0
        for each, share in zip(seconds, done, strict=True):
            at += each
            if at > recently:
                late, much = late + each, much + share
        lately = late / much if much > 0 else whole
        uneven = sum(
            (each / whole - share) ** 2 / max(share, 1e-9) for each, share in zip(seconds, done, strict=True)
        )
        return whole + self.RECENT_COUNTS * (lately - whole), uneven / so_far


def _run_down(left: float, passed: float) -> float:
    """What is left of an estimate after so many seconds without news: half of it runs down with the clock,
    and the rest ever more slowly, since whoever is late is not done.
    """
    half = left / 2
    return left - max(0.0, passed) if passed <= half else half * math.exp(1 - passed / half) if half else 0.0
