"""What a picture file says about itself before a pixel is decoded, and how large it may be."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from studio.images.colours import REC_709, ColourSpace, HighDynamicRange, from_code_points, srgb_to_linear
from studio.images.density import exif_density
from studio.images.orientation import exif_says, xmp_says

LARGEST_INPUT = 40_000_000
"""Pixels of the largest picture that is opened: 40 megapixels, more than most full-frame cameras' photos
have.
"""

LARGEST_PHOTO = 220_000_000
"""Pixels of the largest JPEG: it is opened at a half, a quarter or an eighth of its size, without ever being
unpacked whole. Phones make photos of 48 to 200 megapixels.
"""

LARGEST_UNREDUCED = 110_000_000
"""Pixels of the largest picture of another format. It is reduced strip by strip; most are decoded whole."""

MOST_MEMORY = 850_000_000
"""Bytes that decoding one of those may take, the file's own among them."""

PIXELS_A_BYTE = 200
"""Pixels that a byte of a photo may stand for. A file that has more of them is no photo."""

LARGEST_PROGRESSIVE = 600_000_000
"""Bytes of coefficients that a progressive JPEG may take: they are all kept until the last scan."""

LARGEST_PROFILE = 8 * 2**20
"""Bytes of the largest colour profile that is unpacked; printers' CMYK tables reach 3 MB."""

MOST_SCANS = 100
"""Scans of a progressive JPEG. Ten are usual. A few kilobytes can hold thousands, each a pass over the whole
picture.
"""


class FileFlaw(Exception):
    """Why a file is refused: the rest of a sentence that starts with the file's name."""


@dataclass(frozen=True)
class Envelope:
    """What a file says about itself before a pixel is decoded.

    bare: the file without metadata, for the decoder. frames: 2 or more in an animation. pages: of a TIFF.
    orientation: 1 to 8 as in EXIF, 0 if it is not said; raw_orientation and xmp_orientation: the same in a
    PNG's text and in XMP, which count where EXIF says nothing. profile: ICC. space: the colours of a file
    without a profile, None for sRGB. high_range: PQ or HLG. reduced: it is opened at one part in so many of
    its sides. bits: per sample; deep_greys: 16-bit greys come from the decoder in 32 bits; inverted:
    0 is white. clear: the 16-bit sample, or three, that a PNG declares transparent. has_place, has_metadata:
    whether the file holds a location, or anything private. opaque: what looks like alpha is none;
    premultiplied: colours are multiplied by it. halvings: how often a decoder
    can halve it while it decodes. inside: the format of the picture that another file holds.
    chosen: a note about which of several pictures was taken. density: pixels per inch, None where it is not
    said. needs: bytes that decoding takes, where they are too many, and largest: the pixels of the largest
    picture of this format that can be decoded.
    """

    width: int
    height: int
    bare: bytes
    frames: int = 1
    pages: int = 1
    orientation: int = 0
    xmp_orientation: int = 0
    profile: bytes = b""
    space: ColourSpace | None = None
    bits: int = 8
    inverted: bool = False
    clear: tuple[int, ...] = ()
    has_place: bool = False
    has_metadata: bool = False
    broken_profile: bool = False
    raw_orientation: int = 0
    high_range: str = ""
    reduced: int = 1
    halvings: int = 0
    needs: float = 0
    largest: int = 0
    deep_greys: bool = False
    opaque: bool = False
    premultiplied: bool = False
    inside: str = ""
    chosen: str = ""
    density: float | None = None


def with_exif(envelope: Envelope, exif: bytes) -> Envelope:
    """EXIF is a small TIFF. Only orientation and density are read, and whether there is a location."""
    orientation, has_place = exif_says(exif, envelope.orientation)
    return replace(
        envelope,
        orientation=orientation,
        density=envelope.density or exif_density(exif),
        has_place=envelope.has_place or has_place,
        has_metadata=True,
    )


def with_xmp(envelope: Envelope, packet: bytes) -> Envelope:
    return replace(envelope, xmp_orientation=envelope.xmp_orientation or xmp_says(packet), has_metadata=True)


def with_colour_box(envelope: Envelope, data: bytes) -> Envelope:
    """A colour information box (ISO/IEC 14496-12, 12.1.5): an ICC profile, or code points."""
    if data[:4] in (b"prof", b"rICC"):
        return replace(envelope, profile=data[4:LARGEST_PROFILE], space=None)
    if data[:4] != b"nclx" or envelope.profile:
        return envelope
    try:
        space = from_code_points(*struct.unpack_from(">HH", data, 4))
    except HighDynamicRange as found:
        return replace(envelope, high_range=str(found))
    plain = space is None or (space.primaries is None and space.to_linear in AS_SRGB)
    return replace(envelope, space=None if plain else space)


AS_SRGB = (REC_709, srgb_to_linear)
"""Curves of an AVIF or HEIC that stand for sRGB: encoders name Rec. 709 for any ordinary picture."""

MOST_BOXES = 10_000


def iso_boxes(content: bytes, containers: tuple[bytes, ...]) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of the data of each box, those inside `containers` too (ISO/IEC 14496-12, 4.2)."""
    ahead, seen = [(0, len(content))], 0
    while ahead:
        at, last = ahead.pop()
        while at + 8 <= last:
            length, kind = struct.unpack_from(">I4s", content, at)
            start = at + 8
            if length == 1:
                (length,) = struct.unpack_from(">Q", content, at + 8)
                start += 8
            end = last if length == 0 else at + length
            seen += 1
            if end < start or end > last or seen > MOST_BOXES:
                raise ValueError("boxes that do not fit")
            if kind in containers:
                ahead.append((start + (4 if kind == b"meta" else 0), end))
            else:
                yield kind, start, end
            at = end
