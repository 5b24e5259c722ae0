"""One studio for all tests of the app: started as a person starts it, in a home of its own, and small dreams in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.app.photos import picture


@dataclass
class Open:
    """A studio that is open: its address, its home, and what it printed."""

    address: str
    home: Path
    pid: int
    printed: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """`studio app` on a free port, stopped at the end as a service is stopped, which leaves nothing of its visitors behind."""
    home = tmp_path_factory.mktemp("studio-home")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("STUDIO_", "GRADIO_"))}
    running = subprocess.Popen(
        [sys.executable, "-c", "from studio.cli import main; main()", "app", "--port", "0"],
        env=environment | {"STUDIO_HOME": str(home), "OMP_NUM_THREADS": "1"},
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
    uploads = [each for each in Path(tempfile.gettempdir()).glob("studio-app-*") if f"~{running.pid}~" in each.name]
    assert uploads == [], "what visitors sent stays behind"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo of hills under a sky, 240 x 180, made here."""
    path = tmp_path / "Hügel am Meer.jpg"
    path.write_bytes(picture())
    return path
