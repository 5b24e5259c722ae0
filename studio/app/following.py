"""How a tab with a stage follows the job it asked for: step by step, and again after a reload."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from studio.app.desk import Desk, offers
from studio.errors import StudioError

ENDED = frozenset({"made", "failed", "cancelled", "interrupted"})

QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""How a handler is bound that answers in a moment."""

FOLLOWS: dict[str, Any] = {
    "concurrency_id": "follow",
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""And one that follows a job: that is cheap and the making is queued elsewhere, one at a time, so many
visitors may follow at once.
"""


def followed(desk: Desk, job: str, **more: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """What the stage is told of a job until it has ended, and whether the button may be pressed again. more:
    what else it is told.
    """
    for told in desk.follow(job):
        yield told | more, gr.update(interactive=told["state"] in ENDED)


def found_again(
    desk: Desk, job: str | None, more: Callable[[str], dict[str, Any]] = lambda _: {}
) -> Iterator[tuple[Any, Any]]:
    """After a reload: the same job's sources, and how far it is. more: what else comes back to the desk, by
    the recipe's JSON.
    """
    try:
        if not job:
            yield None, gr.update(interactive=True)
            return
        recipe_json = desk.jobs.latest(str(job)).recipe_json
        yield from followed(desk, str(job), found=offers(recipe_json, job=str(job)) | more(recipe_json))
    except StudioError:
        # The job was dropped from the ledger, or its work from the gallery: an empty stage is the honest
        # answer.
        yield None, gr.update(interactive=True)
