"""Watches the worker processes on this computer, and ends one that stands still or exceeds its bounds.

What tells that a worker lives is its heartbeat: Dask's, twice a second, from a thread beside the one that
works. A long step does not stop it, since PyTorch and NumPy let other threads run meanwhile. A library that
does not, and computes, is pardoned: its process uses the processor. A stopped process, or one that waits for
a disk that hangs, does neither.

Time is counted in looks, of at most `LOOK_COUNTS` seconds each. So a laptop that slept, or a studio that was
stopped with Ctrl+Z together with its workers, has not let a minute pass.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil

from studio.making.bounds import WorkBounds
from studio.making.cluster import PatientCluster

SILENT_FOR = 40.0
"""Seconds without a heartbeat after which a worker counts as standing still."""

BUSY = 0.005
"""The share of that time for which a worker must have had the processor to be pardoned. On a busy computer it
may have had little; one that stands still has none.
"""

AT_REST = 2**30
"""Bytes that a worker takes once the code of every kind is loaded, at most. It may still be loading when its
first work begins.
"""

LOOK_EVERY, LOOK_COUNTS = 0.5, 2.0
"""Seconds between two looks, and the most that the time between two of them counts for."""


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
class _Heart:
    """A worker's last heartbeat (the scheduler's time), its processor time then, and the silence since."""

    beat: float
    used: float
    silent: float = 0.0


class Watch:
    """Looks after the workers of a cluster on this computer, in a thread of its own, until `close`.

    look_every: seconds between two looks. stood_still, exceeded: by the address of a worker that was ended,
    the sentence that says why.
    """

    def __init__(self, cluster: PatientCluster, *, look_every: float = LOOK_EVERY) -> None:
        self._cluster, self._look_every = cluster, look_every
        self.stood_still: dict[str, str] = {}
        self.exceeded: dict[str, str] = {}
        self._begun: dict[str, _Begun] = {}
        self._hearts: dict[str, _Heart] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="studio watch", daemon=True)
        self._thread.start()

    def begin(self, job: str, worker: str, pid: int, bounds: WorkBounds) -> None:
        """From now on the job's bounds count."""
        with suppress(psutil.Error):
            base = max(AT_REST, psutil.Process(pid).memory_info().rss)
            self._begun[job] = _Begun(worker, pid, bounds, base)

    def end(self, job: str) -> None:
        """The job ended, however it did."""
        self._begun.pop(job, None)

    def kill(self, worker: str) -> None:
        """End the worker process at that address. Dask starts another in its place."""
        for nanny in list(self._cluster.workers.values()):
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

    def _look_at_hearts(self, passed: float) -> None:
        processes = {nanny.worker_address: nanny.pid for nanny in list(self._cluster.workers.values())}
        scheduler: Any = self._cluster.scheduler
        beats = {address: worker.last_seen for address, worker in list(scheduler.workers.items())}
        for address in self._hearts.keys() - beats.keys():
            del self._hearts[address]
        for address, beat in beats.items():
            pid = processes.get(address)
            if pid is None:
                continue
            heart = self._hearts.get(address)
            if heart is None or heart.beat != beat:
                self._hearts[address] = _Heart(beat, _processor_time(pid))
                continue
            heart.silent += passed
            if heart.silent < SILENT_FOR:
                continue
            if _processor_time(pid) - heart.used > BUSY * heart.silent:
                self._hearts[address] = _Heart(beat, _processor_time(pid))
                continue
            self.stood_still[address] = (
                f"The process that was making this work stood still for {heart.silent:.0f} seconds and was "
                "replaced; make it again."
            )
            self.kill(address)

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
