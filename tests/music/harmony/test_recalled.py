"""The chords of a style read back from the disk are those that were learnt, to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.errors import Contradiction
from studio.music.harmony import recalled
from studio.music.harmony.fit import FitCounts
from studio.music.harmony.idiom import learn_harmony
from studio.music.harmony.recalled import fit_counts_of, learn_or_recall_harmony
from studio.music.scores.meters import Meter
from tests.music.lead_sheets import style

FOUR = Meter.parse("4/4")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    monkeypatch.setattr(recalled, "WORTH_KEEPING", 0)
    return tmp_path


def test_chords_and_fit_are_read_back_as_they_were_learnt(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    songs = style(6)
    wanted, counts = learn_harmony(songs, FOUR, "major"), FitCounts.of(songs)
    first = learn_or_recall_harmony(songs, FOUR, "major"), fit_counts_of(songs)
    monkeypatch.setattr(recalled, "learn_harmony", None)  # nothing is learnt again
    monkeypatch.setattr(FitCounts, "of", None)
    for idiom, fit in (first, (learn_or_recall_harmony(songs, FOUR, "major"), fit_counts_of(songs))):
        assert idiom.lines == wanted.lines
        assert idiom.events == wanted.events
        assert np.array_equal(idiom.chain(1).probability, wanted.chain(1).probability)
        assert all(np.array_equal(getattr(fit, name), getattr(counts, name)) for name in vars(counts))
    assert len(list((home / "learnt").glob("*.npz"))) == 2


def test_what_is_damaged_or_of_other_songs_is_learnt_again(home: Path) -> None:
    songs, others = style(6), style(5)
    learn_or_recall_harmony(songs, FOUR, "major")
    (file,) = (home / "learnt").glob("chords-*.npz")
    with np.load(file) as kept:
        arrays = dict(kept)
    arrays["bars"] = arrays["bars"] + 1000
    np.savez(file, **arrays)
    assert learn_or_recall_harmony(songs, FOUR, "major").lines == learn_harmony(songs, FOUR, "major").lines
    assert learn_or_recall_harmony(others, FOUR, "major").lines == learn_harmony(others, FOUR, "major").lines
    with pytest.raises(Contradiction, match="no song in 4/4 and minor"):
        learn_or_recall_harmony(songs, FOUR, "minor")
