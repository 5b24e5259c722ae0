"""The smallest files that were once read wrong: each comes out as the picture it was made from."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.images.canvas import as_made, photo_at_size
from studio.images.pictures import read_picture
from studio.images.recipes import DreamRecipe
from studio.works.recipe import ModelIdentity, Source

CASES = Path(__file__).parents[1] / "data" / "pictures" / "cases"
TRUTH = np.asarray(Image.open(CASES / "truth.png").convert("RGB")).astype(int)
RED = TRUTH[..., :1].repeat(3, 2)

EXACT, ROUNDED, LOSSY = (0, 0), (1.3, 17), (4, 60)
"""Differences from the truth in 8-bit levels, (mean, most): none, rounding in 8 bits and another gamut's
corners, and what JPEG, AVIF or 256 colours leave out.
"""


@pytest.mark.parametrize(
    ("name", "truth", "apart", "note"),
    [
        ("truth.png", TRUTH, EXACT, ""),
        ("rgb16_planar.tif", TRUTH, EXACT, "16 bits per channel"),
        ("rgb32f.tif", TRUTH, EXACT, "32 bits per channel"),
        ("gray32u.tif", RED, EXACT, "32 bits per channel"),
        ("gama10_linear.png", TRUTH, ROUNDED, "from gamma 1 to sRGB"),
        ("gama18_oldmac.png", TRUTH, ROUNDED, "from gamma 1.8 to sRGB"),
        ("chrm_p3.png", TRUTH, ROUNDED, "from gamma 2.2 to sRGB"),
        ("cicp_p3.png", TRUTH, ROUNDED, "from Display P3 to sRGB"),
        ("o6_xmp.png", TRUTH, EXACT, "rotated upright"),
        ("o6_rawprofile_ztxt.png", TRUTH, EXACT, "rotated upright"),
        ("o6_xmp.jpg", TRUTH, LOSSY, "rotated upright"),
        ("still.avif", TRUTH, LOSSY, ""),
        ("anim2.gif", TRUTH, LOSSY, "It is an animation; its first frame was used."),
        ("300dpi.jpg", TRUTH, LOSSY, ""),
    ],
)
def test_a_case_comes_out_as_the_truth(
    name: str, truth: np.ndarray, apart: tuple[float, int], note: str
) -> None:
    picture = read_picture((CASES / name).read_bytes(), name)
    differences = np.abs(picture.pixels - truth)
    assert (differences.mean() <= apart[0], differences.max() <= apart[1]) == (True, True)
    assert note in " ".join(picture.notes)
    assert picture.alpha is None


def test_a_photo_of_48_megapixels_is_reduced_while_it_is_decoded() -> None:
    """One grey; `test_pictures` has a photo with shades."""
    picture = read_picture((CASES / "phone48mp.jpg").read_bytes())
    assert picture.notes == ("Its 49 megapixels were reduced to 4032 x 3024 pixels.",)
    assert (picture.pixels.shape, picture.pixels.min(), picture.pixels.max()) == ((3024, 4032, 3), 91, 91)


def test_every_case_is_tested() -> None:
    tested = Path(__file__).read_text()
    assert [path.name for path in CASES.iterdir() if f'"{path.name}"' not in tested] == []


def test_greys_with_alpha() -> None:
    picture = read_picture((CASES / "gray16_alpha.tif").read_bytes())
    assert picture.alpha is not None
    shown = picture.alpha > 0
    assert 0.2 < shown.mean() < 0.8
    assert np.array_equal(picture.pixels[shown], RED[shown])


def at_size(name: str, size: int | None) -> tuple[np.ndarray, np.ndarray | None, dict[str, object]]:
    content = (CASES / name).read_bytes()
    source = Source(sha256=hashlib.sha256(content).hexdigest(), role="photo", name=name)
    return photo_at_size(source, lambda _: content, size)


def test_a_cut_out_keeps_its_white_rim() -> None:
    pixels, alpha, _ = at_size("cutout.png", 150)
    assert alpha is not None
    rim = pixels[(alpha > 20) & (alpha < 235)]
    assert len(rim) > 100
    assert rim.min() == 255


def test_the_density_of_the_photo_is_in_the_result() -> None:
    import io

    import torch

    pixels, alpha, facts = at_size("300dpi.jpg", 64)
    identity = ModelIdentity(name="none", sha256="0" * 64)
    made = as_made(DreamRecipe(), identity, torch.device("cpu"), pixels, alpha, (), facts)
    assert made.facts["density"] == 300
    assert [round(each) for each in Image.open(io.BytesIO(made.content)).info["dpi"]] == [300, 300]
