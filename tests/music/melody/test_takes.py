"""Takes: what returns really returns, what gives way is said, and the same seed gives the same take. Tunes
are read back with plain code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from studio.music.melody.form import How
from studio.music.melody.recipes import ComposeRecipe
from studio.music.melody.takes import Outlook, Take, consider, draw, in_bars
from studio.music.reading.readers import read_tunes
from studio.music.scores.keys import pitch_name
from studio.music.scores.tunes import Tune
from studio.music.styles.style import Style
from studio.process import finish
from tests.app.tunes import jigs

Bar = list[tuple[Fraction, int | None, Fraction]]
"""(place in the bar, pitch, length) of each note; quarter notes."""

WIDE = 20
"""A copy limit that leaves a style of five tunes room."""


@pytest.fixture(scope="module")
def style() -> Style:
    return Style.of(
        [tune for name, content in jigs().items() for tune in read_tunes(content, name).tunes], "jigs"
    )


@pytest.fixture(scope="module")
def considered(style: Style) -> Callable[..., Outlook]:
    def outlook(take: Tune | None = None, **asked: Any) -> Outlook:
        return finish(consider(ComposeRecipe(**({"bars": 8} | asked)), style, take=take, max_copy=WIDE))

    return outlook


def taken(outlook: Outlook, seed: int) -> Take:
    return finish(draw(outlook, seed))


def bars_of(tune: Tune) -> list[Bar]:
    length = tune.meter.bar_length
    bars: list[Bar] = [[] for _ in range(int(tune.end / length))]
    for note in tune.notes:
        bars[int(note.start // length)].append((note.start % length, note.pitch, note.duration))
    return bars


def test_the_same_seed_gives_the_same_take_and_others_give_others(considered: Callable[..., Outlook]) -> None:
    outlook = considered()
    takes = [taken(outlook, seed) for seed in range(6)]
    for seed in (3, 0):
        again = taken(considered(), seed)
        assert (again.symbols, again.plan, again.origins) == (
            takes[seed].symbols,
            takes[seed].plan,
            takes[seed].origins,
        )
    assert len({take.symbols for take in takes}) > 2, "a small style has few"


def test_what_a_plan_says_can_be_read_in_the_notes(considered: Callable[..., Outlook]) -> None:
    outlook = considered()
    seen: Counter[How] = Counter()
    for seed in range(12):
        take = taken(outlook, seed)
        bars, key, half = bars_of(take.tune), take.tune.key, take.tune.meter.bar_length / 2
        ladder = [pitch for pitch in range(128) if pitch % 12 in key.scale]
        assert take.plan is not None
        for each in take.plan.returns:
            here, there = bars[each.bar], bars[each.of]
            seen[each.how] += 1
            if each.how is How.EXACT:
                assert here == there
            elif each.how is How.OPENING:
                assert [n for n in here if n[0] < half] == [n for n in there if n[0] < half]
            else:
                assert [(place, length) for place, _, length in here] == [
                    (place, length) for place, _, length in there
                ]
            if each.how is How.MOVED:
                for (_, new, _), (_, old, _) in zip(here, there, strict=True):
                    assert new is not None
                    assert old is not None
                    assert ladder.index(new) == ladder.index(old) + each.steps
        for close in take.plan.closes:
            place, length = (ticks * outlook.idiom.tick for ticks in (close.place, close.ticks))
            (note,) = [note for note in bars[close.bar] if note[0] == place]
            assert note[1] is not None
            assert (note[1] - key.tonic) % 12 == close.degree
            assert note[2] >= length
        last = take.tune.sounding[-1]
        assert last.pitch is not None
        assert last.pitch % 12 == key.tonic
        assert take.tune.end == 8 * take.tune.meter.bar_length
    assert seen[How.EXACT] > 12
    assert seen[How.OPENING]


def test_parts_in_letters_return_to_the_note(considered: Callable[..., Outlook]) -> None:
    for seed in range(3):
        bars = bars_of(taken(considered(bars=16, form="ABA'C"), seed).tune)
        assert len(bars) == 16
        assert bars[8:11] == bars[0:3], "A' but for its last bar"
        assert bars[4:8] != bars[0:4]
        bars = bars_of(taken(considered(bars=8, form="ABAC"), seed).tune)
        assert bars[4:6] == bars[0:2]
        assert bars[6:8] != bars[0:2]


def test_constraints_hold_in_every_form_and_what_gives_way_is_said(
    considered: Callable[..., Outlook],
) -> None:
    pins = ("1:1=D5", "3:1=B4", "5:1=G4", "7:1=E4", "2:1=A4")
    outlook = considered(pins=pins)
    gave_way = 0
    for seed in range(6):
        take = taken(outlook, seed)
        bars = bars_of(take.tune)
        for text in pins:
            bar, name = int(text[0]), text[4:]
            place, pitch, _ = bars[bar - 1][0]
            assert place == 0
            assert pitch is not None
            assert pitch_name(pitch, take.tune.key) == name
        assert take.plan is not None
        kept = {each.bar for each in take.plan.returns if each.how is How.EXACT}
        for sentence in take.relaxed:
            if "could not repeat" in sentence:
                number = int(sentence.split()[1])
                assert number - 1 not in kept
                gave_way += 1
        assert not kept & {0, 2, 4, 6}, "differently pinned bars are no repeats"
    assert gave_way


def test_without_a_form_takes_are_as_likely_as_the_chain_says(considered: Callable[..., Outlook]) -> None:
    outlook = considered(bars=2, form="free")
    solution = outlook.solve()
    count = 600
    drawn = Counter(taken(outlook, seed).symbols for seed in range(count))
    assert len(drawn) > 3
    for symbols, times in drawn.items():
        chance = float(np.exp(solution.log_probability(symbols)))
        assert times == pytest.approx(count * chance, abs=4.5 * np.sqrt(count * chance * (1 - chance)) + 3)
    covered = sum(np.exp(solution.log_probability(symbols)) for symbols in drawn)
    assert covered > 0.8


def test_a_shorter_memory_is_tried_and_told() -> None:
    # No tune goes C D B, but one goes C D and another D B, so a memory of a single note finds the way.
    content = b"X:1\nM:3/4\nL:1/4\nK:C\nCDE|C3|\n\nX:2\nM:3/4\nL:1/4\nK:C\nGDB,|C3|\n"
    style = Style.of(list(read_tunes(content).tunes))
    asked = ComposeRecipe(bars=2, meter="3/4", key="C", form="free", max_copy=64)
    pinned = asked.model_copy(update={"pins": ("1:1=C4", "1:3=B3")})
    outlook = finish(consider(pinned, style))
    assert [note.pitch for note in taken(outlook, 0).tune.sounding] == [60, 62, 59, 60]
    assert [remark for remark in outlook.remarks if "looks back only 1" in remark]
    assert not finish(consider(asked, style)).remarks


def test_usual_endings_give_way_to_settings_that_rule_them_out(considered: Callable[..., Outlook]) -> None:
    outlook = considered(end="F#", form="free")
    assert "Your settings rule out the endings typical of this style." in outlook.remarks
    assert not considered(form="free").remarks


# Where notes come from
# ------------------------------------------------------------------------------------------------------------


def test_every_note_is_found_in_the_bars_it_is_said_to_come_from(
    considered: Callable[..., Outlook], style: Style
) -> None:
    songs = {tune.title: bars_of(tune) for tune in style}
    for seed in range(3):
        take = taken(considered(), seed)
        bars = bars_of(take.tune)
        sounding = [note for bar in bars for note in bar if note[1] is not None]
        assert len(take.origins) == len(sounding)
        for origin, note in zip(take.origins, sounding, strict=True):
            assert note in bars[origin.bar - 1]
            assert origin.songs
            assert 0 < origin.after <= 1
            for title, bar in origin.songs:
                assert any(other == note for other in songs[title][bar - 1]), "that very note is in that bar"
        assert take.plan is not None
        returning = {each.bar + 1: each.of + 1 for each in take.plan.returns if each.how is How.EXACT}
        assert {each.bar: each.returns for each in take.origins if each.returns} == returning


def test_symbols_fall_into_bars_as_the_notes_do(considered: Callable[..., Outlook]) -> None:
    take = taken(outlook := considered(), 2)
    for symbols, notes in zip(in_bars(outlook.idiom, take.symbols), bars_of(take.tune), strict=True):
        assert [outlook.idiom.events[symbol].pitch for symbol in symbols] == [pitch for _, pitch, _ in notes]


# Bars that are kept
# ------------------------------------------------------------------------------------------------------------


def test_kept_bars_stay_and_the_others_are_new(considered: Callable[..., Outlook]) -> None:
    for form in ("free", "learnt"):
        for seed in range(4):
            first = taken(considered(form=form), seed).tune
            again = taken(considered(first, form=form, keep=("3-4", "8=1")), seed).tune
            before, after = bars_of(first), bars_of(again)
            assert after[2:4] == before[2:4]
            assert after[7] == before[0]
            assert [a for n, a in enumerate(after) if n not in (2, 3, 7)] != [
                b for n, b in enumerate(before) if n not in (2, 3, 7)
            ]


def test_where_nothing_new_is_possible_around_kept_bars_it_is_said(
    considered: Callable[..., Outlook],
) -> None:
    first = taken(considered(bars=4, form="free"), 1).tune
    pins = tuple(
        f"4:{(note.start - 9) * 2 + 1}={pitch_name(note.pitch, first.key)}*{note.duration}"
        for note in first.sounding
        if note.start >= 9 and note.pitch is not None
    )
    again = taken(considered(first, bars=4, form="free", keep=("1-3",), pins=pins), 2)
    assert [(note.start, note.pitch) for note in again.tune.notes] == [
        (note.start, note.pitch) for note in first.notes
    ]
    assert "leave the bars around the kept ones as they were" in " ".join(again.relaxed)


def test_the_copy_limit_holds_across_returns(considered: Callable[..., Outlook], style: Style) -> None:
    limit = 8
    runs = {
        tuple(steps[at : at + limit])
        for tune in style
        for steps in [_steps([note.pitch for note in tune.sounding if note.pitch is not None])]
        for at in range(len(steps) - limit + 1)
    }
    outlook = considered(max_copy=limit)
    for seed in range(4):
        own = _steps([note.pitch for note in taken(outlook, seed).tune.sounding if note.pitch is not None])
        assert not [at for at in range(len(own) - limit + 1) if tuple(own[at : at + limit]) in runs]


def _steps(pitches: list[int]) -> list[int]:
    return [after - before for before, after in pairwise(pitches)]
