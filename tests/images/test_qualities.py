"""Draft, good and fine: how carefully it is painted, without a number of steps; and old recipes stay as they
were.
"""

from __future__ import annotations

import pytest

from studio.images.planning import plan_sizes
from studio.images.predictions import is_draft
from studio.images.recipes import QUALITIES, StyleRecipe
from studio.making.kinds import KINDS, recipe_from
from studio.works.recipe import Setting


def test_a_quality_stands_for_a_number_of_steps() -> None:
    plans = {
        quality: plan_sizes(400, 600, StyleRecipe(seed=1, quality=quality))
        for quality in ("draft", "good", "fine")
    }
    assert [plan[0].steps for plan in plans.values()] == [10, 30, 60]  # a quarter at the coarsest size
    assert plans["good"] == plan_sizes(400, 600, StyleRecipe(seed=1, steps=QUALITIES["good"]))
    assert plans["fine"] == plan_sizes(400, 600, StyleRecipe(seed=1, quality="fine", steps=7))
    assert plan_sizes(400, 600, StyleRecipe(seed=1, steps=9))[0].steps == 2


def test_a_recipe_of_before_is_the_same_recipe() -> None:
    old = StyleRecipe(seed=1, steps=50)
    assert "quality" not in old.to_json()
    again = recipe_from({"kind": "style", "seed": 1, "steps": 50})
    assert again.fingerprint == old.fingerprint
    assert StyleRecipe(seed=1, steps=50, quality="draft").fingerprint != old.fingerprint


@pytest.mark.parametrize(("quality", "light"), [("draft", True), ("good", False), ("steps", False)])
def test_a_draft_waits_for_no_other_painting(quality: str, light: bool) -> None:
    recipe = StyleRecipe(seed=1, quality=quality)  # type: ignore[arg-type]
    assert is_draft(recipe) is KINDS["style"].is_light(recipe) is light


def test_a_work_of_earlier_rules_takes_the_steps_it_took() -> None:
    earlier = StyleRecipe(seed=1, setting=Setting(versions={"painting": "3"}))
    assert [size.steps for size in plan_sizes(427, 640, earlier)] == [30, 24, 24, 40, 26]
    today = [size.steps for size in plan_sizes(427, 640, StyleRecipe(seed=1))]
    assert sum(today) < 140
