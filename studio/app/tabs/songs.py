"""The Songs tab: a style, a form, chords and a band; songs to hear and read, and whatever is kept of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.app.desk import AS_BEFORE
from studio.app.dials import Dials, as_text, dial, recipe_settings, with_unit
from studio.app.following import QUICK
from studio.app.gradio_patches import BUILT_CLOSED
from studio.app.intake import as_uploaded
from studio.app.links import write_addresses
from studio.app.room import Room, TabOffers
from studio.app.sentences import said
from studio.app.several import (
    AS_THE_STYLE,
    OWN,
    TAKES,
    Asked,
    EarlierSettings,
    OwnFiles,
    Requests,
    SeveralParts,
    ask_once_more,
    checking,
    connect,
    entrance,
    expecting,
    own_files,
    remembered_jobs,
    seed_dial,
    stopping,
)
from studio.app.song_desk import MOST_SONGS, SongDesk, as_lists, kept_of
from studio.app.views import work_view
from studio.app.widgets import folded, widget
from studio.errors import StudioError, Unreadable
from studio.music.reading.pieces import SUFFIXES
from studio.music.songs.named import INFERRED, SONG_STYLES
from studio.music.songs.plan import FORMS
from studio.music.songs.recipes import SongRecipe
from studio.music.sound.fonts import SUFFIXES as SUFFIXES_OF_FONTS
from studio.music.sound.fonts import add_own_font, font_states
from studio.works.recipe import Control, Fold

TAB, MODULE = "songs", "song"
"""The tab in addresses, and the module of its songs."""

LABELS = {
    "chords_from": "Chords from",
    "fit": "Make the words fit",
    "sound": "Sound",
    "max_copy": "Longest copy",
    "max_chord_copy": "Longest copy of chords",
    "chord_changes": "Chords in a bar",
    "end": "Last note",
    "start": "First note",
}

KEYS = ("", "C", "G", "D", "A", "F", "Bb", "Eb", "Ab", "Am", "Em", "Bm", "Dm", "Gm", "Cm")
METERS = ("", "4/4", "2/2", "3/4", "6/8")

DARING = (("as usual in the style", ""), ("tame", 0.0), ("in between", 0.5), ("bold", 1.0))

IN_SIGHT = (
    *("form", "key", "meter", "bars", "chords", "chords_from", "daring", "band"),
    *("words", "words_first", "fit", "tempo"),
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

OWN_SONGS = "Songs of my own"
"""What a visitor's own lead sheets are called where they give them no name."""

OF_YOUR_OWN = (
    "To write in the manner of the Beatles or Cole Porter, add lead sheets of their songs that you own, as "
    "MusicXML, MIDI or ABC files. They become the style at once, and they stay on this computer."
)


def songs_style() -> str:
    """The tab's own style sheet."""
    return files("studio.app").joinpath("songs.css").read_text("utf-8")


def songs_tab(room: Room) -> TabOffers:
    """Build the tab's content inside the Blocks that are open."""
    desk = SongDesk(room.desk)
    parts = _lay_out(desk)
    shown = EarlierSong(desk, parts)
    told = write_addresses(TAB, parts.dials, {"style": parts.style, TAKES: parts.count})
    connect(TAB, MODULE, parts, SongRequests(desk, parts.dials), shown, told)

    def start(event: gr.EventData) -> list[Any]:
        """Set what a first song needs; everything else goes to its default."""
        name = str(getattr(event, "name", ""))
        values = STARTS[name][1] if name in STARTS else {}
        return parts.dials.values(values)

    started = parts.works.start(start, None, parts.dials.components, **QUICK)
    started.then(None, None, None, js=ask_once_more(MODULE), api_visibility="private")
    told(started)
    return TabOffers(again=entrance(MODULE, parts, shown), medium="melody")


# --- Layout


