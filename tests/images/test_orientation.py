"""A picture is upright whichever kind of metadata says how it lies."""

from __future__ import annotations

import io
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from studio.images.orientation import LARGEST_METADATA, text_chunk, xmp_says
from studio.images.pictures import read_picture
from tests.images.picture_files import PATTERN, exif, png, rows, saved, tiff

TURNED = PATTERN[::-1].swapaxes(0, 1)
"""PATTERN as orientation 6 asks for it."""

IMAGE = Image.fromarray(PATTERN)


def xmp(how: str, prefix: str = "tiff") -> bytes:
    attribute = f'{prefix}:Orientation="6"' if how == "attribute" else ""
    element = f"<{prefix}:Orientation>6</{prefix}:Orientation>" if how == "element" else ""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:{prefix}="http://ns.adobe.com/tiff/1.0/" {attribute}>{element}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def with_text(kind: bytes, data: bytes) -> bytes:
    return png(32, 40, 8, 2, rows(PATTERN), (kind, data))


def raw_profile(kind: bytes, content: bytes) -> bytes:
    """As ImageMagick writes it: the name, the length, and lines of 72 hexadecimal digits."""
    digits = content.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    return b"\n" + kind + b"\n" + f"{len(content):8d}\n{lines}\n".encode()


@pytest.mark.parametrize("how", ["attribute", "element"])
@pytest.mark.parametrize("prefix", ["tiff", "t"])
def test_xmp(how: str, prefix: str) -> None:
    packet = xmp(how, prefix)
    itxt = b"XML:com.adobe.xmp\0"
    for content in (
        saved(IMAGE, "WEBP", lossless=True, xmp=packet),
        with_text(b"iTXt", itxt + b"\0\0\0\0" + packet),
        with_text(b"iTXt", itxt + b"\1\0\0\0" + zlib.compress(packet)),
        with_text(b"zTXt", b"Raw profile type xmp\0\0" + zlib.compress(raw_profile(b"xmp", packet))),
    ):
        picture = read_picture(content)
        assert np.array_equal(picture.pixels, TURNED)
        assert "It was rotated upright, as recorded by the camera." in picture.notes
    photo = read_picture(saved(IMAGE, "JPEG", quality=95, subsampling=0, xmp=packet)).pixels
    assert np.abs(photo.astype(int) - TURNED).mean() < 4


@pytest.mark.parametrize("kind", [b"exif", b"APP1", b"app1"])
@pytest.mark.parametrize("head", [b"", b"Exif\0\0"])
def test_raw_profiles_of_imagemagick(kind: bytes, head: bytes) -> None:
    profile = raw_profile(kind, head + exif(6))
    keyword = b"Raw profile type " + kind + b"\0"
    for content in (
        with_text(b"zTXt", keyword + b"\0" + zlib.compress(profile)),
        with_text(b"tEXt", keyword + profile),
    ):
        picture = read_picture(content)
        assert np.array_equal(picture.pixels, TURNED)
        assert "It contains location data" in " ".join(picture.notes)


def test_exif_is_believed_before_xmp() -> None:
    both = saved(IMAGE, "WEBP", lossless=True, exif=exif(1), xmp=xmp("attribute"))
    assert np.array_equal(read_picture(both).pixels, PATTERN)
    other = saved(IMAGE, "PNG", exif=exif(3))
    assert np.array_equal(read_picture(other).pixels, PATTERN[::-1, ::-1])
    # A TIFF's own field counts, too.
    packet = xmp("element")
    said = tiff(PATTERN, 2, extra={0x0112: (1,), 0x02BC: tuple(packet)})
    assert np.array_equal(read_picture(said).pixels, PATTERN)


def test_what_xmp_may_look_like() -> None:
    assert xmp_says(b"<tiff:Orientation>\n 8 </tiff:Orientation>") == 8
    assert xmp_says(b"tiff:Orientation = '3'") == 3
    assert xmp_says(xmp("element").decode().encode("utf-16")) == 6
    assert xmp_says(b'tiff:Orientation="9"') == 0
    assert xmp_says(b'exif:Orientation="6"') == 0
    assert xmp_says(b"") == 0


@pytest.mark.parametrize(
    "data",
    [
        b"Raw profile type exif\0\0no zlib",
        b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n 3\nnot hexadecimal"),
        b"Raw profile type exif\0\0" + zlib.compress(b"short"),
        b"Raw profile type exif\0",
        b"XML:com.adobe.xmp\0\0" + zlib.compress(b"<x"),
        b"",
    ],
)
def test_broken_texts_say_nothing(data: bytes) -> None:
    assert np.array_equal(read_picture(with_text(b"zTXt", data)).pixels, PATTERN)
    assert np.array_equal(read_picture(with_text(b"iTXt", data)).pixels, PATTERN)


def test_only_as_much_is_unpacked_as_metadata_takes() -> None:
    bomb = b"Raw profile type exif\0\0" + zlib.compress(bytes(60_000_000), 9)
    chunk = text_chunk(b"zTXt", bomb)
    assert chunk is not None
    assert len(chunk.text) == LARGEST_METADATA
    assert text_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"hello")) is None


def test_the_old_rules_do_not_ask_xmp() -> None:
    content = saved(IMAGE, "WEBP", lossless=True, xmp=xmp("attribute"))
    assert np.array_equal(read_picture(content, rules=1).pixels, PATTERN)


def prefixes(count: int) -> bytes:
    return b" ".join(b'xmlns:a%d="http://ns.adobe.com/tiff/1.0/"' % number for number in range(count))


def packed_texts(count: int) -> bytes:
    packed = zlib.compress(b"\n\n\n" + b"0" * LARGEST_METADATA)
    return png(
        32, 40, 8, 2, rows(PATTERN), *[(b"zTXt", b"Raw profile type exif\0\0" + packed) for _ in range(count)]
    )


def with_packet(packet: bytes) -> bytes:
    written = io.BytesIO()
    IMAGE.save(written, "WEBP", lossless=True, xmp=packet)
    return written.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(with_packet(prefixes(40_000)), id="forty thousand names for TIFF's properties"),
        pytest.param(packed_texts(2_000), id="two thousand texts that unpack to megabytes"),
    ],
)
def test_metadata_that_asks_for_hours_is_not_read_to_its_end(content: bytes) -> None:
    """Both took the better part of a minute, and longer in the square of their size."""
    began = time.process_time()
    assert np.array_equal(read_picture(content).pixels, PATTERN)
    assert time.process_time() - began < 10
