"""Numbers for what a chain has met: what `numpy.unique` finds, for whole numbers, in a third of the time.

`numpy.unique` compares. Whole numbers need not be compared: a table, or a sort by digits (radix sort), finds
their order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Longs = NDArray[np.int64]

FEW = 500
"""Up to so many numbers `numpy.unique` is as fast."""

ROOM = 4
"""How many places for each number a table may have."""


def numbered(values: NDArray[np.integer[Any]]) -> tuple[Longs, Longs, Longs]:
    """The different values, ascending; at which index each comes first; and the number of each value among
    the different ones. values: [n], whole numbers less than 2 ** 63 apart.
    """
    if len(values) <= FEW:
        found, first, which = np.unique(values, return_index=True, return_inverse=True)
        return found.astype(np.int64), first, which
    low = int(values.min())
    above = values.astype(np.int64) - low
    most = int(above.max())
    found, first, which = (_by_table if most < ROOM * len(values) else _by_digits)(above, most)
    return found + low, first, which


def _by_table(values: Longs, most: int) -> tuple[Longs, Longs, Longs]:
    nowhere = len(values)
    first = np.full(most + 1, nowhere)
    first[values[::-1]] = np.arange(nowhere - 1, -1, -1)  # of several, the last stays: the first of `values`
    found = np.flatnonzero(first < nowhere)
    number = np.empty(most + 1, dtype=np.int64)
    number[found] = np.arange(len(found))
    return found, first[found], number[values]


def _by_digits(values: Longs, most: int) -> tuple[Longs, Longs, Longs]:
    order = np.arange(len(values))
    done = 0
    while most >> done:
        # NumPy sorts numbers of 8 and of 16 bits by their digits, and equal ones stay in order.
        bits = 8 if most >> done < 256 else 16
        digit = (values >> done).astype(np.uint8 if bits == 8 else np.uint16)[order]
        order = order[np.argsort(digit, kind="stable")]
        done += bits
    ascending = values[order]
    new = np.ones(len(values), dtype=bool)
    np.not_equal(ascending[1:], ascending[:-1], out=new[1:])
    which = np.empty(len(values), dtype=np.int64)
    which[order] = np.cumsum(new) - 1
    return ascending[new], order[new], which
