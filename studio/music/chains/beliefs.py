"""The backward pass: how likely a walk is to finish well, from every state of a trellis at every tick.

    belief(state, tick) = sum over steps from the state of
                          probability * factor(tick, symbol) * belief(where the step leads, tick + duration)

from the end, where it is 1 in the states that every listener accepts and 0 in all others. These are the
messages of belief propagation, which on a chain of factors is exact: Pachet, Roy and Barbieri, "Finite-length
Markov processes with constraints" (IJCAI 2011), for masks alone; Papadopoulos, Pachet, Roy and Sakellariou
(CP 2015) with automata. The belief of the start is Z, the mass of all walks that do what was asked.

A belief is a number for each cycle and state, [cycles, width]; the state knows its place in the period, so a
pair of them is a tick. The last state is the one that is never reached.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from studio.errors import Refused
from studio.music.chains.markov import Floats, Longs
from studio.music.chains.products import add_product
from studio.music.chains.trellis import Beliefs, Factors, LayerSteps, SearchBudget, Trellis

SMALLEST, GREATEST = 1e-60, 1e60
"""Beliefs are rescaled when the largest of a tick leaves this range."""

LARGEST_KEPT = 128 * 2**20
"""Bytes of beliefs that are kept for the next request. Those of a thousand sequences would be several times
as large.
"""


def believe(
    trellis: Trellis,
    ticks: int,
    factors: Factors,
    *,
    ending: bool,
    budget: SearchBudget,
    whether: bool = False,
) -> Beliefs:
    """The beliefs for walks of `ticks` ticks. ending: they stop there, as sequences of the corpus end.
    whether: beliefs only say 1 where a walk can finish well, and 0 where it cannot, so that none is too small
    for a float. Raises `Refused` beyond the budget.

    Beliefs depend only on what is asked of later ticks. Requests often come in series that differ near their
    beginning, so the beliefs behind the last tick that differs from the latest request are taken over. They
    are the same to the bit.
    """
    latest = trellis.latest.get((ending, whether))
    if latest is not None and latest.ticks == ticks:
        begin = factors.last_unlike(latest.factors, ticks)
        if begin < 0:
            return latest
        belief, scale = _up_to(trellis, latest, begin)
    else:
        begin = ticks - 1
        belief, scale = _at_the_end(trellis, ticks, ending, budget, whether)

    if trellis.into is not None:
        _Backward(trellis, ticks, factors, belief, scale, whether).run(begin)
    else:

        def mass(_place: int, _tick: int, layer: WeightedLayer, ahead: Floats) -> Floats:
            return layer.times(ahead)

        by_layers(trellis, factors, belief, scale, mass, whether, begin)
    belief.flags.writeable = scale.flags.writeable = False
    found = Beliefs(ticks, factors, belief, scale)
    if belief.nbytes <= LARGEST_KEPT:
        trellis.latest[ending, whether] = found
    return found


def _at_the_end(
    trellis: Trellis, ticks: int, ending: bool, budget: SearchBudget, whether: bool
) -> tuple[Floats, Floats]:
    """Beliefs and scales of which only those at the end of the walk are known."""
    walk = trellis.walk
    cycle, place = divmod(walk.phase + ticks, walk.period)
    cycles = cycle + 1 + trellis.reach
    size = cycles * trellis.width * 8
    if size > budget.bytes:
        raise Refused(
            f"{trellis.states:,} states over {cycles} cycles need {size / 2**20:,.0f} MiB, "
            f"but at most {budget.bytes / 2**20:,.0f} MiB are allowed; "
            "ask for something shorter, or learn from a smaller corpus."
        )
    belief = np.zeros((cycles, trellis.width))
    belief[cycle:] = 0
    scale = np.full(ticks + 1 + int(walk.durations.max()), -np.inf)
    last = slice(int(trellis.layer[place]), int(trellis.layer[place + 1]))
    final = trellis.accepting[last].astype(np.float64)
    if ending:
        stops = walk.chain.ending[trellis.context[last]]
        final *= stops > 0 if whether else stops
    belief[cycle, last] = final
    if np.any(final):
        scale[ticks] = 0.0
    return belief, scale


def _up_to(trellis: Trellis, latest: Beliefs, begin: int) -> tuple[Floats, Floats]:
    """Beliefs and scales as they were the last time behind the tick `begin`, and not yet known before."""
    cycle, place = divmod(trellis.walk.phase + begin, trellis.walk.period)
    shape = latest.belief.shape
    belief, scale = np.zeros(shape), latest.scale.copy()
    belief[cycle:] = latest.belief[cycle:]
    belief[cycle, : trellis.edges[place + 1]] = 0
    scale[: begin + 1] = -np.inf
    return belief, scale


class _Backward:
    """One backward pass over a trellis in which a single symbol leads to each state.

    What such a symbol is multiplied by is then a matter of the state it leads to. So every tick is the
    product of the trellis's own numbers, which never change, and of what the states ahead are worth to a step
    that leads there: their beliefs, multiplied by the factors of those symbols. belief: 0 before the pass.
    """

    def __init__(
        self,
        trellis: Trellis,
        ticks: int,
        factors: Factors,
        belief: Floats,
        scale: Floats,
        whether: bool,
    ) -> None:
        self.trellis, self.ticks, self.factors, self.whether = trellis, ticks, factors, whether
        self.belief, self.scale = belief, scale
        self.longest = int(trellis.walk.durations.max())
        self.product = factors.product
        if whether and self.product is not None:
            self.product = (self.product > 0).astype(np.float64)
        self.live: Longs | None = None
        if self.product is not None and factors.home is not None:
            self.live = trellis.open_steps(self.product > 0)
        self.worth = np.zeros((trellis.reach + 1, trellis.width))
        """For the cycle at hand and those that its steps lead to."""
        self.flat = self.worth.reshape(-1)
        self.entered = [
            (low, high)
            for low, high in pairwise(trellis.edges)
            if low < high and trellis.entered[low:high].any()
        ]

    def run(self, begin: int) -> None:
        """From the tick `begin` to the first."""
        walk, edges = self.trellis.walk, self.trellis.edges
        self.belief[:, -1] = 0
        self.belief[0, : edges[walk.phase]] = 0
        scales = _Scales(self.scale, begin, self.longest)
        at = (walk.phase + begin) // walk.period
        self._look_ahead(begin, at)
        for tick in range(begin, -1, -1):
            cycle, place = divmod(walk.phase + tick, walk.period)
            if cycle != at:
                self._move()
                at = cycle
            low, high = edges[place], edges[place + 1]
            if low == high:
                continue
            level = scales.level(tick)
            if level is None:
                return  # nothing before it can finish well either
            here, worth = self.belief[cycle, low:high], self.worth[0, low:high]
            if not self._weigh(here, tick, cycle, place, scales):
                worth[:] = 0
                continue
            if self.whether:
                here[:] = here > 0
            top = float(here.max())
            if top == 0:
                worth[:] = 0
                continue
            if not SMALLEST < top < GREATEST:
                here /= top
                level += float(np.log(top))
            scales.set(tick, level)
            self._multiply(here, cycle, place, tick, worth)

    def _weigh(self, here: Floats, tick: int, cycle: int, place: int, scales: _Scales) -> bool:
        """Add up the steps from one place; False where there are none that may be taken."""
        pattern = 0 if self.trellis.pattern is None else int(self.trellis.pattern[tick])
        live = None if self.live is None else int(self.live[cycle, place])
        if live == 0:
            return False
        own: NDArray[np.intp] | None = None
        if cycle == 0:
            own, layer = self.trellis.first_layer_of(place, pattern)
        else:
            layer = self.trellis.layer_of(place, pattern)
        sums = here if own is None else np.zeros(len(own))
        shift = scales.shift(tick, layer)
        if live is not None and live * FEW < len(layer.leads):
            self._weigh_few(sums, layer, cycle, shift)
        else:
            data = np.ones(len(layer.leads)) if self.whether else layer.probability
            if shift is not None:
                data = data * shift.take(layer.which)
            add_product(layer.begins, layer.leads, data, self.flat, sums)
        if own is not None:
            here[own] = sums
        return True

    def _weigh_few(self, sums: Floats, layer: LayerSteps, cycle: int, shift: Floats | None) -> None:
        """The same for the few symbols that may start here at all, as in a bar that is settled."""
        assert self.product is not None
        steps = layer.by_symbol
        for number in np.flatnonzero(self.product[cycle].take(layer.symbols)).tolist():
            some = slice(steps.edges[number], steps.edges[number + 1])
            mass = self.flat.take(steps.leads[some])
            if not self.whether:
                mass *= steps.probability[some]
            sums[steps.source[some]] += mass if shift is None else mass * shift[number]

    def _multiply(self, here: Floats, cycle: int, place: int, tick: int, out: Floats) -> None:
        """What beliefs of one place are worth to the steps that lead there."""
        if self.product is None:
            out[:] = here
            return
        arrivals, symbol = self.trellis.arrivals[place], self.trellis.arrivals[place].symbol
        if self.factors.home is None:
            rows = np.maximum(tick - self.trellis.walk.durations[symbol], 0)
        elif isinstance(arrivals.back, int):
            row = max(cycle + arrivals.back, 0)
            if self.factors.plain[row]:
                out[:] = here
            else:
                np.multiply(here, self.product[row].take(symbol), out=out)
            return
        else:
            rows = np.maximum(cycle + arrivals.back, 0)
        np.multiply(here, self.product[rows, symbol], out=out)

    def _look_ahead(self, begin: int, at: int) -> None:
        """What the states behind the tick `begin` are worth, of which the beliefs are known."""
        walk, edges = self.trellis.walk, self.trellis.edges
        for tick in range(begin + 1, min(begin + self.longest, self.ticks) + 1):
            cycle, place = divmod(walk.phase + tick, walk.period)
            if self.scale[tick] > -np.inf and cycle - at < len(self.worth):
                span = slice(edges[place], edges[place + 1])
                self._multiply(self.belief[cycle, span], cycle, place, tick, self.worth[cycle - at, span])

    def _move(self) -> None:
        """On to the cycle before."""
        for further in range(len(self.worth) - 1, 0, -1):
            for low, high in self.entered:
                self.worth[further, low:high] = self.worth[further - 1, low:high]


FEW = 6
"""How many times as many steps a place has as may be taken there where these are looked up one by one."""


class _Scales:
    """The scales of the ticks ahead in a backward pass.

    Beliefs span hundreds of orders of magnitude, so each tick has a scale of its own. Nearly always those
    within the longest symbol are the same. Where they are not, masses are brought to the largest of them.
    """

    def __init__(self, scale: Floats, begin: int, longest: int) -> None:
        self.scale, self.longest = scale, longest
        ahead = scale[begin + 1 : begin + 1 + longest]
        some = begin + 1 + np.flatnonzero(ahead > -np.inf)
        self.last = int(some[0]) if len(some) else len(scale) + longest
        self.common = float(scale[some[0]]) if len(some) else 0.0
        others = some[scale[some] != self.common]
        self.other = int(others[0]) if len(others) else len(scale) + longest
        """The first tick ahead with another scale than `common`."""

    def level(self, tick: int) -> float | None:
        """What masses are brought to; None where nothing ahead can finish well."""
        end = tick + self.longest
        if self.last > end:
            return None
        if self.other > end:
            return self.common
        return float(self.scale[tick + 1 : end + 1].max())

    def shift(self, tick: int, layer: LayerSteps) -> Floats | None:
        """[symbols of the layer]: what brings their masses to `level`; None for ones."""
        if self.other > tick + self.longest:
            return None
        level = self.scale[tick + 1 : tick + 1 + self.longest].max()
        found: Floats = np.exp(np.maximum(self.scale[tick + layer.durations] - level, -800))
        return found

    def set(self, tick: int, value: float) -> None:
        self.scale[tick] = value
        if value != self.common:
            self.other, self.common = self.last, value
        self.last = tick


Mass = Callable[[int, int, "WeightedLayer", Floats], Floats]
"""The beliefs at a tick from the place, the tick, its steps, and the beliefs where these lead."""


def by_layers(
    trellis: Trellis,
    factors: Factors,
    belief: Floats,
    scale: Floats,
    mass_of: Mass,
    whether: bool,
    begin: int,
) -> None:
    """The backward pass where several symbols lead to one state, or a clock runs beside the trellis. belief,
    scale: filled from the tick `begin` on, towards the start; 0 and minus infinity there before. mass_of: see
    `Mass`. whether: as in `believe`.
    """
    walk, width = trellis.walk, trellis.width
    layers = Layers(trellis, whether)
    edges, reach = trellis.edges, (trellis.reach + 1) * width
    flat = belief.reshape(-1, *belief.shape[2:])
    for tick in range(begin, -1, -1):
        cycle, place = divmod(walk.phase + tick, walk.period)
        low, high = edges[place], edges[place + 1]
        if low == high:
            continue
        level = float(scale[tick + 1 : tick + 1 + layers.longest].max())
        if level == -np.inf:
            return  # nothing before it can finish well either
        layer = layers.at(place, tick, factors, scale, level)
        mass = mass_of(place, tick, layer, flat[cycle * width : cycle * width + reach])
        if whether:
            mass = (mass > 0).astype(np.float64)
        top = float(mass.max())
        if top == 0:
            continue
        scale[tick] = level
        if not SMALLEST < top < GREATEST:
            mass /= top
            scale[tick] += np.log(top)
        belief[cycle, low:high] = mass


def underflows(trellis: Trellis, factors: Factors, belief: Floats, scale: Floats, least: float) -> bool:
    """Whether a belief that is 0 may be one that was too small for a float: False proves that none was.

    What a step multiplies is at least the smallest of each of its factors, none of which is 0. least: the
    smallest factor of a clock.
    """
    longest = int(trellis.walk.durations.max())
    size = min(longest + 1, len(scale))
    highest = np.lib.stride_tricks.sliding_window_view(scale, size).max(axis=1)
    lowest = np.where(np.isfinite(scale), scale, np.inf)
    lowest = np.lib.stride_tricks.sliding_window_view(lowest, size).min(axis=1)
    some = np.isfinite(highest)
    gap = float((highest[some] - lowest[some]).max(initial=0.0))
    first = trellis.walk.phase + int(np.argmax(np.isfinite(scale)))  # before it, all are 0
    smallest = _least_over_zero(belief[first // trellis.walk.period :])
    logs = np.log([smallest, trellis.least, factors.least, least])
    return bool(logs.sum() - gap < LEAST_LOG)


def _least_over_zero(belief: Floats) -> float:
    """The smallest belief that is not 0, and at most 1.

    Numbers that are not negative are in the order of their bits as whole numbers. One less, 0 is the largest
    of these, so that no mask is needed. A piece at a time stays in the processor's cache: beliefs may be
    hundreds of megabytes, and are looked through for each of hundreds of requests.
    """
    bits, piece, least = belief.reshape(-1).view(np.uint64), np.empty(PIECE, dtype=np.uint64), 2**64 - 1
    for first in range(0, len(bits), PIECE):
        some = bits[first : first + PIECE]
        least = min(least, int(np.subtract(some, np.uint64(1), out=piece[: len(some)]).min()))
    least += 1
    return min(1.0, float(np.array([least % 2**64], dtype=np.uint64).view(np.float64)[0]) or 1.0)


PIECE = 8192
"""Numbers that are looked through at once."""

LEAST_LOG = -650.0
"""The logarithm of a product that is far from too small for a float, and so are its halves."""


@dataclass(eq=False)
class WeightedLayer:
    """The steps from one place of the period. data: their probabilities, multiplied by `row`, which has a
    number for each of its symbols; None for ones.
    """

    layer: LayerSteps
    data: Floats
    row: Floats | None = None

    def times(self, ahead: Floats) -> Floats:
        """[states of the place]: the sum over the steps of each of the belief where they lead."""
        found = np.zeros(len(self.layer.begins) - 1)
        add_product(self.layer.begins, self.layer.leads, self.data, ahead, found)
        return found


class Layers:
    """The layers of a trellis for one backward pass. A cycle has the same steps as the one before, so their
    numbers are written again only when what they are multiplied by has changed.
    """

    def __init__(self, trellis: Trellis, whether: bool) -> None:
        self.trellis, self.whether = trellis, whether
        self.longest = int(trellis.walk.durations.max())
        self.built: dict[tuple[int, int], WeightedLayer] = {}
        self.ones = np.ones(0)

    def at(self, place: int, tick: int, factors: Factors, scale: Floats, level: float) -> WeightedLayer:
        """The steps from this place, multiplied by what they are at this tick."""
        layer = self._layer(place, tick)
        pattern = self._pattern(tick)
        if (place, pattern) not in self.built:
            self.built[place, pattern] = WeightedLayer(layer, self._probability(layer).copy())
        found = self.built[place, pattern]
        row, before = self._row(layer, tick, factors, scale, level), found.row
        if not (row is before or (row is not None and before is not None and np.array_equal(row, before))):
            probability = self._probability(layer)
            if row is None:
                found.data[:] = probability
            else:
                np.multiply(probability, row.take(layer.which), out=found.data)
            found.row = row
        return found

    def _row(
        self, layer: LayerSteps, tick: int, factors: Factors, scale: Floats, level: float
    ) -> Floats | None:
        """[symbols of the layer]: what each is multiplied by at this tick; None for ones.

        Beliefs span hundreds of orders of magnitude, so each tick has a scale of its own. Symbols of
        different durations lead to ticks of different scales: their masses are brought to the largest of
        them, `level`.
        """
        whole = factors.row(tick)
        row = None if whole is None else whole.take(layer.symbols)
        if self.whether and row is not None:
            row = (row > 0).astype(np.float64)
        ahead = scale[tick + 1 : tick + 1 + self.longest]
        if np.any((ahead != level) & (ahead > -np.inf)):
            shift = np.exp(np.maximum(scale[tick + layer.durations] - level, -800))
            row = shift if row is None else row * shift
        return row

    def _probability(self, layer: LayerSteps) -> Floats:
        """[steps]: ones where beliefs only say whether."""
        if not self.whether:
            return layer.probability
        if len(self.ones) < len(layer.leads):
            self.ones = np.ones(len(layer.leads))
        return self.ones[: len(layer.leads)]

    def _layer(self, place: int, tick: int) -> LayerSteps:
        return self.trellis.layer_of(place, self._pattern(tick))

    def _pattern(self, tick: int) -> int:
        return 0 if self.trellis.pattern is None else int(self.trellis.pattern[tick])
