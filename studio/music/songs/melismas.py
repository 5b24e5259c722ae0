"""Syllables that are held over another note or two, drawn by seed.

    held = held_lines(lines, random)          # the same lines, some of their syllables with more notes
    sung_as(stanza, lines, lead, room)        # a stanza as it is sung where these lines are

In the songbook three notes of a hundred carry no new syllable. Nearly all of them are the second note of
theirs, most begin off the beat a step away, and stressed syllables are held more often than others. How often
is drawn here, for each line of a section, so that sections that return are sung alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from studio.music.songs.line_rhythm import Weight, weight_of
from studio.music.words.lyrics import LyricLine, Stanza

HELD = {Weight.LIGHT: 0.018, Weight.WEAK: 0.018, Weight.MIDDLE: 0.035, Weight.STRONG: 0.05}
"""How often a syllable is held over another note."""

LONGER = 0.15
"""How many of those are held over two."""


def held_lines(lines: Sequence[LyricLine], random: np.random.Generator) -> tuple[LyricLine, ...]:
    """The same lines with some of their syllables held. What the writer holds stays as it is."""
    found = []
    for line in lines:
        draws = random.random((len(line.syllables), 2))
        syllables = tuple(
            replace(each, more=1 + int(longer < LONGER))
            if chance < HELD[weight_of(each)] and not each.more and each.text
            else each
            for each, (chance, longer) in zip(line.syllables, draws, strict=True)
        )
        found.append(replace(line, syllables=syllables))
    return tuple(found)


def sung_as(stanza: Stanza, lines: Sequence[LyricLine], lead: int, room: int) -> Stanza:
    """A stanza with the syllables held that `lines` hold; as it is where that asks for more than `room`
    notes. lines: that its melody was drawn for, without the `lead` syllables that are sung before it. A line
    with fewer syllables than theirs is left as it is.
    """
    found = list(stanza.lines)
    for number, (line, like) in enumerate(zip(stanza.lines, lines, strict=False)):
        before = line.syllables[: lead if number == 0 else 0]
        own = line.syllables[len(before) :]
        if len(own) == len(like.syllables):
            held = tuple(
                replace(each, more=max(each.more, its.more))
                for each, its in zip(own, like.syllables, strict=True)
            )
            found[number] = replace(line, syllables=(*before, *held))
    held_stanza = replace(stanza, lines=tuple(found))
    return held_stanza if held_stanza.notes <= room else stanza


def sung_before(stanza: Stanza, sung: Sequence[bool]) -> Stanza | None:
    """A stanza with its syllables on the notes on which some were before; None where these are not as many.
    sung: of each note, whether a syllable began on it.
    """
    places = [number for number, begins in enumerate(sung) if begins]
    if len(places) != len(stanza.syllables) or not all(each.text for each in stanza.syllables):
        return None
    if places[0] != 0:
        return None
    ends = [*places[1:], len(sung)]
    more = iter([after - here - 1 for here, after in zip(places, ends, strict=True)])
    lines = tuple(
        replace(line, syllables=tuple(replace(each, more=next(more)) for each in line.syllables))
        for line in stanza.lines
    )
    return replace(stanza, lines=lines)
