"""The studio's own paintings, for painting a photo in their style. Each was made by a program (`by_rule`),
without any learning, except for one that the studio dreamt, which hangs in its gallery.

    studio style photo.jpg glass -o painted.png

They are free to use (CC0). To make them again:  python -m studio.images.paintings.by_rule
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import Missing, UnknownName
from studio.works.shipped import shipped

if TYPE_CHECKING:
    from studio.works.ingredient import Ingredient

FOLDER = Path(__file__).with_name("pictures")
AUTHOR = "Derivative Works Studio"
LICENCE = "CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/"


@dataclass(frozen=True)
class Painting:
    """One of the studio's own paintings. name: in commands; sentence: how it was made. on_show: its file in
    gallery/, where it is a work on show; empty for those that were painted by rule.
    """

    name: str
    title: str
    sentence: str
    on_show: str = ""

    @property
    def path(self) -> Path:
        """Its file. Raises `Missing` where the gallery of this installation is missing."""
        return shipped("gallery") / self.on_show if self.on_show else FOLDER / f"{self.name}.jpg"

    @property
    def thumbnail(self) -> Path:
        return FOLDER / "small" / f"{self.name}.jpg"

    def ingredient(self) -> Ingredient:
        """The painting as the source of a style. Raises `Missing` if its file is not installed."""
        from studio.works.ingredient import Ingredient

        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            raise Missing(
                f"The studio's painting '{self.name}' is missing from this "
                "installation: install the studio again."
            ) from None
        return Ingredient("style", content, self.path.name, self.title, AUTHOR, LICENCE)


PAINTINGS = {
    painting.name: painting
    for painting in (
        Painting(
            "whirls",
            "Night wind",
            "Thousands of brush strokes that follow a swirling wind, yellow around the eddies.",
        ),
        Painting(
            "glass",
            "Leaded glass",
            "Two hundred panes of coloured glass with lead between them, drawn as a Voronoi diagram.",
        ),
        Painting(
            "marbling",
            "Marbled paper",
            "Drops of paint push each other aside; then combs are drawn through them.",
        ),
        Painting("woodcut", "Woodcut", "Contour lines of hilly ground, thicker where it is darker."),
        Painting(
            "points",
            "Evening sea",
            "Dots of divided colour that the eye mixes, as in pointillism.",
        ),
        Painting(
            "watercolour",
            "Watercolours",
            "Washes of thin, overlapping layers, darker at the edges where they dried.",
        ),
        Painting("planes", "Planes", "Discs, arcs, bars and chequers, scattered at random at a few angles."),
        Painting(
            "mosaic",
            "Dunes, a dream in mosaic",
            "Moonlit dunes that the studio dreamt into tiles: the only one that no rule painted.",
            on_show="dunes-creatures-mosaic.png",
        ),
    )
}


def painting(name: str) -> Painting:
    """The painting of that name. Raises `UnknownName`."""
    if name not in PAINTINGS:
        raise UnknownName("painting", name, PAINTINGS)
    return PAINTINGS[name]


__all__ = ["PAINTINGS", "Painting", "painting"]
