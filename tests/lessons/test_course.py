"""What holds for every lesson: it can be read, driven to its limits, printed, and it leaves learning to
the learning layer.
"""

from __future__ import annotations

import ast
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

import studio.lessons
from studio.errors import Refused, StudioError, UnknownName
from studio.lessons.ahead import alike
from studio.lessons.derivative_works.model import OwnNetwork
from studio.lessons.kit.classroom import Classroom
from studio.lessons.kit.course import COURSE, lesson
from studio.lessons.kit.lesson import Action, Choice, Push, Slide, Switch, Upload, fitting
from studio.lessons.kit.openings import shipped_opening
from studio.lessons.kit.scene import Bars, Heat, Line, Node, Points, Scene, Table

FOLDER = Path(studio.lessons.__file__).parent


def numbers_in(scene: Scene) -> list[float]:
    found: list[float] = []
    for figure in scene.figures:
        found += [*figure.x, *figure.y]
        for mark in figure.marks:
            if isinstance(mark, (Points, Line, Bars)):
                found += [float(value) for value in (*mark.x, *mark.y)]
    return found


def assert_can_be_shown(scene: Scene) -> None:
    json.dumps(scene.to_dict(), allow_nan=False)
    assert all(math.isfinite(number) for number in numbers_in(scene))
    for figure in scene.figures:
        assert figure.title
        assert figure.text, f"the figure {figure.name} has no twin in words"
        assert figure.x[0] < figure.x[1]
        assert figure.y[0] < figure.y[1]
        for mark in figure.marks:
            if isinstance(mark, Heat):
                assert len({len(row) for row in mark.values}) == 1
            if isinstance(mark, Node) and mark.heat is not None:
                assert len(mark.heat) > 0
    assert scene.in_words()


def assert_comes_with_the_studio(name: str, opened: dict[str, Any]) -> None:
    """The first scene that ships is the one that is drawn."""
    shipped = shipped_opening(name)
    stale = f"lesson {name} has changed: run python -m studio.lessons.ahead"
    assert shipped is not None, stale
    assert shipped["settings"] == opened["settings"], stale
    assert alike(shipped["scene"], opened["scene"]), stale


