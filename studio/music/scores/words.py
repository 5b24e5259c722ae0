"""The words that are sung: syllables under the notes of a tune or part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

SYLLABICS = ("single", "begin", "middle", "end")
"""Where in its word a syllable stands, in the terms of MusicXML."""


@dataclass(frozen=True, slots=True)
class Syllable:
    """A syllable under the note that begins at `start`.

    text: as it is printed, without hyphens at its ends; what is sung on one note may hold a space or an
    undertie ("‿") between two words. syllabic: "single" for a word of one syllable, else "begin", "middle" or
    "end". verse: 1 for the first. extends: it is held over the notes that follow it (a melisma).
    """

    start: Fraction
    text: str
    syllabic: str = "single"
    verse: int = 1
    extends: bool = False

    def __post_init__(self) -> None:
        if self.syllabic not in SYLLABICS or self.verse < 1:
            raise ValueError(f"{self.syllabic!r} in verse {self.verse} is not a syllable's place in its word")

    @property
    def goes_on(self) -> bool:
        """Whether its word has another syllable after it."""
        return self.syllabic in ("begin", "middle")


def words_in(
    words: Iterable[Syllable], start: Fraction, end: Fraction, shift: Fraction, verse: int = 0
) -> list[Syllable]:
    """The words of [start, end), moved by `shift`.

    verse: only this one, as the first; a note without it has the first.
    """
    inside = [word for word in words if start <= word.start < end]
    if verse:
        has_it = {word.start for word in inside if word.verse == verse}
        sung = [word for word in inside if word.verse == (verse if word.start in has_it else 1)]
        inside = [replace(word, verse=1) for word in sung]
    return [replace(word, start=word.start + shift) for word in inside]


def hyphenated(words: Iterable[Syllable]) -> tuple[Syllable, ...]:
    """The words in order, where each verse agrees with itself about hyphens: there is one between two
    syllables if either of them says so, and none after the last.
    """
    by_verse: dict[int, list[Syllable]] = {}
    for word in words:
        by_verse.setdefault(word.verse, []).append(word)
    found: list[Syllable] = []
    for verse in by_verse.values():
        inside = False
        for place, word in enumerate(verse):
            goes_on = place + 1 < len(verse) and (
                word.syllabic in ("begin", "middle") or verse[place + 1].syllabic in ("middle", "end")
            )
            syllabic = syllabic_of(inside, goes_on)
            found.append(word if word.syllabic == syllabic else replace(word, syllabic=syllabic))
            inside = goes_on
    return tuple(sorted(found, key=lambda word: (word.start, word.verse)))


def syllabic_of(inside: bool, goes_on: bool) -> str:
    """Where in its word a syllable stands. inside: the word began before it."""
    return ("middle" if inside else "begin") if goes_on else ("end" if inside else "single")


def plain_words(words: Iterable[Syllable]) -> list[list[Any]]:
    """As JSON values, which `words_of_plain` reads back."""
    return [[str(word.start), word.text, word.syllabic, word.verse, word.extends] for word in words]


@lru_cache(maxsize=4096)
def _moment(text: str) -> Fraction:
    return Fraction(text)


def words_of_plain(values: Sequence[Any]) -> tuple[Syllable, ...]:
    """Raises `ValueError` or `TypeError` for what `plain_words` did not give."""
    return tuple(
        Syllable(_moment(start), str(text), str(syllabic), int(verse), bool(extends))
        for start, text, syllabic, verse, extends in values
    )
