"""Recipes: the same text for the same wish, one sentence for every mistake, and controls that agree with the
schema pydantic derives.
"""

from __future__ import annotations

import json
import pickle
import re
from typing import Any, Literal

import pytest

from studio.errors import Refused, StudioError, UnknownName, Unreadable
from studio.images.recipes import DreamRecipe
from studio.making.kinds import KINDS
from studio.music.melody.recipes import ComposeRecipe
from studio.works.recipe import (
    Fold,
    ModelIdentity,
    Recipe,
    Setting,
    Source,
    check,
    controls,
    parameter,
    parse_json,
)

PHOTO = Source(sha256="0a" * 32, role="photo", name="sea.jpg", title="The sea", author="Anna", licence="CC0")


class Bench(Recipe):
    """One parameter of every shape a recipe may hold."""

    kind: Literal["bench"] = "bench"
    ratio: float = parameter(0.5, "A fraction.", ge=0, le=1, step=0.1, unit="%", in_sight=True)
    count: int = parameter(3, "How many.", ge=1, le=9)
    size: int | None = parameter(64, "Or nothing.", ge=8, le=128)
    meter: Literal["3/4", "4/4"] = parameter("4/4", "How it is counted.")
    names: tuple[str, ...] = parameter(("a",), "Several.")
    loud: bool = parameter(False, "Yes or no.")


GOING_ON = {"begin_at", "more"}
"""What a work that goes on from another says of the steps behind it; `studio resume` sets them."""

ALL = [Bench, *(kind.recipe_class() for kind in KINDS.values())]


# Controls


@pytest.mark.parametrize("kind", ALL)
def test_controls_agree_with_the_json_schema(kind: type[Recipe]) -> None:
    schema = kind.model_json_schema()["properties"]
    shown = {control.name: control for control in controls(kind)}
    assert list(shown) == [
        name
        for name in schema
        if name not in {"schema_version", "kind", "sources", "model", "setting"} | GOING_ON | {"pieces"}
    ]
    for name, control in shown.items():
        declared: dict[str, Any] = schema[name]
        branches = [branch for branch in declared.get("anyOf", [declared]) if branch.get("type") != "null"]
        assert len(branches) == 1, name
        form = branches[0] | {key: declared[key] for key in ("minimum", "maximum") if key in declared}
        assert control.help == declared["description"] != "", name
        assert json.loads(json.dumps(control.default)) == declared["default"], name
        assert control.minimum == form.get("minimum"), name
        assert control.maximum == form.get("maximum"), name
        assert control.many == (form["type"] == "array"), name
        one = form["items"] if control.many else form
        assert (
            control.type is {"integer": int, "number": float, "string": str, "boolean": bool}[one["type"]]
        ), name
        assert control.choices == tuple(one.get("enum", ())), name
        if control.type in (int, float) and not control.many:
            assert control.minimum is not None, f"{name}: a number without limits cannot be a slider"
            assert control.maximum is not None


def test_what_a_slider_needs_besides() -> None:
    ratio = next(control for control in controls(Bench) if control.name == "ratio")
    assert (ratio.step, ratio.unit, ratio.fold, ratio.option) == (0.1, "%", Fold.IN_SIGHT, "--ratio")
    assert {control.fold for control in controls(Bench) if control.name != "ratio"} == {Fold.FOLDED}
    assert next(c for c in controls(DreamRecipe) if c.name == "octave_scale").option == "--octave-scale"


# The text and the fingerprint


