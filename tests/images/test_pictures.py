"""Picture files of every kind: what is read agrees with arithmetic done here, and every refusal is one
sentence.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps

from studio.errors import Unreadable
from studio.images import pictures
from studio.images.envelope import LARGEST_INPUT
from studio.images.pictures import fit_within, read_picture, resize, resize_cut_out, write_jpeg, write_png
from tests.images.picture_files import (
    ADOBE_D50,
    CORNERS,
    PATTERN,
    RNG,
    SECRET,
    WHITE_D50,
    cmyk_profile,
    exif,
    gamma_tag,
    icc,
    png,
    rgb_profile,
    rows,
    saved,
    srgb_of,
    swatches,
    tiff,
    xyz_of_lab,
)

# Plain files of every format


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_formats_come_back_to_the_byte(file_format: str) -> None:
    options = {"lossless": True} if file_format == "WEBP" else {}
    picture = read_picture(saved(Image.fromarray(PATTERN), file_format, **options))
    assert np.array_equal(picture.pixels, PATTERN)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags.writeable
    assert picture.alpha is None
    assert picture.notes == ()


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
def test_jpeg_is_decoded_as_pillow_decodes_the_whole_file(options: dict[str, bool]) -> None:
    content = saved(Image.fromarray(PATTERN), "JPEG", comment=SECRET, exif=b"Exif\0\0" + exif(1), **options)
    expected = np.asarray(Image.open(io.BytesIO(content)))
    assert np.array_equal(read_picture(content).pixels, expected)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_tiff(compression: str) -> None:
    assert np.array_equal(
        read_picture(saved(Image.fromarray(PATTERN), "TIFF", compression=compression)).pixels, PATTERN
    )


def test_bilevel_and_grey_become_colour() -> None:
    grey = PATTERN[..., 0]
    for content in (
        saved(Image.fromarray(grey), "PNG"),
        saved(Image.fromarray(grey), "GIF"),
        tiff(grey, 1),
        tiff(255 - grey, 0),
    ):
        assert np.array_equal(read_picture(content).pixels, np.dstack([grey] * 3))
    stripes = np.tile([True, False], (32, 16))
    assert np.array_equal(
        read_picture(saved(Image.fromarray(stripes), "PNG")).pixels[..., 1], stripes * np.uint8(255)
    )


# Depth


def test_16_bit_greys_are_scaled_and_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 32 * 64).round().astype(np.uint16).reshape(32, 64)
    expected = np.rint(ramp / 257.0).astype(np.uint8)
    by_kind = {
        "PNG": png(64, 32, 16, 0, rows(ramp.astype(">u2"))),
        "TIFF, Intel order": tiff(ramp, 1),
        "TIFF, Motorola order": tiff(ramp, 1, order=">"),
        "TIFF, white is zero": tiff(65535 - ramp, 0),
    }
    for kind, content in by_kind.items():
        picture = read_picture(content)
        assert np.array_equal(picture.pixels, np.dstack([expected] * 3)), kind
        assert picture.notes == ("Its 16 bits per channel were reduced to 8.",), kind


def test_16_bit_colours_are_scaled_and_not_clipped() -> None:
    colours = RNG.integers(0, 65536, (32, 24, 3), dtype=np.uint16)
    colours[0, 0], colours[0, 1] = 0, 65535
    for content in (
        png(24, 32, 16, 2, rows(colours.astype(">u2"))),
        tiff(colours, 2),
        tiff(colours, 2, order=">"),
    ):
        picture = read_picture(content)
        assert np.abs(picture.pixels - colours / 257.0).max() <= 1
        assert (picture.pixels[0, 0] == 0).all()
        assert (picture.pixels[0, 1] == 255).all()


def test_16_bit_alpha_and_16_bit_transparent_colours() -> None:
    colours = np.full((16, 16, 4), (50000, 20000, 1000, 65535), dtype=">u2")
    colours[:, 8:, 3] = 32768
    picture = read_picture(png(16, 16, 16, 6, rows(colours)))
    assert picture.alpha is not None
    assert (picture.alpha[:, :8] == 255).all()
    assert (picture.alpha[:, 8:] == 128).all()
    clear = read_picture(
        png(
            16,
            16,
            16,
            2,
            rows(np.ascontiguousarray(colours[..., :3])),
            (b"tRNS", struct.pack(">3H", 50000, 20000, 1000)),
        )
    )
    assert clear.alpha is not None
    assert (clear.alpha == 0).all()
    grey = np.repeat(np.array([[1000, 40000]], dtype=">u2"), 8, axis=1).repeat(16, axis=0)
    clear = read_picture(png(16, 16, 16, 0, rows(grey), (b"tRNS", struct.pack(">H", 40000))))
    assert clear.alpha is not None
    assert (clear.alpha == np.repeat([[255, 0]], 8, axis=1)).all()


def test_floating_point_greys() -> None:
    ramp = np.linspace(0, 1, 512, dtype=np.float32).reshape(16, 32)
    assert np.array_equal(read_picture(tiff(ramp, 1)).pixels[..., 0], np.rint(ramp * 255))
    stretched = read_picture(tiff(ramp * 900 - 100, 1))
    assert np.abs(stretched.pixels[..., 0] - ramp * 255).max() <= 1
    assert "darkest to the lightest" in stretched.notes[0]
    holes = ramp.copy()
    holes[3, 3] = np.nan
    assert read_picture(tiff(holes, 1)).pixels[3, 3, 0] == 0


# Transparency


def test_alpha_is_kept() -> None:
    alpha = np.tile(np.arange(0, 256, 8, dtype=np.uint8)[None, :], (40, 1)) | 1
    for content in (
        saved(Image.fromarray(np.dstack([PATTERN, alpha])), "PNG"),
        saved(Image.fromarray(np.dstack([PATTERN, alpha])), "WEBP", lossless=True, exact=True),
        saved(Image.fromarray(np.dstack([PATTERN, alpha])), "TIFF"),
    ):
        picture = read_picture(content)
        assert np.array_equal(picture.pixels, PATTERN)
        assert picture.alpha is not None
        assert np.array_equal(picture.alpha, alpha)
    grey = read_picture(saved(Image.fromarray(np.dstack([PATTERN[..., 0], alpha]), "LA"), "PNG"))
    assert grey.alpha is not None
    assert np.array_equal(grey.pixels[..., 2], PATTERN[..., 0])
    assert np.array_equal(grey.alpha, alpha)


def test_full_alpha_counts_as_none() -> None:
    assert read_picture(saved(Image.fromarray(PATTERN).convert("RGBA"), "PNG")).alpha is None


@pytest.mark.parametrize("file_format", ["PNG", "GIF"])
def test_palette_with_transparency(file_format: str) -> None:
    indexed = Image.fromarray(np.repeat([[0] * 16, [1] * 16], 16, axis=0).astype(np.uint8), "P")
    indexed.putpalette([200, 100, 50, 10, 20, 30])
    picture = read_picture(saved(indexed, file_format, transparency=1))
    assert (picture.pixels[:16] == (200, 100, 50)).all()
    assert picture.alpha is not None
    assert (picture.alpha == np.repeat([[255], [0]], 16, axis=0)).all()


def test_what_was_erased_does_not_come_back() -> None:
    erased = np.dstack([PATTERN, np.full((40, 32), 255, np.uint8)])
    erased[:, :10] = (1, 2, 3, 0)
    picture = read_picture(saved(Image.fromarray(erased), "PNG"))
    assert not (picture.pixels[:, :10] == (1, 2, 3)).all(axis=-1).any()
    assert np.array_equal(picture.pixels[:, 10:], PATTERN[:, 10:])


# Orientation

UPRIGHT = {  # how the stored rows and columns become the upright ones (Exif 2.32, figure to tag 0x0112)
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored[::-1].swapaxes(0, 1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: stored[:, ::-1].swapaxes(0, 1),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_every_orientation_is_honoured_in_every_format(orientation: int) -> None:
    image, upright = Image.fromarray(PATTERN), UPRIGHT[orientation](PATTERN)
    lossless = [
        saved(image, "PNG", exif=exif(orientation)),
        saved(image, "WEBP", lossless=True, exif=exif(orientation)),
        tiff(PATTERN, 2, extra={0x0112: (orientation,)}),
        tiff(PATTERN, 2, order=">", extra={0x0112: (orientation,)}),
        saved(image, "TIFF", compression="tiff_lzw", tiffinfo={0x0112: orientation}),
    ]
    for content in lossless:
        assert np.array_equal(read_picture(content).pixels, upright)
    lossy = read_picture(
        saved(image, "JPEG", quality=95, subsampling=0, exif=b"Exif\0\0" + exif(orientation))
    )
    assert lossy.pixels.shape == upright.shape
    assert np.abs(lossy.pixels.astype(int) - upright).mean() < 4
    assert ("It was rotated upright, as recorded by the camera." in lossy.notes) == (orientation != 1)


def test_alpha_turns_with_the_picture_and_nonsense_orientation_does_not() -> None:
    alpha = np.tile(np.arange(1, 33, dtype=np.uint8)[None, :], (40, 1))
    turned = read_picture(saved(Image.fromarray(np.dstack([PATTERN, alpha])), "PNG", exif=exif(6)))
    assert turned.alpha is not None
    assert np.array_equal(turned.alpha, UPRIGHT[6](alpha))
    assert np.array_equal(read_picture(saved(Image.fromarray(PATTERN), "PNG", exif=exif(77))).pixels, PATTERN)


# Colour


def test_wide_gamut_photos_are_converted() -> None:
    colours = np.array(
        [(0, 0, 0), (255, 255, 255), (128, 128, 128), (180, 150, 120), (90, 110, 100), (60, 60, 140)]
    )
    expected = np.array([srgb_of(ADOBE_D50 @ ((colour / 255) ** 2.19921875)) for colour in colours])
    assert (
        np.abs(expected - colours).max() > 4
    )  # otherwise the test would not notice that a profile was ignored
    image, profile = Image.fromarray(swatches(colours)), rgb_profile(ADOBE_D50, 2.19921875)
    for file_format, options in (
        ("PNG", {}),
        ("TIFF", {}),
        ("WEBP", {"lossless": True}),
        ("JPEG", {"quality": 100, "subsampling": 0}),
    ):
        picture = read_picture(saved(image, file_format, icc_profile=profile, **options))
        assert np.abs(picture.pixels[8, 8::16] - expected).max() <= 1.6, file_format
        assert picture.notes[0] == "Colours were converted from the profile 'Bench' to sRGB."


def test_srgb_by_any_name_is_left_alone() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = read_picture(saved(Image.fromarray(PATTERN), "PNG", icc_profile=profile))
    assert np.array_equal(picture.pixels, PATTERN)
    assert picture.notes == ()
    grey = read_picture(saved(Image.fromarray(PATTERN[..., 0]), "PNG", icc_profile=profile))
    assert np.array_equal(grey.pixels, np.dstack([PATTERN[..., 0]] * 3))


def test_grey_profile() -> None:
    levels = np.arange(0, 256, 17, dtype=np.uint8)
    profile = icc(b"GRAY", {b"kTRC": gamma_tag(1.0)})
    expected = np.array([srgb_of(WHITE_D50 * level / 255)[1] for level in levels])
    grey = np.repeat(np.repeat(levels[None], 16, axis=1), 16, axis=0)
    picture = read_picture(saved(Image.fromarray(grey), "PNG", icc_profile=profile))
    assert np.abs(picture.pixels[8, 8::16] - expected[:, None]).max() <= 1.5
    with_alpha = read_picture(
        saved(Image.fromarray(np.dstack([grey, grey]), "LA"), "PNG", icc_profile=profile)
    )
    shown = grey[8] > 0
    assert np.abs(with_alpha.pixels[8, shown].astype(int) - picture.pixels[8, shown]).max() <= 1


def test_inks_with_a_profile_look_as_the_profile_says() -> None:
    inks = np.array(list(CORNERS))
    expected = np.array([srgb_of(xyz_of_lab(*lab)) for lab in CORNERS.values()])
    image = Image.fromarray(swatches(inks), "CMYK")
    for file_format, options in (
        ("JPEG", {"quality": 100}),
        ("TIFF", {}),
    ):  # Pillow writes Adobe's inverted JPEG
        picture = read_picture(saved(image, file_format, icc_profile=cmyk_profile(), **options))
        seen = picture.pixels[8, 8::16].astype(float)
        assert np.abs(seen[:4] - expected[:4]).max() <= 3, file_format
        assert (
            seen[4].max() <= expected[4].max() + 3
        )  # black point compensation may deepen the black, never lift it
        assert np.ptp(seen[4]) <= 2


def test_inks_without_a_profile_are_estimated_and_said_so() -> None:
    inks = np.array(
        [(0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0), (0, 0, 0, 255), (0, 128, 0, 128)]
    )
    expected = np.array([[(255 - ink) * (255 - colour[3]) / 255 for ink in colour[:3]] for colour in inks])
    content = saved(Image.fromarray(swatches(inks), "CMYK"), "JPEG", quality=100)
    assert b"Adobe" in content
    picture = read_picture(content)
    assert np.abs(picture.pixels[8, 8::16] - expected).max() <= 3
    assert "approximate" in picture.notes[0]


def test_lab_tiff() -> None:
    lab = (60, 20, -40)
    samples = np.empty((16, 16, 3), dtype=np.uint8)
    samples[:] = (round(lab[0] * 2.55), lab[1], lab[2] % 256)
    assert np.abs(read_picture(tiff(samples, 8)).pixels[8, 8] - srgb_of(xyz_of_lab(*lab))).max() <= 3


@pytest.mark.parametrize(
    "profile",
    [b"no profile at all", rgb_profile(ADOBE_D50, 2.2)[:200], cmyk_profile(), b""],
    ids=["text", "cut short", "for inks", "empty"],
)
def test_a_profile_that_does_not_hold_is_left_aside(profile: bytes) -> None:
    packed = (b"iCCP", b"x\0\0" + zlib.compress(profile))
    picture = read_picture(png(32, 40, 8, 2, rows(PATTERN), packed))
    assert np.array_equal(picture.pixels, PATTERN)
    assert picture.notes == (
        () if not profile else ("Its colour profile is damaged or does not match, so it was ignored.",)
    )


# Refusals: one sentence that says how to fix it


def refusal(content: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        read_picture(content, "sea.jpg")
    said = str(caught.value)
    assert said.startswith("sea.jpg "), said
    assert re.search(r"; .+\.$|, so .+\.$", said), said  # what is wrong, then how to fix it
    assert "\n" not in said
    assert len(said) < 220
    return said


def moving(file_format: str) -> bytes:
    frames = [Image.fromarray(np.roll(PATTERN, shift, axis=0)) for shift in range(3)]
    return saved(frames[0], file_format, save_all=True, append_images=frames[1:], duration=50)


def test_the_still_picture_of_an_animated_png_is_not_called_a_frame() -> None:
    frames = [Image.fromarray(np.roll(PATTERN, shift, 1)) for shift in (4, 8)]
    still = Image.fromarray(PATTERN)
    content = saved(still, "PNG", save_all=True, append_images=frames, default_image=True)
    picture = read_picture(content)
    np.testing.assert_array_equal(picture.pixels, PATTERN)
    assert "It is an animation; its still picture, which is none of the frames, was used." in picture.notes
    assert not any("first frame" in note for note in picture.notes)


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP", "AVIF"])
def test_the_first_frame_of_an_animation_is_taken_and_said_so(file_format: str) -> None:
    picture = read_picture(moving(file_format))
    assert np.abs(picture.pixels.astype(int) - PATTERN).mean() < 20  # the next frame is 60 away
    assert "It is an animation; its first frame was used." in picture.notes
    still = read_picture(saved(Image.fromarray(PATTERN), file_format, save_all=True))
    assert still.pixels.shape == PATTERN.shape
    assert still.notes == ()


def test_jpeg_2000_and_netpbm() -> None:
    image, grey = Image.fromarray(PATTERN), PATTERN[..., 0]
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    plain = b"P3 # by hand\n32 40\n255\n" + " ".join(map(str, PATTERN.ravel())).encode() + b"\n"
    for content in (
        saved(image, "JPEG2000"),
        saved(image, "JPEG2000", no_jp2=True),
        saved(image, "PPM"),
        plain,
        b"P6\n#\n32 40 65535\n" + (PATTERN.astype(">u2") * 257).tobytes(),
    ):
        assert np.array_equal(read_picture(content).pixels, PATTERN)
    for content in (
        saved(Image.fromarray(grey), "PPM"),
        saved(Image.fromarray(grey), "JPEG2000"),
        saved(deep, "JPEG2000"),
        b"P5 32 40 65535\n" + (grey.astype(">u2") * 257).tobytes(),
    ):
        assert np.array_equal(read_picture(content).pixels[..., 1], grey)
    bits = saved(image.convert("1"), "PPM")
    assert np.array_equal(read_picture(bits).pixels[..., 0], np.asarray(image.convert("1")) * np.uint8(255))
    with_alpha = read_picture(saved(Image.fromarray(np.dstack([PATTERN, grey | 1])), "JPEG2000"))
    assert with_alpha.alpha is not None
    assert np.array_equal(with_alpha.alpha, grey | 1)
    assert "megapixels" in refusal(b"P6 90000 9000 255\n" + bytes(100))
    siz = saved(image, "JPEG2000")
    at = siz.index(b"\xff\x4f\xff\x51") + 8
    assert "megapixels" in refusal(siz[:at] + struct.pack(">II", 20_000, 20_000) + siz[at + 8 :])


def test_avif_is_read_turned_and_converted() -> None:
    smooth = Image.fromarray(PATTERN).resize((64, 96))
    for orientation in range(1, 9):
        marked = Image.Exif()
        marked[0x0112] = orientation
        content = saved(smooth, "AVIF", quality=100, subsampling="4:4:4", exif=marked.tobytes())
        expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
        assert np.array_equal(read_picture(content).pixels, expected), orientation
    content = saved(smooth, "AVIF", quality=100, icc_profile=rgb_profile(ADOBE_D50, 2.2))
    assert "Colours were converted from the profile 'Bench' to sRGB." in read_picture(content).notes
    plain = saved(smooth, "AVIF", quality=100)
    at = plain.index(b"colrnclx") + 8
    wide = plain[:at] + struct.pack(">HH", 12, 13) + plain[at + 4 :]
    assert "Colours were converted from Display P3 to sRGB." in read_picture(wide).notes
    assert "HDR screens (PQ)" in refusal(plain[:at] + struct.pack(">HH", 9, 16) + plain[at + 4 :])


def test_photos_of_48_megapixels_are_reduced_while_they_are_decoded() -> None:
    light = Image.linear_gradient("L").resize((8064, 6048))
    picture = read_picture(saved(light, "JPEG", quality=40))
    assert picture.pixels.shape == (3024, 4032, 3)
    assert picture.notes == ("Its 49 megapixels were reduced to 4032 x 3024 pixels.",)
    assert np.abs(picture.pixels[::378, 7, 0].astype(int) - np.arange(0, 256, 32)).max() <= 3


def test_progressive_photos_that_would_take_a_gigabyte_are_refused() -> None:
    content = saved(Image.fromarray(PATTERN), "JPEG", progressive=True, subsampling=0)
    frame = content.index(b"\xff\xc2")
    huge = content[: frame + 5] + struct.pack(">HH", 10_000, 12_000) + content[frame + 9 :]
    assert "12000 x 10000 pixels, 120 megapixels" in refusal(huge)


def test_the_first_page_of_a_tiff_is_taken_and_thumbnails_are_no_pages() -> None:
    pages = [Image.fromarray(np.roll(PATTERN, shift, axis=0)) for shift in range(3)]
    picture = read_picture(saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert np.array_equal(picture.pixels, PATTERN)
    assert picture.notes == ("It has 3 pages; the first was used.",)


def test_89_megapixels_in_11_kilobytes_are_refused_before_decoding() -> None:
    width, height = 10_000, 8_900
    squeezer = zlib.compressobj(9)
    packed = squeezer.compress(bytes((width // 8 + 1) * height)) + squeezer.flush()
    bomb = png(width, height, 1, 0, b"").replace(zlib.compress(b""), packed)
    assert len(bomb) < 20_000
    said = refusal(bomb)
    assert "10000 x 8900 pixels, 89 megapixels" in said
    assert "scale it down first: up to 40 megapixels are fine in any format" in said


def test_the_limit_is_checked_in_every_format_from_the_header_alone() -> None:
    side = int(LARGEST_INPUT**0.5) + 1
    small = Image.fromarray(PATTERN)
    jpeg = saved(small, "JPEG")
    sof = jpeg.index(b"\xff\xc0")
    webp = bytearray(saved(small, "WEBP", lossless=True, exif=exif(1)))
    webp[24:30] = (side - 1).to_bytes(3, "little") * 2
    gif = saved(small, "GIF")
    bmp = saved(small, "BMP")
    crafted = {
        "JPEG": jpeg[: sof + 5] + struct.pack(">HH", 20_000, 20_000) + jpeg[sof + 9 :],
        "WebP": bytes(webp),
        "GIF": gif[:6] + struct.pack("<HH", side, side) + gif[10:],
        "GIF, a frame beyond the screen": gif.replace(
            b"\0,\0\0\0\0\x20\0\x28\0", b"\0,\xff\xff\xff\xff\x20\0\x28\0"
        ).replace(b",\0\0\0\0\x20\0\x28\0", b",\xff\xff\xff\xff\x20\0\x28\0"),
        "BMP": bmp[:18] + struct.pack("<ii", side, -side) + bmp[26:],
        "TIFF": tiff(PATTERN, 2, extra={256: (side,), 257: (side,)}),
    }
    for kind, content in crafted.items():
        assert "megapixels" in refusal(content), kind


def test_too_small_and_too_thin() -> None:
    assert "1 x 1 pixels" in refusal(saved(Image.new("RGB", (1, 1)), "PNG"))
    assert "1 x 10000 pixels" in refusal(saved(Image.new("RGB", (1, 10_000)), "PNG"))
    assert "too narrow" in refusal(saved(Image.new("RGB", (20, 1000)), "PNG"))
    assert "0 x" in refusal(
        saved(Image.fromarray(PATTERN), "BMP").replace(struct.pack("<ii", 32, 40), struct.pack("<ii", 0, 40))
    )
    read_picture(saved(Image.new("RGB", (16, 256)), "PNG"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "PDF"),
        (b"<!DOCTYPE html><html><body>", "web page"),
        (b"\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg>', "SVG"),
        (b"Dear diary, today I drew a picture.", "text"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "not a whole HEIC"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "AVIF"),
        (b"\0\0\0\x20ftypisom", "video"),
        (b"PK\x03\x04\x14\0", "ZIP"),
        (b"8BPS\0\x01", "not a whole PSD"),
        (b"MThd\0\0\0\x06", "music"),
        (bytes(range(256)), "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "not a whole PNG"),
        (b"\xff\xd8\xff", "0 x 0"),
        (b"II*\0\x08\0\0\0", "not a whole TIFF"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "not a whole WebP"),
    ],
)
def test_what_is_no_picture_is_named(content: bytes, said: str) -> None:
    assert said in refusal(content)


@pytest.mark.parametrize(
    "file_format", ["PNG", "JPEG", "WEBP", "AVIF", "JPEG2000", "PPM", "TIFF", "BMP", "GIF"]
)
@pytest.mark.filterwarnings("error")
def test_cut_anywhere_or_with_bytes_changed_it_is_refused_or_read_but_never_breaks(
    file_format: str, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = Image.fromarray(RNG.integers(0, 256, (48, 64, 3), dtype=np.uint8))
    options = (
        {"exif": exif(6), "icc_profile": rgb_profile(ADOBE_D50, 2.2)}
        if file_format not in ("BMP", "GIF", "PPM", "JPEG2000")
        else {}
    )
    content = saved(noise, file_format, **options)
    for cut in np.linspace(0, len(content) * 0.9, 40).astype(int):
        refusal(content[:cut])
    for place in RNG.integers(0, min(len(content), 900), 60):
        changed = bytearray(content)
        changed[place] ^= int(RNG.integers(1, 256))
        with contextlib.suppress(Unreadable):
            assert read_picture(bytes(changed)).pixels.ndim == 3
    assert capfd.readouterr().err == ""  # nothing that the decoders print reaches the user


def test_text_and_profile_bombs_cost_nothing() -> None:
    bomb = zlib.compress(bytes(60_000_000), 9)
    content = png(32, 40, 8, 2, rows(PATTERN), (b"iCCP", b"x\0\0" + bomb), (b"zTXt", b"Comment\0\0" + bomb))
    tracing = """
