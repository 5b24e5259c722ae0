"""TIFF samples of every width, order and layout come out as the numbers that went in."""

from __future__ import annotations

import io
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from studio.errors import Unreadable
from studio.images.pictures import read_picture
from tests.images.picture_files import PATTERN, srgb_of, tiff, xyz_of_lab

GREY = PATTERN[..., 1].copy()
GREY[0, :2] = 0, 255
CLEAR = np.tile(np.arange(0, 256, 8, dtype=np.uint8)[None], (40, 1)) | 1


def whole(samples: np.ndarray, bits: int) -> np.ndarray:
    return samples.astype(np.uint64) * ((2**bits - 1) // 255)


def deep(samples: np.ndarray, kind: str) -> np.ndarray:
    """8-bit samples as u2, u4, f2, f4 or f8."""
    if kind[0] == "f":
        return (samples / 255).astype(kind)
    return whole(samples, 8 * int(kind[1])).astype(kind)


def planar(
    samples: np.ndarray,
    photometric: int,
    *,
    order: str,
    extra: dict[int, tuple[int, ...]] | None = None,
) -> bytes:
    """An uncompressed TIFF of planes [h, w, n], in two strips each."""
    height, _, channels = samples.shape
    half = height // 2
    strips = [
        np.ascontiguousarray(samples[rows, :, channel]).astype(samples.dtype.newbyteorder(order)).tobytes()
        for channel in range(channels)
        for rows in (slice(0, half), slice(half, None))
    ]
    places = np.cumsum([8, *map(len, strips)])[:-1].tolist()
    flat = tiff(samples, photometric, order=order, extra=extra)
    body = b"".join(strips)
    assert flat[8 : 8 + len(body)] != body or channels == 1
    fields = {273: tuple(places), 279: tuple(map(len, strips)), 278: (half,), 284: (2,)} | (extra or {})
    content = bytearray(tiff(samples, photometric, order=order, extra=fields))
    content[8 : 8 + len(body)] = body
    return bytes(content)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["u2", "u4", "f2", "f4", "f8"])
def test_colours_beside_each_other_and_in_planes(kind: str, order: str) -> None:
    samples = deep(PATTERN, kind)
    with_alpha = deep(np.dstack([PATTERN, CLEAR]), kind)
    for content in (tiff(samples, 2, order=order), planar(samples, 2, order=order)):
        assert np.abs(read_picture(content).pixels.astype(int) - PATTERN).max() <= (kind == "f2")
    for write in (tiff, planar):
        picture = read_picture(write(with_alpha, 2, order=order, extra={338: (2,)}))
        assert np.abs(picture.pixels.astype(int) - PATTERN).max() <= (kind == "f2")
        assert picture.alpha is not None
        assert np.abs(picture.alpha.astype(int) - CLEAR).max() <= (kind == "f2")


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["u2", "u4", "f2", "f4", "f8"])
def test_greys_with_and_without_alpha(kind: str, order: str) -> None:
    for content in (tiff(deep(GREY, kind), 1, order=order), tiff(deep(255 - GREY, kind), 0, order=order)):
        assert np.abs(read_picture(content).pixels[..., 2].astype(int) - GREY).max() <= 1
    for write in (tiff, planar):
        picture = read_picture(write(deep(np.dstack([GREY, CLEAR]), kind), 1, order=order, extra={338: (2,)}))
        assert np.abs(picture.pixels[..., 2].astype(int) - GREY).max() <= 1
        assert picture.alpha is not None
        assert np.abs(picture.alpha.astype(int) - CLEAR).max() <= 1


DARK = "Its 16-bit samples use at most the darkest quarter of their range"


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("photometric", [0, 1, 2])
def test_a_stated_range_is_the_range(photometric: int, order: str) -> None:
    """SMaxSampleValue (TIFF 6.0, section 19): twelve bits in sixteen are as light as they were meant."""
    wanted = PATTERN if photometric == 2 else GREY
    held = np.rint((255 - wanted if photometric == 0 else wanted) * (4095 / 255)).astype(np.uint16)
    stated = tiff(held, photometric, order=order, extra={341: (4095,) * (3 if photometric == 2 else 1)})
    picture = read_picture(stated)
    assert np.abs(picture.pixels.astype(int) - (wanted if photometric == 2 else wanted[..., None])).max() <= 1
    assert not any(note.startswith(DARK) for note in picture.notes)
    before = read_picture(stated, rules=3).pixels
    assert np.array_equal(before, read_picture(tiff(held, photometric, order=order), rules=3).pixels), (
        "works made before read as they did"
    )


