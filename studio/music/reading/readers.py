"""Reads tunes from the bytes of files: MIDI, MusicXML (plain or .mxl), ABC and Humdrum kern.

    with Readers() as readers:
        reading = readers.read(path.read_bytes(), path.name)
    reading.tunes, reading.remarks

A file is recognised by its content, not by its name. MusicXML, and kern, which goes through music21, are read
in a child process that is killed when it takes too long or too much memory. MIDI and ABC are simple formats
and are read in this process, under the same budget.

The melody is one of the file's parts: the first that is named like a melody (voice, soprano, cantus, lead).
Without such a name it is the part with the highest mean pitch among those with at least a third as many notes
as the busiest; where that one has no words, the highest of them that is sung. Of notes that sound together
the top one is kept. Grace notes and drums are left out, tied notes become one note, tuplets stay exact, and
repeats stay as written. `Reading.remarks` says what was left out or moved.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from studio.errors import Unreadable
from studio.music.reading.budget import Reading, ReadingBudget, Unread, labelled
from studio.music.reading.child import read_piece, reading_of, receive, send, send_piece, too_much_memory
from studio.music.reading.pieces import EARLIER_ABC, EARLIER_MIDI, READING_RULES, Piece, by_rules, pieces
from studio.music.scores.scores import Part, ScoreMarks
from studio.music.scores.tunes import Tune

if TYPE_CHECKING:
    from types import TracebackType

QUICK = frozenset({"midi", "abc", EARLIER_MIDI, EARLIER_ABC})
"""Forms that the studio reads by itself within the budget, so that one process is enough."""


def read_tunes(
    content: bytes,
    name: str = "The file",
    budget: ReadingBudget | None = None,
    rules: str = READING_RULES,
    *,
    parts: bool = False,
) -> Reading:
    """The tunes of one file. Starts a process for formats that need one; for many files use `Readers`.

    rules: by which it is read. parts: whether all parts are kept too. Raises `Unreadable`.
    """
    with Readers(1, budget or ReadingBudget()) as readers:
        return readers.read(content, name, rules, parts=parts)


class Readers:
    """Child processes that read scores and are kept for the next file. Use it in a `with`, or `close` it.

    processes: how many read at the same time. They are started when first needed. A process is killed and
    replaced when a file takes more than the budget allows.
    """

    def __init__(self, processes: int = 1, budget: ReadingBudget | None = None) -> None:
        self.budget = budget or ReadingBudget()
        self.processes = max(1, processes)
        self._idle: queue.LifoQueue[ReaderProcess | None] = queue.LifoQueue()
        for _ in range(self.processes):
            self._idle.put(None)

    def __enter__(self) -> Readers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        for _ in range(self.processes):
            with contextlib.suppress(queue.Empty):
                reader = self._idle.get_nowait()
                if reader:
                    reader.kill()
                self._idle.put(None)

    def read(
        self,
        content: bytes,
        name: str = "The file",
        rules: str = READING_RULES,
        *,
        parts: bool = False,
    ) -> Reading:
        """All tunes of one file. parts: with all the parts of each (by today's rules).

        Raises `Unreadable` when none of them can be read.
        """
        tunes: list[Tune] = []
        kept: list[tuple[Part, ...]] = []
        marks: list[ScoreMarks] = []
        remarks: list[str] = []
        unread: list[Unread] = []
        found = [replace(by_rules(piece, rules), parts=parts) for piece in pieces(content, name, self.budget)]
        for piece, reading in self.read_pieces(found):
            if isinstance(reading, Unreadable):
                if len(found) == 1:
                    raise reading
                unread.append(Unread(piece.name, str(reading)))
            else:
                tunes += reading.tunes
                kept += reading.parts
                marks += reading.marks
                remarks += [
                    remark if len(found) == 1 else labelled(remark, piece.name) for remark in reading.remarks
                ]
        if not tunes:
            raise Unreadable(
                f"None of the {len(found)} tunes in {name} could be read; the first: {unread[0].reason}"
            )
        return Reading(tuple(tunes), tuple(remarks), tuple(unread), tuple(kept), tuple(marks))

    def read_pieces(
        self, pieces: Iterable[Piece]
    ) -> Generator[tuple[Piece, Reading | Unreadable], None, None]:
        """Every piece with what it gave, in order, read several at a time.

        Reading stops when the caller stops asking.
        """
        if self.processes == 1:
            for piece in pieces:
                yield piece, self._try(piece)
            return
        waiting: deque[tuple[Piece, Future[Reading | Unreadable]]] = deque()
        with ThreadPoolExecutor(self.processes) as pool:
            try:
                for piece in pieces:
                    waiting.append((piece, pool.submit(self._try, piece)))
                    if len(waiting) >= 4 * self.processes:
                        first, reading = waiting.popleft()
                        yield first, reading.result()
                while waiting:
                    first, reading = waiting.popleft()
                    yield first, reading.result()
            finally:
                for _, later in waiting:
                    later.cancel()

    def _try(self, piece: Piece) -> Reading | Unreadable:
        try:
            return self._read(piece)
        except Unreadable as error:
            return error

    def _read(self, piece: Piece) -> Reading:
        if piece.form in QUICK and self.processes == 1:
            return read_piece(piece, self.budget)
        reader = self._idle.get()
        try:
            if reader is None or not reader.alive:
                reader = ReaderProcess(self.budget)
            return reader.ask(piece)
        finally:
            self._idle.put(reader)


class ReaderProcess:
    """One child process, seen from its parent. It is killed when it takes too long."""

    def __init__(self, budget: ReadingBudget) -> None:
        self.budget = budget
        here = str(Path(__file__).resolve().parents[3])
        paths = [here, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from studio.music.reading.child import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(paths),
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
            },
        )
        send(self._stdin, {"budget": vars(budget)})

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    @property
    def _stdin(self) -> BinaryIO:
        assert self.process.stdin
        return self.process.stdin  # type: ignore[return-value]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()

    def ask(self, piece: Piece) -> Reading:
        """The tune of a piece. Raises `Unreadable`, also when the process had to be killed."""
        late = threading.Event()

        def too_late() -> None:
            late.set()
            self.process.kill()

        alarm = threading.Timer(self.budget.seconds, too_late)
        alarm.start()
        try:
            send_piece(self._stdin, piece)
            assert self.process.stdout
            header, body = receive(self.process.stdout)
        except (OSError, EOFError, ValueError):
            self.kill()
            if not late.is_set():  # the limit on memory ended it
                raise Unreadable(too_much_memory(piece.name, self.budget)) from None
            raise Unreadable(
                f"Reading {piece.name} took longer than {self.budget.seconds:.0f} seconds and was stopped; "
                "split it into smaller files."
            ) from None
        finally:
            alarm.cancel()
        return reading_of(header, body)
