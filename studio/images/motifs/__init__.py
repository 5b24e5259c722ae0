"""Motifs: a few pictures that come with the studio, towards which a look can dream.

    blocks.5.1@towers                what this layer sees in pictures of towers

A dream with such a term follows, at every place, what the layer sees in the motif's pictures and is most
similar to what is there, as with a guide of one's own. The files never change: a recipe names them only by
the motif. Light on purpose: nothing here loads torch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from studio.errors import Missing, UnknownName

FOLDER = Path(__file__).parent

CC_BY = "CC BY 2.0, https://creativecommons.org/licenses/by/2.0/"
CC_BY_4 = "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
FREE = "public domain"
ZERO = "CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/"


WHOLE = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class MotifPicture:
    """A picture of a motif: its file's name without .jpg, and whose it is. part: what is looked at of it,
    from the left, the top, to the right and the bottom, as shares of its sides.
    """

    name: str
    title: str
    author: str
    licence: str
    part: tuple[float, float, float, float] = WHOLE

    def read(self) -> bytes:
        """Raises `Missing` if its file is not installed."""
        try:
            return (FOLDER / f"{self.name}.jpg").read_bytes()
        except FileNotFoundError:
            raise Missing(
                f"The picture {self.name}.jpg of a look is missing: install the studio again."
            ) from None


_PAGODA = MotifPicture("pagoda", "China", "danielbuechele", CC_BY)
_BRIDGE = MotifPicture("bridge", "Cincinnati bridge", "Derek Jensen", FREE)
_DAHLIA = MotifPicture("dahlia", "Flower", "vultilion", CC_BY)
_ASTER = MotifPicture("aster", "European honey bee on an aster", "John Severns", FREE)

# A motif's pictures show nothing but the motif: else a dream makes a sky more like the sky of theirs. Those
# of "buildings" and "flowers" are whole, as they were when the first works were dreamt towards them.
MOTIFS: dict[str, tuple[MotifPicture, ...]] = {
    "buildings": (_PAGODA, _BRIDGE),
    "flowers": (_DAHLIA, _ASTER),
    "towers": (
        replace(_PAGODA, part=(0.15, 0.22, 0.5, 0.78)),
        replace(_BRIDGE, part=(0.27, 0.12, 0.56, 0.75)),
    ),
    "blossoms": (
        replace(_DAHLIA, part=(0.38, 0.2, 0.7, 0.68)),
        replace(_ASTER, part=(0.3, 0.33, 1.0, 0.9)),
    ),
    "animals": (
        MotifPicture("cat", "Chelsea", "Stéfan van der Walt", ZERO, (0.18, 0.05, 1.0, 0.95)),
        MotifPicture("spaniel", "Dogs", "Aitzol Berasategi", CC_BY_4),
        MotifPicture("spaniel-puppy", "Dogs", "Aitzol Berasategi", CC_BY_4),
    ),
    "leaded-glass": (MotifPicture("glass", "Leaded glass", "Derivative Works Studio", ZERO),),
}


def motif(name: str) -> tuple[MotifPicture, ...]:
    """The pictures of a motif. Raises `UnknownName`."""
    if name not in MOTIFS:
        raise UnknownName("motif", name, MOTIFS)
    return MOTIFS[name]


def credit_of(name: str) -> str:
    """Whose pictures a motif is made of, in a line."""
    credits = (f"{each.title} by {each.author} ({each.licence})" for each in motif(name))
    return "; ".join(dict.fromkeys(credits))
