"""The Dream tab: a photo on the stage, looks to choose from, the few settings that matter, and a button.

Every control is derived from the recipe (`controls(DreamRecipe)`): its range, default and sentence stand
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
from studio.app.widgets import answer, widget
from studio.errors import Refused, StudioError
from studio.images.networks.backbones import OWN
from studio.images.recipes import DreamRecipe
from studio.works.recipe import Control, Fold, controls

OWN_SIZE = "own"
KEEP = "as it is"
"""What a dial of our own is told to stay as it is. Gradio's "skip" would, in 6.31, overwrite what such a
widget was told from the start.
"""

SIZES = (512, 768, 1024, 2048, 4096)
"""Sizes offered by a click, in pixels; any other within the recipe's range can be typed."""

LABELS = {"steps": "Depth", "seed": "Dice", "backbone": "Network", "keep_colours": "Keep the photo's colours"}
"""Controls whose field has a technical name. All others are called as their field."""

COLLECT = "async (...values) => [await window.studio.desks.dream.collect(), ...values.slice(1)]"
"""Before the button's values leave the page, the stage adds the photo, the mask and the guide, once they have
arrived.
"""


@dataclass(frozen=True)
class DreamTab:
    """What other parts of the page need of this tab."""

    stage: gr.HTML
    dials: dict[str, Any]
    remembered: gr.BrowserState
    button: gr.Button

    def load(self, settings: dict[str, Any]) -> list[Any]:
        """What to put onto the dials, in their order, so that they show these settings; what is missing goes
        to its default.
        """
        defaults = {control.name: control.default for control in controls(DreamRecipe)}
        return [onto_dial(name, settings.get(name, defaults[name])) for name in self.dials]


