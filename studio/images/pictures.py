"""Pictures in and out: whatever people bring becomes upright 8-bit sRGB pixels, and nothing but pixels leaves
again.

A file is read in two strides. First its envelope alone: which format it is by its first bytes, how large it
claims to be, how it is turned, its colour profile. What is too large, animated or no picture at all is
refused there, before anything is decoded, and text, EXIF, thumbnails and comments are cut off, so that no
decoder ever meets them. Then Pillow decodes the pixels that remain. No setting of Pillow is changed, so
callers in other threads are not disturbed.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from studio.errors import Unreadable
from studio.works.metadata.png import png_chunks
from studio.works.metadata.wav import riff_chunks

Pixels = NDArray[np.uint8]

LARGEST_INPUT = 40_000_000
"""Pixels of the largest picture that is opened: 40 megapixels, which a full-frame camera's photo stays under.
"""
SMALLEST_INPUT_SIDE = 16
LONGEST_SHAPE = 16
"""How many times longer than wide a picture may be; a thinner one has no room for a network's coarse layers.
"""
LARGEST_PROFILE = 8 * 2**20
"""Bytes of the largest colour profile that is unpacked; printers' CMYK tables reach 3 MB."""
MOST_SCANS = 100
"""Scans of a progressive JPEG. Ten are usual; a few kilobytes can hold thousands, each a walk over the whole
picture.
"""
MOST_FIELDS = 4096
"""Fields in one directory of a TIFF file or of EXIF; cameras write under a hundred."""
READS = "JPEG, PNG, WebP, TIFF, BMP or GIF"


@dataclass(frozen=True)
class Picture:
    """A picture as the studio works on it.

    pixels: uint8 [height, width, 3], sRGB, upright. alpha: uint8 [height, width], 255 is opaque; None where
    all is opaque.
    notes: what was done to the file on the way, a sentence each, for the page.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    notes: tuple[str, ...] = ()


def read_picture(content: bytes, name: str = "The picture") -> Picture:
    """Decode a JPEG, PNG, WebP, TIFF, BMP or GIF of up to `LARGEST_INPUT` pixels.

    Orientation (EXIF) is honoured, colour profiles are converted to sRGB, 16 bits are scaled to 8, alpha is
    kept.
    Raises `Unreadable` with one sentence that starts with `name`, whatever the bytes are.
    """
    try:
        return _read(content)
    except _Flaw as flaw:
        raise Unreadable(f"{name} {flaw}") from None


def write_png(pixels: Pixels, alpha: Pixels | None = None) -> bytes:
    """PNG of pixels [h, w, 3] and, where given, alpha [h, w]. Marked as sRGB, no other metadata; equal pixels
    give equal bytes.
    """
    marks = PngInfo()
    marks.add(b"sRGB", b"\x00")
    written = io.BytesIO()
    Image.fromarray(pixels if alpha is None else np.dstack([pixels, alpha])).save(
        written, "PNG", pnginfo=marks
    )
    return written.getvalue()


def write_jpeg(pixels: Pixels, *, longest_side: int | None = None, quality: int = 85) -> bytes:
    """JPEG of pixels [h, w, 3], made smaller (never larger) so that no side is longer than `longest_side`. No
    metadata.
    """
    height, width = pixels.shape[:2]
    picture = Image.fromarray(pixels)
    if longest_side is not None and max(height, width) > longest_side:
        height, width = fit_within(height, width, longest_side)
        # Previews are made between two steps, so most of the way down goes by whole pixels' means, which is
        # several times as fast.
        picture = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=1.5)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=quality)
    return written.getvalue()


def fit_within(height: int, width: int, longer_side: int) -> tuple[int, int]:
    """(height, width) of the same shape whose longer side is `longer_side`; no side is ever 0."""
    longest = max(height, width)
    return max(1, round(height * longer_side / longest)), max(1, round(width * longer_side / longest))


def resize(pixels: Pixels, height: int, width: int) -> Pixels:
    """Pixels [h, w, 3] or a mask [h, w] at another size (Lanczos, antialiased). The result may be
    written to.
    """
    if pixels.shape[:2] == (height, width):
        return pixels.copy()
    return np.array(
        Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    )


class _Flaw(Exception):
    """Why a file is refused, as the rest of a sentence that starts with its name."""


@dataclass(frozen=True)
class Envelope:
    """What a file says of itself before a pixel is decoded.

    bare: the file as the decoder gets it, without metadata. frames: 2 or more where it moves. pages: of a
    TIFF.
    orientation: 1 to 8 as in EXIF. bits: of one sample; `inverted` where 0 is white. clear: the 16-bit
    sample, or the three, that a PNG declares transparent. has_place, has_metadata: whether there is something
    private that stays behind.
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


