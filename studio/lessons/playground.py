"""The Playground: a small network on points in a plane, with every weight, every neuron's own picture and
every setting in reach.

After TensorFlow's Playground (Daniel Smilkov, Shan Carter and others, 2016), with one's own points and
pictures, and a coach.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.errors import Refused
from studio.lessons.kit.keeping import packed, unpacked
from studio.lessons.kit.lesson import (
    Check,
    Choice,
    Event,
    Lesson,
    Push,
    Slide,
    Switch,
    Upload,
    Write,
    fitting,
)
from studio.lessons.kit.scene import (
    Button,
    Entry,
    Figure,
    File,
    Heat,
    Line,
    Link,
    Mark,
    Node,
    Points,
    Scene,
    Table,
    Words,
    written,
)
from studio.lessons.playground_data import (
    BLUE,
    DRAWN,
    FEATURES,
    ORANGE,
    REACH,
    Task,
    drawn_task,
    features_of,
    own_task,
    painted_task,
    points_from_file,
    small_picture,
    sunset,
    with_stroke,
    write_points,
)

if TYPE_CHECKING:
    from torch import Tensor

    from studio.learning.datasets import Examples
    from studio.learning.networks import Layered
    from studio.learning.training import Fitted, Plan, Report, TrainingState

OWN, PICTURE = "own points", "picture"
TASKS = (*DRAWN, OWN, PICTURE)
MOST_LAYERS, MOST_NEURONS = 6, 16
TURN = 0.055
"""Seconds of training between two drawings: so many epochs as fit."""
GRID, THUMB = 100, 20
LONGEST_CURVE = 400
RENEWED_AFTER = 400
"""Epochs after which the fitting is taken up anew without its history, which would only grow."""

RATES = (0.00001, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
PENALTIES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
STARTS = {"small": "playground", "he": "he", "xavier": "xavier", "zero": "zero"}
OPTIMISERS: dict[str, dict[str, Any]] = {
    "gradient descent": {"optimiser": "sgd"},
    "momentum": {"optimiser": "sgd", "momentum": 0.9},
    "Adam": {"optimiser": "adam"},
    "RMSprop": {"optimiser": "rmsprop"},
}
DATA_KNOBS = ("data", "ratio", "noise", "seed", "points")
NETWORK_KNOBS = ("features", "layers", "activation", "start", "weights")


@dataclass(frozen=True)
class Moment:
    """How wrong the network was after so many epochs. right: the share on the right side; nan where there are
    no sides, or no points.
    """

    epoch: float
    loss: float
    test_loss: float
    right: float
    test_right: float


@dataclass(frozen=True)
class State:
    """The visitor's place. The network's weights and the running `fitting` change in place; all else is
    replaced.

    best: the lowest loss so far and the weights that had it. pinned, hovered: the neuron whose picture is
    shown large, by id; link: the weight being edited. files: to be handed over once.
    """

    settings: dict[str, Any]
    task: Task
    network: Layered
    fitting: Generator[Report, None, Fitted] | None
    curve: tuple[Moment, ...]
    epoch: float = 0.0
    report: Report | None = None
    best: tuple[Moment, dict[str, Tensor]] | None = None
    playing: bool = False
    said: str = ""
    mood: str = "plain"
    pinned: str = ""
    hovered: str = ""
    link: str = ""
    picture: np.ndarray | None = None
    files: tuple[File, ...] = ()
    known: dict[str, Any] = field(default_factory=dict)
    """Settings as the page knows them; what differs is sent along with the scene."""


def begin(settings: Mapping[str, Any]) -> State:
    """Points, and a network that has seen none of them. Raises `Refused` for points, layers or features that
    cannot be read.
    """
    settings = dict(settings)
    task = _task(settings, None)
    return _started(settings, task, _network(settings, task), None)


def _started(settings: dict[str, Any], task: Task, network: Layered, picture: np.ndarray | None) -> State:
    state = State(settings, task, network, None, (), picture=picture, known=settings)
    return _measured(replace(state, fitting=_fitting(state, None)))


def _task(settings: Mapping[str, Any], picture: np.ndarray | None) -> Task:
    name, ratio, seed = str(settings["data"]), float(settings["ratio"]), int(settings["seed"])
    if name == OWN:
        return own_task(str(settings["points"]), ratio, seed)
    if name == PICTURE:
        return painted_task(sunset() if picture is None else picture, ratio, seed)
    return drawn_task(name, ratio, float(settings["noise"]), seed)


def features_in(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The features named, in the order of the table. Raises `Refused` for one there is not, or for none."""
    named = {
        name.strip().replace("^2", "²").replace("*", "")
        for name in str(settings["features"]).split(",")
        if name.strip()
    }
    unknown = sorted(named - set(FEATURES))
    if unknown:
        raise Refused(f"There is no feature '{unknown[0][:20]}'; there are {', '.join(FEATURES)}.")
    if not named:
        raise Refused("The network needs at least one feature to look at, such as x.")
    return tuple(name for name in FEATURES if name in named)


def layers_in(settings: Mapping[str, Any]) -> tuple[int, ...]:
    """Neurons of each hidden layer. Raises `Refused` for too many, or what is no number."""
    named = [part.strip() for part in str(settings["layers"]).split(",") if part.strip()]
    layers = tuple(int(part) if part.isdecimal() and len(part) < 4 else 0 for part in named)
    if len(layers) > MOST_LAYERS or not all(1 <= layer <= MOST_NEURONS for layer in layers):
        raise Refused(
            f"Layers are up to {MOST_LAYERS} numbers from 1 to {MOST_NEURONS}, such as 4, 2; leave it empty for none."
        )
    return layers


def _network(settings: Mapping[str, Any], task: Task) -> Layered:
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
    """Whether the output passes through tanh before it is compared: for colours, and for classes by squared
    difference.
    """
    return task.kind == "colours" or (task.kind == "classes" and settings["cost"] != "cross-entropy")


