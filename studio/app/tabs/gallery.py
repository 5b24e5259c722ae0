"""The Gallery tab: the wall of works and one work large.

Both are one widget. It reads through the desk, and asks for what leads to another tab by events. Which tab a
work leads to is said by the table of kinds and by what the tabs offer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import gradio as gr

from studio.app.desk import Desk
from studio.app.following import ALOUD, FOLLOWS, QUICK
from studio.app.room import Entrance, Room, TabOffers, filled, kinds_shown, nonce
from studio.app.sentences import said
from studio.app.tray import visitor_of
from studio.app.widgets import answer, widget
from studio.errors import StudioError
from studio.works.finding import ORDERS, Search


def gallery_tab(room: Room) -> TabOffers:
    """Build the tab's content inside the Blocks that are open. The tabs it leads to are built already."""
    again = room.those_with("again")
    own = ("use", "start", "remake")
    wall = widget(
        "gallery",
        server=_server_functions(room.desk),
        events=(*own, *(f"{how}_{tab}" for tab in again for how in ("again", "ask_again"))),
        kinds=kinds_shown(room.offers),
        sorts=[(name, order.label) for name, order in ORDERS.items()],
        largest_upload=room.largest_upload,
    )
    _lead_to_sources(room, wall)
    for tab, entrance in again.items():
        _lead_back(room, wall, tab, entrance)
    wall.remake(_remaking(room.desk), None, wall, **FOLLOWS)
    return TabOffers()


def _server_functions(desk: Desk) -> tuple[Callable[..., dict[str, Any]], ...]:
    def works(asked: dict[str, Any]) -> dict[str, Any]:
        return answer(lambda: _page_of_works(desk, asked))

    def work(id: str) -> dict[str, Any]:
        return answer(lambda: desk.work(str(id)))

    def star(asked: dict[str, Any]) -> dict[str, Any]:
        return answer(lambda: {"works": desk.star(asked.get("ids", ()), starred=bool(asked.get("starred")))})

    def remove(asked: dict[str, Any]) -> dict[str, Any]:
        return answer(lambda: desk.discard(asked.get("ids", ())))

    def bring_back(asked: dict[str, Any]) -> dict[str, Any]:
        return answer(lambda: {"back": desk.bring_back(asked.get("ids", ()))})

    def delete_for_good(asked: dict[str, Any]) -> dict[str, Any]:
        return answer(lambda: {"deleted": desk.delete_for_good(asked.get("ids", ()))})

    def trash(_: Any = None) -> dict[str, Any]:
        return answer(lambda: (told := desk.trash()) | {"removed": told["total"]})

    def recognise(offered: dict[str, Any]) -> dict[str, Any]:
        return answer(lambda: desk.recognise(offered))

    def shelf(_: Any = None) -> dict[str, Any]:
        return answer(lambda: {"works": desk.on_show()})

    return works, work, star, remove, bring_back, delete_for_good, trash, recognise, shelf


def _page_of_works(desk: Desk, asked: dict[str, Any]) -> dict[str, Any]:
    """The works that the page asks for, and what its buttons need to know."""
    named = {
        name: str(asked.get(name) or "") for name in ("text", "kind", "starred", "since", "sort", "after")
    }
    days = int(named["since"]) if named["since"].isdecimal() else 0
    today = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    since = today - timedelta(days=min(days, 36_500) - 1) if days else None
    search = Search(named["text"][:200], named["kind"] or None, bool(named["starred"]), since)
    order = named["sort"] or next(iter(ORDERS))
    found = desk.search(search, named["after"] or None, order=order)
    return found | {"kinds": desk.kinds_here(), "removed": desk.trash()["total"]}


def _lead_to_sources(room: Room, wall: gr.HTML) -> None:
    """A picture becomes the next source on the first tab that takes one; the empty wall leads there too."""
    tab, entrance = next(iter(room.those_with("next_source").items()))

    def use(event: gr.EventData) -> list[Any]:
        return [gr.Tabs(selected=tab), *filled(entrance, str(event.id))]

    wall.use(use, None, [room.tabs, *entrance.outputs], **ALOUD)
    wall.start(lambda: gr.Tabs(selected=tab), None, room.tabs, **QUICK)


def _lead_back(room: Room, wall: gr.HTML, tab: str, entrance: Entrance) -> None:
    """A work goes back to the tab it was made on, with its sources and settings."""

    def again(event: gr.EventData) -> list[Any]:
        bars = [int(bar) for bar in getattr(event, "bars", ()) or ()]
        return [gr.Tabs(selected=tab), *filled(entrance, str(event.id), bars)]

    outputs = [room.tabs, *entrance.outputs]
    getattr(wall, f"again_{tab}")(again, None, outputs, **ALOUD)
    asked = getattr(wall, f"ask_again_{tab}")(again, None, outputs, **ALOUD)
    if entrance.then:
        asked.success(None, None, None, js=entrance.then, api_visibility="private")


def _remaking(desk: Desk) -> Callable[[gr.EventData, gr.Request], Iterator[dict[str, Any]]]:
    def remake(event: gr.EventData, asker: gr.Request) -> Iterator[dict[str, Any]]:
        id = str(event.id)
        try:
            for told in desk.remake(id, visitor_of(asker)):
                mood = "busy" if "identical" not in told else "good" if told["identical"] else "bad"
                yield {"remaking": id, "sentence": told["sentence"], "mood": mood, "nonce": nonce()}
        except StudioError as error:
            yield {"remaking": id, "sentence": said(error), "mood": "bad", "nonce": nonce()}

    return remake
