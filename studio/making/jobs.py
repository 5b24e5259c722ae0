"""Runs recipes: here or on a cluster, surviving a reload and a crash.

    with Gallery.open() as gallery, Jobs(gallery) as jobs:
        job = jobs.submit(recipe)
        for state in jobs.follow(job):
            print(state.stage, state.done, state.total, state.seconds_left)

To make one work in this process, without queue or ledger, use `studio.making.here.run_here`. For a file of
recipes use `studio.making.batch`, and to make a file's work again `studio.making.remaking`.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from studio.errors import Refused, StudioError, error_data
from studio.making.kinds import KINDS, read_recipe
from studio.making.load import Load
from studio.making.pace import Pace
from studio.making.times import Times
from studio.making.trainings import Trainings
from studio.works.log import write_log
from studio.works.recipe import Recipe
from studio.works.work import Progress

if TYPE_CHECKING:
    from distributed import Future

    from studio.making.ahead import Preparing
    from studio.making.queueing import QueueEntry
    from studio.making.worker_process import Outcome, Update
    from studio.making.workers import Workers
    from studio.works.gallery import Gallery
    from studio.works.ledger import JobState
    from studio.works.work import Prediction, SourceSize


class Jobs:
    """The queue of works to make, and the worker processes that make them. A context manager.

    gallery: where sources come from and works go. Its ledger is the queue; several processes may share it.
    scheduler: address of a Dask scheduler to use instead of a worker process of our own.
    at_once: how many works may be made at the same time.
    most_waiting: `submit` refuses when this many jobs are waiting.
    memory_limit: bytes a worker process here may use; by default four fifths of the computer's memory.

    There are two lanes. Light works, such as melodies (`Kind.light`), have a worker of their own and wait for
    nobody else's painting. In each lane the sessions that ask take turns (see `Ledger`).

    Opening it is quick: workers start in the background, with the first job or with `prepare`. Safe to use
    from many threads.
    """

    def __init__(
        self,
        gallery: Gallery,
        *,
        scheduler: str | None = None,
        at_once: int = 1,
        most_waiting: int = 20,
        memory_limit: int | None = None,
    ) -> None:
        from studio.works.ledger import Ledger

        self.gallery = gallery
        self.ledger = Ledger(gallery.engine)
        self.load = Load()
        self.times = Times(gallery.home, self.load.slower)
        self.trainings = Trainings()
        self._sizes: dict[str, tuple[SourceSize, ...]] = {}
        self._shared: deque[str] = deque(maxlen=KEPT_SHARED)
        self._warm: set[str] = set()
        self._scheduler, self._memory_limit = scheduler, memory_limit
        self._at_once, self._most_waiting = at_once, most_waiting
        self._workers: Workers | None = None
        self._preparing: Preparing | None = None
        self._makings: dict[str, _Making] = {}
        self._changed = threading.Condition()
        self._called = self._prepare = self._closing = False
        self._recovered_at = self._opened_at = time.monotonic()
        self._trouble = ""
        self.ledger.recover()
        self._thread = threading.Thread(target=self._serve, name="studio jobs", daemon=True)
        self._thread.start()

    def prepare(self, *, ahead: bool = False) -> None:
        """Start the workers now, in the background, so that the first job does not wait for them.

        ahead: also prepare, while nothing is being made, what works of each kind will need (see
        `studio.making.ahead`).
        """
        self._prepare = True
        if ahead and self._preparing is None:
            from studio.making.ahead import OTHERS, Preparing

            self._preparing = Preparing(others=OTHERS, idle=lambda: not self._makings)
        self._call()

    def get_ready(self, kind: str, name: str) -> None:
        """Somebody chose `name`, such as a style of melodies: prepare it first, where things are prepared."""
        if self._preparing is not None:
            self._preparing.first(kind, name)

    def submit(self, recipe: Recipe, *, force: bool = False, owner: str = "") -> str:
        """Queue a recipe and return the job's id at once.

        If the gallery already has the work, the job counts as made, unless `force` is set. If the same work
        is already waiting or running, that job's id is returned; with other credit it is another work.
        owner: the session that asks. Raises `Refused` when too many are waiting.
        """
        fingerprint = recipe.fingerprint  # takes a while for thousands of sources
        underway = self.ledger.underway(recipe, fingerprint)
        if underway is not None:
            return underway.id
        there = None if force else self.gallery.made_by(recipe, fingerprint)
        if there is not None:
            return self.ledger.ask(recipe, work_id=there.id, owner=owner, fingerprint=fingerprint)
        waiting = self.ledger.count_waiting()
        if waiting >= self._most_waiting:
            raise Refused(
                f"{waiting} works are already waiting; try again when some are done, or cancel one."
            )
        job = self.ledger.ask(recipe, owner=owner, lane=self._lane(recipe), fingerprint=fingerprint)
        self._call()
        return job

    def again(self, id: str, *, owner: str | None = None) -> str:
        """Queue a job again that failed, was cancelled or was interrupted; returns the new job's id.

        owner: the session that asks; None for the one that asked before.
        """
        job = self.ledger.get(id)
        return self.submit(read_recipe(job.recipe_json), owner=job.owner if owner is None else owner)

    def predict(
        self, recipe: Recipe, sizes: Sequence[SourceSize] | None = None, *, again: bool = False
    ) -> Prediction | None:
        """What making this recipe's work will take here, without waiting; None where its kind cannot tell.

        sizes: of its sources, where they are known; otherwise they are read from the gallery. again: after
        another work of the same settings. It takes a millisecond, so it may be asked at every move of a
        slider.
        """
        from studio.making.bounds import predict_from

        told = predict_from(recipe, sizes if sizes is not None else self._sizes_of(recipe))
        if told is None:
            return None
        return self.times.expected(
            told, recipe.kind, again=bool(told.shared) and (again or self._is_there(told))
        )

    def _is_there(self, prediction: Prediction) -> bool:
        """Whether what a work shares with others is there: one of the latest had the same."""
        return bool(prediction.shared) and prediction.shared in self._shared

    def queue(self, owner: str | None = None) -> list[QueueEntry]:
        """What runs and what waits, in both lanes: first what runs, then what comes next.

        owner: the session that looks. Of the works of other sessions it sees the kind, the state and the time
        left, and nothing of their content; None sees everything.
        """
        from studio.making.queueing import listed

        return listed(self.running(), self.ledger.waiting(), self._expected_seconds, owner)

    def latest(self, id: str) -> JobState:
        """How a job stands now. Raises `UnknownName`."""
        state = self.ledger.get(id)
        with self._changed:
            making = self._makings.get(id)
            if making is None or state.state != "running":
                return state
            return replace(making.shown(state), stage=self._trouble) if self._trouble else making.shown(state)

    def follow(self, id: str) -> Iterator[JobState]:
        """A job's state, now and whenever it changes, until it has ended or these `Jobs` are closed.

        A slow reader sees only the latest state. Following a job neither drives it nor stops it.
        """
        seen: JobState | None = None
        while True:
            with self._changed:
                turns = self._turns(id)
            state = self.latest(id)
            if state != seen:
                seen = state
                yield state
            if state.ended or self._closing:
                return
            with self._changed:
                # A job that another process makes changes without notice: look again now and then.
                self._changed.wait_for(partial(self._has_changed, id, turns), timeout=0.5)

    def _has_changed(self, id: str, turns: int) -> bool:
        return self._turns(id) != turns or self._closing

    def wait(self, id: str, timeout: float | None = None) -> JobState:
        """The job's final state. With a timeout in seconds, its state by then."""
        give_up = None if timeout is None else time.monotonic() + timeout
        for state in self.follow(id):
            if state.ended or (give_up is not None and time.monotonic() > give_up):
                break
        return state

    def move_up(self, id: str, *, owner: str | None = None) -> bool:
        """Let a waiting job change places with the one before it of the same session. False where it does not
        wait, or is the first.

        owner: the session that asks; raises `Refused` where the job is another's. None may move any.
        """
        self._check_owner(id, owner)
        moved = self.ledger.move_up(id)
        with self._changed:
            self._changed.notify_all()
        return moved

    def cancel(self, id: str, *, owner: str | None = None) -> bool:
        """Take a job out of the queue, or stop it before its next step. False if it had already ended.

        owner: the session that asks; raises `Refused` where the job is another's. None may cancel any.
        """
        self._check_owner(id, owner)
        cancelled = self.ledger.cancel(id)
        with self._changed:
            making = self._makings.get(id)
            if making is not None and cancelled:
                making.unwanted = True
        self._call()
        return cancelled

    def end(self, id: str, *, owner: str | None = None) -> bool:
        """Let a running job end after its next step: what there is then is its work. One that waits, that has
        taken no step yet, or that runs elsewhere is cancelled. False if it had already ended.

        owner: as for `cancel`.
        """
        self._check_owner(id, owner)
        with self._changed:
            making = self._makings.get(id)
            if making is not None and making.progress.done and not making.unwanted:
                making.ending = True
        if making is None or not making.ending:
            return self.cancel(id, owner=owner)
        self._call()
        return True

    def running(self) -> list[JobState]:
        return [self.latest(job.id) for job in self.ledger.running()]

    def waiting(self) -> list[JobState]:
        """The queue, next first."""
        return self.ledger.waiting()

    def recent(self, limit: int = 20) -> list[JobState]:
        """The latest jobs whatever their state, newest first."""
        return [self.latest(job.id) if job.state == "running" else job for job in self.ledger.recent(limit)]

    def _check_owner(self, id: str, owner: str | None) -> None:
        if owner is not None and self.ledger.get(id).owner not in (owner, ""):
            raise Refused("This work was asked for in another session; only that session may change it.")

    def _lane(self, recipe: Recipe) -> str:
        """The lane of a recipe: the quick one for what is light and fits into its worker's memory."""
        kind = KINDS[recipe.kind]
        if not kind.is_light(recipe):
            return USUAL_LANE
        prediction = self.predict(recipe)
        return QUICK_LANE if prediction is None or prediction.bytes < QUICK_BYTES - AT_REST else USUAL_LANE

    def _sizes_of(self, recipe: Recipe) -> tuple[SourceSize, ...]:
        """The sizes of a recipe's sources; those of the latest recipes are kept, since to know them takes
        reading the files.
        """
        from studio.making.bounds import sizes_of

        key = "".join(f"{source.role}:{source.sha256} " for source in recipe.sources)
        with self._changed:
            found = self._sizes.pop(key, None)
        if found is None:
            found = sizes_of(recipe, self.gallery.read_source)
        with self._changed:
            while len(self._sizes) >= KEPT_SIZES:
                del self._sizes[next(iter(self._sizes))]
            self._sizes[key] = found
        return found

    def _expected_seconds(self, job: JobState) -> float | None:
        """Seconds that a job takes from its start."""
        with suppress(StudioError):
            prediction = self.predict(read_recipe(job.recipe_json))
            return prediction.seconds if prediction is not None else None
        return None

    def close(self) -> None:
        """Interrupt what is running and end the workers. Waiting jobs wait for the next studio."""
        self._closing = True
        self.trainings.close()
        if self._preparing is not None:
            self._preparing.close()
        self._call()
        self._thread.join()

    def __enter__(self) -> Jobs:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- In the queue's own thread

    def _call(self) -> None:
        with self._changed:
            self._called = True
            self._changed.notify_all()

    def _turns(self, id: str) -> int:
        making = self._makings.get(id)
        return -1 if making is None else making.turns

    def _serve(self) -> None:
        while not self._closing:
            try:
                self._turn()
                self._trouble = ""
            except Exception as error:
                # The database may be away for a moment, its disk full, the cluster gone: the queue goes on.
                if not isinstance(error, StudioError):
                    write_log("The queue stumbled.", place=self.gallery.home)
                with self._changed:
                    self._trouble = (
                        str(error)
                        if isinstance(error, StudioError)
                        else "Waiting for the database or the cluster …"
                    )
                    for making in self._makings.values():
                        making.turns += 1
                    self._changed.notify_all()
                time.sleep(1)
            with self._changed:
                self._changed.wait_for(lambda: self._called, timeout=0.25 if self._makings else 1.0)
                self._called = False
        try:
            self._wind_up()
        except StudioError:
            # What cannot be written now is found when the next studio opens.
            if self._workers is not None:
                self._workers.close()

    def _turn(self) -> None:
        if self._prepare and self._workers is None:
            self._prepare = False
            self._workers = self._start_workers()
            if self._preparing is not None and self._scheduler is None:
                self._probe(self._workers)
        if time.monotonic() - self._recovered_at > RECOVER_EVERY:
            self._recovered_at = time.monotonic()
            self.ledger.recover()
            self.gallery.empty_what_is_due()
        if not self._makings and time.monotonic() - self._opened_at > STARTS_WITHIN:  # what runs is others'
            preparing = self._preparing is not None and self._preparing.busy
            self.load.note(time.monotonic(), own=float(preparing))
        for making in list(self._makings.values()):
            self._look_after(making)
        for lane, at_once in ((QUICK_LANE, 1), (USUAL_LANE, self._at_once)):
            while not self._closing and self._running_in(lane) < at_once:
                job = self.ledger.claim(lane)
                if job is None:
                    break
                self._begin(job)

    def _probe(self, workers: Workers) -> None:
        """At every start: how fast is this computer? What tells it gets the worker ready for the first work
        as well. The answer comes when the worker has loaded its code, and the first one in a home counts; a
        work that is asked for meanwhile waits a moment for it.
        """

        def note(future: Future[dict[str, float]]) -> None:
            with suppress(Exception):  # the worker died; the next start asks again
                for kind, rate in future.result().items():
                    if kind not in self.times.probed:
                        self.times.note_probe(kind, rate)

        workers.probe().add_done_callback(note)

    def _running_in(self, lane: str) -> int:
        return sum(making.lane == lane for making in self._makings.values())

    def _start_workers(self) -> Workers:
        from studio.making.workers import Workers

        return Workers(
            self._scheduler,
            self._at_once,
            memory_limit=self._memory_limit,
            on_update=self._note_update,
            quick_limit=QUICK_BYTES if any(kind.light for kind in KINDS.values()) else 0,
        )

    def _begin(self, job: JobState) -> None:
        from studio.making.bounds import bounds_of, check_room, predict
        from studio.making.worker_process import Place

        quick = job.lane == QUICK_LANE
        with self._changed:
            making = self._makings[job.id] = _Making(job.id, lane=job.lane)
            self._changed.notify_all()
        if self._preparing is not None:
            self._preparing.give_way()
        try:
            if self._workers is None:
                self._workers = self._start_workers()
            recipe = read_recipe(job.recipe_json)
            prediction = predict(recipe, self.gallery.read_source)
            check_room(prediction, self._workers.room_in(quick=quick), KINDS[recipe.kind])
            if prediction is not None:
                making.prediction, making.again = prediction, self._is_there(prediction)
                making.pace = Pace.of(self.times.expected(prediction, recipe.kind, again=making.again))
            making.future = self._workers.submit(
                job.id,
                job.recipe_json,
                Place.of(self.gallery),
                force=True,
                bounds=bounds_of(prediction),
                quick=quick,
            )
            making.future.add_done_callback(lambda _: self._call())
        except StudioError as error:
            self.ledger.failed(job.id, str(error), error_data(error))
            self._let_go(making)
        except Exception:
            self.ledger.failed(job.id, self._our_fault(traceback.format_exc()))
            self._let_go(making)

    def _note_update(self, update: Update) -> None:
        """Called in another thread for every update from a worker."""
        if update.fault:
            write_log("A preview failed.", update.fault, place=self.gallery.home)
        with self._changed:
            making = self._makings.get(update.job)
            if making is not None:
                making.note(update)
                self._called |= making.starts > 1
                self._changed.notify_all()

    def _look_after(self, making: _Making) -> None:
        """One look at a making: settle it if it has ended, else keep the ledger and its worker informed."""
        if self._workers is None or making.future is None:
            self._interrupt(making)
            return
        outcome = self._workers.outcome(making.future)
        if outcome is not None:
            self._settle(making, outcome)
            self._let_go(making)
        elif making.starts > 1:
            # Another program's scheduler starts a work again when its worker dies. That suits a batch; here
            # a person decides.
            self._workers.stop(making.id)
            self._workers.forget(making.future)
            self._interrupt(making, "The worker that was making this work died; make it again.")
        elif self._never_started(making):
            workers, self._workers = self._workers, None
            workers.close()
            self._interrupt(
                making,
                f"No worker process started within {START_WITHIN:.0f} seconds; close other programs, and "
                "make it again.",
            )
        else:
            self._write_progress(making)
            if making.unwanted:
                self._stop_unwanted(self._workers, making)
            elif making.ending and time.monotonic() >= making.stop_at:
                self._workers.end(making.id)
                making.stop_at = time.monotonic() + 1.0

    def _never_started(self, making: _Making) -> bool:
        waited = time.monotonic() - making.since
        return not making.starts and self._scheduler is None and waited > START_WITHIN

    def _write_progress(self, making: _Making) -> None:
        now = time.monotonic()
        if making.unwanted or now < making.write_at:
            return
        with self._changed:
            progress, stage = making.progress, making.stage
        making.unwanted = not self.ledger.progress(
            making.id, done=progress.done, total=progress.total, stage=stage, loss=progress.loss
        )
        making.write_at = now + WRITE_EVERY

    def _stop_unwanted(self, workers: Workers, making: _Making) -> None:
        now = time.monotonic()
        if now < making.stop_at:
            return
        making.unwanted_since = making.unwanted_since or now
        workers.stop(making.id)
        making.stop_at = now + 1.0
        if now - making.unwanted_since > GRACE and making.worker:
            workers.replace(making.worker)

    def _interrupt(self, making: _Making, *message: str) -> None:
        self.ledger.interrupted(making.id, *message)
        self._let_go(making)

    def _settle(self, making: _Making, outcome: Outcome) -> None:
        if outcome.state == "made" and outcome.work_id is not None:
            self.ledger.made(making.id, outcome.work_id)
            ended = time.monotonic()
            spent, whole = making.pace.spent(ended), making.pace.whole(ended)
            cold = making.lane not in self._warm  # its worker still had code to load
            self._warm.add(making.lane)
            if making.prediction is not None and whole is not None and not cold:
                before, steps = spent or (whole, None)
                self.times.learn(making.prediction, before, steps, making.busy, again=making.again)
            shared = making.prediction.shared if making.prediction is not None else ""
            if shared and shared not in self._shared:
                self._shared.append(shared)
        elif outcome.state == "failed":
            message = self._our_fault(outcome.fault) if outcome.fault else outcome.message
            self.ledger.failed(making.id, message, outcome.problem)
        elif outcome.state == "interrupted":
            self.ledger.interrupted(making.id, outcome.message)
        else:
            self.ledger.cancel(making.id)

    def _let_go(self, making: _Making) -> None:
        with self._changed:
            del self._makings[making.id]
            self._called = True
            self._changed.notify_all()

    def _our_fault(self, details: str) -> str:
        log = write_log("A making failed.", details, place=self.gallery.home)
        return f"Something went wrong in the studio itself; the details are in {log}."

    def _wind_up(self) -> None:
        for making in list(self._makings.values()):
            if self._workers is not None:
                self._workers.stop(making.id)
        give_up = time.monotonic() + 2
        while self._workers is not None and self._makings and time.monotonic() < give_up:
            for making in list(self._makings.values()):
                outcome = self._workers.outcome(making.future) if making.future is not None else None
                if outcome is not None and outcome.state == "made":
                    self._settle(making, outcome)
                elif outcome is not None:
                    self.ledger.interrupted(making.id, CLOSED)
                else:
                    continue
                del self._makings[making.id]
            time.sleep(0.02)
        for making in self._makings.values():
            self.ledger.interrupted(making.id, CLOSED)
        if self._workers is not None:
            self._workers.close()
        with self._changed:
            self._makings.clear()
            self._changed.notify_all()