@pytest.mark.parametrize("name", COURSE)
class TestEveryLesson:
    def test_says_what_it_is_for(self, name: str) -> None:
        shown = lesson(name)
        assert shown.name == name
        assert shown.question.endswith("?")
        for text in (shown.title, shown.first, shown.formula, shown.use):
            assert len(text) > 5
        assert len(shown.notice) >= 2
        assert shown.checks
        for check in shown.checks:
            assert 0 <= check.answer < len(check.choices)
            assert check.why

    def test_its_python_runs_as_printed(self, name: str) -> None:
        code = lesson(name).code
        assert 5 <= len(code.strip().splitlines()) <= 16
        exec(compile(code, name, "exec"), {"print": lambda *_: None})

    def test_begins_with_something_to_see(self, name: str) -> None:
        shown = lesson(name)
        scene = shown.draw(shown.begin(shown.settings()))
        assert_can_be_shown(scene)
        assert scene.figures
        assert scene.says

    def test_every_push_changes_or_explains_something(self, name: str) -> None:
        shown = lesson(name)
        for knob in shown.knobs:
            if isinstance(knob, Push):
                state = shown.begin(shown.settings())
                state = shown.act(state, Action(knob.name))
                for _ in range(3):
                    state = shown.act(state, Action("advance"))
                assert_can_be_shown(shown.draw(state))

    def test_every_knob_works_at_its_limits(self, name: str) -> None:
        shown = lesson(name)
        for knob in shown.knobs:
            limits: tuple[Any, ...] = ()
            if isinstance(knob, Choice):
                limits = knob.options
            elif isinstance(knob, Slide):
                limits = (knob.stops[0], knob.stops[-1]) if knob.stops else (knob.minimum, knob.maximum)
            elif isinstance(knob, Switch):
                limits = (True, False)
            state = shown.begin(shown.settings())
            for value in limits:
                if value in (limits[0], limits[-1]):  # a link may begin with it, and a hand may come to it
                    assert_can_be_shown(shown.draw(shown.begin(shown.settings({knob.name: value}))))
                state = shown.act(state, Action("set", knob=knob.name, value=fitting(knob, value)))
                for action in (Action("play"), Action("advance")):
                    state = shown.act(state, action)
                assert_can_be_shown(shown.draw(state))

    def test_goes_through_a_classroom(self, name: str) -> None:
        classroom = Classroom()
        opened = classroom.answer({"do": "open", "lesson": name, "session": "a"})
        assert "error" not in opened
        assert_comes_with_the_studio(name, json.loads(json.dumps(opened, allow_nan=False)))
        answer = classroom.answer({"do": "event", "session": "a", "event": {"name": "advance"}})
        assert "scene" in answer

    def test_refuses_an_upload_it_cannot_read(self, name: str) -> None:
        shown = lesson(name)
        for knob in shown.knobs:
            if isinstance(knob, Upload):
                state = shown.begin(shown.settings())
                with pytest.raises(StudioError) as refusal:
                    shown.act(
                        state, Action(knob.name, text="x.png", content=b"not what was asked for \x00\xff")
                    )
                assert str(refusal.value).endswith((".", "?"))

    def test_prints_its_numbers(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        shown = lesson(name)
        if shown.table is None:
            return
        # The numbers of a short training do as well.
        monkeypatch.setattr(OwnNetwork, "epochs", 2)
        few = {"epochs": 2} if any(knob.name == "epochs" for knob in shown.knobs) else {}
        printed = list(shown.table(shown.settings(few)))
        assert any(isinstance(part, Table) for part in printed)
        for part in printed:
            if isinstance(part, Table):
                assert all(len(row) == len(part.columns) for row in part.rows)


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_no_lesson_trains_by_itself(path: Path) -> None:
    """Gradients and optimiser steps belong to `studio.learning`: no lesson calls backward, grad or an
    optimiser's step.
    """
    calls = [node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    names = {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in calls}
    assert not names & {"backward", "grad", "zero_grad", "partial_fit"}
    assert "step" not in {func.attr for func in calls if isinstance(func, ast.Attribute)}


def test_the_classroom_answers_nonsense_with_a_sentence() -> None:
    classroom = Classroom()
    for request in (
        {},
        {"do": "open", "lesson": "no such"},
        {"do": "event", "session": "nobody"},
        {"do": "open", "lesson": COURSE[0], "session": "a", "settings": {"noise": "nan"}},
    ):
        assert classroom.answer(request)["error"].endswith((".", "?"))
    first = classroom.answer({"do": "open", "lesson": "", "session": "a"})
    assert first["lesson"]["name"] == lesson(COURSE[0]).name, "the first, where the page knows of none yet"
    for action in (
        {"name": "click", "x": "far"},
        {"name": "stroke", "points": [["a", 1]]},
        {"name": "set", "knob": "none"},
        {"content": "%%%"},
    ):
        assert classroom.answer({"do": "event", "session": "a", "event": action})["error"].endswith(".")


def test_lessons_unused_for_longest_make_room() -> None:
    classroom = Classroom(most_open=2)
    for session in "abc":
        classroom.answer({"do": "open", "lesson": COURSE[0], "session": session})
    assert "error" in classroom.answer({"do": "event", "session": "a", "event": {"name": "advance"}})
    assert "scene" in classroom.answer({"do": "event", "session": "c", "event": {"name": "advance"}})


def test_settings_outside_their_range_are_refused_by_name() -> None:
    with pytest.raises(Refused, match="Learning rate"):
        lesson("cafeteria").settings({"rate": 99})


def test_a_lesson_is_found_by_its_number_too() -> None:
    assert [lesson(str(number)).name for number in range(1, len(COURSE) + 1)] == list(COURSE)
    for none in ("0", str(len(COURSE) + 1), "-1", "²"):
        with pytest.raises(UnknownName):
            lesson(none)


@pytest.mark.parametrize("name", COURSE)
def test_the_text_calls_buttons_by_their_names(name: str) -> None:
    shown = lesson(name)
    labels = tuple(knob.label for knob in shown.knobs)
    texts = [shown.first, *shown.notice, *(check.question + " " + check.why for check in shown.checks)]
    for text in texts:
        for named in re.findall(r"\b[Pp]ress (?!it\b)(.{1,40})", text):
            assert named.startswith(labels), f"no button is called as in: press {named}"


@pytest.mark.parametrize("name", COURSE)
def test_a_lesson_says_how_long_it_takes_and_asks_something_at_once(name: str) -> None:
    shown = lesson(name)
    assert 3 <= shown.minutes <= 20
    assert shown.checks
