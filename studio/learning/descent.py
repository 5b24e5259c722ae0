"""The one loop: measure the wrongness, nudge, repeat.

    for step in descend([picture], objective, rule, steps=10, raising=True):
        show(step.loss)

A lesson nudges three prices with it, `training.fit` the weights of a network, a dream the pixels of a photo
upwards. What differs stays outside: what is measured (`measure`), how to move along the slope (`rule`), how
far (`schedule`).
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
    """A loss whose gradient the caller worked out itself: by hand in a lesson, tile by tile in a large dream.

    loss: the wrongness (or the objective, when raising) at the variables as they stand.
    gradients: d loss / d variable, one for each variable, of its shape.
    """

    loss: float
    gradients: Sequence[Tensor]


Measure = Callable[[], "Tensor | Slope"]
"""Looks at the variables as they stand and gives the loss: a scalar Tensor to differentiate, or a ready
`Slope`.
"""

Schedule = Callable[[int], float]
"""Step number (from 1) -> factor on the rate."""


class Rule(Protocol):
    """Moves the variables, in place, down the gradients it is given, by about `rate` times its own step size.

    It is called without gradient tracking. One that calls its own step size `rate` is named by that when a
    descent diverges, and one that can `forget` is told to then.
    """

    def __call__(self, variables: Sequence[Tensor], gradients: Sequence[Tensor], rate: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a descent ended. kind: done, stopped, plateau or diverged; sentence: the same for a person."""

    kind: str
    sentence: str


class Step:
    """One turn of the loop. `gradient` and `change` are worked out when asked for, and only until the next
    step.

    number: from 1; loss: before this step's move; ending: None unless this was the last step.
    """

    __slots__ = ("_gradients", "_moves", "ending", "loss", "number")

    def __init__(
        self,
        number: int,
        loss: float,
        gradients: Sequence[Tensor | None],
        moves: _Moves | None,
        ending: Ending | None,
    ) -> None:
        self.number, self.loss, self._gradients, self._moves, self.ending = (
            number,
            loss,
            gradients,
            moves,
            ending,
        )

    @property
    def gradient(self) -> float:
        """Euclidean length of the gradient (after clipping) over all variables: how steep it is here."""
        return _length(_there(self._gradients))

    @property
    def change(self) -> float:
        """Euclidean length of what this step moved the variables by; 0 unless the descent was told to
        `watch`.
        """
        return self._moves.length() if self._moves is not None else 0.0


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
    """Take up to `steps` steps down the loss (up the objective, when `raising`), yielding each as it is
    taken.

    variables: leaf tensors, changed in place. They must require gradients when `measure` gives a Tensor. Only
    their gradients are
        worked out: what else the loss depends on gathers none.
    rule: an update rule of ours, or a torch optimiser over the same variables (not L-BFGS, which measures
    several times a step). As in
        torch, an optimiser leaves a variable alone that the loss does not depend on; a rule is given zeros for it.
    schedule: factor on the rate for each step. An optimiser's own rate stands again as it was when the
    descent ends or is closed.
    longest_gradient: clip the gradient to this Euclidean length (Pascanu et al., 2013).
    patience, tolerance: end on a plateau, when `patience` steps brought no improvement by more than
    `tolerance` of the
        improvement since the start.
    stop: asked before every step; True ends the descent where it stands. Closing the generator does the same.
    watch: also measure how far each step moves (costs a copy of the variables a step).
    keep_every: how often a good state is kept to go back to, in steps; 0 keeps none.

    Returns the `Ending`; the last `Step` carries it too, except when `stop` put an end to it before there was
    another step. A loss that is not finite ends the descent: the variables go back to the last good state, an
    optimiser forgets its momentum (which may be poisoned), and the ending says which setting is likely to
    blame. The same happens when the very last move left a variable not finite.
    Raises `Refused` for numbers that make no sense.
    """
    _check(steps, longest_gradient, patience, keep_every)
    variables = list(variables)
    move = (
        _OptimiserMove(rule, variables)
        if isinstance(rule, torch.optim.Optimizer)
        else _RuleMove(rule, variables)
    )
    moves = _Moves(variables) if watch else None
    good = _LastGood(variables, keep_every)
    plateau = _Plateau(patience, tolerance) if patience is not None else None
    downhill = _Downhill(variables, raising)
    sign = downhill.sign
    gradients: Sequence[Tensor | None] = ()
    last = Ending("done", "Took no step.")
    try:
        for number in range(1, steps + 1):
            if stop is not None and stop():
                return Ending("stopped", f"Stopped on request after {number - 1} steps.")
            earlier = gradients
            loss, gradients = downhill(measure())
            if not math.isfinite(loss):
                ending = good.restore(number, sign * loss, earlier, move.rate_in_words, longest_gradient)
                move.forget()
                yield Step(number, loss, gradients, None, ending)
                return ending
            good.keep(number, sign * loss)
            if longest_gradient is not None:
                gradients = _clip(gradients, longest_gradient)
            if moves is not None:
                moves.before()
            move(gradients, 1.0 if schedule is None else schedule(number))
            if number < steps and (plateau is None or not plateau.reached(number, sign * loss)):
                yield Step(number, loss, gradients, moves, None)
                continue
            last = (
                Ending("done", f"Took all {steps} steps.")
                if plateau is None or not plateau.is_reached
                else plateau.ending
            )
            if not _finite(variables):
                last = good.restore(number, None, gradients, move.rate_in_words, longest_gradient)
                move.forget()
            yield Step(number, loss, gradients, moves, last)
            break
        return last
    finally:
        move.put_back()


