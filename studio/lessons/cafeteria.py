"""The cafeteria: prices learnt from totals alone, by the delta rule.

After Geoffrey Hinton's example in "Neural Networks for Machine Learning" (lecture 3a), with a meal of
protein, carbohydrate and salad.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from studio.errors import Refused
from studio.lessons.kit.curves import curve_in_words, loss_curve
from studio.lessons.kit.lesson import Action, Check, Choice, Lesson, Push, Slide, Switch, Write
from studio.lessons.kit.scene import Bars, Figure, Line, Scene, Table, Words, written

if TYPE_CHECKING:
    from torch import Tensor

    from studio.learning.descent import Ending, Step

FOODS = ("protein", "carbohydrate", "salad")
SHORT = ("prot.", "carb.", "salad")
TRUE_PRICES = (1.5, 0.5, 1.0)

MENUS = {
    "everyday": "2, 5, 3\n1, 2, 4\n4, 1, 1\n3, 3, 2\n1, 4, 1",
    "one meal only": "2, 5, 3",
    "two foods always together": "2, 2, 3\n1, 1, 4\n4, 4, 1\n3, 3, 2\n1, 1, 1",
}
MOST_MEALS = 40
SHOWN_STEPS = 12
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
        return _step(state)
    return state


def _step(state: CafeteriaState) -> CafeteriaState:
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
        guess=_price(meal, before) if one else sum(_price(each, before) for each in state.meals),
        changes=tuple(after - earlier for after, earlier in zip(prices, before, strict=True)),
        prices=prices,
        loss=step.loss,
    )
    exact = max(abs(_price(each, prices) - each.total) for each in state.meals) < 0.005
    ended = "Every total is right to the cent." if exact and not float(state.settings["noise"]) else ""
    return replace(
        state,
        turns=(*state.turns, turn),
        playing=state.playing and not exact,
        ended=ended,
        mood="good" if ended else "plain",
    )


def _price(meal: Meal, prices: Any) -> float:
    return float(sum(price * portion for price, portion in zip(prices, meal.portions, strict=True)))


def draw(state: CafeteriaState) -> Scene:
    """Prices beside the true ones, the error so far, and every number of the last steps."""
    prices = tuple(state.weights.tolist())
    reveal = bool(state.settings["reveal"])
    error = 0.5 * sum((meal.total - _price(meal, prices)) ** 2 for meal in state.meals)
    return Scene(
        figures=(_prices_figure(prices, reveal), _error_figure(state)),
        tables=(_meals_table(state, prices), _turns_table(state.turns[-SHOWN_STEPS:])),
        numbers={
            "steps": str(len(state.turns)),
            "error ½ Σ (t − y)²": written(error),
            **{food: _dollars(price, 4) for food, price in zip(FOODS, prices, strict=True)},
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
        guess = _price(meal, prices)
        side = "short" if meal.total > guess else "over"
        far = abs(meal.total - guess)
        return (
            f"The first meal cost {_dollars(meal.total)}; your guess is {_dollars(guess)}, so you are "
            f"{_dollars(far)} {side}. Take a step."
        )
    last = state.turns[-1]
    most = max(range(len(FOODS)), key=lambda i: abs(last.changes[i]))
    way = "dearer" if last.changes[most] > 0 else "cheaper"
    much = _dollars(abs(last.changes[most]), 4)
    error = last.total - last.guess
    return (
        f"Error {'+' if error > 0 else ''}{_dollars(error, 4)}: {FOODS[most]} became {much} {way}, the largest change, because the meal "
        "contained most of it."
    )


def _dollars(amount: float, places: int = 2) -> str:
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


def _meals_table(state: CafeteriaState, prices: tuple[float, ...]) -> Table:
    rows = tuple(
        (
            *(f"{portion:g}" for portion in meal.portions),
            f"{meal.total:.2f}",
            f"{_price(meal, prices):.4f}",
            f"{meal.total - _price(meal, prices):+.4f}",
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


def _turns_table(turns: tuple[Turn, ...]) -> Table:
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


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """The same numbers for the terminal: the meals, then twenty steps."""
    state = begin(settings)
    yield _meals_table(state, tuple(state.weights.tolist()))
    for _ in range(20):
        state = _step(state)
        if state.ended:
            break
    yield _turns_table(state.turns)
    yield _says(state, tuple(state.weights.tolist()))


LESSON: Lesson[CafeteriaState] = Lesson(
    name="cafeteria",
    title="The cafeteria",
    question="Can you work out three prices when you are only told the total?",
    first="Press Step once and see which price moved most, and why. Then press Play.",
    notice=(
        ("The cashier never tells you a price, only the total. The error is all there is to learn from."),
        "The food you had most of changes most. It gets the largest share of the blame.",
        "The steps get smaller by themselves, because the error does.",
        "If the rate is too large, the prices overshoot, and each correction is larger than the last.",
    ),
    checks=(
        Check(
            "What will happen if protein and carbohydrate are always bought together, in equal portions?",
            (
                "All prices come out true",
                "The totals come out right, but those two prices may not",
                "Nothing is learnt",
            ),
            1,
            (
                "The totals only show the sum of the two prices. Every way of splitting it explains "
                "them equally well, so the result depends on the first guess."
            ),
        ),
        Check(
            "What will happen if the rate is ten times as large?",
            (
                "It learns ten times as fast",
                "It overshoots, further every time",
                "Nothing changes in the end",
            ),
            1,
            (
                "Each step then corrects more than the whole error, so the next error is larger, in "
                "the other direction."
            ),
        ),
    ),
    formula=(
        "Δw = Σ ε x (t − y)        y = Σ w x\n\n"
        "w  price of a food (what is learnt)      x  portions of it\n"
        "t  what the cashier asked                y  what the prices give now\n"
        "ε  learning rate: how much of the blame is acted on\n"
        "Σ  over the meals used in one step: one, or all"
    ),
    code="""\
