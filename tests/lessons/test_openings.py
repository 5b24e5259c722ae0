"""A lesson is seen before what it computes with is loaded, and goes on as one that was computed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.lessons import ahead
from studio.lessons.kit import openings as kept
from studio.lessons.kit.classroom import Classroom
from studio.lessons.kit.openings import Openings

LESSONS = ["rules", "neuron", "cafeteria"]


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    monkeypatch.setattr(ahead, "COURSE", LESSONS)
    # What a change of a lesson needs: those that come with the studio are of other code. Where the studio was
    # set up for its app, they are prepared already.
    monkeypatch.setattr(kept, "SHIPPED", tmp_path / "none")
    monkeypatch.setattr(kept, "environments_home", lambda: None)
    ahead.prepare(*ahead.names())
    return tmp_path / kept.PLACE


def asked(classroom: Classroom, **request: Any) -> Any:
    """The answer as the page gets it."""
    return json.loads(json.dumps(classroom.answer(request)))


def opened(classroom: Classroom, lesson: str, **settings: Any) -> Any:
    return asked(classroom, do="open", lesson=lesson, session=lesson, settings=settings)


def test_a_lesson_that_was_prepared_begins_and_goes_on_as_one_that_was_not(prepared: Path) -> None:
    assert len(list(prepared.iterdir())) == len(LESSONS)
    waiting, computing = Classroom(openings=Openings()), Classroom()
    for lesson in LESSONS:
        assert opened(waiting, lesson) == opened(computing, lesson)
        knob = {"cafeteria": ("noise", 0.2)}.get(lesson)
        event = {"name": "set", "knob": knob[0], "value": knob[1]} if knob else {"name": "step"}
        act = {"do": "event", "session": lesson, "event": event}
        assert asked(waiting, **act) == asked(computing, **act)
    changed = opened(waiting, "cafeteria", noise=0.5)
    assert changed == opened(computing, "cafeteria", noise=0.5)
    assert changed["scene"] != opened(computing, "cafeteria")["scene"]


def test_a_page_that_leaves_a_lesson_for_another_lets_go_of_it() -> None:
    classroom = Classroom(openings=Openings())
    asked(classroom, do="open", lesson="neuron", session="one", settings={})
    asked(classroom, do="open", lesson="rules", session="two", leaves="one", settings={})
    advance = {"name": "advance"}
    assert "error" in asked(classroom, do="event", session="one", event=advance)
    assert "scene" in asked(classroom, do="event", session="two", event=advance)


def test_what_other_code_drew_or_a_disk_damaged_is_computed(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = opened(Classroom(), "neuron")
    (path,) = prepared.glob("neuron-*.json")
    whole = path.read_bytes()
    for damage in (b"", b"[]", b'{"settings": {}}', whole[:-5], b"\xff"):
        path.write_bytes(damage)
        assert opened(Classroom(openings=Openings()), "neuron") == right
        assert path.read_bytes() == whole, "it is kept again"
    monkeypatch.setattr(kept, "_drawn_by", lambda: "newer")
    assert Openings().scene("neuron", right["settings"]) is None
    assert opened(Classroom(openings=Openings()), "neuron") == right
    assert [path.name for path in prepared.glob("neuron-*")] == ["neuron-newer.json"]


def test_all_are_seen_in_a_new_home_without_what_computes_them(tmp_path: Path) -> None:
    """In a new process, as of a studio that was just installed and opened."""
    program = (
        "import sys\n"
        "from studio.lessons.kit import classroom as kit\n"
        "from studio.lessons.kit.course import COURSE\n"
        "from studio.lessons.kit.openings import Openings\n"
        "kit.SEEN_FIRST = 600.0  # nothing is computed meanwhile, however long a busy machine takes\n"
        "classroom = kit.Classroom(openings=Openings())\n"
        "for lesson in COURSE:\n"
        "    asked = {'do': 'open', 'lesson': lesson, 'session': 's'}\n"
        "    assert classroom.answer(asked)['scene']['figures']\n"
        "print(*({'torch', 'sklearn', 'scipy'} & {*sys.modules}))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "STUDIO_HOME": str(tmp_path)},
    )
    assert "torch" not in run.stdout.split()
    assert not list(tmp_path.iterdir()), "nothing had to be drawn and kept"
