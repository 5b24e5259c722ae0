"""The line against numpy's fit, the gate against scikit-learn's logistic regression with the same
penalty.
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from studio.lessons.classes_or_numbers import (
    ENOUGH,
    LESSON,
    MIDDLE,
    SPREAD,
    ClassesOrNumbersState,
    boundary,
    chances,
    guesses,
)
from studio.lessons.kit.lesson import Action


def learnt(**settings: float) -> ClassesOrNumbersState:
    state = LESSON.begin(LESSON.settings(settings))
    while state.steps < ENOUGH - 10:
        state = LESSON.act(state, Action("advance"))
    return state


def test_the_number_is_the_least_squares_line() -> None:
    state = learnt()
    slope, start = np.polyfit(state.grams, state.brix, 1)
    assert guesses(state, state.grams) == pytest.approx(slope * state.grams + start, abs=1e-3)


def test_the_class_is_logistic_regression() -> None:
    state = learnt()
    x = ((state.grams - MIDDLE) / SPREAD)[:, None]
    # Our penalty 0.002 |w|² on a mean is scikit-learn's 1/(2 C n) |w|²; it leaves the start free, ours hardly
    # touches it.
    fitted = LogisticRegression(C=1 / (2 * 0.002 * len(x)), tol=1e-9).fit(x, state.brix >= 12)
    assert chances(state, state.grams) == pytest.approx(fitted.predict_proba(x)[:, 1], abs=0.03)
    edge = boundary(state)
    assert edge == pytest.approx(MIDDLE - SPREAD * fitted.intercept_[0] / fitted.coef_[0, 0], abs=1.5)


def test_moving_the_limit_changes_classes_and_not_numbers() -> None:
    state = learnt()
    moved = LESSON.act(state, Action("set", knob="enough", value=13.5))
    while moved.steps < ENOUGH - 10:
        moved = LESSON.act(moved, Action("advance"))
    assert guesses(moved, state.grams) == pytest.approx(guesses(state, state.grams), abs=1e-9)
    before, after = boundary(state), boundary(moved)
    assert before is not None
    assert after is not None
    assert after > before + 10


def test_fruit_can_be_added_and_taken_away() -> None:
    state = LESSON.begin(LESSON.settings())
    more = LESSON.act(state, Action("click", figure="numbers", x=150, y=15))
    assert len(more.grams) == len(state.grams) + 1
    assert (more.grams[-1], more.brix[-1]) == (150, 15)
    fewer = LESSON.act(more, Action("click", figure="numbers", x=150, y=15, shift=True))
    assert sorted(fewer.grams) == sorted(state.grams)
