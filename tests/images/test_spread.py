"""Where a dream goes: everywhere alike, in sizes that follow the photo, less where that has structure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from studio.errors import Refused
from studio.images.canvas import STRIP
from studio.images.objectives import channel
from studio.images.planning import DREAMING_RULES, Size, dreaming_rules, plan_octaves
from studio.images.recipes import DreamRecipe, LayerTerm
from studio.images.spread import PARTS, Spread, hold_shapes, make_even
from studio.making.kinds import read_recipe
from studio.works.recipe import Setting
from tests.images.test_dream import dreamt, pixels_of, png, scene, watch


def half_detailed() -> np.ndarray:
    """Grey on the left, fine stripes on the right; uint8 [128, 192, 3]."""
    photo = np.full((128, 192, 3), 128, np.uint8)
    photo[:, 96:] += (24 * (np.arange(96) // 2 % 2)).astype(np.uint8)[None, :, None]
    return photo


def spread(photo: np.ndarray, **fields: Any) -> tuple[Spread, list[Size]]:
    recipe = DreamRecipe(octaves=9, **fields)
    octaves = plan_octaves(*photo.shape[:2], recipe)
    found = Spread.of(photo, recipe, octaves)
    assert found is not None
    return found, octaves


def test_a_recipe_that_asks_for_none_of_it_has_no_spread_and_reads_as_before() -> None:
    recipe = DreamRecipe()
    assert Spread.of(half_detailed(), recipe, [Size(128, 192, 1)]) is None
    assert not {"even", "vary_size", "hold_detail"} & set(recipe.to_json().split('"'))


def test_large_shapes_go_where_the_photo_is_plain_and_small_ones_into_its_detail() -> None:
    found, octaves = spread(half_detailed(), vary_size=1.0)
    assert len(octaves) >= 3
    coarsest, finest = (found.at(each).float().div(PARTS)[0, 0] for each in (octaves[0], octaves[-1]))
    plain, detailed = (slice(None, None), slice(0, coarsest.shape[1] // 3)), (slice(None), slice(-10, None))
    assert coarsest[plain].mean() > 3 * coarsest[detailed].mean()
    assert finest[:, -40:].mean() > 3 * finest[:, :60].mean()


def test_shapes_are_as_large_as_what_the_photo_shows() -> None:
    """Dots and discs, all with as much edge in a window: beside each other, small ones and large ones."""
    photo = np.full((160, 240, 3), 90, np.uint8)
    rows, columns = np.mgrid[:160, :240]
    for side, apart, radius in ((0, 10, 3), (120, 40, 13)):
        away = np.hypot(rows % apart - apart / 2, (columns - side) % apart - apart / 2)
        photo[(away < radius) & (columns >= side) & (columns < side + 120)] = 200
    found, octaves = spread(photo, vary_size=1.0)
    coarsest, finest = (found.at(each).float()[0, 0] for each in (octaves[0], octaves[-1]))
    small, large = (slice(None), slice(0, 80)), (slice(None), slice(-80, None))
    assert finest[small].mean() > 3 * finest[large].mean()
    third = coarsest.shape[1] // 3
    assert coarsest[:, -third:].mean() > 3 * coarsest[:, :third].mean()


def test_a_plain_photo_is_of_one_size_and_noise_makes_no_shapes() -> None:
    noise = np.random.default_rng(0).integers(127, 129, (96, 144, 1), np.uint8).repeat(3, 2)
    for photo in (np.full((96, 144, 3), 128, np.uint8), noise):
        found, octaves = spread(photo, vary_size=1.0)
        for octave in octaves:
            share = found.at(octave)
            assert int(share.max()) - int(share.min()) <= 2


def test_a_work_of_before_is_made_again_by_its_own_rules() -> None:
    photo, look = scene(), {"layers": ("blocks.3",), "vary_size": 1.0, "steps": 1, "octaves": 4}
    _, now = watch(png(photo), **look)
    _, old = watch(png(photo), **look, setting=Setting(versions={"studio": "0.18.0"}))
    assert (dreaming_rules(now.recipe), dreaming_rules(old.recipe)) == (DREAMING_RULES, 1)
    assert now.content != old.content
    again = watch(png(photo), **look, setting=now.recipe.setting)[1]
    assert again.content == now.content
    plain = {"layers": ("blocks.3",), "steps": 1, "octaves": 4}
    alike = [watch(png(photo), **plain, setting=each)[1] for each in (None, old.recipe.setting)]
    assert (pixels_of(alike[0].content) == pixels_of(alike[1].content)).all(), "only sizes have changed"


def test_fine_structure_is_held_and_plain_parts_are_not() -> None:
    photo = np.full((128, 192, 3), 150, np.uint8)
    photo[60:68, 90:102] = 20  # an eye
    found, octaves = spread(photo, hold_detail=1.0)
    share = found.at(octaves[-1])[0, 0]
    assert share[64, 90] < PARTS // 3
    assert share[20, 20] == PARTS


@pytest.mark.parametrize("height", [96, 2 * STRIP + 40])
def test_every_neighbourhood_becomes_as_strong(height: int) -> None:
    direction = torch.randn(1, 3, height, 160, generator=torch.Generator().manual_seed(0))
    direction[..., 80:] *= 0.1
    direction[..., height // 2 :, :] *= 3
    before = direction.clone()
    make_even(direction, 1.0)
    ends = [direction[..., :20, :30], direction[..., -20:, -30:], direction[..., :20, -30:]]
    strengths = [float(end.square().mean().sqrt()) for end in ends]
    assert max(strengths) < 1.6 * min(strengths)
    assert torch.equal(direction.sign(), before.sign()), "only strengths change"


def test_a_motif_grows_where_the_photo_does_not_suggest_it() -> None:
    features = torch.full((1, 2, 4, 8), 0.1)
    features[..., :4] = 5.0

    def slope(even: float) -> torch.Tensor:
        seen = features.clone().requires_grad_()
        channel("any", 1, even)({"any": seen}).backward()
        assert seen.grad is not None
        assert not seen.grad[:, 0].any()
        return seen.grad[0, 1]

    plain, evenly = slope(0.0), slope(1.0)
    assert plain[:, 0].mean() > 5 * plain[:, 7].mean()
    assert evenly[:, 7].mean() > evenly[:, 0].mean()


def test_a_look_dreams_towards_pictures_of_its_motif_and_credits_them() -> None:
    _, made = watch(png(scene()), layers=("blocks.2@leaded-glass", "blocks.3*0.5"), steps=1)
    assert "Leaded glass by Derivative Works Studio" in made.facts["towards"]
    assert read_recipe(made.recipe.to_json()) == made.recipe
    other = dreamt(scene(), layers=("blocks.2", "blocks.3*0.5"), steps=1)
    again = dreamt(scene(), layers=("blocks.2@leaded-glass", "blocks.3*0.5"), steps=1)
    assert (again != other).any()


def test_a_motif_is_written_as_it_is_read_and_an_unknown_one_is_refused() -> None:
    assert str(LayerTerm.read("blocks.5.1@flowers*0.5")) == "blocks.5.1@flowers*0.5"
    with pytest.raises(ValueError, match="There is no motif 'castles'; there are buildings, flowers"):
        LayerTerm.read("blocks.4@castles")
    with pytest.raises((ValueError, Refused)):
        LayerTerm.read("blocks.4:3@flowers")


def test_shapes_are_held_and_what_is_finer_and_what_is_masked_stays() -> None:
    base = torch.full((1, 3, 96, 160), 128, dtype=torch.uint8)
    base[..., 80:] = 220
    fine = 0.1 * (torch.arange(160) % 2 - 0.5)
    dissolved = (base.float().div(255).mean((2, 3), keepdim=True) + fine).expand(1, 3, 96, 160).clone()
    held = dissolved.clone()
    hold_shapes(held, base, 0.5, None)
    left, right = (held[0, 0, :, side].mean() for side in (slice(10, 60), slice(100, 150)))
    assert right - left == pytest.approx(0.5 * 92 / 255, abs=0.02)
    assert held[0, 0, 50, 20] - held[0, 0, 50, 21] == pytest.approx(fine[0] - fine[1], abs=0.01)
    half = torch.zeros(1, 1, 96, 160)
    half[..., :80] = 1
    masked = dissolved.clone()
    hold_shapes(masked, base, 0.5, half)
    assert torch.equal(masked[..., 80:], dissolved[..., 80:])
    assert torch.equal(masked[..., :80], held[..., :80])


def test_a_dream_that_holds_shapes_keeps_more_of_the_photos_light() -> None:
    photo = scene()

    def away(hold: float) -> float:
        made = dreamt(photo, layers=("blocks.3:11",), even=1.0, hold_shapes=hold, octaves=3)
        grey = (made.astype(float) - photo).mean(2)
        return float(np.abs(grey.reshape(9, 8, 12, 8).mean((1, 3))).mean())

    assert away(0.6) < 0.7 * away(0.0)
