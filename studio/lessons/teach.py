"""Teach by example: show it a few, say what each is, and play what it learnt like an instrument.

After Rebecca Fiebrink's Wekinator (2009) and Google's Teachable Machine (2017).
"""

from __future__ import annotations

import colorsys
import json
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.errors import Refused, Unreadable
from studio.images.networks.backbones import DEFAULT
from studio.lessons.deep_networks import NETWORK_CREDITS, SAMPLE_CREDITS
from studio.lessons.kit.keeping import packed, unpacked
from studio.lessons.kit.lesson import Camera, Check, Choice, Event, Lesson, Push, Slide, Upload
from studio.lessons.kit.scene import (
    Bars,
    Figure,
    File,
    Heat,
    Line,
    Mark,
    Picture,
    Points,
    Scene,
    Sound,
    Table,
    Visit,
    Words,
    written,
)

if TYPE_CHECKING:
    from studio.learning.networks import Network
    from studio.learning.training import Fitted, Report

CLASSES = ("A", "B", "C")
COLOURS = ("one", "two", "three")
PAINTS = ((242, 160, 61), (109, 179, 232), (143, 199, 154))
"""The same three as red, green and blue, for maps."""
NUMBERS = ("pitch", "tempo", "brightness")

INK_SIDE = 8
SEEN_SIDE = 160
"""Pixels, both ways, of a camera's picture as the pretrained network sees it."""
CAMERA_LAYER, CAMERA_FEATURES = "blocks.6", 320

STEPS = 220
"""Steps of one teaching, over all examples at once: about a tenth of a second."""
STEPS_LIVE = 12
"""Steps taken between two drawings while it runs, so that nothing stutters."""
MOST_EXAMPLES = 200
TILES, TILE_ROWS = 12, 2

CHORDS = ((57, 60, 64, 69), (53, 57, 60, 65), (55, 59, 62, 67))
"""What A, B and C sound like, in MIDI numbers: A minor, F major, G major, one note a beat."""
DREAM_LAYERS = ("blocks.2", "blocks.4", "blocks.5")
"""What A, B and C dream of: weaves, creatures, scenes."""
DREAM_SIDE = 144


@dataclass(frozen=True)
class Way:
    """A way of giving examples. features: how many numbers an example is; mean, deviation: what they are
    scaled by before learning.
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
    """What was shown, and what it was said to be. target: a class's number, or the three NUMBERS wanted, each
    0 … 1.
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
    """A network on its way: it takes over from the one that answers when it is done."""

    network: Network
    fitting: Generator[Report, None, Fitted]


@dataclass(frozen=True)
class State:
    """The visitor's place. network: the one that answers, None before the first teaching. losses: of the last
    teaching, step by step.

    place: the colour chosen, as hue and lightness. strokes: on the sheet. frame: the camera's picture and
    what the pretrained network makes of it. beat: the note to come, and when (seconds of the monotonic
    clock). gone: what was deleted last, to be put back.
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
    sounds: tuple[Sound, ...] = ()
    files: tuple[File, ...] = ()
    visit: Visit | None = None
    said: str = ""
    mood: str = "plain"


def begin(settings: Mapping[str, Any]) -> State:
    """Nothing shown yet, nothing learnt."""
    return State(dict(settings))


def act(state: State, event: Event) -> State:
    """Show something, say what it is, run, take back, keep."""
    state = replace(state, sounds=(), files=(), visit=None)
    match event.name:
        case "set" if event.knob in ("way", "answers"):
            return _taught(
                replace(
                    state, settings=state.settings | {event.knob: event.value}, gone=(), said="", mood="plain"
                )
            )
        case "set":
            return replace(state, settings=state.settings | {event.knob: event.value})
        case "click" if event.figure == "colour":
            return replace(state, place=(min(max(event.x, 0.0), 1.0), min(max(event.y, 0.0), 1.0)), said="")
        case "drag" if event.figure == "sliders" and event.index == 0:
            return _sliders(state, event.x, event.y)
        case "click" if event.figure == "sliders":
            return _sliders(state, event.x, event.y)
        case "stroke" if event.figure == "drawing" and event.points:
            return replace(state, strokes=(*state.strokes, tuple(event.points))[-40:], said="")
        case "wipe":
            return replace(state, strokes=(), said="The sheet is clean.", mood="plain")
        case "camera" | "frame":
            return _frame(state, event)
        case "give_a" | "give_b" | "give_c":
            return _give(state, "classes", "abc".index(event.name[-1]))
        case "give":
            return _give(state, "numbers", tuple(float(state.settings[name]) for name in NUMBERS))
        case "click" if event.figure == "examples":
            return _delete(state, event)
        case "back":
            return _put_back(state)
        case "forget":
            kept = tuple(example for example in state.examples if example not in mine(state))
            forgotten = replace(
                state, gone=mine(state), examples=kept, network=None, teaching=None, losses=(), live=False
            )
            return replace(forgotten, said="All forgotten. Put back brings it all again.", mood="plain")
        case "play":
            return _play(state)
        case "advance":
            return _live(state)
        case "dream":
            return _visit(state)
        case "save":
            return _saved(state)
        case "load":
            return _loaded(state, event)
    return state


def mine(state: State) -> tuple[Example, ...]:
    """The examples of the way and the kind of answer chosen now."""
    way, answers = state.settings["way"], state.settings["answers"]
    return tuple(example for example in state.examples if example.way == way and example.answers == answers)


# What is shown


def _sliders(state: State, x: float, y: float) -> State:
    one, two = (round(min(max(value, 0.0), 1.0), 2) for value in (x, y))
    return replace(state, settings=state.settings | {"one": one, "two": two}, said="")


def _frame(state: State, event: Event) -> State:
    """A picture of the camera, or a file: what the pretrained network makes of it are its features."""
    from studio.images.pictures import read_picture, resize

    pixels = read_picture(event.content, event.text or "The picture").pixels
    side = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    frame = resize(np.ascontiguousarray(pixels[top : top + side, left : left + side]), SEEN_SIDE, SEEN_SIDE)
    if state.settings["way"] != "camera":
        if event.name == "camera" and state.frame is not None:
            return state  # the camera is still on, but something else is being taught
        state = _taught(replace(state, settings=state.settings | {"way": "camera"}))
    return replace(state, frame=frame, seen=embedding(frame), said="" if state.live else state.said)


def embedding(pixels: np.ndarray) -> tuple[float, ...]:
    """A picture, uint8 [SEEN_SIDE, SEEN_SIDE, 3], in 320 numbers: how strongly each channel of the deepest
    layer answers, mean square 1.
    """
    import torch

    from studio.images.networks.opening import open_network

    network = open_network(DEFAULT, (CAMERA_LAYER,))[0]
    with torch.no_grad():
        seen = network(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255)[CAMERA_LAYER]
    answers = seen.mean(dim=(2, 3))[0]
    return tuple((answers / answers.square().mean().sqrt().clamp(min=1e-9)).tolist())


def ink(strokes: Sequence[Sequence[tuple[float, float]]]) -> np.ndarray:
    """Strokes on the sheet of 0 … 1 as [INK_SIDE, INK_SIDE] of ink, rows from the top: where and how a thing
    is drawn both count.
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


