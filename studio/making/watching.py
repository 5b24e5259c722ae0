"""Watches the worker processes on this computer, and ends one that stands still or exceeds its bounds.

What tells that a worker lives is its heartbeat: Dask's, every two seconds, from a thread beside the one that
works. A long step does not stop it, since PyTorch and NumPy let other threads run meanwhile. A library that
does not, and computes, is pardoned: its process uses the processor, now and not only some time ago. A stopped
process, or one that waits for a disk that hangs, does neither. A process that never came to its first
heartbeat is measured in the same way.

Time is counted in looks, of at most `LOOK_COUNTS` seconds each. So a laptop that slept, or a studio that was
stopped with Ctrl+Z together with its workers, has not let a minute pass.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from studio.making.bounds import WorkBounds

if TYPE_CHECKING:
    from studio.making.cluster import PatientCluster

SILENT_FOR = 40.0
"""Seconds without a sign of life after which a worker counts as standing still."""

BUSY = 0.2
"""Seconds of the processor that are a sign of life too. On a busy computer a worker may get few of them; one
that stands still gets none.
"""

AT_REST = 2**30
"""Bytes that a worker takes once the code of every kind is loaded, at most. It may still be loading when its
first work begins.
"""

MEMORY_EVERY, MEMORY_AT_REST = 100.0, 1000.0
"""Milliseconds between two looks at a worker's memory by the process beside it, while works are made and at
rest. Ten a second would take a hundredth of a core for each two workers at rest.
"""

LOOK_EVERY, LOOK_COUNTS = 0.5, 5.0
"""Seconds between two looks, and the most that the time between two of them counts for. A busy computer may
look seldom.
"""


@dataclass
class _Begun:
    """A work under way: its worker's address and process, its bounds, the memory that is not counted as its
    own, and its seconds so far.
    """

    worker: str
    pid: int
    bounds: WorkBounds
    base: int
    seconds: float = 0.0


@dataclass
class Heart:
    """A worker's last sign of life, and the seconds of silence since.

    beat: the last heartbeat (the scheduler's time; None before the first). used: the processor time that the
    process had had at the last sign.
    """

    beat: float | None
    used: float
    silent: float = 0.0

    def stands_still(self, beat: float | None, used: float, passed: float) -> bool:
        """Look once more, `passed` seconds after the last time; whether the silence is long enough now.

        Only what happened since the last sign counts: whoever computed and then stopped gets no more time
        than whoever just stopped.
        """
        if beat != self.beat or used - self.used >= BUSY:
            self.beat, self.used, self.silent = beat, used, 0.0
        else:
            self.silent += passed
        return self.silent >= SILENT_FOR


class Watch:
    """Looks after the workers of a cluster on this computer, in a thread of its own, until `close`.

    look_every: seconds between two looks. stood_still, exceeded: by the address of a worker that was ended,
    the sentence that says why.
    """

    def __init__(self, *, look_every: float = LOOK_EVERY) -> None:
        self._cluster: PatientCluster | None = None
        self._look_every = look_every
        self.stood_still: dict[str, str] = {}
        self.exceeded: dict[str, str] = {}
        self._begun: dict[str, _Begun] = {}
        self._hearts: dict[int, Heart] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="studio watch", daemon=True)
        self._thread.start()

    def look_after(self, cluster: PatientCluster) -> None:
        """From now on watch this cluster's workers, also those that are still being started."""
        self._cluster = cluster

    def begin(self, job: str, worker: str, pid: int, bounds: WorkBounds) -> None:
        """From now on the job's bounds count."""
        with suppress(psutil.Error):
            base = max(AT_REST, psutil.Process(pid).memory_info().rss)
            self._begun[job] = _Begun(worker, pid, bounds, base)
        self._look_at_memory_as_needed()

    def end(self, job: str) -> None:
        """The job ended, however it did."""
        self._begun.pop(job, None)
        self._look_at_memory_as_needed()

    def kill(self, worker: str) -> None:
        """End the worker process at that address. Dask starts another in its place."""
        for nanny in self._nannies():
            if nanny.worker_address == worker and nanny.pid is not None:
                with suppress(psutil.Error):
                    psutil.Process(nanny.pid).kill()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _watch(self) -> None:
        before = time.monotonic()
        while not self._closing.wait(self._look_every):
            now = time.monotonic()
            passed, before = min(now - before, LOOK_COUNTS), now
            with suppress(
                psutil.Error, RuntimeError
            ):  # what changes while we look is looked at the next time
                self._look_at_hearts(passed)
                self._look_at_works(passed)
                self._look_at_memory_as_needed()

    def _look_at_memory_as_needed(self) -> None:
        """A nanny ends a worker that outgrows its memory, and looks at it often only while works are made."""
        with suppress(RuntimeError):  # workers that come or go meanwhile are looked at the next time
            for nanny in self._nannies():
                look = nanny.periodic_callbacks.get("memory_monitor")
                if look is not None:
                    look.callback_time = MEMORY_EVERY if self._begun else MEMORY_AT_REST

    def _nannies(self) -> list[Any]:
        """The processes beside the workers; a cluster lists its workers only once all of them have begun."""
        return list(getattr(self._cluster, "_created", ()))

    def _look_at_hearts(self, passed: float) -> None:
        scheduler: Any = getattr(self._cluster, "scheduler", None)
        workers = dict(getattr(scheduler, "workers", {}))
        pids = {nanny.pid: nanny.worker_address for nanny in self._nannies() if nanny.pid is not None}
        for gone in self._hearts.keys() - pids.keys():
            del self._hearts[gone]
        for pid, address in pids.items():
            with suppress(psutil.Error):  # it has just ended
                self._look_at_heart(pid, address, workers.get(address), passed)

    def _look_at_heart(self, pid: int, address: str, worker: Any, passed: float) -> None:
        beat, used = getattr(worker, "last_seen", None), _processor_time(pid)
        heart = self._hearts.setdefault(pid, Heart(beat, used))
        if heart.stands_still(beat, used, passed):
            self.stood_still[address] = (
                f"The process that was making this work stood still for {heart.silent:.0f} seconds and was "
                "replaced; make it again."
            )
            del self._hearts[pid]
            psutil.Process(pid).kill()

    def _look_at_works(self, passed: float) -> None:
        for job, begun in list(self._begun.items()):
            begun.seconds += passed
            why = begun.bounds.exceeded(begun.seconds, 0)
            if not why:
                with suppress(psutil.Error):
                    used = psutil.Process(begun.pid).memory_info().rss - begun.base
                    why = begun.bounds.exceeded(begun.seconds, used)
            if why:
                self.exceeded[begun.worker] = why
                self.end(job)
                self.kill(begun.worker)


def _processor_time(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
