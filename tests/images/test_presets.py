"""Presets: each gives a valid recipe, differs from the others, and yields to explicit settings."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from PIL import Image

from studio.errors import UnknownName
from studio.images.networks.backbones import BACKBONES, DEFAULT, backbone, layers
from studio.images.presets import FOLDER, LOOK, PRESETS, as_deep_in, with_preset
from studio.images.recipes import DreamRecipe, LayerTerm
from studio.works.recipe import check, controls


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_makes_a_complete_recipe_of_layers_that_exist(name: str) -> None:
    recipe = check(DreamRecipe, with_preset({"preset": name}))
    assert recipe.preset == name
    assert {field: getattr(recipe, field) for field in LOOK} == {
        field: PRESETS[name].values[field] for field in LOOK
    }
    channels = {layer.name: layer.channels for layer in layers(DEFAULT)}
    for term in map(LayerTerm.read, recipe.layers):
        assert term.name in channels
        assert term.channel is None or term.channel < channels[term.name]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_a_sentence_and_a_picture_of_its_own_of_the_one_subject(name: str) -> None:
    preset = PRESETS[name]
    assert preset.sentence.endswith(".")
    assert preset.sentence.count(".") == 1
    content = preset.thumbnail.read_bytes()
    assert len(content) < 90_000
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.format == "JPEG"
        assert picture.size == (480, 360)
        assert not picture.getexif()
    assert preset.thumbnail.name in (FOLDER / "CREDITS").read_text()


def test_there_are_enough_and_they_differ() -> None:
    assert len(PRESETS) >= 10
    assert len({tuple(str(value) for value in preset.values.values()) for preset in PRESETS.values()}) == len(
        PRESETS
    )
    assert len({preset.thumbnail.read_bytes() for preset in PRESETS.values()}) == len(PRESETS)


def test_a_recipe_that_was_written_out_keeps_its_look() -> None:
    """Looks get better; a work that names one was made by the fields that its recipe holds."""
    plain = DreamRecipe()
    assert plain.preset in PRESETS
    written = {name: getattr(plain, name) for name in LOOK}
    assert check(DreamRecipe, with_preset(written)) == plain
    assert check(DreamRecipe, with_preset({})).layers == PRESETS[plain.preset].values["layers"]


def test_what_is_set_goes_before_the_preset() -> None:
    asked = {"preset": "weave", "steps": 33, "layers": ("blocks.1",), "seed": 7}
    recipe = check(DreamRecipe, with_preset(asked))
    assert (recipe.steps, recipe.layers, recipe.seed) == (33, ("blocks.1",), 7)
    assert recipe.octaves == PRESETS["weave"].values["octaves"]
    assert asked == {"preset": "weave", "steps": 33, "layers": ("blocks.1",), "seed": 7}, (
        "what was asked is left as it was"
    )


def test_without_a_preset_nothing_is_implied() -> None:
    assert with_preset({"preset": None, "steps": 3}) == {"preset": None, "steps": 3}


def test_an_unknown_preset_offers_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'creatures'"):
        with_preset({"preset": "creature"})
    with pytest.raises(UnknownName, match="backbone"):
        with_preset({"preset": "weave", "backbone": "resnet5000"})


@pytest.mark.parametrize("name", BACKBONES)
def test_a_look_carries_over_to_layers_as_deep_in_another_network(name: str) -> None:
    order = [layer.name for layer in backbone(name).layers]
    depths = []
    for preset in ("woodcut", "weave", "mosaic", "creatures", "garden"):
        terms = as_deep_in(name, PRESETS[preset].values["layers"])
        assert all(":" not in term for term in terms)
        depths.append(max(order.index(LayerTerm.read(term).name) for term in terms))
    assert depths == sorted(depths)
    assert depths[0] < depths[-1]
    assert check(DreamRecipe, with_preset({"backbone": name, "preset": "origami"})).backbone == name


def test_weights_of_layers_are_kept() -> None:
    assert as_deep_in(DEFAULT, ("blocks.4:3*0.5", "blocks.2")) == ("blocks.4*0.5", "blocks.2")


def test_looks_are_made_of_parameters_a_person_can_turn() -> None:
    assert set(LOOK) <= {control.name for control in controls(DreamRecipe)}


def test_presets_are_read_without_torch() -> None:
    asked = (
        "import sys; from studio.images.presets import with_preset; with_preset({}); "
        "print('torch' in sys.modules, 'PIL' in sys.modules)"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", asked], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "False False"
    )
