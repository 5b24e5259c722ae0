"""The one loop: measure the wrongness, nudge, repeat.

    for step in descend([picture], objective, rule, steps=10, raising=True):
        show(step.loss)

A lesson nudges three prices with it, `training.fit` the weights of a network, a dream the pixels of a photo upwards.
What differs stays outside: what is measured (`measure`), how to move along the slope (`rule`), how far (`schedule`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Slope:
    """A loss whose gradient the caller worked out itself: by hand in a lesson, tile by tile in a large dream.

    loss: the wrongness (or the objective, when raising) at the variables as they stand.
    gradients: d loss / d variable, one for each variable, of its shape.
    """

    loss: float
    gradients: Sequence[Tensor]


Measure = Callable[[], "Tensor | Slope"]
"""Looks at the variables as they stand and gives the loss: a scalar Tensor to differentiate, or a ready `Slope`."""

Schedule = Callable[[int], float]
"""Step number (from 1) -> factor on the rate."""


class Rule(Protocol):
    """Moves the variables, in place, down the gradients it is given, by about `rate` times its own step size."""

    def __call__(self, variables: Sequence[Tensor], gradients: Sequence[Tensor], rate: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a descent ended. kind: done, stopped, plateau or diverged; sentence: the same for a person."""

    kind: str
    sentence: str


class Step:
    """One turn of the loop. `gradient` and `change` are worked out when asked for, and only until the next step.

    number: from 1; loss: before this step's move; ending: None unless this was the last step.
    """

    __slots__ = ("_gradients", "_moves", "ending", "loss", "number")

    def __init__(self, number: int, loss: float, gradients: Sequence[Tensor], moves: _Moves, ending: Ending | None) -> None:
        self.number, self.loss, self._gradients, self._moves, self.ending = number, loss, gradients, moves, ending

    @property
    def gradient(self) -> float:
        """Euclidean length of the gradient over all variables: how steep it is here."""
        return _length(self._gradients)

    @property
    def change(self) -> float:
        """Euclidean length of what this step moved the variables by; 0 unless the descent was told to `watch`."""
        return self._moves.length()


def descend(
    variables: Sequence[Tensor],
    measure: Measure,
    rule: Rule | torch.optim.Optimizer,
    *,
    steps: int,
    schedule: Schedule | None = None,
    raising: bool = False,
    longest_gradient: float | None = None,
    patience: int | None = None,
    tolerance: float = 1e-4,
    stop: Callable[[], bool] | None = None,
    watch: bool = False,
    keep_every: int = 16,
) -> Generator[Step, None, Ending]:
    """Take up to `steps` steps down the loss (up the objective, when `raising`), yielding each as it is taken.

    variables: leaf tensors, changed in place. They must require gradients when `measure` gives a Tensor.
    rule: an update rule of ours, or any torch optimiser over the same variables.
    schedule: factor on the rate for each step.
    longest_gradient: clip the gradient to this Euclidean length (Pascanu et al., 2013).
    patience, tolerance: end on a plateau, when `patience` steps brought no improvement by more than `tolerance` of the
        improvement since the start.
    stop: asked before every step; True ends the descent where it stands. Closing the generator does the same.
    watch: also measure how far each step moves (costs a copy of the variables a step).
    keep_every: how often a good state is kept to go back to, in steps; 0 keeps none.

    Returns the `Ending`, which the last `Step` also carries. A loss that is not finite ends the descent: the variables go back to
    the last good state (an optimiser's own memory does not) and the ending says which setting is likely to blame.
    """
    variables = list(variables)
    move, rate_in_words = _as_move(rule, variables)
    moves = _Moves(variables if watch else ())
    good = _LastGood(variables, keep_every)
    plateau = _Plateau(patience, tolerance)
    sign = -1.0 if raising else 1.0
    for number in range(1, steps + 1):
        if stop is not None and stop():
            return Ending("stopped", f"Stopped on request after {number - 1} steps.")
        loss, gradients = _slope(measure, variables, sign)
        if not math.isfinite(loss):
            diverged = good.restore(number, loss, rate_in_words, longest_gradient)
            yield Step(number, loss, gradients, moves, diverged)
            return diverged
        good.keep(number, sign * loss)
        if longest_gradient is not None:
            gradients = _clip(gradients, longest_gradient)
        moves.before()
        move(gradients, schedule(number) if schedule is not None else 1.0)
        last = Ending("done", f"Took all {steps} steps.") if number == steps else None
        ending = last or plateau.reached(number, sign * loss)
        yield Step(number, loss, gradients, moves, ending)
        if ending is not None:
            return ending
    return Ending("done", "Took no step.")


