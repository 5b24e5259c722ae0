"""WebP (WebP container specification): a chunk of our own for the recipe, and one for XMP.

Chunks beside the picture need the extended form, whose first chunk, VP8X, says what there is.
"""

from __future__ import annotations

import re
import struct

from studio.works.metadata.carrier import Carrier, NotWhole
from studio.works.metadata.wav import OWN_CHUNK, find_recipe, is_cut_off, riff_chunk, riff_chunks
from studio.works.metadata.xmp import XPACKET, xmp
from studio.works.recipe import Recipe

HAS_ALPHA, HAS_XMP = 0x10, 0x04
"""Flags of VP8X."""


def _insert(content: bytes, recipe: Recipe) -> bytes:
    kept: list[bytes] = []
    extended = b""
    for kind, start, end in riff_chunks(content):
        if end > len(content):
            raise NotWhole
        data = content[start + 8 : end]
        if kind == b"VP8X":
            if len(data) < 10:
                raise NotWhole
            extended = bytes([data[0] | HAS_XMP]) + data[1:10]
        elif kind not in (OWN_CHUNK, b"XMP "):
            kept.append(riff_chunk(kind, data))
            if kind in (b"VP8 ", b"VP8L") and not extended:
                extended = _extended(kind, data)
    if not extended or struct.unpack_from("<I", content, 4)[0] + 8 > len(content):
        raise NotWhole
    packet = f"{XPACKET}{xmp(recipe)}<?xpacket end='w'?>".encode()
    chunks = [riff_chunk(b"VP8X", extended), *kept, riff_chunk(b"XMP ", packet)]
    body = b"WEBP" + b"".join([*chunks, riff_chunk(OWN_CHUNK, recipe.to_json().encode())])
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _extended(kind: bytes, data: bytes) -> bytes:
    """The VP8X chunk of a file in the simple form."""
    if kind == b"VP8L":
        (packed,) = struct.unpack_from("<I", data, 1)
        width, height = packed & 0x3FFF, packed >> 14 & 0x3FFF  # less one, as VP8X has them
        alpha = HAS_ALPHA if packed >> 28 & 1 else 0
    else:
        width, height = ((side & 0x3FFF) - 1 for side in struct.unpack_from("<HH", data, 6))
        alpha = 0
    sides = b"".join(int(side).to_bytes(3, "little") for side in (width, height))
    return bytes([HAS_XMP | alpha, 0, 0, 0]) + sides


WEBP = Carrier(
    "WebP",
    (".webp",),
    "image/webp",
    re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    _insert,
    find_recipe,
    is_cut_off,
)
