"""Memory stays with the process while a picture is worked on, and is returned to the system afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

from studio.images.memory import _glibc, _only_read

PROGRAM = """
import psutil, torch
from studio.images import memory
from studio.images.memory import memory_kept

torch.set_num_threads(1)
process = psutil.Process()
def held():
    return process.memory_info().rss / 2**20

torch.ones(15 * 2**20)  # whatever the first use of torch needs is there now
held_before = process.memory_info().rss
given = memory.leave_gpu_libraries()
assert abs(held_before - process.memory_info().rss - given) < 2**23, "as much less is held as it says"
assert (given > 2**25) == (bool(torch.version.cuda) and not torch.cuda.is_available()), given
assert memory.leave_gpu_libraries.__wrapped__() <= given / 4, "hardly anything is left to give"
torch.cuda.is_available()  # asks one of them, which is read again
before = held()
with memory_kept():
    with memory_kept():
        torch.ones(15 * 2**20)  # 60 MiB, freed at once
        assert held() > before + 50
    assert held() > before + 50, "another picture is still being worked on"
assert held() < before + 20
torch.ones(15 * 2**20)
assert held() < before + 20, "malloc does as it did"

import threading
timers = []
class Timer:
    def __init__(self, seconds, work): self.work, self.cancelled = work, False; timers.append(self)
    def start(self): pass
    def cancel(self): self.cancelled = True
threading.Timer = Timer
kept = memory.HeldMemory(memory.LARGEST_KEPT)
def ends(timer):
    memory.threading.current_thread = lambda: timer
    timer.work()
for _ in range(2):
    kept.hold()
    with memory_kept():
        torch.ones(15 * 2**20)
    assert held() > before + 50, "the next picture finds it"
assert timers[0].cancelled and not timers[1].cancelled
ends(timers[0])
assert held() > before + 50, "the second picture began before the first one's time was over"
ends(timers[1])
assert held() < before + 20, "no picture began any more"
"""

SMAPS = """\
7f00a000-7f00c000 r-xp 00000000 08:01 11  /site/nvidia/cu13/lib/libcublasLt.so.13
Rss:                  96 kB
Private_Dirty:         0 kB
Shared_Dirty:          0 kB
Anonymous:             0 kB
7f00c000-7f00d000 r--p 00002000 08:01 11  /site/nvidia/cu13/lib/libcublasLt.so.13
Rss:                   8 kB
Private_Dirty:         4 kB
Shared_Dirty:          0 kB
Anonymous:             4 kB
7f00d000-7f00e000 rw-p 00003000 08:01 11  /site/nvidia/cu13/lib/libcublasLt.so.13
Rss:                   8 kB
Private_Dirty:         0 kB
Shared_Dirty:          0 kB
Anonymous:             0 kB
7f010000-7f012000 r-xp 00000000 08:01 12  /site/torch/lib/libtorch_cpu.so
Rss:                  64 kB
Private_Dirty:         0 kB
Shared_Dirty:          0 kB
Anonymous:             0 kB
7f013000-7f014000 rw-p 00000000 00:00 0
Rss:                   4 kB
Private_Dirty:         4 kB
Shared_Dirty:          0 kB
Anonymous:             4 kB
"""


@pytest.mark.skipif(_glibc() is None, reason="only glibc's malloc gives large pieces back at once")
def test_what_is_freed_stays_until_the_last_is_done() -> None:
    """In a process of its own, where no other test moves the heap."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_only_what_was_never_written_of_the_libraries_of_gpus_is_given_back() -> None:
    """What the loader has written into a library, such as addresses, would be lost."""
    assert list(_only_read(SMAPS)) == [(0x7F00A000, 0x7F00C000, 96 * 1024)]
