"""Reading and writing pictures: any file becomes upright 8-bit sRGB pixels, and only pixels are written.

A file is read in two stages. First its envelope (see `envelopes`): files that are too large, animated or not
pictures are refused before anything is decoded, and metadata is cut off. Then Pillow decodes the pixels. No
global setting of Pillow is changed, so other threads are not affected.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from studio.errors import Unreadable
from studio.images.colours import converted, from_lab, is_profile, through_profile
from studio.images.decoding import decode
from studio.images.envelope import LARGEST_INPUT, Envelope, FileFlaw
from studio.images.envelopes import FORMATS, wrong_kind

Pixels = NDArray[np.uint8]

SMALLEST_INPUT_SIDE = 16

LONGEST_SHAPE = 16
"""How many times longer than wide a picture may be. Thinner ones leave no room for a network's deep
layers.
"""


@dataclass(frozen=True)
class Picture:
    """A picture as the studio works on it.

    pixels: uint8 [height, width, 3], sRGB, upright. alpha: uint8 [height, width], 255 is opaque; None if all
    of it is opaque. notes: what was changed while reading the file, a sentence each. density: pixels per
    inch, as the file says, or None.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    notes: tuple[str, ...] = ()
    density: float | None = None


READING_RULES = 4
"""How pictures are read. 1: up to 0.2.1, without gamma, primaries, code points and XMP's orientation, and
resized without regard to alpha. 2: in 0.3, without the file's density. 3: up to 0.6, without the range that a
TIFF states for its samples. A work that was made by those rules is
made again by them.
"""


LARGEST_WORK = 8192 * 8192
"""Pixels of the largest picture that the studio makes."""


def read_picture(
    content: bytes, name: str = "The picture", *, rules: int = READING_RULES, whole: bool = False
) -> Picture:
    """Decode a picture of any of `FORMATS` of up to `LARGEST_INPUT` pixels.

    Larger photos are reduced to that, JPEGs while they are decoded. The orientation is applied, colours are
    converted to sRGB, 16 bits are reduced to 8, alpha is kept. Raises `Unreadable` with one sentence that
    starts with `name`, whatever the bytes are. whole: up to `LARGEST_WORK` pixels it is not reduced.
    """
    try:
        return _read(content, rules, whole)
    except FileFlaw as flaw:
        raise Unreadable(f"{name} {flaw}") from None


def picture_size(content: bytes) -> tuple[int, int]:
    """(width, height) that `read_picture` would give, by the headers; (0, 0) for what is no picture."""
    try:
        envelope = _surveyed(content)[1]
    except FileFlaw:
        return 0, 0
    width, height = (-(-side // envelope.reduced) for side in (envelope.width, envelope.height))
    turned = (envelope.orientation or envelope.raw_orientation or envelope.xmp_orientation) in range(5, 9)
    return (height, width) if turned else (width, height)


def write_png(pixels: Pixels, alpha: Pixels | None = None, density: float | None = None) -> bytes:
    """PNG of pixels [h, w, 3] and optionally alpha [h, w]. Marked as sRGB and, where it is given, with the
    density in pixels per inch, without other metadata. The same pixels give the same bytes.
    """
    marks = PngInfo()
    marks.add(b"sRGB", b"\x00")
    written = io.BytesIO()
    picture = Image.fromarray(pixels if alpha is None else np.dstack([pixels, alpha]))
    dots = {} if density is None else {"dpi": (density, density)}
    picture.save(written, "PNG", pnginfo=marks, **dots)
    return written.getvalue()


def write_jpeg(pixels: Pixels, *, longest_side: int | None = None, quality: int = 85) -> bytes:
    """JPEG of pixels [h, w, 3], reduced (never enlarged) so that no side is longer than `longest_side`. No
    metadata.
    """
    height, width = pixels.shape[:2]
    picture = Image.fromarray(pixels)
    if longest_side is not None and max(height, width) > longest_side:
        height, width = fit_within(height, width, longest_side)
        # Previews are made between two steps. Averaging whole pixels first makes this several times faster.
        picture = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=1.5)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=quality)
    return written.getvalue()


