"""Ways of giving examples, the examples, and the small network that learns from them."""

from __future__ import annotations

import colorsys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.images.networks.backbones import DEFAULT
from studio.lessons.kit.scene import Audio, File, Visit
from studio.lessons.teach.playing import LiveDream

if TYPE_CHECKING:
    from studio.learning.networks import Network
    from studio.learning.training import Fitted, Report

CLASSES = ("A", "B", "C")
NUMBERS = ("pitch", "tempo", "brightness")

INK_SIDE = 8
SEEN_SIDE = 160
"""Side in pixels of a camera picture as the pretrained network sees it."""
CAMERA_LAYER, CAMERA_FEATURES = "blocks.6", 320

STEPS = 220
"""Steps of one training, over all examples at once: about a tenth of a second."""
MOST_EXAMPLES = 200
TILES, TILE_ROWS = 12, 2


@dataclass(frozen=True)
class Way:
    """A way of giving examples.

    features: how many numbers an example is.
    mean, deviation: what the numbers are standardised by before learning.
    """

    name: str
    features: int
    mean: float
    deviation: float


WAYS = {
    way.name: way
    for way in (
        Way("colour", 3, 0.5, 0.29),
        Way("drawing", INK_SIDE * INK_SIDE, 0.2, 0.3),
        Way("sliders", 3, 0.5, 0.29),
        Way("camera", CAMERA_FEATURES, 0.0, 1.0),
    )
}


@dataclass(frozen=True)
class Example:
    """What was shown, and what it was said to be.

    target: a class's number, or the wanted values of the three NUMBERS, each 0 … 1.
    """

    way: str
    features: tuple[float, ...]
    target: int | tuple[float, ...]
    picture: str
    place: tuple[float, float] = (0.0, 0.0)

    @property
    def answers(self) -> str:
        return "classes" if isinstance(self.target, int) else "numbers"


@dataclass(frozen=True)
class Teaching:
    """A network in training; it takes over from the one that answers when it is done."""

    network: Network
    fitting: Generator[Report, None, Fitted]


@dataclass(frozen=True)
class TeachState:
    """The visitor's place in the lesson.

    network: the one that answers, None before the first training.
    losses: of the last training, step by step.
    place: the colour chosen, as hue and lightness.
    strokes: on the sheet.
    frame, seen: the camera's picture, and the pretrained network's answers to it.
    beat: the next note, and when it is due (seconds of the monotonic clock).
    gone: what was deleted last, to be put back.
    """

    settings: dict[str, Any]
    examples: tuple[Example, ...] = ()
    network: Network | None = None
    teaching: Teaching | None = None
    losses: tuple[float, ...] = ()
    place: tuple[float, float] = (0.08, 0.55)
    strokes: tuple[tuple[tuple[float, float], ...], ...] = ()
    frame: np.ndarray | None = None
    seen: tuple[float, ...] = ()
    live: bool = False
    beat: tuple[int, float] = (0, 0.0)
    dream: LiveDream | None = None
    gone: tuple[Example, ...] = ()
    sounds: tuple[Audio, ...] = ()
    files: tuple[File, ...] = ()
    visit: Visit | None = None
    said: str = ""
    mood: str = "plain"


def begin(settings: Mapping[str, Any]) -> TeachState:
    """Nothing shown yet, nothing learnt."""
    return TeachState(dict(settings))


def mine(state: TeachState) -> tuple[Example, ...]:
    """The examples given in the chosen way and for the chosen kind of answer."""
    way, answers = state.settings["way"], state.settings["answers"]
    return tuple(example for example in state.examples if example.way == way and example.answers == answers)


def embedding(pixels: np.ndarray) -> tuple[float, ...]:
    """A picture, uint8 [SEEN_SIDE, SEEN_SIDE, 3], as 320 numbers: how strongly each channel of the
    deepest layer answers, scaled to a mean square of 1.
    """
    import torch

    from studio.images.networks.opening import open_network

    network = open_network(DEFAULT, (CAMERA_LAYER,))[0]
    with torch.no_grad():
        seen = network(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255)[CAMERA_LAYER]
    answers = seen.mean(dim=(2, 3))[0]
    return tuple((answers / answers.square().mean().sqrt().clamp(min=1e-9)).tolist())


