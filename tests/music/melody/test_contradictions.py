"""Settings that cannot hold together: which ones, what would help, and that it really helps. Nobody reads the
sentence for that.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from studio.errors import Contradiction, Refused, error_data, ways_out_of
from studio.music.chains.conflicts import Conflict
from studio.music.melody import compose, constraints, takes
from studio.music.melody.compiling import Context, compile_constraints
from studio.music.melody.compose import take_of
from studio.music.melody.constraints import CONSTRAINTS, contradiction
from studio.music.melody.idiom import learn
from studio.music.melody.recipes import ComposeRecipe
from studio.music.melody.takes import consider, draw
from studio.music.reading.readers import read_tunes
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.styles.style import Style
from studio.process import finish
from studio.works.recipe import Source

TUNES = (
    b"X:1\nM:4/4\nL:1/4\nK:C\nCDEF|GFED|CEGE|DB,C2|\n",
    b"X:2\nM:4/4\nL:1/4\nK:C\nEDCD|EFGE|FEDE|FDC2|\n",
)

SETTINGS: dict[str, Any] = {
    "scale": "pentatonic",
    "range": "C4:G4",
    "start": "C4",
    "end": "C",
    "pins": ("2:1=E4", "2:1=E4*1", "3:1=note"),
    "rhythm": ("1 1 1 1",),
    "motifs": ("C4 D4",),
    "avoid": ("+2 +2 +2",),
    "density": "2:4",
    "cadences": ("4=1",),
    "contour": ("1:C4", "4:E4"),
    "contour_limit": 7,
    "keep": ("1",),
}
"""One of everything that can be asked for."""


@pytest.fixture(scope="module")
def style() -> Style:
    return Style.of([tune for content in TUNES for tune in read_tunes(content).tunes])


@pytest.fixture(scope="module")
def context(style: Style) -> Context:
    idiom = learn(style, Meter(4, 4), Key(0), longest=2)
    return Context(idiom, idiom.walk(1), 4, take=style[0], max_copy=8)


def with_change(recipe: ComposeRecipe, way: Any) -> ComposeRecipe:
    """The recipe after its way out, given as JSON would give it."""
    return type(recipe).model_validate(recipe.model_dump() | {way["field"]: way["value"]})


def test_every_hard_setting_can_be_left_out_alone(context: Context) -> None:
    recipe = ComposeRecipe(bars=4, **SETTINGS)
    assert set(SETTINGS) | {"bars", "meter", "max_copy", "theme_pull", "form"} == {
        row.field for row in CONSTRAINTS
    }
    compiled = compile_constraints(context, recipe)
    names = [requirement.name for requirement in compiled.hard]
    assert len(names) == 15
    for name in names:
        error = contradiction(Conflict((name,), (name,), True, 1), compiled, recipe, "The style", 2)
        data = json.loads(json.dumps(error_data(error)))
        (asked,), (way, *others) = data["conflict"], ways_out_of(data)
        assert asked["name"] == name
        if asked["field"] == "range":  # or a range that the style has
            assert [other["field"] for other in others] == ["range"]
        else:
            assert not others
        assert way["field"] == asked["field"]
        value = getattr(recipe, asked["field"])
        if asked["field"] == "max_copy":
            assert (asked["value"], way["value"]) == (8, 12)
            assert way["label"] == "Allow 12 notes in a row as in the style"
            continue
        assert asked["value"] in value if isinstance(value, tuple) else asked["value"] == value
        assert way["label"] == f"Leave out {name}"
        fewer = compile_constraints(context, with_change(recipe, way))
        assert {requirement.name for requirement in fewer.hard} == set(names) - {name}


def test_only_what_helps_alone_is_offered(style: Style) -> None:
    recipe = ComposeRecipe(bars=4, meter="4/4", key="C", form="free", pins=("1:1=C4", "2:1=C7"), max_copy=64)
    with pytest.raises(Contradiction) as caught:
        finish(consider(recipe, style))
    (way,) = ways_out_of(error_data(caught.value))
    assert (way["field"], way["value"]) == ("pins", ["1:1=C4"])
    finish(consider(with_change(recipe, way), style))

    twice = recipe.model_copy(update={"pins": ("1:1=C4", "2:1=C7", "3:1=C8")})
    with pytest.raises(Contradiction) as caught:
        finish(consider(twice, style))
    assert len(caught.value.conflict) == 1
    assert caught.value.ways_out == (), "neither pin alone makes the other possible"


def test_two_settings_that_exclude_each_other_are_both_offered(style: Style) -> None:
    recipe = ComposeRecipe(
        bars=4, meter="4/4", key="C", form="free", start="E4", pins=("1:1=C4",), max_copy=64
    )
    with pytest.raises(Contradiction) as caught:
        finish(consider(recipe, style))
    data = error_data(caught.value)
    assert [(each["field"], each["value"]) for each in data["conflict"]] == [
        ("start", "E4"),
        ("pins", "1:1=C4"),
    ]
    assert [(way["field"], way["value"]) for way in ways_out_of(data)] == [("start", None), ("pins", [])]
    for way in ways_out_of(data):
        finish(consider(with_change(recipe, way), style))


def test_the_wording_of_the_sentence_changes_nothing(style: Style, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = ComposeRecipe(bars=4, meter="4/4", key="C", form="free", pins=("2:1=C7",), max_copy=64)
    with pytest.raises(Contradiction) as before:
        finish(consider(recipe, style))
    monkeypatch.setattr(constraints, "_in_a_sentence", lambda *_: "No.")
    with pytest.raises(Contradiction) as after:
        finish(consider(recipe, style))
    assert str(after.value) == "No." != str(before.value)
    assert error_data(after.value) == error_data(before.value) != {}
    assert error_data(pickle.loads(pickle.dumps(after.value))) == error_data(before.value)


def test_bars_that_no_tune_fills_are_named(style: Style) -> None:
    recipe = ComposeRecipe(bars=4)
    idiom = learn(style, Meter(4, 4), Key(0), longest=2)
    compiled = compile_constraints(Context(idiom, idiom.walk(1), 4), recipe)
    error = contradiction(Conflict((), (), True, 1), compiled, recipe, "The style", 1)
    assert [(each.field, each.value) for each in error.conflict] == [("bars", 4), ("meter", "4/4")]


def test_a_form_in_letters_that_is_impossible_gives_way_to_one_of_the_style(style: Style) -> None:
    # Both halves shall be the same, and yet begin differently.
    pins = ("1:1=C4", "3:1=E4")
    recipe = ComposeRecipe(bars=4, meter="4/4", key="C", form="AA", pins=pins, max_copy=64)
    outlook = finish(consider(recipe, style))
    with pytest.raises(Contradiction) as caught:
        finish(draw(outlook, 1))
    data = error_data(caught.value)
    assert [(each["field"], each["value"]) for each in data["conflict"]] == [("form", "AA")]
    assert ways_out_of(data) == [{"label": "Take a form of the style", "field": "form", "value": "learnt"}]
    finish(draw(finish(consider(recipe.model_copy(update={"form": "learnt"}), style)), 1))


def test_other_refusals_carry_no_data(style: Style) -> None:
    with pytest.raises(Refused) as caught:
        finish(consider(ComposeRecipe(bars=4, meter="4/4", pins=("9:1=C4",)), style))
    assert error_data(caught.value) == {}


# Several takes of one request
# ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Everything that `explain` was asked; no request is in memory before or after."""
    calls: list[object] = []
    real = takes.explain

    def explain(*args: Any, **more: Any) -> Any:
        calls.append(args)
        return real(*args, **more)

    monkeypatch.setattr(takes, "explain", explain)
    compose._kept_requests.cache_clear()
    yield calls
    compose._kept_requests.cache_clear()


