"""The words that are sung: syllables under the notes of a tune or part."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

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
