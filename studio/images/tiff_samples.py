"""Samples of TIFF files that Pillow refuses or misreads: planes of 16 bits, 32 and 64 bits, floating point,
greys with alpha.

Strips and tiles are unpacked here (TIFF 6.0, sections 8, 14 and 15; Adobe's TIFF Technical Note 3 for
floating point). Only the compression itself is left to Pillow, which is handed each strip as rows of bytes.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studio.images.tiff_fields import TiffField, tiff_fields, tiff_shape

LARGEST_SAMPLES = 480_000_000
"""Bytes of samples that are unpacked: 40 megapixels of three colours in 32 bits."""

LARGEST_STRIP = 160_000_000

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, INKS, LAB, ICC_LAB = 0, 1, 2, 5, 8, 9
"""PhotometricInterpretation (TIFF 6.0 section 8; Adobe's supplement for 9)."""

COLOURS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, INKS: 4, LAB: 3, ICC_LAB: 3}
"""Photometric interpretation -> samples of colour in a pixel; what follows is alpha or of no use here."""

UNPACKED_HERE = {
    1: "none",
    8: "deflate",
    32946: "deflate",
    5: "LZW",
    32773: "PackBits",
    50000: "Zstandard",
    34925: "LZMA",
}

WITH_PREDICTOR = (5, 8, 32946, 34925, 50000)

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
"""SampleFormat."""


@dataclass(frozen=True)
class TiffLayout:
    """How a TIFF stores its samples.

    bits: of each sample; samples: in a pixel. alpha: the index of the sample that is opacity, None if none
    is; premultiplied: the colours are multiplied by it. step_rows, step_columns: size of a strip or tile.
    white: of 16-bit samples, where the file states one that is not 65535.
    """

    width: int
    height: int
    bits: tuple[int, ...]
    kind: int
    samples: int
    photometric: int
    compression: int
    predictor: int
    planes: bool
    alpha: int | None
    premultiplied: bool
    tiled: bool
    step_rows: int
    step_columns: int
    order: str
    white: int | None = None

    @property
    def read_here(self) -> bool:
        """Whether Pillow cannot read such samples, or reads them wrong."""
        bits = self.bits[0]
        if (
            len(set(self.bits)) > 1
            or self.photometric not in COLOURS
            or self.compression not in UNPACKED_HERE
        ):
            return False
        if self.samples < COLOURS[self.photometric]:
            return False
        grey = self.photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO)
        if bits in (32, 64) or (bits == 16 and self.kind == FLOAT):
            by_value = self.kind == FLOAT or (self.kind == UNSIGNED and bits == 32)
            return by_value and self.photometric not in (LAB, ICC_LAB)
        if self.kind != UNSIGNED:
            return False
        if bits == 8:
            return self.photometric == ICC_LAB or (grey and self.planes and self.samples == 2)
        if bits != 16:
            return False
        if self.white is not None:
            return True
        if self.photometric in (LAB, ICC_LAB) or (grey and self.samples > 1):
            return True
        if self.photometric == WHITE_IS_ZERO and self.order == ">":
            return True
        return self.planes and self.samples > 1 and (self.compression == 1 or self.photometric != RGB)

    @property
    def called(self) -> str:
        """ "32-bit floating point RGB", for a refusal."""
        kind = KIND_NAMES.get(self.kind, "complex ")
        return f"{max(self.bits)}-bit {kind}{COLOUR_NAMES.get(self.photometric, 'unusual')}"


KIND_NAMES = {UNSIGNED: "", SIGNED: "signed ", FLOAT: "floating point "}

COLOUR_NAMES = {
    **{WHITE_IS_ZERO: "grey", BLACK_IS_ZERO: "grey", RGB: "RGB", 3: "palette", 4: "mask", INKS: "CMYK"},
    **{6: "YCbCr", LAB: "L*a*b*", ICC_LAB: "L*a*b*", 10: "L*a*b*"},
    **{32803: "camera raw", 34892: "camera raw", 32844: "LogL", 32845: "LogLuv"},
}


