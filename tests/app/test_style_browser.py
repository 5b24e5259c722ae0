"""The Style tab in a real Chromium: after a painting of one's own and one of the studio's a photo is painted,
and found again with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.app.conftest import Chromium, Open
from tests.app.photos import picture
from tests.app.test_browser import opened

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]


def seen(page: Any, selector: str) -> Any:
    """What of it is to be seen: the Dream tab has the like."""
    return page.locator(f"{selector}:visible")


def paintings(folder: Path, count: int) -> list[str]:
    """None of them is the photo, which is of seed 3: nothing would change with it."""
    paths = []
    for number in range(count):
        path = folder / f"painting-{number}.jpg"
        path.write_bytes(picture(seed=number + 4))
        paths.append(str(path))
    return paths


def type_into(page: Any, label: str, value: object) -> None:
    box = seen(page, f"[aria-label='{label}']")
    box.fill(str(value))
    box.press("Tab")


def test_a_photo_is_painted_like_two_paintings_and_found_again(
    chromium: Chromium, studio: Open, photo: Path, tmp_path: Path
) -> None:
    with opened(chromium, studio) as page:
        page.get_by_role("tab", name="Paint", exact=True).click()
        seen(page, ".stage[data-mode=empty]").wait_for()
        assert "painted like it" in seen(page, ".stage .invitation p").first.inner_text()
        seen(page, ".stage").locator("input[type=file]").first.set_input_files(str(photo))
        seen(page, ".stage[data-mode=photo]").wait_for()

        # Without a painting it says what is missing.
        page.click("#paint-button")
        seen(page, ".stage .trouble").wait_for()
        assert "Choose a painting too" in seen(page, ".stage .trouble").inner_text()
        said = "[...document.querySelectorAll('.trouble')].filter((each) => each.offsetParent !== null)"
        page.wait_for_function(f"() => {said}.length === 1")  # and not once more beside the button

        # The studio's own are hung and taken down with a click.
        own = page.get_by_role("button", name="Leaded glass")
        own.click()
        page.wait_for_function("() => document.querySelectorAll('.paintings .hung li').length === 1")
        assert own.get_attribute("aria-pressed") == "true"
        own.click()
        page.wait_for_function("() => !document.querySelector('.paintings .hung li')")
        # Clicked once more before it has arrived, it does not hang twice.
        page.evaluate("(button) => [1, 2, 3].forEach(() => button.click())", own.element_handle())
        page.wait_for_function("() => document.querySelectorAll('.paintings .hung li').length === 1")
        own.click()
        page.wait_for_function("() => !document.querySelector('.paintings .hung li')")
        page.set_input_files(".paintings input[type=file]", paintings(tmp_path, 1))
        page.get_by_role("button", name="Woodcut").click()
        page.wait_for_function("() => document.querySelectorAll('.paintings .hung li').length === 2")
        type_into(page, "Size", 96)
        seen(page, "button:has-text('Fine settings')").click()
        type_into(page, "number input for Steps", 8)
        page.click("#paint-button")
        seen(page, ".stage[data-mode=done]").wait_for()
        words = seen(page, ".stage .words").inner_text()
        assert "painting-0" in words
        assert "Woodcut" in words

        page.reload()
        page.get_by_role("tab", name="Paint", exact=True).click()
        seen(page, ".stage[data-mode=done]").wait_for()
        page.wait_for_function("() => document.querySelectorAll('.paintings .hung li').length === 2")
        page.locator(".studies button[aria-pressed=true]", has_text="Woodcut").wait_for()  # not to hang twice
        seen(page, "button:has-text('Fine settings')").click()
        page.wait_for_function(
            "() => [...document.querySelectorAll('[aria-label=\"number input for Steps\"]')]"
            ".some((box) => box.value === '8')"
        )
        seen(page, ".stage").get_by_role("link", name="In the gallery").click()
        page.wait_for_selector(".gallery article h2")
        assert page.locator(".gallery .source", has=page.get_by_text("painting", exact=True)).count() == 2

        # A copy of it is edited in a page that has not opened the tab yet, and remembers another painting.
        page.reload()
        page.wait_for_selector(".gallery article h2")
        page.get_by_role("button", name="Edit a copy").click()
        seen(page, ".stage[data-mode=photo]").wait_for()
        page.wait_for_function("() => document.querySelectorAll('.paintings .hung li').length === 2")
        page.wait_for_function(
            "() => [...document.querySelectorAll('[aria-label=Size]')].some((box) => box.value === '96')"
        )
