"""FLAC (RFC 9639, section 8.6): the recipe is one of the Vorbis comments, beside those that players show."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from studio.works.metadata.carrier import KEYWORD, TOOL, Carrier, NotWhole
from studio.works.metadata.credits import rights, title
from studio.works.recipe import Recipe

_COMMENTS = 4
"""The type of the block of Vorbis comments."""


def _blocks(content: bytes) -> Iterator[tuple[int, bytes, int]]:
    """(type, data, where it ends) of each metadata block."""
    at, last = 4, False
    while not last:
        head = content[at]
        length = int.from_bytes(content[at + 1 : at + 4], "big")
        if at + 4 + length > len(content):
            raise NotWhole
        last = bool(head & 0x80)
        yield head & 0x7F, content[at + 4 : at + 4 + length], at + 4 + length
        at += 4 + length


def _comments(data: bytes) -> tuple[bytes, list[bytes]]:
    """(vendor, comments such as b"TITLE=…")."""
    (size,) = struct.unpack_from("<I", data)
    vendor, at = data[4 : 4 + size], 4 + size
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    found = []
    for _ in range(count):
        (size,) = struct.unpack_from("<I", data, at)
        if at + 4 + size > len(data):
            raise NotWhole
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return vendor, found


def _insert(content: bytes, recipe: Recipe) -> bytes:
    blocks: list[tuple[int, bytes]] = []
    vendor, comments, end = TOOL.encode(), list[bytes](), 4
    for kind, data, end in _blocks(content):  # noqa: B007
        if kind == _COMMENTS:
            vendor, comments = _comments(data)
        else:
            blocks.append((kind, data))
    said = {"TITLE": title(recipe), "DESCRIPTION": recipe.in_words(), "ENCODER": TOOL}
    if any(source.author or source.licence for source in recipe.sources):
        said["COPYRIGHT"] = rights(recipe)
    said[KEYWORD.upper()] = recipe.to_json()
    names = tuple(f"{name}=".encode() for name in said)
    comments = [each for each in comments if not each.upper().startswith(names)]
    comments += [f"{name}={text}".encode() for name, text in said.items()]
    body = struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", len(comments))
    body += b"".join(struct.pack("<I", len(each)) + each for each in comments)
    blocks.insert(1, (_COMMENTS, body))  # the stream's own description must come first
    if len(body) >= 1 << 24:
        raise NotWhole
    written = [b"fLaC"]
    for number, (kind, data) in enumerate(blocks):
        last = 0x80 if number == len(blocks) - 1 else 0
        written.append(bytes([last | kind]) + len(data).to_bytes(3, "big") + data)
    return b"".join(written) + content[end:]


def _find(content: bytes) -> bytes | None:
    prefix = f"{KEYWORD.upper()}=".encode()
    for kind, data, _ in _blocks(content):
        if kind == _COMMENTS:
            for comment in _comments(data)[1]:
                if comment[: len(prefix)].upper() == prefix:
                    return comment[len(prefix) :]
    return None


FLAC = Carrier("FLAC", (".flac",), "audio/flac", re.compile(rb"fLaC"), _insert, _find)
