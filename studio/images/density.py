"""The density of a picture file: how many pixels make an inch of paper."""

from __future__ import annotations

import struct

from studio.images.tiff_fields import TiffField, tiff_fields

SPARSEST, DENSEST = 1.0, 20_000.0
"""Pixels per inch that a file may claim; others say nothing."""

CM_PER_INCH = 2.54

ACROSS, DOWN, UNIT = 0x011A, 0x011B, 0x0128
"""XResolution, YResolution and ResolutionUnit (TIFF 6.0, section 8): 2 is the inch, 3 the centimetre."""

UNKNOWN = 72.0
"""What EXIF says where the density is not known (Exif 2.32, tag 0x011A)."""


def per_inch(across: float, down: float, inches: float = 1.0) -> float | None:
    """The density of so many pixels on `inches` inches.

    None where the pixels are no squares, or the number is none that a printer or scanner has.
    """
    density = across / inches
    square = abs(across - down) <= 0.01 * max(across, down)
    # A metre of PNG and BMP holds whole pixels: 300 per inch are written as 11811, and are meant as 300.
    rounded = float(round(density))
    density = rounded if abs(density - rounded) < 0.05 else round(density, 2)
    return density if square and SPARSEST <= density <= DENSEST else None


def tiff_density(content: bytes, fields: dict[int, TiffField]) -> float | None:
    """The density that the fields of a TIFF directory say."""
    if ACROSS not in fields:
        return None
    unit = fields[UNIT].number(content) if UNIT in fields else 2
    across = _ratio(content, fields[ACROSS])
    down = _ratio(content, fields[DOWN]) if DOWN in fields else across
    inches = {2: 1.0, 3: 1 / CM_PER_INCH}.get(unit)
    return None if inches is None else per_inch(across, down, inches)


def exif_density(exif: bytes) -> float | None:
    """The density that EXIF says, if it is known."""
    try:
        found = tiff_density(exif, {field.tag: field for field in tiff_fields(exif)})
    except (struct.error, ValueError, OverflowError):
        return None
    return None if found == UNKNOWN else found


def _ratio(content: bytes, field: TiffField) -> float:
    order = ">" if field.big_endian else "<"
    if field.size < 8 or field.at + 8 > len(content):
        return 0.0
    above, below = struct.unpack_from(order + "II", content, field.at)
    return above / below if below else 0.0
