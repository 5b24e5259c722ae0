"""MIDI (Standard MIDI File 1.0): a text event at the very start of the first track."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from studio.works.metadata.carrier import KEYWORD, Carrier, NotWhole
from studio.works.recipe import Recipe

MOST_EVENTS = 200_000
"""Events that are searched for a recipe."""

_PREFIX = KEYWORD.encode() + b" "


def _insert(content: bytes, recipe: Recipe) -> bytes:
    text = _PREFIX + recipe.to_json().encode()
    event = b"\x00\xff\x01" + _variable_length(len(text)) + text
    written = [content[: 8 + struct.unpack_from(">I", content, 4)[0]]]
    first = True
    for kind, start, end in _chunks(content):
        if end > len(content):
            raise NotWhole
        if kind != b"MTrk":
            written.append(content[start:end])
            continue
        body = _without_recipe(content[start + 8 : end])
        body, first = (event + body if first else body), False
        written += [b"MTrk" + struct.pack(">I", len(body)), body]
    if first:
        raise NotWhole
    return b"".join(written)


def _find(content: bytes) -> bytes | None:
    looked_at = 0
    for kind, start, end in _chunks(content):
        if kind != b"MTrk":
            continue
        for _delta_at, event_at, event_end in _events(content[start + 8 : end]):
            looked_at += 1
            if looked_at > MOST_EVENTS:
                return None
            found = _recipe_of_event(content[start + 8 + event_at : start + 8 + event_end])
            if found is not None:
                return found
    return None


def _is_cut_off(content: bytes) -> bool:
    tracks = [(kind, end) for kind, _, end in _chunks(content) if kind == b"MTrk"]
    announced = struct.unpack_from(">H", content, 10)[0]
    return len(tracks) < announced or any(end > len(content) for _, end in tracks)


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = 8 + struct.unpack_from(">I", content, 4)[0]
    while at + 8 <= len(content):
        kind, length = struct.unpack_from(">4sI", content, at)
        yield kind, at, at + 8 + length
        at += 8 + length


def _events(track: bytes) -> Iterator[tuple[int, int, int]]:
    """(start of the delta time, start of the event, end of the event) of each event in a track.

    Stops without an error at the first thing that is not an event.
    """
    at, running = 0, 0
    while at < len(track):
        delta_at = at
        _, at = _read_variable_length(track, at)
        event_at, status = at, track[at]
        if status >= 0x80:
            at += 1
        else:
            status = running
        if status in (0xFF, 0xF0, 0xF7):
            length, at = _read_variable_length(track, at + (status == 0xFF))
            at += length
        elif status >= 0xF0 or status < 0x80:
            return
        else:
            running = status
            at += 1 if status & 0xE0 == 0xC0 else 2
        if at > len(track):
            return
        yield delta_at, event_at, at


def _recipe_of_event(event: bytes) -> bytes | None:
    if not event.startswith(b"\xff\x01"):
        return None
    text = event[_read_variable_length(event, 2)[1] :]
    return text.removeprefix(_PREFIX) if text.startswith(_PREFIX) else None


def _without_recipe(track: bytes) -> bytes:
    """The track without an earlier recipe. What comes after it keeps its time."""
    for delta_at, event_at, event_end in _events(track):
        if _recipe_of_event(track[event_at:event_end]) is not None:
            waited, _ = _read_variable_length(track, delta_at)
            more, next_at = _read_variable_length(track, event_end)
            return track[:delta_at] + _variable_length(waited + more) + track[next_at:]
    return track


def _variable_length(number: int) -> bytes:
    packed = [number & 0x7F]
    while number := number >> 7:
        packed.append(number & 0x7F | 0x80)
    return bytes(reversed(packed))


def _read_variable_length(content: bytes, at: int) -> tuple[int, int]:
    number = 0
    for _ in range(4):
        number = number << 7 | content[at] & 0x7F
        at += 1
        if content[at - 1] < 0x80:
            return number, at
    raise ValueError("longer than four bytes")


MIDI = Carrier("MIDI", (".mid", ".midi"), "audio/midi", re.compile(rb"MThd"), _insert, _find, _is_cut_off)
