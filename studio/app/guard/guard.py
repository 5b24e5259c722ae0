"""The guard: every request passes it before anything else sees it, and every answer on its way back.

It is plain ASGI, so that it stands before Gradio's routes and the studio's own alike. What is refused is
answered with one sentence.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.app.guard.access import CHANGING, Access, client_behind, is_foreign
from studio.app.guard.answers import add_headers, page_policy, strict_policy, with_first_scripts, with_nonce
from studio.app.guard.bounds import JSON, LESSONS, LONGEST_ADDRESS, Bounds, in_megabytes
from studio.app.guard.mistakes import OUR_FAULT, is_our_fault, note, sentence
from studio.errors import Refused

UPLOAD = "/gradio_api/upload"
WIDGETS = "/gradio_api/component_server"
LOGIN, LOGOUT = "/login", "/logout"

OPEN_TO_ALL = frozenset({LOGIN, "/favicon.ico"})
"""What may be asked for without a session."""

CLOSED = re.compile(
    r"/(?:log(?:in|out)/|openapi\.json|monitoring|svelte/|pwa_icon|robots\.txt"
    r"|gradio_api/(?:openapi\.json|proxy=|file=https?:|dev/|deep_link|vibe-|undo-vibe|process_recording|stream/"
    r"|run-history|runs|profiling|reset|token|startup-events|custom_component))"
)
"""What Gradio offers and this page does not use: nobody gets it."""

LARGEST_WHY = 2**16
"""Bytes that are read of an application's refusal, to find the sentence in it."""

REPLACED = (b"content-length", b"content-type", b"transfer-encoding")
"""Headers of a refusal that belong to its body."""

READ_WITHIN = 60.0
"""Seconds a visitor may take to send the JSON of a request."""

LARGE = 2**18
"""Bytes of JSON that are not decoded in the server's own thread, in which everybody is answered."""

FORWARDED = re.compile(rb"(?:x-forwarded-.*|forwarded|x-real-ip)")


