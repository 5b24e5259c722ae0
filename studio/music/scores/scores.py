"""Scores: what a tune is, exactly, whatever file it came from.

    tune = Tune.of([(62, "1/2"), (64, "1/2"), (None, 1)], meter="2/4", key="D", title="Two notes and a rest")
    [(bar.number, note.pitch) for bar in tune.bars() for note in tune.notes if bar.start <= note.start < bar.end]

Time is counted in quarter notes, as exact fractions, from the first moment of the tune (pick-up included): a
triplet eighth is Fraction(1, 3). A `Tune` is a melody line with chord symbols, the unit styles are made of; a
`Score` is several parts together.

Notes are whole sounds: a note tied over a bar line is one note here, and is split and tied again only when it
is written down. Repeats are kept as they are written (`repeats`), not played out; `Tune.unfolded()` plays
them out.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from studio.errors import Refused, UnknownName, Unreadable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Length = Fraction | int | str
"""A duration or a place in quarter notes, exactly: Fraction(1, 3), 2, "3/2"."""

REST = -1
"""How a rest's pitch is written in arrays."""


@dataclass(frozen=True, slots=True)
class Note:
    """One sound, or one silence.

    pitch: MIDI number 0..127 (60 is middle C), or None for a rest.
    start, duration: in quarter notes; duration is greater than 0.
    tied: sounds on without a new attack into the next note, which has the same pitch. Never set in a `Tune`,
    whose notes are
        whole; set by `Tune.split_at_bars`.
    """

    pitch: int | None
    start: Fraction
    duration: Fraction
    tied: bool = False

    @property
    def end(self) -> Fraction:
        return self.start + self.duration

    @property
    def is_rest(self) -> bool:
        return self.pitch is None


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature: 6/8 is Meter(6, 8)."""

    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        if not 1 <= self.numerator <= 64 or self.denominator not in (1, 2, 4, 8, 16, 32, 64):
            raise Refused(
                f"There is no meter {self.numerator}/{self.denominator}; write it like 4/4, 3/4 or 6/8."
            )

    @classmethod
    def parse(cls, text: str) -> Meter:
        """ "4/4", "6/8", "C" (4/4) or "C|" (2/2). Raises `Refused`."""
        text = {"c": "4/4", "c|": "2/2"}.get(text.strip().lower(), text.strip())
        match = re.fullmatch(r"(\d{1,3})\s*/\s*(\d{1,3})", text)
        if not match:
            raise Refused(f"{text!r} is not a meter; write it like 4/4, 3/4 or 6/8.")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"

    @property
    def bar_length(self) -> Fraction:
        """A full bar in quarter notes: 3 for 6/8."""
        return Fraction(4 * self.numerator, self.denominator)

    @property
    def compound(self) -> bool:
        """Beats fall into three: 6/8, 9/8, 12/8, 6/4 …"""
        return self.numerator > 3 and self.numerator % 3 == 0

    @property
    def beat(self) -> Fraction:
        """What is counted, in quarter notes: 1 in 3/4, 3/2 in 6/8."""
        return Fraction(4 * (3 if self.compound else 1), self.denominator)


MODES = {
    "major": 0,
    "dorian": 2,
    "phrygian": 4,
    "lydian": 5,
    "mixolydian": 7,
    "minor": 9,
    "locrian": 11,
}
"""Mode -> semitones from the tonic of the major scale with the same signature up to this mode's tonic."""

