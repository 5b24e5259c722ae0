"""Widgets of our own inside Gradio's page: each is an HTML skeleton and a script of the same name."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import gradio as gr

from studio.errors import StudioError


def widget(
    name: str,
    *,
    server: tuple[Callable[..., Any], ...] = (),
    shared: tuple[str, ...] = (),
    events: tuple[str, ...] = (),
    **props: Any,
) -> gr.HTML:
    """The widget of that name.

    server: functions its script may call. shared: scripts it has in common with others. events: those it
    sends, which Gradio wants to read in its script. props: what it is told from the start.
    """
    folder = files("studio.app.widgets")
    script = "".join(folder.joinpath(f"{part}.js").read_text("utf-8") for part in ("common", *shared, name))
    return gr.HTML(
        html_template=folder.joinpath(f"{name}.html").read_text("utf-8"),
        js_on_load=f"// {list(events)}\n{script}",
        server_functions=list(server),
        apply_default_css=False,
        elem_classes=["widget", f"widget-{name}"],
        **props,
    )


def answer(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a widget's script is told: the answer, or {"trouble": sentence} if the request cannot be met."""
    try:
        return ask()
    except StudioError as error:
        return {"trouble": str(error)}
