"""Where a walk along a chain can be: the product of the chain, the listeners and a period of time, unfolded
from the start.

    walk = Walk(chain, durations, period=16)           who walks: the chain, and how long its symbols last
    trellis = unfold(walk, [Listener(heard, copies)])  keep it: it serves every request with these listeners

A state of the trellis is all that decides how a walk may go on: the context of the chain, the state of every
listener, and the place in the period. Walks that come to the same state have the same futures, whatever
brought them there, so they are merged: what would be a tree that grows exponentially with the length of the
walk becomes a graph that does not grow with it at all. This is the product of Papadopoulos, Pachet, Roy and
Sakellariou, "Exact sampling for Regular and Markov constraints with belief propagation" (CP 2015), with
durations as in Roy and Pachet, "Enforcing meter in finite-length Markov sequences" (AAAI 2013).

Time is counted in ticks. It is not part of a state: where those papers have a copy of the product for each
position, a state here serves every cycle of the period, and what differs between cycles (masks, weights,
beliefs) is kept outside (see `sampling`). The place in the period is part of it, so that `Walk.places` costs
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.errors import Refused
from studio.music.chains.automata import DEAD, Listener
from studio.music.chains.markov import Chain, Floats, Ints, Longs, Mask, freeze, ranges
from studio.music.chains.numbering import numbered


@dataclass(frozen=True)
class SearchBudget:
    """How large a request may become before it is refused: the states and steps of a trellis, the bytes
    of beliefs.
    """

    states: int = 4_000_000
    steps: int = 40_000_000
    bytes: int = 1_500_000_000


USUAL_BUDGET = SearchBudget()


@dataclass(frozen=True, eq=False)
class Walk:
    """Who walks: a chain whose symbols last `durations[symbol]` ticks (whole numbers from 1), through one
    cycle of a period after another (in music, bars).

    period: ticks in a cycle; 1 where there are none. places: [period, alphabet] of booleans, which symbols
    may start at which place in the period (None: all). phase: the place where the walk starts (0 … period -
    1). history: symbols before the start, which the chain remembers and no constraint counts; None: the walk
    starts where sequences begin. Raises `Refused` for numbers that do not fit the chain.
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
                f"A walk cannot start at tick {self.phase} of a period of {self.period}; "
                "start it at one of the period's ticks, counted from 0."
            )
        if self.places is not None and np.shape(self.places) != (self.period, alphabet):
            raise Refused(
                f"The places need {self.period} rows of {alphabet} symbols, not {np.shape(self.places)}."
            )

    @cached_property
    def home(self) -> Longs | None:
        """[alphabet]: the place of each symbol in the period; None where one may start at several."""
        if self.places is None or np.any(np.sum(self.places, axis=0) > 1):
            return None
        found: Longs = np.argmax(self.places, axis=0).astype(np.int64)
        found.flags.writeable = False
        return found

    @property
    def origin(self) -> int:
        """The context that it starts in."""
        if self.history is None:
            return self.chain.state()
        return self.chain.state(self.history, from_the_start=False)

    def rows(self, ticks: int) -> int:
        """How many periods `ticks` ticks from the start touch."""
        return -(-(self.phase + ticks) // self.period)


@dataclass(frozen=True, eq=False)
class Factors:
    """What a request multiplies the probability of a symbol by that starts at a tick: 1, 0 or a weight."""

    product: Floats | None
    """[rows, alphabet], or None where nothing is multiplied at all."""
    plain: Mask
    """[rows]: nothing is multiplied there."""
    span: int = 1
    """Ticks a row: a whole period where every symbol has one place in it, or one tick."""
    phase: int = 0
    """Ticks of the first row that lie before the walk."""
    home: Longs | None = None
    """[alphabet]: the place in the row of each symbol; None where a row is one tick."""

    def row(self, tick: int) -> Floats | None:
        """[alphabet], right for those symbols that can start at this tick; None for ones."""
        row = (tick + self.phase) // self.span
        return None if self.product is None or self.plain[row] else self.product[row]

    def at(self, tick: Longs, symbol: NDArray[np.integer]) -> Floats | None:
        """What these symbols are multiplied by at these ticks; None for ones."""
        if self.product is None:
            return None
        row = (tick + self.phase) // self.span
        found: Floats = self.product.reshape(-1).take(row * self.product.shape[1] + symbol)
        return found

    @cached_property
    def least(self) -> float:
        """The smallest factor over 0; 1 where there is none."""
        if self.product is None:
            return 1.0
        return float(np.min(self.product, where=self.product > 0, initial=1.0))

    def last_unlike(self, other: Factors, ticks: int) -> int:
        """The last tick at which these differ from others, or a later one; -1 where they are the same."""
        if self.product is other.product:
            return -1
        unlike = ~(self.plain & other.plain)
        if self.product is None or other.product is None:
            found = np.flatnonzero(unlike)
            return min(ticks, (int(found[-1]) + 1) * self.span - self.phase) - 1 if len(found) else -1
        block_size = 1 if self.home is not None else 32
        for high in range(len(unlike), 0, -block_size):  # from the end, near which most differences are
            block = slice(max(0, high - block_size), high)
            differs = self.product[block] != other.product[block]
            found = np.flatnonzero(unlike[block] & np.any(differs, axis=1))
            if not len(found):
                continue
            row = block.start + int(found[-1])
            if self.home is None:
                return row
            return min(ticks - 1, row * self.span + int(self.home[differs[0]].max()) - self.phase)
        return -1


@dataclass(frozen=True, eq=False)
class Beliefs:
    """How likely a walk is to finish well, from every state at every tick, and what was asked of it.

    belief: [cycles, width], divided by e^scale of its tick. scale: [ticks + 1 and more]: -inf where no walk
    can be that finishes well.
    """

    ticks: int
    factors: Factors
    belief: Floats
    scale: Floats


@dataclass(frozen=True, eq=False)
class LayerSteps:
    """The steps from one place of the period as a sparse matrix, from where they lead to where they start.

    begins: [states of the place + 1], where the steps of each begin. leads: [steps]. probability: [steps].
    symbols: [different ones]. which: [steps], the number of their symbol among these. durations: of these, in
    ticks.
    """

    begins: NDArray[np.integer]
    leads: NDArray[np.integer]
    probability: Floats
    symbols: NDArray[np.intp]
    which: NDArray[np.intp]
    durations: Longs

    @cached_property
    def by_symbol(self) -> StepsBySymbol:
        """The same steps, those of one symbol together."""
        order = np.argsort(self.which, kind="stable")
        source = np.repeat(np.arange(len(self.begins) - 1), np.diff(self.begins))
        found = StepsBySymbol(
            np.searchsorted(self.which[order], np.arange(len(self.symbols) + 1)).tolist(),
            source[order],
            self.leads[order].astype(np.intp),
            self.probability[order],
        )
        freeze(found)
        return found

    def some(self, own: NDArray[np.intp]) -> LayerSteps:
        """The steps of some of the states alone."""
        degree = np.diff(self.begins)[own]
        steps = ranges(self.begins[own], degree)
        begins = np.concatenate([[0], np.cumsum(degree)]).astype(self.begins.dtype)
        used, which = np.unique(self.which[steps], return_inverse=True)
        found = LayerSteps(
            begins,
            self.leads[steps],
            self.probability[steps],
            self.symbols[used],
            which.ravel().astype(np.intp),
            self.durations[used],
        )
        freeze(found)
        return found


@dataclass(frozen=True, eq=False)
class StepsBySymbol:
    """A layer's steps, those of one symbol together. No two of these begin in the same state.

    edges: those of symbol k of the layer are edges[k] … edges[k + 1] - 1. source: the state each begins in.
    leads, probability: as in the layer.
    """

    edges: list[int]
    source: NDArray[np.intp]
    leads: NDArray[np.intp]
    probability: Floats


@dataclass(frozen=True, eq=False)
class Arrivals:
    """The symbols that lead to the states of one place. symbol: [states]. back: in which cycle they start,
    counted from that of the states: 0 or below; a number where it is the same for all.
    """

    symbol: NDArray[np.intp]
    back: int | Longs


@dataclass(frozen=True, eq=False)
class Trellis:
    """The states that can be reached, and the steps between them.

    States are sorted by their place in the period: those of place p are layer[p] … layer[p + 1] - 1. The
    steps of state s are first[s] … first[s + 1] - 1. hop[q, e] says where step e leads while the listeners of
    pattern q listen: cycles further * width + state, where width is one more than there are states; the extra
    state has belief 0 and stands for where a step may not lead. context: of the chain, at each state; where
    states of the same future are one (see `minimal`), that of one of them.
    """

    walk: Walk
    listeners: tuple[Listener, ...]
    layer: Longs
    context: Ints
    accepting: Mask
    first: Longs
    symbol: Ints
    probability: Floats
    hop: NDArray[np.integer]
    pattern: Ints | None
    """[ticks]: which pattern of listeners listens at each tick; None where all of them always listen."""
    start: int
    latest: dict[tuple[bool, bool], Beliefs] = field(default_factory=dict, repr=False)
    """The beliefs worked out last, by whether the walk stops at its end and whether they only say yes or no
    (see `beliefs.believe`).
    """
    timed: dict[tuple[bool, bool], Any] = field(default_factory=dict, init=False, repr=False)
    """The same with a clock: `clocks.TimedBeliefs`."""
    layers: dict[tuple[int, int], LayerSteps] = field(default_factory=dict, init=False, repr=False)
    """The steps from each place of the period under each pattern of listeners, as far as they were needed."""
    first_layers: dict[tuple[int, int], tuple[NDArray[np.intp], LayerSteps]] = field(
        default_factory=dict, init=False, repr=False
    )
    """The same for the first cycle, where fewer states can be: which states of the place, and their steps."""

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
        """How many cycles further a single step can lead."""
        return int(self.hop.max(initial=0)) // self.width

    @cached_property
    def entered(self) -> Mask:
        """[width]: the states that a step from an earlier cycle leads to."""
        found = np.zeros(self.width, dtype=bool)
        found[(self.hop[self.hop >= self.width]) % self.width] = True
        return found

    @cached_property
    def into(self) -> NDArray[np.intp] | None:
        """[width]: the symbol that leads to each state; 0 where none does. None where several lead to one."""
        found = np.zeros(self.width, dtype=np.intp)
        onto = [row % self.width for row in self.hop]
        for row in onto:
            found[row] = self.symbol
        dead = self.width - 1
        if any(np.any((found[row] != self.symbol) & (row != dead)) for row in onto):
            return None
        found[dead] = 0
        return found

    @cached_property
    def arrivals(self) -> list[Arrivals]:
        """Of each place of the period. Only where `into` is known."""
        assert self.into is not None
        found = []
        for place, (low, high) in enumerate(pairwise(self.edges)):
            symbol = self.into[low:high]
            back = (place - self.walk.durations[symbol]) // self.walk.period
            same = not len(back) or bool((back == back[0]).all())
            found.append(Arrivals(symbol, int(back[0]) if same and len(back) else 0 if same else back))
        return found

    @cached_property
    def steps_of(self) -> Longs:
        """[alphabet]: how many steps each symbol has."""
        return np.bincount(self.symbol, minlength=len(self.walk.durations))

    def open_steps(self, allowed: Mask) -> Longs:
        """[rows, period]: how many of the steps from each place may be taken. allowed: [rows, alphabet]. Only
        where symbols have places of their own (`Walk.home`).
        """
        order, places, begins = self._by_home
        found = np.zeros((len(allowed), self.walk.period), dtype=np.int64)
        if len(begins):
            found[:, places] = np.add.reduceat(allowed[:, order] * self.steps_of[order], begins, axis=1)
        return found

    @cached_property
    def _by_home(self) -> tuple[Longs, Longs, Longs]:
        """The symbols by their places, those places, and where the symbols of each begin."""
        assert self.walk.home is not None
        order = np.argsort(self.walk.home, kind="stable")
        places, begins = np.unique(self.walk.home[order], return_index=True)
        return order, places, begins

    @cached_property
    def opening(self) -> Mask:
        """[states]: those that a walk can be in during its first cycle."""
        found = np.zeros(self.width, dtype=bool)
        found[self.start] = True
        for low, high in pairwise(self.edges[self.walk.phase :]):
            here = low + np.flatnonzero(found[low:high])
            steps = ranges(self.first[here], self.first[here + 1] - self.first[here])
            for row in self.hop:
                onward = row[steps]
                found[onward[onward < self.width]] = True
        return found[:-1]

    @cached_property
    def place_of(self) -> Longs:
        """[width]: the place in the period of each state."""
        return np.append(np.repeat(np.arange(self.walk.period), np.diff(self.layer)), 0)

    @cached_property
    def edges(self) -> list[int]:
        """`layer` as plain numbers."""
        return [int(edge) for edge in self.layer]

    @cached_property
    def least(self) -> float:
        """The smallest probability of a step."""
        return float(self.probability.min(initial=1.0))

    def layer_of(self, place: int, pattern: int) -> LayerSteps:
        """The steps from one place of the period, under one pattern of listeners."""
        if (place, pattern) not in self.layers:
            low, high = self.edges[place], self.edges[place + 1]
            steps = slice(int(self.first[low]), int(self.first[high]))
            own, _, which = numbered(self.symbol[steps])
            layer = LayerSteps(
                (self.first[low : high + 1] - self.first[low]).astype(self.hop.dtype),
                self.hop[pattern, steps],
                self.probability[steps],
                own.astype(np.intp),  # indices as wide as numpy's own are looked up at twice the speed
                which.astype(np.intp),
                self.walk.durations[own],
            )
            freeze(layer)
            self.layers[place, pattern] = layer
        return self.layers[place, pattern]

    def first_layer_of(self, place: int, pattern: int) -> tuple[NDArray[np.intp], LayerSteps]:
        """The states of one place that a walk can be in during its first cycle, and the steps from them."""
        if (place, pattern) not in self.first_layers:
            own = np.flatnonzero(self.opening[self.edges[place] : self.edges[place + 1]])
            self.first_layers[place, pattern] = own, self.layer_of(place, pattern).some(own)
        return self.first_layers[place, pattern]


def unfold(walk: Walk, listeners: Sequence[Listener] = (), *, budget: SearchBudget = USUAL_BUDGET) -> Trellis:
    """Every state that can be reached from the start of `walk` without a listener saying no, and the steps
    between them.

    It depends neither on the length nor on the masks and weights of a request, so one trellis serves until
    the listeners change. Raises `Refused`, with the numbers, when it would grow beyond the budget.
    """
    product = _Product.of(walk, tuple(listeners))
    search = _Search(product)
    frontier = search.keys
    while len(frontier):
        frontier = search.advance(frontier, budget)
    trellis = search.trellis()
    freeze(trellis)
    return trellis


@dataclass(frozen=True, eq=False)
class _Product:
    """The product of period, chain and listeners. A state of it is one integer, its key: the place in the
    period, the context and the joint state of each listener are its digits, in a mixed base.
    """

    walk: Walk
    listeners: tuple[Listener, ...]
    sizes: tuple[int, ...]
    """How many contexts there are, and how many joint states of each listener."""
    patterns: Mask
    """[patterns, listeners]: the different sets of listeners that listen at some tick."""
    pattern: Ints | None
    """[ticks]: which of them does; None where all listen always."""

    @classmethod
    def of(cls, walk: Walk, listeners: tuple[Listener, ...]) -> _Product:
        sizes = (walk.chain.contexts, *(listener.states for listener in listeners))
        if walk.period * float(np.prod(np.array(sizes, dtype=np.float64))) >= 2**62:
            raise Refused(
                "These constraints together have more states than can be numbered; ask for fewer at once."
            )
        return cls(walk, listeners, sizes, *_listening(listeners))

    @property
    def start(self) -> int:
        joints = [np.array([listener.start]) for listener in self.listeners]
        return int(self.pack(np.array([self.walk.phase]), np.array([self.walk.origin]), joints)[0])

    def pack(self, place: Longs, context: NDArray[np.integer], joints: Sequence[Longs]) -> Longs:
        key: Longs = place * self.sizes[0] + context
        for joint, size in zip(joints, self.sizes[1:], strict=True):
            key *= size
            key += joint
        return key

    def unpack(self, keys: Longs) -> tuple[Longs, Longs, list[Longs]]:
        joints: list[Longs] = []
        for size in reversed(self.sizes[1:]):
            keys, joint = np.divmod(keys, size)
            joints.insert(0, joint)
        place, context = np.divmod(keys, self.sizes[0])
        return place, context, joints

    def degree(self, context: Longs) -> Longs:
        """How many steps the chain offers from each context."""
        found: Longs = self.walk.chain.start[context + 1] - self.walk.chain.start[context]
        return found

    def steps(
        self, place: Longs, context: Longs, joints: Sequence[Longs]
    ) -> tuple[Longs, Longs, list[Longs]]:
        """All steps from these states that some pattern allows: the chain's step behind each, which of the
        states it leaves, and, for each pattern, the key of the state it leads to, or `DEAD`.
        """
        walk, chain = self.walk, self.walk.chain
        degree = self.degree(context)
        edge = ranges(chain.start[context], degree)
        source = np.repeat(np.arange(len(place)), degree)
        symbol = chain.symbol[edge]
        if walk.places is not None:
            fits = walk.places[place[source], symbol]
            if not fits.all():
                edge, source, symbol = edge[fits], source[fits], symbol[fits]
        onward = (place[source] + walk.durations[symbol]) % walk.period
        parts = [listener.split(joint) for listener, joint in zip(self.listeners, joints, strict=True)]
        after: list[Longs] = []
        for listens in self.patterns:
            heard = [
                listener.step(memory[source], state[source], symbol, listens=bool(hears))
                for listener, (memory, state), hears in zip(self.listeners, parts, listens, strict=True)
            ]
            key = self.pack(onward, chain.target[edge], heard)
            for joint in heard:
                key[joint == DEAD] = DEAD
            after.append(key)
        lives = after[0] != DEAD
        for to in after[1:]:
            lives |= to != DEAD
        if not lives.all():
            edge, source, after = edge[lives], source[lives], [to[lives] for to in after]
        return edge, source, after


class _Search:
    """Goes through the product breadth first, all states of a generation at once, and numbers states as it
    meets them. Whether a state has been met before is one search in the ascending keys of all states so far.
    """

    def __init__(self, product: _Product) -> None:
        self.product = product
        self.keys = np.array([product.start])
        self.numbers = np.array([0])
        """Of the states, in the order of their keys."""
        self.degrees: list[Longs] = []
        self.edges: list[Ints] = []
        """The chain's step behind each step, state by state as they were met."""
        self.leads: list[list[Ints]] = [[] for _ in product.patterns]
        """For each pattern, the number of the state each step leads to; -1 for none."""
        self.steps = 0

    def advance(self, frontier: Longs, budget: SearchBudget) -> Longs:
        """Take every step from these states. Returns the states that were not known before."""
        place, context, joints = self.product.unpack(frontier)
        steps = self.steps + int(self.product.degree(context).sum())
        if steps > budget.steps:
            _too_large(len(self.keys), steps, budget)
        edge, source, after = self.product.steps(place, context, joints)
        self.steps += len(edge)
        self.edges.append(edge.astype(np.int32))
        self.degrees.append(np.bincount(source, minlength=len(frontier)))

        met, _, where = numbered(np.concatenate(after) if after[1:] else after[0])
        number = np.full(len(met), -1, dtype=np.int32)
        at = np.minimum(np.searchsorted(self.keys, met), len(self.keys) - 1)
        known = self.keys[at] == met
        number[known] = self.numbers[at[known]]
        new = ~known & (met != DEAD)
        number[new] = len(self.keys) + np.arange(np.count_nonzero(new))
        for lead, part in zip(self.leads, np.split(where, len(after)), strict=True):
            lead.append(number[part])

        found: Longs = met[new]
        if len(self.keys) + len(found) > budget.states:
            _too_large(len(self.keys) + len(found), self.steps, budget)
        insert = np.searchsorted(self.keys, found)
        self.keys = np.insert(self.keys, insert, found)
        self.numbers = np.insert(self.numbers, insert, number[new])
        return found

    def trellis(self) -> Trellis:
        """With the states numbered by ascending key, that is by place in the period and then by context: the
        beliefs of one tick lie side by side then, and states that step to each other lie close.
        """
        product, walk = self.product, self.product.walk
        order = self.numbers
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        degree = np.concatenate(self.degrees)
        step = ranges((np.cumsum(degree) - degree)[order], degree[order])
        degree = degree[order]
        edge = np.concatenate(self.edges)[step]
        symbol = walk.chain.symbol[edge]
        place, context, joints = product.unpack(self.keys)

        width = len(order) + 1
        cycles = (np.repeat(place, degree) + walk.durations[symbol]) // walk.period
        farthest = (int(cycles.max(initial=0)) + 1) * width
        hop = np.empty((len(self.leads), len(step)), dtype=np.int32 if farthest < 2**31 else np.int64)
        cycles *= width
        for row, lead in zip(hop, self.leads, strict=True):
            reached = np.concatenate(lead)[step]
            row[:] = np.where(reached < 0, width - 1, cycles + rank[reached])
        accepting = np.ones(len(order), dtype=bool)
        for listener, joint in zip(product.listeners, joints, strict=True):
            accepting &= listener.accepting(joint)
        return Trellis(
            walk=walk,
            listeners=product.listeners,
            layer=np.searchsorted(place, np.arange(walk.period + 1)),
            context=context.astype(np.int32),
            accepting=accepting,
            first=np.concatenate([[0], np.cumsum(degree)]).astype(np.int64),
            symbol=symbol,
            probability=walk.chain.probability[edge],
            hop=hop,
            pattern=product.pattern,
            start=int(rank[0]),
        )


def _listening(listeners: Sequence[Listener]) -> tuple[Mask, Ints | None]:
    """The different sets of listeners that listen at some tick, [patterns, listeners], and which of them does
    at each tick.
    """
    windows = [np.asarray(one.when, dtype=bool) for one in listeners if one.when is not None]
    if not windows:
        return np.ones((1, len(listeners)), dtype=bool), None
    if len({window.shape for window in windows}) > 1 or windows[0].ndim != 1:
        raise Refused(
            "Two constraints listen over different numbers of ticks; make their windows as long as the walk."
        )
    always = np.ones(windows[0].shape, dtype=bool)
    columns = [always if one.when is None else np.asarray(one.when, dtype=bool) for one in listeners]
    patterns, which = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
    return patterns, which.ravel().astype(np.int32)


class TooLarge(Refused):
    """A search beyond its budget."""


def _too_large(states: int, steps: int, budget: SearchBudget) -> None:
    raise TooLarge(
        f"The request grew beyond {states:,} states and {steps:,} steps "
        f"(at most {budget.states:,} and {budget.steps:,}); "
        "ask for fewer constraints at once, raise the lowest order, or learn from a smaller corpus."
    )
