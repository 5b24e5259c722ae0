"""The sources a melody needs that nobody gave: the style its settings name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from studio.errors import UnknownName
from studio.music.melody.recipes import ComposeRecipe
from studio.music.styles.own import catalogue, own_styles
from studio.music.styles.sources import ingredient_of_style
from studio.music.styles.table import STYLES
from studio.works.ingredient import Ingredient


def default_sources(settings: Mapping[str, Any], roles: Iterable[str]) -> list[Ingredient]:
    """The style that these settings name, as a source; nothing when a style or tunes of your own are given.

    settings: fields of the recipe. roles: those of the sources that are given. Raises `UnknownName` for a
    style that does not exist.
    """
    if "tune" in roles or "style" in roles:
        return []
    name = str(settings.get("style") or ComposeRecipe.model_fields["style"].default)
    if name not in STYLES and name not in own_styles():
        raise UnknownName("style", name, [entry.name for entry in catalogue()])
    return [ingredient_of_style(name)]
