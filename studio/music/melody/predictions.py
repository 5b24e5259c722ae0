"""What a melody takes, told from its recipe."""

from __future__ import annotations

from collections.abc import Sequence

from studio.music.melody.recipes import MAKES_NO_DIFFERENCE, ComposeRecipe
from studio.works.work import Prediction, SourceSize

MIB = 2**20


def predict_melody(recipe: ComposeRecipe, sources: Sequence[SourceSize]) -> Prediction:
    """Learning from the style, which is kept for the next melody, and then the bars.

    0.6 seconds, 0.04 seconds a bar, or 0.3 with a network, and 2 seconds for every 100 kB of tunes of one's
    own. A style that was never read in this home takes longer, once; another take of the same settings leaves
    out what comes before. Memory: 250 MiB, 15 MiB a bar, and two
    hundred times the tunes' bytes (MusicXML as a tree). Measured with ryans-mammoth once it is learnt: 16
    bars 0.9 s. Memory of 4 bars 252 MiB; 16 bars 370 MiB; 32 bars 701 MiB; 16 bars with the network 521 MiB.
    Other styles take less.
    """
    own = sum(source.bytes for source in sources if source.role == "tune")
    once = 0.0 if own else seconds_to_read(recipe.style)
    bars = recipe.bars * (0.3 if recipe.composer == "lstm" else 0.04)
    before = 0.6 + own * 2e-5
    return Prediction(
        before + once + bars,
        (250 + 15 * recipe.bars) * MIB + 200 * own,
        before,
        f"compose {recipe.composer}",
        once,
        recipe.model_copy(update=MAKES_NO_DIFFERENCE).to_json(),
    )


def seconds_to_read(name: str) -> float:
    """Seconds for reading and learning a style that comes with the studio and was never read in this home:
    three milliseconds a tune. 0.0 for every other.
    """
    from studio.music.styles.opening import is_read
    from studio.music.styles.table import STYLES

    entry = STYLES.get(name)
    return 0.0 if entry is None or is_read(entry) else 0.003 * entry.tunes


def is_light(recipe: ComposeRecipe) -> bool:  # noqa: ARG001
    """A melody never waits for a painting."""
    return True
