"""Motifs: a few pictures that come with the studio, towards which a look can dream.

    blocks.5.1@buildings             what this layer sees in pictures of buildings

A dream with such a term follows, at every place, what the layer sees in the motif's pictures and is most
similar to what is there, as with a guide of one's own. The files never change: a recipe names them only by
the motif. Light on purpose: nothing here loads torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.errors import Missing, UnknownName

FOLDER = Path(__file__).parent

CC_BY = "CC BY 2.0, https://creativecommons.org/licenses/by/2.0/"
FREE = "public domain"
ZERO = "CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/"


@dataclass(frozen=True)
class MotifPicture:
    """A picture of a motif: its file's name without .jpg, and whose it is."""

    name: str
    title: str
    author: str
    licence: str

    def read(self) -> bytes:
        """Raises `Missing` if its file is not installed."""
        try:
            return (FOLDER / f"{self.name}.jpg").read_bytes()
        except FileNotFoundError:
            raise Missing(
                f"The picture {self.name}.jpg of a look is missing: install the studio again."
            ) from None


MOTIFS: dict[str, tuple[MotifPicture, ...]] = {
    "buildings": (
        MotifPicture("pagoda", "China", "danielbuechele", CC_BY),
        MotifPicture("bridge", "Cincinnati bridge", "Derek Jensen", FREE),
    ),
    "flowers": (
        MotifPicture("dahlia", "Flower", "vultilion", CC_BY),
        MotifPicture("aster", "European honey bee on an aster", "John Severns", FREE),
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
    return "; ".join(f"{each.title} by {each.author} ({each.licence})" for each in motif(name))
