"""How the server begins and ends: what it takes, what it refuses, what it leaves behind."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from studio.app.guard.access import Access, Login
from studio.app.serving import KEEPER, _listening, _tell_when_open, serve, take_login, temporary_folder
from studio.errors import Refused

PATIENCE = 120.0

BUSY = """
import asyncio, builtins, gc, sqlite3, sys, threading

said = builtins.print
forever = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c"

def a_thread():
    while True:
        pass

def the_main_thread():
    main = threading.main_thread().ident
    loops = [each for each in gc.get_objects() if isinstance(each, asyncio.BaseEventLoop)]
    loop = next(each for each in loops if each._thread_id == main)
    loop.call_soon_threadsafe(lambda: sqlite3.connect(":memory:").execute(forever).fetchall())

def say(*words, **more):
    threading.Thread(target=busy).start()
    said(*words, **more)

busy = globals()[sys.argv.pop()]
builtins.print = say
from studio.cli import main
main()
"""
"""The studio with a thread that never ends, as a request that computes for hours would be; or with a main
thread that waits for a database without end, so that Python never runs the handler of a signal. It begins
when the address is printed.
"""


def test_the_password_is_taken_out_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert take_login() is None
    monkeypatch.setenv("STUDIO_PASSWORD", "open sesame")
    assert take_login() == Login("studio", "open sesame")
    assert "STUDIO_PASSWORD" not in os.environ, "what is started from here must not know it"
    monkeypatch.setenv("STUDIO_PASSWORD", "open sesame")
    monkeypatch.setenv("STUDIO_USER", "ali")
    login = take_login()
    assert login == Login("ali", "open sesame")
    assert "sesame" not in repr(login)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "studio.example.org"])
def test_other_computers_need_a_password_unless_it_is_meant(host: str) -> None:
    for access in (Access(host=host), Access(proxies=("127.0.0.1",))):
        with pytest.raises(Refused, match="set STUDIO_PASSWORD first, or add --no-password"):
            serve(access, open_browser=bool(access.proxies))


@pytest.mark.parametrize(
    ("access", "warned"),
    [
        (Access(), False),
        (Access(host="0.0.0.0"), True),
        (Access(host="0.0.0.0", login=Login("ali", "sesame")), False),
    ],
)
def test_a_studio_without_a_password_warns(
    access: Access, warned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = threading.Event()
    _tell_when_open(SimpleNamespace(started=True, should_exit=False), access, False, opened.set)
    assert opened.wait(PATIENCE)
    assert ("no password" in capsys.readouterr().out) is warned


@pytest.mark.parametrize("meant", ["no_password", "open_browser"])
def test_open_or_no_password_says_that_an_open_host_is_meant(meant: str) -> None:
    """They get past the refusal: to the port, which is taken here."""
    import socket

    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        access = Access(host="0.0.0.0", port=taken.getsockname()[1])
        with pytest.raises(Refused, match="choose another with --port"):
            serve(access, **{meant: True})


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({"allowed_hosts": ("a b",)}, "is not a host name"),
        ({"proxies": ("proxy",)}, "is not the address of a proxy"),
        ({"embed_in": ("https://a.example; script-src *",)}, "is not an origin"),
    ],
)
def test_rules_that_cannot_be_read_are_refused(rules: dict[str, tuple[str, ...]], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        Access(**rules)  # type: ignore[arg-type]


def test_a_taken_port_is_told_at_once() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Refused, match="choose another with --port"):
            serve(Access(port=taken.getsockname()[1]))


def test_a_small_answer_does_not_wait_until_the_one_before_it_was_acknowledged() -> None:
    async def answered(door: socket.socket) -> int:
        taken: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            own = writer.get_extra_info("socket")
            taken.set_result(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(take, sock=door):
            _, visitor = await asyncio.open_connection(*door.getsockname())
            found = await taken
            visitor.close()
        return found

    with _listening("127.0.0.1", 0) as door, ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, answered(door)).result()


def test_what_a_killed_server_left_is_removed_by_the_next_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    name = "from studio.works.keeper import Keeper; print(Keeper.this())"
    gone = subprocess.run(
        [sys.executable, "-c", name], capture_output=True, text=True, check=True
    ).stdout.strip()
    older, left, elsewhere, other = (
        tmp_path / each for each in (f"studio-app-a@{gone}", "studio-app-b", "studio-app-c", "studio-app-d")
    )
    for folder in (older, left, elsewhere, other):
        folder.mkdir()
        (folder / "photo.jpg").write_bytes(b"private")
    (left / KEEPER).write_text(gone)
    (elsewhere / KEEPER).write_text(f"another{gone}")
    with temporary_folder() as own, temporary_folder():
        assert own.is_dir(), "a server beside it is alive"
        assert not older.exists()
        assert not left.exists()
        assert (elsewhere / "photo.jpg").exists(), "of another machine it cannot be known"
        assert (other / "photo.jpg").exists()
    assert not own.exists()


def test_a_folder_of_uploads_tells_neither_machine_nor_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with temporary_folder():
        told = os.environ["GRADIO_TEMP_DIR"].removeprefix(str(tmp_path))
        assert re.fullmatch(r"/studio-app-\w{8}/files", told), "and eight letters by chance"
        assert not (Path(os.environ["GRADIO_TEMP_DIR"]) / KEEPER).exists(), "what is there can be fetched"


def test_a_server_that_ends_prints_nothing_of_a_page_that_it_cuts_off(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import uvicorn

    from studio.app.ending import Countdown, ending_server

    following = threading.Event()

    async def streams(scope: Any, _receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a step", "more_body": True})
        following.set()
        await asyncio.Event().wait()

    log = logging.getLogger("uvicorn.error")
    monkeypatch.setattr(log, "propagate", True)
    monkeypatch.setattr(log, "level", logging.WARNING)
    config = uvicorn.Config(streams, lifespan="off", timeout_graceful_shutdown=0, log_config=None)
    server = ending_server(config, Countdown())
    with _listening("127.0.0.1", 0) as door, socket.socket() as page:
        door.listen()
        page.connect(door.getsockname())
        running = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        running.start()
        page.sendall(b"GET / HTTP/1.1\r\nHost: studio\r\n\r\n")
        assert following.wait(PATIENCE)
        server.should_exit = True
        running.join(PATIENCE)
        assert not running.is_alive()
    assert not caplog.records


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes in another way")
@pytest.mark.parametrize("busy", ["a_thread", "the_main_thread"])
def test_a_busy_server_ends_when_it_is_told_to_and_leaves_nothing(tmp_path: Path, busy: str) -> None:
    import psutil

    running = subprocess.Popen(
        [sys.executable, "-c", BUSY, "app", "--port", "0", busy],
        env=os.environ | {"TMPDIR": str(tmp_path), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        assert re.search(r"http://\S+", running.stdout.readline())
        assert list(tmp_path.glob("studio-app-*"))
        children = psutil.Process(running.pid).children(recursive=True)
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE) == 128 + signal.SIGTERM
        assert not list(tmp_path.glob("studio-app-*"))
        _, alive = psutil.wait_procs(children, PATIENCE)
        assert not alive
    finally:
        running.kill()
        running.stdout.close()
