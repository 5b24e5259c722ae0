"""Reads tunes from the bytes of files: MIDI, MusicXML (plain or .mxl), ABC, Humdrum kern.

    with Readers() as readers:
        reading = readers.read(path.read_bytes(), path.name)
    reading.tunes, reading.remarks

What a file is, is told by its content, not by its name. MusicXML and kern go through music21, in a child
process that is killed when it takes too long or too much memory; MIDI and ABC, whose formats are simple, are
read here, sign by sign, under the same budget.

From several parts the melody is taken: the first part that is called a melody (voice, soprano, cantus, lead
…), else the part with the highest notes on average among those with at least a third as many notes as the
busiest. Where notes sound together the top one is kept. Grace notes and drums are left out, ties become one
note, tuplets stay exact, repeats stay as written. What was left out or moved is said in `Reading.remarks`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import queue
import re
import struct
import subprocess
import sys
import threading
import zipfile
from collections import Counter, deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from studio.errors import Refused, Unreadable
from studio.music.reading.abc import read_abc
from studio.music.reading.assembling import MELODY_NAMES
from studio.music.reading.budget import Budget, Reading, Unread, text_of
from studio.music.reading.midi import read_midi
from studio.music.scores.tunes import Tune

if TYPE_CHECKING:
    from types import TracebackType

WRITTEN_HERE = b"<software>Derivative Works Studio</software>"
"""How our own MusicXML is told: its modes are meant, where other programs write "major" when nobody chose."""

SUFFIXES = (".mid", ".midi", ".xml", ".musicxml", ".mxl", ".abc", ".krn")
"""The names of files worth opening in a folder."""


def read_tunes(content: bytes, name: str = "The file", budget: Budget | None = None) -> Reading:
    """The tunes of one file. Starts a process for formats that need one; for many files use `Readers`. Raises
    `Unreadable`.
    """
    with Readers(1, budget or Budget()) as readers:
        return readers.read(content, name)


@dataclass(frozen=True)
class Piece:
    """One tune of a file, still to be read. form: midi, mxl, musicxml, abc or humdrum."""

    name: str
    form: str
    content: bytes


def pieces(content: bytes, name: str, budget: Budget | None = None) -> list[Piece]:
    """Cut a file into single tunes, unread: an ABC tunebook has many, the others one. Raises `Unreadable` for
    what is no score at all.
    """
    budget = budget or Budget()
    if len(content) > budget.file:
        raise Unreadable(
            f"{name} has {len(content) / 1e6:.0f} MB; the studio opens scores of up to {budget.file / 1e6:.0f} MB."
        )
    if not content.strip(b"\0 \r\n\t"):
        raise Unreadable(f"{name} is empty; choose a MIDI, MusicXML, ABC or Humdrum file.")
    form = form_of(content)
    if form is None:
        raise Unreadable(f"{name} is not a MIDI, MusicXML, ABC or Humdrum file; export it as one of these.")
    if form != "abc":
        return [Piece(name, form, content)]
    found = _cut_tunebook(text_of(content), name)
    if not found:
        raise Unreadable(f"{name} holds no tune with a key (K:) that ABC could be read by; export it again.")
    if len(found) > budget.tunes:
        raise Unreadable(
            f"{name} holds {len(found)} tunes; the studio opens tunebooks of up to {budget.tunes}: cut it in two."
        )
    return found


def form_of(content: bytes) -> str | None:
    """midi, mxl, musicxml, abc or humdrum, by what stands at the beginning; None for anything else."""
    head = content[:65536]
    if head[:4] == b"MThd":
        return "midi"
    if head[:4] == b"PK\x03\x04":
        return "mxl"
    text = text_of(head).lstrip("\ufeff \r\n\t")
    if text.startswith("<") and re.search(r"<(score-partwise|score-timewise|!DOCTYPE|\?xml)", text):
        return "musicxml"
    if re.search(r"^\*\*kern", text, re.M):
        return "humdrum"
    if re.search(r"^X:\s*\d+", text, re.M) or re.search(r"^K:", text, re.M):
        return "abc"
    return None


def _cut_tunebook(text: str, name: str) -> list[Piece]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    starts = [match.start() for match in re.finditer(r"^X:", text, re.M)]
    if not starts:
        return [Piece(name, "abc", ("X:1\n" + text).encode())]
    # Fields before the first tune hold for all of them.
    common = "".join(line + "\n" for line in text[: starts[0]].splitlines() if re.match(r"[LMQRCOAB]:", line))
    found, names = [], Counter[str]()
    for place, start in enumerate(starts):
        tune = text[start : starts[place + 1] if place + 1 < len(starts) else len(text)]
        number = re.match(r"X:\s*(\S*)", tune)
        label = f"{name}#{number[1] if number and number[1] else place + 1}" if len(starts) > 1 else name
        names[label] += 1
        if names[label] > 1:
            label += f".{names[label]}"
        if re.search(r"^K:", tune, re.M):
            first, _, rest = tune.partition("\n")
            found.append(Piece(label, "abc", f"{first}\n{common}{rest}".encode()))
    return found


class Readers:
    """Child processes that read scores, kept for the next file. Use it in a `with`, or `close` it.

    processes: how many read at the same time. They are started when first needed, and each is killed and
    replaced when a file takes more than the budget allows.
    """

    def __init__(self, processes: int = 1, budget: Budget | None = None) -> None:
        self.budget = budget or Budget()
        self.processes = max(1, processes)
        self._idle: queue.LifoQueue[_Reader | None] = queue.LifoQueue()
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

    def read(self, content: bytes, name: str = "The file") -> Reading:
        """All tunes of one file. Raises `Unreadable` when there is none that can be read."""
        tunes: list[Tune] = []
        remarks: list[str] = []
        unread: list[Unread] = []
        found = pieces(content, name, self.budget)
        for piece, reading in self.read_pieces(found):
            if isinstance(reading, Unreadable):
                if len(found) == 1:
                    raise reading
                unread.append(Unread(piece.name, str(reading)))
            else:
                tunes += reading.tunes
                remarks += [
                    remark if len(found) == 1 else f"{piece.name}: {remark}" for remark in reading.remarks
                ]
        if not tunes:
            raise Unreadable(
                f"None of the {len(found)} tunes in {name} could be read; the first: {unread[0].reason}"
            )
        return Reading(tuple(tunes), tuple(remarks), tuple(unread))

    def read_pieces(
        self, pieces: Iterable[Piece]
    ) -> Generator[tuple[Piece, Reading | Unreadable], None, None]:
        """Every piece with what it gave, in order, several at a time. Stops reading when its caller stops
        asking.
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
        if piece.form in ("midi", "abc") and self.processes == 1:
            return _read_score(piece, self.budget)
        reader = self._idle.get()
        try:
            if reader is None or not reader.alive:
                reader = _Reader(self.budget)
            return reader.ask(piece)
        finally:
            self._idle.put(reader)


