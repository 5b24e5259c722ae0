"""Processes killed at random moments amid adding and removing; benchmarks/gallery_kill.py does the same 200
times.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
gallery_kill = pytest.importorskip("benchmarks.gallery_kill", reason="benchmarks/ belongs to a checkout")


def test_ten_kills_lose_nothing_and_leave_nothing(new_place: Any) -> None:
    tally = gallery_kill.trial(gallery_kill.Place(new_place.home, new_place.database), kills=10, seed=20)
    assert tally.kills == 10
    assert tally.half_done > 0, "no kill came amid anything: the test shows nothing"
    assert tally.added > 0
    assert (tally.lost, tally.broken, tally.left_over) == (0, 0, 0)
