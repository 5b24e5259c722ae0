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
from typing import TYPE_CHECKING

import numpy as np

from studio.errors import Refused
from studio.music.chains.markov import Floats, Longs
from studio.music.chains.trellis import Beliefs, Factors, SearchBudget, Trellis

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

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
    for tick in range(begin, -1, -1):
        cycle, place = divmod(walk.phase + tick, walk.period)
        low, high = int(trellis.layer[place]), int(trellis.layer[place + 1])
        level = float(scale[tick + 1 : tick + 1 + layers.longest].max())
        if low == high or level == -np.inf:
            continue
        matrix = layers.matrix(place, tick, layers.row(factors, scale, tick, level))
        mass = matrix @ belief.reshape(-1)[cycle * width : (cycle + trellis.reach + 1) * width]
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


@dataclass(eq=False)
class _Layer:
    """The steps from one place of the period as a matrix from where they lead to where they start.
    probability: what its numbers are before anything is multiplied. row: what they are multiplied by now.
    """

    matrix: csr_matrix
    probability: Floats
    symbols: Longs
    row: Floats | None = None


class Layers:
    """The matrices of a trellis, one for each place and each set of listeners. A cycle has the same steps as
    the one before, so each matrix is built once, and from then on only its numbers are written again, and
    those only when what they are multiplied by has changed.
    """

    def __init__(self, trellis: Trellis, whether: bool) -> None:
        self.trellis, self.whether = trellis, whether
        self.longest = int(trellis.walk.durations.max())
        self.built: dict[tuple[int, int], _Layer] = {}

    def row(self, factors: Factors, scale: Floats, tick: int, level: float) -> Floats | None:
        """[alphabet]: what the probability of each symbol that starts now is multiplied by; None for nothing.

        Beliefs span hundreds of orders of magnitude, so each tick has a scale of its own. Symbols of
        different durations lead to ticks of different scales: their masses are brought to the largest of
        them, `level`.
        """
        row = factors.row(tick)
        if self.whether and row is not None:
            row = (row > 0).astype(np.float64)
        ahead = scale[tick + 1 : tick + 1 + self.longest]
        if np.any((ahead != level) & (ahead > -np.inf)):
            shift = np.exp(np.maximum(scale[tick + self.trellis.walk.durations] - level, -800))
            row = shift if row is None else row * shift
        return row

    def matrix(self, place: int, tick: int, row: Floats | None) -> csr_matrix:
        """[states of this place, cycles within reach * width]: the steps from here, multiplied by `row`."""
        pattern = 0 if self.trellis.pattern is None else int(self.trellis.pattern[tick])
        if (place, pattern) not in self.built:
            self.built[place, pattern] = self._build(place, pattern)
        layer = self.built[place, pattern]
        before = layer.row
        if not (row is before or (row is not None and before is not None and np.array_equal(row, before))):
            if row is None:
                layer.matrix.data[:] = layer.probability
            else:
                np.multiply(layer.probability, row.take(layer.symbols), out=layer.matrix.data)
            layer.row = row
        return layer.matrix

    def _build(self, place: int, pattern: int) -> _Layer:
        from scipy.sparse import csr_matrix

        trellis = self.trellis
        low, high = int(trellis.layer[place]), int(trellis.layer[place + 1])
        steps = slice(int(trellis.first[low]), int(trellis.first[high]))
        probability = np.ones(steps.stop - steps.start) if self.whether else trellis.probability[steps]
        rows = trellis.first[low : high + 1] - trellis.first[low]
        shape = (high - low, (trellis.reach + 1) * trellis.width)
        matrix = csr_matrix((probability.copy(), trellis.hop[pattern, steps], rows), shape=shape)
        # Indices as wide as numpy's own are looked up at twice the speed.
        return _Layer(matrix, probability, trellis.symbol[steps].astype(np.intp))