def _cost(settings: Mapping[str, Any], task: Task) -> str:
    return (
        "binary cross-entropy"
        if task.kind == "classes" and settings["cost"] == "cross-entropy"
        else "half squared"
    )


def _plan(settings: Mapping[str, Any], task: Task) -> Plan:
    from studio.learning.training import Plan

    penalty, strength = str(settings["penalty"]), float(settings["penalty_rate"])
    return Plan.of(
        cost=_cost(settings, task),
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
    if _cost(settings, task) == "binary cross-entropy":
        targets = (targets + 1) / 2
    return Examples(
        torch.from_numpy(features_of(points, features_in(settings))),
        torch.from_numpy(np.ascontiguousarray(targets, dtype=np.float32)),
    )


def _fitting(state: State, resume: TrainingState | None) -> Generator[Report, None, Fitted] | None:
    """The one loop, a report after every step; None where there is nothing to learn from."""
    from studio.learning.training import fit

    examples = _examples(state.settings, state.task)
    if examples is None:
        return None
    return fit(state.network, examples, _plan(state.settings, state.task), every_step=True, resume=resume)


def _standing(state: State, *, memory: bool = True) -> TrainingState | None:
    """Where the training stands, to go on with other settings; without its history, and perhaps without the
    optimiser's memory.
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


def act(state: State, event: Event) -> State:
    """Whatever the visitor does; "advance" trains for a moment, "step" for one epoch."""
    state = replace(state, files=(), known=state.settings)
    match event.name:
        case "advance" if state.playing:
            return train(state, seconds=TURN)
        case "step":
            return replace(train(state, epochs=1), playing=False)
        case "play":
            if state.fitting is None:
                return replace(
                    state,
                    said="There is nothing to learn from yet: draw some orange and some blue points on the map.",
                )
            return replace(state, playing=not state.playing, said="", mood="plain")
        case "reset":
            return _with(state, weights=(int(state.settings["weights"]) + 1) % 1000)
        case "again":
            return _with(state, seed=(int(state.settings["seed"]) + 1) % 1000)
        case "undo":
            return _back_to_best(state)
        case "set":
            return _set(state, event.knob, event.value)
        case "hover":
            return replace(state, hovered=event.id)
        case "node":
            return _node(state, event.id)
        case "press":
            return _press(state, event.id)
        case "link":
            return replace(state, link="" if state.link == event.id else event.id, playing=False)
        case "edit":
            return _edit(state, event.id, event.value)
        case "click" | "stroke" if event.figure == "map":
            stroke = event.points or ((event.x, event.y),)
            return _drawn(state, stroke, BLUE if event.shift else str(state.settings["brush"]))
        case "clear":
            return _points_set(replace(state, playing=False), "")
        case "own":
            return _points_set(state, points_from_file(event.content, event.text or "The file"))
        case "painting":
            picture = small_picture(event.content, event.text or "The picture")
            return _with(replace(state, picture=picture), data=PICTURE)
        case "save":
            return replace(
                state,
                files=(save_network(state),),
                said="The network is saved: a card and its weights in one zip.",
                mood="good",
            )
        case "network":
            return load_network(state, event.content, event.text or "The file")
    return state


def _set(state: State, knob: str, value: Any) -> State:
    settings = state.settings | {knob: value}
    if knob == "points":
        return _points_set(state, str(value))
    if knob in (*DATA_KNOBS, *NETWORK_KNOBS):
        return _with(state, **{knob: value})
    state = replace(state, settings=settings, said="", mood="plain")
    if knob in ("rate", "batch", "penalty", "penalty_rate", "optimiser"):
        return _taken_up(state, memory=knob != "optimiser")
    if knob == "cost":
        # Another cost, perhaps another output; the weights stay.
        network = _network(settings, state.task)
        network.load_state_dict(state.network.state_dict())
        return _measured(_taken_up(replace(state, network=network, best=None, curve=()), memory=False))
    return state


def _taken_up(state: State, *, memory: bool = True) -> State:
    """Go on from here with the settings, the data and the network as they are now."""
    return replace(state, fitting=_fitting(state, _standing(state, memory=memory)))


def _with(state: State, **changes: Any) -> State:
    """Begin anew with other settings; what was playing plays on."""
    settings = state.settings | changes
    task = _task(settings, state.picture) if set(changes) & set(DATA_KNOBS) else state.task
    begun = _started(settings, task, _network(settings, task), state.picture)
    playing = state.playing and begun.fitting is not None
    return replace(
        begun,
        known=state.known,
        playing=playing,
        pinned="" if set(changes) & set(NETWORK_KNOBS) else state.pinned,
        said=task.note,
    )


def _points_set(state: State, text: str) -> State:
    """Other points of one's own. The network stays as it is and learns on with them, if it still fits."""
    settings = state.settings | {"points": text, "data": OWN}
    task = own_task(text, float(settings["ratio"]), int(settings["seed"]))
    if task.kind != state.task.kind:
        return replace(_with(state, points=text, data=OWN), said=task.note)
    state = replace(
        state,
        settings=settings,
        task=task,
        best=None,
        curve=state.curve if state.settings["data"] == OWN else (),
    )
    state = _taken_up(replace(state, said=task.note))
    return _measured(replace(state, playing=state.playing and state.fitting is not None))


def _drawn(state: State, stroke: tuple[tuple[float, float], ...], brush: str) -> State:
    """A stroke on the map. On any other task than one's own points, its points become one's own first."""
    if state.task.kind == "colours":
        return replace(state, said="A picture is learnt as a whole; choose own points to draw points.")
    task = state.task
    text = str(state.settings["points"])
    if state.settings["data"] != OWN:
        text = write_points(
            np.concatenate([task.points, task.test_points]),
            np.concatenate([task.targets, task.test_targets])[:, 0],
        )
    return _points_set(state, with_stroke(text, stroke, brush))


def train(state: State, *, seconds: float = 0.0, epochs: int = 0) -> State:
    """Train for so many seconds, to the end of an epoch unless that is far; or for so many epochs."""
    if state.fitting is None:
        return replace(
            state,
            playing=False,
            said="There is nothing to learn from yet: draw some orange and some blue points on the map.",
        )
    began = time.perf_counter()
    steps = ended = 0
    with _one_thread():
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
        return _measured(_after_divergence(state, report.ending.sentence))
    if report.epoch % RENEWED_AFTER == 0 and report.figures is not None:
        state = _taken_up(state)
    return _measured(replace(state, said="", mood="plain"))


@contextmanager
def _one_thread() -> Iterator[None]:
    """So small a network is done sooner by one thread than by several that wait for one another, on a busy
    machine ten times.
    """
    import torch

    found = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(found)


def _after_divergence(state: State, sentence: str) -> State:
    """The loop has put the last good weights back; say which setting did it."""
    settings = state.settings
    rate, strength = float(settings["rate"]), float(settings["penalty_rate"])
    if settings["penalty"] == "L2" and rate * strength >= 2:
        sentence = (
            f"{sentence.split(';')[0]}; went back. Learning rate {rate:g} times penalty {strength:g} is {rate * strength:g}: "
            "from 2 on, every step shrinks the weights by more than they are. Lower the penalty."
        )
    return replace(_taken_up(state, memory=False), playing=False, said=sentence, mood="bad")


def _measured(state: State) -> State:
    """Add to the curve how wrong the network is now, and keep the best weights."""
    from studio.learning.training import evaluate

    cost: Any = _cost(state.settings, state.task)
    found = []
    for test in (False, True):
        examples = _examples(state.settings, state.task, test=test)
        if examples is None:
            found.append((math.nan, math.nan))
            continue
        with _one_thread():
            judged = evaluate(
                state.network,
                examples,
                cost,
                ("accuracy",) if state.task.kind == "classes" else (),
                batch=4096,
            )
        found.append((judged.loss, judged.metrics.get("accuracy", math.nan)))
    (loss, right), (test_loss, test_right) = found
    moment = Moment(state.epoch, loss, test_loss, right, test_right)
    earlier = state.curve[:-1] if state.curve and state.curve[-1].epoch == state.epoch else state.curve
    if len(earlier) > LONGEST_CURVE:
        earlier = (*earlier[:-1:2], earlier[-1])
    best = state.best
    if math.isfinite(loss) and (best is None or loss < best[0].loss):
        best = moment, {name: tensor.clone() for name, tensor in state.network.state_dict().items()}
    return replace(state, curve=(*earlier, moment), best=best)


def _back_to_best(state: State) -> State:
    if state.best is None:
        return replace(state, said="There is nothing to go back to yet.")
    moment, weights = state.best
    state.network.load_state_dict(weights)
    said = (
        f"Back to epoch {moment.epoch:.0f}, where the wrongness was {written(moment.loss)}, the least so far."
    )
    return replace(_measured(_taken_up(state, memory=False)), said=said, mood="plain")


# The network taken in hand: features, layers, neurons, weights


def _node(state: State, name: str) -> State:
    """A feature goes on or off; a neuron's picture is pinned to the large map, or let go."""
    if name.startswith("feature "):
        feature = name.removeprefix("feature ")
        chosen = set(features_in(state.settings)) ^ {feature}
        if not chosen:
            return replace(state, said="The network needs at least one feature to look at.")
        return _with(state, features=", ".join(each for each in FEATURES if each in chosen))
    return replace(state, pinned="" if name in (state.pinned, "out", "out 1", "out 2", "out 3") else name)


def _press(state: State, name: str) -> State:
    """The small buttons in the drawings: one layer more or less, one neuron more or less, another brush."""
    layers = list(layers_in(state.settings))
    what, _, place = name.partition(" ")
    if what == "brush":
        return replace(state, settings=state.settings | {"brush": fitting(LESSON.knob("brush"), place)})
    if what == "layer+" and len(layers) < MOST_LAYERS:
        layers.append(2)
    elif what == "layer-" and layers:
        layers.pop()
    elif place.isdecimal() and 0 < int(place) <= len(layers):
        layers[int(place) - 1] = min(
            MOST_NEURONS, max(1, layers[int(place) - 1] + (1 if what == "neuron+" else -1))
        )
    return _with(state, layers=", ".join(map(str, layers)))


def _weight(state: State, name: str) -> tuple[Tensor, tuple[int, ...]] | None:
    """Where a link's weight or a neuron's bias is kept: the tensor and its place in it; None for what there
    is not.
    """
    from torch import nn

    dense = [layer for layer in state.network if isinstance(layer, nn.Linear)]
    names = _names(state)
    node, _, other = name.partition(":")
    for depth, layer in enumerate(dense, start=1):
        if other == "bias" and node in names[depth]:
            return layer.bias, (names[depth].index(node),)
        if node in names[depth - 1] and other in names[depth]:
            return layer.weight, (names[depth].index(other), names[depth - 1].index(node))
    return None


def _edit(state: State, name: str, value: Any) -> State:
    """A weight typed in. Training goes on from there."""
    import torch

    found = _weight(state, name)
    if value is None or found is None:
        return replace(state, link="")
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not abs(number) <= 1000:
        raise Refused("A weight is a number from -1000 to 1000.")
    tensor, place = found
    with torch.no_grad():
        tensor[place] = number
    return _measured(replace(state, said="", mood="plain"))


def _names(state: State) -> list[list[str]]:
    """The names of all nodes: features, neurons layer by layer, outputs."""
    hidden = [
        [f"neuron {depth}.{number}" for number in range(1, wide + 1)]
        for depth, wide in enumerate(layers_in(state.settings), 1)
    ]
    outputs = ["out"] if state.task.outputs == 1 else [f"out {number}" for number in (1, 2, 3)]
    return [[f"feature {name}" for name in features_in(state.settings)], *hidden, outputs]


# Saving and loading: a card and safetensors, as every trained network of the studio


def save_network(state: State) -> File:
    """The network as a zip of `playground.safetensors` and its card `playground.json`, with all settings in
    the card's notes.
    """
    from studio.learning.checkpoints import Card
    from studio.learning.datasets import DataSource

    settings = {name: value for name, value in state.settings.items() if name not in ("brush",)}
    last = state.curve[-1]
    figures = {
        "loss": last.loss,
        "test loss": last.test_loss,
        "accuracy": last.right,
        "test accuracy": last.test_right,
    }
    wishes = " ".join(
        f"--set '{name}={value}'"
        for name, value in settings.items()
        if name != "points" and value != _defaults()[name]
    )
    card = Card(
        name="playground",
        what=f"a network of the Playground for the task '{settings['data']}', after {state.epoch:.0f} epochs",
        data=(
            DataSource(
                name=f"Playground, {settings['data']}",
                source="drawn by the studio or the visitor",
                licence="the visitor's own",
            ),
        ),
        command=f"studio lesson playground {wishes}".strip(),
        figures={name: figure for name, figure in figures.items() if math.isfinite(figure)},
        notes=json.dumps({"settings": settings}, ensure_ascii=False)
        if len(str(settings["points"])) < 15_000
        else "",
    )
    return packed(state.network, card)


def load_network(state: State, content: bytes, name: str) -> State:
    """A network back from its zip, with its settings. Raises `Unreadable` for what is none, or does not fit
    its own settings.
    """
    from studio.errors import StudioError, Unreadable

    model = unpacked(content, "playground", name)
    wrong = f"{name} is no saved Playground network; choose a zip that the Playground saved."
    try:
        kept = json.loads(model.card.notes)["settings"]
        settings = LESSON.settings({knob: value for knob, value in kept.items() if knob in _defaults()}) | {
            "brush": state.settings["brush"]
        }
        task = _task(settings, state.picture)
        network = _network(settings, task)
        network.load_state_dict(model.network.state_dict())
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError):
        raise Unreadable(wrong) from None
    except StudioError as error:
        raise Unreadable(f"{name} holds settings that do not fit: {error}") from None
    loaded = _started(settings, task, network, state.picture)
    said = f"{name} is loaded: {model.card.what}."
    return replace(loaded, known=state.known, said=said, mood="good")


