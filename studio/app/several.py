"""What the tabs share that ask for several works at once and keep some of them: Compose and Songs.

A tab lays out its components (`SeveralParts`), says how its works are asked for (`Requests`) and how an
earlier work's settings are shown (`EarlierSettings`); `connect` binds their events. In the page the module
`several.js` is its counterpart.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.app.desk import AS_BEFORE, Desk
from studio.app.dials import Dials
from studio.app.following import ALOUD, ENDED, FOLLOWS, QUICK
from studio.app.gradio_patches import AS_IT_IS
from studio.app.heard import heard_as_html
from studio.app.intake import Credit, as_uploaded
from studio.app.links import at_load, linked_settings
from studio.app.modules import calling
from studio.app.room import Entrance, nonce, refusal, refuse_aloud, warn_of_link
from studio.app.sentences import said
from studio.app.tray import visitor_of
from studio.app.views import work_view
from studio.app.widgets import answer
from studio.errors import Refused, StudioError, UnknownName
from studio.music.reading.pieces import SUFFIXES
from studio.works.recipe import MOST_CREDIT, Control, Recipe

OWN = "own"
"""The style that stands for the visitor's own files."""

AS_THE_STYLE = "as the style"
"""What an empty control says that is then decided by the style."""

NEW_EVERY_TIME = "a new one every time"
"""What an empty seed says."""

TAKES = "takes"
"""What the number of works to compare is called in an address."""


@dataclass(frozen=True)
class OwnFiles:
    """Files of the visitor's own that are the style. heard: what is in them, in words."""

    files: gr.File
    heard: gr.HTML
    credit: tuple[gr.Textbox, gr.Textbox, gr.Textbox]


def own_files(label: str, called: str) -> OwnFiles:
    """Where a visitor drops files that are the style, and says whose they are. called: an example of a name
    for them.
    """
    files = gr.File(file_count="multiple", file_types=[*SUFFIXES, ".zip"], label=label, height=140)
    heard = gr.HTML("", elem_classes="own-heard")
    credit = (
        gr.Textbox(label="A name for them", max_lines=1, max_length=100, placeholder=called),
        gr.Textbox(label="Who wrote them", max_lines=1, max_length=MOST_CREDIT),
        gr.Textbox(
            label="Their licence",
            max_lines=1,
            max_length=MOST_CREDIT,
            info="It stays with everything made from them.",
        ),
    )
    return OwnFiles(files, heard, credit)


@dataclass(frozen=True, kw_only=True)
class SeveralParts:
    """The components of such a tab. works: the widget that shows them. lent, lent_heard: a file beside the
    style, such as a theme, and what is heard in it. constraints: the widget that tells what was set on a
    roll or the keyboard. remembered: the latest jobs of this browser.
    """

    works: gr.HTML
    chips: gr.HTML
    style: Any
    own: OwnFiles
    lent: gr.File
    lent_heard: gr.HTML
    dials: Dials
    count: gr.Slider
    button: gr.Button
    remembered: gr.BrowserState
    constraints: gr.HTML | None = None

    @property
    def filled(self) -> list[Any]:
        """What `EarlierSettings.settings` gives values for."""
        return [self.style, self.count, *self.dials.components]

    def unchanged(self) -> list[Any]:
        """What leaves them as they are."""
        return [as_it_is(each) for each in self.filled]

    @property
    def outputs(self) -> list[Any]:
        """What a request changes."""
        return [self.works, self.remembered, self.button]


def as_it_is(component: Any) -> Any:
    """What leaves a component as it is."""
    return AS_IT_IS if isinstance(component, gr.HTML) else gr.skip()


def seed_dial(control: Control, label: str) -> Component:
    """A seed that may be left empty."""
    info = f"{control.help} Leave empty for a new one every time."
    # A number that is empty would be sent as 0, and every press would ask for the same works.
    return gr.Textbox("", label=label, info=info, max_lines=1, max_length=20, placeholder=NEW_EVERY_TIME)


def remembered_jobs(tab: str) -> gr.BrowserState:
    """Where a browser keeps the ids of its latest jobs of this tab."""
    return gr.BrowserState(None, storage_key=f"studio-{tab}", secret="not a secret: it holds the ids of jobs")


# --- Requests


@dataclass(frozen=True)
class Asked:
    """What was asked for by the button. lent: the path of a file beside the style."""

    settings: dict[str, Any]
    tunes: list[Any]
    credit: Credit
    lent: str | None
    count: int
    owner: str


