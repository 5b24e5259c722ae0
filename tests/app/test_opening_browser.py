"""An empty studio is no empty room: every tab opens on a work, and one click makes the first one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.conftest import PHONE, Chromium, Open
from tests.app.test_browser import narrow_enough, opened

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]

LOADED = "(selector) => [...document.querySelectorAll(selector)].every((each) => each.naturalWidth > 0)"


def test_style_shows_a_pair_and_its_painting_and_paints_a_sample_at_one_click(
    chromium: Chromium, studio: Open
) -> None:
    with opened(chromium, studio) as page:
        page.goto(f"{studio.address}/#style&size=96&steps=8")
        stage = page.locator(".stage:visible")
        stage.locator(".show .painting").wait_for()
        page.wait_for_function(
            "() => [...document.querySelectorAll('[aria-label=Size]')].some((box) => box.value === '96')"
        )
        stage.locator(".sample").first.click()
        page.locator(".stage[data-mode=done]:visible").wait_for()
        assert page.locator(".paintings .hung li").count() == 1


def test_a_tune_is_ready_to_be_played_and_the_works_on_show_are_a_shelf(
    chromium: Chromium, studio: Open
) -> None:
    def playing(page: Any) -> None:
        page.get_by_role("button", name="Play this tune").click()
        page.wait_for_function("document.querySelector('.example audio').currentTime > 0.1")

    with opened(chromium, studio, size=PHONE, touch=True) as page:
        page.goto(f"{studio.address}/#compose")
        page.wait_for_selector(".compose .example .hit", state="attached")
        assert page.evaluate("scrollY") == 0, "an address is no place on the page"
        playing(page)
        assert narrow_enough(page)
        page.get_by_role("tab", name="Gallery", exact=True).click()
        shelf = page.locator(".shelf .tile")
        shelf.nth(12).wait_for()
        shelf.first.locator("a").click()
        page.wait_for_selector("article.work h2")
        assert "Came with the studio" in page.inner_text("article.work")
        assert page.locator("article.work [data-do=remove]").count() == 0
        page.wait_for_function(LOADED, arg="article.work .source img")
        assert narrow_enough(page)