def _defaults() -> dict[str, Any]:
    return LESSON.settings()


# What there is to see


def draw(state: State) -> Scene:
    """The network with every neuron's picture, the large map with the points, the curve of wrongness."""
    pictures = _pictures(state)
    last = state.curve[-1]
    numbers = {
        "epoch": f"{state.epoch:.0f}",
        "wrongness, learning": _figure(last.loss),
        "wrongness, test": _figure(last.test_loss),
    }
    if state.task.kind == "classes":
        numbers |= {"right, learning": _share(last.right), "right, test": _share(last.test_right)}
    numbers["learning from"] = (
        f"{len(state.task.points)} of {len(state.task.points) + len(state.task.test_points)}"
    )
    said, mood = _says(state, pictures)
    return Scene(
        figures=(_network_figure(state, pictures), _map_figure(state, pictures), _curve_figure(state)),
        numbers=numbers,
        says=said,
        mood=mood,
        playing=state.playing,
        values={knob: value for knob, value in state.settings.items() if state.known.get(knob) != value},
        files=state.files,
        columns=(1.32, 1),
    )


def _figure(number: float) -> str:
    return written(number) if math.isfinite(number) else "–"


def _share(share: float) -> str:
    return f"{share * 100:.1f} %" if math.isfinite(share) else "–"


