"""How far the features of a picture are from those of a painting, as the least that moving the one onto the
other costs: a loss for textures that knows how often features occur, and which occur together.

    wanted = Cloud.of(moments)                  # of a painting, at one layer
    error = distance(found, wanted)             # of a picture, at the same layer

Features at all places are taken for a cloud with a mean m and a covariance C. Moving one normal distribution
onto another costs |m - m'|² + tr(C + C' - 2 (C'½ C C'½)½): the squared 2-Wasserstein distance (Olkin and
Pukelsheim, "The distance between two random vectors with given dispersion matrices", Linear Algebra and its
Applications 48, 1982). As a loss for style transfer: Crowson, style-transfer-pytorch, 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

LEAST = 1e-4
"""Is added to every variance, so that no direction is without any."""

PUBLISHED = {
    "vgg19": {
        "features.1": 256 / 341,
        "features.6": 64 / 341,
        "features.11": 16 / 341,
        "features.20": 4 / 341,
        "features.29": 1 / 341,
    }
}
"""For networks with a published recipe: its layers and their weights (Crowson, style-transfer-pytorch)."""

PUBLISHED_SHAPES = {"vgg19": ("features.22", 0.015)}
"""Of these recipes: the layer that is compared place by place, and its weight."""


@dataclass(frozen=True)
class Cloud:
    """The features of a painting at a layer. mean: [c]. covariance, and its square root: [c, c]. size: the
    mean square of a feature.
    """

    mean: Tensor
    covariance: Tensor
    root: Tensor
    size: Tensor

    @classmethod
    def of(cls, moments: Tensor) -> Cloud:
        """moments: [c + 1, c + 1], the mean over all places of feature times feature, where the last feature
        is 1 everywhere.
        """
        mean, covariance = _split(moments.double())
        values, vectors = torch.linalg.eigh(covariance)
        root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
        size = moments.diagonal()[:-1].mean().clamp_min(1e-12)
        kind = moments.dtype
        return cls(mean.to(kind), covariance.to(kind), root.to(kind), size)


def distance(moments: Tensor, wanted: Cloud) -> Tensor:
    """The squared distance to a painting's features, a number for each channel. moments: as of `Cloud.of`."""
    mean, covariance = _split(moments)
    apart = (mean - wanted.mean).square().sum()
    traces = covariance.diagonal().sum() + wanted.covariance.diagonal().sum()
    common: Tensor = _TraceOfRoot.apply(wanted.root @ covariance @ wanted.root)
    return (apart + traces - 2 * common) / len(mean)


def _split(moments: Tensor) -> tuple[Tensor, Tensor]:
    mean = moments[:-1, -1]
    covariance = moments[:-1, :-1] - torch.outer(mean, mean)
    return mean, covariance + LEAST * torch.eye(len(mean), dtype=moments.dtype, device=moments.device)


class _TraceOfRoot(torch.autograd.Function):
    """tr(M½) of a symmetric matrix without negative eigenvalues. Its derivative is ½ M⁻½, so the root itself
    is never needed.
    """

    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2)
        values = values.clamp_min(LEAST**2)
        ctx.save_for_backward(values, vectors)
        trace: Tensor = values.sqrt().sum()
        return trace

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        values, vectors = ctx.saved_tensors
        found: Tensor = (vectors / values.sqrt()) @ vectors.T * (slopes[0] / 2)
        return found
