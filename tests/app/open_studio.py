"""The studio as `studio app` opens it, where only a work of very many steps rests between them.

Some tests need a dream that lasts longer than what they look at. It is stopped in the end, so nothing is
gained if it computes all the time, and whatever else the tests wait for would be later. The processes that
make works run this file too, under another name.
"""

from __future__ import annotations

import sys
import time
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

MANY, REST = 500, 0.4
"""Steps from which a work rests after each, and for how many seconds."""


class RestingWorks(MetaPathFinder):
    """Changes `studio.making.worker_process` when it is imported, which loads much, and not before."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != "studio.making.worker_process":
            return None
        spec = PathFinder.find_spec(name, path, target)
        assert spec is not None
        assert spec.loader is not None
        spec.loader = Resting(spec.loader)
        return spec


class Resting(Loader):
    def __init__(self, original: Loader) -> None:
        self.original = original

    def create_module(self, spec: ModuleSpec) -> Any:
        return self.original.create_module(spec)

    def exec_module(self, module: Any) -> None:
        self.original.exec_module(module)
        report = module.ProgressReporter.report

        def rest(reporter: Any, progress: Any) -> None:
            report(reporter, progress)
            if progress.total >= MANY:
                time.sleep(REST)

        module.ProgressReporter.report = rest


sys.meta_path.insert(0, RestingWorks())

if __name__ == "__main__":
    from studio.cli import main

    sys.argv[0] = "studio"
    main()
