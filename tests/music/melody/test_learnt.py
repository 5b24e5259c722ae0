"""An idiom read back from the disk is the one that was learnt: the same tunes, forms, ways and takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.music.melody import learnt
from studio.music.melody.form import learn_forms, returns_in
from studio.music.melody.idiom import Idiom, learn
from studio.music.melody.learnt import forms_of, learn_or_recall
from studio.music.melody.recipes import ComposeRecipe
from studio.music.melody.takes import consider, draw
from studio.music.reading.readers import read_tunes
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.songs import counted
from studio.music.songs.counted import sung_of
from studio.music.songs.sung import SungIdiom
from studio.music.styles.runs import RunKind
from studio.music.styles.style import Style
from studio.process import finish
from tests.app.tunes import jigs

SIX_EIGHT, KEY = Meter.parse("6/8"), Key.parse("G")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    monkeypatch.setattr(learnt, "WORTH_KEEPING", 0)
    monkeypatch.setattr(learnt, "LARGE_TRELLIS", 0)
    learnt.latest_idiom.cache_clear()
    return tmp_path


@pytest.fixture(scope="module")
def style() -> Style:
    return Style.of(
        [tune for name, content in jigs().items() for tune in read_tunes(content, name).tunes], "jigs"
    )


def the_same(one: Idiom, other: Idiom) -> None:
    assert one.lines == other.lines
    assert one.events == other.events
    assert one.sequences == other.sequences
    assert (one.tick, one.bar, one.left_out, one.kindred) == (
        other.tick,
        other.bar,
        other.left_out,
        other.kindred,
    )
    assert one.range == other.range
    a, b = (idiom.trellis(idiom.walk(2), (idiom.copies(RunKind.INTERVAL, 9),)) for idiom in (one, other))
    for name in ("layer", "context", "accepting", "first", "symbol", "probability", "hop"):
        assert np.array_equal(getattr(a, name), getattr(b, name)), name
    assert (a.start, a.reach) == (b.start, b.reach)
    for kind in (RunKind.INTERVAL, RunKind.PITCH):
        assert one.viewpoint(kind).letters == other.heard(kind)[0].letters


def test_an_idiom_and_its_forms_come_back_as_they_were(style: Style, home: Path) -> None:
    plain = learn(style, SIX_EIGHT, KEY)
    for _ in range(2):
        idiom = learn_or_recall(style, SIX_EIGHT, KEY)
        the_same(idiom, plain)
        forms, expected = forms_of(idiom), learn_forms(plain)
        assert forms.plans == expected.plans
        assert forms.shapes == expected.shapes
    kinds = sorted({path.name.partition("-")[0] for path in (home / "learnt").iterdir()})
    assert kinds == ["copies", "forms", "idiom", "trellis"]


def test_the_forms_of_songs_come_back_too_and_are_not_those_of_their_melodies(
    style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = learn(style, SIX_EIGHT, KEY)
    wanted = [learn_forms(SungIdiom(plain).whole).plans, learn_forms(plain).plans]
    for learns in (learn_forms, None):  # then nothing is learnt again
        monkeypatch.setattr(learnt, "learn_forms", learns)
        counted._sung_last().clear()
        learnt.latest_idiom.cache_clear()
        for key in (KEY, Key.parse("D")):
            sung = sung_of(style, SIX_EIGHT, key, 4)
            assert [sung.forms().plans, forms_of(learn_or_recall(style, SIX_EIGHT, key)).plans] == wanted
    assert wanted[0] != wanted[1]


def test_another_key_or_other_tunes_are_not_taken_for_these(style: Style) -> None:
    assert learn_or_recall(style, SIX_EIGHT, KEY).key == KEY
    for name in ("A", "F", "G dorian"):
        idiom, plain = (make(style, SIX_EIGHT, Key.parse(name)) for make in (learn_or_recall, learn))
        the_same(idiom, plain)
        assert forms_of(idiom).plans == learn_forms(plain).plans
    fewer = style.part(range(3))
    assert learn_or_recall(fewer, SIX_EIGHT, KEY).lines == learn(fewer, SIX_EIGHT, KEY).lines


def test_keys_with_the_same_steps_share_what_counts_as_a_copy(style: Style, home: Path) -> None:
    keys = ("G", "D", "A", "E", "C", "F")
    for key in map(Key.parse, keys):
        the_same(learn_or_recall(style, SIX_EIGHT, key), learn(style, SIX_EIGHT, key))
    assert len(list((home / "learnt").glob("copies-*"))) < len(keys)


@pytest.mark.parametrize("damage", ["cut", "numbers", "missing"])
def test_what_is_damaged_is_learnt_again_in_silence(style: Style, home: Path, damage: str) -> None:
    def take() -> dict[str, object]:
        learnt.latest_idiom.cache_clear()
        outlook = finish(consider(ComposeRecipe(bars=8), style, max_copy=20))
        return vars(finish(draw(outlook, 5)))

    expected = take()
    for path in (home / "learnt").iterdir():
        if damage == "cut":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            continue
        with np.load(path) as archive:
            arrays = {name: archive[name] for name in archive.files}
        if damage == "missing":
            arrays.pop(next(iter(arrays)))
        else:
            arrays = {name: each + 1000 if each.dtype != bool else each for name, each in arrays.items()}
        with path.open("wb") as file:
            np.savez(file, **arrays)
    assert take() == expected
    assert take() == expected, "and is kept again"


def test_a_large_style_is_read_for_returns_as_each_tune_alone(style: Style) -> None:
    """The forms share what they know of bars; a tune by itself knows nothing."""
    idiom = learn(style, SIX_EIGHT, KEY)
    forms = learn_forms(idiom)
    for plans in forms.plans.values():
        for plan in plans:
            alone = returns_in(forms.shapes[plan.like].bars, idiom.bar, KEY.scale)
            assert list(plan.returns) == alone
