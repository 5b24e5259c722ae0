"""Piano rolls, looked at pixel by pixel."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from studio.errors import Refused
from studio.music.scores.notes import Note
from studio.music.scores.scores import Part, Score
from studio.music.scores.tunes import Tune
from studio.music.writing.piano_roll import piano_roll, thumbnail

TUNE = Tune.of([(60, 1), (None, 1), (67, 1), (72, "1/2"), (None, "3/2"), (64, 1), (None, 2)])


def test_the_roll_shows_each_note_where_and_as_long_as_it_sounds() -> None:
    tune = Tune.of([(60, 4), (72, 4), (None, 4), (66, 4)])
    picture = np.asarray(
        Image.open(io.BytesIO(piano_roll(tune, width=834, height=400, colours={1: "#ff0000"}))).convert("RGB")
    ).astype(int)
    red = np.argwhere((picture[:, :, 0] > 200) & (picture[:, :, 1] < 60) & (picture[:, :, 2] < 60))
    blue = np.argwhere(picture[:, :, 2] > picture[:, :, 0] + 60)
    left, width = 34, (834 - 34 - 2) / 4
    assert red[:, 1].min() == pytest.approx(left + width, abs=3)
    assert red[:, 1].max() == pytest.approx(left + 2 * width, abs=3)
    first = blue[blue[:, 1] < left + width]
    last = blue[blue[:, 1] > left + 2.5 * width]
    assert first[:, 0].mean() > last[:, 0].mean() > red[:, 0].mean(), "higher notes stand higher"
    half = (first[:, 0].mean() + red[:, 0].mean()) / 2
    assert last[:, 0].mean() == pytest.approx(half, abs=3), "a tritone is half way up the octave"
    assert not ((blue[:, 1] > left + 2 * width + 3) & (blue[:, 1] < left + 3 * width - 3)).any(), (
        "a rest is empty"
    )


def test_rolls_of_anything_are_pictures_of_the_size_asked() -> None:
    drums = Score((Part((Note(36, Fraction(0), Fraction(1)),), percussion=True), Part(())))
    for music in (
        TUNE,
        drums,
        Tune.of([(None, 4)]),
        Tune.of([(0, 1), (127, 1)], chords=[(0, "C"), (1, "F#m7b5")]),
    ):
        for width, height in ((64, 64), (700, 200)):
            assert Image.open(io.BytesIO(piano_roll(music, width=width, height=height))).size == (
                width,
                height,
            )
    small = Image.open(io.BytesIO(thumbnail(TUNE)))
    assert (small.format, small.size) == ("JPEG", (512, 320))
    assert piano_roll(TUNE) == piano_roll(TUNE)
    with pytest.raises(Refused):
        piano_roll(TUNE, width=10)
