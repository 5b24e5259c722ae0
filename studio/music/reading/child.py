"""Reads one piece of any format, and is the program of a reading process.

A reading process takes pieces from its parent over a pipe, reads them one after the other and sends back
their tunes. A message is two lengths, a JSON header and a body of bytes.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, BinaryIO

from studio.errors import Refused, Unreadable
from studio.music.reading.abc import read_abc
from studio.music.reading.budget import OfMelody, Reading, ReadingBudget
from studio.music.reading.earlier.abc import read_abc as read_earlier_abc
from studio.music.reading.earlier.midi import read_midi as read_earlier_midi
from studio.music.reading.kern import read_kern
from studio.music.reading.midi import read_midi
from studio.music.reading.musicxml import read_musicxml, read_with_music21
from studio.music.reading.pieces import BY_MUSIC21, EARLIER_ABC, EARLIER_MIDI, Piece
from studio.music.scores.notes import Note
from studio.music.scores.scores import Part, ScoreMarks, TempoAt
from studio.music.scores.tunes import Tune


def read_piece(piece: Piece, budget: ReadingBudget) -> Reading:
    """The tune of one piece, read in this process.

    Raises `Unreadable`; for kern, and MusicXML by music21, also whatever music21 raises for a broken file.
    """
    reading = _read(piece, budget)
    return reading if piece.rules >= "4" else _plain(reading)


def _plain(reading: Reading) -> Reading:
    """Without the spelling and voices of its notes."""
    return replace(
        reading,
        tunes=tuple(replace(tune, notes=_plain_notes(tune.notes)) for tune in reading.tunes),
        parts=tuple(
            tuple(replace(part, notes=_plain_notes(part.notes)) for part in parts) for parts in reading.parts
        ),
    )


def _plain_notes(notes: Sequence[Note]) -> tuple[Note, ...]:
    return tuple(Note(note.pitch, note.start, note.duration) for note in notes)


def _read(piece: Piece, budget: ReadingBudget) -> Reading:
    if piece.form == "midi":
        return read_midi(piece.content, piece.name, budget, parts=piece.parts, rules=piece.rules)
    if piece.form == "abc":
        return read_abc(piece.text, piece.name, budget, parts=piece.parts, rules=piece.rules)
    if piece.form == "humdrum":
        return read_kern(piece.text, piece.name, budget, parts=piece.parts, rules=piece.rules)
    if piece.form == EARLIER_ABC:
        return read_earlier_abc(piece.text, piece.name, budget)
    if piece.form == EARLIER_MIDI:
        return read_earlier_midi(piece.content, piece.name, budget)
    if piece.form == BY_MUSIC21:
        return read_with_music21(piece.content, piece.name, budget)
    return read_musicxml(piece.content, piece.name, budget, parts=piece.parts, rules=piece.rules)


def send_piece(stream: BinaryIO, piece: Piece) -> None:
    """From the parent: a piece to read."""
    header = {"name": piece.name, "form": piece.form, "parts": piece.parts, "rules": piece.rules}
    send(stream, header, piece.content or piece.text.encode())


def reading_of(header: dict[str, Any], body: bytes) -> Reading:
    """In the parent: a reading process's answer. Raises `Unreadable` where that is the answer."""
    if "unreadable" in header:
        raise Unreadable(header["unreadable"])
    return Reading(
        tuple(Tune.from_json(line) for line in body.splitlines()),
        tuple(OfMelody(text) if of_melody else text for text, of_melody in header["remarks"]),
        parts=tuple(tuple(Part.from_plain(part) for part in parts) for parts in header["parts"]),
        marks=tuple(_marks_of_plain(each) for each in header["marks"]),
    )


def _plain_marks(marks: ScoreMarks) -> dict[str, Any]:
    return {
        "sections": [[str(place), name] for place, name in marks.sections],
        "tempi": [[str(each.start), each.tempo] for each in marks.tempi],
    }


def _marks_of_plain(plain: dict[str, Any]) -> ScoreMarks:
    return ScoreMarks(
        tuple((Fraction(place), name) for place, name in plain["sections"]),
        tuple(TempoAt(Fraction(place), tempo) for place, tempo in plain["tempi"]),
    )


def send(stream: BinaryIO, header: dict[str, Any], body: bytes = b"") -> None:
    """Write one message."""
    packed = json.dumps(header).encode()
    stream.write(struct.pack(">II", len(packed), len(body)) + packed + body)
    stream.flush()


def receive(stream: Any) -> tuple[dict[str, Any], bytes]:
    """Read one message: (header, body). Raises `EOFError` when the other side has gone."""
    sizes = stream.read(8)
    if len(sizes) < 8:
        raise EOFError
    header_size, body_size = struct.unpack(">II", sizes)
    packed, body = stream.read(header_size), stream.read(body_size)
    if len(packed) < header_size or len(body) < body_size:
        raise EOFError
    return json.loads(packed), body


def serve() -> None:
    """What a reading process does until its parent goes away."""
    # Whatever a library prints must not get into the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = sys.stdin.buffer
    try:
        budget = ReadingBudget(**receive(requests)[0]["budget"])
        _limit_memory(budget.memory)
        while True:
            header, body = receive(requests)
            is_text = header["form"] in ("abc", EARLIER_ABC, "humdrum")
            content, text = (b"", body.decode()) if is_text else (body, "")
            piece = Piece(header["name"], header["form"], content, text, header["parts"], header["rules"])
            send(answers, *_answer(piece, budget))
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        return


def _limit_memory(limit: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit; there only the time limit holds
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _answer(piece: Piece, budget: ReadingBudget) -> tuple[dict[str, Any], bytes]:
    try:
        reading = read_piece(piece, budget)
        # A tune's JSON holds no line break, so a line of the body is a tune.
        tunes = "\n".join(tune.to_json(spelled=True) for tune in reading.tunes).encode()
        plain = [[part.to_plain() for part in each] for each in reading.parts]
        remarks = [(text, isinstance(text, OfMelody)) for text in reading.remarks]
        return {"remarks": remarks, "parts": plain, "marks": list(map(_plain_marks, reading.marks))}, tunes
    except (Unreadable, Refused) as error:
        return {"unreadable": str(error)}, b""
    except MemoryError:
        return {"unreadable": too_much_memory(piece.name, budget)}, b""
    except RecursionError:
        why = "is nested too deeply to be a score"
    except Exception:  # whatever music21 makes of a broken file
        called = {
            "midi": "MIDI",
            EARLIER_MIDI: "MIDI",
            "abc": "ABC",
            EARLIER_ABC: "ABC",
            "humdrum": "Humdrum",
        }
        format = called.get(piece.form, "MusicXML")
        why = f"cannot be read as {format}"
    return {"unreadable": f"{piece.name} {why}; export it again from the program it came from."}, b""


def too_much_memory(name: str, budget: ReadingBudget) -> str:
    """The sentence for a file that takes more memory than the budget allows."""
    return (
        f"{name} needs more memory than the {budget.memory >> 20} MB a score may take; "
        "split it into smaller files."
    )
