"""Everything the studio does to Gradio that Gradio does not document, in one place.

Each function says what it relies on and why. `tests/app/test_gradio_patches.py` has a test for each that
fails when a new Gradio changes what is relied on; `pyproject.toml` therefore names the newest version that
was tested. What depends on the elements Gradio draws is in `js/gradio_page.js` and in `style.css`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import math
import sys
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI
    from gradio.components import Component

TESTED_BELOW = (6, 32)
"""The first version of Gradio that nobody has tried these functions with."""

AS_IT_IS = "as it is"
"""The value that tells one of our own widgets to keep what it has.

Gradio's `gr.skip()` would empty it: `gradio.blocks.postprocess_update_dict` takes every key of an update that
is no parameter of `gr.HTML`, `__type__` among them, for one of the widget's props, and replaces those it was
built with.
"""

LEAVE_QUIETLY = (
    "{ const say = console.error; "
    "const cut = (told) => told?.name === 'AbortError' "
    "|| /Connection errored out|aborted/.test(String(told)); "
    "console.error = (...told) => "
    "{ if (told.some(cut)) setTimeout(() => say(...told), 1500); else say(...told); }; }"
)
"""JavaScript for the page's head: a page that is left in the middle of a stream says nothing of it.

When a page is left, Gradio closes its stream and tells the console of that as of two errors: the stream was
aborted, the connection errored out. The work goes on and is found again, so whoever looks at the console
after a reload would take for a fault what is none. These two are therefore told a moment later: by then a
page that was left is gone, and one that has lost its connection tells of it. (Gradio puts the head's scripts
in after its own, so nothing here can hear that the page is being left before Gradio does.)
"""

STOP_CLOCK = (
    "{ const draw = window.requestAnimationFrame.bind(window); "
    "window.requestAnimationFrame = (next) => "
    r"/performance\.now\(\)-[^;]*\/1e3/.test(String(next)) ? 0 : draw(next); }"
)
"""JavaScript to be run before Gradio's own: an open page that does nothing draws nothing.

Gradio shows how long a request has taken, and counts it for every frame. The clock of its sign that the page
is loading is never stopped, so that every page draws sixty frames a second for as long as it is open
(`W&&ze()` in its `statustracker-*.js`). The studio shows times of its own and none of these: they are not
counted.
"""

BUILT_CLOSED: Any = 0
"""How a `gr.Accordion` opens that is closed at first, and whose content is there all the same.

Gradio builds what is in a closed accordion when it is opened, and a moment later sets every property to
what it was when the page came, the value of a file field too (`render_previously_invisible_children` in its
`core-*.js`): a file that a quick visitor drops in between is lost. It does so only where `open` is `false`,
and what is 0 is as closed.
"""

FIELD = "field-"
"""Begins the id of a component on the page."""

QUEUE_INTERVAL = 0.01
"""Seconds between two looks whether a request that waits can have its turn."""

QUEUE_RESTS = 1.0
"""Seconds between two looks while no request waits; the next to come wakes the queue at once."""

STREAM_LINGERS = 8.0
"""Seconds for which a browser's stream of messages stays open when nothing is under way."""

STREAM_CLOSES = 5.0
"""Seconds in which a browser has surely closed a stream that it was told is at its end."""

STUB_MODULE, STUB_WRITER = "gradio.component_meta", "create_or_modify_pyi"


# --- When Gradio is imported


def import_less() -> None:
    """Make the next `import gradio` leave out what the studio never uses. Has no effect once Gradio is
    imported, or twice.

    At every import Gradio reads the source of each of its components and compares it with the stub that it
    keeps for editors (`gradio.component_meta.create_or_modify_pyi`). That takes three of the six seconds of
    the import, while somebody waits for a page. The stubs are complete when Gradio is installed, and nothing
    that runs reads them. Where a later Gradio has no such function, nothing is changed.

    Then it imports pandas, to tell tables from what else it may remember (`gradio.caching`), and IPython
    where that is installed, for cells of a notebook (`gradio.ipython_ext`): a quarter of the import. pandas
    comes when it is used, IPython only where it runs already.
    """
    there = {finder.name for finder in sys.meta_path if isinstance(finder, LoadedBy)}
    for finder in (
        WhenImported(STUB_MODULE, write_no_stubs),
        WhenImported("gradio.utils", ask_only_in_a_notebook),
        LoadedBy("gradio.caching", functools.partial(_Lending, name="pandas", module=_Later("pandas"))),
        LoadedBy("gradio.ipython_ext", functools.partial(_Lending, name="IPython", module=None)),
    ):
        if finder.name not in sys.modules and finder.name not in there:
            sys.meta_path.insert(0, finder)


