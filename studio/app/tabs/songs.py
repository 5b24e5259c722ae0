"""The Songs tab: a style, a form, chords and a band; songs to hear and read, and whatever is kept of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.app.dials import Dials, as_text, dial, recipe_settings, with_unit
from studio.app.following import ENDED, FOLLOWS, QUICK
from studio.app.heard import heard_as_html
from studio.app.intake import Credit, as_uploaded
from studio.app.links import at_load, linked_settings, write_addresses
from studio.app.modules import calling
from studio.app.room import Entrance, Room, TabOffers, nonce, refusal, refuse_aloud
from studio.app.sentences import said
from studio.app.song_desk import KIND, MOST_SONGS, SongDesk, as_lists
from studio.app.tray import visitor_of
from studio.app.views import work_view
from studio.app.widgets import answer, folded, widget
from studio.errors import Refused, StudioError, UnknownName
from studio.making.kinds import kind_of
from studio.music.reading.pieces import SUFFIXES
from studio.music.songs.named import SONG_STYLES
from studio.music.songs.plan import FORMS
from studio.music.songs.recipes import SongRecipe
from studio.works.recipe import MOST_CREDIT, Control, Fold

TAB, TAKES = "songs", "takes"
"""The tab in addresses, and what its number of takes is called there."""

OWN = "own"
"""The style that stands for the visitor's own files."""

LABELS = {
    "chords_from": "Whose chords",
    "max_copy": "Longest copy",
    "max_chord_copy": "Longest copy of chords",
    "chord_changes": "Chords in a bar",
    "end": "Last note",
    "start": "First note",
}

KEYS = ("", "C", "G", "D", "A", "F", "Bb", "Eb", "Ab", "Am", "Em", "Bm", "Dm", "Gm", "Cm")
METERS = ("", "4/4", "2/2", "3/4", "6/8")

DARING = (("as usual in the style", ""), ("tame", 0.0), ("in the middle", 0.5), ("bold", 1.0))

AS_THE_STYLE = "as the style"
"""What an empty control says that is then decided by the style."""

IN_SIGHT = (
    *("form", "key", "meter", "bars", "chords", "chords_from", "daring", "band"),
    *("words", "words_first", "divide_notes", "tempo"),
)
"""Controls with a place of their own."""

NO_DIAL = frozenset(
    {"style", "seed", "format", "title", "write", "mix", "part_seeds"}
    | {"composer", "temperature", "instrument", "keep", "keep_sections", "keep_parts"}
    | {"keep_chords", "keep_notes", "harmonisation", "harmonisations"}
    | {"contour", "contour_limit", "contour_pull", "theme_pull"}
)
"""Controls that are not made: the style is above, what is kept and the mix are on the songs themselves, and
the rest say nothing about a song that this page makes.
"""

STARTS: dict[str, tuple[str, dict[str, Any]]] = {
    "standard": (
        "An American standard",
        {"form": "AABA", "bars": 32, "key": "F", "meter": "4/4", "band": "trio"}
        | {"chords_from": "songbook-manner"},
    ),
    "sixties": (
        "A sixties pop song",
        {"form": "verse-chorus", "bars": 48, "key": "G", "meter": "4/4", "band": "sixties"}
        | {"chords_from": "sixties-pop"},
    ),
    "blues": (
        "A twelve-bar blues",
        {"form": "blues", "bars": 12, "key": "F", "meter": "4/4", "band": "stride"}
        | {"chords_from": "songbook-manner"},
    ),
}
"""Songs to begin with, by a press: what the button says, and what it sets."""

OF_YOUR_OWN = (
    "To write in the manner of the Beatles or Cole Porter, bring lead sheets of theirs that you own, as "
    "MusicXML, MIDI or ABC: they are the style at once, and they stay on this computer."
)


@dataclass(frozen=True)
class OwnSheets:
    """Lead sheets of the visitor's own that are the style, and a melody that gets chords. heard: what is in
    them, in words.
    """

    files: gr.File
    heard: gr.HTML
    credit: tuple[gr.Textbox, gr.Textbox, gr.Textbox]
    melody: gr.File


