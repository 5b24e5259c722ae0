"""Runs recipes: here or on a cluster, surviving a reload and a crash.

    with Gallery.open() as gallery, Jobs(gallery) as jobs:
        job = jobs.submit(recipe)
        for state in jobs.follow(job):
            print(state.stage, state.done, state.total, state.seconds_left)

One work in this process, without queue or ledger: `studio.making.kinds.run_here`. Files full of recipes:
`studio.making.batch`; making a file's work again: `studio.making.remaking`.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from studio.errors import Refused, StudioError, error_data
from studio.making.kinds import read_recipe
from studio.works.log import write_log
from studio.works.recipe import Recipe
from studio.works.work import Progress

if TYPE_CHECKING:
    from distributed import Future

    from studio.making.workers import News, Outcome, Workers
    from studio.works.gallery import Gallery
    from studio.works.ledger import JobState


class Jobs:
    """The queue of makings and the worker processes that work it off. A context manager; `close` ends it.

    gallery: where sources come from and works go; its ledger is the queue, which several processes may share.
    scheduler: address of a Dask scheduler to use instead of a worker process of our own.
    at_once: how many makings may run at the same time. most_waiting: from how many waiting jobs on `submit`
    refuses.
    memory_limit: bytes a worker process here may use; by default four fifths of the machine's.

    Opening it costs next to nothing: workers start in the background, with the first job or `prepare`. Safe
    to use from many threads.
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
        self._scheduler, self._memory_limit = scheduler, memory_limit
        self._at_once, self._most_waiting = at_once, most_waiting
        self._workers: Workers | None = None
        self._in_hand: dict[str, _InHand] = {}
        self._changed = threading.Condition()
        self._called = self._prepare = self._closing = False
        self._recovered_at = time.monotonic()
        self._trouble = ""
        self.ledger.recover()
        self._thread = threading.Thread(target=self._work_off, name="studio jobs", daemon=True)
        self._thread.start()

    def prepare(self) -> None:
        """Start the workers now, in the background, so that the first job need not wait for them."""
        self._prepare = True
        self._call()

    def submit(self, recipe: Recipe, *, anew: bool = False) -> str:
        """Put a making into the queue and give the job's id, at once.

        Where the gallery has the work already, the job is made from the start, unless it is to be made
        `anew`; where the same is already waiting or running, that job's id is given. Raises `Refused` when
        too many wait.
        """
        underway = self.ledger.underway(recipe.fingerprint)
        if underway is not None:
            return underway.id
        there = None if anew else self.gallery.with_fingerprint(recipe.fingerprint)
        if there is not None:
            return self.ledger.ask(recipe, work_id=there.id)
        waiting = self.ledger.count_waiting()
        if waiting >= self._most_waiting:
            raise Refused(
                f"{waiting} works are waiting already; ask again when some of them are done, or cancel one."
            )
        job = self.ledger.ask(recipe)
        self._call()
        return job

    def again(self, id: str) -> str:
        """Ask once more for a job that failed, was cancelled or was interrupted; gives the new job's id."""
        return self.submit(read_recipe(self.ledger.get(id).recipe_json))

    def latest(self, id: str) -> JobState:
        """How a job stands now. Raises `UnknownName`."""
        state = self.ledger.get(id)
        with self._changed:
            hand = self._in_hand.get(id)
            if hand is None or state.state != "running":
                return state
            return replace(hand.shown(state), stage=self._trouble) if self._trouble else hand.shown(state)

    def follow(self, id: str) -> Iterator[JobState]:
        """How a job stands, now and whenever that changes, until it has ended (or these `Jobs` are closed).

        Who is slow to ask gets the latest and misses what lay between. Following neither drives a job nor
        stops it.
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
                # A job in the hands of another process changes without a call: look again now and then.
                self._changed.wait_for(partial(self._has_changed, id, turns), timeout=0.5)

    def _has_changed(self, id: str, turns: int) -> bool:
        return self._turns(id) != turns or self._closing

    def wait(self, id: str, timeout: float | None = None) -> JobState:
        """The job's end. With a timeout in seconds, how it stands then."""
        give_up = None if timeout is None else time.monotonic() + timeout
        for state in self.follow(id):
            if state.ended or (give_up is not None and time.monotonic() > give_up):
                break
        return state

    def cancel(self, id: str) -> bool:
        """Take a job out of the queue, or stop it before its next step; its state says so at once. False
        where it had ended.
        """
        cancelled = self.ledger.cancel(id)
        with self._changed:
            hand = self._in_hand.get(id)
            if hand is not None and cancelled:
                hand.unwanted = True
        self._call()
        return cancelled

    def running(self) -> list[JobState]:
        return [self.latest(job.id) for job in self.ledger.running()]

    def waiting(self) -> list[JobState]:
        """The queue, next first."""
        return self.ledger.waiting()

    def recent(self, limit: int = 20) -> list[JobState]:
        """The latest jobs whatever their state, newest first."""
        return [self.latest(job.id) if job.state == "running" else job for job in self.ledger.recent(limit)]

    def close(self) -> None:
        """Stop what is running, which becomes `interrupted`, and end the workers. What waits goes on waiting
        for the next studio.
        """
        self._closing = True
        self._call()
        self._thread.join()

    def __enter__(self) -> Jobs:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- What goes on in the thread that works off the queue
    # -----------------------------------------------------------

    def _call(self) -> None:
        with self._changed:
            self._called = True
            self._changed.notify_all()

    def _turns(self, id: str) -> int:
        hand = self._in_hand.get(id)
        return -1 if hand is None else hand.turns

    def _work_off(self) -> None:
        while not self._closing:
            try:
                self._turn()
                self._trouble = ""
            except Exception as error:
                # The database may be away for a moment, its disk full, or the cluster gone: the queue
                # outlives that.
                if not isinstance(error, StudioError):
                    write_log("The queue stumbled.", place=self.gallery.home)
                with self._changed:
                    self._trouble = (
                        str(error)
                        if isinstance(error, StudioError)
                        else "Waiting for the database, or the cluster …"
                    )
                    for hand in self._in_hand.values():
                        hand.turns += 1
                    self._changed.notify_all()
                time.sleep(1)
            with self._changed:
                self._changed.wait_for(lambda: self._called, timeout=0.25 if self._in_hand else 1.0)
                self._called = False
        try:
            self._wind_up()
        except StudioError:
            # What cannot be noted now is found when the next studio opens.
            if self._workers is not None:
                self._workers.close()

    def _turn(self) -> None:
        if self._prepare and self._workers is None:
            self._prepare = False
            self._workers = self._start_workers()
        if time.monotonic() - self._recovered_at > RECOVER_EVERY:
            self._recovered_at = time.monotonic()
            self.ledger.recover()
        for hand in list(self._in_hand.values()):
            self._look_after(hand)
        while len(self._in_hand) < self._at_once and not self._closing:
            job = self.ledger.claim()
            if job is None:
                break
            self._begin(job)

    def _start_workers(self) -> Workers:
        from studio.making.workers import Workers

        return Workers(self._scheduler, self._at_once, memory_limit=self._memory_limit, on_news=self._hear)

    def _begin(self, job: JobState) -> None:
        from studio.making.workers import Place

        with self._changed:
            hand = self._in_hand[job.id] = _InHand(job.id)
            self._changed.notify_all()
        try:
            if self._workers is None:
                self._workers = self._start_workers()
            hand.future = self._workers.submit(job.id, job.recipe_json, Place.of(self.gallery), anew=True)
            hand.future.add_done_callback(lambda _: self._call())
        except StudioError as error:
            self.ledger.failed(job.id, str(error), error_data(error))
            self._let_go(hand)
        except Exception:
            self.ledger.failed(job.id, self._our_fault(traceback.format_exc()))
            self._let_go(hand)

    def _hear(self, news: News) -> None:
        """Called in another thread for everything a worker tells."""
        if news.fault:
            write_log("A preview failed.", news.fault, place=self.gallery.home)
        with self._changed:
            hand = self._in_hand.get(news.job)
            if hand is not None:
                hand.hear(news)
                self._called |= hand.starts > 1
                self._changed.notify_all()

    def _look_after(self, hand: _InHand) -> None:
        if self._workers is None or hand.future is None:
            self.ledger.interrupted(hand.id)
            self._let_go(hand)
            return
        outcome = self._workers.outcome(hand.future)
        if outcome is not None:
            self._settle(hand, outcome)
            self._let_go(hand)
            return
        if hand.starts > 1:
            # Somebody else's scheduler tries again by itself when a worker dies. That is for batches: here a
            # person decides.
            self._workers.stop(hand.id)
            self._workers.forget(hand.future)
            self.ledger.interrupted(hand.id, "The worker that was making this work died; make it again.")
            self._let_go(hand)
            return
        now = time.monotonic()
        if not hand.starts and self._scheduler is None and now - hand.since > START_WITHIN:
            workers, self._workers = self._workers, None
            workers.close()
            self.ledger.interrupted(
                hand.id,
                f"No worker process came up within {START_WITHIN:.0f} seconds; close what else is open, and make it again.",
            )
            self._let_go(hand)
            return
        if not hand.unwanted and now >= hand.write_at:
            with self._changed:
                progress, stage = hand.progress, hand.stage
            hand.unwanted = not self.ledger.progress(
                hand.id, done=progress.done, total=progress.total, stage=stage, loss=progress.loss
            )
            hand.write_at = now + WRITE_EVERY
        if hand.unwanted and now >= hand.stop_at:
            hand.unwanted_since = hand.unwanted_since or now
            self._workers.stop(hand.id)
            hand.stop_at = now + 1.0
            if now - hand.unwanted_since > GRACE and hand.worker:
                self._workers.replace(hand.worker)

    def _settle(self, hand: _InHand, outcome: Outcome) -> None:
        if outcome.state == "made" and outcome.work_id is not None:
            self.ledger.made(hand.id, outcome.work_id)
        elif outcome.state == "failed":
            message = self._our_fault(outcome.fault) if outcome.fault else outcome.message
            self.ledger.failed(hand.id, message, outcome.problem)
        elif outcome.state == "interrupted":
            self.ledger.interrupted(hand.id, outcome.message)
        else:
            self.ledger.cancel(hand.id)

    def _let_go(self, hand: _InHand) -> None:
        with self._changed:
            del self._in_hand[hand.id]
            self._called = True
            self._changed.notify_all()

    def _our_fault(self, details: str) -> str:
        log = write_log("A making failed.", details, place=self.gallery.home)
        return f"Something went wrong in the studio itself; the details are in {log}."

    def _wind_up(self) -> None:
        for hand in list(self._in_hand.values()):
            if self._workers is not None:
                self._workers.stop(hand.id)
        give_up = time.monotonic() + 2
        while self._workers is not None and self._in_hand and time.monotonic() < give_up:
            for hand in list(self._in_hand.values()):
                outcome = self._workers.outcome(hand.future) if hand.future is not None else None
                if outcome is not None and outcome.state == "made":
                    self._settle(hand, outcome)
                elif outcome is not None:
                    self.ledger.interrupted(hand.id, CLOSED)
                else:
                    continue
                del self._in_hand[hand.id]
            time.sleep(0.02)
        for hand in self._in_hand.values():
            self.ledger.interrupted(hand.id, CLOSED)
        if self._workers is not None:
            self._workers.close()
        with self._changed:
            self._in_hand.clear()
            self._changed.notify_all()


