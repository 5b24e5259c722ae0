"""The studio as a web server: `serve` opens it at an address and closes everything when it ends."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.app.ending import ending_server, ending_soon_after_a_signal
from studio.app.guard.access import Access, Login
from studio.errors import Refused
from studio.works.keeper import Keeper

if TYPE_CHECKING:
    from studio.app.desk import Desk

UPLOADS, KEEPER = "studio-app-", "keeper"
"""Prefix of a server's folder in the system's temporary folder, and the file in it that says whose it is."""

MOST_CONNECTIONS = 1_000
"""Connections at a time. Each visitor has a few."""


SWITCH = 0.0005
"""Seconds until a thread that computes lets another one go on. Python's own five thousandths make whoever
renders a sound, in a hundred short steps, wait half a second for those who draw the page.
"""

SOUND_AFTER = 2.0
"""Seconds after which what sounds need is loaded. The page comes first; nobody has a tune as soon as that."""


def serve(access: Access, *, no_password: bool = False, open_browser: bool = False) -> None:
    """Open the studio until it is interrupted. Prints the address once it answers.

    access: where, and who may ask; port 0 takes a free one. no_password: it is meant that other computers get
    in without one. open_browser: opens the page in the browser; beside a host it says that too, as it always
    has. Raises `Refused` when the port is taken, and when other computers could get in without a password and
    that is not said to be meant.
    """
    meant = no_password or (open_browser and not access.proxies)
    if not (access.is_local or access.login or meant):
        raise Refused(
            f"{'Through a proxy' if access.proxies else f'At {access.host}'} other computers could use this "
            "studio: set STUDIO_PASSWORD first, or add --no-password if that is what you want."
        )
    with (
        ending_soon_after_a_signal() as ending,
        _ended_as_by_a_person(),
        _listening(access.host, access.port) as door,
        temporary_folder() as uploads,
        contextlib.ExitStack() as opened,
    ):
        ending.folders.append(uploads)
        with without_collecting():
            import psutil  # type: ignore[import-untyped]  # noqa: F401 - in a hurry there is no time for it
            import uvicorn

            from studio.app.desk import Desk
            from studio.app.page import application
            from studio.making.jobs import Jobs
            from studio.works.gallery import Gallery

            gallery = opened.enter_context(Gallery.open())
            jobs = opened.enter_context(Jobs(gallery))
            access = replace(access, port=door.getsockname()[1])
            desk = Desk(gallery, jobs)
            config = uvicorn.Config(
                application(desk, access),
                log_level="warning",
                loop="asyncio",  # others take the pipe that tells `ending` of signals for themselves
                timeout_graceful_shutdown=1,
                server_header=False,
                proxy_headers=False,  # the guard reads them, from proxies that were named
                limit_concurrency=MOST_CONNECTIONS,
            )
            server = ending_server(config, ending)
        sys.setswitchinterval(SWITCH)
        _tell_when_open(server, access, open_browser, partial(_get_ready, desk))
        server.run(sockets=[door])


def _get_ready(desk: Desk) -> None:
    """Start the workers, and once the page has come, load what the first sound and the lessons need."""
    from studio.lessons.kit.course import COURSE, lesson

    ahead = _prepares_ahead()
    desk.jobs.prepare(ahead=ahead)
    if ahead:
        time.sleep(SOUND_AFTER)
        desk.music.get_ready()
        for name in COURSE:
            lesson(name)


def _prepares_ahead() -> bool:
    """Whether styles are read and learnt before anyone asks: not where STUDIO_AHEAD says no."""
    return os.environ.get("STUDIO_AHEAD", "").strip().lower() not in ("no", "0", "false")


def take_login() -> Login | None:
    """The user and password that the environment asks for, or None when no password is set.

    The password is taken out of the environment, so that no process started from here has it.
    """
    password = os.environ.pop("STUDIO_PASSWORD", None)
    return Login(os.environ.get("STUDIO_USER") or "studio", password) if password else None


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
    # Named as TCP, or asyncio lets each small message wait until the one before it was acknowledged.
    door = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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
def temporary_folder() -> Iterator[Path]:
    """A folder of this server's own for uploads; gone when the server ends. Set before Gradio is imported,
    which reads it from here.

    Its name says nothing, since the page is told where an upload lies. Beside the uploads a file says which
    process they belong to: a server that was killed could not remove its own, with its visitors' photos, so
    the next one does.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{UPLOADS}*"):
        keeper = _keeper_of(left)
        if keeper is not None and keeper.dead:
            shutil.rmtree(left, ignore_errors=True)
    own = Path(tempfile.mkdtemp(prefix=UPLOADS)).resolve()
    (own / KEEPER).write_text(str(Keeper.this()))
    folder = own / "files"
    folder.mkdir()
    before = {name: os.environ.get(name) for name in ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED")}
    os.environ.update(GRADIO_TEMP_DIR=str(folder), GRADIO_ANALYTICS_ENABLED="False")
    try:
        yield own
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(own, ignore_errors=True)


def _keeper_of(folder: Path) -> Keeper | None:
    """Whose uploads these are; None where that cannot be known, and in another account's folder."""
    try:
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or (hasattr(os, "geteuid") and about.st_uid != os.geteuid()):
            return None
        if "@" in folder.name:  # of a studio before 0.3
            return Keeper.read(folder.name.partition("@")[2])
        return Keeper.read((folder / KEEPER).read_text("utf-8")[:400])
    except (OSError, ValueError):
        return None


def _tell_when_open(server: Any, access: Access, open_browser: bool, then: Callable[[], None]) -> None:
    import threading

    def wait() -> None:
        while not server.started and not server.should_exit:
            time.sleep(0.02)
        if server.should_exit:
            return
        host = access.host
        shown = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, f"[{host}]" if ":" in host else host)
        print(f"The studio is open at http://{shown}:{access.port}", flush=True)
        if not (access.is_local or access.login):
            print("There is no password: anyone who can reach this address can use the studio.", flush=True)
        if open_browser:
            import webbrowser

            webbrowser.open(f"http://{shown}:{access.port}")
        then()

    threading.Thread(target=wait, name="studio opens", daemon=True).start()