def _pictures(state: State) -> dict[str, np.ndarray]:
    """What every node says at every place, by name: [GRID, GRID], rows from the bottom up. Features are
    scaled to -1 … 1.
    """
    import torch

    places = (np.arange(GRID) + 0.5) / GRID * 2 * REACH - REACH
    across, up = np.meshgrid(places, places)
    points = np.column_stack([across.ravel(), up.ravel()])
    features, names = features_in(state.settings), _names(state)
    with torch.no_grad(), _one_thread():
        said = state.network.activations(torch.from_numpy(features_of(points, features)))
    layers = [layer.numpy() for layer in said]
    if _cost(state.settings, state.task) == "binary cross-entropy":
        layers[-1] = np.tanh(layers[-1] / 2)
    pictures = {}
    for name, feature in FEATURES.items():
        values = feature(points)
        pictures[f"feature {name}"] = (values / np.abs(values).max()).reshape(GRID, GRID)
    for those, layer in zip(names[1:], layers, strict=True):
        for number, name in enumerate(those):
            pictures[name] = layer[:, number].reshape(GRID, GRID)
    return pictures


def _thumb(picture: np.ndarray) -> np.ndarray:
    every = GRID // THUMB
    return picture[every // 2 :: every, every // 2 :: every]


LEFT, RIGHT, ROOF, FLOOR = 17.0, 93.0, 78.0, 6.0


def _network_figure(state: State, pictures: dict[str, np.ndarray]) -> Figure:
    names = _names(state)
    shown = [[f"feature {name}" for name in FEATURES], *names[1:]]
    step = (RIGHT - LEFT) / (len(shown) - 1)
    rows = max(len(column) for column in shown)
    size = min(17.0, 118 / rows, 1.4 * step)
    places = {}
    for depth, column in enumerate(shown):
        height = (ROOF - FLOOR) / max(rows - 1, 6)
        for number, name in enumerate(column):
            places[name] = LEFT + step * depth, ROOF - height * number
    marks: list[Mark] = [
        *_links(state, names),
        *_nodes(state, names, places, pictures, size),
        *_buttons(state, step),
    ]
    if state.link and (found := _weight(state, state.link)):
        tensor, place = found
        node, _, other = state.link.partition(":")
        (x, y), (to_x, to_y) = places[node], places.get(other, places[node])
        label = f"bias of {node}" if other == "bias" else f"{node.removeprefix('feature ')} to {other}"
        marks.append(Entry(state.link, (x + to_x) / 2, (y + to_y) / 2, label, float(tensor.detach()[place])))
    hidden = layers_in(state.settings)
    layers = f"{len(hidden)} hidden layer{'' if len(hidden) == 1 else 's'}" + (
        f" of {', '.join(map(str, hidden))}" if hidden else ""
    )
    text = f"Features {', '.join(features_in(state.settings))}; {layers} {state.settings['activation']} neurons. {_strongest(state)}"
    clicks = "Click a feature, a weight or a neuron."
    return Figure(
        "network",
        "The network",
        (0, 100),
        (0, 100),
        tuple(marks),
        text,
        aspect=0.96,
        axes=False,
        clicks=clicks,
        hovers=True,
        rows=2,
    )


def _links(state: State, names: list[list[str]]) -> Iterator[Mark]:
    from torch import nn

    dense = [layer.weight.detach().numpy() for layer in state.network if isinstance(layer, nn.Linear)]
    idle = _idle_below(state)
    for weights, before, after in zip(dense, names, names[1:], strict=False):
        for i, start in enumerate(before):
            for j, end in enumerate(after):
                weight = float(weights[j, i])
                name = f"{start}:{end}"
                yield Link(
                    name,
                    start,
                    end,
                    round(weight, 3),
                    dim=abs(weight) <= idle,
                    chosen=name in (state.link, state.hovered),
                )


def _idle_below(state: State) -> float:
    """L1 holds weights that are good for nothing this near to 0: they cross it back and forth by one step's
    penalty.
    """
    return (
        float(state.settings["rate"]) * float(state.settings["penalty_rate"])
        if state.settings["penalty"] == "L1"
        else -1.0
    )


def _nodes(
    state: State,
    names: list[list[str]],
    places: dict[str, tuple[float, float]],
    pictures: dict[str, np.ndarray],
    size: float,
) -> Iterator[Mark]:
    from torch import nn

    biases = [layer.bias.detach().numpy() for layer in state.network if isinstance(layer, nn.Linear)]
    bias_of = {
        name: float(bias)
        for those, layer in zip(names[1:], biases, strict=True)
        for name, bias in zip(those, layer, strict=True)
    }
    used = set(names[0])
    for name, (x, y) in places.items():
        feature = name.removeprefix("feature ") if name.startswith("feature ") else ""
        chosen = name == (state.hovered or state.pinned) or name == state.link.removesuffix(":bias")
        dim = bool(feature) and name not in used
        bias = None if feature else round(bias_of[name], 3)
        yield Node(name, x, y, feature, _thumb(pictures[name]), chosen=chosen, dim=dim, bias=bias, size=size)


def _buttons(state: State, step: float) -> Iterator[Mark]:
    layers = layers_in(state.settings)
    count = (
        "no hidden layer" if not layers else f"{len(layers)} hidden layer{'' if len(layers) == 1 else 's'}"
    )
    middle = (LEFT + RIGHT) / 2
    yield Words((LEFT, middle, RIGHT), (96, 96, 96), ("features", count, "output"), colour="faint", size=12.5)
    yield Button("layer-", middle - 19, 96, "−", "one layer less", dim=not layers)
    yield Button("layer+", middle + 19, 96, "+", "one layer more", dim=len(layers) == MOST_LAYERS)
    size = 11.0 if step > 14 else 9.0
    for depth, wide in enumerate(layers, start=1):
        x = LEFT + step * depth
        apart = min(step * 0.26, 5.5)
        yield Button(
            f"neuron- {depth}", x - apart, 88, "−", f"one neuron less in layer {depth}", size, dim=wide == 1
        )
        yield Button(
            f"neuron+ {depth}",
            x + apart,
            88,
            "+",
            f"one neuron more in layer {depth}",
            size,
            dim=wide == MOST_NEURONS,
        )


def _strongest(state: State) -> str:
    names = _names(state)
    links = [mark for mark in _links(state, names) if isinstance(mark, Link)]
    strongest = sorted(links, key=lambda link: -abs(link.weight))[:3]
    return (
        "The strongest weights: "
        + ", ".join(f"{link.start} to {link.end} {link.weight:+.2f}" for link in strongest)
        + "."
    )


def _map_figure(state: State, pictures: dict[str, np.ndarray]) -> Figure:
    extent = (-REACH, REACH, -REACH, REACH)
    shown = state.hovered if state.hovered in pictures else state.pinned if state.pinned in pictures else ""
    shown = "" if shown.startswith("out") else shown
    steps = bool(state.settings["discretise"])
    own = state.settings["data"] == OWN
    if state.task.kind == "colours" and not shown:
        colours = np.clip(
            np.stack([pictures[f"out {number}"] for number in (1, 2, 3)], axis=2) / 2 + 0.5, 0, 1
        )
        marks: list[Mark] = [Heat(np.round(colours * 2) / 2 if steps else colours, extent, scale="colour")]
        if state.settings["show_test"]:
            marks = [*marks, _pixels(state.task)]
    else:
        marks = [Heat(pictures[shown or "out"] * 0.65, extent, steps=steps)]
        if state.task.kind != "colours":
            marks += _points(state.task, show_test=own or bool(state.settings["show_test"]))
    if own:
        marks += _brushes(str(state.settings["brush"]))
    title = f"What {shown.removeprefix('feature ')} says" if shown else "What the network says"
    last = state.curve[-1]
    verdict = (
        f"{_share(last.right)} of the points to learn from are on the right side"
        if state.task.kind == "classes"
        else ""
    )
    text = f"{verdict or 'Wrongness ' + _figure(last.loss)} after {state.epoch:.0f} epochs. Orange is 1, blue is -1."
    clicks = (
        "Draw with the brush. Rings are held out for the test."
        if own
        else ""
        if state.task.kind == "colours"
        else "Click: a point of your own. Shift: a blue one."
    )
    return Figure(
        "map",
        title,
        (-REACH, REACH),
        (-REACH, REACH),
        tuple(marks),
        text,
        aspect=1.08,
        clicks=clicks,
        draws=own,
    )


def _points(task: Task, *, show_test: bool) -> list[Mark]:
    marks: list[Mark] = []
    for points, targets, size, held_out in (
        (task.test_points, task.test_targets, 2.8, True),
        (task.points, task.targets, 3.4, False),
    ):
        if held_out and not show_test:
            continue
        shapes = ["ring" if held_out else "circle" if target > 0 else "square" for target in targets[:, 0]]
        sizes = size if task.kind == "classes" else size - 0.6
        marks.append(
            Points(
                points[:, 0].round(2), points[:, 1].round(2), _shades(task.kind, targets[:, 0]), sizes, shapes
            )
        )
    return marks


def _brushes(chosen: str) -> Iterator[Mark]:
    for number, (brush, colour, sign) in enumerate(
        ((ORANGE, "one", ""), (BLUE, "two", ""), ("eraser", "", "×"))
    ):
        x = -REACH + 0.75 + 1.35 * number
        yield Button(
            f"brush {brush}", x, REACH - 0.75, sign, f"brush: {brush}", colour=colour, chosen=brush == chosen
        )


def _shades(kind: str, targets: np.ndarray) -> list[str]:
    if kind == "classes":
        return ["one" if target > 0 else "two" for target in targets]
    ground, one, two = np.array([190, 186, 180]), np.array([242, 160, 61]), np.array([74, 163, 223])
    far = np.where(targets[:, None] > 0, one, two)
    mixed = (ground + (far - ground) * np.abs(targets)[:, None]).astype(int)
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in mixed.tolist()]


