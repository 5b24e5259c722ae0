"""MIDI files, event by event, within a budget: pretty_midi and mido spend minutes or gigabytes on what
hostile files claim.
"""

from __future__ import annotations

import contextlib
import struct
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from studio.errors import Refused, Unreadable
from studio.music.reading.assembling import PartLine, assemble, choose_melody, remarks_on
from studio.music.reading.budget import Reading, ReadingBudget
from studio.music.reading.quantising import quantise_line
from studio.music.reading.text import text_of
from studio.music.scores.bars import Grid, MeterAt
from studio.music.scores.chords import ChordAt, parse_chord
from studio.music.scores.keys import Key, KeyAt
from studio.music.scores.meters import Meter


@dataclass
class _Midi:
    """What a MIDI file says, times in ticks."""

    division: int
    notes: dict[tuple[int, int], list[tuple[int, int, int]]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    meters: list[tuple[int, int, int]] = field(default_factory=list)
    keys: list[tuple[int, int, int]] = field(default_factory=list)
    tempos: list[tuple[int, int]] = field(default_factory=list)
    markers: list[tuple[int, str]] = field(default_factory=list)
    composer: str = ""
    end: int = 0


def read_midi(content: bytes, name: str = "The file", budget: ReadingBudget | None = None) -> Reading:
    """The melody of a MIDI file (type 0 or 1). Raises `Unreadable`.

    Files that were played rather than written are quantised (see `quantise_line`), and a remark says how much
    was moved. A first bar in a shorter meter that lasts one bar is a pick-up. Markers that read as chord
    symbols are the chords.
    """
    budget = budget or ReadingBudget()
    midi = parse_midi(content, name, budget)
    per_quarter = midi.division
    lines = []
    for (track, channel), played in sorted(midi.notes.items()):
        line = PartLine(midi.names.get(track, ""), percussion=channel == 9)
        line.notes = [
            (Fraction(start, per_quarter), Fraction(stop, per_quarter), pitch, False)
            for start, stop, pitch in played
        ]
        lines.append(line)
    chosen = choose_melody(lines)
    if chosen is None:
        if any(line.count for line in lines):
            raise Unreadable(
                f"{name} has only drums, and no melody to learn from; choose a file with a tune."
            )
        raise Unreadable(f"{name} has no notes in it; choose a file with a tune.")
    starts = Counter(start for start, _, _, _ in chosen.notes)
    chosen.stacked = sum(together > 1 for together in starts.values())
    remarks = remarks_on(chosen, sum(line.count > 0 for line in lines))
    moved = quantise_line(chosen.notes)
    if moved.moved:
        remarks.append(moved.sentence)
        chosen.notes = [*moved.notes]
    end = max(
        Fraction(midi.end, per_quarter) if not moved.moved else Fraction(0),
        max(stop for _, stop, _, _ in chosen.notes),
    )
    chords = []
    for ticks, text in midi.markers:
        with contextlib.suppress(Unreadable):
            chord = parse_chord(text)
            if text.strip():
                chords.append(ChordAt(Fraction(ticks, per_quarter), str(chord) if chord else "N.C."))
    if len({tempo for _, tempo in midi.tempos}) > 1:
        remarks.append("The tempo changes; the first one was kept.")
    signatures = [(Fraction(ticks, per_quarter), sharps, minor) for ticks, sharps, minor in midi.keys]
    tune = assemble(
        chosen,
        _midi_grid([(Fraction(ticks, per_quarter), top, bottom) for ticks, top, bottom in midi.meters]),
        [
            KeyAt(place, Key(sharps, "minor")) if minor else KeyAt(place, Key(sharps))
            for place, sharps, minor in signatures
        ],
        sorted(chords, key=lambda chord: chord.start),
        (),
        (),
        next((title for _, title in sorted(midi.names.items()) if title), "").strip(),
        midi.composer,
        60e6 / midi.tempos[0][1] if midi.tempos and midi.tempos[0][1] else 120.0,
        end=end,
        name=name,
        budget=budget,
        remarks=remarks,
    )
    return Reading((tune,), tuple(remarks))


def _midi_grid(signs: Sequence[tuple[Fraction, int, int]]) -> Grid:
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


def parse_midi(content: bytes, name: str, budget: ReadingBudget) -> _Midi:
    if len(content) > budget.file:
        raise Unreadable(
            f"{name} has {len(content) / 1e6:.0f} MB; the studio opens scores of up to {budget.file / 1e6:.0f} MB."
        )
    if content[:4] != b"MThd" or len(content) < 14:
        raise Unreadable(f"{name} is not a whole MIDI file; export it again from the program it came from.")
    length, form, tracks, division = struct.unpack(">IHHH", content[4:14])
    if length < 6 or form > 2:
        raise Unreadable(f"{name} has a damaged MIDI header; export it again from the program it came from.")
    if form == 2:
        raise Unreadable(f"{name} is a MIDI file of type 2, a set of loose patterns; save it as type 0 or 1.")
    if division == 0:
        raise Unreadable(
            f"{name} says that a beat has 0 ticks, so nothing in it has a length; export it again."
        )
    if division & 0x8000:
        raise Unreadable(
            f"{name} counts time in film frames, not in beats; save it with ticks per quarter note."
        )
    midi = _Midi(division)
    place, events = 8 + length, 0
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
        events = _parse_track(content[place + 8 : place + 8 + size], track, midi, events, name, budget)
        place += 8 + size
    return midi


_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}


