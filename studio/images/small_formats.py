"""Surveys of Targa pictures and of icons."""

from __future__ import annotations

import struct
from dataclasses import replace

from studio.images.envelope import Envelope

# --- Targa (Truevision TGA File Format Specification, version 2.0)

FOOTER = b"TRUEVISION-XFILE.\0"
NO_ALPHA, IGNORED, RETAINED, ALPHA, PREMULTIPLIED = range(5)
"""Attributes type of the extension area (field 24)."""


def survey_tga(content: bytes) -> Envelope:
    """The header, and of the extension area what its alpha is."""
    kind, width, height, depth, described = struct.unpack_from("<2xB9xHHBB", content)
    found = Envelope(width, height, bare=content)
    wide = kind & 7 == 2 and depth in (16, 32)
    attributes = described & 15
    meaning = _attributes_type(content)
    if meaning is not None:
        known = meaning in (ALPHA, PREMULTIPLIED)
        return replace(found, opaque=not known, premultiplied=meaning == PREMULTIPLIED)
    return replace(found, opaque=wide and attributes == 0)


def _attributes_type(content: bytes) -> int | None:
    """Field 24 of the extension area, if there is one."""
    if not content.endswith(FOOTER) or len(content) < 26:
        return None
    (area,) = struct.unpack_from("<I", content, len(content) - 26)
    if not area or area + 495 > len(content):
        return None
    return int(content[area + 494])


# --- Icons and cursors of Windows

MOST_SIZES = 256


def survey_ico(content: bytes) -> Envelope:
    """The largest picture of an icon: a PNG, or a bitmap without its file header, which is given to the
    decoder as an icon of its own.
    """
    (count,) = struct.unpack_from("<H", content, 4)
    found: list[tuple[int, int, bytes, int, int]] = []
    for number in range(min(count, MOST_SIZES)):
        entry = content[6 + 16 * number : 22 + 16 * number]
        size, at = struct.unpack_from("<II", entry, 8)
        picture = content[at : at + size]
        if len(picture) < 40 or at + size > len(content):
            raise ValueError("cut short")
        if picture.startswith(b"\x89PNG"):
            width, height = struct.unpack_from(">II", picture, 16)
            bits = 32
        else:
            width, height, bits = struct.unpack_from("<ii2xH", picture, 4)
            height = abs(height) // 2  # the mask stands below the picture
        found.append((width * height, bits, entry, at, size))
    _, _, entry, at, size = max(found, key=lambda each: each[:2])
    picture = content[at : at + size]
    chosen = f"It holds {len(found)} sizes; the largest was used." if len(found) > 1 else ""
    if picture.startswith(b"\x89PNG"):
        return Envelope(0, 0, bare=picture, inside="PNG", chosen=chosen)
    width, height = struct.unpack_from("<ii", picture, 4)
    alone = b"\0\0\1\0\1\0" + entry[:12] + struct.pack("<I", 22) + picture
    return Envelope(width, abs(height) // 2, bare=alone, chosen=chosen)
