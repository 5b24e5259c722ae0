"""The page's scripts: ES modules in `js/`, served as they are, with a version in their address.

The version is made of what is in them, so that a browser may keep them for good and still gets new ones when
the studio was updated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import Response

FIRST = ("address", "theme", "tray", "stage", "looks", "size", "guide", "network")
"""The modules of the tab that is open at first, which a browser may fetch before Gradio asks for them."""

YEAR = 365 * 86400
"""Seconds for which a browser keeps a module."""


@lru_cache(maxsize=1)
def scripts() -> dict[str, bytes]:
    """Every module, by its path inside `js/` ("lessons/scene.js")."""
    folder = Path(str(files("studio.app").joinpath("js")))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.js"))}


@lru_cache(maxsize=1)
def version() -> str:
    """Changes with whatever is in any of the modules."""
    whole = hashlib.sha256()
    for name, content in scripts().items():
        whole.update(f"{name}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()[:12]


def address(name: str) -> str:
    """Where a module is, from the page: "modules/VERSION/stage.js"."""
    return f"modules/{version()}/{name}.js"


def imported(name: str) -> str:
    """JavaScript that imports a module, as a promise.

    Gradio evaluates scripts as text, where an address has nothing to be relative to but the page.
    """
    return f"import(new URL({json.dumps(address(name))}, document.baseURI).href)"


def opening(name: str, events: Iterable[str] = ()) -> str:
    """A widget's `js_on_load`: it calls `open` of the module with all that Gradio gives.

    first: the value the widget is built with; by the time the module is there it may have another. events:
    those it may send. Gradio looks for their names, quoted, in this text.
    """
    given = "{element, trigger, props, server, upload, watch, first}"
    return (
        f"// {list(events)}\nconst first = props.value;\n{imported(name)}.then(({{open}}) => open({given}));"
    )


def calling(name: str, function: str, *leading: str) -> str:
    """JavaScript for an event's `js=`: calls a module's function with `leading` and the event's values."""
    given = ", ".join([*map(json.dumps, leading), "...values"])
    return f"async (...values) => (await {imported(name)}).{function}({given})"


def preloads() -> str:
    """HTML for the page's head that fetches the first modules, and what they import, at once, and all others
    when the page has come: each tab imports some that import others.
    """
    first = _first()
    later = sorted(name for name in scripts() if name not in first)
    return "".join(
        [
            *(f'<link rel="modulepreload" href="modules/{version()}/{name}">' for name in first),
            *(f'<link rel="prefetch" as="script" href="modules/{version()}/{name}">' for name in later),
        ]
    )


def _first() -> list[str]:
    """The modules that the page begins with, and what they import."""
    wanted: dict[str, None] = {}
    waiting = [f"{name}.js" for name in FIRST]
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted[name] = None
            waiting += _imports(scripts()[name])
    return sorted(wanted)


def _imports(script: bytes) -> list[str]:
    """The modules beside it that a module of the top folder imports."""
    lines = (line for line in script.decode().splitlines() if line.startswith("import "))
    return [line.rpartition("'./")[2].partition("'")[0] for line in lines if "'./" in line]


def module_routes(allowed: Callable[..., Any]) -> APIRouter:
    """The addresses of the modules. `allowed` is asked before each; it raises when the visitor has not logged
    in.
    """
    router = APIRouter(dependencies=[Depends(allowed)])

    @router.get("/modules/{version_asked}/{name:path}")
    async def module(version_asked: str, name: str) -> Response:
        content = scripts().get(name)
        if content is None:
            raise HTTPException(404, f"There is no module '{name}'.")
        # A page that was opened before an update gets what there is now, but does not keep it.
        kept = f"private, max-age={YEAR}, immutable" if version_asked == version() else "no-store"
        headers = {"Cache-Control": kept, "X-Content-Type-Options": "nosniff"}
        return Response(content, media_type="text/javascript", headers=headers)

    return router