def fit_within(height: int, width: int, longer_side: int) -> tuple[int, int]:
    """(height, width) in the same proportion, the longer side `longer_side` and the shorter at least 1."""
    longest = max(height, width)
    return max(1, round(height * longer_side / longest)), max(1, round(width * longer_side / longest))


def resize(pixels: Pixels, height: int, width: int) -> Pixels:
    """Pixels [h, w, 3] or a mask [h, w] at another size (Lanczos, antialiased): a new array."""
    if pixels.shape[:2] == (height, width):
        return pixels.copy()
    return np.array(
        Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    )


def resize_cut_out(pixels: Pixels, alpha: Pixels, height: int, width: int) -> Pixels:
    """Pixels [h, w, 3] at another size, weighted by their alpha [h, w], so that what is transparent leaves no
    fringe around what is not (Porter and Duff, 1984). Where all is transparent, as `resize` gives them.
    """
    plain = resize(pixels, height, width)
    if pixels.shape[:2] == (height, width):
        return plain

    def scaled(plane: NDArray[Any]) -> NDArray[Any]:
        image = Image.fromarray(plane).resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        return np.asarray(image)

    weight = alpha.astype(np.float32) / 255
    covered = scaled(weight)
    shown = covered > 1 / 512
    for channel in range(3):
        light = scaled(pixels[..., channel] * weight)
        exact = np.rint((light[shown] / covered[shown]).clip(0, 255))
        plain[..., channel][shown] = exact.astype(np.uint8)
    return plain


def _surveyed(content: bytes) -> tuple[str, Envelope]:
    """Which decoder reads a file, and what its headers say. Raises `FileFlaw`."""
    if not content:
        raise FileFlaw("is empty (0 bytes); copy or download it again.")
    file_format = next((known for known in FORMATS if known.signature.match(content)), None)
    if file_format is None:
        raise FileFlaw(wrong_kind(content))
    try:
        envelope = file_format.surveyed(content)
    except (struct.error, IndexError, ValueError, OverflowError):
        raise FileFlaw(f"is not a whole {file_format.name} file; copy or download it again.") from None
    return envelope.inside or file_format.name, envelope


def _read(content: bytes, rules: int, whole: bool) -> Picture:
    decoder, envelope = _surveyed(content)
    largest = LARGEST_INPUT
    if whole and envelope.width * envelope.height <= LARGEST_WORK:
        envelope, largest = replace(envelope, reduced=1), LARGEST_WORK
    if rules == 1:
        envelope = replace(envelope, space=None, raw_orientation=0, xmp_orientation=0, high_range="")
    _check(envelope, largest)
    notes: list[str] = []
    colours, alpha = decode(envelope, decoder, notes, all_kinds=rules > 1, ranges=rules > 3)
    return _upright(_to_srgb(colours, envelope, notes), alpha, envelope, notes)


def _check(envelope: Envelope, largest: int) -> None:
    width, height = envelope.width, envelope.height
    size = f"{width} x {height} pixels"
    if envelope.high_range:
        raise FileFlaw(
            f"has colours for HDR screens ({envelope.high_range}); export it in standard dynamic range (SDR)."
        )
    if width < 1 or height < 1:
        raise FileFlaw(f"claims to have {size}; save it again as a plain PNG or JPEG.")
    if width * height > largest * envelope.reduced**2 and envelope.largest > LARGEST_INPUT:
        raise FileFlaw(
            f"has {size}, {width * height / 1e6:.0f} megapixels, which take {envelope.needs / 1e9:.1f} GB to "
            f"decode; scale it down to at most {envelope.largest // 10**6} megapixels, or save it as JPEG, "
            "which is reduced while it is decoded."
        )
    if width * height > largest * envelope.reduced**2:
        raise FileFlaw(
            f"has {size}, {width * height / 1e6:.0f} megapixels; scale it down first: up to "
            f"{LARGEST_INPUT / 1e6:.0f} megapixels are fine in any format."
        )
    if min(width, height) < SMALLEST_INPUT_SIDE:
        raise FileFlaw(f"has only {size}; choose one with at least {SMALLEST_INPUT_SIDE} on each side.")
    if max(width, height) > LONGEST_SHAPE * min(width, height):
        raise FileFlaw(
            f"has {size}, which is too narrow; crop it to at most {LONGEST_SHAPE} times as long as wide."
        )


