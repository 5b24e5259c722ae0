"""Curves against numpy's least squares, cross-validation against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from studio.lessons.kit.lesson import Action
from studio.lessons.train_and_test.lesson import LESSON
from studio.lessons.train_and_test.model import TrainAndTestState, cross_validated, curve, learnt, powers


def rested(state: TrainAndTestState) -> TrainAndTestState:
    state = LESSON.act(state, Action("play"))
    while state.playing:
        state = LESSON.act(state, Action("advance"))
    return state


@pytest.mark.parametrize("bends", [1, 3, 7])
def test_the_loop_ends_at_least_squares(bends: int) -> None:
    state = rested(LESSON.begin(LESSON.settings({"bends": bends})))
    x = np.linspace(-0.9, 0.9, 50)
    assert curve(state, x) == pytest.approx(
        np.polyval(np.polyfit(state.train[:, 0], state.train[:, 1], bends), x), abs=1e-5
    )


def test_as_many_bends_as_points_meet_every_point() -> None:
    state = rested(LESSON.begin(LESSON.settings({"points": 8, "bends": 14})))
    assert curve(state, state.train[:, 0]) == pytest.approx(state.train[:, 1], abs=1e-5)
    assert "every point" in LESSON.draw(state).says


def test_cross_validation_is_scikit_learns() -> None:
    points = LESSON.begin(LESSON.settings({"points": 30})).train
    folds = [
        (np.setdiff1d(np.arange(30), held), held) for held in (np.arange(fold, 30, 5) for fold in range(5))
    ]
    model = make_pipeline(PolynomialFeatures(4, include_bias=False), LinearRegression())
    theirs = -cross_val_score(
        model, points[:, :1], points[:, 1], cv=folds, scoring="neg_mean_squared_error"
    ).mean()
    assert cross_validated(points, 4) == pytest.approx(theirs, rel=1e-5)


def test_more_bends_fit_the_seen_better_and_at_last_the_unseen_worse() -> None:
    state = LESSON.begin(LESSON.settings())
    seen = [
        float(np.mean((powers(state.train[:, 0], b) @ basis @ w.detach().numpy() - state.train[:, 1]) ** 2))
        for b in (1, 3, 6, 12)
        for w, basis in [learnt(state.train, b)]
    ]
    assert seen == sorted(seen, reverse=True)
    calm, wild = (rested(LESSON.begin(LESSON.settings({"bends": bends}))) for bends in (3, 13))
    assert wild.tried[13][1] > calm.tried[3][1]


def test_the_seal_is_broken_only_when_asked_and_a_second_look_is_told() -> None:
    state = rested(LESSON.begin(LESSON.settings()))
    assert LESSON.draw(state).numbers["error on test points"] == "sealed"
    once = LESSON.act(state, Action("open"))
    assert "honest, once" in LESSON.draw(once).says
    assert "flatters" in LESSON.draw(LESSON.act(once, Action("open"))).says


def test_cross_validation_chooses_a_sensible_number_of_bends() -> None:
    state = LESSON.act(LESSON.begin(LESSON.settings({"points": 40})), Action("cross"))
    while state.playing:
        state = LESSON.act(state, Action("advance"))
    best = min(state.crossed, key=lambda bends: state.crossed[bends])
    assert 3 <= best <= 8
    assert f"choose {best} bends" in state.said
