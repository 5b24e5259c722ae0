"""The Lessons tab: one widget that shows whatever lesson the course has, and one way to ask about it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import gradio as gr

from studio.lessons.classroom import Classroom


def lessons_tab() -> None:
    """Build the tab's content inside the Blocks that are open."""
    classroom = Classroom()

    def lesson_request(request: str) -> str:
        return json.dumps(classroom.answer(json.loads(request)))

    page = files("studio.app").joinpath("lessons_page")
    gr.HTML(
        html_template='<div class="lessons"></div>',
        js_on_load=page.joinpath("lessons.js").read_text("utf-8"),
        server_functions=[lesson_request],
        apply_default_css=False,
    )

    def lesson(request: dict[str, Any]) -> dict[str, Any]:
        """Ask a lesson: {"do": "course"}, {"do": "open", "lesson", "session", "settings"} or {"do": "event", "session", "event"}."""
        return classroom.answer(request)

    gr.api(lesson, api_name="lesson")  # type: ignore[attr-defined]


def lessons_style() -> str:
    """The style sheet of the tab, to stand after the studio's own."""
    return files("studio.app").joinpath("lessons_page/lessons.css").read_text("utf-8")
