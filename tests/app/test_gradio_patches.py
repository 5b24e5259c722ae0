"""What the studio relies on inside Gradio works: each test fails when a new Gradio changes it."""

from __future__ import annotations

import asyncio
import inspect
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.util import module_from_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from gradio import blocks, processing_utils, queueing, route_utils, routes, utils
from gradio.blocks import postprocess_update_dict
from gradio.context import LocalContext
from gradio.routes import App
from gradio.server_messages import ProcessCompletedMessage
from packaging.requirements import Requirement

from studio.app import gradio_patches, modules

IMPORT = """
import pathlib
import sys
written, read = [], []
pathlib.Path.write_text = lambda self, *_, **__: written.append(self)
before = pathlib.Path.read_text
pathlib.Path.read_text = lambda self, *a, **k: (read.append(self.name), before(self, *a, **k))[1]
import studio.app
import gradio
from gradio import component_meta
assert callable(component_meta.create_or_modify_pyi)
with gradio.Blocks() as page:
    gradio.Button("Dream").click(len, gradio.Textbox(), gradio.Number())
assert page.get_config_file()["dependencies"], "what Gradio is for works"
assert not written, written
assert "slider.py" not in read, "the source of no component is read"
assert "{{ component }}" in gradio.Button.click.__doc__, "no docstring is rendered"
assert not {"pandas", "IPython"} & set(sys.modules), "they come when they are used"
from gradio import caching
assert caching.pd.Series([1]).sum() == 1
import pandas.testing
assert caching.pd.DataFrame is pandas.DataFrame
"""


