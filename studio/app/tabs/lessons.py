"""The Lessons tab: one widget that shows any lesson of the course, and what leads on to other tabs."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import gradio as gr

from studio.app.following import ALOUD
from studio.app.guard.bounds import LESSONS
from studio.app.modules import opening
from studio.app.room import Entrance, Room, TabOffers, filled
from studio.errors import Refused
from studio.lessons.kit.classroom import Classroom
from studio.lessons.kit.openings import Openings


def lessons_tab(room: Room) -> TabOffers:
    """Build the tab's content inside the Blocks that are open.

    A lesson may lead to another tab, by its label, with settings for it.
    """
    classroom = Classroom(openings=Openings())

    def lesson_request(request: str) -> str:
        try:
            asked = LESSONS.decode(str(request))
        except Refused as error:
            return json.dumps({"error": str(error)})
        return json.dumps(classroom.answer(asked if isinstance(asked, dict) else {}))

    tabs = room.those_with("settings")
    shown = gr.HTML(
        html_template='<div class="lessons"></div>',
        js_on_load=opening("lessons/lessons", [f"visit_{room.labels[tab]}" for tab in tabs]),
        bringsTo={room.labels[tab]: tab for tab in tabs},
        server_functions=[lesson_request],
        apply_default_css=False,
    )
    for tab, entrance in tabs.items():
        _lead_to(room, shown, tab, entrance)

    def lesson(request: dict[str, Any]) -> dict[str, Any]:
        """Ask a lesson: {"do": "course"}, {"do": "open", "lesson", "session", "settings"} or {"do": "event",
        "session", "event"}.
        """
        return classroom.answer(request)

    gr.api(lesson, api_name="lesson")  # type: ignore[attr-defined]
    return TabOffers()


def _lead_to(room: Room, shown: gr.HTML, tab: str, entrance: Entrance) -> None:
    """Open a tab with what a lesson found; its source and whatever else is set there stay as they are."""

    def visit(event: gr.EventData) -> list[Any]:
        return [gr.Tabs(selected=tab), *filled(entrance, getattr(event, "settings", None))]

    getattr(shown, f"visit_{room.labels[tab]}")(visit, None, [room.tabs, *entrance.outputs], **ALOUD)


def lessons_style() -> str:
    """The style sheet of the tab, to follow the studio's own."""
    return files("studio.app").joinpath("lessons_page/lessons.css").read_text("utf-8")
