"""From a lead sheet to a full score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from studio.music.scores.scores import Score
from studio.music.scores.sections import Section, check_sections
from studio.music.scores.tunes import Tune
from studio.music.sound.rendering import accompaniment


def arrange(sheet: Tune, sections: Sequence[Section], band: str, rng: np.random.Generator) -> Score:
    """What every part of the band plays under a lead sheet.

    sheet: melody, chords and words; its repeats are played out. sections: of the sheet so played out, one
    after the other, or none. Raises `Refused` for sections that do not fit, `Unreadable` for a chord symbol.
    """
    tune = sheet.unfolded()
    bars = tune.bars()
    check_sections(sections, bars[-1].number if bars else 0)
    score = replace(tune.score(name="Melody"), sections=tuple(sections))
    return replace(score, parts=(*score.parts, accompaniment(tune))) if tune.chords else score
