"""The prices, the error and every number, drawn and in words."""

from __future__ import annotations

import math
from typing import Any

from studio.lessons.cafeteria.model import FOODS, TRUE_PRICES, CafeteriaState, Turn, price_of
from studio.lessons.kit.curves import curve_in_words, loss_curve
from studio.lessons.kit.scene import Bars, Figure, Line, Scene, Table, Words, written

SHORT = ("prot.", "carb.", "salad")
SHOWN_STEPS = 12


def draw(state: CafeteriaState) -> Scene:
    """Prices beside the true ones, the error so far, and every number of the last steps."""
    prices = tuple(state.weights.tolist())
    reveal = bool(state.settings["reveal"])
    error = 0.5 * sum((meal.total - price_of(meal, prices)) ** 2 for meal in state.meals)
    return Scene(
        figures=(_prices_figure(prices, reveal), _error_figure(state)),
        tables=(meals_table(state, prices), turns_table(state.turns[-SHOWN_STEPS:])),
        numbers={
            "steps": str(len(state.turns)),
            "error ½ Σ (t − y)²": written(error),
            **{food: dollars(price, 4) for food, price in zip(FOODS, prices, strict=True)},
        },
        says=_says(state, prices),
        mood=state.mood,
        playing=state.playing,
    )


def _says(state: CafeteriaState, prices: tuple[float, ...]) -> str:
    if state.ended:
        far = max(abs(price - true) for price, true in zip(prices, TRUE_PRICES, strict=True))
        if state.mood == "good" and far > 0.05:
            return (
                f"{state.ended} But these are not the true prices: with these meals, other prices "
                "explain the totals just as well."
            )
        return state.ended
    if not state.turns:
        meal = state.meals[0]
        guess = price_of(meal, prices)
        side = "short" if meal.total > guess else "over"
        far = abs(meal.total - guess)
        return (
            f"The first meal cost {dollars(meal.total)}; your guess is {dollars(guess)}, so you are "
            f"{dollars(far)} {side}. Take a step."
        )
    last = state.turns[-1]
    most = max(range(len(FOODS)), key=lambda i: abs(last.changes[i]))
    way = "dearer" if last.changes[most] > 0 else "cheaper"
    much = dollars(abs(last.changes[most]), 4)
    error = last.total - last.guess
    sign = "+" if error > 0 else ""
    return (
        f"Error {sign}{dollars(error, 4)}: {FOODS[most]} became {much} {way}, the largest change, because "
        "the meal contained most of it."
    )


def dollars(amount: float, places: int = 2) -> str:
    return f"{'-' if amount < 0 else ''}${written(abs(amount), places)}"


def _prices_figure(prices: tuple[float, ...], reveal: bool) -> Figure:
    top = max(2.0, *(math.ceil(price * 2) / 2 for price in prices))
    low = min(0.0, *(math.floor(price * 2) / 2 for price in prices))
    marks: list[Any] = [Bars((0, 1, 2), prices, colour="one", width=0.5, label=FOODS)]
    marks.append(
        Words(
            (0, 1, 2),
            [max(price, 0) + (top - low) * 0.05 for price in prices],
            [f"{price:.2f}" for price in prices],
        )
    )
    if reveal:
        for i, true in enumerate(TRUE_PRICES):
            marks.append(Line((i - 0.36, i + 0.36), (true, true), colour="two", width=3))
    said = ", ".join(f"{food} {price:.4f} dollars" for food, price in zip(FOODS, prices, strict=True))
    truth = " The true prices are 1.5, 0.5 and 1.0." if reveal else ""
    return Figure(
        "prices",
        "Prices guessed so far",
        (-0.6, 2.6),
        (low, top),
        tuple(marks),
        f"{said}.{truth}",
        y_label="dollars",
    )


def _error_figure(state: CafeteriaState) -> Figure:
    losses = [turn.loss for turn in state.turns]
    shown = losses[-200:]
    first = len(losses) - len(shown) + 1
    top = max(shown, default=1.0) or 1.0
    right = max(float(first + len(shown)), 10.0)
    return Figure(
        "error",
        "Error, step by step",
        (first - 1, right),
        (0, top * 1.08),
        loss_curve(shown, first),
        curve_in_words(shown),
        x_label="step",
        y_label="½ Σ (t − y)²",
    )


def meals_table(state: CafeteriaState, prices: tuple[float, ...]) -> Table:
    rows = tuple(
        (
            *(f"{portion:g}" for portion in meal.portions),
            f"{meal.total:.2f}",
            f"{price_of(meal, prices):.4f}",
            f"{meal.total - price_of(meal, prices):+.4f}",
        )
        for meal in state.meals
    )
    chosen = None if state.settings["over"] == "all meals" else len(state.turns) % len(state.meals)
    return Table(
        "The meals: what the cashier asked, and what your prices give",
        (*FOODS, "total t", "guess y", "error t − y"),
        rows,
        chosen,
    )


def turns_table(turns: tuple[Turn, ...]) -> Table:
    rows = tuple(
        (
            str(turn.number),
            turn.meal,
            written(turn.total),
            written(turn.guess),
            written(turn.total - turn.guess, sign=True),
            *(written(change, sign=True) for change in turn.changes),
            *(written(price) for price in turn.prices),
        )
        for turn in turns
    )
    columns = ("step", "meal", "t", "y", "t − y", *(f"Δ {food}" for food in SHORT), *SHORT)
    return Table("Every number, step by step", columns, rows, len(rows) - 1 if rows else None)
