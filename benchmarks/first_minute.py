"""What a person waits for in the first minute, in a fresh home; and beside it an earlier version.

    python -m benchmarks.first_minute [--rounds 3] [--beside FOLDER] [--only PART]...

FOLDER holds another version's code. The versions take turns in every round, so that whatever else the
machine does affects both alike. The parts: `commands`; `tune` and `dream`, what a running studio of a new
home is asked through its page's endpoints, `LOOKING` seconds after it opened; `tabs`, tabs and lessons in
Chromium; and `play`, how soon a take is heard there. The last two need Playwright. Medians; a figure beyond
what is promised is marked, and promised are those of a quiet machine with two cores. The pictures are the
sample photo of scikit-learn. Three rounds with another version take about ten minutes, and no part takes
over three.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

HERE = Path(__file__).resolve().parents[1]
STYLE = "ryans-mammoth"

PROMISED = {
    "studio app answers": 2.5,
    "compose, kept home": 2.5,
    "dream beyond torch and dreaming": 1.2,
    "first tune": 3.0,
    "another take": 0.5,
    "its sound, from the notes on": 0.6,
    "another key": 1.5,
    "a contradiction explained": 2.0,
    "first preview of a dream": 0.7,
    "draft of a painting, 384 px": 3.0,
    "a tab opens, in the middle": 0.5,
    "the slowest tab": 0.5,
    "a lesson opens, in the middle": 0.3,
    "the slowest lesson": 0.3,
    "Play, as a take appears": 0.3,
    "Play, two seconds later": 0.3,
    "Play, another instrument just chosen": 0.3,
}
"""Seconds, on a quiet machine with two cores."""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--beside", type=Path, help="a folder with another version's code")
    asked.add_argument("--only", choices=list(PARTS), action="append", metavar="PART", help=", ".join(PARTS))
    options = asked.parse_args()
    versions = {"now": HERE} | ({"beside": options.beside.resolve()} if options.beside else {})
    for name, code in versions.items():
        print(f"{name}: {check_version(code)}")
    began = time.perf_counter()
    for name in options.only or PARTS:
        PARTS[name](versions, options.rounds)
    print(f"All of it took {(time.perf_counter() - began) / 60:.1f} minutes.")


def check_version(code: Path) -> str:
    """Where a version's code is found by the processes that are timed. Raises where it is another's."""
    program = "import studio.cli; print(studio.cli.__file__)"
    with tempfile.TemporaryDirectory() as home:
        found = subprocess.run(
            [sys.executable, "-c", program],
            env=_environment(code, Path(home)),
            cwd=home,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
    if not Path(found).is_relative_to(code):
        raise SystemExit(f"{code} is not what runs, but {found}; give the folder that holds `studio`.")
    return found


def commands(versions: dict[str, Path], rounds: int) -> None:
    """Commands in processes of their own."""
    took: Took = {}
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.png"
        _write_photo(photo)
        homes = {name: Path(folder) / f"home of {name}" for name in versions}
        for turn in range(rounds):
            for version, code in versions.items():
                home, out = homes[version], Path(folder) / f"{version} {turn}"

                def note(what: str, seconds: float, version: str = version) -> None:
                    took.setdefault(what, {}).setdefault(version, []).append(seconds)

                shutil.rmtree(home, ignore_errors=True)
                home.mkdir()
                compose = ["compose", "--style", STYLE, "--quiet", "-o"]
                note("compose, fresh home", run(code, home, *compose, f"{out}.mid", "--seed", str(turn)))
                note(
                    "compose, kept home", run(code, home, *compose, f"{out}b.mid", "--seed", f"{turn + 100}")
                )
                whole = run(
                    code, home, "dream", str(photo), "-o", f"{out}.png", "--quiet", "--seed", str(turn)
                )
                note("dream, 768 px", whole)
                note("dream beyond torch and dreaming", whole - dreaming(code, photo, turn))
                note("studio app answers", answers(code, home))
    _say_all(took)


def run(code: Path, home: Path, *arguments: str) -> float:
    """Seconds of a command."""
    return _timed(
        lambda: subprocess.run(
            [sys.executable, "-m", "studio.cli", *arguments],
            env=_environment(code, home),
            cwd=home,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    )


def dreaming(code: Path, photo: Path, seed: int) -> float:
    """Seconds for importing torch in a new process and dreaming the same dream in it, and for nothing
    else.
    """
    program = (
        "import hashlib, sys, torch\n"
        "from studio.images.dream import dream\n"
        "from studio.images.presets import with_preset\n"
        "from studio.images.recipes import DreamRecipe\n"
        "from studio.works.recipe import Source\n"
        "content = open(sys.argv[1], 'rb').read()\n"
        "named = dict(name='', title='', author='', licence='')\n"
        "source = Source(sha256=hashlib.sha256(content).hexdigest(), role='photo', **named)\n"
        f"recipe = DreamRecipe(**with_preset(dict(sources=(source,), seed={seed})))\n"
        "for _ in dream(recipe, lambda _: content): pass\n"
    )
    return _timed(
        lambda: subprocess.run(
            [sys.executable, "-c", program, str(photo)],
            env=_environment(code, photo.parent),
            cwd=photo.parent,
            check=True,
        )
    )


def answers(code: Path, home: Path) -> float:
    """Seconds until the page answers."""
    began = time.perf_counter()
    with opened(code, home) as address, urlopen(address, timeout=60) as answer:
        assert answer.status == 200
        return time.perf_counter() - began


@contextmanager
def opened(code: Path, home: Path) -> Iterator[str]:
    """A studio that runs; its address."""
    with subprocess.Popen(
        [sys.executable, "-m", "studio.cli", "app", "--port", "0"],
        env=_environment(code, home) | {"PYTHONUNBUFFERED": "1"},
        cwd=home,  # Python looks for code where it is started first
        stdout=subprocess.PIPE,
        text=True,
    ) as opening:
        try:
            assert opening.stdout is not None
            yield next(found[0] for line in opening.stdout if (found := re.search(r"http://\S+", line)))
        finally:
            opening.terminate()
            opening.wait(60)


LOOKING = 8.0
"""Seconds that a newcomer looks at the page before the first press."""

MELODY: dict[str, Any] = {"style": STYLE, "bars": 16}

TAKES = 5
"""Other takes that are asked for in each round: how often a melody is begun anew differs by seed."""


def tune(versions: dict[str, Path], rounds: int) -> None:
    """Tunes that are asked of a running studio in a new home."""
    _asked_first("tune", versions, rounds)


def dream(versions: dict[str, Path], rounds: int) -> None:
    """Pictures that are asked of a running studio in a new home."""
    _asked_first("dream", versions, rounds)


def _asked_first(first: str, versions: dict[str, Path], rounds: int) -> None:
    took: Took = {}
    for turn in range(rounds):
        for version, code in versions.items():
            with tempfile.TemporaryDirectory() as folder:
                _write_photo(Path(folder) / "photo.png")
                with opened(code, Path(folder)) as address:
                    time.sleep(LOOKING)
                    visitor = Visitor(address, Path(folder) / "photo.png")
                    for what, seconds in visitor.asks(first, turn):
                        took.setdefault(what, {}).setdefault(version, []).append(seconds)
    _say_all(took)


class Visitor:
    """Asks a running studio for works, as its page does."""

    def __init__(self, address: str, photo: Path) -> None:
        from gradio_client import Client, handle_file

        self.address, self.photo = address, handle_file(str(photo))
        self.client = Client(address, verbose=False)

    def asks(self, first: str, turn: int) -> Iterator[tuple[str, float]]:
        """(what, seconds) of one thing after the other."""
        if first == "dream":
            yield "first preview of a dream", self.made("dream", preview=True, photo=self.photo, seed=turn)
            yield "a whole dream, 768 px", self.made("dream", photo=self.photo, seed=turn + 50)
            yield "draft of a painting, 384 px", self.painted(turn)
            return
        yield "first tune", self.made("compose", **MELODY, seed=turn)
        for take in range(TAKES):
            yield "another take", self.made("compose", **MELODY, seed=TAKES * turn + 50 + take)
        yield "its sound, from the notes on", self.heard()
        yield "another key", self.made("compose", **MELODY, seed=turn, key="D")
        yield "24 bars", self.made("compose", **MELODY | {"bars": 24}, seed=turn)
        yield "a contradiction explained", self.made("compose", **MELODY, pins=["1:1=G4", "1:1=A4"])

    def painted(self, turn: int) -> float:
        """A draft; of a version without qualities, as many steps."""
        try:
            return self.made("style", photo=self.photo, own=["glass"], quality="draft", size=384, seed=turn)
        except TypeError:
            return self.made("style", photo=self.photo, own=["glass"], steps=20, size=384, seed=turn)

    def made(self, kind: str, *, preview: bool = False, **settings: Any) -> float:
        """Seconds until a work is made, refused, or first seen."""
        began = time.perf_counter()
        job = self.client.predict(api_name=f"/{kind}", **settings)
        for state in self.client.submit(job["id"], api_name="/follow"):
            if state["state"] not in ("waiting", "running") or (preview and state.get("preview")):
                break
        took = time.perf_counter() - began
        self.work = state.get("work")
        if preview:
            self.client.predict(job["id"], api_name="/cancel")
            list(self.client.submit(job["id"], api_name="/follow"))
        return took

    def heard(self) -> float:
        """Seconds until the sound of the latest tune is there, asked for with its score, as the page does.

        Version 0.2.1 has its score elsewhere, so that only the sound is counted there.
        """
        began = time.perf_counter()
        work = self.work if isinstance(self.work, str) else self.work["id"]
        for part in ("score.svg", "as/wav"):
            with suppress(HTTPError), urlopen(f"{self.address}/works/{work}/{part}", timeout=60) as answer:
                answer.read()
        return time.perf_counter() - began


def tabs(versions: dict[str, Path], rounds: int) -> None:
    """Tabs and lessons, in Chromium."""
    _in_chromium(_tabs, versions, rounds)


def play(versions: dict[str, Path], rounds: int) -> None:
    """How soon a take is heard, in Chromium. The home stays, so that the style is learnt."""
    _in_chromium(_play, versions, rounds, keep_home=True)


def _in_chromium(
    look: Callable[[Any, str], Iterator[tuple[str, float]]],
    versions: dict[str, Path],
    rounds: int,
    *,
    keep_home: bool = False,
) -> None:
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        print("Nothing was timed in Chromium: pip install playwright.")
        return
    took: Took = {}
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as folder:
        browser = driver.chromium.launch(
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
            executable_path=shutil.which("chromium"),
        )
        for turn in range(rounds):
            for version, code in versions.items():
                home = Path(folder) / (version if keep_home else f"{version} {turn}")
                home.mkdir(exist_ok=True)
                with opened(code, home) as address:
                    page = browser.new_page(viewport={"width": 1366, "height": 768})
                    for what, seconds in look(page, address):
                        took.setdefault(what, {}).setdefault(version, []).append(seconds)
                    page.close()
        browser.close()
    _say_all(took)


def _tabs(page: Any, address: str) -> Iterator[tuple[str, float]]:
    """(what, seconds) of opening the page, each of its tabs, and lessons by their addresses."""
    began = time.perf_counter()
    page.goto(address)
    page.get_by_role("tab", name="Dream").wait_for()
    yield "the page, from its address on", time.perf_counter() - began
    time.sleep(LOOKING)
    names = [each.inner_text().strip() for each in page.get_by_role("tablist").first.get_by_role("tab").all()]
    took = []
    for name in [*names[1:], names[0]]:
        took.append(page.evaluate(TAB_OPENS, name) / 1000)
        yield f"tab: {name}", took[-1]
        time.sleep(1)  # a look at it
    yield "a tab opens, in the middle", statistics.median(took)
    yield "the slowest tab", max(took)
    page.get_by_role("tab", name="Lessons").click()
    time.sleep(LOOKING / 2)
    took = []
    for lesson in ("neuron", "playground", "cafeteria", "deep_networks", "derivative_works"):
        took.append(page.evaluate(LESSON_OPENS, lesson) / 1000)
        yield f"lesson: {lesson}", took[-1]
        time.sleep(0.5)
    yield "a lesson opens, in the middle", statistics.median(took)
    yield "the slowest lesson", max(took)


TAB_OPENS = """(name) => new Promise((done) => {
  const all = () => [...document.querySelectorAll('[role=tabpanel]')];
  const panels = () => all().filter((each) => each.offsetHeight > 100);
  const before = panels();
  const began = performance.now();
  const tabs = [...document.querySelectorAll('[role=tab]')];
  tabs.find((each) => each.textContent.trim() === name).click();
  const look = () => {
    if (panels().some((each) => !before.includes(each))) done(performance.now() - began);
    else requestAnimationFrame(look);
  };
  look();
})"""
"""JavaScript: milliseconds from a click on a tab until the page shows another panel."""

LESSON_OPENS = """(lesson) => new Promise((done) => {
  const began = performance.now();
  location.hash = `lesson=${lesson}`;
  const drawn = `.lesson[data-lesson=${lesson}] figure :is(svg, canvas, img)`;
  const look = () => {
    if (document.querySelector(drawn)) done(performance.now() - began);
    else requestAnimationFrame(look);
  };
  look();
})"""
"""JavaScript: milliseconds from a lesson's address until a figure of it is drawn."""


