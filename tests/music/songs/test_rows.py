"""Where chords that a person wrote lie in the form of a song."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import pytest

import studio as library
from studio.errors import Contradiction, StudioError
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune
from studio.music.songs.checking import check_request
from studio.music.songs.facts import row_in_words
from studio.music.songs.recipes import SongRecipe, in_time, read_row
from studio.music.songs.rows import ANY_KEY, LaidRow
from studio.music.songs.sheet import SongStyles, draw_sheet, plan_of, prepare
from studio.music.songs.song import offers_of
from studio.process import finish
from studio.works.setting import setting
from tests.music.lead_sheets import style

FOUR = "C | Am7 D7 | G6 | C"
EIGHT = f"{FOUR} | F | G7 | C | G7"
OTHER = "A7 | % | D7 | % | G7 | % | C | G7"
STYLE = style()


def laid(recipe: SongRecipe) -> list[str]:
    """The chords of every bar of the song as its form plays them, ? for what is left to the style."""
    check_request(recipe)
    row, plan = LaidRow.of(recipe), plan_of(recipe, ANY_KEY)
    found = ["?"] * plan.bars
    for bar in range(plan.bars):
        words = row.words(bar)
        for place in (bar, *plan.returns.get(bar, ())):
            found[place] = " ".join(words) if words else found[place]
    return found


def bars_of(text: str) -> list[str]:
    return [each.strip() for each in text.split("|")]


@pytest.mark.parametrize(
    ("settings", "sections", "said"),
    [
        ({"chords": FOUR}, (FOUR, FOUR, "? | ? | ? | ?", FOUR), "section A; the song has 16 bars"),
        ({"chords": "C | C | F | C"}, ("C | C | F | C",) * 2 + ("?|?|?|?", "C | C | F | C"), "section A"),
        ({"chords": "C | G", "form": "AA"}, ("C | G",) * 4, "played twice; the song has 8 bars"),
        ({"chords": EIGHT, "form": "AB"}, (EIGHT,), ""),
        ({"chords": EIGHT, "form": "AA"}, (EIGHT, EIGHT), "section A; the song has 16 bars"),
        ({"chords": f"{EIGHT} | {OTHER}"}, (EIGHT, EIGHT, OTHER, EIGHT), "sections A and B, 8 bars each"),
        (
            {"chords": f"{EIGHT} | {OTHER}", "form": "standard"},
            (EIGHT, EIGHT, OTHER, EIGHT),
            "sections A and B",
        ),
        (
            {"chords": f"{EIGHT} | {EIGHT} | {OTHER}"},
            (EIGHT, EIGHT, OTHER, EIGHT),
            "the first 3 sections; the song has 32 bars",
        ),
        ({"chords": FOUR, "bars": 16}, (FOUR, FOUR, "? | ? | ? | ?", FOUR), ""),
        (
            {"chords": FOUR, "bars": 24, "form": "ABA"},
            (FOUR, "?|?|?|?", "?|" * 7 + "?", FOUR, "?|?|?|?"),
            "begin every A",
        ),
        ({"chords": f"{EIGHT} | {EIGHT} | {OTHER} | {EIGHT}"}, (EIGHT, EIGHT, OTHER, EIGHT), ""),
    ],
)
def test_a_row_is_laid_as_its_writer_means_it(
    settings: dict[str, object], sections: tuple[str, ...], said: str
) -> None:
    recipe = SongRecipe(**settings)  # type: ignore[arg-type]
    expected = [bar for section in sections for bar in bars_of(section)]
    for place, bar in enumerate(expected):
        expected[place] = expected[place - 1] if bar == "%" else bar
    assert laid(recipe) == expected
    assert said in LaidRow.of(recipe).remark
    assert bool(said) == bool(LaidRow.of(recipe).remark)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"chords": " | ".join(["C", "F", "G"] * 6)}, "18 bars of chords cannot be divided into the 4"),
        ({"chords": f"{EIGHT} | {OTHER}", "form": "AA"}, "Bars 1 and 9 are the same bar"),
        ({"chords": f"{EIGHT} | {FOUR}".replace("C", "E", 1), "bars": 32}, "Bars 1 and 9 are the same bar"),
    ],
)
def test_a_row_that_fits_no_way_is_refused_with_ways_out(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(Contradiction, match=sentence) as told:
        check_request(SongRecipe(**settings))  # type: ignore[arg-type]
    assert told.value.ways_out
    check_request(SongRecipe(**settings | {way.field: way.value for way in told.value.ways_out[:1]}))  # type: ignore[arg-type]


def test_a_song_over_four_bars_says_what_was_done_and_offers_the_loop() -> None:
    recipe = SongRecipe(chords=FOUR, key="C", meter="4/4", max_copy=12)
    sheet = finish(draw_sheet(finish(prepare(recipe, SongStyles(STYLE))), 1))
    row = bars_of(row_in_words(sheet.tune))
    assert len(row) == 16
    for first in (0, 4, 12):
        assert row[first : first + 3] == bars_of(FOUR)[:3]
    assert any("section A" in each for each in sheet.remarks)
    (offer,) = offers_of(recipe, STYLE)
    longer = recipe.model_copy(update={offer["field"]: offer["value"]})
    assert laid(longer)[:16] == bars_of(FOUR) * 4
    assert len(laid(longer)) == 32


def test_songs_of_earlier_rules_keep_their_sections_of_one_bar() -> None:
    old = SongRecipe(chords="C | C | F | C", setting=setting("cpu", form="2"))
    assert laid(old) == ["C", "C", "F", "C"]


@pytest.mark.parametrize(
    ("meter", "chords", "said"),
    [
        ("2/2", {0: "G/D", 1: "D", 2: "G", 4: "C/G", 8: "C", 10: "G"}, "G/D D G . | C/G | C G"),
        ("4/4", {0: "C", "3/2": "A7#5", 4: "C", 6: "G"}, "C . . A7#5 . . . . | C G"),
        ("6/8", {0: "C", 1: "G", "3/2": "F"}, "C . G F . ."),
        ("3/4", {0: "C", "1/4": "G", 2: "F"}, "C G . . . . . . F . . ."),
    ],
)
def test_chords_that_are_told_are_read_back_as_they_are(
    meter: str, chords: dict[int | str, str], said: str
) -> None:
    """Those that change within beats too."""
    time = Meter.parse(meter)
    last = max(Fraction(place) for place in chords)
    bars = int(last // time.bar_length) + 1
    own = [(Fraction(place), name) for place, name in chords.items()]
    tune = Tune.of([(60, time.bar_length)] * bars, meter=meter, chords=own)
    assert row_in_words(tune) == said
    back = [
        (number * time.bar_length + start, name)
        for number, words in enumerate(read_row(said))
        for name, start, _ in in_time(list(words or ()), time)
    ]
    assert back == own


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"form": "ABCDEFGHIJKLMNOPQ"},
            "would have 136 bars, and the longest has 128: ask for fewer sections",
        ),
        ({"chords": "C | " * 300}, "would have 300 bars, and the longest has 128"),
        ({"max_chord_copy": 2}, "cannot tell copies of fewer than 12 chords; allow 12 or more"),
        (
            {"chords": "C Am F G C"},
            "5 chords do not fit into a bar of 4/4, which has 4 beats",
        ),
        ({"chords": "C D E F G A " * 2 + "| G"}, "eighth notes at the finest, so give it at most 8."),
    ],
)
def test_what_is_too_long_or_too_fine_is_refused_in_a_sentence(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(StudioError, match=re.escape(said)):
        library.song(style="songbook-manner", meter="4/4", key="C", progress=False, **asked)
