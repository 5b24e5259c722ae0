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

from studio.images.colours import (
    REC_709,
    ColourSpace,
    HighDynamicRange,
    from_code_points,
    from_gamma,
    srgb_to_linear,
)
from studio.images.orientation import exif_says, text_chunk, text_says, xmp_says
from studio.images.tiff_fields import (
    EXCHANGE_PART,
    EXIF_PART,
    GPS_PART,
    ORIENTATION,
    PROFILE,
    XMP_PART,
    TiffField,
    tiff_fields,
    tiff_pages,
)
from studio.works.metadata.png import png_chunks
from studio.works.metadata.wav import riff_chunks

LARGEST_INPUT = 40_000_000
"""Pixels of the largest picture that is opened: 40 megapixels, more than most full-frame cameras' photos
have.
"""

LARGEST_PHOTO = 220_000_000
"""Pixels of the largest JPEG: it is opened at a half, a quarter or an eighth of its size, without ever being
unpacked whole. Phones make photos of 48 to 200 megapixels.
"""

LARGEST_PROGRESSIVE = 600_000_000
"""Bytes of coefficients that a progressive JPEG may take: they are all kept until the last scan."""

LARGEST_PROFILE = 8 * 2**20
"""Bytes of the largest colour profile that is unpacked; printers' CMYK tables reach 3 MB."""

MOST_SCANS = 100
"""Scans of a progressive JPEG. Ten are usual. A few kilobytes can hold thousands, each a pass over the whole
picture.
"""

READABLE = "JPEG, PNG, WebP, AVIF, TIFF, BMP, GIF, JPEG 2000 or PPM"


class FileFlaw(Exception):
    """Why a file is refused: the rest of a sentence that starts with the file's name."""


@dataclass(frozen=True)
class Envelope:
    """What a file says about itself before a pixel is decoded.

    bare: the file without metadata, for the decoder. frames: 2 or more in an animation. pages: of a TIFF.
    orientation: 1 to 8 as in EXIF, 0 if it is not said; raw_orientation and xmp_orientation: the same in a
    PNG's text and in XMP, which count where EXIF says nothing. profile: ICC. space: the colours of a file
    without a profile, None for sRGB. high_range: PQ or HLG. reduced: a JPEG is decoded at one part in so
    many of its sides. bits: per sample; deep_greys: 16-bit greys come from the decoder in 32 bits; inverted:
    0 is white. clear: the 16-bit sample, or three, that a PNG declares transparent. has_place, has_metadata:
    whether the file holds a location, or anything private.
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
    deep_greys: bool = False


# Surveys, format by format. One may raise struct.error, IndexError, ValueError or OverflowError for an
# incomplete file.


def _survey_png(content: bytes) -> Envelope:
    """PNG (third edition), section 5: chunks of length, type, data, CRC."""
    width, height, bits, colour_type = struct.unpack_from(">IIBB", content, 16)
    found = Envelope(width, height, bare=b"", bits=bits)
    kept = [content[:8]]
    colours: dict[bytes, bytes] = {}
    for kind, at, end in png_chunks(content):
        data = slice(at + 8, end - 4)
        if kind in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            if end > len(content):
                raise ValueError("cut short")
            kept.append(content[at:end])
        if kind == b"IDAT":
            colours.setdefault(b"IDAT", b"")
        if kind == b"acTL":
            found = replace(found, frames=max(1, struct.unpack_from(">I", content, at + 8)[0]))
        elif kind == b"iCCP":
            profile = _png_profile(content[data])
            found = replace(found, profile=profile or b"", broken_profile=profile is None)
        elif kind in (b"cICP", b"sRGB", b"gAMA", b"cHRM") and b"IDAT" not in colours:
            colours.setdefault(kind, content[data])
        elif kind == b"eXIf":
            found = _with_exif(found, content[data])
        elif kind == b"tRNS" and bits == 16:
            found = replace(
                found, clear=struct.unpack_from(">H" if colour_type == 0 else ">3H", content, at + 8)
            )
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            found = _with_text(found, kind, content[data])
    return _with_png_colours(replace(found, bare=b"".join(kept)), colours)


def _with_text(envelope: Envelope, kind: bytes, data: bytes) -> Envelope:
    chunk = text_chunk(kind, data)
    if chunk is None:
        return envelope if envelope.has_metadata else replace(envelope, has_metadata=True)
    by_exif, by_xmp, has_place = text_says(chunk)
    return replace(
        envelope,
        raw_orientation=envelope.raw_orientation or by_exif,
        xmp_orientation=envelope.xmp_orientation or by_xmp,
        has_place=envelope.has_place or has_place,
        has_metadata=True,
    )


def _with_png_colours(envelope: Envelope, chunks: dict[bytes, bytes]) -> Envelope:
    """PNG (third edition), section 4.3: cICP before iCCP before sRGB before gAMA and cHRM."""
    code_points = chunks.get(b"cICP", b"")
    if len(code_points) == 4 and code_points[2:] == b"\0\1":
        try:
            space = from_code_points(code_points[0], code_points[1])
        except HighDynamicRange as found:
            return replace(envelope, high_range=str(found))
        if space is not None:
            return replace(envelope, space=space, profile=b"", broken_profile=False)
    gamma, corners = chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")
    if b"sRGB" in chunks or len(gamma) != 4:
        return envelope
    primaries = struct.unpack(">8I", corners) if len(corners) == 32 else ()
    return replace(envelope, space=from_gamma(int.from_bytes(gamma), primaries))


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
            found = _with_frame(found, marker, data)
        elif marker == 0xDA:
            scans += 1
            if scans > MOST_SCANS:
                raise ValueError("far too many scans")
        elif marker == 0xE1:
            found = _with_segment(found, data)
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


def _with_frame(envelope: Envelope, marker: int, data: bytes) -> Envelope:
    """A JPEG's frame header: size, bits, and how far it can be reduced while it is decoded."""
    bits, height, width = struct.unpack_from(">BHH", data)
    width, height = max(width, envelope.width), max(height, envelope.height)
    kept = 0
    if marker not in (0xC0, 0xC1):
        factors = [(place >> 4) * (place & 15) for place in data[7 : 6 + 3 * data[5] : 3]]
        kept = 2 * width * height * sum(factors) // max(1, *factors, 1)
    scale = next((scale for scale in (1, 2, 4, 8) if width * height <= LARGEST_INPUT * scale * scale), 8)
    fits = width * height <= LARGEST_PHOTO and kept <= LARGEST_PROGRESSIVE
    return replace(envelope, width=width, height=height, bits=bits, reduced=scale if fits else 1)