def _read(content: bytes) -> Picture:
    if not content:
        raise _Flaw("is empty (0 bytes); copy or download it again.")
    file_format = next((known for known in FORMATS if known.signature.match(content)), None)
    if file_format is None:
        raise _Flaw(
            next(
                (what for stranger, what in STRANGERS if stranger.match(content)),
                f"is not a picture; choose a {READS} file.",
            )
        )
    try:
        envelope = file_format.survey(content)
    except (struct.error, IndexError, ValueError, OverflowError):
        raise _Flaw(f"is not a whole {file_format.name} file; copy or download it again.") from None
    _check(envelope)
    notes: list[str] = []
    colours, alpha = _decode(envelope, file_format.name, notes)
    return _upright(_to_srgb(colours, envelope, notes), alpha, envelope, notes)


def _decode(envelope: Envelope, file_format: str, notes: list[str]) -> tuple[Image.Image, Image.Image | None]:
    # Decoders raise whatever the bytes drive them to (OSError, SyntaxError, ValueError, KeyError …), so all
    # of it is an answer.
    try:
        with Image.open(io.BytesIO(envelope.bare), formats=(file_format.upper(),)) as opened:
            if opened.width * opened.height > LARGEST_INPUT:
                raise ValueError("larger than its envelope says")
            opened.load()
            return _in_eight_bits(opened, envelope, notes)
    except Exception as error:
        if "truncated" in str(error) or isinstance(error, EOFError):
            raise _Flaw("ends too early, so part of it is missing; copy or download it again.") from None
        raise _Flaw(
            f"is a {file_format} file that is damaged or of a rare kind; save it again as a plain PNG or "
            "JPEG."
        ) from None


def _check(envelope: Envelope) -> None:
    width, height = envelope.width, envelope.height
    size = f"{width} x {height} pixels"
    if envelope.frames > 1:
        raise _Flaw(
            "is an animation; open it in an image editor, export the frame you want as PNG, and choose that."
        )
    if width < 1 or height < 1:
        raise _Flaw(f"says that it has {size}; save it again as a plain PNG or JPEG.")
    if width * height > LARGEST_INPUT:
        raise _Flaw(
            f"has {size}, {width * height / 1e6:.0f} megapixels; the studio opens up to "
            f"{LARGEST_INPUT / 1e6:.0f}, so scale it down first."
        )
    if min(width, height) < SMALLEST_INPUT_SIDE:
        raise _Flaw(f"has only {size}; choose one with at least {SMALLEST_INPUT_SIDE} on each side.")
    if max(width, height) > LONGEST_SHAPE * min(width, height):
        raise _Flaw(
            f"has {size}, too thin to work on; crop it so that it is at most {LONGEST_SHAPE} times as long "
            "as wide."
        )


# From the decoder's pixels to 8-bit sRGB


