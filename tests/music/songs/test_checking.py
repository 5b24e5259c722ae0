"""What cannot be is said before a note is drawn, with what conflicts and changes that help."""

from __future__ import annotations

from typing import Any

import pytest

from studio.errors import Contradiction, Refused
from studio.making.checking import Checking
from studio.making.kinds import kind_of
from studio.music.bands.band import band_by_name
from studio.music.scores.meters import Meter
from studio.music.songs.checking import check_request
from studio.music.songs.recipes import SongRecipe
from studio.music.writing.musicxml import write_musicxml
from studio.works.recipe import Source
from tests.music.lead_sheets import songs


def refused(**settings: Any) -> Contradiction:
    with pytest.raises(Contradiction) as raised:
        check_request(SongRecipe(**settings))
    assert str(raised.value).endswith(".")
    assert str(raised.value).count(". ") <= 1
    return raised.value


def fields(error: Contradiction) -> set[str]:
    return {each.field for each in error.conflict}


def solved(error: Contradiction, **settings: Any) -> None:
    """Every change that is offered must help."""
    assert error.ways_out
    for way in error.ways_out:
        check_request(SongRecipe(**settings | {way.field: way.value}))


@pytest.mark.parametrize(
    ("settings", "named", "said"),
    [
        ({"form": "AABA", "bars": 30}, {"form", "bars"}, "28 or 32 bars"),
        ({"form": "blues", "bars": 13}, {"form", "bars"}, "12 bars"),
        ({"form": "AB", "bars": 4, "chords": "C | F | G | C | C | F"}, {"chords", "bars"}, "6 bars"),
        ({"form": "AA", "bars": 4, "chords": "C | F | G | F"}, {"chords", "form"}, "Bars 1 and 3"),
        ({"band": "waltz", "meter": "4/4"}, {"band", "meter"}, "3/4"),
        ({"form": "A", "chords": "C | C D E F G | C", "meter": "4/4"}, {"chords"}, "Bar 2"),
    ],
)
def test_what_a_request_says_by_itself_is_checked(
    settings: dict[str, Any], named: set[str], said: str
) -> None:
    error = refused(**settings)
    assert fields(error) == named
    assert said in str(error)
    if named != {"chords"}:
        solved(error, **settings)


def test_bands_that_are_offered_play_the_meter() -> None:
    error = refused(band="trio", meter="6/8")
    offered = [way.value for way in error.ways_out if way.field == "band" and way.value]
    assert offered
    assert all(Meter.parse("6/8") in band_by_name(name).meters for name in offered)


def test_a_possible_request_passes_whatever_its_spelling() -> None:
    check_request(SongRecipe(form="AA", bars=4, chords="Cmaj7 | G | CM7 | G", band="trio", meter="4/4"))
    check_request(SongRecipe(form="AB", bars=16, section_keys=("B=Am",), style="ryans-mammoth"))


def test_a_running_studio_tells_what_conflicts_while_one_edits() -> None:
    """As the chips ask, in the process that checks: chords that no style joins are named with their bar."""
    contents = {f"{number:064x}": write_musicxml(tune) for number, tune in enumerate(songs(8))}
    sources = [Source(role="tune", sha256=key, name=f"{key[-1]}.musicxml") for key in contents]
    usual: dict[str, Any] = {"style": "sheets", "form": "AB", "bars": 16, "max_copy": 12, "sources": sources}
    opened = Checking()

    def answer(**more: Any) -> dict[str, Any]:
        fields, _ = kind_of("song").prepare({**usual, **more}, [])
        recipe = SongRecipe(**fields | {"sources": sources})
        return opened.check(recipe, lambda source: contents[source.sha256])

    try:
        assert answer() == {"state": "possible"}
        found = answer(form="ABA")
        assert (found["state"], {each["field"] for each in found["conflict"]}) == (
            "conflict",
            {"form", "bars"},
        )
        found = answer(chords="C | F | ? | ?", range="C8:C9")
        assert found["state"] in ("conflict", "refused")
        assert found["message"]
    finally:
        opened.close()


def test_what_is_refused_is_refused_by_the_making_too() -> None:
    from studio.music.songs.song import song
    from studio.process import finish

    def none(_: Source) -> bytes:
        raise AssertionError("nothing has to be read for this")

    with pytest.raises(Refused, match="waltz"):
        finish(song(SongRecipe(band="waltz", meter="4/4"), none))
