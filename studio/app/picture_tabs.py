"""What the tabs that make pictures have in common: a stage, settings beside it, and a button.

The stage is a widget of ours; the files that go into a picture wait in the browser until the button is
pressed. A tab of a new kind of picture adds its own widgets and says what else its request needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.app.desk import MOST_VARIATIONS, Desk
from studio.app.dials import Dials, recipe_settings
from studio.app.expecting import expecting, with_sizes
from studio.app.following import ENDED, FOLLOWS, QUICK, found_again
from studio.app.gradio_patches import BUILT_CLOSED
from studio.app.intake import Credit, common
from studio.app.links import Completes, linked_settings
from studio.app.modules import calling
from studio.app.room import refusal, warn_of_link
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
class GoButtons:
    """The buttons that ask for pictures: how many each asks for, the one for a single picture first."""

    by_count: dict[int, gr.Button]

    @property
    def all(self) -> list[gr.Button]:
        return list(self.by_count.values())


@dataclass(frozen=True)
class PictureTab:
    """The parts of such a tab. credit: title, author and licence of the photo. remembered: the latest job of
    this browser. offered: the files that the stage hands over.
    """

    kind: str
    stage: gr.HTML
    dials: Dials
    buttons: GoButtons
    credit: tuple[gr.Textbox, gr.Textbox, gr.Textbox]
    offered: gr.JSON
    remembered: gr.BrowserState


def stage_widget(
    desk: Desk,
    dials: Dials,
    kind: str,
    *,
    varied: Mapping[str, tuple[Any, ...]],
    more: tuple[Callable[..., Any], ...] = (),
    **props: Any,
) -> gr.HTML:
    """The stage of a tab. In the page's script its files wait under the kind's name.

    varied: see `expecting`, beside the sizes. more: further server functions. props: `button`, the id of the
    one that asks for the picture, and `largest_upload`.
    """

    def stop(job: str) -> dict[str, Any]:
        return answer(lambda: {"stopped": desk.end(str(job))})

    return widget(
        "stage",
        server=(
            look(desk),
            stop,
            expecting(desk.jobs, kind, dials, with_sizes(dials) | dict(varied)),
            *more,
        ),
        events=("arrived", "ready", "linked", "seeded", "deepened"),
        desk=kind,
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


def pictures_style() -> str:
    """The style sheet of what is on these tabs."""
    return files("studio.app").joinpath("pictures.css").read_text("utf-8")


def look(desk: Desk) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The server function that reads an offered picture."""

    def look(request: dict[str, Any]) -> dict[str, Any]:
        picture, role = request.get("picture"), str(request.get("role", "photo"))
        return answer(lambda: desk.look(picture, role).model_dump())

    return look


def regions_widget(desk: Desk, kind: str, looks: list[dict[str, str]] | None, **props: Any) -> gr.HTML:
    """The regions of a picture, folded away. looks: value and label of each there is to choose from; None
    where they are the paintings of the tab.
    """

    def parts(request: dict[str, Any]) -> dict[str, Any]:
        return answer(lambda: {"parts": desk.parts(request.get("picture"))})

    return widget("regions", server=(look(desk), parts), desk=kind, looks=looks, **props)


def regions_asked(settings: dict[str, Any], offered: dict[str, Any]) -> None:
    """The regions that the page sends along become a setting."""
    regions = offered.pop("regions", None) or ()
    settings["regions"] = tuple(map(str, regions))


def seed_row(dials: Dials) -> None:
    """The seed, and a button for a random one."""
    with gr.Row(elem_classes="seed-row"):
        seed = dials.add("seed")
        roll = gr.Button("New", elem_classes="roll", scale=0, min_width=96)
    roll.click(dials.random_seed, None, seed, **QUICK)


SEVERAL = (4, MOST_VARIATIONS)
"""How many variations can be asked for at a press."""


def go_buttons(label: str, kind: str, id: str) -> GoButtons:
    """The buttons that ask for pictures, and beside them what they take and how far they are. id: not a
    tab's, or its address would scroll the page to it.
    """
    with gr.Group(elem_classes="go"):
        widget("press", desk=kind)
        with gr.Row(elem_classes="go-row"):
            found = {1: gr.Button(label, variant="primary", size="lg", elem_id=id, scale=3, min_width=120)}
            for count in SEVERAL:
                called = f"{count} variations" if count == SEVERAL[0] else str(count)
                found[count] = gr.Button(
                    called, size="lg", elem_id=f"{id}-{count}", scale=1, min_width=56, elem_classes="several"
                )
    return GoButtons(found)


def fine_settings(dials: Dials, without: tuple[str, ...] = ()) -> None:
    """All other controls, folded away."""
    with gr.Accordion("Fine settings", open=BUILT_CLOSED):
        dials.add_rest(Fold.FOLDED, without)