def shown_now(state: State) -> tuple[float, ...] | None:
    """The features of what is in front of it; None where there is nothing yet."""
    match state.settings["way"]:
        case "colour":
            return colour_at(state.place)
        case "sliders":
            return tuple(float(state.settings[name]) for name in ("one", "two", "three"))
        case "drawing":
            return tuple(ink(state.strokes).ravel().tolist()) if state.strokes else None
    return state.seen or None


def _thumbnail(state: State) -> str:
    from studio.lessons.small_dreams import jpeg_url, png_url

    match state.settings["way"]:
        case "colour":
            return png_url(
                np.full((1, 1, 3), [round(255 * part) for part in colour_at(state.place)], np.uint8)
            )
        case "drawing":
            return png_url(np.repeat((ink(state.strokes) * 255).astype(np.uint8)[..., None], 3, axis=2))
        case "camera":
            assert state.frame is not None
            from studio.images.pictures import resize

            return jpeg_url(resize(state.frame, 48, 48))
    levels = [float(state.settings[name]) for name in ("one", "two", "three")]
    picture = np.full((12, 12, 3), 34, np.uint8)
    for number, level in enumerate(levels):
        picture[11 - round(level * 11) :, number * 4 : number * 4 + 3] = 200
    return png_url(picture)


# Examples


def _give(state: State, answers: str, target: int | tuple[float, ...]) -> State:
    if state.settings["answers"] != answers:
        state = replace(state, settings=state.settings | {"answers": answers})
    features = shown_now(state)
    if features is None:
        nothing = {
            "drawing": "Draw something on the sheet first.",
            "camera": "Turn the camera on, or choose a picture file, first.",
        }
        return replace(state, said=nothing[state.settings["way"]], mood="bad")
    if len(state.examples) >= MOST_EXAMPLES:
        raise Refused(f"There are {MOST_EXAMPLES} examples; delete some of them first.")
    way = str(state.settings["way"])
    place = state.place if way == "colour" else (float(state.settings["one"]), float(state.settings["two"]))
    example = Example(way, tuple(features), target, _thumbnail(state), place)
    name = CLASSES[target] if isinstance(target, int) else "these numbers"
    said = f"An example of {name}."
    state = replace(state, examples=(*state.examples, example), strokes=(), gone=(), said=said, mood="plain")
    if isinstance(target, int) and "sound" in state.settings["drives"]:
        state = replace(state, sounds=(Sound(CHORDS[target][0], 0.35),))
    return _taught(state)


