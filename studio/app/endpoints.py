"""Every action of the page as a named endpoint, for `gradio_client` and plain HTTP.

Works and jobs go by id, files by upload and download; no path of this machine is taken or told.
"""

# No `from __future__ import annotations` here: Gradio reads the return types from the signatures as they stand.

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import gradio as gr
from gradio.events import api
from gradio.processing_utils import save_bytes_to_cache

from studio.app.desk import PAGE, Desk
from studio.app.intake import Credit, download_name
from studio.errors import StudioError
from studio.images.recipes import DreamRecipe
from studio.kinds import KINDS
from studio.works.recipe import controls


def endpoints(desk: Desk) -> None:
    """Add the endpoints to the Blocks that are open."""

    roles = KINDS["dream"].roles
    parameters = [control.name for control in controls(DreamRecipe)]

    def dream(*given: Any) -> dict[str, Any]:
        """Ask for a dream on a photo; answers with the job, at once. What is left out comes from the preset, then from the recipe.

        `size` may be the word own. Follow the job with /follow, or look at it with /job; once made it names its work."""
        values = dict(zip((*roles, *CREDIT, *parameters), given, strict=True))
        wishes = {name: values[name] for name in parameters if values[name] is not None}
        if wishes.get("size") == "own":
            wishes["size"] = None
        files = {role: {"file": values[role]} for role in roles if values[role]}
        return desk.job(desk.order("dream", wishes, files, Credit(*(values[name] or "" for name in CREDIT))))

    def job(job: str) -> dict[str, Any]:
        """How a job stands: state, steps, what is going on, a preview as data URL, seconds left, and the work once it is made."""
        return desk.job(job)

    def follow(job: str) -> Iterator[dict[str, Any]]:
        """How a job stands, again and again until it has ended. The job goes on whoever stops following."""
        yield from desk.follow(job)

    def cancel(job: str) -> dict[str, Any]:
        """Stop a job before its next step, or take it out of the queue."""
        desk.cancel(job)
        return desk.job(job)

    def again(job: str) -> dict[str, Any]:
        """Ask once more for a job that was cancelled, failed or was interrupted; answers with the new job."""
        return desk.job(desk.again(job))

    def presets() -> list[dict[str, Any]]:
        """The looks with a name: name, sentence, and what they set."""
        from studio.images.presets import PRESETS

        return [{"name": each.name, "sentence": each.sentence, "values": dict(each.values)} for each in PRESETS.values()]

    def works(text: str = "", kind: str = "", after: str = "", limit: int = PAGE) -> dict[str, Any]:
        """Works of the gallery, newest first, and how many there are in all. `after` is the last id of the page before."""
        return desk.works(text, kind or None, after or None, limit)

    def work(work: str) -> dict[str, Any]:
        """Everything about one work: recipe, sources with credit, parents and children. The first letters of an id are enough."""
        return desk.work(work)

    def remake(work: str) -> Iterator[dict[str, Any]]:
        """Make a work again and say whether it came out identical, or by how much it differs and why."""
        yield from desk.remake(work)

    def remove(work: str) -> str:
        """Remove a work from the gallery for good; answers with its whole id."""
        return desk.remove(work)

    _sign(dream, roles)
    at_once: dict[str, Any] = {"queue": False}
    following: dict[str, Any] = {"concurrency_id": "follow", "concurrency_limit": None}
    for action, how in (
        (dream, {"concurrency_id": "ask"}),
        (job, at_once),
        (follow, following),
        (cancel, at_once),
        (again, at_once),
        (presets, at_once),
        (works, at_once),
        (work, at_once),
        (remake, following),
        (remove, at_once),
    ):
        api(_in_a_sentence(action), api_name=action.__name__, **how)

    lent = gr.File(visible=False)

    def file(work: str) -> str:
        """A work's own file, byte for byte, with its recipe inside."""
        found = desk.gallery.get(work)
        # Into the cache that `delete_cache` empties, under the name a person would give it; the gallery's own folder is never served.
        path: str = save_bytes_to_cache(desk.gallery.read(found), download_name(found), lent.GRADIO_CACHE)
        lent.temp_files.add(path)
        return path

    named, asked = gr.Textbox(visible=False), gr.Button(visible=False)
    asked.click(_in_a_sentence(file), named, lent, api_name="file", show_progress="hidden", concurrency_id="ask")


CREDIT = tuple(field.name for field in fields(Credit))


def _sign(dream: Callable[..., Any], roles: tuple[str, ...]) -> None:
    """Give the endpoint a parameter for each file and each of the recipe's, so that clients see them by name; None is "not wished for"."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(roles[0], kind, annotation=gr.FileData)]
    parameters += [inspect.Parameter(role, kind, default=None, annotation=gr.FileData | None) for role in roles[1:]]
    parameters += [inspect.Parameter(name, kind, default=None, annotation=str | None) for name in CREDIT]
    for control in controls(DreamRecipe):
        one = str | int if control.name == "size" else control.type
        annotation = (list[one] if control.many else one) | None  # type: ignore[valid-type]
        parameters.append(inspect.Parameter(control.name, kind, default=None, annotation=annotation))
    dream.__signature__ = inspect.Signature(parameters, return_annotation=dict[str, Any])  # type: ignore[attr-defined]
    dream.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": dict[str, Any]}


def _in_a_sentence(action: Callable[..., Any]) -> Callable[..., Any]:
    """The same action; what cannot be met reaches the caller as that one sentence."""
    if inspect.isgeneratorfunction(action):

        @functools.wraps(action)
        def told(*values: Any) -> Iterator[Any]:
            try:
                yield from action(*values)
            except StudioError as error:
                raise gr.Error(str(error), print_exception=False) from None

    else:

        @functools.wraps(action)
        def told(*values: Any) -> Any:
            try:
                return action(*values)
            except StudioError as error:
                raise gr.Error(str(error), print_exception=False) from None

    return told