def _lay_out(desk: SongDesk) -> SeveralParts:
    makers: dict[str, Any] = {
        "form": _form_dial,
        "chords": _chords_dial,
        "band": _band_dial,
        "chords_from": _whose_chords_dial,
        "melody_from": lambda control, label: _style_choice(desk, control, label),
        "rhythm_from": lambda control, label: _style_choice(desk, control, label),
        "daring": lambda control, label: _choice(control, label, DARING),
        "seed": seed_dial,
        "sound": _sound_dial,
        "key": lambda control, label: _choice(control, label, _offered(KEYS), typed=True),
        "meter": lambda control, label: _choice(control, label, _offered(METERS), typed=True),
    }
    dials = Dials(SongRecipe, labels=LABELS, makers=makers, usual=_typed_dial)
    example = desk.shown()
    with gr.Row(elem_classes="studio-floor songs-floor", equal_height=False):
        with gr.Column(scale=7, min_width=320, elem_classes="picture-side"):
            songs = widget(
                "song",
                server=(stopping(desk.desk),),
                events=("again", "ready", "linked", "relax", "start"),
                starts=[{"name": name, "label": label} for name, (label, _) in STARTS.items()],
                example=work_view(example).model_dump() if example is not None else None,
            )
        with gr.Column(scale=4, min_width=300, elem_classes="settings-side"):
            style = _style_cards(desk)
            own, melody, melody_heard = _own_sheets()
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
                dials.add("fit")
            info = "How many songs at once, to compare."
            count = gr.Slider(1, MOST_SONGS, 1, step=1, label="Takes", info=info)
            with gr.Group(elem_classes="go"):
                # In sight with the button: settings are many, and what contradicts is said while one edits.
                chips = widget(
                    "chips",
                    server=(checking(dials, desk.check, kept_of),),
                    events=("let_go",),
                    tab=TAB,
                    elsewhere=IN_SIGHT,
                    told=("chords",),
                    asks=True,
                    styles=_titles(desk),
                )
                button = gr.Button("Make a song", variant="primary", size="lg", elem_id="song-button")
                expect = expecting(dials, MOST_SONGS, desk.expected, str(style.value or ""))
                widget("press", server=(expect,), desk=TAB)
            with folded("More settings"):
                dials.add_rest(Fold.IN_SIGHT, NO_DIAL)
                dials.add_rest(Fold.FOLDED, NO_DIAL)
                _own_font(dials)
                dials.add("seed")
    return SeveralParts(
        works=songs,
        chips=chips,
        style=style,
        own=own,
        lent=melody,
        lent_heard=melody_heard,
        dials=dials,
        count=count,
        button=button,
        remembered=remembered_jobs(TAB),
    )


