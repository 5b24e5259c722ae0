"""Humdrum kern. music21 reads it, and where possible only the column that holds the melody."""

from __future__ import annotations

import re
from dataclasses import replace

from studio.music.reading.assembling import MELODY_NAMES
from studio.music.reading.budget import OfMelody, Reading, ReadingBudget
from studio.music.reading.pieces import READING_RULES


def read_kern(
    text: str, name: str, budget: ReadingBudget, *, parts: bool = False, rules: str = READING_RULES
) -> Reading:
    """The melody of a kern file. parts: and all its parts. rules: see READING_RULES.

    Raises `Unreadable`, and whatever music21 raises for a broken file.
    """
    from music21 import converter

    from studio.music.reading.music21_streams import parts_of, tunes_of

    alone = top_spine(text)
    stream = converter.parseData(alone, format="humdrum")
    reading = tunes_of(stream, name, budget, follow=rules >= "4")
    if parts:
        whole = stream if alone == text else converter.parseData(text, format="humdrum")
        reading = replace(reading, parts=parts_of(whole))
    if alone == text:
        return reading
    top = OfMelody("The melody was taken from the top voice of several.")
    return replace(reading, remarks=(top, *reading.remarks))


def top_spine(text: str) -> str:
    """A kern file with only its melody's column, which is read several times faster.

    The melody is the column that is named like one, else the last, which is the top voice. Files whose
    columns split, join or move are returned whole.
    """
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    rows = [line.split("\t") for line in lines if not line.startswith("!!")]
    if not rows or re.search(r"^(.*\t)?\*[\^v+x](\t|$)", text, re.M):
        return text
    width = len(rows[0])
    kern = [column for column, token in enumerate(rows[0]) if token == "**kern"]
    if width < 2 or not kern or any(len(row) != width for row in rows):
        return text
    # A voice may be silent throughout.
    notes = {column: sum(bool(_NOTE.match(row[column])) for row in rows) for column in kern}
    kern = [column for column in kern if notes[column] * 8 >= max(notes.values())]
    named = [column for column in kern if _is_named_melody([row[column] for row in rows[1:12]])]
    chosen = named[-1] if named else kern[-1]
    return "\n".join(line if line.startswith("!!") else line.split("\t")[chosen] for line in lines) + "\n"


_NOTE = re.compile(r"[\[({]*\d[^r]*$")
"""A token with a duration and no r, which would make it a rest."""


def _is_named_melody(tokens: list[str]) -> bool:
    return any(token[:1] in "*!" and MELODY_NAMES.search(token) for token in tokens)