class _Later:
    """Stands for a module that is imported when something of it is used."""

    __spec__ = None  # which an import asks for

    def __init__(self, name: str) -> None:
        self.__dict__["called"] = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__dict__["called"]), name)


def write_no_stubs(module: Any) -> None:
    """Take the writing of stubs out of Gradio's module for it, where it has any.

    There it also puts the component's name into the docstring of every event of every component
    (`EventListener.set_doc`), each a template that Jinja compiles: a twentieth of a second for what only
    `help` would show.
    """
    if hasattr(module, STUB_WRITER):
        setattr(module, STUB_WRITER, lambda *_: None)
    if hasattr(getattr(module, "EventListener", None), "set_doc"):
        module.EventListener.set_doc = lambda *_, **__: None


NOTEBOOK_CHECKS = ("colab_check", "ipython_check")


def ask_only_in_a_notebook(module: Any) -> None:
    """Let Gradio import no IPython to find out whether it is in a notebook: there, IPython runs already."""
    for name in NOTEBOOK_CHECKS:
        original = getattr(module, name, None)
        if original is not None:
            setattr(module, name, functools.partial(_unless_absent, "IPython", original))


def _unless_absent(name: str, ask: Callable[[], bool]) -> bool:
    return name in sys.modules and ask()


class LoadedBy(MetaPathFinder):
    """Loads a module in another way, as soon as it is imported and not before. name: of the module. loader:
    makes the new loader from the one that Python would use.
    """

    def __init__(self, name: str, loader: Callable[[Loader], Loader]) -> None:
        self.name, self.loader = name, loader

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = self.loader(spec.loader)
        return spec


class WhenImported(LoadedBy):
    """Changes a module as soon as it is imported, and not before. name: of the module. change: called with
    it.
    """

    def __init__(self, name: str, change: Callable[[Any], None]) -> None:
        super().__init__(name, functools.partial(_Changing, change=change))


class _Around(Loader):
    """Loads a module by Python's own loader, which the module also says it was loaded by."""

    def __init__(self, original: Loader) -> None:
        self.original = original

    def create_module(self, spec: ModuleSpec) -> Any:
        return self.original.create_module(spec)

    def exec_module(self, module: Any) -> None:
        module.__loader__ = module.__spec__.loader = self.original
        self.original.exec_module(module)


class _Changing(_Around):
    """Changes a module that has been loaded."""

    def __init__(self, original: Loader, change: Callable[[Any], None]) -> None:
        super().__init__(original)
        self.change = change

    def exec_module(self, module: Any) -> None:
        super().exec_module(module)
        self.change(module)


class _Lending(_Around):
    """While it loads a module, another one stands in for a library that nobody has imported yet. name: of the
    library. module: what stands in for it; None: as if it were not installed.
    """

    def __init__(self, original: Loader, name: str, module: Any) -> None:
        super().__init__(original)
        self.name, self.module = name, module

    def exec_module(self, module: Any) -> None:
        lent = self.name not in sys.modules
        if lent:
            sys.modules[self.name] = self.module
        try:
            super().exec_module(module)
        finally:
            if lent and sys.modules.get(self.name) is self.module:
                del sys.modules[self.name]


# --- The page and its server


