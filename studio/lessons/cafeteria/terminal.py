"""The lesson in the terminal: its numbers from the first step to the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from studio.lessons.cafeteria.drawing import dollars, meals_table, turns_table
from studio.lessons.cafeteria.model import (
    FOODS,
    LONGEST_RUN,
    TRUE_PRICES,
    CafeteriaState,
    Turn,
    begin,
    price_of,
    take_step,
)
from studio.lessons.kit.scene import Table

FIRST_STEPS = 12
"""How many steps the terminal shows one by one, before it goes on in strides."""


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """The meals, the first steps one by one, then longer and longer strides to the end."""
    state = begin(settings)
    yield meals_table(state, tuple(state.weights.tolist()))
    shown: dict[int, Turn] = {}
    due = 1
    while not _done(state):
        state = take_step(state)
        last = state.turns[-1]
        if last.number == due or _done(state):
            shown[last.number] = last
            due += 1 if due < FIRST_STEPS else max(len(state.meals), due // 2)
    yield turns_table(tuple(shown.values()))
    yield _result(state)


def _true_to_the_cent(state: CafeteriaState) -> bool:
    return all(abs(w - true) < 0.005 for w, true in zip(state.weights.tolist(), TRUE_PRICES, strict=True))


def _done(state: CafeteriaState) -> bool:
    """Whether the prices are right to the cent, or nothing more can be learnt from these meals."""
    prices = state.weights.tolist()
    explained = all(abs(price_of(meal, prices) - meal.total) < 1e-6 for meal in state.meals)
    stopped = _run_away(state) or state.mood == "bad" or len(state.turns) >= LONGEST_RUN
    return explained or stopped or _true_to_the_cent(state)


def _run_away(state: CafeteriaState) -> bool:
    return any(abs(price) > 1e6 for price in state.weights.tolist())


def _result(state: CafeteriaState) -> str:
    """Where the steps ended, in words."""
    if state.mood == "bad":
        return state.ended
    steps, prices = len(state.turns), state.weights.tolist()
    if _run_away(state):
        rate = state.settings["rate"]
        return f"After {steps} steps the prices ran away: the rate {rate:g} is too large; try a third of it."
    said = ", ".join(f"{food} {dollars(price)}" for food, price in zip(FOODS, prices, strict=True))
    if _true_to_the_cent(state):
        return f"After {steps} steps every price is right to the cent: {said}."
    why = "with these meals, other prices explain the totals just as well"
    if steps >= LONGEST_RUN:
        why = "the cashier's mistakes, or a rate that is too small, kept them from getting there"
    return f"After {steps} steps the prices are {said}. They are not the true ones: {why}."
