"""Every action of the page as a named endpoint, for `gradio_client` and plain HTTP.

Works and jobs are named by their ids, files come by upload and go by download. No path of this computer is
accepted or shown. The endpoints that make works are generated from the table of kinds.
"""

# No `from __future__ import annotations` here: Gradio reads the types from the signatures as they stand.

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import gradio as gr
from gradio.events import api

from studio.app.desk import PAGE, Desk
from studio.app.gradio_patches import lend_file
from studio.app.intake import Credit, download_name
from studio.app.music_routes import export_name
from studio.app.sentences import said
from studio.errors import Refused, StudioError
from studio.images.networks.backbones import DEFAULT
from studio.images.networks.backbones import layers as layers_of
from studio.making.exporting import format_of, in_format
from studio.making.kinds import KINDS, Kind, Role
from studio.works.recipe import Control

Action = Callable[..., Any]

CREDIT = tuple(field.name for field in fields(Credit))

BUNDLED = "own"
"""The parameter that names what comes with the studio, such as one of its own paintings."""

ASKS: dict[str, Any] = {"concurrency_id": "ask"}
AT_ONCE: dict[str, Any] = {"queue": False}
FOLLOWS: dict[str, Any] = {"concurrency_id": "follow", "concurrency_limit": None}
"""How endpoints are bound that ask for a work, that answer in a moment, and that follow a job."""


def endpoints(desk: Desk) -> None:
    """Add the endpoints to the Blocks that are open."""
    for kind in KINDS.values():
        _bind(making_endpoint(kind, desk), ASKS)
    for actions in (melody_endpoints, song_endpoints, job_endpoints, table_endpoints, gallery_endpoints):
        for action, how in actions(desk):
            _bind(action, how)
    _file_endpoints(desk)


def _bind(action: Action, how: dict[str, Any]) -> None:
    api(_in_a_sentence(action), api_name=action.__name__, **how)


# --- Making


def making_endpoint(kind: Kind, desk: Desk) -> Action:
    """The endpoint that asks for a work of this kind; its parameters are those of `parameters_of(kind)`."""
    parameters = parameters_of(kind)
    names = [parameter.name for parameter in parameters]

    def ask(*values: Any) -> dict[str, Any]:
        given = dict(zip(names, values, strict=True))
        offered: dict[str, list[Any]] = {}
        for role in kind.roles:
            offered[role.name] = [{"file": file} for file in _listed(given.pop(role.name) or [])]
            if role.bundled:
                offered[role.name] += [_by_name(role, name) for name in _listed(given.pop(BUNDLED) or [])]
        credit = Credit(*(str(given.pop(name) or "") for name in CREDIT))
        settings = {name.removeprefix(CLASHING): value for name, value in given.items() if value is not None}
        if settings.get("size") == "own":
            settings["size"] = None
        return desk.job(desk.order(kind.name, settings, offered, credit))

    ask.__name__ = kind.name
    ask.__doc__ = describe(kind)
    ask.__signature__ = inspect.Signature(parameters, return_annotation=dict[str, Any])  # type: ignore[attr-defined]
    ask.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": dict[str, Any]}
    return ask


def _by_name(role: Role, name: Any) -> dict[str, Any]:
    """What goes by that name, as the page offers it; see `intake.Offer`."""
    learnt = isinstance(name, str) and name in role.named_table() and name not in role.bundled_table()
    return {"learnt" if learnt else "study": name}


CLASHING = "work_"
"""Goes before a setting that is called like a role or a part of the credit."""


def describe(kind: Kind) -> str:
    """What the endpoint of this kind does, for the documentation of the API."""
    said = f"Ask for a {kind.label.lower()}; returns the job at once. Follow it with /follow or /job."
    for role in kind.roles:
        files = "files" if role.several else "a file"
        said += f" `{role.name}`: {files}. {role.help}"
        if role.bundled:
            learnt = " or that painters have learnt here" * bool(role.own)
            said += f" `{BUNDLED}`: names of those that come with the studio{learnt}."
    return said


