"""Logging in and out: who gets in, who has to wait, and what one visitor can do to another."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from studio.app.guard.access import Access, Login
from studio.app.guard.sessions import FREE_GUESSES, LASTS, MOST_REMEMBERED, MOST_SESSIONS, Sessions, Slowing

LOGIN = Login("studio", "open sesame")
RIGHT = {"username": "studio", "password": "open sesame"}
WRONG = {"username": "studio", "password": "open"}


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    """The whole application, with a password; and its home."""
    from studio.app.desk import Desk
    from studio.app.page import application
    from studio.making.jobs import Jobs
    from studio.works.gallery import Gallery

    home = tmp_path_factory.mktemp("locked")
    with pytest.MonkeyPatch.context() as patch, Gallery.open(home) as gallery, Jobs(gallery) as jobs:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        web = application(Desk(gallery, jobs), Access(login=LOGIN))
        with TestClient(web):
            yield web, home


def come(locked: tuple[Any, Path], address: str) -> TestClient:
    """A visitor from that address, who has no cookies yet."""
    base = "http://127.0.0.1:7860"
    return TestClient(locked[0], base_url=base, client=(address, 50_000), follow_redirects=False)


def test_who_has_not_logged_in_sees_nothing(locked: tuple[Any, Path]) -> None:
    visitor = come(locked, "192.0.2.1")
    ours = ("file", "thumb", "view", "sources/0", "score.svg", "music", "as/mid")
    for path in (
        *(f"/works/abc/{each}" for each in ours),
        *("/jobs/abc/photo", "/presets/creatures", "/paintings/glass", "/styles/x/sample.wav"),
        *("/", "/config", "/theme.css", "/manifest.json", "/static/img/logo.svg", "/modules/x/stage.js"),
        *("/gradio_api/info", "/gradio_api/file=x", "/gradio_api/queue/status", "/gradio_api/heartbeat/x"),
        *("/gradio_api/app_id", "/gradio_api/login_check", "/gradio_api/user"),
    ):
        assert visitor.get(path).status_code == 401, path
    for path in (
        "/openapi.json",
        "/gradio_api/openapi.json",
        "/gradio_api/startup-events",
        "/monitoring/summary",
    ):
        assert visitor.get(path).status_code == 404, path
    assert visitor.post("/gradio_api/upload", files={"files": b"x"}).status_code == 401
    assert visitor.post("/gradio_api/call/works", json={"data": []}).status_code == 401
    assert visitor.post("/gradio_api/component_server", json={}).status_code == 401
    assert visitor.get("/favicon.ico").status_code == 200


def test_a_person_is_led_to_the_form_and_back(locked: tuple[Any, Path]) -> None:
    visitor = come(locked, "192.0.2.2")
    visitor.headers["Accept"] = "text/html"
    led = visitor.get("/?work=abc")
    assert (led.status_code, led.headers["Location"]) == (303, "/login?next=/%3Fwork%3Dabc")
    form = visitor.get(led.headers["Location"])
    assert '<form method="post">' in form.text, "to its own address, so that the part after # is kept"
    assert "default-src 'none'" in form.headers["Content-Security-Policy"]
    wrong = visitor.post(led.headers["Location"], data=WRONG)
    assert wrong.status_code == 401
    assert "The user or the password is wrong" in wrong.text
    let_in = visitor.post(led.headers["Location"], data=RIGHT)
    assert (let_in.status_code, let_in.headers["Location"]) == (303, "/?work=abc")
    page = visitor.get("/")
    assert page.status_code == 200
    assert 'action=\\"logout\\"' in page.text
    assert "'nonce-" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "place", ["//evil.example", "https://evil.example", "/\\evil.example", "/\n//evil.example", "/login"]
)
def test_nobody_is_led_to_another_site(locked: tuple[Any, Path], place: str) -> None:
    visitor = come(locked, "192.0.2.3")
    visitor.headers["Accept"] = "text/html"
    assert visitor.post("/login", params={"next": place}, data=RIGHT).headers["Location"] == "/"


def test_logging_out_logs_out_nobody_else(locked: tuple[Any, Path]) -> None:
    one, other = come(locked, "192.0.2.4"), come(locked, "192.0.2.5")
    for visitor in (one, other):
        assert visitor.post("/login", data=RIGHT).status_code == 200
        assert visitor.get("/config").status_code == 200
    token = dict(one.cookies)
    for path in ("/logout", "/logout/"):
        assert one.get(path).status_code in (404, 405), "a link, or a picture's address, logs nobody out"
    assert one.get("/config").status_code == 200
    assert one.post("/logout", headers={"Origin": "https://evil.example"}).status_code == 403
    assert one.get("/config").status_code == 200
    assert one.post("/logout").status_code == 303
    assert one.get("/config").status_code == 401
    one.cookies.update(token)
    assert one.get("/config").status_code == 401, "the token itself is worth nothing any more"
    assert other.get("/config").status_code == 200


def test_the_cookie_is_for_the_browser_alone(locked: tuple[Any, Path]) -> None:
    cookie = come(locked, "192.0.2.6").post("/login", data=RIGHT).headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    safe = TestClient(locked[0], base_url="https://127.0.0.1:7860", client=("192.0.2.7", 5))
    assert "Secure" in safe.post("/login", data=RIGHT).headers["Set-Cookie"]


def test_whoever_guesses_waits_and_is_recorded_without_the_password(locked: tuple[Any, Path]) -> None:
    thief, owner = come(locked, "198.51.100.1"), come(locked, "192.0.2.8")
    for _ in range(FREE_GUESSES):
        assert (
            thief.post("/login", data={"username": "open sesame", "password": "a guess"}).status_code == 401
        )
    slowed = thief.post("/login", data=RIGHT)
    assert slowed.status_code == 429, "even the right one, or waiting would be worth nothing"
    assert int(slowed.headers["Retry-After"]) >= 1
    assert owner.post("/login", data=RIGHT).status_code == 200
    record = (locked[1] / "log" / "refusals.log").read_text()
    assert "198.51.100.1" in record
    assert "another name" in record
    assert "sesame" not in record
    assert "guess\n" not in record


def test_a_form_that_is_none_is_refused(locked: tuple[Any, Path]) -> None:
    visitor = come(locked, "192.0.2.9")
    assert visitor.post("/login", content=b"\xff\xfe").status_code == 401
    assert visitor.post("/login", content=b"username=" + b"x" * 10_000).status_code == 413
    assert visitor.post("/login/", data=RIGHT).status_code == 404, "Gradio's own"


def test_gradio_client_logs_in(locked: tuple[Any, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The requests of gradio_client's own `_login` and `_get_config`, through the application."""
    gradio_client = pytest.importorskip("gradio_client")
    web = come(locked, "192.0.2.10")
    monkeypatch.setattr("gradio_client.client.httpx.post", lambda url, data, **_: web.post(url, data=data))
    client = object.__new__(gradio_client.Client)
    client.src, client.ssl_verify, client.httpx_kwargs = "http://127.0.0.1:7860/", True, {}
    client._login(("studio", "open sesame"))
    other = come(locked, "192.0.2.11")
    other.cookies.update(client.cookies)
    assert other.get("/config").status_code == 200
    with pytest.raises(gradio_client.exceptions.AuthenticationError):
        client._login(("studio", "open"))


