"""A rule that learns the loss's curvature from its own steps, for a loss that is the same at every step, such
as that of a painting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from studio.errors import Refused


@dataclass
class LimitedBFGS:
    """Limited-memory BFGS without a line search: one gradient a step.

    Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical
    Programming 45, 1989. The way it takes is a sum of the last moves, the changes of the gradient and the
    gradient, whose shares follow from their products alone: Chen, Wang and Zhou, "Large-scale L-BFGS using
    MapReduce", NIPS 2014.

    memory: how many of the last steps it learns from; each takes twice the memory of the variables. first,
    longest: root mean square of the first step and of the longest, in units of the variables. stretch: how
    much flatter the loss is taken to be where nothing was learnt than along the last move; a little above 1
    goes farther where there are only a few steps. What moves the variables between two steps, such as a
    clamp, is taken for a part of the first.

    Raises `Refused` for numbers out of range.
    """

    memory: int = 5
    first: float = 0.01
    longest: float = 0.04
    stretch: float = 1.0
    _known: _Known | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.memory < 1:
            raise Refused(f"It cannot learn from {self.memory} steps; give at least 1.")
        if not 0 < self.first <= self.longest < float("inf"):
            raise Refused(
                f"The first step is {self.first:g} long and the longest {self.longest:g}; give numbers above "
                "0, the second not below the first."
            )
        if not 0 < self.stretch < float("inf"):
            raise Refused(f"A stretch of {self.stretch:g} is no length: give a number above 0, such as 1.")

    def reset(self) -> None:
        """Start over, as if no step had been taken."""
        self._known = None

    def __call__(self, variables: Sequence[Tensor], gradients: Sequence[Tensor], rate: float) -> None:
        place, gradient = _flat(variables), _flat(gradients)
        if self._known is None:
            self._known = _Known(self.memory, place, gradient)
        else:
            self._known.learn(place, gradient)
        way, learnt = self._known.way(self.stretch)
        length = float(way.square().mean().sqrt())
        if length == 0:
            return
        way.mul_(-rate * (min(length, self.longest) if learnt else self.first) / length)
        begin = 0
        for each in variables:
            each.add_(way[begin : begin + each.numel()].view(each.shape))
            begin += each.numel()


class _Known:
    """The last moves and the changes of the gradient that came of them, and the latest gradient: the rows of
    one table [2 memory + 1, numbers], and the products of all rows.
    """

    def __init__(self, memory: int, place: Tensor, gradient: Tensor) -> None:
        self.memory, self.place, self.gradient = memory, place.clone(), gradient.clone()
        self.rows = place.new_empty(0, len(place))  # until there is a move to learn from
        self.products = torch.zeros(2 * memory + 1, 2 * memory + 1, dtype=torch.double)
        self.order: list[int] = []

    def learn(self, place: Tensor, gradient: Tensor) -> None:
        """Keep the last move and how it changed the gradient, where the loss curves upwards along it."""
        free = next((row for row in range(self.memory) if row not in self.order), self.order[:1])
        row = free if isinstance(free, int) else free[0]
        move, change = place - self.place, gradient - self.gradient
        if not len(self.rows):
            self.rows = place.new_zeros(2 * self.memory + 1, len(place))
        self.gradient = self.rows[2 * self.memory]
        if float(torch.dot(move, change)) > 1e-12 * float(torch.dot(change, change)):
            self.order = [*(each for each in self.order if each != row), row]
            self._note(row, move)
            self._note(self.memory + row, change)
        self.place.copy_(place)
        self._note(2 * self.memory, gradient)

    def way(self, stretch: float = 1.0) -> tuple[Tensor, bool]:
        """The gradient times the inverse of the curvature as it is known so far, and whether any is known."""
        if not self.order:
            return self.gradient.clone(), False
        memory, products = self.memory, self.products
        shares = torch.zeros(2 * memory + 1, dtype=torch.double)
        shares[2 * memory] = 1
        taken = {}
        for row in reversed(self.order):
            taken[row] = products[row] @ shares / products[row, memory + row]
            shares[memory + row] -= taken[row]
        last = self.order[-1]
        shares *= stretch * products[last, memory + last] / products[memory + last, memory + last]
        for row in self.order:
            shares[row] += taken[row] - products[memory + row] @ shares / products[row, memory + row]
        return shares.to(self.rows) @ self.rows, True

    def _note(self, row: int, numbers: Tensor) -> None:
        self.rows[row].copy_(numbers)
        self.products[row] = (self.rows @ self.rows[row]).double().cpu()
        self.products[:, row] = self.products[row]


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    flat = [each.detach().reshape(-1) for each in tensors]
    return flat[0] if len(flat) == 1 else torch.cat(flat)
