"""The cafeteria's numbers, against the same sums in exact fractions and against least squares."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from studio.errors import Refused
from studio.lessons.cafeteria.lesson import LESSON
from studio.lessons.cafeteria.model import TRUE_PRICES, read_menu
from studio.lessons.kit.lesson import Action
from studio.lessons.kit.scene import Table

MEALS = [(2, 5, 3), (1, 2, 4), (4, 1, 1), (3, 3, 2), (1, 4, 1)]


def by_hand(steps: int, rate: Fraction, *, all_meals: bool) -> list[list[Fraction]]:
    """Prices after each step of Δw = Σ ε x (t - y), in exact fractions."""
    true = [Fraction(3, 2), Fraction(1, 2), Fraction(1)]
    prices, found = [Fraction(1, 2)] * 3, []
    for step in range(steps):
        meals = MEALS if all_meals else [MEALS[step % len(MEALS)]]
        change = [Fraction(0)] * 3
        for meal in meals:
            error = sum(t * x for t, x in zip(true, meal, strict=True)) - sum(
                w * x for w, x in zip(prices, meal, strict=True)
            )
            change = [c + rate * x * error for c, x in zip(change, meal, strict=True)]
        prices = [w + c for w, c in zip(prices, change, strict=True)]
        found.append(prices)
    return found


def shown_prices(table: Table) -> list[tuple[str, ...]]:
    return [row[-3:] for row in table.rows]


@pytest.mark.parametrize("all_meals", [False, True])
def test_every_number_shown_equals_the_hand_computation(all_meals: bool) -> None:
    rate = Fraction(1, 50)
    state = LESSON.begin(LESSON.settings({"rate": 0.02, "over": "all meals" if all_meals else "one meal"}))
    for prices in by_hand(12, rate, all_meals=all_meals):
        state = LESSON.act(state, Action("step"))
        last = LESSON.draw(state).tables[1].rows[-1]
        assert last[-3:] == tuple(f"{float(price):.4f}" for price in prices)


def test_the_first_step_is_the_one_on_paper() -> None:
    """2, 5 and 3 portions for $8.50, guessed at $0.50 each: the error is $3.50, and ε = 1/35 changes
    them by 0.2, 0.5 and 0.3.
    """
    state = LESSON.act(LESSON.begin(LESSON.settings()), Action("step"))
    assert LESSON.draw(state).tables[1].rows == (
        (
            "1",
            "2 + 5 + 3",
            "8.5000",
            "5.0000",
            "+3.5000",
            "+0.2000",
            "+0.5000",
            "+0.3000",
            "0.7000",
            "1.0000",
            "0.8000",
        ),
    )


def test_it_ends_at_the_least_squares_solution() -> None:
    state = LESSON.begin(LESSON.settings())
    while not state.ended:
        state = LESSON.act(state, Action("advance"))
    solution = np.linalg.lstsq(
        np.array(MEALS, float), np.array(MEALS, float) @ np.array(TRUE_PRICES), rcond=None
    )[0]
    assert state.weights.numpy() == pytest.approx(solution, abs=0.02)
    assert "right to the cent" in LESSON.draw(state).says


def test_foods_always_bought_together_end_right_in_total_and_wrong_in_price() -> None:
    state = LESSON.begin(LESSON.settings({"meals": "two foods always together", "protein": 0.0}))
    while not state.ended:
        state = LESSON.act(state, Action("advance"))
    protein, carbohydrate, _ = state.weights.tolist()
    assert protein + carbohydrate == pytest.approx(2.0, abs=0.02)
    assert abs(protein - 1.5) > 0.2
    assert "not the true prices" in LESSON.draw(state).says


def test_too_large_a_rate_blows_up_and_is_told_by_name() -> None:
    state = LESSON.begin(LESSON.settings({"rate": 0.3, "over": "all meals"}))
    for _ in range(400):
        state = LESSON.act(state, Action("advance"))
        if state.ended:
            break
    scene = LESSON.draw(state)
    assert scene.mood == "bad"
    assert "learning rate" in scene.says
    assert all(abs(price) < 100 for price in state.weights.tolist()), "the prices went back to a sane state"


def test_a_menu_of_the_visitors_own_is_read_or_its_line_named() -> None:
    assert [meal.portions for meal in read_menu("1,2,3\n\n4,5,6", 0.0, 0)] == [(1, 2, 3), (4, 5, 6)]
    assert read_menu("1, 1, 1", 0.0, 0)[0].total == pytest.approx(sum(TRUE_PRICES))
    for text, line in (
        ("1,2", "Line 1"),
        ("1,2,3\na,b,c", "Line 2"),
        ("1,2,99", "Line 1"),
        ("nan,1,1", "Line 1"),
    ):
        with pytest.raises(Refused, match=line):
            read_menu(text, 0.0, 0)
    with pytest.raises(Refused, match="empty"):
        read_menu("\n\n", 0.0, 0)


def test_the_terminal_goes_on_to_the_prices_and_says_so() -> None:
    meals, steps, result = LESSON.table(LESSON.settings())  # type: ignore[misc]
    assert isinstance(meals, Table)
    assert isinstance(steps, Table)
    numbers = [int(row[0]) for row in steps.rows]
    assert numbers[:12] == list(range(1, 13))
    assert all(after > before for before, after in itertools.pairwise(numbers))
    by_fractions = by_hand(numbers[-1], Fraction(1, 35), all_meals=False)
    for row in steps.rows:
        assert row[-3:] == tuple(f"{float(price):.4f}" for price in by_fractions[int(row[0]) - 1])
    assert result == (
        f"After {numbers[-1]} steps every price is right to the cent: "
        "protein $1.50, carbohydrate $0.50, salad $1.00."
    )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"meals": "two foods always together"}, "other prices explain the totals just as well"),
        ({"rate": 0.2}, "the rate 0.2 is too large"),
        ({"rate": 0.001, "noise": 0.3}, "the cashier's mistakes"),
    ],
)
def test_the_terminal_says_why_it_did_not_get_there(settings: dict[str, object], says: str) -> None:
    assert says in str(list(LESSON.table(LESSON.settings(settings)))[-1])  # type: ignore[misc]
