"""Automata that know the time, beside enumeration of every sequence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from random_requests import RandomRequest

from studio.errors import Refused
from studio.music.chains.clocks import NEVER, TimedAutomaton
from studio.music.chains.sampling import Requirement, possible, solve
from studio.music.chains.trellis import USUAL_BUDGET, unfold


def random_clock(request: RandomRequest, seed: int) -> TimedAutomaton:
    """Any automaton at all, another one at each tick."""
    random = np.random.default_rng(seed)
    states = int(random.integers(1, 5))
    step = random.integers(0, states, (request.ticks, states, 2)).astype(np.int32)
    step[random.random(step.shape) < 0.15] = NEVER
    weight = random.uniform(0, 2, step.shape) if random.random() < 0.5 else None
    accepting = random.random(states) < 0.7
    return TimedAutomaton(random.integers(0, 2, request.alphabet), step, accepting, 0, weight)


def counter(request: RandomRequest, windows: list[tuple[int, int, int]]) -> TimedAutomaton:
    """Symbol 0 is heard so many times in each window (first tick, end, times), and nowhere else."""
    total = sum(times for *_, times in windows)
    step = np.full((request.ticks, total + 1, 2), NEVER, dtype=np.int32)
    step[:, :, 0] = np.arange(total + 1)
    done = 0
    for first, end, times in windows:
        for count in range(times):
            step[first:end, done + count, 1] = done + count + 1
        done += times
    letter = (np.arange(request.alphabet) == 0).astype(np.int64)
    return TimedAutomaton(letter, step, np.arange(total + 1) == total)


def obeying(request: RandomRequest, clock: TimedAutomaton) -> dict[tuple[int, ...], float]:
    """Every sequence that the clock accepts, with its mass: the slow and obvious way."""
    found = {}
    for symbols, mass in request.enumerate().items():
        state, tick = clock.start, 0
        for symbol in symbols:
            letter = clock.letter[symbol]
            if clock.weight is not None and state != NEVER:
                mass *= clock.weight[tick, state, letter]
            state = clock.step[tick, state, letter] if state != NEVER else NEVER
            tick += int(request.durations[symbol])
        if state != NEVER and clock.accepting[state] and mass > 0:
            found[symbols] = mass
    return found


def check(request: RandomRequest, clock: TimedAutomaton, truth: dict[tuple[int, ...], float]) -> bool:
    asked = [*request.requirements, Requirement("in time", clock=clock)]
    trellis = unfold(request.walk, request.listeners)
    solution = solve(trellis, request.ticks, asked)
    total = sum(truth.values())
    assert math.exp(solution.log_z) == pytest.approx(total, rel=1e-10, abs=0)
    assert solution.feasible == bool(truth) == possible(trellis, request.ticks, asked, budget=USUAL_BUDGET)
    for symbols, mass in list(truth.items())[:40]:
        assert math.exp(solution.log_probability(symbols)) == pytest.approx(mass / total, rel=1e-9)
    if truth:
        drawn = solution.sample(40, seed=1)
        assert {tuple(row[row >= 0].tolist()) for row in drawn} <= truth.keys()
    return bool(truth)


def test_a_clock_is_exact_beside_every_other_requirement() -> None:
    found = 0
    for seed in range(80):
        request = RandomRequest(seed)
        clock = random_clock(request, seed)
        found += check(request, clock, obeying(request, clock))
    assert found >= 25


def test_a_counter_with_windows_is_the_same_when_its_states_are_folded() -> None:
    found = 0
    for seed in range(60):
        request = RandomRequest(seed)
        middle = request.ticks // 2
        clock = counter(request, [(0, middle, 1), (middle, request.ticks, 1)])
        truth = obeying(request, clock)
        check(request, clock, truth)
        folded = clock.folded(int(request.durations.max()))
        found += check(request, folded, truth)
    assert found >= 8


def test_folding_makes_a_long_counter_small() -> None:
    step = np.full((60, 31, 2), NEVER, dtype=np.int32)
    step[:, :, 0] = np.arange(31)
    for line in range(6):
        for count in range(5):
            step[line * 10 : line * 10 + 10, line * 5 + count, 1] = line * 5 + count + 1
    clock = TimedAutomaton(np.array([0, 1]), step, np.arange(31) == 30)
    assert clock.folded(4).states < 16


def test_a_clock_of_another_length_is_refused() -> None:
    request = RandomRequest(3)
    clock = counter(request, [(0, 1, 0)])
    with pytest.raises(Refused, match="clock"):
        solve(unfold(request.walk, request.listeners), request.ticks + 1, [Requirement("t", clock=clock)])
