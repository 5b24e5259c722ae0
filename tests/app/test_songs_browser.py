"""The Songs tab in a real Chromium: somebody makes a song after songs of their own, keeps a section and the
bass, asks again, mixes, plays and exports it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mido
import music21
import pytest

from studio.music.writing.musicxml import write_musicxml
from tests.app.conftest import PATIENCE, PHONE, Chromium, Open
from tests.app.test_browser import narrow_enough, opened
from tests.music.lead_sheets import songs

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("app")]

ANOTHER = """(before) => {
  const song = document.querySelector('.song');
  return song && song.dataset.work !== before && song.querySelector('.hit');
}"""

HEARD = """(not) => {
  const song = document.querySelector('.song');
  const audio = song.querySelector('audio');
  return song.dataset.work !== not && !audio.paused && audio.currentTime > 10;
}"""

ASKED = "**/gradio_api/queue/join*"
"""Where the page asks the server for what takes a moment."""

FETCHED = "async (address) => (await fetch(address)).text()"


def to_songs(page: Any) -> None:
    """The Songs tab, with settings with which a song is soon made."""
    address = page.url.split("#")[0]
    page.goto(f"{address}#songs&form=AB&bars=8&key=F&meter=4/4&band=trio&max_copy=12")
    page.wait_for_function("document.querySelector('.song-form input')?.value === 'AB'")


def bring_lead_sheets(page: Any, folder: Path) -> None:
    page.get_by_role("button", name="Lead sheets of your own").click()
    paths = []
    for number, tune in enumerate(songs(12)):
        path = folder / f"{number}.musicxml"
        path.write_bytes(write_musicxml(tune))
        paths.append(str(path))
    page.set_input_files(".own-sheets input[type=file] >> nth=0", paths)
    page.get_by_text("12 tunes, ").wait_for()


def made(page: Any, other_than: str | None = None) -> str:
    """Wait for a song and its score; gives its work's id."""
    page.wait_for_function(ANOTHER, arg=other_than)
    page.wait_for_selector("#song-button:not([disabled])")
    id: str = page.locator(".song").get_attribute("data-work")
    return id


def fetched(page: Any, address: str) -> str:
    text: str = page.evaluate(FETCHED, address)
    return text


def parts(page: Any, id: str) -> dict[str, list[tuple[float, tuple[int, ...], float]]]:
    """Part -> its notes, as music21 reads the full score that the page offers."""
    score = music21.converter.parseData(
        fetched(page, f"works/{id}/parts/score/as/musicxml"), format="musicxml"
    )
    return {
        part.partName: [
            (float(note.offset), tuple(pitch.midi for pitch in note.pitches), float(note.quarterLength))
            for note in part.stripTies().flatten().notes
            if not isinstance(note, music21.harmony.ChordSymbol)
        ]
        for part in score.parts
    }


def lead(page: Any, id: str) -> list[list[Any]]:
    found: list[list[Any]] = page.evaluate(
        "async (id) => (await (await fetch(`works/${id}/music`)).json()).notes.map((n) => [n.bar, n.pitch])",
        id,
    )
    return found


def sung(musicxml: str) -> str:
    """The words under the notes of a score, as music21 puts them together."""
    words: str = music21.text.assembleAllLyrics(music21.converter.parseData(musicxml, format="musicxml"))
    return words


@pytest.fixture(scope="module")
def page(chromium: Chromium, studio: Open) -> Iterator[Any]:
    """One page: at a desk in the first test, on a phone in the second."""
    with opened(chromium, studio) as page:
        yield page


