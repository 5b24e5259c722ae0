"""The kinds of work: where the recipe and the process of each stand, and how a recipe becomes a work.

A new kind is a recipe class, a process that yields `Progress` and returns a `Made`, and a row in `KINDS`.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from studio.errors import UnknownName, Unreadable
from studio.works.recipe import SCHEMA_VERSION, Recipe, parse_json
from studio.works.work import Making, Materials, Progress, Work

if TYPE_CHECKING:
    from studio.works.gallery import Gallery


@dataclass(frozen=True)
class Kind:
    """A kind of work this studio can make: where its recipe and its process stand. They are imported when
    first used.

    completion: a function from loose wishes to the recipe's fields, such as one that knows the presets; ""
    where wishes are fields.
    brought: a function from wishes and ingredients to both, before anything else is looked at, such as one
    that knows a network in a file.
    implied: a function from wishes and the roles of the files that come with them to further ingredients,
    such as the style that a wish names. roles: what its sources are for, in order; the first is needed,
    unless it is implied.
    """

    name: str
    recipe: str
    process: str
    completion: str = ""
    brought: str = ""
    implied: str = ""
    roles: tuple[str, ...] = ()

    def recipe_class(self) -> type[Recipe]:
        found: type[Recipe] = _find(self.recipe)
        return found

    def implies(self, wishes: Mapping[str, Any], roles: Iterable[str]) -> list[Any]:
        """Ingredients (`studio.making.asking.Ingredient`, by their fields) that the wishes imply. Raises
        `UnknownName`.
        """
        return list(_find(self.implied)(dict(wishes), tuple(roles))) if self.implied else []

    def recognise(
        self, wishes: Mapping[str, Any], ingredients: Iterable[Any]
    ) -> tuple[dict[str, Any], list[Any]]:
        """What was asked for and brought, with what the files themselves tell. Raises `Refused` or
        `Unreadable`.
        """
        return _find(self.brought)(wishes, ingredients) if self.brought else (dict(wishes), list(ingredients))

    def complete(self, wishes: Mapping[str, Any]) -> dict[str, Any]:
        """What was asked for, with what it implies. Raises `UnknownName` for a preset that does not exist."""
        return dict(_find(self.completion)(dict(wishes)) if self.completion else wishes)


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "dream",
            recipe="studio.images.recipes:DreamRecipe",
            process="studio.images.dream:dream",
            completion="studio.images.presets:with_preset",
            brought="studio.images.requests:resolve_weights",
            roles=("photo", "guide", "mask", "weights"),
        ),
        Kind(
            "style",
            recipe="studio.images.recipes:StyleRecipe",
            process="studio.images.style:paint",
            brought="studio.images.requests:resolve_weights_to_paint",
            roles=("photo", "style", "mask", "weights"),
        ),
        Kind(
            "compose",
            recipe="studio.music.melody.recipes:ComposeRecipe",
            process="studio.music.melody.compose:compose",
            implied="studio.music.melody.sources:default_sources",
            roles=("tune", "take", "theme"),
        ),
    )
}


def read_recipe(text: str | bytes, kinds: Mapping[str, Kind] = KINDS) -> Recipe:
    """A recipe of whatever kind, from its JSON. Raises `Unreadable`, or `UnknownName` for a kind this studio
    cannot make.
    """
    try:
        fields = json.loads(text)
        kind = fields["kind"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Unreadable(
            "The recipe is not valid JSON with a kind; restore it from the original file."
        ) from None
    if not isinstance(kind, str):
        raise Unreadable(
            "The recipe does not say what kind of work it is for; restore it from the original file."
        )
    if kind not in kinds:
        if fields.get("schema_version", 0) > SCHEMA_VERSION:
            raise Unreadable(
                f"A newer studio wrote this recipe, for a {kind}, which this one cannot make: update the studio."
            )
        raise UnknownName("kind of work", kind, kinds)
    return parse_json(kinds[kind].recipe_class(), text)


def make(recipe: Recipe, materials: Materials, kinds: Mapping[str, Kind] = KINDS) -> Making:
    """The process that makes this recipe's work: iterate it for progress; its return value is what was made."""
    process = _find(kinds[recipe.kind].process)
    making: Making = process(recipe, materials)
    return making


def run_here(
    recipe: Recipe, gallery: Gallery, kinds: Mapping[str, Kind] = KINDS
) -> Generator[Progress, None, Work]:
    """Make one work in this process with the gallery's sources, and keep it there. Nothing is kept of one
    that is stopped.
    """
    made = yield from make(recipe, gallery.read_source, kinds)
    return gallery.add(made)


def _find(place: str) -> Any:
    module, name = place.split(":")
    return getattr(import_module(module), name)
