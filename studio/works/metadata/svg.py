"""SVG: one metadata element for the recipe, and one for XMP."""

from __future__ import annotations

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
from studio.works.metadata.xmp import xmp
from studio.works.recipe import Recipe


def _insert(content: bytes, recipe: Recipe) -> bytes:
    content = without(content, elements(content, _is_recipe_metadata))
    root = elements(content, lambda path, _attributes: path == "/svg")
    if not root:
        raise NotWhole
    child = f'<metadata id="{KEYWORD}">{recipe_as_xml(recipe)}</metadata>'
    child += f'<metadata id="{KEYWORD}-credits">{xmp(recipe, composite=False)}</metadata>'
    return as_last_child(content, root[0], ascii_bytes(child))


def _is_recipe_metadata(path: str, attributes: dict[str, str]) -> bool:
    return path == "/svg/metadata" and attributes.get("id") in (KEYWORD, f"{KEYWORD}-credits")


def _find(content: bytes) -> bytes | None:
    return text_of(
        content, lambda path, attributes: path == "/svg/metadata" and attributes.get("id") == KEYWORD
    )


SVG = Carrier("SVG", (".svg",), "image/svg+xml", document(rb"(?:svg:)?svg[\s>/]"), _insert, _find, is_cut_off)
