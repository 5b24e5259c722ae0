"""A newcomer's walk through the whole house, in a real Chromium: a dream and a tune in one click each, Back
and Forward through all tabs, a pin, a contradiction and its way out, the tray, and the gallery. But for the
tray, the same walk is taken with a mouse on a laptop, with a finger on a phone, and with the keyboard alone.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.app.conftest import PHONE, Chromium, Open
from tests.app.test_browser import narrow_enough, opened

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]

LAPTOP = {"width": 1366, "height": 768}

TABS = ("Dream", "Paint", "Compose", "Songs", "Lessons", "Gallery")

PITCHES_AT = """async ([id, at]) => {
  const told = await (await fetch(`works/${id}/music`)).json();
  return told.notes.filter((note) => Math.abs(note.at - told.bars[0] - at * 60 / told.tempo) < 0.01)
    .map((note) => note.pitch);
}"""
"""The pitches of a work that begin so many quarter notes after its first bar."""

TWO_TAKES = """(before) => {
  const takes = [...document.querySelectorAll('.compose .take')];
  return takes.length === 2 && takes[0].dataset.work !== before
    && takes.every((each) => each.querySelector('.hit') && each.querySelector('.notes .note'));
}"""
"""Two takes are there, other than an earlier one, with their scores and notes."""

ROWS = "() => Number(document.querySelector('.compose .take .roll').style.getPropertyValue('--rows'))"

SELECTED = "() => document.querySelector('[role=tab][aria-selected=true]').textContent.trim()"

TILES = "() => [...document.querySelectorAll('.tiles .tile')].filter((each) => each.offsetParent)"

SOUNDS = "(take) => document.querySelectorAll('.compose .take audio')[take].currentTime > 0.2"

HEARD = "() => [...document.querySelectorAll('.compose audio')].filter((each) => !each.paused).length"


class Mouse:
    """What a newcomer does with a mouse."""

    size, touch = LAPTOP, False

    def __init__(self, page: Any) -> None:
        self.page = page

    def at(self, what: str) -> Any:
        """The first that is in sight of what the selector names, once there is one."""
        there = self.page.locator(f"{what} >> visible=true").first
        there.wait_for()
        return there

    def press(self, what: str) -> None:
        self.at(what).click()

    def goes_on_at(self, what: str) -> None:
        """Whoever uses the keyboard goes on there."""

    def open_tab(self, name: str) -> None:
        self.press(f"[role=tab]:text-is('{name}')")

    def write(self, what: str, text: str) -> None:
        self.at(what).fill(text)
        self.page.keyboard.press("Tab")

    def drag_first_note(self, semitones: int) -> None:
        """The first note of the first take is moved up by so many semitones."""
        x, y, up = self.path(semitones)
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x, y - up, steps=5)
        self.page.mouse.up()

    def path(self, semitones: int) -> tuple[float, float, float]:
        """Where the first note is, and how far so many semitones are."""
        note, roll = self.at(".compose .take .notes .note"), self.at(".compose .take .notes")
        note.scroll_into_view_if_needed()
        roll.evaluate("(roll) => roll.scrollIntoView({ block: 'center' })")
        box, height = note.bounding_box(), roll.bounding_box()["height"]
        assert box["width"] >= 20, "a target that can be hit"
        up = semitones * height / self.page.evaluate(ROWS)
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, up

    def show_range(self, low: int, high: int) -> None:
        """The range of the melody, on the small keyboard."""
        for pitch in (low, high):
            self.press(f".compose-floor .keyboard [data-pitch='{pitch}']")


class Finger(Mouse):
    """What a newcomer does with a finger on a phone."""

    size, touch = PHONE, True

    def press(self, what: str) -> None:
        self.at(what).tap()

    def drag_first_note(self, semitones: int) -> None:
        x, y, up = self.path(semitones)
        driver = self.page.context.new_cdp_session(self.page)

        def touch(kind: str, *points: dict[str, float]) -> None:
            driver.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

        touch("touchStart", {"x": x, "y": y})
        for step in range(1, 6):
            touch("touchMove", {"x": x, "y": y - up * step / 5})
        touch("touchEnd")
        driver.detach()


class Keys(Mouse):
    """What a newcomer does with the keyboard alone: Tab, arrow keys, Enter and Space."""

    TOWARDS = """(there) => {
      const now = document.activeElement;
      if (there === now) return '';
      return there.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_FOLLOWING ? 'Shift+Tab' : 'Tab';
    }"""
    """Which key leads there from what has the focus."""

    def go(self, what: str) -> None:
        """Press Tab, or Shift and Tab, until what is named has the focus."""
        there = self.at(what)
        for _ in range(200):
            key = there.evaluate(self.TOWARDS)
            if not key:
                return
            self.page.keyboard.press(key)
        stuck = self.page.evaluate("() => document.activeElement.outerHTML.slice(0, 90)")
        raise AssertionError(f"no Tab leads to {what}, only to {stuck}")

    def press(self, what: str) -> None:
        self.go(what)
        self.page.keyboard.press("Enter")

    def goes_on_at(self, what: str) -> None:
        self.page.wait_for_function("(what) => document.activeElement.matches(what)", arg=what)

    def open_tab(self, name: str) -> None:
        self.go("[role=tab][aria-selected=true]")
        while (now := self.page.evaluate(SELECTED)) != name:
            self.page.keyboard.press("ArrowRight")
            self.page.wait_for_function(f"(now) => ({SELECTED})() !== now", arg=now)
        assert self.page.evaluate("document.activeElement.textContent.trim()") == name

    def write(self, what: str, text: str) -> None:
        self.go(what)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Delete")
        self.page.keyboard.type(text)
        self.page.keyboard.press("Tab")

    def drag_first_note(self, semitones: int) -> None:
        self.go(".compose .take .notes")
        for key in ("ArrowRight", *["ArrowUp"] * semitones):
            self.page.keyboard.press(key)

    def show_range(self, low: int, high: int) -> None:
        self.go(".compose-floor .keyboard .key[tabindex='0']")
        for pitch in (low, high):
            for _ in range(200):
                here = int(self.page.evaluate("() => document.activeElement.dataset.pitch"))
                if here == pitch:
                    break
                self.page.keyboard.press("ArrowRight" if here < pitch else "ArrowLeft")
            self.page.keyboard.press("Enter")


def is_open(page: Any, tab: str) -> None:
    page.wait_for_selector(f"[role=tab][aria-selected=true]:text-is('{tab}')")


def composed(page: Any, other_than: str = "") -> list[str]:
    """Wait for two takes other than an earlier one; gives their works' ids."""
    page.wait_for_function(TWO_TAKES, arg=other_than)
    page.wait_for_selector("#compose-button:not([disabled])")
    return [str(take.get_attribute("data-work")) for take in page.locator(".compose .take").all()]


