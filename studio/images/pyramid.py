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

    quick: each level is enlarged to the next, not all of them to the picture, which takes a quarter of the
    time. memory, first, stretch: of `LimitedBFGS`.
    """

    levels: int = LEVELS
    quick: bool = False
    memory: int = 5
    first: float = 0.01
    stretch: float = 1.0
    _rule: LimitedBFGS = field(init=False, repr=False)
    _known: tuple[list[Tensor], Tensor] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._rule = LimitedBFGS(self.memory, self.first, stretch=self.stretch)

    def reset(self) -> None:
        """Start over, as if no step had been taken."""
        self._rule.reset()
        self._known = None

    def __call__(self, variables: Sequence[Tensor], gradients: Sequence[Tensor], rate: float) -> None:
        if len(variables) != 1 or variables[0].ndim != 4:
            raise Refused("A pyramid has one picture [1, 3, height, width]: give it alone.")
        (picture,), (gradient,) = variables, gradients
        slopes = [gradient, *(self._halves(gradient) if self.quick else self._smaller(gradient))]
        if self._known is None:
            levels = [torch.zeros_like(slope) for slope in slopes]
        else:
            levels, left = self._known
            levels[0].add_(picture.detach() - left)
        before = [level.clone() for level in levels]
        self._rule(levels, slopes, rate)
        moves = [was.neg_().add_(level) for level, was in zip(levels, before, strict=True)]
        if self.quick:
            picture.add_(_summed(moves))
        else:
            for number, move in enumerate(moves):
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
            slopes.append(_enlarged_from(gradient, height, width).mul_(LIGHTER**number))
        return slopes

    def _halves(self, gradient: Tensor) -> list[Tensor]:
        """The same, where each level is enlarged to the one before."""
        slopes = [gradient]
        for _ in range(1, self.levels):
            if min(slopes[-1].shape[-2:]) < 2 * SMALLEST:
                break
            slopes.append(_gathered(_gathered(slopes[-1], -2), -1).mul_(LIGHTER))
        return slopes[1:]


def _summed(moves: Sequence[Tensor]) -> Tensor:
    """The sum of moves of all levels, the finest first, as large as that."""
    total = moves[-1]
    for move in reversed(moves[:-1]):
        larger = _twice(_twice(total, -1, move.shape[-1]), -2, move.shape[-2])
        total = move.add(larger, alpha=LIGHTER)
    return total


def _twice(values: Tensor, axis: int, length: int) -> Tensor:
    """Twice as long along an axis, linearly between places, cut to a length that is at most one less."""
    last = values.shape[axis] - 1
    before = torch.cat([values.narrow(axis, 0, 1), values.narrow(axis, 0, last)], axis)
    after = torch.cat([values.narrow(axis, 1, last), values.narrow(axis, last, 1)], axis)
    pairs = torch.stack([values.lerp(before, 0.25), values.lerp(after, 0.25)], dim=values.ndim + axis + 1)
    return pairs.flatten(values.ndim + axis, values.ndim + axis + 1).narrow(axis, 0, length)


def _gathered(slope: Tensor, axis: int) -> Tensor:
    """The gradient by what `_twice` enlarges, from the gradient by what it gives."""
    length = slope.shape[axis]
    ends = [slope.narrow(axis, 0, 1), slope, slope.narrow(axis, length - 1, 1)]
    if length % 2:
        ends[2:] = [torch.zeros_like(ends[2])] * 2
    wide = torch.cat(ends, axis)
    pairs = wide.movedim(axis, 0)
    first, second = pairs[0::2], pairs[1::2]  # one and one after it; a place's own two are second and first
    near: Tensor = second[:-1] + first[1:]
    return near.mul_(0.75).add_(first[:-1] + second[1:], alpha=0.25).movedim(0, axis)


def _enlarged_from(gradient: Tensor, height: int, width: int) -> Tensor:
    """The gradient by a level of that size, of which `_as_large` made what the gradient is by.

    It is what `torch.autograd.grad` would find. That loads sympy first, for 40 MB and half a second.
    """
    channels = gradient.shape[1]
    slope: Tensor = torch.ops.aten.upsample_bilinear2d_backward(
        gradient, list(gradient.shape[-2:]), [1, channels, height, width], False
    )
    return slope


def _as_large(level: Tensor, picture: Tensor) -> Tensor:
    return F.interpolate(level, picture.shape[-2:], mode="bilinear", align_corners=False)
