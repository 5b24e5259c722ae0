"""Jobs, batches and remaking, with real worker processes and a kind of work that costs nothing."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from works_for_tests import COUNT, SPOTS, CountRecipe, SpotsRecipe, heard_from

import studio.making.jobs
import studio.works.log
from studio.errors import Missing, Refused, Unreadable
from studio.making import workers
from studio.making.batch import run_batch
from studio.making.here import run_here
from studio.making.jobs import Jobs
from studio.making.kinds import KINDS, read_recipe
from studio.making.remaking import remake
from studio.process import finish
from studio.works.gallery import Gallery
from studio.works.ledger import JobState, Ledger
from tests.making.clusters import write_keys

T = TypeVar("T")


@pytest.fixture(scope="module", autouse=True)
def _kinds() -> Iterator[None]:
    # A worker loads what its kinds need, and torch takes seconds and much memory.
    before = dict(KINDS)
    KINDS.clear()
    KINDS.update(count=COUNT, spots=SPOTS)
    yield
    KINDS.clear()
    KINDS.update(before)


@pytest.fixture(scope="module")
def shared(_kinds: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    """One studio with one worker process for most tests."""
    others.update(child.pid for child in workers_of(psutil.Process()))
    with Gallery.open(tmp_path_factory.mktemp("home")) as gallery, Jobs(gallery, most_waiting=4) as jobs:
        jobs.prepare()
        yield jobs


@pytest.fixture
def jobs(shared: Jobs) -> Iterator[Jobs]:
    yield shared
    for job in [*shared.ledger.waiting(), *shared.ledger.running()]:
        shared.cancel(job.id)


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery.open(tmp_path / "home") as gallery:
        yield gallery


seeds = iter(range(1, 1000))


def counting(**wishes: Any) -> CountRecipe:
    """A recipe that no other test made."""
    return CountRecipe(**{"seed": next(seeds)} | wishes)


def until(condition: Callable[[], bool], within: float = 120) -> None:
    give_up = time.monotonic() + within
    while not condition():
        assert time.monotonic() < give_up, "it never came to pass"
        time.sleep(0.02)


def watch_until(jobs: Jobs, job: str, condition: Callable[[JobState], bool]) -> JobState:
    return next(state for state in jobs.follow(job) if condition(state))


others: set[int] = set()
"""Processes that tests of other files left running beside these tests, such as those that read scores."""


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    found = []
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if child.pid not in others and "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


# --- One job
# -----------------------------------------------------------------------------------------------------------


def test_a_job_is_followed_from_the_queue_into_the_gallery(jobs: Jobs) -> None:
    tune = jobs.gallery.keep_source(b"la la la", role="tune")
    recipe = counting(steps=40, rest=0.05, sources=(tune,))
    job = jobs.submit(recipe)
    seen = list(jobs.follow(job))
    assert {state.id for state in seen} == {job}
    assert [state.done for state in seen] == sorted(state.done for state in seen)
    assert len({state.done for state in seen}) >= 5
    assert {state.total for state in seen if state.done} == {40}
    assert all(state.stage == f"counting {state.done}" for state in seen if state.done and not state.ended)
    previews = {state.preview for state in seen} - {None}
    assert 2 <= len(previews) <= 8
    assert previews <= {f"step {step}".encode() for step in range(1, 41)}
    left = [state.seconds_left for state in seen if state.seconds_left is not None]
    assert left
    assert all(0 <= seconds < 60 for seconds in left)  # two, where nothing else runs
    assert seen[-1].state == "made"
    assert seen[-1].done == 40
    work = jobs.gallery.get(seen[-1].work_id or "")
    assert jobs.gallery.read(work) == f"{recipe.seed} 40 {hashlib.sha256(b'la la la').hexdigest()} ".encode()
    assert work.fingerprint == recipe.fingerprint
    assert jobs.latest(job) == jobs.wait(job) == seen[-1]


def test_what_the_gallery_has_is_not_made_again_unless_asked(jobs: Jobs, tmp_path: Path) -> None:
    recipe = counting(witness=str(tmp_path / "witness"))
    work = jobs.wait(jobs.submit(recipe)).work_id
    there = jobs.submit(recipe)
    assert (jobs.latest(there).state, jobs.latest(there).work_id) == ("made", work)
    assert len(heard_from(tmp_path / "witness")) == 11
    assert jobs.wait(jobs.submit(recipe, force=True)).work_id == work  # the same file is the same work
    assert len(heard_from(tmp_path / "witness")) == 22


def test_the_queue_has_an_order_an_end_and_a_limit(jobs: Jobs) -> None:
    running = jobs.submit(counting(steps=1000, rest=0.05))
    watch_until(jobs, running, lambda state: state.done > 0)
    recipes = [counting() for _ in range(4)]
    waiting = [jobs.submit(recipe) for recipe in recipes]
    assert [jobs.latest(job).position for job in waiting] == [0, 1, 2, 3]
    assert jobs.submit(recipes[2]) == waiting[2]
    with pytest.raises(Refused, match="4 works are already waiting"):
        jobs.submit(counting())
    assert jobs.cancel(waiting[1])
    assert [jobs.latest(job).position for job in waiting] == [0, None, 1, 2]
    assert jobs.latest(waiting[1]).state == "cancelled"
    assert [job.id for job in jobs.running()] == [running]
    assert jobs.cancel(running)
    assert [jobs.wait(job).state for job in waiting] == ["made", "cancelled", "made", "made"]
    started = [jobs.latest(job).started_at for job in (waiting[0], waiting[2], waiting[3])]
    assert started == sorted(started)  # type: ignore[type-var]


def test_a_cancelled_making_takes_at_most_one_more_step(jobs: Jobs, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    job = jobs.submit(counting(steps=100, rest=0.25, witness=str(witness)))
    state = watch_until(jobs, job, lambda state: state.done >= 2)
    assert jobs.cancel(job)
    assert jobs.latest(job).state == "cancelled"
    after = jobs.wait(jobs.submit(counting()))
    assert after.state == "made"
    steps = [step for _, _, step in heard_from(witness)]
    assert max(steps) <= state.done + 2  # one that was under way as it was cancelled, and one more
    assert not jobs.cancel(job)
    assert jobs.gallery.with_fingerprint(state.fingerprint) is None


def test_what_keeps_the_queue_from_going_on_is_told_while_it_lasts(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise Refused("The disk of gallery.sqlite is full: free some space and try again.")

    log = jobs.gallery.home / "log" / "studio.log"
    logged = log.read_text() if log.exists() else ""
    with monkeypatch.context() as disk:
        disk.setattr(jobs.ledger, "made", full)
        job = jobs.submit(counting(steps=3))
        stuck = watch_until(jobs, job, lambda state: state.stage.startswith("The disk"))
        assert stuck.state == "running"
    assert jobs.wait(job).state == "made", "once there is room it goes on"
    assert jobs.latest(jobs.submit(counting(steps=3, seed=next(seeds)))).stage != stuck.stage
    assert (log.read_text() if log.exists() else "") == logged, "it is no fault of the studio's"


def test_what_a_person_can_mend_is_said_and_what_not_is_logged(jobs: Jobs) -> None:
    refused = jobs.wait(jobs.submit(counting(mishap="refused")))
    assert (refused.state, refused.message) == ("failed", "There are no sheep to count; bring some.")
    fault = jobs.wait(jobs.submit(counting(mishap="fault")))
    log = jobs.gallery.home / "log" / "studio.log"
    assert fault.state == "failed"
    assert fault.message == f"Something went wrong in the studio itself; the details are in {log}."
    assert "ZeroDivisionError: the count of sheep" in log.read_text()
    missing = jobs.wait(
        jobs.submit(counting(sources=({"sha256": "0" * 64, "role": "tune", "name": "lost.mid"},)))
    )
    assert missing.state == "failed"
    assert "lost.mid" in missing.message


def test_a_killed_worker_interrupts_its_work_and_the_studio_goes_on(jobs: Jobs, tmp_path: Path) -> None:
    recipe = counting(mishap="killed once", witness=str(tmp_path / "witness"))
    job = jobs.wait(jobs.submit(recipe))
    assert job.state == "interrupted"
    assert "killed" in job.message
    assert "make it again" in job.message
    again = jobs.again(job.id)
    assert again != job.id
    assert jobs.wait(again).state == "made"
    before, after = dict.fromkeys(process for process, _, _ in heard_from(tmp_path / "witness"))
    assert before != after
    assert not psutil.pid_exists(before)


def test_one_process_makes_one_work_after_the_other(jobs: Jobs, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    for job in [jobs.submit(counting(witness=str(witness))) for _ in range(3)]:
        assert jobs.wait(job).state == "made"
    lines = heard_from(witness)
    (process,) = {process for process, _, _ in lines}
    until(
        lambda: [worker.pid for worker in workers_of(psutil.Process())] == [process]
    )  # a worker that died before may take its time
    assert [seed for _, seed, _ in lines] == sorted(seed for _, seed, _ in lines)


def test_nothing_listens_beyond_the_loopback(jobs: Jobs) -> None:
    jobs.wait(jobs.submit(counting()))
    ours = [psutil.Process(), *workers_of(psutil.Process())]
    listening = [
        each.laddr
        for process in ours
        for each in process.net_connections(kind="inet")
        if each.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3
    assert {address.ip for address in listening} <= {"127.0.0.1", "::1"}


def test_the_same_work_with_other_credit_is_a_job_of_its_own(jobs: Jobs) -> None:
    gallery = jobs.gallery
    recipe = counting(steps=50, rest=0.05)
    ann, ben = (
        recipe.model_copy(update={"sources": (gallery.keep_source(b"tune", role="tune", author=author),)})
        for author in ("Ann", "Ben")
    )
    first = jobs.submit(ann)
    assert jobs.submit(ann) == first
    second = jobs.submit(ben)
    assert second != first
    for job, author in ((first, "Ann"), (second, "Ben")):
        ended = jobs.wait(job)
        assert ended.state == "made"
        assert read_recipe(ended.recipe_json).sources[0].author == author


def test_another_studio_on_the_same_ledger_sees_and_stops_the_job(jobs: Jobs) -> None:
    job = jobs.submit(counting(steps=1000, rest=0.02))
    watch_until(jobs, job, lambda state: state.done > 0)
    with Jobs(jobs.gallery) as other:
        assert other.latest(job).state == "running"
        watch_until(other, job, lambda state: state.done > 20)
        assert other.cancel(job)
    after = jobs.wait(jobs.submit(counting()), timeout=20)
    assert after.state == "made"


# --- Endings
# -----------------------------------------------------------------------------------------------------------


def test_a_work_that_outgrows_its_memory_is_told_so(gallery: Gallery) -> None:
    with Jobs(gallery, memory_limit=600 * 2**20) as jobs:
        job = jobs.wait(jobs.submit(counting(mishap="memory")))
        assert job.state == "interrupted"
        assert "0.6 GiB" in job.message
        assert jobs.wait(jobs.submit(counting())).state == "made"


def test_closing_interrupts_what_runs_and_keeps_what_waits(gallery: Gallery, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    with Jobs(gallery) as jobs:
        running = jobs.submit(counting(steps=1000, rest=0.02, witness=str(witness)))
        waiting = jobs.submit(counting())
        watch_until(jobs, running, lambda state: state.done > 0)
    assert not psutil.pid_exists(heard_from(witness)[0][0])
    ledger = Ledger(gallery.engine)
    assert [ledger.get(id).state for id in (running, waiting)] == ["interrupted", "waiting"]
    assert "closed" in ledger.get(running).message


STUDIO = """
    import signal, sys
    from works_for_tests import COUNT, CountRecipe
    from studio.making.jobs import Jobs
    from studio.making.kinds import KINDS
    from studio.works.gallery import Gallery
    from pathlib import Path

    if __name__ == "__main__":
        # Tests that run in the background ignore it, and so would their children.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        KINDS.clear()  # or its worker would load what all of them need
        KINDS["count"] = COUNT
        with Gallery.open(Path(sys.argv[1])) as gallery, Jobs(gallery) as jobs:
            running = jobs.submit(CountRecipe(steps=1000, rest=0.02, witness=sys.argv[2]))
            print(running, jobs.submit(CountRecipe(seed=2)), flush=True)
            try:
                jobs.wait(running)
            except KeyboardInterrupt:
                print("goodbye", flush=True)
