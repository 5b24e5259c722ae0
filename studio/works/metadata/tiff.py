"""TIFF (TIFF 6.0, section 2): a private field for the recipe, and one for XMP.

The first directory is written again, with both fields, at the end of the file. The picture stays where it is.
"""

from __future__ import annotations

import re
import struct

from studio.works.metadata.carrier import KEYWORD, LARGEST_RECIPE, Carrier, NotWhole
from studio.works.metadata.xmp import XPACKET, xmp
from studio.works.recipe import Recipe

OWN_FIELD = 65_111
"""Among the numbers that anybody may use within one program (TIFF 6.0, section 8: private tags)."""

XMP_FIELD = 0x02BC
BYTES = 1
MOST_FIELDS = 4096

MARK = KEYWORD.encode() + b"\0"
"""Stands where the original file ended, before the offset of its own first directory."""

Entry = tuple[int, int, int, bytes]
"""Tag, type, count, and the four bytes that hold the value or say where it is."""


def _directory(content: bytes) -> tuple[str, list[Entry], int, int]:
    """Byte order, entries, and offset of the first directory, and what it says of the next."""
    order = {b"II": "<", b"MM": ">"}[content[:2]]
    magic, at = struct.unpack_from(order + "HI", content, 2)
    (count,) = struct.unpack_from(order + "H", content, at)
    if magic != 42 or count > MOST_FIELDS:  # BigTIFF begins otherwise; the studio writes none
        raise NotWhole
    entries = [struct.unpack_from(order + "HHI4s", content, at + 2 + 12 * number) for number in range(count)]
    (following,) = struct.unpack_from(order + "I", content, at + 2 + 12 * count)
    return order, entries, at, following


def _original(content: bytes) -> bytes:
    """The file as it was before a recipe was put in."""
    order, entries, at, _ = _directory(content)
    own = next((struct.unpack(order + "I", value)[0] for tag, _, _, value in entries if tag == OWN_FIELD), 0)
    start = own - len(MARK) - 4
    ends = at + 2 + 12 * len(entries) + 4
    if start < 8 or content[start : start + len(MARK)] != MARK or ends != len(content):
        return content
    return content[:4] + content[own - 4 : own] + content[8:start]


def _insert(content: bytes, recipe: Recipe) -> bytes:
    content = _original(content)
    order, entries, first, following = _directory(content)
    entries = [entry for entry in entries if entry[0] not in (OWN_FIELD, XMP_FIELD)]
    content += bytes(len(content) % 2)
    text = recipe.to_json().encode()
    packet = f"{XPACKET}{xmp(recipe)}<?xpacket end='w'?>".encode()
    head = MARK + struct.pack(order + "I", first)
    text_at = len(content) + len(head)
    packet_at = text_at + len(text)
    body = head + text + packet
    body += bytes(len(body) % 2)
    for tag, data, place in ((OWN_FIELD, text, text_at), (XMP_FIELD, packet, packet_at)):
        entries.append((tag, BYTES, len(data), struct.pack(order + "I", place)))
    directory = b"".join(struct.pack(order + "HHI4s", *entry) for entry in sorted(entries))
    table = struct.pack(order + "H", len(entries)) + directory + struct.pack(order + "I", following)
    return content[:4] + struct.pack(order + "I", len(content) + len(body)) + content[8:] + body + table


def _find(content: bytes) -> bytes | None:
    order, entries, _, _ = _directory(content)
    for tag, _, count, value in entries:
        if tag == OWN_FIELD:
            (at,) = struct.unpack(order + "I", value)
            if at + count > len(content):
                raise NotWhole
            return content[at : at + min(count, LARGEST_RECIPE + 1)]
    return None


def _is_cut_off(content: bytes) -> bool:
    try:
        _directory(content)
    except struct.error:  # it lies beyond the end
        return True
    return False


TIFF = Carrier(
    "TIFF", (".tiff", ".tif"), "image/tiff", re.compile(rb"II\*\0|MM\0\*"), _insert, _find, _is_cut_off
)
