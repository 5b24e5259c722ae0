"""The words of MusicXML: what each `<lyric>` says."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree.ElementTree import Element

from studio.music.reading.found_words import FoundLyric
from studio.music.scores.words import syllabic_of


def lyric_of(element: Element, place: Fraction, voice: str, verses: dict[str, int]) -> FoundLyric | None:
    """A `<lyric>`; None where it has no text (the end of an extender, a hum).

    verses: the verses named so far, where they have names ("chorus") and not numbers; grows.
    """
    text, marks, joint = "", [], ""
    for child in element:
        if child.tag == "text":
            text += (joint if text else "") + " ".join((child.text or "").split())
            joint = ""
        elif child.tag == "elision":
            joint = (child.text or "").replace("\xa0", " ") or "‿"
        elif child.tag == "syllabic":
            marks.append((child.text or "").strip())
    text = re.sub(" +", " ", "".join(letter for letter in text if letter.isprintable()))[:200]
    if not text:
        return None
    inside = marks[0] in ("middle", "end") if marks else False
    goes_on = marks[-1] in ("begin", "middle") if marks else False
    extend = element.find("extend")
    extends = extend is not None and extend.get("type") in (None, "start")
    return FoundLyric(place, text, syllabic_of(inside, goes_on), _verse(element, verses), extends, voice)


def _verse(element: Element, verses: dict[str, int]) -> int:
    """The number of a verse; other names are numbered in the order in which they come."""
    number = (element.get("number") or "").strip()
    if re.fullmatch("[1-9][0-9]?", number):
        return int(number)
    name = number or (element.get("name") or "").strip()
    return verses.setdefault(name, len(verses) + 1) if name else 1
