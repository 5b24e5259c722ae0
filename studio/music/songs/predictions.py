"""What a song takes, told from its recipe."""

from __future__ import annotations

from collections.abc import Sequence

from studio.music.songs.recipes import SongRecipe
from studio.works.work import Prediction, SourceSize

MIB = 2**20


def predict_song(recipe: SongRecipe, sources: Sequence[SourceSize]) -> Prediction:
    """Reading and learning the style, then chords and melody; with a band its parts, and sound where it is
    one.

    3 seconds, 0.05 seconds a bar, 2 seconds for every 100 kB of tunes of one's own that are files, and half a
    second a bar for a band's sound, where it is a recording. Memory: 300 MiB, 8 MiB a bar, and two hundred
    times the tunes' bytes.
    """
    own = sum(source.bytes for source in sources if source.role == "tune")
    bars = recipe.bars or 32
    played = 0.5 * bars if recipe.band and not is_light(recipe) else 0.0
    return Prediction(3 + 0.05 * bars + played + own * 2e-5, (300 + 8 * bars) * MIB + 200 * own)


def is_light(recipe: SongRecipe) -> bool:
    """Whether it waits for no heavy work: notes are drawn in a moment, a band's sound takes longer."""
    return recipe.format not in ("wav", "flac", "mp3")
