"""Other web pages do not reach the studio: each request here is one that such a page could cause."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from studio.app.guard.access import Access, Login, client_behind
from studio.app.guard.answers import script_hashes, with_nonce
from studio.app.guard.guard import Guard

HERE = "http://127.0.0.1:7860"
BROWSER = {"Sec-Fetch-Site": "same-origin", "Origin": HERE}


async def behind(scope: Any, _receive: Any, send: Any) -> None:
    """An application that answers with what it was told, as carelessly as can be."""
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    seen = f"{scope['client'][0]} {scope['scheme']} {headers['host']} {sorted(headers)}"
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [
            (b"content-type", b"text/html" if scope["path"] == "/" else b"text/plain"),
            (b"server", b"careless/1.0"),
            (b"access-control-allow-origin", headers.get("origin", "*").encode()),
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": f"<head><script>1</script>{seen}".encode()})


def visitor(access: Access | None = None, address: str = "203.0.113.9", **more: Any) -> TestClient:
    guarded = Guard(behind, access or Access(), **more)
    return TestClient(guarded, base_url=HERE, client=(address, 50_000), follow_redirects=False)


@pytest.mark.parametrize(
    "host", ["evil.example:7860", "127.0.0.1.evil.example", "localhost@evil.example", "", "[::1", "a b"]
)
def test_a_name_that_was_made_to_lead_here_is_refused(host: str) -> None:
    """DNS rebinding: the page's own name resolves to this computer, and the browser takes both for one."""
    answer = visitor().get("/config", headers={"Host": host})
    assert answer.status_code == 421
    assert "--allowed-host" in answer.json()["detail"]


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "[::1]:7860", "LOCALHOST", "localhost."])
def test_a_computers_own_names_are_known(host: str) -> None:
    assert visitor().get("/", headers={"Host": host}).status_code == 200


def test_names_are_known_as_they_were_given() -> None:
    access = Access(host="192.0.2.7", allowed_hosts=("studio.example.org",))
    assert access.allows_host("studio.example.org:443")
    assert access.allows_host("192.0.2.7:7860")
    assert not access.allows_host("192.0.2.8")
    everywhere = Access(host="0.0.0.0")
    assert everywhere.allows_host("192.0.2.8:7860"), "no name that somebody could have made to lead here"
    assert not everywhere.allows_host("evil.example")


