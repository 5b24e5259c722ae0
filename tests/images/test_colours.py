"""Colours of PNG files are what a browser shows.

The expected levels were read back from a canvas of Chromium 156 on which these very files were drawn.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from studio.errors import Unreadable
from studio.images.colours import PRIMARIES, REC_709, TRANSFERS, linear_to_srgb, srgb_to_linear, to_d50
from studio.images.pictures import read_picture
from tests.images.picture_files import (
    ADOBE_D50,
    SRGB_D50,
    cmyk_profile,
    gamma_tag,
    icc,
    png,
    rgb_profile,
    rows,
    saved,
    swatches,
)

Chunk = tuple[bytes, bytes]
Levels = list[tuple[int, int, int]]

COLOURS = np.array(
    [(128, 128, 128), (180, 150, 120), (90, 110, 100), (255, 0, 0), (20, 40, 10), (230, 240, 200)]
)
UNCHANGED: Levels = [
    (128, 128, 128),
    (180, 150, 120),
    (90, 110, 100),
    (255, 0, 0),
    (20, 40, 10),
    (230, 240, 200),
]
LINEAR: Levels = [
    (188, 188, 188),
    (219, 202, 183),
    (160, 176, 168),
    (255, 0, 0),
    (79, 110, 56),
    (244, 248, 229),
]
DISPLAY_P3: Levels = [
    (128, 128, 128),
    (186, 149, 116),
    (85, 111, 99),
    (255, 0, 0),
    (12, 41, 5),
    (228, 240, 196),
]
POWER_2_2: Levels = [
    (129, 129, 129),
    (181, 151, 121),
    (90, 110, 100),
    (255, 0, 0),
    (12, 35, 3),
    (231, 240, 201),
]
ADOBE: Levels = [
    (129, 129, 129),
    (192, 151, 119),
    (79, 110, 100),
    (255, 0, 0),
    (0, 35, 0),
    (227, 240, 199),
]
REC_709_SHOWN: Levels = [
    (121, 121, 121),
    (176, 144, 113),
    (81, 102, 91),
    (255, 0, 0),
    (7, 28, 1),
    (229, 239, 197),
]
OLD_MAC = [(146, 146, 146), (193, 167, 139), (109, 129, 119), (255, 0, 0), (26, 53, 10), (235, 243, 210)]
P3_POWER_2_2 = [(129, 129, 129), (187, 150, 116), (84, 111, 99), (255, 0, 0), (2, 36, 0), (228, 241, 197)]
PROPHOTO_LINEAR = [
    (188, 188, 188),
    (239, 198, 179),
    (145, 179, 167),
    (255, 0, 0),
    (51, 116, 40),
    (245, 249, 226),
]

WHITE = (0.3127, 0.3290)
SRGB_CORNERS = (*WHITE, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
P3_CORNERS = (*WHITE, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
ADOBE_CORNERS = (*WHITE, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
PROPHOTO_CORNERS = (0.3457, 0.3585, 0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001)

SRGB: Chunk = (b"sRGB", b"\0")
PROFILE: Chunk = (b"iCCP", b"x\0\0" + zlib.compress(rgb_profile(ADOBE_D50, 2.19921875)))
GREY_PROFILE: Chunk = (b"iCCP", b"x\0\0" + zlib.compress(icc(b"GRAY", {b"kTRC": gamma_tag(1.0)})))
NO_PROFILE: Chunk = (b"iCCP", b"x\0\0" + zlib.compress(b"nonsense"))


def gama(value: int) -> Chunk:
    return b"gAMA", struct.pack(">I", value)


def chrm(*corners: float) -> Chunk:
    return b"cHRM", struct.pack(">8I", *(round(corner * 100_000) for corner in corners))


def cicp(primaries: int, transfer: int, matrix: int = 0, full: int = 1) -> Chunk:
    return b"cICP", bytes([primaries, transfer, matrix, full])


def drawn(*chunks: Chunk) -> bytes:
    shown = swatches(COLOURS)
    return png(shown.shape[1], 16, 8, 2, rows(shown), *chunks)


def seen(content: bytes) -> np.ndarray:
    return read_picture(content).pixels[8, 8::16].astype(int)


@pytest.mark.parametrize(
    ("chunks", "browser"),
    [
        ((gama(45455),), UNCHANGED),
        ((gama(43500),), UNCHANGED),
        ((gama(47700),), UNCHANGED),
        ((gama(47800),), [(134, 134, 134), (185, 155, 125), None, None, (15, 40, 4), None]),
        ((gama(43000),), [(124, 124, 124), (178, 147, 116), None, None, (9, 31, 2), None]),
        ((gama(100_000),), LINEAR),
        ((gama(55_556),), OLD_MAC),
        ((gama(45455), chrm(*SRGB_CORNERS)), POWER_2_2),
        ((gama(45455), chrm(*P3_CORNERS)), P3_POWER_2_2),
        ((gama(45470), chrm(*ADOBE_CORNERS)), ADOBE),
        ((gama(100_000), chrm(*PROPHOTO_CORNERS)), PROPHOTO_LINEAR),
        ((chrm(*P3_CORNERS),), UNCHANGED),
        ((SRGB, gama(100_000)), UNCHANGED),
        ((gama(100_000), SRGB, chrm(*P3_CORNERS)), UNCHANGED),
        ((PROFILE, gama(100_000)), ADOBE),
        ((NO_PROFILE, gama(100_000)), LINEAR),
        ((NO_PROFILE, SRGB, gama(100_000)), UNCHANGED),
        ((GREY_PROFILE, gama(100_000)), UNCHANGED),
        ((cicp(12, 13),), DISPLAY_P3),
        ((cicp(12, 13), PROFILE), DISPLAY_P3),
        ((SRGB, cicp(12, 13)), DISPLAY_P3),
        ((gama(100_000), cicp(12, 13)), DISPLAY_P3),
        ((cicp(12, 99), PROFILE), ADOBE),
        ((cicp(2, 2), gama(100_000)), LINEAR),
        ((cicp(12, 13, full=0), gama(100_000)), LINEAR),
        ((cicp(12, 13, full=0), PROFILE), ADOBE),
        (((b"cICP", b"\x0c\x0d\0"), gama(100_000)), LINEAR),
        ((gama(0),), UNCHANGED),
        ((gama(100_000), chrm(*[0] * 8)), UNCHANGED),
        ((gama(100_000), chrm(*WHITE, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3)), UNCHANGED),
        ((gama(100_000), chrm(*WHITE, 5, 0.33, 0.3, 0.6, 0.15, 0.06)), UNCHANGED),
    ],
)  # fmt: skip
def test_a_png_looks_as_in_a_browser(
    chunks: tuple[Chunk, ...], browser: list[tuple[int, int, int] | None]
) -> None:
    for colour, expected in zip(seen(drawn(*chunks)), browser, strict=True):
        assert expected is None or np.abs(colour - expected).max() <= 1


BY_PRIMARIES = {
    1: UNCHANGED,
    2: UNCHANGED,
    4: [(128, 128, 128), (194, 147, 116), (79, 110, 100), (255, 0, 0), (5, 39, 7), (228, 238, 197)],
    5: [(128, 128, 128), (181, 150, 120), (89, 110, 100), (255, 0, 0), (19, 40, 11), (229, 240, 201)],
    6: [(128, 128, 128), (178, 150, 120), (91, 110, 100), (248, 36, 0), (21, 39, 10), (230, 239, 200)],
    8: [(128, 128, 128), (189, 149, 116), (82, 111, 100), (255, 0, 0), (7, 41, 6), (227, 241, 196)],
    9: [(128, 128, 128), (198, 146, 115), (74, 112, 99), (255, 0, 0), (0, 42, 4), (226, 242, 195)],
    10: [(128, 128, 128), (236, 108, 118), (2, 126, 97), (255, 0, 71), (0, 52, 0), (226, 248, 192)],
    11: [(128, 128, 128), (184, 149, 116), (86, 111, 99), (255, 0, 0), (15, 41, 5), (228, 241, 196)],
    12: DISPLAY_P3,
    22: [(128, 128, 128), (181, 150, 120), (89, 109, 100), (255, 38, 0), (19, 39, 10), (230, 239, 200)],
    99: UNCHANGED,
}

BY_TRANSFER = {
    1: REC_709_SHOWN,
    2: UNCHANGED,
    4: POWER_2_2,
    5: [(106, 106, 106), (165, 131, 98), (66, 87, 76), (255, 0, 0), (3, 17, 0), (224, 237, 189)],
    7: [(141, 141, 141), (188, 161, 134), (106, 125, 115), (255, 0, 0), (38, 58, 25), (233, 242, 206)],
    8: LINEAR,
    11: REC_709_SHOWN,
    13: UNCHANGED,
    14: REC_709_SHOWN,
    99: UNCHANGED,
}


@pytest.mark.parametrize("primaries", BY_PRIMARIES)
def test_code_points_of_primaries(primaries: int) -> None:
    assert np.abs(seen(drawn(cicp(primaries, 13))) - BY_PRIMARIES[primaries]).max() <= 1


@pytest.mark.parametrize("transfer", BY_TRANSFER)
def test_code_points_of_transfer(transfer: int) -> None:
    assert np.abs(seen(drawn(cicp(1, transfer))) - BY_TRANSFER[transfer]).max() <= 1


@pytest.mark.parametrize(("transfer", "named"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_refused_by_its_name(transfer: int, named: str) -> None:
    with pytest.raises(Unreadable, match=rf"HDR screens \({named}\); export it in standard dynamic range"):
        read_picture(drawn(cicp(9, transfer)))


def test_every_kind_of_png_is_converted() -> None:
    shown = swatches(COLOURS)
    width = shown.shape[1]
    grey, clear = shown[..., 1], np.full(shown.shape[:2], 255, np.uint8)
    index = np.repeat(np.repeat(np.arange(6, dtype=np.uint8)[None], 16, 1), 16, 0)
    greys = [188, 202, 176, 0, 110, 248]
    linear = gama(100_000)
    palette = (b"PLTE", COLOURS.astype(np.uint8).tobytes())
    for content in (
        png(width, 16, 8, 6, rows(np.dstack([shown, clear])), linear),
        png(width, 16, 16, 2, rows(shown.astype(">u2") * 257), linear),
        png(width, 16, 8, 3, rows(index), linear, palette),
    ):
        assert np.abs(seen(content) - LINEAR).max() <= 1
    assert np.abs(seen(png(width, 16, 8, 3, rows(index), cicp(12, 13), palette)) - DISPLAY_P3).max() <= 1
    for content in (
        png(width, 16, 8, 0, rows(np.ascontiguousarray(grey)), linear),
        png(width, 16, 8, 0, rows(np.ascontiguousarray(grey)), linear, chrm(*P3_CORNERS)),
        png(width, 16, 8, 0, rows(np.ascontiguousarray(grey)), cicp(1, 8)),
        png(width, 16, 8, 4, rows(np.dstack([grey, clear])), linear),
        png(width, 16, 16, 0, rows(grey.astype(">u2") * 257), linear),
    ):
        assert np.abs(seen(content) - np.array(greys)[:, None]).max() <= 1


def test_transparent_colours_are_found_before_the_conversion() -> None:
    content = drawn(gama(100_000), (b"tRNS", struct.pack(">3H", 180, 150, 120)))
    picture = read_picture(content)
    assert picture.alpha is not None
    assert picture.alpha[8, 8::16].tolist() == [255, 0, 255, 255, 255, 255]
    assert np.abs(picture.pixels[8, 8] - 188.0).max() <= 1
    assert picture.notes[0] == "Colours were converted from gamma 1 to sRGB."


def test_dark_tones_of_linear_16_bit_greys_keep_their_steps() -> None:
    linear = np.arange(512, dtype=">u2").reshape(16, 32)
    picture = read_picture(png(32, 16, 16, 0, rows(linear), gama(100_000)))
    expected = np.rint(255 * linear_to_srgb(linear.astype(float) / 65535))
    assert np.array_equal(picture.pixels[..., 0], expected)
    assert len(np.unique(picture.pixels)) == 23  # three, if the samples were reduced to 8 bits first


def test_the_old_rules_leave_colours_as_they_are() -> None:
    for chunk in (gama(100_000), cicp(12, 13), cicp(9, 16)):
        assert np.array_equal(read_picture(drawn(chunk), rules=1).pixels, swatches(COLOURS))


def test_curves_and_matrices_agree_with_their_definitions() -> None:
    levels = np.linspace(0, 1, 1001)
    assert np.abs(linear_to_srgb(srgb_to_linear(levels)) - levels).max() < 1e-6
    assert np.abs(to_d50(SRGB_CORNERS) - SRGB_D50).max() < 3e-4
    assert np.abs(to_d50(ADOBE_CORNERS) - ADOBE_D50).max() < 3e-4
    for to_linear in (*TRANSFERS.values(), REC_709):
        linear = to_linear(levels)
        assert linear[0] == 0
        assert linear[-1] == pytest.approx(1)
        assert (np.diff(linear) >= 0).all()
    assert all(corners is None or len(corners) == 8 for corners in PRIMARIES.values())


# JPEG: also as Chromium shows them

INKS = np.array([(40, 90, 200, 10), (200, 20, 30, 60), (10, 10, 10, 10), (0, 255, 0, 0)])
INKS_SHOWN = [(206, 158, 52), (42, 180, 172), (235, 235, 235), (255, 0, 255)]


def without_adobe(content: bytes) -> bytes:
    at, kept = 2, content[:2]
    while content[at + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", content, at + 2)
        if content[at + 1] != 0xEE:
            kept += content[at : at + 2 + length]
        at += 2 + length
    return kept + content[at:]


def test_inks_in_jpeg_are_inverted_with_and_without_an_adobe_marker() -> None:
    content = saved(Image.fromarray(swatches(INKS), "CMYK"), "JPEG", quality=100)
    assert b"Adobe" in content
    assert b"Adobe" not in without_adobe(content)
    for file in (content, without_adobe(content)):
        assert np.abs(seen(file) - INKS_SHOWN).max() <= 2
    # Adobe's transform 2: the first three inks are coded as YCbCr.
    light = 255 - swatches(INKS)
    coded = np.asarray(Image.fromarray(np.ascontiguousarray(255 - light[..., :3])).convert("YCbCr"))
    ycck = saved(
        Image.fromarray(255 - np.dstack([coded, light[..., 3]]), "CMYK"), "JPEG", quality=100, subsampling=0
    )
    marker = ycck.index(b"Adobe")
    assert np.abs(seen(ycck[: marker + 11] + b"\x02" + ycck[marker + 12 :]) - INKS_SHOWN).max() <= 4


def test_odd_profiles_in_jpeg() -> None:
    image, profile = Image.fromarray(swatches(COLOURS)), rgb_profile(ADOBE_D50, 2.19921875)
    plain = saved(image, "JPEG", quality=100, subsampling=0)
    parts = [profile[at : at + 200] for at in range(0, len(profile), 200)]

    def with_parts(order: list[int]) -> bytes:
        segments = (
            b"\xff\xe2"
            + struct.pack(">H", len(parts[part]) + 16)
            + b"ICC_PROFILE\0"
            + bytes([part + 1, len(parts)])
            + parts[part]
            for part in order
        )
        return plain[:2] + b"".join(segments) + plain[2:]

    def with_profile(content: bytes) -> bytes:
        return saved(image, "JPEG", quality=100, subsampling=0, icc_profile=content)

    assert len(parts) == 3
    by_browser = {
        "in parts": (with_parts([0, 1, 2]), ADOBE),
        "in parts, backwards": (with_parts([2, 1, 0]), ADOBE),
        "a part missing": (with_parts([0, 2]), UNCHANGED),
        "of a scanner": (with_profile(profile[:12] + b"scnr" + profile[16:]), ADOBE),
        "of a printer": (with_profile(profile[:12] + b"prtr" + profile[16:]), ADOBE),
        "version 4": (with_profile(profile[:8] + b"\x04\x30\0\0" + profile[12:]), ADOBE),
        "with bytes behind": (with_profile(profile + b"junk" * 10), ADOBE),
        "cut short": (with_profile(profile[:300]), UNCHANGED),
        "without its signature": (with_profile(profile[:36] + b"none" + profile[40:]), UNCHANGED),
        "for greys": (with_profile(icc(b"GRAY", {b"kTRC": gamma_tag(1.0)})), UNCHANGED),
        "for inks": (with_profile(cmyk_profile()), UNCHANGED),
        "for L*a*b*": (with_profile(profile[:16] + b"Lab " + profile[20:]), UNCHANGED),
    }
    for what, (content, browser) in by_browser.items():
        assert np.abs(seen(content) - browser).max() <= 2, what
    grey = saved(Image.fromarray(swatches(COLOURS)[..., 1]), "JPEG", quality=100, icc_profile=profile)
    assert np.abs(seen(grey)[:, 0] - [129, 151, 110, 0, 35, 240]).max() <= 1


def test_a_picture_without_any_colour_mark_is_left_alone() -> None:
    assert np.array_equal(read_picture(drawn()).pixels, swatches(COLOURS))
    assert read_picture(drawn()).notes == ()
    assert Image.open(io.BytesIO(drawn())).info == {}