@pytest.mark.parametrize("extra", [None, {281: (4095,)}], ids=["nothing", "MaxSampleValue"])
def test_twelve_bits_that_nothing_tells_from_sixteen_stay_dark_and_are_told(extra: dict | None) -> None:
    """MaxSampleValue is "not to be used to affect the visual appearance of an image" (section 8)."""
    picture = read_picture(tiff((GREY * 16).astype(np.uint16), 1, extra=extra))
    assert picture.pixels.max() <= 16
    assert any(note.startswith(DARK) for note in picture.notes)
    full = read_picture(tiff(whole(GREY, 16).astype(np.uint16), 1))
    assert not any(note.startswith(DARK) for note in full.notes)


def test_twelve_bits_packed_are_twelve_bits() -> None:
    held = (GREY.astype(int) * 4095 // 255).reshape(-1, 2)
    first, second = held[:, 0], held[:, 1]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], 1).astype(np.uint8)
    content = tiff(packed.reshape(GREY.shape[0], -1), 1, extra={256: (GREY.shape[1],), 258: (12,)})
    assert np.abs(read_picture(content).pixels[..., 0].astype(int) - GREY).max() <= 1


def test_32_unsigned_bits_do_not_wrap() -> None:
    ramp = np.linspace(0, 2**32 - 1, 32 * 40).astype(np.uint32).reshape(40, 32)
    picture = read_picture(tiff(ramp, 1))
    assert np.array_equal(picture.pixels[..., 0], np.rint(ramp / (2**32 - 1) * 255))
    counts = (ramp // 2**20).astype(np.uint32)
    stretched = read_picture(tiff(counts, 1))
    assert np.abs(stretched.pixels[..., 0] - counts / counts.max() * 255).max() <= 1
    assert stretched.notes == (
        "Its greys have no defined white, so they were scaled from the darkest to the lightest.",
    )


def test_colours_beyond_white_are_scaled_together_and_said_so() -> None:
    picture = read_picture(tiff(deep(PATTERN, "f4") * 4, 2))
    low, high = int(PATTERN.min()), int(PATTERN.max())
    assert np.abs(picture.pixels - (PATTERN.astype(float) - low) / (high - low) * 255).max() <= 1
    assert "Its colours have no defined white" in " ".join(picture.notes)


def test_premultiplied_colours_are_divided_by_their_alpha() -> None:
    multiplied = np.dstack([whole(PATTERN, 16) * CLEAR[..., None] // 255, whole(CLEAR, 16)]).astype(np.uint16)
    picture = read_picture(planar(multiplied, 2, order="<", extra={338: (1,)}))
    covered = CLEAR > 40
    assert np.abs(picture.pixels[covered].astype(int) - PATTERN[covered]).max() <= 4


@pytest.mark.parametrize("order", "<>")
def test_inks_and_lab_in_16_bits(order: str) -> None:
    inks = np.zeros((16, 16, 4), np.uint16)
    inks[..., 1] = 65535
    assert read_picture(planar(inks, 5, order=order)).pixels[0, 0].tolist() == [255, 0, 255]
    for lab in ((60, 20, -40), (30, -10, 5)):
        expected = srgb_of(xyz_of_lab(*lab))
        cie = np.empty((16, 16, 3), np.int64)
        cie[:] = round(lab[0] / 100 * 65535), lab[1] * 256, lab[2] * 256
        found = [tiff((cie % 65536).astype(np.uint16), 8, order=order)]
        offset = np.empty((16, 16, 3), np.uint16)
        offset[:] = round(lab[0] / 100 * 0xFF00), (lab[1] + 128) * 256, (lab[2] + 128) * 256
        found.append(tiff(offset, 9, order=order))
        offset_8 = np.empty((16, 16, 3), np.uint8)
        offset_8[:] = round(lab[0] * 2.55), lab[1] + 128, lab[2] + 128
        found.append(tiff(offset_8, 9, order=order))
        for content in found:
            assert np.abs(read_picture(content).pixels[8, 8] - expected).max() <= 3


def floats_by_technical_note_3(samples: np.ndarray) -> bytes:
    """A TIFF of 32-bit floats [h, w, 3] with the floating point predictor, deflated."""
    height = samples.shape[0]
    by_byte = samples.astype(">f4").reshape(height, -1).view(np.uint8).reshape(height, -1, 4)
    flat = by_byte.transpose(0, 2, 1).reshape(height, -1, 3)
    packed = zlib.compress(np.diff(flat, axis=1, prepend=np.uint8(0)).astype(np.uint8).tobytes())
    content = tiff(samples.astype(np.float32), 2, extra={259: (8,), 317: (3,), 279: (len(packed),)})
    return content[:8] + packed + content[8 + len(packed) :]


def test_predictors() -> None:
    samples = deep(PATTERN, "f4")
    assert np.array_equal(read_picture(floats_by_technical_note_3(samples)).pixels, PATTERN)
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        for predictor in (1, 2):
            written = io.BytesIO()
            Image.fromarray(deep(GREY, "f4"), "F").save(
                written, "TIFF", compression=compression, tiffinfo={317: predictor}
            )
            assert np.array_equal(read_picture(written.getvalue()).pixels[..., 0], GREY)


def test_tiles() -> None:
    """Tiles of 16 x 32 in a picture of 40 x 32: the last row of tiles is padded."""
    samples = deep(PATTERN, "f4")
    tiles = []
    for row in range(0, 40, 16):
        tile = np.zeros((16, 32, 3), np.float32)
        tile[: min(16, 40 - row)] = samples[row : row + 16]
        tiles.append(tile.tobytes())
    padded = np.zeros((48, 32, 3), np.float32)
    fields = {
        257: (40,),
        322: (32,),
        323: (16,),
        324: tuple(8 + 6144 * at for at in range(3)),
        325: (6144,) * 3,
    }
    content = bytearray(tiff(padded, 2, extra=fields))
    content[8 : 8 + 3 * 6144] = b"".join(tiles)
    assert np.array_equal(read_picture(bytes(content)).pixels, PATTERN)


@pytest.mark.parametrize(
    ("samples", "photometric", "extra", "said"),
    [
        (PATTERN.astype(np.int16), 2, {}, r"16-bit signed RGB samples.*; save it with 8 or 16 bits of RGB\."),
        (PATTERN.astype(np.int32), 2, {}, "32-bit signed RGB"),
        (deep(PATTERN, "f4"), 8, {}, r"32-bit floating point L\*a\*b\*"),
        (deep(PATTERN, "u2"), 6, {}, "16-bit YCbCr|damaged or unusual"),
        (GREY, 32803, {}, "8-bit camera raw"),
        (PATTERN, 2, {259: (34887,)}, r"rare compression \(number 34887\); save it without compression\."),
        (deep(PATTERN, "f4")[:20], 2, {257: (40,), 278: (40,), 279: (99999,)}, "ends too early"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_name(
    samples: np.ndarray, photometric: int, extra: dict[int, tuple[int, ...]], said: str
) -> None:
    with pytest.raises(Unreadable) as caught:
        read_picture(tiff(samples, photometric, extra=extra), "sea.tif")
    assert re.search(said, str(caught.value)), caught.value
    assert len(str(caught.value)) < 160


def test_samples_of_gigabytes_are_refused_before_they_are_unpacked() -> None:
    content = tiff(deep(PATTERN, "f8"), 2, extra={256: (6000,), 257: (6000,), 259: (8,), 278: (6000,)})
    with pytest.raises(Unreadable, match="too many bytes of samples; save it with 8 or 16 bits"):
        read_picture(content)
    assert struct.calcsize("d") * 6000 * 6000 * 3 > 800_000_000


def test_the_old_rules_leave_samples_to_pillow() -> None:
    noise = read_picture(planar(deep(PATTERN, "u2"), 2, order="<"), rules=1).pixels
    assert np.abs(noise.astype(int) - PATTERN).mean() > 10