BAD_PROFILE = "Its colour profile is damaged or does not match, so it was ignored."


def _to_srgb(colours: Image.Image, envelope: Envelope, notes: list[str]) -> Image.Image:
    """By the file's own profile if it has one that matches, otherwise by the usual meaning of its mode."""
    space = envelope.space
    if envelope.profile:
        try:
            found = through_profile(colours, envelope.profile)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            notes.append(BAD_PROFILE)
            # Browsers fall back on gamma only where the profile is none at all.
            space = None if is_profile(envelope.profile) else space
        else:
            if found is None:
                return colours if colours.mode == "RGB" else colours.convert("RGB")
            notes.append(f"Colours were converted from the profile '{found[1]}' to sRGB.")
            return found[0]
    elif envelope.broken_profile:
        notes.append(BAD_PROFILE)
    if space is not None and colours.mode in ("L", "RGB"):
        notes.append(f"Colours were converted from {space.name} to sRGB.")
        if colours.mode == "L" and envelope.bits == 16:
            return colours.convert("RGB")  # done with all 16 bits
        return converted(colours, space)
    if colours.mode == "CMYK":
        notes.append("Its ink colours (CMYK) have no usable profile, so they are approximate.")
    if colours.mode == "LAB":
        notes.append("Colours were converted from L*a*b* to sRGB.")
        return from_lab(colours)
    return colours if colours.mode == "RGB" else colours.convert("RGB")


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How a picture is rotated upright, by its EXIF orientation (Exif 2.32, tag 0x0112)."""


def _upright(
    colours: Image.Image, alpha: Image.Image | None, envelope: Envelope, notes: list[str]
) -> Picture:
    turn = TURNS.get(envelope.orientation or envelope.raw_orientation or envelope.xmp_orientation)
    if turn is not None:
        colours = colours.transpose(turn)
        alpha = alpha.transpose(turn) if alpha is not None else None
        notes.append("It was rotated upright, as recorded by the camera.")
    pixels = _samples(colours)
    opacity = _samples(alpha) if alpha is not None and alpha.getextrema() != (255, 255) else None
    if opacity is not None:
        notes.append("Its transparency is kept.")
        hidden = opacity == 0
        if hidden.any() and not hidden.all():
            # Erased parts often keep their old colours under full transparency. They would show up in a
            # dream.
            for channel in range(3):
                plane = pixels[..., channel]
                np.copyto(plane, np.uint8(round(float(plane.mean(where=~hidden)))), where=hidden)
    if envelope.chosen:
        notes.append(envelope.chosen)
    if envelope.frames > 1:
        notes.append("It is an animation; its first frame was used.")
    if envelope.pages > 1:
        notes.append(f"It has {envelope.pages} pages; the first was used.")
    if envelope.has_place:
        notes.append("It contains location data; that and its other metadata are never saved in a result.")
    elif envelope.has_metadata:
        notes.append("Its metadata (camera, dates, comments) is never saved in a result.")
    return Picture(pixels, opacity, tuple(notes), envelope.density)


def _samples(image: Image.Image) -> Pixels:
    """np.array(image), strip by strip: otherwise Pillow would hold three copies of a large picture."""
    bands = len(image.getbands())
    samples = np.empty(
        (image.height, image.width, bands) if bands > 1 else (image.height, image.width), dtype=np.uint8
    )
    for top in range(0, image.height, 256):
        bottom = min(top + 256, image.height)
        samples[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return samples
