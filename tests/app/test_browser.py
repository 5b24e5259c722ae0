"""The page in a real Chromium, as a person uses it: with mouse, keyboard and finger, on a desk and on a
phone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from studio.works.metadata import extract
from tests.app.conftest import DESK, PHONE, Chromium, Open
from tests.app.photos import picture

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("app")]

MASK = """async () => {
  const sources = [...document.querySelectorAll('.source')];
  const image = sources.find((each) => each.innerText.includes('mask')).querySelector('img');
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const at = (x) => context.getImageData(x * canvas.width, canvas.height / 2, 1, 1).data[0];
  return {painted: at(0.25), left: at(0.75), longest: Math.max(canvas.width, canvas.height)};
}"""
"""How light the mask of the open work is where it was painted and where it was not, and its longest side."""


@contextmanager
def opened(
    chromium: Chromium,
    studio: Open,
    *,
    size: dict[str, int] = DESK,
    touch: bool = False,
    forgiven: tuple[str, ...] = (),
) -> Iterator[Any]:
    """A page of its own visitor; at the end it must have asked nobody else for anything and have complained
    of nothing unforgiven.
    """
    with chromium.visitor(studio.address, size, touch=touch) as page:
        elsewhere: list[str] = []
        complaints: list[str] = []

        def note(request: Any) -> None:
            parts = urlsplit(request.url)
            if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
                elsewhere.append(request.url)

        def complain(said: Any) -> None:
            if said.type == "error":
                complaints.append(f"{said.text} {said.location.get('url', '')}")

        page.on("request", note)
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(studio.address)
        page.wait_for_selector(".stage[data-mode=empty]")
        yield page
        assert elsewhere == []
        assert [each for each in complaints if not any(word in each for word in forgiven)] == []


def choose(page: Any, path: Path) -> None:
    page.set_input_files(".stage input[type=file]", str(path))
    page.wait_for_selector(".stage[data-mode=photo]")


def set_dial(page: Any, label: str, value: object) -> None:
    """Type a number into a slider's box, and leave it."""
    box = page.get_by_label(f"number input for {label}")
    box.fill(str(value))
    box.press("Tab")


def small(page: Any, *, steps: int = 4, size: int = 160) -> None:
    """Settings with which a dream takes seconds."""
    set_dial(page, "Depth", steps)
    size_box = page.get_by_label("Size", exact=True)
    size_box.fill(str(size))
    size_box.press("Tab")


def choose_seed(page: Any, seed: int) -> None:
    box = page.get_by_label("Seed", exact=True)
    box.fill(str(seed))
    box.press("Tab")


def narrow_enough(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.fixture(scope="module")
def page(chromium: Chromium, studio: Open) -> Iterator[Any]:
    """One page for the tests at a desk, each of which leaves it fit for the next."""
    with opened(chromium, studio) as page:
        yield page


def test_a_photo_becomes_a_dream_that_is_found_again_and_remade(page: Any, studio: Open, photo: Path) -> None:
    # What the person sees while it happens: the preview's picture, as often as it changes.
    page.evaluate(
        """() => { window.seen = new Set(); const after = document.querySelector('.stage .after');
        const look = () => { if (after.src.startsWith('data:image/jpeg')) window.seen.add(after.src); };
        new MutationObserver(look).observe(after, {attributes: true, attributeFilter: ['src']}); }"""
    )
    choose(page, photo)
    assert "240 × 180" in page.inner_text(".stage .tools[data-for=photo]")
    small(page, steps=16, size=192)
    choose_seed(page, 11)
    with studio.holding("dream"):
        page.click("#dream-button")
        page.wait_for_selector(".stage[data-mode=running]")
        page.wait_for_function(
            "() => /step \\d+ of \\d+/.test(document.querySelector('.stage .told').textContent)"
        )
    page.wait_for_selector(".stage[data-mode=done]")
    assert page.evaluate("window.seen.size") >= 2
    assert "seed 11" in page.inner_text(".stage .words")
    assert page.is_enabled("#dream-button")

    with page.expect_download() as download:
        page.click("[data-link=download]")
    file = download.value
    assert re.fullmatch(r"hugel-am-meer-creatures-[0-9a-z]{4}\.png", file.suggested_filename)
    assert '"seed":11' in (extract(Path(file.path()).read_bytes()) or "").replace(" ", "")

    # Before and after, by keyboard.
    page.focus(".stage .frame .compare")
    page.keyboard.press("Home")
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.stage .after')).clipPath")
        == "inset(0px 0px 0px 0%)"
    )
    page.keyboard.press("End")
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.stage .after')).clipPath")
        == "inset(0px 0px 0px 100%)"
    )

    page.reload()
    page.wait_for_selector(".stage[data-mode=done]")
    page.get_by_role("tab", name="Gallery").click()
    page.locator(".tiles .tile a").first.click()
    page.wait_for_selector("article.work h2")
    assert "seed 11" in page.inner_text("article.work .told")
    assert re.search(r"\?work=[0-9a-z]+", page.url)
    page.click("[data-do=remake]")
    page.wait_for_selector(".verdict[data-mood=good], .verdict[data-mood=bad]")
    assert page.inner_text(".verdict").startswith("Identical")

    # The address leads here again.
    page.reload()
    page.wait_for_selector("article.work h2")
    assert "seed 11" in page.inner_text("article.work .told")