class Guard:
    """An ASGI application in front of another one.

    knows: whether a request with these headers is of somebody who logged in; None where nobody has to.
    largest_upload: bytes of all files of one upload. hashes: of inline scripts that Gradio adds to the page.
    home: the studio's, where its log is. first: scripts, as HTML, that the page runs before any other.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        knows: Callable[[Headers], bool] | None = None,
        largest_upload: int = 256 * 2**20,
        hashes: tuple[str, ...] = (),
        home: Path | None = None,
        first: str = "",
    ) -> None:
        self.app, self.access, self.knows = app, access, knows
        self.largest_upload, self.hashes, self.home, self.first = largest_upload, hashes, home, first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})  # the page has no websocket
            return
        answering = Answering(self.access, self.hashes, send, self.first)
        refusal = self.refusal(scope := self.believed(scope))
        if refusal is not None:
            await refusal(scope, receive, answering.send)
            await answering.finish()
            return
        try:
            bounded = await self.bounded(scope, receive, answering)
        except TooMuch as error:
            await error.answer(scope, receive, answering.send)
            await answering.finish()
            return
        fault: Exception | None = None
        try:
            await self.app(scope, bounded, answering.send)
        except Exception as error:
            fault = error
            note(error, scope["path"], self.home)
        await answering.finish(fault)

    # --- Before

    def believed(self, scope: Scope) -> Scope:
        """The scope with what a named proxy says of the visitor, and without what anybody else says."""
        headers = Headers(scope=scope)
        told = dict(scope)
        client = scope.get("client")
        if client and self.access.is_proxy(client[0]):
            # Some proxies add a header of their own to the one that a visitor sent.
            behind = client_behind(self.access, ",".join(headers.getlist("x-forwarded-for")).split(","))
            told["client"] = (behind, 0) if behind else client
            schemes = headers.getlist("x-forwarded-proto") or [""]
            if (scheme := schemes[-1].rpartition(",")[2].strip().lower()) in ("http", "https"):
                told["scheme"] = scheme
        # Several names are no name, and are refused.
        hosts = headers.getlist("x-forwarded-host") if client and self.access.is_proxy(client[0]) else []
        host = ",".join(hosts)
        told["headers"] = [
            (name, host.strip().encode("latin-1") if host and name == b"host" else value)
            for name, value in scope["headers"]
            if not FORWARDED.fullmatch(name)
        ]
        return told

    def refusal(self, scope: Scope) -> ASGIApp | None:
        """The answer to a request that goes no further, or None. Takes the Origin out: nothing behind needs
        it, and Gradio would allow pages of this computer to read its answers.
        """
        headers, path, method = Headers(scope=scope), scope["path"], scope["method"]
        if len(scope.get("raw_path") or path) + len(scope["query_string"]) > LONGEST_ADDRESS:
            return told(414, "The address is too long; ask for one thing at a time.")
        host = headers.get("host", "")
        if headers.getlist("host")[1:] or not self.access.allows_host(host):
            return told(
                421,
                "The studio does not go by this name; open it by the address it printed, or start it with "
                "--allowed-host NAME.",
            )
        if is_foreign(method, headers, f"{scope['scheme']}://{host}"):
            return told(403, "Other web pages may not use this studio; open the studio itself.")
        if method not in CHANGING | {"GET", "HEAD"}:
            return told(405, "The studio answers GET and POST.")
        if path == LOGOUT and method != "POST":
            return told(405, "Log out with the button on the page; following a link changes nothing.")
        if CLOSED.match(path) or (self.knows is None and path in (LOGIN, LOGOUT)):
            return told(404, "There is nothing at this address.")
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"origin"]
        if self.knows is not None and path not in OPEN_TO_ALL and not self.knows(headers):
            return self.to_the_door(scope, headers)
        return None

    def to_the_door(self, scope: Scope, headers: Headers) -> ASGIApp:
        """A person goes to the page where one logs in; a program is told."""
        if scope["method"] != "GET" or "text/html" not in headers.get("accept", ""):
            return told(401, "Log in first.")
        asked = scope["path"] + (
            f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
        )
        return RedirectResponse(LOGIN if asked == "/" else f"{LOGIN}?next={quote(asked)}", 303)

    # --- How much

    async def bounded(self, scope: Scope, receive: Receive, answering: Answering) -> Receive:
        """`receive` of a request that holds no more than it may. Raises `TooMuch`."""
        if scope["method"] not in CHANGING:
            return receive
        if scope["path"].rstrip("/") == UPLOAD:
            declared(scope, self.largest_upload)
            return counted(scope, receive, answering, self.largest_upload)
        if scope["path"] in (LOGIN, LOGOUT):
            declared(scope, LONGEST_ADDRESS)
            return counted(scope, receive, answering, LONGEST_ADDRESS)
        bounds = LESSONS if scope["path"].rstrip("/") == WIDGETS else JSON
        declared(scope, bounds.body)
        body = await read_whole(receive, bounds)
        await check_json(body, bounds)
        return once(body, receive)


class TooMuch(Exception):
    """A request that holds more than it may, with the answer to it."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.answer = told(status, sentence)


class Answering:
    """Sends an answer with the headers that every answer carries; on the page, scripts get a nonce."""

    def __init__(self, access: Access, hashes: tuple[str, ...], send: Send, first: str) -> None:
        self.embed_in, self.hashes, self._send, self._first = access.embed_in, hashes, send, first
        self.begun = self.ended = False
        self._start: Message | None = None
        self._page: list[bytes] = []
        self._refused: Message | None = None
        self._why: list[bytes] = []
        self._streams = self._complete = False

    async def end_with(self, scope: Scope, receive: Receive, answer: ASGIApp) -> None:
        """Send this answer, unless another has begun, and nothing after it."""
        if not self.begun:
            await answer(scope, receive, self.send)
        self.ended = True

    async def send(self, message: Message) -> None:
        if self.ended:
            return
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(raw=list(message["headers"]))
            message["headers"] = headers.raw
            self._streams = "content-length" not in headers
            if message["status"] >= 400 and "content-security-policy" not in headers:
                self._refused = message
                return
            if (
                headers.get("content-type", "").startswith("text/html")
                and "content-security-policy" not in headers
            ):
                self._start = message
                return
            add_headers(headers, strict_policy(self.embed_in), framed=bool(self.embed_in))
        elif self._refused is not None:
            if sum(map(len, self._why)) < LARGEST_WHY:
                self._why.append(message.get("body", b""))
            return
        elif message["type"] == "http.response.body" and self._start is not None:
            self._page.append(message.get("body", b""))
            if message.get("more_body"):
                return
            message = await self._page_begun()
        self._complete = message["type"] == "http.response.body" and not message.get("more_body")
        await self._send(message)

    async def finish(self, fault: Exception | None = None) -> None:
        """Send what was held back: every refusal is one sentence. fault: what the application raised.

        Where an answer was under way when it failed, nothing can be said any more, and it ends there.
        """
        if self._refused is not None or (fault is not None and not self.begun):
            refused = self._refused or {"status": 500, "headers": []}
            status, fields = in_a_sentence(refused["status"], b"".join(self._why), fault)
            answer = JSONResponse(fields, status)
            kept = [(name, value) for name, value in refused["headers"] if name not in REPLACED]
            headers = MutableHeaders(raw=[*kept, *answer.raw_headers])
            headers["Cache-Control"] = "no-store"
            add_headers(headers, strict_policy(self.embed_in), framed=bool(self.embed_in))
            await self._send({"type": "http.response.start", "status": status, "headers": headers.raw})
            await self._send({"type": "http.response.body", "body": bytes(answer.body)})
        elif fault is not None and self._streams and not self._complete:
            await self._send({"type": "http.response.body", "body": b""})

    async def _page_begun(self) -> Message:
        """Send the page's headers; returns its body."""
        assert self._start is not None
        nonce = secrets.token_urlsafe(18)
        page = with_nonce(with_first_scripts(b"".join(self._page), self._first), nonce)
        headers = MutableHeaders(raw=self._start["headers"])
        add_headers(headers, page_policy(self.embed_in, nonce, self.hashes), framed=bool(self.embed_in))
        if page:  # none in the answer to a HEAD request
            headers["Content-Length"] = str(len(page))
        headers["Cache-Control"] = "no-store"
        await self._send(self._start)
        self._start = None
        return {"type": "http.response.body", "body": page}


