"""The one loop: measure the error, nudge, repeat.

    for step in descend([picture], objective, rule, steps=10, maximize=True):
        show(step.loss)

A lesson nudges three prices with it, `training.fit` the weights of a network, a dream the pixels of a photo
(uphill). What differs stays outside: what is measured (`measure`), how to move along the slope (`rule`) and
how far (`schedule`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from studio.errors import Refused


@dataclass(frozen=True, slots=True)
class Slope:
    """A loss whose gradient the caller computed: by hand in a lesson, tile by tile in a large dream.

    loss: the error (or the objective, when maximizing) at the current variables.
    gradients: d loss / d variable, one for each variable, of its shape.
    """

    loss: float
    gradients: Sequence[Tensor]


Measure = Callable[[], "Tensor | Slope"]
"""Returns the loss at the current variables: a scalar Tensor to differentiate, or a ready `Slope`."""

Schedule = Callable[[int], float]
"""Step number (from 1) -> factor on the learning rate."""


class Rule(Protocol):
    """Moves the variables, in place, down the gradients it is given, by about `rate` times its own step size.

    It is called without gradient tracking. If it has an attribute `rate`, the message after a divergence
    quotes it; if it has a method `reset`, that is called then.
    """

    def __call__(self, variables: Sequence[Tensor], gradients: Sequence[Tensor], rate: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a descent ended. kind: done, plateau or diverged; sentence: the same for a person."""

    kind: str
    sentence: str


@dataclass(frozen=True, slots=True)
class DescentOptions:
    """What a descent needs only sometimes.

    max_norm: clip the gradient to this Euclidean length (Pascanu et al., 2013).
    patience, tolerance: end on a plateau, when `patience` steps in a row have not improved the loss by more
    than `tolerance` times the total improvement since the start.
    keep_every: copy the variables every so many steps, to go back to after a divergence; 0 never copies.

    Raises `Refused` for numbers out of range.
    """

    max_norm: float | None = None
    patience: int | None = None
    tolerance: float = 1e-4
    keep_every: int = 16

    def __post_init__(self) -> None:
        if self.max_norm is not None and not self.max_norm > 0:
            raise Refused(
                f"The maximum gradient norm is {self.max_norm:g}; give a "
                "number above 0, or None for no clipping."
            )
        if self.patience is not None and self.patience < 1:
            raise Refused(
                f"The patience is {self.patience} steps; give at least 1, or None to ignore plateaus."
            )
        if self.keep_every < 0:
            raise Refused(f"The variables cannot be copied every {self.keep_every} steps; give 0 or more.")


class Step:
    """One turn of the loop.

    number: from 1; loss: before this step's move; ending: None unless this was the last step.
    """

    __slots__ = ("_gradients", "ending", "loss", "number")

    def __init__(
        self, number: int, loss: float, gradients: Sequence[Tensor | None], ending: Ending | None
    ) -> None:
        self.number, self.loss, self._gradients, self.ending = number, loss, gradients, ending

    @property
    def gradient(self) -> float:
        """Euclidean length of the gradient (after clipping) over all variables; only until the next step."""
        return _norm(_present(self._gradients))


def descend(
    variables: Sequence[Tensor],
    measure: Measure,
    rule: Rule | torch.optim.Optimizer,
    *,
    steps: int,
    maximize: bool = False,
    schedule: Schedule | None = None,
    options: DescentOptions | None = None,
) -> Generator[Step, None, Ending]:
    """Take up to `steps` steps down the loss (or up, with `maximize`), yielding each step once it is taken.

    variables: leaf tensors, changed in place. They must require gradients if `measure` returns a Tensor.
        Gradients are computed for them alone.
    rule: one of our update rules, or a torch optimiser over the same variables (not L-BFGS, which measures
        several times a step). A torch optimiser skips a variable that the loss does not depend on, as usual;
        a rule gets zeros for it.
    schedule: factor on the learning rate at each step. A torch optimiser has its own rate back afterwards.

    To stop early, close the generator or stop iterating: the variables stay as they are.

    Returns the `Ending`, which the last `Step` carries too. If the loss stops being finite, or the last move
    makes a variable non-finite, the variables go back to the last good copy, the optimiser's state is reset
    (it may hold the same bad numbers), and the ending names the setting most likely to blame.
    Raises `Refused` for a negative number of steps.
    """
    if steps < 0:
        raise Refused(f"A descent cannot take {steps} steps; give 0 or more.")
    options = options or DescentOptions()
    variables = list(variables)
    move = _move_of(rule, variables)
    good = _LastGood(variables, options)
    plateau = _Plateau(options)
    downhill = _Downhill(variables, maximize)
    sign = downhill.sign
    gradients: Sequence[Tensor | None] = ()
    ending = Ending("done", "Took no step.")
    try:
        for number in range(1, steps + 1):
            earlier = gradients
            loss, gradients = downhill(measure())
            if not math.isfinite(loss):
                ending = good.restore(number, sign * loss, earlier, move.rate_in_words)
                move.reset()
                yield Step(number, loss, gradients, ending)
                return ending
            good.keep(number, sign * loss)
            if options.max_norm is not None:
                gradients = _clip(gradients, options.max_norm)
            move(gradients, 1.0 if schedule is None else schedule(number))
            if number < steps and not plateau.reached(number, sign * loss):
                yield Step(number, loss, gradients, None)
                continue
            ending = plateau.ending or Ending("done", f"Took all {steps} steps.")
            if not _finite(variables):
                ending = good.restore(number, None, gradients, move.rate_in_words)
                move.reset()
            yield Step(number, loss, gradients, ending)
            break
        return ending
    finally:
        move.restore_rate()


