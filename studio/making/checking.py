"""Says whether settings can hold together before anyone asks for the work, in a process of its own.

    checks = Checking()
    checks.check(recipe, materials, owner="…")       # {"state": "possible"}, or what is wrong
    checks.close()

Only the latest question of an owner counts: an earlier one is given up at once, wherever it is. The process
starts with the first question, gives way to everything else on this computer, remembers what it has learnt,
and ends when nobody has asked for a while.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from studio.errors import StudioError, error_data
from studio.making.kinds import KINDS, found_at, read_recipe
from studio.works.recipe import Recipe, Source
from studio.works.work import Materials

PATIENCE = 60.0
"""Seconds that an answer is waited for; then nobody knows."""

IDLE = 300.0
"""Seconds without a question after which the process ends."""

MOST_BYTES = 8_000_000
"""Of sources that are handed over for a check; a request with more is not checked."""

UNKNOWN: dict[str, Any] = {"state": "unknown"}
STALE: dict[str, Any] = {"state": "stale"}


class Checking:
    """Answers by asking the process. Safe to use from many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._latest: dict[str, int] = {}
        self._answers: dict[int, dict[str, Any]] = {}
        self._asked = 0
        self._process: subprocess.Popen[bytes] | None = None

    def check(self, recipe: Recipe, materials: Materials, owner: str = "") -> dict[str, Any]:
        """Whether a work of this recipe is possible. Waits for the answer.

        {"state": "possible"}; "conflict" with "message", "conflict" and "ways_out" (see `error_data`);
        "refused" with "message", for a single setting that makes no sense; "stale" where the same owner has
        asked something else meanwhile; "unknown" where the kind has no check, or it takes too long.
        """
        if not KINDS[recipe.kind].checks:
            return UNKNOWN
        sources = {source.sha256: materials(source) for source in recipe.sources}
        if sum(map(len, sources.values())) > MOST_BYTES:
            return UNKNOWN
        packed = {sha256: base64.b64encode(content).decode() for sha256, content in sources.items()}
        with self._changed:
            self._asked += 1
            mine, before = self._asked, self._latest.get(owner)
            self._latest[owner] = mine
            self._changed.notify_all()
            if before is not None:
                self._send({"stop": before})
            self._send({"id": mine, "recipe": recipe.to_json(), "sources": packed})
            process = self._process
            self._changed.wait_for(lambda: self._settled(mine, owner, process), PATIENCE)
            found = self._answers.pop(mine, UNKNOWN)
            if self._latest.get(owner) != mine:
                return STALE
            del self._latest[owner]
            if found is UNKNOWN:
                self._send({"stop": mine})
            return found

    def _settled(self, mine: int, owner: str, process: subprocess.Popen[bytes] | None) -> bool:
        return mine in self._answers or self._latest.get(owner) != mine or self._process is not process

    def close(self) -> None:
        """End the process."""
        with self._changed:
            process, self._process = self._process, None
            self._changed.notify_all()
        if process is not None:
            process.kill()
            process.wait()

    def _send(self, message: Mapping[str, Any]) -> None:
        """Hand it to the process, which is started where there is none. Called with the lock held."""
        if self._process is None or self._process.poll() is not None:
            if "stop" in message:
                return
            self._process = _started()
            threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        assert self._process.stdin is not None
        with suppress(OSError):  # it has just ended: nobody knows, and the next question starts another
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with suppress(ValueError, OSError):
            for line in process.stdout:
                told = json.loads(line)
                with self._changed:
                    if told["id"] in self._latest.values():
                        self._answers[told["id"]] = told["answer"]
                        self._changed.notify_all()
        process.wait()
        with self._changed:
            if self._process is process:
                self._process = None
            self._changed.notify_all()


def _started() -> subprocess.Popen[bytes]:
    here = str(Path(__file__).resolve().parents[2])
    paths = [here, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return subprocess.Popen(
        [sys.executable, "-m", "studio.making.checking"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        start_new_session=True,  # Ctrl+C in the terminal is for the studio; this ends with its input
    )


# In the process
# ------------------------------------------------------------------------------------------------------------


class _Questions:
    """What was asked, read in a thread, so that a question can be given up while it is being answered."""

    def __init__(self, given: IO[bytes]) -> None:
        self._waiting: queue.Queue[dict[str, Any]] = queue.Queue()
        self._dropped: set[int] = set()
        self._lock = threading.Lock()
        self._now: int | None = None
        threading.Thread(target=self._read, args=(given,), daemon=True).start()

    def _read(self, given: IO[bytes]) -> None:
        import _thread

        for line in given:
            told = json.loads(line)
            with self._lock:
                if "stop" not in told:
                    self._waiting.put(told)
                elif told["stop"] == self._now:
                    self._now = None
                    _thread.interrupt_main()
                else:
                    self._dropped.add(told["stop"])
        os._exit(0)  # whoever asked is gone

    def next(self) -> dict[str, Any]:
        """Raises `queue.Empty` when nobody has asked for a while."""
        while True:
            asked = self._waiting.get(timeout=IDLE)
            with self._lock:
                if asked["id"] not in self._dropped:
                    self._now = asked["id"]
                    return asked
                self._dropped.discard(asked["id"])

    def done(self) -> bool:
        """The question was answered. False where it was given up meanwhile."""
        with self._lock:
            wanted, self._now = self._now is not None, None
            return wanted


def main() -> int:
    """Answer questions from standard input, one a line, on standard output."""
    if hasattr(os, "nice"):
        os.nice(10)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    _import_all()
    questions = _Questions(sys.stdin.buffer)
    while True:
        # A question that is given up ends in a KeyboardInterrupt, which may come a moment late.
        with suppress(KeyboardInterrupt):
            try:
                asked = questions.next()
            except queue.Empty:
                return 0
            answer = _answer(asked)
            if questions.done():
                answers.write(json.dumps({"id": asked["id"], "answer": answer}).encode() + b"\n")
                answers.flush()


def _import_all() -> None:
    """Import what the checks need before anything can be given up: half an import cannot be done again."""
    for kind in KINDS.values():
        if kind.checks:
            found_at(kind.checks)
            if kind.ahead:
                import_module(kind.ahead).load()


def _answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    sources = {sha256: base64.b64decode(content) for sha256, content in asked["sources"].items()}

    def materials(source: Source) -> bytes:
        return sources[source.sha256]

    try:
        recipe = read_recipe(asked["recipe"])
        for _ in found_at(KINDS[recipe.kind].checks)(recipe, materials):
            time.sleep(0)  # a good moment to be interrupted
    except StudioError as error:
        data = error_data(error)
        return {"state": "conflict" if data.get("conflict") else "refused", "message": str(error), **data}
    except Exception:  # a fault of ours: who presses the button gets it told and noted
        return UNKNOWN
    return {"state": "possible"}


if __name__ == "__main__":
    sys.exit(main())
