"""Worker processes that make works: one here, several here, or those of a Dask cluster.

    with Workers() as workers:
        future = workers.submit("job-1", recipe_json, Place.of(gallery))

A worker opens the gallery itself, reads the sources there and adds what it made. Only words, numbers and
previews travel, encrypted, between processes that know the same keys (see `keys`). A worker that is killed,
stands still, or exceeds its memory limit is replaced, and the work it was making counts as `interrupted`.
What runs in the worker is in `worker_process`; what is started on this computer, in `cluster`; what ends a
worker, in `watching`.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import psutil
from distributed import Client, Future, KilledWorker
from distributed.system import MEMORY_LIMIT

from studio.errors import Missing, Refused
from studio.making.bounds import WorkBounds
from studio.making.cluster import QUICK, USUAL, PatientCluster, start_cluster
from studio.making.keys import keys_for
from studio.making.kinds import KINDS, Kind
from studio.making.watching import Watch
from studio.making.worker_process import (
    Order,
    Outcome,
    Place,
    Update,
    WorkerState,
    end_job,
    make_order,
    probe_kinds,
    stop_job,
)

ANSWER_WITHIN = 10.0
"""Seconds another program's scheduler may take to answer at first."""


class Workers:
    """Worker processes that wait for recipes. A context manager; `close` stops what is running.

    scheduler: address of a Dask scheduler whose workers to use, with the keys that the environment names (see
    `keys`). None starts `count` worker processes on this computer, which listen on the loopback only, to
    nobody without the keys of this studio, and end with this process, however it ends.
    memory_limit: bytes for each worker started here; by default four fifths of the computer's, shared.
    on_update: called for every `Update`, in another thread.
    beforehand: load the code of every kind before anything is asked for. A batch needs no such start.
    quick_limit: bytes for one more worker started here, which makes the works of the quick lane; 0 for none.

    Raises `Refused` for an address that is none, or that has no keys, and when no worker could be started
    here; `Missing` when no scheduler answers at that address.
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
        quick_limit: int = 0,
    ) -> None:
        self._kinds = dict(kinds)
        self._on_update = on_update
        self._starved: set[str] = set()
        self._bounds: dict[str, WorkBounds] = {}
        self.memory_limit = memory_limit or int(0.8 * MEMORY_LIMIT / count)
        keys = keys_for(scheduler) if scheduler is not None else None
        self.quick_limit = quick_limit if scheduler is None else 0
        self._quick: set[str] = set()
        self._watch = Watch() if scheduler is None else None
        self._cluster = self._started(count) if self._watch is not None else None
        try:
            self._client = Client(
                self._cluster or scheduler, security=keys, set_as_default=False, timeout=ANSWER_WITHIN
            )
        except (OSError, ValueError) as error:
            if self._cluster is not None and self._watch is not None:
                self._watch.close()
                self._cluster.close(timeout=10)
            raise Missing(
                f"No Dask scheduler answers at {scheduler} with these keys; start one "
                "there, or leave the address out."
            ) from error
        # A scheduler keeps messages for a while. It forgets a client's own topic when that client leaves.
        self._topic = self._client.id
        self._client.subscribe_topic(self._topic, self._note)
        self._client.subscribe_topic(
            "worker-restart-memory", lambda event: self._starved.add(event[1]["worker"])
        )
        self._client.register_plugin(WorkerState(tuple(self._kinds.values()) if beforehand else ()))

    def _started(self, count: int) -> PatientCluster:
        """Workers on this computer. Those that did not get up, and were ended, are started once more."""
        assert self._watch is not None
        for last in (False, True):
            try:
                return start_cluster(
                    count, self.memory_limit, self.quick_limit, begins=self._watch.look_after
                )
            except RuntimeError:
                if last:
                    self._watch.close()
                    raise Refused(
                        "No worker process could be started; close other programs, and make it again."
                    ) from None
            except BaseException:
                self._watch.close()
                raise
        raise AssertionError("unreachable")

    def submit(
        self,
        job: str,
        recipe_json: str,
        place: Place,
        *,
        force: bool = False,
        bounds: WorkBounds | None = None,
        quick: bool = False,
    ) -> Future[Outcome]:
        """Have a recipe made; pass the future to `outcome`.

        force: even if the gallery has the work. bounds: what it may take; None for as much as it wants.
        quick: by the worker of the quick lane, where there is one.
        """
        # Here `Watch` counts the seconds; elsewhere the worker does, at every step.
        self._bounds[job] = bounds = bounds or WorkBounds()
        counted_there = bounds if self._watch is None else WorkBounds()
        watched = self._on_update is not None
        order = Order(job, recipe_json, place, self._kinds, self._topic, force, watched, counted_there)
        lane = {QUICK if quick else USUAL: 1} if self.quick_limit else None
        return self._client.submit(
            make_order, order, key=f"{job}-{time.time_ns()}", pure=False, resources=lane
        )

    def probe(self) -> Future[dict[str, float]]:
        """Have a worker try how fast it is; see `worker_process.probe_kinds`."""
        lane = {USUAL: 1} if self.quick_limit else None
        return self._client.submit(
            probe_kinds, self._kinds, key=f"probe-{time.time_ns()}", pure=False, resources=lane
        )

    def outcome(self, future: Future[Outcome]) -> Outcome | None:
        """How the work ended, or None while it is being made."""
        if future.status == "pending":
            return None
        self._end(str(future.key).rpartition("-")[0])
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
            worker = str(error.last_worker.address)
            if self._watch is not None and worker in self._watch.exceeded:
                return Outcome("failed", message=self._watch.exceeded[worker])
            return Outcome("interrupted", message=self._why_killed(worker))
        return Outcome("failed", fault="".join(traceback.format_exception(error)))

    def stop(self, job: str) -> None:
        """Tell the worker that has this job to stop before its next step. Does not wait."""
        self._tell(stop_job, job)

    def end(self, job: str) -> None:
        """Tell the worker that has this job to end after its next step, with what there is then. A process
        that cannot is stopped. Does not wait.
        """
        self._tell(end_job, job)

    def _tell(self, what: Callable[..., None], job: str) -> None:
        def tell() -> None:
            with suppress(Exception):  # a worker that just died needs no telling; the caller asks again
                self._client.run(what, job, on_error="ignore")

        threading.Thread(target=tell, daemon=True).start()

    def replace(self, worker: str) -> None:
        """Kill a worker that does not respond and start another. Only for workers started here."""
        if self._watch is not None:
            self._watch.kill(worker)

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
    def room(self) -> int | None:
        """Bytes of memory that a work may use in a worker here; None for workers elsewhere."""
        return self.room_in()

    def room_in(self, *, quick: bool = False) -> int | None:
        """The same, for the worker of the quick lane where `quick` is set and there is one."""
        if self._cluster is None:
            return None
        quick = quick and bool(self.quick_limit)
        held = []
        for name, nanny in list(self._cluster.workers.items()):
            # One that is being started again has no process yet, and psutil takes None for our own.
            if nanny.pid is None or (name == QUICK) != quick:
                continue
            with suppress(psutil.Error):
                held.append(psutil.Process(nanny.pid).memory_info().rss)
        limit = self.quick_limit if quick else self.memory_limit
        return min(limit - min(held, default=0), int(psutil.virtual_memory().available))

    @property
    def connected(self) -> bool:
        """False once the scheduler is gone for good."""
        return self._client.status == "running"

    def close(self) -> None:
        """End the workers started here, and leave those of others."""
        if self._watch is not None:
            self._watch.close()
        # What goes wrong while everything is closed helps nobody.
        with suppress(Exception):
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

    def _note(self, event: tuple[float, dict[str, Any]]) -> None:
        """A message of our topic: an update, or Dask's own word that a client came or went."""
        if "job" not in event[1]:
            return
        update = Update(**event[1])
        if update.quick:
            self._quick.add(update.worker)
        if update.pid is not None and self._watch is not None and update.job in self._bounds:
            self._watch.begin(update.job, update.worker, update.pid, self._bounds[update.job])
        if self._on_update is not None:
            self._on_update(update)

    def _end(self, job: str) -> None:
        self._bounds.pop(job, None)
        if self._watch is not None:
            self._watch.end(job)

    def _why_killed(self, worker: str) -> str:
        waited = 0.0
        while self._cluster is not None and worker not in self._starved and waited < 0.5:
            time.sleep(0.1)  # its death and the reason arrive separately
            waited += 0.1
        if worker in self._starved:
            bytes = self.quick_limit if worker in self._quick else self.memory_limit
            limit = f"{bytes / 2**30:.1f} GiB" if self._cluster is not None else "memory limit"
            return (
                f"This work needed more memory than the {limit} its process may have; make it smaller, or "
                "close other programs."
            )
        if self._watch is not None and worker in self._watch.stood_still:
            return self._watch.stood_still[worker]
        return (
            "The process that was making this work was killed, perhaps because memory ran out; make it "
            "again, and smaller if it happens again."
        )