def tiff_layout(content: bytes) -> TiffLayout:
    """The layout of the first picture in a TIFF. Raises ValueError or struct.error for a broken one."""
    fields = {field.tag: field for field in tiff_fields(content)}

    def number(tag: int, default: int) -> int:
        return fields[tag].number(content) if tag in fields else default

    def few(tag: int, default: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(_numbers(content, fields[tag])[:16].tolist()) if tag in fields else default

    photometric, samples = number(0x0106, BLACK_IS_ZERO), number(0x0115, 1)
    colours, extra = COLOURS.get(photometric, 3), few(0x0152, ())
    opacity = next((index for index, kind in enumerate(extra) if kind in (1, 2)), None)
    width, height, tiled = number(0x0100, 0), number(0x0101, 0), 0x0142 in fields
    return TiffLayout(
        width=width,
        height=height,
        bits=few(0x0102, (1,)),
        kind=few(0x0153, (UNSIGNED,))[0],
        samples=samples,
        photometric=photometric,
        compression=number(0x0103, 1),
        predictor=number(0x013D, 1) if number(0x0103, 1) in WITH_PREDICTOR else 1,
        planes=number(0x011C, 1) == 2,
        alpha=None if opacity is None or colours + opacity >= samples else colours + opacity,
        premultiplied=opacity is not None and extra[opacity] == 1,
        tiled=tiled,
        step_rows=number(0x0143, 0) if tiled else min(number(0x0116, height), height),
        step_columns=number(0x0142, 0) if tiled else width,
        order=tiff_shape(content)[0],
        white=_white(few(0x0155, ())) if 16 in few(0x0102, (1,)) else None,
    )


def _white(largest: tuple[int, ...]) -> int | None:
    """The white of 16-bit samples whose range the file states (SMaxSampleValue, TIFF 6.0 section 19), where
    that is less than all of it: 4095 for 12 bits.
    """
    return largest[0] if len(set(largest)) == 1 and 255 < largest[0] < 65535 else None


def _numbers(content: bytes, field: TiffField) -> NDArray[np.int64]:
    if field.unit not in (1, 2, 4, 8) or field.at + field.size > len(content):
        raise ValueError("numbers cut short")
    order = ">" if field.big_endian else "<"
    return np.frombuffer(content, f"{order}u{field.unit}", field.size // field.unit, field.at).astype(
        np.int64
    )


def read_samples(content: bytes, layout: TiffLayout) -> NDArray[np.generic]:
    """All samples [height, width, samples] of the first picture, in the file's own type, native byte order.

    Raises ValueError where bytes are missing and OverflowError for more than `LARGEST_SAMPLES`.
    """
    kind = {UNSIGNED: "u", SIGNED: "i", FLOAT: "f"}[layout.kind]
    stored = np.dtype(f"{layout.order}{kind}{layout.bits[0] // 8}")
    together = 1 if layout.planes else layout.samples
    if layout.width * layout.height * layout.samples * stored.itemsize > LARGEST_SAMPLES:
        raise OverflowError
    if min(layout.step_rows, layout.step_columns) < 1:
        raise ValueError("strips without size")
    across, down = -(-layout.width // layout.step_columns), -(-layout.height // layout.step_rows)
    planes = layout.samples if layout.planes else 1
    parts = _parts(content, layout, across * down * planes)
    samples = np.zeros((layout.height, layout.width, layout.samples), stored.newbyteorder("="))
    for plane in range(planes):
        channels = slice(plane, plane + 1) if layout.planes else slice(None)
        for place in range(across * down):
            row, column = (place // across) * layout.step_rows, (place % across) * layout.step_columns
            rows = layout.step_rows if layout.tiled else min(layout.step_rows, layout.height - row)
            packed = next(parts)
            raw = _unpacked(
                packed, layout.compression, rows, layout.step_columns * together * stored.itemsize
            )
            block = _decoded(raw, layout, stored, together)
            target = samples[row : row + rows, column : column + layout.step_columns, channels]
            target[...] = block[: target.shape[0], : target.shape[1]]
    return samples


def _parts(content: bytes, layout: TiffLayout, count: int) -> Iterator[bytes]:
    fields = {field.tag: field for field in tiff_fields(content)}
    starts_tag, sizes_tag = (0x0144, 0x0145) if layout.tiled else (0x0111, 0x0117)
    starts = _numbers(content, fields[starts_tag]) if starts_tag in fields else np.zeros(0, np.int64)
    if len(starts) < count:
        raise ValueError("truncated: strips are missing")
    if sizes_tag in fields:
        sizes = _numbers(content, fields[sizes_tag])
    elif layout.compression == 1:
        sizes = np.full(count, len(content), np.int64)
    else:
        raise ValueError("strips without lengths")
    if len(sizes) < count:
        raise ValueError("truncated: strips are missing")
    return (content[start : start + size] for start, size in zip(starts[:count], sizes[:count], strict=True))


def _unpacked(packed: bytes, compression: int, rows: int, row_bytes: int) -> NDArray[np.uint8]:
    """A strip or tile as bytes [rows, row_bytes]."""
    size = rows * row_bytes
    if size > LARGEST_STRIP and compression != 1:
        raise OverflowError
    if UNPACKED_HERE[compression] == "none":
        raw = packed
    elif UNPACKED_HERE[compression] == "deflate":
        raw = zlib.decompressobj().decompress(packed, size)
    else:
        with Image.open(
            io.BytesIO(_as_bytes_of_grey(packed, compression, rows, row_bytes)), formats=("TIFF",)
        ) as grey:
            raw = grey.tobytes()
    if len(raw) < size:
        raise ValueError("truncated: a strip is too short")
    return np.frombuffer(raw, np.uint8, size).reshape(rows, row_bytes)


def _as_bytes_of_grey(packed: bytes, compression: int, rows: int, row_bytes: int) -> bytes:
    """A TIFF whose 8-bit greys are the bytes of a compressed strip."""
    numbers = {
        256: row_bytes,
        257: rows,
        258: 8,
        259: compression,
        262: 1,
        273: 8,
        277: 1,
        278: rows,
        279: len(packed),
    }
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in numbers.items())
    padding = bytes(len(packed) % 2)
    start = struct.pack("<I", 8 + len(packed) + len(padding))
    return b"II*\0" + start + packed + padding + struct.pack("<H", len(numbers)) + entries + bytes(4)


def _decoded(
    raw: NDArray[np.uint8], layout: TiffLayout, stored: np.dtype[np.generic], together: int
) -> NDArray[np.generic]:
    """Bytes [rows, row_bytes] as samples [rows, columns, together], the predictor undone."""
    rows = raw.shape[0]
    if layout.predictor == 3:
        # Differences of bytes, most significant bytes of the whole row first (Technical Note 3).
        summed = np.cumsum(raw.reshape(rows, -1, together), axis=1, dtype=np.uint8)
        by_byte = summed.reshape(rows, stored.itemsize, -1).transpose(0, 2, 1)
        return np.ascontiguousarray(by_byte).view(f">f{stored.itemsize}").reshape(rows, -1, together)
    samples = raw.reshape(-1).view(stored).reshape(rows, -1, together)
    if layout.predictor == 2:
        whole = samples.view(f"{layout.order}u{stored.itemsize}")
        native = np.dtype(f"u{stored.itemsize}")
        return np.cumsum(whole, axis=1, dtype=native).view(stored.newbyteorder("="))
    return samples
