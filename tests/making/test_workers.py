"""Worker processes under attack: strangers at the door, standing still, taking too much."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from sqlalchemy import event
from works_for_tests import COUNT, heard_from

from studio.errors import Missing, Refused, Unreadable
from studio.making import bounds, watching
from studio.making.batch import run_batch
from studio.making.here import run_here
from studio.making.jobs import Jobs
from studio.making.keys import keys_for
from studio.making.kinds import KINDS
from studio.process import finish
from studio.works import ledger
from studio.works.gallery import Gallery
from tests.making.clusters import write_keys
from tests.making.test_jobs import counting, until, watch_until

PASSWORD = "a door that nobody opens"


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    """One studio with one worker process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_PASSWORD", PASSWORD)
        before = dict(KINDS)
        KINDS.clear()
        KINDS["count"] = COUNT
        with Gallery.open(tmp_path_factory.mktemp("home")) as gallery, Jobs(gallery) as jobs:
            assert jobs.wait(jobs.submit(counting())).state == "made"
            yield jobs
        KINDS.clear()
        KINDS.update(before)


@pytest.fixture
def gallery(jobs: Jobs) -> Gallery:
    return jobs.gallery


def worker_of(jobs: Jobs) -> psutil.Process:
    """The process that makes works now."""
    assert jobs._workers is not None
    assert jobs._workers._cluster is not None
    (nanny,) = jobs._workers._cluster.workers.values()
    return psutil.Process(nanny.pid)


# --- Strangers


ATTACK = """
import json, os, sys
from distributed import Client
from distributed.security import Security

taken = []
for port in json.loads(sys.argv[1]):
    for protocol, keys in (("tcp", None), ("tls", Security.temporary())):
        address = f"{protocol}://127.0.0.1:{port}"
        try:
            with Client(address, security=keys, timeout=4) as client:
                taken.append([address, client.run_on_scheduler(os.getpid), client.run(os.getpid)])
        except Exception:
            pass
print(json.dumps(taken))
"""


def ports_of(process: psutil.Process) -> set[int]:
    return {each.laddr.port for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN}


def test_no_other_program_runs_code_in_the_studio(jobs: Jobs) -> None:
    ports = ports_of(psutil.Process()) | ports_of(worker_of(jobs))
    assert len(ports) >= 3, "a scheduler, a nanny and a worker"
    attack = subprocess.run(
        [sys.executable, "-c", ATTACK, json.dumps(sorted(ports))], capture_output=True, text=True, check=True
    )
    assert json.loads(attack.stdout) == []
    assert jobs.wait(jobs.submit(counting())).state == "made", "and the attack did no harm"


def test_every_door_asks_for_a_key_and_none_serves_pages(jobs: Jobs) -> None:
    assert jobs._workers is not None
    scheduler = jobs._workers._cluster.scheduler  # type: ignore[union-attr]
    ours = {int(scheduler.address.rpartition(":")[2])}
    ours |= {
        int(each.rpartition(":")[2])
        for worker in scheduler.workers.values()
        for each in (worker.address, worker.nanny)
    }
    assert ports_of(worker_of(jobs)) <= ours
    for port in ours:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with pytest.raises(OSError, match=r"."):
            _ask_without_a_key(context, port)


