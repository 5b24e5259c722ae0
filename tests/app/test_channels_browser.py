"""Single channels in a real Chromium: found by a word, and put into the look and out again by a press."""

from __future__ import annotations

import pytest

from tests.app.conftest import Chromium, Open
from tests.app.test_browser import opened
from tests.app.test_style_browser import seen

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]


def test_a_channel_is_found_and_goes_into_the_look_and_out_again(chromium: Chromium, studio: Open) -> None:
    with opened(chromium, studio) as page:
        box = seen(page, ".fold:has(.channel-list)")
        box.locator("summary").click()
        box.get_by_label("Find channels by a word").fill("castle")
        castle = box.locator(".found-channels [data-term='classifier:483']")
        castle.click()
        box.locator(".chosen-channels").get_by_text("classifier:483").wait_for()
        box.locator(".found-channels [aria-pressed=true]").wait_for()
        castle.click()
        box.locator(".found-channels [data-term='classifier:483'][aria-pressed=false]").wait_for()
        assert "classifier:483" not in box.locator(".chosen-channels").inner_text()

        # Two that are picked at once are both there.
        two = "() => [...document.querySelectorAll('.found-channels button')].slice(0, 2).map((each) => {"
        for term in page.evaluate(f"{two} each.click(); return each.dataset.term; }})"):
            box.locator(".chosen-channels").get_by_text(term).wait_for()
        box.get_by_role("button", name="Strongest for this photo").click()
        box.get_by_text("Choose a photo first.").wait_for()
