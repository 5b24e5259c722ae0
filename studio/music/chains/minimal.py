"""A trellis in which no two states have the same future.

    trellis = minimal(unfold(walk, listeners))      the same walks with the same probabilities, fewer states

`unfold` keeps two states apart where their pasts differ: another context, another run that might become a
copy. Often that makes no difference any more, for both can only be left in the same ways. Such states become
one here: the coarsest bisimulation that respects probabilities, found by partition refinement (Paige and
Tarjan, "Three partition refinement algorithms", SIAM J. Comput. 16, 1987; for chains, Derisavi, Hermanns and
Sanders, "Optimal state-space lumping in Markov chains", IPL 87, 2003). Probabilities are compared to the bit,
so beliefs stay the same to the bit as well.

States get colours, numbers of 64 bits: first by how they may end, then by their steps and the colours of
where those lead. The colours are hashes, so in the end it is checked that states of one colour do the same.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from studio.music.chains.markov import Floats, Longs, freeze, ranges
from studio.music.chains.trellis import Trellis

Colours = NDArray[np.uint64]


def minimal(trellis: Trellis) -> Trellis:
    """The same trellis with states of equal futures merged. `context` names one context of each state's."""
    kind, example = _kinds(_Colouring(trellis).stable(), trellis)
    if len(example) == trellis.states or not _do_the_same(trellis, kind, example):
        return trellis
    first, degree = trellis.first[example], np.diff(trellis.first)[example]
    steps = ranges(first, degree)
    cycles, state = np.divmod(trellis.hop[:, steps], trellis.width)
    width = len(example) + 1
    found = replace(
        trellis,
        layer=np.searchsorted(example, trellis.layer),
        context=trellis.context[example],
        accepting=trellis.accepting[example],
        first=np.concatenate([[0], np.cumsum(degree)]).astype(np.int64),
        symbol=trellis.symbol[steps],
        probability=trellis.probability[steps],
        hop=(cycles * width + kind[state]).astype(trellis.hop.dtype),
        start=int(kind[trellis.start]),
        latest={},
    )
    freeze(found)
    return found


class _Colouring:
    """Colours of the states of a trellis. Refined from the last place of the period to the first, so that
    what a place leads to within the period is refined before it.
    """

    def __init__(self, trellis: Trellis) -> None:
        self.trellis = trellis
        ending = trellis.walk.chain.ending[trellis.context]
        self.ends = _mixed(_bits(ending) ^ trellis.accepting.astype(np.uint64))
        if trellis.into is not None:
            # States that different symbols lead to stay apart: few would be merged, and beliefs are worked
            # out sooner where every state has a symbol of its own.
            self.ends = _mixed(self.ends + trellis.into[:-1].astype(np.uint64) * FACTORS[1])
        self.colour = np.append(self.ends, np.uint64(0))  # the last one is never reached
        self.label = _mixed(_bits(trellis.probability) + trellis.symbol.astype(np.uint64) * FACTORS[0])
        self.onto = [(row % trellis.width).astype(np.intp) for row in trellis.hop]

    def stable(self) -> Colours:
        """[states]: the colours once no state is told apart any more."""
        known = 0
        entries = np.flatnonzero(self.trellis.entered[:-1])
        while True:
            for place in range(self.trellis.walk.period - 1, -1, -1):
                self._refine(place)
            count = len(np.unique(self.colour[entries]))
            if count == known:
                return self.colour[:-1]
            known = count

    def _refine(self, place: int) -> None:
        low, high = self.trellis.edges[place : place + 2]
        if low == high:
            return
        first = self.trellis.first[low : high + 1]
        steps = slice(int(first[0]), int(first[-1]))
        said = self.label[steps].copy()
        for number, onto in enumerate(self.onto):
            said ^= self.colour[onto[steps]] * FACTORS[number % 2]
            said = _mixed(said)
        sums = np.zeros(len(said) + 1, dtype=np.uint64)
        np.cumsum(said, out=sums[1:])
        own = sums[first[1:] - first[0]] - sums[first[:-1] - first[0]]
        self.colour[low:high] = _mixed(own ^ self.ends[low:high])


def _kinds(colour: Colours, trellis: Trellis) -> tuple[Longs, Longs]:
    """[states and the one never reached]: the number of the new state each becomes; [new states]: the first
    state of each. Numbered as they come, so that states of a place stay together.
    """
    kind = np.empty(trellis.width, dtype=np.int64)
    examples: list[Longs] = []
    count = 0
    for low, high in zip(trellis.edges[:-1], trellis.edges[1:], strict=True):
        _, first, which = np.unique(colour[low:high], return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        kind[low:high] = count + rank[which.ravel()]
        examples.append(low + first[order])
        count += len(order)
    kind[-1] = count
    return kind, np.concatenate(examples)


def _do_the_same(trellis: Trellis, kind: Longs, example: Longs) -> bool:
    """Whether every state ends and goes on as the example of its kind does."""
    like = example[kind[:-1]]
    degree = np.diff(trellis.first)
    ending = trellis.walk.chain.ending[trellis.context]
    if not (
        np.array_equal(degree, degree[like])
        and np.array_equal(ending, ending[like])
        and np.array_equal(trellis.accepting, trellis.accepting[like])
    ):
        return False
    steps = ranges(trellis.first[like], degree)
    cycles, state = np.divmod(trellis.hop, trellis.width)
    return (
        np.array_equal(trellis.symbol, trellis.symbol[steps])
        and np.array_equal(trellis.probability, trellis.probability[steps])
        and np.array_equal(cycles, cycles[:, steps])
        and np.array_equal(kind[state], kind[state[:, steps]])
    )


FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], dtype=np.uint64)


def _bits(numbers: Floats) -> Colours:
    return np.ascontiguousarray(numbers).view(np.uint64)


def _mixed(numbers: Colours) -> Colours:
    """Every bit of a number depends on all bits of the one it was (the finaliser of SplitMix64)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: Colours = numbers ^ (numbers >> np.uint64(31))
    return found
