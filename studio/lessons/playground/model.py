"""The Playground's network and its training."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.errors import Refused
from studio.lessons.kit.scene import File
from studio.lessons.playground.data import (
    DRAWN,
    FEATURES,
    Task,
    drawn_task,
    features_of,
    own_task,
    painted_task,
    sunset,
)

if TYPE_CHECKING:
    from torch import Tensor

    from studio.learning.datasets import Examples
    from studio.learning.networks import Layered
    from studio.learning.training import Fitted, Plan, Report, TrainingState

OWN, PICTURE = "own points", "picture"
TASKS = (*DRAWN, OWN, PICTURE)
MOST_LAYERS, MOST_NEURONS = 6, 16
LONGEST_CURVE = 400
NO_POINTS = "There is nothing to learn from yet: draw some orange and some blue points on the map."
RENEWED_AFTER = 400
"""Epochs after which the fitting is resumed without its history, which would only grow."""
STARTS = {"small": "playground", "he": "he", "xavier": "xavier", "zero": "zero"}
OPTIMISERS: dict[str, dict[str, Any]] = {
    "gradient descent": {"optimiser": "sgd"},
    "momentum": {"optimiser": "sgd", "momentum": 0.9},
    "Adam": {"optimiser": "adam"},
    "RMSprop": {"optimiser": "rmsprop"},
}


@dataclass(frozen=True)
class CurvePoint:
    """Loss and accuracy after so many epochs, on the training and on the test points.

    The accuracies are nan where there are no classes, or no points.
    """

    epoch: float
    loss: float
    test_loss: float
    right: float
    test_right: float


@dataclass(frozen=True)
class PlaygroundState:
    """The visitor's place in the lesson. The network's weights and the running `fitting` change in place;
    all else is replaced.

    best: the lowest loss so far and the weights that had it.
    pinned, hovered: the neuron whose picture is shown large, by id.
    link: the weight being edited.
    files: to be handed over once.
    """

    settings: dict[str, Any]
    task: Task
    network: Layered
    fitting: Generator[Report, None, Fitted] | None
    curve: tuple[CurvePoint, ...]
    epoch: float = 0.0
    report: Report | None = None
    best: tuple[CurvePoint, dict[str, Tensor]] | None = None
    playing: bool = False
    said: str = ""
    mood: str = "plain"
    pinned: str = ""
    hovered: str = ""
    link: str = ""
    picture: np.ndarray | None = None
    files: tuple[File, ...] = ()
    known: dict[str, Any] = field(default_factory=dict)
    """Settings as the page knows them; those that differ are sent with the scene."""


def begin(settings: Mapping[str, Any]) -> PlaygroundState:
    """Points, and a network that has seen none of them.

    Raises `Refused` for points, layers or features that cannot be read.
    """
    settings = dict(settings)
    task = make_task(settings, None)
    return begin_with(settings, task, build_network(settings, task), None)


def begin_with(
    settings: dict[str, Any], task: Task, network: Layered, picture: np.ndarray | None
) -> PlaygroundState:
    """The state before the first step, with this task and this network."""
    state = PlaygroundState(settings, task, network, None, (), picture=picture, known=settings)
    return measured(replace(state, fitting=_fitting(state, None)))


def make_task(settings: Mapping[str, Any], picture: np.ndarray | None) -> Task:
    """The task that the settings choose. Raises `Refused` for points that cannot be read."""
    name, ratio, seed = str(settings["data"]), float(settings["ratio"]), int(settings["seed"])
    if name == OWN:
        return own_task(str(settings["points"]), ratio, seed)
    if name == PICTURE:
        return painted_task(sunset() if picture is None else picture, ratio, seed)
    return drawn_task(name, ratio, float(settings["noise"]), seed)


def features_in(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The features named, in the order of the table. Raises `Refused` for an unknown one, or for none."""
    named = {
        name.strip().replace("^2", "²").replace("*", "")
        for name in str(settings["features"]).split(",")
        if name.strip()
    }
    unknown = sorted(named - set(FEATURES))
    if unknown:
        raise Refused(f"There is no feature '{unknown[0][:20]}'; choose from {', '.join(FEATURES)}.")
    if not named:
        raise Refused("The network needs at least one feature to look at, such as x.")
    return tuple(name for name in FEATURES if name in named)