@pytest.mark.parametrize(
    "told",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://127.0.0.1:7861"},
        {"Origin": "https://127.0.0.1:7860"},
        {"Origin": "null"},
        {"Origin": "http://[bad"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": HERE},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload",
        "/gradio_api/queue/join",
        "/gradio_api/call/remove",
        "/gradio_api/api/x",
        "/gradio_api/component_server",
        "/logout",
    ],
)
def test_another_page_sends_nothing_here(told: dict[str, str], path: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert visitor().request(method, path, headers=told).status_code in (403, 405)
    answer = visitor(Access(login=Login("studio", "x")), knows=lambda _: True).post(path, headers=told)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_the_page_itself_and_programs_do() -> None:
    for told in (BROWSER, {"Sec-Fetch-Site": "none"}, {"Origin": HERE}, {}):
        assert visitor().post("/gradio_api/queue/join", json={"data": []}, headers=told).status_code == 200


def test_another_page_loads_nothing_of_the_studio_but_may_link_to_it() -> None:
    into_itself = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert visitor().get("/works/abc/file", headers=into_itself).status_code == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert visitor().get("/", headers=link).status_code == 200
    assert visitor().get("/config", headers={"Origin": "http://localhost:3000"}).status_code == 403


def test_no_page_is_told_that_it_may_read_answers() -> None:
    asked = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    for answer in (
        visitor().options("/gradio_api/upload", headers=asked),
        visitor().get("/config", headers=BROWSER),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_websocket_is_not_opened() -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), visitor().websocket_connect("/gradio_api/queue/join"):
        pass


def test_nobody_but_a_named_proxy_says_who_somebody_is() -> None:
    told = {"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "localhost"}
    seen = visitor().get("/x", headers=told).text
    assert "203.0.113.9 http 127.0.0.1:7860" in seen
    assert "x-forwarded" not in seen, "Gradio would believe them"
    seen = visitor(Access(proxies=("203.0.113.9",))).get("/x", headers=told).text
    assert "198.51.100.1 https localhost" in seen
    assert "x-forwarded" not in seen
    outside = told | {"X-Forwarded-Host": "evil.example"}
    assert visitor(Access(proxies=("203.0.113.9",))).get("/x", headers=outside).status_code == 421


def test_a_visitor_cannot_put_an_address_before_the_proxys() -> None:
    access = Access(proxies=("10.0.0.1", "10.0.0.2"))
    assert client_behind(access, ["1.1.1.1", "198.51.100.1", "10.0.0.2"]) == "198.51.100.1"
    assert client_behind(access, ["nonsense"]) is None


def test_what_a_visitor_writes_before_a_proxy_is_not_believed_in_a_header_of_its_own_either() -> None:
    """Some proxies add a second header where a visitor sent one already."""
    behind_proxy = visitor(Access(proxies=("203.0.113.9",)))

    def seen(*told: tuple[str, str]) -> Any:
        return behind_proxy.get("/x", headers=list(told))

    forged, real = ("X-Forwarded-For", "10.0.0.1"), ("X-Forwarded-For", "198.51.100.1")
    assert "198.51.100.1 http" in seen(forged, real).text
    assert "198.51.100.1 http" in seen(("X-Forwarded-For", "10.0.0.1, 198.51.100.1")).text
    assert " http " in seen(("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")).text
    assert seen(("X-Forwarded-Host", "localhost"), ("X-Forwarded-Host", "127.0.0.1")).status_code == 421


@pytest.mark.parametrize(
    ("host", "status"),
    [("[::1]:7860", 200), ("[::1]", 200), ("[::2]:7860", 421), ("[fe80::1%25eth0]", 421), ("::1", 421)],
)
def test_a_studio_at_an_ipv6_address_knows_its_own(host: str, status: int) -> None:
    at_six = visitor(Access(host="::1"), address="::1")
    assert at_six.get("/", headers={"Host": host}).status_code == status
    upload = {"Host": "[::1]:7860", "Origin": "http://[::1]:7861"}
    assert at_six.post("/gradio_api/upload", headers=upload).status_code == 403


def test_every_answer_tells_the_browser_what_it_may_do() -> None:
    for path, status in (("/", 200), ("/x", 200), ("/monitoring", 404)):
        answer = visitor().get(path)
        assert answer.status_code == status
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "server" not in answer.headers
    refused = visitor().get("/", headers={"Host": "evil.example"})
    assert "default-src 'none'" in refused.headers["Content-Security-Policy"]


def test_a_course_page_may_show_it_in_a_frame_when_it_was_named() -> None:
    answer = visitor(Access(embed_in=("https://course.example.org",))).get("/")
    assert "frame-ancestors 'self' https://course.example.org" in answer.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer.headers


def test_only_scripts_that_the_page_came_with_run() -> None:
    one, other = visitor().get("/"), visitor().get("/")
    policy = one.headers["Content-Security-Policy"]
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert f'<script nonce="{nonce}">' in one.text
    assert nonce not in other.text, "another for every answer"
    first = visitor(first="<script>0</script>")
    assert re.match(
        r'<head><script nonce="[^"]+">0</script><script nonce="[^"]+">1</script>', first.get("/").text
    )
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    assert with_nonce(b"<script src=x><scripture>", "n") == b'<script nonce="n" src=x><scripture>'
    assert script_hashes("<script>alert(1)</script>") == (
        "sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=",
    )


def test_no_sentence_tells_a_visitor_where_the_studio_lives() -> None:
    from studio.app.sentences import said
    from studio.errors import Refused
    from studio.works.home import home

    assert (
        said(Refused(f"The details are in {home()}/log/studio.log.")) == "The details are in log/studio.log."
    )
    assert (
        said("The files at /mnt/shared/anna cannot be reached: check.")
        == "The files at anna cannot be reached: check."
    )
    assert "anna" not in said("The database postgresql+psycopg://anna@db.example/x does not answer.")
    assert said("Write 3/4, D/F#, 4:1=G4*3/2 or a/b/c.") == "Write 3/4, D/F#, 4:1=G4*3/2 or a/b/c."