def run(coroutine: Any) -> Any:
    """Run it in a thread of its own: Playwright has an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@pytest.fixture
def page() -> gr.Blocks:
    with gr.Blocks() as page:
        gr.Textbox()
    page.queue()
    return page


def test_no_newer_gradio_is_installed_than_was_tested() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    (wanted,) = [each for each in map(Requirement, project["dependencies"]) if each.name == "gradio"]
    assert wanted.specifier.contains(gr.__version__)
    newest = ".".join(map(str, gradio_patches.TESTED_BELOW))
    assert f"<{newest}" in str(wanted.specifier), "pyproject.toml and TESTED_BELOW name the same version"


def test_a_page_gets_one_server_the_one_that_answers() -> None:
    made, original = [], App.create_app
    web = FastAPI()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(App, "create_app", lambda *a, **k: (made.append(original(*a, **k)), made[-1])[1])
        with gradio_patches.without_servers():
            with gr.Blocks() as page:
                gr.Textbox()
            page.queue()
        assert not made, "none is made while the page is built"
        assert page.config == {}, "nor is the page described"
        gr.mount_gradio_app(web, page, "/")
    gradio_patches.serving(page, web)
    assert [page.app] == made
    with gr.Blocks() as another:
        gr.Textbox()
    assert another.app.get_blocks() is another, "elsewhere Gradio does as it always does"


def test_a_page_that_is_described_reads_the_parameters_of_each_kind_of_component_once(
    page: gr.Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    with page:
        for _ in range(5):
            gr.Textbox()
    read: list[object] = []
    signature = inspect.signature
    monkeypatch.setattr(inspect, "signature", lambda of: (read.append(of), signature(of))[1])
    plain = page.get_config_file()
    assert read.count(gr.Textbox.__init__) == 6, "Gradio reads them for each component"
    read.clear()
    with gradio_patches.signatures_read_once():
        assert page.get_config_file() == plain
        assert read.count(gr.Textbox.__init__) == 1
    assert blocks.__dict__["inspect"] is inspect


def test_importing_gradio_reads_and_writes_no_stubs_and_leaves_out_what_is_not_used() -> None:
    ran = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr


def test_a_gradio_without_the_stub_writer_is_imported_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "gradio").mkdir()
    (tmp_path / "gradio" / "__init__.py").write_text("")
    (tmp_path / "gradio" / "component_meta.py").write_text("FOUND = 1\n")
    finder = gradio_patches.WhenImported(gradio_patches.STUB_MODULE, gradio_patches.write_no_stubs)
    spec = finder.find_spec(gradio_patches.STUB_MODULE, [str(tmp_path / "gradio")])
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.FOUND == 1
    assert not hasattr(module, gradio_patches.STUB_WRITER)


def test_no_statistics_are_worked_out(page: gr.Blocks) -> None:
    request = {"time": 0, "status": "success", "process_time": 1.0, "function": "/dream", "session_hash": "x"}

    def summary(queue: Any) -> Any:
        queue.events_recorded = 100
        return queue.compute_analytics_summary([request])["functions"]

    with gr.Blocks() as another:
        gr.Textbox()
    another.queue()
    assert list(summary(another._queue)) == ["/dream"], "Gradio still works them out"
    gradio_patches.count_nothing(page)
    assert summary(page._queue) == {}


def test_an_idle_queue_sleeps_until_a_request_comes(page: gr.Blocks, monkeypatch: pytest.MonkeyPatch) -> None:
    queue, sleep, slept = page._queue, asyncio.sleep, list[float]()
    assert 0 < queue.sleep_when_free < gradio_patches.QUEUE_INTERVAL, "Gradio still looks more often"
    assert 0 < queue.progress_update_sleep_when_free < gradio_patches.QUEUE_RESTS

    async def counted(seconds: float) -> None:
        slept.append(seconds)
        await sleep(seconds)

    async def push() -> str:
        waiting = queueing.EventQueue("any", 1)
        waiting.queue.append(SimpleNamespace())  # type: ignore[arg-type]
        queue.event_queue_per_concurrency_id["any"] = waiting
        return "pushed"

    async def idle_then_asked() -> None:
        seen = asyncio.Event()
        queue.__dict__["get_events"] = seen.set  # nothing that can have its turn
        queue.__dict__["push"], queue.active_jobs = push, [None]
        gradio_patches.poll_less_often(page)
        assert queue.progress_update_sleep_when_free == gradio_patches.QUEUE_RESTS
        loop = asyncio.create_task(queue.start_processing())
        for _ in range(20):
            await sleep(0)
        assert not slept
        assert await queue.push() == "pushed"  # type: ignore[call-arg]
        await asyncio.wait_for(seen.wait(), 120)
        while not slept:
            await sleep(0)
        assert slept[0] == gradio_patches.QUEUE_INTERVAL, "a request that waits is looked at soon again"
        loop.cancel()

    monkeypatch.setattr(queueing, "asyncio", asyncio)
    monkeypatch.setattr(asyncio, "sleep", counted)
    monkeypatch.setattr(gradio_patches, "QUEUE_RESTS", 3600.0)
    run(idle_then_asked())


def test_an_endpoints_parameters_are_not_drawn_and_can_be_asked_for() -> None:
    def double(number: int) -> int:
        return 2 * number

    with gr.Blocks() as page:
        field = gr.Textbox()
        gr.api(double, api_name="double")
    assert len(page.get_config_file()["layout"]["children"]) > 1, "Gradio still lays them out"
    gradio_patches.draw_only_what_is_seen(page)
    config = page.get_config_file()
    (form,) = config["layout"]["children"]
    assert form["children"] == [{"id": field._id}]
    hidden = [each["props"]["visible"] for each in config["components"] if each["type"] == "api"]
    assert hidden == [False, False], "a browser waits for what may be visible"
    (asked,) = page.get_api_info()["named_endpoints"]["/double"]["parameters"]
    assert asked["parameter_name"] == "number"


def test_gradio_fetches_what_fills_fields_as_our_script_knows_it() -> None:
    """`js/fills.js` looks at what is fetched; the test of a song's page in the browser that it does so."""
    with gr.Blocks() as page:
        field, own = gr.Textbox(), gr.Textbox(elem_id="mine")
        page.load(lambda: "filled", None, [field])
    gradio_patches.name_fields(page)
    config = page.get_config_file()
    names = {each["id"]: each["props"].get("elem_id") for each in config["components"]}
    assert {id: name for id, name in names.items() if name} == {
        field._id: f"{gradio_patches.FIELD}{field._id}",
        own._id: "mine",
    }
    (handler,) = config["dependencies"]
    assert [(name, handler["outputs"]) for _, name in handler["targets"]] == [("load", [field._id])]
    script = modules.scripts()["fills.js"].decode()
    assert f"const FIELD = '{gradio_patches.FIELD}';" in script
    assets = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
    client = max((path.read_text("utf-8") for path in assets.glob("index-*.js")), key=len)
    for word in ("queue/data", "queue/join", "/run", "event_id", "process_completed", "trigger_id"):
        assert word in client
    assert re.search(r",fetch\(e,\{\.\.\.t,headers:n\}\)", client), (
        "it asks for the page's own fetch whenever it fetches"
    )


def test_an_event_shows_its_progress_on_no_component() -> None:
    with gr.Blocks() as page:
        field = gr.Textbox()
        field.change(str.upper, field, field, show_progress="hidden")
    (before,) = page.get_config_file()["dependencies"]
    assert before["show_progress_on"] is None, "Gradio still takes all that it writes to"
    gradio_patches.show_no_progress(page)
    (after,) = page.get_config_file()["dependencies"]
    assert after == before | {"show_progress_on": []}
    assets = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
    (blocks,) = [path.read_text("utf-8") for path in assets.glob("Blocks-*.js")]
    assert "get progress_targets(){return this.show_progress_on||this.outputs}" in blocks, "none is not all"


def test_only_uploaded_files_can_be_named(page: gr.Blocks, tmp_path: Path) -> None:
    private = tmp_path / "private.txt"
    private.write_text("private")
    token = LocalContext.blocks.set(page)
    try:
        assert page.has_launched is False
        processing_utils._check_allowed(private, check_in_upload_folder=True)
        gradio_patches.check_named_files(page)
        with pytest.raises(Exception, match=r"private\.txt"):
            processing_utils._check_allowed(private, check_in_upload_folder=True)
    finally:
        LocalContext.blocks.reset(token)