class _Reader:
    """One child process: takes a piece, gives its tunes, and is killed when it is too slow."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        here = str(Path(__file__).resolve().parents[3])
        paths = [here, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from studio.music.reading.files import _serve; _serve()"],
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
        _send(self._stdin, {"budget": vars(budget)})

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
        late = threading.Event()

        def too_late() -> None:
            late.set()
            self.process.kill()

        alarm = threading.Timer(self.budget.seconds, too_late)
        alarm.start()
        try:
            _send(self._stdin, {"name": piece.name, "form": piece.form}, piece.content)
            assert self.process.stdout
            answer = _receive(self.process.stdout)
        except (OSError, EOFError, ValueError):
            self.kill()
            if late.is_set():
                message = f"{piece.name} took longer than {self.budget.seconds:.0f} seconds to read and was given up; cut it into smaller files."
            else:
                message = f"{piece.name} needs more memory than the {self.budget.memory >> 20} MB a score may take; cut it into smaller files."
            raise Unreadable(message) from None
        finally:
            alarm.cancel()
        header = answer[0]
        if "unreadable" in header:
            raise Unreadable(header["unreadable"])
        return Reading(tuple(Tune.from_json(text) for text in header["tunes"]), tuple(header["remarks"]))


def _send(stream: BinaryIO, header: dict[str, Any], content: bytes = b"") -> None:
    packed = json.dumps(header).encode()
    stream.write(struct.pack(">II", len(packed), len(content)) + packed + content)
    stream.flush()


def _receive(stream: Any) -> tuple[dict[str, Any], bytes]:
    sizes = stream.read(8)
    if len(sizes) < 8:
        raise EOFError
    header, content = struct.unpack(">II", sizes)
    packed = stream.read(header)
    body = stream.read(content)
    if len(packed) < header or len(body) < content:
        raise EOFError
    return json.loads(packed), body


def _serve() -> None:
    """What a child process does until its parent goes away."""
    # Whatever a library prints must not get into the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    asked = sys.stdin.buffer
    try:
        budget = Budget(**_receive(asked)[0]["budget"])
        _limit_memory(budget.memory)
        while True:
            header, content = _receive(asked)
            _send(answers, _answer(Piece(header["name"], header["form"], content), budget))
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        return


def _limit_memory(limit: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows: there only the time limit holds
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(
        resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard)
    )


def _answer(piece: Piece, budget: Budget) -> dict[str, Any]:
    try:
        reading = _read_score(piece, budget)
        return {"tunes": [tune.to_json() for tune in reading.tunes], "remarks": list(reading.remarks)}
    except (Unreadable, Refused) as error:
        return {"unreadable": str(error)}
    except MemoryError:
        return {
            "unreadable": f"{piece.name} needs more memory than the {budget.memory >> 20} MB a score may take; cut it into smaller files."
        }
    except RecursionError:
        return {
            "unreadable": f"{piece.name} is nested too deeply to be a score; export it again from the program it came from."
        }
    except Exception as error:  # whatever a library makes of a broken file, the person gets one sentence
        said = " ".join(str(error).split())[:120].rstrip(".") or type(error).__name__
        kind = {"abc": "ABC", "humdrum": "Humdrum"}.get(piece.form, "MusicXML")
        return {
            "unreadable": f"{piece.name} is not readable as {kind} ({said}); export it again from the program it came from."
        }


def _read_score(piece: Piece, budget: Budget) -> Reading:
    if piece.form == "midi":
        return read_midi(piece.content, piece.name, budget)
    if piece.form == "abc":
        return read_abc(piece.content, piece.name, budget)
    from music21 import converter

    from studio.music.reading.music21_streams import tunes_of

    content, form = piece.content, piece.form
    if form == "mxl":
        content, form = unpack_mxl(content, piece.name, budget), "musicxml"
    if form == "musicxml":
        screen_xml(content, piece.name, budget)
        content = _in_utf8(content)
        score = converter.parseData(content, format="musicxml")
    else:
        text = text_of(content)
        alone = top_spine(text)
        reading = tunes_of(converter.parseData(alone, format=form), piece.name, budget)
        return (
            reading
            if alone == text
            else replace(reading, remarks=("Of several parts the top voice was taken.", *reading.remarks))
        )
    return tunes_of(score, piece.name, budget, doubt_major=WRITTEN_HERE not in content[:4000])


def _in_utf8(content: bytes) -> bytes:
    """XML as music21 takes it: in UTF-8, whatever the file was encoded in."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16", "replace")
    else:
        declared = re.match(rb"\s*<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)", content[:200])
        text = content.decode(declared[1].decode() if declared else "utf-8-sig", "replace")
    return re.sub(r"^\s*\ufeff?<\?xml[^>]*\?>", '<?xml version="1.0" encoding="UTF-8"?>', text).encode()


