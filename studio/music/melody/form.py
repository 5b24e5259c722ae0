"""Form: which bars of a tune come back, and where its phrases close. Learnt from the tunes of a style, or
asked for in letters.

    forms = learn_forms(idiom)
    plan = forms.plan(16, random)               # as a tune of the style: bars 5-6 are 1-2, bar 8 closes …
    plan = forms.sections("AABA", 32, random)   # four parts of eight bars, the third of them new
    forms.weights(16), forms.gait(plan)         # what is played more in the opening bar, before a close …
    measure(bars, length, scale)                # how much returns in a tune, for comparing tunes

A chain with a memory of a few notes wanders. What makes a tune of it is that something returns (exactly,
moved, or with another ending) and that phrases breathe. Each tune of a style is read for that, bar by bar,
both as it is played (repeats played out) and once through. A plan is taken from the tunes of the asked
length, each as often as the others, so common plans come often and the plan of one odd tune rarely.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.errors import Refused
from studio.music.chains.markov import Floats
from studio.music.melody.idiom import Event, Idiom, LearntTune
from studio.music.melody.recipes import read_parts

Bar = tuple[Event, ...]


class How(IntEnum):
    """How a bar is like an earlier one; the first is the strongest."""

    EXACT = 0
    OPENING = 1
    """The first half is the same, the rest is new: another ending."""
    MOVED = 2
    """The same, some steps of the scale higher or lower: a sequence."""
    RHYTHM = 3


@dataclass(frozen=True, slots=True)
class Return:
    """Bar `bar` is like the earlier bar `of` (both from 0). steps: of the scale, for `How.MOVED`."""

    bar: int
    of: int
    how: How
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Close:
    """A phrase closes in bar `bar` (from 0) with a note that begins `place` ticks into it, lasts `ticks`, and
    is `degree` semitones (0..11) above the tonic.
    """

    bar: int
    place: int
    ticks: int
    degree: int


@dataclass(frozen=True)
class FormPlan:
    """The form of a tune of `bars` bars.

    parts: the bars (from 0) at which its parts begin, with their letters, such as ((0, "A"), (8, "B")). like:
    the number of the shape (`Forms.shapes`) that lent the plan and whose gait the tune takes, -1 for none.
    """

    bars: int
    returns: tuple[Return, ...] = ()
    closes: tuple[Close, ...] = ()
    parts: tuple[tuple[int, str], ...] = ()
    like: int = -1

    def to_data(self) -> dict[str, Any]:
        """As JSON values, bars from 1.

        letters: see there. parts: [bar, letter]. returns: [bar, the bar it is like, how, steps], how being
        "exact", "opening", "moved" or "rhythm". closes: [bar, semitones above the tonic].
        """
        return {
            "bars": self.bars,
            "letters": self.letters,
            "parts": [[bar + 1, letter] for bar, letter in self.parts],
            "returns": [
                [each.bar + 1, each.of + 1, each.how.name.lower(), each.steps] for each in self.returns
            ],
            "closes": [[close.bar + 1, close.degree] for close in self.closes],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> FormPlan:
        """A plan from `to_data`, without its closes, which do not say when in the bar they come."""
        return cls(
            int(data["bars"]),
            tuple(
                Return(bar - 1, of - 1, How[str(how).upper()], steps)
                for bar, of, how, steps in data["returns"]
            ),
            parts=tuple((bar - 1, str(letter)) for bar, letter in data["parts"]),
        )

    @property
    def letters(self) -> str:
        """One number a bar, the same number where a bar returns exactly: "1 2 3 4 1 2 5 6"."""
        numbers: list[int] = []
        same = {each.bar: each.of for each in self.returns if each.how is How.EXACT}
        new = 0
        for bar in range(self.bars):
            if bar in same:
                numbers.append(numbers[same[bar]])
            else:
                new += 1
                numbers.append(new)
        return " ".join(map(str, numbers))

    @property
    def returning(self) -> float:
        """Share 0..1 of the bars that are exactly an earlier one."""
        return sum(each.how is How.EXACT for each in self.returns) / self.bars if self.bars else 0.0

    def in_words(self) -> str:
        """Which bars return, as musicians count them: "bars 5-6 are 1-2; bar 8 is 4 with another ending"."""
        said = [f"part {letter} from bar {bar + 1}" for bar, letter in self.parts if len(self.parts) > 1]
        for run in _runs(self.returns):
            first, last = run[0], run[-1]
            if first.how is not How.RHYTHM:
                here, there = _bars(first.bar, last.bar), _span(first.of, last.of)
                said.append(f"{here} {'is' if len(run) == 1 else 'are'} {there}{IN_WORDS[first.how]}")
        return "; ".join(said) or "nothing returns"


IN_WORDS = {How.EXACT: "", How.OPENING: " with another ending", How.MOVED: " moved"}


def _runs(returns: Iterable[Return]) -> list[list[Return]]:
    """Returns that go on together, such as bars 5, 6 and 7 that are 1, 2 and 3."""
    runs: list[list[Return]] = []
    for each in returns:
        last = runs[-1][-1] if runs else None
        if last is not None and replace(last, bar=last.bar + 1, of=last.of + 1) == each:
            runs[-1].append(each)
        else:
            runs.append([each])
    return runs


def _span(first: int, last: int) -> str:
    return str(first + 1) if first == last else f"{first + 1}-{last + 1}"


def _bars(first: int, last: int) -> str:
    return ("bar " if first == last else "bars ") + _span(first, last)


class Forms:
    """The forms of a style. What takes time is worked out when first asked for.

    shapes: every tune as it is played and, where that differs, once through. plans: number of bars -> the
    plans of all shapes of that length.
    """

    def __init__(self, idiom: Idiom, plans: Iterable[FormPlan] | None = None) -> None:
        """plans: of all shapes of 2 to 128 bars, in their order, where they were read before."""
        self.idiom = idiom
        self.shapes = [
            shape
            for line, symbols in zip(idiom.lines, idiom.line_symbols, strict=True)
            for shape in _shapes(line, symbols)
        ]
        self.plans: dict[int, list[FormPlan]] = {}
        for plan in self._plans() if plans is None else plans:
            self.plans.setdefault(plan.bars, []).append(plan)

    def _plans(self) -> Iterable[FormPlan]:
        reader = BarReader(self.idiom.bar, self.idiom.key.scale)
        for number, shape in enumerate(self.shapes):
            if 2 <= shape.length <= 128:
                yield replace(self._read(shape, reader), like=number)

    @cached_property
    def period(self) -> int:
        """Bars of a usual part of a tune; 8 where the tunes do not say."""
        lengths: Counter[int] = Counter()
        for shape in self.shapes:
            edges = [*shape.parts, shape.length]
            lengths.update(after - before for before, after in pairwise(edges) if len(edges) > 2)
        return next((length for length, _ in lengths.most_common() if 2 <= length <= 32), 8)

    def plan(self, bars: int, random: np.random.Generator) -> FormPlan:
        """A plan of the style for this many bars.

        Where no tune is that long, it is the beginning of one up to twice as long, or else a rondo of parts.
        """
        choice = [plan for plan in self.plans.get(bars, ()) if plan.returning >= 1 / 8]
        if choice:
            # A tune that is played round and round may end anywhere. One that is asked for should close.
            closing = [
                plan
                for plan in choice
                if any(close.bar == bars - 1 and close.degree == 0 for close in plan.closes)
            ]
            choice = closing if len(closing) * 4 >= len(choice) else choice
            return self._ended(choice[int(random.integers(len(choice)))], random)
        longer = [
            plan
            for length in sorted(self.plans)
            if bars < length <= 2 * bars
            for plan in self.plans[length]
            if plan.returning >= 1 / 8
        ]
        if longer:
            return self._ended(cut(longer[int(random.integers(len(longer)))], bars), random)
        # Longer than any tune of the style: a rondo of parts, A B A C A …, the last one cut to fit.
        period = min(self.period, bars)
        whole = -(-bars // period)
        letters = "".join(
            "A" if number % 2 == 0 or whole < 3 else chr(ord("B") + (number // 2) % 24)
            for number in range(whole)
        )
        return self._ended(cut(self.sections(letters, whole * period, random), bars), random)

    def sections(self, letters: str, bars: int, random: np.random.Generator) -> FormPlan:
        """Parts of equal length: the same letter is the same music to the note, a prime (A') the same with
        another last quarter.

        Within its parts the plan is one of the style. Raises `Refused` where the bars cannot be divided so.
        """
        parts = read_parts(letters)
        size, over = divmod(bars, len(parts))
        if over or size < 1:
            near = " or ".join(str(len(parts) * size) for size in (size, size + 1) if size)
            raise Refused(
                f"{bars} bars cannot be divided into the {len(parts)} equally long parts of {letters}; "
                f"make it {near} bars."
            )
        returns: list[Return] = []
        closes: list[Close] = []
        first: dict[str, int] = {}
        ending = max(1, size // 4)
        like = -1
        for number, part in enumerate(parts):
            start, letter = number * size, part.rstrip("'")
            known = first.get(part, first.get(letter))
            if known is None:
                chosen = self._inner(size, random)
                like = chosen.like if like < 0 else like
                inner = self._ended(
                    chosen, random, final=number == len(parts) - 1 or letter == parts[-1].rstrip("'")
                )
                returns += [replace(each, bar=each.bar + start, of=each.of + start) for each in inner.returns]
                closes += [replace(each, bar=each.bar + start) for each in inner.closes]
            else:
                same = size if part in first else size - ending
                returns += [Return(start + bar, known + bar, How.EXACT) for bar in range(same)]
                if same < size:
                    inner = self._ended(FormPlan(size), random, final=number == len(parts) - 1)
                    closes += [
                        replace(each, bar=each.bar + start) for each in inner.closes if each.bar >= same
                    ]
            first.setdefault(part, start)
            first.setdefault(letter, start)
        return FormPlan(
            bars,
            tuple(returns),
            tuple(closes),
            tuple((number * size, part) for number, part in enumerate(parts)),
            like,
        )

    def section(self, bars: int, random: np.random.Generator, *, final: bool) -> FormPlan:
        """A plan for one section of a song. final: it may end the song."""
        return self._ended(self._inner(bars, random), random, final=final)

    def _inner(self, size: int, random: np.random.Generator) -> FormPlan:
        """A plan for one part: the beginning of a tune that is at least as long, without what returns
        later.
        """
        choice = [plan for length in sorted(self.plans) if length >= size for plan in self.plans[length]]
        return cut(choice[int(random.integers(len(choice)))], size) if choice else FormPlan(size)

    def _ended(self, plan: FormPlan, random: np.random.Generator, *, final: bool = True) -> FormPlan:
        """The plan with a close in its last bar: one from the ends of tunes or, if not `final`, from the ends
        of other parts.
        """
        if any(close.bar == plan.bars - 1 and (close.degree == 0 or not final) for close in plan.closes):
            return plan
        choice = self._final_closes if final or not self._inner_closes else self._inner_closes
        if not choice:
            return plan
        chosen = replace(choice[int(random.integers(len(choice)))], bar=plan.bars - 1)
        return replace(plan, closes=(*(close for close in plan.closes if close.bar != plan.bars - 1), chosen))

    @cached_property
    def _final_closes(self) -> list[Close]:
        ends = [
            close
            for length, plans in self.plans.items()
            for plan in plans
            for close in plan.closes
            if close.bar == length - 1
        ]
        return [close for close in ends if close.degree == 0] or ends

    @cached_property
    def _inner_closes(self) -> list[Close]:
        ends = [(plan, close) for plans in self.plans.values() for plan in plans for close in plan.closes]
        return [
            close for plan, close in ends if (close.bar + 1) % self.period == 0 and close.bar < plan.bars - 1
        ]

    def _read(self, shape: Shape, reader: BarReader) -> FormPlan:
        return FormPlan(
            shape.length,
            tuple(reader.returns_in(shape.bars)),
            tuple(self._closes_in(shape)),
            tuple((start, chr(ord("A") + number % 26)) for number, start in enumerate(shape.parts)),
        )

    def _closes_in(self, shape: Shape) -> Iterable[Close]:
        """The ends of marked phrases, or else every fourth bar that ends with a long note; and the end."""
        lengths = [event.ticks for bar in shape.bars for event in bar if event.pitch >= 0]
        usual = float(median(lengths)) if lengths else 0.0
        last = shape.length - 1
        for number, bar in enumerate(shape.bars):
            notes = [event for event in bar if event.pitch >= 0 and not event.carries]
            if not notes:
                continue
            if number == last:
                yield self._close(number, notes[-1])
            elif shape.marks:
                ends = [mark for at, mark in shape.marks if at == number]
                closing = [
                    event for event in notes if ends and event.place < ends[0] <= event.place + event.ticks
                ]
                if closing:
                    yield self._close(number, closing[-1])
            elif (number + 1) % 4 == 0:
                longest = max(reversed(notes), key=lambda event: event.ticks)
                if longest.ticks >= 1.5 * usual and longest.place > 0:
                    yield self._close(number, longest)

    def _close(self, bar: int, event: Event) -> Close:
        return Close(bar, event.place, event.ticks, (event.pitch - self.idiom.key.tonic) % 12)

    # What is played where
    # --------------------------------------------------------------------------------------------------------

    def weights(self, bars: int, strength: float = 1.0) -> Floats:
        """[bars, alphabet]: how much more often each event is played in such a bar of a tune than elsewhere
        at the same place in the bar.

        Bars are of the same kind if they have the same place in their part, and their parts are both first or
        both later ones. The last bar of all is a kind of its own. strength: 0 makes everything 1, 1 takes the
        odds as they are (kept between a tenth and ten).
        """
        kinds = [self._kind(bar, bars) for bar in range(bars)]
        found: Floats = np.exp(strength * self._odds[kinds])
        return found

    def gait(self, plan: FormPlan) -> Floats:
        """[alphabet]: how much more often an event's length (at its place in the bar) and its degree occur in
        the tune that lent the plan than in the style.

        So a tune keeps to one gait and one scale. It does not run like a reel here and limp like a hornpipe
        there.
        """
        idiom = self.idiom
        if plan.like < 0:
            return np.ones(idiom.alphabet)
        own = self.own(plan.like)
        _, place = np.unique(idiom.place, return_inverse=True)
        _, length = np.unique(np.stack([idiom.place, idiom.ticks]), axis=1, return_inverse=True)
        _, degree = np.unique(idiom.degree, return_inverse=True)
        everywhere = np.zeros_like(place)
        odds = np.log(self._more(own, length.ravel(), place)) + np.log(self._more(own, degree, everywhere))
        found: Floats = np.exp(np.clip(odds, -np.log(30), np.log(30)))
        return found

    def own(self, like: int) -> Floats:
        """[alphabet]: how often each event occurs in the shape of that number."""
        symbols, _ = self.shapes[like].placed
        return np.bincount(symbols, minlength=self.idiom.alphabet).astype(np.float64)

    def _more(self, own: Floats, kind: NDArray[np.int64], within: NDArray[np.int64]) -> Floats:
        """For each event: p(its kind | what it is within) in one tune over that in the style.

        The tune's counts are filled up with `STEADY` notes that are distributed as in the style, since a
        single tune is a small sample.
        """
        usual = np.bincount(kind, self._counts)[kind] / np.maximum(
            1e-9, np.bincount(within, self._counts)[within]
        )
        here = (np.bincount(kind, own)[kind] + STEADY * usual) / (np.bincount(within, own)[within] + STEADY)
        found: Floats = np.maximum(here, 1e-9) / np.maximum(usual, 1e-9)
        return found

    @cached_property
    def _counts(self) -> Floats:
        """[alphabet]: how often each event occurs in the style, each tune once through."""
        whole = [shape.placed[0] for shape in self.shapes if shape.whole]
        symbols = np.concatenate([*whole, np.empty(0, dtype=np.int64)])
        return np.bincount(symbols, minlength=self.idiom.alphabet).astype(np.float64)

    def _kind(self, bar: int, bars: int) -> int:
        period = self.period
        if bar == bars - 1:
            return 2 * period
        return min(bar // period, 1) % 2 * period + bar % period if bars >= 2 * period else bar % period

    @cached_property
    def _odds(self) -> Floats:
        """The logarithm of p(event | kind of bar, place) / p(event | place), the counts of the first filled
        up with `CAUTION` notes that are distributed like the second.
        """
        idiom = self.idiom
        kinds = 2 * self.period + 1
        numbers = [np.empty(0, dtype=np.int64)]
        for shape in self.shapes:
            if shape.whole:
                symbols, bars = shape.placed
                kind = np.array([self._kind(bar, shape.length) for bar in range(shape.length)])
                numbers.append(kind[bars] * idiom.alphabet + symbols)
        counts = np.bincount(np.concatenate(numbers), minlength=kinds * idiom.alphabet)
        counts = counts.reshape(kinds, idiom.alphabet).astype(np.float64)
        places, place = np.unique(idiom.place, return_inverse=True)
        at_place = np.stack([np.bincount(place, row, len(places)) for row in counts])
        usual = counts.sum(axis=0) / np.maximum(1e-9, at_place.sum(axis=0))[place]
        here = (counts + CAUTION * usual) / (at_place[:, place] + CAUTION)
        odds = np.log(np.maximum(here, 1e-9) / np.maximum(usual, 1e-9))
        clipped: Floats = np.clip(odds, -np.log(10), np.log(10))
        return clipped


CAUTION = 12.0
"""Notes distributed as in the style that are added to the counts of a kind of bar, at each place in it."""

STEADY = 6.0
"""And those added to the counts of a single tune."""


@dataclass(frozen=True)
class Shape:
    """A tune as it is played, or once through.

    line: the tune as it is played. symbols: its events, by their numbers. chosen: the bars of it that there
    are, ascending. parts: the bars (from 0, of those chosen) where parts begin. marks: (bar, ticks in it) of
    phrase ends. whole: it is the tune once through.
    """

    line: LearntTune
    symbols: Sequence[int]
    chosen: tuple[int, ...]
    parts: tuple[int, ...]
    marks: tuple[tuple[int, int], ...]
    whole: bool

    @property
    def length(self) -> int:
        """In bars."""
        return len(self.chosen)

    @cached_property
    def bars(self) -> tuple[Bar, ...]:
        """Its events bar by bar."""
        played = self.line.in_bars()
        return tuple(played[bar] for bar in self.chosen)

    @property
    def placed(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Its events by their numbers, and the bar of each, from 0."""
        number = np.full(self.line.length, -1, dtype=np.int64)
        number[list(self.chosen)] = np.arange(self.length)
        bars = number[list(self.line.bars)]
        return np.array(self.symbols, dtype=np.int64)[bars >= 0], bars[bars >= 0]


def learn_forms(idiom: Idiom) -> Forms:
    """The forms of an idiom's tunes."""
    return Forms(idiom)


def _shapes(line: LearntTune, symbols: Sequence[int]) -> list[Shape]:
    """A tune as it is played and, where that differs, once through: each repeated part at its last time."""
    once: list[int] = []
    for bar, written in enumerate(line.written):
        while once and line.written[once[-1]] >= written:
            once.pop()
        once.append(bar)
    every = tuple(range(line.length))
    played = Shape(line, symbols, every, line.sections, line.phrase_ends, len(once) == line.length)
    if played.whole:
        return [played]
    place = {bar: number for number, bar in enumerate(once)}
    parts = tuple(sorted({place[bar] for bar in line.sections if bar in place} | {0}))
    return [Shape(line, symbols, tuple(once), parts, (), True), played]


def returns_in(bars: Sequence[Bar], length: int, scale: Sequence[int]) -> list[Return]:
    """For each bar that is like an earlier one: which, and how. Bars that are like none are left out.

    length: ticks a bar. scale: pitch classes, in whose steps moved bars are counted.
    """
    return BarReader(length, scale).returns_in(bars)


_Rhythm = tuple[tuple[int, int, bool, bool], ...]
"""For each event of a bar: its place, how long it lasts, whether it is a rest, whether it is carried over."""


@dataclass(frozen=True, eq=False)
class _ReadBar:
    """A bar, and what it is compared by, each by a number: equal numbers mean equal bars, openings, rhythms.

    opening: -1 for one of fewer than two events. rhythm: -1 for a bar of fewer than three.
    """

    bar: Bar
    number: int
    opening: int
    rhythm: int
    uneven: bool


class BarReader:
    """Finds bars that are like earlier ones. It remembers the bars it has seen, so that a whole style is read
    by one of them in a fraction of the time: most of its bars come more than once.
    """

    def __init__(self, length: int, scale: Sequence[int]) -> None:
        self._length, self._order = length, sorted(scale)
        self._read: dict[Bar, _ReadBar] = {}
        self._openings: dict[Bar, int] = {}
        self._rhythms: dict[_Rhythm, int] = {}
        self._likenesses: dict[tuple[int, int], tuple[How, int] | None] = {}
        self._step_of: dict[int, int | None] = {}

    def returns_in(self, bars: Sequence[Bar]) -> list[Return]:
        """As the function `returns_in`."""
        found: list[Return] = []
        same: dict[int, list[int]] = {}
        opened: dict[int, list[int]] = {}
        in_rhythm: dict[int, list[int]] = {}
        before: Return | None = None
        read = [self._of(bar) for bar in bars]
        for number, bar in enumerate(read):
            # (how, whether it does not go on from the bar before, which bar, steps): the least wins.
            onward = before.of + 1 if before else -1
            ways = [(How.EXACT, one != onward, one, 0) for one in same.get(bar.number, ())]
            if not ways and bar.opening >= 0:
                ways = [(How.OPENING, one != onward, one, 0) for one in opened.get(bar.opening, ())]
            if not ways and bar.rhythm >= 0:
                ways = [
                    (like[0], one != onward, one, like[1])
                    for one in in_rhythm.get(bar.rhythm, ())
                    if (like := self._likeness(bar, read[one]))
                ]
            same.setdefault(bar.number, []).append(number)
            opened.setdefault(bar.opening, []).append(number)
            in_rhythm.setdefault(bar.rhythm, []).append(number)
            before = None
            if ways:
                how, _, of, steps = min(ways, key=lambda way: way[:3])
                before = Return(number, of, how, steps)
                found.append(before)
        return found

    def _of(self, bar: Bar) -> _ReadBar:
        known = self._read.get(bar)
        if known is None:
            opening = tuple(event for event in bar if event.place < self._length / 2)
            rhythm = tuple((event.place, event.ticks, event.pitch < 0, event.carries) for event in bar)
            known = self._read[bar] = _ReadBar(
                bar,
                len(self._read),
                self._openings.setdefault(opening, len(self._openings)) if len(opening) >= 2 else -1,
                self._rhythms.setdefault(rhythm, len(self._rhythms)) if len(bar) >= 3 else -1,
                len({event.ticks for event in bar}) > 1,
            )
        return known

    def _likeness(self, bar: _ReadBar, earlier: _ReadBar) -> tuple[How, int] | None:
        """How a bar is like an earlier one of the same rhythm, and moved by how many steps. None where all
        notes are equally long, which says nothing.
        """
        pair = (bar.number, earlier.number)
        if pair not in self._likenesses:
            moves = {
                self._steps(one.pitch, other.pitch)
                for other, one in zip(bar.bar, earlier.bar, strict=True)
                if other.pitch >= 0
            }
            move = moves.pop() if len(moves) == 1 else None
            if move:
                self._likenesses[pair] = (How.MOVED, move)
            else:
                self._likenesses[pair] = (How.RHYTHM, 0) if bar.uneven else None
        return self._likenesses[pair]

    def _steps(self, before: int, after: int) -> int | None:
        """How many steps of the scale from one pitch to another; None where one is outside the scale."""
        one, other = self._place(before), self._place(after)
        return None if one is None or other is None else other - one

    def _place(self, pitch: int) -> int | None:
        """How many steps of the scale a pitch is above the lowest tonic."""
        if pitch not in self._step_of:
            order = self._order
            inside = pitch % 12 in order
            self._step_of[pitch] = pitch // 12 * len(order) + order.index(pitch % 12) if inside else None
        return self._step_of[pitch]


def moved(pitch: int, steps: int, scale: Sequence[int]) -> int | None:
    """The pitch that many steps of the scale from another; None where that is outside the scale."""
    order = sorted(scale)
    if pitch % 12 not in order:
        return None
    octave, place = divmod(order.index(pitch % 12) + steps, len(order))
    return (pitch // 12 + octave) * 12 + order[place]


def cut(plan: FormPlan, bars: int) -> FormPlan:
    """The first `bars` bars of a plan."""
    return FormPlan(
        bars,
        tuple(each for each in plan.returns if each.bar < bars),
        tuple(each for each in plan.closes if each.bar < bars),
        tuple(part for part in plan.parts if part[0] < bars),
        plan.like,
    )


# Measuring
# ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FormFeatures:
    """How much of a tune returns.

    exact, opening, moved: share 0..1 of the bars that are an earlier one, begin like one, are one moved.
    contrast: how much more alike bars are that are half a part or a whole part apart than bars at other
    distances (-1..1): stripes in a self-similarity matrix. breathing: share of the phrase ends (every fourth
    bar) whose longest note is half as long again as the median note. tonic: share of those phrase ends that
    close on 1, 3 or 5 of the key. closed: 1 if the last note is the tonic, else 0.
    """

    exact: float
    opening: float
    moved: float
    contrast: float
    breathing: float
    tonic: float
    closed: float


def measure(bars: Sequence[Bar], length: int, scale: Sequence[int], period: int = 8) -> FormFeatures:
    """How much returns in one tune. length: ticks a bar. scale: pitch classes of the key, its tonic first.
    period: bars of a usual part.
    """
    returns = returns_in(bars, length, scale)
    share = {how: sum(each.how is how for each in returns) / len(bars) for how in How}
    likeness = np.array([[_alike(one, other, length) for other in bars] for one in bars])
    apart = np.abs(np.subtract.outer(np.arange(len(bars)), np.arange(len(bars))))
    near = (apart > 0) & (apart % max(1, period // 2) == 0)
    far = (apart > 0) & ~near
    contrast = float(likeness[near].mean() - likeness[far].mean()) if near.any() and far.any() else 0.0
    lengths = [event.ticks for bar in bars for event in bar if event.pitch >= 0]
    usual = float(np.median(lengths)) if lengths else 1.0
    ends = [[event for event in bars[number] if event.pitch >= 0] for number in range(3, len(bars), 4)]
    longest = [max(reversed(notes), key=lambda event: event.ticks) for notes in ends if notes]
    third = scale[2] if len(scale) > 2 else scale[0]
    stable = {scale[0], third, scale[4] if len(scale) > 4 else scale[0]}
    last = [event.pitch for bar in bars for event in bar if event.pitch >= 0][-1:]
    return FormFeatures(
        share[How.EXACT],
        share[How.OPENING],
        share[How.MOVED],
        contrast,
        float(np.mean([event.ticks >= 1.5 * usual for event in longest])) if longest else 0.0,
        float(np.mean([event.pitch % 12 in stable for event in longest])) if longest else 0.0,
        float(bool(last) and last[0] % 12 == scale[0]),
    )


def _alike(one: Bar, other: Bar, length: int) -> float:
    """Share of the bar in which both sound the same pitch."""
    return float(np.mean(_sound(one, length) == _sound(other, length)))


def _sound(bar: Bar, length: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    line = np.full(length, -1, dtype=np.int64)
    for event in bar:
        line[event.place : event.place + event.ticks] = event.pitch
    return line
