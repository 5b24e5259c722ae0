"""Time left: never far off, and never jumping up, as works were measured to go."""

from __future__ import annotations

import itertools

import pytest

from studio.making.pace import Pace
from studio.making.times import Times
from studio.works.work import Prediction


def test_time_left_is_exact_at_a_steady_pace_and_follows_one_that_slows() -> None:
    steady = Pace()
    steady.begin(0.0)
    assert steady.seconds_left() is None
    for step in range(1, 31):
        steady.note(step / 100, 50 + step * 0.1)
    assert steady.seconds_left() == pytest.approx(7.0)
    slowing = Pace()
    slowing.begin(0.0)
    for step in range(1, 41):
        slowing.note(step / 60, step * 0.1 if step <= 20 else 2 + (step - 20) * 0.4)
    left = slowing.seconds_left()
    assert left is not None
    assert 5 < left < 8


def test_what_is_expected_is_said_until_there_is_something_to_measure() -> None:
    pace = Pace(before=1.0, steps=20.0)
    pace.begin(0.0)
    assert pace.seconds_left() == 21.0
    for step in range(1, 101):
        pace.note(step / 200, 3 + step * 0.05)  # half as long as expected
    assert pace.seconds_left() == pytest.approx(5.0)
    for step in range(101, 201):
        pace.note(step / 200, 3 + step * 0.05)
    spent = pace.spent(ended=14.0)
    assert spent is not None
    assert spent == pytest.approx((4.0, 10.0))


def test_a_computer_that_stands_still_for_a_while_does_not_make_the_estimate_jump() -> None:
    pace = Pace(before=0.0, steps=10.0)
    pace.begin(0.0)
    said = []
    at = 0.0
    for step in range(1, 101):
        at += 8.0 if step == 50 else 0.1
        pace.note(step / 100, at)
        said.append(pace.seconds_left() or 0.0)
    assert all(after <= max(before * 4 / 3 + 1e-9, 1.0) for before, after in itertools.pairwise(said))
    assert said[-1] == 0.0


def test_times_are_those_of_this_computer_and_survive_a_broken_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    ordinary = Prediction(12.0, 7, before=2.0, group="own")
    times = Times(tmp_path)
    assert times.expected(ordinary, "dream") == ordinary
    times.note_probe("dream", 3.0)
    assert times.expected(ordinary, "dream").seconds == pytest.approx(32.0)
    assert times.expected(ordinary, "style").seconds == pytest.approx(12.0)
    for _ in range(8):
        times.learn(ordinary, before=1.0, steps=50.0)
    assert Times(tmp_path).expected(ordinary, "dream").seconds == pytest.approx(51.0, rel=0.01)
    assert Times(tmp_path).expected(ordinary, "dream").bytes == 7
    assert Times(tmp_path).probed == {"dream"}
    for broken in (b"{", b"[]", b'{"computers": 3}', b'{"computers": {}}', b"\xff\x00"):
        (tmp_path / "times.json").write_bytes(broken)
        assert Times(tmp_path).expected(ordinary) == ordinary
        Times(tmp_path).learn(ordinary, 1.0, 20.0)
        assert Times(tmp_path).expected(ordinary).seconds == pytest.approx(21.0)
