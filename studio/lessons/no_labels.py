"""No labels: groups found in fruit that nobody named, and in the colours of a picture."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.errors import Refused
from studio.lessons.kit.curves import curve_in_words, loss_curve
from studio.lessons.kit.lesson import Action, Check, Choice, Lesson, Push, Slide, Switch, Upload
from studio.lessons.kit.scene import Bars, Figure, Mark, PictureView, Points, Scene, Table, Words, written
from studio.lessons.shared.pictures import png_url

if TYPE_CHECKING:
    from torch import Tensor

    from studio.learning.descent import Ending, Step

SHADES = ("one", "two", "three", "four", "five", "six")
MOST_GROUPS = len(SHADES)
LONGEST_RUN = 60
PICTURE_SIDE = 96
KINDS = (("apples", (0.30, 0.32)), ("oranges", (0.72, 0.78)), ("lemons", (0.30, 0.80)))


@dataclass(frozen=True)
class NoLabelsState:
    """points: [points, features], 0 … 1: fruit (texture, colour) or pixels (red, green, blue).
    centres: [groups, features].
    """

    settings: dict[str, Any]
    points: np.ndarray
    kinds: np.ndarray
    centres: Tensor
    descent: Generator[Step, None, Ending]
    picture: np.ndarray | None = None
    losses: tuple[float, ...] = ()
    playing: bool = False
    resting: bool = False
    said: str = ""


def begin(settings: Mapping[str, Any]) -> NoLabelsState:
    """Fruit without names, and centres placed at random among them."""
    rng = np.random.default_rng(int(settings["seed"]))
    if settings["of"] == "colours of a picture":
        return _of_picture(dict(settings), _sunset(rng))
    kinds = np.arange(int(settings["fruit"])) % len(KINDS)
    means = np.array([mean for _, mean in KINDS])[kinds]
    points = np.clip(means + rng.normal(0, float(settings["spread"]), means.shape), 0, 1)
    return _started(NoLabelsState(dict(settings), points, kinds, *_loop(points, points[:1])))


def _of_picture(settings: dict[str, Any], picture: np.ndarray) -> NoLabelsState:
    points = picture.reshape(-1, 3).astype(np.float64) / 255
    return _started(
        NoLabelsState(
            settings, points, np.zeros(len(points), int), *_loop(points, points[:1]), picture=picture
        )
    )


def _started(state: NoLabelsState) -> NoLabelsState:
    """Centres on randomly chosen points."""
    rng = np.random.default_rng((int(state.settings["seed"]), int(state.settings["start"])))
    distinct = np.unique(state.points, axis=0)
    groups = min(int(state.settings["groups"]), len(distinct))
    centres = distinct[rng.choice(len(distinct), groups, replace=False)]
    tensor, descent = _loop(state.points, centres)
    return replace(state, centres=tensor, descent=descent, losses=(), resting=False, said="")


def groups_of(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The index of the nearest centre for every point."""
    far = (points**2).sum(axis=1)[:, None] - 2 * points @ centres.T + (centres**2).sum(axis=1)
    return np.asarray(far.argmin(axis=1))


def _loop(points: np.ndarray, start: np.ndarray) -> tuple[Tensor, Generator[Step, None, Ending]]:
    """K-means as descent (Lloyd, 1957; Bottou and Bengio, 1995): the loss is the mean squared distance to
    the nearest centre.

    Its gradient, divided by twice the size of each group, points exactly to the group's mean; a step
    of rate 1 arrives there.
    """
    import torch

    from studio.learning.descent import DescentOptions, Slope, descend
    from studio.learning.rules import GradientDescent

    centres = torch.tensor(start, dtype=torch.float64)

    def measure() -> Slope:
        now = centres.numpy()
        group = groups_of(points, now)
        sizes = np.bincount(group, minlength=len(now))
        sums = np.stack(
            [np.bincount(group, weights=points[:, i], minlength=len(now)) for i in range(points.shape[1])],
            axis=1,
        )
        pull = np.where(sizes[:, None] > 0, now - sums / np.maximum(sizes, 1)[:, None], 0.0)
        return Slope(float(((points - now[group]) ** 2).sum(axis=1).mean()), [torch.tensor(pull)])

    return centres, descend(
        [centres], measure, GradientDescent(1.0), steps=LONGEST_RUN, options=DescentOptions(keep_every=0)
    )


