"""Lessons in a real Chromium: their first action is done as they say, its effect is seen, and so is the way to the Dream tab."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.app.conftest import Open
from tests.app.test_browser import DESK, PATIENCE, chromium

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("app")]
__all__ = ["chromium"]


@pytest.fixture(scope="module")
def visit(chromium: Any, studio: Open) -> Iterator[Callable[[str], Any]]:
    """Opens a lesson by its link, all in one page; at the end nothing may have been complained of, nor anybody else asked."""
    context = chromium.new_context(viewport=DESK, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    context.on(
        "request", lambda asked: complaints.append(asked.url) if asked.url.startswith("http") and "127.0.0.1" not in asked.url else None
    )

    def open_lesson(name: str) -> Any:
        if page.url == "about:blank":
            page.goto(f"{studio.address}/#lesson={name}")
        else:
            page.get_by_role("tab", name="Lessons").click()
            page.click(f".course-list [data-lesson={name}]")
        page.wait_for_selector(f".course-list [data-lesson={name}][aria-current]")
        page.wait_for_selector("figure svg")
        return page

    yield open_lesson
    context.close()
    assert complaints == []


def push(page: Any, name: str) -> None:
    page.click(f"[data-push={name}]")


def number(page: Any, name: str) -> str:
    """One of the figures worth reading at a glance."""
    return str(page.locator(".numbers div", has=page.get_by_text(name, exact=True)).locator("b").inner_text())


def says(page: Any, words: str) -> None:
    page.wait_for_function("(words) => document.querySelector('.says').textContent.includes(words)", arg=words)


def picture(page: Any, figure: str) -> str:
    """The address of the picture that a figure shows."""
    return str(page.locator(f"[data-figure={figure}] image").first.get_attribute("href"))


def click_at(page: Any, figure: str, across: float, down: float) -> None:
    """Click a figure at these shares of its width and height."""
    drawing = page.locator(f"[data-figure={figure}] svg")
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    drawing.click(position={"x": box["width"] * across, "y": box["height"] * down})


def wait_for_dials(page: Any, layers: list[str]) -> None:
    """The Dream tab is open, and its layers are these."""
    page.wait_for_selector("button[role=tab][aria-selected=true]:text-is('Dream')")
    fine = page.get_by_role("button", name="Fine settings")
    if fine.get_attribute("aria-expanded") != "true" and not page.locator(".settings-side .token").first.is_visible():
        fine.click()
    page.wait_for_function(
        """(layers) => {
          const shown = [...document.querySelectorAll('.settings-side .token')].map((each) => each.textContent.trim());
          return layers.every((layer) => shown.some((each) => each.startsWith(layer)));
        }""",
        arg=layers,
    )


def test_deep_networks_grows_a_picture_and_leads_to_a_dream_with_that_layer(visit: Any) -> None:
    page = visit("deep_networks")
    noise = picture(page, "grown")
    push(page, "play")
    page.wait_for_function("(noise) => document.querySelector('[data-figure=grown] image').getAttribute('href') !== noise", arg=noise)
    says(page, "Step")
    push(page, "play")
    click_at(page, "layers", 0.1, 0.2)
    page.wait_for_function("() => document.querySelector('#knob-layer').value === 'bn1'")
    assert number(page, "channels") == "32"
    push(page, "dream_layer")
    wait_for_dials(page, ["bn1"])
    assert page.inner_text(".widget-looks .sentence").startswith("No look")


def test_teach_by_example_answers_after_two_examples_and_sets_a_dream(visit: Any) -> None:
    page = visit("teach")
    click_at(page, "colour", 0.05, 0.4)
    push(page, "give_a")
    says(page, "another letter")
    click_at(page, "colour", 0.6, 0.4)
    page.keyboard.press("2")
    says(page, "It takes this for B")
    click_at(page, "colour", 0.03, 0.5)
    says(page, "It takes this for A")
    before = picture(page, "dream")
    push(page, "play")
    page.wait_for_function("(before) => document.querySelector('[data-figure=dream] image').getAttribute('href') !== before", arg=before)
    push(page, "play")
    page.locator(".group[data-group=Keep] summary").click()
    push(page, "dream")
    wait_for_dials(page, ["blocks.2*"])


def test_derivative_works_runs_three_at_once_and_says_whose_work_it_is(visit: Any) -> None:
    page = visit("derivative_works")
    photo = picture(page, "dream")
    push(page, "play")
    page.wait_for_function("(photo) => document.querySelector('[data-figure=dream] image').getAttribute('href') !== photo", arg=photo)
    says(page, "of 72")
    page.select_option("#knob-part", "whose work is it")
    page.wait_for_selector("[data-figure=rights]")
    assert page.locator("[data-push=play]").is_hidden()
    page.select_option("#knob-first", "CC BY-SA")
    page.select_option("#knob-second", "CC BY-NC")
    says(page, "Both cannot be kept in one work")
    assert number(page, "may be passed on") == "no"
