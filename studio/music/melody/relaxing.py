"""Ways out of wishes that conflict: which parameters of a recipe to change, from the sentence that refused
it.

    for way in ways_out(recipe, str(error)):
        way.label, way.field, way.value         # "Leave out the pin 4:1=G4", "pins", ["2:1=note"]

The refusal names wishes as people read them (`constraints.refusal`); a making that ran elsewhere leaves
nothing but that sentence. So each wish of the recipe is named here as `constraints` names it, and looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from studio.music.melody.recipes import ComposeRecipe, read_density


@dataclass(frozen=True)
class WayOut:
    """A single change that may help. label: what it does, in words. field: of the recipe. value: what it
    becomes.
    """

    label: str
    field: str
    value: Any


MORE_NOTES = 4
"""By so many notes a copy limit is loosened at a time."""

NAMES = {
    "scale": "the scale '{}'",
    "range": "the range {}",
    "start": "the start on {}",
    "end": "the end on {}",
    "contour_limit": "at most {} half tones off the contour",
    "pins": "the pin {}",
    "keep": "the kept bars {}",
    "rhythm": "the rhythm '{}'",
    "motifs": "the motif {}",
    "avoid": "avoiding {}",
    "cadences": "the cadence {}",
}
"""Field -> how a wish of it is named. Density and the copy limit are named by their numbers, see `_named`."""


def ways_out(recipe: ComposeRecipe, sentence: str) -> tuple[WayOut, ...]:
    """The single changes that a refusal suggests, in its own order; empty where it suggests none that the
    recipe holds.
    """
    if sentence.startswith(f"The form {recipe.form} cannot be had"):
        return (WayOut("Take a form of the style", "form", "learnt"),)
    # Where several wishes conflict, those that alone would help follow "leave out"; where one cannot be met,
    # it is the one named.
    mends = sentence.rpartition("; leave out ")[2]
    named = sentence if mends.startswith("several") else mends
    found = [(place, way) for name, way in _named(recipe, sentence) if (place := _place(name, named)) >= 0]
    return tuple(way for _, way in sorted(found, key=lambda each: each[0]))


def _named(recipe: ComposeRecipe, sentence: str) -> Iterator[tuple[str, WayOut]]:
    """Every wish of the recipe by its name, with what leaves it out."""
    for field, name in NAMES.items():
        value, default = getattr(recipe, field), ComposeRecipe.model_fields[field].default
        for text in value if isinstance(value, tuple) else [] if value == default else [value]:
            left = [each for each in value if each != text] if isinstance(value, tuple) else default
            yield name.format(text), WayOut(f"Leave out {name.format(text)}", field, left)
    if recipe.density is not None:
        name = "{} to {} notes a bar".format(*read_density(recipe.density))
        yield name, WayOut(f"Leave out {name}", "density", None)
    if limit := re.search(r"at most (\d+) notes in a row as in the style", sentence):
        more = min(int(limit[1]) + MORE_NOTES, 64)
        yield limit[0], WayOut(f"Allow {more} notes in a row as in the style", "max_copy", more)


def _place(name: str, sentence: str) -> int:
    """Where the name stands in the sentence as a whole, and not as the beginning of a longer one; -1 where it
    does not.
    """
    found = re.search(re.escape(name) + r"(?=[,;.]? |[,;.]?$)", sentence)
    return found.start() if found else -1