def _delete(state: State, event: Event) -> State:
    shown = mine(state)[-TILES * TILE_ROWS :]
    number = (TILE_ROWS - 1 - min(int(event.y), TILE_ROWS - 1)) * TILES + min(int(event.x), TILES - 1)
    if number >= len(shown):
        return state
    gone = shown[number]
    kept = tuple(example for example in state.examples if example is not gone)
    return _taught(
        replace(state, examples=kept, gone=(gone,), said="Deleted. Put back undoes it.", mood="plain")
    )


def _put_back(state: State) -> State:
    if not state.gone:
        if not mine(state):
            return replace(state, said="There is no example to take back yet.")
        last = mine(state)[-1]
        kept = tuple(example for example in state.examples if example is not last)
        return _taught(
            replace(
                state,
                examples=kept,
                gone=(last,),
                said="The last example is taken back. Once more brings it again.",
            )
        )
    return _taught(
        replace(state, examples=(*state.examples, *state.gone), gone=(), said="Put back.", mood="plain")
    )


# Teaching


def _can_learn(examples: Sequence[Example]) -> bool:
    return len({example.target for example in examples}) >= 2


def _taught(state: State) -> State:
    """Begin to learn from the examples as they are now: to the end at once, or bit by bit while it runs."""
    examples = mine(state)
    if not _can_learn(examples):
        return replace(state, network=None, teaching=None, losses=(), live=False)
    state = replace(state, teaching=_teaching(state, examples), losses=())
    if state.live and state.network is not None and state.network.config.inputs == len(examples[0].features):  # type: ignore[attr-defined]
        return state
    return _learn(replace(state, network=None), STEPS)


def _teaching(state: State, examples: Sequence[Example]) -> Teaching:
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


def _learn(state: State, steps: int) -> State:
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


def answer(state: State, features: np.ndarray) -> np.ndarray:
    """What the network says of [n, features]: [n, 3] probabilities of the classes, or numbers from 0 to 1."""
    import torch

    assert state.network is not None
    with torch.no_grad():
        said = state.network(_scaled(features, WAYS[str(state.settings["way"])]))
        return np.asarray(
            (torch.softmax(said, dim=1) if state.settings["answers"] == "classes" else said).numpy()
        )


def answer_now(state: State) -> np.ndarray | None:
    features = shown_now(state)
    return None if features is None or state.network is None else answer(state, np.array([features]))[0]


# Playing


def _play(state: State) -> State:
    if state.live:
        return _learn(replace(state, live=False, said=""), STEPS)
    if state.network is None:
        kinds = "of two classes" if state.settings["answers"] == "classes" else "with different numbers"
        return replace(state, said=f"Give it at least two examples {kinds} first.", mood="bad")
    return replace(state, live=True, beat=(0, time.monotonic()), said="", mood="plain")


def _live(state: State) -> State:
    """Some steps of teaching, one of the dream, and a note when its time has come."""
    state = _learn(state, STEPS_LIVE)
    if not state.live or state.network is None:
        return state
    now = answer_now(state)
    if now is None:
        return state
    drives = str(state.settings["drives"])
    if "dream" in drives:
        dream = state.dream or LiveDream()
        dream.follow(now, str(state.settings["answers"]))
        state = replace(state, dream=dream)
    number, due = state.beat
    if "sound" in drives and time.monotonic() >= due:
        sound, seconds = note(now, str(state.settings["answers"]), number)
        state = replace(
            state, sounds=(sound,), beat=(number + 1, max(due, time.monotonic() - seconds) + seconds)
        )
    return state


def note(answers: np.ndarray, kind: str, beat: int) -> tuple[Sound, float]:
    """The note of this beat, and how many seconds until the next."""
    if kind == "classes":
        sure = float(answers.max())
        return Sound(CHORDS[int(answers.argmax())][beat % 4], 0.3, 0.15 + 0.35 * sure), 0.25
    pitch, tempo, brightness = (float(value) for value in answers)
    seconds = 60 / (60 * 4**tempo)
    return Sound(
        48 + round(36 * pitch),
        min(0.6, seconds),
        0.4,
        ("sine", "triangle", "square")[min(2, int(3 * brightness))],
    ), seconds


def dream_settings(answers: np.ndarray, kind: str) -> dict[str, Any]:
    """What the answers mean for a dream, as fields of its recipe: classes mix three layers; of the numbers,
    the pitch is how deep a layer, the tempo how large the steps, the brightness how much colour."""
    if kind == "classes":
        mix, more = answers, {}
    else:
        depth = 2 * float(answers[0])
        mix = np.maximum(0, 1 - np.abs(depth - np.arange(3)))
        more = {
            "step_size": round(0.005 + 0.02 * float(answers[1]), 4),
            "colour": round(float(answers[2]), 2),
        }
    layers = [f"{layer}*{share:.2f}" for layer, share in zip(DREAM_LAYERS, mix, strict=True) if share >= 0.05]
    return {"layers": layers, "preset": None, "backbone": DEFAULT} | more


