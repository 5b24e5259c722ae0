"""Reading and writing pictures: any file becomes upright 8-bit sRGB pixels, and only pixels are written.

A file is read in two stages. First its envelope (see `envelopes`): files that are too large, animated or not
pictures are refused before anything is decoded, and metadata is cut off. Then Pillow decodes the pixels. No
global setting of Pillow is changed, so other threads are not affected.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from studio.errors import Unreadable
from studio.images.envelopes import FORMATS, LARGEST_INPUT, Envelope, FileFlaw, wrong_kind

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
    of it is opaque. notes: what was changed while reading the file, a sentence each.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    notes: tuple[str, ...] = ()


def read_picture(content: bytes, name: str = "The picture") -> Picture:
    """Decode a JPEG, PNG, WebP, TIFF, BMP or GIF of up to `LARGEST_INPUT` pixels.

    The EXIF orientation is applied, colour profiles are converted to sRGB, 16 bits are reduced to 8, alpha is
    kept. Raises `Unreadable` with one sentence that starts with `name`, whatever the bytes are.
    """
    try:
        return _read(content)
    except FileFlaw as flaw:
        raise Unreadable(f"{name} {flaw}") from None


def write_png(pixels: Pixels, alpha: Pixels | None = None) -> bytes:
    """PNG of pixels [h, w, 3] and optionally alpha [h, w]. Marked as sRGB, without other metadata. The same
    pixels give the same bytes.
    """
    marks = PngInfo()
    marks.add(b"sRGB", b"\x00")
    written = io.BytesIO()
    Image.fromarray(pixels if alpha is None else np.dstack([pixels, alpha])).save(
        written, "PNG", pnginfo=marks
    )
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


def _read(content: bytes) -> Picture:
    if not content:
        raise FileFlaw("is empty (0 bytes); copy or download it again.")
    file_format = next((known for known in FORMATS if known.signature.match(content)), None)
    if file_format is None:
        raise FileFlaw(wrong_kind(content))
    try:
        envelope = file_format.survey(content)
    except (struct.error, IndexError, ValueError, OverflowError):
        raise FileFlaw(f"is not a whole {file_format.name} file; copy or download it again.") from None
    _check(envelope)
    notes: list[str] = []
    colours, alpha = _decode(envelope, file_format.name, notes)
    return _upright(_to_srgb(colours, envelope, notes), alpha, envelope, notes)


def _decode(envelope: Envelope, file_format: str, notes: list[str]) -> tuple[Image.Image, Image.Image | None]:
    # Decoders raise almost any exception for broken bytes (OSError, SyntaxError, ValueError, KeyError …).
    try:
        with Image.open(io.BytesIO(envelope.bare), formats=(file_format.upper(),)) as opened:
            if opened.width * opened.height > LARGEST_INPUT:
                raise ValueError("larger than its header says")
            opened.load()
            return _in_eight_bits(opened, envelope, notes)
    except Exception as error:
        if "truncated" in str(error) or isinstance(error, EOFError):
            raise FileFlaw("ends too early, so part of it is missing; copy or download it again.") from None
        raise FileFlaw(
            f"is a damaged or unusual {file_format} file; save it again as a plain PNG or JPEG."
        ) from None


def _check(envelope: Envelope) -> None:
    width, height = envelope.width, envelope.height
    size = f"{width} x {height} pixels"
    if envelope.frames > 1:
        raise FileFlaw(
            "is an animation; open it in an image editor, export the frame you want as PNG, and choose that."
        )
    if width < 1 or height < 1:
        raise FileFlaw(f"claims to have {size}; save it again as a plain PNG or JPEG.")
    if width * height > LARGEST_INPUT:
        raise FileFlaw(
            f"has {size}, {width * height / 1e6:.0f} megapixels; scale it down to at most "
            f"{LARGEST_INPUT / 1e6:.0f} megapixels first."
        )
    if min(width, height) < SMALLEST_INPUT_SIDE:
        raise FileFlaw(f"has only {size}; choose one with at least {SMALLEST_INPUT_SIDE} on each side.")
    if max(width, height) > LONGEST_SHAPE * min(width, height):
        raise FileFlaw(
            f"has {size}, which is too narrow; crop it to at most {LONGEST_SHAPE} times as long as wide."
        )


# From the decoder's pixels to 8-bit sRGB


def _in_eight_bits(
    opened: Image.Image, envelope: Envelope, notes: list[str]
) -> tuple[Image.Image, Image.Image | None]:
    """The picture in mode L, RGB, CMYK or LAB, and its alpha (mode L) if it has one."""
    mode = opened.mode
    if envelope.bits in (12, 16):
        notes.append(f"Its {envelope.bits} bits per channel were reduced to 8.")
    if mode.startswith("I;16"):
        # A table of 65,536 entries avoids 40 megapixels in floating point.
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
        # Pillow reduces the samples to their upper 8 bits, but not the transparent colour.
        opened.info["transparency"] = tuple(sample >> 8 for sample in envelope.clear)
    if has_clear or mode in ("RGBA", "RGBa", "La", "PA"):
        whole = opened if mode == "RGBA" else opened.convert("RGBA")
        return whole.convert("RGB"), whole.getchannel("A")
    return opened.convert("RGB"), None


def _stretched(samples: NDArray[np.generic], envelope: Envelope, notes: list[str]) -> Image.Image:
    """Signed and 32-bit greys have no defined white. Floating point within 0..1 is used as it is; everything
    else is scaled from darkest to lightest.
    """
    light = np.nan_to_num(samples.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    darkest, lightest = float(light.min()), float(light.max())
    if not (samples.dtype.kind == "f" and darkest >= 0 and lightest <= 1):
        light = (light - darkest) / max(lightest - darkest, 1e-12)
        notes.append("Its greys have no defined white, so they were scaled from the darkest to the lightest.")
    if envelope.inverted:
        light = 1 - light
    return Image.fromarray(np.rint(light * 255).astype(np.uint8))


def _to_srgb(colours: Image.Image, envelope: Envelope, notes: list[str]) -> Image.Image:
    """By the file's own profile if it has one that matches, otherwise by the usual meaning of its mode."""
    converted = None
    if envelope.profile:
        try:
            converted = _through_profile(colours, envelope.profile, notes)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            notes.append("Its colour profile is damaged or does not match, so it was ignored.")
    elif envelope.broken_profile:
        notes.append("Its colour profile is damaged or does not match, so it was ignored.")
    if converted is not None:
        return converted
    if colours.mode == "CMYK":
        notes.append("Its ink colours (CMYK) have no usable profile, so they are approximate.")
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
        # A profile that is sRGB by another name would only add rounding errors. A grid of colours tells.
        grid = np.stack(np.meshgrid(*[np.arange(0, 256, 15, dtype=np.uint8)] * 3), -1).reshape(1, -1, 3)
        moved = np.asarray(_transformed(Image.fromarray(grid), profile))
        if np.abs(moved.astype(int) - grid).max() <= 1:
            return colours
    description = ImageCms.getProfileDescription(profile)
    called = "".join(sign for sign in description if sign.isprintable()).strip()[:60]
    notes.append(f"Colours were converted from the profile '{called or space}' to sRGB.")
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
"""How a picture is rotated upright, by its EXIF orientation (Exif 2.32, tag 0x0112)."""


def _upright(
    colours: Image.Image, alpha: Image.Image | None, envelope: Envelope, notes: list[str]
) -> Picture:
    turn = TURNS.get(envelope.orientation)
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
    if envelope.pages > 1:
        notes.append(f"It has {envelope.pages} pages; the first was used.")
    if envelope.has_place:
        notes.append("It contains location data; that and its other metadata are never saved in a result.")
    elif envelope.has_metadata:
        notes.append("Its metadata (camera, dates, comments) is never saved in a result.")
    return Picture(pixels, opacity, tuple(notes))


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
