"""Why a request cannot be met: the fewest requirements that contradict each other.

    found = explain(walk, ticks, requirements)
    found.requirements    their names: not all of them can be satisfied together, but any fewer can
    found.remedies        those of them that can be dropped to make the whole request possible

The search works on any family of sets, see `smallest_conflict`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from studio.music.chains.automata import Listener
from studio.music.chains.sampling import Requirement, possible
from studio.music.chains.trellis import USUAL_BUDGET, SearchBudget, Trellis, Walk, unfold


@dataclass(frozen=True)
class Conflict:
    """Why a request cannot be met.

    requirements: names of requirements that cannot all be satisfied together, though any fewer of them can;
    none where the walk itself cannot fill the time. remedies: those of them that can be dropped, one alone,
    to make the whole request possible. smallest: no other set of conflicting requirements is smaller (proved;
    otherwise the search reached its limit). checks: how many sets were tried.
    """

    requirements: tuple[str, ...]
    remedies: tuple[str, ...]
    smallest: bool
    checks: int


def explain(
    walk: Walk,
    ticks: int,
    requirements: Sequence[Requirement],
    *,
    build: Callable[[Walk, tuple[Listener, ...]], Trellis] | None = None,
    checks: int = 400,
    budget: SearchBudget = USUAL_BUDGET,
) -> Conflict | None:
    """The fewest requirements that contradict each other, or None when all of them can be satisfied.

    build: `unfold`, or the caller's cache of it. checks: how many sets of requirements may be tried. Weights
    that are nowhere 0 never conflict. Raises `Refused` beyond the budget: a walk with only some of the
    listeners may be larger than with all of them.
    """
    trellises: dict[tuple[int, ...], Trellis] = {}

    def can_be_met(chosen: frozenset[int]) -> bool:
        some = [requirements[number] for number in sorted(chosen)]
        listening = tuple(number for number in sorted(chosen) if requirements[number].listener is not None)
        if listening not in trellises:
            listeners = tuple(one for each in some if (one := each.listener) is not None)
            if sum(trellis.steps for trellis in trellises.values()) > budget.steps // 4:
                trellises.clear()  # better to unfold again than to hold them all
            trellises[listening] = build(walk, listeners) if build else unfold(walk, listeners, budget=budget)
        return possible(trellises[listening], ticks, some, budget=budget)

    found = smallest_conflict(len(requirements), can_be_met, checks=checks)
    if found is None:
        return None
    members, proved, tried = found
    everything = frozenset(range(len(requirements)))
    remedies = [number for number in sorted(members) if can_be_met(everything - {number})]
    return Conflict(
        requirements=tuple(requirements[number].name for number in sorted(members)),
        remedies=tuple(requirements[number].name for number in remedies),
        smallest=proved,
        checks=tried + len(members),
    )


def smallest_conflict(
    count: int, possible: Callable[[frozenset[int]], bool], *, checks: int = 400
) -> tuple[frozenset[int], bool, int] | None:
    """The smallest subset of range(count) that is not `possible`, whether that is proved, and how many checks
    it took. None if everything together is possible.

    `possible` must stay true when members are taken away.

    Call a set whose removal makes the rest possible a correction. A conflict has a member in every correction
    (otherwise it would survive the removal), and a set that has a member in every correction is a conflict.
    So the search keeps the corrections it has found, and tries the smallest set that has a member in each of
    them. If that set is possible, it is enlarged until nothing more fits, and what is left over is a new
    correction. If it is not, it is a conflict, and none is smaller, because every conflict must meet the same
    corrections (Ignatiev, Previti, Liffiton and Marques-Silva, "Smallest MUS extraction with minimal hitting
    set dualization", CP 2015). When the checks run out, the answer is a conflict from which nothing can be
    taken away, found by leaving out one member after the other.
    """
    tried: dict[frozenset[int], bool] = {}

    def holds(chosen: frozenset[int]) -> bool:
        if chosen not in tried:
            tried[chosen] = possible(chosen)
        return tried[chosen]

    everything = frozenset(range(count))
    if holds(everything):
        return None
    corrections: list[frozenset[int]] = []
    while len(tried) < checks:
        candidate = _smallest_that_meets(corrections)
        if not holds(candidate):
            return candidate, True, len(tried)
        for member in sorted(everything - candidate):
            if holds(candidate | {member}):
                candidate |= {member}
        corrections.append(everything - candidate)
    conflict = everything
    for member in sorted(everything):
        if not holds(conflict - {member}):
            conflict -= {member}
    return conflict, False, len(tried)


def _smallest_that_meets(sets: Sequence[frozenset[int]]) -> frozenset[int]:
    """The smallest set of numbers that has a member in every one of `sets`, which are not empty.

    Sizes are tried from 0 on. Each choice is made in the shortest set not met yet: one of its members must be
    chosen in any case.
    """

    def extend(chosen: frozenset[int], more: int) -> frozenset[int] | None:
        missed: list[frozenset[int]] = [one for one in sets if not one & chosen]
        if not missed:
            return chosen
        if not more:
            return None
        for number in sorted(_shortest(missed)):
            found = extend(chosen | {number}, more - 1)
            if found is not None:
                return found
        return None

    for size in range(len(sets)):
        found = extend(frozenset(), size)
        if found is not None:
            return found
    return frozenset(min(one) for one in sets)


def _shortest(sets: Sequence[frozenset[int]]) -> frozenset[int]:
    return min(sets, key=lambda one: len(one))