class LiveDream:
    """A small dream that never ends: one step a drawing, what it dreams of following the answers, the photo
    pulling back all the while.
    """

    def __init__(self) -> None:
        import torch

        from studio.images.dream import Climb, Look
        from studio.images.networks.opening import open_network
        from studio.images.objectives import Objective, balanced, layer
        from studio.images.recipes import DreamRecipe
        from studio.learning.descent import DescentOptions, descend
        from studio.lessons.small_dreams import sample

        base = torch.from_numpy(sample("pagoda", DREAM_SIDE).copy()).permute(2, 0, 1)[None]
        self.picture = base.float() / 255
        network = open_network(DEFAULT, DREAM_LAYERS)[0]
        terms = Objective(tuple(term for name in DREAM_LAYERS for term in layer(name).terms))
        self.terms = balanced(terms, network, self.picture).terms
        self.mix = [1 / 3] * 3
        self.climb = Climb(DreamRecipe(step_size=0.014, hold=0.05, seed=0), base, None)
        look: Any = Look(self.picture, network, self, torch.Generator().manual_seed(0), jitter=12, tile=512)  # type: ignore[arg-type]
        self.turns = descend(
            [self.picture], look, self.climb, steps=10**9, maximize=True, options=DescentOptions(keep_every=0)
        )

    def __call__(self, seen: Any) -> Any:
        """The objective of this moment: the mixture of layers that the answers ask for."""
        import torch

        parts = [
            share * term.weight * term.excitement(seen[term.layer])
            for share, term in zip(self.mix, self.terms, strict=True)
        ]
        return torch.stack(parts).sum()

    def follow(self, answers: np.ndarray, kind: str) -> None:
        """One step towards what the answers ask for."""
        wanted = dream_settings(answers, kind)
        shares = dict(term.split("*") for term in wanted["layers"])
        self.mix = [float(shares.get(layer, 0)) for layer in DREAM_LAYERS]
        self.climb.rate = float(wanted.get("step_size", 0.014))
        self.climb.colours = [wanted.get("colour", 0.7) * share for share in (0.5, 0.75, 1.0, 1.0)]
        next(self.turns)

    def pixels(self) -> np.ndarray:
        return np.asarray(
            (self.picture[0].permute(1, 2, 0) * 255).round().clamp(0, 255).byte().contiguous().numpy()
        )


def _visit(state: State) -> State:
    now = answer_now(state)
    if now is None:
        return replace(state, said="Teach it first: its answer sets the dream.", mood="bad")
    wanted = dream_settings(now, str(state.settings["answers"]))
    return replace(
        state,
        live=False,
        visit=Visit("Dream", wanted),
        said=f"The Dream tab is asked for {' + '.join(wanted['layers'])}.",
    )


# Keeping


def _saved(state: State) -> State:
    from studio.learning.checkpoints import Card
    from studio.learning.datasets import DataSource, Scale

    if state.network is None:
        return replace(state, said="There is nothing to save yet: give it examples first.", mood="bad")
    way, answers = WAYS[str(state.settings["way"])], str(state.settings["answers"])
    card = Card(
        name="taught",
        what=f"Answers with {answers} to what it is shown by {way.name}.",
        data=(
            DataSource(
                name=f"{len(mine(state))} examples",
                source="given by hand in the lesson Teach by example",
                licence="their maker's",
            ),
        ),
        command="Teach it again in the lesson Teach by example.",
        figures={"examples": float(len(mine(state))), "wrongness": state.losses[-1] if state.losses else 0.0},
        scale=Scale(mean=(way.mean,) * way.features, deviation=(way.deviation,) * way.features),
        classes=CLASSES if answers == "classes" else NUMBERS,
        notes=json.dumps({"way": way.name, "answers": answers}),
    )
    return replace(
        state,
        files=(packed(state.network, card),),
        said="Saved as taught.zip: its weights and its card.",
        mood="good",
    )


def _loaded(state: State, event: Event) -> State:
    name = event.text or "The file"
    model = unpacked(event.content, "taught", name)
    try:
        notes = json.loads(model.card.notes)
        way, answers = WAYS[notes["way"]], str(notes["answers"])
        outputs = {"classes": len(CLASSES), "numbers": len(NUMBERS)}[answers]
    except (ValueError, KeyError, TypeError):
        raise Unreadable(
            f"{name} does not say how it was taught; choose a zip that this lesson saved."
        ) from None
    config: Any = model.network.config
    if config.kind != "perceptron" or config.inputs != way.features or config.outputs != outputs:
        raise Unreadable(f"{name} holds a network for something else; choose a zip that this lesson saved.")
    settings = state.settings | {"way": way.name, "answers": answers}
    said = f"{name} answers again with {answers}, by {way.name}. Examples you add now teach a new one."
    return replace(
        state,
        settings=settings,
        network=model.network,
        teaching=None,
        losses=(),
        live=False,
        said=said,
        mood="good",
    )


# Drawing


