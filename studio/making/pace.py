"""How much longer a making will take."""

from __future__ import annotations

from collections import deque

from studio.works.work import Prediction


class Pace:
    """Estimates the time left from how much of the work is done, and from what was expected of it.

    before, steps: seconds that were expected before the first step and for all steps; None where nothing was.

    The share that is done counts by what it costs (see `Progress.share`), so that a dream's small sizes and
    large ones go at the same pace. What was expected counts at first, and the measured pace alone from a
    twenty-fifth on. The latest two fifths of the time count more than all of it: a computer may get busier.
    Whatever comes, the estimate does not rise by more than a third within `CALM` seconds.
    """

    CALM = 0.5
    MEASURED_FROM = 0.04
    RECENT, RECENT_COUNTS = 0.4, 0.6

    def __init__(self, before: float = 0.0, steps: float | None = None) -> None:
        self._before, self._expected = before, steps
        self._notes: list[tuple[float, float]] = []
        self._said: deque[tuple[float, float]] = deque(maxlen=64)
        self._began: float | None = None

    @classmethod
    def of(cls, expected: Prediction) -> Pace:
        """The pace of a work that is expected to take this."""
        return cls(expected.before, expected.seconds - expected.before)

    def whole(self, ended: float) -> float | None:
        """Seconds of a work that ended at that moment; None where nobody began."""
        return None if self._began is None else max(0.0, ended - self._began)

    def begin(self, at: float) -> None:
        """Someone began to make it. at: seconds on a clock that never goes back."""
        self._began = at
        if self._expected is not None:
            self._said.append((at, self._before + self._expected))

    def note(self, share: float, at: float) -> None:
        """share: how much is done, 0..1."""
        if not 0 < share <= 1 or (self._notes and share <= self._notes[-1][1]):
            return
        self._notes.append((at, share))
        guess = self._guess()
        if guess is None:
            return
        lowest = min((left for when, left in self._said if at - when <= self.CALM), default=None)
        if lowest is None and self._said:
            lowest = self._said[-1][1]
        if lowest is not None:
            guess = min(guess, max(lowest * 4 / 3, 1.0))
        self._said.append((at, guess))

    def seconds_left(self) -> float | None:
        """Seconds until all is done, as of the latest note; None while nothing is known."""
        return self._said[-1][1] if self._said else None

    def spent(self, ended: float) -> tuple[float, float] | None:
        """Of a work that ended at that moment: the seconds before and after its steps, and those of all its
        steps. None where too little of it was seen.
        """
        if len(self._notes) < 2 or self._began is None:
            return None
        (first, one), (last, other) = self._notes[0], self._notes[-1]
        steps = (last - first) / (other - one)
        return (max(0.0, ended - self._began - steps), steps) if other - one >= 0.5 else None

    def _guess(self) -> float | None:
        share = self._notes[-1][1]
        measured = self._measured()
        if self._expected is None:
            return None if measured is None else measured * (1 - share)
        if measured is None:
            return self._expected * (1 - share)
        trust = min(1.0, share / self.MEASURED_FROM)
        return (trust * measured + (1 - trust) * self._expected) * (1 - share)

    def _measured(self) -> float | None:
        """Seconds for the whole work at the measured pace. None until there are three notes, and a second of
        them where nothing was expected.
        """
        (began, first), (now, share) = self._notes[0], self._notes[-1]
        if len(self._notes) < 3 or now <= began or (self._expected is None and now - began < 1):
            return None
        whole = (now - began) / (share - first)
        recently = now - (now - began) * self.RECENT
        since, then = next((note for note in reversed(self._notes) if note[0] <= recently), self._notes[0])
        lately = (now - since) / (share - then) if share > then else whole
        return whole + self.RECENT_COUNTS * (lately - whole)
