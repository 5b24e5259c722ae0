"""The Compose tab in a real Chromium: a musician brings tunes, keeps two bars, asks again, listens, and hears
why a wish cannot be met.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.app.conftest import DESK, PHONE, Chromium, Open
from tests.app.test_browser import narrow_enough, opened
from tests.app.tunes import jigs

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("app")]

NOTES = """async (id) => {
  const told = await (await fetch(`works/${id}/music`)).json();
  return told.notes.map((note) => [note.bar, note.pitch]);
}"""

ANOTHER = """(before) => {
  const take = document.querySelector('.compose .take');
  return take && take.dataset.work !== before;
}"""


def take(page: Any, number: int = 0) -> Any:
    return page.locator(".compose .take").nth(number)


def notes_of(page: Any, number: int = 0) -> dict[int, list[int]]:
    """Bar -> the pitches of a take, as the page draws them."""
    found: dict[int, list[int]] = {}
    for bar, pitch in page.evaluate(NOTES, take(page, number).get_attribute("data-work")):
        found.setdefault(bar, []).append(pitch)
    return found


def open_tab(page: Any, name: str) -> None:
    """Press a tab until it is open: an early press is lost, as the page's own script knows."""
    from playwright.sync_api import TimeoutError as TooLong

    opened = page.locator(f'[role=tab][aria-selected=true]:has-text("{name}")')
    for _ in range(24):
        page.get_by_role("tab", name=name).click()
        try:
            opened.wait_for(timeout=5_000)
        except TooLong:
            continue
        return
    opened.wait_for()


def to_compose(page: Any, folder: Path) -> None:
    """The Compose tab, with tunes of one's own and settings with which a take is soon made."""
    open_tab(page, "Compose")
    field = page.locator(".own-tunes input[type=file]")
    field.wait_for(state="attached")
    page.get_by_role("button", name="Tunes of your own").click()
    paths = []
    for name, content in jigs().items():
        (folder / name).write_bytes(content)
        paths.append(str(folder / name))
    # What is folded is there from the beginning: nothing that is dropped as it opens is lost.
    field.set_input_files(paths)
    page.get_by_text("5 tunes, ").wait_for()
    fill(page, "number input for Bars", 8)
    fill(page, "number input for Takes", 1)
    page.get_by_role("button", name="Constraints", exact=True).click()
    fill(page, "Longest copy", 12)


def fill(page: Any, label: str, value: object) -> None:
    box = page.get_by_label(label).and_(page.locator("input, textarea"))
    box.fill(str(value))
    box.press("Tab")


def composed(page: Any, other_than: str | None = None) -> str:
    """Wait for a take, its score and its notes; gives its work's id."""
    page.wait_for_function(ANOTHER, arg=other_than)
    page.wait_for_selector(".compose .take .hit", state="attached")
    page.wait_for_selector("#compose-button:not([disabled])")
    id: str = take(page).get_attribute("data-work")
    return id


@pytest.fixture(scope="module")
def page(chromium: Chromium, studio: Open) -> Iterator[Any]:
    """One page at a desk, in which each test goes on."""
    with opened(chromium, studio) as page:
        yield page


