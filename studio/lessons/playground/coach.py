"""The coach: one sentence on how the training is going."""

from __future__ import annotations

import math

import numpy as np

from studio.lessons.playground.data import BLUE, ORANGE
from studio.lessons.playground.model import OWN, PlaygroundState, layers_in


def says(state: PlaygroundState, pictures: dict[str, np.ndarray]) -> tuple[str, str]:
    """One sentence on how it is going, which changes only when something else matters; and its mood."""
    if state.said:
        return state.said, state.mood
    if state.fitting is None:
        return "Draw on the map: choose a brush, and draw some orange and some blue points.", "plain"
    last = state.curve[-1]
    if not state.epoch:
        return {
            "classes": (
                "Press Play. The ground shows what the network says everywhere; the dots show what is right."
            ),
            "numbers": "Press Play. The ground should take on the colour of the dots, shade by shade.",
            "colours": "Press Play. The network learns which colour belongs to which place, and paints.",
        }[state.task.kind], "plain"
    for advice in (_one_sided, _overshooting, _nothing_left, _all_alike, _too_simple, _dead, _overfitting):
        said = advice(state, pictures)
        if said:
            return said, "bad" if advice is _overshooting else "plain"
    if state.task.kind == "classes" and last.right > 0.985:
        return (
            (
                "Solved: nearly every point is on its side. Show the test data to see whether that "
                "holds for points it has never seen."
            ),
            "good",
        )
    return (
        "It is learning. Point at a neuron to enlarge its picture; each one is a blend of those before it.",
        "plain",
    )


def _one_sided(state: PlaygroundState, _: dict[str, np.ndarray]) -> str:
    sides = np.unique(state.task.targets)
    if state.settings["data"] != OWN or len(sides) > 1:
        return ""
    return (
        f"All training points are {ORANGE if sides[0] > 0 else BLUE}, so there is nothing to tell "
        "apart. Draw some of the other colour."
    )


def _overshooting(state: PlaygroundState, _: dict[str, np.ndarray]) -> str:
    first, last = state.curve[0], state.curve[-1]
    if state.epoch < 5 or len(state.curve) < 3 or not last.loss > 1.1 * first.loss:
        return ""
    rate = float(state.settings["rate"])
    return (
        f"The loss is above where it started: the learning rate {rate:g} overshoots. Try "
        f"{rate / 3:.2g}, then press Back to best."
    )


def _nothing_left(state: PlaygroundState, _: dict[str, np.ndarray]) -> str:
    if state.settings["penalty"] == "none" or state.epoch < 5:
        return ""
    largest = max(
        float(weight.detach().abs().max()) for weight in state.network.parameters() if weight.ndim > 1
    )
    strength = float(state.settings["penalty_rate"])
    return (
        (
            f"All weights have shrunk to nothing: the penalty {strength:g} outweighs what there is "
            "to learn. Lower it."
        )
        if largest < 0.05
        else ""
    )


def _all_alike(state: PlaygroundState, _: dict[str, np.ndarray]) -> str:
    if state.settings["start"] != "zero" or not layers_in(state.settings):
        return ""
    return (
        "All weights started at zero, so all neurons in a layer are alike and stay alike. Start with "
        "small weights instead."
    )


def _too_simple(state: PlaygroundState, _: dict[str, np.ndarray]) -> str:
    straight = not layers_in(state.settings) or state.settings["activation"] == "linear"
    last = state.curve[-1]
    if not straight or state.task.kind != "classes" or state.epoch < 15 or last.right > 0.9:
        return ""
    what = "Without a hidden layer" if not layers_in(state.settings) else "With linear neurons, however many,"
    return (
        f"{what} it can only draw one straight border in its features. Add a layer of tanh neurons, "
        "or a feature that bends the border."
    )


def _dead(state: PlaygroundState, pictures: dict[str, np.ndarray]) -> str:
    if state.settings["activation"] != "relu" or state.epoch < 5:
        return ""
    dead = [name for name, picture in pictures.items() if name.startswith("neuron") and not picture.any()]
    if not dead:
        return ""
    return (
        f"{dead[0][0].upper()}{dead[0][1:]} says 0 everywhere: a relu neuron like that has no slope "
        "and learns no more. Press Reset."
    )


def _overfitting(state: PlaygroundState, _: dict[str, np.ndarray]) -> str:
    tests = [moment.test_loss for moment in state.curve if math.isfinite(moment.test_loss)]
    if len(tests) < 10 or state.epoch < 30:
        return ""
    least, last = min(tests), state.curve[-1]
    if last.test_loss < 1.25 * least + 0.02 or last.loss > 0.6 * last.test_loss:
        return ""
    return (
        "It gets better on the training points and worse on the test points: it is starting to "
        "memorise the noise."
    )