def parameters_of(kind: Kind) -> list[inspect.Parameter]:
    """The endpoint's parameters: files by role, the first one's credit, every setting of the recipe; at the
    end those that came later, so that values that are sent by their place keep their meaning.

    None means "not given". The first file is needed where there is no work without it.
    """
    taken = {*(role.name for role in kind.roles), *CREDIT}
    parameters = [
        _file_parameter(role, needed=role.needed and not number) for number, role in enumerate(kind.roles)
    ]
    parameters += [_optional(name, str) for name in CREDIT]
    settings = {
        control.name: _optional(
            f"{CLASHING}{control.name}" if control.name in taken else control.name, _type_of(control)
        )
        for control in kind.controls(with_format=True)
    }
    later = [settings.pop(name) for name in kind.recipe_class().LAST_IN_CALLS]
    parameters += settings.values()
    parameters += [_optional(f"{role.name}_sha256", str) for role in kind.roles if role.media == "weights"]
    parameters += [_optional(BUNDLED, list[str]) for role in kind.roles if role.bundled]
    return parameters + later


def _file_parameter(role: Role, *, needed: bool) -> inspect.Parameter:
    file: Any = list[gr.FileData] if role.several else gr.FileData
    if needed:
        return inspect.Parameter(role.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=file)
    return _optional(role.name, file)


def _optional(name: str, kind: Any) -> inspect.Parameter:
    place = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Parameter(name, place, default=None, annotation=kind | None)


def _type_of(control: Control) -> Any:
    one: Any = str | int if control.name == "size" else control.type
    return list[one] if control.many else one


def melody_endpoints(desk: Desk) -> list[tuple[Action, dict[str, Any]]]:
    """What can be done with melodies beside composing one."""

    def notes(work: str) -> dict[str, Any]:
        """A melody as numbers: seconds, where bars begin, and every note with where it comes from."""
        return desk.music.timing(desk.library.get(work))

    def compose_again(work: str, bars: list[int], seed: int = 0) -> dict[str, Any]:
        """Keep these bars (numbered from 1) of a melody in the gallery and ask for the others again; returns
        the job at once."""
        return desk.job(desk.compose_around(work, bars, seed)[0])

    def styles() -> list[dict[str, Any]]:
        """The musical styles: name, title, sentence, source, licence, tunes, and whether one must be fetched
        first (`to_fetch`)."""
        return desk.styles()

    return [(notes, ASKS), (compose_again, ASKS), (styles, AT_ONCE)]


def song_endpoints(desk: Desk) -> list[tuple[Action, dict[str, Any]]]:
    """What can be done with songs beside making one."""

    def song_again(work: str, kept: dict[str, Any], seed: int = 0) -> dict[str, Any]:
        """Keep some of a song in the gallery and ask for the rest again; returns the job at once. `kept`:
        lists of entries as /song takes them, such as {"keep_sections": ["A2"], "keep_parts": ["Bass"]}; of
        keep, keep_sections, keep_parts, keep_chords, keep_notes, part_seeds and mix; and perhaps a "form"."""
        from studio.app.song_desk import SongDesk, as_lists

        return desk.job(SongDesk(desk).again(work, as_lists(kept), seed)[0])

    def song_parts(work: str) -> dict[str, Any]:
        """A song's sections, chords, and the parts of its band with their mix."""
        return desk.music.in_parts(desk.library.get(work))

    return [(song_again, ASKS), (song_parts, ASKS)]


# --- Jobs


def job_endpoints(desk: Desk) -> list[tuple[Action, dict[str, Any]]]:
    """What can be done with a job."""

    def ways_out(job: str) -> list[dict[str, Any]]:
        """The single changes that would resolve a job's contradiction: label, recipe field, new value."""
        return desk.ways_out(job)

    def job(job: str) -> dict[str, Any]:
        """How a job stands: state, steps, stage, a preview as data URL, seconds left, and the work once it is
        made."""
        return desk.job(job)

    def follow(job: str) -> Iterator[dict[str, Any]]:
        """How a job stands, again and again until it has ended. The job goes on if you stop following."""
        yield from desk.follow(job)

    def cancel(job: str) -> dict[str, Any]:
        """Stop a job before its next step, or take it out of the queue."""
        desk.cancel(job)
        return desk.job(job)

    def again(job: str) -> dict[str, Any]:
        """Ask once more for a job that was cancelled, failed or was interrupted; returns the new job."""
        return desk.job(desk.again(job))

    return [(ways_out, AT_ONCE), (job, AT_ONCE), (follow, FOLLOWS), (cancel, AT_ONCE), (again, AT_ONCE)]


# --- Tables