def test_a_running_dream_is_found_again_after_a_reload_and_stops_when_told(
    page: Any, studio: Open, photo: Path
) -> None:
    page.get_by_role("tab", name="Dream").click()
    with studio.holding("dream"):
        choose(page, photo)
        small(page, steps=20, size=256)
        page.get_by_text("Towards other pictures").click()
        page.set_input_files(".guide:not(.network) input[type=file]", str(photo))
        page.wait_for_selector(".guide:not(.network)[data-full=yes]")
        page.click("#dream-button")
        page.wait_for_selector(".stage.previewed[data-mode=running]")
        page.reload()
        page.wait_for_selector(".stage[data-mode=running]")
        page.wait_for_selector(".guide:not(.network)[data-full=yes]")
        # The server tells the dials, which takes a moment.
        page.wait_for_function(
            "() => document.querySelector(`[aria-label='number input for Depth']`)?.value === '20'"
        )
        # Its process dies: that is told, and it is made again at a click.
        psutil.Process(studio.holder).kill()
        page.wait_for_selector(".stage .trouble:not([hidden]) [data-do=retry]:not([hidden])")
        page.click("[data-do=retry]")
        page.wait_for_selector(".stage[data-mode=running]")
        assert page.is_hidden("[data-do=retry]")
        # Stop keeps the picture so far as a work.
        page.wait_for_function(
            "() => /step \\d+ of/.test(document.querySelector('.stage .told').textContent)"
        )
        page.click("[data-do=stop]")
        page.wait_for_selector(".stage[data-mode=done]")
        assert "ended after" in page.inner_text(".stage .words")
        page.wait_for_function("() => !document.querySelector('#dream-button').disabled")
    page.locator(".guides").get_by_role("button", name="Remove").click()


