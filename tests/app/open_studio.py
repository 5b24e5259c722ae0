"""The studio as `studio app` opens it, except that a work of very many steps rests after each.

Some tests need a dream that lasts longer than what they look at. It is stopped in the end, so nothing is
gained if it computes all the time, and whatever else the tests wait for would come later. The processes that
make works run this file too, under another name.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from studio.app.gradio_patches import WhenImported

MANY, REST = 500, 0.4
"""Steps from which a work rests after each, and for how many seconds."""


def let_works_rest(worker_process: Any) -> None:
    reporter = worker_process.ProgressReporter
    report = reporter.report

    def rest(self: Any, progress: Any) -> None:
        report(self, progress)
        if progress.total >= MANY:
            time.sleep(REST)

    reporter.report = rest


sys.meta_path.insert(0, WhenImported("studio.making.worker_process", let_works_rest))

if __name__ == "__main__":
    from studio.cli import main

    sys.argv[0] = "studio"
    main()
