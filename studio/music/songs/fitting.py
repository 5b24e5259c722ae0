"""Words that have more syllables than their song has notes, made to fit: the song gets more bars."""

from __future__ import annotations

from studio.errors import Contradiction
from studio.music.melody.recipes import MOST_BARS
from studio.music.scores.keys import Key
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.sheet import plan_of


def with_room_for_words(recipe: SongRecipe, error: Contradiction) -> SongRecipe | None:
    """The same request with more bars, where its words are to be made to fit and did not; None for any other
    contradiction, or where there cannot be more.
    """
    fields = {each.field for each in error.conflict}
    if not recipe.fit or not recipe.words or not fields & {"words", "words_first"}:
        return None
    bars = _bars(recipe)
    asked = next((way.value for way in error.ways_out if way.field == "bars"), 2 * bars)
    if not bars < asked <= MOST_BARS:
        return None
    return recipe.model_copy(update={"bars": int(asked)})


def fitted_in_words(asked: SongRecipe, made: SongRecipe) -> list[str]:
    """What is said of a song that got more bars for its words."""
    if made.bars == asked.bars:
        return []
    usual = _bars(asked)
    return [f"The song has {made.bars} bars instead of {usual}, so that every syllable has a note."]


def _bars(recipe: SongRecipe) -> int:
    """How many bars it asks for; a key makes no difference."""
    return plan_of(recipe.model_copy(update={"section_keys": ()}), Key.parse("C")).bars
