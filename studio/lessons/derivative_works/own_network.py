"""A network of the visitor's own: trained on digits or on pieces of pictures, then used to dream."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.lessons.derivative_works.model import DREAM_SIDE, DerivativeWorksState, OwnNetwork
from studio.lessons.kit.saving import pack_network
from studio.lessons.kit.scene import File

if TYPE_CHECKING:
    from torch import Tensor

    from studio.images.pictures import Pixels
    from studio.learning.datasets import Examples

OWN_SIDE, OWN_CROPS, MOST_OWN = 16, 240, 8
"""Side of a piece in pixels, pieces cut from each picture, and pictures at most."""
TURN = 0.045
"""Seconds of training between two drawings."""


def begin_own(state: DerivativeWorksState) -> OwnNetwork:
    """A network that has learnt nothing yet, and what it will learn from."""
    import torch

    from studio.learning.datasets import Examples, load
    from studio.learning.networks import Convolutional
    from studio.learning.training import Plan, fit

    seed, speckle = int(state.settings["seed"]), float(state.settings["speckle"])
    if state.settings["learn_from"] == "digits":
        seen, held_out = load("digits").split(0.25, seed)
    else:
        seen, held_out = crops(state.pictures, seed).split(0.25, seed)
    rng = torch.Generator().manual_seed(seed)
    copies = [
        seen.inputs + speckle * torch.randn(seen.inputs.shape, generator=rng)
        for _ in range(2 if speckle else 1)
    ]
    speckled = Examples(torch.cat(copies), seen.targets.repeat(len(copies)), classes=seen.classes)
    shape: Any = tuple(seen.inputs.shape[1:])
    network: Any = Convolutional(
        shape=shape, classes=len(seen.classes), channels=(24, 48, 64), seed=seed
    ).build()
    plan = Plan(epochs=OwnNetwork.epochs, rate=0.003, batch=64, seed=seed, device="cpu")
    return OwnNetwork(
        seen, held_out, network, fit(network, speckled, plan, every_step=True), weights=digest(network)
    )


def crops(pictures: Sequence[Pixels], seed: int) -> Examples:
    """Small pieces of pictures, each labelled with its picture: a way to learn from a few pictures
    without labels.

    With fewer than two pictures, the studio's samples stand in for the missing ones.
    """
    import torch

    from studio.learning.datasets import Examples
    from studio.lessons.shared.pictures import sample

    stand_ins = [sample("dahlia", 128), sample("pagoda", 128)]
    names = [f"picture {number + 1}" for number in range(len(pictures))]
    names += ["dahlia", "pagoda"][: max(0, 2 - len(pictures))]
    shown = [*pictures, *stand_ins[: max(0, 2 - len(pictures))]]
    rng = np.random.default_rng(seed)
    pieces, targets = [], []
    for number, pixels in enumerate(shown):
        for _ in range(OWN_CROPS):
            top, left = (int(rng.integers(0, size - OWN_SIDE + 1)) for size in pixels.shape[:2])
            piece = pixels[top : top + OWN_SIDE, left : left + OWN_SIDE]
            pieces.append(piece[:, ::-1] if rng.random() < 0.5 else piece)
            targets.append(number)
    inputs = torch.from_numpy(np.stack(pieces).transpose(0, 3, 1, 2).copy()).float() / 255
    return Examples(inputs, torch.tensor(targets), classes=tuple(names))


def digest(network: Any) -> str:
    """The first eight digits of the sha256 of all weights, in the order of their names."""
    total = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        total.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()[:8]


def advance_own(state: DerivativeWorksState) -> DerivativeWorksState:
    """Train for a moment or, once that is done, take one step of the dream."""
    own = state.own
    assert own is not None
    if own.fitting is not None:
        return _train(state, own)
    if own.dream is None:
        own = with_dream(state, own)
    dream = own.dream
    assert dream is not None
    if len(dream.losses) < dream.steps and dream.go_on():
        state = replace(state, own=own)
    if dream.failure:
        return replace(state, own=own, playing=False, said=dream.failure, mood="bad")
    if len(dream.losses) >= dream.steps:
        said = (
            "That is all this network knows of the world. Try another layer, or train it on pictures "
            "of your own."
        )
        return replace(state, own=own, playing=False, said=said, mood="good")
    return replace(state, own=own)


def _train(state: DerivativeWorksState, own: OwnNetwork) -> DerivativeWorksState:
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
            said = (
                f"It has learnt: it gets {right[-1]:.1%} of new examples right. Press Play once "
                "more, and it dreams with these weights."
            )
            return replace(state, own=own, playing=False, said=said, mood="good")
        if time.perf_counter() - began > TURN:
            own = replace(own, losses=tuple(losses), right=tuple(right), weights=digest(own.network))
            return replace(state, own=own)


def objective(layer_name: str, number: int) -> Any:
    """What the dream of the visitor's network strengthens: a whole layer or, for "classes", how sure it
    is of one class everywhere.
    """
    import torch

    from studio.images.objectives import layer

    if layer_name != "classes":
        return layer(layer_name)

    def sure(seen: Mapping[str, Tensor]) -> Tensor:
        return torch.log_softmax(seen["classes"], dim=1)[:, number].mean()

    return sure


def ground_of(state: DerivativeWorksState) -> Pixels:
    """The picture to dream on: uint8 [h, w, 3]."""
    from studio.lessons.shared.pictures import noise, sample

    on = str(state.settings["on"])
    if on == "my picture" and state.ground is not None:
        return state.ground
    if on == "noise":
        return noise(DREAM_SIDE * 2 // 3, DREAM_SIDE, int(state.settings["seed"]))
    return sample("dahlia" if on == "dahlia" else "pagoda", DREAM_SIDE)


def with_dream(state: DerivativeWorksState, own: OwnNetwork) -> OwnNetwork:
    """With a new dream of the network as it is now, before its first step."""
    from studio.images.networks.trained_here import prepare_trained
    from studio.images.recipes import DreamRecipe
    from studio.lessons.shared.small_dream import SmallDream

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
    dream = SmallDream(
        ground_of(state), prepare_trained(own.network, (layer,)), objective(layer, number), recipe
    )
    weights = digest(own.network)
    return replace(own, dream=dream, dreamt_with=weights, weights=weights)


def network_file(state: DerivativeWorksState, own: OwnNetwork) -> File:
    """The network and its card in one zip."""
    from studio.learning.checkpoints import Card
    from studio.learning.datasets import DataSource

    digits = state.settings["learn_from"] == "digits"
    origin = (
        own.seen.origin
        if digits
        else DataSource(
            name="the visitor's own pictures", source="given in the lesson", licence="their makers'"
        )
    )
    assert origin is not None
    card = Card(
        name="dreamer",
        what="Tells handwritten digits apart." if digits else "Tells which picture a small piece is from.",
        data=(origin,),
        command="Train it again in the lesson Derivative works.",
        figures={"accuracy on held-out examples": own.right[-1] if own.right else 0.0},
        classes=own.seen.classes,
    )
    return pack_network(own.network, card)
