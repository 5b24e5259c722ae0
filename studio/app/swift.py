"""What lets the page answer sooner: Gradio imported in half the time, and no search for garbage while there
is none.

Whenever it is imported, Gradio reads the source of each of its components and compares it with the type stub
that it keeps for editors beside it (`gradio.component_meta.create_or_modify_pyi`): three seconds of the six
that `import gradio` takes on two cores, at which somebody waits for a page. The stubs are complete when
Gradio is installed, and nothing that runs reads them. So that one function is left out; where a later Gradio
has none of that name, nothing changes.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

MODULE, WRITES_STUBS = "gradio.component_meta", "create_or_modify_pyi"


def leave_stubs_alone() -> None:
    """Has Gradio's stubs left as they are, if Gradio is not imported yet. Asked more than once, it does so
    once.
    """
    if MODULE not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


@contextlib.contextmanager
def without_collecting() -> Iterator[None]:
    """For a block that makes what lasts as long as the program: Python does not look for garbage in it (a
    tenth of the start, for there is hardly any), and never again among what is there at its end (see
    `gc.freeze`)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != MODULE:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    def __init__(self, own: Loader) -> None:
        self.own = own

    def create_module(self, spec: ModuleSpec) -> Any:
        return self.own.create_module(spec)

    def exec_module(self, module: Any) -> None:
        self.own.exec_module(module)
        if hasattr(module, WRITES_STUBS):
            setattr(module, WRITES_STUBS, lambda *_: None)
