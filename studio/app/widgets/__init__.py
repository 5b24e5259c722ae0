"""Widgets of our own inside Gradio's page: each is an HTML skeleton and a module in `js/` by its name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import gradio as gr

from studio.app.guard.mistakes import NOT_UNDERSTOOD
from studio.app.modules import opening
from studio.app.sentences import said
from studio.errors import StudioError


def widget(
    name: str,
    *,
    server: tuple[Callable[..., Any], ...] = (),
    events: tuple[str, ...] = (),
    **props: Any,
) -> gr.HTML:
    """The widget of that name.

    server: functions its module may call. events: those it sends. props: what it is told from the start.
    """
    return gr.HTML(
        html_template=files("studio.app.widgets").joinpath(f"{name}.html").read_text("utf-8"),
        js_on_load=opening(name, events),
        server_functions=[_understanding(each) for each in server],
        apply_default_css=False,
        elem_classes=["widget", f"widget-{name}"],
        **props,
    )


@contextmanager
def folded(label: str) -> Iterator[None]:
    """What is laid out in the block is folded away under a button that says `label`."""
    widget("fold", label=label)
    with gr.Column(elem_classes="folded"):
        yield


def _understanding(action: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which is told an object or a text, as its signature says, and nothing else: any
    program can call it, not only the widget's module.
    """
    told = next(iter(inspect.signature(action, eval_str=True).parameters.values())).annotation
    expected = {str: str, dict[str, Any]: dict}.get(told, object)

    @functools.wraps(action)
    def understood(asked: Any = None) -> Any:
        if not isinstance(asked, expected):
            return {"trouble": NOT_UNDERSTOOD}
        return action(asked)

    return understood


def answer(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a widget's module is told: the answer, or {"trouble": sentence, "field"} if the request cannot be
    met. field: the setting that is wrong by itself, if it is one.
    """
    try:
        return ask()
    except StudioError as error:
        return {"trouble": said(error), "field": error.setting}
