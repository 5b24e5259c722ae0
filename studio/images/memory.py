"""Memory that stays at hand while a picture is worked on.

Every step of a dream asks for the same few hundred megabytes and gives them back. glibc's malloc gets such
pieces from the system each time and returns them at once (mallopt(3): M_MMAP_THRESHOLD, M_TRIM_THRESHOLD),
and the system fills each with zeros, page by page: a fifth of a step's time. Other allocators do not, and are
left alone.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGEST_KEPT, ALL = 96 * 2**20, 2**31 - 1
"""Bytes. What a network sees of 1024 x 768 pixels, or of a tile, comes in pieces of less than that; a copy of
a picture of 12 megapixels is larger, and the hole it leaves would only be in the way."""
USUAL_MMAP_THRESHOLD, USUAL_TRIM_THRESHOLD = 32 * 2**20, 64 * 2**20
"""Where glibc's own thresholds come to rest on 64-bit machines once large pieces have been freed."""

_at_work = 0


@contextmanager
def memory_kept() -> Iterator[None]:
    """While it lasts, what is freed stays with this process; at the end of the last of them everything unused
    goes back.
    """
    # The allocator is the process's, and so is the count.
    global _at_work
    glibc = _glibc()
    if glibc is None:
        yield
        return
    _at_work += 1
    glibc.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
    glibc.mallopt(M_TRIM_THRESHOLD, ALL)
    try:
        yield
    finally:
        _at_work -= 1
        if not _at_work:
            glibc.mallopt(M_MMAP_THRESHOLD, USUAL_MMAP_THRESHOLD)
            glibc.mallopt(M_TRIM_THRESHOLD, USUAL_TRIM_THRESHOLD)
            glibc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """The C library, where it is glibc."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") and hasattr(library, "mallopt") else None
