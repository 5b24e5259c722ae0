"""From what a person asked for to a complete recipe. The command line, the app and batches all ask through here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.errors import UnknownName
from studio.kinds import KINDS
from studio.works.recipe import Recipe, check

if TYPE_CHECKING:
    from studio.works.gallery import Gallery


@dataclass(frozen=True)
class Ingredient:
    """A file that goes into a work: what it is for (photo, guide, mask …), its bytes, and the credit it is due."""

    role: str
    content: bytes
    name: str = ""
    title: str = ""
    author: str = ""
    licence: str = ""


def ask(kind: str, wishes: Mapping[str, Any], ingredients: Iterable[Ingredient], gallery: Gallery) -> Recipe:
    """The recipe for these wishes, its ingredients kept in the gallery so that it can be made, now or next year.

    wishes: parameters of the kind's recipe by name; what is left out comes from the preset, then from the recipe's defaults.
    Nothing is kept unless the wishes hold. Raises `UnknownName` or `Refused` with the first wish that cannot be met.
    """
    if kind not in KINDS:
        raise UnknownName("kind of work", kind, KINDS)
    wishes, ingredients = KINDS[kind].recognise(wishes, ingredients)
    fields = KINDS[kind].complete(wishes)
    check(KINDS[kind].recipe_class(), fields)
    ingredients += KINDS[kind].implies(fields, [each.role for each in ingredients])
    sources = [
        gallery.keep_source(each.content, role=each.role, name=each.name, title=each.title, author=each.author, licence=each.licence)
        for each in ingredients
    ]
    return check(KINDS[kind].recipe_class(), fields | {"sources": sources})
