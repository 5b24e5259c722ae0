"""Worker processes that make works: one here, several here, or those of a Dask cluster. `Jobs` and
`run_batch` hand them recipes.

    with Workers() as workers:
        future = workers.submit("job-1", recipe_json, Place.of(gallery))

A worker opens the gallery itself, reads the sources there and adds what it made; only words, numbers and
previews travel. A worker that is killed, or that outgrows its memory limit, is replaced; what it was making
comes back as `interrupted`.
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
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing import resource_tracker
from typing import Any

import dask.config
from dask.system import CPU_COUNT
from distributed import Client, Future, KilledWorker, LocalCluster, Worker, WorkerPlugin, get_worker
from distributed.system import MEMORY_LIMIT

from studio.errors import Missing, Refused, StudioError, error_data
from studio.making.kinds import KINDS, Kind, read_recipe, run_here
from studio.process import finish
from studio.works.gallery import Gallery
from studio.works.work import Progress

PROGRESS_EVERY = 0.1
"""Seconds between two reports of a making, however many steps it takes in them."""

ANSWER_WITHIN = 10.0
"""Seconds a scheduler elsewhere may take to answer at first."""

PREVIEW_EVERY, PREVIEW_SHARE = 0.3, 0.05
"""Seconds between two previews at least, and the share of the making's time that previews may cost."""


@dataclass(frozen=True)
class Place:
    """Which gallery a worker has to open: its folder, its database and its files, as `Gallery.open` takes
    them.
    """

    home: str
    database: str
    files: str

    @classmethod
    def of(cls, gallery: Gallery) -> Place:
        return cls(str(gallery.home), gallery.database, gallery.files)