def draw(state: State) -> Scene:
    """What is shown to it, what it answers, what that does, and the examples it learnt from."""
    examples, now = mine(state), answer_now(state)
    way = str(state.settings["way"])
    doubted = doubtful(state)
    return Scene(
        figures=(
            _INPUTS[way](state, examples),
            _answer_figure(state, now),
            _map_figure(state) if way in ("colour", "sliders") else _curve_figure(state),
            _dream_figure(state),
            _examples_figure(examples, doubted),
        ),
        numbers=_numbers(state, examples, doubted),
        says=state.said if state.said and state.mood == "bad" else _says(state, examples, now, doubted),
        mood=state.mood,
        playing=state.live,
        values={name: state.settings[name] for name in ("way", "answers", "one", "two")},
        away=_away(state),
        sounds=state.sounds,
        files=state.files,
        columns=(1, 1),
        visit=state.visit,
    )


def _away(state: State) -> tuple[str, ...]:
    """The controls that mean nothing as things stand."""
    way, answers = state.settings["way"], state.settings["answers"]
    groups = (
        ("Sliders to show", way == "sliders"),
        ("Numbers to teach", answers == "numbers"),
        ("Camera", way == "camera"),
    )
    pushes = (("wipe", way == "drawing"), *((f"give_{letter}", answers == "classes") for letter in "abc"))
    return tuple(name for name, wanted in (*groups, *pushes) if not wanted)


