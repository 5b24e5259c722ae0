"""Exact sampling against enumeration of every sequence, closed forms, published figures, and independent
checkers.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from plain_chain import PlainChain, intervals, walks
from random_requests import RandomRequest, coin, counting

from studio.errors import Refused
from studio.music.chains.automata import (
    Listener,
    copy_limit,
    differences,
    each,
)
from studio.music.chains.markov import Geometric, count, mix
from studio.music.chains.minimal import minimal
from studio.music.chains.sampling import Requirement, anywhere, covering, solve, starting
from studio.music.chains.trellis import SearchBudget, Walk, unfold


@pytest.mark.parametrize("group", range(8))
def test_every_probability_is_that_of_enumeration(group):
    """160 random requests: durations, bars, pick-ups, masks, weights, windows, copy limits, endings, every
    blend and order. On the trellis as it was unfolded and on the minimal one.
    """
    feasible = fewer = 0
    for seed in range(group * 20, group * 20 + 20):
        request = RandomRequest(seed)
        truth = request.enumerate()
        trellis = unfold(request.walk, request.listeners)
        whole = solve(trellis, request.ticks, request.requirements)
        small = minimal(trellis)
        assert minimal(small).states == small.states <= trellis.states
        fewer += small.states < trellis.states
        solution = solve(small, request.ticks, request.requirements)
        assert solution.log_z == whole.log_z
        total = sum(truth.values())
        assert math.exp(solution.log_z) == pytest.approx(total, rel=1e-10, abs=0), seed
        assert solution.feasible == bool(truth)
        for symbols, mass in itertools.islice(truth.items(), 60):
            assert math.exp(solution.log_probability(symbols)) == pytest.approx(mass / total, rel=1e-9), (
                seed,
                symbols,
            )
        if truth:
            feasible += 1
            drawn = solution.sample(40, seed=seed)
            assert {tuple(row[row >= 0].tolist()) for row in drawn} <= truth.keys(), seed
            assert np.array_equal(drawn, whole.sample(40, seed=seed))
            first = drawn[0][drawn[0] >= 0]
            assert solution.trace(first) == whole.trace(first)
    assert feasible >= 8
    assert fewer >= 1


def test_what_was_asked_before_changes_nothing_to_the_bit():
    """One trellis is asked again and again, as a form does; beside it a new one each time, which remembers
    nothing.
    """
    for number in range(30):
        request = RandomRequest(number)
        random = np.random.default_rng(number)
        trellis = unfold(request.walk, request.listeners)
        masks: list[Requirement] = []
        for _ in range(8):
            mask = np.ones((request.ticks, request.alphabet), dtype=bool)
            mask[random.integers(request.ticks)] = random.random(request.alphabet) < 0.6
            masks = [Requirement("one more", allowed=mask), *masks[: random.integers(0, 4)]]
            asked, alone = (
                solve(each, request.ticks, [*request.requirements, *masks])
                for each in (trellis, unfold(request.walk, request.listeners))
            )
            assert np.array_equal(asked.belief, alone.belief)
            assert np.array_equal(asked.scale, alone.scale)


def test_samples_come_as_often_as_they_should():
    """Pearson's chi-square over all outcomes of three small requests, 20,000 draws each: p above one in ten
    thousand.
    """
    from scipy.stats import chisquare

    tested = 0
    for seed in range(200):
        request = RandomRequest(seed)
        truth = request.enumerate()
        if not 12 <= len(truth) <= 400:
            continue
        draws = 20_000
        drawn = solve(unfold(request.walk, request.listeners), request.ticks, request.requirements).sample(
            draws, seed=seed
        )
        seen = Counter(tuple(row[row >= 0].tolist()) for row in drawn)
        total = sum(truth.values())
        often = [symbols for symbols, mass in truth.items() if mass / total * draws >= 5]
        expected = [truth[symbols] / total * draws for symbols in often]
        observed = [seen[symbols] for symbols in often]
        if sum(expected) < draws - 1e-6:
            expected.append(draws - sum(expected))
            observed.append(draws - sum(observed))
        assert chisquare(observed, expected).pvalue > 1e-4, seed
        tested += 1
        if tested == 3:
            break
    assert tested == 3


PUBLISHED = [
    3.41675743685e-02,
    3.29819197814e-05,
    2.26791792961e-10,
    1.28845205776e-13,
    3.30757202064e-14,
    8.45471416734e-15,
]
"""Partition functions for orders 1 to 6: github.com/fpachet/vo-regular-bp, report on the first prelude of the
Well-Tempered Clavier.
"""


def benchmark_request(pitches: list[int], *, longest: int, ticks: int, history: tuple[int, ...]):
    """No run of five pitches of the corpus, the last pitch a C: trellis and solution, with the names of the
    symbols.
    """
    names, symbols = np.unique(pitches, return_inverse=True)
    chain = mix(
        count([symbols], alphabet=len(names), longest=longest, starts=False, ends=False), Geometric(0.25)
    )
    view = each(np.arange(len(names)))
    reading = Listener(view, copy_limit(view.letters_of([symbols]), 4, len(names)))
    start = tuple(np.searchsorted(names, history).tolist())
    walk = Walk(chain, np.ones(len(names)), history=start)
    mask = anywhere(walk, ticks)
    mask[-1] = names % 12 == 0
    return names, solve(unfold(walk, [reading]), ticks, [Requirement("the last pitch is a C", allowed=mask)])


def is_no_copy_and_ends_on_c(tune: list[int], pitches: list[int]) -> bool:
    runs = {tuple(pitches[at : at + 5]) for at in range(len(pitches) - 4)}
    return tune[-1] % 12 == 0 and not any(tuple(tune[at : at + 5]) in runs for at in range(len(tune) - 4))


@pytest.fixture(scope="module")
def prelude() -> list[int]:
    file = Path(__file__).parents[4] / "shared" / "data" / "bach_pitches.txt"
    if not file.exists():
        pytest.skip(
            f"the corpus of the published benchmark, shared/data/{file.name} beside the checkout, is missing"
        )
    return [int(pitch) for pitch in file.read_text().split()]


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5, 6])
def test_the_published_partition_functions_to_ten_digits(prelude, order):
    _, solution = benchmark_request(prelude, longest=order, ticks=32, history=(60, 64, 67, 72, 76, 67))
    assert math.exp(solution.log_z) == pytest.approx(PUBLISHED[order - 1], rel=1e-11)
    # Product states and edges as published, the same for every order.
    assert size(solution) == (19_003, 448_354)


def size(solution) -> tuple[int, int]:
    """How many states and steps, counted once for each tick, lie on a walk that meets all requirements."""
    states = steps = 0
    waiting = {0: {solution.start}}
    while waiting:
        tick = min(waiting)
        here = waiting.pop(tick)
        states += len(here)
        if tick < solution.ticks:
            ways = solution.ways(np.array(sorted(here)))
            steps += len(ways.symbol)
            onward = np.unique(ways.onward)
            for moment, later in zip(onward.tolist(), solution.tick(onward).tolist(), strict=True):
                waiting.setdefault(later, set()).add(moment)
    return states, steps


def test_ten_thousand_samples_of_the_published_task_break_no_rule(prelude):
    names, solution = benchmark_request(prelude, longest=6, ticks=32, history=(60, 64, 67, 72, 76, 67))
    drawn = names[solution.sample(10_000, seed=1)].tolist()
    assert all(len(tune) == 32 and is_no_copy_and_ends_on_c(tune, prelude) for tune in drawn)
    assert len({tuple(tune) for tune in drawn}) > 9_900


def arpeggios() -> list[int]:
    """A small stand-in for the prelude: broken chords over a walking bass, 4 pitches."""
    chords = [(60, 64, 67), (62, 64, 67), (60, 62, 67), (62, 64, 60), (60, 64, 67)]
    return [chord[place] for chord in chords for place in (0, 1, 2, 1, 2, 1)]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_the_same_task_on_a_small_corpus_agrees_with_enumeration(order):
    corpus = arpeggios()
    plain = PlainChain([corpus], longest=order, lowest=0, mixed=("geometric", 0.25), starts=False, ends=False)
    durations = dict.fromkeys(corpus, 1)
    mass = sum(
        chance
        for tune, chance in walks(plain, plain.longest_context((60, 64, 67)), durations, 7, ending=False)
        if is_no_copy_and_ends_on_c(list(tune), corpus)
    )
    names, solution = benchmark_request(corpus, longest=order, ticks=7, history=(60, 64, 67))
    assert 0 < mass < 1
    assert math.exp(solution.log_z) == pytest.approx(mass, rel=1e-12)
    drawn = names[solution.sample(10_000, seed=order)].tolist()
    assert all(is_no_copy_and_ends_on_c(tune, corpus) for tune in drawn)


def test_a_chance_far_below_the_smallest_double_is_still_exact():
    walk, ticks = coin(0.001), 3000
    requirement = Requirement("always 1", allowed=np.tile([False, True], (ticks, 1)))
    solution = solve(unfold(walk), ticks, [requirement])
    assert solution.log_z == pytest.approx(ticks * math.log(0.001), rel=1e-12)
    assert solution.sample(2).tolist() == [[1] * ticks] * 2
    loud = solve(unfold(walk), ticks, [requirement, Requirement("louder", weight=np.full((ticks, 2), 1e9))])
    assert loud.log_z == pytest.approx(ticks * math.log(0.001 * 1e9), rel=1e-12)


def test_moments_of_very_different_scale_meet_exactly():
    """Steps of 1 or 2 ticks, each worth 1e-45: masses of neighbouring ticks lie far apart. Checked with
    fractions.
    """
    walk, ticks, worth = coin(0.5, durations=(1, 2)), 200, Fraction(1, 10**45)
    mass = [Fraction(1), worth / 2]
    for _ in range(2, ticks + 1):
        mass.append((mass[-1] + mass[-2]) * worth / 2)
    dear = Requirement("dear", weight=np.full((ticks, 2), float(worth)))
    odd = Requirement("a short step", allowed=starting(walk, ticks, 99, [True, False]))
    solution = solve(unfold(walk), ticks, [dear, odd])
    total = mass[99] * worth / 2 * mass[100]
    assert solution.log_z == pytest.approx(math.log(total.numerator) - math.log(total.denominator), rel=1e-12)
    left = {tick: mass[99 - tick] for tick in range(100)} | {
        tick: mass[ticks - tick] for tick in range(100, ticks + 1)
    }
    (drawn,) = solution.sample(1, seed=1)
    for step in solution.trace(drawn[drawn >= 0]):
        length = 1 + step.symbol
        ahead = left[step.tick + length] if step.tick != 98 or length == 1 else Fraction(0)
        here = left[step.tick]
        assert step.constrained == pytest.approx(
            1.0 if step.tick == 99 else float(ahead * worth / 2 / here), rel=1e-9
        )


def test_filling_time_exactly_has_the_chance_of_a_renewal():
    """Steps of 1 or 2 ticks at 1:1: the chance that one ends at tick n is u(n) = (u(n-1) + u(n-2)) / 2
    (Feller I, XIII).
    """
    walk = coin(0.5, durations=(1, 2))
    u = [1.0, 0.5]
    for ticks in range(2, 40):
        u.append((u[-1] + u[-2]) / 2)
        assert math.exp(solve(unfold(walk), ticks).log_z) == pytest.approx(u[ticks], rel=1e-13)


def test_bars_of_different_lengths_make_no_difference_to_what_is_exact():
    """A bar is only a way to fold time: the same request with any period has the same answers."""
    request = RandomRequest(12)
    walk = request.walk
    answers = set()
    for period, phase in ((1, 0), (2, 1), (5, 3), (50, 0), (3, 2)):
        again = Walk(walk.chain, walk.durations, period=period, phase=phase, history=walk.history)
        answers.add(round(solve(unfold(again), 9).log_z, 12))
    assert len(answers) == 1


def test_the_same_seed_draws_the_same_and_another_another():
    walk = coin(0.4, durations=(1, 2))
    solution = solve(unfold(walk), 30)
    assert solution.sample(5, seed=3).tolist() == solution.sample(5, seed=3).tolist()
    assert solution.sample(5, seed=3).tolist() != solution.sample(5, seed=4).tolist()
    drawn = solution.sample(100, seed=3)
    assert {int(np.sum(walk.durations[row[row >= 0]])) for row in drawn} == {30}


def test_each_step_tells_its_chance_before_and_after_the_wishes():
    request = RandomRequest(13)
    solution = solve(unfold(request.walk, request.listeners), request.ticks, request.requirements)
    truth = request.enumerate()
    for row in solution.sample(20, seed=1):
        symbols = tuple(row[row >= 0].tolist())
        told = solution.trace(symbols)
        context = request.origin
        for place, step in enumerate(told):
            spread, after = request.plain.next(context)
            assert step.free == pytest.approx(spread[step.symbol])
            context = after[step.symbol]
            agreeing = {other: mass for other, mass in truth.items() if other[:place] == symbols[:place]}
            further = sum(
                mass for other, mass in agreeing.items() if other[: place + 1] == symbols[: place + 1]
            )
            assert step.constrained == pytest.approx(further / sum(agreeing.values()))
        assert [step.tick for step in told] == [
            0,
            *itertools.accumulate(request.durations[s] for s in symbols),
        ][:-1]
    with pytest.raises(Refused, match="does not satisfy these constraints"):
        solution.trace([0] * 50)


def test_another_model_can_be_led_through_the_ways_that_remain():
    """A model that chooses only among `ways` obeys every requirement; a step's mass over all masses is the
    sampler's own probability.
    """
    request = RandomRequest(20)
    solution = solve(unfold(request.walk, request.listeners), request.ticks, request.requirements)
    truth = request.enumerate()
    assert len(truth) > 3
    random = np.random.default_rng(0)
    for _ in range(50):
        moment, symbols, log = np.array([solution.start]), [], 0.0
        while solution.tick(moment)[0] < solution.ticks:
            ways = solution.ways(moment)
            one = int(random.integers(len(ways.symbol)))  # a model with no taste at all
            symbols.append(int(ways.symbol[one]))
            log += math.log(ways.mass[one] / ways.mass.sum())
            moment = ways.onward[[one]]
        assert tuple(symbols) in truth
        assert log == pytest.approx(solution.log_probability(symbols))


def test_masks_say_what_their_names_say():
    tree = count([[0, 1, 2, 1, 0, 2, 2, 0, 1, 1]], alphabet=3, longest=1, starts=False, ends=False)
    walk, ticks = Walk(mix(tree, Geometric(0.5)), np.array([1, 2, 3])), 12
    trellis = unfold(walk)

    def drawn(mask):
        for row in solve(trellis, ticks, [Requirement("it", allowed=mask)]).sample(300, seed=2):
            tick, events = 0, []
            for symbol in row[row >= 0].tolist():
                events.append((tick, tick + int(walk.durations[symbol]), symbol))
                tick = events[-1][1]
            assert tick == ticks
            yield events

    found = set()
    for events in drawn(starting(walk, ticks, 5, [False, True, True])):
        here = [symbol for start, _, symbol in events if start == 5]
        assert here in ([1], [2])
        found.update(here)
    assert found == {1, 2}
    crossed = False
    for events in drawn(covering(walk, ticks, 5, [False, True, True])):
        ((start, _, symbol),) = [event for event in events if event[0] <= 5 < event[1]]
        assert symbol in (1, 2)
        crossed |= start < 5
    assert crossed
    assert anywhere(walk, ticks).all()


def melody():
    """Tunes over (pitch, duration, place in a bar of 4), and the tables a composer would give the engine."""
    random = np.random.default_rng(11)
    names: dict[tuple[int, int, int], int] = {}
    tunes = []
    for _ in range(14):
        tune, pitch = [], int(random.integers(4))
        for _bar in range(8):
            for place, duration in [((0, 1), (1, 1), (2, 2)), ((0, 2), (2, 2)), ((0, 2), (2, 1), (3, 1))][
                random.integers(3)
            ]:
                pitch = int(np.clip(pitch + random.integers(-2, 3), 0, 6))
                tune.append(names.setdefault((pitch, duration, place), len(names)))
        tunes.append(tune)
    return tunes, np.array(list(names))


def test_sixteen_bars_with_meter_pins_an_end_and_no_copied_run_pass_an_independent_checker():
    tunes, names = melody()
    pitch, duration, place = names.T
    bar, ticks, longest = 4, 64, 4
    chain = mix(count(tunes, alphabet=len(names), longest=3), Geometric(0.3), lowest=1)
    view = differences(pitch)
    copies = Listener(view, copy_limit(view.letters_of(tunes), longest - 1, view.letters))
    walk = Walk(chain, duration, period=bar, places=place[None, :] == np.arange(bar)[:, None])
    requirements = [
        Requirement("copies", listener=copies),
        Requirement("bar 5 starts on 3", allowed=starting(walk, ticks, 16, pitch == 3)),
        Requirement("ends long on 0", allowed=starting(walk, ticks, 62, (pitch == 0) & (duration == 2))),
        Requirement("ends like a tune", ending=True),
    ]
    solution = solve(unfold(walk, [copies]), ticks, requirements)
    corpus = {
        tuple(run)
        for tune in tunes
        for run in zip(*[intervals(pitch[tune])[at:] for at in range(longest)], strict=False)
    }
    drawn = solution.sample(2_000, seed=1)
    for row in drawn:
        symbols = row[row >= 0]
        starts = np.cumsum(duration[symbols]) - duration[symbols]
        assert duration[symbols].sum() == ticks
        assert np.array_equal(starts % bar, place[symbols])
        assert np.all(starts % bar + duration[symbols] <= bar)
        assert pitch[symbols][starts == 16].tolist() == [3]
        assert (pitch[symbols[-1]], duration[symbols[-1]]) == (0, 2)
        sung = intervals(pitch[symbols])
        assert not any(tuple(sung[at : at + longest]) in corpus for at in range(len(sung) - longest + 1))
    assert len({tuple(row) for row in drawn}) > 1_900
    assert {int(row[row >= 0][-1]) for row in drawn} <= {tune[-1] for tune in tunes}


def test_too_large_requests_are_refused_with_their_numbers():
    tunes, names = melody()
    walk = Walk(mix(count(tunes, alphabet=len(names), longest=3)), names[:, 1])
    view = differences(names[:, 0])
    reading = Listener(view, copy_limit(view.letters_of(tunes), 3, view.letters))
    with pytest.raises(Refused, match=r"beyond [\d,]+ states and [\d,]+ steps \(at most 500 and"):
        unfold(walk, [reading], budget=SearchBudget(states=500))
    with pytest.raises(Refused, match=r"at most 4,000,000 and 3,000\)"):
        unfold(walk, [reading], budget=SearchBudget(steps=3000))
    with pytest.raises(Refused, match="MiB"):
        solve(unfold(walk, [reading]), 64, budget=SearchBudget(bytes=10_000))


def test_what_makes_no_sense_is_refused_in_a_sentence():
    walk = coin(0.5)
    trellis = unfold(walk)
    reading = Listener(each([0, 1]), counting(2, 1, 0, 1))
    windowed = Listener(reading.viewpoint, reading.automaton, np.ones(5, dtype=bool))
    cases = [
        (lambda: Walk(walk.chain, np.array([1, 0])), "at least one tick"),
        (lambda: Walk(walk.chain, np.array([1])), "duration"),
        (lambda: Walk(walk.chain, np.array([1, 1]), period=4, phase=4), "tick 4 of a period of 4"),
        (lambda: Walk(walk.chain, np.array([1, 1]), period=4, places=np.ones((3, 2), dtype=bool)), "places"),
        (lambda: solve(trellis, 0), "0 ticks"),
        (
            lambda: solve(trellis, 4, [Requirement("it", allowed=np.ones((3, 2), dtype=bool))]),
            "'it' needs 4 ticks",
        ),
        (
            lambda: solve(trellis, 4, [Requirement("it", weight=np.full((4, 2), -1.0))]),
            "'it' has a weight that is negative",
        ),
        (lambda: solve(trellis, 4, [Requirement("it", weight=np.full((4, 2), np.inf))]), "or infinite"),
        (lambda: solve(trellis, 4, [Requirement("it", listener=reading)]), "without the constraint 'it'"),
        (lambda: solve(unfold(walk, [windowed]), 4), "over 5 ticks"),
        (
            lambda: solve(trellis, 4, [Requirement("nothing", allowed=np.zeros((4, 2), dtype=bool))]).sample(
                1
            ),
            "No sequence",
        ),
        (lambda: starting(walk, 4, 4, [True, True]), "Tick 4 is outside"),
    ]
    for ask, says in cases:
        with pytest.raises(Refused, match=says):
            ask()
