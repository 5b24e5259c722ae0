"""The Compose tab: a style, a few constraints, takes to hear and read, bars to keep."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.app.desk import MOST_TAKES, Desk
from studio.app.dials import Dials, as_text, dial, recipe_settings, slider, with_unit
from studio.app.following import ENDED, FOLLOWS, QUICK
from studio.app.heard import heard_as_html
from studio.app.intake import Credit, as_uploaded, laid_out
from studio.app.links import at_load, linked_settings, write_addresses
from studio.app.modules import calling
from studio.app.room import Entrance, Room, TabOffers, nonce, refusal, refuse_aloud
from studio.app.sentences import said
from studio.app.tray import visitor_of
from studio.app.views import work_view
from studio.app.widgets import answer, folded, widget
from studio.errors import Refused, StudioError, UnknownName
from studio.making.kinds import KINDS
from studio.music.melody import requests
from studio.music.melody.constraints import recipe_class
from studio.music.melody.recipes import SCALES, ComposeRecipe
from studio.music.reading.pieces import SUFFIXES
from studio.works.recipe import MOST_CREDIT, Control, Fold

LABELS = {
    "max_copy": "Longest copy",
    "composer": "How the notes are chosen",
    "copy_by": "Copies are compared by",
    "order": "Notes to look back",
    "end": "Last note",
    "start": "First note",
}

OFFERED = {
    "meter": ("", "4/4", "2/2", "2/4", "3/4", "6/8", "9/8", "12/8"),
    "key": (
        "",
        *["C", "G", "D", "A", "F", "Bb", "Eb", "Am", "Em", "Bm", "Dm", "Gm"],
        "D dorian",
        "G mixolydian",
    ),
    "form": ("learnt", "free", "AABA", "AABB", "ABAB", "ABAC", "AA'BA'"),
    "scale": tuple(SCALES),
}
"""What is offered by a click where anything that can be read may be typed."""

AS_THE_STYLE = "as the style"
"""What an empty control says that is then decided by the style."""

NEW_EVERY_TIME = "a new one every time"
"""What an empty seed says."""

ELSEWHERE = frozenset({"style", "seed", "format", "title", "keep"})
"""Controls that are not made with the others: the style is above, the seed below, bars are kept on the takes,
and the rest have no place on this page.
"""

MOST_BARS = 64
"""The end of the slider; a recipe may have more."""

MOST_BARS_KEPT = 10_000
"""The largest number of a bar that is looked at."""

TAB, TAKES = "compose", "takes"
"""The tab in addresses, and what its number of takes is called there."""

OWN = "own"
"""The style that stands for the visitor's own files."""


@dataclass(frozen=True)
class OwnTunes:
    """Files of the visitor's own that are the style. heard: what is in them, in words."""

    files: gr.File
    heard: gr.HTML
    credit: tuple[gr.Textbox, gr.Textbox, gr.Textbox]


@dataclass(frozen=True)
class ComposeParts:
    """The components of the tab. sets: the widgets that set a constraint. remembered: the latest jobs of this
    browser.
    """

    takes: gr.HTML
    chips: gr.HTML
    sets: tuple[gr.HTML, ...]
    style: gr.Dropdown
    about: gr.HTML
    own: OwnTunes
    mood: gr.Radio
    theme: gr.File
    theme_heard: gr.HTML
    theme_fold: gr.Accordion
    dials: Dials
    count: gr.Slider
    button: gr.Button
    remembered: gr.BrowserState

    @property
    def filled(self) -> list[Any]:
        """What `settings_shown` gives values for."""
        return [self.style, self.theme, self.theme_fold, self.count, *self.dials.components]

    def unchanged(self) -> list[Any]:
        """What leaves them as they are."""
        return [*(gr.skip() for _ in range(4)), *self.dials.unchanged()]

    @property
    def outputs(self) -> list[Any]:
        """What a request changes."""
        return [self.takes, self.remembered, self.button]