def test_a_song_is_made_kept_in_parts_mixed_played_and_exported(page: Any, tmp_path: Path) -> None:
    to_songs(page)
    bring_lead_sheets(page, tmp_path)
    on_show = made(page)  # until a song is asked for, one that came with the studio is there
    page.get_by_label("Form", exact=True).fill("AAB")
    page.get_by_label("Form", exact=True).press("Tab")
    red = page.locator(".widget-chips .chip.red")
    red.first.wait_for()
    assert {each.get_attribute("data-field") for each in red.all()} == {"form", "bars"}
    page.get_by_role("button", name="Leave out Form AAB").click()
    page.wait_for_function("document.querySelector('.song-form input').value === 'AABA'")
    red.first.wait_for(state="detached")
    page.get_by_label("Form", exact=True).fill("AB")
    page.get_by_label("Form", exact=True).press("Tab")
    page.click("#song-button")
    first = made(page, on_show)

    page.get_by_role("spinbutton", name="Takes").fill("2")
    page.get_by_role("spinbutton", name="Takes").press("Tab")
    page.locator(".song .sections .keep").first.click()
    page.locator('.song [data-part="Bass"]').click()
    page.get_by_role("button", name="Keep section A and Bass, ask again for the rest").click()
    second = made(page, first)
    page.wait_for_selector(".chip[data-field=keep]", state="detached")  # it was kept of the first
    before, now = parts(page, first), parts(page, second)
    assert now["Bass"] == before["Bass"]
    kept, new = ([row for row in lead(page, id) if row[0] <= 4] for id in (first, second))
    assert kept == new
    assert any(now[name] != before[name] for name in ("Piano", "Left hand", "Drums"))

    page.get_by_role("button", name="Undo: back").click()
    assert page.locator(".song").get_attribute("data-work") == first
    page.keyboard.press("Control+Shift+Z")
    assert page.locator(".song").get_attribute("data-work") == second

    page.get_by_role("button", name="Side by side").click()
    page.wait_for_function("document.querySelectorAll('.song').length === 2")
    assert page.locator(".song h2 .letter").all_inner_texts() == ["A", "B"]
    page.wait_for_function("document.querySelectorAll('.song:last-child .hit').length === 8")
    page.get_by_role("button", name="Side by side").click()
    page.wait_for_function("document.querySelectorAll('.song .hit').length === 8")

    page.locator(".song .seek").evaluate(
        "(bar) => { bar.value = 12; bar.dispatchEvent(new Event('input')); }"
    )
    page.locator(".song .play").click()
    page.wait_for_function("document.querySelector('.song audio').currentTime > 12.2")
    # The needle is where the sound is, also after the sheet was engraved for another width.
    page.wait_for_function("document.querySelector('.song .needle.on').getBoundingClientRect().height > 20")
    page.get_by_role("button", name="Take B").click()
    page.wait_for_function(HEARD, arg=second)
    page.get_by_role("button", name="Take A").click()
    page.wait_for_selector(f".song[data-work='{second}']")  # before its drums, not those of take B, are muted
    page.get_by_role("button", name="Mute Drums").click()
    page.get_by_role("button", name="Keep this mix").wait_for()
    # Every part is rendered alone for it, which takes a busy machine minutes.
    page.wait_for_selector(".song .mixer:not([aria-busy])", timeout=3 * PATIENCE)
    assert page.inner_text(".song .mixing") == ""
    page.get_by_role("button", name="Keep this mix").click()
    third = made(page, second)
    assert lead(page, third) == lead(page, second)
    assert parts(page, third) == now

    with page.expect_download() as saved:
        page.locator('.song [data-form="mp3"]').click()
    assert Path(saved.value.path()).stat().st_size > 50_000
    page.get_by_label("What is saved").select_option("score")
    with page.expect_download() as saved:
        page.locator('.song [data-form="mid"]').click()
    midi = mido.MidiFile(file=io.BytesIO(Path(saved.value.path()).read_bytes()))
    assert {"Bass", "Piano"} <= {track.name for track in midi.tracks}
    assert "Drums" not in {track.name for track in midi.tracks}
    assert page.get_by_role("link", name="All stems").get_attribute("href") == f"works/{third}/stems.zip"
    printed = fetched(page, f"works/{third}/print/score")
    assert printed.count("<section>") == printed.count("</section>") >= 1
    assert "<svg" in printed
    with page.expect_popup() as paper:
        page.locator('.song [data-form="print"]').click()
    fonts = "() => document.fonts.size && [...document.fonts].some((font) => font.status === 'loaded')"
    paper.value.wait_for_function(fonts)  # signs of notes and accidentals are printed too

    # One can still go back after a reload. What is written before the song's settings are there stays.
    held: list[Any] = []
    page.route(ASKED, lambda asked: held.append(asked))
    page.reload()
    page.get_by_text("Step 3 of 3").wait_for()
    page.get_by_role("button", name="Undo: back").click()
    assert page.locator(".song").get_attribute("data-work") == second
    words = page.get_by_role("textbox", name=re.compile("^Words"))
    words.fill("Over the hills")
    assert page.get_by_label("Form", exact=True).input_value() != "AB"
    for asked in held:
        asked.continue_()
    page.unroute(ASKED)
    page.wait_for_function("document.querySelector('.song-form input').value === 'AB'")
    assert words.input_value() == "Over the hills", "the settings that came later took the words"

    # Words that do not fit come with a way out, while the song is being tried or when that has failed.
    words.press("Tab")
    page.click("#song-button")
    page.get_by_role("button", name="Make the words fit").first.click()
    fourth = made(page, second)
    assert "Over the hills" in sung(fetched(page, f"works/{fourth}/parts/score/as/musicxml"))


def test_what_cannot_be_is_said_in_a_sentence_and_a_phone_is_wide_enough(page: Any) -> None:
    page.set_viewport_size(PHONE)
    to_songs(page)
    assert narrow_enough(page)
    page.get_by_label("Chords, bar by bar").fill("F | Xyz")
    page.get_by_label("Chords, bar by bar").press("Tab")
    page.click("#song-button")
    # It is said once, where it is, and the button leads there.
    page.get_by_role("button", name="Go to the chords").click()
    assert "Xyz" in page.inner_text(".chord-row .wrong")
    assert page.evaluate("() => document.activeElement === document.querySelector('.chord-row textarea')")
    assert page.get_by_text("Xyz' in bar 2", exact=False).count() == 1
    page.get_by_label("Chords, bar by bar").fill("")
    page.get_by_label("Chords, bar by bar").press("Tab")
    page.wait_for_selector(".chord-row .wrong", state="hidden")
    page.wait_for_selector(".widget-press .trouble >> visible=true", state="detached")
    blocks = page.locator(".song-form .block")
    blocks.first.focus()
    page.keyboard.press("Alt+ArrowRight")
    assert page.get_by_label("Form", exact=True).input_value() == "BA"
    page.keyboard.press("c")
    assert page.get_by_label("Form", exact=True).input_value() == "BC"
    page.get_by_role("button", name="Other ending").click()
    assert page.get_by_label("Form", exact=True).input_value() == "BC'"
    first, second = (blocks.nth(place).bounding_box() for place in (0, 1))
    page.mouse.move(first["x"] + 10, first["y"] + 10)
    page.mouse.down()
    page.mouse.move(second["x"] + 12, second["y"] + 10, steps=3)
    page.mouse.up()
    assert page.get_by_label("Form", exact=True).input_value() == "C'B"
    page.get_by_role("button", name="Remove", exact=True).click()
    assert page.get_by_label("Form", exact=True).input_value() == "C'"
