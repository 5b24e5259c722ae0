"""The files that pictures are saved as. The same pixels give the same bytes, with the same libraries.

Each takes pixels uint8 [h, w, 3], sRGB; alpha uint8 [h, w] or None; density in pixels per inch or None.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from studio.images.pictures import Pixels, write_png

JPEG_QUALITY = 95
"""Dreams are all fine detail. At 95, with colour at full resolution (4:4:4), the works on show keep 36 to 39
dB in half the bytes of PNG; at 90 they fall to 30, and edges ring.
"""

PREDICTOR, HORIZONTAL = 317, 2
"""TIFF 6.0, section 14."""


def png_file(pixels: Pixels, alpha: Pixels | None = None, density: float | None = None) -> bytes:
    """PNG, without loss."""
    return write_png(pixels, alpha, density)


def jpeg_file(pixels: Pixels, alpha: Pixels | None = None, density: float | None = None) -> bytes:
    """JPEG of quality 95 with colour at full resolution. What is transparent lies on white."""
    if alpha is not None:
        opacity = alpha[..., None].astype(np.uint16)
        pixels = ((pixels * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)
    return _saved(Image.fromarray(pixels), "JPEG", density, quality=JPEG_QUALITY, subsampling=0)


def webp_file(pixels: Pixels, alpha: Pixels | None = None, density: float | None = None) -> bytes:
    """WebP, without loss."""
    if density is None:
        return _saved(_merged(pixels, alpha), "WEBP", None, lossless=True, exact=True)
    exif = Image.Exif()
    exif[0x011A] = exif[0x011B] = density
    exif[0x0128] = 2  # inches
    return _saved(_merged(pixels, alpha), "WEBP", None, lossless=True, exact=True, exif=exif.tobytes())


def tiff_file(pixels: Pixels, alpha: Pixels | None = None, density: float | None = None) -> bytes:
    """TIFF of 8 bits, packed without loss (LZW)."""
    options = {"compression": "tiff_lzw", "tiffinfo": {PREDICTOR: HORIZONTAL}}
    return _saved(_merged(pixels, alpha), "TIFF", density, **options)


def _merged(pixels: Pixels, alpha: Pixels | None) -> Image.Image:
    return Image.fromarray(pixels if alpha is None else np.dstack([pixels, alpha]))


def _saved(picture: Image.Image, file_format: str, density: float | None, **options: Any) -> bytes:
    if density is not None:
        options["dpi"] = (density, density)
    written = io.BytesIO()
    picture.save(written, file_format, **options)
    return written.getvalue()
