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
    """A chord symbol as it is printed. until: the end of the note it stands above. beat: of the meter, in
    quarter notes.
    """

    start: Fraction
    text: str
    until: Fraction
    beat: Fraction = Fraction(1)


@dataclass
class FoundChords:
    """chords: in order, one at a place. unread: symbols that could not be understood. remarks: what was
    guessed, moved or left out.
    """

    chords: list[ChordAt] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def read_symbols(lines: Sequence[Sequence[PrintedSymbol]], dialect: Dialect | None = None) -> FoundChords:
    """The chords of a sheet. lines: the symbols of each part, the most important part first. dialect: None
    finds it in the symbols.

    Where two parts have symbols at one place, those of the first count. Symbols that stand together at the
    beginning of one note are spread over it.
    """
    found = FoundChords()
    placed: dict[Fraction, list[PrintedSymbol]] = {}
    clashing = repeated = 0
    for line in lines:
        ordered = sorted((each for each in line if each.text.strip()), key=lambda each: each.start)
        for start, together in groupby(ordered, key=lambda each: each.start):
            symbols = list(together)
            kept = placed.setdefault(start, symbols)
            first = {each.text for each in kept}
            clashing += sum(each.text not in first for each in symbols)
            repeated += 0 if kept is symbols else sum(each.text in first for each in symbols)
    texts = [each.text for group in placed.values() for each in group]
    dialect = dialect_of(texts) if dialect is None else dialect
    understood: list[tuple[PrintedSymbol, list[str]]] = []
    for start in sorted(placed):
        read = []
        for printed in placed[start]:
            try:
                chord = parse_chord(printed.text, dialect)
            except Unreadable:
                found.unread.append(printed.text)
                continue
            read.append(str(chord) if chord else "N.C.")
        if read:
            longest = max(placed[start], key=lambda each: each.until)
            understood.append((longest, read))
    _spread(understood, found)
    if clashing:
        found.remarks.append(f"Chord symbols of another part at the same place left out: {clashing}.")
    if repeated:
        found.remarks.append(f"Chord symbols that another part repeats, kept once: {repeated}.")
    found.remarks += _guesses(dialect, texts)
    return found


def _spread(understood: Sequence[tuple[PrintedSymbol, list[str]]], found: FoundChords) -> None:
    moved = merged = 0
    for number, (printed, symbols) in enumerate(understood):
        several = [
            symbol for place, symbol in enumerate(symbols) if not place or symbol != symbols[place - 1]
        ]
        end = printed.until
        if number + 1 < len(understood):
            end = min(end, understood[number + 1][0].start)
        places = _places(printed.start, end, len(several), printed.beat)
        moved += len(several) - 1
        merged += len(symbols) - len(several)
        found.chords += [ChordAt(place, symbol) for place, symbol in zip(places, several, strict=True)]
    for count, sentence in (
        (moved, "Chord symbols that stood together and were spread over the note below them"),
        (merged, "Equal chord symbols at one place taken as one"),
    ):
        if count:
            found.remarks.append(f"{sentence}: {count}.")


def _places(start: Fraction, end: Fraction, count: int, beat: Fraction) -> list[Fraction]:
    """That many places in [start, end): equal parts of it, on whole beats where these differ."""
    if count == 1:
        return [start]
    length = end - start if end > start else count * beat
    parts = [length * number / count for number in range(count)]
    rounded = [round(part / beat) * beat for part in parts]
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