def _play(page: Any, address: str) -> Iterator[tuple[str, float]]:
    """(what, seconds) from a press on Play until the browser says that a take is heard."""
    page.goto(address)
    page.get_by_role("tab", name="Compose", exact=True).click()
    button = page.locator("#compose-button, button#compose")
    button.wait_for()
    time.sleep(LOOKING)
    page.evaluate(LISTEN)
    page.evaluate("() => { listening.press = true; }")
    button.click()
    yield "Play, as a take appears", _heard(page)
    page.wait_for_selector(":is(#compose-button, button#compose):not([disabled])", timeout=120_000)
    time.sleep(2)
    last = page.locator(".take .play").last
    page.evaluate("(play) => { listening.now(play); }", last.element_handle())
    yield "Play, two seconds later", _heard(page)
    last.click()  # it pauses
    chooser = page.locator(".deck select")
    if chooser.count():
        for instrument, playing in (("Flute", False), ("Violin", True)):
            chooser.evaluate(CHOOSE, instrument)
            if not playing:
                page.evaluate("(play) => { listening.now(play); }", last.element_handle())
                yield "Play, another instrument just chosen", _heard(page)
                time.sleep(1)
            else:
                yield "another instrument, while one plays", _heard(page)


def _heard(page: Any) -> float:
    page.wait_for_function("() => listening.heard !== null", timeout=120_000)
    return float(page.evaluate("() => listening.heard")) / 1000


