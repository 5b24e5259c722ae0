"""From a picture file's own samples to 8 bits, with alpha beside them."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studio.images.colours import linear_to_srgb
from studio.images.envelope import LARGEST_INPUT, Envelope, FileFlaw
from studio.images.heif import decode_heif
from studio.images.photoshop import decode_psd
from studio.images.png_strips import comes_in_strips, png_strips
from studio.images.tiff_samples import (
    BLACK_IS_ZERO,
    COLOURS,
    ICC_LAB,
    LAB,
    RGB,
    UNPACKED_HERE,
    WHITE_IS_ZERO,
    TiffLayout,
    read_samples,
    tiff_layout,
)

Decoded = tuple[Image.Image, Image.Image | None]
"""Colours (mode L, RGB, CMYK or LAB) and opacity (mode L), if the file has any."""

NO_WHITE = "have no defined white, so they were scaled from the darkest to the lightest."


def decode(
    envelope: Envelope, file_format: str, notes: list[str], *, all_kinds: bool = True, ranges: bool = True
) -> Decoded:
    """The pixels of a surveyed file, 8 bits a sample. Raises `FileFlaw` for a damaged or unknown one.

    all_kinds: also TIFF samples that only this studio unpacks; older releases left them to Pillow. ranges:
    by the range that a TIFF states for its samples.
    """
    layout = None
    # Decoders raise almost any exception for broken bytes (OSError, SyntaxError, ValueError, KeyError …).
    try:
        if file_format == "TIFF" and all_kinds:
            layout = tiff_layout(envelope.bare)
            layout = layout if ranges else replace(layout, white=None)
            if layout.read_here:
                return _from_samples(envelope, layout, notes, reduces=ranges)
        if file_format == "PSD":
            _say_bits(envelope, notes)
            _say_reduced(envelope, notes)
            return decode_psd(envelope.bare, envelope.reduced)
        with _opened(envelope, file_format) as opened:
            if opened.width * opened.height > max(LARGEST_INPUT, envelope.width * envelope.height):
                raise ValueError("larger than its header says")
            if envelope.reduced > 1 and file_format == "JPEG":
                _draft(opened, envelope, notes)
            elif envelope.reduced > 1 and not _halve(opened, envelope, notes):
                strips = _strips_of(opened, file_format, envelope)
                return _in_strips(strips, opened.size, envelope, notes)
            opened.load()
            decoded = _in_eight_bits(opened, envelope, notes)
            _say_dark(decoded[0], layout, notes)
            return decoded
    except FileFlaw:
        raise
    except OverflowError:
        raise FileFlaw("has too many bytes of samples; save it with 8 or 16 bits per sample.") from None
    except Exception as error:
        if "truncated" in str(error) or isinstance(error, EOFError | zlib.error):
            raise FileFlaw("ends too early, so part of it is missing; copy or download it again.") from None
        if layout is not None and _unusual(layout):
            raise FileFlaw(_unusual(layout)) from None
        raise FileFlaw(
            f"is a damaged or unusual {file_format} file; save it again as a plain PNG or JPEG."
        ) from None


def _opened(envelope: Envelope, file_format: str) -> Image.Image:
    if file_format == "HEIC":
        return decode_heif(envelope.bare)
    # Image.open would refuse what Pillow holds for too large. Sizes were looked at before.
    Image.init()
    opened: Image.Image = Image.OPEN[file_format.upper().replace(" ", "")][0](io.BytesIO(envelope.bare), "")
    return opened


def _draft(opened: Image.Image, envelope: Envelope, notes: list[str]) -> None:
    """Set a JPEG to be decoded at a half, a quarter or an eighth of its size."""
    width, height = opened.size
    opened.draft(None, (width // envelope.reduced, height // envelope.reduced))
    if opened.width * opened.height > LARGEST_INPUT:
        raise ValueError("cannot be reduced")
    notes.append(
        f"Its {width * height / 1e6:.0f} megapixels were reduced to {opened.width} x {opened.height} pixels."
    )


def _halve(opened: Any, envelope: Envelope, notes: list[str]) -> bool:
    """Set a JPEG 2000 to be decoded at half its size, if it is to be reduced and can be."""
    if envelope.reduced != 2 or not envelope.halvings:
        return False
    opened.reduce = 1  # Pillow counts halvings
    _say_reduced(envelope, notes)
    return True


def _say_reduced(envelope: Envelope, notes: list[str]) -> None:
    step = envelope.reduced
    if step > 1:
        width, height = -(-envelope.width // step), -(-envelope.height // step)
        pixels = envelope.width * envelope.height
        notes.append(f"Its {pixels / 1e6:.0f} megapixels were reduced to {width} x {height} pixels.")


def _say_bits(envelope: Envelope, notes: list[str]) -> None:
    if envelope.bits in (10, 12, 16):
        notes.append(f"Its {envelope.bits} bits per channel were reduced to 8.")


def _say_dark(light: Image.Image, layout: TiffLayout | None, notes: list[str]) -> None:
    """Says that 16-bit samples may hold fewer bits. Nothing in such a file says so: MaxSampleValue is "not to
    be used to affect the visual appearance" (TIFF 6.0, section 8).
    """
    if layout is None or set(layout.bits) != {16} or layout.kind != 1:
        return
    if layout.photometric not in (BLACK_IS_ZERO, RGB):
        return
    lightest = max(int(np.asarray(band).max()) for band in light.split())
    if 0 < lightest <= 64:
        notes.append(
            "Its 16-bit samples use at most the darkest quarter of their range, so it is as dark as the file "
            "says; if they hold 12 or 14 bits, save it with 8 bits, or with SMaxSampleValue."
        )


def _strips_of(opened: Image.Image, file_format: str, envelope: Envelope) -> Iterator[Image.Image]:
    """A picture from top to bottom, in strips that become `STRIP` rows. Most decoders unpack it whole."""
    rows = STRIP * envelope.reduced
    if file_format == "PNG" and comes_in_strips(envelope.bare):
        return png_strips(envelope.bare, rows)
    opened.load()
    tops = range(0, opened.height, rows)
    return (opened.crop((0, top, opened.width, min(top + rows, opened.height))) for top in tops)


def _in_strips(
    strips: Iterable[Image.Image], size: tuple[int, int], envelope: Envelope, notes: list[str]
) -> Decoded:
    """A picture in 8 bits at one part in `envelope.reduced` of its sides: the mean of each square of pixels,
    weighted by their alpha. strips: of `STRIP` rows of the reduced picture each, so that no copy of the whole
    is made. size: width and height of the whole.
    """
    step = envelope.reduced
    _say_reduced(envelope, notes)
    width, height = -(-size[0] // step), -(-size[1] // step)
    colours: Image.Image | None = None
    opacity: Image.Image | None = None
    said = notes
    for top, strip in zip(range(0, height, STRIP), strips, strict=True):
        if strip.mode in ("I", "F") and not envelope.deep_greys:
            raise OverflowError
        light, alpha = _smaller(*_in_eight_bits(strip, envelope, said), step)
        said = []
        if alpha is not None:
            opacity = opacity or Image.new("L", (width, height), 255)
            opacity.paste(alpha, (0, top))
        colours = colours or Image.new(light.mode, (width, height))
        colours.paste(light, (0, top))
    assert colours is not None
    return colours, opacity


def _smaller(light: Image.Image, alpha: Image.Image | None, step: int) -> Decoded:
    """The mean of each square of pixels, weighted by their alpha."""
    if alpha is None:
        return light.reduce(step), None
    weighted = Image.merge("RGBA", (*light.convert("RGB").split(), alpha)).convert("RGBa")
    whole = weighted.reduce(step).convert("RGBA")
    return whole.convert("RGB"), whole.getchannel("A")


STRIP = 128
"""Rows of the reduced picture that are worked on at once."""


def _unusual(layout: TiffLayout) -> str:
    """What is rare about a TIFF that could not be read, and what to do, or "" if nothing is."""
    common = layout.kind == 1 and set(layout.bits) <= {1, 2, 4, 8, 16} and len(set(layout.bits)) == 1
    if not common or layout.photometric not in (*COLOURS, 3, 6):
        return (
            f"is a TIFF of {layout.called} samples, which cannot be read; save it with 8 or 16 bits of RGB."
        )
    if layout.compression not in (*UNPACKED_HERE, 2, 3, 4, 7):
        return f"is a TIFF of a rare compression (number {layout.compression}); save it without compression."
    return ""


def _from_samples(envelope: Envelope, layout: TiffLayout, notes: list[str], *, reduces: bool) -> Decoded:
    """Samples of any type as 8 bits. reduces: where the picture is larger than any that is opened whole."""
    decoded = _of_samples(read_samples(envelope.bare, layout), layout, notes)
    if not reduces or envelope.reduced == 1:
        return decoded
    _say_reduced(envelope, notes)
    return _smaller(*decoded, envelope.reduced)


def _of_samples(samples: NDArray[np.generic], layout: TiffLayout, notes: list[str]) -> Decoded:
    """Samples [h, w, n] of any type as 8 bits."""
    bits = samples.dtype.itemsize * 8
    shades = samples[..., : COLOURS[layout.photometric]]
    opacity = None if layout.alpha is None else _levels(samples[..., layout.alpha], layout.white)
    reduced = f"Its {bits} bits per channel were reduced to 8."
    if bits == 16 or (bits > 8 and samples.shape[2] > 1):
        notes.append(reduced)
    said = len(notes)
    if layout.photometric in (LAB, ICC_LAB):
        light = _lab_levels(shades, layout.photometric)
    elif samples.dtype.kind == "f" or (bits == 32 and shades.shape[2] == 1):
        light = _stretched(shades, "greys" if shades.shape[2] == 1 else "colours", notes)
    else:
        light = np.dstack([_levels(shades[..., channel], layout.white) for channel in range(shades.shape[2])])
    if bits > 16 and samples.shape[2] == 1 and len(notes) == said:
        notes.append(reduced)  # else it was said how they were scaled
    if layout.photometric == WHITE_IS_ZERO:
        light = 255 - light
    if opacity is not None and layout.premultiplied:
        light = np.minimum(light * 255.0 / np.maximum(opacity, 1)[..., None] + 0.5, 255).astype(np.uint8)
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[light.shape[2]]
    if layout.photometric in (LAB, ICC_LAB):
        mode = "LAB"
    height, width = light.shape[:2]
    colours = Image.frombytes(mode, (width, height), light.tobytes())
    return colours, None if opacity is None else Image.fromarray(opacity)


def _levels(samples: NDArray[Any], stated: int | None = None) -> NDArray[np.uint8]:
    """Unsigned integers, or floating point of 0..1, as 0..255, rounded. stated: the white of 16 bits."""
    if samples.dtype == np.uint8:
        return samples.astype(np.uint8)
    if samples.dtype == np.uint16:
        light: NDArray[np.uint8] = _table(stated or 65535)[samples]
        return light
    white = 1.0 if samples.dtype.kind == "f" else 2.0**32 - 1
    whole = np.nan_to_num(samples.astype(np.float64), nan=0.0, posinf=white, neginf=0.0)
    return np.rint(whole.clip(0, white) * (255 / white)).astype(np.uint8)


def _lab_levels(samples: NDArray[np.generic], photometric: int) -> NDArray[np.uint8]:
    """L*a*b* [h, w, 3] as Pillow keeps it: lightness 0..255, a* and b* in two's complement.

    CIELab has signed a* and b*; ICCLab has an offset of 128, and white is 0xFF00 in 16 bits (Adobe Photoshop
    TIFF Technical Notes; ICC.1:2001-04, 6.3.4.2).
    """
    if samples.dtype == np.uint8:
        light = samples.astype(np.uint8)
    else:
        whole = samples.astype(np.int64)
        light = np.empty(samples.shape, np.uint8)
        white = 65535 if photometric == LAB else 0xFF00
        light[..., 0] = np.minimum((whole[..., 0] * 255 + white // 2) // white, 255)
        signed = whole[..., 1:] if photometric == ICC_LAB else (whole[..., 1:] + 0x8000) % 0x10000
        light[..., 1:] = np.minimum((signed + 128) // 256, 255)
        if photometric == LAB:
            light[..., 1:] ^= 0x80
    if photometric == ICC_LAB:
        light[..., 1:] ^= 0x80
    return light


def _table(white: int) -> NDArray[np.uint8]:
    """The 8-bit level of each 16-bit sample with that white."""
    steps = np.arange(65536, dtype=np.int64)
    levels: NDArray[np.uint8] = np.minimum((steps * 255 + white // 2) // white, 255).astype(np.uint8)
    return levels


def _in_eight_bits(opened: Image.Image, envelope: Envelope, notes: list[str]) -> Decoded:
    """The picture in mode L, RGB, CMYK or LAB, and its alpha (mode L) if it has one."""
    mode = opened.mode
    _say_bits(envelope, notes)
    if mode.startswith("I;16"):
        return _deep_greys(np.asarray(opened), envelope)
    if mode == "I" and envelope.deep_greys:
        return _deep_greys(np.asarray(opened).clip(0, 65535).astype(np.uint16), envelope)
    if mode in ("I", "F"):
        light = _stretched(np.asarray(opened), "greys", notes)
        return Image.fromarray(255 - light if envelope.inverted else light), None
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
        if envelope.opaque:
            return opened.convert("RGB"), None
        if envelope.premultiplied and mode == "RGBA":
            opened = Image.frombytes("RGBa", opened.size, opened.tobytes())
        whole = opened if opened.mode == "RGBA" else opened.convert("RGBA")
        return whole.convert("RGB"), whole.getchannel("A")
    return opened.convert("RGB"), None


def _deep_greys(samples: NDArray[np.generic], envelope: Envelope) -> Decoded:
    """16-bit greys. A table of 65,536 entries avoids 40 megapixels in floating point."""
    light = _table(2**envelope.bits - 1)
    if envelope.space is not None:
        # Linear light needs its 16 bits: after the reduction, the darkest tones would be a few steps.
        signal = np.minimum(np.arange(65536) / (2**envelope.bits - 1), 1)
        light = np.rint(linear_to_srgb(envelope.space.to_linear(signal)) * 255).astype(np.uint8)
    alpha = (
        Image.fromarray(np.where(samples == envelope.clear[0], 0, 255).astype(np.uint8))
        if envelope.clear
        else None
    )
    return Image.fromarray((255 - light if envelope.inverted else light)[samples]), alpha


def _stretched(samples: NDArray[Any], what: str, notes: list[str]) -> NDArray[np.uint8]:
    """Signed and most 32-bit samples have no defined white. Floating point within 0..1 is used as it is, and
    32 unsigned bits that use the upper half of their range keep its white. Everything else is scaled from
    darkest to lightest.
    """
    if samples.dtype == np.uint32 and samples.max() >= 2**31:
        return _levels(samples)
    with np.errstate(over="ignore"):
        light = np.nan_to_num(samples.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    darkest, lightest = float(light.min()), float(light.max())
    if not (samples.dtype.kind == "f" and darkest >= 0 and lightest <= 1):
        light = (light - darkest) / max(lightest - darkest, 1e-12)
        notes.append(f"Its {what} {NO_WHITE}")
    return np.rint(light * 255).astype(np.uint8)
