"""The tray in a real Chromium: it shows the queue on every tab, stops a work, tells mine from others', and
says what was made while nobody looked.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file

from tests.app.conftest import DESK, PHONE, Chromium, Open
from tests.app.photos import SMALL, picture
from tests.app.test_browser import choose, choose_seed, opened, small

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("app")]


LAPTOP = {"width": 1366, "height": 768}

CLEAR = """() => {
  const box = (what) => document.querySelector(what).getBoundingClientRect();
  const [pill, name, theme] = ['.tray .pill', '.masthead h1', '.theme-toggle'].map(box);
  const line = box('.rooms > .tab-wrapper').bottom;
  return pill.left >= name.right && pill.right <= theme.left && pill.bottom <= line;
}"""


def in_tray(page: Any, selector: str) -> Any:
    """What is in the tray, unfolded."""
    page.wait_for_selector(".tray:not([hidden])")
    if page.get_attribute(".tray", "data-open") == "no":
        page.click(".tray .pill")
    return page.locator(f".tray {selector}")


def test_of_several_that_wait_one_is_made_sooner(chromium: Chromium, studio: Open, photo: Path) -> None:
    with studio.holding("dream"), opened(chromium, studio) as page:
        choose(page, photo)
        small(page)
        page.click("#dream-button-4")
        in_tray(page, ".queue .mine:nth-child(4)").wait_for()
        buttons = "document.querySelectorAll('.tray:not([hidden]) .queue .mine [data-do=cancel]')"
        jobs = f"[...{buttons}].map((each) => each.dataset.job)"
        # The first is made, and the second is next.
        page.wait_for_function("document.querySelectorAll('.tray [data-do=up]').length === 2")
        before = page.evaluate(jobs)
        page.focus(".tray .queue .mine:nth-child(4) [data-do=up]")
        page.keyboard.press("Enter")
        page.wait_for_function(f"(last) => {jobs}[2] === last", arg=before[3])
        assert page.evaluate(jobs) == [before[0], before[1], before[3], before[2]]
        # The keyboard is still there: a second press makes it the next, and a third cancels it.
        page.keyboard.press("Enter")
        page.wait_for_function(f"(last) => {jobs}[1] === last", arg=before[3])
        page.wait_for_function("document.activeElement.dataset.do === 'cancel'")
        page.keyboard.press("Enter")
        page.wait_for_function(f"(last) => !{jobs}.includes(last)", arg=before[3])
        for job in before[2::-1]:
            in_tray(page, f".queue [data-do=cancel][data-job='{job}']").click()
            page.wait_for_function(f"(job) => !{jobs}.includes(job)", arg=job)


@pytest.fixture(scope="module")
def page(chromium: Chromium, studio: Open) -> Iterator[Any]:
    """One page, in which the second test goes on where the first one ends: on the Dream tab, with a photo."""
    with opened(chromium, studio) as page:
        yield page


def test_what_is_made_is_in_sight_on_every_tab_and_can_be_cancelled_there(
    page: Any, studio: Open, photo: Path, tmp_path: Path
) -> None:
    other = tmp_path / "secret name.jpg"
    other.write_bytes(picture(seed=8))
    choose(page, photo)
    small(page)
    choose_seed(page, 52)
    with studio.holding("dream"):
        page.click("#dream-button")
        page.wait_for_selector(".stage[data-mode=running]")
        page.wait_for_selector(".tray:not([hidden])")
        for size in (LAPTOP, PHONE, DESK):  # it is beside the name, above the line, and covers nothing
            page.set_viewport_size(size)
            page.wait_for_function(CLEAR)
        page.get_by_role("tab", name="Compose", exact=True).click()
        mine = in_tray(page, ".queue .mine")
        mine.wait_for()
        assert "hugel-am-meer" in mine.inner_text().lower().replace(" ", "-").replace("ü", "u")
        page.wait_for_function("() => document.querySelector('.tray .mine img')?.naturalWidth > 0")

        # Somebody else asks for one: it waits, and nothing is said of what it is.
        visitor = Client(studio.address, verbose=False, ssl_verify=False)
        asked = visitor.predict(photo=handle_file(str(other)), seed=3, **SMALL, api_name="/dream")
        waiting = in_tray(page, ".queue .other")
        waiting.wait_for()
        assert "Someone’s dream" in waiting.inner_text()
        assert "secret" not in page.inner_text(".tray")
        assert waiting.locator("button").count() == waiting.locator("img").count() == 0

        in_tray(page, ".queue .mine [data-do=cancel]").click()
        page.wait_for_function("() => !document.querySelector('.tray .queue .mine')")
    page.get_by_role("tab", name="Dream", exact=True).click()
    page.wait_for_selector(".stage[data-mode=photo]")
    assert "Stopped" in page.inner_text(".stage .notes")
    assert list(visitor.submit(asked["id"], api_name="/follow"))[-1]["state"] == "made"
    visitor.close()


def test_what_was_made_while_the_page_was_closed_is_told_when_it_opens_again(
    page: Any, studio: Open, photo: Path
) -> None:
    choose(page, photo)
    small(page)
    choose_seed(page, 53)
    with studio.holding("dream"):
        page.click("#dream-button")
        page.wait_for_selector(".stage[data-mode=running]")
        page.wait_for_selector(".tray:not([hidden])")
        page.goto("about:blank")
    page.goto(f"{studio.address}/#compose")
    in_tray(page, ".ended li[data-state=made]").wait_for()
    in_tray(page, ".ended [data-do=show]").click()
    page.wait_for_selector("article.work h2")
    assert "?work=" in page.url
    page.wait_for_selector(".tray", state="hidden")