"""


def studio_in_the_middle_of_a_work(tmp_path: Path) -> tuple[subprocess.Popen[str], list[str], int]:
    """A studio as a process of its own, its two jobs (one running, one waiting), and its worker's process."""
    script, witness = tmp_path / "studio_for_tests.py", tmp_path / "witness"
    script.write_text(textwrap.dedent(STUDIO))
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "home"), str(witness)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])},
    )
    assert process.stdout is not None
    ids = process.stdout.readline().split()
    until(lambda: len(heard_from(witness)) > 3)
    return process, ids, heard_from(witness)[0][0]


def test_a_killed_studio_leaves_no_worker_and_an_honest_ledger(tmp_path: Path, gallery: Gallery) -> None:
    process, (running, waiting), worker = studio_in_the_middle_of_a_work(tmp_path)
    with process:
        os.kill(process.pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(worker))
    with Jobs(gallery) as jobs:
        assert (jobs.latest(running).state, jobs.wait(waiting).state) == ("interrupted", "made")
    assert gallery.count() == 1


@pytest.mark.skipif(
    os.name == "nt", reason="Ctrl-C reaches a process group only where there are process groups"
)
def test_ctrl_c_ends_everything_without_a_word_too_many(tmp_path: Path, gallery: Gallery) -> None:
    process, (running, _), worker = studio_in_the_middle_of_a_work(tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    said, complained = process.communicate(timeout=30)
    assert (process.returncode, said.strip(), complained) == (0, "goodbye", "")
    assert not psutil.pid_exists(worker)
    assert Ledger(gallery.engine).get(running).state == "interrupted"


def test_a_studio_whose_workers_do_not_come_up_says_so(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def to_nobody(crew: workers.Workers, job: str, *_: object, **__: object) -> object:
        return crew._client.submit(str, key=job, resources={"a free worker": 1})

    monkeypatch.setattr(studio.making.jobs, "START_WITHIN", 0.2)
    monkeypatch.setattr(workers.Workers, "submit", to_nobody)
    with Jobs(gallery) as jobs:
        job = jobs.wait(jobs.submit(counting()))
        assert job.state == "interrupted"
        assert "No worker process started" in job.message
        monkeypatch.undo()
        assert jobs.wait(jobs.again(job.id)).state == "made"


# --- Somebody else's cluster
# -------------------------------------------------------------------------------------------


def test_a_scheduler_that_is_there_already_is_used(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import LocalCluster

    keys = write_keys(tmp_path / "keys")
    monkeypatch.setenv("STUDIO_CLUSTER_KEYS", str(tmp_path / "keys"))
    with (
        LocalCluster(
            n_workers=1, processes=False, security=keys, protocol="tls://", dashboard_address=None
        ) as cluster,
        Jobs(gallery, scheduler=cluster.scheduler_address) as jobs,
    ):
        seen = list(jobs.follow(jobs.submit(counting(steps=20, rest=0.05))))
        assert seen[-1].state == "made"
        assert any(state.preview for state in seen)
        assert not workers_of(psutil.Process()) or len(cluster.workers) == 1


def test_a_scheduler_that_does_not_answer_is_named(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_keys(tmp_path / "keys")
    monkeypatch.setenv("STUDIO_CLUSTER_KEYS", str(tmp_path / "keys"))
    monkeypatch.setattr(workers, "ANSWER_WITHIN", 0.5)
    with Jobs(gallery, scheduler="tls://127.0.0.1:9") as jobs:
        state = jobs.wait(jobs.submit(counting()))
        assert state.state == "failed"
        assert "No Dask scheduler answers at tls://127.0.0.1:9" in state.message
    with pytest.raises(Missing, match=r"tls://127\.0\.0\.1:9"):
        next(run_batch("{}", gallery, scheduler="tls://127.0.0.1:9"))


# --- Time left, kinds, the log
# -----------------------------------------------------------------------------------------


def test_jobs_load_neither_dask_nor_torch_nor_a_database_before_they_are_needed() -> None:
    heavy = "{'distributed', 'dask', 'torch', 'sqlalchemy', 'numpy'}"
    program = f"import studio.making.jobs, sys; print({heavy} & sys.modules.keys())"
    assert (
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "set()"
    )


def test_one_work_is_made_here_step_by_step_and_not_kept_when_left(gallery: Gallery) -> None:
    recipe = counting(steps=5)
    making = run_here(recipe, gallery)
    assert [next(making).done for _ in range(3)] == [1, 2, 3]
    making.close()
    assert gallery.count() == 0
    assert finish(run_here(recipe, gallery)).fingerprint == recipe.fingerprint
    assert gallery.count() == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "not valid JSON"),
        ('"count"', "does not say what kind"),
        ('{"kind": "cuont"}', "did you mean 'count'"),
    ],
)
def test_a_text_that_is_no_recipe_is_refused(text: str, sentence: str) -> None:
    with pytest.raises((Unreadable, Refused), match=sentence):
        read_recipe(text)


def test_the_log_is_put_aside_when_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio.works.log, "LARGEST", 100)
    for number in range(3):
        log = studio.works.log.write_log(f"Fault {number}.", "x" * 150, place=tmp_path)
    assert "Fault 2." in log.read_text()
    assert "Fault 1." in (tmp_path / "log" / "studio.log.1").read_text()
    assert len(list(log.parent.iterdir())) == 2