def doubtful(state: State) -> list[int]:
    """Numbers of the examples that the network, having learnt them, still answers otherwise: the first to
    look at when it errs.
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


def _numbers(state: State, examples: Sequence[Example], doubted: Sequence[int]) -> dict[str, str]:
    numbers = {"examples": str(len(examples))}
    if state.settings["answers"] == "classes":
        numbers |= {
            name: str(sum(example.target == number for example in examples))
            for number, name in enumerate(CLASSES)
        }
    numbers["learnt as it was told"] = (
        f"{len(examples) - len(doubted)} of {len(examples)}" if state.network is not None else "–"
    )
    numbers["wrongness"] = written(state.losses[-1]) if state.losses else "–"
    return numbers


def _says(state: State, examples: Sequence[Example], now: np.ndarray | None, doubted: Sequence[int]) -> str:
    said = f"{state.said} " if state.said else ""
    classes = state.settings["answers"] == "classes"
    if state.teaching is not None:
        return f"{said}It goes on answering as before while it learns from {len(examples)} examples."
    if state.network is None:
        need = (
            "Show it something and press one of the letters."
            if classes
            else "Set three numbers, show it something, press Record numbers."
        )
        if examples:
            need = (
                "Now show it something else, as another letter."
                if classes
                else "Now show it something else, with other numbers."
            )
        return said + need
    if now is None:
        return f"{said}It has learnt. Show it something new."
    if len(doubted):
        return f"{said}It answers {len(doubted)} of its own examples otherwise (ringed below). Are those right? Click one to delete it."
    if classes:
        best = int(now.argmax())
        return f"{said}It takes this for {CLASSES[best]}, {now[best]:.0%} sure."
    return (
        said
        + "It answers "
        + ", ".join(f"{name} {value:.2f}" for name, value in zip(NUMBERS, now, strict=True))
        + "."
    )


ASPECT = 1.85


def _colour_input(state: State, examples: Sequence[Example]) -> Figure:
    across, up = (
        np.linspace(0, 1, 64, endpoint=False) + 1 / 128,
        np.linspace(0, 1, 32, endpoint=False) + 1 / 64,
    )
    plane = np.array([[colour_at((x, y)) for x in across] for y in up])
    marks: list[Mark] = [Heat(plane, (0, 1, 0, 1), scale="colour")]
    marks += _example_dots(examples)
    marks.append(Points([state.place[0]], [state.place[1]], colour="#000000", size=9.5, shape="ring"))
    marks.append(Points([state.place[0]], [state.place[1]], colour="#ffffff", size=8, shape="ring"))
    red, green, blue = (round(255 * part) for part in colour_at(state.place))
    text = f"The colour chosen is red {red}, green {green}, blue {blue}."
    return Figure(
        "colour",
        "Show it a colour",
        (0, 1),
        (0, 1),
        tuple(marks),
        text,
        aspect=ASPECT,
        axes=False,
        clicks="Click a colour.",
    )


def _example_dots(examples: Sequence[Example]) -> list[Mark]:
    if not examples:
        return []
    x, y = [example.place[0] for example in examples], [example.place[1] for example in examples]
    paint = [COLOURS[example.target] if isinstance(example.target, int) else "accent" for example in examples]
    marks: list[Mark] = [Points(x, y, colour="#17161b", size=8.5), Points(x, y, colour=paint, size=7)]
    if isinstance(examples[0].target, int):
        letters = [CLASSES[example.target] for example in examples if isinstance(example.target, int)]
        marks.append(Words(x, y, letters, colour="#17161b", size=10))
    return marks


def _sliders_input(state: State, examples: Sequence[Example]) -> Figure:
    one, two, three = (float(state.settings[name]) for name in ("one", "two", "three"))
    marks: list[Mark] = [
        *_example_dots(examples),
        Points([one], [two], colour="accent", size=9, shape="ring", drag=True),
    ]
    text = f"The sliders stand at {one:.2f}, {two:.2f} and {three:.2f}."
    return Figure(
        "sliders",
        "Show it a position of the sliders",
        (0, 1),
        (0, 1),
        tuple(marks),
        text,
        x_label="first slider",
        y_label="second slider",
        aspect=ASPECT,
        clicks="Click or drag the ring; the third slider is among the controls.",
    )


def _drawing_input(state: State, examples: Sequence[Example]) -> Figure:  # noqa: ARG001
    # The sheet is square and stands in the middle; all that is drawn on it counts.
    marks: list[Mark] = [
        Line([x for x, _ in stroke], [y for _, y in stroke], colour="ink", width=9)
        for stroke in state.strokes
    ]
    text = f"{len(state.strokes)} strokes on the sheet." if state.strokes else "The sheet is empty."
    return Figure(
        "drawing",
        "Draw something for it",
        (0, 1),
        (0, 1),
        tuple(marks),
        text,
        aspect=ASPECT,
        axes=False,
        draws=True,
        clicks="Draw here.",
    )


def _camera_input(state: State, examples: Sequence[Example]) -> Figure:  # noqa: ARG001
    from studio.lessons.small_dreams import jpeg_url

    if state.frame is None:
        words = "Turn the camera on, or choose a picture file."
        marks: tuple[Mark, ...] = (Words([0.5], [0.5], [words], colour="faint"),)
        return Figure("camera", "Show it something", (0, 1), (0, 1), marks, words, aspect=ASPECT, axes=False)
    edge = (1 - 1 / ASPECT) / 2
    marks = (Picture(jpeg_url(state.frame), (edge, 1 - edge, 0, 1), text="What it is shown"),)
    text = "A picture, as the pretrained network sees it: 320 numbers."
    return Figure("camera", "What it is shown", (0, 1), (0, 1), marks, text, aspect=ASPECT, axes=False)


_INPUTS = {
    "colour": _colour_input,
    "sliders": _sliders_input,
    "drawing": _drawing_input,
    "camera": _camera_input,
}


def _answer_figure(state: State, now: np.ndarray | None) -> Figure:
    classes = state.settings["answers"] == "classes"
    names = CLASSES if classes else NUMBERS
    values = [0.0] * 3 if now is None else [float(value) for value in now]
    marks: list[Mark] = [
        Bars((0, 1, 2), values, colour=COLOURS if classes else "accent", width=0.6, label=names)
    ]
    if now is not None:
        marks.append(
            Words((0, 1, 2), [value + 0.07 for value in values], [f"{value:.2f}" for value in values])
        )
    title = "How sure it is of each" if classes else "The numbers it answers with"
    said = (
        "No answer yet."
        if now is None
        else ", ".join(f"{name} {value:.2f}" for name, value in zip(names, values, strict=True)) + "."
    )
    return Figure("answer", title, (-0.6, 2.6), (0, 1.18), tuple(marks), said, aspect=ASPECT)


def _map_figure(state: State) -> Figure:
    """What it would answer everywhere: colours of the classes, mixed by how sure it is; or the pitch."""
    way, classes = str(state.settings["way"]), state.settings["answers"] == "classes"
    rows, columns = 24, 44
    middle = "its pitch" if not classes else "A, B or C"
    title = f"Its answer everywhere: {middle}"
    if state.network is None:
        marks: tuple[Mark, ...] = (Words([0.5], [0.5], ["Nothing learnt yet"], colour="faint"),)
        return Figure("map", title, (0, 1), (0, 1), marks, "Nothing learnt yet.", aspect=ASPECT, axes=False)
    places = [
        ((column + 0.5) / columns, (row + 0.5) / rows) for row in range(rows) for column in range(columns)
    ]
    third = float(state.settings["three"])
    shown = (
        [colour_at(place) for place in places] if way == "colour" else [(*place, third) for place in places]
    )
    said = answer(state, np.array(shown))
    if classes:
        painted = (said @ np.array(PAINTS) / 255).reshape(rows, columns, 3)
        marks = (Heat(painted, (0, 1, 0, 1), scale="colour"),)
        shares = np.bincount(said.argmax(axis=1), minlength=3) / len(said)
        text = (
            ", ".join(f"{name} on {share:.0%}" for name, share in zip(CLASSES, shares, strict=True))
            + " of the plane."
        )
    else:
        marks = (Heat((2 * said[:, 0] - 1).reshape(rows, columns), (0, 1, 0, 1)),)
        text = f"The pitch goes from {said[:, 0].min():.2f} to {said[:, 0].max():.2f} over the plane."
    x, y = state.place if way == "colour" else (float(state.settings["one"]), float(state.settings["two"]))
    marks = (*marks, Points([x], [y], colour="#17161b", size=8, shape="ring"))
    return Figure("map", title, (0, 1), (0, 1), marks, text, aspect=ASPECT, axes=False)


def _curve_figure(state: State) -> Figure:
    losses = list(state.losses)
    top = max(0.05, max(losses, default=1.0)) * 1.08
    marks: tuple[Mark, ...] = (Line(range(1, len(losses) + 1), losses, colour="accent", fill=True),)
    text = (
        f"Wrongness from {written(losses[0])} to {written(losses[-1])} in {len(losses)} steps."
        if losses
        else "Not taught yet."
    )
    return Figure(
        "curve",
        "Wrongness of the last teaching",
        (0, STEPS),
        (0, top),
        marks,
        text,
        x_label="step",
        aspect=ASPECT,
    )


def _dream_figure(state: State) -> Figure:
    from studio.lessons.small_dreams import jpeg_url, sample

    pixels = sample("pagoda", DREAM_SIDE) if state.dream is None else state.dream.pixels()
    edge = (1 - pixels.shape[1] / pixels.shape[0] / ASPECT) / 2
    said = "the photo, while nothing runs" if state.dream is None else "a dream that follows the answer"
    marks = (Picture(jpeg_url(pixels), (edge, 1 - edge, 0, 1), text=said),)
    kind = "A weaves, B fur, C scenes" if state.settings["answers"] == "classes" else "depth, speed, colour"
    return Figure(
        "dream", f"Dream: {kind}", (0, 1), (0, 1), marks, f"{said.capitalize()}.", aspect=ASPECT, axes=False
    )


def _examples_figure(examples: Sequence[Example], doubted: Sequence[int]) -> Figure:
    shown = examples[-TILES * TILE_ROWS :]
    first = len(examples) - len(shown)
    marks: list[Mark] = []
    for number, example in enumerate(shown):
        x, y = number % TILES, TILE_ROWS - 1 - number // TILES
        marks.append(
            Picture(
                example.picture, (x + 0.08, x + 0.92, y + 0.26, y + 0.96), pixelated=example.way != "camera"
            )
        )
        if first + number in doubted:
            marks.append(
                Line(
                    (x + 0.06, x + 0.94, x + 0.94, x + 0.06, x + 0.06),
                    (y + 0.24, y + 0.24, y + 0.98, y + 0.98, y + 0.24),
                    colour="bad",
                )
            )
        target = example.target
        name = (
            CLASSES[target] if isinstance(target, int) else " ".join(f"{10 * value:.0f}" for value in target)
        )
        marks.append(
            Words(
                [x + 0.5],
                [y + 0.12],
                [name],
                colour=COLOURS[target] if isinstance(target, int) else "faint",
                size=12,
            )
        )
    if not shown:
        marks.append(Words([TILES / 2], [TILE_ROWS / 2], ["No examples yet"], colour="faint"))
    counts = f"{len(examples)} examples" + (f", the last {len(shown)} shown" if first else "")
    text = f"{counts}. {len(doubted)} of them it answers otherwise than it was told."
    return Figure(
        "examples",
        "The examples it learnt from" + (f" (the last {len(shown)})" if first else ""),
        (0, TILES),
        (0, TILE_ROWS),
        tuple(marks),
        text,
        aspect=TILES / TILE_ROWS * 0.82,
        axes=False,
        clicks="Click an example to delete it.",
        wide=True,
    )


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """Two reds, two blues and two greens taught, then five colours asked about."""
    state = begin(dict(settings) | {"way": "colour", "answers": "classes"})
    for hue, name in (
        (0.0, "give_a"),
        (0.03, "give_a"),
        (0.58, "give_b"),
        (0.63, "give_b"),
        (0.3, "give_c"),
        (0.36, "give_c"),
    ):
        state = act(act(state, Event("click", figure="colour", x=hue, y=0.5)), Event(name))
    rows = []
    for name, hue in (("red", 0.01), ("yellow", 0.15), ("green", 0.33), ("turquoise", 0.48), ("blue", 0.6)):
        said = answer(state, np.array([colour_at((hue, 0.5))]))[0]
        rows.append((name, *(f"{value:.3f}" for value in said), CLASSES[int(said.argmax())]))
    yield Table(
        "Taught: two reds as A, two blues as B, two greens as C. Asked:",
        ("colour", *CLASSES, "it says"),
        tuple(rows),
    )
    yield f"Wrongness {state.losses[0]:.4f} before, {state.losses[-1]:.4f} after {len(state.losses)} steps."


LESSON: Lesson[State] = Lesson(
    name="teach",
    title="Teach by example",
    question="Can you make an instrument without writing a rule, by showing a few examples?",
    first="Click a red, press A. Click a blue, press B. Then press Run live and click about in the colours.",
    notice=(
        "Two examples are enough to begin. It answers for every colour, also for those it never saw.",
        "Where it errs, do not look for a better rule: give one more example there. The examples are the programme.",
        "One wrong example bends everything around it. Delete it, and it is mended in a tenth of a second.",
        "With numbers instead of classes it glides between the examples: that is how a new instrument gets its feel.",
    ),
    checks=(
        Check(
            "What will happen if you show it something quite unlike all examples?",
            ("It says that it does not know", "It names one of the classes all the same", "It stops"),
            1,
            "It divides everything there is among the classes it knows. Only another class, taught by examples, could be for the rest.",
        ),
        Check(
            "All examples of A are light reds, all of B are dark blues. What will it make of a dark red?",
            ("Surely A", "Surely B", "That cannot be known: hue and lightness explain the examples as well"),
            2,
            "The examples never said which of the two counts. One dark red taught as A settles it.",
        ),
    ),
    formula=(
        "y = W₂ tanh(W₁ x + b₁) + b₂\n\n"
        "x     what it is shown, as numbers: a colour, ink on a sheet, sliders,\n"
        "      or 320 answers of the pretrained network to a picture\n"
        "W, b  what is learnt from the examples\n"
        "y     classes: how sure of each, after a softmax\n"
        "      numbers: pitch, tempo and brightness, after a sigmoid\n\n"
        "wrongness    classes: − log p(what you said)\n"
        "             numbers: Σ (y − what you set)²"
    ),
    code="""\