def compose_tab(room: Room) -> TabOffers:
    """Build the tab's content inside the Blocks that are open."""
    desk = room.desk
    parts = _lay_out(desk)
    takes = Takes(desk, parts.dials)
    shown = EarlierSettings(desk, parts)
    _connect_requests(parts, takes)
    told = write_addresses(TAB, parts.dials, {"style": parts.style, TAKES: parts.count})
    _connect_memory(parts, takes, shown, told)
    _connect_dials(parts, told)
    _connect_style(parts, desk)
    return TabOffers(
        again=Entrance([parts.takes, *parts.filled], shown.work, "Edit a copy", ASK_ONCE_MORE),
        medium="melody",
    )


# --- Layout


def _lay_out(desk: Desk) -> ComposeParts:
    from studio.music.sound.rendering import instruments

    def stop(job: str) -> dict[str, Any]:
        return answer(lambda: {"stopped": desk.cancel(str(job))})

    events = ("again", "arrived", "linked", "constrain", "relax")
    makers: dict[str, Any] = dict.fromkeys(OFFERED, _suggesting_dial)
    makers |= {"composer": _composer_dial, "instrument": _instrument_dial, "bars": _bars_dial}
    makers |= {"contour": _contour_dial, "seed": _seed_dial}
    dials = Dials(recipe_class(), labels=LABELS, makers=makers, usual=_constraint_dial)
    usual_style = str(ComposeRecipe.model_fields["style"].default)
    with gr.Row(elem_classes="studio-floor compose-floor", equal_height=False):
        with gr.Column(scale=7, min_width=320, elem_classes="picture-side"):
            shown = desk.library.on_show.first(requests.KIND)
            example = work_view(shown).model_dump() if shown else None
            names = list(instruments())
            takes = widget("compose", server=(stop,), events=events, example=example, instruments=names)
        with gr.Column(scale=4, min_width=300, elem_classes="settings-side"):
            style = style_dial(usual_style)
            about = gr.HTML(about_style(desk, usual_style), elem_classes="style-about")
            own = _own_tunes()
            mood = mood_dial()
            with gr.Row(elem_classes="bars-and-takes"):
                dials.add("bars")
                count = gr.Slider(1, MOST_TAKES, 2, step=1, label="Takes", info="To compare.")
            with gr.Group(elem_classes="go"):
                button = gr.Button("Compose", variant="primary", size="lg", elem_id="compose-button")
                widget("press", server=(_expecting(desk, dials),), desk=TAB)
            chips = widget("chips", server=(_checking(desk, dials),), events=("let_go",), tab=TAB)
            keyboard = widget("keyboard", events=("constrain",), tab=TAB)
            with folded("Constraints"):
                dials.add_rest(Fold.IN_SIGHT, ELSEWHERE)
            theme, theme_heard, theme_fold = _folded(dials)
    remembered = gr.BrowserState(
        None, storage_key="studio-compose", secret="not a secret: it holds the ids of jobs"
    )
    return ComposeParts(
        takes,
        chips,
        (takes, keyboard),
        style,
        about,
        own,
        mood,
        theme,
        theme_heard,
        theme_fold,
        dials,
        count,
        button,
        remembered,
    )


