"""A newcomer at the Compose tab: a tune in one click, a pin dragged on the roll, a contradiction seen before
the press and mended at a press, takes compared, works cancelled from the tray; with a mouse, and with the
keyboard alone on a phone.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.conftest import PHONE, Chromium, Open
from tests.app.test_browser import narrow_enough, opened

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("app")]

LAPTOP = {"width": 1366, "height": 768}

QUICK = "#compose&style=american-fife&bars=8&seed=1"
"""A small style, and few bars. The first take of this seed begins on F#4."""

PITCHES_AT = """async ([id, at]) => {
  const told = await (await fetch(`works/${id}/music`)).json();
  return told.notes.filter((note) => Math.abs(note.at - told.bars[0] - at * 60 / told.tempo) < 0.01)
    .map((note) => note.pitch);
}"""
"""The pitches of a work that begin so many quarter notes after its first bar."""

BOTH_ARE_THERE = """(before) => {
  const takes = [...document.querySelectorAll('.compose .take')];
  return takes.length === 2 && takes[0].dataset.work !== before
    && takes.every((each) => each.querySelector('.hit') && each.querySelector('.notes .note'));
}"""

ROWS = "() => Number(document.querySelector('.compose .roll').style.getPropertyValue('--rows'))"

HEARD = "() => [...document.querySelectorAll('.compose audio')].filter((each) => !each.paused).length"


def composed(page: Any, other_than: str = "") -> list[str]:
    """Wait for two takes, other than an earlier one, with their scores and notes; gives their works' ids."""
    page.wait_for_function(BOTH_ARE_THERE, arg=other_than)
    page.wait_for_selector("#compose-button:not([disabled])")
    return [str(take.get_attribute("data-work")) for take in page.locator(".compose .take").all()]


def arrive(page: Any, studio: Open) -> None:
    page.goto(f"{studio.address}/{QUICK}")
    page.wait_for_function("() => document.querySelector('.bars-dial input[type=number]')?.value === '8'")
    # How long it will take is said before anyone presses.
    page.wait_for_function(
        "() => /^About .* on this computer$/.test(document.querySelector('.press .cost').innerText)"
    )


def test_a_newcomer_with_a_mouse(chromium: Chromium, studio: Open) -> None:
    with opened(chromium, studio, size=LAPTOP) as page:
        arrive(page, studio)
        page.click("#compose-button")
        first = composed(page)
        assert len(first) == 2
        boxes = [take.bounding_box() for take in page.locator(".compose .take").all()]
        assert boxes[0]["y"] == boxes[1]["y"], "they stand side by side"
        assert page.locator(".compose .take h3").first.inner_text().startswith("A")

        # A note is dragged three semitones up: from now on it is asked for there.
        note = page.locator(".compose .take").first.locator(".notes .note").first
        note.scroll_into_view_if_needed()
        assert page.evaluate(PITCHES_AT, [first[0], 0]) == [66]
        box, roll = note.bounding_box(), page.locator(".compose .take .notes").first.bounding_box()
        rows = page.evaluate(ROWS)
        assert box["width"] >= 20, "a target that can be hit"
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x, y - 3 * roll["height"] / rows, steps=5)
        page.mouse.up()
        page.wait_for_selector(".chip[data-field=pins]")

        # A range that leaves it out is shown on the keyboard: both chips are red before anybody presses.
        page.click(".keyboard [data-pitch='72']")
        page.click(".keyboard [data-pitch='88']")
        page.wait_for_selector(".chip.red[data-field=range]")
        assert page.locator(".chip.red").count() == 2
        page.click("#compose-button")
        way = page.locator(".press .ways button", has_text="Leave out the range C5:E6")
        way.wait_for()
        way.click()
        for work in composed(page, first[0]):
            assert page.evaluate(PITCHES_AT, [work, 0]) == [69]
        assert page.locator(".chip.red").count() == 0

        # A and B from the same moment, then slower and on a flute, while it plays.
        page.get_by_role("button", name="Play take A").first.click()
        page.wait_for_function("() => document.querySelector('.compose .take audio').currentTime > 0.3")
        page.locator(".deck .letters button").nth(1).click()
        page.wait_for_function("() => document.querySelectorAll('.compose .take audio')[1].currentTime > 0.3")
        assert page.evaluate(HEARD) == 1
        page.locator(".deck input[type=range]").fill("60")
        page.locator(".deck select").select_option("Flute")
        page.wait_for_function(
            "() => document.querySelectorAll('.compose audio')[1].src.includes('tempo=60&instrument=Flute')"
        )
        assert page.evaluate(HEARD) == 1
        with page.expect_download() as download:
            page.locator(".compose .take").nth(1).get_by_role("link", name="ABC").click()
        assert "Q:1/4=60" in download.value.path().read_text()


