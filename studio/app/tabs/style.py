"""The Paint tab: a photo on the stage, paintings beside it, and a button that paints the photo like them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import gradio as gr

from studio.app.desk import Desk
from studio.app.dials import Dials, choice_dial, recipe_settings, size_dial
from studio.app.easel import MOST_PAINTINGS, Easel
from studio.app.following import ALOUD, FOLLOWS, QUICK
from studio.app.intake import sources_of
from studio.app.links import at_load, follow_addresses, write_addresses
from studio.app.picture_tabs import (
    PictureTab,
    connect,
    credit_fields,
    fine_settings,
    go_buttons,
    network_dial,
    regions_asked,
    regions_widget,
    remembered_job,
    restore,
    seed_row,
    stage_widget,
)
from studio.app.room import Entrance, Room, TabOffers, nonce
from studio.app.widgets import widget
from studio.errors import Refused
from studio.images.networks.backbones import readiness
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.recipes import StyleRecipe
from studio.making.kinds import read_recipe
from studio.works.recipe import Fold, Recipe

LABELS = {"style_scale": "Size of the strokes", "colour": "Colours"}

PAINTERS = {
    "optimised": ("Step by step", "Painted step by step, for the best picture."),
    "refined": ("Refined", "Painted at once, then refined in a third of the steps."),
    "instant": ("At once", "In about a second, by a few steps and a network that has learnt the painting."),
}
"""What the page calls the ways of painting, and what each does."""

QUALITY = {
    "draft": ("Draft", "For a first look."),
    "good": ("Good", "A finished painting."),
    "fine": ("Fine", "Takes twice as long as Good."),
    "steps": ("Custom", "With the number of steps set under Fine settings."),
}

COLOURS = {
    "style": ("Painting’s", "The painting’s colours."),
    "content": ("Photo’s palette", "The painting’s strokes in the photo’s palette."),
    "luminance": ("Photo’s own", "Only light and dark are painted; the photo keeps its own colours."),
}

NETWORKS = {
    "efficientnet_lite0": ("EfficientNet-Lite0", "Comes with the studio; quick, and good at strokes."),
    "vgg19": ("VGG-19", "By its best published recipe: painterly, and much slower."),
    "vgg16": ("VGG-16", "Like VGG-19, and a little quicker."),
}
"""Networks that compare the picture with the paintings, for those who have their weights."""

TEXTS = {
    ".invitation h2": "Drop a photo here",
    ".invitation p": "Then choose a painting, and the photo is painted like it.",
    "[data-do=paint_mask]": "Mark where to paint",
    ".hint": "Paint over what should be painted; the rest stays as it is.",
}
"""What the stage says here instead of what it says on the Dream tab: selector -> words."""


def style_tab(room: Room) -> TabOffers:
    """Build the tab's content inside the Blocks that are open."""
    desk = room.desk
    dials = Dials(
        StyleRecipe,
        labels=LABELS,
        defaults={"quality": "good"},
        makers={
            "backbone": network_dial,
            "size": partial(size_dial, desk="style"),
            "painter": partial(choice_dial, options=PAINTERS, desk="style"),
            "quality": partial(choice_dial, options=QUALITY, desk="style"),
            "colour": partial(choice_dial, options=COLOURS),
        },
    )
    easel = Easel(desk, dials)
    networks = networks_in_sight()
    if networks:
        dials.makers["backbone"] = partial(choice_dial, options=networks, desk="style")
    with gr.Row(elem_classes="studio-floor", equal_height=False):
        with gr.Column(scale=7, min_width=320, elem_classes="picture-side"):
            stage = stage_widget(
                desk,
                dials,
                "style",
                varied={
                    "painter": tuple(PAINTERS),
                    "quality": tuple(QUALITY),
                    "backbone": tuple(networks),
                },
                button="paint-button",
                largest_upload=room.largest_upload,
                texts=TEXTS,
                more=(easel.glimpse,),
            )
        with gr.Column(scale=4, min_width=300, elem_classes="settings-side"):
            widget(
                "paintings",
                server=(easel.hang, easel.learn, easel.pause, easel.resume, easel.learning),
                desk="style",
                largest_upload=room.largest_upload,
                most=MOST_PAINTINGS,
                studies=_studies(),
            )
            for name in ("painter", "quality", *("backbone",) * bool(networks)):
                dials.add(name)
            dials.add_rest(Fold.IN_SIGHT)
            seed_row(dials)
            buttons = go_buttons("Paint", "style", "paint-button")
            regions_widget(desk, "style", None, largest_upload=room.largest_upload)
            fine_settings(dials, without=("style_weights", "regions"))
            credit = credit_fields()
    tab = PictureTab(
        "style", stage, dials, buttons, credit, gr.JSON(visible=False), remembered_job("studio-style")
    )
    connect(tab, desk, _adjust)
    # The tab is built when it is first opened, after the page has loaded: its stage says when it is there.
    dials_again, stage_again = restore(tab, desk, _weights, completes=with_quality)
    stage.ready(
        dials_again,
        [tab.remembered, tab.offered],
        [tab.remembered, *dials.components],
        js=at_load("style"),
        **ALOUD,
    )
    stage.ready(stage_again, tab.remembered, [stage, *buttons.all], **FOLLOWS)
    write_addresses("style", dials)
    follow_addresses(stage, dials, with_quality)
    # Who sets a number of steps wants that number.
    dials["steps"].input(lambda: "steps", None, dials["quality"], **QUICK)
    return _offers(tab, desk)


def _offers(tab: PictureTab, desk: Desk) -> TabOffers:
    def again(id: str, _bars: Sequence[int] = ()) -> list[Any]:
        work = desk.library.get(id)
        recipe = read_recipe(work.recipe_json)
        offer = {"state": "offer", **sources_of(recipe, work=work.id), **_weights(recipe), "nonce": nonce()}
        return [offer, *tab.dials.values(recipe_settings(recipe))]

    return TabOffers(again=Entrance([tab.stage, *tab.dials.components], again, "Edit a copy"))


def _adjust(settings: dict[str, Any], offered: dict[str, Any]) -> None:
    regions_asked(settings, offered)
    if offered.get("photo") and not offered.get("style"):
        raise Refused("Choose a painting too: drop one beside the photo, or click “Add a painting”.")
    weights = [float(weight) for weight in offered.pop("weights", None) or ()]
    if any(weight != weights[0] for weight in weights) or (weights and not any(weights)):
        settings["style_weights"] = tuple(weights)


def networks_in_sight() -> dict[str, tuple[str, str]]:
    """The networks that are offered in sight, where the weights of VGG-19, with which style transfer began,
    are here; empty without them.
    """
    ready = {each.name for each in readiness() if each.ready}
    return {name: told for name, told in NETWORKS.items() if name in ready} if "vgg19" in ready else {}


def with_quality(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that an address names: a number of steps alone is wanted as it is."""
    return {"quality": "steps"} | settings if "steps" in settings else dict(settings)


def _weights(recipe: Recipe) -> dict[str, Any]:
    """What comes back to the paintings with their files."""
    if not isinstance(recipe, StyleRecipe):
        return {}
    return {"weights": recipe.style_weights, "regions": recipe.regions}


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
