"""The studio as a web server: `serve` opens it at an address and closes everything when it ends."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from studio.errors import Refused
from studio.works.keeper import Keeper

UPLOADS = "studio-app-"
"""Prefix of a server's folder for uploads in the system's temporary folder; after an @ follows its owner."""


def serve(host: str = "127.0.0.1", port: int = 7860, *, open_browser: bool = False) -> None:
    """Open the studio at that address until it is interrupted. Port 0 takes a free one. Prints the address
    once it answers.

    STUDIO_PASSWORD asks visitors to log in, as STUDIO_USER ("studio" unless set). Raises `Refused` when the
    port is taken.
    """
    with (
        _ended_as_by_a_person(),
        _listening(host, port) as door,
        _temporary_folder(),
        contextlib.ExitStack() as opened,
    ):
        with without_collecting():
            import uvicorn

            from studio.app.desk import Desk
            from studio.app.page import application
            from studio.making.jobs import Jobs
            from studio.works.gallery import Gallery

            gallery = opened.enter_context(Gallery.open())
            jobs = opened.enter_context(Jobs(gallery))
            port = door.getsockname()[1]
            web = application(Desk(gallery, jobs), host=host, port=port, login=login_wanted())
            server = uvicorn.Server(
                uvicorn.Config(web, log_level="warning", timeout_graceful_shutdown=2, server_header=False)
            )
        _tell_when_open(server, host, port, open_browser, jobs.prepare)
        server.run(sockets=[door])


def login_wanted() -> tuple[str, str] | None:
    """(user, password) from the environment, or None when no password is set."""
    password = os.environ.get("STUDIO_PASSWORD")
    return (os.environ.get("STUDIO_USER") or "studio", password) if password else None


@contextlib.contextmanager
def without_collecting() -> Iterator[None]:
    """Keep Python from looking for garbage in a block that makes what lasts as long as the program.

    There is hardly any, and looking for it takes a tenth of the start. What is there at the end of the block
    is never looked at again (see `gc.freeze`).
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


@contextlib.contextmanager
def _ended_as_by_a_person() -> Iterator[None]:
    """Whoever stops the process (SIGTERM) or closes its terminal (SIGHUP) ends it as Ctrl+C does: everything
    opened is closed.

    uvicorn shuts down at SIGTERM and then sends it once more, which would end the process before uploads are
    removed.
    """

    def leave(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    before = {}
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup has it ignored
            with contextlib.suppress(ValueError):  # not the main thread: signals go elsewhere
                before[number] = signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """The port, taken before the slow imports, so that a taken one is told at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        raise Refused(
            f"Port {port} at {host} cannot be used ({error.strerror}); choose another with --port."
        ) from None
    try:
        yield door
    finally:
        door.close()


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A folder of this server's own for uploads; gone when the server ends. Set before Gradio is imported,
    which reads it from here.

    A server that was killed could not remove its own, with its visitors' photos: the next one does.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{UPLOADS}*@*"):
        keeper = Keeper.read(left.name.partition("@")[2])
        if keeper is not None and keeper.dead:
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=UPLOADS, suffix=f"@{Keeper.this()}")).resolve()
    before = {name: os.environ.get(name) for name in ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED")}
    os.environ.update(GRADIO_TEMP_DIR=str(folder), GRADIO_ANALYTICS_ENABLED="False")
    try:
        yield folder
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(folder, ignore_errors=True)


def _tell_when_open(server: Any, host: str, port: int, open_browser: bool, then: Callable[[], None]) -> None:
    import threading
    import time

    def wait() -> None:
        while not server.started and not server.should_exit:
            time.sleep(0.02)
        if server.should_exit:
            return
        shown = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, f"[{host}]" if ":" in host else host)
        print(f"The studio is open at http://{shown}:{port}", flush=True)
        if open_browser:
            import webbrowser

            webbrowser.open(f"http://{shown}:{port}")
        then()

    threading.Thread(target=wait, name="studio opens", daemon=True).start()