def top_spine(text: str) -> str:
    """A kern file with its melody's column alone, which is read several times faster: the column that is
    named like a melody, else the last, which is the top voice. Files whose columns split, join or move are
    left whole."""
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    rows = [line.split("\t") for line in lines if not line.startswith("!!")]
    if not rows or re.search(r"^(.*\t)?\*[\^v+x](\t|$)", text, re.M):
        return text
    kern = [place for place, token in enumerate(rows[0]) if token == "**kern"]
    if len(kern) > 1 and all(len(row) == len(rows[0]) for row in rows):
        sounding = {
            place: sum(bool(re.match(r"[\[({]*\d[^r]*$", row[place])) for row in rows) for place in kern
        }
        kern = [
            place for place in kern if sounding[place] * 8 >= max(sounding.values())
        ]  # a voice may be silent throughout
    if len(rows[0]) < 2 or not kern or any(len(row) != len(rows[0]) for row in rows):
        return text
    named = [
        place
        for place in kern
        if any(row[place][:1] in "*!" and MELODY_NAMES.search(row[place]) for row in rows[1:12])
    ]
    chosen = named[-1] if named else kern[-1]
    return "\n".join(line if line.startswith("!!") else line.split("\t")[chosen] for line in lines) + "\n"


def unpack_mxl(content: bytes, name: str, budget: Budget | None = None) -> bytes:
    """The score inside a compressed MusicXML file. Raises `Unreadable`; never unpacks more than the budget."""
    budget = budget or Budget()
    broken = f"{name} is a damaged .mxl file; export it again from the program it came from."
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if len(names) > 1000:
                raise Unreadable(f"{name} packs {len(names)} files, which no score does; export it again.")
            root = None
            if "META-INF/container.xml" in names:
                container = _bounded(archive, "META-INF/container.xml", 100_000, name)
                found = re.search(rb"full-path\s*=\s*[\"']([^\"']+)[\"']", container)
                root = found[1].decode("utf-8", "replace") if found else None
            if root not in names:
                scores = [
                    each
                    for each in names
                    if each.lower().endswith((".xml", ".musicxml")) and not each.startswith("META-INF")
                ]
                if not scores:
                    raise Unreadable(
                        f"{name} is a zip file without a score in it; choose the .mxl or .musicxml file itself."
                    )
                root = scores[0]
            return _bounded(archive, root, budget.unpacked, name)
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        OSError,
        EOFError,
        ValueError,
        KeyError,
        struct.error,
    ):
        raise Unreadable(broken) from None
    except Exception as error:
        if type(error).__module__ in ("zlib", "lzma", "_lzma", "bz2"):
            raise Unreadable(broken) from None
        raise


