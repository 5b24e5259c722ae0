"""Files that are fetched from the internet when somebody asks for them."""

from __future__ import annotations

from collections.abc import Generator

from studio.errors import Missing
from studio.works.work import Progress

PART = 1 << 18
"""Bytes read at a time: a quarter of a megabyte, so that progress is seen on a slow line."""


def fetched(url: str, title: str, *, size: int, most: int, offline: str) -> Generator[Progress, None, bytes]:
    """The bytes at an address.

    title: for progress. size: bytes expected. most: reading stops once there are more bytes than this; the
    caller checks what came. Raises `Missing` with the sentence `offline` where nothing answers.
    """
    import urllib.error
    import urllib.request

    parts: list[bytes] = []
    here = 0
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            while here <= most and (part := answer.read(PART)):
                parts.append(part)
                here += len(part)
                yield Progress(min(here, size - 1), size, f"fetching {title}: {here / 1e6:.1f} MB")
    except (urllib.error.URLError, OSError, ValueError):
        raise Missing(offline) from None
    return b"".join(parts)
