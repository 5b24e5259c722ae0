"""How a picture looks, in 32 bytes: works are found again by it after their recipe was lost.

Two steps. The hash is which of the coarsest 256 waves of the picture in grey are strong (a discrete cosine
transform, as in Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010). It
survives another size, JPEG and other brightness, and finds the few works that may be meant. Looks of one
photo differ little there, so those few are then compared in detail: the thumbnails, without their broad
shapes, are laid over each other at a few sizes and all small shifts, and what counts is how well they
correlate.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

SIDE, WAVES = 64, 16
"""Pixels of the small picture a hash is made of, and waves in each direction."""

DETAIL = 128
"""Pixels of the side at which details are compared."""

FARTHEST_SHIFT = 8
CROPS = (0.0, 0.01, 0.02, 0.03, 0.04, 0.06)
"""Shares that may have been cut off each side."""

BOX = Image.Resampling.BOX

Grey = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """A picture prepared for being compared. hash: 32 bytes. greys: [DETAIL, DETAIL], 0..255. ratio: width /
    height. size: its width and height, as far as they are below DETAIL.
    """

    hash: bytes
    greys: Grey
    ratio: float
    size: tuple[int, int] = (DETAIL, DETAIL)


def look_of(picture: Image.Image) -> Look:
    """The look of a picture, without a plain border around it."""
    grey = picture.convert("L")
    grey = grey.crop(_inside(grey))
    size = (min(grey.width, DETAIL), min(grey.height, DETAIL))
    greys = _greys(grey, DETAIL) if size == (DETAIL, DETAIL) else _enlarged(grey.resize(size, BOX))
    return Look(hash_of(grey), greys, grey.width / grey.height, size)


def look_of_file(content: bytes) -> Look:
    """The look of a file that Pillow can read, such as a thumbnail. Raises what Pillow raises."""
    with Image.open(io.BytesIO(content)) as opened:
        return look_of(opened)


def hash_of(grey: Image.Image) -> bytes:
    """256 bits of a picture of mode L: which of its coarsest waves lie above their median."""
    waves = _cosines() @ _greys(grey, SIDE) @ _cosines().T
    strengths = waves.ravel()[1:]  # the first is the brightness
    bits = np.append(strengths > _median(strengths), False)
    return np.packbits(bits).tobytes()


def distance(first: bytes, second: bytes) -> int:
    """Bits in which two hashes differ, 0 to 255."""
    return (int.from_bytes(first) ^ int.from_bytes(second)).bit_count()


def likeness(known: Look, found: Look) -> float:
    """How well the details of two pictures agree, -1 to 1, `found` perhaps having lost its edges. Where it is
    small, `known` is made as small first: finer details than both have do not count.
    """
    wanted = _details(found.greys)
    best = -1.0
    small = found.size != (DETAIL, DETAIL)
    for crop in CROPS:
        edge = DETAIL * crop
        whole = Image.fromarray(known.greys.astype(np.uint8))
        box = (edge, edge, DETAIL - edge, DETAIL - edge)
        inner = whole.resize((DETAIL, DETAIL), Image.Resampling.BICUBIC, box=box)
        greys = _enlarged(inner.resize(found.size, BOX)) if small else np.asarray(inner, np.float64)
        best = max(best, _correlation(_details(greys), wanted))
    return best


def _correlation(first: Grey, second: Grey) -> float:
    """The largest correlation over all shifts of up to `FARTHEST_SHIFT` pixels."""
    spectrum = np.fft.rfft2(first) * np.conj(np.fft.rfft2(second))
    every = np.fft.irfft2(spectrum, first.shape)
    near = np.r_[0 : FARTHEST_SHIFT + 1, -FARTHEST_SHIFT:0]
    strength = np.sqrt((first**2).sum() * (second**2).sum())
    return float(every[np.ix_(near, near)].max() / max(strength, 1e-9))


def _details(greys: Grey) -> Grey:
    """Without broad shapes; every place counts alike, whatever its contrast."""
    image = Image.fromarray(greys.astype(np.uint8))
    smooth = np.asarray(image.filter(ImageFilter.GaussianBlur(4)), np.float64)
    fine = np.asarray(image.filter(ImageFilter.GaussianBlur(0.7)), np.float64) - smooth
    local = Image.fromarray(np.abs(fine).clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(8))
    even = fine / (np.asarray(local, np.float64) + 4)
    centred: Grey = even - even.mean()
    return centred


def _greys(grey: Image.Image, side: int) -> Grey:
    return np.asarray(grey.resize((side, side), Image.Resampling.BOX), np.float64)


def _enlarged(grey: Image.Image) -> Grey:
    """A picture that is smaller than DETAIL, without the edges that BOX would give its pixels."""
    return np.asarray(grey.resize((DETAIL, DETAIL), Image.Resampling.BICUBIC), np.float64)


def _cosines() -> Grey:
    """[WAVES, SIDE]: the coarsest waves of a DCT-II."""
    places = (np.arange(SIDE) + 0.5) * np.pi / SIDE
    return np.cos(np.arange(WAVES)[:, None] * places)


def _median(values: NDArray[Any]) -> float:
    """NumPy's loads its masked arrays first, which takes longer than all of a hash."""
    ordered = np.sort(values, axis=None)
    middle = ordered.size // 2
    return float(ordered[middle]) if ordered.size % 2 else float(ordered[middle - 1 : middle + 1].mean())


def _inside(grey: Image.Image) -> tuple[int, int, int, int]:
    """Where a picture is within a plain border, as a screenshot has one; all of it where there is none."""
    samples = np.asarray(grey, np.int16)
    whole = (0, 0, grey.width, grey.height)
    corners = samples[[0, 0, -1, -1], [0, -1, 0, -1]]
    if np.ptp(corners) > 6:
        return whole
    busy = np.abs(samples - int(_median(corners))) > 12
    rows, columns = (np.flatnonzero(busy.mean(axis=axis) > 0.02) for axis in (1, 0))
    if len(rows) < grey.height // 4 or len(columns) < grey.width // 4:
        return whole
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