@dataclass(frozen=True)
class SongsParts:
    """The components of the tab. remembered: the latest jobs of this browser."""

    songs: gr.HTML
    chips: gr.HTML
    style: gr.HTML
    own: OwnSheets
    dials: Dials
    count: gr.Slider
    button: gr.Button
    remembered: gr.BrowserState

    @property
    def filled(self) -> list[Any]:
        """What `EarlierSong.settings` gives values for."""
        return [self.style, *self.dials.components]

    @property
    def outputs(self) -> list[Any]:
        """What a request changes."""
        return [self.songs, self.remembered, self.button]


def songs_style() -> str:
    """The tab's own style sheet."""
    return files("studio.app").joinpath("songs.css").read_text("utf-8")


def songs_tab(room: Room) -> TabOffers:
    """Build the tab's content inside the Blocks that are open."""
    desk = SongDesk(room.desk)
    parts = _lay_out(desk)
    requests = SongRequests(desk, parts.dials)
    shown = EarlierSong(desk, parts)
    told = write_addresses(TAB, parts.dials, {"style": parts.style})
    _connect(parts, requests, shown, told)
    parts.own.files.change(
        lambda given: _hear(desk, given),
        parts.own.files,
        [parts.style, parts.own.heard],
        show_progress="hidden",
        api_visibility="private",
    )
    return TabOffers(
        again=Entrance([parts.songs, *parts.filled], shown.work, "Edit a copy", ASK_ONCE_MORE),
        medium="melody",
    )


# --- Layout


def _lay_out(desk: SongDesk) -> SongsParts:
    def stop(job: str) -> dict[str, Any]:
        return answer(lambda: {"stopped": desk.desk.cancel(str(job))})

    makers: dict[str, Any] = {
        "form": _form_dial,
        "chords": _chords_dial,
        "band": _band_dial,
        "chords_from": _whose_chords_dial,
        "daring": lambda control, label: _choice(control, label, DARING),
        "key": lambda control, label: _choice(control, label, _offered(KEYS), typed=True),
        "meter": lambda control, label: _choice(control, label, _offered(METERS), typed=True),
    }
    dials = Dials(SongRecipe, labels=LABELS, makers=makers, usual=_typed_dial)
    example = desk.shown()
    with gr.Row(elem_classes="studio-floor songs-floor", equal_height=False):
        with gr.Column(scale=7, min_width=320, elem_classes="picture-side"):
            songs = widget(
                "song",
                server=(stop, _expecting(desk, dials)),
                events=("again", "arrived", "linked", "relax", "start"),
                starts=[{"name": name, "label": label} for name, (label, _) in STARTS.items()],
                example=work_view(example).model_dump() if example is not None else None,
            )
        with gr.Column(scale=4, min_width=300, elem_classes="settings-side"):
            style = _style_cards(desk)
            own = _own_sheets()
            dials.add("form")
            with gr.Row(elem_classes="song-frame"):
                for name in ("key", "meter", "bars"):
                    dials.add(name)
            dials.add("chords")
            with gr.Row(elem_classes="song-frame"):
                for name in ("chords_from", "daring"):
                    dials.add(name)
            dials.add("band")
            dials.add("words")
            with gr.Row(elem_classes="song-frame"):
                dials.add("words_first")
                dials.add("divide_notes")
            info = "How many songs at once, to compare."
            count = gr.Slider(1, MOST_SONGS, 1, step=1, label="Takes", info=info)
            with gr.Group(elem_classes="go"):
                button = gr.Button("Make a song", variant="primary", size="lg", elem_id="song-button")
            chips = widget("chips", events=("let_go",), tab=TAB, elsewhere=IN_SIGHT)
            with folded("More settings"):
                dials.add_rest(Fold.IN_SIGHT, NO_DIAL)
                dials.add_rest(Fold.FOLDED, NO_DIAL)
                dials.add("seed")
    remembered = gr.BrowserState(
        None, storage_key="studio-songs", secret="not a secret: it holds the ids of jobs"
    )
    return SongsParts(songs, chips, style, own, dials, count, button, remembered)


def _style_cards(desk: SongDesk) -> gr.HTML:
    """Styles of songs first, then those of melodies."""
    usual = next(iter(SONG_STYLES))
    cards: list[dict[str, Any]] = [
        {"name": each.name, "title": each.title, "sentence": each.sentence, "licence": "", "tunes": 0}
        for each in SONG_STYLES.values()
    ]
    cards += [
        {name: each[name] for name in ("name", "title", "sentence", "licence", "tunes")}
        for each in desk.desk.styles()
        if not each["to_fetch"]
    ]
    cards.append(
        {"name": OWN, "title": "Songs of your own …", "sentence": OF_YOUR_OWN, "licence": "", "tunes": 0}
    )
    return widget("song_styles", value=usual, cards=cards)