def ink(strokes: Sequence[Sequence[tuple[float, float]]]) -> np.ndarray:
    """Strokes on the sheet of 0 … 1 as ink, [INK_SIDE, INK_SIDE] in 0 … 1, rows from the top: shape and
    place both count.
    """
    from PIL import Image, ImageDraw, ImageFilter

    fine = 8 * INK_SIDE
    canvas = Image.new("L", (fine, fine))
    pen = ImageDraw.Draw(canvas)
    for stroke in strokes:
        line = [(x * fine, (1 - y) * fine) for x, y in stroke]
        if len(line) > 1:
            pen.line(line, fill=255, width=6, joint="curve")
        for x, y in (line[0], line[-1]):
            pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=255)
    # Blurred a little, so that a stroke beside another is still something like it.
    canvas = canvas.filter(ImageFilter.GaussianBlur(4))
    cells = np.asarray(canvas, dtype=np.float64).reshape(INK_SIDE, 8, INK_SIDE, 8).mean(axis=(1, 3)) / 255
    return np.asarray(np.minimum(cells * 2, 1))


def colour_at(place: tuple[float, float]) -> tuple[float, float, float]:
    """Red, green and blue, 0 … 1, of a hue and a lightness."""
    return colorsys.hls_to_rgb(place[0] % 1.0, place[1], 0.75)


def shown_now(state: TeachState) -> tuple[float, ...] | None:
    """The features of what it is being shown; None where there is nothing yet."""
    match state.settings["way"]:
        case "colour":
            return colour_at(state.place)
        case "sliders":
            return tuple(float(state.settings[name]) for name in ("one", "two", "three"))
        case "drawing":
            return tuple(ink(state.strokes).ravel().tolist()) if state.strokes else None
    return state.seen or None


# Training


def _can_learn(examples: Sequence[Example]) -> bool:
    return len({example.target for example in examples}) >= 2


def retrain(state: TeachState) -> TeachState:
    """Start learning from the examples as they are now: to the end at once, or bit by bit while it runs
    live.
    """
    examples = mine(state)
    if not _can_learn(examples):
        return replace(state, network=None, teaching=None, losses=(), live=False)
    state = replace(state, teaching=_teaching(state, examples), losses=())
    if state.live and state.network is not None and state.network.config.inputs == len(examples[0].features):  # type: ignore[attr-defined]
        return state
    return train(replace(state, network=None), STEPS)


def _teaching(state: TeachState, examples: Sequence[Example]) -> Teaching:
    import torch

    from studio.learning.datasets import Examples
    from studio.learning.networks import Perceptron
    from studio.learning.training import Plan, fit

    classes = state.settings["answers"] == "classes"
    way = WAYS[str(state.settings["way"])]
    inputs = _scaled(np.array([example.features for example in examples]), way)
    targets = torch.tensor([example.target for example in examples])
    network = Perceptron(
        inputs=way.features,
        hidden=(16,),
        outputs=len(CLASSES) if classes else len(NUMBERS),
        activation="tanh",
        output="linear" if classes else "sigmoid",
        start="xavier",
        seed=int(state.settings["seed"]),
    ).build()
    plan = Plan.of(
        cost="cross-entropy" if classes else "squared",
        rate=0.03,
        epochs=STEPS,
        batch=MOST_EXAMPLES,
        l2=0.003,
        shuffle=False,
        device="cpu",
    )
    return Teaching(network, fit(network, Examples(inputs, targets), plan))


def _scaled(features: np.ndarray, way: Way) -> Any:
    import torch

    return torch.from_numpy((features - way.mean) / way.deviation).float()


def train(state: TeachState, steps: int) -> TeachState:
    """So many steps of the training under way; when it ends, its network takes over."""
    teaching = state.teaching
    if teaching is None:
        return state
    losses = list(state.losses)
    for _ in range(steps):
        report = next(teaching.fitting)
        losses.append(report.loss)
        if report.ending is not None:
            return replace(state, network=teaching.network.eval(), teaching=None, losses=tuple(losses))
    return replace(state, losses=tuple(losses))


def answer(state: TeachState, features: np.ndarray) -> np.ndarray:
    """The network's answers to [n, features]: [n, 3], probabilities of the classes or numbers from 0 to
    1.
    """
    import torch

    assert state.network is not None
    with torch.no_grad():
        said = state.network(_scaled(features, WAYS[str(state.settings["way"])]))
        return np.asarray(
            (torch.softmax(said, dim=1) if state.settings["answers"] == "classes" else said).numpy()
        )


def answer_now(state: TeachState) -> np.ndarray | None:
    """The answer to what it is being shown, [3]; None while there is nothing shown or nothing learnt."""
    features = shown_now(state)
    return None if features is None or state.network is None else answer(state, np.array([features]))[0]


def doubtful(state: TeachState) -> list[int]:
    """The examples, by number, that the trained network still answers differently: the first to look at
    when it is wrong.
    """
    examples = mine(state)
    if state.network is None or not examples:
        return []
    said = answer(state, np.array([example.features for example in examples]))
    if state.settings["answers"] == "classes":
        return [number for number, example in enumerate(examples) if said[number].argmax() != example.target]
    return [
        number
        for number, example in enumerate(examples)
        if np.abs(said[number] - np.array(example.target)).max() > 0.25
    ]
