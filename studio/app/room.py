"""What the tabs of the page share while they are built, and what each offers to the others.

No tab imports another. A tab returns its `TabOffers`; the tabs after it find them in the `Room` by its id, so
that a kind of work is sent to the tab that its row in `studio.making.kinds.KINDS` names.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from studio.app.desk import Desk
from studio.app.sentences import said
from studio.errors import StudioError
from studio.making.kinds import KINDS


@dataclass(frozen=True)
class Entrance:
    """A way for another tab to bring something to this one.

    outputs: the components that change. fill: gives their values for what is brought; it may raise a
    `StudioError`. label: what the button that leads here says. then: JavaScript that asks for what was
    brought at once, or "".
    """

    outputs: Sequence[Any]
    fill: Callable[..., list[Any]]
    label: str = ""
    then: str = ""


@dataclass(frozen=True)
class TabOffers:
    """What a tab offers to the others. What is None it does not offer.

    next_source: `fill(id)` brings a work of the gallery as the source of the next one.
    again: `fill(id, bars)` brings a work's own sources and settings; bars (from 1) of it are to be kept.
    settings: `fill(settings)` brings settings alone.
    medium: how the works of this tab are shown, as a "picture" or as a "melody".
    losses: what their losses mean, in words.
    """

    next_source: Entrance | None = None
    again: Entrance | None = None
    settings: Entrance | None = None
    medium: str = "picture"
    losses: str = "The loss"


@dataclass(frozen=True)
class Tab:
    """A tab of the page: its id in addresses, its label, and what builds it. `style` is appended to the style
    sheet.
    """

    id: str
    label: str
    build: Callable[[Room], TabOffers]
    style: Callable[[], str] = str


@dataclass
class Room:
    """What a tab may use while it is built.

    largest_upload: bytes. offers: those of the tabs before it, by their ids. labels: those of all tabs.
    """

    desk: Desk
    page: gr.Blocks
    tabs: gr.Tabs
    largest_upload: int
    offers: dict[str, TabOffers] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    def those_with(self, what: str) -> dict[str, Any]:
        """What the tabs offer under this name of `TabOffers`, by the tabs' ids."""
        return {id: found for id, offers in self.offers.items() if (found := getattr(offers, what))}


def kinds_shown(offers: dict[str, TabOffers]) -> list[dict[str, str]]:
    """The kinds of work as the gallery shows them.

    Each has its name, label (for several works), medium, losses (what they mean), tab (which makes another
    one like it, or "") and again (what the button that leads there says, or "").
    """
    shown = []
    for name, kind in KINDS.items():
        there = offers.get(kind.tab, TabOffers())
        shown.append(
            {
                "name": name,
                "label": kind.plural,
                "medium": there.medium,
                "losses": there.losses,
                "tab": kind.tab if there.again else "",
                "again": there.again.label if there.again else "",
            }
        )
    return shown


def nonce() -> str:
    """Something new to tell a widget, so that it hears the same message twice."""
    return secrets.token_hex(4)


def refusal(sentence: str, field: str = "") -> dict[str, Any]:
    """What a widget is told when a request cannot be met. field: the setting that is wrong by itself."""
    return {"state": "refused", "message": sentence, "field": field, "nonce": nonce()}


def filled(entrance: Entrance, *brought: Any) -> list[Any]:
    """Values for the entrance's outputs. What cannot be brought is shown as Gradio shows errors."""
    with refuse_aloud():
        return entrance.fill(*brought)


@contextmanager
def refuse_aloud() -> Iterator[None]:
    """What cannot be done in the block is shown as Gradio shows errors. The handler must be bound `ALOUD`."""
    try:
        yield
    except StudioError as error:
        raise gr.Error(said(error), print_exception=False) from None


def warn_of_link(error: StudioError) -> None:
    """Show why nothing was taken from the page's address, where the handler is bound `ALOUD`, and go on."""
    gr.Warning(said(error))