def layers_in(settings: Mapping[str, Any]) -> tuple[int, ...]:
    """Neurons in each hidden layer. Raises `Refused` for too many, or for anything but whole numbers."""
    named = [part.strip() for part in str(settings["layers"]).split(",") if part.strip()]
    layers = tuple(int(part) if part.isdecimal() and len(part) < 4 else 0 for part in named)
    if len(layers) > MOST_LAYERS or not all(1 <= layer <= MOST_NEURONS for layer in layers):
        raise Refused(
            f"Give layers as up to {MOST_LAYERS} numbers from 1 to {MOST_NEURONS}, such as 4, 2; leave "
            "it empty for none."
        )
    return layers


def build_network(settings: Mapping[str, Any], task: Task) -> Layered:
    """An untrained network for the task. Raises `Refused` for layers or features that cannot be read."""
    from typing import cast

    from studio.learning.networks import Layered, Perceptron

    config = Perceptron.model_validate(
        {
            "inputs": len(features_in(settings)),
            "hidden": layers_in(settings),
            "outputs": task.outputs,
            "activation": settings["activation"],
            "output": "tanh" if _squashed(settings, task) else "linear",
            "start": STARTS[str(settings["start"])],
            "seed": int(settings["weights"]),
        }
    )
    return cast(Layered, config.build())


def _squashed(settings: Mapping[str, Any], task: Task) -> bool:
    """Whether the output passes through tanh before it is compared: for colours, and for classes by
    squared difference.
    """
    return task.kind == "colours" or (task.kind == "classes" and settings["cost"] != "cross-entropy")


def cost_of(settings: Mapping[str, Any], task: Task) -> str:
    """The cost's name in `studio.learning`."""
    return (
        "binary cross-entropy"
        if task.kind == "classes" and settings["cost"] == "cross-entropy"
        else "half squared"
    )


def _plan(settings: Mapping[str, Any], task: Task) -> Plan:
    from studio.learning.training import Plan

    penalty, strength = str(settings["penalty"]), float(settings["penalty_rate"])
    return Plan.of(
        cost=cost_of(settings, task),
        rate=float(settings["rate"]),
        batch=int(settings["batch"]),
        l1=strength if penalty == "L1" else 0.0,
        l2=strength if penalty == "L2" else 0.0,
        epochs=1_000_000,
        seed=int(settings["seed"]),
        device="cpu",
        **OPTIMISERS[str(settings["optimiser"])],
    )


def _examples(settings: Mapping[str, Any], task: Task, *, test: bool = False) -> Examples | None:
    import torch

    from studio.learning.datasets import Examples

    points, targets = (task.test_points, task.test_targets) if test else (task.points, task.targets)
    if not len(points):
        return None
    if cost_of(settings, task) == "binary cross-entropy":
        targets = (targets + 1) / 2
    return Examples(
        torch.from_numpy(features_of(points, features_in(settings))),
        torch.from_numpy(np.ascontiguousarray(targets, dtype=np.float32)),
    )


def _fitting(state: PlaygroundState, resume: TrainingState | None) -> Generator[Report, None, Fitted] | None:
    """The shared loop with a report after every step; None where there is nothing to learn from."""
    from studio.learning.training import fit

    examples = _examples(state.settings, state.task)
    if examples is None:
        return None
    return fit(state.network, examples, _plan(state.settings, state.task), every_step=True, resume=resume)


def _standing(state: PlaygroundState, *, memory: bool = True) -> TrainingState | None:
    """The current state of the training, to go on from with other settings: without its history and, if
    `memory` is False, without the optimiser's running averages.
    """
    from studio.learning.training import TrainingState

    if state.report is None:
        return None
    now = state.report.state()
    tensors = {
        name: tensor for name, tensor in now.tensors.items() if memory or not name.startswith("optimiser/")
    }
    tensors |= {f"weights/{name}": tensor.clone() for name, tensor in state.network.state_dict().items()}
    return TrainingState(now.standing.model_copy(update={"history": ()}), tensors)


def resume(state: PlaygroundState, *, memory: bool = True) -> PlaygroundState:
    """Go on from here with the settings, the data and the network as they are now."""
    return replace(state, fitting=_fitting(state, _standing(state, memory=memory)))


