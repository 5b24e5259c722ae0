"""The numbers that chains give to what they have met, beside NumPy's own."""

import numpy as np
import pytest

from studio.music.chains.numbering import FEW, numbered


@pytest.mark.parametrize("count", [0, 1, FEW, FEW + 1, 5_000])
@pytest.mark.parametrize("highest", [1, 200, 255, 256, 70_000, 2**24, 2**62])
@pytest.mark.parametrize("lowest", [-1, 0, 10**6])
def test_numbers_are_those_of_numpy(count: int, highest: int, lowest: int) -> None:
    random = np.random.default_rng(count)
    some = lowest + random.integers(0, highest, size=max(1, count // 3))
    values = random.choice(some, size=count)
    expected = np.unique(values, return_index=True, return_inverse=True)
    for found, wanted in zip(numbered(values), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_smaller_numbers_do_not_overflow() -> None:
    values = np.tile(np.array([-128, 127, 5], dtype=np.int8), 1_000)
    assert numbered(values)[0].tolist() == [-128, 5, 127]
