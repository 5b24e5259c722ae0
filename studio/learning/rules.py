"""Update rules: how a gradient moves the variables. Each is a few lines, as in its paper, and gives the same
numbers as its namesake in torch.optim, bit for bit.

Why not torch.optim itself: it loads PyTorch's compiler when the first optimiser is created, which takes two
seconds in every process that learns. `descend` accepts its optimisers too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from studio.errors import Refused
from studio.learning.descent import Slope


def _check_rate(rate: float) -> None:
    if not 0 <= rate < float("inf"):
        raise Refused(f"The learning rate is {rate:g}; it must be 0 or more.")


def _decayed(variables: Sequence[Tensor], gradients: Sequence[Tensor], decay: float) -> list[Tensor]:
    """Weight decay: the gradients as if `decay` * ½ Σ w² were added to the loss."""
    if not decay:
        return list(gradients)
    return list(torch._foreach_add(list(gradients), list(variables), alpha=decay))


@dataclass(frozen=True, slots=True)
class GradientDescent:
    """variable <- variable - rate * gradient (Cauchy, 1847): torch.optim.SGD without momentum.

    Raises `Refused` for a rate that is negative or not a number.
    """

    rate: float
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _check_rate(self.rate)

    def __call__(self, variables: Sequence[Tensor], gradients: Sequence[Tensor], rate: float) -> None:
        torch._foreach_add_(
            list(variables), _decayed(variables, gradients, self.weight_decay), alpha=-self.rate * rate
        )


@dataclass
class StatefulRule:
    """An update rule that carries tensors from step to step, one for each variable, of its shape. They have
    the names that torch.optim gives them.

    A rule belongs to the variables of its first step. Raises `Refused` for a rate that is negative or not a
    number.
    """

    rate: float
    weight_decay: float = field(default=0.0, kw_only=True)
    steps: int = field(default=0, init=False)
    memory: dict[str, list[Tensor]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        _check_rate(self.rate)

    def reset(self) -> None:
        """Start over, as if no step had been taken."""
        self.steps = 0
        self.memory.clear()

    def state(self) -> dict[int, dict[str, Tensor]]:
        """The tensors by the variable's number, as torch.optim keeps them; "step" is the number of steps."""
        count = max((len(tensors) for tensors in self.memory.values()), default=0)
        step = torch.tensor(float(self.steps))
        return {
            number: {"step": step} | {name: kept[number] for name, kept in self.memory.items()}
            for number in range(count)
        }

    def load_state(self, state: Mapping[int, Mapping[str, Tensor]], variables: Sequence[Tensor]) -> None:
        """Continue from a `state`, or from one of the same optimiser in torch.optim. Missing tensors start as
        zeros.
        """
        self.reset()
        self.steps = max((int(kept["step"]) for kept in state.values() if "step" in kept), default=0)
        names = {name for kept in state.values() for name in kept} - {"step"}
        for name in names:
            found = [state.get(number, {}).get(name) for number in range(len(variables))]
            self.memory[name] = [
                torch.zeros_like(variable) if tensor is None else tensor.to(variable, copy=True)
                for variable, tensor in zip(variables, found, strict=True)
            ]

    def _kept(self, name: str, variables: Sequence[Tensor]) -> list[Tensor]:
        if name not in self.memory:
            self.memory[name] = [torch.zeros_like(variable, requires_grad=False) for variable in variables]
        return self.memory[name]


@dataclass
class Momentum(StatefulRule):
    """Like a heavy ball: velocity <- momentum * velocity + gradient; variable <- variable - rate * velocity
    (Polyak, 1964).
    """

    momentum: float = 0.9

    def __call__(self, variables: Sequence[Tensor], gradients: Sequence[Tensor], rate: float) -> None:
        velocity = self._kept("momentum_buffer", variables)
        torch._foreach_mul_(velocity, self.momentum)
        torch._foreach_add_(velocity, _decayed(variables, gradients, self.weight_decay))
        torch._foreach_add_(list(variables), velocity, alpha=-self.rate * rate)


