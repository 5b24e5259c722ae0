"""The Compose tab: a style, a few wishes, takes to hear and read, bars to keep.

Every control is derived from the recipe (`controls(ComposeRecipe)`): its range, default and sentence stand there and nowhere else.
"""

from __future__ import annotations

import html
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.app.desk import Desk
from studio.app.dream import ENDED, dial, refusal
from studio.app.intake import Credit
from studio.app.widgets import answer, widget
from studio.errors import StudioError
from studio.music.recipes import SCALES, ComposeRecipe
from studio.works.recipe import Control, Fold, controls

MOST_TAKES = 8

LABELS = {"max_copy": "Longest copy", "seed": "Dice", "composer": "Who chooses the notes", "end": "Last note", "start": "First note"}
"""Controls whose field has a technical name. All others are called as their field."""

OFFERED = {
    "meter": ("", "4/4", "2/2", "2/4", "3/4", "6/8", "9/8", "12/8"),
    "form": ("learnt", "free", "AABA", "AABB", "ABAB", "ABAC", "AA'BA'"),
    "scale": tuple(SCALES),
}
"""What is offered by a click where anything that can be read may be typed."""

NOT_HERE = frozenset({"style", "seed", "format", "title", "keep", "theme_pull"})
"""Controls that stand elsewhere: style and dice above, bars to keep on the takes, or have no place on this page."""

SCORES = [".mid", ".midi", ".musicxml", ".xml", ".mxl", ".abc", ".krn"]


@dataclass(frozen=True)
class ComposeTab:
    """What other parts of the page need of this tab."""

    takes: gr.HTML


