"""Which way up a picture is, as its metadata says: EXIF, XMP, or ImageMagick's raw profiles in PNG text."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from itertools import islice

from studio.images.tiff_fields import GPS_PART, ORIENTATION, tiff_fields

LARGEST_METADATA = 4 * 2**20
"""Bytes that a compressed text may unpack to. EXIF with a large thumbnail takes 64 kB."""


def exif_says(exif: bytes, orientation: int = 0) -> tuple[int, bool]:
    """The orientation (1 to 8; `orientation` where EXIF has none) and whether there is a location.

    Broken EXIF says nothing.
    """
    has_place = False
    try:
        for field in tiff_fields(exif):
            if field.tag == ORIENTATION and orientation in (0, 1) and 1 <= field.number(exif) <= 8:
                orientation = field.number(exif)
            has_place = has_place or field.tag == GPS_PART
    except (struct.error, ValueError, OverflowError):
        pass
    return orientation, has_place


MOST_PREFIXES = 8
"""Names that one XMP packet may give to TIFF's properties; the text is searched for each. One is usual."""

_TIFF_PREFIX = re.compile(rb"xmlns:([A-Za-z][\w.-]*)\s*=\s*[\"']http://ns\.adobe\.com/tiff/1\.0/[\"']")


def xmp_says(packet: bytes) -> int:
    """tiff:Orientation (1 to 8), an attribute or an element (XMP specification, part 2); 0 for none."""
    text = packet.replace(b"\0", b"")  # UTF-16 and UTF-32 keep ASCII readable between zeros
    prefixes = (found[1] for found in islice(_TIFF_PREFIX.finditer(text), MOST_PREFIXES))
    for prefix in {b"tiff", *prefixes}:
        name = re.escape(prefix) + rb":Orientation"
        found = re.search(name + rb"\s*(?:=\s*[\"']|>)\s*([1-8])\s*(?:[\"']|</)", text)
        if found:
            return int(found[1])
    return 0


@dataclass(frozen=True)
class TextChunk:
    """The keyword and the text of a PNG chunk (third edition, 11.3.3), unpacked if it was compressed."""

    keyword: bytes
    text: bytes


ORIENTED = re.compile(rb"XML:com\.adobe\.xmp$|Raw profile type (exif|app1|xmp)$", re.IGNORECASE)
"""Keywords of texts that may say the orientation. No other text is unpacked."""


def text_chunk(kind: bytes, data: bytes) -> TextChunk | None:
    """A tEXt, zTXt or iTXt chunk that may say the orientation; None for any other or a broken one."""
    keyword, _, rest = data.partition(b"\0")
    if not ORIENTED.match(keyword):
        return None
    packed = kind == b"zTXt"
    if kind == b"iTXt":
        packed = rest[:1] == b"\1"
        rest = rest[:2] + rest[2:].split(b"\0", 2)[-1]
    if kind != b"tEXt":
        rest = rest[1:] if kind == b"zTXt" else rest[2:]
    if packed:
        try:
            rest = zlib.decompressobj().decompress(rest, LARGEST_METADATA)
        except zlib.error:
            return None
    return TextChunk(keyword, rest)


def text_says(chunk: TextChunk) -> tuple[int, int, bool]:
    """The orientation by EXIF and by XMP (0 for none), and whether there is a location.

    ImageMagick writes "Raw profile type exif" as a line with the name, one with the length, and hexadecimal.
    """
    if chunk.keyword.startswith(b"XML"):
        return 0, xmp_says(chunk.text), False
    try:
        content = bytes.fromhex(chunk.text.split(b"\n", 3)[3].decode("ascii"))
    except (IndexError, ValueError):
        return 0, 0, False
    if content.startswith(b"Exif\0\0") or content[:2] in (b"II", b"MM"):
        orientation, has_place = exif_says(content.removeprefix(b"Exif\0\0"))
        return orientation, 0, has_place
    return 0, xmp_says(content), False
