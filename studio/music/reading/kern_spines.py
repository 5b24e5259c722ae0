"""What stands beside the notes of a Humdrum file: words (**text), chord symbols (**mxhm), and the order in
which its sections are played (*>[A,A1,A,A2]). By the Humdrum syntax, https://www.humdrum.org/guide.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from studio.music.reading.chord_symbols import FoundChords, PrintedSymbol, read_symbols
from studio.music.reading.found_words import FoundLyric
from studio.music.reading.repeats import MOST_TIMES, RepeatSigns
from studio.music.scores.bars import Repeat
from studio.music.scores.chords import CHORD_KINDS
from studio.music.scores.jumps import CODA, DA_CAPO, DAL_SEGNO, FINE, SEGNO, TO_CODA, JumpMark
from studio.music.scores.scores import played_spans
from studio.music.scores.words import syllabic_of

WORDS = frozenset({"**text", "**lyrics", "**silbe"})
CHORDS = frozenset({"**mxhm", "**mxharm"})


@dataclass
class Beside:
    """What a file holds beside its notes, at places in quarter notes from its beginning.

    columns: the numbers of those that hold notes. lyrics: by the number of the notes' column they stand
    beside. others: how many signs each column has that is not read, by its kind. sections: (name, place), in
    the order written. order: of the sections as they are played, empty where the file does not say. end: of
    the music.
    """

    columns: list[int] = field(default_factory=list)
    lyrics: dict[int, list[FoundLyric]] = field(default_factory=dict)
    symbols: list[PrintedSymbol] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    sections: list[tuple[str, Fraction]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    end: Fraction = Fraction(0)

    def chords(self) -> FoundChords:
        until = [*(each.start for each in self.symbols[1:]), self.end]
        printed = [each._replace(until=stop) for each, stop in zip(self.symbols, until, strict=False)]
        return read_symbols([printed])

    def repeats(self, *, jumps: bool = False) -> tuple[list[Repeat], list[JumpMark]] | None:
        """The repeats that play the sections in their order, and with `jumps` a D.C. or D.S. where they need
        one; None where these cannot say it.
        """
        names = [name for name, _ in self.sections]
        places = [place for _, place in self.sections] + [self.end]
        signs, at, rest, marks = RepeatSigns(), 0, self.order, list[JumpMark]()
        skipped = set[int]()  # endings before the last, which are not played after a jump
        while rest:
            step = _endings(names[at:], rest) or _passes(names[at:], rest)
            if step is None:
                jump = _jump(names[:at], rest, skipped) if jumps and not marks else None
                if jump is None:
                    return None
                begin, stop, taken = jump
                rest = rest[taken:]
                marks = _jump_marks(places, begin, stop, at, goes_on=bool(rest))
                continue
            body, endings, times, taken = step
            signs.opens(places[at])
            after = at + body
            for number in range(endings):
                signs.ending(places[after + number], (number + 1,))
                if number + 1 < endings:
                    signs.closes(places[after + number + 1], endings)
                    skipped.add(after + number)
            if not endings and times > 1:
                signs.closes(places[after], times)
            at, rest = after + endings, rest[taken:]
            signs.double_bar(places[at])
        found = signs.finish(self.end)
        if at < len(names) or (marks and self._played(found, marks) != self.order):
            return None
        return found, marks

    def _played(self, repeats: Sequence[Repeat], marks: Sequence[JumpMark]) -> list[str]:
        """The order in which the sections are played with these signs."""
        played = []
        for _, start, end in played_spans(repeats, self.end, (), marks):
            played += [name for name, place in self.sections if start <= place < end]
        return played


def _jump(
    names: Sequence[str], order: Sequence[str], skipped: Collection[int]
) -> tuple[int, int, int] | None:
    """A jump back to one of these sections: its number, that of the first one after the jump that is not
    played again, and how many names of the order that takes.
    """
    if order[0] not in names:
        return None
    begin = number = names.index(order[0])
    taken = 0
    while number < len(names) and taken < len(order):
        if names[number] == order[taken]:
            taken += 1
        elif number not in skipped:
            break
        number += 1
    return begin, number, taken


def _jump_marks(
    places: Sequence[Fraction], begin: int, stop: int, at: int, *, goes_on: bool
) -> list[JumpMark]:
    """The signs for a jump from before section `at` to section `begin`, played up to section `stop`."""
    kind = DAL_SEGNO if begin else DA_CAPO
    marks = [JumpMark(places[begin], SEGNO)] if begin else []
    if stop == at:
        return [*marks, JumpMark(places[at], kind)]
    if not goes_on:
        return [*marks, JumpMark(places[stop], FINE), JumpMark(places[at], kind, FINE)]
    marks += [JumpMark(places[stop], TO_CODA), JumpMark(places[at], kind, CODA), JumpMark(places[at], CODA)]
    return marks


_Step = tuple[int, int, int, int]
"""Sections that are repeated, endings after them, passes, and how many names of the order that takes."""


def _endings(names: Sequence[str], order: Sequence[str]) -> _Step | None:
    """A, A1, A, A2: the same sections, each time with an ending of its own."""
    for body in range(1, len(names) - 1):
        count, taken = 0, 0
        while count < MOST_TIMES and body + count < len(names):
            if list(order[taken : taken + body + 1]) != [*names[:body], names[body + count]]:
                break
            count, taken = count + 1, taken + body + 1
        if count > 1:
            return body, count, count, taken
    return None


def _passes(names: Sequence[str], order: Sequence[str]) -> _Step | None:
    """A, A or A, B, A, B: the same sections again and again; or a section once."""
    for body in range(1, len(names) + 1):
        times = 0
        while times < MOST_TIMES and list(order[times * body : (times + 1) * body]) == list(names[:body]):
            times += 1
        if times > 1:
            return body, 0, times, times * body
    return (1, 0, 1, 1) if names and order[0] == names[0] else None


def beside_notes(text: str) -> Beside:
    """What stands beside the notes of a kern file."""
    found = Beside()
    here, ends = Fraction(0), [Fraction(0)]
    open_words: dict[int, bool] = {}
    verses: dict[int, tuple[int, int]] = {}
    for columns, tokens in _rows(text):
        found.columns = found.columns or [each.number for each in columns if each.kind == "**kern"]
        first = tokens[0]
        if first.startswith("*"):
            _section(next((token for token in tokens if token.startswith("*>")), ""), here, ends, found)
            continue
        if first.startswith(("!", "=")):
            continue
        here = min((end for end in ends if end > here), default=here) if _sounds(columns, tokens) else here
        if not found.end:
            here = Fraction(0)
        for column, token in zip(columns, tokens, strict=False):
            if column.kind == "**kern":
                length = _length(token)
                ends = [end for end in ends if end > here] + ([here + length] if length else [])
                found.end = max(found.end, here + length)
            elif token not in (".", ""):
                _beside(column, token, here, found, open_words, verses)
    return found


def _sounds(columns: Sequence[_Column], tokens: Sequence[str]) -> bool:
    """Whether a row is a moment of its own: grace notes are not."""
    kern = [token for column, token in zip(columns, tokens, strict=False) if column.kind == "**kern"]
    return any(_length(token) for token in kern) or all(token == "." for token in kern)


def _section(token: str, here: Fraction, ends: Sequence[Fraction], found: Beside) -> None:
    listed = re.fullmatch(r"\*>\[(.*)\]", token)
    if listed:
        found.order = [name.strip() for name in listed[1].split(",") if name.strip()]
    elif re.fullmatch(r"\*>[^\[\]]+", token) and "[" not in token:
        # The sounding notes of the row before end here.
        place = min((end for end in ends if end > here), default=here) if found.end else here
        found.sections.append((token[2:], place))


def _beside(
    column: _Column,
    token: str,
    here: Fraction,
    found: Beside,
    open_words: dict[int, bool],
    verses: dict[int, tuple[int, int]],
) -> None:
    if column.kind in WORDS:
        inside = token.startswith("-") or open_words.get(column.number, False)
        goes_on = token.endswith("-")
        plain = "".join(letter for letter in token.strip("-") if letter.isprintable()).strip()[:200]
        if not plain or plain in ("|", "_"):
            return
        open_words[column.number] = goes_on
        owner, verse = verses.setdefault(column.number, _next_verse(column.owner, verses))
        lyric = FoundLyric(here, plain.rstrip("_"), syllabic_of(inside, goes_on), verse, plain.endswith("_"))
        found.lyrics.setdefault(owner, []).append(lyric)
    elif column.kind in CHORDS:
        found.symbols.append(PrintedSymbol(here, chord_name(token), here))
    else:
        found.others[column.kind] += 1


def _next_verse(owner: int, verses: dict[int, tuple[int, int]]) -> tuple[int, int]:
    return owner, 1 + sum(other == owner for other, _ in verses.values())


_KINDS = {kind.musicxml: kind.spellings[0] for kind in CHORD_KINDS if kind.musicxml != "other"}


def chord_name(token: str) -> str:
    """A chord of **mxhm ("B- dominant/D", as MusicXML names its kind) as it can be parsed: Bb7/D."""
    spelled = re.fullmatch(r"([A-Ga-g])([#-]*)\s*([^/]*?)\s*(?:/\s*([A-Ga-g])([#-]*))?", token.strip())
    if token.strip().lower() in ("none", "r", "n.c."):
        return "N.C."
    if spelled is None:
        return token.strip()
    root, sign, kind, bass, bass_sign = spelled.groups("")
    below = f"/{bass}{bass_sign.replace('-', 'b')}" if bass else ""
    return root + sign.replace("-", "b") + _KINDS.get(kind, kind) + below


def _length(token: str) -> Fraction:
    """Quarter notes of a token, the shortest note of a chord; 0 for a grace note and for none."""
    lengths = []
    for note in token.split(" "):
        drawn = re.search(r"(\d{1,6})(?:%(\d{1,6}))?(\.*)", note)
        if not drawn or "q" in note.lower():
            continue
        number = int(drawn[1])
        whole = Fraction(int(drawn[2] or 1), number) if number else Fraction(2 ** len(drawn[1]))
        lengths.append(4 * whole * (2 - Fraction(1, 2 ** min(len(drawn[3]), 4))))
    return min(lengths, default=Fraction(0))


@dataclass(frozen=True)
class _Column:
    """kind: such as **kern. number: of the column at the file's beginning. owner: of the notes it is beside:
    the nearest ones to its left, else to its right.
    """

    kind: str
    number: int
    owner: int


def _rows(text: str) -> Iterator[tuple[list[_Column], list[str]]]:
    """Each row after the first with its columns, which split, join, move and end."""
    columns: list[_Column] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line or line.startswith("!!"):
            continue
        tokens = line.split("\t")
        if not columns:
            notes = [number for number, token in enumerate(tokens) if token == "**kern"] or [0]
            columns = [
                _Column(token, number, notes[max(0, bisect_left(notes, number + 1) - 1)])
                for number, token in enumerate(tokens)
            ]
            continue
        if len(tokens) != len(columns):
            return  # not a Humdrum file any more: what came before counts
        yield columns, tokens
        if tokens[0].startswith("*"):
            columns = _moved(columns, tokens)


def _moved(columns: list[_Column], tokens: Sequence[str]) -> list[_Column]:
    """The columns after a row of interpretations."""
    swapped = [place for place, token in enumerate(tokens) if token == "*x"]
    columns = list(columns)
    if len(swapped) == 2:
        first, second = swapped
        columns[first], columns[second] = columns[second], columns[first]
    after: list[_Column] = []
    joining = False
    for column, token in zip(columns, tokens, strict=True):
        joins, joining = joining and token == "*v", token == "*v"
        if token.startswith("**"):
            column = _Column(token, column.number, column.owner)
        if token == "*-" or joins:
            continue
        after += [column] * (2 if token in ("*^", "*+") else 1)
    return after
