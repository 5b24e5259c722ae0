"""What a refusal suggests can be done: every wish is found again by the name that `constraints` gives it."""

from __future__ import annotations

import pytest

from studio.errors import Refused
from studio.music.chains.sampling import Conflict
from studio.music.melody.constraints import CONSTRAINTS, Ground, compile_wishes, refusal
from studio.music.melody.idiom import learn
from studio.music.melody.recipes import ComposeRecipe
from studio.music.melody.relaxing import ways_out
from studio.music.melody.takes import consider
from studio.music.reading.readers import read_tunes
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.styles.style import Style
from studio.process import finish

TUNES = (
    b"X:1\nM:4/4\nL:1/4\nK:C\nCDEF|GFED|CEGE|DB,C2|\n",
    b"X:2\nM:4/4\nL:1/4\nK:C\nEDCD|EFGE|FEDE|FDC2|\n",
)

WISHES = {
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


@pytest.fixture(scope="module")
def style() -> Style:
    return Style.of([tune for content in TUNES for tune in read_tunes(content).tunes])


def test_every_hard_wish_can_be_let_go_by_the_name_it_is_refused_with(style: Style) -> None:
    recipe = ComposeRecipe(bars=4, **WISHES)  # type: ignore[arg-type]
    assert set(WISHES) | {"bars", "meter", "max_copy", "theme_pull", "form"} == {
        row.field for row in CONSTRAINTS
    }
    idiom = learn(style, Meter(4, 4), Key(0), longest=2)
    ground = Ground(idiom, idiom.walk(1), 4, take=style[0], max_copy=8)
    names = [wish.name for wish in compile_wishes(ground, recipe).hard]
    assert len(names) == 15
    for name in names:
        alone = ways_out(recipe, str(refusal(Conflict((name,), (), True, 1), "The style", 2)))
        among = ways_out(
            recipe, str(refusal(Conflict((*names[:3], name), (name, "the meter"), True, 1), "The style", 2))
        )
        assert len(alone) == 1, name
        assert alone == among
        (way,) = alone
        if way.field == "max_copy":
            assert way.value == 12
            continue
        value = tuple(way.value) if isinstance(way.value, list) else way.value
        changed = recipe.model_copy(update={way.field: value})
        assert {wish.name for wish in compile_wishes(ground, changed).hard} == set(names) - {name}


def test_what_is_suggested_helps(style: Style) -> None:
    recipe = ComposeRecipe(bars=4, meter="4/4", key="C", form="free", pins=("1:1=C4", "2:1=C7"), max_copy=64)
    with pytest.raises(Refused) as refused:
        finish(consider(recipe, style))
    (way,) = ways_out(recipe, str(refused.value))
    assert (way.field, way.value) == ("pins", ["1:1=C4"])
    finish(consider(recipe.model_copy(update={way.field: tuple(way.value)}), style))


def test_a_sentence_of_another_kind_suggests_nothing() -> None:
    assert ways_out(ComposeRecipe(end="D"), "There is no style 'foo'; did you mean 'oneill'?") == ()


def test_a_form_that_cannot_be_had_gives_way_to_that_of_the_style() -> None:
    recipe = ComposeRecipe(form="AABA")
    (way,) = ways_out(
        recipe,
        "The form AABA cannot be had with these wishes: bar 5 cannot be bar 1 again; ask for another form or seed.",
    )
    assert (way.field, way.value) == ("form", "learnt")