meals = [(2, 5, 3), (1, 2, 4), (4, 1, 1), (3, 3, 2), (1, 4, 1)]
totals = [8.5, 6.5, 7.5, 8.0, 4.5]
prices = [0.5, 0.5, 0.5]
rate = 1 / 35
for step in range(400):
    x = meals[step % len(meals)]
    t = totals[step % len(meals)]
    y = sum(w * portions for w, portions in zip(prices, x))
    error = t - y
    prices = [w + rate * portions * error for w, portions in zip(prices, x)]
print(prices)  # close to 1.5, 0.5, 1.0""",
    tab="Dream",
    use=(
        "A dream is the same loop. The pixels take the place of the prices, and what a network sees "
        "takes the place of the total. Each step changes most what has the largest share in it."
    ),
    knobs=(
        Push("step", "Step", "one step of the delta rule", key="s", main=True),
        Push("play", "Play", "step after step", key="space"),
        Push("reset", "Start again", "back to the first guess", key="r"),
        Slide(
            "rate",
            "Learning rate ε",
            0.001,
            0.3,
            0.001,
            1 / 35,
            "How much of the blame is acted on. It starts at 1/35.",
        ),
        Choice(
            "over",
            "Learn from",
            ("one meal", "all meals"),
            "one meal",
            "One meal after another, or all of them in every step.",
        ),
        Choice("meals", "Meals", tuple(MENUS), "everyday", restarts=True),
        Slide("noise", "The cashier's mistakes", 0, 1, 0.05, 0, "In dollars, at random.", restarts=True),
        Switch("reveal", "Show the true prices", False),
        Slide("protein", "First guess: protein", 0, 3, 0.1, 0.5),
        Slide("carbohydrate", "First guess: carbohydrate", 0, 3, 0.1, 0.5),
        Slide("salad", "First guess: salad", 0, 3, 0.1, 0.5),
        Write(
            "menu",
            "Your own menu",
            "",
            "Three portions per line, such as 2, 5, 3. Leave empty for the meals above.",
            lines=4,
            restarts=True,
        ),
        Slide("seed", "Seed", 0, 99, 1, 0, "Another number gives other mistakes.", restarts=True),
    ),
    begin=begin,
    act=act,
    draw=draw,
    table=table,
    credits=(
        (
            "After Geoffrey Hinton's fish, chips and ketchup, Neural Networks for Machine Learning, "
            "lecture 3a (2012)."
        ),
    ),
)
