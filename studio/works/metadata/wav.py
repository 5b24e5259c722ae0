"""WAV (RIFF): a chunk of our own for the recipe, and a LIST/INFO chunk with the words that players show."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from studio.works.metadata.carrier import TOOL, Carrier, NotWhole
from studio.works.metadata.credits import rights, title
from studio.works.recipe import Recipe

OWN_CHUNK = b"dwsr"


def riff_chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of each chunk, without its padding; its data is content[start + 8 : end]."""
    at = 12
    while at + 8 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, at)
        yield kind, at, at + 8 + length
        at += 8 + length + (length & 1)


def _insert(content: bytes, recipe: Recipe) -> bytes:
    kept: list[bytes] = []
    has_sound = False
    for kind, start, end in riff_chunks(content):
        if end > len(content):
            raise NotWhole
        has_sound = has_sound or kind == b"data"
        ours = kind == OWN_CHUNK or (
            kind == b"LIST"
            and content[start + 8 : start + 12] == b"INFO"
            and TOOL.encode() in content[start:end]
        )
        if not ours:
            kept.append(_padded(content[start:end]))
    if not has_sound:
        raise NotWhole
    said = {b"ICMT": recipe.in_words(), b"ISFT": TOOL, b"INAM": title(recipe)}
    if any(source.author or source.licence for source in recipe.sources):
        said[b"ICOP"] = rights(recipe)
    info = b"".join(riff_chunk(kind, text.encode() + b"\0") for kind, text in said.items())
    kept += [riff_chunk(b"LIST", b"INFO" + info), riff_chunk(OWN_CHUNK, recipe.to_json().encode())]
    size = 4 + sum(len(part) for part in kept)
    return b"RIFF" + struct.pack("<I", size) + b"WAVE" + b"".join(kept)


def find_recipe(content: bytes) -> bytes | None:
    """The recipe's chunk of a RIFF file, or None."""
    return next(
        (
            content[start + 8 : end]
            for kind, start, end in riff_chunks(content)
            if kind == OWN_CHUNK and end <= len(content)
        ),
        None,
    )


def is_cut_off(content: bytes) -> bool:
    """Whether a RIFF file ends before its last chunk does."""
    return any(end > len(content) for _, _, end in riff_chunks(content))


def riff_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk as it stands in the file."""
    return _padded(kind + struct.pack("<I", len(data)) + data)


def _padded(chunk: bytes) -> bytes:
    return chunk + b"\0" * (len(chunk) & 1)


WAV = Carrier(
    "WAV", (".wav",), "audio/wav", re.compile(rb"RIFF.{4}WAVE", re.DOTALL), _insert, find_recipe, is_cut_off
)
