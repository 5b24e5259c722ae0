"""Fixtures for the tests of music."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from studio.music.reading.budget import ReadingBudget
from studio.music.reading.readers import Readers


@pytest.fixture(scope="session")
def readers() -> Iterator[Readers]:
    """One reading process for all tests: starting it costs more than most of them."""
    with Readers(1, ReadingBudget(seconds=20)) as readers:
        yield readers
