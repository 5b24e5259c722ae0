"""What is said of a melody that an instrument cannot play."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import music21
import pytest

from studio.music.scores.tunes import Tune
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.song import _told_of_instrument
from studio.music.sound.ranges import RANGES, beyond_range, range_of
from studio.music.sound.rendering import instruments

LOW = Tune.of([(pitch, Fraction(1)) for pitch in (35, 36, 38, 40, 41, 43, 36, 35)])


@pytest.mark.parametrize(
    ("pitches", "instrument", "says"),
    [
        (
            (35, 43),
            "piccolo",
            "2 of 2 notes are below the range of Piccolo (B1 to G2; it has D5 to C8): move the ",
        ),
        ((35, 43), "Piccolo", "move the melody four octaves up"),
        ((60, 62, 105), "Violin", "1 of 3 notes is above the range of Violin (A7"),
        ((54, 104), "Violin", "2 of 2 notes are outside the range of Violin (F#3 to "),
        ((54, 104), "Violin", "octave down, where 1 would be left"),
        ((64, 67), "Flute", ""),
        ((10, 127), "Acoustic Grand Piano", ""),
        ((10, 127), "Bird Tweet", ""),
        ((10, 127), "of another library", ""),
    ],
)
def test_notes_that_an_instrument_lacks_are_told(pitches: Sequence[int], instrument: str, says: str) -> None:
    told = beyond_range(Tune.of([(pitch, Fraction(1)) for pitch in pitches]), instrument)
    assert (says in told) if says else not told


def test_ranges_begin_where_music21_has_them() -> None:
    """music21 knows the lowest written note of some instruments."""
    for name in ("Violin", "Viola", "Oboe", "English Horn", "Bassoon", "Trombone", "Tuba", "Accordion"):
        found = music21.instrument.fromString(name)
        lowest = found.lowestNote.transpose(found.transposition or 0).midi
        known = range_of(name)
        assert known is not None
        assert abs(known[0] - lowest) <= (6 if name == "Trombone" else 1), name
    assert all(low < high for low, high in RANGES.values())
    assert set(RANGES) <= set(range(1, len(instruments())))


def test_a_lead_sheet_that_sounds_says_it() -> None:
    asked = SongRecipe(style="hymn", instrument="Piccolo", format="mid")
    told = _told_of_instrument(asked, LOW, {"remarks": ["Another."]})["remarks"]
    assert told[0] == "Another."
    assert "8 of 8 notes are below the range of Piccolo" in told[1]
    for other in ({"format": "musicxml"}, {"band": "trio"}, {"instrument": "Acoustic Grand Piano"}):
        assert not _told_of_instrument(asked.model_copy(update=other), LOW, {})
