"""How PyTorch's threads wait for each other: awake while this computer is quiet, asleep beside other
programs.

    wait_politely()      # before PyTorch is loaded

A thread that waits awake (it spins) goes on at once, but keeps its processor from others: on two processors,
of which another program wants one, a step of a dream took up to thirty times as long. A thread that sleeps
has to be woken, which takes time on a computer that has nothing else to do, most of all in a virtual machine:
a quiet step took a fifth longer, and a painting at once half as long again.

OpenMP is told once how to wait, when it is loaded. GNU's, which PyTorch brings along on Linux, still makes a
difference while it runs: it does not let threads spin while there are more of them than processors (its
manual, GOMP_SPINCOUNT). So while others want the processors, a few threads more are held that do nothing.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

SPINS = 20_000
"""How often a thread looks whether it may go on before it sleeps: a fifth of a millisecond to one. Ten
thousand are nearly as quick, and a hundred thousand no quicker.
"""

LOOK, LOOK_AT_REST = 0.15, 0.5
"""Seconds between two looks at what other programs do: while this process works, and else."""

CROWDED, QUIET = 0.25, 0.15
"""How many processors others keep busy: from where on threads sleep, and below which they may spin again."""

STAT = Path("/proc/stat")
"""Where Linux says how long its processors have been busy (proc(5))."""

_watching = threading.Lock()


def wait_politely() -> None:
    """Let PyTorch's threads wait so that neither they nor other programs lose time (OpenMP 5.2, section
    21.7.1, OMP_WAIT_POLICY). Has no effect once PyTorch is loaded. Whoever has set one of the variables keeps
    it. Where it cannot be told what others do, threads sleep.
    """
    ours = {"OMP_WAIT_POLICY": "passive"} | ({"GOMP_SPINCOUNT": str(SPINS)} if busy_seconds() else {})
    if not any(name in os.environ for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")):
        if "torch" in sys.modules:
            return
        os.environ.update(ours)
    told = {name: os.environ.get(name) for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    if len(ours) == 2 and told == ours and _watching.acquire(blocking=False):  # once, and for good
        threading.Thread(target=_watch, name="studio looks around", daemon=True).start()


def _watch() -> None:
    crowd, others = Crowd(), Others()
    while True:
        time.sleep(LOOK if others.own > 0.05 else LOOK_AT_REST)
        busy = others.look()
        if "torch" not in sys.modules or busy < QUIET:
            crowd.leave()
        elif busy > CROWDED:
            crowd.gather()


def busy_seconds() -> float | None:
    """How long this computer's processors have been busy, summed over them; None where it does not say."""
    with suppress(OSError, ValueError, IndexError):
        user, nice, system, _idle, _waiting, hard, soft = map(int, STAT.read_text().split()[1:8])
        return (user + nice + system + hard + soft) / os.sysconf("SC_CLK_TCK")
    return None


class Others:
    """How many processors other programs keep busy, as a mean in which the latest look counts half.

    busy: seconds that all processors have been busy; mine: those that this process has; now: seconds on a
    clock. own: how many processors this process kept busy from the look before to the last.
    """

    def __init__(
        self,
        busy: Callable[[], float | None] = busy_seconds,
        mine: Callable[[], float] = time.process_time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clocks = busy, mine, now
        self._before = self._read()
        self.share, self.own = 0.0, 0.0

    def _read(self) -> tuple[float, float, float]:
        busy, mine, now = self._clocks
        return busy() or 0.0, mine(), now()

    def look(self) -> float:
        """The mean with what has been since the look before."""
        found = self._read()
        busy, mine, seconds = (after - before for after, before in zip(found, self._before, strict=True))
        if seconds > 0:
            self._before, self.own = found, mine / seconds
            self.share = (self.share + max(0.0, busy - mine) / seconds) / 2
        return self.share


class Crowd:
    """Threads with teams of their own, so that OpenMP has more threads than there are processors."""

    def __init__(self) -> None:
        self._end: threading.Event | None = None

    def gather(self) -> None:
        """Have them, from a moment later on; none where PyTorch leaves half of the processors free."""
        if self._end is None:
            self._end = threading.Event()
            threading.Thread(target=_gather, args=(self._end,), name="studio makes room", daemon=True).start()

    def leave(self) -> None:
        """Let them end, and their teams with them."""
        if self._end is not None:
            self._end.set()
            self._end = None


def _gather(end: threading.Event) -> None:
    with suppress(Exception):  # whatever ails PyTorch, the work itself will say it
        import torch

        threads, processors = torch.get_num_threads(), len(os.sched_getaffinity(0))
        if threads < 2 or 2 * threads < processors:
            return
        teams = -(-(processors - threads + 1) // (threads - 1))
        for _ in range(1, teams):
            threading.Thread(target=_have_a_team, args=(end,), name="studio makes room", daemon=True).start()
        _have_a_team(end)


def _have_a_team(end: threading.Event) -> None:
    import torch

    torch.ones(1 << 17).add_(1)  # enough for two threads and more: a team stays as long as its thread
    end.wait()
