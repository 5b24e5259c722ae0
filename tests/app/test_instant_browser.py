"""Instant painting in the page: the stage paints while a slider is dragged, by mouse, finger and keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.images.instant.learnt import LearntPainting
from tests.app.conftest import PHONE, Chromium, Open
from tests.app.photos import picture
from tests.app.test_browser import opened
from tests.app.test_easel import let_learn
from tests.app.test_style_browser import seen, type_into

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]

LAPTOP = {"width": 1366, "height": 768}

GLIMPSES = (
    "Math.max(0, ...[...document.querySelectorAll('.stage')]"
    ".map((each) => Number(each.dataset.glimpses ?? 0)))"
)


def is_glimpse(request: Any) -> bool:
    return '"glimpse"' in (request.post_data or "")


def next_glimpse(page: Any, before: int) -> str:
    """The preview that comes after so many."""
    page.wait_for_function(f"(before) => {GLIMPSES} > before", arg=before)
    source: str = seen(page, ".stage .after").get_attribute("src")
    return source


@pytest.fixture(scope="module")
def page(chromium: Chromium, studio: Open) -> Iterator[Any]:
    """One page, in which the second test goes on where the first one ends: with a photo and a painting."""
    with opened(chromium, studio, size=LAPTOP) as page:
        yield page
    for file in (studio.home / "models").glob("painter-eve.*"):  # not before: a page shows its picture
        file.unlink()


def test_a_preview_that_comes_late_does_not_cover_the_work(page: Any, studio: Open, photo: Path) -> None:
    page.goto(f"{studio.address}/#style&painter=instant")
    seen(page, ".stage[data-mode=empty]").wait_for()
    seen(page, ".stage").locator("input[type=file]").first.set_input_files(str(photo))
    seen(page, ".stage[data-mode=photo]").wait_for()
    type_into(page, "Size", 160)
    late: list[Any] = []
    page.route(
        "**/component_server/**",
        lambda route: late.append(route) if is_glimpse(route.request) else route.continue_(),
    )
    with page.expect_request(is_glimpse):
        page.get_by_role("button", name="Night wind").click()
    page.click("#paint-button")
    seen(page, ".stage[data-mode=done]").wait_for()
    with page.expect_response(lambda answer: is_glimpse(answer.request)) as came:
        late.pop(0).continue_()
    came.value.finished()
    page.evaluate("() => new Promise((drawn) => setTimeout(() => requestAnimationFrame(drawn)))")
    assert "preview" not in seen(page, ".stage .words").inner_text()
    page.unroute("**/component_server/**")


def test_the_stage_paints_while_the_strength_is_moved_and_the_work_is_made_when_asked(
    page: Any, studio: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen(page, "[data-do=back]").click()
    seen(page, ".stage[data-mode=photo]").wait_for()
    slider = page.locator("input[type=range][aria-label*=Strength]:visible")
    slider.focus()
    count = page.evaluate(GLIMPSES)
    page.keyboard.press("ArrowRight")
    first = next_glimpse(page, count)
    assert "preview" in seen(page, ".stage .words").inner_text()

    count = page.evaluate(GLIMPSES)
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    assert next_glimpse(page, count) != first
    page.locator(".stage[data-held=false]:visible").wait_for()

    # As long as it is held, previews are small; the one after it is let go is not. The first request is
    # answered as if the one before had reached the studio after it.
    overtaken: list[Any] = []

    def overtake_first(route: Any) -> None:
        if is_glimpse(route.request) and '"held":true' in route.request.post_data and not overtaken:
            overtaken.append(route.request)
            route.fulfill(json={"overtaken": True})
        else:
            route.continue_()

    page.route("**/component_server/**", overtake_first)
    page.keyboard.down("ArrowLeft")
    page.locator(".stage[data-held=true]:visible").wait_for()
    assert overtaken
    page.unroute("**/component_server/**")
    assert "Let go" in seen(page, ".stage .words").inner_text()
    page.keyboard.up("ArrowLeft")
    page.locator(".stage[data-held=false]:visible").wait_for()
    assert "Press Paint" in seen(page, ".stage .words").inner_text()

    # A second painting, and the two are blended with the keyboard.
    page.get_by_role("button", name="Woodcut").click()
    blend = page.get_by_label("Blend of the two paintings")
    blend.wait_for()
    count = page.evaluate(GLIMPSES)
    blend.focus()
    page.keyboard.press("Home")
    next_glimpse(page, count)
    # A painting that nobody has learnt ends the preview, and a painter can be asked to learn it.
    own = tmp_path / "own_sea.jpg"
    own.write_bytes(picture(seed=8))
    page.set_input_files(".paintings input[type=file]", str(own))
    page.get_by_role("button", name="Let a painter learn it").wait_for()
    seen(page, ".stage:not(.glimpsed)").wait_for()
    # Once it is learnt, what hangs has its title, and its button among those that were learnt is marked.
    monkeypatch.setenv("STUDIO_HOME", str(studio.home))
    about = LearntPainting(name="eve", title="Evening at sea", file="own_sea.jpg")
    let_learn(studio.home, own.read_bytes(), about, about.title)
    page.get_by_role("button", name="Let a painter learn it").click()
    page.locator(".learnt [data-learnt=eve][aria-pressed=true]").wait_for()
    assert page.locator(".hung li .name").nth(2).inner_text() == about.title
    page.locator(".hung li").nth(2).get_by_role("button", name="Remove").click()
    page.click("#paint-button")
    seen(page, ".stage[data-mode=done]").wait_for()
    assert "painted at once" in seen(page, ".stage .words").inner_text()
    page.set_viewport_size(PHONE)
    page.wait_for_function("document.documentElement.scrollWidth <= window.innerWidth")
