"""Decodes text whose encoding nobody stated."""

from __future__ import annotations


def text_of(content: bytes) -> str:
    """UTF-16 where a byte order mark says so, else UTF-8, else Latin-1, which can decode anything."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
