"""Whether a song is possible, found before anyone asks for it: everything but the drawing itself."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from studio.errors import Contradiction
from studio.music.melody.compose import given_tune, reading_rules
from studio.music.songs.checking import check_band, check_request
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.sheet import rows_that_sing
from studio.music.songs.song import (
    prepared,
    records_of,
    settled_by,
    style_asked,
    with_fitting_words,
)
from studio.works.work import Materials, Progress


def possible(recipe: SongRecipe, materials: Materials) -> Generator[Progress, None, None]:
    """Learn what the song needs and look for chords that can be sung, without drawing a song.

    Raises what making it would raise: `Contradiction` with what conflicts, or `Refused`.
    """
    check_request(recipe)
    records = records_of(recipe, materials)
    if settled_by(recipe, records) is not None:
        return
    if (source := recipe.source("melody")) is not None:
        given_tune(source, materials, reading_rules(recipe))
        return
    style = yield from style_asked(recipe, materials)
    while True:
        try:
            request = yield from prepared(recipe, style, materials, records)
            if not recipe.meter and recipe.band:
                check_band(recipe, request.desk.sung.meter)
            yield Progress(60, 100, "looking for chords that sing")
            for _ in rows_that_sing(request.desk, np.random.default_rng(0)):
                yield Progress(80, 100, "looking for chords that sing")
            return
        except Contradiction as error:
            recipe = yield from with_fitting_words(recipe, error, style, materials, records)
