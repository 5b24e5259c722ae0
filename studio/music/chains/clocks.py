"""Automata that know the time: what a letter leads to may differ from tick to tick.

A `Listener` is part of the trellis, which is the same for every tick, so it cannot ask for "six notes up to
the end of bar 2, then seven". A `TimedAutomaton` can. It has a few states of its own, kept beside the
trellis, and a table says for each tick, state and letter which state follows, or that this may not be:

    TimedAutomaton(letter, step, accepting)      step[tick, state, letter]: the state that follows

The product of trellis and clock is solved exactly, as everything in `sampling` is: the backward pass carries
one belief for each state of the trellis and of the clock. It costs as many passes as the clock has states;
`folded` makes those of a counter few.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from studio.errors import Refused
from studio.music.chains.beliefs import LARGEST_KEPT, WeightedLayer, by_layers
from studio.music.chains.markov import Floats, Ints, Longs, Mask, freeze
from studio.music.chains.products import add_product
from studio.music.chains.trellis import Beliefs, Factors, SearchBudget, Trellis

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEVER = -1
"""In a clock: this may not happen now."""

GENTLE = 1e-4
"""The smallest weight of a clock that is made gentle."""


@dataclass(frozen=True, eq=False)
class TimedAutomaton:
    """An automaton that reads a letter of every symbol, and knows at which tick the symbol starts.

    letter: [alphabet], whole numbers from 0. step: [ticks, states, letters], the state that follows, or
    `NEVER`. weight: [ticks, states, letters], what a step is multiplied by (finite, at least 0), or None.
    accepting: [states], where a walk may end. merges: letters that do the same at a tick are taken together
    there, which is quicker, and may change the last bits of a number. Raises `Refused` for shapes that do not
    go together.
    """

    letter: Ints
    step: Ints
    accepting: Mask
    start: int = 0
    weight: Floats | None = None
    merges: bool = False

    def __post_init__(self) -> None:
        ticks, states, letters = self.step.shape
        fits = self.accepting.shape == (states,) and int(self.letter.max(initial=0)) < letters
        if not fits or (self.weight is not None and self.weight.shape != self.step.shape):
            raise Refused(
                f"A clock of {ticks} ticks, {states} states and {letters} letters has tables of other "
                "shapes; give all of them for the same states and letters."
            )

    @property
    def states(self) -> int:
        return int(self.step.shape[1])

    @property
    def ticks(self) -> int:
        return int(self.step.shape[0])

    @cached_property
    def least(self) -> float:
        """The smallest weight over 0; 1 where there is none."""
        if self.weight is None:
            return 1.0
        return float(np.min(self.weight, where=self.weight > 0, initial=1.0))

    def accepts(self, symbols: NDArray[np.integer], durations: Longs) -> bool:
        """Whether it accepts a whole sequence; `durations`: [alphabet], in ticks."""
        state, tick = self.start, 0
        for symbol in symbols:
            state = int(self.step[tick, state, self.letter[symbol]])
            if state == NEVER:
                return False
            tick += int(durations[symbol])
        return bool(self.accepting[state])

    def folded(self, longest: int) -> TimedAutomaton:
        """The same clock with few states: state k becomes k modulo their number, which is as large as those
        lie apart that are alive within the longest symbol. longest: in ticks.

        Right where no step leads down, as in a counter.
        """
        low, high = self._alive()
        later = np.array([high[tick : tick + longest + 1].max() for tick in range(self.ticks)])
        size = int((later - low).max()) + 2
        if size >= self.states:
            return self
        ticks, _, letters = self.step.shape
        step = np.full((ticks, size, letters), NEVER, dtype=np.int32)
        weight = None if self.weight is None else np.ones((ticks, size, letters))
        for tick in range(ticks):
            for state in range(int(low[tick]), int(high[tick]) + 1):
                onward = self.step[tick, state]
                step[tick, state % size] = np.where(onward == NEVER, NEVER, onward % size)
                if weight is not None and self.weight is not None:
                    weight[tick, state % size] = self.weight[tick, state]
        accepting = np.zeros(size, dtype=bool)
        accepting[np.flatnonzero(self.accepting) % size] = True
        clock = TimedAutomaton(self.letter, step, accepting, self.start % size, weight, self.merges)
        freeze(clock)
        return clock

    def gentle(self) -> TimedAutomaton:
        """The same clock with no weight below `GENTLE`: what is weighed down is rare, but nothing is lost to
        the smallest numbers there are.
        """
        if self.weight is None:
            return self
        clock = replace(self, weight=np.maximum(self.weight, GENTLE))
        freeze(clock)
        return clock

    def letters_at(self, tick: int) -> list[tuple[int, ...]]:
        """The letters at a tick, those together that are to be taken together."""
        letters = self.step.shape[2]
        if not self.merges:
            return [(letter,) for letter in range(letters)]
        found: dict[bytes, tuple[int, ...]] = {}
        for letter in range(letters):
            does = np.ascontiguousarray(self.step[tick, :, letter]).tobytes()
            if self.weight is not None:
                does += np.ascontiguousarray(self.weight[tick, :, letter]).tobytes()
            found[does] = (*found.get(does, ()), letter)
        return list(found.values())

    def _alive(self) -> tuple[Longs, Longs]:
        """[ticks]: the lowest and the highest state in which the clock can be at each tick, and from which it
        can still accept. A symbol may last any number of ticks, so a state lives on until it cannot.
        """
        ticks, states, _ = self.step.shape
        reached = np.zeros((ticks + 1, states), dtype=bool)
        reached[0, self.start] = True
        for tick in range(ticks):
            reached[tick + 1] |= reached[tick]
            for onward in self.step[tick, reached[tick]].ravel():
                if onward != NEVER:
                    reached[tick + 1, onward] = True
        useful = np.zeros((ticks + 1, states), dtype=bool)
        useful[ticks] = self.accepting
        for tick in range(ticks - 1, -1, -1):
            onward = self.step[tick]
            useful[tick] = useful[tick + 1] | ((onward != NEVER) & useful[tick + 1][onward]).any(axis=1)
        alive = reached[:ticks] & useful[:ticks]
        numbers = np.arange(states)
        low = np.where(alive, numbers, states).min(axis=1)
        high = np.where(alive, numbers, -1).max(axis=1)
        return np.minimum(low, np.maximum(high, 0)), high


def believe_with_clock(
    trellis: Trellis,
    ticks: int,
    factors: Factors,
    clock: TimedAutomaton,
    *,
    ending: bool,
    budget: SearchBudget,
    whether: bool = False,
) -> tuple[Floats, Floats]:
    """Beliefs [cycles, width, states of the clock] and their scales [ticks + 1 and more], as
    `beliefs.believe` has them for a trellis alone: those behind the last tick that differs from the latest
    request with the same clock are taken over. Raises `Refused` beyond the budget.
    """
    latest = trellis.timed.get((ending, whether))
    if latest is not None and latest.clock is clock and latest.beliefs.ticks == ticks:
        known = latest.beliefs
        begin = factors.last_unlike(known.factors, ticks)
        if begin < 0:
            return known.belief, known.scale
        belief, scale = _up_to(trellis, known, begin)
    else:
        begin = ticks - 1
        belief, scale = _end(trellis, ticks, clock, ending, budget, whether)
    by_layers(trellis, factors, belief, scale, _Parts(trellis, clock, whether).mass, whether, begin)
    belief.flags.writeable = scale.flags.writeable = False
    if belief.nbytes <= LARGEST_KEPT:
        trellis.timed[ending, whether] = TimedBeliefs(Beliefs(ticks, factors, belief, scale), clock)
    return belief, scale


def _span(numbers: NDArray[np.integer]) -> NDArray[np.integer] | slice:
    """Numbers in a row as a slice, which is a view where an index would copy; others as they are."""
    first, count = int(numbers[0]), len(numbers)
    if int(numbers[-1]) - first == count - 1 and np.array_equal(numbers, np.arange(first, first + count)):
        return slice(first, first + count)
    return numbers


@dataclass(frozen=True, eq=False)
class TimedBeliefs:
    """Beliefs with a clock, [cycles, width, its states], kept for the next request as `Trellis.latest` is."""

    beliefs: Beliefs
    clock: TimedAutomaton


def _up_to(trellis: Trellis, latest: Beliefs, begin: int) -> tuple[Floats, Floats]:
    """Beliefs and scales as they were the last time behind the tick `begin`, and not yet known before."""
    cycle, place = divmod(trellis.walk.phase + begin, trellis.walk.period)
    belief, scale = np.zeros(latest.belief.shape), latest.scale.copy()
    belief[cycle:] = latest.belief[cycle:]
    belief[cycle, : trellis.edges[place + 1]] = 0
    scale[: begin + 1] = -np.inf
    return belief, scale


@dataclass(eq=False)
class _Part:
    """The steps of one letter, or of some, from one place of the period, without the states they do not
    begin or end in.

    rows: the states of the place in which some begin, and `begins`, [rows + 1], where their steps do.
    onto: the states in which some end, and `leads`, for each step the number of its own among them. chosen:
    which steps of the whole layer they are. data: what they are multiplied by.
    """

    rows: NDArray[np.integer] | slice
    begins: NDArray[np.integer]
    onto: NDArray[np.integer]
    leads: NDArray[np.integer]
    chosen: Longs
    data: Floats

    def times(self, ahead: Floats, onward: NDArray[np.integer] | slice) -> Floats:
        """[rows, onward]: as `beliefs.WeightedLayer.times`. onward: states of the clock."""
        there = np.ascontiguousarray(ahead.take(self.onto, axis=0)[:, onward])
        found = np.zeros((len(self.begins) - 1, there.shape[1]))
        add_product(self.begins, self.leads, self.data, there, found)
        return found


class _Parts:
    """The layers of a trellis taken apart by the letters of a clock. Each is built once."""

    def __init__(self, trellis: Trellis, clock: TimedAutomaton, whether: bool) -> None:
        self.trellis, self.clock, self.whether = trellis, clock, whether
        self.built: dict[tuple[int, int, tuple[int, ...]], _Part] = {}

    def mass(self, place: int, tick: int, layer: WeightedLayer, ahead: Floats) -> Floats:
        """[states of the place, states of the clock]: the beliefs there. ahead: those where steps lead."""
        clock = self.clock
        found = np.zeros((len(layer.layer.begins) - 1, clock.states))
        for letters in clock.letters_at(tick):
            letter = letters[0]
            there = np.flatnonzero(clock.step[tick, :, letter] != NEVER)
            if not len(there):
                continue
            onward = _span(clock.step[tick, there, letter])
            part = self.of(place, tick, letters, layer)
            if not len(part.chosen):
                continue
            some = part.times(ahead, onward)
            if clock.weight is not None:
                weight = clock.weight[tick, there, letter]
                some *= (weight > 0).astype(np.float64) if self.whether else weight
            columns = _span(there)
            if isinstance(part.rows, slice) or isinstance(columns, slice):
                found[part.rows, columns] += some
            else:
                found[np.ix_(part.rows, columns)] += some
        return found

    def of(self, place: int, tick: int, letters: tuple[int, ...], whole: WeightedLayer) -> _Part:
        """The steps of these letters with the numbers that `whole`, the layer of all letters, has now."""
        pattern = 0 if self.trellis.pattern is None else int(self.trellis.pattern[tick])
        key = (place, pattern, letters)
        if key not in self.built:
            spoken = np.isin(self.clock.letter[whole.layer.symbols], letters)[whole.layer.which]
            chosen = np.flatnonzero(spoken)
            begins = np.concatenate([[0], np.cumsum(spoken)])[whole.layer.begins]
            rows = np.flatnonzero(np.diff(begins))
            onto, leads = np.unique(whole.layer.leads[chosen], return_inverse=True)
            kind = whole.layer.leads.dtype
            self.built[key] = _Part(
                _span(rows) if len(rows) else rows,
                np.append(begins[rows], len(chosen)).astype(kind),
                onto,
                leads.astype(kind),
                chosen,
                np.empty(len(chosen)),
            )
        part = self.built[key]
        np.take(whole.data, part.chosen, out=part.data)
        return part


def _end(
    trellis: Trellis, ticks: int, clock: TimedAutomaton, ending: bool, budget: SearchBudget, whether: bool
) -> tuple[Floats, Floats]:
    """Beliefs and scales of which only those at the end of the walk are known."""
    walk = trellis.walk
    if clock.ticks != ticks:
        raise Refused(f"A clock of {clock.ticks} ticks cannot time a walk of {ticks}; make them equal.")
    cycle, place = divmod(walk.phase + ticks, walk.period)
    cycles = cycle + 1 + trellis.reach
    size = cycles * trellis.width * clock.states * 8
    if size > budget.bytes:
        raise Refused(
            f"{trellis.states:,} states with {clock.states} counts over {cycles} cycles need "
            f"{size / 2**20:,.0f} MiB, but at most {budget.bytes / 2**20:,.0f} MiB are allowed; "
            "ask for something shorter, or learn from a smaller corpus."
        )
    belief = np.zeros((cycles, trellis.width, clock.states))
    scale = np.full(ticks + 1 + int(walk.durations.max()), -np.inf)
    last = slice(int(trellis.layer[place]), int(trellis.layer[place + 1]))
    final = trellis.accepting[last].astype(np.float64)
    if ending:
        stops = walk.chain.ending[trellis.context[last]]
        final *= stops > 0 if whether else stops
    belief[cycle, last] = final[:, None] * clock.accepting[None, :]
    if np.any(belief[cycle, last]):
        scale[ticks] = 0.0
    return belief, scale