_MODE_SPELLINGS = {
    "": "major",
    "m": "minor",
    "maj": "major",
    "ion": "major",
    "min": "minor",
    "aeo": "minor",
} | {mode[:3]: mode for mode in ("dorian", "phrygian", "lydian", "mixolydian", "locrian")}
_FIFTHS = "FCGDAEB"
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True, slots=True)
class Key:
    """A key: its signature (fifths: sharps, or flats counted below 0; -7..7) and its mode (see MODES)."""

    fifths: int
    mode: str = "major"

    def __post_init__(self) -> None:
        if not -7 <= self.fifths <= 7:
            raise Refused(f"A key signature has at most seven sharps or flats, not {abs(self.fifths)}.")
        if self.mode not in MODES:
            raise UnknownName("mode", self.mode, MODES)

    @classmethod
    def parse(cls, text: str) -> Key:
        """ "D", "Bm", "F#", "Eb minor", "D dorian", "Amix". Keys with more than seven signs are respelled.
        Raises `Refused`.
        """
        match = re.fullmatch(r"\s*([A-Ga-g])([#b♯♭-]?)\s*([A-Za-z]*)\s*", text)
        mode = _MODE_SPELLINGS.get(match[3].lower()[:3] if match[3] != "M" else "maj") if match else None
        if not match or mode is None:
            raise Refused(f"{text!r} is not a key; write it like D, Bm, F#, Eb or D dorian.")
        letter = match[1].upper()
        sign = {"#": 7, "♯": 7, "": 0}.get(match[2], -7)
        fifths = _FIFTHS.index(letter) - 1 + sign - _mode_fifths(mode)
        return cls(fifths - 12 if fifths > 7 else fifths + 12 if fifths < -7 else fifths, mode)

    @classmethod
    def of_tonic(cls, tonic: int, mode: str = "major") -> Key:
        """The key on pitch class `tonic` (0..11, 0 is C) with the fewest signs; on a tie, flats."""
        if mode not in MODES:
            raise UnknownName("mode", mode, MODES)
        fifths = (7 * (tonic - MODES[mode])) % 12
        return cls(fifths if fifths < 6 else fifths - 12, mode)

    @property
    def tonic(self) -> int:
        """Pitch class 0..11 of the tonic."""
        return (7 * self.fifths + MODES[self.mode]) % 12

    @property
    def tonic_name(self) -> str:
        """F#, Bb, C …"""
        return name_on_fifths(self.fifths + _mode_fifths(self.mode))

    @property
    def scale(self) -> tuple[int, ...]:
        """The seven pitch classes of its signature, upwards from the tonic."""
        major = {(7 * self.fifths + step) % 12 for step in _STEPS.values()}
        return tuple(sorted(major, key=lambda pitch_class: (pitch_class - self.tonic) % 12))

    def transposed(self, semitones: int) -> Key:
        return Key.of_tonic((self.tonic + semitones) % 12, self.mode)

    def __str__(self) -> str:
        return f"{self.tonic_name} {self.mode}"

    def short(self) -> str:
        """D, Bm, D dorian."""
        return self.tonic_name + {"major": "", "minor": "m"}.get(self.mode, " " + self.mode)


def name_on_fifths(place: int) -> str:
    """A note name by its place on the line of fifths: 0 is C, 1 G, -1 F, 6 F#, -2 Bb."""
    turns, letter = divmod(place + 1, 7)
    return _FIFTHS[letter] + ("#" * turns if turns >= 0 else "b" * -turns)


def _mode_fifths(mode: str) -> int:
    """How many fifths a mode's tonic stands from its signature's major tonic: 2 for dorian, 3 for minor."""
    return {"major": 0, "mixolydian": 1, "dorian": 2, "minor": 3, "phrygian": 4, "locrian": 5, "lydian": -1}[
        mode
    ]


@dataclass(frozen=True, slots=True)
class MeterAt:
    """From `start` on this meter holds, and a new bar begins there, whether or not the bar before it was
    full.
    """

    start: Fraction
    meter: Meter


@dataclass(frozen=True, slots=True)
class KeyAt:
    start: Fraction
    key: Key


@dataclass(frozen=True, slots=True)
class ChordAt:
    """A chord symbol as it is read in a lead sheet ("Am7", "F#dim", "C/E", "N.C."); it holds until the next
    one.
    """

    start: Fraction
    symbol: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """[start, end) is played `times` times. With `ending`, [ending, end) is the first ending: the last time
    it is left out.
    """

    start: Fraction
    end: Fraction
    ending: Fraction | None = None
    times: int = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """number: as musicians count, from 1; a pick-up bar is 0. start, length: in quarter notes."""

    number: int
    start: Fraction
    length: Fraction
    meter: Meter

    @property
    def end(self) -> Fraction:
        return self.start + self.length

    @property
    def full(self) -> bool:
        return self.length == self.meter.bar_length


