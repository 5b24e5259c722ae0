"""What the tabs that make pictures have in common: a stage, settings beside it, and a button.

The stage is a widget of ours; the files that go into a picture wait in the browser until the button is
pressed. A tab of a new kind of picture adds its own widgets and says what else its request needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.app.desk import Desk
from studio.app.dials import Dials, recipe_settings
from studio.app.following import FOLLOWS, QUICK, followed, found_again
from studio.app.intake import Credit, common
from studio.app.links import Completes, linked_settings
from studio.app.modules import calling
from studio.app.room import refusal, refuse_aloud
from studio.app.sentences import said
from studio.app.tray import visitor_of
from studio.app.widgets import answer, widget
from studio.errors import Refused, StudioError
from studio.images.networks.backbones import BACKBONES, layers, readiness
from studio.images.recipes import DreamRecipe
from studio.making.exhibition import samples_here
from studio.works.recipe import MOST_CREDIT, Control, Fold

Adjust = Callable[[dict[str, Any], dict[str, Any]], None]
"""Completes a request: changes the settings and the offered files by name. May raise a `StudioError`."""


@dataclass(frozen=True)
class PictureTab:
    """The parts of such a tab. credit: title, author and licence of the photo. remembered: the latest job of
    this browser. offered: the files that the stage hands over.
    """

    kind: str
    stage: gr.HTML
    dials: Dials
    button: gr.Button
    credit: tuple[gr.Textbox, gr.Textbox, gr.Textbox]
    offered: gr.JSON
    remembered: gr.BrowserState


def stage_widget(desk: Desk, kind: str, button: str, largest_upload: int, **props: Any) -> gr.HTML:
    """The stage of a tab. In the page's script its files wait under the kind's name.

    button: the id of the one that asks for the picture.
    """

    def stop(job: str) -> dict[str, Any]:
        return answer(lambda: {"stopped": desk.cancel(str(job))})

    return widget(
        "stage",
        server=(look(desk), stop),
        events=("arrived", "ready", "linked"),
        largest_upload=largest_upload,
        desk=kind,
        button=button,
        show=_work_on_show(desk, kind),
        samples=[{"name": each.file, "title": each.called} for each in samples_here()],
        **props,
    )


def _work_on_show(desk: Desk, kind: str) -> dict[str, Any] | None:
    """What the empty stage shows: the first work of the kind that came with the studio, with the photo it was
    made from; None where this installation lacks them.
    """
    work = desk.library.on_show.first(kind)
    if work is None:
        return None
    address = f"works/{work.id}"
    shown: dict[str, Any] = {"work": work.id, "after": f"{address}/view", "title": work.title}
    for place, source in enumerate(common(work.recipe_json).sources):
        view = f"{address}/sources/{place}"
        if place == 0:
            shown["before"] = view
        elif source.role == "style":
            shown["painting"] = {"view": view, "title": source.title or source.name}
    return shown


def look(desk: Desk) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The server function that reads an offered picture."""

    def look(request: dict[str, Any]) -> dict[str, Any]:
        picture, role = request.get("picture"), str(request.get("role", "photo"))
        return answer(lambda: desk.look(picture, role).model_dump())

    return look


def seed_row(dials: Dials) -> None:
    """The seed, and a button for a random one."""
    with gr.Row(elem_classes="seed-row"):
        seed = dials.add("seed")
        roll = gr.Button("New", elem_classes="roll", scale=0, min_width=96)
    roll.click(dials.random_seed, None, seed, **QUICK)


def go_button(label: str, id: str) -> gr.Button:
    """The button that asks for the picture. id: not a tab's, or its address would scroll the page to it."""
    with gr.Group(elem_classes="go"):
        return gr.Button(label, variant="primary", size="lg", elem_id=id)


def fine_settings(dials: Dials, without: tuple[str, ...] = ()) -> None:
    """All other controls, folded away."""
    with gr.Accordion("Fine settings", open=False):
        dials.add_rest(Fold.FOLDED, without)


def credit_fields() -> tuple[gr.Textbox, gr.Textbox, gr.Textbox]:
    """Where a visitor says whose the photo is: title, author and licence, folded away."""
    title = "What the photo is called; it goes into the recipe with the rest."
    licence = "What may be done with it, such as CC BY 4.0."
    with gr.Accordion("Whose photo is it?", open=False):
        return (
            gr.Textbox(label="Title", max_lines=1, info=title, max_length=MOST_CREDIT),
            gr.Textbox(label="Author", max_lines=1, info="Who took it.", max_length=MOST_CREDIT),
            gr.Textbox(label="Licence", max_lines=1, info=licence, max_length=MOST_CREDIT),
        )


