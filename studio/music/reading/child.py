"""Reads one piece, whatever its format, and what a reading process does: it takes pieces, one after the other, and gives back
their tunes.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from typing import Any, BinaryIO

from studio.errors import Refused, Unreadable
from studio.music.reading.abc import read_abc
from studio.music.reading.budget import Reading, ReadingBudget
from studio.music.reading.kern import read_kern
from studio.music.reading.midi import read_midi
from studio.music.reading.musicxml import read_musicxml
from studio.music.reading.pieces import Piece


def read_piece(piece: Piece, budget: ReadingBudget) -> Reading:
    if piece.form == "midi":
        return read_midi(piece.content, piece.name, budget)
    if piece.form == "abc":
        return read_abc(piece.content, piece.name, budget)
    if piece.form == "humdrum":
        return read_kern(piece.content, piece.name, budget)
    return read_musicxml(piece.content, piece.name, budget)


def serve() -> None:
    """What a child process does until its parent goes away."""
    # Whatever a library prints must not get into the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    asked = sys.stdin.buffer
    try:
        budget = ReadingBudget(**receive(asked)[0]["budget"])
        _limit_memory(budget.memory)
        while True:
            header, content = receive(asked)
            send(answers, _answer(Piece(header["name"], header["form"], content), budget))
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


def _answer(piece: Piece, budget: ReadingBudget) -> dict[str, Any]:
    try:
        reading = read_piece(piece, budget)
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


def send(stream: BinaryIO, header: dict[str, Any], content: bytes = b"") -> None:
    packed = json.dumps(header).encode()
    stream.write(struct.pack(">II", len(packed), len(content)) + packed + content)
    stream.flush()


def receive(stream: Any) -> tuple[dict[str, Any], bytes]:
    sizes = stream.read(8)
    if len(sizes) < 8:
        raise EOFError
    header, content = struct.unpack(">II", sizes)
    packed = stream.read(header)
    body = stream.read(content)
    if len(packed) < header or len(body) < content:
        raise EOFError
    return json.loads(packed), body
