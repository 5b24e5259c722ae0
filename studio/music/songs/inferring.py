"""Chords for a style that has none: laid under its own melodies by what hymns and songs teach.

    style = with_inferred_chords(style, Meter.parse("6/8"), "major")     # some of its tunes, with chords
    learn_harmony(style, …)                                              # and what these go on like

Nobody wrote these chords. They say what the studio's harmoniser hears under such tunes, on the tame side, and
a song that is made from them says so.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from studio.errors import Refused, StudioError
from studio.music.harmony.counts import shipped_chords, shipped_fit
from studio.music.harmony.fit import Fit
from studio.music.harmony.harmonise import Harmonisation
from studio.music.harmony.idiom import is_minor, stretch
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune
from studio.music.styles.style import Style

TUNES = 48
"""Tunes that get chords, spread over the style."""

TEACHERS = ("hymn", "songbook-manner")
"""Chords that come with the studio and teach which go with a melody, the first that has the meter."""

DARING = 0.2
"""How daring they are: a tune without chords asks for plain ones."""

SAID = (
    "Nobody wrote chords to these tunes: they were inferred from the melodies, by what hymns and songs teach."
)


def with_inferred_chords(style: Style, meter: Meter, mode: str) -> Style:
    """Up to `TUNES` tunes of a style in a meter and mode, each with inferred chords. Always the same ones.

    Raises `Refused` where it has no such tunes, or comes as counts without any.
    """
    kept = _kept()
    key = f"{style.sha256} {meter} {mode}"
    if key not in kept:
        found = _inferred(style, meter, mode)
        kept.clear()
        kept[key] = found
    return kept[key]


@lru_cache(maxsize=1)
def _kept() -> dict[str, Style]:
    """The tunes inferred last: the next take of a request needs them again."""
    return {}


def inferred_fit() -> Fit:
    """How melodies lie over these chords."""
    counts = shipped_fit(TEACHERS[0])
    for name in TEACHERS[1:]:
        counts += shipped_fit(name)
    return counts.fit()


def _inferred(style: Style, meter: Meter, mode: str) -> Style:
    numbers = [
        number
        for number, (its, its_mode) in enumerate(zip(style.meters, style.modes, strict=True))
        if stretch(Meter.parse(its), meter) and is_minor(its_mode) == is_minor(mode)
    ]
    if not len(style) or not numbers:
        what = f"no tune in {meter} and {mode}" if len(style) else "no tunes, only counts of them"
        raise Refused(
            f"{style.entry.title} has {what} to infer chords from; choose whose chords "
            "are taken, or another meter, key or style."
        )
    fit, found = inferred_fit(), []
    for number in numbers[:: max(1, -(-len(numbers) // TUNES))]:
        tune = _with_chords(style[number], fit, number)
        found += [tune] if tune is not None else []
    if not found:
        raise Refused(
            f"No chords could be inferred for the tunes of {style.entry.title}; choose whose chords."
        )
    return Style.of(found, style.entry.title)


def _with_chords(tune: Tune, fit: Fit, number: int) -> Tune | None:
    """A tune with chords; None where no teacher has its meter."""
    mode = "minor" if is_minor(tune.key.mode) else "major"
    for name in TEACHERS:
        try:
            asked = Harmonisation.of(tune, shipped_chords(name, tune.meter, mode), fit)
            (row,) = asked.draw(1, np.random.default_rng(number), daring=DARING)
        except StudioError:
            continue
        return asked.tune_with(row, names="plain")
    return None
