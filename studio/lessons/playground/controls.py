"""The Playground's controls and the icons of its data sets."""

from __future__ import annotations

import math

from studio.lessons.kit.lesson import Choice, Knob, Push, Slide, Switch, Upload, Write
from studio.lessons.playground.data import BLUE, FEATURES, ORANGE
from studio.lessons.playground.model import MOST_LAYERS, MOST_NEURONS, OPTIMISERS, OWN, PICTURE, STARTS, TASKS

RATES = (0.00001, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
PENALTIES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


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
    "xor": (
        '<path class="one" d="M17 3h12v12H17zM3 17h12v12H3z"/><path class="two" d="M3 3h12v12H3zM17 '
        '17h12v12H17z"/>'
    ),
    "gauss": '<circle class="one" cx="21.5" cy="10.5" r="8"/><circle class="two" cx="10.5" cy="21.5" r="8"/>',
    "spiral": _spiral_icon(),
    "plane": (
        '<path class="two" d="M3 11v18h18z"/><path class="faint" d="M3 8v3l18 18h3zM8 3H5l24 24v-3z" '
        'opacity=".35"/>'
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


KNOBS: tuple[Knob, ...] = (
    Push("play", "Play", "epoch after epoch", key="space", main=True),
    Push("step", "Step", "one epoch: every point once", key="s"),
    Push("reset", "Reset", "start again with new starting weights", key="r"),
    Push("undo", "Back to best", "to the weights with the lowest loss so far", key="b"),
    Choice("data", "Data", TASKS, "circle", icons=tuple(ICONS[name] for name in TASKS), group="Data"),
    Slide("ratio", "Percent used for training", 10, 90, 10, 50, group="Data"),
    Slide("noise", "Noise", 0, 50, 5, 0, group="Data"),
    Push("again", "New points", "the same task with a new seed", key="n", group="Data"),
    Switch("show_test", "Show test data", False, group="Data"),
    Switch("discretise", "Show the decision only", False, group="Data"),
    Slide("rate", "Learning rate", 0.00001, 10, 0.00001, 0.03, stops=RATES, group="Learning"),
    Slide("batch", "Batch size", 1, 30, 1, 10, group="Learning"),
    Choice("activation", "Activation", ("relu", "tanh", "sigmoid", "linear"), "tanh", group="Learning"),
    Choice("cost", "Loss for classes", ("cross-entropy", "squared"), "cross-entropy", group="Learning"),
    Choice("optimiser", "Optimiser", tuple(OPTIMISERS), "gradient descent", group="Learning"),
    Choice("penalty", "Penalty on weights", ("none", "L1", "L2"), "none", group="Learning"),
    Slide("penalty_rate", "Penalty rate", 0, 10, 0.001, 0.0, stops=PENALTIES, group="Learning"),
    Choice("brush", "Brush", (ORANGE, BLUE, "eraser"), ORANGE, group="Your own"),
    Push("clear", "Clear the points", "start with an empty map", group="Your own"),
    Write(
        "points",
        "Points: x, y, colour",
        "",
        "Paste a table here, one point per line.",
        lines=4,
        group="Your own",
    ),
    Upload("own", "Points from a file", ".csv,.tsv,.txt,text/csv", group="Your own"),
    Upload(
        "painting",
        "A picture to paint",
        "image/*",
        "Learnt as a colour for each of 40 by 40 places.",
        group="Your own",
    ),
    Write("features", "Features", "x, y", f"Any of {', '.join(FEATURES)}.", group="Network"),
    Write(
        "layers",
        "Neurons in each layer",
        "4, 2",
        f"Up to {MOST_LAYERS} layers of up to {MOST_NEURONS} neurons.",
        group="Network",
    ),
    Choice("start", "Starting weights", tuple(STARTS), "small", group="Network"),
    Slide("seed", "Seed of the points", 0, 999, 1, 1, group="Network"),
    Slide("weights", "Seed of the weights", 0, 999, 1, 4, group="Network"),
    Push("save", "Save the network", "its weights and its card, as a zip", group="Network"),
    Upload("network", "Load a network", ".zip", group="Network"),
)
