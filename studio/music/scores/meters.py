"""Time signatures: their bars and beats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from studio.errors import Refused


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature: 6/8 is Meter(6, 8)."""

    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        if not 1 <= self.numerator <= 64 or self.denominator not in (1, 2, 4, 8, 16, 32, 64):
            raise Refused(
                f"There is no meter {self.numerator}/{self.denominator}; write it like 4/4, 3/4 or 6/8."
            )

    @classmethod
    def parse(cls, text: str) -> Meter:
        """From "4/4", "6/8", "C" (4/4) or "C|" (2/2). Raises `Refused`."""
        text = {"c": "4/4", "c|": "2/2"}.get(text.strip().lower(), text.strip())
        match = re.fullmatch(r"(\d{1,3})\s*/\s*(\d{1,3})", text)
        if not match:
            raise Refused(f"{text!r} is not a meter; write it like 4/4, 3/4 or 6/8.")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"

    @property
    def bar_length(self) -> Fraction:
        """The length of a full bar in quarter notes: 3 for 6/8."""
        return Fraction(4 * self.numerator, self.denominator)

    @property
    def compound(self) -> bool:
        """Whether each beat divides into three, as in 6/8, 9/8, 12/8 and 6/4."""
        return self.numerator > 3 and self.numerator % 3 == 0

    @property
    def beat(self) -> Fraction:
        """The length of a beat in quarter notes: 1 in 3/4, 3/2 in 6/8."""
        return Fraction(4 * (3 if self.compound else 1), self.denominator)
