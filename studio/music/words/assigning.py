"""Which stanza is sung in which section, as which verse."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from studio.errors import Refused
from studio.music.scores.sections import Section
from studio.music.words.lyrics import Lyrics, Stanza

REFRAIN, BRIDGE, VERSE = "chorus", "bridge", "verse"

_CALLED = {
    "refrain": REFRAIN,
    "chorus": REFRAIN,
    "hook": REFRAIN,
    "bridge": BRIDGE,
    "middle": BRIDGE,
    "middle eight": BRIDGE,
    "release": BRIDGE,
    "verse": VERSE,
    "stanza": VERSE,
    "strophe": VERSE,
}


@dataclass(frozen=True, slots=True)
class SungStanza:
    """A stanza in its place. section: the number of its section, from 0; -1 for a tune without sections.
    verse: 1 for the first.
    """

    section: int
    verse: int
    stanza: Stanza


def assigned(lyrics: Lyrics, sections: Sequence[Section]) -> tuple[SungStanza, ...]:
    """Every stanza in its place, in the order they are sung.

    Stanzas with a name are sung in the sections of that name, one after the other; what is left of them
    becomes the second verse of these sections, and so on. Stanzas without a name are sung in the sections
    that no name calls for. A section that is left over sings what the first section of its letter sings, as a
    refrain does. Raises `Refused` for a name that no section has.
    """
    names = [section.name for section in sections]
    by_letter: dict[str, list[Stanza]] = {}
    unnamed: list[Stanza] = []
    for stanza in lyrics.stanzas:
        letter = letter_of(stanza.name, names)
        if letter:
            by_letter.setdefault(letter, []).append(stanza)
        else:
            unnamed.append(stanza)
    found: list[SungStanza] = []
    for letter, stanzas in by_letter.items():
        found += _in_turn([n for n, name in enumerate(names) if _plain(name) == letter], stanzas)
    found += _in_turn([n for n, name in enumerate(names) if _plain(name) not in by_letter], unnamed)
    first: dict[str, Stanza] = {}
    for each in sorted(found, key=lambda one: (one.section, one.verse)):
        first.setdefault(_plain(names[each.section]), each.stanza)
    sung = {each.section for each in found}
    found += [
        SungStanza(number, 1, first[_plain(name)])
        for number, name in enumerate(names)
        if number not in sung and _plain(name) in first
    ]
    return tuple(sorted(found, key=lambda each: (each.section, each.verse)))


def _in_turn(places: Sequence[int], stanzas: Sequence[Stanza]) -> list[SungStanza]:
    """The stanzas in these sections, one after the other, then again from the first as another verse."""
    return [
        SungStanza(places[number % len(places)], number // len(places) + 1, stanza)
        for number, stanza in enumerate(stanzas)
        if places
    ]


def letter_of(name: str, sections: Sequence[str]) -> str:
    """The section that a stanza's name calls for, without a prime; empty for a stanza without one.

    A number alone ([2]) is no name. Verse is what the song begins with, chorus what comes back beside it, and
    bridge what comes once. Raises `Refused` for another name.
    """
    called = re.sub(r"[\s.:]*\d+[\s.:]*$", "", name).strip()
    if not called:
        return ""
    letters = list(dict.fromkeys(_plain(each) for each in sections))
    same = [letter for letter in letters if letter.lower() == _plain(called).lower()]
    if same:
        return same[0]
    role = _CALLED.get(called.lower())
    count = {letter: sum(_plain(each) == letter for each in sections) for letter in letters}
    others = letters[1:]
    meant = {
        VERSE: letters[:1],
        BRIDGE: [letter for letter in others if count[letter] == 1],
        REFRAIN: [letter for letter in others if count[letter] > 1] or others[:1],
    }.get(role or "", [])
    if not meant:
        raise Refused(
            f"The words have a part [{name}], but the song has no such section; name it "
            f"{' or '.join(letters)}, or leave the brackets out."
        )
    return meant[0]


def _plain(name: str) -> str:
    return name.rstrip("'")