def in_a_sentence(status: int, body: bytes, fault: Exception | None) -> tuple[int, dict[str, str]]:
    """Status and fields of a refusal, from what the application answered or raised."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = body.decode("utf-8", "replace")
    fields = said if isinstance(said, dict) else {"detail": said}
    ours = is_our_fault(fault) if fault is not None else fields.get("blame") == "studio"
    if fault is not None or fields.get("blame") == "request":
        status = 500 if ours else 400 if status >= 500 else status
    words = OUR_FAULT if ours else sentence(status, fields.get("error") or fields.get("detail"))
    # Programs that use Gradio's addresses look for "error".
    return status, {"detail": words} | ({"error": words} if "error" in fields else {})


def told(status: int, sentence: str) -> Response:
    """An answer that is one sentence."""
    return JSONResponse({"detail": sentence}, status, {"Cache-Control": "no-store"})


def declared(scope: Scope, most: int) -> None:
    """Raises `TooMuch` for a request that says it has more than `most` bytes, before any is read."""
    size = Headers(scope=scope).get("content-length", "")
    if size and not (size.isascii() and size.isdigit() and len(size) < 16):
        raise TooMuch(400, "The request does not say how large it is; give its size in bytes.")
    if size and int(size) > most:
        raise larger_than(most)


def larger_than(most: int) -> TooMuch:
    return TooMuch(413, f"The request is larger than {in_megabytes(most)}; send less.")


def counted(scope: Scope, receive: Receive, answering: Answering, most: int) -> Receive:
    """`receive` that counts what comes. Once it is more than `most` bytes, the visitor is told so, and
    whoever reads it is told that the visitor has gone.
    """
    came = 0

    async def receive_some() -> Message:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came <= most:
            return message
        await answering.end_with(scope, receive, larger_than(most).answer)
        return {"type": "http.disconnect"}

    return receive_some


async def read_whole(receive: Receive, bounds: Bounds) -> bytes:
    """The body of a request. Raises `TooMuch` where it is too large or comes too slowly."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(READ_WITHIN):
            while True:
                message = await receive()
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > bounds.body:
                    raise larger_than(bounds.body)
                if message["type"] == "http.disconnect" or not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError:
        raise TooMuch(
            408, f"The request took longer than {READ_WITHIN:.0f} seconds to arrive; send it again."
        ) from None


async def check_json(body: bytes, bounds: Bounds) -> None:
    """Raises `TooMuch` for a body that is not JSON within these bounds. No body at all is fine."""
    if not body.strip():
        return
    try:
        if len(body) > LARGE:
            await asyncio.to_thread(bounds.decode, body)
        else:
            bounds.decode(body)
    except Refused as error:
        raise TooMuch(400, str(error)) from None


def once(body: bytes, receive: Receive) -> Receive:
    """`receive` that gives a body that was read already, and then what comes after it."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
