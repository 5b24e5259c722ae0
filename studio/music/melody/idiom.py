"""What is learnt from a style for one key and meter: the events its tunes are made of, and the chain that
joins them.

    idiom = learn(style, Meter.parse("4/4"), Key.parse("D"))
    walk = idiom.walk(lowest=2)
    trellis = idiom.trellis(walk, (idiom.copies(RunKind.INTERVAL, 8),))  # kept for every request of its kind
    idiom.tune(symbols, title="…")                                       # symbols back to notes

A symbol is an event: a pitch (or a rest), how long it lasts, where in the bar it starts, and whether it only
carries the note before it over a bar line. Every tune is transposed to the asked key by the smallest
interval, so pitches are those that will be heard. Repeats are played out before counting. A pick-up is left
out, and the last note of a tune fills its bar, as if the pick-up's time were its own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from math import gcd
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from studio.errors import Refused
from studio.music.chains.automata import SILENT, Automaton, Listener, Viewpoint, copy_limit, differences
from studio.music.chains.markov import Chain, ContextTree, Longs, Mask, WittenBell, count, freeze, mix
from studio.music.chains.minimal import minimal
from studio.music.chains.trellis import SearchBudget, Trellis, Walk, unfold
from studio.music.scores.events import REST
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune
from studio.music.styles.runs import RunKind
from studio.music.styles.style import Style

PER_QUARTER = 24
"""Ticks a quarter note while tunes are read. Tunes with notes between the ticks are left out."""

ENOUGH_TUNES = 40
"""With fewer tunes in a meter, those in a kindred one (2/4 for 4/4, 3/8 for 3/4) are learnt as well, their
note values doubled or halved.
"""

KEPT_TRELLISES = 3


@dataclass(frozen=True, slots=True)
class Event:
    """What happens next in a melody. pitch: MIDI number or REST. ticks: how long. place: ticks from the bar
    line. carries: the note before sounds on over the bar line; nothing is struck.
    """

    pitch: int
    ticks: int
    place: int
    carries: bool = False


@dataclass(frozen=True)
class LearntTune:
    """One tune as it was learnt.

    number: its number in the style. events: without its pick-up, repeats played out. bars: the bar of each
    event, from 0. written: for each bar, its number as written. sections: the bars at which a repeated
    section, or what follows one, begins as it is played. phrase_ends: (bar, ticks in the bar) where a phrase
    is marked to end.
    """

    number: int
    title: str
    events: tuple[Event, ...]
    bars: tuple[int, ...]
    written: tuple[int, ...]
    sections: tuple[int, ...]
    phrase_ends: tuple[tuple[int, int], ...] = ()

    @property
    def length(self) -> int:
        """In bars."""
        return len(self.written)

    def in_bars(self) -> list[tuple[Event, ...]]:
        """Its events bar by bar."""
        found: list[list[Event]] = [[] for _ in self.written]
        for event, bar in zip(self.events, self.bars, strict=True):
            found[bar].append(event)
        return [tuple(events) for events in found]


def _coarser(line: LearntTune, unit: int) -> LearntTune:
    """The same tune in ticks `unit` times as long."""
    events = tuple(
        _event(each.pitch, each.ticks // unit, each.place // unit, each.carries) for each in line.events
    )
    return replace(
        line, events=events, phrase_ends=tuple((number, place // unit) for number, place in line.phrase_ends)
    )


@dataclass(frozen=True)
class KnownEvents:
    """The events of tunes. unit: ticks of `PER_QUARTER` that make one of theirs. events: the different ones,
    in the order in which they come. sequences: each tune as their numbers.
    """

    unit: int
    events: Sequence[Event]
    sequences: list[list[int]]


class IdiomKeeper(Protocol):
    """Where an idiom keeps what takes long to work out, and finds it again."""

    def copies(
        self, kind: RunKind, notes: int, rises: tuple[int, ...], work_out: Callable[[], Automaton]
    ) -> Automaton:
        """The automaton of a copy limit, kept or worked out. rises: the letters of `RunKind.INTERVAL`."""
        ...

    def trellis(
        self, walk: Walk, listener: Listener, limit: tuple[int, RunKind, int], budget: SearchBudget
    ) -> Trellis:
        """The trellis of a walk under a copy limit alone. limit: the walk's lowest order, and the limit."""
        ...


