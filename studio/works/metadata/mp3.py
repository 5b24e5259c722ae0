"""MP3: an ID3 tag (version 2.4) at the beginning, with the recipe in a TXXX frame."""

from __future__ import annotations

import re

from studio.works.metadata.carrier import KEYWORD, TOOL, Carrier, NotWhole
from studio.works.metadata.credits import rights, title
from studio.works.recipe import Recipe

_UTF8 = b"\x03"
_OURS = (b"TIT2", b"TENC", b"TCOP", b"COMM")


def _size(content: bytes, at: int) -> int:
    """A number of four bytes of seven bits."""
    found = 0
    for byte in content[at : at + 4]:
        if byte & 0x80:
            raise NotWhole
        found = found << 7 | byte
    return found


def _sized(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _tag(content: bytes) -> tuple[list[tuple[bytes, bytes]], int]:
    """The frames of the tag as (name, data), and where the sound begins. A tag of another version or with
    features that nobody uses has none that are kept.
    """
    if content[:3] != b"ID3":
        return [], 0
    version, flags = content[3], content[5]
    end = 10 + _size(content, 6)
    sound = end + (10 if version == 4 and flags & 0x10 else 0)
    if sound > len(content):
        raise NotWhole
    if version not in (3, 4) or flags & 0xE0:
        return [], sound
    frames, at = [], 10
    while at + 10 <= end and content[at]:
        name = content[at : at + 4]
        size = _size(content, at + 4) if version == 4 else int.from_bytes(content[at + 4 : at + 8], "big")
        if at + 10 + size > end:
            raise NotWhole
        if not content[at + 9]:  # neither packed nor encrypted
            frames.append((name, content[at + 10 : at + 10 + size]))
        at += 10 + size
    return frames, sound


def _insert(content: bytes, recipe: Recipe) -> bytes:
    frames, sound = _tag(content)
    if is_cut_off(content) or not re.match(rb"\xff[\xe0-\xff]", content[sound : sound + 2]):
        raise NotWhole
    kept = [(name, data) for name, data in frames if name not in _OURS and not _is_recipe(name, data)]
    said = [
        (b"TIT2", _UTF8 + title(recipe).encode()),
        (b"TENC", _UTF8 + TOOL.encode()),
        (b"COMM", _UTF8 + b"eng\0" + recipe.in_words().encode()),
    ]
    if any(source.author or source.licence for source in recipe.sources):
        said.append((b"TCOP", _UTF8 + rights(recipe).encode()))
    said.append((b"TXXX", _UTF8 + KEYWORD.encode() + b"\0" + recipe.to_json().encode()))
    body = b"".join(name + _sized(len(data)) + b"\0\0" + data for name, data in [*said, *kept])
    return b"ID3\x04\x00\x00" + _sized(len(body)) + body + content[sound:]


def _is_recipe(name: bytes, data: bytes) -> bool:
    return name == b"TXXX" and data.startswith(_UTF8 + KEYWORD.encode() + b"\0")


def _find(content: bytes) -> bytes | None:
    for name, data in _tag(content)[0]:
        if _is_recipe(name, data):
            return data[len(KEYWORD) + 2 :].rstrip(b"\0")
    return None


def is_cut_off(content: bytes) -> bool:
    """Whether a file ends within its tag, or before the number of bytes that its first frame names (the
    "Xing" or "Info" header of encoders).
    """
    try:
        sound = _tag(content)[1]
    except NotWhole:
        return True
    head = re.search(rb"Xing|Info", content[sound : sound + 200])
    if head is None:
        return len(content) <= sound
    at = sound + head.end()
    flags = int.from_bytes(content[at : at + 4], "big")
    at += 4 + 4 * (flags & 1)
    return bool(flags & 2) and int.from_bytes(content[at : at + 4], "big") > len(content) - sound


MP3 = Carrier(
    "MP3",
    (".mp3",),
    "audio/mpeg",
    re.compile(rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"),
    _insert,
    _find,
    is_cut_off,
)
