"""The words of ABC (standard 2.1, section 5.1): the signs of a w: line, and the notes they stand under."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from studio.music.reading.abc_fields import read_text
from studio.music.reading.assembling import FoundNote
from studio.music.reading.found_words import FoundLyric
from studio.music.scores.words import syllabic_of

HOLD, SKIP, BAR = "_", "*", "|"


class WordSign(NamedTuple):
    """One sign of a w: line: a syllable, or (without a text) one of HOLD, SKIP and BAR. goes_on: the word
    does not end with this syllable.
    """

    kind: str
    text: str = ""
    goes_on: bool = False


def word_signs(line: str) -> list[WordSign]:
    r"""The signs of a w: line. "~" is a space, "\-" a hyphen within a syllable. A hyphen without a syllable
    before it is a note that is sung on the syllable before, inside its word; "_" is one that is sung on any.
    "*" skips a note, "|" the rest of a bar.
    """
    signs: list[WordSign] = []
    text, place = "", 0

    def end(goes_on: bool = False) -> None:
        nonlocal text
        if text:
            signs.append(WordSign("", _plain(text), goes_on))
        text = ""

    while place < len(line):
        letter = line[place]
        if letter == "\\" and line[place + 1 : place + 2] in tuple("-_*|~"):
            text += line[place + 1]
            place += 1
        elif letter == "\\" and place + 1 < len(line):
            text += line[place : place + 2]
            place += 1
        elif letter == "-":
            signs += [] if text else [WordSign(SKIP, goes_on=True)]
            end(goes_on=True)
        elif letter in "_*|":
            end()
            signs.append(WordSign(letter))
        elif letter.isspace():
            end()
        else:
            text += " " if letter == "~" else letter
        place += 1
    end()
    return signs


def _plain(text: str) -> str:
    return "".join(letter for letter in read_text(text) if letter.isprintable())[:200].strip() or " "


@dataclass
class VoiceWords:
    """The words of a voice, while its lines are read. Notes are counted as they are written: a tied one is
    two, a chord is one.

    since: the first note since the last lines of words. line: the first note of the last line of music.
    bars: the number of the first note of each bar. verse: how many lines of words it has had. inside: verses
    whose last word goes on. latest: verse -> the number of its last syllable. left: syllables for which there
    was no note.
    """

    found: list[FoundLyric] = field(default_factory=list)
    since: int = 0
    line: int = 0
    bars: list[int] = field(default_factory=list)
    verse: int = 0
    inside: set[int] = field(default_factory=set)
    latest: dict[int, int] = field(default_factory=dict)
    left: int = 0

    def line_begins(self, notes: int) -> None:
        """A line of music begins after so many notes."""
        if self.verse:
            self.since, self.verse = notes, 0
        self.line = notes

    def sing(self, line: str, notes: Sequence[FoundNote]) -> None:
        """A line of words, under the notes of the last line of music; with more syllables than that has,
        under all notes since the last words.
        """
        self.verse += 1
        for first, text in (
            (self.line, line),
            (self.since, line),
            (self.line, _sloppy(line)),
            (self.since, _sloppy(line)),
        ):
            signs = word_signs(text)
            if _fit(signs, notes, first):
                break
        else:
            first, signs = self.line, word_signs(line)
        self._place(signs, notes, first)

    def _place(self, signs: Sequence[WordSign], notes: Sequence[FoundNote], here: int) -> None:
        bar = bisect_left(self.bars, here + 1)  # the next bar line that a "|" can mean
        for sign in signs:
            if sign.kind == BAR:
                while bar < len(self.bars) and self.bars[bar] < here:
                    bar += 1
                if bar < len(self.bars):
                    here, bar = self.bars[bar], bar + 1
                continue
            while here < len(notes) and notes[here].pitch is None:
                here += 1
            if here >= len(notes):
                self.left += bool(sign.text)
                continue
            self._under(notes[here], sign)
            here += 1

    def _under(self, note: FoundNote, sign: WordSign) -> None:
        if sign.text:
            syllabic = syllabic_of(self.verse in self.inside, sign.goes_on)
            self.latest[self.verse] = len(self.found)
            self.found.append(FoundLyric(note.start, sign.text, syllabic, self.verse, extends=False))
            (self.inside.add if sign.goes_on else self.inside.discard)(self.verse)
        elif sign.kind == HOLD and not note.tied and self.verse in self.latest:
            latest = self.latest[self.verse]
            self.found[latest] = replace(self.found[latest], extends=True)


def _fit(signs: Sequence[WordSign], notes: Sequence[FoundNote], first: int) -> bool:
    """Whether there are notes for all syllables."""
    return sum(sign.kind != BAR for sign in signs) <= sum(note.pitch is not None for note in notes[first:])


def _sloppy(line: str) -> str:
    """A line in which hyphens have spaces around them, as printed hymns do, without these."""
    return re.sub(r"(?<=\S)\s+-+\s+(?=\S)", "- ", line)
