"""Costs, which a training minimises, and metrics, which tell a person how good a network is.

Outputs are [n, k] or [n, time, k]. Targets are class numbers, without the last axis, or values of the
outputs' shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from studio.errors import Refused

CostName = Literal["squared", "half squared", "absolute", "cross-entropy", "binary cross-entropy"]
MetricName = Literal["accuracy", "mean squared error", "mean absolute error"]


@dataclass(frozen=True)
class Criterion:
    """A cost or a metric: what it is in a sentence, and its mean over all targets."""

    sentence: str
    mean: Callable[[Tensor, Tensor], Tensor]


def _squared(outputs: Tensor, targets: Tensor) -> Tensor:
    mean = F.mse_loss(outputs, as_numbers(outputs, targets))
    return mean if outputs.shape[-1] == 1 else mean * outputs.shape[-1]


def _half_squared(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.mse_loss(outputs, as_numbers(outputs, targets)) * (0.5 * outputs.shape[-1])


def _mean_square(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.mse_loss(outputs, as_numbers(outputs, targets))


def _absolute(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.l1_loss(outputs, as_numbers(outputs, targets)) * outputs.shape[-1]


def _cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    if targets.is_floating_point() or targets.ndim != outputs.ndim - 1:
        raise Refused(
            "Cross-entropy needs one class number for each output; "
            f"the outputs are {shape_in_words(outputs)}, the targets are {shape_in_words(targets)}."
        )
    if outputs.ndim > 2:
        outputs, targets = outputs.flatten(0, -2), targets.flatten()
    try:
        return F.cross_entropy(outputs, targets)
    except (IndexError, ValueError) as error:
        raise Refused(
            f"The targets do not fit a network of {outputs.shape[-1]} outputs "
            f"({error}); give it one output for each class."
        ) from None


def _binary_cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    mean = F.binary_cross_entropy_with_logits(outputs, as_numbers(outputs, targets))
    return mean * outputs.shape[-1] if outputs.shape[-1] > 1 else mean


def _accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    if not targets.is_floating_point() and targets.ndim == outputs.ndim - 1 and outputs.shape[-1] > 1:
        right = outputs.argmax(-1) == targets
    else:
        right = (outputs > 0) == (as_numbers(outputs, targets) > 0)
    return right.float().mean()


COSTS: dict[CostName, Criterion] = {
    "squared": Criterion("(y - t)², summed over the outputs", _squared),
    "half squared": Criterion(
        "½ (y - t)², summed over the outputs: its gradient is the delta rule's y - t", _half_squared
    ),
    "absolute": Criterion("|y - t|, summed over the outputs: outliers count less", _absolute),
    "cross-entropy": Criterion(
        "-log of the probability given to the right class (softmax of the outputs), in nats", _cross_entropy
    ),
    "binary cross-entropy": Criterion(
        "-log of the probability given to each yes or no (sigmoid of the "
        "outputs), summed over the outputs, in nats",
        _binary_cross_entropy,
    ),
}
METRICS: dict[MetricName, Criterion] = {
    "accuracy": Criterion(
        "share of correct answers: the class of the largest output, or the sign of a single one",
        _accuracy,
    ),
    "mean squared error": Criterion("(y - t)², mean over the outputs", _mean_square),
    "mean absolute error": Criterion(
        "|y - t|, mean over the outputs", lambda y, t: F.l1_loss(y, as_numbers(y, t))
    ),
}


def as_numbers(outputs: Tensor, targets: Tensor) -> Tensor:
    """The targets as values of the outputs' shape. [n] for outputs of [n, 1] means one value each; it is
    never broadcast to n times n.
    """
    if targets.dtype != outputs.dtype:
        targets = targets.to(outputs.dtype)
    if targets.shape == outputs.shape:
        return targets
    if outputs.shape[-1] == 1 and targets.shape == outputs.shape[:-1]:
        return targets.unsqueeze(-1)
    raise Refused(
        f"The outputs are {shape_in_words(outputs)}, but the targets are {shape_in_words(targets)}; "
        "they must have the same shape."
    )


def shape_in_words(tensor: Tensor) -> str:
    kind = "numbers" if tensor.is_floating_point() else "class numbers"
    return f"{' x '.join(map(str, tensor.shape))} {kind}"
