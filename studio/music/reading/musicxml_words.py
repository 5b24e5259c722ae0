"""The words of MusicXML: what each `<lyric>` says, and the notes of a melody that it belongs to."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from xml.etree.ElementTree import Element

from studio.music.scores.notes import Note
from studio.music.scores.words import Syllable


@dataclass(frozen=True)
class FoundLyric:
    """A syllable in its measure. voice: of the note it stands under."""

    place: Fraction
    text: str
    syllabic: str
    verse: int
    extends: bool
    voice: str


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
    text = "".join(letter for letter in text if letter.isprintable())[:200]
    if not text:
        return None
    inside = marks[0] in ("middle", "end") if marks else False
    goes_on = marks[-1] in ("begin", "middle") if marks else False
    syllabic = ("middle" if inside else "begin") if goes_on else ("end" if inside else "single")
    extend = element.find("extend")
    extends = extend is not None and extend.get("type") in (None, "start")
    return FoundLyric(place, text, syllabic, _verse(element, verses), extends, voice)


def _verse(element: Element, verses: dict[str, int]) -> int:
    """The number of a verse; other names are numbered in the order in which they come."""
    number = (element.get("number") or "").strip()
    if re.fullmatch("[1-9][0-9]?", number):
        return int(number)
    name = number or (element.get("name") or "").strip()
    return verses.setdefault(name, len(verses) + 1) if name else 1


def words_under(
    notes: Sequence[Note], lyrics: Sequence[tuple[Fraction, FoundLyric, bool]]
) -> tuple[tuple[Syllable, ...], int, int]:
    """The syllables under a melody, how many of them were put together with the one before, and how many
    belong to no note of the melody.

    lyrics: (place in the piece, syllable, whether it is the melody's own voice). The melody's own come first;
    another voice gives its words where the melody has none. A note whose second half, tied, has a syllable of
    its own is sung on both.
    """
    starts = [note.start for note in notes]
    taken: dict[tuple[Fraction, int], Syllable] = {}
    joined = left = 0
    for place, lyric, own in sorted(lyrics, key=lambda each: (not each[2], each[0])):
        under = bisect_right(starts, place) - 1
        if under < 0 or notes[under].pitch is None or notes[under].end <= place:
            left += 1
            continue
        start = starts[under]
        if not own and start != place:
            left += 1
            continue
        before = taken.get((start, lyric.verse))
        if before is None:
            taken[start, lyric.verse] = Syllable(
                start, lyric.text, lyric.syllabic, lyric.verse, lyric.extends
            )
        elif own:
            joined += 1
            taken[start, lyric.verse] = _sung_together(before, lyric)
        elif before.text != lyric.text:
            left += 1
    return tuple(taken[key] for key in sorted(taken)), joined, left


def _sung_together(before: Syllable, lyric: FoundLyric) -> Syllable:
    """Two syllables on one note."""
    inside = before.syllabic in ("middle", "end")
    goes_on = lyric.syllabic in ("begin", "middle")
    syllabic = ("middle" if inside else "begin") if goes_on else ("end" if inside else "single")
    joint = "" if lyric.syllabic in ("middle", "end") else " "
    return Syllable(before.start, before.text + joint + lyric.text, syllabic, before.verse, lyric.extends)
