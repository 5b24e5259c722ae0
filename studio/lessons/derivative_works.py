"""Derivative works: one loop behind prices, melodies and dreams; a network of one's own that dreams; and
whose work that is.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.errors import Refused
from studio.images.networks.backbones import DEFAULT
from studio.lessons.cafeteria import FOODS, MENUS, TRUE_PRICES, read_menu
from studio.lessons.deep_networks import NETWORK_CREDITS, SAMPLE_CREDITS
from studio.lessons.kit.keeping import packed
from studio.lessons.kit.lesson import Check, Choice, Event, Lesson, Push, Slide, Upload, Write
from studio.lessons.kit.scene import (
    Arrow,
    Bars,
    Figure,
    File,
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
    from torch import Tensor

    from studio.images.pictures import Pixels
    from studio.learning.datasets import Examples
    from studio.learning.descent import Ending, Step
    from studio.learning.networks import PictureClassifier, SequenceNetwork
    from studio.learning.training import Fitted, Report
    from studio.lessons.small_dreams import SmallDream
    from studio.works.work import Work

PARTS = ("one loop, three uses", "my network dreams", "whose work is it")

GROUPS = ("My network dreams", "Whose work is it")
"""The controls of the second part and of the third."""

STEPS = 72
"""Steps of each of the three that run side by side."""
LOOP_SIDE = 144
DREAM_LAYER = "blocks.4"
PRICE_RATE = 0.004

# Two melodies in the public domain, in C: the beginning of Beethoven's Ode to Joy (1824), and Frère Jacques
# (traditional, 18th century).
TUNES = (
    (
        64,
        64,
        65,
        67,
        67,
        65,
        64,
        62,
        60,
        60,
        62,
        64,
        64,
        62,
        62,
        64,
        64,
        65,
        67,
        67,
        65,
        64,
        62,
        60,
        60,
        62,
        64,
        62,
        60,
        60,
    ),
    (
        60,
        62,
        64,
        60,
        60,
        62,
        64,
        60,
        64,
        65,
        67,
        64,
        65,
        67,
        67,
        69,
        67,
        65,
        64,
        60,
        67,
        69,
        67,
        65,
        64,
        60,
        60,
        55,
        60,
        60,
        55,
        60,
    ),
)
PITCHES = tuple(sorted({pitch for tune in TUNES for pitch in tune}))
WRITTEN_NOTES = 24

USES = {
    "dream": ("dream",),
    "style": ("style",),
    "melody": ("compose", "song", "melody"),
}
"""What artists use the loop for, and which kinds of works in the gallery came of it."""

OWN_SIDE, OWN_CROPS, MOST_OWN = 16, 240, 8
DREAM_SIDE = 192
TURN = 0.045
"""Seconds of training between two drawings."""
OWN_LAYERS = ("blocks.0", "blocks.1", "blocks.2", "classes")


@dataclass(frozen=True)
class Three:
    """The three uses as they run: each is one descent, and what it changes is there to be looked at."""

    prices: Tensor
    price_steps: Generator[Step, None, Ending]
    melody: SequenceNetwork
    melody_steps: Generator[Report, None, Fitted]
    dream: SmallDream
    price_losses: tuple[float, ...] = ()
    melody_losses: tuple[float, ...] = ()
    notes: tuple[int, ...] = ()

    @property
    def done(self) -> int:
        return len(self.price_losses)


@dataclass(frozen=True)
class Own:
    """The visitor's own network. seen, held_out: what it learns from and is tried on. right: share of the
    held out, epoch by epoch.

    epoch: of epochs. weights: the first digits of the sha256 of its weights as they are; dreamt_with: of
    those the dream was made with.
    """

    seen: Examples
    held_out: Examples
    network: PictureClassifier
    fitting: Generator[Report, None, Fitted] | None
    losses: tuple[float, ...] = ()
    right: tuple[float, ...] = ()
    epochs: int = 6
    weights: str = ""
    dream: SmallDream | None = None
    dreamt_with: str = ""


@dataclass(frozen=True)
class State:
    """The visitor's place. three and own are made when their part is first shown. found: the newest work of
    each use in the gallery.

    pictures: the visitor's own, to learn from, each [h, w, 3]. ground: the one to dream on, if it is theirs.
    """

    settings: dict[str, Any]
    found: dict[str, Work]
    works: int
    three: Three | None = None
    own: Own | None = None
    pictures: tuple[Pixels, ...] = ()
    ground: Pixels | None = None
    playing: bool = False
    sounds: tuple[Sound, ...] = ()
    files: tuple[File, ...] = ()
    visit: Visit | None = None
    said: str = ""
    mood: str = "plain"


def begin(settings: Mapping[str, Any]) -> State:
    """The chosen part, before its first step."""
    works, found = newest_works()
    return _shown(State(dict(settings), found, works))


def _shown(state: State) -> State:
    """With what the chosen part needs."""
    part = state.settings["part"]
    if part == PARTS[0] and state.three is None:
        return replace(state, three=_three(int(state.settings["seed"])))
    if part == PARTS[1] and state.own is None:
        return replace(state, own=_own(state))
    return state


def newest_works() -> tuple[int, dict[str, Work]]:
    """How many works the gallery has, and the newest one of each use that has a loss curve. A gallery is not
    made for looking into it.
    """
    from studio.errors import StudioError
    from studio.works.gallery import Gallery
    from studio.works.home import home

    if not os.environ.get("STUDIO_DATABASE") and not (home() / "gallery.sqlite").is_file():
        return 0, {}
    try:
        with Gallery.open() as gallery:
            found = {}
            for use, kinds in USES.items():
                works = [
                    work
                    for kind in kinds
                    for work in gallery.find(kind=kind, limit=12)
                    if len(work.losses) > 1
                ]
                if works:
                    found[use] = max(works, key=lambda work: work.made_at)
            return gallery.count(), found
    except StudioError:
        return 0, {}


def act(state: State, event: Event) -> State:
    """Run, hear, train, dream, bring pictures, keep."""
    state = replace(state, sounds=(), files=(), visit=None)
    match event.name:
        case "set":
            return _set(state, event.knob, event.value)
        case "reset":
            works, found = newest_works()
            fresh = State(state.settings, found, works, pictures=state.pictures, ground=state.ground)
            return _shown(fresh)
        case "learn" | "ground":
            return _brought(state, event)
        case "hear":
            return _hear(state)
        case "save":
            return _saved(state)
        case "travel":
            return _travelled(state)
        case "again":
            return _dream_anew(state)
    part = state.settings["part"]
    if part == PARTS[2]:
        return (
            replace(state, playing=False, said="Nothing runs here: choose what the sources allow.")
            if event.name == "play"
            else state
        )
    match event.name:
        case "play" if state.playing:
            return replace(state, playing=False)
        case "play" | "advance" | "step":
            going = event.name == "play" or (state.playing and event.name == "advance")
            if event.name == "advance" and not state.playing:
                return state
            state = replace(state, playing=going, said="", mood="plain")
            return _three_on(state) if part == PARTS[0] else _own_on(state)
    return state


def _set(state: State, knob: str, value: Any) -> State:
    state = replace(state, settings=state.settings | {knob: value}, said="", mood="plain")
    if knob == "part":
        return _shown(replace(state, playing=False))
    if knob == "seed":
        return _shown(replace(state, three=None, own=None, playing=False))
    if knob in ("learn_from", "speckle"):
        return _shown(replace(state, own=None, playing=False))
    if knob in ("layer", "digit", "on") and state.own is not None:
        return replace(
            state, own=replace(state.own, dream=None), playing=state.playing and state.own.fitting is not None
        )
    return state


# One loop, three uses


def _three(seed: int) -> Three:
    """Prices from totals, the next note from the notes before, and pixels towards what a layer sees."""
    import torch

    from studio.images.networks.opening import open_network
    from studio.images.objectives import layer
    from studio.images.recipes import DreamRecipe
    from studio.learning.datasets import Sequences
    from studio.learning.descent import descend
    from studio.learning.networks import Recurrent
    from studio.learning.rules import GradientDescent, delta_rule
    from studio.learning.training import Plan, fit
    from studio.lessons.small_dreams import SmallDream, sample

    meals = read_menu(MENUS["everyday"], 0.0, 0)
    portions = torch.tensor([meal.portions for meal in meals], dtype=torch.float64)
    totals = torch.tensor([meal.total for meal in meals], dtype=torch.float64)
    prices = torch.full((len(FOODS),), 0.2, dtype=torch.float64)
    price_steps = descend(
        [prices], lambda: delta_rule(prices, portions, totals), GradientDescent(PRICE_RATE), steps=STEPS
    )

    melody: Any = Recurrent(
        tokens=len(PITCHES), embedding=12, hidden=32, outputs=len(PITCHES), seed=seed
    ).build()
    tunes = Sequences.predicting_next(
        [torch.tensor([PITCHES.index(pitch) for pitch in tune]) for tune in TUNES]
    )
    melody_steps = fit(melody, tunes, Plan(rate=0.02, epochs=STEPS, batch=len(TUNES), device="cpu"))

    # Two octaves at this size: as many steps as the others take.
    recipe = DreamRecipe(octaves=12, steps=STEPS // 2, coarse_first=0.0, jitter=16, seed=seed)
    dream = SmallDream(
        sample("pagoda", LOOP_SIDE), open_network(DEFAULT, (DREAM_LAYER,))[0], layer(DREAM_LAYER), recipe
    )
    return Three(prices, price_steps, melody, melody_steps, dream, notes=continued(melody))


def continued(melody: SequenceNetwork, start: int = 60) -> tuple[int, ...]:
    """What the melody network writes now, always taking the likeliest next note, from a first one: MIDI
    numbers.
    """
    import torch

    notes, memory = [PITCHES.index(start)], None
    with torch.no_grad():
        for _ in range(WRITTEN_NOTES - 1):
            said, memory = melody.following(torch.tensor([[notes[-1]]]), memory)
            notes.append(int(said[0, -1].argmax()))
    return tuple(PITCHES[note] for note in notes)


def _three_on(state: State) -> State:
    """One step of each."""
    three = state.three
    assert three is not None
    if three.done >= STEPS:
        return replace(
            state, playing=False, said="All three have arrived. Start again runs them anew.", mood="good"
        )
    price, report = next(three.price_steps), next(three.melody_steps)
    if three.dream.burst or (len(three.dream.losses) < three.dream.steps and not three.dream.go_on()):
        return replace(state, playing=False, said=three.dream.burst, mood="bad")
    three = replace(
        three,
        price_losses=(*three.price_losses, price.loss),
        melody_losses=(*three.melody_losses, report.loss),
        notes=continued(three.melody.eval()),
    )
    if three.done == STEPS:
        prices = (
            "the prices are found, "
            if max(abs(float(p) - t) for p, t in zip(three.prices, TRUE_PRICES, strict=True)) < 0.2
            else ""
        )
        said = f"{STEPS} steps of one loop: {prices}a tune is learnt, a photo dreams. Press Hear the melody."
        return replace(state, three=three, playing=False, said=said, mood="good")
    return replace(state, three=three)


def _hear(state: State) -> State:
    state = replace(_shown(replace(state, settings=state.settings | {"part": PARTS[0]})), playing=False)
    assert state.three is not None
    sounds = tuple(
        Sound(pitch, 0.32, 0.4, after=0.28 * number) for number, pitch in enumerate(state.three.notes)
    )
    return replace(
        state,
        sounds=sounds,
        said=f"What the network writes after {state.three.done} steps of learning two tunes.",
    )


# A network of one's own


def _own(state: State) -> Own:
    import torch

    from studio.learning.datasets import Examples, load
    from studio.learning.networks import Convolutional
    from studio.learning.training import Plan, fit

    seed, speckle = int(state.settings["seed"]), float(state.settings["speckle"])
    if state.settings["learn_from"] == "digits":
        seen, held_out = load("digits").split(0.25, seed)
    else:
        seen, held_out = crops(state.pictures, seed).split(0.25, seed)
    dice = torch.Generator().manual_seed(seed)
    copies = [
        seen.inputs + speckle * torch.randn(seen.inputs.shape, generator=dice)
        for _ in range(2 if speckle else 1)
    ]
    speckled = Examples(torch.cat(copies), seen.targets.repeat(len(copies)), classes=seen.classes)
    shape: Any = tuple(seen.inputs.shape[1:])
    network: Any = Convolutional(
        shape=shape, classes=len(seen.classes), channels=(24, 48, 64), seed=seed
    ).build()
    plan = Plan(epochs=Own.epochs, rate=0.003, batch=64, seed=seed, device="cpu")
    return Own(
        seen, held_out, network, fit(network, speckled, plan, every_step=True), weights=digest(network)
    )


def crops(pictures: Sequence[Pixels], seed: int) -> Examples:
    """Small pieces of pictures, each labelled with the picture it is from: what there is to learn from a few
    pictures without labels.

    With fewer than two pictures, the studio's samples stand in for the rest.
    """
    import torch

    from studio.learning.datasets import Examples
    from studio.lessons.small_dreams import sample

    stand_ins = [sample("dahlia", 128), sample("pagoda", 128)]
    names = [f"picture {number + 1}" for number in range(len(pictures))]
    names += ["dahlia", "pagoda"][: max(0, 2 - len(pictures))]
    shown = [*pictures, *stand_ins[: max(0, 2 - len(pictures))]]
    dice = np.random.default_rng(seed)
    pieces, targets = [], []
    for number, pixels in enumerate(shown):
        for _ in range(OWN_CROPS):
            top, left = (int(dice.integers(0, size - OWN_SIDE + 1)) for size in pixels.shape[:2])
            piece = pixels[top : top + OWN_SIDE, left : left + OWN_SIDE]
            pieces.append(piece[:, ::-1] if dice.random() < 0.5 else piece)
            targets.append(number)
    inputs = torch.from_numpy(np.stack(pieces).transpose(0, 3, 1, 2).copy()).float() / 255
    return Examples(inputs, torch.tensor(targets), classes=tuple(names))


def digest(network: Any) -> str:
    """The first eight digits of the sha256 of all weights, in the order of their names."""
    total = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        total.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()[:8]


def _own_on(state: State) -> State:
    own = state.own
    assert own is not None
    if own.fitting is not None:
        return _train(state, own)
    if own.dream is None:
        own = _dreaming(state, own)
    dream = own.dream
    assert dream is not None
    if len(dream.losses) < dream.steps and dream.go_on():
        state = replace(state, own=own)
    if dream.burst:
        return replace(state, own=own, playing=False, said=dream.burst, mood="bad")
    if len(dream.losses) >= dream.steps:
        said = "That is all this network knows of the world. Try another layer, or train it on pictures of your own."
        return replace(state, own=own, playing=False, said=said, mood="good")
    return replace(state, own=own)


def _train(state: State, own: Own) -> State:
    from studio.learning.training import evaluate

    began, losses, right = time.perf_counter(), list(own.losses), list(own.right)
    fitting = own.fitting
    assert fitting is not None
    while True:
        report = next(fitting)
        losses.append(report.loss if not losses else 0.9 * losses[-1] + 0.1 * report.loss)
        if report.figures is not None or report.ending is not None:
            judged = evaluate(own.network, own.held_out, metrics=("accuracy",))
            right.append(judged.metrics["accuracy"])
        if report.ending is not None:
            own = replace(
                own,
                fitting=None,
                losses=tuple(losses),
                right=tuple(right),
                weights=digest(own.network),
                dream=None,
            )
            if report.ending.kind == "diverged":
                return replace(state, own=own, playing=False, said=report.ending.sentence, mood="bad")
            said = f"It has learnt: {right[-1]:.1%} of what it never saw is right. Press Play once more, and it dreams with these weights."
            return replace(state, own=own, playing=False, said=said, mood="good")
        if time.perf_counter() - began > TURN:
            own = replace(own, losses=tuple(losses), right=tuple(right), weights=digest(own.network))
            return replace(state, own=own)


def objective(layer_name: str, number: int) -> Any:
    """What the own network's dream makes stronger: a whole layer, or with "classes" how sure it is of one
    class, everywhere.
    """
    import torch

    from studio.images.objectives import layer

    if layer_name != "classes":
        return layer(layer_name)

    def sure(seen: Mapping[str, Tensor]) -> Tensor:
        return torch.log_softmax(seen["classes"], dim=1)[:, number].mean()

    return sure


def _ground(state: State) -> Pixels:
    from studio.lessons.small_dreams import noise, sample

    on = str(state.settings["on"])
    if on == "my picture" and state.ground is not None:
        return state.ground
    if on == "noise":
        return noise(DREAM_SIDE * 2 // 3, DREAM_SIDE, int(state.settings["seed"]))
    return sample("dahlia" if on == "dahlia" else "pagoda", DREAM_SIDE)


def _dreaming(state: State, own: Own) -> Own:
    from studio.images.networks.own_eyes import own_eyes
    from studio.images.recipes import DreamRecipe
    from studio.lessons.small_dreams import SmallDream

    layer = str(state.settings["layer"])
    number = min(int(state.settings["digit"]), len(own.seen.classes) - 1)
    recipe = DreamRecipe(
        octaves=12,
        steps=24,
        step_size=0.014,
        hold=0.02,
        jitter=8,
        colour=0.4,
        seed=int(state.settings["seed"]),
    )
    dream = SmallDream(_ground(state), own_eyes(own.network, (layer,)), objective(layer, number), recipe)
    weights = digest(own.network)
    return replace(own, dream=dream, dreamt_with=weights, weights=weights)


def _dream_anew(state: State) -> State:
    state = _shown(replace(state, settings=state.settings | {"part": PARTS[1]}, said="", mood="plain"))
    assert state.own is not None
    if state.own.fitting is not None:
        # Before it has learnt anything is worth a look as well: the loop is the same, only nothing is known
        # yet.
        said = "It dreams with what it has learnt so far. Press Play to let it learn on."
        return replace(_own_dream_step(state), playing=False, said=said)
    return replace(state, own=_dreaming(state, state.own), playing=True)


def _own_dream_step(state: State) -> State:
    own = state.own
    assert own is not None
    own = _dreaming(state, own)
    assert own.dream is not None
    own.dream.go_on(min(24, own.dream.steps))
    return replace(state, own=own)


def _brought(state: State, event: Event) -> State:
    from studio.images.pictures import fit_within, read_picture, resize

    pixels = read_picture(event.content, event.text or "The picture").pixels
    side = 128 if event.name == "learn" else DREAM_SIDE
    height, width = fit_within(pixels.shape[0], pixels.shape[1], side)
    if min(height, width) < OWN_SIDE * 2:
        raise Refused(
            f"{event.text or 'The picture'} is too narrow to cut pieces from; choose one less long and thin."
        )
    small = resize(pixels, height, width)
    if event.name == "ground":
        settings = state.settings | {"on": "my picture", "part": PARTS[1]}
        state = _shown(
            replace(
                state, settings=settings, ground=small, said="It will dream on this picture.", mood="plain"
            )
        )
        assert state.own is not None
        return replace(state, own=replace(state.own, dream=None))
    if len(state.pictures) >= MOST_OWN:
        raise Refused(
            f"{MOST_OWN} pictures are enough to tell apart; press Start again in a new window for others."
        )
    settings = state.settings | {"learn_from": "my pictures", "part": PARTS[1]}
    state = replace(state, settings=settings, pictures=(*state.pictures, small), own=None, playing=False)
    count = len(state.pictures)
    said = f"{count} picture{'s' if count > 1 else ''} of yours. It learns which one a small piece is from. Add more, or press Play."
    return _shown(replace(state, said=said, mood="plain"))


def _saved(state: State) -> State:
    from studio.images.pictures import write_png

    own = state.own
    if own is None or not own.losses:
        return replace(state, said=NOTHING_YET, mood="bad")
    files = [_own_file(state, own)]
    if own.dream is not None:
        files.append(File("dream.png", write_png(own.dream.pixels()), "image/png"))
    return replace(
        state,
        files=tuple(files),
        said="Kept: the network with its card" + (", and its dream." if own.dream else "."),
        mood="good",
    )


def _travelled(state: State) -> State:
    """To the Dream tab, with the network as it is now."""
    own = state.own
    if own is None or not own.losses:
        return replace(state, said=NOTHING_YET, mood="bad")
    layer = str(state.settings["layer"])
    term = (
        f"classes:{min(int(state.settings['digit']), len(own.seen.classes) - 1)}"
        if layer == "classes"
        else layer
    )
    visit = Visit("Dream", TAB_SETTINGS, _own_file(state, own), (term,))
    said = f"The Dream tab has your network (weights {digest(own.network)}…): choose a photo there and press Dream."
    return replace(state, playing=False, visit=visit, said=said, mood="good")


NOTHING_YET = "There is no network of yours yet: choose the part 'my network dreams' and press Play."

TAB_SETTINGS = {
    "preset": None,
    "size": 512,
    "octaves": 5,
    "steps": 16,
    "step_size": 0.01,
    "hold": 0.05,
    "colour": 0.4,
    "jitter": 8,
}
"""What suits a network that was trained on small pictures."""


def _own_file(state: State, own: Own) -> File:
    """The network with its card."""
    from studio.learning.checkpoints import Card
    from studio.learning.datasets import DataSource

    digits = state.settings["learn_from"] == "digits"
    origin = (
        own.seen.origin
        if digits
        else DataSource(name="pictures of one's own", source="given in the lesson", licence="their makers'")
    )
    assert origin is not None
    card = Card(
        name="dreamer",
        what="Tells handwritten digits apart." if digits else "Tells which picture a small piece is from.",
        data=(origin,),
        command="Train it again in the lesson Derivative works.",
        figures={"right on what was held out": own.right[-1] if own.right else 0.0},
        classes=own.seen.classes,
    )
    return packed(own.network, card)


# Whose work is it?


@dataclass(frozen=True)
class Licence:
    """What a licence says of adaptations, in short. share, sell: whether they may be. credit, alike: what
    they must bring along.
    """

    name: str
    share: bool
    sell: bool
    credit: bool
    alike: bool
    sentence: str


LICENCES = {
    licence.name: licence
    for licence in (
        Licence("my own work", True, True, False, False, "Yours: you decide."),
        Licence(
            "public domain",
            True,
            True,
            False,
            False,
            "Free for all. Naming the author is good manners, in some countries a duty.",
        ),
        Licence(
            "CC0",
            True,
            True,
            False,
            False,
            "Its maker gave up all rights as far as the law lets them. Credit is good manners.",
        ),
        Licence(
            "CC BY",
            True,
            True,
            True,
            False,
            "Name title, author, source and licence, and say that you changed it.",
        ),
        Licence(
            "CC BY-SA",
            True,
            True,
            True,
            True,
            "As CC BY, and what you make of it is passed on under CC BY-SA.",
        ),
        Licence(
            "CC BY-NC", True, False, True, False, "As CC BY, but not for commercial advantage or payment."
        ),
        Licence(
            "CC BY-ND",
            False,
            False,
            True,
            False,
            "May be passed on unchanged. What you make of it stays with you, unless you are allowed.",
        ),
        Licence(
            "all rights reserved",
            False,
            False,
            True,
            False,
            "Ask. Without permission, what you make of it stays with you.",
        ),
    )
}
"""After the deeds of Creative Commons 4.0, creativecommons.org/licenses."""


@dataclass(frozen=True)
class Verdict:
    """What a work made from several sources may be. licence: under which it can be passed on; why: a
    sentence.
    """

    share: bool
    sell: bool
    credit: bool
    licence: str
    why: str


def verdict(sources: Sequence[Licence]) -> Verdict:
    """What the sources' licences leave for a work that adapts all of them.

    After Creative Commons' chart of what may be remixed (FAQ, "Can I combine material under different
    Creative Commons licenses?").
    """
    closed = [source for source in sources if not source.share]
    alike = any(source.alike for source in sources)
    not_sold = [source for source in sources if source.share and not source.sell]
    credit = any(source.credit for source in sources)
    if closed:
        return Verdict(
            False,
            False,
            credit,
            "none, without permission",
            f"'{closed[0].name}' does not let adaptations be passed on.",
        )
    if alike and not_sold:
        why = "One source wants the result to be CC BY-SA, which allows sale; the other forbids it. Both cannot be kept in one work."
        return Verdict(False, False, credit, "none, without permission", why)
    if alike:
        return Verdict(True, True, credit, "CC BY-SA", "Share alike: the result carries the same licence.")
    if not_sold:
        return Verdict(
            True,
            False,
            credit,
            "CC BY-NC or CC BY-NC-SA",
            "Passed on freely, with credit, but not for commercial advantage.",
        )
    if credit:
        return Verdict(
            True,
            True,
            True,
            "one that keeps the credit, such as CC BY",
            "With the credit, you may even sell it.",
        )
    return Verdict(
        True,
        True,
        False,
        "any you like, CC0 too",
        "Nothing is asked of you. Say all the same what it is made from.",
    )


def credit_line(settings: Mapping[str, Any]) -> str:
    """The credit for the photo, as it would stand under the work."""
    licence = str(settings["first"])
    title, author = (
        str(settings["title"]).strip() or "untitled",
        str(settings["author"]).strip() or "an unknown author",
    )
    if licence == "my own work":
        return f"From my own picture “{title}”."
    if licence == "all rights reserved":
        return f"After “{title}” by {author}, with permission (once you have it); changed."
    return f"After “{title}” by {author}, {licence}{', with a link to the licence' if licence.startswith('CC') else ''}; changed."


# Drawing


def draw(state: State) -> Scene:
    """The chosen part."""
    if state.settings["part"] == PARTS[0]:
        scene = _draw_three(state)
    elif state.settings["part"] == PARTS[1]:
        scene = _draw_own(state)
    else:
        scene = _draw_rights(state)
    kept = {name: state.settings[name] for name in ("part", "learn_from", "on")}
    return replace(
        scene,
        says=state.said or scene.says,
        mood=state.mood if state.said else scene.mood,
        playing=state.playing,
        values=kept,
        away=_away(str(state.settings["part"])),
        sounds=state.sounds,
        files=state.files,
        visit=state.visit,
    )


def _away(part: str) -> tuple[str, ...]:
    """The controls that mean nothing in this part."""
    groups = tuple(group for of, group in zip(PARTS[1:], GROUPS, strict=True) if of != part)
    pushes = {PARTS[0]: (), PARTS[1]: ("hear",), PARTS[2]: ("play", "step", "hear")}[part]
    return groups + pushes


THIRD = 1.42


def _draw_three(state: State) -> Scene:
    three = state.three
    assert three is not None
    dream = three.dream
    curves = (
        _curve("prices_loss", "Prices: error falls", three.price_losses, 62.0, "½ Σ (t − y)²"),
        _curve("melody_loss", "Melody: surprise falls", three.melody_losses, 2.6, "nats a note"),
        _curve(
            "dream_rise",
            "Dream: sight rises",
            dream.losses,
            max(0.1, *dream.losses, 0.1) * 1.08,
            "mean square",
        ),
    )
    hung = ", ".join(f"{use}: {work.title}" for use, work in state.found.items())
    if hung:
        gallery = f"Below, real works of this gallery, the newest of each kind: {hung}."
    elif state.works:
        gallery = f"The gallery has {state.works} works, but none with a curve to show; make a dream, and it hangs below."
    else:
        gallery = "The gallery is empty: nothing has been made here yet. These three are small ones, run live instead."
    says = (
        f"Press Play: three descents, step by step. {gallery}"
        if not three.done
        else f"Step {three.done} of {STEPS}. {gallery}"
    )
    return Scene(
        figures=(
            _price_bars(three),
            _notes_figure(three),
            _loop_dream(three),
            *curves,
            _gallery_figure(state.found),
        ),
        numbers={
            "step": f"{three.done} of {STEPS}",
            "prices' error": written(three.price_losses[-1], 3) if three.done else "–",
            "melody's surprise": written(three.melody_losses[-1], 3) if three.done else "–",
            "dream": written(dream.losses[-1], 3) if dream.losses else "–",
            "works in the gallery": str(state.works),
        },
        says=says,
        columns=(1, 1, 1),
    )


def _price_bars(three: Three) -> Figure:
    prices = [float(price) for price in three.prices]
    marks: list[Mark] = [
        Bars((0, 1, 2), prices, colour="one", width=0.5, label=("protein", "carb.", "salad"))
    ]
    marks += [
        Line((i - 0.36, i + 0.36), (true, true), colour="two", width=3) for i, true in enumerate(TRUE_PRICES)
    ]
    text = (
        ", ".join(f"{food} {price:.3f}" for food, price in zip(FOODS, prices, strict=True))
        + " dollars; true are 1.5, 0.5 and 1.0."
    )
    return Figure("prices", "Three prices change", (-0.6, 2.6), (0, 2), tuple(marks), text, aspect=THIRD)


def _notes_figure(three: Three) -> Figure:
    notes = three.notes
    low, high = PITCHES[0] - 1.5, PITCHES[-1] + 1.5
    marks: tuple[Mark, ...] = (
        Line(
            [x for i in range(len(notes)) for x in (i, i + 0.85)],
            [pitch for pitch in notes for _ in range(2)],
            colour="faint",
            width=1,
        ),
        *(Line((i, i + 0.85), (pitch, pitch), colour="one", width=6) for i, pitch in enumerate(notes)),
    )
    text = "Notes as MIDI numbers: " + " ".join(map(str, notes)) + "."
    title = "Weights change: a tune"
    return Figure("melody", title, (-0.5, WRITTEN_NOTES + 0.5), (low, high), marks, text, aspect=THIRD)


def _loop_dream(three: Three) -> Figure:
    from studio.lessons.small_dreams import jpeg_url

    pixels = three.dream.pixels()
    extent = _centred(pixels, THIRD)
    marks = (
        Picture(jpeg_url(pixels), extent, text=f"A photo after {len(three.dream.losses)} steps of dreaming"),
    )
    text = f"A photo of a pagoda after {len(three.dream.losses)} steps towards what {DREAM_LAYER} sees."
    return Figure("dream", "Pixels change", (0, 1), (0, 1), marks, text, aspect=THIRD, axes=False)


def _centred(pixels: Pixels, aspect: float) -> tuple[float, float, float, float]:
    """Where a picture lies in a figure of that aspect from 0 to 1, whole and undistorted."""
    own = pixels.shape[1] / pixels.shape[0]
    if own < aspect:
        edge = (1 - own / aspect) / 2
        return (edge, 1 - edge, 0.0, 1.0)
    edge = (1 - aspect / own) / 2
    return (0.0, 1.0, edge, 1 - edge)


def _curve(name: str, title: str, losses: Sequence[float], top: float, label: str) -> Figure:
    marks: tuple[Mark, ...] = (
        Line(range(1, len(losses) + 1), list(losses), colour="accent", fill=True),
        Points([len(losses)] if losses else [], list(losses[-1:]), colour="accent"),
    )
    top = max(top, max(losses, default=0.0) * 1.05)
    text = (
        f"From {written(losses[0], 3)} to {written(losses[-1], 3)} in {len(losses)} steps."
        if losses
        else "No step yet."
    )
    return Figure(name, title, (0, STEPS), (0, top), marks, text, x_label="step", y_label=label, aspect=THIRD)


def _gallery_figure(found: Mapping[str, Work]) -> Figure:
    """The curves of real works, each stretched from its beginning to its end and from its lowest value to its
    highest.
    """
    title = "From this gallery: the curves of real works, each on its own scale"
    if not found:
        words = "No work with a curve in the gallery yet"
        marks: tuple[Mark, ...] = (Words([0.5], [0.5], [words], colour="faint"),)
        return Figure("gallery", title, (0, 1), (0, 1), marks, f"{words}.", aspect=4.2, axes=False, wide=True)
    drawn: list[Mark] = []
    told = []
    for number, (use, work) in enumerate(found.items()):
        losses = [loss for loss in work.losses if math.isfinite(loss)]
        low, high = min(losses), max(losses)
        heights = [(loss - low) / max(high - low, 1e-12) for loss in losses]
        colour = ("one", "two", "three")[number]
        drawn.append(Line(np.linspace(0, 1, len(losses)), heights, colour=colour, width=1.8))
        drawn.append(
            Words(
                [0.01 + number / 3],
                [1.13],
                [f"{use}: {work.title[:26]}"],
                colour=colour,
                size=12,
                anchor="start",
            )
        )
        way = "rises" if losses[-1] > losses[0] else "falls"
        told.append(
            f"{use}, “{work.title}”: {way} from {written(losses[0], 3)} to {written(losses[-1], 3)} in {len(losses)} steps"
        )
    return Figure(
        "gallery",
        title,
        (0, 1),
        (0, 1.25),
        tuple(drawn),
        ". ".join(told) + ".",
        x_label="from the first step to the last",
        aspect=4.2,
        wide=True,
    )


def _draw_own(state: State) -> Scene:
    own = state.own
    assert own is not None
    epoch = len(own.right)
    if own.fitting is not None:
        kind = (
            "1,797 handwritten digits"
            if state.settings["learn_from"] == "digits"
            else "pieces of your pictures"
        )
        says = (
            f"Press Play: the network learns to tell {kind} apart. Then it dreams."
            if not own.losses
            else f"Learning, epoch {epoch + 1}."
        )
    elif own.dream is None:
        says = "It has learnt. Press Play, and it dreams with these weights."
    else:
        says = f"Step {len(own.dream.losses)} of {own.dream.steps}: the same loop, the pixels now, upwards."
    return Scene(
        figures=(_own_examples(own), _own_dream(state, own), _own_learning(own), _own_rise(own)),
        numbers={
            "learnt": f"{epoch} of {own.epochs} epochs",
            "right on what it never saw": f"{own.right[-1]:.1%}" if own.right else "–",
            "its weights": own.weights,
            "the dream was made with": own.dreamt_with if own.dream is not None else "–",
        },
        says=says,
        columns=(2, 3),
    )


def _own_examples(own: Own) -> Figure:
    from studio.lessons.small_dreams import png_url

    across, down = 10, 5
    inputs, targets = own.seen.inputs, own.seen.targets
    classes = len(own.seen.classes)
    side = inputs.shape[-1]
    sheet = np.full((down * (side + 1) - 1, across * (side + 1) - 1, 3), 26, np.uint8)
    for column in range(across):
        those = np.flatnonzero(targets.numpy() == column % classes)
        for row in range(down):
            place = those[(row + column // classes * down) % len(those)]
            piece = np.broadcast_to(
                (inputs[place].numpy().transpose(1, 2, 0) * 255).astype(np.uint8), (side, side, 3)
            )
            sheet[
                row * (side + 1) : row * (side + 1) + side, column * (side + 1) : column * (side + 1) + side
            ] = piece
    aspect = 2.05
    marks = (
        Picture(png_url(sheet), _centred(sheet, aspect), pixelated=True, text="Some of what it learns from"),
    )
    title = f"It learns from {len(own.seen):,} pictures"
    text = (
        f"{len(own.seen)} pictures of {side} by {side} px in {classes} classes: {', '.join(own.seen.classes)}. "
        f"{len(own.held_out)} more are held out."
    )
    return Figure("examples", title, (0, 1), (0, 1), marks, text, aspect=aspect, axes=False)


def _own_learning(own: Own) -> Figure:
    steps = max(1, own.epochs * math.ceil(len(own.seen) * 2 / 64))
    marks: list[Mark] = [Line(range(1, len(own.losses) + 1), own.losses, colour="accent", fill=True)]
    top = max(2.6, max(own.losses, default=0.0) * 1.05)
    text = (
        f"Wrongness from {written(own.losses[0], 3)} to {written(own.losses[-1], 3)}."
        if own.losses
        else "It has not learnt yet."
    )
    right = max(steps, len(own.losses))
    return Figure(
        "learning",
        "Learning: wrongness falls",
        (0, right),
        (0, top),
        tuple(marks),
        text,
        x_label="step (weights)",
        aspect=1.75,
    )


def _own_dream(state: State, own: Own) -> Figure:
    from studio.lessons.small_dreams import jpeg_url

    pixels = _ground(state) if own.dream is None else own.dream.pixels()
    aspect = 1.5
    marks = (Picture(jpeg_url(pixels, 92), _centred(pixels, aspect), text="What the network dreams"),)
    done = 0 if own.dream is None else len(own.dream.losses)
    layer = str(state.settings["layer"])
    what = layer
    if layer == "classes":
        what = (
            f"“{own.seen.classes[min(int(state.settings['digit']), len(own.seen.classes) - 1)]}” everywhere"
        )
    text = f"A picture after {done} steps towards {what}, as this network knows it."
    return Figure(
        "dream", f"What it dreams of: {what}", (0, 1), (0, 1), marks, text, aspect=aspect, axes=False
    )


def _own_rise(own: Own) -> Figure:
    losses = [] if own.dream is None else own.dream.losses
    steps = 72 if own.dream is None else own.dream.steps
    low, high = min(losses, default=0.0), max(losses, default=1.0)
    room = max(high - low, 0.1) * 0.08
    marks: tuple[Mark, ...] = (Line(range(1, len(losses) + 1), losses, colour="two"),)
    text = (
        f"From {written(losses[0], 3)} to {written(losses[-1], 3)} in {len(losses)} steps."
        if losses
        else "It has not dreamt yet."
    )
    return Figure(
        "rise",
        "Dreaming: what it sees rises",
        (0, steps),
        (low - room, high + room),
        marks,
        text,
        x_label="step (pixels)",
        aspect=2.6,
    )


def _draw_rights(state: State) -> Scene:
    first, second = LICENCES[str(state.settings["first"])], LICENCES[str(state.settings["second"])]
    said = verdict((first, second))
    yes = {True: "yes", False: "no"}
    rows = tuple(
        (
            f"{role}: {licence.name}",
            yes[licence.share],
            yes[licence.sell],
            yes[licence.credit],
            licence.name if licence.alike else "free",
        )
        for role, licence in (("photo", first), ("style or guide", second))
    )
    rows = (*rows, ("what you make of both", yes[said.share], yes[said.sell], yes[said.credit], said.licence))
    columns = ("source", "adapt and pass on", "sell", "credit needed", "licence of what is made")
    tables = [Table("In short; the licence's own text decides", columns, rows, 2), _sources_table(state)]
    return Scene(
        figures=(_flow_figure(first, second, said),),
        tables=tuple(table for table in tables if table is not None),
        numbers={
            "may be passed on": yes[said.share],
            "may be sold": yes[said.sell],
            "credit": "needed" if said.credit else "good manners",
            "under": said.licence,
        },
        says=f"{said.why} This is a map for artists, not legal advice: laws differ from country to country.",
        mood="plain" if said.share else "bad",
    )


def _flow_figure(first: Licence, second: Licence, said: Verdict) -> Figure:
    colour = "good" if said.share and said.sell else "accent" if said.share else "bad"
    answer = "keep it, or ask" if not said.share else "pass it on" + ("" if said.sell else ", not for sale")
    marks: tuple[Mark, ...] = (
        Words([0.17], [0.93], ["photo"], colour="faint", size=11.5),
        Words([0.17], [0.83], [first.name], size=14),
        Words([0.17], [0.33], ["style or guide"], colour="faint", size=11.5),
        Words([0.17], [0.23], [second.name], size=14),
        Words([0.64], [0.95], ["network, learnt from photos"], colour="faint", size=11.5),
        Arrow((0.22, 0.75), (0.58, 0.61), colour="one"),
        Arrow((0.26, 0.42), (0.58, 0.53), colour="one"),
        Arrow((0.64, 0.88), (0.64, 0.68), colour="faint"),
        Points([0.64], [0.57], colour=colour, size=12),
        Words([0.64], [0.41], ["your work"], colour="faint", size=11.5),
        Words([0.64], [0.29], [answer], colour=colour, size=14),
        Words([0.64], [0.17], [said.licence], colour="faint", size=11),
    )
    text = (
        f"From a photo ({first.name}) and a style or guide picture ({second.name}): {answer}. Licence: {said.licence}. {said.why} "
        "The network learnt from many photos; whether that makes their makers part of your work is being argued in courts."
    )
    return Figure(
        "rights",
        "From the sources to your work",
        (0, 1),
        (0, 1),
        marks,
        text,
        aspect=2.3,
        axes=False,
        wide=True,
    )


def _sources_table(state: State) -> Table | None:
    """The sources of the newest work in the gallery, as its recipe names them, and the credit line for the
    choice above.
    """
    import json

    rows = [("the line for your choice", credit_line(state.settings), "")]
    work = max(state.found.values(), key=lambda each: each.made_at, default=None)
    if work is not None:
        for source in json.loads(work.recipe_json).get("sources", [])[:8]:
            named = source.get("title") or source.get("name") or "untitled"
            author = source.get("author") or "author not named"
            rows.append(
                (
                    f"in “{work.title[:30]}”: {source.get('role', '')}",
                    f"“{named}” by {author}",
                    source.get("licence") or "no licence noted",
                )
            )
    return Table("Credit, as it would stand under the work", ("for", "credit", "licence"), tuple(rows))


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """The three descents side by side, every ninth step."""
    state = begin(dict(settings) | {"part": PARTS[0]})
    for _ in range(STEPS):
        state = _three_on(state)
    three = state.three
    assert three is not None
    rows = tuple(
        (
            str(n),
            written(three.price_losses[n - 1]),
            written(three.melody_losses[n - 1]),
            written(three.dream.losses[n - 1]),
        )
        for n in (1, *range(9, STEPS + 1, 9))
    )
    columns = ("step", "prices: ½ Σ (t − y)²", "melody: nats a note", "dream: mean square")
    yield Table("One loop, three uses: two go down, the dream goes up", columns, rows)
    yield f"Prices {', '.join(f'{float(price):.4f}' for price in three.prices)} dollars; true are 1.5, 0.5 and 1.0."
    yield f"The gallery has {state.works} works."


LESSON: Lesson[State] = Lesson(
    name="derivative_works",
    title="Derivative works",
    question="Is a dream the same thing as learning a price, and whose work is what comes out?",
    first="Press Play and watch three curves. Then choose 'my network dreams', press Play until it has learnt, and once more.",
    notice=(
        "Prices, the weights of a network, the pixels of a photo: whatever can be nudged can be learnt, by the same loop.",
        "Learning goes down a wrongness. Dreaming goes up a liking. Only the sign differs.",
        "A network can only dream of what it was shown. One that saw digits finds pen strokes in a pagoda.",
        "Every work here has sources, a recipe and a maker. Keep them together: the credit is part of the work.",
    ),
    checks=(
        Check(
            "What will happen if the network dreams before it has learnt anything?",
            ("Nothing changes", "It grows random textures", "It dreams of digits all the same"),
            1,
            "The loop needs no knowledge: it makes stronger whatever its random weights answer to. Press Dream anew before Play and see.",
        ),
        Check(
            "You mix a CC BY-SA photo with a CC BY-NC picture. What may you do with the result?",
            ("Sell it with credit", "Share it under CC BY-SA", "Neither, without asking one of the two"),
            2,
            "The first wants a licence that allows sale, the second forbids it. No licence keeps both promises.",
        ),
    ),
    formula=(
        "x ← x − ε ∂L/∂x                     learning: L is a wrongness\n"
        "x ← x + ε ∂a/∂x                     dreaming: a is what a network sees\n\n"
        "x  prices, weights, or pixels        ε  step\n"
        "L  ½ Σ (t − y)², or − log p(next note), or how unlike a style\n"
        "a  mean square of a layer's answers"
    ),
    code="""\
