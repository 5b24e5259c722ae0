"""The studio as a page in the browser: `serve` opens it, `build` puts the tabs together.

The web server answers at once; makings run in the jobs' worker process, so that only an opened lesson loads
torch here. All that can be read from outside are Gradio's own files, what visitors upload, and the works of
the gallery by their ids.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.app.swift import without_collecting
from studio.errors import Refused
from studio.works.keeper import Keeper

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI

    from studio.app.desk import Desk

TITLE = "Derivative Works Studio"

LARGEST_UPLOAD = 64 * 2**20
"""Bytes of the largest file a visitor may send."""

MOST_WAITING = 64
"""Requests that may wait at the web server; works that may wait to be made are counted by the jobs."""

LOOKING_EVERY = 0.01
"""Seconds between two looks for what visitors ask."""

UPLOADS = "studio-app-"
"""How the folder of a server's uploads begins, among the system's temporary ones; who it belongs to stands
after an @.
"""

FORGOTTEN_AFTER = 6 * 3600
"""Seconds until an uploaded file is removed from the server's temporary folder. The gallery keeps its own
copies.
"""


GALLERY_NEEDS = ("dream", "compose", "style")
"""The tabs that the gallery sends works to, or gets them from."""


@dataclass(frozen=True)
class Tab:
    """A tab of the page: its id in addresses, its label, and what builds it. `style` is appended to the style
    sheet.
    """

    id: str
    label: str
    build: Callable[[Room], Any]
    style: Callable[[], str] = str


@dataclass
class Room:
    """What a tab may use while it is built, and what the tabs before it have made."""

    desk: Desk
    page: gr.Blocks
    tabs: gr.Tabs
    built: dict[str, Any]


def tabs() -> tuple[Tab, ...]:
    """The tabs, from left to right: a new one is a line here."""
    from studio.app.tabs.compose import compose_tab
    from studio.app.tabs.dream import dream_tab
    from studio.app.tabs.gallery import gallery_tab
    from studio.app.tabs.lessons import lessons_style, lessons_tab
    from studio.app.tabs.style import style_tab

    return (
        Tab("dream", "Dream", lambda room: dream_tab(room.desk, room.page, LARGEST_UPLOAD)),
        Tab("style", "Style", lambda room: style_tab(room.desk, LARGEST_UPLOAD)),
        Tab("compose", "Compose", lambda room: compose_tab(room.desk)),
        Tab("lessons", "Lessons", lambda room: lessons_tab(room.tabs, room.built["dream"]), lessons_style),
        Tab(
            "gallery",
            "Gallery",
            lambda room: gallery_tab(
                room.desk,
                room.page,
                room.tabs,
                room.built["dream"],
                room.built["compose"],
                room.built["style"],
            ),
        ),
    )


def build(desk: Desk) -> gr.Blocks:
    """The page, with every tab and every named endpoint."""
    import gradio as gr

    from studio.app.endpoints import endpoints

    page = gr.Blocks(
        title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=(600, FORGOTTEN_AFTER)
    )
    with page:
        # First, so that the names are theirs: Gradio numbers the page's own handlers that are called alike.
        endpoints(desk)
        gr.HTML(HEADER, apply_default_css=False, elem_classes="masthead", js_on_load=None)
        with gr.Tabs(elem_classes="rooms") as rooms:
            room = Room(desk, page, rooms, {})
            for tab in tabs():
                with gr.Tab(tab.label, id=tab.id):
                    room.built[tab.id] = tab.build(room)
    page.queue(max_size=MOST_WAITING, default_concurrency_limit=8)
    # Gradio looks a thousand times a second whether anybody has asked for anything: a tenth of a core while
    # nobody does.
    page._queue.sleep_when_free = LOOKING_EVERY
    return page


def application(
    desk: Desk, *, host: str = "127.0.0.1", port: int = 7860, login: tuple[str, str] | None = None
) -> FastAPI:
    """The web application: the page and the gallery's files. login: (user, password) without which nothing is
    shown.
    """
    import gradio as gr
    from fastapi import FastAPI
    from gradio import processing_utils

    from studio.app.music_routes import music_routes
    from studio.app.routes import anybody, logged_in, open_routes, routes
    from studio.app.theme import style_sheet, theme

    web = FastAPI(title=TITLE, docs_url=None, redoc_url=None, openapi_url=None)
    page = build(desk)

    # Gradio keeps who has logged in, and exists only once it is mounted, behind the routes that ask for it.
    inner: list[Any] = []
    allowed = logged_in(lambda: inner[0]) if login else anybody
    web.include_router(routes(desk.gallery, desk.recipe_of_job, allowed))
    web.include_router(music_routes(desk.music, allowed))
    web.include_router(open_routes())
    gr.mount_gradio_app(
        web,
        page,
        "/",
        server_name=host,
        server_port=port,
        auth=login,
        auth_message=_door(style_sheet("door")) if login else None,
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        show_error=False,
        max_file_size=LARGEST_UPLOAD,
        theme=theme(),
        css="\n".join([style_sheet(), *(tab.style() for tab in tabs())]),
        head=HEAD,
    )
    inner += [app for route in web.routes if hasattr(app := getattr(route, "app", None), "tokens")]
    processing_utils.async_ssrf_protected_download = _fetched_from_nobody
    # Gradio looks whether a file that a request names was really uploaded only once it counts as launched,
    # which mounting leaves out.
    page.has_launched = True
    return web


async def _fetched_from_nobody(url: str, cache_dir: str) -> str:  # noqa: ARG001 - named by whoever calls it
    """Gradio would fetch a file that a visitor names by its address elsewhere. This studio asks nobody for
    anything.
    """
    import gradio as gr

    raise gr.Error("Only files of this studio can be named; upload yours.", print_exception=False)


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


def _door(style: str) -> str:
    """What stands on the page where visitors log in. style: of that page, which is Gradio's own and has no
    other way in for one.
    """
    words = "This studio asks for a password. The user is <strong>studio</strong>, unless you were given another name."
    return f"<style>{style}</style><b>Derivative Works <em>Studio</em></b>{words}"


def login_wanted() -> tuple[str, str] | None:
    """(user, password) from the environment, or None when no password is set."""
    password = os.environ.get("STUDIO_PASSWORD")
    return (os.environ.get("STUDIO_USER") or "studio", password) if password else None


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


HEADER = """
<a class="skip" href="#dream">Skip to the Dream button</a>
<header><span class="sign" aria-hidden="true"></span><h1>Derivative Works <em>Studio</em></h1></header>
"""

HEAD = """
<meta name="color-scheme" content="dark">
<meta name="theme-color" content="#121214">
<meta name="description" content="Making art from art with neural networks, and understanding how.">
<link rel="icon" type="image/svg+xml" href="favicon.ico">
<script>
  // A link to a lesson (#lesson=cafeteria&rate=0.1) opens its tab, which Gradio builds only then.
  if (location.hash.includes("lesson=")) {
    const patience = Date.now() + 30000;
    const knock = setInterval(() => {
      // Until it is open: an early click is lost, and on a phone the tab stands in a menu at first.
      const tabs = [...document.querySelectorAll('button[role="tab"], .overflow-dropdown button')];
      const tab = tabs.find((each) => each.textContent.trim() === "Lessons");
      const open = tab?.getAttribute("aria-selected") === "true";
      if (!open) tab?.click();
      if (open || Date.now() > patience) clearInterval(knock);
    }, 100);
  }
</script>
"""