class Requests(ABC):
    """Asks for works and tells how they stand. Each message to the page is a whole value of the widget (see
    `gradio_patches.AS_IT_IS`), the jobs to remember, and whether the button may be pressed.
    """

    none_given: str
    """What is said where the visitor's own files are the style and there are none."""

    def __init__(self, desk: Desk, dials: Dials) -> None:
        self.desk, self.dials = desk, dials

    @abstractmethod
    def ask(self, asked: Asked) -> list[str]:
        """Ask for the works; gives the jobs' ids. Raises `StudioError`."""

    @abstractmethod
    def ask_around(self, event: Any, owner: str, *more: Any) -> list[str]:
        """Keep some of a work and ask for the rest again; gives the jobs' ids. event: what the widget sent.
        more: the values of `lent`, the count and the dials. Raises `StudioError`, or `ValueError` or
        `TypeError` for what no page sends.
        """

    def opened(self, style: str) -> Iterator[dict[str, Any]]:
        """Read a style that has a name; see `Desk.read_style`."""
        return self.desk.read_style(style)

    def settings(self, values: Sequence[Any]) -> dict[str, Any]:
        """What the dials show, with a seed."""
        settings = self.dials.settings(values)
        settings.setdefault("seed", self.dials.random_seed())
        return settings

    def make(
        self,
        asker: gr.Request,
        style: str | None,
        given: Sequence[str] | None,
        title: str,
        author: str,
        licence: str,
        *more: Any,
    ) -> Iterator[Any]:
        """The button was pressed. more: `lent`, how many, and what the dials show."""
        lent, count, *values = more
        try:
            settings = self.settings(values) | {"style": str(style or "")}
            tunes = [as_uploaded(path) for path in given or ()] if style == OWN else []
            if style == OWN and not tunes:
                raise Refused(self.none_given)
            stage = "reading the tunes" if tunes else "opening the style"
            yield busy(stage), gr.skip(), gr.update(interactive=False)
            if not tunes and not settings["style"].startswith(AS_BEFORE):
                for read in self.opened(settings["style"]):
                    yield busy(**read), gr.skip(), gr.skip()
            credit = Credit(title or "", author or "", licence or "")
            yield from self.follow(
                self.ask(Asked(settings, tunes, credit, lent, int(count), visitor_of(asker)))
            )
        except StudioError as error:
            yield refusal(said(error), error.setting), gr.skip(), gr.update(interactive=True)

    def again(self, event: gr.EventData, asker: gr.Request, *more: Any) -> Iterator[Any]:
        """Keep some of a work and ask for the rest again, with the settings the dials show now."""
        try:
            yield from self.follow(self.ask_around(event, visitor_of(asker), *more))
        except StudioError as error:
            yield refusal(said(error), error.setting), gr.skip(), gr.update(interactive=True)
        except (ValueError, TypeError):
            sentence = "What is to be kept could not be read; choose it again."
            yield refusal(sentence), gr.skip(), gr.update(interactive=True)

    def find_again(self, jobs: list[str] | None) -> Iterator[Any]:
        """After a reload: the works this browser asked for last, or how far they are."""
        try:
            if jobs:
                yield from self.follow([str(job) for job in jobs])
                return
        except StudioError:
            pass  # a job was dropped from the ledger, or its work from the gallery: nothing is shown
        yield None, None, gr.update(interactive=True)

    def follow(self, jobs: Sequence[str]) -> Iterator[Any]:
        """How the works of these jobs stand, now and whenever that changes, until all have ended."""
        told = [self.desk.job(job) for job in jobs]
        yield self._message(jobs, told)
        for place, job in enumerate(jobs):
            for state in self.desk.follow(job):
                told[place] = state
                yield self._message(jobs, told)

    def _message(self, jobs: Sequence[str], told: list[dict[str, Any]]) -> tuple[Any, Any, Any]:
        ended = all(each["state"] in ENDED for each in told)
        message = {"state": "jobs", "jobs": list(told), "nonce": nonce()}
        return message, list(jobs), gr.update(interactive=ended)


def busy(stage: str, done: int = 0, total: int = 0) -> dict[str, Any]:
    """What the widget is told before there is a job."""
    return {"state": "reading", "stage": stage, "done": done, "total": total, "nonce": nonce()}


def hear(desk: Desk, given: Sequence[str] | None, style: Any) -> tuple[Any, str]:
    """The visitor's own files have come: a value for the component `style`, which they become, and what is
    in them, as HTML.
    """
    if not given:
        return as_it_is(style), ""
    try:
        found = desk.hear_tunes([as_uploaded(path) for path in given])
    except StudioError as error:
        return as_it_is(style), f'<p class="bad">{escape(said(error))}</p>'
    return (OWN if found["tunes"] else as_it_is(style)), heard_as_html(found)


# --- What its widgets may ask


