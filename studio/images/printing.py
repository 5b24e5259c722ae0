"""Paper and density: `30x20cm@300` is a sheet of 30 x 20 cm with 300 pixels on every inch.

The whole picture is printed. Where its shape is not the paper's, it fills the paper one way and leaves a
margin the other; the paper is turned as the picture is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from studio.errors import Refused
from studio.images.density import CM_PER_INCH
from studio.images.recipes import LARGEST_SIDE, SMALLEST_SIDE

CM_PER_UNIT = {"mm": 0.1, "cm": 1.0, "m": 100.0, "in": CM_PER_INCH, "inch": CM_PER_INCH, '"': CM_PER_INCH}

PAPERS = {
    **{f"a{number}": size for number, size in enumerate(((84.1, 118.9), (59.4, 84.1), (42.0, 59.4)))},
    "a3": (29.7, 42.0),
    "a4": (21.0, 29.7),
    "a5": (14.8, 21.0),
    "a6": (10.5, 14.8),
    "letter": (21.59, 27.94),
    "legal": (21.59, 35.56),
    "postcard": (10.5, 14.8),
}
"""Centimetres (ISO 216; ANSI Y14.1)."""

USUAL_DENSITY = 300.0

_FORM = re.compile(
    r"(?:(?P<across>\d+(?:\.\d+)?)\s*(?P<first>mm|cm|m|inch|in|\")?\s*[x×]\s*(?P<down>\d+(?:\.\d+)?)\s*"
    r"(?P<unit>mm|cm|m|inch|in|\")|(?P<paper>[a-z]+\d?))(?:\s*@\s*(?P<density>\d+(?:\.\d+)?)\s*(?:dpi|ppi)?)?"
)


@dataclass(frozen=True)
class PrintSize:
    """A sheet: its sides in centimetres, and pixels per inch."""

    width: float
    height: float
    density: float

    @classmethod
    def read(cls, text: str) -> PrintSize:
        """The sheet that a text asks for. Raises `Refused`."""
        found = _FORM.fullmatch(text.strip().lower())
        if found is None or (found["paper"] and found["paper"] not in PAPERS):
            raise Refused(
                f"'{text[:40]}' is not a print size: write it as 30x20cm@300, 12x8in@300 or A4@300 (pixels "
                "per inch)."
            )
        if found["paper"]:
            width, height = PAPERS[found["paper"]]
        else:
            unit = CM_PER_UNIT[found["unit"]]
            width = float(found["across"]) * CM_PER_UNIT.get(found["first"] or "", unit)
            height = float(found["down"]) * unit
        density = float(found["density"] or USUAL_DENSITY)
        if not width or not height:
            raise Refused(f"A print of {text[:40]} has no area: give both sides more than 0.")
        if not 1 <= density <= 20_000:
            raise Refused(f"{density:g} pixels per inch cannot be printed: choose 1 to 20000, such as 300.")
        return cls(width, height, density)

    def longer_side(self, width: int, height: int) -> int:
        """Pixels of the longer side of a picture of that shape, so that it just fits on the sheet.

        Raises `Refused` for more or fewer pixels than the studio makes.
        """
        short, long = sorted((self.width, self.height))
        inches = min(long, short * max(width, height) / min(width, height)) / CM_PER_INCH
        side = round(inches * self.density)
        if side > LARGEST_SIDE:
            most = int(LARGEST_SIDE / inches)
            raise Refused(
                f"This print would have {side:,} pixels on its longer side, but the studio makes at most "
                f"{LARGEST_SIDE:,}: choose {most} pixels per inch or fewer, or smaller paper."
            )
        if side < SMALLEST_SIDE:
            raise Refused(
                f"This print would have {side} pixels on its longer side, but the studio makes at least "
                f"{SMALLEST_SIDE}: choose larger paper, or more pixels per inch."
            )
        return side
