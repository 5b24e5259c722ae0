"""The look keeps its promises: readable, and nothing fetched from elsewhere."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from studio.app.theme import palette, style_sheet, theme


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_of_contrast_is_right() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


BOTH = pytest.mark.parametrize("light", [False, True], ids=["dark", "light"])


@BOTH
@pytest.mark.parametrize("ground", ["ground", "raised", "well", "hover"])
@pytest.mark.parametrize("text", ["text", "quiet", "accent", "good", "bad"])
def test_text_is_readable_on_every_ground(text: str, ground: str, light: bool) -> None:
    colours = palette(light=light)
    assert contrast(getattr(colours, text), getattr(colours, ground)) >= 4.5


@BOTH
@pytest.mark.parametrize(
    ("text", "ground"), [("on_accent", "accent"), ("on_accent", "accent_bright"), ("bad", "bad_ground")]
)
def test_text_is_readable_on_what_stands_out(text: str, ground: str, light: bool) -> None:
    colours = palette(light=light)
    assert contrast(getattr(colours, text), getattr(colours, ground)) >= 4.5


@BOTH
@pytest.mark.parametrize("ground", ["ground", "raised", "well"])
def test_what_can_be_operated_stands_out_from_its_ground(ground: str, light: bool) -> None:
    colours = palette(light=light)
    assert contrast(colours.edge, getattr(colours, ground)) >= 3


def test_day_and_night_look_the_same() -> None:
    made = theme()
    for name in (
        "body_background_fill",
        "body_text_color",
        "input_background_fill",
        "button_primary_background_fill",
    ):
        assert getattr(made, name) == getattr(made, f"{name}_dark")
        assert getattr(made, name).startswith("var(--"), "the custom properties say what it is now"


def test_nothing_is_fetched_from_elsewhere() -> None:
    folder = Path(str(files("studio.app")))
    scripts = [path for suffix in ("js", "html", "css") for path in folder.rglob(f"*.{suffix}")]
    texts = [style_sheet(), *(path.read_text("utf-8") for path in scripts)]
    for text in texts:
        assert not re.search(r"https?://(?!www\.w3\.org/)|@import (?!\{)|//cdn", text)
    assert theme()._stylesheets == []


def test_no_comma_where_gradio_would_split_a_selector() -> None:
    selectors = re.findall(r"([^{}]+)\{", re.sub(r"/\*.*?\*/", "", style_sheet(), flags=re.DOTALL))
    assert not [each for each in selectors if re.search(r":(is|not|where|has)\([^)]*,", each)]