def _in_eight_bits(
    opened: Image.Image, envelope: Envelope, notes: list[str]
) -> tuple[Image.Image, Image.Image | None]:
    """The picture in mode L, RGB, CMYK or LAB, and its alpha (mode L) if it has one."""
    mode = opened.mode
    if envelope.bits in (12, 16):
        notes.append(f"Its {envelope.bits} bits a channel were scaled to 8.")
    if mode.startswith("I;16"):
        # A table of 65,536 entries keeps 40 megapixels out of floating point.
        samples = np.asarray(opened)
        steps = np.arange(65536, dtype=np.int64)
        white = 2**envelope.bits - 1
        light = np.minimum((steps * 255 + white // 2) // white, 255).astype(np.uint8)
        alpha = (
            Image.fromarray(np.where(samples == envelope.clear[0], 0, 255).astype(np.uint8))
            if envelope.clear
            else None
        )
        return Image.fromarray((255 - light if envelope.inverted else light)[samples]), alpha
    if mode in ("I", "F"):
        return _stretched(np.asarray(opened), envelope, notes), None
    has_clear = "transparency" in opened.info
    if mode in ("RGB", "L", "CMYK", "LAB") and not has_clear:
        return opened, None
    if mode == "1" and not has_clear:
        return opened.convert("L"), None
    if mode == "LA" or (mode in ("1", "L") and has_clear):
        both = opened.convert("LA")
        return both.getchannel("L"), both.getchannel("A")
    if has_clear and envelope.clear and mode == "RGB":
        # Pillow keeps the upper 8 bits of each sample but all 16 of the transparent colour.
        opened.info["transparency"] = tuple(sample >> 8 for sample in envelope.clear)
    if has_clear or mode in ("RGBA", "RGBa", "La", "PA"):
        whole = opened if mode == "RGBA" else opened.convert("RGBA")
        return whole.convert("RGB"), whole.getchannel("A")
    return opened.convert("RGB"), None


def _stretched(samples: NDArray[np.generic], envelope: Envelope, notes: list[str]) -> Image.Image:
    """Signed and 32-bit greys have no agreed white: floating point within 0 to 1 is taken as it is, all else
    from darkest to lightest.
    """
    light = np.nan_to_num(samples.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    darkest, lightest = float(light.min()), float(light.max())
    if not (samples.dtype.kind == "f" and darkest >= 0 and lightest <= 1):
        light = (light - darkest) / max(lightest - darkest, 1e-12)
        notes.append("Its greys have no agreed white, so they were scaled from the darkest to the lightest.")
    if envelope.inverted:
        light = 1 - light
    return Image.fromarray(np.rint(light * 255).astype(np.uint8))


def _to_srgb(colours: Image.Image, envelope: Envelope, notes: list[str]) -> Image.Image:
    """Through the file's own profile where it holds one that fits, else by what its mode usually means."""
    converted = None
    if envelope.profile:
        try:
            converted = _through_profile(colours, envelope.profile, notes)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            notes.append("Its colour profile is broken or does not fit, so the colours were read without it.")
    elif envelope.broken_profile:
        notes.append("Its colour profile is broken or does not fit, so the colours were read without it.")
    if converted is not None:
        return converted
    if colours.mode == "CMYK":
        notes.append("Ink colours (CMYK) without a usable profile: their look on screen is estimated.")
    if colours.mode == "LAB":
        notes.append("Colours were converted from L*a*b* to sRGB.")
        return _transformed(colours, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    return colours if colours.mode == "RGB" else colours.convert("RGB")


def _through_profile(colours: Image.Image, content: bytes, notes: list[str]) -> Image.Image | None:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
    space = profile.profile.xcolor_space.strip()
    if space == "RGB" and colours.mode == "L":
        colours = colours.convert("RGB")
    if {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}.get(space) != colours.mode:
        raise ValueError(f"a profile for {space}")
    if space == "RGB":
        # A profile that is sRGB by another name would only cost a last digit here and there, so a grid of
        # colours is tried first.
        grid = np.stack(np.meshgrid(*[np.arange(0, 256, 15, dtype=np.uint8)] * 3), -1).reshape(1, -1, 3)
        moved = np.asarray(_transformed(Image.fromarray(grid), profile))
        if np.abs(moved.astype(int) - grid).max() <= 1:
            return colours
    said = "".join(sign for sign in ImageCms.getProfileDescription(profile) if sign.isprintable()).strip()[
        :60
    ]
    notes.append(f"Colours were converted from the profile '{said or space}' to sRGB.")
    return _transformed(colours, profile)


def _transformed(colours: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    transform = ImageCms.buildTransform(
        profile,
        ImageCms.createProfile("sRGB"),
        colours.mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.HIGHRESPRECALC,
    )
    moved = ImageCms.applyTransform(colours, transform)
    if moved is None:
        raise ValueError("the transform gave nothing")
    return moved


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by its EXIF orientation (Exif 2.32, tag 0x0112)."""


def _upright(
    colours: Image.Image, alpha: Image.Image | None, envelope: Envelope, notes: list[str]
) -> Picture:
    turn = TURNS.get(envelope.orientation)
    if turn is not None:
        colours = colours.transpose(turn)
        alpha = alpha.transpose(turn) if alpha is not None else None
        notes.append("It was turned upright, as the camera noted.")
    pixels = _samples(colours)
    opacity = _samples(alpha) if alpha is not None and alpha.getextrema() != (255, 255) else None
    if opacity is not None:
        notes.append("Its transparency is kept.")
        hidden = opacity == 0
        if hidden.any() and not hidden.all():
            # Erased parts often keep their old colours under full transparency: they would show through a
            # dream.
            for channel in range(3):
                plane = pixels[..., channel]
                np.copyto(plane, np.uint8(round(float(plane.mean(where=~hidden)))), where=hidden)
    if envelope.pages > 1:
        notes.append(f"It has {envelope.pages} pages; the first was taken.")
    if envelope.has_place:
        notes.append("It says where it was taken; that and its other metadata stay out of every result.")
    elif envelope.has_metadata:
        notes.append("Its metadata (camera, dates, comments) stays out of every result.")
    return Picture(pixels, opacity, tuple(notes))


def _samples(image: Image.Image) -> Pixels:
    """np.array(image), in bands: Pillow would hold three copies of a large picture on the way."""
    bands = len(image.getbands())
    samples = np.empty(
        (image.height, image.width, bands) if bands > 1 else (image.height, image.width), dtype=np.uint8
    )
    for top in range(0, image.height, 256):
        bottom = min(top + 256, image.height)
        samples[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return samples


# Envelopes, format by format. A survey may raise struct.error, IndexError, ValueError or OverflowError for a
# file that is not whole.


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
    """The profile in an iCCP chunk (name, 0, method 0, zlib), or None where it is broken or unpacks to more
    than any profile needs.
    """
    _, _, packed = data.partition(b"\0")
    unpacking = zlib.decompressobj()
    try:
        profile = unpacking.decompress(packed[1:], LARGEST_PROFILE)
    except zlib.error:
        return None
    return profile if unpacking.eof else None


def _survey_jpeg(content: bytes) -> Envelope:
    """ITU-T T.81 annex B: segments of marker, length, data; between scans, entropy-coded bytes without
    markers.
    """
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
                raise ValueError("a bomb of scans")
        elif marker == 0xE1 and data.startswith(b"Exif\0"):
            found = _with_exif(found, data[6:])
        elif marker == 0xE2 and data.startswith(b"ICC_PROFILE\0") and len(data) > 14:
            profile_parts.setdefault(data[12], data[14:])
        # Of the application's segments and comments only JFIF's and Adobe's say something about the pixels.
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
    """WebP container specification: RIFF chunks; the canvas stands in VP8X, or in the one bitstream
    there is.
    """
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
    """GIF89a: screen, colour table, then extensions (0x21) and images (0x2C). The first image may reach
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
"""Fields that decoding rests on and that hold one number each."""


def _survey_tiff(content: bytes) -> Envelope:
    """TIFF 6.0, section 2, and BigTIFF. Pillow reads every field at once, so fields that overlap into
    gigabytes are stopped here.
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
        # Pillow turns TIFF by itself and no other format; here all are turned in one place.
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
    """A field of a TIFF directory: its value's place in the file and size in bytes; `unit` bytes a number."""

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
    """Byte order for `struct`, whether it is BigTIFF, and where the first directory stands."""
    order = {b"II": "<", b"MM": ">"}.get(content[:2])
    if order is None:
        raise ValueError("neither II nor MM")
    big = struct.unpack_from(order + "H", content, 2)[0] == 43
    return order, big, struct.unpack_from(order + ("Q" if big else "I"), content, 8 if big else 4)[0]


def _tiff_fields(content: bytes, directory: int | None = None) -> Iterator[_Field]:
    """The fields of one directory (the first where none is named), as far as the bytes go."""
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
    """How many pictures follow each other, not counting thumbnails (NewSubfileType, bit 0)."""
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
    """EXIF is a small TIFF. Only the orientation is read, and whether there is a place; what is broken counts
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
class Format:
    """A format the studio reads: Pillow's name for it, its first bytes, and who reads its envelope."""

    name: str
    signature: re.Pattern[bytes]
    survey: Callable[[bytes], Envelope]


FORMATS = (
    Format("JPEG", re.compile(rb"\xff\xd8\xff"), _survey_jpeg),
    Format("PNG", re.compile(rb"\x89PNG\r\n\x1a\n"), _survey_png),
    Format("WebP", re.compile(rb"RIFF.{4}WEBP", re.DOTALL), _survey_webp),
    Format("TIFF", re.compile(rb"II[*+]\0|MM\0[*+]"), _survey_tiff),
    Format("GIF", re.compile(rb"GIF8[79]a"), _survey_gif),
    Format("BMP", re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL), _survey_bmp),
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
        (rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI ", "is a film; save one frame of it as PNG and choose that."),
        (rb"8BPS", "is a Photoshop file; export it as PNG and choose that."),
        (
            rb"%PDF|\xef\xbb\xbf%PDF",
            "is a PDF document; export the picture you want from it as PNG and choose that.",
        ),
        (
            rb"PK\x03\x04",
            "is a ZIP archive or an office document; take the picture out of it and choose that.",
        ),
        (rb"MThd|RIFF.{4}WAVE|ID3|OggS|fLaC", "is music, not a picture; choose a " + READS + " file."),
        (
            rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg",
            "is an SVG drawing; export it as PNG and choose that.",
        ),
        (
            rb"(\xef\xbb\xbf)?\s*<(!doctype html|html|head|body)",
            "is a web page; save the picture itself from the page and choose that.",
        ),
        (rb"[\t\n\r\x20-\x7e]{16}", "is text, not a picture; choose a " + READS + " file."),
    )
)
"""What people choose by mistake, and what to do about it."""