LISTEN = """() => {
  window.listening = { pressed: 0, heard: null, press: false, now(play) {
    this.heard = null;
    this.pressed = performance.now();
    play.click();
  } };
  const usual = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function (...given) {
    this.addEventListener('playing', () => {
      listening.heard ??= performance.now() - listening.pressed;
    }, { once: true });
    return usual.apply(this, given);
  };
  new MutationObserver(() => {
    const play = listening.press && document.querySelector('.take .play');
    if (!play) return;
    listening.press = false;
    listening.now(play);
  }).observe(document.body, { childList: true, subtree: true });
}"""
"""JavaScript: `listening.heard` is milliseconds from a press on Play until the sound says that it plays."""

CHOOSE = """(select, name) => {
  listening.heard = null;
  listening.pressed = performance.now();
  select.value = name;
  select.dispatchEvent(new Event('change', { bubbles: true }));
}"""
"""JavaScript: another instrument is chosen, now."""

PARTS: dict[str, Callable[[dict[str, Path], int], None]] = {
    "commands": commands,
    "tune": tune,
    "dream": dream,
    "tabs": tabs,
    "play": play,
}


def _write_photo(path: Path) -> None:
    from PIL import Image
    from sklearn.datasets import load_sample_image

    Image.fromarray(load_sample_image("china.jpg")).save(path)


def _environment(code: Path, home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STUDIO_")}
    return {**kept, "PYTHONPATH": str(code), "STUDIO_HOME": str(home)}


def _timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


Took = dict[str, dict[str, list[float]]]
"""What -> version -> seconds, one or more for each round."""


def _say_all(took: Took) -> None:
    for what, seconds in took.items():
        now = statistics.median(seconds["now"]) if "now" in seconds else float("nan")
        beside = statistics.median(seconds["beside"]) if "beside" in seconds else None
        each = seconds.get("now", [])
        if len(each) > 9:
            print(f"{what}: from {min(each):.2f} to {max(each):.2f} s")
        _say(what, now, "" if beside is None else f", beside {beside:.2f} s: {now / beside:.2f} of it")


def _say(what: str, seconds: float, more: str = "") -> None:
    promised = PROMISED.get(what)
    mark = (
        "" if promised is None else f"  (promised {promised:g} s{', BEYOND' if seconds > promised else ''})"
    )
    print(f"{what:<34} {seconds:7.2f} s{more}{mark}", flush=True)


if __name__ == "__main__":
    main()
