"""Settings of a tab in the page's address, such as #dream&preset=weave&strength=0.8.

The address names what is set otherwise than usual, one entry a line where a setting is a list.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.app.dials import OWN_SIZE, Dials
from studio.app.following import ALOUD
from studio.app.modules import calling
from studio.app.room import refuse_aloud
from studio.works.recipe import check

Completes = Callable[[dict[str, Any]], dict[str, Any]]
"""From the settings that an address names to all that they imply, such as a preset's."""


def linked_settings(dials: Dials, given: Any, completes: Completes = dict) -> dict[str, Any] | None:
    """The settings for these dials in what an address gave; None where it named none of them.

    given: name -> text; names that no dial has are ignored. Raises `Refused` for a value that the
    recipe does not take.
    """
    if not isinstance(given, Mapping):
        return None
    fields: dict[str, Any] = {}
    for name, text in given.items():
        if name not in dials.by_name:
            continue
        lines = str(text).splitlines()
        control = dials.controls[name]
        if control.many:
            fields[name] = lines
        elif (name, text) == ("size", OWN_SIZE):
            fields[name] = None
        elif str(text) or control.default is None:
            fields[name] = str(text) or None
    if not fields:
        return None
    recipe = check(dials.recipe, completes(fields))
    return {name: getattr(recipe, name) for name in recipe.model_fields_set}


def write_addresses(
    tab: str, dials: Dials, also: Mapping[str, Component] | None = None
) -> Callable[[Any], None]:
    """Keep the tab's address with what the dials show otherwise than they were built. also: further
    components by name.

    Returns what does so after an event that sets dials: Gradio tells of no change in what is folded away.
    """
    components = {**dials.by_name, **(also or {})}
    usual = [(name, getattr(each, "value", None)) for name, each in components.items()]
    how: dict[str, Any] = {
        "fn": None,
        "inputs": list(components.values()),
        "outputs": None,
        "js": calling("address", "dialsShow", tab, json.dumps(usual)),
        "api_visibility": "private",
        "show_progress": "hidden",
    }
    changes = [component.change for component in components.values()]  # type: ignore[attr-defined]
    gr.on(changes, trigger_mode="multiple", **how)
    return lambda event: event.then(**how)


def follow_addresses(widget: gr.HTML, dials: Dials, completes: Completes = dict) -> None:
    """Make the dials show the settings of an address that is gone to while the page is open. widget: the one
    whose event `linked` tells of it.
    """

    def linked(event: gr.EventData) -> list[Any]:
        with refuse_aloud():
            settings = linked_settings(dials, getattr(event, "settings", None), completes)
        return dials.unchanged() if settings is None else dials.values(settings)

    widget.linked(linked, None, dials.components, trigger_mode="always_last", **ALOUD)


def at_load(tab: str) -> str:
    """JavaScript for a handler whose last input is to be what the address names for this tab."""
    return calling("address", "withSettings", tab)