def a_dream_in_one_click(hands: Mouse, sample: int) -> str:
    """The page opens on a work, and one press on a sample makes a dream; gives its work's id."""
    page = hands.page
    page.wait_for_function("() => document.querySelector('.stage .show-after')?.naturalWidth > 0")
    assert "Drag the handle" in hands.at(".stage .show figcaption").inner_text()
    hands.press(f".stage .sample >> nth={sample}")
    page.wait_for_selector(".stage[data-mode=done]")
    assert page.is_hidden(".stage .show")
    assert page.locator(".strip li").count() == 1
    return str(page.get_attribute(".strip li", "data-work"))


def to_all_tabs(hands: Mouse) -> None:
    """To every tab."""
    page = hands.page
    for tab in TABS[1:]:
        hands.open_tab(tab)
        is_open(page, tab)
        assert narrow_enough(page)


def back_through_all_tabs(page: Any) -> None:
    """And forward again."""
    for tab in reversed(TABS[:-1]):
        page.go_back()
        is_open(page, tab)
    for tab in TABS[1:3]:
        page.go_forward()
        is_open(page, tab)


def a_tune_in_one_click(hands: Mouse) -> list[str]:
    """A tune is ready to be played; how long another takes is said; one press makes two. Gives their ids."""
    page = hands.page
    page.wait_for_selector(".compose .example .hit", state="attached")
    page.wait_for_function(
        "(cost) => /^About .* on this computer$/.test(document.querySelector(cost).innerText)",
        arg=".compose-floor .press .cost",
    )
    hands.press("#compose-button")
    takes = composed(page)
    hands.goes_on_at("#compose-button")
    return takes


def a_contradiction_is_mended(hands: Mouse, takes: list[str]) -> list[str]:
    """A pin, then a range without it: both chips are red before the press, and one press mends it."""
    page = hands.page
    assert page.evaluate(PITCHES_AT, [takes[0], 0]) == [66]
    hands.drag_first_note(3)
    page.wait_for_selector(".chip[data-field=pins]:has-text('A4')")
    hands.show_range(72, 88)
    page.wait_for_selector(".chip.red[data-field=range]")
    assert page.locator(".chip.red").count() == 2
    hands.press("#compose-button")
    hands.press(".press .ways button:has-text('Leave out the range C5:E6')")
    mended = composed(page, takes[0])
    assert [page.evaluate(PITCHES_AT, [work, 0]) for work in mended] == [[69], [69]]
    assert page.locator(".chip.red").count() == 0
    return mended


def works_are_cancelled_in_the_tray(hands: Mouse) -> None:
    """Eight takes are asked for; one is cancelled in the tray, the others stop beside the button."""
    page = hands.page
    hands.write("[aria-label='number input for Takes']", "8")
    hands.press("#compose-button")
    hands.press(".tray .pill")
    last = page.locator(".tray .queue .mine").last
    cancel = last.get_by_role("button", name="Cancel")
    cancel.wait_for()
    id = cancel.get_attribute("data-job")
    hands.press(f".tray .queue [data-do=cancel][data-job='{id}']")
    page.wait_for_selector(f".tray .queue [data-job='{id}']", state="detached")
    page.keyboard.press("Escape")
    hands.press(".press [data-do=stop]")
    page.wait_for_selector("#compose-button:not([disabled])")


