"""A loss over its steps, as several lessons draw it."""

from __future__ import annotations

from collections.abc import Sequence

from studio.lessons.kit.scene import Line, Mark, Points, written


def loss_curve(losses: Sequence[float], first: int = 1) -> tuple[Mark, ...]:
    """The losses of the steps `first`, `first` + 1, … as a line shaded down to 0, with a dot at its end."""
    steps = range(first, first + len(losses))
    return (
        Line(steps, list(losses), colour="accent", fill=True),
        Points(steps[-1:], list(losses[-1:]), colour="accent"),
    )


def curve_in_words(losses: Sequence[float], digits: int = 4, *, empty: str = "No step yet.") -> str:
    """Where the losses start and end, or what to say while there are none."""
    if not losses:
        return empty
    return f"From {written(losses[0], digits)} to {written(losses[-1], digits)} in {len(losses)} steps."
