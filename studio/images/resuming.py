"""How a dream or a painting goes on from where an earlier one ended. Loads no torch.

fields = resumed(recipe, (768, 512), steps=None)     # of the recipe that deepens it
"""

from __future__ import annotations

from typing import Any

from studio.errors import Refused
from studio.images.planning import Size, painting_sizes, plan_octaves
from studio.images.recipes import DreamRecipe, StyleRecipe

MOST_STEPS = 100_000


def resumed(recipe: DreamRecipe | StyleRecipe, size: tuple[int, int], steps: int | None) -> dict[str, Any]:
    """The fields in which the recipe of a deeper work differs from that of the earlier one, which gave a
    picture of this size (width, height).

    steps: to take; by default those that were left out where the earlier one was stopped, or else a third of
    the whole. Raises `Refused` for what was painted at once, and for a number out of range.
    """
    if isinstance(recipe, StyleRecipe) and recipe.painter == "instant":
        raise Refused(
            "This was painted at once, so there are no steps to go on with: choose another painter."
        )
    whole = sum(each.steps for each in _planned(recipe, size))
    taken = recipe.stop_after or recipe.more or whole
    behind = recipe.begin_at + taken
    more = steps or (whole - behind if behind < whole else max(1, round(whole / 3)))
    if not 1 <= more <= MOST_STEPS:
        raise Refused(f"A work cannot go on for {more} steps: choose 1 to {MOST_STEPS:,}.")
    return {"begin_at": behind, "more": more, "stop_after": 0, "size": max(size), "print": ""}


def _planned(recipe: DreamRecipe | StyleRecipe, size: tuple[int, int]) -> list[Size]:
    width, height = size
    if isinstance(recipe, DreamRecipe):
        return plan_octaves(height, width, recipe)
    # What goes on is painted by today's rules, whatever the earlier work was painted by.
    return painting_sizes(height, width, recipe.model_copy(update={"setting": None}))
