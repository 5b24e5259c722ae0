"""From what a person asked for to a complete recipe. The command line, the app and batches all ask through
here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studio.errors import StudioError, UnknownName
from studio.making.kinds import KINDS
from studio.works.ingredient import Ingredient
from studio.works.recipe import MOST_CREDIT, Recipe, check

if TYPE_CHECKING:
    from studio.works.gallery import Gallery


def ask(kind: str, wishes: Mapping[str, Any], ingredients: Iterable[Ingredient], gallery: Gallery) -> Recipe:
    """The recipe for these wishes, its ingredients kept in the gallery so that it can be made, now or next
    year.

    wishes: parameters of the kind's recipe by name; what is left out comes from the preset, then from the
    recipe's defaults. Nothing is kept unless the wishes hold. Raises `UnknownName` or `Refused` with the
    first wish that cannot be met.
    """
    if kind not in KINDS:
        raise UnknownName("kind of work", kind, KINDS)
    wishes, ingredients = KINDS[kind].recognise(wishes, ingredients)
    fields = KINDS[kind].complete(wishes)
    check(KINDS[kind].recipe_class(), fields)
    ingredients = [_with_credit_handed_on(each) for each in ingredients]
    ingredients += KINDS[kind].implies(fields, [each.role for each in ingredients])
    sources = [
        gallery.keep_source(
            each.content,
            role=each.role,
            name=each.name,
            title=each.title,
            author=each.author,
            licence=each.licence,
        )
        for each in ingredients
    ]
    return check(KINDS[kind].recipe_class(), fields | {"sources": sources})


HANDED_ON = "from which it was made"


def _with_credit_handed_on(each: Ingredient) -> Ingredient:
    """Who makes something from a work of the studio owes the credit that the work itself owed; its file tells
    of it.
    """
    if each.author or each.licence:
        return each
    from studio.works.metadata import extract

    try:
        recipe = json.loads(extract(each.content) or "{}")
        sources = [
            source for source in recipe.get("sources", ()) if source.get("author") or source.get("licence")
        ]
        owed = {
            _owed(str(source.get("author", "")), str(source.get("title") or source.get("name") or "")): None
            for source in sources
        }
        licences = {str(source["licence"]): None for source in sources if source.get("licence")}
    except (StudioError, ValueError, AttributeError, TypeError):
        return each  # no work of ours, or one whose recipe was broken: whoever reads it as a picture says so where it matters
    return replace(each, author=_listed(owed), licence=_listed(licences))


def _listed(credits: Iterable[str]) -> str:
    """As many of them, whole, as a source has room for; that there are more is said."""
    more, listed = "and more, see its recipe", ""
    for credit in filter(None, credits):
        longer = f"{listed}; {credit}" if listed else credit
        if len(longer) + len(more) + 2 > MOST_CREDIT:
            return f"{listed}; {more}" if listed else more
        listed = longer
    return listed


def _owed(author: str, title: str) -> str:
    return author if not author or HANDED_ON in author else f"{author} ('{title}', {HANDED_ON})"
