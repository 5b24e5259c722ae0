"""Titles: the same for the same recipe, seldom the same for two, and those of earlier works stay."""

from __future__ import annotations

from studio.music.melody.moods import MOODS as PRESETS
from studio.music.melody.recipes import ComposeRecipe, mood_of
from studio.music.scores.titles import MOODS, title_for
from studio.works.recipe import Setting
from studio.works.titles import title_of


def test_a_tune_is_called_by_its_mood_and_its_form() -> None:
    assert title_of(ComposeRecipe(seed=0)) == title_of(ComposeRecipe(seed=0)) == "The Open Clover, a Reel"
    assert title_of(ComposeRecipe(seed=3, meter="6/8", key="Bm")) == "The Forsaken Wheel, a Jig"
    assert title_of(ComposeRecipe(style="northumbrian", seed=1)).endswith(", an Air")
    assert title_of(ComposeRecipe(title="Mine", seed=3)) == "Mine"
    for name, preset in PRESETS.items():
        assert mood_of(ComposeRecipe(**preset.values)) == name
        assert any(word in title_of(ComposeRecipe(seed=3, **preset.values)) for word in MOODS[name])


def test_titles_differ() -> None:
    titles = {title_for(f"style {seed}") for seed in range(1000)}
    assert len(titles) > 750
    assert max(map(len, titles)) < 60


def test_a_work_of_earlier_rules_keeps_its_title() -> None:
    old = ComposeRecipe(seed=371483651, setting=Setting(versions={"studio": "0.4.0"}, device="cpu"))
    assert old.called() == "After ryans-mammoth, no. 371483651"
    new = old.model_copy(update={"setting": Setting(versions={"naming": "2"}, device="cpu")})
    assert new.called() == ComposeRecipe(seed=371483651).called()
