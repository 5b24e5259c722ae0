"""How a recipe's controls become Gradio components, and how values travel between the two.

A control's range, default and sentence are in the recipe's field and nowhere else (`controls`). A tab says
what a control is called there, and how the few are made that need more than the usual component.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.app.gradio_patches import AS_IT_IS
from studio.app.widgets import widget
from studio.works.recipe import Control, Fold, Recipe, controls

Maker = Callable[[Control, str], Component]
"""Makes the component of one control. Arguments: the control, and its label."""

OWN_SIZE = "own"
"""What the size says for the photo's own size, which in a recipe is None."""

SIZES = (512, 768, 1024, 2048, 4096)
"""Sizes offered by a click, in pixels; any other within the recipe's range can be typed."""

LABELS = {
    "backbone": "Network",
    "feather": "Softness of edges",
    "hold": "Pull to the photo",
    "keep_colours": "Keep the photo's colours",
    "print": "Print size",
    "format": "File format",
    "tile": "Size of tiles",
}
"""Controls whose field has a technical name, on every tab. All others are called as their field."""

NONE_COUNTS = frozenset({"size", "preset"})
"""Controls in which nothing is a choice of its own: the photo's own size, no look at all."""


class Dials:
    """The controls of a recipe as components.

    Components are added where the layout is open, in any order; values go in and out in the order in which
    they were added.
    """

    def __init__(
        self,
        recipe: type[Recipe],
        *,
        labels: Mapping[str, str] | None = None,
        makers: Mapping[str, Maker] | None = None,
        usual: Maker | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        """labels: what controls are called here. makers: those of single controls. usual: for all others.
        defaults: what controls show at first, where it is not what the recipe takes without being told.
        """
        self.recipe = recipe
        self.controls = {control.name: control for control in controls(recipe)}
        for name, default in (defaults or {}).items():
            self.controls[name] = replace(self.controls[name], default=default)
        self.labels = {**LABELS, **(labels or {})}
        self.makers = {"size": size_dial, **(makers or {})}
        self.usual = usual or dial
        self.by_name: dict[str, Component] = {}

    def add(self, name: str) -> Component:
        """Make the component of this control in the layout that is open."""
        control = self.controls[name]
        label = self.labels.get(name, name.replace("_", " ").capitalize())
        self.by_name[name] = self.makers.get(name, self.usual)(control, label)
        return self.by_name[name]

    def add_rest(self, fold: Fold, without: Iterable[str] = ()) -> None:
        """Make the components of all controls of this fold that have none yet, in the recipe's order."""
        for name, control in self.controls.items():
            if control.fold is fold and name not in self.by_name and name not in without:
                self.add(name)

    def __getitem__(self, name: str) -> Any:
        return self.by_name[name]

    @property
    def components(self) -> list[Component]:
        """All components, in the order in which they were added."""
        return list(self.by_name.values())

    def settings(self, values: Sequence[Any]) -> dict[str, Any]:
        """What the components show, by name, as a recipe takes it. What was emptied keeps its default."""
        found = {}
        for name, value in zip(self.by_name, values, strict=True):
            setting = self._setting(name, value)
            if setting is not None or (name in NONE_COUNTS and value != AS_IT_IS):
                found[name] = setting
        return found

    def settings_of(self, shown: Mapping[str, Any]) -> dict[str, Any]:
        """The same from what some of the components show, by name; names that no dial has are ignored."""
        found = {}
        for name, value in shown.items():
            setting = self._setting(name, value) if name in self.by_name else None
            if setting is not None or (name in NONE_COUNTS & self.by_name.keys() and value != AS_IT_IS):
                found[name] = setting
        return found

    def values(self, settings: Mapping[str, Any]) -> list[Any]:
        """What makes the components show these settings; what is missing goes to its default."""
        return [
            self.value(name, settings.get(name, control.default))
            for name in self.by_name
            if (control := self.controls[name])
        ]

    def value(self, name: str, setting: Any) -> Any:
        """A setting as its component takes it."""
        component = self.by_name[name]
        if name == "size":
            return OWN_SIZE if setting is None else setting
        if isinstance(component, gr.Textbox):
            if isinstance(setting, tuple | list):
                return "\n".join(str(each) for each in setting)
            return "" if setting is None else str(setting)
        if isinstance(component, gr.Dropdown) and setting is None:
            return ""
        return list(setting) if isinstance(setting, tuple) else setting

    def unchanged(self, names: Iterable[str] | None = None) -> list[Any]:
        """What leaves these components, or all, as they are."""
        return [
            AS_IT_IS if isinstance(self.by_name[name], gr.HTML) else gr.skip()
            for name in (self.by_name if names is None else names)
        ]

    def random_seed(self) -> int:
        """A seed within the recipe's range."""
        return secrets.randbelow(int(self.controls["seed"].maximum or 0) + 1)

    def _setting(self, name: str, value: Any) -> Any:
        control, component = self.controls[name], self.by_name[name]
        if isinstance(value, str):
            if value == AS_IT_IS or (name == "size" and value == OWN_SIZE):
                return None
            value = value.strip()
            if control.many:
                value = [line.strip() for line in value.replace(";", "\n").splitlines() if line.strip()]
            elif control.type is int and value.isdecimal() and len(value) < 20:
                value = int(value)
        if value == "" or (value == [] and not isinstance(component, gr.Dropdown)):
            return None
        if control.type is int and isinstance(value, float) and value.is_integer():
            return int(value)
        return value


def recipe_settings(recipe: Recipe) -> dict[str, Any]:
    """A recipe's parameters by name: what its dials can show."""
    return recipe.model_dump(exclude=set(Recipe.model_fields) - {"seed"})


def as_text(help: str) -> str:
    """A help text that Gradio shows unchanged: it reads Markdown, where a pair of asterisks disappears."""
    return re.sub(r"([*_`\[\]])", r"\\\1", help)


def dial(control: Control, label: str) -> Component:
    """The usual component for a control: a choice, a tick, a slider, a number, or a text."""
    info, default = as_text(control.help), control.default
    if control.choices:
        return gr.Dropdown(list(control.choices), value=default, label=label, info=info)
    if control.type is bool:
        return gr.Checkbox(value=default, label=label, info=info)
    if control.many:
        longest = (control.most or 1) * ((control.longest or 0) + 1) if control.longest else None
        value, info = "\n".join(map(str, default)), f"{info} One a line."
        return gr.Textbox(value, label=label, info=info, lines=1, max_lines=6, max_length=longest)
    if control.type is str:
        return gr.Textbox(default or "", label=label, info=info, max_lines=1, max_length=control.longest)
    if None not in (control.step, control.minimum, control.maximum):
        return slider(control, label)
    return gr.Number(default, label=label, info=info, precision=0 if control.type is int else None)


def slider(control: Control, label: str, *, maximum: float | None = None, classes: str = "") -> Component:
    """A slider over the control's range, or up to `maximum`."""
    return gr.Slider(
        control.minimum or 0,
        maximum or control.maximum or 0,
        control.default,
        step=control.step,
        label=with_unit(control, label),
        info=as_text(control.help),
        elem_classes=classes or None,
    )


def with_unit(control: Control, label: str) -> str:
    """A label with its control's unit: Tile (px)."""
    return f"{label} ({control.unit})" if control.unit else label


def size_dial(control: Control, _label: str, *, desk: str = "") -> Component:
    """A number that can be typed, a few common ones at a click, and the photo's own size. desk: of the tab
    that tells what each takes (see `studio.app.expecting`).
    """
    return widget(
        "size",
        desk=desk,
        value=OWN_SIZE if control.default is None else control.default,
        info=as_text(control.help),
        offered=[size for size in SIZES if (control.minimum or 0) <= size <= (control.maximum or size)],
        min=control.minimum,
        max=control.maximum,
    )


def choice_dial(
    control: Control,
    label: str,
    *,
    options: Mapping[str, tuple[str, str]],
    desk: str = "",
    info: str = "",
) -> Component:
    """A control's choices side by side, one of which is chosen. options: by the recipe's value, what each is
    called and what it does. desk: of the tab that tells what each takes.
    """
    named = [
        {"value": value, "label": called, "sentence": sentence}
        for value, (called, sentence) in options.items()
        if not control.choices or value in control.choices
    ]
    return widget(
        "choice", value=control.default, field=control.name, title=label, info=info, options=named, desk=desk
    )
