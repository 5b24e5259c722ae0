"""The Dream tab: a photo on the stage, looks to choose from, the few settings that matter, and a button."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.app.desk import Desk
from studio.app.dials import Dials, recipe_settings, size_dial
from studio.app.following import ALOUD, FOLLOWS, QUICK
from studio.app.intake import sources_of
from studio.app.links import at_load, follow_addresses, write_addresses
from studio.app.modules import calling
from studio.app.picture_tabs import (
    PictureTab,
    connect,
    credit_fields,
    fine_settings,
    go_buttons,
    layer_choices,
    layers_dial,
    look,
    network_choices,
    network_dial,
    regions_asked,
    regions_widget,
    remembered_job,
    restore,
    seed_row,
    stage_widget,
)
from studio.app.room import Entrance, Room, TabOffers, nonce, refuse_aloud
from studio.app.widgets import answer, widget
from studio.errors import Refused, StudioError
from studio.images.channels.atlas import LAYERS as ATLAS_LAYERS
from studio.images.channels.atlas import TILE, Atlas
from studio.images.networks.backbones import DEFAULT, OWN
from studio.images.networks.backbones import layers as layers_of
from studio.images.presets import PRESETS, as_deep_in, with_preset
from studio.images.recipes import DreamRecipe
from studio.making.kinds import read_recipe
from studio.works.recipe import Control, Fold, Recipe, check

LABELS = {"steps": "Depth"}


def dream_tab(room: Room) -> TabOffers:
    """Build the tab's content inside the Blocks that are open."""
    desk = room.desk
    dials = Dials(
        DreamRecipe,
        labels=LABELS,
        defaults=as_the_usual_look(),
        makers={
            "preset": looks_dial,
            "backbone": network_dial,
            "layers": layers_dial,
            "size": partial(size_dial, desk="dream"),
        },
    )
    with gr.Row(elem_classes="studio-floor", equal_height=False):
        with gr.Column(scale=7, min_width=320, elem_classes="picture-side"):
            stage = stage_widget(
                desk, dials, "dream", varied={}, button="dream-button", largest_upload=room.largest_upload
            )
        with gr.Column(scale=4, min_width=300, elem_classes="settings-side"):
            dials.add("preset")
            dials.add_rest(Fold.IN_SIGHT)
            seed_row(dials)
            buttons = go_buttons("Dream", "dream", "dream-button")
            network, channels = _folded_widgets(desk, dials, room.largest_upload)
            fine_settings(dials, without=("guide_weights", "regions"))
            credit = credit_fields()
    tab = PictureTab(
        "dream", stage, dials, buttons, credit, gr.JSON(visible=False), remembered_job("studio-dream")
    )
    connect(tab, desk, _adjusting(desk))
    dials_again, stage_again = restore(tab, desk, _weights, completes=with_preset)
    room.page.load(
        dials_again,
        [tab.remembered, tab.offered],
        [tab.remembered, *dials.components],
        js=at_load("dream"),
        **ALOUD,
    )
    room.page.load(stage_again, tab.remembered, [stage, *buttons.all], **FOLLOWS)
    write_addresses("dream", dials)
    follow_addresses(stage, dials, with_preset)
    _connect_looks(dials)
    _connect_networks(dials, network)
    _connect_channels(dials, channels)
    return _offers(tab, desk)


def as_the_usual_look() -> dict[str, Any]:
    """What the controls show at first: the look that is chosen then, as it is made without the page."""
    return dict(PRESETS[str(DreamRecipe.model_fields["preset"].default)].values)


def _folded_widgets(desk: Desk, dials: Dials, largest_upload: int) -> tuple[gr.HTML, gr.HTML]:
    """The guides, the regions, a network of one's own and single channels; gives the latter two.

    They fold themselves. Gradio makes what is in a closed accordion only when it is opened, and a guide or a
    network that comes back with a work, or from a lesson, would be lost until then.
    """

    def know(offered: dict[str, Any]) -> dict[str, Any]:
        return answer(lambda: desk.know(offered))

    given: dict[str, Any] = {"desk": "dream", "largest_upload": largest_upload}
    widget("guide", server=(look(desk),), **given)
    looks = [
        {"value": name, "label": name.replace("_", " ").replace("-", " ").capitalize()} for name in PRESETS
    ]
    regions_widget(desk, "dream", looks, largest_upload=largest_upload)
    network = widget("network", server=(know,), events=("arrived",), **given)
    return network, _channels_widget(desk, dials)


