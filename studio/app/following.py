"""How a tab with a stage follows the job it asked for: step by step, and again after a reload."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from studio.app.desk import Desk
from studio.app.intake import sources_of
from studio.errors import StudioError
from studio.works.recipe import Recipe

ENDED = frozenset({"made", "failed", "cancelled", "interrupted"})

QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""How a handler is bound that answers in a moment."""

ALOUD: dict[str, Any] = {
    "concurrency_id": "aloud",
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""How a handler is bound that answers in a moment and may refuse aloud (`room.refuse_aloud`): Gradio shows
nothing of what is refused outside its queue.
"""

FOLLOWS: dict[str, Any] = {
    "concurrency_id": "follow",
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""How a handler is bound that follows a job.

Following is cheap, and works are made elsewhere, one at a time, so any number of visitors may follow at once.
"""


def found_again(
    desk: Desk, job: str | None, more: Callable[[Recipe], dict[str, Any]] | None = None
) -> Iterator[tuple[Any, bool]]:
    """After a reload: the same job's sources, and how far it is, each time with whether the buttons may be
    pressed. more: what else comes back with them.
    """
    try:
        if not job:
            yield None, True
            return
        recipe = desk.recipe_of_job(str(job))
        found = sources_of(recipe, job=str(job)) | (more(recipe) if more else {})
        for told in desk.follow(str(job)):
            yield told | {"found": found}, told["state"] in ENDED
    except StudioError:
        # The job was dropped from the ledger, or its work from the gallery: the stage is empty.
        yield None, True