def test_bars_are_kept_the_others_asked_for_again_and_it_plays(page: Any, tmp_path: Path) -> None:
    to_compose(page, tmp_path)
    # What was heard in the files, tune by tune.
    page.locator(".own-tunes .own-heard summary", has_text="The Kettle").click()
    heard = page.locator(".own-tunes .own-heard details[open] pre").inner_text()
    assert heard.splitlines()[0].split() == [
        "1",
        *(f"{name}:1/2" for name in ["G4", "A4", "B4"] * 2),
    ]
    page.click("#compose-button")
    first = composed(page)
    before = notes_of(page)
    assert set(before) == set(range(1, 9))

    # One bar is kept by its number, one by a click into the score.
    take(page).get_by_role("button", name="Keep bar 3").click()
    take(page).locator(".measure").nth(3).locator(".hit").dispatch_event("click")
    assert take(page).locator(".bars button[aria-pressed=true]").all_inner_texts() == ["3", "4"]
    assert take(page).locator(".hit.kept").count() == 2
    # A kept bar and a constraint that contradict each other are red before anybody presses.
    other, pitch = ("B4", 71) if before[1][0] == 67 else ("G4", 67)  # these jigs begin on either
    take(page).get_by_role("button", name="Keep bar 1", exact=True).click()
    page.click(".compose-floor .keyboard [data-tool=start]")
    page.click(f".compose-floor .keyboard [data-pitch='{pitch}']")
    for field in ("keep", "start"):
        page.wait_for_selector(f".chip.red[data-field={field}]")
    page.get_by_role("button", name=f"Leave out First note {other}").click()
    page.wait_for_selector(".chip.red", state="detached")
    take(page).get_by_role("button", name="Keep bar 1", exact=True).click()
    page.wait_for_selector(".chip[data-field=keep]:text('Keep bars 3, 4')")
    take(page).get_by_role("button", name="Keep these 2 bars, ask again for the others").click()
    second = composed(page, first)
    after = notes_of(page)
    assert [after[3], after[4]] == [before[3], before[4]]
    assert [after[bar] for bar in (1, 2, 5, 6, 7, 8)] != [before[bar] for bar in (1, 2, 5, 6, 7, 8)]

    # Where a note comes from, by keyboard.
    take(page).locator(".notes").press("ArrowRight")
    told = take(page).locator(".explained").inner_text()
    assert "in bar 1" in told
    assert "likely" in told

    # What is copied, on the roll and in the score.
    take(page).locator("summary", has_text="About this tune").click()
    take(page).get_by_role("button", name="Show it").click()
    assert 1 < take(page).locator(".by-copy .notes .copied").count() <= 12
    assert (
        take(page).locator(".by-copy .sheet .copied").count() >= take(page).locator(".notes .copied").count()
    )

    take(page).get_by_role("button", name="Play take A").click()
    page.wait_for_function("document.querySelector('.compose audio').currentTime > 0.3")
    page.wait_for_function("new DOMMatrix(document.querySelector('.compose .needle').style.transform).e > 0")
    take(page).get_by_role("button", name="Pause take A").click()
    page.wait_for_function("document.querySelector('.compose audio').paused")

    with page.expect_download() as download:
        take(page).get_by_role("link", name="MIDI").click()
    assert download.value.suggested_filename.endswith(".mid")

    # On a narrower page, the score is engraved for it.
    wide = page.get_attribute(".compose .take svg.sheet", "viewBox")
    page.set_viewport_size(PHONE)
    page.wait_for_function(
        """(wide) => document.querySelector('.compose .take svg.sheet').getAttribute('viewBox') !== wide
          && document.querySelectorAll('.compose .take .hit').length === 8""",
        arg=wide,
    )
    assert narrow_enough(page)
    page.set_viewport_size(DESK)

    # A reload finds the take again, and its wishes.
    page.reload()
    open_tab(page, "Compose")
    assert composed(page) == second
    assert page.get_by_label("number input for Bars").input_value() == "8"

    # In the gallery it is read, played, and taken up again.
    take(page).get_by_role("link", name="In the gallery").click()
    page.wait_for_selector(".gallery article .hit", state="attached")
    assert page.locator(".gallery article h2").inner_text().endswith(", a Tune")
    page.get_by_role("button", name="Edit a copy").click()
    page.wait_for_selector(".compose .take", state="visible")


def theme_in_the_gallery(page: Any) -> str:
    take(page).get_by_role("link", name="In the gallery").click()
    page.wait_for_selector(".gallery article .hit", state="attached")
    page.wait_for_selector('[role=tab][aria-selected=true]:has-text("Gallery")')
    page.locator(".gallery .source", has=page.get_by_text("theme", exact=True)).wait_for()
    (found,) = page.locator(".gallery .source", has=page.get_by_text("theme", exact=True)).all_inner_texts()
    return str(found)


