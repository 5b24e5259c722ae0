"""Large PNGs that are read a strip of rows at a time: the pixels are Pillow's, whatever rows are told by."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from studio.errors import Unreadable
from studio.images.pictures import read_picture
from studio.images.png_strips import comes_in_strips, png_strips
from tests.images.picture_files import png

RNG = np.random.default_rng(5)

KINDS = [(8, 2, 3), (8, 4, 2), (8, 6, 4), (16, 2, 6), (16, 4, 4), (16, 6, 8)]
"""Bits, colour type, bytes of a pixel."""


def told(
    width: int, height: int, bits: int, colour_type: int, each: int, *chunks: tuple[bytes, bytes]
) -> bytes:
    """A PNG of random rows, by all five filters."""
    lines = RNG.integers(0, 256, (height, 1 + width * each), np.uint8)
    lines[:, 0] = RNG.integers(0, 5, height)
    lines[:5, 0] = range(5)
    return png(width, height, bits, colour_type, lines.tobytes(), *chunks)


@pytest.mark.parametrize(("bits", "colour_type", "each"), KINDS)
@pytest.mark.parametrize("rows", [1, 7, 40])
def test_the_strips_are_what_pillow_reads(bits: int, colour_type: int, each: int, rows: int) -> None:
    content = told(33, 40, bits, colour_type, each)
    assert comes_in_strips(content)
    whole = Image.open(io.BytesIO(content))
    strips = list(png_strips(content, rows))
    assert {strip.mode for strip in strips} == {whole.mode}
    np.testing.assert_array_equal(np.concatenate([np.asarray(strip) for strip in strips]), np.asarray(whole))


@pytest.mark.parametrize("bits", [8, 16])
def test_what_is_reduced_in_strips_keeps_the_pixels_it_had(
    bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with a transparent colour."""
    for module in ("envelope", "envelopes", "pictures"):
        monkeypatch.setattr(f"studio.images.{module}.LARGEST_INPUT", 1000)
    monkeypatch.setattr("studio.images.decoding.STRIP", 3)
    for content in (
        told(40, 41, bits, 2, 3 * bits // 8, (b"tRNS", bytes([0, 7] * 3))),
        told(40, 41, bits, 6, bits // 2),
    ):
        read = read_picture(content)
        with monkeypatch.context() as before:
            before.setattr("studio.images.decoding.comes_in_strips", lambda _: False)
            known = read_picture(content)
        np.testing.assert_array_equal(read.pixels, known.pixels)
        assert (read.alpha is None) == (known.alpha is None)
        if read.alpha is not None and known.alpha is not None:
            np.testing.assert_array_equal(read.alpha, known.alpha)
        assert read.notes == known.notes


def test_damaged_rows_are_refused_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("envelope", "envelopes", "pictures"):
        monkeypatch.setattr(f"studio.images.{module}.LARGEST_INPUT", 1000)
    lines = RNG.integers(0, 256, (40, 1 + 40 * 3), np.uint8)
    lines[:, 0] = 0
    with pytest.raises(Unreadable, match="ends too early"):
        read_picture(png(40, 40, 8, 2, lines[:30].tobytes()))
    lines[20, 0] = 9  # there is no such filter
    with pytest.raises(Unreadable, match="damaged or unusual PNG"):
        read_picture(png(40, 40, 8, 2, lines.tobytes()))
    whole = bytearray(told(40, 40, 8, 2, 3))
    at = whole.index(b"IDAT") + 4
    whole[at : at + 2] = b"\xff\xff"  # no zlib stream begins so
    with pytest.raises(Unreadable, match="damaged or unusual PNG"):
        read_picture(bytes(whole))
