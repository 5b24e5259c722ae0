"""What a person waits for in the first minute, in a fresh home; and beside it an earlier version.

    python -m benchmarks.first_minute [--rounds 3] [--beside FOLDER] [--only commands|studio|page]

FOLDER holds another version's code. The versions take turns in every round, so that whatever else the
machine does affects both alike. Three parts: commands; what a running studio of a new home is asked through
its page's endpoints, `LOOKING` seconds after it opened; and tabs in Chromium, where Playwright is installed.
Medians; a figure beyond what is promised is marked, and promised are those of a quiet machine with two cores.
The pictures are the sample photo of scikit-learn. Three rounds with another version take about six minutes.
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
from contextlib import contextmanager
from pathlib import Path
from typing import Any
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
    "a tab opens": 0.5,
    "a lesson opens": 0.3,
}
"""Seconds, on a quiet machine with two cores."""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--beside", type=Path, help="a folder with another version's code")
    asked.add_argument("--only", choices=["commands", "studio", "page"])
    options = asked.parse_args()
    versions = {"now": HERE} | ({"beside": options.beside.resolve()} if options.beside else {})
    for name, part in (("commands", commands), ("studio", studio), ("page", page)):
        if options.only in (None, name):
            part(versions, options.rounds)


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
    """Seconds for importing torch in a new process and dreaming in it, and for nothing else."""
    program = (
        "import hashlib, sys, torch\n"
        "from studio.images.dream import dream\n"
        "from studio.images.recipes import DreamRecipe\n"
        "from studio.works.recipe import Source\n"
        "content = open(sys.argv[1], 'rb').read()\n"
        "named = dict(name='', title='', author='', licence='')\n"
        "source = Source(sha256=hashlib.sha256(content).hexdigest(), role='photo', **named)\n"
        f"for _ in dream(DreamRecipe(sources=(source,), seed={seed}), lambda _: content): pass\n"
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


def studio(versions: dict[str, Path], rounds: int) -> None:
    """What is asked of a running studio in a new home: first a tune or first a dream, in turns."""
    took: Took = {}
    for turn in range(rounds):
        for version, code in versions.items():
            for first in ("tune", "dream"):
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
        yield "another take", self.made("compose", **MELODY, seed=turn + 50)
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
        """Seconds until the sound of the latest tune is there, asked for with its score, as the page does."""
        began = time.perf_counter()
        work = self.work if isinstance(self.work, str) else self.work["id"]
        for part in ("score.svg", "as/wav"):
            with urlopen(f"{self.address}/works/{work}/{part}", timeout=60) as answer:
                answer.read()
        return time.perf_counter() - began


def page(versions: dict[str, Path], rounds: int) -> None:
    """Tabs, and a lesson, in Chromium."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        print("Tabs were not timed: pip install playwright.")
        return
    took: Took = {}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(args=["--no-sandbox"], executable_path=shutil.which("chromium"))
        for _ in range(rounds):
            for version, code in versions.items():
                with tempfile.TemporaryDirectory() as home, opened(code, Path(home)) as address:
                    for what, seconds in _tabs(browser.new_page(), address):
                        took.setdefault(what, {}).setdefault(version, []).append(seconds)
        browser.close()
    _say_all(took)


def _tabs(page: Any, address: str) -> Iterator[tuple[str, float]]:
    """(what, seconds) of opening the page, each of its tabs, and a lesson by its address."""
    began = time.perf_counter()
    page.goto(address)
    page.get_by_role("tab", name="Dream").wait_for()
    yield "the page, from its address on", time.perf_counter() - began
    time.sleep(LOOKING)
    tabs = [each.inner_text().strip() for each in page.get_by_role("tablist").first.get_by_role("tab").all()]
    for tab in [*tabs[1:], tabs[0]]:
        page.evaluate(MARK_WHAT_IS_SHOWN)
        began = time.perf_counter()
        page.get_by_role("tab", name=tab, exact=True).click()
        page.wait_for_function(ANOTHER_IS_SHOWN)
        yield "a tab opens", time.perf_counter() - began
    page.get_by_role("tab", name="Lessons").click()
    time.sleep(2)
    for lesson in ("neuron", "cafeteria"):
        began = time.perf_counter()
        page.evaluate("lesson => { location.hash = `lesson=${lesson}` }", lesson)
        page.wait_for_selector(f".lesson[data-lesson={lesson}] figure svg")
        yield "a lesson opens", time.perf_counter() - began


MARK_WHAT_IS_SHOWN = """() => document.querySelectorAll('[role=tabpanel]').forEach(
  (each) => each.toggleAttribute('data-before', each.offsetHeight > 0))"""
ANOTHER_IS_SHOWN = """() => [...document.querySelectorAll('[role=tabpanel]')].some(
  (each) => each.offsetHeight > 100 && !each.hasAttribute('data-before'))"""
"""JavaScript: the page of a tab that is shown is marked, and one without the mark has come."""


def _write_photo(path: Path) -> None:
    from PIL import Image
    from sklearn.datasets import load_sample_image

    Image.fromarray(load_sample_image("china.jpg")).save(path)


def _environment(code: Path, home: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(code), "STUDIO_HOME": str(home)}


def _timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


Took = dict[str, dict[str, list[float]]]
"""What -> version -> seconds, one for each round."""


def _say_all(took: Took) -> None:
    for what, seconds in took.items():
        now = statistics.median(seconds["now"]) if "now" in seconds else float("nan")
        beside = statistics.median(seconds["beside"]) if "beside" in seconds else None
        _say(what, now, "" if beside is None else f", beside {beside:.2f} s: {now / beside:.2f} of it")


def _say(what: str, seconds: float, more: str = "") -> None:
    promised = PROMISED.get(what)
    mark = (
        "" if promised is None else f"  (promised {promised:g} s{', BEYOND' if seconds > promised else ''})"
    )
    print(f"{what:<34} {seconds:7.2f} s{more}{mark}", flush=True)


if __name__ == "__main__":
    main()