def _parse_track(body: bytes, track: int, midi: _Midi, events: int, name: str, budget: ReadingBudget) -> int:
    place, now, status = 0, 0, 0
    held: dict[tuple[int, int], deque[int]] = {}
    limit = budget.quarters * midi.division
    try:
        while place < len(body):
            delta = 0
            for _ in range(4):
                byte = body[place]
                place += 1
                delta = delta << 7 | byte & 0x7F
                if not byte & 0x80:
                    break
            else:
                raise ValueError
            now += delta
            events += 1
            if events > budget.events:
                raise Unreadable(
                    f"{name} has more than {budget.events:,} MIDI events; cut it into smaller files."
                )
            if now > limit:
                raise Unreadable(
                    f"{name} lasts longer than {budget.quarters:,} quarter notes; cut it into smaller files."
                )
            if body[place] & 0x80:
                status = body[place]
                place += 1
            if status in (0xFF, 0xF0, 0xF7):
                kind = 0
                if status == 0xFF:
                    kind = body[place]
                    place += 1
                size = 0
                for _ in range(4):
                    byte = body[place]
                    place += 1
                    size = size << 7 | byte & 0x7F
                    if not byte & 0x80:
                        break
                if place + size > len(body):
                    raise IndexError
                if status == 0xFF:
                    _parse_meta(kind, body[place : place + size], now, track, midi)
                place += size
                if status == 0xFF and kind == 0x2F:
                    break
                continue
            wanted = _DATA_BYTES.get(status & 0xF0)
            if wanted is None:
                raise ValueError
            data = body[place : place + wanted]
            place += wanted
            if len(data) < wanted:
                raise IndexError
            if max(data) > 127:
                raise ValueError
            if status & 0xE0 == 0x80:
                channel, pitch = status & 0x0F, data[0]
                if status & 0x10 and data[1]:
                    held.setdefault((channel, pitch), deque()).append(now)
                elif held.get((channel, pitch)):
                    _keep_note(midi, track, channel, held[channel, pitch].popleft(), now, pitch)
    except IndexError:
        raise Unreadable(
            f"{name} is cut short in the middle of an event; copy or download it again."
        ) from None
    except ValueError:
        raise Unreadable(
            f"{name} holds bytes that are no MIDI events (track {track + 1}); export it again."
        ) from None
    for (channel, pitch), starts in held.items():
        for start in starts:
            _keep_note(midi, track, channel, start, now, pitch)
    midi.end = max(midi.end, now)
    return events


def _keep_note(midi: _Midi, track: int, channel: int, start: int, stop: int, pitch: int) -> None:
    if stop > start:
        midi.notes.setdefault((track, channel), []).append((start, stop, pitch))


def _parse_meta(kind: int, data: bytes, now: int, track: int, midi: _Midi) -> None:
    if kind == 0x51 and len(data) == 3:
        midi.tempos.append((now, int.from_bytes(data, "big")))
    elif kind == 0x58 and len(data) >= 2 and data[1] <= 6:
        midi.meters.append((now, data[0], 1 << data[1]))
    elif kind == 0x59 and len(data) == 2:
        sharps = data[0] - 256 if data[0] > 127 else data[0]
        if abs(sharps) <= 7:
            midi.keys.append((now, sharps, int(data[1] == 1)))
    elif kind == 0x03 and track not in midi.names:
        midi.names[track] = text_of(data)[:200]
    elif kind == 0x01 and text_of(data).startswith("Composer: "):
        midi.composer = text_of(data).removeprefix("Composer: ")[:200]
    elif kind == 0x06:
        midi.markers.append((now, text_of(data)[:60]))