def test_a_conflict_is_found_once_for_all_takes_of_a_request(counted: list[object]) -> None:
    sources = tuple(
        Source(sha256=f"{number:064x}", role="tune", name=f"{number}.abc") for number in range(len(TUNES))
    )

    def materials(source: Source) -> bytes:
        return TUNES[int(source.sha256, 16)]

    recipe = ComposeRecipe(
        style="mine", sources=sources, bars=4, meter="4/4", key="C", pins=("2:1=C7",), max_copy=64
    )
    caught = []
    for seed in range(3):
        for form in ("mid", "abc"):
            with pytest.raises(Contradiction) as error:
                take_of(recipe.model_copy(update={"seed": seed, "format": form}), materials)
            caught.append(error.value)
    assert len(counted) == 1
    assert len({str(error) for error in caught}) == 1
    assert all(error_data(error) == error_data(caught[0]) for error in caught)
    assert len({id(error) for error in caught}) == len(caught), "each is an error of its own"

    with pytest.raises(Contradiction):
        take_of(recipe.model_copy(update={"pins": ("2:1=C8",)}), materials)
    assert len(counted) == 2, "another request is looked into anew"
    take_of(recipe.model_copy(update={"pins": ()}), materials)


@pytest.mark.parametrize(
    ("settings", "at_once"),
    [
        ({"pins": ("1:1=C4", "1:1=G4")}, True),
        ({"pins": ("1:1=C4",), "start": "G4"}, True),
        ({"range": "C4:D4", "end": "G"}, True),
        ({"pins": ("1:1=B3", "1:2=G4")}, True),
        ({"max_copy": 2}, False),
    ],
)
def test_what_no_memory_and_no_copy_limit_could_allow_is_explained_at_once(
    style: Style, settings: dict[str, Any], at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The explanation is the one that the search with shorter memories comes to."""
    recipe = ComposeRecipe(style="tunes", bars=4, order=2, form="free", **settings)

    def stages_and_conflict() -> tuple[list[str], Contradiction]:
        stages: list[str] = []
        with pytest.raises(Contradiction) as told:
            stages.extend(consider(recipe, style, max_copy=3))
        return stages, told.value

    quick, explained = stages_and_conflict()
    monkeypatch.setattr(takes, "_hopeless", lambda *_: False)
    slow, same = stages_and_conflict()
    assert (explained.conflict, explained.ways_out, str(explained)) == (
        same.conflict,
        same.ways_out,
        str(same),
    )
    searched = "looking for melodies with a shorter memory"
    assert searched in slow
    assert (searched in quick) is not at_once
