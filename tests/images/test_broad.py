"""What is broad in a photo is held in a painting of it, in the painting's colours."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from studio.images.broad import COLOUR, BroadShapes, broad_shapes, cells_of
from studio.images.recipes import StyleRecipe
from studio.images.style import _broad
from studio.images.textures import Statistics
from studio.works.recipe import Setting
from tests.images.test_dream import png
from tests.images.test_style import painted


def random(*size: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*size, generator=torch.Generator().manual_seed(seed))


def moments_of(pixels: torch.Tensor) -> torch.Tensor:
    """The moments [4, 4] of red, green, blue and 1 of colours [3, n]."""
    known = torch.cat([pixels, torch.ones(1, pixels.shape[1])]).double()
    return known @ known.T / pixels.shape[1]


def test_the_gradient_is_that_of_the_loss() -> None:
    """Cells at the edges are smaller than the others."""
    held = BroadShapes(random(1, 3, 5, 8, seed=1), 8, 3.0)
    picture = random(1, 3, 37, 59).requires_grad_()
    away = cells_of(picture, 8) - held.colours
    light = away.mean(1, keepdim=True)
    loss = 3.0 * (light.square().mean() + COLOUR * (away - light).square().mean())
    (slope,) = torch.autograd.grad(loss, picture)
    found = torch.zeros_like(picture)
    with torch.no_grad():
        assert held.add(picture.detach(), found) == pytest.approx(float(loss), rel=1e-5)
    assert torch.allclose(found, slope, atol=1e-7)


def test_what_is_held_has_the_colours_of_the_painting_where_the_photo_has_its_own() -> None:
    cells = 0.5 + 0.1 * (random(1, 3, 16, 24) - 0.5)
    photo = cells.repeat_interleave(4, 2).repeat_interleave(4, 3)
    wanted = 0.4 + 0.2 * random(3, 500, seed=2) @ torch.diag(random(500, seed=3))
    found = broad_shapes(photo, [moments_of(wanted)], None, 1.0)
    assert (found.cell, found.colours.shape) == (4, cells.shape)
    flat = found.colours.flatten(2)[0]
    assert torch.allclose(moments_of(flat), moments_of(wanted), atol=1e-3)
    light, own = flat.mean(0), cells.flatten(2)[0].mean(0)
    assert np.corrcoef(light, own)[0, 1] > 0.5, "bright stays bright"

    # Outside all regions the photo itself is held.
    left = torch.zeros(photo.shape[-2:])
    left[:, :48] = 1
    apart = broad_shapes(photo, [moments_of(wanted)], [left], 1.0).colours
    assert torch.equal(apart[..., :12], found.colours[..., :12])
    assert torch.allclose(apart[..., 12:], cells[..., 12:], atol=1e-6)


def test_nothing_is_held_by_earlier_rules_at_full_strength_or_at_once() -> None:
    photo = random(1, 3, 48, 64)
    textures = [Statistics({}, moments_of(random(3, 100)))]

    def weight(**fields: object) -> float:
        found = _broad(StyleRecipe(**fields), photo, textures, None)  # type: ignore[arg-type]
        return found.weight if found else 0.0

    assert weight(setting=Setting(versions={"painting": "4"})) == 0
    assert weight(painter="instant") == weight(strength=1.0) == weight(hold_shapes=0.0) == 0
    assert 0 < weight(strength=0.9) < weight() < weight(hold_shapes=1.0)


def test_bands_of_the_painting_do_not_cover_what_the_photo_shows() -> None:
    """The photo is dark on the left; the painting has dark bands across."""
    grain = np.random.default_rng(0).integers(-30, 30, (96, 96, 3))
    across = np.broadcast_to(np.linspace(60, 200, 96)[None, :, None], grain.shape)
    bands = np.broadcast_to(np.repeat([40, 220, 40, 220], 24)[:, None, None], grain.shape)
    photo, painting = (each.clip(0, 255).astype(np.uint8) for each in (across + grain, bands + grain[::-1]))

    def unlike(held: float) -> float:
        made = painted(png(photo), [png(painting)], steps=30, strength=0.7, hold_shapes=held)
        broad = [each.reshape(8, 12, 8, 12, 3).mean((1, 3, 4)).ravel() for each in (made, photo)]
        return float(1 - np.corrcoef(*broad)[0, 1])

    assert unlike(1.0) < 0.6 * unlike(0.0)
