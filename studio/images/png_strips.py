"""A large PNG, a strip of rows at a time, so that never all of its pixels are in memory.

A strip becomes a small PNG of its own, which Pillow decodes as it decodes any: the pixels are the same to the
bit. The filter of a row may use the row above it (PNG third edition, section 9), so a strip begins with the
last row of the strip before, unfiltered.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, PngImagePlugin

from studio.works.metadata.png import png_chunks

SIGNATURE = b"\x89PNG\r\n\x1a\n"

SAMPLES = {2: 3, 4: 2, 6: 4}
"""Samples of a pixel by colour type (table 8), for those that take four bytes each in Pillow."""

PIECE, MOST_UNPACKED = 2**16, 2**22
"""Packed bytes that are unpacked at once, and the most that comes of them at once."""


def comes_in_strips(content: bytes) -> bool:
    """Whether a PNG can be read so: RGB, or with alpha, of 8 or 16 bits, and not interlaced."""
    bits, colour_type, _, _, interlace = struct.unpack_from(">5B", content, 24)
    return colour_type in SAMPLES and bits in (8, 16) and not interlace


def png_strips(content: bytes, rows: int) -> Iterator[Image.Image]:
    """The picture from top to bottom, `rows` rows at a time, as Pillow gives them: of 16 bits the upper 8.

    Raises EOFError where the pixels end too early, and OSError for a filter that PNG does not have.
    """
    width, height, bits, colour_type = struct.unpack_from(">IIBB", content, 16)
    length = 1 + width * SAMPLES[colour_type] * bits // 8
    header = struct.pack(">IIBBBBB", width, 0, 8, colour_type, 0, 0, 0)
    clear = next((content[at:end] for kind, at, end in png_chunks(content) if kind == b"tRNS"), b"")
    unpacked = _unpacked(content)
    above = b""
    waiting = bytearray()
    for top in range(0, height, rows):
        count = min(rows, height - top)
        while len(waiting) < count * length:
            waiting += next(unpacked, b"") or _ends_too_early()
        filtered = np.frombuffer(waiting[: count * length], np.uint8).reshape(count, length)
        del waiting[: count * length]
        if bits == 16:
            # A filter works on the upper bytes and on the lower bytes of the samples alike, each by itself.
            filtered = np.concatenate([filtered[:, :1], filtered[:, 1::2]], axis=1)
        strip = _decoded(header, above + filtered.tobytes(), count + bool(above), clear)
        if above:
            strip = strip.crop((0, 1, width, count + 1))
        above = b"\0" + strip.crop((0, count - 1, width, count)).tobytes()
        # Pillow has no mode for greys with alpha of 16 bits.
        yield strip.convert("RGBA") if bits == 16 and strip.mode == "LA" else strip


def _unpacked(content: bytes) -> Iterator[bytes]:
    """The filtered rows, piece by piece, none of them empty."""
    unpacking = zlib.decompressobj()
    try:
        for packed in _packed(content):
            piece: bytes | memoryview = packed
            while piece and not unpacking.eof:
                if rows := unpacking.decompress(piece, MOST_UNPACKED):
                    yield rows
                piece = unpacking.unconsumed_tail
        if rows := unpacking.flush():
            yield rows
    except zlib.error as error:
        raise OSError(f"broken data stream: {error}") from None


def _packed(content: bytes) -> Iterator[memoryview]:
    whole = memoryview(content)  # a slice of it is no copy
    for kind, at, end in png_chunks(content):
        if kind == b"IDAT":
            for begin in range(at + 8, end - 4, PIECE):
                yield whole[begin : min(begin + PIECE, end - 4)]


def _ends_too_early() -> bytes:
    raise EOFError


def _decoded(header: bytes, filtered: bytes, rows: int, clear: bytes) -> Image.Image:
    """The picture of filtered rows. clear: the chunk of the transparent colour, or nothing."""
    header = header[:4] + struct.pack(">I", rows) + header[8:]
    parts = (SIGNATURE, _chunk(b"IHDR", header), clear, _chunk(b"IDAT", zlib.compress(filtered, 0)))
    opened = PngImagePlugin.PngImageFile(io.BytesIO(b"".join(parts) + _chunk(b"IEND", b"")))
    opened.load()
    return opened


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
