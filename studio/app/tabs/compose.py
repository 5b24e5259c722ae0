"""The Compose tab: a style, a few wishes, takes to hear and read, bars to keep.

Every control is derived from the recipe (`controls(ComposeRecipe)`): its range, default and sentence stand
there and nowhere else.
"""

from __future__ import annotations

import html
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.app.desk import MOST_TAKES, Desk
from studio.app.following import ENDED, FOLLOWS, QUICK
from studio.app.intake import Credit, laid_out
from studio.app.tabs.dream import KEEP, dial, refusal
from studio.app.widgets import answer, widget
from studio.errors import Refused, StudioError
from studio.music.melody.recipes import SCALES, ComposeRecipe
from studio.music.reading.pieces import SUFFIXES
from studio.works.recipe import Control, Fold, controls

LABELS = {
    "max_copy": "Longest copy",
    "seed": "Dice",
    "composer": "Who chooses the notes",
    "end": "Last note",
    "start": "First note",
}
"""Controls whose field has a technical name. All others are called as their field."""

OFFERED = {
    "meter": ("", "4/4", "2/2", "2/4", "3/4", "6/8", "9/8", "12/8"),
    "key": (
        "",
        "C",
        "G",
        "D",
        "A",
        "F",
        "Bb",
        "Eb",
        "Am",
        "Em",
        "Bm",
        "Dm",
        "Gm",
        "D dorian",
        "G mixolydian",
    ),
    "form": ("learnt", "free", "AABA", "AABB", "ABAB", "ABAC", "AA'BA'"),
    "scale": tuple(SCALES),
}
"""What is offered by a click where anything that can be read may be typed."""

NOT_HERE = frozenset({"style", "seed", "format", "title", "keep"})
"""Controls that stand elsewhere: style and dice above, bars to keep on the takes, or have no place on this
page.
"""

TYPED = frozenset({"max_copy", "contour_limit", "tempo"})
"""Numbers that may be left empty, and so are typed."""

OWN = "own"
"""The style that stands for the files of one's own below it."""


@dataclass(frozen=True)
class ComposeTab:
    """What other parts of the page need of this tab."""

    desk: Desk
    takes: gr.HTML
    style: gr.Dropdown
    theme: gr.File
    theme_fold: gr.Accordion
    dials: dict[str, Any]

    @property
    def loaded(self) -> list[Any]:
        """What `load` gives values for."""
        return [self.style, self.theme, self.theme_fold, *self.dials.values()]

    def load(self, recipe: ComposeRecipe, of: str) -> list[Any]:
        """What makes the style, the theme and the dials show this recipe. of: the id of the work or job it
        belongs to.
        """
        given = recipe.model_dump()
        style = _style_dial(
            recipe.style, of if any(source.role == "tune" for source in recipe.sources) else ""
        )
        lent = next((source for source in recipe.sources if source.role == "theme"), None)
        theme = laid_out(self.desk.gallery.read_source(lent), lent.name or "theme.mid") if lent else None
        return [
            style,
            theme,
            gr.Accordion(open=lent is not None),
            *(_onto_dial(name, given[name]) for name in self.dials),
        ]