def dream_tab(desk: Desk, page: gr.Blocks, largest_upload: int) -> DreamTab:
    """Build the tab's content inside `page`, which is open. largest_upload: bytes."""

    def look(request: dict[str, Any]) -> dict[str, Any]:
        return answer(
            lambda: desk.look(request.get("picture"), str(request.get("role", "photo"))).model_dump()
        )

    def stop(job: str) -> dict[str, Any]:
        return answer(lambda: {"stopped": desk.cancel(str(job))})

    def know(offered: dict[str, Any]) -> dict[str, Any]:
        return answer(lambda: desk.know(offered))

    dials: dict[str, Any] = {}
    by_name = {control.name: control for control in controls(DreamRecipe)}
    folded = [
        control for control in by_name.values() if control.fold is Fold.FOLDED and control.name != "seed"
    ]

    with gr.Row(elem_classes="studio-floor", equal_height=False):
        with gr.Column(scale=7, min_width=320, elem_classes="picture-side"):
            stage = widget("stage", server=(look, stop), largest_upload=largest_upload)
        with gr.Column(scale=4, min_width=300, elem_classes="settings-side"):
            dials["preset"] = widget("looks", value=by_name["preset"].default, looks=_looks())
            for control in by_name.values():
                if control.fold is Fold.IN_SIGHT and control.name != "preset":
                    dials[control.name] = dial(control)
            with gr.Row(elem_classes="dice"):
                dials["seed"] = dial(by_name["seed"])
                roll = gr.Button("Roll", elem_classes="roll", scale=0, min_width=96)
            with gr.Group(elem_classes="go"):
                button = gr.Button("Dream", variant="primary", size="lg", elem_id="dream")
            # These two fold themselves: Gradio makes what is in a closed accordion only when it is opened,
            # and a guide or a network that comes back with a work, or from a lesson, would be lost until
            # then.
            widget("guide", server=(look,), shared=("well",), largest_upload=largest_upload)
            network = widget("network", server=(know,), shared=("well",), largest_upload=largest_upload)
            with gr.Accordion("Fine settings", open=False):
                for control in folded:
                    dials[control.name] = dial(control)
            title, author, licence = credit_fields()

    desk_top = gr.JSON(visible=False)
    remembered = gr.BrowserState(None, storage_key="studio-dream", secret="not a secret: it holds a job's id")
    tab = DreamTab(stage, {name: dials[name] for name in by_name}, remembered, button)

    # The stage is always given a whole value: an "update" that leaves it alone would, in Gradio 6.31,
    # overwrite what the widget was told from the start (postprocess_update_dict takes "__type__" for one of
    # its props).

    def dream(
        desk_top: dict[str, Any] | None, title: str, author: str, licence: str, *values: Any
    ) -> Iterator[Any]:
        offered = desk_top or {}
        try:
            if offered.get("trouble"):
                raise Refused(str(offered["trouble"]))
            wishes = from_dials(dict(zip(tab.dials, values, strict=True)))
            wishes["weights_sha256"] = str(offered.get("weights_sha256") or "")
            if (
                offered.get("weights")
                and wishes.get("backbone") != OWN
                and desk.know(offered["weights"])["own"]
            ):
                # Its file still lies there, but another network has been chosen since.
                offered = {role: picture for role, picture in offered.items() if role != "weights"}
            job = desk.order("dream", wishes, offered, Credit(title or "", author or "", licence or ""))
            yield desk.job(job), job, gr.update(interactive=False)
            for told, button_now in followed(desk, job):
                yield told, gr.skip(), button_now
        except StudioError as error:
            yield refusal(str(error)), gr.skip(), gr.update(interactive=True)

    def dials_again(job: str | None) -> list[Any]:
        """After a reload: the settings of the job this browser asked for last, if it is still known.

        Otherwise the dials stay as they are: whoever is quick has turned one already.
        """
        try:
            return [job, *tab.load(desk.settings(desk.jobs.latest(str(job)).recipe_json))]
        except StudioError:
            return [None, *untouched(tab.dials)]

    def stage_again(job: str | None) -> Iterator[Any]:
        yield from found_again(desk, job)

    button.click(
        dream,
        [desk_top, title, author, licence, *tab.dials.values()],
        [stage, remembered, button],
        js=COLLECT,
        trigger_mode="once",
        **FOLLOWS,
    )
    page.load(dials_again, remembered, [remembered, *tab.dials.values()], **QUICK)
    page.load(stage_again, remembered, [stage, button], **FOLLOWS)

    roll.click(lambda: secrets.randbelow(int(by_name["seed"].maximum or 0) + 1), None, dials["seed"], **QUICK)
    looks_set = _what_looks_set()
    dials["preset"].choose(
        lambda preset, backbone: _look_on_dials(preset, backbone, looks_set),
        [dials["preset"], dials["backbone"]],
        [dials[name] for name in looks_set],
        trigger_mode="always_last",  # whoever goes through the looks quickly gets the settings of the last
        **QUICK,
    )
    dials["backbone"].input(
        _layers_dial,
        [dials["backbone"], dials["layers"]],
        dials["layers"],
        trigger_mode="always_last",
        **QUICK,
    )

    def network_arrived(event: gr.EventData) -> tuple[Any, Any]:
        """Its layers to choose from, a deep one chosen; or the usual network's again once it is put away."""
        layers = [(str(label), str(name)) for label, name in getattr(event, "layers", None) or []]
        chosen = [str(layer) for layer in getattr(event, "chosen", None) or []]
        if getattr(event, "own", False) and layers:
            networks = [("the file you brought", OWN), *_networks()]
            if getattr(event, "quietly", False):  # found again: what the dials show is right already
                return gr.update(choices=networks), gr.update(choices=layers)
            return gr.Dropdown(networks, value=OWN), gr.Dropdown(layers, value=chosen or [layers[-3][1]])
        usual = {name: DreamRecipe.model_fields[name].default for name in ("backbone", "layers")}
        return (
            gr.Dropdown(_networks(), value=usual["backbone"]),
            gr.Dropdown(_layers(usual["backbone"]), value=list(usual["layers"])),
        )

    network.arrived(network_arrived, None, [dials["backbone"], dials["layers"]], **QUICK)
    stage.arrived(credit_arrived, None, [title, author, licence], **QUICK)
    return tab


def credit_arrived(event: gr.EventData) -> list[Any]:
    """Whose the photo is that has just arrived. What is not known of the first one stays as it was written,
    perhaps a moment ago; when a photo is replaced, the credit of the one before goes with it."""
    known = [str(getattr(event, name, "") or "") for name in ("title", "author", "licence")]
    return known if getattr(event, "replaced", False) else [each or gr.skip() for each in known]


def untouched(dials: dict[str, Any]) -> list[Any]:
    """What to put onto dials so that they stay as they are."""
    return [KEEP if isinstance(dial, gr.HTML) else gr.skip() for dial in dials.values()]


def refusal(sentence: str) -> dict[str, Any]:
    """What the stage is told when a request cannot be met; the nonce lets it say the same twice."""
    return {"state": "refused", "message": sentence, "nonce": secrets.token_hex(4)}


