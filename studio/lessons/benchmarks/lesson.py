"""Benchmarks: the data sets everybody measures by, a network to choose, and an honest look at its
mistakes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from studio.lessons.benchmarks.actions import act
from studio.lessons.benchmarks.controls import KNOBS
from studio.lessons.benchmarks.drawing import confusion_figure, draw, epoch_table, known_table
from studio.lessons.benchmarks.model import BenchmarksState, begin, train
from studio.lessons.kit.lesson import Check, Lesson
from studio.lessons.kit.scene import Table


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """Accuracy epoch by epoch, and which classes were confused."""
    state = begin(settings)
    yield known_table(state)
    if state.data is None:
        yield state.said
        return
    for _ in range(int(settings["epochs"])):
        state = train(state, epochs=1)
        if state.mood == "bad":
            yield state.said
            return
    yield replace(
        epoch_table(state, last=len(state.epochs)), title=f"{settings['data']}, {settings['network']}"
    )
    assert state.data is not None
    yield confusion_figure(state, state.data).text
    if str(settings["data"]) in ("mnist", "cifar10"):
        yield known_table(state)


LESSON: Lesson[BenchmarksState] = Lesson(
    name="benchmarks",
    title="Benchmarks",
    minutes=10,
    question="How good is a network really, and what kind of mistakes does it make?",
    first="Press Train. When it has finished, draw a digit on the sheet with a finger or the mouse.",
    notice=(
        "Only the test set counts. On the examples it learnt from, a large network is nearly always right.",
        "Its mistakes are not spread evenly: which classes it confuses shows what the network looks at.",
        "Being sure is not the same as being right. The worst mistakes are the confident ones.",
        (
            "Your own digit is harder than those in the set: another hand, another pen. A benchmark "
            "measures only the benchmark."
        ),
    ),
    checks=(
        Check(
            "What will happen if you draw a letter instead of a digit?",
            (
                "It says that this is not a digit",
                "It names a digit anyway, often with confidence",
                "All bars are the same height",
            ),
            1,
            (
                "It was only ever asked which of the ten digits it sees. It has never met anything "
                "that is none of them."
            ),
        ),
        Check(
            "What will happen if it learns from 500 examples instead of all?",
            (
                "The same, in less time",
                "Perfect on what it learnt from, worse on the test set",
                "Worse on both",
            ),
            1,
            ("Fewer examples are easier to memorise, and say less about the ones that were not among them."),
        ),
    ),
    formula=(
        "p(class) = exp(y of the class) / Σ exp(y)\n"
        "loss = − log p(right class), mean\n\n"
        "y  one output for each class\n"
        "p  how sure the network is, 0 … 1, adding up to 1\n"
        "accuracy = how often the largest p is the right class, on the test set"
    ),
    code="""\
import numpy as np
from sklearn.datasets import load_digits
pictures, digits = load_digits(return_X_y=True)
x, t = pictures / 16, np.eye(10)[digits]
seen, held_out = slice(0, 1300), slice(1300, None)
W, b = np.zeros((64, 10)), np.zeros(10)
for epoch in range(300):
    y = x[seen] @ W + b
    p = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
    blame = (p - t[seen]) / 1300
    W, b = W - 0.5 * x[seen].T @ blame, b - 0.5 * blame.sum(axis=0)
right = (x[held_out] @ W + b).argmax(axis=1) == digits[held_out]
print(right.mean())  # about nine in ten, without a single hidden neuron""",
    tab="Dream",
    use=(
        "The network that dreams was measured like this, on a thousand kinds of photos. It can only "
        "dream of what it learnt to tell apart."
    ),
    credits=(
        (
            "Iris (Fisher), Wine (Aeberhard, Forina), Breast Cancer Wisconsin (Wolberg and others), "
            "Digits (Alpaydin, Kaynak): UCI, CC BY 4.0."
        ),
        "MNIST (LeCun, Cortes, Burges): CC BY-SA 3.0. CIFAR-10 (Krizhevsky): for research and teaching.",
    ),
    folded=("Your own",),
    knobs=KNOBS,
    begin=begin,
    act=act,
    draw=draw,
    table=table,
)
