"""Requests that make no sense, and faults of the studio: a sentence for a visitor, a line in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from studio.app.guard.access import Access
from studio.app.guard.guard import Guard
from studio.app.guard.mistakes import LONGEST_LINE, OUR_FAULT
from studio.works.gallery import Gallery
from tests.app.conftest import Open

pytestmark = pytest.mark.xdist_group("app")

WEB = httpx.Client(
    verify=False, timeout=120
)  # no certificates are needed here, and to read them takes a while

FILE = {"path": "x" * 100_000, "meta": {"_type": "gradio.FileData"}}

ODD: list[tuple[str, Any, int]] = [
    ("queue/join", {"data": [], "fn_index": 99999, "session_hash": "a"}, 400),
    ("queue/join", {"data": [], "fn_index": [1], "session_hash": "a"}, 422),
    ("component_server", {"data": [], "component_id": 0, "session_hash": "a", "fn_name": "x"}, 400),
    ("component_server", {"data": [], "component_id": -5, "session_hash": "a", "fn_name": "x"}, 400),
    ("call/nothing", {"data": []}, 400),
    ("call/v2/nothing", {}, 400),
    ("api/works", {"data": []}, 400),
    ("api/dream", {"data": [FILE]}, 400),
    ("api/work", {"data": ["none"]}, 400),
]


@pytest.mark.parametrize(("path", "body", "status"), ODD)
def test_a_request_that_makes_no_sense_is_answered_with_a_sentence(
    studio: Open, path: str, body: Any, status: int
) -> None:
    answer = WEB.post(f"{studio.address}/gradio_api/{path}", json=body)
    assert answer.status_code == status
    told = answer.json()
    assert told["detail"].endswith(".")
    assert "studio itself" not in told["detail"]
    assert told.get("error", told["detail"]) == told["detail"], "never null"


def test_uploads_and_streams_that_make_no_sense_are_too(studio: Open) -> None:
    upload = f"{studio.address}/gradio_api/upload"
    form = {"Content-Type": "multipart/form-data; boundary=" + "b" * 9000}
    for answer in (
        WEB.post(upload, content=b"--x", headers=form),
        WEB.get(f"{upload}_progress?upload_id=x"),
        WEB.get(f"{studio.address}/gradio_api/file=/etc/passwd"),
    ):
        assert 400 <= answer.status_code < 500
        assert answer.json()["detail"].endswith(".")
    lost = WEB.get(f"{studio.address}/gradio_api/queue/data?session_hash=nobody")
    assert "session_not_found" in lost.text
    joined = WEB.post(f"{studio.address}/gradio_api/call/dream", json={"data": [FILE]}).json()
    told = WEB.get(f"{studio.address}/gradio_api/call/dream/{joined['event_id']}").text
    assert "The studio cannot make sense of this request" in told


def test_nothing_of_it_is_printed_at_length(studio: Open) -> None:
    printed = "".join(studio.printed)
    assert "Traceback" not in printed
    assert max(map(len, studio.printed), default=0) < 2 * LONGEST_LINE


def guarded(fails: Exception, tmp_path: Path, *, begun: bool = False) -> httpx.Response:
    async def behind(scope: Any, _receive: Any, send: Any) -> None:  # noqa: ARG001
        if begun:
            headers = [(b"content-type", b"text/plain")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise fails

    return TestClient(Guard(behind, Access(), home=tmp_path), base_url="http://127.0.0.1:7860").get("/x")


def test_a_fault_of_the_studio_is_told_as_one_and_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for fault in (OSError("No space left on device"), raised_in_the_studio(tmp_path)):
        answer = guarded(fault, tmp_path)
        assert (answer.status_code, answer.json()) == (500, {"detail": OUR_FAULT})
        assert "log/studio.log" in capsys.readouterr().err
        assert str(fault) in (tmp_path / "log" / "studio.log").read_text()


def raised_in_the_studio(tmp_path: Path) -> Exception:
    """An error that would be the request's, had it not come out of the studio's own code."""
    with Gallery.open(tmp_path / "home") as gallery:
        try:
            gallery.keep_source(None, role="photo")  # type: ignore[arg-type]
        except TypeError as error:
            return error
    raise AssertionError


def test_an_answer_that_has_begun_ends_where_it_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = guarded(ValueError("a" * 100_000 + "\n\x1b[2J"), tmp_path, begun=True)
    assert (answer.status_code, answer.text) == (200, "half")
    printed = capsys.readouterr().err
    assert len(printed) < LONGEST_LINE + 20
    assert printed.count("\n") == 1
    assert "\x1b" not in printed


ODD_WORDS: list[Any] = [None, [], "text", 5, {}, {"unseen": 5, "kind": [1], "after": {}}, {"job": []}]


def test_what_no_widget_says_is_no_fault_of_the_studio(studio: Open) -> None:
    shown = WEB.get(f"{studio.address}/config").json()["components"]
    asked = 0
    for component in shown:
        for name in component["props"].get("server_fns") or ():
            for word in ODD_WORDS:
                body = {"component_id": component["id"], "session_hash": "odd", "fn_name": name, "data": word}
                answer = WEB.post(f"{studio.address}/gradio_api/component_server", json=body)
                assert answer.status_code < 500, (name, word, answer.text)
                asked += 1
    assert asked > 50
