"""Teach by example: show it a few things, say what each one is, and play what it has learnt like an
instrument.

After Rebecca Fiebrink's Wekinator (2009) and Google's Teachable Machine (2017).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from studio.lessons.kit.lesson import Action, Camera, Check, Choice, Lesson, Push, Slide, Upload
from studio.lessons.kit.scene import Table
from studio.lessons.shared.credits import NETWORK_CREDITS, SAMPLE_CREDITS
from studio.lessons.teach.actions import act
from studio.lessons.teach.drawing import draw
from studio.lessons.teach.model import CLASSES, WAYS, TeachState, answer, begin, colour_at


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
        state = act(act(state, Action("click", figure="colour", x=hue, y=0.5)), Action(name))
    rows = []
    for name, hue in (("red", 0.01), ("yellow", 0.15), ("green", 0.33), ("turquoise", 0.48), ("blue", 0.6)):
        said = answer(state, np.array([colour_at((hue, 0.5))]))[0]
        rows.append((name, *(f"{value:.3f}" for value in said), CLASSES[int(said.argmax())]))
    yield Table(
        "Taught: two reds as A, two blues as B, two greens as C. Asked about:",
        ("colour", *CLASSES, "it says"),
        tuple(rows),
    )
    yield f"Loss {state.losses[0]:.4f} before, {state.losses[-1]:.4f} after {len(state.losses)} steps."


LESSON: Lesson[TeachState] = Lesson(
    name="teach",
    title="Teach by example",
    minutes=8,
    question="Can you make an instrument without writing a rule, just by showing a few examples?",
    first=(
        "Click a red, press This is A. Click a blue, press This is B. Then press Run live and click "
        "around in the colours."
    ),
    notice=(
        "Two examples are enough to start. It then answers for every colour, even those it has never seen.",
        (
            "Where it is wrong, do not look for a better rule: give it one more example there. The "
            "examples are the program."
        ),
        "One wrong example bends everything around it. Delete it, and a tenth of a second later all is well.",
        (
            "With numbers instead of classes, it glides between the examples: that is what makes a "
            "new instrument playable."
        ),
    ),
    checks=(
        Check(
            "What will happen if you show it something quite unlike all the examples?",
            ("It says that it does not know", "It names one of the classes anyway", "It stops"),
            1,
            (
                "It divides everything there is among the classes it knows. Only a class of its own, "
                "taught by examples, could stand for the rest."
            ),
        ),
        Check(
            "All examples of A are light reds, all of B are dark blues. What will it call a dark red?",
            ("Surely A", "Surely B", "Nobody can know: hue and lightness explain the examples equally well"),
            2,
            "The examples never said which of the two matters. One dark red taught as A settles it.",
        ),
    ),
    formula=(
        "y = W₂ tanh(W₁ x + b₁) + b₂\n\n"
        "x     what it is shown, as numbers: a colour, ink on a sheet, sliders,\n"
        "      or 320 answers of the pretrained network to a picture\n"
        "W, b  what is learnt from the examples\n"
        "y     classes: how sure of each, after a softmax\n"
        "      numbers: pitch, tempo and brightness, after a sigmoid\n\n"
        "loss         classes: − log p(what you said)\n"
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
    use=(
        "Its answer mixes the layers that a dream strengthens. Press Dream with this answer, and the "
        "Dream tab takes it over."
    ),
    knobs=(
        Push("give_a", "This is A", "an example of A", key="1"),
        Push("give_b", "This is B", "an example of B", key="2"),
        Push("give_c", "This is C", "an example of C", key="3"),
        Push("play", "Run live", "answer all the time, in sound and picture", key="space", main=True),
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
        Choice("drives", "Output", ("sound and dream", "sound", "dream", "nothing"), "sound and dream"),
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
            "what it is shown now should give these numbers",
            key="n",
            group="Numbers to teach",
        ),
        Camera(
            "camera",
            "Camera on",
            help="The pictures are looked at on this computer and not kept.",
            group="Camera",
        ),
        Upload("frame", "Or a picture file", "image/*", group="Camera"),
        Push("dream", "Dream with this answer", "open the Dream tab with it", group="Keep"),
        Push("save", "Save the model", "its weights and its card, as a zip", group="Keep"),
        Upload("load", "Load a model", ".zip", group="Keep"),
        Push("forget", "Delete all", "delete all examples of this kind", group="Keep"),
        Slide("seed", "Seed", 0, 99, 1, 1, "A different number starts from other weights.", group="Keep"),
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