@contextlib.contextmanager
def without_servers() -> Iterator[None]:
    """Keep Gradio from making a server of a page that is only being built, and from describing it;
    `mount_gradio_app` makes the one that answers, and describes the page.

    Gradio makes three more while a page is built, each with all its routes: when `gr.Blocks` begins, when its
    block ends and when it gets its queue (`App.create_app` in `gradio.blocks`). They are thrown away unused,
    and take about a twentieth of the time in which the studio starts. So is what it says of all components
    when the block ends (`Blocks.get_config_file`). Give a page that is built here to `serving` once it is
    mounted.
    """
    from gradio import blocks

    class NoServer:
        @staticmethod
        def create_app(*_: Any, **__: Any) -> None:
            return None

    server, described = blocks.__dict__["App"], blocks.Blocks.get_config_file
    blocks.__dict__["App"] = NoServer
    setattr(blocks.Blocks, described.__name__, lambda _: {})
    try:
        yield
    finally:
        blocks.__dict__["App"] = server
        setattr(blocks.Blocks, described.__name__, described)


@contextlib.contextmanager
def signatures_read_once() -> Iterator[None]:
    """Let Gradio read the parameters of each kind of component once, and not for each component.

    It does so whenever it describes a page (`Block.get_config` in `gradio.blocks`), a thousand times while
    the studio starts, although there are a dozen kinds.
    """
    from gradio import blocks

    class Read:
        """The module `inspect`, which remembers signatures."""

        signature = staticmethod(functools.cache(inspect.signature))

        def __getattr__(self, name: str) -> Any:
            return getattr(inspect, name)

    original = blocks.__dict__["inspect"]
    blocks.__dict__["inspect"] = Read()
    try:
        yield
    finally:
        blocks.__dict__["inspect"] = original


def serving(page: gr.Blocks, web: FastAPI) -> None:
    """Tell a page by which server it was mounted on `web`, last of all: Gradio's queue asks for it."""
    servers: list[Any] = [getattr(each, "app", None) for each in web.routes]
    (page.app,) = [each for each in servers if getattr(each, "blocks", 0) is page]


def poll_less_often(page: gr.Blocks) -> None:
    """Let an idle queue sleep until a request comes.

    Gradio looks for requests a thousand times a second, which costs a tenth of a core while nobody asks for
    anything, and offers no setting for it. Another loop sends what `gr.Progress` tells, a hundred times a
    second: the studio tells its progress otherwise.
    """
    from gradio import queueing

    queue = page._queue
    original, came = queue.push, asyncio.Event()

    def push(*args: Any, **named: Any) -> Any:
        # A task: what it raises has not come through the studio, which would be to blame (`guard.mistakes`).
        asked = asyncio.ensure_future(original(*args, **named))
        asked.add_done_callback(lambda _: came.set())
        return asked

    class UntilAsked(float):
        """What Gradio's loop sleeps for."""

        async def sleep(self) -> None:
            if len(queue):
                await asyncio.sleep(float(self))
                return
            came.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(came.wait(), QUEUE_RESTS)

    class Asyncio:
        """The module `asyncio`, in which one can sleep until something happens."""

        def __getattr__(self, name: str) -> Any:
            return getattr(asyncio, name)

        async def sleep(self, seconds: Any) -> None:
            await (seconds.sleep() if hasattr(seconds, "sleep") else asyncio.sleep(seconds))

    queue.__dict__["push"] = push
    queue.sleep_when_free = UntilAsked(QUEUE_INTERVAL)
    queue.progress_update_sleep_when_free = QUEUE_RESTS
    queueing.__dict__["asyncio"] = Asyncio()


def count_nothing(page: gr.Blocks) -> None:
    """Let the queue work out no statistics of who asked for what, and how long it took.

    Gradio does so by pandas as each request ends (`Queue.compute_analytics_summary`), over all requests so
    far, for a page that the studio does not serve. The first request waited for the import of pandas.
    """
    page._queue.__dict__["ANAYLTICS_CACHE_FREQUENCY"] = math.inf


