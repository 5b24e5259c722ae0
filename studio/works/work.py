"""What a process that makes something yields: `Progress` after every step, and a `Made` at the end.

Such a process is a generator. It neither prints nor stores anything. The caller watches it, can stop it by
not asking for the next step, and stores what was made.
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
    """One step of a process.

    done, total: steps taken, and steps in all. total is known from the start; done never falls.
    stage: what is going on, in a few words ("dreaming at 384 px").
    loss: the loss or the objective now, or None where there is none.
    share: how much of the work is done, 0..1, counted by what it costs; None where all steps cost alike.
    preview: gives a picture of the unfinished work (JPEG bytes, longest side at most 768 px). It takes time,
    so call it only to look, and before the next step is asked for.
    """

    done: int
    total: int
    stage: str = ""
    loss: float | None = None
    preview: Callable[[], bytes] | None = None
    share: float | None = None

    @property
    def so_far(self) -> float:
        """`share`, or the share of the steps."""
        return self.share if self.share is not None else self.done / self.total if self.total else 0.0


@dataclass(frozen=True)
class Made:
    """A finished work that is not in a gallery yet.

    recipe: as asked for, completed with `model` and `setting`.
    content: the whole file, with its recipe inside where the format can carry one.
    suffix: ".png". media_type: "image/png".
    thumbnail: JPEG bytes, longest side at most 512 px.
    losses: the loss or objective at every step, as the lessons draw it.
    facts: what is worth knowing about the result, as JSON values: {"size": [768, 576], "bars": 8}.
    """

    recipe: Recipe
    content: bytes
    suffix: str
    media_type: str
    thumbnail: bytes
    losses: tuple[float, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SourceSize:
    """How large a source is, for predictions. role: as in the recipe. bytes: of the file. width, height: in
    pixels, or 0 where it is not a picture.
    """

    role: str
    bytes: int
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Prediction:
    """About what a work takes: seconds, and bytes of memory beside what the studio takes at rest.

    before: how many of the seconds are not spent on its steps but before and after them, such as on loading a
    network. group: works of one kind that differ in their steps, such as those of another network; the times
    of each group are corrected by themselves. once: how many of the seconds, beside `before`, get something
    ready that the next work finds there, such as a style that was never read. shared: names what the work
    shares with others, which find it there. even: whether all its steps go at about one pace; not where parts
    of different kinds follow each other. unsure: by how much the seconds may be off because others use the
    computer, as a natural logarithm.
    """

    seconds: float
    bytes: int
    before: float = 0.0
    group: str = ""
    once: float = 0.0
    shared: str = ""
    even: bool = True
    unsure: float = 0.0


Making = Generator[Progress, None, Made]
Materials = Callable[[Source], bytes]
"""Gives the bytes of a source. Raises `Missing` where there are none, `Refused` when they were changed."""


@dataclass(frozen=True)
class Work:
    """A work in the gallery.

    The recipe stays JSON, so that a gallery can hold kinds of work that this studio does not know. words: the
    recipe in a sentence. losses: NaN where the loss was infinite. parents: ids of the works it was made from.
    on_show: it came with the studio and is in nobody's gallery. starred: somebody likes it. removed_at: since
    when it is in the trash; None for every other work.
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
    on_show: bool = False
    starred: bool = False
    removed_at: datetime | None = None
