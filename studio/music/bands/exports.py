"""What of a song is written down: the full score, the lead sheet alone, or one part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from studio.errors import UnknownName
from studio.music.bands.band import Band
from studio.music.scores.scores import Part, Score


def full_score(score: Score, _band: Band) -> Score:
    """All staves."""
    return score


def lead_sheet(score: Score, band: Band) -> Score:
    """The tune alone, with chord symbols, words and sections, and with the intro and ending as rests."""
    return replace(score, parts=(_named(score, band.leader.name),))


def one_part(score: Score, name: str) -> Score:
    """One part with the chord symbols, for its player. Raises `UnknownName`."""
    title = f"{score.title} ({name})" if score.title else name
    return replace(score, parts=(_named(score, name),), title=title)


def _named(score: Score, name: str) -> Part:
    for part in score.parts:
        if part.name == name:
            return part
    raise UnknownName("part", name, [part.name for part in score.parts])


EXTRACTS: dict[str, Callable[[Score, Band], Score]] = {"score": full_score, "lead": lead_sheet}
"""What can be written of a song, by name; a part goes by its own name: see `extract_of`."""


def extract_of(score: Score, band: Band, name: str) -> Score:
    """ "score", "lead", or the name of a part. Raises `UnknownName`."""
    if name in EXTRACTS:
        return EXTRACTS[name](score, band)
    if name not in {part.name for part in score.parts}:
        raise UnknownName("part", name, [*EXTRACTS, *(part.name for part in score.parts)])
    return one_part(score, name)
