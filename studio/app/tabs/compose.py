"""The Compose tab: a style, a few constraints, takes to hear and read, bars to keep."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.app.desk import AS_BEFORE, MOST_TAKES, Desk
from studio.app.dials import Dials, as_text, dial, recipe_settings, slider, with_unit
from studio.app.following import QUICK
from studio.app.gradio_patches import BUILT_CLOSED
from studio.app.intake import as_uploaded, laid_out
from studio.app.links import write_addresses
from studio.app.room import Room, TabOffers
from studio.app.several import (
    AS_THE_STYLE,
    OWN,
    TAKES,
    Asked,
    EarlierSettings,
    Requests,
    SeveralParts,
    checking,
    connect,
    entrance,
    expecting,
    own_files,
    remembered_jobs,
    seed_dial,
    stopping,
)
from studio.app.views import work_view
from studio.app.widgets import folded, widget
from studio.making.kinds import KINDS
from studio.music.melody import requests
from studio.music.melody.constraints import recipe_class
from studio.music.melody.recipes import SCALES, ComposeRecipe
from studio.music.reading.pieces import SUFFIXES
from studio.works.recipe import Control, Fold

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

ELSEWHERE = frozenset({"style", "seed", "format", "title", "keep"})
"""Controls that are not made with the others: the style is above, the seed below, bars are kept on the takes,
and the rest have no place on this page.
"""

ABOUT_OWN = (
    "They become the style right away, without training. MIDI, MusicXML, ABC or Humdrum, one by one or in a "
    ".zip."
)

MOST_BARS = 64
"""The end of the slider; a recipe may have more."""

TAB = "compose"
"""The tab in addresses, and the module of its takes."""


@dataclass(frozen=True, kw_only=True)
class ComposeParts(SeveralParts):
    """The components of the tab. lent: the theme."""

    about: gr.HTML
    mood: gr.Radio
    theme_fold: gr.Accordion

    @property
    def filled(self) -> list[Any]:
        return [self.style, self.lent, self.theme_fold, self.count, *self.dials.components]


def compose_tab(room: Room) -> TabOffers:
    """Build the tab's content inside the Blocks that are open."""
    desk = room.desk
    parts = _lay_out(desk)
    shown = EarlierMelody(desk, parts, MOST_TAKES)
    told = write_addresses(TAB, parts.dials, {"style": parts.style, TAKES: parts.count})
    connect(TAB, TAB, parts, Takes(desk, parts.dials), shown, told)
    _connect_mood(parts, told)
    _connect_style(parts, desk)
    return TabOffers(again=entrance(TAB, parts, shown), medium="melody")


# --- Layout


def _lay_out(desk: Desk) -> ComposeParts:
    from studio.music.sound.rendering import instruments

    events = ("again", "ready", "linked", "constrain", "relax")
    makers: dict[str, Any] = dict.fromkeys(OFFERED, _suggesting_dial)
    makers |= {"composer": _composer_dial, "instrument": _instrument_dial, "bars": _bars_dial}
    makers |= {"contour": _contour_dial, "seed": seed_dial}
    dials = Dials(recipe_class(), labels=LABELS, makers=makers, usual=_constraint_dial)

    def expected(settings: dict[str, Any], count: int) -> dict[str, Any]:
        return desk.expected(requests.KIND, settings, count=count)

    usual_style = str(ComposeRecipe.model_fields["style"].default)
    with gr.Row(elem_classes="studio-floor compose-floor", equal_height=False):
        with gr.Column(scale=7, min_width=320, elem_classes="picture-side"):
            shown = desk.library.on_show.first(requests.KIND)
            example = work_view(shown).model_dump() if shown else None
            names = list(instruments())
            takes = widget(
                "compose", server=(stopping(desk),), events=events, example=example, instruments=names
            )
        with gr.Column(scale=4, min_width=300, elem_classes="settings-side"):
            style = style_dial(usual_style)
            about = gr.HTML(about_style(desk, usual_style), elem_classes="style-about")
            with gr.Accordion("Tunes of your own", open=BUILT_CLOSED, elem_classes="own-tunes"):
                gr.Markdown(ABOUT_OWN)
                own = own_files("Scores or MIDI files", "Tunes of my own")
            mood = mood_dial()
            with gr.Row(elem_classes="bars-and-takes"):
                dials.add("bars")
                count = gr.Slider(1, MOST_TAKES, 2, step=1, label="Takes", info="To compare.")
            with gr.Group(elem_classes="go"):
                button = gr.Button("Compose", variant="primary", size="lg", elem_id="compose-button")
                widget("press", server=(expecting(dials, MOST_TAKES, expected),), desk=TAB)
            chips = widget("chips", server=(checking(dials, desk.check_melody),), events=("let_go",), tab=TAB)
            widget("keyboard", tab=TAB)
            with folded("Constraints"):
                dials.add_rest(Fold.IN_SIGHT, ELSEWHERE)
            theme, theme_heard, theme_fold = _folded(dials)
    return ComposeParts(
        works=takes,
        chips=chips,
        constraints=takes,
        style=style,
        about=about,
        own=own,
        mood=mood,
        lent=theme,
        lent_heard=theme_heard,
        theme_fold=theme_fold,
        dials=dials,
        count=count,
        button=button,
        remembered=remembered_jobs(TAB),
    )


