"""What the tests of music share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from studio.music.reading.files import Budget, Readers


@pytest.fixture(scope="session")
def readers() -> Iterator[Readers]:
    """One reading process for all tests: starting it costs more than most of them."""
    with Readers(1, Budget(seconds=20)) as readers:
        yield readers
