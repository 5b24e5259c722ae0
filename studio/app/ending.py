"""How the server ends: in order, and if that takes too long, at once."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn

WITHIN = 5.0
"""Seconds from the signal that ends the studio until it has ended, whatever it is doing."""

FINAL_SECOND = 1.0
"""Seconds of these that are kept for ending what would not end."""


def ending_server(config: uvicorn.Config, uploads: Path) -> uvicorn.Server:
    """A server that has ended soon after the signal that ends it.

    It shuts down in order first: connections, jobs, workers, uploads. A thread that computes would keep it
    from that, since a thread cannot be stopped from outside.
    """
    import uvicorn

    class EndingServer(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            end_at_last(128 + sig, uploads)
            super().handle_exit(sig, frame)

    return EndingServer(config)


def end_at_last(status: int, uploads: Path | None = None, within: float = WITHIN) -> None:
    """End this process `within` seconds from now, unless it has ended by then: its children are killed and
    the folder of uploads is removed.
    """

    def end() -> None:
        time.sleep(within - FINAL_SECOND)
        with contextlib.suppress(Exception):  # whatever happens here, the process ends
            kill_children()
            if uploads is not None:
                shutil.rmtree(uploads, ignore_errors=True)
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)

    threading.Thread(target=end, name="studio ends", daemon=True).start()


def kill_children() -> None:
    """Kill the processes that this one started, and those that they started."""
    import psutil  # type: ignore[import-untyped]

    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            child.kill()
