"""Exact sampling of a Markov chain under hard constraints: every sequence that obeys, with its own
probability, and no other.

    trellis = unfold(walk, [Listener(heard, copies)])     where a walk can be (see `trellis`)
    asked = [Requirement("no 7 at the end", allowed=mask)]
    solution = solve(trellis, ticks, asked)               beliefs, backwards (see `beliefs`)
    solution.log_z                                        log probability that a free walk does this
    solution.sample(10, seed=3)                           ten sequences, drawn forwards

The method is belief propagation on the product of chain and automata: Papadopoulos, Pachet, Roy and
Sakellariou, "Exact sampling for Regular and Markov constraints with belief propagation" (CP 2015). The
backward pass computes, for each state, the mass of all ways to finish well. The forward pass then needs no
search and no rejection: at each step it chooses in proportion to probability times belief, and what it
multiplies to telescopes to the probability of the sequence in the chain, divided by that of all sequences
that obey. Where nothing obeys, `conflicts.explain` says which requirements contradict each other.

What the probability means. Take a free walk: one that starts where `Walk` says and knows neither `places`
nor listeners nor requirements. Z is the probability that one of its symbols ends exactly at the horizon, and
that it has obeyed all of them up to there (and, with `ending`, that it stops right there). Z is not
conditioned on the walk filling the time. A trellis unfolded without places and listeners, and solved without
requirements, gives the probability of that alone; dividing Z by it gives the probability among walks that do
fill the time. With weights (soft requirements) Z is a weighted sum and not a probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studio.errors import Refused
from studio.music.chains.automata import Listener
from studio.music.chains.beliefs import believe, underflows
from studio.music.chains.clocks import NEVER, TimedAutomaton, believe_with_clock
from studio.music.chains.markov import Floats, Ints, Longs, Mask, freeze, ranges
from studio.music.chains.trellis import USUAL_BUDGET, Factors, SearchBudget, Trellis, Walk


@dataclass(frozen=True, eq=False)
class Requirement:
    """A hard or soft constraint on a walk. An explanation calls it by its name.

    allowed: [ticks, alphabet] of booleans, which symbols may start when. weight: [ticks, alphabet], what the
    probability of a symbol that starts then is multiplied by (soft; finite, and 0 forbids). Where every
    symbol has one place in the period (`Walk.home`), both may be [periods, alphabet] as well. listener: must
    accept. ending: the walk must stop at the horizon as sequences of the corpus stop. clock: an automaton
    that knows the time, and must accept.
    """

    name: str
    allowed: Mask | None = None
    weight: Floats | None = None
    listener: Listener | None = None
    ending: bool = False
    clock: TimedAutomaton | None = None


@dataclass(frozen=True)
class TraceStep:
    """One symbol of a sequence: when it starts, and from which context.

    free: how probable it was there in the chain alone. constrained: how probable under the requirements.
    """

    tick: int
    symbol: int
    context: int
    free: float
    constrained: float


@dataclass(frozen=True, eq=False)
class Ways:
    """Steps from several moments. Row r has those from the r-th of them. The masses of a row are in
    proportion to the probabilities with which `Solution.sample` chooses (`free`: with which the chain would),
    and `onward` are the moments they lead to.
    """

    row: Longs
    symbol: Ints
    free: Floats
    mass: Floats
    onward: Longs


FEW_DRAWS = 256
"""Up to so many sequences are drawn without asking which of them are at the same moment."""


@dataclass(frozen=True, slots=True)
class Options:
    """The steps from one moment. symbol, onward: as in `Ways`. mass: of each. heap: [steps + 1], the sums of
    their shares before each and after the last. over: whether the walk is over then.
    """

    symbol: list[int]
    mass: Floats
    heap: Floats
    onward: list[int]
    over: list[bool]


@dataclass(frozen=True, eq=False)
class Solution:
    """The beliefs of one request. Nothing in it changes; the same seed draws the same sequences."""

    trellis: Trellis
    ticks: int
    ending: bool
    factors: Factors
    belief: Floats
    """[cycles, width]: for each cycle and state, the mass of all ways to finish well from there, divided by
    e^scale of its tick. With a clock [cycles, width, its states].
    """
    scale: Floats
    """[ticks + 1]: -inf where no walk can be that finishes well."""
    clock: TimedAutomaton | None = None
    known: dict[int, Options] = field(default_factory=dict, init=False, repr=False)
    """What `options` found."""

    @property
    def log_z(self) -> float:
        """The logarithm of the probability that a free walk does what was asked; -inf when none can. See the
        head of this file.
        """
        mass = float(self.belief.reshape(-1)[self.start])
        return float(self.scale[0] + np.log(mass)) if mass > 0 else float("-inf")

    @property
    def feasible(self) -> bool:
        return self.log_z > float("-inf")

    def sample(self, count: int, seed: int | np.random.Generator = 0) -> Ints:
        """[count, most symbols]: sequences drawn independently from the exact distribution, padded with -1 at
        the end. Raises `Refused` when nothing can satisfy the requirements.

        All walks take a step at once. Of many walks, those that are at the same moment choose from one row,
        so the work grows with the number of different moments and not with that of the walks.
        """
        if not self.feasible:
            raise Refused("No sequence satisfies all of these constraints; leave some of them out.")
        random = np.random.default_rng(seed)
        if count == 1:
            return self._one(random)
        at = np.full(count, self.start, dtype=np.int64)
        going = np.arange(count)
        drawn: list[Ints] = []
        while len(going):
            here, which = at[going], np.arange(len(going))
            if count > FEW_DRAWS:
                here, which = np.unique(here, return_inverse=True)
            ways = self.ways(here)
            size = np.bincount(ways.row, minlength=len(here))
            # Rows may differ by many orders of magnitude, and they are about to share one cumulative sum.
            total = np.add.reduceat(ways.mass, np.cumsum(size) - size)
            pick = choose(ways.mass / np.repeat(total, size), size, which, random)
            symbol = np.full(count, -1, dtype=np.int32)
            symbol[going] = ways.symbol[pick]
            drawn.append(symbol)
            at[going] = ways.onward[pick]
            going = going[self.tick(at[going]) < self.ticks]
        return np.stack(drawn, axis=1) if drawn else np.empty((count, 0), dtype=np.int32)

    def _one(self, random: np.random.Generator) -> Ints:
        """[1, symbols]: what `sample` draws, without the work for many."""
        at, drawn = self.start, []
        while True:
            options = self.options(at)
            aim = options.heap[0] + random.random() * (options.heap[-1] - options.heap[0])
            # As in `choose`: rounding must not carry a draw beyond the row.
            pick = min(int(options.heap[1:].searchsorted(aim, side="right")), len(options.symbol) - 1)
            drawn.append(options.symbol[pick])
            at = options.onward[pick]
            if options.over[pick]:
                return np.array([drawn], dtype=np.int32)

    def options(self, moment: int) -> Options:
        """The steps from one moment, kept: many draws pass through it."""
        if moment not in self.known:
            if self.clock is None:
                symbol, mass, onward, after = self._from_one(moment)
            else:
                ways = self.ways(np.array([moment]))
                symbol, mass, onward, after = ways.symbol, ways.mass, ways.onward, self.tick(ways.onward)
            heap = np.zeros(len(mass) + 1)
            np.cumsum(mass / np.add.reduceat(mass, [0]), out=heap[1:])
            over = (after >= self.ticks).tolist()
            self.known[moment] = Options(symbol.tolist(), mass, heap, onward.tolist(), over)
        return self.known[moment]

    def _from_one(self, moment: int) -> tuple[Ints, Floats, Longs, Longs]:
        """Symbols, masses, the moments and the ticks they lead to: what `ways` has for one moment without a
        clock, to the bit, and without the work for many.
        """
        trellis = self.trellis
        cycle, state = divmod(moment, trellis.width)
        place = int(trellis.place_of[state])
        tick = cycle * trellis.walk.period + place - trellis.walk.phase
        steps = slice(int(trellis.first[state]), int(trellis.first[state + 1]))
        symbol = trellis.symbol[steps]
        hop = trellis.hop[0 if trellis.pattern is None else trellis.pattern[tick], steps]
        onward = cycle * trellis.width + hop.astype(np.int64)
        mass = trellis.probability[steps] * self.belief.reshape(-1).take(onward)
        if self.factors.product is not None:
            row = (tick + self.factors.phase) // self.factors.span
            mass *= self.factors.product[row].take(symbol)
        good = np.flatnonzero(mass > 0)
        symbol = symbol[good]
        after = tick + trellis.walk.durations[symbol]
        shift = np.exp(np.clip(self.scale[after] - self.scale[tick], -700, 700))
        return symbol, mass[good] * shift, onward[good], after

    def log_probability(self, sequence: ArrayLike) -> float:
        """The logarithm of the probability that `sample` draws this sequence; -inf for one that breaks a
        requirement or has another length.
        """
        steps = self._follow(sequence)
        return float("-inf") if steps is None else float(sum(np.log(step.constrained) for step in steps))

    def trace(self, sequence: ArrayLike) -> tuple[TraceStep, ...]:
        """Each step of a sequence that `sample` could draw. Raises `Refused` for one that it could not."""
        steps = self._follow(sequence)
        if steps is None:
            raise Refused(
                "This sequence does not satisfy these constraints; give one that `sample` can draw."
            )
        return tuple(steps)

    @property
    def start(self) -> int:
        """The moment at which every walk begins: cycle * width + state of the trellis; with a clock this
        times the states of the clock, plus its state.
        """
        return self.trellis.start * self._times + (self.clock.start if self.clock is not None else 0)

    @property
    def _times(self) -> int:
        """How many moments there are for each cycle and state of the trellis."""
        return self.clock.states if self.clock is not None else 1

    def tick(self, moments: Longs) -> Longs:
        """How many ticks after the start each moment is; at `ticks` the walk is over."""
        trellis = self.trellis
        cycle, state = np.divmod(moments if self.clock is None else moments // self._times, trellis.width)
        found: Longs = cycle * trellis.walk.period + trellis.place_of[state] - trellis.walk.phase
        return found

    def ways(self, moments: Longs) -> Ways:
        """The steps from each of these moments from which the walk can still finish well. None of the moments
        may be at the end.

        With these, another model can be guided by the constraints: it chooses among the symbols of a row,
        where `mass / free` is what the chain foresees for each, and goes on to `onward`.
        """
        trellis, walk = self.trellis, self.trellis.walk
        at, hand = np.asarray(moments, dtype=np.int64), None
        if self.clock is not None:
            at, hand = np.divmod(at, self._times)
        cycle, state = np.divmod(at, trellis.width)
        low = trellis.first[state]
        degree = trellis.first[state + 1] - low
        step = ranges(low, degree)
        row = np.repeat(np.arange(len(cycle)), degree)
        begins = cycle * walk.period + trellis.place_of[state] - walk.phase
        tick = begins.take(row)
        symbol = trellis.symbol.take(step)
        hops = (
            trellis.hop[0].take(step) if trellis.pattern is None else trellis.hop[trellis.pattern[tick], step]
        )
        onward = (cycle * trellis.width).take(row) + hops
        allowed: Floats | None = None
        if hand is not None:
            onward, allowed = self._timed(onward, hand[row], tick, symbol)
        mass = trellis.probability.take(step)
        mass *= self.belief.reshape(-1).take(onward)
        if allowed is not None:
            mass *= allowed
        factor = self.factors.at(tick, symbol)
        if factor is not None:
            mass *= factor
        good = np.flatnonzero(mass > 0)
        if len(good) < len(mass):
            row, symbol, step, tick = row[good], symbol[good], step[good], tick[good]
            mass, onward = mass[good], onward[good]
        # Steps of different durations lead to ticks of different scales (see `beliefs`).
        further = self.scale.take(tick + walk.durations.take(symbol)) - self.scale.take(tick)
        if further.any():
            mass = mass * np.exp(np.clip(further, -700, 700))
        return Ways(row, symbol, trellis.probability.take(step), mass, onward)

    def _timed(self, onward: Longs, hand: Longs, tick: Longs, symbol: Ints) -> tuple[Longs, Floats]:
        """Where steps lead with the clock, whose states before them are `hand`, and what it multiplies them
        by.
        """
        assert self.clock is not None
        letter = self.clock.letter[symbol]
        after = self.clock.step[tick, hand, letter]
        weight = np.ones(len(after)) if self.clock.weight is None else self.clock.weight[tick, hand, letter]
        return onward * self._times + np.maximum(after, 0), np.where(after == NEVER, 0.0, weight)

    def _follow(self, sequence: ArrayLike) -> list[TraceStep] | None:
        at, tick, walk = self.start, 0, self.trellis.walk
        context = walk.origin
        steps: list[TraceStep] = []
        for symbol in np.asarray(sequence, dtype=np.int64).ravel().tolist():
            if tick >= self.ticks or not self.feasible:
                return None
            ways = self.ways(np.array([at]))
            found = np.flatnonzero(ways.symbol == symbol)
            if not len(found):
                return None
            one = int(found[0])
            constrained = float(ways.mass[one] / ways.mass.sum())
            steps.append(TraceStep(tick, symbol, context, float(ways.free[one]), constrained))
            at, context = int(ways.onward[one]), walk.chain.onward(context, symbol)
            tick += int(walk.durations[symbol])
        return steps if tick == self.ticks and self.feasible else None


class TooImprobable(Refused):
    """Some walk satisfies all requirements, but their weights are too small to compute with."""


def solve(
    trellis: Trellis,
    ticks: int,
    requirements: Sequence[Requirement] = (),
    *,
    budget: SearchBudget = USUAL_BUDGET,
) -> Solution:
    """Beliefs for walks of exactly `ticks` ticks that satisfy all `requirements`, and the listeners that the
    trellis was unfolded with.

    A request that nothing can satisfy is no error here: its solution has log_z -inf. Raises `Refused` when a
    mask has another shape than [ticks, alphabet], when a requirement has a listener that the trellis does not
    know, or when the beliefs would take too much memory.
    """
    factors = combine(trellis, ticks, requirements)
    ending = any(each.ending for each in requirements)
    clock = _clock_of(requirements)
    if clock is None:
        found = believe(trellis, ticks, factors, ending=ending, budget=budget)
        belief, scale = found.belief, found.scale
    else:
        belief, scale = believe_with_clock(trellis, ticks, factors, clock, ending=ending, budget=budget)
    solution = Solution(trellis, ticks, ending, factors, belief, scale[: ticks + 1], clock)
    freeze(solution)
    if not solution.feasible:
        small = underflows(trellis, factors, belief, scale, clock.least if clock is not None else 1.0)
        if small and possible(trellis, ticks, requirements, budget=budget):
            raise TooImprobable(
                "These constraints are too improbable together to compute with; "
                "ask for weaker preferences or fewer constraints."
            )
    return solution


def tried(trellis: Trellis, ticks: int, requirements: Sequence[Requirement]) -> Solution | None:
    """The solution of a request that may be left out; None where nothing satisfies it, or only what is too
    improbable to compute with.
    """
    try:
        found = solve(trellis, ticks, requirements)
    except TooImprobable:
        return None
    return found if found.feasible else None


def possible(
    trellis: Trellis, ticks: int, requirements: Sequence[Requirement], *, budget: SearchBudget
) -> bool:
    """Whether any walk of `ticks` ticks satisfies all `requirements`, however improbable it is."""
    factors = combine(trellis, ticks, requirements)
    ending = any(each.ending for each in requirements)
    clock = _clock_of(requirements)
    if clock is not None:
        belief, _ = believe_with_clock(
            trellis, ticks, factors, clock, ending=ending, budget=budget, whether=True
        )
        return bool(belief[0, trellis.start, clock.start] > 0)
    found = believe(trellis, ticks, factors, ending=ending, budget=budget, whether=True)
    return bool(found.belief[0, trellis.start] > 0)


def _clock_of(requirements: Sequence[Requirement]) -> TimedAutomaton | None:
    """The one clock among them. Raises `Refused` for two: make one of them."""
    clocks = [each.clock for each in requirements if each.clock is not None]
    if len(clocks) > 1:
        raise Refused("Two constraints count in time; a walk has one clock, so leave one of them out.")
    return clocks[0] if clocks else None


def combine(trellis: Trellis, ticks: int, requirements: Sequence[Requirement]) -> Factors:
    """All masks and weights multiplied together. Raises `Refused` for one that does not fit the request."""
    if ticks < 1:
        raise Refused(f"A walk of {ticks} ticks was asked for; ask for at least one.")
    if trellis.pattern is not None and len(trellis.pattern) != ticks:
        raise Refused(
            f"A constraint listens over {len(trellis.pattern)} ticks and the walk lasts {ticks}; "
            "make them equal."
        )
    walk = trellis.walk
    home, rows = walk.home, walk.rows(ticks)
    product: Floats | None = None
    allowed: Mask | None = None
    for requirement in requirements:
        if requirement.listener is not None and not any(
            requirement.listener is one for one in trellis.listeners
        ):
            raise Refused(
                f"The trellis was unfolded without the constraint '{requirement.name}'; "
                "unfold it with its listener."
            )
        for whole in (requirement.allowed, requirement.weight):
            if whole is None:
                continue
            part = _by_rows(requirement.name, whole, walk, ticks)
            if part.dtype == bool:
                mask: Mask = part
                allowed = mask if allowed is None else allowed & mask
            else:
                product = part.astype(np.float64) if product is None else product * part
    if allowed is not None:
        product = allowed.astype(np.float64) if product is None else product * allowed
    if home is None:
        plain = np.ones(ticks, dtype=bool) if product is None else np.all(product == 1, axis=1)
        factors = Factors(product, plain)
    else:
        plain = np.ones(rows, dtype=bool) if product is None else np.all(product == 1, axis=1)
        factors = Factors(product, plain, walk.period, walk.phase, home)
    if product is not None:
        product.flags.writeable = False
    return factors


def merged(trellis: Trellis, ticks: int, requirements: Sequence[Requirement]) -> list[Requirement]:
    """Requirements that ask the same, with all masks and weights as one, so that a series of requests which
    share them multiplies them once. The same to the bit. Raises `Refused` as `combine` does.
    """
    product = combine(trellis, ticks, requirements).product
    return [
        Requirement("everything asked for", weight=product),
        *(
            Requirement(one.name, listener=one.listener, ending=one.ending, clock=one.clock)
            for one in requirements
            if one.listener is not None or one.ending or one.clock is not None
        ),
    ]


def by_period(walk: Walk, whole: NDArray[Any]) -> NDArray[Any]:
    """[periods, alphabet] of what is [ticks, alphabet]: of each symbol what is said of it at its place.
    Itself where symbols have no place of their own.
    """
    if walk.home is None:
        return whole
    ticks = len(whole)
    at = np.arange(walk.rows(ticks))[:, None] * walk.period - walk.phase + walk.home[None, :]
    # Places before the start or after the end are never asked.
    found: NDArray[Any] = whole[np.clip(at, 0, ticks - 1), np.arange(whole.shape[1])[None, :]]
    return found


def _by_rows(name: str, whole: NDArray[Any], walk: Walk, ticks: int) -> NDArray[Any]:
    """A mask or weight as `by_period` has it. Raises `Refused` for one that does not fit the request."""
    alphabet, shape = len(walk.durations), np.shape(whole)
    if shape == (ticks, alphabet):
        part = by_period(walk, whole)
    elif walk.home is not None and shape == (walk.rows(ticks), alphabet):
        part = whole
    else:
        raise Refused(
            f"The constraint '{name}' needs {ticks} ticks of {alphabet} symbols, "
            f"not {shape}; give it that shape."
        )
    if part.dtype != bool and not (np.all(np.isfinite(part)) and np.all(part >= 0)):
        raise Refused(
            f"The constraint '{name}' has a weight that is negative or infinite; "
            "weights are finite and at least 0."
        )
    return part


def choose(
    mass: Floats, size: NDArray[np.integer], rows: NDArray[np.integer], random: np.random.Generator
) -> Longs:
    """One place in `mass` for each of `rows`, drawn in proportion to the masses of that row.

    size: [rows there are], how many masses each has, none 0; mass has them one row after the other. All rows
    are inverted in one cumulative sum: a number between what a row begins and ends with falls on one of its
    masses.
    """
    last = np.cumsum(size)
    heap = np.cumsum(mass)
    low = np.concatenate([[0.0], heap])[last - size]
    aim = low[rows] + random.random(len(rows)) * (heap[last - 1] - low)[rows]
    # Rounding must not carry a draw into a neighbouring row.
    pick: Longs = np.clip(np.searchsorted(heap, aim, side="right"), (last - size)[rows], (last - 1)[rows])
    return pick


def anywhere(walk: Walk, ticks: int) -> Mask:
    """[ticks, alphabet], all true: the mask to begin with."""
    return np.ones((ticks, len(walk.durations)), dtype=bool)


def starting(walk: Walk, ticks: int, moment: int, symbols: ArrayLike) -> Mask:
    """[ticks, alphabet]: one of `symbols` ([alphabet] of booleans) starts at this tick."""
    _within(moment, ticks)
    mask = anywhere(walk, ticks)
    for tick in _lasting_to(walk, moment):
        mask[tick] &= tick + walk.durations <= moment
    mask[moment] &= np.asarray(symbols, dtype=bool)
    return mask


def covering(walk: Walk, ticks: int, moment: int, symbols: ArrayLike) -> Mask:
    """[ticks, alphabet]: what lasts through this tick, whenever it started, is one of `symbols` ([alphabet]
    of booleans).
    """
    _within(moment, ticks)
    mask = anywhere(walk, ticks)
    for tick in (*_lasting_to(walk, moment), moment):
        mask[tick] &= np.asarray(symbols, dtype=bool) | (tick + walk.durations <= moment)
    return mask


def _lasting_to(walk: Walk, moment: int) -> range:
    """The ticks before `moment` at which a symbol that lasts beyond it can start."""
    return range(max(0, moment - int(walk.durations.max()) + 1), moment)


def _within(moment: int, ticks: int) -> None:
    if not 0 <= moment < ticks:
        raise Refused(f"Tick {moment} is outside the walk, which has ticks 0 to {ticks - 1}.")
