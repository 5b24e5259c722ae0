"""Sections and performances: bars and seconds, against sums done by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from studio.errors import Refused
from studio.music.scores.performance import Clock
from studio.music.scores.scores import TempoAt
from studio.music.scores.sections import check_sections, sections_of


def test_sections_follow_each_other_from_bar_1() -> None:
    sections = sections_of([("A", 8), ("A", 8), ("B", 8), ("A", 8)])
    assert [(each.name, each.first_bar, each.last_bar) for each in sections] == [
        ("A", 1, 8),
        ("A", 9, 16),
        ("B", 17, 24),
        ("A", 25, 32),
    ]
    check_sections(sections, 32)
    with pytest.raises(Refused, match="32 bars together and the tune has 30"):
        check_sections(sections, 30)
    with pytest.raises(Refused, match="begins in bar 9 and not in bar 1"):
        check_sections(sections[1:], 32)


def test_a_clock_counts_several_tempi_and_back() -> None:
    # Four quarters at 120 take two seconds, two at 60 take two more, then 240 is a quarter second each.
    clock = Clock([TempoAt(Fraction(0), 120), TempoAt(Fraction(4), 60), TempoAt(Fraction(6), 240)])
    expected = {0: 0.0, 1: 0.5, 4: 2.0, Fraction(9, 2): 2.5, 6: 4.0, 8: 4.5}
    for place, seconds in expected.items():
        assert clock.seconds(place) == pytest.approx(seconds)
        assert clock.place(seconds) == pytest.approx(float(place))
