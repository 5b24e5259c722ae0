"""The first scenes of all lessons, drawn before anyone opens one (see `studio.making.ahead`)."""

from __future__ import annotations

from studio.lessons.kit.classroom import Classroom
from studio.lessons.kit.course import COURSE
from studio.lessons.kit.openings import Openings


def names() -> list[str]:
    """All lessons are prepared as one."""
    return ["course"]


def prepare(name: str, *, kindly: bool = False) -> None:  # noqa: ARG001
    """Draw and keep them. Quick where that was done."""
    classroom = Classroom(openings=Openings())
    for lesson in COURSE:
        classroom.answer({"do": "open", "lesson": lesson, "session": lesson})