def _own_sheets() -> OwnSheets:
    said = "Lead sheets of your own, or a tune to harmonise"
    with gr.Accordion(said, open=False, elem_classes="own-sheets"):
        gr.Markdown(OF_YOUR_OWN)
        given = gr.File(
            file_count="multiple", file_types=[*SUFFIXES, ".zip"], label="Lead sheets", height=140
        )
        heard = gr.HTML("", elem_classes="own-heard")
        credit = (
            gr.Textbox(
                label="What they are called", max_lines=1, max_length=100, placeholder="Songs of my own"
            ),
            gr.Textbox(label="Whose they are", max_lines=1, max_length=MOST_CREDIT),
            gr.Textbox(label="Their licence", max_lines=1, max_length=MOST_CREDIT),
        )
        melody = gr.File(file_types=list(SUFFIXES), label="A melody that gets chords", height=140)
    return OwnSheets(given, heard, credit, melody)


# --- The dials of this tab


def _form_dial(control: Control, label: str) -> Component:
    forms = [
        {"name": form.name, "letters": form.letters, "bars": form.bars, "sentence": form.sentence}
        for form in FORMS.values()
    ]
    return widget("song_form", value=control.default, info=control.help, label=label, forms=forms)


def _chords_dial(control: Control, label: str) -> Component:
    return widget("chord_row", value="", info=control.help, label=label, longest=control.longest)


def _band_dial(control: Control, label: str) -> Component:
    from studio.music.bands.band import band_by_name

    offered = [("Lead sheet alone", "")]
    offered += [(band_by_name(name).title, name) for name in control.choices if name]
    return gr.Dropdown(offered, value=control.default or "", label=label, info=as_text(control.help))


def _whose_chords_dial(control: Control, label: str) -> Component:
    from studio.music.harmony.named import CHORD_STYLES

    offered = [("the style's own", "")]
    offered += [(CHORD_STYLES[name].title, name) for name in control.choices if name]
    return gr.Dropdown(offered, value="", label=label, info=as_text(control.help))