class Idiom:
    """The events of a style in one key and meter. Its parts are worked out when first asked for, and kept.

    pitch, ticks, place, carries: [alphabet], one for each symbol; `REST` is the pitch of a rest. bar: ticks a
    bar. tick: quarter notes a tick. lines: the tunes learnt from. left_out: how many tunes in the meter were
    skipped, for irregular bars or notes between the ticks. kindred: how many of the lines are in another
    meter, their note values doubled or halved. store: where its larger parts are kept, if anywhere.
    """

    def __init__(
        self,
        style: Style,
        meter: Meter,
        key: Key,
        lines: Sequence[LearntTune],
        *,
        longest: int,
        left_out: int,
        kindred: int,
        known: KnownEvents | int = 0,
    ) -> None:
        """known: ticks of `PER_QUARTER` that make one of the lines' ticks, or all that is known of their
        events. 0: the lines are in ticks of `PER_QUARTER`, and are counted in the longest ticks that all of
        their events begin and end on.
        """
        unit = known if isinstance(known, int) else known.unit
        self.style, self.meter, self.key, self.longest = style, meter, key, longest
        self.left_out, self.kindred = left_out, kindred
        bar = int(meter.bar_length * PER_QUARTER)
        self.lines = tuple(lines)
        if not unit:
            kinds = {event for line in lines for event in line.events}
            unit = gcd(bar, PER_QUARTER // 2, *(event.ticks for event in kinds))
            unit = gcd(unit, *(event.place for event in kinds))
            if unit > 1:
                self.lines = tuple(_coarser(line, unit) for line in lines)
        self.unit, self.tick, self.bar = unit, Fraction(unit, PER_QUARTER), bar // unit
        self.number: dict[Event, int] = {}
        if isinstance(known, KnownEvents):
            self.number.update(zip(known.events, range(len(known.events)), strict=True))
            self.sequences = known.sequences
        else:
            self.sequences = [
                [self.number.setdefault(event, len(self.number)) for event in line.events]
                for line in self.lines
            ]
        self.events = tuple(self.number)
        self.pitch = np.array([event.pitch for event in self.events], dtype=np.int64)
        self.ticks = np.array([event.ticks for event in self.events], dtype=np.int64)
        self.place = np.array([event.place for event in self.events], dtype=np.int64)
        self.carries = np.array([event.carries for event in self.events], dtype=bool)
        for column in (self.pitch, self.ticks, self.place, self.carries):
            column.flags.writeable = False
        self.store: IdiomKeeper | None = None
        self._chains: dict[int, Chain] = {}
        self._walks: dict[int, Walk] = {}
        self._copies: dict[tuple[RunKind, int], Listener] = {}
        self._trellises: dict[tuple[int, ...], Trellis] = {}

    @property
    def alphabet(self) -> int:
        return len(self.events)

    @cached_property
    def sounding(self) -> Mask:
        """[alphabet]: notes, not rests."""
        return self.pitch >= 0

    @cached_property
    def struck(self) -> Mask:
        """[alphabet]: notes that begin here, not rests and not what carries a note on."""
        found: Mask = self.sounding & ~self.carries
        return found

    @cached_property
    def degree(self) -> Longs:
        """[alphabet]: semitones above the tonic, 0..11; -1 for a rest."""
        found: Longs = np.where(self.sounding, (self.pitch - self.key.tonic) % 12, -1)
        return found

    @cached_property
    def range(self) -> tuple[int, int]:
        """(lowest, highest) MIDI pitch between which 99 of 100 notes of the learnt tunes lie, in their own
        keys.
        """
        wide = self.style.events(PER_QUARTER)
        chosen = np.isin(wide.tunes, [line.number for line in self.lines])
        sung = np.concatenate(
            [wide.pitches[a:b] for (a, b), yes in zip(pairwise(wide.offsets), chosen, strict=True) if yes]
        )
        low, high = np.percentile(sung[sung >= 0], [0.5, 99.5]) if len(sung) else (0, 127)
        return int(low), int(high)

    @property
    def line_symbols(self) -> list[list[int]]:
        """Each of its lines as symbols."""
        return self.sequences

    @cached_property
    def usual_length(self) -> float:
        """The mean length in ticks of what sounds in its lines."""
        symbols = np.concatenate([np.array(line, dtype=np.int64) for line in self.line_symbols])
        return float(np.mean(self.ticks[symbols[self.sounding[symbols]]]))

    @cached_property
    def tree(self) -> ContextTree:
        return count(self.sequences, alphabet=self.alphabet, longest=self.longest)

    def chain(self, lowest: int) -> Chain:
        if lowest not in self._chains:
            self._chains[lowest] = mix(self.tree, WittenBell(), lowest=min(lowest, self.longest))
        return self._chains[lowest]

    def walk(self, lowest: int) -> Walk:
        """A walk from bar line to bar line: every event at its own place, none across a bar line."""
        if lowest not in self._walks:
            places = (self.place == np.arange(self.bar)[:, None]) & (self.place + self.ticks <= self.bar)
            self._walks[lowest] = Walk(self.chain(lowest), self.ticks, period=self.bar, places=places)
        return self._walks[lowest]

    def trellis(
        self, walk: Walk, readings: tuple[Listener, ...], budget: SearchBudget | None = None
    ) -> Trellis:
        """`unfold`, kept for the next request with the same walk and readings. Raises `Refused` where it
        grows beyond the budget.
        """
        key = (id(walk), *(id(reading) for reading in readings))
        found = self._trellises.pop(key, None)
        if found is None:
            while len(self._trellises) >= KEPT_TRELLISES:
                del self._trellises[next(iter(self._trellises))]
            found = self._unfolded(walk, readings, budget or SearchBudget())
        self._trellises[key] = found
        return found

    def _unfolded(self, walk: Walk, readings: tuple[Listener, ...], budget: SearchBudget) -> Trellis:
        """A new trellis; where it is the usual one, of a copy limit alone, perhaps from the store."""
        lowest = next((each for each, known in self._walks.items() if known is walk), None)
        limit = next((each for each, known in self._copies.items() if readings == (known,)), None)
        if self.store is None or lowest is None or limit is None:
            return minimal(unfold(walk, readings, budget=budget))
        return self.store.trellis(walk, readings[0], (lowest, *limit), budget)

    def copies(self, kind: RunKind, notes: int) -> Listener:
        """At most `notes` notes in a row as in a tune of the style, compared by `kind`.

        Every tune of the style counts, whatever its meter: as it is written and, for those learnt from, as it
        is played. Raises `Refused` for less than one note.
        """
        if notes < 1:
            raise Refused(f"A copy limit of {notes} notes leaves nothing to play; allow at least 1.")
        if (kind, notes) not in self._copies:
            letters = notes if kind is RunKind.PITCH else notes - 1

            def work_out() -> Automaton:
                view, lines = self.heard(kind)
                return copy_limit(lines, letters, view.letters)

            if self.store:
                automaton = self.store.copies(kind, notes, tuple(self.rises.tolist()), work_out)
            else:
                automaton = work_out()
            self._copies[kind, notes] = Listener(self.viewpoint(kind), automaton)
        return self._copies[kind, notes]

    def viewpoint(self, kind: RunKind) -> Viewpoint:
        """How notes are compared, alone: of a rhythm, that depends on the whole style."""
        if kind in self._heard or kind is RunKind.RHYTHM:
            return self.heard(kind)[0]
        return self._pitch_view if kind is RunKind.PITCH else self._interval_view

    def heard(self, kind: RunKind) -> tuple[Viewpoint, list[NDArray[np.int64]]]:
        """How notes are compared, and the whole style in that view, cut wherever something sounds that these
        events cannot play.
        """
        if kind not in self._heard:
            written, played = self._written, list(self._played())
            if kind is RunKind.PITCH:
                self._heard[kind] = self._by_pitch(written)
            elif kind is RunKind.INTERVAL:
                self._heard[kind] = self._by_interval(written + played)
            else:
                self._heard[kind] = self._by_rhythm(written + played)
        return self._heard[kind]

    @cached_property
    def _heard(self) -> dict[RunKind, tuple[Viewpoint, list[NDArray[np.int64]]]]:
        return {}

    @cached_property
    def _written(self) -> list[NDArray[np.int64]]:
        """Every tune of the style as it is written, [notes, 2]: pitches in its own key, and lengths as
        `_length_code` has them.
        """
        return [
            np.stack([pitches, tops << 24 | bottoms], axis=1)
            for pitches, tops, bottoms in self.style.sounding()
        ]

    def _played(self) -> Iterable[NDArray[np.int64]]:
        """The same for the tunes learnt from, as they are played, in the asked key."""
        codes = {int(length): _length_code(int(length) * self.tick) for length in np.unique(self.ticks)}
        for line in self.line_symbols:
            symbols = np.array(line, dtype=np.int64)
            symbols = symbols[self.sounding[symbols]]
            if not len(symbols):
                yield np.empty((0, 2), dtype=np.int64)
                continue
            begins = ~self.carries[symbols]
            begins[0] = True
            struck = np.flatnonzero(begins)
            ticks = np.add.reduceat(self.ticks[symbols], struck).tolist()
            for length in set(ticks) - codes.keys():
                codes[length] = _length_code(length * self.tick)
            lengths = np.array([codes[length] for length in ticks], dtype=np.int64)
            yield np.stack([self.pitch[symbols[struck]], lengths], axis=1)

    @cached_property
    def pitches(self) -> NDArray[np.int64]:
        """The pitches that can be struck, ascending: the letters of `RunKind.PITCH`."""
        found: NDArray[np.int64] = np.unique(self.pitch[self.struck])
        return found

    @cached_property
    def rises(self) -> NDArray[np.int64]:
        """The steps in semitones that are possible, ascending: the letters of `RunKind.INTERVAL`."""
        found: NDArray[np.int64] = np.unique(self.pitches[None, :] - self.pitches[:, None])
        return found

    def _by_pitch(self, lines: Sequence[NDArray[np.int64]]) -> tuple[Viewpoint, list[NDArray[np.int64]]]:
        codes = [_coded(self.pitches, line[:, 0]) for line in lines]
        return self._pitch_view, [part for code in codes for part in _cut(code)]

    @cached_property
    def _pitch_view(self) -> Viewpoint:
        letter = np.where(self.struck, np.searchsorted(self.pitches, self.pitch), SILENT)[None, :]
        view = Viewpoint(
            max(1, len(self.pitches)), letter.astype(np.int32), np.zeros(letter.shape, dtype=np.int32)
        )
        freeze(view)
        return view

    @cached_property
    def _interval_view(self) -> Viewpoint:
        return differences(np.where(self.struck, self.pitch, SILENT))

    def _by_interval(self, lines: Sequence[NDArray[np.int64]]) -> tuple[Viewpoint, list[NDArray[np.int64]]]:
        some = [line[:, 0] for line in lines if len(line)]
        if not some:
            return self._interval_view, []
        pitches = np.concatenate(some)
        code = _coded(self.rises, np.diff(pitches))
        code[np.cumsum([len(line) for line in some])[:-1] - 1] = -1  # from one tune to the next
        return self._interval_view, _cut(code)

    def _by_rhythm(self, lines: Sequence[NDArray[np.int64]]) -> tuple[Viewpoint, list[NDArray[np.int64]]]:
        """A letter is a step with the length of the note it leaves, as the originality report counts.

        The memory is the note that sounds or sounded last, and its length: 0 before the first note, then
        1 + pitch number * m + length number. A note that is carried over a bar line grows. The last of the m
        lengths stands for all that no tune has.
        """
        pitches = self.pitches
        code_of = {int(t): _length_code(int(t) * self.tick) for t in np.unique(self.ticks)}
        lengths = np.unique(np.concatenate([[*code_of.values()], *(line[:, 1] for line in lines)]))
        unknown = len(lengths)
        n, m = len(pitches), unknown + 1
        rises = self.rises
        own_length = np.array([int(np.searchsorted(lengths, code_of[int(t)])) for t in self.ticks])
        own_pitch = np.searchsorted(pitches, self.pitch)
        memory = np.tile(np.arange(1 + n * m)[:, None], (1, self.alphabet))
        memory[:, self.struck] = (1 + own_pitch * m + own_length)[self.struck]
        before_pitch = np.repeat(np.arange(n), m)
        before_length = np.tile(np.arange(m), n)
        for symbol in np.flatnonzero(self.carries & self.sounding):
            grown = np.array(
                [_grown(lengths, int(length), int(self.ticks[symbol]) * self.tick) for length in range(m)]
            )
            memory[1:, symbol] = 1 + before_pitch * m + grown[before_length]
        letter = np.full(memory.shape, SILENT, dtype=np.int64)
        rise = np.searchsorted(
            rises, np.clip(self.pitch[None, :] - pitches[before_pitch][:, None], rises[0], rises[-1])
        )
        letter[1:] = np.where(self.struck[None, :], rise * m + before_length[:, None], SILENT)
        view = Viewpoint(len(rises) * m, letter.astype(np.int32), memory.astype(np.int32))
        freeze(view)
        coded: list[NDArray[np.int64]] = []
        for line in lines:
            step = _coded(rises, np.diff(line[:, 0]))
            length = np.searchsorted(lengths, line[:-1, 1])
            coded += _cut(np.where(step < 0, -1, step * m + length))
        return view, coded

    def standing_for(self, pitch: int, event: Event) -> Mask:
        """[alphabet]: what has the place, length and tie of an event, on that pitch."""
        found: Mask = np.zeros(self.alphabet, dtype=bool)
        number = self.number.get(Event(pitch, event.ticks, event.place, event.carries))
        if number is not None:
            found[number] = True
        return found

    # From symbols to music
    # --------------------------------------------------------------------------------------------------------

    def symbols_of(self, tune: Tune, first: int, last: int) -> list[int]:
        """Bars `first` to `last` of a tune (from 1, as musicians count) as symbols.

        Raises `Refused` where it has no such bar, or plays something that no tune of the style plays.
        """
        found: list[int] = []
        for number in range(first, last + 1):
            bar = next((each for each in tune.bars() if each.number == number), None)
            if bar is None or not bar.full or bar.length != self.meter.bar_length:
                raise Refused(
                    f"The tune to keep bars from has no full bar {number} in {self.meter}; name other bars."
                )
            for note in tune.notes:
                start, end = max(note.start, bar.start), min(note.end, bar.end)
                if start >= end:
                    continue
                ticks, place = (end - start) / self.tick, (start - bar.start) / self.tick
                pitch = REST if note.pitch is None else note.pitch
                event = Event(pitch, int(ticks), int(place), note.start < start and pitch >= 0)
                if ticks.denominator != 1 or place.denominator != 1 or event not in self.number:
                    raise Refused(
                        f"Bar {number} of the tune to keep bars from has a note that "
                        f"{self.style.entry.title} never plays at that place in {self.key.short()}; "
                        "keep other bars."
                    )
                found.append(self.number[event])
        return found

    def tune(
        self, symbols: Iterable[int], *, title: str = "", composer: str = "", tempo: float = 120.0
    ) -> Tune:
        """Symbols as a tune in the idiom's key and meter. What is carried over a bar line becomes one
        note.
        """
        notes: list[tuple[int | None, Fraction]] = []
        for symbol in symbols:
            event = self.events[symbol]
            length = event.ticks * self.tick
            if event.carries and notes and notes[-1][0] == event.pitch:
                notes[-1] = (notes[-1][0], notes[-1][1] + length)
            else:
                notes.append((None if event.pitch < 0 else event.pitch, length))
        return Tune.of(notes, meter=self.meter, key=self.key, title=title, composer=composer, tempo=tempo)


def learn(style: Style, meter: Meter, key: Key, *, longest: int = 4) -> Idiom:
    """The idiom of a style in a meter and key: all its tunes in that meter and mode, transposed to the key.

    Where fewer than `ENOUGH_TUNES` are in the meter, tunes in kindred meters are learnt as well. A style
    without a tune in the mode lends those of its other modes. longest: the chain's longest order, 1..8.
    Raises `Refused` when nothing is left.
    """
    if not 1 <= longest <= 8:
        raise Refused(f"The order is {longest}; it must be from 1 to 8.")
    modes, meters = style.modes, style.meters
    kin = {name: factor for name in set(meters) if (factor := kinship(Meter.parse(name), meter))}
    same = [t for t, name in enumerate(meters) if kin.get(name) == 1]
    other = [t for t, name in enumerate(meters) if kin.get(name, 1) != 1]
    chosen: list[int] = []
    for family in (_family(key.mode), tuple(set(modes))):
        chosen = [t for t in same if modes[t] in family]
        if len(chosen) < ENOUGH_TUNES:
            chosen += [t for t in other if modes[t] in family]
        if chosen:
            break
    if not chosen:
        style.filtered(meter=str(meter))  # says which meters there are
        raise Refused(f"{style.entry.title} has no tune to learn from in {meter}.")
    lines: list[LearntTune] = []
    left_out = 0
    for number in chosen:
        line = _learnt_tune(style, number, kin[meters[number]], meter, key)
        if line is None:
            left_out += 1
        else:
            lines.append(line)
    if not lines:
        raise Refused(
            f"None of the {len(chosen)} tunes of {style.entry.title} in {meter} can be learnt from, because "
            f"their bars are irregular or their rhythms finer than {PER_QUARTER} ticks a quarter; "
            "choose another meter."
        )
    kindred = sum(kin[meters[line.number]] != 1 for line in lines)
    return Idiom(style, meter, key, lines, longest=longest, left_out=left_out, kindred=kindred)


def kinship(there: Meter, asked: Meter) -> Fraction | None:
    """The factor by which note values of a tune in one meter are stretched to fit another: 1 for 2/2 in 4/4,
    2 for 2/4 in 4/4, 1/2 for 3/2 in 3/4. None where bars are counted differently.
    """

    def beats(meter: Meter) -> tuple[int, bool]:
        whole = 2 if meter.numerator in (2, 4) else meter.numerator
        return whole, meter.compound

    factor = asked.bar_length / there.bar_length
    return factor if beats(there) == beats(asked) and factor in (Fraction(1, 2), 1, 2) else None


def _family(mode: str) -> tuple[str, ...]:
    """The modes that are learnt together: those with the same third."""
    minor = ("minor", "dorian", "phrygian")
    if mode in ("major", "minor"):
        return (mode,)
    return (mode, "minor") if mode in minor else (mode, "major")


def _learnt_tune(style: Style, number: int, stretch: Fraction, meter: Meter, key: Key) -> LearntTune | None:
    """A tune as events in the asked key, bar by bar. None where a note falls between the ticks, bars are
    irregular, or none is full.

    It is worked out in whole ticks from the style's columns: with fractions it takes ten times as long.
    """
    tune, pitches, tops, bottoms = style.outline(number)
    ratio = int(stretch * PER_QUARTER)
    bar = int(meter.bar_length * PER_QUARTER)
    if len(tune.grid.meters) > 1 or not _on_ticks(tune, tops, bottoms, ratio):
        return None
    shift = shift_to(key.tonic, tune.key.tonic)
    pitches = [REST if pitch < 0 else pitch + shift for pitch in pitches]
    if not pitches or max(pitches) > 127 or min(pitches) < REST:
        return None
    starts = [0, *accumulate(top * ratio // bottom for top, bottom in zip(tops, bottoms, strict=True))]
    spans = _spans(tune, starts[-1], ratio)
    if any((stop - start) % bar for start, stop in spans[:-1]):
        spans = [(0, starts[-1])]  # its repeats do not fill whole bars: learnt as it is written
    pickup = int(tune.pickup * ratio)
    events: list[Event] = []
    bars: list[int] = []
    written: list[int] = []
    sections: list[int] = []
    here = -pickup  # ticks played since the first full bar
    for part, (start, stop) in enumerate(spans):
        sections.append(max(0, -(-here // bar)))
        last = part == len(spans) - 1
        for event, at in _events_of(pitches, starts, (start, stop), here, bar, fills_its_bar=last):
            if at >= 0:  # what comes before is the pick-up
                events.append(event if events else replace(event, carries=False))
                bars.append(at // bar)
        whole = range(len(written), -(-(here + stop - start) // bar))
        written += [(start + (one * bar - here) - pickup) // bar + 1 for one in whole]
        here += stop - start
    if not events:
        return None
    return LearntTune(
        number,
        tune.title or tune.id,
        tuple(events),
        tuple(bars),
        tuple(written),
        tuple(dict.fromkeys(sections)),
        tuple(_marks(tune, ratio, bar)) if len(spans) == 1 else (),
    )


def shift_to(tonic: int, own: int) -> int:
    """By how many semitones, -5..6, a tune is moved. tonic: of the key it is moved to; own: its own tonic;
    both pitch classes.
    """
    return (tonic - own + 5) % 12 - 5


def _on_ticks(tune: Tune, tops: Sequence[int], bottoms: Sequence[int], ratio: int) -> bool:
    """Whether all notes and repeats begin on ticks. tops / bottoms: the lengths of the notes."""
    if any(top * ratio % bottom for top, bottom in zip(tops, bottoms, strict=True)):
        return False
    edges = [edge for again in tune.repeats for edge in again.edges]
    return all((length * ratio).denominator == 1 for length in (tune.pickup, *edges))


def _events_of(
    pitches: Sequence[int],
    starts: Sequence[int],
    span: tuple[int, int],
    here: int,
    bar: int,
    *,
    fills_its_bar: bool,
) -> Iterator[tuple[Event, int]]:
    """(event, the tick at which it is played) for a stretch of a tune that is played from tick `here` on.

    pitches, starts: of all notes, as written. fills_its_bar: the tune's last note lasts to the end of its
    bar, since the pick-up's time belongs to it.
    """
    start, stop = span
    for note in range(bisect_right(starts, start) - 1, len(pitches)):
        if starts[note] >= stop:
            break
        at, until = max(starts[note], start) - start + here, min(starts[note + 1], stop) - start + here
        if fills_its_bar and note == len(pitches) - 1 and pitches[note] >= 0:
            until += -until % bar
        struck = starts[note] >= start
        while at < until:
            cut = min(until, (at // bar + 1) * bar)
            yield _event(pitches[note], cut - at, at % bar, not struck and pitches[note] >= 0), at
            # A note that begins in the pick-up is struck again at the first bar line.
            struck = struck and at < 0
            at = cut


@lru_cache(maxsize=1 << 14)
def _event(pitch: int, ticks: int, place: int, carries: bool) -> Event:
    """An event; the same object for the same values, since a style has few and plays each of them often."""
    return Event(pitch, ticks, place, carries)


def _marks(tune: Tune, ratio: int, bar: int) -> list[tuple[int, int]]:
    """(bar, ticks in it) of the marked phrase ends; one on a bar line ends the bar before."""
    places = [int(mark * ratio) - int(tune.pickup * ratio) for mark in tune.phrase_ends]
    return [((place - 1) // bar, (place - 1) % bar + 1) for place in places if place > 0]


def _spans(tune: Tune, end: int, ratio: int) -> list[tuple[int, int]]:
    """The stretches of a tune in the order they are played, in ticks; as `Tune.unfolded` plays them. end: of
    the tune, in ticks.
    """
    spans: list[tuple[int, int]] = []
    here = 0
    for again in tune.repeats:
        first, last = int(again.start * ratio), int(again.end * ratio)
        if first < here or last > end:
            continue
        spans += [
            (here, first),
            *((int(start * ratio), int(stop * ratio)) for _, start, stop in again.played()),
        ]
        here = last
    spans.append((here, end))
    return [(start, stop) for start, stop in spans if start < stop]


def _length_code(length: Fraction) -> int:
    """A length as a whole number, equal exactly where lengths are equal."""
    return (length.numerator & 0xFFFFFF) << 24 | (length.denominator & 0xFFFFFF)


def _grown(lengths: NDArray[np.int64], number: int, more: Fraction) -> int:
    """The number of a length after it has gone on for `more`; one past the last where no tune has it."""
    if number >= len(lengths):
        return len(lengths)
    code = int(lengths[number])
    longer = _length_code(Fraction(code >> 24, code & 0xFFFFFF) + more)
    at = int(np.searchsorted(lengths, longer))
    return at if at < len(lengths) and lengths[at] == longer else len(lengths)


def _coded(known: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each value among the known ones, -1 for others."""
    at = np.minimum(np.searchsorted(known, values), max(0, len(known) - 1))
    found: NDArray[np.int64] = (
        np.where(known[at] == values, at, -1) if len(known) else np.full(len(values), -1)
    )
    return found


def _cut(code: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The stretches between the -1s of a code."""
    if not (code < 0).any():
        return [code]
    return [part[part >= 0] for part in np.split(code, np.flatnonzero(code < 0)) if (part >= 0).any()]