def test_on_a_phone_a_mask_is_painted_by_finger_and_nothing_scrolls_sideways(
    chromium: Chromium, studio: Open, tmp_path: Path
) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(picture(4000, 3000))
    with opened(chromium, studio, size=PHONE, touch=True) as page:
        assert narrow_enough(page)
        choose(page, large)
        assert narrow_enough(page)
        page.tap("[data-do=paint_mask]")
        box = page.locator("canvas.mask").bounding_box()
        page.touchscreen.tap(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
        small(page, steps=2, size=128)
        page.tap("#dream-button")
        page.wait_for_selector(".stage[data-mode=done]")
        assert "only where" in page.inner_text(".stage .words")
        assert narrow_enough(page)
        page.tap("[data-link=work]")
        page.wait_for_selector("article.work h2")
        assert narrow_enough(page)
        mask = page.evaluate(MASK)
        assert mask["painted"] > 240
        assert mask["left"] < 15
        assert mask["longest"] == 1024
        page.get_by_text("All works").tap()
        page.wait_for_selector(".tiles .tile")
        assert narrow_enough(page)


def test_the_gallery_is_searched_and_a_work_removed_can_be_brought_back(page: Any, photo: Path) -> None:
    page.get_by_role("tab", name="Dream").click()
    page.locator("summary, button", has_text="Whose photo is it?").first.click()
    page.get_by_label("Author").fill("Ottilie Unverwechselbar")
    choose(page, photo)
    page.get_by_label("Author").fill("Ottilie Unverwechselbar")
    small(page, steps=2, size=96)
    choose_seed(page, 77)
    page.click("#dream-button")
    page.wait_for_selector(".stage[data-mode=done]")
    page.get_by_role("tab", name="Gallery").click()
    page.wait_for_selector(".tiles .tile")
    page.fill(".finder input[type=search]", "unverwechselbar")
    page.wait_for_function("() => document.querySelectorAll('.tiles .tile').length === 1")
    page.locator(".tiles .tile a").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("article.work h2")
    assert "Ottilie Unverwechselbar" in page.inner_text(".sources")

    # Its settings go back to the desk.
    page.click("[data-do=again]")
    page.wait_for_selector(".stage[data-mode=photo]")
    page.wait_for_function('() => document.querySelector("[aria-label=Seed]").value === "77"')

    page.get_by_role("tab", name="Gallery").click()
    page.click("[data-do=remove]")
    page.wait_for_selector(".gallery[data-showing=wall]")
    page.wait_for_selector(".gallery .none:not([hidden])")
    page.get_by_role("button", name="Delete now").click()
    page.get_by_role("button", name="Keep", exact=True).click()
    page.get_by_role("button", name="Undo", exact=True).click()
    page.wait_for_function("() => document.querySelectorAll('.tiles .tile').length === 1")
    page.locator(".tiles .tile a").click()
    page.click("[data-do=remove]")
    page.get_by_role("button", name="Delete now").click()
    page.get_by_role("button", name="Delete for good").click()
    page.wait_for_selector("text=deleted for good.")
    page.fill(".finder input[type=search]", "unverwechselbar")
    page.wait_for_selector(".gallery .none:not([hidden])")
    assert "No works match" in page.inner_text(".gallery .none")


def test_a_pickle_is_read_only_as_the_file_that_is_named(page: Any, photo: Path, tmp_path: Path) -> None:
    import torch
    from torchvision.models import squeezenet1_1

    weights = tmp_path / "squeeze.pth"
    torch.save(squeezenet1_1().state_dict(), weights)
    page.get_by_role("tab", name="Dream").click()
    choose(page, photo)
    small(page, steps=2, size=96)
    page.locator("summary", has_text="A network of your own").click()
    assert page.is_hidden(".network .hash")
    page.set_input_files(".network input[type=file]", str(weights))
    page.wait_for_selector(".network[data-full=yes]")
    page.get_by_role("button", name="Fine settings").click()
    network = page.get_by_label("Network", exact=True)
    network.fill("squeezenet1_1")
    network.press("Enter")
    network.press("Tab")
    page.locator(".settings-side .token", has_text="features.").first.wait_for()
    for given, told in (("", "to read it, give its sha256"), ("12" * 32, "does not match the sha256")):
        page.get_by_label("The sha256 of the weights").fill(given)
        page.click("#dream-button")
        page.locator(".stage .trouble", has_text=told).wait_for()
    page.get_by_label("The sha256 of the weights").fill(hashlib.sha256(weights.read_bytes()).hexdigest())
    page.click("#dream-button")
    page.wait_for_selector(".stage[data-mode=done]")
    assert "by squeezenet1_1" in page.inner_text(".stage .words")
    assert "with other weights than its own" in page.inner_text(".stage .words")

    page.get_by_role("button", name="Remove this network").click()
    page.click("[data-do=back]:visible")
    page.click("[data-do=clear]:visible")
    page.wait_for_selector(".stage[data-mode=empty]")


def test_a_bad_file_is_told_in_a_sentence_and_the_studio_goes_on(
    page: Any, photo: Path, tmp_path: Path
) -> None:
    bad, empty = tmp_path / "bad.jpg", tmp_path / "empty.png"
    bad.write_bytes(b"this is no picture")
    empty.write_bytes(b"")
    for file in (bad, empty):
        page.set_input_files(".stage input[type=file]", str(file))
        page.wait_for_selector(".stage .trouble:not([hidden])")
        assert file.name in page.inner_text(".stage .trouble")
        assert page.get_attribute(".stage", "data-mode") == "empty"
        page.click(".stage [data-do=dismiss]")
    page.click("#dream-button")
    page.wait_for_selector(".stage .trouble:not([hidden])")
    assert "Choose a photo first" in page.inner_text(".stage .trouble")
    choose(page, photo)
    assert page.is_hidden(".stage .trouble")
    # A bad one does not drive out a good one.
    page.set_input_files(".stage input[type=file]", str(bad))
    page.wait_for_selector(".stage .trouble:not([hidden])")
    assert page.get_attribute(".stage", "data-mode") == "photo"
    page.click("[data-do=clear]")
    page.wait_for_selector(".stage[data-mode=empty]")


def test_looks_are_chosen_by_keyboard_and_move_the_dials(page: Any) -> None:
    names = page.locator(".looks input").evaluate_all("all => all.map((each) => each.value)")
    assert len(names) >= 8
    page.locator(".looks input:checked").focus()
    before = page.inner_text(".looks .sentence")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('.looks .sentence').innerText !== before", arg=before
    )
    assert page.locator(".looks input:checked").get_attribute("value") == names[names.index("creatures") + 1]
    page.locator(".looks img").evaluate_all("all => all.forEach((each) => each.scrollIntoView())")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.looks img')].every((each) => each.naturalWidth > 50)"
    )


def test_the_camera_takes_a_photo(page: Any) -> None:
    page.click("[data-do=camera]")
    page.wait_for_selector(".stage[data-mode=camera]")
    page.wait_for_function("() => document.querySelector('.stage video').videoWidth > 0")
    page.click("[data-do=shoot]")
    page.wait_for_selector(".stage[data-mode=photo]")
    assert "×" in page.inner_text(".stage .size")
