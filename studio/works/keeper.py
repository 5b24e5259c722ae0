"""Who is at work in a gallery: a process that can be told dead from alive later, by other processes and after
a restart.
"""

from __future__ import annotations

import os
import socket
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Keeper:
    """A process: on which machine, its number there, and when it began, since numbers are used again."""

    host: str
    pid: int
    began: str

    @classmethod
    def this(cls) -> Keeper:
        """The process that asks."""
        pid = os.getpid()
        return cls(_host(), pid, _began(pid) or "")

    @classmethod
    def read(cls, text: str) -> Keeper | None:
        """What `str` wrote, or None where that is no keeper."""
        parts = text.rsplit("~", 2)
        return cls(parts[0], int(parts[1]), parts[2]) if len(parts) == 3 and parts[1].isdigit() else None

    def __str__(self) -> str:
        """Fit for a database column of 200 characters and for a file name."""
        return f"{self.host}~{self.pid}~{self.began}"

    @property
    def elsewhere(self) -> bool:
        """On another machine, where this one cannot see whether it lives."""
        return self.host != _host()

    @property
    def dead(self) -> bool:
        """Certainly gone. A process of another machine never is: see `elsewhere`."""
        return not self.elsewhere and _began(self.pid) != self.began


def _host() -> str:
    """The machine's name, and which set of process numbers is meant where containers have their own."""
    try:
        numbers = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        numbers = "0"
    # A Mac takes another name from every network it joins, so there the network card's number stands for it.
    called = f"{uuid.getnode():x}" if sys.platform == "darwin" else socket.gethostname()
    name = "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in called)
    return f"{name[:100]}.{numbers}"


def _began(pid: int) -> str | None:
    """When that process began, as text that only compares equal with itself; None where there is none, or
    only its remains.
    """
    if sys.platform == "linux":
        try:
            # proc(5): the name in brackets may hold anything; field 3 is the state, field 22 the start in
            # ticks since boot.
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            return None
        return None if fields[0] in "ZXx" else f"{boot[:8]}-{fields[19]}"
    import psutil  # type: ignore[import-untyped]

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.0f}"
    except psutil.Error:
        return None