def _with_segment(envelope: Envelope, data: bytes) -> Envelope:
    """An APP1 segment of a JPEG: EXIF or XMP."""
    if data.startswith(b"Exif\0"):
        return _with_exif(envelope, data[6:])
    return _with_xmp(envelope, data) if data.startswith(XMP_SEGMENT) else envelope


XMP_SEGMENT = b"http://ns.adobe.com/xap/1.0/\0"

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
            found = _with_xmp(found, data)
        found = replace(found, width=max(width, found.width), height=max(height, found.height))
    return replace(found, frames=max(1, frames))


def _survey_avif(content: bytes) -> Envelope:
    """AVIF (ISO/IEC 23000-22 on 14496-12 and 23008-12): boxes, of which the properties of items matter. The
    largest size counts; alpha and thumbnails are no larger.
    """
    found = Envelope(0, 0, bare=content, frames=2 if content[8:12] == b"avis" else 1)
    angle, axis = 0, None
    for kind, start, end in iso_boxes(content, (b"meta", b"iprp", b"ipco")):
        data = content[start:end]
        if kind == b"ispe":
            width, height = struct.unpack_from(">II", data, 4)
            found = replace(found, width=max(width, found.width), height=max(height, found.height))
        elif kind == b"colr":
            found = _with_avif_colours(found, data)
        elif kind == b"irot":
            angle = data[0] & 3
        elif kind == b"imir":
            axis = data[0] & 1
    if found.width == 0:
        raise ValueError("no size")
    private = b"Exif" in content[:4096] or b"mime" in content[:4096]
    return replace(found, has_metadata=private, orientation=TURNED_AND_MIRRORED[axis][angle])


TURNED_AND_MIRRORED: dict[int | None, tuple[int, ...]] = {
    None: (1, 8, 3, 6),
    0: (4, 5, 2, 7),
    1: (2, 7, 4, 5),
}
"""Axis of imir -> the orientation for each angle of irot (ISO/IEC 23008-12, 6.5.10 and 6.5.12). EXIF, which
repeats it, is not asked.
"""


def _with_avif_colours(envelope: Envelope, data: bytes) -> Envelope:
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
"""Curves of an AVIF that stand for sRGB: encoders name Rec. 709 for any ordinary picture."""

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


