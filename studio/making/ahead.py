"""Prepares what works will need before anyone asks, one thing after the other, in processes of its own.

    with Preparing() as preparing:
        preparing.first("compose", "oneill")         # somebody chose this style: it is next

Each thing is prepared by `python -m studio.making.ahead KIND NAME`, which is quick where it was done before.
What comes of it is kept in the home, and those who ask while what was chosen is being read wait for it. All
else gives way to everything on this computer, nobody waits for it, and it ends when a work begins; then it is
begun again later.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from studio.errors import StudioError
from studio.making.kinds import KINDS, Kind
from studio.works.home import environments_home

KINDLY = 15
"""How much the processes give way to others (nice), where they cannot be told to run only on what is left."""

LONGEST = 1800.0
"""Seconds that preparing one thing may take."""


OTHERS = {"lesson": "studio.lessons.ahead"}
"""What is prepared beside works: name -> a module like `Kind.ahead`."""


class Preparing:
    """A thread that prepares everything the kinds offer, until `close`. A context manager.

    others: what else is prepared, by name. idle: asked before each thing that nobody chose; while it says no,
    nothing is prepared.
    """

    def __init__(
        self,
        kinds: Mapping[str, Kind] = KINDS,
        *,
        others: Mapping[str, str] | None = None,
        idle: Callable[[], bool] = lambda: True,
    ) -> None:
        self._idle = idle
        self._changed = threading.Condition()
        self._waiting: list[tuple[str, str]] = []
        self._chosen: set[tuple[str, str]] = set()
        self._modules = {name: kind.ahead for name, kind in kinds.items() if kind.ahead} | dict(others or {})
        self._now: tuple[str, str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = False
        self.done: list[tuple[str, str]] = []
        self._thread = threading.Thread(target=self._prepare_all, name="studio prepares", daemon=True)
        self._thread.start()

    def first(self, kind: str, name: str) -> None:
        """Prepare this next, in place of what is being prepared now.

        Nothing happens for what is done, and for what nobody offers.
        """
        asked = (kind, name)
        with self._changed:
            if kind not in self._modules or asked in self.done or asked == self._now:
                return
            self._waiting = [asked, *(each for each in self._waiting if each != asked)]
            self._chosen.add(asked)
            self._give_up(-1)
            self._changed.notify_all()

    @property
    def busy(self) -> bool:
        """Whether something is being prepared."""
        return self._now is not None

    def give_way(self) -> None:
        """A work begins: what nobody chose is given up, and begun again when nothing is made any more."""
        with self._changed:
            self._give_up(0)

    def _give_up(self, place: int) -> None:
        """Stop what is being prepared, unless somebody chose it, and put it into the queue at that place."""
        if self._now is not None and self._now not in self._chosen and self._now not in self._waiting:
            self._waiting.insert(len(self._waiting) if place < 0 else place, self._now)
            self._stop()

    def close(self) -> None:
        """Stop at once."""
        with self._changed:
            self._closing = True
            self._stop()
            self._changed.notify_all()
        self._thread.join(timeout=10)

    def __enter__(self) -> Preparing:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _stop(self) -> None:
        if self._process is not None:
            with suppress(OSError):
                self._process.kill()

    def _prepare_all(self) -> None:
        likeliest, rest = [], []
        for kind, module in self._modules.items():
            with suppress(Exception):  # a kind that offers nothing is no fault of the others
                one, *more = [(kind, name) for name in import_module(module).names()]
                likeliest.append(one)
                rest += more
        offered = likeliest + rest
        with self._changed:
            self._waiting += [each for each in offered if each not in self._waiting]
        while self._take():
            self._finish()

    def _take(self) -> bool:
        """Begin with the next thing. False once all is closed."""
        with self._changed:
            while not self._closing:
                if self._waiting and (self._waiting[0] in self._chosen or self._idle()):
                    self._now = self._waiting.pop(0)
                    self._process = start(*self._now, kindly=self._now not in self._chosen)
                    return True
                self._changed.wait(timeout=1.0 if self._waiting else None)
            return False

    def _finish(self) -> None:
        process, now = self._process, self._now
        assert process is not None
        assert now is not None
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=LONGEST)
        with self._changed:
            process.kill()
            process.wait()
            if now not in self._waiting:
                self.done.append(now)
            self._process = self._now = None
            self._changed.notify_all()


def start(kind: str, name: str, *, kindly: bool) -> subprocess.Popen[bytes]:
    """A process that prepares one thing. kindly: it gives way to others."""
    here = str(Path(__file__).resolve().parents[2])
    paths = [here, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return subprocess.Popen(
        [sys.executable, "-m", "studio.making.ahead", kind, name, *(["kindly"] if kindly else [])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        # Ctrl+C in the terminal is for the studio, which ends this. In a session of its own it would not hear
        # of it either, but Linux shares the processor fairly between sessions (sched_autogroup), whatever
        # their processes' niceness.
        process_group=0 if os.name == "posix" else None,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def main(arguments: Sequence[str]) -> int:
    """Prepare one thing: KIND NAME [kindly]. Without arguments, set up (see `set_up`)."""
    if not arguments:
        return set_up()
    kind, name, *kindly = arguments
    if kindly:
        _give_way()
    _end_with_parent()
    import_module(OTHERS.get(kind) or KINDS[kind].ahead).prepare(name, kindly=bool(kindly))
    return 0


def set_up() -> int:
    """Prepare the likeliest thing of each kind for everyone who uses this virtual environment, so that the
    first work in a new home need not wait for it. Outside a virtual environment nothing happens: each home
    then prepares its own.
    """
    place = environments_home()
    if place is None:
        return 0
    shutil.rmtree(place, ignore_errors=True)
    os.environ["STUDIO_HOME"] = str(place)
    for name in (*(kind.ahead for kind in KINDS.values() if kind.ahead), *OTHERS.values()):
        module = import_module(name)
        with suppress(StudioError, OSError):  # the studio works without
            module.prepare(module.names()[0])
    return 0


def _give_way() -> None:
    """Run this process, and those it starts, on what the others leave of the processors."""
    with suppress(OSError, AttributeError):
        os.nice(KINDLY)
    with suppress(OSError, AttributeError):  # only Linux has it, and only Windows the next
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with suppress(OSError, AttributeError):
        import psutil

        psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)


def _end_with_parent() -> None:
    """A studio that is killed cannot stop what it started: this process looks whether its parent is there."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            asleep.wait(2.0)
        os._exit(1)

    asleep = threading.Event()
    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