import resource, sys
from studio.images.pictures import read_picture
from pathlib import Path
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
picture = read_picture(Path(sys.argv[1]).read_bytes())
assert picture.pixels.shape == (40, 32, 3)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    assert np.array_equal(read_picture(content).pixels, PATTERN)
    grown = _in_a_process_of_its_own(tracing, content)
    assert grown < 40  # MiB; either bomb alone unpacks to 60 MB


def _in_a_process_of_its_own(code: str, content: bytes) -> int:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bomb"
        file.write_bytes(content)
        ran = subprocess.run(
            [sys.executable, "-c", code, str(file)],
            capture_output=True,
            text=True,
            check=True,
            env=dict(os.environ),
        )
    return int(ran.stdout)


def test_exif_and_tiff_fields_that_all_claim_the_whole_file() -> None:
    """4,000 fields of a megabyte each, all in the same place: 4 GB for a reader that copies every value."""
    big = 1_000_000
    overlapping = (
        struct.pack(">H", 4000)
        + b"".join(struct.pack(">HHII", 60000, 7, big, 8) for _ in range(4000))
        + bytes(4)
    )
    hostile = b"MM\0*\0\0\0\x08" + overlapping + bytes(big)
    picture = read_picture(png(32, 40, 8, 2, rows(PATTERN), (b"eXIf", hostile)))
    assert np.array_equal(picture.pixels, PATTERN)
    assert "TIFF" in refusal(hostile)


