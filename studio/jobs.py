"""Runs recipes: here or on a cluster, surviving a reload and a crash."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from studio.errors import UnknownName, Unreadable
from studio.works.recipe import Recipe, parse_json
from studio.works.work import Making, Materials


@dataclass(frozen=True)
class Kind:
    """A kind of work this studio can make: where its recipe and its process stand. They are imported when first used."""

    name: str
    recipe: str
    process: str

    def recipe_class(self) -> type[Recipe]:
        found: type[Recipe] = _find(self.recipe)
        return found


KINDS = {kind.name: kind for kind in (Kind("dream", "studio.images.recipes:DreamRecipe", "studio.images.dream:dream"),)}


def read_recipe(text: str | bytes) -> Recipe:
    """A recipe of whatever kind, from its JSON. Raises `Unreadable`, or `UnknownName` for a kind this studio cannot make."""
    import json

    try:
        kind = json.loads(text)["kind"]
    except (ValueError, TypeError, KeyError):
        raise Unreadable("The recipe is not valid JSON with a kind; restore it from the original file.") from None
    if kind not in KINDS:
        raise UnknownName("kind of work", str(kind), KINDS)
    return parse_json(KINDS[kind].recipe_class(), text)


def make(recipe: Recipe, materials: Materials) -> Making:
    """The process that makes this recipe's work: iterate it for progress; its return value is what was made."""
    process = _find(KINDS[recipe.kind].process)
    making: Making = process(recipe, materials)
    return making


def _find(place: str) -> Any:
    module, name = place.split(":")
    return getattr(import_module(module), name)
