"""What works are called: after what a person named, or else by what is seen."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from studio.images.recipes import DreamRecipe, StyleRecipe
from studio.works.recipe import Source
from studio.works.titles import colours_of, says_something, title_of


def source(name: str, title: str = "", role: str = "photo") -> Source:
    return Source(sha256="0" * 64, role=role, name=name, title=title, author="", licence="")


def jpeg(*bands: tuple[int, int, int]) -> bytes:
    """Bands of colour, one below the other."""
    picture = Image.new("RGB", (64, 16 * len(bands)))
    for place, colour in enumerate(bands):
        picture.paste(colour, (0, 16 * place, 64, 16 * place + 16))
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=95)
    return written.getvalue()


AMBER, SLATE = (222, 150, 46), (98, 108, 122)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Hügel am Meer", True),
        ("tubingen", True),
        ("my_cat-2", True),
        ("IMG_2034", False),
        ("PXL_20240101_120000123", False),
        ("DSC00012", False),
        ("Screenshot 2024-01-01 at 12.00.00", False),
        ("WhatsApp Image 2024-01-01 at 12.00.00", False),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", False),
        ("download (3)", False),
        ("1234", False),
    ],
)
def test_names_that_people_gave_are_told_from_those_of_cameras(name: str, says: bool) -> None:
    assert says_something(name) is says


def test_a_work_is_called_after_its_source_or_by_its_colours() -> None:
    picture = jpeg(AMBER, AMBER, SLATE)
    dream = DreamRecipe(sources=(source("IMG_2034.jpg"),), preset="stained_glass")
    assert title_of(dream, picture) == "Stained glass in amber and slate"
    assert title_of(dream.model_copy(update={"sources": (source("old_mill.jpg"),)}), picture) == (
        "old mill, stained glass"
    )
    painting = StyleRecipe(sources=(source("IMG_1.jpg"), source("w.jpg", "Night wind", role="style")))
    assert title_of(painting, picture) == "After Night wind, in amber and slate"
    named = source("x", "China (scikit-learn's china.jpg)"), source("x", "Quay (left bank)")
    titles = [title_of(dream.model_copy(update={"sources": (each,)}), picture) for each in named]
    assert [title.split(",")[0] for title in titles] == ["China", "Quay (left bank)"]
    assert title_of(painting.model_copy(update={"sources": (source("x", "Quay"), painting.sources[1])})) == (
        "Quay, after Night wind"
    )


def test_what_is_no_picture_has_no_colours() -> None:
    assert colours_of(b"") == colours_of(b"no picture") == []
    assert colours_of(jpeg(AMBER)) == ["amber"]


def test_a_caption_names_no_machinery() -> None:
    dream = DreamRecipe(sources=(source("a.jpg", "China"),), preset="creatures", seed=3)
    assert dream.caption() == f"China, dreamt as creatures; {dream.steps} steps per octave, seed 3."
    painting = StyleRecipe(sources=(source("a.jpg", "China"), source("b", "Wind", role="style")))
    for recipe in (dream, painting):
        assert "efficientnet" not in recipe.caption()
        assert "blocks" not in recipe.caption()
        assert "efficientnet" in recipe.in_words(), "the sentence in the file stays as it was"