@dataclass(frozen=True)
class Grid:
    """The bar lines of a piece: meters, and how long the pick-up before the first full bar is (0: none)."""

    meters: tuple[MeterAt, ...] = (MeterAt(Fraction(0), Meter(4, 4)),)
    pickup: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        starts = [change.start for change in self.meters]
        if not starts or starts[0] != 0 or starts != sorted(set(starts)):
            raise ValueError("the first meter stands at 0 and the others after it, in order")
        if not 0 <= self.pickup < self.meters[0].meter.bar_length or (
            len(starts) > 1 and self.pickup > starts[1]
        ):
            raise ValueError("a pick-up is shorter than a full bar")

    @classmethod
    def of(cls, meter: str | Meter, pickup: Length = 0) -> Grid:
        return cls(
            (MeterAt(Fraction(0), meter if isinstance(meter, Meter) else Meter.parse(meter)),),
            Fraction(pickup),
        )

    @classmethod
    def of_bars(cls, bars: Iterable[tuple[Fraction, Meter]]) -> Grid:
        """From the lengths of bars as a score has them.

        Two neighbours that make one full bar between them (the end of a section and the pick-up of the next)
        become that bar. A bar that stays too short cuts the grid; one that is too long counts as a full bar
        and a short one.
        """
        lengths = [(length, meter) for length, meter in bars if length > 0]
        if not lengths:
            return cls()
        joined: list[tuple[Fraction, Meter]] = []
        pickup = Fraction(0)
        if len(lengths) > 1 and lengths[0][0] < lengths[0][1].bar_length:
            pickup = lengths[0][0]
            if lengths[1][1] == lengths[0][1] and pickup + lengths[1][0] == lengths[0][1].bar_length:
                pickup = Fraction(0)
        for length, meter in lengths[1:] if pickup else lengths:
            if joined and joined[-1][1] == meter and joined[-1][0] + length == meter.bar_length:
                joined[-1] = (meter.bar_length, meter)
            else:
                joined.append((length, meter))
        meters = (
            [MeterAt(Fraction(0), joined[0][1])]
            if not pickup or joined[0][1] == lengths[0][1]
            else [MeterAt(Fraction(0), lengths[0][1])]
        )
        here, restart = pickup, False
        for length, meter in joined:
            if (restart or meter != meters[-1].meter) and here > 0:
                meters.append(MeterAt(here, meter))
            here += length
            restart = length % meter.bar_length != 0
        return cls(tuple(meters), pickup)

    def bars(self, end: Fraction) -> Iterator[Bar]:
        """The bars from 0 up to `end`; the last may be cut short by it."""
        number = 0 if self.pickup else 1
        for place, change in enumerate(self.meters):
            if change.start >= end:
                return
            until = min(self.meters[place + 1].start, end) if place + 1 < len(self.meters) else end
            here = change.start
            while here < until:
                length = self.pickup if number == 0 else change.meter.bar_length
                length = min(length, until - here)
                yield Bar(number, here, length, change.meter)
                here += length
                number += 1

    def meter_at(self, place: Fraction) -> Meter:
        return self.meters[bisect_right(self.meters, place, key=lambda change: change.start) - 1].meter


