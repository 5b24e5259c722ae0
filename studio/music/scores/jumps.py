"""Da capo, dal segno, Fine and Coda: signs that send a player to another place, and what is then played."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

SEGNO, CODA, FINE, TO_CODA, DA_CAPO, DAL_SEGNO = "segno", "coda", "fine", "to coda", "da capo", "dal segno"

TARGETS = frozenset({SEGNO, CODA})
"""Signs to which one jumps. They stand where a bar begins; the others hold at the end of one."""

BACK = frozenset({DA_CAPO, DAL_SEGNO})
"""Signs that send a player back."""

MOST_JUMPS = 16
"""More signs that send a player back are taken for an error of the file."""

_NAMES = {
    SEGNO: "Segno", CODA: "Coda", FINE: "Fine", TO_CODA: "To Coda", DA_CAPO: "D.C.", DAL_SEGNO: "D.S.",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class JumpMark:
    """One of these signs, in force at `start`.

    kind: one of the six above. until: of a sign that sends back: "fine" where it says "al Fine", "coda" where
    it says "al Coda", else "". again: repeats are taken again after it (con repetizione). label: which segno
    or coda it is or means, where a piece has several.
    """

    start: Fraction
    kind: str
    until: str = ""
    again: bool = False
    label: str = ""

    def __post_init__(self) -> None:
        if self.kind not in _NAMES or self.until not in ("", FINE, CODA):
            raise ValueError(f"{self.kind!r} until {self.until!r} is no jump")

    @property
    def name(self) -> str:
        """As it is printed: "D.C. al Fine"."""
        words = [_NAMES[self.kind], f"al {_NAMES[self.until]}" if self.until else ""]
        return " ".join([*filter(None, words), *(["con repetizione"] if self.again else [])])


def plain_jumps(jumps: Iterable[JumpMark]) -> list[list[Any]]:
    """As JSON values, which `jumps_of_plain` reads back."""
    return [[str(each.start), each.kind, each.until, each.again, each.label] for each in jumps]


def jumps_of_plain(values: Sequence[Any]) -> tuple[JumpMark, ...]:
    """Raises `ValueError` or `TypeError` for what `plain_jumps` did not give."""
    return tuple(
        JumpMark(Fraction(start), str(kind), str(until), bool(again), str(label))
        for start, kind, until, again, label in values
    )


Stretch = tuple[int, Fraction, Fraction]
"""(verse, start, end) of music that is played; see `scores.Span`."""


def with_jumps(jumps: Sequence[JumpMark], full: Sequence[Stretch], once: Sequence[Stretch]) -> list[Stretch]:
    """What is played where there are jumps. full: everything with its repeats, in order. once: the same with
    the last pass of each repeat alone, which is what is played after a jump back.

    By convention (Gould, Behind Bars, 2011, "Repeats"; MusicXML 4.0, `<sound>`): a jump back is taken when
    all repeats before it have been played, and once. After it the music ends at Fine or goes to the coda,
    whichever comes first; with neither it goes on to the end. Fine ends only the last return: a rondo whose
    couplets each end with D.C. goes on after the one that sent back.
    """
    backs = [each for each in jumps if each.kind in BACK][:MOST_JUMPS]
    played: list[Stretch] = []
    rest = list(full)
    while backs:
        jump = backs.pop(0)
        reached = _reached(rest, jump.start)
        if reached is None:
            continue  # what it stands in is not played any more
        played += _until(rest, reached, jump.start)
        rest = _after(rest, reached, jump.start)
        flow = full if jump.again or _reached(once, jump.start) is None else once
        stop = _stop(jump, jumps, flow)
        played += _beyond(_until(flow, *stop[:2]), _target(jump, jumps))
        coda = stop[2]
        if coda is not None and coda.kind == TO_CODA:
            place = _coda_of(coda, jumps)
            rest = _after(full, _holding(full, place), place)
        elif coda is not None and not backs:
            return played
    return played + rest


def _stop(
    jump: JumpMark, jumps: Sequence[JumpMark], flow: Sequence[Stretch]
) -> tuple[int, Fraction, JumpMark | None]:
    """Where a return ends: the number of the stretch, the place in it, and the sign there, None for the jump
    itself.
    """
    begin = _target(jump, jumps)
    kinds = {FINE: {FINE}, CODA: {TO_CODA}, "": {FINE, TO_CODA}}[jump.until]
    if not any(each.kind == CODA for each in jumps):
        kinds = kinds - {TO_CODA}
    for sign in sorted(jumps, key=lambda each: each.start):
        if sign.kind in kinds and begin < sign.start <= jump.start:
            reached = _reached(flow, sign.start)
            if reached is not None:
                return reached, sign.start, sign
    reached = _reached(flow, jump.start)
    assert reached is not None
    return reached, jump.start, None


def _target(jump: JumpMark, jumps: Sequence[JumpMark]) -> Fraction:
    """Where a jump leads: to the beginning, or to the segno it means, the last one before it."""
    signs = [each for each in jumps if each.kind == SEGNO and each.start < jump.start]
    if jump.kind == DA_CAPO or not signs:
        return Fraction(0)
    named = [each for each in signs if each.label == jump.label]
    return (named or signs)[-1].start


def _coda_of(sign: JumpMark, jumps: Sequence[JumpMark]) -> Fraction:
    codas = [each for each in jumps if each.kind == CODA and each.start >= sign.start]
    codas = codas or [each for each in jumps if each.kind == CODA]
    named = [each for each in codas if each.label == sign.label]
    return (named or codas)[-1].start


def _reached(flow: Sequence[Stretch], place: Fraction) -> int | None:
    """The number of the last stretch that reaches a place from before it."""
    found = [number for number, (_, start, end) in enumerate(flow) if start < place <= end]
    return found[-1] if found else None


def _holding(flow: Sequence[Stretch], place: Fraction) -> int:
    """The number of the first stretch in which a place lies."""
    return next((number for number, (_, start, end) in enumerate(flow) if start <= place < end), len(flow))


def _until(flow: Sequence[Stretch], number: int, place: Fraction) -> list[Stretch]:
    """The stretches up to a place in one of them."""
    verse, start, _ = flow[number]
    return [*flow[:number], (verse, start, place)]


def _after(flow: Sequence[Stretch], number: int, place: Fraction) -> list[Stretch]:
    """The stretches from a place in one of them on."""
    first = [(verse, place, end) for verse, _, end in flow[number : number + 1] if place < end]
    return [*first, *flow[number + 1 :]]


def _beyond(flow: Sequence[Stretch], place: Fraction) -> list[Stretch]:
    """What of the stretches lies after a place."""
    return [(verse, max(start, place), end) for verse, start, end in flow if end > place]
