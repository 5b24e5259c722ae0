"""The cafeteria: prices learnt from totals alone, by the delta rule.

After Geoffrey Hinton's example in "Neural Networks for Machine Learning" (lecture 3a), with a meal of
protein, carbohydrate and salad.
"""

from __future__ import annotations

from studio.lessons.cafeteria.drawing import draw
from studio.lessons.cafeteria.model import MENUS, CafeteriaState, act, begin
from studio.lessons.cafeteria.terminal import table
from studio.lessons.kit.lesson import Check, Choice, Lesson, Push, Slide, Switch, Write

LESSON: Lesson[CafeteriaState] = Lesson(
    name="cafeteria",
    title="The cafeteria",
    minutes=8,
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
        Slide("seed", "Seed", 0, 99, 1, 0, "A different number gives different mistakes.", restarts=True),
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
