"""One studio and one Chromium for each of the two groups of the app's tests, "app" and "page", which run
side by side: started as a person starts it, in a home of its own, and small dreams in it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.app.open_studio import HELD, HOLDER
from tests.app.photos import picture

# The shell draws the same pages with two thirds of the work: it has no windows, extensions or services.
CHROMIUM = next(
    (
        path
        for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
        if (path := shutil.which(name))
    ),
    None,
)
POLICY = "Content Security Policy"
"""Is in whatever Chromium says of something that a page's policy forbids."""

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PATIENCE = 120_000
"""Milliseconds a page may take on a busy machine."""
LOOK_EVERY = 100
"""Milliseconds between two looks at whether something has happened; looks at each frame keep a page busy."""


class Chromium:
    """A real Chromium for all tests.

    Its visitors share what it has fetched and compiled of the page, which takes seconds; whatever else one
    leaves is gone for the next.
    """

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.contexts: dict[bool, Any] = {}

    @contextmanager
    def visitor(self, address: str, size: dict[str, int], *, touch: bool = False) -> Iterator[Any]:
        """An empty page of a visitor who was never at `address` before, on a screen of that size."""
        if touch not in self.contexts:
            self.contexts[touch] = self.browser.new_context(
                has_touch=touch, accept_downloads=True, reduced_motion="reduce"
            )
            self.contexts[touch].set_default_timeout(PATIENCE)
        page = self.contexts[touch].new_page()
        page.wait_for_function = partial(page.wait_for_function, polling=LOOK_EVERY)
        blocked: list[str] = []
        page.on("console", lambda said: blocked.append(said.text) if POLICY in said.text else None)
        page.set_viewport_size(size)
        page.goto(f"{address}/theme.css")  # a mere text, from where the visitors before can be forgotten
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.context.clear_cookies()
        page.goto("about:blank")
        try:
            yield page
        except BaseException:
            self.contexts.pop(touch).close()  # who knows what it is left like
            raise
        page.close()
        assert blocked == [], "the page needs what its Content-Security-Policy forbids"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (apt install chromium-headless-shell)")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed (pip install playwright)"
    )
    with playwright.sync_playwright() as driver:
        args = [
            "--no-sandbox",
            "--headless",
            "--disable-gpu",
            "--disable-background-networking",
            "--use-fake-device-for-media-stream",
        ]
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=[*args, "--use-fake-ui-for-media-stream"]
        )
        yield Chromium(browser)
        browser.close()


@dataclass
class Open:
    """A studio that is open: its address, its home, and what it printed."""

    address: str
    home: Path
    pid: int
    printed: list[str] = field(default_factory=list)

    @contextmanager
    def holding(self, kind: str) -> Iterator[None]:
        """Meanwhile works of that kind rest after their first step, unless they are told to stop."""
        held, being_written = self.home / HELD, self.home / f"{HELD}.new"
        being_written.write_text(kind)
        being_written.replace(held)
        try:
            yield
        finally:
            held.unlink()

    @property
    def holder(self) -> int:
        """The process that makes the work that is held, once a step of it was seen."""
        return int((self.home / HOLDER).read_text())


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """`studio app` on a free port, stopped at the end as a service is stopped, which leaves nothing of its
    visitors behind.
    """
    home = tmp_path_factory.mktemp("studio-home")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("STUDIO_", "GRADIO_"))
    }
    running = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("open_studio.py")), "app", "--port", "0"],
        env=environment | {"STUDIO_HOME": str(home), "STUDIO_AHEAD": "no", "OMP_NUM_THREADS": "1"},
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert running.stdout is not None
    printed: list[str] = []
    for line in running.stdout:
        printed.append(line)
        if found := re.search(r"http://\S+", line):
            break
    else:
        raise AssertionError("The studio did not open: " + "".join(printed))
    rest = threading.Thread(target=lambda: printed.extend(running.stdout or ()))
    rest.start()
    yield Open(found[0], home, running.pid, printed)
    running.terminate()
    try:
        running.wait(20)
    finally:
        running.kill()
        rest.join()
        running.stdout.close()
    uploads = [
        each
        for each in Path(tempfile.gettempdir()).glob("studio-app-*/keeper")
        if f"~{running.pid}~" in each.read_text()
    ]
    assert uploads == [], "what visitors sent stays behind"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo of hills under a sky, 240 x 180, made here."""
    path = tmp_path / "Hügel am Meer.jpg"
    path.write_bytes(picture())
    return path
