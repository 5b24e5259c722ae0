"""The bytes of a MIDI file, read event by event within a budget.

The rules are those of the Standard MIDI Files specification 1.0 (RP-001, MIDI Manufacturers Association).
Where other programs bend them and the meaning is plain, the file is read: running status that goes on after
a meta or system event, a track without an end, a last track that breaks off, a track whose stated length is
not its own.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NoReturn

from studio.errors import Unreadable
from studio.music.reading.budget import ReadingBudget
from studio.music.scores.scores import BEND, PRESSURE

Played = tuple[int, int, int]
"""A note as played: ticks at its start, ticks at its end, pitch."""

DRUMS = 9
"""The channel of percussion, counted from 0."""

DEFAULT_TEMPO = 500_000
"""Microseconds in a quarter note before the first tempo event: 120 quarter notes a minute (RP-001)."""


@dataclass
class MidiFile:
    """What a MIDI file says, with times in ticks. Texts are bytes, since their encoding is not stated.

    form: 0, 1 or 2. division: ticks in a quarter note, or in a second where `film` is true. notes: (track,
    channel) -> its notes in the order in which they end. struck: likewise, (time, pitch) ->
    the velocity with which a note begins. controls: likewise, its control changes as (time, number, value),
    as they are sent, with pitch bends and the pressure on all keys (`scores.BEND`, `scores.PRESSURE`); those
    that are messages of modes (120 and above) are not among them. programs: (track,
    channel) -> its first instrument.
    names: (track, None) -> its first name, (track,
    channel) -> the name of its instrument, with channel -1 where none is given. meters: (time, numerator,
    denominator). keys: (time, sharps, whether minor). tempos: (time, microseconds in a quarter note).
    markers, cues: (time, text). lyrics, texts: (time, track, text). ends: when each track ends. events: how
    many were read. missing: how many bytes of the last track are missing, at least. lacking: whether the file
    ends before as many tracks as it states. lengths_wrong: whether a track has another length than it states.
    habits: what tells the
    studio's own files from others: the velocities of the notes, and "running", "silent" (a note-on of
    velocity 0), "release" (a note-off of another velocity than 0) or "control" where the file has such
    events.
    """

    form: int
    division: Fraction
    film: bool = False
    notes: dict[tuple[int, int], list[Played]] = field(default_factory=dict)
    struck: dict[tuple[int, int], dict[tuple[int, int], int]] = field(default_factory=dict)
    controls: dict[tuple[int, int], list[tuple[int, int, int]]] = field(default_factory=dict)
    programs: dict[tuple[int, int], int] = field(default_factory=dict)
    names: dict[tuple[int, int | None], bytes] = field(default_factory=dict)
    meters: list[tuple[int, int, int]] = field(default_factory=list)
    keys: list[tuple[int, int, bool]] = field(default_factory=list)
    tempos: list[tuple[int, int]] = field(default_factory=list)
    markers: list[tuple[int, bytes]] = field(default_factory=list)
    cues: list[tuple[int, bytes]] = field(default_factory=list)
    lyrics: list[tuple[int, int, bytes]] = field(default_factory=list)
    texts: list[tuple[int, int, bytes]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    events: int = 0
    missing: int = 0
    lacking: bool = False
    lengths_wrong: bool = False
    habits: set[int | str] = field(default_factory=set)

    @property
    def end(self) -> int:
        return max(self.ends, default=0)

    def tempo_at(self, ticks: int) -> int:
        """Microseconds in a quarter note at a time."""
        tempo = DEFAULT_TEMPO
        for start, value in sorted(self.tempos):
            if start > ticks:
                break
            tempo = value or tempo
        return tempo

    def quarters(self, ticks: int) -> Fraction:
        return ticks / self.per_quarter

    @property
    def per_quarter(self) -> Fraction:
        """Ticks in a quarter note. Film time is counted in seconds; there the first tempo decides."""
        if not self.film:
            return self.division
        first = next((tempo for _, tempo in sorted(self.tempos) if tempo), DEFAULT_TEMPO)
        return self.division * first / 1_000_000


def parse_midi(content: bytes, name: str, budget: ReadingBudget, *, to_ends: bool = True) -> list[MidiFile]:
    """What a file says: one `MidiFile`, or one for each track of a file of type 2, which holds independent
    patterns. Raises `Unreadable`.

    to_ends: a track is read to its End of Track, whatever length it states, where the next one, or the end of
    the file, follows right after that.
    """
    if len(content) > budget.file:
        raise Unreadable(
            f"{name} has {len(content) / 1e6:.0f} MB; the studio opens scores of up to "
            f"{budget.file / 1e6:.0f} MB."
        )
    if content[:4] != b"MThd" or len(content) < 14:
        raise Unreadable(f"{name} is not a whole MIDI file; export it again from the program it came from.")
    length, form, tracks, division = struct.unpack(">IHHH", content[4:14])
    if length < 6 or form > 2:
        raise Unreadable(f"{name} has a damaged MIDI header; export it again from the program it came from.")
    ticks, film = _division_of(division, name)
    files = [MidiFile(form, ticks, film)]
    used, place, longer = 0, 8 + length, to_ends
    for number in range(min(tracks, 1024) or 1):
        start = _next_track(content, place)
        if start is None:
            files[-1].lacking = True
            break
        if form == 2 and number:
            files.append(MidiFile(form, ticks, film))
        midi = files[-1]
        size = struct.unpack(">I", content[start - 4 : start])[0]
        if longer and not _chunk_at(content, start + size):
            found = _end_of(content, start, MidiFile(form, ticks, film), budget)
            if found is None:
                longer = False  # The file is damaged in another way, and looking again would take long.
            else:
                size, midi.lengths_wrong = found - start, True
        body = content[start : start + size]
        place = start + size
        midi.missing = size - len(body)
        track = _Track(body, 0 if form == 2 else number, midi, place >= len(content))
        track.parse(name, budget, used)
        used += midi.events if form == 2 else 0
        end = start + track.place
        if to_ends and track.ended and end != place and _track_or_end(content, end):
            place, midi.missing, midi.lengths_wrong = end, 0, True
    return files


def _division_of(division: int, name: str) -> tuple[Fraction, bool]:
    """Ticks in a quarter note and False, or ticks in a second and True."""
    if not division & 0x8000 and division:
        return Fraction(division), False
    frames, ticks = 256 - (division >> 8), division & 0xFF
    if division and frames in (24, 25, 29, 30) and ticks:
        # 29 stands for 30 drop frame, which is 29.97 frames in a second.
        return (Fraction(30_000, 1001) if frames == 29 else Fraction(frames)) * ticks, True
    if division:
        raise Unreadable(
            f"{name} counts {frames} film frames in a second, which MIDI does not know; "
            "save it with ticks per quarter note."
        )
    raise Unreadable(
        f"{name} says that a quarter note has 0 ticks, so nothing in it has a length; export it again."
    )


def _next_track(content: bytes, place: int) -> int | None:
    """Where the events of the next track begin, in the chunk that begins at `place` or after it."""
    while place + 8 <= len(content) and content[place : place + 4] != b"MTrk":
        place += 8 + struct.unpack(">I", content[place + 4 : place + 8])[0]
    return None if place + 8 > len(content) else place + 8


def _track_or_end(content: bytes, place: int) -> bool:
    """Whether a track begins there, or the file ends."""
    return place == len(content) or content[place : place + 4] == b"MTrk"


def _chunk_at(content: bytes, place: int) -> bool:
    """Whether a chunk of any kind begins there, or the file has ended."""
    if place >= len(content) or _track_or_end(content, place):
        return True
    head = content[place : place + 8]
    return (
        len(head) == 8
        and all(0x20 <= sign < 0x7F for sign in head[:4])
        and place + 8 + int.from_bytes(head[4:], "big") <= len(content)
    )


def _end_of(content: bytes, start: int, midi: MidiFile, budget: ReadingBudget) -> int | None:
    """Where the events of a track lead to its end; None where no other track and no end of the file follows.

    midi: takes what is read.
    """
    track = _Track(content, 0, midi, last=False)
    track.place = start
    try:
        track.parse("", budget, 0)
    except Unreadable:
        return None
    return track.place if track.ended and _track_or_end(content, track.place) else None


_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
"""Kind of channel event -> how many data bytes follow it."""

_SYSTEM_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0, **dict.fromkeys(range(0xF8, 0xFF), 0)}
"""System messages that do not belong in a file, but are found there -> how many data bytes follow."""

_FIRST_MODE = 120
"""From this number on, control changes are messages of channel modes, such as "all notes off"."""

_LONGEST_TEXT = 400
"""Bytes of a text that are kept."""

_META, _SYSEX, _SYSEX_MORE, _END_OF_TRACK = 0xFF, 0xF0, 0xF7, 0x2F


def _control_in(kind: int, data: bytes) -> tuple[int, int] | None:
    """(number, value) of a message that a part keeps as a control change."""
    if kind == 0xB0 and data[0] < _FIRST_MODE:
        return data[0], data[1]
    if kind == 0xD0:
        return PRESSURE, data[0]
    return (BEND, data[0] | data[1] << 7) if kind == 0xE0 else None


class _Track:
    """Reads the events of one track and adds what they say to a `MidiFile`.

    place: of the next byte. now: ticks since the beginning. running: the last status of a channel, which
    holds until another one comes; meta and system events do not end it here, though they do in RP-001, since
    files are found where it goes on and none where that would be wrong. channel: the one that names belong
    to, where a prefix says so. held: (channel, pitch) -> when the notes that sound began. last: whether the
    file ends with this track.
    """

    def __init__(self, body: bytes, number: int, midi: MidiFile, last: bool) -> None:
        self.body, self.number, self.midi, self.last = body, number, midi, last
        self.place = self.now = self.running = 0
        self.channel: int | None = None
        self.ended = False
        self.held: dict[tuple[int, int], deque[int]] = {}

    def parse(self, name: str, budget: ReadingBudget, used: int) -> None:
        """Raises `Unreadable` for a track that is broken or over the budget. used: events of other files."""
        whole = self.place
        most, longest = budget.events - used, budget.quarters * self.midi.division.numerator
        try:
            while self.place < len(self.body) and not self.ended:
                self._wait()
                self.midi.events += 1
                if self.midi.events > most or self.now > longest:
                    self._refuse(name, budget, used)
                self._event()
                whole = self.place
        except IndexError:
            if not self.last:
                raise Unreadable(
                    f"{name} is cut short in the middle of an event; copy or download it again."
                ) from None
            self.midi.missing = max(self.midi.missing, 1)
            self.place = whole
        except ValueError:
            raise Unreadable(
                f"{name} contains bytes that are not MIDI events (track {self.number + 1}); export it again."
            ) from None
        for (channel, pitch), starts in self.held.items():
            for start in starts:
                self._keep(channel, pitch, start)
        self.midi.ends.append(self.now)

    def _refuse(self, name: str, budget: ReadingBudget, used: int) -> NoReturn:
        if self.midi.events + used > budget.events:
            raise Unreadable(
                f"{name} has more than {budget.events:,} MIDI events; split it into smaller files."
            )
        raise Unreadable(
            f"{name} lasts longer than {budget.quarters:,} quarter notes; split it into smaller files."
        )

    def _wait(self) -> None:
        """The time to the next event."""
        first = self.body[self.place]
        if first < 0x80:
            self.place += 1
            self.now += first
        else:
            self.now += self._number()

    def _number(self) -> int:
        """A number of up to four bytes, seven bits in each; the highest bit says that another follows."""
        value = 0
        for _ in range(4):
            byte = self.body[self.place]
            self.place += 1
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                return value
        raise ValueError

    def _event(self) -> None:
        status = self.body[self.place]
        if status < 0x80:
            status = self.running
            self.midi.habits.add("running")
        else:
            self.place += 1
        if status < 0xF0:
            self.running = status
            self._channel_event(status)
        elif status == _META:
            kind = self.body[self.place]
            self.place += 1
            self._meta(kind, self._bytes(self._number()))
        elif status in (_SYSEX, _SYSEX_MORE):
            self._bytes(self._number())
        elif status in _SYSTEM_BYTES:
            self._bytes(_SYSTEM_BYTES[status])
        else:
            raise ValueError

    def _bytes(self, size: int) -> bytes:
        data = self.body[self.place : self.place + size]
        if len(data) < size:
            raise IndexError
        self.place += size
        return data

    def _channel_event(self, status: int) -> None:
        wanted = _DATA_BYTES.get(status & 0xF0)
        if wanted is None:
            raise ValueError
        data = self._bytes(wanted)
        if max(data) > 127:
            raise ValueError
        if status & 0xE0 != 0x80:
            if status & 0xF0 != 0xC0:
                self.midi.habits.add("control")
                if (change := _control_in(status & 0xF0, data)) is not None:
                    key = self.number, status & 0x0F
                    self.midi.controls.setdefault(key, []).append((self.now, *change))
            else:
                self.midi.programs.setdefault((self.number, status & 0x0F), data[0])
            return
        # Note off, or note on, which with velocity 0 is note off too.
        channel, pitch = status & 0x0F, data[0]
        if status & 0x10 and data[1]:
            self.held.setdefault((channel, pitch), deque()).append(self.now)
            self.midi.struck.setdefault((self.number, channel), {})[self.now, pitch] = data[1]
            self.midi.habits.add(data[1])
            return
        if status & 0x10 or data[1]:
            self.midi.habits.add("silent" if status & 0x10 else "release")
        if self.held.get((channel, pitch)):
            self._keep(channel, pitch, self.held[channel, pitch].popleft())

    def _keep(self, channel: int, pitch: int, start: int) -> None:
        self.midi.notes.setdefault((self.number, channel), []).append((start, self.now, pitch))

    def _meta(self, kind: int, data: bytes) -> None:
        midi, now = self.midi, self.now
        if kind == _END_OF_TRACK:
            self.ended = True
        elif kind == 0x51 and len(data) == 3:
            midi.tempos.append((now, int.from_bytes(data, "big")))
        elif kind == 0x58 and len(data) >= 2 and data[1] <= 6:
            midi.meters.append((now, data[0], 1 << data[1]))
        elif kind == 0x59 and len(data) == 2:
            sharps = data[0] - 256 if data[0] > 127 else data[0]
            if abs(sharps) <= 7:
                midi.keys.append((now, sharps, data[1] == 1))
        elif kind == 0x20 and data:
            self.channel = data[0] & 0x0F
        else:
            self._text(kind, data)

    def _text(self, kind: int, data: bytes) -> None:
        if len(data) > _LONGEST_TEXT:
            data = data[:_LONGEST_TEXT].rstrip(bytes(range(0x80, 0x100)))  # not in the middle of a character
        if kind == 0x03:
            self.midi.names.setdefault((self.number, None), data)
        elif kind == 0x04:
            channel = -1 if self.channel is None else self.channel
            self.midi.names.setdefault((self.number, channel), data)
        elif kind == 0x01:
            self.midi.texts.append((self.now, self.number, data))
        elif kind == 0x05:
            self.midi.lyrics.append((self.now, self.number, data))
        elif kind == 0x06:
            self.midi.markers.append((self.now, data))
        elif kind == 0x07:
            self.midi.cues.append((self.now, data))