def _pixels(task: Task) -> Mark:
    """The picture itself, over the map, in the lower right corner."""
    everything = (
        np.concatenate([task.points, task.test_points]),
        np.concatenate([task.targets, task.test_targets]),
    )
    order = np.lexsort((everything[0][:, 0].round(6), everything[0][:, 1].round(6)))
    side = math.isqrt(len(order))
    return Heat(
        everything[1][order].reshape(side, side, 3) / 2 + 0.5,
        (REACH / 3, REACH, -REACH, -REACH / 3),
        scale="colour",
    )


def _curve_figure(state: State) -> Figure:
    moments = [moment for moment in state.curve if math.isfinite(moment.loss)]
    epochs = [moment.epoch for moment in moments]
    losses = [moment.loss for moment in moments]
    tests = [moment.test_loss for moment in moments if math.isfinite(moment.test_loss)]
    top = _rounded_up(max([*losses, *tests, 0.1]))
    right = _rounded_up(max([*epochs, 20.0]))
    marks: list[Mark] = [Line(epochs, np.clip(losses, 0, top), colour="ink", width=2, name="")]
    if len(tests) == len(epochs):
        marks.insert(0, Line(epochs, np.clip(tests, 0, top), colour="three", width=2))
    marks.append(
        Words(
            (right * 0.97, right * 0.97),
            (top * 0.93, top * 0.81),
            ("learning", "test"),
            ("ink", "three"),
            12.5,
            "end",
        )
    )
    last = state.curve[-1]
    text = f"After {state.epoch:.0f} epochs: {_figure(last.loss)} on the points to learn from, {_figure(last.test_loss)} on the others."
    return Figure("curve", "Wrongness, epoch by epoch", (0, right), (0, top), tuple(marks), text, aspect=2.1)


