"""Every command in the README runs as written, in a folder with a photo.jpg and a painting.jpg; its Python
too; links lead somewhere.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Studio

pytestmark = pytest.mark.xdist_group("styles")  # on one core: what one of them has prepared, the others use


README = Path(__file__).parent.parent / "README.md"
if not README.exists():
    pytest.skip("the README is not beside the tests", allow_module_level=True)
TEXT = README.read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder: a photo, a painting, and the recipes.jsonl that the README shows."""
    place = tmp_path_factory.mktemp("reader")
    up, across = np.mgrid[0:120, 0:160]
    pixels = np.stack([across * 1.5, up * 2, 255 - (across + up) * 0.9], axis=-1)
    pixels[40:90, 30:70] = (200, 80, 40)
    Image.fromarray(pixels.astype(np.uint8)).save(place / "photo.jpg")
    Image.fromarray(pixels[::-1, :, ::-1].astype(np.uint8)).effect_spread(9).save(place / "painting.jpg")
    (place / "recipes.jsonl").write_text(blocks("json")[0])
    return place


@pytest.fixture(scope="module")
def readers_home(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """An empty studio but for what other tests have read of the bundled styles."""
    place = tmp_path_factory.mktemp("readers-home")
    (place / "styles").symlink_to(pytestconfig.cache.mkdir("styles"), target_is_directory=True)
    return place


def test_every_studio_command_runs_as_written(
    studio: Studio, folder: Path, readers_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the README's order, for later ones use what earlier ones made; in one process, for each of its own
    would load torch anew.
    """
    monkeypatch.chdir(folder)
    monkeypatch.setenv("STUDIO_HOME", str(readers_home))
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("studio ")]
    assert len(commands) >= 12
    for command in commands:
        words = shlex.split(command, comments=True)[1:]
        status, told, complaint = studio(*words)
        assert status == 0, f"{command}\n{complaint}"
        if "-o" in words:
            assert (folder / words[words.index("-o") + 1]).stat().st_size > 0
        if command.startswith("studio remake"):
            assert "Identical" in told


def test_the_python_runs_as_written(folder: Path, readers_home: Path) -> None:
    environment = os.environ | {"STUDIO_HOME": str(readers_home)}
    told = subprocess.run(
        [sys.executable, "-c", blocks("python")[0]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "Weave in " in told.stdout, "a photo.jpg without a title is called by its colours"


def test_make_knows_every_target_named() -> None:
    for text in (TEXT, (README.parent / "CONTRIBUTING.md").read_text("utf-8")):
        for target in set(re.findall(r"^(?: {4})?make ([a-z]+)", text, re.MULTILINE)):
            subprocess.run(["make", "--dry-run", target], cwd=README.parent, check=True, capture_output=True)


def test_what_it_points_to_is_there() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", TEXT):
        assert (README.parent / target).exists(), target
