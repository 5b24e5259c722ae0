"""The flattened picture of a Photoshop file (Adobe Photoshop File Formats Specification, 2019), PSD and PSB.

Photoshop keeps the picture as it looks beside the layers. Layers themselves are not read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studio.images.density import per_inch
from studio.images.envelope import LARGEST_PROFILE, Envelope, FileFlaw, with_exif, with_xmp

BITMAP, GREY, INDEXED, RGB, INKS, MULTICHANNEL, DUOTONE, LAB = 0, 1, 2, 3, 4, 7, 8, 9
"""Colour modes of the header."""

COLOURS = {BITMAP: 1, GREY: 1, INDEXED: 1, RGB: 3, INKS: 4, DUOTONE: 1, LAB: 3}
"""Colour mode -> channels of colour; those that follow are alpha or selections."""

MOST_CHANNELS = 56

DENSITY, PROFILE, TRANSPARENT_INDEX, VERSION_INFO, EXIF, XMP = 1005, 1039, 1047, 1057, 1058, 1060
"""Image resources that matter here."""

AS_THEY_ARE, RLE = 0, 1
"""Compressions of the flattened picture that Photoshop writes."""


@dataclass(frozen=True)
class PhotoshopLayout:
    """Where a file's parts are. large: a PSB, whose lengths take 8 bytes. transparent: the first channel
    beyond the colours is opacity. clear: the index of an indexed picture that is transparent.
    """

    width: int
    height: int
    channels: int
    depth: int
    mode: int
    large: bool
    palette: bytes
    resources: tuple[int, int]
    transparent: bool
    pixels_at: int


def survey_psd(content: bytes) -> Envelope:
    """Sizes, profile and metadata. Raises `FileFlaw` for files that hold no flattened picture we can read."""
    layout = _layout(content)
    found = Envelope(layout.width, layout.height, bare=content, bits=layout.depth)
    if layout.mode not in COLOURS:
        raise FileFlaw("is a Photoshop file in a rare colour mode; convert it to RGB in Photoshop.")
    if layout.depth not in (1, 8, 16) or (layout.depth == 1) != (layout.mode == BITMAP):
        raise FileFlaw(f"has {layout.depth} bits per channel; convert it to 8 or 16 bits in Photoshop.")
    for kind, data in _resources(content, layout):
        if kind == PROFILE:
            found = replace(found, profile=data[:LARGEST_PROFILE])
        elif kind == EXIF:
            found = with_exif(found, data)
        elif kind == XMP:
            found = with_xmp(found, data)
        elif kind == DENSITY and len(data) >= 16:
            across, down = struct.unpack(">I4xI", data[:12])
            found = replace(found, density=per_inch(across / 65536, down / 65536))
        elif kind == VERSION_INFO and data[4:5] == b"\0":
            raise FileFlaw(
                "was saved without its flattened picture; save it with “Maximize compatibility”, or export "
                "it as PNG."
            )
    return found


def _layout(content: bytes) -> PhotoshopLayout:
    version, channels, height, width, depth, mode = struct.unpack_from(">H6xHIIHH", content, 4)
    large = version == 2
    if version not in (1, 2) or not 1 <= channels <= MOST_CHANNELS:
        raise ValueError("not a Photoshop file")
    (palette,) = struct.unpack_from(">I", content, 26)
    at = 30 + palette
    (resources,) = struct.unpack_from(">I", content, at)
    layers = at + 4 + resources
    (length,) = struct.unpack_from(">Q" if large else ">I", content, layers)
    begin = layers + (8 if large else 4)
    if begin + length + 2 > len(content):
        raise ValueError("cut short")
    return PhotoshopLayout(
        width,
        height,
        channels,
        depth,
        mode,
        large,
        palette=content[30 : 30 + palette],
        resources=(at + 4, layers),
        transparent=_first_alpha_is_opacity(content[begin : begin + length], large),
        pixels_at=begin + length,
    )


def _first_alpha_is_opacity(section: bytes, large: bool) -> bool:
    """A negative number of layers says so; in 16 bits it stands in a block of its own."""
    size = 8 if large else 4
    places = [0, *(section.find(key) + 8 for key in (b"8BIMLr16", b"8BIMLr32") if key in section)]
    for place in places:
        if place + size + 2 <= len(section) and any(section[place : place + size]):
            (count,) = struct.unpack_from(">h", section, place + size)
            if count:
                return bool(count < 0)
    return False


def _resources(content: bytes, layout: PhotoshopLayout) -> Iterator[tuple[int, bytes]]:
    at, end = layout.resources
    while at + 12 <= end and content[at : at + 4] in (b"8BIM", b"MeSa", b"PHUT", b"AgHg", b"DCSR"):
        (kind,) = struct.unpack_from(">H", content, at + 4)
        name = content[at + 6]
        at += 6 + name + 1 + (name + 1) % 2
        (length,) = struct.unpack_from(">I", content, at)
        yield kind, content[at + 4 : at + 4 + length]
        at += 4 + length + length % 2


def decode_psd(content: bytes, step: int = 1) -> tuple[Image.Image, Image.Image | None]:
    """Colours (mode L, RGB, CMYK or LAB) and opacity of the flattened picture, 8 bits a sample.

    step: of that many rows and columns, the mean is taken. Raises ValueError for what is damaged.
    """
    layout = _layout(content)
    colours = COLOURS[layout.mode]
    wanted = colours + (layout.transparent and layout.channels > colours)
    if layout.channels < colours:
        raise ValueError("channels are missing")
    planes = [_reduced(_plane(content, layout, number), step) for number in range(wanted)]
    light, opacity = planes[:colours], planes[colours] if wanted > colours else None
    if layout.mode == INDEXED:
        return _from_palette(content, layout, light[0])
    if layout.mode == INKS:
        light = [255 - plane for plane in light]
    if opacity is not None:
        whites = (0,) * 4 if layout.mode == INKS else (255, 128, 128) if layout.mode == LAB else (255,) * 3
        light = [_off_white(plane, opacity, white) for plane, white in zip(light, whites, strict=False)]
    if layout.mode == LAB:
        light = [light[0], *(plane ^ np.uint8(0x80) for plane in light[1:])]  # signed in Pillow
    mode = {1: "L", 3: "LAB" if layout.mode == LAB else "RGB", 4: "CMYK"}[colours]
    merged = Image.frombytes(
        mode, light[0].shape[::-1], np.stack(light, axis=-1).tobytes() if colours > 1 else light[0].tobytes()
    )
    return merged, None if opacity is None else Image.fromarray(opacity)


def _plane(content: bytes, layout: PhotoshopLayout, number: int) -> NDArray[np.uint8]:
    """A channel [height, width] in 8 bits."""
    row = -(-layout.width * layout.depth // 8)
    size = row * layout.height
    (compression,) = struct.unpack_from(">H", content, layout.pixels_at)
    at = layout.pixels_at + 2
    if compression == AS_THEY_ARE:
        raw = content[at + number * size : at + (number + 1) * size]
        if len(raw) < size:
            raise ValueError("truncated")
    elif compression == RLE:
        raw = _unpacked(content, layout, number, at, row)
    else:
        raise ValueError("a compression that Photoshop does not write here")
    samples = np.frombuffer(raw, np.uint8, size)
    if layout.depth == 1:
        bits = np.unpackbits(samples.reshape(layout.height, row), axis=1)[:, : layout.width]
        return np.where(bits, np.uint8(0), np.uint8(255))
    if layout.depth == 16:
        samples = _in_8_bits(samples.view(">u2"))
    return samples.reshape(layout.height, layout.width)


def _in_8_bits(deep: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Strip by strip, since all at once would take twelve bytes a sample."""
    found = np.empty(len(deep), np.uint8)
    for at in range(0, len(deep), STRIP):
        strip = deep[at : at + STRIP].astype(np.uint32)
        found[at : at + STRIP] = (strip * 255 + 32767) // 65535
    return found


