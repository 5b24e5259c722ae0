"""Bars that return: drawn once, laid down at all their places, and the rest drawn around them.

    rows = lay(solve, {0: [8, 24], 1: [9, 25], …}, BarSymbols(durations, bar), random, count=4)

What is drawn once counts once. The plain conditional distribution of a chain whose bars 1 and 9 are equal has
the probability of that bar squared, and three times the same section cubed: it prefers what is most usual,
and is dull. So the target is p(row) / q(bars)^copies, where q is the probability of the bars that return at
their first places: how a copy goes on within itself costs nothing, how it joins its new neighbours counts in
full.

It is sampled by importance resampling. `tries` rows are drawn without the equality, so that the bars that
return have the proposal q; each is weighed by Z with the bars at all their places, over Z with them at their
first places, over q^copies. One is chosen by its weight for each row, and what is left is drawn exactly
around it. The rows that come out are those of the target as `tries` grows; with one try they are those of the
proposal among what is possible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from studio.music.chains.sampling import Requirement, Solution

Solve = Callable[[Sequence[Requirement]], Solution]
"""Everything that is asked for, with some requirements more."""

TRIES = 8
"""Bars that are weighed against each other."""

ROUNDS = 8
"""How many times as many are drawn until some are possible at all places."""

DRAWS = 6
"""Draws for each row asked for, until one is accepted."""

JUDGED = 16
"""Draws for each one that is weighed, where a judge chooses among them."""

Music = tuple[tuple[int, ...], ...]
"""The symbols of some bars."""


@dataclass(frozen=True, eq=False)
class BarSymbols:
    """How symbols fill bars.

    durations: [alphabet], in ticks. bar: ticks. twins: [alphabet], a symbol that is as good where a return
    begins, or the symbol itself: a chord that begins there is the same music as one that is carried on.
    """

    durations: NDArray[np.int64]
    bar: int
    twins: NDArray[np.int64] | None = None


def lay(
    solve: Solve,
    returns: Mapping[int, Sequence[int]],
    bars: BarSymbols,
    random: np.random.Generator,
    *,
    count: int = 1,
    tries: int = TRIES,
    accept: Callable[[Sequence[int]], bool] | None = None,
    judge: Callable[[Sequence[Music]], NDArray[np.float64]] | None = None,
) -> list[list[int]]:
    """Up to `count` rows in which bars return, as symbols; fewer, or none, where no more were found.

    returns: bar (from 0) -> the later bars that are equal to it. accept: a row that it refuses is drawn
    again, which leaves the distribution among the others as it is. judge: from many draws of the bars that
    return to how often each should be taken; of `JUDGED` times as many draws, `tries` are weighed.
    """
    free = solve(())
    if not free.feasible:
        return []
    pool: _Pool | None = None
    if returns:
        pool = _Pool.of(solve, free, _Returns(returns, bars, free.ticks), random, tries, accept, judge)
        if pool is None:
            return []
    found: list[list[int]] = []
    for _ in range(DRAWS * count):
        solution = pool.choose(random) if pool is not None else free
        row = _row(solution.sample(1, random)[0])
        if accept is None or accept(row):
            found.append(row)
        if len(found) == count:
            break
    return found


@dataclass(frozen=True, eq=False)
class _Pool:
    """Bars that are possible at all their places, as the solutions around them, with their weights."""

    solutions: list[Solution]
    weights: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        solve: Solve,
        free: Solution,
        returns: _Returns,
        random: np.random.Generator,
        tries: int,
        accept: Callable[[Sequence[int]], bool] | None,
        judge: Callable[[Sequence[Music]], NDArray[np.float64]] | None = None,
    ) -> _Pool | None:
        known: dict[Music, tuple[float, Solution] | None] = {}
        for _ in range(ROUNDS):
            drawn: list[Music] = []
            for music in _judged(free, returns, random, tries, accept, judge):
                drawn.append(music)
                if music not in known:
                    once = [symbol for own in music for symbol in own]
                    good = not returns.first_bars or accept is None or accept(once)
                    known[music] = returns.weighed(solve, free, music) if good else None
            kept = [found for music in drawn if (found := known[music]) is not None]
            if kept:
                logs = np.array([log for log, _ in kept])
                weights = np.exp(logs - logs.max())
                return cls([solution for _, solution in kept], weights / weights.sum())
        return None

    def choose(self, random: np.random.Generator) -> Solution:
        return self.solutions[int(random.choice(len(self.solutions), p=self.weights))]


def _judged(
    free: Solution,
    returns: _Returns,
    random: np.random.Generator,
    tries: int,
    accept: Callable[[Sequence[int]], bool] | None,
    judge: Callable[[Sequence[Music]], NDArray[np.float64]] | None,
) -> list[Music]:
    """`tries` draws of the bars that return; with a judge, taken from more, as often as it says. It judges
    those that can be accepted: what a copy limit refuses is the livelier half.
    """
    if judge is None:
        return [returns.music(_row(row)) for row in free.sample(tries, random)]
    drawn = [returns.music(_row(row)) for row in free.sample(tries * JUDGED, random)]
    if returns.first_bars and accept is not None:
        good = {music: accept([s for own in music for s in own]) for music in set(drawn)}
        drawn = [music for music in drawn if good[music]] or drawn
    weights = judge(drawn)
    return [drawn[n] for n in random.choice(len(drawn), size=tries, p=weights / weights.sum())]


@dataclass(frozen=True, eq=False)
class _Returns:
    """The bars that return. heads: bars at which a return begins, at all their places."""

    of: Mapping[int, Sequence[int]]
    bars: BarSymbols
    ticks: int
    heads: Set[int] = field(init=False)
    first_bars: bool = field(init=False)
    """Whether the bars that return are the first ones, without a gap."""

    def __post_init__(self) -> None:
        heads = {
            place
            for root, copies in self.of.items()
            for place in (root, *copies)
            if any(copy - 1 not in self.of.get(root - 1, ()) for copy in copies)
        }
        object.__setattr__(self, "heads", heads if self.bars.twins is not None else set())
        object.__setattr__(self, "first_bars", list(self.of) == list(range(len(self.of))))

    def music(self, row: Sequence[int]) -> Music:
        bars = in_bars(row, self.bars.durations, self.bars.bar)
        return tuple(bars[root] for root in self.of)

    def weighed(self, solve: Solve, free: Solution, music: Music) -> tuple[float, Solution] | None:
        """(log weight, solution) with these bars at all their places; None where that is not possible."""
        once = dict(zip(self.of, music, strict=True))
        everywhere = {place: own for root, own in once.items() for place in (root, *self.of[root])}
        whole = solve([self.laid(everywhere)])
        if not whole.feasible:
            return None
        log_once = self._log_once(solve, free, once)
        copies = sum(len(places) for places in self.of.values()) / len(self.of)
        return whole.log_z - log_once - copies * (log_once - free.log_z), whole

    def _log_once(self, solve: Solve, free: Solution, once: Mapping[int, Sequence[int]]) -> float:
        """The logarithm of Z with these bars at their first places. Where they are the first bars of all, it
        follows from the steps that lead through them; otherwise it takes a solution of its own.
        """
        if not self.first_bars:
            return solve([self.laid(once)]).log_z
        at, log = free.start, free.log_z
        for symbols in once.values():
            for symbol in symbols:
                ways = free.ways(np.array([at]))
                one = int(np.flatnonzero(ways.symbol == symbol)[0])
                log += float(np.log(ways.mass[one] / ways.mass.sum()))
                at = int(ways.onward[one])
        return log

    def laid(self, bars: Mapping[int, Sequence[int]]) -> Requirement:
        durations, twins = self.bars.durations, self.bars.twins
        mask = np.ones((self.ticks, len(durations)), dtype=bool)
        for number, symbols in bars.items():
            tick = number * self.bars.bar
            mask[tick : tick + self.bars.bar] = False
            for place, symbol in enumerate(symbols):
                mask[tick, symbol] = True
                if twins is not None and place == 0 and number in self.heads:
                    mask[tick, twins[symbol]] = True
                tick += int(durations[symbol])
        return Requirement("bars laid down", allowed=mask)


def in_bars(row: Sequence[int], durations: NDArray[np.int64], bar: int) -> list[tuple[int, ...]]:
    """Symbols bar by bar."""
    found: list[list[int]] = []
    tick = 0
    for symbol in row:
        if tick % bar == 0:
            found.append([])
        found[-1].append(int(symbol))
        tick += int(durations[symbol])
    return [tuple(each) for each in found]


def _row(row: NDArray[np.integer]) -> list[int]:
    return [int(symbol) for symbol in row if symbol >= 0]