@pytest.mark.xdist_group("page")  # where a Chromium runs already
def test_a_person_logs_in_and_out_with_a_browser(chromium: Any, tmp_path: Path) -> None:
    with opened(tmp_path) as address, chromium.visitor(address, {"width": 1280, "height": 900}) as page:
        page.goto(f"{address}/#lesson=cafeteria")
        page.fill("input[name=username]", "studio")
        page.fill("input[name=password]", "open sesame")
        page.click("button")
        page.wait_for_url("**/#lesson=cafeteria")
        page.click("text=Log out")
        page.wait_for_url("**/login")
        page.goto(address)
        assert page.url == f"{address}/login"


@contextmanager
def opened(home: Path) -> Iterator[str]:
    """The whole application with a password, at an address of its own."""
    import uvicorn

    from studio.app.desk import Desk
    from studio.app.page import application
    from studio.making.jobs import Jobs
    from studio.works.gallery import Gallery

    with socket.socket() as door, Gallery.open(home) as gallery, Jobs(gallery) as jobs:
        door.bind(("127.0.0.1", 0))
        door.listen()  # whoever comes before the server has begun waits for it
        web = application(Desk(gallery, jobs), Access(login=LOGIN))
        server = uvicorn.Server(uvicorn.Config(web, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def test_a_wait_grows_by_address_and_ends() -> None:
    clock = Clock()
    slowing = Slowing(clock)
    waits = []
    for _ in range(20):
        slowing.wrong("198.51.100.1", "studio")
        waits.append(slowing.wait("198.51.100.1", "someone"))
    assert waits[: FREE_GUESSES - 1] == [0] * (FREE_GUESSES - 1)
    assert waits[FREE_GUESSES - 1 : FREE_GUESSES + 3] == [1, 2, 4, 8]
    assert waits[-1] == 900
    assert slowing.wait("203.0.113.1", "studio") <= 20, "a stranger cannot lock the user out for long"
    assert slowing.wait("203.0.113.1", "someone") == 0
    clock.now += 4000
    assert slowing.wait("198.51.100.1", "studio") == 0
    slowing.wrong("2001:db8::1", "a")
    slowing.wrong("2001:db8::2", "b")
    slowing.wrong("2001:db8::3", "c")
    assert slowing.wait("2001:db8::ffff", "d") > 0, "who has one of these addresses has all of them"


def test_memory_is_bounded_whoever_comes() -> None:
    slowing, sessions = Slowing(), Sessions()
    for number in range(MOST_REMEMBERED + 100):
        slowing.wrong(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", f"user {number}" * 100)
    assert len(slowing) <= MOST_REMEMBERED
    tokens = [sessions.begin() for _ in range(MOST_SESSIONS + 1)]
    assert not sessions.known(tokens[0])
    assert sessions.known(tokens[-1])


def test_a_session_ends() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    token = sessions.begin()
    assert sessions.known(token)
    assert not sessions.known(token + "a")
    assert not sessions.known("")
    clock.now += LASTS
    assert not sessions.known(token)
