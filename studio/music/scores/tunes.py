"""What a tune is, exactly, whatever file it came from.

    tune = Tune.of([(62, "1/2"), (64, "1/2"), (None, 1)], meter="2/4", key="D", title="Two notes and a rest")
    [(bar.number, [note.pitch for note in tune.in_bar(bar.number)]) for bar in tune.bars()]

Time is counted in quarter notes, in exact fractions, from the beginning of the tune, pick-up included: a
triplet eighth is Fraction(1, 3). A `Tune` is a melody line with chord symbols, and styles are made of tunes.
A `Score` is several parts together.

A note that is tied over a bar line is one note here; it is split and tied again when it is written down.
Repeats are kept as they are written (`repeats`); `Tune.unfolded()` plays them out.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

from studio.errors import Refused, Unreadable
from studio.music.scores.bars import Bar, Grid, Length, MeterAt, Repeat, Volta
from studio.music.scores.chords import ChordAt, transpose_symbol
from studio.music.scores.events import REST, Events
from studio.music.scores.jumps import JumpMark, jumps_of_plain, plain_jumps
from studio.music.scores.keys import Key, KeyAt
from studio.music.scores.meters import Meter
from studio.music.scores.notes import Note
from studio.music.scores.scores import Part, Score, ScoreMarks, Span, TempoAt, played_spans
from studio.music.scores.sections import sections_at
from studio.music.scores.words import Syllable, hyphenated, plain_words, words_in, words_of_plain


@dataclass(frozen=True)
class Tune:
    """A melody with its chords. Construct it with `Tune.of`.

    notes: notes and rests in order, the first at 0 and each starting where the one before ends. grid: its bar
    lines. keys: in order, the first at 0. chords: in order. repeats: as written, in order, not overlapping.
    phrase_ends: where phrases are marked to end (fermatas of a chorale, lines of a song), in order; empty
    where nothing is marked. tempo: quarter notes per minute. id: unique within its style
    ("AcaciaReel.abc"). words: what is sung on the notes, ordered by start and then verse; empty where there
    are none. text: words that are printed below the music, line by line. jumps: da capo, Fine and the like,
    in order. Raises `ValueError` for notes or
    keys that are not like that.
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
    words: tuple[Syllable, ...] = ()
    text: tuple[str, ...] = ()
    jumps: tuple[JumpMark, ...] = ()

    def __post_init__(self) -> None:
        # In whole numbers: adding and comparing fractions would take most of the time of reading a tune.
        top, bottom = 0, 1  # where the note before ends
        for note in self.notes:
            start, length = note.start, note.duration
            if start.numerator * bottom != top * start.denominator or length.numerator <= 0:
                raise ValueError(
                    f"the note at {start} does not begin where the one before ends "
                    f"({Fraction(top, bottom)}), or has no length"
                )
            if note.pitch is not None and not 0 <= note.pitch <= 127:
                raise ValueError(f"{note.pitch} is not a MIDI pitch")
            bottom = start.denominator * length.denominator
            top = start.numerator * length.denominator + length.numerator * start.denominator
        if not self.keys or self.keys[0].start != 0:
            raise ValueError("a tune's first key must be at 0")

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
        """From (pitch or None, duration) pairs, one after the other. more: the other fields of a Tune."""
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
        """The meter that holds for most of it."""
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
        """Its notes without the rests."""
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
        """The bar at this place; at or after the end, the last bar."""
        return self._bars[max(0, bisect_right(self._bars, place, key=lambda bar: bar.start) - 1)]

    def chord_at(self, place: Fraction) -> str | None:
        """The chord symbol in force at this place, or None before the first."""
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
        """The notes as they are written: cut at every bar line, and tied where a note was cut."""
        pieces: list[Note] = []
        for note in self.notes:
            cuts = self._cuts(note)
            for place, (start, end) in enumerate(pairwise([note.start, *cuts, note.end])):
                pieces.append(
                    replace(
                        note,
                        start=start,
                        duration=end - start,
                        tied=note.pitch is not None and place < len(cuts),
                    )
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
        """Higher by that many semitones, or lower where the number is negative. Raises `Refused` where a note
        would leave the range of MIDI.
        """
        if semitones == 0:
            return self
        if any(not 0 <= note.pitch + semitones <= 127 for note in self.notes if note.pitch is not None):
            raise Refused(
                f"Transposed by {semitones} semitones the tune leaves the range of MIDI; "
                "choose a smaller step."
            )
        return replace(
            self,
            notes=tuple(
                replace(note, pitch=note.pitch + semitones, alter=None) if note.pitch is not None else note
                for note in self.notes
            ),
            keys=tuple(KeyAt(change.start, change.key.transposed(semitones)) for change in self.keys),
            chords=tuple(
                ChordAt(chord.start, transpose_symbol(chord.symbol, semitones)) for chord in self.chords
            ),
        )

    def in_key(self, key: Key) -> Tune:
        """Transposed by the smallest step (-5..6 semitones) that makes its tonic that of `key`. It keeps its
        mode.
        """
        return self.transposed((key.tonic - self.key.tonic + 5) % 12 - 5)

    def unfolded(self) -> Tune:
        """With every repeat and jump written out, and second endings after first ones. Without them, the
        tune itself.

        A repeat with as many verses as it is played sings one verse each time.
        """
        if not self.repeats and not self.jumps:
            return self
        spans = played_spans(self.repeats, self.end, self.words, self.jumps)
        return self._assembled([(start, end) for _, start, end in spans], [verse for verse, _, _ in spans])

    def passage(self, start: Fraction, end: Fraction) -> Tune:
        """[start, end) as a tune of its own. Notes that cross an edge are cut there."""
        return self._assembled([(max(start, Fraction(0)), min(end, self.end))])

    def _assembled(
        self, spans: Sequence[tuple[Fraction, Fraction]], verses: Sequence[int] | None = None
    ) -> Tune:
        """These spans of the tune, one after the other, as a tune without repeats.

        verses: the verse that each span sings, which becomes the first; 0 for all of them as they are.
        """
        notes: list[Note] = []
        bars: list[tuple[Fraction, Meter]] = []
        keys: list[KeyAt] = []
        chords: list[ChordAt] = []
        ends: list[Fraction] = []
        words: list[Syllable] = []
        here = Fraction(0)
        for (start, end), verse in zip(spans, verses or [0] * len(spans), strict=True):
            shift = here - start
            notes += self._notes_in(start, end, shift)
            bars += self._bars_in(start, end)
            for change in self._keys_in(start, end):
                if not keys or keys[-1].key != change.key:
                    keys.append(KeyAt(change.start + shift, change.key))
            chords += [ChordAt(chord.start + shift, chord.symbol) for chord in self._chords_in(start, end)]
            ends += [place + shift for place in self.phrase_ends if start < place <= end]
            words += words_in(self.words, start, end, shift, verse)
            here += end - start
        return replace(
            self,
            notes=tuple(notes),
            grid=Grid.of_bars(bars),
            keys=tuple(keys),
            chords=tuple(chords),
            repeats=(),
            phrase_ends=tuple(ends),
            words=hyphenated(words),
            jumps=(),
        )

    def _notes_in(self, start: Fraction, end: Fraction, shift: Fraction) -> Iterator[Note]:
        """The notes of [start, end), cut at its edges and moved by `shift`."""
        first = max(bisect_right(self.notes, start, key=lambda note: note.start) - 1, 0)
        last = bisect_left(self.notes, end, key=lambda note: note.start)
        for place in range(first, last):
            note = self.notes[place]
            if first < place < last - 1:  # only the first and the last can cross an edge
                yield Note(note.pitch, note.start + shift, note.duration, alter=note.alter)
                continue
            begins, stops = max(note.start, start), min(note.end, end)
            if begins < stops:
                yield Note(note.pitch, begins + shift, stops - begins, alter=note.alter)

    def _bars_in(self, start: Fraction, end: Fraction) -> Iterator[tuple[Fraction, Meter]]:
        """The bars of [start, end), cut at its edges, as (length, meter)."""
        first = max(bisect_right(self._bars, start, key=lambda bar: bar.start) - 1, 0)
        for bar in self._bars[first : bisect_left(self._bars, end, key=lambda bar: bar.start)]:
            length = min(bar.end, end) - max(bar.start, start)
            if length > 0:
                yield length, bar.meter

    def _keys_in(self, start: Fraction, end: Fraction) -> list[KeyAt]:
        """The keys of [start, end), beginning with the one in force at its start."""
        in_force = [change.key for change in self.keys if change.start <= start][-1]
        return [KeyAt(start, in_force), *(change for change in self.keys if start < change.start < end)]

    def _chords_in(self, start: Fraction, end: Fraction) -> list[ChordAt]:
        """The chord symbols of [start, end), beginning with the one in force at its start."""
        inside = [chord for chord in self.chords if start <= chord.start < end]
        in_force = self.chord_at(start)
        if in_force is not None and (not inside or inside[0].start > start):
            inside.insert(0, ChordAt(start, in_force))
        return inside

    def fits(self, per_quarter: int) -> bool:
        """Whether every note begins and ends on a grid of that many ticks in a quarter note."""
        return (
            all((note.duration * per_quarter).denominator == 1 for note in self.notes)
            and (self.pickup * per_quarter).denominator == 1
        )

    def events(self, per_quarter: int = 24) -> Events:
        """As arrays, with times in ticks. Raises `Refused` when a note falls between the ticks (see `fits`).

        24 ticks in a quarter note hold 32nds, triplet eighths and triplet sixteenths; 48 hold 64ths too.
        """
        import numpy as np  # here, because processes that only read files do without it

        for length in (*(note.duration for note in self.notes), self.pickup):
            if (length * per_quarter).denominator != 1:
                raise Refused(
                    f"A length of {length} quarter notes does not fit {per_quarter} ticks in a quarter note; "
                    "use a finer grid."
                )
        durations = np.array([int(note.duration * per_quarter) for note in self.notes], np.int32)
        ends = np.cumsum(durations, dtype=np.int32)
        starts = np.concatenate([np.zeros(1, np.int32), ends])[: len(durations)]
        bar_starts = np.array([int(bar.start * per_quarter) for bar in self._bars], np.int32)
        bars = (np.searchsorted(bar_starts, starts, side="right") - 1).astype(np.int32)
        in_bar = starts - bar_starts[bars] if len(bars) else starts
        if self.pickup and len(bars):
            # A pick-up counts as the end of a full bar.
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

    def to_json(self, *, spelled: bool = False) -> str:
        """All of it as compact, canonical JSON; `from_json` reads it back. spelled: see `to_plain`."""
        return as_canonical_json(self.to_plain(spelled=spelled))

    def to_plain(self, *, spelled: bool = False) -> dict[str, Any]:
        """All of it as JSON values, which `from_plain` reads back. Times are fractions as text: "3/2".

        spelled: with the spelling of its notes. A tune without words, text or jumps has no entry for them, so
        that its JSON stays what earlier versions wrote.
        """
        words = {"words": plain_words(self.words)} if self.words else {}
        text = {"text": list(self.text)} if self.text else {}
        jumps = {"jumps": plain_jumps(self.jumps)} if self.jumps else {}
        return (
            words
            | text
            | jumps
            | {
                "chords": [[str(chord.start), chord.symbol] for chord in self.chords],
                "composer": self.composer,
                "id": self.id,
                "keys": [[str(change.start), change.key.fifths, change.key.mode] for change in self.keys],
                "meters": [[str(change.start), str(change.meter)] for change in self.grid.meters],
                "notes": [
                    [
                        note.pitch,
                        str(note.duration),
                        *([note.alter] if spelled and note.alter is not None else []),
                    ]
                    for note in self.notes
                ],
                "phrase_ends": [str(place) for place in self.phrase_ends],
                "pickup": str(self.pickup),
                "repeats": [_plain_repeat(repeat) for repeat in self.repeats],
                "tempo": self.tempo,
                "title": self.title,
            }
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Tune:
        """Raises `Unreadable` for what `to_json` did not write."""
        try:
            return cls.from_plain(json.loads(text))
        except ValueError:
            raise Unreadable(_NOT_A_TUNE) from None

    @classmethod
    def from_plain(cls, values: Any) -> Tune:
        """Raises `Unreadable` for what `to_plain` did not give."""
        try:
            here, notes = Fraction(0), []
            for pitch, duration, *alter in values["notes"]:
                notes.append(Note(pitch, here, _fraction(duration), alter=alter[0] if alter else None))
                here = notes[-1].end
            meters = tuple(MeterAt(_fraction(start), Meter.parse(meter)) for start, meter in values["meters"])
            return cls(
                tuple(notes),
                Grid(meters, _fraction(values["pickup"])),
                tuple(KeyAt(_fraction(start), Key(fifths, mode)) for start, fifths, mode in values["keys"]),
                tuple(ChordAt(_fraction(start), str(symbol)) for start, symbol in values["chords"]),
                tuple(_repeat_of(*each) for each in values["repeats"]),
                tuple(_fraction(place) for place in values["phrase_ends"]),
                str(values["title"]),
                str(values["composer"]),
                float(values["tempo"]),
                str(values["id"]),
                words_of_plain(values.get("words", ())),
                tuple(str(line) for line in values.get("text", ())),
                jumps_of_plain(values.get("jumps", ())),
            )
        except (ValueError, TypeError, KeyError, ZeroDivisionError, Refused):
            raise Unreadable(_NOT_A_TUNE) from None

    def score(self, *, name: str = "", program: int = 0) -> Score:
        """As a score of one part. name: of the part. program: General MIDI instrument 0..127."""
        return self.in_parts((Part(self.sounding, name, program, words=self.words),))

    def in_parts(self, parts: Sequence[Part], marks: ScoreMarks | None = None) -> Score:
        """The score of these parts that this is the melody of. marks: what stands over it."""
        marks = marks or ScoreMarks()
        return Score(
            tuple(parts),
            self.grid,
            self.keys,
            self.chords,
            self.repeats,
            self.title,
            self.composer,
            self.tempo,
            self.end,
            sections_at(marks.sections, self.bars()) if marks.sections else (),
            marks.tempi,
            text=self.text,
            jumps=self.jumps,
        )


def unfolded_score(score: Score) -> Score:
    """A score with every repeat and jump written out; see `Tune.unfolded`."""
    if not score.repeats and not score.jumps:
        return score
    spans = score.spans()
    whole = Tune((Note(None, Fraction(0), score.end),), score.grid, score.keys, score.chords)
    frame = whole._assembled([(start, end) for _, start, end in spans])
    return replace(
        score,
        parts=tuple(part.played(spans) for part in score.parts),
        grid=frame.grid,
        keys=frame.keys,
        chords=frame.chords,
        repeats=(),
        jumps=(),
        length=frame.end,
        sections=sections_at(_sections_played(score, spans), frame.bars()),
        tempo_changes=_tempi_played(score, spans),
    )


def _sections_played(score: Score, spans: Sequence[Span]) -> list[tuple[Fraction, str]]:
    """Where sections begin when these stretches are played one after the other."""
    found, here = [], Fraction(0)
    for _, start, end in spans:
        found += [(here + place - start, name) for place, name in score.section_marks if start <= place < end]
        here += end - start
    return found


def _tempi_played(score: Score, spans: Sequence[Span]) -> tuple[TempoAt, ...]:
    """The changes of tempo when these stretches are played one after the other."""
    found, here, now = [], Fraction(0), score.tempo
    for _, start, end in spans:
        begun = max((each for each in score.tempi if each.start <= start), key=lambda each: each.start)
        inside = [each for each in score.tempi if start < each.start < end]
        for change in (TempoAt(start, begun.tempo), *inside):
            if change.tempo != now:
                now = change.tempo
                found.append(TempoAt(here + change.start - start, now))
        here += end - start
    return tuple(found)


def as_canonical_json(values: Mapping[str, Any]) -> str:
    """A tune's JSON values as the text that is hashed: the same values give the same text."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain_repeat(repeat: Repeat) -> list[Any]:
    """[start, end, first ending, times], and where there are several endings also [[start, passes] …]."""
    ending = None if repeat.ending is None else str(repeat.ending)
    plain: list[Any] = [str(repeat.start), str(repeat.end), ending, repeat.times]
    if repeat.endings:
        plain.append([[str(each.start), list(each.passes)] for each in repeat.endings])
    return plain


def _repeat_of(start: str, end: str, ending: str | None, times: int, endings: Sequence[Any] = ()) -> Repeat:
    return Repeat(
        _fraction(start),
        _fraction(end),
        None if ending is None else _fraction(ending),
        int(times),
        tuple(Volta(_fraction(place), tuple(int(number) for number in passes)) for place, passes in endings),
    )


_NOT_A_TUNE = "This is not a tune as the studio writes it; read it from its original file."


@lru_cache(maxsize=4096)
def _fraction(text: str) -> Fraction:
    return Fraction(text)