def _rounded_up(number: float) -> float:
    """The next of 1, 2, 5, 10 … so that the axes stand still most of the time."""
    power = 10.0 ** math.floor(math.log10(number))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= number * 0.9999)


# The coach


def _says(state: State, pictures: dict[str, np.ndarray]) -> tuple[str, str]:
    """One sentence on how it goes, which changes only when the matter does; and its mood."""
    if state.said:
        return state.said, state.mood
    if state.fitting is None:
        return "Draw on the map: choose a brush, and put some orange and some blue points.", "plain"
    last = state.curve[-1]
    if not state.epoch:
        return {
            "classes": "Press Play. The ground shows which side the network takes everywhere; the dots show what is right.",
            "numbers": "Press Play. The ground is to take the colour of the dots, shade by shade.",
            "colours": "Press Play. The network learns which colour belongs to which place, and paints.",
        }[state.task.kind], "plain"
    for advice in (_one_sided, _overshooting, _nothing_left, _all_alike, _too_simple, _dead, _overfitting):
        said = advice(state, pictures)
        if said:
            return said, "bad" if advice is _overshooting else "plain"
    if state.task.kind == "classes" and last.right > 0.985:
        return (
            "Solved: nearly every point is on its side. Show the test data to see whether that holds for points it never saw.",
            "good",
        )
    return (
        "It learns. Point at a neuron to see its own picture large; every one is a blend of those before it.",
        "plain",
    )


def _one_sided(state: State, _: dict[str, np.ndarray]) -> str:
    sides = np.unique(state.task.targets)
    if state.settings["data"] != OWN or len(sides) > 1:
        return ""
    return f"All points to learn from are {ORANGE if sides[0] > 0 else BLUE}; there is nothing to tell apart. Draw some of the other."


