"""Apples and oranges, learned: a table of fruit, the features you look at, and the rule a neuron finds by
itself.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.lessons.kit.lesson import Action, Check, Choice, Lesson, Push, Slide
from studio.lessons.kit.scene import Figure, Heat, Line, Mark, Points, Scene, Table, Words

if TYPE_CHECKING:
    from torch import Tensor

    from studio.learning.descent import Ending, Step


@dataclass(frozen=True)
class FruitFeature:
    """A measurable property of a fruit: its range, and the mean and spread for apples and for oranges."""

    name: str
    unit: str
    range: tuple[float, float]
    apple: tuple[float, float]
    orange: tuple[float, float]


FEATURES = {
    feature.name: feature
    for feature in (
        FruitFeature("texture", "0 smooth … 1 pitted", (0, 1), (0.28, 0.19), (0.66, 0.19)),
        FruitFeature("colour", "0 green … 1 orange", (0, 1), (0.34, 0.21), (0.72, 0.17)),
        FruitFeature("weight", "grams", (90, 250), (165, 24), (178, 26)),
        FruitFeature("roundness", "0 … 1 a ball", (0.6, 1), (0.85, 0.05), (0.91, 0.04)),
    )
}
NAMES = tuple(FEATURES)
RATE = 1.0
STEPS_A_TURN = 3
ENOUGH = 300
PENALTY = 0.002
HELD_BACK = 400
DRAWS = 12
SIZES = (2, 4, 6, 10, 16, 24, 40, 60)
GRID = 36
MOST_FRUIT = 150


@dataclass(frozen=True)
class LearnedState:
    """fruit: [fruits, four features]; orange: True or False for each; unseen: fruit kept back from
    learning.
    weights: two weights and a bias.
    curve: number of fruit learnt from -> accuracy on those, on unseen fruit, and on unseen fruit after
    the unluckiest draw.
    """

    settings: dict[str, Any]
    fruit: np.ndarray
    orange: np.ndarray
    unseen: tuple[np.ndarray, np.ndarray]
    weights: Tensor
    descent: Generator[Step, None, Ending]
    steps: int = 0
    playing: bool = False
    curve: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    growing: bool = False
    said: str = ""


def begin(settings: Mapping[str, Any]) -> LearnedState:
    """An orchard's table, labelled, and a neuron that knows nothing."""
    rng = np.random.default_rng(int(settings["seed"]))
    fruit, orange = orchard(rng, int(settings["fruit"]))
    return _restarted(
        LearnedState(
            dict(settings), fruit, orange, orchard(rng, HELD_BACK), *_neuron(_seen(fruit, settings), orange)
        )
    )


