"""The gallery in a real Chromium: takes in piles, filters that a reload keeps, and a family as a tree."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from studio.images.recipes import DreamRecipe
from studio.works.gallery import Gallery
from studio.works.work import Made
from tests.app.conftest import DESK, Chromium, Open
from tests.app.photos import picture

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


def test_a_pile_opens_filters_stay_and_a_family_is_a_tree(chromium: Chromium, studio: Open) -> None:
    *takes, child = hang(studio, "Quincunx")
    with chromium.visitor(studio.address, DESK) as page:
        page.goto(f"{studio.address}/#gallery&text=quincunx")
        shows(page, 2)
        assert page.input_value(".finder input[type=search]") == "quincunx"
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

        page.locator(f".tile[data-work='{child}'] a").click()
        page.wait_for_selector(".tree path", state="attached")
        page.click(".tree a.relative")
        page.wait_for_function("id => location.search.includes(id)", arg=takes[-1])
        page.click(".tree a.relative >> text=the Second")
        page.wait_for_function("id => location.search.includes(id)", arg=child)
        page.go_back()
        page.wait_for_function("id => location.search.includes(id)", arg=takes[-1])
        page.wait_for_selector("article.work h2 >> text=Quincunx, weave")
