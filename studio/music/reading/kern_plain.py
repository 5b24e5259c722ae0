"""A kern column of single notes, rests and ties in one meter and key, as most vocal music is encoded, read
without music21, which takes fifty times as long.

    reading = read_plain(column, name, budget)      # None for a column that has anything else

What it gives is what `music21_streams.tunes_of` gives for the same column, to the note.
"""

from __future__ import annotations

import re
from fractions import Fraction

from studio.errors import Refused
from studio.music.reading.assembling import (
    FoundNote,
    FoundTune,
    PartLine,
    SignatureAt,
    assemble,
    barred,
    choose_melody,
    remarks_on,
)
from studio.music.reading.budget import Reading, ReadingBudget
from studio.music.scores.bars import Grid
from studio.music.scores.meters import Meter


def read_plain(column: str, name: str, budget: ReadingBudget) -> Reading | None:
    """The melody of one column; None where it is not plain, or ends in the middle of a bar or tie. Raises
    `Unreadable`.
    """
    lines = column.splitlines()
    about = {
        kind: said.strip()
        for kind, said in (found.groups() for found in map(_ABOUT.fullmatch, lines) if found)
    }
    tokens = [line for line in lines if not line.startswith("!")]
    heads = [token for token in tokens if token.startswith("*")]
    begins = next((number for number, token in enumerate(tokens) if token.startswith("=")), 0)
    signature = next((found for found in map(_SIGNATURE.fullmatch, heads) if found), None)
    meter = next((found for found in map(_METER.fullmatch, heads) if found), None)
    plain = all(_HEAD.fullmatch(head) for head in heads) and tokens[:1] == ["**kern"]
    once = (
        sum(map(bool, map(_METER.fullmatch, heads))) == sum(map(bool, map(_SIGNATURE.fullmatch, heads))) == 1
    )
    if not (plain and once and begins and signature and meter and set(about) == {"OTL", "COM"}):
        return None
    if any(not token.startswith("*") for token in tokens[:begins]):
        return None
    lengths, line = _notes(tokens[begins:])
    if line is None:
        return None
    try:
        bars = barred([(length, Meter(int(meter[1]), int(meter[2]))) for length in lengths])
    except Refused:
        return None
    found = FoundTune(
        choose_melody([line], name),
        Grid.of_bars(bars),
        sum(lengths, Fraction(0)),
        keys=[SignatureAt(Fraction(0), signature[1].count("#") - signature[1].count("-"))],
        title=about["OTL"],
        composer=about["COM"],
        remarks=remarks_on(line, 1),
    )
    return Reading((assemble(found, name, budget),), tuple(found.remarks))


_ABOUT = re.compile(r"!!!(OTL|COM):(.*)")
_METER = re.compile(r"\*M(\d+)/(\d+)")
_SIGNATURE = re.compile(r"\*k\[((?:[a-g]#)*|(?:[a-g]-)*)\]")
_HEAD = re.compile(
    rf"\*\*kern|\*-|\*clef\w+|\*I[a-z]\w*|\*[A-G]:(?:ion|dor|phr|mix|aeo)|\*\?:X|{_METER.pattern}|{_SIGNATURE.pattern}"
)
"""What music21 takes nothing from but meter and signature."""

_NOTE = re.compile(r"(\[?)(0|1|2|4|8|16|32)(\.?)(?:(r)|([a-g]+|[A-G]+)(#|-)?)([\]_]?)")
"""An opening tie, a duration with a dot, a rest or a pitch, and the end or middle of a tie (the Humdrum
reference for **kern). The duration is a part of a whole note, and 0 is two whole notes.
"""

_BAR = re.compile(r"==?\d*")
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}


def _notes(tokens: list[str]) -> tuple[list[Fraction], PartLine | None]:
    """The lengths of the bars and the notes in them; no notes where a token is none of these."""
    lengths, line, here, bar = list[Fraction](), PartLine(), Fraction(0), Fraction(0)
    for token in tokens:
        if token == "." or token.startswith("*"):
            continue
        if _BAR.fullmatch(token):
            if here > bar:
                lengths.append(here - bar)
            bar = here
            continue
        found = _NOTE.fullmatch(token)
        if found is None or len(set(found[5] or "c")) > 1:
            return [], None
        _, part, dot, rest, letters, sign, closes = found.groups()
        length = (Fraction(4, int(part)) if part != "0" else Fraction(8)) * (Fraction(3, 2) if dot else 1)
        pitch = alter = None
        if not rest:
            octave = 3 + len(letters) if letters.islower() else 4 - len(letters)
            alter = {"#": 1, "-": -1}.get(sign, 0)
            pitch = 12 * (octave + 1) + _STEPS[letters[0].lower()] + alter
        line.notes.append(FoundNote(here, here + length, pitch, bool(closes), alter))
        here += length
    if here > bar:
        lengths.append(here - bar)
    return lengths, line