def _channels_widget(desk: Desk, dials: Dials) -> gr.HTML:
    """The channels of the usual network, to be found and put into the look. Its value: the layers that the
    dream amplifies.
    """

    def channels(request: dict[str, Any]) -> dict[str, Any]:
        return answer(lambda: desk.channels(request))

    shown = [
        {"name": layer.name, "channels": layer.channels, "shows": layer.shows}
        for layer in layers_of(DEFAULT)
        if layer.name in ATLAS_LAYERS
    ]
    return widget(
        "channels",
        server=(channels,),
        events=("picked",),
        value=list(dials.controls["layers"].default),
        desk="dream",
        layers=shown,
        tile=TILE,
        across=Atlas.ACROSS,
    )


def _adjusting(desk: Desk) -> Any:
    def adjust(settings: dict[str, Any], offered: dict[str, Any]) -> None:
        regions_asked(settings, offered)
        weights = [float(weight) for weight in offered.pop("guide_weights", None) or ()]
        if any(weight != weights[0] for weight in weights):
            settings["guide_weights"] = tuple(weights)
        settings["weights_sha256"] = str(offered.get("weights_sha256") or "")
        if (
            offered.get("weights")
            and settings.get("backbone") != OWN
            and desk.know(offered["weights"])["own"]
        ):
            del offered["weights"]  # its file is still there, but another network has been chosen since

    return adjust


def _weights(recipe: Recipe) -> dict[str, Any]:
    """What comes back to the guides with their files."""
    if not isinstance(recipe, DreamRecipe):
        return {}
    return {"guide_weights": recipe.guide_weights, "regions": recipe.regions}


def _offers(tab: PictureTab, desk: Desk) -> TabOffers:
    def next_source(id: str) -> list[Any]:
        return [{"state": "offer", "photo": {"work": id}, "nonce": nonce()}]

    def again(id: str, _bars: Sequence[int] = ()) -> list[Any]:
        work = desk.library.get(id)
        recipe = read_recipe(work.recipe_json)
        offer = {"state": "offer", **sources_of(recipe, work=work.id), **_weights(recipe), "nonce": nonce()}
        return [offer, *tab.dials.values(recipe_settings(recipe))]

    def settings(wanted: Any) -> list[Any]:
        found = wanted_settings(wanted)
        untouched = dict(zip(tab.dials.by_name, tab.dials.unchanged(), strict=True))
        return [found.get(name, untouched[name]) for name in untouched]

    return TabOffers(
        next_source=Entrance([tab.stage], next_source),
        again=Entrance([tab.stage, *tab.dials.components], again, "Edit a copy"),
        settings=Entrance(tab.dials.components, settings),
        losses="How strongly the network responded",
    )


def wanted_settings(settings: Any) -> dict[str, Any]:
    """A lesson's settings for this tab, if the recipe takes them; raises `Refused` otherwise."""
    found = check(DreamRecipe, dict(settings) if isinstance(settings, dict) else {})
    values = {name: getattr(found, name) for name in found.model_fields_set}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


# --- Looks


def looks_dial(control: Control, _label: str) -> Component:
    """The presets as pictures, one of which is chosen."""
    looks = [
        {
            "name": preset.name,
            "label": preset.name.replace("_", " ").replace("-", " ").capitalize(),
            "sentence": preset.sentence,
            "picture": f"presets/{preset.name}" if preset.thumbnail.is_file() else "",
        }
        for preset in PRESETS.values()
    ]
    return widget("looks", events=("choose",), value=control.default, looks=looks, desk="dream")


