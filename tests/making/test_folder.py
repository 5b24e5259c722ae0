"""A folder of photos with one look, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Studio

QUICK = ("--size", "64", "--steps", "1", "--octaves", "1")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    noise = np.random.default_rng(1).integers(0, 256, (3, 24, 32, 3), np.uint8)
    Image.fromarray(noise[0]).save(folder / "a.png")
    Image.fromarray(noise[1]).save(folder / "b.png")
    Image.fromarray(noise[2]).save(folder / "b.bmp")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (folder / "notes.txt").write_text("no photo")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


def test_all_photos_are_made_what_is_there_is_skipped_and_failures_are_named(
    studio: Studio, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    status, told, complaint = studio("dream", photos, "-o", out, "--json", *QUICK)
    events = [json.loads(line) for line in told.splitlines()]
    assert status == 2
    assert sorted((event["photo"], event["what"]) for event in events[:-1]) == [
        ("a.png", "made"),
        ("b.bmp", "made"),
        ("b.png", "made"),
        ("broken.jpg", "failed"),
    ]
    assert events[-1] == {"what": "summary", "made": 3, "there": 0, "skipped": 0, "failed": 1}
    assert complaint.splitlines()[-1].startswith("studio: broken.jpg failed: ")
    assert sorted(each.name for each in out.iterdir()) == ["a.png", "b.bmp.png", "b.png.png"]
    assert studio("remake", out / "a.png")[1].startswith("Identical")
    (photos / "broken.jpg").unlink()
    (out / "b.png.png").unlink()
    status, told, complaint = studio("dream", photos, "-o", out, *QUICK)
    assert (status, told.strip()) == (0, str(out / "b.png.png"))  # the gallery has it still
    assert "3 photos: 1 from the gallery, 2 skipped." in complaint


def test_what_a_folder_cannot_be_asked_for(studio: Studio, photos: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "There is no photo in" in studio("dream", empty, "-o", tmp_path / "out")[2]
    assert not (tmp_path / "out").exists(), "nothing was made for it"
    assert "is a file" in studio("dream", photos, "-o", photos / "a.png")[2]
    assert "--count goes with" in studio("dream", photos, "-o", tmp_path / "out", "--count", "2")[2]
    assert "--format goes with" in studio("dream", photos / "a.png", "-o", "x.png", "--format", "jpg")[2]
