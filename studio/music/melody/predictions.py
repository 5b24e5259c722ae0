"""What a melody takes, told from its recipe."""

from __future__ import annotations

from collections.abc import Sequence

from studio.music.melody.recipes import ComposeRecipe
from studio.works.work import Prediction, SourceSize

MIB = 2**20


def predict_melody(recipe: ComposeRecipe, sources: Sequence[SourceSize]) -> Prediction:
    """Reading the style, which is kept for the next melody, and then the bars.

    3 seconds, 0.15 seconds a bar, twice that with a network, and 2 seconds for every 100 kB of tunes of one's
    own. Memory: 250 MiB, 15 MiB a bar, and two hundred times the tunes' bytes (MusicXML as a tree). Measured
    with ryans-mammoth: 4 bars 2.2 s of the processor and 252 MiB; 16 bars 3.0 s and 370 MiB; 32 bars 7.5 s
    and 701 MiB; 16 bars with the network 6.9 s and 521 MiB. Other styles take less.
    """
    own = sum(source.bytes for source in sources if source.role == "tune")
    bars = 0.15 * recipe.bars * (2 if recipe.composer == "lstm" else 1)
    return Prediction(3 + bars + own * 2e-5, (250 + 15 * recipe.bars) * MIB + 200 * own)


def is_light(recipe: ComposeRecipe) -> bool:  # noqa: ARG001
    """A melody never waits for a painting."""
    return True