import torch
from studio.learning.datasets import Examples
from studio.learning.networks import Perceptron
from studio.learning.training import Plan, fit
from studio.process import finish

red, pink, blue, navy = (0.9, 0.1, 0.1), (1.0, 0.5, 0.6), (0.1, 0.2, 0.9), (0, 0, 0.5)
shown, told = torch.tensor([red, pink, blue, navy]), torch.tensor([0, 0, 1, 1])
network = Perceptron(inputs=3, hidden=(16,), outputs=2, activation="tanh").build()
plan = Plan(rate=0.03, epochs=200)
finish(fit(network, Examples(shown, told), plan))
purple = torch.tensor([[0.5, 0.1, 0.6]])
print(torch.softmax(network(purple), dim=1))  # between the two""",
    tab="Dream",
    use="Its answer mixes the layers that a dream makes stronger. Press Dream with this answer, and the Dream tab takes it over.",
    knobs=(
        Push("give_a", "This is A", "an example of A", key="1"),
        Push("give_b", "This is B", "an example of B", key="2"),
        Push("give_c", "This is C", "an example of C", key="3"),
        Push("play", "Run live", "answer again and again, in sound and picture", key="space", main=True),
        Push("back", "Take back", "the last example, or the last deletion", key="z"),
        Push("wipe", "Wipe the sheet", "for a new drawing", key="w"),
        Choice("way", "Teach by", tuple(WAYS), "colour"),
        Choice(
            "answers",
            "It answers with",
            ("classes", "numbers"),
            "classes",
            "Letters, or three numbers that glide.",
        ),
        Choice("drives", "It plays", ("sound and dream", "sound", "dream", "nothing"), "sound and dream"),
        Slide("one", "First slider", 0, 1, 0.01, 0.3, group="Sliders to show"),
        Slide("two", "Second slider", 0, 1, 0.01, 0.6, group="Sliders to show"),
        Slide("three", "Third slider", 0, 1, 0.01, 0.5, group="Sliders to show"),
        Slide("pitch", "Pitch", 0, 1, 0.05, 0.5, "From C3 to C6.", group="Numbers to teach"),
        Slide("tempo", "Tempo", 0, 1, 0.05, 0.5, "From 60 to 240 notes a minute.", group="Numbers to teach"),
        Slide(
            "brightness",
            "Brightness",
            0,
            1,
            0.05,
            0.5,
            "From a soft tone to a sharp one.",
            group="Numbers to teach",
        ),
        Push(
            "give",
            "Record numbers",
            "what is shown now shall give these numbers",
            key="n",
            group="Numbers to teach",
        ),
        Camera(
            "camera",
            "Camera on",
            help="Its pictures are looked at on this machine and not kept.",
            group="Camera",
        ),
        Upload("frame", "Or a picture file", "image/*", group="Camera"),
        Push("dream", "Dream with this answer", "open the Dream tab with it", group="Keep"),
        Push("save", "Save the model", "its weights and its card, as a zip", group="Keep"),
        Upload("load", "Load a model", ".zip", group="Keep"),
        Push("forget", "Forget all", "delete all examples of this kind", group="Keep"),
        Slide("seed", "Dice", 0, 99, 1, 1, "Another beginning of the network.", group="Keep"),
    ),
    folded=("Keep",),
    begin=begin,
    act=act,
    draw=draw,
    table=table,
    credits=(
        "After the Wekinator (Rebecca Fiebrink, 2009) and Teachable Machine (Google, 2017).",
        *SAMPLE_CREDITS,
        *NETWORK_CREDITS,
    ),
)
