"""Derivative works: one loop behind prices, melodies and dreams; a network of your own that dreams; and
whose work the result is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from studio.lessons.derivative_works.actions import act, begin, newest_works
from studio.lessons.derivative_works.drawing import draw, with_gallery
from studio.lessons.derivative_works.licences import LICENCES
from studio.lessons.derivative_works.model import GROUPS, OWN_LAYER_NAMES, PARTS, STEPS, DerivativeWorksState
from studio.lessons.derivative_works.three_uses import advance_three
from studio.lessons.kit.lesson import Check, Choice, Lesson, Push, Slide, Upload, Write
from studio.lessons.kit.scene import Table, written
from studio.lessons.shared.credits import NETWORK_CREDITS, SAMPLE_CREDITS

OWN_LAYERS = tuple(OWN_LAYER_NAMES)


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """The three descents side by side, every ninth step."""
    state = begin(dict(settings) | {"part": PARTS[0]})
    for _ in range(STEPS):
        state = advance_three(state)
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
    prices = ", ".join(f"{float(price):.4f}" for price in three.prices)
    yield f"Prices {prices} dollars; the true prices are 1.5, 0.5 and 1.0."
    yield f"The gallery has {state.works} works."


LESSON: Lesson[DerivativeWorksState] = Lesson(
    name="derivative_works",
    title="Derivative works",
    minutes=10,
    question="Is dreaming the same thing as learning a price, and whose work is the result?",
    first=(
        "Press Play and watch three curves. Then choose “my network dreams” and press Play: once to "
        "train it, once more to let it dream."
    ),
    notice=(
        (
            "Prices, the weights of a network, the pixels of a photo: whatever can be nudged can be "
            "learnt, by the same loop."
        ),
        "Learning makes an error smaller. Dreaming makes an answer larger. Only the sign differs.",
        (
            "A network can only dream of what it was shown. One that has seen digits finds pen strokes "
            "in a pagoda."
        ),
        (
            "Every work here has sources, a recipe and a maker. Keep them together: the credit is "
            "part of the work."
        ),
    ),
    checks=(
        Check(
            "What will happen if the network dreams before it has learnt anything?",
            ("Nothing changes", "It grows random textures", "It dreams of digits anyway"),
            1,
            (
                "The loop needs no knowledge: it strengthens whatever the random weights answer to. "
                "Press Dream again before Play and see."
            ),
        ),
        Check(
            "You mix a CC BY-SA photo with a CC BY-NC picture. What may you do with the result?",
            ("Sell it with credit", "Share it under CC BY-SA", "Neither, without asking one of the two"),
            2,
            (
                "The first requires a licence that allows sale, the second forbids sale. No licence "
                "can keep both promises."
            ),
        ),
    ),
    formula=(
        "x ← x − ε ∂L/∂x                     learning: L is an error\n"
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
    use=(
        "Every work in the gallery keeps its sources, their licences and its recipe, inside its file as well."
    ),
    knobs=(
        Push("play", "Play", "step after step", key="space", main=True),
        Push("step", "Step", "one step", key="s"),
        Push("hear", "Hear the melody", "what the melody network writes now", key="h"),
        Push("reset", "Start again", "from the beginning, with a fresh look at the gallery", key="r"),
        Choice("part", "Part", PARTS, PARTS[0]),
        Choice("learn_from", "It learns from", ("digits", "my pictures"), "digits", group=GROUPS[0]),
        Upload(
            "learn",
            "Add a picture to learn from",
            "image/*",
            "Up to eight. They stay on this computer.",
            group=GROUPS[0],
        ),
        Choice(
            "layer",
            "It dreams with",
            OWN_LAYERS,
            "blocks.2",
            "A layer, or one class.",
            group=GROUPS[0],
            labels=tuple(OWN_LAYER_NAMES.values()),
        ),
        Slide("digit", "Which class", 0, 9, 1, 3, "For classes: which one it dreams of.", group=GROUPS[0]),
        Choice("on", "It dreams on", ("pagoda", "dahlia", "noise", "my picture"), "pagoda", group=GROUPS[0]),
        Push(
            "again",
            "Dream again",
            "from the start, with the current weights",
            key="d",
            group=GROUPS[0],
        ),
        Push(
            "travel",
            "Dream with it in the Dream tab",
            "your network, on any photo, at any size",
            group=GROUPS[0],
        ),
        Push("save", "Keep my network", "its weights, its card and its dream", group=GROUPS[0]),
        Upload("ground", "A picture to dream on", "image/*", group=GROUPS[0]),
        Slide(
            "speckle",
            "Noise while learning",
            0,
            0.6,
            0.1,
            0.3,
            "Noise on the training pictures makes strokes grow bolder.",
            group=GROUPS[0],
        ),
        Slide("seed", "Seed", 0, 99, 1, 1, group=GROUPS[0]),
        Choice("first", "The photo is", tuple(LICENCES), "CC BY", group=GROUPS[1]),
        Choice("second", "The style or guide is", tuple(LICENCES), "public domain", group=GROUPS[1]),
        Write("title", "The photo's title", "China", group=GROUPS[1]),
        Write("author", "Its author", "danielbuechele", group=GROUPS[1]),
    ),
    begin=begin,
    act=act,
    draw=draw,
    look_again=lambda scene: with_gallery(scene, *newest_works()),
    table=table,
    credits=(
        *SAMPLE_CREDITS,
        *NETWORK_CREDITS,
        (
            "Digits: Optical Recognition of Handwritten Digits (Alpaydin and Kaynak, 1998), CC BY "
            "4.0, as distributed with scikit-learn."
        ),
        "Tunes: Beethoven, Ode to Joy; Frère Jacques, traditional. Both in the public domain.",
        "Licences summarised from Creative Commons (creativecommons.org). Not legal advice.",
    ),
)
