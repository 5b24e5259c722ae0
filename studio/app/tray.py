"""The tray: the works that wait or run, on every tab, and what a visitor can do with those of their own."""

from __future__ import annotations

import re
from typing import Any

import gradio as gr

from studio.app.desk import Desk
from studio.app.widgets import answer, widget

VISITOR = "studio-visitor"
"""The cookie with the number that a browser made up for itself (`js/visitor.js`)."""


def visitor_of(request: gr.Request) -> str:
    """Whose request this is, as the queue knows visitors; "" where the browser does not say."""
    return _number(request.cookies.get(VISITOR))


def tray(desk: Desk) -> gr.HTML:
    """The tray as a widget, in the layout that is open."""

    def queue(asked: dict[str, Any]) -> dict[str, Any]:
        given = asked.get("unseen")
        unseen = [str(id) for id in given] if isinstance(given, list) else []
        owner, previews = owner_of(asked), bool(asked.get("previews"))
        return answer(lambda: desk.queue(owner, unseen, previews=previews))

    def cancel(asked: dict[str, Any]) -> dict[str, Any]:
        return answer(lambda: {"cancelled": desk.cancel(str(asked.get("job")), owner_of(asked))})

    def up(asked: dict[str, Any]) -> dict[str, Any]:
        return answer(lambda: {"moved": desk.move_up(str(asked.get("job")), owner_of(asked))})

    return widget("tray", server=(queue, cancel, up))


def owner_of(asked: dict[str, Any]) -> str:
    """Whoever sends no number owns nothing."""
    return _number(asked.get("owner")) or "nobody"


def _number(given: Any) -> str:
    return given if isinstance(given, str) and re.fullmatch(r"[0-9a-f]{32}", given) else ""
