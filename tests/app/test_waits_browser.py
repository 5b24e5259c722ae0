"""What a person waits for in a real Chromium, by what happens and not by the clock: a take is heard from the
press on, what plays goes on until then, and a tune waits for no dream.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.conftest import Chromium, Open
from tests.app.test_a_newcomers_walk_browser import composed
from tests.app.test_browser import choose, choose_seed, opened, small
from tests.app.test_tray_browser import in_tray

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]

LISTEN = """() => {
  window.heard = [];
  const usual = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    this.loop = true; // however long the test takes
    const of = (this.dataset.address ?? this.src).split('/works/')[1];
    for (const event of ['playing', 'pause']) this.addEventListener(event, () => heard.push([event, of]));
    return usual.call(this);
  };
}"""
"""From now on `heard` is what began and what stopped, in order."""

READY = """(end) => [...document.querySelectorAll('.compose .take audio')]
  .every((each) => each.readyState === 4 && (each.dataset.address ?? each.src).endsWith(end))"""
"""All takes have the sound of this address, whole."""

TAKEN_OVER = """([before, after]) => {
  const at = (event, end) => heard.findIndex(([what, of]) => what === event && of.endsWith(end));
  return at('playing', after) >= 0 && at('pause', before) >= 0;
}"""


WATCH = """() => {
  window.bare = 0;
  new MutationObserver(() => {
    const takes = [...document.querySelectorAll('.compose .take')];
    bare += takes.filter((each) => !each.querySelector('svg')).length;
  }).observe(document.body, { childList: true, subtree: true });
}"""
"""From now on `bare` counts how often a take was seen without its score."""


def heard(page: Any) -> list[list[str]]:
    found: list[list[str]] = page.evaluate("() => heard")
    return found


def takes_over(page: Any, before: str, after: str) -> None:
    """One begins, and only then the one before stops; then what was heard is forgotten."""
    page.wait_for_function(TAKEN_OVER, arg=[before, after])
    found = heard(page)
    assert found.index(["playing", after]) < found.index(["pause", before])
    page.evaluate("() => heard.splice(0)")


def goes_on(page: Any, what: str) -> None:
    """Nothing has stopped, and nothing else begun."""
    assert [each for each in heard(page) if each != ["playing", what]] == []


def arrive(page: Any, studio: Open) -> None:
    """On the Compose tab, with a small style and few bars."""
    page.goto(f"{studio.address}/#compose&style=american-fife&bars=8")
    page.wait_for_function("() => document.querySelector('.bars-dial input[type=number]')?.value === '8'")


class Held:
    """The sounds of an instrument do not come, until they are let go."""

    def __init__(self, page: Any, instrument: str) -> None:
        self.routes: list[Any] | None = []
        page.route(re.compile(f"/as/wav.instrument={instrument}"), lambda route: self.take(route))

    def take(self, route: Any) -> None:
        if self.routes is None:
            route.continue_()
        else:
            self.routes.append(route)

    def let_go(self) -> None:
        routes, self.routes = self.routes or [], None
        for route in routes:
            route.continue_()


@pytest.fixture(scope="module")
def page(chromium: Chromium, studio: Open) -> Iterator[Any]:
    """One page for both."""
    with opened(chromium, studio) as page:
        yield page


def test_what_plays_goes_on_until_the_next_is_heard(page: Any, studio: Open) -> None:
    arrive(page, studio)
    page.evaluate(WATCH)
    page.click("#compose-button")
    first, second = composed(page)
    assert page.evaluate("() => bare") == 0, "a take comes with its score"
    # Nobody pressed Play, and the sounds of both are there.
    page.wait_for_function(READY, arg="as/wav")
    page.evaluate(LISTEN)
    page.get_by_role("button", name="Play take A").first.click()
    page.wait_for_function("() => heard.length")
    page.locator(".deck .letters button").nth(1).click()
    a, b = f"{first}/as/wav", f"{second}/as/wav"
    takes_over(page, a, b)

    # Another instrument: what plays is heard until the new sound is here, however long that takes.
    held = Held(page, "Flute")
    page.locator(".deck select").select_option("Flute")
    page.wait_for_function("() => document.querySelectorAll('.compose .take audio')[1].currentTime > 1")
    goes_on(page, b)
    held.let_go()
    flute = f"{b}?instrument=Flute"
    takes_over(page, b, flute)

    # While it plays, another request is made: it plays on, and until one of the new takes is heard.
    page.click("#compose-button")
    third, _ = composed(page, other_than=first)
    goes_on(page, flute)
    page.get_by_role("button", name="❚❚ Previous take").wait_for()
    page.wait_for_function(READY, arg="Flute")
    page.get_by_role("button", name="Play take A").first.click()
    new = f"{third}/as/wav?instrument=Flute"
    takes_over(page, flute, new)
    page.get_by_role("button", name="Pause take A").first.click()
    page.wait_for_function("() => heard.some(([event]) => event === 'pause')")
    page.evaluate("() => heard.splice(0)")

    # Another is chosen, and Play pressed before its sound is here: the sound that is there is heard.
    held = Held(page, "Violin")
    page.locator(".deck select").select_option("Violin")
    page.get_by_role("button", name="Play take A").first.click()
    page.wait_for_function("() => heard.length")
    goes_on(page, new)
    held.let_go()
    takes_over(page, new, f"{third}/as/wav?instrument=Violin")
    page.get_by_role("button", name="Pause take A").first.click()


def test_a_tune_waits_for_no_dream_which_goes_on_without_its_page(
    page: Any, studio: Open, photo: Path
) -> None:
    page.get_by_role("tab", name="Dream").click()
    with studio.holding("dream"):
        choose(page, photo)
        small(page)
        choose_seed(page, 51)
        page.click("#dream-button")
        page.wait_for_selector(".stage[data-mode=running]")
        page.goto("about:blank")
        arrive(page, studio)
        page.wait_for_selector(".compose .take")  # of before
        before = page.get_attribute(".compose .take", "data-work")
        page.click("#compose-button")
        composed(page, other_than=before)
        running = in_tray(page, ".queue .mine[data-state=running]")
        running.wait_for()
        assert running.count() == 1, "the dream goes on, and the tunes are made"
        in_tray(page, ".queue .mine [data-do=cancel]").click()
        page.wait_for_selector(".tray", state="hidden")  # nothing runs, and nothing waits