@dataclass
class Adam(StatefulRule):
    """A step size for every weight: the running mean of its gradients, divided by the root of the running
    mean of their squares (Kingma and Ba, 2015, algorithm 1).

    decoupled: weight decay shrinks the weights directly, by rate * weight_decay, instead of adding to their
    gradient: AdamW (Loshchilov and Hutter, 2019).
    """

    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = field(default=1e-8, kw_only=True)
    decoupled: bool = field(default=False, kw_only=True)

    def __call__(self, variables: Sequence[Tensor], gradients: Sequence[Tensor], rate: float) -> None:
        (first, second), variables = self.betas, list(variables)
        mean, square = self._kept("exp_avg", variables), self._kept("exp_avg_sq", variables)
        self.steps += 1
        if self.decoupled:
            torch._foreach_mul_(variables, 1 - self.rate * rate * self.weight_decay)
        gradients = list(gradients) if self.decoupled else _decayed(variables, gradients, self.weight_decay)
        torch._foreach_lerp_(mean, gradients, 1 - first)
        torch._foreach_mul_(square, second)
        torch._foreach_addcmul_(square, gradients, gradients, 1 - second)
        # Both means began at 0, so early on they are too small: correct that bias.
        size = torch._foreach_sqrt(square)
        torch._foreach_div_(size, (1 - second**self.steps) ** 0.5)
        torch._foreach_add_(size, self.epsilon)
        torch._foreach_addcdiv_(variables, mean, size, -self.rate * rate / (1 - first**self.steps))


@dataclass
class RMSprop(StatefulRule):
    """The gradient divided by the root of the running mean of its squares, which decays by `decay` a step
    (Hinton, Neural Networks for Machine Learning, 2012, lecture 6e). torch.optim calls `decay` alpha.
    """

    momentum: float = 0.0
    decay: float = field(default=0.99, kw_only=True)
    epsilon: float = field(default=1e-8, kw_only=True)

    def __call__(self, variables: Sequence[Tensor], gradients: Sequence[Tensor], rate: float) -> None:
        variables, gradients = list(variables), _decayed(variables, gradients, self.weight_decay)
        square = self._kept("square_avg", variables)
        torch._foreach_mul_(square, self.decay)
        torch._foreach_addcmul_(square, gradients, gradients, 1 - self.decay)
        size = torch._foreach_sqrt(square)
        torch._foreach_add_(size, self.epsilon)
        if not self.momentum:
            torch._foreach_addcdiv_(variables, gradients, size, -self.rate * rate)
            return
        velocity = self._kept("momentum_buffer", variables)
        torch._foreach_mul_(velocity, self.momentum)
        torch._foreach_addcdiv_(velocity, gradients, size)
        torch._foreach_add_(variables, velocity, alpha=-self.rate * rate)


@dataclass
class Adagrad(StatefulRule):
    """The gradient divided by the root of the sum of all its squares so far (Duchi, Hazan and Singer,
    2011).
    """

    epsilon: float = field(default=1e-10, kw_only=True)

    def __call__(self, variables: Sequence[Tensor], gradients: Sequence[Tensor], rate: float) -> None:
        gradients = _decayed(variables, gradients, self.weight_decay)
        squares = self._kept("sum", variables)
        torch._foreach_addcmul_(squares, gradients, gradients)
        size = torch._foreach_sqrt(squares)
        torch._foreach_add_(size, self.epsilon)
        torch._foreach_addcdiv_(list(variables), gradients, size, -self.rate * rate)


def delta_rule(weights: Tensor, inputs: Tensor, targets: Tensor) -> Slope:
    """The delta rule of Widrow and Hoff (1960) for a linear neuron y = x · w, summed over the given cases.

    weights: [features]; inputs x: [cases, features]; targets t: [cases].
    The loss is ½ Σ (t - y)², so one step of `GradientDescent(rate)` is Δw = Σ rate · x (t - y), as on paper.
    """
    with torch.no_grad():
        error = targets - inputs @ weights
        return Slope(0.5 * float(error @ error), [-(error @ inputs)])
