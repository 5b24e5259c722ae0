"""Exact sampling of a Markov chain under hard constraints: every sequence that obeys, with its own
probability, and no other.

    walk = Walk(chain, durations, period=bar)                      who walks: the chain, how long its symbols last, the bar
    trellis = unfold(walk, [Listener(heard, copies)])               where a walk can be: keep it, it serves every request of its kind
    solution = solve(trellis, ticks, [Wish("the key", allowed=mask)])    beliefs, backwards
    solution.log_z                                                 the chance that a free walk does all this, as a logarithm
    solution.sample(10, seed=3)                                    ten sequences, drawn forwards
    explain(walk, ticks, wishes)                                   when there is none: the fewest wishes that contradict each other

The method is belief propagation on the product of chain and automata: Papadopoulos, Pachet, Roy and
Sakellariou, "Exact sampling for Regular and Markov constraints with belief propagation" (CP 2015), with
durations as in Roy and Pachet, "Enforcing meter in finite-length Markov sequences" (AAAI 2013). Time is
counted in ticks, and states are kept once for all bars: a state knows its place in the bar, and a belief is a
number for each state and bar.

What the chance means. Z is the probability that a walk that starts where `Walk` says, and knows neither
`places` nor readings nor wishes, has a symbol ending exactly at the horizon and obeyed all of them up to
there (and, with `ending`, that it stops right there). It is not conditioned on the walk filling the time: a
walk unfolded without places and readings and solved without wishes gives the chance of that alone, and the
quotient of the two is the chance among walks that do. With weights (soft wishes) Z is a weighted sum and no
probability.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studio.errors import Refused
from studio.music.chains.automata import DEAD, Listener
from studio.music.chains.markov import Chain, Floats, Ints, Longs, freeze, ranges

Mask = NDArray[np.bool_]

SMALLEST, GREATEST = 1e-60, 1e60
"""Beliefs are rescaled when the largest of a moment leaves this range."""


@dataclass(frozen=True)
class SearchBudget:
    """How large a request may become before it is refused: states and steps of a trellis, bytes of beliefs."""

    states: int = 4_000_000
    steps: int = 40_000_000
    bytes: int = 1_500_000_000


@dataclass(frozen=True, eq=False)
class Walk:
    """Who walks: a chain whose symbols last `durations[symbol]` ticks (whole numbers from 1), from one bar
    into the next.

    period: ticks a bar; 1 where there are no bars. places: [period, alphabet] of booleans, which symbols may
    start at which place in the bar (None: all). phase: the place in the bar where the walk starts (0 … period
    - 1, for a pick-up).
    history: symbols before the start, which the chain remembers and no constraint counts; None: where tunes
    begin.
    """

    chain: Chain
    durations: Longs
    period: int = 1
    places: Mask | None = None
    phase: int = 0
    history: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        alphabet = self.chain.tree.alphabet
        object.__setattr__(self, "durations", np.asarray(self.durations, dtype=np.int64))
        if self.durations.shape != (alphabet,) or self.durations.min() < 1:
            raise Refused(f"Each of the {alphabet} symbols needs a duration of at least one tick.")
        if self.period < 1 or not 0 <= self.phase < self.period:
            raise Refused(
                f"A walk cannot start at tick {self.phase} of a bar of {self.period}; it must be from 0 to the bar's last tick."
            )
        if self.places is not None and np.shape(self.places) != (self.period, alphabet):
            raise Refused(
                f"The places in the bar need {self.period} rows of {alphabet} symbols, not {np.shape(self.places)}."
            )


@dataclass(frozen=True, eq=False)
class Trellis:
    """Where a walk can be: chain context, state of every reading and place in the bar, and the steps between.
    Time is not in it.

    States are sorted by their place in the bar: those of place p are layer[p] … layer[p + 1] - 1. The steps
    of state s are first[s] … first[s + 1] - 1. hop[q, e] says where step e leads under listening pattern q:
    bars further * width + state, where width is one more than there are states; the extra one is never
    reached and stands for a step that is forbidden there.
    """

    walk: Walk
    readings: tuple[Listener, ...]
    layer: Longs
    context: Ints
    accepting: Mask
    first: Longs
    symbol: Ints
    probability: Floats
    hop: NDArray[np.integer]
    pattern: Ints | None
    """[ticks]: which pattern of readings listens at each tick; None where all listen always."""
    start: int
    latest: dict[tuple[bool, bool], _Latest] = field(default_factory=dict, repr=False)
    """The beliefs worked out last, for walks that stop or not, in numbers or as yes and no: see `_backward`.
    """

    @property
    def states(self) -> int:
        return len(self.context)

    @property
    def steps(self) -> int:
        return len(self.symbol)

    @property
    def width(self) -> int:
        return self.states + 1

    @cached_property
    def reach(self) -> int:
        """How many bars further a single step can lead."""
        return int(self.hop.max(initial=0)) // self.width


def unfold(
    walk: Walk, readings: Sequence[Listener] = (), *, budget: SearchBudget = SearchBudget()
) -> Trellis:
    """Everything that can be reached from the start of `walk` without a reading saying no.

    Depends on neither the length nor the time masks of a request, so one trellis serves a style until its
    readings change.
    Raises `Refused`, with the numbers, when it would grow beyond the budget.
    """
    chain, period = walk.chain, walk.period
    sizes = [chain.contexts] + [reading.states for reading in readings]
    if period * float(np.prod(np.array(sizes, dtype=np.float64))) >= 2**62:
        raise Refused(
            "These constraints together have more states than can be numbered; ask for fewer at once."
        )
    patterns, pattern = _listening(readings)
    origin = chain.state() if walk.history is None else chain.state(walk.history, from_the_start=False)
    start_key = _pack(walk.phase, origin, [reading.start for reading in readings], sizes)

    known, number = (
        np.array([start_key]),
        np.array([0]),
    )  # the states met so far by ascending key, and their numbers as they were met
    frontier = known
    degrees: list[Longs] = []
    taken: list[Ints] = []  # the chain's step behind each step
    leads: list[list[Ints]] = [[] for _ in patterns]
    steps = 0
    while len(frontier):
        place, context, joint = _unpack(frontier, sizes)
        states = [reading.split(state) for reading, state in zip(readings, joint, strict=True)]
        degree = chain.start[context + 1] - chain.start[context]
        if steps + int(degree.sum()) > budget.steps:
            _too_large(len(known), steps + int(degree.sum()), budget)
        edge = ranges(chain.start[context], degree)
        source = np.repeat(np.arange(len(frontier)), degree)
        symbol = chain.symbol[edge]
        if walk.places is not None:
            fits = walk.places[place[source], symbol]
            if not fits.all():
                edge, source, symbol = edge[fits], source[fits], symbol[fits]
        after_place = (place[source] + walk.durations[symbol]) % period
        after: list[Longs] = []
        for listens in patterns:
            joint = [
                reading.step(memory[source], state[source], symbol, listens=bool(hears))
                for reading, (memory, state), hears in zip(readings, states, listens, strict=True)
            ]
            key = _pack(after_place, chain.target[edge], joint, sizes)
            for one in joint:
                key[one == DEAD] = DEAD
            after.append(key)
        lives = after[0] != DEAD
        for to in after[1:]:
            lives |= to != DEAD
        if not lives.all():
            edge, source, symbol = edge[lives], source[lives], symbol[lives]
            after = [to[lives] for to in after]
        steps += len(edge)

        met, where = np.unique(np.concatenate(after) if after[1:] else after[0], return_inverse=True)
        met_number = np.full(len(met), -1, dtype=np.int32)
        at = np.minimum(np.searchsorted(known, met), len(known) - 1)
        old = known[at] == met
        met_number[old] = number[at[old]]
        new = ~old & (met != DEAD)
        met_number[new] = len(known) + np.arange(np.count_nonzero(new))
        for lead, part in zip(leads, np.split(where, len(patterns)), strict=True):
            lead.append(met_number[part])
        taken.append(edge.astype(np.int32))
        degrees.append(np.bincount(source, minlength=len(frontier)))
        frontier = met[new]
        if len(known) + len(frontier) > budget.states:
            _too_large(len(known) + len(frontier), steps, budget)
        insert = np.searchsorted(known, frontier)
        known, number = np.insert(known, insert, frontier), np.insert(number, insert, met_number[new])

    # Number the states by ascending key, that is by place in the bar, then by context.
    order = number
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    degree = np.concatenate(degrees)
    edge = ranges((np.cumsum(degree) - degree)[order], degree[order])
    chosen = np.concatenate(taken)[edge]
    symbol = chain.symbol[chosen]
    place, context, joint = _unpack(known, sizes)
    width = len(known) + 1
    bars = (np.repeat(place, degree[order]) + walk.durations[symbol]) // period
    farthest = (int(bars.max(initial=0)) + 1) * width
    hop = np.empty((len(patterns), len(edge)), dtype=np.int32 if farthest < 2**31 else np.int64)
    bars *= width
    for row, lead in zip(hop, leads, strict=True):
        reached = np.concatenate(lead)[edge]
        row[:] = np.where(reached < 0, width - 1, bars + rank[reached])
    accepting = np.ones(len(known), dtype=bool)
    for reading, state in zip(readings, joint, strict=True):
        accepting &= reading.accepting(state)
    trellis = Trellis(
        walk=walk,
        readings=tuple(readings),
        layer=np.searchsorted(place, np.arange(period + 1)),
        context=context.astype(np.int32),
        accepting=accepting,
        first=np.concatenate([[0], np.cumsum(degree[order])]).astype(np.int64),
        symbol=symbol,
        probability=chain.probability[chosen],
        hop=hop,
        pattern=pattern,
        start=int(rank[0]),
    )
    freeze(trellis)
    return trellis


@dataclass(frozen=True, eq=False)
class Wish:
    """Something asked for, by a name that an explanation can use.

    allowed: [ticks, alphabet] of booleans, which symbols may start when. weight: [ticks, alphabet], how much
    to multiply the probability of a symbol that starts then (soft; finite, 0 forbids). reading: an automaton
    that must accept.
    ending: the tune must stop at the horizon as the style's tunes stop.
    """

    name: str
    allowed: Mask | None = None
    weight: Floats | None = None
    reading: Listener | None = None
    ending: bool = False


@dataclass(frozen=True)
class TraceStep:
    """One symbol of a sequence: when it starts, from which context, and how probable it was there, freely and
    as wished.
    """

    tick: int
    symbol: int
    context: int
    free: float
    wished: float


@dataclass(frozen=True, eq=False)
class Ways:
    """Steps from several moments. Row r belongs to the r-th of them; the masses of a row are in proportion to
    the probabilities with which `Solution.sample` chooses (`free`: with which the chain would), and `onward`
    are the moments they lead to."""

    row: Longs
    symbol: Ints
    free: Floats
    mass: Floats
    onward: Longs


@dataclass(frozen=True, eq=False)
class Solution:
    """The beliefs of one request. Nothing in it changes; sampling it twice with one seed gives the same
    sequences.
    """

    trellis: Trellis
    ticks: int
    ending: bool
    factors: _Factors
    belief: Floats
    """[bars, width]: at each bar and state, the mass of all ways to finish well, divided by e^scale of its
    tick.
    """
    scale: Floats
    """[ticks + 1]: -inf where no walk can be that finishes well."""

    @property
    def log_z(self) -> float:
        """The logarithm of the chance that a free walk does what was asked; -inf when none can. See the head
        of this file.
        """
        mass = float(self.belief[0, self.trellis.start])
        return float(self.scale[0] + np.log(mass)) if mass > 0 else float("-inf")

    @property
    def feasible(self) -> bool:
        return self.log_z > float("-inf")

    def sample(self, count: int, seed: int | np.random.Generator = 0) -> Ints:
        """[count, most symbols]: sequences drawn independently from the exact distribution, padded with -1 at
        the end.

        Raises `Refused` when the request cannot be met at all.
        """
        if not self.feasible:
            raise Refused(
                "No sequence meets all of these wishes; `explain` finds which of them contradict each other."
            )
        random = np.random.default_rng(seed)
        at = np.full(count, self.start, dtype=np.int64)
        going = np.arange(count)
        drawn: list[Ints] = []
        while len(going):
            here, which = np.unique(
                at[going], return_inverse=True
            )  # walks that are at one moment choose from one row
            ways = self.ways(here)
            size = np.bincount(ways.row, minlength=len(here))
            last = np.cumsum(size)
            share = ways.mass / np.repeat(np.add.reduceat(ways.mass, last - size), size)
            heap = np.cumsum(share)
            low = np.concatenate([[0.0], heap])[last - size]
            aim = low[which] + random.random(len(going)) * (heap[last - 1] - low)[which]
            pick = np.clip(np.searchsorted(heap, aim, side="right"), (last - size)[which], (last - 1)[which])
            symbol = np.full(count, -1, dtype=np.int32)
            symbol[going] = ways.symbol[pick]
            drawn.append(symbol)
            at[going] = ways.onward[pick]
            going = going[self.tick(at[going]) < self.ticks]
        return np.stack(drawn, axis=1) if drawn else np.empty((count, 0), dtype=np.int32)

    def log_probability(self, sequence: ArrayLike) -> float:
        """The logarithm of the probability that `sample` draws this sequence; -inf for one that breaks a wish
        or is not of this length.
        """
        steps = self._follow(sequence)
        return float("-inf") if steps is None else float(sum(np.log(step.wished) for step in steps))

    def trace(self, sequence: ArrayLike) -> tuple[TraceStep, ...]:
        """Each step of a sequence that `sample` could draw. Raises `Refused` for one that it could not."""
        steps = self._follow(sequence)
        if steps is None:
            raise Refused("This sequence is not one that these wishes allow.")
        return tuple(steps)

    @property
    def start(self) -> int:
        """The moment (bar * width + state of the trellis) at which every walk begins."""
        return self.trellis.start

    def tick(self, moments: Longs) -> Longs:
        """How many ticks after the start each moment is; at `ticks` the walk is over."""
        bar, state = np.divmod(moments, self.trellis.width)
        place = np.searchsorted(self.trellis.layer, state, side="right") - 1
        found: Longs = bar * self.trellis.walk.period + place - self.trellis.walk.phase
        return found

    def ways(self, moments: Longs) -> Ways:
        """The steps from each of these moments from which the walk can still finish well. None of them may be
        past the end.

        So another model can be led by these constraints: it chooses among the symbols of a row, `mass / free`
        being what the chain foresees of each, and goes on to `onward`.
        """
        trellis = self.trellis
        bar, state = np.divmod(np.asarray(moments, dtype=np.int64), trellis.width)
        degree = trellis.first[state + 1] - trellis.first[state]
        step = ranges(trellis.first[state], degree)
        row = np.repeat(np.arange(len(bar)), degree)
        tick = self.tick(moments)[row]
        symbol = trellis.symbol[step]
        hop = trellis.hop[0 if trellis.pattern is None else trellis.pattern[tick], step]
        onward = bar[row] * trellis.width + hop
        mass = trellis.probability[step] * self.belief.reshape(-1)[onward]
        if self.factors.product is not None:
            mass *= self.factors.product[tick, symbol]
        good = np.flatnonzero(mass > 0)
        after = tick[good] + trellis.walk.durations[symbol[good]]
        shift = np.exp(np.clip(self.scale[after] - self.scale[tick[good]], -700, 700))
        return Ways(
            row[good], symbol[good], trellis.probability[step[good]], mass[good] * shift, onward[good]
        )

    def _follow(self, sequence: ArrayLike) -> list[TraceStep] | None:
        at, tick = self.start, 0
        steps: list[TraceStep] = []
        for symbol in np.asarray(sequence, dtype=np.int64).ravel().tolist():
            if tick >= self.ticks or not self.feasible:
                return None
            ways = self.ways(np.array([at]))
            found = np.flatnonzero(ways.symbol == symbol)
            if not len(found):
                return None
            one = int(found[0])
            context = int(self.trellis.context[at % self.trellis.width])
            steps.append(
                TraceStep(
                    tick, symbol, context, float(ways.free[one]), float(ways.mass[one] / ways.mass.sum())
                )
            )
            at = int(ways.onward[one])
            tick += int(self.trellis.walk.durations[symbol])
        return steps if tick == self.ticks and self.feasible else None


def solve(
    trellis: Trellis, ticks: int, wishes: Sequence[Wish] = (), *, budget: SearchBudget = SearchBudget()
) -> Solution:
    """Beliefs for walks of exactly `ticks` ticks that meet all `wishes`. Readings count as the trellis was
    unfolded with them.

    A request that cannot be met is no error here: its solution has log_z -inf. Raises `Refused` when a mask
    has another shape than [ticks, alphabet], a wish has a reading that the trellis does not know, or the
    beliefs would take too much memory.
    """
    factors = _combine(trellis, ticks, wishes)
    ending = any(wish.ending for wish in wishes)
    belief, scale = _backward(trellis, ticks, factors, ending, budget)
    solution = Solution(trellis, ticks, ending, factors, belief, scale)
    freeze(solution)
    if not solution.feasible and _possible(trellis, ticks, factors, ending, budget):
        raise Refused(
            "The chance of these wishes is too small to be computed; ask for weaker preferences or fewer pins."
        )
    return solution


@dataclass(frozen=True)
class Conflict:
    """Why a request cannot be met.

    wishes: names of wishes that cannot all be met together, though any fewer of them could be; none where the
    walk itself cannot fill the time. smallest: no other set of conflicting wishes is smaller (proved;
    otherwise the search ran into its limit). mends: those of them whose removal alone makes the whole request
    possible.
    """

    wishes: tuple[str, ...]
    mends: tuple[str, ...]
    smallest: bool
    checks: int


def explain(
    walk: Walk,
    ticks: int,
    wishes: Sequence[Wish],
    *,
    build: Callable[[Walk, tuple[Listener, ...]], Trellis] | None = None,
    checks: int = 400,
    budget: SearchBudget = SearchBudget(),
) -> Conflict | None:
    """The fewest wishes that contradict each other, or None when all of them can be met.

    build: `unfold`, or the caller's cache of it. Weights that are nowhere 0 never conflict. checks: how many
    sets of wishes may be tried for feasibility; the walk with only some of the readings may be larger than
    with all and be `Refused`.
    """
    trellises: dict[tuple[int, ...], Trellis] = {}

    def possible(chosen: frozenset[int]) -> bool:
        some = [wishes[number] for number in sorted(chosen)]
        listening = tuple(number for number in sorted(chosen) if wishes[number].reading is not None)
        if listening not in trellises:
            readings = tuple(reading for wish in some if (reading := wish.reading) is not None)
            if sum(trellis.steps for trellis in trellises.values()) > budget.steps // 4:
                trellises.clear()  # rather unfold again than hold them all
            trellises[listening] = build(walk, readings) if build else unfold(walk, readings, budget=budget)
        trellis = trellises[listening]
        return _possible(
            trellis, ticks, _combine(trellis, ticks, some), any(wish.ending for wish in some), budget
        )

    found = smallest_conflict(len(wishes), possible, checks=checks)
    if found is None:
        return None
    members, proved, tried = found
    everything = frozenset(range(len(wishes)))
    mends = [number for number in sorted(members) if possible(everything - {number})]
    return Conflict(
        wishes=tuple(wishes[number].name for number in sorted(members)),
        mends=tuple(wishes[number].name for number in mends),
        smallest=proved,
        checks=tried + len(members),
    )


def smallest_conflict(
    count: int, possible: Callable[[frozenset[int]], bool], *, checks: int = 400
) -> tuple[frozenset[int], bool, int] | None:
    """The smallest subset of range(count) that is not `possible`, whether that is proved, and how many checks
    it took.

    `possible` must stay true when members are taken away. Returns None if everything together is possible.
    Every conflict meets every set of wishes whose removal mends the request; the smallest set that meets all
    such sets known so far is tried next, and either is a conflict, hence the smallest, or gives another such
    set (Ignatiev, Previti, Liffiton and Marques-Silva, "Smallest MUS extraction with minimal hitting set
    dualization", CP 2015). When the checks run out, the answer is a conflict from which none can be taken
    away.
    """
    tried: dict[frozenset[int], bool] = {}

    def holds(chosen: frozenset[int]) -> bool:
        if chosen not in tried:
            tried[chosen] = possible(chosen)
        return tried[chosen]

    everything = frozenset(range(count))
    if holds(everything):
        return None
    must_meet: list[frozenset[int]] = []
    while len(tried) < checks:
        candidate = _smallest_that_meets(must_meet)
        if not holds(candidate):
            return candidate, True, len(tried)
        for member in sorted(everything - candidate):
            if holds(candidate | {member}):
                candidate |= {member}
        must_meet.append(everything - candidate)
    conflict = everything
    for member in sorted(everything):
        if not holds(conflict - {member}):
            conflict -= {member}
    return conflict, False, len(tried)


def anywhere(walk: Walk, ticks: int) -> Mask:
    """[ticks, alphabet], all true: the mask to begin with."""
    return np.ones((ticks, len(walk.durations)), dtype=bool)


def nothing_across(walk: Walk, ticks: int, moments: Sequence[int]) -> Mask:
    """[ticks, alphabet]: no symbol goes on across any of these ticks (a bar line, a rehearsal mark); one may
    end or start there.
    """
    mask = anywhere(walk, ticks)
    for moment in moments:
        for tick in range(max(0, moment - int(walk.durations.max()) + 1), min(moment, ticks)):
            mask[tick] &= tick + walk.durations <= moment
    return mask


def starting(walk: Walk, ticks: int, moment: int, symbols: ArrayLike) -> Mask:
    """[ticks, alphabet]: a symbol starts at this tick, and it is one of `symbols` ([alphabet] of booleans)."""
    _within(moment, ticks)
    mask = nothing_across(walk, ticks, [moment])
    mask[moment] &= np.asarray(symbols, dtype=bool)
    return mask


def covering(walk: Walk, ticks: int, moment: int, symbols: ArrayLike) -> Mask:
    """[ticks, alphabet]: what lasts through this tick, whenever it started, is one of `symbols` ([alphabet]
    of booleans).
    """
    _within(moment, ticks)
    mask = anywhere(walk, ticks)
    for tick in range(max(0, moment - int(walk.durations.max()) + 1), moment + 1):
        mask[tick] &= np.asarray(symbols, dtype=bool) | (tick + walk.durations <= moment)
    return mask


@dataclass(frozen=True, eq=False)
class _Factors:
    """What the wishes multiply the probability of a symbol with that starts at a tick: 1, 0 or a weight."""

    product: Floats | None
    """[ticks, alphabet], or None where no wish has a mask or weight."""
    plain: Mask
    """[ticks]: nothing is multiplied at this tick."""

    def row(self, tick: int) -> Floats | None:
        return None if self.product is None or self.plain[tick] else self.product[tick]

    def last_unlike(self, other: _Factors, ticks: int) -> int:
        """The last tick at which these differ from others; -1 where they are the same."""
        unlike = ~(self.plain & other.plain)
        if self.product is None or other.product is None:
            found = np.flatnonzero(unlike if self.product is not other.product else ())
            return int(found[-1]) if len(found) else -1
        for high in range(ticks, 0, -_BLOCK):  # from the end, for most are found soon
            block = slice(max(0, high - _BLOCK), high)
            found = np.flatnonzero(
                unlike[block] & np.any(self.product[block] != other.product[block], axis=1)
            )
            if len(found):
                return block.start + int(found[-1])
        return -1


_BLOCK = 32


def _combine(trellis: Trellis, ticks: int, wishes: Sequence[Wish]) -> _Factors:
    if ticks < 1:
        raise Refused(f"The walk is to last {ticks} ticks; it must be at least one.")
    if trellis.pattern is not None and len(trellis.pattern) != ticks:
        raise Refused(
            f"A reading listens over {len(trellis.pattern)} ticks, and the walk is to last {ticks}; make them equal."
        )
    shape = (ticks, len(trellis.walk.durations))
    product: Floats | None = None
    allowed: Mask | None = None
    for wish in wishes:
        if wish.reading is not None and not any(wish.reading is reading for reading in trellis.readings):
            raise Refused(
                f"The trellis was unfolded without the wish '{wish.name}'; unfold it with its reading."
            )
        for part in (wish.allowed, wish.weight):
            if part is None:
                continue
            if np.shape(part) != shape:
                raise Refused(
                    f"The wish '{wish.name}' needs {shape[0]} ticks of {shape[1]} symbols, not {np.shape(part)}."
                )
            if part.dtype == bool:
                heard: Mask = part.astype(bool, copy=False)
                allowed = heard if allowed is None else allowed & heard
                continue
            if not (np.all(np.isfinite(part)) and np.all(part >= 0)):
                raise Refused(
                    f"The wish '{wish.name}' has a weight below 0 or without end; weights are finite and not negative."
                )
            product = part.astype(np.float64) if product is None else product * part
    if allowed is not None:
        product = allowed.astype(np.float64) if product is None else product * allowed
    plain = np.ones(ticks, dtype=bool) if product is None else np.all(product == 1, axis=1)
    if product is not None:
        product.flags.writeable = False
    return _Factors(product, plain)


@dataclass(frozen=True, eq=False)
class _Latest:
    """Beliefs, the scale of each tick, and what they are for: so many ticks, and these factors."""

    ticks: int
    factors: _Factors
    belief: Floats
    scale: Floats


LARGEST_KEPT = 64 * 2**20
"""Bytes of beliefs that are kept for the next request. Those of a style of a thousand tunes would be several
times as large.
"""


def _backward(
    trellis: Trellis,
    ticks: int,
    factors: _Factors,
    ending: bool,
    budget: SearchBudget,
    *,
    whether: bool = False,
) -> tuple[Floats, Floats]:
    """Beliefs [bars, width] and the scale of each tick. With `whether` they only say 1 where a walk can
    finish well, 0 where not.

    Beliefs depend only on what is asked of later ticks. A form asks dozens of times, for one bar more each
    time, so those behind the last tick that is asked otherwise than the time before are taken over; they are
    the same to the bit.
    """
    from scipy.sparse import csr_matrix

    walk, width, period = trellis.walk, trellis.width, trellis.walk.period
    end = walk.phase + ticks
    bars = end // period + 1 + trellis.reach
    if bars * width * 8 > budget.bytes:
        raise Refused(
            f"{trellis.states:,} states over {bars} bars need {bars * width * 8 / 2**20:,.0f} MiB, more than the "
            f"{budget.bytes / 2**20:,.0f} MiB allowed; ask for fewer bars, a smaller style or a higher lowest order."
        )
    longest = int(walk.durations.max())
    latest = trellis.latest.get((ending, whether))
    begin = ticks - 1
    if latest is not None and latest.ticks == ticks:
        begin = factors.last_unlike(latest.factors, ticks)
        if begin < 0:
            return latest.belief, latest.scale[: ticks + 1]
        bar, place = divmod(walk.phase + begin, period)
        belief, scale = np.zeros(latest.belief.shape), latest.scale.copy()
        belief[bar:] = latest.belief[bar:]
        belief[bar, : trellis.layer[place + 1]] = 0
        scale[: begin + 1] = -np.inf
    else:
        belief, scale = _at_the_end(trellis, ticks, ending, bars, longest, whether)

    matrices: dict[tuple[int, int], tuple[csr_matrix, Floats, Longs, Floats | None]] = {}
    for tick in range(begin, -1, -1):
        bar, place = divmod(walk.phase + tick, period)
        low, high = int(trellis.layer[place]), int(trellis.layer[place + 1])
        ahead = scale[tick + 1 : tick + 1 + longest]
        level = float(ahead.max())
        if low == high or level == -np.inf:
            continue
        pattern = 0 if trellis.pattern is None else int(trellis.pattern[tick])
        steps = slice(int(trellis.first[low]), int(trellis.first[high]))
        if (place, pattern) not in matrices:
            chance = np.ones(steps.stop - steps.start) if whether else trellis.probability[steps]
            rows = trellis.first[low : high + 1] - trellis.first[low]
            shape = (high - low, (trellis.reach + 1) * width)
            matrix = csr_matrix((chance.copy(), trellis.hop[pattern, steps], rows), shape=shape)
            # Indices as wide as numpy's own are looked up at twice the speed.
            matrices[place, pattern] = matrix, chance, trellis.symbol[steps].astype(np.intp), None
        matrix, chance, symbols, before = matrices[place, pattern]
        row = factors.row(tick)
        if whether and row is not None:
            row = (row > 0).astype(np.float64)
        if np.any((ahead != level) & (ahead > -np.inf)):
            shift = np.exp(np.maximum(scale[tick + walk.durations] - level, -800))
            row = shift if row is None else row * shift
        if not (row is before or (row is not None and before is not None and np.array_equal(row, before))):
            if row is None:
                matrix.data[:] = chance
            else:
                np.multiply(chance, row.take(symbols), out=matrix.data)
            matrices[place, pattern] = matrix, chance, symbols, row
        mass = matrix @ belief.reshape(-1)[bar * width : (bar + trellis.reach + 1) * width]
        if whether:
            mass = (mass > 0).astype(np.float64)
        top = float(mass.max())
        if top == 0:
            continue
        scale[tick] = level
        if not SMALLEST < top < GREATEST:
            mass /= top
            scale[tick] += np.log(top)
        belief[bar, low:high] = mass
    belief.flags.writeable = scale.flags.writeable = False
    if belief.nbytes <= LARGEST_KEPT:
        trellis.latest[ending, whether] = _Latest(ticks, factors, belief, scale)
    return belief, scale[: ticks + 1]


def _at_the_end(
    trellis: Trellis, ticks: int, ending: bool, bars: int, longest: int, whether: bool
) -> tuple[Floats, Floats]:
    """Beliefs and scales of which only those at the end of the walk are known."""
    walk, period = trellis.walk, trellis.walk.period
    belief, scale = np.zeros((bars, trellis.width)), np.full(ticks + 1 + longest, -np.inf)
    bar, place = divmod(walk.phase + ticks, period)
    last = slice(int(trellis.layer[place]), int(trellis.layer[place + 1]))
    final = trellis.accepting[last].astype(np.float64)
    if ending:
        final *= (
            walk.chain.ending[trellis.context[last]] > 0
            if whether
            else walk.chain.ending[trellis.context[last]]
        )
    belief[bar, last] = final
    if np.any(final):
        scale[ticks] = 0.0
    return belief, scale


def _possible(trellis: Trellis, ticks: int, factors: _Factors, ending: bool, budget: SearchBudget) -> bool:
    belief, _ = _backward(trellis, ticks, factors, ending, budget, whether=True)
    return bool(belief[0, trellis.start] > 0)


def _pack(
    place: int | Longs, context: int | Ints, states: Sequence[int | Longs], sizes: Sequence[int]
) -> Longs:
    key = np.asarray(place, dtype=np.int64) * sizes[0]
    key = key + context
    for state, size in zip(states, sizes[1:], strict=True):
        key *= size
        key += state
    return key


def _unpack(keys: Longs, sizes: Sequence[int]) -> tuple[Longs, Longs, list[Longs]]:
    states: list[Longs] = []
    for size in reversed(sizes[1:]):
        keys, state = np.divmod(keys, size)
        states.insert(0, state)
    place, context = np.divmod(keys, sizes[0])
    return place, context, states


def _listening(readings: Sequence[Listener]) -> tuple[Mask, Ints | None]:
    """The different sets of readings that listen at some tick, [patterns, readings], and which of them does
    at each tick.
    """
    windows = [np.asarray(reading.when, dtype=bool) for reading in readings if reading.when is not None]
    if not windows:
        return np.ones((1, len(readings)), dtype=bool), None
    if len({window.shape for window in windows}) > 1 or windows[0].ndim != 1:
        raise Refused(
            "Two readings listen over different numbers of ticks; make their windows as long as the walk."
        )
    columns = np.stack(
        [
            np.ones(windows[0].shape, dtype=bool) if r.when is None else np.asarray(r.when, dtype=bool)
            for r in readings
        ],
        axis=1,
    )
    patterns, which = np.unique(columns, axis=0, return_inverse=True)
    return patterns, which.ravel().astype(np.int32)


def _too_large(states: int, steps: int, budget: SearchBudget) -> None:
    raise Refused(
        f"The request grew beyond {states:,} states and {steps:,} steps (at most {budget.states:,} and {budget.steps:,}); "
        "take a higher lowest order, fewer constraints at once, or a smaller style."
    )


def _smallest_that_meets(sets: Sequence[frozenset[int]]) -> frozenset[int]:
    """The smallest set of numbers that has one in common with every one of `sets`, which are not empty."""

    def extend(chosen: frozenset[int], more: int) -> frozenset[int] | None:
        missed: list[frozenset[int]] = [one for one in sets if not one & chosen]
        if not missed:
            return chosen
        if not more:
            return None
        for number in sorted(_shortest(missed)):
            found = extend(chosen | {number}, more - 1)
            if found is not None:
                return found
        return None

    for size in range(len(sets)):
        found = extend(frozenset(), size)
        if found is not None:
            return found
    return frozenset(min(one) for one in sets)


def _shortest(sets: Sequence[frozenset[int]]) -> frozenset[int]:
    return min(sets, key=lambda one: len(one))


def _within(moment: int, ticks: int) -> None:
    if not 0 <= moment < ticks:
        raise Refused(f"Tick {moment} is outside the walk, which has ticks 0 to {ticks - 1}.")
