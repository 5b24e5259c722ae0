"""The last step of every kind of work: the recipe is completed and goes into the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studio.works.metadata import can_carry, embed
from studio.works.recipe import ModelIdentity, Recipe, Setting
from studio.works.work import Made


@dataclass(frozen=True)
class Result:
    """What was made, before its recipe is inside.

    content: the file's bytes. suffix: such as ".png". thumbnail: JPEG, longest side at most 512 px.
    losses: the objective at every step. facts: what is worth knowing about the result, as JSON values.
    """

    content: bytes
    suffix: str
    media_type: str
    thumbnail: bytes
    losses: Sequence[float] = ()
    facts: Mapping[str, Any] | None = None


def finish_work(recipe: Recipe, result: Result, *, model: ModelIdentity | None, setting: Setting) -> Made:
    """The finished work: `recipe` completed with the network that took part and what it was made on, and
    embedded in the file where the format can carry it.
    """
    complete = recipe.model_copy(update={"model": model, "setting": setting})
    content = result.content
    return Made(
        recipe=complete,
        content=embed(content, result.suffix, complete) if can_carry(result.suffix) else content,
        suffix=result.suffix,
        media_type=result.media_type,
        thumbnail=result.thumbnail,
        losses=tuple(result.losses),
        facts=dict(result.facts or {}),
    )
