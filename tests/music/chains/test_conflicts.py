"""Explanations against trying every subset of the requirements."""

from __future__ import annotations

import numpy as np
from plain_chain import smallest_conflicts
from random_requests import RandomRequest, coin, counting

from studio.music.chains.automata import Listener, each, requiring
from studio.music.chains.conflicts import explain, smallest_conflict
from studio.music.chains.sampling import Requirement, solve
from studio.music.chains.trellis import Walk, unfold


def test_an_explanation_names_the_fewest_wishes_that_conflict_and_which_to_drop():
    walk, ticks = coin(0.5), 8
    view = each([0, 1])
    always = np.ones((ticks, 2), dtype=bool)

    def pinned(tick, symbol):
        mask = always.copy()
        mask[tick] = np.arange(2) == symbol
        return mask

    requirements = [
        Requirement("at most two 1s", listener=Listener(view, counting(2, 1, 0, 2))),
        Requirement("a 1 at tick 3", allowed=pinned(3, 1)),
        Requirement("starts with 0", allowed=pinned(0, 0)),
        Requirement("110 somewhere", listener=Listener(view, requiring([(1, 1, 0)], 2))),
        Requirement("a 1 at the end", allowed=pinned(7, 1)),
        Requirement("louder", weight=np.full((ticks, 2), 2.0)),
    ]
    found = explain(walk, ticks, requirements)
    assert found.requirements == ("at most two 1s", "110 somewhere", "a 1 at the end")
    assert found.remedies == found.requirements
    assert found.smallest
    assert explain(walk, ticks, requirements[:4]) is None
    twice = explain(walk, ticks, [*requirements, Requirement("a 0 at the end", allowed=pinned(7, 0))])
    assert twice.requirements == ("a 1 at the end", "a 0 at the end")
    assert twice.remedies == ("a 1 at the end",)
    assert explain(Walk(walk.chain, np.array([2, 2])), 7, requirements[:0]).requirements == ()


def test_explanations_of_random_requests_are_as_small_as_any():
    conflicts = 0
    for seed in range(60):
        request = RandomRequest(seed)
        if request.enumerate():
            continue

        def possible(chosen, request=request):
            some = [request.requirements[number] for number in sorted(chosen)]
            listeners = [each.listener for each in some if each.listener is not None]
            return solve(unfold(request.walk, listeners), request.ticks, some).feasible

        smallest = smallest_conflicts(len(request.requirements), possible)
        found = explain(request.walk, request.ticks, request.requirements)
        assert set(found.requirements) in [
            {request.requirements[number].name for number in one} for one in smallest
        ]
        everything = frozenset(range(len(request.requirements)))
        remedies = {
            request.requirements[n].name for one in smallest for n in one if possible(everything - {n})
        }
        assert remedies == set(found.remedies)
        conflicts += 1
    assert conflicts >= 5


def test_the_smallest_conflict_of_any_family_is_found_and_without_time_still_an_irreducible_one():
    random = np.random.default_rng(8)
    for _ in range(40):
        count_ = int(random.integers(3, 9))
        cores = [
            frozenset(random.permutation(count_)[: random.integers(1, count_)].tolist()) for _ in range(3)
        ]

        def possible(chosen, cores=cores):
            return not any(core <= chosen for core in cores)

        found, proved, _ = smallest_conflict(count_, possible)
        assert proved
        assert len(found) == min(map(len, cores))
        assert not possible(found)
        hasty, proved, _ = smallest_conflict(count_, possible, checks=1)
        assert not proved
        assert not possible(hasty)
        assert all(possible(hasty - {member}) for member in hasty)
    assert smallest_conflict(4, lambda _: True) is None
