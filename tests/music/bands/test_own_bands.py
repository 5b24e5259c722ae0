"""A band of one's own: added from a file, played, refused where the file is wrong, and removed."""

from __future__ import annotations

from pathlib import Path

import music21
import pytest

from studio.music.bands.band import LIBRARY, band_names
from tests.conftest import Studio

DUO = (LIBRARY / "trio.toml").read_text("utf-8").replace("Piano trio, swing", "Two and a half")
SONG = ("--style", "songbook-manner", "--form", "A", "--bars", "8", "--meter", "4/4", "--seed", "3")


def test_a_band_of_ones_own_plays_a_song_that_is_made_again_alike(studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "my-duo.toml"
    file.write_text(DUO, "utf-8")
    code, out, err = studio("bands", "add", file)
    assert code == 0, err
    assert out.strip() == "Added Two and a half; songs are played by it with --band my-duo."
    file.unlink()
    assert "Two and a half (4/4" in studio("bands")[1]
    songs = [tmp_path / f"{number}.musicxml" for number in range(2)]
    for song in songs:
        code, _, err = studio("song", "-q", "-o", song, *SONG, "--band", "my-duo", "--write", "score")
        assert code == 0, err
    assert songs[0].read_bytes() == songs[1].read_bytes()
    names = [part.partName for part in music21.converter.parse(songs[0]).parts]
    assert {"Piano", "Bass", "Drums"} <= set(names)
    code, out, _ = studio("bands", "remove", "my-duo")
    assert code == 0
    assert "my-duo" not in band_names()
    code, _, err = studio("song", "-q", "-o", tmp_path / "2.musicxml", *SONG, "--band", "my-duo")
    assert code == 2
    assert "'my-duo' is not one of" in err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("duo.toml", "title = ", "is not a TOML file"),
        ("duo.toml", 'title = "Duo"', "is missing; add it, as docs/bands.md says."),
        ("duo.toml", f'titel = "Duo"\n{DUO}', "'titel' is not known in a band's file; did you mean 'title'?"),
        ("duo.toml", None, "give a TOML file"),
        ("trio.toml", DUO, "comes with the studio"),
        ("My Duo.toml", DUO, "small letters"),
        ("duo.txt", DUO, "ends with .toml"),
    ],
)
def test_a_file_that_is_no_band_is_refused_in_a_sentence_and_not_kept(
    name: str, content: str | None, said: str, studio: Studio, tmp_path: Path
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_text(content, "utf-8")
    before = band_names()
    code, _, err = studio("bands", "add", file)
    assert code != 0
    assert said in err
    assert err.count("\n") == 1
    assert band_names() == before


def test_a_meter_without_melodies_is_refused_with_those_that_have_some(
    studio: Studio, tmp_path: Path
) -> None:
    song = tmp_path / "song.musicxml"
    code, _, err = studio("song", "-q", "-o", song, "--style", "songbook-manner", "--meter", "7/8")
    assert code != 0
    assert "no melodies in 7/8; it has some in 4/4" in err
    assert not song.exists()
