"""axe-core finds no serious fault on any tab or lesson, on a desk and on a phone, dark and light."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from studio.app.page import tabs
from studio.lessons.kit.course import COURSE
from tests.app.conftest import DESK, PHONE, Chromium, Open
from tests.app.test_gallery_browser import hang

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"

RUN = """async ([within, only]) => {
  for (const picture of document.querySelectorAll('svg[role=img]')) {
    if (!picture.querySelector('a, button, [tabindex], [role]')) picture.replaceChildren();
  }
  const options = { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } };
  if (only) options.runOnly = { type: 'rule', values: only };
  const { violations } = await axe.run(within ?? document, options);
  const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  return serious.flatMap(({ id, nodes }) => nodes.map(({ html, any, none }) =>
    `${id}: ${html.slice(0, 160)} ${(any[0] ?? none[0])?.message ?? ''}`));
}"""
"""Rules on the whole page, or within an element; only some of them, where colours alone have changed.

Of a picture, such as a score, nobody is told more than its name. Its thousands of lines would take axe most
of its time, also on the tabs that are opened after it.
"""

OTHER = [
    "color-contrast",
    "target-size",
    "scrollable-region-focusable",
    "label",
    "button-name",
    "aria-hidden-focus",
]
"""What other colours and another width can break."""

Look = tuple[str, dict[str, int], str, list[str] | None]

LOOKS: tuple[Look, ...] = (("desk", DESK, "dark", None), ("phone", PHONE, "light", OTHER))
"""How a page is looked at: where, in which theme, and for which rules; None for all of them."""


@pytest.fixture(scope="module")
def page(chromium: Chromium, studio: Open) -> Iterator[Any]:
    """One page for both."""
    with chromium.visitor(studio.address, DESK) as page:
        yield page


@pytest.fixture
def faults() -> Callable[..., list[str]]:
    """What axe finds on a page as it is now, looked at in one way after the other."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed (apt install nodejs npm, then make test)")

    def found(page: Any, within: str | None = None, looks: Sequence[Look] = LOOKS) -> list[str]:
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(AXE.read_text("utf-8"))
        told = []
        for place, size, theme, rules in looks:
            page.set_viewport_size(size)
            page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
            for _ in range(20):  # what is still being drawn may lack its labels for a moment
                there = page.evaluate(RUN, [within, rules])
                if not there:
                    break
                page.wait_for_timeout(500)
            told += [f"{place}, {theme}: {fault}" for fault in there]
        page.set_viewport_size(DESK)
        return told

    return found


def test_no_tab_has_a_serious_fault(page: Any, studio: Open, faults: Callable[..., list[str]]) -> None:
    work = hang(studio, "Wisteria")[-1]  # made from another, so that it has a family tree
    for tab in tabs():
        page.goto(f"{studio.address}/#{tab.id}" if tab.id != "gallery" else f"{studio.address}/?work={work}")
        page.wait_for_function(
            """label => {
              const tab = document.querySelector('[role=tab][aria-selected=true]');
              return tab?.textContent.trim() === label && document.querySelector('.tray, .lesson');
            }""",
            arg=tab.label,
        )
        if tab.id == "gallery":
            page.wait_for_selector("article.work .family")
            assert faults(page) == []
            page.click("[data-do=wall]")
            page.wait_for_selector(".tiles .tile")
            page.get_by_role("button", name="Select", exact=True).click()
        assert faults(page) == [], tab.label


def test_no_lesson_has_a_serious_fault(page: Any, studio: Open, faults: Callable[..., list[str]]) -> None:
    if page.url == "about:blank":
        page.goto(f"{studio.address}/#lessons")
    for number, name in enumerate(COURSE):
        page.evaluate("name => { location.hash = `#lesson=${name}`; }", name)
        page.wait_for_selector(f".lesson[data-lesson={name}] .figures svg >> visible=true")
        # All have the same frame and colours: one by one on a desk and on a phone, by all rules.
        place, size, theme, _ = LOOKS[number % len(LOOKS)]
        assert faults(page, ".lessons", [(place, size, theme, None)]) == [], name
