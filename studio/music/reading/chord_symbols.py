"""From the chord symbols of a sheet, as they are printed, to the chords of a tune."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

from studio.errors import Unreadable
from studio.music.scores.chords import ChordAt, Dialect, dialect_of, parse_chord


class PrintedSymbol(NamedTuple):
    """A chord symbol as it is printed. until: the end of the note it stands above."""

    start: Fraction
    text: str
    until: Fraction


@dataclass
class FoundChords:
    """chords: in order, one at a place. unread: symbols that could not be understood. remarks: what was
    guessed or moved.
    """

    chords: list[ChordAt] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def read_symbols(lines: Sequence[Sequence[PrintedSymbol]]) -> FoundChords:
    """The chords of a sheet. lines: the symbols of each part, the most important part first.

    Where two parts have symbols at one place, those of the first count. Symbols that stand together at the
    beginning of one note are spread over it.
    """
    found = FoundChords()
    placed: dict[Fraction, list[PrintedSymbol]] = {}
    for line in lines:
        ordered = sorted((each for each in line if each.text.strip()), key=lambda each: each.start)
        for start, together in groupby(ordered, key=lambda each: each.start):
            placed.setdefault(start, list(together))
    dialect = dialect_of(each.text for group in placed.values() for each in group)
    understood: list[tuple[Fraction, Fraction, list[str]]] = []
    for start in sorted(placed):
        symbols = []
        for printed in placed[start]:
            try:
                chord = parse_chord(printed.text, dialect)
            except Unreadable:
                found.unread.append(printed.text)
                continue
            symbols.append(str(chord) if chord else "N.C.")
        if symbols:
            understood.append((start, max(each.until for each in placed[start]), symbols))
    _spread(understood, found)
    found.remarks += _guesses(dialect, [each.text for group in placed.values() for each in group])
    return found


def _spread(understood: Sequence[tuple[Fraction, Fraction, list[str]]], found: FoundChords) -> None:
    moved = 0
    for number, (start, until, symbols) in enumerate(understood):
        following = understood[number + 1][0] if number + 1 < len(understood) else None
        several = [
            symbol for place, symbol in enumerate(symbols) if not place or symbol != symbols[place - 1]
        ]
        end = until if following is None else min(until, following)
        places = _places(start, end, len(several))
        moved += len(symbols) - 1
        found.chords += [ChordAt(place, symbol) for place, symbol in zip(places, several, strict=True)]
    if moved:
        found.remarks.append(
            f"Chord symbols that stood together at one note and were spread over it: {moved}."
        )


def _places(start: Fraction, end: Fraction, count: int) -> list[Fraction]:
    """That many places in [start, end): equal parts of it, on whole quarter notes where these differ."""
    if count == 1:
        return [start]
    length = end - start if end > start else Fraction(count)
    parts = [length * number / count for number in range(count)]
    rounded = [Fraction(round(part)) for part in parts]
    whole = len(set(rounded)) == count and rounded[-1] < length
    return [start + part for part in (rounded if whole else parts)]


def _guesses(dialect: Dialect, texts: Iterable[str]) -> list[str]:
    """What the spelling of the symbols left open, and how it was read."""
    remarks = []
    small = next((text for text in texts if text.strip(" ([")[:1] in tuple("abcdefgh")), None)
    if small and dialect.lower_is_minor:
        remarks.append(f"Chord symbols in small letters, such as {small!r}, were read as minor chords.")
    elif small:
        remarks.append(f"Chord symbols in small letters, such as {small!r}, were read like capitals.")
    if dialect.german:
        remarks.append("The chord symbols are spelled the German way: H was read as B, and B as B flat.")
    if dialect.d_is_dim:
        remarks.append("A small d after a chord's root was read as diminished, and a small a as augmented.")
    return remarks
