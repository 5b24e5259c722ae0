"""Finds how long performed notes were written.

A note is held for less than its written length: programs hold it for a share of it (80 %, say) or end it a
moment early, and players do a little of both. What was written is the time to the next note, unless that
leaves a rest that a player would see. How much is usual is found for each line of notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import gcd
from typing import NamedTuple

from studio.music.reading.quantising import WHOLE


@dataclass(frozen=True)
class Touch:
    """How a line is played: notes are held for `share` of their written length, less `gap` quarter notes.

    slack: by how much a held note may differ from that, in quarter notes. doubtful: the share for which all
    of a few notes are held, where rests may be meant; 0 where nothing is in doubt. all_long: whether notes of
    any length may end beside a beat by a share of their length, not only those longer than two quarter notes.
    """

    share: float = 1.0
    gap: float = 0.0
    slack: float = 0.0
    doubtful: float = 0.0
    all_long: bool = False

    def written(self, held: float) -> float:
        """The written length of a note that is held for so long, in quarter notes."""
        return (held + self.gap) / self.share


class Held(NamedTuple):
    """A note that is held for `held` quarter notes. start: where it was written. room: the time to the next
    note; None for the last note. Both are counted in `WHOLE` parts of a quarter note.
    """

    start: int
    held: float
    room: int | None


_FEWEST = 6
"""With fewer notes nothing is said about how they are played."""

_SHARES, _GAPS = (0.4, 1.3), (-0.2, 0.2)
"""What is usual. Above 1, or below 0, notes overlap the next: they are played legato."""


def touch_of(
    notes: Sequence[Held], tick: float, blur: float, until: int | None = None, *, apart: bool = True
) -> Touch:
    """How a line of notes is played (see `_touch_of`). apart: also where none of them is followed at once by
    another; False by the rules of 5 and before.
    """
    touch = _touch_of(notes, tick, blur, until)
    if not apart:
        return touch
    plain = touch.share == 1.0 and not (touch.gap or touch.doubtful)
    share = _share_of_plain([note.held for note in notes], touch.slack) if plain else 0.0
    return replace(touch, share=share or touch.share, all_long=True)


_PLAIN = (1 / 8, 1 / 4, 1 / 2, 3 / 4, 1, 3 / 2, 2, 3, 4, 6)
"""Lengths of notes, in quarter notes."""

_PLAIN_SHARES = (0.76, 0.97)
"""A note that is held for such a share of one plain length is held for no such share of another."""


def _share_of_plain(held: Sequence[float], slack: float) -> float:
    """The share of a plain length for which each note is held; 0 if there is none, or notes are held for
    plain lengths, or are too few.
    """
    plain = (*_PLAIN, 1 / 6, 1 / 3, 2 / 3)
    as_it_is = sum(any(abs(length - each) <= slack for each in plain) for length in held)
    if len(held) < 4 or 2 * as_it_is >= len(held):
        return 0.0
    spans = [
        ((length - slack) / each, (length + slack) / each)
        for length in held
        for each in _PLAIN
        if _PLAIN_SHARES[0] <= length / each <= _PLAIN_SHARES[1]
    ]
    share, count = _most_common(spans, *_PLAIN_SHARES)
    return share if count == len(held) else 0.0


def _touch_of(notes: Sequence[Held], tick: float, blur: float, until: int | None) -> Touch:
    """How a line of notes is played. tick: its length in quarter notes. blur: how far the starts of notes are
    from where they were written, in quarter notes (standard deviation). until: from the last note to the end
    of its bar, in `WHOLE` parts of a quarter note; None by the rules of 4 and before, which said nothing of
    a few notes.
    """
    slack = 0.7 * tick + 2 * blur if blur > tick / 2 else 0.7 * tick
    held = [(note.held, note.room / WHOLE) for note in notes if note.room and note.held > 0]
    if len(held) < _FEWEST:
        return _touch_of_few([*held, (notes[-1].held, until / WHOLE)], slack) if until else Touch(slack=slack)
    if sum(abs(length - room) <= slack for length, room in held) >= 0.6 * len(held):
        return Touch(slack=slack)
    share, by_share = _most_common(
        [((length - slack) / room, (length + slack) / room) for length, room in held], *_SHARES
    )
    gap, by_gap = _most_common(
        [(room - length - slack, room - length + slack) for length, room in held], *_GAPS
    )
    if max(by_share, by_gap) < 0.4 * len(held):
        return Touch(slack=slack)
    if by_gap > 1.1 * by_share:
        return Touch(gap=gap, slack=slack)
    if _may_be_rests(share, held, slack):
        return Touch(slack=slack)
    return Touch(share, slack=slack)


def _touch_of_few(held: Sequence[tuple[float, float]], slack: float) -> Touch:
    """How a few notes are played, the last one with the rest of its bar: where all of them, short and long,
    are held for one share of the time to the next, that is a touch. Notes of one length may as well be
    followed by rests.
    """
    share, count = _most_common(
        [((length - slack) / room, (length + slack) / room) for length, room in held], *_SHARES
    )
    if count < len(held) or share > _NEARLY_WHOLE:
        return Touch(slack=slack)
    if len({room for _, room in held}) > 1:
        return Touch(share, slack=slack)
    return Touch(slack=slack, doubtful=share)


_NEARLY_WHOLE = 0.97


def _may_be_rests(share: float, held: Sequence[tuple[float, float]], slack: float) -> bool:
    """Whether notes that are all held for a plain part of the time to the next may be followed by rests: all
    are equally long, and few.
    """
    if len(held) >= 8 or len({room for _, room in held}) > 1:
        return False
    return any(abs(share - plain) * held[0][1] <= slack for plain in (1 / 2, 2 / 3, 3 / 4))


def _most_common(spans: Iterable[tuple[float, float]], least: float, most: float) -> tuple[float, int]:
    """The value that lies in most of these spans, and in how many."""
    edges: list[tuple[float, int]] = []
    for low, high in spans:
        low, high = max(low, least), min(high, most)
        if low <= high:
            edges += [(low, -1), (high, 1)]
    edges.sort()
    best, depth, found = 0, 0, (least, most)
    for place, (value, step) in enumerate(edges):
        depth -= step
        if depth > best:
            best, found = depth, (value, edges[place + 1][0])
    return sum(found) / 2, best


_ENDS = (1, 2, 4, 3, 6, 8)
"""Parts of a beat at which a note before a rest may end, the plainest first."""

_EXACT = 0.01
"""Within so many quarter notes, a note ends where it was meant to."""

_LONG = 0.022
"""A note longer than two quarters may end so much of its length away from a beat or half beat."""

_SHORTEST_REST = WHOLE // 8
"""A rest shorter than a 32nd is not seen."""


def written_length(note: Held, touch: Touch) -> int:
    """The written length of a note, in `WHOLE` parts of a quarter note."""
    length = touch.written(note.held)
    slack = touch.slack / touch.share
    if note.room is None:
        return _to_grid(note.start, length, slack)
    if not note.held:
        return min(note.room, WHOLE)
    room = note.room / WHOLE
    if length >= room - 1.5 * slack or note.room <= _SHORTEST_REST:
        return note.room
    end, after = note.start / WHOLE + length, note.start + note.room
    exact = slack <= _EXACT
    for part in _ENDS:
        step = WHOLE // part
        place = round(end * part) * step
        # How much a long note is shortened is known less exactly than for the usual ones.
        near = max(slack, _LONG * length) if part <= 2 and (length > 2 or touch.all_long) else slack
        if (
            abs(end - place / WHOLE) <= near
            and place > note.start
            and after - place >= _SHORTEST_REST
            and (exact or part in (1, 2, 4) or not _parts_of(note.start) * _parts_of(after) % part)
        ):
            return place - note.start
    # Neither the time to the next note nor a plain part of it: a player who lets go.
    if length >= 0.75 * room:
        return note.room
    return min(note.room, _to_grid(note.start, length, slack))


def _to_grid(start: int, length: float, slack: float) -> int:
    """A length near this one, so that the note ends at a plain place, and is not shorter than a 32nd."""
    end = start / WHOLE + length
    exact = slack <= _EXACT
    near = max(slack, 0.03 * length) if exact else max(2 * slack, 0.08 * length)
    for part in _ENDS:
        place = round(end * part) * (WHOLE // part)
        plain = exact or part <= 2 or _parts_of(start) % part == 0
        if plain and abs(end - place / WHOLE) <= near and place > start:
            return place - start
    place = round(end * 4) * (WHOLE // 4)
    return place - start if place - start >= WHOLE // 8 else WHOLE // 4


def _parts_of(place: int) -> int:
    """The denominator of a place."""
    return WHOLE // gcd(place, WHOLE)
