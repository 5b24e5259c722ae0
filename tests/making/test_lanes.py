"""Two lanes: light works wait for no heavy one. And the queue as each session sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from works_for_tests import COUNT, CountRecipe, heard_from

from studio.errors import Refused
from studio.making.jobs import Jobs
from studio.making.kinds import KINDS
from studio.works.gallery import Gallery
from studio.works.ledger import JobState
from studio.works.work import SourceSize


def is_light(recipe: CountRecipe) -> bool:
    return recipe.size == 1


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    before = dict(KINDS)
    KINDS.clear()
    KINDS["count"] = replace(COUNT, light=f"{__name__}:is_light")
    with Gallery.open(tmp_path_factory.mktemp("home")) as gallery, Jobs(gallery) as jobs:
        jobs.prepare()
        yield jobs
    KINDS.clear()
    KINDS.update(before)


@pytest.fixture
def jobs(shared: Jobs) -> Iterator[Jobs]:
    yield shared
    for job in [*shared.ledger.waiting(), *shared.ledger.running()]:
        shared.cancel(job.id)


seeds = iter(range(1, 1000))


def heavy(**wishes: Any) -> CountRecipe:
    return CountRecipe(**{"seed": next(seeds), "steps": 3000, "rest": 0.1} | wishes)


def light(**wishes: Any) -> CountRecipe:
    return CountRecipe(**{"seed": next(seeds), "size": 1} | wishes)


def started(jobs: Jobs, job: str) -> JobState:
    return next(state for state in jobs.follow(job) if state.done or state.ended)


def test_a_light_work_waits_for_no_heavy_one(jobs: Jobs, tmp_path: Path) -> None:
    first, second = jobs.submit(heavy(witness=str(tmp_path / "heavy"))), jobs.submit(heavy())
    started(jobs, first)
    quick = [jobs.submit(light(witness=str(tmp_path / "light"))) for _ in range(2)]
    assert [jobs.wait(job).state for job in quick] == ["made", "made"]
    assert jobs.latest(first).state == "running"
    assert (jobs.latest(second).state, jobs.latest(second).position) == ("waiting", 0)
    (slow_process,) = {process for process, _, _ in heard_from(tmp_path / "heavy")}
    (quick_process,) = {process for process, _, _ in heard_from(tmp_path / "light")}
    assert slow_process != quick_process


def test_what_is_light_but_needs_much_memory_goes_with_the_heavy_ones(jobs: Jobs) -> None:
    assert jobs.ledger.get(jobs.submit(light(mishap="large", steps=8))).lane == ""
    assert jobs.ledger.get(jobs.submit(light(steps=2000, rest=0.1))).lane == "quick"


def test_each_session_sees_its_own_works_and_of_the_others_only_that_they_wait(jobs: Jobs) -> None:
    photo = jobs.gallery.keep_source(b"la la la", role="tune", title="A secret")
    running = jobs.submit(heavy(sources=(photo,)), owner="anna")
    started(jobs, running)
    waiting = [jobs.submit(heavy(steps=40), owner=owner) for owner in ("anna", "anna", "ben")]
    assert [(entry.state, entry.mine) for entry in jobs.queue("anna")] == [
        ("running", True),
        ("waiting", False),
        ("waiting", True),
        ("waiting", True),
    ]
    mine, *_ = jobs.queue("anna")
    assert (mine.id, mine.source, mine.label) == (running, photo.sha256, "Count")
    assert mine.total == 3000
    theirs = jobs.queue("ben")
    assert [entry.id for entry in theirs] == ["", waiting[2], "", ""]
    assert {entry.title + entry.source + entry.stage for entry in theirs if not entry.mine} == {""}
    assert [entry.position for entry in theirs] == [None, 0, 1, 2]
    assert [entry.can_move_up for entry in jobs.queue("anna")] == [False, False, False, True]

    # 40 steps of a tenth of a second, after each other, and after what is left of the first.
    begins = [entry.seconds_until for entry in theirs]
    ends = [entry.seconds_left for entry in theirs]
    assert begins[0] == 0.0
    assert begins[1:] == ends[:-1]
    assert [b - a for a, b in pairwise(ends[1:])] == pytest.approx(  # type: ignore[operator]
        [jobs.predict(heavy(steps=40)).seconds] * 2  # type: ignore[union-attr]
    )
    with pytest.raises(Refused, match="another session"):
        jobs.cancel(waiting[2], owner="anna")
    with pytest.raises(Refused, match="another session"):
        jobs.move_up(waiting[0], owner="ben")
    assert jobs.move_up(waiting[1], owner="anna")
    assert [entry.id for entry in jobs.queue("anna") if entry.state == "waiting" and entry.mine] == [
        waiting[1],
        waiting[0],
    ]
    assert jobs.cancel(waiting[2], owner="ben")
    assert len(jobs.queue()) == 3
    assert all(entry.mine and entry.id for entry in jobs.queue())


def test_what_works_take_is_learnt_from_those_that_were_made_and_kept(jobs: Jobs) -> None:
    """`predict_count` believes that every step takes its rest; here it takes twice as long."""
    before = jobs.predict(heavy(steps=100))
    assert before is not None
    jobs.wait(jobs.submit(light()))  # the first of a worker says nothing: it loads the code as well
    job = jobs.submit(light(steps=60, rest=0.02, mishap="slow"))
    assert jobs.wait(job).state == "made"
    learnt = jobs.predict(heavy(steps=1000, rest=0.02, mishap="slow"), (SourceSize("tune", 5),))
    assert learnt is not None
    assert learnt.seconds - learnt.before > 28, "about twice 20 seconds, and what a busy computer adds"
    assert learnt.bytes == 5
    kept = json.loads((jobs.gallery.home / "times.json").read_bytes())
    assert (jobs.gallery.home / "times.json").stat().st_mode & 0o077 == 0
    ((_, here),) = kept["computers"].items()
    assert here["groups"]["slow"][2] == 1