WRITTEN = {
    "meter": "7/8",
    "key": "F# minor",
    "form": "AABA",
    "range": "G3:E5",
    "start": "D4",
    "end": "D",
    "scale": "pentatonic",
    "pins": "4:1=G4*3/2",
    "keep": "9-10=1-2",
    "rhythm": "1 1/2 1/2 1 1r",
    "motifs": "+2 +2 -4",
    "avoid": "D4 F#4 A4",
    "density": "3:8",
    "cadences": "8=5",
    "contour": "5:A5",
    "instrument": "Violin",
    "chords": "C | Am7 D7",
    "chord_changes": "1:2",
    "section_keys": "B=G",
    "style_weights": 2.0,
    "guide_weights": 2.0,
    "keep_sections": "A2",
    "keep_parts": "Bass",
    "keep_chords": "3-4",
    "keep_notes": "4:1",
    "part_seeds": "Bass=7",
    "mix": "Bass=-3",
    "regions": "subject",
}
"""What is written in a language of its own: name of the parameter -> something that can be said in it."""


def other_value(control: Any) -> Any:
    """A valid value that is not the default."""
    if control.choices:
        return next(choice for choice in control.choices if choice != control.default)
    if control.type is bool:
        return not control.default
    if control.many:
        return (*control.default, WRITTEN.get(control.name, "blocks.2"))
    if control.type in (int, float):
        return control.type(control.minimum if control.default != control.minimum else control.maximum)
    written: str = WRITTEN.get(control.name, "another")
    return "ABAC" if written == control.default else written


@pytest.mark.parametrize("kind", ALL)
def test_every_parameter_changes_the_fingerprint_and_survives_the_text(kind: type[Recipe]) -> None:
    plain = kind(sources=(PHOTO,))
    seen = {plain.fingerprint}
    for control in controls(kind):
        changed = kind(sources=(PHOTO,), **{control.name: other_value(control)})
        assert changed.fingerprint not in seen, control.name
        seen.add(changed.fingerprint)
        assert parse_json(kind, changed.to_json()) == changed


def test_an_empty_wish_is_a_wish() -> None:
    """None where the default is a value must not come back as the default."""
    emptied = Bench(size=None)
    assert parse_json(Bench, emptied.to_json()) == emptied
    assert emptied.fingerprint != Bench().fingerprint


def test_sources_count_by_content_and_role_not_by_label() -> None:
    plain = Bench(sources=(PHOTO,))
    for update in ({"name": "b.jpg"}, {"title": "x"}, {"author": "x"}, {"licence": "x"}):
        assert Bench(sources=(PHOTO.model_copy(update=update),)).fingerprint == plain.fingerprint
    for update in ({"role": "guide"}, {"sha256": "0b" * 32}):
        assert Bench(sources=(PHOTO.model_copy(update=update),)).fingerprint != plain.fingerprint
    assert Bench(sources=(PHOTO, PHOTO.model_copy(update={"role": "guide"}))).fingerprint != plain.fingerprint


def test_the_machine_is_recorded_but_not_asked_for() -> None:
    made = Bench(
        setting=Setting(device="cpu", versions={"torch": "9"}),
        model=ModelIdentity(name="net", sha256="1c" * 32),
    )
    assert made.fingerprint == Bench().fingerprint
    assert made.to_json() != Bench().to_json()
    assert parse_json(Bench, made.to_json()) == made


def test_equal_recipes_are_equal_texts() -> None:
    one, two = Bench(ratio=1, count=2, seed=3), Bench(seed=3, count=2, ratio=1.0)
    assert one.to_json() == two.to_json()
    fields = json.loads(one.to_json())
    assert one.to_json() == json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    shuffled = json.dumps(dict(reversed(fields.items())), indent=4)
    assert parse_json(Bench, shuffled).to_json() == one.to_json()
    assert "Çhina “寺”" in Bench(sources=(PHOTO.model_copy(update={"title": "Çhina “寺”"}),)).to_json()


def test_recipes_do_not_change_once_checked() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Bench().ratio = 0.9


def test_labels_carry_no_folders_and_no_control_signs() -> None:
    named = Source(
        sha256="0a" * 32,
        role="photo",
        name="C:\\Users\\Anna Muster\\sea.jpg",
        title="The\x1b[31m\r\nsea",
        author="\u2028A",
    )
    assert (named.name, named.title, named.author) == ("sea.jpg", "The [31m sea", "A")
    assert Source(sha256="0a" * 32, role="photo", name="/home/anna/sea.jpg").name == "sea.jpg"
    family = "👩\u200d👧"
    assert Source(sha256="0a" * 32, role="photo", title=family).title == family


