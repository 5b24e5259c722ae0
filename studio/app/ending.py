"""How the server ends: in order, and if that takes too long, at once.

What ends it needs neither the event loop nor the main thread. Python runs the handler of a signal in the main
thread, between two of its steps, and that thread may be waiting or computing. The operating system's own
handler, however, writes the signal's number into a pipe at once, and a thread of ours reads it there. As the
last resort a timer that is no part of Python ends the process, even if no thread gets its turn any more.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

    import uvicorn

WITHIN = 5.0
"""Seconds from the signal that ends the studio until it has ended, whatever it is doing."""

IN_ORDER = 2.8
"""Seconds of these in which everything may close in order. Then its children are killed, which on a busy
computer takes a second itself.
"""

AT_THE_LATEST = 4.3
"""Seconds after which the timer ends the process, come what may."""

ENDING = ("SIGTERM", "SIGINT", "SIGHUP")
"""The signals that end the studio."""


class Countdown:
    """Ends this process soon after `begin`, unless it has ended by then.

    folders: removed at the end.
    """

    def __init__(self) -> None:
        self.folders: list[Path] = []
        self._begun = threading.Lock()

    def begin(self, number: int) -> None:
        """Start the clock; `number` is that of the signal. The second time nothing happens."""
        if self._begun.acquire(blocking=False):
            _end_in_any_case()
            threading.Thread(target=self._end, args=(128 + number,), name="studio ends", daemon=True).start()

    def _end(self, status: int) -> None:
        time.sleep(IN_ORDER)
        with contextlib.suppress(Exception):  # whatever happens here, the process ends
            sys.stdout.flush()
            sys.stderr.flush()
            # Whatever still runs would report that its children are gone.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            kill_children()
            for folder in self.folders:
                shutil.rmtree(folder, ignore_errors=True)
        os._exit(status)


@contextlib.contextmanager
def ending_soon_after_a_signal() -> Iterator[Countdown]:
    """In this block, a signal that ends the studio ends it within `WITHIN` seconds.

    Everything shuts down in order first: connections, jobs, workers, uploads. A thread that computes would
    keep it from that, since a thread cannot be stopped from outside.
    """
    ending = Countdown()
    if os.name == "nt" or threading.current_thread() is not threading.main_thread():
        yield ending  # signals go elsewhere
        return
    numbers = {getattr(signal, name) for name in ENDING}
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def wait() -> None:
        while number := os.read(reader, 1):
            if number[0] in numbers:
                ending.begin(number[0])
        os.close(reader)

    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=wait, name="studio hears signals", daemon=True).start()
    try:
        yield ending
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)  # and the thread reads the end


def ending_server(config: uvicorn.Config, ending: Countdown) -> uvicorn.Server:
    """A server that starts the clock itself too, for computers where no pipe tells of a signal. What it cuts
    off as it ends, such as a page that follows a work, is no fault, and nothing is printed of it.
    """
    import logging

    import uvicorn

    class EndingServer(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            ending.begin(sig)
            super().handle_exit(sig, frame)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
            await super().shutdown(sockets)

    return EndingServer(config)


def _end_in_any_case() -> None:
    """Start the timer. It waits in a thread of C's, which needs no turn of Python's, and ends the process
    after writing down what every thread is doing; nobody reads that.
    """
    with contextlib.suppress(Exception):
        nowhere = Path(os.devnull).open("w")  # noqa: SIM115 - as long as the process
        faulthandler.dump_traceback_later(AT_THE_LATEST, exit=True, file=nowhere)


def kill_children() -> None:
    """Kill the processes that this one started, and those that they started."""
    import psutil  # type: ignore[import-untyped]

    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            child.kill()