def _ask_without_a_key(context: ssl.SSLContext, port: int) -> None:
    """Raises `OSError` where the door stays shut."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as plain,
        context.wrap_socket(plain) as door,
    ):
        door.sendall(b"GET / HTTP/1.0\r\n\r\n")
        if not door.recv(1):
            raise ConnectionError("closed without a word")


@pytest.mark.skipif(sys.platform != "linux", reason="reads a process's environment from /proc")
def test_the_password_is_not_in_a_workers_environment(jobs: Jobs) -> None:
    environment = Path(f"/proc/{worker_of(jobs).pid}/environ").read_bytes()
    assert b"PATH=" in environment
    assert PASSWORD.encode() not in environment
    assert b"STUDIO_PASSWORD" not in environment


# --- Standing still


def test_a_worker_that_stands_still_is_replaced(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SILENT_FOR", 3.0)
    job = jobs.submit(counting(steps=1000, rest=0.05, witness=str(tmp_path / "witness")))
    watch_until(jobs, job, lambda state: state.done > 2)
    stopped = worker_of(jobs)
    stopped.send_signal(signal.SIGSTOP)
    ended = jobs.wait(job)
    assert ended.state == "interrupted"
    assert "stood still for" in ended.message
    assert jobs.wait(jobs.submit(counting())).state == "made"
    assert not psutil.pid_exists(stopped.pid)


def test_one_that_stands_still_before_its_work_begins_is_replaced_too(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SILENT_FOR", 3.0)
    worker_of(jobs).send_signal(signal.SIGSTOP)
    ended = jobs.wait(jobs.submit(counting()))
    assert ended.state in ("made", "interrupted")  # made where it was replaced before the job reached it
    assert jobs.wait(jobs.submit(counting())).state == "made"


def ends_after(heart: watching.Heart, looks: Iterator[float], lives: float, computes: float) -> float:
    """Seconds from when a worker stops until it counts as standing still, on a clock of our own.

    It gives its last heartbeat when the clock begins; then it computes for `computes` of each second, and
    after `lives` seconds it is stopped. looks: the seconds between two looks.
    """
    now = 0.0
    for passed in looks:
        now += passed
        if heart.stands_still(1.0, computes * min(now, lives), min(passed, watching.LOOK_COUNTS)):
            return now - lives
    raise AssertionError("it never counted as standing still")


@pytest.mark.parametrize("between", [0.5, 2.0, watching.LOOK_COUNTS])
@pytest.mark.parametrize("computes", [0.0, 0.004, 0.02, 1.0])
@pytest.mark.parametrize("lives", [0.0, 0.3, 0.6, 11.0, 38.0, 39.9, 41.0, 79.9, 300.0])
def test_a_stopped_worker_is_noticed_within_a_minute_whatever_it_did_before(
    between: float, computes: float, lives: float
) -> None:
    took = ends_after(watching.Heart(1.0, 0.0), itertools.repeat(between), lives, computes)
    assert took < 60
    if computes >= watching.BUSY / watching.SILENT_FOR * 2:
        assert took >= watching.SILENT_FOR - 2 * watching.LOOK_COUNTS, "not before: it computed until then"


def test_a_laptop_that_slept_has_not_let_a_minute_pass() -> None:
    heart = watching.Heart(1.0, 0.0)
    assert not heart.stands_still(1.0, 0.0, min(3600.0, watching.LOOK_COUNTS))


def test_a_heartbeat_is_a_sign_of_life_without_computing() -> None:
    heart = watching.Heart(1.0, 0.0)
    assert not any(heart.stands_still(1.0 + second, 0.0, 1.0) for second in range(1, 200))


@pytest.mark.parametrize("beat", [SimpleNamespace(last_seen=1.0), None])
def test_a_step_that_computes_without_a_pause_is_no_standstill(beat: SimpleNamespace | None) -> None:
    """A library that lets no other thread run while it computes stops the heartbeats, but not the process.
    The same holds before the first heartbeat."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as silent:
        process = psutil.Process(silent.pid)
        nanny = SimpleNamespace(worker_address="tls://busy", pid=silent.pid)
        scheduler = SimpleNamespace(workers={"tls://busy": beat} if beat else {})
        watch = watching.Watch(look_every=10_000.0)  # the test looks itself
        watch.look_after(SimpleNamespace(_created=[nanny], scheduler=scheduler))  # type: ignore[arg-type]
        try:
            watch._look_at_hearts(0)
            began = process.cpu_times().user
            until(lambda: process.cpu_times().user > began + 2 * watching.BUSY)
            watch._look_at_hearts(watching.SILENT_FOR + 1)
            assert watch.stood_still == {}
            process.suspend()
            until(lambda: process.status() == psutil.STATUS_STOPPED)
            watch._look_at_hearts(0)
            watch._look_at_hearts(watching.SILENT_FOR + 1)
            assert "stood still for 41 seconds" in watch.stood_still["tls://busy"]
            assert silent.wait(timeout=120) == -signal.SIGKILL
        finally:
            watch.close()
            silent.kill()


