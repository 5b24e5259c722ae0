"""Humdrum kern: music21 reads it, from the column of the melody alone where that can be cut out."""

from __future__ import annotations

import re
from dataclasses import replace

from studio.music.reading.assembling import MELODY_NAMES
from studio.music.reading.budget import Reading, ReadingBudget
from studio.music.reading.text import text_of


def read_kern(content: bytes, name: str, budget: ReadingBudget) -> Reading:
    """The melody of a kern file. Raises `Unreadable`, and whatever music21 raises for a broken file."""
    from music21 import converter

    from studio.music.reading.music21_streams import tunes_of

    text = text_of(content)
    alone = top_spine(text)
    reading = tunes_of(converter.parseData(alone, format="humdrum"), name, budget)
    if alone == text:
        return reading
    return replace(reading, remarks=("Of several parts the top voice was taken.", *reading.remarks))


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
