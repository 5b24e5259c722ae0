"""Every action of the page as a named endpoint, for `gradio_client` and plain HTTP.

Works and jobs go by id, files by upload and download; no path of this machine is taken or told.
"""

# No `from __future__ import annotations` here: Gradio reads the return types from the signatures as they
# stand.

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
from studio.app.music_routes import export_name
from studio.errors import StudioError
from studio.images.networks.backbones import DEFAULT
from studio.images.networks.backbones import layers as layers_of
from studio.making.kinds import KINDS
from studio.music.writing.formats import by_name
from studio.works.recipe import controls


def endpoints(desk: Desk) -> None:
    """Add the endpoints to the Blocks that are open."""

    def parted(kind: str, given: tuple[Any, ...]) -> tuple[tuple[Any, ...], Credit, dict[str, Any]]:
        """What an endpoint that makes something was given: files by role, whose they are, and the wishes."""
        roles, parameters = (
            KINDS[kind].roles,
            [control.name for control in controls(KINDS[kind].recipe_class())],
        )
        files, credit, wished = (
            given[: len(roles)],
            given[len(roles) : len(roles) + len(CREDIT)],
            given[len(roles) + len(CREDIT) :],
        )
        wishes = {name: value for name, value in zip(parameters, wished, strict=True) if value is not None}
        if wishes.get("size") == "own":
            wishes["size"] = None
        return files, Credit(*(text or "" for text in credit)), wishes

    def ordered(
        kind: str, given: tuple[Any, ...], weights_sha256: str | None, **others: list[dict[str, str]]
    ) -> dict[str, Any]:
        files, credit, wishes = parted(kind, given)
        if weights_sha256:
            wishes["weights_sha256"] = weights_sha256
        offered: dict[str, list[Any]] = {
            role: [*({"file": file} for file in _listed(some or [])), *others.get(role, ())]
            for role, some in zip(KINDS[kind].roles, files, strict=True)
        }
        return desk.job(desk.order(kind, wishes, offered, credit))

    def dream(*given: Any) -> dict[str, Any]:
        """Ask for a dream on a photo; answers with the job, at once. What is left out comes from the preset,
        then from the recipe.

        `size` may be the word own; `weights` that are no safetensors come with their `weights_sha256`. Follow
        the job with /follow, or look at it with /job; once made it names its work."""
        return ordered("dream", given[:-1], given[-1])

    def style(*given: Any) -> dict[str, Any]:
        """Ask for a photo painted in the style of one or more paintings (`style`: a list of files; `own`:
        names of the studio's own, see /paintings); answers with the job, at once."""
        return ordered("style", given[:-2], given[-2], style=[{"study": name} for name in given[-1] or ()])

    def notes(work: str) -> dict[str, Any]:
        """A melody as numbers: seconds, where bars begin, and every note with where it comes from."""
        return desk.music.timing(desk.gallery.get(work))

    def compose(*given: Any) -> dict[str, Any]:
        """Ask for a melody; answers with the job, at once. `tune`: a list of scores, or .zip of them, that
        are the style instead of the one named; `take`: a score that bars are kept from (`keep`); `theme`: one
        that attracts or repels."""
        (tunes, take, theme), credit, wishes = parted("compose", given)
        others = {role: {"file": file} for role, file in (("take", take), ("theme", theme)) if file}
        return desk.job(desk.compose(wishes, _listed(tunes or []), credit, others=others)[0])

    def compose_again(work: str, bars: list[int], seed: int = 0) -> dict[str, Any]:
        """Ask for a melody of the gallery again with other notes, but for these bars (from 1); answers with
        the job, at once.
        """
        return desk.job(desk.compose_around(work, bars, seed)[0])

    def ways_out(job: str) -> list[dict[str, Any]]:
        """What a job whose wishes conflict could leave out: label, and the field of the recipe with its new
        value.
        """
        return desk.ways_out(job)

    def styles() -> list[dict[str, Any]]:
        """The musical styles: name, title, sentence, source, licence, tunes, and whether it must be fetched
        first (`to_fetch`).
        """
        return desk.styles()

    def job(job: str) -> dict[str, Any]:
        """How a job stands: state, steps, what is going on, a preview as data URL, seconds left, and the work
        once it is made.
        """
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

        return [
            {"name": each.name, "sentence": each.sentence, "values": dict(each.values)}
            for each in PRESETS.values()
        ]

    def layers(backbone: str = DEFAULT) -> list[dict[str, Any]]:
        """The layers of a network that can dream: name, channels, and what each tends to show."""
        return [
            {"name": each.name, "channels": each.channels, "shows": each.shows}
            for each in layers_of(backbone)
        ]

    def paintings() -> list[dict[str, str]]:
        """The studio's own paintings: name, title, and the rule each was painted by."""
        from studio.images.paintings.catalogue import PAINTINGS

        return [
            {"name": each.name, "title": each.title, "sentence": each.sentence} for each in PAINTINGS.values()
        ]

    def works(text: str = "", kind: str = "", after: str = "", limit: int = PAGE) -> dict[str, Any]:
        """Works of the gallery, newest first, and how many there are in all. `after` is the last id of the
        page before.
        """
        return desk.works(text, kind or None, after or None, limit)

    def work(work: str) -> dict[str, Any]:
        """Everything about one work: recipe, sources with credit, parents and children. The first letters of
        an id are enough.
        """
        return desk.work(work)

    def remake(work: str) -> Iterator[dict[str, Any]]:
        """Make a work again and say whether it came out identical, or by how much it differs and why."""
        yield from desk.remake(work)

    def remove(work: str) -> str:
        """Remove a work from the gallery for good; answers with its whole id."""
        return desk.remove(work)

    for making in (dream, style, compose):
        _sign(making)
    at_once: dict[str, Any] = {"queue": False}
    following: dict[str, Any] = {"concurrency_id": "follow", "concurrency_limit": None}
    for action, how in (
        (dream, {"concurrency_id": "ask"}),
        (style, {"concurrency_id": "ask"}),
        (notes, {"concurrency_id": "ask"}),
        (compose, {"concurrency_id": "ask"}),
        (compose_again, {"concurrency_id": "ask"}),
        (ways_out, at_once),
        (styles, at_once),
        (job, at_once),
        (follow, following),
        (cancel, at_once),
        (again, at_once),
        (presets, at_once),
        (layers, at_once),
        (paintings, at_once),
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
        # Into the cache that `delete_cache` empties, under the name a person would give it; the gallery's own
        # folder is never served.
        path: str = save_bytes_to_cache(desk.gallery.read(found), download_name(found), lent.GRADIO_CACHE)
        lent.temp_files.add(path)
        return path

    def export(work: str, form: str) -> str:
        """A melody in another format, by the format's name, with a recipe inside that makes this file."""
        found, format = desk.gallery.get(work), by_name(form)
        content = desk.music.file(found, format).read_bytes()
        path: str = save_bytes_to_cache(content, export_name(found, format), lent.GRADIO_CACHE)
        lent.temp_files.add(path)
        return path

    named, asked = gr.Textbox(visible=False), gr.Button(visible=False)
    formed, exported = gr.Textbox(visible=False), gr.Button(visible=False)
    exported.click(
        _in_a_sentence(export),
        [named, formed],
        lent,
        api_name="export",
        show_progress="hidden",
        concurrency_id="ask",
    )
    asked.click(
        _in_a_sentence(file), named, lent, api_name="file", show_progress="hidden", concurrency_id="ask"
    )


CREDIT = tuple(field.name for field in fields(Credit))


SEVERAL = frozenset({"style", "tune"})
"""Roles that several files may have."""


def _listed(files: Any) -> list[Any]:
    return list(files) if isinstance(files, list | tuple) else [files]


def _sign(action: Callable[..., Any]) -> None:
    """Give the endpoint a parameter for each file and each of the recipe's, so that clients see them by name;
    None is "not wished for".

    The action is called as its kind. A kind that implies nothing needs its first file.
    """
    kind = KINDS[action.__name__]
    place = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = []
    for number, role in enumerate(kind.roles):
        file: Any = list[gr.FileData] if role in SEVERAL else gr.FileData
        needed = number == 0 and not kind.implied
        parameters.append(
            inspect.Parameter(role, place, annotation=file)
            if needed
            else inspect.Parameter(role, place, default=None, annotation=file | None)
        )
    parameters += [inspect.Parameter(name, place, default=None, annotation=str | None) for name in CREDIT]
    taken = {*kind.roles, *CREDIT}
    for control in controls(kind.recipe_class()):
        one = str | int if control.name == "size" else control.type
        annotation = (list[one] if control.many else one) | None  # type: ignore[valid-type]
        name = f"work_{control.name}" if control.name in taken else control.name
        parameters.append(inspect.Parameter(name, place, default=None, annotation=annotation))
    if "weights" in kind.roles:
        parameters.append(inspect.Parameter("weights_sha256", place, default=None, annotation=str | None))
    if action.__name__ == "style":
        parameters.append(inspect.Parameter("own", place, default=None, annotation=list[str] | None))
    action.__signature__ = inspect.Signature(parameters, return_annotation=dict[str, Any])  # type: ignore[attr-defined]
    action.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": dict[str, Any]}


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
