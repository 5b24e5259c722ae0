"""Pictures in and out: whatever people bring becomes upright 8-bit sRGB pixels, and nothing but pixels leaves again."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from studio.errors import Unreadable

Pixels = NDArray[np.uint8]
LARGEST_INPUT = 40_000_000
"""Pixels of the largest picture that is opened (a 40 megapixel camera's photo)."""


@dataclass(frozen=True)
class Picture:
    """A picture as the studio works on it.

    pixels: uint8 [height, width, 3], sRGB, upright. alpha: uint8 [height, width], 255 opaque, or None where all is opaque.
    notes: what was done to the file on the way, a sentence each, for the page.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    notes: tuple[str, ...] = ()


def read_picture(content: bytes, name: str = "The picture") -> Picture:
    """Decode a file of a known format. Raises `Unreadable` with one sentence that starts with `name`."""
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")) as opened:
            if opened.width * opened.height > LARGEST_INPUT:
                raise Unreadable(
                    f"{name} has {opened.width} x {opened.height} pixels; the studio opens up to 40 megapixels: scale it down first."
                )
            upright = ImageOps.exif_transpose(opened)
            turned = upright.convert("RGBA" if "transparency" in opened.info or "A" in opened.getbands() else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise Unreadable(
            f"{name} cannot be read as a picture: choose a JPEG, PNG, WebP, TIFF, BMP or GIF that opens in a viewer."
        ) from None
    everything = np.asarray(turned)
    alpha = np.ascontiguousarray(everything[..., 3]) if everything.shape[2] == 4 else None
    return Picture(np.ascontiguousarray(everything[..., :3]), alpha)


def write_png(pixels: Pixels, alpha: Pixels | None = None) -> bytes:
    """PNG of pixels [h, w, 3] and, where given, alpha [h, w]: marked as sRGB, no other metadata; equal pixels give equal bytes."""
    from PIL.PngImagePlugin import PngInfo

    marks = PngInfo()
    marks.add(b"sRGB", b"\x00")
    written = io.BytesIO()
    Image.fromarray(pixels if alpha is None else np.dstack([pixels, alpha])).save(written, "PNG", pnginfo=marks)
    return written.getvalue()


def write_jpeg(pixels: Pixels, *, longest_side: int | None = None, quality: int = 85) -> bytes:
    """JPEG of pixels [h, w, 3], made smaller (never larger) so that no side is longer than `longest_side`."""
    height, width = pixels.shape[:2]
    if longest_side is not None and max(height, width) > longest_side:
        pixels = resize(pixels, *fit_within(height, width, longest_side))
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "JPEG", quality=quality)
    return written.getvalue()


def fit_within(height: int, width: int, longer_side: int) -> tuple[int, int]:
    """(height, width) of the same shape whose longer side is `longer_side`; no side is ever 0."""
    longest = max(height, width)
    return max(1, round(height * longer_side / longest)), max(1, round(width * longer_side / longest))


def resize(pixels: Pixels, height: int, width: int) -> Pixels:
    """Pixels [h, w, 3] or a mask [h, w] at another size (Lanczos, antialiased)."""
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0))