def orchard(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` fruit with all four features, [count, 4], and whether each is an orange. Half are."""
    orange = np.arange(count) % 2 == 1
    columns = []
    for feature in FEATURES.values():
        mean = np.where(orange, feature.orange[0], feature.apple[0])
        spread = np.where(orange, feature.orange[1], feature.apple[1])
        columns.append(np.clip(rng.normal(mean, spread), *feature.range))
    return np.column_stack(columns).round(3), orange


def _chosen(settings: Mapping[str, Any]) -> tuple[int, int]:
    return NAMES.index(str(settings["across"])), NAMES.index(str(settings["up"]))


def _seen(fruit: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """The two chosen features, each scaled to -1 … 1 over its range: [fruits, 2]."""
    columns = []
    for index in _chosen(settings):
        low, high = FEATURES[NAMES[index]].range
        columns.append((fruit[:, index] - low) / (high - low) * 2 - 1)
    return np.column_stack(columns)


def _neuron(seen: np.ndarray, orange: np.ndarray) -> tuple[Tensor, Generator[Step, None, Ending]]:
    """Logistic regression by the shared loop: weights w1, w2, b; the loss is the cross-entropy."""
    import torch

    from studio.learning.descent import descend
    from studio.learning.rules import GradientDescent

    weights = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    inputs = torch.tensor(np.column_stack([seen, np.ones(len(seen))]))
    targets = torch.tensor(orange, dtype=torch.float64)

    def measure() -> Tensor:
        loss = torch.nn.functional.binary_cross_entropy_with_logits(inputs @ weights, targets)
        return loss + PENALTY * (weights**2).sum()

    return weights, descend([weights], measure, GradientDescent(RATE), steps=ENOUGH)


def _restarted(state: LearnedState) -> LearnedState:
    weights, descent = _neuron(_seen(state.fruit, state.settings), state.orange)
    return replace(state, weights=weights, descent=descent, steps=0, curve={}, growing=False)


def act(state: LearnedState, action: Action) -> LearnedState:
    """Learn, choose features, add or remove fruit, or ask how many examples are enough."""
    if action.name == "reset":
        return begin(state.settings)
    if action.name == "set":
        settings = state.settings | {action.knob: action.value}
        if action.knob in ("across", "up"):
            learning = state.steps > 0
            return replace(
                _restarted(replace(state, settings=settings)),
                playing=learning,
                said="Other features, another boundary.",
            )
        return replace(state, settings=settings)
    if action.name == "play":
        return replace(state, playing=not state.playing, growing=False)
    if action.name == "enough":
        return replace(
            state,
            playing=True,
            growing=True,
            curve={},
            said=(
                "It learns from a few fruit, then from more, and each time is tested on fruit it has "
                "never seen."
            ),
        )
    if action.name == "click":
        return _click(state, action)
    if action.name in ("advance", "step"):
        return _grow(state) if state.growing else _learn(state)
    return state


def _click(state: LearnedState, action: Action) -> LearnedState:
    across, up = _chosen(state.settings)
    if across == up:
        return replace(state, said="Both axes show the same feature; choose two different ones first.")
    if action.shift:
        if len(state.fruit) <= 4:
            return replace(state, said="It needs at least four fruit to learn from.")
        spans = [np.ptp(FEATURES[NAMES[index]].range) for index in (across, up)]
        far = ((state.fruit[:, across] - action.x) / spans[0]) ** 2 + (
            (state.fruit[:, up] - action.y) / spans[1]
        ) ** 2
        keep = np.arange(len(state.fruit)) != int(np.argmin(far))
        return replace(
            _restarted(replace(state, fruit=state.fruit[keep], orange=state.orange[keep])),
            playing=True,
            said="One fruit removed.",
        )
    if len(state.fruit) >= MOST_FRUIT:
        return replace(state, said=f"There is room for {MOST_FRUIT} fruit. Shift-click one to remove it.")
    is_orange = state.settings["brush"] == "orange"
    row = np.array([feature.orange[0] if is_orange else feature.apple[0] for feature in FEATURES.values()])
    for index, value in ((across, action.x), (up, action.y)):
        row[index] = np.clip(value, *FEATURES[NAMES[index]].range)
    grown = replace(state, fruit=np.vstack([state.fruit, row]), orange=np.append(state.orange, is_orange))
    return replace(_restarted(grown), playing=True, said=f"One {'orange' if is_orange else 'apple'} added.")


def _learn(state: LearnedState) -> LearnedState:
    for _ in range(STEPS_A_TURN):
        if next(state.descent, None) is None:
            break
    steps = min(state.steps + STEPS_A_TURN, ENOUGH)
    now = replace(state, steps=steps)
    if steps < ENOUGH:
        return now
    return replace(now, playing=False, said=_verdict(now))


def chances(state: LearnedState, seen: np.ndarray) -> np.ndarray:
    """The probability that fruit with these two features (-1 … 1) are oranges."""
    w1, w2, b = state.weights.tolist()
    return np.asarray(1 / (1 + np.exp(-(seen @ np.array([w1, w2]) + b))))


def _right(state: LearnedState, fruit: np.ndarray, orange: np.ndarray) -> float:
    return float(((chances(state, _seen(fruit, state.settings)) > 0.5) == orange).mean())


def _verdict(state: LearnedState) -> str:
    new = _right(state, *state.unseen)
    across, up = (NAMES[index] for index in _chosen(state.settings))
    judged = (
        "All models are wrong; this one is useful."
        if new > 0.9
        else "All models are wrong, and this one is not useful enough: try other features."
    )
    return f"Using {across} and {up}, it gets {new:.0%} of {HELD_BACK} unseen fruit right. {judged}"


def _grow(state: LearnedState) -> LearnedState:
    """One more point of the learning curve: several random draws of so many fruit, each learnt from and
    tested on unseen fruit.
    """
    size = next((size for size in SIZES if size not in state.curve), None)
    if size is None:
        best = max(new for _, new, _ in state.curve.values())
        good = [
            size for size, (_, new, worst) in state.curve.items() if new > best - 0.02 and worst > best - 0.05
        ]
        enough = good[0] if good else SIZES[-1]
        said = (
            f"About {enough} fruit are enough: by then even an unlucky draw does well. More fruit "
            "would not help; better features would."
        )
        return replace(state, playing=False, growing=False, said=said)
    rng = np.random.default_rng((int(state.settings["seed"]), size))
    scores = []
    for _ in range(DRAWS):
        fruit, orange = orchard(rng, size)
        seen = _seen(fruit, state.settings)
        weights, descent = _neuron(seen, orange)
        for step in descent:
            if step.number >= 60:
                break
        learnt = replace(state, weights=weights)
        scores.append((_right(learnt, fruit, orange), _right(learnt, *state.unseen)))
    seen_right, new_right = (float(mean) for mean in np.mean(scores, axis=0))
    return replace(state, curve=state.curve | {size: (seen_right, new_right, min(new for _, new in scores))})


def draw(state: LearnedState) -> Scene:
    """The fruit by the two chosen features, the rule found, and the learning curve."""
    on_seen, on_new = _right(state, state.fruit, state.orange), _right(state, *state.unseen)
    known = state.steps > 0
    return Scene(
        figures=(_plane(state), _curve_figure(state)),
        tables=(_orchard_table(state),),
        numbers={
            "accuracy on the table": f"{on_seen:.0%}" if known else "?",
            "accuracy on new fruit": f"{on_new:.0%}" if known else "?",
            "its rule": _rule(state) if known else "none yet",
        },
        says=state.said or _says(state),
        columns=(1.15, 1),
        mood="good" if known and on_new > 0.9 and not state.playing else "plain",
        playing=state.playing,
    )


def _says(state: LearnedState) -> str:
    if not state.steps:
        return "Nobody gives it a rule. Press Learn and read the rule it finds."
    if state.playing:
        return "Step by step it turns and shifts its boundary, so that fewer fruit lie on the wrong side."
    return "It has paused. Press Learn to let it go on."


def _rule(state: LearnedState) -> str:
    w1, w2, b = state.weights.tolist()
    parts = []
    offset = b
    for weight, index in zip((w1, w2), _chosen(state.settings), strict=True):
        low, high = FEATURES[NAMES[index]].range
        parts.append(f"{weight * 2 / (high - low):.3g} × {NAMES[index]}")
        offset -= weight * (high + low) / (high - low)
    return f"orange, if {' + '.join(parts)} > {-offset:.3g}".replace("+ -", "− ")


def _plane(state: LearnedState) -> Figure:
    across, up = (FEATURES[NAMES[index]] for index in _chosen(state.settings))
    side = np.linspace(-1, 1, GRID)
    first, second = np.meshgrid(side, side)
    if across is up:
        second = first
    ground = chances(state, np.column_stack([first.ravel(), second.ravel()])).reshape(GRID, GRID) * 2 - 1
    marks: list[Mark] = [Heat(ground * 0.65, (*across.range, *up.range))]
    w1, w2, b = state.weights.tolist()
    if abs(w2) > 1e-6 and across is not up:
        ends = np.array([-1.0, 1.0])
        place = np.clip(-(w1 * ends + b) / w2, -40, 40)
        y = up.range[0] + (place + 1) / 2 * np.ptp(up.range)
        marks.append(Line(across.range, y, colour="ink", width=2, dash=True))
    columns = [NAMES.index(feature.name) for feature in (across, up)]
    colours = ["one" if orange else "two" for orange in state.orange]
    shapes = ["orange" if orange else "apple" for orange in state.orange]
    marks.append(
        Points(state.fruit[:, columns[0]], state.fruit[:, columns[1]], colour=colours, shape=shapes, size=9)
    )
    text = (
        f"{int(state.orange.sum())} oranges and {int((~state.orange).sum())} apples. The rule found: "
        f"{_rule(state)}."
    )
    hint = f"Click to add an {state.settings['brush']}. Shift-click to remove the nearest fruit."
    return Figure(
        "plane",
        f"{across.name.capitalize()} and {up.name}",
        across.range,
        up.range,
        tuple(marks),
        text,
        f"{across.name} ({across.unit})",
        f"{up.name} ({up.unit})",
        aspect=1.15,
        clicks=hint,
    )


def _curve_figure(state: LearnedState) -> Figure:
    sizes = list(state.curve)
    marks: tuple[Mark, ...] = (
        Line(
            sizes,
            [seen for seen, _, _ in state.curve.values()],
            colour="one",
            width=2.5,
            name="on the table" if len(sizes) > 4 else "",
        ),
        Line(sizes, [worst for _, _, worst in state.curve.values()], colour="quiet", dash=True),
        Line(sizes, [new for _, new, _ in state.curve.values()], colour="two", width=2.5),
        Points(sizes, [new for _, new, _ in state.curve.values()], colour="two", shape="square", size=5),
    )
    if not sizes:
        marks = (Words([SIZES[-1] / 2], [0.86], ["Press How much is enough?"], colour="quiet"),)
    text = "; ".join(
        f"{size} fruit: {new:.0%} of unseen fruit right, {worst:.0%} after the unluckiest draw"
        for size, (_, new, worst) in state.curve.items()
        for size, (_, new, worst) in state.curve.items()
    )
    text = text or "Press How much is enough."
    return Figure(
        "curve",
        "How much is enough?",
        (0, SIZES[-1] + 2),
        (0.7, 1.02),
        marks,
        text,
        "fruit learnt from",
        "accuracy",
        aspect=1.15,
    )


def _orchard_table(state: LearnedState) -> Table:
    rows = tuple(
        (
            *(f"{value:.2f}" if value < 10 else f"{value:.0f}" for value in row),
            "orange" if orange else "apple",
        )
        for row, orange in zip(state.fruit[-8:], state.orange[-8:], strict=True)
    )
    return Table(f"The orchard's table: the last of {len(state.fruit)} rows", (*NAMES, "label"), rows)


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """Every pair of features, learnt to the end, with its rule; then the learning curve."""
    rows = []
    for i, across in enumerate(NAMES):
        for up in NAMES[i + 1 :]:
            state = begin({**settings, "across": across, "up": up})
            for _ in state.descent:
                pass
            rows.append(
                (
                    f"{across}, {up}",
                    f"{_right(state, state.fruit, state.orange):.1%}",
                    f"{_right(state, *state.unseen):.1%}",
                    _rule(state),
                )
            )
    yield Table(
        "How useful each pair of features is",
        ("features", "on the table", "on new fruit", "rule found"),
        tuple(rows),
    )
    state = replace(begin(settings), growing=True)
    while state.growing:
        state = _grow(state)
    curve = tuple(
        (str(size), f"{seen:.1%}", f"{new:.1%}", f"{worst:.1%}")
        for size, (seen, new, worst) in state.curve.items()
    )
    yield Table(
        "How much is enough",
        ("fruit learnt from", "on those", "on new fruit", f"worst of {DRAWS} draws"),
        curve,
    )
    yield state.said


LESSON: Lesson[LearnedState] = Lesson(
    name="learned",
    title="Apples and oranges, learned",
    minutes=6,
    question="Can a machine find the rule by itself, from examples?",
    first=(
        "Press Learn and read the rule it finds. Then choose weight and roundness, and see how well "
        "it does with those."
    ),
    notice=(
        "Somebody had to label every fruit. That is the work; after that the rule comes by itself.",
        "With texture and colour, one straight line is enough. With weight and roundness, no line is.",
        "A good feature separates the two kinds. No amount of learning makes up for bad features.",
        (
            "“All models are wrong, but some are useful” (George Box). Where apples and oranges "
            "overlap, some will always be misjudged."
        ),
    ),
    checks=(
        Check(
            "What will happen if it learns from only two fruit?",
            (
                "It knows nothing",
                "It gets both right; how it does on others is luck",
                "It does as well as with sixty",
            ),
            1,
            (
                "Many lines separate two fruit. Which one it finds is luck: look at the dashed line, "
                "the unluckiest of twelve draws."
            ),
        ),
        Check(
            "What will happen if you add an apple among the oranges?",
            ("The boundary moves a little", "The boundary bends around it", "It refuses the apple"),
            0,
            (
                "A single neuron can only draw a straight boundary. One example among many can push "
                "it just a little."
            ),
        ),
    ),
    formula=(
        "chance of orange = 1 / (1 + e^−(w1 · x1 + w2 · x2 + b))\n\n"
        "x1, x2  the two features      w1, w2, b  learnt from the labelled table\n"
        "error = mean of −log(chance given to the true label)"
    ),
    code="""\
import math

table = [(0.2, 0.3, 0), (0.3, 0.2, 0), (0.1, 0.4, 0),
         (0.7, 0.8, 1), (0.8, 0.7, 1), (0.6, 0.9, 1)]
w1 = w2 = b = 0.0
for step in range(2000):
    for texture, colour, orange in table:
        chance = 1 / (1 + math.exp(-(w1 * texture + w2 * colour + b)))
        error = orange - chance
        b += 0.1 * error
        w1 += 0.1 * error * texture
        w2 += 0.1 * error * colour
print(f"orange, if {w1:.1f} x texture + {w2:.1f} x colour > {-b:.1f}")""",
    tab="Dream",
    use=(
        "A network for pictures learns its features too, layer by layer. When you choose a layer to "
        "dream with, you choose among those features."
    ),
    knobs=(
        Push("play", "Learn", "find the rule, step by step", key="space", main=True),
        Push("enough", "How much is enough?", "learn from a few fruit, then from more", key="h"),
        Push("reset", "Start again", "", key="r"),
        Choice("across", "Across", NAMES, "texture"),
        Choice("up", "Up", NAMES, "colour"),
        Choice("brush", "A click adds an", ("apple", "orange"), "apple"),
        Slide("fruit", "Fruit on the table", 4, 100, 2, 40, restarts=True),
        Slide("seed", "Seed", 0, 99, 1, 1, "A different number gives a different orchard.", restarts=True),
    ),
    begin=begin,
    act=act,
    draw=draw,
    table=table,
)