def _overshooting(state: State, _: dict[str, np.ndarray]) -> str:
    first, last = state.curve[0], state.curve[-1]
    if state.epoch < 5 or len(state.curve) < 3 or not last.loss > 1.1 * first.loss:
        return ""
    rate = float(state.settings["rate"])
    return f"Wrongness is above where it began: the learning rate {rate:g} overshoots. Try {rate / 3:.2g}, then press Back to best."


def _nothing_left(state: State, _: dict[str, np.ndarray]) -> str:
    if state.settings["penalty"] == "none" or state.epoch < 5:
        return ""
    largest = max(
        float(weight.detach().abs().max()) for weight in state.network.parameters() if weight.ndim > 1
    )
    strength = float(state.settings["penalty_rate"])
    return (
        f"All weights have gone to nothing: the penalty {strength:g} outweighs what is to be learnt. Lower it."
        if largest < 0.05
        else ""
    )


def _all_alike(state: State, _: dict[str, np.ndarray]) -> str:
    if state.settings["start"] != "zero" or not layers_in(state.settings):
        return ""
    return "All weights began at zero, so all neurons of a layer are alike and stay alike. Let the weights begin small instead."


def _too_simple(state: State, _: dict[str, np.ndarray]) -> str:
    straight = not layers_in(state.settings) or state.settings["activation"] == "linear"
    last = state.curve[-1]
    if not straight or state.task.kind != "classes" or state.epoch < 15 or last.right > 0.9:
        return ""
    what = "Without a hidden layer" if not layers_in(state.settings) else "With linear neurons, however many,"
    return f"{what} there is only one straight border in its features. Add a layer of tanh neurons, or the feature that bends it."


def _dead(state: State, pictures: dict[str, np.ndarray]) -> str:
    if state.settings["activation"] != "relu" or state.epoch < 5:
        return ""
    dead = [name for name, picture in pictures.items() if name.startswith("neuron") and not picture.any()]
    if not dead:
        return ""
    return f"{dead[0][0].upper()}{dead[0][1:]} says 0 everywhere: such a relu neuron has no slope and learns no more. Start again."


def _overfitting(state: State, _: dict[str, np.ndarray]) -> str:
    tests = [moment.test_loss for moment in state.curve if math.isfinite(moment.test_loss)]
    if len(tests) < 10 or state.epoch < 30:
        return ""
    least, last = min(tests), state.curve[-1]
    if last.test_loss < 1.25 * least + 0.02 or last.loss > 0.6 * last.test_loss:
        return ""
    return (
        "It grows better on what it learns from and worse on the test: it begins to learn the noise by heart."
    )


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """Wrongness and the share on the right side, after so many epochs."""
    state = begin(settings)
    if state.fitting is None:
        yield "There are no points to learn from; give some with points, or choose another data set."
        return
    rows, done = [], 0
    for epoch in (0, 1, 2, 5, 10, 20, 50, 100):
        if epoch:
            state = train(state, epochs=epoch - done)
        done = epoch
        last = state.curve[-1]
        shares = (_share(last.right), _share(last.test_right))
        rows.append((str(epoch), _figure(last.loss), _figure(last.test_loss), *shares))
        if state.mood == "bad":
            break
    columns = ("epoch", "wrongness, learning", "wrongness, test", "right, learning", "right, test")
    yield Table(f"Learning '{settings['data']}'", columns, tuple(rows))
    yield _says(state, _pictures(state))[0]


def _dots(size: float, *places: tuple[float, float, str]) -> str:
    return "".join(f'<circle class="{side}" cx="{x:.1f}" cy="{y:.1f}" r="{size}"/>' for x, y, side in places)


def _spiral_icon() -> str:
    places = []
    for turn, side in ((0.0, "one"), (math.pi, "two")):
        for number in range(8):
            angle, far = turn + 0.62 * number, 2.6 + 1.65 * number
            places.append((16 + far * math.sin(angle), 16 - far * math.cos(angle), side))
    return _dots(2.0, *places)


ICONS = {
    "circle": (
        '<path class="two" fill-rule="evenodd" d="M16 2a14 14 0 1 0 .01 0zM16 7a9 9 0 1 1-.01 0z"/>'
        '<circle class="one" cx="16" cy="16" r="6"/>'
    ),
    "xor": '<path class="one" d="M17 3h12v12H17zM3 17h12v12H3z"/><path class="two" d="M3 3h12v12H3zM17 17h12v12H17z"/>',
    "gauss": '<circle class="one" cx="21.5" cy="10.5" r="8"/><circle class="two" cx="10.5" cy="21.5" r="8"/>',
    "spiral": _spiral_icon(),
    "plane": (
        '<path class="two" d="M3 11v18h18z"/><path class="faint" d="M3 8v3l18 18h3zM8 3H5l24 24v-3z" opacity=".35"/>'
        '<path class="one" d="M11 3h18v18z"/>'
    ),
    "multi-gauss": _dots(
        4.4,
        *((6 + 10 * k, 10 + 12 * row, ("one", "two")[(row + k) % 2]) for row in (0, 1) for k in (0, 1, 2)),
    ),
    OWN: (
        '<path class="faint" d="M22 3l7 7L14 25l-9 2 2-9z" opacity=".55"/>'
        + _dots(2.2, (5, 7, "one"), (12, 5, "one"), (27, 20, "two"), (24, 27, "two"))
    ),
    PICTURE: (
        '<path class="faint" d="M3 5h26v22H3z" opacity=".25"/><circle class="one" cx="21" cy="12" r="4"/>'
        '<path class="two" d="M3 27l9-12 7 8 4-4 6 8z"/>'
    ),
}