STRIP = 1 << 18
"""Samples that are made smaller at a time."""


def _unpacked(content: bytes, layout: PhotoshopLayout, number: int, at: int, row: int) -> bytes:
    """PackBits; the lengths of all rows of all channels stand before them."""
    rows, unit = layout.height * layout.channels, ">u4" if layout.large else ">u2"
    lengths = np.frombuffer(content, unit, rows, at).astype(np.int64)
    begin = at + rows * np.dtype(unit).itemsize + int(lengths[: number * layout.height].sum())
    here = int(lengths[number * layout.height : (number + 1) * layout.height].sum())
    packed = content[begin : begin + here]
    try:
        plane = Image.frombytes("L", (row, layout.height), packed, "packbits", "L")
    except (ValueError, OSError):
        raise ValueError("truncated") from None
    return plane.tobytes()


def _reduced(plane: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    return plane if step == 1 else np.asarray(Image.fromarray(plane).reduce(step))


def _off_white(plane: NDArray[np.uint8], opacity: NDArray[np.uint8], white: int) -> NDArray[np.uint8]:
    """The flattened picture lies on white. Its own colour is what lay over that."""
    level = np.arange(256, dtype=np.float32)
    alpha = np.maximum(level, 1)[:, None]
    own = np.rint((white + (level[None] - white) * 255 / alpha).clip(0, 255)).astype(np.uint8)
    return np.asarray(own[opacity, plane])


def _from_palette(
    content: bytes, layout: PhotoshopLayout, places: NDArray[np.uint8]
) -> tuple[Image.Image, Image.Image | None]:
    table = np.frombuffer(layout.palette.ljust(768, b"\0")[:768], np.uint8).reshape(3, 256).T
    clear = next((data for kind, data in _resources(content, layout) if kind == TRANSPARENT_INDEX), b"")
    opacity = None
    if len(clear) >= 2:
        opacity = Image.fromarray(
            np.where(places == struct.unpack(">H", clear[:2])[0], 0, 255).astype(np.uint8)
        )
    return Image.fromarray(table[places]), opacity
