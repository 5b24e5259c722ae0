"""Every tab, lesson, work and setting has its own address, in a real Chromium: Back and Forward go from one
to the next, and a reload stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.app.modules import address
from tests.app.conftest import Chromium, Open
from tests.app.test_browser import choose, choose_seed, opened, small

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("app")]


def is_open(page: Any, tab: str, address: str = "") -> None:
    """Wait until the tab is open, at an address that ends like this."""
    page.wait_for_function(
        """([tab, address]) => {
          const open = document.querySelector('[role=tab][aria-selected=true]');
          return open && open.textContent.trim() === tab && location.href.includes(address);
        }""",
        arg=[tab, address],
    )


AT_ONCE = """async (names) => {
  for (const name of names) {
    const tab = [...document.querySelectorAll('[role=tab]')].find((each) => each.textContent.trim() === name);
    tab.click();
    while (tab.getAttribute('aria-selected') !== 'true') await null;
  }
}"""
"""Opens one tab and leaves it for the next at the moment it is open, before Gradio can say a word of it."""


@pytest.fixture(scope="module")
def page(chromium: Chromium, studio: Open) -> Iterator[Any]:
    """One page, in which each test goes on."""
    with opened(chromium, studio) as page:
        yield page


def test_a_work_has_an_address_and_back_leads_to_where_it_was_opened(page: Any, photo: Path) -> None:
    choose(page, photo)
    small(page)
    choose_seed(page, 5)
    page.click("#dream-button")
    page.wait_for_selector(".stage[data-mode=done]")
    page.click(".stage [data-link=work]")
    is_open(page, "Gallery", "?work=")
    page.wait_for_selector("article.work h2")
    work = page.url
    page.go_back()
    is_open(page, "Dream", "seed=5")
    page.go_forward()
    is_open(page, "Gallery", "?work=")
    page.click("[data-do=wall]")
    is_open(page, "Gallery", "#gallery")
    page.go_back()
    page.wait_for_selector("article.work h2", state="visible")
    assert page.url == work
    page.go_back()
    is_open(page, "Dream")


def test_settings_are_in_the_address_and_come_back_from_it(page: Any) -> None:
    page.locator(".look", has_text="Weave").click()
    page.wait_for_function("() => location.hash.startsWith('#dream&preset=weave')")
    choose_seed(page, 12)
    page.wait_for_function("() => location.hash.includes('seed=12')")
    page.reload()
    page.wait_for_function("() => document.querySelector('.looks input:checked')?.value === 'weave'")
    assert page.get_by_label("Seed", exact=True).input_value() == "12"
    # A link that is followed while the page is open sets what it names, and puts the rest back.
    page.evaluate("location.hash = '#dream&preset=roses'")
    page.wait_for_function("() => document.querySelector('.looks input:checked')?.value === 'roses'")
    page.wait_for_function("() => document.querySelector('.seed-row input').value !== '12'")
    page.evaluate("location.hash = '#compose&bars=8&style=american-fife&pins=1%3A1%3DD4'")
    is_open(page, "Compose")
    page.wait_for_function("() => document.querySelector('.bars-dial input[type=number]')?.value === '8'")
    assert "American fife" in page.get_by_label("Style", exact=True).input_value()


def test_every_tab_is_on_the_way_back_and_late_word_of_one_leads_nowhere(page: Any, studio: Open) -> None:
    page.evaluate(AT_ONCE, ["Paint", "Compose"])
    is_open(page, "Compose", "#compose")
    page.evaluate(
        "([module, tab]) => import(module).then(({ tabOpened }) => tabOpened(tab))",
        [f"{studio.address}/{address('gradio_page')}", "dream"],
    )
    is_open(page, "Compose", "#compose")
    page.go_back()
    is_open(page, "Paint", "#style")
    page.reload()
    is_open(page, "Paint", "#style")
    page.go_forward()
    is_open(page, "Compose", "#compose")


def test_an_address_opens_what_it_names(page: Any, studio: Open) -> None:
    page.goto(f"{studio.address}/#gallery")
    is_open(page, "Gallery", "#gallery")
    page.goto(f"{studio.address}/#lesson=cafeteria")
    is_open(page, "Lessons", "#lesson=cafeteria")
    page.click(".course-list [data-lesson=rules]")
    is_open(page, "Lessons", "#lesson=rules")
    page.go_back()
    is_open(page, "Lessons", "#lesson=cafeteria")
    page.wait_for_selector(".lesson[data-lesson=cafeteria]")
    page.go_back()
    is_open(page, "Gallery", "#gallery")
    page.evaluate("location.hash = 'paint'")  # a tab by the name on it
    is_open(page, "Paint", "#paint")
    page.evaluate("location.hash = 'lesson=8'")  # a lesson by its number
    is_open(page, "Lessons", "#lesson=neuron")


def test_what_an_address_names_wrongly_is_told_and_the_rest_opens(page: Any, studio: Open) -> None:
    page.goto("about:blank")
    page.goto(f"{studio.address}/#dream&preset=nowhere")
    page.get_by_text("There is no preset 'nowhere'").wait_for()
    page.evaluate("location.hash = 'dream&strength=most'")
    page.get_by_text("strength is 'most'").wait_for()
    page.evaluate("location.hash = 'compose&bars=9999'")
    page.get_by_text("bars is '9999'; it must be at least 1 and at most 128.").wait_for()
    page.evaluate("location.hash = 'lesson=cafeteria&rate=fast'")
    page.locator(".lesson[data-lesson=cafeteria] .says.bad", has_text="not 'fast'").wait_for()
    page.evaluate("location.hash = 'lesson=nowhere'")
    page.locator(".says.bad", has_text="There is no lesson").wait_for()
