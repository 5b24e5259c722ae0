"""Picture files before they are decoded: which format they are, and what their headers say.

A survey reads a file's envelope, never its pixels: size, orientation, colour profile, number of frames.
Everything that does not belong to the pixels (text, EXIF, thumbnails, comments) is cut off, so that no
decoder ever sees it.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from studio.works.metadata.png import png_chunks
from studio.works.metadata.wav import riff_chunks

LARGEST_INPUT = 40_000_000
"""Pixels of the largest picture that is opened: 40 megapixels, more than most full-frame cameras' photos
have.
"""

LARGEST_PROFILE = 8 * 2**20
"""Bytes of the largest colour profile that is unpacked; printers' CMYK tables reach 3 MB."""

MOST_SCANS = 100
"""Scans of a progressive JPEG. Ten are usual. A few kilobytes can hold thousands, each a pass over the whole
picture.
"""

MOST_FIELDS = 4096
"""Fields in one directory of a TIFF file or of EXIF. Cameras write fewer than a hundred."""

READABLE = "JPEG, PNG, WebP, TIFF, BMP or GIF"


class FileFlaw(Exception):
    """Why a file is refused: the rest of a sentence that starts with the file's name."""


@dataclass(frozen=True)
class Envelope:
    """What a file says about itself before a pixel is decoded.

    bare: the file without metadata, for the decoder. frames: 2 or more in an animation. pages: of a TIFF.
    orientation: 1 to 8 as in EXIF. bits: per sample; inverted: 0 is white. clear: the 16-bit sample, or
    three, that a PNG declares transparent. has_place, has_metadata: whether the file holds a location, or
    anything private.
    """

    width: int
    height: int
    bare: bytes
    frames: int = 1
    pages: int = 1
    orientation: int = 1
    profile: bytes = b""
    bits: int = 8
    inverted: bool = False
    clear: tuple[int, ...] = ()
    has_place: bool = False
    has_metadata: bool = False
    broken_profile: bool = False


# Surveys, format by format. One may raise struct.error, IndexError, ValueError or OverflowError for an
# incomplete file.


def _survey_png(content: bytes) -> Envelope:
    """PNG (third edition), section 5: chunks of length, type, data, CRC."""
    width, height, bits, colour_type = struct.unpack_from(">IIBB", content, 16)
    found = Envelope(width, height, bare=b"", bits=bits)
    kept = [content[:8]]
    for kind, at, end in png_chunks(content):
        data = slice(at + 8, end - 4)
        if kind in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            if end > len(content):
                raise ValueError("cut short")
            kept.append(content[at:end])
        if kind == b"acTL":
            found = replace(found, frames=max(1, struct.unpack_from(">I", content, at + 8)[0]))
        elif kind == b"iCCP":
            profile = _png_profile(content[data])
            found = replace(found, profile=profile or b"", broken_profile=profile is None)
        elif kind == b"eXIf":
            found = _with_exif(found, content[data])
        elif kind == b"tRNS" and bits == 16:
            found = replace(
                found, clear=struct.unpack_from(">H" if colour_type == 0 else ">3H", content, at + 8)
            )
        elif kind in (b"tEXt", b"zTXt", b"iTXt") and not found.has_metadata:
            found = replace(found, has_metadata=True)
    return replace(found, bare=b"".join(kept))


def _png_profile(data: bytes) -> bytes | None:
    """The profile in an iCCP chunk (name, 0, method 0, zlib); None if it is broken or unpacks to more than
    `LARGEST_PROFILE`.
    """
    _, _, packed = data.partition(b"\0")
    unpacking = zlib.decompressobj()
    try:
        profile = unpacking.decompress(packed[1:], LARGEST_PROFILE)
    except zlib.error:
        return None
    return profile if unpacking.eof else None