def act(state: NoLabelsState, action: Action) -> NoLabelsState:
    """Step, start elsewhere, change the number of groups, or bring a picture."""
    if action.name == "reset":
        return begin(state.settings)
    if action.name == "set":
        settings = state.settings | {action.knob: action.value}
        return (
            _started(replace(state, settings=settings))
            if action.knob in ("groups", "start")
            else replace(state, settings=settings)
        )
    if action.name == "throw":
        return _started(
            replace(state, settings=state.settings | {"start": (int(state.settings["start"]) + 1) % 100})
        )
    if action.name == "own":
        return _of_picture(
            state.settings | {"of": "colours of a picture"}, _read(action.content, action.text)
        )
    if action.name == "play":
        return replace(state, playing=not state.playing and not state.resting)
    if action.name in ("step", "advance"):
        return _step(state)
    return state


def _read(content: bytes, name: str) -> np.ndarray:
    from studio.images.pictures import fit_within, read_picture, resize

    pixels = read_picture(content, name or "The picture").pixels
    if min(pixels.shape[:2]) < 2:
        raise Refused("The picture is too small to have a palette; choose a larger one.")
    return np.asarray(resize(pixels, *fit_within(pixels.shape[0], pixels.shape[1], PICTURE_SIDE)))


def _step(state: NoLabelsState) -> NoLabelsState:
    step = next(state.descent, None)
    if step is None:
        return replace(
            state, playing=False, resting=True, said=state.said or "The centres have stopped moving."
        )
    losses = (*state.losses, step.loss)
    if step.gradient < 1e-9:
        of = "palette" if state.picture is not None else "groups"
        said = (
            f"The centres stopped moving after {len(losses)} steps: these are the {of} it found. "
            "Press Throw again, and it may find others."
        )
        return replace(state, losses=losses, playing=False, resting=True, said=said)
    return replace(state, losses=losses, said="Every centre moves to the middle of the points nearest to it.")


def _sunset(rng: np.random.Generator) -> np.ndarray:
    """A small landscape with a palette to be found: sky, sun, hills and water."""
    up, across = np.mgrid[0:64, 0:PICTURE_SIDE].astype(float)
    up, across = 1 - up / 64, across / PICTURE_SIDE
    sky = np.array((0.98, 0.62, 0.35)) * (1 - up[..., None]) + np.array((0.28, 0.35, 0.62)) * up[..., None]
    sun = np.hypot(across - 0.68, (up - 0.52) * 0.67) < 0.085
    sky[sun] = (1.0, 0.87, 0.52)
    for height, colour, wave in ((0.42, (0.45, 0.30, 0.45), 5.0), (0.34, (0.28, 0.22, 0.36), 8.0)):
        sky[up < height + 0.05 * np.sin(across * wave + height * 20)] = colour
    water = up < 0.22
    sky[water] = (np.array((0.20, 0.30, 0.45)) + 0.25 * np.exp(-(((across - 0.68) / 0.08) ** 2))[..., None])[
        water
    ]
    pixels: np.ndarray = (np.clip(sky + rng.normal(0, 0.015, sky.shape), 0, 1) * 255).astype(np.uint8)
    return pixels