def test_nothing_is_fetched_for_a_visitor(page: gr.Blocks, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asyncio.iscoroutinefunction(processing_utils.async_ssrf_protected_download)
    monkeypatch.setattr(  # which puts Gradio's own function back at the end
        processing_utils,
        "async_ssrf_protected_download",
        processing_utils.async_ssrf_protected_download,
    )
    gradio_patches.refuse_downloads()
    field = next(each for each in page.blocks.values() if isinstance(each, gr.Textbox))
    with pytest.raises(gr.Error, match="upload yours"):
        run(field.async_move_resource_to_block_cache("http://192.0.2.1/photo.jpg"))


def test_what_a_page_asks_for_as_its_stream_closes_is_not_thrown_away(
    page: gr.Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gradio takes a stream that a browser closes at its end for a page that is left, if it comes to know of
    it before it has left the stream itself.
    """
    said = inspect.getsource(routes)
    assert "del blocks._queue.pending_messages_per_session[session_hash]" in said
    assert "clean_events(session_hash=session_hash)" in said
    queue = page._queue
    browser = SimpleNamespace(headers={"user-agent": "Mozilla/5.0"})
    monkeypatch.setattr(gradio_patches, "STREAM_LINGERS", 0.0)

    async def kept(session: str, within: float) -> bool:
        """Whether messages are still kept for a page that asks for more as its stream closes."""
        monkeypatch.setattr(gradio_patches, "STREAM_CLOSES", within)
        queue.push(body=SimpleNamespace(session_hash=session), request=browser, username=None)
        end = await asyncio.wait_for(queue.pending_messages_per_session[session].get(), 60)
        assert isinstance(end, ProcessCompletedMessage)
        await asyncio.sleep(0.05)
        queue.pending_event_ids_session[session].add("the next")
        with suppress(KeyError):
            del queue.pending_messages_per_session[session]
        await queue.clean_events(session_hash=session)
        return session in queue.pending_messages_per_session

    def push(body: Any, **_: Any) -> None:
        queue.pending_messages_per_session.setdefault(body.session_hash, asyncio.Queue())

    queue.__dict__["push"] = push
    gradio_patches.lose_no_message(page)
    assert run(kept("closes", 600.0))
    assert not run(kept("is left later", 0.0))


def test_nothing_loads_matplotlib_at_the_first_press(monkeypatch: pytest.MonkeyPatch) -> None:
    named = "MatplotlibBackendMananger"
    assert f"with utils.{named}():" in inspect.getsource(route_utils), "around what Gradio calls"
    monkeypatch.setattr(utils, named, getattr(utils, named))  # which puts Gradio's own back at the end
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    gradio_patches.load_no_plots()
    with utils.MatplotlibBackendMananger():
        assert "matplotlib" not in sys.modules


def test_a_lent_file_is_in_the_cache_and_removed_with_the_uploads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    assert gradio_patches.upload_folder() == tmp_path.resolve()
    with gr.Blocks() as page:
        component = gr.File(visible=False)
    path = Path(gradio_patches.lend_file(component, b"a dream", "hills.png"))
    assert path.name == "hills.png"
    assert path.read_bytes() == b"a dream"
    assert path.is_relative_to(tmp_path.resolve())
    assert str(path) in {file for files in page.temp_file_sets for file in files}


def test_a_skip_would_still_empty_our_own_widgets() -> None:
    """When this fails, Gradio has mended it: `AS_IT_IS` can go, and `gr.skip()` takes its place."""
    with gr.Blocks():
        widget = gr.HTML(value="1", looks=["creatures"])
    update = postprocess_update_dict(widget, dict(gr.skip()))
    assert update["props"] == {"__type__": "update"}


def test_an_event_of_a_widget_is_named_in_its_script() -> None:
    """`studio.app.widgets.widget` lists a widget's events in its script for this reason."""
    with gr.Blocks():
        silent, named = gr.HTML(js_on_load="1"), gr.HTML(js_on_load="trigger('arrived')")
        with pytest.raises(AttributeError, match="custom event"):
            silent.arrived  # noqa: B018
        assert callable(named.arrived)


def test_gradio_counts_time_as_our_script_knows_it() -> None:
    (pattern,) = re.findall(r" /(.*)/\.test", gradio_patches.STOP_CLOCK)
    assets = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
    (tracker,) = [path.read_text("utf-8") for path in assets.glob("statustracker-*.js")]
    assert re.search(r"\(\)=>\{[^{}]*" + pattern + r"\),(\w+)&&\w+\(\)\}", tracker), (
        "it calls itself for every frame"
    )
    others = [path.read_text("utf-8") for path in Path(modules.__file__).with_name("js").rglob("*.js")]
    assert not any(re.search(pattern, script) for script in others), "nothing of ours is taken for it"


def test_the_page_has_the_tabs_that_our_script_looks_for() -> None:
    """`js/gradio_page.js` finds a tab's button by its role, or in the menu of those that have no room."""
    assets = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
    scripts: list[Any] = [path.read_text("utf-8") for path in assets.glob("Index-*.js")]
    assert any("overflow-dropdown" in script and 'role="tab"' in script for script in scripts)
