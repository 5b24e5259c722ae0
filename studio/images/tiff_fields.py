"""TIFF directories (TIFF 6.0, section 2, and BigTIFF), such as EXIF: fields and where their values are."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

MOST_FIELDS = 4096
"""Fields in one directory of a TIFF file or of EXIF. Cameras write fewer than a hundred."""

ORIENTATION, PROFILE, XMP_PART = 0x0112, 0x8773, 0x02BC
EXIF_PART, GPS_PART, EXCHANGE_PART = 0x8769, 0x8825, 0xA005


@dataclass(frozen=True)
class TiffField:
    """A field of a TIFF directory: where its value is, its size in bytes, and `unit`, the bytes of one
    number.
    """

    tag: int
    at: int
    size: int
    unit: int
    big_endian: bool

    @property
    def order(self) -> Literal["little", "big"]:
        return "big" if self.big_endian else "little"

    def number(self, content: bytes) -> int:
        """The first number of the value."""
        return int.from_bytes(content[self.at : self.at + self.unit], self.order)

    def numbers(self, content: bytes) -> list[int]:
        """All numbers of the value."""
        ends = range(self.at, self.at + self.size, self.unit)
        return [int.from_bytes(content[at : at + self.unit], self.order) for at in ends]


UNITS = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
"""Type of a field -> bytes of one value."""


def tiff_shape(content: bytes) -> tuple[str, bool, int]:
    """Byte order for `struct`, whether it is BigTIFF, and the offset of the first directory."""
    order = {b"II": "<", b"MM": ">"}.get(content[:2])
    if order is None:
        raise ValueError("neither II nor MM")
    big = struct.unpack_from(order + "H", content, 2)[0] == 43
    return order, big, struct.unpack_from(order + ("Q" if big else "I"), content, 8 if big else 4)[0]


def tiff_fields(content: bytes, directory: int | None = None) -> Iterator[TiffField]:
    """The fields of a directory (by default the first), up to the end of the bytes."""
    order, big, first = tiff_shape(content)
    at = first if directory is None else directory
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), content, at)
    if count > MOST_FIELDS:
        raise ValueError("more fields than any picture has")
    at += 8 if big else 2
    entry, inline = (20, 8) if big else (12, 4)
    for place in range(at, min(at + count * entry, len(content) - entry + 1), entry):
        tag, kind, length = struct.unpack_from(order + ("HHQ" if big else "HHI"), content, place)
        unit = UNITS.get(kind, 1)
        value_at = place + entry - inline
        if unit * length > inline:
            (value_at,) = struct.unpack_from(order + ("Q" if big else "I"), content, value_at)
        yield TiffField(tag, value_at, unit * length, unit, order == ">")


def tiff_pages(content: bytes) -> int:
    """The number of pictures in the file, without thumbnails (NewSubfileType, bit 0)."""
    order, big, at = tiff_shape(content)
    seen: set[int] = set()
    pages = 0
    while at and at not in seen and len(seen) < 1000:
        seen.add(at)
        kinds = [
            field.number(content) for field in islice(tiff_fields(content, at), 8) if field.tag == 0x00FE
        ]
        pages += not (kinds and kinds[0] & 1)
        (count,) = struct.unpack_from(order + ("Q" if big else "H"), content, at)
        next_at = at + (8 + 20 * count if big else 2 + 12 * count)
        if next_at + (8 if big else 4) > len(content):
            break
        (at,) = struct.unpack_from(order + ("Q" if big else "I"), content, next_at)
    return max(1, pages)