# One sentence for every mistake


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"count": 12}, "count is 12; it must be at least 1 and at most 9."),
        ({"count": 2.5}, "count is 2.5; it must be a whole number, at least 1 and at most 9."),
        ({"count": "many"}, "count is 'many'; it must be a whole number, at least 1 and at most 9."),
        ({"count": 10**5000}, "count is too long; it must be at least 1 and at most 9."),
        ({"size": "big"}, "size is 'big'; it must be a whole number, at least 8 and at most 128."),
        ({"ratio": "half"}, "ratio is 'half'; it must be a number, at least 0 and at most 1."),
        ({"ratio": float("nan")}, "ratio is nan; it must be a number, at least 0 and at most 1."),
        ({"meter": "5/4"}, "meter is '5/4'; it must be '3/4' or '4/4'."),
        ({"loud": "perhaps"}, "loud is 'perhaps'; it must be true or false."),
        ({"names": "a"}, "names is 'a'; it must be a list."),
        ({"seed": -1}, "seed is -1; it must be at least 0 and at most 2147483647."),
        ({"ration": 1}, "'ration' is not a setting of a bench; did you mean 'ratio'?"),
        ({"zzzz": 1}, "'zzzz' is not a setting of a bench; leave it out."),
        ({"sources": [{"role": "photo"}]}, "sources.0.sha256 is missing; fill it in."),
        (
            {"sources": [{"role": "photo", "sha256": "xyz"}]},
            "sources.0.sha256 is 'xyz'; it must be 64 digits from 0 to 9 and a to f.",
        ),
        ({"names": ["x" * 10_000, 5]}, "entry 2 of names is 5; it must be text."),
    ],
)
def test_a_mistake_is_said_in_one_sentence(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        check(Bench, fields)
    assert str(caught.value) == sentence


def test_what_a_kind_says_itself_is_passed_on() -> None:
    with pytest.raises(Refused, match=r"^layers is \[\]; choose at least one layer to dream with\.$"):
        check(DreamRecipe, {"layers": []})
    with pytest.raises(Refused, match=r"write NAME\[:CHANNEL\]\[\*WEIGHT\]"):
        check(DreamRecipe, {"layers": ["blocks 4"]})


def test_a_long_mistake_stays_a_short_sentence() -> None:
    for fields in (
        {"x" * 100_000: 1},
        {"meter": "y" * 100_000},
        {"sources": [{"role": "p", "sha256": "0" * 64, "title": "t" * 9000}]},
    ):
        with pytest.raises(Refused) as caught:
            check(Bench, fields)
        assert len(str(caught.value)) < 240


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid JSON"),
        ("null", "not valid JSON"),
        ("[]", "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        ("[" * 200_000, "not valid JSON"),
        (
            '{"schema_version":2,"kind":"bench","new":1}',
            "A newer studio wrote this recipe (schema 2; this one reads 1): update the studio.",
        ),
        ('{"schema_version":1.5}', "newer studio"),
        ('{"schema_version":"one"}', "schema version is 'one'; it must be 1."),
        ('{"kind":"song"}', "kind is 'song'; it must be 'bench'."),
        ('{"ratio":NaN}', "changed by hand and is no longer valid: ratio is nan"),
        ('{"count":"lots"}', "changed by hand and is no longer valid: count is 'lots'"),
        ('{"ratio":0.5,"rato":1}', "'rato' is not a setting of a bench; did you mean 'ratio'?"),
    ],
)
def test_a_recipe_edited_into_nonsense_is_unreadable_in_one_sentence(text: str | bytes, said: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse_json(Bench, text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert re.search(r"[.?]$", str(caught.value))


# In words


def test_words_read_as_a_person_would_tell_it() -> None:
    guide = PHOTO.model_copy(update={"role": "guide", "title": "", "name": "owl.png"})
    mask = PHOTO.model_copy(update={"role": "mask"})
    plain = DreamRecipe(sources=(PHOTO,), seed=7).in_words()
    full = DreamRecipe(sources=(PHOTO, guide, mask), seed=7, strength=0.5, keep_colours=True).in_words()
    assert plain.startswith("The sea dreamt by efficientnet_lite0")
    assert plain.endswith("seed 7.")
    for part in (
        "The sea",
        "guided by owl.png",
        "only where the mask is light",
        "keeping its own colours",
        "50%",
    ):
        assert part in full
    assert "guided" not in plain
    for said in (
        plain,
        full,
        DreamRecipe().in_words(),
        Bench(sources=(PHOTO,)).in_words(),
        Bench().in_words(),
    ):
        assert said[0].isupper()
        assert said.count(".") >= 1
        assert not re.search(r"None|\(\)|  |, ,|\{", said), said
    assert Bench(sources=(PHOTO,), seed=4).in_words() == "Bench from The sea, seed 4."


def test_the_sentence_of_a_tune_names_its_constraints() -> None:
    said = ComposeRecipe(style="american-fife", seed=3, range="G3:E5", start="D", density="3:8").in_words()
    assert said.endswith("with the range G3:E5, the start on D, 3 to 8 notes a bar; seed 3.")
    assert "with" not in ComposeRecipe(style="american-fife", seed=3).in_words()


# Errors


def test_an_unknown_name_offers_the_nearest_or_says_what_there_is() -> None:
    layers = [f"blocks.{number}" for number in range(7)]
    assert (
        str(UnknownName("layer", "blokcs.4", layers))
        == "There is no layer 'blokcs.4'; did you mean 'blocks.4'?"
    )
    assert (
        str(UnknownName("look", "zzz", ["eyes", "cells"]))
        == "There is no look 'zzz'; choose from cells, eyes."
    )
    assert str(UnknownName("look", "zzz", [])) == "There is no look 'zzz'; there are none yet."
    many = [f"style{number:03}" for number in range(50)]
    assert "there are 50, such as style000" in str(UnknownName("tune", "zzz", many))
    assert len(str(UnknownName("tune", "z" * 1_000_000, many))) < 300


@pytest.mark.parametrize(
    "error", [Refused("No."), Unreadable("No."), UnknownName("layer", "a", iter(["b", "c"]))]
)
def test_errors_travel_between_processes(error: StudioError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)


@pytest.mark.parametrize(
    ("field", "value"), [("seed", True), ("count", False), ("ratio", True), ("size", True)]
)
def test_true_is_no_number(field: str, value: bool) -> None:
    with pytest.raises(Refused, match=f"^{field} is {str(value).lower()}; it must be a number.$"):
        check(Bench, {field: value})
    assert check(Bench, {"loud": value}).loud is value


def test_true_is_no_number_in_a_list_either() -> None:
    from studio.images.recipes import StyleRecipe

    with pytest.raises(Refused, match=r"^style weights is true; it must be a number\.$"):
        check(StyleRecipe, {"style_weights": [1.0, True]})


def test_credit_that_is_asked_for_must_be_there() -> None:
    there = Bench(sources=(PHOTO,)).to_json()
    same = PHOTO.model_copy(update={"title": "", "author": "", "licence": "", "name": "other.jpg"})
    other = PHOTO.model_copy(update={"author": "Ben"})
    assert Bench(sources=(PHOTO,)).is_credited_as(there)
    assert Bench(sources=(same,)).is_credited_as(there), "nothing is asked for"
    assert not Bench(sources=(other,)).is_credited_as(there)
    assert not Bench(sources=(PHOTO, PHOTO)).is_credited_as(there)
    assert not Bench(sources=(PHOTO,)).is_credited_as("[]")