def _offered(choices: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((choice or AS_THE_STYLE, choice) for choice in choices)


def _choice(
    control: Control, label: str, offered: Sequence[tuple[str, Any]], *, typed: bool = False
) -> Component:
    info = as_text(control.help)
    return gr.Dropdown(
        list(offered), value="", label=label, info=None if typed else info, allow_custom_value=typed
    )


def _typed_dial(control: Control, label: str) -> Component:
    """A control that may be left empty is typed, and says what empty means."""
    if control.name == "words":
        info = as_text(control.help)
        return gr.Textbox("", label=label, info=info, lines=4, max_lines=12, max_length=control.longest)
    if control.many or control.choices or not (control.default is None or control.type is str):
        return dial(control, label) if control.name != "seed" else _seed_dial(control, label)
    return gr.Textbox(
        control.default or "",
        label=with_unit(control, label),
        info=as_text(control.help) if control.name != "bars" else None,
        max_lines=1,
        max_length=control.longest,
        placeholder=AS_THE_STYLE if control.name != "bars" else "as the form",
    )


def _seed_dial(control: Control, label: str) -> Component:
    info = f"{control.help} Leave empty for a new one every time."
    # A number that is empty would be sent as 0, and every press would ask for the same song.
    said = "a new one every time"
    return gr.Textbox("", label=label, info=info, max_lines=1, max_length=20, placeholder=said)


def _expecting(desk: SongDesk, dials: Dials) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What the page may ask: how long a request for what the dials show will take."""

    def expect(asked: dict[str, Any]) -> dict[str, Any]:
        values = asked.get("values")
        if not isinstance(values, list) or len(values) != len(dials.by_name):
            values = [getattr(each, "value", None) for each in dials.components]
        return answer(lambda: desk.expected(kind_of(KIND).prepare(dials.settings(values), [])[0]))

    return expect


# --- Requests


class SongRequests:
    """Asks for songs and tells how they stand. Each message to the page is a whole value of the songs, the
    jobs to remember, and whether the button may be pressed.
    """

    def __init__(self, desk: SongDesk, dials: Dials) -> None:
        self.desk, self.dials = desk, dials

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
        """The button was pressed. more: a melody, how many songs, and what the dials show."""
        melody, count, *values = more
        try:
            settings = self._settings(values) | {"style": str(style or "")}
            tunes = [as_uploaded(path) for path in given or ()] if style == OWN else []
            if style == OWN and not tunes:
                raise Refused("Add lead sheets of your own first: drop some files below the styles.")
            yield self._busy("opening the style"), gr.skip(), gr.update(interactive=False)
            named = SONG_STYLES.get(settings["style"])
            read_from = named.melody if named is not None else settings["style"]
            counted = named is not None and named.counted
            if not tunes and not counted and not read_from.startswith("of:"):
                for read in self.desk.desk.read_style(read_from):
                    yield self._busy(**read), gr.skip(), gr.skip()
            jobs = self.desk.ask(
                settings,
                tunes,
                Credit(title or "", author or "", licence or ""),
                melody={"file": as_uploaded(melody)} if melody else None,
                count=int(count),
                owner=visitor_of(asker),
            )
            yield from self.follow(jobs)
        except StudioError as error:
            yield refusal(said(error)), gr.skip(), gr.update(interactive=True)

    def again(self, event: gr.EventData, asker: gr.Request, count: float, *values: Any) -> Iterator[Any]:
        """Keep some of a song and ask for the rest again; or mix it, or play it with another band."""
        try:
            kept = as_lists(getattr(event, "kept", None))
            settings = self._settings(values) if getattr(event, "with_dials", False) else None
            seed = (settings or {}).get("seed", self.dials.random_seed())
            several = 1 if getattr(event, "one", False) else int(count)
            jobs = self.desk.again(
                str(event.id), kept, int(seed), settings=settings, count=several, owner=visitor_of(asker)
            )
            yield from self.follow(jobs)
        except StudioError as error:
            yield refusal(said(error)), gr.skip(), gr.update(interactive=True)

    def find_again(self, jobs: list[str] | None) -> Iterator[Any]:
        """After a reload: the songs this browser asked for last, or how far they are."""
        try:
            if jobs:
                yield from self.follow([str(job) for job in jobs])
                return
        except StudioError:
            pass  # a job was dropped from the ledger, or its work from the gallery: no song is shown
        yield None, None, gr.update(interactive=True)

    def follow(self, jobs: Sequence[str]) -> Iterator[Any]:
        """How the songs of these jobs stand, now and whenever that changes, until all have ended."""
        told = [self.desk.desk.job(job) for job in jobs]
        yield self._message(jobs, told)
        for place, job in enumerate(jobs):
            for state in self.desk.desk.follow(job):
                told[place] = state
                yield self._message(jobs, told)

    def _settings(self, values: Sequence[Any]) -> dict[str, Any]:
        settings = self.dials.settings(values)
        settings.setdefault("seed", self.dials.random_seed())
        return settings

    @staticmethod
    def _message(jobs: Sequence[str], told: list[dict[str, Any]]) -> tuple[Any, Any, Any]:
        ended = all(each["state"] in ENDED for each in told)
        songs = {"state": "songs", "jobs": list(told), "nonce": nonce()}
        return songs, list(jobs), gr.update(interactive=ended)

    @staticmethod
    def _busy(stage: str, done: int = 0, total: int = 0) -> dict[str, Any]:
        return {"state": "reading", "stage": stage, "done": done, "total": total, "nonce": nonce()}


def _hear(desk: SongDesk, given: Sequence[str] | None) -> tuple[Any, str]:
    """The visitor's own files have come: they become the style, and the page says what is in them."""
    from html import escape

    from studio.app.gradio_patches import AS_IT_IS

    if not given:
        return AS_IT_IS, ""
    try:
        found = desk.desk.hear_tunes([as_uploaded(path) for path in given])
    except StudioError as error:
        return AS_IT_IS, f'<p class="bad">{escape(said(error))}</p>'
    return (OWN if found["tunes"] else AS_IT_IS), heard_as_html(found)


# --- What the tab shows


class EarlierSong:
    """What makes the components show the settings of an earlier song or request."""

    def __init__(self, desk: SongDesk, parts: SongsParts) -> None:
        self.desk, self.parts = desk, parts

    def settings(self, recipe: SongRecipe, of: str) -> list[Any]:
        """Values for `SongsParts.filled`. of: the id of the work or job that the recipe belongs to."""
        own = any(source.role == "tune" for source in recipe.sources)
        return [f"of:{of}" if own else recipe.style, *self.parts.dials.values(recipe_settings(recipe))]

    def work(self, id: str, bars: Sequence[int] = ()) -> list[Any]:
        """A song of the gallery with its settings; these bars of it are to be kept."""
        work = work_view(self.desk.desk.library.get(id)).model_dump()
        shown = {"state": "offer", "works": [work], "kept": list(bars), "nonce": nonce()}
        return [shown, *self.settings(self.desk.recipe(id), id)]

    def linked(self, given: Any) -> dict[Component, Any] | None:
        """What the settings that an address names change; None where it names none. Raises `Refused` for a
        wrong one.
        """
        parts = self.parts
        style = str(given.get("style", "")) if isinstance(given, Mapping) else ""
        settings = linked_settings(parts.dials, given)
        if settings is None and not style:
            return None
        found = dict(zip(parts.dials.components, parts.dials.values(settings or {}), strict=True))
        if not settings or "seed" not in settings:
            found[parts.dials["seed"]] = ""
        if style:
            names = [*SONG_STYLES, *(entry["name"] for entry in self.desk.desk.styles())]
            if style not in names:
                raise UnknownName("style", style, names)
            found[parts.style] = style
        return found

    def again(self, jobs: list[str] | None, given: Any = None) -> list[Any]:
        """The settings of this browser's latest songs, and over them those that the address names."""
        parts = self.parts
        with refuse_aloud():
            linked = self.linked(given) or {}
        try:
            job = str((jobs or [""])[0])
            found = dict(zip(parts.filled, self.settings(self.desk.recipe(job), job), strict=True))
            found[parts.dials["seed"]] = ""
        except StudioError:
            found = dict(zip(parts.filled, self.unchanged(), strict=True))
        return list((found | linked).values())

    def unchanged(self) -> list[Any]:
        """What leaves the components as they are."""
        from studio.app.gradio_patches import AS_IT_IS

        return [AS_IT_IS, *self.parts.dials.unchanged()]


# --- Events

PRESSED = calling("song", "pressed")
ASK_ONCE_MORE = calling("song", "askOnceMore")


def _connect(
    parts: SongsParts, requests: SongRequests, shown: EarlierSong, told: Callable[[Any], None]
) -> None:
    own, dials = parts.own, parts.dials
    more = [parts.count, *dials.components]
    parts.button.click(
        requests.make,
        [parts.style, own.files, *own.credit, own.melody, *more],
        parts.outputs,
        js=PRESSED,
        trigger_mode="once",
        **FOLLOWS,
    )
    parts.songs.again(requests.again, more, parts.outputs, **FOLLOWS)
    named = gr.JSON(visible=False)

    def linked(event: gr.EventData) -> list[Any]:
        with refuse_aloud():
            found = shown.linked(getattr(event, "settings", None)) or {}
        return list((dict(zip(parts.filled, shown.unchanged(), strict=True)) | found).values())

    def relax(event: gr.EventData) -> list[Any]:
        """Change the one setting that a refusal suggests."""
        found = dict(zip(dials.by_name, dials.unchanged(), strict=True))
        if event.field in found:
            found[event.field] = dials.value(event.field, event.value)
        return list(found.values())

    def start(event: gr.EventData) -> list[Any]:
        """Set what a first song needs; everything else goes to its default."""
        name = str(getattr(event, "name", ""))
        values = STARTS[name][1] if name in STARTS else {}
        return dials.values(values)

    remembered = [parts.remembered, named]
    told(parts.songs.arrived(shown.again, remembered, parts.filled, js=at_load(TAB), **QUICK))
    told(parts.songs.linked(linked, None, parts.filled, **QUICK))
    parts.songs.arrived(requests.find_again, parts.remembered, parts.outputs, **FOLLOWS)
    told(parts.chips.let_go(relax, None, dials.components, **QUICK))
    for event, sets in ((parts.songs.relax, relax), (parts.songs.start, start)):
        changed = event(sets, None, dials.components, **QUICK)
        changed.then(None, None, None, js=ASK_ONCE_MORE, api_visibility="private")
        told(changed)