def test_a_jpeg_of_thousands_of_scans_is_refused() -> None:
    content = saved(Image.fromarray(PATTERN), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    assert "JPEG" in refusal(content[:last] + content[last:-2] * 3000 + content[-2:])


def test_nothing_of_pillow_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)  # someone else's wish
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    content = saved(Image.fromarray(PATTERN), "PNG")
    read_picture(content)
    refusal(content[:120])
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


# What is written


def test_nothing_private_leaves() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><p>' + SECRET + b"</p></x:xmpmeta>"
    image = Image.fromarray(PATTERN)
    sources = [
        saved(image, "JPEG", exif=b"Exif\0\0" + exif(6), xmp=xmp, comment=SECRET),
        saved(image, "PNG", exif=exif(6), pnginfo=_text_chunks(xmp)),
        saved(image, "WEBP", exif=exif(6), xmp=xmp),
        saved(image, "TIFF", exif=exif(6), description=SECRET.decode()),
        saved(image, "GIF", comment=SECRET),
    ]
    latitude = struct.pack(">6I", 48, 1, 31, 1, 17, 1)
    for content in sources:
        assert SECRET in content
        picture = read_picture(content)
        assert any("never saved in a result" in note for note in picture.notes)
        for left in (
            write_png(picture.pixels, picture.alpha),
            write_jpeg(picture.pixels),
            write_jpeg(picture.pixels, longest_side=20),
        ):
            assert SECRET not in left
            assert latitude not in left
            opened = Image.open(io.BytesIO(left))
            assert not opened.getexif()
            assert set(opened.info) <= {"srgb", "jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi"}
    assert "It contains location data" in " ".join(read_picture(sources[0]).notes)


