"""The Playground's figures: the network, the map and the curve."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from studio.lessons.kit.scene import (
    Button,
    Entry,
    Figure,
    Heat,
    Line,
    Link,
    Mark,
    Node,
    Points,
    Scene,
    Words,
    written,
)
from studio.lessons.playground.coach import says
from studio.lessons.playground.data import BLUE, FEATURES, ORANGE, REACH, Task, features_of
from studio.lessons.playground.model import (
    MOST_LAYERS,
    MOST_NEURONS,
    OWN,
    PlaygroundState,
    cost_of,
    features_in,
    find_weight,
    layers_in,
    node_names,
    one_thread,
)

GRID, THUMB = 100, 20


def draw(state: PlaygroundState) -> Scene:
    """The network with every neuron's picture, the large map with the points, and the loss curves."""
    pictures = pictures_of(state)
    last = state.curve[-1]
    numbers = {
        "epoch": f"{state.epoch:.0f}",
        "training loss": loss_text(last.loss),
        "test loss": loss_text(last.test_loss),
    }
    if state.task.kind == "classes":
        numbers |= {"training accuracy": share_text(last.right), "test accuracy": share_text(last.test_right)}
    numbers["training points"] = (
        f"{len(state.task.points)} of {len(state.task.points) + len(state.task.test_points)}"
    )
    said, mood = says(state, pictures)
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


def loss_text(number: float) -> str:
    """A loss as text; a dash for nan."""
    return written(number) if math.isfinite(number) else "–"


def share_text(share: float) -> str:
    """A share of 0 … 1 as percent; a dash for nan."""
    return f"{share * 100:.1f} %" if math.isfinite(share) else "–"


def pictures_of(state: PlaygroundState) -> dict[str, np.ndarray]:
    """What every node says at every place, by name: [GRID, GRID], rows from the bottom up. Features are
    scaled to -1 … 1.
    """
    import torch

    places = (np.arange(GRID) + 0.5) / GRID * 2 * REACH - REACH
    across, up = np.meshgrid(places, places)
    points = np.column_stack([across.ravel(), up.ravel()])
    features, names = features_in(state.settings), node_names(state)
    with torch.no_grad(), one_thread():
        said = state.network.activations(torch.from_numpy(features_of(points, features)))
    layers = [layer.numpy() for layer in said]
    if cost_of(state.settings, state.task) == "binary cross-entropy":
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


def _network_figure(state: PlaygroundState, pictures: dict[str, np.ndarray]) -> Figure:
    names = node_names(state)
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
    if state.link and (found := find_weight(state, state.link)):
        tensor, place = found
        node, _, other = state.link.partition(":")
        (x, y), (to_x, to_y) = places[node], places.get(other, places[node])
        label = f"bias of {node}" if other == "bias" else f"{node.removeprefix('feature ')} to {other}"
        marks.append(Entry(state.link, (x + to_x) / 2, (y + to_y) / 2, label, float(tensor.detach()[place])))
    hidden = layers_in(state.settings)
    layers = f"{len(hidden)} hidden layer{'' if len(hidden) == 1 else 's'}" + (
        f" of {', '.join(map(str, hidden))}" if hidden else ""
    )
    text = (
        f"Features {', '.join(features_in(state.settings))}; {layers} {state.settings['activation']} "
        f"neurons. {_strongest(state)}"
    )
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


def _links(state: PlaygroundState, names: list[list[str]]) -> Iterator[Mark]:
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


def _idle_below(state: PlaygroundState) -> float:
    """Below this, a weight under an L1 penalty does nothing: it crosses 0 back and forth by one step's
    penalty.
    """
    return (
        float(state.settings["rate"]) * float(state.settings["penalty_rate"])
        if state.settings["penalty"] == "L1"
        else -1.0
    )


def _nodes(
    state: PlaygroundState,
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


def _buttons(state: PlaygroundState, step: float) -> Iterator[Mark]:
    layers = layers_in(state.settings)
    count = (
        "no hidden layer" if not layers else f"{len(layers)} hidden layer{'' if len(layers) == 1 else 's'}"
    )
    middle = (LEFT + RIGHT) / 2
    yield Words((LEFT, middle, RIGHT), (96, 96, 96), ("features", count, "output"), colour="faint", size=12.5)
    yield Button("layer-", middle - 19, 96, "−", "one layer fewer", dim=not layers)
    yield Button("layer+", middle + 19, 96, "+", "one more layer", dim=len(layers) == MOST_LAYERS)
    size = 11.0 if step > 14 else 9.0
    for depth, wide in enumerate(layers, start=1):
        x = LEFT + step * depth
        apart = min(step * 0.26, 5.5)
        yield Button(
            f"neuron- {depth}", x - apart, 88, "−", f"one neuron fewer in layer {depth}", size, dim=wide == 1
        )
        yield Button(
            f"neuron+ {depth}",
            x + apart,
            88,
            "+",
            f"one more neuron in layer {depth}",
            size,
            dim=wide == MOST_NEURONS,
        )


def _strongest(state: PlaygroundState) -> str:
    names = node_names(state)
    links = [mark for mark in _links(state, names) if isinstance(mark, Link)]
    strongest = sorted(links, key=lambda link: -abs(link.weight))[:3]
    return (
        "The strongest weights: "
        + ", ".join(f"{link.start} to {link.end} {link.weight:+.2f}" for link in strongest)
        + "."
    )


def _map_figure(state: PlaygroundState, pictures: dict[str, np.ndarray]) -> Figure:
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
        f"{share_text(last.right)} of the training points are on the right side"
        if state.task.kind == "classes"
        else ""
    )
    text = (
        f"{verdict or 'Loss ' + loss_text(last.loss)} after {state.epoch:.0f} epochs. Orange is 1, "
        "blue is -1."
    )
    clicks = (
        "Draw with the brush. Rings are kept for the test."
        if own
        else ""
        if state.task.kind == "colours"
        else "Click to add an orange point, Shift-click to add a blue one."
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


def _curve_figure(state: PlaygroundState) -> Figure:
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
            ("training", "test"),
            ("ink", "three"),
            12.5,
            "end",
        )
    )
    last = state.curve[-1]
    text = (
        f"After {state.epoch:.0f} epochs: {loss_text(last.loss)} on the training points, "
        f"{loss_text(last.test_loss)} on the test points."
    )
    return Figure("curve", "Loss, epoch by epoch", (0, right), (0, top), tuple(marks), text, aspect=2.1)


def _rounded_up(number: float) -> float:
    """The next of 1, 2, 5, 10 …, so that the axes rarely change."""
    power = 10.0 ** math.floor(math.log10(number))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= number * 0.9999)
