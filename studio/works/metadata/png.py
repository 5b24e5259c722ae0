"""PNG (third edition, section 11.3.3): an iTXt chunk for the recipe and one for XMP, before the pixels."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator

from studio.errors import Unreadable
from studio.works.metadata.carrier import KEYWORD, LARGEST_RECIPE, Carrier, NotWhole
from studio.works.metadata.xmp import XPACKET, xmp
from studio.works.recipe import Recipe


def png_chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of each chunk; its data is content[start + 8 : end - 4].

    `end` may lie beyond the end of a file that was cut short.
    """
    at = 8
    while at + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        yield kind, at, at + 12 + length
        at += 12 + length
        if kind == b"IEND":
            return


def _insert(content: bytes, recipe: Recipe) -> bytes:
    kept, written, kind = [content[:8]], False, b""
    for kind, start, end in png_chunks(content):
        if end > len(content):
            raise NotWhole
        if kind == b"IDAT" and not written:
            kept += [
                _itxt("XML:com.adobe.xmp", f"{XPACKET}{xmp(recipe)}<?xpacket end='w'?>"),
                _itxt(KEYWORD, recipe.to_json()),
            ]
            written = True
        if kind in _TEXT_CHUNKS and _keyword(content, start, end) in (KEYWORD, "XML:com.adobe.xmp"):
            continue
        kept.append(content[start:end])
    if not written or kind != b"IEND":
        raise NotWhole
    return b"".join(kept)


def _find(content: bytes) -> bytes | None:
    for kind, start, end in png_chunks(content):
        if kind not in _TEXT_CHUNKS or end > len(content) or _keyword(content, start, end) != KEYWORD:
            continue
        if zlib.crc32(content[start + 4 : end - 4]) != struct.unpack_from(">I", content, end - 4)[0]:
            raise Unreadable(
                "The recipe inside the file is damaged (its checksum does not match); take the original file."
            )
        return _TEXT_CHUNKS[kind](content[start + 9 + len(KEYWORD) : end - 4])
    return None


def _is_cut_off(content: bytes) -> bool:
    kind, end = b"", 0
    for kind, _, end in png_chunks(content):  # noqa: B007 - those of the last one are wanted
        pass
    return kind != b"IEND" or end > len(content)


def _keyword(content: bytes, start: int, end: int) -> str:
    return content[start + 8 : min(start + 8 + 80, end - 4)].partition(b"\0")[0].decode("latin-1")


def _itxt(keyword: str, text: str) -> bytes:
    data = b"iTXt" + keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode()
    return struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))


def _itxt_text(data: bytes) -> bytes:
    packed, (_language, _, rest) = data[0], data[2:].partition(b"\0")
    text = rest.partition(b"\0")[2]
    return _inflated(text) if packed else text


def _inflated(packed: bytes) -> bytes:
    """At most one byte more than is allowed, which tells the caller that the text is too long."""
    return zlib.decompressobj().decompress(packed, LARGEST_RECIPE + 1)


_TEXT_CHUNKS: dict[bytes, Callable[[bytes], bytes]] = {
    # Other programs may rewrite the text, so all three of PNG's kinds of text chunk are read.
    b"iTXt": _itxt_text,
    b"tEXt": lambda data: data.decode("latin-1").encode(),
    b"zTXt": lambda data: _inflated(data[1:]).decode("latin-1").encode()[: LARGEST_RECIPE + 1],
}


PNG = Carrier("PNG", (".png",), "image/png", re.compile(rb"\x89PNG\r\n\x1a\n"), _insert, _find, _is_cut_off)