@dataclass(frozen=True)
class News:
    """What a worker tells while it makes something. pid: set once, when it starts; fault: a traceback for the
    log.
    """

    job: str
    worker: str
    pid: int | None = None
    done: int = 0
    total: int = 0
    stage: str = ""
    loss: float | None = None
    preview: bytes | None = None
    fault: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a making ended. state: made, failed, cancelled or interrupted.

    message: a sentence for a person; fault: a traceback where the studio itself is to blame; there_already:
    nothing had to be made. problem: what the error knows beside its sentence (`studio.errors.error_data`).
    """

    state: str
    work_id: str | None = None
    message: str = ""
    fault: str = ""
    there_already: bool = False
    problem: dict[str, Any] = field(default_factory=dict)


class Workers:
    """Worker processes, ready to be handed recipes. A context manager; `close` stops what is running.

    scheduler: address of a Dask scheduler whose workers are to be used; None starts `count` worker processes
    at this machine, which listen on the loopback only and end with this process, however it ends.
    memory_limit: bytes for each worker started here; by default four fifths of the machine's, shared among
    them.
    on_news: called for every `News`, in another thread.
    beforehand: load what every kind needs while nothing is asked for yet; of no use where recipes are at
    hand.

    Raises `Missing` when no scheduler answers at that address.
    """

    def __init__(
        self,
        scheduler: str | None = None,
        count: int = 1,
        *,
        memory_limit: int | None = None,
        on_news: Callable[[News], None] | None = None,
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
            # Dask would take a word for a host's name, ask for it for 20 seconds, and leave a traceback.
            raise Refused(
                f"'{scheduler}' is no scheduler's address; it has a host and a port, such as tcp://192.168.0.5:8786."
            )
        try:
            self._client = Client(self._cluster or scheduler, set_as_default=False, timeout=ANSWER_WITHIN)
        except (OSError, ValueError) as error:
            if self._cluster is not None:
                self._cluster.close(timeout=10)
            raise Missing(
                f"No Dask scheduler answers at {scheduler}; start one there with 'dask scheduler', or leave the address out."
            ) from error
        # A scheduler keeps a while what was said under a topic, and forgets a client's own topic when that
        # client leaves.
        self._topic = self._client.id if on_news else ""
        if on_news:
            self._client.subscribe_topic(
                self._topic, lambda event: on_news(News(**event[1])) if "job" in event[1] else None
            )
        self._client.subscribe_topic(
            "worker-restart-memory", lambda event: self._starved.add(event[1]["worker"])
        )
        self._client.register_plugin(Bench(tuple(self._kinds.values()) if beforehand else ()))

    def submit(self, job: str, recipe_json: str, place: Place, *, anew: bool = False) -> Future[Outcome]:
        """Have a recipe made. The future is for `outcome`. `anew`: also when the gallery has the work
        already.
        """
        return self._client.submit(
            make_there,
            job,
            recipe_json,
            place,
            self._kinds,
            self._topic,
            anew,
            key=f"{job}-{time.time_ns()}",
            pure=False,
        )

    def outcome(self, future: Future[Outcome]) -> Outcome | None:
        """How that making ended, or None while it goes on."""
        if future.status == "pending":
            return None
        if future.status == "finished":
            result: Outcome = future.result()
            return result
        if future.status != "error":
            return Outcome(
                "interrupted",
                message="The connection to the cluster was lost in the middle of this work; make it again.",
            )
        error = future.exception()
        if isinstance(error, KilledWorker):
            return Outcome("interrupted", message=self._why_killed(error))
        return Outcome("failed", fault="".join(traceback.format_exception(error)))

    def stop(self, job: str) -> None:
        """Tell whoever makes this job to stop before its next step. Does not wait."""

        def tell() -> None:
            with suppress(
                Exception
            ):  # a worker that just died needs no telling, and whoever asks will ask again
                self._client.run(_stop_there, job, on_error="ignore")

        threading.Thread(target=tell, daemon=True).start()

    def replace(self, worker: str) -> None:
        """Kill a worker that does not listen and start another in its place; only those started here."""
        if self._cluster is not None:
            with suppress(Exception):
                self._client.restart_workers([worker], timeout=30, raise_for_error=False)

    def forget(self, future: Future[Outcome]) -> None:
        """Give up on a making: its outcome is of no interest any more."""
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
        # Whatever goes wrong while everything is being taken down is of no use to anybody any more.
        with suppress(Exception):
            if self._topic:
                self._client.unsubscribe_topic(
                    self._topic
                )  # else the scheduler would tell us, too late, that we left
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
            time.sleep(0.1)  # its death and the reason of it come by two ways
            waited += 0.1
        if worker in self._starved:
            limit = f"{self.memory_limit / 2**30:.1f} GiB" if self._cluster is not None else "memory limit"
            return f"This work needed more memory than the {limit} its process may have; make it smaller, or close what else is open."
        return "The process that was making this work was killed, perhaps for want of memory; make it again, smaller if it happens again."


def _cluster_here(count: int, memory_limit: int) -> LocalCluster:
    threads = str(max(1, CPU_COUNT // count))
    set_by_user = {
        name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ
    }
    settings = {
        # Dask would have every library use one thread, and would change this process's own environment to get
        # that.
        "distributed.nanny.pre-spawn-environ": {},
        # The scheduler and its workers offer pages of their own; nobody here reads them.
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        # It lives in this process and remembers this many messages of a topic: previews among them.
        "distributed.admin.low-level-log-length": 16,
        # A second job is not sent to a worker before its first is done, so that it cannot go down with it.
        "distributed.scheduler.worker-saturation": 1.0,
        # What it watches for its pages costs a twentieth of a core while nothing happens, and slows what
        # does.
        "distributed.worker.profile.enabled": False,
        "distributed.admin.tick.interval": "1s",
        "distributed.admin.system-monitor.interval": "5s",
        "distributed.admin.system-monitor.disk": False,
        # A network at rest is memory well used: a worker neither spills nor pauses, it only ends at its
        # limit.
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
    }
    with dask.config.set(settings), _deaf_to_ctrl_c():
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
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Ctrl-C reaches every process of a terminal. Threads and processes started in here leave it to the one
    that asked for them.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # multiprocessing starts it with the first process, and listens again after that
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# --- What follows runs in the worker's process
# -------------------------------------------------------------------------


class Bench(WorkerPlugin):  # type: ignore[misc]
    """What a worker keeps between two works: the gallery it opened, and which jobs it was told to stop.

    Networks stay prepared by themselves, since the process stays. What `kinds` need is loaded while nothing
    is asked for yet.
    """

    name = "studio"
    idempotent = True

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        self.kinds = kinds

    def setup(self, worker: Worker) -> None:  # noqa: ARG002
        self.stopped: set[str] = set()
        self.galleries: dict[Place, Gallery] = {}
        self.loading = threading.Lock()
        threading.Thread(target=self._load_all, daemon=True).start()

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002
        while self.galleries:
            self.galleries.popitem()[1].close()

    def load(self, kind: Kind) -> None:
        """Import what makes this kind; one at a time, since two threads importing the same library can meet
        it half done.
        """
        with self.loading:
            import_module(kind.process.partition(":")[0])

    def gallery(self, place: Place) -> Gallery:
        if place not in self.galleries:
            from pathlib import Path

            self.galleries[place] = Gallery.open(Path(place.home), database=place.database, files=place.files)
        return self.galleries[place]

    def _load_all(self) -> None:
        for kind in self.kinds:
            with suppress(Exception):  # whoever asks for that kind is told
                self.load(kind)


def make_there(
    job: str, recipe_json: str, place: Place, kinds: dict[str, Kind], topic: str, anew: bool
) -> Outcome:
    """Make one recipe in a worker. Never raises: what went wrong is in the outcome."""
    worker = get_worker()
    bench = _bench(worker)
    assert bench is not None
    post = _Post(worker, job, topic)
    try:
        post.send(pid=os.getpid())
        recipe = read_recipe(recipe_json, kinds)
        gallery = bench.gallery(place)
        if not anew and (there := gallery.with_fingerprint(recipe.fingerprint)):
            return Outcome("made", there.id, there_already=True)
        bench.load(kinds[recipe.kind])
        making = run_here(recipe, gallery, kinds)

        def watch(progress: Progress) -> None:
            if job in bench.stopped:
                raise _Stopped
            post.tell(progress)

        if job in bench.stopped:
            return Outcome("cancelled")
        return Outcome("made", finish(making, watch).id)
    except _Stopped:
        return Outcome("cancelled")
    except StudioError as error:
        return Outcome("failed", message=str(error), problem=error_data(error))
    except MemoryError:
        return Outcome(
            "failed",
            message="This work needed more memory than this machine has; make it smaller, or close what else is open.",
        )
    except Exception:
        return Outcome("failed", fault=traceback.format_exc())
    finally:
        bench.stopped.discard(job)


class _Stopped(Exception):
    """Whoever asked for the work does not want it any more."""


def _stop_there(job: str, dask_worker: Worker) -> None:
    bench = _bench(dask_worker)
    if bench is not None:
        bench.stopped.add(job)


def _bench(worker: Worker) -> Bench | None:
    found = worker.plugins.get(Bench.name)
    return found if isinstance(found, Bench) else None


class _Post:
    """Sends word of a making to whoever asked for it: often enough to watch, too seldom to slow it."""

    def __init__(self, worker: Worker, job: str, topic: str) -> None:
        self._worker, self._job, self._topic = worker, job, topic
        self._next_progress = self._next_preview = 0.0

    def tell(self, progress: Progress) -> None:
        now = time.monotonic()
        if not self._topic or now < self._next_progress:
            return
        preview, fault = None, ""
        if progress.preview is not None and now >= self._next_preview:
            try:
                preview = progress.preview()
            except Exception:
                # A work is worth more than a look at it: go on, and leave word in the log.
                fault = traceback.format_exc()
            cost = time.monotonic() - now
            self._next_preview = now + cost + max(PREVIEW_EVERY, cost / PREVIEW_SHARE)
        self._next_progress = now + PROGRESS_EVERY
        loss = None if progress.loss is None else float(progress.loss)
        self.send(
            done=progress.done,
            total=progress.total,
            stage=progress.stage,
            loss=loss,
            preview=preview,
            fault=fault,
        )

    def send(self, **what: Any) -> None:
        if self._topic:
            self._worker.log_event(self._topic, {"job": self._job, "worker": self._worker.address} | what)
