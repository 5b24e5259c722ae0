"""The Style tab: a photo on the stage, paintings beside it, and a button that paints the photo like them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.app.dials import Dials
from studio.app.following import FOLLOWS, QUICK
from studio.app.links import at_load, follow_addresses, write_addresses
from studio.app.picture_tabs import (
    PictureTab,
    connect,
    credit_fields,
    fine_settings,
    go_button,
    look,
    network_dial,
    remembered_job,
    restore,
    seed_row,
    stage_widget,
)
from studio.app.room import Room, TabOffers
from studio.app.widgets import widget
from studio.errors import Refused
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.recipes import StyleRecipe
from studio.works.recipe import Fold, Recipe

MOST_PAINTINGS = 4

LABELS = {"style_scale": "Size of the strokes", "colour": "Whose colours"}

TEXTS = {
    ".invitation h2": "Drop a photo here",
    ".invitation p": "Then choose a painting, and the photo is painted like it.",
    "[data-do=paint_mask]": "Paint where to paint",
    ".hint": "Mark where it should be painted; the rest stays as it is.",
}
"""What the stage says here instead of what it says on the Dream tab: selector -> words."""


def style_tab(room: Room) -> TabOffers:
    """Build the tab's content inside the Blocks that are open."""
    desk = room.desk
    dials = Dials(StyleRecipe, labels=LABELS, makers={"backbone": network_dial})
    with gr.Row(elem_classes="studio-floor", equal_height=False):
        with gr.Column(scale=7, min_width=320, elem_classes="picture-side"):
            stage = stage_widget(desk, "style", "paint-button", room.largest_upload, texts=TEXTS)
        with gr.Column(scale=4, min_width=300, elem_classes="settings-side"):
            widget(
                "paintings",
                server=(look(desk),),
                desk="style",
                largest_upload=room.largest_upload,
                most=MOST_PAINTINGS,
                studies=_studies(),
            )
            dials.add_rest(Fold.IN_SIGHT)
            seed_row(dials)
            button = go_button("Paint", "paint-button")
            fine_settings(dials, without=("style_weights",))
            credit = credit_fields()
    tab = PictureTab(
        "style", stage, dials, button, credit, gr.JSON(visible=False), remembered_job("studio-style")
    )
    connect(tab, desk, _adjust)
    # The tab is built when it is first opened, after the page has loaded: its stage says when it is there.
    dials_again, stage_again = restore(tab, desk, _weights)
    stage.ready(
        dials_again,
        [tab.remembered, tab.offered],
        [tab.remembered, *dials.components],
        js=at_load("style"),
        **QUICK,
    )
    stage.ready(stage_again, tab.remembered, [stage, button], **FOLLOWS)
    write_addresses("style", dials)
    follow_addresses(stage, dials)
    return TabOffers()


def _adjust(settings: dict[str, Any], offered: dict[str, Any]) -> None:
    if offered.get("photo") and not offered.get("style"):
        raise Refused("Choose a painting too: drop one beside the photo, or click “Add a painting”.")
    weights = [float(weight) for weight in offered.pop("weights", None) or ()]
    if any(weight != weights[0] for weight in weights):
        settings["style_weights"] = tuple(weights)


def _weights(recipe: Recipe) -> dict[str, Any]:
    """What comes back to the paintings with their files."""
    return {"weights": recipe.style_weights if isinstance(recipe, StyleRecipe) else ()}


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
