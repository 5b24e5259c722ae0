"""Recognises a file by its content and cuts it into single tunes, which are read later."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

from studio.errors import Unreadable
from studio.music.reading.budget import ReadingBudget
from studio.music.reading.text import text_of

SUFFIXES = (".mid", ".midi", ".xml", ".musicxml", ".mxl", ".abc", ".krn")
"""Suffixes of the files that are opened when a folder is read."""


BY_MUSIC21, EARLIER_ABC, EARLIER_MIDI = "musicxml by music21", "earlier abc", "earlier midi"
"""The forms of MusicXML, ABC and MIDI that are read as versions before 0.3 read them."""

_EARLIER = {"mxl": BY_MUSIC21, "musicxml": BY_MUSIC21, "abc": EARLIER_ABC, "midi": EARLIER_MIDI}

READING_RULES = "6"
"""How scores are read now. A work records it, so that its files are read again by the rules it was made by:
1 is music21 for MusicXML, and the readers in `earlier` for ABC and MIDI. 2 did not prefer the part that is
sung as the melody (see `assembling.choose_melody`), and took an ABC bracket without its end for a chord.
3 did not keep how a file spells its notes, let the melody pass to a note that another voice only holds, and
took lines of text, and words that begin with a bar line, for music in ABC. 4 followed no da capo, dal segno
or Fine, repeated the notes under a percent sign without their chords, and took text after an ABC tune without
bar lines for music. 5 took :] and
[: in ABC for bar lines alone, a line end between MIDI's syllables for nothing, the length that a MIDI track
states for true where it is not, and any of kern's sub-spines for the first,
and saw no gate in MIDI where rests follow all notes.
"""

OF_THE_BOOK = "\x04"
"""What stands before a line of an ABC tunebook's header that versions before 5 did not give to its tunes."""


@dataclass(frozen=True)
class Piece:
    """One tune that has not been read yet.

    form: midi, mxl, musicxml, abc or humdrum, or one of the three above. content: the bytes of MIDI and
    MusicXML. text: of ABC and kern, decoded when the file was opened. parts: whether all its parts are asked
    for, not only the melody. rules: by which it is read (see READING_RULES).
    """

    name: str
    form: str
    content: bytes = b""
    text: str = ""
    parts: bool = False
    rules: str = READING_RULES


def by_rules(piece: Piece, rules: str = "1") -> Piece:
    """The piece, to be read by these rules (see READING_RULES)."""
    form = _EARLIER.get(piece.form, piece.form) if rules == "1" else piece.form
    return replace(piece, form=form, rules=rules)


def pieces(content: bytes, name: str, budget: ReadingBudget | None = None) -> list[Piece]:
    """Cut a file into single tunes: an ABC tunebook holds many, the other formats hold one.

    Raises `Unreadable` for a file that is empty, too large or no score.
    """
    budget = budget or ReadingBudget()
    if len(content) > budget.file:
        raise Unreadable(
            f"{name} has {len(content) / 1e6:.0f} MB; the studio opens scores of up to "
            f"{budget.file / 1e6:.0f} MB."
        )
    if not content.strip(b"\0 \r\n\t"):
        raise Unreadable(f"{name} is empty; choose a MIDI, MusicXML, ABC or Humdrum file.")
    if content[:4] == b"RIFF" and content[8:12] == b"RMID" and content[20:24] == b"MThd":
        content = content[20:]  # RP-029: a MIDI file in the data chunk of a RIFF file
    if content[:4] == b"MThd":
        return [Piece(name, "midi", content)]
    if content[:4] == b"PK\x03\x04":
        return [Piece(name, "mxl", content)]
    text = text_of(content)
    if is_web_page(text):
        raise Unreadable(web_page(name))
    form = _form_of_text(text[:65536].lstrip("\ufeff \r\n\t"))
    if form is None:
        raise Unreadable(f"{name} is not a MIDI, MusicXML, ABC or Humdrum file; export it as one of these.")
    if form == "musicxml":
        return [Piece(name, form, content)]  # it states its own encoding
    if form == "humdrum":
        return [Piece(name, form, text=text)]
    found = _cut_tunebook(text, name)
    if not found:
        raise Unreadable(f"{name} has no tune with a key; add one to the head of its ABC, such as K:C.")
    if len(found) > budget.tunes:
        raise Unreadable(
            f"{name} holds {len(found)} tunes; the studio opens tunebooks of up to {budget.tunes}: "
            "split it in two."
        )
    return found


_WEB_PAGE = re.compile(
    r"[\ufeff\s]*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.DOTALL | re.I
)


def is_web_page(text: str) -> bool:
    """Whether a file is HTML, which browsers save under the name of the score they were sent for."""
    return _WEB_PAGE.match(text[:65536]) is not None


def web_page(name: str) -> str:
    return f"{name} is a web page; download the score itself from the page and choose that."


def _form_of_text(beginning: str) -> str | None:
    """musicxml, humdrum or abc, by how a text begins; None for anything else."""
    if beginning.startswith("<") and re.search(r"<(score-partwise|score-timewise|!DOCTYPE|\?xml)", beginning):
        return "musicxml"
    if re.search(r"^\*\*kern", beginning, re.M):
        return "humdrum"
    if re.search(r"^X:\s*\d+|^K:", beginning, re.M):
        return "abc"
    return None


def _cut_tunebook(text: str, name: str) -> list[Piece]:
    """The tunes of an ABC tunebook that state a key, each with the fields that hold for the whole book."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace(OF_THE_BOOK, "")
    starts = [match.start() for match in re.finditer(r"^X:", text, re.M)]
    if not starts:
        return [Piece(name, "abc", text="X:1\n" + text)]
    # Fields before the first tune hold for all of them.
    header = text[: starts[0]].split("\n")
    common = "".join(line + "\n" for line in header if re.match(r"[LMQRCOAB]:", line))
    common += "".join(f"{OF_THE_BOOK}{line}\n" for line in header if re.match(r"(?:I:)?[Um]:", line))
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
            found.append(Piece(label, "abc", text=f"{first}\n{common}{rest}"))
    return found
