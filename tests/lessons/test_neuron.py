"""The neuron's sums against plain arithmetic, its learning against scikit-learn, and what it cannot do
against enumeration.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from studio.lessons.kit.lesson import Action
from studio.lessons.neuron import ACTIVATIONS, LESSON, output


@pytest.mark.parametrize(
    ("activation", "at", "is_"),
    [
        ("tanh", 0.7, math.tanh(0.7)),
        ("sigmoid", 0.7, 2 / (1 + math.exp(-0.7)) - 1),
        ("relu", -2, 0),
        ("step", 0.1, 1),
    ],
)
def test_activations_are_what_their_names_say(activation: str, at: float, is_: float) -> None:
    assert output(np.array(at), activation) == pytest.approx(is_)
    assert activation in ACTIVATIONS


def test_the_numbers_on_the_drawing_add_up() -> None:
    state = LESSON.begin(LESSON.settings({"weight_1": 1.5, "weight_2": -0.5, "bias": 0.25}))
    state = LESSON.act(state, Action("click", figure="plane", x=1, y=-1))
    text = next(figure.text for figure in LESSON.draw(state).figures if figure.name == "neuron")
    assert "= 2.250" in text
    assert f"{math.tanh(2.25):.3f}" in text


@pytest.mark.parametrize("task", ["or", "and", "two clouds"])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "step"])
def test_one_neuron_learns_what_a_line_can_separate(task: str, activation: str) -> None:
    state = LESSON.act(
        LESSON.begin(LESSON.settings({"task": task, "activation": activation})), Action("play")
    )
    while state.playing:
        state = LESSON.act(state, Action("advance"))
    w1, w2, b = state.weights.tolist()
    right = sum((state.points @ (w1, w2) + b > 0) == (state.targets > 0))
    assert right >= len(state.targets) - 1
    if task != "two clouds":
        assert "straight line" in LESSON.draw(state).says


def test_a_linear_neuron_ends_at_least_squares() -> None:
    state = LESSON.act(
        LESSON.begin(LESSON.settings({"task": "two clouds", "activation": "linear"})), Action("play")
    )
    for _ in range(200):
        state = LESSON.act(state, Action("advance"))
    fitted = LinearRegression().fit(state.points, state.targets)
    assert state.weights.detach().numpy() == pytest.approx([*fitted.coef_, fitted.intercept_], abs=1e-3)


def test_no_line_gets_all_of_xor_and_some_get_three() -> None:
    """Every side a line can put four corners on is met by some of these weights; the best of them all has
    three right.
    """
    state = LESSON.begin(LESSON.settings({"task": "xor"}))
    turns = np.linspace(-2, 2, 17)
    best = max(
        sum((state.points @ (w1, w2) + b > 0) == (state.targets > 0))
        for w1, w2, b in itertools.product(turns, turns, turns)
    )
    assert best == 3
    check = next(check for check in LESSON.checks if "xor" in check.question)
    assert check.choices[check.answer] == "Three"


def test_xor_is_given_up_with_the_reason() -> None:
    state = LESSON.act(LESSON.begin(LESSON.settings({"task": "xor"})), Action("play"))
    while state.playing:
        state = LESSON.act(state, Action("advance"))
    assert "second layer" in LESSON.draw(state).says
