"""Harmonising a given melody as a recipe asks: in a style, with chords that are given and chords a bar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from studio.errors import AskedFor, Contradiction, Refused, WayOut
from studio.music.chains.conflicts import explain
from studio.music.harmony.harmonise import Harmonisation
from studio.music.harmony.idiom import is_minor
from studio.music.scores.tunes import Tune
from studio.music.songs.chording import locked
from studio.music.songs.recipes import SongRecipe, read_row
from studio.music.songs.sheet import SongStyles
from studio.music.styles.style import Style


def harmonisation_of(recipe: SongRecipe, style: Style, tune: Tune) -> Harmonisation:
    """The melody, with everything that is asked of its chords.
    Raises `Refused` for a melody that cannot be harmonised, and `Contradiction` where given chords leave no
    way.
    """
    if not tune.sounding:
        raise Refused("The melody has no notes; give one that sounds.")
    styles = SongStyles.of(recipe, style)
    idiom = styles.harmony(tune.meter, "minor" if is_minor(tune.key.mode) else "major")
    fit = styles.fit()
    asked = Harmonisation.of(tune, idiom, fit)
    row = read_row(recipe.chords)
    if len(row) > len(asked.bars):
        raise Refused(
            f"{len(row)} bars of chords were given for a melody of {len(asked.bars)} bars; give fewer."
        )
    known, requirements, names = locked(recipe, asked.keys(), idiom)
    if known is not idiom:
        asked = Harmonisation.of(tune, known, fit)
    asked = replace(asked, requirements=tuple(requirements))
    if not requirements:
        return asked
    for lowest in (1, 0):
        asked = replace(asked, lowest=lowest)
        if asked.solve().feasible:
            return asked
    conflict = explain(known.walk(0), asked.ticks, requirements, build=known.trellis, checks=60)
    told = conflict.requirements if conflict else tuple(names)
    raise Contradiction(
        f"{styles.chords_title} cannot have {' and '.join(told)} together; leave one of them out.",
        [AskedFor("chords", recipe.chords, name) for name in told],
        [WayOut("Leave the chords to the style", "chords", "")],
    )


def distinct(asked: Harmonisation, count: int, seed: int, *, daring: float | None = None) -> list[Tune]:
    """Several harmonisations of one melody that differ from each other as much as they can."""
    rows = asked.draw(count, np.random.default_rng(seed), daring=daring)
    return [asked.tune_with(row) for row in rows]
