"""Writes a performance as MIDI: every note when and as hard as it is played, on the bars of its score.

Tempi are events, so that the bars of a sequencer fall where the players' beats are; swing and small
deviations are in the notes. Each part has its level (controller 7), pan (10) and share of the room (91).
Chord symbols are markers, sections are cue points, and the first verse is lyric events, as in `midi`.
"""

from __future__ import annotations

import struct
from fractions import Fraction

from studio.music.scores.performance import Clock, Performance, PlayedPart
from studio.music.scores.scores import LEVEL, PAN, ROOM, Part
from studio.music.writing.midi_tracks import (
    DRUMS,
    LYRIC,
    TRACK_NAME,
    Event,
    conductor,
    cue_points,
    meta,
    tempo_event,
    track_chunk,
)

TICKS = 960
"""In a quarter note: half a millisecond at 120 quarter notes a minute."""


def write_performance(performance: Performance) -> bytes:
    """A MIDI file of type 1: a track of what holds for all parts, then one track a part."""
    score, clock = performance.score, performance.clock
    end = _tick(performance, clock, performance.seconds)
    first = conductor(score, TICKS)
    for change in performance.tempi[1:]:
        first.append((int(change.start * TICKS), tempo_event(change.tempo)))
    first += cue_points(score, score.names_over_bars, TICKS)
    tracks = [track_chunk(first, end)]
    written = {part.name: part for part in score.parts}
    channel = 0
    for part in performance.parts:
        own = DRUMS if part.percussion else channel
        events = _events(performance, clock, part, own, written.get(part.name))
        tracks.append(track_chunk(events, end))
        if not part.percussion:
            channel = (channel + 1 if channel + 1 != DRUMS else DRUMS + 1) % 16
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), TICKS) + b"".join(tracks)


def _tick(performance: Performance, clock: Clock, seconds: float) -> int:
    return max(0, round(clock.place(max(0.0, seconds - performance.lead_in)) * TICKS))


def level_controller(level: float) -> int:
    """Controller 7 of a level in dB: 100 at 0, by the square that General MIDI players use."""
    return min(127, max(0, round(100 * 10 ** (level / 40))))


def _events(
    performance: Performance, clock: Clock, part: PlayedPart, channel: int, written: Part | None
) -> list[Event]:
    events = [(0, meta(TRACK_NAME, part.name.encode()))] if part.name else []
    events.append((0, bytes([0xC0 | channel, part.program])))
    mixer = (
        (LEVEL, level_controller(part.level)),
        (PAN, round(64 + 63 * part.pan)),
        (ROOM, round(127 * part.reverb)),
    )
    events += [(0, bytes([0xB0 | channel, number, value])) for number, value in mixer]
    sounds: list[tuple[int, int, bytes]] = []
    # A note that is struck again ends before it begins.
    later: dict[int, int] = {}
    for note in sorted(part.notes, key=lambda each: each.start, reverse=True):
        start = _tick(performance, clock, note.start)
        stop = min(max(start + 1, _tick(performance, clock, note.end)), later.get(note.pitch, 1 << 40))
        later[note.pitch] = start
        if stop > start:
            sounds.append((stop, 0, bytes([0x80 | channel, note.pitch, 0])))
            sounds.append((start, 2, bytes([0x90 | channel, note.pitch, note.velocity])))
    for word in written.words if written else ():
        if word.verse == 1:
            text = word.text if word.syllabic in ("begin", "middle") else word.text + " "
            sounds.append((_sung_at(performance, clock, part, word.start), 1, meta(LYRIC, text.encode())))
    sounds.sort(key=lambda event: event[:2])
    return events + [(ticks, message) for ticks, _, message in sounds]


def _sung_at(performance: Performance, clock: Clock, part: PlayedPart, place: Fraction) -> int:
    """When a syllable is sung: with the note that is played for its place."""
    written = clock.seconds(place) + performance.lead_in
    nearest = min(part.notes, key=lambda note: abs(note.start - written), default=None)
    sung = written if nearest is None or abs(nearest.start - written) > 0.25 else nearest.start
    return _tick(performance, clock, sung)