def _survey_jpeg(content: bytes) -> Envelope:
    """ITU-T T.81 annex B: segments of marker, length and data; after a scan's header, entropy-coded bytes."""
    found = Envelope(0, 0, bare=b"")
    profile_parts: dict[int, bytes] = {}
    kept = [content[:2]]
    scans, at = 0, 2
    while at < len(content):
        marker_at = _next_marker(content, at)
        kept.append(content[at:marker_at])
        if marker_at + 4 > len(content):
            kept.append(content[marker_at:])
            break
        marker, length = struct.unpack_from(">xBH", content, marker_at)
        if marker == 0xD9:
            kept.append(content[marker_at : marker_at + 2])
            break
        if marker in (0x01, 0xD8):
            at = marker_at + 2
            continue
        end = marker_at + 2 + length
        data = content[marker_at + 4 : end]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, 1)
            found = replace(
                found, width=max(width, found.width), height=max(height, found.height), bits=data[0]
            )
        elif marker == 0xDA:
            scans += 1
            if scans > MOST_SCANS:
                raise ValueError("far too many scans")
        elif marker == 0xE1 and data.startswith(b"Exif\0"):
            found = _with_exif(found, data[6:])
        elif marker == 0xE2 and data.startswith(b"ICC_PROFILE\0") and len(data) > 14:
            profile_parts.setdefault(data[12], data[14:])
        # Among application segments and comments, only those of JFIF and Adobe concern the pixels.
        if marker in (0xE0, 0xEE) or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(content[marker_at:end])
        if marker in (0xE1, 0xED, 0xFE) and not found.has_metadata:
            found = replace(found, has_metadata=True)
        at = end
    profile = b"".join(part for _, part in sorted(profile_parts.items()))
    return replace(found, bare=b"".join(kept), profile=profile[:LARGEST_PROFILE])


_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


def _next_marker(content: bytes, at: int) -> int:
    found = _MARKER.search(content, at)
    return found.start() if found else len(content)


def _survey_webp(content: bytes) -> Envelope:
    """WebP container specification: RIFF chunks. The size is in VP8X, or in the only bitstream."""
    found = Envelope(0, 0, bare=content)
    if struct.unpack_from("<I", content, 4)[0] + 8 > len(content):
        raise ValueError("cut short")
    frames = 0
    for kind, start, end in riff_chunks(content):
        data = content[start + 8 : end]
        width = height = 0
        if kind == b"VP8X":
            width, height = (1 + int.from_bytes(data[place : place + 3], "little") for place in (4, 7))
        elif kind == b"VP8 ":
            width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 6))
        elif kind == b"VP8L":
            packed = struct.unpack_from("<I", data, 1)[0]
            width, height = 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
        elif kind == b"ANMF":
            frames += 1
        elif kind == b"ICCP":
            found = replace(found, profile=data[:LARGEST_PROFILE])
        elif kind == b"EXIF":
            found = _with_exif(found, data.removeprefix(b"Exif\0\0"))
        elif kind == b"XMP ":
            found = replace(found, has_metadata=True)
        found = replace(found, width=max(width, found.width), height=max(height, found.height))
    return replace(found, frames=max(1, frames))


def _survey_gif(content: bytes) -> Envelope:
    """GIF89a: screen, colour table, then extensions (0x21) and images (0x2C). The first image may extend
    beyond the screen.
    """
    width, height, flags = struct.unpack_from("<HHB", content, 6)
    frames, commented = 0, False
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    while at < len(content) and frames < 2:
        if content[at] == 0x2C and at + 10 <= len(content):
            left, top, wide, high, local = struct.unpack_from("<4HB", content, at + 1)
            frames += 1
            if frames == 1:
                width, height = max(width, left + wide), max(height, top + high)
            at += 11 + (3 << (local & 7) + 1 if local & 0x80 else 0)
        elif content[at] == 0x21 and at + 2 <= len(content):
            commented = commented or content[at + 1] == 0xFE
            at += 2
        else:
            break
        while at < len(content) and content[at]:
            at += 1 + content[at]
        at += 1
    return Envelope(width, height, bare=content, frames=max(1, frames), has_metadata=commented)


def _survey_bmp(content: bytes) -> Envelope:
    (header,) = struct.unpack_from("<I", content, 14)
    width, height = struct.unpack_from("<HH" if header == 12 else "<ii", content, 18)
    return Envelope(abs(width), abs(height), bare=content)


ORIENTATION, EXIF_PART, GPS_PART, EXCHANGE_PART, PROFILE = 0x0112, 0x8769, 0x8825, 0xA005, 0x8773

