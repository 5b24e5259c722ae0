"""The bars of a piece: where its bar lines are, where the meter changes and what is repeated."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from studio.music.scores.meters import Meter

Length = Fraction | int | str
"""A duration or a position in quarter notes, exactly: Fraction(1, 3), 2, "3/2"."""


@dataclass(frozen=True, slots=True)
class MeterAt:
    """From `start` on this meter holds, and a new bar begins there, whether or not the bar before it was
    full.
    """

    start: Fraction
    meter: Meter


@dataclass(frozen=True, slots=True)
class Bar:
    """number: as musicians count, from 1; a pick-up bar is 0. start, length: in quarter notes."""

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
    """The bar lines of a piece: meters, and how long the pick-up before the first full bar is (0: none)."""

    meters: tuple[MeterAt, ...] = (MeterAt(Fraction(0), Meter(4, 4)),)
    pickup: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        starts = [change.start for change in self.meters]
        if not starts or starts[0] != 0 or starts != sorted(set(starts)):
            raise ValueError("the first meter stands at 0 and the others after it, in order")
        if not 0 <= self.pickup < self.meters[0].meter.bar_length or (
            len(starts) > 1 and self.pickup > starts[1]
        ):
            raise ValueError("a pick-up is shorter than a full bar")

    @classmethod
    def of(cls, meter: str | Meter, pickup: Length = 0) -> Grid:
        return cls(
            (MeterAt(Fraction(0), meter if isinstance(meter, Meter) else Meter.parse(meter)),),
            Fraction(pickup),
        )

    @classmethod
    def of_bars(cls, bars: Iterable[tuple[Fraction, Meter]]) -> Grid:
        """From the lengths of bars as a score has them.

        Two neighbours that make one full bar between them (the end of a section and the pick-up of the next)
        become that bar. A bar that stays too short cuts the grid; one that is too long counts as a full bar
        and a short one.
        """
        lengths = [(length, meter) for length, meter in bars if length > 0]
        if not lengths:
            return cls()
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
        """The bars from 0 up to `end`; the last may be cut short by it."""
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

    def meter_at(self, place: Fraction) -> Meter:
        return self.meters[bisect_right(self.meters, place, key=lambda change: change.start) - 1].meter


@dataclass(frozen=True, slots=True)
class Repeat:
    """[start, end) is played `times` times. With `ending`, [ending, end) is the first ending: the last time
    it is left out.
    """

    start: Fraction
    end: Fraction
    ending: Fraction | None = None
    times: int = 2
