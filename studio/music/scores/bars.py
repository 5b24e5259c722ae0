"""The bars of a piece: where its bar lines are, where the meter changes and what is repeated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from studio.music.scores.meters import Meter

Length = Fraction | int | str
"""A duration or a position in quarter notes, exactly: Fraction(1, 3), 2, "3/2"."""


@dataclass(frozen=True, slots=True)
class MeterAt:
    """A meter from `start` on. A new bar begins there, whether or not the bar before it is full."""

    start: Fraction
    meter: Meter


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    number: as musicians count, from 1; a pick-up bar is 0. start, length: in quarter notes.
    """

    number: int
    start: Fraction
    length: Fraction
    meter: Meter

    @property
    def end(self) -> Fraction:
        return self.start + self.length

    @property
    def full(self) -> bool:
        return self.length == self.meter.bar_length


@dataclass(frozen=True)
class Grid:
    """The bar lines of a piece.

    meters: the first at 0, the others in order. pickup: length in quarter notes of the part of a bar before
    the first full one (0: none).
    """

    meters: tuple[MeterAt, ...] = (MeterAt(Fraction(0), Meter(4, 4)),)
    pickup: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        starts = [change.start for change in self.meters]
        if not starts or starts[0] != 0 or starts != sorted(set(starts)):
            raise ValueError("the first meter must be at 0 and the others after it, in order")
        if not 0 <= self.pickup < self.meters[0].meter.bar_length or (
            len(starts) > 1 and self.pickup > starts[1]
        ):
            raise ValueError("a pick-up must be shorter than a full bar")

    @classmethod
    def of(cls, meter: str | Meter, pickup: Length = 0) -> Grid:
        """With one meter throughout. Raises `Refused` for a text that is not a meter."""
        return cls(
            (MeterAt(Fraction(0), meter if isinstance(meter, Meter) else Meter.parse(meter)),),
            Fraction(pickup),
        )

    @classmethod
    def of_bars(cls, bars: Iterable[tuple[Fraction, Meter]], *, cut_long: bool = False) -> Grid:
        """From bars as a score has them, (length in quarter notes, meter) each. cut_long: a bar that is too
        long is cut before short ones are joined, so that the grid's own bars give the grid again.

        Two neighbours that together make one full bar (the end of a section and the pick-up of the next)
        become that bar. After a bar that remains too short the grid starts again; one that is too long counts
        as a full bar and a short one.
        """
        lengths = [(length, meter) for length, meter in bars if length > 0]
        if not lengths:
            return cls()
        if cut_long:
            lengths = [part for length, meter in lengths for part in _cut_long(length, meter)]
        joined: list[tuple[Fraction, Meter]] = []
        pickup = Fraction(0)
        if len(lengths) > 1 and lengths[0][0] < lengths[0][1].bar_length:
            pickup = lengths[0][0]
            if lengths[1][1] == lengths[0][1] and pickup + lengths[1][0] == lengths[0][1].bar_length:
                pickup = Fraction(0)
        for length, meter in lengths[1:] if pickup else lengths:
            if joined and joined[-1][1] == meter and joined[-1][0] + length == meter.bar_length:
                joined[-1] = (meter.bar_length, meter)
            else:
                joined.append((length, meter))
        meters = (
            [MeterAt(Fraction(0), joined[0][1])]
            if not pickup or joined[0][1] == lengths[0][1]
            else [MeterAt(Fraction(0), lengths[0][1])]
        )
        here, restart = pickup, False
        for length, meter in joined:
            if (restart or meter != meters[-1].meter) and here > 0:
                meters.append(MeterAt(here, meter))
            here += length
            restart = length % meter.bar_length != 0
        return cls(tuple(meters), pickup)

    def bars(self, end: Fraction) -> Iterator[Bar]:
        """The bars from 0 to `end`, which may cut the last one short."""
        number = 0 if self.pickup else 1
        for place, change in enumerate(self.meters):
            if change.start >= end:
                return
            until = min(self.meters[place + 1].start, end) if place + 1 < len(self.meters) else end
            here = change.start
            while here < until:
                length = self.pickup if number == 0 else change.meter.bar_length
                length = min(length, until - here)
                yield Bar(number, here, length, change.meter)
                here += length
                number += 1


def _cut_long(length: Fraction, meter: Meter) -> Iterator[tuple[Fraction, Meter]]:
    """A bar as full bars and what is left of it."""
    full = meter.bar_length
    yield from [(full, meter)] * int(length // full)
    if length % full:
        yield length % full, meter


@dataclass(frozen=True, slots=True)
class Volta:
    """An ending of a repeat, from `start` on. passes: the times it is played, counted from 1."""

    start: Fraction
    passes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """[start, end) is played `times` times. With `ending`, [ending, end) is the first ending, which is left
    out the last time.

    endings: all the endings before `end`, the first at `ending`, where there are several or the first is not
    simply for every time but the last. What follows `end` is played after the last pass; a last ending stands
    there.
    """

    start: Fraction
    end: Fraction
    ending: Fraction | None = None
    times: int = 2
    endings: tuple[Volta, ...] = ()

    @property
    def edges(self) -> tuple[Fraction, ...]:
        """Where it begins and ends, and where its endings begin, in order."""
        inside = {ending.start for ending in self.endings} | (
            {self.ending} if self.ending is not None else set()
        )
        return (self.start, *sorted(inside), self.end)

    def played(self) -> list[tuple[int, Fraction, Fraction]]:
        """Its stretches in the order they are played: (pass, start, end). What follows begins at `end`."""
        first = self.end if self.ending is None else self.ending
        endings = self.endings
        if not endings and self.ending is not None:
            endings = (Volta(self.ending, tuple(range(1, self.times))),)
        ends = [*(ending.start for ending in endings[1:]), self.end]
        spans: list[tuple[int, Fraction, Fraction]] = []
        for number in range(1, self.times + 1):
            spans.append((number, self.start, first))
            for ending, end in zip(endings, ends, strict=False):
                if number in ending.passes and ending.start == spans[-1][2]:
                    spans[-1] = (number, spans[-1][1], end)
                elif number in ending.passes:
                    spans.append((number, ending.start, end))
        return spans

    def written(self) -> tuple[Volta, ...]:
        """All endings as they are written, with the last one, which begins at `end`."""
        if self.ending is None:
            return ()
        before = self.endings or (Volta(self.ending, tuple(range(1, self.times))),)
        rest = set(range(1, self.times + 1)) - {number for each in before for number in each.passes}
        return (*before, Volta(self.end, tuple(sorted(rest)))) if rest else before