SINGLE_FIELDS = frozenset(
    {0x0100, 0x0101, 0x0103, 0x0106, 0x010A, 0x0112, 0x0115, 0x0116, 0x011C, 0x0142, 0x0143}
)
"""Fields that decoding relies on and that hold a single number."""


def _survey_tiff(content: bytes) -> Envelope:
    """TIFF 6.0, section 2, and BigTIFF. Pillow reads every field at once, so overlapping fields that add up
    to gigabytes are refused here.
    """
    first = list(_tiff_fields(content))
    fields = {field.tag: field for field in first}

    def number(tag: int, default: int) -> int:
        return fields[tag].number(content) if tag in fields else default

    parts = [first] + [
        list(_tiff_fields(content, number(part, 0)))
        for part in (EXIF_PART, GPS_PART, EXCHANGE_PART)
        if part in fields
    ]
    if any(sum(field.size for field in part) > len(content) for part in parts):
        raise ValueError("fields that overlap")
    if any(
        field.at + field.size > len(content) or (field.tag in SINGLE_FIELDS and field.size != field.unit)
        for field in first
    ):
        raise ValueError("fields cut short or of the wrong size")
    if number(0x0142, 1) * number(0x0143, 1) > LARGEST_INPUT:
        raise ValueError("tiles larger than any picture")
    bare, orientation = content, number(ORIENTATION, 1)
    if orientation != 1 and ORIENTATION in fields:
        # Pillow rotates TIFF by itself, but no other format. Here all are rotated in one place.
        patched = bytearray(content)
        at = fields[ORIENTATION].at
        patched[at : at + fields[ORIENTATION].size] = (1).to_bytes(
            fields[ORIENTATION].size, fields[ORIENTATION].order
        )
        bare = bytes(patched)
    profile = (
        content[fields[PROFILE].at : fields[PROFILE].at + fields[PROFILE].size] if PROFILE in fields else b""
    )
    return Envelope(
        number(0x0100, 0),
        number(0x0101, 0),
        bare=bare,
        pages=_tiff_pages(content),
        orientation=orientation,
        profile=profile[:LARGEST_PROFILE],
        bits=number(0x0102, 1),
        inverted=number(0x0106, 1) == 0,
        has_place=GPS_PART in fields,
        has_metadata=bool(
            {EXIF_PART, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x02BC, 0x83BB, 0x8649} & fields.keys()
        ),
    )


@dataclass(frozen=True)
class _Field:
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


_UNITS = {
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


def _tiff_shape(content: bytes) -> tuple[str, bool, int]:
    """Byte order for `struct`, whether it is BigTIFF, and the offset of the first directory."""
    order = {b"II": "<", b"MM": ">"}.get(content[:2])
    if order is None:
        raise ValueError("neither II nor MM")
    big = struct.unpack_from(order + "H", content, 2)[0] == 43
    return order, big, struct.unpack_from(order + ("Q" if big else "I"), content, 8 if big else 4)[0]


def _tiff_fields(content: bytes, directory: int | None = None) -> Iterator[_Field]:
    """The fields of a directory (by default the first), up to the end of the bytes."""
    order, big, first = _tiff_shape(content)
    at = first if directory is None else directory
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), content, at)
    if count > MOST_FIELDS:
        raise ValueError("more fields than any picture has")
    at += 8 if big else 2
    entry, inline = (20, 8) if big else (12, 4)
    for place in range(at, min(at + count * entry, len(content) - entry + 1), entry):
        tag, kind, length = struct.unpack_from(order + ("HHQ" if big else "HHI"), content, place)
        unit = _UNITS.get(kind, 1)
        value_at = place + entry - inline
        if unit * length > inline:
            (value_at,) = struct.unpack_from(order + ("Q" if big else "I"), content, value_at)
        yield _Field(tag, value_at, unit * length, unit, order == ">")


