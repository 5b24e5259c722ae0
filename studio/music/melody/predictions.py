"""What a melody takes, told from its recipe."""

from __future__ import annotations

from collections.abc import Sequence

from studio.music.melody.recipes import ComposeRecipe
from studio.works.work import Prediction, SourceSize

MIB = 2**20


def predict_melody(recipe: ComposeRecipe, sources: Sequence[SourceSize]) -> Prediction:
    """Reading the style, which is kept for the next melody, and then the bars.

    10 seconds for the style, 0.3 seconds a bar, five times that with a network, and 2 seconds for every
    100 kB of tunes of one's own, which are read for the first time. Memory: 300 MiB, 8 MiB a bar, and two
    hundred times the tunes' bytes (MusicXML as a tree).
    """
    own = sum(source.bytes for source in sources if source.role == "tune")
    bar = 0.3 * (5 if recipe.composer == "lstm" else 1) * max(1, recipe.order)
    return Prediction(10 + bar * recipe.bars + own * 2e-5, (300 + 8 * recipe.bars) * MIB + 200 * own)
