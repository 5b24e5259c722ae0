"""HEIC and HEIF photos, as phones make them, by way of pi-heif (libheif).

The file's boxes are looked through first, so that nothing too large reaches the decoder. The decoder turns
the picture upright (ISO/IEC 23008-12, 6.5.10), so no orientation is left to apply.
"""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studio.images.envelope import (
    LARGEST_PROFILE,
    LARGEST_UNREDUCED,
    Envelope,
    FileFlaw,
    iso_boxes,
    with_colour_box,
    with_exif,
)
from studio.images.orientation import exif_says

if TYPE_CHECKING:
    from PIL import Image

SEQUENCES = (b"hevc", b"hevx", b"hevm", b"hevs", b"msf1")
"""Brands of files that hold a film as well (ISO/IEC 23008-12, 10.4 and B.4.3)."""


def survey_heif(content: bytes) -> Envelope:
    """The largest size in the boxes counts; what else is known of the main picture comes from libheif."""
    width = height = 0
    for kind, start, _ in iso_boxes(content, (b"meta", b"iprp", b"ipco")):
        if kind == b"ispe":
            size = struct.unpack_from(">II", content, start + 4)
            if size[0] * size[1] > width * height:
                width, height = size
    if width == 0:
        raise ValueError("no size")
    found = Envelope(width, height, bare=content, frames=2 if content[8:12] in SEQUENCES else 1)
    if width * height > LARGEST_UNREDUCED:
        return found
    main, count = _opened(content)
    return _described(replace(found, width=main.size[0], height=main.size[1]), main.info, count)


def _described(found: Envelope, info: dict[str, Any], count: int) -> Envelope:
    found = replace(found, bits=int(info.get("bit_depth", 8)))
    if count > 1:
        found = replace(found, chosen=f"It holds {count} pictures; the main one was used.")
    if profile := info.get("icc_profile"):
        found = replace(found, profile=bytes(profile)[:LARGEST_PROFILE])
    elif points := info.get("nclx_profile"):
        primaries, transfer = points["color_primaries"], points["transfer_characteristics"]
        found = with_colour_box(found, b"nclx" + struct.pack(">HH", primaries, transfer))
    exif = (info.get("exif") or b"").removeprefix(b"Exif\0\0")
    if exif:
        found = replace(with_exif(found, exif), orientation=1, has_place=exif_says(exif)[1])
    return replace(found, has_metadata=bool(exif or info.get("xmp") or info.get("metadata")))


def decode_heif(content: bytes) -> Image.Image:
    """The main picture, upright, 8 bits a sample. Raises what libheif raises for broken bytes."""
    picture: Image.Image = _opened(content)[0].to_pillow()
    return picture


def _opened(content: bytes) -> tuple[Any, int]:
    """The main picture of a file, not decoded yet, and how many there are."""
    try:
        import pi_heif
    except ImportError:
        raise FileFlaw(
            "is a HEIC photo, but this installation lacks the package that reads those; install pi-heif, or "
            "export the photo as JPEG."
        ) from None
    try:
        file = pi_heif.open_heif(io.BytesIO(content), convert_hdr_to_8bit=True)
        return file[file.primary_index], len(file)
    except (RuntimeError, EOFError, OSError, SyntaxError) as error:
        raise ValueError(str(error)) from None