def compose_tab(desk: Desk) -> ComposeTab:
    """Build the tab's content inside the Blocks that are open."""

    def stop(job: str) -> dict[str, Any]:
        return answer(lambda: {"stopped": desk.cancel(str(job))})

    by_name = {control.name: control for control in controls(ComposeRecipe)}
    folded = [control for control in by_name.values() if control.fold is Fold.FOLDED]
    dials: dict[str, Any] = {}
    with gr.Row(elem_classes="studio-floor compose-floor", equal_height=False):
        with gr.Column(scale=7, min_width=320, elem_classes="picture-side"):
            takes = widget("compose", server=(stop,), shared=("melody",))
        with gr.Column(scale=4, min_width=300, elem_classes="settings-side"):
            style = _style_dial(by_name["style"].default)
            about = gr.HTML(_about(desk, by_name["style"].default), elem_classes="style-about")
            with gr.Accordion("Tunes of your own", open=False, elem_classes="own-tunes"):
                gr.Markdown(
                    "They are the style at once, without training: MIDI, MusicXML, ABC or Humdrum, one by one or in a .zip."
                )
                own = gr.File(
                    file_count="multiple",
                    file_types=[*SUFFIXES, ".zip"],
                    label="Scores or MIDI files",
                    height=140,
                )
                heard = gr.HTML("", elem_classes="own-heard")
                title = gr.Textbox(label="What they are called", max_lines=1, placeholder="Tunes of my own")
                author = gr.Textbox(label="Whose they are", max_lines=1)
                licence = gr.Textbox(
                    label="Their licence", max_lines=1, info="It stays with what is made from them."
                )
            for control in by_name.values():
                if control.fold is Fold.IN_SIGHT and control.name not in NOT_HERE:
                    dials[control.name] = _dial(control)
            count = gr.Slider(
                1, MOST_TAKES, 2, step=1, label="Takes", info="How many at once, each with dice of its own."
            )
            with gr.Group(elem_classes="go"):
                button = gr.Button("Compose", variant="primary", size="lg", elem_id="compose")
            with gr.Accordion("A line to follow", open=False):
                dials["contour"] = widget("contour", value=[], info=by_name["contour"].help)
                for name in ("contour_limit", "contour_pull"):
                    dials[name] = _dial(by_name[name])
            with gr.Accordion("A theme to lean on", open=False, elem_classes="theme") as theme_fold:
                theme = gr.File(file_types=list(SUFFIXES), label="Score or MIDI file", height=140)
                dials["theme_pull"] = _dial(by_name["theme_pull"])
            with gr.Accordion("More wishes", open=False):
                for control in folded:
                    if control.name not in dials and control.name not in NOT_HERE:
                        dials[control.name] = _dial(control)
                dials["seed"] = _dial(by_name["seed"])

    remembered = gr.BrowserState(
        None, storage_key="studio-compose", secret="not a secret: it holds jobs' ids"
    )
    tab = ComposeTab(desk, takes, style, theme, theme_fold, dials)
    plain = [name for name in dials if name != "contour"]

    # The takes are always given a whole value, and the contour likewise (see the note in `dream`).

    def compose(
        style: str | None,
        files: Sequence[str] | None,
        title: str,
        author: str,
        licence: str,
        theme: str | None,
        count: float,
        *values: Any,
    ) -> Iterator[Any]:
        try:
            wishes = from_dials(dict(zip(dials, values, strict=True)))
            seed = int(wishes.pop("seed", secrets.randbelow(2**31)))
            tunes = [_as_uploaded(path) for path in files or ()] if style == OWN else []
            if style == OWN and not tunes:
                raise Refused(
                    "Add tunes of your own first: open “Tunes of your own” and drop some files there."
                )
            wishes |= {"style": str(style or ""), "seed": seed}
            yield (
                _busy("reading the tunes" if tunes else "opening the style"),
                gr.skip(),
                gr.update(interactive=False),
            )
            if not tunes and not wishes["style"].startswith("of:"):
                for read in desk.read_style(wishes["style"]):
                    yield _busy(**read), gr.skip(), gr.skip()
            credit = Credit(title or "", author or "", licence or "")
            jobs = desk.compose(wishes, tunes, credit, count=int(count), others=leaning_on(theme))
            yield from followed(jobs)
        except StudioError as error:
            yield refusal(str(error)), gr.skip(), gr.update(interactive=True)

    def leaning_on(theme: str | None) -> dict[str, Any]:
        return {"theme": {"file": _as_uploaded(theme)}} if theme else {}

    def again(event: gr.EventData, theme: str | None, count: float, *values: Any) -> Iterator[Any]:
        """Keep some bars of a take and ask for the others anew, with the wishes as the dials show them now."""
        try:
            wishes = from_dials(dict(zip(dials, values, strict=True)))
            bars = [int(bar) for bar in getattr(event, "bars", ()) or ()]
            seed = secrets.randbelow(2**31)
            jobs = desk.compose_around(
                str(event.id), bars, seed, count=int(count), settings=wishes, others=leaning_on(theme)
            )
            yield from followed(jobs)
        except (StudioError, ValueError, TypeError) as error:
            sentence = (
                str(error)
                if isinstance(error, StudioError)
                else "Those bars cannot be kept; choose them again."
            )
            yield refusal(sentence), gr.skip(), gr.update(interactive=True)

    def followed(jobs: Sequence[str]) -> Iterator[Any]:
        told = [desk.job(job) for job in jobs]

        def now() -> tuple[Any, Any, Any]:
            ended = all(each["state"] in ENDED for each in told)
            return (
                {"state": "takes", "jobs": told, "nonce": secrets.token_hex(4)},
                list(jobs),
                gr.update(interactive=ended),
            )

        yield now()
        for place, job in enumerate(jobs):
            for state in desk.follow(job):
                told[place] = state | ({"ways_out": desk.ways_out(job)} if state["state"] == "failed" else {})
                yield now()

    def takes_again(jobs: list[str] | None) -> Iterator[Any]:
        """After a reload: the takes this browser asked for last, or how far they are."""
        try:
            if jobs:
                yield from followed([str(job) for job in jobs])
            else:
                yield None, None, gr.update(interactive=True)
        except StudioError:
            yield None, None, gr.update(interactive=True)

    def dials_again(jobs: list[str] | None) -> list[Any]:
        """After a reload: the wishes of those takes. Otherwise the dials stay as they are: whoever is quick
        has turned one already.
        """
        try:
            job = str((jobs or [""])[0])
            found = dict(zip(tab.loaded, tab.load(desk.composed(job), job), strict=True))
            # Each take had dice of its own; the dial shows none, so that the next ones are new.
            return [None if each is dials["seed"] else value for each, value in found.items()]
        except StudioError:
            return [KEEP if each is dials["contour"] else gr.skip() for each in tab.loaded]

    def relax(event: gr.EventData) -> list[Any]:
        """Change the one parameter that a refusal suggests."""
        return [_onto_dial(name, event.value) if name == event.field else gr.skip() for name in plain]

    def pin(event: gr.EventData) -> str:
        """Pins set on a roll of notes, into the field where they can be written too."""
        return "\n".join(str(each) for each in event.pins)

    def hear(files: Sequence[str] | None) -> tuple[Any, str]:
        """Files of one's own have come: they become the style, and what is in them is told."""
        if not files:
            return gr.skip(), ""
        try:
            found = desk.hear_tunes([_as_uploaded(path) for path in files])
        except StudioError as error:
            return gr.skip(), f'<p class="bad">{html.escape(str(error))}</p>'
        unread = "".join(f'<p class="bad">{html.escape(sentence)}</p>' for sentence in found["unread"][:5])
        return (OWN if found["tunes"] else gr.skip()), f"<p>{html.escape(found['sentence'])}</p>{unread}"

    outputs = [takes, remembered, button]
    asked = [style, own, title, author, licence, theme, count, *dials.values()]
    button.click(compose, asked, outputs, js=PRESSED, trigger_mode="once", **FOLLOWS)
    takes.again(again, [theme, count, *dials.values()], outputs, **FOLLOWS)
    # A tab that is not open yet is not built, and what the browser remembers is read when it is: so the takes
    # ask, and not the page's load.
    takes.arrived(dials_again, remembered, tab.loaded, **QUICK)
    takes.arrived(takes_again, remembered, outputs, **FOLLOWS)
    takes.relax(relax, None, [dials[name] for name in plain], **QUICK).then(
        None, None, None, js=ASK_ONCE_MORE, api_visibility="private"
    )
    takes.pin(pin, None, dials["pins"], **QUICK)
    dials["pins"].change(None, dials["pins"], None, js=PINNED, api_visibility="private")
    own.change(hear, own, [style, heard], show_progress="hidden", api_visibility="private")
    style.change(lambda name: _about(desk, name), style, about, **QUICK)
    return tab


