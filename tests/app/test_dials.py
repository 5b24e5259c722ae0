"""A recipe's controls as components: what they show and what they are set to are the same settings."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from studio.app.desk import Desk
from studio.app.dials import Dials, recipe_settings
from studio.app.gradio_patches import AS_IT_IS
from studio.app.intake import Credit
from studio.app.page import build, tabs
from studio.app.tabs.dream import as_the_usual_look
from studio.errors import Refused
from studio.images.presets import PRESETS, with_preset
from studio.images.recipes import DreamRecipe, StyleRecipe
from studio.making.jobs import Jobs
from studio.making.kinds import KINDS, read_recipe
from studio.music.melody.recipes import ComposeRecipe
from studio.works.gallery import Gallery
from studio.works.recipe import Recipe, check


def dials_for(recipe: type[Recipe], *without: str) -> Dials:
    dials = Dials(recipe)
    with gr.Blocks():
        for name in dials.controls:
            if name not in without:
                dials.add(name)
    return dials


def read(dials: Dials, **shown: Any) -> dict[str, Any]:
    """The settings when these components were changed and all others are empty."""
    values = [shown.get(name) for name in dials.by_name]
    return {name: value for name, value in dials.settings(values).items() if name in shown}


def test_the_dream_tab_as_it_opens_asks_for_the_usual_look_as_a_command_does() -> None:
    dials = Dials(DreamRecipe, defaults=as_the_usual_look())
    with gr.Blocks():
        for name in dials.controls:
            dials.add(name)
    shown = check(DreamRecipe, with_preset(dials.settings(dials.values({}))))
    assert shown == check(DreamRecipe, with_preset({}))


def test_what_is_emptied_is_left_to_the_recipe_and_size_and_look_may_be_none() -> None:
    dials = dials_for(DreamRecipe)
    assert read(dials, size="own", steps=3, preset=None, seed=None) == {
        "size": None,
        "steps": 3,
        "preset": None,
    }
    assert check(DreamRecipe, read(dials, size="1024")).model_dump()["size"] == 1024
    with pytest.raises(Refused, match="size"):
        check(DreamRecipe, read(dials, size="huge"))
    assert read(dials, preset=AS_IT_IS) == {}


def test_lists_are_written_one_a_line_and_numbers_may_be_typed() -> None:
    dials = dials_for(ComposeRecipe)
    shown = read(dials, pins=" 1:1=D4\n\n2:1=E4; 3:1=G4", max_copy="12", end="  ", bars=8.0, avoid="")
    assert shown == {"pins": ["1:1=D4", "2:1=E4", "3:1=G4"], "max_copy": 12, "bars": 8}


@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        (DreamRecipe, {"size": None, "preset": None, "steps": 7, "seed": 5, "colour": 0.25}),
        (DreamRecipe, {"keep_colours": True, "layers": ("blocks.3",)}),
        (StyleRecipe, {"size": 96, "colour": "content", "style_scale": 0.5}),
        (ComposeRecipe, {"pins": ("1:1=D4", "2:1=E4"), "max_copy": 9, "key": "D", "contour": ("1:D4",)}),
    ],
)
def test_settings_come_back_from_the_dials_as_they_were(
    recipe: type[Recipe], settings: dict[str, Any]
) -> None:
    dials = dials_for(recipe, "style_weights", "keep")
    asked = check(recipe, settings)
    again = check(recipe, dials.settings(dials.values(recipe_settings(asked))))
    assert again == asked


@pytest.fixture(scope="module")
def page() -> gr.Blocks:
    with Gallery.open() as gallery, Jobs(gallery) as jobs:
        return build(Desk(gallery, jobs))


def test_the_dream_tab_begins_with_all_of_its_look(page: gr.Blocks) -> None:
    look = PRESETS[str(DreamRecipe().preset)].values
    shown = {each.label: each.value for each in page.blocks.values() if isinstance(each, gr.Dropdown)}
    assert tuple(shown["Layers"]) == look["layers"]
    turned = {each.label: each.value for each in page.blocks.values() if isinstance(each, gr.Slider)}
    assert (turned["Depth"], turned["Hold dark"]) == (look["steps"], look["hold_dark"])


def test_variations_are_new_ones_also_while_those_before_wait() -> None:
    with Gallery.open() as gallery:
        jobs = Jobs(gallery)  # nobody works on them
        desk = Desk(gallery, jobs)
        settings = {"style": "american-fife", "bars": 8, "seed": 5}
        asked = [
            job
            for _ in range(2)
            for job in desk.variations("compose", settings, {}, Credit("", "", ""), count=2)
        ]
        seeds = [read_recipe(jobs.ledger.get(job).recipe_json).seed for job in asked]
    assert seeds == [5, 6, 7, 8]


def test_every_kind_leads_to_a_tab_and_no_tab_knows_another(page: gr.Blocks) -> None:
    (wall,) = [each for each in page.blocks.values() if "widget-gallery" in (each.elem_classes or [])]
    kinds = {kind["name"]: kind for kind in wall.props["kinds"]}
    assert set(kinds) == set(KINDS)
    assert {kind["tab"] for kind in kinds.values()} <= {"", *(tab.id for tab in tabs())}
    assert kinds["dream"]["again"] == "Edit a copy"
    assert (kinds["compose"]["label"], kinds["compose"]["medium"]) == ("Melodies", "melody")