USUAL_LANE, QUICK_LANE = "", "quick"
"""The lanes, as the ledger has them."""

QUICK_BYTES, AT_REST = 3 * 2**30, 2**30
"""Bytes that the worker of the quick lane may use, and those that it takes for its code and what it keeps."""

KEPT_SHARED = 2
"""Requests of which a worker keeps what their works share (`Prediction.shared`)."""

KEPT_SIZES = 64
"""Recipes of which the sizes of the sources are kept."""

WRITE_EVERY = 0.5
"""Seconds between two writes of a job's progress to the ledger. They also show that its keeper lives."""

RECOVER_EVERY = 30.0
"""Seconds between two searches for jobs whose keeper, on another computer, fell silent."""

START_WITHIN = 180.0
"""Seconds a worker process may take to start on a job. It takes one or two, and much longer on a computer
that is short of memory.
"""

STARTS_WITHIN = 5.0
"""Seconds in which the studio itself keeps the computer busy when it is opened."""

GRACE = 30.0
"""Seconds a work may take to stop when it is cancelled, before its process is replaced."""

CLOSED = "The studio was closed before this work was finished; make it again."


@dataclass
class _Making:
    """A making under way. Guarded by `Jobs._changed`, since updates arrive in another thread."""

    id: str
    future: Future[Outcome] | None = None
    progress: Progress = field(default_factory=lambda: Progress(0, 0))
    preview: bytes | None = None
    worker: str = ""
    starts: int = 0
    turns: int = 0
    pace: Pace = field(default_factory=Pace)
    lane: str = ""
    prediction: Prediction | None = None
    again: bool = False
    since: float = field(default_factory=time.monotonic)
    unwanted: bool = False
    ending: bool = False
    unwanted_since: float = 0.0
    stop_at: float = 0.0
    write_at: float = 0.0
    first_cpu: tuple[float, float] | None = None
    latest_cpu: tuple[float, float] | None = None

    @property
    def busy(self) -> float | None:
        """How many processors its worker kept busy on the average. None where too little was seen of it."""
        if self.first_cpu is None or self.latest_cpu is None:
            return None
        (began, before), (now, since) = self.first_cpu, self.latest_cpu
        return (since - before) / (now - began) if now - began >= 0.2 else None

    @property
    def stage(self) -> str:
        return self.progress.stage or ("getting ready" if self.starts else "waiting for a worker")

    def note(self, update: Update) -> None:
        self.turns += 1
        self.worker = update.worker
        now = time.monotonic()
        if update.cpu is not None:
            self.latest_cpu = (now, update.cpu)
        if update.pid is not None:
            self.first_cpu = self.latest_cpu
            self.starts += 1
            self.pace.begin(now)
            return
        self.progress = Progress(update.done, update.total, update.stage, update.loss, share=update.share)
        self.preview = update.preview or self.preview
        steps = update.done / update.total if update.total else None
        self.pace.note(self.progress.so_far, now, steps)

    def shown(self, state: JobState) -> JobState:
        """The ledger's state of it, with the latest progress."""
        left, most = self.pace.seconds_left(time.monotonic()), self.pace.most_left()
        if not self.progress.total:
            return replace(state, stage=self.stage, seconds_left=left, most_left=most)
        latest = self.progress
        return replace(
            state,
            done=latest.done,
            total=latest.total,
            stage=latest.stage,
            loss=latest.loss,
            preview=self.preview,
            seconds_left=left,
            most_left=most,
        )
