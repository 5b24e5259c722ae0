"""The Style tab: a photo on the stage, paintings beside it, and a button that paints the one like the others.

Every control is derived from the recipe (`controls(StyleRecipe)`): its range, default and sentence stand
there and nowhere else.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.app.desk import Desk
from studio.app.following import FOLLOWS, QUICK, followed, found_again
from studio.app.intake import Credit
from studio.app.tabs.dream import (
    credit_arrived,
    credit_fields,
    dial,
    from_dials,
    onto_dial,
    refusal,
    untouched,
)
from studio.app.widgets import answer, widget
from studio.errors import Refused, StudioError
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.recipes import StyleRecipe
from studio.works.recipe import Fold, controls

COLLECT = "async (...values) => [await window.studio.desks.style.collect(), ...values.slice(1)]"
"""Before the button's values leave the page, the stage adds the photo, the mask and the paintings, once they
have arrived.
"""

MOST_PAINTINGS = 4

LABELS = {"steps": "Steps", "style_scale": "Size of the strokes", "colour": "Whose colours"}
"""Controls that are called otherwise here than by their field, or than in a dream."""

TEXTS = {
    ".invitation h2": "Drop a photo here",
    ".invitation p": "Then choose a painting, and the photo is painted like it.",
    "[data-do=paint_mask]": "Paint where to paint",
    ".hint": "Mark where it should be painted; the rest stays as it is.",
}
"""What the stage says here instead of what it says to a dreamer: selector -> words."""


@dataclass(frozen=True)
class StyleTab:
    """What other parts of the page need of this tab."""

    stage: gr.HTML


def style_tab(desk: Desk, largest_upload: int) -> StyleTab:
    """Build the tab's content inside the Blocks that are open. largest_upload: bytes."""

    def look(request: dict[str, Any]) -> dict[str, Any]:
        return answer(
            lambda: desk.look(request.get("picture"), str(request.get("role", "photo"))).model_dump()
        )

    def stop(job: str) -> dict[str, Any]:
        return answer(lambda: {"stopped": desk.cancel(str(job))})

    by_name = {control.name: control for control in controls(StyleRecipe) if control.name != "style_weights"}
    dials: dict[str, Any] = {}
    with gr.Row(elem_classes="studio-floor", equal_height=False):
        with gr.Column(scale=7, min_width=320, elem_classes="picture-side"):
            stage = widget(
                "stage", server=(look, stop), largest_upload=largest_upload, desk="style", texts=TEXTS
            )
        with gr.Column(scale=4, min_width=300, elem_classes="settings-side"):
            widget(
                "paintings",
                server=(look,),
                largest_upload=largest_upload,
                most=MOST_PAINTINGS,
                studies=_studies(),
            )
            for control in by_name.values():
                if control.fold is Fold.IN_SIGHT:
                    dials[control.name] = dial(control, LABELS.get(control.name, ""))
            with gr.Row(elem_classes="dice"):
                dials["seed"] = dial(by_name["seed"])
                roll = gr.Button("Roll", elem_classes="roll", scale=0, min_width=96)
            with gr.Group(elem_classes="go"):
                button = gr.Button("Paint", variant="primary", size="lg", elem_id="paint")
            with gr.Accordion("Fine settings", open=False):
                for control in by_name.values():
                    if control.name not in dials:
                        dials[control.name] = dial(control)
            title, author, licence = credit_fields()

    desk_top = gr.JSON(visible=False)
    remembered = gr.BrowserState(None, storage_key="studio-style", secret="not a secret: it holds a job's id")
    names = list(dials)

    def paint(
        desk_top: dict[str, Any] | None, title: str, author: str, licence: str, *values: Any
    ) -> Iterator[Any]:
        offered = dict(desk_top or {})
        try:
            if offered.get("trouble"):
                raise Refused(str(offered["trouble"]))
            if offered.get("photo") and not offered.get("style"):
                raise Refused("Choose a painting too: drop one beside the photo, or click “Add a painting”.")
            wishes = from_dials(dict(zip(names, values, strict=True)))
            weights = [float(weight) for weight in offered.pop("weights", None) or ()]
            if any(weight != weights[0] for weight in weights):
                wishes["style_weights"] = tuple(weights)
            job = desk.order("style", wishes, offered, Credit(title or "", author or "", licence or ""))
            yield desk.job(job), job, gr.update(interactive=False)
            for told, button_now in followed(desk, job):
                yield told, gr.skip(), button_now
        except StudioError as error:
            yield refusal(str(error)), gr.skip(), gr.update(interactive=True)

    def stage_again(job: str | None) -> Iterator[Any]:
        yield from found_again(
            desk, job, lambda recipe_json: {"weights": desk.settings(recipe_json).get("style_weights", ())}
        )

    def dials_again(job: str | None) -> list[Any]:
        """Where this browser asked for something before that is still known: its settings. Otherwise the
        dials stay as they are.
        """
        try:
            settings = desk.settings(desk.jobs.latest(str(job)).recipe_json)
            return [onto_dial(name, settings.get(name, by_name[name].default)) for name in names]
        except StudioError:
            return untouched(dials)

    inputs = [desk_top, title, author, licence, *dials.values()]
    button.click(paint, inputs, [stage, remembered, button], js=COLLECT, trigger_mode="once", **FOLLOWS)
    # The tab is built when it is first opened, after the page has loaded: its stage says when it is there.
    stage.ready(dials_again, remembered, list(dials.values()), **QUICK)
    stage.ready(stage_again, remembered, [stage, button], **FOLLOWS)
    roll.click(lambda: secrets.randbelow(int(by_name["seed"].maximum or 0) + 1), None, dials["seed"], **QUICK)

    stage.arrived(credit_arrived, None, [title, author, licence], **QUICK)
    return StyleTab(stage)


def _studies() -> list[dict[str, str]]:
    return [
        {
            "name": painting.name,
            "title": painting.title,
            "sentence": painting.sentence,
            "picture": f"paintings/{painting.name}",
        }
        for painting in PAINTINGS.values()
    ]
