"""Nothing comes in without a bound: what stalled a server or filled its queue is refused in a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from studio.app.guard.access import Access
from studio.app.guard.bounds import JSON, Bounds
from studio.app.guard.guard import Guard
from studio.errors import Refused
from studio.images.recipes import DreamRecipe, StyleRecipe
from studio.making.kinds import KINDS
from studio.music.melody.recipes import ComposeRecipe
from studio.works.recipe import check, controls

CALL = "/gradio_api/call/works"
reached: list[int] = []


async def behind(_scope: Any, receive: Any, send: Any) -> None:
    """An application that reads everything it is sent."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    reached.append(size)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def visitor() -> TestClient:
    reached.clear()
    return TestClient(Guard(behind, Access(), largest_upload=1000), base_url="http://127.0.0.1:7860")


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (nested(40), "nested more than 32"),
        (nested(100_000), "not JSON"),
        (json.dumps({"data": ["x"] * 20_000}).encode(), "longer than 10,000 entries"),
        (json.dumps({"data": [["x"] * 5_000] * 100}).encode(), "more than 200,000 values"),
        (json.dumps({"data": ["x" * 1_100_000]}).encode(), "longer than 1,000,000 characters"),
        (json.dumps({"x" * 1_100_000: 1}).encode(), "longer than 1,000,000 characters"),
        (b'{"data": [1e999]}', "too large"),
        (b'{"data": [' + b"9" * 400 + b"]}", "too large"),
        (b'{"data": [' + b"9" * 10_000 + b"]}", "not JSON"),
        (b'{"data": [NaN]}', "not JSON"),
        (b"works", "not JSON"),
    ],
)
def test_a_request_that_holds_too_much_is_refused_before_anything_reads_it(
    visitor: TestClient, body: bytes, sentence: str
) -> None:
    answer = visitor.post(CALL, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert sentence in answer.json()["detail"]
    assert not reached


def test_a_large_request_is_not_read_to_its_end(visitor: TestClient) -> None:
    assert visitor.post(CALL, content=b" " * (JSON.body + 1)).status_code == 413
    sent = []

    def without_end() -> Iterator[bytes]:
        for number in range(1000):
            sent.append(number)
            yield b" " * 2**16

    assert visitor.post(CALL, content=without_end()).status_code == 413
    assert not reached


def test_an_upload_has_a_size_whatever_it_says(visitor: TestClient) -> None:
    assert visitor.post("/gradio_api/upload", content=b"x" * 1000).status_code == 200
    assert visitor.post("/gradio_api/upload", content=b"x" * 1001).status_code == 413
    assert visitor.post("/gradio_api/upload", content=iter([b"x" * 600] * 2)).status_code == 413
    assert visitor.post("/gradio_api/upload", headers={"Content-Length": "-1"}).status_code == 400


def test_an_address_has_a_length(visitor: TestClient) -> None:
    assert visitor.get("/?work=" + "x" * 10_000).status_code == 414


def test_what_the_page_sends_passes(visitor: TestClient) -> None:
    body = json.dumps({"data": ["a text", 1.5, None, {"points": [[0.5, 0.5]] * 4000}], "fn_index": 3})
    assert visitor.post("/gradio_api/queue/join", content=body).status_code == 200
    file = json.dumps({"data": json.dumps({"content": "x" * 11_000_000}), "fn_name": "lesson_request"})
    assert visitor.post("/gradio_api/component_server", content=file).status_code == 200
    assert reached == [len(body), len(file)], "all of it, unchanged"


def test_checking_takes_no_more_steps_than_the_bound() -> None:
    tree: Any = []
    for _ in range(20):
        tree = [tree, tree]  # a million leaves, in twenty lists
    with pytest.raises(Refused, match="values"):
        Bounds(values=1000).check(tree)


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        (DreamRecipe, {"layers": ["x" * 100_000]}, "at most 120 characters"),
        (DreamRecipe, {"layers": ["blocks.4"] * 5_000}, "at most 64 entries"),
        (DreamRecipe, {"layers": ["blocks.4*99999999"]}, "at most 1,000,000"),
        (DreamRecipe, {"backbone": "x" * 5_000}, "at most 100 characters"),
        (StyleRecipe, {"style_weights": [1.0] * 5_000}, "at most 64 entries"),
        (StyleRecipe, {"style_weights": [1e300]}, "1000000"),
        (ComposeRecipe, {"pins": ["4:1=G4"] * 201}, "at most 200 entries"),
        (ComposeRecipe, {"rhythm": ["1 " * 5_000]}, "at most 4,000 characters"),
        (ComposeRecipe, {"meter": "4" * 5_000}, "at most 200 characters"),
    ],
)
def test_a_recipe_has_bounds(kind: Any, fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence) as refused:
        check(kind, fields)
    assert len(str(refused.value)) < 400


def test_every_setting_of_every_kind_has_a_bound() -> None:
    """A new field without one fails here."""
    for kind in KINDS.values():
        for control in controls(kind.recipe_class()):
            said = f"{kind.name}.{control.name}"
            assert not control.many or control.most, f"{said}: how many?"
            if control.type is str:
                assert control.choices or control.longest, f"{said}: how long?"
            elif control.type in (int, float) and not control.many:
                assert control.minimum is not None, said
                assert control.maximum is not None, said