def test_a_newcomer_with_the_keyboard_alone_on_a_phone(chromium: Chromium, studio: Open) -> None:
    with opened(chromium, studio, size=PHONE) as page:
        arrive(page, studio)
        press(page, "#compose-button", "Enter")
        composed(page)
        assert narrow_enough(page)
        roll = ".compose .take .notes"
        # A pin: the second note, a semitone up, then let go, and set again.
        press(page, roll, "ArrowRight", "ArrowRight", "ArrowUp")
        page.wait_for_selector(".chip[data-field=pins]")
        assert "Pinned" in page.inner_text(".compose .take .explained")
        press(page, roll, "Delete")
        page.wait_for_selector(".chip[data-field=pins]", state="detached")
        # A line of two points.
        press(page, ".compose .take .roll-tools button:has-text('Draw a line')", "Enter")
        press(page, roll, "ArrowUp", "End", "ArrowDown")
        page.wait_for_selector(".chip[data-field=contour]")
        assert page.locator(".compose .take").first.locator(".point").count() == 2
        press(page, ".chip[data-field=contour] button", "Enter")
        page.wait_for_selector(".chip[data-field=contour]", state="detached")
        # The first note, on the keyboard: G, a semitone up, with which no tune of the style begins.
        press(page, ".keyboard [data-tool=start]", "Enter")
        press(page, ".keyboard .key[tabindex='0']", "ArrowRight", "Enter")
        page.wait_for_selector(".chip.red[data-field=start]")
        assert "Ab4" in page.inner_text(".chips-box .sentence")
        press(page, ".chips-box .ways button", "Enter")
        page.wait_for_selector(".chip", state="detached")
        assert page.locator(".chips-box .trouble").is_hidden()
        # B plays from where A was.
        press(page, ".compose .take .play", "Enter")
        page.wait_for_function("() => document.querySelector('.compose .take audio').currentTime > 0.2")
        press(page, ".deck .letters button >> nth=1", "Enter")
        page.wait_for_function("() => document.querySelectorAll('.compose .take audio')[1].currentTime > 0.2")
        press(page, ".deck .letters button >> nth=1", "Enter")
        page.wait_for_function(f"() => ({HEARD})() === 0")

        # Much is asked for, and cancelled from the tray.
        page.get_by_label("number input for Takes").fill("8")
        page.get_by_label("number input for Bars").fill("32")
        page.get_by_label("number input for Bars").press("Tab")
        press(page, "#compose-button", "Enter")
        page.wait_for_selector(".press.running [data-do=stop]")
        page.wait_for_selector(".tray:not([hidden])")
        press(page, ".tray .pill", "Enter")
        last = page.locator(".tray .queue .mine").last
        waiting = last.get_by_role("button", name="Cancel")
        waiting.wait_for()
        id = waiting.get_attribute("data-job")
        waiting.press("Enter")
        page.wait_for_selector(f".tray .queue [data-job='{id}']", state="detached")
        page.keyboard.press("Escape")
        press(page, ".press [data-do=stop]", "Enter")
        page.wait_for_selector("#compose-button:not([disabled])")
        # A reload leaves no error on the console, which is looked at when the page is closed. Nothing came of
        # the latest request, so there is a tune to be played.
        page.reload()
        page.wait_for_selector(".compose .example .hit", state="attached")


def press(page: Any, selector: str, *keys: str) -> None:
    """Focus what the selector finds first, as Tab would, and press keys there."""
    there = page.locator(selector).first
    for _ in range(20):
        there.focus()  # what is drawn again at this very moment loses it
        if there.evaluate("(each) => each === document.activeElement"):
            break
        page.wait_for_timeout(250)
    else:
        raise AssertionError(f"{selector} cannot have the focus")
    for key in keys:
        page.keyboard.press(key)
