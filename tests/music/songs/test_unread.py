"""A melody gets the chords of a style without that style's tunes being read for it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from studio.music.scores.tunes import Tune
from studio.music.songs.predictions import costs_of
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.song import _harmonised, style_asked
from studio.music.songs.unread import needs_melodies
from studio.music.styles import opening, sources
from studio.music.styles.style import Style
from studio.music.styles.table import STYLES
from studio.process import finish
from studio.works.recipe import Source
from tests.music.lead_sheets import songs

TUNE = Tune.of(
    [(67, Fraction(1)), (69, Fraction(1)), (71, Fraction(1)), (69, Fraction(1)), (67, Fraction(4))]
)
MELODY = Source(role="melody", sha256="0" * 64, name="tune.musicxml")


def test_a_melody_gets_chorale_chords_as_if_the_chorales_were_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object, **__: object) -> None:
        raise AssertionError("the chorales were read")

    monkeypatch.setattr(opening, "open_style", read)
    monkeypatch.setattr(sources, "open_style", read)
    recipe = SongRecipe(style="chorale", seed=5, sources=(MELODY,))
    without = finish(style_asked(recipe, _no_source))
    assert without.sha256 == STYLES["bach-chorales"].sha256
    # With tunes of the style at hand, the chords and all that is told of them are the same.
    with_tunes = Style.of(songs(4), entry=STYLES["bach-chorales"])
    made = [finish(_harmonised(recipe, style, TUNE)) for style in (without, with_tunes)]
    assert made[0] == made[1]
    assert made[0][2]["chords"]["chords"] > 1  # type: ignore[index]


_no_source: Callable[[Source], bytes] = lambda _: b""  # noqa: E731


def test_melodies_are_read_where_they_take_part() -> None:
    asked = SongRecipe(style="chorale", sources=(MELODY,))
    assert not needs_melodies(asked)
    assert needs_melodies(SongRecipe(style="chorale"))
    assert needs_melodies(asked.model_copy(update={"chords_from": "inferred"}))
    assert needs_melodies(asked.model_copy(update={"band": "trio"}))
    assert costs_of(asked).reading == 0
