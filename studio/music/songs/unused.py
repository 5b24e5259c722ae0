"""What is said of settings that have nothing to act on: those of a melody where one is given, of chords where
all of them are, and of keys where no section can change its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from studio.music.melody.constraints import CONSTRAINTS
from studio.music.scores.keys import Key
from studio.music.songs.recipes import SongRecipe, read_row, read_section_key

if TYPE_CHECKING:
    from studio.music.songs.sheet import SheetDesk

STAYS = frozenset({"bars", "keep", "max_copy", "theme_pull"})
"""Constraints that ask nothing of a given melody, or of which others tell what it makes of them."""


def unused_with_melody(recipe: SongRecipe, bars: int) -> list[str]:
    """Of a melody of so many bars that is given and gets chords."""
    told: list[str] = []
    for row in CONSTRAINTS:
        if row.field not in STAYS and row.is_set(recipe):
            value = getattr(recipe, row.field)
            told += map(row.name, value) if row.each else [row.name(value)]
    for field, what in (("melody_from", "melodies"), ("rhythm_from", "rhythms")):
        if name := getattr(recipe, field):
            told.append(f"{what} like those of {name}")
    told += (f"the key {key.short()} of section {letter}" for letter, key in _section_keys(recipe))
    told += [KEYS] * (recipe.modulation == "learnt") + ["a pick-up"] * (recipe.pickup != "none")
    given = read_row(recipe.chords)
    if len(given) == bars and all(words is not None for words in given):
        return [*_said("Your melody stays as it is", told), *_said(GIVEN, _of_chords(recipe))]
    return _said("Your melody stays as it is", [*told, *_copies(recipe)])


def unused_in_song(recipe: SongRecipe, desk: SheetDesk) -> list[str]:
    """Of a song that is drawn."""
    found = []
    if desk.chords.settled is not None:
        every = GIVEN if recipe.chords and not recipe.keeps_more else "All chords are given or kept"
        found += _said(every, _of_chords(recipe))
    if recipe.modulation == "learnt" and not desk.may_change_key:
        found += _said("Every section has its key", [KEYS])
    return found


def unused_where_kept(recipe: SongRecipe) -> list[str]:
    """Of a song of which everything is kept."""
    keys = [KEYS] * (recipe.modulation == "learnt")
    return _said("Melody and chords are kept", [*_of_chords(recipe), *keys])


GIVEN = "Your chords stay as they are"
KEYS = "keys as in the style's songs"


def _section_keys(recipe: SongRecipe) -> Iterable[tuple[str, Key]]:
    return map(read_section_key, recipe.section_keys)


def _of_chords(recipe: SongRecipe) -> Iterator[str]:
    if recipe.daring is not None:
        yield f"the daring {recipe.daring:g}"
    yield from _copies(recipe)


def _copies(recipe: SongRecipe) -> Iterator[str]:
    if recipe.max_chord_copy is not None:
        yield f"at most {recipe.max_chord_copy} chords in a row as in the style"


def _said(why: str, told: Iterable[str]) -> list[str]:
    listed = ", ".join(told)
    return [f"{why}; not used: {listed}."] if listed else []