PRESSED = "(...values) => { window.studio.pressed?.(); return values; }"
ASK_ONCE_MORE = "() => { const studio = (window.studio ??= {}); if (studio.askOnceMore) studio.askOnceMore(); else studio.askSoon = true; }"
PINNED = (
    "(pins) => { const studio = (window.studio ??= {}); studio.pinsWritten = pins; studio.pinned?.(pins); }"
)
"""What is said to the takes. Their script runs once the tab has been opened; what comes before waits for it.
"""


def _busy(stage: str, done: int = 0, total: int = 0) -> dict[str, Any]:
    return {"state": "reading", "stage": stage, "done": done, "total": total, "nonce": secrets.token_hex(4)}


def _as_uploaded(path: str) -> dict[str, Any]:
    """A file that Gradio's own component took, described as the page's widgets describe theirs; `intake`
    looks whether it was uploaded.
    """
    return {
        "path": str(path),
        "orig_name": str(path).replace("\\", "/").rsplit("/", 1)[-1],
        "meta": {"_type": "gradio.FileData"},
    }


def from_dials(values: dict[str, Any]) -> dict[str, Any]:
    """The wishes that the dials show: what is empty is left to the style, and lists are written one a line."""
    wishes: dict[str, Any] = {}
    for control in controls(ComposeRecipe):
        value = values.get(control.name)
        if value == KEEP:
            continue  # the line, while its fold has not been opened
        if control.many and isinstance(value, str):
            value = [line.strip() for line in value.replace(";", "\n").splitlines() if line.strip()]
        if isinstance(value, str):
            value = value.strip()
        if control.type is int and (
            isinstance(value, float) or (isinstance(value, str) and value.isdecimal())
        ):
            value = int(value)
        if value not in (None, "", []):
            wishes[control.name] = value
    return wishes