def _slope(measure: Measure, variables: Sequence[Tensor], sign: float) -> tuple[float, Sequence[Tensor]]:
    """The loss now, and the gradients of what is to be lowered (so with the sign turned when raising)."""
    for variable in variables:
        variable.grad = None
    measured = measure()
    if isinstance(measured, Slope):
        gradients = measured.gradients
        return measured.loss, gradients if sign > 0 else torch._foreach_neg(list(gradients))
    torch.autograd.backward(measured if sign > 0 else -measured)
    return measured.item(), [torch.zeros_like(v) if v.grad is None else v.grad for v in variables]


def _as_move(rule: Rule | torch.optim.Optimizer, variables: list[Tensor]) -> tuple[Callable[[Sequence[Tensor], float], None], str]:
    """One way to call an update rule and a torch optimiser alike, and how to name its rate to a person."""
    if not isinstance(rule, torch.optim.Optimizer):
        rate = getattr(rule, "rate", None)
        return (lambda gradients, factor: rule(variables, gradients, factor)), "" if rate is None else f" ({rate:g})"

    base_rates = [group["lr"] for group in rule.param_groups]

    def move(gradients: Sequence[Tensor], factor: float) -> None:
        for variable, gradient in zip(variables, gradients, strict=True):
            variable.grad = gradient
        for group, base in zip(rule.param_groups, base_rates, strict=True):
            group["lr"] = base * factor
        rule.step()

    return move, f" ({max(base_rates):g})"


def _length(tensors: Sequence[Tensor]) -> float:
    if not tensors:
        return 0.0
    return float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(list(tensors)))))


def _clip(gradients: Sequence[Tensor], longest: float) -> Sequence[Tensor]:
    length = _length(gradients)
    if length > longest:
        return torch._foreach_mul(list(gradients), longest / length)
    return gradients


class _Moves:
    """How far the variables moved in the last step, from a copy taken just before it."""

    def __init__(self, watched: Sequence[Tensor]) -> None:
        self.watched = list(watched)
        self.earlier: list[Tensor] = []

    def before(self) -> None:
        if self.watched:
            self.earlier = [variable.detach().clone() for variable in self.watched]

    def length(self) -> float:
        if not self.earlier:
            return 0.0
        return _length(torch._foreach_sub([variable.detach() for variable in self.watched], self.earlier))


class _LastGood:
    """Keeps a copy of the variables every few steps, as long as the loss is no worse than the start was, tenfold.

    So what a descent goes back to when it blows up is from before the explosion, not from the middle of it.
    """

    def __init__(self, variables: list[Tensor], every: int) -> None:
        self.variables, self.every = variables, every
        self.kept: list[Tensor] = []
        self.kept_at = 0
        self.first = self.best = self.latest = math.nan
        self.rising = 0

    def keep(self, number: int, loss: float) -> None:
        if number == 1:
            self.first = self.best = loss
        self.rising = self.rising + 1 if loss > self.latest else 0
        self.latest = loss
        if loss < self.best:
            self.best = loss
        due = number == 1 or (self.every and number - self.kept_at >= self.every)
        if self.every and due and loss - self.best <= 10 * (self.first - self.best):
            with torch.no_grad():
                if not self.kept:
                    self.kept = [torch.empty_like(variable) for variable in self.variables]
                torch._foreach_copy_(self.kept, self.variables)
            self.kept_at = number

    def restore(self, number: int, loss: float, rate: str, longest_gradient: float | None) -> Ending:
        what = "not a number" if math.isnan(loss) else "infinite"
        if number == 1:
            where = "look for missing or extreme values in the data or the starting weights"
            return Ending("diverged", f"The loss is {what} before the first step: {where}.")
        back = ""
        if self.kept:
            with torch.no_grad():
                torch._foreach_copy_(self.variables, self.kept)
            back = f"; went back to step {self.kept_at}"
        if self.rising >= 2 or self.latest > self.first:
            blame = f"it had been rising, so the learning rate{rate} is probably too large: try a third of it"
        elif longest_gradient is None:
            blame = f"it came all at once, so a single step was too long: clip the gradient, or lower the learning rate{rate}"
        else:
            blame = "it came all at once: look for a logarithm or a root of 0 in the cost, or an extreme value in the data"
        return Ending("diverged", f"The loss became {what} at step {number}{back}; {blame}.")


class _Plateau:
    """Notices when `patience` steps in a row brought nothing worth the name."""

    def __init__(self, patience: int | None, tolerance: float) -> None:
        self.patience, self.tolerance = patience, tolerance
        self.first = self.best = math.nan
        self.best_at = 0

    def reached(self, number: int, loss: float) -> Ending | None:
        if self.patience is None:
            return None
        if number == 1:
            self.first = self.best = loss
            self.best_at = 1
        elif loss < self.best - self.tolerance * max(self.first - self.best, 0.0):
            self.best, self.best_at = loss, number
        if number - self.best_at < self.patience:
            return None
        return Ending("plateau", f"Nothing has improved for {self.patience} steps (best at step {self.best_at}).")
