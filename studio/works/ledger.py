"""The ledger of jobs: every work that was asked for, how far it is, and how it ended.

It is in the gallery's database. Several processes, here and on other machines, may use it at once. Every
change is a single statement that names the state it starts from. So two processes never take the same job, a
cancelled job does not come back to life, and nobody waits long for SQLite's one writer.

Jobs wait in lanes, each a queue of its own. In a lane the sessions take turns: who asks for ten works does
not keep others waiting for all of them. The turns are start times of fair queueing (Demers, Keshav and
Shenker, "Analysis and simulation of a fair queueing algorithm", SIGCOMM 1989), with every work counted alike.
"""

from __future__ import annotations

import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Executable,
    Row,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import OperationalError

from studio.errors import Refused
from studio.works.database import sentences, shown
from studio.works.keeper import Keeper
from studio.works.recipe import Recipe
from studio.works.tables import JobRow, WorkRow

ENDED = frozenset({"made", "failed", "cancelled", "interrupted"})
LEFT_ALONE = "The studio was closed or lost power in the middle of this work; make it again to get it."

SILENCE = timedelta(seconds=60)
"""How long a keeper on another machine may be silent before its jobs count as interrupted.

Keepers (see `studio.works.keeper`) give a sign of life every few seconds.
"""

PATIENCE = 60.0
"""Seconds to go on asking for SQLite's write lock, beyond the 30 that the engine waits."""

KEPT_FOR = timedelta(days=90)
"""Jobs that ended before that are deleted from the ledger. Their works stay in the gallery."""


@dataclass(frozen=True)
class JobState:
    """A job at one moment.

    state: waiting, running, made, failed, cancelled or interrupted. message: why, where it did not go well.
    done, total, stage, loss: the latest `Progress`. work_id: the work, once made.
    position: how many jobs are before it in its lane while it waits, else None.
    owner: the session that asked for it, "" where nobody said. lane: the queue it waits in.
    problem: what the error of a failed job knows beside its sentence, as `studio.errors.error_data` gives it;
    empty where there is nothing.
    preview: JPEG bytes of the unfinished work. seconds_left: an estimate; most_left: what may be left at
    most. All three only from the `Jobs` that runs it.
    """

    id: str
    state: str
    recipe_json: str
    fingerprint: str
    asked_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    done: int = 0
    total: int = 0
    stage: str = ""
    loss: float | None = None
    message: str = ""
    problem: dict[str, Any] = field(default_factory=dict)
    work_id: str | None = None
    attempts: int = 0
    owner: str = ""
    lane: str = ""
    position: int | None = None
    preview: bytes | None = None
    seconds_left: float | None = None
    most_left: float | None = None

    @property
    def ended(self) -> bool:
        return self.state in ENDED