# --- Batches
# -----------------------------------------------------------------------------------------------------------


def test_a_batch_that_loses_a_worker_misses_nothing_and_doubles_nothing(
    gallery: Gallery, tmp_path: Path
) -> None:
    (tmp_path / "tune.abc").write_bytes(b"la la la")
    tune = gallery.keep_source(b"fa fa fa", role="tune")
    parent = finish(run_here(counting(steps=3), gallery))
    witness = tmp_path / "witness"
    common = {"kind": "count", "tune": "tune.abc", "steps": 20, "rest": 0.02, "witness": str(witness)}
    good = [common | {"seed": seed} for seed in range(2000, 2009)]
    good.append(
        common
        | {"seed": 2009, "tune": {"path": "tune.abc", "title": "La", "author": "Ada", "licence": "CC0-1.0"}}
    )
    good.append(common | {"seed": 2010, "tune": f"sha256:{tune.sha256}", "second": f"work:{parent.id}"})
    good.append(CountRecipe(seed=2011, sources=(tune,)).model_dump(mode="json"))
    bad = {
        '{"kind": "count", "steps": 0}': "steps",
        '{"kind": "cuont"}': "did you mean 'count'",
        '{"kind": "count", "tune": "nowhere.abc"}': "nowhere.abc; check the name",
        '{"kind": "count", "colour": "blue"}': "colour",
        '{"kind": "count", "tune": 7}': "The tune is 7",
        '{"kind": "count", "tune": "sha256:12"}': "64 digits",
        '{"kind": "count", "mishap": "refused"}': "no sheep to count",
        '{"kind": "count", "mishap": "fault"}': "the details are in",
        "{": "not JSON",
        "7": "no kind of work",
    }
    good[4] |= {"mishap": "killed once", "witness": str(tmp_path / "last words")}
    text = "\n\n".join(
        [json.dumps(line) for line in good[:6]]
        + list(bad)
        + [json.dumps(line) for line in good[6:]]
        + [json.dumps(good[0])]
    )
    events = list(run_batch(text, gallery, folder=tmp_path, workers=2))
    ends = Counter(event.what for event in events)
    assert ends == {"made": 12, "lost": 1, "failed": len(bad), "there": 1, "summary": 1}
    assert events[-1].what == "summary"
    assert f"12 made, 1 there already, {len(bad)} failed" in events[-1].sentence
    assert [event.done for event in events if event.what not in ("lost", "summary")] == list(range(1, 24))
    works = [json.loads(work.recipe_json) for work in gallery.find(limit=100) if work.id != parent.id]
    assert sorted(work["seed"] for work in works) == list(range(2000, 2012))
    assert next(work for work in works if work["seed"] == 2009)["sources"][0]["author"] == "Ada"
    assert parent.id in next(
        work.parents for work in gallery.find(limit=100) if json.loads(work.recipe_json)["seed"] == 2010
    )
    lines = text.split("\n")
    for event in events:
        if event.what == "failed":
            assert event.sentence.startswith(f"Line {event.line}: ")
            assert bad[lines[event.line - 1]] in event.sentence
    begun = Counter(seed for _, seed, step in heard_from(witness) if step == 0)
    assert begun == dict.fromkeys(
        [*range(2000, 2004), *range(2005, 2011)], 1
    )  # the last of the twelve has no witness
    first, second = (process for process, _, step in heard_from(tmp_path / "last words") if step == 0)
    assert first != second
    again = list(run_batch("\n".join(json.dumps(line) for line in good), gallery, folder=tmp_path))
    assert Counter(event.what for event in again) == {"there": 12, "summary": 1}