GETTING_UP = """
import signal, threading, time
import psutil
from studio.making import watching
from studio.making.workers import Workers

def stop_the_first():
    while True:
        for child in psutil.Process().children(recursive=True):
            if "spawn_main" in " ".join(child.cmdline()):
                child.suspend()
                print("stopped", flush=True)
                return
        time.sleep(0.01)

if __name__ == "__main__":
    watching.SILENT_FOR = 3.0
    threading.Thread(target=stop_the_first).start()
    with Workers() as workers:
        print("places", workers.places)
"""


@pytest.mark.skipif(os.name == "nt", reason="stops a process as POSIX does")
def test_one_that_stands_still_while_it_gets_up_is_replaced(tmp_path: Path) -> None:
    program = tmp_path / "getting_up.py"
    program.write_text(GETTING_UP)
    ran = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=120, check=True
    )
    assert ran.stdout.split() == ["stopped", "places", "1"]


# --- Bounds


def test_a_work_that_takes_too_long_is_stopped(jobs: Jobs) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounds, "TIMES_SECONDS", 1.0)
        patch.setattr(bounds, "PLUS_SECONDS", 1.0)
        ended = jobs.wait(jobs.submit(counting(steps=3, rest=10)))
    assert ended.state == "failed"
    assert "was stopped after" in ended.message
    assert "about 3 seconds" in ended.message
    assert jobs.wait(jobs.submit(counting())).state == "made"


def test_a_work_that_takes_too_much_memory_is_stopped(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "PLUS_BYTES", 2**28)
    ended = jobs.wait(jobs.submit(counting(mishap="memory")))
    assert ended.state == "failed"
    assert "of memory, since it should need about 0.0" in ended.message


def test_a_work_that_cannot_fit_is_refused_before_it_starts(
    jobs: Jobs, gallery: Gallery, tmp_path: Path
) -> None:
    recipe = counting(mishap="large", steps=5000, witness=str(tmp_path / "witness"))
    sentence = r"^This count needs about 5000\.0 GiB of memory, but this computer has \d+\.\d free"
    ended = jobs.wait(jobs.submit(recipe))
    assert ended.state == "failed"
    with pytest.raises(Refused, match=sentence) as refused:
        finish(run_here(recipe, gallery))
    assert ended.message.split("has")[0] == str(refused.value).split("has")[0]
    events = list(run_batch(recipe.to_json().replace("\n", ""), gallery))
    assert [event.what for event in events] == ["failed", "summary"]
    assert "needs about 5000.0 GiB" in events[0].sentence
    assert heard_from(tmp_path / "witness") == []


@pytest.mark.parametrize(
    "mishap", ["no python memory", "no torch memory", "no system memory", "no room for a library"]
)
def test_memory_that_runs_out_is_said_in_a_sentence(mishap: str, jobs: Jobs, gallery: Gallery) -> None:
    sentence = (
        "This work needed more memory than this computer has; make it smaller, or close other programs."
    )
    recipe = counting(mishap=mishap)
    with pytest.raises(Refused) as refused:
        finish(run_here(recipe, gallery))
    assert str(refused.value) == sentence
    assert jobs.wait(jobs.submit(recipe)).message == sentence


# --- A database that is locked


