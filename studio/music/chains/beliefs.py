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

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.errors import Refused
from studio.music.chains.markov import Floats
from studio.music.chains.trellis import Beliefs, Factors, LayerSteps, SearchBudget, Trellis

SMALLEST, GREATEST = 1e-60, 1e60
"""Beliefs are rescaled when the largest of a tick leaves this range."""

LARGEST_KEPT = 64 * 2**20
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

    walk, width = trellis.walk, trellis.width
    layers = Layers(trellis, whether)
    edges, reach, flat = trellis.edges, (trellis.reach + 1) * width, belief.reshape(-1)
    for tick in range(begin, -1, -1):
        cycle, place = divmod(walk.phase + tick, walk.period)
        low, high = edges[place], edges[place + 1]
        if low == high:
            continue
        level = float(scale[tick + 1 : tick + 1 + layers.longest].max())
        if level == -np.inf:
            continue
        mass = layers.mass(place, tick, factors, scale, level, flat[cycle * width : cycle * width + reach])
        if mass is None:
            continue
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
    belief, scale = np.zeros(latest.belief.shape), latest.scale.copy()
    belief[cycle:] = latest.belief[cycle:]
    belief[cycle, : trellis.layer[place + 1]] = 0
    scale[: begin + 1] = -np.inf
    return belief, scale


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
    smallest = float(np.min(belief, where=belief > 0, initial=1.0))
    logs = np.log([smallest, trellis.least, factors.least, least])
    return bool(logs.sum() - gap < LEAST_LOG)


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
        return _times(self.layer.begins, self.layer.leads, self.data, ahead)


def _times(begins: NDArray[np.integer], leads: NDArray[np.integer], data: Floats, ahead: Floats) -> Floats:
    """A sparse matrix times a vector. The loop is scipy's own; what is around it in `csr_matrix.__matmul__`
    takes longer than it.
    """
    from scipy.sparse._sparsetools import csr_matvec

    found = np.zeros(len(begins) - 1)
    csr_matvec(len(found), len(ahead), begins, leads, data, ahead, found)
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

    def mass(
        self, place: int, tick: int, factors: Factors, scale: Floats, level: float, ahead: Floats
    ) -> Floats | None:
        """[states of the place]: the beliefs there, from those where steps lead; None where all are 0.

        Nearly always one symbol leads to a state. Then what symbols are multiplied by is written to the
        states, of which there are fewer than steps.
        """
        layer = self._layer(place, tick)
        gathered = layer.gathered
        if gathered is None:
            return self.at(place, tick, factors, scale, level).times(ahead)
        row = self._row(layer, tick, factors, scale, level)
        some = ahead.take(gathered.ends)
        if row is not None:
            if not row.any():
                return None
            some *= row.take(gathered.which)
        return _times(layer.begins, gathered.leads, self._probability(layer), some)

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
