"""HEIC, Photoshop files, Targa and icons: every sample agrees with the array it was written from.

The HEIC files in tests/data/pictures were written by another program's encoder, without loss.
"""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from studio.errors import Unreadable
from studio.images.photoshop import decode_psd
from studio.images.pictures import Picture, read_picture
from tests.images.picture_files import ADOBE_D50, PATTERN, exif, png, rgb_profile, rows, saved

DATA = Path(__file__).parents[1] / "data" / "pictures"
RAMP = np.linspace(0, 255, 40).astype(np.uint8)[:, None].repeat(32, 1)


def read(name: str) -> Picture:
    return read_picture((DATA / name).read_bytes(), name)


def refusal(content: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        read_picture(content, "sea.x")
    assert str(caught.value).startswith("sea.x ")
    return str(caught.value)


# HEIC


def test_heic_comes_back_to_the_sample() -> None:
    picture = read("plain.heic")
    assert np.array_equal(picture.pixels, PATTERN)
    assert picture.notes == ()
    deep = read("deep.heic")
    assert np.array_equal(deep.pixels, PATTERN)
    assert deep.notes == ("Its 10 bits per channel were reduced to 8.",)
    clear = read("alpha.heic")
    assert clear.alpha is not None
    assert np.array_equal(clear.alpha, RAMP)
    assert np.array_equal(clear.pixels[1:], PATTERN[1:])  # the first row is hidden


@pytest.mark.parametrize("orientation", range(2, 9))
def test_heic_is_turned_once(orientation: int) -> None:
    """The file holds both: its own rotation, and EXIF's, which repeats it."""
    marked = Image.Exif()
    marked[0x0112] = orientation
    still = Image.open(io.BytesIO(saved(Image.fromarray(PATTERN), "PNG", exif=marked.tobytes())))
    picture = read(f"turned{orientation}.heic")
    assert np.array_equal(picture.pixels, np.asarray(ImageOps.exif_transpose(still)))
    assert any("location" in note for note in picture.notes)


def test_heic_colours_and_several_pictures() -> None:
    converted = read("profile.heic")
    profiled = saved(Image.fromarray(PATTERN), "PNG", icc_profile=rgb_profile(ADOBE_D50, 2.2))
    assert np.array_equal(converted.pixels, read_picture(profiled).pixels)
    plain = (DATA / "plain.heic").read_bytes()
    at = plain.index(b"colrnclx") + 8
    wide = read_picture(plain[:at] + struct.pack(">HH", 12, 13) + plain[at + 4 :])
    assert "Colours were converted from Display P3 to sRGB." in wide.notes
    assert "HDR screens (HLG)" in refusal(plain[:at] + struct.pack(">HH", 9, 18) + plain[at + 4 :])
    main = read("several.heic")
    assert np.array_equal(main.pixels, PATTERN[::-1])
    assert main.notes == ("It holds 2 pictures; the main one was used.",)


def test_a_heic_whose_size_is_a_lie() -> None:
    plain = (DATA / "plain.heic").read_bytes()
    at = plain.index(b"ispe") + 8
    assert "megapixels" in refusal(plain[:at] + struct.pack(">II", 20_000, 20_000) + plain[at + 8 :])
    large = (DATA / "48mp.heic").read_bytes()
    at = large.index(b"ispe") + 8
    assert "HEIC" in refusal(large[:at] + struct.pack(">II", 64, 64) + large[at + 8 :])
    assert "HEIC" in refusal(plain[: len(plain) // 2])


# Large photos

LARGE = """
import re, sys
from pathlib import Path
from studio.images.pictures import read_picture
picture = read_picture(Path(sys.argv[1]).read_bytes(), "photo")
print(picture.pixels.shape, *picture.notes, sep="|")
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def in_a_process(path: Path) -> tuple[str, int]:
    """What reading the picture tells, and the process's largest memory in kB."""
    run = subprocess.run([sys.executable, "-c", LARGE, path], capture_output=True, text=True, check=True)
    told, peak = run.stdout.splitlines()
    return told, int(peak)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the process's memory is read from /proc")
def test_photos_of_48_and_108_megapixels_take_less_than_a_gigabyte(tmp_path: Path) -> None:
    told, peak = in_a_process(DATA / "48mp.heic")
    assert told == "(3024, 4032, 3)|Its 49 megapixels were reduced to 4032 x 3024 pixels."
    assert peak < 1e6
    photo = tmp_path / "photo.png"
    Image.merge("RGB", [Image.linear_gradient("L").resize((12_000, 9000))] * 3).save(photo, compress_level=1)
    told, peak = in_a_process(photo)
    assert told == "(4500, 6000, 3)|Its 108 megapixels were reduced to 6000 x 4500 pixels."
    assert peak < 400_000  # unpacked whole it takes 600 MB; the rest of a gigabyte is the network's


def test_a_jpeg_of_200_megapixels() -> None:
    """Pillow alone would refuse it as a bomb."""
    picture = read_picture(saved(Image.new("L", (16_384, 12_288), 99), "JPEG"))
    assert picture.pixels.shape == (3072, 4096, 3)
    assert (picture.pixels == 99).all()


def test_what_is_reduced_is_the_mean_of_its_pixels_weighted_by_alpha(monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.images import envelope, envelopes

    for module in (envelope, envelopes):
        monkeypatch.setattr(module, "LARGEST_INPUT", 1000)
    monkeypatch.setattr("studio.images.pictures.LARGEST_INPUT", 1000)
    plain = PATTERN.reshape(20, 2, 16, 2, 3).mean(axis=(1, 3))
    for content in (
        saved(Image.fromarray(PATTERN), "PNG"),
        saved(Image.fromarray(PATTERN), "BMP"),
        saved(Image.fromarray(PATTERN), "WEBP", lossless=True),
        saved(Image.fromarray(PATTERN), "TIFF"),
        saved(Image.fromarray(PATTERN), "TGA"),
        psd(PATTERN, 3),
        (DATA / "plain.heic").read_bytes(),
    ):
        picture = read_picture(content)
        assert np.abs(picture.pixels - plain).max() <= 0.5
        assert picture.notes == ("Its 0 megapixels were reduced to 16 x 20 pixels.",)
    edge = np.zeros((40, 32), np.uint8)
    edge[:, :17] = 255
    white = np.where(edge[..., None] > 0, 255, 0).repeat(3, 2).astype(np.uint8)
    cut = read_picture(saved(Image.fromarray(np.dstack([white, edge])), "PNG"))
    assert cut.alpha is not None
    assert cut.alpha[0].tolist() == [255] * 8 + [128] + [0] * 7
    assert (cut.pixels[:, :9] == 255).all()


def test_few_bytes_of_many_pixels_are_no_photo() -> None:
    squeezer = zlib.compressobj(9)
    packed = squeezer.compress(bytes(12_001 * 9000)) + squeezer.flush()
    bomb = png(12_000, 9000, 8, 0, b"").replace(zlib.compress(b""), packed)
    said = refusal(bomb)
    assert "108 megapixels; scale it down" in said
    assert "at most" not in said, "photos may have more than 40"


def test_an_avif_of_few_bytes_may_be_a_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("envelope", "envelopes", "pictures"):
        monkeypatch.setattr(f"studio.images.{module}.LARGEST_INPUT", 1000)
    monkeypatch.setattr("studio.images.envelopes.PIXELS_A_BYTE", 0)
    assert read_picture(saved(Image.fromarray(PATTERN), "AVIF")).pixels.shape == (20, 16, 3)
    assert "scale it down first" in refusal(saved(Image.fromarray(PATTERN), "PNG"))


def test_a_photo_whose_decoder_needs_too_much_is_refused_with_what_it_needs() -> None:
    small = saved(Image.fromarray(PATTERN), "AVIF")
    size = struct.pack(">II", 32, 40)
    assert size in small
    said = refusal(small.replace(size, struct.pack(">II", 12_000, 9000)) + bytes(600_000))
    assert "has 12000 x 9000 pixels, 108 megapixels, which take 1.3 GB to decode; scale it down to" in said
    assert "at most 70 megapixels, or save it as JPEG" in said


# Photoshop


def psd(
    samples: np.ndarray,
    mode: int,
    *,
    rle: bool = False,
    layers: int = 0,
    resources: tuple[tuple[int, bytes], ...] = (),
    palette: bytes = b"",
    large: bool = False,
) -> bytes:
    """A Photoshop file by hand: samples [h, w] or [h, w, channels], as they stand in the file."""
    planes = samples[None] if samples.ndim == 2 else samples.transpose(2, 0, 1)
    depth = samples.dtype.itemsize * 8
    head = b"8BPS" + struct.pack(">H6xHIIHH", 2 if large else 1, len(planes), *planes.shape[1:], depth, mode)
    blocks = b"".join(
        b"8BIM" + struct.pack(">HHI", kind, 0, len(data)) + data + bytes(len(data) % 2)
        for kind, data in resources
    )
    info = struct.pack(">h", layers) + bytes(10)
    wide = ">Q" if large else ">I"
    section = struct.pack(wide, len(info)) + info + struct.pack(">I", 0) if layers else b""
    body = planes.astype(planes.dtype.newbyteorder(">"))
    if rle:
        packed = [literal(row.tobytes()) for plane in body for row in plane]
        lengths = b"".join(struct.pack(">I" if large else ">H", len(row)) for row in packed)
        pixels = b"\0\1" + lengths + b"".join(packed)
    else:
        pixels = b"\0\0" + body.tobytes()
    parts = (head, struct.pack(">I", len(palette)), palette, struct.pack(">I", len(blocks)), blocks)
    return b"".join((*parts, struct.pack(wide, len(section)), section, pixels))


def literal(row: bytes) -> bytes:
    """A row in PackBits: runs where a byte repeats, else as it is (TIFF 6.0, section 9)."""
    packed, at = b"", 0
    while at < len(row):
        run = 1
        while at + run < len(row) and run < 128 and row[at + run] == row[at]:
            run += 1
        packed += struct.pack("bB", 1 - run, row[at]) if run > 1 else bytes([0, row[at]])
        at += run
    return packed


@pytest.mark.parametrize("rle", [False, True], ids=["raw", "packed"])
def test_photoshop_rgb_as_pillow_reads_it(rle: bool) -> None:
    content = psd(PATTERN, 3, rle=rle)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), PATTERN)  # the other reader
    picture = read_picture(content)
    assert np.array_equal(picture.pixels, PATTERN)
    assert picture.notes == ()
    deep = read_picture(psd(PATTERN.astype(np.uint16) * 257, 3, rle=rle, large=True))
    assert np.array_equal(deep.pixels, PATTERN)
    assert deep.notes == ("Its 16 bits per channel were reduced to 8.",)


def test_photoshop_modes() -> None:
    grey = PATTERN[..., 0]
    for mode in (1, 8):
        assert np.array_equal(read_picture(psd(grey, mode)).pixels, grey[..., None].repeat(3, 2))
    table = np.random.default_rng(2).integers(0, 256, (256, 3), np.uint8)
    indexed = psd(grey, 2, palette=table.T.tobytes(), resources=((1047, struct.pack(">H", int(grey[0, 0]))),))
    picture = read_picture(indexed)
    assert picture.alpha is not None
    shown = grey != grey[0, 0]
    assert np.array_equal(picture.alpha > 0, shown)
    assert np.array_equal(picture.pixels[shown], table[grey][shown])
    inks = np.dstack([PATTERN, grey])
    expected = np.asarray(Image.open(io.BytesIO(psd(inks, 4))).convert("RGB"))
    assert np.array_equal(read_picture(psd(inks, 4)).pixels, expected)
    lab = np.dstack([np.full_like(grey, 137), np.full_like(grey, 128 + 40), np.full_like(grey, 128 - 20)])
    ours = read_picture(psd(lab, 9)).pixels[0, 0].astype(int)
    tiff = io.BytesIO()
    Image.frombytes("LAB", (32, 40), (lab ^ np.array([0, 128, 128], np.uint8)).tobytes()).save(tiff, "TIFF")
    assert np.abs(ours - read_picture(tiff.getvalue()).pixels[0, 0]).max() <= 1
    bits = np.packbits(grey > 99, axis=1)
    one = psd(bits, 0)
    one = one[:18] + struct.pack(">IIH", 32, 1, 0)[:4] + struct.pack(">H", 1) + one[24:]
    black = read_picture(one).pixels[..., 0]
    assert np.array_equal(black == 0, grey > 99)


def test_photoshop_transparency_lies_on_white_and_selections_are_none() -> None:
    flat = np.rint(PATTERN * (RAMP[..., None] / 255) + (255.0 - RAMP[..., None])).astype(np.uint8)
    both = np.dstack([flat, RAMP])
    cut = read_picture(psd(both, 3, layers=-2))
    assert cut.alpha is not None
    assert np.array_equal(cut.alpha, RAMP)
    strong = RAMP > 64
    assert np.abs(cut.pixels[strong].astype(int) - PATTERN[strong]).max() <= 2
    for layers in (0, 2):
        selection = read_picture(psd(both, 3, layers=layers))
        assert selection.alpha is None
        assert np.array_equal(selection.pixels, flat)


def test_photoshop_profile_orientation_and_what_cannot_be_read() -> None:
    profile = rgb_profile(ADOBE_D50, 2.2)
    converted = read_picture(psd(PATTERN, 3, resources=((1039, profile),)))
    expected = read_picture(saved(Image.fromarray(PATTERN), "PNG", icc_profile=profile))
    assert np.array_equal(converted.pixels, expected.pixels)
    turned = read_picture(psd(PATTERN, 3, resources=((1058, exif(6)),)))
    assert np.array_equal(turned.pixels, np.rot90(PATTERN, -1))
    bare = psd(PATTERN, 3, resources=((1057, b"\0\0\0\1\0" + bytes(8)),))
    assert "without its flattened picture" in refusal(bare)
    assert "32 bits per channel" in refusal(psd(PATTERN.astype(np.float32), 3))
    assert "rare colour mode" in refusal(psd(PATTERN, 7))
    assert "ends too early" in refusal(psd(PATTERN, 3)[:-50])
    assert "ends too early" in refusal(psd(PATTERN, 3, rle=True)[:-50])
    whole = psd(PATTERN, 3)
    assert "megapixels" in refusal(whole[:14] + struct.pack(">II", 20_000, 20_000) + whole[22:])


# Targa


@pytest.mark.parametrize("packed", [False, True])
def test_targa_as_pillow_writes_it(packed: bool) -> None:
    options = {"compression": "tga_rle"} if packed else {}
    assert np.array_equal(read_picture(saved(Image.fromarray(PATTERN), "TGA", **options)).pixels, PATTERN)
    grey = Image.fromarray(PATTERN[..., 0])
    assert np.array_equal(read_picture(saved(grey, "TGA", **options)).pixels[..., 2], PATTERN[..., 0])
    both = read_picture(saved(Image.fromarray(np.dstack([PATTERN, RAMP])), "TGA", **options))
    assert both.alpha is not None
    assert np.array_equal(both.alpha, RAMP)
    mapped = Image.fromarray(PATTERN).quantize(200)
    assert np.array_equal(
        read_picture(saved(mapped, "TGA", **options)).pixels, np.asarray(mapped.convert("RGB"))
    )


def tga(samples: np.ndarray, described: int, tail: bytes = b"") -> bytes:
    """A Targa file by hand: type 2, samples [h, w, 3 or 4] as they stand in the file, red first here."""
    height, width, channels = samples.shape
    head = struct.pack("<BBB5xHHHHBB", 0, 0, 2, 0, 0, width, height, channels * 8, described)
    order = [2, 1, 0, 3][:channels]
    return head + samples[..., order].tobytes() + tail


def test_targa_origins_and_what_its_fourth_byte_is() -> None:
    for described, stored in (
        (0x00, PATTERN[::-1]),
        (0x10, PATTERN[::-1, ::-1]),
        (0x20, PATTERN),
        (0x30, PATTERN[:, ::-1]),
    ):
        assert np.array_equal(read_picture(tga(stored, described)).pixels, PATTERN), hex(described)
    both = np.dstack([PATTERN, RAMP])
    assert read_picture(tga(both, 0x20)).alpha is None  # no bit of it is alpha
    told = read_picture(tga(both, 0x28))
    assert told.alpha is not None
    area = bytearray(495)
    for meaning, has_alpha in ((0, False), (1, False), (3, True), (4, True)):
        area[494] = meaning
        at = 18 + both.size
        tail = bytes(area) + struct.pack("<II", at, 0) + b"TRUEVISION-XFILE.\0"
        stored = both
        if meaning == 4:
            stored = np.dstack([np.rint(PATTERN * (RAMP[..., None] / 255)).astype(np.uint8), RAMP])
        picture = read_picture(tga(stored, 0x28, tail))
        assert (picture.alpha is not None) is has_alpha, meaning
        strong = RAMP > 100
        assert np.abs(picture.pixels[strong].astype(int) - PATTERN[strong]).max() <= 2, meaning


# Icons


def test_the_largest_picture_of_an_icon() -> None:
    square = Image.fromarray(np.dstack([PATTERN, RAMP])[:32])
    for form in ("png", "bmp"):
        small = square.resize((16, 16))
        content = saved(square, "ICO", sizes=[(16, 16), (32, 32)], append_images=[small], bitmap_format=form)
        picture = read_picture(content)
        assert picture.alpha is not None
        assert np.array_equal(picture.alpha, RAMP[:32])
        assert np.array_equal(picture.pixels[1:], PATTERN[1:32])
        assert "It holds 2 sizes; the largest was used." in picture.notes
    cursor = content[:2] + b"\2" + content[3:]
    assert np.array_equal(read_picture(cursor).pixels, picture.pixels)
    inner = png(32, 32, 8, 2, rows(PATTERN[:32]), (b"gAMA", struct.pack(">I", 100_000)))
    alone = b"\0\0\1\0\1\0" + struct.pack("<BBBBHHII", 32, 32, 0, 0, 1, 24, len(inner), 22) + inner
    assert np.array_equal(read_picture(alone).pixels, read_picture(inner).pixels)
    huge = inner[:16] + struct.pack(">II", 20_000, 20_000) + inner[24:]
    bomb = b"\0\0\1\0\1\0" + struct.pack("<BBBBHHII", 32, 32, 0, 0, 1, 24, len(huge), 22) + huge
    assert "megapixels" in refusal(bomb)


def test_a_deep_photoshop_file_takes_no_more_memory_than_its_own_bytes_and_its_picture() -> None:
    side = 2000
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 1, side, side, 16, 1)
    content = head + bytes(12) + struct.pack(">H", 0) + b"\x40\x20" * side * side
    tracemalloc.start()
    try:
        grey, _ = decode_psd(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert grey.getpixel((side - 1, side - 1)) == round(0x4020 / 257)
    assert peak < 8 * side * side


def test_a_large_jpeg_2000_is_halved_while_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its coarser half is in the file: what is decoded is near the mean of each square of pixels."""
    monkeypatch.setattr("studio.images.envelopes.LARGEST_INPUT", 400 * 300 // 2)
    monkeypatch.setattr("studio.images.envelopes.MOST_MEMORY", 20 * 400 * 300 // 2)
    noise = np.random.default_rng(0).normal(128, 90, (15, 20)).clip(0, 255).astype(np.uint8)
    small = Image.fromarray(noise)
    layers = [small, small.rotate(180), small]
    picture = Image.merge("RGB", layers).resize((400, 300), Image.Resampling.BICUBIC)
    written = io.BytesIO()
    picture.save(written, "JPEG2000", quality_mode="rates", quality_layers=[30])
    read = read_picture(written.getvalue(), "photo.jp2")
    assert read.notes == ("Its 0 megapixels were reduced to 200 x 150 pixels.",)
    wanted = np.asarray(picture.reduce(2), np.int16)
    # The wavelet's half is a little sharper than the mean: 2.8 to 3.2 levels for such pictures.
    assert np.abs(read.pixels.astype(np.int16) - wanted).mean() < 4