def lose_no_message(page: gr.Blocks) -> None:
    """Keep a browser's stream of messages open for `STREAM_LINGERS` seconds after its last request has ended.

    Gradio ends the stream as soon as no request is under way. A request that a page sends at that very moment
    finds the stream open still, as the page sees it, so no other is opened, and what becomes of the request
    is never heard: `close_stream` in its `index-*.js` opens none. On a busy computer this happened when a
    page was loaded, which sends several short requests, and what was being made was not found again.
    Gradio counts what is under way in `pending_event_ids_session`, so there is one more until then. Every
    browser calls itself Mozilla. A program's stream ends with its last request, or the program would wait
    for it.

    A browser that hears of the end closes its stream, and where Gradio had not yet left that stream, it takes
    this for a page that is left: it throws away all messages for the page and whatever the page has asked for
    (`sse_stream` in its `routes.py`). So what the page asked for at that moment was lost, and its next stream
    was answered with "404: Not Found". For `STREAM_CLOSES` seconds after the end nothing is thrown away.
    """
    from gradio.server_messages import ProcessCompletedMessage

    queue = page._queue
    original, held = queue.push, dict[str, tuple[str, asyncio.TimerHandle]]()
    closing = _keep_while_closing(queue)

    def let_go(session: str, more: str) -> None:
        pending = queue.pending_event_ids_session.get(session, set())
        if any(event in queue.event_ids_to_events for event in pending):
            hold(session, more)
            return
        held.pop(session, None)
        pending.discard(more)
        messages = queue.pending_messages_per_session.get(session)
        if messages is not None:
            closing.add(session)
            asyncio.get_running_loop().call_later(STREAM_CLOSES, closing.discard, session)
            messages.put_nowait(ProcessCompletedMessage(event_id=more, output={}, success=True))
        elif not pending:  # the page is gone, or its request was refused
            queue.pending_event_ids_session.pop(session, None)

    def hold(session: str, more: str) -> None:
        clock = asyncio.get_running_loop().call_later(STREAM_LINGERS, let_go, session, more)
        held[session] = more, clock

    def push(body: Any, request: Any, username: str | None) -> Any:
        session = body.session_hash
        if session and "Mozilla" in request.headers.get("user-agent", ""):
            more, clock = held.get(session) or (f"open-{uuid4().hex}", None)
            if clock is not None:
                clock.cancel()
            queue.pending_event_ids_session.setdefault(session, set()).add(more)
            hold(session, more)
        return original(body=body, request=request, username=username)

    queue.__dict__["push"] = push


def _keep_while_closing(queue: Any) -> set[str]:
    """Keep the queue from throwing away what is there for a session in the set that is returned."""
    from gradio.utils import LRUCache

    closing: set[str] = set()

    class MessagesOfPages(LRUCache[str, Any]):
        def __delitem__(self, session: str) -> None:
            if session not in closing:
                super().__delitem__(session)

    clean = queue.clean_events

    async def clean_events(*, session_hash: str | None = None, event_id: str | None = None) -> None:
        if event_id is not None or session_hash not in closing:
            await clean(session_hash=session_hash, event_id=event_id)

    queue.pending_messages_per_session = MessagesOfPages(queue.pending_messages_per_session.max_size)
    queue.__dict__["clean_events"] = clean_events
    return closing


def draw_only_what_is_seen(page: gr.Blocks) -> None:
    """Take what `gr.api` makes of an endpoint's parameters off the page. The endpoints stay as they are.

    Gradio puts one component for each parameter of each endpoint into the layout, where a browser draws
    nothing for it. But it looks for every component that an event belongs to from the first of the layout on,
    one by one, and these came first: they took half of the time in which the page's scripts open it. A
    browser waits for all components that are not said to be invisible before it tells anyone that the page
    has loaded (`components_to_register` in its `core-*.js`), so these say so.
    """
    from gradio.components.api_component import Api

    def unseen(component: Component) -> Callable[[], dict[str, Any]]:
        original = component.get_config
        return lambda: {**original(), "visible": False}

    for each in page.blocks.values():
        if isinstance(each, Api):
            each.__dict__["get_config"] = unseen(each)
    page.children = [child for child in page.children if not isinstance(child, Api)]


def show_no_progress(page: gr.Blocks) -> None:
    """Let no event of the page show its progress on Gradio's components.

    The studio shows progress of its own, so every event hides Gradio's. Still, whenever an event began or
    ended, each component that any event had ever written to was told, and for that Gradio copied all its
    values and those of everything in it (`update_loading_stati_state` in its `Blocks-*.js`, `update_state` in
    its `core-*.js`). On a page that had been used for a while, this was half of a browser's work after a
    press.
    """
    for event in page.fns.values():
        event.show_progress_on = ()