def compose_tab(desk: Desk, page: gr.Blocks) -> ComposeTab:
    """Build the tab's content inside `page`, which is open."""

    def stop(job: str) -> dict[str, Any]:
        return answer(lambda: {"stopped": desk.cancel(str(job))})

    by_name = {control.name: control for control in controls(ComposeRecipe)}
    dials: dict[str, Any] = {}
    with gr.Row(elem_classes="studio-floor compose-floor", equal_height=False):
        with gr.Column(scale=7, min_width=320, elem_classes="picture-side"):
            takes = widget("compose", server=(stop,))
        with gr.Column(scale=4, min_width=300, elem_classes="settings-side"):
            style = gr.Dropdown(_styles(), value=by_name["style"].default, label="Style", elem_classes="style-dial")
            about = gr.HTML(_about(by_name["style"].default), elem_classes="style-about")
            with gr.Accordion("Tunes of your own", open=False):
                own = gr.File(
                    file_count="multiple",
                    file_types=SCORES,
                    label="Scores or MIDI files",
                    elem_classes="own-tunes",
                )
                gr.Markdown("With files here they are the style, at once and without training. MIDI, MusicXML, ABC or Humdrum kern.")
                licence = gr.Textbox(label="Their licence", max_lines=1, info="It stays with what is made from them.")
            for control in by_name.values():
                if control.fold is Fold.IN_SIGHT and control.name not in NOT_HERE:
                    dials[control.name] = _dial(control)
            with gr.Row(elem_classes="dice"):
                dials["seed"] = _dial(by_name["seed"])
                roll = gr.Button("Roll", elem_classes="roll", scale=0, min_width=96)
            count = gr.Slider(1, MOST_TAKES, 2, step=1, label="Takes", info="How many at once, each with dice of its own.")
            with gr.Group(elem_classes="go"):
                button = gr.Button("Compose", variant="primary", size="lg", elem_id="compose")
            with gr.Accordion("A line to follow", open=False):
                dials["contour"] = widget("contour", value=[], info=by_name["contour"].help)
                for name in ("contour_limit", "contour_pull"):
                    dials[name] = _dial(by_name[name])
            with gr.Accordion("More wishes", open=False):
                for control in by_name.values():
                    if control.fold is Fold.FOLDED and control.name not in dials and control.name not in NOT_HERE:
                        dials[control.name] = _dial(control)

    remembered = gr.BrowserState(None, storage_key="studio-compose", secret="not a secret: it holds jobs' ids")
    names = list(dials)

    def compose(style: str, files: Sequence[str] | None, licence: str, count: float, *values: Any) -> Iterator[Any]:
        try:
            wishes = from_dials(dict(zip(names, values, strict=True)))
            tunes = [{"file": _as_uploaded(path)} for path in files or ()]
            wishes["style"] = "tunes of my own" if tunes else style
            first = int(wishes.get("seed") or 0)
            jobs = [
                desk.order("compose", wishes | {"seed": first + number}, {"tune": tunes}, Credit(licence=licence or ""))
                for number in range(int(count))
            ]
            yield _told(desk, jobs), jobs, gr.update(interactive=False)
            yield from followed(jobs)
        except StudioError as error:
            yield refusal(str(error)), gr.skip(), gr.update(interactive=True)

    def again(count: float, event: gr.EventData) -> Iterator[Any]:
        """Keep some bars of a take and ask for the others anew."""
        try:
            bars = [int(bar) for bar in getattr(event, "bars", ()) or ()]
            jobs = [desk.order_around(str(event.id), bars, secrets.randbelow(2**31 - 1)) for _ in range(int(count))]
            yield _told(desk, jobs), jobs, gr.update(interactive=False)
            yield from followed(jobs)
        except (StudioError, ValueError, TypeError) as error:
            sentence = str(error) if isinstance(error, StudioError) else "Those bars cannot be kept; choose them again."
            yield refusal(sentence), gr.skip(), gr.update(interactive=True)

    def followed(jobs: Sequence[str]) -> Iterator[Any]:
        for job in jobs:
            for _ in desk.follow(job):
                told = _told(desk, jobs)
                ended = all(each["state"] in ENDED for each in told["jobs"])
                yield told, gr.skip(), gr.update(interactive=ended)

    def takes_again(jobs: list[str] | None) -> Iterator[Any]:
        """After a reload: the takes this browser asked for last, or how far they are."""
        try:
            if not jobs:
                yield None, gr.skip(), gr.update(interactive=True)
                return
            yield from followed([str(job) for job in jobs])
        except StudioError:
            yield None, gr.skip(), gr.update(interactive=True)

    quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    follows: dict[str, Any] = {
        "concurrency_id": "follow",
        "concurrency_limit": None,
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    outputs = [takes, remembered, button]
    button.click(compose, [style, own, licence, count, *dials.values()], outputs, trigger_mode="once", **follows)
    takes.again(again, count, outputs, **follows)
    page.load(takes_again, remembered, outputs, **follows)
    roll.click(lambda: secrets.randbelow(2**31 - 1 - MOST_TAKES), None, dials["seed"], **quick)
    style.change(_about, style, about, **quick)
    return ComposeTab(takes)


def _told(desk: Desk, jobs: Sequence[str]) -> dict[str, Any]:
    return {"state": "takes", "jobs": [desk.job(job) for job in jobs], "nonce": secrets.token_hex(4)}


def _as_uploaded(path: str) -> dict[str, Any]:
    """A file that Gradio's own component took, described as the page's widgets describe theirs; `intake` looks whether it was uploaded."""
    return {"path": str(path), "orig_name": str(path).replace("\\", "/").rsplit("/", 1)[-1], "meta": {"_type": "gradio.FileData"}}


def from_dials(values: dict[str, Any]) -> dict[str, Any]:
    """The wishes that the dials show: what is empty is left to the style, and lists are written one a line."""
    wishes: dict[str, Any] = {}
    for control in controls(ComposeRecipe):
        value = values.get(control.name)
        if control.many and isinstance(value, str):
            value = [line.strip() for line in value.replace(";", "\n").splitlines() if line.strip()]
        if isinstance(value, str):
            value = value.strip()
        if value not in (None, "", []):
            wishes[control.name] = int(value) if isinstance(value, float) and control.type is int else value
    return wishes


def _dial(control: Control) -> Any:
    """The component with which a person sets this parameter."""
    label, info = LABELS.get(control.name, control.name.replace("_", " ").capitalize()), control.help
    if control.name in OFFERED:
        offered = [("as the style" if choice == "" else choice, choice) for choice in OFFERED[control.name]]
        return gr.Dropdown(offered, value=control.default or "", label=label, info=info, allow_custom_value=True)
    if control.name == "composer":
        players = [("Markov chain, exact", "markov"), ("Network (LSTM)", "lstm")]
        return gr.Radio(players, value=control.default, label=label, info=info)
    if control.name == "instrument":
        from studio.music.rendering import instruments

        return gr.Dropdown(list(instruments()), value=control.default, label=label, info=info)
    if control.many:
        return gr.Textbox("\n".join(control.default), label=label, info=f"{info} One a line.", lines=1, max_lines=6)
    if control.default is None or control.type is str:
        unit = f" ({control.unit})" if control.unit else ""
        return gr.Textbox(control.default or "", label=label + unit, info=info, max_lines=1, placeholder="as the style")
    if control.name == "bars":
        return gr.Slider(control.minimum or 1, 64, control.default, step=control.step, label=label, info=info, elem_classes="bars-dial")
    if control.name == "seed":
        return gr.Number(control.default, label=label, info=info, precision=0)
    return dial(control)


def _styles() -> list[tuple[str, str]]:
    """The styles that are here, each with its size."""
    from studio.music.corpora import catalogue

    return [
        (f"{entry.title}, {entry.tunes:,} tunes" if entry.tunes else entry.title, entry.name)
        for entry in catalogue()
        if entry.download is None
    ]


def _about(name: str) -> str:
    """A style in a sentence, whose it is, and a few bars to hear."""
    from studio.music.corpora import catalogue

    entry = next((each for each in catalogue() if each.name == name), None)
    if entry is None:
        return ""
    said = " ".join(part for part in (entry.sentence, f"{entry.source}." if entry.source else "") if part)
    sample = f'<audio controls preload="none" src="styles/{html.escape(name)}/sample.wav" aria-label="A sample of the style"></audio>'
    return f"<p>{html.escape(said)}</p>{sample}<p class='small'>{html.escape(entry.licence)}</p>"
