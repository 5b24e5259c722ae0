"""Contact sheets show every picture whole, in rows, on paper."""

from __future__ import annotations

import numpy as np
import pytest

from studio.errors import Refused
from studio.images.sheets import PAPER, contact_sheet


def flat(height: int, width: int, level: int) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def test_nine_pictures_are_three_rows_of_three_and_each_is_there_in_its_place() -> None:
    pictures = [flat(60, 80, 20 * number) for number in range(1, 10)]
    sheet = contact_sheet(pictures, [f"seed {number}" for number in range(9)])
    for number in range(9):
        rows = np.array_split(np.arange(sheet.shape[0]), 3)[number // 3]
        columns = np.array_split(np.arange(sheet.shape[1]), 3)[number % 3]
        part = sheet[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        levels = [int(np.sum(np.all(part == 20 * each, axis=2))) for each in range(1, 10)]
        assert int(np.argmax(levels)) == number
        assert max(levels) == 60 * 80, "whole, and not enlarged"
    assert tuple(sheet[0, 0]) == PAPER


def test_upright_and_sideways_pictures_share_a_sheet() -> None:
    sheet = contact_sheet([flat(900, 600, 0), flat(600, 900, 0)], ["a", "b"])
    black = np.all(sheet == 0, axis=2)
    half = sheet.shape[1] // 2
    for part, ratio in ((black[:, :half], 1.5), (black[:, half:], 2 / 3)):
        rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
        assert abs((rows[-1] - rows[0]) / (columns[-1] - columns[0]) - ratio) < 0.02


def test_no_picture_is_no_sheet() -> None:
    with pytest.raises(Refused, match="do not make a sheet"):
        contact_sheet([], [])
