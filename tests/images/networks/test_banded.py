"""A network that works in bands, to save memory, beside the same network that does not."""

from __future__ import annotations

import pytest
import torch

from studio.images.networks import banded
from studio.images.networks.backbones import DEFAULT
from studio.images.networks.opening import open_network
from studio.images.networks.prepared import Prepared


def seen_and_slope(
    network: Prepared, picture: torch.Tensor, *, meanwhile: bool = False
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """meanwhile: each layer is looked at while the network goes on, not once it has seen everything."""
    shown = picture.clone().requires_grad_()
    if meanwhile:
        found = network.looked_at(shown, lambda _, features: (features, features.square().mean()))
        seen, sizes = zip(*found.values(), strict=True)
    else:
        seen = tuple(network(shown).values())
        sizes = tuple(each.square().mean() for each in seen)
    (slope,) = torch.autograd.grad(sum(sizes), shown)
    return [each.detach() for each in seen], slope


@pytest.mark.parametrize("shape", [(160, 96), (96, 32)])
def test_bands_change_neither_the_features_nor_their_gradient(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]
) -> None:
    monkeypatch.setattr(banded, "LARGE", 0)
    monkeypatch.setattr(banded, "BAND", 1)
    layers = ("bn1", "blocks.1", "blocks.2", "blocks.4")
    sparing, usual = (open_network(DEFAULT, layers, sparing=each)[0] for each in (True, False))
    assert any(isinstance(each, banded.Banded) for each in sparing._graph.modules())
    picture = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(0))
    seen, slope = seen_and_slope(sparing, picture, meanwhile=True)
    expected, expected_slope = seen_and_slope(usual, picture)
    for one, other in zip(seen, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(slope, expected_slope, atol=1e-6 * float(slope.abs().max()) + 1e-9, rtol=1e-3)
