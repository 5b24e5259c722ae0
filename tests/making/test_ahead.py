"""What is prepared before anyone asks: what somebody chose first, one after the other, and nothing after the
end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from works_for_tests import COUNT

from studio.making import ahead
from studio.making.ahead import Preparing, start
from studio.making.kinds import KINDS
from studio.music.melody import compose
from studio.music.melody.compose import take_of
from studio.music.melody.recipes import ComposeRecipe

OFFERED = ["first", "second", "third", "fourth"]


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < give_up, "it never came to pass"
        time.sleep(0.01)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """What was begun, and whether it gives way to others. A thing that is called "slow …" never ends."""
    seen: list[tuple[str, bool]] = []

    def begin(_kind: str, name: str, *, kindly: bool) -> subprocess.Popen[bytes]:
        seen.append((name, kindly))
        return subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)" if "slow" in name else ""]
        )

    monkeypatch.setattr(ahead, "start", begin)
    return seen


def kinds(monkeypatch: pytest.MonkeyPatch, *names: str) -> dict[str, object]:
    module = types.ModuleType("offers_for_tests")
    module.names = lambda: list(names)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return {"count": replace(COUNT, ahead=module.__name__)}


def test_everything_is_prepared_the_likeliest_first(
    begun: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Preparing(kinds(monkeypatch, *OFFERED)) as preparing:  # type: ignore[arg-type]
        until(lambda: len(preparing.done) == 4)
        preparing.first("count", "second")
        preparing.first("nothing", "second")
    assert begun == [(name, True) for name in OFFERED]


def test_what_somebody_chose_takes_the_place_of_what_nobody_chose(
    begun: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Preparing(kinds(monkeypatch, "first", "slow one", "third")) as preparing:  # type: ignore[arg-type]
        until(lambda: len(begun) == 2)
        preparing.first("count", "third")
        until(lambda: len(begun) == 4)
        assert begun == [("first", True), ("slow one", True), ("third", False), ("slow one", True)]
        until(lambda: preparing._process is not None)
        assert [name for _, name in preparing.done] == ["first", "third"]
        process = preparing._process
    assert process is not None
    assert process.poll() is not None, "nothing goes on after the end"


def test_while_works_are_made_only_what_was_chosen_is_prepared(
    begun: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = threading.Event()
    with Preparing(kinds(monkeypatch, *OFFERED), idle=idle.is_set) as preparing:  # type: ignore[arg-type]
        preparing.first("count", "fourth")
        until(lambda: len(preparing.done) == 1)
        assert begun == [("fourth", False)]
        idle.set()
        until(lambda: len(preparing.done) == 4)


def test_what_nobody_chose_ends_when_a_work_begins(
    begun: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = threading.Event()
    idle.set()
    with Preparing(kinds(monkeypatch, "slow one", "second"), idle=idle.is_set) as preparing:  # type: ignore[arg-type]
        until(lambda: preparing._process is not None)
        process = preparing._process
        assert process is not None
        idle.clear()
        preparing.give_way()
        until(lambda: process.poll() is not None)
        preparing.first("count", "slow chosen")
        until(lambda: preparing._process not in (None, process))
        chosen = preparing._process
        preparing.give_way()
        assert chosen is not None
        assert chosen.poll() is None, "somebody waits for it"
        idle.set()
        chosen.kill()
        until(lambda: len(begun) == 3)
    assert begun == [("slow one", True), ("slow chosen", False), ("slow one", True)]


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="only Linux has SCHED_IDLE")
def test_it_runs_on_what_others_leave_and_in_the_session_of_the_studio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between sessions Linux shares the processor whatever their processes' niceness (sched_autogroup)."""
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    process = start("compose", "american-fife", kindly=True)
    try:
        assert os.getsid(process.pid) == os.getsid(0)
        assert os.getpgid(process.pid) == process.pid, "Ctrl+C in the terminal is not for it"
        until(lambda: process.poll() is not None or os.sched_getscheduler(process.pid) == os.SCHED_IDLE)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_a_style_is_read_and_learnt_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    names = import_module(KINDS["compose"].ahead).names()
    assert names[0] == "ryans-mammoth"
    assert "american-fife" in names
    assert "essen" not in names, "it would keep a laptop busy for minutes"
    assert start("compose", "american-fife", kindly=True).wait(timeout=120) == 0
    assert len(list((tmp_path / "styles").iterdir())) == 1
    assert {path.name.partition("-")[0] for path in (tmp_path / "learnt").iterdir()} >= {"idiom", "forms"}
    assert start("compose", "no such style", kindly=True).wait(timeout=120) != 0


def test_what_was_prepared_at_setup_serves_every_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    """The notes are those of a home that reads and learns for itself, and nothing is read again."""
    module = import_module(KINDS["compose"].ahead)
    monkeypatch.setattr(module, "names", lambda: ["american-fife"])
    monkeypatch.setattr(ahead, "OTHERS", {})
    recipe = ComposeRecipe(style="american-fife", seed=3)
    monkeypatch.setattr("studio.music.melody.learnt.WORTH_KEEPING", 0)
    own = take_of(recipe, no_sources)
    shutil.rmtree(home)

    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    assert ahead.main([]) == 0
    monkeypatch.setenv("STUDIO_HOME", str(home))
    compose._kept_requests.cache_clear()
    monkeypatch.setattr("studio.music.styles.opening._read", refuse_to_work)
    monkeypatch.setattr("studio.music.melody.learnt.learn", refuse_to_work)
    assert take_of(recipe, no_sources).tune.notes == own.tune.notes
    assert not (home / "styles").exists()


def test_outside_a_virtual_environment_nothing_is_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    module = import_module(KINDS["compose"].ahead)
    monkeypatch.setattr(module, "prepare", refuse_to_work)
    assert ahead.main([]) == 0


def no_sources(source: object) -> bytes:
    raise AssertionError(source)


def refuse_to_work(*_: object, **__: object) -> None:
    raise AssertionError("it was there already")
