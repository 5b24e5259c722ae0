"""Knows a line of text from a line of music in the body of an ABC tune.

ABC 2.1 wants a blank line before free text (section 2.2.3), but tunes from web pages and letters often have
none. Every letter from A to G is a note, so that text that is taken for music sounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NOT_NOTES = re.compile(
    r'"[^"]*(?:"|$)|![^!]{1,30}!|\+[a-zA-Z0-9.()<>]{1,20}\+|\{[^}]*\}|\[[A-Za-z]:[^\]]*\]'
)
"""What may hold any letter in a line of music: chord symbols, decorations, grace notes and fields."""

_MARKUP = re.compile(
    r"\s*<(?:[/!?]\s*[A-Za-z\-]|(?:p|html|body|pre|br|hr|div|span|font|center|table|tr|td|li|ul|img|em|strong)\b)",
    re.I,
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_SIGNS = frozenset("ABCDEFGabcdefgxyzXZ" + "HJLMOPRSTuv")
"""The letters of notes and rests, and those that stand for decorations (section 4.14)."""

_LIKE_WORDS = re.compile(r"\s*[A-Ga-g]{1,2}[a-g]+(?:[ ,.;:!?-]+[A-Ga-g]?[a-g]+)*[ .!?]*")
"""Notes that look like words: without lengths, with capitals only where words have them."""

_MUSICAL = re.compile(r"\||\\\s*$|[A-Ga-g][,'/<>]*\d|[_^=][A-Ga-g]|\[[A-Ga-g]")
"""What text hardly has: bar lines, a line that goes on, lengths, accidentals, chords."""

_DEFINED = re.compile(r"(?:I:)?\[?U:\s*([H-Wh-w])\s*=")


class Prose:
    """Tells text from music for one tune. lines: all of it; it may define letters of its own (U:, m:).

    one_sign: one letter that nobody defined, among the signs of music, is a decoration; by the rules of 4 it
    made a line text. doubtful: lines after the final bar line that are taken for music and may be words
    ("Abe Fag").
    """

    def __init__(self, lines: Iterable[str], *, one_sign: bool = True) -> None:
        lines = list(lines)
        self.one_sign = one_sign
        self.signs = set(_SIGNS)
        for line in lines:
            self.signs |= set(_DEFINED.findall(line))
            if line.startswith("m:"):  # a macro: its name may be any letters
                self.signs |= set(line[2:].partition("=")[0])
        self.ended = self.text_after_end = False
        self.doubtful: list[str] = []

    def is_text(self, line: str) -> bool:
        """Whether a line, which is no field, is text. After a final bar line with text behind it, lines go on
        being text until there is a bar line.
        """
        barred = "|" in line
        text = self._reads_as_text(line, barred=barred) or (self.text_after_end and not barred)
        if text:
            self.text_after_end = self.text_after_end or self.ended
        else:
            if self.ended and not barred and _LIKE_WORDS.fullmatch(line):
                self.doubtful.append(" ".join(line.split()))
            self.ended, self.text_after_end = line.rstrip().endswith("|]"), False
        return text and bool(line.strip())

    def _reads_as_text(self, line: str, *, barred: bool) -> bool:
        """Words with letters that no note or sign has. With bar lines there must be several, and most of what
        is written: one may be a slip of the pen.
        """
        if _MARKUP.match(line):
            return True
        words = _WORD.findall(_NOT_NOTES.sub(" ", line))
        unknown = {letter for word in words for letter in word} - self.signs
        if self.one_sign and len(unknown) == 1 and _MUSICAL.search(line):
            return False
        foreign = sum(self._is_foreign(word) for word in words)
        return foreign >= 3 and 2 * foreign > len(words) if barred else foreign > 0

    def _is_foreign(self, word: str) -> bool:
        unknown = [letter not in self.signs for letter in word]
        return len(word) > 2 and any(unknown[1:]) and 4 * sum(unknown) >= len(word)