def _tiff_pages(content: bytes) -> int:
    """The number of pictures in the file, without thumbnails (NewSubfileType, bit 0)."""
    order, big, at = _tiff_shape(content)
    seen: set[int] = set()
    pages = 0
    while at and at not in seen and len(seen) < 1000:
        seen.add(at)
        kinds = [
            field.number(content) for field in islice(_tiff_fields(content, at), 8) if field.tag == 0x00FE
        ]
        pages += not (kinds and kinds[0] & 1)
        (count,) = struct.unpack_from(order + ("Q" if big else "H"), content, at)
        next_at = at + (8 + 20 * count if big else 2 + 12 * count)
        if next_at + (8 if big else 4) > len(content):
            break
        (at,) = struct.unpack_from(order + ("Q" if big else "I"), content, next_at)
    return max(1, pages)


def _with_exif(envelope: Envelope, exif: bytes) -> Envelope:
    """EXIF is a small TIFF. Only the orientation is read, and whether there is a location. Broken EXIF counts
    as upright.
    """
    orientation, has_place = envelope.orientation, envelope.has_place
    try:
        for field in _tiff_fields(exif):
            if field.tag == ORIENTATION and orientation == 1 and 1 <= field.number(exif) <= 8:
                orientation = field.number(exif)
            has_place = has_place or field.tag == GPS_PART
    except (struct.error, ValueError, OverflowError):
        pass
    return replace(envelope, orientation=orientation, has_place=has_place, has_metadata=True)


@dataclass(frozen=True)
class PictureFormat:
    """A format that the studio reads: Pillow's name for it, its first bytes, and its survey."""

    name: str
    signature: re.Pattern[bytes]
    survey: Callable[[bytes], Envelope]


FORMATS = (
    PictureFormat("JPEG", re.compile(rb"\xff\xd8\xff"), _survey_jpeg),
    PictureFormat("PNG", re.compile(rb"\x89PNG\r\n\x1a\n"), _survey_png),
    PictureFormat("WebP", re.compile(rb"RIFF.{4}WEBP", re.DOTALL), _survey_webp),
    PictureFormat("TIFF", re.compile(rb"II[*+]\0|MM\0[*+]"), _survey_tiff),
    PictureFormat("GIF", re.compile(rb"GIF8[79]a"), _survey_gif),
    PictureFormat("BMP", re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL), _survey_bmp),
)

STRANGERS = tuple(
    (re.compile(signature, re.DOTALL | re.IGNORECASE), said)
    for signature, said in (
        (
            rb".{4}ftyp(heic|heix|hevc|heim|heis|mif1|msf1)",
            "is a HEIC photo; export it as JPEG or PNG and choose that.",
        ),
        (rb".{4}ftypavi[fs]", "is an AVIF picture; export it as JPEG or PNG and choose that."),
        (rb"\xff\x0a|.{4}JXL \r\n", "is a JPEG XL picture; export it as JPEG or PNG and choose that."),
        (
            rb".{4}(ftypjp2|jP  )|\xff\x4f\xff\x51",
            "is a JPEG 2000 picture; export it as JPEG or PNG and choose that.",
        ),
        (rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI ", "is a video; save one frame of it as PNG and choose that."),
        (rb"8BPS", "is a Photoshop file; export it as PNG and choose that."),
        (
            rb"%PDF|\xef\xbb\xbf%PDF",
            "is a PDF document; export the picture you want as PNG and choose that.",
        ),
        (
            rb"PK\x03\x04",
            "is a ZIP archive or an office document; extract the picture and choose that.",
        ),
        (rb"MThd|RIFF.{4}WAVE|ID3|OggS|fLaC", "is music, not a picture; choose a " + READABLE + " file."),
        (
            rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg",
            "is an SVG drawing; export it as PNG and choose that.",
        ),
        (
            rb"(\xef\xbb\xbf)?\s*<(!doctype html|html|head|body)",
            "is a web page; save the picture itself from the page and choose that.",
        ),
        (rb"[\t\n\r\x20-\x7e]{16}", "is text, not a picture; choose a " + READABLE + " file."),
    )
)
"""Files that people choose by mistake, and what to do about it."""


def wrong_kind(content: bytes) -> str:
    """What a file is that the studio cannot read, as the rest of a sentence that starts with its name."""
    known = (what for signature, what in STRANGERS if signature.match(content))
    return next(known, f"is not a picture; choose a {READABLE} file.")