def _dial(control: Control) -> Any:
    """The component with which a person sets this parameter."""
    label, info = LABELS.get(control.name, control.name.replace("_", " ").capitalize()), control.help
    if control.name in OFFERED:
        offered = [("as the style" if choice == "" else choice, choice) for choice in OFFERED[control.name]]
        return gr.Dropdown(
            offered, value=control.default or "", label=label, info=info, allow_custom_value=True
        )
    if control.name == "composer":
        players = [("Markov chain, exact", "markov"), ("Network (LSTM)", "lstm")]
        return gr.Radio(players, value=control.default, label=label, info=info)
    if control.name == "instrument":
        from studio.music.sound.rendering import instruments

        return gr.Dropdown(list(instruments()), value=control.default, label=label, info=info)
    if control.many:
        return gr.Textbox(
            "\n".join(control.default), label=label, info=f"{info} One a line.", lines=1, max_lines=6
        )
    if control.default is None or control.type is str:
        unit = f" ({control.unit})" if control.unit else ""
        return gr.Textbox(
            control.default or "", label=label + unit, info=info, max_lines=1, placeholder="as the style"
        )
    if control.name == "bars":
        return gr.Slider(
            control.minimum or 1,
            64,
            control.default,
            step=control.step,
            label=label,
            info=info,
            elem_classes="bars-dial",
        )
    if control.name == "seed":
        return gr.Number(None, label=label, info=f"{info} Empty rolls it anew every time.", precision=0)
    return dial(control)


def _onto_dial(name: str, value: Any) -> Any:
    if name == "contour":
        return list(value)
    if isinstance(value, tuple | list):
        return "\n".join(str(each) for each in value)
    if value is None:
        return None if name == "seed" else ""
    return value if isinstance(value, int | float) and name not in TYPED else str(value)


def _style_dial(name: str, of: str = "") -> gr.Dropdown:
    """The styles that are here, each with its size. of: the id of a work or job made after tunes of one's
    own, which are offered too.
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


def _about(desk: Desk, name: str | None) -> str:
    """A style in a sentence, whose it is, and a few bars to hear."""
    entry = next((each for each in desk.styles() if each["name"] == name), None)
    if name == OWN:
        return "<p>Your files, below under “Tunes of your own”, are the style.</p>"
    if entry is None:
        return ""
    said = " ".join(
        part for part in (entry["sentence"], f"{entry['source']}." if entry["source"] else "") if part
    )
    sample = f'<audio controls preload="none" src="styles/{html.escape(entry["name"])}/sample.wav" aria-label="A sample of the style"></audio>'
    return f"<p>{html.escape(said)}</p>{sample}<p class='small'>{html.escape(entry['licence'])}</p>"
