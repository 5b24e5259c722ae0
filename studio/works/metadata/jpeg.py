"""JPEG (ITU-T T.81, annex B): application segments for the recipe, and one for XMP.

A segment holds at most 65,533 bytes. A longer recipe is spread over several, each with its number and how
many there are, as ICC profiles are (ICC.1:2022, annex B.4).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from studio.errors import Unreadable
from studio.works.metadata.carrier import KEYWORD, LARGEST_RECIPE, Carrier, NotWhole
from studio.works.metadata.xmp import XPACKET, xmp
from studio.works.recipe import Recipe

OWN = b"\xff\xe9"
"""APP9, which hardly anybody uses."""

XMP = b"\xff\xe1"
XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"
NAME = KEYWORD.encode() + b"\0"

LARGEST_SEGMENT = 65_533
SCAN, END = 0xDA, 0xD9


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment before the picture's data, the head of the first scan the last."""
    at = 2
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            raise NotWhole
        if content[at + 1] == 0xFF:  # a fill byte
            at += 1
            continue
        marker, length = struct.unpack_from(">xBH", content, at)
        if length < 2 or at + 2 + length > len(content):
            raise NotWhole
        yield marker, at, at + 2 + length
        if marker == SCAN:
            return
        at += 2 + length
    raise NotWhole


def _insert(content: bytes, recipe: Recipe) -> bytes:
    kept: list[bytes] = []
    at, written = 2, False
    for marker, start, end in _segments(content):
        if marker not in (0xE0, 0xE1) and not written:  # after JFIF and EXIF, which readers expect first
            kept += _story(recipe)
            written = True
        data = content[start + 4 : end]
        ours = (marker == OWN[1] and data.startswith(NAME)) or (
            marker == XMP[1] and data.startswith(XMP_NAME)
        )
        if not ours:
            kept.append(content[start:end])
        at = end
    if _is_cut_off(content):
        raise NotWhole
    return content[:2] + b"".join(kept) + content[at:]


def _is_cut_off(content: bytes) -> bool:
    """There may be more after the end of the picture, such as a phone's short film."""
    try:
        *_, (_, _, scan) = _segments(content)
    except NotWhole:
        return True
    return b"\xff\xd9" not in content[scan:]


def _story(recipe: Recipe) -> list[bytes]:
    packet = XMP_NAME + f"{XPACKET}{xmp(recipe)}<?xpacket end='w'?>".encode()
    text, room = recipe.to_json().encode(), LARGEST_SEGMENT - len(NAME) - 4
    parts = [text[at : at + room] for at in range(0, len(text), room)]
    numbered = [NAME + struct.pack(">HH", number, len(parts)) + part for number, part in enumerate(parts, 1)]
    # Credits that fill a segment of their own are in the recipe all the same.
    described = [_segment(XMP, packet)] if len(packet) <= LARGEST_SEGMENT else []
    return described + [_segment(OWN, data) for data in numbered]


def _segment(marker: bytes, data: bytes) -> bytes:
    return marker + struct.pack(">H", len(data) + 2) + data


def _find(content: bytes) -> bytes | None:
    parts: dict[int, bytes] = {}
    count = size = 0
    for marker, start, end in _segments(content):
        data = content[start + 4 : end]
        if marker != OWN[1] or not data.startswith(NAME) or size > LARGEST_RECIPE:
            continue
        number, count = struct.unpack_from(">HH", data, len(NAME))
        if number not in parts:
            parts[number] = data[len(NAME) + 4 :]
            size += len(parts[number])
    if not parts:
        return None
    if sorted(parts) != list(range(1, count + 1)):
        raise Unreadable("Parts of the recipe inside the file are missing; take the original file.")
    return b"".join(parts[number] for number in sorted(parts))


JPEG = Carrier(
    "JPEG", (".jpg", ".jpeg"), "image/jpeg", re.compile(rb"\xff\xd8\xff"), _insert, _find, _is_cut_off
)
