"""The sources a song needs that nobody gave: the style its settings name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from studio.errors import UnknownName
from studio.music.melody.sources import default_sources as melody_sources
from studio.music.songs.counted import counted_ingredient
from studio.music.songs.named import SONG_STYLES
from studio.music.songs.recipes import SongRecipe
from studio.works.ingredient import Ingredient


def default_sources(settings: Mapping[str, Any], roles: Iterable[str]) -> list[Ingredient]:
    """The style that these settings name, as a source; nothing when a style or lead sheets are given.

    Raises `UnknownName` for a style that does not exist.
    """
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