def _bounded(archive: zipfile.ZipFile, inside: str, limit: int, name: str) -> bytes:
    with archive.open(inside) as packed:
        read = packed.read(limit + 1)
    if len(read) > limit:
        raise Unreadable(
            f"{name} unpacks to more than {limit / 1e6:.0f} MB; the studio opens no score that large."
        )
    return read


def screen_xml(content: bytes, name: str, budget: Budget | None = None) -> None:
    """Refuse XML that defines entities, is too large, too deep, or no score, before anything else sees it.
    Raises `Unreadable`.
    """
    budget = budget or Budget()
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
    from defusedxml.ElementTree import iterparse  # type: ignore[import-untyped]

    if len(content) > budget.unpacked:
        raise Unreadable(
            f"{name} has {len(content) / 1e6:.0f} MB of XML; the studio opens up to {budget.unpacked / 1e6:.0f} MB."
        )
    seen = depth = 0
    root = None
    try:
        for event, element in iterparse(io.BytesIO(content), events=("start", "end")):
            if event == "start":
                seen, depth = seen + 1, depth + 1
                if root is None:
                    root = element.tag
                    if root not in ("score-partwise", "score-timewise"):
                        raise Unreadable(f"{name} is XML but not MusicXML; export it as MusicXML.")
                if seen > budget.elements or depth > 100:
                    raise Unreadable(
                        f"{name} is larger or deeper than any score ({seen} elements); cut it into smaller files."
                    )
            else:
                depth -= 1
                element.clear()
    except DefusedXmlException:
        raise Unreadable(
            f"{name} defines XML entities, which scores do not need and attacks do; export it again."
        ) from None
    except (ParseError, ValueError, LookupError) as error:
        said = str(error).partition(":")[0]
        raise Unreadable(
            f"{name} is broken XML ({said}); export it again from the program it came from."
        ) from None
