"""A curve with a chosen number of bends, its training, and its errors on three sets of points."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.lessons.kit.lesson import Action
from studio.lessons.kit.scene import written

if TYPE_CHECKING:
    from torch import Tensor

    from studio.learning.descent import Ending, Step

X, Y = (-1.0, 1.0), (-2.2, 2.2)
MOST_BENDS = 14
RATE = 0.25
STEPS_A_TURN = 2
STEPS = 60
"""Enough for the loss to come within a millionth of its minimum: (1 - RATE)^(2 · STEPS) of the way
remains.
"""
FOLDS = 5
TEST_SIZE = 60


@dataclass(frozen=True)
class TrainAndTestState:
    """Three sets of points (x, y) for training, validation and the final test.

    tried: by number of bends, the mean squared errors on the training and the validation points.
    crossed: by number of bends, the cross-validated error.
    opened: for each look at the test points, the number of bends and the error.
    """

    settings: dict[str, Any]
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    weights: Tensor
    basis: np.ndarray
    descent: Generator[Step, None, Ending]
    steps: int = 0
    playing: bool = False
    tried: dict[int, tuple[float, float]] = field(default_factory=dict)
    crossed: dict[int, float] = field(default_factory=dict)
    crossing: bool = False
    opened: tuple[tuple[int, float], ...] = ()
    said: str = ""


def begin(settings: Mapping[str, Any]) -> TrainAndTestState:
    """New points, nothing learnt."""
    rng = np.random.default_rng(int(settings["seed"]))
    noise = float(settings["noise"])
    train, validation, test = (
        _points(rng, count, noise) for count in (int(settings["points"]), 15, TEST_SIZE)
    )
    return TrainAndTestState(dict(settings), train, validation, test, *_fresh(train, int(settings["bends"])))


def truth(x: np.ndarray) -> np.ndarray:
    """The true curve behind the points."""
    return np.asarray(np.sin(3.4 * x) + 0.5 * x)


def _points(rng: np.random.Generator, count: int, noise: float) -> np.ndarray:
    x = np.sort(rng.uniform(*X, count))
    return np.column_stack([x, truth(x) + rng.normal(0, noise, count)])


def powers(x: np.ndarray, bends: int) -> np.ndarray:
    """Legendre polynomials 0 … bends at x: [points, bends + 1]. They span the same curves as 1, x, x² …,
    without the huge numbers.
    """
    return np.asarray(np.polynomial.legendre.legvander(x, bends))


def _fresh(train: np.ndarray, bends: int) -> tuple[Tensor, np.ndarray, Generator[Step, None, Ending]]:
    """A flat curve and the loop that will bend it.

    A QR decomposition makes the training columns orthonormal, so one rate suits every direction and
    few steps are enough.
    """
    import torch

    from studio.learning.descent import descend
    from studio.learning.rules import GradientDescent

    bends = min(bends, len(train) - 1)
    columns = powers(train[:, 0], bends)
    basis = np.asarray(np.linalg.inv(np.linalg.qr(columns)[1]))
    inputs, targets = torch.tensor(columns @ basis), torch.tensor(train[:, 1])
    weights = torch.zeros(bends + 1, dtype=torch.float64, requires_grad=True)
    return (
        weights,
        basis,
        descend(
            [weights],
            lambda: 0.5 * ((inputs @ weights - targets) ** 2).sum(),
            GradientDescent(RATE),
            steps=STEPS,
        ),
    )


def curve(state: TrainAndTestState, x: np.ndarray) -> np.ndarray:
    """What the curve says at x."""
    return _says_at(state.weights, state.basis, x)


def _says_at(weights: Tensor, basis: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.asarray(powers(x, len(basis) - 1) @ basis @ weights.detach().numpy())


def error_on(weights: Tensor, basis: np.ndarray, points: np.ndarray) -> float:
    """The mean squared error of a curve on points, [n, 2]."""
    return float(np.mean((_says_at(weights, basis, points[:, 0]) - points[:, 1]) ** 2))


def learnt(train: np.ndarray, bends: int) -> tuple[Tensor, np.ndarray]:
    """Weights and basis of the curve after all its steps."""
    weights, basis, descent = _fresh(train, bends)
    for _ in descent:
        pass
    return weights, basis


def cross_validated(points: np.ndarray, bends: int) -> float:
    """Mean squared error, averaged over five fifths of the points, each predicted by a curve trained on
    the other four.
    """
    folds = [points[fold::FOLDS] for fold in range(FOLDS)]
    errors = []
    for held in range(FOLDS):
        rest = np.concatenate([each for fold, each in enumerate(folds) if fold != held])
        errors.append(error_on(*learnt(rest, bends), folds[held]))
    return float(np.mean(errors))


def act(state: TrainAndTestState, action: Action) -> TrainAndTestState:
    """Learn, change the bends, cross-validate, or open the sealed points."""
    if action.name == "reset":
        return begin(state.settings)
    if action.name == "set":
        settings = state.settings | {action.knob: action.value}
        if action.knob == "bends":
            weights, basis, descent = _fresh(state.train, int(action.value))
            return replace(
                state,
                settings=settings,
                weights=weights,
                basis=basis,
                descent=descent,
                steps=0,
                playing=True,
                crossing=False,
                said="",
            )
        return replace(state, settings=settings)
    if action.name == "play":
        return replace(state, playing=not state.playing, crossing=False)
    if action.name == "cross":
        return replace(
            state,
            playing=True,
            crossing=True,
            crossed={},
            said="Each fifth of the points is held back once; the other four are learnt from.",
        )
    if action.name == "open":
        return _open(state)
    if action.name in ("advance", "step"):
        return _cross(state) if state.crossing else _learn(state)
    return state


def _learn(state: TrainAndTestState) -> TrainAndTestState:
    for _ in range(STEPS_A_TURN):
        if next(state.descent, None) is None:
            break
    steps = min(state.steps + STEPS_A_TURN, STEPS)
    bends = int(state.settings["bends"])
    errors = (
        error_on(state.weights, state.basis, state.train),
        error_on(state.weights, state.basis, state.validation),
    )
    done = steps >= STEPS
    now = replace(
        state,
        steps=steps,
        playing=state.playing and not done,
        tried=state.tried | {bends: errors} if done else state.tried,
    )
    return replace(now, said=_verdict(now) if done else "")


def _verdict(state: TrainAndTestState) -> str:
    bends = int(state.settings["bends"])
    train, validation = state.tried[bends]
    best = min(state.tried, key=lambda each: state.tried[each][1])
    if bends >= len(state.train) - 1:
        return (
            "It passes through every point it learnt from, noise included. Look at what it does between them."
        )
    if validation > 2.5 * train and bends > best:
        return (
            f"Overfitted: error {written(train, 3)} on the points it learnt from, "
            f"{written(validation, 3)} on points it never saw."
        )
    if bends < best:
        return f"Too stiff: with {best} bends it did better on both."
    return (
        f"{bends} bends: error {written(train, 3)} on the points it learnt from, "
        f"{written(validation, 3)} on points it never saw. Try more, and fewer."
    )


def _cross(state: TrainAndTestState) -> TrainAndTestState:
    bends = max(state.crossed, default=0) + 1
    if bends > min(MOST_BENDS, len(state.train) * 4 // 5 - 2):
        best = min(state.crossed, key=lambda each: state.crossed[each])
        wild = max(state.crossed.values()) > 100 * state.crossed[best]
        why = (
            " Its error with many bends is huge: a curve shoots off where the outermost points are "
            "the ones held back."
        )
        return replace(
            state,
            playing=False,
            crossing=False,
            said=(
                f"Cross-validation would choose {best} bends, and no point had to be set aside for "
                f"good.{why if wild else ''}"
            ),
        )
    return replace(state, crossed=state.crossed | {bends: cross_validated(state.train, bends)})


def _open(state: TrainAndTestState) -> TrainAndTestState:
    bends, error = int(state.settings["bends"]), error_on(state.weights, state.basis, state.test)
    opened = (*state.opened, (bends, error))
    if len(opened) == 1:
        said = (
            f"The sealed points say {written(error, 3)}. That figure is honest, once: you chose "
            "without having seen them."
        )
    else:
        said = (
            f"{written(error, 3)}. That was look number {len(opened)}. If you choose by it now, the "
            "test flatters you."
        )
    return replace(state, opened=opened, said=said, playing=False)