def table_endpoints(desk: Desk) -> list[tuple[Action, dict[str, Any]]]:  # noqa: ARG001
    """What there is to choose from."""

    def presets() -> list[dict[str, Any]]:
        """The named looks: name, sentence, and what they set."""
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

    return [(presets, AT_ONCE), (layers, AT_ONCE), (paintings, AT_ONCE)]


# --- The gallery


def gallery_endpoints(desk: Desk) -> list[tuple[Action, dict[str, Any]]]:
    """What can be done with works."""

    def works(text: str = "", kind: str = "", after: str = "", limit: int = PAGE) -> dict[str, Any]:
        """Works of the gallery, newest first, and how many match in all. `after` is the last id of the page
        before."""
        return desk.works(text, kind or None, after or None, limit)

    def work(work: str) -> dict[str, Any]:
        """Everything about one work: recipe, sources with credit, parents and children. The first letters of
        an id are enough."""
        return desk.work(work)

    def recognise(picture: gr.FileData) -> dict[str, Any]:
        """Which work of the gallery a file is: by its bytes, by the recipe inside, or by how it looks, and
        how sure that is."""
        return desk.recognise({"file": picture})

    def remake(work: str) -> Iterator[dict[str, Any]]:
        """Make a work again and say whether it is identical, or by how much it differs and why."""
        yield from desk.remake(work)

    def remove(work: str) -> str:
        """Remove a work from the gallery for good; returns its whole id."""
        return desk.remove(work)

    return [(works, AT_ONCE), (work, AT_ONCE), (recognise, ASKS), (remake, FOLLOWS), (remove, AT_ONCE)]


def _file_endpoints(desk: Desk) -> None:
    """Downloads. Gradio sends files only from its own components, so each of these has invisible ones."""
    lent = gr.File(visible=False)

    def file(work: str) -> str:
        """A work's own file, byte for byte, with its recipe inside."""
        found = desk.library.get(work)
        return lend_file(lent, desk.library.read(found), download_name(found))

    def export(work: str, form: str, tempo: float | None = None, instrument: str | None = None) -> str:
        """A work in another format, by the format's name, with a recipe inside that makes this file. A melody
        may have another tempo and instrument than it was composed with."""
        found = desk.library.get(work)
        asked = format_of(found, form)
        performed = {"tempo": int(tempo) if tempo else None, "instrument": instrument}
        content = in_format(found, desk.library, asked, performed)
        return lend_file(lent, content, export_name(found, asked))

    named, asked = gr.Textbox(visible=False), gr.Button(visible=False)
    formed, exported = gr.Textbox(visible=False), gr.Button(visible=False)
    paced, played = gr.Number(None, visible=False), gr.Textbox("", visible=False)
    hidden: dict[str, Any] = {"show_progress": "hidden", **ASKS}
    exported.click(_in_a_sentence(export), [named, formed, paced, played], lent, api_name="export", **hidden)
    asked.click(_in_a_sentence(file), named, lent, api_name="file", **hidden)


def _listed(files: Any) -> list[Any]:
    return list(files) if isinstance(files, list | tuple) else [files]


TYPES: dict[Any, str] = {str: "text", int: "a whole number", list[int]: "a list of whole numbers"}
"""Types of the endpoints' own parameters, which Gradio does not check, in words. A recipe checks its own."""


def _check_types(action: Action, values: tuple[Any, ...]) -> None:
    """Raises `Refused` for the first value that is of another type than its parameter."""
    for parameter, value in zip(inspect.signature(action).parameters.values(), values, strict=False):
        expected = parameter.annotation
        if expected == list[int]:
            right = isinstance(value, list) and all(type(each) is int for each in value)
        else:
            right = expected not in TYPES or type(value) is expected
        if not right:
            raise Refused(f"{parameter.name} is {repr(value)[:80]}; it must be {TYPES[expected]}.")


def _in_a_sentence(action: Action) -> Action:
    """The same action. What cannot be met reaches the caller as one sentence."""
    if inspect.isgeneratorfunction(action):

        @functools.wraps(action)
        def told(*values: Any) -> Iterator[Any]:
            try:
                _check_types(action, values)
                yield from action(*values)
            except StudioError as error:
                raise gr.Error(said(error), print_exception=False) from None

    else:

        @functools.wraps(action)
        def told(*values: Any) -> Any:
            try:
                _check_types(action, values)
                return action(*values)
            except StudioError as error:
                raise gr.Error(said(error), print_exception=False) from None

    return told