# --- Making a file's work again
# ----------------------------------------------------------------------------------------


def spots_file(gallery: Gallery, **wishes: Any) -> bytes:
    source = gallery.keep_source(b"a tune", role="tune", name="tune.abc")
    return gallery.read(finish(run_here(SpotsRecipe(sources=(source,), **wishes), gallery)))


def test_a_work_made_again_is_identical(gallery: Gallery, tmp_path: Path) -> None:
    content = spots_file(gallery, seed=5)
    remade = finish(remake(content, gallery))
    assert (remade.identical, remade.sentence, remade.made.content) == (
        True,
        "Identical, to the byte.",
        content,
    )
    with Gallery.open(tmp_path / "another") as empty:
        with pytest.raises(Missing, match=r"the tune tune\.abc .* give the file"):
            finish(remake(content, empty))
        with pytest.raises(Refused, match="the content changed since"):
            finish(remake(content, empty, [b"another tune"]))
        assert finish(remake(content, empty, [b"another tune", b"a tune"])).identical
        assert empty.count() == 0


def test_a_work_that_comes_out_different_says_by_how_much_and_what_changed(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = spots_file(gallery, seed=6)
    monkeypatch.setenv("SPOTS_VERSION", "2")
    story = finish(remake(content, gallery))
    assert story.identical
    assert story.sentence == (
        "Identical, but for what the file says about its making. "
        "Changed since then: network spots 11111111 -> spots 22222222; spots 1 -> 2; "
        "device drawing board -> drawing board 2."
    )
    monkeypatch.setenv("SPOTS_DRIFT", "3")
    differs = finish(remake(content, gallery))
    assert not differs.identical
    # One of 20 x 16 pixels, in one of three channels, by three levels.
    assert differs.sentence.startswith(
        "Not identical: 0.3% of the pixels differ, by at most 3 of 255 levels and 0.003 on average. Changed"
    )
    monkeypatch.delenv("SPOTS_VERSION")
    assert (
        "Versions, device and network are the same as then: another processor made it"
        in finish(remake(content, gallery)).sentence
    )
    monkeypatch.setenv("SPOTS_DRIFT", "larger")
    assert "a picture of 21 x 16 px instead of 20 x 16 px" in finish(remake(content, gallery)).sentence


def test_a_file_without_a_recipe_cannot_be_made_again(gallery: Gallery) -> None:
    from studio.images.pictures import write_png

    for content in (b"", b"la la la", write_png(__import__("numpy").zeros((4, 4, 3), "uint8"))):
        with pytest.raises(Refused, match="no recipe inside"):
            finish(remake(content, gallery))