class _Downhill:
    """The loss, and the gradients of what is to be lowered: with the sign flipped when maximizing."""

    def __init__(self, variables: Sequence[Tensor], maximize: bool) -> None:
        self.variables, self.sign = variables, -1.0 if maximize else 1.0

    def __call__(self, measured: Tensor | Slope) -> tuple[float, Sequence[Tensor | None]]:
        if isinstance(measured, Slope):
            return measured.loss, self._flipped(measured.gradients)
        gradients = torch.autograd.grad(measured, self.variables, allow_unused=True)
        return measured.item(), self._flipped(gradients)

    def _flipped(self, gradients: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        if self.sign > 0:
            return gradients
        return [None if gradient is None else -gradient for gradient in gradients]


def _move_of(rule: Rule | torch.optim.Optimizer, variables: list[Tensor]) -> _RuleMove | _OptimiserMove:
    if isinstance(rule, torch.optim.Optimizer):
        return _OptimiserMove(rule, variables)
    return _RuleMove(rule, variables)


class _RuleMove:
    """A step of one of our update rules."""

    def __init__(self, rule: Rule, variables: list[Tensor]) -> None:
        self.rule, self.variables = rule, variables

    def __call__(self, gradients: Sequence[Tensor | None], factor: float) -> None:
        whole = [
            torch.zeros_like(v) if g is None else g for v, g in zip(self.variables, gradients, strict=True)
        ]
        with torch.no_grad():
            self.rule(self.variables, whole, factor)

    @property
    def rate_in_words(self) -> str:
        rate = getattr(self.rule, "rate", None)
        return f" ({rate:g})" if isinstance(rate, float | int) else ""

    def reset(self) -> None:
        reset = getattr(self.rule, "reset", None)
        if reset is not None:
            reset()

    def restore_rate(self) -> None:
        """Nothing to do: our rules get the factor with each step and keep their own rate."""


class _OptimiserMove:
    """A step of a torch optimiser, which reads gradients from the variables and its rate from its groups."""

    def __init__(self, optimiser: torch.optim.Optimizer, variables: list[Tensor]) -> None:
        self.optimiser, self.variables = optimiser, variables
        self.base_rates = [group["lr"] for group in optimiser.param_groups]
        self.factor = 1.0

    def __call__(self, gradients: Sequence[Tensor | None], factor: float) -> None:
        for variable, gradient in zip(self.variables, gradients, strict=True):
            variable.grad = gradient
        if factor != self.factor:
            self._scale(factor)
        self.optimiser.step()

    @property
    def rate_in_words(self) -> str:
        return f" ({float(max(self.base_rates)):g})"

    def reset(self) -> None:
        self.optimiser.state.clear()

    def restore_rate(self) -> None:
        if self.factor != 1.0:
            self._scale(1.0)

    def _scale(self, factor: float) -> None:
        for group, base in zip(self.optimiser.param_groups, self.base_rates, strict=True):
            group["lr"] = base * factor
        self.factor = factor


def _present(gradients: Sequence[Tensor | None]) -> list[Tensor]:
    return [gradient for gradient in gradients if gradient is not None]


def _norm(tensors: Sequence[Tensor]) -> float:
    if not tensors:
        return 0.0
    return float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(list(tensors)))))


def _finite(tensors: Sequence[Tensor]) -> bool:
    # By the ends of each: `isfinite` would copy a large picture, and what is no number is an end too.
    ends = (torch.stack(torch.aminmax(tensor)) for tensor in tensors if tensor.numel())
    return all(bool(torch.isfinite(both).all()) for both in ends)


def _clip(gradients: Sequence[Tensor | None], max_norm: float) -> Sequence[Tensor | None]:
    norm = _norm(_present(gradients))
    if norm > max_norm:
        return [gradient if gradient is None else gradient * (max_norm / norm) for gradient in gradients]
    return gradients


