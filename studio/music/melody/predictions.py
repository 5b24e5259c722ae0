"""What a melody takes, told from its recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studio.music.melody.recipes import MAKES_NO_DIFFERENCE, ComposeRecipe
from studio.music.styles.kept import KeptArrays
from studio.music.styles.table import STYLES
from studio.works.recipe import Recipe
from studio.works.work import Prediction, SourceSize

MIB = 2**20


@dataclass(frozen=True)
class MelodyCosts:
    """Seconds that the parts of a melody take on an ordinary computer.

    reading: a style that was never read in this home, and tunes of one's own. learning: from the style; the
    next melody with these settings finds it there. once: how much of it the next melody in another process
    finds there too. drawing, writing: of every melody. tunes_given: whether its style is tunes of one's own.
    """

    reading: float
    learning: float
    once: float
    drawing: float
    writing: float
    tunes_given: bool = False

    @property
    def seconds(self) -> float:
        return self.reading + self.learning + self.drawing + self.writing


def predict_melody(recipe: ComposeRecipe, sources: Sequence[SourceSize]) -> Prediction:
    """Learning from the style, which is kept for the next melody, and then the bars.

    See `costs_of`. A style that was never read in this home, or not learnt in this meter and key, takes
    longer, once; another take of the same settings leaves out what comes before. Memory: 250 MiB, 15 MiB a
    bar, and two hundred times the tunes' bytes (MusicXML as a tree). Memory of 4 bars 252 MiB; 16 bars
    370 MiB; 32 bars 701 MiB; 16 bars with the network 521 MiB.
    """
    own = sum(source.bytes for source in sources if source.role == "tune")
    costs = costs_of(recipe, own)
    once = costs.once if own else costs.once + costs.reading
    return Prediction(
        costs.seconds,
        (250 + 15 * recipe.bars) * MIB + 200 * own,
        costs.learning - costs.once + (costs.reading if own else 0.0),
        f"compose {recipe.composer} {'own' if own else recipe.style}"[:LONGEST_GROUP],
        once,
        recipe.model_copy(update=MAKES_NO_DIFFERENCE).to_json(),
        even=False,
    )


LONGEST_GROUP = 80
"""Letters of the name by which the times of works are kept."""

TUNE_BYTES, USUAL_TUNES = 2000, 300
"""Bytes of a tune of one's own, on average, and the tunes of a style whose number is not known."""


def own_bytes(recipe: Recipe) -> int:
    """About how many bytes the recipe's own tunes have."""
    return TUNE_BYTES * sum(source.role == "tune" for source in recipe.sources)


def costs_of(recipe: ComposeRecipe, own: int = 0) -> MelodyCosts:
    """What its parts take. own: bytes of tunes of one's own.

    Learning goes by the tunes of a style, and drawing by those and by the bars: every bar that is settled
    weighs all ways through the tune anew, and the more bars there are, the more of them return. Measured on a
    quiet computer: ryans-mammoth, with 1059 tunes, learnt 0.9 s, 16 bars 0.4; oneill, with 2009, learnt 1.6 s
    or 4.0 where it was not kept, 32 bars 2, and from one to six, since forms differ.
    """
    entry = STYLES.get(recipe.style) if not own else None
    tunes = entry.tunes if entry is not None and entry.tunes else _own_tunes(recipe, own) or USUAL_TUNES
    large = tunes / 1000
    once = 0.0 if _is_learnt(recipe, own) else 1.2 * large
    a_bar = 0.004 + 0.018 * large**1.3 * (recipe.bars / 16) ** 0.5 / (5 if recipe.form == "free" else 1)
    return MelodyCosts(
        reading=seconds_to_read_own(recipe, own) if own else seconds_to_read(recipe.style),
        learning=0.15 + 0.7 * large + once,
        once=once,
        drawing=recipe.bars * (0.3 if recipe.composer == "lstm" else a_bar),
        writing=0.08,
        tunes_given=bool(own),
    )


def note_learnt(sha256: str, recipe: ComposeRecipe) -> None:
    """What melodies like this one need was learnt from a style, and is kept."""
    mark = _mark(sha256, recipe)
    if not mark.there():
        mark.save({})


def _is_learnt(recipe: ComposeRecipe, own: int) -> bool:
    """Whether what it needs was learnt before. Tunes of one's own are few, so that learning takes no time."""
    from studio.music.styles.opening import read_as

    sha256 = None if own else read_as(recipe.style)
    return True if sha256 is None else _mark(sha256, recipe).there()


def _mark(sha256: str, recipe: ComposeRecipe) -> KeptArrays:
    return KeptArrays.of("ready", sha256, recipe.meter, recipe.key, recipe.order)


def seconds_to_read(name: str) -> float:
    """Seconds for reading and learning a style that comes with the studio and was never read in this home.
    0.0 for every other.
    """
    from studio.music.styles.opening import is_read

    entry = STYLES.get(name)
    if entry is None or is_read(entry):
        return 0.0
    suffix = entry.files[0].rpartition(".")[2] if entry.files else ""
    return READING.get(suffix, 0.003) * entry.tunes


READING = {"mxl": 0.045, "xml": 0.1, "krn": 0.012}
"""Seconds that a tune of a style takes to be read from scores of several voices, where two processors read;
one in ABC takes three milliseconds.
"""


def seconds_to_read_own(recipe: ComposeRecipe, own: int) -> float:
    """Seconds for reading tunes of one's own. own: their bytes, of which plain MusicXML has thirty times as
    many as other files of the same tunes. Measured on a quiet computer: 60 tunes in MusicXML 1.5 s (3.7 MB)
    or compressed 1.3 s (0.2 MB), in ABC 0.7 s.
    """
    return 0.4 + 0.013 * _own_tunes(recipe, own) + 3e-7 * own if own else 0.0


def _own_tunes(recipe: ComposeRecipe, own: int) -> float:
    """About how many: a file is a tune, but one that is alone may be a collection."""
    files = sum(source.role == "tune" for source in recipe.sources)
    return files if files > 1 else own / TUNE_BYTES


def is_light(recipe: ComposeRecipe) -> bool:  # noqa: ARG001
    """A melody never waits for a painting."""
    return True
