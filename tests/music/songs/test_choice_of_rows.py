"""Which row of chords is chosen, beside enumeration of a tiny song.

Exact: a row on its own, and the melody over the row that was chosen. The pair of them is not: one of a few
rows is chosen by Z, the mass of the melodies over it. How often each row comes then can be worked out by
going through every handful of rows there can be, and it nears p(row) Z(row)^s as the handful grows, where s
is 1 by the earlier rules (the joint distribution) and `SINGING` by today's.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import pytest

from studio.music.chains.sampling import Requirement
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.rules import DRAWING_RULES, EARLIER_RULES
from studio.music.songs.sheet import (
    ROWS,
    SINGING,
    SINGING_MORE,
    SheetDesk,
    SongStyles,
    chosen_row,
    prepare,
)
from studio.process import finish
from tests.music.lead_sheets import style


def resampled(chances: Sequence[float], masses: Sequence[float], rows: int) -> np.ndarray:
    """How often each row is chosen when `rows` of them are drawn by `chances` and one of these is taken in
    proportion to `masses`: over every multiset of rows, the slow and obvious way.
    """
    found = np.zeros(len(chances))
    for drawn in combinations_with_replacement(range(len(chances)), rows):
        times = Counter(drawn)
        ways = math.factorial(rows)
        for number in times.values():
            ways //= math.factorial(number)
        chance = ways * math.prod(chances[row] for row in drawn)
        total = sum(masses[row] for row in drawn)
        for row, number in times.items():
            found[row] += chance * number * masses[row] / total
    return found


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).sum() / 2)


@pytest.fixture(scope="module")
def desk() -> SheetDesk:
    """Four bars, two of them open."""
    recipe = SongRecipe(form="A", bars=4, key="C", meter="4/4", chords="C | ? | ? | C", max_copy=12)
    desk = finish(prepare(recipe, SongStyles(style(12))))
    # Rows as the chain has them, not those most like the style of many.
    return replace(desk, chords=replace(desk.chords, judged=False))


@pytest.fixture(scope="module")
def rows(desk: SheetDesk) -> dict[tuple[int, ...], tuple[float, float]]:
    """Every row there is -> (its chance, Z of the melody over it)."""
    solver = desk.chords.solver(1)
    assert solver is not None
    solution = solver([Requirement("nothing more")])
    seen = {tuple(s for s in row.tolist() if s >= 0) for row in solution.sample(3000, 1)}
    found = {
        row: (
            math.exp(solution.log_probability(row)),
            math.exp(sum(view.log_z for view in desk.sections(row))),
        )
        for row in seen
    }
    assert sum(chance for chance, _ in found.values()) == pytest.approx(1, abs=0.02)
    return found


@pytest.mark.parametrize(
    ("rules", "power"), [(EARLIER_RULES, 1.0), ("11", SINGING_MORE), (DRAWING_RULES, SINGING)]
)
def test_rows_are_chosen_as_enumeration_says(
    desk: SheetDesk, rows: dict[tuple[int, ...], tuple[float, float]], rules: str, power: float
) -> None:
    from scipy.stats import chisquare

    names = list(rows)
    assert 3 <= len(names) <= 40
    random = np.random.default_rng(7)
    counts = dict.fromkeys(names, 0)
    draws = 250
    for _ in range(draws):
        drawn = desk.chords.rows(ROWS, random).rows
        logs = np.array([math.log(rows[tuple(row)][1] or 1e-300) for row in drawn])
        counts[tuple(chosen_row(drawn, logs, random, rules))] += 1
    total = sum(chance for chance, _ in rows.values())
    expected = resampled([c / total for c, _ in rows.values()], [z**power for _, z in rows.values()], ROWS)
    often = expected * draws >= 4
    seen = np.array([counts[name] for name in names], dtype=float)
    observed = [*seen[often], seen[~often].sum()]
    foreseen = [*expected[often] * draws, expected[~often].sum() * draws]
    if foreseen[-1] < 1:
        observed, foreseen = observed[:-1], foreseen[:-1]
    scale = sum(observed) / sum(foreseen)
    assert chisquare(observed, np.array(foreseen) * scale).pvalue > 1e-4
    # And this test can tell it from rows that were taken as they come.
    plain = np.array([chance for chance, _ in rows.values()]) / total
    assert distance(plain, expected) > (0.1 if power == 1 else 0.001)


def test_more_rows_are_nearer_to_the_joint_distribution(
    rows: dict[tuple[int, ...], tuple[float, float]],
) -> None:
    best = sorted(rows.values(), reverse=True)[:7]  # so that every handful can be gone through
    total = sum(chance for chance, _ in best)
    chances, masses = [chance / total for chance, _ in best], [mass for _, mass in best]
    joint = np.array(chances) * np.array(masses)
    joint /= joint.sum()
    off = [distance(resampled(chances, masses, count), joint) for count in (1, 2, ROWS, 2 * ROWS)]
    assert off == sorted(off, reverse=True)
    assert off[-1] < off[0] / 3


def test_a_row_without_a_melody_is_never_chosen() -> None:
    random = np.random.default_rng(0)
    chosen = {tuple(chosen_row(([1], [2]), np.array([-np.inf, -40.0]), random)) for _ in range(20)}
    assert chosen == {(2,)}
