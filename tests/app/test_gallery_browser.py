"""The gallery in a real Chromium: works are found, starred, zipped, removed and brought back, with the mouse
and with the keyboard alone, on a desk and on a phone.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from studio.images.recipes import DreamRecipe
from studio.works.gallery import Gallery
from studio.works.work import Made
from tests.app.conftest import DESK, PHONE, Chromium, Open
from tests.app.photos import picture
from tests.app.test_browser import narrow_enough

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]

SEEDS = range(1, 4)


def hang(studio: Open, title: str) -> list[str]:
    """Put three takes of a dream, and one of the first of them, into the studio's gallery; their ids."""
    with Gallery.open(studio.home) as gallery:
        photo = gallery.keep_source(picture(), role="photo", name="x.jpg", title=title)
        made = []
        for seed in SEEDS:
            content = picture() + title.encode() + bytes([seed])
            recipe = DreamRecipe(sources=(photo,), seed=seed, preset="weave")
            work = gallery.add(
                Made(recipe, content, ".jpg", "image/jpeg", picture(), facts={"size": [240, 180]})
            )
            made.append(work.id)
        parent = gallery.keep_source(content, role="photo", title=f"{title} the Second")
        assert parent.sha256 == hashlib.sha256(content).hexdigest()
        child = DreamRecipe(sources=(parent,), preset="roses")
        made.append(gallery.add(Made(child, content + b"!", ".jpg", "image/jpeg", picture())).id)
    return made


def shows(page: Any, count: int) -> None:
    """Wait until so many tiles are in sight."""
    page.wait_for_function(
        """count => [...document.querySelectorAll('.tiles .tile')]
          .filter((each) => each.offsetParent).length === count""",
        arg=count,
    )


def test_works_are_found_starred_zipped_removed_and_brought_back(
    chromium: Chromium, studio: Open, tmp_path: Path
) -> None:
    *takes, child = hang(studio, "Quincunx")
    with chromium.visitor(studio.address, DESK) as page:
        page.goto(f"{studio.address}/#gallery&text=quincunx")
        shows(page, 2)
        assert page.input_value("input[type=search]") == "quincunx"
        page.get_by_role("button", name="Show all 3 takes of Quincunx, weave").click()
        shows(page, 4)
        page.get_by_role("button", name="Star Quincunx, weave").nth(1).click()
        page.get_by_role("button", name="★ Starred").click()
        shows(page, 1)
        page.wait_for_function("() => location.hash.includes('starred=yes')")
        page.reload()
        shows(page, 1)
        page.get_by_role("button", name="★ Starred").click()
        page.get_by_label("Sort").select_option("title")
        page.wait_for_function("() => location.hash.includes('sort=title')")
        shows(page, 4)

        page.get_by_role("button", name="Select", exact=True).click()
        page.get_by_role("button", name="Select all").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="Download .zip").click()
        download.value.save_as(tmp_path / "works.zip")
        with zipfile.ZipFile(tmp_path / "works.zip") as packed:
            assert packed.testzip() is None
            assert len(packed.namelist()) == 4 + 1, "the works and their credits"
        page.get_by_role("button", name="Remove", exact=True).click()
        shows(page, 0)
        assert "4 works removed. You can undo this until" in page.inner_text(".undo")
        page.get_by_role("button", name="Undo", exact=True).click()
        shows(page, 4)
        page.locator(f".tile[data-work='{child}'] a").click()
        page.wait_for_selector(".tree path", state="attached")
        page.click(".tree a.relative")
        page.wait_for_function("id => location.search.includes(id)", arg=takes[-1])
        page.click(".tree a.relative >> text=the Second")
        page.wait_for_function("id => location.search.includes(id)", arg=child)
        page.go_back()
        page.wait_for_function("id => location.search.includes(id)", arg=takes[-1])
        page.wait_for_selector("article.work h2 >> text=Quincunx, weave")


def test_the_keyboard_alone_is_enough_on_a_phone(chromium: Chromium, studio: Open) -> None:
    hang(studio, "Zephyrine")
    with chromium.visitor(studio.address, PHONE, touch=True) as page:
        page.goto(f"{studio.address}/#gallery")
        page.wait_for_selector(".tiles .tile")

        def go(name: str) -> None:
            """Press Tab until what is called that has the focus."""
            for _ in range(60):
                page.keyboard.press("Tab")
                if name in page.evaluate(
                    "() => (document.activeElement.ariaLabel ?? '') + document.activeElement.textContent"
                ):
                    return
            raise AssertionError(f"no {name} can be reached with Tab")

        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # the skip link
        go("Search the gallery")
        page.keyboard.type("zephyrine")
        shows(page, 2)
        assert narrow_enough(page)
        go("Star Zephyrine the Second")
        page.keyboard.press("Space")
        page.wait_for_selector(".tiles .star[aria-pressed=true]")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector("article.work h2 >> text=Zephyrine the Second")
        assert narrow_enough(page)
        go("Remove")
        page.keyboard.press("Enter")
        page.wait_for_selector(".undo:not([hidden])")
        page.keyboard.press("Enter")  # Undo has the focus
        shows(page, 2)
        assert narrow_enough(page)
