"""How many notes of MIDI files are read as they were written, at any gate and in any division.

    python -m benchmarks.gates [--every 6]

Tunes of the songbook and the hymns (where they are beside the checkout), of Ryan's Mammoth Collection and of
Aird are played with repeats, as programs play them: each note is held for a share of its length (the gate),
and all times are rounded to ticks. A note is right if it has its pitch, its start and its length.
"""

from __future__ import annotations

import argparse
import struct
import sys
import time
from collections import Counter
from math import floor
from pathlib import Path

from benchmarks.reading import SONGBOOK
from studio.errors import StudioError
from studio.music.reading.budget import ReadingBudget
from studio.music.reading.child import read_piece
from studio.music.reading.midi import read_midi
from studio.music.reading.pieces import pieces
from studio.music.scores.tunes import Tune
from studio.music.styles.table import music21_corpus

DIVISIONS = (24, 96, 120, 192, 220, 480, 1024)
GATES = (0.5, 0.75, 0.9, 0.99, 1.0)


def performed(tune: Tune, division: int, gate: float, *, down: bool) -> bytes:
    """A tune as a program plays it. division: ticks in a quarter note. down: times are rounded down."""
    ticks = floor if down else round
    events: list[tuple[int, int, bytes]] = []
    for change in tune.grid.meters:
        power = change.meter.denominator.bit_length() - 1
        sign = bytes([0xFF, 0x58, 4, change.meter.numerator, power, 24, 8])
        events.append((ticks(change.start * division), 0, sign))
    last = -1
    for note in tune.sounding:
        assert note.pitch is not None
        start = last = max(ticks(note.start * division), last + 1)
        end = start + max(1, ticks(float(note.duration) * gate * division))
        events += [(start, 2, bytes([0x90, note.pitch, 80])), (end, 1, bytes([0x80, note.pitch, 0]))]
    track, here = b"", 0
    for place, _, message in sorted(events, key=lambda event: event[:2]):
        track += _variable(place - here) + message
        here = place
    track += b"\0\xff\x2f\0"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, division) + b"MTrk" + struct.pack(">I", len(track)) + track


def _variable(number: int) -> bytes:
    packed = [number & 0x7F]
    while number := number >> 7:
        packed.insert(0, number & 0x7F | 0x80)
    return bytes(packed)


def tunes(every: int) -> list[Tune]:
    corpus = music21_corpus()
    hymns = sorted((SONGBOOK.parent / "hymns").glob("*.abc")) if SONGBOOK.name else []
    files: list[Path] = sorted(SONGBOOK.glob("*.mxl")) if SONGBOOK.name else []
    files += hymns[::3] + sorted((corpus / "ryansMammoth").glob("*.abc"))[::5]
    files += sorted((corpus / "airdsAirs").glob("*.abc"))[:2]
    found = []
    for path in files[::every]:
        for piece in pieces(path.read_bytes(), path.name)[::12]:
            found.append(read_piece(piece, ReadingBudget()).tunes[0].unfolded())
    return found


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gates")
    parser.add_argument("--every", type=int, default=6)
    given = parser.parse_args(arguments)
    notes, seconds, wrong = 0, 0.0, Counter[str]()
    played = tunes(given.every)
    for tune in played:
        for division in DIVISIONS:
            for gate in GATES:
                for down in (False, True):
                    content = performed(tune, division, gate, down=down)
                    began = time.process_time()
                    try:
                        heard = set(read_midi(content, "played.mid").tunes[0].sounding)
                    except StudioError as error:
                        print(f"{tune.id} in {division} at {gate:.0%} is refused: {error}")
                        heard = set()
                    seconds += time.process_time() - began
                    notes += len(tune.sounding)
                    missed = sum(note not in heard for note in tune.sounding)
                    wrong[f"{tune.id} in {division} at {gate:.0%}, rounded {'down' if down else ''}"] += (
                        missed
                    )
    print(f"{len(played)} tunes, {notes:,} notes played, {wrong.total():,} read otherwise than written")
    print(f"({wrong.total() / notes:.4%}); {1e6 * seconds / notes:.1f} microseconds of the processor a note")
    for what, count in (+wrong).most_common(8):
        print(f"    {count:5} {what}")


if __name__ == "__main__":
    main(sys.argv[1:])
