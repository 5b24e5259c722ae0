"""How PyTorch's threads wait: what is set for them, what others do, and room made for others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.making.waiting import CROWDED, QUIET, Crowd, Others, busy_seconds

TASKS = Path("/proc/self/task")
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="GNU's OpenMP is on Linux")


@on_linux
@pytest.mark.parametrize(
    ("set_before", "found"),
    [
        ({}, ("passive", "20000", True)),
        ({"OMP_WAIT_POLICY": "active"}, ("active", None, False)),
        ({"OMP_WAIT_POLICY": "passive"}, ("passive", None, False)),
        ({"GOMP_SPINCOUNT": "7"}, (None, "7", False)),
        (
            {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "20000"},
            ("passive", "20000", True),
        ),  # by a parent
    ],
)
def test_what_is_told_to_threads_and_whether_others_are_watched(
    set_before: dict[str, str], found: tuple[str | None, str | None, bool]
) -> None:
    program = (
        "import os, threading; from studio.making.waiting import wait_politely; wait_politely();"
        "wait_politely();"  # the second time changes nothing
        "names = [each.name for each in threading.enumerate()];"
        "print((os.environ.get('OMP_WAIT_POLICY'), os.environ.get('GOMP_SPINCOUNT'),"
        "names.count('studio looks around') == 1))"
    )
    usual = {name: value for name, value in os.environ.items() if "SPINCOUNT" not in name}
    usual.pop("OMP_WAIT_POLICY", None)
    run = subprocess.run(
        [sys.executable, "-c", program], env=usual | set_before, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == str(found)


def test_others_are_what_is_busy_and_not_this_process() -> None:
    busy, mine, now = [0.0], [0.0], [0.0]
    others = Others(lambda: busy[0], lambda: mine[0], lambda: now[0])

    def passes(theirs: float, ours: float) -> float:
        now[0] += 0.15
        busy[0] += 0.15 * (theirs + ours)
        mine[0] += 0.15 * ours
        return others.look()

    for _ in range(8):
        assert passes(theirs=0.0, ours=2.0) < QUIET
    assert others.own == pytest.approx(2.0)
    found = [passes(theirs=1.0, ours=1.0) for _ in range(8)]
    assert found[1] > CROWDED
    assert found[-1] == pytest.approx(1.0, abs=0.01)
    found = [passes(theirs=0.0, ours=0.0) for _ in range(8)]
    assert found[-1] < QUIET
    assert passes(theirs=-3.0, ours=1.0) >= 0  # clocks of the system are coarser than the process's own


@on_linux
def test_a_busy_program_is_among_the_others() -> None:
    others = Others()
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        wait_until(lambda: others.look() > CROWDED)
    finally:
        busy.kill()
        busy.wait()


@on_linux
def test_room_is_made_with_more_threads_than_processors_and_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counted by the system: a thread for the crowd, and one of its team."""
    import torch

    threads = torch.get_num_threads()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1})
    torch.set_num_threads(2)
    torch.ones(1 << 17).add_(1)  # this thread has its own team from here on
    before = {each.name for each in TASKS.iterdir()}

    def more() -> int:
        return len({each.name for each in TASKS.iterdir()} - before)

    crowd = Crowd()
    try:
        crowd.gather()
        crowd.gather()  # no second one
        wait_until(lambda: more() == 2)
        crowd.leave()
        wait_until(lambda: more() == 0)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(5)))
        crowd.gather()  # half of the processors are free for others
        wait_until(lambda: more() == 0)
    finally:
        crowd.leave()
        torch.set_num_threads(threads)


def test_where_the_system_says_nothing_nothing_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for said in ("", "cpu  a b c d e f g", "cpu 1 2"):
        (tmp_path / "stat").write_text(said)
        monkeypatch.setattr("studio.making.waiting.STAT", tmp_path / "stat")
        assert busy_seconds() is None
    (tmp_path / "stat").write_text("cpu  100 50 25 9999 77 5 20 3 0 0\ncpu0 1 1 1 1 1 1 1\n")
    tick = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
    assert busy_seconds() == pytest.approx(200 / tick)


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.02)