def test_a_work_that_is_finished_while_the_database_is_locked_is_kept(jobs: Jobs, gallery: Gallery) -> None:
    """The worker waits for the lock; the queue loses its patience, says so, and goes on when it can."""

    def hurry(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA busy_timeout = 50")

    recipe = counting(steps=20, rest=0.05)
    job = jobs.submit(recipe)
    watch_until(jobs, job, lambda state: state.done > 0)
    event.listen(gallery.engine, "checkout", hurry)
    try:
        with (
            pytest.MonkeyPatch.context() as patch,
            closing(
                sqlite3.connect(gallery.home / "gallery.sqlite", timeout=120, isolation_level=None)
            ) as other,
        ):
            patch.setattr(ledger, "PATIENCE", 0.1)
            other.execute("BEGIN IMMEDIATE")
            stuck = watch_until(jobs, job, lambda state: "locked" in state.stage)
            assert stuck.state == "running"
            time.sleep(2)  # the work is finished by now, and its worker waits
            other.execute("ROLLBACK")
        assert jobs.wait(job).state == "made"
    finally:
        event.remove(gallery.engine, "checkout", hurry)
    assert gallery.with_fingerprint(recipe.fingerprint) is not None


# --- Somebody else's cluster


def test_a_cluster_is_used_with_keys_or_not_at_all(tmp_path: Path) -> None:
    for address in ("tcp://10.0.0.5:8786", "tls://10.0.0.5:8786", "127.0.0.1:8786"):
        with pytest.raises(Refused, match="would be used without keys"):
            keys_for(address, {})
    with pytest.raises(Refused, match="not the address of a scheduler"):
        keys_for("nobody", {})
    allowed = {"STUDIO_CLUSTER_WITHOUT_KEYS": "1"}
    assert keys_for("tcp://127.0.0.1:8786", allowed) is None
    assert keys_for("tcp://[::1]:8786", allowed) is None
    for address in ("tcp://10.0.0.5:8786", "tcp://127.0.0.1.example.org:8786", "tls://127.0.0.1:8786"):
        with pytest.raises(Refused, match="would be used without keys"):
            keys_for(address, allowed)
    folder = tmp_path / "keys"
    write_keys(folder)
    named = {"STUDIO_CLUSTER_KEYS": str(folder)}
    security = keys_for("tls://10.0.0.5:8786", named)
    assert security is not None
    assert security.require_encryption
    with pytest.raises(Refused, match="must begin with tls://"):
        keys_for("tcp://10.0.0.5:8786", named)
    with pytest.raises(Refused, match="STUDIO_CLUSTER_CERT is not set"):
        keys_for(
            "tls://10.0.0.5:8786", {"STUDIO_CLUSTER_CA": str(folder / "ca.pem"), "STUDIO_CLUSTER_KEY": "k"}
        )
    (folder / "cert.pem").write_text("not a certificate\n")
    with pytest.raises(Unreadable, match="are not an authority"):
        keys_for("tls://10.0.0.5:8786", named)
    (folder / "key.pem").unlink()
    with pytest.raises(Missing, match=r"There is no .*key\.pem"):
        keys_for("tls://10.0.0.5:8786", named)


# --- The command line


@pytest.mark.skipif(sys.platform != "linux", reason="bounds a process's memory as Linux does")
def test_memory_that_runs_out_is_one_line_on_the_command_line(tmp_path: Path) -> None:
    program = """
import resource, sys
import numpy, torch
import studio.images.dream, studio.cli
from studio.making import kinds
torch.set_num_threads(1)
kinds.KINDS["dream"].__dict__["predicts"] = ""
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 400 * 2**20, resource.RLIM_INFINITY))
studio.cli.main()
"""
    from tests.app.photos import picture

    (tmp_path / "photo.png").write_bytes(picture())
    words = ["dream", "photo.png", "-o", "dream.png", "--size", "4096", "--tile", "2048", "--steps", "1"]
    run = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {
            "STUDIO_HOME": str(tmp_path / "home"),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "OMP_NUM_THREADS": "1",
        },
    )
    said = run.stderr.strip().splitlines()
    assert run.returncode == 2, run.stderr
    assert said[-1].endswith(
        "This work needed more memory than this computer has; make it smaller, or close other programs."
    )
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "dream.png").exists()


def test_a_worker_that_is_being_started_again_holds_no_memory(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert jobs.wait(jobs.submit(counting())).state == "made"
    workers = jobs._workers
    assert workers is not None
    assert workers._cluster is not None
    nanny = next(iter(workers._cluster.workers.values()))
    monkeypatch.setattr(type(nanny), "pid", None)
    monkeypatch.setattr(workers, "memory_limit", 2**20)
    assert workers.room == 2**20
