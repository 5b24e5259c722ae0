"""Looks on the stage, variations at a press, and this session's results side by side, by mouse and keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.conftest import PHONE, Chromium, Open
from tests.app.test_browser import choose, choose_seed, narrow_enough, opened, small

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]

LAPTOP = {"width": 1366, "height": 768}

SRC = "(selector) => document.querySelector(selector).src"


def tab_to(page: Any, selector: str) -> None:
    """Go to it with the Tab key, as somebody without a mouse does."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not lead to {selector}")


@pytest.fixture(scope="module")
def page(chromium: Chromium, studio: Open) -> Iterator[Any]:
    """One page for a laptop."""
    with opened(chromium, studio, size=LAPTOP) as page:
        yield page


def test_a_look_is_shown_on_the_stage_at_a_hover_and_at_the_keyboards_focus(page: Any) -> None:
    page.hover(".look:has([value=origami])")
    page.wait_for_selector(".stage .peek:visible")
    assert page.evaluate(SRC, ".stage .peek img").endswith("presets/origami")
    assert "Origami" in page.inner_text(".stage .peek")
    page.mouse.move(2, 2)
    page.wait_for_selector(".stage .peek", state="hidden")
    page.focus(".look [value=creatures]")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".stage .peek:visible")
    assert page.evaluate(SRC, ".stage .peek img").endswith("presets/garden")
    page.keyboard.press("Tab")
    page.wait_for_selector(".stage .peek", state="hidden")


def test_four_variations_are_compared_and_one_lends_its_seed(page: Any, photo: Path) -> None:
    choose(page, photo)
    small(page, steps=2, size=96)
    choose_seed(page, 40)
    page.wait_for_function("document.querySelector('.press .cost').textContent.includes('memory')")
    assert page.locator(".size-dial .cost:not(:empty)").count() == 6
    page.click("#dream-button-4")
    page.wait_for_selector(".stage[data-mode=sheet]")
    page.wait_for_selector(".stage [data-link=sheet]:visible")
    assert page.locator(".sheet li[data-state=made]").count() == 4
    assert page.locator(".strip li").count() == 4
    sheet = page.evaluate("document.querySelector('[data-link=sheet]').href")
    assert page.request.get(sheet).headers["content-type"] == "image/jpeg"

    # One of them large, beside the photo; then beside another, with the keyboard.
    page.focus(".sheet li:nth-child(3) button")
    page.keyboard.press("Enter")
    page.wait_for_selector(".stage[data-mode=done]")
    shown = page.evaluate(SRC, ".stage .after")
    assert page.inner_text(".stage .tag-before") == "Before"
    tab_to(page, ".strip li:first-child .letter")
    page.keyboard.press("Enter")
    assert page.inner_text(".stage .tag-before") == "A"
    assert page.evaluate(SRC, ".stage .after") == shown
    other = page.get_attribute(".strip li:first-child", "data-work")
    assert page.evaluate(SRC, ".stage .before").endswith(f"works/{other}/view")
    tab_to(page, "[data-do=seed]")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('[aria-label=Seed], .seed-row input').value === '42'")

    # Four more from there are four that are not there yet.
    page.click("#dream-button-4")
    page.wait_for_selector(".stage[data-mode=sheet]")
    page.wait_for_function("document.querySelectorAll('.sheet li[data-state=made]').length === 4")
    captions = page.locator(".sheet .caption").all_inner_texts()
    assert captions == [f"Seed {seed}" for seed in (44, 45, 46, 47)]
    page.wait_for_selector(".strip li:nth-child(8)")

    # The session's results are still there after a reload.
    page.reload()
    page.wait_for_selector(".strip li:nth-child(4)")


def test_on_a_phone_stop_is_where_the_press_was_and_what_there_is_goes_on(
    chromium: Chromium, studio: Open, photo: Path
) -> None:
    with opened(chromium, studio, size=PHONE, touch=True) as page:
        choose(page, photo)
        small(page)
        choose_seed(page, 50)
        with studio.holding("dream"):
            page.tap("#dream-button")
            stop = page.locator(".press.running [data-do=stop]")
            stop.wait_for()
            box = stop.bounding_box()
            assert box["y"] + box["height"] <= PHONE["height"]
            assert min(box["width"], box["height"]) >= 24
            page.wait_for_function("/step \\d+ of/.test(document.querySelector('.press .told').textContent)")
            stop.tap()
            page.wait_for_selector(".press.running", state="detached")
        # What there is was kept, and goes on from there.
        page.wait_for_selector(".stage[data-mode=done]")
        assert "ended after" in page.inner_text(".stage .words")
        page.locator("[data-do=deepen]").tap()
        page.wait_for_function("document.querySelector('.stage .words').textContent.includes('gone on with')")
        assert page.locator(".strip li").count() == 2
        assert narrow_enough(page)