def _shown(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the page says that its dials show, by name. Any program may say it."""
    given = asked.get("shown")
    return {str(name): value for name, value in given.items()} if isinstance(given, dict) else {}


def _expecting(desk: Desk, dials: Dials) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What the button may ask: what a request for what the dials show will take."""

    def expect(asked: dict[str, Any]) -> dict[str, Any]:
        shown = _shown(asked)
        several = shown.get(TAKES)
        count = int(several) if isinstance(several, int | float) and 1 <= several <= MOST_TAKES else 1
        return answer(lambda: {"now": desk.expected(requests.KIND, dials.settings_of(shown), count=count)})

    return expect


def _checking(desk: Desk, dials: Dials) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What the chips may ask: whether what the dials show can hold together."""

    def check(asked: dict[str, Any]) -> dict[str, Any]:
        shown = _shown(asked)
        style, around = str(shown.get("style") or ""), _kept_bars(asked)
        files = asked.get("files")
        tunes = [str(path) for path in files] if style == OWN and isinstance(files, list) else []
        if style == OWN and not tunes and not around:
            return {"state": "unknown"}
        owner = str(asked.get("owner") or "")[:64]

        def found() -> dict[str, Any]:
            settings = dials.settings_of(shown) | {"style": style}
            return desk.check_melody(settings, owner, [as_uploaded(path) for path in tunes], around)

        return answer(found)

    return check


def _kept_bars(asked: Mapping[str, Any]) -> tuple[str, list[int]] | None:
    """The melody, by its id, and the bars of it that the page says are to be kept."""
    given = asked.get("keep")
    if not isinstance(given, dict) or not isinstance(given.get("bars"), list):
        return None
    bars = [bar for bar in given["bars"] if isinstance(bar, int) and 1 <= bar <= MOST_BARS_KEPT]
    return (str(given.get("id")), bars) if bars else None


def _own_tunes() -> OwnTunes:
    said = (
        "They become the style right away, without training. "
        "MIDI, MusicXML, ABC or Humdrum, one by one or in a .zip."
    )
    with gr.Accordion("Tunes of your own", open=False, elem_classes="own-tunes"):
        gr.Markdown(said)
        files = gr.File(
            file_count="multiple",
            file_types=[*SUFFIXES, ".zip"],
            label="Scores or MIDI files",
            height=140,
        )
        heard = gr.HTML("", elem_classes="own-heard")
        credit = (
            gr.Textbox(label="A name for them", max_lines=1, max_length=100, placeholder="Tunes of my own"),
            gr.Textbox(label="Who wrote them", max_lines=1, max_length=MOST_CREDIT),
            gr.Textbox(
                label="Their licence",
                max_lines=1,
                max_length=MOST_CREDIT,
                info="It stays with everything made from them.",
            ),
        )
    return OwnTunes(files, heard, credit)


def _folded(dials: Dials) -> tuple[gr.File, gr.HTML, gr.Accordion]:
    """The folds below the button; gives the theme, what is heard in it, and its fold."""
    with gr.Accordion("A line to follow", open=False):
        for name in ("contour", "contour_limit", "contour_pull"):
            dials.add(name)
    with gr.Accordion("A theme", open=False, elem_classes="theme") as theme_fold:
        theme = gr.File(file_types=list(SUFFIXES), label="Score or MIDI file", height=140)
        theme_heard = gr.HTML("", elem_classes="own-heard")
        dials.add("theme_pull")
    with folded("More constraints"):
        dials.add_rest(Fold.FOLDED, ELSEWHERE)
        dials.add("seed")
    return theme, theme_heard, theme_fold


# --- The dials of this tab


def _constraint_dial(control: Control, label: str) -> Component:
    """A control that may be left empty is typed, and says what empty means."""
    if control.many or not (control.default is None or control.type is str):
        return dial(control, label)
    return gr.Textbox(
        control.default or "",
        label=with_unit(control, label),
        info=as_text(control.help),
        max_lines=1,
        max_length=control.longest,
        placeholder=AS_THE_STYLE,
    )


def _suggesting_dial(control: Control, label: str) -> Component:
    offered = [(AS_THE_STYLE if choice == "" else choice, choice) for choice in OFFERED[control.name]]
    return gr.Dropdown(
        offered, value=control.default or "", label=label, info=as_text(control.help), allow_custom_value=True
    )


def _composer_dial(control: Control, label: str) -> Component:
    players = [("Markov chain", "markov"), ("Network (LSTM)", "lstm")]
    return gr.Radio(players, value=control.default, label=label, info=as_text(control.help))


def _instrument_dial(control: Control, label: str) -> Component:
    from studio.music.sound.rendering import instruments

    return gr.Dropdown(list(instruments()), value=control.default, label=label, info=as_text(control.help))


def _bars_dial(control: Control, label: str) -> Component:
    return slider(control, label, maximum=MOST_BARS, classes="bars-dial")


def _contour_dial(control: Control, _label: str) -> Component:
    return widget("contour", value=[], info=control.help)


def _seed_dial(control: Control, label: str) -> Component:
    info = f"{control.help} Leave empty for a new one every time."
    # A number that is empty would be sent as 0, and every press would ask for the same takes.
    return gr.Textbox("", label=label, info=info, max_lines=1, max_length=20, placeholder=NEW_EVERY_TIME)


def style_dial(name: str, of: str = "") -> gr.Dropdown:
    """The styles that are here, each with its size.

    of: the id of a work or job made after the visitor's own tunes, which are offered too.
    """
    from studio.music.styles.own import catalogue

    offered = [
        (f"{entry.title} · {entry.tunes:,} tunes" if entry.tunes else entry.title, entry.name)
        for entry in catalogue()
        if entry.download is None
    ]
    offered += [(f"{name} · as before", f"of:{of}")] if of else []
    offered += [("Tunes of my own …", OWN)]
    return gr.Dropdown(offered, value=f"of:{of}" if of else name, label="Style", elem_classes="style-dial")


def mood_dial() -> gr.Radio:
    """The moods, none of which is chosen at first; the choice sets dials and is not asked for itself."""
    moods = KINDS[requests.KIND].mood_table()
    return gr.Radio(
        [("None", ""), *((name.capitalize(), name) for name in moods)],
        value="",
        label="Mood",
        info="Sets tempo, density, range and scale.",
        elem_classes="mood-dial",
    )


def about_style(desk: Desk, name: str | None) -> str:
    """A style in a sentence, whose it is, and a few bars to hear, as HTML."""
    if name == OWN:
        return "<p>Your files, below under “Tunes of your own”, are the style.</p>"
    entry = next((each for each in desk.styles() if each["name"] == name), None)
    if entry is None:
        return ""
    parts = (entry["sentence"], f"{entry['source']}." if entry["source"] else "")
    said = html.escape(" ".join(part for part in parts if part))
    address = f"styles/{html.escape(entry['name'])}/sample.wav"
    sample = f'<audio controls preload="none" src="{address}" aria-label="A sample of the style"></audio>'
    return f"<p>{said}</p>{sample}<p class='small'>{html.escape(entry['licence'])}</p>"


# --- Requests


class Takes:
    """Asks for takes and tells how they stand. Each message to the page is a whole value of the takes (see
    `gradio_patches.AS_IT_IS`), the jobs to remember, and whether the button may be pressed.
    """

    def __init__(self, desk: Desk, dials: Dials) -> None:
        self.desk, self.dials = desk, dials

    def compose(
        self,
        asker: gr.Request,
        style: str | None,
        files: Sequence[str] | None,
        title: str,
        author: str,
        licence: str,
        *more: Any,
    ) -> Iterator[Any]:
        """The button was pressed. more: the theme, how many takes, and what the dials show."""
        theme, count, *values = more
        try:
            settings = self.dials.settings(values)
            settings.setdefault("seed", self.dials.random_seed())
            settings["style"] = str(style or "")
            tunes = [as_uploaded(path) for path in files or ()] if style == OWN else []
            if style == OWN and not tunes:
                raise Refused(
                    "Add tunes of your own first: open “Tunes of your own” and drop some files there."
                )
            stage = "reading the tunes" if tunes else "opening the style"
            yield _busy(stage), gr.skip(), gr.update(interactive=False)
            if not tunes and not settings["style"].startswith("of:"):
                for read in self.desk.read_style(settings["style"]):
                    yield _busy(**read), gr.skip(), gr.skip()
            credit = Credit(title or "", author or "", licence or "")
            owner = visitor_of(asker)
            jobs = self.desk.compose(
                settings, tunes, credit, count=int(count), others=_theme(theme), owner=owner
            )
            yield from self.follow(jobs)
        except StudioError as error:
            yield refusal(said(error)), gr.skip(), gr.update(interactive=True)

    def again(
        self, event: gr.EventData, asker: gr.Request, theme: str | None, count: float, *values: Any
    ) -> Iterator[Any]:
        """Keep some bars of a take and ask for the others again, with the settings the dials show now."""
        try:
            settings = self.dials.settings(values)
            bars = [int(bar) for bar in getattr(event, "bars", ()) or ()]
            jobs = self.desk.compose_around(
                str(event.id),
                bars,
                self.dials.random_seed(),
                count=int(count),
                settings=settings,
                others=_theme(theme),
                owner=visitor_of(asker),
            )
            yield from self.follow(jobs)
        except StudioError as error:
            yield refusal(said(error)), gr.skip(), gr.update(interactive=True)
        except (ValueError, TypeError):
            yield (
                refusal("Those bars cannot be kept; choose them again."),
                gr.skip(),
                gr.update(interactive=True),
            )

    def find_again(self, jobs: list[str] | None) -> Iterator[Any]:
        """After a reload: the takes this browser asked for last, or how far they are."""
        try:
            if jobs:
                yield from self.follow([str(job) for job in jobs])
                return
        except StudioError:
            pass  # a job was dropped from the ledger, or its work from the gallery: no takes are shown
        yield None, None, gr.update(interactive=True)

    def follow(self, jobs: Sequence[str]) -> Iterator[Any]:
        """How the takes of these jobs stand, now and whenever that changes, until all have ended."""
        told = [self.desk.job(job) for job in jobs]
        yield self._message(jobs, told)
        for place, job in enumerate(jobs):
            for state in self.desk.follow(job):
                told[place] = state
                yield self._message(jobs, told)

    def _message(self, jobs: Sequence[str], told: list[dict[str, Any]]) -> tuple[Any, Any, Any]:
        ended = all(each["state"] in ENDED for each in told)
        takes = {"state": "takes", "jobs": list(told), "nonce": nonce()}
        return takes, list(jobs), gr.update(interactive=ended)


def _theme(path: str | None) -> dict[str, Any]:
    return {"theme": {"file": as_uploaded(path)}} if path else {}


def _busy(stage: str, done: int = 0, total: int = 0) -> dict[str, Any]:
    return {"state": "reading", "stage": stage, "done": done, "total": total, "nonce": nonce()}


def hear(desk: Desk, files: Sequence[str] | None) -> tuple[Any, str]:
    """The visitor's own files have come: they become the style, and the page says what is in them."""
    if not files:
        return gr.skip(), ""
    try:
        found = desk.hear_tunes([as_uploaded(path) for path in files])
    except StudioError as error:
        return gr.skip(), f'<p class="bad">{html.escape(said(error))}</p>'
    return (OWN if found["tunes"] else gr.skip()), heard_as_html(found)


# --- What the tab shows


class EarlierSettings:
    """What makes the components show the settings of an earlier work or request."""

    def __init__(self, desk: Desk, parts: ComposeParts) -> None:
        self.desk, self.parts = desk, parts

    def settings(self, recipe: ComposeRecipe, of: str) -> list[Any]:
        """Values for `ComposeParts.filled`. of: the id of the work or job that the recipe belongs to."""
        own = any(source.role == "tune" for source in recipe.sources)
        lent = next((source for source in recipe.sources if source.role == "theme"), None)
        theme = laid_out(self.desk.library.read_source(lent), lent.name or "theme.mid") if lent else None
        return [
            style_dial(recipe.style, of if own else ""),
            theme,
            gr.Accordion(open=lent is not None),
            gr.skip(),
            *self.parts.dials.values(recipe_settings(recipe)),
        ]

    def work(self, id: str, bars: Sequence[int] = ()) -> list[Any]:
        """A melody of the gallery with its settings; these bars of it are to be kept."""
        work = work_view(self.desk.library.get(id)).model_dump()
        shown = {"state": "offer", "works": [work], "kept": list(bars), "nonce": nonce()}
        return [shown, *self.settings(self.desk.composed(id), id)]

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
            names = [entry["name"] for entry in self.desk.styles()]
            if style not in names:
                raise UnknownName("style", style, names)
            found[parts.style] = style_dial(style)
        if takes.isdecimal() and 1 <= int(takes[:3]) <= MOST_TAKES:
            found[parts.count] = int(takes)
        return found

    def again(self, jobs: list[str] | None, given: Any = None) -> list[Any]:
        """The settings of this browser's latest takes, and over them those that the address names. Otherwise
        the components stay as they are: somebody quick may have changed one already.
        """
        parts = self.parts
        with refuse_aloud():
            linked = self.linked(given) or {}
        try:
            job = str((jobs or [""])[0])
            found = dict(zip(parts.filled, self.settings(self.desk.composed(job), job), strict=True))
            found[parts.dials["seed"]] = ""  # each take had its own; the next ones get new ones
        except StudioError:
            found = dict(zip(parts.filled, parts.unchanged(), strict=True))
        return list((found | linked).values())


# --- Events

PRESSED = calling("compose", "pressed")
ASK_ONCE_MORE = calling("compose", "askOnceMore")
"""What is said to the takes. They open with the tab; what comes before waits for them."""


Told = Callable[[Any], None]
"""Tells the page's address and the chips what the dials show after an event that set some of them."""


def _connect_requests(parts: ComposeParts, takes: Takes) -> None:
    own, more = parts.own, [parts.theme, parts.count, *parts.dials.components]
    parts.button.click(
        takes.compose,
        [parts.style, own.files, *own.credit, *more],
        parts.outputs,
        js=PRESSED,
        trigger_mode="once",
        **FOLLOWS,
    )
    parts.takes.again(takes.again, more, parts.outputs, **FOLLOWS)


def _connect_memory(parts: ComposeParts, takes: Takes, shown: EarlierSettings, told: Told) -> None:
    """Bring back the latest takes. A tab that is not open yet is not built, and what the browser remembers is
    read when it is: so the takes ask, and not the page's load.
    """
    named = gr.JSON(visible=False)

    def linked(event: gr.EventData) -> list[Any]:
        with refuse_aloud():
            found = shown.linked(getattr(event, "settings", None)) or {}
        return list((dict(zip(parts.filled, parts.unchanged(), strict=True)) | found).values())

    remembered = [parts.remembered, named]
    told(parts.takes.arrived(shown.again, remembered, parts.filled, js=at_load(TAB), **QUICK))
    told(parts.takes.linked(linked, None, parts.filled, **QUICK))
    parts.takes.arrived(takes.find_again, parts.remembered, parts.outputs, **FOLLOWS)


def _connect_dials(parts: ComposeParts, told: Told) -> None:
    dials = parts.dials

    def set_one(event: gr.EventData) -> list[Any]:
        """Change one setting, as a refusal, a chip, a roll or the keyboard asks; all others stay."""
        found = dict(zip(dials.by_name, dials.unchanged(), strict=True))
        if event.field in found:
            found[event.field] = dials.value(event.field, event.value)
        return list(found.values())

    relaxed = parts.takes.relax(set_one, None, dials.components, **QUICK)
    relaxed.then(None, None, None, js=ASK_ONCE_MORE, api_visibility="private")
    told(relaxed)
    told(parts.chips.let_go(set_one, None, dials.components, **QUICK))
    for each in parts.sets:
        told(each.constrain(set_one, None, dials.components, **QUICK))
    moods = KINDS[requests.KIND].mood_table()
    set_by_some = sorted({name for mood in moods.values() for name in mood.values})

    def in_mood(mood: str | None) -> list[Any]:
        """What moods set goes to this mood's value, or back to its default."""
        values = moods[mood].values if mood else {}
        return [dials.value(name, values.get(name, dials.controls[name].default)) for name in set_by_some]

    told(parts.mood.input(in_mood, parts.mood, [dials[name] for name in set_by_some], **QUICK))


def _connect_style(parts: ComposeParts, desk: Desk) -> None:
    own = parts.own
    own.files.change(
        lambda files: (*hear(desk, files), {"files": list(files or ())}),
        own.files,
        [parts.style, own.heard, parts.chips],
        show_progress="hidden",
        api_visibility="private",
    )
    parts.theme.change(
        lambda file: hear(desk, [file] if file else None)[1], parts.theme, parts.theme_heard, **QUICK
    )

    def chosen(name: str | None) -> str:
        """A style was chosen: it is prepared while the visitor reads about it."""
        if name and name != OWN and not name.startswith("of:"):
            desk.get_ready(requests.KIND, name)
        return about_style(desk, name)

    parts.style.change(chosen, parts.style, parts.about, **QUICK)
