"""The ledger, used by several processes at once, on SQLite and, where a server is named, on PostgreSQL."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, update
from works_for_tests import CountRecipe

from studio.errors import AskedFor, Contradiction, Refused, WayOut, error_data
from studio.works import database
from studio.works.gallery import Gallery
from studio.works.keeper import Keeper
from studio.works.ledger import LEFT_ALONE, Ledger
from studio.works.tables import JobRow
from studio.works.work import Made


@pytest.fixture
def url(gallery: Gallery) -> str:
    return gallery.database


@pytest.fixture
def engine(gallery: Gallery) -> Engine:
    return gallery.engine


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    return Ledger(engine)


def recipe(seed: int = 0) -> CountRecipe:
    return CountRecipe(seed=seed)


def test_who_asked_first_is_served_first(ledger: Ledger) -> None:
    ids = [ledger.ask(recipe(seed)) for seed in range(4)]
    assert [ledger.get(id).position for id in ids] == [0, 1, 2, 3]
    first = ledger.claim()
    assert first is not None
    assert (first.id, first.state, first.attempts, first.position) == (ids[0], "running", 1, None)
    assert [ledger.get(id).position for id in ids] == [None, 0, 1, 2]
    assert ledger.cancel(ids[1])
    assert [job.id for job in ledger.waiting()] == ids[2:]
    assert [job.position for job in ledger.waiting()] == [0, 1]
    assert [claimed.id for claimed in iter(ledger.claim, None)] == ids[2:]
    assert [job.id for job in ledger.running()] == [ids[0], *ids[2:]]
    assert [job.id for job in ledger.recent()] == ids[::-1]
    assert [job.id for job in ledger.recent(limit=2)] == ids[:1:-1]


def test_a_job_carries_its_recipe_and_how_far_it_is(ledger: Ledger) -> None:
    before = datetime.now(UTC)
    id = ledger.ask(recipe(7))
    ledger.claim()
    assert ledger.progress(id, done=3, total=9, stage="x" * 500, loss=0.25)
    job = ledger.get(id)
    assert CountRecipe.model_validate_json(job.recipe_json) == recipe(7)
    assert job.fingerprint == recipe(7).fingerprint
    assert (job.done, job.total, job.stage, job.loss) == (3, 9, "x" * 200, 0.25)
    assert job.started_at is not None
    assert before <= job.asked_at <= job.started_at <= datetime.now(UTC)
    assert not job.ended
    with pytest.raises(Refused, match="no job"):
        ledger.get("nonsense")


def test_no_end_is_changed_by_what_comes_late(ledger: Ledger) -> None:
    cancelled, failed, made = (ledger.ask(recipe(seed)) for seed in range(3))
    while ledger.claim():
        pass
    assert ledger.cancel(cancelled)
    assert not ledger.progress(cancelled, done=5, total=9)
    assert not ledger.failed(cancelled, "too late")
    assert not ledger.interrupted(cancelled)
    assert (ledger.get(cancelled).state, ledger.get(cancelled).done) == ("cancelled", 0)
    assert ledger.failed(failed, "There is no paint left; buy some.")
    assert not ledger.cancel(failed)
    assert (ledger.get(failed).state, ledger.get(failed).message) == (
        "failed",
        "There is no paint left; buy some.",
    )
    assert ledger.made(made, "0123456789abcdef")
    assert not ledger.cancel(made)
    assert (ledger.get(made).state, ledger.get(made).work_id) == ("made", "0123456789abcdef")
    # A work that was finished in the moment it was cancelled is there, and the ledger says so.
    assert ledger.made(cancelled, "fedcba9876543210")
    assert ledger.get(cancelled).state == "made"


def test_a_failed_job_keeps_what_its_error_knows(ledger: Ledger) -> None:
    pin = AskedFor("pins", "4:1=G4", "the pin 4:1=G4")
    error = Contradiction("The pin cannot be.", [pin], [WayOut("Leave it out", "pins", [])])
    with_data, without = ledger.ask(recipe(1)), ledger.ask(recipe(2))
    assert ledger.get(with_data).problem == {}
    ledger.failed(with_data, str(error), error_data(error))
    ledger.failed(without, "There is no paint left; buy some.", {})
    assert ledger.get(with_data).problem == {
        "conflict": [{"field": "pins", "value": "4:1=G4", "name": "the pin 4:1=G4"}],
        "ways_out": [{"label": "Leave it out", "field": "pins", "value": []}],
    }
    assert ledger.get(without).problem == {}


def test_only_the_keeper_of_a_job_notes_its_progress(engine: Engine, ledger: Ledger) -> None:
    id = ledger.ask(recipe())
    ledger.claim()
    somebody_else = Ledger(engine, Keeper("elsewhere", 1, "then"))
    assert not somebody_else.progress(id, done=1, total=2)
    assert ledger.progress(id, done=1, total=2)


def claim_all(url: str) -> list[str]:
    """What one of several processes gets. It records progress and asks for more in between."""
    engine = database.connect(url)
    ledger, got = Ledger(engine), []
    while (job := ledger.claim()) is not None:
        got.append(job.id)
        assert ledger.progress(job.id, done=1, total=2)
        if job.attempts == 1 and len(got) % 3 == 0:
            ledger.ask(recipe(len(got)))
        assert ledger.made(job.id, "0123456789abcdef")
    engine.dispose()
    return got


def test_several_processes_share_the_queue_and_none_is_locked_out(url: str, ledger: Ledger) -> None:
    for seed in range(60):
        ledger.ask(recipe(seed))
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        got = [id for ids in pool.map(claim_all, [url] * 3, chunksize=1) for id in ids]
    assert len(got) >= 80
    assert set(Counter(got).values()) == {1}
    assert {job.id for job in ledger.recent(limit=1000)} == set(got)
    assert {job.state for job in ledger.recent(limit=1000)} == {"made"}


CLAIM_AND_HANG = """
import sys, time
from studio.works import database
from studio.works.ledger import Ledger
print(Ledger(database.connect(sys.argv[1])).claim().id, flush=True)
time.sleep(60)
"""


def test_a_job_whose_process_was_killed_is_interrupted(url: str, ledger: Ledger) -> None:
    id = ledger.ask(recipe())
    with subprocess.Popen(
        [sys.executable, "-c", CLAIM_AND_HANG, url], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == id
        assert ledger.recover() == []
        assert ledger.get(id).state == "running"
        process.send_signal(signal.SIGKILL)
    assert [job.id for job in ledger.recover()] == [id]
    job = ledger.get(id)
    assert (job.state, job.message) == ("interrupted", LEFT_ALONE)
    assert job.ended
    assert ledger.recover() == []


def test_a_keeper_on_another_machine_counts_as_dead_when_it_falls_silent(
    engine: Engine, ledger: Ledger
) -> None:
    id = ledger.ask(recipe())
    there = Ledger(engine, Keeper("elsewhere", os.getpid(), "then"))
    assert there.claim() is not None
    assert ledger.recover() == []
    with engine.begin() as connection:
        connection.execute(update(JobRow).values(seen_at=datetime.now(UTC) - timedelta(minutes=5)))
    assert there.progress(id, done=1, total=2)
    assert ledger.recover() == []
    with engine.begin() as connection:
        connection.execute(update(JobRow).values(seen_at=datetime.now(UTC) - timedelta(minutes=5)))
    assert [job.state for job in ledger.recover()] == ["interrupted"]


def test_a_work_that_arrived_before_its_keeper_died_is_made(gallery: Gallery) -> None:
    dead = Ledger(gallery.engine, Keeper.read(str(Keeper.this()) + "-long-ago"))
    id = dead.ask(recipe(3))
    dead.claim()
    work = gallery.add(Made(recipe(3), b"counted", ".txt", "text/plain", b"thumbnail"))
    [job] = Ledger(gallery.engine).recover()
    assert (job.id, job.state, job.work_id) == (id, "made", work.id)


def test_ended_jobs_leave_the_ledger_after_a_season(engine: Engine, ledger: Ledger) -> None:
    old, new, waiting = (ledger.ask(recipe(seed)) for seed in range(3))
    for id in (old, new):
        ledger.claim()
        ledger.failed(id, "")
    with engine.begin() as connection:
        connection.execute(
            update(JobRow).where(JobRow.id == old).values(ended_at=datetime.now(UTC) - timedelta(days=100))
        )
    ledger.recover()
    assert {job.id for job in ledger.recent()} == {new, waiting}


def test_sessions_take_turns_in_a_lane(ledger: Ledger) -> None:
    many = [ledger.ask(recipe(seed), owner="one") for seed in range(4)]
    assert ledger.claim().id == many[0]  # type: ignore[union-attr]
    few = [ledger.ask(recipe(seed), owner="other") for seed in (10, 11)]
    order = [few[0], many[1], few[1], many[2], many[3]]
    assert [job.id for job in ledger.waiting()] == order
    assert [ledger.get(id).position for id in order] == [0, 1, 2, 3, 4]
    assert [job.owner for job in ledger.waiting()] == ["other", "one", "other", "one", "one"]
    assert [claimed.id for claimed in iter(ledger.claim, None)] == order


def test_lanes_do_not_wait_for_each_other(ledger: Ledger) -> None:
    slow = [ledger.ask(recipe(seed)) for seed in range(2)]
    quick = [ledger.ask(recipe(seed), lane="quick") for seed in (10, 11)]
    assert [ledger.get(id).position for id in quick] == [0, 1]
    assert [claimed.id for claimed in iter(lambda: ledger.claim("quick"), None)] == quick
    assert [ledger.get(id).position for id in slow] == [0, 1]
    assert ledger.claim("").id == slow[0]  # type: ignore[union-attr]


def test_a_job_moves_up_among_its_owners_and_past_nobody_else(ledger: Ledger) -> None:
    first, second, third = (ledger.ask(recipe(seed), owner="one") for seed in range(3))
    other = ledger.ask(recipe(9), owner="other")
    before = [job.owner for job in ledger.waiting()]
    assert ledger.move_up(third)
    assert [job.id for job in ledger.waiting() if job.owner == "one"] == [first, third, second]
    assert ledger.move_up(third)
    assert [job.id for job in ledger.waiting() if job.owner == "one"] == [third, first, second]
    assert [job.owner for job in ledger.waiting()] == before
    assert not ledger.move_up(third)
    assert not ledger.move_up(other)
    assert [claimed.id for claimed in iter(ledger.claim, None) if claimed.owner == "one"] == [
        third,
        first,
        second,
    ]
    assert not ledger.move_up(second)


def test_jobs_of_an_earlier_studio_keep_their_order_and_can_move(ledger: Ledger, engine: Engine) -> None:
    ids = [ledger.ask(recipe(seed)) for seed in range(3)]
    with engine.begin() as connection:
        connection.execute(update(JobRow).values(turn=0.0))
    assert [job.id for job in ledger.waiting()] == ids
    assert ledger.move_up(ids[2])
    assert [job.id for job in ledger.waiting()] == [ids[0], ids[2], ids[1]]
