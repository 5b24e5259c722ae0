"""Textures compared by transport: against SciPy's square root and plain autograd, and in a painting."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torch import nn

from studio.images.networks.backbones import DEFAULT
from studio.images.planning import painting_rules
from studio.images.recipes import StyleRecipe
from studio.images.style import by_transport
from studio.images.transport import LEAST, PUBLISHED, PUBLISHED_SHAPES, Cloud, distance
from studio.works.recipe import Setting
from tests.images.test_style import other_painting, painted, painting, photo, watched  # noqa: F401


def moments_of(points: torch.Tensor) -> torch.Tensor:
    """points: [places, c]."""
    wide = torch.cat([points, torch.ones_like(points[:, :1])], 1)
    return wide.T @ wide / len(wide)


def cloud(seed: int, channels: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixed = torch.randn(channels, channels, generator=generator, dtype=torch.double)
    return torch.randn(400, channels, generator=generator, dtype=torch.double) @ mixed + seed


def test_the_distance_is_that_of_two_normal_distributions() -> None:
    one, other = cloud(1), cloud(2)
    found = distance(moments_of(one), Cloud.of(moments_of(other)))
    covariances = [np.cov(each.numpy().T, bias=True) + LEAST * np.eye(5) for each in (one, other)]
    root = sqrtm(covariances[1])
    common = np.trace(sqrtm(root @ covariances[0] @ root)).real
    apart = float((one.mean(0) - other.mean(0)).square().sum())
    expected = (apart + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * common) / 5
    assert float(found) == pytest.approx(expected, rel=1e-9)
    assert float(distance(moments_of(other), Cloud.of(moments_of(other)))) == pytest.approx(0, abs=1e-9)


def test_its_gradient_is_that_of_finite_differences() -> None:
    wanted = Cloud.of(moments_of(cloud(2, 3)))
    moments = moments_of(cloud(1, 3)).requires_grad_()
    assert torch.autograd.gradcheck(lambda given: distance((given + given.T) / 2, wanted), moments)


def test_the_published_recipe_names_layers_that_vgg19_has() -> None:
    models = pytest.importorskip("torchvision.models")
    with torch.device("meta"):
        network = models.vgg19()
    channels = []
    for name in (*PUBLISHED["vgg19"], PUBLISHED_SHAPES["vgg19"][0]):
        number = int(name.removeprefix("features."))
        assert isinstance(network.features[number], nn.ReLU)
        channels.append(network.features[number - 1].out_channels)
    assert channels == [64, 128, 256, 512, 512, 512], "relu1_1, 2_1, 3_1, 4_1, 5_1, and 4_2 for the shapes"
    assert sum(PUBLISHED["vgg19"].values()) == pytest.approx(1)


def test_auto_takes_the_published_loss_for_its_network_and_old_recipes_none() -> None:
    new, old = StyleRecipe(backbone="vgg19"), StyleRecipe(backbone="vgg19", setting=Setting())
    assert by_transport(new)
    assert painting_rules(old) == 1
    assert not by_transport(old)
    assert not by_transport(StyleRecipe())
    assert by_transport(StyleRecipe(texture_loss="transport"))
    assert "texture_loss" not in StyleRecipe().to_json()


def test_a_painting_by_transport_gets_nearer_whole_or_in_tiles(
    photo: bytes,  # noqa: F811
    painting: bytes,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, seen = watched(photo, [painting], texture_loss="transport", steps=40)
    losses = [step.loss for step in seen]
    assert losses[-1] < 0.6 * losses[0]
    whole = painted(photo, [painting], texture_loss="transport", seed=1)
    assert np.abs(whole.astype(int) - painted(photo, [painting], seed=1)).mean() > 2, "another loss"
    monkeypatch.setattr("studio.images.tiles.LARGEST_WHOLE", 1)
    monkeypatch.setattr("studio.images.tiles.TILE", 64)
    parts = painted(photo, [painting], texture_loss="transport", seed=1)
    assert np.abs(whole.astype(int) - parts).mean() < 5  # steps enlarge what is rounded


def test_published_weights_count_where_there_are_some(
    photo: bytes,  # noqa: F811
    painting: bytes,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PUBLISHED, DEFAULT, {"bn1": 0.9, "blocks.1": 0.1})
    monkeypatch.setitem(PUBLISHED_SHAPES, DEFAULT, ("blocks.2", 0.015))
    _, seen = watched(photo, [painting], steps=40)
    losses = [step.loss for step in seen]
    assert losses[-1] < 0.6 * losses[0]
