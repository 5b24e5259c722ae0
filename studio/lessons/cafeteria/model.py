"""Meals, prices and the steps that learn them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from studio.errors import Refused
from studio.lessons.kit.lesson import Action

if TYPE_CHECKING:
    from torch import Tensor

    from studio.learning.descent import Ending, Step

FOODS = ("protein", "carbohydrate", "salad")
TRUE_PRICES = (1.5, 0.5, 1.0)

MENUS = {
    "everyday": "2, 5, 3\n1, 2, 4\n4, 1, 1\n3, 3, 2\n1, 4, 1",
    "one meal only": "2, 5, 3",
    "two foods always together": "2, 2, 3\n1, 1, 4\n4, 4, 1\n3, 3, 2\n1, 1, 1",
}
MOST_MEALS = 40
LONGEST_RUN = 5_000


@dataclass(frozen=True)
class Meal:
    """Portions of each food, and the total the cashier asked, in dollars."""

    portions: tuple[float, float, float]
    total: float


@dataclass(frozen=True)
class Turn:
    """One step of the delta rule as on paper: before, error, change, after."""

    number: int
    meal: str
    total: float
    guess: float
    changes: tuple[float, ...]
    prices: tuple[float, ...]
    loss: float


@dataclass(frozen=True)
class CafeteriaState:
    """The visitor's place in the lesson. `descent` is the running loop over `weights`; both start again
    when a setting changes.
    """

    settings: dict[str, Any]
    meals: tuple[Meal, ...]
    weights: Tensor
    descent: Generator[Step, None, Ending]
    turns: tuple[Turn, ...] = ()
    playing: bool = False
    ended: str = ""
    mood: str = "plain"


def begin(settings: Mapping[str, Any]) -> CafeteriaState:
    """The first guess, before any step. Raises `Refused` for a menu that cannot be read."""
    import torch

    meals = read_menu(
        str(settings["menu"]) or MENUS[str(settings["meals"])],
        float(settings["noise"]),
        int(settings["seed"]),
    )
    weights = torch.tensor([float(settings[food]) for food in FOODS], dtype=torch.float64)
    return CafeteriaState(dict(settings), meals, weights, _descent(meals, weights, settings))


def read_menu(text: str, noise: float, seed: int) -> tuple[Meal, ...]:
    """Meals from lines of three portions, at the true prices plus the cashier's mistakes.

    noise: standard deviation of the mistakes, in dollars. Raises `Refused` naming the line at fault.
    """
    import torch

    rng = torch.Generator().manual_seed(seed)
    meals = []
    for number, row in enumerate(csv.reader(io.StringIO(text)), start=1):
        if not any(cell.strip() for cell in row):
            continue
        try:
            protein, carbohydrate, salad = (float(cell) for cell in row)
        except ValueError:
            protein = carbohydrate = salad = math.nan
        portions = (protein, carbohydrate, salad)
        if not all(0 <= portion <= 20 for portion in portions):
            raise Refused(
                f"Line {number} of the menu should be three portions from 0 to 20, such as 2, 5, 3."
            )
        slip = noise * float(torch.randn((), generator=rng, dtype=torch.float64))
        meals.append(Meal(portions, sum(p * x for p, x in zip(TRUE_PRICES, portions, strict=True)) + slip))
    if not meals:
        raise Refused("The menu is empty; write one meal per line, such as 2, 5, 3.")
    if len(meals) > MOST_MEALS:
        raise Refused(f"The menu has {len(meals)} meals; keep at most {MOST_MEALS}.")
    return tuple(meals)


def _descent(
    meals: tuple[Meal, ...], weights: Tensor, settings: Mapping[str, Any]
) -> Generator[Step, None, Ending]:
    """The delta rule on one meal after another, or on all at once, in the loop of `studio.learning`."""
    import torch

    from studio.learning.descent import DescentOptions, Slope, descend
    from studio.learning.rules import GradientDescent, delta_rule

    inputs = torch.tensor([meal.portions for meal in meals], dtype=torch.float64)
    targets = torch.tensor([meal.total for meal in meals], dtype=torch.float64)
    turn = 0

    def measure() -> Slope:
        nonlocal turn
        chosen = (
            slice(None)
            if settings["over"] == "all meals"
            else slice(turn % len(meals), turn % len(meals) + 1)
        )
        turn += 1
        return delta_rule(weights, inputs[chosen], targets[chosen])

    return descend(
        [weights],
        measure,
        GradientDescent(float(settings["rate"])),
        steps=LONGEST_RUN,
        options=DescentOptions(keep_every=8),
    )


def act(state: CafeteriaState, action: Action) -> CafeteriaState:
    """Step, play, advance, start again, or a control that changed."""
    if action.name == "reset":
        return begin(state.settings)
    if action.name == "set":
        settings = state.settings | {action.knob: action.value}
        if action.knob in FOODS:
            return begin(settings)
        # Another rate goes on from the prices as they stand: that is what one wants to see.
        import torch

        with torch.no_grad():
            return replace(
                state,
                settings=settings,
                descent=_descent(state.meals, state.weights, settings),
                ended="",
                mood="plain",
            )
    if action.name == "play":
        return replace(state, playing=not state.playing and not state.ended)
    if action.name in ("step", "advance"):
        return take_step(state)
    return state


def take_step(state: CafeteriaState) -> CafeteriaState:
    before = state.weights.tolist()
    step = next(state.descent, None)
    if step is None:
        return replace(
            state,
            playing=False,
            ended=state.ended or f"That was {LONGEST_RUN} steps; the prices hardly move any more.",
        )
    prices = tuple(state.weights.tolist())
    if step.ending is not None and step.ending.kind == "diverged":
        return replace(state, playing=False, ended=step.ending.sentence, mood="bad")
    number = len(state.turns) + 1
    one = state.settings["over"] != "all meals"
    meal = state.meals[(step.number - 1) % len(state.meals)]
    turn = Turn(
        number=number,
        meal=" + ".join(f"{portion:g}" for portion in meal.portions) if one else f"all {len(state.meals)}",
        total=meal.total if one else sum(each.total for each in state.meals),
        guess=price_of(meal, before) if one else sum(price_of(each, before) for each in state.meals),
        changes=tuple(after - earlier for after, earlier in zip(prices, before, strict=True)),
        prices=prices,
        loss=step.loss,
    )
    exact = max(abs(price_of(each, prices) - each.total) for each in state.meals) < 0.005
    ended = "Every total is right to the cent." if exact and not float(state.settings["noise"]) else ""
    return replace(
        state,
        turns=(*state.turns, turn),
        playing=state.playing and not exact,
        ended=ended,
        mood="good" if ended else "plain",
    )


def price_of(meal: Meal, prices: Any) -> float:
    return float(sum(price * portion for price, portion in zip(prices, meal.portions, strict=True)))
