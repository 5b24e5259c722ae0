"""How much longer a making will take."""

from __future__ import annotations

from collections import deque


class Pace:
    """Estimates the time left from when which step was done.

    Most makings here slow down (a dream goes from small to large). So the last third of the time counts, and
    where it was slower than the average, it counts alone. The time before the first step, when networks are
    loaded, does not count.
    """

    def __init__(self) -> None:
        self._notes: deque[tuple[float, int]] = deque(maxlen=512)

    def note(self, done: int, at: float) -> None:
        """done: steps so far. at: seconds on a clock that never goes back."""
        if done:
            self._notes.append((at, done))

    def seconds_left(self, total: int) -> float | None:
        """Seconds until `total` steps are done; None until there are three notes over at least a second."""
        if len(self._notes) < 3:
            return None
        (began, first), (now, done) = self._notes[0], self._notes[-1]
        if now - began < 1 or done <= first:
            return None
        recently = now - (now - began) / 3
        since, then = next((note for note in reversed(self._notes) if note[0] <= recently), self._notes[0])
        average = (now - began) / (done - first)
        lately = (now - since) / (done - then) if done > then else average
        return max(average, lately) * max(0, total - done)