def draw(state: NoLabelsState) -> Scene:
    """The points with their groups (or the picture with its palette), the centres, and the loss."""
    centres = state.centres.numpy()
    group = groups_of(state.points, centres)
    far = float(((state.points - centres[group]) ** 2).sum(axis=1).mean())
    figures = (
        (_fruit_figure(state, group), _curve(state))
        if state.picture is None
        else (*_picture_figures(state, group), _curve(state))
    )
    return Scene(
        figures=figures,
        columns=(1.15, 1),
        numbers={
            "groups": str(len(centres)),
            "mean squared distance": written(far),
            "steps": str(len(state.losses)),
        },
        says=state.said
        or (
            "Nobody says what these are. Press Step: every centre moves to the middle of what is nearest "
            "to it."
        ),
        mood="good" if state.resting else "plain",
        playing=state.playing,
        values={"start": state.settings["start"], "of": state.settings["of"]},
    )


def _fruit_figure(state: NoLabelsState, group: np.ndarray) -> Figure:
    shapes = ["apple", "orange", "square"]
    named = bool(state.settings["labels"])
    centres = state.centres.numpy()
    marks: list[Mark] = [
        Points(
            state.points[:, 0],
            state.points[:, 1],
            colour=[SHADES[g] for g in group],
            shape=[shapes[k] for k in state.kinds] if named else "circle",
            size=8 if named else 6,
        ),
        Points(centres[:, 0], centres[:, 1], colour="accent", shape="cross", size=9),
    ]
    sizes = np.bincount(group, minlength=len(centres))
    text = "; ".join(
        f"a group of {size} around texture {x:.2f}, colour {y:.2f}"
        for size, (x, y) in zip(sizes, centres, strict=True)
    )
    title = "The same fruit, with the names somebody gave them" if named else "Fruit that nobody named"
    return Figure("fruit", title, (0, 1), (0, 1), tuple(marks), text + ".", "texture", "colour", aspect=1.15)


def _picture_figures(state: NoLabelsState, group: np.ndarray) -> tuple[Figure, ...]:
    assert state.picture is not None
    centres = state.centres.numpy()
    painted = (np.clip(centres[group], 0, 1) * 255 + 0.5).astype(np.uint8).reshape(state.picture.shape)
    height, width = state.picture.shape[:2]
    order = np.argsort(-np.bincount(group, minlength=len(centres)))
    shares = np.bincount(group, minlength=len(centres))[order] / len(group)
    hexes = ["#" + "".join(f"{round(float(np.clip(c, 0, 1)) * 255):02x}" for c in centres[g]) for g in order]
    at = list(range(len(order)))
    side = (0.0, 1.0, 0.0, 1.0)
    return (
        Figure(
            "picture",
            "The picture",
            (0, 1),
            (0, 1),
            (PictureView(png_url(state.picture), side, text="the picture"),),
            f"{width} by {height} pixels.",
            aspect=width / height,
            axes=False,
        ),
        Figure(
            "painted",
            f"In {len(order)} colours",
            (0, 1),
            (0, 1),
            (PictureView(png_url(painted), side, text="the same picture in few colours"),),
            "Every pixel in the colour of its group.",
            aspect=width / height,
            axes=False,
        ),
        Figure(
            "palette",
            "Its palette",
            (-0.6, len(order) - 0.4),
            (0, max(float(shares.max()) * 1.15, 0.1)),
            (
                Bars(at, shares, colour=hexes, width=0.86),
                Words(at, shares + float(shares.max()) * 0.06, hexes, size=12),
            ),
            ", ".join(f"{share:.0%} {colour}" for share, colour in zip(shares, hexes, strict=True)) + ".",
            aspect=1.7,
        ),
    )


