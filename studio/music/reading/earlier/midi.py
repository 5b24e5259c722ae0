"""MIDI files, read event by event within a budget.

pretty_midi and mido spend minutes or gigabytes on what hostile files claim to contain.
"""

from __future__ import annotations

import contextlib
import struct
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from studio.errors import Refused, Unreadable
from studio.music.reading.assembling import (
    FoundNote,
    FoundTune,
    PartLine,
    assemble,
    choose_melody,
    remarks_on,
)
from studio.music.reading.budget import Reading, ReadingBudget
from studio.music.reading.earlier.quantising import quantise_line
from studio.music.reading.text import text_of
from studio.music.scores.bars import Grid, MeterAt
from studio.music.scores.chords import ChordAt, parse_chord
from studio.music.scores.keys import Key, KeyAt
from studio.music.scores.meters import Meter


@dataclass
class _Midi:
    """What a MIDI file says, with times in ticks.

    division: ticks in a quarter note. notes: (track, channel) -> (start, end, pitch). names: track -> its
    name. meters: (time, numerator, denominator). keys: (time, sharps, whether minor). tempos: (time,
    microseconds in a quarter note). markers: (time, text). events: how many were read.
    """

    division: int
    notes: dict[tuple[int, int], list[tuple[int, int, int]]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    meters: list[tuple[int, int, int]] = field(default_factory=list)
    keys: list[tuple[int, int, bool]] = field(default_factory=list)
    tempos: list[tuple[int, int]] = field(default_factory=list)
    markers: list[tuple[int, str]] = field(default_factory=list)
    composer: str = ""
    end: int = 0
    events: int = 0

    def quarters(self, ticks: int) -> Fraction:
        return Fraction(ticks, self.division)


def read_midi(content: bytes, name: str = "The file", budget: ReadingBudget | None = None) -> Reading:
    """The melody of a MIDI file of type 0 or 1. Raises `Unreadable`.

    Files that were played rather than written are quantised (see `quantise_line`), and a remark says how much
    was moved. A first bar in a shorter meter that lasts one bar is a pick-up. Markers that read as chord
    symbols are the chords.
    """
    budget = budget or ReadingBudget()
    midi = _parse(content, name, budget)
    lines = _lines_of(midi)
    chosen = choose_melody(lines, name)
    starts = Counter(note.start for note in chosen.notes)
    chosen.stacked = sum(together > 1 for together in starts.values())
    remarks = remarks_on(chosen, sum(line.count > 0 for line in lines))
    quantised = quantise_line(chosen.notes)
    end = midi.quarters(midi.end)
    if quantised.moved:
        remarks.append(quantised.sentence)
        chosen.notes = [*quantised.notes]
        end = Fraction(0)
    if len({tempo for _, tempo in midi.tempos}) > 1:
        remarks.append("The tempo changes; only the first one was kept.")
    found = FoundTune(
        chosen,
        _grid_of([(midi.quarters(ticks), top, bottom) for ticks, top, bottom in midi.meters]),
        max(end, *(note.end for note in chosen.notes)),
        keys=[
            KeyAt(midi.quarters(ticks), Key(sharps, "minor" if minor else "major"))
            for ticks, sharps, minor in midi.keys
        ],
        chords=_chords_of(midi),
        title=next((title for _, title in sorted(midi.names.items()) if title), "").strip(),
        composer=midi.composer,
        tempo=60e6 / midi.tempos[0][1] if midi.tempos and midi.tempos[0][1] else 120.0,
        remarks=remarks,
    )
    tune = assemble(found, name, budget)
    return Reading((tune,), tuple(found.remarks))


def _lines_of(midi: _Midi) -> list[PartLine]:
    """One line for each channel of each track. Channel 10, counted as 9 from 0, is the drums."""
    lines = []
    for (track, channel), played in sorted(midi.notes.items()):
        line = PartLine(midi.names.get(track, ""), percussion=channel == 9)
        line.notes = [
            FoundNote(midi.quarters(start), midi.quarters(stop), pitch, False)
            for start, stop, pitch in played
        ]
        lines.append(line)
    return lines


def _chords_of(midi: _Midi) -> list[ChordAt]:
    chords = []
    for ticks, text in midi.markers:
        with contextlib.suppress(Unreadable):
            chord = parse_chord(text)
            if text.strip():
                chords.append(ChordAt(midi.quarters(ticks), str(chord) if chord else "N.C."))
    return sorted(chords, key=lambda chord: chord.start)


def _grid_of(signs: Sequence[tuple[Fraction, int, int]]) -> Grid:
    """The bar lines that follow from time signatures, as (place, numerator, denominator)."""
    meters: list[MeterAt] = []
    for place, top, bottom in sorted(signs):
        with contextlib.suppress(Refused):
            change = MeterAt(place if meters else Fraction(0), Meter(top, bottom))
            if meters and meters[-1].start == change.start:
                meters[-1] = change
            elif (
                not meters
                or meters[-1].meter != change.meter
                or (change.start - meters[-1].start) % change.meter.bar_length
            ):
                meters.append(change)
    if not meters:
        return Grid()
    if len(meters) > 1:
        first, second = meters[0].meter, meters[1]
        if second.start == first.bar_length < second.meter.bar_length and first != second.meter:
            return Grid((MeterAt(Fraction(0), second.meter), *meters[2:]), second.start)
    return Grid(tuple(meters))


# The bytes
# ------------------------------------------------------------------------------------------------------------


def _parse(content: bytes, name: str, budget: ReadingBudget) -> _Midi:
    """Every track of a file (Standard MIDI Files 1.0). Raises `Unreadable`."""
    if len(content) > budget.file:
        raise Unreadable(
            f"{name} has {len(content) / 1e6:.0f} MB; the studio opens scores of up to "
            f"{budget.file / 1e6:.0f} MB."
        )
    if content[:4] != b"MThd" or len(content) < 14:
        raise Unreadable(f"{name} is not a whole MIDI file; export it again from the program it came from.")
    length, form, tracks, division = struct.unpack(">IHHH", content[4:14])
    _check_header(length, form, division, name)
    midi = _Midi(division)
    place = 8 + length
    for track in range(min(tracks, 1024) or 1):
        while place + 8 <= len(content) and content[place : place + 4] != b"MTrk":
            place += 8 + struct.unpack(">I", content[place + 4 : place + 8])[0]
        if place + 8 > len(content):
            break
        size = struct.unpack(">I", content[place + 4 : place + 8])[0]
        if place + 8 + size > len(content):
            raise Unreadable(
                f"{name} is cut short: a track of {size} bytes breaks off; copy or download it again."
            )
        _Track(content[place + 8 : place + 8 + size], track, midi).parse(name, budget)
        place += 8 + size
    return midi


def _check_header(length: int, form: int, division: int, name: str) -> None:
    if length < 6 or form > 2:
        raise Unreadable(f"{name} has a damaged MIDI header; export it again from the program it came from.")
    if form == 2:
        raise Unreadable(f"{name} is a MIDI file of type 2, a set of loose patterns; save it as type 0 or 1.")
    if division == 0:
        raise Unreadable(
            f"{name} says that a quarter note has 0 ticks, so nothing in it has a length; export it again."
        )
    if division & 0x8000:
        raise Unreadable(
            f"{name} counts time in film frames, not in beats; save it with ticks per quarter note."
        )


_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
"""Kind of channel event -> how many data bytes follow it."""

_META, _SYSEX, _SYSEX_MORE, _END_OF_TRACK = 0xFF, 0xF0, 0xF7, 0x2F


class _Track:
    """Reads the events of one track and adds what they say to a `_Midi`.

    place: of the next byte. now: ticks since the beginning. status: the last one, which holds until another
    comes (running status). held: (channel, pitch) -> when the notes that sound began.
    """

    def __init__(self, body: bytes, number: int, midi: _Midi) -> None:
        self.body, self.number, self.midi = body, number, midi
        self.place = self.now = self.status = 0
        self.ended = False
        self.held: dict[tuple[int, int], deque[int]] = {}

    def parse(self, name: str, budget: ReadingBudget) -> None:
        """Raises `Unreadable` for a track that is broken or over the budget."""
        limit = budget.quarters * self.midi.division
        try:
            while self.place < len(self.body) and not self.ended:
                self.now += self._number()
                self.midi.events += 1
                if self.midi.events > budget.events:
                    raise Unreadable(
                        f"{name} has more than {budget.events:,} MIDI events; cut it into smaller files."
                    )
                if self.now > limit:
                    raise Unreadable(
                        f"{name} lasts longer than {budget.quarters:,} quarter notes; "
                        "cut it into smaller files."
                    )
                self._event()
        except IndexError:
            raise Unreadable(
                f"{name} is cut short in the middle of an event; copy or download it again."
            ) from None
        except ValueError:
            raise Unreadable(
                f"{name} holds bytes that are no MIDI events (track {self.number + 1}); export it again."
            ) from None
        for (channel, pitch), starts in self.held.items():
            for start in starts:
                self._keep(channel, pitch, start)
        self.midi.end = max(self.midi.end, self.now)

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
        if self.body[self.place] & 0x80:
            self.status = self.body[self.place]
            self.place += 1
        if self.status == _META:
            kind = self.body[self.place]
            self.place += 1
            self._meta(kind, self._bytes(self._number()))
        elif self.status in (_SYSEX, _SYSEX_MORE):
            self._bytes(self._number())
        else:
            self._channel_event()

    def _bytes(self, size: int) -> bytes:
        data = self.body[self.place : self.place + size]
        if len(data) < size:
            raise IndexError
        self.place += size
        return data

    def _channel_event(self) -> None:
        wanted = _DATA_BYTES.get(self.status & 0xF0)
        if wanted is None:
            raise ValueError
        data = self._bytes(wanted)
        if max(data) > 127:
            raise ValueError
        if self.status & 0xE0 == 0x80:  # note off, or note on, which with velocity 0 is note off too
            channel, pitch = self.status & 0x0F, data[0]
            if self.status & 0x10 and data[1]:
                self.held.setdefault((channel, pitch), deque()).append(self.now)
            elif self.held.get((channel, pitch)):
                self._keep(channel, pitch, self.held[channel, pitch].popleft())

    def _keep(self, channel: int, pitch: int, start: int) -> None:
        if self.now > start:
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
        else:
            self._text(kind, data)

    def _text(self, kind: int, data: bytes) -> None:
        if kind == 0x03 and self.number not in self.midi.names:
            self.midi.names[self.number] = text_of(data)[:200]
        elif kind == 0x01 and (text := text_of(data)).startswith("Composer: "):
            self.midi.composer = text.removeprefix("Composer: ")[:200]
        elif kind == 0x06:
            self.midi.markers.append((self.now, text_of(data)[:60]))
