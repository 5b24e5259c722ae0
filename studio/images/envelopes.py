"""Picture files before they are decoded: which format they are, and what their headers say.

A survey reads a file's envelope, never its pixels: size, orientation, colour profile, number of frames.
Everything that does not belong to the pixels (text, EXIF, thumbnails, comments) is cut off, so that no
decoder ever sees it.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from studio.images.colours import HighDynamicRange, from_code_points, from_gamma
from studio.images.density import per_inch, tiff_density
from studio.images.envelope import (
    LARGEST_INPUT,
    LARGEST_PHOTO,
    LARGEST_PROFILE,
    LARGEST_PROGRESSIVE,
    LARGEST_UNREDUCED,
    MOST_MEMORY,
    MOST_SCANS,
    PIXELS_A_BYTE,
    Envelope,
    iso_boxes,
    with_colour_box,
    with_exif,
    with_xmp,
)
from studio.images.heif import survey_heif
from studio.images.orientation import text_chunk, text_says, xmp_says
from studio.images.photoshop import survey_psd
from studio.images.small_formats import survey_ico, survey_tga
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

READABLE = "JPEG, PNG, WebP, HEIC, AVIF, TIFF, PSD, BMP, GIF, ICO, TGA, JPEG 2000 or PPM"


INCHES_PER_METRE = 100 / 2.54

# Surveys, format by format. One may raise struct.error, IndexError, ValueError or OverflowError for an
# incomplete file.


NO_FRAME = "It is an animation; its still picture, which is none of the frames, was used."
"""Of a PNG whose pixels come before any frame control chunk (third edition, 4.9)."""


def _survey_png(content: bytes) -> Envelope:
    """PNG (third edition), section 5: chunks of length, type, data, CRC."""
    width, height, bits, colour_type = struct.unpack_from(">IIBB", content, 16)
    found = Envelope(width, height, bare=b"", bits=bits)
    whole = memoryview(content)  # a slice of it is no copy
    kept = [whole[:8]]
    colours: dict[bytes, bytes] = {}
    texts: list[tuple[bytes, slice]] = []
    for kind, at, end in png_chunks(content):
        data = slice(at + 8, end - 4)
        if kind in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            if end > len(content):
                raise ValueError("cut short")
            kept.append(whole[at:end])
        if kind in (b"IDAT", b"fcTL"):
            colours.setdefault(kind, b"")
        if kind == b"acTL":
            found = replace(found, frames=max(1, struct.unpack_from(">I", content, at + 8)[0]))
        elif kind == b"iCCP":
            profile = _png_profile(content[data])
            found = replace(found, profile=profile or b"", broken_profile=profile is None)
        elif kind in (b"cICP", b"sRGB", b"gAMA", b"cHRM") and b"IDAT" not in colours:
            colours.setdefault(kind, content[data])
        elif kind == b"eXIf":
            found = with_exif(found, content[data])
        elif kind == b"pHYs" and end - at == 21 and content[at + 16] == 1:
            across, down = struct.unpack_from(">II", content, at + 8)
            found = replace(found, density=per_inch(across, down, INCHES_PER_METRE))
        elif kind == b"tRNS" and bits == 16:
            found = replace(
                found, clear=struct.unpack_from(">H" if colour_type == 0 else ">3H", content, at + 8)
            )
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            texts.append((kind, data))
    found = _with_still(found, list(colours))
    bare = content if sum(map(len, kept)) == len(content) else b"".join(kept)
    found = _with_texts(replace(found, bare=bare), ((kind, content[data]) for kind, data in texts))
    return _with_png_colours(found, colours)


def _with_still(envelope: Envelope, chunks: list[bytes]) -> Envelope:
    """Whether an animated PNG's own pixels are its first frame. chunks: their kinds, as they first come."""
    if envelope.frames > 1 and chunks.index(b"IDAT") < [*chunks, b"fcTL"].index(b"fcTL"):
        return replace(envelope, frames=1, chosen=NO_FRAME)
    return envelope


MOST_TEXTS = 16
"""Texts of a PNG that are unpacked to see which way up it is. A file of megabytes can hold thousands, each of
which unpacks to `LARGEST_METADATA`.
"""


def _with_texts(envelope: Envelope, texts: Iterable[tuple[bytes, bytes]]) -> Envelope:
    read = 0
    for kind, data in texts:
        envelope = replace(envelope, has_metadata=True)
        chunk = text_chunk(kind, data) if read < MOST_TEXTS else None
        if chunk is None:
            continue
        read += 1
        by_exif, by_xmp, has_place = text_says(chunk)
        envelope = replace(
            envelope,
            raw_orientation=envelope.raw_orientation or by_exif,
            xmp_orientation=envelope.xmp_orientation or by_xmp,
            has_place=envelope.has_place or has_place,
        )
    return envelope


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
        elif marker in (0xE0, 0xE1):
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
    """An APP0 or APP1 segment of a JPEG: JFIF, EXIF or XMP."""
    if data.startswith(b"JFIF\0"):
        return replace(envelope, density=_jfif_density(data) or envelope.density)
    if data.startswith(b"Exif\0"):
        return with_exif(envelope, data[6:])
    return with_xmp(envelope, data) if data.startswith(XMP_SEGMENT) else envelope