class Ledger:
    """The table of jobs. keeper: the process that answers for the jobs it takes; by default this one."""

    def __init__(self, engine: Engine, keeper: Keeper | None = None) -> None:
        self._engine = engine
        self.keeper = str(keeper or Keeper.this())

    def ask(
        self,
        recipe: Recipe,
        *,
        work_id: str | None = None,
        owner: str = "",
        lane: str = "",
        fingerprint: str = "",
    ) -> str:
        """Add a job at the end of its owner's works in a lane. Returns its id.

        work_id: the work, where the gallery has it already; then the job is made from the start. owner: the
        session that asks, at most 64 characters. fingerprint: the recipe's, where it is known.
        """
        now = _now()
        job = {
            "id": uuid.uuid4().hex,
            "state": "made" if work_id else "waiting",
            "recipe_json": recipe.to_json(),
            "fingerprint": fingerprint or recipe.fingerprint,
            "asked_at": now,
            "ended_at": now if work_id else None,
            "work_id": work_id,
            "owner": owner[:64],
            "lane": lane,
            "turn": 0.0 if work_id else self._next_turn(owner[:64], lane),
        }
        self._write(insert(JobRow).values(job))
        return str(job["id"])

    def get(self, id: str) -> JobState:
        """A job by its id. Raises `Refused` where there is none."""
        rows = self._rows(select(*_COLUMNS).where(JobRow.id == id))
        if not rows:
            raise Refused(f"There is no job '{id[:80]}' here: its number is wrong, or it ended long ago.")
        return self._with_position(rows[0])

    def claim(self, lane: str | None = None) -> JobState | None:
        """Take the job whose turn it is, and mark it as running. None where none waits.

        lane: take one from this lane; None for any. No two callers get the same job.
        """
        waits = JobRow.state == "waiting" if lane is None else _waiting_in(lane)
        next_one = select(JobRow.id).where(waits).order_by(*_ORDER).limit(1)
        while self._count(waits):
            now = _now()
            # PostgreSQL skips a row that another process is taking. SQLite has one writer and ignores the
            # clause.
            taken = self._write(
                update(JobRow)
                .where(
                    JobRow.id == next_one.with_for_update(skip_locked=True).scalar_subquery(),
                    JobRow.state == "waiting",
                )
                .values(
                    state="running",
                    worker=self.keeper,
                    started_at=now,
                    seen_at=now,
                    attempts=JobRow.attempts + 1,
                )
                .returning(JobRow.id)
            )
            if taken:
                return self.get(taken[0])
        return None

    def progress(self, id: str, *, done: int, total: int, stage: str = "", loss: float | None = None) -> bool:
        """Record how far a running job of this keeper is, and that it lives. False once it is cancelled."""
        values = {"done": done, "total": total, "stage": stage[:200], "loss": loss, "seen_at": _now()}
        return bool(self._write(update(JobRow).where(self._mine(id)).values(values).returning(JobRow.id)))

    def made(self, id: str, work_id: str) -> bool:
        """The work is made. A job that was cancelled at that very moment counts as made too."""
        return self._end(id, "made", from_states=("running", "cancelled"), work_id=work_id, done=JobRow.total)

    def failed(self, id: str, message: str, problem: Mapping[str, Any] | None = None) -> bool:
        """message: one sentence. problem: what `studio.errors.error_data` gives for the error."""
        return self._end(
            id,
            "failed",
            from_states=("running", "waiting"),
            message=message,
            problem=dict(problem) if problem else None,
        )

    def interrupted(self, id: str, message: str = LEFT_ALONE) -> bool:
        return self._end(id, "interrupted", from_states=("running",), message=message)

    def cancel(self, id: str) -> bool:
        """Take a waiting job from the queue, or have a running one stopped by its keeper, who soon notices.

        False where it had ended.
        """
        return self._end(id, "cancelled", from_states=("waiting", "running"), message="Cancelled.")

    def move_up(self, id: str) -> bool:
        """Let a waiting job change places with the one before it of the same owner in its lane.

        So nobody gets before what others have asked for. False where it does not wait, or is the first of
        its owner's.
        """
        rows = self._rows(select(*_COLUMNS).where(JobRow.id == id, JobRow.state == "waiting"))
        if not rows:
            return False
        job = rows[0]
        same = and_(_waiting_in(job.lane), JobRow.owner == job.owner)
        before = None
        for other in self._rows(select(*_COLUMNS).where(same).order_by(*_ORDER)):
            if other.id == id:
                break
            before = other
        if before is None:
            return False
        # Works of an earlier studio all have the same turn, so changing turns would not be enough.
        turns = {id: before.turn, before.id: max(job.turn, before.turn + 1e-6)}
        changed = self._write(
            update(JobRow)
            .where(JobRow.id.in_(turns), JobRow.state == "waiting")
            .values(turn=case(turns, value=JobRow.id, else_=JobRow.turn))
            .returning(JobRow.id)
        )
        return id in changed

    def running(self) -> list[JobState]:
        """The jobs that run now, on whatever machine, the longest running first."""
        return [
            _as_state(row)
            for row in self._rows(
                select(*_COLUMNS).where(JobRow.state == "running").order_by(JobRow.started_at)
            )
        ]

    def waiting(self) -> list[JobState]:
        """The queue, the next one of each lane first."""
        rows = self._rows(select(*_COLUMNS).where(JobRow.state == "waiting").order_by(*_ORDER))
        before: Counter[str] = Counter()
        found = []
        for row in rows:
            found.append(_as_state(row, before[row.lane]))
            before[row.lane] += 1
        return found

    def count_waiting(self, owner: str | None = None) -> int:
        """How many jobs wait. owner: only those of that session."""
        waits = JobRow.state == "waiting"
        return self._count(waits if owner is None else and_(waits, JobRow.owner == owner))

    def recent(self, limit: int = 20) -> list[JobState]:
        """The latest jobs in whatever state, newest first."""
        return [
            self._with_position(row)
            for row in self._rows(
                select(*_COLUMNS).order_by(JobRow.asked_at.desc(), JobRow.id.desc()).limit(limit)
            )
        ]

    def underway(self, recipe: Recipe, fingerprint: str = "") -> JobState | None:
        """The job, waiting or running, for this recipe with the credit it asks for.

        fingerprint: the recipe's, where it is known.
        """
        same = JobRow.fingerprint == (fingerprint or recipe.fingerprint)
        asked = and_(same, JobRow.state.in_(("waiting", "running")))
        rows = self._rows(select(*_COLUMNS).where(asked).order_by(JobRow.asked_at))
        credited = next((row for row in rows if recipe.is_credited_as(row.recipe_json)), None)
        return self._with_position(credited) if credited is not None else None

    def recover(self) -> list[JobState]:
        """End the jobs whose keeper died: as made, where the work is in the gallery, else as interrupted.

        A keeper on this machine is dead when its process is; elsewhere, when it has been silent for a minute.
        Returns the jobs that were changed.
        """
        changed = []
        for row in self._rows(select(*_COLUMNS).where(JobRow.state == "running")):
            if _lives(row.worker, row.seen_at):
                continue
            since = WorkRow.made_at >= (row.started_at or row.asked_at)
            works = self._rows(
                select(WorkRow.id)
                .where(WorkRow.fingerprint == row.fingerprint, WorkRow.state == "here", since)
                .limit(1)
            )
            as_it_was = and_(JobRow.id == row.id, JobRow.state == "running", JobRow.worker == row.worker)
            truth = (
                {"state": "made", "work_id": works[0][0]}
                if works
                else {"state": "interrupted", "message": LEFT_ALONE}
            )
            if self._write(
                update(JobRow).where(as_it_was).values(truth | {"ended_at": _now()}).returning(JobRow.id)
            ):
                changed.append(self.get(row.id))
        self._write(delete(JobRow).where(JobRow.state.in_(ENDED), JobRow.ended_at < _now() - KEPT_FOR))
        return changed

    def _mine(self, id: str) -> ColumnElement[bool]:
        return and_(JobRow.id == id, JobRow.state == "running", JobRow.worker == self.keeper)

    def _end(
        self, id: str, state: str, *, from_states: tuple[str, ...], message: str = "", **also: Any
    ) -> bool:
        values = also | {"state": state, "message": message, "ended_at": _now()}
        return bool(
            self._write(
                update(JobRow)
                .where(JobRow.id == id, JobRow.state.in_(from_states))
                .values(values)
                .returning(JobRow.id)
            )
        )

    def _with_position(self, row: Row[Any]) -> JobState:
        if row.state != "waiting":
            return _as_state(row)
        sooner = or_(
            JobRow.asked_at < row.asked_at, and_(JobRow.asked_at == row.asked_at, JobRow.id < row.id)
        )
        before = or_(JobRow.turn < row.turn, and_(JobRow.turn == row.turn, sooner))
        return _as_state(row, self._count(and_(_waiting_in(row.lane), before)))

    def _next_turn(self, owner: str, lane: str) -> float:
        """The turn of a new job: after all that its owner has asked for; and where that is nothing, after
        what runs now and before what others may only have as their next.
        """
        asked = self._rows(
            select(JobRow.state, JobRow.owner, JobRow.turn).where(
                JobRow.lane == lane, JobRow.state.in_(("waiting", "running"))
            )
        )
        running = [row.turn for row in asked if row.state == "running"]
        waiting = [row.turn for row in asked if row.state == "waiting"]
        now = max(running) if running else min(waiting, default=1.0) - 1
        own = max((row.turn for row in asked if row.owner == owner), default=None)
        return float(now + 0.5 if own is None else max(now, own) + 1)

    def _count(self, which: ColumnElement[bool]) -> int:
        return int(self._rows(select(func.count()).select_from(JobRow).where(which))[0][0])

    def _rows(self, query: Executable) -> list[Row[Any]]:
        with (
            sentences(shown(self._engine)),
            self._engine.execution_options(purpose="read").connect() as connection,
        ):
            return list(connection.execute(query).all())

    def _write(self, statement: Executable) -> list[str]:
        """Run a statement that changes rows, and give the ids it returns."""
        with sentences(shown(self._engine)), self._transaction() as connection:
            result = connection.execute(statement)
            return [str(row[0]) for row in result.all()] if result.returns_rows else []

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Go on asking for the write lock: SQLite's own waiting is not fair, and can starve one of many."""
        give_up = time.monotonic() + PATIENCE
        while True:
            connection = self._engine.connect()
            try:
                connection.begin()
                break
            except OperationalError as error:
                connection.close()
                if "locked" not in str(error) or time.monotonic() > give_up:
                    raise
                time.sleep(random.uniform(0.005, 0.05))
        with connection:
            yield connection
            connection.commit()


_COLUMNS = tuple(JobRow.__table__.columns)
_ORDER = (JobRow.turn, JobRow.asked_at, JobRow.id)


def _waiting_in(lane: str) -> ColumnElement[bool]:
    return and_(JobRow.state == "waiting", JobRow.lane == lane)


def _lives(keeper: str, seen_at: datetime | None) -> bool:
    who = Keeper.read(keeper)
    if who is not None and not who.elsewhere:
        return not who.dead
    return seen_at is not None and _now() - seen_at < SILENCE


def _as_state(row: Row[Any], position: int | None = None) -> JobState:
    return JobState(
        id=row.id,
        state=row.state,
        recipe_json=row.recipe_json,
        fingerprint=row.fingerprint,
        asked_at=row.asked_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        done=row.done,
        total=row.total,
        stage=row.stage,
        loss=row.loss,
        message=row.message,
        problem=row.problem or {},
        work_id=row.work_id,
        attempts=row.attempts,
        owner=row.owner,
        lane=row.lane,
        position=position,
    )


def _now() -> datetime:
    return datetime.now(UTC)
