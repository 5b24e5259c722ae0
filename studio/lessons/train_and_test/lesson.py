"""Train and test: a curve bent to fit every point, and why that is no compliment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from studio.lessons.kit.lesson import Check, Lesson, Push, Slide, Switch
from studio.lessons.kit.scene import Table, written
from studio.lessons.train_and_test.drawing import draw
from studio.lessons.train_and_test.model import (
    MOST_BENDS,
    TrainAndTestState,
    act,
    begin,
    cross_validated,
    error_on,
    learnt,
)


def table(settings: Mapping[str, Any]) -> Iterator[Table | str]:
    """Errors for every number of bends: on the training, validation and test points, and cross-validated."""
    state = begin(settings)
    rows = []
    for bends in range(1, min(MOST_BENDS, len(state.train) * 4 // 5 - 2) + 1):
        weights, basis = learnt(state.train, bends)
        errors = [error_on(weights, basis, points) for points in (state.train, state.validation)]
        rows.append(
            (
                str(bends),
                *(
                    written(error)
                    for error in (
                        *errors,
                        cross_validated(state.train, bends),
                        error_on(weights, basis, state.test),
                    )
                ),
            )
        )
    yield Table(
        "Mean squared error", ("bends", "training", "validation", "cross-validated", "test"), tuple(rows)
    )
    best = min(rows, key=lambda row: float(row[2]))
    yield (
        f"On the validation points, {best[0]} bends do best: an error of {best[2]}. The test points, which "
        f"chose nothing, say {best[4]}."
    )


LESSON: Lesson[TrainAndTestState] = Lesson(
    name="train_and_test",
    title="Train and test",
    minutes=8,
    question="How do you know that it has learnt, and not just memorised?",
    first="Press Learn. Then move Bends to 12 and compare the two errors.",
    notice=(
        "More bends always lower the error on the training points.",
        "On the validation points the error falls, then rises again. The best number of bends is in between.",
        (
            "Every choice made by the blue squares makes them a less honest judge. That is why there are "
            "sealed points too."
        ),
        (
            "Cross-validated errors can run into the thousands: beyond its outermost training point, "
            "nothing holds a curve with many bends."
        ),
        "More points tame the curve better than anything else.",
    ),
    checks=(
        Check(
            "What will happen if the curve has as many bends as there are points?",
            ("It passes through every point", "It becomes a straight line", "It stops learning"),
            0,
            "With as many numbers to adjust as points to reach, it can reach them all, noise included.",
        ),
        Check(
            "Why do the test points stay sealed until the end?",
            (
                "To save time",
                "Because choosing by them would make their answer too kind",
                "Because they are harder points",
            ),
            1,
            (
                "Whatever you choose by is no longer unseen. Its error is then the best of many "
                "tries, and the best of many is partly luck."
            ),
        ),
    ),
    formula=(
        "error on a set = mean of (curve(x) − y)² over its points\n\n"
        "training     bends the curve\n"
        "validation   chooses how many bends\n"
        "test         is used once\n\n"
        "cross-validation: every fifth of the points is held back once,\n"
        "and the five errors are averaged"
    ),
    code="""\
import numpy as np

rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, 30)
y = np.sin(3.4 * x) + rng.normal(0, 0.3, 30)
for bends in (1, 3, 5, 9, 14):
    curve = np.polyfit(x[:15], y[:15], bends)
    seen = np.mean((np.polyval(curve, x[:15]) - y[:15]) ** 2)
    new = np.mean((np.polyval(curve, x[15:]) - y[15:]) ** 2)
    print(bends, round(seen, 3), round(new, 3))""",
    tab="Dream",
    use=(
        "A melody model that copies its tunes has only memorised them. That is why every model here "
        "is tested on tunes it has never heard."
    ),
    knobs=(
        Push("play", "Learn", "bend the curve, step by step", key="space", main=True),
        Push("cross", "Cross-validate", "try every number of bends, each in five ways", key="c"),
        Push("open", "Open the sealed points", "the test set, meant to be used once", key="o"),
        Push("reset", "Start again", "", key="r"),
        Slide("bends", "Bends", 1, MOST_BENDS, 1, 3, "The curve can turn one time fewer than this."),
        Slide("points", "Training points", 8, 60, 1, 16, restarts=True),
        Slide("noise", "Noise", 0, 0.8, 0.05, 0.3, restarts=True),
        Switch("reveal", "Show the true curve", False),
        Slide("seed", "Seed", 0, 99, 1, 4, "A different number gives different points.", restarts=True),
    ),
    begin=begin,
    act=act,
    draw=draw,
    table=table,
)