def the_gallery_is_put_in_order(hands: Mouse, dream: str, tunes: list[str], folder: Path) -> None:
    """The dream is found and starred; it and the tunes are zipped, removed, and brought back."""
    page = hands.page
    hands.open_tab("Gallery")
    title = hands.at(f".tile[data-work='{dream}'] .caption strong").inner_text()
    hands.write(".finder input[type=search]", title.split(",")[0])
    page.wait_for_function(f"([id]) => ({TILES})().every((each) => each.dataset.work === id)", arg=[dream])
    hands.press(f".tile[data-work='{dream}'] .star")
    page.wait_for_selector(f".tile[data-work='{dream}'] .star[aria-pressed=true]")
    hands.write(".finder input[type=search]", "")
    page.wait_for_selector(f".tile[data-work='{tunes[-1]}']", state="attached")
    hands.press("[data-do=starred]")
    page.wait_for_selector(f".tile[data-work='{tunes[-1]}']", state="detached")
    hands.at(f".tile[data-work='{dream}']")
    hands.press("[data-do=starred]")
    page.wait_for_selector(f".tile[data-work='{tunes[-1]}']", state="attached")
    assert narrow_enough(page)

    before = page.evaluate(f"({TILES})().length")
    hands.press(".finder [data-do=select]")
    hands.press("[data-do=select-all]")
    chosen = int(page.inner_text(".selection .how-many").split()[0])
    assert chosen >= before >= 2
    with page.expect_download() as download:
        hands.press(".selection a[download]")
    download.value.save_as(folder / "works.zip")
    with zipfile.ZipFile(folder / "works.zip") as packed:
        assert packed.testzip() is None
        assert len(packed.namelist()) == chosen + 1, "the works and their credits"
    hands.press(".selection [data-do=remove-selected]")
    page.wait_for_function(f"() => ({TILES})().length === 0")
    assert f"{chosen} works removed. You can undo this until" in page.inner_text(".undo")
    hands.press(".undo button:has-text('Undo')")
    page.wait_for_function(f"(count) => ({TILES})().length === count", arg=before)
    hands.goes_on_at(".tiles .tile a")


def both_takes_are_heard(hands: Mouse) -> None:
    """A, then B from the same moment, slower and on a flute while it plays; and saved as it sounds."""
    page = hands.page
    hands.press(".compose .take .play")
    page.wait_for_function(SOUNDS, arg=0)
    hands.press(".deck .letters button >> nth=1")
    page.wait_for_function(SOUNDS, arg=1)
    page.wait_for_function(f"() => ({HEARD})() === 1")
    page.locator(".deck input[type=range]").fill("60")
    page.locator(".deck select").select_option("Flute")
    page.wait_for_function(
        "() => document.querySelectorAll('.compose audio')[1].dataset.sounds === '?tempo=60&instrument=Flute'"
    )
    page.wait_for_function(f"() => ({HEARD})() === 1")
    with page.expect_download() as download:
        page.locator(".compose .take").nth(1).get_by_role("link", name="ABC").click()
    assert "Q:1/4=60" in download.value.path().read_text()
    hands.press(".deck .letters button >> nth=1")


@pytest.mark.parametrize(("with_", "sample"), [(Mouse, 0), (Finger, 1), (Keys, 2)])
def test_a_newcomer_walks_through_the_house(
    chromium: Chromium, studio: Open, tmp_path: Path, with_: type[Mouse], sample: int
) -> None:
    with opened(chromium, studio, size=with_.size, touch=with_.touch) as page:
        hands = with_(page)
        page.evaluate("() => { location.hash = '#dream&size=128&steps=3'; }")  # a small one shows as much
        page.wait_for_function("() => document.querySelector('[aria-label=Size]')?.value === '128'")
        dream = a_dream_in_one_click(hands, sample)
        to_all_tabs(hands)
        if with_ is Mouse:
            back_through_all_tabs(page)
        # A small style and few bars, by a link: the first take of this seed begins on F#4.
        page.evaluate("() => { location.hash = '#compose&style=american-fife&bars=8&seed=1'; }")
        page.wait_for_function("() => document.querySelector('.bars-dial input[type=number]')?.value === '8'")
        tunes = a_contradiction_is_mended(hands, a_tune_in_one_click(hands))
        if with_ is Mouse:
            both_takes_are_heard(hands)
            with studio.holding("compose"):
                works_are_cancelled_in_the_tray(hands)
        the_gallery_is_put_in_order(hands, dream, tunes, tmp_path)
        if with_ is Mouse:
            page.reload()  # which leaves no error on the console: that is looked at when the page is closed
            is_open(page, "Gallery")
            hands.at(f".tile[data-work='{dream}']")
            page.goto(f"{studio.address}/?work={tunes[0]}")
            roles = hands.at("article.work .source .role")
            assert roles.inner_text() == "style", "a melody is made from no painting"
