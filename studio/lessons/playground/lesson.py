"""The Playground: a small network on points in a plane, with every weight, every neuron's own picture and
every setting within reach.

After TensorFlow's Playground (Daniel Smilkov, Shan Carter and others, 2016); new here are points and
pictures of your own, and a coach.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from studio.lessons.kit.lesson import Check, Lesson
from studio.lessons.kit.scene import Table
from studio.lessons.playground.actions import act
from studio.lessons.playground.coach import says
from studio.lessons.playground.controls import KNOBS
from studio.lessons.playground.drawing import draw, loss_text, pictures_of, share_text
from studio.lessons.playground.model import PlaygroundState, begin, train


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """Loss and accuracy after so many epochs."""
    state = begin(settings)
    if state.fitting is None:
        yield "There are no points to learn from; give some with points, or choose another data set."
        return
    rows, done = [], 0
    for epoch in (0, 1, 2, 5, 10, 20, 50, 100):
        if epoch:
            state = train(state, epochs=epoch - done)
        done = epoch
        last = state.curve[-1]
        shares = (share_text(last.right), share_text(last.test_right))
        rows.append((str(epoch), loss_text(last.loss), loss_text(last.test_loss), *shares))
        if state.mood == "bad":
            break
    columns = ("epoch", "training loss", "test loss", "training accuracy", "test accuracy")
    yield Table(f"Learning '{settings['data']}'", columns, tuple(rows))
    yield says(state, pictures_of(state))[0]


LESSON: Lesson[PlaygroundState] = Lesson(
    name="playground",
    title="The Playground",
    minutes=12,
    question="What can a few neurons learn, and what does each of them do?",
    first="Press Play and watch the ground take sides. Then choose other data or other layers.",
    notice=(
        (
            "Each neuron has a picture of its own: what it says at every place. In the first layer "
            "these are straight slopes."
        ),
        (
            "A neuron in a later layer blends the pictures before it. Wide lines count for more; "
            "orange adds, blue subtracts."
        ),
        "The test curve lies above the training curve: the network does better on points it has seen.",
        "One good feature can do at once (x² and y² for the circle) what takes several neurons without it.",
    ),
    checks=(
        Check(
            "What will happen on the circle if all neurons are linear?",
            (
                "It takes longer",
                "It never succeeds, however many neurons it has",
                "It succeeds with more layers",
            ),
            1,
            (
                "A blend of straight slopes is a straight slope. Only a bent activation (tanh, relu, "
                "sigmoid) makes a second layer useful."
            ),
        ),
        Check(
            "What will happen if all weights start at zero?",
            (
                "It learns just as well",
                "All neurons in a layer stay alike",
                "It learns faster, because nothing is in the way",
            ),
            1,
            (
                "Equal neurons get equal blame and change equally. The small random starting weights "
                "are what makes them different."
            ),
        ),
        Check(
            "The points are very noisy and the network is large. What will the two curves do?",
            ("Both fall", "The training loss falls, the test loss rises after a while", "Both rise"),
            1,
            "It has room to memorise the noise, and that does not help with points it has not seen.",
        ),
    ),
    formula=(
        "h = φ(W₁ x + b₁)      h′ = φ(W₂ h + b₂)      y = W₃ h′ + b₃\n\n"
        "x  features of a place        φ  the activation, such as tanh\n"
        "W  weights (the lines)        b  biases (the small squares)\n"
        "loss, classes:  − log of the probability given to the right side, mean\n"
        "loss, numbers:  ½ (y − t)², mean\n"
        "penalty L1:  + λ Σ |w|        penalty L2:  + λ ½ Σ w²"
    ),
    code="""\
import numpy as np
rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, (200, 2))
t = np.sign(x[:, :1] * x[:, 1:])             # xor
x = np.column_stack([x, np.ones(200)])       # the bias is a feature that is always 1
W1, W2 = rng.normal(size=(3, 8)), rng.normal(size=(8, 1))
for epoch in range(2000):
    h = np.tanh(x @ W1)
    y = np.tanh(h @ W2)
    blame = (y - t) * (1 - y**2)
    earlier = blame @ W2.T * (1 - h**2)      # passed back through the weights
    W1, W2 = W1 - x.T @ earlier / 200, W2 - h.T @ blame / 200
print(np.mean(np.sign(y) == t))              # share on the right side""",
    tab="Dream",
    use=(
        "The network that dreams is built of the same kind of layers, only far larger. A dream asks "
        "one of its layers for more of what it sees, and changes the picture instead of the weights."
    ),
    credits=(
        (
            "The six drawn tasks and the idea: TensorFlow's Playground, by Daniel Smilkov, Shan "
            "Carter and others (2016)."
        ),
    ),
    folded=("Your own", "Network"),
    knobs=KNOBS,
    begin=begin,
    act=act,
    draw=draw,
    table=table,
)
