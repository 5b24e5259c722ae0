"""Writes MIDI files: type 1, a track of meters, keys, tempo and chord markers, then one track a part.

MIDI has no repeat signs, so a tune's repeats are played out. Chord symbols are markers, and a pick-up is a
first bar in a meter of its own length. The first verse of the words becomes lyric events. A part whose file
has voices beside the leading one has a track for each of these. Control changes and pitch bends stand before
the notes that begin with them. Bytes are those of
the Standard MIDI File 1.0 (MIDI Manufacturers Association, 1996).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import lcm

from studio.errors import Refused
from studio.music.scores.notes import Note
from studio.music.scores.performance import Performance
from studio.music.scores.scores import BANKS, BEND, PRESSURE, ControlAt, Part, Score
from studio.music.scores.tunes import Tune, unfolded_score
from studio.music.writing.midi_performance import write_performance
from studio.music.writing.midi_tracks import (
    DRUMS,
    LYRIC,
    TEXT,
    TRACK_NAME,
    Event,
    conductor,
    cue_points,
    meta,
    tempo_event,
    track_chunk,
)
from studio.music.writing.written import MOST_TICKS, common_division


def write_midi(
    music: Tune | Score | Performance, *, program: int = 0, marks: Mapping[int, str] | None = None
) -> bytes:
    """A MIDI file of type 1. A performance is written as it is played (see `midi_performance`).

    program: General MIDI instrument 0..127 of a tune; a score's parts have their own. marks: the names of
    sections by the bars in which they begin, as cue points; None for the score's own. Raises `Refused` for
    note lengths that no MIDI file can hold exactly.
    """
    if isinstance(music, Performance):
        return write_performance(music)
    if isinstance(music, Tune):
        score = music.unfolded().score(name=music.title, program=program)
    else:
        score = unfolded_score(music)
    division = _division(score)
    end = int(score.end * division)
    first = conductor(score, division)
    first += [(round(change.start * division), tempo_event(change.tempo)) for change in score.tempo_changes]
    first += cue_points(score, score.names_over_bars if marks is None else marks, division)
    tracks = [track_chunk(first, end)]
    channel = 0
    for part in score.parts:
        if part.percussion:
            tracks.append(track_chunk(_played(part, DRUMS, division), end))
            continue
        leading, *others = _in_voices(part)
        told = [(0, meta(TEXT, LEAD))] if part.lead else []
        tracks.append(track_chunk([*told, *_played(leading, channel, division)], end))
        for other in others:
            told = [(0, meta(TEXT, OTHER_VOICE)), *_played(other, channel, division)]
            tracks.append(track_chunk(told, end))
        channel = (channel + 1 if channel + 1 != DRUMS else DRUMS + 1) % 16
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), division) + b"".join(tracks)


OTHER_VOICE = b"Another voice of the part before"
"""The text at the beginning of a track that is no part of its own."""

LEAD = b"The melody"
"""The text at the beginning of the track of a part that is the melody, which the parts do not show."""


def _in_voices(part: Part) -> list[Part]:
    """A part's leading voice, with the words, and the others where there are any. Of another voice, a note
    that begins while the same pitch still sounds is in one more: a track sounds a pitch once at a time.
    """
    voices: dict[int, list[Note]] = {}
    ends: dict[tuple[int, int | None], Fraction] = {}
    for note in part.notes:
        voice = max(0, note.voice)
        while voice and ends.get((voice, note.pitch), note.start) > note.start:
            voice += 1
        ends[voice, note.pitch] = note.end
        voices.setdefault(voice, []).append(note)
    if len(voices) < 2:
        return [part]
    first, *others = sorted(voices)
    return [
        replace(part, notes=tuple(voices[first])),
        *(replace(part, notes=tuple(voices[voice]), words=(), controls=()) for voice in others),
    ]


def _division(score: Score) -> int:
    """Ticks a quarter note, so that every moment falls on one: 480, unless tuplets need another number, or
    what happens between the notes does and can have it.
    """
    division = common_division(score)
    if division > MOST_TICKS:
        advice = "write .musicxml" if _can_be_notated(score) else "take simpler ones"
        raise Refused(
            f"This music mixes so many kinds of tuplets that MIDI cannot count them exactly; {advice}."
        )
    between = [each.start for each in score.tempo_changes]
    between += [each.start for part in score.parts for each in part.controls]
    finest = lcm(division, *(place.denominator for place in between))
    if finest <= MOST_TICKS:
        division = finest
    return division * max(1, 480 // division)


def _can_be_notated(score: Score) -> bool:
    from studio.music.writing.musicxml import write_musicxml

    try:
        write_musicxml(score)
    except Refused:
        return False
    return True


def _message(change: ControlAt, channel: int) -> bytes:
    if change.number == BEND:
        return bytes([0xE0 | channel, change.value & 0x7F, change.value >> 7])
    if change.number == PRESSURE:
        return bytes([0xD0 | channel, change.value])
    return bytes([0xB0 | channel, change.number, change.value])


def _played(part: Part, channel: int, division: int) -> list[Event]:
    events = [(0, meta(TRACK_NAME, part.name.encode()))] if part.name else []
    changes = [(round(each.start * division), each.number, _message(each, channel)) for each in part.controls]
    events += [(0, message) for ticks, number, message in changes if not ticks and number in BANKS]
    if not part.percussion:
        events.append((0, bytes([0xC0 | channel, part.program])))
    sounds = [(ticks, 1, message) for ticks, number, message in changes if ticks or number not in BANKS]
    for note in part.notes:
        if note.pitch is not None:
            sounds.append((int(note.end * division), 0, bytes([0x80 | channel, note.pitch, 0])))
            sounds.append(
                (
                    int(note.start * division),
                    2,
                    bytes(
                        [
                            0x90 | channel,
                            note.pitch,
                            part.velocity if note.velocity is None else note.velocity,
                        ]
                    ),
                )
            )
    for word in part.words:
        if word.verse == 1:
            # A space ends a word (RP-017).
            text = word.text if word.syllabic in ("begin", "middle") else word.text + " "
            sounds.append((int(word.start * division), 1, meta(LYRIC, text.encode())))
    # A note that is struck again ends before it begins.
    sounds.sort(key=lambda event: event[:2])
    return events + [(ticks, message) for ticks, _, message in sounds]