def _survey_jpeg_2000(content: bytes) -> Envelope:
    """ITU-T T.800: a codestream begins with its SIZ segment (A.5.1); JP2 holds one in boxes (annex I)."""
    found = Envelope(0, 0, bare=content)
    at = content.index(b"\xff\x4f\xff\x51")
    right, bottom, left, top = struct.unpack_from(">4I", content, at + 8)
    depth = (content[at + 42] & 0x7F) + 1
    found = replace(found, width=right - left, height=bottom - top, bits=16 if depth > 8 else 8)
    if content[4:8] != b"jP  ":
        return found
    for kind, start, end in iso_boxes(content, (b"jp2h",)):
        if kind == b"colr" and content[start] == 2:
            found = replace(found, profile=content[start + 3 : end][:LARGEST_PROFILE])
        elif kind in (b"xml ", b"uuid"):
            found = replace(found, has_metadata=True)
    return found


_NETPBM = re.compile(rb"P([1-6])(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:(?:\s|#[^\n]*\n)+(\d+))?\s")


def _survey_ppm(content: bytes) -> Envelope:
    """Netpbm's bitmap, greymap and pixmap, plain and raw (its manual pages pbm, pgm and ppm)."""
    head = _NETPBM.match(content[:4096])
    if head is None:
        raise ValueError("no size")
    width, height = int(head[2][:9]), int(head[3][:9])
    deep = head[1] not in (b"1", b"4") and int((head[4] or b"0")[:9]) > 255
    return Envelope(width, height, bare=content, bits=16 if deep else 8, deep_greys=deep)


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


SINGLE_FIELDS = frozenset(
    {0x0100, 0x0101, 0x0103, 0x0106, 0x010A, 0x0112, 0x0115, 0x0116, 0x011C, 0x0142, 0x0143}
)
"""Fields that decoding relies on and that hold a single number."""


def _survey_tiff(content: bytes) -> Envelope:
    """TIFF 6.0, section 2, and BigTIFF. Pillow reads every field at once, so overlapping fields that add up
    to gigabytes are refused here.
    """
    first = list(tiff_fields(content))
    fields = {field.tag: field for field in first}

    def number(tag: int, default: int) -> int:
        return fields[tag].number(content) if tag in fields else default

    parts = [first] + [
        list(tiff_fields(content, number(part, 0)))
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
    bare, orientation = content, number(ORIENTATION, 0)
    if orientation != 1 and ORIENTATION in fields:
        # Pillow rotates TIFF by itself, but no other format. Here all are rotated in one place.
        patched = bytearray(content)
        at = fields[ORIENTATION].at
        patched[at : at + fields[ORIENTATION].size] = (1).to_bytes(
            fields[ORIENTATION].size, fields[ORIENTATION].order
        )
        bare = bytes(patched)
    profile = _value(content, fields.get(PROFILE))
    return Envelope(
        number(0x0100, 0),
        number(0x0101, 0),
        bare=bare,
        pages=tiff_pages(content),
        orientation=orientation,
        xmp_orientation=xmp_says(_value(content, fields.get(XMP_PART))),
        profile=profile[:LARGEST_PROFILE],
        bits=number(0x0102, 1),
        inverted=number(0x0106, 1) == 0,
        has_place=GPS_PART in fields,
        has_metadata=bool(
            {EXIF_PART, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x02BC, 0x83BB, 0x8649} & fields.keys()
        ),
    )


def _value(content: bytes, field: TiffField | None) -> bytes:
    return b"" if field is None else content[field.at : field.at + field.size]


def _with_exif(envelope: Envelope, exif: bytes) -> Envelope:
    """EXIF is a small TIFF. Only the orientation is read, and whether there is a location."""
    orientation, has_place = exif_says(exif, envelope.orientation)
    return replace(
        envelope,
        orientation=orientation,
        has_place=envelope.has_place or has_place,
        has_metadata=True,
    )


def _with_xmp(envelope: Envelope, packet: bytes) -> Envelope:
    return replace(envelope, xmp_orientation=envelope.xmp_orientation or xmp_says(packet), has_metadata=True)


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
    PictureFormat("AVIF", re.compile(rb".{4}ftypavi[fs]", re.DOTALL), _survey_avif),
    PictureFormat(
        "JPEG 2000", re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", re.DOTALL), _survey_jpeg_2000
    ),
    PictureFormat("PPM", re.compile(rb"P[1-6][\s#]"), _survey_ppm),
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
        (rb"\xff\x0a|.{4}JXL \r\n", "is a JPEG XL picture; export it as JPEG or PNG and choose that."),
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