def test_a_tune_is_a_theme_that_comes_back_with_the_wishes(page: Any, tmp_path: Path) -> None:
    """After a melody in the manner of one's own tunes, which is as it was left."""
    first = take(page).get_attribute("data-work")
    assert page.locator(".theme input[type=file]").count() == 1, "it is there while it is folded"
    page.get_by_role("button", name="A theme").click()
    (tmp_path / "the-window.abc").write_bytes(jigs()["the-window.abc"])
    page.set_input_files(".theme input[type=file]", str(tmp_path / "the-window.abc"))
    page.wait_for_selector(".theme .file-preview")
    fill(page, "number input for Theme pull", 1)
    page.click("#compose-button")
    second = composed(page, first)
    assert "the-window" in theme_in_the_gallery(page)

    # The theme comes back with the wishes: after a reload, and from the gallery.
    page.reload()
    page.wait_for_selector(".gallery article .hit", state="attached")
    open_tab(page, "Compose")
    assert composed(page) == second
    page.locator(".theme .file-preview", has_text="the-window").wait_for()
    page.click("#compose-button")
    composed(page, second)
    assert "the-window" in theme_in_the_gallery(page)


def test_a_wish_that_cannot_be_met_is_let_go_with_a_click(
    chromium: Chromium, studio: Open, tmp_path: Path
) -> None:
    with opened(chromium, studio, size=PHONE, touch=True) as page:
        to_compose(page, tmp_path)
        fill(page, "Last note", "Db")
        fill(page, "number input for Takes", 2)
        # Red before anybody presses, though the style is files that were only just brought.
        page.wait_for_selector(".chip.red[data-field=end]:text('Last note Db')")
        page.click("#compose-button")
        way = page.locator(".compose-floor .press .ways").get_by_role(
            "button", name="Leave out the end on Db"
        )
        way.wait_for()
        assert "Db" in page.locator(".compose-floor .press .trouble .sentence").inner_text()
        assert page.locator(".chip.red").get_by_text("Last note Db").count() == 1
        way.click()
        composed(page)
        assert page.locator(".chip.red").count() == page.locator(".chip[data-field=end]").count() == 0
        # Another lets its constraint go with its ✕.
        page.get_by_role("button", name="Leave out Longest copy 12").click()
        page.wait_for_selector(".chip[data-field=max_copy]", state="detached")
        assert page.get_by_role("textbox", name="Longest copy").input_value() == ""
        assert page.get_by_label("Last note").input_value() == ""
        assert page.locator(".compose-floor .press .trouble").is_hidden()
        assert narrow_enough(page)

        # A pin set on the roll is written where pins can be written.
        take(page).get_by_role("button", name="Pin notes").tap()
        take(page).locator(".notes .note").first.tap()
        page.get_by_role("button", name="More constraints").click()
        page.wait_for_function(
            "() => [...document.querySelectorAll('textarea')].some((each) => each.value.startsWith('1:1='))"
        )
        assert take(page).locator(".pinned").count() == 1


def test_a_mood_sets_constraints_that_are_chips(page: Any, studio: Open) -> None:
    page.goto(f"{studio.address}/#compose&bars=8")
    page.wait_for_function("() => document.querySelector('.bars-dial input[type=number]')?.value === '8'")
    page.get_by_label("Calm", exact=True).click()
    for field in ("tempo", "density"):
        page.wait_for_selector(f".chip[data-field={field}]")
    page.get_by_label("Dreamy", exact=True).click()
    page.wait_for_selector(".chip[data-field=density]", state="detached")
    page.wait_for_selector(".chip[data-field=scale]:text('Scale key')")

    # What is asked for while the studio is slow is not lost: another range, two chips that are let go.
    held: list[Any] = []
    runs = "**/gradio_api/run/**"
    slow = [True]
    page.route(runs, lambda route: held.append(route) if slow else route.continue_())
    for low, high, sent in ((60, 72, page.expect_request(runs)), (62, 74, nullcontext())):
        with sent:
            for pitch in (low, high):
                page.click(f".compose-floor .keyboard [data-pitch='{pitch}']")
    for field in ("tempo", "scale"):
        with page.expect_request(runs):
            page.click(f".chip[data-field={field}] button")
    slow.clear()
    for route in held:
        route.continue_()
    page.wait_for_selector(".chip[data-field=range]:has-text('D4:D5')")
    for field in ("tempo", "scale"):
        page.wait_for_selector(f".chip[data-field={field}]", state="detached")
    page.unroute(runs)