def shown_dials(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the page says that its dials show, by name. Any program may say it."""
    given = asked.get("shown")
    return {str(name): value for name, value in given.items()} if isinstance(given, dict) else {}


Ask = Callable[[dict[str, Any]], dict[str, Any]]
"""A function that a widget's module may call."""


def stopping(desk: Desk) -> Callable[[str], dict[str, Any]]:
    """Stop a job."""

    def stop(job: str) -> dict[str, Any]:
        return answer(lambda: {"stopped": desk.cancel(str(job))})

    return stop


def expecting(
    dials: Dials, most: int, expected: Callable[[dict[str, Any], int], dict[str, Any]], usual: str = ""
) -> Ask:
    """What a request for what the page shows will take. expected: from settings and a number of works. usual:
    the style that is chosen before anybody chooses one.
    """

    def expect(asked: dict[str, Any]) -> dict[str, Any]:
        shown = shown_dials(asked)
        several, style = shown.get(TAKES), str(shown.get("style") or usual)
        count = int(several) if isinstance(several, int | float) and 1 <= several <= most else 1
        if style == OWN or style.startswith(AS_BEFORE):  # what is read is not known here
            return {"now": {"seconds": None, "bytes": None}}
        settings = dials.settings_of(shown) | ({"style": style} if style else {})
        return answer(lambda: {"now": expected(settings, count)})

    return expect


Holds = Callable[[dict[str, Any], str, list[Any], Any], dict[str, Any]]
"""Whether settings can hold together: from settings, who asks, files of the visitor's own that are the style,
and the bars of a work of the gallery that are kept.
"""


MOST_BARS_KEPT = 10_000
"""The largest number of a bar that is looked at."""


def kept_bars(asked: Mapping[str, Any]) -> tuple[str, list[int]] | None:
    """The work, by its id, and the bars of it that the page says are to be kept."""
    given = asked.get("keep")
    if not isinstance(given, dict) or not isinstance(given.get("bars"), list):
        return None
    bars = [bar for bar in given["bars"] if isinstance(bar, int) and 1 <= bar <= MOST_BARS_KEPT]
    return (str(given.get("id")), bars) if bars else None


def checking(dials: Dials, holds: Holds, around_of: Callable[[Mapping[str, Any]], Any] = kept_bars) -> Ask:
    """Whether what the dials show can hold together. around_of: from what the page sends to what is to be
    kept of an earlier work, as `holds` takes it.
    """

    def check(asked: dict[str, Any]) -> dict[str, Any]:
        shown = shown_dials(asked)
        style, around = str(shown.get("style") or ""), around_of(asked)
        files = asked.get("files")
        tunes = [str(path) for path in files] if style == OWN and isinstance(files, list) else []
        if style == OWN and not tunes and not around:
            return {"state": "unknown"}
        owner = str(asked.get("owner") or "")[:64]
        settings = dials.settings_of(shown) | {"style": style}
        return answer(lambda: holds(settings, owner, [as_uploaded(path) for path in tunes], around))

    return check


# --- What the tab shows


class EarlierSettings(ABC):
    """What makes the components show the settings of an earlier work or request. most: works at once."""

    def __init__(self, desk: Desk, parts: Any, most: int) -> None:
        self.desk, self.parts, self.most = desk, parts, most

    @abstractmethod
    def recipe(self, id: str) -> Recipe:
        """The recipe of a work or job. Raises `StudioError`."""

    @abstractmethod
    def settings(self, recipe: Any, of: str) -> list[Any]:
        """Values for `SeveralParts.filled`. of: the id of the work or job that the recipe belongs to."""

    def styles(self) -> list[str]:
        """The styles that an address may name."""
        return [entry["name"] for entry in self.desk.styles()]

    def style_value(self, name: str) -> Any:
        """What makes the component show this style."""
        return name

    def work(self, id: str, bars: Sequence[int] = ()) -> list[Any]:
        """A work of the gallery with its settings; these bars of it are to be kept."""
        work = work_view(self.desk.library.get(id)).model_dump()
        shown = {"state": "offer", "works": [work], "kept": list(bars), "nonce": nonce()}
        return [shown, *self.settings(self.recipe(id), id)]

    def linked(self, given: Any) -> dict[Component, Any] | None:
        """What the settings that an address names change; None where it names none. Raises `Refused` for a
        wrong one.
        """
        parts = self.parts
        style = str(given.get("style", "")) if isinstance(given, Mapping) else ""
        takes = str(given.get(TAKES, "")) if isinstance(given, Mapping) else ""
        settings = linked_settings(parts.dials, given)
        if settings is None and not style and not takes:
            return None
        found = dict(zip(parts.dials.components, parts.dials.values(settings or {}), strict=True))
        if not settings or "seed" not in settings:
            found[parts.dials["seed"]] = ""
        if style:
            names = self.styles()
            if style not in names:
                raise UnknownName("style", style, names)
            found[parts.style] = self.style_value(style)
        if takes.isdecimal() and 1 <= int(takes[:3]) <= self.most:
            found[parts.count] = int(takes)
        return found

    def again(self, jobs: list[str] | None, given: Any = None) -> list[Any]:
        """The settings of this browser's latest works, and over them those that the address names. Otherwise
        the components stay as they are: somebody quick may have changed one already.
        """
        parts = self.parts
        linked: dict[Any, Any] = {}
        try:
            linked = self.linked(given) or {}
        except StudioError as error:
            warn_of_link(error)
        try:
            job = str((jobs or [""])[0])
            found = dict(zip(parts.filled, self.settings(self.recipe(job), job), strict=True))
            found[parts.dials["seed"]] = ""  # each work had its own; the next ones get new ones
        except StudioError:
            found = dict(zip(parts.filled, parts.unchanged(), strict=True))
        return list((found | linked).values())

    def of_address(self, event: gr.EventData) -> list[Any]:
        """The visitor went to another address of the tab."""
        with refuse_aloud():
            found = self.linked(getattr(event, "settings", None)) or {}
        parts = self.parts
        return list((dict(zip(parts.filled, parts.unchanged(), strict=True)) | found).values())


# --- Events


def ask_once_more(module: str) -> str:
    """JavaScript that makes a tab's latest request once more. Its widget opens with the tab; what comes
    before waits for it.
    """
    return calling(module, "askOnceMore")


def entrance(module: str, parts: SeveralParts, shown: EarlierSettings) -> Entrance:
    """The way in for a work of the gallery."""
    return Entrance([parts.works, *parts.filled], shown.work, "Edit a copy", ask_once_more(module))


def connect(
    tab: str,
    module: str,
    parts: SeveralParts,
    requests: Requests,
    shown: EarlierSettings,
    told: Callable[[Any], None],
) -> None:
    """Bind the events that every such tab has. told: tells the page's address and the chips what the dials
    show after an event that set some of them.
    """
    own, more, dials = parts.own, [parts.lent, parts.count, *parts.dials.components], parts.dials
    parts.button.click(
        requests.make,
        [parts.style, own.files, *own.credit, *more],
        parts.outputs,
        js=calling(module, "pressed"),
        trigger_mode="once",
        **FOLLOWS,
    )
    parts.works.again(requests.again, more, parts.outputs, **FOLLOWS)
    own.files.change(
        lambda given: (*hear(shown.desk, given, parts.style), {"files": list(given or ())}),
        own.files,
        [parts.style, own.heard, parts.chips],
        show_progress="hidden",
        api_visibility="private",
    )

    parts.lent.change(
        lambda given: hear(shown.desk, [given] if given else None, parts.style)[1],
        parts.lent,
        parts.lent_heard,
        **QUICK,
    )

    # A tab that is not open yet is not built, and what the browser remembers is read when it is: so the
    # widget asks, and not the page's load.
    remembered = [parts.remembered, gr.JSON(visible=False)]
    told(parts.works.ready(shown.again, remembered, parts.filled, js=at_load(tab), **ALOUD))
    told(parts.works.linked(shown.of_address, None, parts.filled, trigger_mode="always_last", **ALOUD))
    parts.works.ready(requests.find_again, parts.remembered, parts.outputs, **FOLLOWS)

    def changed(settings: dict[str, Any]) -> list[Any]:
        """Change some settings; all others stay."""
        found = dict(zip(dials.by_name, dials.unchanged(), strict=True))
        known = {field: dials.value(field, value) for field, value in settings.items() if field in found}
        return list((found | known).values())

    def set_one(event: gr.EventData) -> list[Any]:
        """Change one setting, as a refusal or a chip asks."""
        return changed({event.field: event.value})

    def constrain(event: gr.EventData) -> list[Any]:
        """Change what was set on a roll or the keyboard."""
        return changed(event.fields)

    # By default Gradio drops an event that comes while the same one is under way.
    every: dict[str, Any] = {"trigger_mode": "multiple", **QUICK}
    relaxed = parts.works.relax(set_one, None, dials.components, **every)
    relaxed.then(None, None, None, js=ask_once_more(module), api_visibility="private")
    told(relaxed)
    told(parts.chips.let_go(set_one, None, dials.components, **every))
    if parts.constraints is not None:
        constrained = parts.constraints.constrain(constrain, None, dials.components, **every)
        constrained.then(
            None, None, None, js=calling("constraints", "arrived", tab), api_visibility="private"
        )
        told(constrained)
