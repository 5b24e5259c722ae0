"""What making yields: `Progress` after every step, and `Made` at the end.

A process that makes something is a generator, `Iterator[Progress]` that returns a `Made`. It neither prints
nor stores; whoever runs it watches, stops it by asking no further, and hands what was made to a gallery or a
file.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from studio.works.recipe import Recipe, Source

R = TypeVar("R", bound=Recipe)


@dataclass(frozen=True)
class Progress:
    """One step of a making.

    done, total: steps taken and steps there will be (total is known from the start; done never falls).
    stage: what is going on, in a few words ("octave 3 of 5").
    loss: the wrongness or the objective now, or None where there is none.
    preview: gives a picture of the work as it stands (JPEG bytes, longest side at most 768 px). It costs
    time, so it is
        only called by who wants to look; it may only be called before the next step is asked for.
    """

    done: int
    total: int
    stage: str = ""
    loss: float | None = None
    preview: Callable[[], bytes] | None = None


@dataclass(frozen=True)
class Made:
    """A finished work before it is kept: the whole file, with its recipe inside where the format can carry
    it.

    recipe: as asked for, completed with `model` and `setting`.
    content: the file's bytes; suffix: ".png"; media_type: "image/png".
    thumbnail: JPEG bytes, longest side at most 512 px.
    losses: the loss or objective at every step, as the lessons draw it.
    facts: what is worth knowing about the result, as JSON values: {"size": "768 x 576", "bars": 8}.
    """

    recipe: Recipe
    content: bytes
    suffix: str
    media_type: str
    thumbnail: bytes
    losses: tuple[float, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


Making = Generator[Progress, None, Made]
Materials = Callable[[Source], bytes]
"""Gives the bytes of a source. Raises `Missing` when they are not at hand, `Refused` when they changed."""


@dataclass(frozen=True)
class Work:
    """A work in the gallery. The recipe stays JSON, so that a gallery can hold kinds this code does not know;
    `words` tells it.
    """

    id: str
    kind: str
    title: str
    words: str
    recipe_json: str
    fingerprint: str
    sha256: str
    media_type: str
    suffix: str
    made_at: datetime
    losses: tuple[float, ...]
    facts: dict[str, Any]
    parents: tuple[str, ...]