def _connect_looks(dials: Dials) -> None:
    """Choosing a look puts all settings back that at least one look sets, or sets them."""
    set_by_some = {name for preset in PRESETS.values() for name in preset.values}
    names = [name for name in dials.controls if name in set_by_some]

    def look_chosen(preset: str | None, backbone: str) -> list[Any]:
        try:
            implied = with_preset({"preset": preset, "backbone": backbone})
        except StudioError:
            return [gr.skip() for _ in names]
        return [
            # A network of one's own has layers of its own: those chosen stay.
            gr.skip()
            if (backbone, name) == (OWN, "layers")
            else dials.value(name, implied.get(name, DreamRecipe.model_fields[name].default))
            for name in names
        ]

    dials["preset"].choose(
        look_chosen,
        [dials["preset"], dials["backbone"]],
        [dials[name] for name in names],
        trigger_mode="always_last",  # whoever goes through the looks quickly gets the settings of the last
        **QUICK,
    )


# --- Networks


def _connect_networks(dials: Dials, network: gr.HTML) -> None:
    both = [dials["backbone"], dials["layers"]]
    dials["backbone"].input(_layers_of_another, both, dials["layers"], trigger_mode="always_last", **QUICK)
    network.arrived(_network_arrived, None, both, **QUICK)


def _layers_of_another(backbone: str, chosen: list[str]) -> Any:
    """The layers of another network to choose from; those as deep as the ones chosen before are chosen."""
    choices = layer_choices(backbone)
    try:
        return gr.Dropdown(choices, value=list(as_deep_in(backbone, tuple(chosen))))
    except (StudioError, ValueError):
        return gr.Dropdown(choices, value=[name for _, name in choices[-1:]])


def _network_arrived(event: gr.EventData) -> tuple[Any, Any]:
    """The layers of a network of one's own to choose from, a deep one chosen; or the usual network's again
    once it is put away.
    """
    layers = [(str(label), str(name)) for label, name in getattr(event, "layers", None) or []]
    chosen = [str(layer) for layer in getattr(event, "chosen", None) or []]
    if getattr(event, "own", False) and layers:
        networks = [("the file you brought", OWN), *network_choices()]
        if getattr(event, "quietly", False):  # found again: what the dials show is right already
            return gr.update(choices=networks), gr.update(choices=layers)
        return gr.Dropdown(networks, value=OWN), gr.Dropdown(layers, value=chosen or [layers[-3][1]])
    usual = {name: DreamRecipe.model_fields[name].default for name in ("backbone", "layers")}
    return (
        gr.Dropdown(network_choices(), value=usual["backbone"]),
        gr.Dropdown(layer_choices(usual["backbone"]), value=list(usual["layers"])),
    )


# --- Channels


def _connect_channels(dials: Dials, channels: gr.HTML) -> None:
    """A channel that is picked goes into the layers, or out of them again; the explorer shows them."""
    layers = dials["layers"]
    both = [layers, dials["backbone"]]
    picked = channels.picked(_picked, both, both, **ALOUD)
    picked.then(None, None, None, js=calling("channels", "arrived"), api_visibility="private")
    layers.change(lambda chosen: list(chosen), layers, channels, trigger_mode="always_last", **QUICK)


def _picked(chosen: list[str], backbone: str, event: gr.EventData) -> tuple[Any, Any]:
    """The layers with each of these channels, or without it if it is among them. Channels are of the usual
    network: of another one's layers none stay.
    """
    told = getattr(event, "terms", None)
    kept = list(chosen) if backbone == DEFAULT else []
    for term in map(str, told if isinstance(told, list) else ()):
        without = [each for each in kept if each.partition("*")[0] != term.partition("*")[0]]
        kept = without if len(without) < len(kept) else [*kept, term]
    if not kept:
        with refuse_aloud():
            raise Refused("A dream needs a layer or a channel: pick another before you leave this one out.")
    if backbone != DEFAULT:
        return gr.Dropdown(layer_choices(DEFAULT), value=kept), gr.Dropdown(value=DEFAULT)
    return gr.Dropdown(value=kept), gr.skip()
