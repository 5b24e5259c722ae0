"""From what a person asked for to a complete recipe. Every way in goes through `ask`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studio.errors import Refused, StudioError
from studio.making.kinds import Kind, Role, kind_of
from studio.works.ingredient import Ingredient
from studio.works.recipe import MOST_CREDIT, Recipe, check

if TYPE_CHECKING:
    from studio.works.gallery import Gallery


def ask(
    kind: str, settings: Mapping[str, Any], ingredients: Iterable[Ingredient], gallery: Gallery
) -> Recipe:
    """The recipe for these settings. Its ingredients are kept in the gallery, so that it can be made now or
    next year.

    settings: parameters of the kind's recipe by name. What is left out comes from the preset, then from the
    recipe's defaults. Nothing is kept unless the settings hold. Raises `UnknownName` or `Refused` for the
    first one that cannot be met, or where a file is missing.
    """
    row = kind_of(kind)
    fields, given = row.prepare(settings, ingredients)
    check(row.recipe_class(), fields)
    given = [_with_inherited_credit(each) for each in given]
    given = row.accompanying(settings, given, gallery)
    given += row.default_ingredients(fields, [each.role for each in given])
    _check_roles(row, given)
    sources = [gallery.keep_ingredient(each) for each in given]
    return check(row.recipe_class(), fields | {"sources": sources})


def check_credit(credit: Mapping[str, str]) -> None:
    """Raises `Refused` for credit that is too long to be kept. credit: title, author and licence as somebody
    gave them; what a file says of itself is shortened instead.
    """
    for name, text in credit.items():
        if len(text) > MOST_CREDIT:
            raise Refused(f"The {name} has {len(text):,} characters; give at most {MOST_CREDIT}.")


def _check_roles(kind: Kind, ingredients: list[Ingredient]) -> None:
    counts = {role.name: 0 for role in kind.roles}
    for each in ingredients:
        counts[each.role] = counts.get(each.role, 0) + 1
    for role in kind.roles:
        if role.needed and not counts[role.name]:
            raise Refused(_without(kind, role))
        if counts[role.name] > 1 and not role.several:
            raise Refused(
                f"The {kind.label.lower()} takes one {role.name}, but {counts[role.name]} were given: "
                "leave the others out."
            )


def _without(kind: Kind, role: Role) -> str:
    """The sentence for a request that lacks what it needs."""
    if role.bundled_as:
        own = next(iter(role.bundled_table()))
        return f"No {role.bundled_as} was given: name a file, or one of the studio's own, such as {own}."
    return f"The {kind.label.lower()} needs a {role.name}: name a file for it."


INHERITED = "from which it was made"
"""Marks credit that came from a work's own sources. It is kept in files: do not reword it."""


def _with_inherited_credit(each: Ingredient) -> Ingredient:
    """A work made from another owes the credit that the other owed. The other's file says which."""
    if each.author or each.licence:
        return each
    from studio.works.metadata import extract

    try:
        inside = extract(each.content)
        if inside is None:
            return each
        recipe = json.loads(inside)
        sources = [
            source for source in recipe.get("sources", ()) if source.get("author") or source.get("licence")
        ]
        authors = {
            _credit(str(source.get("author", "")), str(source.get("title") or source.get("name") or "")): None
            for source in sources
        }
        licences = {str(source["licence"]): None for source in sources if source.get("licence")}
    except (StudioError, ValueError, AttributeError, TypeError):
        # Not a work of ours, or one with a broken recipe. Where that matters, the reader of the file says so.
        return each
    return replace(each, author=_joined(authors), licence=_joined(licences))


def _joined(credits: Iterable[str]) -> str:
    """As many whole credits as there is room for. If some are left out, the text says so."""
    more, joined = "and more, see its recipe", ""
    for credit in filter(None, credits):
        longer = f"{joined}; {credit}" if joined else credit
        if len(longer) + len(more) + 2 > MOST_CREDIT:
            return f"{joined}; {more}" if joined else more
        joined = longer
    return joined


def _credit(author: str, title: str) -> str:
    return author if not author or INHERITED in author else f"{author} ('{title}', {INHERITED})"
