"""A style's columns, filters and parts give what its tunes give."""

from __future__ import annotations

import numpy as np
import pytest
from random_tunes import random_tune

from studio.errors import Refused, UnknownName
from studio.music.scores.events import REST
from studio.music.scores.keys import Key
from studio.music.scores.tunes import Tune
from studio.music.styles.style import Style


def test_columns_are_the_tunes() -> None:
    tunes = [random_tune(seed) for seed in range(30)]
    style = Style.of(tunes, "random")
    assert list(style) == tunes
    assert [style.json(number) for number in range(30)] == [tune.to_json() for tune in tunes]
    assert [style.has_chords(number) for number in range(30)] == [bool(tune.chords) for tune in tunes]
    for relative in (False, True):
        events = style.events(240, relative=relative)
        assert events.left_out == 0
        for number, tune in enumerate(tunes):
            moved = tune.in_key(Key.of_tonic(0, tune.mode)) if relative else tune
            expected = moved.events(240)
            span = slice(events.offsets[number], events.offsets[number + 1])
            for column in ("pitches", "durations", "in_bar", "bars"):
                assert np.array_equal(getattr(events, column)[span], getattr(expected, column)), column
    coarse = style.events(24)
    fitting = [number for number, tune in enumerate(tunes) if tune.fits(24)]
    assert 0 < len(fitting) < 30
    assert list(coarse.tunes) == fitting
    assert coarse.left_out == 30 - len(fitting)
    assert style.notes == sum(len(tune.sounding) for tune in tunes)
    assert int((style.events(240).pitches == REST).sum()) == sum(
        note.is_rest for tune in tunes for note in tune.notes
    )


def test_filters_and_parts() -> None:
    style = Style.of(
        [
            Tune.of([(60, 3)], meter=meter, key=key, id=f"{number}")
            for number, (meter, key) in enumerate([("3/4", "C"), ("3/4", "Am"), ("6/8", "D"), ("3/4", "G")])
        ]
    )
    assert style.filtered(meter="3/4", mode="major").ids == ["0", "3"]
    assert style.filtered(mode="minor")[0].key == Key.parse("Am")
    assert style.filtered(ids=["2", "3"]).filtered(meter="6/8").ids == ["2"]
    assert style.part([3, 0]).tonics == [7, 0]
    assert style.counts("meter") == {"3/4": 3, "6/8": 1}
    assert style.find("2").meter.numerator == 6
    with pytest.raises(UnknownName):
        style.find("7")
    with pytest.raises(Refused, match=r"no tune in 4/4; it has 3 in 3/4, 1 in 6/8"):
        style.filtered(meter="4/4")
