"""The landscape's heights and slopes, against numpy and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from studio.lessons.kit.lesson import Action
from studio.lessons.wrongness import COSTS, LESSON, WrongnessState, costs


def valley(state: WrongnessState) -> np.ndarray:
    """Least squares by the normal equations: slope and start."""
    design = np.stack([state.x, np.ones_like(state.x)], axis=1)
    return np.asarray(np.linalg.solve(design.T @ design, design.T @ state.y))


def test_heights_are_the_costs_by_their_definition() -> None:
    x, y = np.array([0.0, 1.0, 2.0]), np.array([0.0, 2.0, 1.0])
    slope, start = np.array([1.0]), np.array([0.5])
    errors = [0.5, -0.5, 1.5]
    assert costs(slope, start, x, y, "squared error")[0] == pytest.approx(sum(e * e for e in errors) / 3)
    assert costs(slope, start, x, y, "absolute error")[0] == pytest.approx(sum(abs(e) for e in errors) / 3)
    assert costs(slope, start, x, y, "right or wrong")[0] == pytest.approx(1.0)


def test_one_step_is_the_formula() -> None:
    state = LESSON.begin(LESSON.settings({"rate": 0.03}))
    a, b, _ = state.path[0]
    errors = a * state.x + b - state.y
    moved = LESSON.act(state, Action("step")).path[-1]
    assert moved[0] == pytest.approx(a - 0.03 * 2 * np.mean(errors * state.x), abs=1e-12)
    assert moved[1] == pytest.approx(b - 0.03 * 2 * np.mean(errors), abs=1e-12)


def test_walking_down_ends_at_least_squares() -> None:
    state = LESSON.begin(LESSON.settings({"rate": 0.3}))
    for _ in range(200):
        state = LESSON.act(state, Action("step"))
        if state.mood == "good":
            break
    assert state.path[-1][:2] == pytest.approx(tuple(valley(state)), abs=2e-3)
    assert "level" in LESSON.draw(state).says


def test_a_rate_too_large_is_told_and_can_be_undone() -> None:
    state = LESSON.begin(LESSON.settings({"rate": 1.5}))
    for _ in range(60):
        state = LESSON.act(state, Action("advance"))
        if "too large" in state.said:
            break
    assert "too large" in LESSON.draw(state).says
    steps = len(state.path)
    back = LESSON.act(state, Action("undo"))
    assert len(back.path) == steps - 1
    assert back.path[-1] == pytest.approx(state.path[-2])


def test_right_or_wrong_is_flat_and_says_so() -> None:
    state = LESSON.act(LESSON.begin(LESSON.settings({"cost": COSTS[2]})), Action("step"))
    assert "flat" in LESSON.draw(state).says
    assert len(state.path) == 1


def test_going_by_hand_moves_there_and_judges() -> None:
    state = LESSON.begin(LESSON.settings())
    best = valley(state)
    moved = LESSON.act(state, Action("click", figure="landscape", x=float(best[0]), y=float(best[1])))
    assert moved.path[-1][:2] == pytest.approx(tuple(best))
    assert "Better" in LESSON.draw(moved).says
    assert "Worse" in LESSON.draw(LESSON.act(moved, Action("click", figure="landscape", x=-2, y=3))).says


def test_the_terminal_goes_down_until_the_ground_is_level() -> None:
    *_, ending = LESSON.table(LESSON.settings()) if LESSON.table else ("",)
    assert str(ending).startswith("The ground is level: this is the valley, at a wrongness of 0.053")
