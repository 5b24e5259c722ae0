"""Keeping freed memory while a picture is worked on.

Every step of a dream allocates the same few hundred megabytes and frees them. glibc's malloc requests blocks
of this size from the system each time and returns them at once (mallopt(3): M_MMAP_THRESHOLD,
M_TRIM_THRESHOLD), and the system fills each with zeros, page by page, which takes a fifth of a step's time.
Other allocators are left alone.
"""

from __future__ import annotations

import ctypes
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGEST_KEPT, ALL = 96 * 2**20, 2**31 - 1
"""Bytes. The features of 1024 x 768 pixels, or of a tile, come in smaller blocks. A copy of a picture of 12
megapixels is larger, and is better returned to the system.
"""
SPARING = 6 * 2**20
"""The same where a network is sparing (`networks.banded`): its few larger blocks go back to the system, so
that none is kept that the next does not fit into.
"""
USUAL_MMAP_THRESHOLD, USUAL_TRIM_THRESHOLD = 32 * 2**20, 64 * 2**20
"""The values that glibc's own thresholds reach on 64-bit machines once large blocks have been freed."""

IDLE = 5.0
"""Seconds after which memory that is held from one picture to the next is returned."""

_at_work = 0
_counting = threading.Lock()


@contextmanager
def memory_kept(largest: int = LARGEST_KEPT) -> Iterator[None]:
    """Inside this context, freed memory stays with the process, in blocks of up to so many bytes. When the
    last one ends, unused memory is returned. What GPUs would need goes at once, see `leave_gpu_libraries`.
    """
    # The allocator is the process's, and so is the count.
    global _at_work
    glibc = _glibc()
    if glibc is None:
        yield
        return
    leave_gpu_libraries()
    with _counting:
        _at_work += 1
    glibc.mallopt(M_MMAP_THRESHOLD, largest)
    glibc.mallopt(M_TRIM_THRESHOLD, ALL)
    try:
        yield
    finally:
        with _counting:
            _at_work -= 1
            last = not _at_work
        if last:
            glibc.mallopt(M_MMAP_THRESHOLD, USUAL_MMAP_THRESHOLD)
            glibc.mallopt(M_TRIM_THRESHOLD, USUAL_TRIM_THRESHOLD)
            glibc.malloc_trim(0)


class HeldMemory:
    """Keeps freed memory from one small picture to the next, until none has begun for `IDLE` seconds: to get
    it again takes a tenth of the time of a picture that is painted at once.
    """

    def __init__(self, largest: int, idle: float = IDLE) -> None:
        self._largest, self._idle = largest, idle
        self._lock = threading.Lock()
        self._kept = ExitStack()
        self._end: threading.Timer | None = None

    def hold(self) -> None:
        """A picture begins: keep what it frees, in blocks of up to `largest` bytes."""
        with self._lock:
            if self._end is None:
                self._kept.enter_context(memory_kept(self._largest))
            else:
                self._end.cancel()
            self._end = threading.Timer(self._idle, self._let_go)
            self._end.daemon = True
            self._end.start()

    def _let_go(self) -> None:
        with self._lock:
            if self._end is threading.current_thread():  # and no picture has begun meanwhile
                self._end = None
                self._kept.close()


def release_memory() -> None:
    """Return what is freed to the system now. It costs a tenth of a second where much was kept."""
    glibc = _glibc()
    if glibc is not None:
        glibc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """The C library, where it is glibc."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") and hasattr(library, "mallopt") else None


MADV_DONTNEED = 4  # sys/mman.h

OF_GPUS = re.compile("/nvidia/|/cuda/|libtorch_cuda|libc10_cuda|libtorch_nvshmem|/libcu|/libnv")
"""The files of libraries that only a GPU's work calls."""


@lru_cache(maxsize=1)
def leave_gpu_libraries() -> int:
    """Give back the memory of CUDA's libraries, where there is no GPU; returns how many bytes. Linux only.

    A build of torch for GPUs loads them all, and a CPU never calls them; yet more than a hundred megabytes of
    their files stay in memory. What was never written to is given back. If it is needed after all, the system
    reads it again (madvise(2), `MADV_DONTNEED`; smaps in proc(5)).
    """
    import torch

    given = 0
    if sys.platform != "linux" or torch.cuda.is_available():
        return given
    with suppress(OSError, ValueError, AttributeError):
        advise = ctypes.CDLL(None).madvise
        advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        for first, last, resident in _only_read(Path("/proc/self/smaps").read_text()):
            if not advise(first, last - first, MADV_DONTNEED):
                given += resident
    return given


def _only_read(smaps: str) -> Iterator[tuple[int, int, int]]:
    """(first address, the one after the last, resident bytes) of what is mapped of `OF_GPUS` and was never
    written to.
    """
    for mapping in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", smaps):
        head, _, rows = mapping.partition("\n")
        span, rights, *_ = head.split(maxsplit=5)
        if "w" in rights or not OF_GPUS.search(head):
            continue
        told = {name: int(size) for name, size in re.findall(r"^(\w+): +(\d+) kB", rows, re.MULTILINE)}
        if not told["Private_Dirty"] and not told["Shared_Dirty"] and not told["Anonymous"]:
            first, last = (int(end, 16) for end in span.split("-"))
            yield first, last, told["Rss"] * 1024
