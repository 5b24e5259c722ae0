"""The Lessons tab: one widget that shows whatever lesson the course has, one way to ask about it, and a way
on to the Dream tab.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import gradio as gr

from studio.app.tabs.dream import DreamTab, untouched
from studio.errors import StudioError
from studio.images.recipes import DreamRecipe
from studio.lessons.kit.classroom import Classroom
from studio.works.recipe import check


def lessons_tab(tabs: gr.Tabs, dream: DreamTab) -> None:
    """Build the tab's content inside the Blocks that are open. A lesson may lead to the tab `dream` with
    settings of its own.
    """
    classroom = Classroom()

    def lesson_request(request: str) -> str:
        return json.dumps(classroom.answer(json.loads(request)))

    page = files("studio.app").joinpath("lessons_page")
    shown = gr.HTML(
        html_template='<div class="lessons"></div>',
        js_on_load=page.joinpath("lessons.js").read_text("utf-8"),
        server_functions=[lesson_request],
        apply_default_css=False,
    )

    def visit(event: gr.EventData) -> list[Any]:
        """Open the Dream tab with what a lesson found; the photo and whatever else is set there stay as they
        are.
        """
        found = wanted(getattr(event, "settings", None))
        now = zip(dream.dials, untouched(dream.dials), strict=True)
        return [gr.Tabs(selected="dream"), *(found.get(name, as_it_is) for name, as_it_is in now)]

    shown.visit(
        visit,
        None,
        [tabs, *dream.dials.values()],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )

    def lesson(request: dict[str, Any]) -> dict[str, Any]:
        """Ask a lesson: {"do": "course"}, {"do": "open", "lesson", "session", "settings"} or {"do": "event",
        "session", "event"}.
        """
        return classroom.answer(request)

    gr.api(lesson, api_name="lesson")  # type: ignore[attr-defined]


def wanted(settings: Any) -> dict[str, Any]:
    """A lesson's wishes for the Dream tab's dials, if the recipe takes them; raises `gr.Error` with its
    sentence otherwise.
    """
    try:
        found = check(DreamRecipe, dict(settings or {}))
    except (StudioError, TypeError, ValueError) as error:
        raise gr.Error(str(error), print_exception=False) from None
    values = {
        name: getattr(found, name) for name in found.model_fields_set if name in DreamRecipe.model_fields
    }
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def lessons_style() -> str:
    """The style sheet of the tab, to stand after the studio's own."""
    return files("studio.app").joinpath("lessons_page/lessons.css").read_text("utf-8")