def connect(tab: PictureTab, desk: Desk, adjust: Adjust) -> None:
    """Make the button ask for a picture, and the stage show it and remember whose the photo is.

    The stage is always given a whole value (see `gradio_patches.AS_IT_IS`).
    """

    def request(asker: gr.Request, offered: dict[str, Any] | None, *given: Any) -> Iterator[Any]:
        offered = dict(offered or {})
        credit, values = given[: len(tab.credit)], given[len(tab.credit) :]
        try:
            if offered.get("trouble"):
                raise Refused(str(offered["trouble"]))
            settings = tab.dials.settings(values)
            adjust(settings, offered)
            whose = Credit(*(text or "" for text in credit))
            job = desk.order(tab.kind, settings, offered, whose, owner=visitor_of(asker))
            yield desk.job(job), job, gr.update(interactive=False)
            for told, button in followed(desk, job):
                yield told, gr.skip(), button
        except StudioError as error:
            yield refusal(said(error)), gr.skip(), gr.update(interactive=True)

    tab.button.click(
        request,
        [tab.offered, *tab.credit, *tab.dials.components],
        [tab.stage, tab.remembered, tab.button],
        # The files of this kind are added to the values, once they have arrived.
        js=calling("desks", "withFiles", tab.kind),
        trigger_mode="once",
        **FOLLOWS,
    )
    tab.stage.arrived(credit_arrived, None, list(tab.credit), **QUICK)


def restore(
    tab: PictureTab,
    desk: Desk,
    more: Callable[[Any], dict[str, Any]] | None = None,
    completes: Completes = dict,
) -> tuple[Any, Any]:
    """What brings back this browser's latest request after a reload: a handler for the dials and one for the
    stage. Both take the remembered job; the first also what the address names. more: see `found_again`.
    completes: see `linked_settings`.
    """

    def dials_again(job: str | None, given: Any) -> list[Any]:
        """The settings that the address names, or those of a job that is still known. Otherwise the dials
        stay as they are: somebody quick may have changed one already.
        """
        with refuse_aloud():
            linked = linked_settings(tab.dials, given, completes)
        if linked is not None:
            return [job, *tab.dials.values(linked)]
        try:
            return [job, *tab.dials.values(recipe_settings(desk.recipe_of_job(str(job))))]
        except StudioError:
            return [None, *tab.dials.unchanged()]

    def stage_again(job: str | None) -> Iterator[Any]:
        yield from found_again(desk, job, more)

    return dials_again, stage_again


def remembered_job(key: str) -> gr.BrowserState:
    """Where the browser remembers its latest job, or several, under this key."""
    return gr.BrowserState(None, storage_key=key, secret="not a secret: it holds the ids of jobs")


def credit_arrived(event: gr.EventData) -> list[Any]:
    """Whose the photo is that has just arrived.

    What is not known of the first one stays as it was written, perhaps a moment ago; when a photo is
    replaced, the credit of the one before goes with it.
    """
    known = [str(getattr(event, name, "") or "") for name in ("title", "author", "licence")]
    return known if getattr(event, "replaced", False) else [each or gr.skip() for each in known]


# --- Networks and their layers


def network_dial(control: Control, label: str) -> Component:
    """A network to choose from; any other can be typed."""
    return gr.Dropdown(
        network_choices(), value=control.default, label=label, info=control.help, allow_custom_value=True
    )


def layers_dial(control: Control, label: str) -> Component:
    """Layers of the usual network to choose from; any other can be typed."""
    return gr.Dropdown(
        layer_choices(str(DreamRecipe.model_fields["backbone"].default)),
        value=list(control.default),
        label=label,
        info=control.help,
        multiselect=True,
        allow_custom_value=True,
    )


def network_choices() -> list[tuple[str, str]]:
    """(label, name) of every network, with those marked whose weights are not here."""
    here = {each.name for each in readiness() if each.ready}
    return [
        (each.name if each.name in here else f"{each.name} (needs its weights)", each.name)
        for each in BACKBONES.values()
    ]


def layer_choices(backbone: str | None) -> list[tuple[str, str]]:
    """(label, name) of a network's layers; none for a network of one's own, whose layers can be typed."""
    try:
        return [(f"{layer.name} · {layer.shows}", layer.name) for layer in layers(str(backbone))]
    except StudioError:
        return []