def name_fields(page: gr.Blocks) -> None:
    """Give every component of the page that has no id of ours one, `field-` and its number.

    By the number Gradio's requests name what they fill, and nothing else on the page tells it: `js/fills.js`
    finds it where somebody types.
    """
    from gradio.components import Component

    for number, each in page.blocks.items():
        if isinstance(each, Component) and each.elem_id is None:
            each.elem_id = f"{FIELD}{number}"


def check_named_files(page: gr.Blocks) -> None:
    """Make Gradio refuse a file that a request names but nobody uploaded.

    Gradio checks that only for a page that counts as launched, and mounting a page does not launch it.
    """
    page.has_launched = True


def refuse_downloads() -> None:
    """Make Gradio refuse to fetch a file that a visitor names by an address elsewhere.

    The studio sends no request on a visitor's behalf, and Gradio has no setting for it.
    """
    from gradio import processing_utils

    processing_utils.async_ssrf_protected_download = _refuse_download


async def _refuse_download(url: str, cache_dir: str) -> str:  # noqa: ARG001 - Gradio names both
    import gradio as gr

    raise gr.Error("Only files of this studio can be named; upload yours.", print_exception=False)


def load_no_plots() -> None:
    """Keep Gradio from loading matplotlib at the first press.

    Around every function that it calls, Gradio sets how matplotlib draws, and loads it for that where it is
    installed: half a second, of which the first press would wait. The studio draws no plots with it.
    """
    from gradio import utils

    utils.__dict__["MatplotlibBackendMananger"] = contextlib.nullcontext


def say_mistakes_in_a_sentence(home: Path) -> None:
    """Make Gradio tell what went wrong in a sentence, and print one line instead of a traceback.

    For an error that is no `gr.Error` of ours, it answers `{"error": null}` and prints the traceback, which
    quotes the request in any length. home: the studio's, where its log is. An answer by HTTP also says who is
    to blame, "request" or "studio", from which `guard` takes its status. One through the queue does not:
    gradio_client cannot read an error that says more than Gradio's own do.
    """
    import gradio as gr
    from gradio import queueing, routes, utils

    from studio.app.guard.mistakes import NOT_UNDERSTOOD, OUR_FAULT, is_our_fault, note

    original = getattr(utils.error_payload, "__wrapped__", utils.error_payload)

    @functools.wraps(original)
    def blaming(error: BaseException | None, show_error: bool) -> dict[str, Any]:
        if error is None or isinstance(error, gr.Error):
            return dict(original(error, show_error)) | {"blame": "request"}
        if is_our_fault(error):
            return {"error": OUR_FAULT, "blame": "studio"}
        return {"error": NOT_UNDERSTOOD, "blame": "request"}

    @functools.wraps(original)
    def plain(error: BaseException | None, show_error: bool) -> dict[str, Any]:
        told = blaming(error, show_error)
        del told["blame"]
        return told

    class Quiet:
        """The module `traceback`; what it should print is noted."""

        def __getattr__(self, name: str) -> Any:
            return getattr(traceback, name)

        def print_exc(self, *_: Any, **__: Any) -> None:
            error = sys.exception()
            if error is not None:
                note(error, "the page", home)

    queueing.__dict__["error_payload"] = plain
    utils.__dict__["error_payload"] = blaming
    for module in (queueing, routes, utils):
        module.__dict__["traceback"] = Quiet()


# --- Files


def upload_folder() -> Path:
    """The folder in which Gradio keeps what visitors upload, resolved."""
    from gradio.utils import get_upload_folder

    return Path(get_upload_folder()).resolve()


def lend_file(component: Component, content: bytes, name: str) -> str:
    """Write a file for `component` to return, under the name a person would give it; gives its path.

    It goes into Gradio's cache, so that no folder of the gallery is ever served, and is registered with the
    component, so that `delete_cache` removes it with the uploads.
    """
    from gradio.processing_utils import save_bytes_to_cache

    path: str = save_bytes_to_cache(content, name, component.GRADIO_CACHE)
    component.temp_files.add(path)
    return path
