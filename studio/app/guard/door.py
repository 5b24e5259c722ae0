"""Logging in and out: the page with the form, the session it begins, and a record of who was refused."""

from __future__ import annotations

import html
import math
import secrets
from collections.abc import Callable
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from studio.app.guard.access import Access, Login
from studio.app.guard.answers import strict_policy
from studio.app.guard.sessions import LASTS, Sessions, Slowing

Refusals = Callable[[str, str, str], object]
"""Records a refusal: why, the visitor's address, the user."""

LONGEST_FIELD = 1_000
"""Characters of a user or a password."""


class Door:
    """Where visitors log in: it decides who passes, and remembers who did.

    page: the style sheet of the page with the form. note: records refusals; never told the password.
    """

    def __init__(
        self,
        access: Access,
        login: Login,
        style: str,
        note: Refusals,
        *,
        sessions: Sessions | None = None,
        slowing: Slowing | None = None,
    ) -> None:
        self.access, self.login, self.style, self.note = access, login, style, note
        self.sessions, self.slowing = sessions or Sessions(), slowing or Slowing()
        # Cookies do not know ports: two studios on one computer must not log each other out.
        self.cookie = f"studio-session-{access.port}"

    def knows(self, headers: Headers) -> bool:
        """Whether a request with these headers is of somebody who logged in."""
        return self.sessions.known(self.token(headers))

    def required(self, request: Request) -> None:
        """A dependency of routes: raises status 401 for a visitor who has not logged in."""
        if not self.knows(request.headers):
            raise HTTPException(401, "Log in first.")

    def token(self, headers: Headers) -> str | None:
        """The session's token among the cookies."""
        return cookie_parser(headers.get("cookie", "")).get(self.cookie)

    def routes(self) -> APIRouter:
        """The addresses /login and /logout."""
        router = APIRouter(include_in_schema=False)

        @router.get("/login")
        def form(request: Request) -> Response:
            if self.knows(request.headers):
                return RedirectResponse(place_after(request), 303)
            return self.page()

        @router.post("/login")
        async def log_in(request: Request) -> Response:
            given = fields(await request.body())
            return self.answer(request, given.get("username", ""), given.get("password", ""))

        @router.post("/logout")
        def log_out(request: Request) -> Response:
            self.sessions.end(self.token(request.headers))
            answer = RedirectResponse("/login", 303)
            answer.delete_cookie(self.cookie, path="/", httponly=True, samesite="lax")
            # What the browser kept of the works goes too.
            answer.headers["Clear-Site-Data"] = '"cache"'
            return answer

        return router

    def answer(self, request: Request, user: str, password: str) -> Response:
        """Let a visitor in, or say why not."""
        address = request.client.host if request.client else ""
        user = user.strip()
        if (wait := self.slowing.wait(address, user)) > 0:
            self.note("too many wrong guesses", address, self.named(user))
            return self.refused(
                request, 429, f"Too many wrong guesses; try again in {in_seconds(wait)}.", wait
            )
        if not self.login.accepts(user, password):
            self.slowing.wrong(address, user)
            self.note("wrong user or password", address, self.named(user))
            return self.refused(request, 401, "The user or the password is wrong; check both and try again.")
        self.slowing.right(address, user)
        answer: Response = JSONResponse({"success": True})
        if wants_page(request):
            answer = RedirectResponse(place_after(request), 303)
        answer.set_cookie(
            self.cookie,
            self.sessions.begin(),
            max_age=int(LASTS),
            path="/",
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def named(self, user: str) -> str:
        """The user as the record may name it: people type their password into the wrong field."""
        return user if user == self.login.user else "another name"

    def refused(self, request: Request, status: int, sentence: str, wait: float = 0) -> Response:
        answer = (
            self.page(sentence, status) if wants_page(request) else JSONResponse({"detail": sentence}, status)
        )
        if wait:
            answer.headers["Retry-After"] = str(math.ceil(wait))
        return answer

    def page(self, sentence: str = "", status: int = 200) -> Response:
        """The page with the form. The form goes to the page's own address, so that the browser keeps the part
        after the #, which names a lesson.
        """
        nonce = secrets.token_urlsafe(18)
        policy = strict_policy(
            self.access.embed_in,
            f"style-src 'nonce-{nonce}'",
            "img-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
        )
        said = f'<p class="refused" role="alert">{html.escape(sentence)}</p>' if sentence else ""
        page = PAGE.format(nonce=nonce, style=self.style, said=said)
        return HTMLResponse(page, status, {"Content-Security-Policy": policy, "Cache-Control": "no-store"})


def in_seconds(wait: float) -> str:
    """A wait in words, rounded up."""
    seconds = math.ceil(wait)
    return "a second" if seconds == 1 else f"{seconds} seconds"


def wants_page(request: Request) -> bool:
    """Whether a person asks, with a browser."""
    return "text/html" in request.headers.get("accept", "")


def place_after(request: Request) -> str:
    """Where a visitor wanted to go: an address of this studio, and no other."""
    place = request.query_params.get("next", "/")
    safe = place.startswith("/") and not place.startswith("//") and "\\" not in place and place.isprintable()
    return place if safe and not place.startswith("/login") else "/"


def fields(body: bytes) -> dict[str, str]:
    """The fields of a form, each cut to the length that is compared."""
    try:
        found = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[0][:LONGEST_FIELD] for name, values in found.items()}


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark">
<meta name="theme-color" content="#121214">
<title>Log in · Derivative Works Studio</title>
<link rel="icon" type="image/svg+xml" href="/favicon.ico">
<style nonce="{nonce}">{style}</style>
</head>
<body>
<main class="door">
<h1>Derivative Works <em>Studio</em></h1>
<p>This studio asks for a password.
The user is <strong>studio</strong>, unless you were given another name.</p>
{said}
<form method="post">
<label>User <input name="username" autocomplete="username" autocapitalize="none" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button type="submit">Log in</button>
</form>
</main>
</body>
</html>
"""