def _folded(dials: Dials) -> tuple[gr.File, gr.HTML, gr.Accordion]:
    """The folds below the button; gives the theme, what is heard in it, and its fold."""
    with gr.Accordion("A line to follow", open=BUILT_CLOSED):
        for name in ("contour", "contour_limit", "contour_pull"):
            dials.add(name)
    with gr.Accordion("A theme", open=BUILT_CLOSED, elem_classes="theme") as theme_fold:
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
    offered += [(f"{name} · as before", f"{AS_BEFORE}{of}")] if of else []
    offered += [("Tunes of my own …", OWN)]
    return gr.Dropdown(
        offered, value=f"{AS_BEFORE}{of}" if of else name, label="Style", elem_classes="style-dial"
    )


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


class Takes(Requests):
    """Asks for takes of a melody."""

    none_given = "Add tunes of your own first: open “Tunes of your own” and drop some files there."

    def ask(self, asked: Asked) -> list[str]:
        return self.desk.compose(
            asked.settings,
            asked.tunes,
            asked.credit,
            count=asked.count,
            others=_theme(asked.lent),
            owner=asked.owner,
        )

    def ask_around(self, event: Any, owner: str, *more: Any) -> list[str]:
        theme, count, *values = more
        return self.desk.compose_around(
            str(getattr(event, "id", "")),
            [int(bar) for bar in getattr(event, "bars", ()) or ()],
            self.dials.random_seed(),
            count=int(count),
            settings=self.settings(values),
            others=_theme(theme),
            owner=owner,
        )


def _theme(path: str | None) -> dict[str, Any]:
    return {"theme": {"file": as_uploaded(path)}} if path else {}


class EarlierMelody(EarlierSettings):
    """What makes the components show the settings of an earlier melody or request."""

    def recipe(self, id: str) -> ComposeRecipe:
        return self.desk.composed(id)

    def style_value(self, name: str) -> Any:
        return style_dial(name)

    def settings(self, recipe: ComposeRecipe, of: str) -> list[Any]:
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


# --- Events


def _connect_mood(parts: ComposeParts, told: Callable[[Any], None]) -> None:
    dials = parts.dials
    moods = KINDS[requests.KIND].mood_table()
    set_by_some = sorted({name for mood in moods.values() for name in mood.values})

    def in_mood(mood: str | None) -> list[Any]:
        """What moods set goes to this mood's value, or back to its default."""
        values = moods[mood].values if mood else {}
        return [dials.value(name, values.get(name, dials.controls[name].default)) for name in set_by_some]

    told(
        parts.mood.input(
            in_mood, parts.mood, [dials[name] for name in set_by_some], trigger_mode="always_last", **QUICK
        )
    )


def _connect_style(parts: ComposeParts, desk: Desk) -> None:
    def chosen(name: str | None) -> str:
        """A style was chosen: it is prepared while the visitor reads about it."""
        if name and name != OWN and not name.startswith(AS_BEFORE):
            desk.get_ready(requests.KIND, name)
        return about_style(desk, name)

    parts.style.change(chosen, parts.style, parts.about, **QUICK)
