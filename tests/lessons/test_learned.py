"""The rule found, against scikit-learn's logistic regression; clicks; and the learning curve's shape."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from studio.lessons.kit.lesson import Action
from studio.lessons.learned import ENOUGH, FEATURES, LESSON, NAMES, PENALTY, SIZES, LearnedState, chances


def rested(state: LearnedState) -> LearnedState:
    state = LESSON.act(state, Action("play")) if not state.playing else state
    while state.playing:
        state = LESSON.act(state, Action("advance"))
    return state


def scaled(state: LearnedState, *names: str) -> np.ndarray:
    columns = [NAMES.index(name) for name in names]
    return np.column_stack(
        [
            (state.fruit[:, i] - FEATURES[NAMES[i]].range[0]) / np.ptp(FEATURES[NAMES[i]].range) * 2 - 1
            for i in columns
        ]
    )


def test_it_finds_what_scikit_learn_finds() -> None:
    state = rested(LESSON.begin(LESSON.settings()))
    seen = scaled(state, "texture", "colour")
    # A column of ones, so that the bias bears the same penalty as ours does.
    design = np.column_stack([seen, np.ones(len(seen))])
    theirs = LogisticRegression(C=1 / (2 * PENALTY * len(seen)), fit_intercept=False, tol=1e-10).fit(
        design, state.orange
    )
    assert chances(state, seen) == pytest.approx(theirs.predict_proba(design)[:, 1], abs=0.05)
    assert state.steps == ENOUGH


def test_texture_and_colour_are_worth_more_than_weight_and_roundness() -> None:
    def on_unseen(**settings: str) -> float:
        state = rested(LESSON.begin(LESSON.settings(settings)))
        return float(LESSON.draw(state).numbers["accuracy on new fruit"].rstrip("%"))

    assert on_unseen(across="texture", up="colour") > 90
    assert on_unseen(across="weight", up="roundness") < 85


def test_the_rule_in_words_is_the_rule() -> None:
    state = rested(LESSON.begin(LESSON.settings({"across": "weight", "up": "texture"})))
    rule = (
        LESSON.draw(state).numbers["its rule"].removeprefix("orange, if ").replace("×", "*").replace("−", "-")
    )
    said = [eval(rule, {"__builtins__": {}}, dict(zip(NAMES, row, strict=True))) for row in state.fruit]
    seen = scaled(state, "weight", "texture")
    sure = np.abs(chances(state, seen) - 0.5) > 0.02
    assert (np.array(said)[sure] == (chances(state, seen) > 0.5)[sure]).all()


def test_a_click_adds_the_fruit_of_the_brush_and_shift_takes_it_away() -> None:
    state = LESSON.begin(LESSON.settings({"brush": "orange"}))
    more = LESSON.act(state, Action("click", figure="plane", x=0.31, y=0.62))
    assert len(more.fruit) == len(state.fruit) + 1
    assert more.orange[-1]
    assert tuple(more.fruit[-1, :2]) == (0.31, 0.62)
    fewer = LESSON.act(more, Action("click", figure="plane", x=0.31, y=0.62, shift=True))
    assert len(fewer.fruit) == len(state.fruit)


def test_more_examples_help_on_the_unseen_until_they_do_not() -> None:
    state = LESSON.act(LESSON.begin(LESSON.settings()), Action("enough"))
    while state.playing:
        state = LESSON.act(state, Action("advance"))
    assert list(state.curve) == list(SIZES)
    assert state.curve[SIZES[0]][1] < state.curve[SIZES[-1]][1]
    assert min(state.curve[few][2] for few in SIZES[:3]) < state.curve[SIZES[-1]][2] - 0.03, (
        "with few it is luck"
    )
    assert abs(state.curve[SIZES[-1]][1] - state.curve[SIZES[-2]][1]) < 0.03
    assert "enough" in state.said
