"""Objectives: each does what its name says, they add up, and after balancing equal weights count equally."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from studio.errors import Refused
from studio.images.networks.backbones import DEFAULT
from studio.images.networks.opening import open_network
from studio.images.networks.prepared import Prepared
from studio.images.objectives import Objective, balanced, channel, features_of, layer, towards

SHALLOW, DEEP = "blocks.1", "blocks.3"


@pytest.fixture(scope="module")
def network() -> Prepared:
    return open_network(DEFAULT, (SHALLOW, DEEP))[0]


@pytest.fixture(scope="module")
def picture() -> Tensor:
    torch.manual_seed(0)
    return torch.nn.functional.interpolate(torch.rand(1, 3, 12, 12), (96, 96), mode="bicubic").clamp(0, 1)


def pull(objective: Objective, network: Prepared, picture: Tensor) -> Tensor:
    shown = picture.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(network(shown)), shown)
    return gradient


def test_a_layers_score_is_the_mean_square_and_its_gradient_the_features() -> None:
    features = torch.randn(1, 5, 4, 3, requires_grad=True)
    score = layer("a")({"a": features})
    assert score.item() == pytest.approx(
        sum(float(f) ** 2 for f in features.flatten().tolist()) / 60, rel=1e-5
    )
    (gradient,) = torch.autograd.grad(score, features)
    torch.testing.assert_close(gradient, features.detach() * 2 / 60)


def test_a_channels_score_does_not_look_at_the_others() -> None:
    features = torch.randn(1, 5, 4, 3, requires_grad=True)
    (gradient,) = torch.autograd.grad(channel("a", 2)({"a": features}), features)
    assert (gradient[:, 2] > 0).all()
    assert not gradient[:, [0, 1, 3, 4]].any()


def test_sums_weights_and_differences() -> None:
    features = {"a": torch.randn(1, 3, 4, 4), "b": torch.randn(1, 2, 4, 4)}
    a, b = layer("a"), channel("b", 1)
    for objective, expected in (
        (a + b, a(features) + b(features)),
        (0.5 * a - b * 2, 0.5 * a(features) - 2 * b(features)),
        (-(a + b) * 3, -3 * (a(features) + b(features))),
    ):
        torch.testing.assert_close(objective(features), expected)
    assert (a + b + a).layers == ("a", "b")


def test_towards_a_guide_follows_the_likest_place_found_by_brute_force() -> None:
    torch.manual_seed(1)
    guide, features = torch.randn(7, 4), torch.randn(1, 4, 3, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(towards("a", guide)({"a": features}), features)
    for y in range(3):
        for x in range(2):
            place = features[0, :, y, x].tolist()
            unit = [[value / sum(v * v for v in row) ** 0.5 for value in row] for row in guide.tolist()]
            best = max(unit, key=lambda row: sum(p * r for p, r in zip(place, row, strict=True)))
            assert gradient[0, :, y, x].tolist() == pytest.approx([value / 6 for value in best], abs=1e-6)


def test_towards_gives_the_same_in_pieces() -> None:
    torch.manual_seed(2)
    guide, features = torch.randn(9, 4), torch.randn(1, 4, 70, 70)  # 4900 places: more than one piece
    halves = [towards("a", guide)({"a": part.contiguous()}) for part in features.split(35, dim=2)]
    torch.testing.assert_close(towards("a", guide)({"a": features}), sum(halves) / 2)


def test_climbing_towards_a_guide_makes_the_picture_more_like_it(network: Prepared, picture: Tensor) -> None:
    stripes = (torch.arange(96) % 12 < 6).float().expand(1, 3, 96, 96).contiguous()
    guide = features_of(network, [stripes], DEEP)
    objective = towards(DEEP, guide)

    def likeness(shown: Tensor) -> float:
        there = torch.nn.functional.normalize(features_of(network, [shown], DEEP), dim=1)
        return float((there @ torch.nn.functional.normalize(guide, dim=1).T).amax(dim=1).mean())

    dreamt = picture.clone()
    for _ in range(10):
        slope = pull(objective, network, dreamt)
        dreamt = (dreamt + 0.01 * slope / slope.abs().mean()).clamp(0, 1)
    assert likeness(dreamt) > likeness(picture) + 0.1


def test_balanced_terms_pull_equally_and_weights_are_shares(network: Prepared, picture: Tensor) -> None:
    raw = [float(pull(term, network, picture).abs().mean()) for term in (layer(SHALLOW), channel(DEEP, 24))]
    assert max(raw) / min(raw) > 2, "else there would be nothing to balance"
    objective = balanced(layer(SHALLOW) + 3 * channel(DEEP, 24), network, picture)
    shallow, deep = (
        float(pull(Objective((term,)), network, picture).abs().mean()) for term in objective.terms
    )
    assert shallow == pytest.approx(1, rel=1e-3)
    assert deep == pytest.approx(3, rel=1e-3)


def test_a_term_that_pulls_at_nothing_does_no_harm(network: Prepared, picture: Tensor) -> None:
    dead = Objective((*layer(SHALLOW).terms, *(0.0 * layer(DEEP)).terms))
    assert torch.isfinite(balanced(dead, network, torch.zeros_like(picture))(network(picture)))


def test_a_channel_beyond_the_last_is_refused_with_the_range(network: Prepared, picture: Tensor) -> None:
    with pytest.raises(Refused, match="80 channels, numbered 0 to 79"):
        balanced(channel(DEEP, 80), network, picture)
