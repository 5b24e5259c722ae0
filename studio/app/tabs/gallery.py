"""The Gallery tab: the wall of works and one work large. Both are one widget; it reads through the desk and
asks for deeds by events.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import gradio as gr

from studio.app.desk import Desk, offers
from studio.app.tabs.compose import ASK_ONCE_MORE, ComposeTab
from studio.app.tabs.dream import DreamTab
from studio.app.tabs.style import StyleTab
from studio.app.views import work_view
from studio.app.widgets import answer, widget
from studio.errors import StudioError
from studio.making.kinds import KINDS

MANY = {"compose": "Melodies", "style": "Paintings"}
"""What several works of a kind are called, where that is not the kind's name with an s."""


def gallery_tab(
    desk: Desk, page: gr.Blocks, tabs: gr.Tabs, dream: DreamTab, compose: ComposeTab, style: StyleTab
) -> gr.HTML:
    """Build the tab's content inside `page`, which is open."""

    def works(asked: dict[str, Any]) -> dict[str, Any]:
        text, kind, after = (asked.get(name) or None for name in ("text", "kind", "after"))
        return answer(lambda: desk.works(str(text or "")[:200], kind, after) | {"kinds": desk.kinds_here()})

    def work(id: str) -> dict[str, Any]:
        return answer(lambda: desk.work(str(id)))

    def remove(id: str) -> dict[str, Any]:
        return answer(lambda: {"removed": desk.remove(str(id))})

    kinds = [{"name": name, "label": MANY.get(name, f"{name.capitalize()}s")} for name in KINDS]
    wall = widget("gallery", server=(works, work, remove), shared=("melody",), kinds=kinds)

    def use(event: gr.EventData) -> tuple[Any, dict[str, Any]]:
        """Bring a work to the Dream tab as the next source."""
        return gr.Tabs(selected="dream"), {
            "state": "offer",
            "photo": {"work": str(event.id)},
            "nonce": secrets.token_hex(4),
        }

    def again(event: gr.EventData) -> list[Any]:
        """Bring a work's own source and settings to the Dream tab."""
        try:
            found = desk.gallery.get(str(event.id))
            settings = desk.settings(found.recipe_json)
        except StudioError as error:
            raise gr.Error(str(error), print_exception=False) from None
        offer = {"state": "offer", **offers(found.recipe_json, work=found.id), "nonce": secrets.token_hex(4)}
        return [gr.Tabs(selected="dream"), offer, *dream.load(settings)]

    def compose_again(event: gr.EventData) -> list[Any]:
        """Bring a melody and its wishes to the Compose tab, and what bars of it are to be kept."""
        try:
            id = str(event.id)
            loaded = compose.load(desk.composed(id), id)
            kept = [int(bar) for bar in getattr(event, "bars", ()) or ()]
            works = [work_view(desk.gallery.get(id)).model_dump()]
            shown = {"state": "offer", "works": works, "kept": kept, "nonce": secrets.token_hex(4)}
        except StudioError as error:
            raise gr.Error(str(error), print_exception=False) from None
        return [gr.Tabs(selected="compose"), shown, *loaded]

    def remake(event: gr.EventData) -> Iterator[dict[str, Any]]:
        id = str(event.id)
        try:
            for told in desk.remake(id):
                mood = "busy" if "identical" not in told else "good" if told["identical"] else "bad"
                yield {
                    "remaking": id,
                    "sentence": told["sentence"],
                    "mood": mood,
                    "nonce": secrets.token_hex(4),
                }
        except StudioError as error:
            yield {"remaking": id, "sentence": str(error), "mood": "bad", "nonce": secrets.token_hex(4)}

    def open_work(event: gr.EventData) -> tuple[Any, dict[str, Any]]:
        return gr.Tabs(selected="gallery"), {"open": str(event.id), "nonce": secrets.token_hex(4)}

    def arrive(request: gr.Request) -> tuple[Any, Any]:
        named = request.query_params.get("work")
        if not named:
            return gr.skip(), None
        return gr.Tabs(selected="gallery"), {"open": str(named)[:64], "nonce": secrets.token_hex(4)}

    quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    wall.use(use, None, [tabs, dream.stage], **quick)
    wall.again(again, None, [tabs, dream.stage, *dream.dials.values()], **quick)
    to_compose = [tabs, compose.takes, *compose.loaded]
    wall.compose_again(compose_again, None, to_compose, **quick)
    wall.ask_again(compose_again, None, to_compose, **quick).then(
        None, None, None, js=ASK_ONCE_MORE, api_visibility="private"
    )
    wall.to_dream(lambda: gr.Tabs(selected="dream"), None, tabs, **quick)
    wall.arrive(lambda: gr.Tabs(selected="gallery"), None, tabs, **quick)
    wall.remake(
        remake,
        None,
        wall,
        concurrency_id="follow",
        concurrency_limit=None,
        show_progress="hidden",
        api_visibility="private",
    )
    dream.stage.open_work(open_work, None, [tabs, wall], **quick)
    compose.takes.open_work(open_work, None, [tabs, wall], **quick)
    style.stage.open_work(open_work, None, [tabs, wall], **quick)
    page.load(arrive, None, [tabs, wall], **quick)
    return wall