def _curve(state: NoLabelsState) -> Figure:
    losses = list(state.losses) or [0.0]
    return Figure(
        "curve",
        "Mean squared distance",
        (1, max(len(losses), 12)),
        (0, max(*losses, 1e-6) * 1.1 if state.losses else 0.05),
        loss_curve(losses),
        curve_in_words(state.losses),
        "step",
        aspect=1.7,
    )


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """The loss step by step, then the groups beside the names it was never told."""
    state = begin(settings)
    while not state.resting:
        state = _step(state)
    yield Table(
        "Step by step",
        ("step", "mean squared distance"),
        tuple((str(i), written(loss)) for i, loss in enumerate(state.losses, start=1)),
    )
    yield f"After {len(state.losses)} steps the centres have stopped moving."
    group = groups_of(state.points, state.centres.numpy())
    if state.picture is None:
        rows = tuple(
            (
                str(g + 1),
                *(str(int(((group == g) & (state.kinds == kind)).sum())) for kind in range(len(KINDS))),
            )
            for g in range(len(state.centres))
        )
        yield Table(
            "What is in each group, by the names it never saw",
            ("group", *(name for name, _ in KINDS)),
            rows,
        )
    else:
        rows = tuple(
            (str(g + 1), *(f"{value:.3f}" for value in centre))
            for g, centre in enumerate(state.centres.tolist())
        )
        yield Table("The palette", ("colour", "red", "green", "blue"), rows)


LESSON: Lesson[NoLabelsState] = Lesson(
    name="no_labels",
    title="No labels",
    minutes=6,
    question="What can be learnt when nobody says what anything is?",
    first="Press Play and watch the three crosses find their places. Then show the names.",
    notice=(
        "It is never told right or wrong; it only tries to bring every point close to a centre.",
        "It finds groups, not names. Whether a group is “oranges” is for you to say.",
        "You choose the number of groups. Ask for two, and it finds two.",
        "Where the crosses start decides where they end up: throw them again.",
    ),
    checks=(
        Check(
            "What will happen if you ask for five groups when there are three kinds of fruit?",
            ("Two groups stay empty", "It splits some kinds in two", "It refuses"),
            1,
            "It cannot know that there are three kinds. With more centres, every point is closer to one.",
        ),
        Check(
            "Which of these is supervised learning?",
            ("Sorting by labels that somebody gave", "Finding a palette", "Grouping fruit"),
            0,
            "Supervised means that somebody gave the answers to learn from. Here nobody does.",
        ),
    ),
    formula=(
        "error = mean of |x − nearest centre|²\n\n"
        "step:  every point joins its nearest centre;  centre ← mean of its points\n"
        "Each half makes the error smaller, so the centres must come to rest."
    ),
    code="""\
import random

random.seed(1)
points = [random.gauss(m, 0.1) for m in (0.2, 0.5, 0.9) for _ in range(20)]
centres = random.sample(points, 3)
for step in range(20):
    groups = [[] for _ in centres]
    for x in points:
        nearest = min(range(len(centres)), key=lambda g: abs(x - centres[g]))
        groups[nearest].append(x)
    centres = [sum(g) / len(g) if g else c for g, c in zip(groups, centres)]
print([round(c, 2) for c in sorted(centres)])""",
    tab="Dream",
    use=(
        "A palette found this way shows which colours a picture really depends on: worth knowing "
        "before you let a dream keep its colours."
    ),
    knobs=(
        Push("play", "Play", "step after step", key="space", main=True),
        Push("step", "Step", "one step", key="s"),
        Push("throw", "Throw again", "new starting places", key="t"),
        Push("reset", "Start again", "", key="r"),
        Choice("of", "Find groups in", ("fruit", "colours of a picture"), "fruit", restarts=True),
        Slide("groups", "How many groups", 1, MOST_GROUPS, 1, 3),
        Switch(
            "labels",
            "Show the names somebody gave",
            False,
            "Supervised learning would have started with these.",
        ),
        Upload("own", "A picture of your own", "image/*", "Find its palette. It stays on this computer."),
        Slide("fruit", "Fruit", 9, 240, 3, 90, restarts=True),
        Slide("spread", "Scatter", 0.02, 0.25, 0.01, 0.09, restarts=True),
        Slide("start", "Starting places", 0, 99, 1, 2),
        Slide("seed", "Seed", 0, 99, 1, 0, "A different number gives different fruit.", restarts=True),
    ),
    begin=begin,
    act=act,
    draw=draw,
    table=table,
)
