"""The sources a song needs that nobody gave: the styles that its settings name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from studio.errors import UnknownName
from studio.music.melody.sources import default_sources as melody_sources
from studio.music.songs.counted import counted_ingredient
from studio.music.songs.named import SONG_STYLES
from studio.music.songs.recipes import SongRecipe
from studio.music.styles.sources import ingredient_of_style
from studio.works.ingredient import Ingredient

LAYERS = {"melody_from": "melody style", "rhythm_from": "rhythm style"}
"""Settings that name another style for a layer of a song -> the role in which it is credited."""


def default_sources(settings: Mapping[str, Any], roles: Iterable[str]) -> list[Ingredient]:
    """The styles that these settings name, as sources; of the style itself nothing when a style or lead
    sheets are given.

    Raises `UnknownName` for a style that does not exist.
    """
    roles = tuple(roles)
    found = _style_of(settings, roles)
    for field, role in LAYERS.items():
        if (name := str(settings.get(field) or "")) and role not in roles:
            found.append(replace(_named_style(name), role=role))
    return found


def _named_style(name: str) -> Ingredient:
    """The melodies of a style, as `counted.melody_style` opens them."""
    named = SONG_STYLES.get(name)
    if named is not None and named.counted:
        return counted_ingredient(name)
    return ingredient_of_style(named.melody if named is not None else name)


def _style_of(settings: Mapping[str, Any], roles: tuple[str, ...]) -> list[Ingredient]:
    name = str(settings.get("style") or SongRecipe.model_fields["style"].default)
    named = SONG_STYLES.get(name)
    if named is None:
        try:
            return melody_sources({**settings, "style": name}, roles)
        except UnknownName as error:
            raise UnknownName("style", name, [*SONG_STYLES, *error.known]) from None
    if not named.counted:
        return melody_sources({**settings, "style": named.melody}, roles)
    if "tune" in roles or "style" in roles:
        return []
    made = settings.get("setting") or {}  # of a work that is made again: the counts it was drawn from
    rules = made.get("versions", {}).get("drawing", "1") if made else ""
    return [counted_ingredient(named.name, rules)]
