"""Sampling under one more constraint, which can only be told while a sequence grows.

    rows = sample_watched(solution, watcher, 48, random)

Some constraints are known to no automaton: hashes of forbidden runs can be looked up, but nobody can list
what leads to them. Where nearly every draw breaks such a constraint, drawing again until one keeps it is
hopeless. So many sequences grow together, and one that breaks it is replaced by a copy of one that does not
(a particle filter: Gordon, Salmond and Smith, "Novel approach to nonlinear/non-Gaussian Bayesian state
estimation", 1993). Where all of them are in dead ends, they go back. With more sequences their distribution
comes nearer to that of `Solution.sample` among those that keep the constraint. What is returned keeps it, and
everything that the solution asks, always.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from studio.music.chains.markov import Floats, Longs, Mask
from studio.music.chains.sampling import Solution, Ways, choose

S = TypeVar("S", bound=Hashable)


class Watcher(Protocol[S]):
    """Tells what a sequence may not do. A state is all that it has to know of a sequence so far."""

    def start(self) -> S:
        """Of a sequence without symbols."""
        ...

    def after(self, state: S, symbol: int) -> S | None:
        """With one more symbol; None where the sequence may not have it."""
        ...

    def may_end(self, state: S) -> bool:
        """Whether the sequence may end there."""
        ...


def keeps_watch(watcher: Watcher[S], symbols: list[int]) -> bool:
    """Whether a whole sequence does what the watcher asks."""
    state: S | None = watcher.start()
    for symbol in symbols:
        assert state is not None
        state = watcher.after(state, symbol)
        if state is None:
            return False
    assert state is not None
    return watcher.may_end(state)


FEW_LEFT = 0.25
"""Where fewer than this part of the sequences may have the symbols that were chosen for them, all of them
choose again, among those that they may have.
"""


MOST_BACK = 60
"""So many steps are taken back at most, where no sequence may go on."""


def sample_watched(
    solution: Solution, watcher: Watcher[S], count: int, random: np.random.Generator
) -> list[list[int]]:
    """`count` sequences that the watcher lets pass. They may have beginnings in common. Empty where no way on
    was found.
    """
    growing = _Growing(solution, watcher, count, random)
    before: list[_Sequences[S]] = []
    back = 0
    while not growing.now.over.all():
        latest = growing.now
        if growing.step():
            before.append(latest)
            continue
        back += 1  # all of them are in dead ends, which are known from now on
        if not before or back > MOST_BACK:
            return []
        growing.now = before.pop()
    return growing.now.drawn


@dataclass(frozen=True)
class _Sequences(Generic[S]):
    """Sequences while they grow. at: the moment of each. over: whether it is whole. states: of the watcher.
    drawn: their symbols.
    """

    at: Longs
    over: Mask
    states: list[S]
    drawn: list[list[int]]

    def some(self, numbers: list[int]) -> _Sequences[S]:
        """Those of these numbers."""
        states = [self.states[number] for number in numbers]
        return _Sequences(
            self.at[numbers], self.over[numbers], states, [self.drawn[number] for number in numbers]
        )


class _Growing(Generic[S]):
    """Sequences that grow together. dead: moments and states from which no symbol leads on."""

    def __init__(
        self, solution: Solution, watcher: Watcher[S], count: int, random: np.random.Generator
    ) -> None:
        self.solution, self.watcher, self.random = solution, watcher, random
        at = np.full(count, solution.start, dtype=np.int64)
        self.now = _Sequences(at, np.zeros(count, dtype=bool), [watcher.start()] * count, [[]] * count)
        self.dead: set[tuple[int, S]] = set()

    def step(self) -> bool:
        """One more symbol for each that is not whole; False where none of them may go on."""
        now = self.now
        going = np.flatnonzero(~now.over)
        ways = self.solution.ways(now.at[going])
        over = self.solution.tick(ways.onward) >= self.solution.ticks
        size = np.bincount(ways.row, minlength=len(going))
        total = np.add.reduceat(ways.mass, np.cumsum(size) - size)
        pick = choose(ways.mass / np.repeat(total, size), size, np.arange(len(going)), self.random)

        def after(number: int, step: int) -> S | None:
            state = self.watcher.after(now.states[number], int(ways.symbol[step]))
            if state is None or (int(ways.onward[step]), state) in self.dead:
                return None
            return None if over[step] and not self.watcher.may_end(state) else state

        found = [after(number, step) for number, step in zip(going.tolist(), pick.tolist(), strict=True)]
        weight = now.over.astype(np.float64)
        weight[going] = [state is not None for state in found]
        if weight[going].sum() < FEW_LEFT * len(going):
            pick, found, weight[going] = self._chosen_again(going, ways, size, after)
        if not weight.any():
            return False
        at, ends, states, drawn = now.at.copy(), now.over.copy(), now.states.copy(), now.drawn.copy()
        for number, step, state in zip(going.tolist(), pick.tolist(), found, strict=True):
            if state is not None:
                at[number], ends[number], states[number] = ways.onward[step], over[step], state
                drawn[number] = [*drawn[number], int(ways.symbol[step])]
        self.now = _Sequences(at, ends, states, drawn).some(self._places(weight))
        return True

    def _chosen_again(
        self, going: Longs, ways: Ways, size: Longs, after: Callable[[int, int], S | None]
    ) -> tuple[Longs, list[S | None], Floats]:
        """The steps of these sequences among those that they may take, the states they lead to, and what part
        of all their steps they may take.
        """
        pick, found, weight = np.zeros(len(going), dtype=np.int64), list[S | None](), np.zeros(len(going))
        first = np.cumsum(size) - size
        known: dict[tuple[int, S], list[S | None]] = {}
        for place, number in enumerate(going.tolist()):
            here, begin = (int(self.now.at[number]), self.now.states[number]), int(first[place])
            if here not in known:
                known[here] = [after(number, begin + step) for step in range(int(size[place]))]
            states = known[here]
            mass = ways.mass[begin : begin + len(states)]
            allowed = np.cumsum(mass * [state is not None for state in states])
            if allowed[-1] <= 0:
                self.dead.add(here)
                found.append(None)
                continue
            chosen = int(np.searchsorted(allowed, self.random.random() * allowed[-1], side="right"))
            pick[place], weight[place] = begin + chosen, allowed[-1] / mass.sum()
            found.append(states[chosen])
        return pick, found, weight

    def _places(self, weight: Floats) -> list[int]:
        """Which sequence goes on in each place: every one as often as its weight says (systematic resampling,
        which keeps the most of them).
        """
        count = len(weight)
        if (weight == 1).all():
            return list(range(count))
        shares = np.cumsum(weight) / weight.sum()
        places = (np.arange(count) + self.random.random()) / count
        last = int(np.flatnonzero(weight)[-1])  # rounding must not carry one beyond it
        return [min(int(place), last) for place in np.searchsorted(shares, places, side="right")]
