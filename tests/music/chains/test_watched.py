"""Sequences under a watcher, beside enumeration of every sequence."""

from __future__ import annotations

from collections import Counter

import numpy as np
from random_requests import RandomRequest

from studio.music.chains.sampling import solve
from studio.music.chains.trellis import unfold
from studio.music.chains.watched import keeps_watch, sample_watched


class Forbidding:
    """A watcher who knows some runs that may not be heard, and some that may not come last."""

    def __init__(self, runs: set[tuple[int, ...]], last: set[int]) -> None:
        self.runs, self.last = runs, last

    def start(self) -> tuple[int, ...]:
        return ()

    def after(self, state: tuple[int, ...], symbol: int) -> tuple[int, ...] | None:
        heard = (*state, symbol)[-3:]
        return None if any(heard[at:] in self.runs for at in range(len(heard))) else heard

    def may_end(self, state: tuple[int, ...]) -> bool:
        return state[-1] not in self.last


def allowed(symbols: tuple[int, ...], watcher: Forbidding) -> bool:
    """The same of a whole sequence, the obvious way."""
    runs = {symbols[at : at + size] for size in (1, 2, 3) for at in range(len(symbols) - size + 1)}
    return not runs & watcher.runs and symbols[-1] not in watcher.last


def test_sequences_keep_watch_and_come_about_as_often_as_among_all_that_do() -> None:
    """Many random requests, in some of which only a few sequences pass, and in some none."""
    rare = none = 0
    apart = []
    for seed in range(90):
        request = RandomRequest(seed)
        truth = request.enumerate()
        if not truth:
            continue
        random = np.random.default_rng(seed)
        some = list(truth)
        runs = {
            one[at : at + 3]
            for number in random.integers(0, len(some), 3)
            for one in [some[number]]
            for at in [int(random.integers(0, max(1, len(one) - 2)))]
        }
        watcher = Forbidding(runs, {int(random.integers(0, request.alphabet))} if seed % 2 else set())
        passing = {each: mass for each, mass in truth.items() if allowed(each, watcher)}
        assert all(keeps_watch(watcher, list(each)) == (each in passing) for each in truth)
        solution = solve(unfold(request.walk, request.listeners), request.ticks, request.requirements)
        drawn = [tuple(row) for row in sample_watched(solution, watcher, 600, random)]
        assert set(drawn) <= passing.keys()
        assert bool(drawn) == bool(passing), seed  # dead ends are left again
        none += not passing
        total = sum(passing.values())
        rare += 0 < total < 0.05 * sum(truth.values())
        often = Counter(drawn)
        if passing:
            off = sum(abs(often[each] / len(drawn) - mass / total) for each, mass in passing.items())
            apart.append(off / 2)
    assert none > 2
    assert rare > 1
    assert np.median(apart) < 0.06
    assert max(apart) < 0.5
