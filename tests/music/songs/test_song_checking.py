"""What cannot be is said before a note is drawn, with what conflicts and changes that help."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from studio.errors import Contradiction, Refused
from studio.making.checking import Checking
from studio.making.kinds import kind_of
from studio.music.bands.band import band_by_name
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune
from studio.music.songs.checking import check_request
from studio.music.songs.harmonising import harmonisation_of, melody_of
from studio.music.songs.limits import frame_of, with_playable_meter
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.sheet import SongStyles, prepare
from studio.music.styles.style import Style
from studio.music.writing.musicxml import write_musicxml
from studio.process import finish
from studio.works.recipe import Source, check
from tests.music.lead_sheets import songs, style


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
        (
            {"composer": "lstm", "style": "sixties-pop"},
            {"composer"},
            "composes melodies, and songs are drawn",
        ),
        ({"temperature": 0.7}, {"temperature"}, "A temperature of 0.7 is for the network"),
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

    def none(_: Source) -> bytes:
        raise AssertionError("nothing has to be read for this")

    with pytest.raises(Refused, match="waltz"):
        finish(song(SongRecipe(band="waltz", meter="4/4"), none))


def test_a_range_beyond_the_style_and_words_beyond_the_bars_say_by_how_much() -> None:
    desk = SongStyles(style(8), "")
    with pytest.raises(Contradiction, match="C8:C9") as raised:
        finish(prepare(SongRecipe(form="A", bars=8, meter="4/4", key="C", range="C8:C9"), desk))
    assert [way.value for way in raised.value.ways_out] == [None]
    words = "la " * 70
    with pytest.raises(Contradiction, match=r"70 syllables.* room for 64 notes at most, 6 too few") as raised:
        finish(prepare(SongRecipe(form="A", bars=8, meter="4/4", key="C", words=words), desk))
    assert [way.value for way in raised.value.ways_out] == [16, True]


def test_a_band_takes_a_meter_of_the_style_that_it_plays() -> None:
    tunes = [Tune.of([(60 + step, 1) for step in range(8)], meter=meter) for meter in ("2/4", "2/4", "3/4")]
    mixed = Style.of(tunes, "mixed")
    assert with_playable_meter(SongRecipe(band="trio"), mixed).meter == "3/4"
    assert with_playable_meter(SongRecipe(band="fiddle"), mixed).meter is None
    assert with_playable_meter(SongRecipe(), mixed).meter is None


def test_styles_that_are_crossed_take_a_meter_and_key_that_all_of_them_have() -> None:
    tunes = [
        Tune.of([(60 + step, 1) for step in range(12)], meter=meter, key=key)
        for meter, key in (("2/4", "C"), ("2/4", "C"), ("3/4", "C"), ("4/4", "Am"), ("4/4", "F"))
    ]
    melody, waltzes = Style.of(tunes, "mixed"), Style.of(tunes[2:3], "waltzes")
    crossed = SongStyles(melody, "songbook-manner", rhythm=waltzes)
    meter, key, said = frame_of(SongRecipe(), crossed)
    assert (str(meter), key.short()) == ("3/4", "C")
    assert "3/4, which all its styles have" in said
    assert str(frame_of(SongRecipe(meter="2/4"), crossed)[0]) == "2/4"  # what was asked for stays
    assert frame_of(SongRecipe(), SongStyles(melody, "songbook-manner"))[2] == ""
    minor = SongStyles(Style.of(tunes[3:], "minor first"), "hymn")  # hymns are counted in major alone
    assert frame_of(SongRecipe(), minor)[1].short() == "F"


def test_a_style_without_chords_says_whose_were_taken() -> None:
    bare = Style.of([replace(tune, chords=()) for tune in songs(8)], "bare")
    recipe = SongRecipe(form="A", bars=8, meter="4/4", key="C", style="bare")
    (said,) = SongStyles.of(recipe, bare).borrowed(recipe)
    assert "bare" in said
    assert "Songbook" in said
    assert SongStyles.of(recipe, style(8)).borrowed(recipe) == ()


@pytest.mark.parametrize(("key", "found"), [(None, "G major"), ("D", "D major")])
def test_the_melody_of_a_file_without_a_key_says_which_was_found(key: str | None, found: str) -> None:
    content = b"X:1\nT:t\nM:4/4\nL:1/4\nK:none\nG B d g|^f d c A|G B A ^F|G4|\n"
    source = Source(role="melody", sha256="0" * 64, name="t.abc")
    tune, remarks = melody_of(SongRecipe(key=key), source, lambda _: content)
    assert str(tune.key) == found
    assert any("No key is given" in each for each in remarks)
    assert [each for each in remarks if "as you asked" in each] == remarks[1:]


def test_a_key_that_cannot_be_read_is_told_and_a_melody_of_a_thousand_bars_refused() -> None:
    source = Source(role="melody", sha256="0" * 64, name="t.abc")
    head = b"X:1\nT:t\nM:4/4\nL:1/4\nK:Gmm\n"
    _, remarks = melody_of(SongRecipe(), source, lambda _: head + b"G B d g|^f d c A|\n")
    assert remarks[0] == "The key K:Gmm cannot be read; write it like K:G, K:Gm or K:D dorian."
    tune, _ = melody_of(SongRecipe(), source, lambda _: head + b"G B d g|" * 1000 + b"\n")
    with pytest.raises(Refused, match=r"has 1,000 bars, and at most 600 can get chords; give a part of it"):
        harmonisation_of(SongRecipe(style="songbook-manner"), style(8), tune)


def test_a_form_that_is_nearly_one_is_answered_with_it() -> None:
    with pytest.raises(Refused, match=r"'standrd' is not a form; did you mean 'standard'\?$"):
        check(SongRecipe, {"form": "standrd"})
