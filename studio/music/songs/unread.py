"""A style whose melodies nobody asks for, for a melody that is given and gets chords.

    style = unread_style(recipe, materials)       # None where its melodies are needed

What chords a style has comes with the studio as counts, for many a style. A style of the table then need not
be read: the chorales of music21 take half a minute, and their melodies have no part in it.
"""

from __future__ import annotations

import json

from studio.music.harmony.named import CHORD_STYLES
from studio.music.songs.named import SONG_STYLES
from studio.music.songs.recipes import SongRecipe
from studio.music.styles.columns import columns_of
from studio.music.styles.style import Style
from studio.music.styles.table import STYLES
from studio.works.work import Materials


def needs_melodies(recipe: SongRecipe) -> bool:
    """Whether the melodies of its style take part in a song. They do not where a melody is given, its chords
    come with the studio, and no line of a band is compared with them.
    """
    if recipe.source("melody") is None or recipe.band or any(each.role == "tune" for each in recipe.sources):
        return True
    named = SONG_STYLES.get(recipe.style)
    return (recipe.chords_from or (named.chords if named is not None else "")) not in CHORD_STYLES


def unread_style(recipe: SongRecipe, materials: Materials) -> Style | None:
    """The style that a recipe names, without its tunes; None where these are needed, or where what goes into
    the work is no style of the table as it is here.
    """
    from studio.music.styles.opening import read_as

    if needs_melodies(recipe):
        return None
    named, source = SONG_STYLES.get(recipe.style), recipe.source("style")
    name = named.melody if named is not None else recipe.style
    sha256 = read_as(name)
    if source is not None:
        try:
            told = json.loads(materials(source))
            if (told["name"], told["sha256"]) != (name, sha256):
                return None
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
    if sha256 is None:
        return None
    columns, about = columns_of(())
    return UnreadStyle(STYLES[name], sha256, columns, about, (), {})


class UnreadStyle(Style):
    """A style of the table that was not read."""

    def __bool__(self) -> bool:
        """It is a style all the same."""
        return True
