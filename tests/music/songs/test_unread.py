"""A melody gets the chords of a style without that style's tunes being read for it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

import studio as library
from studio.music.scores.tunes import Tune
from studio.music.songs.predictions import costs_of
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.song import _harmonised
from studio.music.songs.unread import needs_melodies, unread_style
from studio.music.styles import opening, sources
from studio.music.styles.style import Style
from studio.music.styles.table import STYLES
from studio.music.writing.musicxml import write_musicxml
from studio.process import finish
from studio.works.recipe import Source
from tests.music.lead_sheets import songs

TUNE = Tune.of(
    [(67, Fraction(1)), (69, Fraction(1)), (71, Fraction(1)), (69, Fraction(1)), (67, Fraction(4))]
)
MELODY = Source(role="melody", sha256="0" * 64, name="tune.musicxml")


def test_a_melody_gets_chorale_chords_though_no_chorale_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object, **__: object) -> None:
        raise AssertionError("the chorales were read")

    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(opening, "_read", read)
    monkeypatch.setattr(sources, "open_style", read)
    (tmp_path / "tune.musicxml").write_bytes(write_musicxml(TUNE))
    made = library.song(style="chorale", melody=tmp_path / "tune.musicxml", seed=3)
    assert made.facts["style"]["title"] == STYLES["bach-chorales"].title
    assert made.facts["chords"]["chords"] > 1


def test_what_is_made_is_what_reading_gives() -> None:
    """With tunes of the style at hand, the chords and all that is told of them are the same."""
    recipe = SongRecipe(style="chorale", seed=5, sources=(MELODY,))
    tunes = songs(4)
    without = unread_style(recipe, _no_source)
    assert without is not None
    read = Style.of(tunes, entry=STYLES["bach-chorales"])
    assert len(read) == 4
    made = [finish(_harmonised(recipe, style, TUNE)) for style in (without, read)]
    assert made[0] == made[1]
    assert without.sha256 == STYLES["bach-chorales"].sha256


_no_source: Callable[[Source], bytes] = lambda _: b""  # noqa: E731


def test_melodies_are_read_where_they_take_part() -> None:
    asked = SongRecipe(style="chorale", sources=(MELODY,))
    assert not needs_melodies(asked)
    assert needs_melodies(SongRecipe(style="chorale"))
    assert needs_melodies(asked.model_copy(update={"chords_from": "inferred"}))
    assert needs_melodies(asked.model_copy(update={"band": "trio"}))
    assert costs_of(asked).reading == 0
