"""What the tracks of a MIDI file are made of: events, meta events, the first track of a score, and chunks.

Bytes are those of the Standard MIDI File 1.0 (MIDI Manufacturers Association, 1996).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction

from studio.music.scores.meters import Meter
from studio.music.scores.scores import Score

Event = tuple[int, bytes]
"""Ticks from the beginning, and the message."""

TEXT, TRACK_NAME, LYRIC, MARKER, CUE, END_OF_TRACK = 0x01, 0x03, 0x05, 0x06, 0x07, 0x2F
TEMPO, TIME_SIGNATURE, KEY_SIGNATURE = 0x51, 0x58, 0x59
"""Types of meta events."""

DRUMS = 9
"""The channel of percussion, counted from 0."""


def conductor(score: Score, division: int) -> list[Event]:
    """The first track: what holds for all parts."""
    events = [(0, tempo_event(score.tempo))]
    if score.title:
        events.insert(0, (0, meta(TRACK_NAME, score.title.encode())))
    if score.composer:
        events.append((0, meta(TEXT, f"Composer: {score.composer}".encode())))
    events += [(0, meta(TEXT, f"Words: {line}".encode())) for line in score.text]
    for change in score.grid.meters:
        start = change.start
        if start == 0 and score.grid.pickup:
            events.append((0, _time_signature(_meter_of(score.grid.pickup) or change.meter)))
            start = score.grid.pickup
        events.append((int(start * division), _time_signature(change.meter)))
    for key in score.keys:
        signature = struct.pack("bB", key.key.fifths, key.key.major_or_minor.mode == "minor")
        events.append((int(key.start * division), meta(KEY_SIGNATURE, signature)))
    events += [(int(chord.start * division), meta(MARKER, chord.symbol.encode())) for chord in score.chords]
    return events


def tempo_event(tempo: float) -> bytes:
    """tempo: quarter notes a minute."""
    return meta(TEMPO, round(60e6 / tempo).to_bytes(3, "big"))


def cue_points(score: Score, names: Mapping[int, str], division: int) -> list[Event]:
    """What stands over bars, by their numbers, as cue points."""
    return [
        (int(bar.start * division), meta(CUE, names[bar.number].encode()))
        for bar in score.bars()
        if bar.number in names
    ]


def _meter_of(length: Fraction) -> Meter | None:
    """The meter of a bar that is `length` quarter notes long; None for a pick-up of triplets and the like."""
    denominator = max(4, length.denominator * 4)
    numerator = int(length * denominator / 4)
    fits = denominator <= 64 and denominator & (denominator - 1) == 0 and numerator <= 64
    return Meter(numerator, denominator) if fits else None


def _time_signature(meter: Meter) -> bytes:
    clicks = 36 if meter.compound and meter.denominator == 8 else 24
    return meta(TIME_SIGNATURE, bytes([meter.numerator, meter.denominator.bit_length() - 1, clicks, 8]))


def meta(kind: int, body: bytes) -> bytes:
    return bytes([0xFF, kind]) + _variable(len(body)) + body


def _variable(number: int) -> bytes:
    """A variable-length quantity: seven bits to a byte, the last byte below 128."""
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(0x80 | number & 0x7F)
    return bytes(reversed(digits))


def track_chunk(events: Sequence[Event], end: int) -> bytes:
    """A track chunk. end: ticks at which it ends, at least."""
    body, now = bytearray(), 0
    for ticks, message in sorted(events, key=lambda event: event[0]):
        body += _variable(ticks - now) + message
        now = ticks
    body += _variable(max(0, end - now)) + meta(END_OF_TRACK, b"")
    return b"MTrk" + struct.pack(">I", len(body)) + bytes(body)
