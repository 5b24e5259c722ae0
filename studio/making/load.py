"""How busy other programs keep this computer, and how much slower that makes a work.

load = Load()
load.note(at=time.monotonic())      # now and then, while nothing of ours runs
load.slower(threads=1.0)            # 2.0: a work with one thread takes twice as long
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

REMEMBERS = 10.0
"""Seconds after which an earlier look counts about a third of the latest."""

MOST = 8.0
"""A busy computer counts as at most that many times slower than a quiet one."""

RUNNING = Path("/proc/loadavg")
"""Where Linux says how many threads run or wait for a processor just now."""


class Load:
    """What other programs want of the processors, as a mean of the latest looks.

    others: how many threads of theirs run or wait for a processor. Guarded by whoever keeps it.
    """

    def __init__(self, processors: int | None = None) -> None:
        self.processors = processors or os.cpu_count() or 1
        self.others = 0.0
        self._at: float | None = None

    def note(self, at: float, own: float = 0.0) -> None:
        """Look now. at: seconds on a clock that never goes back. own: threads of ours that run. Where the
        system tells nothing, there are no others.
        """
        found = wanting()
        if found is None:
            return
        found = max(0.0, found - own)
        kept = 0.0 if self._at is None else 2.718 ** (-max(0.0, at - self._at) / REMEMBERS)
        self.others = kept * self.others + (1 - kept) * found
        self._at = at

    def slower(self, threads: float = 1.0) -> float:
        """How many times longer a work with so many busy threads takes than on a quiet computer: all threads
        share the processors.
        """
        wanted = self.others + threads
        return min(MOST, max(1.0, wanted / max(float(self.processors), threads)))


def wanting() -> float | None:
    """How many threads want a processor now, this one left out; without Linux, a mean of the last minute.
    None where the system does not say.
    """
    with suppress(OSError, ValueError, IndexError):
        return max(0.0, float(RUNNING.read_text().split()[3].partition("/")[0]) - 1)
    with suppress(OSError, AttributeError):
        return os.getloadavg()[0]
    return None
