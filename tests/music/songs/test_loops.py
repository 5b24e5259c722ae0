"""What goes round in songs, how far they reach, and where they end: drawing rules 6."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune
from studio.music.songs.counted import counted_style, melodies_file
from studio.music.songs.habits import shipped_habits
from studio.music.songs.harmonising import harmonisation_of
from studio.music.songs.loops import ChordLoops, pattern_of
from studio.music.songs.plan import SheetPlan
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.sheet import SheetDesk, SongStyles, draw_sheet, prepare
from studio.music.songs.sources import default_sources
from studio.process import finish
from studio.works.setting import setting


def desk_of(rules: str | None, **asked: object) -> SheetDesk:
    recipe = SongRecipe.model_validate({"form": "AABA", "bars": 32, "key": "C", **asked})
    if rules:
        recipe = recipe.model_copy(update={"setting": setting("cpu", drawing=rules)})
    style = counted_style("songbook-manner", rules or "")
    return finish(prepare(recipe, SongStyles.of(recipe, style)))


def test_bars_go_round_where_the_pattern_says_in_every_section_and_not_at_the_end() -> None:
    plan = SheetPlan.of("AABA", 32, Key.parse("C"))
    loops = ChordLoops({8: {(0, 1, 0, 1, 0, 1, 0, 1): 20}})
    found = loops.returns(plan, np.random.default_rng(1))
    alike = {bar: root for root, bars in found.items() for bar in (root, *bars)}
    rows = [alike.get(bar, bar) for bar in range(32)]
    # The last A ends the song, so its last bar is as no other but those of the other As.
    assert rows == [0, 1, 0, 1, 0, 1, 0, 7] * 2 + [16, 17] * 4 + [0, 1, 0, 1, 0, 1, 0, 7]


def test_sixties_pop_goes_round_about_as_often_as_chart_songs() -> None:
    habits = shipped_habits("sixties-pop")
    wanted = np.average(
        [1 - len(set(pattern)) / 8 for pattern in habits.loops[8]], weights=list(habits.loops[8].values())
    )

    def returning(rules: str | None) -> float:
        desk = desk_of(rules, style="sixties-pop", meter="4/4")
        found = []
        for seed in range(5):
            (drawn,) = desk.chords.rows(1, np.random.default_rng(seed)).rows
            bars = desk.chords.over(drawn, desk.sung.tick).rows
            found += [1 - len(set(bars[first : first + 8])) / 8 for first in (0, 16)]
        return float(np.mean(found))

    assert abs(returning(None) - wanted) < 0.2
    assert returning("5") < wanted - 0.2, "works made before are made as they were"


def test_waltzes_end_on_the_first_beat_on_the_tonic_and_within_the_reach_of_a_song() -> None:
    desk = desk_of(None, style="songbook-manner", meter="3/4")
    widest = max(high - low for low, high in shipped_habits("songbook-manner").spans["3/4 major"])
    for seed in range(4):
        tune = finish(draw_sheet(desk, seed)).tune
        last = tune.sounding[-1]
        assert last.start % 3 == 0
        assert (last.pitch or 0) % 12 == 0
        pitches = [note.pitch or 0 for note in tune.sounding]
        assert max(pitches) - min(pitches) <= widest


def test_sections_of_counted_styles_are_counted_in_the_key_they_are_heard_in() -> None:
    meter, key = Meter.parse("4/4"), Key.parse("C")

    def strange(rules: str) -> float:
        sung = counted_style("songbook-manner", rules).sung(meter, key)
        often = np.zeros(2)
        first = slice(*sung.tree.first[:2])  # what follows whatever came before
        for symbol, times in zip(sung.tree.follower[first], sung.tree.weight[first], strict=True):
            if symbol < sung.alphabet and sung.pitch[symbol] >= 0:
                often[int(sung.pitch[symbol] % 12 in key.scale)] += times
        return float(often[0] / often.sum())

    assert melodies_file("songbook-manner", "5") != melodies_file("songbook-manner")
    assert strange("") < strange("5")


@pytest.mark.parametrize(("rules", "same"), [("5", True), ("6", False)])
def test_a_work_is_made_again_from_the_counts_it_was_drawn_from(rules: str, same: bool) -> None:
    fields = {"style": "sixties-pop", "setting": setting("cpu", drawing=rules).model_dump()}
    (then,), (now,) = default_sources(fields, ()), default_sources({"style": "sixties-pop"}, ())
    assert (then.content != now.content) is same


def test_patterns_name_the_first_bar_that_is_alike() -> None:
    assert pattern_of(["C", "G", "C", "F", "G"]) == (0, 1, 0, 3, 1)


def test_a_melody_that_is_harmonised_ends_on_the_tonics_chord_though_its_last_bar_was_heard_before() -> None:
    bars = [[(67, 1), (65, 1), (64, 1), (62, 1)], [(60, 2), (64, 2)], [(65, 2), (69, 2)], [(65, 2), (60, 2)]]
    notes = [
        (pitch, Fraction(length)) for bar in (bars[0], bars[1], bars[2], bars[3]) * 2 for pitch, length in bar
    ]
    tune = Tune.of(notes, meter="4/4", key="C")
    recipe = SongRecipe(style="songbook-manner")
    asked = harmonisation_of(recipe, counted_style("songbook-manner"), tune)
    for seed in range(6):
        row = asked.draw_alike(np.random.default_rng(seed))
        last = asked.idiom.events[row[-1]].harmony
        assert last.root == 0, last


@pytest.mark.parametrize("given", ["C | Am7 | G7", "C | ? | Dm7 G7 | C"])
def test_a_chord_that_is_given_is_heard_whatever_stands_before_it(given: str) -> None:
    desk = desk_of(None, style="songbook-manner", form="AB", bars=8, chords=given, meter="4/4")
    wanted = [bar.split() for bar in given.split(" | ")]
    idiom = desk.chords.idiom
    for seed in range(6):
        for row in desk.chords.rows(2, np.random.default_rng(seed)).rows:
            heard: list[list[str]] = [[] for _ in range(8)]
            for chord in idiom.chords(row, [Key.parse("C")] * 8, Fraction(0)):
                heard[int(chord.start // 4)].append(chord.symbol)
            for bar, names in enumerate(wanted):
                if names != ["?"]:
                    before = [name for each in heard[:bar] for name in each][-1:]
                    assert heard[bar] == names or before + heard[bar] == names, (seed, heard)
