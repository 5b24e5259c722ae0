"""Memory stays with the process while a picture is worked on, and is returned to the system afterwards."""

from __future__ import annotations

import psutil
import pytest
import torch

from studio.images.memory import _glibc, memory_kept


@pytest.mark.skipif(_glibc() is None, reason="only glibc's malloc gives large pieces back at once")
def test_what_is_freed_stays_until_the_last_is_done() -> None:
    process = psutil.Process()

    def held() -> float:
        return process.memory_info().rss / 2**20

    before = held()
    with memory_kept():
        with memory_kept():
            torch.ones(15 * 2**20)  # 60 MiB, freed at once
            assert held() > before + 50
        assert held() > before + 50, "another picture is still being worked on"
    assert held() < before + 20
    torch.ones(15 * 2**20)
    assert held() < before + 20, "malloc does as it did"
