"""The files that pictures are saved as, their density and the print sizes that can be asked for. Pillow reads
what the studio wrote.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.errors import Refused
from studio.images.formats import FORMATS
from studio.images.pictures import read_picture
from studio.images.printing import PrintSize
from studio.images.recipes import PRINT, DreamRecipe
from studio.making.kinds import read_recipe
from studio.works.gallery import Gallery
from studio.works.metadata import embed, extract
from studio.works.recipe import Source
from tests.conftest import Studio
from tests.images.picture_files import PATTERN, exif, saved, tiff

RAMP = np.linspace(0, 255, 40).astype(np.uint8)[:, None].repeat(32, 1)
QUICK = ("--size", "64", "--steps", "1", "--octaves", "1")


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_is_what_another_reader_reads(name: str) -> None:
    form = FORMATS[name]
    for alpha in (None, RAMP):
        opened = Image.open(io.BytesIO(form.to_bytes(PATTERN, alpha=alpha, density=300.0)))
        assert tuple(round(float(each)) for each in _density(opened)) == (300, 300)
        if form.reads_back:
            expected = PATTERN if alpha is None else np.dstack([PATTERN, alpha])
            assert np.array_equal(np.asarray(opened), expected)
        else:
            white = 255 * (1 - RAMP[..., None] / 255.0) if alpha is not None else 0
            share = RAMP[..., None] / 255.0 if alpha is not None else 1
            assert np.abs(np.asarray(opened).astype(float) - (PATTERN * share + white)).mean() < 4
            assert opened.layer[0][1:3] == opened.layer[1][1:3] == (1, 1)  # type: ignore[attr-defined]
        assert form.to_bytes(PATTERN, alpha=alpha) == form.to_bytes(PATTERN, alpha=alpha)
    bare = read_picture(form.to_bytes(PATTERN))
    assert bare.density is None


def _density(opened: Image.Image) -> tuple[float, float]:
    return opened.info.get("dpi") or (opened.getexif()[0x011A], opened.getexif()[0x011B])


@pytest.mark.parametrize("name", FORMATS)
def test_the_recipe_is_inside_and_changes_no_pixel(name: str) -> None:
    form = FORMATS[name]
    sources = tuple(
        Source(sha256=f"{number:064x}", role="guide", title=f"Ünï {number} " * 40) for number in range(200)
    )
    for recipe in (DreamRecipe(seed=3), DreamRecipe(seed=4, sources=sources)):
        for alpha in (None, RAMP):
            plain = form.to_bytes(PATTERN, alpha=alpha, density=240.0)
            carried = embed(plain, form.suffix, recipe)
            assert extract(carried) == recipe.to_json()
            before, after = Image.open(io.BytesIO(plain)), Image.open(io.BytesIO(carried))
            assert before.mode == after.mode
            assert np.array_equal(np.asarray(before), np.asarray(after))
            assert round(float(_density(after)[0])) == 240
            assert b"digitalsourcetype/" in carried or (name, recipe.seed) == ("jpg", 4)  # no room there


def test_files_made_by_other_programs_can_carry_a_recipe() -> None:
    image = Image.fromarray(PATTERN)
    marked = Image.Exif()
    marked[0x010E] = "by another program"
    files = {
        ".jpg": [saved(image, "JPEG", progressive=True), saved(image, "JPEG", exif=marked, comment=b"hello")],
        ".webp": [
            saved(image, "WEBP"),
            saved(image, "WEBP", exif=marked),
            saved(image.convert("RGBA"), "WEBP"),
        ],
        ".tif": [
            tiff(PATTERN, 2, order=">"),
            saved(image, "TIFF", compression="jpeg"),
            saved(image.convert("1"), "TIFF"),
        ],
    }
    recipe, other = DreamRecipe(seed=3), DreamRecipe(seed=4)
    for suffix, contents in files.items():
        for content in contents:
            carried = embed(content, suffix, recipe)
            assert extract(carried) == recipe.to_json()
            assert np.array_equal(*(np.asarray(Image.open(io.BytesIO(each))) for each in (content, carried)))
            assert embed(embed(content, suffix, other), suffix, recipe) == carried


# Density


def test_the_density_is_read_from_every_place() -> None:
    image = Image.fromarray(PATTERN)
    marked = Image.Exif()
    marked[0x011A] = marked[0x011B] = 240.0
    marked[0x0128] = 2
    cm = Image.Exif()
    cm[0x011A] = cm[0x011B] = 118.11
    cm[0x0128] = 3
    for content, density in (
        (saved(image, "JPEG", dpi=(300, 300)), 300),
        (saved(image, "JPEG"), None),
        (saved(image, "JPEG", exif=marked.tobytes()), 240),
        (saved(image, "JPEG", exif=exif(1)), None),
        (saved(image, "PNG", dpi=(300, 300)), 300),
        (saved(image, "PNG", dpi=(254, 254)), 254),
        (saved(image, "PNG", dpi=(300, 150)), None),
        (saved(image, "TIFF", dpi=(600, 600)), 600),
        (saved(image, "BMP", dpi=(96, 96)), 96),
        (saved(image, "WEBP", exif=marked.tobytes()), 240),
        (saved(image, "WEBP", exif=cm.tobytes()), 300),
        (saved(image, "AVIF", exif=marked.tobytes()), None),
        (tiff(PATTERN, 2), None),
    ):
        assert read_picture(content).density == density


@pytest.mark.parametrize(
    ("asked", "picture", "side"),
    [
        ("30x20cm@300", (3000, 2000), 3543),
        ("20 x 30 cm @ 300 dpi", (3000, 2000), 3543),
        ("300x200mm@300", (2000, 3000), 3543),
        ("12x8in@300", (3000, 2000), 3600),
        ('12"x8"@300', (3000, 2000), 3600),
        ("A4@300", (297, 210), 3508),
        ("a4", (297, 210), 3508),
        ("30x20cm@300", (1000, 1000), 2362),  # a square: as wide as the paper
        ("30x20cm@300", (4000, 1000), 3543),  # a panorama: as long as the paper
        ("postcard@150", (148, 105), 874),
    ],
)
def test_print_sizes(asked: str, picture: tuple[int, int], side: int) -> None:
    assert PrintSize.read(asked).longer_side(*picture) == side


def test_the_help_says_which_density_is_used_where_none_is_given() -> None:
    used = PrintSize.read("30x20cm").density
    assert f"without @, {used:g} are used" in (PRINT.description or "")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("0x20cm@300", "has no area: give both sides more than 0."),
        ("30x20cm@3000", "35,433 pixels on its longer side, but the studio makes at most 8,192: choose 693"),
        ("30x20cm@0", "0 pixels per inch cannot be printed"),
        ("1x1mm@72", "3 pixels on its longer side, but the studio makes at least 64"),
        ("A9@300", "is not a print size: write it as"),
        ("30x20", "is not a print size"),
        ("-3x20cm", "is not a print size"),
    ],
)
def test_prints_that_cannot_be(asked: str, said: str) -> None:
    with pytest.raises(Refused) as caught:
        PrintSize.read(asked).longer_side(3000, 2000)
    assert said in str(caught.value)


# Through the command line and the gallery


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.fromarray(PATTERN).resize((96, 64)).save(path, dpi=(300, 300))
    return path


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery.open(tmp_path / "gallery") as gallery:
        yield gallery


def test_the_command_line_writes_every_format_and_makes_it_again(studio: Studio, photo: Path) -> None:
    for name in ("a.jpg", "a.jpeg", "a.webp", "a.tif"):
        status, out, told = studio("dream", photo, "-o", name, *QUICK)
        assert (status, out.strip()) == (0, name), told
        assert "density  300 pixels per inch" in told
        assert round(float(_density(Image.open(name))[0])) == 300
    assert studio("remake", "a.jpg")[1].strip() == "Identical, to the byte."
    assert "format  jpg" in studio("show", "a.jpeg")[1]
    assert "dream" in studio("show", "a.tif", "--json")[1]
    assert studio("dream", photo, "-o", "a.gif", *QUICK)[0] == 2
    status, _, told = studio("dream", photo, "-o", "b.jpg", "--print", "10x5cm@100", *QUICK[2:])
    assert status == 0, told
    printed = Image.open("b.jpg")
    assert printed.size == (round(5 / 2.54 * 100 * 96 / 64), round(5 / 2.54 * 100))  # a margin left and right
    assert round(float(printed.info["dpi"][0])) == 100
    status, _, told = studio("dream", photo, "-o", "c.jpg", "--print", "10x5cm@100", *QUICK)
    assert (status, "leave out --size" in told) == (2, True)


def test_a_work_is_exported_in_the_other_formats(studio: Studio, photo: Path) -> None:
    _, out, _ = studio("dream", photo, "-o", "kept.png", "--json", *QUICK)
    id = json.loads(out)["work"]
    pixels = np.asarray(Image.open("kept.png"))
    for name in ("x.jpg", "x.webp", "x.tiff", "x.png"):
        assert studio("gallery", "export", id, "-o", name)[0] == 0
        assert np.abs(np.asarray(Image.open(name)).astype(int) - pixels).mean() < 3
        assert studio("remake", name)[1].startswith("Identical, to the byte.")
    assert "exists already" in studio("gallery", "export", id, "-o", "x.jpg")[2]
    _, out, _ = studio("dream", photo, "-o", "lossy.jpg", "--json", *QUICK)
    lossy = json.loads(out)["work"]
    assert "leaves part of it out" in studio("gallery", "export", lossy, "-o", "y.png")[2]
    assert studio("gallery", "export", lossy, "-o", "y.jpeg")[0] == 0


def test_recipes_made_before_keep_their_json_and_their_fingerprint() -> None:
    """Those of 0.3.0, taken from there, with what was usual then."""
    recipe = DreamRecipe(seed=5, steps=12, step_size=0.011, hold=0.02, smoothing=0.45)
    assert '"format"' not in recipe.to_json()
    assert '"print"' not in recipe.to_json()
    assert read_recipe(recipe.to_json()) == recipe
    assert recipe.fingerprint == "832e3fda8171c3624ca339bfe1bf28319dc38d6d797ff24f075b6711b4c7dc2c"
    other = DreamRecipe(seed=5, format="jpg")
    assert other.fingerprint != recipe.fingerprint
    assert read_recipe(other.to_json()) == other


def test_music_is_exported_by_the_same_command(studio: Studio) -> None:
    _, out, told = studio("compose", "-o", "tune.mid", "--style", "american-fife", "--bars", "4", "--json")
    id = json.loads(out)["work"]
    status, out, told = studio("gallery", "export", id, "-o", "tune.abc")
    assert (status, out.strip()) == (0, "tune.abc"), told
    assert "X:1" in Path("tune.abc").read_text()
