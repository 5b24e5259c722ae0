"""What every answer carries: headers that tell the browser what this page may do and who may show it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

from starlette.datastructures import MutableHeaders

TOLD_NOBODY = ("server", "x-powered-by")
"""Headers that name programs and versions."""


def page_policy(embed_in: Iterable[str], nonce: str, hashes: Iterable[str] = ()) -> str:
    """The Content-Security-Policy of the page.

    nonce: of the scripts in the page as it is sent. hashes: of those that Gradio adds later. A script that
    somebody smuggles in has neither and does not run. Gradio compiles the code of its HTML components
    ('unsafe-eval') and writes styles into elements. Nothing is loaded from or sent to another server.
    """
    known = " ".join([f"'nonce-{nonce}'", *(f"'{each}'" for each in hashes)])
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {known} 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'self'",
            "form-action 'self'",
            f"frame-ancestors {frame_ancestors(embed_in)}",
        )
    )


def strict_policy(embed_in: Iterable[str], *more: str) -> str:
    """The policy of answers that are no page of Gradio's: nothing is loaded and nothing runs."""
    return "; ".join(("default-src 'none'", *more, f"frame-ancestors {frame_ancestors(embed_in)}"))


def frame_ancestors(embed_in: Iterable[str]) -> str:
    """Who may show it in a frame: the pages named, or nobody."""
    named = " ".join(embed_in)
    return f"'self' {named}" if named else "'none'"


def script_hashes(head: str) -> tuple[str, ...]:
    """The hashes of the inline scripts in some HTML, as a policy names them."""
    found = re.findall(r"<script>(.*?)</script>", head, re.DOTALL)
    return tuple(
        f"sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}" for each in found
    )


def with_first_scripts(page: bytes, scripts: str) -> bytes:
    """The page with some scripts, as HTML, that run before any other."""
    return page.replace(b"<head>", b"<head>" + scripts.encode(), 1)


def with_nonce(page: bytes, nonce: str) -> bytes:
    """The page with this nonce on each of its scripts. Texts inside them cannot contain a tag: Gradio writes
    `<` as \\u003c there.
    """
    return re.sub(rb"<script(?=[\s>])", f'<script nonce="{nonce}"'.encode(), page)


def add_headers(headers: MutableHeaders, policy: str, *, framed: bool) -> None:
    """Add what every answer carries, and take out what tells of programs or lets other pages read it."""
    for name in list(headers.keys()):
        if name in TOLD_NOBODY or name.startswith("access-control-"):
            del headers[name]
    headers.setdefault("Content-Security-Policy", policy)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "geolocation=(), payment=(), usb=()"
    if not framed:
        headers["X-Frame-Options"] = "DENY"
