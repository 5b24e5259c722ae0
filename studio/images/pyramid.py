"""A rule that moves a picture as a sum of pictures, each half as large as the one before.

A plain step of a picture changes each pixel by its own. What is broad needs many pixels to agree, and so many
steps. Here a broad change is one number of a small picture, and takes its own step: Kolkin, Salavon and
Shakhnarovich, "Style transfer by relaxed optimal transport and self-similarity" (CVPR 2019), section 2.4,
move the levels of a Laplacian pyramid for this reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from studio.errors import Refused
from studio.learning.quasi_newton import LimitedBFGS

LEVELS, LIGHTER = 3, 0.7
"""Pictures that are summed, and how much less each counts than the one before, which is twice as large."""

SMALLEST = 8
"""Pixels along the shorter side of the smallest of them."""


@dataclass
class PyramidBFGS:
    """`LimitedBFGS` on the levels of a picture's pyramid. The one variable is a picture [1, 3, h, w]; what
    moves it between two steps, such as a clamp, counts as a change of its finest level.
    """

    levels: int = LEVELS
    _rule: LimitedBFGS = field(default_factory=LimitedBFGS, init=False, repr=False)
    _known: tuple[list[Tensor], Tensor] | None = field(default=None, init=False, repr=False)

    def reset(self) -> None:
        """Start over, as if no step had been taken."""
        self._rule.reset()
        self._known = None

    def __call__(self, variables: Sequence[Tensor], gradients: Sequence[Tensor], rate: float) -> None:
        if len(variables) != 1 or variables[0].ndim != 4:
            raise Refused("A pyramid has one picture [1, 3, height, width]: give it alone.")
        (picture,), (gradient,) = variables, gradients
        slopes = [gradient, *self._smaller(gradient)]
        if self._known is None:
            levels = [torch.zeros_like(slope) for slope in slopes]
        else:
            levels, left = self._known
            levels[0].add_(picture.detach() - left)
        before = [level.clone() for level in levels]
        self._rule(levels, slopes, rate)
        for number, (level, was) in enumerate(zip(levels, before, strict=True)):
            move = was.neg_().add_(level)
            picture.add_(move if number == 0 else _as_large(move, picture).mul_(LIGHTER**number))
        self._known = levels, picture.detach().clone()

    def _smaller(self, gradient: Tensor) -> list[Tensor]:
        """The gradient by each smaller level."""
        high, wide = gradient.shape[-2:]
        slopes = []
        for number in range(1, self.levels):
            height, width = high >> number, wide >> number
            if min(height, width) < SMALLEST:
                break
            with torch.enable_grad():
                level = gradient.new_zeros(1, gradient.shape[1], height, width, requires_grad=True)
                (slope,) = torch.autograd.grad(_as_large(level, gradient), level, gradient)
            slopes.append(slope * LIGHTER**number)
        return slopes


def _as_large(level: Tensor, picture: Tensor) -> Tensor:
    return F.interpolate(level, picture.shape[-2:], mode="bilinear", align_corners=False)
