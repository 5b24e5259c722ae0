"""A band file that changed since a song was made: the remake says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from studio.music.bands import band as band_module
from studio.music.scores.tunes import Tune
from studio.music.songs import song as song_module
from studio.music.writing.musicxml import write_musicxml
from studio.works.recipe import Setting
from tests.conftest import Studio
from tests.music.lead_sheets import songs


def test_a_remake_with_another_band_file_says_so(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "style"
    folder.mkdir()
    for number, tune in enumerate(songs(6)):
        (folder / f"{number}.musicxml").write_bytes(write_musicxml(tune))
    melody = tmp_path / "tune.musicxml"
    melody.write_bytes(write_musicxml(Tune.of([(60 + n % 5, 1) for n in range(16)])))
    made = ("--style", folder, "--melody", melody, "--band", "quartet")
    assert studio("song", "-o", "song.musicxml", *made)[0] == 0
    assert studio("remake", "song.musicxml")[1].strip() == "Identical, to the byte."

    with monkeypatch.context() as before:  # as songs were made that did not record it
        plain = song_module.setting

        def unrecorded(*packages: str, **rules: str) -> Setting:
            return plain(*packages, **{name: value for name, value in rules.items() if name != "band"})

        before.setattr(song_module, "setting", unrecorded)
        assert studio("song", "-o", "old.musicxml", *made)[0] == 0
    assert "band" not in studio("remake", "old.musicxml")[1]

    library = tmp_path / "library"
    shutil.copytree(band_module.LIBRARY, library)
    changed = (library / "quartet.toml").read_text("utf-8")
    (library / "quartet.toml").write_text("# another one\n" + changed, "utf-8")
    monkeypatch.setattr(band_module, "LIBRARY", library)
    then = band_module.band_hash("quartet")
    _, said, _ = studio("remake", "song.musicxml")
    assert f"-> quartet {then}" in said
    assert "band quartet" in said
    _, said, _ = studio("remake", "old.musicxml")
    assert "band" not in said