def _jfif_density(data: bytes) -> float | None:
    """JFIF 1.02: units (1 the inch, 2 the centimetre), then pixels across and down."""
    unit, across, down = struct.unpack_from(">BHH", data, 7)
    return per_inch(across, down, {1: 1.0, 2: 1 / 2.54}[unit]) if unit in (1, 2) else None


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
            found = with_exif(found, data.removeprefix(b"Exif\0\0"))
        elif kind == b"XMP ":
            found = with_xmp(found, data)
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
            found = with_colour_box(found, data)
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


def _survey_jpeg_2000(content: bytes) -> Envelope:
    """ITU-T T.800: a codestream begins with its SIZ segment (A.5.1); JP2 holds one in boxes (annex I)."""
    found = Envelope(0, 0, bare=content)
    at = content.index(b"\xff\x4f\xff\x51")
    right, bottom, left, top = struct.unpack_from(">4I", content, at + 8)
    depth = (content[at + 42] & 0x7F) + 1
    found = replace(found, width=right - left, height=bottom - top, bits=16 if depth > 8 else 8)
    coding = content.find(b"\xff\x52", at + 2 + struct.unpack_from(">H", content, at + 4)[0])
    if 0 <= coding < at + 4096:
        found = replace(found, halvings=content[coding + 9])  # levels of decomposition (A.6.1)
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
    across, down = struct.unpack_from("<ii", content, 38) if header >= 40 else (0, 0)
    return Envelope(abs(width), abs(height), bare=content, density=per_inch(across, down, INCHES_PER_METRE))


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
        density=tiff_density(content, fields),
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


FEW_BYTES = ("HEIC", "AVIF")
"""Formats in which a real photo may have more than `PIXELS_A_BYTE`."""


@dataclass(frozen=True)
class PictureFormat:
    """A format that the studio reads.

    name: Pillow's. signature: its first bytes. each: bytes of memory that decoding takes for a pixel; not
    counted for JPEG, which is reduced while it is decoded.
    """

    name: str
    signature: re.Pattern[bytes]
    survey: Callable[[bytes], Envelope]
    each: float = 0

    def surveyed(self, content: bytes) -> Envelope:
        """The survey, and how far a large picture has to be reduced. Raises as the survey does."""
        found = self.survey(content)
        pixels = found.width * found.height
        if not self.each or not LARGEST_INPUT < pixels <= LARGEST_UNREDUCED:
            return found
        copies = len(content) + (len(found.bare) if found.bare is not content else 0)
        photo = pixels <= len(content) * PIXELS_A_BYTE or self.name in FEW_BYTES
        step = next(step for step in (2, 3, 4) if pixels <= LARGEST_INPUT * step**2)
        decoded = pixels if step > 2 or not found.halvings else pixels / step**2
        needs = copies + self.each * decoded
        if photo and needs > MOST_MEMORY:
            return replace(found, needs=needs, largest=int((MOST_MEMORY - copies) / self.each))
        return replace(found, reduced=step if photo else 1)


def _kind(name: str, signature: bytes, survey: Callable[[bytes], Envelope], each: float = 0) -> PictureFormat:
    return PictureFormat(name, re.compile(signature, re.DOTALL), survey, each)


def _survey_icon(content: bytes) -> Envelope:
    found = survey_ico(content)
    return replace(_survey_png(found.bare), inside="PNG", chosen=found.chosen) if found.inside else found


# From the second byte on: no colour map, a type, no map; or a map of some depth. Then the bits of a pixel.
PLAIN_TGA = rb"\x00[\x02\x03\x0a\x0b]\x00{5}.{8}[\x08\x0f\x10\x18\x20]"
MAPPED_TGA = rb"\x01[\x01\x09].{4}[\x10\x18\x20].{8}\x08"

FORMATS = (
    _kind("JPEG", rb"\xff\xd8\xff", _survey_jpeg),
    _kind("PNG", rb"\x89PNG\r\n\x1a\n", _survey_png, 4),
    _kind("WebP", rb"RIFF.{4}WEBP", _survey_webp, 16),
    _kind("AVIF", rb".{4}ftyp(avi[fs]|mi[af]1.{4}(.{4}){0,9}?avi[fs])", _survey_avif, 12),
    _kind("HEIC", rb".{4}ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)", survey_heif, 7.5),
    _kind("JPEG 2000", rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", _survey_jpeg_2000, 20),
    _kind("PPM", rb"P[1-6][\s#]", _survey_ppm, 4),
    _kind("TIFF", rb"II[*+]\0|MM\0[*+]", _survey_tiff, 4),
    _kind("PSD", rb"8BPS\x00[\x01\x02]", survey_psd, 4),
    _kind("GIF", rb"GIF8[79]a", _survey_gif, 4),
    _kind("BMP", rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", _survey_bmp, 4),
    _kind("ICO", rb"\x00\x00[\x01\x02]\x00[^\x00]\x00.{3}\x00", _survey_icon),
    _kind("TGA", b".(" + PLAIN_TGA + b"|" + MAPPED_TGA + rb")[\x00-\x3f]", survey_tga, 4),
)
"""The last ones begin with hardly anything of their own."""

STRANGERS = tuple(
    (re.compile(signature, re.DOTALL | re.IGNORECASE), said)
    for signature, said in (
        (rb"\xff\x0a|.{4}JXL \r\n", "is a JPEG XL picture; export it as JPEG or PNG and choose that."),
        (rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI ", "is a video; save one frame of it as PNG and choose that."),
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