def _text_chunks(xmp: bytes) -> object:
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add_text("Author", SECRET.decode())
    chunks.add_itxt("XML:com.adobe.xmp", xmp.decode())
    return chunks


def test_png_is_deterministic_marked_as_srgb_and_exact() -> None:
    alpha = PATTERN[..., 1].copy()
    first, second = write_png(PATTERN, alpha), write_png(PATTERN.copy(), alpha.copy())
    assert first == second
    kinds, at = [], 8
    while at < len(first):
        (length,) = struct.unpack_from(">I", first, at)
        kinds.append(first[at + 4 : at + 8])
        at += 12 + length
    assert set(kinds) == {b"IHDR", b"sRGB", b"IDAT", b"IEND"}
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(first))), np.dstack([PATTERN, alpha]))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(write_png(PATTERN)))), PATTERN)


def test_jpeg_previews_are_made_smaller_and_never_larger() -> None:
    assert Image.open(io.BytesIO(write_jpeg(PATTERN, longest_side=20))).size == (16, 20)
    assert Image.open(io.BytesIO(write_jpeg(PATTERN, longest_side=999))).size == (32, 40)


@pytest.mark.parametrize(
    ("shape", "longer", "expected"),
    [((480, 640), 320, (240, 320)), ((640, 480), 320, (320, 240)), ((3, 999), 33, (1, 33))],
)
def test_fit_within_keeps_the_shape(shape: tuple[int, int], longer: int, expected: tuple[int, int]) -> None:
    assert fit_within(*shape, longer) == expected


