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
    if is_cut_off(content):
        raise NotWhole
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


def is_cut_off(content: bytes) -> bool:
    """Whether a file ends within what stands before the sound, or elsewhere than with its last frame: a frame
    bears its number, and a checksum at its end.
    """
    try:
        blocks = list(_blocks(content))
    except (NotWhole, IndexError):
        return True
    described = blocks[0][1]
    (block_size,) = struct.unpack_from(">H", described)
    samples = int.from_bytes(described[13:18], "big") & (1 << 36) - 1
    if not samples or not block_size:
        return False  # a stream of unknown length
    at = content.rfind(b"\xff\xf8", blocks[-1][2])
    checked = 0
    for _ in range(_CANDIDATES):
        if at < 0 or len(content) - at > _LARGEST_FRAME or checked == _CHECKED:
            return True
        if _frame_number(content, at + 4) == (samples - 1) // block_size:
            checked += 1
            if _crc16(content[at:]) == 0:
                return False
        at = content.rfind(b"\xff\xf8", blocks[-1][2], at)
    return True


_CANDIDATES = 40
"""Places near the end that look like the beginning of a frame; sound may look like one too."""

_CHECKED = 4
"""Of those that bear the right number, so many are added up."""

_LARGEST_FRAME = 1 << 21
"""Bytes. A frame of 4,096 samples, which encoders write, has less than a hundredth of that."""


def _frame_number(content: bytes, at: int) -> int:
    """The number of a frame, coded as UTF-8 codes a letter (section 9.1.5); -1 for none."""
    first = content[at] if at < len(content) else 0xFF
    more = next((count for count in range(8) if not first << count & 0x80), 8)
    if more == 0:
        return first
    tail = content[at + 1 : at + more]
    if more in (1, 8) or len(tail) < more - 1 or any(byte & 0xC0 != 0x80 for byte in tail):
        return -1
    number = first & (0x7F >> more)
    for byte in tail:
        number = number << 6 | byte & 0x3F
    return number


def _crc16(content: bytes) -> int:
    """The checksum of a frame (polynomial 0x8005); 0 over a whole frame with its checksum."""
    table = []
    for byte in range(256):
        value = byte << 8
        for _ in range(8):
            value = value << 1 ^ 0x8005 if value & 0x8000 else value << 1
        table.append(value & 0xFFFF)
    crc = 0
    for byte in content:
        crc = (crc << 8 & 0xFFFF) ^ table[crc >> 8 ^ byte]
    return crc


FLAC = Carrier("FLAC", (".flac",), "audio/flac", re.compile(rb"fLaC"), _insert, _find, is_cut_off)
