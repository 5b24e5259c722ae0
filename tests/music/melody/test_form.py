"""Form: read from tunes made up so that it is known, and planned as asked."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from studio.errors import Refused
from studio.music.melody.form import (
    Close,
    FormPlan,
    Forms,
    How,
    Return,
    cut,
    learn_forms,
    measure,
    moved,
    returns_in,
)
from studio.music.melody.idiom import Idiom, learn
from studio.music.reading.readers import read_tunes
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.styles.style import Style

#       1     2     3: as 1  4: 2 with another end  5: 3, a step up  6: rhythm of 4    7: as 5   8
KNOWN = "CEDF |GFED|CEDF     |GFE2                   |DFEG             |EAC2             |DFEG     |B,DC2|"


def idiom_of(*tunes: str) -> Idiom:
    content = "\n".join(
        f"X:{number}\nT:{number}\nM:4/4\nL:1/4\nK:C\n{music}\n" for number, music in enumerate(tunes, 1)
    )
    return learn(Style.of(list(read_tunes(content.encode()).tunes)), Meter(4, 4), Key(0), longest=2)


@pytest.fixture(scope="module")
def forms() -> Forms:
    return learn_forms(idiom_of(KNOWN))


def test_the_returns_of_a_tune_are_read_bar_by_bar(forms: Forms) -> None:
    (plan,) = forms.plans[8]
    assert plan.returns == (
        Return(2, 0, How.EXACT),
        Return(3, 1, How.OPENING),
        Return(4, 2, How.MOVED, 1),
        Return(5, 3, How.RHYTHM),
        Return(6, 4, How.EXACT),
        Return(7, 5, How.RHYTHM),
    )
    assert plan.letters == "1 2 1 3 4 5 4 6"
    assert plan.returning == 2 / 8
    assert plan.in_words() == "bar 3 is 1; bar 4 is 2 with another ending; bar 5 is 3 moved; bar 7 is 5"


def test_phrases_close_where_the_tune_breathes_and_at_its_end(forms: Forms) -> None:
    (plan,) = forms.plans[8]
    half = forms.idiom.bar // 2
    assert plan.closes == (Close(3, half, half, 4), Close(7, half, half, 0))


def test_runs_of_bars_are_told_together() -> None:
    runs = [Return(4, 0, How.EXACT), Return(5, 1, How.EXACT), Return(6, 3, How.EXACT)]
    assert FormPlan(8, tuple(runs)).in_words() == "bars 5-6 are 1-2; bar 7 is 4"
    assert FormPlan(8).in_words() == "nothing returns"
    parts = FormPlan(8, parts=((0, "A"), (4, "B")))
    assert parts.in_words() == "part A from bar 1; part B from bar 5"


def test_a_plan_survives_json(forms: Forms) -> None:
    plan = forms.sections("AB", 16, np.random.default_rng(1))
    read = FormPlan.from_data(json.loads(json.dumps(plan.to_data())))
    assert (read.bars, read.returns, read.parts) == (plan.bars, plan.returns, plan.parts)
    assert read.in_words() == plan.in_words()
    assert read.letters == plan.letters == plan.to_data()["letters"]


def test_a_repeated_part_is_read_as_played_and_once_through() -> None:
    forms = learn_forms(idiom_of("|:CDEF|GFE2:|AGFE|EDC2|"))
    assert {length: len(plans) for length, plans in forms.plans.items()} == {4: 1, 6: 1}
    (played,), (once,) = forms.plans[6], forms.plans[4]
    assert played.letters == "1 2 1 2 3 4"
    assert played.parts == ((0, "A"), (2, "B"), (4, "C"))
    assert once.letters == "1 2 3 4"
    assert once.parts == ((0, "A"), (2, "B"))
    assert forms.period == 2


def test_letters_return_as_they_say(forms: Forms) -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        letters = forms.sections("AA'BA", 32, random).letters.split()
        assert letters[8:14] == letters[:6], "A' is A but for its last quarter"
        assert not set(letters[14:16]) & set(letters[:8])
        assert not set(letters[16:24]) & set(letters[:16]), "B is new"
        assert letters[24:] == letters[:8]


def test_bars_that_cannot_be_shared_out_are_refused_with_numbers_that_can(forms: Forms) -> None:
    with pytest.raises(Refused, match="make it 9 or 12 bars"):
        forms.sections("ABA", 10, np.random.default_rng(0))


@pytest.mark.parametrize("bars", [2, 5, 8, 11, 40, 128])
def test_every_number_of_bars_has_a_plan_that_closes_on_the_tonic(forms: Forms, bars: int) -> None:
    for seed in range(5):
        plan = forms.plan(bars, np.random.default_rng(seed))
        assert plan.bars == bars
        assert all(0 <= each.of < each.bar < bars for each in plan.returns)
        (last,) = [close for close in plan.closes if close.bar == bars - 1]
        assert last.degree == 0
    if bars == 128:
        period = forms.period
        letters = plan.letters.split()
        assert letters[2 * period : 3 * period] == letters[:period], "a rondo: A B A C …"
        assert letters[period : 2 * period] != letters[:period]


def test_plans_are_drawn_as_often_as_tunes_have_them() -> None:
    twice, once = "CDEF|GFED|CDEF|GFEC|", "CEGE|CEGE|FEDE|DB,C2|"
    forms = learn_forms(idiom_of(twice, twice.replace("G", "A"), once))
    random = np.random.default_rng(5)
    drawn = Counter(forms.plan(4, random).letters for _ in range(900))
    assert set(drawn) == {"1 2 1 3", "1 1 2 3"}
    assert drawn["1 2 1 3"] == pytest.approx(600, abs=60)


def test_a_part_of_a_plan_keeps_what_lies_within() -> None:
    plan = FormPlan(
        8, (Return(2, 0, How.EXACT), Return(6, 2, How.EXACT)), (Close(3, 0, 4, 0), Close(7, 0, 4, 0))
    )
    assert cut(plan, 4) == FormPlan(4, (Return(2, 0, How.EXACT),), (Close(3, 0, 4, 0),))


def test_what_is_played_in_a_bar_of_its_kind_is_weighed_up() -> None:
    # Of bars that are played twice, only the opening bar begins on C, and only there.
    forms = learn_forms(idiom_of("CDEF|GFED|EDEF|GFED|", "CEDF|GAGF|EFGF|GFED|"))
    idiom = forms.idiom
    on_c = (idiom.pitch == 60) & (idiom.place == 0)
    on_g = (idiom.pitch == 67) & (idiom.place == 0)
    weights = forms.weights(8)
    assert weights.shape == (8, idiom.alphabet)
    assert (weights[0, on_c] > 1.2).all()
    assert (weights[1, on_c] < 1).all()
    assert (weights[1, on_g] > 1).all()
    assert ((weights >= 0.1 - 1e-12) & (weights <= 10 + 1e-12)).all()
    assert (forms.weights(8, strength=0) == 1).all()


def test_a_tune_keeps_the_gait_of_the_one_that_lent_its_plan() -> None:
    forms = learn_forms(idiom_of("C4|D4|C4|E4|", "CDEF|GFED|CDEF|EDCD|"))
    idiom = forms.idiom
    long, short = idiom.ticks == idiom.bar, idiom.ticks == idiom.bar // 4
    for plan in forms.plans[4]:
        gait = forms.gait(plan)
        slow = plan.like == 0
        on_c = (idiom.pitch == 60) & (idiom.place == 0)
        likelier, rarer = (long, short) if slow else (short, long)
        assert gait[likelier & on_c] > 1 > gait[rarer & on_c]
    assert (forms.gait(FormPlan(4)) == 1).all()


def test_moving_by_steps_of_the_scale_is_walking_up_and_down_it() -> None:
    scale = Key(2).scale  # D major
    ladder = [pitch for pitch in range(128) if pitch % 12 in scale]
    for place in range(20, 40):
        for steps in range(-9, 10):
            assert moved(ladder[place], steps, scale) == ladder[place + steps]
    assert moved(60, 1, scale) is None, "there is no C in D major"


def test_among_equal_bars_the_return_goes_on_where_it_was_or_goes_back_to_the_first() -> None:
    a, b, c, d = "CDEF|", "GFED|", "AECG|", "BGDB|"
    for tune, wanted in (
        (a + b + c + a + d + c + a, {3: 0, 5: 2, 6: 3}),
        (a + b + c + a + d + a, {3: 0, 5: 0}),
    ):
        idiom = idiom_of(tune)
        bars = idiom.lines[0].in_bars()
        found = returns_in(bars, idiom.bar, idiom.key.scale)
        assert {each.bar: each.of for each in found if each.how is How.EXACT} == wanted


def test_measures_of_a_tune_that_is_known() -> None:
    idiom = idiom_of(KNOWN)
    told = measure(idiom.lines[0].in_bars(), idiom.bar, idiom.key.scale, period=4)
    assert (told.exact, told.opening, told.moved) == (2 / 8, 1 / 8, 1 / 8)
    assert (told.breathing, told.tonic, told.closed) == (1.0, 1.0, 1.0)
    assert -1 <= told.contrast <= 1
