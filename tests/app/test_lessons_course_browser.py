"""Every lesson in a real Chromium: its first action is done as it says, and what it promises is seen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.lessons.kit.course import COURSE
from tests.app.conftest import DESK, PHONE, Chromium, Open
from tests.app.test_browser import choose, narrow_enough, set_dial, small

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]

LAPTOP = {"width": 1366, "height": 768}


@pytest.fixture(scope="module")
def visit(chromium: Chromium, studio: Open) -> Iterator[Callable[..., Any]]:
    """Opens a lesson by its link, all in one page; at the end nothing may have been complained of, nor
    anybody else asked.
    """
    with chromium.visitor(studio.address, DESK) as page:
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda asked: (
                complaints.append(asked.url)
                if asked.url.startswith("http") and "127.0.0.1" not in asked.url
                else None
            ),
        )

        def open_lesson(link: str) -> Any:
            if page.url == "about:blank":
                page.goto(f"{studio.address}/#{link}")
            else:
                page.get_by_role("tab", name="Lessons").click()
                # The page of the lesson before stays until the next one has come; a press would go to it.
                page.evaluate(
                    """(link) => {
                      document.querySelector('.says').dataset.before = '';
                      location.hash = link;
                    }""",
                    link,
                )
                page.wait_for_selector(".says:not([data-before])", state="attached")
            name = link.split("&")[0].removeprefix("lesson=")
            page.wait_for_selector(f".lesson[data-lesson={name}] figure svg")
            return page

        yield open_lesson
    assert complaints == []


def push(page: Any, name: str) -> None:
    page.click(f"[data-push={name}]")


def number(page: Any, name: str) -> str:
    """One of the figures worth reading at a glance."""
    return str(page.locator(".numbers div", has=page.get_by_text(name, exact=True)).locator("b").inner_text())


def says_numbers(page: Any, words: str) -> None:
    """Wait for the figures to say it. A press during a redraw can miss its button: then press again."""
    from playwright.sync_api import TimeoutError as TooLong

    said = "(words) => document.querySelector('.numbers').textContent.includes(words)"
    for _ in range(11):
        try:
            page.wait_for_function(said, arg=words, timeout=10_000)
            return
        except TooLong:
            push(page, "play")
    page.wait_for_function(said, arg=words)


def says(page: Any, words: str) -> None:
    page.wait_for_function(
        "(words) => document.querySelector('.says').textContent.includes(words)", arg=words
    )


def counted(page: Any, name: str, at_least: float) -> None:
    """Wait until the number of that name has come so far."""
    page.wait_for_function(
        """([name, least]) => [...document.querySelectorAll('.numbers div')].some((each) =>
             each.querySelector('span').textContent === name
             && parseFloat(each.querySelector('b').textContent) >= least)""",
        arg=[name, at_least],
    )


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
    if (
        fine.get_attribute("aria-expanded") != "true"
        and not page.locator(".settings-side .token").first.is_visible()
    ):
        fine.click()
    page.wait_for_function(
        """(layers) => {
          const tokens = [...document.querySelectorAll('.settings-side .token')];
          const shown = tokens.map((each) => each.textContent.trim());
          return layers.every((layer) => shown.some((each) => each.startsWith(layer)));
        }""",
        arg=layers,
    )


def test_memorising(visit: Any) -> None:
    page = visit("lesson=memorising")
    push(page, "play")
    counted(page, "steps", 60)
    push(page, "ask")
    page.wait_for_selector(".tables td:has-text('—')")
    assert "no answer" in page.inner_text(".says")


def test_rules(visit: Any) -> None:
    page = visit("lesson=rules")
    assert number(page, "right") == "12 of 12"
    push(page, "next")
    says(page, "A red apple is taken for an orange")
    page.fill("#knob-rule", "orange > red")
    page.locator("#knob-rule").blur()
    page.wait_for_function("() => !document.querySelector('.numbers').textContent.includes('4 of 12')")
    assert "orange > red" in number(page, "rule")


def test_learned(visit: Any) -> None:
    page = visit("lesson=learned")
    assert number(page, "its rule") == "none yet"
    dots = page.locator("[data-figure=plane] .dot").count()
    box = page.locator("[data-figure=plane] svg").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.7)
    page.wait_for_function(
        "(dots) => document.querySelectorAll('[data-figure=plane] .dot').length === dots + 1", arg=dots
    )
    push(page, "play")
    says_numbers(page, "orange, if")


def test_classes_or_numbers(visit: Any) -> None:
    page = visit("lesson=classes_or_numbers")
    push(page, "play")
    counted(page, "steps", 100)
    assert float(number(page, "average error").split()[0]) < 1


def test_no_labels(visit: Any) -> None:
    page = visit("lesson=no_labels")
    before = page.locator("[data-figure] svg").first.inner_html()
    push(page, "play")
    page.wait_for_selector(".says.good")
    assert page.locator("[data-figure] svg").first.inner_html() != before
    assert float(number(page, "mean squared distance")) < 0.02


def test_train_and_test(visit: Any) -> None:
    page = visit("lesson=train_and_test")
    push(page, "play")
    says(page, "on points it never saw")
    assert number(page, "error on test points") == "sealed"
    push(page, "open")
    page.wait_for_function("() => !document.querySelector('.numbers').textContent.includes('sealed')")


def test_wrongness(visit: Any) -> None:
    page = visit("lesson=wrongness")
    first = float(number(page, "wrongness"))
    push(page, "step")
    says(page, "One step down")
    assert float(number(page, "wrongness")) < first
    push(page, "undo")
    page.wait_for_function(
        "(first) => document.querySelector('.numbers').textContent.includes(first)", arg=f"{first:.4f}"
    )


def test_the_neuron_by_keyboard(visit: Any) -> None:
    page = visit("lesson=neuron")
    before = page.locator("[data-figure=plane] path[stroke-dasharray]").get_attribute("d")
    page.focus("#knob-weight_1")
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        """(before) => document.querySelector('[data-figure=plane] path[stroke-dasharray]')
          .getAttribute('d') !== before""",
        arg=before,
    )
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('.numbers').textContent.includes('4 of 4')")


def test_the_cafeteria_shows_what_a_hand_computes(visit: Any) -> None:
    page = visit("lesson=cafeteria")
    push(page, "step")
    page.wait_for_selector(".tables .dense tr.chosen")
    row = page.locator(".tables .dense tr.chosen td").all_inner_texts()
    # 8.50 was asked, 0.5 x (2 + 5 + 3) = 5.00 guessed; 3.50 x portions / 35 is what each price moves.
    assert row == [
        "1",
        "2 + 5 + 3",
        "8.5000",
        "5.0000",
        "+3.5000",
        "+0.2000",
        "+0.5000",
        "+0.3000",
        "0.7000",
        "1.0000",
        "0.8000",
    ]
    guesses = page.locator(".tables .table").first.locator("tbody td:nth-child(5)").all_inner_texts()
    assert guesses == ["8.8000", "5.9000", "4.6000", "6.7000", "5.5000"]
    assert page.evaluate(
        "[...document.querySelectorAll('.table')].every((each) => each.scrollWidth <= each.clientWidth)"
    )


def test_the_playground(visit: Any) -> None:
    page = visit("lesson=playground")
    push(page, "play")
    counted(page, "training accuracy", 98)
    push(page, "play")
    page.hover("[data-node='neuron 1.1']")
    page.wait_for_function(
        """() => !document.querySelector('[data-figure=map] figcaption').textContent
          .includes('What the network says')"""
    )
    page.mouse.move(5, 5)
    # A weight is set by keyboard alone, and the picture changes.
    ground = page.locator("[data-figure=map] image").first.get_attribute("href")
    page.focus("[data-link][tabindex='0']")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector(".entry input:focus")
    page.keyboard.type("5")
    page.wait_for_function(
        "(ground) => document.querySelector('[data-figure=map] image').getAttribute('href') !== ground",
        arg=ground,
    )
    page.keyboard.press("Escape")
    page.wait_for_selector(".entry", state="detached")
    page.click("[data-press='layer+']")
    page.wait_for_selector("[data-node='neuron 3.2']")
    assert "layers=4%2C+2%2C+2" in page.url
    # A rate far too large: the coach says so, and nothing on the page is a NaN.
    page = visit("lesson=playground&rate=10&data=plane&activation=linear&optimiser=momentum")
    push(page, "play")
    page.wait_for_selector(".says.bad")
    assert "earning rate" in page.inner_text(".says")
    assert "NaN" not in page.inner_text(".bench")


def test_benchmarks(visit: Any) -> None:
    page = visit("lesson=benchmarks&network=linear&epochs=3&rate=0.01")
    push(page, "play")
    counted(page, "test accuracy", 88)
    page.wait_for_function("() => document.querySelector('[data-push=play]').textContent === 'Train'")
    box = page.locator("[data-figure=sheet] svg").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"]
    page.mouse.move(x, y + box["height"] * 0.15)
    page.mouse.down()
    page.mouse.move(x + 3, y + box["height"] * 0.85, steps=5)
    page.mouse.up()
    page.wait_for_selector("[data-figure=sheet] figcaption:has-text('Your digit')")
    assert page.inner_text("[data-figure=bars] figcaption").startswith("It says")


def dreamt(page: Any, photo: Path, words: str) -> None:
    """In the Dream tab, with the dials as they are but small: a photo becomes a dream of which these words
    are said.
    """
    choose(page, photo)
    small(page)
    set_dial(page, "Octaves", 1)
    page.click("#dream-button")
    page.wait_for_selector(".stage[data-mode=done]")
    assert words in page.inner_text(".stage .words")


def test_deep_networks_grows_a_picture_and_leads_to_a_dream_with_that_layer(visit: Any, photo: Path) -> None:
    page = visit("lesson=deep_networks")
    noise = picture(page, "grown")
    push(page, "play")
    page.wait_for_function(
        "(noise) => document.querySelector('[data-figure=grown] image').getAttribute('href') !== noise",
        arg=noise,
    )
    says(page, "Step")
    push(page, "play")
    click_at(page, "layers", 0.1, 0.2)
    page.wait_for_function("() => document.querySelector('#knob-layer').value === 'bn1'")
    assert number(page, "channels") == "32"
    push(page, "dream_layer")
    wait_for_dials(page, ["bn1"])
    assert page.inner_text(".widget-looks .sentence").startswith("No look")
    dreamt(page, photo, "dreamt with bn1")


def test_teach_by_example_answers_after_two_examples_and_sets_a_dream(visit: Any) -> None:
    page = visit("lesson=teach")
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
    page.wait_for_function(
        "(before) => document.querySelector('[data-figure=dream] image').getAttribute('href') !== before",
        arg=before,
    )
    push(page, "play")
    page.locator(".group[data-group=Keep] summary").click()
    push(page, "dream")
    wait_for_dials(page, ["blocks.2*"])


def test_derivative_works_runs_three_at_once_and_says_whose_work_it_is(visit: Any) -> None:
    page = visit("lesson=derivative_works")
    photo = picture(page, "dream")
    push(page, "play")
    page.wait_for_function(
        "(photo) => document.querySelector('[data-figure=dream] image').getAttribute('href') !== photo",
        arg=photo,
    )
    says(page, "of 72")
    page.select_option("#knob-part", "whose work is it")
    page.wait_for_selector("[data-figure=rights]")
    assert page.locator("[data-push=play]").is_hidden()
    page.select_option("#knob-first", "CC BY-SA")
    page.select_option("#knob-second", "CC BY-NC")
    says(page, "Both cannot be kept in one work")
    assert number(page, "may be shared") == "no"


def test_a_network_trained_in_a_lesson_dreams_in_the_dream_tab(visit: Any, photo: Path) -> None:
    page = visit("lesson=derivative_works&part=my network dreams&layer=blocks.1")
    push(page, "play")
    says(page, "It has learnt")
    push(page, "travel")
    wait_for_dials(page, ["blocks.1"])
    page.wait_for_selector(".network[data-full=yes]")
    assert page.inner_text(".network .called") == "dreamer"
    dreamt(page, photo, "dreamt by the network dreamer, which learnt from")
    page.get_by_role("link", name="In the gallery").click()
    page.wait_for_selector(".gallery article h2")
    assert "dreamer" in page.inner_text(".gallery article")

    # Put away, and the usual network dreams again.
    page.get_by_role("tab", name="Dream").click()
    page.get_by_role("button", name="Remove this network").click()
    page.wait_for_function(
        "() => document.querySelector('input[aria-label=Network]').value.startsWith('efficientnet_lite0')"
    )
    assert page.locator(".network[data-full=no]").count() == 1


def test_the_course_goes_on_from_lesson_to_lesson_and_remembers(visit: Any) -> None:
    page = visit("lesson=memorising&examples=20&hide=seed,noise")
    assert page.locator("#knob-seed").count() == 0
    assert page.locator("#knob-examples").count() == 1
    for check in range(page.locator("fieldset[data-check]").count()):
        page.click(f"[data-check='{check}'] [data-choice='0']")
        assert page.is_visible(f"[data-check='{check}'] .why")
    page.wait_for_selector(".course-list [aria-current] .number.done")
    page.click(".onward .next")
    page.wait_for_selector(".lesson[data-lesson=rules] figure svg")
    assert "lesson=rules" in page.url
    assert "memorising" in json.loads(page.evaluate("localStorage.getItem('studio-course')"))
    page.emulate_media(media="print")
    assert page.is_visible(".lesson h2")
    assert page.is_hidden(".pushes")
    assert page.is_visible("figure .twin")
    page.emulate_media(media="screen")
    page.click(".onward .to-tab")
    page.wait_for_selector(".stage", state="visible")

    # Whoever comes back to the tab finds the lesson that was open last, which is asked for once.
    visit("lesson=memorising")
    studio, opened = page.url.partition("#")[0], []
    open_request = r"\"do\":\"open\""
    page.on("request", lambda each: opened.append(each) if open_request in (each.post_data or "") else None)
    page.goto("about:blank")
    page.goto(f"{studio}#lessons")
    page.wait_for_selector(".lesson[data-lesson] figure svg")
    assert page.get_attribute(".lesson", "data-lesson") == "memorising"
    assert len(opened) == 1


SHARE = """() => {
  const box = (what) => document.querySelector(what).getBoundingClientRect();
  const [picture, check, pushes] = ['.figures', '.lesson.asks .side .checks', '.pushes'].map(box);
  return picture.top >= 0 && check.top - picture.top > 200 && check.bottom <= pushes.top + 1
    && pushes.bottom <= innerHeight + 1;
}"""
"""The picture, the first check and the buttons share the screen, and none covers another."""


def test_on_a_phone_no_lesson_is_wider_than_the_screen(chromium: Chromium, studio: Open) -> None:
    with chromium.visitor(studio.address, PHONE, touch=True) as page:
        page.goto(f"{studio.address}/#lesson={COURSE[0]}")
        page.wait_for_selector(".lesson figure svg")
        for name in COURSE[1:10]:
            page.select_option(".course-menu select", name)
            page.wait_for_selector(f".lesson[data-lesson={name}] figure svg")
            assert narrow_enough(page), name
        # The last ones by their links, on the narrowest phone.
        page.set_viewport_size({"width": 320, "height": 640})
        for name in COURSE[10:]:
            page.evaluate("(link) => { location.hash = link }", f"lesson={name}")
            page.wait_for_selector(f".lesson[data-lesson={name}] figure svg")
            assert narrow_enough(page), name
        page.set_viewport_size(PHONE)
        page.select_option(".course-menu select", "cafeteria")
        page.wait_for_selector(".lesson[data-lesson=cafeteria] figure svg")
        page.tap(".pushes button.main")
        page.wait_for_selector(".lesson.asks")
        page.wait_for_function(SHARE)


@pytest.mark.parametrize("name", ["cafeteria", "derivative_works"])
def test_controls_picture_and_the_first_check_share_a_laptops_screen(visit: Any, name: str) -> None:
    page = visit(f"lesson={name}")
    page.set_viewport_size(LAPTOP)
    try:
        page.locator(".pushes button").first.click()
        page.wait_for_selector(".lesson.asks .side .checks")
        page.evaluate("window.scrollTo(0, 0)")
        seen = [page.locator(each).first.bounding_box() for each in (".pushes", ".drawing", ".side .checks")]
        assert max(box["y"] + box["height"] for box in seen) <= LAPTOP["height"]
        knob = page.locator(".knob:visible").first.bounding_box()
        assert knob["y"] + knob["height"] <= seen[2]["y"]

        # Once it is answered, it goes back below the controls with the next thing that is done.
        page.locator(".side [data-choice]").first.click()
        page.wait_for_selector(".side .why:visible")
        page.locator(".pushes button").first.click()
        page.wait_for_selector(".lesson:not(.asks)")
    finally:
        page.set_viewport_size(DESK)
