"""The line against the normal equations; the table against what a table can know."""

from __future__ import annotations

import numpy as np
import pytest

from studio.lessons.kit.lesson import Action
from studio.lessons.memorising import LESSON, MemorisingState


def learnt(**settings: float) -> MemorisingState:
    state = LESSON.begin(LESSON.settings(settings))
    while not state.settled:
        state = LESSON.act(state, Action("advance"))
    return state


def test_the_line_ends_at_least_squares() -> None:
    state = learnt(examples=20)
    assert state.weights.numpy() == pytest.approx(np.polyfit(state.widths, state.hours, 1), abs=0.25)


def test_the_table_knows_what_it_saw_and_nothing_else() -> None:
    state = learnt()
    seen = LESSON.act(state, Action("click", figure="canvases", x=float(state.widths[2]), y=0)).asked[-1]
    assert seen.table == state.hours[2]
    new = LESSON.act(state, Action("click", figure="canvases", x=float(state.widths[2]) + 0.03, y=0)).asked[
        -1
    ]
    assert new.table is None


def test_without_noise_the_line_is_right_about_the_unseen() -> None:
    state = learnt(noise=0, examples=10)
    for _ in range(5):
        state = LESSON.act(state, Action("ask"))
    assert all(abs(each.line - each.hours) < 0.5 for each in state.asked)
    assert all(each.table is None for each in state.asked)
