"""The studio as `studio app` opens it, except that it makes no more than the first step of a work that a test
holds, until the test lets go of it, or the work is told to stop. What the gallery has already is not made
again, so each such work needs a seed of its own.

So a test that looks at a running work depends on no time, and nothing computes meanwhile. The processes that
make works run this file too, under another name.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from studio.app.gradio_patches import WhenImported

HELD = "held-by-a-test"
"""The file in the studio's home that names the kind of the works that are held."""

HOLDER = "holder-for-a-test"
"""The file beside it that names the process whose work was held last."""

LOOK_EVERY = 0.05
"""Seconds between two looks at that file."""


def hold_works(worker_process: Any) -> None:
    reporter = worker_process.ProgressReporter
    begin, report = reporter.__init__, reporter.report

    def begin_held(self: Any, worker: Any, order: Any) -> None:
        begin(self, worker, order)
        held, kind = Path(order.place.home, HELD), json.loads(order.recipe_json)["kind"]

        def is_held() -> bool:
            state = worker_process.state_of(worker)
            told = order.job in state.stopped | state.ending
            return not told and held.is_file() and held.read_text() == kind

        self.is_held, self.holder = is_held, Path(order.place.home, HOLDER)

    def report_and_rest(self: Any, progress: Any) -> None:
        if progress.done and self.is_held():
            self._next_progress = self._next_preview = 0  # whatever is held has been seen
            self.holder.write_text(str(os.getpid()))
        report(self, progress)
        while progress.done and self.is_held():
            time.sleep(LOOK_EVERY)

    reporter.__init__, reporter.report = begin_held, report_and_rest


if __name__ in ("__main__", "__mp_main__"):
    sys.meta_path.insert(0, WhenImported("studio.making.worker_process", hold_works))

if __name__ == "__main__":
    from studio.cli import main

    sys.argv[0] = "studio"
    main()
