"""Reads da capo, dal segno, Fine and Coda: from words as musicians write them, and from where they stand to
where they hold.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from studio.music.scores.jumps import (
    BACK,
    CODA,
    DA_CAPO,
    DAL_SEGNO,
    FINE,
    MOST_JUMPS,
    SEGNO,
    TARGETS,
    TO_CODA,
    JumpMark,
)

_SAID = (
    (DA_CAPO, r"d\. ?c\.|(?:d\. ?c|dc|d c(?= al )|da ?capo)(?=$|[^a-z])"),
    (DAL_SEGNO, r"d\. ?s\.|(?:d\. ?s|ds|d s(?= al )|(?:dal|del|al) ?segno)(?=$|[^a-z])"),
    (FINE, r"(?:al )?fine\b\W*$"),
    (TO_CODA, r"(?:(?:go )?to (?:the )?coda\b|(?:al|da) ?coda\b|to [\U0001d10c𝄌])\W*"),
    (CODA, r"(?:coda\b(?: ?\d)?|\U0001d10c)\W*$"),
    (SEGNO, r"(?:segno\b|\U0001d10b)\W*$"),
)
"""What words say, in this order, at their beginning."""


@lru_cache(maxsize=4096)
def jump_in(words: str) -> JumpMark | None:
    """The sign that words are ("D.S. al Coda", "Fine", "To Coda"), at 0; None for other words."""
    text = " ".join(words.lower().replace("_", " ").split()).lstrip("([ ").rstrip(")] ")
    if not text or len(text) > 80:
        return None
    kind = next((kind for kind, pattern in _SAID if re.match(pattern, text)), None)
    if kind is None:
        return None
    if kind not in BACK:
        return JumpMark(Fraction(0), kind)
    until = FINE if "fine" in text else CODA if "coda" in text else ""
    again = re.search(r"\b(con|with) (le |the )?(rep|ritor)", text) is not None
    return JumpMark(Fraction(0), kind, until, again)


@dataclass(frozen=True)
class FoundJumps:
    """jumps: in order, where they hold. remarks: on those that say nothing, or too much."""

    jumps: tuple[JumpMark, ...] = ()
    remarks: tuple[str, ...] = ()


def settled(found: Collection[JumpMark], edges: Sequence[Fraction], pickup: Fraction) -> FoundJumps:
    """Jumps where they hold, given where they stand. edges: of the bars, the end of the last included.

    What ends a stretch is printed under its last note, so it holds at the end of that bar; but where the rest
    of the bar is as long as the pick-up, that rest is the pick-up of what follows. A coda sign before the
    jump back, of a piece with several, is where one leaves for the coda.
    """
    marks = sorted(set(found), key=lambda mark: (mark.start, mark.kind, mark.label))
    first = next((mark.start for mark in marks if mark.kind in BACK), None)
    codas = [mark for mark in marks if mark.kind == CODA]
    if first is not None and len(codas) > 1 and not any(mark.kind == TO_CODA for mark in marks):
        leaves = next((mark for mark in codas if mark.start < first), None)
        marks = [replace(mark, kind=TO_CODA) if mark is leaves else mark for mark in marks]
    placed = [
        mark if mark.kind in TARGETS else replace(mark, start=_end_of_bar(mark, edges, pickup))
        for mark in marks
    ]
    ends = edges[-1] if edges else Fraction(0)
    kept = sorted(
        {mark for mark in placed if (mark.start < ends if mark.kind in TARGETS else mark.start > 0)},
        key=lambda mark: (mark.start, mark.kind, mark.label),
    )
    kept = _first_backs(kept)
    return FoundJumps(tuple(kept), tuple(_remarks(kept, len(set(placed)) - len(kept))))


def _first_backs(marks: Sequence[JumpMark]) -> list[JumpMark]:
    """As many of the jumps back as are followed, and one at each place."""
    backs = {mark.start: mark for mark in reversed(marks) if mark.kind in BACK}
    followed = [backs[place] for place in sorted(backs)][:MOST_JUMPS]
    return [mark for mark in marks if mark.kind not in BACK or any(mark is each for each in followed)]


def _end_of_bar(mark: JumpMark, edges: Sequence[Fraction], pickup: Fraction) -> Fraction:
    """Where a mark holds that ends a stretch."""
    if mark.start in edges:
        return mark.start
    after = next((edge for edge in edges if edge > mark.start), mark.start)
    return mark.start if pickup and after - mark.start == pickup else after


def _remarks(marks: Sequence[JumpMark], left: int) -> list[str]:
    remarks = []
    backs = [mark for mark in marks if mark.kind in BACK]
    if marks and not backs:
        names = ", ".join(dict.fromkeys(mark.name for mark in marks))
        remarks.append(f"Signs that no D.C. or D.S. leads to; the music is played through: {names}.")
    if any(mark.kind == DAL_SEGNO for mark in backs) and not any(mark.kind == SEGNO for mark in marks):
        remarks.append("D.S. without a segno; it is played as D.C., from the beginning.")
    if any(mark.until == CODA for mark in backs) and not any(mark.kind == TO_CODA for mark in marks):
        remarks.append('"al Coda" without a sign where one leaves for the coda; it is not followed.')
    if left > 0:
        remarks.append(f"Jumps that stand twice or hold nowhere left out: {left}.")
    return remarks