def dial(control: Control, label: str = "") -> gr.components.Component:
    """The component with which a person sets this parameter. label: what it is called, where that is not its
    usual name.
    """
    label, info = label or LABELS.get(control.name, control.name.replace("_", " ").capitalize()), control.help
    if control.name == "size":
        offered = [size for size in SIZES if (control.minimum or 0) <= size <= (control.maximum or size)]
        value = OWN_SIZE if control.default is None else control.default
        return widget(
            "size", value=value, info=info, offered=offered, min=control.minimum, max=control.maximum
        )
    if control.name == "backbone":
        return gr.Dropdown(
            _networks(), value=control.default, label=label, info=info, allow_custom_value=True
        )
    if control.name == "layers":
        choices = _layers(str(DreamRecipe.model_fields["backbone"].default))
        value = list(control.default)
        return gr.Dropdown(
            choices, value=value, label=label, info=info, multiselect=True, allow_custom_value=True
        )
    if control.choices:
        return gr.Dropdown(list(control.choices), value=control.default, label=label, info=info)
    if control.type is bool:
        return gr.Checkbox(value=control.default, label=label, info=info)
    if (
        control.type in (int, float)
        and control.step is not None
        and control.minimum is not None
        and control.maximum is not None
    ):
        unit = f" ({control.unit})" if control.unit else ""
        return gr.Slider(
            control.minimum,
            control.maximum,
            control.default,
            step=control.step,
            label=label + unit,
            info=info,
        )
    if control.type in (int, float):
        return gr.Number(
            control.default, label=label, info=info, precision=0 if control.type is int else None
        )
    return gr.Textbox(control.default, label=label, info=info, max_lines=1)


def credit_fields() -> tuple[gr.Textbox, gr.Textbox, gr.Textbox]:
    """Where a visitor says whose the photo is: title, author and licence, folded away."""
    with gr.Accordion("Whose photo is it?", open=False):
        return (
            gr.Textbox(
                label="Title",
                max_lines=1,
                info="What the photo is called; it goes into the recipe with the rest.",
            ),
            gr.Textbox(label="Author", max_lines=1, info="Who took it."),
            gr.Textbox(label="Licence", max_lines=1, info="What may be done with it, such as CC BY 4.0."),
        )


def from_dials(values: dict[str, Any]) -> dict[str, Any]:
    """The wishes that the dials show: an emptied or "own" size is None, an emptied number is left to the
    recipe's default.
    """
    wishes = dict(values)
    size = wishes.get("size")
    wishes["size"] = None if size in (OWN_SIZE, "", None) else size
    if "preset" in wishes:
        wishes["preset"] = wishes["preset"] or None  # no look at all, which a widget tells as nothing
    return {name: value for name, value in wishes.items() if value is not None or name in ("size", "preset")}


def onto_dial(name: str, value: Any) -> Any:
    """A parameter's value as its dial takes it."""
    if name == "size":
        return OWN_SIZE if value is None else value
    return list(value) if isinstance(value, tuple) else value


def _what_looks_set() -> list[str]:
    """The parameters that at least one look sets: choosing another look puts all of them back."""
    from studio.images.presets import PRESETS

    set_by_some = {name for preset in PRESETS.values() for name in preset.values}
    return [control.name for control in controls(DreamRecipe) if control.name in set_by_some]


def _look_on_dials(preset: str | None, backbone: str, names: list[str]) -> list[Any]:
    from studio.images.presets import with_preset

    try:
        implied = with_preset({"preset": preset, "backbone": backbone})
    except StudioError:
        return [gr.skip() for _ in names]
    found = [onto_dial(name, implied.get(name, DreamRecipe.model_fields[name].default)) for name in names]
    # A network of one's own has layers of its own: those chosen stay.
    return [
        gr.skip() if (backbone, name) == (OWN, "layers") else value
        for name, value in zip(names, found, strict=True)
    ]


def _looks() -> list[dict[str, str]]:
    from studio.images.presets import PRESETS

    return [
        {
            "name": preset.name,
            "label": preset.name.replace("_", " ").replace("-", " ").capitalize(),
            "sentence": preset.sentence,
            "picture": f"presets/{preset.name}" if preset.thumbnail.is_file() else "",
        }
        for preset in PRESETS.values()
    ]


def _networks() -> list[tuple[str, str]]:
    from studio.images.networks.backbones import BACKBONES, readiness

    here = {each.name for each in readiness() if each.ready}
    return [
        (each.name if each.name in here else f"{each.name} (needs its weights)", each.name)
        for each in BACKBONES.values()
    ]


def _layers(backbone: str | None) -> list[tuple[str, str]]:
    from studio.images.networks.backbones import layers

    try:
        return [(f"{layer.name} · {layer.shows}", layer.name) for layer in layers(str(backbone))]
    except StudioError:
        # A network of one's own: its layers can be typed.
        return []


def _layers_dial(backbone: str, layers: list[str]) -> Any:
    """The layers of another network to choose from; those that lie as deep as the ones chosen before are
    chosen.
    """
    from studio.images.presets import as_deep_in

    try:
        return gr.Dropdown(choices=_layers(backbone), value=list(as_deep_in(backbone, tuple(layers))))
    except (StudioError, ValueError):
        return gr.Dropdown(choices=_layers(backbone), value=[choice for _, choice in _layers(backbone)[-1:]])
