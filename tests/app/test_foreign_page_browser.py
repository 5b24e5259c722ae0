"""A page of another origin in a real browser neither shows the studio, reads it, nor sends it anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.app.conftest import PATIENCE, Chromium, Open

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]

PAGE = """<!doctype html><iframe src="{0}/" onload="framed = true"></iframe>
<form method="post" enctype="multipart/form-data" target="sink" action="{0}/gradio_api/upload">
<input name="files" value="x"></form><iframe name="sink"></iframe>"""

TRIES = {
    "reads": "await fetch(STUDIO + '/config')",
    "sends without asking": "await fetch(STUDIO + '/gradio_api/queue/join', "
    '{method: \'POST\', mode: \'no-cors\', body: \'{"data": [], "fn_index": 1, "session_hash": "a"}\'})',
    "listens": "await new Promise((yes, no) => Object.assign(new EventSource(STUDIO + "
    "'/gradio_api/heartbeat/a'), {onopen: yes, onerror: no}))",
    "talks": "await new Promise((yes, no) => Object.assign(new WebSocket(STUDIO.replace('http', 'ws') + "
    "'/gradio_api/queue/join'), {onopen: yes, onerror: no}))",
    "shows a picture": "await new Promise((yes, no) => Object.assign(new Image(), "
    "{onload: yes, onerror: no, src: STUDIO + '/presets/creatures'}))",
}


@pytest.fixture
def foreign(studio: Open) -> Iterator[str]:
    """The address of a page that somebody else serves on this computer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE.format(studio.address).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


def test_another_page_gets_nowhere(chromium: Chromium, studio: Open, foreign: str) -> None:
    page = chromium.browser.new_page()
    page.set_default_timeout(PATIENCE)
    try:
        with page.expect_response(f"{studio.address}/"):
            page.goto(foreign)
        for name, attempt in TRIES.items():
            got = page.evaluate(f"""async () => {{ const STUDIO = "{studio.address}";
                try {{ {attempt}; return "got through"; }} catch {{ return "blocked"; }} }}""")
            assert got == "blocked", name
        with page.expect_response(f"{studio.address}/gradio_api/upload") as sent:
            page.evaluate("document.forms[0].submit()")
        assert sent.value.status == 403
        shown = [frame for frame in page.frames if frame.url.startswith(studio.address)]
        assert shown == [], "in a frame it would be the studio's address that is shown"
    finally:
        page.close()