class _LastGood:
    """Keeps a copy of the variables, renewed every few steps for as long as the loss is not rising.

    A descent that blows up thus goes back to before the explosion, not into the middle of it. Losses are
    compared in windows of `keep_every` steps. A window counts as rising if its mean exceeds the best window's
    mean by more than that window's own spread explains (the noise of mini-batches), or by more than a tenth
    of the improvement so far.
    """

    def __init__(self, variables: list[Tensor], options: DescentOptions) -> None:
        self.variables, self.every, self.clips = variables, options.keep_every, options.max_norm is not None
        self.kept: list[Tensor] = []
        self.kept_at = 0
        self.first = self.latest = math.nan
        self.rising = 0
        self.window: list[float] = []
        self.first_mean = self.best_mean = math.nan
        self.spread = 0.0

    def keep(self, number: int, loss: float) -> None:
        self.rising = self.rising + 1 if loss > self.latest else 0
        self.latest = loss
        if number == 1:
            self.first = loss
            if self.every:
                self._copy(number)
        if not self.every:
            return
        self.window.append(loss)
        if len(self.window) == self.every:
            if self._is_good(loss):
                self._copy(number)
            self.window.clear()

    def _is_good(self, loss: float) -> bool:
        mean = sum(self.window) / len(self.window)
        spread = sum(abs(loss - mean) for loss in self.window) / len(self.window)
        if math.isnan(self.best_mean):
            self.first_mean = self.best_mean = mean
            self.spread = spread
            return loss <= self.first + spread
        gained = 0.1 * max(self.first_mean - self.best_mean, 0.0)
        good = (
            mean - self.best_mean <= 3 * self.spread + gained
            and loss - self.best_mean <= 6 * self.spread + gained
        )
        if mean < self.best_mean:
            self.best_mean, self.spread = mean, spread
        return good

    @torch.no_grad()
    def _copy(self, number: int) -> None:
        if not self.kept:
            self.kept = [torch.empty_like(variable) for variable in self.variables]
        torch._foreach_copy_(self.kept, self.variables)
        self.kept_at = number

    def restore(
        self, number: int, loss: float | None, gradients: Sequence[Tensor | None], rate: str
    ) -> Ending:
        """Go back to the last good copy, and say what went wrong.

        loss: the non-finite loss; None if the last move blew up and nothing was measured after it.
        gradients: those of the last step that moved anything. rate: the learning rate, " (0.1)" or "".
        """
        what = "infinite" if loss is not None and math.isinf(loss) else "not a number"
        if loss is not None and number == 1:
            where = "look for missing or extreme values in the data or the starting weights"
            return Ending("diverged", f"The loss is {what} before the first step: {where}.")
        back = ""
        if self.kept:
            with torch.no_grad():
                torch._foreach_copy_(self.variables, self.kept)
            back = f"; went back to step {self.kept_at}"
        happened = (
            f"The last step, {number}, exceeded the range of numbers"
            if loss is None
            else f"The loss became {what} at step {number}"
        )
        return Ending("diverged", f"{happened}{back}; {self._cause(loss, gradients, rate)}.")

    def _cause(self, loss: float | None, gradients: Sequence[Tensor | None], rate: str) -> str:
        """The most likely cause, and what to try."""
        if not _finite(_present(gradients)):
            return (
                "the gradient was not finite although the loss was: "
                "look for a logarithm, a root or a division by 0 in the cost"
            )
        if self.rising >= 2 or self.latest > self.first:
            return f"it had been rising, so the learning rate{rate} is probably too large: try a third of it"
        if loss == -math.inf:
            return "it improves without limit: bound what is measured, or take fewer steps"
        if not self.clips:
            return (
                "it happened suddenly, so a single step was too long: "
                f"clip the gradient, or lower the learning rate{rate}"
            )
        return (
            "it happened suddenly: look for a logarithm or a root of 0 in the cost, "
            "or an extreme value in the data"
        )


class _Plateau:
    """Notices when `patience` steps in a row have brought no real improvement."""

    def __init__(self, options: DescentOptions) -> None:
        self.patience, self.tolerance = options.patience, options.tolerance
        self.first = self.best = math.nan
        self.best_at = 0
        self.ending: Ending | None = None

    def reached(self, number: int, loss: float) -> bool:
        if self.patience is None:
            return False
        if number == 1:
            self.first = self.best = loss
            self.best_at = 1
        elif loss < self.best - self.tolerance * (self.first - self.best):
            self.best, self.best_at = loss, number
        if number - self.best_at >= self.patience:
            self.ending = Ending(
                "plateau", f"No improvement for {self.patience} steps (best at step {self.best_at})."
            )
        return self.ending is not None