def _check(steps: int, longest_gradient: float | None, patience: int | None, keep_every: int) -> None:
    if steps < 0:
        raise Refused(f"A descent cannot take {steps} steps; give 0 or more.")
    if longest_gradient is not None and not longest_gradient > 0:
        raise Refused(
            f"The longest gradient is {longest_gradient:g}; it must be greater than 0, or left out for no clipping."
        )
    if patience is not None and patience < 1:
        raise Refused(
            f"The patience is {patience} steps; it must be at least 1, or left out to never end on a plateau."
        )
    if keep_every < 0:
        raise Refused(f"A good state cannot be kept every {keep_every} steps; give 0 (never) or more.")


class _Downhill:
    """The loss, and the gradients of what is to be lowered: with the sign turned when raising."""

    def __init__(self, variables: Sequence[Tensor], raising: bool) -> None:
        self.variables, self.sign = variables, -1.0 if raising else 1.0

    def __call__(self, measured: Tensor | Slope) -> tuple[float, Sequence[Tensor | None]]:
        if isinstance(measured, Slope):
            return measured.loss, self._turned(measured.gradients)
        gradients = torch.autograd.grad(measured, self.variables, allow_unused=True)
        return measured.item(), self._turned(gradients)

    def _turned(self, gradients: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        return (
            gradients
            if self.sign > 0
            else [None if gradient is None else -gradient for gradient in gradients]
        )


class _RuleMove:
    """A step of an update rule of ours."""

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

    def forget(self) -> None:
        forget = getattr(self.rule, "forget", None)
        if forget is not None:
            forget()

    def put_back(self) -> None:
        """A rule of ours is told the factor and keeps its own rate."""


class _OptimiserMove:
    """The same for a torch optimiser, which reads its gradients from the variables and its rate from its
    groups.
    """

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

    def forget(self) -> None:
        self.optimiser.state.clear()

    def put_back(self) -> None:
        if self.factor != 1.0:
            self._scale(1.0)

    def _scale(self, factor: float) -> None:
        for group, base in zip(self.optimiser.param_groups, self.base_rates, strict=True):
            group["lr"] = base * factor
        self.factor = factor


def _there(gradients: Sequence[Tensor | None]) -> list[Tensor]:
    return [gradient for gradient in gradients if gradient is not None]


def _length(tensors: Sequence[Tensor]) -> float:
    if not tensors:
        return 0.0
    return float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(list(tensors)))))


def _finite(tensors: Sequence[Tensor]) -> bool:
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


def _clip(gradients: Sequence[Tensor | None], longest: float) -> Sequence[Tensor | None]:
    length = _length(_there(gradients))
    if length > longest:
        return [gradient if gradient is None else gradient * (longest / length) for gradient in gradients]
    return gradients


class _Moves:
    """How far the variables moved in the last step, from a copy taken just before it."""

    def __init__(self, watched: Sequence[Tensor]) -> None:
        self.watched = list(watched)
        self.earlier: list[Tensor] = []

    def before(self) -> None:
        self.earlier = [variable.detach().clone() for variable in self.watched]

    def length(self) -> float:
        return _length(torch._foreach_sub([variable.detach() for variable in self.watched], self.earlier))


class _LastGood:
    """Keeps a copy of the variables every few steps, as long as the loss is not on its way up.

    So what a descent goes back to when it blows up is from before the explosion, not from the middle of it.
    Losses are looked at in windows of `every` steps: a window is on its way up when its mean lies above the
    best window's by more than that one's own spread explains (the noise of mini-batches) or a tenth of all
    that was gained so far.
    """

    def __init__(self, variables: list[Tensor], every: int) -> None:
        self.variables, self.every = variables, every
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
        self,
        number: int,
        loss: float | None,
        gradients: Sequence[Tensor | None],
        rate: str,
        longest_gradient: float | None,
    ) -> Ending:
        """Go back, and say why.

        loss: what was to be lowered, not finite; None when the very last move blew up and nothing was
        measured after it.
        gradients: those of the last step that moved anything.
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
        if not _finite(_there(gradients)):
            blame = "the slope was not finite though the loss was: look for a logarithm, a root or a division by 0 in the cost"
        elif self.rising >= 2 or self.latest > self.first:
            blame = f"it had been rising, so the learning rate{rate} is probably too large: try a third of it"
        elif loss == -math.inf:
            blame = "it improves without end: give what is measured a limit, or take fewer steps"
        elif longest_gradient is None:
            blame = f"it came all at once, so a single step was too long: clip the gradient, or lower the learning rate{rate}"
        else:
            blame = "it came all at once: look for a logarithm or a root of 0 in the cost, or an extreme value in the data"
        happened = (
            f"The loss became {what} at step {number}"
            if loss is not None
            else f"The last step, {number}, went beyond all numbers"
        )
        return Ending("diverged", f"{happened}{back}; {blame}.")


class _Plateau:
    """Notices when `patience` steps in a row brought nothing worth the name."""

    def __init__(self, patience: int, tolerance: float) -> None:
        self.patience, self.tolerance = patience, tolerance
        self.first = self.best = math.nan
        self.best_at = 0
        self.is_reached = False

    def reached(self, number: int, loss: float) -> bool:
        if number == 1:
            self.first = self.best = loss
            self.best_at = 1
        elif loss < self.best - self.tolerance * (self.first - self.best):
            self.best, self.best_at = loss, number
        self.is_reached = number - self.best_at >= self.patience
        return self.is_reached

    @property
    def ending(self) -> Ending:
        return Ending(
            "plateau", f"Nothing has improved for {self.patience} steps (best at step {self.best_at})."
        )