import torch
from studio.learning.descent import descend
from studio.learning.rules import GradientDescent

meals = torch.tensor([[2.0, 5, 3], [1, 2, 4], [4, 1, 1]])
totals = torch.tensor([8.5, 6.5, 7.5])
prices = torch.zeros(3, requires_grad=True)
wrong = lambda: ((totals - meals @ prices) ** 2).sum() / 2
for step in descend([prices], wrong, GradientDescent(0.01), steps=300):
    print(step.number, step.loss)  # prices: down
pixels = torch.rand(3, 3, requires_grad=True)
seen = lambda: pixels.mean(dim=0) @ torch.tensor([-1.0, 2.0, -1.0])
for step in descend([pixels], seen, GradientDescent(0.1), steps=20, maximize=True):
    print(step.number, step.loss)  # light with dark on both sides: up""",
    tab="Gallery",
    use="Every work in the gallery keeps its sources, their licences and its recipe, also inside its file.",
    knobs=(
        Push("play", "Play", "step after step", key="space", main=True),
        Push("step", "Step", "one step", key="s"),
        Push("hear", "Hear the melody", "what the melody network writes now", key="h"),
        Push("reset", "Start again", "all from the beginning; the gallery is looked at anew", key="r"),
        Choice("part", "Part", PARTS, PARTS[0]),
        Choice("learn_from", "It learns from", ("digits", "my pictures"), "digits", group=GROUPS[0]),
        Upload(
            "learn",
            "Add a picture to learn from",
            "image/*",
            "Up to eight. They stay on this machine.",
            group=GROUPS[0],
        ),
        Choice("layer", "It dreams with", OWN_LAYERS, "blocks.2", "A layer, or one class.", group=GROUPS[0]),
        Slide("digit", "Which class", 0, 9, 1, 3, "For classes: which digit.", group=GROUPS[0]),
        Choice("on", "It dreams on", ("pagoda", "dahlia", "noise", "my picture"), "pagoda", group=GROUPS[0]),
        Push(
            "again",
            "Dream anew",
            "from the beginning, with the weights as they are",
            key="d",
            group=GROUPS[0],
        ),
        Push(
            "travel",
            "Dream with it in the Dream tab",
            "your weights, on any photo, at any size",
            group=GROUPS[0],
        ),
        Push("save", "Keep my network", "its weights, its card and its dream", group=GROUPS[0]),
        Upload("ground", "A picture to dream on", "image/*", group=GROUPS[0]),
        Slide(
            "speckle",
            "Speckle while learning",
            0,
            0.6,
            0.1,
            0.3,
            "Noise on what it learns from: strokes grow bolder.",
            group=GROUPS[0],
        ),
        Slide("seed", "Dice", 0, 99, 1, 1, group=GROUPS[0]),
        Choice("first", "The photo is", tuple(LICENCES), "CC BY", group=GROUPS[1]),
        Choice("second", "The style or guide is", tuple(LICENCES), "public domain", group=GROUPS[1]),
        Write("title", "The photo's title", "China", group=GROUPS[1]),
        Write("author", "Its author", "danielbuechele", group=GROUPS[1]),
    ),
    begin=begin,
    act=act,
    draw=draw,
    table=table,
    credits=(
        *SAMPLE_CREDITS,
        *NETWORK_CREDITS,
        "Digits: Optical Recognition of Handwritten Digits (Alpaydin and Kaynak, 1998), CC BY 4.0, as scikit-learn brings them.",
        "Tunes: Beethoven, Ode to Joy; Frère Jacques, traditional. Both in the public domain.",
        "Licences in short after Creative Commons (creativecommons.org). Not legal advice.",
    ),
)
