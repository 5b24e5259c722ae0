"""A keeper: the process that answers for what it began in a gallery.

Every unfinished work, source, claim and running job names its keeper. Later, other processes can tell whether
that process still lives, also after a restart of the machine.
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
    """A process: its machine, its number there, and when it started, since numbers are used again."""

    host: str
    pid: int
    began: str

    @classmethod
    def this(cls) -> Keeper:
        """This process."""
        pid = os.getpid()
        return cls(_host(), pid, _began(pid) or "")

    @classmethod
    def read(cls, text: str) -> Keeper | None:
        """The keeper that `str` wrote, or None for any other text."""
        parts = text.rsplit("~", 2)
        return cls(parts[0], int(parts[1]), parts[2]) if len(parts) == 3 and parts[1].isdigit() else None

    def __str__(self) -> str:
        """At most 200 characters. A file name may hold all of them."""
        return f"{self.host}~{self.pid}~{self.began}"

    @property
    def elsewhere(self) -> bool:
        """Whether it is on another machine, from where nobody here can see whether it lives."""
        return self.host != _host()

    @property
    def dead(self) -> bool:
        """Whether it has certainly ended. Of a process on another machine that is never certain."""
        return not self.elsewhere and _began(self.pid) != self.began


def _host() -> str:
    """The machine's name, and the set of process numbers, since each container has its own."""
    try:
        numbers = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        numbers = "0"
    # A Mac gets another name in every network it joins, so its network card's number is used there.
    called = f"{uuid.getnode():x}" if sys.platform == "darwin" else socket.gethostname()
    name = "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in called)
    return f"{name[:100]}.{numbers}"


def _began(pid: int) -> str | None:
    """When that process started, as text to compare. None where there is no such process, or a zombie."""
    if sys.platform == "linux":
        try:
            # proc(5): the name in brackets may hold anything. Field 3 is the state, and field 22 the start in
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