WRITE_EVERY = 0.5
"""Seconds between two notes in the ledger on how far a making is; they are also its sign of life."""

RECOVER_EVERY = 30.0
"""Seconds between two looks for jobs whose keeper, at another machine, fell silent."""

START_WITHIN = 180.0
"""Seconds a worker process may take to take up a job; it takes one or two, and much longer on a machine that
is short of everything.
"""

GRACE = 30.0
"""Seconds a making may take to notice that it is not wanted any more, before its process is replaced."""

CLOSED = "The studio was closed in the middle of this work; make it again to get it."


@dataclass
class _InHand:
    """A making under way. Guarded by `Jobs._changed`, since the news of it come in another thread."""

    id: str
    future: Future[Outcome] | None = None
    progress: Progress = field(default_factory=lambda: Progress(0, 0))
    preview: bytes | None = None
    worker: str = ""
    starts: int = 0
    turns: int = 0
    pace: Pace = field(default_factory=lambda: Pace())
    since: float = field(default_factory=time.monotonic)
    unwanted: bool = False
    unwanted_since: float = 0.0
    stop_at: float = 0.0
    write_at: float = 0.0

    @property
    def stage(self) -> str:
        return self.progress.stage or ("getting ready" if self.starts else "waiting for a worker")

    def hear(self, news: News) -> None:
        self.turns += 1
        self.worker = news.worker
        if news.pid is not None:
            self.starts += 1
            return
        self.progress = Progress(news.done, news.total, news.stage, news.loss)
        self.preview = news.preview or self.preview
        self.pace.note(news.done, time.monotonic())

    def shown(self, state: JobState) -> JobState:
        """The ledger's state of it, brought up to this moment."""
        if not self.progress.total:
            return replace(state, stage=self.stage)
        told = self.progress
        left = self.pace.seconds_left(told.total)
        return replace(
            state,
            done=told.done,
            total=told.total,
            stage=told.stage,
            loss=told.loss,
            preview=self.preview,
            seconds_left=left,
        )


class Pace:
    """How long it will still take, from when which step was done.

    Steps grow longer in most makings here (a dream goes from small to large), so the latest third of the time
    counts, and more than the average where it was slower. The time before the first step, when networks are
    loaded, does not count.
    """

    def __init__(self) -> None:
        self._notes: deque[tuple[float, int]] = deque(maxlen=512)

    def note(self, done: int, at: float) -> None:
        """at: seconds on a clock that never goes back."""
        if done:
            self._notes.append((at, done))

    def seconds_left(self, total: int) -> float | None:
        """None until there is enough to go by: a second and three notes."""
        if len(self._notes) < 3:
            return None
        (began, first), (now, done) = self._notes[0], self._notes[-1]
        if now - began < 1 or done <= first:
            return None
        a_third_ago, then = next(
            (note for note in reversed(self._notes) if note[0] <= now - (now - began) / 3), self._notes[0]
        )
        average = (now - began) / (done - first)
        lately = (now - a_third_ago) / (done - then) if done > then else average
        return max(average, lately) * max(0, total - done)
