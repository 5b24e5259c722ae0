"""Tells what a file is by its content, and cuts it into single tunes that are still to be read."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from studio.errors import Unreadable
from studio.music.reading.budget import ReadingBudget
from studio.music.reading.text import text_of

SUFFIXES = (".mid", ".midi", ".xml", ".musicxml", ".mxl", ".abc", ".krn")
"""The names of files worth opening in a folder."""


@dataclass(frozen=True)
class Piece:
    """One tune of a file, still to be read. form: midi, mxl, musicxml, abc or humdrum."""

    name: str
    form: str
    content: bytes


def pieces(content: bytes, name: str, budget: ReadingBudget | None = None) -> list[Piece]:
    """Cut a file into single tunes, unread: an ABC tunebook has many, the others one. Raises `Unreadable` for
    what is no score at all.
    """
    budget = budget or ReadingBudget()
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
