"""MusicXML 4.0: the recipe is a miscellaneous field of the score's identification."""

from __future__ import annotations

import re

from studio.works.metadata.carrier import KEYWORD, Carrier, NotWhole
from studio.works.metadata.xml import (
    as_last_child,
    ascii_bytes,
    document,
    elements,
    is_cut_off,
    recipe_as_xml,
    text_of,
    without,
)
from studio.works.recipe import Recipe


def insert(content: bytes, recipe: Recipe) -> bytes:
    """The score with the recipe in identification/miscellaneous/miscellaneous-field.

    Elements that are missing are added in the order that the schema asks for.
    """
    content = without(content, elements(content, _is_recipe_field))
    places = {
        place.path.split("/", 2)[2]: place for place in reversed(elements(content, _is_place_for_recipe))
    }
    child = f'<miscellaneous-field name="{KEYWORD}">{recipe_as_xml(recipe)}</miscellaneous-field>'
    if "identification/miscellaneous" in places:
        return as_last_child(content, places["identification/miscellaneous"], ascii_bytes(child))
    child = f"<miscellaneous>{child}</miscellaneous>"
    if "identification" in places:
        return as_last_child(content, places["identification"], ascii_bytes(child))
    before = min((place.start for place in places.values()), default=None)
    if before is None:
        raise NotWhole
    return content[:before] + ascii_bytes(f"<identification>{child}</identification>") + content[before:]


def find(content: bytes) -> bytes | None:
    """The recipe's bytes, or None."""
    return text_of(content, _is_recipe_field)


def _is_recipe_field(path: str, attributes: dict[str, str]) -> bool:
    return (
        path.endswith("/identification/miscellaneous/miscellaneous-field")
        and attributes.get("name") == KEYWORD
    )


def _is_place_for_recipe(path: str, _attributes: dict[str, str]) -> bool:
    return (
        re.fullmatch(
            r"/score-(partwise|timewise)/(identification(/miscellaneous)?|defaults|credit|part-list)", path
        )
        is not None
    )


MUSICXML = Carrier(
    "MusicXML",
    (".musicxml", ".xml"),
    "application/vnd.recordare.musicxml+xml",
    document(rb"score-(?:partwise|timewise)[\s>]"),
    insert,
    find,
    is_cut_off,
)
