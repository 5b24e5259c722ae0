"""Worker processes that make works: one here, several here, or those of a Dask cluster.

    with Workers() as workers:
        future = workers.submit("job-1", recipe_json, Place.of(gallery))

A worker opens the gallery itself, reads the sources there and adds what it made. Only words, numbers and
previews travel. A worker that is killed, or that exceeds its memory limit, is replaced, and the work it was
making counts as `interrupted`. What runs in the worker is in `worker_process`.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import logging
import os
import re
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker

import dask.config
from dask.system import CPU_COUNT
from distributed import Client, Future, KilledWorker, LocalCluster
from distributed.system import MEMORY_LIMIT

from studio.errors import Missing, Refused
from studio.making.kinds import KINDS, Kind
from studio.making.worker_process import Order, Outcome, Place, Update, WorkerState, make_order, stop_job

ANSWER_WITHIN = 10.0
"""Seconds another program's scheduler may take to answer at first."""


class Workers:
    """Worker processes that wait for recipes. A context manager; `close` stops what is running.

    scheduler: address of a Dask scheduler whose workers to use. None starts `count` worker processes on this
    computer, which listen on the loopback only and end with this process, however it ends.
    memory_limit: bytes for each worker started here; by default four fifths of the computer's, shared.
    on_update: called for every `Update`, in another thread.
    beforehand: load the code of every kind before anything is asked for. A batch needs no such start.

    Raises `Refused` for an address that is none, and `Missing` when no scheduler answers at that address.
    """

    def __init__(
        self,
        scheduler: str | None = None,
        count: int = 1,
        *,
        memory_limit: int | None = None,
        on_update: Callable[[Update], None] | None = None,
        kinds: Mapping[str, Kind] = KINDS,
        beforehand: bool = True,
    ) -> None:
        self._kinds = dict(kinds)
        self._cluster: LocalCluster | None = None
        self._starved: set[str] = set()
        self.memory_limit = memory_limit or int(0.8 * MEMORY_LIMIT / count)
        if scheduler is None:
            self._cluster = _cluster_here(count, self.memory_limit)
        elif not re.fullmatch(r"(?:\w+://)?\[?[\w.:-]+\]?:\d+(?:/.*)?", scheduler):
            # Dask would take a word for a host's name, look it up for 20 seconds, and leave a traceback.
            raise Refused(
                f"'{scheduler}' is not the address of a scheduler; give host and port, such as "
                "tcp://192.168.0.5:8786."
            )
        try:
            self._client = Client(self._cluster or scheduler, set_as_default=False, timeout=ANSWER_WITHIN)
        except (OSError, ValueError) as error:
            if self._cluster is not None:
                self._cluster.close(timeout=10)
            raise Missing(
                f"No Dask scheduler answers at {scheduler}; start one there with 'dask scheduler', or leave "
                "the address out."
            ) from error
        # A scheduler keeps messages for a while. It forgets a client's own topic when that client leaves.
        self._topic = self._client.id if on_update else ""
        if on_update:
            self._client.subscribe_topic(
                self._topic, lambda event: on_update(Update(**event[1])) if "job" in event[1] else None
            )
        self._client.subscribe_topic(
            "worker-restart-memory", lambda event: self._starved.add(event[1]["worker"])
        )
        self._client.register_plugin(WorkerState(tuple(self._kinds.values()) if beforehand else ()))

    def submit(self, job: str, recipe_json: str, place: Place, *, force: bool = False) -> Future[Outcome]:
        """Have a recipe made; pass the future to `outcome`. force: even if the gallery has the work."""
        order = Order(job, recipe_json, place, self._kinds, self._topic, force)
        return self._client.submit(make_order, order, key=f"{job}-{time.time_ns()}", pure=False)

    def outcome(self, future: Future[Outcome]) -> Outcome | None:
        """How the work ended, or None while it is being made."""
        if future.status == "pending":
            return None
        if future.status == "finished":
            result: Outcome = future.result()
            return result
        if future.status != "error":
            return Outcome(
                "interrupted",
                message="The connection to the cluster was lost before the work was finished; make it again.",
            )
        error = future.exception()
        if isinstance(error, KilledWorker):
            return Outcome("interrupted", message=self._why_killed(error))
        return Outcome("failed", fault="".join(traceback.format_exception(error)))

    def stop(self, job: str) -> None:
        """Tell the worker that has this job to stop before its next step. Does not wait."""

        def tell() -> None:
            with suppress(Exception):  # a worker that just died needs no telling; the caller asks again
                self._client.run(stop_job, job, on_error="ignore")

        threading.Thread(target=tell, daemon=True).start()

    def replace(self, worker: str) -> None:
        """Kill a worker that does not respond and start another. Only for workers started here."""
        if self._cluster is not None:
            with suppress(Exception):
                self._client.restart_workers([worker], timeout=30, raise_for_error=False)

    def forget(self, future: Future[Outcome]) -> None:
        """Give up on a work: its outcome does not matter any more."""
        with suppress(Exception):
            future.cancel()

    @property
    def places(self) -> int:
        """How many works these workers make at once; at least 1."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        return max(1, sum(int(worker["nthreads"]) for worker in workers))

    @property
    def connected(self) -> bool:
        """False once the scheduler is gone for good."""
        return self._client.status == "running"

    def close(self) -> None:
        # What goes wrong while everything is closed helps nobody.
        with suppress(Exception):
            if self._topic:
                # Otherwise the scheduler would report, too late, that we left.
                self._client.unsubscribe_topic(self._topic)
            self._client.close(timeout=5)
        if self._cluster is not None:
            with suppress(Exception):
                self._cluster.close(timeout=10)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _why_killed(self, error: KilledWorker) -> str:
        worker = str(error.last_worker.address)
        waited = 0.0
        while self._cluster is not None and worker not in self._starved and waited < 0.5:
            time.sleep(0.1)  # its death and the reason arrive separately
            waited += 0.1
        if worker in self._starved:
            limit = f"{self.memory_limit / 2**30:.1f} GiB" if self._cluster is not None else "memory limit"
            return (
                f"This work needed more memory than the {limit} its process may have; make it smaller, or "
                "close other programs."
            )
        return (
            "The process that was making this work was killed, perhaps because memory ran out; make it "
            "again, and smaller if it happens again."
        )


def _cluster_here(count: int, memory_limit: int) -> LocalCluster:
    threads = str(max(1, CPU_COUNT // count))
    set_by_user = {
        name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ
    }
    settings = {
        # Dask would limit every library to one thread, and change this process's environment to do so.
        "distributed.nanny.pre-spawn-environ": {},
        # The scheduler and its workers would serve pages of their own, which nobody reads.
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        # The scheduler lives in this process and keeps this many messages of a topic, previews included.
        "distributed.admin.low-level-log-length": 16,
        # A worker gets its second job when its first is done, so that both cannot be lost at once.
        "distributed.scheduler.worker-saturation": 1.0,
        # Monitoring for those pages takes a twentieth of a core at rest, and slows the work.
        "distributed.worker.profile.enabled": False,
        "distributed.admin.tick.interval": "1s",
        "distributed.admin.system-monitor.interval": "5s",
        "distributed.admin.system-monitor.disk": False,
        # Networks at rest should stay in memory: a worker neither spills nor pauses, it only has a limit.
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
    }
    with dask.config.set(settings), _ignoring_ctrl_c():
        return LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            memory_limit=memory_limit,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
            scheduler_kwargs={"allowed_failures": 0, "dashboard": False, "dashboard_address": "127.0.0.1:0"},
            env={"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads} | set_by_user,
        )


@contextmanager
def _ignoring_ctrl_c() -> Iterator[None]:
    """Ctrl+C reaches every process of a terminal. Threads and processes started in here ignore it, so that
    the process that started them decides.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # otherwise started with the first process
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
