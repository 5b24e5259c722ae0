"""The sections of a song: verse, chorus, bridge, or the letters of its form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from studio.errors import Refused
from studio.music.scores.bars import Bar


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of full bars with a name.

    name: as the form calls it ("A", "verse", "intro"); sections of one name are alike. first_bar: the number
    of its first bar, as musicians count (1 is the first full bar). bars: how many.
    """

    name: str
    first_bar: int
    bars: int

    def __post_init__(self) -> None:
        if self.first_bar < 1 or self.bars < 1:
            raise Refused(
                f"The section {self.name} cannot have {self.bars} bars from bar {self.first_bar} on; "
                "begin at bar 1 or later and give it at least one bar."
            )

    @property
    def last_bar(self) -> int:
        return self.first_bar + self.bars - 1


def sections_of(lengths: Iterable[tuple[str, int]]) -> tuple[Section, ...]:
    """Sections one after the other from bar 1 on, from (name, bars) pairs. Raises `Refused`."""
    here, found = 1, []
    for name, bars in lengths:
        found.append(Section(name, here, bars))
        here += bars
    return tuple(found)


def sections_at(marks: Iterable[tuple[Fraction, str]], bars: Sequence[Bar]) -> tuple[Section, ...]:
    """The sections that begin at these marks, each up to the next one.

    marks: (place in quarter notes, name), in any order. One within a bar, as over an upbeat, holds from the
    next full bar on; of several at one bar the first counts.
    """
    counted = [bar for bar in bars if bar.number > 0]
    begun: dict[int, str] = {}
    for place, name in sorted(marks, key=lambda mark: mark[0]):
        number = next((bar.number for bar in counted if bar.start >= place), None)
        if number is not None and name.strip():
            begun.setdefault(number, " ".join(name.split())[:LONGEST_NAME])
    starts = [*begun, counted[-1].number + 1 if counted else 1]
    return tuple(
        Section(name, first, after - first)
        for (first, name), after in zip(begun.items(), starts[1:], strict=True)
    )


LONGEST_NAME = 60
"""Characters that are kept of a section's name."""


def check_sections(sections: Sequence[Section], last_bar: int) -> None:
    """Raises `Refused` where sections overlap, or where they and the bars 1 to `last_bar` do not match."""
    here = 1
    for section in sections:
        if section.first_bar != here:
            raise Refused(
                f"The section {section.name} begins in bar {section.first_bar} and not in bar {here}, where "
                "the one before it ends; let sections follow each other."
            )
        here += section.bars
    if sections and here - 1 != last_bar:
        raise Refused(
            f"The sections have {here - 1} bars together and the tune has {last_bar}; make them equal."
        )


SECTION_WORDS = {
    "chorus": ("chorus", "refrain", "hook"),
    "bridge": ("bridge", "middle", "release"),
    "intro": ("intro", "prelude"),
    "ending": ("outro", "ending", "coda", "tag"),
    "verse": ("verse", "strophe", "stanza"),
}
"""Kind of a section -> how its name begins."""


def kinds_of_sections(names: Sequence[str]) -> list[str]:
    """What each section of a song is to a band. Names say it themselves; letters by where they stand: what
    the song begins with is a verse, what comes back beside it a chorus, and what comes once a bridge, unless
    it ends the song or nothing in the song comes back.
    """
    plain = [re.sub(r"[\s\d'*]+$", "", name.strip().lower()) for name in names]
    letters = [name for name in plain if len(name) == 1]
    final = max((number for number, name in enumerate(plain) if len(name) == 1), default=-1)
    found = []
    for number, name in enumerate(plain):
        if len(name) != 1:
            found.append(
                next((kind for kind, words in SECTION_WORDS.items() if name.startswith(words)), "verse")
            )
        elif name == letters[0] or len(set(letters)) == len(letters):
            found.append("verse")
        elif letters.count(name) > 1:
            found.append("chorus")
        else:
            found.append("verse" if number == final else "bridge")
    return found
