"""Update rules small enough to read aloud. Everything grander (momentum, Adam …) comes from torch.optim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from studio.errors import Refused
from studio.learning.descent import Slope


@dataclass(frozen=True, slots=True)
class GradientDescent:
    """variable <- variable - rate * gradient (Cauchy, 1847), to the bit what torch.optim.SGD does without momentum.

    Raises `Refused` for a rate that is negative or not a number.
    """

    rate: float

    def __post_init__(self) -> None:
        if not 0 <= self.rate < float("inf"):
            raise Refused(f"The learning rate is {self.rate:g}; it must be 0 or more.")

    def __call__(self, variables: Sequence[Tensor], gradients: Sequence[Tensor], rate: float) -> None:
        torch._foreach_add_(list(variables), list(gradients), alpha=-self.rate * rate)


def delta_rule(weights: Tensor, inputs: Tensor, targets: Tensor) -> Slope:
    """The delta rule of Widrow and Hoff (1960) for a linear neuron y = x · w, over all cases given (one, or many).

    weights: [features]; inputs x: [cases, features]; targets t: [cases].
    The loss is ½ Σ (t - y)², so that one step of `GradientDescent(rate)` is Δw = Σ rate · x (t - y), as on paper.
    """
    with torch.no_grad():
        error = targets - inputs @ weights
        return Slope(0.5 * float(error @ error), [-(error @ inputs)])