@dataclass(frozen=True)
class Tune:
    """A melody with its chords. Construct it with `Tune.of`, or with notes that follow one another without a
    gap from 0.

    notes: whole sounds and rests, in order, each starting where the one before ends. grid: its bar lines.
    keys: the first at 0.
    chords: in order. repeats: as written, in order, not overlapping. phrase_ends: places where a phrase is
    marked to end (fermatas of a chorale, lines of a song), in order; empty where nothing is marked. tempo:
    quarter notes a minute.
    id: tells it from the others of its style ("ryans-mammoth/AcaciaReel.abc").
    """

    notes: tuple[Note, ...]
    grid: Grid = field(default_factory=Grid)
    keys: tuple[KeyAt, ...] = (KeyAt(Fraction(0), Key(0)),)
    chords: tuple[ChordAt, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    phrase_ends: tuple[Fraction, ...] = ()
    title: str = ""
    composer: str = ""
    tempo: float = 120.0
    id: str = ""

    def __post_init__(self) -> None:
        here = Fraction(0)
        for note in self.notes:
            if note.start != here or note.duration <= 0:
                raise ValueError(
                    f"the note at {note.start} does not begin where the one before ends ({here}), or has no length"
                )
            if note.pitch is not None and not 0 <= note.pitch <= 127:
                raise ValueError(f"{note.pitch} is not a MIDI pitch")
            here = note.end
        if not self.keys or self.keys[0].start != 0:
            raise ValueError("a tune's first key stands at 0")

    @classmethod
    def of(
        cls,
        notes: Iterable[tuple[int | None, Length]],
        *,
        meter: str | Meter = "4/4",
        key: str | Key = "C",
        pickup: Length = 0,
        chords: Iterable[tuple[Length, str]] = (),
        **more: Any,
    ) -> Tune:
        """From (pitch or None, duration) one after the other. `more`: the other fields of a Tune."""
        here, placed = Fraction(0), []
        for pitch, duration in notes:
            placed.append(Note(pitch, here, Fraction(duration)))
            here = placed[-1].end
        return cls(
            tuple(placed),
            Grid.of(meter, pickup),
            (KeyAt(Fraction(0), key if isinstance(key, Key) else Key.parse(key)),),
            tuple(ChordAt(Fraction(place), symbol) for place, symbol in chords),
            **more,
        )

    @property
    def end(self) -> Fraction:
        """Its length in quarter notes."""
        return self.notes[-1].end if self.notes else Fraction(0)

    @property
    def meter(self) -> Meter:
        """The meter most of it stands in."""
        if len(self.grid.meters) == 1:
            return self.grid.meters[0].meter
        held: dict[Meter, Fraction] = {}
        for bar in self.bars():
            held[bar.meter] = held.get(bar.meter, Fraction(0)) + bar.length
        return max(held, key=lambda meter: held[meter]) if held else self.grid.meters[0].meter

    @property
    def key(self) -> Key:
        """The key it begins in."""
        return self.keys[0].key

    @property
    def mode(self) -> str:
        return self.key.mode

    @property
    def sounding(self) -> tuple[Note, ...]:
        """The notes without the rests."""
        return tuple(note for note in self.notes if note.pitch is not None)

    @property
    def pickup(self) -> Fraction:
        return self.grid.pickup

    def bars(self) -> tuple[Bar, ...]:
        return self._bars

    @cached_property
    def _bars(self) -> tuple[Bar, ...]:
        return tuple(self.grid.bars(self.end))

    def bar_at(self, place: Fraction) -> Bar:
        """The bar that holds this place; a place at or after the end gives the last bar."""
        return self._bars[max(0, bisect_right(self._bars, place, key=lambda bar: bar.start) - 1)]

    def chord_at(self, place: Fraction) -> str | None:
        """The chord symbol that holds at this place, or None before the first."""
        found = bisect_right(self.chords, place, key=lambda chord: chord.start)
        return self.chords[found - 1].symbol if found else None

    def in_bar(self, number: int) -> tuple[Note, ...]:
        """The notes that begin in the bar of that number. Raises `Refused` where there is no such bar."""
        for bar in self._bars:
            if bar.number == number:
                return tuple(note for note in self.notes if bar.start <= note.start < bar.end)
        raise Refused(
            f"There is no bar {number}; the tune has bars {self._bars[0].number} to {self._bars[-1].number}."
        )

    def split_at_bars(self) -> tuple[Note, ...]:
        """The notes as they are written: cut at every bar line, the pieces of a sounding note tied."""
        pieces: list[Note] = []
        for note in self.notes:
            cuts = self._cuts(note)
            for place, (start, end) in enumerate(pairwise([note.start, *cuts, note.end])):
                pieces.append(
                    Note(note.pitch, start, end - start, note.pitch is not None and place < len(cuts))
                )
        return tuple(pieces)

    def _cuts(self, note: Note) -> list[Fraction]:
        first = bisect_right(self._bars, note.start, key=lambda bar: bar.start)
        cuts = []
        for bar in self._bars[first:]:
            if bar.start >= note.end:
                break
            cuts.append(bar.start)
        return cuts

    def transposed(self, semitones: int) -> Tune:
        """Higher (or lower, below 0) by that many half steps. Raises `Refused` where a note would leave
        MIDI's 0..127.
        """
        if semitones == 0:
            return self
        if any(not 0 <= note.pitch + semitones <= 127 for note in self.notes if note.pitch is not None):
            raise Refused(
                f"Transposed by {semitones} half steps the tune leaves the range of MIDI; choose a smaller step."
            )
        return replace(
            self,
            notes=tuple(
                replace(note, pitch=note.pitch + semitones) if note.pitch is not None else note
                for note in self.notes
            ),
            keys=tuple(KeyAt(change.start, change.key.transposed(semitones)) for change in self.keys),
            chords=tuple(
                ChordAt(chord.start, transpose_symbol(chord.symbol, semitones)) for chord in self.chords
            ),
        )

    def in_key(self, key: Key) -> Tune:
        """Transposed by the smallest step (-5..6) that brings its tonic to that of `key`. The mode stays its
        own.
        """
        return self.transposed((key.tonic - self.key.tonic + 5) % 12 - 5)

    def unfolded(self) -> Tune:
        """Played out: every repeat written in full, second endings after first ones. Without repeats it is
        the tune itself.
        """
        if not self.repeats:
            return self
        spans, here = [], Fraction(0)
        for again in self.repeats:
            if again.start < here or again.end > self.end:
                continue
            spans.append((here, again.start))
            spans += [(again.start, again.end)] * (again.times - 1)
            spans.append((again.start, again.end if again.ending is None else again.ending))
            here = again.end
        return self._assembled([span for span in [*spans, (here, self.end)] if span[0] < span[1]])

    def passage(self, start: Fraction, end: Fraction) -> Tune:
        """[start, end) as a tune of its own: notes that reach over an edge are cut there."""
        return self._assembled([(max(start, Fraction(0)), min(end, self.end))])

    def _assembled(self, spans: Sequence[tuple[Fraction, Fraction]]) -> Tune:
        notes: list[Note] = []
        bars: list[tuple[Fraction, Meter]] = []
        keys: list[KeyAt] = []
        chords: list[ChordAt] = []
        ends: list[Fraction] = []
        here = Fraction(0)
        starts = [note.start for note in self.notes]
        for start, end in spans:
            shift = here - start
            first, last = max(bisect_right(starts, start) - 1, 0), bisect_left(starts, end)
            for place in range(first, last):
                note = self.notes[place]
                if first < place < last - 1:  # only at the edges may one stick out
                    notes.append(Note(note.pitch, note.start + shift, note.duration))
                    continue
                begins, stops = max(note.start, start), min(note.end, end)
                if begins < stops:
                    notes.append(Note(note.pitch, begins + shift, stops - begins))
            first = max(bisect_right(self._bars, start, key=lambda bar: bar.start) - 1, 0)
            for bar in self._bars[first : bisect_left(self._bars, end, key=lambda bar: bar.start)]:
                length = min(bar.end, end) - max(bar.start, start)
                if length > 0:
                    bars.append((length, bar.meter))
            holding = [change.key for change in self.keys if change.start <= start][-1]
            for change in [
                KeyAt(start, holding),
                *(change for change in self.keys if start < change.start < end),
            ]:
                if not keys or keys[-1].key != change.key:
                    keys.append(KeyAt(change.start + shift, change.key))
            sounding = self.chord_at(start)
            inside = [chord for chord in self.chords if start <= chord.start < end]
            if sounding is not None and (not inside or inside[0].start > start):
                inside.insert(0, ChordAt(start, sounding))
            chords += [ChordAt(chord.start + shift, chord.symbol) for chord in inside]
            ends += [place + shift for place in self.phrase_ends if start < place <= end]
            here += end - start
        return replace(
            self,
            notes=tuple(notes),
            grid=Grid.of_bars(bars),
            keys=tuple(keys),
            chords=tuple(chords),
            repeats=(),
            phrase_ends=tuple(ends),
        )

    def fits(self, per_quarter: int) -> bool:
        """Whether every note begins and ends on a grid of that many ticks a quarter note."""
        return (
            all((note.duration * per_quarter).denominator == 1 for note in self.notes)
            and (self.pickup * per_quarter).denominator == 1
        )

    def events(self, per_quarter: int = 24) -> Events:
        """As arrays of ticks, for counting and sampling. Raises `Refused` when a note falls between the ticks
        (see `fits`).

        24 ticks a quarter hold 32nds, triplet eighths and triplet sixteenths; 48 hold 64ths too.
        """
        import numpy as np

        ticks = [note.duration * per_quarter for note in self.notes]
        if not self.fits(per_quarter):
            bad = next(
                note for note, length in zip(self.notes, ticks, strict=True) if length.denominator != 1
            )
            raise Refused(
                f"A note of {bad.duration} quarter notes does not fit {per_quarter} ticks a quarter; use a finer grid."
            )
        durations = np.array([int(length) for length in ticks], np.int32)
        starts = np.concatenate([np.zeros(1, np.int32), np.cumsum(durations, dtype=np.int32)])[
            : len(durations)
        ]
        bar_starts = np.array([int(bar.start * per_quarter) for bar in self._bars], np.int32)
        bars = (np.searchsorted(bar_starts, starts, side="right") - 1).astype(np.int32)
        in_bar = starts - bar_starts[bars] if len(bars) else starts
        if self.pickup and len(bars):
            # A pick-up stands at the end of the bar it would fill.
            full = int(self._bars[0].meter.bar_length * per_quarter)
            in_bar = np.where(bars == 0, in_bar + full - int(self.pickup * per_quarter), in_bar)
        pitches = np.array([REST if note.pitch is None else note.pitch for note in self.notes], np.int16)
        numbers = np.array([bar.number for bar in self._bars], np.int32)
        return Events(
            pitches,
            durations,
            starts,
            in_bar.astype(np.int32),
            numbers[bars] if len(bars) else bars,
            per_quarter,
        )

    @classmethod
    def from_events(
        cls,
        pitches: Iterable[int],
        durations: Iterable[int],
        *,
        per_quarter: int = 24,
        meter: str | Meter = "4/4",
        key: str | Key = "C",
        **more: Any,
    ) -> Tune:
        """The way back from `events`: pitch (REST for a rest) and duration in ticks, one after the other."""
        pairs = zip(pitches, durations, strict=True)
        notes = (
            (None if pitch < 0 else int(pitch), Fraction(int(ticks), per_quarter)) for pitch, ticks in pairs
        )
        return cls.of(notes, meter=meter, key=key, **more)

    def to_json(self) -> str:
        """All of it as compact, canonical JSON; `from_json` reads it back."""
        return json.dumps(
            {
                "notes": [[note.pitch, str(note.duration)] for note in self.notes],
                "meters": [[str(change.start), str(change.meter)] for change in self.grid.meters],
                "pickup": str(self.pickup),
                "keys": [[str(change.start), change.key.fifths, change.key.mode] for change in self.keys],
                "chords": [[str(chord.start), chord.symbol] for chord in self.chords],
                "repeats": [
                    [
                        str(again.start),
                        str(again.end),
                        None if again.ending is None else str(again.ending),
                        again.times,
                    ]
                    for again in self.repeats
                ],
                "phrase_ends": [str(place) for place in self.phrase_ends],
                "title": self.title,
                "composer": self.composer,
                "tempo": self.tempo,
                "id": self.id,
            },
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Tune:
        """Raises `Unreadable` for what `to_json` did not write."""
        try:
            read = json.loads(text)
            here, notes = Fraction(0), []
            for pitch, duration in read["notes"]:
                notes.append(Note(pitch, here, _fraction(duration)))
                here = notes[-1].end
            return cls(
                tuple(notes),
                Grid(
                    tuple(MeterAt(_fraction(start), Meter.parse(meter)) for start, meter in read["meters"]),
                    _fraction(read["pickup"]),
                ),
                tuple(KeyAt(_fraction(start), Key(fifths, mode)) for start, fifths, mode in read["keys"]),
                tuple(ChordAt(_fraction(start), str(symbol)) for start, symbol in read["chords"]),
                tuple(
                    Repeat(
                        _fraction(start),
                        _fraction(end),
                        None if ending is None else _fraction(ending),
                        int(times),
                    )
                    for start, end, ending, times in read["repeats"]
                ),
                tuple(_fraction(place) for place in read["phrase_ends"]),
                str(read["title"]),
                str(read["composer"]),
                float(read["tempo"]),
                str(read["id"]),
            )
        except (ValueError, TypeError, KeyError, ZeroDivisionError, Refused):
            raise Unreadable(
                "This is not a tune as the studio writes it; read it from its original file."
            ) from None

    def score(self, *, name: str = "", program: int = 0) -> Score:
        """The same as a score of one part. program: General MIDI instrument 0..127."""
        part = Part(self.sounding, name, program)
        return Score(
            (part,),
            self.grid,
            self.keys,
            self.chords,
            self.repeats,
            self.title,
            self.composer,
            self.tempo,
            self.end,
        )


@lru_cache(maxsize=4096)
def _fraction(text: str) -> Fraction:
    return Fraction(text)


@dataclass(frozen=True)
class Events:
    """A tune as arrays of equal length n, times in ticks.

    pitches: int16, REST for a rest. durations, starts: int32. in_bar: int32, the place of the start in its
    bar (a pick-up counts as the end of a bar). bars: int32, the bar's number as musicians count. per_quarter:
    ticks a quarter note.
    """

    pitches: NDArray[np.int16]
    durations: NDArray[np.int32]
    starts: NDArray[np.int32]
    in_bar: NDArray[np.int32]
    bars: NDArray[np.int32]
    per_quarter: int


@dataclass(frozen=True)
class Part:
    """One instrument of a score. Its notes may sound together; rests are where nothing sounds.

    notes: sounding ones, by start and then pitch. program: General MIDI instrument 0..127 (0 is a piano);
    percussion: notes are drums of General MIDI instead. velocity: how loud, 1..127.
    """

    notes: tuple[Note, ...]
    name: str = ""
    program: int = 0
    percussion: bool = False
    velocity: int = 90


@dataclass(frozen=True)
class Score:
    """Several parts on one grid of bars. length: in quarter notes, at least to the end of the last note."""

    parts: tuple[Part, ...]
    grid: Grid = field(default_factory=Grid)
    keys: tuple[KeyAt, ...] = (KeyAt(Fraction(0), Key(0)),)
    chords: tuple[ChordAt, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    title: str = ""
    composer: str = ""
    tempo: float = 120.0
    length: Fraction = Fraction(0)

    @property
    def end(self) -> Fraction:
        return max([self.length, *(note.end for part in self.parts for note in part.notes)])

    def bars(self) -> tuple[Bar, ...]:
        return tuple(self.grid.bars(self.end))


@dataclass(frozen=True)
class ChordKind:
    """A kind of chord: the ways to write it after the root (the first is ours), MusicXML's name for it, and
    its tones above the root.
    """

    spellings: tuple[str, ...]
    musicxml: str
    tones: tuple[int, ...]


CHORD_KINDS = (
    ChordKind(("", "maj", "M", "major"), "major", (0, 4, 7)),
    ChordKind(("m", "min", "-", "mi", "minor"), "minor", (0, 3, 7)),
    ChordKind(("7", "dom7"), "dominant", (0, 4, 7, 10)),
    ChordKind(("maj7", "M7", "ma7", "Δ", "Δ7", "j7"), "major-seventh", (0, 4, 7, 11)),
    ChordKind(("m7", "min7", "-7", "mi7"), "minor-seventh", (0, 3, 7, 10)),
    ChordKind(("dim", "o", "°"), "diminished", (0, 3, 6)),
    ChordKind(("dim7", "o7", "°7"), "diminished-seventh", (0, 3, 6, 9)),
    ChordKind(("m7b5", "ø", "ø7", "-7b5", "min7b5", "h7"), "half-diminished", (0, 3, 6, 10)),
    ChordKind(("aug", "+", "#5"), "augmented", (0, 4, 8)),
    ChordKind(("7#5", "aug7", "+7", "7+"), "augmented-seventh", (0, 4, 8, 10)),
    ChordKind(("6", "maj6", "M6"), "major-sixth", (0, 4, 7, 9)),
    ChordKind(("m6", "min6", "-6"), "minor-sixth", (0, 3, 7, 9)),
    ChordKind(("mmaj7", "mM7", "m(maj7)", "minmaj7", "-maj7"), "major-minor", (0, 3, 7, 11)),
    ChordKind(("9", "dom9"), "dominant-ninth", (0, 4, 7, 10, 14)),
    ChordKind(("maj9", "M9"), "major-ninth", (0, 4, 7, 11, 14)),
    ChordKind(("m9", "min9", "-9"), "minor-ninth", (0, 3, 7, 10, 14)),
    ChordKind(("11",), "dominant-11th", (0, 4, 7, 10, 14, 17)),
    ChordKind(("maj11",), "major-11th", (0, 4, 7, 11, 14, 17)),
    ChordKind(("m11", "min11"), "minor-11th", (0, 3, 7, 10, 14, 17)),
    ChordKind(("13",), "dominant-13th", (0, 4, 7, 10, 14, 21)),
    ChordKind(("maj13",), "major-13th", (0, 4, 7, 11, 14, 21)),
    ChordKind(("m13", "min13"), "minor-13th", (0, 3, 7, 10, 14, 21)),
    ChordKind(("sus4", "sus"), "suspended-fourth", (0, 5, 7)),
    ChordKind(("sus2",), "suspended-second", (0, 2, 7)),
    ChordKind(("5", "power"), "power", (0, 7)),
)
"""The table chord symbols are read by and written from."""


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord symbol understood. root, bass: note names ("F#", "Bb"); degrees: what is added or altered
    ("b9", "add9", "sus4").
    """

    root: str
    kind: ChordKind
    degrees: tuple[str, ...] = ()
    bass: str = ""

    @property
    def root_class(self) -> int:
        """Pitch class 0..11 of the root."""
        return pitch_class_of(self.root)

    @property
    def bass_class(self) -> int:
        return pitch_class_of(self.bass or self.root)

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """The pitch classes that sound, the bass first, the others in the order of the chord."""
        tones = list(self.kind.tones)
        for degree in self.degrees:
            word, number = re.fullmatch(r"(add|no|sus|[#b])?(\d+)", degree).groups()  # type: ignore[union-attr]
            step = _DEGREES[(int(number) - 1) % 7] + 12 * ((int(number) - 1) // 7)
            third = [tone for tone in tones if tone % 12 in (3, 4)]
            if word == "no":
                tones = [tone for tone in tones if tone % 12 not in (step % 12, (step - 1) % 12)]
            elif word == "sus":
                tones = [step if tone in third else tone for tone in tones]
            elif word in ("#", "b"):
                if number == "5":
                    tones = [tone for tone in tones if tone != 7]
                tones.append(step + (1 if word == "#" else -1))
            else:
                tones.append(step - 1 if number == "7" else step)
        classes = dict.fromkeys([self.bass_class, *((self.root_class + tone) % 12 for tone in tones)])
        return tuple(classes)

    def __str__(self) -> str:
        added = "".join(self.degrees)
        return (
            self.root
            + self.kind.spellings[0]
            + (f"({','.join(self.degrees)})" if added else "")
            + (f"/{self.bass}" if self.bass else "")
        )


_DEGREES = (0, 2, 4, 5, 7, 9, 11)
_SPELLINGS = {spelling: kind for kind in CHORD_KINDS for spelling in kind.spellings}
_NO_CHORD = {"n.c.", "nc", "n.c", "none", "tacet"}


def pitch_class_of(name: str) -> int:
    """ "F#" -> 6, "Bb" -> 10. Raises `Refused`."""
    match = re.fullmatch(r"([A-Ga-g])(#*|b*)", name)
    if not match:
        raise Refused(f"{name!r} is not a note name; write it like F#, Bb or C.")
    return (_STEPS[match[1].upper()] + match[2].count("#") - match[2].count("b")) % 12


@lru_cache(maxsize=4096)
def parse_chord(symbol: str) -> Chord | None:
    """The chord a symbol means, or None for "N.C." (no chord). Raises `Unreadable` for what no lead sheet
    would say.

    Understands the kinds of CHORD_KINDS, additions in or out of parentheses ("7(b9)", "m7add11", "7b9#11")
    and a bass after a slash.
    """
    text = symbol.strip().replace("♯", "#").replace("♭", "b").replace(" ", "")
    if text.lower() in _NO_CHORD or not text:
        return None
    # One sign belongs to the root, a second one to what follows (Eb#5), unless nothing else makes sense of it
    # (Bbb).
    for signs in ("[#b]?", "##|bb"):
        match = (
            re.fullmatch(rf"([A-G])({signs})(.*?)(?:/([A-Ga-g])(##|bb|[#b])?)?", text)
            if len(text) <= 40
            else None
        )
        found = _kind_and_degrees(match[3]) if match else None
        if match and found:
            return Chord(match[1] + match[2], *found, match[4].upper() + (match[5] or "") if match[4] else "")
    raise Unreadable(
        f"{symbol[:40]!r} is not a chord symbol the studio knows; write it like Am7, F#dim, G7(b9) or C/E."
    )


_DEGREE = r"(?:no[35]|(?:add|sus|[#b])?(?:11|13|2|4|5|6|7|9))"


def _kind_and_degrees(suffix: str) -> tuple[ChordKind, tuple[str, ...]] | None:
    """What follows a root: the longest beginning that is a kind, then degrees."""
    if suffix in _SPELLINGS:
        return _SPELLINGS[suffix], ()
    plain = re.sub(r"[(),]", "", suffix).replace("omit", "no")
    for cut in range(len(plain), -1, -1):
        kind = _SPELLINGS.get(plain[:cut])
        if kind and re.fullmatch(f"{_DEGREE}*", plain[cut:]):
            return kind, tuple(re.findall(_DEGREE, plain[cut:]))
    return None


def transpose_symbol(symbol: str, semitones: int) -> str:
    """A chord symbol higher by that many half steps. What is no chord symbol stays as it is."""
    try:
        chord = parse_chord(symbol)
    except Unreadable:
        return symbol
    if chord is None:
        return symbol
    minor = chord.kind.tones[1:2] == (3,)

    root = Key.of_tonic((chord.root_class + semitones) % 12, "minor" if minor else "major").tonic_name
    bass = (
        name_on_fifths(_place_on_fifths(chord.bass) + _place_on_fifths(root) - _place_on_fifths(chord.root))
        if chord.bass
        else ""
    )
    return str(replace(chord, root=root, bass=bass))


def _place_on_fifths(name: str) -> int:
    return _FIFTHS.index(name[0]) - 1 + 7 * (name.count("#") - name[1:].count("b"))


def pitch_name(pitch: int, key: Key = Key(0)) -> str:
    """A MIDI pitch as it is spelled in a key, with its octave: 61 is C#4 in D, Db4 in Ab. See `spell`."""
    letter, alter, octave = spell(pitch, key)
    return letter + ("#" * alter if alter >= 0 else "b" * -alter) + str(octave)


def parse_pitch(text: str) -> int:
    """ "C4" is 60, "F#5", "Bb3"; a bare number is a MIDI pitch. Raises `Refused`."""
    match = re.fullmatch(r"([A-Ga-g])(##|bb|♯♯|♭♭|[#b♯♭]?)(-?\d{1,2})", text.strip())
    if match:
        signs = match[2].replace("♯", "#").replace("♭", "b")
        pitch = _STEPS[match[1].upper()] + signs.count("#") - signs.count("b") + 12 * (int(match[3]) + 1)
    elif re.fullmatch(r"\d{1,3}", text.strip()):
        pitch = int(text)
    else:
        raise Refused(f"{text!r} is not a pitch; write it like C4 (middle C), F#5 or Bb3.")
    if not 0 <= pitch <= 127:
        raise Refused(f"{text} is outside of what MIDI can play; choose between C-1 and G9.")
    return pitch


def spell(pitch: int, key: Key) -> tuple[str, int, int]:
    """A MIDI pitch as (letter, alteration, octave) in a key.

    Tones of the scale as the signature has them, the others as near to the tonic on the line of fifths as can
    be, from five below it to six above: b2, b3, #4, b6, b7 in major, and in minor also the raised third,
    sixth and seventh.
    """
    tonic = key.fifths + _mode_fifths(key.mode)
    lowest = min(tonic - 5, key.fifths - 1)
    place = lowest + (7 * pitch - lowest) % 12
    name = name_on_fifths(place)
    alter = name.count("#") - name.count("b")
    return name[0], alter, (pitch - alter) // 12 - 1
