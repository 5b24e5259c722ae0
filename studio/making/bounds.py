"""What a work may take: seconds and memory, set by what its kind predicts from the recipe.

A kind's row in `kinds` names the function that predicts. Its factors are generous, since a computer may be
slow and busy: the bounds are there for a work that would never end, not for one that takes its time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from studio.errors import Refused, StudioError
from studio.making.kinds import KINDS, Kind, found_at
from studio.works.recipe import Recipe
from studio.works.work import Materials, Prediction, SourceSize

GIB = 2**30

TIMES_SECONDS, PLUS_SECONDS = 20.0, 300.0
TIMES_BYTES, PLUS_BYTES = 2.0, GIB // 2
"""A work may take that many times what was predicted, and that much more. The seconds include the wait for a
database that another program keeps locked, which is not given up before two minutes and a half.
"""


@dataclass(frozen=True)
class WorkBounds:
    """seconds, bytes: what a work may take; None where there is no bound. prediction: what they came from."""

    seconds: float | None = None
    bytes: int | None = None
    prediction: Prediction | None = None

    def exceeded(self, seconds: float, bytes: int) -> str:
        """The sentence for a work that took that much, or "" while it keeps its bounds."""
        if self.prediction is not None and self.seconds is not None and seconds > self.seconds:
            return (
                f"This work was stopped after {_spell(seconds)}, since it should take about "
                f"{_spell(self.prediction.seconds)}; make it again, and smaller if it happens again."
            )
        if self.prediction is not None and self.bytes is not None and bytes > self.bytes:
            return (
                f"This work was stopped when it had taken {bytes / GIB:.1f} GiB of memory, since it should "
                f"need about {self.prediction.bytes / GIB:.1f}; make it smaller."
            )
        return ""


def predict(recipe: Recipe, materials: Materials, kinds: Mapping[str, Kind] = KINDS) -> Prediction | None:
    """What making this recipe's work will take, or None where its kind cannot tell. Quick: loads no torch."""
    kind = kinds.get(recipe.kind)
    if kind is None or not kind.predicts:
        return None
    return predict_from(recipe, sizes_of(recipe, materials), kinds)


def predict_from(
    recipe: Recipe, sizes: Sequence[SourceSize], kinds: Mapping[str, Kind] = KINDS
) -> Prediction | None:
    """The same, from the sizes of its sources."""
    kind = kinds.get(recipe.kind)
    if kind is None or not kind.predicts:
        return None
    prediction: Prediction = found_at(kind.predicts)(recipe, tuple(sizes))
    return prediction


def sizes_of(recipe: Recipe, materials: Materials) -> tuple[SourceSize, ...]:
    """The sizes of a recipe's sources. One that cannot be read is left out; the making says what is wrong."""
    from studio.images.pictures import picture_size

    found = []
    for source in recipe.sources:
        with suppress(StudioError):
            content = materials(source)
            found.append(SourceSize(source.role, len(content), *picture_size(content)))
    return tuple(found)


def bounds_of(prediction: Prediction | None, limit: int | None = None) -> WorkBounds:
    """The bounds of a work. limit: bytes that no work may exceed, whatever was predicted."""
    if prediction is None:
        return WorkBounds()
    most = int(TIMES_BYTES * prediction.bytes + PLUS_BYTES)
    return WorkBounds(
        TIMES_SECONDS * prediction.seconds + PLUS_SECONDS,
        most if limit is None else min(limit, most),
        prediction,
    )


def check_room(prediction: Prediction | None, room: int | None, kind: Kind) -> None:
    """room: bytes of memory that there are for it. Raises `Refused` for a work that needs more."""
    if prediction is not None and room is not None and prediction.bytes > room:
        raise Refused(
            f"This {kind.label.lower()} needs about {prediction.bytes / GIB:.1f} GiB of memory, but this "
            f"computer has {max(0, room) / GIB:.1f} free; choose a smaller size, or close other programs."
        )


def room_here() -> int:
    """Bytes of memory that a work in this process may use."""
    import psutil

    return int(psutil.virtual_memory().available)


def _spell(seconds: float) -> str:
    if seconds < 100:
        return f"{max(1, round(seconds))} seconds" if round(seconds) > 1 else "a second"
    return f"{seconds / 60:.0f} minutes"