def test_resize_keeps_flat_colours_and_the_mean() -> None:
    flat = np.full((40, 60, 3), (10, 200, 90), dtype=np.uint8)
    assert (resize(flat, 17, 23) == (10, 200, 90)).all()
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (64, 1))
    assert abs(resize(ramp, 16, 16).mean() - ramp.mean()) < 1
    same = resize(ramp, 64, 64)
    same[0, 0] = 99
    assert ramp[0, 0] == 0  # the caller's picture is unchanged
    assert pictures.SMALLEST_INPUT_SIDE >= 1


def cut_out(side: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """A white ring around black, anti-aliased, on black that is transparent."""
    rows_at, columns_at = np.mgrid[:side, :side] - (side - 1) / 2
    radius = np.hypot(rows_at, columns_at) / side
    alpha = ((0.4 - radius) * side + 0.5).clip(0, 1) * 255
    white = (radius > 0.25).astype(np.uint8) * 255
    colours = np.where(alpha[..., None] > 0, np.dstack([white] * 3), 0).astype(np.uint8)
    return colours, np.rint(alpha).astype(np.uint8)


def test_a_cut_out_has_no_fringe_when_it_is_resized() -> None:
    pixels, alpha = cut_out()
    small, opacity = resize_cut_out(pixels, alpha, 75, 75), resize(alpha, 75, 75)
    rim = (opacity > 20) & (opacity < 235)
    assert rim.sum() > 50
    assert small[rim].min() == 255
    assert resize(pixels, 75, 75)[rim].min() < 150  # a grey fringe, without regard to alpha
    assert np.array_equal(resize_cut_out(pixels, alpha, 600, 600), pixels)
    opaque = np.full_like(alpha, 255)
    assert np.abs(resize_cut_out(pixels, opaque, 75, 75).astype(int) - resize(pixels, 75, 75)).mean() < 0.5
