"""Deep networks: what the layers of the network behind the dreams see, in a photo and on their own.

After Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (2014), and Olah,
Mordvintsev and Schubert, "Feature Visualization" (2017).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from studio.lessons.deep_networks.actions import act
from studio.lessons.deep_networks.drawing import draw
from studio.lessons.deep_networks.model import (
    CHANNELS,
    DEPTHS,
    LAYERS,
    NAMES,
    PHOTO_SIDE,
    DeepNetworksState,
    begin,
    excitement,
    field_of_view,
    strongest,
)
from studio.lessons.kit.lesson import Check, Choice, Lesson, Push, Slide, Upload
from studio.lessons.kit.scene import Table
from studio.lessons.shared.credits import NETWORK_CREDITS, SAMPLE_CREDITS


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """Every layer: its size, how far one place sees, and its strongest channel in the photo."""
    state = begin(settings)
    rows = []
    for layer in LAYERS:
        seen = state.seen[layer]
        best = strongest(seen, 1)[0]
        size = f"{seen.shape[2]} x {seen.shape[1]}"
        rows.append(
            (
                NAMES[layer],
                str(len(seen)),
                size,
                str(field_of_view(layer)),
                str(best),
                f"{excitement(seen)[best]:.4f}",
            )
        )
    columns = ("layer", "channels", "places", "one place sees, px", "strongest channel", "its mean answer")
    title = f"How each layer of the network sees the {settings['photo']}, {PHOTO_SIDE} px wide"
    yield Table(title, columns, tuple(rows))
    yield "Deeper layers have fewer places, and each of them sees more of the picture."


LESSON: Lesson[DeepNetworksState] = Lesson(
    name="deep_networks",
    title="Deep networks",
    minutes=12,
    question="What does the network behind the dreams see in a picture?",
    first=(
        "Press Grow: noise turns into the picture that one channel looks for. Then press One layer "
        "deeper, and Grow again."
    ),
    notice=(
        (
            "A layer is a stack of channels. Each channel is a detector that looks for one thing, "
            "everywhere in the picture."
        ),
        (
            "Early layers have many places and look for simple things: edges, colours, strokes. Late "
            "ones have few places and look for parts and objects."
        ),
        "Nobody told the channels what to look for. They learnt it, because it helped to name photographs.",
        (
            "A picture grown for a channel is a dream that starts from noise. A dream on a photo is "
            "the same climb."
        ),
    ),
    checks=(
        Check(
            "What will happen to the squares in the heat maps from layer to layer?",
            ("They get finer", "They get coarser", "They stay the same"),
            1,
            (
                "The network halves the picture five times. Each place in a late layer stands for a "
                "large piece of the photo, so it can see whole parts."
            ),
        ),
        Check(
            "What will a dream with an early layer look like?",
            ("Edges and strokes all over the photo", "Animals and towers", "A blurred photo"),
            0,
            "A dream strengthens what a layer sees. An early layer sees strokes, so strokes grow.",
        ),
    ),
    formula=(
        "a = mean over all places of f(x)          x ← x + ε ∂a/∂x\n\n"
        "x  the pixels (what changes)      a  how strongly the channel answers\n"
        "f  one channel, with all that the network does before it\n"
        "ε  step: how far the pixels move\n"
        "∂a/∂x  for each pixel: how much the answer grows if it gets lighter"
    ),
    code="""\
import torch
from studio.images.networks.opening import open_network
from studio.images.objectives import channel
from studio.learning.descent import descend
from studio.learning.rules import GradientDescent

network, _ = open_network("efficientnet_lite0", ("blocks.3",))
answer = channel("blocks.3", 42)
picture = (0.5 + 0.02 * torch.randn(1, 3, 64, 64)).requires_grad_()
climb = GradientDescent(rate=3.0)
seen = lambda: answer(network(picture))
for step in descend([picture], seen, climb, steps=12, maximize=True):
    print(step.number, step.loss)  # it rises""",
    tab="Dream",
    use=(
        "Dream with this layer: the Dream tab strengthens, in your photo, what this layer or this "
        "channel sees."
    ),
    knobs=(
        Push("play", "Grow", "turn noise into what this channel looks for", key="space", main=True),
        Push(
            "deeper", "One layer deeper", "the next layer, and its strongest channel in this photo", key="d"
        ),
        Push("dream_layer", "Dream with this layer", "open the Dream tab with it"),
        Push("dream_channel", "Dream with this channel", "open the Dream tab with it"),
        Choice(
            "layer",
            "Layer",
            LAYERS,
            "blocks.3",
            "Layer 1 is next to the pixels; layer 8 is the last.",
            labels=tuple(f"{number}: {depth}" for number, depth in enumerate(DEPTHS, 1)),
        ),
        Slide(
            "channel",
            "Channel",
            0,
            max(CHANNELS[layer] for layer in LAYERS) - 1,
            1,
            42,
            "One detector in that layer.",
        ),
        Slide("seed", "Seed", 0, 99, 1, 0, "A different number starts from different noise."),
        Choice("photo", "Photo", ("pagoda", "dahlia"), "pagoda"),
        Upload(
            "own", "A photo of your own", "image/*", "Every layer looks at it. It stays on this computer."
        ),
    ),
    begin=begin,
    act=act,
    draw=draw,
    table=table,
    credits=SAMPLE_CREDITS + NETWORK_CREDITS,
)
