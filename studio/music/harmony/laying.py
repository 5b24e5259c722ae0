"""Bars that return: drawn once, laid down at all their places, and the rest drawn around them.

    row = lay(solve, {0: [8, 24], 1: [9, 25], …}, durations, bar, random)

The target is p(row), given that the bars of `returns` are equal: in proportion to the chain's probability of the
whole row with every requirement. It is sampled by importance resampling. `tries` rows are drawn without the
equality; the bars that return are taken from each (so their proposal is q(bars) = Z with these bars at their
first places, over Z), and weighed by Z with the bars at all their places over Z with them at the first. One is
chosen by its weight, and what is left is drawn exactly around it. The rows that come out are those of the
target as `tries` grows; with one try they are those of the proposal among what is possible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from studio.music.chains.sampling import Requirement, Solution

Solve = Callable[[Sequence[Requirement]], Solution]
"""Everything that is asked for, with some requirements more."""

TRIES = 8
"""Rows that are weighed against each other."""

ROUNDS = 4
"""How many times as many are drawn until one is possible at all places."""


def lay(
    solve: Solve,
    returns: Mapping[int, Sequence[int]],
    durations: NDArray[np.int64],
    bar: int,
    random: np.random.Generator,
    *,
    tries: int = TRIES,
) -> list[int] | None:
    """A row in which bars return, as symbols; None where none was found.

    returns: bar (from 0) -> the later bars that are equal to it. durations: [alphabet], in ticks. bar: ticks.
    """
    free = solve(())
    if not free.feasible:
        return None
    if not returns:
        return _row(free.sample(1, random)[0])
    shape = (free.ticks, len(durations))
    for _ in range(ROUNDS):
        candidates: dict[tuple[tuple[int, ...], ...], tuple[float, Solution]] = {}
        drawn: list[tuple[tuple[int, ...], ...]] = []
        for row in free.sample(tries, random):
            bars = in_bars(_row(row), durations, bar)
            music = tuple(bars[root] for root in returns)
            drawn.append(music)
            if music in candidates:
                continue
            once = dict(zip(returns, music, strict=True))
            everywhere = {place: own for root, own in once.items() for place in (root, *returns[root])}
            whole = solve([_laid(everywhere, shape, durations, bar)])
            if whole.feasible:
                first = solve([_laid(once, shape, durations, bar)])
                candidates[music] = whole.log_z - first.log_z, whole
        good = [music for music in drawn if music in candidates]
        if good:
            logs = np.array([candidates[music][0] for music in good])
            weights = np.exp(logs - logs.max())
            chosen = good[int(random.choice(len(good), p=weights / weights.sum()))]
            return _row(candidates[chosen][1].sample(1, random)[0])
    return None


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


def _laid(
    bars: Mapping[int, Sequence[int]], shape: tuple[int, int], durations: NDArray[np.int64], bar: int
) -> Requirement:
    mask = np.ones(shape, dtype=bool)
    for number, symbols in bars.items():
        tick = number * bar
        mask[tick : tick + bar] = False
        for symbol in symbols:
            mask[tick, symbol] = True
            tick += int(durations[symbol])
    return Requirement("bars laid down", allowed=mask)