def credit_fields() -> tuple[gr.Textbox, gr.Textbox, gr.Textbox]:
    """Where a visitor says whose the photo is: title, author and licence, folded away."""
    title = "What the photo is called; it goes into the recipe with the rest."
    licence = "What may be done with it, such as CC BY 4.0."
    with gr.Accordion("Whose photo is it?", open=BUILT_CLOSED):
        return (
            gr.Textbox(label="Title", max_lines=1, info=title, max_length=MOST_CREDIT),
            gr.Textbox(label="Author", max_lines=1, info="Who took it.", max_length=MOST_CREDIT),
            gr.Textbox(label="Licence", max_lines=1, info=licence, max_length=MOST_CREDIT),
        )


def connect(tab: PictureTab, desk: Desk, adjust: Adjust) -> None:
    """Make the buttons ask for pictures, and the stage show them and remember whose the photo is.

    The stage is always given a whole value (see `gradio_patches.AS_IT_IS`).
    """
    for count, button in tab.buttons.by_count.items():
        button.click(
            _asking(tab, desk, adjust, count),
            [tab.offered, *tab.credit, *tab.dials.components],
            [tab.stage, tab.remembered, *tab.buttons.all],
            # The files of this kind are added to the values, once they have arrived.
            js=calling("desks", "withFiles", tab.kind),
            trigger_mode="once",
            **FOLLOWS,
        )
    tab.stage.arrived(credit_arrived, None, list(tab.credit), **QUICK)
    tab.stage.seeded(_seeded, None, tab.dials["seed"], **QUICK)
    tab.stage.deepened(_deepening(tab, desk), None, [tab.stage, tab.remembered, *tab.buttons.all], **FOLLOWS)


def _asking(tab: PictureTab, desk: Desk, adjust: Adjust, count: int) -> Callable[..., Iterator[Any]]:
    """The handler of a button that asks for `count` pictures, each with the next seed; several are new."""

    def request(asker: gr.Request, offered: dict[str, Any] | None, *given: Any) -> Iterator[Any]:
        offered = dict(offered or {})
        credit, values = given[: len(tab.credit)], given[len(tab.credit) :]
        try:
            if offered.get("trouble"):
                raise Refused(str(offered["trouble"]))
            settings = tab.dials.settings(values)
            adjust(settings, offered)
            whose = Credit(*(text or "" for text in credit))
            asks = desk.variations if count > 1 else desk.orders
            jobs = asks(tab.kind, settings, offered, whose, count=count, owner=visitor_of(asker))
            yield from _shown(tab, desk, jobs)
        except StudioError as error:
            yield refusal(said(error)), gr.skip(), *_ready(tab, True)

    return request


def _deepening(tab: PictureTab, desk: Desk) -> Callable[..., Iterator[Any]]:
    """The handler that goes on with the result on the stage."""

    def deepen(asker: gr.Request, event: gr.EventData) -> Iterator[Any]:
        try:
            work = str(getattr(event, "work", ""))
            yield from _shown(tab, desk, [desk.resume(work, owner=visitor_of(asker))])
        except StudioError as error:
            yield refusal(said(error)), gr.skip(), *_ready(tab, True)

    return deepen


def _shown(tab: PictureTab, desk: Desk, jobs: list[str]) -> Iterator[Any]:
    """What the stage, the memory and the buttons are told while these jobs are made, one after another."""
    for place, job in enumerate(jobs):
        of_several = {"sheet": {"jobs": jobs, "place": place}} if len(jobs) > 1 else {}
        if not place:
            yield desk.job(job) | of_several, jobs[-1], *_ready(tab, False)
        for told in desk.follow(job):
            ended = told["state"] in ENDED and place + 1 == len(jobs)
            yield told | of_several, gr.skip(), *_ready(tab, ended)


def _ready(tab: PictureTab, ready: bool) -> list[Any]:
    """What lets the buttons be pressed, or not."""
    return [gr.update(interactive=ready) for _ in tab.buttons.all]


def _seeded(event: gr.EventData) -> Any:
    """The seed of the result on the stage."""
    seed = getattr(event, "seed", None)
    return seed if isinstance(seed, int) and not isinstance(seed, bool) else gr.skip()


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
        linked = None
        try:
            linked = linked_settings(tab.dials, given, completes)
        except StudioError as error:
            warn_of_link(error)
        if linked is not None:
            return [job or gr.skip(), *tab.dials.values(linked)]
        try:
            return [job, *tab.dials.values(recipe_settings(desk.recipe_of_job(str(job))))]
        except StudioError:
            return [None, *tab.dials.unchanged()]

    def stage_again(job: str | None) -> Iterator[Any]:
        for told, ready in found_again(desk, job, more):
            yield told, *_ready(tab, ready)

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