def _style_cards(desk: SongDesk) -> gr.HTML:
    """Styles of songs first, then those of melodies."""
    usual = next(iter(SONG_STYLES))
    cards: list[dict[str, Any]] = [
        {"name": each.name, "title": each.title, "sentence": each.shown, "licence": "", "tunes": 0}
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
    return widget("song_styles", value=usual, cards=cards, own=OWN)


def _own_sheets() -> tuple[OwnFiles, gr.File, gr.HTML]:
    """Lead sheets that are the style, a melody that gets chords, and what is heard in it."""
    said = "Lead sheets of your own, or a tune to harmonise"
    with gr.Accordion(said, open=BUILT_CLOSED, elem_classes="own-sheets"):
        gr.Markdown(OF_YOUR_OWN)
        own = own_files("Lead sheets", OWN_SONGS)
        melody = gr.File(file_types=list(SUFFIXES), label="A melody to harmonise", height=140)
        heard = gr.HTML("", elem_classes="own-heard")
    return own, melody, heard


# --- The dials of this tab


def _form_dial(control: Control, label: str) -> Component:
    forms = [
        {"name": form.name, "letters": form.letters, "bars": form.bars, "sentence": form.sentence}
        for form in FORMS.values()
    ]
    return widget("song_form", value=control.default, info=control.help, label=label, forms=forms)


def _chords_dial(control: Control, label: str) -> Component:
    return widget("chord_row", value="", info=control.help, label=label, longest=control.longest, tab=TAB)


def _band_dial(control: Control, label: str) -> Component:
    from studio.music.bands.band import band_by_name

    offered = [("Lead sheet alone", "")]
    for name in filter(None, control.choices):
        with suppress(Unreadable):  # a file of one's own that was changed since
            offered.append((band_by_name(name).title, name))
    return gr.Dropdown(offered, value=control.default or "", label=label, info=as_text(control.help))


def _whose_chords_dial(control: Control, label: str) -> Component:
    from studio.music.harmony.named import CHORD_STYLES

    offered = [("the style's own", "")]
    offered.append(("inferred from its melodies", INFERRED))
    offered += [(CHORD_STYLES[name].title, name) for name in control.choices if name in CHORD_STYLES]
    return gr.Dropdown(offered, value="", label=label, info=as_text(control.help))


def _style_choice(desk: SongDesk, control: Control, label: str) -> Component:
    """The styles that are here, of songs and of melodies, by their titles."""
    titles = _titles(desk)
    offered = [("the style's own", "")]
    offered += [(titles[name], name) for name in control.choices if name in titles]
    return gr.Dropdown(offered, value="", label=label, info=as_text(control.help))


def _titles(desk: SongDesk) -> dict[str, str]:
    """The styles that are here, by name."""
    titles = {each["name"]: str(each["title"]) for each in desk.desk.styles() if not each["to_fetch"]}
    return titles | {each.name: each.title for each in SONG_STYLES.values()}


def _sound_dial(control: Control, label: str) -> Component:
    offered = [("the one in use", ""), *((each.title, each.name) for each in font_states() if each.ready)]
    return gr.Dropdown(offered, value="", label=label, info=as_text(control.help), allow_custom_value=True)


def _own_font(dials: Dials) -> None:
    """A SoundFont of the visitor's own, which is then what the song is played with."""
    file = gr.File(file_types=list(SUFFIXES_OF_FONTS), label="A SoundFont of your own", height=100)
    heard = gr.HTML("", elem_classes="own-heard")

    def add(path: str | None) -> tuple[Any, str]:
        if not path:
            return gr.skip(), ""
        try:
            name = add_own_font(Path(path), use=False)
        except StudioError as error:
            return gr.skip(), f'<p class="bad">{escape(said(error))}</p>'
        offered = [("the one in use", ""), *((each.title, each.name) for each in font_states() if each.ready)]
        return gr.update(choices=offered, value=name), f"<p>The song is played with {escape(name)}.</p>"

    file.upload(add, file, [dials["sound"], heard], **QUICK)


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
        # Not `as_text`: it has no pair of signs for Markdown, and Gradio shows a bracket with its backslash.
        return gr.Textbox(
            "", label=label, info=control.help, lines=4, max_lines=12, max_length=control.longest
        )
    if control.many or control.choices or not (control.default is None or control.type is str):
        return dial(control, label)
    return gr.Textbox(
        control.default or "",
        label=with_unit(control, label),
        info=as_text(control.help) if control.name != "bars" else None,
        max_lines=1,
        max_length=control.longest,
        placeholder=AS_THE_STYLE if control.name != "bars" else "as the form",
    )


# --- Requests


class SongRequests(Requests):
    """Asks for songs."""

    none_given = "Add lead sheets of your own first: drop some files under the styles."

    def __init__(self, desk: SongDesk, dials: Dials) -> None:
        super().__init__(desk.desk, dials)
        self.songs = desk

    def opened(self, style: str) -> Iterator[dict[str, Any]]:
        named = SONG_STYLES.get(style)
        if named is not None and named.counted:
            return iter(())
        return super().opened(style if named is None else named.melody)

    def ask(self, asked: Asked) -> list[str]:
        return self.songs.ask(
            asked.settings,
            asked.tunes,
            replace(asked.credit, title=asked.credit.title or OWN_SONGS),
            melody={"file": as_uploaded(asked.lent)} if asked.lent else None,
            count=asked.count,
            owner=asked.owner,
        )

    def ask_around(self, event: Any, owner: str, *more: Any) -> list[str]:
        """Keep some of a song and ask for the rest again; or mix it, or play it with another band."""
        _, count, *values = more
        built = getattr(event, "build", None)
        if built:
            sections = [(str(id), str(name)) for id, name in built]
            return self.songs.build(sections, self.dials.random_seed(), owner=owner)
        settings = self.settings(values) if getattr(event, "with_dials", False) else None
        seed = (settings or {}).get("seed", self.dials.random_seed())
        several = 1 if getattr(event, "one", False) else int(count)
        kept = as_lists(getattr(event, "kept", None))
        return self.songs.again(
            str(getattr(event, "id", "")), kept, int(seed), settings=settings, count=several, owner=owner
        )


class EarlierSong(EarlierSettings):
    """What makes the components show the settings of an earlier song or request."""

    def __init__(self, desk: SongDesk, parts: SeveralParts) -> None:
        super().__init__(desk.desk, parts, MOST_SONGS)
        self.songs = desk

    def recipe(self, id: str) -> SongRecipe:
        return self.songs.recipe(id)

    def styles(self) -> list[str]:
        return [*SONG_STYLES, *super().styles()]

    def settings(self, recipe: SongRecipe, of: str) -> list[Any]:
        own = any(source.role == "tune" for source in recipe.sources)
        style = f"{AS_BEFORE}{of}" if own else recipe.style
        return [style, gr.skip(), *self.parts.dials.values(recipe_settings(recipe))]