def train(state: PlaygroundState, *, seconds: float = 0.0, epochs: int = 0) -> PlaygroundState:
    """Train for so many seconds, to the end of an epoch unless that is far off; or for so many epochs."""
    if state.fitting is None:
        return replace(
            state,
            playing=False,
            said=NO_POINTS,
        )
    began = time.perf_counter()
    steps = ended = 0
    with one_thread():
        while True:
            report = next(state.fitting)
            steps += 1
            if report.ending is not None:
                break
            ended += report.figures is not None
            if epochs and ended == epochs:
                break
            spent = time.perf_counter() - began
            if seconds and ((spent > seconds and report.figures is not None) or spent > 2.5 * seconds):
                break
    per_epoch = math.ceil(len(state.task.points) / int(state.settings["batch"]))
    state = replace(state, report=report, epoch=round(state.epoch + steps / per_epoch, 6))
    if report.ending is not None:
        return measured(_after_divergence(state, report.ending.sentence))
    if report.epoch % RENEWED_AFTER == 0 and report.figures is not None:
        state = resume(state)
    return measured(replace(state, said="", mood="plain"))


@contextmanager
def one_thread() -> Iterator[None]:
    """A network this small trains faster on one thread than on several that wait for one another: on a
    busy machine, ten times faster.
    """
    import torch

    found = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(found)


def _after_divergence(state: PlaygroundState, sentence: str) -> PlaygroundState:
    """The loop has restored the last good weights; say which setting caused this."""
    settings = state.settings
    rate, strength = float(settings["rate"]), float(settings["penalty_rate"])
    if settings["penalty"] == "L2" and rate * strength >= 2:
        sentence = (
            f"{sentence.split(';')[0]}; went back. Learning rate {rate:g} times penalty {strength:g} "
            f"is {rate * strength:g}: from 2 upwards, every step shrinks the weights by more than "
            "their size. Lower the penalty."
        )
    return replace(resume(state, memory=False), playing=False, said=sentence, mood="bad")


def measured(state: PlaygroundState) -> PlaygroundState:
    """Add the current losses to the curve, and keep the best weights."""
    from studio.learning.training import evaluate

    cost: Any = cost_of(state.settings, state.task)
    found = []
    for test in (False, True):
        examples = _examples(state.settings, state.task, test=test)
        if examples is None:
            found.append((math.nan, math.nan))
            continue
        with one_thread():
            judged = evaluate(
                state.network,
                examples,
                cost,
                ("accuracy",) if state.task.kind == "classes" else (),
                batch=4096,
            )
        found.append((judged.loss, judged.metrics.get("accuracy", math.nan)))
    (loss, right), (test_loss, test_right) = found
    moment = CurvePoint(state.epoch, loss, test_loss, right, test_right)
    earlier = state.curve[:-1] if state.curve and state.curve[-1].epoch == state.epoch else state.curve
    if len(earlier) > LONGEST_CURVE:
        earlier = (*earlier[:-1:2], earlier[-1])
    best = state.best
    if math.isfinite(loss) and (best is None or loss < best[0].loss):
        best = moment, {name: tensor.clone() for name, tensor in state.network.state_dict().items()}
    return replace(state, curve=(*earlier, moment), best=best)


def find_weight(state: PlaygroundState, name: str) -> tuple[Tensor, tuple[int, ...]] | None:
    """Where a link's weight or a neuron's bias is stored: the tensor and the place in it, or None."""
    from torch import nn

    dense = [layer for layer in state.network if isinstance(layer, nn.Linear)]
    names = node_names(state)
    node, _, other = name.partition(":")
    for depth, layer in enumerate(dense, start=1):
        if other == "bias" and node in names[depth]:
            return layer.bias, (names[depth].index(node),)
        if node in names[depth - 1] and other in names[depth]:
            return layer.weight, (names[depth].index(other), names[depth - 1].index(node))
    return None


def node_names(state: PlaygroundState) -> list[list[str]]:
    """The names of all nodes: features, then neurons layer by layer, then outputs."""
    hidden = [
        [f"neuron {depth}.{number}" for number in range(1, wide + 1)]
        for depth, wide in enumerate(layers_in(state.settings), 1)
    ]
    outputs = ["out"] if state.task.outputs == 1 else [f"out {number}" for number in (1, 2, 3)]
    return [[f"feature {name}" for name in features_in(state.settings)], *hidden, outputs]
