"""What runs in a worker process: it opens the gallery, makes one work at a time, and reports progress."""

# mypy: allow-untyped-calls

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker

from studio.errors import Refused, StudioError, error_data
from studio.making.bounds import WorkBounds
from studio.making.cluster import QUICK
from studio.making.here import run_here
from studio.making.kinds import Kind, found_at, read_recipe
from studio.process import EndEarly, finish
from studio.works.gallery import Gallery
from studio.works.work import Progress

PROGRESS_EVERY = 0.1
"""Seconds between two reports, however many steps the work takes in that time."""

PREVIEW_EVERY, PREVIEW_SHARE = 0.3, 0.05
"""Seconds between two previews at least, and the largest share of the time that previews may cost."""


@dataclass(frozen=True)
class Place:
    """The gallery a worker has to open: its folder, database and files, as `Gallery.open` takes them."""

    home: str
    database: str
    files: str

    @classmethod
    def of(cls, gallery: Gallery) -> Place:
        return cls(str(gallery.home), gallery.database, gallery.files)


@dataclass(frozen=True)
class Update:
    """What a worker reports while it makes a work.

    pid, quick: set in the first update alone; quick says whether it is the worker of the quick lane.
    done, total, stage, loss, share: as in `Progress`. preview: JPEG bytes. fault: a traceback for the log,
    when a preview failed. cpu: seconds that the worker's processors have been busy with its process so far.
    """

    job: str
    worker: str
    pid: int | None = None
    quick: bool = False
    done: int = 0
    total: int = 0
    stage: str = ""
    loss: float | None = None
    share: float | None = None
    preview: bytes | None = None
    fault: str = ""
    cpu: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How the making of a work ended.

    state: made, failed, cancelled or interrupted. message: one sentence for a person. problem: what the error
    knows beside its sentence (`studio.errors.error_data`). fault: a traceback where the studio itself is to
    blame. there_already: the gallery had the work, so nothing was made.
    """

    state: str
    work_id: str | None = None
    message: str = ""
    fault: str = ""
    there_already: bool = False
    problem: dict[str, Any] = field(default_factory=dict)


class WorkerState(WorkerPlugin):  # type: ignore[misc]
    """What a worker keeps between two works: the galleries it opened, and the jobs it was told to stop.

    Networks stay prepared because the process stays. The code of `kinds` is loaded before anyone asks for it.
    """

    name = "studio"
    idempotent = True

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        self.kinds = kinds

    def setup(self, worker: Worker) -> None:
        self.stopped: set[str] = set()
        self.ending: set[str] = set()
        self.galleries: dict[Place, Gallery] = {}
        self.loading = threading.Lock()
        self.quick = worker.name == QUICK
        threading.Thread(target=self._load_all, daemon=True).start()

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002
        while self.galleries:
            self.galleries.popitem()[1].close()

    def load(self, kind: Kind) -> None:
        """Import what makes this kind. One at a time: two threads that import one library at the same moment
        can find it half loaded."""
        with self.loading:
            import_module(kind.process.partition(":")[0])

    def gallery(self, place: Place) -> Gallery:
        """That gallery, opened once."""
        if place not in self.galleries:
            self.galleries[place] = Gallery.open(Path(place.home), database=place.database, files=place.files)
        return self.galleries[place]

    def _load_all(self) -> None:
        """Load what this worker will need: the quick one that of light kinds. The others may still be asked
        for any, and do those last.
        """
        light = [kind for kind in self.kinds if kind.light]
        heavy = [kind for kind in self.kinds if not kind.light]
        for kind in light if self.quick else heavy + light:
            with suppress(Exception):  # whoever asks for that kind gets the error
                self.load(kind)
                if self.quick and kind.ahead:
                    import_module(kind.ahead).load()


@dataclass(frozen=True)
class Order:
    """One recipe for a worker to make.

    topic: under which the start and the progress are reported. force: make it even if the gallery has the
    work. watched: somebody wants to see the progress. bounds: checked at every step.
    """

    job: str
    recipe_json: str
    place: Place
    kinds: dict[str, Kind]
    topic: str
    force: bool = False
    watched: bool = False
    bounds: WorkBounds = field(default_factory=WorkBounds)


def make_order(order: Order) -> Outcome:
    """Make one recipe in a worker. Never raises: what went wrong is in the outcome."""
    worker = get_worker()
    state = state_of(worker)
    assert state is not None
    try:
        return _made(order, state, ProgressReporter(worker, order))
    except (_Stopped, EndEarly):
        return Outcome("cancelled")
    except StudioError as error:
        return Outcome("failed", message=str(error), problem=error_data(error))
    except Exception:
        return Outcome("failed", fault=traceback.format_exc())
    finally:
        state.stopped.discard(order.job)
        state.ending.discard(order.job)


def _made(order: Order, state: WorkerState, reporter: ProgressReporter) -> Outcome:
    reporter.send(pid=os.getpid(), quick=state.quick)
    recipe = read_recipe(order.recipe_json, order.kinds)
    gallery = state.gallery(order.place)
    if not order.force and (there := gallery.made_by(recipe)):
        return Outcome("made", there.id, there_already=True)
    state.load(order.kinds[recipe.kind])

    began = time.monotonic()

    def watch(progress: Progress | None) -> None:
        if order.job in state.stopped:
            raise _Stopped
        if why := order.bounds.exceeded(time.monotonic() - began, 0):
            raise Refused(why)
        if progress is not None:
            reporter.report(progress)
            if progress.done and order.job in state.ending:
                state.ending.discard(order.job)
                raise EndEarly

    watch(None)
    return Outcome("made", finish(run_here(recipe, gallery, order.kinds), watch).id)


def probe_kinds(kinds: Mapping[str, Kind]) -> dict[str, float]:
    """How many times longer than an ordinary computer this one takes, by kind, from short trials."""
    found: dict[str, float] = {}
    rates: dict[str, float] = {}
    for name, kind in kinds.items():
        with suppress(Exception):  # a network that is not there yet: works will say how fast they are
            if kind.probe:
                rates[kind.probe] = rates.get(kind.probe) or float(found_at(kind.probe)())
                found[name] = rates[kind.probe]
    return found


class _Stopped(Exception):
    """The work is not wanted any more."""


def stop_job(job: str, dask_worker: Worker) -> None:
    """Tell this worker to stop that job before its next step."""
    state = state_of(dask_worker)
    if state is not None:
        state.stopped.add(job)


def end_job(job: str, dask_worker: Worker) -> None:
    """Tell this worker to end that job after its next step, with what there is then."""
    state = state_of(dask_worker)
    if state is not None:
        state.ending.add(job)


def state_of(worker: Worker) -> WorkerState | None:
    """What this worker keeps between two works; None before it is set up."""
    found = worker.plugins.get(WorkerState.name)
    return found if isinstance(found, WorkerState) else None


class ProgressReporter:
    """Reports progress often enough to watch, and too seldom to slow the work down."""

    def __init__(self, worker: Worker, order: Order) -> None:
        self._worker, self._job, self._topic, self._watched = worker, order.job, order.topic, order.watched
        self._next_progress = self._next_preview = 0.0

    def report(self, progress: Progress) -> None:
        """Send this step, and a preview where one is due."""
        now = time.monotonic()
        if not self._watched or now < self._next_progress:
            return
        preview, fault = None, ""
        if progress.preview is not None and now >= self._next_preview:
            try:
                preview = progress.preview()
            except Exception:
                # A work is worth more than a look at it: go on, and write the fault to the log.
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
            share=progress.share,
            preview=preview,
            fault=fault,
        )

    def send(self, **what: Any) -> None:
        """Send the fields of an `Update`."""
        told = {"job": self._job, "worker": self._worker.address, "cpu": time.process_time()}
        self._worker.log_event(self._topic, told | what)
