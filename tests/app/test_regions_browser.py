"""Regions in a real Chromium: painted and found, each with its look, and found again after a reload."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.conftest import Chromium, Open
from tests.app.test_browser import opened
from tests.app.test_style_browser import seen, type_into

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("app")]


def fold(page: Any) -> Any:
    """The regions of the tab in sight, unfolded."""
    box = seen(page, ".fold:has(.region-list)")
    if box.get_attribute("open") is None:
        box.locator("summary").click()
    return box


def paint_on_stage(page: Any) -> None:
    seen(page, ".stage[data-mode=painting]").wait_for()
    canvas = seen(page, "canvas.mask")
    canvas.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    seen(page, "[data-do=painted]").click()


@pytest.fixture(scope="module")
def page(chromium: Chromium, studio: Open) -> Iterator[Any]:
    """One page: the first test is on the Dream tab, the second on the Paint tab."""
    with opened(chromium, studio) as page:
        yield page


def test_regions_are_painted_and_found_and_come_back(page: Any, photo: Path) -> None:
    seen(page, ".stage").locator("input[type=file]").first.set_input_files(str(photo))
    seen(page, ".stage[data-mode=photo]").wait_for()
    box = fold(page)
    box.get_by_role("button", name="Paint a region").click()
    seen(page, ".stage[data-mode=painting]").wait_for()
    seen(page, "[data-do=painted]").click()
    box.get_by_text("Nothing was painted, so there is no region.").wait_for()
    box.get_by_role("button", name="Paint a region").click()
    paint_on_stage(page)
    assert box.locator(".trouble").is_hidden()
    box.locator(".regions li").first.wait_for()
    box.get_by_label("Name of the region").fill("A hill")
    box.get_by_label("Name of the region").press("Tab")
    box.locator("select").first.select_option("woodcut")
    box.get_by_role("button", name="Find parts").click()
    box.locator(".parts button").first.click()
    box.locator("select").nth(1).select_option("weave")
    strength = box.get_by_role("slider").nth(1)
    strength.focus()
    strength.press("Home")
    type_into(page, "Size", 96)
    page.click("#dream-button")
    seen(page, ".stage[data-mode=done]").wait_for()
    words = seen(page, ".stage .words").inner_text()
    assert "A hill as woodcut, segment 1 as weave at 5%" in words

    page.reload()
    seen(page, ".stage[data-mode=done]").wait_for()
    box = fold(page)
    box.locator(".regions li").nth(1).wait_for()
    assert [each.input_value() for each in box.locator("select").all()] == ["woodcut", "weave"]
    assert box.get_by_label("Name of the region").input_value() == "A hill"

    # Another photo takes with it what was painted on this one.
    box.get_by_role("button", name="The rest", exact=True).click()
    seen(page, "[data-do=back]").click()
    seen(page, "[data-do=clear]").click()
    assert box.locator(".regions li").all_inner_texts()[0].startswith("The rest")
    assert box.locator(".regions li").count() == 1


def test_paintings_lie_in_regions(page: Any, photo: Path) -> None:
    page.get_by_role("tab", name="Paint", exact=True).click()
    seen(page, ".stage").locator("input[type=file]").first.set_input_files(str(photo))
    seen(page, ".stage[data-mode=photo]").wait_for()
    for name in ("Leaded glass", "Woodcut"):
        page.get_by_role("button", name=name).click()
    page.wait_for_function("() => document.querySelectorAll('.paintings .hung li').length === 2")
    seen(page, "input[value=instant]").check()
    box = fold(page)
    for place in ("Subject", "The rest"):
        box.get_by_role("button", name=place, exact=True).click()
    type_into(page, "Size", 96)
    page.click("#paint-button")
    seen(page, ".stage[data-mode=done]").wait_for()
    words = seen(page, ".stage .words").inner_text()
    assert "the subject after Leaded glass, the rest after Woodcut" in words