LESSON: Lesson[State] = Lesson(
    name="playground",
    title="The Playground",
    question="What can a few neurons learn, and what does each of them do?",
    first="Press Play and watch the ground take sides; then choose other data or other layers.",
    notice=(
        "Each neuron has a picture of its own: what it says at every place. Those of the first layer are straight slopes.",
        "A neuron of a later layer blends the pictures before it. Wide lines count for much; orange adds, blue takes away.",
        "The curve of the test lies above the other: the network is better at what it has seen.",
        "What one good feature settles at once (x² and y² for the circle) costs several neurons without it.",
    ),
    checks=(
        Check(
            "What will happen on the circle if all neurons are linear?",
            (
                "It takes longer",
                "It never gets there, however many neurons",
                "It gets there with more layers",
            ),
            1,
            "A blend of straight slopes is a straight slope. Only what bends (tanh, relu, sigmoid) makes a second layer worth having.",
        ),
        Check(
            "What will happen if all weights begin at zero?",
            (
                "It learns as well",
                "All neurons of a layer stay alike",
                "It learns faster, for nothing is in the way",
            ),
            1,
            "Equal neurons get equal blame, and change equally. The small random beginning is what makes them different.",
        ),
        Check(
            "Half the points are noise and the network is large. What will the two curves do?",
            ("Both fall", "The learning falls, the test rises after a while", "Both rise"),
            1,
            "It has room to learn the noise by heart, and that is worth nothing for points it has not seen.",
        ),
    ),
    formula=(
        "h = φ(W₁ x + b₁)      h′ = φ(W₂ h + b₂)      y = W₃ h′ + b₃\n\n"
        "x  features of a place        φ  the activation, such as tanh\n"
        "W  weights (the lines)        b  biases (the small squares)\n"
        "wrongness, classes:  − log of the probability given to the right side, mean\n"
        "wrongness, numbers:  ½ (y − t)², mean\n"
        "penalty L1:  + λ Σ |w|        penalty L2:  + λ ½ Σ w²"
    ),
    code="""\
import numpy as np
dice = np.random.default_rng(0)
x = dice.uniform(-1, 1, (200, 2))
t = np.sign(x[:, :1] * x[:, 1:])             # xor
x = np.column_stack([x, np.ones(200)])       # the bias is a feature that is always 1
W1, W2 = dice.normal(size=(3, 8)), dice.normal(size=(8, 1))
for epoch in range(2000):
    h = np.tanh(x @ W1)
    y = np.tanh(h @ W2)
    blame = (y - t) * (1 - y**2)
    earlier = blame @ W2.T * (1 - h**2)      # passed back through the weights
    W1, W2 = W1 - x.T @ earlier / 200, W2 - h.T @ blame / 200
print(np.mean(np.sign(y) == t))              # share on the right side""",
    tab="Dream",
    use=(
        "The network that dreams is built of the same layers, some hundred times as large. "
        "A dream asks one of its layers for more of what it sees, and moves the picture instead of the weights."
    ),
    credits=(
        "The six drawn tasks and the idea: TensorFlow's Playground, by Daniel Smilkov, Shan Carter and others (2016).",
    ),
    folded=("Your own", "Network"),
    knobs=(
        Push("play", "Play", "epoch after epoch", key="space", main=True),
        Push("step", "Step", "one epoch: every point once", key="s"),
        Push("reset", "Reset", "start again, with other weights to begin with", key="r"),
        Push("undo", "Back to best", "to the weights with the least wrongness so far", key="b"),
        Choice("data", "Data", TASKS, "circle", icons=tuple(ICONS[name] for name in TASKS), group="Data"),
        Slide("ratio", "Percent to learn from", 10, 90, 10, 50, group="Data"),
        Slide("noise", "Noise", 0, 50, 5, 0, group="Data"),
        Push("again", "New points", "the same task with other dice", key="n", group="Data"),
        Switch("show_test", "Show test data", False, group="Data"),
        Switch("discretise", "Show the decision only", False, group="Data"),
        Slide("rate", "Learning rate", 0.00001, 10, 0.00001, 0.03, stops=RATES, group="Learning"),
        Slide("batch", "Batch size", 1, 30, 1, 10, group="Learning"),
        Choice("activation", "Activation", ("relu", "tanh", "sigmoid", "linear"), "tanh", group="Learning"),
        Choice("cost", "Cost of classes", ("cross-entropy", "squared"), "cross-entropy", group="Learning"),
        Choice("optimiser", "Rule", tuple(OPTIMISERS), "gradient descent", group="Learning"),
        Choice("penalty", "Penalty on weights", ("none", "L1", "L2"), "none", group="Learning"),
        Slide("penalty_rate", "Penalty rate", 0, 10, 0.001, 0.0, stops=PENALTIES, group="Learning"),
        Choice("brush", "Brush", (ORANGE, BLUE, "eraser"), ORANGE, group="Your own"),
        Push("clear", "Clear the points", "an empty plane of your own", group="Your own"),
        Write(
            "points", "Points: x, y, what", "", "Paste a table here; a line each.", lines=4, group="Your own"
        ),
        Upload("own", "Points from a file", ".csv,.tsv,.txt,text/csv", group="Your own"),
        Upload(
            "painting",
            "A picture to paint",
            "image/*",
            "Learnt as colours of places, 40 by 40.",
            group="Your own",
        ),
        Write("features", "Features", "x, y", f"Any of {', '.join(FEATURES)}.", group="Network"),
        Write(
            "layers",
            "Neurons of each layer",
            "4, 2",
            f"Up to {MOST_LAYERS} layers of {MOST_NEURONS}.",
            group="Network",
        ),
        Choice("start", "Weights begin", tuple(STARTS), "small", group="Network"),
        Slide("seed", "Dice of the points", 0, 999, 1, 1, group="Network"),
        Slide("weights", "Dice of the weights", 0, 999, 1, 4, group="Network"),
        Push("save", "Save the network", "a card and its weights, as a zip", group="Network"),
        Upload("network", "Load a network", ".zip", group="Network"),
    ),
    begin=begin,
    act=act,
    draw=draw,
    table=table,
)
